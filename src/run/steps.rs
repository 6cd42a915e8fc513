//! Sending the steps of a scenario and gathering what the judge needs to see.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Context,
    apply::{Prepared, Unready, prepare, resolve},
    look::{Wants, describe, is_inactive, look, thumbprints},
    record::StepInput,
    request::{Sent, endpoint, finish, introspect_request, metadata_address, revoke_request},
};
use crate::{
    judge::{Finding, Issued, Outcome, StepFacts, StepKind, judge, outcome_of},
    scenario::{ClientAuthEdit, Edit, ExchangeSpec, Expect, RefreshSpec, Scenario, Step},
    token::{DpopKey, TokenView, now},
    wire::{Exchange, FormBody, Request, Secret},
};

/// What the steps of one scenario left behind.
#[derive(Default)]
pub(super) struct Trace {
    pub exchanges: Vec<Exchange>,
    pub findings: Vec<Finding>,
    /// What the judge was given, if the run is recorded.
    pub inputs: Vec<StepInput>,
    /// Whether the judged (last) step was granted.
    pub granted: bool,
    /// Whether the last token request yielded a token.
    pub issued: bool,
    /// Why the scenario could not be carried through.
    pub stopped: Option<String>,
    tokens: BTreeMap<String, TokenView>,
    /// The client of the last exchange: whom `client_id` means in a later look at its token.
    exchanging_client: Option<String>,
    refresh_members: BTreeMap<String, Secret>,
}

/// Runs the steps in order. A step without expectation that does not succeed ends the scenario.
pub(super) async fn run(context: &Context, scenario: &Scenario, controlled: bool) -> Trace {
    let mut trace = Trace::default();
    let last = scenario.steps.len().saturating_sub(1);
    let edited = scenario.steps.iter().rposition(|s| s.exchange.is_some());
    let mut exchanged = false;
    for (i, step) in scenario.steps.iter().enumerate() {
        let expect = scenario.expect_of(i);
        let edits: &[Edit] = if Some(i) == edited { &scenario.edits } else { &[] };
        // In a chain, an exchange that was granted before is the control of this one; to obtain a token is none.
        let controlled = controlled || exchanged;
        let (judged, found) = (trace.inputs.len(), trace.findings.len());
        let outcome = one(context, step, edits, expect, controlled, &mut trace).await;
        for input in trace.inputs.iter_mut().skip(judged) {
            input.step = i;
            input.findings = found..trace.findings.len();
        }
        let granted = match outcome {
            Ok(granted) => granted,
            Err(Unready(why)) => {
                trace.stopped = Some(why);
                return trace;
            }
        };
        exchanged |= granted && step.exchange.is_some();
        if i == last {
            // A control without a token in its answer proves nothing to those that rest on it.
            let exchanged = step.exchange.is_some() || step.refresh.is_some();
            // Nor does one whose observer is not shown the token: false may be meant for this caller only.
            let hidden = step.introspect.is_some() && trace.exchanges.last().is_some_and(is_inactive);
            trace.granted = granted && (!exchanged || trace.issued) && !hidden;
        } else if !granted && step.expect.is_none() {
            let what = trace.exchanges.last().map(describe).unwrap_or_default();
            trace.stopped = Some(format!("step {} of {} did not succeed: {what}", i + 1, last + 1));
            return trace;
        }
    }
    trace
}

async fn one(
    context: &Context,
    step: &Step,
    edits: &[Edit],
    expect: Option<&Expect>,
    controlled: bool,
    trace: &mut Trace,
) -> Result<bool, Unready> {
    if let Some(spec) = &step.exchange {
        return exchange(context, spec, edits, step.name.as_deref(), expect, controlled, trace).await;
    }
    if let Some(obtain) = &step.obtain {
        let obtained = context.obtainer.fresh(&obtain.token).await?;
        let view = context.with_claims("", obtained.view).await;
        trace.tokens.insert(step.name.clone().unwrap_or_default(), view);
        return Ok(true);
    }
    if let Some(spec) = &step.introspect {
        let request = introspect_request(context, spec, &trace.tokens).await?;
        return Ok(plain(context, StepKind::Introspect, request, expect, controlled, trace).await);
    }
    if let Some(spec) = &step.userinfo {
        let token = resolve(context, &trace.tokens, &spec.token).await?.view.value;
        let mut request = Request::get(endpoint(context.endpoints.userinfo.as_deref(), "UserInfo")?);
        request.push_header("authorization", format!("{} {}", spec.scheme, token.expose()));
        let sent = Sent { request, form: FormBody::default(), client_id: String::new() };
        return Ok(plain(context, StepKind::Userinfo, sent, expect, controlled, trace).await);
    }
    if let Some(spec) = &step.revoke {
        let request = revoke_request(context, spec, &trace.tokens)?;
        return Ok(plain(context, StepKind::Revoke, request, expect, controlled, trace).await);
    }
    if let Some(spec) = &step.refresh {
        return refresh(context, spec, step.name.as_deref(), expect, controlled, trace).await;
    }
    if let Some(kind) = step.metadata {
        let request = Sent {
            request: Request::get(metadata_address(context, kind)?),
            form: FormBody::default(),
            client_id: String::new(),
        };
        let first = trace.exchanges.len();
        // A document that is not there is a fact about the server, not about the set-up.
        let granted = plain(context, StepKind::Metadata, request, expect, true, trace).await;
        if let (Some(name), Some(document)) =
            (&step.name, trace.exchanges.get(first).and_then(Context::json_of))
        {
            let mut view = TokenView::new(Secret::new(""), "document", None);
            view.claims = Some(document);
            trace.tokens.insert(name.clone(), view);
        }
        return Ok(granted);
    }
    Err(Unready("the step is empty".into()))
}

