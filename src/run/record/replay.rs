//! Judging a recorded run with today's checks. What the recording does not hold is inconclusive, never guessed.

use std::{collections::BTreeSet, sync::Arc};

use url::Url;

use super::{
    Kind, Part, Recording, ResponseRecord, ScenarioRecord, StepRecord, Trouble, Unjudged, ViewRecord,
    parts::StandIns,
};
use crate::{
    judge::{Cause, Finding, Issued, RunFacts, StepFacts, StepKind, Verdict, judge},
    run::{
        Options, RunResult, ScenarioResult, Waivers,
        execute::{LONGEST, undecided},
        session::taken_back,
    },
    scenario::{Expect, Scenario, Suite},
    spec::Catalogue,
    token::{Jwt, TokenView},
    wire::{
        Exchange, FormBody, Header, Param, ParamForm, Request, Response, Secret, Timing, TransportError,
        TransportKind, Vault,
    },
};

/// A recording, judged again.
pub struct Replayed {
    /// What it comes to.
    pub result: RunResult,
    /// What decides over the outcome.
    pub options: Options,
    /// The waivers of that day.
    pub waivers: Waivers,
    /// Findings that the recording does not hold enough for.
    pub not_recorded: usize,
}

/// Judges a recording.
pub fn replay(recording: &Recording, suite: &Suite, catalogue: &Arc<Catalogue>) -> Replayed {
    let facts = recording.facts.facts(catalogue);
    let waivers = Waivers::on(recording.day, recording.waivers.clone());
    let options = Options {
        fail_on: recording.fail_on,
        allow_inconclusive: recording.allow_inconclusive.clone(),
        left_out: recording.left_out,
    };
    let stand_ins = StandIns::of(&recording.tokens);
    let mut results = Vec::new();
    for record in &recording.scenarios {
        // A scenario that is gone has no checks today.
        if let Some(scenario) = suite.get(&record.id) {
            results.push(one(&facts, scenario, record, &stand_ins, &waivers));
        }
    }
    if recording.left_out == 0 && !recording.interrupted {
        let known: BTreeSet<&str> = recording.scenarios.iter().map(|r| r.id.as_str()).collect();
        let profile = recording.occasion.profile;
        let added = suite
            .scenarios()
            .iter()
            .filter(|s| profile.includes(s.profile) && !known.contains(s.id.as_str()));
        results.extend(added.map(|s| missing(&facts, s, "the scenario is newer than the recording")));
    }
    let not_recorded = results
        .iter()
        .flat_map(|r: &ScenarioResult| &r.findings)
        .filter(|f| f.cause == Some(Cause::NotRecorded))
        .count();
    let result =
        RunResult::new(results, suite, catalogue, &options, recording.requests, recording.interrupted)
            .with_waivers(&waivers, suite);
    Replayed { result, options, waivers, not_recorded }
}

fn missing(facts: &RunFacts, scenario: &Scenario, why: &str) -> ScenarioResult {
    let why = format!("not recorded: {why}");
    let mut result = ScenarioResult::new(scenario);
    result.findings = undecided(facts, scenario, Cause::NotRecorded, &why);
    result.verdict = Verdict::Inconclusive;
    result.cause = Some(Cause::NotRecorded);
    result.reason = Some(why);
    result
}

fn one(
    facts: &RunFacts,
    scenario: &Scenario,
    record: &ScenarioRecord,
    stand_ins: &StandIns,
    waivers: &Waivers,
) -> ScenarioResult {
    let mut result = ScenarioResult::new(scenario);
    result.duration_ms = record.duration_ms;
    result.exchanges.clone_from(&record.exchanges);
    // Nothing is a pass or a failure that was not seen.
    let nothing = |u: &&Unjudged| !matches!(u.verdict, Verdict::Pass | Verdict::Fail);
    if let Some(unjudged) = record.unjudged.as_ref().filter(nothing) {
        if unjudged.excluded && !is_excluded(facts, scenario) {
            return missing(facts, scenario, "it is said not to apply, and the capabilities say otherwise");
        }
        result.verdict = unjudged.verdict;
        result.cause = unjudged.cause;
        result.reason.clone_from(&unjudged.reason);
        result.excluded = unjudged.excluded;
        if let (Verdict::Inconclusive, Some(cause)) = (unjudged.verdict, unjudged.cause) {
            let why = unjudged.reason.clone().unwrap_or_default();
            result.findings = undecided(facts, scenario, cause, &why);
        }
        return result;
    }
    let Some(seen) = record.seen.as_ref().filter(|_| record.asks == scenario.asks()) else {
        let mut result = missing(facts, scenario, "the scenario sends something else now");
        result.exchanges.clone_from(&record.exchanges);
        return result;
    };
    for step_record in &seen.steps {
        result.findings.extend(honest(step(facts, scenario, step_record, stand_ins), step_record));
    }
    if seen.stopped.is_none() {
        result.findings.extend(unseen(facts, scenario, &seen.steps));
    }
    if let Some(stopped) = &seen.stopped {
        result.findings.extend(undecided(facts, scenario, stopped.cause, &stopped.why));
        result.reason = Some(stopped.why.clone());
    }
    waivers.mark(&mut result);
    result.conclude();
    if result.findings.is_empty() && result.reason.is_some() {
        result.verdict = Verdict::Inconclusive;
        result.cause = Some(Cause::Precondition);
    }
    let single = scenario.steps.len() == 1;
    record.withdrawn.iter().fold(result, |result, doubt| taken_back(&result, single, doubt))
}

