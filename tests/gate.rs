//! The release gate, end to end, as a CI job would run it: waivers let known deviations through and nothing else, a
//! comparison with an earlier report stops regressions and names them, and a recorded run is judged again without a
//! network to the same findings.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use txspec::reference::{Options, ReferenceServer};

/// A refusal with the wrong code, in some scenarios that leave subject_token out.
const DEVIATION: &str = "missing-subject-token-wrong-code";
const CHECK: &str = "TX-2.2.2-error-code-invalid_request";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn prints(self, words: &str) -> Self {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&self.out).contains(words), "no `{words}` in:\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "no `{words}` in:\n{}", self.err);
        self
    }
}

/// A work folder of a CI job.
struct Job(TempDir);

impl Job {
    fn new() -> Self {
        let job = Self(TempDir::new().unwrap());
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/reference.yaml");
        fs::copy(target, job.path("as.yaml")).unwrap();
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn txspec(&self, arguments: &[&str], issuer: Option<&str>) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_txspec"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null()).env_remove("TXSPEC_ISSUER");
        if let Some(issuer) = issuer {
            command.env("TXSPEC_ISSUER", issuer);
        }
        let output = command.output().unwrap();
        Ran {
            code: output.status.code().expect("ended by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A run against a server with these faults, of the scenarios that speak of the subject token.
    async fn run(&self, faults: &[&str], reports: &str, more: &[&str]) -> Ran {
        let server = serve(faults).await;
        let mut arguments = vec![
            "run",
            "--target",
            "as.yaml",
            "--profile",
            "core",
            "--only",
            "subject-token-*",
            "--report-dir",
            reports,
            "--quiet",
        ];
        arguments.extend(more);
        tokio::task::block_in_place(|| self.txspec(&arguments, Some(server.issuer())))
    }

    fn waive(&self, reports: &str, expires: &str) -> Ran {
        let arguments = [
            "waivers",
            "update",
            reports,
            "--target",
            "as.yaml",
            "--owner",
            "as-team",
            "--issue",
            "https://issues.example/42",
            "--reason",
            "kept: old clients",
            "--expires",
            expires,
        ];
        self.txspec(&arguments, None)
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("as.yaml")).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path("as.yaml"), text.replace(from, to)).unwrap();
    }

    fn report(&self, reports: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(reports).join("report.json")).unwrap()).unwrap()
    }
}

