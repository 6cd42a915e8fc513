//! The parts of the summary, in their order.

use super::escape::{block, cell, code, linked, text};
use crate::{
    judge::Finding,
    report::{
        Report, curl_note,
        difference::difference,
        digest::{self, Group, Violation, class_meaning},
        headline::{extent, headline},
        visible::{count, duration, status},
    },
    run::{Conclusion, ScenarioResult},
    spec::{Catalogue, Level, Page, Requirement},
    wire::RedactedExchange,
};

/// Most of a text that is shown.
const TEXT: usize = 500;
/// Most of a text in a table.
const CELL: usize = 200;
/// Most of a command line.
const COMMAND: usize = 3000;
/// Violations told in full.
const FULL: usize = 20;
/// Rows of a table.
const ROWS: usize = 60;

pub(super) fn identity(report: &Report, catalogue: &Catalogue) -> String {
    let mark = match report.conclusion {
        Conclusion::Conformant => "✅",
        Conclusion::Partial => "🟦",
        Conclusion::Nonconformant => "❌",
        Conclusion::Inconclusive => "❔",
    };
    let mut out = format!(
        "# {mark} {}: {}\n\n",
        text(&report.target.label(), CELL),
        word(report.conclusion.word(), catalogue)
    );
    if report.interrupted {
        out.push_str("**The run was interrupted: only what had been judged by then is counted.**\n\n");
    }
    for sentence in headline(report) {
        out.push_str(&format!("- {}\n", text(&sentence, TEXT)));
    }
    out.push('\n');
    let mut rows = vec![];
    rows.extend(report.target.documented.as_ref().map(|d| ("documented", cell(d, CELL))));
    rows.extend(report.target.version.as_ref().map(|v| ("version", cell(v, CELL))));
    rows.extend(report.target.issuer.as_ref().map(|i| ("issuer", cell(i, CELL))));
    rows.push(("profile", cell(report.profile.name(), CELL)));
    rows.push(("reading", cell(&report.reading, CELL)));
    rows.push(("fails on", report.fail_on.word().to_owned()));
    if !report.allow_inconclusive.is_empty() {
        let causes: Vec<&str> = report.allow_inconclusive.iter().map(|c| c.word()).collect();
        rows.push(("may stay inconclusive", causes.join(", ")));
    }
    rows.push((
        "run",
        format!(
            "{}, {}, {}",
            report.started,
            duration(report.duration_ms),
            count(usize::try_from(report.requests).unwrap_or(usize::MAX), "request")
        ),
    ));
    rows.push(("tool", text(&format!("{} {}", report.tool.name, report.tool.version), CELL)));
    out.push_str("| target | |\n| --- | --- |\n");
    for (name, value) in rows {
        out.push_str(&format!("| {name} | {value} |\n"));
    }
    out
}

pub(super) fn counts(report: &Report, _: &Catalogue) -> String {
    let c = &report.counts;
    format!(
        "| scenarios | passed | failed | warnings | inconclusive | not applicable | errors |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n\
         | {} | {} | {} | {} | {} | {} | {} |\n",
        c.total(),
        c.pass,
        c.fail,
        c.warn,
        c.inconclusive,
        c.not_applicable,
        c.error
    )
}

pub(super) fn violations(report: &Report, catalogue: &Catalogue) -> String {
    let [failures, warnings, information] = digest::ranked(report);
    let mut out = String::new();
    if !failures.is_empty() {
        out.push_str(&format!("## Violations ({})\n\n", extent(&failures)));
        for violation in failures.iter().take(FULL) {
            out.push_str(&in_full(violation, catalogue));
        }
        if let Some(rest) = failures.get(FULL..).filter(|r| !r.is_empty()) {
            out.push_str(&format!("### And {} more\n\n", rest.len()));
            out.push_str(&table(rest, catalogue));
        }
    }
    for (name, remarks) in [("Warnings", warnings), ("Information", information)] {
        if !remarks.is_empty() {
            out.push_str(&format!("## {name} ({})\n\n{}", extent(&remarks), table(&remarks, catalogue)));
        }
    }
    out
}

