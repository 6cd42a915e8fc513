//! What a schema cannot say: names that must exist, negatives that must have a control, exactly one of several
//! keys. Collects every mistake.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Check, Edit, Expect, OneOrMany, Piece, Placeholder, Relation, ScenarioFile, ScenarioSource, Step,
    TokenEdit, pieces,
};
use crate::{
    document::{Diagnostic, Diagnostics, Document, did_you_mean, pointer_push},
    spec::{Capability, Catalogue, Class, role},
};

/// Every semantic mistake of the files. `library`: further scenarios that may serve as controls. `partial`: some files could not be understood, so that a name that is
/// not found may well exist there.
pub fn lint(
    files: &[(Document, ScenarioFile, bool)],
    library: &[(Document, ScenarioFile, bool)],
    catalogue: &Catalogue,
    partial: bool,
) -> Diagnostics {
    let mut lint = Lint { catalogue, partial, ids: BTreeMap::new(), found: Diagnostics::default() };
    let known = library.iter().flat_map(|(_, f, _)| &f.scenarios);
    lint.ids.extend(known.map(|s| (s.id.as_str(), s)));
    lint.collect_ids(files);
    for (document, file, damaged) in files {
        let before = lint.found.0.len();
        for (i, source) in file.scenarios.iter().enumerate() {
            lint.scenario(&At { document, pointer: format!("/scenarios/{i}") }, source);
        }
        if *damaged {
            // What the schema check took out must not be missed once more.
            let own = lint.found.0.split_off(before);
            lint.found.0.extend(own.into_iter().filter(|d| !FROM_ABSENCE.contains(&d.code)));
        }
    }
    lint.found
}

/// Codes that say that something is absent.
const FROM_ABSENCE: [&str; 13] = [
    "edit-without-control",
    "empty-edit",
    "empty-list",
    "needs-jwt",
    "no-acceptance",
    "no-control",
    "no-edit",
    "no-fact",
    "no-reason",
    "no-request",
    "no-requirement",
    "one-key",
    "one-request",
];

struct Lint<'a> {
    catalogue: &'a Catalogue,
    partial: bool,
    ids: BTreeMap<&'a str, &'a ScenarioSource>,
    found: Diagnostics,
}

/// A place in a file.
struct At<'a> {
    document: &'a Document,
    pointer: String,
}

impl<'a> At<'a> {
    fn key(&self, segment: impl ToString) -> At<'a> {
        At { document: self.document, pointer: pointer_push(&self.pointer, &segment.to_string()) }
    }

    fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        self.document.at(&self.pointer, code, message)
    }
}

impl<'a> Lint<'a> {
    fn collect_ids(&mut self, files: &'a [(Document, ScenarioFile, bool)]) {
        for (document, file, _) in files {
            for (i, source) in file.scenarios.iter().enumerate() {
                if self.ids.insert(&source.id, source).is_some() {
                    self.found.push(
                        document
                            .at(
                                &format!("/scenarios/{i}/id"),
                                "duplicate-scenario",
                                format!("the scenario id `{}` is used twice", source.id),
                            )
                            .hint("ids are unique in the whole suite: choose another"),
                    );
                }
            }
        }
    }

    fn scenario(&mut self, at: &At<'_>, source: &ScenarioSource) {
        self.shape(at, source);
        self.control(at, source);
        for (i, id) in source.ambiguity.iter().enumerate() {
            if self.catalogue.ambiguity(id).is_none() {
                self.found.push(
                    at.key("ambiguity")
                        .key(i)
                        .error("unknown-ambiguity", format!("no entry `{id}` in the ambiguity register")),
                );
            }
        }
        let names = self.step_names(at, source);
        if let Some(exchange) = &source.exchange {
            self.exchange(&at.key("exchange"), exchange, &names);
        }
        for (i, step) in source.steps.iter().flatten().enumerate() {
            self.step(&at.key("steps").key(i), step, &names);
        }
        if let Some(edit) = &source.edit {
            self.edit(&at.key("edit"), edit, source, &names);
        }
        if let Some(expect) = &source.expect {
            self.expect(&at.key("expect"), expect, source);
        }
    }

