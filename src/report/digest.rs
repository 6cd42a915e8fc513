//! What people want to know first, drawn from a report: violations grouped by what they have in common, open
//! questions by cause, what was not applicable by reason, coverage by section. Terminal, Markdown and HTML say
//! the same because they all say this.

use std::collections::{BTreeMap, BTreeSet};

use super::{Report, visible::count};
use crate::{
    judge::{Cause, FailClass, Finding, Verdict, asked_by_scenarios_too, oracle_requirements},
    run::{RequirementResult, ScenarioResult},
    spec::{Catalogue, Level},
};

/// One violated requirement in one form, wherever it was seen.
pub struct Violation<'a> {
    /// Its first finding.
    pub finding: &'a Finding,
    /// The scenarios that show it, in order.
    pub scenarios: Vec<&'a ScenarioResult>,
}

/// Every violation that no waiver accepts: highest level first, security first, then in the catalogue's order.
pub fn violations(report: &Report) -> Vec<Violation<'_>> {
    grouped(report, |f| f.fails_at(Level::May))
}

/// Violations that a waiver accepts.
pub fn waived(report: &Report) -> Vec<Violation<'_>> {
    grouped(report, |f| f.verdict == Verdict::Fail && f.waiver.is_some())
}

/// Violations by what they mean for the run: failures, warnings, information.
pub fn ranked(report: &Report) -> [Vec<Violation<'_>>; 3] {
    let (failures, rest): (Vec<_>, Vec<_>) =
        violations(report).into_iter().partition(|v| v.finding.level >= report.fail_on);
    let (warnings, information) = rest.into_iter().partition(|v| v.finding.level >= Level::Should);
    [failures, warnings, information]
}

fn grouped<'a>(report: &'a Report, wanted: impl Fn(&Finding) -> bool) -> Vec<Violation<'a>> {
    type Key<'a> = (&'a str, Level, Option<FailClass>, &'a str);
    let mut order: BTreeMap<Key<'a>, usize> = BTreeMap::new();
    let mut out: Vec<Violation<'a>> = Vec::new();
    for scenario in &report.scenarios {
        for finding in scenario.findings.iter().filter(|f| wanted(f)) {
            let key = (finding.requirement.as_str(), finding.level, finding.class, finding.observed.as_str());
            let slot = *order.entry(key).or_insert(out.len());
            match out.get_mut(slot) {
                Some(known) if known.scenarios.last().is_none_or(|s| s.id != scenario.id) => {
                    known.scenarios.push(scenario);
                }
                Some(_) => {}
                None => out.push(Violation { finding, scenarios: vec![scenario] }),
            }
        }
    }
    for violation in &mut out {
        plainest_first(violation);
    }
    let places: BTreeMap<&str, usize> =
        report.requirements.iter().enumerate().map(|(i, r)| (r.id.as_str(), i)).collect();
    let place = |v: &Violation<'_>| places.get(v.finding.requirement.as_str()).copied().unwrap_or(usize::MAX);
    // What was accepted wrongly is a hole, anything else a nuisance.
    let nuisance = |v: &Violation<'_>| v.finding.class != Some(FailClass::Accepted);
    out.sort_by_key(|v| (std::cmp::Reverse(v.finding.level), nuisance(v), place(v)));
    out
}

/// Puts the plainest of the scenarios that show the same first, so that nobody looks for a missing header among the
/// actors of a chain.
fn plainest_first(violation: &mut Violation<'_>) {
    let effort = |s: &ScenarioResult| (s.difference.is_some(), s.exchanges.len(), s.topic != "impersonation");
    let Some(at) =
        (0..violation.scenarios.len()).min_by_key(|i| violation.scenarios.get(*i).map(|s| effort(s)))
    else {
        return;
    };
    let same = |f: &&Finding| {
        let of = violation.finding;
        (&f.requirement, f.level, f.class, &f.observed) == (&of.requirement, of.level, of.class, &of.observed)
            && f.verdict == of.verdict
    };
    if let Some(finding) = violation.scenarios.get(at).and_then(|s| s.findings.iter().find(same)) {
        violation.finding = finding;
        violation.scenarios[..=at].rotate_right(1);
    }
}

