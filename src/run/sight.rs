//! What can be seen of an issued token from outside, and what stands in the way (for `txspec doctor`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Context, apply, look::describe};
use crate::{
    scenario::ExchangeSpec,
    spec::Capability,
    token::{Jwt, NotJwt, SignatureVerdict, verify},
    wire::{Exchange, StrictJson},
};

/// The form of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JWT in the clear.
    Jwt,
    /// An encrypted JWT.
    Encrypted,
    /// Anything else.
    Opaque,
}

/// What introspection (RFC 7662) says to the client `observer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Introspected {
    /// The capability is not declared, so nobody asks.
    Undeclared,
    /// No endpoint is known.
    NoEndpoint,
    /// The target has no client `observer`.
    NoObserver,
    /// The token is active, and its claims are told.
    Active,
    /// The token is called inactive, perhaps only to this client.
    Inactive,
    /// No answer of use; what came.
    Failed(String),
}

/// What can be seen of the token that a plain exchange issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Its form.
    pub form: Form,
    /// What introspection says of it.
    pub introspected: Introspected,
    /// Whether a published key verifies it; `None` where the target declares no keys or none could be read.
    pub signature: Option<SignatureVerdict>,
}

/// Sends a plain exchange and looks at the token; `None` if none was issued. At most two requests.
pub async fn sight(context: &Context) -> Option<Sight> {
    let prepared = apply::prepare(context, &ExchangeSpec::default(), &[], &BTreeMap::new(), None).await;
    let exchange = context.sender.send("doctor", prepared.ok()?.request).await;
    // What the status should have been is for the run to say.
    let response = exchange.response().filter(|r| (200..300).contains(&r.status))?;
    let answer = StrictJson::parse(&response.body).ok()?.value;
    let token = Context::issued_token(&answer)?.value;
    context.vault.remember_issued(&token);
    let form = match Jwt::decode(token.expose()) {
        Ok(_) => Form::Jwt,
        Err(NotJwt::Encrypted) => Form::Encrypted,
        Err(_) => Form::Opaque,
    };
    let introspected = if !context.declares(Capability::Introspection) {
        Introspected::Undeclared
    } else if context.endpoints.introspection.is_none() {
        Introspected::NoEndpoint
    } else if !context.can_introspect() {
        Introspected::NoObserver
    } else {
        let (asked, said) = context.introspect(&token).await;
        match said.map(|said| said.get("active").and_then(Value::as_bool)) {
            Ok(Some(true)) => Introspected::Active,
            Ok(Some(false)) => Introspected::Inactive,
            Ok(None) => Introspected::Failed("the answer has no `active` that is true or false".into()),
            Err(why) => Introspected::Failed(match asked.response() {
                Some(response) if response.status == 200 => "status 200 without a JSON object".into(),
                // An error code could repeat the token: what is not registered is not repeated.
                Some(response) => format!("status {}{}", response.status, known_code(context, &asked)),
                None => context.vault.redactor().text(&why),
            }),
        }
    };
    let signature = context.facts.jwks.as_ref().filter(|_| form == Form::Jwt);
    let signature = signature.map(|keys| verify(token.expose(), keys));
    Some(Sight { form, introspected, signature })
}

/// An exchange that gave no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ungranted {
    /// Whether the server refused the request, and did not fail on it, ask for patience or say nothing.
    pub refused: bool,
    /// What came back, in words that hold no secret.
    pub answer: String,
}

/// Status codes that ask to come again: they say nothing of the request.
const LATER: [u16; 3] = [408, 425, 429];

/// Sends one exchange and says what came back, if it was no token.
///
/// # Errors
/// When no token was issued.
pub async fn attempt(context: &Context, spec: &ExchangeSpec) -> Result<(), Ungranted> {
    let prepared = apply::prepare(context, spec, &[], &BTreeMap::new(), None).await;
    let prepared = prepared.map_err(|e| Ungranted { refused: false, answer: e.0 })?;
    let exchange = context.sender.send("doctor", prepared.request).await;
    let token = Context::json_of(&exchange).as_ref().and_then(Context::issued_token);
    let granted = exchange.response().is_some_and(|r| (200..300).contains(&r.status));
    match token.filter(|_| granted) {
        Some(token) => {
            context.vault.remember_issued(&token.value);
            Ok(())
        }
        None => Err(match exchange.response() {
            Some(response) => Ungranted {
                refused: (400..500).contains(&response.status) && !LATER.contains(&response.status),
                answer: format!("status {}{}", response.status, known_code(context, &exchange)),
            },
            None => Ungranted { refused: false, answer: context.vault.redactor().text(&describe(&exchange)) },
        }),
    }
}

/// The error code of an answer, if a registry has it.
fn known_code(context: &Context, exchange: &Exchange) -> String {
    let json = Context::json_of(exchange);
    let code = json.as_ref().and_then(|v| v.get("error")?.as_str());
    let registry = context.facts.catalogue.registry();
    let known =
        |code: &&str| registry.is_token_endpoint_code(code) || registry.belongs_elsewhere(code).is_some();
    code.filter(known).map(|code| format!(", error {code}")).unwrap_or_default()
}
