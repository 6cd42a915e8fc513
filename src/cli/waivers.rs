//! `txspec waivers`: known deviations, accepted for a time.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{Exit, select::LevelArgument, terminal::Terminal};
use crate::{
    document::{Diagnostics, Document, FileKind},
    report::Report,
    run::fingerprint,
    spec::{Catalogue, Level},
    target::{Waiver, WaiverEditError, add_waivers, waivers_as_yaml},
};

/// Known deviations, accepted for a time.
#[derive(Debug, Args)]
pub struct WaiversArguments {
    #[command(subcommand)]
    command: WaiversCommand,
}

#[derive(Debug, Subcommand)]
enum WaiversCommand {
    /// Write waivers for the violations of a report into a target file.
    Update(UpdateArguments),
}

/// Write waivers for the violations of a report into a target file. Everything else in the file stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec waivers update reports --target my-as.yaml --owner as-team \\
      --issue https://issues.example/42 --reason 'kept for old clients' --expires 2027-06-30
  txspec waivers update reports --target my-as.yaml --check 'OA-5.2-*' ... --dry-run

A waiver that is there already is renewed: it gets the new date, and keeps its reason, issue and
owner. A waiver accepts one violation as it was observed (error code, or what was wrong) in the
scenarios that showed it, until its last day. A worse or different violation of the same check
fails the run as before; a waiver that is expired, or whose violation is gone, ends it with exit
code 5.")]
struct UpdateArguments {
    /// A report.json, or the folder that holds it.
    #[arg(default_value = "reports", value_name = "REPORT")]
    report: PathBuf,
    /// The target file to write to.
    #[arg(long, short, value_name = "FILE")]
    target: PathBuf,
    /// Why the deviations are accepted.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Where they are tracked: an address, or the id in a tracker.
    #[arg(long, value_name = "WHERE")]
    issue: String,
    /// Who answers for them.
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// Last day on which they are accepted (2027-06-30).
    #[arg(long, value_name = "DATE")]
    expires: Date,
    /// Only requirements that match the glob (can be repeated).
    #[arg(long, value_name = "GLOB")]
    check: Vec<String>,
    /// Only violations of this level or above. Default: what failed the run.
    #[arg(long, value_enum, value_name = "LEVEL")]
    level: Option<LevelArgument>,
    /// Print the waivers, write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the subcommand.
pub fn run(arguments: &WaiversArguments, terminal: &Terminal, _: &Arc<Catalogue>) -> Exit {
    match &arguments.command {
        WaiversCommand::Update(arguments) => match update(arguments, terminal) {
            Ok(exit) | Err(exit) => exit,
        },
    }
}

fn update(arguments: &UpdateArguments, terminal: &Terminal) -> Result<Exit, Exit> {
    let refuse = |message: &str, hint: Option<&str>| {
        terminal.failure(message, hint);
        Exit::Usage
    };
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    if arguments.expires < today {
        return Err(refuse(
            &format!("{} is over: such waivers would be expired from the start", arguments.expires),
            Some("give a day to come with --expires"),
        ));
    }
    for (name, value) in
        [("reason", &arguments.reason), ("issue", &arguments.issue), ("owner", &arguments.owner)]
    {
        if value.trim().is_empty() {
            return Err(refuse(&format!("--{name} is empty"), Some("a waiver says why, where and who")));
        }
    }
    let mut globs = globset::GlobSetBuilder::new();
    for glob in &arguments.check {
        globs.add(globset::Glob::new(glob).map_err(|e| refuse(&format!("`{glob}` is no glob: {e}"), None))?);
    }
    let globs = globs.build().map_err(|e| refuse(&e.to_string(), None))?;
    let report = Report::read(&arguments.report).map_err(|e| refuse(&e.to_string(), e.hint()))?;
    if report.target.documented.is_some() {
        return Err(refuse(
            &format!(
                "the report is of a simulation of {}: nothing was measured, so there is nothing to waive",
                report.target.name
            ),
            Some("run against the server itself; waivers accept what a server was seen to do"),
        ));
    }
    let level = arguments.level.map_or(report.fail_on, Level::from);
    let wanted = |check: &str| arguments.check.is_empty() || globs.is_match(check);
    let waivers: Vec<Waiver> = violations(&report, level, &wanted)
        .into_iter()
        .map(|((check, observed, level), scenarios)| Waiver {
            check,
            scenarios,
            observed,
            level: (level < Level::Must).then_some(level),
            reason: arguments.reason.clone(),
            issue: arguments.issue.clone(),
            owner: arguments.owner.clone(),
            expires: arguments.expires,
        })
        .collect();
    if waivers.is_empty() {
        terminal.err("The report shows no violation that needs a waiver; nothing was written.");
        return Ok(Exit::Ok);
    }
    if arguments.dry_run {
        terminal.out(&waivers_as_yaml(&waivers));
        return Ok(Exit::Ok);
    }
    write(arguments, &waivers, terminal)
}

type Group = (String, String, Level);

/// Violations by requirement, fingerprint and level, with the scenarios that show them.
fn violations(report: &Report, level: Level, wanted: &dyn Fn(&str) -> bool) -> BTreeMap<Group, Vec<String>> {
    let mut groups: BTreeMap<Group, Vec<String>> = BTreeMap::new();
    for scenario in &report.scenarios {
        for finding in scenario.findings.iter().filter(|f| f.fails_at(level) && wanted(&f.requirement)) {
            let key = (finding.requirement.clone(), fingerprint(scenario, finding), finding.level);
            let scenarios = groups.entry(key).or_default();
            if scenarios.last() != Some(&scenario.id) {
                scenarios.push(scenario.id.clone());
            }
        }
    }
    groups
}

fn write(arguments: &UpdateArguments, waivers: &[Waiver], terminal: &Terminal) -> Result<Exit, Exit> {
    let document = Document::read(&arguments.target).map_err(|mistakes| {
        terminal.err(&mistakes.render(false));
        Exit::Usage
    })?;
    if let Some(mistake) = document.other_than(FileKind::Target) {
        terminal.err(&Diagnostics::from(mistake).render(false));
        return Err(Exit::Usage);
    }
    let edit = add_waivers(&document, waivers).map_err(|error| {
        let hint = "put the waivers that are printed on standard output into the file yourself";
        terminal.failure(
            &format!("failed to edit {}: {error}", arguments.target.display()),
            Some(hint).filter(|_| error == WaiverEditError::Layout),
        );
        if error == WaiverEditError::Layout {
            terminal.out(&waivers_as_yaml(waivers));
        }
        Exit::Usage
    })?;
    replace(&arguments.target, &edit.text).map_err(|error| {
        terminal.failure(&format!("failed to write {}: {error}", arguments.target.display()), None);
        Exit::Usage
    })?;
    terminal.err(&format!(
        "{}: {} added, {} renewed, until {}",
        arguments.target.display(),
        edit.added,
        edit.renewed,
        arguments.expires
    ));
    if edit.renewed > 0 {
        terminal.err("renewed: the date alone; reason, issue and owner stay as they are written in the file");
    }
    Ok(Exit::Ok)
}

/// Replaces a file in one piece; who may read it stays as it was, since it may hold secrets.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::copy(&path, &temporary)
        .and_then(|_| fs::write(&temporary, text))
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}
