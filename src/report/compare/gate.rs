//! The release gate: what changed in meaning between an earlier and a later report of one server, and whether the server
//! or the suite changed. Judged scenario by scenario: a requirement that was violated before must not hide a new hole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Cell, CompareError, Comparison, Facts,
    build::{Judged, cell, observations, same_question, shared},
    meaning::meaning,
};
use crate::{
    judge::Verdict,
    report::{Report, ReportError, json::pretty, visible::count},
    run::{Conclusion, ScenarioResult},
    spec::{Catalogue, Level},
};

/// Scenarios that share a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What changed, in words.
    pub says: String,
    /// Where.
    pub scenarios: Vec<String>,
}

/// A requirement that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The requirement.
    pub requirement: String,
    /// At which level.
    pub level: Level,
    /// As it was, over the scenarios that changed.
    pub old: Cell,
    /// As it is.
    pub new: Cell,
    /// What changed, in words.
    pub told: Vec<Told>,
}

/// What changed between an old and a new report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Version of this shape.
    pub format: u32,
    /// The server, as the old report and the new one name it.
    pub servers: [String; 2],
    /// What the two runs came to.
    pub conclusions: [Conclusion; 2],
    /// Whether the server or the suite changed, and what could not be compared.
    pub notes: Vec<String>,
    /// Scenarios that both reports hold and that ask the same.
    pub shared_scenarios: usize,
    /// Violated now and not before, or violated worse.
    pub worse: Vec<Change>,
    /// Met before, and no longer judged: nothing proves that it still holds.
    pub lost: Vec<Change>,
    /// Violated before and met now.
    pub better: Vec<Change>,
    /// Changed, and neither better nor worse; or accepted by a waiver.
    pub other: Vec<Change>,
    /// Facts that changed; they are not scored.
    pub observations: Vec<Facts>,
}

/// What the gate decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing that counts became worse.
    Holds,
    /// Something that was proven is no longer judged.
    Lost,
    /// A regression.
    Worse,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Worse,
    Lost,
    Better,
    Other,
}

/// Findings of one scenario on one requirement, then and now.
type Pair<'a> = (Vec<Judged<'a>>, Vec<Judged<'a>>);

impl Gate {
    /// Compares an old report with a new one.
    ///
    /// # Errors
    /// When they share no scenario.
    pub fn new(old: &Report, new: &Report, catalogue: &Catalogue) -> Result<Self, CompareError> {
        let pair = [old.clone(), new.clone()];
        let comparison = Comparison::new(&pair, catalogue)?;
        let both = shared(old, &pair);
        let mut gate = Self {
            format: comparison.format,
            servers: [label(old), label(new)],
            conclusions: [old.conclusion, new.conclusion],
            notes: notes(old, new, both.len()),
            shared_scenarios: both.len(),
            worse: Vec::new(),
            lost: Vec::new(),
            better: Vec::new(),
            other: Vec::new(),
            observations: observations(&pair, &both).into_iter().filter(|f| f.differs).collect(),
        };
        let mut changes: BTreeMap<(Direction, &str), Vec<Pair<'_>>> = BTreeMap::new();
        for before in &old.scenarios {
            let now = new.scenario(&before.id);
            // Another version of txspec may have dropped a scenario; the same one would have run it.
            let dropped = now.is_none() && old.tool != new.tool;
            if dropped || (now.is_some() && !both.contains(before.id.as_str())) {
                continue;
            }
            for id in ids(before, now) {
                let (was, is) = (judged(Some(before), id), judged(now, id));
                let direction = direction(&cell(&was), &cell(&is));
                let direction = direction.or_else(|| another_code(&was, &is).then_some(Direction::Other));
                if let Some(direction) = direction {
                    changes.entry((direction, id)).or_default().push((was, is));
                }
            }
        }
        let place = |id: &str| old.requirements.iter().position(|r| r.id == id).unwrap_or(usize::MAX);
        for ((direction, id), pairs) in changes {
            let change = change(id, &pairs);
            match direction {
                Direction::Worse => gate.worse.push(change),
                Direction::Lost => gate.lost.push(change),
                Direction::Better => gate.better.push(change),
                Direction::Other => gate.other.push(change),
            }
        }
        for list in [&mut gate.worse, &mut gate.lost, &mut gate.better, &mut gate.other] {
            list.sort_by_key(|c| (std::cmp::Reverse(c.level), place(&c.requirement)));
        }
        Ok(gate)
    }

    /// What it decides when changes of this level or above count.
    pub fn decision(&self, level: Level) -> Decision {
        if self.worse.iter().any(|c| c.level >= level) {
            Decision::Worse
        } else if self.lost.iter().any(|c| c.level >= level) {
            Decision::Lost
        } else {
            Decision::Holds
        }
    }

    /// The gate as JSON.
    ///
    /// # Errors
    /// Only when serialization itself fails, a bug.
    pub fn to_json(&self) -> Result<String, ReportError> {
        pretty(self)
    }
}

fn label(report: &Report) -> String {
    match &report.target.version {
        Some(version) => format!("{} {version}", report.target.label()),
        None => report.target.label(),
    }
}

fn ids<'a>(old: &'a ScenarioResult, new: Option<&'a ScenarioResult>) -> BTreeSet<&'a str> {
    let all = old.findings.iter().chain(new.into_iter().flat_map(|s| &s.findings));
    all.filter(|f| f.fact.is_none() && !f.requirement.is_empty()).map(|f| f.requirement.as_str()).collect()
}

fn judged<'a>(scenario: Option<&'a ScenarioResult>, id: &str) -> Vec<Judged<'a>> {
    let all = scenario.into_iter().flat_map(|s| s.findings.iter().map(move |f| (s, f)));
    all.filter(|(_, f)| f.fact.is_none() && f.requirement == id).collect()
}

