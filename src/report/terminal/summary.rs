//! The closing text of a run.

use anstyle::Style;

use super::page::{BOLD, DIM, PLAIN, Page, Piece, conclusion_mark, level_mark, verdict_mark};
use crate::{
    judge::{FailClass, Verdict},
    report::{
        Paths, Report,
        digest::{self, Group, Tally, Violation},
        headline::{extent, headline},
        visible::{count, duration, shown},
    },
    run::ScenarioResult,
    spec::{Catalogue, Level},
};

/// Most of a text that is shown.
const TEXT: usize = 300;
/// Most of what was expected.
const EXPECTED: usize = 120;
/// Violations that are listed.
const VIOLATIONS: usize = 30;
/// Warnings that are listed.
const WARNINGS: usize = 10;
/// Information that is listed.
const INFORMATION: usize = 5;
/// Reasons that are listed of one kind.
const REASONS: usize = 8;

/// What the run says about the target, what is wrong, what is missing, where the reports are, what to do next.
pub fn summary(
    report: &Report,
    catalogue: &Catalogue,
    written: Option<&Paths>,
    width: usize,
    styled: bool,
) -> String {
    let mut page = Page::new(width, styled);
    identity(&mut page, report);
    scenarios(&mut page, report);
    requirements(&mut page, report);
    let [failures, warnings, information] = digest::ranked(report);
    listed(&mut page, "violations", &failures, VIOLATIONS, catalogue);
    listed(&mut page, "warnings", &warnings, WARNINGS, catalogue);
    listed(&mut page, "information", &information, INFORMATION, catalogue);
    waived(&mut page, report);
    waivers(&mut page, report);
    groups(&mut page, "errors", Verdict::Error, &digest::errors(report));
    for (cause, found) in digest::open(report) {
        let title = format!("inconclusive, {}", cause.map_or("no cause given", |c| c.word()));
        groups(&mut page, &title, Verdict::Inconclusive, &found);
    }
    undecided(&mut page, report);
    groups(&mut page, "not applicable", Verdict::NotApplicable, &digest::not_applicable(report));
    if let Some(paths) = written {
        title(&mut page, "reports");
        for path in paths.all() {
            page.put(2, 4, &[(PLAIN, &shown(&path.display().to_string(), 4096))]);
        }
    }
    page.blank();
    for hint in digest::advice(report, written.is_some()) {
        page.put(0, 6, &[(BOLD, "hint:"), (PLAIN, &shown(&hint, TEXT))]);
    }
    page.finish()
}

fn identity(page: &mut Page, report: &Report) {
    let (mark, style) = conclusion_mark(report.conclusion);
    let word = report.conclusion.word().to_uppercase();
    let name = shown(&report.target.label(), TEXT);
    let mut pieces: Vec<Piece<'_>> = vec![(style, mark), (style, &word), (BOLD, &name)];
    let version = report.target.version.as_deref().map(|v| shown(v, TEXT));
    pieces.extend(version.as_deref().map(|v| (BOLD, v)));
    let issuer = report.target.issuer.as_deref().filter(|i| *i != report.target.name).map(|i| shown(i, TEXT));
    pieces.extend(issuer.as_deref().map(|i| (PLAIN, i)));
    page.put(0, 2, &pieces);
    if report.interrupted {
        page.put(2, 2, &[(BOLD, "The run was interrupted: only what had been judged by then is counted.")]);
    }
    for sentence in headline(report) {
        page.put(2, 2, &[(PLAIN, &sentence)]);
    }
    if let Some(documents) = &report.target.documented {
        page.put(2, 2, &[(PLAIN, &shown(documents, TEXT))]);
    }
    let facts = format!(
        "profile {}, reading {}, {} in {}, {} {}",
        report.profile.name(),
        shown(&report.reading, TEXT),
        count(usize::try_from(report.requests).unwrap_or(usize::MAX), "request"),
        duration(report.duration_ms),
        shown(&report.tool.name, TEXT),
        shown(&report.tool.version, TEXT),
    );
    page.put(2, 2, &[(DIM, &facts)]);
}

