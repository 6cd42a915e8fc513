//! `txspec list`: what there is.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Exit, select::refuse_suite, terminal::Terminal};
use crate::{
    judge::oracle_requirements,
    reference::faults,
    run::checks,
    scenario::{Scenario, Suite},
    spec::{Catalogue, Requirement},
    target::{embedded_names, load_named},
    vendor,
};

/// Show what there is: scenarios, requirements, targets or faults.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec list scenarios
  txspec list requirements --format json | jq '.[] | select(.level == \"must\") | .id'
  txspec list faults")]
pub struct ListArguments {
    /// What to list.
    #[arg(value_enum, default_value = "scenarios")]
    what: What,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Format,
    /// Scenario files or folders in place of those that come with txspec.
    #[arg(long, value_name = "PATH")]
    scenarios: Vec<std::path::PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Scenarios,
    Requirements,
    Targets,
    Faults,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Lists.
pub fn run(arguments: &ListArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let suite = if arguments.scenarios.is_empty() {
        Suite::embedded(catalogue)
    } else {
        Suite::from_paths(&arguments.scenarios, catalogue)
    };
    let suite = match suite {
        Ok(suite) => suite,
        Err(error) => return refuse_suite(&error, terminal),
    };
    let rows: Vec<Value> = match arguments.what {
        What::Scenarios => suite.scenarios().iter().map(scenario).collect(),
        What::Requirements => catalogue.requirements().iter().map(|r| requirement(r, &suite, catalogue)).collect(),
        What::Targets => targets(catalogue),
        What::Faults => match faults() {
            Ok(all) => all
                .iter()
                .map(|f| json!({ "id": f.id, "describes": f.describes, "violates": f.violates, "class": format!("{:?}", f.class).to_lowercase(), "anchor": f.anchor, "also": f.also }))
                .collect(),
            Err(error) => {
                terminal.failure(&error.to_string(), Some("this is a bug in txspec"));
                return Exit::Bug;
            }
        },
    };
    match arguments.format {
        Format::Json => terminal.out(&format!("{:#}", Value::Array(rows))),
        Format::Text => terminal.out(&text(arguments.what, &rows)),
    }
    Exit::Ok
}

fn scenario(s: &Scenario) -> Value {
    json!({
        "id": s.id,
        "name": s.test_name(),
        "title": s.title,
        "topic": s.topic,
        "section": s.section,
        "profile": s.profile,
        "requires": s.requires,
        "unless": s.unless,
        "negative": s.is_negative(),
        "control": s.control,
        "difference": s.edits.last().map(crate::run::difference),
        "covers": s.covers(),
        "file": s.origin.0,
        "line": s.origin.1,
    })
}

fn requirement(r: &Requirement, suite: &Suite, catalogue: &Catalogue) -> Value {
    json!({
        "id": r.id,
        "spec": r.spec,
        "section": r.section,
        "statements": r.statements,
        "keyword": r.keyword,
        "level": r.level,
        "class": r.class,
        "binds": r.binds,
        "says": r.says,
        "testability": r.testability,
        "ambiguity": r.ambiguity,
        "readings": r.readings,
        "same_as": r.same_as,
        "oracle": oracle_requirements().contains(&r.same_as.as_deref().unwrap_or(&r.id)),
        "scenarios": scenarios_of(r, suite, catalogue),
        "reason": r.unchecked,
    })
}

/// The scenarios that check a requirement: those that cover it, or for a line of the generic oracles every one that
/// sends a token request.
pub(super) fn scenarios_of<'a>(r: &'a Requirement, suite: &'a Suite, catalogue: &Catalogue) -> Vec<&'a str> {
    suite.scenarios().iter().filter(|s| checks(s, r, catalogue)).map(|s| s.id.as_str()).collect()
}

fn targets(catalogue: &Catalogue) -> Vec<Value> {
    embedded_names()
        .into_iter()
        .map(|name| {
            // A variable that is not set must not keep a target out of the list.
            let loaded = load_named(
                name,
                &|variable| Some(std::env::var(variable).unwrap_or_else(|_| "http://127.0.0.1".into())),
                catalogue,
            );
            match loaded {
                Ok(target) => {
                    let kind = TargetKind::of(name, target.spec.about.as_deref());
                    json!({
                        "id": name,
                        "name": target.spec.name,
                        "version": target.spec.version,
                        "about": target.spec.about,
                        "kind": kind.word(),
                        "simulated": vendor::names().contains(&name),
                        "capabilities": target.spec.capabilities,
                    })
                }
                Err(error) => json!({ "id": name, "error": error.to_string() }),
            }
        })
        .collect()
}

/// What a target file that comes with txspec is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TargetKind {
    /// The reference server, which needs no address.
    Embedded,
    /// A server that the file was tried against.
    Measured,
    /// A product of which documents are known and nothing was measured.
    Documented,
}

/// How the files of products that were not measured begin to speak of themselves.
const BY_DOCUMENTS: &str = "Known by its documents";

impl TargetKind {
    fn of(name: &str, about: Option<&str>) -> Self {
        match about {
            _ if name == "reference" => Self::Embedded,
            Some(about) if about.starts_with(BY_DOCUMENTS) => Self::Documented,
            _ => Self::Measured,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Measured => "measured",
            Self::Documented => "documented",
        }
    }
}

/// What the marks of targets mean.
const TARGET_KINDS: &str = "
embedded    comes with txspec and needs no address
measured    a server to be started by you, which the file was tried against; in a clone `interop/run NAME` starts it
documented  known by documents, nothing was measured: a server to be had by you, whose variables the file names
simulated   `txspec run --target NAME --simulated` shows offline what the documents imply

`txspec explain NAME` prints the file of a target, with the variables that it wants";

fn text(what: What, rows: &[Value]) -> String {
    let get = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    let mut group = String::new();
    for row in rows {
        let heading = match what {
            What::Scenarios => format!("{} ({})", get(row, "topic"), get(row, "section")),
            What::Requirements => get(row, "spec"),
            What::Targets | What::Faults => String::new(),
        };
        if heading != group {
            lines.push(format!("\n{heading}"));
            group = heading;
        }
        let words = match what {
            What::Scenarios => get(row, "title"),
            What::Requirements => {
                let state = match row.get("scenarios").and_then(Value::as_array).map_or(0, Vec::len) {
                    0 => "not checked".to_owned(),
                    1 => "1 scenario".to_owned(),
                    count => format!("{count} scenarios"),
                };
                format!("{:<8}{state}", get(row, "level"))
            }
            What::Targets => {
                let simulated = row.get("simulated") == Some(&Value::Bool(true));
                let mark = if simulated { ", simulated" } else { "" };
                let kind = format!("{}{mark}", get(row, "kind"));
                format!("{kind:<22} {} {}", get(row, "name"), get(row, "version")).trim_end().to_owned()
            }
            What::Faults => get(row, "describes"),
        };
        let id = get(row, "id");
        if what == What::Targets {
            lines.push(format!("  {id:<20} {words}"));
            continue;
        }
        lines.push(format!("  {id:<44} {words}"));
    }
    if what == What::Targets {
        lines.push(TARGET_KINDS.to_owned());
    }
    lines.push(format!(
        "\n{} {}",
        rows.len(),
        match what {
            What::Scenarios => "scenarios",
            What::Requirements => "requirements",
            What::Targets => "targets",
            What::Faults => "faults",
        }
    ));
    lines.join("\n").trim_start_matches('\n').to_owned()
}
