//! Whether an error code fits the situation: the decision table, its tolerated codes and readings.

use super::{
    Cause, FailClass, Finding, RunFacts, StepFacts,
    oracle_error::{is_clean, oauth_error},
};
use crate::{scenario::OneOrMany, spec::DecisionRow};

/// Judges the code (and where the row asks for it, the challenge) of the i-th response.
pub(super) fn judge(
    run: &RunFacts,
    step: &StepFacts<'_>,
    i: usize,
    row: &DecisionRow,
    bound_to: Option<&OneOrMany>,
) -> Vec<Finding> {
    let Some(response) = step.exchanges.get(i).and_then(|e| e.response()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // Where such a request may also be called malformed, only what speaks of failed authentication (the first code of the
    // row, or its status) needs the challenge.
    let of_authentication = response.status == 401
        || row.statuses == [401]
        || oauth_error(response).is_some_and(|code| row.expected.first() == Some(&code));
    if let Some(scheme) = row.challenge.as_ref().filter(|_| of_authentication) {
        found.push(challenge(run, step, i, row, scheme));
    }
    if row.any_code() {
        found.extend(refused_cleanly(run, step, i, row, bound_to));
        return found;
    }
    let Some(code) = oauth_error(response) else {
        return found;
    };
    let expected = row.expected.join(" or ");
    let expected_words = format!("error {expected}");
    let level = run.level(&row.requirement).max(row.otherwise);
    let observed = format!("{} {code}", response.status);
    let mut finding = Finding::pass(&row.requirement, level, expected_words, observed);
    finding.exchange = Some(step.index(i));
    if !super::oracle_error::is_nqschar(&code) {
        // What is no code at all is judged as such; it cannot be the wrong one besides.
        finding = finding.undecided(Cause::Unobservable, "the code is malformed");
    } else if !row.expected.contains(&code) {
        let tolerated = row
            .tolerated
            .iter()
            .find(|t| t.code == code && t.reading.as_ref().is_none_or(|r| *r == run.reading));
        finding = finding.failed(FailClass::WrongForm).at_level(row.otherwise);
        match tolerated {
            Some(t) => {
                finding.level = t.level;
                finding.why = t.why.trim().to_owned();
                finding.reading.clone_from(&t.reading);
                finding.ambiguity = t.ambiguity.iter().cloned().collect();
            }
            None => finding.why = format!("{}: {}", row.situation.trim(), reason(run, &code)),
        }
    }
    match bound_to {
        None => found.push(finding),
        // The scenario binds the code to rows of its own: the milder of the two levels counts.
        Some(ids) => found.extend(ids.iter().map(|id| {
            let level = finding.level.min(run.level(id));
            Finding { requirement: id.to_owned(), ..finding.clone() }.at_level(level)
        })),
    }
    found
}

/// Where no text settles the code, a scenario can still bind requirements to the form of the refusal: a request that is
/// refused must be refused as one, and not break the server.
fn refused_cleanly(
    run: &RunFacts,
    step: &StepFacts<'_>,
    i: usize,
    row: &DecisionRow,
    bound_to: Option<&OneOrMany>,
) -> Vec<Finding> {
    let Some(response) = step.exchanges.get(i).and_then(|e| e.response()) else {
        return Vec::new();
    };
    // Whatever else is wrong with the form of the refusal, the generic oracles say.
    let broken = response.status >= 500;
    if !broken && !is_clean(response) {
        return Vec::new();
    }
    let ids = bound_to.into_iter().flat_map(OneOrMany::iter);
    ids.map(|id| {
        let observed = match oauth_error(response) {
            Some(code) => format!("{} {}", response.status, super::oracle_error::visible(&code)),
            None => format!("status {} without an OAuth error", response.status),
        };
        let level = run.level(id).min(row.otherwise);
        let mut finding = Finding::pass(id, level, "a refusal, not a server error", observed);
        finding.exchange = Some(step.index(i));
        if broken { finding.failed(FailClass::WrongForm) } else { finding }
    })
    .collect()
}

fn reason(run: &RunFacts, code: &str) -> String {
    match run.catalogue.registry().belongs_elsewhere(code) {
        Some(owner) => format!("{code} belongs to {owner}"),
        None if run.catalogue.registry().is_token_endpoint_code(code) => {
            format!("{code} is a registered code, but for another situation")
        }
        None => format!("{code} is not a registered code of the token endpoint"),
    }
}

/// 401 with a challenge of the scheme that was tried (RFC 6749 section 5.2).
fn challenge(run: &RunFacts, step: &StepFacts<'_>, i: usize, row: &DecisionRow, scheme: &str) -> Finding {
    let mut finding = Finding::pass(
        &row.requirement,
        run.level(&row.requirement),
        format!("status 401 with WWW-Authenticate: {scheme}"),
        String::new(),
    );
    finding.exchange = Some(step.index(i));
    let Some(response) = step.exchanges.get(i).and_then(|e| e.response()) else {
        return finding;
    };
    let values = response.header_values("www-authenticate");
    // Several challenges may share one field, so the scheme may stand behind a comma.
    let offers = values.iter().any(|v| {
        v.split(',').any(|part| {
            part.trim_start().split([' ', '\t']).next().is_some_and(|s| s.eq_ignore_ascii_case(scheme))
        })
    });
    finding.observed = match values.as_slice() {
        [] => format!("status {} without WWW-Authenticate", response.status),
        some => format!(
            "status {} with WWW-Authenticate: {}",
            response.status,
            super::oracle_error::visible(&some.join(", "))
        ),
    };
    if response.status == 401 && offers { finding } else { finding.failed(FailClass::WrongForm) }
}
