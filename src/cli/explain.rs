//! `txspec explain`: what an id means.

use std::{fmt::Write as _, sync::Arc};

use clap::Args;

use super::{Exit, list::scenarios_of, select::refuse_suite, terminal::Terminal};
use crate::{
    document::did_you_mean,
    reference::{Fault, faults},
    scenario::{Scenario, Suite},
    spec::{Catalogue, Requirement},
};

/// Explain a requirement, a scenario or a fault.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec explain TX-2.2.1-issued_token_type-required
  txspec explain actor-without-type
  txspec explain alg-none-accepted")]
pub struct ExplainArguments {
    /// Id of a requirement, a scenario, a fault, a decision table row or a register entry.
    id: String,
}

/// Explains.
pub fn run(arguments: &ExplainArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let suite = match Suite::embedded(catalogue) {
        Ok(suite) => suite,
        Err(error) => return refuse_suite(&error, terminal),
    };
    let all_faults = faults().unwrap_or_default();
    let id = arguments.id.as_str();
    let text = if let Some(row) = catalogue.get(id) {
        requirement(row, &suite, catalogue, &all_faults)
    } else if let Some(one) = suite.get(id) {
        scenario(one, catalogue)
    } else if let Some(fault) = all_faults.iter().find(|f| f.id == id) {
        fault_text(fault)
    } else if let Some(entry) = catalogue.ambiguity(id) {
        format!(
            "{} {}\n\n{}\n\nHow txspec treats it: {}\n\nRequirements: {}",
            entry.id,
            entry.zone,
            entry.texts,
            entry.treatment,
            entry.requirements.join(", ")
        )
    } else if let Some(row) = catalogue.row(id) {
        let tolerated: Vec<String> = row
            .tolerated
            .iter()
            .map(|t| format!("  {} ({}): {}", t.code, t.level.word(), t.why.trim()))
            .collect();
        format!(
            "Situation: {}\nError codes that fit: {}\nTolerated:\n{}\nJudged as {}",
            row.situation.trim(),
            row.expected.join(", "),
            tolerated.join("\n"),
            row.requirement
        )
    } else {
        let known = catalogue
            .ids()
            .chain(suite.scenarios().iter().map(|s| s.id.as_str()))
            .chain(all_faults.iter().map(|f| f.id.as_str()));
        let near = did_you_mean(id, known).map(|n| format!("did you mean `{n}`?"));
        terminal.failure(
            &format!("nothing is called `{id}`"),
            Some(near.as_deref().unwrap_or(
                "`txspec list requirements`, `txspec list scenarios` and `txspec list faults` show the ids",
            )),
        );
        return Exit::Usage;
    };
    terminal.out(&wrap(&text, terminal.width()));
    Exit::Ok
}

fn requirement(row: &Requirement, suite: &Suite, catalogue: &Catalogue, faults: &[Fault]) -> String {
    let mut out = format!("{}\n{} section {}, {}", row.id, row.spec, row.section, row.level.word());
    let _ = write!(out, ", {}", row.class.meaning());
    if let Some(keyword) = &row.keyword {
        let _ = write!(out, " ({keyword})");
    }
    if !row.statements.is_empty() {
        let _ = write!(out, ", statement {}", row.statements.join(", "));
    }
    if let Some(url) = catalogue.section_url(row) {
        let _ = write!(out, "\n{url}");
    }
    let _ = write!(out, "\n\n{}", row.says.trim());
    if let Some(note) = &row.note {
        let _ = write!(out, "\n\nHow it is judged: {}", note.trim());
    }
    for reading in &row.readings {
        let default = if reading.default { " (default)" } else { "" };
        let _ = write!(out, "\n\nReading {}{default}: {}", reading.id, reading.says.trim());
    }
    for id in &row.ambiguity {
        if let Some(entry) = catalogue.ambiguity(id) {
            let _ = write!(out, "\n\nAmbiguity {id}, {}: {}", entry.zone.trim(), entry.treatment.trim());
        }
    }
    if let Some(policy) = &row.policy {
        let knob = serde_json::to_value(policy.knob)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default();
        let _ = write!(
            out,
            "\n\nWith `policy: {{ {knob}: … }}` in the target file a violation counts as {}.",
            policy.raises_to.word()
        );
    }
    if let Some(other) = &row.same_as {
        let _ = write!(out, "\n\nIt says the same as {other} and is checked there.");
    }
    match &row.unchecked {
        Some(reason) => {
            let _ = write!(out, "\n\nNot checked: {}", reason.trim());
        }
        None => {
            let scenarios = scenarios_of(row, suite, catalogue);
            let shown: Vec<&str> = scenarios.iter().copied().take(12).collect();
            let more = if scenarios.len() > 12 {
                format!(" and {} more", scenarios.len() - 12)
            } else {
                String::new()
            };
            let _ = write!(out, "\n\nScenarios: {}{more}", shown.join(", "));
        }
    }
    let proving: Vec<&str> =
        faults.iter().filter(|f| f.violates.contains(&row.id)).map(|f| f.id.as_str()).collect();
    if !proving.is_empty() {
        let _ = write!(out, "\n\nFaults that prove it: {}", proving.join(", "));
    }
    out
}

fn scenario(s: &Scenario, catalogue: &Catalogue) -> String {
    let mut out = format!(
        "{}\n{}\n{}, profile {}, {}:{}",
        s.test_name(),
        s.title,
        s.section,
        s.profile.name(),
        s.origin.0,
        s.origin.1
    );
    if let Some(control) = &s.control {
        let difference = s
            .edits
            .last()
            .map(crate::run::difference)
            .map(|d| format!("; the difference: {d}"))
            .unwrap_or_default();
        let _ = write!(out, "\n\nControl: {control}{difference}");
    }
    if !s.requires.is_empty() {
        let names: Vec<&str> = s.requires.iter().map(|c| c.name()).collect();
        let _ = write!(out, "\n\nNeeds the capabilities {}", names.join(", "));
    }
    if let Some(note) = &s.note {
        let _ = write!(out, "\n\n{}", note.trim());
    }
    out.push_str("\n\nChecks, besides the generic oracles:");
    for id in s.covers() {
        let words = catalogue.get(id).map(|r| r.says.trim().replace('\n', " ")).unwrap_or_default();
        let _ = write!(out, "\n  {id}: {words}");
    }
    out
}

fn fault_text(fault: &Fault) -> String {
    let mut out = format!("{}\nThe reference server {}.", fault.id, fault.describes.trim_end_matches('.'));
    let _ = write!(out, "\n\nViolates: {}", fault.violates.join(", "));
    if !fault.also.is_empty() {
        let _ = write!(out, "\nAs a consequence perhaps: {}", fault.also.join(", "));
    }
    if let Some(anchor) = &fault.anchor {
        let _ = write!(out, "\nSeen in the wild: {anchor}");
    }
    let _ = write!(out, "\n\nTry it: txspec serve --fault {}", fault.id);
    out
}

/// Wraps long lines at words; indentation is kept.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let mut out = Vec::new();
    for line in text.lines() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let hang = if indent.is_empty() { String::new() } else { format!("{indent}  ") };
        let mut current = indent.clone();
        let mut empty = true;
        for word in line.split_whitespace() {
            if !empty && current.chars().count() + 1 + word.chars().count() > width {
                out.push(std::mem::replace(&mut current, hang.clone()));
                empty = true;
            }
            if !empty {
                current.push(' ');
            }
            current.push_str(word);
            empty = false;
        }
        out.push(current);
    }
    out.join("\n")
}
