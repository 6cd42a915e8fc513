//! The successful response of an exchange (RFC 8693 §2.2.1), and the faults in its form.

use serde_json::{Map, Value, json};

use super::super::AuthServer;
use super::super::fault::FaultId;
use super::super::feature::Feature;
use super::super::reply::Reply;
use super::super::store::Kind;
use super::issue::Issued;

pub(super) fn answer(server: &AuthServer, issued: &Issued) -> Reply {
    let mut body = Map::new();
    body.insert("access_token".to_owned(), issued.token.as_str().into());
    body.insert("issued_token_type".to_owned(), issued.issued_token_type.as_str().into());
    body.insert("token_type".to_owned(), token_type(server, issued).into());
    body.insert("expires_in".to_owned(), issued.expires_in.into());
    if let Some(scope) = &issued.reported_scope {
        body.insert("scope".to_owned(), scope.join(" ").into());
    }
    if let Some((member, token)) = &issued.beside {
        body.insert((*member).to_owned(), token.as_str().into());
        if *member == "id_token" {
            body.shift_remove("access_token");
        }
    }
    members(server, issued, &mut body);
    headers(server, wire(server, &body))
}

/// How the token is used: `N_A` when it is no access token.
fn token_type(server: &AuthServer, issued: &Issued) -> &'static str {
    match issued.kind {
        Kind::Id if server.on(FaultId::BearerForIdToken) => "Bearer",
        Kind::Refresh if server.on(FaultId::BearerForRefreshToken) => "Bearer",
        kind if kind != Kind::Access && server.on(FaultId::NaMisspelt) => "N/A",
        Kind::Id | Kind::Refresh | Kind::Grant | Kind::Transaction => "N_A",
        Kind::Access if server.on(FaultId::NaForAccessToken) => "N_A",
        Kind::Access if issued.bound && !server.on(FaultId::BoundTokenAsBearer) => "DPoP",
        Kind::Access if !server.offers(Feature::Dpop) && server.on(FaultId::DpopLabelWithoutBinding) => {
            "DPoP"
        }
        Kind::Access => "Bearer",
    }
}

fn members(server: &AuthServer, issued: &Issued, body: &mut Map<String, Value>) {
    for (fault, member) in OMITTED {
        if body.contains_key(member) && server.on(fault) {
            body.shift_remove(member);
        }
    }
    for (fault, member, value) in REPLACED {
        if server.on(fault) {
            body.insert(member.to_owned(), serde_json::from_str(value).unwrap_or_default());
        }
    }
    if server.on(FaultId::ExpiresInAsString) {
        body.insert("expires_in".to_owned(), issued.expires_in.to_string().into());
    }
    if let Some(scope) = issued.reported_scope.as_ref().filter(|_| server.on(FaultId::ScopeMemberIsArray)) {
        body.insert("scope".to_owned(), scope.clone().into());
    }
    if server.on(FaultId::AccessTokenAsObject) {
        body.insert("access_token".to_owned(), json!({ "value": issued.token }));
    }
    if server.on(FaultId::AccessTokenInOtherMember) {
        body.shift_remove("access_token");
        body.insert("token".to_owned(), issued.token.as_str().into());
    }
    let none_yet = issued.kind != Kind::Refresh && !body.contains_key("refresh_token");
    if none_yet && server.on(FaultId::AddsRefreshToken) {
        body.insert("refresh_token".to_owned(), super::super::mint::random().into());
    }
}

/// The bytes of the body.
fn wire(server: &AuthServer, body: &Map<String, Value>) -> Reply {
    let mut value = Value::Object(body.clone());
    if server.on(FaultId::BodyWrappedInObject) {
        value = json!({ "data": value });
    }
    if server.on(FaultId::BodyWrappedInArray) {
        value = json!([value]);
    }
    let mut reply = Reply::json(200, &value);
    if server.on(FaultId::DuplicateResponseMember) {
        reply.body.splice(..1, *br#"{"access_token":"superseded","#);
    }
    if server.on(FaultId::BodyNotUtf8) {
        reply.body.splice(..1, *b"{\"note\":\"caf\xe9\",");
    }
    if server.on(FaultId::BodyWithByteOrderMark) {
        reply.body.splice(..0, *b"\xef\xbb\xbf");
    }
    reply
}

fn headers(server: &AuthServer, reply: Reply) -> Reply {
    let mut reply = reply.uncached();
    if server.on(FaultId::SuccessWithStatus201) {
        reply.status = 201;
    }
    if server.on(FaultId::SuccessByRedirect) {
        reply.status = 302;
        reply = reply.header("Location", format!("{}/done", server.issuer));
    }
    if server.on(FaultId::SuccessAsHtml) {
        reply = reply.header("Content-Type", "text/html".to_owned());
    }
    if server.on(FaultId::SuccessWithoutContentType) {
        reply.drop_header("Content-Type");
    }
    if server.on(FaultId::NoCacheControl) {
        reply.drop_header("Cache-Control");
    }
    if server.on(FaultId::CacheControlPrivate) {
        reply = reply.header("Cache-Control", "private, max-age=0".to_owned());
    }
    if server.on(FaultId::NoPragma) {
        reply.drop_header("Pragma");
    }
    reply
}

const OMITTED: [(FaultId, &str); 3] = [
    (FaultId::OmitsIssuedTokenType, "issued_token_type"),
    (FaultId::OmitsTokenType, "token_type"),
    (FaultId::OmitsExpiresIn, "expires_in"),
];

/// Members whose value is replaced, as JSON text.
const REPLACED: [(FaultId, &str, &str); 14] = [
    (FaultId::EmptyAccessToken, "access_token", r#""""#),
    (FaultId::NullIssuedTokenType, "issued_token_type", "null"),
    (FaultId::EmptyIssuedTokenType, "issued_token_type", r#""""#),
    (FaultId::IssuedTokenTypeBareWord, "issued_token_type", r#""access_token""#),
    (FaultId::IssuedTokenTypeIsBearer, "issued_token_type", r#""Bearer""#),
    (FaultId::TokenTypeIsUrn, "token_type", r#""urn:ietf:params:oauth:token-type:access_token""#),
    (FaultId::EmptyTokenType, "token_type", r#""""#),
    (FaultId::UnknownTokenType, "token_type", r#""opaque""#),
    (FaultId::ExpiresInZero, "expires_in", "0"),
    (FaultId::ExpiresInNegative, "expires_in", "-1"),
    (FaultId::ExpiresInFraction, "expires_in", "3599.5"),
    (FaultId::ExpiresInDiffersFromExp, "expires_in", "360000"),
    (FaultId::ScopeMemberWithQuotes, "scope", r#""\"read\"""#),
    (FaultId::ErrorMemberInSuccess, "error", r#""invalid_request""#),
];
