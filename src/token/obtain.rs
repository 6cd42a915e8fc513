//! Obtaining tokens from a target's sources. A source is asked once and its token shared, unless it is for single
//! use or a fresh one is asked for.

use std::{
    collections::BTreeMap,
    fs,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::{
    AuthError, DpopKey, Jwt, Minted, SignatureVerdict, SigningKey, authentication, client_method, mint, now,
    proof,
};
use crate::{
    scenario::MintEdit,
    target::{
        Endpoints, ExchangeSource, MintedSource, SourceSpec, TargetSpec, TokenSpec, Value1, duration,
        token_type_uri,
    },
    wire::{Exchange, FormBody, Request, Secret, Sender, StrictJson, TransportKind, Vault, printable},
};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A token as the rest of the run knows it.
#[derive(Debug, Clone)]
pub struct TokenView {
    /// The token itself.
    pub value: Secret,
    /// Its type as a URI.
    pub token_type: String,
    /// Its claims: decoded from a JWT, or introspected.
    pub claims: Option<Value>,
    /// The decoded JWT, if it is one.
    pub jwt: Option<Jwt>,
    /// Whether `claims` come from introspection.
    pub introspected: bool,
    /// When it expires, in seconds since 1970, if known.
    pub expires_at: Option<i64>,
    /// For minted tokens: how to mint another.
    pub minted: Option<Minted>,
    /// The role of the client that it was issued to, if known.
    pub holder: Option<String>,
    /// The verdict on its signature, where the token itself is not at hand: in a recorded run.
    pub verified: Option<SignatureVerdict>,
}

impl TokenView {
    /// Reads a token.
    pub fn new(value: Secret, token_type: &str, expires_in: Option<i64>) -> Self {
        let jwt = Jwt::decode(value.expose()).ok();
        let claims = jwt.as_ref().map(Jwt::claims_value);
        let exp = claims.as_ref().and_then(|c| c.get("exp")).and_then(Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time far outside i64 saturates, which is what is wanted"
        )]
        let expires_at = exp.map(|e| e as i64).or_else(|| expires_in.map(|s| now().saturating_add(s)));
        Self {
            value,
            token_type: token_type_uri(token_type),
            claims,
            jwt,
            introspected: false,
            expires_at,
            minted: None,
            holder: None,
            verified: None,
        }
    }
}

/// A token with what came along.
#[derive(Debug, Clone)]
pub struct Obtained {
    /// The token.
    pub view: TokenView,
    /// Form parameters that an exchange of it needs.
    pub params: BTreeMap<String, Value1>,
    /// Whether a fresh one must be got for each request.
    pub single_use: bool,
    at: Instant,
    age: Option<Duration>,
}

/// A token source failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("failed to obtain the token `{role}`: {message}")]
pub struct ObtainError {
    /// The token's name in the target file.
    pub role: String,
    /// What went wrong.
    pub message: String,
    /// Whether the server could not be reached at all.
    pub unreachable: bool,
}

type Cell = Arc<OnceCell<Result<Obtained, ObtainError>>>;

/// Obtains tokens for one run.
#[derive(Clone)]
pub struct Obtainer {
    pub(super) spec: Arc<TargetSpec>,
    pub(super) endpoints: Arc<Endpoints>,
    folder: Arc<PathBuf>,
    pub(super) sender: Sender,
    pub(super) vault: Vault,
    cells: Arc<Mutex<BTreeMap<String, Cell>>>,
}

impl Obtainer {
    /// Prepares to obtain; nothing is sent yet.
    pub fn new(spec: Arc<TargetSpec>, endpoints: Endpoints, folder: PathBuf, sender: Sender) -> Self {
        let vault = sender.vault().clone();
        Self {
            spec,
            endpoints: Arc::new(endpoints),
            folder: Arc::new(folder),
            sender,
            vault,
            cells: Arc::default(),
        }
    }

    /// The target's source of a role.
    pub fn source(&self, role: &str) -> Option<&TokenSpec> {
        self.spec.tokens.get(role)
    }

    /// Asks the sources of tokens that must grow old, so that they age while the rest runs.
    pub async fn prefetch_aging(&self, wanted: &[&str]) {
        let aging = wanted.iter().filter(|role| self.source(role).is_some_and(|s| s.age.is_some()));
        futures_util::future::join_all(aging.map(|role| self.shared(role))).await;
    }

