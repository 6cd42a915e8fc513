//! `init` and `doctor`: from an address to a target file that works, and from what is wrong to what has to change, at
//! which line.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;
use txspec::reference::{Feature, Options, ReferenceServer};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

async fn txspec(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_txspec"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("TXSPEC_ISSUER")
        .stdin(std::process::Stdio::null());
    command.envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const SECRETS: [(&str, &str); 2] = [("APP_SECRET", "app-secret"), ("ALICE_PASSWORD", "alice-password")];

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_a_file_that_runs() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let arguments = [
        "init",
        "--issuer",
        server.issuer(),
        "--client-id",
        "app",
        "--client-secret-env",
        "APP_SECRET",
        "--user",
        "alice",
        "--password-env",
        "ALICE_PASSWORD",
    ];
    let ran = txspec(folder.path(), &arguments, &SECRETS).await;
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    for step in [
        "metadata found",
        "wrote target.yaml",
        "client exchanger `app` authenticates",
        "clocks agree",
        "token user",
        "granted",
    ] {
        assert!(ran.out.contains(step), "no `{step}` in\n{}", ran.out);
    }
    let written = fs::read_to_string(folder.path().join("target.yaml")).unwrap();
    assert!(!written.contains("app-secret") && !written.contains("alice-password"), "{written}");
    let run =
        txspec(folder.path(), &["run", "--target", "target.yaml", "--profile", "core", "--quiet"], &SECRETS)
            .await;
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains(" passed, 0 failed"), "{}", run.out);
    // Nothing is overwritten.
    let again = txspec(folder.path(), &arguments, &SECRETS).await;
    assert_eq!(again.code, 2, "{}", again.out);
    assert!(again.err.contains("txspec doctor --target target.yaml"), "{}", again.err);
    assert!(again.err.contains("--force") && again.err.contains("--output"), "{}", again.err);
    assert_eq!(fs::read_to_string(folder.path().join("target.yaml")).unwrap(), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn init_says_what_is_missing() {
    let folder = TempDir::new().unwrap();
    let ran = txspec(folder.path(), &["init"], &[]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--issuer is missing"), "{}", ran.err);
    let ran = txspec(folder.path(), &["init", "--issuer", "as.example.com", "--client-id", "a"], &[]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("is not an http or https URL"), "{}", ran.err);
    // A server that does not answer: the file is written, and the walk says what is wrong.
    let ran =
        txspec(folder.path(), &["init", "--issuer", "http://127.0.0.1:9", "--client-id", "a"], &[]).await;
    assert_eq!(ran.code, 6, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("nothing answers there"), "{}", ran.out);
    assert!(ran.err.contains("target.yaml was written and stays"), "{}", ran.err);
    assert!(ran.err.contains("txspec doctor --target target.yaml"), "{}", ran.err);
    // The line that is printed for another try runs as it stands.
    let line = ran.err.lines().find_map(|line| line.trim().strip_prefix("txspec ")?.strip_prefix("init "));
    assert_eq!(line, Some("--force --issuer http://127.0.0.1:9 --client-id a"), "{}", ran.err);
    let again: Vec<&str> = std::iter::once("init").chain(line.unwrap().split(' ')).collect();
    let again = txspec(folder.path(), &again, &[]).await;
    assert_eq!(again.code, 6, "{}\n{}", again.out, again.err);
    // No address is made up.
    let written = fs::read_to_string(folder.path().join("target.yaml")).unwrap();
    assert!(!written.contains("9/token"), "{written}");
    let forced = ["init", "--issuer", "http://127.0.0.1:9", "--client-id", "b", "--force", "--no-doctor"];
    let ran = txspec(folder.path(), &forced, &[]).await;
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_ne!(fs::read_to_string(folder.path().join("target.yaml")).unwrap(), written);
}

/// What the preflight stumbles over stands in the file at a line, and `doctor` says more.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_begin_names_the_line_and_the_command_that_says_more() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let file = |user: &str, secret: &str| {
        format!(
            "name: x\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: {secret} }}\n  service: {{ id: service-a, secret: \
             service-a-secret }}\ntokens:\n  user:\n    from: {user}\n",
            server.issuer()
        )
    };
    let password = "{ password: { client: exchanger, username: alice, password: wrong-password } }";
    let other = "{ client_credentials: { client: service } }";
    for (text, line) in [
        (file(password, "app-secret"), "`tokens.user` (my as.yaml:7)"),
        (file(other, "wrong-secret"), "`clients.exchanger` (my as.yaml:4)"),
    ] {
        fs::write(folder.path().join("my as.yaml"), text).unwrap();
        let ran = txspec(folder.path(), &["run", "--target", "my as.yaml", "--no-report"], &[]).await;
        assert_eq!(ran.code, 6, "{}\n{}", ran.out, ran.err);
        for words in [line, "`txspec doctor --target 'my as.yaml'` goes through the set-up"] {
            assert!(ran.err.contains(words), "no `{words}` in\n{}", ran.err);
        }
    }
}

