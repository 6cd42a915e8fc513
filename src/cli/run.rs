//! `txspec run`: the main job.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

use clap::{Args, ValueEnum};

use super::{
    Exit,
    outcome::{Outputs, Written, exit_of, exit_unless_lost, try_file},
    select::{
        Chosen, LevelArgument, SuiteArguments, TargetArguments, cause, causes, is_file, left_out,
        refuse_stray,
    },
    terminal::Terminal,
};
use crate::{
    document::nearest,
    judge::{Cause, Verdict},
    report::{
        self, Report,
        lines::{Lines, LinesError},
    },
    run::{
        Context, ContextError, Event, Filter, Listener, Occasion, Options, Recorder, Recording,
        ScenarioResult, Session, preflight, remember_secrets, select, trials,
    },
    scenario::{ProfileName, Scenario, Suite},
    spec::{Catalogue, Level},
    wire::{Sender, Vault},
};

/// Run the suite against an authorization server.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec run
  txspec run --target oauth-as --issuer http://127.0.0.1:8080
  txspec run --target my-as.yaml --profile rfc8693-core --fail-on should
  txspec run --target logto --simulated   what the vendor's documents imply, offline
  txspec run --only 'TX-4.1-*'
  txspec run delegation::           only tests whose name contains this
  txspec run --list --format terse  the names, as libtest prints them
  txspec run --record run.json      and later, without network: txspec judge run.json")]
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
    #[command(flatten)]
    outputs: Outputs,
    /// Write what happens while it happens, as JSON Lines.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Record what the judge sees, without tokens, for `txspec judge`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    libtest: LibtestArguments,
}

/// Longest filter that is looked for among the misspelt, in bytes.
const LONGEST: usize = 200;

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
    /// txspec's own JSON Lines, which hold every finding.
    Jsonl,
}

impl FormatArgument {
    /// Whether standard output is for machines: then the summary goes to standard error.
    fn takes_output(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }
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
                FormatArgument::Json | FormatArgument::Jsonl => libtest_mimic::FormatSetting::Json,
            }),
            color: Some(terminal.libtest_color()),
            filter: self.filter.clone(),
            ..libtest_mimic::Arguments::default()
        }
    }
}

/// Runs the suite.
pub fn run(arguments: &RunArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let begun = SystemTime::now();
    match prepare_and_run(arguments, terminal, catalogue) {
        Ok(exit) => exit,
        Err(exit) => {
            arguments.outputs.fell_short(exit, begun, catalogue, terminal);
            exit
        }
    }
}

fn prepare_and_run(
    arguments: &RunArguments,
    terminal: &Terminal,
    catalogue: &Arc<Catalogue>,
) -> Result<Exit, Exit> {
    // A file may be called like a test; one that matches no test was meant as a target.
    let stray = arguments.libtest.filter.as_deref().filter(|filter| is_file(filter));
    if arguments.target.simulated && arguments.record.is_some() {
        terminal.failure(
            "a simulation is not recorded: nothing in it was said by a server",
            Some("leave --record out; the same run can be made again at any time"),
        );
        return Err(Exit::Usage);
    }
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
    if let Some(stray) = stray.filter(|_| remaining == 0) {
        return Err(refuse_stray(stray, terminal));
    }
    if remaining == 0 {
        let filter = arguments.libtest.filter.as_deref();
        let hint = nothing_left(&arguments.suite, filter, &suite, catalogue);
        terminal.failure("the filters leave no scenario to run", Some(&hint));
        return Err(Exit::NothingRan);
    }
    let runtime = super::select_runtime(terminal)?;
    let chosen = runtime.block_on(arguments.target.choose(terminal, catalogue))?;
    execute(arguments, terminal, catalogue, &runtime, &chosen, suite.clone(), &selected)
}

/// What was meant by filters that leave nothing.
fn nothing_left(
    arguments: &SuiteArguments,
    filter: Option<&str>,
    suite: &Suite,
    catalogue: &Catalogue,
) -> String {
    let profile: ProfileName = arguments.profile.into();
    for written in &arguments.only {
        if catalogue.get(written).is_some() {
            return format!(
                "`txspec explain {written}` says what checks it, in which profile, or why nothing can"
            );
        }
        if let Some(scenario) = suite.get(written).filter(|s| !profile.includes(s.profile)) {
            return format!("the scenario `{written}` is one of `--profile {}`", scenario.profile.name());
        }
    }
    let selects = |glob: &str| {
        let filter = Filter::new(profile, &[glob.to_owned()], None);
        filter.is_ok_and(|filter| !select(suite, &filter, catalogue).is_empty())
    };
    let ids = || catalogue.ids().chain(suite.scenarios().iter().map(|s| s.id.as_str()));
    for written in arguments.only.iter().filter(|text| text.len() <= LONGEST) {
        let whole = format!("{written}*");
        if ids().any(|id| id.starts_with(written.as_str())) && selects(&whole) {
            return format!("a glob speaks of whole names: did you mean `--only '{whole}'`?");
        }
        let near = nearest(written, ids(), 6).into_iter().filter(|id| id != written && selects(id));
        if let Some(question) = did_you_mean(near.take(3)) {
            return question;
        }
    }
    if let Some(filter) = filter.filter(|text| text.len() <= LONGEST) {
        let tests: Vec<String> = suite
            .scenarios()
            .iter()
            .filter(|s| profile.includes(s.profile))
            .map(Scenario::test_name)
            .collect();
        let whole = tests.iter().filter(|name| name.ends_with(&format!("::{filter}"))).map(String::as_str);
        let parts = tests.iter().flat_map(|name| name.split("::").chain([name.as_str()]));
        let near = nearest(filter, parts, 3).into_iter().filter(|name| *name != filter);
        if let Some(question) = did_you_mean(whole.take(1)).or_else(|| did_you_mean(near)) {
            return question;
        }
    }
    "`txspec list scenarios` shows the names".to_owned()
}

