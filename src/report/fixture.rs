//! Results made by hand: one that looks like a real run, and ones in which every text is hostile.

use std::{collections::BTreeSet, path::PathBuf, sync::LazyLock};

use super::{Identity, Report, TargetIdentity};
use crate::{
    judge::{Cause, FailClass, Finding, Verdict},
    run::{Observation, Options, RunResult, ScenarioResult, WaiverResult, WaiverState},
    scenario::{ProfileName, Suite},
    spec::{Catalogue, Level},
    wire::{Decoded, RedactedExchange, RedactedRequest, RedactedResponse, ShownToken},
};

/// A fresh folder for a test.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("txspec-report-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The catalogue, read once for all tests.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
    &CATALOGUE
}

/// Who ran what.
pub fn identity() -> Identity {
    Identity {
        target: TargetIdentity {
            name: "Example AS".into(),
            issuer: Some("https://as.example.com".into()),
            version: Some("4.2".into()),
            documented: None,
        },
        profile: ProfileName::Core,
        reading: "strict".into(),
        policy: [("may_act_enforced".to_owned(), "true".to_owned())].into(),
        started: "2026-11-21T08:30:00.1234567Z".parse().unwrap(),
        duration_ms: 4321,
        fail_on: Level::Must,
        allow_inconclusive: BTreeSet::new(),
    }
}

/// A run with one of everything.
pub fn sample() -> Report {
    let mut report = Report::new(identity(), &sample_run());
    // Snapshots must outlive a release.
    report.tool.version = "0.0.0".into();
    report
}