/// Where no file was given, no message speaks of one.
#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_flags_are_told_as_such() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let url = ["--target", server.issuer(), "--client-id", "app", "--client-secret-env", "APP_SECRET"];
    let bare = server.issuer().strip_prefix("http://").unwrap();
    let arguments = |command: &'static str, rest: &[&'static str]| -> Vec<&str> {
        std::iter::once(command).chain(url).chain(rest.iter().copied()).collect()
    };
    fs::write(folder.path().join("no-test-is-called-so"), "").unwrap();
    let tls = format!("https://{bare}");
    let wrong = [("APP_SECRET", "wrong-secret")];
    for (arguments, variables, code, said) in [
        (arguments("run", &[]), &wrong[..], 6, "--client-secret-env names"),
        (arguments("doctor", &[]), &wrong[..], 6, "(--client-id, --client-secret-env)"),
        (arguments("run", &[]), &[], 2, "`APP_SECRET`, which --client-secret-env names, is not set"),
        (arguments("run", &[]), &[("APP_SECRET", "")], 2, "which --client-secret-env names, is empty"),
        // The value in place of a name is not repeated.
        (
            vec![
                "run",
                "--target",
                server.issuer(),
                "--client-id",
                "app",
                "--client-secret-env",
                "wrong-secret",
            ],
            &[],
            2,
            "what --client-secret-env gives is no name of an environment variable",
        ),
        (
            vec!["doctor", "--target", server.issuer(), "--subject-token-env", "wrong-secret"],
            &[],
            2,
            "what --subject-token-env gives is no name of an environment variable",
        ),
        (
            vec![
                "init",
                "--issuer",
                server.issuer(),
                "--client-id",
                "app",
                "--client-secret-env",
                "wrong-secret",
            ],
            &[],
            2,
            "what --client-secret-env gives is no name of an environment variable",
        ),
        (
            vec![
                "init",
                "--no-doctor",
                "--issuer",
                "http://x.example",
                "--subject-token-env",
                "wrong-secret",
            ],
            &[],
            2,
            "what --subject-token-env gives is no name of an environment variable",
        ),
        (
            arguments("run", &["--subject-token-env", "NO_TOKEN"]),
            &SECRETS[..],
            2,
            "`NO_TOKEN`, which --subject-token-env names, is not set",
        ),
        (
            vec!["run", "--target", bare, "--client-id", "app"],
            &[],
            2,
            "did you mean `--target http://127.0.0.1:",
        ),
        (
            vec!["run", "--target", server.issuer()],
            &[],
            6,
            "no --client-id was given, so that the client was called `txspec`, a public client without a secret",
        ),
        (
            vec!["run", "--target", server.issuer(), "--client-secret-env", "APP_SECRET"],
            &SECRETS[..],
            6,
            "was called `txspec`: give the identifier that the secret belongs to",
        ),
        (
            vec![
                "doctor",
                "--target",
                server.issuer(),
                "--client-id",
                "app",
                "--subject-token-env",
                "APP_SECRET",
            ],
            &SECRETS[..],
            6,
            "no --client-secret-env was given",
        ),
        (
            arguments("run", &[]),
            &wrong[..],
            6,
            " --client-id app --client-secret-env APP_SECRET` goes through",
        ),
        (vec!["run", "--target", &tls], &[], 6, "does not speak TLS: try the address with http://"),
        (vec!["doctor", "--target", "as.example.com/x"], &[], 2, "`--target https://as.example.com/x`?"),
        (vec!["run", "my-as.yaml"], &[], 2, "did you mean `--target my-as.yaml`?"),
        (vec!["run", "no-test-is-called-so"], &[], 2, "did you mean `--target no-test-is-called-so`?"),
        (vec!["doctor", "my-as.yaml"], &[], 2, "did you mean `--target my-as.yaml`?"),
    ] {
        let ran = txspec(folder.path(), &arguments, variables).await;
        assert_eq!(ran.code, code, "{arguments:?}: {}\n{}", ran.out, ran.err);
        let told = ran.out + &ran.err;
        assert!(told.contains(said), "{arguments:?}: no `{said}` in\n{told}");
        for unsaid in ["the command line", "password", "wrong-secret", "clients.exchanger", "{\n"] {
            assert!(!told.contains(unsaid), "{arguments:?}: `{unsaid}` in\n{told}");
        }
    }
    // Nor does one ask to edit a file that comes with txspec.
    let ran = txspec(folder.path(), &["run", "--target", "keycloak"], &[]).await;
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("give --issuer URL, or export TXSPEC_ISSUER=URL"), "{}", ran.err);
    assert!(!ran.err.contains(":-DEFAULT") && !ran.err.contains("literal-secret"), "{}", ran.err);
}