/// What became of one requirement in one scenario; nothing if it says the same.
fn direction(old: &Cell, new: &Cell) -> Option<Direction> {
    Some(match (old.verdict, new.verdict) {
        (Verdict::Fail, Verdict::Fail) => {
            if old.waived == new.waived && old.key() == new.key() && old.observed == new.observed {
                return None;
            }
            let worse = new.level > old.level
                || (new.is_hole() && !old.is_hole())
                // What a waiver accepted until now is accepted no more.
                || (old.waived && !new.waived && old.observed != new.observed);
            if worse && !new.waived {
                Direction::Worse
            } else if old.key() == new.key() && old.waived == new.waived && !codes_differ(old, new) {
                return None;
            } else {
                Direction::Other
            }
        }
        (_, Verdict::Fail) if new.waived => Direction::Other,
        (_, Verdict::Fail) => Direction::Worse,
        (Verdict::Fail, Verdict::Pass) => Direction::Better,
        (Verdict::Pass | Verdict::Fail, Verdict::Inconclusive | Verdict::Error | Verdict::NotApplicable) => {
            Direction::Lost
        }
        _ => return None,
    })
}

/// Whether a refusal that is right either way has another error code now: clients may go by it.
fn another_code(old: &[Judged<'_>], new: &[Judged<'_>]) -> bool {
    let codes = |list: &[Judged<'_>]| -> BTreeSet<String> {
        let met =
            list.iter().filter(|(_, f)| f.verdict == Verdict::Pass && !f.observed.starts_with("status"));
        met.filter_map(|(_, f)| Some(super::meaning::code(&f.observed)?.1.to_owned())).collect()
    };
    let (old, new) = (codes(old), codes(new));
    !old.is_empty() && !new.is_empty() && old != new
}

/// Values differ from run to run; codes do not.
fn codes_differ(old: &Cell, new: &Cell) -> bool {
    let code = super::meaning::code;
    match (code(&old.observed), code(&new.observed)) {
        (Some(old), Some(new)) => old != new,
        _ => false,
    }
}

fn change(id: &str, pairs: &[Pair<'_>]) -> Change {
    let old: Vec<Judged<'_>> = pairs.iter().flat_map(|(was, _)| was.iter().copied()).collect();
    let new: Vec<Judged<'_>> = pairs.iter().flat_map(|(_, is)| is.iter().copied()).collect();
    let mut told: Vec<Told> = Vec::new();
    for (was, is) in pairs {
        let Some(scenario) = was.first().or(is.first()).map(|(s, _)| s.id.clone()) else {
            continue;
        };
        let says = meaning(was, is);
        match told.iter_mut().find(|t| t.says == says) {
            Some(known) => known.scenarios.push(scenario),
            None => told.push(Told { says, scenarios: vec![scenario] }),
        }
    }
    let (old_cell, new_cell) = (cell(&old), cell(&new));
    let scored = old.iter().chain(&new).map(|(_, f)| f.level).max().unwrap_or(Level::Observe);
    let level = new_cell.level.or(old_cell.level).unwrap_or(scored);
    Change { requirement: id.to_owned(), level, old: old_cell, new: new_cell, told }
}

fn notes(old: &Report, new: &Report, shared: usize) -> Vec<String> {
    let mut out = Vec::new();
    if old.target.documented.is_some() != new.target.documented.is_some() {
        out.push(
            "one report is of a server, the other of documents: nothing in the latter was measured".into(),
        );
    }
    if old.target.name != new.target.name {
        out.push(format!("the reports name different servers: {} and {}", old.target.name, new.target.name));
    }
    out.push(match (&old.target.version, &new.target.version) {
        (Some(a), Some(b)) if a != b => format!("the server changed: version {a} -> {b}"),
        (Some(a), Some(_)) => format!("the target files name the same server version, {a}"),
        _ => "the target files do not both name a server version: `version:` tells builds apart".to_owned(),
    });
    let tool = |r: &Report| format!("{} {}", r.tool.name, r.tool.version);
    if tool(old) != tool(new) {
        out.push(format!("txspec changed: {} -> {}", tool(old), tool(new)));
    }
    let changed: Vec<&str> = old
        .scenarios
        .iter()
        .filter(|s| new.scenario(&s.id).is_some_and(|n| !same_question(s, n)))
        .map(|s| s.id.as_str())
        .collect();
    let added = new.scenarios.iter().filter(|s| old.scenario(&s.id).is_none()).count();
    let gone = old.scenarios.iter().filter(|s| new.scenario(&s.id).is_none()).count();
    let mut suite = Vec::new();
    if !changed.is_empty() {
        let some = changed.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if changed.len() > 5 { ", …" } else { "" };
        suite.push(format!("{} changed and not compared ({some}{more})", count(changed.len(), "scenario")));
    }
    if added > 0 {
        suite.push(format!("{} only in the new report", count(added, "scenario")));
    }
    if gone > 0 {
        suite.push(format!("{} only in the old report", count(gone, "scenario")));
    }
    out.push(if suite.is_empty() {
        format!(
            "the suite did not change: what differs below is the server's doing, over {}",
            count(shared, "scenario")
        )
    } else {
        format!("the suite is not the same: {}", suite.join(", "))
    });
    for (what, a, b) in [
        ("profile", old.profile.name(), new.profile.name()),
        ("reading", old.reading.as_str(), new.reading.as_str()),
    ] {
        if a != b {
            out.push(format!("the {what} changed: {a} -> {b}; only what both share is compared"));
        }
    }
    for (which, report) in [("old", old), ("new", new)] {
        if report.interrupted {
            out.push(format!("the {which} run was interrupted"));
        }
    }
    out
}
