//! Verifying a JWT's signature with a published key set (RFC 7515, RFC 7517).

use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use serde_json::Value;

use super::Jwt;

/// What became of the signature check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// A published key verifies it.
    Valid,
    /// It does not verify; why.
    Invalid(String),
    /// It cannot be decided; why.
    Undecided(String),
}

/// Checks the signature of a compact JWS against a JWK set.
pub fn verify(token: &str, jwks: &Value) -> SignatureVerdict {
    use SignatureVerdict::{Invalid, Undecided, Valid};
    let jwt = match Jwt::decode(token) {
        Ok(jwt) => jwt,
        Err(why) => return Undecided(why.to_string()),
    };
    let alg = jwt.header.get("alg").and_then(Value::as_str).unwrap_or_default().to_owned();
    if alg.starts_with("HS") {
        return Undecided(format!("it is keyed with a shared secret ({alg}), which no one else can check"));
    }
    let Ok(algorithm) = alg.parse::<Algorithm>() else {
        return if alg.eq_ignore_ascii_case("none") {
            Invalid("it is not signed".into())
        } else {
            Undecided(format!("the algorithm {alg} is not supported by txspec"))
        };
    };
    let Some(keys) = jwks.get("keys").and_then(Value::as_array) else {
        return Undecided("the published key set has no `keys`".into());
    };
    let kid = jwt.header.get("kid").and_then(Value::as_str);
    let named: Vec<&Value> =
        keys.iter().filter(|k| kid.is_none() || k.get("kid").and_then(Value::as_str) == kid).collect();
    if named.is_empty() {
        return Invalid("its `kid` names no published key".into());
    }
    let Some((message, signature)) = token.rsplit_once('.') else {
        return Undecided("it has no signature".into());
    };
    let mut usable = 0;
    for key in named {
        let Ok(jwk) = serde_json::from_value::<Jwk>(key.clone()) else {
            continue;
        };
        let Ok(decoding) = DecodingKey::from_jwk(&jwk) else {
            continue;
        };
        if !decoding.family().algorithms().contains(&algorithm) {
            continue;
        }
        usable += 1;
        if jsonwebtoken::crypto::verify(signature, message.as_bytes(), &decoding, algorithm).unwrap_or(false)
        {
            return Valid;
        }
    }
    if usable == 0 {
        return Invalid(format!("no published key of that `kid` fits the algorithm {alg}"));
    }
    Invalid("no published key verifies it".into())
}
