//! What stands above the changes between two reports: whether server, suite, or reach of the runs changed.

use std::collections::BTreeSet;

use super::{build::same_question, unproven::root};
use crate::{
    judge::{Cause, Verdict},
    report::{Report, visible::count},
    run::ScenarioResult,
};

/// The notes on an old and a new report that share so many scenarios.
pub(super) fn notes(old: &Report, new: &Report, shared: usize) -> Vec<String> {
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
    let reach = [reach("new", new, old), reach("old", old, new)];
    out.push(suite(old, new, shared, reach.iter().all(Vec::is_empty)));
    out.extend(reach.into_iter().flatten());
    let changed = policy(old, new);
    if !changed.is_empty() {
        out.push(format!(
            "the policy that the target file declares changed ({}): what it no longer makes binding weighs as it did before",
            changed.join(", ")
        ));
    }
    if old.reading != new.reading {
        out.push(format!(
            "the reading changed: {} -> {}; contested sentences are judged by another rule",
            old.reading, new.reading
        ));
    }
    out
}

/// What changed of the declared policy.
pub(super) fn policy(old: &Report, new: &Report) -> Vec<String> {
    let names: BTreeSet<&String> = old.policy.keys().chain(new.policy.keys()).collect();
    let value =
        |of: &Report, name: &String| of.policy.get(name).cloned().unwrap_or_else(|| "not declared".into());
    names
        .into_iter()
        .filter(|name| old.policy.get(*name) != new.policy.get(*name))
        .map(|name| format!("{name}: {} -> {}", value(old, name), value(new, name)))
        .collect()
}

/// Whether what is asked changed. What one of the runs did not get to is no change of the suite.
fn suite(old: &Report, new: &Report, shared: usize, complete: bool) -> String {
    let changed: Vec<&str> = old
        .scenarios
        .iter()
        .filter(|s| new.scenario(&s.id).is_some_and(|n| !same_question(s, n)))
        .map(|s| s.id.as_str())
        .collect();
    let mut suite = Vec::new();
    if !changed.is_empty() {
        let some = changed.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if changed.len() > 5 { ", …" } else { "" };
        suite.push(format!("{} changed and not compared ({some}{more})", count(changed.len(), "scenario")));
    }
    for (which, of, other) in [("new", new, old), ("old", old, new)] {
        let only = lacking(other, of).saturating_sub(other.left_out);
        if only > 0 {
            suite.push(format!("{} only in the {which} report", count(only, "scenario")));
        }
    }
    if !suite.is_empty() {
        return format!("the suite is not the same: {}", suite.join(", "));
    }
    if complete {
        let over = count(shared, "scenario");
        let same_file = policy(old, new).is_empty() && declare_alike(old, new);
        let whose = match (old.target.name == new.target.name, same_file) {
            (true, true) => "the server's doing",
            (true, false) => "due to the server or to what its target file declares",
            (false, _) => "due to the servers",
        };
        return format!("the suite did not change: what differs below is {whose}, over {over}");
    }
    let judged = |r: &Report, s: &ScenarioResult| r.scenario(&s.id).is_some_and(|s| !unreached(r, s));
    let both = old.scenarios.iter().filter(|s| judged(old, s) && judged(new, s)).count();
    format!(
        "the suite did not change: what differs in the {} that both runs reached is the server's doing",
        count(both, "scenario")
    )
}

/// Whether what applies to the one applies to the other: capabilities and roles are the target file's to declare.
fn declare_alike(old: &Report, new: &Report) -> bool {
    let applies = |s: &ScenarioResult| s.verdict != Verdict::NotApplicable;
    old.scenarios.iter().all(|s| new.scenario(&s.id).is_none_or(|n| applies(s) == applies(n)))
}

/// Scenarios of its profile that a report lacks and the other one holds.
fn lacking(report: &Report, other: &Report) -> usize {
    let lacks = |s: &&ScenarioResult| report.scenario(&s.id).is_none() && report.profile.includes(s.profile);
    other.scenarios.iter().filter(lacks).count()
}

/// Whether the run ended, or ran out of requests, before it had judged a scenario or its control.
fn unreached(report: &Report, scenario: &ScenarioResult) -> bool {
    let cause = scenario.cause.map(|cause| root(report, scenario, cause));
    matches!(cause, Some(Cause::Interrupted | Cause::Budget))
}

/// What a run did not get to.
fn reach(which: &str, report: &Report, other: &Report) -> Vec<String> {
    // Of what the new run lacks, the old one proved something; the other way round nothing is lost.
    let so = match which {
        "new" => "; what the old run proved of them counts as no longer proven",
        _ => "",
    };
    let mut out = Vec::new();
    if report.interrupted {
        let number = |of: &dyn Fn(&ScenarioResult) -> bool| {
            count(report.scenarios.iter().filter(|s| of(s)).count(), "scenario")
        };
        // A run is also given up when the server answers nothing any more.
        let silent = |s: &ScenarioResult| s.cause == Some(Cause::Transport);
        let after = match report.scenarios.iter().any(silent) {
            true => format!(", after {} had got no answer", number(&silent)),
            false => String::new(),
        };
        out.push(format!(
            "the {which} run is incomplete: it was interrupted before {} had been judged{after}, and of those it says nothing about the server{so}",
            number(&|s| unreached(report, s))
        ));
    }
    let spent = |s: &&ScenarioResult| unreached(report, s);
    if !report.interrupted && report.scenarios.iter().any(|s| spent(&s)) {
        out.push(format!(
            "the {which} run is incomplete: its budget of requests was used up before {} had been judged, and of those it says nothing about the server{so}",
            count(report.scenarios.iter().filter(spent).count(), "scenario")
        ));
    }
    if report.left_out > 0 {
        let held = lacking(report, other).min(report.left_out);
        let held = match held {
            0 => ", none of which the other run made".to_owned(),
            held if held == report.left_out => so.to_owned(),
            held => format!(", {held} of which the other run made{so}"),
        };
        out.push(format!(
            "the {which} run is incomplete: a filter left out {} of its profile{held}",
            count(report.left_out, "scenario")
        ));
    }
    if report.profile != other.profile && other.profile.includes(report.profile) {
        out.push(format!(
            "the profile of the {which} run is the smaller one: {}, against {}{so}",
            report.profile.name(),
            other.profile.name()
        ));
    }
    out
}
