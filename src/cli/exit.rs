//! Exit codes: a contract with scripts.

use std::process::ExitCode;

/// How txspec ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Conformant, or partial without failures; or the command did its work.
    Ok,
    /// A conformance failure.
    Failure,
    /// Bad usage or a bad file.
    Usage,
    /// Something could not be decided.
    Inconclusive,
    /// The filters left nothing to run.
    NothingRan,
    /// A waiver is stale or expired.
    Waiver,
    /// The target cannot be reached, or the preflight failed.
    Unreachable,
    /// A bug in txspec.
    Bug,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::NothingRan => 4,
            Self::Waiver => 5,
            Self::Unreachable => 6,
            Self::Bug => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
