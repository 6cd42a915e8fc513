//! Minting JWTs with a key that the server trusts: the only way to make an expired, foreign or odd token whose
//! signature is right.

use serde_json::{Map, Value, json};

use super::{KeyError, SigningKey, b64, now};
use crate::scenario::{MintEdit, MintKey};

/// A token source that can be minted anew with other content.
#[derive(Debug, Clone)]
pub struct Minted {
    /// The trusted key.
    pub key: SigningKey,
    /// Header members besides `alg`.
    pub header: Map<String, Value>,
    /// Claims; text like `now+300` becomes a time.
    pub claims: Map<String, Value>,
}

/// Mints a token, changed by an edit. `fill` replaces placeholders in texts.
///
/// # Errors
/// When signing fails.
pub fn mint(minted: &Minted, edit: &MintEdit, fill: &dyn Fn(&str) -> String) -> Result<String, KeyError> {
    let mut header = Map::new();
    let alg = match edit.algorithm {
        Some(other) => minted.key.with_algorithm(other)?.alg(),
        None => minted.key.alg(),
    };
    header.insert("alg".into(), json!(alg));
    header.insert("typ".into(), json!("JWT"));
    header.extend(minted.header.clone());
    header.extend(edit.header.iter().map(|(k, v)| (k.clone(), v.clone())));
    header.retain(|name, _| !edit.without_header.contains(name));
    let mut claims = Map::new();
    claims.insert("iat".into(), json!("now"));
    claims.insert("exp".into(), json!("now+300"));
    claims.insert("jti".into(), json!(uuid::Uuid::new_v4().to_string()));
    claims.extend(minted.claims.clone());
    claims.extend(edit.claims.iter().map(|(k, v)| (k.clone(), v.clone())));
    claims.retain(|name, _| !edit.without.contains(name));
    if let Some(depth) = edit.act_depth {
        claims.insert("act".into(), nested_act(depth));
    }
    let header = times(&Value::Object(header), fill);
    let claims = times(&Value::Object(claims), fill);
    let mut payload = claims.to_string();
    for (name, value) in &edit.repeated {
        // A second member of the same name, behind the first: no JSON library writes that.
        payload.pop();
        payload.push_str(&format!(",{}:{}}}", json!(name), times(value, fill)));
    }
    let payload = if edit.utf16 {
        payload.encode_utf16().flat_map(u16::to_be_bytes).collect()
    } else {
        payload.into_bytes()
    };
    let key = match edit.key {
        Some(MintKey::Untrusted) => SigningKey::stranger(&minted.key.alg())?,
        None => minted.key.clone(),
    };
    let key = match edit.algorithm {
        Some(other) => key.with_algorithm(other)?,
        None => key,
    };
    if header.get("alg").and_then(Value::as_str).is_some_and(|a| a.eq_ignore_ascii_case("none")) {
        return Ok(format!("{}.{}.", b64(header.to_string()), b64(payload)));
    }
    key.sign_bytes(header.to_string().as_bytes(), &payload)
}

fn nested_act(depth: u32) -> Value {
    let mut act = json!({ "sub": "txspec-actor-1" });
    for level in 2..=depth {
        act = json!({ "sub": format!("txspec-actor-{level}"), "act": act });
    }
    act
}

/// Replaces texts like `now`, `now-600` or `now+300` by seconds since 1970, and placeholders by their value.
pub fn times(value: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("now") {
            Some("") => json!(now()),
            Some(offset) => match offset.parse::<i64>() {
                Ok(seconds) if offset.starts_with(['+', '-']) => json!(now() + seconds),
                _ => json!(fill(text)),
            },
            None => json!(fill(text)),
        },
        Value::Array(items) => items.iter().map(|v| times(v, fill)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(k, v)| (k.clone(), times(v, fill))).collect())
        }
        other => other.clone(),
    }
}
