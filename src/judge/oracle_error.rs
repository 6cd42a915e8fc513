//! The generic oracle for refusals (RFC 8693 section 2.2.2, RFC 6749 section 5.2): each line its own requirement.

use serde_json::{Map, Value};

use super::{FailClass, Finding, RunFacts, StepFacts};
use crate::{
    spec::{DecisionRow, Level},
    wire::{Response, StrictJson, printable},
};

/// Judges the i-th response, which refused the request. `row` is the situation that the scenario expects, if any.
pub(super) fn judge(
    run: &RunFacts,
    step: &StepFacts<'_>,
    i: usize,
    row: Option<&DecisionRow>,
) -> Vec<Finding> {
    let Some(response) = step.exchanges.get(i).and_then(|e| e.response()) else {
        return Vec::new();
    };
    let mut oracle = Oracle { run, found: Vec::new() };
    // A layer that does not speak OAuth may answer before the token endpoint does (wrong method, too large …).
    if !row.is_some_and(|r| by_another_layer(run, r, response)) {
        oracle.status(response, row);
        oracle.caching(response);
        if let Some(members) = oracle.body(response) {
            oracle.members(&members);
            oracle.no_token(step, response, &members);
        }
    }
    for finding in &mut oracle.found {
        finding.exchange = Some(step.index(i));
    }
    oracle.found
}

/// The `error` code of a well-formed OAuth error response.
pub(super) fn oauth_error(response: &Response) -> Option<String> {
    let json = StrictJson::parse(&response.body).ok()?;
    json.object()?.get("error")?.as_str().filter(|s| !s.is_empty()).map(str::to_owned)
}

/// Whether the refusal is a well-formed OAuth error in the sense of the first law: a client error status with a JSON
/// object that names an error.
pub(super) fn is_clean(response: &Response) -> bool {
    (400..500).contains(&response.status) && oauth_error(response).is_some()
}