/// How a violation is weighed, in words; with the level of the requirement itself where a check weighs it otherwise.
pub fn level_words(finding: &Finding, catalogue: &Catalogue) -> String {
    let own = catalogue.get(&finding.requirement).map(|r| r.level).filter(|own| *own != finding.level);
    let word = finding.level.word();
    match own {
        None => word.to_owned(),
        Some(Level::Observe) => format!("{word} (of a fact)"),
        Some(own) => format!("{word} (of a {})", own.word()),
    }
}

/// Whether a finding is about what every response of the token endpoint is judged on, and not about the question of a
/// scenario.
pub fn is_of_every_response(finding: &Finding) -> bool {
    let id = finding.requirement.as_str();
    finding.class != Some(FailClass::Accepted)
        && oracle_requirements().contains(&id)
        && !asked_by_scenarios_too().contains(&id)
}

/// Findings that say the same, each once, with how many there are.
pub fn counted<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<(&'a Finding, usize)> {
    let mut out: Vec<(&Finding, usize)> = Vec::new();
    for finding in findings {
        let same = |(f, _): &&mut (&Finding, usize)| {
            (&f.requirement, f.level, f.class, &f.expected, &f.observed, &f.why)
                == (
                    &finding.requirement,
                    finding.level,
                    finding.class,
                    &finding.expected,
                    &finding.observed,
                    &finding.why,
                )
        };
        match out.iter_mut().find(same) {
            Some((_, times)) => *times += 1,
            None => out.push((finding, 1)),
        }
    }
    out
}

/// Scenarios that share a reason.
pub struct Group<'a> {
    /// Why, as the result says; empty if it doesn't.
    pub reason: &'a str,
    /// Which.
    pub scenarios: Vec<&'a ScenarioResult>,
}

impl Group<'_> {
    /// How many there are, in words, and how many of them the core profile misses.
    pub fn extent(&self) -> String {
        let all = count(self.scenarios.len(), "scenario");
        match self.scenarios.iter().filter(|s| s.is_missing()).count() {
            0 => all,
            core if core == self.scenarios.len() => format!("{all} of the core profile"),
            core => format!("{all}, {core} of the core profile"),
        }
    }
}

fn by_reason<'a>(scenarios: impl Iterator<Item = &'a ScenarioResult>) -> Vec<Group<'a>> {
    let mut out: Vec<Group<'a>> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in scenarios {
        let reason = scenario.reason.as_deref().unwrap_or_default();
        let slot = *known.entry(reason).or_insert(out.len());
        match out.get_mut(slot) {
            Some(group) => group.scenarios.push(scenario),
            None => out.push(Group { reason, scenarios: vec![scenario] }),
        }
    }
    // The biggest first; the sort is stable, so the suite's order decides between equals.
    out.sort_by_key(|g| std::cmp::Reverse(g.scenarios.len()));
    out
}

/// Open questions by cause, each with its reasons.
pub fn open(report: &Report) -> Vec<(Option<Cause>, Vec<Group<'_>>)> {
    let of = |cause: Option<Cause>| {
        by_reason(
            report.scenarios.iter().filter(move |s| s.verdict == Verdict::Inconclusive && s.cause == cause),
        )
    };
    Cause::ALL
        .into_iter()
        .map(Some)
        .chain([None])
        .map(|cause| (cause, of(cause)))
        .filter(|(_, groups)| !groups.is_empty())
        .collect()
}