/// A question that names what may have been meant; nothing where nothing may.
fn did_you_mean<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [most @ .., last] => Some(format!("did you mean {} or {last}?", most.join(", "))),
    }
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
    arguments.outputs.prepare(terminal)?;
    arguments.record.as_deref().map_or(Ok(()), |path| try_file(path, "--record", terminal))?;
    // Whatever a file says of itself: it goes into every output.
    let redactor = {
        let vault = Vault::default();
        remember_secrets(&chosen.target, &vault);
        vault.redactor()
    };
    let named = report::TargetIdentity {
        name: redactor.text(&chosen.target.spec.name),
        issuer: chosen.target.spec.issuer.as_deref().map(|issuer| redactor.text(issuer)),
        version: chosen.target.spec.version.as_deref().map(|version| redactor.text(version)),
        documented: chosen.simulation.as_ref().map(|simulation| simulation.says.clone()),
    };
    let (listeners, events_errors) = listeners(arguments, &named, terminal)?;
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
    let mut context = runtime
        .block_on(Context::prepare_with(suite, target, Arc::clone(catalogue), sender.clone()))
        .map_err(|error| match error {
            ContextError::Client(error) => {
                terminal.failure(&error.to_string(), None);
                Exit::Bug
            }
            ContextError::Discovery { message, hint } => refused(&message, &chosen.hint(&hint)),
        })?;
    context.documented = chosen.simulation.as_ref().map(|simulation| simulation.documented.clone());
    context.recorder = arguments.record.is_some().then(Recorder::default);
    let context = Arc::new(context);
    let concurrency = context.sender.limits().concurrency;
    runtime.block_on(preflight(&context)).map_err(|error| {
        let walk = format!("`{}` goes through the set-up step by step", arguments.target.doctor());
        refused(&error.message, &format!("{}; {walk}", chosen.hint(&error.hint)))
    })?;
    let roles: BTreeSet<&str> = chosen.target.spec.tokens.keys().map(String::as_str).collect();
    let aging: Vec<&str> = roles.into_iter().collect();
    runtime.block_on(context.obtainer.prefetch_aging(&aging));
    let libtest = arguments.libtest.to_libtest(terminal, concurrency);
    let left = |s: &&&Scenario| {
        let nothing: crate::run::Explain = Arc::new(|_| String::new());
        trials(&[**s], None, &nothing).trials.iter().any(|t| !libtest.is_filtered_out(t))
    };
    let chosen_scenarios: Vec<&Scenario> = selected.iter().filter(left).copied().collect();
    let options = Options {
        fail_on: arguments.fail_on.into(),
        allow_inconclusive: causes(&arguments.allow_inconclusive),
        left_out: left_out(
            arguments.suite.profile.into(),
            chosen_scenarios.iter().copied(),
            terminal,
            catalogue,
        )?,
    };
    let session = Arc::new(Session::new(Arc::clone(&context), options.clone(), listeners));
    let explain: crate::run::Explain = {
        let (catalogue, width, styled) = (Arc::clone(catalogue), terminal.width(), terminal.styled());
        let teller = report::terminal::Teller::of(chosen_scenarios.len());
        Arc::new(move |result| teller.explain(result, &catalogue, width, styled))
    };
    session.tell(&Event::Started { scenarios: chosen_scenarios.len() });
    let format = arguments.libtest.format;
    let prints = !format.is_some_and(FormatArgument::takes_output);
    let muted = arguments.outputs.mute(terminal, prints);
    let at_once = arguments.libtest.test_threads.unwrap_or(concurrency).max(1);
    if format == Some(FormatArgument::Jsonl) {
        runtime.block_on(all(&session, &chosen_scenarios, at_once));
    } else {
        let runs_on = Some((Arc::clone(&session), runtime.handle().clone()));
        super::print_trials(&libtest, trials(selected, runs_on, &explain).trials);
    }
    runtime.block_on(session.recheck_controls(at_once));
    if let Some(why) = sender.given_up() {
        terminal.failure(why, Some("the run ended early: check the server, then run again for the rest"));
    }
    let result = session.finish();
    let identity = report::Identity {
        target: named,
        profile: arguments.suite.profile.into(),
        reading: context.facts.reading.clone(),
        policy: context.facts.policy.declared(),
        started,
        duration_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        fail_on: options.fail_on,
        allow_inconclusive: options.allow_inconclusive.clone(),
    };
    let report = Report::new(identity, &result);
    let Written { paths, mut lost } = arguments.outputs.write(&report, catalogue, terminal);
    if let Some(path) = &arguments.record {
        let occasion = Occasion {
            target: report.target.name.clone(),
            issuer: report.target.issuer.clone(),
            version: report.target.version.clone(),
            profile: report.profile,
            started,
            duration_ms: report.duration_ms,
            tool: report.tool.version.clone(),
        };
        if let Some(recording) = Recording::new(&context, &options, &result, occasion)
            && let Err(error) = report::write_recording(path, &recording)
        {
            terminal.failure(&error.to_string(), Some("choose another file with --record"));
            lost = true;
        }
    }
    let mut summary = String::new();
    let told_open = |s: &&ScenarioResult| {
        s.verdict == Verdict::Inconclusive
            && s.withdrawn.is_empty()
            && s.cause.is_none_or(|c| !report.allow_inconclusive.contains(&c))
    };
    let open = report.scenarios.iter().filter(told_open).count();
    if prints && open > 0 {
        // libtest knows two outcomes only.
        summary = format!("(of the `failed` above, {open} are inconclusive)\n\n");
    }
    if prints && session.withdrawn() > 0 {
        // libtest's lines cannot be called back.
        summary += &format!(
            "taken back: {} of the verdicts above, since the server was not seen to grant their control afterwards.\n\
             They count as inconclusive here and in the reports.\n\n",
            session.withdrawn()
        );
    }
    summary +=
        &report::terminal::summary(&report, catalogue, paths.as_ref(), terminal.width(), terminal.styled());
    if prints {
        terminal.out(&summary);
    } else {
        terminal.err(&summary);
    }
    let mut broken = events_errors.iter().filter_map(LinesError::take);
    let events_lost = broken.next();
    if let Some(error) = &events_lost {
        terminal.failure(&format!("failed to write the events: {error}"), None);
    }
    arguments.outputs.unmute(terminal, muted);
    arguments.outputs.annotate(&report, catalogue, target_file(arguments).as_deref(), terminal, prints);
    // What was judged stands, but who reads the events was told half of it. A reader that left on purpose is no mistake.
    lost |= events_lost.is_some_and(|e| e.kind() != std::io::ErrorKind::BrokenPipe);
    Ok(exit_unless_lost(exit_of(&result, &options, &context.waivers), lost))
}

