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
    /// What was observed: the status and the error code, e.g. `400 invalid_grant`; where no error came, the status and
    /// the kind of violation, e.g. `200 accepted`, `200 wrong-form`.
    pub observed: String,
    /// The highest level that is accepted; without it, any.
    #[serde(default)]
    pub level: Option<Level>,
    /// Why it is accepted.
    pub reason: String,
    /// Where it is tracked.
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

impl WaiverSpec {
    /// Reads the date.
    ///
    /// # Errors
    /// In words, when `expires` is no date.
    pub fn parse(&self) -> Result<Waiver, String> {
        let expires = self
            .expires
            .parse()
            .map_err(|_| format!("`{}` is no date; write it like 2027-06-30", self.expires))?;
        Ok(Waiver {
            check: self.check.clone(),
            scenarios: self.scenario.iter().flat_map(Value1::values).map(str::to_owned).collect(),
            observed: self.observed.split_whitespace().collect::<Vec<_>>().join(" "),
            level: self.level,
            reason: self.reason.clone(),
            issue: self.issue.clone(),
            owner: self.owner.clone(),
            expires,
        })
    }
}
