//! `txspec doctor`: walks the set-up step by step and says what to change in the target file.

use std::{path::Path, sync::Arc};

use clap::Args;

use super::{
    Exit,
    select::{Chosen, TargetArguments, refuse_stray},
    terminal::Terminal,
};
use crate::{
    run::{
        ClientHealth, Context, ContextError, Form, Introspected, PlainExchange, Sight, Ungranted, attempt,
        preflight, probe, sight,
    },
    scenario::{ExchangeSpec, OneOrMany, Suite},
    spec::{Capability, Catalogue},
    target::{AuthMethod, duration},
    token::{Obtained, SignatureVerdict, client_method, now},
};

/// Clocks that differ by more seconds make lifetimes look wrong.
const CLOCK: i64 = 30;

/// What to do about an answer that refuses nothing.
const SERVER_LOG: &str = "the request was not refused for what it holds: see the server's log, and `limits` if it asks for patience";

/// Roles of tokens that are there to have expired.
const EXPIRED: [&str; 2] = ["expired", "expired_actor"];

/// Walk the set-up of a target step by step and say what to change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec doctor --target my-as.yaml
  txspec doctor --target https://as.example.com --client-id app --client-secret-env SECRET

Steps: addresses, keys, clients, clock, token sources, one exchange, the same again, one with each
audience, resource and scope that scenarios ask for, what can be observed. Exit code 6 means that
something has to change before a run says anything.")]
pub struct DoctorArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Refused with the flag that was meant.
    #[arg(hide = true, value_name = "FILE")]
    stray: Option<String>,
}

/// Walks through a target file.
pub(super) fn walk_file(path: &Path, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let target = TargetArguments { target: Some(path.display().to_string()), ..TargetArguments::default() };
    run(&DoctorArguments { target, stray: None }, terminal, catalogue)
}

/// Walks: addresses, metadata, keys, clients, clock, token sources, one exchange, the same again, one with each value, what
/// can be observed.
pub fn run(arguments: &DoctorArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    if let Some(stray) = &arguments.stray {
        return refuse_stray(stray, terminal);
    }
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
                let hint = chosen.hint(&hint);
                terminal.out(&format!("FAIL  addresses: {message}\n      hint: {hint}"));
                return Exit::Unreachable;
            }
            Err(ContextError::Client(error)) => {
                terminal.failure(&error.to_string(), None);
                return Exit::Bug;
            }
        };
        let mut walk = Walk { terminal, context: &context, chosen: &chosen, trouble: false };
        walk.addresses();
        walk.keys();
        walk.clients().await;
        let failed = walk.tokens().await;
        if walk.exchange(&failed).await {
            if walk.again().await {
                walk.targets().await;
                walk.observation().await;
            } else {
                walk.note("audiences, resources, scopes and issued tokens were not looked at: each takes another exchange");
            }
        }
        if walk.trouble { Exit::Unreachable } else { Exit::Ok }
    })
}

