//! Checks on single values: claims of the issued token, members of the response, header fields.

use serde_json::Value;

use super::{
    Declared,
    judged::{Judged, Outcome1, pass, unseen, when},
};
use crate::{
    judge::{
        FailClass, StepKind,
        claims::{self, issued_claims, said, shown},
        oracle_error,
    },
    scenario::{ClaimCheck, HeaderCheck, IfMissing, MemberCheck, Relation, Source},
    spec::{Knob, Level},
};

impl Declared<'_> {
    pub(super) fn claim(&self, check: &ClaimCheck, at: usize) -> Judged {
        let relation = check.relation();
        let compared = relation.same_as.is_some() || relation.not_same_as.is_some();
        if check.at == "/sub" && compared && self.run.policy.declares(Knob::SubMapping) {
            return None;
        }
        match issued_claims(self.step, at, check.source) {
            Ok(claims) if check.only_if.as_ref().is_some_and(|c| !claims::holds(&claims, c)) => None,
            Ok(claims) => {
                let value = claims.pointer(&check.at);
                let value = if self.is_response(check.source) { value.filter(said) } else { value };
                self.relation(value, &check.at, &relation, check.if_missing, at)
            }
            Err(e) => unseen(format!("claim {}", check.at), e),
        }
    }

    /// Whether claims are looked up in a response. A JWT is for others to read: what is null there is a claim of a wrong
    /// form, and none that is missing.
    fn is_response(&self, source: Source) -> bool {
        source == Source::Introspection || matches!(self.step.kind, StepKind::Introspect | StepKind::Userinfo)
    }

    /// A member check; with `*` in the pointer it must hold for every element.
    pub(super) fn member(&self, document: &Value, check: &MemberCheck, at: usize) -> Judged {
        if check.only_if.as_ref().is_some_and(|c| !claims::holds(document, c)) {
            return None;
        }
        let mut last = None;
        for value in claims::at_pointer(document, &check.at) {
            let value = value.filter(said).or(check.default.as_ref());
            last = self.relation(value, &check.at, &check.relation(), check.if_missing, at);
            if !matches!(last, None | Some(Outcome1::Pass { .. })) {
                return last;
            }
        }
        last
    }

    fn relation(
        &self,
        value: Option<&Value>,
        pointer: &str,
        relation: &Relation<'_>,
        if_missing: IfMissing,
        at: usize,
    ) -> Judged {
        let Some(value) = value else {
            if relation.present == Some(false) {
                return pass(format!("nothing at {pointer}"), "nothing");
            }
            let expected = format!("a value at {pointer}");
            let level = match if_missing {
                IfMissing::Fine => return None,
                IfMissing::May => Some(Level::May),
                IfMissing::Should => Some(Level::Should),
                IfMissing::Fail => None,
            };
            return Some(Outcome1::Fail {
                expected,
                // Which one is missing is part of what was observed: a waiver for one is none for another.
                observed: format!("nothing at {pointer}"),
                class: FailClass::WrongForm,
                level,
                why: String::new(),
            });
        };
        if relation.present == Some(false) && value.is_null() {
            return pass(format!("nothing at {pointer}"), "null");
        }
        if let Some(name) = relation.not_same_as
            && name != "subject"
            && pointer == "/sub"
            && let (Ok(own), Ok(other)) = (
                claims::reference(self.run, self.step, at, "subject"),
                claims::reference(self.run, self.step, at, name),
            )
            && claims::same(&own, &other)
        {
            // The subject token itself is about that party: nothing can be told apart.
            return None;
        }
        if pointer == "/sub"
            && relation.not_same_as == Some("subject")
            && let Ok(own) = claims::reference(self.run, self.step, at, "subject")
            && own == self.step.client_id.as_str()
        {
            // A token for the client is just what the subject token would give: nothing can be told apart either.
            return None;
        }
        if pointer == "/jti" && relation.not_same_as.is_some_and(|name| self.is_same_jwt(name, at)) {
            // One JWT that was handed out twice is one thing, and has one name.
            return None;
        }
        match claims::compare(self.run, self.step, at, value, relation) {
            Ok(c) => when(c.ok, format!("{pointer}: {}", c.expected), shown(value)),
            Err(e) => unseen(pointer.to_string(), e),
        }
    }

    /// Whether the issued token says in all claims what another says that `name` (`first:/jti`) refers to.
    fn is_same_jwt(&self, name: &str, at: usize) -> bool {
        let other = name.split_once(":/").and_then(|(token, _)| self.step.tokens.get(token));
        let other = other.and_then(|view| view.claims.as_ref());
        let own = issued_claims(self.step, at, Source::Jwt).ok();
        own.is_some() && own.as_ref() == other
    }

    pub(super) fn header(&self, check: &HeaderCheck, at: usize) -> Judged {
        let response = self.step.exchanges.get(at)?.response()?;
        let values = response.header_values(&check.name);
        let observed = if values.is_empty() {
            format!("no {}", check.name)
        } else {
            oracle_error::visible(&values.join(", "))
        };
        if let Some(present) = check.present {
            return when(
                values.is_empty() != present,
                format!("{} {}", check.name, if present { "present" } else { "absent" }),
                observed,
            );
        }
        if let Some(start) = &check.starts_with {
            let start = start.to_ascii_lowercase();
            let ok = values.iter().any(|v| {
                let lower = v.to_ascii_lowercase();
                lower.starts_with(&start) || lower.split(',').any(|member| member.trim().starts_with(&start))
            });
            return when(ok, format!("{} starts with {start}", check.name), observed);
        }
        let part = check.contains.as_deref().unwrap_or_default();
        let ok = values.iter().any(|v| v.split(',').any(|d| d.trim().eq_ignore_ascii_case(part)));
        when(ok, format!("{} contains {part}", check.name), observed)
    }
}
