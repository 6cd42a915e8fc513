//! The release gate: what became worse since an earlier report.

use serde::Serialize;

use super::{Cell, Comparison};
use crate::{judge::Verdict, spec::Level};

/// A requirement that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The requirement.
    pub requirement: String,
    /// At which level.
    pub level: Level,
    /// As it was.
    pub old: Cell,
    /// As it is.
    pub new: Cell,
}

/// What changed between an old and a new report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Violated now and not before, or violated at a higher level.
    pub worse: Vec<Change>,
    /// Met before, and no longer judged: nothing proves that it still holds.
    pub lost: Vec<Change>,
    /// Violated before and met now.
    pub better: Vec<Change>,
    /// Violated in another way.
    pub other: Vec<Change>,
}

impl Gate {
    /// Reads a comparison whose first report is the old one and whose second is the new one.
    pub fn new(comparison: &Comparison) -> Self {
        let mut gate = Self { worse: Vec::new(), lost: Vec::new(), better: Vec::new(), other: Vec::new() };
        for row in comparison.differing.iter().chain(&comparison.unequally_judged) {
            let [old, new, ..] = row.cells.as_slice() else {
                continue;
            };
            let list = match (old.verdict, new.verdict) {
                (Verdict::Fail, Verdict::Fail) if new.level > old.level => &mut gate.worse,
                (Verdict::Fail, Verdict::Fail) => &mut gate.other,
                (_, Verdict::Fail) => &mut gate.worse,
                (Verdict::Fail, Verdict::Pass) => &mut gate.better,
                (Verdict::Pass | Verdict::Fail, _) => &mut gate.lost,
                _ => continue,
            };
            list.push(Change {
                requirement: row.requirement.clone(),
                level: row.level,
                old: old.clone(),
                new: new.clone(),
            });
        }
        gate
    }

    /// Whether nothing of this level or above became worse or got lost.
    pub fn holds(&self, level: Level) -> bool {
        self.worse.iter().chain(&self.lost).all(|c| c.level < level)
    }
}
