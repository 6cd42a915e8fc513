//! What a run says about the target as a whole: nothing is called conformant that was left out, and what can be reached is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use txspec::{
    reference::{Options, ReferenceServer},
    scenario::{OneOrMany, Scenario, Suite},
    spec::{Catalogue, Level},
};

struct Ran {
    code: Option<i32>,
    text: String,
    report: Value,
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn txspec(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_txspec"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .env_remove("TXSPEC_ISSUER")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let report = fs::read(self.path("reports/report.json")).unwrap_or_default();
        Ran {
            code: output.status.code(),
            text: String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" "),
            report: serde_json::from_slice(&report).unwrap_or_default(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.txspec(&[&["run", "--quiet"], arguments].concat())
    }
}

fn root(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).display().to_string()
}

#[test]
fn a_server_that_claims_all_of_the_core_and_keeps_it_is_conformant() {
    let ran = Folder::new().run(&["--profile", "core"]);
    assert_eq!((ran.code, ran.report["conclusion"].as_str()), (Some(0), Some("conformant")), "{}", ran.text);
    assert!(ran.text.contains("CONFORMANT") && ran.text.contains("All of the core profile was exercised"));
    // Scenarios for servers without a feature did not apply, and are no gap.
    let scenarios = ran.report["scenarios"].as_array().unwrap();
    let excluded = |s: &&Value| s["verdict"] == "not-applicable";
    assert!(scenarios.iter().filter(excluded).count() > 0);
    assert!(scenarios.iter().filter(excluded).all(|s| s["excluded"] == true), "{}", ran.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_target_does_not_claim_of_the_core_makes_the_run_partial() {
    let folder = Folder::new();
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let text = fs::read_to_string(root("targets/reference.yaml")).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| line.trim() != "- resource").collect();
    assert!(without.len() < text.lines().count());
    fs::write(folder.path("as.yaml"), without.join("\n")).unwrap();
    let issuer = server.issuer();
    let ran = tokio::task::block_in_place(|| {
        folder.run(&["--target", "as.yaml", "--issuer", issuer, "--profile", "core"])
    });
    assert_eq!((ran.code, ran.report["conclusion"].as_str()), (Some(0), Some("partial")), "{}", ran.text);
    assert!(ran.text.contains("of the core profile, which did not apply"), "{}", ran.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_without_an_observer_leaves_nothing_open() {
    let folder = Folder::new();
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let text = fs::read_to_string(root("targets/reference.yaml")).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.trim().starts_with("observer:")).collect();
    assert_eq!(without.len() + 1, text.lines().count());
    fs::write(folder.path("as.yaml"), without.join("\n")).unwrap();
    let issuer = server.issuer();
    let ran = tokio::task::block_in_place(|| {
        folder.run(&["--target", "as.yaml", "--issuer", issuer, "--allow-inconclusive", "unobservable"])
    });
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    let scenario = |id: &str| {
        let all = ran.report["scenarios"].as_array().unwrap();
        all.iter().find(|s| s["id"] == id).unwrap_or_else(|| panic!("{id}")).clone()
    };
    for id in ["act-introspected", "chain-act-introspected", "introspection-expired"] {
        let found = scenario(id);
        assert_eq!(found["verdict"], "not-applicable", "{found}");
        assert_eq!(found["reason"], "the target file has no clients.observer", "{found}");
    }
    assert_eq!(ran.report["counts"]["inconclusive"], 0, "{}", ran.text);
}

/// A request that is just its control is granted by every right server.
#[test]
fn an_edit_that_changes_nothing_accuses_nobody() {
    let folder = Folder::new();
    let own = |id: &str, edit: &str| {
        format!(
            "  - id: {id}\n    title: It is refused\n    from: impersonation\n    edit: {{ {edit} }}\n    expect: {{ refusal: \
             {{ row: missing-parameter, covers: TX-2.1-subject_token-required }} }}\n"
        )
    };
    let text = format!(
        "topic: own\nsection: RFC 8693 §2.1\nprofile: rfc8693-security\nscenarios:\n{}{}{}",
        own("dropped", "drop: nothing_here"),
        own("renamed", "rename: { parameter: nothing_here, to: elsewhere }"),
        own("right", "drop: subject_token")
    );
    fs::write(folder.path("own.yaml"), text).unwrap();
    let ran = folder.run(&["--scenarios", "own.yaml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.text);
    let verdict = |id: &str| {
        let all = ran.report["scenarios"].as_array().unwrap();
        let found = all.iter().find(|s| s["id"] == id).unwrap();
        (found["verdict"].as_str().unwrap().to_owned(), found["reason"].to_string())
    };
    for id in ["dropped", "renamed"] {
        let (verdict, reason) = verdict(id);
        assert_eq!(verdict, "inconclusive");
        assert!(reason.contains("changes nothing: the request has no parameter nothing_here"), "{reason}");
    }
    assert_eq!(verdict("right").0, "pass", "{}", ran.text);
}

/// A name of one's own for a DPoP key stands for the same key in the proof and in the check.
#[test]
fn a_token_is_bound_to_a_key_of_ones_own_name() {
    let folder = Folder::new();
    let own = |id: &str, key: &str| {
        format!(
            "  - id: {id}\n    title: The token is bound\n    requires: [dpop]\n    exchange: {{ dpop: {{ key: mine }} }}\n    expect: {{ \
             success: [ {{ covers: DP-6.1-jkt, bound_to: {key} }} ] }}\n"
        )
    };
    let text = format!(
        "topic: own\nsection: RFC 9449 §5\nprofile: rfc8693-security\nscenarios:\n{}{}",
        own("own-key", "mine"),
        own("other-key", "client")
    );
    fs::write(folder.path("own.yaml"), text).unwrap();
    let ran = folder.run(&["--scenarios", "own.yaml"]);
    let verdict = |id: &str| {
        let all = ran.report["scenarios"].as_array().unwrap();
        all.iter().find(|s| s["id"] == id).unwrap()["verdict"].clone()
    };
    assert_eq!((verdict("own-key"), verdict("other-key")), ("pass".into(), "fail".into()), "{}", ran.text);
}

#[test]
fn ones_own_scenarios_take_the_place_of_no_others() {
    let folder = Folder::new();
    let whole = folder.run(&["--profile", "core", "--scenarios", &root("scenarios")]);
    assert_eq!(whole.report["conclusion"], "conformant", "{}", whole.text);
    let own = "topic: own\nsection: RFC 8693 §2.1\nprofile: rfc8693-core\nabout: One exchange.\nscenarios:\n  \
               - id: own-exchange\n    title: A plain exchange is granted\n    exchange: { client: exchanger, subject: user }\n    \
               expect: { success: [ { covers: [TX-2.1-token-endpoint] } ] }\n";
    fs::write(folder.path("own.yaml"), own).unwrap();
    let ran = folder.run(&["--profile", "core", "--scenarios", "own.yaml"]);
    assert_eq!((ran.code, ran.report["conclusion"].as_str()), (Some(0), Some("partial")), "{}", ran.text);
    let left_out = ran.report["left_out"].as_u64().unwrap();
    assert_eq!(left_out, whole.report["scenarios"].as_array().unwrap().len() as u64);
    assert!(ran.text.contains(&format!("nothing is said about them: {left_out} scenarios")), "{}", ran.text);
}

#[test]
fn a_bar_lowered_to_may_counts_what_it_fails() {
    let folder = Folder::new();
    let one = ["--only", "may-act-names-client", "--only", "impersonation"];
    let usual = folder.run(&one);
    assert_eq!((usual.code, &usual.report["counts"]["fail"]), (Some(0), &Value::from(0)), "{}", usual.text);
    let strict = folder.run(&[&one[..], &["--fail-on", "may"]].concat());
    assert_eq!(
        (strict.code, &strict.report["counts"]["fail"]),
        (Some(1), &Value::from(1)),
        "{}",
        strict.text
    );
    assert_eq!(strict.report["conclusion"], "nonconformant");
}

#[test]
fn a_recording_from_which_scenarios_were_taken_is_refused() {
    let folder = Folder::new();
    folder.run(&["--only", "impersonation", "--only", "grant-type-*", "--record", "run.json"]);
    let text = fs::read_to_string(folder.path("run.json")).unwrap();
    let mut recording: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(folder.txspec(&["judge", "run.json", "--no-report"]).code, Some(0));
    recording["scenarios"].as_array_mut().unwrap().pop();
    fs::write(folder.path("run.json"), recording.to_string()).unwrap();
    let ran = folder.txspec(&["judge", "run.json", "--no-report"]);
    assert_eq!(ran.code, Some(2), "{}", ran.text);
    assert!(ran.text.contains("some were taken out or put in"), "{}", ran.text);
}

/// What a recording shows no evidence of is not judged, whatever it says.
#[test]
fn a_recording_without_its_evidence_proves_nothing() {
    let folder = Folder::new();
    let ran = folder.run(&["--only", "impersonation", "--only", "grant-type-*", "--record", "run.json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    let recording: Value = serde_json::from_slice(&fs::read(folder.path("run.json")).unwrap()).unwrap();
    let judged = |edit: &dyn Fn(&mut Value)| {
        let mut copy = recording.clone();
        copy["scenarios"].as_array_mut().unwrap().iter_mut().for_each(edit);
        fs::write(folder.path("edited.json"), copy.to_string()).unwrap();
        folder.txspec(&["judge", "edited.json"])
    };
    assert_eq!(judged(&|_| ()).code, Some(0));
    let excluded = serde_json::json!({ "verdict": "not-applicable", "reason": "x", "excluded": true });
    let edits: [&dyn Fn(&mut Value); 3] = [
        &|s| s["seen"]["steps"] = serde_json::json!([]),
        &|s| s["seen"]["steps"].as_array_mut().unwrap().iter_mut().for_each(|step| step["step"] = 99.into()),
        &|s| {
            s["unjudged"] = excluded.clone();
            s.as_object_mut().unwrap().remove("seen");
        },
    ];
    for (i, edit) in edits.into_iter().enumerate() {
        let ran = judged(edit);
        assert_eq!(
            (ran.code, ran.report["conclusion"].as_str()),
            (Some(3), Some("inconclusive")),
            "{i} {}",
            ran.text
        );
        assert_eq!(ran.report["counts"]["pass"], 0, "{i} {}", ran.text);
    }
    let ran = judged(&|s| s["id"] = "impersonation".into());
    assert_eq!(ran.code, Some(2), "{}", ran.text);
    assert!(ran.text.contains("two records of `impersonation`"), "{}", ran.text);
}

/// A gate believes no report whose parts contradict one another.
#[test]
fn an_edited_report_is_refused() {
    let folder = Folder::new();
    let only = ["--only", "subject-alg-none*", "--only", "impersonation"];
    let ran = folder.run(&only);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    fs::copy(folder.path("reports/report.json"), folder.path("old.json")).unwrap();
    let compare = |report: &Value| {
        fs::write(folder.path("new.json"), report.to_string()).unwrap();
        folder.txspec(&["compare", "--against", "old.json", "new.json"])
    };
    assert_eq!(compare(&ran.report).code, Some(0));
    let edits: [&dyn Fn(&mut Value); 4] = [
        &|r| r["conclusion"] = "nonconformant".into(),
        &|r| r["counts"]["pass"] = 99.into(),
        &|r| r["scenarios"][0]["verdict"] = "fail".into(),
        &|r| r["scenarios"][0]["findings"][0]["waiver"] = "x".into(),
    ];
    for (i, edit) in edits.into_iter().enumerate() {
        let mut report = ran.report.clone();
        edit(&mut report);
        let ran = compare(&report);
        assert_eq!(ran.code, Some(2), "{i} {}", ran.text);
        assert!(ran.text.contains("edited") || ran.text.contains("holds no waivers"), "{i} {}", ran.text);
    }
}

/// A copy of a scenario that is made not to apply, or to expect nothing, is another scenario.
#[test]
fn a_weakened_copy_takes_the_place_of_no_scenario_in_a_run_or_a_recording() {
    let folder = Folder::new();
    fs::create_dir(folder.path("own")).unwrap();
    for file in fs::read_dir(root("scenarios")).unwrap().map(|file| file.unwrap()) {
        let text = fs::read_to_string(file.path()).unwrap();
        let text = text.replace(
            "  - id: grant-type-missing\n",
            "  - id: grant-type-missing\n    unless: [delegation]\n",
        );
        fs::write(folder.path("own").join(file.file_name()), text).unwrap();
    }
    let ran = folder.run(&["--profile", "core", "--scenarios", "own", "--record", "own.json"]);
    assert_eq!((ran.code, &ran.report["left_out"]), (Some(0), &Value::from(1)), "{}", ran.text);
    assert_eq!(ran.report["conclusion"], "partial");
    // The scenario that comes with txspec applies, and the recording holds nothing of it.
    let judged = folder.txspec(&["judge", "own.json"]);
    assert_eq!(
        (judged.code, judged.report["conclusion"].as_str()),
        (Some(3), Some("inconclusive")),
        "{}",
        judged.text
    );

    // The other way round: a whole run, judged by the weakened scenarios.
    let whole = folder.run(&["--profile", "core", "--record", "whole.json"]);
    assert_eq!(whole.report["conclusion"], "conformant", "{}", whole.text);
    let judged = folder.txspec(&["judge", "whole.json", "--scenarios", "own"]);
    assert_eq!(judged.report["conclusion"], "partial", "{}", judged.text);

    // Nothing passes that was not seen.
    let text = fs::read_to_string(folder.path("whole.json")).unwrap();
    let mut recording: Value = serde_json::from_str(&text).unwrap();
    let forged = recording["scenarios"].as_array_mut().unwrap();
    let forged = forged.iter_mut().find(|s| s["id"] == "impersonation").unwrap().as_object_mut().unwrap();
    forged.remove("seen");
    forged.insert("unjudged".into(), serde_json::json!({ "verdict": "pass" }));
    fs::write(folder.path("whole.json"), recording.to_string()).unwrap();
    let judged = folder.txspec(&["judge", "whole.json"]);
    assert_eq!((judged.code, judged.report["conclusion"].as_str()), (Some(3), Some("inconclusive")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_used_up_is_no_fault_of_the_server_and_leaves_the_run_partial() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = Folder::new();
    let text = fs::read_to_string(root("targets/reference.yaml")).unwrap();
    let limits: Vec<&str> = text.lines().filter(|line| line.contains("budget:")).collect();
    assert_eq!(limits.len(), 1, "{limits:?}");
    for budget in [60, 430] {
        let line = "limits: { concurrency: 8, budget: BUDGET }".replace("BUDGET", &budget.to_string());
        fs::write(folder.path("as.yaml"), text.replace(limits[0], &line)).unwrap();
        let arguments = ["--target", "as.yaml", "--issuer", server.issuer(), "--profile", "core"];
        let ran = tokio::task::block_in_place(|| folder.run(&arguments));
        assert_eq!(ran.code, Some(3), "{budget}: {}", ran.text);
        assert!(!ran.text.contains("stopped answering"), "{budget}: {}", ran.text);
        assert!(ran.report["interrupted"].is_null(), "{budget}");
        let scenarios = ran.report["scenarios"].as_array().unwrap();
        let open: Vec<&Value> = scenarios.iter().filter(|s| s["verdict"] == "inconclusive").collect();
        assert!(open.len() > 20 && open.iter().all(|s| s["cause"] == "budget"), "{budget}: {open:#?}");
        let allowed = [&arguments[..], &["--allow-inconclusive", "budget"]].concat();
        let ran = tokio::task::block_in_place(|| folder.run(&allowed));
        let conclusion = ran.report["conclusion"].as_str();
        assert_eq!((ran.code, conclusion), (Some(0), Some("partial")), "{budget}: {}", ran.text);
    }
}

#[test]
fn a_requirement_by_its_id_selects_every_scenario_that_checks_it() {
    let folder = Folder::new();
    let listed = |glob: &str| {
        let ran = folder.txspec(&["run", "--list", "--only", glob]);
        ran.text.matches(": test").count()
    };
    // A check that every response gets, a row of the decision table, a sentence that repeats another.
    assert!(listed("OA-5.1-cache-control") > 500);
    assert!(listed("TX-2.2.2-invalid_target") > 30);
    assert!(listed("JW-7.2-alg-acceptable") > 0);
    // A glob speaks of what is particular to a scenario.
    assert!(listed("OA-5.1-cach*") < 100);
}

#[test]
fn an_address_with_credentials_is_refused_and_not_repeated() {
    let folder = Folder::new();
    for arguments in [
        &["run", "--target", "reference", "--issuer", "http://usr:pa55w0rd@127.0.0.1:1"][..],
        &["run", "--target", "http://usr:pa55w0rd@127.0.0.1:1", "--client-id", "app"],
        &["init", "--issuer", "http://usr:pa55w0rd@127.0.0.1:1", "--client-id", "app"],
    ] {
        let ran = folder.txspec(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.text);
        assert!(!ran.text.contains("pa55w0rd"), "{}", ran.text);
    }
    let file = "name: A\nissuer: http://usr:pa55w0rd@127.0.0.1:1\nclients: { exchanger: { id: a } }\ntokens: { user: { \
                from: { env: TOKEN } } }\n";
    fs::write(folder.path("as.yaml"), file).unwrap();
    let ran = folder.txspec(&["check", "as.yaml"]);
    assert!(ran.text.contains("the URL holds credentials"), "{}", ran.text);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for_and_a_device_stays_one() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let folder = Folder::new();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    for arguments in
        [&["judge", "pipe"][..], &["compare", "pipe", "pipe"], &["compare", "--against", "pipe", "pipe"]]
    {
        let ran = folder.txspec(arguments);
        assert!(ran.code == Some(2) && ran.text.contains("no regular file"), "{arguments:?}: {}", ran.text);
    }
    // A link is followed, not replaced.
    fs::write(folder.path("kept.har"), "").unwrap();
    symlink(folder.path("kept.har"), folder.path("link.har")).unwrap();
    let ran = folder.run(&["--no-report", "--only", "impersonation", "--har", "link.har"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    assert!(fs::symlink_metadata(folder.path("link.har")).unwrap().is_symlink());
    assert!(fs::metadata(folder.path("kept.har")).unwrap().len() > 100);
    assert!(fs::metadata(folder.path("pipe")).unwrap().file_type().is_fifo());
}

/// Whether the data of a scenario score a violation of a requirement at a level of its own.
fn sets_level(scenario: &Scenario, id: &str) -> bool {
    let names = |ids: &OneOrMany| ids.iter().any(|one| one == id);
    let own = scenario.steps.iter().filter_map(|step| step.expect.as_ref()).chain([&scenario.expect]);
    own.into_iter().any(|expect| {
        let checks = expect.success.iter().flatten().chain(expect.refusal.iter().flat_map(|r| &r.also));
        checks.into_iter().any(|c| c.level.is_some() && c.covers.as_ref().is_some_and(names))
            || expect
                .refusal
                .as_ref()
                .is_some_and(|r| r.accepted.is_some() && r.covers.as_ref().is_some_and(names))
    })
}

/// No sentence is violated at a higher level than it has itself: what raises one says so in the data (a policy, a reading, or
/// the scenario). RFC 7519 section 7.2 says SHOULD of what RFC 8725 section 3.1 says MUST of.
#[tokio::test(flavor = "multi_thread")]
async fn no_sentence_is_violated_at_a_higher_level_than_its_own() {
    let faults = ["alg-none-accepted", "no-pragma", "unknown-audience-minted", "unknown-scope-granted"];
    let known: Vec<String> = txspec::reference::faults().unwrap().into_iter().map(|f| f.id).collect();
    let faults = faults.iter().map(|f| (*f).to_owned()).filter(|f| known.contains(f)).collect();
    let server = ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap();
    let folder = Folder::new();
    let issuer = server.issuer().to_owned();
    let ran =
        tokio::task::spawn_blocking(move || folder.run(&["--target", "reference", "--issuer", &issuer]))
            .await
            .unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    let catalogue = Catalogue::embedded().unwrap();
    let suite = Suite::embedded(&catalogue).unwrap();
    let bound = |id: &str| {
        let row = catalogue.get(id).unwrap();
        row.policy.as_ref().map_or(row.level, |raise| row.level.max(raise.raises_to))
    };
    let level = |value: &Value| serde_json::from_value::<Level>(value["level"].clone()).unwrap();
    let mut failed = 0;
    for scenario in ran.report["scenarios"].as_array().unwrap() {
        let written = suite.get(scenario["id"].as_str().unwrap()).unwrap();
        for finding in scenario["findings"].as_array().unwrap().iter().filter(|f| f["verdict"] == "fail") {
            let id = finding["requirement"].as_str().unwrap();
            failed += 1;
            assert!(level(finding) <= bound(id) || sets_level(written, id), "{}: {finding}", written.id);
        }
    }
    assert!(failed > 5, "{failed} findings");
    let rows = ran.report["requirements"].as_array().unwrap();
    let row = rows.iter().find(|r| r["id"] == "JW-7.2-alg-acceptable").unwrap();
    assert_eq!((row["verdict"].as_str(), row["level"].as_str()), (Some("fail"), Some("should")), "{row}");
    for row in rows.iter().filter(|r| r["verdict"] == "fail" && r["same_as"].is_string()) {
        assert!(level(row) <= bound(row["id"].as_str().unwrap()), "{row}");
    }
}