/// A CI system hands over an empty variable for a secret that it does not have.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_variable_is_told_before_anything_is_sent() {
    let folder = TempDir::new().unwrap();
    let file = |secret: &str, user: &str| {
        format!(
            "name: x\nissuer: http://127.0.0.1:9\nclients:\n  exchanger: {{ id: app, secret: {secret} }}\ntokens:\n  user: {{ from: {user} }}\n"
        )
    };
    let set = "\"${APP_SECRET}\"";
    let login = |password: &str| {
        format!("{{ password: {{ client: exchanger, username: alice, password: {password} }} }}")
    };
    for (text, place) in [
        (file("\"${NONE_GIVEN}\"", &login("alice-password")), "as.yaml:4:"),
        (file("{ env: NONE_GIVEN }", &login("alice-password")), "as.yaml:4:"),
        (file(set, &login("\"${NONE_GIVEN}\"")), "as.yaml:6:"),
        (file(set, "{ static: \"${NONE_GIVEN}\" }"), "as.yaml:6:"),
        (file(set, "{ env: NONE_GIVEN }"), "as.yaml:6:"),
        (file(set, "{ minted: { key: \"${NONE_GIVEN}\", claims: { sub: alice } } }"), "as.yaml:6:"),
    ] {
        fs::write(folder.path().join("as.yaml"), &text).unwrap();
        let variables = [("NONE_GIVEN", ""), SECRETS[0]];
        for arguments in
            [&["check", "as.yaml"][..], &["run", "--target", "as.yaml"], &["doctor", "--target", "as.yaml"]]
        {
            let ran = txspec(folder.path(), arguments, &variables).await;
            assert_eq!(ran.code, 2, "{text}{}\n{}", ran.out, ran.err);
            for words in ["error[empty-secret]", place, "nothing is in the environment variable `NONE_GIVEN`"]
            {
                assert!(ran.err.contains(words), "no `{words}` in\n{}", ran.err);
            }
            assert!(ran.err.ends_with("1 mistake\n") && !ran.err.contains("app-secret"), "{}", ran.err);
        }
        let filled = [("NONE_GIVEN", "a-secret-that-is-there"), SECRETS[0]];
        let ran = txspec(folder.path(), &["check", "as.yaml"], &filled).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{text}");
    }
    let init =
        ["init", "--issuer", "http://127.0.0.1:9", "--client-id", "app", "--client-secret-env", "NONE_GIVEN"];
    let ran = txspec(folder.path(), &init, &[("NONE_GIVEN", "")]).await;
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("`NONE_GIVEN`, which --client-secret-env names, is empty"), "{}", ran.err);
    assert!(!folder.path().join("target.yaml").exists());
    // The file alone holds a name only.
    let ran = txspec(folder.path(), &[&init[..], &["--no-doctor"]].concat(), &[("NONE_GIVEN", "")]).await;
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
}