/// Who hears of what happens, and where the error of writing it down would turn up.
fn listeners(
    arguments: &RunArguments,
    target: &report::TargetIdentity,
    terminal: &Terminal,
) -> Result<(Vec<Box<dyn Listener>>, Vec<LinesError>), Exit> {
    let mut out: Vec<Box<dyn Listener>> = Vec::new();
    let mut errors = Vec::new();
    if arguments.libtest.format == Some(FormatArgument::Jsonl) {
        let lines = Lines::new(terminal.stream(), target.clone());
        errors.push(lines.error());
        out.push(Box::new(lines));
    }
    if let Some(path) = &arguments.events {
        let file = report::json::create(path).map_err(|e| {
            let message = format!("failed to create {}: {e}", path.display());
            terminal.failure(&message, Some("choose another file with --events"));
            Exit::Usage
        })?;
        let lines = Lines::new(std::io::LineWriter::new(file), target.clone());
        errors.push(lines.error());
        out.push(Box::new(lines));
    }
    Ok((out, errors))
}

/// Runs scenarios without libtest's printer.
async fn all(session: &Session, scenarios: &[&Scenario], concurrency: usize) {
    use futures_util::StreamExt;
    futures_util::stream::iter(scenarios)
        .for_each_concurrent(concurrency, |scenario| async {
            session.run_guarded(scenario).await;
        })
        .await;
}

/// The target file, if the target is one.
fn target_file(arguments: &RunArguments) -> Option<PathBuf> {
    arguments.target.target.as_ref().map(PathBuf::from).filter(|path| path.is_file())
}

/// First Ctrl-C, or a polite request to end: no new requests, what was judged is written. Second: at once.
fn interrupt_on_ctrl_c(runtime: &tokio::runtime::Runtime, sender: &Sender) {
    let sender = sender.clone();
    runtime.spawn(async move {
        stop_wished().await;
        sender.interrupt();
        stop_wished().await;
        std::process::exit(130);
    });
}

/// Whether whoever started the process wants it to outlive the terminal, as `nohup` does. Where the system does not say,
/// it does not.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    static IGNORED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
    })
}

/// Until Ctrl-C is pressed or, where there are such signals, the process is asked to end, as CI systems do that cancel a
/// job, or the terminal is closed.
async fn stop_wished() {
    let pressed = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut asked) = signal(SignalKind::terminate()) else { return pressed.await };
        let mut gone = (!ignores_hangup()).then(|| signal(SignalKind::hangup()).ok()).flatten();
        let hung_up = async {
            match &mut gone {
                Some(gone) => gone.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pressed => {}
            _ = asked.recv() => {}
            _ = hung_up => {}
        }
    }
    #[cfg(not(unix))]
    pressed.await;
}
