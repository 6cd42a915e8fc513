//! JUnit XML for CI systems: a suite per topic, a case per scenario. It keeps to the schema of the xUnit plugin for
//! Jenkins, which knows properties of suites only: the requirements of each scenario stand there, under its name.

use std::{collections::BTreeSet, time::Duration};

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::{
    Report, ReportError,
    terminal::explain,
    visible::{shown, visible},
};
use crate::{
    judge::{Finding, Verdict},
    run::{ScenarioResult, WaiverResult, WaiverState, Weight},
    spec::{Catalogue, Level},
};

/// Most of a text in a message or a property.
const TEXT: usize = 600;
/// Most of a list of requirements.
const LIST: usize = 8000;
/// Width of the descriptions, which CI systems show in a fixed font.
const WIDTH: usize = 110;

/// The report as JUnit XML.
///
/// # Errors
/// Only when the XML cannot be made, a bug.
pub fn render(report: &Report, catalogue: &Catalogue) -> Result<String, ReportError> {
    let mut out = quick_junit::Report::new(format!("txspec {}", shown(&report.target.label(), TEXT)));
    out.set_time(Duration::from_millis(report.duration_ms));
    let mut topics: Vec<(&str, Vec<&ScenarioResult>)> = Vec::new();
    for scenario in &report.scenarios {
        match topics.iter_mut().find(|(topic, _)| *topic == scenario.topic) {
            Some((_, scenarios)) => scenarios.push(scenario),
            None => topics.push((&scenario.topic, vec![scenario])),
        }
    }
    for (topic, scenarios) in topics {
        let mut suite = TestSuite::new(visible(topic));
        suite.timestamp = report.started.to_string().parse().ok();
        suite.add_properties(identity(report));
        suite.add_properties(scenarios.iter().filter_map(|s| requirements(s)));
        suite.add_properties(explained(&scenarios, catalogue));
        suite.set_time(Duration::from_millis(scenarios.iter().map(|s| s.duration_ms).sum()));
        suite.add_test_cases(scenarios.into_iter().map(|s| case(s, report, catalogue)));
        out.add_test_suite(suite);
    }
    if !report.waivers.is_empty() {
        let mut suite = TestSuite::new("waivers");
        suite.set_time(Duration::ZERO);
        suite.add_test_cases(report.waivers.iter().map(waiver_case));
        out.add_test_suite(suite);
    }
    let text =
        out.to_string().map_err(|e| ReportError::Render { format: "JUnit", message: e.to_string() })?;
    Ok(without_total_of_skipped(text))
}

/// The schema knows `skipped` on suites, not on the whole.
fn without_total_of_skipped(text: String) -> String {
    let Some(start) = text.find("<testsuites ") else { return text };
    let tag = &text[start..start + text[start..].find('>').unwrap_or(0)];
    // Quotes within values are escaped, so that this can only be the attribute itself.
    let Some(at) = tag.find(" skipped=\"") else { return text };
    let value = at + " skipped=\"".len();
    let Some(end) = tag[value..].find('"') else { return text };
    let (from, to) = (start + at, start + value + end + 1);
    format!("{}{}", &text[..from], &text[to..])
}

/// What a scenario checks, each at its level.
fn requirements(result: &ScenarioResult) -> Option<Property> {
    let mut checked: Vec<(&str, Level)> = Vec::new();
    for finding in result.findings.iter().filter(|f| f.fact.is_none()) {
        match checked.iter_mut().find(|(id, _)| *id == finding.requirement) {
            Some((_, level)) => *level = finding.level.max(*level),
            None => checked.push((&finding.requirement, finding.level)),
        }
    }
    let words: Vec<String> = checked.iter().map(|(id, level)| format!("{id} {}", level.word())).collect();
    let name = format!("requirements of {}", result.id);
    (!words.is_empty()).then(|| Property::new(shown(&name, TEXT), shown(&words.join(", "), LIST)))
}