/// Where each subject token is taken once, no value of the target file is to blame for what is refused behind the first
/// exchange.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_the_key_for_a_server_that_takes_each_token_once() {
    let faults = vec!["subject-used-up-by-exchange".into()];
    let server = ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap();
    let values = "audiences: { allowed: api }\nresources: { allowed: \"https://api.example.com\" }\n";
    let key = "policy: { subject_token_single_use: true }\n";
    let (out, code) = doctor(&server, "", &[USER, values].concat(), "audience, resource").await;
    assert_eq!(code, 6, "{out}");
    assert_eq!(out.matches("FAIL").count(), 1, "{out}");
    for words in [
        "FAIL  the plain exchange is refused when it is repeated with the same subject token: status 400, error invalid_request",
        key.trim_end(),
        "note  audiences, resources, scopes and issued tokens were not looked at",
    ] {
        assert!(out.contains(words), "no `{words}` in\n{out}");
    }
    assert!(!out.contains("audiences.allowed") && !out.contains("a new token each time"), "{out}");
    let at_the_token = USER.replace("{ from", "{ single_use: true, from");
    for told in [[USER, values, key].concat(), [&at_the_token, values].concat()] {
        let (out, code) = doctor(&server, "", &told, "audience, resource").await;
        assert_eq!(code, 0, "{told}{out}");
        assert!(out.contains("ok    an exchange for the resource"), "{out}");
        assert!(out.contains("ok    the issued token is a JWT"), "{out}");
    }
    // A source that gives the same token each time does not do, whatever is declared.
    let form =
        "grant_type=password&username=alice&password=alice-password&client_id=app&client_secret=app-secret";
    let kept = TempDir::new().unwrap();
    for declared in ["", key] {
        let answer = reqwest::Client::new()
            .post(format!("{}/token", server.issuer()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let token = kept.path().join("token");
        fs::write(&token, answer["access_token"].as_str().unwrap()).unwrap();
        let source = format!("  user: {{ from: {{ file: {} }} }}\n{values}{declared}", token.display());
        let (out, code) = doctor(&server, "", &source, "audience, resource").await;
        assert_eq!(code, 6, "{out}");
        assert!(out.contains("have a source that gives a new token each time"), "{out}");
        assert_eq!(out.contains("`policy: {"), declared.is_empty(), "{out}");
    }
}

/// What was judged is told, and counts, although a report of it cannot be written.
#[tokio::test(flavor = "multi_thread")]
async fn a_violation_outweighs_a_report_that_cannot_be_written() {
    let faults = vec!["no-cache-control".into()];
    let server = ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap();
    let folder = TempDir::new().unwrap();
    let text = format!(
        "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\ntokens:\n{USER}",
        server.issuer()
    );
    fs::write(folder.path().join("target.yaml"), text).unwrap();
    fs::create_dir_all(folder.path().join("reports/junit.xml")).unwrap();
    fs::write(folder.path().join("reports/summary.md"), "of an earlier run").unwrap();
    let run = ["run", "--target", "target.yaml", "--only", "impersonation", "--record", "run.json"];
    for arguments in [&run[..], &["judge", "run.json"]] {
        let ran = txspec(folder.path(), arguments, &[]).await;
        assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
        assert!(ran.out.contains("NONCONFORMANT"), "{}", ran.out);
        assert!(ran.err.contains("choose another folder with --report-dir"), "{}", ran.err);
        assert!(ran.err.contains("note: not all reports in reports are of this run"), "{}", ran.err);
    }
}

/// A server that fails is no mistake in the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_on_the_plain_exchange_is_pointed_at_its_log() {
    let faults = vec!["missing-requested-type-crashes".into()];
    let server = ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap();
    let folder = TempDir::new().unwrap();
    let text = format!(
        "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\ntokens:\n{USER}",
        server.issuer()
    );
    fs::write(folder.path().join("target.yaml"), text).unwrap();
    for command in ["run", "doctor"] {
        let ran = txspec(folder.path(), &[command, "--target", "target.yaml"], &[]).await;
        let told = format!("{}\n{}", ran.out, ran.err);
        assert_eq!(ran.code, 6, "{told}");
        assert!(told.contains("was not granted: status 500"), "{told}");
        assert!(told.contains("hint: the server failed on the request: see its log"), "{told}");
        assert!(!told.contains("check the subject token"), "{told}");
    }
}

