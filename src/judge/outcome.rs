//! What a response of the token endpoint amounts to, before anything is judged.

use serde_json::Value;

use crate::wire::{Exchange, StrictJson, TransportKind};

/// The four things that can come of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The request was granted: success status, and something that is or ought to be a token response.
    Accepted,
    /// The request was not granted.
    Refused,
    /// The server (or a gateway) does not answer for now; why.
    Unavailable(String),
    /// No response arrived; why.
    NoAnswer(TransportKind),
}

/// Classifies a response of the token endpoint. A 2xx response counts as granted unless it carries an `error` and
/// no token: whatever else is wrong with it, a client may take it for success.
pub fn outcome_of(exchange: &Exchange) -> Outcome {
    let response = match &exchange.outcome {
        Ok(response) => response,
        Err(error) => return Outcome::NoAnswer(error.kind),
    };
    match response.status {
        429 | 503 => return Outcome::Unavailable(format!("status {}", response.status)),
        403 if is_html(exchange) => {
            return Outcome::Unavailable("status 403 with an HTML page, as gateways send it".into());
        }
        200..=299 => {}
        // A redirect with a token in its body has handed the token out.
        300..=399 => {
            let granted = StrictJson::parse(&response.body)
                .is_ok_and(|json| json.value.get("error").is_none() && has_token(&json.value, 0));
            return if granted { Outcome::Accepted } else { Outcome::Refused };
        }
        _ => return Outcome::Refused,
    }
    let Ok(json) = StrictJson::parse(&response.body) else {
        return if carries_token_text(&response.body) { Outcome::Accepted } else { Outcome::Refused };
    };
    if has_token(&json.value, 0) { Outcome::Accepted } else { refusal_or_broken(&json.value) }
}

fn refusal_or_broken(value: &Value) -> Outcome {
    // A JSON object without token and without error is a broken success: the required member is missing.
    let is_error = value.get("error").is_some();
    if value.is_object() && !is_error { Outcome::Accepted } else { Outcome::Refused }
}

fn is_html(exchange: &Exchange) -> bool {
    let kind = exchange.response().and_then(|r| r.header("content-type")).unwrap_or_default();
    kind.to_ascii_lowercase().contains("html")
}

/// Whether a token hides anywhere in the value (a wrapped response grants too).
fn has_token(value: &Value, depth: usize) -> bool {
    if depth > 8 {
        return false;
    }
    match value {
        Value::Object(members) => members.iter().any(|(name, v)| {
            let filled = v.as_str().is_some_and(|s| !s.is_empty());
            (name == "access_token" && filled) || has_token(v, depth + 1)
        }),
        Value::Array(items) => items.iter().any(|v| has_token(v, depth + 1)),
        _ => false,
    }
}

fn carries_token_text(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains("\"access_token\"") || text.contains("access_token=")
}

#[cfg(test)]
mod tests {
    use super::{Outcome, outcome_of};
    use crate::wire::{Exchange, Request, Response, Timing};

    fn answer(status: u16, body: &str) -> Outcome {
        let response =
            Response { status, headers: Vec::new(), body: body.as_bytes().to_vec(), truncated: false };
        outcome_of(&Exchange {
            purpose: "exchange".into(),
            request: Request::post(url::Url::parse("http://127.0.0.1/token").unwrap()),
            outcome: Ok(response),
            timing: Timing::default(),
            attempts: 1,
        })
    }

    #[test]
    fn a_redirect_that_carries_a_token_has_granted_the_request() {
        assert_eq!(answer(302, r#"{"access_token":"abc","token_type":"Bearer"}"#), Outcome::Accepted);
        assert_eq!(answer(302, ""), Outcome::Refused);
        assert_eq!(answer(302, r#"{"error":"invalid_request","access_token":"abc"}"#), Outcome::Refused);
        assert_eq!(answer(400, r#"{"access_token":"abc"}"#), Outcome::Refused);
    }
}
