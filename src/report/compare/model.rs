//! The shape of a comparison, which is also its JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    judge::{FailClass, Verdict},
    report::{ReportError, TargetIdentity, json::pretty},
    run::{Conclusion, Counts},
    scenario::ProfileName,
    spec::Level,
};

/// Reports cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// Not a number that fits side by side.
    #[error("failed to compare: it takes 2 to 12 reports, {0} were given")]
    Number(usize),
    /// No scenario was run in all of them.
    #[error("failed to compare: no scenario is part of every report")]
    NothingShared,
}

impl CompareError {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Number(_) => "name the report.json files, or their folders, one after the other",
            Self::NothingShared => "run the same profile with the same txspec version against each server",
        }
    }
}

/// Reports side by side. Cells stand in the order of `targets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Version of this shape.
    pub format: u32,
    /// The servers.
    pub targets: Vec<Column>,
    /// What limits the comparison: other versions, profiles, readings.
    pub notes: Vec<String>,
    /// Scenarios that every report holds: the comparison is drawn from these alone.
    pub shared_scenarios: usize,
    /// Requirements that came out alike everywhere.
    pub alike: usize,
    /// Requirements that tell the servers apart.
    pub differing: Vec<Row>,
    /// Requirements that differ only in whether they could be judged.
    pub unequally_judged: Vec<Row>,
    /// Violations of one server alone.
    pub unique: Vec<Unique>,
    /// Facts that are not scored.
    pub observations: Vec<Facts>,
}

/// A server in the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Column {
    /// A name that no other column has.
    pub label: String,
    /// The server.
    pub target: TargetIdentity,
    /// The profile of its run.
    pub profile: ProfileName,
    /// The reading of its run.
    pub reading: String,
    /// The version of txspec.
    pub tool: String,
    /// When it was run (RFC 3339).
    pub started: String,
    /// What the whole run came to.
    pub conclusion: Conclusion,
    /// Of the whole run.
    pub counts: Counts,
}

/// A requirement across the servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    /// Its id.
    pub requirement: String,
    /// Its specification.
    pub spec: String,
    /// Its section.
    pub section: String,
    /// Its level.
    pub level: Level,
    /// One a server.
    pub cells: Vec<Cell>,
}

/// What a requirement came to on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cell {
    /// Over the shared scenarios; `not-applicable` when none exercised it.
    pub verdict: Verdict,
    /// For `fail`: at which level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// For `fail`: the kind of violation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<FailClass>,
    /// For `fail`: whether a waiver accepts it. It is a violation all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waived: bool,
    /// For `fail`: what was observed first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub observed: String,
    /// For `fail`: the scenarios that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<String>,
}

impl Cell {
    /// Whether something was proven.
    pub fn is_decided(&self) -> bool {
        matches!(self.verdict, Verdict::Pass | Verdict::Fail)
    }

    /// Whether something was accepted that must be refused.
    pub fn is_hole(&self) -> bool {
        self.verdict == Verdict::Fail && self.class == Some(FailClass::Accepted)
    }

    /// What makes two cells differ.
    pub(super) fn key(&self) -> (Verdict, Option<Level>, Option<FailClass>) {
        (self.verdict, self.level, self.class)
    }

    /// In a word or two.
    pub fn word(&self) -> String {
        let word = match self.verdict {
            Verdict::Pass => "met",
            Verdict::NotApplicable => "not exercised",
            Verdict::Inconclusive | Verdict::Error => "open",
            Verdict::Fail => self.class.map_or("violated", FailClass::word),
        };
        if self.waived { format!("{word}, waived") } else { word.to_owned() }
    }
}

/// A violation of one server alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unique {
    /// Index of the server.
    pub target: usize,
    /// The requirement.
    pub requirement: String,
    /// At which level.
    pub level: Level,
    /// The violation.
    pub cell: Cell,
    /// Whether every other server was proven to meet it; otherwise some were not judged.
    pub others_meet_it: bool,
}

/// A fact across the servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Facts {
    /// Its name.
    pub fact: String,
    /// What was seen, one list a server.
    pub values: Vec<Vec<String>>,
    /// Whether the servers that show it differ.
    pub differs: bool,
}

impl Comparison {
    /// Only the requirements that tell the servers apart: neither what some could not be judged on, nor facts on which
    /// they agree.
    pub fn discriminating(mut self) -> Self {
        self.unequally_judged.clear();
        self.observations.retain(|o| o.differs);
        self
    }

    /// The comparison as JSON.
    ///
    /// # Errors
    /// Only when serialization itself fails, a bug.
    pub fn to_json(&self) -> Result<String, ReportError> {
        pretty(self)
    }
}
