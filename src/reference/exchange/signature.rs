//! Who signed a JWT, and all the ways in which a server has been known to get that wrong.

use super::super::AuthServer;
use super::super::fault::FaultId;
use super::super::jwt::Jwt;
use super::super::keys::{self, Key};
use super::presented::Role;

/// The length of a genuine signature in base64url.
fn signature_length(alg: &str) -> Option<usize> {
    match alg {
        "ES256" => Some(86),
        "RS256" => Some(342),
        _ => None,
    }
}

/// Whether one of `keys` made the signature. `others` are keys that the server trusts for other
/// issuers: a signature by one of them proves nothing here (RFC 8725 §3.8).
pub(super) fn signature_is_trusted(
    server: &AuthServer,
    jwt: &Jwt,
    keys: &[&Key],
    others: &[&Key],
    role: Role,
) -> bool {
    if keys.iter().any(|key| jwt.signed_by(key)) {
        return true;
    }
    let alg = jwt.alg();
    if alg.eq_ignore_ascii_case("none") {
        return server.on(match alg {
            "none" => role.pick(FaultId::AlgNoneAccepted, FaultId::ActorAlgNoneAccepted),
            _ => FaultId::AlgNoneInOtherCaseAccepted,
        });
    }
    if alg == "HS256" {
        return signed_with_public_key(server, jwt) && server.on(FaultId::Hs256WithPublicKeyAccepted);
    }
    let header = |name: &str| jwt.header.get(name);
    let embedded =
        header("jwk").is_some_and(|jwk| keys::verifies_under_jwk(jwk, jwt.signed.as_bytes(), jwt.signature));
    (others.iter().any(|key| jwt.signed_by(key)) && server.on(FaultId::IssuerKeyNotPinned))
        || (embedded && server.on(FaultId::EmbeddedJwkTrusted))
        || (header("jku").or(header("x5u")).is_some() && server.on(FaultId::KeyUrlInHeaderTrusted))
        || damaged_signature_accepted(server, jwt, keys)
        || server.on(role.pick(FaultId::AlteredSubjectAccepted, FaultId::AlteredActorAccepted))
}

fn damaged_signature_accepted(server: &AuthServer, jwt: &Jwt, keys: &[&Key]) -> bool {
    if jwt.signature.is_empty() {
        return server.on(FaultId::EmptySignatureAccepted);
    }
    if jwt.signature.bytes().all(|byte| byte == b'A') {
        return server.on(FaultId::ZeroSignatureAccepted);
    }
    let Some(length) = signature_length(jwt.alg()) else {
        return false;
    };
    match jwt.signature.get(..length) {
        None => server.on(FaultId::TruncatedTokenAccepted),
        Some(start) => {
            jwt.signature.len() > length
                && keys.iter().any(|key| key.verifies(jwt.signed.as_bytes(), start))
                && server.on(FaultId::AppendedTokenAccepted)
        }
    }
}

fn signed_with_public_key(server: &AuthServer, jwt: &Jwt) -> bool {
    keys::public_key_texts(server.keys).iter().any(|secret| {
        keys::sign_hs256(secret.as_bytes(), jwt.signed.as_bytes()).as_deref() == Some(jwt.signature)
    })
}
