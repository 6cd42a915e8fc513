//! What a scenario declares: that a request is granted or refused, and checks on what was granted.

mod audience;
mod judged;
mod members;
mod predicate;
mod scope;
mod token;

use judged::Outcome1;

use super::{Cause, FailClass, Finding, Outcome, RunFacts, StepFacts, claims::shown, code, oracle_error};
use crate::{
    scenario::{Check, Expect, OneOrMany, Refusal},
    spec::Level,
    target::token_type_uri,
    wire::{INTERRUPTED, TransportKind},
};

/// How the reason begins why a refused control proves nothing.
pub const NO_CONTROL: &str = "the request has no control";

/// Judges a step by its declared expectations.
pub(super) fn judge(run: &RunFacts, step: &StepFacts<'_>, expect: &Expect) -> Vec<Finding> {
    let judged = Declared { run, step };
    let outcomes: Vec<Outcome> = (0..step.exchanges.len()).map(|i| step.outcome(i)).collect();
    if let Some((cause, why)) = outcomes.iter().find_map(unanswered) {
        return judged.all_undecided(expect, cause, &why);
    }
    let counts = expect.success.iter().flatten().any(|c| c.succeeded.is_some());
    let granted = outcomes.iter().filter(|o| **o == Outcome::Accepted).count();
    // Of several at once: for a refusal all must be refused, for a success all granted, unless they are counted.
    let accepted = if counts || expect.success.is_none() { granted > 0 } else { granted == outcomes.len() };
    let at = outcomes.iter().position(|o| (*o == Outcome::Accepted) == accepted).unwrap_or(0);
    if outcomes.len() > 1 && expect.success.is_some() && expect.refusal.is_some() && !counts {
        // Either is legitimate, also side by side: each response by its own branch.
        return (0..outcomes.len())
            .flat_map(|i| {
                if outcomes[i] == Outcome::Accepted {
                    judged.granted(expect, i)
                } else {
                    judged.refused(expect, i)
                }
            })
            .collect();
    }
    if counts && !accepted {
        let counted = expect.success.iter().flatten().filter(|c| c.succeeded.is_some());
        return counted.flat_map(|c| judged.findings(c, at)).collect();
    }
    let mut found = if accepted { judged.granted(expect, at) } else { judged.refused(expect, at) };
    if accepted {
        for check in &expect.observe {
            found.extend(judged.observation(check, at));
        }
    }
    found
}

/// Why something cannot be seen: Ctrl-C says nothing about the server or the set-up.
fn unseen_by(why: &str) -> Cause {
    if why.ends_with(INTERRUPTED) { Cause::Interrupted } else { Cause::Unobservable }
}

fn unanswered(outcome: &Outcome) -> Option<(Cause, String)> {
    match outcome {
        Outcome::Unavailable(why) => Some((Cause::RateLimited, why.clone())),
        Outcome::NoAnswer(TransportKind::Budget) => {
            Some((Cause::Budget, "the request budget is used up".into()))
        }
        Outcome::NoAnswer(TransportKind::Interrupted) => Some((Cause::Interrupted, INTERRUPTED.into())),
        Outcome::NoAnswer(kind) => Some((
            Cause::Transport,
            match kind {
                TransportKind::Timeout => "no complete response within the time limit".into(),
                TransportKind::Connect => "no connection".into(),
                _ => "the connection broke, or what came was not HTTP".into(),
            },
        )),
        Outcome::Accepted | Outcome::Refused => None,
    }
}

struct Declared<'a> {
    run: &'a RunFacts,
    step: &'a StepFacts<'a>,
}

