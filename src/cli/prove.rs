//! `txspec prove`: the kill matrix.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};

use super::{
    Exit,
    select::{refuse, refuse_suite},
    terminal::{Bar, Terminal},
};
use crate::{
    document::did_you_mean,
    prove::{FaultOutcome, Matrix, Progress, prove},
    reference::faults,
    scenario::{Scenario, Suite},
    spec::Catalogue,
    target::load_named,
};

/// The kill matrix: the suite against the reference server with each fault.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec prove                        the whole matrix
  txspec prove my-scenarios.yaml      which faults your scenarios catch
  txspec prove --fault alg-none-accepted --format markdown

Exit code 0: every check of must or should level passes against the faultless server and is killed by
some fault, and nothing fails that a fault does not explain. Else 1. Without files, or with --fault,
every fault that was tried must be killed too; scenarios of your own need not catch all. With --fault,
checks that those faults do not kill are no failure. Checks of may level are told and never demanded.")]
pub struct ProveArguments {
    /// Scenario files of your own, to be proven in place of those that come with txspec, which still serve as their
    /// controls. What every response is judged on anyway kills faults here too, and its own proof is not asked for.
    #[arg(value_name = "SCENARIO.yaml")]
    scenarios: Vec<PathBuf>,
    /// Only this fault (can be repeated).
    #[arg(long, value_name = "ID")]
    fault: Vec<String>,
    /// Run every scenario against every fault, also those that the fault cannot touch.
    #[arg(long)]
    exhaustive: bool,
    /// Format of the matrix.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

impl Progress for Bar {
    fn done(&self, faults: usize, of: usize) {
        self.show(faults, of);
    }
}

/// Proves.
pub fn run(arguments: &ProveArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    match prepare(arguments, terminal, catalogue) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn prepare(
    arguments: &ProveArguments,
    terminal: &Terminal,
    catalogue: &Arc<Catalogue>,
) -> Result<Exit, Exit> {
    let own = !arguments.scenarios.is_empty();
    let suite =
        if own { Suite::from_paths(&arguments.scenarios, catalogue) } else { Suite::embedded(catalogue) };
    let suite = suite.map_err(|e| refuse_suite(&e, terminal))?;
    let selected: Vec<&Scenario> = suite.scenarios().iter().collect();
    check_fault_names(arguments, terminal)?;
    let variables = |name: &str| {
        if name == "TXSPEC_ISSUER" { Some("http://127.0.0.1".into()) } else { std::env::var(name).ok() }
    };
    let target = load_named("reference", &variables, catalogue).map_err(|e| refuse(&e, terminal))?;
    let runtime = super::select_runtime(terminal)?;
    let bar = terminal.bar();
    let shared = Arc::new(suite.clone());
    let only =
        |fault: &crate::reference::Fault| arguments.fault.is_empty() || arguments.fault.contains(&fault.id);
    let matrix = runtime
        .block_on(prove(&shared, &selected, &target, catalogue, &only, arguments.exhaustive, &bar))
        .map_err(|error| {
            terminal.failure(&error.to_string(), None);
            Exit::Bug
        })?;
    let matrix = if own { matrix.without_oracles() } else { matrix };
    bar.clear();
    // Scenarios of the user's own are for some faults, and named faults are for some checks.
    let (every_fault, every_check) = (!own || !arguments.fault.is_empty(), arguments.fault.is_empty());
    match arguments.format {
        Format::Json => terminal.out(&serde_json::to_string_pretty(&matrix).unwrap_or_default()),
        Format::Markdown => terminal.out(&markdown(&matrix, every_check)),
        Format::Text => terminal.out(&text(&matrix, every_fault, every_check, own)),
    }
    Ok(if matrix.holds(every_fault, every_check) { Exit::Ok } else { Exit::Failure })
}

fn check_fault_names(arguments: &ProveArguments, terminal: &Terminal) -> Result<(), Exit> {
    let all = faults().map_err(|error| {
        terminal.failure(&error.to_string(), Some("this is a bug in txspec"));
        Exit::Bug
    })?;
    for id in &arguments.fault {
        if !all.iter().any(|f| f.id == *id) {
            let near =
                did_you_mean(id, all.iter().map(|f| f.id.as_str())).map(|n| format!("did you mean `{n}`?"));
            terminal.failure(
                &format!("there is no fault `{id}`"),
                Some(near.as_deref().unwrap_or("`txspec list faults` shows them")),
            );
            return Err(Exit::Usage);
        }
    }
    Ok(())
}

fn text(matrix: &Matrix, every_fault: bool, every_check: bool, own: bool) -> String {
    let mut lines = Vec::new();
    let concerned =
        |fault: &&FaultOutcome| every_fault || !fault.killed.is_empty() || !fault.collateral.is_empty();
    for fault in matrix.faults.iter().filter(concerned) {
        let state = if fault.fired == 0 {
            "NEVER FIRED"
        } else if !fault.is_caught() {
            "SURVIVES"
        } else {
            "killed"
        };
        let by = fault.caught_by().count();
        let checks = if by == 1 { "check" } else { "checks" };
        let times = if fault.fired == 1 { "once".to_owned() } else { format!("{} times", fault.fired) };
        lines.push(format!("{state:<12}{:<44} by {by} {checks}, fired {times}", fault.id));
        if fault.fired > 0 && !fault.is_caught() {
            let seen = fault.consequences.iter();
            lines.extend(seen.map(|c| {
                format!("            seen only as a consequence, by {} in {}", c.requirement, c.scenario)
            }));
        }
        for check in &fault.collateral {
            lines.push(format!("            COLLATERAL {} in {}", check.requirement, check.scenario));
        }
    }
    if every_check && !matrix.survivors().is_empty() {
        lines.push("\nChecks that no fault kills:".into());
        lines.extend(matrix.survivors().iter().map(|c| format!("  {} in {}", c.requirement, c.scenario)));
    }
    if !matrix.baseline.is_empty() || !matrix.baseline_undecided.is_empty() {
        lines.push("\nThe faultless server does not pass:".into());
        lines.extend(matrix.baseline.iter().map(|c| format!("  {} in {}", c.requirement, c.scenario)));
        lines.extend(matrix.baseline_undecided.iter().map(|s| format!("  {s} (undecided)")));
    }
    if !matrix.not_exercised.is_empty() {
        lines.push("\nNot exercised by the reference server, so not proven and in no total:".into());
        lines.extend(matrix.not_exercised.iter().map(|(scenario, why)| format!("  {scenario}: {why}")));
    }
    lines.extend(lesser(matrix, every_check, own));
    let left_open = matrix.totals().left_open;
    if left_open > 0 {
        lines.push(format!(
            "\nOf the checks killed, {left_open} say that a request without control is granted: refusing it leaves them undecided, which fails a run too."
        ));
    }
    lines.push(totals(matrix, every_check));
    lines.join("\n")
}

/// Checks of may level: their own authors want to know each that nothing proves; of the suite's, the number is enough.
fn lesser(matrix: &Matrix, every_check: bool, own: bool) -> Vec<String> {
    let (of, survivors) = (matrix.lesser.len(), matrix.lesser_survivors());
    let mut lines = Vec::new();
    // Of all faults: of a few that were named, the rest would say nothing.
    if of > 0 && every_check {
        let killed = of - survivors.len();
        lines.push(format!(
            "\nChecks of may level, which are told and never demanded: killed {killed} of {of}"
        ));
        if own && !survivors.is_empty() {
            lines.push("No fault kills of them:".into());
            lines.extend(survivors.iter().map(|c| format!("  {} in {}", c.requirement, c.scenario)));
        }
    }
    if own && !matrix.lesser_unmet.is_empty() {
        lines.push("\nThe faultless server does not pass, of may level:".into());
        lines.extend(matrix.lesser_unmet.iter().map(|c| format!("  {} in {}", c.requirement, c.scenario)));
    }
    lines
}

/// The checks count against all faults alone: a few that were named need not kill every check.
fn totals(matrix: &Matrix, every_check: bool) -> String {
    let t = matrix.totals();
    let checks = if every_check {
        format!("must and should checks killed {} of {}; ", t.checks_killed, t.checks)
    } else {
        String::new()
    };
    format!(
        "\nfaults killed {} of {}; {checks}collateral failures {} ({:.1} s)",
        t.faults_killed,
        t.faults,
        t.collateral,
        f64::from(u32::try_from(matrix.duration_ms).unwrap_or(u32::MAX)) / 1000.0
    )
    .trim_start()
    .to_owned()
}

fn markdown(matrix: &Matrix, every_check: bool) -> String {
    let mut lines = vec![
        "| fault | fired | killed by | requirements |".to_owned(),
        "| --- | ---: | ---: | --- |".to_owned(),
    ];
    for fault in &matrix.faults {
        let mut requirements: BTreeMap<&str, usize> = BTreeMap::new();
        for check in fault.caught_by() {
            *requirements.entry(check.requirement.as_str()).or_default() += 1;
        }
        let words: Vec<String> = requirements
            .iter()
            .map(|(id, n)| if *n == 1 { (*id).to_owned() } else { format!("{id} ×{n}") })
            .collect();
        lines.push(format!(
            "| {} | {} | {} | {} |",
            fault.id,
            fault.fired,
            fault.caught_by().count(),
            words.join(", ")
        ));
    }
    lines.push(String::new());
    lines.push(totals(matrix, every_check));
    lines.join("\n")
}
