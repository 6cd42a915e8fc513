//! Who may exchange what: refusals of tokens that are valid in themselves (RFC 8693 §2.2.2).

use serde_json::Value;

use super::super::AuthServer;
use super::super::clients::{Client, find_client, find_user};
use super::super::fault::FaultId;
use super::super::refusal::{Refusal, Why};
use super::super::store::Kind;
use super::super::vendor::Behaviour;
use super::presented::Presented;

/// Runs every rule on the parties of one exchange.
pub(super) fn check(
    server: &AuthServer,
    client: &Client,
    subject: &Presented,
    actor: Option<&Presented>,
) -> Result<(), Refusal> {
    for party in std::iter::once(subject).chain(actor) {
        let native = party.issuer == server.issuer;
        let client_of = |id: &str| find_client(id).is_some_and(|client| client.disabled);
        let disabled = native
            && (find_user(&party.claims.sub).is_some_and(|user| user.disabled)
                || client_of(&party.claims.sub)
                || party.holder.as_deref().is_some_and(client_of));
        if disabled && !server.on(FaultId::DisabledPrincipalAccepted) {
            return Err(Refusal::new(Why::Policy, "the account is disabled"));
        }
    }
    // Where a claim decides who may exchange, it does not matter to whom the token was issued.
    if !server.vendor.may_act_required {
        check_holder(server, client, subject)?;
    }
    check_may_act(server, client, subject, actor)
}

/// A client exchanges tokens that it was given itself, or that name it in their audience, or access
/// tokens of its own family. Otherwise whoever gets hold of another client's token could trade it here
/// for one of its own.
fn check_holder(server: &AuthServer, client: &Client, subject: &Presented) -> Result<(), Refusal> {
    let Some(holder) = &subject.holder else {
        return Ok(());
    };
    let named = subject.kind != Kind::Refresh && subject.claims.aud.iter().any(|aud| aud == client.id);
    let related =
        subject.kind == Kind::Access && client.family && find_client(holder).is_some_and(|c| c.family);
    if holder == client.id || named || related {
        return Ok(());
    }
    let fault = match subject.kind {
        Kind::Id => FaultId::CrossClientIdTokenAccepted,
        _ => FaultId::CrossClientSubjectAccepted,
    };
    match server.on(fault) {
        true => Ok(()),
        false => Err(Refusal::new(Why::Policy, "the subject_token belongs to another client")),
    }
}

/// The subject's `may_act` names the only party that may act for it (RFC 8693 §4.4): the actor, or
/// without an actor token the client itself.
fn check_may_act(
    server: &AuthServer,
    client: &Client,
    subject: &Presented,
    actor: Option<&Presented>,
) -> Result<(), Refusal> {
    if server.vendor.may_act_required {
        let actor = actor.map(|actor| actor.claims.sub.as_str());
        return match Behaviour::may_act(subject.claims.may_act.as_ref(), client.id, actor) {
            true => Ok(()),
            false => Err(Refusal::new(Why::Policy, "the subject_token does not allow this exchange")),
        };
    }
    let Some(may_act) = &subject.claims.may_act else {
        return Ok(());
    };
    if may_act.is_object() && server.on(FaultId::MayActRefused) {
        return Err(Refusal::new(Why::Policy, "a token with may_act cannot be exchanged"));
    }
    let (sub, issuer, client_id) = match actor {
        Some(actor) => (actor.claims.sub.as_str(), actor.issuer.as_str(), actor.holder.as_deref()),
        None => (client.id, server.issuer.as_str(), Some(client.id)),
    };
    let Some(wanted) = may_act.get("sub").and_then(Value::as_str) else {
        return match server.on(FaultId::MalformedMayActIgnored) {
            true => Ok(()),
            false => Err(Refusal::new(Why::Policy, "the may_act claim of the subject_token is malformed")),
        };
    };
    let same_sub = wanted == sub;
    let agrees = |member: &str, value: Option<&str>| {
        may_act.get(member).is_none_or(|wanted| wanted.is_string() && wanted.as_str() == value)
    };
    let allowed = (same_sub && agrees("iss", Some(issuer)) && agrees("client_id", client_id))
        || (same_sub && server.on(FaultId::MayActChecksSubOnly))
        || (actor.is_none() && server.on(FaultId::MayActIgnoredWithoutActor))
        || server.on(FaultId::MayActIgnored);
    match allowed {
        true => Ok(()),
        false => Err(Refusal::new(Why::Policy, "the subject_token does not allow this actor")),
    }
}

/// The key to which the result is bound. A bound subject or actor token is worth nothing without
/// proof of its key, or an exchange would turn a stolen one into a bearer token.
pub(super) fn binding(
    server: &AuthServer,
    subject: &Presented,
    actor: Option<&Presented>,
    proven: Option<String>,
) -> Result<Option<String>, Refusal> {
    let bound = |party: &&Presented| party.claims.jkt.is_some();
    let parties = || std::iter::once(subject).chain(actor).filter(bound);
    if parties().all(|party| party.claims.jkt == proven) {
        let laundered = parties().next().is_some() && server.on(FaultId::BoundSubjectGivesUnboundToken);
        return Ok(proven.filter(|_| !laundered));
    }
    let accepted = match proven {
        None => server.on(FaultId::BoundSubjectWithoutProofAccepted),
        Some(_) => server.on(FaultId::BoundSubjectReboundToOtherKey),
    };
    match accepted {
        true => Ok(proven),
        false => Err(Refusal::new(Why::Policy, "a presented token is bound to a key that was not proven")),
    }
}