impl Declared<'_> {
    fn all_undecided(&self, expect: &Expect, cause: Cause, why: &str) -> Vec<Finding> {
        expect.covers().into_iter().map(|id| self.undecided(id, cause, why)).collect()
    }

    fn undecided(&self, id: &str, cause: Cause, why: &str) -> Finding {
        let mut finding =
            Finding::pass(id, self.run.level(id), "an answer that can be judged", why).undecided(cause, why);
        finding.exchange = Some(self.step.index(0));
        finding
    }

    fn refused(&self, expect: &Expect, at: usize) -> Vec<Finding> {
        let Some(response) = self.step.exchanges.get(at).and_then(|e| e.response()) else {
            return Vec::new();
        };
        let code = oracle_error::oauth_error(response);
        let observed = match &code {
            Some(code) => format!("status {}, error {}", response.status, oracle_error::visible(code)),
            None => format!("status {} without an OAuth error", response.status),
        };
        let mut found = Vec::new();
        if let Some(refusal) = &expect.refusal {
            let row = self.run.catalogue.row(&refusal.row);
            found.extend(self.refusal(refusal, at, &observed));
            for finding in found.iter_mut().filter(|f| f.is_pass() && !expect.can_fail(&f.requirement, row)) {
                finding.level = Level::Observe;
            }
            return found;
        }
        let checks = || expect.success.iter().flatten().filter(|c| self.applies(c));
        // Where a check says that the request is granted, that check fails; where none does, all of them are open.
        let says_granted = checks().any(|c| c.predicates().is_empty());
        let only_claimed = self.only_claimed(expect);
        for check in checks() {
            for id in check.covers.iter().flat_map(OneOrMany::iter) {
                let mut finding =
                    Finding::pass(id, self.level(check, id), "the request is granted", observed.clone());
                finding.exchange = Some(self.step.index(at));
                if !self.step.controlled {
                    found.push(finding.undecided(
                        Cause::Precondition,
                        format!(
                            "{NO_CONTROL}: either the server or the target file is wrong; check the set-up with `txspec doctor`"
                        ),
                    ));
                } else if only_claimed {
                    found.push(finding.undecided(
                        Cause::Precondition,
                        "the target file says that this works, and no text demands that the server grant it: either the \
                         file or the server is wrong; check the value in the file and the server's configuration",
                    ));
                } else if check.predicates().is_empty() {
                    found.push(
                        finding.failed(FailClass::Refused).because(check.why.clone().unwrap_or_default()),
                    );
                } else if !says_granted {
                    found.push(finding.undecided(
                        Cause::Precondition,
                        format!(
                            "the {} was refused ({observed}), so that there is nothing to look at",
                            self.step.kind.word()
                        ),
                    ));
                }
            }
        }
        found
    }

    /// Whether nothing but the target file says that the request is granted: it declares the capability and lists the
    /// value, where the specification leaves both to the server (level may). A refusal then contradicts the file, which
    /// may be wrong as well as the server.
    fn only_claimed(&self, expect: &Expect) -> bool {
        let granting =
            expect.success.iter().flatten().filter(|c| self.applies(c) && c.predicates().is_empty());
        let mut levels = granting.flat_map(|check| {
            let ids = check.covers.iter().flat_map(OneOrMany::iter);
            ids.map(|id| (check.level, self.run.level(id)))
        });
        let mut any = false;
        levels.all(|(own, level)| {
            any = true;
            own.is_none() && level == Level::May
        }) && any
    }

    fn refusal(&self, refusal: &Refusal, at: usize, observed: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        let Some(response) = self.step.exchanges.get(at).and_then(|e| e.response()) else {
            return found;
        };
        let Some(row) = self.run.catalogue.row(&refusal.row) else {
            return found;
        };
        let client_error = (400..500).contains(&response.status);
        let clean = oracle_error::is_clean(response)
            || oracle_error::by_another_layer(self.run, row, response)
            || (client_error && !self.step.kind.is_token_endpoint());
        for id in refusal.covers.iter().flat_map(OneOrMany::iter) {
            let mut finding = Finding::pass(id, self.run.level(id), "the request is refused", observed);
            finding.exchange = Some(self.step.index(at));
            found.push(if clean {
                finding
            } else {
                finding.undecided(Cause::Unobservable, "no token came back, but no OAuth error of a refusal either: it is not proven that the request was refused for what is wrong with it")
            });
        }
        found.extend(code::judge(self.run, self.step, at, row, refusal.code_covers.as_ref()));
        for check in refusal.also.iter().filter(|c| self.applies(c)) {
            found.extend(self.findings(check, at));
        }
        found
    }

    fn granted(&self, expect: &Expect, at: usize) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(refusal) = &expect.refusal {
            found.extend(self.granted_instead(refusal, expect.success.is_some(), at));
        }
        for check in expect.success.iter().flatten().filter(|c| self.applies(c)) {
            found.extend(self.findings(check, at));
        }
        let row = expect.refusal.as_ref().and_then(|r| self.run.catalogue.row(&r.row));
        for finding in found.iter_mut().filter(|f| f.is_pass() && !expect.can_fail(&f.requirement, row)) {
            finding.level = Level::Observe;
        }
        found
    }

    /// The request should (or could) have been refused, and was granted.
    fn granted_instead(&self, refusal: &Refusal, either: bool, at: usize) -> Vec<Finding> {
        let mut found = Vec::new();
        for id in refusal.covers.iter().flat_map(OneOrMany::iter) {
            let (level, why) = match &refusal.accepted {
                None if either => continue,
                None => (self.run.level(id), String::new()),
                Some(rule) => {
                    let declared =
                        rule.when.iter().find(|(c, _)| self.run.capabilities.contains(c)).map(|(_, l)| *l);
                    let raised = self
                        .run
                        .requirement(id)
                        .and_then(|r| r.policy.as_ref())
                        .filter(|p| self.run.policy.declares(p.knob))
                        .map(|p| p.raises_to);
                    (declared.unwrap_or(rule.level).max(raised.unwrap_or(Level::Observe)), rule.why.clone())
                }
            };
            let mut finding = Finding::pass(id, level, "the request is refused", "it was granted")
                .failed(FailClass::Accepted)
                .because(why);
            finding.exchange = Some(self.step.index(at));
            if let Some(why) = self.within_skew() {
                finding = finding.undecided(Cause::Precondition, why);
            }
            found.push(finding);
        }
        found
    }

    /// A token that expired a moment ago may still be accepted: clocks differ (ambiguity A17).
    fn within_skew(&self) -> Option<String> {
        let skew = i64::try_from(self.run.policy.clock_skew_seconds.unwrap_or(300)).unwrap_or(300);
        ["subject", "actor"].into_iter().find_map(|name| {
            let age = self.step.now.saturating_sub(self.step.tokens.get(name)?.expires_at?);
            (0..skew).contains(&age).then(|| format!("the {name} token expired {age} s ago, which is within the clock skew of {skew} s: raise `age` of its source"))
        })
    }

    fn applies(&self, check: &Check) -> bool {
        check.when.iter().all(|c| self.run.capabilities.contains(c))
    }

    fn level(&self, check: &Check, id: &str) -> Level {
        check.level.unwrap_or_else(|| self.run.level(id))
    }

    fn findings(&self, check: &Check, at: usize) -> Vec<Finding> {
        let Some(outcome) = self.predicate(check, at) else {
            return Vec::new();
        };
        let ids = check.covers.iter().flat_map(OneOrMany::iter);
        ids.filter(|id| !self.is_silent(id)).map(|id| self.finding(check, id, &outcome, at)).collect()
    }

    /// Whether a requirement says nothing of tokens of the type that the subject token is declared to be of.
    fn is_silent(&self, id: &str) -> bool {
        let declared = self.step.form.get("subject_token_type");
        let types = self.run.requirement(id).map(|row| row.silent_on.as_slice()).unwrap_or_default();
        declared.is_some_and(|t| types.iter().any(|name| token_type_uri(name) == t.expose()))
    }

    fn finding(&self, check: &Check, id: &str, outcome: &Outcome1, at: usize) -> Finding {
        let level = self.level(check, id);
        let why = check.why.clone().unwrap_or_default();
        let mut finding = match outcome {
            Outcome1::Pass { expected, observed } => {
                Finding::pass(id, level, expected.as_str(), observed.as_str())
            }
            Outcome1::Fail { expected, observed, class, level: lowered, why: reason } => {
                let finding = Finding::pass(
                    id,
                    lowered.map_or(level, |l| l.min(level)),
                    expected.as_str(),
                    observed.as_str(),
                )
                .failed(*class);
                finding.because(if reason.is_empty() { why } else { reason.clone() })
            }
            Outcome1::Unseen { expected, why } => {
                Finding::pass(id, level, expected.as_str(), "it cannot be seen")
                    .undecided(unseen_by(why), why.as_str())
            }
        };
        finding.exchange = Some(self.step.index(at));
        finding
    }

    /// A fact: reported whatever it is, never scored.
    fn observation(&self, check: &Check, at: usize) -> Option<Finding> {
        if !self.applies(check) {
            return None;
        }
        let observed = match self.subject_of(check, at) {
            Some(Ok(value)) => shown(&value),
            Some(Err(_)) => "nothing".to_owned(),
            None => match self.predicate(check, at)? {
                Outcome1::Pass { expected, .. } => format!("yes: {expected}"),
                // The fact has a name of its own.
                Outcome1::Fail { observed, .. } if observed.starts_with("nothing at /") => {
                    "nothing".to_owned()
                }
                Outcome1::Fail { observed, .. } => observed,
                Outcome1::Unseen { .. } => return None,
            },
        };
        let id = check.covers.iter().flat_map(OneOrMany::iter).next().unwrap_or_default();
        let mut finding = Finding::pass(id, Level::Observe, "a fact, not scored", observed);
        finding.fact.clone_from(&check.fact);
        finding.exchange = Some(self.step.index(at));
        Some(finding)
    }
}