/// Where what did not pass is explained: requirements, and causes of what is open.
fn explained(scenarios: &[&ScenarioResult], catalogue: &Catalogue) -> Vec<Property> {
    let open = scenarios.iter().flat_map(|s| &s.findings).filter(|f| f.verdict != Verdict::Pass);
    let ids: BTreeSet<&str> =
        open.flat_map(|f| [f.cause.map_or("", |c| c.word()), f.requirement.as_str()]).collect();
    let pages = ids.into_iter().filter_map(|id| Some((id, catalogue.page(id)?)));
    pages.map(|(id, page)| property(&format!("explained {id}"), &page.place())).collect()
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, shown(value, TEXT))
}

fn identity(report: &Report) -> Vec<Property> {
    let mut out = vec![
        property("tool", &format!("{} {}", report.tool.name, report.tool.version)),
        property("target", &report.target.label()),
    ];
    out.extend(report.target.issuer.iter().map(|i| property("issuer", i)));
    out.extend(report.target.version.iter().map(|v| property("target-version", v)));
    out.extend(report.target.documented.iter().map(|d| property("documented", d)));
    out.push(property("profile", report.profile.name()));
    out.push(property("reading", &report.reading));
    out.push(property("conclusion", report.conclusion.word()));
    out
}

fn case(result: &ScenarioResult, report: &Report, catalogue: &Catalogue) -> TestCase {
    let weight = result.weight(report.fail_on, &report.allow_inconclusive);
    let mut case = TestCase::new(visible(&result.id), status(result, weight, catalogue));
    case.set_classname(visible(&result.topic));
    case.set_time(Duration::from_millis(result.duration_ms));
    let failures = result.failures();
    let mut about = vec![
        line_of("title", &result.title),
        line_of("section", &result.section),
        line_of("verdict", result.verdict.word()),
    ];
    about.extend(failures.first().and_then(|f| f.class).map(|c| line_of("class", c.word())));
    about.extend(result.cause.map(|c| line_of("cause", c.word())));
    about.extend(result.control.as_ref().map(|c| line_of("control", c)));
    about.extend(result.difference.as_ref().map(|d| line_of("difference", d)));
    // Violations that do not fail the case would be lost otherwise.
    let remarks: Vec<String> = failures
        .iter()
        .filter(|f| f.level < report.fail_on)
        .map(|f| format!("{}: {}", remark_word(f.level), line(f)))
        .chain(waived(result))
        .collect();
    about.extend(remarks);
    case.set_system_out(about.join("\n"));
    case
}

/// A waiver of the target file: it fails when it no longer holds, as the run does.
fn waiver_case(waiver: &WaiverResult) -> TestCase {
    let note = shown(&waiver.note, TEXT);
    let status = match waiver.state {
        WaiverState::InForce => TestCaseStatus::success(),
        WaiverState::NotExercised => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(note);
            status
        }
        WaiverState::Stale | WaiverState::Expired => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(waiver.state.word());
            status.set_message(note);
            status
        }
    };
    let mut name = format!("{} {}", waiver.check, waiver.observed);
    if !waiver.scenarios.is_empty() {
        let named: Vec<&str> = waiver.scenarios.iter().take(3).map(String::as_str).collect();
        name.push_str(&format!(" in {}", named.join(", ")));
        if waiver.scenarios.len() > named.len() {
            name.push_str(&format!(" and {} more", waiver.scenarios.len() - named.len()));
        }
    }
    let mut case = TestCase::new(shown(&name, TEXT), status);
    case.set_classname("waivers");
    case.set_time(Duration::ZERO);
    let about = [
        line_of("owner", &waiver.owner),
        line_of("issue", &waiver.issue),
        line_of("reason", &waiver.reason),
        line_of("expires", &waiver.expires.to_string()),
    ];
    case.set_system_out(about.join("\n"));
    case
}

fn line_of(name: &str, value: &str) -> String {
    format!("{name}: {}", shown(value, TEXT))
}

