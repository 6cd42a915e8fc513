//! Golden vectors: recorded requests and answers (`fixtures/golden/*.yaml`), judged in process by the scenarios of the
//! suite. The examples of RFC 8693 must not fail, and each entry of the ambiguity register must get the verdicts that
//! it asks for, under every reading. `docs/golden.md` says how the files are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use txspec::{
    judge::{FailClass, Finding, Issued, RunFacts, StepFacts, StepKind, Verdict, judge},
    scenario::{Expect, Scenario, Suite},
    spec::{Capability, Catalogue, Level},
    target::{Policy, Value1},
    token::{SigningKey, TokenView},
    wire::{Exchange, FormBody, Header, Request, Response, Timing, TransportError, TransportKind},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vectors: Vec<Vector>,
}

/// One recorded step with the findings that it must give.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    id: String,
    /// Entry of the ambiguity register.
    #[serde(default)]
    entry: Option<String>,
    /// For the RFC's own examples: where they stand.
    #[serde(default)]
    example: Option<String>,
    /// For answers that were measured: the server.
    #[serde(default)]
    server: Option<String>,
    says: String,
    /// What kind of step it is, if no scenario says so.
    #[serde(default)]
    kind: Option<Kind>,
    /// Whether a control was granted, if no scenario says so.
    #[serde(default)]
    controlled: Option<bool>,
    /// Whether the server asked the listener for anything.
    #[serde(default)]
    fetched: Option<bool>,
    /// What requested targets become in `aud`.
    #[serde(default)]
    mapping: BTreeMap<String, Value1>,
    /// The algorithm of the published key that signs issued tokens; `none` for an empty key set.
    #[serde(default)]
    published: Option<String>,
    /// The target file names no issuer.
    #[serde(default)]
    no_issuer: bool,
    /// The scenario whose last step is judged; without one, the generic oracles alone.
    #[serde(default)]
    scenario: Option<String>,
    /// An expectation of the vector's own, where no scenario fits.
    #[serde(default)]
    expect: Option<Expect>,
    /// What the target declares besides what the scenario requires.
    #[serde(default)]
    declares: Vec<Capability>,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    now: Option<i64>,
    /// Parameters; a list for repeated ones.
    #[serde(default)]
    request: Map<String, Value>,
    /// Claims of the tokens by name (text: the token itself).
    #[serde(default)]
    tokens: BTreeMap<String, Value>,
    #[serde(default)]
    answer: Option<Answer>,
    #[serde(default)]
    answers: Vec<Answer>,
    #[serde(default)]
    verdict: Wanted,
    /// Verdicts that differ under a reading.
    #[serde(default)]
    under: BTreeMap<String, Wanted>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Lost {
    Timeout,
    Connect,
    Broken,
    Budget,
    Interrupted,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Exchange,
    Refresh,
    Introspect,
    Revoke,
    Metadata,
    Userinfo,
}

/// A recorded answer; what is not said is as it should be.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default)]
    status: Option<u16>,
    /// Header fields that replace the right ones; null removes one.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    /// The error code of a refusal.
    #[serde(default)]
    error: Option<String>,
    /// Members that replace the right ones.
    #[serde(default)]
    members: Map<String, Value>,
    /// Members that are left out.
    #[serde(default)]
    without: Vec<String>,
    /// The whole body, as JSON.
    #[serde(default)]
    body: Option<Value>,
    /// The whole body, as text.
    #[serde(default)]
    text: Option<String>,
    /// Claims of the issued token, if it is a JWT, with its header.
    #[serde(default)]
    token: Option<Value>,
    #[serde(default)]
    jose: Option<Value>,
    /// What introspection says of it.
    #[serde(default)]
    introspection: Option<Value>,
    /// Why introspection failed.
    #[serde(default)]
    introspection_failed: Option<String>,
    /// Nothing came back, for this reason.
    #[serde(default)]
    lost: Option<Lost>,
    /// There was more than is read.
    #[serde(default)]
    truncated: bool,
    /// The characters of the body are bytes.
    #[serde(default)]
    latin1: bool,
}

/// The findings above `observe`: `fails` and `open` are complete, `meets` and `facts` need not be.
#[derive(Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `REQUIREMENT level class`
    #[serde(default)]
    fails: BTreeSet<String>,
    /// `REQUIREMENT cause`
    #[serde(default)]
    open: BTreeSet<String>,
    #[serde(default)]
    meets: BTreeSet<String>,
    /// Reported, not scored.
    #[serde(default)]
    facts: BTreeSet<String>,
    /// The reading and the entries of the register that the failing findings name.
    #[serde(default)]
    names: BTreeSet<String>,
}

