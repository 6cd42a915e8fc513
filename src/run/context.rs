//! Everything that the scenarios of one run share.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::{Recorder, ScenarioResult, Waivers};
use crate::{
    judge::RunFacts,
    scenario::Suite,
    spec::{Capability, Catalogue},
    target::{Discovered, Endpoints, Target, Value1, discover, duration, token_type_short},
    token::{Obtainer, TokenView},
    wire::{Limits, Request, Sender, StrictJson, TransportError, Vault},
};

/// A run cannot start.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ContextError {
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] TransportError),
    /// The server's addresses cannot be found.
    #[error("{message}")]
    Discovery {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
}

/// Shared by all scenarios of a run.
pub struct Context {
    /// The scenarios.
    pub suite: Arc<Suite>,
    /// The target.
    pub target: Arc<Target>,
    /// Where its endpoints are.
    pub endpoints: Endpoints,
    /// The token endpoint.
    pub token_endpoint: Url,
    /// The metadata document, if one was found, with its address.
    pub metadata: Option<(Url, Value)>,
    /// Facts for the judge.
    pub facts: RunFacts,
    /// Sends requests within the limits.
    pub sender: Sender,
    /// Everything that must not be shown.
    pub vault: Vault,
    /// Whether results are to be shown. Where only verdicts count, nothing that was sent or received gets into a
    /// result, which saves the work of hiding the secrets in it.
    pub shown: bool,
    /// Obtains tokens.
    pub obtainer: Obtainer,
    /// Keeps what the judge sees, if the run is recorded.
    pub recorder: Option<Recorder>,
    /// Where the server stands for documents: what they state. Nothing else is judged.
    pub documented: Option<super::Documented>,
    /// Which violations are accepted, and until when.
    pub waivers: Waivers,
    /// Results of controls: each is run once, whoever needs it first.
    pub(super) controls: Mutex<BTreeMap<String, Arc<OnceCell<Arc<ScenarioResult>>>>>,
    /// Claims of opaque source tokens, by role.
    pub(super) introspected: Mutex<BTreeMap<String, Arc<OnceCell<Option<Value>>>>>,
    /// Notices whether the server follows addresses out of tokens; started when first needed.
    pub(super) trap: OnceCell<Option<super::listener::Trap>>,
}

impl Context {
    /// Finds the endpoints and prepares everything. Sends only discovery requests.
    ///
    /// # Errors
    /// When the server's token endpoint cannot be found.
    pub async fn prepare(
        suite: Arc<Suite>,
        target: Arc<Target>,
        catalogue: Arc<Catalogue>,
    ) -> Result<Self, ContextError> {
        let sender = Sender::new(limits(&target))?;
        Self::prepare_with(suite, target, catalogue, sender).await
    }

    /// As [`Context::prepare`], with a sender that the caller can interrupt.
    ///
    /// # Errors
    /// When the server's token endpoint cannot be found.
    pub async fn prepare_with(
        suite: Arc<Suite>,
        target: Arc<Target>,
        catalogue: Arc<Catalogue>,
        sender: Sender,
    ) -> Result<Self, ContextError> {
        let vault = sender.vault().clone();
        remember_secrets(&target, &vault);
        let discovered = discover(&target.spec, &sender)
            .await
            .map_err(|e| ContextError::Discovery { message: e.message, hint: e.hint })?;
        let Discovered { endpoints, metadata, .. } = discovered;
        let text = endpoints.token.clone().unwrap_or_default();
        let token_endpoint = Url::parse(&text).map_err(|e| ContextError::Discovery {
            message: format!("the token endpoint `{text}` is not a URL: {e}"),
            hint: "write it like https://as.example.com/token".into(),
        })?;
        let jwks = fetch_jwks(&endpoints, &target, &sender).await;
        let facts = facts(&target, catalogue, &token_endpoint, jwks);
        let obtainer = Obtainer::new(
            Arc::new(target.spec.clone()),
            endpoints.clone(),
            target.folder.clone(),
            sender.clone(),
        );
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let waivers = Waivers::on(today, target.waivers.clone());
        Ok(Self {
            suite,
            target,
            endpoints,
            token_endpoint,
            metadata,
            facts,
            sender,
            vault,
            shown: true,
            obtainer,
            recorder: None,
            documented: None,
            waivers,
            controls: Mutex::default(),
            introspected: Mutex::default(),
            trap: OnceCell::new(),
        })
    }

    /// Whether the target declares a capability.
    pub fn declares(&self, capability: Capability) -> bool {
        self.facts.capabilities.contains(&capability)
    }

    /// A JSON response read leniently, for plumbing (not for judging).
    pub(super) fn json_of(exchange: &crate::wire::Exchange) -> Option<Value> {
        StrictJson::parse(&exchange.response()?.body).ok().map(|j| j.value)
    }