struct Walk<'a> {
    terminal: &'a Terminal,
    context: &'a Context,
    chosen: &'a Chosen,
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
                (Some(address), false) => {
                    self.note(&format!("{name} endpoint {address}, but {}", self.undeclared(capability)));
                }
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
        if self.chosen.by_flags.is_some() {
            let flags = if pointer.starts_with("/tokens") {
                "--subject-token-env, or --client-id and --client-secret-env"
            } else {
                "--client-id, --client-secret-env"
            };
            return format!(" ({flags})");
        }
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

    /// Asks every token source; returns the roles of those that fail.
    async fn tokens(&mut self) -> Vec<String> {
        let mut roles: Vec<String> = self.context.target.spec.tokens.keys().cloned().collect();
        // What is made from another token comes behind it, so that a failure is told where it begins.
        roles.sort_by_key(|role| self.is_derived(role));
        let mut failed: Vec<(String, String)> = Vec::new();
        for role in roles {
            match self.context.obtainer.fresh(&role).await {
                Ok(obtained) => self.token(&role, &obtained),
                Err(error) => {
                    let message = self.context.vault.redactor().text(&error.to_string());
                    let cause = failed.iter().find(|(_, earlier)| message.contains(earlier.as_str()));
                    if let Some((other, _)) = cause {
                        self.note(&format!("token {role} is made from {other}, which failed above"));
                    } else {
                        let hint = format!(
                            "check `tokens.{role}`{}: its source, the client's credentials and grants",
                            self.place(&format!("/tokens/{role}"))
                        );
                        self.fail(&message, &hint);
                    }
                    failed.push((role, message));
                }
            }
        }
        failed.into_iter().map(|(role, _)| role).collect()
    }

    fn is_derived(&self, role: &str) -> bool {
        let source = self.context.target.spec.tokens.get(role).map(|spec| &spec.from);
        source.is_some_and(|from| from.refresh.is_some() || from.exchange.is_some())
    }

    fn token(&mut self, role: &str, obtained: &Obtained) {
        let kind = if obtained.view.jwt.is_some() { "JWT" } else { "opaque" };
        let left = obtained.view.expires_at.map(|e| e.saturating_sub(now()));
        let shall_expire = EXPIRED.contains(&role);
        let spec = self.context.target.spec.tokens.get(role);
        let age = spec.and_then(|spec| duration(spec.age.as_deref()?).ok());
        let waits = age.and_then(|age| i64::try_from(age.as_secs()).ok());
        let place = self.place(&format!("/tokens/{role}"));
        match left {
            None => self.ok(&format!("token {role}: {kind}, lifetime unknown")),
            Some(left) if left <= 0 && shall_expire => {
                self.ok(&format!("token {role}: {kind}, expired {} s ago, as intended", left.unsigned_abs()));
            }
            // What a role of one's own is for, only its author knows.
            Some(left) if left <= 0 && role.starts_with("x-") => {
                self.note(&format!("token {role}: {kind}, expired {} s ago", left.unsigned_abs()));
            }
            Some(left) if left <= 0 => self.fail(
                &format!("token {role}: {kind}, expired {} s ago", left.unsigned_abs()),
                &format!("let `tokens.{role}`{place} give a token that is still valid"),
            ),
            Some(left) if shall_expire && waits.is_none_or(|waits| waits <= left) => self.fail(
                &format!("token {role}: {kind}, is to have expired, and is valid for another {left} s"),
                &format!("give `tokens.{role}`{place} an `age` beyond its lifetime, or a source of an expired token"),
            ),
            Some(left) => match waits {
                Some(waits) if shall_expire => self.ok(&format!(
                    "token {role}: {kind}, expires in {left} s, as intended: it is kept for {waits} s before it is used"
                )),
                _ => self.ok(&format!("token {role}: {kind}, expires in {left} s")),
            },
        }
    }

    /// Whether a plain exchange is granted.
    async fn exchange(&mut self, failed: &[String]) -> bool {
        if failed.iter().any(|role| role == "user") {
            self.note("no plain exchange was sent: it needs the token user, which failed above");
            return false;
        }
        match preflight(self.context).await {
            Ok(PlainExchange::Granted) => self.ok("a plain exchange is granted"),
            // Nothing in the target file mends that, and a run tells what is wrong with the answer.
            Ok(PlainExchange::Malformed(message)) => {
                self.note(&format!("{message}: a run judges the answer, and can judge little else"));
                return false;
            }
            Err(error) => {
                self.fail(&error.message, &self.chosen.hint(&error.hint));
                return false;
            }
        }
        true
    }

    /// Whether the plain exchange is granted once more: where each subject token is taken once, everything behind the first
    /// exchange is refused, and no value of the target file is to blame for it.
    async fn again(&mut self) -> bool {
        let Err(Ungranted { refused, answer }) = attempt(self.context, &ExchangeSpec::default()).await else {
            return true;
        };
        let spec = &self.context.target.spec;
        let user = spec.tokens.get("user");
        let fresh =
            user.is_some_and(|token| token.single_use) || spec.policy.subject_token_single_use == Some(true);
        // Such a source gives the same token whenever it is asked.
        let kept = user
            .map(|token| &token.from)
            .is_some_and(|from| from.fixed.is_some() || from.env.is_some() || from.file.is_some());
        let place = self.place("/tokens/user");
        let source = format!(
            "let `tokens.user`{place} have a source that gives a new token each time (`static`, `env` and `file` give the same one)"
        );
        let declare = "if it takes each subject token once, write `policy: { subject_token_single_use: true }`, or `single_use: true` at the token; if it is not meant to, a run without that finds fault with it";
        let (what, hint) = match (refused, fresh) {
            (true, false) => (
                "is refused when it is repeated with the same subject token",
                if kept { format!("{declare}; {source}") } else { declare.to_owned() },
            ),
            (true, true) if kept => ("is refused when it is repeated", source),
            (true, true) => (
                "is refused when it is repeated with another subject token",
                format!(
                    "check that each token of `tokens.user`{place} can be exchanged, also after another one was"
                ),
            ),
            (false, _) => {
                ("is not answered when it is repeated as it was the first time", SERVER_LOG.to_owned())
            }
        };
        let hint = self.chosen.hint(&hint);
        self.fail(&format!("the plain exchange {what}: {answer}"), &hint);
        false
    }

    /// Whether a plain exchange is granted with each value that scenarios ask for: an exchange refused for its value says
    /// nothing in a run.
    async fn targets(&mut self) {
        let facts = &self.context.facts;
        let plain = ExchangeSpec::default;
        let role = |name: &str| Some(OneOrMany::One(name.to_owned()));
        let rows = [
            (
                Capability::Audience,
                facts.audiences.get("allowed").cloned(),
                "audiences/allowed",
                ExchangeSpec { audience: role("allowed"), ..plain() },
            ),
            (
                Capability::Resource,
                facts.resources.get("allowed").cloned(),
                "resources/allowed",
                ExchangeSpec { resource: role("allowed"), ..plain() },
            ),
            (
                Capability::Scope,
                facts.scopes.get("narrow").cloned(),
                "scopes/narrow",
                ExchangeSpec { scope: Some("narrow".into()), ..plain() },
            ),
        ];
        for (capability, values, key, spec) in rows {
            let Some(values) = values.filter(|_| self.context.declares(capability)) else { continue };
            let (kind, dotted) = (capability.name(), key.replace('/', "."));
            let what = format!("the {kind} `{}` (`{dotted}`)", values.join(" "));
            match attempt(self.context, &spec).await {
                Ok(()) => self.ok(&format!("an exchange for {what} is granted")),
                Err(Ungranted { refused: false, answer }) => {
                    self.fail(&format!("an exchange for {what} is not granted: {answer}"), SERVER_LOG);
                }
                Err(Ungranted { answer, .. }) => self.fail(
                    &format!("an exchange for {what} is not granted: {answer}"),
                    &format!(
                        "correct `{dotted}`{}, allow it for this client and user in the server's configuration, or take `{kind}` out of `capabilities`",
                        self.place(&format!("/{key}"))
                    ),
                ),
            }
        }
    }

    /// What can be seen of issued tokens, and which scenarios or checks are lost for what cannot.
    async fn observation(&mut self) {
        match sight(self.context).await {
            Some(seen) => {
                self.inside(&seen);
                self.introspection(&seen);
            }
            None => self.note("a further plain exchange issued no token that could be looked at"),
        }
    }

    fn inside(&mut self, seen: &Sight) {
        let declared = self.context.declares(Capability::JwtAccessToken);
        match seen.form {
            Form::Jwt => self.ok("the issued token is a JWT: its claims can be seen"),
            form => {
                let word = if form == Form::Encrypted { "encrypted" } else { "opaque" };
                if declared {
                    self.note(&format!(
                        "`jwt_access_token` is declared, and the issued token is {word}: if access tokens are meant to be so, take it out of `capabilities`"
                    ));
                }
                let lost = "checks of its claims will be inconclusive (unobservable)";
                match &seen.introspected {
                    Introspected::Active => {
                        self.ok(&format!("the issued token is {word}: its claims are seen by introspection"));
                    }
                    Introspected::Undeclared => {
                        self.note(&format!(
                            "the issued token is {word}, and `introspection` is not declared: {lost}"
                        ));
                    }
                    _ => self.note(&format!(
                        "the issued token is {word}, and introspection does not show it: {lost}"
                    )),
                }
                return;
            }
        }
        if !declared {
            self.note(&self.undeclared(Capability::JwtAccessToken));
        }
        // Names of keys are the server's words.
        let safe = |why: &str| self.context.vault.redactor().text(why);
        match &seen.signature {
            Some(SignatureVerdict::Valid) => self.ok("a published key verifies its signature"),
            Some(SignatureVerdict::Invalid(why)) => {
                self.note(&format!(
                    "its signature does not verify: {}; checks of signatures will fail",
                    safe(why)
                ));
            }
            Some(SignatureVerdict::Undecided(why)) => {
                self.note(&format!(
                    "its signature cannot be checked: {}; checks of signatures will be inconclusive",
                    safe(why)
                ));
            }
            // Keys that cannot be read were told before.
            None if self.context.declares(Capability::Jwks) => {}
            None => self.note(&self.undeclared(Capability::Jwks)),
        }
    }

    fn introspection(&mut self, seen: &Sight) {
        match &seen.introspected {
            // What is missing, or offered and not declared, was told with the addresses.
            Introspected::NoEndpoint | Introspected::Undeclared => {}
            Introspected::Active if seen.form != Form::Jwt => {}
            Introspected::Active => self.ok("introspection shows the issued token to the client observer"),
            Introspected::NoObserver => self.note(
                "`introspection` is declared, but nobody asks: add a client `observer`, or what it says is not judged",
            ),
            Introspected::Inactive => self.note(
                "introspection calls the issued token inactive, perhaps to the client observer only: checks of what it says will be inconclusive unless the token is meant for that client",
            ),
            Introspected::Failed(why) => self.fail(
                &format!("introspection of the issued token failed: {why}"),
                &format!(
                    "check the introspection endpoint and that `clients.observer`{} may introspect",
                    self.place("/clients/observer")
                ),
            ),
        }
    }

    /// What is lost for a capability that is not declared.
    fn undeclared(&self, capability: Capability) -> String {
        let scenarios = self.context.suite.scenarios();
        let number = scenarios.iter().filter(|s| s.requires.contains(&capability)).count();
        format!(
            "`{}` is not among `capabilities`: {number} scenarios that need it do not apply",
            capability.name()
        )
    }
}
