//! Doing damage to a token, one thing at a time.

use serde_json::{Map, Value, json};

use super::{Jwt, KeyError, SigningKey, b64, now, unb64};
use crate::scenario::Tamper;

/// Why a token cannot be damaged so.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TamperError {
    /// It is no JWT.
    #[error("the token is no JWT: {0}")]
    NotJwt(String),
    /// The server publishes no key to misuse.
    #[error("the server publishes no key that could be misused")]
    NoPublicKey,
    /// A key of txspec does not work.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Damages a token. `jwks` is the server's published key set, needed for the key confusion attacks.
///
/// # Errors
/// When the token or the key set does not allow it.
pub fn tamper(how: Tamper, token: &str, jwks: Option<&Value>) -> Result<String, TamperError> {
    use Tamper as T;
    match how {
        T::Truncated => return Ok(cut(token, 1)),
        T::TruncatedHalf => return Ok(cut(token, token.chars().count() / 2)),
        T::AppendedCharacter => return Ok(format!("{token}A")),
        T::AppendedDot => return Ok(format!("{token}.")),
        T::AppendedPadding => return Ok(format!("{token}==")),
        T::LeadingSpace => return Ok(format!(" {token}")),
        T::EmbeddedNewline => {
            let middle = token.char_indices().nth(token.chars().count() / 2).map_or(0, |(i, _)| i);
            return Ok(format!("{}\n{}", &token[..middle], &token[middle..]));
        }
        T::UpperCase => return Ok(token.to_ascii_uppercase()),
        _ => {}
    }
    let jwt = Jwt::decode(token).map_err(|e| TamperError::NotJwt(e.to_string()))?;
    let parts: Vec<&str> = token.split('.').collect();
    let &[header, payload, signature] = parts.as_slice() else {
        return Err(TamperError::NotJwt("it has not three parts".into()));
    };
    let with_header = |changes: Value| encode(&merged(&jwt.header, &changes));
    let with_claims = |changes: Value| encode(&merged(&jwt.claims, &changes));
    let alg = jwt.header.get("alg").and_then(Value::as_str).unwrap_or("ES256").to_owned();
    Ok(match how {
        T::SignatureBit => format!("{header}.{payload}.{}", flip(signature)),
        T::SignatureEmpty => format!("{header}.{payload}."),
        T::SignatureZero => {
            let length = unb64(signature).map_or(64, |s| s.len());
            format!("{header}.{payload}.{}", b64(vec![0u8; length]))
        }
        T::PayloadSubject => {
            format!("{header}.{}.{signature}", with_claims(json!({ "sub": "txspec-someone-else" })))
        }
        T::PayloadLifetime => {
            format!("{header}.{}.{signature}", with_claims(json!({ "exp": now() + 31_536_000 })))
        }
        T::HeaderChanged => format!("{}.{payload}.{signature}", with_header(json!({ "x-txspec": 1 }))),
        T::AlgNone => format!("{}.{payload}.", with_header(json!({ "alg": "none" }))),
        T::AlgNoneTitle => format!("{}.{payload}.", with_header(json!({ "alg": "None" }))),
        T::AlgNoneUpper => format!("{}.{payload}.", with_header(json!({ "alg": "NONE" }))),
        T::AlgNoneMixed => format!("{}.{payload}.", with_header(json!({ "alg": "nOnE" }))),
        T::AlgNoneSigned => format!("{}.{payload}.{signature}", with_header(json!({ "alg": "none" }))),
        T::Hs256PublicPem | T::Hs256PublicPemTrimmed | T::Hs256PublicJwk => {
            let secret = public_key_text(how, &jwt, jwks)?;
            let header = merged(&jwt.header, &json!({ "alg": "HS256" }));
            SigningKey::hmac(secret.as_bytes()).sign(&header, &jwt.claims_value())?
        }
        T::EmbeddedJwk => {
            let key = SigningKey::stranger(&alg)?;
            let header = merged(&jwt.header, &json!({ "alg": key.alg(), "jwk": key.public_jwk()? }));
            key.sign(&header, &jwt.claims_value())?
        }
        T::UntrustedKey => resign(&alg, &jwt, json!({}), json!({}))?,
        T::UntrustedKeyUnknownKid => resign(&alg, &jwt, json!({ "kid": "txspec-unknown" }), json!({}))?,
        T::UntrustedIssuer => resign(
            &alg,
            &jwt,
            json!({ "kid": "txspec-unknown" }),
            json!({ "iss": "https://issuer.txspec.invalid" }),
        )?,
        T::KidTraversal => {
            format!("{}.{payload}.{signature}", with_header(json!({ "kid": "../../../../../../dev/null" })))
        }
        T::KidInjection => {
            format!("{}.{payload}.{signature}", with_header(json!({ "kid": "x' OR '1'='1' --" })))
        }
        T::KidLong => format!("{}.{payload}.{signature}", with_header(json!({ "kid": "k".repeat(10_000) }))),
        T::CritUnknown => {
            format!("{}.{payload}.{signature}", with_header(json!({ "crit": ["x-txspec"], "x-txspec": 1 })))
        }
        T::OnePart => payload.to_owned(),
        T::TwoParts => format!("{header}.{payload}"),
        T::FourParts => format!("{token}.{}", b64("x")),
        T::HeaderNotObject => format!("{}.{payload}.{signature}", b64("\"txspec\"")),
        T::HeaderNotUtf8 => format!("{}.{payload}.{signature}", b64([0x7b, 0xff, 0xfe, 0x7d])),
        T::PayloadEmpty => format!("{header}..{signature}"),
        T::JsonSerialization => {
            json!({ "payload": payload, "signatures": [{ "protected": header, "signature": signature }] })
                .to_string()
        }
        T::Truncated
        | T::TruncatedHalf
        | T::AppendedCharacter
        | T::AppendedDot
        | T::AppendedPadding
        | T::LeadingSpace
        | T::EmbeddedNewline
        | T::UpperCase => token.to_owned(),
    })
}