    fn shape(&mut self, at: &At<'_>, source: &ScenarioSource) {
        let kinds = [source.exchange.is_some(), source.steps.is_some(), source.from.is_some()];
        match kinds.iter().filter(|k| **k).count() {
            1 => {}
            0 => self.found.push(at.error("no-request", "the scenario sends nothing").hint(
                "give it `exchange:` (one request), `steps:` (a chain), or `from:` (a control) with `edit:`",
            )),
            _ => self.found.push(
                at.error(
                    "several-requests",
                    "the scenario has more than one of `exchange`, `steps` and `from`",
                )
                .hint("keep one of them"),
            ),
        }
        match (&source.from, &source.edit) {
            (Some(_), None) => self.found.push(
                at.key("from")
                    .error("no-edit", "a scenario that is `from` a control needs an `edit`")
                    .hint("say the one thing that differs, or write `exchange:` of its own"),
            ),
            (None, Some(_)) => self.found.push(
                at.key("edit")
                    .error("edit-without-control", "`edit` needs `from`: the control that is edited"),
            ),
            _ => {}
        }
        if source.steps.as_ref().is_some_and(Vec::is_empty) {
            self.found.push(at.key("steps").error("empty-list", "a chain needs at least one step"));
        }
    }

    fn control(&mut self, at: &At<'_>, source: &ScenarioSource) {
        for (key, name) in [("from", &source.from), ("control", &source.control)] {
            let Some(name) = name else { continue };
            let here = at.key(key);
            if !self.ids.contains_key(name.as_str()) {
                if self.partial {
                    continue;
                }
                let near = did_you_mean(name, self.ids.keys().copied()).map(str::to_owned);
                let mut d =
                    here.error("unknown-control", format!("no scenario `{name}` to serve as control"));
                if let Some(near) = near {
                    d = d.label(format!("did you mean `{near}`?"));
                }
                self.found.push(d.hint("controls are the ids of positive scenarios in the same suite"));
                continue;
            }
            if self.cycle(source) {
                self.found.push(
                    here.error("control-cycle", format!("`{}` is, in the end, its own control", source.id))
                        .hint("a chain of controls must end at a scenario with `exchange:` or `steps:`"),
                );
            }
            let parent = self.ids.get(name.as_str());
            if parent.is_some_and(|p| {
                p.expect.as_ref().is_some_and(|e| e.refusal.is_some() && e.success.is_none())
            }) {
                self.found.push(
                    here.error("negative-control", format!("the control `{name}` expects a refusal itself"))
                        .hint("a control must succeed, or it proves nothing"),
                );
            }
        }
    }

    fn cycle(&self, source: &ScenarioSource) -> bool {
        let mut seen = BTreeSet::from([source.id.as_str()]);
        let mut next = source.from.as_deref().or(source.control.as_deref());
        while let Some(id) = next {
            if !seen.insert(id) {
                return id == source.id;
            }
            next = self.ids.get(id).and_then(|s| s.from.as_deref().or(s.control.as_deref()));
        }
        false
    }

    /// The names that steps give to tokens, those of the control's steps included.
    fn step_names(&mut self, at: &At<'_>, source: &ScenarioSource) -> BTreeSet<String> {
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

    fn step(&mut self, at: &At<'_>, step: &Step, names: &BTreeSet<String>) {
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
        }
        if let Some(userinfo) = &step.userinfo {
            self.token(&at.key("userinfo").key("token"), &userinfo.token, names);
        }
        if let Some(expect) = &step.expect {
            self.expectation(&at.key("expect"), expect);
        }
    }

    fn exchange(&mut self, at: &At<'_>, exchange: &super::ExchangeSpec, names: &BTreeSet<String>) {
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
    }

    fn client(&mut self, at: &At<'_>, name: &str) {
        self.role(at, "client", role::CLIENTS, name);
    }

    fn token(&mut self, at: &At<'_>, name: &str, names: &BTreeSet<String>) {
        if !names.contains(name) {
            self.role(at, "token", role::TOKENS, name);
        }
    }

