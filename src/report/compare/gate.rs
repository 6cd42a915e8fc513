//! The release gate: what changed in meaning between an earlier and a later report of one server, and whether the server
//! or the suite changed. Judged scenario by scenario: a requirement that was violated before must not hide a new hole.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use serde::Serialize;

use super::{
    Cell, CompareError, Comparison, Facts,
    build::{Judged, cell, observations, shared},
    gate_notes::{notes, policy},
    meaning::meaning,
    unproven::Unproven,
};
use crate::{
    judge::{Finding, Verdict, steady},
    report::{Report, ReportError, json::pretty},
    run::{Conclusion, ScenarioResult},
    scenario::Suite,
    spec::{Catalogue, Level},
};

/// Scenarios that share a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What changed, in words.
    pub says: String,
    /// Where something is proven in one of the reports alone: why it is not in the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unproven: Option<Unproven>,
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
    /// Violated now, and before not judged for want of a run that asked: nothing is known of how that was, so no
    /// regression.
    pub found: Vec<Change>,
    /// Proven before, and no longer judged: nothing proves that it still holds.
    pub lost: Vec<Change>,
    /// Violated before and met now.
    pub better: Vec<Change>,
    /// Met now, and not judged before.
    pub proven: Vec<Change>,
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
    Found,
    Lost,
    Better,
    Proven,
    Other,
}

/// Findings of one scenario on one requirement, then and now.
struct Pair<'a> {
    was: Vec<Judged<'a>>,
    is: Vec<Judged<'a>>,
    unproven: Option<Unproven>,
    /// What is violated besides what was violated before.
    also: Option<Judged<'a>>,
}

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
            found: Vec::new(),
            lost: Vec::new(),
            better: Vec::new(),
            proven: Vec::new(),
            other: Vec::new(),
            observations: observations(&pair, &both).into_iter().filter(|f| f.differs).collect(),
        };
        // A server that refuses what it granted, both rightly, is no longer asked what a grant is asked; and scenarios for
        // servers without a capability end when it is declared. What they showed is no less proven, as long as others do.
        let [showed, shows] = [old, new].map(|report| met(report, &both));
        let is_past = |s: &ScenarioResult| s.excluded || matches!(s.verdict, Verdict::Pass | Verdict::Fail);
        let mut changes: BTreeMap<(Direction, &str), Vec<Pair<'_>>> = BTreeMap::new();
        let suite = OnceCell::new();
        let known = |id: &str| {
            let suite = suite.get_or_init(|| Suite::embedded(catalogue).ok());
            suite.as_ref().is_none_or(|suite| suite.get(id).is_some())
        };
        for before in &old.scenarios {
            let now = new.scenario(&before.id);
            let unlike = now.is_some() && !both.contains(before.id.as_str());
            if (now.is_none() && dropped(old, new, &before.id, &known)) || (unlike && old.tool != new.tool) {
                continue;
            }
            // The same version has the same scenarios: what is another under the name proves nothing of this one.
            let asked = now.filter(|_| !unlike);
            for id in ids(before, asked) {
                let (was, is) = (judged(Some(before), id), judged(asked, id));
                let direction = direction(&cell(&was), &cell(&is));
                let direction = direction.or_else(|| another_code(&was, &is).then_some(Direction::Other));
                let also = violated_besides(&was, &is);
                let besides = also.is_some() && matches!(direction, None | Some(Direction::Other));
                let direction = if besides { Some(Direction::Worse) } else { direction };
                let Some(mut direction) = direction else { continue };
                let elsewhere = match direction {
                    Direction::Lost => is.is_empty() && asked.is_some_and(is_past) && shows.contains(id),
                    Direction::Proven => was.is_empty() && is_past(before) && showed.contains(id),
                    _ => false,
                };
                if elsewhere {
                    continue;
                }
                let then = || Unproven::of(old, now.unwrap_or(before), &was);
                let unproven = match direction {
                    Direction::Lost => Some(Unproven::of(new, before, &is)),
                    Direction::Proven => Some(then()),
                    Direction::Worse if !matches!(cell(&was).verdict, Verdict::Pass | Verdict::Fail) => {
                        Some(then()).filter(|why| why.was_not_asked())
                    }
                    _ => None,
                };
                if direction == Direction::Worse && unproven.is_some() {
                    direction = Direction::Found;
                }
                changes.entry((direction, id)).or_default().push(Pair {
                    was,
                    is,
                    unproven,
                    also: also.filter(|_| besides),
                });
            }
        }
        // What only the new report holds can prove more.
        let grown = |s: &&ScenarioResult| old.scenario(&s.id).is_none() && old.tool == new.tool;
        for now in new.scenarios.iter().filter(grown) {
            for id in ids(now, None) {
                let is = judged(Some(now), id);
                let direction = match cell(&is) {
                    cell if cell.verdict == Verdict::Pass => Direction::Proven,
                    cell if cell.verdict == Verdict::Fail && !cell.waived => Direction::Found,
                    _ => continue,
                };
                let unproven = Some(Unproven::of(old, now, &[]));
                let pair = Pair { was: Vec::new(), is, unproven, also: None };
                changes.entry((direction, id)).or_default().push(pair);
            }
        }
        let place = |id: &str| old.requirements.iter().position(|r| r.id == id).unwrap_or(usize::MAX);
        let rebound = !policy(old, new).is_empty();
        for ((direction, id), pairs) in changes {
            let mut change = change(id, direction, &pairs);
            if rebound && direction == Direction::Worse {
                // A target file that demands less must not make a new hole lighter than the proof that is gone.
                let proven = pairs.iter().flat_map(|p| &p.was).filter(|(_, f)| f.verdict == Verdict::Pass);
                change.level =
                    proven.map(|(_, f)| f.level).max().map_or(change.level, |was| was.max(change.level));
            }
            match direction {
                Direction::Worse => gate.worse.push(change),
                Direction::Found => gate.found.push(change),
                Direction::Lost => gate.lost.push(change),
                Direction::Better => gate.better.push(change),
                Direction::Proven => gate.proven.push(change),
                Direction::Other => gate.other.push(change),
            }
        }
        for list in [
            &mut gate.worse,
            &mut gate.found,
            &mut gate.lost,
            &mut gate.better,
            &mut gate.proven,
            &mut gate.other,
        ] {
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

/// Requirements that a report proves to be met, by scenarios that both reports hold.
fn met<'a>(report: &'a Report, both: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let shared = report.scenarios.iter().filter(|s| both.contains(s.id.as_str()));
    let met = |f: &&Finding| f.verdict == Verdict::Pass && f.level > Level::Observe;
    shared.flat_map(|s| s.findings.iter().filter(met)).map(|f| f.requirement.as_str()).collect()
}

