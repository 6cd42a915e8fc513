//! `txspec judge`: a recorded run, judged again without a network.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    Exit,
    outcome::{Outputs, Written, exit_of, exit_unless_lost},
    select::{left_out, refuse_suite},
    terminal::Terminal,
};
use crate::{report, run::replay, scenario::Suite, spec::Catalogue};

/// Judge a recorded run again with today's checks. Needs no network.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec run --target my-as.yaml --record run.json
  txspec judge run.json
  txspec judge run.json --report-dir judged

A recording holds what the judge saw, but no token: headers and claims of JWTs with the verdict
on their signature, and text of the same length and make in place of all else. A check that
cannot be decided by that is inconclusive (not-recorded). Exit codes are those of `txspec run`.")]
pub struct JudgeArguments {
    /// The file that `txspec run --record` wrote.
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
    /// Scenario files or folders in place of those that come with txspec: as in the run.
    #[arg(long, value_name = "PATH")]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

/// Judges.
pub fn run(arguments: &JudgeArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    match judged(arguments, terminal, catalogue) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn judged(arguments: &JudgeArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Result<Exit, Exit> {
    let mut recording = report::read_recording(&arguments.recording).map_err(|error| {
        terminal.failure(&error.to_string(), error.hint());
        Exit::Usage
    })?;
    let loaded = if arguments.scenarios.is_empty() {
        Suite::embedded(catalogue)
    } else {
        Suite::from_paths(&arguments.scenarios, catalogue)
    };
    let suite = loaded.map_err(|e| refuse_suite(&e, terminal))?;
    arguments.outputs.prepare(terminal)?;
    if !arguments.scenarios.is_empty() {
        // As in a run: own scenarios take the place of no others.
        let recorded: BTreeSet<&str> = recording.ids().collect();
        let judged = suite.scenarios().iter().filter(|s| recorded.contains(s.id.as_str()));
        let missing = left_out(recording.occasion.profile, judged, terminal, catalogue)?;
        recording.left_out = recording.left_out.max(missing);
    }
    let replayed = replay(&recording, &suite, catalogue);
    let report = report::Report::new(report::identity_of(&recording, &replayed), &replayed.result);
    let Written { paths, lost } = arguments.outputs.write(&report, catalogue, terminal);
    let summary =
        report::terminal::summary(&report, catalogue, paths.as_ref(), terminal.width(), terminal.styled());
    let muted = arguments.outputs.mute(terminal, true);
    terminal.out(&summary);
    arguments.outputs.unmute(terminal, muted);
    if replayed.not_recorded > 0 {
        terminal.err(&format!(
            "note: {} findings rest on what the recording does not hold; they are inconclusive",
            replayed.not_recorded
        ));
    }
    arguments.outputs.annotate(&report, catalogue, None, terminal, true);
    Ok(exit_unless_lost(exit_of(&replayed.result, &replayed.options, &replayed.waivers), lost))
}
