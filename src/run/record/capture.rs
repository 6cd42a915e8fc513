//! Keeping what the judge saw of a scenario.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    IssuedRecord, Kind, ParamRecord, Part, ResponseRecord, Seen, Signature, StepRecord, Stopped, TokenRecord,
    Trouble, ViewRecord,
    parts::{StandIns, Table, Veil, veiled},
    replay,
};
use crate::{
    judge::{Cause, Finding, Issued, RunFacts, StepFacts, StepKind},
    scenario::{Expect, Scenario},
    token::{TokenView, verify},
    wire::{Exchange, FormBody, ParamForm, Redactor, TransportKind, is_sensitive},
};

/// Expectations before and after their placeholders were filled.
pub(in crate::run) struct Filled<'a> {
    pub(in crate::run) raw: &'a Expect,
    pub(in crate::run) filled: &'a Expect,
}

/// What the judge was given for one step, the responses apart.
pub(in crate::run) struct StepInput {
    pub(in crate::run) step: usize,
    /// The findings that came of it, by their place in the scenario's list.
    pub(in crate::run) findings: std::ops::Range<usize>,
    kind: StepKind,
    first: usize,
    count: usize,
    form: FormBody,
    client_id: String,
    issued: Vec<Issued>,
    tokens: BTreeMap<String, TokenView>,
    thumbprints: BTreeMap<String, String>,
    fetched: Option<bool>,
    now: i64,
    controlled: bool,
    fills: Option<BTreeMap<String, String>>,
}

impl StepInput {
    pub(in crate::run) fn of(facts: &StepFacts<'_>, filled: Option<Filled<'_>>) -> Self {
        let fills = filled.map(|f| {
            let (raw, filled) = (f.raw.placeholder_texts(), f.filled.placeholder_texts());
            raw.into_iter()
                .zip(filled)
                .filter(|(raw, _)| raw.contains("{{"))
                .map(|(raw, filled)| (raw.to_owned(), filled.to_owned()))
                .collect()
        });
        Self {
            step: 0,
            findings: 0..0,
            kind: facts.kind,
            first: facts.first_exchange,
            count: facts.exchanges.len(),
            form: facts.form.clone(),
            client_id: facts.client_id.clone(),
            issued: facts.issued.clone(),
            tokens: facts.tokens.clone(),
            thumbprints: facts.thumbprints.clone(),
            fetched: facts.fetched,
            now: facts.now,
            controlled: facts.controlled,
            fills,
        }
    }
}

/// A scenario that was judged.
pub(in crate::run) struct Judged<'a> {
    pub(in crate::run) inputs: &'a [StepInput],
    pub(in crate::run) exchanges: &'a [Exchange],
    /// As the report shows them.
    pub(in crate::run) findings: &'a [Finding],
}

/// Records a run. Clones share the table of tokens.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Table>>);

impl Recorder {
    /// What stands in for each token so far.
    pub fn tokens(&self) -> Vec<TokenRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).records.clone()
    }

    /// What the judge saw of a scenario. Each step is judged again at once from what was kept of it; where that comes to
    /// something else, the requirement is marked as lost.
    pub(in crate::run) fn seen(
        &self,
        run: &RunFacts,
        scenario: &Scenario,
        judged: &Judged<'_>,
        redactor: &Redactor,
        stopped: Option<(Cause, String)>,
    ) -> Seen {
        let Judged { inputs, exchanges, findings } = judged;
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut steps: Vec<StepRecord> = inputs
            .iter()
            .map(|input| step(run, input, exchanges, &mut Veil::new(&mut table, redactor)))
            .collect();
        let stand_ins = StandIns::of(&table.records);
        drop(table);
        let mut offline = run.clone();
        offline.jwks = run.jwks.as_ref().map(|_| serde_json::Value::Null);
        for (record, input) in steps.iter_mut().zip(inputs.iter()) {
            let again = replay::step(&offline, scenario, record, &stand_ins);
            let then = findings.get(input.findings.clone()).unwrap_or_default();
            record.lost = differing(then, &again);
        }
        let stopped = stopped.map(|(cause, why)| Stopped { cause, why });
        Seen { steps, stopped }
    }
}

fn differing(a: &[Finding], b: &[Finding]) -> BTreeSet<String> {
    if a == b {
        return BTreeSet::new();
    }
    let ids: BTreeSet<&str> = a.iter().chain(b).map(|f| f.requirement.as_str()).collect();
    let of = |list: &[Finding], id: &str| -> Vec<Finding> {
        list.iter().filter(|f| f.requirement == id).cloned().collect()
    };
    ids.into_iter().filter(|id| of(a, id) != of(b, id)).map(str::to_owned).collect()
}

