//! What is printed of each failed trial while a run goes on: the first few in full, what repeats them in a line. One fault of
//! a server can show in hundreds of scenarios.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{
    explain,
    page::{BOLD, DIM, PLAIN, Page, level_mark, verdict_mark},
};
use crate::{
    judge::Verdict,
    report::visible::shown,
    run::ScenarioResult,
    spec::{Catalogue, Level},
};

/// So often the same is told in full.
const OFTEN: usize = 3;
/// Most of a text that is shown.
const TEXT: usize = 300;

/// Remembers what was told in full.
#[derive(Default)]
pub struct Teller {
    /// How often, and the first scenario.
    told: Mutex<BTreeMap<String, (usize, String)>>,
}

impl Teller {
    /// Explains a result as [`explain`] does, or shortly if the same was explained often enough.
    pub fn explain(
        &self,
        result: &ScenarioResult,
        catalogue: &Catalogue,
        width: usize,
        styled: bool,
    ) -> String {
        let keys = keys(result);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = None;
        let mut fresh = keys.is_empty();
        for key in keys {
            let (times, scenario) = told.entry(key).or_insert_with(|| (0, result.id.clone()));
            fresh |= *times < OFTEN;
            *times += 1;
            first.get_or_insert_with(|| scenario.clone());
        }
        drop(told);
        match first {
            Some(first) if !fresh => brief(result, &first, width, styled),
            _ => explain(result, catalogue, width, styled),
        }
    }
}

/// What makes two results tell the same: each violation by itself, or the reason why nothing was proven.
fn keys(result: &ScenarioResult) -> Vec<String> {
    let failures = result.failures();
    let graver = failures.iter().filter(|f| f.level > Level::May);
    let mut keys: Vec<String> = graver
        .map(|f| format!("{}\n{}\n{}", f.requirement, f.class.map_or("", |c| c.word()), f.observed))
        .collect();
    if result.verdict == Verdict::Inconclusive {
        let cause = result.cause.map_or("", |c| c.word());
        keys.push(format!("{cause}\n{}", result.reason.as_deref().unwrap_or_default()));
    }
    keys
}

fn brief(result: &ScenarioResult, first: &str, width: usize, styled: bool) -> String {
    let mut page = Page::new(width, styled);
    page.put(0, 0, &[(BOLD, &shown(&result.title, TEXT))]);
    for finding in result.failures().into_iter().filter(|f| f.level > Level::May) {
        let (mark, style) = level_mark(finding.level);
        let class = finding.class.map_or_else(|| "violated".to_owned(), |c| format!("[{}]", c.word()));
        page.put(
            2,
            4,
            &[
                (style, mark),
                (style, &finding.level.word().to_uppercase()),
                (BOLD, &shown(&finding.requirement, TEXT)),
                (style, &class),
                (PLAIN, "observed"),
                (PLAIN, &shown(&finding.observed, TEXT)),
            ],
        );
    }
    if result.verdict == Verdict::Inconclusive {
        let (mark, style) = verdict_mark(Verdict::Inconclusive);
        let cause = result.cause.map_or("inconclusive", |c| c.word());
        let reason = shown(result.reason.as_deref().unwrap_or("no reason given"), TEXT);
        page.put(2, 4, &[(style, mark), (style, cause), (PLAIN, &reason)]);
    }
    if let Some(difference) = &result.difference {
        page.field(2, "differs by", PLAIN, &shown(difference, TEXT));
    }
    let pointer =
        format!("as in `{}`, which is told in full; the reports hold every exchange", shown(first, TEXT));
    page.put(2, 2, &[(DIM, &pointer)]);
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

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
}
