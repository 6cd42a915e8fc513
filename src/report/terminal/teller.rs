//! What is printed of each failed trial while a run goes on: the first few in full, what repeats them in a line. One fault of
//! a server can show in hundreds of scenarios.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{
    explain::{explain, observed},
    page::{BOLD, DIM, PLAIN, Page, level_mark, verdict_mark},
};
use crate::{
    judge::Verdict,
    report::{
        difference::difference,
        digest::{counted, is_of_every_response, level_words},
        visible::shown,
    },
    run::ScenarioResult,
    spec::{Catalogue, Level},
};

/// So often the same is told in full, where it is about what scenarios ask.
const OFTEN: usize = 3;
/// Most of a text that is shown.
const TEXT: usize = 300;

/// Of so many scenarios each is told in full.
const FEW: usize = 4;

/// Remembers what was told in full.
#[derive(Default)]
pub struct Teller {
    /// Whether what proves nothing is told in short: among many scenarios, violations must stand out.
    many: bool,
    /// How often, and the first scenario.
    told: Mutex<BTreeMap<String, (usize, String)>>,
}

impl Teller {
    /// For a run of so many scenarios.
    pub fn of(scenarios: usize) -> Self {
        Self { many: scenarios > FEW, ..Self::default() }
    }

    /// Explains a result as [`explain`] does, or shortly if the same was explained often enough.
    pub fn explain(
        &self,
        result: &ScenarioResult,
        catalogue: &Catalogue,
        width: usize,
        styled: bool,
    ) -> String {
        let violated = result.failures().iter().any(|f| f.level > Level::May);
        if self.many && result.verdict == Verdict::Inconclusive && !violated {
            return two_lines(result, width, styled);
        }
        let keys = keys(result);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = None;
        let mut fresh = keys.is_empty();
        for (key, often) in keys {
            let (times, scenario) = told.entry(key).or_insert_with(|| (0, result.id.clone()));
            fresh |= *times < often;
            *times += 1;
            first.get_or_insert_with(|| scenario.clone());
        }
        drop(told);
        match first {
            Some(first) if !fresh => brief(result, &first, catalogue, width, styled),
            _ => explain(result, catalogue, width, styled),
        }
    }
}

/// What makes two results tell the same, and how often each is told in full: each violation by itself, or the reason why
/// nothing was proven. What every response is judged on is the same everywhere, so once is enough.
fn keys(result: &ScenarioResult) -> Vec<(String, usize)> {
    let failures = result.failures();
    let graver = failures.iter().filter(|f| f.level > Level::May);
    let mut keys: Vec<(String, usize)> = graver
        .map(|f| {
            let key = format!("{}\n{}\n{}", f.requirement, f.class.map_or("", |c| c.word()), f.observed);
            (key, if is_of_every_response(f) { 1 } else { OFTEN })
        })
        .collect();
    if result.verdict == Verdict::Inconclusive {
        let cause = result.cause.map_or("", |c| c.word());
        keys.push((format!("{cause}\n{}", result.reason.as_deref().unwrap_or_default()), OFTEN));
    }
    keys
}

/// What could not be decided, and where more is said: it is not what the server did wrong.
fn two_lines(result: &ScenarioResult, width: usize, styled: bool) -> String {
    let mut page = Page::new(width, styled);
    page.put(0, 0, &[(BOLD, &shown(&result.title, TEXT))]);
    let (mark, style) = verdict_mark(Verdict::Inconclusive);
    let cause = format!("[{}]", result.cause.map_or("no cause given", |c| c.word()));
    let reason = shown(result.reason.as_deref().unwrap_or("no reason given"), TEXT);
    let more = format!("(`--only {}` tells it in full)", shown(&result.id, TEXT));
    page.put(
        2,
        4,
        &[(style, mark), (style, "INCONCLUSIVE"), (style, &cause), (PLAIN, &reason), (DIM, &more)],
    );
    page.finish()
}