async fn serve(faults: &[&str]) -> ReferenceServer {
    let faults = faults.iter().map(|f| (*f).to_owned()).collect();
    ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waived_deviation_passes_and_nothing_else_does() {
    let job = Job::new();
    let before = fs::read_to_string(job.path("as.yaml")).unwrap();
    job.run(&[DEVIATION], "first", &[]).await.ends(1).prints(CHECK);
    job.waive("first", "2099-12-31").ends(0).says("1 added");
    // The file is edited as text: it begins as it was, to the byte.
    let after = fs::read_to_string(job.path("as.yaml")).unwrap();
    assert!(after.starts_with(before.trim_end()), "the file was rewritten");
    assert!(after.contains("observed: \"400 invalid_grant\"") && after.contains("expires: 2099-12-31"));

    job.run(&[DEVIATION], "waived", &[]).await.ends(0).prints("accepted by waivers");
    let report = job.report("waived");
    // It passes, and is no less a violation for it.
    assert_eq!(report["conclusion"], "partial");
    let summary = fs::read_to_string(job.path("waived").join("summary.md")).unwrap();
    assert!(summary.contains("- Violated and accepted by waivers: "), "{summary}");
    let row = report["requirements"].as_array().unwrap().iter().find(|r| r["id"] == CHECK).unwrap();
    assert_eq!((row["verdict"].as_str(), row["waived"].as_bool()), (Some("fail"), Some(true)), "{row}");
    assert_eq!(report["waivers"][0]["state"], "in-force");

    // The same check fails worse: the code comes with a server error.
    job.run(&[DEVIATION, "error-with-status-500"], "worse", &[]).await.ends(1).prints(CHECK);
    // The same check fails elsewhere: the waiver is for the scenarios that it was written for.
    let elsewhere = [DEVIATION, "missing-subject-type-wrong-code"];
    job.run(&elsewhere, "elsewhere", &[]).await.ends(1).prints("subject-token-type");
    // The violation is gone: the waiver is stale.
    let mended = job.run(&[], "mended", &[]).await;
    mended
        .ends(5)
        .prints("waivers that no longer hold")
        .prints("stale")
        .prints("but 1 waiver that is out of date");

    // Its last day is over.
    job.edit("2099-12-31", "2001-01-31");
    let check = job.txspec(&["check", "as.yaml"], Some("http://127.0.0.1:1"));
    check.ends(0).says("warning[expired]").says("renew it with a date that its owner (as-team) answers for");
    job.run(&[DEVIATION], "expired", &[]).await.ends(5).prints("expired").prints("2001-01-31");
    // A new violation outweighs the expired waiver.
    job.run(&elsewhere, "both", &[]).await.ends(1);
    // Renewed where it stands.
    job.waive("expired", "2099-01-31")
        .ends(0)
        .says("0 added, 1 renewed")
        .says("reason, issue and owner stay");
    job.run(&[DEVIATION], "renewed", &[]).await.ends(0);
}

/// Violations without an error code: values, lifetimes, a header field.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_of_a_wrong_value_accepts_it_in_every_run_and_no_other_value() {
    let job = Job::new();
    // Scenarios that are granted what they ask for.
    let granted = ["--only", "impersonation", "--only", "delegation"];
    let wrong = ["expires-in-as-string", "no-cache-control", "exp-claim-is-string", "lifetime-of-a-week"];
    job.run(&wrong, "first", &granted).await.ends(1);
    job.waive("first", "2099-12-31").ends(0);
    let text = fs::read_to_string(job.path("as.yaml")).unwrap();
    assert!(text.contains("200 wrong-form: no cache-control"), "{text}");
    let ran = job.run(&wrong, "again", &granted).await.ends(0);
    assert!(!ran.out.contains("stale"), "{}", ran.out);
    let same = job.txspec(&["compare", "--against", "first", "again", "--format", "json"], None).ends(0);
    let same: Value = serde_json::from_str(&same.out).unwrap();
    for list in ["worse", "lost", "better", "observations"] {
        assert_eq!(same[list].as_array().map(Vec::len), Some(0), "{list}: {}", same[list]);
    }
    // The same check in the same scenarios, another wrong value.
    let other =
        ["expires-in-as-string", "cache-control-private", "exp-claim-is-string", "lifetime-of-a-week"];
    job.run(&other, "other", &granted).await.ends(1).prints("is not what fails now");

    // As waivers were written before: accepted still, and it says what to write.
    job.edit("\"200 wrong-form: no cache-control\"", "200 wrong-form");
    job.run(&wrong, "old", &granted).await.ends(0);
    let report = job.report("old");
    let old =
        report["waivers"].as_array().unwrap().iter().find(|w| w["observed"] == "200 wrong-form").unwrap();
    assert!(old["note"].as_str().unwrap().contains("`200 wrong-form: no cache-control`"), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_needs_a_day_to_come_a_reason_and_an_owner() {
    let job = Job::new();
    job.run(&[DEVIATION], "first", &[]).await.ends(1);
    let before = fs::read(job.path("as.yaml")).unwrap();
    job.waive("first", "2001-01-31").ends(2).says("2001-01-31 is over");
    job.waive("first", "next week").ends(2);
    job.txspec(&["waivers", "update", "first", "--target", "as.yaml"], None).ends(2).says("--expires");
    assert_eq!(fs::read(job.path("as.yaml")).unwrap(), before);
    job.run(&[], "clean", &[]).await.ends(0);
    job.waive("clean", "2099-01-31").ends(0).says("nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_regression_against_yesterday_fails_and_is_named_and_an_improvement_passes() {
    let job = Job::new();
    job.run(&[], "yesterday", &[]).await.ends(0);
    job.run(&[DEVIATION], "today", &[]).await.ends(1);
    let gate = |old: &str, new: &str, more: &[&str]| {
        let mut arguments = vec!["compare", "--against", old, new];
        arguments.extend(more);
        job.txspec(&arguments, None)
    };
    gate("yesterday", "today", &[])
        .ends(1)
        .prints(CHECK)
        .prints("error code: invalid_request -> invalid_grant")
        .prints("the suite did not change")
        .prints("regression: 1 requirement became worse");
    gate("today", "yesterday", &[])
        .ends(0)
        .prints("better (1)")
        .prints("error code: invalid_grant -> invalid_request")
        .prints("no regression");
    gate("today", "today", &[]).ends(0).prints("no regression");
    gate("yesterday", "today", &["--format", "markdown"]).ends(1).prints("# ❌ Token exchange: regression");
    gate("yesterday", "today", &["--format", "html", "--output", "gate.html"]).ends(1);
    let page = fs::read_to_string(job.path("gate.html")).unwrap();
    assert!(page.contains("regression") && page.contains(CHECK) && !page.contains("<script"));
    let json = gate("yesterday", "today", &["--format", "json"]).ends(1).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["worse"][0]["requirement"], CHECK);

    // A second hole behind a requirement that was violated already is a regression too.
    job.run(&[DEVIATION, "missing-subject-type-wrong-code"], "tomorrow", &[]).await.ends(1);
    gate("today", "tomorrow", &[]).ends(1).prints("[subject-token-type");
    // What a waiver accepts does not stop the gate.
    job.waive("today", "2099-12-31").ends(0);
    job.run(&[DEVIATION], "waived", &[]).await.ends(0);
    gate("yesterday", "waived", &[]).ends(0).prints("(waived)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_is_lost_is_no_pass() {
    let job = Job::new();
    job.run(&[], "old", &[]).await.ends(0);
    job.run(&[], "new", &["--skip", "subject-token-twice", "--skip", "subject-token-brackets"]).await.ends(0);
    let ran = job.txspec(&["compare", "--against", "old", "new"], None);
    let ran = ran.ends(3).prints("no longer proven: not selected").prints("not proven: ");
    // The run was filtered, the suite is the same.
    let ran = ran.prints("the suite did not change").prints("the new run is incomplete: a filter left out");
    let ran = ran.prints(
        ", 2 of which the other run made; what the old run proved of them counts as no longer proven",
    );
    assert!(!ran.out.contains("only in the old report"), "{}", ran.out);
    job.txspec(&["compare", "--against", "new", "old"], None)
        .ends(0)
        .prints("newly proven; before: not selected")
        .prints("newly proven");
    // Two runs with the same filter lose nothing.
    job.txspec(&["compare", "--against", "new", "new"], None)
        .ends(0)
        .prints("none of which the other run made")
        .prints("no regression");

    // Another version of txspec excuses what it has no more, and not what a filter left out.
    let text = fs::read_to_string(job.path("old/report.json")).unwrap();
    let older = text.replacen("\"version\": \"", "\"version\": \"0.0.", 1);
    fs::write(job.path("older.json"), &older).unwrap();
    job.txspec(&["compare", "--against", "older.json", "new"], None).ends(3).prints("not selected");
    let renamed = older.replace("\"subject-token-twice\"", "\"of-old\"");
    fs::write(job.path("older.json"), renamed.replace("\"subject-token-brackets\"", "\"of-old-too\""))
        .unwrap();
    job.txspec(&["compare", "--against", "older.json", "new"], None).ends(0).prints("txspec changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_cannot_be_compared_are_refused_clearly() {
    let job = Job::new();
    job.run(&[], "a", &[]).await.ends(0);
    let text = fs::read_to_string(job.path("a/report.json")).unwrap();
    let put = |name: &str, text: &str| fs::write(job.path(name), text).unwrap();
    put("cut.json", &text[..text.len() / 2]);
    put("other.json", &text.replacen("\"format\": 1", "\"format\": 7", 1));
    put("html.json", "<html></html>");
    let compare = |arguments: &[&str]| job.txspec(&[&["compare"], arguments].concat(), None);
    compare(&["a", "cut.json", "other.json", "html.json", "none.json"])
        .ends(2)
        .says("cut.json: the JSON ends too early")
        .says("other.json: it has format 7")
        .says("html.json: it is no report")
        .says("none.json");
    compare(&["a"]).ends(2).says("2 to 12 reports");
    compare(&["a"; 13]).ends(2).says("was given 13");
    compare(&["--against", "a", "a", "a"]).ends(2).says("one new report");
    compare(&["a", "a", "--output", "a/report.json"]).ends(2).says("would write over a report");
    compare(&["a", "a", "--output", "no/such/folder.html"]).ends(2).says("no/such");
    // Another profile, another version, and texts that would steer a terminal.
    let long = "x".repeat(1_000_000);
    let hostile = text
        .replacen("\"rfc8693-core\"", "\"rfc8693-security\"", 1)
        .replacen("\"version\": \"", "\"version\": \"9.", 1)
        .replacen("txspec reference AS", "<script>alert(1)</script>\\u001b[2J\\u202e|`", 1)
        .replacen("\"reading\": \"strict\"", &format!("\"reading\": \"{long}\""), 1);
    put("hostile.json", &hostile);
    for format in ["terminal", "markdown", "html", "json"] {
        let ran = compare(&["a", "hostile.json", "--format", format]).ends(0);
        assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{format}");
        let marked_up = ["markdown", "html"].contains(&format);
        assert!(!marked_up || !ran.out.contains("<script>"), "{format}");
        assert!(format == "json" || ran.out.len() < 100_000, "{format}: {}", ran.out.len());
    }
    for (format, link) in [("html", r#"<a href="a/report.html">"#), ("markdown", "](<a/report.html>)")] {
        compare(&["a", "hostile.json", "--format", format, "--output", "side-by-side"]).ends(0);
        let page = fs::read_to_string(job.path("side-by-side")).unwrap();
        assert_eq!(page.matches(link).count(), 1, "{format}");
    }
    compare(&["a", "hostile.json"])
        .ends(0)
        .prints("the profiles differ")
        .prints("the versions of txspec differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_run_is_judged_again_to_the_same_bytes() {
    let job = Job::new();
    let faults = [
        "alg-none-accepted",
        "no-cache-control",
        "error-with-status-401",
        "opaque-token-labelled-jwt",
        "echoes-subject-token-in-error",
    ];
    let server = serve(&faults).await;
    let arguments =
        ["run", "--target", "as.yaml", "--quiet", "--record", "run.recording", "--report-dir", "live"];
    tokio::task::block_in_place(|| job.txspec(&arguments, Some(server.issuer()))).ends(1);
    drop(server);
    job.txspec(&["judge", "run.recording", "--report-dir", "again"], None).ends(1);
    let bytes = |reports: &str, file: &str| fs::read_to_string(job.path(reports).join(file)).unwrap();
    for file in ["report.json", "junit.xml", "summary.md", "report.html"] {
        assert!(bytes("live", file) == bytes("again", file), "{file} differs");
    }
    let scenarios = job.report("again")["scenarios"].as_array().unwrap().len();
    assert!(scenarios > 500, "{scenarios}");

    // What is not there is not guessed.
    let text = fs::read_to_string(job.path("run.recording")).unwrap();
    let mut recording: Value = serde_json::from_str(&text).unwrap();
    for scenario in recording["scenarios"].as_array_mut().unwrap() {
        if scenario["id"] == "impersonation" {
            scenario["asks"] = "something else".into();
        }
    }
    recording["scenarios"].as_array_mut().unwrap().retain(|s| s["id"] != "delegation");
    // As if the scenario were newer than the recording.
    recording["recorded"] = recording["scenarios"].as_array().unwrap().len().into();
    fs::write(job.path("less.recording"), recording.to_string()).unwrap();
    job.txspec(&["judge", "less.recording", "--report-dir", "less"], None).ends(1).says("does not hold");
    let less = job.report("less");
    for id in ["impersonation", "delegation"] {
        let scenario = less["scenarios"].as_array().unwrap().iter().find(|s| s["id"] == id).unwrap();
        assert_eq!(scenario["cause"], "not-recorded", "{id}");
        assert!(scenario["findings"].as_array().unwrap().iter().all(|f| f["verdict"] == "inconclusive"));
    }

    fs::write(job.path("cut.recording"), &text[..text.len() / 2]).unwrap();
    job.txspec(&["judge", "cut.recording"], None).ends(2).says("ends too early");
    job.txspec(&["judge", "live/report.json"], None).ends(2).says("no recording");
    fs::write(job.path("new.recording"), text.replacen("\"recording\":2", "\"recording\":3", 1)).unwrap();
    job.txspec(&["judge", "new.recording"], None).ends(2).says("it has format 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_as_json_lines_and_annotations_cannot_be_forged() {
    let job = Job::new();
    let ran = job.run(&[DEVIATION], "a", &["--format", "jsonl", "--events", "events.jsonl"]).await.ends(1);
    let types = |text: &str| -> Vec<String> {
        text.lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap()["type"].as_str().unwrap().to_owned())
            .collect()
    };
    let told = types(&ran.out);
    assert_eq!((told.first().unwrap().as_str(), told.last().unwrap().as_str()), ("started", "ended"));
    assert!(told.iter().filter(|t| *t == "finished").count() > 5);
    assert!(ran.err.contains("NONCONFORMANT"));
    let written = types(&fs::read_to_string(job.path("events.jsonl")).unwrap());
    assert_eq!(written.len(), told.len());

    let ran = job.run(&[DEVIATION], "b", &["--annotate", "github"]).await.ends(1);
    let lines: Vec<&str> = ran.out.lines().collect();
    let word = lines[0].strip_prefix("::stop-commands::").unwrap();
    let resumed = lines.iter().position(|l| *l == format!("::{word}::")).unwrap();
    let commands: Vec<&str> = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| l.starts_with("::error"))
        .map(|(i, l)| {
            assert!(i > resumed, "{l}");
            *l
        })
        .collect();
    assert!(commands[0].starts_with(&format!("::error file=as.yaml,title=must {CHECK}::")), "{commands:?}");
}

#[test]
fn a_waiver_that_says_too_little_is_refused_at_its_place() {
    let job = Job::new();
    let before = fs::read_to_string(job.path("as.yaml")).unwrap();
    for (key, text, words) in [
        ("observed", "soon", "is no fingerprint"),
        ("observed", "'400'", "is no fingerprint"),
        ("expires", "soon", "is no date"),
        ("owner", "''", "a waiver says why, where and who"),
    ] {
        let mut waiver = [
            ("check", CHECK),
            ("observed", "400 invalid_grant"),
            ("reason", "old clients"),
            ("issue", "https://issues.example/42"),
            ("owner", "as-team"),
            ("expires", "2099-12-31"),
        ];
        waiver.iter_mut().filter(|(name, _)| *name == key).for_each(|(_, value)| *value = text);
        let lines: Vec<String> = waiver.iter().map(|(name, value)| format!("    {name}: {value}")).collect();
        let list = lines.join("\n").replacen("    check", "  - check", 1);
        fs::write(job.path("as.yaml"), format!("{before}\nwaivers:\n{list}\n")).unwrap();
        let line = before.lines().count() + 3 + waiver.iter().position(|(name, _)| *name == key).unwrap();
        let ran = job.txspec(&["check", "as.yaml"], Some("http://127.0.0.1:9")).ends(2).says(words);
        assert!(ran.err.contains(&format!("as.yaml:{line}:")), "{line} in\n{}", ran.err);
    }
    // Without an expiry there is no waiver.
    fs::write(job.path("as.yaml"), format!("{before}\nwaivers:\n  - {{ check: {CHECK}, observed: 400 invalid_grant, reason: r, issue: i, owner: o }}\n")).unwrap();
    job.txspec(&["check", "as.yaml"], Some("http://127.0.0.1:9")).ends(2).says("expires");
}

#[test]
fn a_waiver_of_a_scenario_that_nobody_knows_is_pointed_out() {
    let job = Job::new();
    let before = fs::read_to_string(job.path("as.yaml")).unwrap();
    let waiver = |scenario: &str| {
        format!(
            "{before}\nwaivers:\n  - {{ check: {CHECK}, scenario: {scenario}, observed: 400 invalid_grant, reason: r, issue: i, owner: o, expires: 2099-12-31 }}\n"
        )
    };
    fs::write(job.path("as.yaml"), waiver("[subject-alg-none, subject-token-expird]")).unwrap();
    let ran = job.txspec(&["check", "as.yaml"], Some("http://127.0.0.1:9")).ends(0);
    let ran = ran.says("warning[unknown-scenario]").says("did you mean `");
    assert!(!ran.err.contains("no scenario `subject-alg-none`"), "{}", ran.err);
    fs::write(job.path("as.yaml"), waiver("mine")).unwrap();
    job.txspec(&["check", "as.yaml"], Some("http://127.0.0.1:9")).ends(0).says("no scenario `mine`");
    // A scenario of one's own is known where its file is given as well.
    let own = "topic: own\nsection: own\nprofile: rfc8693-core\nscenarios:\n  - id: mine\n    title: A token\n    exchange: {}\n    expect:\n      success:\n        - claim: { at: /sub, same_as: subject }\n          covers: TX-2.1-subject-is-issued-subject\n";
    fs::write(job.path("own.yaml"), own).unwrap();
    let ran = job.txspec(&["check", "as.yaml", "own.yaml"], Some("http://127.0.0.1:9")).ends(0);
    assert!(!ran.err.contains("unknown-scenario"), "{}", ran.err);
}

#[test]
fn a_run_that_judges_nothing_says_whose_reports_lie_there() {
    let job = Job::new();
    let run = |more: &[&str]| {
        let arguments = ["run", "--target", "as.yaml", "--report-dir", "r", "--annotate", "github"];
        job.txspec(&[&arguments[..], more].concat(), Some("http://127.0.0.1:9"))
    };
    let first = run(&[]).ends(6).says("::error title=txspec%3A exit code 6::").says("nothing was judged");
    assert!(!first.err.contains("earlier run"), "{}", first.err);
    assert_eq!(first.err.matches("::error").count(), 1, "{}", first.err);
    fs::write(job.path("r/summary.md"), "# conformant").unwrap();
    run(&[]).ends(6).says("the reports in r are of an earlier run");
    run(&["--only", "no-such-*"])
        .ends(4)
        .says("the reports in r are of an earlier run")
        .says("exit code 4::");
    let quiet = run(&["--no-report"]).ends(6);
    assert!(!quiet.err.contains("earlier run"), "{}", quiet.err);
}