const NOW: i64 = 1_800_000_000;

fn vectors() -> Vec<Vector> {
    read("fixtures/golden")
}

fn read(folder: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    let read = |path: &std::path::PathBuf| -> File {
        let text = fs::read_to_string(path).unwrap();
        serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    paths.iter().flat_map(|path| read(path).vectors).collect()
}

struct Bench {
    catalogue: Arc<Catalogue>,
    suite: OnceLock<Suite>,
}

/// Loading the suite takes longer than all the rest.
fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(Bench::new)
}

impl Bench {
    fn new() -> Self {
        Self { catalogue: Arc::new(Catalogue::embedded().unwrap()), suite: OnceLock::new() }
    }

    fn scenario(&self, vector: &Vector) -> Option<&Scenario> {
        let id = vector.scenario.as_deref()?;
        let suite = self.suite.get_or_init(|| Suite::embedded(&self.catalogue).unwrap());
        Some(suite.get(id).unwrap_or_else(|| panic!("{}: no scenario {id}", vector.id)))
    }

    fn run_facts(&self, vector: &Vector, reading: &str) -> RunFacts {
        let map = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
            pairs
                .iter()
                .map(|(role, values)| ((*role).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
                .collect()
        };
        let requires = self.scenario(vector).map(|s| s.requires.clone()).unwrap_or_default();
        let targets = |kind: &str| {
            map(&[
                ("allowed", &[&format!("https://{kind}-1.example.com")]),
                ("second", &[&format!("https://{kind}-2.example.com")]),
                ("forbidden", &[&format!("https://{kind}-3.example.com")]),
                ("unknown", &[&format!("https://{kind}.invalid/")]),
            ])
        };
        RunFacts {
            catalogue: Arc::clone(&self.catalogue),
            capabilities: requires.into_iter().chain(vector.declares.iter().copied()).collect(),
            policy: vector.policy.clone(),
            reading: reading.to_owned(),
            issuer: (!vector.no_issuer).then(|| "https://as.example.com".into()),
            token_endpoint: "https://as.example.com/token".into(),
            jwks: vector.published.as_deref().map(|alg| match alg {
                "none" => json!({ "keys": [] }),
                alg => json!({ "keys": [SigningKey::stranger(alg).unwrap().public_jwk().unwrap()] }),
            }),
            clients: [("exchanger", "app"), ("service", "service-a"), ("second", "second-app")]
                .map(|(role, id)| (role.to_owned(), id.to_owned()))
                .into(),
            audiences: targets("audience"),
            resources: targets("resource"),
            audience_mapping: vector.mapping.clone(),
            scopes: map(&[("subject", &["read", "write"]), ("narrow", &["read"]), ("extra", &["admin"])]),
        }
    }

    fn judge(&self, vector: &Vector, reading: &str) -> Vec<Finding> {
        let now = vector.now.unwrap_or(NOW);
        let run = self.run_facts(vector, reading);
        let scenario = self.scenario(vector);
        let step = scenario.and_then(|s| s.steps.last());
        let kind = match (step, vector.kind) {
            (_, Some(Kind::Exchange)) => StepKind::Exchange,
            (_, Some(Kind::Refresh)) => StepKind::Refresh,
            (_, Some(Kind::Introspect)) => StepKind::Introspect,
            (_, Some(Kind::Revoke)) => StepKind::Revoke,
            (_, Some(Kind::Metadata)) => StepKind::Metadata,
            (_, Some(Kind::Userinfo)) => StepKind::Userinfo,
            (Some(s), None) if s.introspect.is_some() => StepKind::Introspect,
            (Some(s), None) if s.metadata.is_some() => StepKind::Metadata,
            (Some(s), None) if s.refresh.is_some() => StepKind::Refresh,
            (_, None) => StepKind::Exchange,
        };
        if let Some(scenario) = scenario {
            for capability in &scenario.unless {
                assert!(!run.capabilities.contains(capability), "{}: does not apply", vector.id);
            }
        }
        let earlier = scenario.is_some_and(|s| s.steps.iter().filter(|s| s.exchange.is_some()).count() > 1);
        let own = step.and_then(|s| s.expect.as_ref()).or(scenario.map(|s| &s.expect));
        let expect = vector.expect.as_ref().or(own);
        let filled = format!("{expect:?}");
        assert!(!filled.contains("{{"), "{}: the expectation has placeholders", vector.id);

        let mut form = FormBody::default();
        for (name, value) in &vector.request {
            for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                form.push(name, value.as_str().unwrap());
            }
        }
        let mut claims = vector.tokens.clone();
        claims.entry("subject".into()).or_insert_with(
            || json!({ "iss": "https://as.example.com", "sub": "alice", "scope": "read write", "exp": "now+600" }),
        );
        let tokens: BTreeMap<String, TokenView> =
            claims.iter().map(|(name, claims)| (name.clone(), view(claims, now))).collect();
        let answers = match &vector.answer {
            Some(answer) => vec![answer.clone()],
            None => vector.answers.clone(),
        };
        assert!(!answers.is_empty(), "{}: no answer", vector.id);
        let exchanges: Vec<Exchange> =
            answers.iter().enumerate().map(|(i, a)| a.exchange(kind, &form, now, i)).collect();
        let issued =
            exchanges.iter().zip(&answers).map(|(exchange, answer)| issued(exchange, answer, now)).collect();
        let facts = StepFacts {
            kind,
            exchanges: exchanges.iter().collect(),
            first_exchange: usize::from(earlier),
            form: &form,
            client_id: "app".into(),
            issued,
            tokens: &tokens,
            thumbprints: BTreeMap::from([("client".to_owned(), "thumbprint".to_owned())]),
            fetched: vector.fetched,
            now,
            controlled: vector
                .controlled
                .unwrap_or_else(|| earlier || scenario.is_none_or(|s| s.control.is_some())),
        };
        judge(&run, &facts, expect)
    }
}

