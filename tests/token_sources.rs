//! Every kind of token source yields a token that the reference server exchanges, and says clearly why when it fails.

use std::{path::PathBuf, sync::Arc, time::Duration};

use txspec::{
    reference::{Options, ReferenceServer},
    spec::Catalogue,
    target::{Endpoints, load_text},
    token::{DpopKey, ObtainError, Obtained, Obtainer},
    wire::{Limits, Sender},
};

const CLIENTS: &str = r#"
name: reference
issuer: ${TXSPEC_ISSUER}
clients:
  exchanger: { id: app, secret: app-secret }
  x-post: { id: app, secret: app-secret, auth: client_secret_post }
  x-wrong: { id: app, secret: wrong-secret }
  private_key_jwt: { id: signer, key_file: client-es256.pem, kid: client-1 }
  client_secret_jwt: { id: hmac, secret: "hmac-secret-of-at-least-32-bytes!", auth: client_secret_jwt }
  special_characters: { id: "odd:id+%~&", secret: "s:e c%r+&t" }
  public: { id: spa }
"#;

async fn obtain(server: &ReferenceServer, tokens: &str, role: &str) -> Result<Obtained, ObtainError> {
    obtainer(server, tokens).token(role).await
}

fn obtainer(server: &ReferenceServer, tokens: &str) -> Obtainer {
    let catalogue = Catalogue::embedded().unwrap();
    let issuer = server.issuer().to_owned();
    let variables = |name: &str| (name == "TXSPEC_ISSUER").then(|| issuer.clone());
    let endpoints = Endpoints { token: Some(format!("{issuer}/token")), ..Endpoints::default() };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/keys");
    let text = format!("{CLIENTS}tokens:\n{tokens}")
        .replace("key_file: ", &format!("key_file: {}/", folder.display()));
    let target = load_text("target.yaml", &text, &variables, &catalogue).unwrap();
    let limits = Limits { request_timeout: Duration::from_secs(5), ..Limits::default() };
    Obtainer::new(Arc::new(target.spec), endpoints, folder, Sender::new(limits).unwrap())
}

const USER: &str = "  user: { from: { password: { client: exchanger, username: alice, password: alice-password, scope: read write } } }\n";

#[tokio::test]
async fn each_kind_of_source_yields_a_token() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let file = std::env::temp_dir().join(format!("txspec-token-{}", std::process::id()));
    std::fs::write(&file, "  a-token-from-a-file\n").unwrap();
    // `PATH` stands in for any variable that is set: what it holds is not looked at.
    let rows = [
        ("client_credentials", "{ client_credentials: { client: exchanger, scope: read } }".to_owned()),
        ("client_credentials by post", "{ client_credentials: { client: x-post } }".to_owned()),
        ("client_credentials by private_key_jwt", "{ client_credentials: { client: private_key_jwt } }".to_owned()),
        ("client_credentials by client_secret_jwt", "{ client_credentials: { client: client_secret_jwt } }".to_owned()),
        ("client_credentials with odd characters", "{ client_credentials: { client: special_characters } }".to_owned()),
        ("password by a public client", "{ password: { client: public, username: alice, password: alice-password } }".to_owned()),
        ("exchange", "{ exchange: { client: exchanger, subject: user, requested: jwt } }".to_owned()),
        ("env", "{ env: PATH }".to_owned()),
        ("file", format!("{{ file: {} }}", file.display())),
        ("static", "{ static: a-fixed-token }".to_owned()),
        ("minted", "{ minted: { key_file: foreign-issuer-es256.pem, claims: { iss: \"https://idp.example.net\", sub: x, exp: now+60 } } }".to_owned()),
        ("command", "{ command: { run: [printf, a-printed-token] } }".to_owned()),
        (
            "http",
            "{ http: { requests: [{ url: \"{{token_endpoint}}\", client: exchanger, form: { grant_type: client_credentials }, pick: { t: /access_token } }], token: \"{{t}}\" } }".to_owned(),
        ),
    ];
    for (kind, source) in rows {
        let tokens = format!("{USER}  x-one: {{ from: {source} }}\n");
        let obtained = obtain(&server, &tokens, "x-one").await.unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert!(!obtained.view.value.is_empty(), "{kind}");
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_proof_at_the_source_binds_the_token() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let grants = [
        "{ password: { client: exchanger, username: alice, password: alice-password, dpop: subject } }",
        "{ client_credentials: { client: exchanger, dpop: subject } }",
    ];
    for grant in grants {
        let tokens = format!("{USER}  bound: {{ from: {grant} }}\n");
        let obtained = obtain(&server, &tokens, "bound").await.unwrap();
        let claims = obtained.view.claims.unwrap();
        let jkt = claims.pointer("/cnf/jkt").and_then(|jkt| jkt.as_str());
        assert_eq!(jkt, Some(DpopKey::named("subject").unwrap().thumbprint().as_str()), "{grant}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_picked_and_used() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let tokens = format!(
        "{USER}  refresh_token: {{ type: refresh_token, pointer: /refresh_token, from: {{ password: {{ client: exchanger, username: alice, password: alice-password }} }} }}\n  x-one: {{ from: {{ refresh: {{ client: exchanger, token: refresh_token }} }} }}\n"
    );
    let obtained = obtain(&server, &tokens, "x-one").await.unwrap();
    assert!(obtained.view.jwt.is_some());
}

#[tokio::test]
async fn a_token_is_used_when_it_is_old_enough_and_shared_unless_single_use() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let aged = obtainer(
        &server,
        &format!(
            "{USER}  expired: {{ age: 400ms, from: {{ client_credentials: {{ client: exchanger }} }} }}\n"
        ),
    );
    aged.prefetch_aging(&["expired"]).await;
    let started = std::time::Instant::now();
    aged.token("expired").await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(300));

    let shared = obtainer(&server, USER);
    let (one, two) = (shared.token("user").await.unwrap(), shared.token("user").await.unwrap());
    assert!(one.view.value == two.view.value);
    let single = obtainer(&server, &USER.replace("{ from:", "{ single_use: true, from:"));
    let (one, two) = (single.token("user").await.unwrap(), single.token("user").await.unwrap());
    assert!(one.view.value != two.view.value);
}

