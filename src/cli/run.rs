//! `txspec run`: the main job.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::{Args, ValueEnum};

use super::{
    Exit,
    select::{Chosen, LevelArgument, SuiteArguments, TargetArguments, cause, causes},
    terminal::Terminal,
};
use crate::{
    judge::Cause,
    report::{self, Report},
    run::{Context, ContextError, Filter, Options, RunResult, Session, preflight, select, trials},
    scenario::{Scenario, Suite},
    spec::{Catalogue, Level},
    wire::Sender,
};

/// Run the suite against an authorization server.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec run
  txspec run --target oauth-as --issuer http://127.0.0.1:8080
  txspec run --target my-as.yaml --profile rfc8693-core --fail-on should
  txspec run --only 'TX-4.1-*'
  txspec run delegation::           only tests whose name contains this
  txspec run --list --format terse  the names, as libtest prints them")]
pub struct RunArguments {
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    suite: SuiteArguments,
    /// Violations of this level or above fail the run.
    #[arg(long, value_enum, default_value = "must", value_name = "LEVEL")]
    fail_on: LevelArgument,
    /// Accept inconclusive verdicts of this cause (can be repeated).
    #[arg(long, value_parser = cause, value_name = "CAUSE")]
    allow_inconclusive: Vec<Cause>,
    /// Folder for the reports.
    #[arg(long, default_value = "reports", value_name = "DIR")]
    report_dir: PathBuf,
    /// Write no reports.
    #[arg(long)]
    no_report: bool,
    #[command(flatten)]
    libtest: LibtestArguments,
}

/// The flags of libtest, with their usual meaning.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "libtest flags")]
pub struct LibtestArguments {
    /// List the tests instead of running them.
    #[arg(long)]
    list: bool,
    /// Match the filter exactly.
    #[arg(long)]
    exact: bool,
    /// Skip tests whose name contains this (can be repeated).
    #[arg(long, value_name = "FILTER")]
    skip: Vec<String>,
    /// Tests that run at once. Default: the target's `limits.concurrency`.
    #[arg(long, value_name = "N")]
    test_threads: Option<usize>,
    /// Format of the test output.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatArgument>,
    /// One character per test.
    #[arg(long, short)]
    quiet: bool,
    /// Accepted for libtest's sake; output is never captured.
    #[arg(long, hide = true)]
    nocapture: bool,
    /// Accepted for libtest's sake; no scenario is ignored beforehand.
    #[arg(long, hide = true)]
    include_ignored: bool,
    /// Only tests whose name contains this.
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
}

/// Output formats of libtest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArgument {
    /// A line per test.
    Pretty,
    /// A character per test.
    Terse,
    /// JSON events.
    Json,
}

impl LibtestArguments {
    fn to_libtest(&self, terminal: &Terminal, concurrency: usize) -> libtest_mimic::Arguments {
        libtest_mimic::Arguments {
            list: self.list,
            exact: self.exact,
            skip: self.skip.clone(),
            test_threads: Some(self.test_threads.unwrap_or(concurrency).max(1)),
            quiet: self.quiet,
            format: self.format.map(|f| match f {
                FormatArgument::Pretty => libtest_mimic::FormatSetting::Pretty,
                FormatArgument::Terse => libtest_mimic::FormatSetting::Terse,
                FormatArgument::Json => libtest_mimic::FormatSetting::Json,
            }),
            color: Some(terminal.libtest_color()),
            filter: self.filter.clone(),
            ..libtest_mimic::Arguments::default()
        }
    }
}