/// Requirements on which scenarios with another verdict proved nothing, each with the first finding that says why.
pub fn undecided(report: &Report) -> Vec<(&RequirementResult, &Finding)> {
    let mut open: BTreeMap<&str, &Finding> = BTreeMap::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for scenario in &report.scenarios {
        for finding in scenario.findings.iter().filter(|f| f.verdict == Verdict::Inconclusive) {
            if scenario.verdict == Verdict::Inconclusive {
                told.insert(&finding.requirement);
            } else {
                open.entry(&finding.requirement).or_insert(finding);
            }
        }
    }
    let rows = report.requirements.iter().filter(|r| r.verdict == Verdict::Inconclusive && is_scored(r));
    rows.filter(|r| r.same_as.is_none() && !told.contains(r.id.as_str()))
        .filter_map(|r| Some((r, *open.get(r.id.as_str())?)))
        .collect()
}

/// What was not applicable, by what is missing.
pub fn not_applicable(report: &Report) -> Vec<Group<'_>> {
    let mut groups = by_reason(report.scenarios.iter().filter(|s| s.verdict == Verdict::NotApplicable));
    // What is for other servers is no gap of this one: it comes last.
    groups.sort_by_key(|g| g.scenarios.iter().all(|s| s.excluded));
    groups
}

/// Scenarios in which the tool is at fault, by reason.
pub fn errors(report: &Report) -> Vec<Group<'_>> {
    by_reason(report.scenarios.iter().filter(|s| s.verdict == Verdict::Error))
}

/// Requirements by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Exercised and met.
    pub met: usize,
    /// Violated at a level that fails the run.
    pub violated: usize,
    /// Not met at level should.
    pub warned: usize,
    /// Not done at level may, which violates nothing.
    pub informed: usize,
    /// Violated, and accepted by waivers.
    pub waived: usize,
    /// Proven neither way.
    pub open: usize,
    /// Nothing exercised them.
    pub untouched: usize,
}

impl Tally {
    /// All of them.
    pub fn total(&self) -> usize {
        self.met + self.violated + self.warned + self.informed + self.waived + self.open + self.untouched
    }

    /// Adds those of another tally.
    pub fn extend(&mut self, other: Self) {
        self.met += other.met;
        self.violated += other.violated;
        self.warned += other.warned;
        self.informed += other.informed;
        self.waived += other.waived;
        self.open += other.open;
        self.untouched += other.untouched;
    }

    fn add(&mut self, standing: Standing) {
        match standing {
            Standing::Met => self.met += 1,
            Standing::Violated => self.violated += 1,
            Standing::Warning => self.warned += 1,
            Standing::Information => self.informed += 1,
            Standing::Waived => self.waived += 1,
            Standing::Open => self.open += 1,
            // A scored requirement that was only looked at was not judged.
            Standing::NotExercised | Standing::Observed => self.untouched += 1,
        }
    }
}

/// How a requirement stands, by what it means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Exercised and met.
    Met,
    /// A fact that is reported and never scored.
    Observed,
    /// Violated at a level that fails the run.
    Violated,
    /// Not met at level should, which does not fail the run.
    Warning,
    /// Not done at level may: that violates nothing (RFC 2119 section 5).
    Information,
    /// Violated, and accepted by waivers.
    Waived,
    /// Proven neither way.
    Open,
    /// Nothing exercised it.
    NotExercised,
}

impl Standing {
    /// Where a requirement stands in a run that violations of `fail_on` or above fail.
    pub fn of(requirement: &RequirementResult, fail_on: Level) -> Self {
        match requirement.verdict {
            Verdict::Fail if requirement.waived => Self::Waived,
            Verdict::Fail if requirement.level >= fail_on => Self::Violated,
            Verdict::Fail if requirement.level >= Level::Should => Self::Warning,
            Verdict::Fail => Self::Information,
            Verdict::Pass if requirement.level == Level::Observe => Self::Observed,
            Verdict::Pass => Self::Met,
            Verdict::Inconclusive | Verdict::Error => Self::Open,
            // What was only looked at was not judged.
            Verdict::NotApplicable if !requirement.scenarios.is_empty() => Self::Observed,
            Verdict::NotApplicable => Self::NotExercised,
        }
    }

    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Observed => "observed",
            Self::Violated => "violated",
            Self::Warning => "warning",
            Self::Information => "information",
            Self::Waived => "waived",
            Self::Open => "open",
            Self::NotExercised => "not exercised",
        }
    }
}

