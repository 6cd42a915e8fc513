//! The words of reports and target files, kind by kind, for `txspec explain` and its pages.

use super::explain::Part;
use crate::{
    scenario::{ProfileName, Scenario, Suite},
    spec::{Capability, Catalogue, CodeKind, Word, WordKind},
};

/// What a word means, and what there is to say besides.
pub(super) fn parts(word: &Word, suite: &Suite, most: usize) -> Vec<Part> {
    let mut out = vec![Part::new("", word.means.as_str())];
    out.extend(word.more.iter().map(|(heading, text)| Part::new(heading.as_str(), text.as_str())));
    let scenarios = |which: &dyn Fn(&Scenario) -> bool| -> Vec<String> {
        suite.scenarios().iter().filter(|s| which(s)).map(|s| s.id.clone()).collect()
    };
    match word.kind {
        WordKind::Capability => {
            let capability = Capability::named(&word.word);
            let needing = scenarios(&|s| s.requires.iter().any(|c| Some(*c) == capability));
            let without = scenarios(&|s| s.unless.iter().any(|c| Some(*c) == capability));
            for (heading, names) in
                [("Scenarios that need it", needing), ("Scenarios that apply without it", without)]
            {
                if !names.is_empty() {
                    out.push(Part::listing(heading, names, most));
                }
            }
        }
        WordKind::Profile => {
            let profile =
                [ProfileName::Core, ProfileName::Security].into_iter().find(|p| p.name() == word.word);
            let count = scenarios(&|s| profile.is_some_and(|p| p.includes(s.profile))).len();
            out.push(Part::new("Scenarios", count.to_string()));
        }
        _ => {}
    }
    out
}

/// The names of all kinds.
pub(super) fn kinds() -> Vec<&'static str> {
    let codes = CodeKind::ALL.map(CodeKind::plural);
    WordKind::ALL.map(WordKind::plural).into_iter().chain(codes).collect()
}

/// All words of the kinds of a name: `capabilities`, or `roles` for every kind of them.
pub(super) fn of_kind(name: &str, catalogue: &Catalogue, words: &[Word]) -> Vec<(String, String)> {
    let tail = format!("-{name}");
    let named = |plural: &str| plural == name || plural.ends_with(&tail);
    let line = |word: &str, means: &str| {
        format!("\n  {word}: {}", means.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let mut out = Vec::new();
    for kind in WordKind::ALL.into_iter().filter(|kind| named(kind.plural())) {
        let of = words.iter().filter(|word| word.kind == kind);
        let lines: String = of.map(|word| line(&word.word, &word.means)).collect();
        let text = format!("{}\n\n{}\n{lines}", kind.plural(), kind.about());
        out.push((kind.plural().to_owned(), text));
    }
    for kind in CodeKind::ALL.into_iter().filter(|kind| named(kind.plural())) {
        let of = catalogue.diagnostics().iter().filter(|entry| entry.kind == kind);
        let lines: String = of.map(|entry| line(&entry.code, &entry.means)).collect();
        out.push((kind.plural().to_owned(), format!("{}\n{lines}", kind.plural())));
    }
    out
}
