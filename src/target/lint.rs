//! What the schema of target files cannot say.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;
use url::Url;

use super::{
    AuthMethod, ClientSpec, SecretFrom, SecretSpec, SourceSpec, TargetSpec, TokenSpec, Value1, duration,
    token_type_short,
};
use crate::{
    document::{Diagnostic, Diagnostics, Document, did_you_mean, near_miss, pointer_push},
    spec::{Capability, Catalogue, role},
    wire::{SHORTEST_SECRET, is_loopback},
};

/// Every semantic mistake. `written` is the value before `${VAR}` was put in: it tells literal secrets.
pub(super) fn lint(
    spec: &TargetSpec,
    document: &Document,
    written: &Value,
    folder: &Path,
    catalogue: &Catalogue,
) -> Diagnostics {
    let mut lint = Lint { spec, document, written, folder, found: Diagnostics::default() };
    lint.endpoints();
    lint.clients();
    lint.tokens();
    lint.capabilities();
    lint.base();
    lint.values();
    lint.numbers();
    lint.catalogue(catalogue);
    lint.found
}

struct Lint<'a> {
    spec: &'a TargetSpec,
    document: &'a Document,
    written: &'a Value,
    folder: &'a Path,
    found: Diagnostics,
}

impl Lint<'_> {
    fn at(&self, pointer: &str, code: &'static str, message: impl Into<String>) -> Diagnostic {
        self.document.at(pointer, code, message)
    }

    fn endpoints(&mut self) {
        let e = &self.spec.endpoints;
        let urls = [
            ("/issuer", &self.spec.issuer),
            ("/endpoints/token", &e.token),
            ("/endpoints/introspection", &e.introspection),
            ("/endpoints/revocation", &e.revocation),
            ("/endpoints/jwks", &e.jwks),
            ("/endpoints/userinfo", &e.userinfo),
        ];
        for (pointer, url) in urls {
            let Some(text) = url else { continue };
            match Url::parse(text) {
                Ok(url) if holds_credentials(&url) || (pointer == "/issuer" && url.query().is_some()) => {
                    self.found.push(
                        self.at(pointer, "wrong-url", "the URL holds credentials or, as an issuer, a query")
                            .hint("an issuer is a scheme, a host and a path (RFC 8414 section 2); what a client authenticates with belongs into `clients`, and addresses stand in every report"),
                    );
                }
                Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                    self.found.push(self.at(
                        pointer,
                        "wrong-url",
                        format!("`{text}` is not an http or https URL"),
                    ));
                }
                Ok(url) if url.scheme() == "http" && !is_loopback(&url) => {
                    self.found.push(
                        self.at(pointer, "plain-http", format!("`{text}` is not encrypted"))
                            .hint("tokens must only travel over TLS (RFC 8693 section 6); plain http is for loopback addresses")
                            .warning(),
                    );
                }
                Ok(_) => {}
                Err(error) => self.found.push(
                    self.at(pointer, "wrong-url", format!("`{text}` is not a URL: {error}"))
                        .hint("write it like https://as.example.com"),
                ),
            }
        }
        if self.spec.issuer.is_none() && e.token.is_none() {
            self.found.push(self.at("", "no-endpoint", "neither `issuer` nor `endpoints.token` says where the server is")
                .hint("add `issuer: https://…` (metadata is discovered from it) or `endpoints: { token: https://… }`"));
        }
    }

    fn clients(&mut self) {
        if !self.spec.clients.contains_key("exchanger") {
            self.found.push(
                self.at("/clients", "no-exchanger", "no client has the role `exchanger`")
                    .hint("it is the client that sends the exchanges"),
            );
        }
        for (name, client) in &self.spec.clients {
            let pointer = pointer_push("/clients", name);
            self.role(&pointer, "client", role::CLIENTS, name);
            self.client(&pointer, client);
            self.literal(&format!("{pointer}/secret"), client.secret.as_ref());
            self.literal(&format!("{pointer}/key"), client.key.as_ref());
            self.file(&format!("{pointer}/key_file"), client.key_file.as_deref());
        }
    }

    fn client(&mut self, pointer: &str, client: &ClientSpec) {
        let has_key = client.key.is_some() || client.key_file.is_some();
        for method in client.auth.iter().chain(&client.also) {
            let (ok, lacks) = match method {
                AuthMethod::ClientSecretBasic
                | AuthMethod::ClientSecretPost
                | AuthMethod::ClientSecretJwt => (client.secret.is_some(), "secret"),
                AuthMethod::PrivateKeyJwt => (has_key, "key"),
                AuthMethod::None => (true, ""),
            };
            if !ok {
                self.found.push(
                    self.at(pointer, "no-credential", format!("the authentication method needs a `{lacks}`"))
                        .hint(format!("add `{lacks}: ${{VAR}}`")),
                );
            }
        }
    }

    fn literal(&mut self, pointer: &str, secret: Option<&SecretSpec>) {
        let loopback = self
            .spec
            .issuer
            .as_deref()
            .or(self.spec.endpoints.token.as_deref())
            .and_then(|u| Url::parse(u).ok())
            .is_some_and(|u| is_loopback(&u));
        let written = self.written.pointer(pointer).and_then(Value::as_str);
        let literal = written.is_some_and(|t| !t.contains("${"));
        if let Some(from @ SecretSpec::From(_)) = secret
            && let Err(message) = from.resolve()
        {
            self.found.push(self.at(pointer, "no-secret", message).hint("set it before the run"));
        }
        if let Some(Ok(value)) = secret.map(SecretSpec::resolve) {
            if value.is_empty() {
                // A variable that is not set is told for itself.
                let d = match (secret, written) {
                    (Some(SecretSpec::From(SecretFrom { env: Some(variable), .. })), _) => {
                        self.empty(pointer, &[variable.as_str()])
                    }
                    (_, Some(text)) if !literal => self.empty(pointer, &variables_in(text)),
                    _ => self.at(pointer, "empty-secret", "the text is empty"),
                };
                self.found.push(d);
            } else if !value.is_empty() && value.len() < SHORTEST_SECRET {
                self.found.push(
                    self.at(pointer, "short-secret", "this is too short to be hidden wherever a server repeats it")
                        .hint(format!("use one of at least {SHORTEST_SECRET} characters: shorter ones are hidden only in requests"))
                        .warning(),
                );
            }
        }
        if secret.is_some() && literal && !loopback {
            self.found.push(
                self.at(pointer, "literal-secret", "a secret stands in the file")
                    .hint("write ${VAR} and set the variable, or `{ file: PATH }`")
                    .warning(),
            );
        }
    }

    /// A secret that variables hold, and nothing is in them.
    fn empty(&self, pointer: &str, variables: &[&str]) -> Diagnostic {
        let names: Vec<String> = variables.iter().map(|name| format!("`{name}`")).collect();
        let message =
            format!("the text is empty: nothing is in the environment variable {}", names.join(", "));
        self.at(pointer, "empty-secret", message).hint(
            "a CI system hands over an empty variable for a secret that it does not have, or does not give to this job",
        )
    }

    /// A file that the target file names.
    fn file(&mut self, pointer: &str, file: Option<&Path>) {
        let Some(path) = file.map(|file| self.folder.join(file)) else { return };
        if let Err(error) = std::fs::File::open(&path) {
            self.found.push(
                self.at(pointer, "file-unreadable", format!("failed to open {}: {error}", path.display()))
                    .hint("paths start from the folder of the target file"),
            );
        }
    }

    /// The type of a token and where its source holds it.
    fn token_shape(&mut self, pointer: &str, token: &TokenSpec) {
        let short = token_type_short(&token.token_type);
        let registered = ["access_token", "refresh_token", "id_token", "jwt", "saml1", "saml2"];
        // Other types of the IETF's namespace exist; what is no URI is a slip.
        if !short.contains(':') && !registered.contains(&short) && token.token_type == short {
            let near = did_you_mean(&short.replace('-', "_"), registered);
            let d = self.at(&format!("{pointer}/type"), "unknown-type", format!("no token type `{short}`"));
            let d = match near {
                Some(near) => d.label(format!("did you mean `{near}`?")),
                None => d,
            };
            self.found.push(
                d.hint(format!("the short names are {}; any other type is a URI", registered.join(", "))),
            );
        }
        if let Some(text) = token.pointer.as_deref().filter(|text| !text.starts_with('/')) {
            self.found.push(
                self.at(
                    &format!("{pointer}/pointer"),
                    "wrong-pointer",
                    format!("`{text}` is no JSON pointer"),
                )
                .hint(format!("a JSON pointer begins with a slash (RFC 6901): `/{text}`")),
            );
        }
    }

    fn tokens(&mut self) {
        if !self.spec.tokens.contains_key("user") {
            self.found.push(
                self.at("/tokens", "no-user-token", "no token has the role `user`")
                    .hint("it is the subject token of most scenarios"),
            );
        }
        for (name, token) in &self.spec.tokens {
            let pointer = pointer_push("/tokens", name);
            self.role(&pointer, "token", role::TOKENS, name);
            self.source(&format!("{pointer}/from"), &token.from);
            self.token_shape(&pointer, token);
            if let Some(age) = &token.age
                && let Err(message) = duration(age)
            {
                self.found.push(self.at(&format!("{pointer}/age"), "wrong-duration", message));
            }
            if self.depends_on(name, name, &mut BTreeSet::new()) {
                self.found.push(self.at(
                    &pointer,
                    "token-cycle",
                    format!("the token `{name}` is made, in the end, from itself"),
                ));
            }
        }
    }

    fn source(&mut self, pointer: &str, source: &SourceSpec) {
        let clients: Vec<(String, &str)> = [
            source.client_credentials.as_ref().map(|s| ("client_credentials/client", s.client.as_str())),
            source.password.as_ref().map(|s| ("password/client", s.client.as_str())),
            source.refresh.as_ref().map(|s| ("refresh/client", s.client.as_str())),
            source.exchange.as_ref().map(|s| ("exchange/client", s.client.as_str())),
        ]
        .into_iter()
        .flatten()
        .map(|(p, c)| (format!("{pointer}/{p}"), c))
        .chain(source.http.iter().flat_map(|h| h.requests.iter().enumerate()).filter_map(|(i, r)| {
            r.client.as_deref().map(|c| (format!("{pointer}/http/requests/{i}/client"), c))
        }))
        .collect();
        for (pointer, client) in clients {
            if !self.spec.clients.contains_key(client) {
                self.unknown(
                    &pointer,
                    "client",
                    client,
                    self.spec.clients.keys().map(String::as_str).collect(),
                );
            }
        }
        for (pointer, token) in token_references(pointer, source) {
            if !self.spec.tokens.contains_key(token) {
                self.unknown(&pointer, "token", token, self.spec.tokens.keys().map(String::as_str).collect());
            }
        }
        if let Some(minted) = &source.minted
            && minted.key.is_none()
            && minted.key_file.is_none()
        {
            self.found.push(self.at(
                &format!("{pointer}/minted"),
                "no-credential",
                "a minted token needs a `key` or `key_file`",
            ));
        }
        self.file(&format!("{pointer}/file"), source.file.as_deref());
        let key_file = source.minted.as_ref().and_then(|m| m.key_file.as_deref());
        self.file(&format!("{pointer}/minted/key_file"), key_file);
        if let Some(text) = source.command.as_ref().and_then(|c| c.timeout.as_deref())
            && let Err(message) = duration(text)
        {
            self.found.push(self.at(&format!("{pointer}/command/timeout"), "wrong-duration", message));
        }
        if let Some(variable) = &source.env {
            let place = format!("{pointer}/env");
            match std::env::var_os(variable) {
                None => self.found.push(
                    self.at(
                        &place,
                        "unset-variable",
                        format!("the environment variable `{variable}` is not set"),
                    )
                    .hint(format!("export {variable}=TOKEN")),
                ),
                Some(token) if token.is_empty() => self.found.push(self.empty(&place, &[variable])),
                Some(_) => {}
            }
        }
        self.literal(&format!("{pointer}/password/password"), source.password.as_ref().map(|p| &p.password));
        self.literal(&format!("{pointer}/static"), source.fixed.as_ref());
        let key = source.minted.as_ref().and_then(|minted| minted.key.as_ref());
        self.literal(&format!("{pointer}/minted/key"), key);
    }

    fn unknown(&mut self, pointer: &str, what: &str, name: &str, known: Vec<&str>) {
        let mut d = self.at(pointer, "unknown-name", format!("this target has no {what} `{name}`"));
        if let Some(near) = did_you_mean(name, known.iter().copied()) {
            d = d.label(format!("did you mean `{near}`?"));
        }
        self.found.push(d.hint(format!("it has: {}", known.join(", "))));
    }

    fn depends_on<'s>(&'s self, name: &'s str, goal: &str, seen: &mut BTreeSet<&'s str>) -> bool {
        let Some(token) = self.spec.tokens.get(name) else {
            return false;
        };
        references_of(token)
            .into_iter()
            .any(|next| next == goal || (seen.insert(next) && self.depends_on(next, goal, seen)))
    }

    fn role(&mut self, pointer: &str, what: &str, list: &'static [role::Role], name: &str) {
        if role::is_role(list, name) {
            return;
        }
        let mut d = self.document.at_key(pointer, "unknown-role", format!("no {what} role `{name}`"));
        if let Some(near) = did_you_mean(name, list.iter().map(|(known, _)| *known)) {
            d = d.label(format!("did you mean `{near}`?"));
        }
        let known: Vec<&str> = list.iter().map(|(known, _)| *known).collect();
        self.found
            .push(d.hint(format!("the roles are {}; one of your own starts with `x-`", known.join(", "))));
    }

    fn capabilities(&mut self) {
        let t = |name: &str| self.spec.tokens.contains_key(name);
        let c = |name: &str| self.spec.clients.contains_key(name);
        for (i, capability) in self.spec.capabilities.iter().enumerate() {
            let missing = match capability {
                Capability::Delegation if !t("service") => "tokens.service",
                Capability::MayAct if !t("may_act") => "tokens.may_act",
                Capability::Audience if !self.spec.audiences.contains_key("allowed") => "audiences.allowed",
                Capability::Resource if !self.spec.resources.contains_key("allowed") => "resources.allowed",
                Capability::MultipleTargets
                    if !(self.spec.audiences.contains_key("second")
                        || self.spec.resources.contains_key("second")) =>
                {
                    "audiences.second or resources.second"
                }
                Capability::Scope if !self.spec.scopes.contains_key("narrow") => "scopes.narrow",
                Capability::IdTokenSubject if !t("id_token") => "tokens.id_token",
                Capability::RefreshTokenSubject if !t("refresh_token") => "tokens.refresh_token",
                Capability::JwtSubject if !t("foreign") => "tokens.foreign",
                Capability::Introspection if !c("observer") => "clients.observer",
                Capability::PublicClient if !c("public") => "clients.public",
                _ => continue,
            };
            self.found.push(
                self.at(
                    &format!("/capabilities/{i}"),
                    "unused-capability",
                    format!(
                        "`{}` is declared, but the file has no {missing} to exercise it with",
                        capability.name()
                    ),
                )
                .warning(),
            );
        }
    }

    fn base(&mut self) {
        let base = &self.spec.exchange;
        let rows = [
            ("audience", &base.audience, self.spec.audiences.keys().map(String::as_str).collect::<Vec<_>>()),
            ("resource", &base.resource, self.spec.resources.keys().map(String::as_str).collect()),
            ("scope", &base.scope, self.spec.scopes.keys().map(String::as_str).collect()),
            ("actor", &base.actor, self.spec.tokens.keys().map(String::as_str).collect()),
        ];
        for (key, name, known) in rows {
            if let Some(name) = name
                && !known.contains(&name.as_str())
            {
                self.unknown(&format!("/exchange/{key}"), key, name, known);
            }
        }
        for (map, names, list) in [
            ("audiences", self.spec.audiences.keys(), role::TARGETS),
            ("resources", self.spec.resources.keys(), role::TARGETS),
            ("scopes", self.spec.scopes.keys(), role::SCOPES),
        ] {
            for name in names {
                self.role(&pointer_push(&format!("/{map}"), name), map.trim_end_matches('s'), list, name);
            }
        }
    }

    /// What stands under `audiences`, `resources` and `scopes`.
    fn values(&mut self) {
        let spec = self.spec;
        for (map, roles) in
            [("audiences", &spec.audiences), ("resources", &spec.resources), ("scopes", &spec.scopes)]
        {
            for (role, value) in roles {
                let pointer = pointer_push(&format!("/{map}"), role);
                for (place, text) in places(&pointer, value) {
                    let slip = text != GENERATED
                        && (text.eq_ignore_ascii_case(GENERATED) || near_miss(text, [GENERATED]).is_some());
                    if slip && role == "unknown" {
                        let message = format!("`{text}` is sent as it stands here");
                        let d = self.at(&place, "near-miss", message).label("did you mean `generated`?");
                        self.found.push(
                            d.hint("`generated` makes up a value that the server cannot know").warning(),
                        );
                    }
                }
            }
        }
        let (Some(subject), Some(narrow)) = (spec.scopes.get("subject"), spec.scopes.get("narrow")) else {
            return;
        };
        let all: BTreeSet<&str> = subject.values().into_iter().flat_map(str::split_whitespace).collect();
        let some: BTreeSet<&str> = narrow.values().into_iter().flat_map(str::split_whitespace).collect();
        if all.is_empty() {
            return;
        }
        for (place, text) in places("/scopes/narrow", narrow) {
            for scope in text.split_whitespace().filter(|scope| !all.contains(scope)) {
                let message = format!("`{scope}` is not among `scopes.subject`, of which `narrow` is a part");
                let mut d = self.at(&place, "not-narrower", message);
                if let Some(near) = did_you_mean(scope, all.iter().copied()) {
                    d = d.label(format!("did you mean `{near}`?"));
                }
                let hint = format!("`scopes.subject` has {}", Vec::from_iter(all.iter().copied()).join(", "));
                self.found.push(d.hint(hint).warning());
            }
        }
        if some == all {
            let message = "`scopes.narrow` has all of `scopes.subject`, and is to have less";
            let d = self.at("/scopes/narrow", "not-narrower", message);
            self.found.push(
                d.hint("leave one out; where the token has one scope only, leave `narrow` out").warning(),
            );
        }
    }

    fn numbers(&mut self) {
        let durations = [
            ("/limits/request_timeout", &self.spec.limits.request_timeout),
            ("/policy/max_issued_lifetime", &self.spec.policy.max_issued_lifetime),
        ];
        for (pointer, text) in durations {
            if let Some(Err(message)) = text.as_deref().map(duration) {
                self.found.push(self.at(pointer, "wrong-duration", message));
            }
        }
        for (pointer, zero) in [
            ("/limits/concurrency", self.spec.limits.concurrency == Some(0)),
            ("/limits/budget", self.spec.limits.budget == Some(0)),
            ("/limits/max_body", self.spec.limits.max_body == Some(0)),
            ("/limits/requests_per_second", self.spec.limits.requests_per_second == Some(0)),
        ] {
            if zero {
                self.found.push(self.at(pointer, "wrong-value", "the limit must be at least 1"));
            }
        }
    }

    fn catalogue(&mut self, catalogue: &Catalogue) {
        if let Some(reading) = &self.spec.reading {
            let known = catalogue.readings();
            if !known.contains(&reading.as_str()) {
                self.unknown("/reading", "reading", reading, known);
            }
        }
        for (i, waiver) in self.spec.waivers.iter().enumerate() {
            if catalogue.get(&waiver.check).is_none() {
                let mut d = self.at(
                    &format!("/waivers/{i}/check"),
                    "unknown-requirement",
                    format!("no requirement `{}` in the catalogue", waiver.check),
                );
                if let Some(near) = did_you_mean(&waiver.check, catalogue.ids()) {
                    d = d.label(format!("did you mean `{near}`?"));
                }
                self.found.push(d);
            }
        }
    }
}

