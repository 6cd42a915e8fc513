//! `GET` and `POST /userinfo`: one place where an access token can be used (RFC 6750, RFC 9449 §7).

use serde_json::json;
use wiremock::Request;

use super::clock::now;
use super::introspect::{Found, find};
use super::reply::Reply;
use super::store::Kind;
use super::{AuthServer, dpop};

pub(super) fn userinfo(server: &AuthServer, request: &Request) -> Reply {
    if !matches!(request.method.as_str(), "GET" | "POST") {
        return Reply::empty(405).header("Allow", "GET, POST".to_owned());
    }
    let header = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    let Some((scheme, token)) = header.and_then(|header| header.split_once(' ')) else {
        return Reply::empty(401).header("WWW-Authenticate", "Bearer".to_owned());
    };
    let found = find(server, token.trim()).filter(is_usable);
    let Some(found) = found.filter(|found| proven(server, request, scheme, token.trim(), found)) else {
        return challenge(401, "invalid_token");
    };
    let claims = &found.record.claims;
    match claims.scope.iter().any(|scope| scope == "openid") {
        true => Reply::json(200, &json!({ "sub": claims.sub })).uncached(),
        false => challenge(403, "insufficient_scope"),
    }
}

fn is_usable(found: &Found) -> bool {
    let claims = &found.record.claims;
    found.record.kind == Kind::Access
        && found.genuine
        && !found.record.revoked
        && claims.exp.is_none_or(|exp| exp > now())
        && claims.nbf.is_none_or(|nbf| nbf <= now())
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
