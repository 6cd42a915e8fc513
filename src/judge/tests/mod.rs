//! Each line of the judge against a response that violates it, and against one that does not: what the tests share.

mod declared;
mod oracles;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use serde_json::{Value, json};

use super::*;
use crate::{
    spec::{Capability, Catalogue, Level},
    target::Policy,
    token::{SigningKey, TokenView, now},
    wire::{Exchange, FormBody, Header, Request, Response, Timing, TransportError, TransportKind},
};

/// Reading it takes longer than judging.
fn catalogue() -> Arc<Catalogue> {
    static CATALOGUE: OnceLock<Arc<Catalogue>> = OnceLock::new();
    Arc::clone(CATALOGUE.get_or_init(|| Arc::new(Catalogue::embedded().unwrap())))
}

fn run_facts() -> RunFacts {
    let map =
        |role: &str, values: &[&str]| (role.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
    RunFacts {
        catalogue: catalogue(),
        capabilities: BTreeSet::from([Capability::Delegation]),
        policy: Policy::default(),
        reading: "strict".into(),
        issuer: Some("https://as.example".into()),
        token_endpoint: "https://as.example/token".into(),
        jwks: None,
        clients: BTreeMap::from([("exchanger".into(), "app".into())]),
        audiences: BTreeMap::from([
            map("allowed", &["https://api.example"]),
            map("unknown", &["https://no.invalid"]),
        ]),
        resources: BTreeMap::new(),
        audience_mapping: BTreeMap::new(),
        scopes: BTreeMap::from([map("narrow", &["read"]), map("extra", &["admin"])]),
    }
}

/// A response, changed from the right one.
struct Case {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn good_members() -> Value {
    json!({
        "access_token": "token-1",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 60,
    })
}

fn good() -> Case {
    Case {
        status: 200,
        headers: vec![
            ("content-type", "application/json;charset=UTF-8".into()),
            ("cache-control", "no-cache, No-Store".into()),
            ("pragma", "no-cache".into()),
        ],
        body: good_members().to_string().into_bytes(),
    }
}

fn refusal(code: &str) -> Case {
    Case {
        status: 400,
        headers: vec![("content-type", "application/json".into()), ("cache-control", "no-store".into())],
        body: json!({ "error": code }).to_string().into_bytes(),
    }
}

impl Case {
    fn with(mut self, member: &str, value: Value) -> Self {
        let mut members: Value = serde_json::from_slice(&self.body).unwrap();
        members[member] = value;
        self.body = members.to_string().into_bytes();
        self
    }

    fn without(mut self, member: &str) -> Self {
        let mut members: Value = serde_json::from_slice(&self.body).unwrap();
        members.as_object_mut().unwrap().remove(member);
        self.body = members.to_string().into_bytes();
        self
    }

    fn header(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.extend(value.map(|v| (name, v.to_owned())));
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    fn exchange(&self) -> Exchange {
        let headers =
            self.headers.iter().map(|(n, v)| Header { name: (*n).into(), value: v.clone().into_bytes() });
        let response = Response {
            status: self.status,
            headers: headers.collect(),
            body: self.body.clone(),
            truncated: false,
        };
        exchange(Ok(response))
    }
}

fn exchange(outcome: Result<Response, TransportError>) -> Exchange {
    let request = Request::post("https://as.example/token".parse().unwrap());
    Exchange { purpose: "exchange".into(), request, outcome, timing: Timing::default(), attempts: 1 }
}

/// The context of one judged exchange.
struct Bench {
    run: RunFacts,
    form: FormBody,
    tokens: BTreeMap<String, TokenView>,
    controlled: bool,
}

impl Bench {
    fn new() -> Self {
        let mut tokens = BTreeMap::new();
        tokens.insert(
            "subject".to_owned(),
            token(json!({ "sub": "alice", "scope": "read write", "exp": now() + 600 })),
        );
        tokens.insert("actor".to_owned(), token(json!({ "sub": "svc", "exp": now() + 600 })));
        Self { run: run_facts(), form: FormBody::default(), tokens, controlled: true }
    }

    fn judge(&self, exchange: &Exchange, expect: Option<&Expect>) -> Vec<Finding> {
        let body = exchange.response().map(|r| r.body.clone()).unwrap_or_default();
        let members: Value = serde_json::from_slice(&body).unwrap_or_default();
        let view = members
            .get("access_token")
            .and_then(Value::as_str)
            .map(|t| TokenView::new(t.into(), "access_token", None));
        let step = StepFacts {
            kind: StepKind::Exchange,
            exchanges: vec![exchange],
            first_exchange: 0,
            form: &self.form,
            client_id: "app".into(),
            issued: vec![Issued { view, introspection: None }],
            tokens: &self.tokens,
            thumbprints: BTreeMap::from([("client".to_owned(), "thumb".to_owned())]),
            fetched: None,
            now: now(),
            controlled: self.controlled,
        };
        judge(&self.run, &step, expect)
    }
}

fn token(claims: Value) -> TokenView {
    let jwt = SigningKey::stranger("ES256").unwrap().sign(&json!({}), &claims).unwrap();
    TokenView::new(jwt.into(), "access_token", None)
}

fn jwt(claims: Value) -> Value {
    json!(token(claims).value.expose())
}

fn failing(findings: &[Finding]) -> Vec<(String, Level, FailClass)> {
    let failed = findings.iter().filter(|f| f.verdict == Verdict::Fail && f.level > Level::Observe);
    failed.map(|f| (f.requirement.clone(), f.level, f.class.unwrap())).collect()
}

fn expect(yaml: &str) -> Expect {
    serde_yaml::from_str(yaml).unwrap()
}
