//! Accepted findings: each with a reason, an owner, an expiry, and the fingerprint of what was accepted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Value1;
use crate::spec::Level;

/// A waiver as written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverSpec {
    /// The requirement whose finding is accepted.
    pub check: String,
    /// The scenario or scenarios, if the waiver is for some only.
    #[serde(default)]
    pub scenario: Option<Value1>,
    /// What was observed: the status and the error code, e.g. `400 invalid_grant`; where no error came, the status, the
    /// kind of violation and what was wrong, e.g. `200 accepted`, `200 wrong-form: no cache-control`. With the kind alone
    /// (`200 wrong-form`), any value is accepted.
    pub observed: String,
    /// The highest level that is accepted; without it, any.
    #[serde(default)]
    pub level: Option<Level>,
    /// Why it is accepted.
    pub reason: String,
    /// Where it is tracked: an address, or the id in a tracker.
    pub issue: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds (`2027-06-30`).
    pub expires: String,
}

/// A waiver whose expiry is a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The requirement.
    pub check: String,
    /// The scenarios, if for some only.
    pub scenarios: Vec<String>,
    /// The fingerprint.
    pub observed: String,
    /// The highest level that is accepted, if not any.
    pub level: Option<Level>,
    /// Why.
    pub reason: String,
    /// Where it is tracked.
    pub issue: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds.
    pub expires: jiff::civil::Date,
}

/// What is wrong with a waiver as written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WaiverMistake {
    /// The key whose value it is.
    pub key: &'static str,
    /// The code of the diagnostic.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

impl WaiverSpec {
    /// Reads the date and the fingerprint.
    ///
    /// # Errors
    /// When `expires` is no date, `observed` no fingerprint, or a text that must say something is empty.
    pub fn parse(&self) -> Result<Waiver, WaiverMistake> {
        let mistake = |key, code, message: String| WaiverMistake { key, code, message };
        for (key, text) in [("reason", &self.reason), ("issue", &self.issue), ("owner", &self.owner)] {
            if text.trim().is_empty() {
                return Err(mistake(key, "wrong-value", "a waiver says why, where and who".into()));
            }
        }
        let expires = self.expires.parse().map_err(|_| {
            let message = format!("`{}` is no date; write it like 2027-06-30", self.expires);
            mistake("expires", "wrong-date", message)
        })?;
        let observed = self.observed.split_whitespace().collect::<Vec<_>>().join(" ");
        let status = observed.split(' ').next().unwrap_or_default();
        let answered = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()) && observed.len() > 4;
        if !answered {
            let message = format!(
                "`{observed}` is no fingerprint; write the status and the error code, as in `400 invalid_grant`, or the \
                 status and the kind of violation, as in `200 accepted`"
            );
            return Err(mistake("observed", "wrong-value", message));
        }
        Ok(Waiver {
            check: self.check.clone(),
            scenarios: self.scenario.iter().flat_map(Value1::values).map(str::to_owned).collect(),
            observed,
            level: self.level,
            reason: self.reason.clone(),
            issue: self.issue.clone(),
            owner: self.owner.clone(),
            expires,
        })
    }
}
