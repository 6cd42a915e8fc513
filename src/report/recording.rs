//! Writing and reading recorded runs.

use std::{collections::BTreeSet, io::Read, path::Path};

use serde::Deserialize;
use serde_json::error::Category;

use super::{
    Identity, ReportError, TargetIdentity,
    error::FileKind,
    json::{compact, regular, write_file},
    visible::{count, shown},
};
use crate::run::{Recording, Replayed, record};

/// The most that is read as one recording.
const LIMIT_MIB: u64 = 512;

#[derive(Deserialize)]
struct Head {
    recording: Option<serde_json::Value>,
}

/// Writes a recording in one piece.
///
/// # Errors
/// When the file cannot be written.
pub fn write_recording(path: &Path, recording: &Recording) -> Result<(), ReportError> {
    let mut text = compact(recording)
        .map_err(|e| ReportError::Render { format: "recording", message: e.to_string() })?;
    text.push('\n');
    write_file(path, text.as_bytes())
}

/// Reads a recording.
///
/// # Errors
/// When the file is absent, too large, cut off, of another format, or no recording.
pub fn read_recording(path: &Path) -> Result<Recording, ReportError> {
    let mut bytes = Vec::new();
    regular(path)
        .and_then(|f| f.take(LIMIT_MIB * 1024 * 1024 + 1).read_to_end(&mut bytes))
        .map_err(|source| ReportError::Read { kind: FileKind::Recording, path: path.to_owned(), source })?;
    if bytes.len() as u64 > LIMIT_MIB * 1024 * 1024 {
        return Err(ReportError::TooLarge {
            kind: FileKind::Recording,
            path: path.to_owned(),
            limit: LIMIT_MIB,
        });
    }
    let fail = |e: serde_json::Error| match e.classify() {
        Category::Eof => ReportError::Truncated { path: path.to_owned(), line: e.line(), column: e.column() },
        _ => ReportError::NotARecording { path: path.to_owned(), message: shown(&e.to_string(), 300) },
    };
    let head: Head = serde_json::from_slice(&bytes).map_err(fail)?;
    match head.recording {
        None => Err(ReportError::NotARecording {
            path: path.to_owned(),
            message: "it has no member `recording`".into(),
        }),
        Some(format) if format == record::FORMAT => {
            let recording: Recording = serde_json::from_slice(&bytes).map_err(fail)?;
            let held = recording.scenarios.len();
            if held != recording.recorded {
                return Err(ReportError::NotARecording {
                    path: path.to_owned(),
                    message: format!(
                        "it says that it holds {} and holds {held}: some were taken out or put in",
                        count(recording.recorded, "scenario")
                    ),
                });
            }
            let mut known = BTreeSet::new();
            let twice = recording.ids().find(|id| !known.insert(*id)).map(|id| shown(id, 100));
            match twice {
                Some(id) => Err(ReportError::NotARecording {
                    path: path.to_owned(),
                    message: format!("it has two records of `{id}`"),
                }),
                None => Ok(recording),
            }
        }
        Some(other) => Err(ReportError::OtherFormat {
            path: path.to_owned(),
            found: shown(&other.to_string(), 40),
            known: record::FORMAT,
        }),
    }
}

/// What a report says of the run that was recorded.
pub fn identity_of(recording: &Recording, replayed: &Replayed) -> Identity {
    let occasion = &recording.occasion;
    Identity {
        target: TargetIdentity {
            name: occasion.target.clone(),
            issuer: occasion.issuer.clone(),
            version: occasion.version.clone(),
            documented: None,
        },
        profile: occasion.profile,
        reading: recording.reading().to_owned(),
        policy: recording.policy().declared(),
        started: occasion.started,
        duration_ms: occasion.duration_ms,
        fail_on: replayed.options.fail_on,
        allow_inconclusive: replayed.options.allow_inconclusive.clone(),
    }
}
