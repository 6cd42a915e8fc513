//! Sending the steps of a scenario and gathering what the judge needs to see.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use serde_json::Value;
use url::Url;

use super::{
    Context,
    apply::{Prepared, Unready, prepare, resolve},
    authenticate::authenticate,
    record::{Filled, StepInput},
};
use crate::{
    judge::{Finding, Issued, Outcome, StepFacts, StepKind, judge, outcome_of},
    scenario::{
        ClientAuthEdit, Edit, ExchangeSpec, Expect, IntrospectSpec, MetadataKind, RefreshSpec, RevokeSpec,
        Scenario, Source, Step,
    },
    spec::Capability,
    target::{MetadataSpec, metadata_urls},
    token::{DpopKey, TokenView, now, tamper},
    wire::{Exchange, FormBody, Request, Secret, printable},
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

/// Whether an introspection response (RFC 7662 section 2.2) calls the token inactive.
fn is_inactive(exchange: &Exchange) -> bool {
    Context::json_of(exchange).is_some_and(|v| v.get("active") == Some(&Value::Bool(false)))
}

/// A response in one line, without any text of the server's but the error code.
fn describe(exchange: &Exchange) -> String {
    match &exchange.outcome {
        Err(error) => error.message.clone(),
        Ok(response) => {
            let code = Context::json_of(exchange)
                .and_then(|v| v.get("error").and_then(Value::as_str).map(str::to_owned));
            code.map_or_else(
                || format!("status {}", response.status),
                |c| format!("status {}, error {}", response.status, printable(&c, 80)),
            )
        }
    }
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

/// A request that is not an exchange.
struct Sent {
    request: Request,
    form: FormBody,
    client_id: String,
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
        thumbprints: thumbprints(),
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
        thumbprints: thumbprints(),
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
        thumbprints: thumbprints(),
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

/// What an expectation wants to see of an issued token.
#[derive(Clone, Copy)]
struct Wants {
    inside: bool,
    introspection: bool,
}

impl Wants {
    fn of(expect: Option<&Expect>) -> Self {
        let checks = || expect.into_iter().flat_map(|e| e.success.iter().flatten().chain(&e.observe));
        let refers = |text: &Option<String>| text.as_deref().is_some_and(|t| t.starts_with("introspection:"));
        let introspection = checks()
            .filter_map(|c| c.claim.as_ref())
            .any(|c| c.source == Source::Introspection || refers(&c.same_as) || refers(&c.not_same_as));
        Self { inside: checks().any(crate::scenario::Check::looks_into_token), introspection }
    }
}

/// Looks into an issued token: decodes it, and asks the introspection endpoint when that is needed.
async fn look(context: &Context, view: Option<TokenView>, wants: Wants, asked: &mut Vec<Exchange>) -> Issued {
    let Some(view) = view else {
        return Issued::default();
    };
    context.vault.remember_issued(&view.value);
    let needed = wants.introspection || (wants.inside && view.jwt.is_none());
    let introspection = if needed && context.can_introspect() {
        let (exchange, outcome) = context.introspect(&view.value).await;
        asked.push(exchange);
        Some(outcome)
    } else {
        None
    };
    Issued { view: Some(view), introspection }
}

fn thumbprints() -> BTreeMap<String, String> {
    crate::token::DPOP_NAMES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), DpopKey::named(name).ok()?.thumbprint())))
        .collect()
}

fn finish(context: &Context, client: &str, mut form: FormBody, url: Url) -> Result<Sent, Unready> {
    let mut request = Request::post(url);
    request.push_header("accept", "application/json");
    authenticate(context, client, None, &mut form, &mut request)?;
    request.push_header("content-type", "application/x-www-form-urlencoded");
    request.body = form.encode().into_bytes();
    let client_id = context.facts.clients.get(client).cloned().unwrap_or_default();
    Ok(Sent { request, form, client_id })
}

fn endpoint(address: Option<&str>, what: &str) -> Result<Url, Unready> {
    let address = address.ok_or_else(|| Unready(format!("the {what} endpoint is not known")))?;
    Url::parse(address).map_err(|e| Unready(format!("the {what} endpoint `{address}` is not a URL: {e}")))
}