/// A value that the server does not know is told at its line; otherwise a run would end without a word on it.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_tries_each_audience_resource_and_scope() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let walk = async |values: &str, capabilities: &str| {
        let (out, code) = doctor(&server, "", &format!("{USER}{values}"), capabilities).await;
        (out, code)
    };
    let right = "audiences: { allowed: api }\nresources: { allowed: \"https://api.example.com\" }\nscopes: { narrow: [read] }\n";
    let (out, code) = walk(right, "audience, resource, scope").await;
    assert_eq!(code, 0, "{out}");
    for what in [
        "audience `api` (`audiences.allowed`) is granted",
        "resource `https://api.example.com` (`resources.allowed`) is granted",
        "scope `read` (`scopes.narrow`) is granted",
    ] {
        assert!(out.contains(&format!("ok    an exchange for the {what}")), "no `{what}` in\n{out}");
    }
    let wrong = "audiences: { allowed: nosuchapi }\n";
    let (out, code) = walk(wrong, "audience").await;
    assert_eq!(code, 6, "{out}");
    assert!(
        out.contains("`nosuchapi` (`audiences.allowed`) is not granted: status 400, error invalid_target"),
        "{out}"
    );
    assert!(out.contains("correct `audiences.allowed` (target.yaml:7), allow it"), "{out}");
    // What is not claimed is not asked for.
    let (out, code) = walk(wrong, "").await;
    assert_eq!((code, out.contains("nosuchapi")), (0, false), "{out}");
    // A status that a run will find fault with does not hide the token.
    let faults = vec!["success-with-status-201".to_owned()];
    let odd = ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap();
    let (out, _) = doctor(&odd, "", USER, "").await;
    assert!(
        out.contains("a plain exchange is granted") && out.contains("the issued token is a JWT"),
        "{out}"
    );
}

/// Each mistake in a client is told from the others, with the line of the file that has to change.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_mistakes_in_clients_apart() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let rows = [
        ("id: app, secret: app-secret", 0, "client exchanger `app` authenticates by client_secret_basic", ""),
        (
            "id: app, secret: wrong-secret",
            6,
            "is refused just like one that does not exist",
            "(target.yaml:4)",
        ),
        (
            "id: no-such-app, secret: app-secret",
            6,
            "is refused just like one that does not exist",
            "check `id` first",
        ),
        (
            "id: forbidden, secret: forbidden-secret",
            6,
            "may not exchange (unauthorized_client)",
            "allow the token exchange grant",
        ),
        (
            "id: hmac, secret: \"hmac-secret-of-at-least-32-bytes!\"",
            6,
            "refused by client_secret_basic, and accepted by client_secret_jwt",
            "write `auth: client_secret_jwt` (target.yaml:4)",
        ),
    ];
    for (client, code, found, hint) in rows {
        let text = format!(
            "name: reference\nissuer: {}\nclients:\n  exchanger: {{ {client} }}\n  second: {{ id: app, secret: app-secret }}\ntokens:\n  user: {{ from: {{ password: {{ client: second, username: alice, password: alice-password }} }} }}\n",
            server.issuer()
        );
        fs::write(folder.path().join("target.yaml"), text).unwrap();
        let ran = txspec(folder.path(), &["doctor", "--target", "target.yaml"], &[]).await;
        assert_eq!(ran.code, code, "{client}: {}\n{}", ran.out, ran.err);
        assert!(ran.out.contains(found), "{client}: no `{found}` in\n{}", ran.out);
        assert!(ran.out.contains(hint), "{client}: no `{hint}` in\n{}", ran.out);
    }

    let text = format!(
        "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\n  disabled: {{ id: disabled-app, secret: disabled-secret }}\ntokens:\n  user: {{ from: {{ password: {{ client: exchanger, username: alice, password: alice-password }} }} }}\n",
        server.issuer()
    );
    fs::write(folder.path().join("target.yaml"), text).unwrap();
    let ran = txspec(folder.path(), &["doctor", "--target", "target.yaml"], &[]).await;
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("client disabled `disabled-app` is refused, as it should be"), "{}", ran.out);
}

