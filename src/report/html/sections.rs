//! The requirements of the page, by specification and section.

use super::view::{mark, rank};
use crate::{
    judge::Verdict,
    report::{
        Report,
        digest::{self, Tally},
        visible::{count, shown},
    },
    run::RequirementResult,
    spec::{Catalogue, Level},
};

const TEXT: usize = 300;
/// Scenarios named beside a violated requirement.
const NAMED: usize = 8;

/// A specification.
pub(super) struct SpecView {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) url: Option<String>,
    pub(super) tally: Tally,
    /// What the tally adds up to.
    pub(super) total: usize,
    pub(super) rows: Vec<RequirementView>,
}

/// A requirement.
pub(super) struct RequirementView {
    pub(super) id: String,
    pub(super) section: String,
    pub(super) url: Option<String>,
    pub(super) verdict: &'static str,
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
    pub(super) level: &'static str,
    pub(super) says: String,
    pub(super) violated_in: Vec<String>,
    /// In how many scenarios it was judged, in words.
    pub(super) judged: String,
}

/// Every scored requirement of the report.
pub(super) fn specs(report: &Report, catalogue: &Catalogue) -> Vec<SpecView> {
    digest::coverage(report)
        .iter()
        .map(|coverage| {
            let known = catalogue.specs().iter().find(|(name, ..)| name == coverage.spec);
            SpecView {
                name: shown(coverage.spec, TEXT),
                title: known.map(|(_, title, _)| title.clone()).unwrap_or_default(),
                url: known.map(|(.., url)| url.clone()),
                tally: coverage.total,
                total: coverage.total.met
                    + coverage.total.violated
                    + coverage.total.open
                    + coverage.total.untouched,
                rows: report
                    .requirements
                    .iter()
                    .filter(|r| r.spec == coverage.spec && digest::is_shown(r))
                    .map(|r| row(r, report, catalogue))
                    .collect(),
            }
        })
        .collect()
}

fn row(result: &RequirementResult, report: &Report, catalogue: &Catalogue) -> RequirementView {
    let known = catalogue.get(&result.id);
    let (verdict, sign, word) = match result.verdict {
        Verdict::Fail if result.waived => ("info", "~", "waived"),
        Verdict::Fail => {
            let (verdict, sign) = rank(result.level, report.fail_on);
            (verdict, sign, "violated")
        }
        Verdict::Pass if result.level == Level::Observe => ("info", "i", "observed"),
        Verdict::Pass => ("pass", mark(Verdict::Pass), "met"),
        Verdict::NotApplicable => ("not-applicable", mark(Verdict::NotApplicable), "not exercised"),
        other => (other.word(), mark(other), "open"),
    };
    let left = result.violated_in.len().saturating_sub(NAMED);
    let judged = count(result.scenarios.len(), "scenario");
    RequirementView {
        id: shown(&result.id, TEXT),
        section: shown(&result.section, TEXT),
        url: known.and_then(|r| catalogue.section_url(r)),
        verdict,
        mark: sign,
        word,
        level: result.level.word(),
        says: known.map(|r| shown(r.says.trim(), TEXT)).unwrap_or_default(),
        violated_in: result.violated_in.iter().take(NAMED).map(|s| shown(s, TEXT)).collect(),
        judged: match (result.scenarios.as_slice(), left) {
            ([], _) => String::new(),
            (_, 0) => format!("judged in {judged}"),
            (_, left) => format!("and {left} more, judged in {judged}"),
        },
    }
}
