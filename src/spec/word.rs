//! The words of reports and target files that are neither requirements nor codes: what each means.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{
    Capability, Catalogue, Requirement,
    role::{self, Role},
};

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WordKind {
    /// What a whole run says about the target.
    Conclusion,
    /// How a violation is scored.
    Level,
    /// A set of scenarios.
    Profile,
    /// An interpretation of contested sentences.
    Reading,
    /// What a target declares.
    Capability,
    /// The part that a client plays.
    ClientRole,
    /// The part that a token plays.
    TokenRole,
    /// The part that a value of `audience` or `resource` plays.
    TargetRole,
    /// The part that a set of scopes plays.
    ScopeRole,
    /// How the program ends.
    ExitCode,
    /// What a token endpoint answers with (RFC 6749 section 5.2).
    ErrorCode,
    /// What a requirement came to: the columns of the tables, and the weights of a comparison.
    Standing,
    /// Any other word of a report.
    Term,
}

impl WordKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::Conclusion,
        Self::Level,
        Self::Profile,
        Self::Reading,
        Self::Capability,
        Self::ClientRole,
        Self::TokenRole,
        Self::TargetRole,
        Self::ScopeRole,
        Self::ExitCode,
        Self::ErrorCode,
        Self::Standing,
        Self::Term,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Conclusion => "conclusion of a run",
            Self::Level => "level of a requirement",
            Self::Profile => "profile",
            Self::Reading => "reading of contested sentences",
            Self::Capability => "capability of a target",
            Self::ClientRole => "role of a client",
            Self::TokenRole => "role of a token",
            Self::TargetRole => "role of an audience or a resource",
            Self::ScopeRole => "role of scopes",
            Self::ExitCode => "exit code",
            Self::ErrorCode => "error code of a token endpoint",
            Self::Standing => "standing of a requirement",
            Self::Term => "term",
        }
    }

    /// The name of the whole kind, which is that of its page.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Conclusion => "conclusions",
            Self::Level => "levels",
            Self::Profile => "profiles",
            Self::Reading => "readings",
            Self::Capability => "capabilities",
            Self::ClientRole => "client-roles",
            Self::TokenRole => "token-roles",
            Self::TargetRole => "target-roles",
            Self::ScopeRole => "scope-roles",
            Self::ExitCode => "exit-codes",
            Self::ErrorCode => "error-codes",
            Self::Standing => "standings",
            Self::Term => "terms",
        }
    }

    /// What holds for all words of the kind.
    pub fn about(self) -> &'static str {
        match self {
            Self::Conclusion => {
                "What stands on top of every report: what the whole run says about the target."
            }
            Self::Level => {
                "How much a violation of a requirement counts: the strength of its keyword (BCP 14), or the catalogue's judgement where the sentence has none."
            }
            Self::Profile => {
                "Which scenarios run (`--profile NAME`); the larger profile includes the smaller."
            }
            Self::Reading => {
                "Where the texts pull apart, a sentence has named readings. The target file picks one (`reading: NAME`), and a finding that it decided says so."
            }
            Self::Capability => {
                "What the target file claims under `capabilities`. What is not listed is not held against the server; what is listed is asked for, and what departs weighs as the text says."
            }
            Self::ClientRole => "Names under `clients` of the target file, by which scenarios refer to them.",
            Self::TokenRole => "Names under `tokens` of the target file, by which scenarios refer to them.",
            Self::TargetRole => {
                "Names under `audiences` and `resources` of the target file, by which scenarios refer to them."
            }
            Self::ScopeRole => "Names under `scopes` of the target file, by which scenarios refer to them.",
            Self::ExitCode => {
                "How the program ends. Where several apply, it is the first of 1, 70, 5, 3; but where all that fails are violations that an expired waiver accepted, it is 5 and not 1."
            }
            Self::ErrorCode => {
                "The codes that a token endpoint may answer with, by the registries, and some that servers send although they belong elsewhere."
            }
            Self::Standing => {
                "What a requirement came to over all scenarios of a run: the columns of the tables, and the signs of a comparison. The gravest counts."
            }
            Self::Term => "Whatever else stands in reports, in guides, and in what txspec prints.",
        }
    }
}