/// A token of the given claims; its text, where the file gives text.
fn view(claims: &Value, now: i64) -> TokenView {
    let text = match claims {
        Value::String(text) => text.replace(char::is_whitespace, ""),
        claims => sign(&json!({}), claims, now),
    };
    let mut view = TokenView::new(text.as_str().into(), "access_token", None);
    if view.jwt.is_none() && claims.is_object() {
        view.claims = Some(timed(claims, now));
    }
    view
}

fn sign(header: &Value, claims: &Value, now: i64) -> String {
    let key = SigningKey::stranger("ES256").unwrap();
    key.sign(header, &timed(claims, now)).unwrap()
}

/// Texts like `now+60` become numbers.
fn timed(value: &Value, now: i64) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("now").map(str::parse::<i64>) {
            Some(Ok(offset)) => json!(now + offset),
            _ => value.clone(),
        },
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), timed(v, now))).collect(),
        other => other.clone(),
    }
}

impl Answer {
    fn exchange(&self, kind: StepKind, form: &FormBody, now: i64, i: usize) -> Exchange {
        let mut request = Request::post("https://as.example.com/token".parse().unwrap());
        request.push_header("content-type", "application/x-www-form-urlencoded");
        request.body = form.encode().into_bytes();
        let lost = |kind| Err(TransportError { kind, message: "no answer".into() });
        let outcome = match self.lost {
            Some(Lost::Timeout) => lost(TransportKind::Timeout),
            Some(Lost::Connect) => lost(TransportKind::Connect),
            Some(Lost::Broken) => lost(TransportKind::Broken),
            Some(Lost::Budget) => lost(TransportKind::Budget),
            Some(Lost::Interrupted) => lost(TransportKind::Interrupted),
            None => Ok(self.response(kind, now, i)),
        };
        Exchange { purpose: "exchange".into(), request, outcome, timing: Timing::default(), attempts: 1 }
    }