/// The variables of a text that is nothing but `${VAR}` and `${VAR:-default}`.
fn variables_in(text: &str) -> Vec<&str> {
    let inner = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
    inner.map(|inner| inner.split_once(":-").map_or(inner, |(name, _)| name)).collect()
}

/// The word that asks for a value that nobody knows.
const GENERATED: &str = "generated";

/// Each text of a value with its place.
fn places<'s>(pointer: &str, value: &'s Value1) -> Vec<(String, &'s str)> {
    let many = matches!(value, Value1::Many(_));
    let place = |i: usize| if many { format!("{pointer}/{i}") } else { pointer.to_owned() };
    value.values().into_iter().enumerate().map(|(i, text)| (place(i), text)).collect()
}

/// Whether an address says who is to be let in: addresses are shown everywhere.
pub fn holds_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn token_references<'s>(pointer: &str, source: &'s SourceSpec) -> Vec<(String, &'s str)> {
    let mut all = Vec::new();
    if let Some(refresh) = &source.refresh {
        all.push((format!("{pointer}/refresh/token"), refresh.token.as_str()));
    }
    if let Some(exchange) = &source.exchange {
        all.push((format!("{pointer}/exchange/subject"), exchange.subject.as_str()));
        all.extend(exchange.actor.as_deref().map(|a| (format!("{pointer}/exchange/actor"), a)));
    }
    all
}

fn references_of(token: &TokenSpec) -> Vec<&str> {
    token_references("", &token.from).into_iter().map(|(_, name)| name).collect()
}
