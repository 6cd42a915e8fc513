//! What the command line promises: exit codes, clear errors at their place, libtest's flags, help. The program is run as
//! a user runs it.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// One run of the program.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(&self, words: &str) -> &Self {
        assert!(self.err.contains(words), "no `{words}` in:\n{}", self.err);
        self
    }

    #[track_caller]
    fn prints(&self, words: &str) -> &Self {
        assert!(self.out.contains(words), "no `{words}` in:\n{}", self.out);
        self
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_txspec"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["TXSPEC_ISSUER", "COLUMNS", "NO_COLOR", "CLICOLOR_FORCE", UNSET] {
        command.env_remove(name);
    }
    command
}

/// Runs the program; whatever happens, it does not panic.
#[track_caller]
fn txspec(arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    let ran = Ran {
        code: status.code().expect("ended by a signal"),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    };
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains("panicked"), "{text}");
    }
    ran
}

const UNSET: &str = "TXSPEC_TEST_VARIABLE_THAT_IS_NOT_SET";

/// A folder for the files of one test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Checks one file and expects a mistake in it.
#[track_caller]
fn mistake(name: &str, text: impl AsRef<[u8]>, words: &str) {
    let files = Files::new();
    let path = files.file(name, text);
    txspec(&["check", &path]).ends(2).says(words).says(&path);
}

/// A server on loopback that gives everyone the same answer; returns its address.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            thread::spawn(move || give(stream, answer));
        }
    });
    address
}

fn give(mut stream: TcpStream, answer: &str) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => seen.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
    let _ = stream.write_all(answer.as_bytes());
}

const FIVE_MISTAKES: &str = "\
topic: five mistakes
section: RFC 8693 §2.1
profile: rfc8693-core
scenarios:
  - id: unknown-requirement
    title: A requirement that does not exist
    from: impersonation
    edit: { drop: subject_token }
    expect:
      refusal: { row: missing-parameter, covers: TX-2.1-subject_token-requird }

  - id: unknown-control
    title: A control that does not exist
    from: impersonaton
    edit: { drop: subject_token_type }
    expect:
      refusal: { row: missing-parameter, covers: TX-2.1-subject_token_type-required }

  - id: unknown-key
    title: A key that does not exist
    form: impersonation
    edit: { drop: subject_token }
    expect:
      refusal: { row: missing-parameter, covers: TX-2.1-subject_token-required }

  - id: unknown-capability
    title: A capability that does not exist
    requires: [delegaton]
    from: impersonation
    edit: { drop: subject_token }
    expect:
      refusal: { row: missing-parameter, covers: TX-2.1-subject_token-required }

  - id: unknown-token
    title: A token role that does not exist
    exchange: { subject: usr }
";

#[test]
fn five_mistakes_in_a_scenario_file_are_shown_at_once_each_at_its_place() {
    let files = Files::new();
    let path = files.file("five.yaml", FIVE_MISTAKES);
    for arguments in [vec!["check", &path], vec!["run", "--scenarios", &path]] {
        let ran = txspec(&arguments);
        ran.ends(2).says("5 mistakes");
        for (place, near) in [
            ("10:50", "TX-2.1-subject_token-required"),
            ("14:11", "impersonation"),
            ("21:5", "from"),
            ("28:16", "delegation"),
            ("36:26", "user"),
        ] {
            ran.says(&format!("{path}:{place}")).says(&format!("^ did you mean `{near}`?"));
        }
    }
}

#[test]
fn mistakes_in_a_target_file_are_shown_at_once_each_at_its_place() {
    let files = Files::new();
    let target = format!(
        "name: Example\nissuer: http://127.0.0.1:9\nclients:\n  exchanger: {{ id: app, secret: \"${{{UNSET}}}\" }}\n\
         tokens:\n  user: {{ from: {{ client_credentials: {{ client: exchangr }} }} }}\nreading: lenient\n\
         audiences: {{ alowed: x }}\n"
    );
    let path = files.file("target.yaml", target);
    for arguments in
        [["check", &path].as_slice(), &["run", "--target", &path], &["doctor", "--target", &path]]
    {
        let ran = txspec(arguments);
        ran.ends(2).says(&format!("environment variable `{UNSET}` is not set"));
        for place in ["4:33", "6:49", "7:10", "8:14"] {
            ran.says(&format!("{path}:{place}"));
        }
    }
}

