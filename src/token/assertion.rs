//! Client assertions (RFC 7523 sections 2.2 and 3; audience as rfc7523bis wants it: the issuer).

use serde_json::{Value, json};

use super::{KeyError, SigningKey, now};
use crate::wire::Secret;

/// What an assertion says. The right values come from the target; an edit spoils one.
#[derive(Debug, Clone)]
pub struct AssertionSpec {
    /// Client identifier: `iss` and `sub`.
    pub client_id: String,
    /// `aud`: a string or an array.
    pub audience: Value,
    /// `sub`, if not the client.
    pub subject: Option<String>,
    /// Seconds from now until `exp`.
    pub lifetime: i64,
    /// `kid` of the key.
    pub kid: Option<String>,
    /// `typ` of the header.
    pub typ: Option<String>,
    /// `jti`, if it is to be a known one.
    pub jti: Option<String>,
}

/// Signs an assertion.
///
/// # Errors
/// When signing fails.
pub fn assertion(key: &SigningKey, spec: &AssertionSpec) -> Result<Secret, KeyError> {
    let mut header = json!({});
    if let Some(kid) = &spec.kid {
        header["kid"] = json!(kid);
    }
    header["typ"] = json!(spec.typ.as_deref().unwrap_or("JWT"));
    let claims = json!({
        "iss": spec.client_id,
        "sub": spec.subject.as_deref().unwrap_or(&spec.client_id),
        "aud": spec.audience,
        "iat": now() + spec.lifetime.min(0) - i64::from(spec.lifetime < 0),
        "exp": now() + spec.lifetime,
        "jti": spec.jti.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
    });
    key.sign(&header, &claims).map(Secret::new)
}
