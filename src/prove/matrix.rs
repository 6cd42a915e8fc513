//! What came of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    judge::{Cause, FailClass, Finding, Verdict, oracle_requirements},
    reference::{Fault, FaultClass},
    run::ScenarioResult,
    spec::Level,
};

/// In place of a scenario, for the lines of the generic oracles.
const ORACLES: &str = "*";

/// One check: a requirement judged in a scenario. The lines of the generic oracles are one check each, whatever the
/// scenario.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CheckId {
    /// The scenario; `*` for a line of the generic oracles.
    pub scenario: String,
    /// The requirement.
    pub requirement: String,
}

/// What one fault did.
#[derive(Debug, Clone, Serialize)]
pub struct FaultOutcome {
    /// Its id.
    pub id: String,
    /// How many answers it changed.
    pub fired: u64,
    /// Checks that failed for the fault's own reason: right requirement, right class, whatever the level. A check
    /// that is only reported must be able to fail all the same.
    pub killed: BTreeSet<CheckId>,
    /// Checks of base requests that the fault refuses: they stay undecided, which fails a run as well.
    pub left_open: BTreeSet<CheckId>,
    /// Checks that failed for what the fault may bring with it: they notice it, and prove nothing of their own.
    pub consequences: BTreeSet<CheckId>,
    /// Failures of must or should level outside what the fault declares.
    pub collateral: BTreeSet<CheckId>,
    /// Scenarios that could not be decided because of it.
    pub undecided: usize,
}

impl FaultOutcome {
    /// The checks that caught it.
    pub fn caught_by(&self) -> impl Iterator<Item = &CheckId> {
        self.killed.union(&self.left_open)
    }

    /// Whether some check caught it.
    pub fn is_caught(&self) -> bool {
        self.caught_by().next().is_some()
    }

    /// Nothing yet.
    pub(super) fn new(fault: &Fault) -> Self {
        Self {
            id: fault.id.clone(),
            fired: 0,
            killed: BTreeSet::new(),
            left_open: BTreeSet::new(),
            consequences: BTreeSet::new(),
            collateral: BTreeSet::new(),
            undecided: 0,
        }
    }

    /// Sorts the findings of a run against a server with the fault.
    pub(super) fn add(&mut self, fault: &Fault, fired: u64, results: &[ScenarioResult]) {
        self.fired += fired;
        for result in results {
            self.undecided += usize::from(result.verdict == Verdict::Inconclusive);
            if fault.class.contains(&FaultClass::Refused) {
                self.left_open.extend(
                    withheld(result)
                        .filter(|f| fault.violates.contains(&f.requirement))
                        .map(|f| check_of(&result.id, &f.requirement)),
                );
            }
            for finding in result.findings.iter().filter(|f| f.verdict == Verdict::Fail) {
                let check = check_of(&result.id, &finding.requirement);
                let own = fault.violates.contains(&finding.requirement);
                if own && finding.class.is_some_and(|c| fault.class.iter().any(|f| fits(c, f))) {
                    self.killed.insert(check);
                } else if !own && fault.also.contains(&finding.requirement) {
                    self.consequences.insert(check);
                } else if !own && finding.level >= Level::Should {
                    self.collateral.insert(check);
                }
            }
        }
    }
}

/// A base request has no positive twin, so its refusal is never called a violation: it leaves open what it was to show,
/// which fails a run as well. More cannot be asked of it when a fault refuses what should be granted. The same holds for
/// what only the target file says to be granted (level may).
fn withheld(result: &ScenarioResult) -> impl Iterator<Item = &Finding> {
    let base = result.control.is_none();
    let refused = move |f: &&Finding| {
        f.verdict == Verdict::Inconclusive
            && f.cause == Some(Cause::Precondition)
            && if base { f.level >= Level::Should } else { f.level == Level::May && f.exchange.is_some() }
    };
    result.findings.iter().filter(refused)
}

/// The classes of faults and of findings say the same with different words in one place: what is malformed may be so in
/// its form or in a value.
fn fits(finding: FailClass, fault: &FaultClass) -> bool {
    match fault {
        FaultClass::Accepted => finding == FailClass::Accepted,
        FaultClass::Refused => finding == FailClass::Refused,
        FaultClass::WrongForm | FaultClass::Malformed => {
            matches!(finding, FailClass::WrongForm | FailClass::Malformed)
        }
    }
}

fn check_of(scenario: &str, requirement: &str) -> CheckId {
    let oracle = oracle_requirements().contains(&requirement);
    CheckId {
        scenario: if oracle { ORACLES.into() } else { scenario.to_owned() },
        requirement: requirement.to_owned(),
    }
}