fn remark_word(level: Level) -> &'static str {
    if level >= Level::Should { "warning" } else { "information" }
}

fn waived(result: &ScenarioResult) -> impl Iterator<Item = String> {
    result.findings.iter().filter_map(|f| {
        let waiver = f.waiver.as_ref().filter(|_| f.verdict == Verdict::Fail)?;
        Some(format!("accepted by a waiver ({}): {}", shown(waiver, TEXT), line(f)))
    })
}

fn line(finding: &Finding) -> String {
    format!(
        "{} ({}): expected {}; observed {}",
        shown(&finding.requirement, TEXT),
        finding.level.word(),
        shown(&finding.expected, TEXT),
        shown(&finding.observed, TEXT)
    )
}

fn status(result: &ScenarioResult, weight: Weight, catalogue: &Catalogue) -> TestCaseStatus {
    let reason = shown(result.reason.as_deref().unwrap_or("no reason given"), TEXT);
    let skipped = |message: String| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(message);
        status
    };
    let (kind, class, message) = match (weight, result.verdict) {
        (Weight::Broken, _) => (NonSuccessKind::Error, "error", reason),
        (Weight::Failure, _) => {
            let worst = result.failures().into_iter().next();
            let class = worst.and_then(|f| f.class).map_or("violated", |c| c.word());
            (NonSuccessKind::Failure, class, worst.map(line).unwrap_or_default())
        }
        (Weight::Open, _) => (NonSuccessKind::Failure, "inconclusive", inconclusive(result, &reason)),
        (_, Verdict::NotApplicable) => return skipped(format!("not applicable: {reason}")),
        (_, Verdict::Inconclusive) => return skipped(inconclusive(result, &reason)),
        _ => return TestCaseStatus::success(),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(class);
    status.set_message(message);
    status.set_description(explain(result, catalogue, WIDTH, false));
    status
}

fn inconclusive(result: &ScenarioResult, reason: &str) -> String {
    match result.cause {
        Some(cause) => format!("inconclusive, {}: {reason}", cause.word()),
        None => format!("inconclusive: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{judge::Cause, report::fixture};

    fn xml(report: &Report) -> String {
        render(report, fixture::catalogue()).unwrap()
    }

    fn read(report: &Report) -> quick_junit::Report {
        quick_junit::Report::deserialize_from_str(&xml(report)).unwrap()
    }

    #[test]
    fn sample() {
        insta::assert_snapshot!(xml(&fixture::sample()));
    }

    #[test]
    fn it_reads_back_with_the_same_counts() {
        let report = fixture::sample();
        let back = read(&report);
        assert_eq!(back.tests, report.counts.total() + report.waivers.len());
        assert_eq!(back.failures, report.counts.fail + report.counts.inconclusive);
        assert_eq!(back.errors, report.counts.error);
        let skipped = back
            .test_suites
            .iter()
            .flat_map(|s| &s.test_cases)
            .filter(|c| matches!(c.status, TestCaseStatus::Skipped { .. }))
            .count();
        assert_eq!(skipped, report.counts.not_applicable);
    }

    #[test]
    fn an_allowed_inconclusive_is_skipped() {
        let mut report = fixture::sample();
        report.allow_inconclusive = BTreeSet::from(Cause::ALL);
        assert_eq!(read(&report).failures, report.counts.fail);
    }

    #[test]
    fn a_warning_fails_the_case_when_it_fails_the_run() {
        let mut report = fixture::sample();
        let before = read(&report).failures;
        report.fail_on = Level::Should;
        assert_eq!(read(&report).failures, before + report.counts.warn);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn any_text_gives_valid_xml(text in "(\\PC|\\p{Cc}|[\u{fffe}\u{ffff}\u{202e}<>&\"']|]]>){0,40}") {
            let report = fixture::hostile(&text);
            prop_assert_eq!(read(&report).tests, report.scenarios.len() + report.waivers.len());
        }
    }
}