fn label(report: &Report) -> String {
    match &report.target.version {
        Some(version) => format!("{} {version}", report.target.label()),
        None => report.target.label(),
    }
}

/// Whether the new report lacks a scenario since its version of txspec has it no more. The same version would have run
/// it; and where a filter left scenarios out, one that this build knows was there to be run.
fn dropped(old: &Report, new: &Report, id: &str, known: &dyn Fn(&str) -> bool) -> bool {
    let filtered = new.left_out > 0 && (new.tool.version != env!("CARGO_PKG_VERSION") || known(id));
    old.tool != new.tool && !filtered
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
            if worse && !new.waived { Direction::Worse } else { Direction::Other }
        }
        (_, Verdict::Fail) if new.waived => Direction::Other,
        (_, Verdict::Fail) => Direction::Worse,
        (Verdict::Fail, Verdict::Pass) => Direction::Better,
        (Verdict::Pass | Verdict::Fail, Verdict::Inconclusive | Verdict::Error | Verdict::NotApplicable) => {
            Direction::Lost
        }
        (Verdict::Inconclusive | Verdict::Error | Verdict::NotApplicable, Verdict::Pass) => Direction::Proven,
        _ => return None,
    })
}

/// The gravest violation of one requirement that joined those that a scenario showed of it before. Where as many are
/// gone as came, one may have become the other.
fn violated_besides<'a>(old: &[Judged<'a>], new: &[Judged<'a>]) -> Option<Judged<'a>> {
    let failing = |list: &[Judged<'a>]| -> BTreeMap<(String, String), Judged<'a>> {
        let open = list.iter().filter(|(_, f)| f.verdict == Verdict::Fail && f.waiver.is_none());
        open.map(|j| ((steady(&j.1.expected, &j.1.expected), j.1.steady()), *j)).collect()
    };
    let (old, new) = (failing(old), failing(new));
    // What was waived or not violated at all is no fewer violations than before.
    let joined = new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, judged)| *judged);
    if old.is_empty() || new.len() <= old.len() {
        return None;
    }
    joined.max_by_key(|(_, f)| f.level)
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

fn change(id: &str, direction: Direction, pairs: &[Pair<'_>]) -> Change {
    let old: Vec<Judged<'_>> = pairs.iter().flat_map(|p| p.was.iter().copied()).collect();
    let new: Vec<Judged<'_>> = pairs.iter().flat_map(|p| p.is.iter().copied()).collect();
    let mut told: Vec<Told> = Vec::new();
    for Pair { was, is, unproven, also } in pairs {
        let Some(scenario) = was.first().or(is.first()).map(|(s, _)| s.id.clone()) else {
            continue;
        };
        let says =
            also.as_ref().map_or_else(|| meaning(was, is), |also| meaning(was, std::slice::from_ref(also)));
        match told.iter_mut().find(|t| t.says == says && t.unproven == *unproven) {
            Some(known) => known.scenarios.push(scenario),
            None => told.push(Told { says, unproven: *unproven, scenarios: vec![scenario] }),
        }
    }
    let (old_cell, new_cell) = (cell(&old), cell(&new));
    let scored = old.iter().chain(&new).map(|(_, f)| f.level).max().unwrap_or(Level::Observe);
    let level = match direction {
        // A must that is no longer proven weighs as one, whatever else was seen beside it.
        Direction::Lost | Direction::Proven => scored,
        _ => new_cell.level.or(old_cell.level).unwrap_or(scored),
    };
    Change { requirement: id.to_owned(), level, old: old_cell, new: new_cell, told }
}
