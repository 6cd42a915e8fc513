//! No secret, token, assertion or Basic header reaches a report, a log or the terminal: the suite runs against
//! servers that repeat everything they receive, in every encoding and place, and what came of it is searched for every
//! secret of the target and every token of the run.

mod leak;
mod raw;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use leak::{Scanner, spellings};
use raw::{RawServer, Received, Reply};
use serde_json::{Value, json};
use txspec::{
    reference::{Options, ReferenceServer},
    token::b64,
};

/// Secrets of the target and tokens of the run, with a name each.
#[derive(Clone, Default)]
struct Secrets(Arc<Mutex<BTreeSet<(String, String)>>>);

impl Secrets {
    fn add(&self, name: &str, secret: &str) {
        if secret.len() >= 6 {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert((name.to_owned(), secret.to_owned()));
        }
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// What a request shows of credentials and tokens.
    fn add_request(&self, request: &Received) {
        for (name, value) in request.form() {
            let signed = value.starts_with("ey") && value.rsplit('.').next().is_some_and(|s| s.len() >= 40);
            if signed && value.matches('.').count() == 2 && value.len() < 8192 {
                self.add(&format!("{name} sent"), &value);
            }
        }
        let proof = request.header("dpop");
        if proof.starts_with("ey") {
            self.add("DPoP proof", proof);
        }
        let authorization = request.header("authorization");
        if let Some(basic) = authorization.strip_prefix("Basic ").filter(|b| b.len() > 12 && !b.contains('%'))
        {
            // What txspec makes up itself is no secret.
            let pair = unbase64(basic);
            if !pair.contains("txspec-") {
                self.add("Basic header", basic.trim_end_matches('='));
            }
        }
    }

    /// The tokens that a response issues.
    fn add_response(&self, body: &[u8]) {
        let Ok(json) = serde_json::from_slice::<Value>(body) else { return };
        for name in ["access_token", "refresh_token", "id_token", "token"] {
            if let Some(token) = json.get(name).and_then(Value::as_str) {
                self.add(&format!("{name} issued"), token);
            }
        }
    }
}

fn unbase64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    String::from_utf8_lossy(&STANDARD.decode(text).unwrap_or_default()).into_owned()
}

/// Everything that came, in every spelling, for a header or a body.
fn echo(request: &Received) -> Vec<String> {
    let mut parts: Vec<String> = vec![
        request.path.clone(),
        request.header("authorization").to_owned(),
        request.header("dpop").to_owned(),
        request.header("x-api-key").to_owned(),
        String::from_utf8_lossy(&request.body).into_owned(),
    ];
    parts.extend(request.form().into_iter().map(|(_, value)| value));
    if let Some(basic) = request.header("authorization").strip_prefix("Basic ") {
        let pair = unbase64(basic);
        parts.extend(pair.split(':').map(str::to_owned));
        parts.push(pair);
    }
    parts.retain(|p| p.len() >= 6 && p.len() < 2500);
    // Each answer repeats everything in one spelling; over a run, everything comes in all of them.
    let pick = |i: usize, part: &String| {
        let mut all = spellings(part);
        let turn = (request.number + i) % all.len();
        std::mem::take(&mut all[turn].1)
    };
    parts.iter().enumerate().map(|(i, part)| pick(i, part)).collect()
}

fn header_safe(text: &str) -> String {
    text.chars().filter(|c| (' '..='~').contains(c) && *c != '"').collect()
}