    fn response(&self, kind: StepKind, now: i64, i: usize) -> Response {
        let status = self.status.unwrap_or(if self.error.is_some() { 400 } else { 200 });
        let mut headers: BTreeMap<String, String> =
            [("content-type", "application/json"), ("cache-control", "no-store")]
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .into();
        if (200..300).contains(&status) {
            headers.insert("pragma".into(), "no-cache".into());
        }
        for (name, value) in &self.headers {
            match value {
                Some(value) => headers.insert(name.clone(), value.clone()),
                None => headers.remove(name),
            };
        }
        let mut members = match (&self.error, kind.is_token_endpoint()) {
            (Some(code), _) => json!({ "error": code }),
            (None, false) => json!({}),
            (None, true) => {
                let header = self.jose.clone().unwrap_or_else(|| json!({}));
                let token = self.token.as_ref().map(|claims| sign(&header, claims, now));
                json!({
                    "access_token": token.unwrap_or_else(|| format!("opaque-token-{i}")),
                    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                    "token_type": "Bearer",
                    "expires_in": 60,
                })
            }
        };
        for (name, value) in &self.members {
            members[name] = timed(value, now);
        }
        for name in &self.without {
            members.as_object_mut().unwrap().remove(name);
        }
        let body = match (&self.text, &self.body) {
            (Some(text), _) => text.clone(),
            (None, Some(body)) => body.to_string(),
            (None, None) => members.to_string(),
        };
        Response {
            status,
            headers: headers.into_iter().map(|(name, value)| Header { name, value: value.into() }).collect(),
            body: if self.latin1 {
                body.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
            } else {
                body.into_bytes()
            },
            truncated: self.truncated,
        }
    }
}

fn issued(exchange: &Exchange, answer: &Answer, now: i64) -> Issued {
    let members: Value =
        exchange.response().and_then(|r| serde_json::from_slice(&r.body).ok()).unwrap_or_default();
    let token = members.get("access_token").and_then(Value::as_str).filter(|t| !t.is_empty());
    Issued {
        view: token.map(|t| TokenView::new(t.into(), "access_token", None)),
        introspection: match &answer.introspection_failed {
            Some(why) => Some(Err(why.clone())),
            None => answer.introspection.as_ref().map(|v| Ok(timed(v, now))),
        },
    }
}

fn came_to(findings: &[Finding]) -> Wanted {
    let word = |class: Option<FailClass>| class.map_or("", FailClass::word);
    let mut out = Wanted::default();
    for f in findings {
        let id = &f.requirement;
        match f.verdict {
            _ if f.fact.is_some() => {
                out.facts.insert(format!("{}: {}", f.fact.as_deref().unwrap(), f.observed))
            }
            Verdict::Fail if f.level == Level::Observe => out.facts.insert(format!("{id}: {}", f.observed)),
            Verdict::Fail => {
                out.names.extend(f.reading.clone());
                out.names.extend(f.ambiguity.iter().cloned());
                out.fails.insert(format!("{id} {} {}", f.level.word(), word(f.class)))
            }
            Verdict::Inconclusive => out.open.insert(format!("{id} {}", f.cause.unwrap().word())),
            Verdict::Pass => out.meets.insert(id.clone()),
            other => panic!("{other:?}"),
        };
    }
    out
}

/// What of the wanted is not as wanted.
fn difference(wanted: &Wanted, got: &Wanted) -> String {
    let mut out = String::new();
    let mut say = |what: &str, set: Vec<&String>| {
        for one in set {
            out.push_str(&format!("    {what}: {one}\n"));
        }
    };
    say("unexpected failure", got.fails.difference(&wanted.fails).collect());
    say("failure missing", wanted.fails.difference(&got.fails).collect());
    say("unexpectedly open", got.open.difference(&wanted.open).collect());
    say("not open", wanted.open.difference(&got.open).collect());
    say("not met", wanted.meets.difference(&got.meets).collect());
    say("not reported", wanted.facts.difference(&got.facts).collect());
    say("not named", wanted.names.difference(&got.names).collect());
    let open_and_met =
        wanted.meets.iter().filter(|id| got.fails.iter().any(|f| f.split(' ').next() == Some(id)));
    say("met, but failing too", open_and_met.collect());
    out
}

