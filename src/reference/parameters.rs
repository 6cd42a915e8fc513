//! The rules on parameters in general: which the server knows, which may be repeated, and that empty
//! and unknown ones do not count (RFC 6749 §3.1, §3.2).

use super::AuthServer;
use super::fault::FaultId;
use super::form::Form;
use super::refusal::{Refusal, Why};

/// Parameters that may be given once.
const SINGLE: [&str; 24] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
    "scope",
    "username",
    "password",
    "refresh_token",
    "x_lifetime",
    "x_nbf",
    "x_format",
    "x_alg",
    "x_may_act",
    "x_act",
    "x_single_use",
    "x_cnf_jkt",
    "x_no_exp",
    "x_claims",
];

/// Parameters that may be repeated (RFC 8693 §2.1 for the first two).
const REPEATABLE: [&str; 4] = ["resource", "audience", "x_aud", "x_omit"];

pub(super) fn is_known(name: &str) -> bool {
    SINGLE.contains(&name) || REPEATABLE.contains(&name)
}

/// Refuses what is repeated; what is empty or unknown stays in the form and is never looked at.
pub(super) fn settle(server: &AuthServer, form: &mut Form) -> Result<(), Refusal> {
    for parameter in &mut form.parameters {
        let lower = parameter.name.to_ascii_lowercase();
        if lower != parameter.name && is_known(&lower) && server.on(FaultId::ParameterCaseIgnored) {
            parameter.name = lower;
        }
    }
    for name in SINGLE {
        let values: Vec<&str> = form.all(name).collect();
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            continue;
        };
        if values.len() == 1 {
            continue;
        }
        let identical = values.iter().all(|value| value == first);
        let first_kept = (identical && server.on(FaultId::DuplicateIdenticalAccepted))
            || server.on(FaultId::DuplicateFirstWins);
        let kept = match first_kept {
            true => (*first).to_owned(),
            false if server.on(FaultId::DuplicateLastWins) => (*last).to_owned(),
            false => return Err(Refusal::new(Why::RepeatedParameter, "a parameter is repeated")),
        };
        form.parameters.retain(|parameter| parameter.name != name);
        form.push(name, &kept);
    }
    match form.one("grant_type").is_some_and(|grant| grant.contains("token-exchange")) {
        true => refuse_harmless(server, form),
        false => Ok(()),
    }
}

/// Faults that refuse what a server must overlook. Only at exchanges: the first grants have
/// parameters of their own that no other server knows.
fn refuse_harmless(server: &AuthServer, form: &Form) -> Result<(), Refusal> {
    let place = |name: &str| form.parameters.iter().position(|parameter| parameter.name == name);
    let reversed = place("subject_token").is_some_and(|subject| place("grant_type") > Some(subject));
    if reversed && server.on(FaultId::ParameterOrderMatters) {
        return Err(Refusal::new(Why::BadParameter, "grant_type has to come first"));
    }
    for parameter in &form.parameters {
        let name = parameter.name.as_str();
        let is_ascii = name.is_ascii() && parameter.value.is_ascii();
        if !is_known(name) && !is_ascii && server.on(FaultId::NonAsciiParameterRefused) {
            return Err(Refusal::new(Why::BadParameter, "a parameter is not ASCII"));
        }
        let empty = parameter.value.is_empty() && !form.all(name).any(|value| !value.is_empty());
        if empty && parameter.has_equals && server.on(FaultId::EmptyParameterRefused) {
            return Err(Refusal::new(Why::BadParameter, "a parameter is empty"));
        }
        if empty && !parameter.has_equals && server.on(FaultId::BareParameterRefused) {
            return Err(Refusal::new(Why::BadParameter, "a parameter has no value"));
        }
        if empty && matches!(name, "resource" | "audience") && server.on(FaultId::EmptyTargetIsUnknown) {
            return Err(Refusal::new(Why::TargetUnknown, "a requested target is not available"));
        }
        if !is_known(name) && server.on(FaultId::UnknownParameterRefused) {
            return Err(Refusal::new(Why::BadParameter, "a parameter is not known"));
        }
    }
    Ok(())
}
