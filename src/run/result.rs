//! What a run came to. Everything here is redacted and may be shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Applicability, Seen, WaiverResult, Waivers};
use crate::{
    judge::{Cause, Finding, Verdict},
    scenario::{ProfileName, Scenario, Suite},
    spec::{Catalogue, Level},
    wire::RedactedExchange,
};

/// One scenario's outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioResult {
    /// Kebab-case id.
    pub id: String,
    /// The fact that it shows.
    pub title: String,
    /// Its topic.
    pub topic: String,
    /// Where the behaviour is specified.
    pub section: String,
    /// Its profile.
    pub profile: ProfileName,
    /// What it came to. `fail` stands for warnings alone too: `level` tells.
    pub verdict: Verdict,
    /// For `fail`: the highest level violated (`should` is a warning).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// For `inconclusive`: the first cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why it was not judged, for `not-applicable`, `inconclusive` and `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Not applicable because the target declares what the scenario is for servers without: nothing is missing by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excluded: bool,
    /// The control that it differs from by one edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// That edit, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
    /// What tells this version of the scenario from another of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Wall time.
    pub duration_ms: u64,
    /// Whether the judged request was granted and yielded what it should; for controls.
    #[serde(skip)]
    #[schemars(skip)]
    pub granted: bool,
    /// What the judge saw, if the run is recorded.
    #[serde(skip)]
    #[schemars(skip)]
    pub seen: Option<Arc<Seen>>,
    /// Why the verdicts were taken back, each time that it happened.
    #[serde(skip)]
    #[schemars(skip)]
    pub withdrawn: Vec<Doubt>,
    /// Every check.
    pub findings: Vec<Finding>,
    /// Every request, redacted.
    pub exchanges: Vec<RedactedExchange>,
}

/// Why verdicts were taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// What they are inconclusive for.
    pub cause: Cause,
    /// In words.
    pub why: String,
}

/// How heavy an outcome weighs for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing to say against it.
    Fine,
    /// A should- or may-level violation below the failing level.
    Remark,
    /// Proven neither way.
    Open,
    /// The tool is at fault.
    Broken,
    /// A violation that fails the run: it is proven, whatever else went wrong.
    Failure,
}

impl ScenarioResult {
    /// An empty result for a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            id: scenario.id.clone(),
            title: scenario.title.clone(),
            topic: scenario.topic.clone(),
            section: scenario.section.clone(),
            profile: scenario.profile,
            verdict: Verdict::Pass,
            level: None,
            cause: None,
            reason: None,
            excluded: false,
            control: scenario.control.clone(),
            difference: scenario.edits.last().map(super::difference),
            digest: Some(scenario.digest()),
            duration_ms: 0,
            granted: false,
            seen: None,
            withdrawn: Vec::new(),
            findings: Vec::new(),
            exchanges: Vec::new(),
        }
    }

    /// Says why it was not run.
    pub(super) fn does_not_apply(&mut self, applicability: Applicability) {
        let (what, excluded) = match applicability {
            Applicability::Applies => return,
            Applicability::Lacks(what) => (what, false),
            Applicability::Excluded(what) => (what, true),
        };
        self.verdict = Verdict::NotApplicable;
        self.reason = Some(what);
        self.excluded = excluded;
    }

    /// Whether the core profile has it and the target does not claim what it needs: a run without it is partial.
    pub fn is_missing(&self) -> bool {
        self.verdict == Verdict::NotApplicable && self.profile == ProfileName::Core && !self.excluded
    }

    /// Sets verdict, level and cause from the findings.
    pub fn conclude(&mut self) {
        let worst = self
            .findings
            .iter()
            .filter(|f| f.verdict == Verdict::Fail && f.waiver.is_none())
            .map(|f| f.level)
            .max();
        let open = self.findings.iter().find(|f| f.verdict == Verdict::Inconclusive);
        if self.findings.iter().any(|f| f.verdict == Verdict::Error) {
            self.verdict = Verdict::Error;
        } else if worst == Some(Level::Must) {
            self.verdict = Verdict::Fail;
            self.level = worst;
        } else if let Some(open) = open {
            self.verdict = Verdict::Inconclusive;
            self.cause = open.cause;
            self.reason.get_or_insert_with(|| open.why.clone());
            self.level = None;
        } else if worst == Some(Level::Should) {
            self.verdict = Verdict::Fail;
            self.level = worst;
        } else {
            self.verdict = Verdict::Pass;
            self.level = worst.filter(|l| *l == Level::May);
        }
    }

    /// How heavy it weighs, given what fails a run and what may stay open.
    pub fn weight(&self, fail_on: Level, allowed: &BTreeSet<Cause>) -> Weight {
        if self.findings.iter().any(|f| f.fails_at(fail_on)) {
            return Weight::Failure;
        }
        if self.verdict == Verdict::Error {
            return Weight::Broken;
        }
        let causes: BTreeSet<Cause> = self
            .findings
            .iter()
            .filter(|f| f.verdict == Verdict::Inconclusive)
            .filter_map(|f| f.cause)
            .chain(self.cause)
            .collect();
        if self.verdict == Verdict::Inconclusive
            && (causes.is_empty() || causes.iter().any(|c| !allowed.contains(c)))
        {
            return Weight::Open;
        }
        if self.findings.iter().any(|f| f.fails_at(Level::May)) {
            return Weight::Remark;
        }
        Weight::Fine
    }

    /// The violations, highest level first.
    pub fn failures(&self) -> Vec<&Finding> {
        let mut failures: Vec<&Finding> = self.findings.iter().filter(|f| f.fails_at(Level::May)).collect();
        failures.sort_by_key(|f| std::cmp::Reverse(f.level));
        failures
    }
}

