//! DPoP proofs (RFC 9449 section 4.2) with keys that txspec keeps by name for one scenario.

use std::sync::OnceLock;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{KeyError, SigningKey, b64, now};
use crate::scenario::{DPOP_KEYS, DpopFault};

/// Keys for proofs. Made for this purpose, secret to no one.
const KEYS: [&str; 4] = [
    include_str!("../../fixtures/keys/dpop-1-es256.pem"),
    include_str!("../../fixtures/keys/dpop-2-es256.pem"),
    include_str!("../../fixtures/keys/dpop-3-es256.pem"),
    include_str!("../../fixtures/keys/dpop-4-es256.pem"),
];
const PRIVATE_D: &str = "txspec-not-the-real-private-part-0000000000";

/// A named key with its thumbprint.
#[derive(Debug, Clone)]
pub struct DpopKey {
    key: SigningKey,
    jwk: Value,
}

impl DpopKey {
    /// The key of a name.
    ///
    /// # Errors
    /// Only when the build itself is broken.
    pub fn named(name: &str) -> Result<Self, KeyError> {
        static LOADED: OnceLock<Result<Vec<DpopKey>, KeyError>> = OnceLock::new();
        let keys = LOADED
            .get_or_init(|| KEYS.iter().map(|pem| Self::load(pem)).collect())
            .as_ref()
            .map_err(Clone::clone)?;
        let index = DPOP_KEYS.iter().position(|known| *known == name).unwrap_or(DPOP_KEYS.len() - 1);
        keys.get(index).cloned().ok_or_else(|| KeyError("the key is missing from this build".into()))
    }

    fn load(pem: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_pem(pem, Some("ES256"))?;
        let jwk = key.public_jwk()?;
        let keep = |name: &str| jwk.get(name).cloned().unwrap_or_default();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": keep("x"), "y": keep("y") });
        Ok(Self { key, jwk })
    }

    /// JWK SHA-256 thumbprint (RFC 7638), as in `cnf.jkt`.
    pub fn thumbprint(&self) -> String {
        let part = |name: &str| self.jwk.get(name).and_then(Value::as_str).unwrap_or_default();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, part("x"), part("y"));
        b64(Sha256::digest(canonical.as_bytes()))
    }
}

/// Makes a proof for a POST to a URL, or one with a fault.
///
/// # Errors
/// When signing fails.
pub fn proof(
    key: &DpopKey,
    url: &Url,
    nonce: Option<&str>,
    wrong: Option<DpopFault>,
) -> Result<String, KeyError> {
    let mut htu = url.clone();
    htu.set_query(None);
    htu.set_fragment(None);
    let mut claims = json!({
        "jti": uuid::Uuid::new_v4().to_string(),
        "htm": "POST",
        "htu": htu.as_str(),
        "iat": now(),
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    let mut header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk });
    match wrong {
        Some(DpopFault::Htu) => claims["htu"] = json!("https://elsewhere.invalid/token"),
        Some(DpopFault::Htm) => claims["htm"] = json!("GET"),
        Some(DpopFault::Iat) => claims["iat"] = json!(now() - 3_600),
        Some(DpopFault::IatFuture) => claims["iat"] = json!(now() + 3_600),
        Some(DpopFault::Nonce) => claims["nonce"] = json!("txspec-a-nonce-that-no-one-gave"),
        Some(DpopFault::Typ) => header["typ"] = json!("JWT"),
        Some(DpopFault::PrivateKey) => header["jwk"]["d"] = json!(PRIVATE_D),
        Some(DpopFault::MissingJti) => {
            claims.as_object_mut().map(|c| c.remove("jti"));
        }
        Some(DpopFault::HtuSpelling) => claims["htu"] = json!(other_spelling(&htu)),
        Some(DpopFault::AlgNone) => {
            header["alg"] = json!("none");
            return Ok(format!("{}.{}.", b64(header.to_string()), b64(claims.to_string())));
        }
        Some(DpopFault::Hs256) => {
            header["alg"] = json!("HS256");
            return SigningKey::hmac(key.jwk.to_string().as_bytes()).sign(&header, &claims);
        }
        Some(DpopFault::Signature) => {
            let signed = key.key.sign(&header, &claims)?;
            let head = signed.rsplit_once('.').map_or("", |(h, _)| h);
            return Ok(format!("{head}.{}", b64([7u8; 64])));
        }
        Some(DpopFault::Twice | DpopFault::Replayed) | None => {}
    }
    key.key.sign(&header, &claims)
}

/// The same address in another spelling: scheme and host in upper case, a query behind (RFC 9449 section 4.3).
fn other_spelling(url: &Url) -> String {
    let authority = url.host_str().unwrap_or_default().to_ascii_uppercase();
    let port = url.port().map_or_else(String::new, |p| format!(":{p}"));
    format!("{}://{authority}{port}{}?txspec=1", url.scheme().to_ascii_uppercase(), url.path())
}
