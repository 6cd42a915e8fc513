//! Exchanges as they may be shown, and as reports keep them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// From sending until the last byte.
    pub duration_ms: u64,
    /// A command that sends the same, secrets as shell variables.
    pub curl: String,
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
            duration_ms: u64::try_from(exchange.duration.as_millis()).unwrap_or(u64::MAX),
            curl: String::new(),
        }
    }
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}
