//! The scenarios as dynamic tests, for `cargo test` and cargo-nextest: the names, filters, output and exit code are
//! libtest's. `TXSPEC_TARGET` names the server (a target's name, a target file or a URL; default: the embedded
//! reference server), `TXSPEC_PROFILE` the profile. Reports are written by `txspec run` alone.

use std::{collections::BTreeSet, env, process::ExitCode, sync::Arc};

use clap::ValueEnum;
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;
use txspec::{
    cli::{
        ProfileArgument, TargetArguments,
        terminal::{ColorWhen, Terminal},
    },
    judge::Verdict,
    report,
    run::{Context, Explain, Filter, Options, RunResult, Session, Weight, preflight, select, trials},
    scenario::{Scenario, Suite},
    spec::Catalogue,
};

/// What libtest ends with when a test failed.
const FAILED: u8 = 101;

fn main() -> ExitCode {
    run(Arguments::from_args()).unwrap_or_else(|message| {
        eprintln!("error: {message}");
        ExitCode::from(FAILED)
    })
}

fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let catalogue = Arc::new(Catalogue::embedded().map_err(|e| e.to_string())?);
    let suite = Arc::new(Suite::embedded(&catalogue).map_err(|e| e.to_string())?);
    let filter = Filter::new(profile()?.into(), &[], None)?;
    let selected = select(&suite, &filter, &catalogue);
    let nothing: Explain = Arc::new(|_| String::new());
    let idle = trials(&selected, None, &nothing).trials;
    if arguments.list || idle.iter().all(|trial| arguments.is_filtered_out(trial)) {
        return Ok(libtest_mimic::run(&arguments, idle).exit_code());
    }

    let runtime = Runtime::new().map_err(|e| format!("failed to start the runtime: {e}"))?;
    let terminal = Terminal::new(ColorWhen::Auto);
    let target = TargetArguments { target: env::var("TXSPEC_TARGET").ok(), ..TargetArguments::default() };
    let chosen = runtime
        .block_on(target.choose(&terminal, &catalogue))
        .map_err(|_| "there is no target to test".to_owned())?;
    let context = runtime
        .block_on(Context::prepare(Arc::clone(&suite), Arc::clone(&chosen.target), Arc::clone(&catalogue)))
        .map_err(|e| e.to_string())?;
    let context = Arc::new(context);
    runtime.block_on(preflight(&context)).map_err(|e| format!("{}\nhint: {}", e.message, e.hint))?;
    let roles: Vec<&str> = chosen.target.spec.tokens.keys().map(String::as_str).collect();
    runtime.block_on(context.obtainer.prefetch_aging(&roles));

    arguments.test_threads.get_or_insert(context.sender.limits().concurrency);
    let session = Arc::new(Session::new(context, Options::default(), Vec::new()));
    let trials = live(&selected, &session, &runtime, &catalogue);
    let conclusion = libtest_mimic::run(&arguments, trials);
    let before = failing(&session, &session.finish());
    runtime.block_on(session.recheck_controls(1));
    let result = session.finish();
    let withdrawn: Vec<String> = failing(&session, &result).difference(&before).cloned().collect();
    for id in &withdrawn {
        let reason = result.scenarios.iter().find(|s| s.id == *id).and_then(|s| s.reason.clone());
        eprintln!("{id} is withdrawn: {}", reason.unwrap_or_default());
    }
    Ok(if withdrawn.is_empty() { conclusion.exit_code() } else { ExitCode::from(FAILED) })
}

fn profile() -> Result<ProfileArgument, String> {
    match env::var("TXSPEC_PROFILE") {
        Ok(name) => ProfileArgument::from_str(&name, true).map_err(|_| {
            let names: Vec<String> = ProfileArgument::value_variants()
                .iter()
                .filter_map(|p| Some(p.to_possible_value()?.get_name().to_owned()))
                .collect();
            format!("TXSPEC_PROFILE is `{name}`; the profiles are {}", names.join(", "))
        }),
        Err(_) => Ok(ProfileArgument::Security),
    }
}

fn live(
    selected: &[&Scenario],
    session: &Arc<Session>,
    runtime: &Runtime,
    catalogue: &Arc<Catalogue>,
) -> Vec<Trial> {
    let catalogue = Arc::clone(catalogue);
    let explain: Explain = Arc::new(move |result| report::terminal::explain(result, &catalogue, 80, false));
    trials(selected, Some((Arc::clone(session), runtime.handle().clone())), &explain).trials
}

fn failing(session: &Session, result: &RunResult) -> BTreeSet<String> {
    let fails = |verdict: Verdict| verdict != Verdict::NotApplicable;
    result
        .scenarios
        .iter()
        .filter(|s| fails(s.verdict) && session.weight(s) > Weight::Remark)
        .map(|s| s.id.clone())
        .collect()
}
