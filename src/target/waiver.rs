//! Accepted findings: each with a reason, an owner, an expiry, and the fingerprint of what was accepted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A waiver as written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverSpec {
    /// The requirement whose finding is accepted.
    pub check: String,
    /// The scenario, if the waiver is for one only.
    #[serde(default)]
    pub scenario: Option<String>,
    /// What was observed: HTTP status and error code, e.g. `400 invalid_grant`.
    pub observed: String,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiver {
    /// The requirement.
    pub check: String,
    /// The scenario, if for one only.
    pub scenario: Option<String>,
    /// The fingerprint.
    pub observed: String,
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
            scenario: self.scenario.clone(),
            observed: self.observed.clone(),
            reason: self.reason.clone(),
            issue: self.issue.clone(),
            owner: self.owner.clone(),
            expires,
        })
    }
}
