//! Annotations for a CI system: workflow commands that GitHub shows beside the change that is tested.

use std::path::Path;

use super::{
    Report,
    digest::{self, Violation},
    headline::headline,
    visible::{count, shown},
};
use crate::{
    judge::Cause,
    run::{Conclusion, WaiverResult},
    spec::{Catalogue, Level},
};

/// Most of a message.
const TEXT: usize = 500;
/// Most of what was expected or observed: the page that explains it stands behind.
const QUOTE: usize = 160;
/// GitHub shows ten of a kind for each step; the rest would only fill the log.
const SHOWN: usize = 10;

/// Workflow commands for violations, for waivers that no longer hold, and for a run that proved too little, the gravest first. `file` is the target file, if
/// the target is one.
pub fn github(report: &Report, catalogue: &Catalogue, file: Option<&Path>) -> String {
    let [failures, warnings, _] = digest::ranked(report);
    let mut out = String::new();
    let stale = report.waivers.iter().filter(|w| w.state.fails()).take(SHOWN).map(|w| waiver(w, file));
    let failures = failures.iter().take(SHOWN).map(|v| violation("error", v, report, catalogue, file));
    let warnings = warnings.iter().take(SHOWN).map(|v| violation("warning", v, report, catalogue, file));
    let open = open(report).into_iter();
    for line in stale.chain(failures).chain(open).chain(warnings) {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn violation(
    command: &str,
    violation: &Violation<'_>,
    report: &Report,
    catalogue: &Catalogue,
    file: Option<&Path>,
) -> String {
    let finding = violation.finding;
    let title = format!("{} {}", finding.level.word(), finding.requirement);
    let first = violation.scenarios.first().map(|s| s.id.as_str()).unwrap_or_default();
    let more = match violation.scenarios.len().saturating_sub(1) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let class = finding.class.map_or("violated", |c| c.word());
    let page =
        catalogue.page(&finding.requirement).map(|p| format!("; see {}", p.place())).unwrap_or_default();
    let message = format!(
        "{}: expected {}; observed {} ({class}; scenario {first}{more}){page}",
        report.target.label(),
        shown(&finding.expected, QUOTE),
        shown(&finding.observed, QUOTE)
    );
    line(if finding.level >= Level::Should { command } else { "notice" }, &title, &message, file)
}

/// A workflow command for a run that ended without reports: where it stands and why.
pub fn github_broken(title: &str, message: &str) -> String {
    line("error", &format!("txspec: {title}"), message, None)
}

/// Why a run without violations that fail it is no success.
fn open(report: &Report) -> Option<String> {
    if report.conclusion != Conclusion::Inconclusive {
        return None;
    }
    let cut = report.interrupted.then(|| "The run was interrupted.".to_owned());
    let causes = digest::open(report).into_iter().map(|(cause, groups)| {
        let number: usize = groups.iter().map(|group| group.scenarios.len()).sum();
        format!(
            "Inconclusive, {}: {}.",
            cause.map_or("no cause given", Cause::word),
            count(number, "scenario")
        )
    });
    let sentences: Vec<String> = cut.into_iter().chain(causes).chain(headline(report)).collect();
    let message = format!("{}: {}", report.target.label(), sentences.join(" "));
    Some(line("error", "txspec: inconclusive", &message, None))
}

fn waiver(waiver: &WaiverResult, file: Option<&Path>) -> String {
    let title = format!("waiver {}: {}", waiver.state.word(), waiver.check);
    line("error", &title, &format!("{} (owner {})", waiver.note, waiver.owner), file)
}

fn line(command: &str, title: &str, message: &str, file: Option<&Path>) -> String {
    let mut properties = Vec::new();
    properties.extend(file.map(|f| format!("file={}", property(&f.display().to_string()))));
    properties.push(format!("title={}", property(title)));
    format!("::{command} {}::{}", properties.join(","), data(message))
}

/// Text behind the second `::`.
fn data(text: &str) -> String {
    shown(text, TEXT).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text between the commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{judge::Verdict, report::fixture};

    #[test]
    fn what_a_server_says_cannot_become_a_command() {
        let report = fixture::hostile("100%,a:b\r\n::add-mask::x\n::error::y");
        let text = github(&report, fixture::catalogue(), Some(Path::new("a,b:c%.yaml")));
        assert!(!text.is_empty());
        for line in text.lines() {
            let command = line.split(' ').next().unwrap();
            assert!(["::error", "::warning"].contains(&command), "{line}");
            assert!(line[command.len()..].starts_with(" file=a%2Cb%3Ac%25.yaml,title="), "{line}");
            assert_eq!(line.matches("100%25").count(), line.matches("100").count(), "{line}");
        }
        assert!(!text.contains('\r'));
    }

    #[test]
    fn a_run_that_proved_too_little_is_one_error() {
        let mut report = fixture::sample();
        report.scenarios.retain(|s| s.verdict == Verdict::Inconclusive);
        report.conclusion = Conclusion::Inconclusive;
        let text = github(&report, fixture::catalogue(), None);
        assert_eq!(text.lines().filter(|line| line.starts_with("::error ")).count(), 1, "{text}");
        let cause = report.scenarios[0].cause.unwrap().word();
        assert!(text.contains(&format!("Inconclusive, {cause}: 1 scenario.")), "{text}");
        report.conclusion = Conclusion::Partial;
        assert!(!github(&report, fixture::catalogue(), None).contains("::error "), "accepted beforehand");
        let broken = github_broken("exit code 6", "a%b\n::error::x");
        assert_eq!(broken, "::error title=txspec%3A exit code 6::a%25b\\n::error::x");
    }

    #[test]
    fn failures_are_errors_and_warnings_are_warnings() {
        insta::assert_snapshot!(github(&fixture::sample(), fixture::catalogue(), None));
    }
}
