//! A first target file, written from what a server's metadata says and a few answers.

use std::fmt::Write as _;

use serde_json::Value;

use super::AuthMethod;

/// What is known before a target file is written.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Name of the server.
    pub name: String,
    /// Issuer identifier.
    pub issuer: String,
    /// Client identifier of the exchanger.
    pub client_id: String,
    /// Environment variable that holds its secret; `None` for a public client.
    pub secret_env: Option<String>,
    /// Environment variable that holds a user's token.
    pub token_env: Option<String>,
    /// A user and the environment variable that holds the password, for the password grant.
    pub user: Option<(String, String)>,
    /// Whether nothing answered at the issuer's address: then nothing is known of its endpoints.
    pub unreached: bool,
}

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Writes the file. Its comments say what was found and what is left to say; what the metadata do not mention is not
/// claimed.
pub fn draft(draft: &Draft, metadata: Option<&Value>) -> String {
    let listed = |member: &str| -> Vec<&str> {
        let list = metadata.and_then(|m| m.get(member)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let has = |member: &str| metadata.is_some_and(|m| m.get(member).is_some_and(Value::is_string));
    let mut out = String::new();
    let mut line = |text: &str| {
        let _ = writeln!(out, "{text}");
    };
    line(
        "# Target file for txspec. `txspec schema target` explains every key, `txspec doctor --target FILE` walks the set-up,",
    );
    line("# docs/guides/targets.md says what each role and capability brings in.");
    line(&format!("name: {}", quoted(&draft.name)));
    line("# version: \"1.0\"        # a comparison of reports tells builds apart by it");
    line(&format!("issuer: {}", quoted(&draft.issuer)));
    if draft.unreached {
        line(
            "# Nothing answered there when this was written. The endpoints are read from the server's metadata; if it has",
        );
        line("# none, name them:");
        line("# metadata: none");
        line("# endpoints: { token: https://… }");
    } else if metadata.is_none() {
        line("# No metadata were found: name the endpoints.");
        line("metadata: none");
        line("endpoints:");
        line(&format!("  token: {}", quoted(&format!("{}/token", draft.issuer.trim_end_matches('/')))));
        line("  # introspection: …");
        line("  # revocation: …");
        line("  # jwks: …");
    }
    let grants = listed("grant_types_supported");
    if !grants.is_empty() && !grants.contains(&EXCHANGE) {
        line(
            "# The metadata do not list the token exchange grant among `grant_types_supported`: is it switched on?",
        );
    }
    line("");
    line("clients:");
    let methods = listed("token_endpoint_auth_methods_supported");
    let fit: Vec<AuthMethod> = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost]
        .into_iter()
        .filter(|m| methods.is_empty() || methods.contains(&m.name()))
        .collect();
    let id = quoted(&draft.client_id);
    match &draft.secret_env {
        Some(variable) => {
            let auth = fit.first().copied().unwrap_or(AuthMethod::ClientSecretBasic);
            line(&format!("  exchanger: {{ id: {id}, secret: \"${{{variable}}}\", auth: {} }}", auth.name()));
        }
        None => line(&format!("  exchanger: {{ id: {id}, auth: none }}")),
    }
    line("  # service: { id: …, secret: \"${SERVICE_SECRET}\" }         # acts for users: delegation");
    line("  # second: { id: …, secret: \"${SECOND_SECRET}\" }           # another application");
    line("  # forbidden: { id: …, secret: \"${FORBIDDEN_SECRET}\" }     # may not exchange");
    line("  # observer: { id: …, secret: \"${OBSERVER_SECRET}\" }       # may introspect issued tokens");
    line("");
    line("tokens:");
    match (&draft.token_env, &draft.user) {
        (Some(variable), _) => line(&format!("  user: {{ from: {{ env: {variable} }} }}")),
        (None, Some((user, variable))) => line(&format!(
            "  user: {{ from: {{ password: {{ client: exchanger, username: {}, password: \"${{{variable}}}\" }} }} }}",
            quoted(user)
        )),
        (None, None) => {
            line("  # The client itself, for a start: a user's token tells more.");
            line("  user: { from: { client_credentials: { client: exchanger } } }");
        }
    }
    line("  # second_user: { from: { env: SECOND_USER_TOKEN } }");
    line("  # service: { from: { client_credentials: { client: service } } }");
    line("");
    line(
        "# What the server claims: what is listed is held against it, what is not listed is not applicable.",
    );
    let mut claimed = Vec::new();
    if metadata.is_some() {
        claimed.push("metadata");
    }
    if has("jwks_uri") {
        claimed.push("jwks");
    }
    if has("revocation_endpoint") {
        claimed.push("revocation");
    }
    line(&format!("capabilities: [{}]", claimed.join(", ")));
    if has("introspection_endpoint") {
        line("# There is an introspection endpoint: add `introspection` together with an `observer` client.");
    }
    line(
        "# Others: delegation, may_act, audience, resource, scope, jwt_access_token, introspection, refresh, dpop, …",
    );
    line("");
    line("# audiences: { allowed: …, second: …, unknown: generated }");
    line("# resources: { allowed: \"https://api.example.com\", unknown: generated }");
    let scopes = listed("scopes_supported");
    if scopes.is_empty() {
        line("# scopes: { subject: [read, write], narrow: [read], extra: [admin], unknown: generated }");
    } else {
        let few: Vec<String> = scopes.iter().take(12).map(|s| quoted(s)).collect();
        line(&format!("# The metadata list the scopes {}.", few.join(", ")));
        line("# scopes: { subject: […], narrow: […], extra: […], unknown: generated }");
    }
    line("# exchange: { audience: allowed }     # if every exchange needs a target");
    line("limits: { concurrency: 4, budget: 10000 }");
    out
}

/// Text as a double-quoted YAML scalar; JSON strings are such scalars.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{spec::Catalogue, target::load_text};

    #[test]
    fn what_is_written_is_read_back_without_a_mistake() {
        let catalogue = Catalogue::embedded().unwrap();
        let metadata = json!({
            "issuer": "http://127.0.0.1:1", "jwks_uri": "http://127.0.0.1:1/jwks", "introspection_endpoint": "http://127.0.0.1:1/i",
            "revocation_endpoint": "http://127.0.0.1:1/r", "scopes_supported": ["read", "a\"b # c"],
            "grant_types_supported": ["password"], "token_endpoint_auth_methods_supported": ["client_secret_post"],
        });
        let secret = || Some("APP_SECRET".to_owned());
        let base = Draft {
            name: "An AS: \"odd\" # name".into(),
            issuer: "http://127.0.0.1:1".into(),
            client_id: "app: {1}".into(),
            ..Draft::default()
        };
        for draft_of in [
            base.clone(),
            Draft { unreached: true, ..base.clone() },
            Draft { secret_env: secret(), token_env: Some("PATH".into()), ..base.clone() },
            Draft { secret_env: secret(), user: Some(("alice".into(), "ALICE".into())), ..base },
        ] {
            for metadata in [None, Some(&metadata)] {
                let text = draft(&draft_of, metadata);
                let target = load_text("draft.yaml", &text, &|_| Some("a-long-value".into()), &catalogue)
                    .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
                assert!(target.warnings.0.is_empty(), "{text}");
                assert_eq!(target.spec.name, draft_of.name);
                assert_eq!(target.spec.clients["exchanger"].id, draft_of.client_id);
            }
        }
        let text = draft(&Draft { secret_env: secret(), ..Draft::default() }, Some(&metadata));
        for found in [
            "auth: client_secret_post",
            "is it switched on?",
            "capabilities: [metadata, jwks, revocation]",
            "observer",
        ] {
            assert!(text.contains(found), "no `{found}` in\n{text}");
        }
    }
}
