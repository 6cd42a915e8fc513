//! Annotations for a CI system: workflow commands that GitHub shows beside the change that is tested.

use std::path::Path;

use super::{
    Report,
    digest::{self, Violation},
    visible::shown,
};
use crate::{run::WaiverResult, spec::Level};

/// Most of a message.
const TEXT: usize = 500;
/// GitHub shows ten of a kind for each step; the rest would only fill the log.
const SHOWN: usize = 10;

/// Workflow commands for violations and for waivers that no longer hold, the gravest first. `file` is the target file, if
/// the target is one.
pub fn github(report: &Report, file: Option<&Path>) -> String {
    let [failures, warnings, _] = digest::ranked(report);
    let mut out = String::new();
    let stale = report.waivers.iter().filter(|w| w.state.fails()).take(SHOWN).map(|w| waiver(w, file));
    let failures = failures.iter().take(SHOWN).map(|v| violation("error", v, report, file));
    let warnings = warnings.iter().take(SHOWN).map(|v| violation("warning", v, report, file));
    for line in stale.chain(failures).chain(warnings) {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn violation(command: &str, violation: &Violation<'_>, report: &Report, file: Option<&Path>) -> String {
    let finding = violation.finding;
    let title = format!("{} {}", finding.level.word(), finding.requirement);
    let first = violation.scenarios.first().map(|s| s.id.as_str()).unwrap_or_default();
    let more = match violation.scenarios.len().saturating_sub(1) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let class = finding.class.map_or("violated", |c| c.word());
    let message = format!(
        "{}: expected {}; observed {} ({class}; scenario {first}{more})",
        report.target.label(),
        finding.expected,
        finding.observed
    );
    line(if finding.level >= Level::Should { command } else { "notice" }, &title, &message, file)
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
    use crate::report::fixture;

    #[test]
    fn what_a_server_says_cannot_become_a_command() {
        let report = fixture::hostile("100%,a:b\r\n::add-mask::x\n::error::y");
        let text = github(&report, Some(Path::new("a,b:c%.yaml")));
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
    fn failures_are_errors_and_warnings_are_warnings() {
        insta::assert_snapshot!(github(&fixture::sample(), None));
    }
}