/// A specification's requirements by outcome.
pub struct Coverage<'a> {
    /// E.g. `RFC 8693`.
    pub spec: &'a str,
    /// All of it.
    pub total: Tally,
    /// Its sections, in the catalogue's order.
    pub sections: Vec<(&'a str, Tally)>,
}

/// Whether a requirement counts: facts are reported and never scored.
pub fn is_scored(requirement: &RequirementResult) -> bool {
    requirement.level != Level::Observe
}

/// Whether a requirement is worth a row: it counts, or is a fact that was seen.
pub fn is_shown(requirement: &RequirementResult) -> bool {
    is_scored(requirement) || !requirement.scenarios.is_empty()
}

/// Whether a report has a row for a requirement.
pub fn has_row(report: &Report, id: &str) -> bool {
    report.requirements.iter().any(|r| r.id == id && is_shown(r))
}

/// Requirements by specification and section.
pub fn coverage(report: &Report) -> Vec<Coverage<'_>> {
    let mut out: Vec<Coverage<'_>> = Vec::new();
    for requirement in report.requirements.iter().filter(|r| is_scored(r)) {
        let at = match out.iter().position(|c| c.spec == requirement.spec) {
            Some(at) => at,
            None => {
                out.push(Coverage { spec: &requirement.spec, total: Tally::default(), sections: Vec::new() });
                out.len() - 1
            }
        };
        let Some(coverage) = out.get_mut(at) else { continue };
        let standing = Standing::of(requirement, report.fail_on);
        coverage.total.add(standing);
        let section = requirement.section.as_str();
        match coverage.sections.iter_mut().find(|(s, _)| *s == section) {
            Some((_, tally)) => tally.add(standing),
            None => {
                let mut tally = Tally::default();
                tally.add(standing);
                coverage.sections.push((section, tally));
            }
        }
    }
    out
}

/// All requirements, those that repeat one of another specification once; nothing where there are none of these.
pub fn together(report: &Report) -> Option<Tally> {
    let scored = || report.requirements.iter().filter(|r| is_scored(r));
    if scored().all(|r| r.same_as.is_none()) {
        return None;
    }
    let mut tally = Tally::default();
    scored().filter(|r| r.same_as.is_none()).for_each(|r| tally.add(Standing::of(r, report.fail_on)));
    Some(tally)
}

/// How a contested sentence was read, in words; nothing for the plain ones.
pub fn contested(finding: &Finding, catalogue: &Catalogue) -> Option<String> {
    let entries: Vec<String> = finding
        .ambiguity
        .iter()
        .map(|id| match catalogue.ambiguity(id) {
            Some(entry) => format!("{id}: {}", entry.zone),
            None => id.clone(),
        })
        .collect();
    match (&finding.reading, entries.is_empty()) {
        (None, true) => None,
        (Some(reading), true) => Some(format!("the reading `{reading}` decided")),
        (None, false) => Some(entries.join("; ")),
        (Some(reading), false) => Some(format!("{} (the reading `{reading}` decided)", entries.join("; "))),
    }
}

/// The class of a violation in a word and what it means.
pub fn class_meaning(class: Option<FailClass>) -> &'static str {
    match class {
        Some(FailClass::Accepted) => "what must be refused was accepted",
        Some(FailClass::WrongForm) => "answered, but with the wrong code, status or value",
        Some(FailClass::Malformed) => "the message itself is not valid",
        Some(FailClass::Refused) => "what must be accepted was refused",
        None => "violated",
    }
}

