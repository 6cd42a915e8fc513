//! One check on what was granted: finds the predicate that it declares.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    Declared,
    judged::{Judged, granted_too_little, granted_too_much, pass, unseen, when},
};
use crate::{
    judge::{
        Outcome,
        claims::{Unseen, issued_claims},
    },
    scenario::{Check, Relation, Source},
    target::token_type_uri,
};

impl Declared<'_> {
    /// The value that a claim or member check looks at.
    pub(super) fn subject_of(&self, check: &Check, at: usize) -> Option<Result<Value, Unseen>> {
        let missing = |p: &str| Unseen(format!("nothing at {p}"));
        if let Some(claim) = check.claim.as_ref().filter(|c| c.relation() == Relation::default()) {
            return Some(
                issued_claims(self.step, at, claim.source)
                    .and_then(|c| c.pointer(&claim.at).cloned().ok_or_else(|| missing(&claim.at))),
            );
        }
        let member = check.member.as_ref().filter(|m| m.relation() == Relation::default())?;
        let json = self.step.json(at).map(|j| j.value).unwrap_or_default();
        Some(json.pointer(&member.at).cloned().ok_or_else(|| missing(&member.at)))
    }

    pub(super) fn predicate(&self, check: &Check, at: usize) -> Judged {
        if let Some(c) = &check.claim {
            return self.claim(c, at);
        }
        if let Some(m) = &check.member {
            let json = self.step.json(at).map(|j| j.value)?;
            return self.member(&json, m, at);
        }
        if let Some(m) = &check.jose {
            let issued = self.step.issued(at)?.view.as_ref()?;
            let Some(jwt) = &issued.jwt else {
                return unseen(
                    format!("header {}", m.at),
                    Unseen("the issued token is no readable JWT".into()),
                );
            };
            return self.member(&Value::Object(jwt.header.clone()), m, at);
        }
        if let Some(h) = &check.header {
            return self.header(h, at);
        }
        if let Some(types) = &check.issued_type {
            // What is no identifier at all is judged as such on every response.
            let issued =
                self.text_member(at, "issued_token_type").filter(|name| url::Url::parse(name).is_ok())?;
            let wanted: Vec<String> = types.iter().map(token_type_uri).collect();
            return when(
                wanted.contains(&issued),
                format!("issued_token_type {}", wanted.join(" or ")),
                issued,
            );
        }
        if let Some(types) = &check.token_type {
            let kind = self.text_member(at, "token_type")?;
            let wanted: Vec<&str> = types.iter().collect();
            let ok = wanted.iter().any(|w| w.eq_ignore_ascii_case(&kind));
            return when(ok, format!("token_type {}", wanted.join(" or ")), kind);
        }
        if let Some(format) = check.format {
            return self.format(format, at);
        }
        if let Some(audience) = &check.audience {
            return self.audience(audience, at);
        }
        if let Some(scope) = &check.scope {
            return self.scope(scope, at);
        }
        if check.signature.is_some() {
            return self.signature(at);
        }
        if let Some(name) = &check.differs_from {
            let issued = self.step.issued(at)?.view.as_ref()?;
            let expected = format!("a token other than {name}");
            let Some(other) = self.step.tokens.get(name) else {
                return unseen(expected, Unseen(format!("there is no token `{name}`")));
            };
            return when(
                issued.value != other.value,
                expected,
                if issued.value == other.value { "the same token" } else { "another token" },
            );
        }
        if let Some(key) = &check.bound_to {
            let expected = format!("cnf.jkt of the key `{key}`");
            let claims = match issued_claims(self.step, at, Source::Any) {
                Ok(claims) => claims,
                Err(e) => return unseen(expected, e),
            };
            let jkt = claims.pointer("/cnf/jkt").and_then(Value::as_str);
            let ok = jkt.is_some() && jkt == self.step.thumbprints.get(key).map(String::as_str);
            return when(
                ok,
                expected,
                jkt.map_or("no cnf.jkt", |_| if ok { "that thumbprint" } else { "another thumbprint" }),
            );
        }
        if check.binding_agrees == Some(true) {
            return self.binding_agrees(at);
        }
        if let Some(wanted) = check.fetched {
            let fetched = self.step.fetched?;
            let expected = if wanted {
                "a request to the address in the token"
            } else {
                "no request to the address in the token"
            };
            return when(
                fetched == wanted,
                expected,
                if fetched { "the server asked for it" } else { "the server asked for nothing" },
            );
        }
        if let Some(distinct) = check.distinct {
            return self.distinct(distinct);
        }
        if let Some(wanted) = check.succeeded {
            let count =
                (0..self.step.exchanges.len()).filter(|i| self.step.outcome(*i) == Outcome::Accepted).count();
            let expected = format!("{wanted} of {} requests granted", self.step.exchanges.len());
            let observed = format!("{count} granted");
            return match u32::try_from(count).unwrap_or(u32::MAX).cmp(&wanted) {
                Ordering::Equal => pass(expected, observed),
                Ordering::Less => granted_too_little(expected, observed),
                Ordering::Greater => granted_too_much(expected, observed),
            };
        }
        if let Some(limit) = check.lifetime_at_most {
            return self.lifetime(limit, at);
        }
        if check.expires_in_agrees == Some(true) {
            return self.expires_in(at);
        }
        pass("the request is granted", "it was granted")
    }

    pub(super) fn text_member(&self, at: usize, name: &str) -> Option<String> {
        let text = self.step.json(at)?.value.get(name)?.as_str().map(str::to_owned);
        text.filter(|text| !text.is_empty())
    }
}
