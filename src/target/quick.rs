//! A target without a file: an issuer's URL and a few credentials, for a first look at a server.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    TargetError,
    load::{Target, load_text},
};
use crate::spec::Catalogue;

/// What the client is called where nobody says so: a token request names its client (RFC 6749 section 3.2.1).
pub const QUICK_CLIENT: &str = "txspec";

/// What the command line gives.
#[derive(Debug, Clone, Default)]
pub struct QuickTarget {
    /// Issuer identifier, or the token endpoint itself.
    pub url: String,
    /// Client identifier; [`QUICK_CLIENT`] without it.
    pub client_id: Option<String>,
    /// Environment variable that holds the client secret.
    pub client_secret_env: Option<String>,
    /// Environment variable that holds the subject token. Without it the client gets one for itself.
    pub subject_token_env: Option<String>,
}

/// Makes a target of it: no capabilities are declared, so that only what every server must do is judged.
///
/// # Errors
/// As for a file: an unset variable, a wrong URL.
pub fn quick(options: &QuickTarget, catalogue: &Catalogue) -> Result<Target, TargetError> {
    let mut client = Map::new();
    client.insert("id".into(), json!(options.client_id.clone().unwrap_or_else(|| QUICK_CLIENT.into())));
    if let Some(variable) = &options.client_secret_env {
        client.insert("secret".into(), json!({ "env": variable }));
    }
    let source = match &options.subject_token_env {
        Some(variable) => json!({ "env": variable }),
        None => json!({ "client_credentials": { "client": "exchanger" } }),
    };
    let mut file = BTreeMap::from([
        ("name", json!(options.url)),
        ("clients", json!({ "exchanger": Value::Object(client) })),
        ("tokens", json!({ "user": { "from": source } })),
    ]);
    file.insert("issuer", json!(options.url));
    let text = serde_json::to_string_pretty(&file).unwrap_or_default();
    load_text("the command line", &text, &|name| std::env::var(name).ok(), catalogue)
}
