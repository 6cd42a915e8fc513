//! What stands under a failed trial: everything that is needed to see why, and to see it again.

use super::page::{BOLD, DIM, PLAIN, Page, level_mark, verdict_mark};
use crate::{
    judge::{Finding, Verdict},
    report::{
        curl_note,
        difference::difference,
        digest::{class_meaning, contested, counted, is_of_every_response, level_words},
        visible::{count, shown, status},
    },
    run::ScenarioResult,
    spec::{Catalogue, Level},
    wire::RedactedExchange,
};

/// Most of a text that is shown.
const TEXT: usize = 600;
/// Most of a response body that is shown.
const BODY: usize = 240;
/// Most of a command line that is shown.
const COMMAND: usize = 6000;
/// What is said where the question of the scenario has nothing to do with what failed.
pub(super) const EVERY_RESPONSE: &str =
    "(judged on every response of the token endpoint, whatever the scenario asks)";
/// Violations that are told in full.
const FULL: usize = 8;

/// Explains a result that is no plain pass, in lines of at most `width` columns (but for addresses and the
/// command line, which must stay whole).
pub fn explain(result: &ScenarioResult, catalogue: &Catalogue, width: usize, styled: bool) -> String {
    let mut page = Page::new(width, styled);
    page.put(0, 0, &[(BOLD, &shown(&result.title, TEXT))]);
    let failures = result.failures();
    let told = counted(failures.iter().copied());
    let (graver, lesser): (Vec<_>, Vec<_>) = told.iter().take(FULL).partition(|(f, _)| f.level > Level::May);
    for (finding, times) in &graver {
        page.blank();
        violation(&mut page, finding, *times, catalogue);
    }
    page.blank();
    for (finding, times) in &lesser {
        information(&mut page, finding, *times, catalogue);
    }
    if told.len() > FULL {
        page.blank();
        let rest = format!("… and {}, see the report", count(told.len() - FULL, "more violation"));
        page.put(2, 4, &[(DIM, &rest)]);
    }
    if !matches!(result.verdict, Verdict::Pass | Verdict::Fail) {
        page.blank();
        undecided(&mut page, result);
    }
    if !graver.is_empty() && graver.iter().all(|(f, _)| is_of_every_response(f)) {
        page.blank();
        page.put(2, 4, &[(DIM, EVERY_RESPONSE)]);
    } else if let (Some(control), Some(difference)) = (&result.control, difference(result)) {
        page.blank();
        let text = format!("{} (control: {})", shown(&difference, TEXT), shown(control, TEXT));
        page.field(2, "differs by", PLAIN, &text);
    }
    exchanges(&mut page, result, &failures);
    page.finish()
}

/// What was observed, and how often.
pub(super) fn observed(finding: &Finding, times: usize) -> String {
    let text = shown(&finding.observed, TEXT);
    if times > 1 { format!("{text} (in {times} responses)") } else { text }
}

fn violation(page: &mut Page, finding: &Finding, times: usize, catalogue: &Catalogue) {
    let (mark, style) = level_mark(finding.level);
    let level = level_words(finding, catalogue).to_uppercase();
    let class = finding.class.map_or_else(|| "violated".to_owned(), |c| format!("[{}]", c.word()));
    page.put(
        2,
        4,
        &[(style, mark), (style, &level), (BOLD, &shown(&finding.requirement, TEXT)), (style, &class)],
    );
    page.put(4, 4, &[(DIM, class_meaning(finding.class))]);
    if let Some(requirement) = catalogue.get(&finding.requirement) {
        let place = requirement.place();
        page.field(4, "section", PLAIN, &place);
        if let Some(url) = catalogue.section_url(requirement) {
            page.field(4, "", DIM, &url);
        }
        page.field(4, "says", PLAIN, requirement.says.trim());
    }
    page.field(4, "expected", PLAIN, &shown(&finding.expected, TEXT));
    page.field(4, "observed", BOLD, &observed(finding, times));
    if !finding.why.is_empty() {
        page.field(4, "why", PLAIN, &shown(&finding.why, TEXT));
    }
    if let Some(contested) = contested(finding, catalogue) {
        page.field(4, "contested", PLAIN, &shown(&contested, TEXT));
    }
}

