//! Signing keys: of targets (client keys, a trusted issuer's key) and txspec's own, which no server knows.

use std::sync::OnceLock;

use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use serde_json::{Value, json};

use super::b64;
use crate::scenario::MintAlgorithm;

/// The stranger's keys: they stand in for an attacker's in forged tokens. Not secret, trusted by no one.
const STRANGER_EC: &str = include_str!("../../fixtures/keys/stranger-es256.pem");
const STRANGER_RSA: &str = include_str!("../../fixtures/keys/stranger-rs256.pem");

/// A key that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub String);

/// A private or symmetric key with the algorithm that it signs with.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:?})", self.algorithm)
    }
}

impl SigningKey {
    /// A PKCS#8 PEM key. Without an algorithm: ES256 for an EC key, RS256 for RSA, EdDSA for Ed25519.
    ///
    /// # Errors
    /// When the text is no such key or does not fit the algorithm.
    pub fn from_pem(pem: &str, alg: Option<&str>) -> Result<Self, KeyError> {
        let bytes = pem.as_bytes();
        let wanted = alg.map(algorithm_named).transpose()?;
        type Reader = fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>;
        let readers: [(Algorithm, Reader); 3] = [
            (Algorithm::ES256, EncodingKey::from_ec_pem),
            (Algorithm::RS256, EncodingKey::from_rsa_pem),
            (Algorithm::EdDSA, EncodingKey::from_ed_pem),
        ];
        for (default, read) in readers {
            if let Ok(key) = read(bytes) {
                let algorithm = wanted.unwrap_or(default);
                if !key.family().algorithms().contains(&algorithm) {
                    return Err(KeyError(format!("the key cannot sign with {algorithm:?}")));
                }
                return Ok(Self { key, algorithm });
            }
        }
        Err(KeyError("the key is not a private key in PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`) of type EC, RSA or Ed25519".into()))
    }

    /// A symmetric key for HS256.
    pub fn hmac(secret: &[u8]) -> Self {
        Self { key: EncodingKey::from_secret(secret), algorithm: Algorithm::HS256 }
    }

    /// The stranger's key for an algorithm: RSA for RS and PS algorithms, else EC.
    ///
    /// # Errors
    /// Only when the build itself is broken.
    pub fn stranger(alg: &str) -> Result<Self, KeyError> {
        static EC: OnceLock<Result<SigningKey, KeyError>> = OnceLock::new();
        static RSA: OnceLock<Result<SigningKey, KeyError>> = OnceLock::new();
        if alg.starts_with("RS") || alg.starts_with("PS") {
            let mut key = RSA.get_or_init(|| Self::from_pem(STRANGER_RSA, None)).clone()?;
            key.algorithm = algorithm_named(alg).unwrap_or(Algorithm::RS256);
            return Ok(key);
        }
        EC.get_or_init(|| Self::from_pem(STRANGER_EC, None)).clone()
    }

    /// The same RSA key with another algorithm.
    ///
    /// # Errors
    /// For keys that have only one algorithm.
    pub fn with_algorithm(&self, other: MintAlgorithm) -> Result<Self, KeyError> {
        let algorithm = match (self.algorithm, other) {
            (Algorithm::RS512, MintAlgorithm::OtherHash) => Algorithm::RS256,
            (Algorithm::RS256 | Algorithm::RS384, MintAlgorithm::OtherHash) => Algorithm::RS512,
            (Algorithm::PS512, MintAlgorithm::OtherHash) => Algorithm::PS256,
            (Algorithm::PS256 | Algorithm::PS384, MintAlgorithm::OtherHash) => Algorithm::PS512,
            (Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512, MintAlgorithm::OtherPadding) => {
                Algorithm::PS256
            }
            (Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512, MintAlgorithm::OtherPadding) => {
                Algorithm::RS256
            }
            _ => return Err(KeyError("only RSA keys can sign by another algorithm".into())),
        };
        Ok(Self { algorithm, ..self.clone() })
    }

    /// The algorithm's name.
    pub fn alg(&self) -> String {
        format!("{:?}", self.algorithm)
    }

    /// The public key as a JWK.
    ///
    /// # Errors
    /// When the library cannot derive it.
    pub fn public_jwk(&self) -> Result<Value, KeyError> {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm)
            .map_err(|e| KeyError(format!("failed to derive the public key: {e}")))?;
        serde_json::to_value(&jwk).map_err(|e| KeyError(e.to_string()))
    }

    /// Signs header and payload that are already bytes: they may be deliberately wrong.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign_bytes(&self, header: &[u8], payload: &[u8]) -> Result<String, KeyError> {
        let message = format!("{}.{}", b64(header), b64(payload));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm)
            .map_err(|e| KeyError(format!("failed to sign: {e}")))?;
        Ok(format!("{message}.{signature}"))
    }

    /// Signs a JWT; `alg` is added to the header.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, header: &Value, claims: &Value) -> Result<String, KeyError> {
        let mut header = header.clone();
        if let Some(members) = header.as_object_mut() {
            members.entry("alg").or_insert_with(|| json!(self.alg()));
        }
        self.sign_bytes(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }
}

fn algorithm_named(name: &str) -> Result<Algorithm, KeyError> {
    name.parse().map_err(|_| KeyError(format!("`{name}` is no signature algorithm that is supported (ES256, ES384, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA)")))
}
