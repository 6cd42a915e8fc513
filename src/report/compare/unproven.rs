//! Why something is proven in one of two reports of a server and not in the other, and whether that is the server's doing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Change, Told,
    build::{Judged, same_question},
};
use crate::{
    judge::{Cause, Verdict},
    report::{Report, visible::count},
    run::ScenarioResult,
    spec::Level,
};

/// Why a report proves nothing where the other one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unproven {
    /// A check is open, for another cause than those below.
    Open(Cause),
    /// No check was made in a scenario that ran.
    NotChecked,
    /// Not applicable: the target file does not declare what it needs.
    NotApplicable,
    /// Not applicable: it is for servers without what the target file declares.
    Excluded,
    /// A scenario or txspec is at fault.
    Error,
    /// The report does not hold the scenario, and nothing says why.
    Absent,
    /// The scenario belongs to a larger profile.
    OutsideProfile,
    /// The scenario was left out by a filter.
    NotSelected,
    /// Another scenario of that name was run in its place.
    Replaced,
    /// The run ended before.
    Interrupted,
    /// The run had used up its requests.
    Budget,
    /// The recording does not hold it.
    NotRecorded,
}

impl Unproven {
    /// Why `report` proves nothing about what this scenario of the other report does.
    pub(super) fn of(report: &Report, other: &ScenarioResult, findings: &[Judged<'_>]) -> Self {
        let Some(scenario) = report.scenario(&other.id) else {
            return if !report.profile.includes(other.profile) {
                Self::OutsideProfile
            } else if report.left_out > 0 {
                Self::NotSelected
            } else {
                Self::Absent
            };
        };
        if !same_question(scenario, other) {
            return Self::Replaced;
        }
        let open =
            findings.iter().filter(|(_, f)| f.verdict == Verdict::Inconclusive).find_map(|(_, f)| f.cause);
        match open.or(scenario.cause).map(|cause| root(report, scenario, cause)) {
            Some(Cause::Interrupted) => Self::Interrupted,
            Some(Cause::Budget) => Self::Budget,
            Some(Cause::NotRecorded) => Self::NotRecorded,
            Some(cause) => Self::Open(cause),
            None if scenario.excluded => Self::Excluded,
            None if scenario.verdict == Verdict::NotApplicable => Self::NotApplicable,
            None if scenario.verdict == Verdict::Error => Self::Error,
            None => Self::NotChecked,
        }
    }

    /// Whether the server was not even asked.
    pub(super) fn is_of_the_run(self) -> bool {
        self >= Self::OutsideProfile
    }

    /// Whether nothing at all was asked or known: what is seen then in the other run is no change.
    pub(super) fn was_not_asked(self) -> bool {
        self.is_of_the_run() || matches!(self, Self::NotApplicable | Self::Excluded | Self::Error)
    }

    /// In a word or two, for titles.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Open(cause) => cause.word(),
            Self::NotChecked => "no longer checked",
            Self::NotApplicable => "not applicable",
            Self::Excluded => "no longer for this server",
            Self::Error => "error",
            Self::Absent => "not in the report",
            Self::OutsideProfile => "not in the profile",
            Self::NotSelected => "not selected",
            Self::Replaced => "another scenario in its place",
            Self::Interrupted => "interrupted",
            Self::Budget => "budget",
            Self::NotRecorded => "not recorded",
        }
    }

    /// What that means, of the run whose name is `which`.
    fn says(self, which: &str) -> String {
        match self {
            Self::Open(cause) => {
                format!("the {which} run could not tell; `txspec explain {}` says more", cause.word())
            }
            Self::NotChecked => {
                format!("the {which} run did not come to the check, in scenarios that it ran")
            }
            Self::NotApplicable => {
                format!("the {which} target file does not declare what the scenarios need")
            }
            Self::Excluded => {
                format!(
                    "the scenarios are for servers without something that the {which} target file declares"
                )
            }
            Self::Error => format!("a scenario or txspec is at fault in the {which} run"),
            Self::Absent => format!("the {which} report does not hold the scenarios"),
            Self::OutsideProfile => format!("the {which} run was made with a smaller profile"),
            Self::NotSelected => format!("a filter left the scenarios out of the {which} run"),
            Self::Replaced => format!("others of their names stood in their place in the {which} run"),
            Self::Interrupted => format!("the {which} run ended before it reached them"),
            Self::Budget => format!("the {which} run had used up its requests before it reached them"),
            Self::NotRecorded => format!("the recording of the {which} run does not hold them"),
        }
    }
}

/// A control that failed for want of time is no failed control.
pub(super) fn root(report: &Report, scenario: &ScenarioResult, cause: Cause) -> Cause {
    let mut at = scenario;
    let mut cause = cause;
    // As many steps as there are scenarios: a report could name controls in a circle.
    for _ in 0..report.scenarios.len() {
        let control = at.control.as_deref().filter(|_| cause == Cause::ControlFailed);
        let Some(control) = control.and_then(|id| report.scenario(id)) else { break };
        let Some(why) = control.cause else { break };
        (at, cause) = (control, why);
    }
    cause
}

/// Changes that share a reason.
pub(super) struct Group {
    pub reason: Unproven,
    pub says: String,
    pub changes: Vec<Change>,
}

/// Changes by the reason why one of the two reports, `which`, proves nothing; the server's doing first. A requirement
/// stands under each of its reasons, with the scenarios of that one.
pub(super) fn groups(changes: &[Change], which: &str) -> Vec<Group> {
    let mut by_reason: BTreeMap<Unproven, Vec<Change>> = BTreeMap::new();
    for change in changes {
        let mut parts: BTreeMap<Unproven, Vec<Told>> = BTreeMap::new();
        for told in &change.told {
            parts.entry(told.unproven.unwrap_or(Unproven::NotChecked)).or_default().push(told.clone());
        }
        for (reason, told) in parts {
            by_reason.entry(reason).or_default().push(Change { told, ..change.clone() });
        }
    }
    by_reason
        .into_iter()
        .map(|(reason, changes)| {
            let mut scenarios: Vec<&str> =
                changes.iter().flat_map(|c| &c.told).flat_map(|t| &t.scenarios).map(String::as_str).collect();
            scenarios.sort_unstable();
            scenarios.dedup();
            let whose = if reason.is_of_the_run() { ", which says nothing about the server" } else { "" };
            let levels =
                [Level::Must, Level::Should, Level::May, Level::Observe].into_iter().filter_map(|level| {
                    let number = changes.iter().filter(|c| c.level == level).count();
                    (number > 0).then(|| format!("{number} {}", level.word()))
                });
            let levels: Vec<String> = levels.collect();
            let of = count(scenarios.len(), "scenario");
            let says = format!("{}{whose} ({}, in {of})", reason.says(which), levels.join(", "));
            Group { reason, says, changes }
        })
        .collect()
}