    /// A token of a role: the shared one, or a fresh one if the source is for single use. Waits until it is old
    /// enough.
    ///
    /// # Errors
    /// When the source fails.
    pub async fn token(&self, role: &str) -> Result<Obtained, ObtainError> {
        let single_use = self.source(role).is_some_and(|s| s.single_use)
            || self.spec.policy.subject_token_single_use == Some(true);
        let obtained = if single_use { self.fresh(role).await? } else { self.shared(role).await? };
        if let Some(rest) = obtained.age.and_then(|age| age.checked_sub(obtained.at.elapsed())) {
            let waited = self.sender.unless_interrupted(tokio::time::sleep(rest)).await;
            waited.ok_or_else(|| ObtainError {
                role: role.to_owned(),
                message: "interrupted while the token grew old".into(),
                unreachable: false,
            })?;
        }
        Ok(obtained)
    }

    async fn shared(&self, role: &str) -> Result<Obtained, ObtainError> {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(role.to_owned()).or_default())
        };
        cell.get_or_init(|| self.fresh(role)).await.clone()
    }

    /// A token of a role that no one else has.
    ///
    /// # Errors
    /// When the source fails.
    pub fn fresh<'a>(
        &'a self,
        role: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Obtained, ObtainError>> + Send + 'a>> {
        Box::pin(async move {
            let fail = |message: String| ObtainError { role: role.to_owned(), message, unreachable: false };
            let spec = self.source(role).ok_or_else(|| fail("no token has this name, neither in the target file nor among what earlier steps were issued".into()))?;
            let got = self.ask(&spec.from, spec.pointer.as_deref()).await.map_err(|e| ObtainError {
                role: role.to_owned(),
                message: e.message,
                unreachable: e.unreachable,
            })?;
            if got.value.is_empty() {
                return Err(fail("the source gave an empty token".into()));
            }
            self.vault.remember(&format!("{role} token"), &got.value);
            Ok(Obtained {
                view: TokenView {
                    minted: got.minted,
                    holder: holder(&spec.from).map(str::to_owned),
                    ..TokenView::new(got.value, &spec.token_type, got.expires_in)
                },
                params: spec.params.clone(),
                single_use: spec.single_use,
                at: Instant::now(),
                age: spec.age.as_deref().and_then(|a| duration(a).ok()),
            })
        })
    }

    async fn ask(&self, source: &SourceSpec, pointer: Option<&str>) -> Result<Got, Trouble> {
        if let Some(s) = &source.client_credentials {
            let mut form = grant("client_credentials", s.scope.as_deref());
            return self.grant(&s.client, &mut form, &s.params, s.dpop.as_deref(), pointer).await;
        }
        if let Some(s) = &source.password {
            let mut form = grant("password", s.scope.as_deref());
            form.push("username", s.username.as_str());
            let password = s.password.resolve()?;
            self.vault.remember("password", &password);
            form.push("password", password);
            return self.grant(&s.client, &mut form, &s.params, s.dpop.as_deref(), pointer).await;
        }
        if let Some(s) = &source.refresh {
            let mut form = grant("refresh_token", s.scope.as_deref());
            form.push("refresh_token", self.fresh(&s.token).await?.view.value);
            return self.grant(&s.client, &mut form, &s.params, None, pointer).await;
        }
        if let Some(s) = &source.exchange {
            return self.exchange(s, pointer).await;
        }
        if let Some(variable) = &source.env {
            let value = std::env::var(variable)
                .map_err(|_| format!("the environment variable {variable} is not set"))?;
            return Ok(Got::plain(value.trim()));
        }
        if let Some(file) = &source.file {
            let path = self.folder.join(file);
            let text =
                fs::read_to_string(&path).map_err(|e| format!("failed to read {}: {e}", path.display()))?;
            return Ok(Got::plain(text.trim()));
        }
        if let Some(fixed) = &source.fixed {
            return Ok(Got { value: fixed.resolve()?, expires_in: None, minted: None });
        }
        if let Some(s) = &source.minted {
            return self.minted(s);
        }
        if let Some(recipe) = &source.http {
            return self.recipe(recipe, pointer).await;
        }
        if let Some(command) = &source.command {
            let output = self.sender.unless_interrupted(super::recipe::run_command(command)).await;
            return output.unwrap_or_else(|| Err("interrupted".to_owned().into()));
        }
        Err(Trouble::from("the source is empty".to_owned()))
    }

    async fn grant(
        &self,
        client: &str,
        form: &mut FormBody,
        params: &BTreeMap<String, Value1>,
        dpop: Option<&str>,
        pointer: Option<&str>,
    ) -> Result<Got, Trouble> {
        push_params(form, params);
        let url = self.token_endpoint()?;
        let plain = form.clone();
        let request = self.form_request(client, form, url.clone())?;
        let mut exchange = self.send(request, dpop, None).await?;
        let nonce = exchange.response().filter(|r| r.status == 400).and_then(|r| r.header("dpop-nonce"));
        if let (Some(_), Some(nonce)) = (dpop, nonce) {
            // A client assertion is good for one request, so that the form is made anew.
            let again = self.form_request(client, &mut plain.clone(), url)?;
            exchange = self.send(again, dpop, Some(&nonce)).await?;
        }
        self.read(&exchange, pointer.unwrap_or("/access_token"))
    }

    /// Sends a request for a token, with proof of a key if the token is to be bound (RFC 9449 sections 5 and 8).
    async fn send(
        &self,
        mut request: Request,
        dpop: Option<&str>,
        nonce: Option<&str>,
    ) -> Result<Exchange, Trouble> {
        if let Some(name) = dpop {
            let key = DpopKey::named(name).map_err(|e| e.0)?;
            request.push_header("dpop", proof(&key, &request.url, nonce, None).map_err(|e| e.0)?);
        }
        Ok(self.sender.send("token source", request).await)
    }

    async fn exchange(&self, s: &ExchangeSource, pointer: Option<&str>) -> Result<Got, Trouble> {
        let subject = self.fresh(&s.subject).await?.view;
        let mut form = FormBody::default();
        form.push("grant_type", TOKEN_EXCHANGE);
        form.push("subject_token", subject.value);
        form.push("subject_token_type", subject.token_type);
        if let Some(actor) = &s.actor {
            let actor = self.fresh(actor).await?.view;
            form.push("actor_token", actor.value);
            form.push("actor_token_type", actor.token_type);
        }
        if let Some(requested) = &s.requested {
            form.push("requested_token_type", token_type_uri(requested));
        }
        if let Some(scope) = &s.scope {
            form.push("scope", scope.as_str());
        }
        push_params(&mut form, &self.spec.extra_params);
        self.grant(&s.client, &mut form, &s.params, None, pointer).await
    }

    fn minted(&self, s: &MintedSource) -> Result<Got, Trouble> {
        let pem = match (&s.key, &s.key_file) {
            (Some(key), _) => key.resolve()?,
            (None, Some(file)) => {
                let path = self.folder.join(file);
                Secret::new(
                    fs::read_to_string(&path)
                        .map_err(|e| format!("failed to read the key {}: {e}", path.display()))?,
                )
            }
            (None, None) => return Err("the minted source has no key".to_owned().into()),
        };
        let key = SigningKey::from_pem(pem.expose(), s.alg.as_deref()).map_err(|e| e.0)?;
        let minted = Minted {
            key,
            header: s.header.clone().into_iter().collect(),
            claims: s.claims.clone().into_iter().collect(),
        };
        let value = mint(&minted, &MintEdit::default(), &|text| self.fill(text, &BTreeMap::new()))
            .map_err(|e| e.0)?;
        Ok(Got { value: Secret::new(value), expires_in: None, minted: Some(minted) })
    }

    fn token_endpoint(&self) -> Result<Url, Trouble> {
        let text =
            self.endpoints.token.as_deref().ok_or_else(|| "the token endpoint is not known".to_owned())?;
        Url::parse(text).map_err(|e| Trouble::from(format!("the token endpoint `{text}` is not a URL: {e}")))
    }

    fn form_request(&self, client: &str, form: &mut FormBody, url: Url) -> Result<Request, Trouble> {
        let mut request = Request::post(url);
        request.push_header("accept", "application/json");
        self.authenticate(client, form, &mut request)?;
        request.push_header("content-type", "application/x-www-form-urlencoded");
        request.body = form.encode().into_bytes();
        Ok(request)
    }

    /// Puts a client's own credentials into a request.
    pub(super) fn authenticate(
        &self,
        role: &str,
        form: &mut FormBody,
        request: &mut Request,
    ) -> Result<(), Trouble> {
        let client =
            self.spec.clients.get(role).ok_or_else(|| format!("the target has no client `{role}`"))?;
        let audience = self.spec.issuer.as_deref().or(self.endpoints.token.as_deref()).unwrap_or_default();
        let credentials = authentication(client, client_method(client), audience, &self.folder)?;
        credentials.apply(form, request);
        push_params(form, &client.params);
        Ok(())
    }

    pub(super) fn read(&self, exchange: &Exchange, pointer: &str) -> Result<Got, Trouble> {
        let response = exchange.outcome.as_ref().map_err(|e| Trouble {
            message: format!("{}: {e}", exchange.request.url),
            unreachable: e.kind == TransportKind::Connect,
        })?;
        if !(200..300).contains(&response.status) {
            return Err(self.describe(exchange).into());
        }
        let answer = || format!("{} answered with status {}", exchange.request.url.path(), response.status);
        let json =
            StrictJson::parse(&response.body).map_err(|e| format!("{}, but not with JSON: {e}", answer()))?;
        let value = json
            .value
            .pointer(pointer)
            .and_then(Value::as_str)
            .ok_or_else(|| format!("{}, but its JSON has no text at {pointer}", answer()))?;
        // `expires_in` is about the access token, whatever else is picked.
        let expires_in = (pointer == "/access_token")
            .then(|| json.value.get("expires_in").and_then(Value::as_i64))
            .flatten();
        Ok(Got { value: Secret::new(value), expires_in, minted: None })
    }

    /// A response in one line: status, error, description; secrets hidden.
    pub(super) fn describe(&self, exchange: &Exchange) -> String {
        let Some(response) = exchange.response() else {
            return "no response".into();
        };
        let mut line = format!("status {}", response.status);
        if let Ok(json) = StrictJson::parse(&response.body) {
            for member in ["error", "error_description"] {
                if let Some(text) = json.value.get(member).and_then(Value::as_str) {
                    line.push_str(&format!(", {member} `{}`", printable(text, 200)));
                }
            }
        } else if let Some(kind) = response.header("content-type") {
            line.push_str(&format!(", {}", printable(&kind, 200)));
        }
        self.vault.redactor().text(&line)
    }
}

