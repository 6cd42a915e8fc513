//! The scenarios of the page, failures first.

use std::collections::BTreeMap;

use super::{
    budget::Budget,
    tokens::{ChainsView, Shown, TokenView, compared},
    view::{Piece, mark, place, rank, ticked},
};
use crate::{
    judge::{FailClass, Finding, Verdict, oracle_requirements},
    report::{
        Report, curl_note,
        difference::difference,
        digest::{contested, has_row},
        visible::{shown, status},
    },
    run::{ScenarioResult, Weight},
    spec::{Catalogue, Level},
    wire::{RedactedExchange, RedactedResponse},
};

/// Most of a title, a reason, a name.
const SHORT: usize = 200;
/// Most of what a finding quotes.
const TEXT: usize = 1200;
/// Most of a message.
const MESSAGE: usize = 3000;
/// Most of what a check that was met has seen.
const MET: usize = 48;
/// Scenarios whose exchanges are shown for the same violation.
const OFTEN: usize = 5;
/// What the markup around a finding takes.
const MARKUP: usize = 500;
/// Exchanges shown of a scenario.
const EXCHANGES: usize = 4;

/// A scenario.
pub(super) struct ScenarioView {
    pub(super) id: String,
    pub(super) verdict: &'static str,
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
    pub(super) open: bool,
    pub(super) title: String,
    pub(super) topic: String,
    pub(super) section: String,
    pub(super) control: Option<ControlView>,
    pub(super) reason: Option<Vec<Piece>>,
    pub(super) findings: Vec<FindingView>,
    pub(super) findings_left: usize,
    pub(super) met: Vec<MetView>,
    /// Checks that every response gets, and that were met: what they are is the same everywhere.
    pub(super) met_generic: usize,
    /// Who acts for whom in the issued token, where it differs from the control's.
    pub(super) chains: Option<ChainsView>,
    pub(super) exchanges: Vec<ExchangeView>,
    pub(super) exchanges_left: usize,
}

/// The control of a scenario.
pub(super) struct ControlView {
    pub(super) id: String,
    /// Whether the page has it: filters may have left it out.
    pub(super) there: bool,
    /// What the scenario does otherwise.
    pub(super) difference: String,
}

/// A check that was met.
pub(super) struct MetView {
    /// Empty for a fact that stands for none.
    pub(super) requirement: String,
    /// Whether the page has a row for it.
    pub(super) there: bool,
    pub(super) seen: String,
}

/// A finding that is no pass.
pub(super) struct FindingView {
    /// The scenario that tells the same in full, if this one need not.
    pub(super) first: Option<String>,
    pub(super) verdict: &'static str,
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
    pub(super) level: &'static str,
    pub(super) requirement: String,
    /// Whether the page has a row for it.
    pub(super) there: bool,
    pub(super) section: String,
    pub(super) url: Option<String>,
    pub(super) says: String,
    pub(super) expected: String,
    pub(super) observed: String,
    pub(super) why: String,
    pub(super) contested: Option<String>,
    pub(super) waiver: Option<String>,
}

/// An exchange as text.
pub(super) struct ExchangeView {
    pub(super) title: String,
    pub(super) request: String,
    pub(super) response: String,
    pub(super) curl: String,
    /// What has to be filled in to use it.
    pub(super) note: Option<Vec<Piece>>,
    pub(super) tokens: Vec<TokenView>,
}

/// Every scenario: failures (holes first, so that the evidence of what is gravest always finds room) and errors,
/// warnings, inconclusive, passed, not applicable.
pub(super) fn scenarios(report: &Report, catalogue: &Catalogue, budget: &mut Budget) -> Vec<ScenarioView> {
    let mut ordered: Vec<&ScenarioResult> = report.scenarios.iter().collect();
    ordered.sort_by_key(|s| (rank_of(s, report), !has_hole(s)));
    let mut told = Told::default();
    let mut tokens = Shown::default();
    ordered
        .into_iter()
        .map(|s| {
            let known = told.before(s);
            scenario(s, &known, report, catalogue, &mut tokens, budget)
        })
        .collect()
}

/// How often a finding was told in full, and where first. One fault of a server can show in hundreds of scenarios; the
/// first few prove it, and the rest would only bury what is rare.
#[derive(Default)]
struct Told<'a>(BTreeMap<(&'a str, Option<FailClass>, &'a str), (usize, &'a str)>);