/// The whole matrix.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Matrix {
    /// By fault.
    pub faults: Vec<FaultOutcome>,
    /// Every must or should check that the faultless server passes.
    pub checks: BTreeSet<CheckId>,
    /// Every may check that it passes. Faults are looked for that kill them, and none is demanded.
    pub lesser: BTreeSet<CheckId>,
    /// May checks that the faultless server does not pass: no fault is needed to see them fail.
    pub lesser_unmet: BTreeSet<CheckId>,
    /// What the faultless server does not pass.
    pub baseline: BTreeSet<CheckId>,
    /// Scenarios that could not be decided against the faultless server.
    pub baseline_undecided: Vec<String>,
    /// Scenarios that no configuration of the reference server exercises, and why. They count in no total.
    pub not_exercised: BTreeMap<String, String>,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
}

/// The three totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Faults that some check kills for its own reason.
    pub faults_killed: usize,
    /// All faults.
    pub faults: usize,
    /// Must and should checks that some fault kills for its own reason.
    pub checks_killed: usize,
    /// All must and should checks.
    pub checks: usize,
    /// Of the checks killed, those of base requests that no fault does more to than to leave them undecided.
    pub left_open: usize,
    /// Failures outside a fault's declared requirements.
    pub collateral: usize,
}

impl Matrix {
    /// Takes in what the faultless server passes and what it does not.
    pub(super) fn take_baseline(&mut self, results: &[ScenarioResult]) {
        for scenario in results {
            if scenario.verdict == Verdict::NotApplicable {
                self.not_exercised.insert(scenario.id.clone(), scenario.reason.clone().unwrap_or_default());
                continue;
            }
            self.not_exercised.remove(&scenario.id);
            if scenario.verdict == Verdict::Inconclusive {
                self.baseline_undecided.push(scenario.id.clone());
            }
            for finding in scenario.findings.iter().filter(|f| f.level >= Level::May && f.fact.is_none()) {
                let check = check_of(&scenario.id, &finding.requirement);
                let demanded = finding.level >= Level::Should;
                let set = match (finding.verdict, demanded) {
                    (Verdict::Pass, true) => &mut self.checks,
                    (Verdict::Pass, false) => &mut self.lesser,
                    (Verdict::Fail, true) => &mut self.baseline,
                    (Verdict::Fail, false) => &mut self.lesser_unmet,
                    _ => continue,
                };
                set.insert(check);
            }
        }
    }

    /// The totals.
    pub fn totals(&self) -> Totals {
        let violated: BTreeSet<&CheckId> = self.faults.iter().flat_map(|f| &f.killed).collect();
        let survivors = self.survivors().len();
        Totals {
            faults_killed: self.faults.iter().filter(|f| f.is_caught()).count(),
            faults: self.faults.len(),
            checks_killed: self.checks.len() - survivors,
            checks: self.checks.len(),
            left_open: self.checks.iter().filter(|c| !violated.contains(c)).count() - survivors,
            collateral: self.faults.iter().map(|f| f.collateral.len()).sum(),
        }
    }

    /// Leaves the generic oracles out: whoever proves a scenario need not prove what every response gets.
    pub fn without_oracles(mut self) -> Self {
        for set in [&mut self.checks, &mut self.lesser, &mut self.lesser_unmet] {
            set.retain(|check| check.scenario != ORACLES);
        }
        self
    }

    /// Must and should checks that no fault kills.
    pub fn survivors(&self) -> Vec<&CheckId> {
        self.not_killed(&self.checks)
    }

    /// May checks that no fault kills.
    pub fn lesser_survivors(&self) -> Vec<&CheckId> {
        self.not_killed(&self.lesser)
    }

    fn not_killed<'m>(&'m self, checks: &'m BTreeSet<CheckId>) -> Vec<&'m CheckId> {
        let killed: BTreeSet<&CheckId> = self.faults.iter().flat_map(FaultOutcome::caught_by).collect();
        checks.iter().filter(|c| !killed.contains(c)).collect()
    }

    /// Whether every gate holds. `every_fault`: the scenarios are meant to catch all faults that were tried.
    /// `every_check`: the faults that were tried are meant to reach all checks.
    pub fn holds(&self, every_fault: bool, every_check: bool) -> bool {
        let t = self.totals();
        (!every_fault || (t.faults_killed == t.faults && self.faults.iter().all(|f| f.fired > 0)))
            && (!every_check || t.checks_killed == t.checks)
            && t.collateral == 0
            && self.baseline.is_empty()
            && self.baseline_undecided.is_empty()
            && self.not_exercised.is_empty()
    }
}
