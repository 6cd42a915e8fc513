//! The first steps of a run, done before anything is judged: rather one clear message than three hundred failures.

use serde_json::Value;

use super::{Context, apply, execute::not_succeeded};
use crate::{
    scenario::ExchangeSpec,
    wire::{TransportKind, printable},
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

/// Gets the subject token and sends one plain exchange.
///
/// # Errors
/// When the set-up (or the server) does not allow anything to be judged, with advice.
pub async fn preflight(context: &Context) -> Result<(), PreflightError> {
    if let Err(error) = context.obtainer.token("user").await {
        let message = context.vault.redactor().text(&error.to_string());
        let hint = if error.unreachable {
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
            return Ok(());
        }
        let answer = result.exchanges.last();
        let status = answer.and_then(|e| e.response.as_ref());
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
        return Err(PreflightError { stage: Stage::Exchange, message, hint: advice(code.as_deref()).into() });
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
        _ => Ok(()),
    }
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

/// What usually is behind an error code of the plain exchange.
pub(super) fn advice(code: Option<&str>) -> &'static str {
    match code {
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
        _ => {
            "check the subject token and its `type`, and what the server wants besides (`exchange`, `extra_params`)"
        }
    }
}