#[test]
fn golden_vectors_get_the_verdicts_that_they_ask_for_under_every_reading() {
    let bench = bench();
    let readings: Vec<String> = bench.catalogue.readings().into_iter().map(str::to_owned).collect();
    let mut wrong = String::new();
    let mut ids = BTreeSet::new();
    for vector in vectors() {
        assert!(ids.insert(vector.id.clone()), "{} stands twice", vector.id);
        assert!(
            !vector.says.is_empty() && vector.under.keys().all(|r| readings.contains(r)),
            "{}",
            vector.id
        );
        for reading in &readings {
            let wanted = vector.under.get(reading).unwrap_or(&vector.verdict);
            let got = came_to(&bench.judge(&vector, reading));
            let difference = difference(wanted, &got);
            if !difference.is_empty() {
                wrong.push_str(&format!("{} under {reading}\n{difference}", vector.id));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn golden_examples_of_the_rfc_never_fail() {
    let bench = bench();
    let mut sections = BTreeSet::new();
    for vector in vectors() {
        let Some(section) = &vector.example else { continue };
        sections.insert(section.clone());
        for reading in bench.catalogue.readings() {
            let findings = bench.judge(&vector, reading);
            // Whoever reads RFC 6749 to the letter is warned of what the examples leave out, too.
            let literal =
                |f: &&Finding| f.reading.as_deref() == Some("strict-6749") && f.level == Level::Should;
            let failed: Vec<_> =
                findings.iter().filter(|f| f.fails_at(Level::Should) && !literal(f)).collect();
            assert!(failed.is_empty(), "{} under {reading}: {failed:?}", vector.id);
        }
    }
    let wanted = ["2.2.2", "2.3", "4.1", "4.2", "4.3", "4.4", "A.1", "A.2"];
    assert_eq!(sections.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

/// Every entry has at least two answers that differ in what they come to, except where only the shape of requests counts.
#[test]
fn golden_vectors_cover_every_entry_of_the_ambiguity_register() {
    let bench = bench();
    let vectors = vectors();
    for entry in bench.catalogue.ambiguities() {
        let own: Vec<&Vector> = vectors.iter().filter(|v| v.entry.as_ref() == Some(&entry.id)).collect();
        let judged: BTreeSet<String> = own
            .iter()
            .flat_map(|v| bench.judge(v, "strict"))
            .map(|f| f.requirement)
            .filter(|id| entry.requirements.contains(id))
            .collect();
        assert!(own.len() >= 2, "{}: {} vectors", entry.id, own.len());
        assert!(!judged.is_empty(), "{}: no vector judges a requirement of the entry", entry.id);
        let outcomes: BTreeSet<_> = own
            .iter()
            .map(|v| (&v.verdict.fails, &v.verdict.open, &v.verdict.facts, &v.verdict.meets))
            .collect();
        assert!(outcomes.len() >= 2, "{}: all vectors come to the same", entry.id);
    }
    assert_eq!(bench.catalogue.ambiguities().len(), 30);
    let unknown: Vec<_> = vectors
        .iter()
        .filter(|v| [&v.entry, &v.example, &v.server].into_iter().flatten().count() != 1)
        .map(|v| &v.id)
        .collect();
    assert!(unknown.is_empty(), "an entry, an example or a server: {unknown:?}");
}

/// A finding in one line, with all that it says.
fn line(f: &Finding) -> String {
    let mut out = format!("{} {} {}", f.verdict.word(), f.requirement, f.level.word());
    out.extend(f.class.map(|c| format!(" {}", c.word())));
    out.extend(f.cause.map(|c| format!(" {}", c.word())));
    out.push_str(&format!(" | {} | {}", f.expected, f.observed));
    if !f.why.is_empty() {
        out.push_str(&format!(" | {}", f.why));
    }
    out.extend(f.reading.iter().chain(&f.ambiguity).chain(&f.fact).map(|word| format!(" [{word}]")));
    out.extend(f.exchange.map(|i| format!(" #{i}")));
    out
}

/// Every line of the judge on recorded answers that break it, and on those that do not, in the judge's own words. The
/// generic oracles' passes are shown by name.
#[test]
fn golden_recordings_get_the_findings_of_the_snapshot() {
    let bench = bench();
    let generic = txspec::judge::oracle_requirements();
    let mut out = String::new();
    for vector in read("fixtures/recordings") {
        out.push_str(&format!("\n== {}: {}\n", vector.id, vector.says));
        let findings = bench.judge(&vector, "strict");
        let (named, shown): (Vec<&Finding>, Vec<&Finding>) =
            findings.iter().partition(|f| f.is_pass() && generic.contains(&f.requirement.as_str()));
        for finding in shown {
            out.push_str(&format!("{}\n", line(finding)));
        }
        let names: BTreeSet<&str> = named.iter().map(|f| f.requirement.as_str()).collect();
        out.push_str(&format!("met: {}\n", names.into_iter().collect::<Vec<_>>().join(" ")));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("../fixtures/recordings");
    settings.bind(|| insta::assert_snapshot!("findings", out));
}
