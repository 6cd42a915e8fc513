//! The judge: exchanges, expectations and facts in, findings out. Pure: no I/O, no HTTP client, no clock of its
//! own, so that a recorded run can be judged again. Knows `spec`, `scenario`, `target`, `token` and `wire` as data.

mod claims;
mod code;
mod declared;
mod facts;
mod finding;
mod oracle_error;
mod oracle_success;
mod outcome;
mod truth;

pub use facts::{Issued, RunFacts, StepFacts, StepKind};
pub use finding::{Cause, FailClass, Finding, Verdict};
pub use outcome::{Outcome, outcome_of};

use crate::scenario::Expect;

/// Judges one step: the generic oracles, then what the scenario declares.
pub fn judge(run: &RunFacts, step: &StepFacts<'_>, expect: Option<&Expect>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, _) in step.exchanges.iter().enumerate() {
        let outcome = step.outcome(i);
        if step.kind.is_token_endpoint() {
            match &outcome {
                Outcome::Accepted => findings.extend(oracle_success::judge(run, step, i)),
                Outcome::Refused => {
                    findings.extend(oracle_error::judge(run, step, i, refusal_row(run, expect)))
                }
                Outcome::Unavailable(_) | Outcome::NoAnswer(_) => {}
            }
        }
    }
    if let Some(expect) = expect {
        findings.extend(declared::judge(run, step, expect));
    }
    findings
}

fn refusal_row<'a>(run: &'a RunFacts, expect: Option<&Expect>) -> Option<&'a crate::spec::DecisionRow> {
    expect.and_then(|e| e.refusal.as_ref()).and_then(|r| run.catalogue.row(&r.row))
}