/// Whether the scenario is for servers without something that the target declares.
fn is_excluded(facts: &RunFacts, scenario: &Scenario) -> bool {
    let declared = |c: &crate::spec::Capability| facts.capabilities.contains(c);
    scenario.requires.iter().all(declared) && scenario.unless.iter().any(declared)
}

/// What steps that a run carries through would have shown, where the recording does not hold them.
fn unseen(facts: &RunFacts, scenario: &Scenario, steps: &[StepRecord]) -> Vec<Finding> {
    let held: BTreeSet<usize> = steps.iter().map(|s| s.step).collect();
    let lacking = (0..scenario.steps.len()).filter(|step| !held.contains(step));
    let expected = lacking.filter_map(|step| scenario.expect_of(step));
    expected
        .flat_map(|expect| expect.covers().into_iter().collect::<Vec<_>>())
        .map(|id| {
            let finding = Finding::pass(id, facts.level(id), "what the scenario expects", "");
            not_recorded(finding, "the recording lacks the step")
        })
        .collect()
}

/// Findings on which the recording is known to differ from the run say so instead.
fn honest(findings: Vec<Finding>, record: &StepRecord) -> Vec<Finding> {
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut out: Vec<Finding> = Vec::new();
    for finding in findings {
        if !record.lost.contains(&finding.requirement) {
            out.push(finding);
        } else if told.insert(finding.requirement.clone()) {
            out.push(not_recorded(finding, "it rests on what a recording leaves out"));
        }
    }
    for id in record.lost.iter().filter(|id| !told.contains(*id)) {
        let finding = Finding::pass(id, crate::spec::Level::Must, "what the run saw", "");
        out.push(not_recorded(finding, "it rests on what a recording leaves out"));
    }
    out
}

fn not_recorded(mut finding: Finding, why: &str) -> Finding {
    finding.observed = "not recorded".to_owned();
    finding.undecided(Cause::NotRecorded, format!("not recorded: {why}"))
}

/// What today's checks find in a recorded step.
pub(super) fn step(
    run: &RunFacts,
    scenario: &Scenario,
    record: &StepRecord,
    stand_ins: &StandIns,
) -> Vec<Finding> {
    let exchanges: Vec<Exchange> =
        record.responses.iter().filter_map(|r| exchange(run, r, stand_ins)).collect();
    let form = FormBody(
        record
            .form
            .iter()
            .map(|p| Param {
                name: p.name.clone(),
                value: Secret::new(stand_ins.text(&p.value)),
                form: if p.bare { ParamForm::Bare } else { ParamForm::Pair },
            })
            .collect(),
    );
    let tokens = record.tokens.iter().map(|(name, v)| (name.clone(), view(v, stand_ins))).collect();
    let facts = StepFacts {
        kind: kind(record.kind),
        exchanges: exchanges.iter().collect(),
        first_exchange: record.first_exchange,
        form: &form,
        client_id: record.client_id.clone(),
        issued: record
            .issued
            .iter()
            .map(|i| Issued {
                view: i.view.as_ref().map(|v| view(v, stand_ins)),
                introspection: i.introspection.clone(),
            })
            .collect(),
        tokens: &tokens,
        thumbprints: record.thumbprints.clone(),
        fetched: record.fetched,
        now: record.now,
        controlled: record.controlled,
    };
    let expect = scenario.expect_of(record.step);
    let (expect, unfilled) = match (expect, &record.fills) {
        (Some(expect), Some(fills)) => fill(expect, fills, stand_ins),
        (expect, _) => (expect.cloned(), None),
    };
    let mut findings = match (unfilled, expect) {
        (Some(expect), _) => expect
            .covers()
            .into_iter()
            .map(|id| {
                let finding = Finding::pass(id, run.level(id), "what the scenario expects", "");
                not_recorded(finding, "the check compares with a value that the run did not keep")
            })
            .collect(),
        (None, expect) => judge(run, &facts, expect.as_ref()),
    };
    let places = places(record);
    let redactor = Vault::default().redactor();
    for finding in &mut findings {
        for text in [&mut finding.expected, &mut finding.observed, &mut finding.why] {
            *text = redactor.brief(&stand_ins.labelled(text, &places), LONGEST);
        }
    }
    findings
}

