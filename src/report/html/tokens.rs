//! The tokens of an exchange, decoded, and who acts for whom in them (RFC 8693 section 4.1).

use std::collections::BTreeMap;

use serde_json::Value;

use super::budget::Budget;
use crate::{
    report::visible::shown,
    run::ScenarioResult,
    wire::{Decoded, RedactedExchange, ShownToken},
};

/// Most of a name in a chain.
const NAME: usize = 80;
/// Most of one part of a token.
const PART: usize = 3000;
/// Actors that are drawn of a chain.
const ACTORS: usize = 10;
/// What the markup around a token takes.
const MARKUP: usize = 300;

/// A token of an exchange.
pub(super) struct TokenView {
    /// Where it stands.
    pub(super) place: String,
    pub(super) body: TokenBody,
}

pub(super) enum TokenBody {
    /// Why nothing can be read.
    Opaque(String),
    /// It was shown before, under this number.
    Known(usize),
    /// The number, the chain, header and claims.
    Jwt { number: usize, chain: Vec<Party>, header: String, claims: String },
}

/// Someone in a chain.
#[derive(PartialEq, Eq)]
pub(super) struct Party {
    pub(super) name: String,
    /// `current actor`, `earlier actor` or `subject`.
    pub(super) role: &'static str,
}

/// The chains of a control and of the edited request.
pub(super) struct ChainsView {
    pub(super) control: Vec<Party>,
    pub(super) own: Vec<Party>,
}

/// Each token of the page is shown once, and linked to from everywhere else.
#[derive(Default)]
pub(super) struct Shown<'a>(BTreeMap<&'a Decoded, usize>);

impl<'a> Shown<'a> {
    /// The tokens of an exchange, as far as there is room.
    pub(super) fn views(&mut self, exchange: &'a RedactedExchange, budget: &mut Budget) -> Vec<TokenView> {
        let mut out = Vec::new();
        for token in &exchange.tokens {
            if !budget.is_left() {
                break;
            }
            budget.markup(MARKUP);
            let place =
                format!("{}{}", budget.text(&token.place, NAME), if token.issued { ", issued" } else { "" });
            out.push(TokenView { place, body: self.body(token, budget) });
        }
        out
    }

    fn body(&mut self, token: &'a ShownToken, budget: &mut Budget) -> TokenBody {
        let Decoded::Jwt { header, claims } = &token.decoded else {
            let Decoded::Opaque(why) = &token.decoded else { return TokenBody::Opaque(String::new()) };
            return TokenBody::Opaque(budget.text(why, PART));
        };
        if let Some(number) = self.0.get(&token.decoded) {
            return TokenBody::Known(*number);
        }
        let number = self.0.len() + 1;
        self.0.insert(&token.decoded, number);
        let chain = token.decoded.claims().map(|c| chain(&c)).unwrap_or_default();
        budget.markup(chain.len() * MARKUP / 2);
        TokenBody::Jwt { number, chain, header: budget.text(header, PART), claims: lines(claims, budget) }
    }
}

/// One claim a line: a reader looks for names.
fn lines(claims: &str, budget: &mut Budget) -> String {
    let Ok(Value::Object(members)) = serde_json::from_str(claims) else { return budget.text(claims, PART) };
    let mut out = String::new();
    for (name, value) in members {
        out.push_str(&budget.text(&format!("{name}: {value}"), PART));
        if let Some(moment) = moment(&name, &value) {
            out.push_str(&budget.text(&format!(" ({moment})"), NAME));
        }
        out.push('\n');
    }
    out
}

/// A NumericDate (RFC 7519 section 2) as people write it.
fn moment(name: &str, value: &Value) -> Option<jiff::Timestamp> {
    let seconds = value.as_i64().filter(|_| ["exp", "iat", "nbf", "auth_time"].contains(&name))?;
    jiff::Timestamp::from_second(seconds).ok()
}

/// Who acts for whom: the current actor first, then those who acted before, the subject last. Only a token that names
/// an actor has a chain worth drawing.
fn chain(claims: &Value) -> Vec<Party> {
    let mut out = Vec::new();
    let mut at = claims.get("act");
    while let Some(actor) = at {
        if out.len() == ACTORS {
            out.push(Party { name: "…".to_owned(), role: "more actors" });
            break;
        }
        let role = if out.is_empty() { "current actor" } else { "earlier actor" };
        out.push(Party { name: name(actor), role });
        at = actor.get("act");
    }
    if !out.is_empty() {
        out.push(Party { name: name(claims), role: "subject" });
    }
    out
}

/// By what claims tell who is meant; the issuer with it where a member of `act` names one.
fn name(of: &Value) -> String {
    let Some(members) = of.as_object() else { return shown(&format!("{of}, no object"), NAME) };
    let text = |key: &str| members.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let who = text("sub").or_else(|| text("client_id")).unwrap_or_else(|| "without sub".to_owned());
    match (text("iss"), members.contains_key("exp")) {
        (Some(iss), false) => shown(&format!("{who} of {iss}"), NAME),
        _ => shown(&who, NAME),
    }
}

/// The chains of control and edited request, where both were granted and they differ.
pub(super) fn compared(control: Option<&ScenarioResult>, own: &ScenarioResult) -> Option<ChainsView> {
    let (was, is) = (issued(control?)?, issued(own)?);
    let drawn = |claims: &Value| {
        let chain = chain(claims);
        if chain.is_empty() { vec![Party { name: name(claims), role: "subject, no actor" }] } else { chain }
    };
    let view = ChainsView { control: drawn(&was), own: drawn(&is) };
    (view.control != view.own).then_some(view)
}

/// The claims of the token that a scenario's last exchange issued.
fn issued(result: &ScenarioResult) -> Option<Value> {
    let exchange = result.exchanges.iter().rev().find(|e| e.purpose == "exchange")?;
    let token = exchange.tokens.iter().find(|t| t.issued && t.place == "access_token")?;
    if let Some(claims) = token.decoded.claims() {
        return Some(claims);
    }
    // What is opaque, the server may have told about (RFC 7662).
    let asked = result.exchanges.iter().rev().find(|e| e.purpose == "introspect")?;
    let claims: Value = serde_json::from_str(&asked.response.as_ref()?.body).ok()?;
    (claims.get("active") == Some(&Value::Bool(true))).then_some(claims)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn drawn(claims: Value) -> Vec<(String, &'static str)> {
        chain(&claims).into_iter().map(|p| (p.name, p.role)).collect()
    }

    #[test]
    fn a_chain_names_the_current_actor_first_and_the_subject_last() {
        let nested = json!({ "sub": "alice", "exp": 1, "iss": "as", "act": { "sub": "b", "iss": "x", "act": { "client_id": "a" } } });
        assert_eq!(
            drawn(nested),
            [
                ("b of x".to_owned(), "current actor"),
                ("a".to_owned(), "earlier actor"),
                ("alice".to_owned(), "subject")
            ]
        );
        assert!(drawn(json!({ "sub": "alice", "may_act": { "sub": "b" } })).is_empty());
    }

    #[test]
    fn odd_and_endless_actors_are_drawn_as_they_are() {
        assert_eq!(drawn(json!({ "sub": "a", "act": "svc" }))[0].0, "\"svc\", no object");
        assert_eq!(drawn(json!({ "act": {} }))[0].0, "without sub");
        let deep = (0..40).fold(json!({ "sub": "0" }), |inner, _| json!({ "sub": "x", "act": inner }));
        assert_eq!(drawn(deep).len(), ACTORS + 2);
    }
}
