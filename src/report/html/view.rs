//! What the template shows, drawn from the report.

use askama::Template;

use super::{
    SCRIPT, STYLE,
    budget::Budget,
    policy,
    scenarios::{ScenarioView, scenarios},
    sections::{SpecView, specs, words},
    tokens::TokenBody,
};
use crate::{
    judge::Verdict,
    report::{
        Report,
        digest::{self, Violation},
        headline::{extent, headline},
        visible::{count, duration, shown},
    },
    run::Conclusion,
    spec::{Catalogue, Level},
};

/// Most of a text in a table.
const CELL: usize = 200;
/// Rows of a table whose length a server could drive.
const ROWS: usize = 150;
/// Bytes for the details of scenarios: with what every scenario and requirement takes, a page of some 1.4 MB at most.
const ROOM: usize = 760_000;

/// The page.
#[derive(Template)]
#[template(path = "html/report.html", config = "src/report/askama.toml")]
pub(super) struct Page {
    policy: String,
    style: &'static str,
    script: &'static str,
    tool: String,
    name: String,
    conclusion: &'static str,
    /// Where the word is explained.
    conclusion_url: Option<String>,
    conclusion_class: &'static str,
    mark: &'static str,
    interrupted: bool,
    /// Why the conclusion is what it is, in sentences.
    because: Vec<String>,
    identity: Vec<(&'static str, String)>,
    /// Number and noun, colour class.
    counts: Vec<(String, &'static str)>,
    toggles: Vec<(&'static str, &'static str)>,
    violations: Vec<Group>,
    open: Vec<OpenView>,
    /// Requirements left open by scenarios that have another verdict: id, cause, why.
    undecided: Vec<(String, &'static str, String)>,
    /// Waivers that fail the run: state, check, what is accepted, owner, why.
    waivers: Vec<[String; 5]>,
    /// Number, reason.
    missing: Vec<(String, Vec<Piece>)>,
    scenarios: Vec<ScenarioView>,
    specs: Vec<SpecView>,
    /// All requirements in words, where some repeat others.
    together: Option<String>,
    /// Fact, value, scenario.
    observations: Vec<(String, String, String)>,
}

/// A part of a text in which backticks mark what is written in files and commands.
pub(super) struct Piece {
    pub(super) code: bool,
    pub(super) text: String,
}

/// The parts; a text whose backticks do not pair has one.
pub(super) fn ticked(text: &str) -> Vec<Piece> {
    let paired = text.matches('`').count().is_multiple_of(2);
    let parts: Vec<&str> = if paired { text.split('`').collect() } else { vec![text] };
    let pieces = parts.into_iter().enumerate();
    pieces.map(|(i, part)| Piece { code: i % 2 == 1, text: part.to_owned() }).collect()
}

/// What was proven neither way, for one reason.
pub(super) struct OpenView {
    cause: &'static str,
    number: String,
    reason: Vec<Piece>,
    /// Where the cause is explained.
    page: Option<crate::spec::Page>,
}

/// Violations that mean the same for the run.
pub(super) struct Group {
    name: &'static str,
    /// How many there are, in words.
    extent: String,
    rows: Vec<Row>,
    /// How many more there are than rows.
    more: usize,
}

/// A violation in the table at the top.
pub(super) struct Row {
    verdict: &'static str,
    mark: &'static str,
    level: &'static str,
    /// The requirement's own level, where that is another.
    own: Option<String>,
    requirement: String,
    /// Whether the page has a row for it.
    there: bool,
    says: String,
    contested: bool,
    section: String,
    url: Option<String>,
    class: &'static str,
    /// Where the class is explained.
    class_url: Option<String>,
    expected: String,
    observed: String,
    scenarios: Vec<String>,
    more: usize,
}

impl Page {
    pub(super) fn new(report: &Report, catalogue: &Catalogue) -> Self {
        let (mark, conclusion_class) = match report.conclusion {
            Conclusion::Conformant => ("✔", "pass"),
            Conclusion::Partial => ("◐", "info"),
            Conclusion::Nonconformant => ("✘", "fail"),
            Conclusion::Inconclusive => ("?", "inconclusive"),
        };
        let c = &report.counts;
        let mut budget = Budget::new(ROOM);
        Self {
            policy: policy(STYLE, Some(SCRIPT)),
            style: STYLE,
            script: SCRIPT,
            tool: tool(report),
            name: shown(&named(report), CELL),
            conclusion: report.conclusion.word(),
            conclusion_url: catalogue.page(report.conclusion.word()).and_then(|page| page.url),
            conclusion_class,
            mark,
            interrupted: report.interrupted,
            because: headline(report),
            identity: identity(report),
            counts: vec![
                (format!("{} passed", c.pass), "pass"),
                (format!("{} failed", c.fail), "fail"),
                (count(c.warn, "warning"), "warn"),
                (format!("{} inconclusive", c.inconclusive), "inconclusive"),
                (format!("{} not applicable", c.not_applicable), "not-applicable"),
                (count(c.error, "error"), "error"),
            ],
            toggles: vec![
                ("pass", "passed"),
                ("warn", "warnings"),
                ("info", "information"),
                ("inconclusive", "inconclusive"),
                ("not-applicable", "not applicable"),
            ],
            violations: violations(report, catalogue),
            open: open(report, catalogue),
            undecided: digest::undecided(report)
                .iter()
                .take(ROWS)
                .map(|(row, f)| (shown(&row.id, CELL), f.cause.map_or("", |c| c.word()), shown(&f.why, CELL)))
                .collect(),
            waivers: report
                .waivers
                .iter()
                .filter(|w| w.state.fails())
                .take(ROWS)
                .map(|w| {
                    [w.state.word(), &w.check, &w.observed, &w.owner, &w.note].map(|text| shown(text, CELL))
                })
                .collect(),
            missing: digest::not_applicable(report)
                .iter()
                .take(ROWS)
                .map(|g| (g.extent(), ticked(&shown(g.reason, CELL))))
                .collect(),
            scenarios: scenarios(report, catalogue, &mut budget),
            specs: specs(report, catalogue),
            together: digest::together(report).map(|tally| words(&tally)),
            observations: report
                .observations
                .iter()
                .take(ROWS)
                .map(|o| (shown(&o.fact, CELL), shown(&o.value, CELL), shown(&o.scenario, CELL)))
                .collect(),
        }
    }
}

/// What led to the conclusion: the number of scenarios alone says little, since one fault can show in hundreds.
/// The target's name with its version.
fn named(report: &Report) -> String {
    match &report.target.version {
        Some(version) => format!("{} {version}", report.target.label()),
        None => report.target.label(),
    }
}

fn tool(report: &Report) -> String {
    shown(&format!("{} {}", report.tool.name, report.tool.version), CELL)
}

fn identity(report: &Report) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    out.extend(report.target.documented.as_ref().map(|d| ("documented", shown(d, CELL))));
    out.extend(report.target.version.as_ref().map(|v| ("version", shown(v, CELL))));
    out.extend(report.target.issuer.as_ref().map(|i| ("issuer", shown(i, CELL))));
    out.push(("profile", report.profile.name().to_owned()));
    out.push(("reading", shown(&report.reading, CELL)));
    out.push(("fails on", report.fail_on.word().to_owned()));
    let allowed: Vec<&str> = report.allow_inconclusive.iter().map(|c| c.word()).collect();
    if !allowed.is_empty() {
        out.push(("may stay inconclusive", allowed.join(", ")));
    }
    let requests = count(usize::try_from(report.requests).unwrap_or(usize::MAX), "request");
    out.push(("run", format!("{}, {}, {requests}", report.started, duration(report.duration_ms))));
    out.push(("tool", tool(report)));
    out
}

/// Colour class and sign of a violation, by what it means for the run.
pub(super) fn rank(level: Level, fail_on: Level) -> (&'static str, &'static str) {
    if level >= fail_on {
        ("fail", "✘")
    } else if level >= Level::Should {
        ("warn", "!")
    } else {
        ("info", "i")
    }
}

/// Sign of a verdict.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✔",
        Verdict::NotApplicable => "–",
        Verdict::Fail => "✘",
        Verdict::Inconclusive => "?",
        Verdict::Error => "!!",
    }
}

