//! The reference server answers as the catalogue wants, and its faults change what they say they change.

mod reference;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use reference::{APP, As, EXCHANGE, client, tt};
use serde_json::{Value, json};
use txspec::reference::{Options, ReferenceServer, faults};

#[tokio::test]
async fn an_exchange_gives_a_token_for_the_same_user() {
    let server = As::start().await;
    let login = server.login("alice", &[("scope", "read write openid")]).await;
    let subject = login.text("access_token");
    let answer = server.exchange(&subject, &[("audience", "backend"), ("scope", "read")]).await;
    let claims = answer.granted().claims();
    assert_eq!(answer.body["issued_token_type"], tt("access_token"));
    assert_eq!((&answer.body["token_type"], &answer.body["scope"]), (&json!("Bearer"), &json!("read")));
    assert!(answer.body["expires_in"].as_i64().is_some_and(|seconds| (3590..=3600).contains(&seconds)));
    assert!(answer.body.get("refresh_token").is_none());
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!("backend")));
    assert_eq!((&claims["client_id"], &claims["iss"]), (&json!("app"), &json!(server.issuer())));
    assert_eq!(claims["auth_time"], login.claims()["auth_time"]);
    assert!(claims.get("act").is_none());
    let said = server.introspect(&answer.text("access_token")).await.body;
    assert_eq!((&said["active"], &said["sub"]), (&json!(true), &json!("alice")));
    server.exchange(&subject, &[]).await.granted();
}