#[tokio::test]
async fn a_source_that_fails_says_why_and_never_shows_a_secret() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let rows = [
        ("{ client_credentials: { client: x-wrong } }", "status 401, error `invalid_client`"),
        (
            "{ password: { client: exchanger, username: alice, password: not-her-password } }",
            "status 400, error `invalid_grant`",
        ),
        ("{ command: { run: [\"false\"] } }", "`false` ended with"),
        ("{ command: { run: [\"true\"] } }", "`true` printed nothing"),
        ("{ command: { run: [sleep, \"10\"], timeout: 100ms } }", "did not end within 100ms"),
        ("{ command: { run: [txspec-no-such-program] } }", "failed to start `txspec-no-such-program`"),
        ("{ minted: { key: not-a-key, claims: {} } }", "is not a private key"),
        (
            "{ http: { requests: [{ url: \"{{issuer}}/jwks\", pick: { t: /nothing } }], token: \"{{t}}\" } }",
            "the response has nothing at /nothing",
        ),
        (
            "{ http: { requests: [{ url: \"{{issuer}}/no-such-path\" }] } }",
            "request 1 to /no-such-path: status 404",
        ),
    ];
    for (source, wanted) in rows {
        let tokens = format!("{USER}  x-one: {{ from: {source} }}\n");
        let error = obtain(&server, &tokens, "x-one").await.unwrap_err().to_string();
        assert!(error.starts_with("failed to obtain the token `x-one`: "), "{error}");
        assert!(error.contains(wanted), "{error} lacks {wanted}");
        assert!(!error.contains("wrong-secret") && !error.contains("not-her-password"), "{error}");
    }
}

#[tokio::test]
async fn a_recipe_proves_the_key_that_its_token_is_bound_to() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let tokens = r#"  bound:
    from:
      http:
        requests:
          - { url: "{{token_endpoint}}", client: exchanger, form: { grant_type: password, username: alice, password: alice-password }, pick: { user: /access_token } }
          - { url: "{{token_endpoint}}", client: exchanger, dpop: subject, form: { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: "{{user}}", subject_token_type: "urn:ietf:params:oauth:token-type:access_token" } }
"#;
    let claims = obtain(&server, &format!("{USER}{tokens}"), "bound").await.unwrap().view.claims.unwrap();
    assert_eq!(claims["cnf"]["jkt"], DpopKey::named("subject").unwrap().thumbprint());
}
