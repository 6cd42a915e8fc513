//! The server's description of itself (RFC 8414, OpenID Connect Discovery) and its public keys.

use serde_json::{Map, Value, json};

use super::AuthServer;
use super::clients::{Grant, RESOURCES};
use super::fault::FaultId;
use super::feature::Feature;
use super::reply::Reply;

/// Which of the two well-known documents is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    OAuth,
    OpenId,
}

pub(super) fn metadata(server: &AuthServer, document: Document) -> Reply {
    if server.on(FaultId::NoMetadata) {
        return Reply::empty(404);
    }
    let mut body = description(server);
    disfigure(server, document, &mut body);
    let reply = Reply::json(200, &Value::Object(body));
    match server.on(FaultId::MetadataAsText) {
        true => reply.header("Content-Type", "text/plain".to_owned()),
        false => reply,
    }
}

fn description(server: &AuthServer) -> Map<String, Value> {
    let auth_methods =
        ["client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt", "none"];
    // `none` is left out where a client must prove who it is.
    let (token_methods, other_methods) = (&auth_methods[..], &auth_methods[..4]);
    let members = [
        ("issuer", json!(server.issuer)),
        ("token_endpoint", json!(server.url("/token"))),
        ("jwks_uri", json!(server.url("/jwks"))),
        ("userinfo_endpoint", json!(server.url("/userinfo"))),
        ("introspection_endpoint", json!(server.url("/introspect"))),
        ("revocation_endpoint", json!(server.url("/revoke"))),
        // Required even of a server without an authorization endpoint; the value promises nothing.
        ("response_types_supported", json!(["code"])),
        ("grant_types_supported", json!(Grant::ALL.map(Grant::uri))),
        ("scopes_supported", json!(["openid", "profile", "offline_access", "read", "write", "admin"])),
        ("token_endpoint_auth_methods_supported", json!(token_methods)),
        ("token_endpoint_auth_signing_alg_values_supported", json!(["ES256", "HS256"])),
        ("introspection_endpoint_auth_methods_supported", json!(other_methods)),
        ("introspection_endpoint_auth_signing_alg_values_supported", json!(["ES256", "HS256"])),
        ("revocation_endpoint_auth_methods_supported", json!(token_methods)),
        ("revocation_endpoint_auth_signing_alg_values_supported", json!(["ES256", "HS256"])),
        ("dpop_signing_alg_values_supported", json!(["ES256"])),
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["ES256", "RS256"])),
        (
            "identity_chaining_requested_token_types_supported",
            json!(["urn:ietf:params:oauth:token-type:id-jag"]),
        ),
        ("authorization_grant_profiles_supported", json!(["urn:ietf:params:oauth:grant-profile:id-jag"])),
        ("protected_resources", json!(RESOURCES)),
    ];
    let mut body: Map<String, Value> =
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (member, path) in [
        ("userinfo_endpoint", "/userinfo"),
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
    ] {
        if server.vendor.external(path).is_none() {
            body.shift_remove(member);
        }
    }
    if !server.offers(Feature::Dpop) {
        body.shift_remove("dpop_signing_alg_values_supported");
    }
    body
}

fn disfigure(server: &AuthServer, document: Document, body: &mut Map<String, Value>) {
    let issuer = server.issuer.as_str();
    let replaced = [
        (FaultId::MetadataIssuerMismatch, "issuer", json!(format!("{issuer}/"))),
        (FaultId::MetadataIssuerWithQuery, "issuer", json!(format!("{issuer}?tenant=1"))),
        (
            FaultId::MetadataGrantNotAdvertised,
            "grant_types_supported",
            json!(["password", "client_credentials", "refresh_token"]),
        ),
        (FaultId::MetadataEmptyArray, "response_modes_supported", json!([])),
        (FaultId::TokenEndpointWithFragment, "token_endpoint", json!(format!("{issuer}/token#exchange"))),
        (
            FaultId::MetadataAlgNone,
            "token_endpoint_auth_signing_alg_values_supported",
            json!(["ES256", "HS256", "none"]),
        ),
        (FaultId::MetadataWithoutRs256, "id_token_signing_alg_values_supported", json!(["ES256"])),
        (
            FaultId::MetadataHidesPost,
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "private_key_jwt", "client_secret_jwt", "none"]),
        ),
        (
            FaultId::MetadataHidesBasic,
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_post", "private_key_jwt", "client_secret_jwt", "none"]),
        ),
        (FaultId::MetadataDpopAlgNone, "dpop_signing_alg_values_supported", json!(["ES256", "none"])),
        (FaultId::MetadataDpopEmpty, "dpop_signing_alg_values_supported", json!([])),
        (FaultId::MetadataPlainHttp, "token_endpoint", json!("http://as.example.com/token")),
        (FaultId::MetadataPlainHttp, "introspection_endpoint", json!("http://as.example.com/introspect")),
        (FaultId::MetadataPlainHttp, "jwks_uri", json!("http://as.example.com/jwks")),
    ];
    for (fault, member, value) in replaced {
        if server.on(fault) {
            body.insert(member.to_owned(), value);
        }
    }
    let omitted = [
        (FaultId::MetadataWithoutTokenEndpoint, "token_endpoint"),
        (FaultId::MetadataWithoutResponseTypes, "response_types_supported"),
        (FaultId::MetadataWithoutAuthAlgs, "token_endpoint_auth_signing_alg_values_supported"),
        (FaultId::MetadataWithoutGrantTypes, "grant_types_supported"),
    ];
    for (fault, member) in omitted {
        if server.on(fault) {
            body.shift_remove(member);
        }
    }
    if document == Document::OpenId && server.on(FaultId::MetadataDocumentsDiffer) {
        body.insert("jwks_uri".to_owned(), json!(format!("{issuer}/jwks.json")));
    }
}

pub(super) fn jwks(server: &AuthServer) -> Reply {
    let mut keys = vec![server.keys.as_es256.public_jwk.clone(), server.keys.as_rs256.public_jwk.clone()];
    if server.on(FaultId::JwksWithoutSigningKey) {
        keys.remove(0);
    }
    if server.on(FaultId::JwksLeaksPrivateKey)
        && let Some(key) = keys.first_mut().and_then(Value::as_object_mut)
    {
        // Not the real half: a leak is recognised by the member, and the key stays good for tests.
        key.insert("d".to_owned(), "bm90LXRoZS1yZWFsLXByaXZhdGUta2V5LWJ1dC0zMi4".into());
    }
    Reply::json(200, &json!({ "keys": keys }))
}