    /// A token out of a successful token response.
    pub(super) fn issued_token(value: &Value) -> Option<TokenView> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        let mut token = text("access_token")?;
        // A malformed type is a finding of its own; the token is then presented as what it most likely is.
        let kind = value
            .get("issued_token_type")
            .and_then(Value::as_str)
            .filter(|name| url::Url::parse(name).is_ok())
            .unwrap_or("access_token");
        // Whoever calls a pair of tokens a refresh token is told so (TX-2.2.1-refresh_token-type). What the label can only
        // mean is the other one of the pair; calling the access token a refresh token would accuse the server twice.
        if token_type_short(kind) == "refresh_token" {
            token = text("refresh_token").unwrap_or(token);
        }
        let expires_in = value.get("expires_in").and_then(Value::as_i64);
        Some(TokenView::new(token.into(), kind, expires_in))
    }
}

/// The limits of a target.
pub fn limits(target: &Target) -> Limits {
    let spec = &target.spec.limits;
    let default = Limits::default();
    Limits {
        request_timeout: spec
            .request_timeout
            .as_deref()
            .and_then(|t| duration(t).ok())
            .unwrap_or(default.request_timeout),
        concurrency: spec.concurrency.unwrap_or(default.concurrency),
        requests_per_second: spec.requests_per_second,
        budget: spec.budget.unwrap_or(default.budget),
        max_body: spec.max_body.unwrap_or(default.max_body),
    }
}

/// Puts what a target file holds of secrets into a vault.
pub fn remember_secrets(target: &Target, vault: &Vault) {
    for (role, client) in &target.spec.clients {
        for secret in client.secret.iter().chain(&client.key).filter_map(|s| s.resolve().ok()) {
            vault.remember(&format!("{role} secret"), &secret);
            // Basic sends the encoded secret; a header echoed by the server would show it.
            if secret.len() < 400 {
                use base64::{Engine, engine::general_purpose::STANDARD};
                let pair = format!("{}:{}", client.id, secret.expose());
                vault.remember(&format!("{role} credentials"), &STANDARD.encode(pair).into());
            }
        }
    }
}

async fn fetch_jwks(endpoints: &Endpoints, target: &Target, sender: &Sender) -> Option<Value> {
    let address = endpoints.jwks.as_deref()?;
    if !target.spec.capabilities.contains(&Capability::Jwks) {
        return None;
    }
    let exchange = sender.send("jwks", Request::get(Url::parse(address).ok()?)).await;
    let response = exchange.response().filter(|r| r.status == 200 && !r.truncated)?;
    StrictJson::parse(&response.body).ok().map(|j| j.value)
}

fn facts(target: &Target, catalogue: Arc<Catalogue>, token_endpoint: &Url, jwks: Option<Value>) -> RunFacts {
    let spec = &target.spec;
    let values =
        |map: &BTreeMap<String, Value1>, made_up: &dyn Fn() -> String| -> BTreeMap<String, Vec<String>> {
            map.iter()
                .map(|(role, value)| {
                    let values = value
                        .values()
                        .into_iter()
                        .map(|v| if v == "generated" { made_up() } else { v.to_owned() });
                    (role.clone(), values.collect())
                })
                .collect()
        };
    let unknown_target = || format!("https://{}.invalid/", uuid::Uuid::new_v4());
    let unknown_scope = || format!("txspec-{}", uuid::Uuid::new_v4());
    let with_unknown = |mut map: BTreeMap<String, Vec<String>>, made_up: String| {
        map.entry("unknown".into()).or_insert_with(|| vec![made_up]);
        map
    };
    RunFacts {
        catalogue,
        capabilities: spec.capabilities.iter().copied().collect(),
        policy: spec.policy.clone(),
        reading: spec.reading.clone().unwrap_or_else(|| "strict".into()),
        issuer: spec.issuer.clone(),
        token_endpoint: token_endpoint.to_string(),
        jwks,
        clients: spec.clients.iter().map(|(role, c)| (role.clone(), c.id.clone())).collect(),
        audiences: with_unknown(values(&spec.audiences, &unknown_target), unknown_target()),
        resources: with_unknown(values(&spec.resources, &unknown_target), unknown_target()),
        audience_mapping: spec.audience_mapping.clone(),
        scopes: with_unknown(values(&spec.scopes, &unknown_scope), unknown_scope()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Context;

    #[test]
    fn the_token_that_a_refresh_token_label_speaks_of_is_the_refresh_token() {
        let uri = |short: &str| format!("urn:ietf:params:oauth:token-type:{short}");
        let rows = [
            (
                json!({ "access_token": "a", "refresh_token": "r", "issued_token_type": uri("refresh_token") }),
                "r",
            ),
            (json!({ "access_token": "a", "issued_token_type": uri("refresh_token") }), "a"),
            (
                json!({ "access_token": "a", "refresh_token": "r", "issued_token_type": uri("access_token") }),
                "a",
            ),
            (json!({ "access_token": "a", "refresh_token": "r" }), "a"),
        ];
        for (answer, token) in rows {
            let view = Context::issued_token(&answer).unwrap();
            assert_eq!(view.value.expose(), token, "{answer}");
        }
    }
}
