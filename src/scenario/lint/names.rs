//! Names that nothing resolves before the run: parameters of the request, and what checks compare with.

use std::collections::BTreeSet;

use super::{At, Lint};
use crate::{
    document::{did_you_mean, near_miss},
    scenario::{Check, DPOP_KEYS, Edit, OneOrMany, Relation},
    spec::role,
};

/// The parameters that requests of token exchange, introspection, revocation and refreshing know (RFC 8693 section 2.1, RFC
/// 6749 sections 2.3.1 and 6, RFC 7521 section 4.2, RFC 7662 section 2.1, RFC 8707 section 2, RFC 9396 section 2).
const PARAMETERS: [&str; 18] = [
    "actor_token",
    "actor_token_type",
    "assertion",
    "audience",
    "authorization_details",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "grant_type",
    "refresh_token",
    "requested_token_type",
    "resource",
    "scope",
    "subject_token",
    "subject_token_type",
    "token",
    "token_type_hint",
];

/// What a check can compare with besides tokens: what the run knows, and the documents of the response.
const KNOWN_TO_THE_RUN: [&str; 7] =
    ["client_id", "issuer", "token_endpoint", "response", "jwt", "introspection", "issued"];

impl Lint<'_> {
    /// Parameters whose name is nearly one that requests know: the server would leave them aside (RFC 6749 section 3.2), and
    /// be judged by a request that it never got. Another case or other signs between the words is no slip, and `rename`
    /// says by itself that the name is wrong on purpose.
    pub(super) fn parameters(&mut self, at: &At<'_>, edit: &Edit) {
        let set = edit.set.iter().flatten().map(|(name, _)| (at.key("set").key(name), name.as_str(), true));
        let add = edit.add.iter().flatten().map(|(name, _)| (at.key("add").key(name), name.as_str(), true));
        let lists = [("drop", &edit.drop), ("empty", &edit.empty), ("bare", &edit.bare)];
        let listed = lists.iter().flat_map(|(key, names)| {
            names.iter().flat_map(move |names| {
                names.iter().enumerate().map(move |(i, name)| {
                    let here = at.key(key);
                    let many = matches!(names, OneOrMany::Many(_));
                    (if many { here.key(i) } else { here }, name, false)
                })
            })
        });
        let one = |key: &str, name| (at.key(key).key("parameter"), name, false);
        let repeat = edit.repeat.iter().map(|repeat| one("repeat", repeat.parameter.as_str()));
        let rename = edit.rename.iter().map(|rename| one("rename", rename.parameter.as_str()));
        let duplicate = edit.duplicate.iter().map(|name| (at.key("duplicate"), name.as_str(), false));
        for (here, name, is_key) in set.chain(add).chain(listed).chain(repeat).chain(rename).chain(duplicate)
        {
            let Some(near) = near_miss(name, PARAMETERS) else { continue };
            let message = format!("no request knows a parameter `{name}`");
            let d = if is_key {
                here.error_at_key("near-miss", message)
            } else {
                here.error("near-miss", message)
            };
            let hint = if is_key {
                format!(
                    "a server leaves unknown parameters aside; if the name is wrong on purpose, `rename: {{ parameter: {near}, \
                     to: {name} }}` says so"
                )
            } else {
                "nothing of that name is in the control's request".to_owned()
            };
            self.found.push(d.label(format!("did you mean `{near}`?")).hint(hint).warning());
        }
    }

    /// The names of what a check compares with.
    pub(super) fn compared(&mut self, at: &At<'_>, check: &Check, names: &BTreeSet<String>) {
        if let Some(claim) = &check.claim {
            self.relations(&at.key("claim"), &claim.relation(), names);
        }
        for (key, member) in [("member", &check.member), ("jose", &check.jose)] {
            if let Some(member) = member {
                self.relations(&at.key(key), &member.relation(), names);
            }
        }
        if let Some(name) = &check.bound_to {
            self.key_name(&at.key("bound_to"), name);
        }
        if let Some(name) = &check.differs_from {
            self.token_compared(&at.key("differs_from"), name, names);
        }
        if let Some(audience) = &check.audience {
            let here = at.key("audience");
            for (key, name) in [("within", &audience.within), ("differs_from", &audience.differs_from)] {
                if let Some(name) = name {
                    self.token_compared(&here.key(key), name, names);
                }
            }
            for (key, roles) in [("covers", &audience.covers), ("excludes", &audience.excludes)] {
                for name in roles.iter().flat_map(OneOrMany::iter) {
                    self.role(&here.key(key), "target", role::TARGETS, name);
                }
            }
        }
        if let Some(scope) = &check.scope {
            let here = at.key("scope");
            for (key, name) in [("within", &scope.within), ("same_as", &scope.same_as)] {
                if let Some(name) = name {
                    self.token_compared(&here.key(key), name, names);
                }
            }
            for (key, name) in [
                ("within_role", &scope.within_role),
                ("without_role", &scope.without_role),
                ("equals_role", &scope.equals_role),
                ("differs_from_role", &scope.differs_from_role),
            ] {
                if let Some(name) = name {
                    self.role(&here.key(key), "scope", role::SCOPES, name);
                }
            }
        }
    }

    /// The name of a DPoP key. One of the user's own is as good, and stands for one key whatever it is called.
    pub(super) fn key_name(&mut self, at: &At<'_>, name: &str) {
        if let Some(near) = near_miss(name, DPOP_KEYS) {
            let message = format!("`{name}` stands for another key than `{near}`");
            self.found.push(
                at.error("near-miss", message)
                    .label(format!("did you mean `{near}`?"))
                    .hint(format!(
                        "the keys are {}; any other name stands for the last",
                        DPOP_KEYS.join(", ")
                    ))
                    .warning(),
            );
        }
    }

    fn relations(&mut self, at: &At<'_>, relation: &Relation<'_>, names: &BTreeSet<String>) {
        for (key, name) in [
            ("same_as", relation.same_as),
            ("not_same_as", relation.not_same_as),
            ("agrees_with", relation.agrees_with),
            ("at_most", relation.at_most),
        ] {
            if let Some(name) = name {
                self.reference(&at.key(key), name, names);
            }
        }
        for (i, name) in relation.same_as_one_of.into_iter().flatten().enumerate() {
            self.reference(&at.key("same_as_one_of").key(i), name, names);
        }
    }

    /// A value known to the run: by its own name, of a client, or of a token or document with a pointer into it.
    fn reference(&mut self, at: &At<'_>, name: &str, names: &BTreeSet<String>) {
        let head = name.split_once(":/").map_or(name, |(head, _)| head);
        if let Some(client) = name.strip_prefix("client:") {
            self.client(at, client);
        } else if !KNOWN_TO_THE_RUN.contains(&head) {
            self.named(at, head, names, &KNOWN_TO_THE_RUN);
        }
    }

    fn token_compared(&mut self, at: &At<'_>, name: &str, names: &BTreeSet<String>) {
        self.named(at, name, names, &[]);
    }

    /// The tokens of the exchange, those of the target, and those that steps name. Where a file could not be understood or a
    /// control is not found, steps may be missing.
    fn named(&mut self, at: &At<'_>, name: &str, names: &BTreeSet<String>, also: &[&str]) {
        let own = ["subject", "actor"];
        let open = self.partial || self.is_cut_off(at);
        if own.contains(&name) || names.contains(name) || role::is_role(role::TOKENS, name) || open {
            return;
        }
        let roles = role::TOKENS.iter().map(|(known, _)| *known);
        let steps = names.iter().map(String::as_str);
        let known = own.into_iter().chain(steps).chain(also.iter().copied()).chain(roles);
        // `sub` is the claim that is compared where nothing else is said, and no token.
        let near = if name == "sub" { Some("subject") } else { did_you_mean(name, known) };
        let message = format!("nothing is called `{name}` that could be compared with");
        let mut d = at.error("unknown-reference", message);
        if let Some(near) = near {
            d = d.label(format!("did you mean `{near}`?"));
        }
        let mut known: Vec<&str> = own.into_iter().chain(also.iter().copied()).collect();
        known.extend(names.iter().map(String::as_str));
        self.found.push(d.hint(format!(
            "the names here are {}, and the token roles; a role of your own starts with `x-`",
            known.join(", ")
        )));
    }

    /// Whether the scenario at this place comes `from` one that is not there, whose steps are not known either.
    fn is_cut_off(&self, at: &At<'_>) -> bool {
        let own = at.pointer.split('/').nth(2).and_then(|i| i.parse::<usize>().ok());
        let id = own.and_then(|i| at.document.value().pointer(&format!("/scenarios/{i}/from"))?.as_str());
        let mut next = id;
        for _ in 0..32 {
            let Some(id) = next else { return false };
            let Some(parent) = self.ids.get(id) else { return true };
            next = parent.from.as_deref();
        }
        false
    }
}