/// What the whole run says about the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// All of the core profile was exercised, and nothing is violated at a level that fails the run.
    Conformant,
    /// Nothing fails the run, but the target does not claim all of the core, scenarios were left out, or waivers accept
    /// what would have failed it.
    Partial,
    /// Something is violated at a level that fails the run.
    Nonconformant,
    /// Something could not be decided.
    Inconclusive,
}

impl Conclusion {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::Partial => "partial",
            Self::Nonconformant => "nonconformant",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// Scenarios by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Met.
    pub pass: usize,
    /// Violated at a level that fails the run.
    pub fail: usize,
    /// Violated at should level, where that does not fail the run.
    pub warn: usize,
    /// Proven neither way.
    pub inconclusive: usize,
    /// Not claimed by the target.
    pub not_applicable: usize,
    /// The tool is at fault.
    pub error: usize,
}

impl Counts {
    /// Counts scenarios, given what fails a run.
    pub fn of(scenarios: &[ScenarioResult], fail_on: Level) -> Self {
        let mut counts = Self::default();
        for s in scenarios {
            let slot = match (s.verdict, s.level) {
                (Verdict::Pass | Verdict::Fail, Some(level)) if level >= fail_on => &mut counts.fail,
                (Verdict::Pass, _) => &mut counts.pass,
                (Verdict::Fail, _) => &mut counts.warn,
                (Verdict::Inconclusive, _) => &mut counts.inconclusive,
                (Verdict::NotApplicable, _) => &mut counts.not_applicable,
                (Verdict::Error, _) => &mut counts.error,
            };
            *slot += 1;
        }
        counts
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.pass + self.fail + self.warn + self.inconclusive + self.not_applicable + self.error
    }
}

/// What the run says about one requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    /// Its id.
    pub id: String,
    /// Its specification.
    pub spec: String,
    /// Its section.
    pub section: String,
    /// Its level.
    pub level: Level,
    /// The row of another specification that says the same and carries the checks; the verdict is that row's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// What it came to over all scenarios; `not-applicable` when nothing exercised it.
    pub verdict: Verdict,
    /// The scenarios that judged it.
    pub scenarios: Vec<String>,
    /// Those that found it violated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violated_in: Vec<String>,
    /// Whether waivers accept every violation of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waived: bool,
}

/// A fact about the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Its name.
    pub fact: String,
    /// What was seen.
    pub value: String,
    /// Where.
    pub scenario: String,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// Scenarios in the suite's order, whatever the parallelism.
    pub scenarios: Vec<ScenarioResult>,
    /// Every requirement of the catalogue that can be checked, in its order.
    pub requirements: Vec<RequirementResult>,
    /// Facts, in the suite's order.
    pub observations: Vec<Observation>,
    /// The waivers of the target, and how they stand.
    pub waivers: Vec<WaiverResult>,
    /// By outcome.
    pub counts: Counts,
    /// Scenarios of the profile, as it comes with txspec, that were not selected.
    pub left_out: usize,
    /// What the run says about the target.
    pub conclusion: Conclusion,
    /// Requests sent.
    pub requests: u64,
    /// Whether the run was interrupted.
    pub interrupted: bool,
}