impl<'a> Told<'a> {
    /// For each finding of the scenario the scenario that told it first, if it was told often enough by now.
    fn before(&mut self, result: &'a ScenarioResult) -> Vec<Option<&'a str>> {
        let mut known = Vec::new();
        for f in &result.findings {
            if f.verdict == Verdict::Pass {
                known.push(None);
                continue;
            }
            let (times, first) =
                self.0.entry((&f.requirement, f.class, &f.observed)).or_insert((0, result.id.as_str()));
            *times += 1;
            known.push((*times > OFTEN).then_some(*first));
        }
        known
    }
}

/// Whether something was accepted that must be refused.
fn has_hole(result: &ScenarioResult) -> bool {
    result.findings.iter().any(|f| f.fails_at(Level::May) && f.class == Some(FailClass::Accepted))
}

fn rank_of(result: &ScenarioResult, report: &Report) -> u8 {
    match (result.weight(report.fail_on, &report.allow_inconclusive), result.verdict) {
        (Weight::Failure, _) => 0,
        (Weight::Broken, _) => 1,
        (_, Verdict::Fail) => 2,
        (_, Verdict::Inconclusive) => 3,
        (_, Verdict::Pass | Verdict::Error) => 4,
        (_, Verdict::NotApplicable) => 5,
    }
}

fn scenario<'a>(
    result: &'a ScenarioResult,
    known: &[Option<&str>],
    report: &'a Report,
    catalogue: &Catalogue,
    tokens: &mut Shown<'a>,
    budget: &mut Budget,
) -> ScenarioView {
    let rank = rank_of(result, report);
    let mut open = result.findings.iter().zip(known).filter(|(f, _)| f.verdict != Verdict::Pass).peekable();
    let fresh = open.peek().is_none() || open.any(|(_, first)| first.is_none());
    let (verdict, sign) = match rank {
        0 => ("fail", "✘"),
        2 => ("warn", "!"),
        _ => (result.verdict.word(), mark(result.verdict)),
    };
    let mut findings = Vec::new();
    let mut findings_left = 0;
    let mut met = Vec::new();
    let mut met_generic = 0;
    for (f, first) in result.findings.iter().zip(known) {
        if f.verdict == Verdict::Pass && oracle_requirements().contains(&f.requirement.as_str()) {
            met_generic += 1;
        } else if f.verdict == Verdict::Pass {
            budget.markup(f.requirement.len() + 20);
            let seen = if budget.is_left() { budget.text(&f.observed, MET) } else { String::new() };
            // A fact that is only observed may stand for no requirement: then its own name tells what was seen.
            let seen = match &f.fact {
                Some(fact) if f.requirement.is_empty() => format!("{}: {seen}", budget.text(fact, SHORT)),
                _ => seen,
            };
            met.push(MetView {
                requirement: budget.text(&f.requirement, SHORT),
                there: has_row(report, &f.requirement),
                seen,
            });
        } else if budget.is_left() {
            findings.push(finding(f, *first, report, catalogue, budget));
        } else {
            findings_left += 1;
        }
    }
    let exchanges = if rank < 4 && fresh { exchanges(result, tokens, budget) } else { Vec::new() };
    let control = result.control.as_deref().filter(|_| !exchanges.is_empty());
    let chains = compared(control.and_then(|id| report.scenario(id)), result);
    ScenarioView {
        id: shown(&result.id, SHORT),
        verdict,
        mark: sign,
        word: if verdict == "warn" { "warning" } else { verdict },
        open: rank < 2 && fresh && budget.is_left(),
        title: shown(&result.title, SHORT),
        topic: shown(&result.topic, SHORT),
        section: shown(&result.section, SHORT),
        control: result.control.as_ref().zip(difference(result)).map(|(control, difference)| ControlView {
            id: shown(control, SHORT),
            there: report.scenario(control).is_some(),
            difference: budget.text(&difference, SHORT),
        }),
        reason: result.reason.as_ref().map(|r| ticked(&budget.text(r, SHORT))),
        findings,
        findings_left,
        met,
        met_generic,
        chains,
        exchanges_left: result.exchanges.len() - exchanges.len(),
        exchanges,
    }
}

