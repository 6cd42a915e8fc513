//! What can go wrong with report files.

use std::path::PathBuf;

/// What kind of file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `report.json`.
    Report,
    /// A recorded run.
    Recording,
}

impl FileKind {
    fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Recording => "recording",
        }
    }
}

/// A report could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder cannot be made.
    #[error("failed to create the report folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be read.
    #[error("failed to read {}: {source}", path.display())]
    Read {
        /// What it was to be.
        kind: FileKind,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is larger than any report.
    #[error("failed to read {}: it is larger than {limit} MiB, the most that a {} may have", path.display(), kind.word())]
    TooLarge {
        /// What it was to be.
        kind: FileKind,
        /// The file.
        path: PathBuf,
        /// In MiB.
        limit: u64,
    },
    /// The JSON ends before it is complete.
    #[error("failed to read {}: the JSON ends too early, at line {line} column {column}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where it ends.
        line: usize,
        /// Where it ends.
        column: usize,
    },
    /// The file holds something else.
    #[error("failed to read {}: it is no report of txspec: {message}", path.display())]
    NotAReport {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The file holds something else than a recorded run.
    #[error("failed to read {}: it is no recording of txspec: {message}", path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The report's format is another version's.
    #[error("failed to read {}: it has format {found}, this txspec reads format {known}", path.display())]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What is understood here.
        known: u32,
    },
    /// A format cannot be produced: a bug in txspec.
    #[error("failed to make the {format} report: {message}")]
    Render {
        /// Which one.
        format: &'static str,
        /// What the library says.
        message: String,
    },
}

impl ReportError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Folder { .. } | Self::Write { .. } => {
                Some("check that the folder exists and can be written, or choose another with --report-dir")
            }
            Self::Read { kind: FileKind::Recording, .. } => {
                Some("check the path; a recording is the file that `txspec run --record FILE` wrote")
            }
            Self::Read { kind: FileKind::Report, .. } => {
                Some("check the path; a report is the file report.json of a run's folder")
            }
            Self::TooLarge { kind: FileKind::Recording, .. } | Self::NotARecording { .. } => {
                Some("give the file that `txspec run --record FILE` wrote")
            }
            Self::TooLarge { kind: FileKind::Report, .. } | Self::NotAReport { .. } => {
                Some("give the file report.json that `txspec run --report-dir DIR` wrote")
            }
            Self::Truncated { .. } => {
                Some("the file was cut off when it was copied or uploaded: get it again")
            }
            Self::OtherFormat { .. } => {
                Some("run the suite again, or read the report with the txspec version that wrote it")
            }
            Self::Render { .. } => None,
        }
    }
}
