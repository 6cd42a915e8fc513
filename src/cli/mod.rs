//! The command line: one file per subcommand, each with its arguments, help and function. Prints through
//! [`terminal`] only; everything else in the package returns text.

mod check;
mod compare;
mod doctor;
mod exit;
mod explain;
mod init;
mod judge;
mod keys;
mod list;
mod outcome;
mod pages;
mod prove;
mod run;
pub mod schema;
mod select;
mod serve;
pub mod terminal;
mod waivers;
mod words;

use std::{ffi::OsString, process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};

pub use exit::Exit;
pub use schema::SchemaName;
pub use select::{Chosen, ProfileArgument, TargetArguments};
use terminal::Terminal;

use crate::spec::Catalogue;

/// Conformance tests for OAuth 2.0 Token Exchange (RFC 8693).
///
/// Runs YAML scenarios against any authorization server and says, requirement by requirement, what holds, what is
/// violated and what could not be judged, with the exchange that proves it.
#[derive(Debug, Parser)]
#[command(
    name = "txspec",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// When to colour the output.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: terminal::ColorWhen,
}

const AFTER_HELP: &str = "\
Examples:
  txspec run                                        the suite against the embedded reference server
  txspec run --target my-as.yaml                    against yours
  txspec run --target https://as.example.com --client-id app --client-secret-env SECRET
  txspec doctor --target my-as.yaml                 what is wrong with the set-up
  txspec explain TX-2.1-subject_token-required      what a requirement says and how it is checked
  txspec explain partial                            what a word of a report means
  txspec compare --against old.json reports         what changed since, and whether it is a regression

Exit codes: 0 conformant, or partial without failures; 1 conformance failure, or a regression;
2 bad usage or bad file; 3 inconclusive; 4 nothing ran; 5 waiver stale or expired; 6 target
unreachable or preflight failed; 70 bug in txspec. Where several apply, the first of 1, 70, 5, 3;
where all that fails was accepted by a waiver that has expired, 5 and not 1.

Environment: TXSPEC_DOCS_URL, where the folder docs is published; findings in reports then link to it.";

/// The environment variable that says where `docs/` is published.
const DOCS: &str = "TXSPEC_DOCS_URL";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the suite against an authorization server.
    Run(Box<run::RunArguments>),
    /// Show what there is: scenarios, requirements, targets or faults.
    List(list::ListArguments),
    /// Look for mistakes in scenario and target files, without network.
    Check(check::CheckArguments),
    /// Walk the set-up of a target step by step and say what to change.
    Doctor(doctor::DoctorArguments),
    /// Write a first target file for a server, and walk through it.
    Init(init::InitArguments),
    /// Explain a requirement, a scenario, a fault, a code, or any word of a report.
    Explain(explain::ExplainArguments),
    /// Compare saved reports: servers side by side, or one with its earlier report.
    Compare(compare::CompareArguments),
    /// Judge a recorded run again, without network.
    Judge(judge::JudgeArguments),
    /// Accept known deviations for a time.
    Waivers(waivers::WaiversArguments),
    /// Prove that every check can fail: the suite against every fault of the reference server.
    Prove(prove::ProveArguments),
    /// Serve the reference authorization server, right or with faults, on loopback.
    Serve(serve::ServeArguments),
    /// Print the JSON Schema of a file format.
    Schema(schema::SchemaArguments),
}

/// Parses, dispatches, and turns the outcome into an exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    quiet_broken_pipes();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match std::panic::catch_unwind(|| dispatch(arguments)) {
        Ok(exit) => exit,
        Err(_) => Exit::Bug.into(),
    }
}

/// libtest's printer panics when its output goes nowhere (`txspec run | head`, a full disk): that is no bug of ours.
fn quiet_broken_pipes() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let message = info.payload_as_str().unwrap_or_default();
        if !is_broken_pipe(message) && !is_full(message) {
            usual(info);
        }
    }));
}

fn is_broken_pipe(message: &str) -> bool {
    message.contains("BrokenPipe") || message.contains("Broken pipe")
}

fn is_full(message: &str) -> bool {
    message.contains("StorageFull") || message.contains("No space left")
}

/// Runs libtest's printer; `false` when nobody read its output to the end.
fn print_trials(arguments: &libtest_mimic::Arguments, trials: Vec<libtest_mimic::Trial>) -> bool {
    let run = std::panic::AssertUnwindSafe(|| libtest_mimic::run(arguments, trials));
    match std::panic::catch_unwind(run) {
        Ok(_) => true,
        Err(payload) => {
            let text = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied());
            let text = text.unwrap_or_default();
            if is_full(text) {
                let hint = "no space is left where it goes; what was judged until then is in the report";
                Terminal::new(terminal::ColorWhen::Auto)
                    .failure("failed to write the standard output", Some(hint));
            }
            if is_broken_pipe(text) || is_full(text) {
                return false;
            }
            std::panic::resume_unwind(payload)
        }
    }
}

fn dispatch(arguments: Vec<OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = error.render();
            let help = !error.use_stderr();
            let terminal = Terminal::new(terminal::ColorWhen::Auto);
            if help {
                terminal.out(&text.ansi().to_string());
            } else {
                terminal.err(&text.ansi().to_string());
            }
            return if help { Exit::Ok } else { Exit::Usage }.into();
        }
    };
    let terminal = Terminal::new(arguments.color);
    let docs = match docs_address() {
        Ok(docs) => docs,
        Err(message) => {
            terminal.failure(
                &message,
                Some("it is the address of the folder `docs` of this version, for links in reports"),
            );
            return Exit::Usage.into();
        }
    };
    let catalogue = match Catalogue::embedded() {
        Ok(catalogue) => Arc::new(catalogue.with_docs(docs.as_deref())),
        Err(error) => {
            terminal.failure(&error.to_string(), Some("this is a bug in txspec"));
            return Exit::Bug.into();
        }
    };
    let exit = match arguments.command {
        Command::Run(arguments) => run::run(&arguments, &terminal, &catalogue),
        Command::List(arguments) => list::run(&arguments, &terminal, &catalogue),
        Command::Check(arguments) => check::run(&arguments, &terminal, &catalogue),
        Command::Doctor(arguments) => doctor::run(&arguments, &terminal, &catalogue),
        Command::Init(arguments) => init::run(&arguments, &terminal, &catalogue),
        Command::Explain(arguments) => explain::run(&arguments, &terminal, &catalogue),
        Command::Compare(arguments) => compare::run(&arguments, &terminal, &catalogue),
        Command::Judge(arguments) => judge::run(&arguments, &terminal, &catalogue),
        Command::Waivers(arguments) => waivers::run(&arguments, &terminal, &catalogue),
        Command::Prove(arguments) => prove::run(&arguments, &terminal, &catalogue),
        Command::Serve(arguments) => serve::run(&arguments, &terminal),
        Command::Schema(arguments) => schema::run(&arguments, &terminal),
    };
    exit.into()
}

/// Where the pages of `docs/` are published, if the user says so.
fn docs_address() -> Result<Option<String>, String> {
    let Some(text) = std::env::var(DOCS).ok().filter(|text| !text.is_empty()) else { return Ok(None) };
    match url::Url::parse(&text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && !text.contains(['(', ')', ' ']) => {
            Ok(Some(url.into()))
        }
        _ => Err(format!("{DOCS} is no http address")),
    }
}

/// The runtime that everything asynchronous runs on.
fn select_runtime(terminal: &Terminal) -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        terminal.failure(&format!("failed to start the runtime: {error}"), None);
        Exit::Bug
    })
}