async fn plain(
    context: &Context,
    kind: StepKind,
    sent: Sent,
    expect: Option<&Expect>,
    controlled: bool,
    trace: &mut Trace,
) -> bool {
    let purpose = match kind {
        StepKind::Introspect => "introspect",
        StepKind::Revoke => "revoke",
        StepKind::Userinfo => "userinfo",
        _ => "metadata",
    };
    let exchange = context.sender.send(purpose, sent.request).await;
    let first = trace.exchanges.len();
    trace.exchanges.push(exchange);
    let mut tokens = trace.tokens.clone();
    context.add_referenced(expect, &mut tokens).await;
    let facts = StepFacts {
        kind,
        exchanges: vec![&trace.exchanges[first]],
        first_exchange: first,
        form: &sent.form,
        client_id: trace.exchanging_client.clone().unwrap_or(sent.client_id),
        issued: vec![Issued::default()],
        tokens: &tokens,
        thumbprints: thumbprints(expect),
        fetched: None,
        now: now(),
        controlled,
    };
    let granted = facts.outcome(0) == Outcome::Accepted;
    let second_user = context.second_user(expect).await;
    let filled = expect.map(|e| context.fill_expect(e, "exchanger", second_user.as_ref()));
    let findings = judge(&context.facts, &facts, filled.as_ref());
    let input = context.input(&facts, expect.zip(filled.as_ref()));
    trace.findings.extend(findings);
    trace.inputs.extend(input);
    granted
}

async fn exchange(
    context: &Context,
    spec: &ExchangeSpec,
    edits: &[Edit],
    name: Option<&str>,
    expect: Option<&Expect>,
    controlled: bool,
    trace: &mut Trace,
) -> Result<bool, Unready> {
    let first_prepared = prepare(context, spec, edits, &trace.tokens, None).await?;
    let copies = usize::try_from(first_prepared.spec.parallel.unwrap_or(1)).unwrap_or(1);
    let mut prepared = vec![first_prepared];
    for _ in 1..copies {
        prepared.push(prepare(context, spec, edits, &trace.tokens, None).await?);
    }
    let listener = prepared[0].listener.clone();
    let form = prepared[0].form.clone();
    let client_id = prepared[0].client_id.clone();
    trace.exchanging_client = Some(client_id.clone());
    let holder = prepared[0].spec.client.clone();
    let mut tokens = trace.tokens.clone();
    tokens.insert("subject".into(), prepared[0].subject.clone());
    match &prepared[0].actor {
        Some(actor) => tokens.insert("actor".into(), actor.clone()),
        None => tokens.remove("actor"),
    };
    let repeat_assertion = edits.iter().any(|e| e.client_auth == Some(ClientAuthEdit::AssertionReplayed));
    let repeat_proof =
        prepared[0].dpop.as_ref().is_some_and(|d| d.wrong == Some(crate::scenario::DpopFault::Replayed));
    if repeat_proof || repeat_assertion {
        // The same proof or assertion a second time: the first use must be the one that is not judged.
        let earlier = context.sender.send("exchange", prepared[0].request.clone()).await;
        let granted = outcome_of(&earlier) == Outcome::Accepted;
        trace.exchanges.push(earlier);
        if !granted {
            return Err(Unready("the first use of the proof or assertion did not succeed".into()));
        }
    }
    let first = trace.exchanges.len();
    let sent = futures_util::future::join_all(
        prepared.into_iter().map(|p| send(context, spec, edits, &trace.tokens, p)),
    )
    .await;
    let mut judged = Vec::new();
    for (challenge, exchange) in sent {
        trace.exchanges.extend(challenge);
        judged.push(exchange);
    }
    let first = first.max(trace.exchanges.len());
    trace.exchanges.extend(judged);
    let responses = &trace.exchanges[first..];
    let fetched = context.fetched(listener.as_deref(), expect).await;
    let second_user = context.second_user(expect).await;
    let filled = expect.map(|e| context.fill_expect(e, &spec.client, second_user.as_ref()));
    let unfilled = expect;
    let expect = filled.as_ref();
    let wants = Wants::of(expect);
    let mut issued = Vec::new();
    let mut asked = Vec::new();
    for exchange in responses {
        let view = Context::json_of(exchange).as_ref().and_then(Context::issued_token);
        issued.push(look(context, view, wants, &mut asked).await);
    }
    let granted_view = issued.first().and_then(|i| i.view.clone());
    trace.issued = issued.iter().any(|i| i.view.is_some());
    context.add_referenced(expect, &mut tokens).await;
    let facts = StepFacts {
        kind: StepKind::Exchange,
        exchanges: responses.iter().collect(),
        first_exchange: first,
        form: &form,
        client_id,
        issued,
        tokens: &tokens,
        thumbprints: thumbprints(expect),
        fetched,
        now: now(),
        controlled,
    };
    let granted = facts.outcome(0) == Outcome::Accepted;
    let member =
        facts.json(0).and_then(|j| j.value.get("refresh_token").and_then(Value::as_str).map(Secret::new));
    let findings = judge(&context.facts, &facts, expect);
    let input = context.input(&facts, unfilled.zip(expect));
    trace.findings.extend(findings);
    trace.inputs.extend(input);
    trace.exchanges.extend(asked);
    if let Some(name) = name {
        if let Some(view) = granted_view.filter(|_| granted) {
            let mut view = context.with_claims("", view).await;
            view.holder = Some(holder);
            trace.tokens.insert(name.to_owned(), view);
        }
        if let Some(member) = member {
            trace.refresh_members.insert(name.to_owned(), member);
        }
    }
    Ok(granted)
}

