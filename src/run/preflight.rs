//! The first steps of a run, done before anything is judged: rather one clear message than three hundred failures.

use serde_json::Value;

use super::{Context, apply, execute::not_succeeded};
use crate::{
    scenario::ExchangeSpec,
    wire::{RedactedResponse, TransportKind, printable, scheme_hint},
};

/// Which step of the preflight failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The subject token could not be had.
    Token,
    /// The plain exchange was refused.
    Exchange,
}

/// The run cannot say anything about the server.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct PreflightError {
    /// Which step failed.
    pub stage: Stage,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What the server made of the plain exchange, where the run can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainExchange {
    /// It was granted, or no one waited for the answer.
    Granted,
    /// It was answered as a success that is none a client could use (RFC 8693 section 2.2.1). That is a fault of the answer and
    /// not of the set-up: the scenarios give the verdict.
    Malformed(String),
}

/// Gets the subject token and sends one plain exchange.
///
/// # Errors
/// When the set-up (or the server) does not allow anything to be judged, with advice.
pub async fn preflight(context: &Context) -> Result<PlainExchange, PreflightError> {
    if let Err(error) = context.obtainer.token("user").await {
        let message = context.vault.redactor().text(&error.to_string());
        let hint = if let Some(hint) = scheme_hint(&message) {
            hint
        } else if error.unreachable {
            "check that the server is running and its address is right"
        } else {
            "check `tokens.user` in the target file: its source, the client's credentials and grants, the user's password"
        };
        return Err(PreflightError { stage: Stage::Token, message, hint: hint.into() });
    }
    // The suite's own plain exchange serves: its result is needed anyway.
    if let Some(control) = context.suite.get("impersonation") {
        let result = context.result(control).await;
        if not_succeeded(&result).is_none() || context.sender.is_interrupted() {
            return Ok(PlainExchange::Granted);
        }
        let answer = result.exchanges.last();
        let status = answer.and_then(|e| e.response.as_ref());
        if let Some(response) = status.filter(|r| (200..300).contains(&r.status) && !names_error(&r.body)) {
            let message = unusable(response);
            return if speaks_json(response) {
                Ok(PlainExchange::Malformed(message))
            } else {
                let hint = "check that the address is that of the token endpoint, and not of a page or a proxy in front of it";
                Err(PreflightError { stage: Stage::Exchange, message, hint: hint.into() })
            };
        }
        let message = match (status, answer.and_then(|e| e.transport_error.as_deref())) {
            (Some(r), _) => {
                format!("the plain exchange was not granted: status {}{}", r.status, error_of(&r.body))
            }
            (None, Some(error)) => format!("the plain exchange got no answer: {error}"),
            (None, None) => {
                format!("the plain exchange could not be sent: {}", result.reason.clone().unwrap_or_default())
            }
        };
        let code = status
            .and_then(|r| serde_json::from_str::<Value>(&r.body).ok())
            .and_then(|v| v.get("error")?.as_str().map(str::to_owned));
        let failed = status.is_some_and(|r| (500..600).contains(&r.status));
        let hint = scheme_hint(&message)
            .filter(|_| status.is_none())
            .or(advice(code.as_deref()).filter(|_| !failed))
            .unwrap_or(if failed { SERVER_FAILED } else { UNKNOWN });
        return Err(PreflightError { stage: Stage::Exchange, message, hint: hint.into() });
    }
    let prepared =
        apply::prepare(context, &ExchangeSpec::default(), &[], &std::collections::BTreeMap::new(), None)
            .await;
    let request = prepared
        .map_err(|e| PreflightError {
            stage: Stage::Exchange,
            message: e.0,
            hint: "check the target file".into(),
        })?
        .request;
    let exchange = context.sender.send("exchange", request).await;
    match exchange.outcome {
        Err(e) if e.kind == TransportKind::Connect => Err(PreflightError {
            stage: Stage::Exchange,
            message: format!("the token endpoint does not answer: {e}"),
            hint: "check its address".into(),
        }),
        _ => Ok(PlainExchange::Granted),
    }
}

/// Whether whoever answered meant a token response: a body of JSON, one that is called so, or one with a token in it.
/// Anything else may be no token endpoint at all. What was cut at the limit of the target file says neither.
fn speaks_json(response: &RedactedResponse) -> bool {
    let kind = content_type(response).map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let structured = serde_json::from_str::<Value>(&response.body)
        .is_ok_and(|value| value.is_object() || value.is_array());
    let called = essence == "application/json" || essence.ends_with("+json");
    let carries = response.body.contains("access_token") && !essence.contains("html");
    !response.truncated && (structured || called || carries)
}

fn content_type(response: &RedactedResponse) -> Option<&str> {
    let field = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    field.map(|(_, value)| value.as_str())
}

/// What is wrong with a 2xx that holds no token.
fn unusable(response: &RedactedResponse) -> String {
    let kind = content_type(response).map_or_else(
        || "no content type".to_owned(),
        |kind| format!("content type {}", printable(kind, 100)),
    );
    let cut = if response.truncated { ", cut at the limit" } else { "" };
    format!(
        "the plain exchange was answered {}, but with no JSON object with access_token ({kind}{cut})",
        response.status
    )
}

fn names_error(body: &str) -> bool {
    serde_json::from_str::<Value>(body).is_ok_and(|value| value.get("error").is_some())
}

fn error_of(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return String::new();
    };
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(|t| printable(t, 200));
    match (text("error"), text("error_description")) {
        (Some(code), Some(words)) => format!(", error {code} ({words})"),
        (Some(code), None) => format!(", error {code}"),
        _ => String::new(),
    }
}

/// What to do where the server failed (RFC 9110 section 15.6): whatever the request holds, that is the server's own fault.
const SERVER_FAILED: &str = "the server failed on the request: see its log. If it needs a parameter that a plain exchange lacks, say so with `exchange` or `extra_params`";

/// What to do where the code says nothing of it.
const UNKNOWN: &str =
    "check the subject token and its `type`, and what the server wants besides (`exchange`, `extra_params`)";

/// What usually is behind an error code of the plain exchange.
fn advice(code: Option<&str>) -> Option<&'static str> {
    Some(match code {
        Some("invalid_client") => "check id, secret and authentication method of `clients.exchanger`",
        Some("unauthorized_client") => {
            "the client may not use this grant: allow token exchange for it in the server's configuration"
        }
        Some("unsupported_grant_type") => "the server does not offer token exchange, or it is switched off",
        Some("invalid_target") => {
            "the server wants a target: set `exchange: { audience: allowed }` or `resource`, and its value under `audiences` / `resources`"
        }
        Some("invalid_scope") => {
            "the server wants another scope: set `exchange: { scope: … }` and its value under `scopes`"
        }
        Some("access_denied") => {
            "the server's policy refuses this client or subject: check what the client may exchange"
        }
        _ => return None,
    })
}
