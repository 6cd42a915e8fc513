//! `txspec run --target NAME --simulated`: what the documents of a product imply, as facts. Each row names the statement of
//! the documents, the requirement on which it bears, and the verdict that follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output},
    sync::{Arc, OnceLock},
};

use globset::{Glob, GlobMatcher};
use serde_json::Value;
use txspec::{
    reference::{Options, ReferenceServer},
    spec::Catalogue,
    vendor::{self, Vendor},
};

const NAMES: [&str; 4] = ["camall", "janssen", "logto", "pingone-aic"];

/// What a statement comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    Pass,
    /// Violated, at must level.
    Fail,
    /// Violated, at should level.
    Warn,
}
use Comes::{Fail, Pass, Warn};

/// Statement, family of scenarios, requirement, verdict.
type Row = (&'static str, &'static str, &'static str, Comes);

const CAMALL: &[Row] = &[
    (
        "the sample response has all members that are required",
        "impersonation",
        "TX-2.2.1-issued_token_type-required",
        Pass,
    ),
    (
        "the sample response has all members that are required",
        "impersonation",
        "TX-2.2.1-token_type-required",
        Pass,
    ),
    ("requested_token_type may be jwt", "requested-jwt", "TX-2.1-requested_token_type-honoured", Pass),
    ("refresh tokens are subject tokens", "refresh-token-subject", "TX-3-registered-six", Pass),
    (
        "an invalid subject token is answered with invalid_grant",
        "subject-literal-garbage",
        "TX-2.2.2-error-code-invalid_request",
        Fail,
    ),
    (
        "an invalid subject token is answered with invalid_grant",
        "subject-literal-garbage",
        "TX-2.1-validate-subject_token",
        Pass,
    ),
    (
        "an unsupported type is answered with invalid_request",
        "subject-type-unknown-urn",
        "TX-2.2.2-error-code-invalid_request",
        Pass,
    ),
    ("a bad audience is answered with invalid_target", "audience-unknown", "TX-2.2.2-invalid_target", Pass),
];

const JANSSEN: &[Row] = &[
    ("issued_token_type is always there", "impersonation", "TX-2.2.1-issued_token_type-required", Pass),
    (
        "subject_token_type must be that of an ID token, else invalid_request",
        "subject-type-unknown-urn",
        "TX-2.2.2-error-code-invalid_request",
        Pass,
    ),
    (
        "a subject token that is no JWT is answered with invalid_request",
        "subject-literal-garbage",
        "TX-2.2.2-error-code-invalid_request",
        Pass,
    ),
    (
        "actor_token_type must be that of a device secret, else invalid_request",
        "actor-garbage",
        "TX-2.2.2-error-code-invalid_request",
        Pass,
    ),
    (
        "a client without the grant is answered with invalid_grant",
        "grant-not-allowed",
        "OA-5.2-unauthorized_client",
        Fail,
    ),
    ("requested_token_type is not read", "requested-unknown", "TX-2.1-requested_token_type-unknown", Warn),
    ("refusals are marked no-store", "subject-missing", "OA-5.1-error-cache-control", Pass),
];

const LOGTO: &[Row] = &[
    (
        "the response is written without issued_token_type",
        "impersonation",
        "TX-2.2.1-issued_token_type-required",
        Fail,
    ),
    (
        "the response has access_token, expires_in, scope and token_type",
        "impersonation",
        "TX-2.2.1-token_type-required",
        Pass,
    ),
    (
        "a subject token that is not found is answered with invalid_grant",
        "subject-literal-garbage",
        "TX-2.2.2-error-code-invalid_request",
        Fail,
    ),
    (
        "an unsupported subject token type is answered with invalid_grant",
        "subject-type-unknown-urn",
        "TX-2.2.2-error-code-invalid_request",
        Fail,
    ),
    ("subject_token has to be there", "subject-missing", "TX-2.1-subject_token-required", Pass),
    (
        "the subject token is good for one use",
        "single-use-subject-again",
        "TX-2.1-validate-subject_token",
        Pass,
    ),
    (
        "an actor token without its type gives invalid_grant",
        "actor-without-type",
        "TX-2.2.2-error-code-invalid_request",
        Fail,
    ),
    (
        "actor_token_type alone is not looked at",
        "actor-type-alone",
        "TX-2.1-actor_token_type-forbidden-alone",
        Fail,
    ),
    ("with an actor token there is an act claim", "delegation", "TX-4.1-act-object", Pass),
    ("act has one level", "chain-of-two", "TX-4.1-act-chain-nesting", Warn),
    (
        "without an actor token there is no act",
        "act-kept-without-actor",
        "TX-4.1-act-preserved-without-actor",
        Warn,
    ),
    ("requested_token_type is dropped", "requested-unknown", "TX-2.1-requested_token_type-unknown", Warn),
    ("scopes that the resource lacks are left out", "scope-known-and-unknown", "OA-5.2-invalid_scope", Pass),
    (
        "an application without the grant is answered with invalid_request",
        "grant-not-allowed",
        "OA-5.2-unauthorized_client",
        Fail,
    ),
    ("the issued token is for the resource", "resource-known", "RI-2-audience-restrict", Pass),
];

const PINGONE_AIC: &[Row] = &[
    ("ID tokens are exchanged", "id-token-subject", "TX-3-registered-six", Pass),
    ("ID tokens can be had", "requested-id-token", "TX-2.1-requested_token_type-honoured", Pass),
    (
        "the subject is copied from the subject token",
        "impersonation",
        "TX-2.1-subject-is-issued-subject",
        Pass,
    ),
    ("act names the actor by sub", "delegation", "TX-4.1-act-identifies-actor", Pass),
    (
        "scopes are derived anew and may come out expanded",
        "scope-beyond-subject",
        "TX-S-scope-widening",
        Warn,
    ),
    ("may_act lets the named client exchange", "may-act-match", "TX-4.4-may_act-honoured", Pass),
    (
        "another actor than the one in may_act is turned away",
        "may-act-other-actor",
        "TX-4.4-may_act-honoured",
        Pass,
    ),
];

fn txspec() -> Command {
    Command::new(env!("CARGO_BIN_EXE_txspec"))
}

fn text(out: &[u8]) -> String {
    String::from_utf8_lossy(out).into_owned()
}

/// One run of each, offline, with no variable set: its folder, what it printed, its report.
fn run(name: &'static str) -> Arc<(tempfile::TempDir, Output, Value)> {
    type Runs = BTreeMap<&'static str, Arc<(tempfile::TempDir, Output, Value)>>;
    static RUNS: OnceLock<Runs> = OnceLock::new();
    let all = || {
        NAMES
            .into_iter()
            .map(|name| {
                let folder = tempfile::tempdir().unwrap();
                let out = txspec()
                    .args(["run", "--target", name, "--simulated", "--quiet", "--report-dir"])
                    .arg(folder.path())
                    .env_clear()
                    .output()
                    .unwrap();
                let report = fs::read(folder.path().join("report.json"))
                    .unwrap_or_else(|_| panic!("{name}: {}{}", text(&out.stdout), text(&out.stderr)));
                (name, Arc::new((folder, out, serde_json::from_slice(&report).unwrap())))
            })
            .collect()
    };
    Arc::clone(&RUNS.get_or_init(all)[name])
}

fn findings<'a>(report: &'a Value, scenario: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = report["scenarios"].as_array().unwrap();
    let found = all.iter().find(|s| s["id"] == scenario).unwrap_or_else(|| panic!("no scenario {scenario}"));
    found["findings"].as_array().unwrap().iter()
}

