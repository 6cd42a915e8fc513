//! The fixed test keys, parsed once per process, and the signatures made and checked with them.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A key of which the server holds at least the public half.
pub(super) struct Key {
    pub(super) kid: &'static str,
    pub(super) algorithm: Algorithm,
    pub(super) public_jwk: Value,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Key {
    /// The algorithm as a JWT header spells it.
    pub(super) fn alg(&self) -> &'static str {
        match self.algorithm {
            Algorithm::RS256 => "RS256",
            _ => "ES256",
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<String> {
        crypto::sign(message, &self.signing, self.algorithm).ok()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        crypto::verify(signature, message, &self.verifying, self.algorithm).unwrap_or(false)
    }
}

/// Every key of `fixtures/keys`.
pub(super) struct Keys {
    pub(super) as_es256: Key,
    pub(super) as_rs256: Key,
    pub(super) foreign: Key,
    pub(super) foreign_rs256: Key,
    pub(super) client: Key,
    pub(super) unpublished: Key,
}

impl Keys {
    /// The keys, or why the committed key files cannot be read.
    pub(super) fn load() -> Result<&'static Self, String> {
        static KEYS: OnceLock<Result<Keys, String>> = OnceLock::new();
        KEYS.get_or_init(Self::parse).as_ref().map_err(Clone::clone)
    }

    /// What the trusted issuer signs with.
    pub(super) fn foreign_issuer(&self) -> [&Key; 2] {
        [&self.foreign, &self.foreign_rs256]
    }

    fn parse() -> Result<Self, String> {
        Ok(Self {
            as_es256: key(
                "as-es256-1",
                Algorithm::ES256,
                include_str!("../../fixtures/keys/as-es256.pem"),
                include_str!("../../fixtures/keys/as-es256.pub.jwk.json"),
            )?,
            as_rs256: key(
                "as-rs256-1",
                Algorithm::RS256,
                include_str!("../../fixtures/keys/as-rs256.pem"),
                include_str!("../../fixtures/keys/as-rs256.pub.jwk.json"),
            )?,
            foreign: key(
                "foreign-1",
                Algorithm::ES256,
                include_str!("../../fixtures/keys/foreign-issuer-es256.pem"),
                include_str!("../../fixtures/keys/foreign-issuer-es256.pub.jwk.json"),
            )?,
            foreign_rs256: key(
                "foreign-2",
                Algorithm::RS256,
                include_str!("../../fixtures/keys/foreign-issuer-rs256.pem"),
                include_str!("../../fixtures/keys/foreign-issuer-rs256.pub.jwk.json"),
            )?,
            client: key(
                "client-1",
                Algorithm::ES256,
                include_str!("../../fixtures/keys/client-es256.pem"),
                include_str!("../../fixtures/keys/client-es256.pub.jwk.json"),
            )?,
            unpublished: key(
                "unpublished-1",
                Algorithm::ES256,
                include_str!("../../fixtures/keys/unpublished-es256.pem"),
                include_str!("../../fixtures/keys/unpublished-es256.pub.jwk.json"),
            )?,
        })
    }
}

fn key(kid: &'static str, algorithm: Algorithm, pem: &str, jwk: &str) -> Result<Key, String> {
    let broken = |error: &dyn std::fmt::Display| format!("test key {kid}: {error}");
    let signing = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
        _ => EncodingKey::from_ec_pem(pem.as_bytes()),
    };
    let public_jwk: Value = serde_json::from_str(jwk).map_err(|error| broken(&error))?;
    let parsed: Jwk = serde_json::from_str(jwk).map_err(|error| broken(&error))?;
    Ok(Key {
        kid,
        algorithm,
        public_jwk,
        signing: signing.map_err(|error| broken(&error))?,
        verifying: DecodingKey::from_jwk(&parsed).map_err(|error| broken(&error))?,
    })
}

/// Whether an ES256 signature verifies under a P-256 key that a message brought along itself.
pub(super) fn verifies_under_jwk(jwk: &Value, message: &[u8], signature: &str) -> bool {
    let Ok(jwk) = serde_json::from_value::<Jwk>(jwk.clone()) else {
        return false;
    };
    let algorithm = match jwk.algorithm {
        AlgorithmParameters::EllipticCurve(_) => Algorithm::ES256,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return false,
    };
    DecodingKey::from_jwk(&jwk)
        .is_ok_and(|key| crypto::verify(signature, message, &key, algorithm).unwrap_or(false))
}

/// The RFC 7638 thumbprint of a P-256 public key.
pub(super) fn thumbprint(jwk: &Value) -> Option<String> {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str);
    let (x, y) = (member("x")?, member("y")?);
    if member("kty") != Some("EC") || member("crv") != Some("P-256") {
        return None;
    }
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(canonical)))
}

pub(super) fn sign_hs256(secret: &[u8], message: &[u8]) -> Option<String> {
    crypto::sign(message, &EncodingKey::from_secret(secret), Algorithm::HS256).ok()
}

/// The texts of the server's public keys that a confused verifier takes for an HMAC secret.
pub(super) fn public_key_texts(keys: &Keys) -> Vec<String> {
    let pems = [
        include_str!("../../fixtures/keys/as-es256.pub.pem"),
        include_str!("../../fixtures/keys/as-rs256.pub.pem"),
    ];
    let mut texts: Vec<String> =
        pems.iter().flat_map(|pem| [(*pem).to_owned(), pem.trim_end().to_owned()]).collect();
    texts.extend([&keys.as_es256, &keys.as_rs256].map(|key| key.public_jwk.to_string()));
    texts
}
