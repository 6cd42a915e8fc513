//! One scenario: does it apply, did its control succeed, what came of it.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError},
    time::Instant,
};

use super::{Applicability, Context, ScenarioResult, applicability, record::Judged, steps};
use crate::{
    judge::{Cause, Finding, NO_CONTROL, RunFacts, Verdict},
    scenario::Scenario,
    wire::RedactedExchange,
};

/// The most that a finding keeps of what a server said: results stay in memory until the run ends.
pub(super) const LONGEST: usize = 4096;

impl Context {
    /// The result of a scenario. Controls are run once; whoever asks again gets the same result.
    pub fn result<'a>(
        &'a self,
        scenario: &'a Scenario,
    ) -> Pin<Box<dyn Future<Output = Arc<ScenarioResult>> + Send + 'a>> {
        Box::pin(async move {
            let cell = {
                let mut all = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(all.entry(scenario.id.clone()).or_default())
            };
            cell.get_or_init(|| async { Arc::new(self.execute(scenario).await) }).await.clone()
        })
    }

    /// Runs a scenario anew, whatever was known of it.
    pub async fn execute(&self, scenario: &Scenario) -> ScenarioResult {
        let Some(documented) = &self.documented else {
            return self.judged(scenario).await;
        };
        // A control is run for the sake of those that rest on it.
        let control =
            self.suite.scenarios().iter().any(|s| s.control.as_deref() == Some(scenario.id.as_str()));
        if !control && !documented.speaks_of(&scenario.id) {
            let mut result = ScenarioResult::new(scenario);
            result.verdict = Verdict::NotApplicable;
            match applicability(scenario, self) {
                Applicability::Applies => result.reason = Some(super::SILENT.to_owned()),
                lacks => result.does_not_apply(lacks),
            }
            return result;
        }
        let mut result = self.judged(scenario).await;
        documented.limit(&mut result);
        result
    }

    async fn judged(&self, scenario: &Scenario) -> ScenarioResult {
        let started = Instant::now();
        let mut result = ScenarioResult::new(scenario);
        let applies = applicability(scenario, self);
        if applies != Applicability::Applies {
            result.does_not_apply(applies);
            return result;
        }
        if let Some(control) = scenario.control.as_deref().and_then(|id| self.suite.get(id)) {
            let outcome = self.result(control).await;
            if let Some(why) = not_succeeded(&outcome) {
                let may_be_refused = control.expect.refusal.is_some() && outcome.verdict == Verdict::Pass;
                if may_be_refused {
                    result.verdict = Verdict::NotApplicable;
                    result.reason =
                        Some(format!("the server refuses what `{}` asks for, which it may", control.id));
                } else if outcome.verdict == Verdict::NotApplicable {
                    result.verdict = Verdict::NotApplicable;
                    result.reason.clone_from(&outcome.reason);
                    result.excluded = outcome.excluded;
                } else {
                    // What kept the control from an answer keeps this from one: it says nothing of the server.
                    let cause = match outcome.cause {
                        Some(ours @ (Cause::Budget | Cause::Interrupted)) => ours,
                        _ => Cause::ControlFailed,
                    };
                    result.findings = undecided(&self.facts, scenario, cause, &why);
                    result.reason = Some(why);
                    result.verdict = Verdict::Inconclusive;
                    result.cause = Some(cause);
                }
                return result;
            }
        }
        let trace = steps::run(self, scenario, scenario.control.is_some()).await;
        result.granted = trace.granted && trace.stopped.is_none();
        result.findings = trace.findings;
        let stopped = trace.stopped.map(|why| {
            let cause = if self.sender.is_interrupted() {
                Cause::Interrupted
            } else if self.sender.budget().is_spent() {
                Cause::Budget
            } else {
                Cause::Precondition
            };
            (cause, if self.shown { self.vault.redactor().brief(&why, LONGEST) } else { String::new() })
        });
        if let Some((cause, why)) = &stopped {
            result.findings.extend(undecided(&self.facts, scenario, *cause, why));
            result.reason = Some(why.clone());
        }
        self.redact(&mut result, &trace.exchanges);
        if let Some(recorder) = &self.recorder {
            let judged =
                Judged { inputs: &trace.inputs, exchanges: &trace.exchanges, findings: &result.findings };
            let seen = recorder.seen(&self.facts, scenario, &judged, &self.vault.redactor(), stopped);
            result.seen = Some(Arc::new(seen));
        }
        self.waivers.mark(&mut result);
        result.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        result.conclude();
        if result.findings.is_empty() && result.reason.is_some() {
            result.verdict = Verdict::Inconclusive;
            result.cause = Some(Cause::Precondition);
        }
        result
    }

    fn redact(&self, result: &mut ScenarioResult, exchanges: &[crate::wire::Exchange]) {
        if !self.shown {
            result.exchanges = exchanges.iter().map(RedactedExchange::withheld).collect();
            for finding in &mut result.findings {
                for text in [&mut finding.expected, &mut finding.observed, &mut finding.why] {
                    text.clear();
                }
            }
            return;
        }
        let redactor = self.vault.redactor();
        result.exchanges = exchanges.iter().map(|e| redactor.exchange(e)).collect();
        for finding in &mut result.findings {
            for text in [&mut finding.expected, &mut finding.observed, &mut finding.why] {
                *text = redactor.brief(text, LONGEST);
            }
        }
        result.reason = result.reason.take().map(|r| redactor.brief(&r, LONGEST));
    }
}

/// Why a control's result cannot carry a verdict; `None` when it was granted.
pub(super) fn not_succeeded(control: &ScenarioResult) -> Option<String> {
    if control.granted {
        return None;
    }
    if control.verdict == Verdict::NotApplicable {
        return Some(control.reason.clone().unwrap_or_default());
    }
    let status = control
        .exchanges
        .iter()
        .rev()
        .find(|e| e.purpose == "exchange")
        .and_then(|e| e.response.as_ref())
        .map(|r| match r.status {
            200..300 => format!("status {}, without a token that can be used", r.status),
            _ => format!("status {}", r.status),
        });
    // Of itself a control says that it has none.
    let reason = control.reason.clone().filter(|r| !r.starts_with(NO_CONTROL));
    let detail = reason.or(status).unwrap_or_else(|| "no answer".into());
    Some(format!("its control `{}` did not succeed: {detail}", control.id))
}

/// Every covered requirement as an open question.
pub(super) fn undecided(facts: &RunFacts, scenario: &Scenario, cause: Cause, why: &str) -> Vec<Finding> {
    scenario
        .covers()
        .into_iter()
        .map(|id| {
            Finding::pass(id, facts.level(id), "an exchange that can be judged", "none").undecided(cause, why)
        })
        .collect()
}