/// Where a requirement stands, and the address of that place.
pub(super) fn place(id: &str, catalogue: &Catalogue) -> (String, Option<String>) {
    catalogue.get(id).map_or_else(
        || ("unknown to this txspec".to_owned(), None),
        |r| (r.place(), catalogue.section_url(r)),
    )
}

fn violations(report: &Report, catalogue: &Catalogue) -> Vec<Group> {
    let row = |v: &Violation<'_>| {
        let (section, url) = place(&v.finding.requirement, catalogue);
        let (verdict, mark) = match v.finding.waiver {
            Some(_) => ("info", "~"),
            None => rank(v.finding.level, report.fail_on),
        };
        Row {
            verdict,
            mark,
            level: v.finding.level.word(),
            own: digest::level_words(v.finding, catalogue).split_once(" (").map(|(_, own)| format!("({own}")),
            requirement: shown(&v.finding.requirement, CELL),
            there: digest::has_row(report, &v.finding.requirement),
            says: catalogue
                .get(&v.finding.requirement)
                .map(|r| shown(r.says.trim(), CELL))
                .unwrap_or_default(),
            contested: v.finding.reading.is_some() || !v.finding.ambiguity.is_empty(),
            section,
            url,
            class: v.finding.class.map_or("violated", |c| c.word()),
            class_url: v.finding.class.and_then(|c| catalogue.page(c.word())).and_then(|page| page.url),
            expected: shown(&v.finding.expected, CELL),
            observed: shown(&v.finding.observed, CELL),
            scenarios: v.scenarios.iter().take(5).map(|s| shown(&s.id, CELL)).collect(),
            more: v.scenarios.len().saturating_sub(5),
        }
    };
    ["Violations", "Warnings", "Information"]
        .into_iter()
        .zip(digest::ranked(report))
        .chain([("Accepted by waivers", digest::waived(report))])
        .filter(|(_, group)| !group.is_empty())
        .map(|(name, group)| Group {
            name,
            extent: extent(&group),
            rows: group.iter().take(ROWS).map(row).collect(),
            more: group.len().saturating_sub(ROWS),
        })
        .collect()
}

fn open(report: &Report, catalogue: &Catalogue) -> Vec<OpenView> {
    let mut out = Vec::new();
    for (cause, groups) in digest::open(report) {
        let word = cause.map_or("no cause given", |c| c.word());
        for (i, group) in groups.iter().take(20).enumerate() {
            out.push(OpenView {
                cause: word,
                number: count(group.scenarios.len(), "scenario"),
                reason: ticked(&shown(group.reason, CELL)),
                page: catalogue.page(word).filter(|_| i == 0),
            });
        }
    }
    out
}
