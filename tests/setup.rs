//! `init` and `doctor`: from an address to a target file that works, and from what is wrong to what has to change, at
//! which line.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;
use txspec::reference::{Options, ReferenceServer};

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
    assert!(again.err.contains("target.yaml") && again.err.contains("--output"), "{}", again.err);
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
    assert!(ran.out.contains("no metadata"), "{}", ran.out);
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
