//! A whole run: preflight, trials, controls once more at the end, the result.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt;

use super::{Context, Event, Listener, RunResult, ScenarioResult, Weight, execute::not_succeeded};
use crate::{
    judge::{Cause, FailClass, Finding, Verdict, oracle_requirements},
    scenario::Scenario,
    spec::Level,
};

/// Whether a finding holds against the server that, or how, it refused. In a scenario of one request, that means
/// nothing if the control is refused as well. (In a chain, the control is the step before.)
fn is_refusal(result: &ScenarioResult, finding: &Finding) -> bool {
    let refused = finding
        .exchange
        .and_then(|i| result.exchanges.get(i)?.response.as_ref())
        .is_some_and(|response| response.status >= 400);
    let says_so = match finding.class {
        // What should have been granted: no generic oracle says that, though a scenario may bind it to one's line.
        Some(FailClass::Refused) => true,
        Some(FailClass::WrongForm) => !oracle_requirements().contains(&finding.requirement.as_str()),
        _ => false,
    };
    refused && says_so && finding.verdict == Verdict::Fail
}

/// What decides over the run's outcome.
#[derive(Debug, Clone)]
pub struct Options {
    /// Violations of this level or above fail the run.
    pub fail_on: Level,
    /// Causes of inconclusive verdicts that are accepted.
    pub allow_inconclusive: BTreeSet<Cause>,
    /// Whether filters left scenarios of the profile out: such a run is never conformant as a whole.
    pub filtered: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { fail_on: Level::Must, allow_inconclusive: BTreeSet::new(), filtered: false }
    }
}

/// A run in progress. Shared by the trials.
pub struct Session {
    /// What the scenarios share.
    pub context: Arc<Context>,
    /// What decides over the outcome.
    pub options: Options,
    results: Mutex<BTreeMap<String, Arc<ScenarioResult>>>,
    listeners: Mutex<Vec<Box<dyn Listener>>>,
}

impl Session {
    /// Starts a session; the listeners hear of everything.
    pub fn new(context: Arc<Context>, options: Options, listeners: Vec<Box<dyn Listener>>) -> Self {
        Self { context, options, results: Mutex::default(), listeners: Mutex::new(listeners) }
    }

    /// Tells the listeners.
    pub fn tell(&self, event: &Event) {
        for listener in self.listeners.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            listener.on(event);
        }
    }

    /// Runs one scenario and keeps its result.
    pub async fn run(&self, scenario: &Scenario) -> Arc<ScenarioResult> {
        let result = match std::panic::AssertUnwindSafe(self.context.result(scenario)).catch_unwind().await {
            Ok(result) => result,
            Err(_) => {
                // A bug of ours must not make a scenario vanish from the result.
                let mut broken = ScenarioResult::new(scenario);
                broken.verdict = Verdict::Error;
                broken.reason = Some("txspec failed while judging this scenario: please report it".into());
                Arc::new(broken)
            }
        };
        self.results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(result.id.clone(), Arc::clone(&result));
        self.tell(&Event::Finished(Arc::clone(&result)));
        result
    }

    /// How heavy a result weighs in this session.
    pub fn weight(&self, result: &ScenarioResult) -> Weight {
        result.weight(self.options.fail_on, &self.options.allow_inconclusive)
    }

    /// Runs the controls of all refusals once more: a lock-out, a rate limit or a one-time token would have made
    /// every later refusal look right. Verdicts whose control no longer succeeds are taken back.
    pub async fn recheck_controls(&self) {
        if self.context.sender.is_interrupted() {
            return;
        }
        let mut by_control: BTreeMap<String, Vec<Arc<ScenarioResult>>> = BTreeMap::new();
        for result in self.results.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let scenario = self.context.suite.get(&result.id);
            let negative = scenario.is_some_and(Scenario::is_negative);
            let single = scenario.is_some_and(|s| s.steps.len() == 1);
            let refused = single && result.findings.iter().any(|f| is_refusal(result, f));
            let decided = matches!(result.verdict, Verdict::Pass | Verdict::Fail);
            if let (Some(control), true) = (&result.control, (negative || refused) && decided) {
                by_control.entry(control.clone()).or_default().push(Arc::clone(result));
            }
        }
        for (id, dependents) in by_control {
            let Some(control) = self.context.suite.get(&id) else {
                continue;
            };
            let again = self.context.execute(control).await;
            let Some(why) = not_succeeded(&again) else {
                continue;
            };
            if self.context.sender.is_interrupted() {
                return;
            }
            self.withdraw(&dependents, &format!("at the end of the run {why} (a lock-out, a rate limit, or a token that can be used once?)"));
        }
    }

    fn withdraw(&self, dependents: &[Arc<ScenarioResult>], why: &str) {
        for old in dependents {
            let mut result = ScenarioResult::clone(old);
            let single = self.context.suite.get(&old.id).is_some_and(|s| s.steps.len() == 1);
            let open = |f: &Finding| f.verdict == Verdict::Pass || (single && is_refusal(old, f));
            for finding in result.findings.iter_mut().filter(|f| open(f)) {
                *finding = finding.clone().undecided(Cause::ControlFailed, why);
            }
            result.reason = Some(why.to_owned());
            result.conclude();
            let result = Arc::new(result);
            self.results
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(result.id.clone(), Arc::clone(&result));
            self.tell(&Event::Withdrawn(result));
        }
    }

    /// The result of everything that was judged so far.
    pub fn finish(&self) -> Arc<RunResult> {
        let results: Vec<ScenarioResult> = self
            .results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(|r| ScenarioResult::clone(r))
            .collect();
        let context = &self.context;
        let result = Arc::new(RunResult::new(
            results,
            &context.suite,
            &context.facts.catalogue,
            &self.options,
            context.sender.budget().used(),
            context.sender.is_interrupted(),
        ));
        self.tell(&Event::Ended(Arc::clone(&result)));
        result
    }
}