/// Sends an exchange; answers a demand for a DPoP nonce once (RFC 9449 section 8), which is not judged.
async fn send(
    context: &Context,
    spec: &ExchangeSpec,
    edits: &[Edit],
    named: &BTreeMap<String, TokenView>,
    prepared: Prepared,
) -> (Option<Exchange>, Exchange) {
    let exchange = context.sender.send("exchange", prepared.request).await;
    let nonce = (prepared.dpop.is_some() && describe(&exchange).ends_with("error use_dpop_nonce"))
        .then(|| exchange.response().and_then(|r| r.header("dpop-nonce")))
        .flatten();
    let Some(nonce) = nonce else {
        return (None, exchange);
    };
    match prepare(context, spec, edits, named, Some(&nonce)).await {
        Ok(again) => {
            let second = context.sender.send("exchange", again.request).await;
            (Some(exchange), second)
        }
        Err(_) => (None, exchange),
    }
}

async fn refresh(
    context: &Context,
    spec: &RefreshSpec,
    name: Option<&str>,
    expect: Option<&Expect>,
    controlled: bool,
    trace: &mut Trace,
) -> Result<bool, Unready> {
    let token = if spec.member {
        trace
            .refresh_members
            .get(&spec.token)
            .cloned()
            .ok_or_else(|| Unready(format!("the response of `{}` held no refresh_token", spec.token)))?
    } else {
        resolve(context, &trace.tokens, &spec.token).await?.view.value
    };
    let mut form = FormBody::default();
    form.push("grant_type", "refresh_token");
    form.push("refresh_token", token);
    if let Some(scopes) = spec.scope.as_ref().and_then(|r| context.facts.scopes.get(r)) {
        form.push("scope", scopes.join(" "));
    }
    for value in spec.resource.iter().filter_map(|r| context.facts.resources.get(r)).flatten() {
        form.push("resource", value.as_str());
    }
    for value in spec.audience.iter().filter_map(|r| context.facts.audiences.get(r)).flatten() {
        form.push("audience", value.as_str());
    }
    let mut sent = finish(context, &spec.client, form, context.token_endpoint.clone())?;
    if let Some(dpop) = &spec.dpop {
        let one = crate::token::proof(&DpopKey::named(&dpop.key)?, &sent.request.url, None, dpop.wrong)?;
        sent.request.push_header("dpop", one);
    }
    let exchange = context.sender.send("refresh", sent.request).await;
    let first = trace.exchanges.len();
    let json = Context::json_of(&exchange);
    trace.exchanges.push(exchange);
    let mut tokens = trace.tokens.clone();
    context.add_referenced(expect, &mut tokens).await;
    let mut asked = Vec::new();
    let issued =
        look(context, json.as_ref().and_then(Context::issued_token), Wants::of(expect), &mut asked).await;
    let view = issued.view.clone();
    trace.issued = view.is_some();
    let facts = StepFacts {
        kind: StepKind::Refresh,
        exchanges: vec![&trace.exchanges[first]],
        first_exchange: first,
        form: &sent.form,
        client_id: sent.client_id,
        issued: vec![issued],
        tokens: &tokens,
        thumbprints: thumbprints(expect),
        fetched: None,
        now: now(),
        controlled,
    };
    let granted = facts.outcome(0) == Outcome::Accepted;
    let findings = judge(&context.facts, &facts, expect);
    let input = context.input(&facts, None);
    trace.findings.extend(findings);
    trace.inputs.extend(input);
    trace.exchanges.extend(asked);
    if let Some(name) = name {
        if let Some(view) = view.filter(|_| granted) {
            trace.tokens.insert(name.to_owned(), context.with_claims("", view).await);
        }
        if let Some(member) =
            json.and_then(|j| j.get("refresh_token").and_then(Value::as_str).map(Secret::new))
        {
            trace.refresh_members.insert(name.to_owned(), member);
        }
    }
    Ok(granted)
}
