//! Servers that falter, and users that lose patience: a lock-out makes no refusal look right, silence ends a run early,
//! and Ctrl-C keeps what was judged.

mod raw;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use raw::{Act, RawServer, Received, Reply, forward};
use serde_json::Value;
use tempfile::TempDir;
use txspec::reference::{Options, ReferenceServer};

/// What a locked-out client is told: a refusal that fits most negative scenarios.
const LOCKED: &str = r#"{"error":"invalid_request","error_description":"locked out"}"#;

/// The reference server behind a proxy that deals with every exchange as `wrong` says; `None` hands it on.
async fn behind(
    reference: &ReferenceServer,
    wrong: impl Fn(usize) -> Option<Reply> + Send + Sync + 'static,
) -> RawServer {
    let upstream = reference.issuer().to_owned();
    let exchanges = AtomicUsize::new(0);
    RawServer::start(move |request: &Received| {
        let exchange = request.param("grant_type").is_some_and(|g| g.ends_with(":token-exchange"));
        let number = if exchange { exchanges.fetch_add(1, Ordering::SeqCst) } else { 0 };
        if let Some(reply) = wrong(number).filter(|_| exchange) {
            return reply;
        }
        forwarded(request, &upstream)
    })
    .await
}

fn forwarded(request: &Received, upstream: &str) -> Reply {
    let (status, headers, body) = tokio::task::block_in_place(|| forward(request, upstream));
    let fields: Vec<(&str, &str)> = headers
        .iter()
        .filter(|(name, _)| !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Reply::http(status, &fields, body)
}

/// A target file like the reference's own, whose token endpoint is the proxy.
fn target(folder: &Path, proxy: &RawServer, more: &str) {
    let text = txspec::target::embedded("reference").unwrap();
    let own = format!("endpoints: {{ token: \"{}/token\" }}\n{more}\nclients:", proxy.url());
    let text = match more {
        "" => text.to_owned(),
        _ => text.replacen("limits: { concurrency: 8, budget: 20000 }", "", 1),
    };
    fs::write(folder.join("target.yaml"), text.replacen("clients:", &own, 1)).unwrap();
}

fn command(folder: &Path, issuer: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_txspec"));
    command
        .args(["run", "--target", "target.yaml", "--report-dir", "reports", "--quiet"])
        .args(arguments)
        .current_dir(folder)
        .env("TXSPEC_ISSUER", issuer)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn run(folder: &Path, issuer: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = command(folder, issuer, arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = output.stderr.into_iter().chain(output.stdout).collect();
    (output.status.code().unwrap(), String::from_utf8(told).unwrap())
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("reports/report.json")).unwrap()).unwrap()
}

/// Scenarios of which an exchange was answered with the lock-out's words, and their verdicts.
fn touched(report: &Value) -> Vec<(&str, &str)> {
    let locked = |scenario: &&Value| scenario["exchanges"].to_string().contains("locked out");
    let scenarios = report["scenarios"].as_array().unwrap().iter().filter(locked);
    scenarios.map(|s| (s["id"].as_str().unwrap(), s["verdict"].as_str().unwrap())).collect()
}

/// Only requests that one client in turn makes can be counted.
const ONE_BY_ONE: [&str; 2] = ["--test-threads", "1"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_out_in_the_middle_makes_no_refusal_look_right() {
    let reference = ReferenceServer::start(Options::default()).await.unwrap();
    let proxy =
        behind(&reference, |number| (200..400).contains(&number).then(|| Reply::json(400, LOCKED))).await;
    let folder = TempDir::new().unwrap();
    target(folder.path(), &proxy, "");
    let (code, error) = run(folder.path(), reference.issuer(), &ONE_BY_ONE).await;
    let report = report(folder.path());
    let touched = touched(&report);
    assert!(touched.len() > 50, "{}", touched.len());
    for (id, verdict) in &touched {
        assert_eq!(*verdict, "inconclusive", "{id}");
    }
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("taken back: "), "lines of libtest stand uncontradicted: {error}");
    let passed = report["counts"]["pass"].as_u64().unwrap();
    assert!(passed > 300, "what was asked before and after counts: {passed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refusals_at_random_are_not_believed() {
    let reference = ReferenceServer::start(Options::default()).await.unwrap();
    let proxy = behind(&reference, |number| {
        (number > 3 && number.is_multiple_of(3)).then(|| Reply::json(400, LOCKED))
    })
    .await;
    let folder = TempDir::new().unwrap();
    target(folder.path(), &proxy, "");
    let (code, error) = run(folder.path(), reference.issuer(), &ONE_BY_ONE).await;
    assert!([1, 3].contains(&code), "{code} {error}");
    let report = report(folder.path());
    let touched = touched(&report);
    assert!(touched.len() > 50, "{}", touched.len());
    for (id, verdict) in &touched {
        assert_ne!(*verdict, "pass", "{id}");
    }
}

/// Any side may close a connection at any time (RFC 9112 section 9.5).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_closes_its_connections_without_a_word_is_judged_all_the_same() {
    for after in [0, 15] {
        let reference = ReferenceServer::start(Options::default()).await.unwrap();
        let upstream = reference.issuer().to_owned();
        let proxy = RawServer::start(move |request: &Received| {
            let mut reply = forwarded(request, &upstream);
            reply.keep = false;
            reply.acts.push(Act::Wait(Duration::from_millis(after)));
            reply
        })
        .await;
        let folder = TempDir::new().unwrap();
        target(folder.path(), &proxy, "");
        let (code, error) = run(folder.path(), reference.issuer(), &["--profile", "core"]).await;
        let report = report(folder.path());
        assert_eq!(code, 0, "{after} ms: {} {error}", report["counts"]);
        assert_eq!(report["counts"]["inconclusive"], 0, "{after} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_falls_silent_ends_the_run_early() {
    let reference = ReferenceServer::start(Options::default()).await.unwrap();
    let silence = || Reply::acts(vec![Act::Wait(Duration::from_secs(60))]);
    let proxy = behind(&reference, move |number| (number > 40).then(silence)).await;
    let folder = TempDir::new().unwrap();
    target(folder.path(), &proxy, "limits: { request_timeout: 300ms, concurrency: 4 }\n");
    let started = Instant::now();
    let (code, error) = run(folder.path(), reference.issuer(), &[]).await;
    let time = started.elapsed();
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("the server stopped answering"), "{error}");
    // Every scenario to its time limit would take more than a minute.
    assert!(time < Duration::from_secs(30), "{time:?}");
    let report = report(folder.path());
    assert!(report["counts"]["pass"].as_u64().unwrap() > 5, "{}", report["counts"]);
    assert_eq!(report["interrupted"], true);
}

/// Sends a signal as soon as the program has come to the point; how long it then lives, its exit code and what it says.
#[cfg(unix)]
fn interrupted(
    mut command: Command,
    signal: &str,
    at_the_point: impl Fn() -> bool,
) -> (Duration, Option<i32>, String) {
    let child = command.spawn().unwrap();
    let patience = Instant::now();
    while !at_the_point() {
        assert!(patience.elapsed() < Duration::from_secs(60), "the program never came to the point");
        std::thread::sleep(Duration::from_millis(20));
    }
    let started = Instant::now();
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    (started.elapsed(), output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A person presses Ctrl-C or closes the terminal, a CI system that cancels a job terminates it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_interrupted_run_leaves_valid_files() {
    let reference = Arc::new(ReferenceServer::start(Options::default()).await.unwrap());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    for signal in ["-INT", "-TERM", "-HUP"] {
        if signal == "-HUP" && ignored & 1 == 1 {
            eprintln!(
                "SKIP -HUP: these tests were started by nohup, which says that nobody wants to hear of it"
            );
            continue;
        }
        let stuck = Arc::new(AtomicBool::new(false));
        let sticks = Arc::clone(&stuck);
        let slow = behind(&reference, move |number| {
            sticks.fetch_or(number > 20, Ordering::Relaxed);
            (number > 20).then(|| Reply::acts(vec![Act::Wait(Duration::from_secs(60))]))
        })
        .await;
        let folder = TempDir::new().unwrap();
        target(folder.path(), &slow, "limits: { request_timeout: 50s, concurrency: 2 }\n");
        let files = ["--record", "run.recording", "--har", "run.har", "--events", "events.jsonl"];
        let command = command(folder.path(), reference.issuer(), &files);
        let at_the_point = move || stuck.load(Ordering::Relaxed);
        let (time, code, error) =
            tokio::task::spawn_blocking(move || interrupted(command, signal, at_the_point)).await.unwrap();
        assert_eq!(code, Some(3), "{signal}: {error}");
        // Without the interruption, it would have been 50 s.
        assert!(time < Duration::from_secs(20), "{time:?}");
        let live = report(folder.path());
        assert_eq!(live["interrupted"], true);
        assert!(live["counts"]["pass"].as_u64().unwrap() > 3, "{}", live["counts"]);
        for file in ["junit.xml", "summary.md", "report.html"] {
            assert!(fs::metadata(folder.path().join("reports").join(file)).unwrap().len() > 500, "{file}");
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();

        let har: Value = serde_json::from_str(&read("run.har")).unwrap();
        let sent: usize = live["scenarios"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| {
                let exchanges = s["exchanges"].as_array().unwrap();
                exchanges.iter().filter(|e| !e["started"].is_null()).count()
            })
            .sum();
        assert!(sent > 10 && har["log"]["entries"].as_array().unwrap().len() == sent, "{sent}");

        let events = read("events.jsonl");
        let types: Vec<String> = events
            .lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap()["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(types.first().map(String::as_str), Some("started"));
        assert_eq!(types.last().map(String::as_str), Some("ended"));

        let judged = Command::new(env!("CARGO_BIN_EXE_txspec"))
            .args(["judge", "run.recording", "--report-dir", "again"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(judged.status.code(), Some(3), "{}", String::from_utf8_lossy(&judged.stderr));
        assert!(read("reports/report.json") == read("again/report.json"), "{signal}: judged otherwise");
        let left = fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
        let left = left.filter(|f| f.file_name().to_string_lossy().ends_with(".tmp")).count();
        assert_eq!(left, 0, "half a file is left");
    }
}

/// Whoever is locked out and then interrupted has seen refusals that no control speaks for.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_refused_before_an_interruption_is_held_against_nobody() {
    let reference = ReferenceServer::start(Options::default()).await.unwrap();
    let stuck = Arc::new(AtomicBool::new(false));
    let sticks = Arc::clone(&stuck);
    let proxy = behind(&reference, move |number| {
        sticks.fetch_or(number > 206, Ordering::Relaxed);
        match number {
            ..=200 => None,
            201..=206 => Some(Reply::json(400, LOCKED)),
            _ => Some(Reply::acts(vec![Act::Wait(Duration::from_secs(60))])),
        }
    })
    .await;
    let folder = TempDir::new().unwrap();
    target(folder.path(), &proxy, "limits: { request_timeout: 50s, concurrency: 1 }\n");
    let command = command(folder.path(), reference.issuer(), &ONE_BY_ONE);
    let (_, code, error) = tokio::task::spawn_blocking(move || {
        interrupted(command, "-INT", move || stuck.load(Ordering::Relaxed))
    })
    .await
    .unwrap();
    assert_eq!(code, Some(3), "{error}");
    let report = report(folder.path());
    let touched = touched(&report);
    assert!(touched.len() > 3, "{}", touched.len());
    for (id, verdict) in &touched {
        assert_eq!(*verdict, "inconclusive", "{id}");
    }
    assert!(report["counts"]["pass"].as_u64().unwrap() > 50, "{}", report["counts"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ctrl_c_does_not_wait_for_token_sources() {
    let reference = ReferenceServer::start(Options::default()).await.unwrap();
    for silent in [false, true] {
        let folder = TempDir::new().unwrap();
        let started = folder.path().join("started");
        let mut source = "user: { from: { static: some-token-of-a-user } }".to_owned();
        let mut issuer = reference.issuer().to_owned();
        if silent {
            // Discovery gets no answer.
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            issuer = format!("http://{}", listener.local_addr().unwrap());
            let started = started.clone();
            std::thread::spawn(move || {
                let connection = listener.accept();
                fs::write(started, "").unwrap();
                std::thread::sleep(Duration::from_secs(60));
                drop(connection);
            });
        } else {
            let script = format!("touch '{}'; sleep 40", started.display());
            source =
                format!("user: {{ from: {{ command: {{ run: [sh, -c, \"{script}\"], timeout: 1m }} }} }}");
        }
        let text = format!(
            "name: slow\nissuer: {issuer}\nclients: {{ exchanger: {{ id: app, secret: app-secret }} }}\ntokens: {{ {} }}\nlimits: {{ request_timeout: 50s }}\n",
            source
        );
        fs::write(folder.path().join("target.yaml"), text).unwrap();
        let command = command(folder.path(), &issuer, &[]);
        let (time, code, error) =
            tokio::task::spawn_blocking(move || interrupted(command, "-INT", || started.exists()))
                .await
                .unwrap();
        assert_eq!(code, Some(3), "{source}: {error}");
        assert!(error.contains("interrupted before anything was judged"), "{source}: {error}");
        assert!(time < Duration::from_secs(20), "{source}: {time:?}");
    }
}
