//! Drawing a comparison from reports: what all of them hold, and where it differs.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::model::{Cell, Column, CompareError, Comparison, Facts, Row, Tally, Totals, Unique};
use crate::{
    judge::{FailClass, Finding, Verdict, steady},
    report::{Report, json::FORMAT, visible::count},
    run::ScenarioResult,
    spec::{Catalogue, Level},
};

/// Values of a fact that are kept of one server.
const VALUES: usize = 8;

pub(super) type Shared<'a> = BTreeSet<&'a str>;

/// A finding with its scenario.
pub(super) type Judged<'a> = (&'a ScenarioResult, &'a Finding);

impl Comparison {
    /// Compares reports over the scenarios that all of them hold.
    ///
    /// # Errors
    /// When the number does not fit, or the reports share nothing.
    pub fn new(reports: &[Report], catalogue: &Catalogue) -> Result<Self, CompareError> {
        let [first, .., _] = reports else {
            return Err(CompareError::Number(reports.len()));
        };
        if reports.len() > 12 {
            return Err(CompareError::Number(reports.len()));
        }
        let shared = shared(first, reports);
        if shared.is_empty() {
            return Err(CompareError::NothingShared);
        }
        let rows = rows(first, reports, &shared, catalogue);
        let targets = columns(reports, &rows);
        let all = rows.len();
        let mut common: Vec<Row> = rows.iter().filter(|r| r.shared_level().is_some()).cloned().collect();
        common.sort_by_key(|r| Reverse(r.shared_level()));
        let (different, same): (Vec<_>, Vec<_>) = rows.into_iter().partition(differs);
        let (differing, unequally_judged): (Vec<_>, Vec<_>) = different.into_iter().partition(tells_apart);
        let untouched = |r: &&Row| r.cells.iter().all(|c| c.verdict == Verdict::NotApplicable);
        let not_exercised = same.iter().filter(untouched).count();
        // A departure on every server is no difference, so only differing rows can hold a unique one.
        let unique = unique(&differing);
        Ok(Self {
            format: FORMAT,
            notes: notes(reports, &targets, &shared),
            targets,
            discriminating: false,
            shared_scenarios: shared.len(),
            requirements: Totals {
                all,
                differing: differing.len(),
                unequally_judged: unequally_judged.len(),
                alike: same.len() - not_exercised,
                not_exercised,
            },
            differing,
            unequally_judged,
            unique,
            common,
            observations: observations(reports, &shared),
        })
    }
}

/// Scenarios of all reports that ask the same.
pub(super) fn shared<'a>(first: &'a Report, reports: &[Report]) -> Shared<'a> {
    let others: Vec<BTreeMap<&str, &ScenarioResult>> =
        reports.iter().map(|r| r.scenarios.iter().map(|s| (s.id.as_str(), s)).collect()).collect();
    first
        .scenarios
        .iter()
        .filter(|s| others.iter().all(|o| o.get(s.id.as_str()).is_some_and(|t| same_question(s, t))))
        .map(|s| s.id.as_str())
        .collect()
}

/// Whether two results of one name come from the same scenario: its digest agrees, or where a report has none, control
/// and difference.
pub(super) fn same_question(a: &ScenarioResult, b: &ScenarioResult) -> bool {
    let digests = a.digest.is_none() || b.digest.is_none() || a.digest == b.digest;
    digests && a.control == b.control && a.difference == b.difference
}

fn columns(reports: &[Report], rows: &[Row]) -> Vec<Column> {
    let mut labels: Vec<String> = Vec::new();
    reports
        .iter()
        .enumerate()
        .map(|(i, r)| {
            let mut requirements = Tally::default();
            rows.iter().filter_map(|row| row.cells.get(i)).for_each(|cell| requirements.add(cell));
            let plain = match &r.target.version {
                Some(version) => format!("{} {version}", r.target.label()),
                None => r.target.label(),
            };
            let mut label = plain.clone();
            let mut number = 1;
            while labels.contains(&label) {
                number += 1;
                label = format!("{plain} #{number}");
            }
            labels.push(label.clone());
            Column {
                label,
                target: r.target.clone(),
                profile: r.profile,
                reading: r.reading.clone(),
                page: None,
                tool: format!("{} {}", r.tool.name, r.tool.version),
                started: r.started.to_string(),
                conclusion: r.conclusion,
                requirements,
                counts: r.counts,
            }
        })
        .collect()
}

