//! Why a client cannot exchange: asks the token endpoint in each way that the client's credentials allow (for
//! `txspec doctor`).

use serde_json::Value;

use super::Context;
use crate::{
    target::{AuthMethod, ClientSpec, SecretSpec},
    token::{authentication, client_method, now},
    wire::{Exchange, FormBody, Request, StrictJson, printable},
};

/// What the token endpoint makes of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientHealth {
    /// It is authenticated, and may exchange.
    Fine,
    /// It is authenticated, and may not use the grant (`unauthorized_client`).
    GrantNotAllowed,
    /// The server does not offer the grant (`unsupported_grant_type`).
    GrantNotOffered,
    /// It is refused by its registered method and accepted by another.
    WrongMethod(AuthMethod),
    /// The server answers a made-up client differently: it knows this one, and its secret or key is wrong.
    WrongSecret,
    /// It is refused exactly like a client that does not exist.
    UnknownOrWrongSecret,
    /// The credentials cannot be made.
    NoCredentials(String),
    /// No answer.
    NoAnswer(String),
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// What the token endpoint makes of the client.
    pub health: ClientHealth,
    /// How far the server's clock is ahead of this one, in seconds, by the `Date` field of its answer (RFC 9110
    /// section 6.6.1).
    pub clock_ahead: Option<i64>,
}

/// The client that no server has.
const NOBODY: &str = "txspec-no-such-client";

/// Sends an exchange whose subject token is none: a client that is not authenticated or may not exchange is told so, any
/// other is told about the token. At most five requests.
pub async fn probe(context: &Context, role: &str) -> Probed {
    let Some(client) = context.target.spec.clients.get(role) else {
        let health = ClientHealth::NoCredentials(format!("the target has no client `{role}`"));
        return Probed { health, clock_ahead: None };
    };
    match ask(context, client, client_method(client)).await {
        Ok(first) => Probed {
            health: diagnosis(context, client, &first).await,
            clock_ahead: clock_ahead(&first, now()),
        },
        Err(message) => Probed { health: ClientHealth::NoCredentials(message), clock_ahead: None },
    }
}

async fn diagnosis(context: &Context, client: &ClientSpec, first: &Exchange) -> ClientHealth {
    let own = client_method(client);
    if let Err(error) = &first.outcome {
        return ClientHealth::NoAnswer(error.message.clone());
    }
    match code_of(first).as_deref() {
        Some("unauthorized_client") => return ClientHealth::GrantNotAllowed,
        Some("unsupported_grant_type") => return ClientHealth::GrantNotOffered,
        _ if !is_stranger(first) => return ClientHealth::Fine,
        _ => {}
    }
    for method in others(client, own) {
        if let Ok(exchange) = ask(context, client, method).await
            && exchange.outcome.is_ok()
            && !is_stranger(&exchange)
        {
            return ClientHealth::WrongMethod(method);
        }
    }
    let nobody = ClientSpec { id: NOBODY.to_owned(), ..client.clone() };
    match ask(context, &nobody, own).await {
        Ok(second) if answer(&second, NOBODY) != answer(first, &client.id) => ClientHealth::WrongSecret,
        _ => ClientHealth::UnknownOrWrongSecret,
    }
}

async fn ask(context: &Context, client: &ClientSpec, method: AuthMethod) -> Result<Exchange, String> {
    let spec = &context.target.spec;
    let audience = spec.issuer.as_deref().unwrap_or(&context.facts.token_endpoint);
    let credentials =
        authentication(client, method, audience, &context.target.folder).map_err(|error| error.0)?;
    let mut request = Request::post(context.token_endpoint.clone());
    request.push_header("accept", "application/json");
    let mut form = FormBody::default();
    form.push("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    form.push("subject_token", "txspec-doctor-sends-no-token");
    form.push("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");
    credentials.apply(&mut form, &mut request);
    request.push_header("content-type", "application/x-www-form-urlencoded");
    request.body = form.encode().into_bytes();
    Ok(context.sender.send("doctor", request).await)
}

/// Methods that the credentials allow besides the registered one.
fn others(client: &ClientSpec, own: AuthMethod) -> Vec<AuthMethod> {
    let mut methods = Vec::new();
    if client.secret.is_some() {
        methods.extend([AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost]);
    }
    let long = |secret: &SecretSpec| secret.resolve().is_ok_and(|s| s.len() >= 32);
    if client.secret.as_ref().is_some_and(long) {
        methods.push(AuthMethod::ClientSecretJwt);
    }
    if client.key.is_some() || client.key_file.is_some() {
        methods.push(AuthMethod::PrivateKeyJwt);
    }
    methods.retain(|method| *method != own);
    methods
}

fn member(exchange: &Exchange, name: &str) -> Option<String> {
    let json = StrictJson::parse(&exchange.response()?.body).ok()?;
    json.value.get(name).and_then(Value::as_str).map(|text| printable(text, 200))
}

fn code_of(exchange: &Exchange) -> Option<String> {
    member(exchange, "error")
}

/// Whether the server says that it does not know who asks (RFC 6749 section 5.2: `invalid_client`, or 401).
fn is_stranger(exchange: &Exchange) -> bool {
    exchange.response().is_some_and(|r| r.status == 401)
        || code_of(exchange).as_deref() == Some("invalid_client")
}

/// What a refusal says, apart from the client's own name.
fn answer(exchange: &Exchange, id: &str) -> (Option<u16>, Option<String>, Option<String>) {
    let words = member(exchange, "error_description").map(|text| text.replace(id, ""));
    (exchange.response().map(|r| r.status), code_of(exchange), words)
}

fn clock_ahead(exchange: &Exchange, now: i64) -> Option<i64> {
    let date = exchange.response()?.header("date")?;
    let date = jiff::fmt::rfc2822::parse(&date).ok()?;
    Some(date.timestamp().as_second().saturating_sub(now))
}