fn cut(token: &str, characters: usize) -> String {
    let keep = token.chars().count().saturating_sub(characters);
    token.chars().take(keep).collect()
}

fn encode(value: &Value) -> String {
    b64(value.to_string())
}

fn merged(members: &Map<String, Value>, changes: &Value) -> Value {
    let mut out = members.clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        out.insert(name.clone(), value.clone());
    }
    Value::Object(out)
}

fn resign(alg: &str, jwt: &Jwt, header: Value, claims: Value) -> Result<String, KeyError> {
    let key = SigningKey::stranger(alg)?;
    let mut header = merged(&jwt.header, &header);
    header["alg"] = json!(key.alg());
    key.sign(&header, &merged(&jwt.claims, &claims))
}

/// Flips a bit in the middle of the signature: the last characters of base64url may hold bits that are not used.
fn flip(signature: &str) -> String {
    match unb64(signature) {
        Some(mut bytes) if !bytes.is_empty() => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x01;
            b64(bytes)
        }
        _ => format!("{signature}AA"),
    }
}

/// The text that a confused server would use as HMAC secret.
fn public_key_text(how: Tamper, jwt: &Jwt, jwks: Option<&Value>) -> Result<String, TamperError> {
    let keys = jwks.and_then(|j| j.get("keys")).and_then(Value::as_array).ok_or(TamperError::NoPublicKey)?;
    let kid = jwt.header.get("kid");
    let key = keys
        .iter()
        .find(|k| kid.is_some() && k.get("kid") == kid)
        .or_else(|| keys.iter().find(|k| k.get("kty").and_then(Value::as_str) != Some("oct")))
        .ok_or(TamperError::NoPublicKey)?;
    if how == Tamper::Hs256PublicJwk {
        return Ok(key.to_string());
    }
    let pem = spki_pem(key).ok_or(TamperError::NoPublicKey)?;
    Ok(if how == Tamper::Hs256PublicPemTrimmed { pem.trim_end().to_owned() } else { pem })
}