/// What was told in full before: a line for each violation, and the scenario's own question where that was violated.
fn brief(result: &ScenarioResult, first: &str, catalogue: &Catalogue, width: usize, styled: bool) -> String {
    let mut page = Page::new(width, styled);
    let pointer = format!("as in `{}`", shown(first, TEXT));
    let failures = counted(result.failures().into_iter().filter(|f| f.level > Level::May));
    let own =
        result.verdict == Verdict::Inconclusive || !failures.iter().all(|(f, _)| is_of_every_response(f));
    if own {
        page.put(0, 0, &[(BOLD, &shown(&result.title, TEXT))]);
    }
    for (finding, times) in failures {
        let (mark, style) = level_mark(finding.level);
        let class = finding.class.map_or_else(|| "violated".to_owned(), |c| format!("[{}]", c.word()));
        page.put(
            2,
            4,
            &[
                (style, mark),
                (style, &level_words(finding, catalogue).to_uppercase()),
                (BOLD, &shown(&finding.requirement, TEXT)),
                (style, &class),
                (PLAIN, &if own { format!("observed {}", observed(finding, times)) } else { String::new() }),
                (DIM, if own { "" } else { &pointer }),
            ],
        );
    }
    if result.verdict == Verdict::Inconclusive {
        let (mark, style) = verdict_mark(Verdict::Inconclusive);
        let cause = result.cause.map_or("inconclusive", |c| c.word());
        let reason = shown(result.reason.as_deref().unwrap_or("no reason given"), TEXT);
        page.put(2, 4, &[(style, mark), (style, cause), (PLAIN, &reason)]);
    }
    if own {
        if let Some(difference) = difference(result) {
            page.field(2, "differs by", PLAIN, &shown(&difference, TEXT));
        }
        page.put(
            2,
            2,
            &[(DIM, &format!("{pointer}, which is told in full; the reports hold every exchange"))],
        );
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::{FailClass, Finding},
        report::fixture::{self, Build},
    };

    #[test]
    fn among_many_what_proves_nothing_is_told_in_short() {
        let report = fixture::sample();
        let open = report.scenarios.iter().find(|s| s.verdict == Verdict::Inconclusive).unwrap();
        let failed = report.scenarios.iter().find(|s| s.verdict == Verdict::Fail).unwrap();
        let tell =
            |scenarios, result| Teller::of(scenarios).explain(result, fixture::catalogue(), 200, false);
        let short = tell(FEW + 1, open);
        assert_eq!(short.lines().count(), 2, "{short}");
        assert!(
            short.contains("? INCONCLUSIVE [") && short.contains(&format!("--only {}", open.id)),
            "{short}"
        );
        for result in [open, failed] {
            let full = explain(result, fixture::catalogue(), 200, false);
            assert_eq!(tell(FEW, result), full);
            assert_eq!(tell(FEW + 1, result) == full, result.id == failed.id);
        }
    }

    #[test]
    fn what_repeats_itself_is_told_in_full_three_times() {
        let report = fixture::sample();
        let failed = report.scenarios.iter().find(|s| s.verdict == Verdict::Fail).unwrap();
        let teller = Teller::default();
        let tell = |result: &ScenarioResult| teller.explain(result, fixture::catalogue(), 80, false);
        let full = explain(failed, fixture::catalogue(), 80, false);
        for _ in 0..OFTEN {
            assert_eq!(tell(failed), full);
        }
        let mut again = failed.clone();
        again.id = "another".into();
        let short = tell(&again);
        assert!(short.lines().count() * 2 < full.lines().count(), "{short}");
        assert!(short.contains(&format!("as in `{}`", failed.id)) && short.contains(&again.title), "{short}");
        // Another violation beside it is told in full.
        again
            .findings
            .iter_mut()
            .filter(|f| f.verdict == Verdict::Fail)
            .for_each(|f| f.observed = "other".into());
        assert_eq!(tell(&again), explain(&again, fixture::catalogue(), 80, false));
    }

    #[test]
    fn what_every_response_is_judged_on_is_told_in_full_once_and_then_in_a_line() {
        let missing = || {
            Finding::pass(
                "OA-5.1-cache-control",
                Level::Must,
                "Cache-Control with no-store",
                "no cache-control",
            )
            .failed(FailClass::WrongForm)
        };
        let result = |id: &str| {
            fixture::scenario(id, "A title that has nothing to do with it", "actor token")
                .edited("impersonation", "with actor_token besides")
                .judged([missing(), missing()])
                .exchanged(200, "{}")
        };
        let teller = Teller::of(FEW + 1);
        let full = teller.explain(&result("first"), fixture::catalogue(), 200, false);
        assert!(full.contains("no cache-control (in 2 responses)"), "{full}");
        assert!(full.contains("whatever the scenario asks") && !full.contains("differs by"), "{full}");
        let short = teller.explain(&result("second"), fixture::catalogue(), 200, false);
        assert_eq!(short, "  ✘ MUST OA-5.1-cache-control [wrong-form] as in `first`\n");
        // With a question of its own that was answered wrongly it says what it asked.
        let mut own = result("third");
        own.findings.push(
            Finding::pass(
                "TX-2.1-subject_token-required",
                Level::Must,
                "the request is refused",
                "it was granted",
            )
            .failed(FailClass::Accepted),
        );
        let full = teller.explain(&own, fixture::catalogue(), 200, false);
        assert!(full.contains("A title") && full.contains("differs by"), "{full}");
    }
}