/// A response that repeats a request in every place that there is.
fn repeating(request: &Received, status: u16, headers: &[(String, String)], body: &[u8]) -> Reply {
    let echo = echo(request);
    let mut fields: Vec<(String, String)> = headers
        .iter()
        .filter(|(n, _)| !["content-length", "transfer-encoding", "connection"].contains(&n.as_str()))
        .cloned()
        .collect();
    let places = ["x-echo", "www-authenticate", "set-cookie", "location", "link", "dpop-nonce-echo"];
    for (i, text) in echo.iter().enumerate() {
        if !(i + request.number).is_multiple_of(3) {
            continue;
        }
        let text = header_safe(text);
        fields.push(match places[i % places.len()] {
            "www-authenticate" => ("www-authenticate".into(), format!("Basic realm=\"{text}\"")),
            "set-cookie" => ("set-cookie".into(), format!("session{i}={text}")),
            "location" => ("location".into(), format!("https://elsewhere.example/?{text}")),
            other => (other.into(), text),
        });
    }
    let body = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut members)) => {
            let refused = members.contains_key("error");
            if refused {
                members.insert("error_description".into(), json!(echo.join(" ")));
                members.insert("error_uri".into(), json!(echo.first()));
            } else {
                members.insert("echo".into(), json!(echo));
            }
            if let Some(text) = echo.get(request.number % echo.len().max(1)) {
                members.insert(text.clone(), json!(1));
            }
            Value::Object(members).to_string()
        }
        _ => format!("{} {}", String::from_utf8_lossy(body), echo.join("\n")),
    };
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Reply::http(status, &fields, body)
}

