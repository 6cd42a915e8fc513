//! Requests: steps, roles, edits.

use std::collections::{BTreeMap, BTreeSet};

use super::{At, Lint};
use crate::{
    document::did_you_mean,
    scenario::{Edit, ExchangeSpec, OneOrMany, ScenarioSource, Step, Tamper, TokenEdit},
    spec::{Capability, role},
};

impl Lint<'_> {
    /// The names that steps give to tokens, those of the control's steps included.
    pub(super) fn step_names(&mut self, at: &At<'_>, source: &ScenarioSource) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (i, step) in source.steps.iter().flatten().enumerate() {
            if let Some(name) = &step.name {
                if role::TOKENS.iter().any(|(known, _)| known == name)
                    || ["subject", "actor"].contains(&name.as_str())
                {
                    self.found.push(
                        at.key("steps")
                            .key(i)
                            .key("as")
                            .error("name-taken", format!("`{name}` is the name of a token role"))
                            .hint("choose another name for the step's token"),
                    );
                }
                if !names.insert(name.clone()) {
                    self.found.push(
                        at.key("steps")
                            .key(i)
                            .key("as")
                            .error("name-taken", format!("two steps are called `{name}`")),
                    );
                }
            }
        }
        let mut next = source.from.as_deref();
        let mut hops = 0;
        while let Some(parent) = next.and_then(|id| self.ids.get(id)) {
            names.extend(parent.steps.iter().flatten().filter_map(|s| s.name.clone()));
            next = parent.from.as_deref();
            hops += 1;
            if hops > 32 {
                break;
            }
        }
        names
    }

    pub(super) fn step(&mut self, at: &At<'_>, step: &Step, names: &BTreeSet<String>) {
        let kinds = [
            step.exchange.is_some(),
            step.obtain.is_some(),
            step.introspect.is_some(),
            step.revoke.is_some(),
            step.refresh.is_some(),
            step.metadata.is_some(),
            step.userinfo.is_some(),
        ];
        if kinds.iter().filter(|k| **k).count() != 1 {
            self.found.push(at.error("one-request", "a step is exactly one of `exchange`, `obtain`, `introspect`, `revoke`, `refresh`, `metadata` and `userinfo`"));
        }
        if let Some(exchange) = &step.exchange {
            self.exchange(&at.key("exchange"), exchange, names);
        }
        if let Some(obtain) = &step.obtain {
            self.token(&at.key("obtain").key("token"), &obtain.token, &BTreeSet::new());
            if step.name.is_none() {
                self.found.push(
                    at.error("unnamed-token", "a token that is obtained needs a name").hint("add `as: NAME`"),
                );
            }
        }
        if let Some(introspect) = &step.introspect {
            let here = at.key("introspect");
            self.client(&here.key("client"), &introspect.client);
            match (&introspect.token, &introspect.literal) {
                (Some(token), None) => self.token(&here.key("token"), token, names),
                (None, Some(_)) => {}
                _ => self.found.push(here.error(
                    "one-key",
                    "exactly one of `token` and `literal` says which token is asked about",
                )),
            }
        }
        if let Some(revoke) = &step.revoke {
            let here = at.key("revoke");
            if let Some(client) = &revoke.client {
                self.client(&here.key("client"), client);
            }
            if !names.contains(&revoke.token) {
                self.found.push(here.key("token").error("unknown-token", format!("no earlier step names a token `{}`", revoke.token))
                    .hint("only a token of the scenario's own may be revoked: shared ones serve other scenarios too; `obtain` one first"));
            }
        }
        if let Some(refresh) = &step.refresh {
            let here = at.key("refresh");
            self.client(&here.key("client"), &refresh.client);
            self.token(&here.key("token"), &refresh.token, names);
            for (key, role) in [("audience", &refresh.audience), ("resource", &refresh.resource)] {
                if let Some(name) = role {
                    self.role(&here.key(key), "target", role::TARGETS, name);
                }
            }
            if let Some(scope) = &refresh.scope {
                self.role(&here.key("scope"), "scope", role::SCOPES, scope);
            }
            if let Some(dpop) = &refresh.dpop {
                self.key_name(&here.key("dpop").key("key"), &dpop.key);
            }
        }
        if let Some(userinfo) = &step.userinfo {
            self.token(&at.key("userinfo").key("token"), &userinfo.token, names);
        }
        if let Some(expect) = &step.expect {
            self.expectation(&at.key("expect"), expect, names);
        }
    }

    pub(super) fn exchange(&mut self, at: &At<'_>, exchange: &ExchangeSpec, names: &BTreeSet<String>) {
        self.client(&at.key("client"), &exchange.client);
        self.token(&at.key("subject"), &exchange.subject, names);
        if let Some(actor) = &exchange.actor {
            self.token(&at.key("actor"), actor, names);
        }
        for (key, roles) in [("audience", &exchange.audience), ("resource", &exchange.resource)] {
            for name in roles.iter().flat_map(OneOrMany::iter) {
                self.role(&at.key(key), "target", role::TARGETS, name);
            }
        }
        if let Some(scope) = &exchange.scope {
            self.role(&at.key("scope"), "scope", role::SCOPES, scope);
        }
        if let Some(dpop) = &exchange.dpop {
            self.key_name(&at.key("dpop").key("key"), &dpop.key);
        }
    }

    pub(super) fn client(&mut self, at: &At<'_>, name: &str) {
        self.role(at, "client", role::CLIENTS, name);
    }

    pub(super) fn token(&mut self, at: &At<'_>, name: &str, names: &BTreeSet<String>) {
        if !names.contains(name) {
            self.role(at, "token", role::TOKENS, name);
        }
    }

    pub(super) fn role(&mut self, at: &At<'_>, what: &str, list: &'static [role::Role], name: &str) {
        if role::is_role(list, name) {
            return;
        }
        let mut d = at.error("unknown-role", format!("no {what} role `{name}`"));
        if let Some(near) = did_you_mean(name, list.iter().map(|(known, _)| *known)) {
            d = d.label(format!("did you mean `{near}`?"));
        }
        let known: Vec<&str> = list.iter().map(|(known, _)| *known).collect();
        self.found.push(
            d.hint(format!("the {what} roles are {}; one of your own starts with `x-`", known.join(", "))),
        );
    }

    pub(super) fn edit(
        &mut self,
        at: &At<'_>,
        edit: &Edit,
        source: &ScenarioSource,
        names: &BTreeSet<String>,
    ) {
        for (key, token) in [("subject", &edit.subject), ("actor", &edit.actor)] {
            if let Some(token) = token {
                self.token_edit(&at.key(key), token, source, names);
            }
        }
        if let Some(client) = &edit.client {
            self.client(&at.key("client"), client);
        }
        self.parameters(at, edit);
        if let Some(dpop) = &edit.dpop {
            self.key_name(&at.key("dpop").key("key"), &dpop.key);
        }
        for (name, value) in edit.set.iter().flatten() {
            self.placeholders(&at.key("set").key(name), value);
        }
        for (name, values) in edit.add.iter().flatten() {
            for value in values.iter() {
                self.placeholders(&at.key("add").key(name), value);
            }
        }
        if let Some(repeat) = &edit.repeat {
            self.placeholders(&at.key("repeat").key("value"), &repeat.value);
        }
        for (key, map) in
            [("set", edit.set.as_ref().map(BTreeMap::len)), ("add", edit.add.as_ref().map(BTreeMap::len))]
        {
            if map == Some(0) {
                self.found.push(at.key(key).error("empty-edit", "the edit changes nothing"));
            }
        }
        if edit.set.as_ref().is_some_and(|m| m.len() > 1) {
            self.found.push(
                at.key("set")
                    .error("several-edits", "one edit per scenario: only one parameter may differ")
                    .hint("a request with two faults has no defined error; split the scenario"),
            );
        }
    }

    pub(super) fn token_edit(
        &mut self,
        at: &At<'_>,
        edit: &TokenEdit,
        source: &ScenarioSource,
        names: &BTreeSet<String>,
    ) {
        let kinds = [
            edit.role.is_some(),
            edit.tamper.is_some(),
            edit.literal.is_some(),
            edit.length.is_some(),
            edit.mint.is_some(),
        ];
        if kinds.iter().filter(|k| **k).count() != 1 {
            self.found.push(at.error(
                "one-key",
                "exactly one of `use`, `tamper`, `literal`, `length` and `mint` says what is sent",
            ));
        }
        if let Some(name) = &edit.role {
            self.token(&at.key("use"), name, names);
        }
        if let Some(literal) = &edit.literal {
            self.placeholders(&at.key("literal"), literal);
        }
        if let Some(mint) = &edit.mint {
            let here = at.key("mint");
            for (key, map) in
                [("header", &mint.header), ("claims", &mint.claims), ("repeated", &mint.repeated)]
            {
                for (name, value) in map {
                    self.placeholders_in(&here.key(key).key(name), value);
                }
            }
        }
        let jwt = [Capability::JwtAccessToken, Capability::JwtSubject, Capability::IdTokenSubject];
        if edit.tamper.is_some_and(Tamper::needs_jwt)
            && !self.required(source).iter().any(|c| jwt.contains(c))
        {
            self.found
                .push(at.key("tamper").error("needs-jwt", "this damage can only be done to a JWT").hint(
                "add `requires: [jwt_access_token]`, so that servers with opaque tokens are not judged by it",
            ));
        }
    }

    pub(super) fn required(&self, source: &ScenarioSource) -> Vec<Capability> {
        let mut all = source.requires.clone();
        let mut next = source.from.as_deref().or(source.control.as_deref());
        for _ in 0..32 {
            let Some(parent) = next.and_then(|id| self.ids.get(id)) else {
                break;
            };
            all.extend(&parent.requires);
            next = parent.from.as_deref().or(parent.control.as_deref());
        }
        all
    }
}
