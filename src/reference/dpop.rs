//! Proof of possession by DPoP (RFC 9449 §4.3, §5).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;
use wiremock::Request;

use super::AuthServer;
use super::clock::now;
use super::fault::FaultId;
use super::feature::Feature;
use super::jwt::{self, Jwt};
use super::keys;
use super::refusal::{Refusal, Why};

/// How old or how far ahead a proof may be, in seconds.
const WINDOW: i64 = 300;

const INVALID: Refusal = Refusal::new(Why::Proof, "the DPoP proof is not acceptable");

/// The thumbprint of the key that the request proves to hold; `None` without a proof.
/// `path` is the endpoint that the proof must name. `access_token` is given where the proof comes
/// beside one and must be tied to it by `ath`.
pub(super) fn proof(
    server: &AuthServer,
    request: &Request,
    path: &str,
    access_token: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let proofs: Vec<_> = request.headers.get_all("dpop").iter().collect();
    let Some(first) = proofs.first() else {
        return Ok(None);
    };
    if !server.offers(Feature::Dpop) {
        return if server.on(FaultId::DpopHeaderRefused) { Err(INVALID) } else { Ok(None) };
    }
    if proofs.len() > 1 && !server.on(FaultId::DpopTwoProofsAccepted) {
        return Err(INVALID);
    }
    let jwt = first.to_str().ok().and_then(Jwt::parse).filter(|jwt| !jwt.duplicated).ok_or(INVALID)?;
    let jwk = jwt.header.get("jwk").ok_or(INVALID)?;
    let thumbprint = keys::thumbprint(jwk).ok_or(INVALID)?;
    if jwt.text("nonce").is_some() && server.on(FaultId::UnknownNonceWrongCode) {
        return Err(Refusal::new(Why::BadParameter, "the nonce is not known"));
    }
    let acceptable = header_is_right(server, &jwt, jwk)
        && signature_is_right(server, &jwt, jwk)
        && request_is_right(server, request, path, &jwt)
        && time_is_right(server, &jwt)
        && first_use(server, &jwt)
        && access_token.is_none_or(|token| jwt.text("ath") == Some(token_hash(token).as_str()));
    acceptable.then_some(Some(thumbprint)).ok_or(INVALID)
}

fn header_is_right(server: &AuthServer, jwt: &Jwt, jwk: &Value) -> bool {
    (jwt.typ() == "dpop+jwt" || server.on(FaultId::DpopTypUnchecked))
        && (jwk.get("d").is_none() || server.on(FaultId::DpopPrivateKeyAccepted))
        && !jwt.header.contains_key("crit")
}

fn signature_is_right(server: &AuthServer, jwt: &Jwt, jwk: &Value) -> bool {
    let unsigned = jwt.alg().eq_ignore_ascii_case("none");
    let genuine = jwt.alg() == "ES256" && keys::verifies_under_jwk(jwk, jwt.signed.as_bytes(), jwt.signature);
    genuine
        || (unsigned && server.on(FaultId::DpopAlgNoneAccepted))
        || (!unsigned && server.on(FaultId::DpopSignatureUnchecked))
}

fn request_is_right(server: &AuthServer, request: &Request, path: &str, jwt: &Jwt) -> bool {
    let method = jwt.text("htm") == Some(request.method.as_str());
    if !method && !server.on(FaultId::DpopHtmUnchecked) {
        return false;
    }
    let Some(htu) = jwt.text("htu") else {
        return server.on(FaultId::DpopHtuUnchecked);
    };
    let endpoint = server.url(path);
    if htu == endpoint {
        return true;
    }
    if same_endpoint(htu, &endpoint) {
        return !server.on(FaultId::DpopHtuNotNormalised);
    }
    server.on(FaultId::DpopHtuUnchecked)
}

/// Compares two URLs as RFC 9449 §4.3 wants: query and fragment do not count, host case and a default
/// port do not matter.
fn same_endpoint(htu: &str, endpoint: &str) -> bool {
    let (Ok(mut htu), Ok(endpoint)) = (Url::parse(htu), Url::parse(endpoint)) else {
        return false;
    };
    htu.set_query(None);
    htu.set_fragment(None);
    htu == endpoint
}

fn time_is_right(server: &AuthServer, jwt: &Jwt) -> bool {
    let Some(iat) = jwt.claims.get("iat").and_then(jwt::numeric_date) else {
        return false;
    };
    (iat - now()).abs() <= WINDOW || server.on(FaultId::DpopIatUnchecked)
}

fn first_use(server: &AuthServer, jwt: &Jwt) -> bool {
    match jwt.text("jti").filter(|jti| !jti.is_empty()) {
        Some(jti) => {
            let first = server.store.first_sight(format!("proof {jti}"));
            first || server.on(FaultId::DpopReplayAccepted)
        }
        None => server.on(FaultId::DpopMissingJtiAccepted),
    }
}

fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use super::same_endpoint;

    #[test]
    fn an_endpoint_is_compared_in_normal_form() {
        let endpoint = "http://127.0.0.1:8080/token";
        assert!(same_endpoint("HTTP://127.0.0.1:8080/token?x=1#y", endpoint));
        assert!(same_endpoint("https://AS.example.com:443/token", "https://as.example.com/token"));
        assert!(!same_endpoint("http://127.0.0.1:8081/token", endpoint));
        assert!(!same_endpoint("http://127.0.0.1:8080/token/", endpoint));
    }
}
