//! The codes that txspec answers with apart from requirements: what each means and what to do about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a code comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CodeKind {
    /// The class of a violation.
    Violation,
    /// What a check came to.
    Verdict,
    /// Why a check could not be decided.
    Cause,
    /// How a waiver stands.
    Waiver,
    /// A mistake in any file.
    File,
    /// A mistake in a target file.
    Target,
    /// A mistake in a scenario file.
    Scenario,
    /// A mistake in a vendor fixture.
    Vendor,
}

impl CodeKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Violation,
        Self::Verdict,
        Self::Cause,
        Self::Waiver,
        Self::File,
        Self::Target,
        Self::Scenario,
        Self::Vendor,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Violation => "class of a violation",
            Self::Verdict => "verdict",
            Self::Cause => "cause of an inconclusive verdict",
            Self::Waiver => "state of a waiver",
            Self::File => "mistake in a file",
            Self::Target => "mistake in a target file",
            Self::Scenario => "mistake in a scenario file",
            Self::Vendor => "mistake in a vendor fixture",
        }
    }

    /// The name of the whole kind.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Violation => "classes",
            Self::Verdict => "verdicts",
            Self::Cause => "causes",
            Self::Waiver => "waiver-states",
            Self::File => "file-mistakes",
            Self::Target => "target-mistakes",
            Self::Scenario => "scenario-mistakes",
            Self::Vendor => "vendor-mistakes",
        }
    }
}

/// A code, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeEntry {
    /// Stable kebab-case code.
    pub code: String,
    /// Where it comes up.
    pub kind: CodeKind,
    /// What it means.
    pub means: String,
    /// What to do about it.
    pub mend: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiagnosticFile {
    pub diagnostics: Vec<CodeEntry>,
}

/// Where a requirement or a code is explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it explains.
    pub id: String,
    /// The file, from the root of the repository.
    pub path: String,
    /// Its address, if the documentation is published somewhere.
    pub url: Option<String>,
}

impl Page {
    /// The command that prints the same.
    pub fn command(&self) -> String {
        format!("txspec explain {}", self.id)
    }

    /// The address, or the command where there is none: the file lies in the repository of txspec, which who reads a report
    /// need not have.
    pub fn place(&self) -> String {
        self.url.clone().unwrap_or_else(|| self.command())
    }
}