/// The client that a source's token is issued to.
fn holder(source: &SourceSpec) -> Option<&str> {
    let grants = [
        source.client_credentials.as_ref().map(|s| s.client.as_str()),
        source.password.as_ref().map(|s| s.client.as_str()),
        source.refresh.as_ref().map(|s| s.client.as_str()),
        source.exchange.as_ref().map(|s| s.client.as_str()),
    ];
    grants.into_iter().flatten().next()
}

pub(super) struct Got {
    pub(super) value: Secret,
    pub(super) expires_in: Option<i64>,
    pub(super) minted: Option<Minted>,
}

impl Got {
    pub(super) fn plain(text: &str) -> Self {
        Self { value: Secret::new(text), expires_in: None, minted: None }
    }
}

pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) unreachable: bool,
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self { message, unreachable: false }
    }
}

impl From<AuthError> for Trouble {
    fn from(error: AuthError) -> Self {
        error.0.into()
    }
}

impl From<ObtainError> for Trouble {
    fn from(error: ObtainError) -> Self {
        Self { message: format!("{error}"), unreachable: error.unreachable }
    }
}

fn grant(name: &str, scope: Option<&str>) -> FormBody {
    let mut form = FormBody::default();
    form.push("grant_type", name);
    if let Some(scope) = scope {
        form.push("scope", scope);
    }
    form
}

fn push_params(form: &mut FormBody, params: &BTreeMap<String, Value1>) {
    for (name, value) in params {
        for v in value.values() {
            form.push(name, v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lifetime_is_too_long_to_be_added_up() {
        for seconds in [i64::MAX, i64::MIN] {
            let view = TokenView::new("opaque".into(), "access_token", Some(seconds));
            assert!(view.expires_at.is_some());
        }
    }
}
