//! Client authentication by a signed JWT: `private_key_jwt` and `client_secret_jwt` (RFC 7523 §3).

use super::AuthServer;
use super::clients::{Client, Credential, find_client};
use super::clock::now;
use super::fault::FaultId;
use super::form::Form;
use super::jwt::{self, Jwt};
use super::keys;
use super::refusal::{Refusal, Why};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FAILED: Refusal = Refusal::new(Why::ClientAssertion, "the client assertion is not acceptable");

pub(super) fn authenticate(server: &AuthServer, form: &Form) -> Result<&'static Client, Refusal> {
    if form.one("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(FAILED);
    }
    let assertion = form.one("client_assertion").ok_or(FAILED)?;
    let jwt = Jwt::parse(assertion).filter(|jwt| !jwt.duplicated).ok_or(FAILED)?;
    let client = issuer_of(server, &jwt).ok_or(FAILED)?;
    if form.one("client_id").is_some_and(|id| id != client.id) {
        return Err(Refusal::new(Why::ClientIdMismatch, "client_id differs from the authenticated client"));
    }
    if !typ_is_right(server, &jwt)
        || !signature_is_right(server, &jwt, client)
        || jwt.header.contains_key("crit")
    {
        return Err(FAILED);
    }
    let fresh = time_is_right(server, &jwt);
    if !fresh || !audience_is_right(server, &jwt) {
        return Err(FAILED);
    }
    if let Some(jti) = jwt.text("jti") {
        let first = server.store.first_sight(format!("assertion {} {jti}", client.id));
        if !first && !server.on(FaultId::AssertionReplayAccepted) {
            return Err(FAILED);
        }
    }
    Ok(client)
}

/// `iss` and `sub` both are the client (RFC 7523 §3).
fn issuer_of(server: &AuthServer, jwt: &Jwt) -> Option<&'static Client> {
    let client = find_client(jwt.text("iss")?)?;
    let same = jwt.text("sub") == Some(client.id);
    (same || server.on(FaultId::AssertionSubjectUnchecked)).then_some(client)
}

/// A JWT made for another purpose is not a client assertion, whoever signed it (RFC 8725 §3.11).
fn typ_is_right(server: &AuthServer, jwt: &Jwt) -> bool {
    match jwt.typ().as_str() {
        "" | "jwt" => true,
        "client-authentication+jwt" => !server.on(FaultId::AssertionTypRefused),
        _ => false,
    }
}

fn signature_is_right(server: &AuthServer, jwt: &Jwt, client: &Client) -> bool {
    let genuine = match client.credential {
        Credential::PrivateKeyJwt => jwt.signed_by(&server.keys.client),
        Credential::SecretJwt(secret) => {
            jwt.alg() == "HS256"
                && keys::sign_hs256(secret.as_bytes(), jwt.signed.as_bytes()).as_deref()
                    == Some(jwt.signature)
        }
        Credential::Secret(_) | Credential::None => return false,
    };
    let unsigned = jwt.alg().eq_ignore_ascii_case("none");
    genuine
        || (unsigned && server.on(FaultId::AssertionAlgNoneAccepted))
        || (!unsigned && server.on(FaultId::AssertionSignatureUnchecked))
}

fn time_is_right(server: &AuthServer, jwt: &Jwt) -> bool {
    let date = |claim: &str| jwt.claims.get(claim).and_then(jwt::numeric_date);
    let started = date("nbf").is_none_or(|nbf| nbf <= now() + 60);
    let running = date("exp").is_some_and(|exp| exp > now() - 60);
    started && (running || server.on(FaultId::AssertionExpiryUnchecked))
}

/// The issuer identifier, alone (rfc7523bis): an assertion that is good at several servers could be
/// replayed from one at another, and the address of a token endpoint may be another server's word.
fn audience_is_right(server: &AuthServer, jwt: &Jwt) -> bool {
    let ours = |aud: &str| aud == server.issuer;
    let named = jwt::audiences(&jwt.claims).unwrap_or_default();
    match named.as_slice() {
        [one] if ours(one) => true,
        several if several.iter().any(|aud| ours(aud)) => server.on(FaultId::AssertionExtraAudienceAccepted),
        [one] if *one == server.url("/token") => server.on(FaultId::AssertionForTokenEndpointAccepted),
        _ => server.on(FaultId::AssertionAudienceUnchecked),
    }
}