async fn introspect_request(
    context: &Context,
    spec: &IntrospectSpec,
    named: &BTreeMap<String, TokenView>,
) -> Result<Sent, Unready> {
    let token = match (&spec.token, &spec.literal) {
        (Some(name), _) => resolve(context, named, name).await?.view.value,
        (None, Some(text)) => Secret::new(text.as_str()),
        (None, None) => return Err(Unready("no token to ask about".into())),
    };
    let token = match spec.tamper {
        Some(how) => Secret::new(tamper(how, token.expose(), context.facts.jwks.as_ref())?),
        None => token,
    };
    let url = endpoint(context.endpoints.introspection.as_deref(), "introspection")?;
    let mut form = FormBody::default();
    form.push("token", token);
    if let Some(hint) = &spec.hint {
        form.push("token_type_hint", hint.as_str());
    }
    if spec.anonymous {
        let mut request = Request::post(url);
        request.push_header("accept", "application/json");
        request.push_header("content-type", "application/x-www-form-urlencoded");
        request.body = form.encode().into_bytes();
        return Ok(Sent { request, form, client_id: String::new() });
    }
    finish(context, &spec.client, form, url)
}

/// The role of the client that a token names as its holder; the exchanger, if it names none that the target knows.
fn holder_by_claims(context: &Context, token: &TokenView) -> String {
    let id = token
        .claims
        .as_ref()
        .and_then(|c| c.get("client_id").or_else(|| c.get("azp")))
        .and_then(Value::as_str);
    let role = context
        .facts
        .clients
        .iter()
        .find(|(_, known)| Some(known.as_str()) == id)
        .map(|(role, _)| role.clone());
    role.unwrap_or_else(|| "exchanger".into())
}

fn revoke_request(
    context: &Context,
    spec: &RevokeSpec,
    named: &BTreeMap<String, TokenView>,
) -> Result<Sent, Unready> {
    let token =
        named.get(&spec.token).ok_or_else(|| Unready(format!("no token `{}` to revoke", spec.token)))?;
    let mut form = FormBody::default();
    form.push("token", token.value.clone());
    let client = spec
        .client
        .as_deref()
        .or(token.holder.as_deref())
        .map_or_else(|| holder_by_claims(context, token), str::to_owned);
    finish(context, &client, form, endpoint(context.endpoints.revocation.as_deref(), "revocation")?)
}

fn metadata_address(context: &Context, kind: MetadataKind) -> Result<Url, Unready> {
    if kind == MetadataKind::Jwks {
        return endpoint(context.endpoints.jwks.as_deref(), "key set");
    }
    if kind == MetadataKind::Discovered {
        return context
            .metadata
            .as_ref()
            .map(|(url, _)| url.clone())
            .ok_or_else(|| Unready("no metadata was found".into()));
    }
    let issuer = context.target.spec.issuer.as_deref().unwrap_or_default();
    let issuer = Url::parse(issuer)?;
    let wanted = if kind == MetadataKind::OauthAuthorizationServer {
        MetadataSpec::Oauth
    } else {
        MetadataSpec::Openid
    };
    metadata_urls(&issuer, wanted).into_iter().next().ok_or_else(|| Unready("no metadata address".into()))
}

impl Context {
    /// Adds the tokens of the target that an expectation compares with (`same_as: service` …).
    async fn add_referenced(&self, expect: Option<&Expect>, tokens: &mut BTreeMap<String, TokenView>) {
        let Some(expect) = expect else { return };
        for name in expect.tokens_compared() {
            if !tokens.contains_key(name)
                && self.obtainer.source(name).is_some()
                && let Ok(resolved) = resolve(self, &BTreeMap::new(), name).await
            {
                tokens.insert(name.to_owned(), resolved.view);
            }
        }
    }

    /// An address at which txspec would notice a visit, if a listener can be had.
    pub(super) async fn trap_address(&self) -> Option<String> {
        let trap = self.trap.get_or_init(|| async { super::listener::Trap::start().await.ok() }).await;
        trap.as_ref().map(super::listener::Trap::address)
    }

