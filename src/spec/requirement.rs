//! One row of the catalogue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a violation is scored: the keyword's strength (BCP 14), or for rows without keyword the
/// catalogue's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Reported as a fact, never scored.
    Observe,
    /// A violation is an information.
    May,
    /// A violation is a warning.
    Should,
    /// A violation is a failure.
    Must,
}

impl Level {
    /// The word used in files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Level::Observe => "observe",
            Level::May => "may",
            Level::Should => "should",
            Level::Must => "must",
        }
    }
}

/// Why a row has force: the letters of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Class {
    /// A BCP 14 keyword stands in the cited text.
    K,
    /// A declarative statement about the wire format that peers rely on.
    D,
    /// Derived: the rule binds the client, the server's duty follows from the error rules.
    X,
    /// A security expectation without a normative hook in the core specifications.
    S,
    /// Contested: two normative texts pull apart.
    C,
}

impl Class {
    /// What the letter stands for.
    pub fn meaning(self) -> &'static str {
        match self {
            Class::K => "keyword statement",
            Class::D => "declarative statement",
            Class::X => "derived from the error rules",
            Class::S => "security expectation",
            Class::C => "contested",
        }
    }
}

/// Whom a statement binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The client that sends the request.
    Client,
    /// The authorization server.
    AuthorizationServer,
    /// The resource server, as consumer of a token.
    ResourceServer,
    /// Whoever issues the token in question.
    TokenIssuer,
    /// Whoever runs the deployment.
    Deployment,
    /// Authors of further specifications.
    SpecificationAuthor,
}

/// What is needed to observe the behaviour from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Testability {
    /// The token endpoint's request and response alone.
    W,
    /// And a look into the issued token (decoded, or introspected).
    WT,
    /// And a special fixture (a second client, an expired token …).
    WF,
    /// And a signing key that the server trusts, or a mutated real token.
    WK,
    /// The metadata document.
    M,
    /// Not observable from outside.
    N,
}

/// One of several interpretations of a contested sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadingOf {
    /// Name by which a target selects it.
    pub id: String,
    /// What the sentence means under this reading.
    pub says: String,
    /// Whether it is used when the target selects none.
    #[serde(default)]
    pub default: bool,
    /// How a violation is scored under this reading, if not at the level of the requirement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// Facts about its own policy that an operator can declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Knob {
    /// Scopes beyond the subject token's must not be granted.
    ScopeWidening,
    /// Audiences outside the allow-list must not be minted.
    AudienceAllowlist,
    /// Tokens issued to another client must be refused.
    CrossClientSubject,
    /// A valid actor token must show up as `act`.
    ExpectsAct,
    /// `may_act` is enforced.
    MayActEnforced,
    /// A subject token can be exchanged once.
    SubjectTokenSingleUse,
    /// Exchanges are expected to return a refresh token.
    ExpectsRefreshToken,
    /// Issued tokens live at most so long.
    MaxIssuedLifetime,
    /// Access tokens are opaque.
    OpaqueAccessTokens,
    /// Subject identifiers are mapped.
    SubMapping,
    /// Audience names are mapped.
    AudMapping,
    /// `Pragma: no-cache` is wanted, as RFC 6749 section 5.1 literally says.
    PragmaStrict,
    /// Sender-constrained subject tokens must stay so.
    SenderConstraint,
    /// Disabled users and clients must be refused.
    DisabledPrincipal,
}

/// The knob that makes a security expectation binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRaise {
    /// The operator's declaration.
    pub knob: Knob,
    /// The level when it is declared.
    pub raises_to: Level,
}

/// One statement of a specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Stable id, e.g. `TX-2.1-subject_token-required`.
    pub id: String,
    /// Section of the specification.
    pub section: String,
    /// Which of RFC 8693's thirty keyword statements it stands for (`N01` … `N30`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<String>,
    /// The BCP 14 keyword as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyword: Option<String>,
    /// How a violation by the server is scored.
    pub level: Level,
    /// Why it has force.
    pub class: Class,
    /// Whom it binds.
    pub binds: Vec<Party>,
    /// What the text requires, in our words.
    pub says: String,
    /// What is needed to observe it.
    pub testability: Testability,
    /// Entries of the ambiguity register.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ambiguity: Vec<String>,
    /// How a fair judge treats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Interpretations, where contested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<ReadingOf>,
    /// The operator's declaration that raises the level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRaise>,
    /// Declared types of subject tokens of which it says nothing, by the names that RFC 8693 section 3 gives them: what is
    /// presented as one of these is not judged by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent_on: Vec<String>,
    /// Another row that says the same and carries the checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// Why no check can be made from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<String>,
    /// The specification, filled in from the file's head.
    #[serde(default, skip_deserializing)]
    #[schemars(skip)]
    pub spec: String,
}

impl Requirement {
    /// The document that the statement stands in, and where in it: a specification's rows may cite another document.
    pub(super) fn cited(&self) -> (String, &str) {
        let (first, rest) = self.section.split_once(' ').unwrap_or((&self.section, ""));
        match first {
            "RFC" => {
                let (number, section) = rest.split_once(' ').unwrap_or((rest, ""));
                (format!("RFC {number}"), section)
            }
            draft if draft.starts_with("draft-") => (draft.to_owned(), rest),
            // The working group's successor of an RFC.
            bis if bis.ends_with("bis") => {
                (format!("draft-ietf-oauth-rfc{}", bis.trim_start_matches("rfc")), rest)
            }
            _ => (self.spec.clone(), self.section.as_str()),
        }
    }

    /// Where it stands, in words: `RFC 8693 section 2.1`, `RFC 6749 appendix B`, or of another document than that of
    /// its file `RFC 7515 section 4.1.11`.
    pub fn place(&self) -> String {
        let (document, section) = self.cited();
        match section {
            "" => document,
            letter if letter.starts_with(char::is_alphabetic) => format!("{document} appendix {letter}"),
            many if many.contains([',', '-']) => format!("{document} sections {many}"),
            one => format!("{document} section {one}"),
        }
    }

    /// The same below the name of its specification: `§ 2.1`, or in full where another document is cited.
    pub fn place_in_spec(&self) -> String {
        let (document, section) = self.cited();
        if document == self.spec && section.starts_with(|c: char| c.is_ascii_digit()) {
            format!("§ {section}")
        } else {
            self.place()
        }
    }
}

/// A file of the catalogue: one specification.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementFile {
    /// E.g. `RFC 8693`.
    pub spec: String,
    /// The specification's title.
    pub title: String,
    /// Where it can be read.
    pub url: String,
    /// Its statements.
    pub requirements: Vec<Requirement>,
}