/// The expectation with its placeholders filled as they were; apart, if one is new.
fn fill(
    expect: &Expect,
    fills: &std::collections::BTreeMap<String, Vec<Part>>,
    stand_ins: &StandIns,
) -> (Option<Expect>, Option<Expect>) {
    let mut filled = expect.clone();
    for text in filled.placeholder_texts_mut() {
        if !text.contains("{{") {
            continue;
        }
        match fills.get(text.as_str()) {
            Some(parts) => *text = stand_ins.text(parts),
            None => return (None, Some(expect.clone())),
        }
    }
    (Some(filled), None)
}

/// The tokens that a step speaks of, the longest stand-in first.
fn places(record: &StepRecord) -> Vec<usize> {
    let mut out: BTreeSet<usize> = BTreeSet::new();
    let views = record.tokens.values().chain(record.issued.iter().filter_map(|i| i.view.as_ref()));
    out.extend(views.filter_map(|v| v.token));
    let bodies = record.responses.iter().flat_map(|r| match r {
        ResponseRecord::Arrived { headers, body, .. } => {
            headers.iter().map(|(_, v)| v).chain([body]).collect::<Vec<_>>()
        }
        ResponseRecord::Failed { .. } => Vec::new(),
    });
    for parts in record.form.iter().map(|p| &p.value).chain(bodies) {
        out.extend(parts.iter().filter_map(|p| match p {
            Part::Token(place) | Part::Escaped(place) => Some(*place),
            Part::Text(_) | Part::Bytes(_) => None,
        }));
    }
    out.into_iter().collect()
}

fn view(record: &ViewRecord, stand_ins: &StandIns) -> TokenView {
    let value = record.token.map(|place| stand_ins.token(place)).unwrap_or_default();
    let jwt = Jwt::decode(value).ok();
    TokenView {
        claims: record.claims.clone().or_else(|| jwt.as_ref().map(Jwt::claims_value)),
        jwt,
        value: Secret::new(value),
        token_type: record.token_type.clone(),
        introspected: record.introspected,
        expires_at: record.expires_at,
        minted: None,
        holder: None,
        verified: record.signature.clone().map(Into::into),
    }
}

/// The exchange as a judge sees it, who looks at the response only.
fn exchange(run: &RunFacts, record: &ResponseRecord, stand_ins: &StandIns) -> Option<Exchange> {
    Some(Exchange {
        purpose: "recorded".into(),
        request: Request::post(Url::parse(&run.token_endpoint).ok()?),
        outcome: match record {
            ResponseRecord::Arrived { status, headers, body, truncated } => Ok(Response {
                status: *status,
                headers: headers
                    .iter()
                    .map(|(name, value)| Header { name: name.clone(), value: stand_ins.bytes(value) })
                    .collect(),
                body: stand_ins.bytes(body),
                truncated: *truncated,
            }),
            ResponseRecord::Failed { kind, message } => Err(TransportError {
                kind: match kind {
                    Trouble::Connect => TransportKind::Connect,
                    Trouble::Timeout => TransportKind::Timeout,
                    Trouble::Broken => TransportKind::Broken,
                    Trouble::Budget => TransportKind::Budget,
                    Trouble::Interrupted => TransportKind::Interrupted,
                },
                message: message.clone(),
            }),
        },
        timing: Timing::default(),
        attempts: 1,
    })
}

fn kind(kind: Kind) -> StepKind {
    match kind {
        Kind::Exchange => StepKind::Exchange,
        Kind::Refresh => StepKind::Refresh,
        Kind::Introspect => StepKind::Introspect,
        Kind::Revoke => StepKind::Revoke,
        Kind::Metadata => StepKind::Metadata,
        Kind::Userinfo => StepKind::Userinfo,
        Kind::Obtain => StepKind::Obtain,
    }
}