    /// Whether the server asked for the address, up to a second after its response; `None` if no one wants to know.
    async fn fetched(&self, address: Option<&str>, expect: Option<&Expect>) -> Option<bool> {
        let asks = |c: &crate::scenario::Check| c.fetched.is_some();
        let wanted = expect.is_some_and(|e| {
            e.success.iter().flatten().any(asks)
                || e.refusal.iter().any(|r| r.also.iter().any(asks))
                || e.observe.iter().any(asks)
        });
        let trap = self.trap.get().and_then(Option::as_ref).filter(|_| wanted)?;
        let address = address?;
        for _ in 0..10 {
            if trap.was_visited(address) {
                return Some(true);
            }
            let pause = tokio::time::sleep(std::time::Duration::from_millis(100));
            self.sender.unless_interrupted(pause).await?;
        }
        Some(trap.was_visited(address))
    }

    /// The token of the second user, if an expectation speaks of its subject.
    async fn second_user(&self, expect: Option<&Expect>) -> Option<TokenView> {
        let speaks = expect.is_some_and(|e| {
            e.success.iter().flatten().chain(&e.observe).any(|c| {
                let texts = c.claim.iter().flat_map(|c| [&c.contains, &c.excludes]);
                let texts = texts.chain(c.member.iter().flat_map(|m| [&m.contains, &m.excludes]));
                texts.flatten().any(|text| text.contains("second_user_sub"))
            })
        });
        if !speaks {
            return None;
        }
        resolve(self, &BTreeMap::new(), "second_user").await.ok().map(|resolved| resolved.view)
    }

    /// What the judge was given, if someone records it.
    fn input(&self, facts: &StepFacts<'_>, expect: Option<(&Expect, &Expect)>) -> Option<StepInput> {
        self.recorder.as_ref()?;
        Some(StepInput::of(facts, expect.map(|(raw, filled)| Filled { raw, filled })))
    }

    /// Fills the placeholders of an expectation.
    fn fill_expect(&self, expect: &Expect, client: &str, second_user: Option<&TokenView>) -> Expect {
        let mut expect = expect.clone();
        let form = FormBody::default();
        let placeholders = super::placeholder::Placeholders {
            context: self,
            form: &form,
            client_role: client,
            subject: None,
            actor: None,
            second_user,
            listener: None,
        };
        for text in expect.placeholder_texts_mut() {
            *text = placeholders.fill(text);
        }
        expect
    }

    /// Whether tokens can be introspected.
    pub(super) fn can_introspect(&self) -> bool {
        self.declares(Capability::Introspection)
            && self.endpoints.introspection.is_some()
            && self.target.spec.clients.contains_key("observer")
    }

    /// Asks the introspection endpoint as the observer.
    pub(super) async fn introspect(&self, token: &Secret) -> (Exchange, Result<Value, String>) {
        let mut form = FormBody::default();
        form.push("token", token.clone());
        let sent = endpoint(self.endpoints.introspection.as_deref(), "introspection")
            .and_then(|url| finish(self, "observer", form, url));
        let request = match sent {
            Ok(sent) => sent.request,
            Err(Unready(why)) => {
                let outcome = Err(crate::wire::TransportError {
                    kind: crate::wire::TransportKind::Broken,
                    message: why.clone(),
                });
                let request = Request::post(self.token_endpoint.clone());
                return (
                    Exchange {
                        purpose: "introspect".into(),
                        request,
                        outcome,
                        timing: crate::wire::Timing::default(),
                        attempts: 0,
                    },
                    Err(why),
                );
            }
        };
        let exchange = self.sender.send("introspect", request).await;
        let outcome = match (exchange.response().map(|r| r.status), Self::json_of(&exchange)) {
            (Some(200), Some(value)) if value.is_object() => Ok(value),
            _ => Err(describe(&exchange)),
        };
        (exchange, outcome)
    }

    /// Adds the claims of an opaque token, if they can be introspected. Asked once per source.
    pub(super) async fn with_claims(&self, role: &str, mut view: TokenView) -> TokenView {
        if view.claims.is_some() || !self.can_introspect() {
            return view;
        }
        let ask = || async {
            let (_, outcome) = self.introspect(&view.value).await;
            outcome.ok().filter(|v| v.get("active") == Some(&Value::Bool(true)))
        };
        let claims = if role.is_empty() {
            ask().await
        } else {
            let cell = {
                let mut all = self.introspected.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(all.entry(role.to_owned()).or_default())
            };
            cell.get_or_init(ask).await.clone()
        };
        if let Some(claims) = claims {
            view.expires_at = view.expires_at.or_else(|| claims.get("exp").and_then(Value::as_i64));
            view.claims = Some(claims);
            view.introspected = true;
        }
        view
    }
}
