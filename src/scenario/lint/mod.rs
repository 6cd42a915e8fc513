//! What a schema cannot say: names that must exist, negatives that must have a control, exactly one of several
//! keys. Collects every mistake.

mod expectation;
mod names;
mod request;

use std::collections::{BTreeMap, BTreeSet};

use super::{Piece, Placeholder, ScenarioFile, ScenarioSource, pieces};
use crate::{
    document::{Diagnostic, Diagnostics, Document, did_you_mean, pointer_push},
    spec::{Catalogue, role},
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
const FROM_ABSENCE: [&str; 14] = [
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
    "unknown-reference",
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

    fn error_at_key(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        self.document.at_key(&self.pointer, code, message)
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
            self.expect(&at.key("expect"), expect, source, &names);
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
}
