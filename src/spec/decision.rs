//! Which error code fits which situation, what is tolerated and why; the ambiguity register; the registries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Level;

/// One situation of the error-code decision table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRow {
    /// Name by which scenarios refer to it.
    pub id: String,
    /// Number of the row in the catalogue's table that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// When it applies.
    pub situation: String,
    /// The codes that fit; `*` for any.
    pub expected: Vec<String>,
    /// The requirement that judges the code.
    pub requirement: String,
    /// HTTP status codes that fit.
    pub statuses: Vec<u16>,
    /// Whether a refusal without an OAuth error body will do (another layer may answer first).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_body: bool,
    /// The authentication scheme that a `WWW-Authenticate` field must offer (RFC 6749 section 5.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// Codes that are not plain failures.
    #[serde(default)]
    pub tolerated: Vec<Tolerated>,
    /// The level of the finding when the code is none of these.
    pub otherwise: Level,
}

impl DecisionRow {
    /// Whether no text settles the code.
    pub fn any_code(&self) -> bool {
        self.expected.iter().any(|c| c == "*")
    }
}

/// A code that is accepted with a remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerated {
    /// The error code.
    pub code: String,
    /// The level that the finding is lowered to.
    pub level: Level,
    /// Entry of the ambiguity register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambiguity: Option<String>,
    /// Applies only when the target selects this reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// Why it is tolerated.
    pub why: String,
}

/// The file of the table.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionFile {
    pub rows: Vec<DecisionRow>,
}

/// A grey zone and its fair treatment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ambiguity {
    /// `A1` …
    pub id: String,
    /// What is unclear.
    pub zone: String,
    /// The texts that pull apart.
    pub texts: String,
    /// How txspec treats it.
    pub treatment: String,
    /// The requirements that it touches.
    #[serde(default)]
    pub requirements: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AmbiguityFile {
    pub entries: Vec<Ambiguity>,
}

/// A registered value and where it is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisteredCode {
    /// The error code.
    pub code: String,
    /// The specification.
    pub spec: String,
}

/// A code that belongs to another endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForeignCode {
    /// The error code.
    pub code: String,
    /// The endpoint or specification that it belongs to.
    pub belongs_to: String,
}

/// A token type identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenTypeUri {
    /// The URI.
    pub uri: String,
    /// The specification.
    pub spec: String,
}

/// What the IANA registries (and known drafts) say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Error codes of the token endpoint.
    pub error_codes: Vec<RegisteredCode>,
    /// Error codes of other endpoints, often misused here.
    pub foreign_error_codes: Vec<ForeignCode>,
    /// Access token type names.
    pub token_types: Vec<String>,
    /// Token type identifiers.
    pub token_type_uris: Vec<TokenTypeUri>,
}

impl Registry {
    /// Whether the token endpoint may use the code.
    pub fn is_token_endpoint_code(&self, code: &str) -> bool {
        self.error_codes.iter().any(|c| c.code == code)
    }

    /// The endpoint that a misused code belongs to.
    pub fn belongs_elsewhere(&self, code: &str) -> Option<&str> {
        self.foreign_error_codes.iter().find(|c| c.code == code).map(|c| c.belongs_to.as_str())
    }
}
