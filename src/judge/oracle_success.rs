//! The generic oracle for granted exchanges (RFC 8693 section 2.2.1, RFC 6749 section 5.1): each line its own
//! requirement.

use serde_json::{Map, Value};
use url::Url;

use super::{FailClass, Finding, RunFacts, StepFacts, StepKind, truth};
use crate::{
    spec::Level,
    target::token_type_short,
    wire::{Response, StrictJson},
};

/// Judges the i-th response, which granted the request.
pub(super) fn judge(run: &RunFacts, step: &StepFacts<'_>, i: usize) -> Vec<Finding> {
    let Some(response) = step.exchanges.get(i).and_then(|e| e.response()) else {
        return Vec::new();
    };
    let mut oracle = Oracle { run, found: Vec::new() };
    oracle.status(response);
    oracle.media_type(response);
    oracle.caching(response);
    if let Some((json, members)) = oracle.body(response) {
        oracle.members(step, i, &json, &members);
    }
    for finding in &mut oracle.found {
        finding.exchange = Some(step.index(i));
    }
    oracle.found
}

struct Oracle<'a> {
    run: &'a RunFacts,
    found: Vec<Finding>,
}

impl Oracle<'_> {
    fn check(
        &mut self,
        id: &str,
        ok: bool,
        class: FailClass,
        expected: &str,
        observed: impl Into<String>,
    ) -> &mut Finding {
        let finding = Finding::pass(id, self.run.level(id), expected, observed);
        self.found.push(if ok { finding } else { finding.failed(class) });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn status(&mut self, response: &Response) {
        self.check(
            "TX-2.2.1-status-200",
            response.status == 200,
            FailClass::WrongForm,
            "status 200",
            format!("status {}", response.status),
        );
    }

    fn media_type(&mut self, response: &Response) {
        let value = response.header("content-type");
        let essence =
            value.as_deref().and_then(|v| v.split(';').next()).map(|v| v.trim().to_ascii_lowercase());
        self.check(
            "TX-2.2.1-media-type",
            essence.as_deref() == Some("application/json"),
            FailClass::Malformed,
            "Content-Type application/json",
            value.unwrap_or_else(|| "no Content-Type".into()),
        );
    }

    fn caching(&mut self, response: &Response) {
        let has = |name: &str, word: &str| {
            response
                .header_values(name)
                .iter()
                .any(|v| v.split(',').any(|d| d.trim().eq_ignore_ascii_case(word)))
        };
        let shown = |name: &str| match response.header_values(name) {
            values if values.is_empty() => format!("no {name}"),
            values => format!("{name}: {}", values.join(", ")),
        };
        self.check(
            "OA-5.1-cache-control",
            has("cache-control", "no-store"),
            FailClass::WrongForm,
            "Cache-Control with no-store",
            shown("cache-control"),
        );
        let reading = self.run.decided_by("OA-5.1-pragma");
        let pragma = self.check(
            "OA-5.1-pragma",
            has("pragma", "no-cache"),
            FailClass::WrongForm,
            "Pragma: no-cache",
            shown("pragma"),
        );
        pragma.ambiguity = vec!["A2".into()];
        pragma.reading = reading;
    }

    /// One JSON object, UTF-8, no byte order mark, no repeated names.
    fn body(&mut self, response: &Response) -> Option<(StrictJson, Map<String, Value>)> {
        const EXPECTED: &str = "one JSON object";
        let parsed = StrictJson::parse(&response.body);
        let trouble = match &parsed {
            _ if response.truncated => Some("the body is larger than the limit".to_owned()),
            Err(fault) => Some(fault.to_string()),
            Ok(json) if json.byte_order_mark => Some("the body starts with a byte order mark".to_owned()),
            Ok(json) => match &json.value {
                Value::Object(members) if !members.contains_key("access_token") && wraps_token(members) => {
                    Some("an object that wraps the token response".to_owned())
                }
                Value::Object(_) => None,
                Value::Array(_) => Some("a JSON array".to_owned()),
                _ => Some("a JSON value that is no object".to_owned()),
            },
        };
        let ok = trouble.is_none();
        self.check(
            "TX-2.2.1-json-toplevel",
            ok,
            FailClass::Malformed,
            EXPECTED,
            trouble.unwrap_or_else(|| EXPECTED.into()),
        );
        let json = parsed.ok()?;
        let repeated = json.duplicates.join(", ");
        let observed =
            if repeated.is_empty() { "none repeated".to_owned() } else { format!("repeated: {repeated}") };
        self.check(
            "OA-3.2-no-repeat-response",
            repeated.is_empty(),
            FailClass::Malformed,
            "each member once",
            observed,
        );
        let members = json.object().cloned()?;
        ok.then_some((json, members))
    }

    fn members(&mut self, step: &StepFacts<'_>, i: usize, json: &StrictJson, members: &Map<String, Value>) {
        let error = members.get("error").filter(|e| !e.is_null()).map(|e| format!("error {e}"));
        self.check(
            "TX-2.2-normal-oauth-response",
            error.is_none(),
            FailClass::Malformed,
            "no error member",
            error.unwrap_or_else(|| "none".into()),
        );
        self.access_token(members, json);
        let token_type = self.token_type(members);
        self.expires_in(members);
        self.scope(members);
        if step.kind == StepKind::Exchange {
            self.issued_token_type(members, token_type.as_deref());
        }
        if let (Some(kind), Some(Value::String(token))) = (&token_type, members.get("access_token"))
            && !token.is_empty()
            && matches!(kind.to_ascii_lowercase().as_str(), "bearer" | "dpop")
            && !token.is_empty()
        {
            let ok = is_b64token(token);
            self.check(
                "BT-2.1-b64token",
                ok,
                FailClass::Malformed,
                "a token of the characters that an Authorization header takes",
                if ok { "such a token" } else { "other characters in the token" },
            );
        }
        if step.kind == StepKind::Exchange {
            self.found.extend(truth::judge(self.run, step, i, members));
        }
    }

    fn access_token(&mut self, members: &Map<String, Value>, json: &StrictJson) {
        let _ = json;
        let expected = "access_token: a non-empty string";
        let (ok, observed) = match members.get("access_token") {
            Some(Value::String(s)) if s.is_empty() => (false, "an empty string".to_owned()),
            Some(Value::String(s)) if !s.bytes().all(|b| (0x20..=0x7e).contains(&b)) => {
                (false, "a string with characters outside %x20-7E".to_owned())
            }
            Some(Value::String(_)) => (true, "a non-empty string".to_owned()),
            Some(other) => (false, kind_of(other)),
            None => (false, elsewhere(members)),
        };
        self.check("TX-2.2.1-access_token-required", ok, FailClass::Malformed, expected, observed.clone());
        let token_type = members.get("token_type").is_some_and(Value::is_string);
        let both = ok && token_type;
        self.check(
            "OA-5.1-required-members",
            both,
            FailClass::Malformed,
            "access_token and token_type",
            if both { "both" } else { "not both, as strings" },
        );
    }

    fn token_type(&mut self, members: &Map<String, Value>) -> Option<String> {
        let id = "TX-2.2.1-token_type-required";
        let expected = "token_type: a non-empty string";
        match members.get("token_type") {
            Some(Value::String(s)) if !s.is_empty() => {
                self.check(id, true, FailClass::Malformed, expected, s.clone());
                self.token_type_name(s);
                Some(s.clone())
            }
            Some(Value::String(_)) => {
                self.check(id, false, FailClass::Malformed, expected, "an empty string");
                None
            }
            Some(other) => {
                self.check(id, false, FailClass::Malformed, expected, kind_of(other));
                None
            }
            None => {
                self.check(id, false, FailClass::Malformed, expected, "no token_type");
                None
            }
        }
    }

    fn token_type_name(&mut self, name: &str) {
        let abnf = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let uri = Url::parse(name).is_ok();
        // N_A has one spelling; near misses are understood by no client.
        let near_miss = ["na", "n/a", "n-a", "none", "n.a."].contains(&name.to_ascii_lowercase().as_str());
        self.check(
            "OA-8.1-type-name",
            (abnf || uri) && !near_miss,
            FailClass::Malformed,
            "a type name of letters, digits, `-`, `.`, `_`, or a URI",
            if near_miss {
                format!("`{name}`, where only N_A means that the token is no access token")
            } else {
                name.to_owned()
            },
        );
        let known = self.run.catalogue.registry().token_types.iter().any(|t| t.eq_ignore_ascii_case(name));
        let known = known || uri || near_miss;
        self.check(
            "TX-2.2.1-token_type-known",
            known,
            FailClass::WrongForm,
            "a registered access token type, or a URI",
            name,
        );
        let is_token_type_uri = name.starts_with("urn:") && name.contains(":token-type:");
        let finding = self.check(
            "TX-2.2.1-token_type-vs-issued_token_type",
            !is_token_type_uri,
            FailClass::WrongForm,
            "how the token is used, not what it is",
            name,
        );
        if is_token_type_uri {
            finding.why =
                "token type identifiers belong into issued_token_type (RFC 8693 section 2.2.1)".into();
        }
    }

    fn issued_token_type(&mut self, members: &Map<String, Value>, token_type: Option<&str>) {
        let id = "TX-2.2.1-issued_token_type-required";
        let expected = "issued_token_type: a token type identifier";
        let value = match members.get("issued_token_type") {
            Some(Value::String(s)) if !s.is_empty() => s.clone(),
            other => {
                let observed = match other {
                    None => "no issued_token_type".to_owned(),
                    Some(Value::String(_)) => "an empty string".to_owned(),
                    Some(v) => kind_of(v),
                };
                self.check(id, false, FailClass::Malformed, expected, observed);
                return;
            }
        };
        self.check(id, true, FailClass::Malformed, expected, value.clone());
        let uri = Url::parse(&value).is_ok();
        self.check("TX-3-identifiers-are-uris", uri, FailClass::Malformed, "an absolute URI", value.clone());
        let is_use = self.run.catalogue.registry().token_types.iter().any(|t| t.eq_ignore_ascii_case(&value));
        let short = token_type_short(&value);
        let kind = token_type.unwrap_or_default();
        let contradiction = short == "access_token" && kind.eq_ignore_ascii_case("n_a");
        if is_use || contradiction {
            self.check(
                "TX-2.2.1-token_type-vs-issued_token_type",
                false,
                FailClass::WrongForm,
                "issued_token_type says what the token is, token_type how it is used",
                format!("issued_token_type {value}, token_type {kind}"),
            )
            .why = if contradiction {
                "N_A says that the token cannot be used as an access token, and it is labelled one".into()
            } else {
                "a token type name stands where a token type identifier belongs".into()
            };
        }
        if matches!(short, "id_token" | "refresh_token" | "saml1" | "saml2") && !kind.is_empty() {
            let ok = kind.eq_ignore_ascii_case("n_a");
            self.check(
                "TX-2.2.1-token_type-N_A",
                ok,
                FailClass::WrongForm,
                &format!("token_type N_A, since {short} is no access token"),
                kind,
            );
        }
    }

    fn expires_in(&mut self, members: &Map<String, Value>) {
        let value = members.get("expires_in");
        self.check(
            "TX-2.2.1-expires_in-recommended",
            value.is_some_and(|v| !v.is_null()),
            FailClass::WrongForm,
            "expires_in",
            value.map_or_else(|| "no expires_in".into(), ToString::to_string),
        );
        let Some(value) = value.filter(|v| !v.is_null()) else {
            return;
        };
        let id = "TX-2.2.1-expires_in-number";
        let expected = "a whole number of seconds above zero";
        let soften = |finding: &mut Finding, why: &str| {
            finding.level = finding.level.min(Level::Should);
            finding.why = why.into();
        };
        match value {
            Value::Number(n) if n.as_i64().is_some_and(|n| n > 0) || n.as_u64().is_some_and(|n| n > 0) => {
                self.check(id, true, FailClass::Malformed, expected, n.to_string());
            }
            Value::Number(n) if n.as_i64().is_some() => {
                soften(
                    self.check(id, false, FailClass::WrongForm, expected, n.to_string()),
                    "a token that has already expired helps no one, but the member is well-formed",
                );
            }
            Value::Number(n) => soften(
                self.check(id, false, FailClass::WrongForm, expected, n.to_string()),
                "a number, though with a fraction",
            ),
            other => {
                self.check(id, false, FailClass::Malformed, expected, kind_of(other));
            }
        }
    }

    fn scope(&mut self, members: &Map<String, Value>) {
        let Some(value) = members.get("scope") else { return };
        let id = "OA-3.3-scope-grammar";
        let expected = "scope: a string of space-separated scope tokens";
        match value {
            Value::String(s) => {
                let ok = s.is_empty() || is_scope(s);
                self.check(
                    id,
                    ok,
                    FailClass::Malformed,
                    expected,
                    if s.is_empty() { "an empty string".into() } else { s.clone() },
                );
            }
            other => {
                self.check(id, false, FailClass::Malformed, expected, kind_of(other));
            }
        }
    }
}

/// `scope-token *( SP scope-token )` (RFC 6749 appendix A.4).
pub(super) fn is_scope(text: &str) -> bool {
    text.split(' ').all(|t| {
        !t.is_empty()
            && t.bytes().all(|b| b == 0x21 || (0x23..=0x5b).contains(&b) || (0x5d..=0x7e).contains(&b))
    })
}

/// `b64token` (RFC 6750 section 2.1).
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

pub(super) fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => format!("the number {n}"),
        Value::String(_) => "a string".into(),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}

fn wraps_token(members: &Map<String, Value>) -> bool {
    members.values().any(|v| {
        v.as_object().is_some_and(|o| o.contains_key("access_token") || o.contains_key("issued_token_type"))
    })
}

fn elsewhere(members: &Map<String, Value>) -> String {
    let others: Vec<&str> = ["id_token", "refresh_token", "assertion", "token"]
        .into_iter()
        .filter(|n| members.contains_key(*n))
        .collect();
    if others.is_empty() {
        "no access_token".into()
    } else {
        format!("no access_token, but {}", others.join(", "))
    }
}