fn step(run: &RunFacts, input: &StepInput, exchanges: &[Exchange], veil: &mut Veil<'_>) -> StepRecord {
    let views = input.tokens.values().chain(input.issued.iter().filter_map(|i| i.view.as_ref()));
    for view in views {
        veil.know(view.value.expose());
    }
    for param in input.form.0.iter().filter(|p| is_sensitive(&p.name)) {
        veil.know(param.value.expose());
    }
    let responses = exchanges.iter().skip(input.first).take(input.count);
    StepRecord {
        step: input.step,
        kind: kind(input.kind),
        responses: responses.map(|e| response(e, veil)).collect(),
        first_exchange: input.first,
        form: input
            .form
            .0
            .iter()
            .map(|p| ParamRecord {
                name: p.name.clone(),
                bare: p.form == ParamForm::Bare,
                value: if is_sensitive(&p.name) {
                    veil.token(p.value.expose())
                } else {
                    veil.text(p.value.expose())
                },
            })
            .collect(),
        client_id: input.client_id.clone(),
        issued: input
            .issued
            .iter()
            .map(|issued| IssuedRecord {
                view: issued.view.as_ref().map(|v| view(v, run, true, veil)),
                introspection: issued.introspection.as_ref().map(|outcome| match outcome {
                    Ok(value) => Ok(veiled(value, veil.redactor)),
                    Err(why) => Err(veil.redactor.text(why)),
                }),
            })
            .collect(),
        tokens: input.tokens.iter().map(|(name, v)| (name.clone(), view(v, run, false, veil))).collect(),
        thumbprints: input.thumbprints.clone(),
        fetched: input.fetched,
        now: input.now,
        controlled: input.controlled,
        fills: input
            .fills
            .as_ref()
            .map(|fills| fills.iter().map(|(raw, filled)| (raw.clone(), veil.text(filled))).collect()),
        lost: BTreeSet::new(),
    }
}

fn view(view: &TokenView, run: &RunFacts, issued: bool, veil: &mut Veil<'_>) -> ViewRecord {
    let token = view.value.expose();
    ViewRecord {
        token: (!token.is_empty()).then(|| veil.table.place(token, veil.redactor)),
        // A server may put anything where the type belongs.
        token_type: veil.redactor.text(&view.token_type),
        // The claims of a JWT stand in the table.
        claims: match &view.jwt {
            Some(_) if !view.introspected => None,
            _ => view.claims.as_ref().map(|c| veiled(c, veil.redactor)),
        },
        introspected: view.introspected,
        expires_at: view.expires_at,
        signature: match (&run.jwks, &view.jwt) {
            (Some(jwks), Some(_)) if issued => Some(Signature::from(verify(token, jwks))),
            _ => None,
        },
    }
}

fn response(exchange: &Exchange, veil: &mut Veil<'_>) -> ResponseRecord {
    match &exchange.outcome {
        Ok(response) => ResponseRecord::Arrived {
            status: response.status,
            headers: response
                .headers
                .iter()
                .map(|h| {
                    let hidden = ["set-cookie", "cookie", "authorization"];
                    let value = if hidden.iter().any(|n| h.name.eq_ignore_ascii_case(n)) {
                        vec![Part::Text("[hidden]".to_owned())]
                    } else {
                        veil.bytes(&h.value)
                    };
                    (veil.redactor.text(&h.name), value)
                })
                .collect(),
            body: veil.bytes(&response.body),
            truncated: response.truncated,
        },
        Err(error) => ResponseRecord::Failed {
            kind: match error.kind {
                TransportKind::Connect => Trouble::Connect,
                TransportKind::Timeout => Trouble::Timeout,
                TransportKind::Broken => Trouble::Broken,
                TransportKind::Budget => Trouble::Budget,
                TransportKind::Interrupted => Trouble::Interrupted,
            },
            message: veil.redactor.text(&error.message),
        },
    }
}

fn kind(kind: StepKind) -> Kind {
    match kind {
        StepKind::Exchange => Kind::Exchange,
        StepKind::Refresh => Kind::Refresh,
        StepKind::Introspect => Kind::Introspect,
        StepKind::Revoke => Kind::Revoke,
        StepKind::Metadata => Kind::Metadata,
        StepKind::Userinfo => Kind::Userinfo,
        StepKind::Obtain => Kind::Obtain,
    }
}