pub fn sample_run() -> RunResult {
    let scenarios = vec![
        scenario("delegation", "A valid actor token yields a token that names the actor", "actor token pairing")
            .judged([
                Finding::pass("TX-4.1-act-identifies-actor", Level::Must, "act.sub is the actor's", "service"),
                Finding::pass("TX-1.1-composite-discretion", Level::Observe, "", "act present").observation("act in delegated tokens"),
                Finding::pass("OA-5.1-cache-control", Level::Must, "Cache-Control: no-store", "no-store"),
            ])
            .exchanged(200, r#"{"access_token":"[access_token, 812 characters]","token_type":"Bearer"}"#)
            .issued(r#"{"act":{"sub":"service","act":{"sub":"gateway"}},"exp":1795249800,"sub":"alice"}"#),
        scenario("actor-token-without-type", "actor_token without actor_token_type is refused", "actor token pairing")
            .edited("delegation", "without actor_token_type")
            .judged([
                Finding::pass("TX-2.1-actor_token_type-required-with-actor", Level::Must, "a refusal", "200")
                    .failed(FailClass::Accepted)
                    .at(0),
                Finding::pass("OA-5.1-pragma", Level::May, "Pragma: no-cache", "absent")
                    .failed(FailClass::WrongForm)
                    .contested("A2", None)
                    .at(0),
            ])
            .exchanged(200, r#"{"access_token":"[access_token, 812 characters]","token_type":"Bearer"}"#),
        scenario("subject-token-expired", "An expired subject token is refused", "subject token")
            .edited("impersonation", "subject token is the `expired` token")
            .judged([
                Finding::pass("TX-2.2.2-error-code-invalid_request", Level::Must, "error invalid_request", "error invalid_grant")
                    .failed(FailClass::WrongForm)
                    .because("section 2.2.2 names invalid_request for a token that is invalid for any reason; the request was refused, so nothing was given away")
                    .contested("A1", Some("strict"))
                    .at(0),
            ])
            .exchanged(400, r#"{"error":"invalid_grant","error_description":"Token is expired"}"#),
        scenario("scope-unknown", "An unknown scope is refused", "scope")
            .edited("impersonation", "scope is `unknown`")
            .judged([Finding::pass("TX-2.2.2-error_description-may", Level::Should, "only printable ASCII", "a \"quoted\" word and an é")
                .failed(FailClass::Malformed)
                .at(0)])
            .exchanged(400, r#"{"error":"invalid_scope","error_description":"a \"quoted\" word and an é"}"#),
        scenario("audience-unknown", "An unknown audience is refused", "targets")
            .edited("audience", "audience is `https://unknown.example`")
            .judged([waived(Finding::pass("TX-2.2.2-invalid_target", Level::Must, "error invalid_target", "400 invalid_request")
                .failed(FailClass::WrongForm))])
            .exchanged(400, r#"{"error":"invalid_request"}"#),
        scenario("resource-fragment", "A resource with a fragment is refused", "targets")
            .edited("resource", "resource is `https://api.example.com/#x`")
            .judged([Finding::pass("TX-2.1-resource-no-fragment", Level::Must, "a refusal", "")
                .undecided(Cause::ControlFailed, "its control `resource` did not succeed: status 400, error invalid_target")]),
        scenario("introspect-issued", "The issued token is active", "response")
            .judged([Finding::pass("IN-2.2-active", Level::Must, "active is true", "")
                .undecided(Cause::Unobservable, "the token is opaque and there is no observer")])
            .exchanged(200, r#"{"access_token":"[access_token, 32 characters]"}"#),
        not_applicable("id-token-subject", "the capability `id_token_subject` is not declared"),
        not_applicable("saml-subject", "the capability `saml_subject` is not declared"),
        not_applicable("id-token-forged", "the capability `id_token_subject` is not declared"),
        broken("own-scenario", "the step `hop` refers to a token that no step captured"),
    ];
    run(scenarios)
}

/// One violated scenario in which every text is the given one.
pub fn hostile(text: &str) -> Report {
    Report::new(hostile_identity(text), &hostile_run(text))
}

/// Three hundred hostile scenarios, each with twenty findings.
pub fn large(text: &str) -> Report {
    let one = hostile_run(text);
    let mut scenarios = Vec::new();
    for i in 0..300 {
        let mut scenario = one.scenarios[i % one.scenarios.len()].clone();
        scenario.id = format!("scenario-{i}");
        scenario.reason = scenario.reason.map(|r| format!("{i}{r}"));
        let findings = std::mem::take(&mut scenario.findings);
        for j in 0..20 {
            scenario.findings.extend(findings.iter().take(1).cloned().map(|mut f| {
                f.observed = format!("{i} {j} {}", f.observed);
                f
            }));
        }
        scenarios.push(scenario);
    }
    Report::new(hostile_identity(text), &run(scenarios))
}

fn hostile_identity(text: &str) -> Identity {
    let mut identity = identity();
    identity.target = TargetIdentity {
        name: text.into(),
        issuer: Some(text.into()),
        version: Some(text.into()),
        documented: Some(text.into()),
    };
    identity.reading = text.into();
    identity
}

pub fn hostile_run(text: &str) -> RunResult {
    let finding = |level| {
        let mut finding =
            Finding::pass("TX-2.1-subject_token-required", level, text, text).because(text).at(0);
        finding.reading = Some(text.into());
        finding.ambiguity = vec![text.into()];
        finding
    };
    let with = |id: &str, findings: Vec<Finding>| {
        let mut s = scenario(id, text, text).edited(text, text).judged(findings).exchanged(400, text);
        s.section = text.into();
        s.reason = Some(text.into());
        for e in &mut s.exchanges {
            e.purpose = text.into();
            e.request.method = text.into();
            e.request.url = text.into();
            e.request.body = text.into();
            e.request.headers = vec![(text.into(), text.into())];
            e.curl = text.into();
            let claims = serde_json::json!({ text: text, "sub": text, "act": { "sub": text, "act": text } });
            for place in [text, "access_token"] {
                e.tokens.push(ShownToken {
                    place: place.into(),
                    issued: true,
                    decoded: Decoded::Jwt { header: text.into(), claims: claims.to_string() },
                });
            }
            e.tokens.push(ShownToken {
                place: text.into(),
                issued: false,
                decoded: Decoded::Opaque(text.into()),
            });
        }
        s
    };
    let mut unknown = finding(Level::Must).failed(FailClass::Malformed);
    unknown.requirement = text.into();
    let mut open = with("open", vec![finding(Level::Must).undecided(Cause::Transport, text)]);
    open.exchanges[0].response = None;
    open.exchanges[0].transport_error = Some(text.into());
    let mut broken = with("broken", Vec::new());
    broken.verdict = Verdict::Error;
    let mut lacks = with("lacks", Vec::new());
    lacks.verdict = Verdict::NotApplicable;
    let mut excused = finding(Level::Must).failed(FailClass::Accepted);
    excused.waiver = Some(text.into());
    let mut result = run(vec![
        with("failed", vec![finding(Level::Must).failed(FailClass::Accepted), unknown]),
        with("warned", vec![finding(Level::Should).failed(FailClass::WrongForm), excused]),
        open,
        broken,
        lacks,
    ]);
    result.observations = vec![Observation { fact: text.into(), value: text.into(), scenario: text.into() }];
    for requirement in &mut result.requirements {
        if requirement.verdict != Verdict::Fail {
            requirement.section = text.into();
            requirement.spec = text.into();
        }
    }
    result
}

/// Draws the conclusion as a real run does, over the requirements that matter here.
pub fn run(scenarios: Vec<ScenarioResult>) -> RunResult {
    // Making a suite compiles the schema, too slow for each case of a property.
    static NONE: LazyLock<Suite> = LazyLock::new(|| Suite::from_paths(&[], catalogue()).unwrap());
    let mut run = RunResult::new(scenarios, &NONE, catalogue(), &Options::default(), 42, false);
    // The whole catalogue would make every snapshot change with every new row.
    run.requirements.retain(|r| !r.scenarios.is_empty() || r.section == "2.1.1");
    let accepted = run.scenarios.iter().flat_map(|s| &s.findings).find(|f| f.waiver.is_some());
    run.waivers = accepted.map(in_force).into_iter().collect();
    run
}

fn in_force(finding: &Finding) -> WaiverResult {
    WaiverResult {
        check: finding.requirement.clone(),
        scenarios: Vec::new(),
        observed: "400 invalid_request".into(),
        reason: "kept for old clients".into(),
        issue: "https://issues.example/42".into(),
        owner: "as-team".into(),
        expires: "2027-06-30".parse().unwrap(),
        state: WaiverState::InForce,
        note: String::new(),
    }
}

pub fn scenario(id: &str, title: &str, topic: &str) -> ScenarioResult {
    ScenarioResult {
        id: id.into(),
        title: title.into(),
        topic: topic.into(),
        section: "RFC 8693 section 2.1".into(),
        profile: ProfileName::Core,
        verdict: Verdict::Pass,
        level: None,
        cause: None,
        reason: None,
        excluded: false,
        control: None,
        difference: None,
        digest: None,
        duration_ms: 12,
        granted: false,
        seen: None,
        withdrawn: Vec::new(),
        findings: Vec::new(),
        exchanges: Vec::new(),
    }
}

fn not_applicable(id: &str, reason: &str) -> ScenarioResult {
    let mut result = scenario(id, "Not for this server", "subject token");
    result.verdict = Verdict::NotApplicable;
    result.reason = Some(reason.into());
    result
}

fn broken(id: &str, reason: &str) -> ScenarioResult {
    let mut result = scenario(id, "A scenario of the user's own", "own");
    result.verdict = Verdict::Error;
    result.reason = Some(reason.into());
    result
}

fn waived(mut finding: Finding) -> Finding {
    finding.waiver = Some("kept for old clients until 2027-06-30 (as-team)".into());
    finding
}

/// Building results in one expression.
pub trait Build {
    fn judged(self, findings: impl IntoIterator<Item = Finding>) -> Self;
    fn edited(self, control: &str, difference: &str) -> Self;
    fn exchanged(self, status: u16, body: &str) -> Self;
    /// Other claims for the issued tokens.
    fn issued(self, claims: &str) -> Self;
}

impl Build for ScenarioResult {
    fn judged(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.findings = findings.into_iter().collect();
        self.conclude();
        self
    }

    fn edited(mut self, control: &str, difference: &str) -> Self {
        self.control = Some(control.into());
        self.difference = Some(difference.into());
        self
    }

    fn exchanged(mut self, status: u16, body: &str) -> Self {
        self.exchanges.push(exchange(status, body));
        self
    }

    fn issued(mut self, text: &str) -> Self {
        for token in self.exchanges.iter_mut().flat_map(|e| &mut e.tokens).filter(|t| t.issued) {
            token.decoded = Decoded::Jwt { header: r#"{"alg":"ES256"}"#.into(), claims: text.into() };
        }
        self
    }
}

trait BuildFinding {
    fn at(self, exchange: usize) -> Self;
    fn contested(self, ambiguity: &str, reading: Option<&str>) -> Self;
    fn observation(self, fact: &str) -> Self;
}

impl BuildFinding for Finding {
    fn at(mut self, exchange: usize) -> Self {
        self.exchange = Some(exchange);
        self
    }

    fn contested(mut self, ambiguity: &str, reading: Option<&str>) -> Self {
        self.ambiguity = vec![ambiguity.into()];
        self.reading = reading.map(str::to_owned);
        self
    }

    fn observation(mut self, fact: &str) -> Self {
        self.fact = Some(fact.into());
        self
    }
}

/// The tokens of such an exchange: the issued one names no actor.
fn tokens(body: &str) -> Vec<ShownToken> {
    let token = |place: &str, issued: bool, claims: &str| ShownToken {
        place: place.into(),
        issued,
        decoded: Decoded::Jwt { header: r#"{"alg":"ES256","kid":"as-1"}"#.into(), claims: claims.into() },
    };
    let mut out = vec![
        token("subject_token", false, r#"{"act":{"sub":"gateway"},"exp":1795249800,"sub":"alice"}"#),
        ShownToken {
            place: "actor_token".into(),
            issued: false,
            decoded: Decoded::Opaque("opaque: no JWT, 40 characters".into()),
        },
    ];
    if body.contains("812 characters") {
        out.push(token("access_token", true, r#"{"aud":"api","exp":1795249800,"sub":"alice"}"#));
    }
    out
}

fn exchange(status: u16, body: &str) -> RedactedExchange {
    RedactedExchange {
        purpose: "exchange".into(),
        request: RedactedRequest {
            method: "POST".into(),
            url: "https://as.example.com/token".into(),
            headers: vec![
                ("content-type".into(), "application/x-www-form-urlencoded".into()),
                ("authorization".into(), "Basic [credentials]".into()),
            ],
            body: "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=[subject_token, 812 characters]".into(),
        },
        response: Some(RedactedResponse {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.into(),
            truncated: false,
        }),
        transport_error: None,
        attempts: 1,
        started: "2026-11-21T08:30:01.25Z".parse().ok(),
        wait_ms: 9,
        duration_ms: 11,
        tokens: tokens(body),
        curl: "curl -sS -i -X POST \"https://as.example.com/token\" -H \"content-type: application/x-www-form-urlencoded\" -u \"$CLIENT_ID:$CLIENT_SECRET\" --data-raw \"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=$SUBJECT_TOKEN\"".into(),
    }
}