fn in_full(violation: &Violation<'_>, catalogue: &Catalogue) -> String {
    let finding = violation.finding;
    let class = finding.class.map_or("violated", |c| c.word());
    let mut out = format!(
        "### {} {} {}: {class}\n\n",
        mark(finding.level),
        digest::level_words(finding, catalogue).to_uppercase(),
        code(&finding.requirement, CELL)
    );
    if let Some(requirement) = catalogue.get(&finding.requirement) {
        out.push_str(&format!(
            "{}: {}\n\n",
            section_link(requirement, catalogue),
            text(requirement.says.trim(), TEXT)
        ));
    }
    if let Some(page) = catalogue.page(&finding.requirement) {
        out.push_str(&format!("- **explained** {}\n", link(&page)));
    }
    out.push_str(&format!("- **expected** {}\n", code(&finding.expected, TEXT)));
    out.push_str(&format!("- **observed** {}\n", code(&finding.observed, TEXT)));
    out.push_str(&format!("- **class** {}: {}\n", word(class, catalogue), class_meaning(finding.class)));
    if !finding.why.is_empty() {
        out.push_str(&format!("- **why** {}\n", text(&finding.why, TEXT)));
    }
    if let Some(contested) = digest::contested(finding, catalogue) {
        out.push_str(&format!("- **contested** {}\n", text(&contested, TEXT)));
    }
    out.push_str(&format!("- **seen in** {}\n", names(&violation.scenarios, 5)));
    let Some(first) = violation.scenarios.first() else {
        return out;
    };
    if digest::is_of_every_response(finding) {
        out.push_str("- **judged** on every response of the token endpoint, whatever the scenario asks\n");
    } else if let (Some(difference), Some(control)) = (difference(first), &first.control) {
        out.push_str(&format!(
            "- **differs from the control** {} by: {}\n",
            code(control, CELL),
            text(&difference, TEXT)
        ));
    }
    if let Some(exchange) = shown_exchange(first, finding) {
        out.push_str(&exchange_lines(exchange, first));
    }
    out.push('\n');
    out
}

fn shown_exchange<'a>(scenario: &'a ScenarioResult, finding: &Finding) -> Option<&'a RedactedExchange> {
    match finding.exchange {
        Some(index) => scenario.exchanges.get(index),
        None => scenario.exchanges.last(),
    }
}

fn exchange_lines(exchange: &RedactedExchange, scenario: &ScenarioResult) -> String {
    let request = format!("{} {}", exchange.request.method, exchange.request.url);
    let answer = match (&exchange.response, &exchange.transport_error) {
        (Some(r), _) => format!("{} {}", status(r.status), r.body),
        (None, Some(error)) => format!("no response: {error}"),
        (None, None) => "nothing was sent".into(),
    };
    let note =
        curl_note(&exchange.curl, scenario).map(|n| format!("{}\n\n", text(&n, TEXT))).unwrap_or_default();
    format!(
        "- **request** {}\n- **response** {}\n\n<details><summary>send it again</summary>\n\n{note}{}\n</details>\n",
        code(&request, TEXT),
        code(&answer, TEXT),
        block("sh", &exchange.curl, COMMAND)
    )
}

fn table(violations: &[Violation<'_>], catalogue: &Catalogue) -> String {
    let mut out = String::from(
        "| level | requirement | section | class | expected | observed | seen in |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for violation in violations.iter().take(ROWS) {
        let finding = violation.finding;
        let section =
            catalogue.get(&finding.requirement).map(|r| section_link(r, catalogue)).unwrap_or_default();
        let contested =
            if finding.reading.is_some() || !finding.ambiguity.is_empty() { " (contested)" } else { "" };
        out.push_str(&format!(
            "| {} {} | {}{contested} | {section} | {} | {} | {} | {} |\n",
            mark(finding.level),
            digest::level_words(finding, catalogue),
            linked(&finding.requirement, catalogue),
            word(finding.class.map_or("violated", |c| c.word()), catalogue),
            cell(&finding.expected, CELL),
            cell(&finding.observed, CELL),
            names(&violation.scenarios, 3)
        ));
    }
    out.push_str(&more(violations.len(), ROWS));
    out.push('\n');
    out
}

fn more(total: usize, limit: usize) -> String {
    match total.checked_sub(limit) {
        Some(rest) if rest > 0 => format!("\n… and {rest} more, see report.json\n"),
        _ => String::new(),
    }
}

fn mark(level: Level) -> &'static str {
    match level {
        Level::Must => "❌",
        Level::Should => "⚠️",
        Level::May | Level::Observe => "ℹ️",
    }
}