#[tokio::test]
async fn delegation_names_the_actor_and_keeps_the_chain_in_order() {
    let server = As::start().await;
    let (a, b) = (server.service("service-a").await, server.service("service-b").await);
    let first = server.delegate(&server.alice().await, &a).await;
    assert_eq!(first.granted().claims()["act"]["sub"], "service-a");
    let second = server.delegate(&first.text("access_token"), &b).await;
    let act = second.granted().claims()["act"].clone();
    assert_eq!((&act["sub"], &act["act"]["sub"]), (&json!("service-b"), &json!("service-a")));
    let kept = server.exchange(&second.text("access_token"), &[]).await;
    assert_eq!(kept.granted().claims()["act"], act);
    assert_eq!(server.introspect(&kept.text("access_token")).await.body["act"], act);
    let mut subject = second.text("access_token");
    for _ in 0..6 {
        subject = server.delegate(&subject, &a).await.granted().text("access_token");
    }
    server.delegate(&subject, &a).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn every_requested_type_is_what_it_says() {
    let server = As::start().await;
    let subject = server.login("alice", &[("scope", "read openid profile")]).await.text("access_token");
    let kinds =
        [("access_token", "Bearer"), ("jwt", "Bearer"), ("id_token", "N_A"), ("refresh_token", "N_A")];
    for (name, token_type) in kinds {
        let answer = server.exchange(&subject, &[("requested_token_type", &tt(name))]).await;
        assert_eq!(answer.granted().body["issued_token_type"], tt(name));
        assert_eq!(answer.body["token_type"], token_type);
        assert!(answer.body.get("id_token").is_none() && answer.body.get("refresh_token").is_none());
        let token = answer.text("access_token");
        match name {
            "id_token" => assert_eq!(answer.claims()["aud"], "app"),
            "refresh_token" => {
                let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                let refreshed = server.post("/token", APP, &pairs).await;
                assert_eq!(refreshed.granted().claims()["sub"], "alice");
                let wider = [pairs[0], pairs[1], ("scope", "write")];
                server.post("/token", APP, &wider).await.refused(400, "invalid_scope");
                let elsewhere = [pairs[0], pairs[1], ("audience", "backend")];
                server.post("/token", APP, &elsewhere).await.refused(400, "invalid_target");
            }
            _ => assert_eq!(answer.claims()["sub"], "alice"),
        }
    }
    for name in ["saml2", "saml1", "nonsense"] {
        server
            .exchange(&subject, &[("requested_token_type", &tt(name))])
            .await
            .refused(400, "invalid_request");
    }
    let service = server.service("app").await;
    let id_token = [("requested_token_type", &*tt("id_token"))];
    server.exchange(&service, &id_token).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn opaque_tokens_work_as_subject_and_actor() {
    let server = As::start().await;
    let subject = server.login("alice", &[("x_format", "opaque")]).await.text("access_token");
    let pairs = [("grant_type", "client_credentials"), ("x_format", "opaque")];
    let actor = server.post("/token", APP, &pairs).await.text("access_token");
    let token = server.delegate(&subject, &actor).await.granted().text("access_token");
    assert!(!token.contains('.'));
    let said = server.introspect(&token).await.body;
    assert_eq!((&said["sub"], &said["act"]["sub"]), (&json!("alice"), &json!("app")));
    let as_jwt = server.exchange(&subject, &[("requested_token_type", &tt("jwt"))]).await;
    assert_eq!(as_jwt.granted().claims()["sub"], "alice");
    server.exchange_as(APP, &subject, "jwt", &[]).await.refused(400, "invalid_request");
    server.exchange(&subject[..60], &[]).await.refused(400, "invalid_request");
    server.exchange(&format!("{subject}a"), &[]).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn bad_subject_and_actor_tokens_are_refused_with_invalid_request() {
    let server = As::start().await;
    let good = server.alice().await;
    let mut bad = Vec::new();
    let knobs = [
        ("x_lifetime", "-700"),
        ("x_nbf", "700"),
        ("x_no_exp", "true"),
        ("x_omit", "sub"),
        ("x_omit", "jti"),
    ];
    for knob in knobs {
        bad.push(server.login("alice", &[knob]).await.text("access_token"));
    }
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let other = URL_SAFE_NO_PAD.encode(r#"{"sub":"bob"}"#);
    bad.extend([
        format!("{none}.{payload}."),
        format!("{header}.{other}.{signature}"),
        format!("{signed}."),
        format!("{signed}.{}", "A".repeat(86)),
        format!("{good}A"),
        format!("{good}="),
        format!("{good}."),
        good[..good.len() - 1].to_owned(),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(5000),
        "x".repeat(20_000),
    ]);
    for typ in ["logout+jwt", "dpop+jwt", "txntoken+jwt", "JWT", "at+jwt"] {
        bad.push(server.sign("es256", json!({ "typ": typ }), json!({ "sub": "alice", "aud": "app" })).await);
    }
    bad.push(server.sign("unknown", json!({ "typ": "at+jwt" }), json!({ "sub": "alice" })).await);
    let revoked = server.alice().await;
    server.post("/revoke", APP, &[("token", &revoked)]).await.granted();
    bad.push(revoked);
    for token in &bad {
        for name in ["access_token", "jwt", "id_token", "refresh_token"] {
            server.exchange_as(APP, token, name, &[]).await.refused(400, "invalid_request");
        }
        server.delegate(&good, token).await.refused(400, "invalid_request");
    }
    server.exchange(&good, &[]).await.granted();
}

#[tokio::test]
async fn a_token_is_good_for_its_own_type_only() {
    let server = As::start().await;
    let login = server.login("alice", &[("scope", "openid read")]).await;
    let tokens = [
        (login.text("access_token"), &["access_token", "jwt"][..]),
        (login.text("id_token"), &["id_token"]),
        (login.text("refresh_token"), &["refresh_token"]),
    ];
    for (token, good) in &tokens {
        for name in ["access_token", "jwt", "id_token", "refresh_token"] {
            let answer = server.exchange_as(APP, token, name, &[]).await;
            match good.contains(&name) {
                true => assert_eq!(answer.granted().claims()["sub"], "alice"),
                false => answer.refused(400, "invalid_request"),
            }
        }
    }
    assert_eq!(server.exchange_as(APP, &tokens[1].0, "id_token", &[]).await.body["scope"], "openid");
}

#[tokio::test]
async fn tokens_of_the_trusted_issuer_are_accepted_as_jwt_only() {
    let server = As::start().await;
    let good = server.sign("foreign", json!({}), json!({ "sub": "partner", "scope": "read" })).await;
    assert_eq!(server.exchange_as(APP, &good, "jwt", &[]).await.granted().claims()["sub"], "partner");
    server.exchange(&good, &[]).await.refused(400, "invalid_request");
    let claims = json!({ "aud": ["x", server.issuer()], "unknown": 1 });
    let array = server.sign("foreign", json!({ "typ": null }), claims).await;
    server.exchange_as(APP, &array, "jwt", &[]).await.granted();
    let now = jiff::Timestamp::now().as_second();
    for claims in [
        json!({ "aud": "https://other.invalid" }),
        json!({ "aud": null }),
        json!({ "exp": now - 600 }),
        json!({ "exp": null }),
        json!({ "exp": "9999999999" }),
        json!({ "nbf": now + 600 }),
        json!({ "sub": null }),
        json!({ "sub": 7 }),
        json!({ "iss": "https://evil.invalid" }),
        json!({ "iss": server.issuer() }),
        json!({ "act": "service" }),
        json!({ "act": [{ "sub": "service" }] }),
        json!({ "act": {} }),
        json!({ "act": { "sub": "a", "act": "b" } }),
        json!({ "may_act": "service" }),
    ] {
        let token = server.sign("foreign", json!({}), claims.clone()).await;
        let answer = server.exchange_as(APP, &token, "jwt", &[]).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("invalid_request")), "{claims}");
    }
    for header in
        [json!({ "crit": ["x"], "x": 1 }), json!({ "kid": "other" }), json!({ "typ": "logout+jwt" })]
    {
        let token = server.sign("foreign", header, json!({})).await;
        server.exchange_as(APP, &token, "jwt", &[]).await.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn pairing_rules_of_the_parameters_hold() {
    let server = As::start().await;
    let alice = server.alice().await;
    let actor = server.service("service-a").await;
    let access = tt("access_token");
    for bad in [
        &[("actor_token", actor.as_str())][..],
        &[("actor_token_type", &access)],
        &[("actor_token", ""), ("actor_token_type", &access)],
        &[("scope", "read"), ("scope", "read")],
    ] {
        server.exchange(&alice, bad).await.refused(400, "invalid_request");
    }
    let harmless = [("actor_token", ""), ("actor_token_type", ""), ("audience", ""), ("y", "1"), ("y", "2")];
    server.exchange(&alice, &harmless).await.granted();
    server.exchange_as(APP, &alice, "nonsense", &[]).await.refused(400, "invalid_request");
    let grant = ("grant_type", EXCHANGE);
    for bad in [
        &[grant, ("subject_token", &alice)][..],
        &[grant, ("subject_token_type", &access)],
        &[("Grant_Type", EXCHANGE)],
    ] {
        server.post("/token", APP, bad).await.refused(400, "invalid_request");
    }
    server
        .post("/token", APP, &[("grant_type", "urn:example:x")])
        .await
        .refused(400, "unsupported_grant_type");
}

#[tokio::test]
async fn targets_and_scopes_are_bounded() {
    let server = As::start().await;
    let alice = server.alice().await;
    let both = [("resource", "https://api.example.com"), ("audience", "backend")];
    let aud = server.exchange(&alice, &both).await.granted().claims()["aud"].clone();
    assert_eq!(aud, json!(["https://api.example.com", "backend"]));
    let api = "https://api.example.com";
    let resources =
        [("/api", ""), ("api", ""), ("//api.example.com", ""), (api, "#x"), (api, "#"), (api, "?a=b")];
    for (uri, rest) in resources {
        let bad = format!("{uri}{rest}");
        server.exchange(&alice, &[("resource", &bad)]).await.refused(400, "invalid_target");
    }
    for bad in ["unknown", "tést", "https://api.example.com.evil.invalid"] {
        server.exchange(&alice, &[("audience", bad)]).await.refused(400, "invalid_target");
    }
    server.exchange(&alice, &[("audience", "api"); 9]).await.refused(400, "invalid_target");
    for bad in ["admin", "nonsense", "READ", "read  write", " read", "re\"ad", "read admin"] {
        server.exchange(&alice, &[("scope", bad)]).await.refused(400, "invalid_scope");
    }
    assert_eq!(server.exchange(&alice, &[("scope", "write read")]).await.body["scope"], "write read");
}

#[tokio::test]
async fn policy_refuses_valid_tokens_in_the_wrong_hands() {
    let server = As::start().await;
    let second = Some(("second-app", "second-app-secret"));
    let outsider = Some(("outsider", "outsider-secret"));
    let alice = server.alice().await;
    server.exchange_as(outsider, &alice, "access_token", &[]).await.refused(400, "invalid_request");
    server.exchange_as(second, &alice, "access_token", &[]).await.granted();
    let shared = server.login("alice", &[("x_aud", "second-app")]).await.text("access_token");
    let answer = server.exchange_as(second, &shared, "access_token", &[("audience", "api")]).await;
    assert_eq!(answer.granted().claims()["client_id"], "second-app");
    let dora = server.login("dora", &[]).await.text("access_token");
    server.exchange(&dora, &[]).await.refused(400, "invalid_request");
    let allowed =
        server.login("alice", &[("x_may_act", r#"{"sub":"service-a"}"#)]).await.text("access_token");
    let (a, b) = (server.service("service-a").await, server.service("service-b").await);
    assert!(server.delegate(&allowed, &a).await.granted().claims().get("may_act").is_none());
    server.delegate(&allowed, &b).await.refused(400, "invalid_request");
    server.exchange(&allowed, &[]).await.refused(400, "invalid_request");
    let once = server.login("alice", &[("x_single_use", "true")]).await.text("access_token");
    server.exchange(&once, &[]).await.granted();
    server.exchange(&once, &[]).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn clients_must_prove_who_they_are_in_one_way() {
    let server = As::start().await;
    let alice = server.alice().await;
    let wrong = server.exchange_as(Some(("app", "nope")), &alice, "access_token", &[]).await;
    wrong.refused(401, "invalid_client");
    assert!(wrong.headers["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    server.exchange_as(None, &alice, "access_token", &[]).await.refused(401, "invalid_client");
    let id_only = [("client_id", "app")];
    server.exchange_as(None, &alice, "access_token", &id_only).await.refused(401, "invalid_client");
    let post = [("client_id", "app"), ("client_secret", "app-secret")];
    server.exchange_as(None, &alice, "access_token", &post).await.granted();
    server.exchange_as(APP, &alice, "access_token", &post).await.refused(400, "invalid_request");
    server.exchange(&alice, &id_only).await.granted();
    server.exchange(&alice, &[("client_id", "rs")]).await.refused(400, "invalid_request");
    let odd = Some(("odd:id+%~&", "s:e c%r+&t"));
    server.post("/token", odd, &[("grant_type", "client_credentials")]).await.granted();
    let forbidden = Some(("forbidden", "forbidden-secret"));
    server.exchange_as(forbidden, &alice, "access_token", &[]).await.refused(400, "unauthorized_client");
    let json = server.request("/token", APP, &[]).header("Content-Type", "application/json").body("{}");
    server.send(json).await.refused(400, "invalid_request");
    let get = server.get("/token").await;
    assert_eq!((get.status, get.headers["allow"].to_str().unwrap()), (405, "POST"));
    server.exchange(&"x".repeat(300 * 1024), &[]).await.refused(413, "invalid_request");
}

#[tokio::test]
async fn a_signed_assertion_identifies_a_client_once() {
    let server = As::start().await;
    let now = jiff::Timestamp::now().as_second();
    let claims =
        |id: &str, aud: &str| json!({ "iss": id, "sub": id, "aud": aud, "exp": now + 60, "jti": aud });
    let hs256 = |aud: &str| {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(json!({ "alg": "HS256" })), part(claims("hmac", aud)));
        let key = EncodingKey::from_secret(b"hmac-secret-of-at-least-32-bytes!");
        format!("{signed}.{}", crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap())
    };
    let token_endpoint = format!("{}/token", server.issuer());
    let ask = async |assertion: String| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
        ];
        server.post("/token", None, &pairs).await
    };
    assert_eq!(ask(hs256(server.issuer())).await.granted().claims()["sub"], "hmac");
    ask(hs256(server.issuer())).await.refused(401, "invalid_client");
    ask(hs256("https://x.invalid")).await.refused(401, "invalid_client");
    let signer = server.sign("client", json!({}), claims("signer", server.issuer())).await;
    assert_eq!(ask(signer).await.granted().claims()["sub"], "signer");
    let elsewhere = server.sign("client", json!({}), claims("signer", &token_endpoint)).await;
    ask(elsewhere).await.refused(401, "invalid_client");
    let forged = server.sign("unknown", json!({}), claims("signer", server.issuer())).await;
    ask(forged).await.refused(401, "invalid_client");
}

#[tokio::test]
async fn only_access_tokens_work_at_userinfo() {
    let server = As::start().await;
    let login = server.login("alice", &[("scope", "openid read")]).await;
    let bound = server.login("alice", &[("scope", "openid"), ("x_cnf_jkt", "x")]).await;
    let writer = server.login("alice", &[("scope", "write")]).await;
    for (token, status) in [
        (login.text("access_token"), 200),
        (login.text("id_token"), 401),
        (bound.text("access_token"), 401),
        (writer.text("access_token"), 403),
    ] {
        let request = server.request("/userinfo", None, &[]);
        let answer = server.send(request.header("Authorization", format!("bearer {token}"))).await;
        assert_eq!(answer.status, status, "{token}");
        assert!(status != 200 || answer.body["sub"] == "alice");
    }
}

#[tokio::test]
async fn a_public_client_gets_a_new_refresh_token_each_time() {
    let server = As::start().await;
    let spa = ("client_id", "spa");
    let login = [("grant_type", "password"), ("username", "bob"), ("password", "bob-password"), spa];
    let old = server.post("/token", None, &login).await.text("refresh_token");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", old.as_str()), spa];
    let next = server.post("/token", None, &refresh).await.granted().text("refresh_token");
    server.post("/token", None, &refresh).await.refused(400, "invalid_grant");
    let again = [("grant_type", "refresh_token"), ("refresh_token", next.as_str()), spa];
    server.post("/token", None, &again).await.granted();
}

#[tokio::test]
async fn introspection_tells_the_entitled_and_nobody_else() {
    let server = As::start().await;
    let alice = server.alice().await;
    let pairs = [("token", alice.as_str()), ("token_type_hint", "refresh_token")];
    assert_eq!(server.post("/introspect", APP, &pairs).await.body["active"], true);
    server.post("/introspect", None, &pairs).await.refused(401, "invalid_client");
    let expired = server.login("alice", &[("x_lifetime", "-5")]).await.text("access_token");
    let foreign = server.sign("foreign", json!({}), json!({})).await;
    // Only some bits of the last character of a signature count.
    let (rest, last) = alice.split_at(alice.len() - 2);
    let altered = format!("{rest}{}", if last.starts_with('A') { "BA" } else { "AA" });
    for answer in [
        server.post("/introspect", Some(("service-a", "service-a-secret")), &pairs).await,
        server.introspect("unknown").await,
        server.introspect(&altered).await,
        server.introspect(&expired).await,
        server.introspect(&foreign).await,
    ] {
        assert_eq!((answer.status, answer.body), (200, json!({ "active": false })));
    }
}

#[tokio::test]
async fn metadata_and_keys_describe_the_server() {
    let server = As::start().await;
    let oauth = server.get("/.well-known/oauth-authorization-server").await.body;
    assert_eq!(oauth, server.get("/.well-known/openid-configuration").await.body);
    assert_eq!(oauth["issuer"], server.issuer());
    assert!(oauth["grant_types_supported"].as_array().unwrap().contains(&json!(EXCHANGE)));
    let keys = server.get("/jwks").await.body["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key.get("d").is_none()));
    assert_eq!(server.get("/nothing").await.status, 404);
}

#[tokio::test]
async fn a_fault_changes_the_answer_and_says_that_it_fired() {
    let server = As::with(&["omits-issued-token-type"]).await;
    let alice = server.alice().await;
    assert!(server.fired().is_empty());
    assert!(server.exchange(&alice, &[]).await.granted().body.get("issued_token_type").is_none());
    assert_eq!(server.fired()["omits-issued-token-type"], 1);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn an_unknown_fault_and_a_busy_port_are_told() {
    let options = Options { faults: vec!["omit-issued-token-type".to_owned()], ..Options::default() };
    let error = ReferenceServer::start(options).await.err().unwrap().to_string();
    assert!(error.contains("did you mean `omits-issued-token-type`"), "{error}");
    let server = As::start().await;
    let port = url::Url::parse(server.issuer()).unwrap().port();
    let error = ReferenceServer::start(Options { port, ..Options::default() }).await.err().unwrap();
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn no_fault_stops_the_server_from_giving_first_tokens() {
    let http = client();
    for fault in faults().unwrap() {
        let server = As::reached_by(http.clone(), &[&fault.id]).await;
        server.alice().await;
        server.service("service-a").await;
    }
}