fn rows_hold(name: &'static str, rows: &[Row]) {
    let run = run(name);
    for (says, scenario, requirement, comes) in rows {
        let found: Vec<&Value> =
            findings(&run.2, scenario).filter(|f| f["requirement"] == *requirement).collect();
        assert!(!found.is_empty(), "{name}: {says}: {scenario} says nothing on {requirement}");
        let level = |f: &&Value| match f["level"].as_str() {
            Some("must") => Fail,
            _ => Warn,
        };
        let worst = found.iter().filter(|f| f["verdict"] == "fail");
        let worst = worst.map(level).max_by_key(|comes| *comes == Fail).unwrap_or(Pass);
        assert_eq!(worst, *comes, "{name}: {says}: {scenario}, {requirement}: {found:#?}");
    }
    // Everything that the documents imply to be wrong is in the table, and nothing is open.
    let violated: BTreeSet<&str> = run.2["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["verdict"] == "fail")
        .map(|r| r["id"].as_str().unwrap())
        .collect();
    let listed = rows.iter().filter(|row| row.3 != Pass).map(|row| row.2).collect::<BTreeSet<&str>>();
    let catalogue = Catalogue::embedded().unwrap();
    let own: BTreeSet<&str> =
        violated.into_iter().filter(|id| catalogue.get(id).is_some_and(|r| r.same_as.is_none())).collect();
    assert_eq!(own, listed, "{name}");
    let counts = &run.2["counts"];
    assert_eq!((&counts["inconclusive"], &counts["error"]), (&0.into(), &0.into()), "{name}: {counts}");
}

#[test]
fn camall_ends_with_what_its_documents_imply() {
    rows_hold("camall", CAMALL);
    assert_eq!(run("camall").1.status.code(), Some(1));
}

#[test]
fn janssen_ends_with_what_its_documents_imply() {
    rows_hold("janssen", JANSSEN);
    assert_eq!(run("janssen").1.status.code(), Some(1));
}

#[test]
fn logto_ends_with_what_its_documents_imply() {
    rows_hold("logto", LOGTO);
    assert_eq!(run("logto").1.status.code(), Some(1));
}

#[test]
fn pingone_aic_ends_with_what_its_documents_imply() {
    rows_hold("pingone-aic", PINGONE_AIC);
    let run = run("pingone-aic");
    assert_eq!(run.1.status.code(), Some(0));
    // Whatever is not documented keeps it from ever being called conformant.
    assert_eq!(run.2["conclusion"], "partial");
}

fn fixture(name: &str) -> Vendor {
    let catalogue = Catalogue::embedded().unwrap();
    vendor::embedded(name, &catalogue).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn globs(texts: &[String]) -> Vec<GlobMatcher> {
    texts.iter().map(|text| Glob::new(text).unwrap().compile_matcher()).collect()
}

#[test]
fn every_statement_is_judged_and_nothing_else_is() {
    for name in NAMES {
        let run = run(name);
        let found: Vec<(String, String)> = run.2["scenarios"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|s| {
                let id = s["id"].as_str().unwrap().to_owned();
                let findings = s["findings"].as_array().unwrap().iter();
                findings.map(move |f| (id.clone(), f["requirement"].as_str().unwrap().to_owned()))
            })
            .collect();
        let mut claimed = vec![false; found.len()];
        for fact in fixture(name).facts {
            let scenarios = globs(&fact.scenarios);
            for requirement in globs(&fact.requirements) {
                let mut bears = false;
                for (i, (scenario, id)) in found.iter().enumerate() {
                    let here = scenarios.is_empty() || scenarios.iter().any(|glob| glob.is_match(scenario));
                    if here && requirement.is_match(id) {
                        bears = true;
                        claimed[i] = true;
                    }
                }
                assert!(bears, "{name}: nothing was found on {} of `{}`", requirement.glob(), fact.says);
            }
            for scenario in &scenarios {
                let bears = found.iter().any(|(id, _)| scenario.is_match(id));
                assert!(bears, "{name}: nothing was found in {} of `{}`", scenario.glob(), fact.says);
            }
        }
        assert!(claimed.iter().all(|claimed| *claimed), "{name}: a finding rests on no statement");
    }
}

#[test]
fn every_output_says_that_nothing_was_measured() {
    for name in NAMES {
        let run = run(name);
        let mark = "(documented, not measured)";
        let (stdout, stderr) = (text(&run.1.stdout), text(&run.1.stderr));
        assert!(stdout.contains("documented, not measured"), "{stdout}");
        assert!(
            stdout.split_whitespace().collect::<Vec<_>>().join(" ").contains("nothing was measured"),
            "{stdout}"
        );
        assert!(stderr.starts_with("simulated: documents on "), "{stderr}");
        assert!(run.2["target"]["documented"].as_str().unwrap().ends_with("nothing was measured"));
        for file in fs::read_dir(run.0.path()).unwrap() {
            let path = file.unwrap().path();
            let written = fs::read_to_string(&path).unwrap();
            if path.extension().is_some_and(|e| e == "json") {
                assert!(written.contains("nothing was measured"), "{}", path.display());
            } else {
                assert!(written.contains("documented, not measured"), "{}: no {mark}", path.display());
            }
        }
    }
}

#[test]
fn a_comparison_tells_documents_from_servers() {
    let folder = tempfile::tempdir().unwrap();
    let measured = txspec()
        .args(["run", "--quiet", "--only", "impersonation", "--report-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(measured.status.code(), Some(0));
    let logto = run("logto");
    for format in ["terminal", "markdown", "html", "json"] {
        let out = txspec()
            .arg("compare")
            .arg(logto.0.path().join("report.json"))
            .arg(folder.path().join("report.json"))
            .args(["--format", format])
            .output()
            .unwrap();
        let text = text(&out.stdout);
        assert!(text.contains("documented, not measured"), "{format}: {text}{}", self::text(&out.stderr));
        assert!(!text.contains("txspec reference AS (documented"), "{format}");
    }
}

#[test]
fn the_same_documents_give_the_same_verdicts_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = txspec()
        .args(["run", "--target", "camall", "--simulated", "--quiet", "--test-threads", "1"])
        .args(["--only", "subject-*", "--only", "audience-*", "--report-dir"])
        .arg(folder.path())
        // The environment has no say.
        .envs([("CAMALL_URL", "https://elsewhere.invalid"), ("CAMALL_CLIENT_ID", "other")])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    let again: Value = serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    let verdicts = |report: &Value| -> Vec<(String, String)> {
        let all = report["scenarios"].as_array().unwrap().iter();
        all.map(|s| (s["id"].to_string(), s["verdict"].to_string())).collect()
    };
    let before = verdicts(&run("camall").2);
    let again = verdicts(&again);
    assert!(again.len() > 100, "{}", again.len());
    assert!(again.iter().all(|verdict| before.contains(verdict)), "{again:?}");
}

fn refused(arguments: &[&str], says: &[&str]) {
    let out = txspec().arg("run").args(arguments).output().unwrap();
    let stderr = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    for part in says {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

#[test]
fn a_simulation_cannot_be_waived() {
    let simulation = run("camall");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("mine.yaml");
    let before = "name: mine\nissuer: http://127.0.0.1:1\n";
    fs::write(&target, before).unwrap();
    let out = txspec()
        .args([
            "waivers",
            "update",
            "--expires",
            "2099-12-31",
            "--reason",
            "r",
            "--issue",
            "i",
            "--owner",
            "o",
        ])
        .arg("--target")
        .arg(&target)
        .arg(simulation.0.path())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    let said = text(&out.stderr);
    assert!(said.contains("a simulation of camall.io: nothing was measured"), "{said}");
    assert_eq!(fs::read_to_string(&target).unwrap(), before);
}

#[test]
fn what_cannot_be_simulated_is_refused_with_a_list_of_what_can() {
    let list = "simulations come with camall, janssen, logto, pingone-aic";
    refused(&["--target", "okta", "--simulated"], &["no documents to simulate `okta`", list]);
    refused(&["--target", "lokto", "--simulated"], &["did you mean `logto`?", list]);
    refused(&["--simulated"], &["--simulated needs --target", list]);
    refused(&["--target", "https://as.example.com", "--simulated"], &[list]);
    let issuer = ["--target", "logto", "--simulated", "--issuer", "http://127.0.0.1:1"];
    refused(&issuer, &["--issuer has no place beside --simulated"]);
    refused(&["--target", "logto", "--simulated", "--record", "x.json"], &["a simulation is not recorded"]);
    assert!(!Path::new("x.json").exists());
}

#[test]
fn mistakes_in_a_fixture_are_shown_at_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.yaml");
    let mistaken = "name: Acme\nas_of: 2026-11\npages:\n  - { id: guide, kind: documentation, title: Guide }\nserver:\n  \
                    faults: [omits-isued-token-type]\n  tokens: opaque\nfacts:\n  - says: The response lacks a member.\n    \
                    from: guid\n    requirements: [TX-2.2.1-issued-token-type-required]\n";
    fs::write(&path, mistaken).unwrap();
    let out = txspec().arg("check").arg(&path).output().unwrap();
    let stderr = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    for (place, says) in [
        ("acme.yaml:6:12", "did you mean `omits-issued-token-type`?"),
        ("acme.yaml:7:3", "unknown key `tokens`"),
        ("acme.yaml:10:11", "did you mean `guide`?"),
        ("acme.yaml:11:20", "did you mean `TX-2.2.1-issued_token_type-required`?"),
    ] {
        assert!(stderr.contains(place) && stderr.contains(says), "{place}, {says}: {stderr}");
    }
}

/// A documented request, sent to the simulation as a target of its own: the plain exchange is that request.
async fn documented(name: &str, base: &str, scopes: &str) -> (Value, Value) {
    let vendor = fixture(name);
    let example = vendor.server.examples().next().unwrap().to_owned();
    let (request, body) = vendor.server.example(&example).unwrap();
    let server = ReferenceServer::start(Options { vendor: vendor.server.clone(), ..Options::default() });
    let server = server.await.unwrap();
    let path = if name == "logto" { "/oidc/token" } else { "/jans-auth/restv1/token" };
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("example.yaml");
    let written = format!(
        "name: the example of {name}\nissuer: {issuer}\nmetadata: none\nendpoints: {{ token: \"{origin}{path}\" }}\n\
         clients: {{ exchanger: {{ id: app, secret: app-secret }} }}\n\
         tokens: {{ user: {{ from: {{ static: {subject} }} }} }}\n\
         exchange: {base}\nresources: {{ allowed: \"{resource}\" }}\nscopes: {scopes}\ncapabilities: [resource]\n",
        issuer = server.issuer(),
        origin = server.origin(),
        subject = request["subject_token"],
        resource = request["resource"],
    );
    fs::write(&target, written).unwrap();
    let out = tokio::task::spawn_blocking(move || {
        let out = txspec()
            .args(["run", "--only", "impersonation", "--quiet", "--target"])
            .arg(&target)
            .arg("--report-dir")
            .arg(folder.path())
            .output()
            .unwrap();
        let report = fs::read(folder.path().join("report.json"));
        serde_json::from_slice::<Value>(&report.unwrap_or_else(|_| panic!("{}", text(&out.stderr)))).unwrap()
    });
    (out.await.unwrap(), Value::Object(body.clone()))
}

fn verdict_on(report: &Value, requirement: &str) -> Comes {
    let found: Vec<&Value> =
        findings(report, "impersonation").filter(|f| f["requirement"] == requirement).collect();
    assert!(!found.is_empty(), "nothing on {requirement}");
    if found.iter().any(|f| f["verdict"] == "fail") { Fail } else { Pass }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_response_of_logto_is_served_and_has_what_the_source_leaves_out() {
    let (report, body) =
        documented("logto", "{ resource: allowed, scope: subject }", "{ subject: [resource:read] }").await;
    let sample = serde_json::json!({
        "access_token": "eyJhbG...<truncated>",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "resource:read",
    });
    assert_eq!(body, sample);
    for requirement in [
        "TX-2.2.1-issued_token_type-required",
        "TX-2.2.1-token_type-required",
        "TX-2.2.1-expires_in-recommended",
        "OA-3.3-scope-grammar",
    ] {
        assert_eq!(verdict_on(&report, requirement), Pass, "{requirement}");
    }
    // The page cuts the token short with signs that no token has, and shows no header fields.
    assert_eq!(verdict_on(&report, "BT-2.1-b64token"), Fail);
    assert_eq!(verdict_on(&report, "OA-5.1-cache-control"), Fail);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_response_of_janssen_is_served_and_is_right_in_itself() {
    let (report, body) = documented("janssen", "{ resource: allowed }", "{}").await;
    assert_eq!((&body["expires_in"], &body["token_type"]), (&60.into(), &"Bearer".into()));
    for requirement in [
        "TX-2.2.1-issued_token_type-required",
        "TX-2.2.1-token_type-required",
        "TX-2.2.1-expires_in-recommended",
        "OA-5.1-cache-control",
        "BT-2.1-b64token",
    ] {
        assert_eq!(verdict_on(&report, requirement), Pass, "{requirement}");
    }
    let fails = findings(&report, "impersonation").filter(|f| f["verdict"] == "fail" && f["level"] == "must");
    assert_eq!(fails.count(), 0);
}

#[test]
fn fixtures_without_a_documented_response_say_so() {
    for (name, examples) in [("camall", 0), ("pingone-aic", 0), ("logto", 1), ("janssen", 1)] {
        let vendor = fixture(name);
        assert_eq!(vendor.server.examples().count(), examples, "{name}");
        assert!(!vendor.unknown.is_empty(), "{name}");
        let text = fs::read_to_string(format!("fixtures/vendors/{name}.yaml")).unwrap();
        assert!(examples > 0 || text.contains("not at\n# hand") || text.contains("not at hand"), "{name}");
    }
}
