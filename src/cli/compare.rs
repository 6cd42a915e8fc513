//! `txspec compare`: saved reports side by side, and the release gate between an old and a new one.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};

use super::{Exit, select::LevelArgument, terminal::Terminal};
use crate::{
    report::{
        self, Report, ReportError,
        compare::{self, Comparison, Decision, Gate, gate_text},
    },
    spec::{Catalogue, Level},
};

/// Compare saved reports: 2 to 12 servers side by side, or one server with its earlier report.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec compare keycloak/report.json oauth-as/report.json
  txspec compare reports/a reports/b reports/c --format html --output compare.html
  txspec compare a.json b.json --discriminating
  txspec compare --against yesterday.json reports/report.json     the release gate

✘ is a violated must, ! a warning (should), i an information (may); every format explains its signs.
The numbers are no ranking: a server that claims less is judged on less.

With --against, exit code 1 means a regression (it is named), 3 that something proven before
could not be judged now, 0 that nothing became worse.")]
pub struct CompareArguments {
    /// Files report.json, or the folders that hold one.
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
    /// An earlier report of the same server: tells what changed in meaning, and fails on a regression.
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// Only what tells the servers apart: requirements that came out differently, and facts that differ.
    ///
    /// The same in every format. Left out are requirements that some servers could not be judged on and from which
    /// none departs, the list of those from which most depart, and facts on which all agree.
    #[arg(long, conflicts_with = "against")]
    discriminating: bool,
    /// With --against: changes of this level or above fail. Default: as the new report's run was made.
    #[arg(long, value_enum, value_name = "LEVEL", requires = "against")]
    fail_on: Option<LevelArgument>,
    /// Format of the comparison.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: ComparisonFormat,
    /// File to write to, in place of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Formats of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ComparisonFormat {
    /// Text.
    #[default]
    Terminal,
    /// Markdown, as GitHub shows it.
    Markdown,
    /// One self-contained page.
    Html,
    /// JSON.
    Json,
}