/// A client that only gets tokens needs no grant, and a public client may be refused where none may exchange.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_asks_of_no_client_what_its_role_does_not_need() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = TempDir::new().unwrap();
    for (capabilities, code) in [("[]", 0), ("[public_client]", 6)] {
        let text = format!(
            "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\n  x-helper: {{ id: forbidden, secret: forbidden-secret }}\n  public: {{ id: no-such-app }}\ntokens:\n  user: {{ from: {{ password: {{ client: exchanger, username: alice, password: alice-password }} }} }}\ncapabilities: {capabilities}\n",
            server.issuer()
        );
        fs::write(folder.path().join("target.yaml"), text).unwrap();
        let ran = txspec(folder.path(), &["doctor", "--target", "target.yaml"], &[]).await;
        assert_eq!(ran.code, code, "{capabilities}: {}\n{}", ran.out, ran.err);
        assert!(ran.out.contains("client x-helper `forbidden` authenticates"), "{}", ran.out);
    }
}

/// What `doctor` says of a target of the reference server, and its exit code.
async fn doctor(server: &ReferenceServer, clients: &str, tokens: &str, capabilities: &str) -> (String, i32) {
    let folder = TempDir::new().unwrap();
    let text = format!(
        "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\n{clients}tokens:\n{tokens}capabilities: [{capabilities}]\n",
        server.issuer()
    );
    fs::write(folder.path().join("target.yaml"), text).unwrap();
    let ran = txspec(folder.path(), &["doctor", "--target", "target.yaml"], &[]).await;
    (ran.out, ran.code)
}

const USER: &str =
    "  user: { from: { password: { client: exchanger, username: alice, password: alice-password } } }\n";