fn scenarios(page: &mut Page, report: &Report) {
    page.blank();
    let counts = &report.counts;
    let shares = [
        (Verdict::Pass, format!("{} passed", counts.pass), counts.pass),
        (Verdict::Fail, format!("{} failed", counts.fail), counts.fail),
        (Verdict::Fail, count(counts.warn, "warning"), counts.warn),
        (Verdict::Inconclusive, format!("{} inconclusive", counts.inconclusive), counts.inconclusive),
        (Verdict::NotApplicable, format!("{} not applicable", counts.not_applicable), counts.not_applicable),
        (Verdict::Error, count(counts.error, "error"), counts.error),
    ];
    let mut texts = vec![(BOLD, format!("{}:", count(counts.total(), "scenario")))];
    let last = shares.len() - 1;
    for (i, (verdict, text, number)) in shares.into_iter().enumerate() {
        let style = if number == 0 { DIM } else { verdict_mark(verdict).1 };
        texts.push((style, format!("{text}{}", if i == last { "" } else { "," })));
    }
    let pieces: Vec<Piece<'_>> = texts.iter().map(|(style, text)| (*style, text.as_str())).collect();
    page.put(0, 2, &pieces);
}

fn requirements(page: &mut Page, report: &Report) {
    let coverage = digest::coverage(report);
    if coverage.is_empty() {
        return;
    }
    page.blank();
    let waived = coverage.iter().any(|spec| spec.total.waived > 0);
    let columns = |t: &Tally| {
        let waived = waived.then_some(("waived", t.waived));
        [("met", t.met), ("violated", t.violated), ("warning", t.warned), ("info", t.informed)]
            .into_iter()
            .chain(waived)
            .chain([("open", t.open), ("not exercised", t.untouched)])
    };
    let mut head = format!("{:<13}", "requirements");
    head.extend(columns(&Tally::default()).map(|(name, _)| format!("{name:>0$}", name.len() + 2)));
    page.line(BOLD, &head);
    for spec in coverage {
        let mut line = format!("{:<13}", shown(spec.spec, 13));
        line.extend(columns(&spec.total).map(|(name, number)| format!("{number:>0$}", name.len() + 2)));
        page.line(if spec.total.violated > 0 { BOLD } else { PLAIN }, &line);
    }
    if let Some(total) = digest::together(report) {
        let mut line = format!("{:<13}", "together");
        line.extend(columns(&total).map(|(name, number)| format!("{number:>0$}", name.len() + 2)));
        page.line(BOLD, &line);
        page.put(
            0,
            2,
            &[(DIM, "(together, a sentence that repeats one of another specification counts once, and is listed as that one)")],
        );
    }
}

fn title(page: &mut Page, text: &str) {
    page.blank();
    page.put(0, 0, &[(BOLD, text)]);
}