/// Runs the suite.
pub fn run(arguments: &RunArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    match prepare_and_run(arguments, terminal, catalogue) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn prepare_and_run(
    arguments: &RunArguments,
    terminal: &Terminal,
    catalogue: &Arc<Catalogue>,
) -> Result<Exit, Exit> {
    let suite = Arc::new(arguments.suite.load(terminal, catalogue)?);
    let level = arguments.suite.level.map(Level::from);
    let filter =
        Filter::new(arguments.suite.profile.into(), &arguments.suite.only, level).map_err(|message| {
            terminal.failure(&message, None);
            Exit::Usage
        })?;
    let selected = select(&suite, &filter, catalogue);
    let explain_nothing: crate::run::Explain = Arc::new(|_| String::new());
    if arguments.libtest.list {
        let libtest = arguments.libtest.to_libtest(terminal, 1);
        super::print_trials(&libtest, trials(&selected, None, &explain_nothing).trials);
        return Ok(Exit::Ok);
    }
    let remaining = remaining(&arguments.libtest.to_libtest(terminal, 1), &selected);
    if remaining == 0 {
        terminal
            .failure("the filters leave no scenario to run", Some("`txspec list scenarios` shows the names"));
        return Err(Exit::NothingRan);
    }
    let runtime = super::select_runtime(terminal)?;
    let chosen = runtime.block_on(arguments.target.choose(terminal, catalogue))?;
    execute(arguments, terminal, catalogue, &runtime, &chosen, suite.clone(), &selected)
}

/// How many tests the libtest filters leave.
fn remaining(libtest: &libtest_mimic::Arguments, selected: &[&Scenario]) -> usize {
    let nothing: crate::run::Explain = Arc::new(|_| String::new());
    trials(selected, None, &nothing).trials.iter().filter(|t| !libtest.is_filtered_out(t)).count()
}

fn execute(
    arguments: &RunArguments,
    terminal: &Terminal,
    catalogue: &Arc<Catalogue>,
    runtime: &tokio::runtime::Runtime,
    chosen: &Chosen,
    suite: Arc<Suite>,
    selected: &[&Scenario],
) -> Result<Exit, Exit> {
    let started = jiff::Timestamp::now();
    let clock = Instant::now();
    if !arguments.no_report {
        // Not after minutes of testing.
        report::prepare(&arguments.report_dir).map_err(|error| unwritable(&error, terminal))?;
    }
    let sender = Sender::new(crate::run::limits(&chosen.target)).map_err(|error| {
        terminal.failure(&error.to_string(), None);
        Exit::Bug
    })?;
    interrupt_on_ctrl_c(runtime, &sender);
    let refused = |message: &str, hint: &str| {
        if sender.is_interrupted() {
            terminal.failure("interrupted before anything was judged", None);
            return Exit::Inconclusive;
        }
        terminal.failure(message, Some(hint));
        Exit::Unreachable
    };
    let target = Arc::clone(&chosen.target);
    let context = runtime
        .block_on(Context::prepare_with(suite, target, Arc::clone(catalogue), sender.clone()))
        .map_err(|error| match error {
            ContextError::Client(error) => {
                terminal.failure(&error.to_string(), None);
                Exit::Bug
            }
            ContextError::Discovery { message, hint } => refused(&message, &hint),
        })?;
    let context = Arc::new(context);
    let concurrency = context.sender.limits().concurrency;
    runtime.block_on(preflight(&context)).map_err(|error| refused(&error.message, &error.hint))?;
    let roles: BTreeSet<&str> = chosen.target.spec.tokens.keys().map(String::as_str).collect();
    let aging: Vec<&str> = roles.into_iter().collect();
    runtime.block_on(context.obtainer.prefetch_aging(&aging));
    let profile = crate::scenario::ProfileName::from(arguments.suite.profile);
    let whole = context.suite.scenarios().iter().filter(|s| profile.includes(s.profile)).count();
    let options = Options {
        fail_on: arguments.fail_on.into(),
        allow_inconclusive: causes(&arguments.allow_inconclusive),
        filtered: remaining(&arguments.libtest.to_libtest(terminal, 1), selected) < whole,
    };
    let session = Arc::new(Session::new(Arc::clone(&context), options.clone(), Vec::new()));
    let explain: crate::run::Explain = {
        let (catalogue, width, styled) = (Arc::clone(catalogue), terminal.width(), terminal.styled());
        Arc::new(move |result| report::terminal::explain(result, &catalogue, width, styled))
    };
    let libtest = arguments.libtest.to_libtest(terminal, concurrency);
    let trials = trials(selected, Some((Arc::clone(&session), runtime.handle().clone())), &explain).trials;
    super::print_trials(&libtest, trials);
    runtime.block_on(session.recheck_controls());
    if let Some(why) = sender.given_up() {
        terminal.failure(why, Some("the run ended early: check the server, then run again for the rest"));
    }
    let result = session.finish();
    let identity = report::Identity {
        target: report::TargetIdentity {
            name: chosen.target.spec.name.clone(),
            issuer: chosen.target.spec.issuer.clone(),
            version: chosen.target.spec.version.clone(),
        },
        profile: arguments.suite.profile.into(),
        reading: context.facts.reading.clone(),
        started,
        duration_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        fail_on: options.fail_on,
        allow_inconclusive: options.allow_inconclusive.clone(),
    };
    let report = Report::new(identity, &result);
    let paths = if arguments.no_report {
        None
    } else {
        Some(write(&arguments.report_dir, &report, catalogue, terminal)?)
    };
    let summary = report::terminal::summary(&report, paths.as_ref(), terminal.width(), terminal.styled());
    if arguments.libtest.format == Some(FormatArgument::Json) {
        terminal.err(&summary);
    } else {
        terminal.out(&summary);
    }
    Ok(exit_of(&result, &options))
}

fn write(
    dir: &Path,
    report: &Report,
    catalogue: &Catalogue,
    terminal: &Terminal,
) -> Result<report::Paths, Exit> {
    report::write_all(dir, report, catalogue).map_err(|error| unwritable(&error, terminal))
}

fn unwritable(error: &report::ReportError, terminal: &Terminal) -> Exit {
    terminal.failure(&error.to_string(), Some("choose another folder with --report-dir"));
    Exit::Usage
}

/// The exit code of a run. A failure outweighs an open question: it is certain.
fn exit_of(result: &RunResult, options: &Options) -> Exit {
    use crate::run::Weight;
    let heaviest =
        result.scenarios.iter().map(|s| s.weight(options.fail_on, &options.allow_inconclusive)).max();
    match heaviest {
        None => Exit::NothingRan,
        Some(Weight::Broken) => Exit::Bug,
        Some(Weight::Failure) => Exit::Failure,
        Some(Weight::Open) => Exit::Inconclusive,
        Some(Weight::Fine | Weight::Remark) if result.interrupted => Exit::Inconclusive,
        Some(Weight::Fine | Weight::Remark) => Exit::Ok,
    }
}

/// First Ctrl-C: no new requests, what was judged is written. Second: at once.
fn interrupt_on_ctrl_c(runtime: &tokio::runtime::Runtime, sender: &Sender) {
    let sender = sender.clone();
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            sender.interrupt();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
