//! Looking at what a step left behind: issued tokens and their claims, the listener, and what an expectation compares
//! with.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use serde_json::Value;

use super::{
    Context,
    apply::{Unready, resolve},
    record::{Filled, StepInput},
    request::{endpoint, finish},
};
use crate::{
    judge::{Issued, StepFacts},
    scenario::{DPOP_KEYS, Expect, Source},
    spec::Capability,
    token::{DpopKey, TokenView},
    wire::{Exchange, FormBody, Request, Secret, printable},
};

/// What an expectation wants to see of an issued token.
#[derive(Clone, Copy)]
pub(super) struct Wants {
    inside: bool,
    introspection: bool,
}

impl Wants {
    pub(super) fn of(expect: Option<&Expect>) -> Self {
        let checks = || expect.into_iter().flat_map(|e| e.success.iter().flatten().chain(&e.observe));
        let looks = checks().filter_map(|c| c.claim.as_ref()).any(|c| c.source == Source::Introspection);
        let introspection = looks || expect.is_some_and(|e| e.tokens_compared().contains(&"introspection"));
        Self { inside: checks().any(crate::scenario::Check::looks_into_token), introspection }
    }
}

/// Whether an expectation asks what introspection says of an issued token, whatever the token shows by itself.
pub(super) fn asks_introspection(expect: &Expect) -> bool {
    let judged = Expect { observe: Vec::new(), ..expect.clone() };
    Wants::of(Some(&judged)).introspection
}

/// Looks into an issued token: decodes it, and asks the introspection endpoint when that is needed.
pub(super) async fn look(
    context: &Context,
    view: Option<TokenView>,
    wants: Wants,
    asked: &mut Vec<Exchange>,
) -> Issued {
    let Some(view) = view else {
        return Issued::default();
    };
    context.vault.remember_issued(&view.value);
    let needed = wants.introspection || (wants.inside && view.jwt.is_none());
    let introspection = if needed && context.can_introspect() {
        let (exchange, outcome) = context.introspect(&view.value).await;
        asked.push(exchange);
        Some(outcome)
    } else {
        None
    };
    Issued { view: Some(view), introspection }
}

/// The thumbprints of the keys by name: those that txspec names, and those that the checks do.
pub(super) fn thumbprints(expect: Option<&Expect>) -> BTreeMap<String, String> {
    let own = expect.map(Expect::keys_compared).unwrap_or_default();
    DPOP_KEYS
        .into_iter()
        .chain(own)
        .filter_map(|name| Some((name.to_owned(), DpopKey::named(name).ok()?.thumbprint())))
        .collect()
}

/// Whether an introspection response (RFC 7662 section 2.2) calls the token inactive.
pub(super) fn is_inactive(exchange: &Exchange) -> bool {
    Context::json_of(exchange).is_some_and(|v| v.get("active") == Some(&Value::Bool(false)))
}

/// A response in one line, without any text of the server's but the error code.
pub(super) fn describe(exchange: &Exchange) -> String {
    match &exchange.outcome {
        Err(error) => error.message.clone(),
        Ok(response) => {
            let code = Context::json_of(exchange)
                .and_then(|v| v.get("error").and_then(Value::as_str).map(str::to_owned));
            code.map_or_else(
                || format!("status {}", response.status),
                |c| format!("status {}, error {}", response.status, printable(&c, 80)),
            )
        }
    }
}

impl Context {
    /// Adds the tokens of the target that an expectation compares with (`same_as: service` …).
    pub(super) async fn add_referenced(
        &self,
        expect: Option<&Expect>,
        tokens: &mut BTreeMap<String, TokenView>,
    ) {
        let Some(expect) = expect else { return };
        for name in expect.tokens_compared() {
            if !tokens.contains_key(name)
                && self.obtainer.source(name).is_some()
                && let Ok(resolved) = resolve(self, &BTreeMap::new(), name).await
            {
                tokens.insert(name.to_owned(), resolved.view);
            }
        }
    }

    /// An address at which txspec would notice a visit, if a listener can be had.
    pub(super) async fn trap_address(&self) -> Option<String> {
        let trap = self.trap.get_or_init(|| async { super::listener::Trap::start().await.ok() }).await;
        trap.as_ref().map(super::listener::Trap::address)
    }