/// The page, where it is published, else its file.
fn link(page: &Page) -> String {
    match &page.url {
        Some(url) => format!("[{}]({url})", page.path),
        None => code(&page.command(), CELL),
    }
}

/// A word of the reports, leading to its page where that is published.
fn word(word: &str, catalogue: &Catalogue) -> String {
    match catalogue.page(word).and_then(|page| page.url) {
        Some(url) => format!("[{word}]({url})"),
        None => word.to_owned(),
    }
}

fn section_link(requirement: &Requirement, catalogue: &Catalogue) -> String {
    let place = text(&requirement.place(), CELL);
    match catalogue.section_url(requirement) {
        Some(url) => format!("[{place}]({url})"),
        None => place,
    }
}

fn names(scenarios: &[&ScenarioResult], limit: usize) -> String {
    let mut out = scenarios.iter().take(limit).map(|s| cell(&s.id, CELL)).collect::<Vec<_>>().join(", ");
    if scenarios.len() > limit {
        out.push_str(&format!(" and {} more", scenarios.len() - limit));
    }
    out
}

pub(super) fn waived(report: &Report, _: &Catalogue) -> String {
    let waived = digest::waived(report);
    if waived.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "## Accepted by waivers ({})\n\n| requirement | observed | waiver | seen in |\n| --- | --- | --- | --- |\n",
        extent(&waived)
    );
    for violation in waived.iter().take(ROWS) {
        let finding = violation.finding;
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            cell(&finding.requirement, CELL),
            cell(&finding.observed, CELL),
            text(finding.waiver.as_deref().unwrap_or_default(), CELL),
            names(&violation.scenarios, 3)
        ));
    }
    out.push_str(&more(waived.len(), ROWS));
    out
}

/// Waivers that fail the run.
pub(super) fn waivers(report: &Report, _: &Catalogue) -> String {
    let failing: Vec<_> = report.waivers.iter().filter(|w| w.state.fails()).collect();
    if failing.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "## Waivers that no longer hold ({})\n\n| state | check | accepted | owner | why |\n| --- | --- | --- | --- | --- |\n",
        failing.len()
    );
    for waiver in failing.iter().take(ROWS) {
        out.push_str(&format!(
            "| ❌ {} | {} | {} | {} | {} |\n",
            waiver.state.word(),
            cell(&waiver.check, CELL),
            cell(&waiver.observed, CELL),
            text(&waiver.owner, CELL),
            text(&waiver.note, CELL)
        ));
    }
    out.push_str(&more(failing.len(), ROWS));
    out
}

pub(super) fn errors(report: &Report, _: &Catalogue) -> String {
    let groups = digest::errors(report);
    if groups.is_empty() {
        return String::new();
    }
    format!("## Errors of a scenario or of txspec\n\n{}", listed(&groups))
}

pub(super) fn open(report: &Report, catalogue: &Catalogue) -> String {
    let causes = digest::open(report);
    if causes.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "## Inconclusive ({})\n\nProven neither way: neither a pass nor a violation.\n\n",
        report.counts.inconclusive
    );
    for (cause, groups) in causes {
        let total: usize = groups.iter().map(|g| g.scenarios.len()).sum();
        let word = cause.map_or("no cause given", |c| c.word());
        let explained = catalogue.page(word).map(|page| format!(", {}", link(&page))).unwrap_or_default();
        out.push_str(&format!("**{word}** ({total}{explained})\n\n{}\n", listed(&groups)));
    }
    out
}