fn notes(reports: &[Report], targets: &[Column], shared: &Shared<'_>) -> Vec<String> {
    let mut out = Vec::new();
    out.extend(documented(reports));
    let mut differing = |what: &str, value: &dyn Fn(&Column) -> String, so: &str| {
        let groups = grouped(targets.iter().map(|t| (value(t), t.label.clone())));
        if groups.len() > 1 {
            let each: Vec<String> =
                groups.iter().map(|(value, labels)| format!("{value}: {}", labels.join(", "))).collect();
            out.push(format!("{what} differ ({}): {so}", each.join("; ")));
        }
    };
    differing(
        "the versions of txspec",
        &|c| c.tool.clone(),
        "scenarios of one name may judge more in one than in the other",
    );
    differing("the profiles", &|c| c.profile.name().to_owned(), "only what they share is compared");
    differing(
        "the readings",
        &|c| c.reading.clone(),
        "contested requirements were judged by different rules",
    );
    let left_out: Vec<String> = reports
        .iter()
        .zip(targets)
        .map(|(report, target)| (report.scenarios.len().saturating_sub(shared.len()), target))
        .filter(|(number, _)| *number > 0)
        .map(|(number, target)| format!("{} of {}", count(number, "scenario"), target.label))
        .collect();
    if !left_out.is_empty() {
        out.push(format!(
            "left out, because another report lacks them or gives them another content: {}",
            left_out.join(", ")
        ));
    }
    for (report, target) in reports.iter().zip(targets) {
        if report.fail_on != Level::Must {
            out.push(format!(
                "the run against {} was made with --fail-on {}: its conclusion counts more than the musts that are called violated here",
                target.label,
                report.fail_on.word()
            ));
        }
        if report.interrupted {
            out.push(format!("the run against {} was interrupted", target.label));
        }
        if report.left_out > 0 {
            let number = count(report.left_out, "scenario");
            out.push(format!(
                "a filter left {number} of the profile out of the run against {}",
                target.label
            ));
        }
    }
    out
}

/// Names by what they have in common, in order.
fn grouped(pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    for (key, name) in pairs {
        match out.iter_mut().find(|(known, _)| *known == key) {
            Some((_, names)) => names.push(name),
            None => out.push((key, vec![name])),
        }
    }
    out
}

/// One note on all that is no server.
fn documented(reports: &[Report]) -> Option<String> {
    let names = reports.iter().filter_map(|r| {
        let name = &r.target.name;
        let said = r.target.documented.as_deref()?;
        let since = said.strip_prefix(&format!("documents on {name} as of "));
        let since = since.and_then(|s| s.strip_suffix("; nothing was measured"));
        Some((since.map_or_else(|| said.to_owned(), |date| format!("documents as of {date}")), name.clone()))
    });
    let groups = grouped(names);
    let each: Vec<String> =
        groups.iter().map(|(since, names)| format!("{} ({since})", names.join(", "))).collect();
    (!each.is_empty()).then(|| {
        format!(
            "documented, not measured: {}. What is said of them follows from their documents and was seen on no server",
            each.join("; ")
        )
    })
}

fn rows(first: &Report, reports: &[Report], shared: &Shared<'_>, catalogue: &Catalogue) -> Vec<Row> {
    let findings: Vec<BTreeMap<&str, Vec<(&ScenarioResult, &Finding)>>> =
        reports.iter().map(|r| findings(r, shared)).collect();
    let known: Vec<BTreeSet<&str>> =
        reports.iter().map(|r| r.requirements.iter().map(|q| q.id.as_str()).collect()).collect();
    first
        .requirements
        .iter()
        // A row that another row stands for would only repeat it.
        .filter(|r| catalogue.get(&r.id).is_none_or(|row| row.same_as.is_none()))
        .filter(|r| known.iter().all(|ids| ids.contains(r.id.as_str())))
        .map(|r| {
            let cells: Vec<Cell> = findings
                .iter()
                .map(|f| cell(f.get(r.id.as_str()).map(Vec::as_slice).unwrap_or_default()))
                .collect();
            Row {
                requirement: r.id.clone(),
                spec: r.spec.clone(),
                section: r.section.clone(),
                level: catalogue.get(&r.id).map_or(r.level, |row| row.level),
                cells,
            }
        })
        // Facts are told as observations; they count here only where a policy makes them binding.
        .filter(|row| row.level > Level::Observe || row.cells.iter().any(|c| c.level.is_some()))
        .collect()
}

fn findings<'a>(
    report: &'a Report,
    shared: &Shared<'_>,
) -> BTreeMap<&'a str, Vec<(&'a ScenarioResult, &'a Finding)>> {
    let mut out: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for scenario in report.scenarios.iter().filter(|s| shared.contains(s.id.as_str())) {
        // What could not have failed proves nothing: in a report it is a fact as well.
        for finding in scenario.findings.iter().filter(|f| f.fact.is_none() && f.level > Level::Observe) {
            out.entry(&finding.requirement).or_default().push((scenario, finding));
        }
    }
    out
}