fn finding(
    f: &Finding,
    first: Option<&str>,
    report: &Report,
    catalogue: &Catalogue,
    budget: &mut Budget,
) -> FindingView {
    let (verdict, sign, word) = match (f.verdict, f.waiver.is_some()) {
        (Verdict::Fail, true) => ("info", "~", "waived"),
        // A fact is no violation, of whatever kind.
        (Verdict::Fail, false) if f.level == Level::Observe => ("info", "i", "observed"),
        (Verdict::Fail, false) => {
            let (verdict, sign) = rank(f.level, report.fail_on);
            (verdict, sign, f.class.map_or("violated", |c| c.word()))
        }
        (other, _) => (other.word(), mark(other), f.cause.map_or(other.word(), |c| c.word())),
    };
    let (section, url) = place(&f.requirement, catalogue);
    if let Some(first) = first {
        budget.markup(MARKUP / 2);
        return FindingView {
            first: Some(budget.text(first, SHORT)),
            verdict,
            mark: sign,
            word,
            level: f.level.word(),
            requirement: budget.text(&f.requirement, SHORT),
            there: has_row(report, &f.requirement),
            section,
            url,
            says: String::new(),
            expected: String::new(),
            observed: budget.text(&f.observed, SHORT),
            why: String::new(),
            contested: None,
            waiver: None,
        };
    }
    budget.markup(MARKUP);
    FindingView {
        first: None,
        verdict,
        mark: sign,
        word,
        level: f.level.word(),
        requirement: budget.text(&f.requirement, SHORT),
        there: has_row(report, &f.requirement),
        section,
        url,
        says: catalogue.get(&f.requirement).map(|r| budget.text(r.says.trim(), SHORT)).unwrap_or_default(),
        expected: budget.text(&f.expected, TEXT),
        observed: budget.text(&f.observed, TEXT),
        why: budget.text(&f.why, TEXT),
        contested: contested(f, catalogue).map(|c| budget.text(&c, TEXT)),
        waiver: f.waiver.as_ref().map(|w| budget.text(w, TEXT)),
    }
}

fn exchanges<'a>(
    result: &'a ScenarioResult,
    tokens: &mut Shown<'a>,
    budget: &mut Budget,
) -> Vec<ExchangeView> {
    let mut out = Vec::new();
    for exchange in result.exchanges.iter().take(EXCHANGES) {
        if !budget.is_left() {
            break;
        }
        out.push(exchange_view(exchange, result, tokens, budget));
    }
    out
}

fn exchange_view<'a>(
    exchange: &'a RedactedExchange,
    scenario: &ScenarioResult,
    tokens: &mut Shown<'a>,
    budget: &mut Budget,
) -> ExchangeView {
    let request = &exchange.request;
    let head = format!("{} {}", request.method, request.url);
    let answer = match (&exchange.response, &exchange.transport_error) {
        (Some(r), _) => status(r.status),
        (None, _) => "no response".to_owned(),
    };
    let response = match (&exchange.response, &exchange.transport_error) {
        (Some(r), _) => response_text(r, budget),
        (None, error) => budget.text(error.as_deref().unwrap_or("nothing was sent"), TEXT),
    };
    ExchangeView {
        title: format!("{}: {} → {answer}", budget.text(&exchange.purpose, SHORT), budget.text(&head, SHORT)),
        request: message(&head, &request.headers, &request.body, budget),
        response,
        curl: budget.text(&exchange.curl, MESSAGE),
        note: curl_note(&exchange.curl, scenario).map(|note| ticked(&budget.text(&note, SHORT))),
        tokens: tokens.views(exchange, budget),
    }
}

fn response_text(response: &RedactedResponse, budget: &mut Budget) -> String {
    let mut text = message(&status(response.status), &response.headers, &response.body, budget);
    if response.truncated {
        text.push_str("\n(more body came)");
    }
    text
}

/// Start line, fields and body, each neutralised by itself: the line breaks between them are ours.
fn message(start: &str, headers: &[(String, String)], body: &str, budget: &mut Budget) -> String {
    let mut out = budget.text(start, SHORT);
    for (name, value) in headers.iter().take(30) {
        out.push('\n');
        out.push_str(&budget.text(&format!("{name}: {value}"), SHORT));
    }
    out.push_str("\n\n");
    out.push_str(&budget.text(body, MESSAGE));
    out
}