#[test]
fn a_misspelt_capability_hides_no_other_mistake_of_a_target() {
    let files = Files::new();
    let path = files.file(
        "target.yaml",
        "name: Example\nissuer: http://127.0.0.1:9\nclients:\n  exchanger: { id: app, secret: app }\ntokens:\n  \
         user: { from: { client_credentials: { client: exchangr } } }\ncapabilities: [delegaton]\n",
    );
    txspec(&["check", &path]).ends(2).says("did you mean `delegation`?").says("did you mean `exchanger`?");
}

#[test]
fn a_missing_file_is_named() {
    for arguments in [
        ["check", "no-such.yaml"].as_slice(),
        &["run", "--scenarios", "no-such.yaml"],
        &["run", "-t", "no-such.yaml"],
    ] {
        txspec(arguments).ends(2).says("file not found").says("no-such.yaml");
    }
}

#[test]
fn a_folder_in_place_of_a_target_file_is_refused() {
    txspec(&["run", "--target", "targets"]).ends(2).says("not a folder").says("targets");
}

#[test]
fn an_oversized_file_is_refused() {
    mistake("big.yaml", vec![b'#'; (1 << 20) + 1], "larger than 1048576 bytes");
}

#[test]
fn a_cyclic_document_is_refused() {
    mistake("cyclic.yaml", "topic: &a [*a]\n", "aliases are not supported");
    mistake("cyclic.yaml", "name: x\nclients: &c\n  exchanger: *c\n", "aliases are not supported");
}

#[test]
fn a_circle_of_controls_is_refused() {
    let scenario = |id: &str, from: &str| {
        format!(
            "  - id: {id}\n    title: A scenario\n    from: {from}\n    edit: {{ drop: subject_token }}\n    expect:\n      \
             refusal: {{ row: missing-parameter, covers: TX-2.1-subject_token-required }}\n"
        )
    };
    let text = format!(
        "topic: circle\nsection: s\nprofile: rfc8693-core\nscenarios:\n{}{}",
        scenario("one", "two"),
        scenario("two", "one")
    );
    mistake("circle.yaml", text, "its own control");
}

#[test]
fn documents_that_are_no_documents_are_refused() {
    mistake("deep.yaml", "[".repeat(20_000), "recursion limit");
    mistake("binary.yaml", b"\xff\xfe\x00", "not UTF-8");
    mistake("broken.yaml", "a: [\n", "not valid YAML");
    mistake("empty.yaml", "", "expected a mapping");
    mistake("number.yaml", "42\n", "expected a mapping, found the number 42");
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    mistake(
        "typed.yaml",
        "topic: t\nsection: s\nprofile: rfc8693-core\nscenarios:\n  - id: a\n    title: A\n    exchange: { parallel: many }\n",
        "expected a whole number, found the text `many`",
    );
}

#[test]
fn an_unreachable_server_ends_the_run_soon() {
    let started = Instant::now();
    txspec(&["run", "--target", "http://127.0.0.1:9"]).ends(6).says("does not answer").says("hint:");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    txspec(&["doctor", "--target", "http://127.0.0.1:9"]).ends(6).prints("hint:");
}

#[test]
fn a_server_that_answers_html_cannot_be_tested() {
    let address =
        server("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>");
    txspec(&["run", "--target", &address]).ends(6).says("not a JSON document (text/html)").says("hint:");
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere =
        server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/elsewhere\r\nContent-Length: 0\r\n\r\n");
    txspec(&["run", "--target", &elsewhere]).ends(6).says("redirects are not followed").says("hint:");
}

