//! The comparison as one self-contained page without any script.

use askama::Template;

use super::{Cell, Column, Comparison, Facts, Row};
use crate::{
    judge::Verdict,
    report::{
        ReportError,
        html::{STYLE, policy},
        visible::{count, shown},
    },
    run::Conclusion,
    spec::{Catalogue, Level},
};

/// Most of a text.
const TEXT: usize = 300;
/// Rows of a table.
const ROWS: usize = 500;
/// Scenarios that are named of a violation.
const NAMED: usize = 5;

#[derive(Template)]
#[template(path = "compare/compare.html", config = "src/report/askama.toml")]
struct Page {
    policy: String,
    style: &'static str,
    targets: Vec<Target>,
    /// Name, and a value a server.
    facts: Vec<(&'static str, Vec<String>)>,
    notes: Vec<String>,
    shared: String,
    alike: usize,
    differing: usize,
    unequal: usize,
    sections: Vec<Section>,
    unique: Vec<(String, Vec<Own>)>,
    common: Vec<Line>,
    unequally_judged: Vec<Line>,
    observations: Vec<Line>,
}

struct Target {
    label: String,
    class: &'static str,
    conclusion: &'static str,
}

struct Section {
    title: String,
    url: Option<String>,
    lines: Vec<Line>,
}

/// A name and a cell a server: colour class, text, title.
struct Line {
    id: String,
    level: &'static str,
    says: String,
    cells: Vec<(&'static str, String, String)>,
}

struct Own {
    requirement: String,
    says: String,
    level: &'static str,
    word: String,
    observed: String,
    scenarios: String,
    others: &'static str,
}

/// The comparison as one HTML page.
///
/// # Errors
/// Only when the template fails, a bug.
pub fn render(comparison: &Comparison, catalogue: &Catalogue) -> Result<String, ReportError> {
    Page {
        policy: policy(STYLE, None),
        style: STYLE,
        targets: targets(comparison),
        facts: identities(comparison),
        notes: comparison.notes.iter().map(|n| shown(n, 4 * TEXT)).collect(),
        shared: count(comparison.shared_scenarios, "shared scenario"),
        alike: comparison.alike,
        differing: comparison.differing.len(),
        unequal: comparison.unequally_judged.len(),
        sections: sections(comparison, catalogue),
        unique: unique(comparison, catalogue),
        common: comparison.common.iter().take(ROWS).map(|r| line(r, catalogue)).collect(),
        unequally_judged: comparison.unequally_judged.iter().take(ROWS).map(|r| line(r, catalogue)).collect(),
        observations: comparison.observations.iter().take(ROWS).map(facts).collect(),
    }
    .render()
    .map_err(|e| ReportError::Render { format: "HTML", message: e.to_string() })
}

fn targets(comparison: &Comparison) -> Vec<Target> {
    comparison
        .targets
        .iter()
        .map(|t| Target {
            label: shown(&t.label, TEXT),
            class: match t.conclusion {
                Conclusion::Conformant => "pass",
                Conclusion::Partial => "info",
                Conclusion::Nonconformant => "fail",
                Conclusion::Inconclusive => "inconclusive",
            },
            conclusion: t.conclusion.word(),
        })
        .collect()
}

fn identities(comparison: &Comparison) -> Vec<(&'static str, Vec<String>)> {
    let row = |name, value: &dyn Fn(&Column) -> String| {
        (name, comparison.targets.iter().map(|t| shown(&value(t), TEXT)).collect())
    };
    vec![
        row("issuer", &|t| t.target.issuer.clone().unwrap_or_else(|| "–".into())),
        row("profile", &|t| t.profile.name().to_owned()),
        row("reading", &|t| t.reading.clone()),
        row("tool", &|t| t.tool.clone()),
        row("started", &|t| t.started.clone()),
        row("passed", &|t| t.counts.pass.to_string()),
        row("failed", &|t| t.counts.fail.to_string()),
        row("warnings", &|t| t.counts.warn.to_string()),
        row("inconclusive", &|t| t.counts.inconclusive.to_string()),
        row("not applicable", &|t| t.counts.not_applicable.to_string()),
    ]
}

fn sections(comparison: &Comparison, catalogue: &Catalogue) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    for row in comparison.differing.iter().take(ROWS) {
        let title = shown(&format!("{} section {}", row.spec, row.section), TEXT);
        match out.iter_mut().find(|s| s.title == title) {
            Some(known) => known.lines.push(line(row, catalogue)),
            None => out.push(Section {
                title,
                url: catalogue.get(&row.requirement).and_then(|r| catalogue.section_url(r)),
                lines: vec![line(row, catalogue)],
            }),
        }
    }
    out
}

fn line(row: &Row, catalogue: &Catalogue) -> Line {
    Line {
        id: shown(&row.requirement, TEXT),
        level: row.level.word(),
        says: says(&row.requirement, catalogue),
        cells: row.cells.iter().map(chip).collect(),
    }
}

fn chip(cell: &Cell) -> (&'static str, String, String) {
    let (class, mark) = match (cell.verdict, cell.level) {
        (Verdict::Pass, _) => ("pass", "✔"),
        (Verdict::Fail, Some(Level::Must)) => ("fail", "✘"),
        (Verdict::Fail, Some(Level::Should)) => ("warn", "!"),
        (Verdict::Fail, _) => ("info", "i"),
        (Verdict::NotApplicable, _) => ("not-applicable", "–"),
        (Verdict::Inconclusive | Verdict::Error, _) => ("inconclusive", "?"),
    };
    (class, format!("{mark} {}", cell.word()), shown(&cell.observed, TEXT))
}

fn facts(facts: &Facts) -> Line {
    Line {
        id: shown(&facts.fact, TEXT),
        level: if facts.differs { "differs" } else { "" },
        says: String::new(),
        cells: facts
            .values
            .iter()
            .map(|v| if v.is_empty() { "–".to_owned() } else { shown(&v.join("; "), TEXT) })
            .map(|v| ("", v, String::new()))
            .collect(),
    }
}

/// The requirement in a sentence.
fn says(requirement: &str, catalogue: &Catalogue) -> String {
    catalogue.get(requirement).map(|r| shown(r.says.trim(), TEXT)).unwrap_or_default()
}

/// The first scenarios by name, and how many there are besides.
fn named(scenarios: &[String]) -> String {
    let mut out = shown(&scenarios.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "), TEXT);
    if scenarios.len() > NAMED {
        out.push_str(&format!(" and {} more", scenarios.len() - NAMED));
    }
    out
}

fn unique(comparison: &Comparison, catalogue: &Catalogue) -> Vec<(String, Vec<Own>)> {
    comparison
        .targets
        .iter()
        .enumerate()
        .map(|(i, target)| {
            let own = comparison.unique.iter().filter(|u| u.target == i);
            let own: Vec<Own> = own
                .take(ROWS)
                .map(|u| Own {
                    requirement: shown(&u.requirement, TEXT),
                    says: says(&u.requirement, catalogue),
                    level: u.level.word(),
                    word: u.cell.word(),
                    observed: shown(&u.cell.observed, TEXT),
                    scenarios: named(&u.cell.scenarios),
                    others: if u.others_meet_it { "meet it" } else { "not all judged" },
                })
                .collect();
            (shown(&target.label, TEXT), own)
        })
        .filter(|(_, own)| !own.is_empty())
        .collect()
}