    /// Whether the server asked for the address, up to a second after its response; `None` if no one wants to know.
    pub(super) async fn fetched(&self, address: Option<&str>, expect: Option<&Expect>) -> Option<bool> {
        let asks = |c: &crate::scenario::Check| c.fetched.is_some();
        let wanted = expect.is_some_and(|e| {
            e.success.iter().flatten().any(asks)
                || e.refusal.iter().any(|r| r.also.iter().any(asks))
                || e.observe.iter().any(asks)
        });
        let trap = self.trap.get().and_then(Option::as_ref).filter(|_| wanted)?;
        let address = address?;
        for _ in 0..10 {
            if trap.was_visited(address) {
                return Some(true);
            }
            let pause = tokio::time::sleep(std::time::Duration::from_millis(100));
            self.sender.unless_interrupted(pause).await?;
        }
        Some(trap.was_visited(address))
    }

    /// The token of the second user, if an expectation speaks of its subject.
    pub(super) async fn second_user(&self, expect: Option<&Expect>) -> Option<TokenView> {
        let speaks = expect.is_some_and(|e| {
            e.success.iter().flatten().chain(&e.observe).any(|c| {
                let texts = c.claim.iter().flat_map(|c| [&c.contains, &c.excludes]);
                let texts = texts.chain(c.member.iter().flat_map(|m| [&m.contains, &m.excludes]));
                texts.flatten().any(|text| text.contains("second_user_sub"))
            })
        });
        if !speaks {
            return None;
        }
        resolve(self, &BTreeMap::new(), "second_user").await.ok().map(|resolved| resolved.view)
    }

    /// What the judge was given, if someone records it.
    pub(super) fn input(
        &self,
        facts: &StepFacts<'_>,
        expect: Option<(&Expect, &Expect)>,
    ) -> Option<StepInput> {
        self.recorder.as_ref()?;
        Some(StepInput::of(facts, expect.map(|(raw, filled)| Filled { raw, filled })))
    }

    /// Fills the placeholders of an expectation.
    pub(super) fn fill_expect(
        &self,
        expect: &Expect,
        client: &str,
        second_user: Option<&TokenView>,
    ) -> Expect {
        let mut expect = expect.clone();
        let form = FormBody::default();
        let placeholders = super::placeholder::Placeholders {
            context: self,
            form: &form,
            client_role: client,
            subject: None,
            actor: None,
            second_user,
            listener: None,
        };
        for text in expect.placeholder_texts_mut() {
            *text = placeholders.fill(text);
        }
        expect
    }

    /// Whether tokens can be introspected.
    pub(super) fn can_introspect(&self) -> bool {
        self.declares(Capability::Introspection)
            && self.endpoints.introspection.is_some()
            && self.target.spec.clients.contains_key("observer")
    }

    /// Asks the introspection endpoint as the observer.
    pub(super) async fn introspect(&self, token: &Secret) -> (Exchange, Result<Value, String>) {
        let mut form = FormBody::default();
        form.push("token", token.clone());
        let sent = endpoint(self.endpoints.introspection.as_deref(), "introspection")
            .and_then(|url| finish(self, "observer", form, url));
        let request = match sent {
            Ok(sent) => sent.request,
            Err(Unready(why)) => {
                let outcome = Err(crate::wire::TransportError {
                    kind: crate::wire::TransportKind::Broken,
                    message: why.clone(),
                });
                let request = Request::post(self.token_endpoint.clone());
                return (
                    Exchange {
                        purpose: "introspect".into(),
                        request,
                        outcome,
                        timing: crate::wire::Timing::default(),
                        attempts: 0,
                    },
                    Err(why),
                );
            }
        };
        let exchange = self.sender.send("introspect", request).await;
        let outcome = match (exchange.response().map(|r| r.status), Self::json_of(&exchange)) {
            (Some(200), Some(value)) if value.is_object() => Ok(value),
            _ => Err(describe(&exchange)),
        };
        (exchange, outcome)
    }

    /// Adds the claims of an opaque token, if they can be introspected. Asked once per source.
    pub(super) async fn with_claims(&self, role: &str, mut view: TokenView) -> TokenView {
        if view.claims.is_some() || !self.can_introspect() {
            return view;
        }
        let ask = || async {
            let (_, outcome) = self.introspect(&view.value).await;
            outcome.ok().filter(|v| v.get("active") == Some(&Value::Bool(true)))
        };
        let claims = if role.is_empty() {
            ask().await
        } else {
            let cell = {
                let mut all = self.introspected.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(all.entry(role.to_owned()).or_default())
            };
            cell.get_or_init(ask).await.clone()
        };
        if let Some(claims) = claims {
            view.expires_at = view.expires_at.or_else(|| claims.get("exp").and_then(Value::as_i64));
            view.claims = Some(claims);
            view.introspected = true;
        }
        view
    }
}