/// Hands a request to the reference server and repeats it in the answer.
fn forwarded(request: &Received, upstream: &str, secrets: &Secrets) -> Reply {
    secrets.add_request(request);
    let (status, headers, body) = raw::forward(request, upstream);
    let body = body.as_slice();
    secrets.add_response(body);
    repeating(request, status, &headers, body)
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("canary-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn txspec(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_txspec"));
    command
        .args(arguments)
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.envs(variables.iter().copied());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Runs everything that shows what a server said, and returns what it showed.
async fn artefacts(folder: &Folder, variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    let runs: [(&str, &[&str]); 4] = [
        (
            "run",
            &[
                "run",
                "--target",
                "target.yaml",
                "--report-dir",
                "reports",
                "--record",
                "reports/run.recording",
                "--har",
                "reports/run.har",
                "--events",
                "reports/events.jsonl",
                "--annotate",
                "github",
            ],
        ),
        ("judge", &["judge", "reports/run.recording", "--report-dir", "judged"]),
        (
            "run --format json",
            &[
                "run",
                "--target",
                "target.yaml",
                "--no-report",
                "--format",
                "json",
                "--profile",
                "rfc8693-core",
            ],
        ),
        ("doctor", &["doctor", "--target", "target.yaml"]),
    ];
    for (name, arguments) in runs {
        let output = txspec(folder, arguments, variables).await;
        assert_ne!(output.status.code(), Some(2), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        shown.push((format!("stdout of {name}"), String::from_utf8_lossy(&output.stdout).into_owned()));
        shown.push((format!("stderr of {name}"), String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let written = ["reports", "judged"].into_iter().flat_map(|f| fs::read_dir(folder.0.join(f)).unwrap());
    for file in written {
        let path = file.unwrap().path();
        shown.push((
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read_to_string(&path).unwrap(),
        ));
    }
    let names: Vec<&str> = shown.iter().map(|(n, _)| n.as_str()).collect();
    for expected in ["report.json", "junit.xml", "summary.md", "run.recording", "run.har", "events.jsonl"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    shown
}

/// Searches what was shown for all secrets.
fn search(shown: &[(String, String)], secrets: &Secrets) {
    let all = secrets.all();
    let scanner = Scanner::new(&all);
    let bytes: usize = shown.iter().map(|(_, text)| text.len()).sum();
    println!(
        "{} artefacts of {bytes} bytes, {} secrets and tokens, {} patterns",
        shown.len(),
        all.len(),
        scanner.patterns()
    );
    let mut leaks = Vec::new();
    for (name, text) in shown {
        leaks.extend(scanner.find(text).into_iter().map(|leak| format!("{name}: {leak}")));
    }
    let count = leaks.len();
    leaks.truncate(40);
    assert!(leaks.is_empty(), "{count} leaks:\n{}", leaks.join("\n"));
}

#[test]
fn a_planted_canary_is_found_in_every_encoding() {
    let secrets = [
        ("secret".to_owned(), "cnry-é:%+ 7f3a9c".to_owned()),
        ("token".to_owned(), "b3BhcXVlLXRva2Vu.0123456789abcdefghijklmnopqrstuvwxyz".to_owned()),
        (
            "jwt".to_owned(),
            "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tb25seQ".to_owned(),
        ),
    ];
    let scanner = Scanner::new(&secrets);
    for (name, secret) in &secrets {
        for (spelling, text) in spellings(secret) {
            for around in
                [("", ""), ("before ", " after"), ("key=", "&next"), ("\"", "\",\n"), ("abc.", ".def")]
            {
                let planted = format!("{}{text}{}", around.0, around.1);
                let found = scanner.find(&planted);
                assert!(
                    found.iter().any(|f| f.starts_with(name.as_str())),
                    "{name}, {spelling}: {planted} -> {found:?}"
                );
            }
        }
    }
    let harmless = "subject_token=[user token #0a1b2c]&grant_type=urn%3Aietf%3Aparams eyJhbGciOiJFUzI1NiJ9 YmFzZTY0IHRleHQ";
    assert_eq!(scanner.find(harmless), Vec::<String>::new());
}

/// The whole suite against the reference server, behind a proxy that repeats every request in its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_a_real_run_is_shown_though_the_server_repeats_everything() {
    let reference = ReferenceServer::start(Options::default()).await.unwrap();
    let issuer = reference.issuer().to_owned();
    let secrets = Secrets::default();
    let text = txspec::target::embedded("reference").unwrap();
    for line in text.lines() {
        for key in ["secret: ", "password: "] {
            let mut rest = line;
            while let Some(at) = rest.find(key) {
                rest = &rest[at + key.len()..];
                let end = rest.trim_start_matches('"').find(['"', ',', '}']).unwrap_or(rest.len());
                let value = rest.trim_start_matches('"')[..end].trim();
                if !value.starts_with('{') {
                    secrets.add("secret of the target", value);
                }
            }
        }
        if line.trim().len() > 40 && !line.trim().contains(' ') {
            secrets.add("private key of the target", line.trim());
        }
    }
    assert!(secrets.all().len() >= 10, "{:?}", secrets.all());
    let (upstream, kept) = (issuer.clone(), secrets.clone());
    let proxy = RawServer::start(move |request: &Received| {
        tokio::task::block_in_place(|| forwarded(request, &upstream, &kept))
    })
    .await;
    let own = proxy.url();
    let endpoints = format!(
        "endpoints: {{ token: \"{own}/token\", introspection: \"{own}/introspect\", revocation: \"{own}/revoke\", userinfo: \"{own}/userinfo\" }}\n\nclients:"
    );
    let folder = Folder::new("proxy");
    fs::write(folder.0.join("target.yaml"), text.replacen("clients:", &endpoints, 1)).unwrap();
    let shown = artefacts(&folder, &[("TXSPEC_ISSUER", &issuer)]).await;
    let report: Value =
        serde_json::from_str(&shown.iter().find(|(n, _)| n == "report.json").unwrap().1).unwrap();
    assert!(report["requests"].as_u64().unwrap() > 500, "{}", report["requests"]);
    assert!(report["counts"]["pass"].as_u64().unwrap() > 300, "{}", report["counts"]);
    assert!(shown.iter().any(|(_, text)| text.contains("x-echo")), "no echo was recorded");
    search(&shown, &secrets);
}

/// Generates the answers of a server that grants and refuses in turn, and repeats everything.
fn echoing(request: &Received, secrets: &Secrets) -> Reply {
    secrets.add_request(request);
    let json = |status: u16, body: Value| (status, "application/json", body.to_string());
    let form = |name: &str| request.param(name).unwrap_or_default();
    let token = format!("issued-{}", uuid::Uuid::new_v4());
    let token = if request.number.is_multiple_of(4) {
        token
    } else if request.number.is_multiple_of(2) {
        // Opaque tokens are made of anything.
        format!("{token}:/+$é,;=({token})==")
    } else {
        format!(
            "{}.{}.{}",
            b64(r#"{"alg":"ES256"}"#),
            b64(format!(r#"{{"sub":"alice","jti":"{token}"}}"#)),
            b64(token.repeat(2))
        )
    };
    let granted = json!({
        "access_token": token, "id_token": token, "refresh_token": format!("refresh-{token}"), "token_type": "Bearer", "expires_in": 300,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "active": true, "sub": "alice",
    });
    let exchange = form("grant_type").contains("token-exchange");
    let (status, kind, body) = match (exchange, request.number % 7) {
        _ if request.path == "/login" => json(200, json!({ "picked": "recipe-canary-5c1e7d" })),
        _ if request.path == "/refused" => json(400, json!({ "error": "access_denied" })),
        (true, 1) => json(400, json!({ "error": "invalid_request" })),
        (true, 2) => json(401, json!({ "error": request.header("authorization") })),
        (true, 3) => (500, "text/html", "<html><body>Traceback".to_owned()),
        (true, 4) => (200, "application/json", "{\"access_token\": broken".to_owned()),
        (true, 5) => json(
            200,
            json!({ "access_token": token, "token_type": request.header("authorization"), "issued_token_type": form("subject_token"), "scope": form("subject_token"), "expires_in": form("client_secret") }),
        ),
        _ => json(200, granted),
    };
    secrets.add_response(body.as_bytes());
    repeating(request, status, &[("content-type".to_owned(), kind.to_owned())], body.as_bytes())
}

/// Every way in which a secret can come into a target file, each with a canary of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_canary_is_shown_though_the_server_repeats_everything() {
    let secrets = Secrets::default();
    let kept = secrets.clone();
    let first = std::sync::atomic::AtomicBool::new(true);
    let server = RawServer::start(move |request: &Received| {
        // The first exchange is the preflight's.
        let exchange = request.param("grant_type").is_some_and(|g| g.contains("token-exchange"));
        let mut request = request.clone();
        if exchange && first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            request.number = 7 * 6;
        }
        echoing(&request, &kept)
    })
    .await;
    let canary = |name: &str, text: &str| {
        secrets.add(&format!("canary of {name}"), text);
        text.to_owned()
    };
    let folder = Folder::new("echo");
    let pem = include_str!("../fixtures/keys/client-es256.pem");
    let minting = include_str!("../fixtures/keys/foreign-issuer-es256.pem");
    canary("the client key", pem);
    canary("the minting key", minting);
    fs::write(folder.0.join("client.pem"), pem).unwrap();
    fs::write(folder.0.join("minting.pem"), minting).unwrap();
    fs::write(folder.0.join("token.txt"), canary("the token file", "cnry-file-token-4b7f0a66e1d2")).unwrap();
    fs::write(folder.0.join("secret.txt"), canary("the secret file", "cnry-file-secret-9e02c41b")).unwrap();
    canary("the recipe", "recipe-canary-5c1e7d");
    let target = format!(
        r#"
name: canary
endpoints: {{ token: "{url}/token", introspection: "{url}/introspect", revocation: "{url}/revoke", userinfo: "{url}/userinfo" }}
metadata: none
clients:
  exchanger: {{ id: app, secret: "{basic}", also: [client_secret_post] }}
  service: {{ id: service, auth: client_secret_post, secret: "{post}" }}
  second: {{ id: second, secret: {{ env: CANARY_SECRET }} }}
  forbidden: {{ id: forbidden, secret: {{ file: {folder}/secret.txt }} }}
  observer: {{ id: rs, secret: "${{CANARY_OBSERVER}}" }}
  public: {{ id: spa, auth: none }}
  private_key_jwt: {{ id: signer, auth: private_key_jwt, key_file: client.pem }}
  client_secret_jwt: {{ id: hmac, auth: client_secret_jwt, secret: "{hmac}" }}
  special_characters: {{ id: "odd:id+%~&", secret: "{special}" }}
tokens:
  user: {{ from: {{ static: "{static}" }} }}
  second_user: {{ from: {{ password: {{ client: exchanger, username: bob, password: "{password}" }} }} }}
  service: {{ from: {{ client_credentials: {{ client: service }} }} }}
  id_token: {{ type: id_token, from: {{ env: CANARY_TOKEN }} }}
  other_client: {{ from: {{ file: token.txt }} }}
  refresh_token: {{ type: refresh_token, from: {{ password: {{ client: exchanger, username: alice, password: "{password}" }} }}, pointer: /refresh_token }}
  opaque: {{ from: {{ command: {{ run: [echo, "{command}"] }} }} }}
  may_act: {{ from: {{ http: {{ requests: [{{ url: "{url}/login", form: {{ password: "{pin}" }}, pick: {{ token: /picked }} }}], token: "{{{{token}}}}" }} }} }}
  may_act_other: {{ from: {{ http: {{ requests: [{{ url: "{url}/login", form: {{ a: b }}, pick: {{ step: /picked }} }}, {{ url: "{url}/refused", headers: {{ X-Api-Key: "{api_key}" }}, form: {{ Passwort_Password: "{pin}", again: "{{{{step}}}}" }} }}] }} }} }}
  foreign: {{ type: jwt, from: {{ minted: {{ key_file: minting.pem, claims: {{ iss: "https://idp.example.net", sub: partner, secret: "{claim}" }} }} }} }}
capabilities: [delegation, may_act, audience, resource, scope, issues_jwt, issues_id_token, id_token_subject, refresh_token_subject, jwt_subject, jwt_access_token, introspection, revocation, refresh, public_client, dpop]
audiences: {{ allowed: "https://api.example.com", second: "https://backend.example.com" }}
resources: {{ allowed: "https://api.example.com", second: "https://backend.example.com" }}
scopes: {{ subject: [read, write], narrow: [read], extra: [admin] }}
limits: {{ concurrency: 8, budget: 20000 }}
"#,
        url = server.url(),
        folder = folder.0.display(),
        basic = canary("Basic", "cnry-basic-2c6d94f1 é:%+"),
        post = canary("the body", "cnry-post-b81d0e77"),
        hmac = canary("the HMAC key", "cnry-hmac-of-at-least-32-bytes-d41d8cd9"),
        special = canary("special characters", "s:e c%r+&t-77aa91"),
        r#static = canary("the token in the file", "cnry-static-token-0f3a5577aa10"),
        password = canary("the password", "cnry-password-55b1"),
        command = canary("the command", "cnry-command-token-66fd10"),
        pin = canary("the recipe's form", "cnry-pin-8810"),
        api_key = canary("the recipe's header", "cnry-api-key-4420"),
        claim = "not a canary: a claim of a token that is hidden as a whole",
    );
    fs::write(folder.0.join("target.yaml"), target).unwrap();
    let variables = [
        ("CANARY_SECRET", canary("the environment", "cnry-env-secret-19ff3c")),
        ("CANARY_OBSERVER", canary("the variable", "cnry-variable-secret-7d20")),
        ("CANARY_TOKEN", canary("the token in the environment", "cnry-env-token-a07b3391c2")),
    ];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let shown = artefacts(&folder, &variables).await;
    let report: Value =
        serde_json::from_str(&shown.iter().find(|(n, _)| n == "report.json").unwrap().1).unwrap();
    assert!(report["requests"].as_u64().unwrap() > 200, "{}", report["requests"]);
    search(&shown, &secrets);
}