/// Information needs no more than a line.
fn information(page: &mut Page, finding: &Finding, times: usize, catalogue: &Catalogue) {
    let (mark, style) = level_mark(finding.level);
    let name = format!("{}:", shown(&finding.requirement, TEXT));
    page.put(
        2,
        4,
        &[
            (style, mark),
            (style, &level_words(finding, catalogue).to_uppercase()),
            (BOLD, &name),
            (PLAIN, "expected"),
            (PLAIN, &shown(&finding.expected, TEXT)),
            (PLAIN, "and observed"),
            (PLAIN, &observed(finding, times)),
        ],
    );
}

fn undecided(page: &mut Page, result: &ScenarioResult) {
    let (mark, style) = verdict_mark(result.verdict);
    let word = result.verdict.word().to_uppercase();
    let cause = result.cause.map(|c| format!("[{}]", c.word())).unwrap_or_default();
    page.put(2, 4, &[(style, mark), (style, &word), (style, &cause)]);
    if let Some(reason) = &result.reason {
        page.field(4, "why", PLAIN, &shown(reason, TEXT));
    }
    let open: Vec<&str> = result
        .findings
        .iter()
        .filter(|f| f.verdict == result.verdict)
        .map(|f| f.requirement.as_str())
        .collect();
    if !open.is_empty() {
        let names = shown(&open.join(", "), TEXT);
        page.field(4, "left open", PLAIN, &names);
    }
}

/// The exchanges that the violations point at, else the last one; the first one's command line closes the text.
fn exchanges(page: &mut Page, result: &ScenarioResult, failures: &[&Finding]) {
    let mut wanted: Vec<usize> = failures.iter().filter_map(|f| f.exchange).collect();
    if wanted.is_empty() {
        wanted.extend(result.exchanges.len().checked_sub(1));
    }
    let mut seen = Vec::new();
    for index in wanted {
        if seen.len() < 3 && !seen.contains(&index) && index < result.exchanges.len() {
            seen.push(index);
        }
    }
    for index in &seen {
        if let Some(exchange) = result.exchanges.get(*index) {
            page.blank();
            let place = format!(
                "{} (request {} of {})",
                shown(&exchange.purpose, TEXT),
                index + 1,
                result.exchanges.len()
            );
            if result.exchanges.len() > 1 {
                page.put(2, 4, &[(DIM, &place)]);
            }
            two_lines(page, exchange);
        }
    }
    if let Some(first) = seen.first().and_then(|i| result.exchanges.get(*i)) {
        page.blank();
        // One unbroken line: it is there to be copied.
        page.line(PLAIN, &format!("  {}", shown(&first.curl, COMMAND)));
        if let Some(note) = curl_note(&first.curl, result) {
            page.put(2, 2, &[(DIM, &shown(&note, TEXT))]);
        }
    }
}

fn two_lines(page: &mut Page, exchange: &RedactedExchange) {
    let request = format!("{} {}", shown(&exchange.request.method, 40), shown(&exchange.request.url, TEXT));
    page.put(2, 4, &[(DIM, ">"), (PLAIN, &request)]);
    match (&exchange.response, &exchange.transport_error) {
        (Some(response), _) => {
            let body =
                if response.body.is_empty() { "(no body)".to_owned() } else { shown(&response.body, BODY) };
            page.put(2, 4, &[(DIM, "<"), (BOLD, &status(response.status)), (PLAIN, &body)]);
        }
        (None, error) => {
            let error = error.as_deref().unwrap_or("nothing was sent");
            page.put(2, 4, &[(DIM, "<"), (BOLD, "no response:"), (PLAIN, &shown(error, TEXT))]);
        }
    }
}
