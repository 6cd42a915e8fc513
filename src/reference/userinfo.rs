//! `GET` and `POST /userinfo`: one place where an access token can be used (RFC 6750, RFC 9449 §7).

use serde_json::json;
use wiremock::Request;

use super::clock::now;
use super::fault::FaultId;
use super::introspect::{Found, find};
use super::jwt::Jwt;
use super::reply::Reply;
use super::store::{Kind, Record};
use super::{AuthServer, dpop};

pub(super) fn userinfo(server: &AuthServer, request: &Request) -> Reply {
    if !matches!(request.method.as_str(), "GET" | "POST") {
        return Reply::empty(405).header("Allow", "GET, POST".to_owned());
    }
    let header = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    let Some((scheme, token)) = header.and_then(|header| header.split_once(' ')) else {
        return Reply::empty(401).header("WWW-Authenticate", "Bearer".to_owned());
    };
    let found = find(server, token.trim()).filter(|found| is_usable(server, found));
    let found = found.or_else(|| id_token(server, token.trim()));
    let Some(found) = found.filter(|found| proven(server, request, scheme, token.trim(), found)) else {
        return challenge(401, "invalid_token");
    };
    let claims = &found.record.claims;
    match claims.scope.iter().any(|scope| SCOPES.contains(&scope.as_str())) {
        true => Reply::json(200, &json!({ "sub": named(server, &found.record) })).uncached(),
        false => challenge(403, "insufficient_scope"),
    }
}

/// Either opens the endpoint.
const SCOPES: [&str; 2] = ["openid", "read"];

/// Whom the answer names. A faulty server keeps its first answer to each client.
fn named(server: &AuthServer, record: &Record) -> String {
    if !server.faults.any() {
        return record.claims.sub.clone();
    }
    let request = format!("userinfo {}", record.client);
    match server.store.remembered_answer(&request) {
        Some((_, first)) if first != record.claims.sub && server.on(FaultId::UserinfoAnswersFromCache) => {
            first
        }
        Some(_) => record.claims.sub.clone(),
        None => {
            server.store.remember_answer(request, record.claims.sub.clone());
            record.claims.sub.clone()
        }
    }
}

/// An ID token in place of an access token, where a fault takes it.
fn id_token(server: &AuthServer, token: &str) -> Option<Found> {
    let jwt = Jwt::parse(token).filter(|jwt| jwt.signed_by(&server.keys.as_es256))?;
    let key = jwt.text("jti")?.to_owned();
    let record = server.store.find(&key).filter(|record| record.kind == Kind::Id)?;
    server.on(FaultId::UserinfoTakesIdTokens).then_some(Found { record, key, genuine: true })
}

fn is_usable(server: &AuthServer, found: &Found) -> bool {
    let claims = &found.record.claims;
    let in_time = claims.exp.is_none_or(|exp| exp > now()) && claims.nbf.is_none_or(|nbf| nbf <= now());
    let kind = found.record.kind;
    found.genuine
        && in_time
        && (kind == Kind::Access || (kind == Kind::Refresh && server.on(FaultId::UserinfoTakesRefreshTokens)))
        && (!found.record.revoked || server.on(FaultId::UserinfoTakesRevokedTokens))
}

/// A bound token needs its own scheme and a proof of its key that names the token.
fn proven(server: &AuthServer, request: &Request, scheme: &str, token: &str, found: &Found) -> bool {
    match &found.record.claims.jkt {
        None => scheme.eq_ignore_ascii_case("Bearer"),
        Some(jkt) => {
            let proof = dpop::proof(server, request, "/userinfo", Some(token));
            scheme.eq_ignore_ascii_case("DPoP") && proof.ok().flatten().as_ref() == Some(jkt)
        }
    }
}

fn challenge(status: u16, error: &str) -> Reply {
    Reply::empty(status).header("WWW-Authenticate", format!("Bearer error=\"{error}\""))
}