/// What a run's end suggests to do next; `kept`: its reports were written.
pub fn advice(report: &Report, kept: bool) -> Vec<String> {
    let mut out = Vec::new();
    let matters = |v: &&Violation<'_>| v.finding.level >= report.fail_on.min(Level::Should);
    if let Some(worst) = violations(report).first().filter(matters) {
        out.push(format!(
            "`txspec explain {}` shows the sentence{} and how the check is proven",
            worst.finding.requirement,
            if worst.finding.reading.is_some() { ", its readings" } else { "" }
        ));
        if let Some(scenario) = worst.scenarios.first().filter(|_| report.scenarios.len() > 2) {
            let id = &scenario.id;
            out.push(if kept {
                format!("the same command with `--only {id} --report-dir again` runs this one again, and keeps these reports")
            } else {
                format!("the same command with `--only {id}` runs this one again")
            });
        }
    }
    for (cause, _) in open(report) {
        out.extend(cause.map(|c| cause_advice(c).to_owned()));
    }
    if report.counts.error > 0 {
        out.push("an error is a fault of a scenario or of txspec: `txspec check` your own scenario files, else report it".into());
    }
    if report.scenarios.iter().any(|s| s.verdict == Verdict::NotApplicable && !s.excluded) {
        out.push("more scenarios run when the target file declares under `capabilities` what the server offers, and fills the roles that they lack".into());
    }
    out
}

fn cause_advice(cause: Cause) -> &'static str {
    match cause {
        Cause::ControlFailed => {
            "control-failed: a refusal proves nothing while the valid request next to it does not succeed: look at the controls first, `txspec doctor` helps"
        }
        Cause::Precondition => {
            "precondition: a token or a request did not come about, as the reasons say: `txspec doctor` tries the tokens and clients of the target file and names the line to change"
        }
        Cause::Transport => {
            "transport: no response arrived: check the network, or raise `limits.request_timeout`"
        }
        Cause::RateLimited => {
            "rate-limited: lower `limits.requests_per_second` in the target file, or lift the server's limit for the test client"
        }
        Cause::Unobservable => {
            "unobservable: opaque tokens take `introspection` and a client `observer` that they are meant for; `txspec doctor` tries both"
        }
        Cause::Budget => "budget: raise `limits.budget` in the target file, or select fewer scenarios",
        Cause::Interrupted => "interrupted: run again for the rest",
        Cause::NotRecorded => "not-recorded: the recording does not hold what the check looks at: run again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{self, Build};

    #[test]
    fn a_violation_is_shown_by_the_plainest_scenario_that_has_it() {
        let missing = |times: usize| {
            (0..times).map(|_| {
                Finding::pass("OA-5.1-cache-control", Level::Must, "no-store", "no cache-control")
                    .failed(FailClass::WrongForm)
            })
        };
        let edited = fixture::scenario("edited", "", "impersonation").edited("plain", "without scope");
        let scenarios = vec![
            edited.judged(missing(1)).exchanged(200, "{}"),
            fixture::scenario("chain", "", "chains")
                .judged(missing(2))
                .exchanged(200, "{}")
                .exchanged(200, "{}"),
            fixture::scenario("actor", "", "actor token").judged(missing(1)).exchanged(200, "{}"),
            fixture::scenario("plain", "", "impersonation").judged(missing(1)).exchanged(200, "{}"),
        ];
        let report = Report::new(fixture::identity(), &fixture::run(scenarios));
        let [violation] = violations(&report).try_into().ok().unwrap();
        let ids: Vec<&str> = violation.scenarios.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["plain", "edited", "chain", "actor"]);
    }

    #[test]
    fn what_scenarios_ask_themselves_is_not_put_on_every_response() {
        let suite = crate::scenario::Suite::embedded(fixture::catalogue()).unwrap();
        let asked: BTreeSet<&str> =
            suite.scenarios().iter().flat_map(crate::scenario::Scenario::covers).collect();
        for id in oracle_requirements() {
            assert_eq!(asked.contains(id), asked_by_scenarios_too().contains(id), "{id}");
        }
    }

    #[test]
    fn a_level_that_is_not_the_requirement_s_own_is_told_with_it() {
        let words = |id: &str, level| level_words(&Finding::pass(id, level, "", ""), fixture::catalogue());
        assert_eq!(words("OA-5.1-cache-control", Level::Must), "must");
        assert_eq!(words("TX-4.1-act-identifies-actor", Level::May), "may (of a must)");
        assert_eq!(words("unknown", Level::Should), "should");
    }
}