/// Compares.
pub fn run(arguments: &CompareArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    match compared(arguments, terminal, catalogue) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn compared(arguments: &CompareArguments, terminal: &Terminal, catalogue: &Catalogue) -> Result<Exit, Exit> {
    match &arguments.against {
        Some(old) => gate(arguments, old, terminal, catalogue),
        None => side_by_side(arguments, terminal, catalogue),
    }
}

/// Refuses to write over what is compared.
fn keep_inputs(
    arguments: &CompareArguments,
    old: Option<&std::path::Path>,
    terminal: &Terminal,
) -> Result<(), Exit> {
    let Some(output) = arguments.output.as_ref().and_then(|output| output.canonicalize().ok()) else {
        return Ok(());
    };
    for input in arguments.reports.iter().map(PathBuf::as_path).chain(old) {
        let file = if input.is_dir() { input.join("report.json") } else { input.to_owned() };
        if file.canonicalize().is_ok_and(|file| file == output) {
            terminal.failure(
                &format!(
                    "--output would write over a report that is compared: {}",
                    crate::wire::printable(&file.display().to_string(), 400)
                ),
                Some("name another file"),
            );
            return Err(Exit::Usage);
        }
    }
    Ok(())
}

/// Reads every report; each that cannot be read is told.
fn read(paths: &[PathBuf], terminal: &Terminal) -> Result<Vec<Report>, Exit> {
    let mut reports = Vec::new();
    let mut failed = false;
    for path in paths {
        match Report::read(path) {
            Ok(report) => reports.push(report),
            Err(error) => {
                terminal.failure(&error.to_string(), error.hint());
                failed = true;
            }
        }
    }
    if failed { Err(Exit::Usage) } else { Ok(reports) }
}

fn side_by_side(
    arguments: &CompareArguments,
    terminal: &Terminal,
    catalogue: &Catalogue,
) -> Result<Exit, Exit> {
    let number = arguments.reports.len();
    if !(2..=12).contains(&number) {
        let error = compare::CompareError::Number(number);
        terminal.failure(&error.to_string(), Some(error.hint()));
        return Err(Exit::Usage);
    }
    keep_inputs(arguments, None, terminal)?;
    let reports = read(&arguments.reports, terminal)?;
    let mut comparison = Comparison::new(&reports, catalogue).map_err(|error| {
        terminal.failure(&error.to_string(), Some(error.hint()));
        Exit::Usage
    })?;
    if arguments.discriminating {
        comparison = comparison.discriminating();
    }
    // Elsewhere nobody can follow a link that is relative to a file.
    if let (ComparisonFormat::Html | ComparisonFormat::Markdown, Some(output)) =
        (arguments.format, &arguments.output)
    {
        for (column, path) in comparison.targets.iter_mut().zip(&arguments.reports) {
            column.page = compare::page_beside(path, output);
        }
    }
    let text = match arguments.format {
        ComparisonFormat::Terminal => {
            let (width, styled) = paper(arguments, terminal);
            Ok(compare::terminal::render(&comparison, width, styled))
        }
        ComparisonFormat::Markdown => Ok(compare::markdown::render(&comparison, catalogue)),
        ComparisonFormat::Html => compare::html::render(&comparison, catalogue),
        ComparisonFormat::Json => comparison.to_json(),
    };
    show(arguments, text, terminal)?;
    Ok(Exit::Ok)
}

fn gate(
    arguments: &CompareArguments,
    old: &std::path::Path,
    terminal: &Terminal,
    catalogue: &Catalogue,
) -> Result<Exit, Exit> {
    let [new] = arguments.reports.as_slice() else {
        terminal.failure(
            &format!("--against takes one new report, and was given {}", arguments.reports.len()),
            Some("write `txspec compare --against OLD.json NEW.json`"),
        );
        return Err(Exit::Usage);
    };
    keep_inputs(arguments, Some(old), terminal)?;
    let reports = read(&[old.to_owned(), new.clone()], terminal)?;
    let [old, new] = reports.as_slice() else {
        return Err(Exit::Bug);
    };
    let gate = Gate::new(old, new, catalogue).map_err(|error| {
        terminal.failure(&error.to_string(), Some(error.hint()));
        Exit::Usage
    })?;
    let level = arguments.fail_on.map_or(new.fail_on, Level::from);
    let text = match arguments.format {
        ComparisonFormat::Terminal => {
            let (width, styled) = paper(arguments, terminal);
            Ok(gate_text::terminal(&gate, level, width, styled))
        }
        ComparisonFormat::Markdown => Ok(gate_text::markdown(&gate, level, catalogue)),
        ComparisonFormat::Html => gate_text::html(&gate, level, catalogue),
        ComparisonFormat::Json => gate.to_json(),
    };
    show(arguments, text, terminal)?;
    Ok(match gate.decision(level) {
        Decision::Worse => Exit::Failure,
        Decision::Lost => Exit::Inconclusive,
        Decision::Holds => Exit::Ok,
    })
}

/// Width and colour: a file has neither columns nor colours.
fn paper(arguments: &CompareArguments, terminal: &Terminal) -> (usize, bool) {
    match arguments.output {
        Some(_) => (100, false),
        None => (terminal.width(), terminal.styled()),
    }
}

fn show(
    arguments: &CompareArguments,
    text: Result<String, ReportError>,
    terminal: &Terminal,
) -> Result<(), Exit> {
    let text = text.map_err(|error| {
        terminal.failure(&error.to_string(), Some("this is a bug in txspec"));
        Exit::Bug
    })?;
    let Some(path) = &arguments.output else {
        terminal.out(&text);
        return Ok(());
    };
    report::write_text(path, &text).map_err(|error| {
        terminal.failure(&error.to_string(), Some("choose another file with --output"));
        Exit::Usage
    })
}
