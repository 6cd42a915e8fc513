//! Expectations: decision rows, requirements, predicates.

use std::collections::BTreeSet;

use super::{At, Lint};
use crate::{
    document::did_you_mean,
    scenario::{Check, Expect, OneOrMany, Relation, ScenarioSource},
    spec::Class,
};

impl Lint<'_> {
    pub(super) fn expect(
        &mut self,
        at: &At<'_>,
        expect: &Expect,
        source: &ScenarioSource,
        names: &BTreeSet<String>,
    ) {
        self.expectation(at, expect, names);
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

    pub(super) fn expectation(&mut self, at: &At<'_>, expect: &Expect, names: &BTreeSet<String>) {
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
                self.check(&here, check, names);
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
            self.check(&here, check, names);
        }
        for (i, check) in expect.observe.iter().enumerate() {
            let here = at.key("observe").key(i);
            if check.fact.is_none() {
                self.found
                    .push(here.error("no-fact", "an observation needs a name").hint("add `fact: WORDS`"));
            }
            self.check(&here, check, names);
        }
    }

    pub(super) fn check(&mut self, at: &At<'_>, check: &Check, names: &BTreeSet<String>) {
        self.covers(at, check.covers.as_ref());
        self.compared(at, check, names);
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

    pub(super) fn relation(&mut self, at: &At<'_>, pointer: &str, relation: &Relation<'_>) {
        if !pointer.starts_with('/') {
            self.found.push(
                at.key("at")
                    .error("wrong-pointer", format!("`{pointer}` is no JSON pointer"))
                    .hint("write it like `/act/sub` (RFC 6901)"),
            );
        }
        let set = [
            relation.same_as.is_some(),
            relation.not_same_as.is_some(),
            relation.agrees_with.is_some(),
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
                    "more than one of `same_as`, `not_same_as`, `agrees_with`, `equals`, `one_of`, `present`, `type`, \
                     `contains`, `excludes`, `same_as_one_of`, `at_most`, `min_length` and `url`",
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

    pub(super) fn covers(&mut self, at: &At<'_>, covers: Option<&OneOrMany>) {
        self.covers_in(at, "covers", covers);
    }

    pub(super) fn covers_in(&mut self, at: &At<'_>, key: &str, covers: Option<&OneOrMany>) {
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