/// Requirements left open by scenarios that have another verdict.
pub(super) fn undecided(report: &Report, catalogue: &Catalogue) -> String {
    let undecided = digest::undecided(report);
    if undecided.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "## Left open by scenarios that show something else ({})\n\n| requirement | cause | why |\n| --- | --- | --- |\n",
        count(undecided.len(), "requirement")
    );
    for (row, finding) in undecided.iter().take(ROWS) {
        let cause = finding.cause.map_or("", |c| c.word());
        out.push_str(&format!(
            "| {} | {} | {} |\n",
            linked(&row.id, catalogue),
            word(cause, catalogue),
            text(&finding.why, CELL)
        ));
    }
    out.push_str(&more(undecided.len(), ROWS));
    out
}

pub(super) fn not_applicable(report: &Report, _: &Catalogue) -> String {
    let groups = digest::not_applicable(report);
    if groups.is_empty() {
        return String::new();
    }
    format!(
        "<details><summary>Not applicable ({})</summary>\n\n{}\n</details>\n",
        Group { reason: "", scenarios: groups.iter().flat_map(|g| g.scenarios.iter().copied()).collect() }
            .extent(),
        listed(&groups)
    )
}

fn listed(groups: &[Group<'_>]) -> String {
    let mut out = String::new();
    for group in groups.iter().take(ROWS) {
        let reason =
            if group.reason.is_empty() { "no reason given".to_owned() } else { text(group.reason, TEXT) };
        let number = group.extent();
        out.push_str(&format!("- {number}: {reason} ({})\n", names(&group.scenarios, 5)));
    }
    out.push_str(&more(groups.len(), ROWS));
    out
}

pub(super) fn coverage(report: &Report, catalogue: &Catalogue) -> String {
    let coverage = digest::coverage(report);
    if coverage.is_empty() {
        return String::new();
    }
    let head = "| met | violated | warning | information | waived | open | not exercised |\n\
                | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    let cells = |t: digest::Tally| {
        let numbers = [t.met, t.violated, t.warned, t.informed, t.waived, t.open, t.untouched];
        format!("| {} |\n", numbers.map(|n| n.to_string()).join(" | "))
    };
    let mut out = format!("## Requirements\n\n| specification {head}");
    for spec in &coverage {
        out.push_str(&format!("| {} {}", text(spec.spec, CELL), cells(spec.total)));
    }
    if let Some(total) = digest::together(report) {
        out.push_str(&format!("| together, what repeats another counted once {}", cells(total)));
    }
    out.push_str(&format!("\n<details><summary>by section</summary>\n\n| section {head}"));
    // A specification may cite a section of another, which has a row of that name already.
    let mut rows: Vec<(String, digest::Tally)> = Vec::new();
    for spec in &coverage {
        for (section, tally) in &spec.sections {
            let known =
                catalogue.requirements().iter().find(|r| r.spec == spec.spec && r.section == *section);
            let place = known.map_or_else(
                || text(&format!("{} section {section}", spec.spec), CELL),
                |r| section_link(r, catalogue),
            );
            match rows.iter_mut().find(|(name, _)| *name == place) {
                Some((_, sum)) => sum.extend(*tally),
                None => rows.push((place, *tally)),
            }
        }
    }
    for (place, tally) in rows {
        out.push_str(&format!("| {place} {}", cells(tally)));
    }
    out.push_str("\n</details>\n");
    out
}

pub(super) fn observations(report: &Report, _: &Catalogue) -> String {
    let mut seen: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for o in &report.observations {
        match seen.iter_mut().find(|(f, v, _)| *f == o.fact && *v == o.value) {
            Some((.., scenarios)) => scenarios.push(&o.scenario),
            None => seen.push((&o.fact, &o.value, vec![&o.scenario])),
        }
    }
    if seen.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<details><summary>Observations, not scored ({})</summary>\n\n| fact | observed | seen in |\n| --- | --- | --- |\n",
        seen.len()
    );
    for (fact, value, scenarios) in seen.iter().take(ROWS) {
        let others = match scenarios.len() {
            0 | 1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        out.push_str(&format!(
            "| {} | {} | {}{others} |\n",
            text(fact, CELL),
            cell(value, CELL),
            cell(scenarios.first().copied().unwrap_or_default(), CELL)
        ));
    }
    out.push_str(&more(seen.len(), ROWS));
    out.push_str("\n</details>\n");
    out
}