/// SubjectPublicKeyInfo in PEM (RFC 5280 section 4.1, RFC 7468), from a JWK of type EC P-256 or RSA.
fn spki_pem(jwk: &Value) -> Option<String> {
    let part = |name: &str| jwk.get(name).and_then(Value::as_str).and_then(unb64);
    let der = match jwk.get("kty")?.as_str()? {
        "EC" if jwk.get("crv")?.as_str()? == "P-256" => {
            let mut point = vec![0u8, 4];
            point.extend(part("x")?);
            point.extend(part("y")?);
            // id-ecPublicKey 1.2.840.10045.2.1 with prime256v1 1.2.840.10045.3.1.7
            let algorithm = tlv(
                0x30,
                &[
                    0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1,
                    7,
                ],
            );
            tlv(0x30, &[algorithm, tlv(0x03, &point)].concat())
        }
        "RSA" => {
            let numbers = [integer(&part("n")?), integer(&part("e")?)].concat();
            let mut bits = vec![0u8];
            bits.extend(tlv(0x30, &numbers));
            // rsaEncryption 1.2.840.113549.1.1.1 with NULL
            let algorithm = tlv(0x30, &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0]);
            tlv(0x30, &[algorithm, tlv(0x03, &bits)].concat())
        }
        _ => return None,
    };
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|i| &text[i..text.len().min(i + 64)]).collect();
    Some(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let trimmed: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
    let mut value = if trimmed.first().is_none_or(|b| *b >= 0x80) { vec![0u8] } else { Vec::new() };
    value.extend(trimmed);
    tlv(0x02, &value)
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = value.len();
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap_or(0x7f));
    } else {
        let bytes: Vec<u8> = length.to_be_bytes().iter().copied().skip_while(|b| *b == 0).collect();
        out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(1));
        out.extend(bytes);
    }
    out.extend(value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> String {
        SigningKey::stranger("ES256")
            .unwrap()
            .sign(&json!({ "kid": "k" }), &json!({ "sub": "a", "exp": 1 }))
            .unwrap()
    }

    #[test]
    fn every_damage_changes_the_token_and_only_the_confusions_need_keys() {
        let token = token();
        let jwk = SigningKey::stranger("ES256").unwrap().public_jwk().unwrap();
        let jwks = json!({ "keys": [jwk] });
        let mut seen = std::collections::BTreeSet::new();
        for how in Tamper::ALL {
            let damaged = tamper(*how, &token, Some(&jwks)).unwrap();
            assert_ne!(damaged, token, "{}", how.name());
            // ECDSA signatures are random, so equality of two damages would be a copy.
            assert!(seen.insert(damaged), "{} is a copy", how.name());
        }
    }

    #[test]
    fn the_public_key_in_pem_is_what_openssl_writes() {
        for (alg, pem) in [
            ("ES256", include_str!("../../fixtures/keys/stranger-es256.pub.pem")),
            ("RS256", include_str!("../../fixtures/keys/stranger-rs256.pub.pem")),
        ] {
            let jwk = SigningKey::stranger(alg).unwrap().public_jwk().unwrap();
            assert_eq!(spki_pem(&jwk).unwrap(), pem);
        }
    }

    #[test]
    fn the_damaged_signature_does_not_verify_and_the_original_does() {
        use crate::token::{SignatureVerdict, verify};
        let token = token();
        let mut jwk = SigningKey::stranger("ES256").unwrap().public_jwk().unwrap();
        jwk["kid"] = json!("k");
        let jwks = json!({ "keys": [jwk] });
        assert_eq!(verify(&token, &jwks), SignatureVerdict::Valid);
        for how in
            [Tamper::SignatureBit, Tamper::SignatureZero, Tamper::PayloadSubject, Tamper::HeaderChanged]
        {
            let damaged = tamper(how, &token, None).unwrap();
            assert!(matches!(verify(&damaged, &jwks), SignatureVerdict::Invalid(_)), "{}", how.name());
        }
    }
}
