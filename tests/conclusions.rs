//! What a run says about the target as a whole: nothing is called conformant that was left out, and what can be reached is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use txspec::reference::{Options, ReferenceServer};

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
