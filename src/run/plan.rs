//! Which scenarios are selected, and which of them apply to the target.

use std::collections::BTreeSet;

use globset::{Glob, GlobMatcher};

use super::{Context, look};
use crate::{
    judge::oracle_requirements,
    scenario::{
        ClientAuthEdit, Edit, ExchangeSpec, Expect, MetadataKind, OneOrMany, Placeholder, ProfileName,
        Scenario, Step, Suite, TokenEdit, pieces,
    },
    spec::{Capability, Catalogue, Level, Requirement, role},
    target::{AuthMethod, ClientSpec, TargetSpec, token_type_uri},
    token::client_method,
};

/// What the command line selects.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The profile, and all that it includes.
    pub profile: ProfileName,
    /// Globs on scenario ids, topics or requirement ids; empty for all.
    pub only: Vec<GlobMatcher>,
    /// Scenarios that cover a requirement of this level or above.
    pub level: Option<Level>,
}

impl Filter {
    /// Compiles globs.
    ///
    /// # Errors
    /// In words, when one is malformed.
    pub fn new(profile: ProfileName, only: &[String], level: Option<Level>) -> Result<Self, String> {
        let only = only
            .iter()
            .map(|text| {
                Glob::new(text).map(|g| g.compile_matcher()).map_err(|e| format!("`{text}` is no glob: {e}"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { profile, only, level })
    }

    fn matches(&self, scenario: &Scenario, catalogue: &Catalogue) -> bool {
        // A glob speaks of what is particular to a scenario, or the checks that every response gets would make each match.
        let own = |r: &Requirement| declares(scenario, r, catalogue);
        let asked = |g: &GlobMatcher| {
            let exact = catalogue.get(g.glob().glob());
            exact.is_some_and(|r| checks(scenario, r, catalogue))
                || catalogue.requirements().iter().any(|r| g.is_match(&r.id) && own(r))
        };
        let named = self.only.is_empty()
            || self
                .only
                .iter()
                .any(|g| g.is_match(&scenario.id) || g.is_match(scenario.test_name()) || asked(g));
        let level = self
            .level
            .is_none_or(|level| catalogue.requirements().iter().any(|r| r.level >= level && own(r)));
        self.profile.includes(scenario.profile) && named && level
    }
}

/// Whether a scenario checks a requirement: it declares so, or the requirement is a line of the generic oracles and the
/// scenario sends a token request.
pub fn checks(scenario: &Scenario, requirement: &Requirement, catalogue: &Catalogue) -> bool {
    let asks = scenario.steps.iter().any(|step| step.exchange.is_some() || step.refresh.is_some());
    let oracle = oracle_requirements().contains(&carrier(requirement));
    declares(scenario, requirement, catalogue) || (oracle && asks)
}

/// Whether a scenario names a requirement, or the row of the decision table does that it expects a refusal by.
fn declares(scenario: &Scenario, requirement: &Requirement, catalogue: &Catalogue) -> bool {
    let id = carrier(requirement);
    let row = scenario.expect.refusal.as_ref().and_then(|refusal| catalogue.row(&refusal.row));
    scenario.covers().contains(&id) || row.is_some_and(|row| row.requirement == id)
}

/// The row that carries the checks of a requirement.
fn carrier(requirement: &Requirement) -> &str {
    requirement.same_as.as_deref().unwrap_or(&requirement.id)
}

/// The scenarios that a filter selects, in the suite's order.
pub fn select<'a>(suite: &'a Suite, filter: &Filter, catalogue: &Catalogue) -> Vec<&'a Scenario> {
    suite.scenarios().iter().filter(|s| filter.matches(s, catalogue)).collect()
}

/// Whether a scenario can be run against a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applicability {
    /// It can.
    Applies,
    /// It cannot; what the target does not claim.
    Lacks(String),
    /// It is for servers without something that the target declares. Nothing is missing: the scenarios for servers with it
    /// are run in its place.
    Excluded(String),
}

/// Decides by the target file alone: capabilities that must be declared, and roles that must be filled.
pub fn applicability(scenario: &Scenario, context: &Context) -> Applicability {
    let spec = &context.target.spec;
    for capability in &scenario.requires {
        if !context.declares(*capability) {
            return Applicability::Lacks(format!("the capability `{}` is not declared", capability.name()));
        }
    }
    for capability in &scenario.unless {
        if context.declares(*capability) {
            return Applicability::Excluded(format!(
                "it is for servers without `{}`, which is declared",
                capability.name()
            ));
        }
    }
    let mut needs = Needs { spec, named: BTreeSet::new(), lacks: None };
    for step in &scenario.steps {
        needs.step(step, context);
    }
    for i in 0..scenario.steps.len() {
        scenario.expect_of(i).into_iter().for_each(|expect| {
            needs.compared(expect);
            if scenario.requires.contains(&Capability::Introspection) && look::asks_introspection(expect) {
                needs.client("observer");
            }
        });
    }
    needs.second_uses(scenario);
    let client = scenario
        .steps
        .iter()
        .rev()
        .find_map(|s| s.exchange.as_ref())
        .map_or("exchanger", |e| e.client.as_str())
        .to_owned();
    let mut client = client.as_str();
    let exchanged = scenario.steps.iter().rev().find_map(|s| s.exchange.as_ref());
    for edit in &scenario.edits {
        needs.edit(edit, client);
        exchanged.into_iter().for_each(|e| needs.another_type(edit, e));
        client = edit.client.as_deref().unwrap_or(client);
    }
    needs.lacks.map_or(Applicability::Applies, Applicability::Lacks)
}