const OBSERVER: &str = "  observer: { id: rs, secret: rs-secret }\n";

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_just_what_cannot_be_seen_of_issued_tokens() {
    let jwt = ReferenceServer::start(Options::default()).await.unwrap();
    let without = vec![Feature::JwtAccessTokens];
    let opaque = ReferenceServer::start(Options { without, ..Options::default() }).await.unwrap();
    let lost = "checks of its claims will be inconclusive";
    let rows: [(&ReferenceServer, &str, &str, &[&str], &[&str]); 7] = [
        // A JWT is read whatever is declared.
        (
            &jwt,
            "",
            "",
            &["ok    the issued token is a JWT", "`jwt_access_token` is not among", "`jwks` is not among"],
            &[lost],
        ),
        (
            &jwt,
            OBSERVER,
            "jwt_access_token, jwks, introspection",
            &["a published key verifies its signature", "introspection shows the issued token"],
            &[lost, "note"],
        ),
        (&jwt, "", "jwt_access_token, introspection", &["nobody asks: add a client `observer`"], &[lost]),
        (&opaque, "", "", &["the issued token is opaque, and `introspection` is not declared", lost], &[]),
        (&opaque, OBSERVER, "introspection", &["its claims are seen by introspection"], &[lost, "jwks"]),
        (
            &opaque,
            "",
            "introspection",
            &["the issued token is opaque, and introspection does not show it", lost, "nobody asks"],
            &[],
        ),
        (
            &opaque,
            "",
            "jwt_access_token",
            &["`jwt_access_token` is declared, and the issued token is opaque"],
            &[],
        ),
    ];
    for (server, clients, capabilities, said, unsaid) in rows {
        let (out, code) = doctor(server, clients, USER, capabilities).await;
        assert_eq!(code, 0, "{out}");
        // What the server offers and the file does not claim was told with the addresses, and once.
        let told = out.matches("`introspection` is not among").count();
        assert_eq!(told, usize::from(!capabilities.contains("introspection")), "{out}");
        let seen = out.split("a plain exchange is granted").nth(1).unwrap();
        for words in said {
            assert!(seen.contains(words), "[{capabilities}]: no `{words}` in\n{out}");
        }
        for words in unsaid {
            assert!(!seen.contains(words), "[{capabilities}]: `{words}` in\n{out}");
        }
    }
    // An observer that may not introspect is a mistake in the set-up.
    let observer = "  observer: { id: rs, secret: wrong-secret }\n";
    let (out, code) = doctor(&opaque, observer, USER, "introspection").await;
    assert_eq!(code, 6, "{out}");
    assert!(out.contains("FAIL  introspection of the issued token failed: status 401"), "{out}");
    assert!(out.contains("`clients.observer` (target.yaml:5) may introspect"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_a_failed_token_once_and_what_hangs_on_it() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let tokens = format!(
        "{}  refresh_token: {{ from: {{ exchange: {{ client: exchanger, subject: user }} }} }}\n",
        USER.replace("alice-password", "not-the-password")
    );
    let (out, code) = doctor(&server, "", &tokens, "").await;
    assert_eq!(code, 6, "{out}");
    assert_eq!(out.matches("failed to obtain the token").count(), 1, "{out}");
    assert_eq!(out.matches("FAIL").count(), 1, "{out}");
    assert!(out.contains("token refresh_token is made from user, which failed above"), "{out}");
    assert!(out.contains("no plain exchange was sent: it needs the token user"), "{out}");
    assert!(!out.contains("issued token"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_knows_which_tokens_are_to_have_expired() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let live = |role: &str, more: &str| {
        USER.replace("user:", &format!("{role}:")).replace("{ from", &format!("{{ {more}from"))
    };
    let (out, code) = doctor(&server, "", &[USER, &live("expired", "")].concat(), "").await;
    assert_eq!(code, 6, "{out}");
    assert!(out.contains("token expired: JWT, is to have expired, and is valid for another 3600 s"), "{out}");
    assert!(out.contains("`tokens.expired` (target.yaml:7) an `age` beyond its lifetime"), "{out}");
    let (out, code) = doctor(&server, "", &[USER, &live("expired", "age: 2h, ")].concat(), "").await;
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("as intended: it is kept for 7200 s before it is used"), "{out}");
    let over = |role: &str| {
        live(role, "").replace("alice-password }", "alice-password, params: { x_lifetime: \"-900\" } }")
    };
    let (out, code) = doctor(&server, "", &[USER, &over("expired")].concat(), "").await;
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("ok    token expired: JWT, expired 900 s ago, as intended"), "{out}");
    let (out, code) = doctor(&server, "", &[USER, &over("second_user")].concat(), "").await;
    assert_eq!(code, 6, "{out}");
    assert!(out.contains("FAIL  token second_user: JWT, expired 900 s ago"), "{out}");
    let (out, code) = doctor(&server, "", &[USER, &over("x-old")].concat(), "").await;
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("note  token x-old: JWT, expired 900 s ago"), "{out}");
}

/// A token that only a check speaks of is missing like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_that_compares_with_a_token_that_the_target_lacks_does_not_apply() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = TempDir::new().unwrap();
    let own = "topic: own\nsection: own\nprofile: rfc8693-core\nscenarios:\n  - id: mine\n    title: A scope\n    exchange: {}\n    expect:\n      success:\n        - scope: { within: narrow }\n          covers: TX-2.1-scope-optional\n";
    fs::write(folder.path().join("own.yaml"), own).unwrap();
    let text = format!(
        "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\ntokens:\n{USER}",
        server.issuer()
    );
    fs::write(folder.path().join("target.yaml"), text).unwrap();
    let arguments = ["run", "--target", "target.yaml", "--scenarios", "own.yaml"];
    let ran = txspec(folder.path(), &arguments, &[]).await;
    assert_eq!(ran.code, 4, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("the target file has no tokens.narrow"), "{}", ran.out);
}

