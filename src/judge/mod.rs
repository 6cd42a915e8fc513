//! The judge: exchanges, expectations and facts in, findings out. Pure: no I/O, no HTTP client, no clock of its
//! own, so that a recorded run can be judged again. Knows `spec`, `scenario`, `target`, `token` and `wire` as data.

mod claims;
mod code;
mod declared;
mod facts;
mod finding;
mod oracle_error;
mod oracle_success;
mod outcome;
mod steady;
#[cfg(test)]
mod tests;
mod truth;

pub use declared::NO_CONTROL;
pub use facts::{Issued, RunFacts, StepFacts, StepKind};
pub use finding::{Cause, FailClass, Finding, Verdict};
pub use outcome::{Outcome, outcome_of};
pub use steady::steady;

use crate::scenario::Expect;

/// Judges one step: the generic oracles, then what the scenario declares.
pub fn judge(run: &RunFacts, step: &StepFacts<'_>, expect: Option<&Expect>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What should have been refused is judged for that alone: the form of a success that should not be says little,
    // and with a repeated grant_type it may not even be an exchange.
    let refusal_only = expect.is_some_and(|e| e.refusal.is_some() && e.success.is_none());
    for (i, _) in step.exchanges.iter().enumerate() {
        let outcome = step.outcome(i);
        if step.kind.is_token_endpoint() {
            match &outcome {
                Outcome::Accepted if refusal_only => {}
                Outcome::Accepted => findings.extend(oracle_success::judge(run, step, i)),
                Outcome::Refused => {
                    findings.extend(oracle_error::judge(run, step, i, refusal_row(run, expect)))
                }
                Outcome::Unavailable(_) | Outcome::NoAnswer(_) => {}
            }
        }
    }
    if let Some(expect) = expect {
        findings.extend(declared::judge(run, step, expect));
    }
    findings
}

fn refusal_row<'a>(run: &'a RunFacts, expect: Option<&Expect>) -> Option<&'a crate::spec::DecisionRow> {
    expect.and_then(|e| e.refusal.as_ref()).and_then(|r| run.catalogue.row(&r.row))
}

/// Those of [`oracle_requirements`] of which some scenarios ask something themselves.
pub fn asked_by_scenarios_too() -> &'static [&'static str] {
    &[
        "AT-2.1-signed",
        "OA-3.3-scope-grammar",
        "TX-2.2.1-access_token-required",
        "TX-2.2.1-expires_in-number",
        "TX-2.2.1-issued_token_type-truthful",
        "TX-2.2.1-media-type",
        "TX-2.2.1-token_type-N_A",
        "TX-2.2.2-error_description-may",
    ]
}

/// The requirements that the generic oracles judge on every response of the token endpoint.
pub fn oracle_requirements() -> &'static [&'static str] {
    &[
        "AT-2.1-signed",
        "BT-2.1-b64token",
        "OA-3.2-no-repeat-response",
        "OA-3.3-scope-grammar",
        "OA-5.1-cache-control",
        "OA-5.1-error-cache-control",
        "OA-5.1-pragma",
        "OA-5.1-required-members",
        "OA-5.2-description-charset",
        "OA-5.2-error-charset",
        "OA-5.2-error-required",
        "OA-5.2-error_uri-syntax",
        "OA-5.2-json",
        "OA-5.2-status-400",
        "OA-8.1-type-name",
        "OA-8.5-error-registration",
        "TX-2.2-normal-oauth-response",
        "TX-2.2.1-access_token-required",
        "TX-2.2.1-expires_in-number",
        "TX-2.2.1-expires_in-recommended",
        "TX-2.2.1-issued_token_type-required",
        "TX-2.2.1-issued_token_type-truthful",
        "TX-2.2.1-json-toplevel",
        "TX-2.2.1-media-type",
        "TX-2.2.1-status-200",
        "TX-2.2.1-token_type-N_A",
        "TX-2.2.1-token_type-known",
        "TX-2.2.1-token_type-required",
        "TX-2.2.1-token_type-vs-issued_token_type",
        "TX-2.2.2-error-response-must",
        "TX-2.2.2-error_description-may",
        "TX-2.2.2-other-codes",
        "TX-3-identifiers-are-uris",
    ]
}