/// Whether a layer that does not speak OAuth may have refused the request in the place of the token endpoint. Frameworks
/// name their own errors in a member `error`, too: with a status that is theirs (wrong path, method, type or size), only a
/// code of the registry makes it OAuth.
pub(super) fn by_another_layer(run: &RunFacts, row: &DecisionRow, response: &Response) -> bool {
    let refused = (400..500).contains(&response.status) || row.statuses.contains(&response.status);
    let foreign_object = |code: String| {
        matches!(response.status, 404..=406 | 411 | 413..=415 | 431)
            && !run.catalogue.registry().is_token_endpoint_code(&code)
    };
    row.any_body && refused && oauth_error(response).is_none_or(foreign_object)
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

    fn status(&mut self, response: &Response, row: Option<&DecisionRow>) {
        let status = response.status;
        let code = oauth_error(response);
        let unauthenticated = status == 401
            && matches!(code.as_deref(), Some("invalid_client" | "invalid_dpop_proof" | "use_dpop_nonce"));
        let ok = status == 400 || unauthenticated || row.is_some_and(|r| r.statuses.contains(&status));
        let id = "OA-5.2-status-400";
        let lenient = (400..500).contains(&status);
        let finding = self.check(
            id,
            ok,
            FailClass::WrongForm,
            "status 400 (401 for invalid_client)",
            format!("status {status}"),
        );
        if !ok && lenient {
            finding.level = finding.level.min(Level::Should);
            finding.ambiguity = vec!["A27".into()];
            finding.why = "another client error status with an OAuth error in the body: clients that look at the body understand it".into();
        }
        let refused = (400..500).contains(&status);
        self.check(
            "TX-2.2.2-error-response-must",
            refused && code.is_some(),
            FailClass::Malformed,
            "an error response of RFC 6749 section 5.2",
            match (&code, refused) {
                (Some(code), true) => format!("error {code}"),
                (Some(code), false) => format!("error {code} with status {status}"),
                (None, _) => format!("status {status} without an error code"),
            },
        );
    }

    fn caching(&mut self, response: &Response) {
        let values = response.header_values("cache-control");
        let ok = values.iter().any(|v| v.split(',').any(|d| d.trim().eq_ignore_ascii_case("no-store")));
        let observed = if values.is_empty() { "no Cache-Control".to_owned() } else { values.join(", ") };
        self.check(
            "OA-5.1-error-cache-control",
            ok,
            FailClass::WrongForm,
            "Cache-Control with no-store, as the examples show",
            observed,
        );
    }

    fn body(&mut self, response: &Response) -> Option<Map<String, Value>> {
        const EXPECTED: &str = "application/json with one JSON object";
        let kind = response.header("content-type");
        let essence =
            kind.as_deref().and_then(|v| v.split(';').next()).map(|v| v.trim().to_ascii_lowercase());
        let parsed = StrictJson::parse(&response.body);
        let trouble = match &parsed {
            _ if response.truncated => Some("the body is larger than the limit".to_owned()),
            Err(fault) => Some(fault.to_string()),
            Ok(json) if json.byte_order_mark => Some("the body starts with a byte order mark".into()),
            Ok(json) if json.object().is_none() => Some("the body is no JSON object".into()),
            Ok(_) if essence.as_deref() != Some("application/json") => {
                Some(kind.unwrap_or_else(|| "no Content-Type".into()))
            }
            Ok(_) => None,
        };
        self.check(
            "OA-5.2-json",
            trouble.is_none(),
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
        json.object().cloned()
    }

    fn members(&mut self, members: &Map<String, Value>) {
        const CHARSET: &str = "printable ASCII without \" and \\";
        match members.get("error") {
            Some(Value::String(code)) if !code.is_empty() => {
                self.check(
                    "OA-5.2-error-required",
                    true,
                    FailClass::Malformed,
                    "error: a code",
                    code.clone(),
                );
                self.check(
                    "OA-5.2-error-charset",
                    is_nqschar(code),
                    FailClass::Malformed,
                    CHARSET,
                    visible(code),
                );
                self.registered(code);
            }
            other => {
                let observed = other.map_or_else(|| "no error".to_owned(), super::oracle_success::kind_of);
                self.check("OA-5.2-error-required", false, FailClass::Malformed, "error: a code", observed);
            }
        }
        if let Some(value) = members.get("error_description").filter(|v| !v.is_null()) {
            let (ok, observed) = match value.as_str() {
                Some(text) => (is_nqschar(text), bad_characters(text)),
                None => (false, super::oracle_success::kind_of(value)),
            };
            self.check("OA-5.2-description-charset", ok, FailClass::Malformed, CHARSET, observed);
            self.check(
                "TX-2.2.2-error_description-may",
                true,
                FailClass::Malformed,
                "error_description is optional",
                "present",
            );
        }
        if let Some(value) = members.get("error_uri").filter(|v| !v.is_null()) {
            let ok = value.as_str().is_some_and(is_uri_reference);
            self.check(
                "OA-5.2-error_uri-syntax",
                ok,
                FailClass::Malformed,
                "a URI reference without spaces",
                value.as_str().map_or_else(|| super::oracle_success::kind_of(value), visible),
            );
        }
    }

    fn registered(&mut self, code: &str) {
        let registry = self.run.catalogue.registry();
        let elsewhere = registry.belongs_elsewhere(code).map(str::to_owned);
        let known = registry.is_token_endpoint_code(code);
        let uri = url::Url::parse(code).is_ok();
        if let Some(owner) = &elsewhere {
            self.check(
                "TX-2.2.2-other-codes",
                false,
                FailClass::WrongForm,
                "a code of the token endpoint",
                format!("{code}, which belongs to {owner}"),
            );
        } else {
            self.check(
                "TX-2.2.2-other-codes",
                true,
                FailClass::WrongForm,
                "a code of the token endpoint",
                code,
            );
            self.check(
                "OA-8.5-error-registration",
                known || uri,
                FailClass::WrongForm,
                "a registered error code",
                visible(code),
            );
        }
    }

    /// No token may come with an error, and what was sent must not be repeated.
    fn no_token(&mut self, step: &StepFacts<'_>, response: &Response, members: &Map<String, Value>) {
        let carried: Vec<&str> = ["access_token", "refresh_token", "id_token"]
            .into_iter()
            .filter(|n| members.get(*n).is_some_and(|v| !v.is_null()))
            .collect();
        let finding_id = "TX-2.2.2-error-response-must";
        if !carried.is_empty() {
            self.check(
                finding_id,
                false,
                FailClass::Accepted,
                "no token in an error response",
                format!("{} beside error", carried.join(", ")),
            );
        }
        let text = String::from_utf8_lossy(&response.body);
        for name in ["subject_token", "actor_token", "client_secret"] {
            let echoed = step.form.get(name).is_some_and(|v| v.len() >= 16 && text.contains(v.expose()));
            if echoed {
                let finding = self.check(
                    finding_id,
                    false,
                    FailClass::Malformed,
                    "no token in an error response",
                    format!("the {name} that was sent, repeated"),
                );
                finding.level = finding.level.min(Level::Should);
                finding.why = "error bodies end up in logs; a credential in them can be stolen there".into();
            }
        }
    }
}

/// `NQSCHAR` (RFC 6749 appendix A): %x20-21 / %x23-5B / %x5D-7E.
pub(super) fn is_nqschar(text: &str) -> bool {
    text.bytes()
        .all(|b| (0x20..=0x21).contains(&b) || (0x23..=0x5b).contains(&b) || (0x5d..=0x7e).contains(&b))
}

fn is_uri_reference(text: &str) -> bool {
    let base = url::Url::parse("https://as.example/").ok();
    !text.is_empty()
        && text.bytes().all(|b| (0x21..=0x7e).contains(&b) && !b"\"<>\\^`{|}".contains(&b))
        && base.is_some_and(|b| b.join(text).is_ok())
}

/// The text with characters that a terminal could act on made visible.
pub(super) fn visible(text: &str) -> String {
    printable(text, 120)
}

fn bad_characters(text: &str) -> String {
    let mut bad: Vec<String> = Vec::new();
    for c in text.chars() {
        if c.is_ascii() && is_nqschar(c.encode_utf8(&mut [0; 4])) {
            continue;
        }
        let shown = format!("U+{:04X}", u32::from(c));
        if !bad.contains(&shown) {
            bad.push(shown);
        }
        if bad.len() == 8 {
            break;
        }
    }
    if bad.is_empty() {
        return "only such characters".into();
    }
    format!("characters that are not allowed: {}", bad.join(", "))
}
