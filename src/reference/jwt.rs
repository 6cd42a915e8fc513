//! Compact JWTs, taken apart by hand: the server must see what a library hides, such as duplicate
//! claims, the exact spelling of `alg` and a header that no enum knows.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json::{self, Keep};
use super::keys::Key;

/// A JWT whose form is right. Nothing in it is verified yet.
pub(super) struct Jwt<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// The claims as a parser that keeps the first of two members reads them.
    pub(super) first_claims: Map<String, Value>,
    pub(super) duplicated: bool,
    /// `header.payload` as received.
    pub(super) signed: &'a str,
    /// The third part as received, still encoded.
    pub(super) signature: &'a str,
}

impl<'a> Jwt<'a> {
    /// `None` unless it is three parts of canonical unpadded base64url with two JSON objects in front.
    /// The signature is decoded only when it is verified.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let header = json::object(&URL_SAFE_NO_PAD.decode(header).ok()?, Keep::Last)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let claims = json::object(&payload, Keep::Last)?;
        let first_claims = match claims.duplicated {
            true => json::object(&payload, Keep::First)?.members,
            false => Map::new(),
        };
        Some(Self {
            header: header.members,
            claims: claims.members,
            first_claims,
            duplicated: header.duplicated || claims.duplicated,
            signed,
            signature,
        })
    }

    pub(super) fn alg(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The media type in short form and lower case; empty when there is no `typ` (RFC 7515 §4.1.9).
    pub(super) fn typ(&self) -> String {
        let typ = self.header.get("typ").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
    }

    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// Whether `key` is the one that the header names and made the signature.
    pub(super) fn signed_by(&self, key: &Key) -> bool {
        self.alg() == key.alg()
            && self.kid().is_none_or(|kid| kid == key.kid)
            && key.verifies(self.signed.as_bytes(), self.signature)
    }
}

/// `aud` as a list, whether it was a string or an array; `None` when it is anything else or absent.
pub(super) fn audiences(claims: &Map<String, Value>) -> Option<Vec<String>> {
    match claims.get("aud")? {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(several) => {
            several.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        }
        _ => None,
    }
}

/// A NumericDate in whole seconds; a fraction is legal and rounded down.
pub(super) fn numeric_date(value: &Value) -> Option<i64> {
    let seconds = value.as_f64()?.floor();
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    (seconds.abs() < 1e15).then_some(seconds as i64)
}

/// Signs a header and claims as they are. `None` only if the cryptography itself fails.
pub(super) fn sign(header: &Map<String, Value>, claims: &Map<String, Value>, key: &Key) -> Option<String> {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(message.as_bytes())?;
    Some(format!("{message}.{signature}"))
}

/// One encoded part of a JWT.
pub(super) fn part(members: &Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(Value::Object(members.clone()).to_string())
}

/// The header of a JWT that `key` signs.
pub(super) fn header(key: &Key, typ: &str) -> Map<String, Value> {
    Map::from_iter([
        ("alg".to_owned(), Value::from(key.alg())),
        ("typ".to_owned(), Value::from(typ)),
        ("kid".to_owned(), Value::from(key.kid)),
    ])
}
