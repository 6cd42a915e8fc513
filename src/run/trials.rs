//! The scenarios as libtest trials: the same names, filters and output that Rust's own tests have.

use std::sync::Arc;

use libtest_mimic::{Completion, Failed, Trial};
use tokio::runtime::Handle;

use super::{ScenarioResult, Session, Weight};
use crate::{judge::Verdict, scenario::Scenario};

/// How a failed trial is explained.
pub type Explain = Arc<dyn Fn(&ScenarioResult) -> String + Send + Sync>;

/// Trials with the runtime that they run on.
pub struct Trials {
    /// One per scenario.
    pub trials: Vec<Trial>,
}

/// Makes a trial of each scenario. Outside a run (for `--list`) the session may be absent.
pub fn trials(scenarios: &[&Scenario], session: Option<(Arc<Session>, Handle)>, explain: &Explain) -> Trials {
    let trials = scenarios
        .iter()
        .map(|scenario| {
            let scenario = Scenario::clone(scenario);
            let session = session.clone();
            let explain = Arc::clone(explain);
            Trial::ignorable_test(scenario.test_name(), move || match session {
                Some((session, handle)) => {
                    let result = handle.block_on(session.run_guarded(&scenario));
                    completion(&session, &result, &explain)
                }
                None => Ok(Completion::ignored_with("not run")),
            })
        })
        .collect();
    Trials { trials }
}

fn completion(session: &Session, result: &ScenarioResult, explain: &Explain) -> Result<Completion, Failed> {
    let reason = || result.reason.clone().unwrap_or_default();
    match (result.verdict, session.weight(result)) {
        (Verdict::NotApplicable, _) => Ok(Completion::ignored_with(reason())),
        (Verdict::Inconclusive, Weight::Fine | Weight::Remark) => {
            Ok(Completion::ignored_with(format!("inconclusive: {}", reason())))
        }
        (_, Weight::Fine | Weight::Remark) => Ok(Completion::Completed),
        _ => Err(Failed::from(explain(result).trim_end())),
    }
}
