//! The shape of a comparison, which is also its JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::weight::Weight;
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
    #[error("failed to compare: it takes 2 to 12 reports, and was given {0}")]
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
    /// Whether only what tells the servers apart was asked for: `unequally_judged` and `common` are left empty then,
    /// and `observations` holds the facts that differ.
    pub discriminating: bool,
    /// Scenarios that every report holds: the comparison is drawn from these alone.
    pub shared_scenarios: usize,
    /// Requirements, and how they came out.
    pub requirements: Totals,
    /// Requirements that tell the servers apart.
    pub differing: Vec<Row>,
    /// Requirements that differ only in whether they could be judged.
    pub unequally_judged: Vec<Row>,
    /// Departures of one server alone, the heaviest of a server first.
    pub unique: Vec<Unique>,
    /// Where most of the servers that were judged depart from the text, the heaviest first.
    pub common: Vec<Row>,
    /// Facts that are not scored.
    pub observations: Vec<Facts>,
}

/// How many requirements came out how; each is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Those that every report knows.
    pub all: usize,
    /// They tell the servers apart.
    pub differing: usize,
    /// Not every server could be judged on them, and none departs.
    pub unequally_judged: usize,
    /// They came out alike everywhere.
    pub alike: usize,
    /// No server exercised them.
    pub not_exercised: usize,
}

/// What the requirements came to on one server, over the shared scenarios; each is counted once, as its cell has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tally {
    /// Violated at the level must, whether a waiver accepts it or not.
    pub violated: usize,
    /// Of the violated: what must be refused was accepted, a security hole.
    pub accepted: usize,
    /// Of the violated: a waiver accepts it.
    pub waived: usize,
    /// Departures that are scored like a should.
    pub warnings: usize,
    /// Departures that are scored like a may.
    pub information: usize,
    /// Proven neither way.
    pub inconclusive: usize,
    /// Exercised and met.
    pub met: usize,
    /// Nothing exercised them.
    pub not_exercised: usize,
}

impl Tally {
    /// Requirements on which the server was proven to do right or wrong.
    pub fn judged(&self) -> usize {
        self.violated + self.warnings + self.information + self.met
    }

    /// Counts a cell.
    pub(super) fn add(&mut self, cell: &Cell) {
        match cell.weight() {
            Weight::Violated => {
                self.violated += 1;
                self.accepted += usize::from(cell.is_hole());
                self.waived += usize::from(cell.waived);
            }
            Weight::Warning => self.warnings += 1,
            Weight::Information => self.information += 1,
            Weight::Inconclusive => self.inconclusive += 1,
            Weight::Met => self.met += 1,
            Weight::NotExercised => self.not_exercised += 1,
        }
    }
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
    /// Where its own report stands as a page, relative to where the comparison is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The version of txspec.
    pub tool: String,
    /// When it was run (RFC 3339).
    pub started: String,
    /// What the whole run came to.
    pub conclusion: Conclusion,
    /// Requirements by what they came to, over the shared scenarios.
    pub requirements: Tally,
    /// Scenarios of the whole run by outcome.
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
    /// Its own level. What was seen on a server may weigh less or more.
    pub level: Level,
    /// One a server.
    pub cells: Vec<Cell>,
}

impl Row {
    /// The highest level at which at least two servers, and more than half of those that were judged, depart from it.
    pub fn shared_level(&self) -> Option<Level> {
        let judged = self.cells.iter().filter(|c| c.is_decided()).count();
        [Level::Must, Level::Should, Level::May].into_iter().find(|level| {
            let departing = self.cells.iter().filter(|c| c.level >= Some(*level)).count();
            departing >= 2 && 2 * departing > judged
        })
    }
}

/// What a requirement came to on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cell {
    /// Over the shared scenarios; `not-applicable` when none exercised it.
    pub verdict: Verdict,
    /// For `fail`: how it is scored. `must` is a violation, `should` a warning, `may` an information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// For `fail`: its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<FailClass>,
    /// For `fail`: whether a waiver accepts it. It is what it is all the same.
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
}

/// A departure of one server alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unique {
    /// Index of the server.
    pub target: usize,
    /// The requirement.
    pub requirement: String,
    /// How it is scored.
    pub level: Level,
    /// The departure.
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
    /// Only what tells the servers apart: requirements that came out differently, and facts that differ. How many
    /// requirements came out otherwise is still told.
    pub fn discriminating(mut self) -> Self {
        self.discriminating = true;
        self.unequally_judged.clear();
        self.common.clear();
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
