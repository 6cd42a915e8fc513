//! The requirements of the page, by specification and section.

use super::view::{mark, rank};
use crate::{
    judge::Verdict,
    report::{
        Report,
        digest::{self, Coverage, Tally},
        visible::{count, shown},
    },
    run::RequirementResult,
    spec::{Catalogue, Level, Page},
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
    pub(super) sections: Vec<SectionView>,
}

/// A section of a specification.
pub(super) struct SectionView {
    pub(super) name: String,
    pub(super) url: Option<String>,
    pub(super) tally: Tally,
    /// Colour class, sign and number.
    pub(super) chips: Vec<(&'static str, String)>,
    pub(super) rows: Vec<RequirementView>,
}

/// A requirement.
pub(super) struct RequirementView {
    pub(super) id: String,
    pub(super) verdict: &'static str,
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
    pub(super) level: &'static str,
    pub(super) says: String,
    pub(super) violated_in: Vec<String>,
    /// In how many scenarios it was judged, in words.
    pub(super) judged: String,
    /// For what did not hold.
    pub(super) explained: Option<ExplainView>,
}

/// How a requirement is judged, and where more is written.
pub(super) struct ExplainView {
    pub(super) paragraphs: Vec<String>,
    pub(super) page: Option<Page>,
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
                sections: sections(coverage, report, catalogue),
            }
        })
        .collect()
}

/// The sections in the order of the report; those that hold facts only have no tally.
fn sections(coverage: &Coverage<'_>, report: &Report, catalogue: &Catalogue) -> Vec<SectionView> {
    let mut out: Vec<(&str, Vec<&RequirementResult>)> = Vec::new();
    for requirement in report.requirements.iter().filter(|r| r.spec == coverage.spec && digest::is_shown(r)) {
        match out.iter_mut().find(|(name, _)| *name == requirement.section) {
            Some((_, rows)) => rows.push(requirement),
            None => out.push((&requirement.section, vec![requirement])),
        }
    }
    out.into_iter()
        .map(|(name, rows)| {
            let tally =
                coverage.sections.iter().find(|(s, _)| *s == name).map(|(_, t)| *t).unwrap_or_default();
            let known = rows.iter().find_map(|r| catalogue.get(&r.id));
            SectionView {
                name: format!("section {}", shown(name, TEXT)),
                url: known.and_then(|r| catalogue.section_url(r)),
                tally,
                chips: chips(&tally),
                rows: rows.into_iter().map(|r| row(r, report, catalogue)).collect(),
            }
        })
        .collect()
}

fn chips(tally: &Tally) -> Vec<(&'static str, String)> {
    [
        ("fail", "✘", tally.violated, "violated"),
        ("inconclusive", "?", tally.open, "open"),
        ("pass", "✔", tally.met, "met"),
        ("not-applicable", "–", tally.untouched, "not exercised"),
    ]
    .into_iter()
    .filter(|(_, _, number, _)| *number > 0)
    .map(|(class, sign, number, word)| (class, format!("{sign} {number} {word}")))
    .collect()
}

fn explain(result: &RequirementResult, catalogue: &Catalogue) -> Option<ExplainView> {
    let known = catalogue
        .get(&result.id)
        .filter(|_| matches!(result.verdict, Verdict::Fail | Verdict::Inconclusive))?;
    let mut paragraphs = Vec::new();
    paragraphs.extend(known.note.as_ref().map(|note| format!("How it is judged: {}", note.trim())));
    for reading in &known.readings {
        let default = if reading.default { " (default)" } else { "" };
        paragraphs.push(format!("Reading {}{default}: {}", reading.id, reading.says.trim()));
    }
    for entry in known.ambiguity.iter().filter_map(|id| catalogue.ambiguity(id)) {
        paragraphs.push(format!("Ambiguity {}, {}: {}", entry.id, entry.zone.trim(), entry.treatment.trim()));
    }
    Some(ExplainView { paragraphs, page: catalogue.page(&known.id) })
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
        explained: explain(result, catalogue),
        id: shown(&result.id, TEXT),
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
