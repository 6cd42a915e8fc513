//! `txspec doctor`: walks the set-up step by step and says what to change in the target file.

use std::sync::Arc;

use clap::Args;

use super::{
    Exit,
    select::{SuiteArguments, TargetArguments},
    terminal::Terminal,
};
use crate::{
    run::{Context, ContextError, preflight},
    scenario::Suite,
    spec::{Capability, Catalogue},
    token::now,
};

/// Walk the set-up of a target step by step and say what to change.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  txspec doctor --target my-as.yaml")]
pub struct DoctorArguments {
    #[command(flatten)]
    target: TargetArguments,
}

/// Walks: addresses, metadata, keys, token sources, one exchange, what can be observed, clock.
pub fn run(arguments: &DoctorArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let _ = std::marker::PhantomData::<SuiteArguments>;
    let runtime = match super::select_runtime(terminal) {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let suite = match Suite::embedded(catalogue) {
        Ok(suite) => Arc::new(suite),
        Err(error) => return super::select::refuse_suite(&error, terminal),
    };
    runtime.block_on(async {
        let chosen = match arguments.target.choose(terminal, catalogue).await {
            Ok(chosen) => chosen,
            Err(exit) => return exit,
        };
        let context = match Context::prepare(suite, Arc::clone(&chosen.target), Arc::clone(catalogue)).await {
            Ok(context) => context,
            Err(ContextError::Discovery { message, hint }) => {
                terminal.out(&format!("FAIL  addresses: {message}\n      hint: {hint}"));
                return Exit::Unreachable;
            }
            Err(ContextError::Client(error)) => {
                terminal.failure(&error.to_string(), None);
                return Exit::Bug;
            }
        };
        let mut walk = Walk { terminal, context: &context, trouble: false };
        walk.addresses();
        walk.keys();
        walk.tokens().await;
        walk.exchange().await;
        walk.observation();
        if walk.trouble { Exit::Unreachable } else { Exit::Ok }
    })
}

struct Walk<'a> {
    terminal: &'a Terminal,
    context: &'a Context,
    trouble: bool,
}

impl Walk<'_> {
    fn ok(&self, what: &str) {
        self.terminal.plain(&format!("ok    {what}"));
    }

    fn note(&self, what: &str) {
        self.terminal.plain(&format!("note  {what}"));
    }

    fn fail(&mut self, what: &str, hint: &str) {
        self.trouble = true;
        self.terminal.plain(&format!("FAIL  {what}\n      hint: {hint}"));
    }

    fn addresses(&self) {
        match &self.context.metadata {
            Some((url, _)) => self.ok(&format!("metadata at {url}")),
            None => self.note("no metadata document; the endpoints come from the target file"),
        }
        self.ok(&format!("token endpoint {}", self.context.token_endpoint));
        let e = &self.context.endpoints;
        for (name, address, capability) in [
            ("introspection", &e.introspection, Capability::Introspection),
            ("revocation", &e.revocation, Capability::Revocation),
        ] {
            match (address, self.context.declares(capability)) {
                (Some(address), true) => self.ok(&format!("{name} endpoint {address}")),
                (Some(address), false) => self.note(&format!(
                    "{name} endpoint {address}, but `{}` is not among `capabilities`",
                    capability.name()
                )),
                (None, true) => self.note(&format!(
                    "`{}` is declared, but there is no {name} endpoint: add `endpoints: {{ {name}: … }}`",
                    capability.name()
                )),
                (None, false) => {}
            }
        }
    }

    fn keys(&mut self) {
        if !self.context.declares(Capability::Jwks) {
            return;
        }
        match self.context.facts.jwks.as_ref().and_then(|j| j.get("keys")).and_then(|k| k.as_array()) {
            Some(keys) => {
                self.ok(&format!("key set with {} key{}", keys.len(), if keys.len() == 1 { "" } else { "s" }))
            }
            None => self.fail(
                "`jwks` is declared, but no key set can be read",
                "check `jwks_uri` of the metadata or add `endpoints: { jwks: … }`",
            ),
        }
    }

    async fn tokens(&mut self) {
        let roles: Vec<String> = self.context.target.spec.tokens.keys().cloned().collect();
        for role in roles {
            match self.context.obtainer.fresh(&role).await {
                Ok(obtained) => {
                    let kind = if obtained.view.jwt.is_some() { "JWT" } else { "opaque" };
                    let life = obtained.view.expires_at.map_or_else(
                        || "lifetime unknown".to_owned(),
                        |e| format!("expires in {} s", e.saturating_sub(now())),
                    );
                    self.ok(&format!("token {role}: {kind}, {life}"));
                }
                Err(error) => {
                    let hint = format!(
                        "check `tokens.{role}` in the target file: its source, the client's credentials and grants"
                    );
                    let message = self.context.vault.redactor().text(&error.to_string());
                    self.fail(&message, &hint);
                }
            }
        }
    }

    async fn exchange(&mut self) {
        match preflight(self.context).await {
            Ok(()) => self.ok("a plain exchange is granted"),
            Err(error) => self.fail(&error.message, &error.hint),
        }
    }

    fn observation(&self) {
        let jwt = self.context.declares(Capability::JwtAccessToken);
        let introspection = self.context.declares(Capability::Introspection);
        match (jwt, introspection) {
            (false, false) => self.note(
                "issued tokens can neither be decoded (`jwt_access_token`) nor introspected (`introspection`): checks of claims will be inconclusive",
            ),
            _ => self.ok("issued tokens can be looked into"),
        }
    }
}
