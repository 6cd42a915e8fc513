//! The shape of `report.json`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bound;
use crate::{
    judge::{Cause, Verdict},
    run::{Conclusion, Counts, Observation, RequirementResult, RunResult, ScenarioResult, WaiverResult},
    scenario::ProfileName,
    spec::Level,
};

/// The version of the shape that this build writes and reads.
pub const FORMAT: u32 = 1;

/// Longest text that a report keeps of what a server said; bodies have their own limit.
const LONGEST: usize = 4096;

/// What was run against what, and what decides over the outcome: everything that a result does not know itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The server.
    pub target: TargetIdentity,
    /// The profile.
    pub profile: ProfileName,
    /// The reading of contested sentences.
    pub reading: String,
    /// What the target file declares of the server's own policy, as it stands in reports.
    pub policy: BTreeMap<String, String>,
    /// When the run began.
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Violations of this level or above fail the run.
    pub fail_on: Level,
    /// Causes of inconclusive verdicts that are accepted.
    pub allow_inconclusive: BTreeSet<Cause>,
}

/// The tool that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `txspec`.
    pub name: String,
    /// Its version; suite and catalogue belong to it.
    pub version: String,
}

/// The authorization server under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetIdentity {
    /// Its name in the target file.
    pub name: String,
    /// Its issuer identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Its version, as the target file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// For a server that stands for documents: which, and of when. Nothing about it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documented: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl TargetIdentity {
    /// The name by which outputs call it: documents must never pass for a server.
    pub fn label(&self) -> String {
        let mark = self.documented.as_ref().map_or("", |_| " (documented, not measured)");
        format!("{}{mark}", self.name)
    }
}

/// The saved result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "txspec report")]
pub struct Report {
    /// Version of this shape.
    #[schemars(extend("const" = FORMAT))]
    pub format: u32,
    /// The tool that ran.
    pub tool: Tool,
    /// The authorization server under test.
    pub target: TargetIdentity,
    /// The profile.
    pub profile: ProfileName,
    /// The reading of contested sentences.
    pub reading: String,
    /// What the target file declares of the server's own policy: it makes requirements binding that nothing scores else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy: BTreeMap<String, String>,
    /// When the run began (RFC 3339).
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Requests sent.
    pub requests: u64,
    /// What the run says about the target.
    pub conclusion: Conclusion,
    /// Whether the run was interrupted: what is missing was never judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Violations of this level or above failed the run.
    pub fail_on: Level,
    /// Causes of inconclusive verdicts that were accepted.
    pub allow_inconclusive: BTreeSet<Cause>,
    /// Scenarios by outcome. One whose `verdict` is `fail` at the `level` should is counted under `warn`, and not under
    /// `fail`, as long as a should does not fail the run.
    pub counts: Counts,
    /// Scenarios of the profile, as it comes with txspec, that were not selected.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// Scenarios in the suite's order.
    pub scenarios: Vec<ScenarioResult>,
    /// Requirements in the catalogue's order.
    pub requirements: Vec<RequirementResult>,
    /// Facts about the server that are not scored.
    pub observations: Vec<Observation>,
    /// The waivers of the target file, and how they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverResult>,
}

impl Report {
    /// The report of a run. Overlong texts are cut, so that no server can blow a report up.
    pub fn new(identity: Identity, run: &RunResult) -> Self {
        let started = identity.started.round(Unit::Millisecond).unwrap_or(identity.started);
        let mut report = Self {
            format: FORMAT,
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            target: identity.target,
            profile: identity.profile,
            reading: identity.reading,
            policy: identity.policy,
            started,
            duration_ms: identity.duration_ms,
            requests: run.requests,
            conclusion: run.conclusion,
            interrupted: run.interrupted,
            fail_on: identity.fail_on,
            allow_inconclusive: identity.allow_inconclusive,
            counts: run.counts,
            left_out: run.left_out,
            scenarios: run.scenarios.clone(),
            requirements: run.requirements.clone(),
            observations: run.observations.clone(),
            waivers: run.waivers.clone(),
        };
        keep_tokens_of_evidence(&mut report.scenarios);
        bound::texts(&mut report, LONGEST);
        report
    }

    /// A scenario by id.
    pub fn scenario(&self, id: &str) -> Option<&ScenarioResult> {
        self.scenarios.iter().find(|s| s.id == id)
    }
}

/// Decoded tokens explain what did not pass, next to the control that did. Elsewhere they would only make the report
/// larger.
fn keep_tokens_of_evidence(scenarios: &mut [ScenarioResult]) {
    let speaks = |s: &ScenarioResult| s.findings.iter().any(|f| f.verdict != Verdict::Pass);
    let controls: BTreeSet<String> =
        scenarios.iter().filter(|s| speaks(s)).filter_map(|s| s.control.clone()).collect();
    for scenario in scenarios.iter_mut().filter(|s| !speaks(s) && !controls.contains(&s.id)) {
        scenario.exchanges.iter_mut().for_each(|e| e.tokens.clear());
    }
}

/// JSON Schema of the report.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn reports_follow_the_published_schema() {
        let schema = serde_json::to_value(schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for report in [fixture::sample(), fixture::hostile("\u{1b}\"x")] {
            let value = serde_json::to_value(&report).unwrap();
            let mistakes: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(mistakes.is_empty(), "{mistakes:?}");
        }
        let mut other = serde_json::to_value(fixture::sample()).unwrap();
        other["format"] = 2.into();
        assert!(!validator.is_valid(&other));
    }
}
