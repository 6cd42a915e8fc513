//! `{{NAME}}` in the texts of scenarios.

use std::collections::BTreeSet;

use super::Context;
use crate::{token::TokenView, wire::FormBody};

/// What placeholders of one request stand for.
pub(super) struct Placeholders<'a> {
    pub context: &'a Context,
    pub form: &'a FormBody,
    pub client_id: &'a str,
    pub subject: Option<&'a TokenView>,
}

impl Placeholders<'_> {
    /// Replaces every placeholder.
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let Some(end) = rest[start..].find("}}") else {
                break;
            };
            out.push_str(&rest[..start]);
            out.push_str(&self.value(rest[start + 2..start + end].trim()));
            rest = &rest[start + end + 2..];
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> String {
        let facts = &self.context.facts;
        let first = |map: &std::collections::BTreeMap<String, Vec<String>>, role: &str| {
            map.get(role).and_then(|v| v.first()).cloned().unwrap_or_default()
        };
        if let Some((kind, role)) = name.split_once('.') {
            return match kind {
                "audience" => first(&facts.audiences, role),
                "resource" => first(&facts.resources, role),
                "scope" => facts.scopes.get(role).map(|v| v.join(" ")).unwrap_or_default(),
                "client" => facts.clients.get(role).cloned().unwrap_or_default(),
                _ => String::new(),
            };
        }
        let param = |n: &str| {
            self.form
                .get(n)
                .map(|s| s.expose().to_owned())
                .unwrap_or_default()
        };
        match name {
            "uuid" => uuid::Uuid::new_v4().to_string(),
            "issuer" => facts.issuer.clone().unwrap_or_default(),
            "token_endpoint" => facts.token_endpoint.clone(),
            "client_id" => self.client_id.to_owned(),
            "other_client_id" => facts
                .clients
                .get("second")
                .cloned()
                .unwrap_or_else(|| "txspec-unknown-client".into()),
            "subject_token" => param("subject_token"),
            "actor_token" => param("actor_token"),
            "subject_sub" => self
                .subject
                .and_then(|s| s.claims.as_ref())
                .and_then(|c| c.get("sub"))
                .and_then(|s| s.as_str())
                .unwrap_or_default()
                .to_owned(),
            _ => String::new(),
        }
    }
}

/// The roles that a text refers to, as `(kind, role)`.
pub(super) fn roles_in(text: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}") else {
            break;
        };
        if let Some((kind, role)) = rest[start + 2..start + end].trim().split_once('.') {
            found.insert((kind.to_owned(), role.to_owned()));
        }
        rest = &rest[start + end + 2..];
    }
    found
}