/// Roles that say of what type a token is. The others that are presented under a false type say what it is instead.
const NAMED_BY_TYPE: [&str; 3] = ["user", "id_token", "refresh_token"];

struct Needs<'a> {
    spec: &'a TargetSpec,
    named: BTreeSet<String>,
    lacks: Option<String>,
}

impl Needs<'_> {
    fn lack(&mut self, what: String) {
        self.lacks.get_or_insert(format!("the target file has no {what}"));
    }

    fn client(&mut self, role: &str) {
        if !self.spec.clients.contains_key(role) {
            self.lack(format!("clients.{role}"));
        }
    }

    fn token(&mut self, name: &str) {
        if !self.named.contains(name) && !self.spec.tokens.contains_key(name) {
            self.lack(format!("tokens.{name}"));
        }
    }

    /// Tokens of the target that checks compare with: without them nothing can be said.
    fn compared(&mut self, expect: &Expect) {
        for name in expect.tokens_compared() {
            if role::is_role(role::TOKENS, name) {
                self.token(name);
            }
        }
    }

    /// A token that the target declares to be for single use cannot show what a second use does (RFC 8693 section 2.1);
    /// the role `single_use` is there for just that.
    fn second_uses(&mut self, scenario: &Scenario) {
        let every = self.spec.policy.subject_token_single_use == Some(true);
        for step in &scenario.steps {
            let (Some(obtain), Some(name)) = (&step.obtain, &step.name) else { continue };
            let single = every || self.spec.tokens.get(&obtain.token).is_some_and(|t| t.single_use);
            let exchanges = scenario.steps.iter().filter_map(|s| s.exchange.as_ref());
            let uses: u32 = exchanges.filter(|e| e.subject == *name).map(|e| e.parallel.unwrap_or(1)).sum();
            if single && obtain.token != "single_use" && uses > 1 {
                self.lacks.get_or_insert(format!(
                    "tokens.{} is for single use, as the target file declares, and cannot be exchanged again",
                    obtain.token
                ));
            }
        }
    }

    fn target(&mut self, kind: &str, role: &str) {
        let map = match kind {
            "audience" => &self.spec.audiences,
            "resource" => &self.spec.resources,
            "scope" => &self.spec.scopes,
            "client" => return self.client(role),
            _ => return,
        };
        // A target that no one knows can always be made up.
        if role != "unknown" && !map.contains_key(role) {
            self.lack(format!("{kind}s.{role}"));
        }
    }

    fn exchange(&mut self, e: &ExchangeSpec) {
        self.client(&e.client);
        self.token(&e.subject);
        if let Some(actor) = &e.actor {
            self.token(actor);
        }
        for (kind, roles) in [("audience", &e.audience), ("resource", &e.resource)] {
            for role in roles.iter().flat_map(OneOrMany::iter) {
                self.target(kind, role);
            }
        }
        if let Some(scope) = &e.scope {
            self.target("scope", scope);
        }
    }

    fn step(&mut self, step: &Step, context: &Context) {
        if let Some(e) = &step.exchange {
            self.exchange(e);
        }
        if let Some(o) = &step.obtain {
            self.token(&o.token);
        }
        if let Some(i) = &step.introspect {
            if context.endpoints.introspection.is_none() {
                self.lack("introspection endpoint, and its metadata names none".into());
            }
            if !i.anonymous {
                self.client(&i.client);
            }
            if let Some(token) = &i.token {
                self.token(token);
            }
        }
        if let Some(u) = &step.userinfo {
            if context.endpoints.userinfo.is_none() {
                self.lack("UserInfo endpoint, and its metadata names none".into());
            }
            self.token(&u.token);
        }
        if let Some(r) = &step.revoke {
            if context.endpoints.revocation.is_none() {
                self.lack("revocation endpoint, and its metadata names none".into());
            }
            if let Some(client) = &r.client {
                self.client(client);
            }
        }
        if let Some(r) = &step.refresh {
            self.client(&r.client);
            for (kind, role) in [("scope", &r.scope), ("resource", &r.resource), ("audience", &r.audience)] {
                if let Some(role) = role {
                    self.target(kind, role);
                }
            }
        }
        match step.metadata {
            Some(MetadataKind::Jwks) if context.endpoints.jwks.is_none() => {
                self.lack("key set, and its metadata names none".into())
            }
            Some(_) if self.spec.issuer.is_none() => {
                self.lack("issuer, from which metadata could be found".into())
            }
            _ => {}
        }
        self.named.extend(step.name.clone());
    }

    fn edit(&mut self, edit: &Edit, client: &str) {
        for token in edit.subject.iter().chain(&edit.actor) {
            self.token_edit(token);
        }
        if let Some(client) = &edit.client {
            self.client(client);
        }
        let texts = edit
            .set
            .iter()
            .flatten()
            .map(|(_, v)| v.as_str())
            .chain(edit.add.iter().flatten().flat_map(|(_, v)| v.iter()))
            .chain(edit.repeat.iter().map(|r| r.value.as_str()));
        for text in texts {
            self.text(text);
        }
        if let (Some(auth), Some(spec)) = (edit.client_auth, self.spec.clients.get(client)) {
            self.auth(auth, client, spec);
        }
    }

    /// A token that is said to be of another type must be of another. By the target file, ID tokens may be what every
    /// exchange is about; to present one as an ID token is then no mistake.
    fn another_type(&mut self, edit: &Edit, exchange: &ExchangeSpec) {
        let declared = |role: &str| self.spec.tokens.get(role).map(|t| token_type_uri(&t.token_type));
        for (parameter, tokens, control) in [
            ("subject_token_type", &edit.subject, Some(exchange.subject.as_str())),
            ("actor_token_type", &edit.actor, exchange.actor.as_deref()),
        ] {
            let Some(right) = control.and_then(declared) else { continue };
            let of_the_same = tokens
                .iter()
                .filter(|t| t.keep_type)
                .filter_map(|t| t.role.as_deref())
                .find(|role| NAMED_BY_TYPE.contains(role) && declared(role).as_ref() == Some(&right));
            let said = edit.set.iter().flatten().any(|(name, value)| name == parameter && *value == right);
            if let Some(role) = of_the_same.or(said.then_some(control).flatten()) {
                self.lacks
                    .get_or_insert(format!("tokens.{role} are of the type that they would be mistaken for"));
            }
        }
    }

    /// What the placeholders of a text need.
    fn text(&mut self, text: &str) {
        for word in pieces(text).into_iter().filter_map(|p| p.placeholder()) {
            match Placeholder::parse(word) {
                Some(Placeholder::Audience(role)) => self.target("audience", role),
                Some(Placeholder::Resource(role)) => self.target("resource", role),
                Some(Placeholder::Scope(role, _)) => self.target("scope", role),
                Some(Placeholder::OtherClientId) => self.client("second"),
                Some(Placeholder::SecondUserSub) => self.token("second_user"),
                _ => {}
            }
        }
    }

    fn token_edit(&mut self, edit: &TokenEdit) {
        if let Some(role) = &edit.role {
            self.token(role);
        }
        for text in edit.literal.iter() {
            self.text(text);
        }
        if let Some(mint) = &edit.mint {
            let values = mint.claims.values().chain(mint.header.values()).chain(mint.repeated.values());
            for value in values {
                self.text(&value.to_string());
            }
        }
    }

    /// An authentication method that the client is not registered for says nothing about the server.
    fn auth(&mut self, edit: ClientAuthEdit, role: &str, client: &ClientSpec) {
        use ClientAuthEdit as E;
        let offers = |method: AuthMethod| client_method(client) == method || client.also.contains(&method);
        let basic = offers(AuthMethod::ClientSecretBasic);
        let post = offers(AuthMethod::ClientSecretPost);
        let assertion = offers(AuthMethod::PrivateKeyJwt) || offers(AuthMethod::ClientSecretJwt);
        let lack = |method: &str| format!("`{method}` among the methods of clients.{role}");
        match edit {
            E::Anonymous | E::ClientIdOnly if client_method(client) == AuthMethod::None => {
                self.lack(format!("credentials for clients.{role}"))
            }
            E::Anonymous | E::ClientIdOnly => {}
            E::Basic
            | E::BasicRaw
            | E::BasicEmptySecret
            | E::BasicNotBase64
            | E::BasicLowerCase
            | E::BasicWrongSecret
            | E::BasicUnknownClient
            | E::BasicAndClientId
                if !basic =>
            {
                self.lack(lack("client_secret_basic"))
            }
            E::BasicAndOtherClientId if !basic => self.lack(lack("client_secret_basic")),
            E::BasicAndOtherPost | E::BasicAndOtherClientId if !self.spec.clients.contains_key("second") => {
                self.lack("clients.second".into())
            }
            E::BasicAndPost | E::BasicAndOtherPost | E::BasicAndAssertion if client.secret.is_none() => {
                self.lack(format!("clients.{role}.secret"))
            }
            E::Post | E::PostWrongSecret if !post => self.lack(lack("client_secret_post")),
            E::Query if client.secret.is_none() => self.lack(format!("clients.{role}.secret")),
            E::AssertionWrongSignature
            | E::AssertionExpired
            | E::AssertionWrongSubject
            | E::AssertionWrongAudience
            | E::AssertionTokenEndpointAudience
            | E::AssertionSeveralAudiences
            | E::AssertionTyped
            | E::AssertionAlgNone
            | E::AssertionReplayed
                if !assertion =>
            {
                self.lack(lack("private_key_jwt"));
            }
            _ => {}
        }
    }
}
