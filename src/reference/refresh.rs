//! The refresh grant. A token that came from an exchange keeps what the exchange decided: client,
//! scope, audience and actors never widen here.

use serde_json::{Map, Value};
use wiremock::Request;

use super::clients::{Client, Credential, RESOURCES, find_user};
use super::clock::now;
use super::fault::FaultId;
use super::feature::Feature;
use super::form::Form;
use super::mint::{Format, LIFETIME, expiry, scope};
use super::refusal::{Refusal, Why};
use super::reply::Reply;
use super::store::{Claims, Kind, Record};
use super::{AuthServer, dpop};

const INVALID: Refusal = Refusal::new(Why::GrantInvalid, "the refresh token is not valid");

pub(super) fn refresh(
    server: &AuthServer,
    request: &Request,
    form: &Form,
    client: &Client,
) -> Result<Reply, Refusal> {
    let token =
        form.one("refresh_token").ok_or(Refusal::new(Why::BadParameter, "refresh_token is missing"))?;
    let record = usable(server, token, client)?;
    let jkt = proven_key(server, request, &record)?;
    let granted = Claims {
        scope: narrowed_scope(server, form, client, &record)?,
        aud: narrowed_audience(server, form, &record)?,
        act: record
            .claims
            .act
            .clone()
            .filter(|_| !(record.from_exchange && server.on(FaultId::RefreshDropsAct))),
        jkt,
        iat: now(),
        exp: Some(expiry(LIFETIME, record.claims.exp)),
        nbf: None,
        sub: subject(server, client, &record),
        ..record.claims.clone()
    };
    let token_type = if granted.jkt.is_some() { "DPoP" } else { "Bearer" };
    let mut body = Map::new();
    let lifetime = granted.exp.unwrap_or_default() - granted.iat;
    let granted_scope = scope(&granted.scope);
    let mut access = Record::new(Kind::Access, client.id, granted);
    access.from_exchange = record.from_exchange;
    let format = if server.offers(Feature::JwtAccessTokens) { Format::Jwt } else { Format::Opaque };
    body.insert("access_token".to_owned(), server.access_token(access, format)?.into());
    body.insert("token_type".to_owned(), token_type.into());
    body.insert("expires_in".to_owned(), lifetime.into());
    body.insert("scope".to_owned(), granted_scope.unwrap_or_default());
    if client.credential == Credential::None {
        body.insert("refresh_token".to_owned(), rotated(server, token, record).into());
    }
    Ok(Reply::json(200, &Value::Object(body)).uncached())
}

fn usable(server: &AuthServer, token: &str, client: &Client) -> Result<Record, Refusal> {
    let record = server.store.find(token).filter(|record| record.kind == Kind::Refresh).ok_or(INVALID)?;
    let alive = !record.revoked && record.claims.exp.is_none_or(|exp| exp > now());
    let disabled = find_user(&record.claims.sub).is_some_and(|user| user.disabled);
    if !alive || disabled {
        return Err(INVALID);
    }
    if record.from_exchange && server.on(FaultId::ExchangedRefreshTokenUnusable) {
        return Err(INVALID);
    }
    let other = record.client != client.id;
    if other && !(record.from_exchange && server.on(FaultId::RefreshTokenOfOtherClientAccepted)) {
        return Err(INVALID);
    }
    Ok(record)
}

/// Whom the new token speaks for: whom the exchanged one does.
fn subject(server: &AuthServer, client: &Client, record: &Record) -> String {
    let other = record.from_exchange && record.claims.sub != client.id;
    match other && server.on(FaultId::RefreshNamesClient) {
        true => client.id.to_owned(),
        false => record.claims.sub.clone(),
    }
}

fn proven_key(server: &AuthServer, request: &Request, record: &Record) -> Result<Option<String>, Refusal> {
    let proof = dpop::proof(server, request, "/token", None)?;
    match &record.claims.jkt {
        Some(bound) if proof.as_ref() != Some(bound) && !server.on(FaultId::RefreshKeyUnchecked) => {
            Err(INVALID)
        }
        _ => Ok(proof),
    }
}

fn narrowed_scope(
    server: &AuthServer,
    form: &Form,
    client: &Client,
    record: &Record,
) -> Result<Vec<String>, Refusal> {
    let Some(asked) = form.one("scope") else {
        let narrowed = record.from_exchange && record.claims.scope.len() < client.scopes.len();
        if narrowed && server.on(FaultId::RefreshWidensScope) {
            return Ok(client.scopes.iter().map(|scope| (*scope).to_owned()).collect());
        }
        return Ok(record.claims.scope.clone());
    };
    let asked: Vec<String> = asked.split(' ').map(str::to_owned).collect();
    if asked.iter().all(|scope| record.claims.scope.contains(scope)) {
        return Ok(asked);
    }
    let within_client = asked.iter().all(|scope| client.scopes.contains(&scope.as_str()));
    if within_client && record.from_exchange && server.on(FaultId::RefreshWidensScope) {
        return Ok(asked);
    }
    Err(Refusal::new(Why::ScopeNotAllowed, "a requested scope was not granted before"))
}

fn narrowed_audience(server: &AuthServer, form: &Form, record: &Record) -> Result<Vec<String>, Refusal> {
    let asked: Vec<String> = form.all("audience").chain(form.all("resource")).map(str::to_owned).collect();
    if asked.is_empty() {
        if record.from_exchange && server.on(FaultId::RefreshWidensAudience) {
            return Ok(RESOURCES.iter().map(|target| (*target).to_owned()).collect());
        }
        return Ok(record.claims.aud.clone());
    }
    if asked.iter().all(|target| record.claims.aud.contains(target)) {
        return Ok(asked);
    }
    if record.from_exchange && server.on(FaultId::RefreshWidensAudience) {
        return Ok(asked);
    }
    Err(Refusal::new(Why::TargetUnknown, "a requested target was not granted before"))
}

/// A public client gets a new refresh token each time and the old one dies (RFC 9700 §2.2.2).
fn rotated(server: &AuthServer, token: &str, record: Record) -> String {
    if server.on(FaultId::RefreshNotRotated) {
        return token.to_owned();
    }
    server.store.revoke(token);
    server.opaque(record)
}
