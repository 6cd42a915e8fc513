//! What a judged run leaves behind: files, annotations, and its exit code.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::{Args, ValueEnum};

use super::{Exit, terminal::Terminal};
use crate::{
    report::{self, Report, ReportError},
    run::{Options, RunResult, Waivers, Weight},
    spec::{Catalogue, WordKind},
    wire::printable,
};

/// Where the reports of a run go.
#[derive(Debug, Clone, Args)]
pub struct Outputs {
    /// Folder for the reports.
    #[arg(long, default_value = "reports", value_name = "DIR")]
    report_dir: PathBuf,
    /// Write no reports.
    #[arg(long)]
    no_report: bool,
    /// Write the exchanges as an HTTP archive (HAR 1.2), without secrets and tokens.
    #[arg(long, value_name = "FILE")]
    har: Option<PathBuf>,
    /// Annotate violations for a CI system.
    #[arg(long, value_enum, value_name = "SYSTEM")]
    pub annotate: Option<Annotations>,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// The reports.
    pub paths: Option<report::Paths>,
    /// Whether something that was asked for could not be written.
    pub lost: bool,
}

/// CI systems that annotations are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Annotations {
    /// Workflow commands of GitHub Actions.
    Github,
}

impl Outputs {
    /// Makes the folder and tries the file: that they cannot be written should be known before minutes of testing.
    pub fn prepare(&self, terminal: &Terminal) -> Result<(), Exit> {
        if !self.no_report {
            let made = report::prepare(&self.report_dir);
            made.map_err(|error| unwritable(&error, "folder with --report-dir", terminal))?;
        }
        self.har.as_deref().map_or(Ok(()), |path| try_file(path, "--har", terminal))
    }

    /// Writes what was asked for. What cannot be written is told; what was judged stands all the same.
    pub fn write(&self, report: &Report, catalogue: &Catalogue, terminal: &Terminal) -> Written {
        let mut written = Written::default();
        if !self.no_report {
            let begun = SystemTime::now();
            match report::write_all(&self.report_dir, report, catalogue) {
                Ok(paths) => written.paths = Some(paths),
                Err(error) => {
                    written.lost = true;
                    unwritable(&error, "folder with --report-dir", terminal);
                    if self.any_older(begun) {
                        let folder = printable(&self.report_dir.display().to_string(), 500);
                        terminal.err(&format!("note: not all reports in {folder} are of this run"));
                    }
                }
            }
        }
        if let Some(path) = &self.har {
            let text = report::har::render(report);
            if let Err(error) = text.and_then(|text| report::write_text(path, &text)) {
                written.lost = true;
                unwritable(&error, "file with --har", terminal);
            }
        }
        written
    }

    /// Whether a report in the folder was written before that time.
    fn any_older(&self, than: SystemTime) -> bool {
        let older = |path: &&Path| {
            let written = std::fs::metadata(path).and_then(|file| file.modified());
            written.is_ok_and(|written| written < than)
        };
        report::Paths::within(&self.report_dir).all().iter().any(older)
    }

    /// Where a CI system reads commands out of the output, what a server says must not be one: from here on it reads
    /// none. Gives the word that ends this.
    pub fn mute(&self, terminal: &Terminal, out: bool) -> Option<String> {
        self.annotate.filter(|_| out).map(|Annotations::Github| {
            let word = uuid::Uuid::new_v4().simple().to_string();
            terminal.out(&format!("::stop-commands::{word}"));
            word
        })
    }

    /// Commands are read again.
    pub fn unmute(&self, terminal: &Terminal, word: Option<String>) {
        if let Some(word) = word {
            terminal.out(&format!("::{word}::"));
        }
    }

    /// Prints annotations, if they were asked for: on standard output, or where that is taken, on standard error.
    pub fn annotate(
        &self,
        report: &Report,
        catalogue: &Catalogue,
        file: Option<&Path>,
        terminal: &Terminal,
        out: bool,
    ) {
        if self.annotate != Some(Annotations::Github) {
            return;
        }
        let text = report::annotate::github(report, catalogue, file);
        if text.is_empty() {
            return;
        }
        if out { terminal.out(&text) } else { terminal.err(&text) }
    }

    /// Says of a run that ended before it wrote its reports that it judged nothing, and that what lies in the folder is
    /// older than it.
    pub fn fell_short(&self, exit: Exit, begun: SystemTime, catalogue: &Catalogue, terminal: &Terminal) {
        if !self.no_report && self.any_older(begun) {
            terminal.err(&format!(
                "note: the reports in {} are of an earlier run: this one wrote none",
                printable(&self.report_dir.display().to_string(), 500)
            ));
        }
        if self.annotate == Some(Annotations::Github) {
            let code = exit.code().to_string();
            let words = catalogue.words();
            let known = words.iter().find(|word| word.kind == WordKind::ExitCode && word.word == code);
            let means = known.map_or("", |word| word.means.as_str());
            let why = terminal.failed().unwrap_or_else(|| "the log says why".to_owned());
            terminal.err(&report::annotate::github_broken(
                &format!("exit code {code}"),
                &format!("{why}. {means}"),
            ));
        }
    }
}

/// Tries whether the file that a flag names can be written.
pub fn try_file(path: &Path, flag: &str, terminal: &Terminal) -> Result<(), Exit> {
    report::prepare_file(path).map_err(|error| unwritable(&error, &format!("file with {flag}"), terminal))
}

fn unwritable(error: &ReportError, other: &str, terminal: &Terminal) -> Exit {
    terminal.failure(&error.to_string(), Some(&format!("choose another {other}")));
    Exit::Usage
}

/// The exit code of what was judged: it stands although something that was asked for could not be written, but a gate must
/// not go green for that.
pub fn exit_unless_lost(exit: Exit, lost: bool) -> Exit {
    if lost && exit == Exit::Ok { Exit::Usage } else { exit }
}

/// The exit code of a run. A violation outweighs everything: it is proven, whatever else went wrong. What was accepted
/// until its waiver expired is a matter of the waiver.
pub fn exit_of(result: &RunResult, options: &Options, waivers: &Waivers) -> Exit {
    let heaviest =
        result.scenarios.iter().map(|s| s.weight(options.fail_on, &options.allow_inconclusive)).max();
    let waiver_fails = result.waivers.iter().any(|w| w.state.fails());
    match heaviest {
        None => Exit::NothingRan,
        Some(Weight::Failure) if waivers.only_expired(&result.scenarios, options.fail_on) => Exit::Waiver,
        Some(Weight::Failure) => Exit::Failure,
        Some(Weight::Broken) => Exit::Bug,
        Some(_) if waiver_fails => Exit::Waiver,
        Some(Weight::Open) => Exit::Inconclusive,
        Some(Weight::Fine | Weight::Remark) if result.interrupted => Exit::Inconclusive,
        // A gate must not go green for a run that asked nothing of the server.
        Some(Weight::Fine | Weight::Remark) if result.judged_nothing() => Exit::NothingRan,
        Some(Weight::Fine | Weight::Remark) => Exit::Ok,
    }
}
