//! The outcome of one check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::Level;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Exercised and met.
    Pass,
    /// The target never claimed the feature.
    NotApplicable,
    /// Exercised and violated.
    Fail,
    /// Proven neither way.
    Inconclusive,
    /// The scenario or the tool is at fault.
    Error,
}

impl Verdict {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }
}

/// The kind of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailClass {
    /// What must be refused was accepted: a security finding.
    Accepted,
    /// Refused, or answered, but with the wrong code, status or value: an interoperability finding.
    WrongForm,
    /// The message itself is not valid.
    Malformed,
    /// What must be accepted was refused.
    Refused,
}

impl FailClass {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::WrongForm => "wrong-form",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
        }
    }
}

/// Why a check could not be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The positive twin did not succeed (or no longer did at the end of the run).
    ControlFailed,
    /// Something that the scenario needs did not come about: a token source, an earlier step.
    Precondition,
    /// No response arrived.
    Transport,
    /// The server or a gateway before it turned the request away for its own reasons (429, 503).
    RateLimited,
    /// What is to be judged cannot be seen: an opaque token, a missing key.
    Unobservable,
    /// The run's request budget was used up.
    Budget,
    /// The run was interrupted.
    Interrupted,
    /// A recording does not hold what the check looks at.
    NotRecorded,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::ControlFailed,
        Self::Precondition,
        Self::Transport,
        Self::RateLimited,
        Self::Unobservable,
        Self::Budget,
        Self::Interrupted,
        Self::NotRecorded,
    ];

    /// The word in reports and for `--allow-inconclusive`.
    pub fn word(self) -> &'static str {
        match self {
            Self::ControlFailed => "control-failed",
            Self::Precondition => "precondition",
            Self::Transport => "transport",
            Self::RateLimited => "rate-limited",
            Self::Unobservable => "unobservable",
            Self::Budget => "budget",
            Self::Interrupted => "interrupted",
            Self::NotRecorded => "not-recorded",
        }
    }
}

/// The outcome of one check, bound to one requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The requirement that was checked.
    pub requirement: String,
    /// How a violation is scored here (the requirement's level, lowered or raised).
    pub level: Level,
    /// What it came to.
    pub verdict: Verdict,
    /// For `fail`: the kind of violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailClass>,
    /// For `inconclusive`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What was expected.
    pub expected: String,
    /// What was observed.
    pub observed: String,
    /// Why it is judged so, where that is not plain.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Index of the exchange that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<usize>,
    /// The reading of a contested sentence that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// Entries of the ambiguity register.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ambiguity: Vec<String>,
    /// For observations: the name of the fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// The waiver that accepts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<String>,
}

impl Finding {
    /// A check that was met.
    pub fn pass(
        requirement: &str,
        level: Level,
        expected: impl Into<String>,
        observed: impl Into<String>,
    ) -> Self {
        Self {
            requirement: requirement.to_owned(),
            level,
            verdict: Verdict::Pass,
            class: None,
            cause: None,
            expected: expected.into(),
            observed: observed.into(),
            why: String::new(),
            exchange: None,
            reading: None,
            ambiguity: Vec::new(),
            fact: None,
            waiver: None,
        }
    }

    /// Whether the check was met.
    pub fn is_pass(&self) -> bool {
        self.verdict == Verdict::Pass
    }

    /// Turns it into a violation.
    pub fn failed(mut self, class: FailClass) -> Self {
        self.verdict = Verdict::Fail;
        self.class = Some(class);
        self
    }

    /// Turns it into an open question.
    pub fn undecided(mut self, cause: Cause, why: impl Into<String>) -> Self {
        self.verdict = Verdict::Inconclusive;
        self.class = None;
        self.cause = Some(cause);
        self.why = why.into();
        self
    }

    /// Adds why it is judged so.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Scores it at another level.
    pub fn at_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Whether it is a violation at this level or above.
    pub fn fails_at(&self, level: Level) -> bool {
        self.verdict == Verdict::Fail && self.level >= level && self.waiver.is_none()
    }

    /// Whether it is a violation at this level or above that a waiver accepts.
    pub fn is_waived_at(&self, level: Level) -> bool {
        self.verdict == Verdict::Fail && self.level >= level && self.waiver.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_fails_at_its_level_and_below_unless_it_is_waived() {
        let failed = Finding::pass("x", Level::Should, "a", "b").failed(FailClass::WrongForm);
        assert!(
            failed.fails_at(Level::May) && failed.fails_at(Level::Should) && !failed.fails_at(Level::Must)
        );
        let waived = Finding { waiver: Some("w".into()), ..failed.clone() };
        assert!(!waived.fails_at(Level::May));
        let open = failed.clone().undecided(Cause::Transport, "lost");
        assert!(!open.fails_at(Level::May) && open.class.is_none());
        assert!(!Finding::pass("x", Level::Must, "a", "b").fails_at(Level::May));
    }
}
