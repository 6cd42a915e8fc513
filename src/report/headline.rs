//! What a run came to, in sentences: the same on top of every output.

use std::collections::BTreeSet;

use super::{
    Report,
    digest::{self, Violation},
    visible::count,
};
use crate::{
    judge::{FailClass, Verdict},
    run::Conclusion,
    spec::Level,
};

/// Why the conclusion is what it is, the gravest first. Never empty.
pub fn headline(report: &Report) -> Vec<String> {
    let [failures, warnings, _] = digest::ranked(report);
    let mut out = Vec::new();
    let fallen = report.waivers.iter().filter(|w| w.state.fails()).count();
    let waivers = count(fallen, "waiver");
    let unharmed = match fallen {
        0 => "no violation fails the run.".to_owned(),
        1 => format!("no violation fails the run, but {waivers} that is out of date or no longer true does."),
        _ => format!("no violation fails the run, but {waivers} that are out of date or no longer true do."),
    };
    match report.conclusion {
        Conclusion::Conformant => out.push(format!("All of the core profile was exercised, and {unharmed}")),
        Conclusion::Partial => out.push(unharmed.replacen("no", "No", 1)),
        // What an expired waiver accepted stands among the failures below.
        Conclusion::Nonconformant | Conclusion::Inconclusive if fallen > 0 => {
            out.push(format!("Out of date or no longer true, which fails the run: {waivers}."));
        }
        Conclusion::Nonconformant | Conclusion::Inconclusive => {}
    }
    if report.scenarios.iter().all(|s| s.verdict == Verdict::NotApplicable) {
        out.push(
            "Nothing was judged: none of the scenarios that were selected applies to the target.".to_owned(),
        );
    }
    if !failures.is_empty() {
        let holes = security(&failures, report.fail_on.word());
        let bar = match report.fail_on {
            Level::Must => "must".to_owned(),
            lower => format!("{} or above", lower.word()),
        };
        out.push(format!(
            "Violated at level {bar}, which fails the run: {}{holes}.",
            of(requirements(&failures))
        ));
    }
    if !warnings.is_empty() {
        // In another form, the same requirement may fail the run: a comparison counts it there alone.
        let too = ids(&warnings).intersection(&ids(&failures)).count();
        let too = if too > 0 { format!(", {too} of them violated as well") } else { String::new() };
        let holes = security(&warnings, "should");
        out.push(format!("Not met at level should, a warning: {}{too}{holes}.", of(requirements(&warnings))));
    }
    let waived = digest::waived(report);
    if !waived.is_empty() {
        let holes = security(&waived, "must");
        out.push(format!("Violated and accepted by waivers: {}{holes}.", of(requirements(&waived))));
    }
    if report.counts.error > 0 {
        out.push(format!(
            "Broken, by a fault of the scenario or of txspec: {}.",
            scenarios(report.counts.error)
        ));
    }
    if report.counts.inconclusive > 0 {
        let all = report.counts.inconclusive;
        let open = report.scenarios.iter().filter(|s| s.verdict == Verdict::Inconclusive);
        let allowed =
            open.filter(|s| s.cause.is_some_and(|c| report.allow_inconclusive.contains(&c))).count();
        let causes: Vec<&str> = report.allow_inconclusive.iter().map(|c| c.word()).collect();
        let allowed = match allowed {
            0 => String::new(),
            some if some == all => format!("; allowed by --allow-inconclusive {}", causes.join(", ")),
            some => format!("; {some} of them allowed by --allow-inconclusive {}", causes.join(", ")),
        };
        out.push(format!("Proven neither way: {}{allowed}.", scenarios(all)));
    }
    let undecided = digest::undecided(report).len();
    if undecided > 0 {
        out.push(format!("Proven neither way by scenarios that show something else: {}.", of(undecided)));
    }
    if report.left_out > 0 {
        out.push(format!(
            "Not selected, and nothing is said about them: {} of the profile.",
            scenarios(report.left_out)
        ));
    }
    let missing = report.scenarios.iter().filter(|s| s.is_missing()).count();
    if missing > 0 {
        out.push(format!("Not exercised: {} of the core profile, which did not apply.", scenarios(missing)));
    }
    out
}

/// How many of them are holes, as the end of a sentence; nothing if none is. `duty` is the word of their level.
fn security(violations: &[Violation<'_>], duty: &str) -> String {
    let what = format!("what {duty} be refused was accepted");
    let all = requirements(violations);
    match requirements(violations.iter().filter(|v| v.finding.class == Some(FailClass::Accepted))) {
        0 => String::new(),
        1 if all == 1 => format!("; a security hole: {what}"),
        1 => format!("; 1 of them is a security hole: {what}"),
        holes => format!("; {holes} of them are security holes: {what}"),
    }
}

/// How often something is violated, in requirements and in forms: one requirement can be violated in several.
pub fn extent(violations: &[Violation<'_>]) -> String {
    let requirements = requirements(violations);
    if requirements == violations.len() {
        of(requirements)
    } else {
        format!("{} in {}", of(requirements), count(violations.len(), "form"))
    }
}

fn requirements<'a, 'b: 'a>(violations: impl IntoIterator<Item = &'a Violation<'b>>) -> usize {
    ids(violations).len()
}

fn ids<'a, 'b: 'a>(violations: impl IntoIterator<Item = &'a Violation<'b>>) -> BTreeSet<&'a str> {
    violations.into_iter().map(|v| v.finding.requirement.as_str()).collect()
}

fn of(requirements: usize) -> String {
    count(requirements, "requirement")
}

fn scenarios(number: usize) -> String {
    count(number, "scenario")
}
