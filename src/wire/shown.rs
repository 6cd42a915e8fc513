//! An exchange as it may be shown: what reports and recordings keep.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Exchange;

/// A request that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedactedRequest {
    /// HTTP method.
    pub method: String,
    /// Address, secrets in the query replaced.
    pub url: String,
    /// Header fields in order, as name and value.
    pub headers: Vec<(String, String)>,
    /// The body with secrets replaced by labels.
    pub body: String,
}

/// A response that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedactedResponse {
    /// HTTP status code.
    pub status: u16,
    /// Header fields in order, as name and value.
    pub headers: Vec<(String, String)>,
    /// The body with tokens replaced by labels, at most 16 KiB of it.
    pub body: String,
    /// Whether more body came than was read or is shown.
    pub truncated: bool,
}

/// An exchange that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedactedExchange {
    /// What it was for.
    pub purpose: String,
    /// What was sent.
    pub request: RedactedRequest,
    /// What came back, unless the transport failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<RedactedResponse>,
    /// Why nothing came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport_error: Option<String>,
    /// How often it was sent, if more than once.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
    /// When it was sent (RFC 3339); absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub started: Option<Timestamp>,
    /// From sending until the status line and the header fields had come.
    #[serde(default)]
    pub wait_ms: u64,
    /// From sending until the last byte.
    pub duration_ms: u64,
    /// A command that sends the same, secrets as shell variables.
    pub curl: String,
    /// The tokens in it, readable as far as they may be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<ShownToken>,
}

/// A token of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ShownToken {
    /// The parameter, member or header field in which it stands, e.g. `subject_token`.
    pub place: String,
    /// Whether it was issued: it stands in the response.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub issued: bool,
    /// What can be read of it.
    pub decoded: Decoded,
}

/// What can be read of a token without a key. The signature, which alone would make it usable, is dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decoded {
    /// A signed or unsigned JWT (RFC 7519), both parts as JSON text: secrets and nested tokens in them are replaced.
    Jwt {
        /// The JOSE header.
        header: String,
        /// The claims.
        claims: String,
    },
    /// Nothing can be read; why.
    Opaque(String),
}

impl Decoded {
    /// The claims, if they can be read.
    pub fn claims(&self) -> Option<Value> {
        match self {
            Self::Jwt { claims, .. } => serde_json::from_str(claims).ok(),
            Self::Opaque(_) => None,
        }
    }
}

impl RedactedExchange {
    /// An exchange of which nothing but the status may be shown.
    pub fn withheld(exchange: &Exchange) -> Self {
        Self {
            purpose: exchange.purpose.clone(),
            request: RedactedRequest {
                method: exchange.request.method.clone(),
                url: String::new(),
                headers: Vec::new(),
                body: String::new(),
            },
            response: exchange.response().map(|response| RedactedResponse {
                status: response.status,
                headers: Vec::new(),
                body: String::new(),
                truncated: true,
            }),
            transport_error: exchange.outcome.as_ref().err().map(|_| "no answer".to_owned()),
            attempts: exchange.attempts,
            started: exchange.timing.started,
            wait_ms: milliseconds(exchange.timing.wait),
            duration_ms: milliseconds(exchange.timing.total),
            curl: String::new(),
            tokens: Vec::new(),
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}
