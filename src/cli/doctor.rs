//! `txspec doctor`: walks the set-up step by step and says what to change in the target file.

use std::{path::Path, sync::Arc};

use clap::Args;

use super::{Exit, select::TargetArguments, terminal::Terminal};
use crate::{
    run::{ClientHealth, Context, ContextError, preflight, probe},
    scenario::Suite,
    spec::{Capability, Catalogue},
    target::AuthMethod,
    token::{client_method, now},
};

/// Clocks that differ by more seconds make lifetimes look wrong.
const CLOCK: i64 = 30;

/// Walk the set-up of a target step by step and say what to change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec doctor --target my-as.yaml
  txspec doctor --target https://as.example.com --client-id app --client-secret-env SECRET

Steps: addresses, keys, clients, clock, token sources, one exchange, what can be observed. Exit code 6
means that something has to change before a run says anything.")]
pub struct DoctorArguments {
    #[command(flatten)]
    target: TargetArguments,
}

/// Walks through a target file.
pub(super) fn walk_file(path: &Path, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let target = TargetArguments { target: Some(path.display().to_string()), ..TargetArguments::default() };
    run(&DoctorArguments { target }, terminal, catalogue)
}

/// Walks: addresses, metadata, keys, clients, clock, token sources, one exchange, what can be observed, clock.
pub fn run(arguments: &DoctorArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
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
        walk.clients().await;
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

    /// Where a value of the target file stands, for a hint.
    fn place(&self, pointer: &str) -> String {
        let document = self.context.target.document.as_ref();
        let line = document.and_then(|d| Some((d.name.as_str(), d.line(pointer)?)));
        line.map_or_else(String::new, |(name, line)| format!(" ({name}:{line})"))
    }

    async fn clients(&mut self) {
        let roles: Vec<String> = self.context.target.spec.clients.keys().cloned().collect();
        let mut ahead = None;
        for role in roles {
            let probed = probe(self.context, &role).await;
            ahead = ahead.or(probed.clock_ahead);
            self.client(&role, probed.health);
        }
        match ahead {
            Some(seconds) if seconds.abs() > CLOCK => self.fail(
                &format!(
                    "the server's clock is {} s {}",
                    seconds.abs(),
                    if seconds > 0 { "ahead" } else { "behind" }
                ),
                "set the clocks: lifetimes and expiry cannot be judged otherwise",
            ),
            Some(_) => self.ok("the clocks agree"),
            None => self.note("the server sends no date: its clock is unknown"),
        }
    }

    fn client(&mut self, role: &str, health: ClientHealth) {
        let client = self.context.target.spec.clients.get(role);
        let at = self.place(&format!("/clients/{role}"));
        let id = client.map(|c| c.id.clone()).unwrap_or_default();
        let method = client.map(client_method).map(AuthMethod::name).unwrap_or_default();
        // Who shall not exchange is told so; a resource server needs no grant, and neither does a client of one's own (`x-`)
        // that only gets tokens.
        let may_lack_grant = matches!(role, "forbidden" | "observer") || role.starts_with("x-");
        let public = role == "public" && !self.context.declares(Capability::PublicClient);
        match health {
            ClientHealth::Fine if role == "forbidden" => self.note(&format!(
                "client {role} `{id}`: the server does not refuse it before it looks at the token; scenarios will show whether it may exchange"
            )),
            ClientHealth::Fine if role == "disabled" => self.note(&format!(
                "client {role} `{id}` is not refused before the server looks at the token: see that it is disabled{at}"
            )),
            ClientHealth::WrongSecret | ClientHealth::UnknownOrWrongSecret | ClientHealth::GrantNotAllowed
                if role == "disabled" =>
            {
                self.ok(&format!("client {role} `{id}` is refused, as it should be"));
            }
            ClientHealth::Fine => self.ok(&format!("client {role} `{id}` authenticates by {method}")),
            ClientHealth::GrantNotAllowed if may_lack_grant => {
                self.ok(&format!("client {role} `{id}` authenticates by {method} and may not exchange"));
            }
            ClientHealth::GrantNotAllowed => self.fail(
                &format!("client {role} `{id}` is authenticated, but may not exchange (unauthorized_client)"),
                &format!("allow the token exchange grant for this client in the server's configuration{at}"),
            ),
            ClientHealth::GrantNotOffered => self.fail(
                &format!("client {role} `{id}`: the server does not offer token exchange (unsupported_grant_type)"),
                "switch the grant urn:ietf:params:oauth:grant-type:token-exchange on in the server's configuration, or test another version of it",
            ),
            ClientHealth::WrongMethod(works) => self.fail(
                &format!("client {role} `{id}` is refused by {method}, and accepted by {}", works.name()),
                &format!("write `auth: {}`{at}", works.name()),
            ),
            // Some servers answer `invalid_client` to a client that only lacks the grant.
            ClientHealth::WrongSecret | ClientHealth::UnknownOrWrongSecret if may_lack_grant => self.note(&format!(
                "client {role} `{id}` is refused as a client (invalid_client), as it need not have the grant; the answer does not tell that from wrong credentials"
            )),
            ClientHealth::UnknownOrWrongSecret if public => self.note(&format!(
                "client {role} `{id}` is refused, as a public client may be where `public_client` is not declared"
            )),
            ClientHealth::WrongSecret => self.fail(
                &format!("client {role} `{id}` is known, but its credentials are refused"),
                &format!("correct its secret or key{at}"),
            ),
            ClientHealth::UnknownOrWrongSecret => self.fail(
                &format!("client {role} `{id}` is refused just like one that does not exist"),
                &format!("check `id` first, then its secret or key{at}: the server does not tell which is wrong"),
            ),
            ClientHealth::NoCredentials(message) => {
                self.fail(&format!("client {role} `{id}`: {message}"), &format!("correct its credentials{at}"));
            }
            ClientHealth::NoAnswer(message) => self.fail(
                &format!("client {role} `{id}`: {message}"),
                "check that the token endpoint's address is right and the server is running",
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
                        "check `tokens.{role}`{}: its source, the client's credentials and grants",
                        self.place(&format!("/tokens/{role}"))
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
