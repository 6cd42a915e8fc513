//! The requirements of the page, by specification and section.

use crate::{
    judge::Verdict,
    report::{
        Report,
        digest::{self, Coverage, Standing, Tally},
        visible::{count, shown},
    },
    run::RequirementResult,
    spec::{Catalogue, Page},
};

const TEXT: usize = 300;
/// Scenarios named beside a violated requirement.
const NAMED: usize = 8;

/// A specification.
pub(super) struct SpecView {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) url: Option<String>,
    pub(super) bar: Bar,
    /// The tally in words.
    pub(super) words: String,
    pub(super) sections: Vec<SectionView>,
}

/// A tally as a bar; what was not exercised is its empty end.
pub(super) struct Bar {
    shares: Vec<Share>,
    total: usize,
}

/// A part of a bar.
pub(super) struct Share {
    pub(super) class: &'static str,
    pub(super) before: usize,
    pub(super) number: usize,
}

impl Bar {
    fn of(tally: &Tally) -> Self {
        let mut before = 0;
        let mut shares = Vec::new();
        for (standing, number) in ordered(tally) {
            if number > 0 && standing != Standing::NotExercised {
                shares.push(Share { class: sign(standing).0, before, number });
            }
            before += number;
        }
        Self { shares, total: tally.total() }
    }

    pub(super) fn shares(&self) -> &[Share] {
        &self.shares
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }
}

/// The numbers in the order in which they are told.
fn ordered(tally: &Tally) -> [(Standing, usize); 7] {
    [
        (Standing::Met, tally.met),
        (Standing::Violated, tally.violated),
        (Standing::Warning, tally.warned),
        (Standing::Information, tally.informed),
        (Standing::Waived, tally.waived),
        (Standing::Open, tally.open),
        (Standing::NotExercised, tally.untouched),
    ]
}

/// Colour class and sign.
fn sign(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Met => ("pass", "✔"),
        Standing::Violated => ("fail", "✘"),
        Standing::Warning => ("warn", "!"),
        Standing::Information | Standing::Observed => ("info", "i"),
        Standing::Waived => ("info", "~"),
        Standing::Open => ("inconclusive", "?"),
        Standing::NotExercised => ("not-applicable", "–"),
    }
}

/// A section of a specification.
pub(super) struct SectionView {
    pub(super) name: String,
    pub(super) url: Option<String>,
    pub(super) bar: Bar,
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
                bar: Bar::of(&coverage.total),
                words: words(&coverage.total),
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
                name: known.map_or_else(|| format!("section {}", shown(name, TEXT)), |r| r.place_in_spec()),
                url: known.and_then(|r| catalogue.section_url(r)),
                bar: Bar::of(&tally),
                chips: chips(&tally),
                rows: rows.into_iter().map(|r| row(r, report, catalogue)).collect(),
            }
        })
        .collect()
}

fn chips(tally: &Tally) -> Vec<(&'static str, String)> {
    ordered(tally)
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(standing, number)| {
            let (class, sign) = sign(standing);
            (class, format!("{sign} {number} {}", standing.word()))
        })
        .collect()
}

/// A tally in words.
pub(super) fn words(tally: &Tally) -> String {
    let told = |(standing, number): &(Standing, usize)| {
        *number > 0 || matches!(standing, Standing::Met | Standing::Violated)
    };
    let numbers: Vec<String> = ordered(tally)
        .iter()
        .filter(|entry| told(entry))
        .map(|(standing, number)| format!("{number} {}", standing.word()))
        .collect();
    numbers.join(", ")
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
    let standing = Standing::of(result, report.fail_on);
    let (verdict, mark) = sign(standing);
    let left = result.violated_in.len().saturating_sub(NAMED);
    let judged = count(result.scenarios.len(), "scenario");
    RequirementView {
        explained: explain(result, catalogue),
        id: shown(&result.id, TEXT),
        verdict,
        mark,
        word: standing.word(),
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