#[test]
fn a_server_that_says_nothing_ends_at_the_time_limit() {
    let files = Files::new();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let path = files.file(
        "silent.yaml",
        format!(
            "name: silent\nissuer: http://{}\nclients:\n  exchanger: {{ id: app }}\ntokens:\n  user: {{ from: {{ \
             client_credentials: {{ client: exchanger }} }} }}\nlimits: {{ request_timeout: 500ms }}\n",
            silent.local_addr().unwrap()
        ),
    );
    let started = Instant::now();
    txspec(&["run", "--target", &path]).ends(6).says("does not answer");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_token_source_that_fails_is_named() {
    let files = Files::new();
    let source = |source: &str| {
        format!(
            "name: Example\nissuer: http://127.0.0.1:9\nmetadata: none\nendpoints: {{ token: \"http://127.0.0.1:9/token\" }}\n\
             clients:\n  exchanger: {{ id: app, secret: app }}\ntokens:\n  user: {{ from: {{ {source} }} }}\n"
        )
    };
    for from in [
        "client_credentials: { client: exchanger }",
        "command: { run: [\"false\"] }",
        "command: { run: [no-such-program] }",
    ] {
        let path = files.file("target.yaml", source(from));
        txspec(&["run", "--target", &path]).ends(6).says("failed to obtain the token `user`").says("hint:");
    }
    for (from, word) in
        [(&format!("env: {UNSET}"), UNSET), (&"file: no-such-token.txt".to_owned(), "no-such-token")]
    {
        let path = files.file("target.yaml", source(from));
        txspec(&["run", "--target", &path]).ends(2).says(&format!("{path}:8:")).says(word);
    }
}

#[test]
fn a_filter_that_matches_nothing_ends_with_its_own_code() {
    for arguments in [
        ["run", "no-test-is-called-so"].as_slice(),
        &["run", "--only", "no-such-*"],
        &["run", "--exact", "impersonation"],
        &["run", "--skip", ""],
    ] {
        txspec(arguments).ends(4).says("no scenario to run");
    }
}

#[test]
fn a_filter_that_nearly_matches_is_told_what_it_may_have_meant() {
    for (arguments, words) in [
        (["run", "--only", "JB-3.1"].as_slice(), "did you mean `--only 'JB-3.1*'`?"),
        (&["run", "--only", "subject-algnone"], "did you mean `subject-alg-none`"),
        (&["run", "--only", "TX-2.1-subject_token-requird"], "did you mean `TX-2.1-subject_token-required`?"),
        (
            &["run", "--profile", "core", "--only", "foreign-actor"],
            "the scenario `foreign-actor` is one of `--profile rfc8693-security`",
        ),
        (&["run", "subject-algnone"], "did you mean `subject-alg-none`"),
        (&["run", "--exact", "impersonation"], "did you mean `impersonation::impersonation`?"),
        (&["run", "--only", "qqq"], "`txspec list scenarios`"),
    ] {
        txspec(arguments).ends(4).says(words);
    }
}

#[test]
fn a_file_of_another_kind_is_one_mistake() {
    let files = Files::new();
    let scenarios = files.file("a.yaml", "topic: t\nsection: s\nprofile: rfc8693-core\nscenarios: []\n");
    let target = files.file("b.yaml", "name: n\nissuer: http://127.0.0.1:9\nclients: {}\ntokens: {}\n");
    for (arguments, words) in [
        (["run", "--target", &scenarios], "this is a scenario file, and a target file was expected"),
        (["run", "--scenarios", &target], "this is a target file, and a scenario file was expected"),
    ] {
        let ran = txspec(&arguments);
        ran.ends(2).says(words).says("1 mistake");
        assert_eq!(ran.err.matches("error[").count(), 1, "{}", ran.err);
    }
}

#[test]
fn check_counts_the_mistakes_of_a_target_and_shows_the_warnings_of_scenarios() {
    let files = Files::new();
    let target = files.file("b.yaml", "name: n\nissuer: http://127.0.0.1:9\nclients: {}\ntokens: {}\n");
    txspec(&["check", &target]).ends(2).says("\n2 mistakes");
    let own = files.file(
        "a.yaml",
        "topic: t\nsection: s\nprofile: rfc8693-core\nscenarios:\n  - id: mine\n    title: t\n    from: impersonation\n    edit: { \
         set: { audiance: x } }\n    expect: { refusal: { row: unknown-target, covers: TX-2.2.2-invalid_target } }\n",
    );
    txspec(&["check", &own])
        .ends(0)
        .says("warning[near-miss]")
        .says("did you mean `audience`?")
        .prints("ok: ");
}

#[test]
fn a_target_that_comes_along_can_be_read() {
    let ran = txspec(&["explain", "okta"]);
    ran.ends(0).prints("OKTA_CLIENT_SECRET").prints("issuer: ${OKTA_URL}");
    let folder = Files::new();
    let path = folder.file("okta.yaml", &ran.out);
    assert!(txspec(&["check", &path]).err.contains("the environment variable `OKTA_URL` is not set"));
    txspec(&["explain", "okt"]).ends(2).says("did you mean `okta`?");
    txspec(&["list", "targets"]).ends(0).prints("txspec explain NAME");
}

#[test]
fn what_is_no_recording_is_told_from_what_is_no_report() {
    txspec(&["judge", "no-such-file"])
        .ends(2)
        .says("a recording is the file that `txspec run --record FILE` wrote");
    txspec(
        &["waivers", "update", "no-such-file", "--target", "t.yaml", "--reason", "r", "--issue", "AS-1"]
            .into_iter()
            .chain(["--owner", "o", "--expires", "2099-01-01"])
            .collect::<Vec<_>>(),
    )
    .ends(2)
    .says("a report is the file report.json");
}

#[test]
fn a_server_that_wants_tls_is_told_by_its_answer() {
    let answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 58\r\n\r\n\
                  <h1>The plain HTTP request was sent to HTTPS port</h1>    ";
    txspec(&["run", "--target", &server(answer), "--no-report"])
        .ends(6)
        .says("try the address with https://");
    let alert = "\x15\x03\x01\x00\x02\x02\x16";
    txspec(&["run", "--target", &server(alert), "--no-report"]).ends(6).says("try the address with https://");
}

#[test]
fn wrong_usage_is_told_from_all_else() {
    for arguments in [
        [].as_slice(),
        &["rum"],
        &["run", "--profile", "nope"],
        &["run", "--only", "["],
        &["run", "--target", "no-such-target"],
        &["run", "--target", "http://"],
        &["run", "--allow-inconclusive", "nope"],
        &["run", "--client-id", "app"],
        &["run", "--target", "http://127.0.0.1:9", "--client-secret-env", UNSET],
        &["explain", "no-such-id"],
        &["serve", "--fault", "no-such-fault"],
        &["prove", "--fault", "no-such-fault"],
        &["schema", "nope"],
    ] {
        let ran = txspec(arguments);
        ran.ends(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{arguments:?}");
    }
    txspec(&["explain", "TX-2.1-subject_token-requird"])
        .says("did you mean `TX-2.1-subject_token-required`?");
}

#[test]
fn a_folder_that_takes_no_reports_is_refused_before_anything_is_sent() {
    let files = Files::new();
    let file = files.file("a-file", "");
    let ran = txspec(&["run", "--report-dir", &format!("{file}/reports"), "impersonation::"]);
    ran.ends(2).says("--report-dir");
    assert!(!ran.out.contains("running"), "{}", ran.out);
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let files = Files::new();
    let folder = files.path("a-folder");
    fs::create_dir(&folder).unwrap();
    let kept = files.file("kept.har", "what was there");
    for flag in ["--har", "--record"] {
        for path in [&folder, &files.path("absent/file")] {
            let path = path.display().to_string();
            let arguments = ["run", "--no-report", "--only", "impersonation", flag, &path];
            let ran = txspec(&arguments);
            ran.ends(2)
                .says(&format!("failed to write {path}"))
                .says(&format!("choose another file with {flag}"));
            assert!(!ran.out.contains("running"), "{}", ran.out);
        }
        // A run that does not begin leaves what is there as it is, and nothing new.
        let fresh = files.path("fresh").display().to_string();
        for path in [&kept, &fresh] {
            let arguments = ["run", "--no-report", "--target", "http://127.0.0.1:9", flag, path];
            txspec(&arguments).ends(6);
        }
    }
    assert_eq!(read(Path::new(&kept)), "what was there");
    assert_eq!(fs::read_dir(files.0.path()).unwrap().count(), 2);
}

/// What was judged stands and is told, though a file of it is lost; only a green gate may not stay green.
#[test]
fn a_file_that_cannot_be_written_in_the_end_hides_no_verdict() {
    let files = Files::new();
    let taken = files.path("reports");
    fs::create_dir_all(taken.join("junit.xml")).unwrap();
    let taken = taken.display().to_string();
    let ran = txspec(&["run", "--only", "impersonation", "--report-dir", &taken]);
    ran.ends(2).prints("PARTIAL").says("choose another folder with --report-dir");
    if Path::new("/dev/full").exists() {
        for flag in ["--har", "--record"] {
            let ran = txspec(&["run", "--no-report", "--only", "impersonation", flag, "/dev/full"]);
            ran.ends(2).prints("PARTIAL").says(&format!("choose another file with {flag}"));
        }
    }
}

/// A mistake of form can hide others: who mends it should know that more may come.
#[test]
fn check_says_when_names_were_not_looked_at() {
    let files = Files::new();
    let text = "name: x\nissuer: https://as.example.com\nclients: { exchanger: { id: app }, exchangr: {} }\ntokens: { user: { from: { client_credentials: { client: exchangr } } } }\n";
    let later = "names, roles and readings are checked once";
    let hidden = files.file("hidden.yaml", text);
    txspec(&["check", &hidden])
        .ends(2)
        .says("the key `id` is missing")
        .says(&format!("{later} this is mended"));
    let both = files.file("both.yaml", text.replace("id: app", "id: 5"));
    txspec(&["check", &both]).ends(2).says("2 mistakes").says(&format!("{later} these are mended"));
    let shown = files.file("shown.yaml", text.replace("{}", "{ id: a }"));
    let ran = txspec(&["check", &shown]);
    ran.ends(2).says("no client role `exchangr`");
    assert!(!ran.err.contains(later), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn serve_says_of_each_fault_what_it_changed() {
    let faults = ["--fault", "no-cache-control", "--fault", "alg-none-accepted"];
    let mut serving = command(&[&["serve"][..], &faults].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(serving.stdout.take().unwrap()).lines();
    let issuer = said.next().unwrap().unwrap().strip_prefix("issuer: ").unwrap().to_owned();
    let last = said.find(|line| line.as_ref().unwrap().contains("Ctrl-C"));
    assert!(last.is_some());
    let _ = txspec(&[
        "run",
        "--no-report",
        "--target",
        "reference",
        "--issuer",
        &issuer,
        "--only",
        "impersonation",
    ]);
    // Ctrl-C is heard a moment after it is spoken of.
    thread::sleep(Duration::from_millis(300));
    let id = serving.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut told = String::new();
    serving.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(serving.wait().unwrap().success(), "{told}");
    assert!(told.contains("fault alg-none-accepted changed nothing\n"), "{told}");
    assert!(
        told.contains("fault no-cache-control changed ")
            && !told.contains("no-cache-control changed nothing"),
        "{told}"
    );
}

#[test]
fn a_run_writes_reports_that_fit_their_schema() {
    let files = Files::new();
    let folder = files.path("reports");
    txspec(&["run", "--report-dir", &folder.display().to_string(), "grant-type::"])
        .ends(0)
        .prints("test result: ok");
    let report: Value = serde_json::from_str(&read(&folder.join("report.json"))).unwrap();
    let schema: Value = serde_json::from_str(&read(Path::new("schemas/report.schema.json"))).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(report["format"], 1);
    assert!(read(&folder.join("junit.xml")).starts_with("<?xml"));
    assert!(read(&folder.join("summary.md")).starts_with("# "));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// The names that `run --list` prints.
fn listed(arguments: &[&str]) -> Vec<String> {
    let all = [["run", "--list"].as_slice(), arguments].concat();
    let ran = txspec(&all);
    ran.ends(0);
    ran.out.lines().filter_map(|line| line.strip_suffix(": test").map(str::to_owned)).collect()
}

/// The names of the tests that ran, in the order of the output.
fn ran(output: &str) -> Vec<String> {
    output
        .lines()
        .filter_map(|line| {
            line.strip_prefix("test ")?.split_once(" ... ").map(|(name, _)| name.trim().to_owned())
        })
        .collect()
}

#[test]
fn list_prints_names_and_sends_nothing() {
    let all = listed(&[]);
    assert!(all.len() >= 80, "{} tests", all.len());
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len());
    assert!(all.contains(&"impersonation::impersonation".to_owned()));
    assert_eq!(listed(&["--format", "terse"]), all);
    assert_eq!(listed(&["--target", "http://127.0.0.1:9"]), all);
    let core = listed(&["--profile", "rfc8693-core"]);
    assert!(core.len() < all.len() && core.iter().all(|name| all.contains(name)));
}

#[test]
fn filters_are_those_of_libtest() {
    let run = |arguments: &[&str]| {
        let ran_ = txspec(&[["run", "--no-report"].as_slice(), arguments].concat());
        ran_.ends(0);
        ran(&ran_.out)
    };
    let topic = listed(&["grant-type::"]);
    assert!(topic.len() > 3);
    assert_eq!(run(&["grant-type::", "--test-threads", "1"]), topic);
    assert_eq!(run(&["--exact", &topic[0]]), topic[..1]);
    let (first, rest) = topic.split_first().unwrap();
    let kept = listed(&["grant-type::", "--skip", first]);
    assert!(rest.iter().filter(|name| !name.contains(first.as_str())).eq(&kept));
    assert_eq!(run(&["grant-type::", "--skip", first, "--test-threads", "1"]), kept);
}

#[test]
fn json_is_json_line_by_line() {
    let ran = txspec(&["run", "--no-report", "--format", "json", "grant-type::"]);
    ran.ends(0).says("PARTIAL");
    let events: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.first().unwrap()["type"], "suite");
    assert_eq!(events.last().unwrap()["event"], "ok");
    assert_eq!(events.iter().filter(|e| e["event"] == "ok").count(), listed(&["grant-type::"]).len() + 1);
}

#[test]
fn terse_prints_a_character_per_test() {
    let ran = txspec(&["run", "--no-report", "--quiet", "grant-type::"]);
    ran.ends(0).prints(&".".repeat(listed(&["grant-type::"]).len()));
}

#[test]
fn a_closed_pipe_is_no_error() {
    for arguments in [["run", "--list"].as_slice(), &["run", "--no-report"], &["list", "requirements"]] {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
        assert_ne!(output.status.code(), Some(101), "{arguments:?}");
    }
}

#[test]
fn colour_is_there_only_when_asked_for() {
    let plain = txspec(&["run", "--no-report", "--exact", "impersonation::impersonation"]);
    assert!(!plain.ends(0).out.contains('\u{1b}'));
    let coloured =
        txspec(&["run", "--no-report", "--exact", "impersonation::impersonation", "--color", "always"]);
    assert!(coloured.ends(0).out.contains('\u{1b}'));
}

const COMMANDS: [&str; 12] = [
    "run", "list", "check", "doctor", "init", "explain", "compare", "judge", "waivers", "prove", "serve",
    "schema",
];

#[test]
fn help_reads_well() {
    let overview = txspec(&["--help"]);
    let listed = overview.out.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed: Vec<&str> = listed
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(listed[..listed.len() - 1], COMMANDS, "a command has no snapshot");
    insta::assert_snapshot!("help", overview.ends(0).out);
    for command in COMMANDS {
        insta::assert_snapshot!(format!("help-{command}"), txspec(&[command, "--help"]).ends(0).out);
    }
    insta::assert_snapshot!("help-waivers-update", txspec(&["waivers", "update", "--help"]).ends(0).out);
}

#[test]
fn the_examples_in_help_name_things_that_exist() {
    let ids = |what: &str| -> BTreeSet<String> {
        let rows: Vec<Value> =
            serde_json::from_str(&txspec(&["list", what, "--format", "json"]).ends(0).out).unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let (faults, targets) = (ids("faults"), ids("targets"));
    for command in COMMANDS {
        let help = txspec(&[command, "--help"]).out;
        for line in help.lines().filter(|line| line.starts_with("  txspec ")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for pair in words.windows(2) {
                match *pair {
                    ["explain", id] if id != "--all" => drop(txspec(&["explain", id]).ends(0)),
                    ["--fault", id] => assert!(faults.contains(id), "{line}"),
                    ["--target", name] if !name.contains(['.', ':']) => {
                        assert!(targets.contains(name), "{line}")
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn every_slip_in_a_target_file_is_told_at_its_place() {
    let files = Files::new();
    let text = "\u{feff}name: b
issuer: http://127.0.0.1:1
clients:
  exchanger: { id: app, secret: \"${NO PE}\" }
  second: { id: x, secret: \"ab\" }
  private_key_jwt: { id: x, auth: private_key_jwt, key_file: absent.pem }
tokens:
  user: { type: access-token, from: { static: \"\" }, pointer: access_token }
  opaque: { from: { file: absent.txt } }
limits: { max_body: 0 }
";
    let ran = txspec(&["check", &files.file("b.yaml", text)]);
    ran.ends(2);
    let told: Vec<&str> = ran.err.lines().filter(|l| l.contains("]: ") || l.contains("--> ")).collect();
    let told: Vec<String> = told
        .chunks(2)
        .map(|pair| {
            let code = pair[0].split(['[', ']']).nth(1).unwrap();
            format!("{code} {}", pair[1].rsplit("b.yaml:").next().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            "wrong-variable 4:33",
            "short-secret 5:28",
            "file-unreadable 6:62",
            "unknown-type 8:17",
            "empty-secret 8:47",
            "wrong-pointer 8:62",
            "file-unreadable 9:27",
            "wrong-value 10:21",
        ]
    );
    let bare = files.file("c.yaml", "name: c\nclients: { exchanger: { id: app, secret: ${SEC} } }\n");
    txspec(&["check", &bare]).ends(2).says("put text with ${…} in quotes");
    txspec(&["run", "--target", "ftp://as.example"])
        .ends(2)
        .says("begins with http:// or https://, not ftp://");
    txspec(&["run", "--target", "HTTP://127.0.0.1:9"]).ends(6).says("does not answer");
}

/// Metadata of another issuer is used only for what lies below the address that the user gave (RFC 8414 section 3.3).
#[test]
fn credentials_do_not_go_where_the_metadata_of_another_issuer_points() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    let bodies = [
        format!(r#"{{"issuer":"{own}/realms/b","token_endpoint":"{own}/realms/b/token"}}"#),
        format!(r#"{{"token_endpoint":"{own}/token"}}"#),
    ];
    let server = thread::spawn(move || {
        let mut paths = Vec::new();
        for body in bodies {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap();
            paths.push(String::from_utf8_lossy(&buffer[..read]).lines().next().unwrap().to_owned());
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
        paths
    });
    for whose in ["belongs to another issuer", "names no issuer"] {
        txspec(&["run", "--target", &format!("{own}/realms/a"), "--no-report"]).ends(6).says(whose);
    }
    assert!(server.join().unwrap().iter().all(|p| p.contains("/.well-known/")));
}