/// A word, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word as it stands in reports and files.
    pub word: String,
    /// What it is.
    pub kind: WordKind,
    /// What it means.
    pub means: String,
    /// What there is to say besides: heading and text.
    pub more: Vec<(String, String)>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordFile {
    pub words: Vec<WordEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordEntry {
    pub word: String,
    pub kind: WordKind,
    pub means: String,
    #[serde(default)]
    pub mend: Option<String>,
}

/// The term under which the rows of the decision table are listed.
const DECISIONS: &str = "decision-table";

/// Every word, kind by kind.
pub(super) fn all(catalogue: &Catalogue, entries: &[WordEntry]) -> Vec<Word> {
    let mut out: Vec<Word> = entries
        .iter()
        .filter(|entry| entry.kind != WordKind::Reading)
        .map(|entry| Word {
            more: entry.mend.iter().map(|mend| ("What to do".to_owned(), mend.clone())).collect(),
            ..plain(&entry.word, entry.kind, &entry.means)
        })
        .collect();
    for table in out.iter_mut().filter(|word| word.word == DECISIONS) {
        let rows: Vec<&str> = catalogue.rows().iter().map(|row| row.id.as_str()).collect();
        table.more.push(("Its rows".to_owned(), rows.join(", ")));
    }
    out.extend(catalogue.readings().into_iter().map(|id| reading(id, catalogue, entries)));
    out.extend(Capability::ALL.iter().map(|c| plain(c.name(), WordKind::Capability, c.meaning())));
    for (kind, roles) in [
        (WordKind::ClientRole, role::CLIENTS),
        (WordKind::TokenRole, role::TOKENS),
        (WordKind::TargetRole, role::TARGETS),
        (WordKind::ScopeRole, role::SCOPES),
    ] {
        out.extend(roles.iter().map(|(name, meaning): &Role| plain(name, kind, &sentence(meaning))));
    }
    out.extend(error_codes(catalogue));
    out.sort_by_key(|word| word.kind);
    out
}

fn plain(word: &str, kind: WordKind, means: &str) -> Word {
    Word { word: word.to_owned(), kind, means: means.to_owned(), more: Vec::new() }
}

/// Half a sentence as a whole one.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// What a reading says of each sentence, and what is judged otherwise under it.
fn reading(id: &str, catalogue: &Catalogue, entries: &[WordEntry]) -> Word {
    let entry = entries.iter().find(|entry| entry.kind == WordKind::Reading && entry.word == id);
    let sentences: Vec<_> = catalogue
        .requirements()
        .iter()
        .flat_map(|row| row.readings.iter().filter(|r| r.id == id).map(move |r| (row, r)))
        .collect();
    // A reading of a single sentence is what it says of that one.
    let means = match (entry, sentences.as_slice()) {
        (Some(entry), _) => entry.means.clone(),
        (None, [(row, only)]) => {
            let default = if only.default { ", by default" } else { "" };
            format!("Of {} alone{default}: {}", row.id, only.says.trim())
        }
        (None, _) => "A reading of the sentences named here.".to_owned(),
    };
    let zones = |row: &Requirement| -> Vec<String> {
        let entries = row.ambiguity.iter().filter_map(|id| catalogue.ambiguity(id));
        entries.map(|entry| format!("{}: {}", entry.id, entry.zone.trim())).collect()
    };
    let mut more: Vec<(String, String)> = Vec::new();
    for (row, of) in &sentences {
        let zones = zones(row).join("; ");
        if entry.is_none() && sentences.len() == 1 {
            more.extend((!zones.is_empty()).then(|| ("Ambiguity".to_owned(), zones)));
            continue;
        }
        let default = if of.default { ", by default" } else { "" };
        let zones = if zones.is_empty() { zones } else { format!(" ({zones})") };
        more.push((format!("Of {}{default}", row.id), format!("{}{zones}", of.says.trim())));
    }
    let mut decided = String::new();
    for row in catalogue.rows() {
        for tolerated in row.tolerated.iter().filter(|t| t.reading.as_deref() == Some(id)) {
            let _ = write!(
                decided,
                "Where {}, the code {} is a violation of level {}. ",
                row.situation.trim(),
                tolerated.code,
                tolerated.level.word()
            );
        }
    }
    for (row, level) in sentences.iter().filter_map(|(row, of)| Some((row, of.level?))) {
        let _ = write!(decided, "A violation of {} is of level {}. ", row.id, level.word());
    }
    if decided.is_empty() {
        decided.push_str("No error code is judged otherwise under it: it names a way to understand the sentence, and selecting it changes no verdict. ");
        for policy in sentences.iter().filter_map(|(row, _)| row.policy.as_ref()) {
            let knob = serde_json::to_value(policy.knob).unwrap_or_default();
            let knob = knob.as_str().unwrap_or_default();
            let level = policy.raises_to.word();
            let _ = write!(
                decided,
                "What does is `policy: {{ {knob}: … }}`, with which a violation is of level {level}. "
            );
        }
    }
    more.push(("What it decides".to_owned(), decided.trim_end().to_owned()));
    Word { more, ..plain(id, WordKind::Reading, &means) }
}

fn error_codes(catalogue: &Catalogue) -> Vec<Word> {
    let registry = catalogue.registry();
    let situations = |code: &str| {
        let fitting = catalogue.rows().iter().filter(|row| row.expected.iter().any(|c| c == code));
        let texts: Vec<String> =
            fitting.map(|row| format!("{} (`{}`)", row.situation.trim(), row.id)).collect();
        if texts.is_empty() { None } else { Some(("Fits where".to_owned(), texts.join("; "))) }
    };
    let own = registry.error_codes.iter().map(|known| Word {
        more: situations(&known.code).into_iter().collect(),
        ..plain(
            &known.code,
            WordKind::ErrorCode,
            &format!("A code that token endpoints may answer with, by {}.", known.spec),
        )
    });
    let foreign = registry.foreign_error_codes.iter().map(|known| {
        let means = format!("No code of the token endpoint; it belongs to: {}.", known.belongs_to);
        plain(&known.code, WordKind::ErrorCode, &means)
    });
    own.chain(foreign).collect()
}