    fn role(&mut self, at: &At<'_>, what: &str, list: &'static [role::Role], name: &str) {
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

    fn edit(&mut self, at: &At<'_>, edit: &Edit, source: &ScenarioSource, names: &BTreeSet<String>) {
        for (key, token) in [("subject", &edit.subject), ("actor", &edit.actor)] {
            if let Some(token) = token {
                self.token_edit(&at.key(key), token, source, names);
            }
        }
        if let Some(client) = &edit.client {
            self.client(&at.key("client"), client);
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

    fn token_edit(
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
        if edit.tamper.is_some_and(super::Tamper::needs_jwt)
            && !self.required(source).iter().any(|c| jwt.contains(c))
        {
            self.found
                .push(at.key("tamper").error("needs-jwt", "this damage can only be done to a JWT").hint(
                "add `requires: [jwt_access_token]`, so that servers with opaque tokens are not judged by it",
            ));
        }
    }

    fn placeholders(&mut self, at: &At<'_>, text: &str) {
        for word in pieces(text).into_iter().filter_map(Piece::placeholder) {
            match Placeholder::parse(word) {
                Some(Placeholder::Audience(role) | Placeholder::Resource(role)) => {
                    self.role(at, "target", role::TARGETS, role);
                }
                Some(Placeholder::Scope(role, _)) => self.role(at, "scope", role::SCOPES, role),
                Some(_) => {}
                None => self.found.push(
                    at.error("unknown-placeholder", format!("no placeholder `{{{{{word}}}}}`"))
                        .hint(format!("the placeholders are {}", Placeholder::WORDS.join(", "))),
                ),
            }
        }
    }

    fn placeholders_in(&mut self, at: &At<'_>, value: &serde_json::Value) {
        match value {
            serde_json::Value::String(text) => self.placeholders(at, text),
            serde_json::Value::Array(all) => {
                for (i, one) in all.iter().enumerate() {
                    self.placeholders_in(&at.key(i), one);
                }
            }
            serde_json::Value::Object(all) => {
                for (name, one) in all {
                    self.placeholders_in(&at.key(name), one);
                }
            }
            _ => {}
        }
    }

    fn required(&self, source: &ScenarioSource) -> Vec<Capability> {
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

    fn expect(&mut self, at: &At<'_>, expect: &Expect, source: &ScenarioSource) {
        self.expectation(at, expect);
        let controlled = source.from.is_some() || source.control.is_some();
        if let Some(refusal) = &expect.refusal {
            if !controlled {
                self.found.push(
                    at.key("refusal")
                        .error("no-control", "a refusal proves nothing without a control")
                        .hint("say `from: SCENARIO` with one `edit:`, or `control: SCENARIO` for a chain"),
                );
            }
            if refusal.covers.is_none() && expect.success.is_none() {
                self.found.push(
                    at.key("refusal")
                        .error("no-requirement", "the refusal is bound to no requirement")
                        .hint("add `covers:`"),
                );
            }
        } else if source.from.is_some() {
            let bare = |c: &Check| c.predicates().is_empty() && c.covers.is_some();
            if !expect.success.iter().flatten().any(bare) {
                self.found.push(
                    at.error("no-acceptance", "nothing here judges that the edited request was accepted")
                        .hint("add `- covers: REQUIREMENT` without predicate, or allow a `refusal:` beside"),
                );
            }
        }
    }

    fn expectation(&mut self, at: &At<'_>, expect: &Expect) {
        if let Some(refusal) = &expect.refusal {
            let here = at.key("refusal");
            if self.catalogue.row(&refusal.row).is_none() {
                let rows: Vec<&str> = self.catalogue.rows().iter().map(|r| r.id.as_str()).collect();
                let mut d = here
                    .key("row")
                    .error("unknown-row", format!("no row `{}` in the decision table", refusal.row));
                if let Some(near) = did_you_mean(&refusal.row, rows.iter().copied()) {
                    d = d.label(format!("did you mean `{near}`?"));
                }
                self.found.push(d.hint(format!("the rows are {}", rows.join(", "))));
            }
            self.covers(&here, refusal.covers.as_ref());
            self.covers_in(&here, "code_covers", refusal.code_covers.as_ref());
            for (i, check) in refusal.also.iter().enumerate() {
                let here = here.key("also").key(i);
                if check.covers.is_none() {
                    self.found.push(
                        here.error("no-requirement", "the check is bound to no requirement")
                            .hint("add `covers:`"),
                    );
                }
                if let Some(name) =
                    check.predicates().into_iter().find(|p| !["member", "header", "fetched"].contains(p))
                {
                    self.found.push(
                        here.key(name)
                            .error("no-token", format!("a refusal has no token that `{name}` could look at"))
                            .hint("`member`, `header` and `fetched` work here"),
                    );
                }
                self.check(&here, check);
            }
        }
        for (i, check) in expect.success.iter().flatten().enumerate() {
            let here = at.key("success").key(i);
            if check.covers.is_none() {
                self.found.push(
                    here.error("no-requirement", "the check is bound to no requirement")
                        .hint("add `covers:`"),
                );
            }
            self.check(&here, check);
        }
        for (i, check) in expect.observe.iter().enumerate() {
            let here = at.key("observe").key(i);
            if check.fact.is_none() {
                self.found
                    .push(here.error("no-fact", "an observation needs a name").hint("add `fact: WORDS`"));
            }
            self.check(&here, check);
        }
    }

    fn check(&mut self, at: &At<'_>, check: &Check) {
        self.covers(at, check.covers.as_ref());
        let predicates = check.predicates();
        if predicates.len() > 1 {
            self.found.push(
                at.error(
                    "several-predicates",
                    format!("one check has several predicates: {}", predicates.join(", ")),
                )
                .hint("write one check each"),
            );
        }
        if check.level.is_some() && check.why.is_none() {
            self.found.push(
                at.key("level")
                    .error("no-reason", "a level other than the requirement's own needs a reason")
                    .hint("add `why:`"),
            );
        }
        if let Some(claim) = &check.claim {
            self.relation(&at.key("claim"), &claim.at, &claim.relation());
        }
        for (key, member) in [("member", &check.member), ("jose", &check.jose)] {
            if let Some(member) = member {
                self.relation(&at.key(key), &member.at, &member.relation());
            }
        }
    }

    fn relation(&mut self, at: &At<'_>, pointer: &str, relation: &Relation<'_>) {
        if !pointer.starts_with('/') {
            self.found.push(
                at.key("at")
                    .error("wrong-form", format!("`{pointer}` is no JSON pointer"))
                    .hint("write it like `/act/sub` (RFC 6901)"),
            );
        }
        let set = [
            relation.same_as.is_some(),
            relation.not_same_as.is_some(),
            relation.equals.is_some(),
            relation.one_of.is_some(),
            relation.present.is_some(),
            relation.json_type.is_some(),
            relation.contains.is_some(),
            relation.excludes.is_some(),
            relation.same_as_one_of.is_some(),
            relation.at_most.is_some(),
            relation.min_length.is_some(),
            relation.url.is_some(),
        ];
        if set.iter().filter(|s| **s).count() > 1 {
            self.found.push(
                at.error(
                    "several-relations",
                    "more than one of `same_as`, `not_same_as`, `equals`, `one_of`, `present`, `type`, `contains`, \
                     `excludes`, `same_as_one_of`, `at_most`, `min_length` and `url`",
                )
                .hint("write one check each"),
            );
        }
        for (key, word) in [("contains", relation.contains), ("excludes", relation.excludes)] {
            if let Some(text) = word {
                self.placeholders(&at.key(key), text);
            }
        }
    }

    fn covers(&mut self, at: &At<'_>, covers: Option<&OneOrMany>) {
        self.covers_in(at, "covers", covers);
    }

    fn covers_in(&mut self, at: &At<'_>, key: &str, covers: Option<&OneOrMany>) {
        for (i, id) in covers.iter().flat_map(|c| c.iter()).enumerate() {
            let here = match covers {
                Some(OneOrMany::Many(_)) => at.key(key).key(i),
                _ => at.key(key),
            };
            match self.catalogue.get(id) {
                None => {
                    let mut d =
                        here.error("unknown-requirement", format!("no requirement `{id}` in the catalogue"));
                    if let Some(near) = did_you_mean(id, self.catalogue.ids()) {
                        d = d.label(format!("did you mean `{near}`?"));
                    }
                    self.found.push(d.hint("`txspec list requirements` shows all of them"));
                }
                Some(row) if row.unchecked.is_some() => {
                    self.found.push(
                        here.error(
                            "unchecked-requirement",
                            format!("`{id}` is in the catalogue as not checkable from outside"),
                        )
                        .hint("if this check shows it after all, remove `unchecked` from its row"),
                    );
                }
                Some(row) if row.same_as.is_some() => {
                    let other = row.same_as.clone().unwrap_or_default();
                    self.found.push(
                        here.error("aliased-requirement", format!("`{id}` says the same as `{other}`"))
                            .hint(format!("cover `{other}`")),
                    );
                }
                Some(row) => debug_assert!(row.class != Class::C || !row.readings.is_empty()),
            }
        }
    }
}
