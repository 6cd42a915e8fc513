//! Reading a JWT (RFC 7519) without verifying it: the judge looks at each claim, the signature is a separate
//! question.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::wire::StrictJson;

/// Base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A decoded JWS in compact form.
#[derive(Debug, Clone)]
pub struct Jwt {
    /// JOSE header.
    pub header: Map<String, Value>,
    /// Claims.
    pub claims: Map<String, Value>,
    /// Names that stand more than once in header or claims.
    pub duplicates: Vec<String>,
    /// Whether the signature part is empty.
    pub unsigned: bool,
}

/// Why text is no readable JWT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotJwt {
    /// Not three parts.
    Parts(usize),
    /// An encrypted JWT: five parts with a JOSE header. Its claims cannot be read from outside.
    Encrypted,
    /// The header is no JSON object in base64url.
    Header,
    /// The payload is no JSON object in base64url.
    Payload,
}

impl std::fmt::Display for NotJwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parts(n) => {
                write!(f, "it has {n} dot-separated part{}, a JWT has three", if *n == 1 { "" } else { "s" })
            }
            Self::Encrypted => f.write_str("it is an encrypted JWT"),
            Self::Header => f.write_str("its first part is no JOSE header"),
            Self::Payload => f.write_str("its second part is no JSON object"),
        }
    }
}

impl Jwt {
    /// Decodes a compact JWS.
    ///
    /// # Errors
    /// What keeps it from being one.
    pub fn decode(token: &str) -> Result<Self, NotJwt> {
        let parts: Vec<&str> = token.split('.').collect();
        let object = |part: &str| {
            let json = StrictJson::parse(&unb64(part)?).ok()?;
            match json.value {
                Value::Object(map) => Some((map, json.duplicates)),
                _ => None,
            }
        };
        match parts.as_slice() {
            [header, payload, signature] => {
                let (header, mut duplicates) =
                    object(header).filter(|(h, _)| h.contains_key("alg")).ok_or(NotJwt::Header)?;
                let (claims, more) = object(payload).ok_or(NotJwt::Payload)?;
                duplicates.extend(more);
                Ok(Self { header, claims, duplicates, unsigned: signature.is_empty() })
            }
            [header, _, _, _, _] if object(header).is_some_and(|(h, _)| h.contains_key("enc")) => {
                Err(NotJwt::Encrypted)
            }
            other => Err(NotJwt::Parts(other.len())),
        }
    }

    /// The claims as one value.
    pub fn claims_value(&self) -> Value {
        Value::Object(self.claims.clone())
    }
}