fn listed(page: &mut Page, name: &str, violations: &[Violation<'_>], limit: usize, catalogue: &Catalogue) {
    if violations.is_empty() {
        return;
    }
    title(page, &format!("{name} ({})", extent(violations)));
    for violation in violations.iter().take(limit) {
        one(page, violation, catalogue);
    }
    more(page, violations.len(), limit);
}

fn one(page: &mut Page, violation: &Violation<'_>, catalogue: &Catalogue) {
    let finding = violation.finding;
    let (mark, style) = level_mark(finding.level);
    let class = finding.class.map_or("violated", |c| c.word());
    let tail = format!("[{class}] {}", names(&violation.scenarios, 2));
    page.put(
        2,
        4,
        &[
            (style, mark),
            (style, &digest::level_words(finding, catalogue)),
            (BOLD, &shown(&finding.requirement, TEXT)),
            (PLAIN, &tail),
        ],
    );
    // That "the request is refused" was expected says little: the title says which.
    let accepted = finding.class == Some(FailClass::Accepted);
    let expected = match violation.scenarios.first().filter(|_| accepted) {
        Some(scenario) => &scenario.title,
        None => or_nothing(&finding.expected),
    };
    let expected = format!("{};", shown(expected, EXPECTED));
    page.put(
        4,
        6,
        &[
            (DIM, "expected"),
            (PLAIN, &expected),
            (DIM, "observed"),
            (PLAIN, &shown(or_nothing(&finding.observed), TEXT)),
        ],
    );
    if let Some(reading) = &finding.reading {
        page.put(4, 6, &[(DIM, "contested: the reading"), (PLAIN, &shown(reading, TEXT)), (DIM, "decided")]);
    }
}

fn or_nothing(text: &str) -> &str {
    if text.trim().is_empty() { "nothing" } else { text }
}

/// The first scenarios by id, and how many more.
fn names(scenarios: &[&ScenarioResult], limit: usize) -> String {
    let mut out = scenarios.iter().take(limit).map(|s| shown(&s.id, TEXT)).collect::<Vec<_>>().join(", ");
    if scenarios.len() > limit {
        out.push_str(&format!(" and {} more", scenarios.len() - limit));
    }
    out
}

fn waived(page: &mut Page, report: &Report) {
    let waived = digest::waived(report);
    if waived.is_empty() {
        return;
    }
    title(page, &format!("accepted by waivers ({})", extent(&waived)));
    for violation in waived.iter().take(WARNINGS) {
        let finding = violation.finding;
        let which = format!("{}:", names(&violation.scenarios, 2));
        let reason = shown(finding.waiver.as_deref().unwrap_or_default(), TEXT);
        page.put(
            2,
            4,
            &[
                (DIM, "~"),
                (PLAIN, finding.level.word()),
                (PLAIN, &shown(&finding.requirement, TEXT)),
                (DIM, &which),
                (DIM, &reason),
            ],
        );
    }
    more(page, waived.len(), WARNINGS);
}

/// Waivers that fail the run.
fn waivers(page: &mut Page, report: &Report) {
    let failing: Vec<_> = report.waivers.iter().filter(|w| w.state.fails()).collect();
    if failing.is_empty() {
        return;
    }
    title(page, &format!("waivers that no longer hold ({})", failing.len()));
    let (mark, style) = level_mark(Level::Must);
    for waiver in failing.iter().take(VIOLATIONS) {
        let what = format!("{} ({}):", shown(&waiver.observed, TEXT), shown(&waiver.owner, TEXT));
        page.put(
            2,
            4,
            &[
                (style, mark),
                (style, waiver.state.word()),
                (BOLD, &shown(&waiver.check, TEXT)),
                (PLAIN, &what),
                (PLAIN, &shown(&waiver.note, TEXT)),
            ],
        );
    }
    more(page, failing.len(), VIOLATIONS);
}

fn groups(page: &mut Page, name: &str, verdict: Verdict, groups: &[Group<'_>]) {
    if groups.is_empty() {
        return;
    }
    let all =
        Group { reason: "", scenarios: groups.iter().flat_map(|g| g.scenarios.iter().copied()).collect() };
    title(page, &format!("{name} ({})", all.extent()));
    let (mark, style): (&str, Style) = verdict_mark(verdict);
    for group in groups.iter().take(REASONS) {
        let reason =
            if group.reason.is_empty() { "no reason given".to_owned() } else { shown(group.reason, TEXT) };
        let (head, which) = match (verdict, group.scenarios.as_slice()) {
            (Verdict::NotApplicable, _) => (group.extent(), String::new()),
            (_, [one]) => (shown(&one.id, TEXT), String::new()),
            (_, all) => (count(all.len(), "scenario"), format!("({})", names(all, 3))),
        };
        let head = head + ":";
        page.put(2, 4, &[(style, mark), (PLAIN, &head), (PLAIN, &reason), (DIM, &which)]);
    }
    more(page, groups.len(), REASONS);
}

/// Requirements left open by scenarios that have another verdict.
fn undecided(page: &mut Page, report: &Report) {
    let undecided = digest::undecided(report);
    if undecided.is_empty() {
        return;
    }
    title(
        page,
        &format!(
            "left open by scenarios that show something else ({})",
            count(undecided.len(), "requirement")
        ),
    );
    let (mark, style) = verdict_mark(Verdict::Inconclusive);
    for (row, finding) in undecided.iter().take(REASONS) {
        let cause = finding.cause.map_or_else(String::new, |c| format!("{}:", c.word()));
        page.put(
            2,
            4,
            &[
                (style, mark),
                (BOLD, &shown(&row.id, TEXT)),
                (PLAIN, &cause),
                (PLAIN, &shown(&finding.why, TEXT)),
            ],
        );
    }
    more(page, undecided.len(), REASONS);
}

fn more(page: &mut Page, total: usize, limit: usize) {
    if total > limit {
        let text = format!("… and {} more, in the reports", total - limit);
        page.put(2, 4, &[(DIM, &text)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_should_level_violation_is_listed_as_a_violation_when_it_fails_the_run() {
        let mut report = fixture::sample();
        assert!(summary(&report, fixture::catalogue(), None, 80, false).contains("\nwarnings ("));
        report.fail_on = Level::May;
        assert!(!summary(&report, fixture::catalogue(), None, 80, false).contains("\nwarnings ("));
    }
}