pub(super) fn cell(findings: &[Judged<'_>]) -> Cell {
    let failing: Vec<&(&ScenarioResult, &Finding)> =
        findings.iter().filter(|(_, f)| f.verdict == Verdict::Fail && f.level >= Level::May).collect();
    // The gravest violation speaks for the cell: what was accepted wrongly, else the usual form. A waiver says who
    // accepts it, not that it is none.
    let alike = |f: &Finding| failing.iter().filter(|(_, g)| g.class == f.class).count();
    let worst = failing
        .iter()
        .map(|(_, f)| f)
        .rev()
        .max_by_key(|f| (f.level, f.class == Some(FailClass::Accepted), alike(f)));
    if let Some(worst) = worst {
        let mut scenarios: Vec<String> = Vec::new();
        for (scenario, _) in &failing {
            if scenarios.last() != Some(&scenario.id) {
                scenarios.push(scenario.id.clone());
            }
        }
        return Cell {
            verdict: Verdict::Fail,
            level: Some(worst.level),
            class: worst.class,
            waived: failing.iter().all(|(_, f)| f.waiver.is_some()),
            observed: worst.steady(),
            scenarios,
        };
    }
    let any = |verdict: Verdict| findings.iter().any(|(_, f)| f.verdict == verdict);
    Cell {
        verdict: if any(Verdict::Inconclusive) || any(Verdict::Error) {
            Verdict::Inconclusive
        } else if any(Verdict::Pass) {
            Verdict::Pass
        } else {
            Verdict::NotApplicable
        },
        level: None,
        class: None,
        waived: false,
        observed: String::new(),
        scenarios: Vec::new(),
    }
}

fn differs(row: &Row) -> bool {
    let mut keys = row.cells.iter().map(Cell::key);
    let first = keys.next();
    keys.any(|k| Some(k) != first)
}

/// A departure somewhere; "met here, not exercised there" tells more about set-ups than about servers.
fn tells_apart(row: &Row) -> bool {
    row.cells.iter().any(|c| c.verdict == Verdict::Fail)
}

fn unique(rows: &[Row]) -> Vec<Unique> {
    let mut out: Vec<Unique> = rows
        .iter()
        .filter_map(|row| {
            let mut failing = row.cells.iter().enumerate().filter(|(_, c)| c.verdict == Verdict::Fail);
            let (target, cell) = failing.next()?;
            if failing.next().is_some() {
                return None;
            }
            let met = row.cells.iter().filter(|c| c.verdict == Verdict::Pass).count();
            Some(Unique {
                target,
                requirement: row.requirement.clone(),
                level: cell.level.unwrap_or(row.level),
                cell: cell.clone(),
                others_meet_it: met + 1 == row.cells.len(),
            })
        })
        .collect();
    out.sort_by_key(|u| (u.target, Reverse(u.level), !u.cell.is_hole()));
    out
}

pub(super) fn observations(reports: &[Report], shared: &Shared<'_>) -> Vec<Facts> {
    let mut facts: Vec<&str> = Vec::new();
    for observation in reports.iter().flat_map(|r| &r.observations) {
        if !facts.contains(&observation.fact.as_str()) {
            facts.push(&observation.fact);
        }
    }
    facts
        .into_iter()
        .map(|fact| {
            let values: Vec<Vec<String>> = reports.iter().map(|r| values(r, fact, shared)).collect();
            let mut seen = values.iter().filter(|v| !v.is_empty());
            let first = seen.next();
            Facts { fact: fact.to_owned(), differs: seen.any(|v| Some(v) != first), values }
        })
        .filter(|f| f.values.iter().any(|v| !v.is_empty()))
        .collect()
}

/// The values of a fact, sorted: which scenario showed one first is no difference between servers. Nor is a server's
/// own name, nor what is another in every run.
fn values(report: &Report, fact: &str, shared: &Shared<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for o in report.observations.iter().filter(|o| o.fact == fact && shared.contains(o.scenario.as_str())) {
        let value = match &report.target.issuer {
            Some(issuer) if !issuer.is_empty() => o.value.replace(issuer.as_str(), "{issuer}"),
            _ => o.value.clone(),
        };
        let value = steady(&value, fact);
        if out.len() < VALUES && !out.contains(&value) {
            out.push(value);
        }
    }
    out.sort_unstable();
    out
}
