//! What the judge is given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Outcome, outcome_of};
use crate::{
    spec::{Capability, Catalogue, Level, ReadingOf, Requirement},
    target::{Policy, Value1},
    token::TokenView,
    wire::{Exchange, FormBody, StrictJson},
};

/// What holds for the whole run.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// What the target declares.
    pub capabilities: BTreeSet<Capability>,
    /// What the operator declares about policy.
    pub policy: Policy,
    /// The reading of contested sentences.
    pub reading: String,
    /// Issuer identifier.
    pub issuer: Option<String>,
    /// Token endpoint.
    pub token_endpoint: String,
    /// Published key set.
    pub jwks: Option<Value>,
    /// Client identifiers by role.
    pub clients: BTreeMap<String, String>,
    /// Values of `audience` by role.
    pub audiences: BTreeMap<String, Vec<String>>,
    /// Values of `resource` by role.
    pub resources: BTreeMap<String, Vec<String>>,
    /// What a requested target becomes in `aud`.
    pub audience_mapping: BTreeMap<String, Value1>,
    /// Scopes by role.
    pub scopes: BTreeMap<String, Vec<String>>,
}

impl RunFacts {
    /// The level of a requirement for this target: the catalogue's or that of the selected reading, raised by what the
    /// operator declares.
    pub fn level(&self, id: &str) -> Level {
        let Some(row) = self.catalogue.get(id) else {
            return Level::Must;
        };
        let level = self.read(row).and_then(|reading| reading.level).unwrap_or(row.level);
        match &row.policy {
            Some(raise) if self.policy.declares(raise.knob) => level.max(raise.raises_to),
            _ => level,
        }
    }

    /// The selected reading, if it decides at which level a violation of a requirement is scored.
    pub fn decided_by(&self, id: &str) -> Option<String> {
        let reading = self.read(self.catalogue.get(id)?)?;
        reading.level.map(|_| reading.id.clone())
    }

    fn read<'a>(&self, row: &'a Requirement) -> Option<&'a ReadingOf> {
        row.readings.iter().find(|reading| reading.id == self.reading)
    }

    /// A requirement.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.catalogue.get(id)
    }
}

/// What a step was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A token exchange.
    Exchange,
    /// A refresh.
    Refresh,
    /// An introspection.
    Introspect,
    /// A revocation.
    Revoke,
    /// A metadata document or key set.
    Metadata,
    /// A token presented to the UserInfo endpoint.
    Userinfo,
    /// A token got from a source.
    Obtain,
}

impl StepKind {
    /// Whether the response is one of RFC 6749 section 5.
    pub fn is_token_endpoint(self) -> bool {
        matches!(self, Self::Exchange | Self::Refresh)
    }

    /// What was asked for, as a noun.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Introspect => "introspection",
            Self::Revoke => "revocation",
            Self::Metadata => "document",
            Self::Userinfo => "UserInfo request",
            Self::Obtain => "token",
        }
    }
}

/// What is known of the token that a response issued.
#[derive(Debug, Clone, Default)]
pub struct Issued {
    /// The token as received, decoded if it is a JWT.
    pub view: Option<TokenView>,
    /// The introspection response about it, if someone asked; or why there is none.
    pub introspection: Option<Result<Value, String>>,
}

/// What holds for one step.
#[derive(Debug)]
pub struct StepFacts<'a> {
    /// What it was.
    pub kind: StepKind,
    /// Its exchanges (several when sent in parallel).
    pub exchanges: Vec<&'a Exchange>,
    /// Index of the first of them in the scenario's list.
    pub first_exchange: usize,
    /// The parameters as meant, before encoding.
    pub form: &'a FormBody,
    /// The client that sent it.
    pub client_id: String,
    /// Tokens issued, one entry per exchange.
    pub issued: Vec<Issued>,
    /// Tokens by name: `subject` and `actor` of this step, and those that earlier steps named.
    pub tokens: &'a BTreeMap<String, TokenView>,
    /// Thumbprints of DPoP keys by name.
    pub thumbprints: BTreeMap<String, String>,
    /// Whether the server asked txspec's listener for anything, where a scenario wants to know.
    pub fetched: Option<bool>,
    /// The time of judging, in seconds since 1970.
    pub now: i64,
    /// Whether the scenario differs by one edit from a control that succeeded: only then does a refusal of what should
    /// be accepted prove anything.
    pub controlled: bool,
}

impl StepFacts<'_> {
    /// What the i-th response amounts to.
    pub fn outcome(&self, i: usize) -> Outcome {
        let Some(exchange) = self.exchanges.get(i) else {
            return Outcome::NoAnswer(crate::wire::TransportKind::Broken);
        };
        if self.kind.is_token_endpoint() {
            return outcome_of(exchange);
        }
        match &exchange.outcome {
            Ok(r) if r.status == 429 || r.status == 503 => {
                Outcome::Unavailable(format!("status {}", r.status))
            }
            Ok(r) if (200..300).contains(&r.status) => Outcome::Accepted,
            Ok(_) => Outcome::Refused,
            Err(e) => Outcome::NoAnswer(e.kind),
        }
    }

    /// The parsed body of the i-th response.
    pub fn json(&self, i: usize) -> Option<StrictJson> {
        let response = self.exchanges.get(i)?.response()?;
        StrictJson::parse(&response.body).ok()
    }

    /// The index of the i-th exchange in the scenario's list.
    pub fn index(&self, i: usize) -> usize {
        self.first_exchange + i
    }

    /// The token that the i-th response issued.
    pub fn issued(&self, i: usize) -> Option<&Issued> {
        self.issued.get(i)
    }
}
