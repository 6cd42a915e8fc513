//! How heavy a cell is, in one sign and one word that all formats share, and the legend that explains them.

use super::Cell;
use crate::{
    judge::{FailClass, Verdict},
    report::digest::class_meaning,
    spec::Level,
};

/// What a requirement came to on one server, by its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A must is violated.
    Violated,
    /// A departure that is scored like a should.
    Warning,
    /// A departure that is scored like a may: never a violation.
    Information,
    /// Proven neither way.
    Inconclusive,
    /// Exercised and met.
    Met,
    /// Nothing exercised it.
    NotExercised,
}

/// The weights of departures in one sentence: what a page of changes needs of the legend.
pub(super) fn in_short(sign: impl Fn(Weight) -> &'static str) -> String {
    let each: Vec<String> =
        Weight::ALL.into_iter().take(3).map(|w| format!("{} {}: {}", sign(w), w.word(), w.says())).collect();
    format!("{}.", each.join("; "))
}

/// The mark of what a waiver accepts.
pub(super) const WAIVED: &str = "~";

impl Weight {
    /// All of them, heaviest first.
    pub const ALL: [Self; 6] =
        [Self::Violated, Self::Warning, Self::Information, Self::Inconclusive, Self::Met, Self::NotExercised];

    /// That of a departure at this level.
    pub fn of(level: Level) -> Self {
        match level {
            Level::Must => Self::Violated,
            Level::Should => Self::Warning,
            Level::May | Level::Observe => Self::Information,
        }
    }

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Violated => "violated",
            Self::Warning => "warning",
            Self::Information => "information",
            Self::Inconclusive => "inconclusive",
            Self::Met => "met",
            Self::NotExercised => "not exercised",
        }
    }

    /// The sign on a terminal and on a page.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Violated => "✘",
            Self::Warning => "!",
            Self::Information => "i",
            Self::Inconclusive => "?",
            Self::Met => "✔",
            Self::NotExercised => "–",
        }
    }

    /// The sign in Markdown, as in the summary of a run.
    pub fn emoji(self) -> &'static str {
        match self {
            Self::Violated => "❌",
            Self::Warning => "⚠️",
            Self::Information => "ℹ️",
            Self::Inconclusive => "❔",
            Self::Met => "✅",
            Self::NotExercised => "–",
        }
    }

    /// The colour on a page.
    pub(super) fn colour(self) -> &'static str {
        match self {
            Self::Violated => "fail",
            Self::Warning => "warn",
            Self::Information => "info",
            Self::Inconclusive => "inconclusive",
            Self::Met => "pass",
            Self::NotExercised => "not-applicable",
        }
    }

    /// What the sign says.
    pub fn says(self) -> &'static str {
        match self {
            Self::Violated => "an exchange contradicts a must",
            Self::Warning => "departs from a should, or from a must in a form that is tolerated",
            Self::Information => {
                "does otherwise than the text describes where the text leaves it free: never a violation"
            }
            Self::Inconclusive => {
                "applies, and is proven neither way: what came back does not tell, or the run did not get to it"
            }
            Self::Met => "exercised, and met every time",
            Self::NotExercised => {
                "no shared scenario that applies to the server exercises it: no failure, and no merit"
            }
        }
    }
}

impl Cell {
    /// How heavy it is.
    pub fn weight(&self) -> Weight {
        match self.verdict {
            Verdict::Pass => Weight::Met,
            Verdict::NotApplicable => Weight::NotExercised,
            Verdict::Inconclusive | Verdict::Error => Weight::Inconclusive,
            Verdict::Fail => Weight::of(self.level.unwrap_or(Level::Must)),
        }
    }

    /// In a word or two: the class of a departure, else what it came to.
    pub fn word(&self) -> String {
        let word = match self.verdict {
            Verdict::Fail => self.class.map_or(self.weight().word(), FailClass::word),
            _ => self.weight().word(),
        };
        if self.waived { format!("{word}, waived") } else { word.to_owned() }
    }

    /// The mark of a waiver, if one accepts it.
    pub(super) fn tilde(&self) -> &'static str {
        if self.waived { WAIVED } else { "" }
    }
}

/// The classes of departures, each with its letter on a terminal.
pub(super) const CLASSES: [(FailClass, char); 4] = [
    (FailClass::Accepted, 'a'),
    (FailClass::Refused, 'r'),
    (FailClass::WrongForm, 'w'),
    (FailClass::Malformed, 'm'),
];

/// What a class means.
pub(super) fn class_says(class: FailClass) -> String {
    let meaning = class_meaning(Some(class));
    match class {
        FailClass::Accepted => format!("{meaning}; where a must is violated, a security hole"),
        _ => meaning.to_owned(),
    }
}

/// What a waiver means for a cell.
pub(super) const WAIVED_SAYS: &str =
    "a waiver in the target file accepts it; it is counted as what it is all the same";

/// How a requirement's own level and the weight of a cell go together.
pub(super) const LEVELS: &str = "The word must, should or may before a requirement is its own level; observe is a fact that nothing scores but a declared policy. A cell weighs the gravest that was seen \
     on that server: less than the level where a form is tolerated, more where the target file declares a policy that makes the requirement binding.";
