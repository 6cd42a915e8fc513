//! Checks on the scope that was granted (RFC 8693 section 2.2.1, RFC 6749 section 3.3).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Declared,
    judged::{Judged, granted_too_much, pass, unseen, when},
};
use crate::{
    judge::{
        claims::{Unseen, issued_claims, scope_set},
        oracle_error,
    },
    scenario::{ScopeCheck, Source},
};

impl Declared<'_> {
    pub(super) fn scope(&self, check: &ScopeCheck, at: usize) -> Judged {
        let join = |set: &BTreeSet<String>| {
            if set.is_empty() {
                "no scope".to_owned()
            } else {
                oracle_error::visible(&set.iter().cloned().collect::<Vec<_>>().join(" "))
            }
        };
        let words = |text: &str| {
            text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect::<BTreeSet<String>>()
        };
        let response = self.text_member(at, "scope").map(|s| words(&s));
        // An empty member is no report of what a token shows; where no token shows anything, it says that nothing was
        // granted.
        let says_none = response.is_none()
            && self
                .step
                .json(at)
                .is_some_and(|json| json.value.get("scope").and_then(Value::as_str) == Some(""));
        let token = issued_claims(self.step, at, Source::Any).map(|c| scope_set(&c));
        if check.response_agrees == Some(true) {
            let response = response?;
            return match token {
                Ok(Some(token)) => when(
                    token == response,
                    format!("the token's scope: {}", join(&token)),
                    format!("the response's scope: {}", join(&response)),
                ),
                Ok(None) => None,
                Err(e) => unseen("scope of response and token agree", e),
            };
        }
        if check.reported_if_different == Some(true) {
            let requested = self.step.form.get("scope").map(|s| words(s.expose()))?;
            let expected = "scope in the response, if what is granted is not what was requested";
            return match (response, token) {
                (Some(reported), _) => pass(expected, format!("reported: {}", join(&reported))),
                (None, Ok(Some(granted))) => when(
                    granted == requested,
                    expected,
                    format!("requested {}, granted {}, none reported", join(&requested), join(&granted)),
                ),
                (None, Ok(None)) if says_none => pass(expected, "reported: no scope"),
                (None, Ok(None)) => unseen(expected, Unseen("the token shows no scope".into())),
                (None, Err(e)) => unseen(expected, e),
            };
        }
        let requested = || self.step.form.get("scope").map(|s| words(s.expose()));
        // What was granted: the token's own scope; what the response says, where the token shows none; what was
        // requested, where neither does (RFC 6749 section 5.1: left out when identical).
        let granted = match token {
            Ok(Some(set)) => set,
            Ok(None) | Err(_) => {
                match response.or_else(|| says_none.then(BTreeSet::new)).or_else(requested) {
                    Some(set) => set,
                    None => {
                        return unseen(
                            "the scope of the issued token",
                            Unseen("neither token nor response shows a scope".into()),
                        );
                    }
                }
            }
        };
        let role = |name: &str| {
            self.run
                .scopes
                .get(name)
                .map(|v| v.iter().cloned().collect::<BTreeSet<String>>())
                .unwrap_or_default()
        };
        if let Some(name) = &check.within {
            let expected = format!("a scope within that of {name}");
            let Some(view) = self.step.tokens.get(name) else {
                return unseen(expected, Unseen(format!("there is no token `{name}`")));
            };
            let Some(theirs) = view.claims.as_ref().and_then(scope_set) else {
                return unseen(expected, Unseen(format!("the scope of the {name} token cannot be seen")));
            };
            let observed = format!("{} ({name}: {})", join(&granted), join(&theirs));
            return if granted.is_subset(&theirs) {
                pass(expected, observed)
            } else {
                granted_too_much(expected, observed)
            };
        }
        if let Some(name) = &check.within_role {
            let limit = role(name);
            return if granted.is_subset(&limit) {
                pass(format!("a scope within {}", join(&limit)), join(&granted))
            } else {
                granted_too_much(format!("a scope within {}", join(&limit)), join(&granted))
            };
        }
        if let Some(name) = &check.without_role {
            let own = self
                .step
                .tokens
                .get("subject")
                .and_then(|v| v.claims.as_ref())
                .and_then(scope_set)
                .unwrap_or_default();
            let barred: BTreeSet<String> = role(name).difference(&own).cloned().collect();
            let expected = format!("a scope without {}", join(&barred));
            return if granted.is_disjoint(&barred) {
                pass(expected, join(&granted))
            } else {
                granted_too_much(expected, join(&granted))
            };
        }
        if let Some(name) = &check.differs_from_role {
            let other = role(name);
            return when(granted != other, format!("another scope than {}", join(&other)), join(&granted));
        }
        if let Some(name) = &check.same_as {
            let expected = format!("the scope of {name}");
            let theirs = self.step.tokens.get(name).and_then(|v| v.claims.as_ref()).and_then(scope_set);
            return match theirs {
                Some(theirs) => {
                    when(granted == theirs, format!("{expected}: {}", join(&theirs)), join(&granted))
                }
                None => unseen(expected, Unseen(format!("the scope of the {name} token cannot be seen"))),
            };
        }
        let name = check.equals_role.as_deref()?;
        let wanted = role(name);
        when(granted == wanted, format!("scope {}", join(&wanted)), join(&granted))
    }
}
