//! Small value types of target files.

use std::{fs, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::Secret;

/// A secret: text (usually `${VAR}`), or read from the environment or a file.
#[derive(Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SecretSpec {
    /// Text; `${VAR}` is replaced.
    Text(String),
    /// Read from a place.
    From(SecretFrom),
}

/// Where a secret is read from: exactly one key.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct SecretFrom {
    /// Environment variable.
    #[serde(default)]
    pub env: Option<String>,
    /// File; surrounding white space is cut off.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

impl std::fmt::Debug for SecretSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("[secret]"),
            Self::From(from) => write!(f, "{from:?}"),
        }
    }
}

impl SecretSpec {
    /// The secret itself.
    ///
    /// # Errors
    /// An unset variable or an unreadable file, in words.
    pub fn resolve(&self) -> Result<Secret, String> {
        match self {
            Self::Text(text) => Ok(Secret::new(text.clone())),
            Self::From(SecretFrom { env: Some(name), .. }) => std::env::var(name)
                .map(Secret::new)
                .map_err(|_| format!("the environment variable {name} is not set")),
            Self::From(SecretFrom { file: Some(path), .. }) => fs::read_to_string(path)
                .map(|t| Secret::new(t.trim().to_owned()))
                .map_err(|e| format!("failed to read {}: {e}", path.display())),
            Self::From(_) => Err("the secret names neither `env` nor `file`".into()),
        }
    }
}

/// One value or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value1 {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Value1 {
    /// The values in order.
    pub fn values(&self) -> Vec<&str> {
        match self {
            Self::One(v) => vec![v.as_str()],
            Self::Many(v) => v.iter().map(String::as_str).collect(),
        }
    }
}

/// A duration such as `10s`, `500ms` or `2m`.
///
/// # Errors
/// In words, when the text is no duration.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|e| format!("`{text}` is no duration ({e}); write it like 10s, 500ms or 2m"))
}