impl RunResult {
    /// Puts results in order and draws the conclusion.
    pub fn new(
        mut scenarios: Vec<ScenarioResult>,
        suite: &Suite,
        catalogue: &Catalogue,
        options: &super::Options,
        requests: u64,
        interrupted: bool,
    ) -> Self {
        let order: BTreeMap<&str, usize> =
            suite.scenarios().iter().enumerate().map(|(i, s)| (s.id.as_str(), i)).collect();
        scenarios.sort_by_key(|s| order.get(s.id.as_str()).copied().unwrap_or(usize::MAX));
        let heaviest = scenarios
            .iter()
            .map(|s| s.weight(options.fail_on, &options.allow_inconclusive))
            .max()
            .unwrap_or(Weight::Fine);
        let missing = scenarios.iter().any(ScenarioResult::is_missing);
        // What was accepted beforehand has still not been shown.
        let open = scenarios.iter().any(|s| s.verdict == Verdict::Inconclusive);
        let waived = scenarios.iter().flat_map(|s| &s.findings).any(|f| f.is_waived_at(options.fail_on));
        let conclusion = match heaviest {
            Weight::Failure => Conclusion::Nonconformant,
            Weight::Open | Weight::Broken => Conclusion::Inconclusive,
            _ if interrupted => Conclusion::Inconclusive,
            _ if scenarios.iter().all(|s| s.verdict == Verdict::NotApplicable) => Conclusion::Inconclusive,
            _ if missing || waived || open || options.left_out > 0 => Conclusion::Partial,
            _ => Conclusion::Conformant,
        };
        let observations = scenarios
            .iter()
            .flat_map(|s| {
                s.findings.iter().filter_map(|f| {
                    Some(Observation {
                        fact: f.fact.clone()?,
                        value: f.observed.clone(),
                        scenario: s.id.clone(),
                    })
                })
            })
            .collect();
        let requirements = requirements(&scenarios, catalogue);
        Self {
            counts: Counts::of(&scenarios, options.fail_on),
            scenarios,
            requirements,
            observations,
            waivers: Vec::new(),
            left_out: options.left_out,
            conclusion,
            requests,
            interrupted,
        }
    }

    /// Whether no scenario that was selected applies to the target.
    pub fn judged_nothing(&self) -> bool {
        self.scenarios.iter().all(|s| s.verdict == Verdict::NotApplicable)
    }

    /// Adds how the waivers stand.
    pub fn with_waivers(mut self, waivers: &Waivers, suite: &Suite) -> Self {
        self.waivers = waivers.states(&self.scenarios, suite);
        self
    }
}

fn requirements(scenarios: &[ScenarioResult], catalogue: &Catalogue) -> Vec<RequirementResult> {
    let mut by_id: BTreeMap<&str, Vec<(&ScenarioResult, &Finding)>> = BTreeMap::new();
    for scenario in scenarios {
        for finding in scenario.findings.iter().filter(|f| !f.requirement.is_empty()) {
            by_id.entry(finding.requirement.as_str()).or_default().push((scenario, finding));
        }
    }
    let mut out = Vec::new();
    for row in catalogue.requirements().iter().filter(|r| r.unchecked.is_none()) {
        let id = row.same_as.as_deref().unwrap_or(&row.id);
        let findings = by_id.get(id).map(Vec::as_slice).unwrap_or_default();
        let failing = || findings.iter().filter(|(_, f)| f.verdict == Verdict::Fail && f.level >= Level::May);
        let unwaived = failing().any(|(_, f)| f.waiver.is_none());
        let any = |verdict: Verdict| findings.iter().any(|(_, f)| f.verdict == verdict);
        // A check that could not have failed is a fact, and meets nothing that is scored.
        let met = |f: &Finding| {
            f.verdict == Verdict::Pass && (f.level > Level::Observe || row.level == Level::Observe)
        };
        let verdict = if failing().next().is_some() {
            Verdict::Fail
        } else if any(Verdict::Inconclusive) {
            Verdict::Inconclusive
        } else if findings.iter().any(|(_, f)| met(f)) {
            Verdict::Pass
        } else {
            Verdict::NotApplicable
        };
        let level = failing()
            .filter(|(_, f)| f.waiver.is_none() || !unwaived)
            .map(|(_, f)| f.level)
            .max()
            .unwrap_or(row.level);
        // What carries the checks may demand more than this sentence does.
        let level = if row.same_as.is_some() { level.min(row.level) } else { level };
        out.push(RequirementResult {
            id: row.id.clone(),
            spec: row.spec.clone(),
            section: row.section.clone(),
            level,
            same_as: row.same_as.clone(),
            verdict,
            scenarios: names(findings.iter().map(|(s, _)| s.id.as_str())),
            violated_in: names(
                failing().filter(|(_, f)| f.waiver.is_none() || !unwaived).map(|(s, _)| s.id.as_str()),
            ),
            waived: verdict == Verdict::Fail && !unwaived,
        });
    }
    out
}

fn names<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for id in ids {
        if out.last().is_none_or(|last| last != id) && !out.iter().any(|o| o == id) {
            out.push(id.to_owned());
        }
    }
    out
}
