//! The comparison as one self-contained page without any script.

use askama::Template;

use super::{
    Cell, Comparison, Facts, Row, Weight, says,
    weight::{CLASSES, LEVELS, WAIVED, WAIVED_SAYS, class_says},
};
use crate::{
    report::{
        ReportError,
        html::{STYLE, policy},
        visible::shown,
    },
    run::Conclusion,
    spec::{Catalogue, Level},
};

/// What wide tables need beside the style of reports.
pub(super) const WIDE: &str = include_str!("compare.css");
/// Most of a text.
const TEXT: usize = 300;
/// Most of what a server shows of a fact, in its cell; the whole is told beneath the fact's name.
const FACT: usize = 48;
/// Most of what was seen, beneath a chip.
const NOTE: usize = 80;
/// Rows of a table.
const ROWS: usize = 500;
/// Columns that leave room for words.
const FEW: usize = 4;
/// Scenarios that are named of a departure.
const NAMED: usize = 5;

#[derive(Template)]
#[template(path = "compare/compare.html", config = "src/report/askama.toml")]
struct Page {
    policy: String,
    style: String,
    lead: String,
    no_ranking: &'static str,
    discriminating: Option<&'static str>,
    /// `n` and the number of columns, then the class of its range.
    size: String,
    is_waived: bool,
    targets: Vec<Target>,
    over: String,
    totals: [String; 2],
    notes: Vec<String>,
    /// Heading, explanation, and the list.
    violated: (&'static str, &'static str, Vec<Violated>),
    /// Colour, sign, word, meaning.
    legend: Vec<(&'static str, &'static str, &'static str, String)>,
    levels: &'static str,
    differing: usize,
    specs: Vec<Group>,
    alone: Vec<(String, String, Vec<Own>)>,
    most: &'static str,
    common_weights: String,
    common: Vec<Line>,
    unequally_judged: Vec<Line>,
    facts: Vec<Line>,
    same_facts: Vec<Line>,
}

struct Target {
    letter: String,
    label: String,
    /// Its own report.
    page: Option<String>,
    /// What stands under the letter.
    name: String,
    /// What names it where a column has no head: on a phone.
    tag: String,
    is_documented: bool,
    class: &'static str,
    conclusion: &'static str,
    /// Name and number, sign and colour.
    counts: Vec<(&'static str, usize, &'static str, &'static str)>,
    /// Name and value.
    run: Vec<(&'static str, String)>,
}

/// The musts that a server violates.
struct Violated {
    letter: String,
    label: String,
    /// Requirement, whether it stands in a table below, whether it is a hole, mark of a waiver.
    requirements: Vec<(String, bool, bool, &'static str)>,
}

struct Group {
    title: String,
    anchor: String,
    lines: Vec<Line>,
}

/// A requirement or fact, and a cell a server.
struct Line {
    id: String,
    page: Option<String>,
    level: &'static str,
    section: String,
    section_url: Option<String>,
    says: String,
    /// The same where many columns leave it no room.
    folded: String,
    /// It stands in a table above, which tells more.
    is_above: bool,
    cells: Vec<Shown>,
    /// What can be unfolded.
    more: &'static str,
    /// What was seen: letter, what it came to, the text in full, where.
    seen: Vec<(String, String, String, String)>,
}

struct Shown {
    class: &'static str,
    sign: String,
    word: String,
    /// Only for the ear: the sign says it to the eye.
    is_plain: bool,
    /// What was seen first, where there is room.
    note: String,
}

struct Own {
    requirement: String,
    says: String,
    class: &'static str,
    weight: String,
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
    let style = format!("{STYLE}{WIDE}");
    let lines = |rows: &[Row]| rows.iter().take(ROWS).map(|r| line(r, catalogue, few(comparison))).collect();
    let (differ, same): (Vec<&Facts>, Vec<&Facts>) = comparison.observations.iter().partition(|f| f.differs);
    let number = comparison.targets.len();
    Page {
        policy: policy(&style, None),
        style,
        lead: says::lead(comparison, &|name| shown(name, TEXT)).join(" "),
        no_ranking: says::NO_RANKING,
        discriminating: comparison.discriminating.then_some(says::DISCRIMINATING),
        size: format!(
            "n{number} {}",
            match number {
                _ if few(comparison) => "few",
                0..=8 => "many",
                _ => "most",
            }
        ),
        is_waived: comparison.targets.iter().any(|t| t.requirements.waived > 0),
        targets: targets(comparison),
        over: says::over(comparison),
        totals: says::totals(comparison),
        notes: comparison.notes.iter().map(|n| shown(n, 4 * TEXT)).collect(),
        violated: (says::VIOLATED, says::VIOLATED_SAYS, violated(comparison)),
        legend: legend(),
        levels: LEVELS,
        differing: comparison.differing.len(),
        specs: specs(comparison, catalogue),
        alone: alone(comparison, catalogue),
        most: says::MOST,
        common_weights: says::weights(comparison.common.iter().filter_map(Row::shared_level)),
        common: common(comparison, catalogue),
        unequally_judged: lines(&comparison.unequally_judged),
        facts: differ.into_iter().take(ROWS).map(fact).collect(),
        same_facts: same.into_iter().take(ROWS).map(fact).collect(),
    }
    .render()
    .map_err(|e| ReportError::Render { format: "HTML", message: e.to_string() })
}

/// Whether there is room for words beside the columns.
fn few(comparison: &Comparison) -> bool {
    comparison.targets.len() <= FEW
}

fn targets(comparison: &Comparison) -> Vec<Target> {
    comparison
        .targets
        .iter()
        .enumerate()
        .map(|(i, t)| {
            let r = t.requirements;
            let c = t.counts;
            let alone = comparison.targets.iter().filter(|o| o.target.name == t.target.name).count() == 1;
            let name = shown(if alone { &t.target.name } else { &t.label }, TEXT);
            let weighed = |w: Weight, number| (w.word(), number, w.sign(), w.colour());
            Target {
                letter: says::letter(i),
                label: shown(&t.label, TEXT),
                page: t.page.clone(),
                tag: if few(comparison) { name.clone() } else { says::letter(i) },
                name,
                is_documented: t.target.documented.is_some(),
                class: match t.conclusion {
                    Conclusion::Conformant => "pass",
                    Conclusion::Partial => "info",
                    Conclusion::Nonconformant => "fail",
                    Conclusion::Inconclusive => "inconclusive",
                },
                conclusion: t.conclusion.word(),
                counts: vec![
                    weighed(Weight::Violated, r.violated),
                    ("of them accepted", r.accepted, "", ""),
                    ("of them waived", r.waived, "", ""),
                    weighed(Weight::Warning, r.warnings),
                    weighed(Weight::Information, r.information),
                    weighed(Weight::Inconclusive, r.inconclusive),
                    weighed(Weight::Met, r.met),
                    weighed(Weight::NotExercised, r.not_exercised),
                ],
                run: vec![
                    ("passed", c.pass.to_string()),
                    ("failed", c.fail.to_string()),
                    ("warnings", c.warn.to_string()),
                    ("inconclusive", c.inconclusive.to_string()),
                    ("not applicable", c.not_applicable.to_string()),
                    ("issuer", shown(t.target.issuer.as_deref().unwrap_or("–"), TEXT)),
                    ("profile", t.profile.name().to_owned()),
                    ("reading", shown(&t.reading, TEXT)),
                    ("tool", shown(&t.tool, TEXT)),
                    ("started", shown(&t.started, TEXT)),
                ],
            }
        })
        .collect()
}

fn violated(comparison: &Comparison) -> Vec<Violated> {
    let below = |row: &Row| comparison.differing.iter().take(ROWS).any(|r| r.requirement == row.requirement);
    says::violated(comparison)
        .into_iter()
        .map(|(i, own)| Violated {
            letter: says::letter(i),
            label: comparison.targets.get(i).map(|t| shown(&t.label, TEXT)).unwrap_or_default(),
            requirements: own
                .into_iter()
                .map(|(row, cell)| (shown(&row.requirement, TEXT), below(row), cell.is_hole(), cell.tilde()))
                .collect(),
        })
        .collect()
}

fn legend() -> Vec<(&'static str, &'static str, &'static str, String)> {
    let weights = Weight::ALL.into_iter().map(|w| (w.colour(), w.sign(), w.word(), w.says().to_owned()));
    let classes = CLASSES.into_iter().map(|(class, _)| ("", "", class.word(), class_says(class)));
    weights.chain(classes).chain([("tilde", WAIVED, "waived", WAIVED_SAYS.to_owned())]).collect()
}

fn specs(comparison: &Comparison, catalogue: &Catalogue) -> Vec<Group> {
    let rows = &comparison.differing[..comparison.differing.len().min(ROWS)];
    says::by_spec(rows)
        .into_iter()
        .enumerate()
        .map(|(i, (spec, rows))| Group {
            title: shown(spec, TEXT),
            anchor: format!("spec-{}", i + 1),
            lines: rows.into_iter().map(|r| line(r, catalogue, few(comparison))).collect(),
        })
        .collect()
}

fn line(row: &Row, catalogue: &Catalogue, few: bool) -> Line {
    let requirement = catalogue.get(&row.requirement);
    let sentence = says(&row.requirement, catalogue);
    let seen = |(i, c): (usize, &Cell)| {
        let what = format!("{} {}", c.weight().sign(), c.word());
        (says::letter(i), what, shown(&c.observed, TEXT), named(&c.scenarios))
    };
    Line {
        id: shown(&row.requirement, TEXT),
        page: catalogue.page(&row.requirement).and_then(|page| page.url),
        level: row.level.word(),
        // The sign and its number stay on one line.
        section: shown(&says::place(row, requirement), TEXT).replacen("§ ", "§\u{a0}", 1),
        section_url: requirement.and_then(|r| catalogue.section_url(r)),
        says: if few { sentence.clone() } else { String::new() },
        folded: if few { String::new() } else { sentence },
        is_above: false,
        cells: row.cells.iter().map(|c| chip(c, few)).collect(),
        more: match (few, row.cells.iter().any(|c| c.level.is_some())) {
            (true, _) => "where it was seen",
            (false, true) => "what it asks, what was seen",
            (false, false) => "what it asks",
        },
        seen: row.cells.iter().enumerate().filter(|(_, c)| c.level.is_some()).map(seen).collect(),
    }
}

/// Rows from which most depart; those that tell the servers apart as well stand above already, with what was seen.
fn common(comparison: &Comparison, catalogue: &Catalogue) -> Vec<Line> {
    let above = |row: &Row| comparison.differing.iter().take(ROWS).any(|r| r.requirement == row.requirement);
    comparison
        .common
        .iter()
        .take(ROWS)
        .map(|row| match line(row, catalogue, few(comparison)) {
            line if above(row) => Line { is_above: true, folded: String::new(), seen: Vec::new(), ..line },
            line => line,
        })
        .collect()
}

fn chip(cell: &Cell, few: bool) -> Shown {
    let weight = cell.weight();
    Shown {
        class: weight.colour(),
        sign: format!("{}{}", weight.sign(), cell.tilde()),
        word: cell.word(),
        is_plain: cell.level.is_none(),
        note: if few { says::brief(&shown(&cell.observed, TEXT), NOTE) } else { String::new() },
    }
}

fn fact(facts: &Facts) -> Line {
    let all: Vec<Option<String>> =
        (0..facts.values.len()).map(|i| says::value(facts, i).map(|v| shown(&v, 2 * TEXT))).collect();
    let cell = |value: &Option<String>| Shown {
        class: if value.is_some() { "" } else { "not-applicable" },
        sign: value.as_ref().map_or_else(|| "–".to_owned(), |v| says::brief(v, FACT)),
        word: if value.is_some() { String::new() } else { "not observed".to_owned() },
        is_plain: true,
        note: String::new(),
    };
    let cut = |(i, value): (usize, &Option<String>)| {
        let full = value.as_ref().filter(|v| says::brief(v, FACT) != **v)?;
        Some((says::letter(i), String::new(), full.clone(), String::new()))
    };
    Line {
        id: shown(&facts.fact, TEXT),
        page: None,
        level: "",
        section: String::new(),
        section_url: None,
        says: String::new(),
        folded: String::new(),
        is_above: false,
        cells: all.iter().map(cell).collect(),
        more: "in full",
        seen: all.iter().enumerate().filter_map(cut).collect(),
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

fn alone(comparison: &Comparison, catalogue: &Catalogue) -> Vec<(String, String, Vec<Own>)> {
    says::alone(comparison)
        .map(|(target, own)| {
            let weights = says::weights(own.iter().map(|u: &&super::Unique| -> Level { u.level }));
            let own = own
                .into_iter()
                .take(ROWS)
                .map(|u| Own {
                    requirement: shown(&u.requirement, TEXT),
                    says: says(&u.requirement, catalogue),
                    class: u.cell.weight().colour(),
                    weight: format!(
                        "{}{} {}",
                        u.cell.weight().sign(),
                        u.cell.tilde(),
                        u.cell.weight().word()
                    ),
                    word: u.cell.word(),
                    observed: shown(&u.cell.observed, TEXT),
                    scenarios: named(&u.cell.scenarios),
                    others: says::others(u),
                })
                .collect();
            (shown(&target.label, TEXT), weights, own)
        })
        .collect()
}