/// An answer that is malformed is no mistake in the set-up: the run judges it, and the doctor says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_success_is_judged_and_not_blamed_on_the_set_up() {
    for (fault, violated) in [
        ("body-wrapped-in-array", "TX-2.2.1-json-toplevel"),
        ("body-not-utf8", "TX-2.2.1-json-toplevel"),
        ("access-token-as-object", "TX-2.2.1-access_token-required"),
        ("access-token-in-other-member", "TX-2.2.1-access_token-required"),
    ] {
        let server = ReferenceServer::start(Options { faults: vec![fault.into()], ..Options::default() })
            .await
            .unwrap();
        let (out, code) = doctor(&server, "", USER, "").await;
        assert_eq!(code, 0, "{fault}: {out}");
        let said = "note  the plain exchange was answered 200, but with no JSON object with access_token (content type application/json";
        assert!(out.contains(said), "{fault}: {out}");
        let folder = TempDir::new().unwrap();
        let text = format!(
            "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\ntokens:\n{USER}",
            server.issuer()
        );
        fs::write(folder.path().join("target.yaml"), text).unwrap();
        let arguments = ["run", "--target", "target.yaml", "--no-report", "impersonation"];
        let ran = txspec(folder.path(), &arguments, &[]).await;
        assert_eq!(ran.code, 1, "{fault}: {}\n{}", ran.out, ran.err);
        assert!(ran.out.contains(&format!("must {violated} [malformed]")), "{fault}: {}", ran.out);
    }
}

/// What the file lists must work: a value that the server does not know leaves open all that rests on it, and nothing that
/// is refused along with it counts for or against the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_value_of_the_target_file_is_told_and_proves_nothing() {
    let faults = vec!["target-matched-by-prefix".into()];
    let server = ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap();
    let folder = TempDir::new().unwrap();
    let text = format!(
        "name: reference\nissuer: {}\nclients:\n  exchanger: {{ id: app, secret: app-secret }}\ntokens:\n{USER}\
         capabilities: [audience, resource, scope, jwt_access_token]\naudiences: {{ allowed: no-such-api, second: 'https://backend.example.com' }}\n\
         resources: {{ allowed: 'https://api.example.con' }}\nscopes: {{ subject: [read, write], narrow: [read] }}\n",
        server.issuer()
    );
    fs::write(folder.path().join("target.yaml"), text).unwrap();
    let ran = txspec(folder.path(), &["run", "--target", "target.yaml", "--report-dir", "kept"], &[]).await;
    let text = fs::read_to_string(folder.path().join("kept/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let verdict = |kind: &str, id: &str| {
        let all = report[kind].as_array().unwrap();
        all.iter().find(|one| one["id"] == id).map(|one| one["verdict"].as_str().unwrap().to_owned())
    };
    for id in [
        "audience-known",
        "audience-prefixed",
        "audience-suffixed",
        "audience-space-separated",
        "audience-narrows-scope",
        "resource-known",
        "resource-suffixed",
        "resource-fragment",
        "resource-query",
    ] {
        assert_eq!(verdict("scenarios", id).as_deref(), Some("inconclusive"), "{id}: {}", ran.out);
    }
    for id in ["TX-2.2.2-invalid_target", "RI-2-invalid_target", "TX-2.1-audience-optional"] {
        assert_eq!(verdict("requirements", id).as_deref(), Some("inconclusive"), "{id}: {}", ran.out);
    }
    // Nor is the code of what the unknown target was refused with held against the server.
    assert_ne!(verdict("requirements", "OA-5.2-invalid_scope").as_deref(), Some("fail"), "{}", ran.out);
    assert_eq!(ran.code, 3, "{}\n{}", ran.out, ran.err);
}
