//! The token exchange grant (RFC 8693): what is asked, whether it may be had, and the answer.

mod answer;
mod delegation;
mod drafts;
mod fetch;
mod issue;
mod policy;
mod presented;
mod request;
mod scope;
mod signature;
mod signed;
mod target;

use std::time::Instant;

use wiremock::Request;

use super::clients::{Client, DEFAULT_AUDIENCE, DEFAULT_SCOPES};
use super::clock::now;
use super::fault::FaultId;
use super::form::Form;
use super::jwt::Jwt;
use super::mint::Format;
use super::refusal::{Refusal, Why};
use super::reply::Reply;
use super::store::{Claims, Kind};
use super::{AuthServer, dpop};
use issue::Decision;
use presented::{Presented, Role};
pub(super) use request::TokenType;
use request::{Asked, Requested};

/// Serves one exchange for an authenticated client that may use the grant.
pub(super) fn exchange(
    server: &AuthServer,
    request: &Request,
    form: &Form,
    client: &'static Client,
) -> Result<Reply, Refusal> {
    let asked = Asked::read(server, form).inspect_err(|_| spend_refused(server, form))?;
    let sends_proof = request.headers.contains_key("dpop");
    let proven = match sends_proof && server.on(FaultId::DpopIgnored) {
        true => None,
        false => dpop::proof(server, request, "/token", None)?,
    };
    if client.bound_only && proven.is_none() && !server.on(FaultId::BoundClientGetsBearerToken) {
        return Err(Refusal::new(Why::Proof, "this client may have bound tokens only"));
    }
    let subject = match asked.subject {
        Some(declared) => presented::validate(server, declared, Role::Subject)?,
        None => client_itself(server, client),
    };
    let nearly_over = subject.claims.exp.is_some_and(|exp| exp < now() + 180);
    if nearly_over && server.on(FaultId::NearlyExpiredSubjectCrashes) {
        return Err(Refusal::broken());
    }
    let actor = asked.actor.map(|declared| presented::validate(server, declared, Role::Actor)).transpose()?;
    let actor = actor.as_ref();
    if let (Some(wanted), Some(actor)) = (&server.vendor.actor_scope, actor)
        && (!actor.claims.scope.contains(wanted) || actor.format != Format::Opaque)
    {
        return Err(Role::Actor.invalid());
    }
    let client = drafts::client(server, client, &subject, asked.requested);
    policy::check(server, client, &subject, actor)?;
    if asked.requested == Requested::Known(TokenType::AccessToken)
        && server.on(FaultId::RequestedAccessTokenRefused)
    {
        return Err(Refusal::new(Why::RequestedTypeRefused, "access tokens need no requested_token_type"));
    }
    let jkt = policy::binding(server, &subject, actor, proven)?;
    if let Some(key) = subject.key.as_ref()
        && server.store.results_of(key) == 1
        && server.on(FaultId::SecondExchangeEndsFirst)
    {
        server.store.revoke_results_of(key);
    }
    let decision = Decision {
        client,
        requested: asked.requested,
        aud: target::audience(server, form, client, &subject, asked.requested)?,
        scope: scope::grant(server, form, client, &subject, actor.is_some())?,
        act: delegation::act(server, form, client, &subject, actor)?,
        jkt,
        targeted: form.one("resource").or(form.one("audience")).is_some(),
        subject: &subject,
        actor,
    };
    let issued = issue::issue(server, form, &decision)?;
    leave_inputs(server, &subject, actor);
    Ok(answer::answer(server, &issued))
}

/// A faulty server uses a subject token up although it refused the request.
fn spend_refused(server: &AuthServer, form: &Form) {
    let jti =
        form.one("subject_token").and_then(Jwt::parse).and_then(|jwt| jwt.text("jti").map(str::to_owned));
    if let Some(jti) =
        jti.filter(|jti| server.store.find(jti).is_some_and(|record| record.exchanged_at.is_none()))
        && form.one("requested_token_type").is_some()
        && server.on(FaultId::RefusedExchangeUsesUpSubject)
    {
        server.store.change(&jti, |record| record.exchanged_at = Some(Instant::now()));
    }
}

/// An exchange changes nothing about its inputs, but for a token that may be exchanged only once.
fn leave_inputs(server: &AuthServer, subject: &Presented, actor: Option<&Presented>) {
    let use_up = |key: &str, by_fault: bool| {
        server.store.change(key, |record| {
            if record.single_use || by_fault {
                record.exchanged_at = record.exchanged_at.or_else(|| Some(Instant::now()));
            }
        });
    };
    if let Some(key) = &subject.key {
        use_up(key, server.on(FaultId::SubjectUsedUpByExchange));
        if server.on(FaultId::SubjectRevokedByExchange) {
            server.store.revoke(key);
        }
    }
    if let Some(key) = actor.and_then(|actor| actor.key.as_ref()) {
        use_up(key, server.on(FaultId::ActorUsedUpByExchange));
    }
}

/// The client in place of a subject that a faulty server has lost.
fn client_itself(server: &AuthServer, client: &Client) -> Presented {
    Presented {
        claims: Claims {
            sub: client.id.to_owned(),
            scope: DEFAULT_SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            aud: vec![DEFAULT_AUDIENCE.to_owned()],
            of_client: true,
            ..Claims::default()
        },
        issuer: server.issuer.clone(),
        holder: Some(client.id.to_owned()),
        named_client: None,
        kind: Kind::Access,
        format: Format::Jwt,
        foreign: false,
        key: None,
    }
}
