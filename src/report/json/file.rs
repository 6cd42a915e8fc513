//! Writing `report.json` in one piece, and reading it with errors that say what is wrong.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::{FORMAT, Report, bound};
use crate::{
    judge::Verdict,
    report::{
        ReportError,
        error::FileKind,
        visible::{is_unsafe, shown},
    },
    run::{Conclusion, Counts, ScenarioResult},
};

/// The most that is read, and written, as one report.
pub const LIMIT_MIB: u64 = 64;
const LIMIT: u64 = LIMIT_MIB * 1024 * 1024;

/// What texts are cut to when a report would be too large to be read again.
const TIGHT: usize = 200;

#[derive(Deserialize)]
struct Head {
    format: Option<serde_json::Value>,
}

impl Report {
    /// The bytes of the file: equal reports give equal bytes.
    ///
    /// # Errors
    /// Only when serialization itself fails, a bug.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let text = pretty(self)?;
        if (text.len() as u64) < LIMIT {
            return Ok(text);
        }
        let mut small = self.clone();
        bound::texts(&mut small, TIGHT);
        pretty(&small)
    }

    /// Writes the report; whoever looks sees the old file or the new one, never half of it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_file(path, self.to_json()?.as_bytes())
    }

    /// Reads a report, or the `report.json` of a folder.
    ///
    /// # Errors
    /// When the file is absent, too large, cut off, of another format, or no report.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
        let mut bytes = Vec::new();
        regular(&file)
            .and_then(|f| f.take(LIMIT + 1).read_to_end(&mut bytes))
            .map_err(|source| ReportError::Read { kind: FileKind::Report, path: file.clone(), source })?;
        if bytes.len() as u64 > LIMIT {
            return Err(ReportError::TooLarge { kind: FileKind::Report, path: file, limit: LIMIT_MIB });
        }
        Self::parse(&bytes, &file)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, ReportError> {
        let fail = |e: serde_json::Error| match e.classify() {
            Category::Eof => {
                ReportError::Truncated { path: path.to_owned(), line: e.line(), column: e.column() }
            }
            _ => ReportError::NotAReport { path: path.to_owned(), message: shown(&e.to_string(), 300) },
        };
        // The format is looked at first: another format's members would only give a puzzling message.
        let head: Head = serde_json::from_slice(bytes).map_err(fail)?;
        match head.format {
            None => Err(ReportError::NotAReport {
                path: path.to_owned(),
                message: "it has no member `format`".into(),
            }),
            Some(format) if format == FORMAT => {
                let report: Self = serde_json::from_slice(bytes).map_err(fail)?;
                let mut known = BTreeSet::new();
                // Of two results of one name, whichever was looked at last would count.
                let twice = report.scenarios.iter().find(|s| !known.insert(&s.id));
                let wrong = match twice {
                    Some(twice) => Some(format!("it has two results of `{}`", shown(&twice.id, 100))),
                    None => contradiction(&report),
                };
                match wrong {
                    Some(message) => Err(ReportError::NotAReport { path: path.to_owned(), message }),
                    None => Ok(report),
                }
            }
            Some(other) => Err(ReportError::OtherFormat {
                path: path.to_owned(),
                found: shown(&other.to_string(), 40),
                known: FORMAT,
            }),
        }
    }
}

/// Where the parts of a report do not go together, as when one was edited: a gate must not believe either.
fn contradiction(report: &Report) -> Option<String> {
    for scenario in &report.scenarios {
        let id = shown(&scenario.id, 100);
        if report.waivers.is_empty() && scenario.findings.iter().any(|f| f.waiver.is_some()) {
            return Some(format!("a violation in `{id}` is accepted by a waiver, and it holds no waivers"));
        }
        let mut again = scenario.clone();
        again.conclude();
        let claims = [scenario.verdict, again.verdict];
        // What came to no finding has its verdict from elsewhere, and is neither passed nor failed.
        let decided = |v: &Verdict| matches!(v, Verdict::Pass | Verdict::Fail);
        if claims[0] != claims[1] && (decided(&claims[0]) || claims[1] == Verdict::Fail) {
            return Some(format!(
                "`{id}` is said to be {}, and its findings come to {}: it was edited",
                claims[0].word(),
                claims[1].word()
            ));
        }
    }
    if Counts::of(&report.scenarios, report.fail_on) != report.counts {
        return Some("its counts are not those of its scenarios: it was edited".to_owned());
    }
    let failing = |s: &ScenarioResult| s.findings.iter().any(|f| f.fails_at(report.fail_on));
    if report.scenarios.iter().any(failing) != (report.conclusion == Conclusion::Nonconformant) {
        return Some(format!(
            "its conclusion is {}, which is not what its scenarios come to: it was edited",
            report.conclusion.word()
        ));
    }
    None
}

/// Opens a file that ends: a pipe would be waited for.
pub(in crate::report) fn regular(path: &Path) -> io::Result<File> {
    let file = fs::metadata(path)?;
    if file.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

/// A value as indented, guarded JSON.
pub(in crate::report) fn pretty(value: &impl Serialize) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|e| ReportError::Render { format: "JSON", message: e.to_string() })?;
    text.push('\n');
    Ok(guard(text))
}

/// JSON that can be shown on a terminal: unsafe characters, which can only stand inside strings, as `\uXXXX`.
/// No information is lost.
fn guard(json: String) -> String {
    let acts = |c: char| c != '\n' && is_unsafe(c);
    if !json.contains(acts) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if acts(c) {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Writes to a temporary file in the same folder, then renames. Through a link, what it points to is written; a device or a
/// pipe is written to as it is.
pub(in crate::report) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let fail = |source| ReportError::Write { path: path.to_owned(), source };
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir()) {
        return open_device(path).and_then(|mut file| file.write_all(bytes)).map_err(fail);
    }
    let temporary = temporary(path);
    let written = File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell; a file that is left over harms nobody.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(fail)
}

/// Tries whether a file can be written, and leaves none behind: what is there stays as it is. A device or a pipe is not
/// tried: opening one may be noticed.
pub(in crate::report) fn try_file(path: &Path) -> Result<(), ReportError> {
    let fail = |source| ReportError::Write { path: path.to_owned(), source };
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&real) {
        Ok(known) if known.is_dir() => return Err(fail(io::ErrorKind::IsADirectory.into())),
        Ok(known) if !known.is_file() => return Ok(()),
        _ if real.file_name().is_none() => return Err(fail(io::ErrorKind::InvalidFilename.into())),
        _ => {}
    }
    let temporary = temporary(&real);
    File::create(&temporary).and_then(|_| fs::remove_file(&temporary)).map_err(fail)
}

/// How long a pipe may wait for its reader.
const READER: Duration = Duration::from_secs(3);

/// Opens a device or a pipe for writing. A pipe that nobody reads would be waited for without end.
fn open_device(path: &Path) -> io::Result<File> {
    let (tell, told) = std::sync::mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || tell.send(File::options().write(true).open(path)));
    let nobody = || io::Error::new(io::ErrorKind::TimedOut, "it is a pipe, and nobody reads from it");
    told.recv_timeout(READER).map_err(|_| nobody())?
}

/// Creates a file to be written bit by bit, or opens a device or a pipe.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(known) if !known.is_file() && !known.is_dir() => open_device(path),
        _ => File::create(path),
    }
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// A value as compact, guarded JSON: one line.
pub(in crate::report) fn compact(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(guard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn parse(text: &str) -> Result<Report, ReportError> {
        Report::parse(text.as_bytes(), Path::new("a.json"))
    }

    #[test]
    fn what_is_written_is_read_back_and_equal_results_give_equal_bytes() {
        let folder = fixture::folder("json");
        let path = folder.join("report.json");
        let report = fixture::sample();
        report.write(&path).unwrap();
        assert_eq!(Report::read(&path).unwrap(), report);
        assert_eq!(Report::read(&folder).unwrap(), report);
        assert_eq!(fs::read_to_string(&path).unwrap(), fixture::sample().to_json().unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no temporary file stays");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn hostile_text_is_kept_and_harmless_in_json() {
        let report = fixture::hostile("\u{9b}31m\u{202e}\u{e0041}\u{1b}]0;x\u{7}\n\"</script>");
        let text = report.to_json().unwrap();
        assert!(!text.contains(|c: char| c != '\n' && is_unsafe(c)));
        assert_eq!(parse(&text).unwrap(), report);
    }

    #[test]
    fn mistakes_are_told_apart() {
        let text = fixture::sample().to_json().unwrap();
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert!(message(&text[..text.len() / 2]).contains("ends too early"));
        assert!(message(&text.replacen("\"format\": 1", "\"format\": 2", 1)).contains("format 2"));
        assert!(message("{}").contains("no member `format`"));
        assert!(message("<testsuites/>").contains("no report"));
        assert!(message("{\"format\": 1}").contains("missing field"));
        let absent = Report::read(Path::new("/nonexistent/report.json")).unwrap_err();
        assert!(absent.to_string().contains("/nonexistent/report.json") && absent.hint().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let error = fixture::sample().write(Path::new("/nonexistent/report.json")).unwrap_err();
        assert!(error.to_string().starts_with("failed to write /nonexistent/report.json"));
    }

    #[test]
    fn megabytes_from_a_server_are_cut() {
        let mut run = fixture::sample_run();
        let long = "x".repeat(1_000_000);
        let scenario = &mut run.scenarios[0];
        scenario.reason = Some(long.clone());
        for finding in &mut scenario.findings {
            finding.observed.clone_from(&long);
            finding.why.clone_from(&long);
        }
        let response = scenario.exchanges[0].response.as_mut().unwrap();
        response.headers = vec![(long.clone(), long.clone()); 200];
        response.body.clone_from(&long);
        run.observations[0].value = long;
        let size = Report::new(fixture::identity(), &run).to_json().unwrap().len();
        assert!(size < 1_000_000, "{size}");
    }
}
