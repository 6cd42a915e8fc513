//! One request for every behaviour that a fault can change, with what came back.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::{Duration, sleep};

use super::{APP, Answer, As, EXCHANGE, Pairs, tt};

/// What was asked, and the answer without all that differs from run to run.
pub type Observed = Vec<(String, String)>;

struct Battery<'a> {
    server: &'a As,
    seen: Observed,
}

pub async fn run(server: &As) -> Observed {
    let mut battery = Battery { server, seen: Vec::new() };
    battery.forms().await;
    battery.parameters().await;
    battery.clients().await;
    battery.assertions().await;
    battery.subjects().await;
    battery.foreign_tokens().await;
    battery.actors().await;
    battery.delegation().await;
    battery.policy().await;
    battery.dpop().await;
    battery.targets().await;
    battery.scopes().await;
    battery.other_endpoints().await;
    battery.refresh().await;
    battery.inputs_afterwards().await;
    battery.seen
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn parts(token: &str) -> (String, String, String) {
    let mut parts = token.split('.').map(str::to_owned);
    (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
}

fn payload(token: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Leaves out times, identifiers and random text, and keeps whether they are there.
fn settled(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let time = matches!(name.as_str(), "iat" | "exp" | "nbf" | "auth_time" | "expires_in");
                if let (true, Some(number)) = (time, member.as_i64()) {
                    let now = jiff::Timestamp::now().as_second();
                    let offset = if name == "expires_in" { number } else { number - now };
                    *member = json!(format!("{name} about {}", (offset + 5) / 15 * 15));
                } else if name == "jti" {
                    *member = json!("jti");
                } else {
                    settled(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settled),
        Value::String(text) => {
            if let Some(mut claims) = payload(text) {
                settled(&mut claims);
                let (header, _, signature) = parts(text);
                let header = URL_SAFE_NO_PAD.decode(header).unwrap();
                *text = format!("{} {claims} {}", String::from_utf8_lossy(&header), signature.len());
            } else if text.len() == 64 {
                *text = "opaque".to_owned();
            }
        }
        _ => {}
    }
}

impl Battery<'_> {
    fn saw(&mut self, name: &str, answer: &Answer) {
        let mut body = answer.body.clone();
        settled(&mut body);
        let raw = if answer.body.is_null() { answer.raw.clone() } else { String::new() };
        let count = answer.raw.matches('"').count();
        let headers = ["content-type", "cache-control", "pragma", "www-authenticate", "location"]
            .map(|name| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-"));
        let text = format!("{} {headers:?} {body} {raw} {count}", answer.status);
        let text = text.replace(self.server.issuer(), "AS");
        let text = text.replace(self.server.issuer().trim_start_matches("http://"), "AS");
        self.seen.push((name.to_owned(), text));
    }

    /// Exchanges and keeps what came back.
    async fn x(&mut self, name: &str, subject: &str, extra: Pairs<'_>) -> Answer {
        self.xt(name, subject, "access_token", extra).await
    }

    async fn xt(&mut self, name: &str, subject: &str, subject_type: &str, extra: Pairs<'_>) -> Answer {
        let answer = self.server.exchange_as(APP, subject, subject_type, extra).await;
        self.saw(name, &answer);
        answer
    }

    async fn post(
        &mut self,
        name: &str,
        path: &str,
        basic: Option<(&str, &str)>,
        pairs: Pairs<'_>,
    ) -> Answer {
        let answer = self.server.post(path, basic, pairs).await;
        self.saw(name, &answer);
        answer
    }

    async fn actor(&mut self, name: &str, subject: &str, actor: &str, actor_type: &str) -> Answer {
        let pairs = [("actor_token", actor), ("actor_token_type", &*tt(actor_type))];
        self.x(name, subject, &pairs).await
    }

    async fn knob(&self, user: &str, knobs: Pairs<'_>) -> String {
        self.server.login(user, knobs).await.text("access_token")
    }

    async fn forms(&mut self) {
        let alice = self.server.alice().await;
        self.x("base", &alice, &[]).await;
        let scoped = self.knob("alice", &[("scope", "read openid profile")]).await;
        for name in ["access_token", "jwt", "id_token", "refresh_token", "saml2"] {
            let requested = tt(name);
            self.x(&format!("requested {name}"), &scoped, &[("requested_token_type", &requested)]).await;
        }
        let service = self.server.service("app").await;
        self.x("id token of client", &service, &[("requested_token_type", &tt("id_token"))]).await;
        let one = self.server.exchange(&alice, &[]).await;
        let other = self.server.exchange(&alice, &[]).await;
        let token = |answer: &Answer| answer.body["access_token"].as_str().unwrap_or_default().to_owned();
        let jti = |answer: &Answer| payload(&token(answer)).map(|claims| claims["jti"].clone());
        let same = (token(&one) == token(&other), jti(&one) == jti(&other));
        self.seen.push(("twice".to_owned(), format!("{same:?}")));
        sleep(Duration::from_millis(1)).await;
        let verified = self.verified(&token(&one)).await;
        self.seen.push(("signature".to_owned(), format!("{verified:?}")));
    }

    /// Whether a published key verifies a token.
    async fn verified(&self, token: &str) -> Option<bool> {
        let keys = self.server.get("/jwks").await.body;
        let (header, claims, signature) = (token.split('.').count() == 3).then(|| parts(token))?;
        let kid: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&header).ok()?).ok()?;
        let key = keys["keys"].as_array()?.iter().find(|key| key["kid"] == kid["kid"])?;
        let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key.clone()).ok()?).ok()?;
        crypto::verify(&signature, format!("{header}.{claims}").as_bytes(), &key, Algorithm::ES256).ok()
    }

    async fn parameters(&mut self) {
        let server = self.server;
        let alice = server.alice().await;
        let (access, grant) = (tt("access_token"), ("grant_type", EXCHANGE));
        let base = [grant, ("subject_token", &*alice), ("subject_token_type", &*access)];
        for (name, missing) in [("grant", 0), ("subject", 1), ("subject type", 2)] {
            let mut pairs = base.to_vec();
            pairs.remove(missing);
            self.post(&format!("no {name}"), "/token", APP, &pairs).await;
            let mut pairs = base;
            pairs[missing].1 = "";
            self.post(&format!("empty {name}"), "/token", APP, &pairs).await;
        }
        let upper = EXCHANGE.to_uppercase();
        for (name, grant) in [
            ("upper", upper.as_str()),
            ("longer", &format!("{EXCHANGE}X")),
            ("short", "token-exchange"),
            ("x", "urn:x"),
        ] {
            let pairs = [("grant_type", grant), base[1], base[2]];
            self.post(&format!("grant {name}"), "/token", APP, &pairs).await;
        }
        let bob = server.login("bob", &[]).await.text("access_token");
        self.x("repeated other", &alice, &[("subject_token", &bob)]).await;
        self.x("repeated same", &alice, &[("subject_token", &alice)]).await;
        self.post("names in upper case", "/token", APP, &[grant, ("SUBJECT_TOKEN", &alice), base[2]]).await;
        self.x("empty scope", &alice, &[("scope", "")]).await;
        self.x("empty resource", &alice, &[("resource", "")]).await;
        self.x("unknown parameter", &alice, &[("probe", "1")]).await;
        self.x("act parameter", &alice, &[("act", r#"{"sub":"x"}"#)]).await;
        self.x("requested_subject", &alice, &[("requested_subject", "bob")]).await;
        self.xt("unknown type", &alice, "nonsense", &[]).await;
        self.xt("hyphen type", &alice, "access-token", &[]).await;
        self.x("oversize", &"x".repeat(5000), &[]).await;
        self.x("huge", &"x".repeat(9000), &[]).await;

        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(base).finish();
        let send = |body: String, media_type: &str, query: &str| {
            let request = server.request(&format!("/token{query}"), APP, &[]);
            let mut request = request.build().unwrap();
            request.headers_mut().insert("content-type", media_type.parse().unwrap());
            *request.body_mut() = Some(body.into());
            reqwest::RequestBuilder::from_parts(server.http.clone(), request)
        };
        const FORM: &str = "application/x-www-form-urlencoded";
        let json = json!({ "grant_type": EXCHANGE, "subject_token": alice, "subject_token_type": access });
        for (name, request) in [
            ("bare parameter", send(format!("{form}&probe&scope"), FORM, "")),
            ("charset", send(form.clone(), "application/x-www-form-urlencoded;charset=UTF-8", "")),
            ("json", send(json.to_string(), "application/json", "")),
            ("text", send(form.clone(), "text/plain", "")),
            ("plus", send(format!("{form}&scope=read+write"), FORM, "")),
            ("escapes", send(form.replace("token-type", "%74oken-type"), FORM, "")),
            ("query", send(String::new(), FORM, &format!("?{form}"))),
            (
                "get",
                server
                    .http
                    .get(format!("{}/token?{form}", server.issuer()))
                    .basic_auth("app", Some("app-secret")),
            ),
        ] {
            let answer = server.send(request).await;
            self.saw(name, &answer);
        }
        let secret = server.request("/token?client_id=app&client_secret=app-secret", None, &base);
        let answer = server.send(secret).await;
        self.saw("secret in query", &answer);
    }

    async fn clients(&mut self) {
        let server = self.server;
        let alice = server.alice().await;
        let mut as_client = async |name: &str, basic: Option<(&str, &str)>, extra: Pairs<'_>| {
            let answer = server.exchange_as(basic, &alice, "access_token", extra).await;
            self.saw(name, &answer);
        };
        as_client("wrong secret", Some(("app", "x")), &[]).await;
        as_client("unknown client", Some(("x", "x")), &[]).await;
        as_client("wrong secret post", None, &[("client_id", "app"), ("client_secret", "x")]).await;
        as_client("post", None, &[("client_id", "app"), ("client_secret", "app-secret")]).await;
        as_client("id only", None, &[("client_id", "app")]).await;
        as_client("nobody", None, &[]).await;
        as_client("both", APP, &[("client_id", "app"), ("client_secret", "app-secret")]).await;
        as_client("basic and id", APP, &[("client_id", "app")]).await;
        as_client("other id", APP, &[("client_id", "second-app")]).await;
        as_client("forbidden", Some(("forbidden", "forbidden-secret")), &[]).await;
        let shared = self
            .knob("alice", &[("x_aud", "odd:id+%é"), ("x_aud", "second-app"), ("x_aud", "forbidden")])
            .await;
        let id_mismatch = [("client_id", "second-app"), ("audience", "api")];
        self.x("other id, shared", &shared, &id_mismatch).await;
        for (name, basic) in [
            ("odd", ("odd:id+%é", "s:e c%r+ét")),
            ("second", ("second-app", "second-app-secret")),
            ("forbidden, own", ("forbidden", "forbidden-secret")),
        ] {
            let answer =
                server.exchange_as(Some(basic), &shared, "access_token", &[("audience", "api")]).await;
            self.saw(name, &answer);
        }
    }

    async fn assertions(&mut self) {
        let server = self.server;
        let now = jiff::Timestamp::now().as_second();
        let claims = |changes: Value| {
            let mut claims =
                json!({ "iss": "signer", "sub": "signer", "aud": server.issuer(), "exp": now + 60 });
            for (name, value) in changes.as_object().unwrap() {
                claims[name] = value.clone();
            }
            claims
        };
        let pairs = [
            ("grant_type", "password"),
            ("username", "bob"),
            ("password", "bob-password"),
            ("x_aud", "signer"),
        ];
        let bob = server.post("/token", APP, &pairs).await.text("access_token");
        let good = server.sign("client", json!({}), claims(json!({}))).await;
        let issuer = server.issuer();
        let tokens = [
            ("good", good.clone()),
            ("replayed", good.clone()),
            (
                "typ",
                server.sign("client", json!({ "typ": "client-authentication+jwt" }), claims(json!({}))).await,
            ),
            ("other typ", server.sign("client", json!({ "typ": "dpop+jwt" }), claims(json!({}))).await),
            ("sub", server.sign("client", json!({}), claims(json!({ "sub": "app" }))).await),
            ("expired", server.sign("client", json!({}), claims(json!({ "exp": now - 700 }))).await),
            ("aud", server.sign("client", json!({}), claims(json!({ "aud": "https://x.invalid" }))).await),
            (
                "two aud",
                server
                    .sign("client", json!({}), claims(json!({ "aud": [issuer, "https://x.invalid"] })))
                    .await,
            ),
            ("other key", server.sign("unknown", json!({}), claims(json!({}))).await),
            ("none", format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(&claims(json!({}))))),
        ];
        for (name, assertion) in tokens {
            let extra = [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.as_str()),
                ("audience", "api"),
            ];
            let answer = server.exchange_as(None, &bob, "access_token", &extra).await;
            self.saw(&format!("assertion {name}"), &answer);
        }
        let fresh = server.sign("client", json!({}), claims(json!({}))).await;
        self.xt("assertion as subject", &fresh, "jwt", &[]).await;
    }

    async fn subjects(&mut self) {
        let server = self.server;
        let good = server.alice().await;
        let (header, claims, signature) = parts(&good);
        let none = |alg: &str| encode(&json!({ "alg": alg, "typ": "at+jwt" }));
        let hs256 = format!("{}.{claims}", none("HS256"));
        let pem = include_bytes!("../../fixtures/keys/as-es256.pub.pem");
        let confused =
            crypto::sign(hs256.as_bytes(), &EncodingKey::from_secret(pem), Algorithm::HS256).unwrap();
        let mine: Value =
            serde_json::from_str(include_str!("../../fixtures/keys/client-es256.pub.jwk.json")).unwrap();
        let own = payload(&good).unwrap();
        let resigned = |key: &'static str, header: Value| {
            let own = own.clone();
            async move { server.sign(key, header, own).await }
        };
        let at = json!({ "typ": "at+jwt", "kid": null });
        let mut with_jwk = at.clone();
        with_jwk["jwk"] = mine;
        let mut with_jku = at.clone();
        with_jku["jku"] = json!("https://x.invalid/jwks");
        let mut with_crit = json!({ "typ": "at+jwt" });
        with_crit["crit"] = json!(["x"]);
        let mut untrusted = own.clone();
        untrusted["iss"] = json!("https://x.invalid");
        let cases = [
            (
                "altered",
                format!(
                    "{header}.{}.{signature}",
                    encode(
                        &json!({ "iss": server.issuer(), "sub": "bob", "exp": 9_999_999_999_i64, "scope": "read", "jti": own["jti"], "client_id": "app" })
                    )
                ),
            ),
            ("no signature", format!("{header}.{claims}.")),
            ("zero signature", format!("{header}.{claims}.{}", "A".repeat(86))),
            ("cut", good[..good.len() - 1].to_owned()),
            ("longer", format!("{good}A")),
            ("padded", format!("{good}=")),
            ("blank", format!("{header}.{claims}.\n{signature}")),
            ("four parts", format!("{good}.x")),
            ("alg none", format!("{}.{claims}.", none("none"))),
            ("alg None", format!("{}.{claims}.", none("None"))),
            ("hs256", format!("{hs256}.{confused}")),
            ("jwk", resigned("client", with_jwk).await),
            ("jku", resigned("client", with_jku).await),
            ("crit", resigned("es256", with_crit).await),
            ("foreign key", resigned("foreign", json!({ "typ": "at+jwt" })).await),
            ("kid", resigned("unknown", json!({ "typ": "at+jwt", "kid": "../../dev/null" })).await),
            ("untrusted", server.sign("unknown", json!({ "typ": "at+jwt" }), untrusted).await),
            ("logout", server.sign("es256", json!({ "typ": "logout+jwt" }), json!({ "sub": "alice" })).await),
            ("dpop typ", server.sign("es256", json!({ "typ": "dpop+jwt" }), json!({ "sub": "alice" })).await),
            ("garbage", "garbage".to_owned()),
            ("expired", self.knob("alice", &[("x_lifetime", "-700")]).await),
            ("early", self.knob("alice", &[("x_nbf", "700")]).await),
            ("no exp", self.knob("alice", &[("x_no_exp", "true")]).await),
        ];
        for (name, token) in &cases {
            self.x(&format!("subject {name}"), token, &[]).await;
        }
        let revoked = server.alice().await;
        server.post("/revoke", APP, &[("token", &revoked)]).await;
        self.x("subject revoked", &revoked, &[]).await;
        let login = server.login("alice", &[("scope", "openid read")]).await;
        let opaque = self.knob("alice", &[("x_format", "opaque")]).await;
        let tokens = [
            ("access", login.text("access_token")),
            ("id", login.text("id_token")),
            ("refresh", login.text("refresh_token")),
            ("opaque", opaque.clone()),
        ];
        for (kind, token) in &tokens {
            for name in ["access_token", "jwt", "id_token", "refresh_token"] {
                self.xt(&format!("{kind} as {name}"), token, name, &[]).await;
            }
        }
        self.x("opaque cut", &opaque[..60], &[]).await;
        self.x("opaque longer", &format!("{opaque}A"), &[]).await;
        let short = self.knob("alice", &[("x_lifetime", "600")]).await;
        self.x("short-lived", &short, &[]).await;
        let shorter = self.knob("alice", &[("x_lifetime", "30")]).await;
        self.x("nearly over", &shorter, &[]).await;
        let json = json!({ "protected": header, "payload": claims, "signature": signature });
        self.x("subject in JSON", &json.to_string(), &[]).await;
        let answer = server.exchange_as(Some(("app", "x")), "garbage", "access_token", &[]).await;
        self.saw("wrong secret, bad subject", &answer);
    }

    async fn foreign_tokens(&mut self) {
        let server = self.server;
        let now = jiff::Timestamp::now().as_second();
        let duplicated = {
            let one = format!(
                r#"{{"iss":"https://idp.example.net","sub":"first","sub":"last","aud":"{}","exp":{}}}"#,
                server.issuer(),
                now + 60
            );
            let message = format!("{}.{}", encode(&json!({ "alg": "ES256" })), URL_SAFE_NO_PAD.encode(one));
            let pem = include_bytes!("../../fixtures/keys/foreign-issuer-es256.pem");
            let key = EncodingKey::from_ec_pem(pem).unwrap();
            format!("{message}.{}", crypto::sign(message.as_bytes(), &key, Algorithm::ES256).unwrap())
        };
        self.xt("foreign duplicate", &duplicated, "jwt", &[]).await;
        for (name, claims) in [
            ("good", json!({})),
            ("array", json!({ "aud": [server.issuer(), "x"] })),
            ("other aud", json!({ "aud": "https://x.invalid" })),
            ("no aud", json!({ "aud": null })),
            ("no exp", json!({ "exp": null })),
            ("text exp", json!({ "exp": "9999999999" })),
            ("unknown claim", json!({ "tenant": 1 })),
            ("bad act", json!({ "act": "x" })),
            ("bad may_act", json!({ "may_act": "x" })),
            ("exp in act", json!({ "act": { "sub": "x", "exp": 1 } })),
        ] {
            let token = server.sign("foreign", json!({}), claims).await;
            self.xt(&format!("foreign {name}"), &token, "jwt", &[]).await;
        }
        let token = server.sign("foreign", json!({ "typ": "jwt" }), json!({})).await;
        self.xt("foreign typ in lower case", &token, "jwt", &[]).await;
        let token = server.sign("foreign", json!({}), json!({})).await;
        self.x("foreign as access_token", &token, &[]).await;
    }

    async fn actors(&mut self) {
        let server = self.server;
        let alice = server.alice().await;
        let good = server.service("service-a").await;
        let (_, claims, signature) = parts(&good);
        let none = encode(&json!({ "alg": "none", "typ": "at+jwt" }));
        let tuned = async |knob: (&str, &str)| {
            let pairs = [("grant_type", "client_credentials"), knob];
            server.post("/token", APP, &pairs).await.text("access_token")
        };
        let revoked = tuned(("x_y", "z")).await;
        server.post("/revoke", APP, &[("token", &revoked)]).await;
        let cases = [
            ("expired", tuned(("x_lifetime", "-700")).await),
            ("early", tuned(("x_nbf", "700")).await),
            ("revoked", revoked),
            ("alg none", format!("{none}.{claims}.")),
            (
                "altered",
                format!(
                    "{}.{claims}.{signature}",
                    encode(&json!({ "alg": "ES256", "typ": "at+jwt", "x": 1 }))
                ),
            ),
            (
                "untrusted",
                server.sign("unknown", json!({}), json!({ "iss": "https://x.invalid", "sub": "x" })).await,
            ),
            ("garbage", "garbage".to_owned()),
        ];
        for (name, token) in &cases {
            self.actor(&format!("actor {name}"), &alice, token, "access_token").await;
        }
        self.actor("actor confused", &alice, &good, "id_token").await;
        self.actor("actor type unknown", &alice, &good, "nonsense").await;
        self.x("actor without type", &alice, &[("actor_token", &good)]).await;
        self.x("type without actor", &alice, &[("actor_token_type", &tt("access_token"))]).await;
    }

    async fn delegation(&mut self) {
        let server = self.server;
        let alice = server.alice().await;
        let (a, b) = (server.service("service-a").await, server.service("service-b").await);
        let first = self.actor("delegation", &alice, &a, "access_token").await;
        let chained = self.knob("alice", &[("x_act", r#"{"sub":"one","act":{"sub":"two"}}"#)]).await;
        self.actor("chain", &chained, &b, "access_token").await;
        self.x("chain without actor", &chained, &[]).await;
        let service = [("grant_type", "client_credentials"), ("x_act", r#"{"sub":"three"}"#)];
        let delegate = server.post("/token", APP, &service).await.text("access_token");
        self.actor("delegated actor", &chained, &delegate, "access_token").await;
        let mut deep = json!({ "sub": "0" });
        for level in 1..9 {
            deep = json!({ "sub": level.to_string(), "act": deep });
        }
        let deep = self.knob("alice", &[("x_act", &deep.to_string())]).await;
        self.x("deep chain", &deep, &[]).await;
        if let Some(token) = first.body["access_token"].as_str() {
            let answer = server.introspect(token).await;
            self.saw("introspected delegation", &answer);
        }
    }

    async fn policy(&mut self) {
        let server = self.server;
        let second = Some(("second-app", "second-app-secret"));
        let login = server.login("alice", &[("scope", "openid read")]).await;
        for (kind, member) in
            [("access_token", "access_token"), ("id_token", "id_token"), ("refresh_token", "refresh_token")]
        {
            let answer = server.exchange_as(second, &login.text(member), kind, &[]).await;
            self.saw(&format!("{kind} of another client"), &answer);
        }
        let dora = self.knob("dora", &[]).await;
        self.x("disabled", &dora, &[]).await;
        let (a, b) = (server.service("service-a").await, server.service("service-b").await);
        for (name, may_act) in [
            ("sub", r#"{"sub":"service-a"}"#),
            ("iss", r#"{"sub":"service-a","iss":"https://x.invalid"}"#),
            ("text", r#""service-a""#),
        ] {
            let token = self.knob("alice", &[("x_may_act", may_act)]).await;
            self.actor(&format!("may_act {name}, a"), &token, &a, "access_token").await;
            self.actor(&format!("may_act {name}, b"), &token, &b, "access_token").await;
            self.x(&format!("may_act {name}, none"), &token, &[]).await;
            let answer = server.introspect(&token).await;
            self.saw(&format!("may_act {name}, introspected"), &answer);
        }
    }

    async fn dpop(&mut self) {
        let server = self.server;
        let alice = server.alice().await;
        let now = jiff::Timestamp::now().as_second();
        let jwk: Value =
            serde_json::from_str(include_str!("../../fixtures/keys/client-es256.pub.jwk.json")).unwrap();
        let key = json!({ "kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"] });
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(
            r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#,
            jwk["x"], jwk["y"]
        )));
        let proof = async |header: Value, claims: Value| {
            let mut all_headers = json!({ "typ": "dpop+jwt", "kid": null, "jwk": key });
            let mut all = json!({ "iss": null, "exp": null, "htm": "POST", "htu": format!("{}/token", server.issuer()) });
            for (target, changes) in [(&mut all_headers, header), (&mut all, claims)] {
                for (name, value) in changes.as_object().unwrap() {
                    target[name] = value.clone();
                }
            }
            server.sign("client", all_headers, all).await
        };
        let good = proof(json!({}), json!({})).await;
        let (_, claims, signature) = parts(&proof(json!({}), json!({})).await);
        let none = encode(&json!({ "typ": "dpop+jwt", "alg": "none", "jwk": key }));
        let bad_signature = encode(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key, "x": 1 }));
        let mut private = key.clone();
        private["d"] = json!("AAAA");
        let htu = format!("{}/token?x#y", server.issuer().to_uppercase().replace("HTTP", "http"));
        let cases = [
            ("good", good.clone()),
            ("replayed", good),
            ("none", format!("{none}.{claims}.")),
            ("signature", format!("{bad_signature}.{claims}.{signature}")),
            ("typ", proof(json!({ "typ": "JWT" }), json!({})).await),
            ("private", proof(json!({ "jwk": private }), json!({})).await),
            ("htm", proof(json!({}), json!({ "htm": "GET" })).await),
            ("htu", proof(json!({}), json!({ "htu": "https://x.invalid/token" })).await),
            ("normal form", proof(json!({}), json!({ "htu": htu })).await),
            ("iat", proof(json!({}), json!({ "iat": now - 3600 })).await),
            ("jti", proof(json!({}), json!({ "jti": null })).await),
        ];
        let pairs = [
            ("grant_type", EXCHANGE),
            ("subject_token", &*alice),
            ("subject_token_type", &*tt("access_token")),
        ];
        for (name, proof) in cases {
            let answer = server.send(server.request("/token", APP, &pairs).header("DPoP", proof)).await;
            self.saw(&format!("proof {name}"), &answer);
            if let (true, Some(token)) = (name == "good", answer.body["access_token"].as_str()) {
                let answer = server.introspect(token).await;
                self.saw("introspected bound token", &answer);
            }
        }
        let two = server.request("/token", APP, &pairs);
        let two = two
            .header("DPoP", proof(json!({}), json!({})).await)
            .header("DPoP", proof(json!({}), json!({})).await);
        let answer = server.send(two).await;
        self.saw("two proofs", &answer);
        let id_token = [pairs[0], pairs[1], pairs[2], ("requested_token_type", &*tt("refresh_token"))];
        let request =
            server.request("/token", APP, &id_token).header("DPoP", proof(json!({}), json!({})).await);
        let bound = server.send(request).await;
        let token = bound.body["access_token"].as_str().unwrap_or_default();
        self.post("bound refresh token", "/introspect", APP, &[("token", token)]).await;
        for (name, jkt) in [("this key", thumbprint.as_str()), ("another key", "x")] {
            let bound = self.knob("alice", &[("x_cnf_jkt", jkt)]).await;
            let pairs = [pairs[0], ("subject_token", &*bound), pairs[2]];
            let proof = proof(json!({}), json!({})).await;
            let answer = server.send(server.request("/token", APP, &pairs).header("DPoP", proof)).await;
            self.saw(&format!("bound to {name}"), &answer);
            self.x(&format!("bound to {name}, no proof"), &bound, &[]).await;
        }
    }

    async fn targets(&mut self) {
        let alice = self.server.alice().await;
        let (api, backend) = ("https://api.example.com", "https://backend.example.com");
        let (evil, fragment, empty) = (format!("{api}.evil.invalid"), format!("{api}#x"), format!("{api}#"));
        let cases: [(&str, &[(&str, &str)]); 14] = [
            ("audience", &[("audience", "backend")]),
            ("resource", &[("resource", backend)]),
            ("two resources", &[("resource", api), ("resource", backend)]),
            ("two audiences", &[("audience", "api"), ("audience", "backend")]),
            ("mixed", &[("audience", "api"), ("resource", backend)]),
            ("unknown audience", &[("audience", "https://x.invalid")]),
            ("unknown resource", &[("resource", "https://x.invalid")]),
            ("prefix", &[("audience", &evil)]),
            ("utf8", &[("audience", "tést")]),
            ("fragment", &[("resource", &fragment)]),
            ("empty fragment", &[("resource", &empty)]),
            ("relative", &[("resource", "/api")]),
            (
                "id token elsewhere",
                &[("audience", "api"), ("requested_token_type", "urn:ietf:params:oauth:token-type:id_token")],
            ),
            ("many", &[("audience", "api"); 20]),
        ];
        for (name, pairs) in cases {
            self.x(&format!("target {name}"), &alice, pairs).await;
        }
    }

    async fn scopes(&mut self) {
        let alice = self.server.alice().await;
        for scope in ["read", "write read", "admin", "nonsense", "READ", "read  write", "read admin"] {
            self.x(&format!("scope {scope}"), &alice, &[("scope", scope)]).await;
        }
    }

    async fn other_endpoints(&mut self) {
        let server = self.server;
        let rs = Some(("rs", "rs-secret"));
        let alice = server.alice().await;
        let (header, claims, signature) = parts(&alice);
        let first = if signature.starts_with('B') { 'C' } else { 'B' };
        let altered = format!("{header}.{claims}.{first}{}", &signature[1..]);
        let expired = self.knob("alice", &[("x_lifetime", "-700")]).await;
        let early = self.knob("alice", &[("x_nbf", "700")]).await;
        self.post("introspect", "/introspect", rs, &[("token", &alice)]).await;
        let service = Some(("service-a", "service-a-secret"));
        self.post("introspect as another", "/introspect", service, &[("token", &alice)]).await;
        self.post("introspect anonymous", "/introspect", None, &[("token", &alice)]).await;
        self.post(
            "introspect hint",
            "/introspect",
            rs,
            &[("token", &alice), ("token_type_hint", "refresh_token")],
        )
        .await;
        for (name, token) in
            [("unknown", "x"), ("altered", &altered), ("expired", &expired), ("early", &early)]
        {
            self.post(&format!("introspect {name}"), "/introspect", rs, &[("token", token)]).await;
        }
        let issued = server.exchange(&alice, &[]).await.body["access_token"].clone();
        let issued = issued.as_str().unwrap_or_default();
        self.post("introspect issued", "/introspect", rs, &[("token", issued)]).await;
        for path in ["oauth-authorization-server", "openid-configuration"] {
            let answer = server.get(&format!("/.well-known/{path}")).await;
            self.saw(path, &answer);
        }
        let answer = server.get("/jwks").await;
        self.saw("jwks", &answer);
        self.post("revoke", "/revoke", APP, &[("token", issued)]).await;
        self.post("introspect revoked", "/introspect", rs, &[("token", issued)]).await;
        self.post("introspect its subject", "/introspect", rs, &[("token", &alice)]).await;
        let again = server.exchange(&alice, &[]).await.body["access_token"].clone();
        self.post("revoke subject", "/revoke", APP, &[("token", &alice)]).await;
        let again = again.as_str().unwrap_or_default();
        self.post("introspect result", "/introspect", rs, &[("token", again)]).await;
    }

    async fn refresh(&mut self) {
        let server = self.server;
        let actor = server.service("service-a").await;
        let requested = tt("refresh_token");
        let alice = server.alice().await;
        let pairs = [
            ("requested_token_type", &*requested),
            ("actor_token", &actor),
            ("actor_token_type", &*tt("access_token")),
        ];
        let answer = server.exchange(&alice, &pairs).await;
        let token = answer.body["access_token"].as_str().unwrap_or_default();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("refresh", "/token", APP, &refresh).await;
        self.post("refresh scope", "/token", APP, &[refresh[0], refresh[1], ("scope", "admin")]).await;
        self.post("refresh audience", "/token", APP, &[refresh[0], refresh[1], ("audience", "backend")])
            .await;
        self.post("refresh elsewhere", "/token", Some(("service-a", "service-a-secret")), &refresh).await;
        let dora = server.login("dora", &[]).await.text("refresh_token");
        self.post("refresh disabled", "/token", APP, &[refresh[0], ("refresh_token", &dora)]).await;
        let spa = ("client_id", "spa");
        let login = [("grant_type", "password"), ("username", "bob"), ("password", "bob-password"), spa];
        let token = server.post("/token", None, &login).await.text("refresh_token");
        for name in ["refresh public", "refresh public again"] {
            let pairs = [refresh[0], ("refresh_token", &*token), spa];
            self.post(name, "/token", None, &pairs).await;
        }
    }

    async fn inputs_afterwards(&mut self) {
        let server = self.server;
        let (alice, actor) = (server.alice().await, server.service("service-a").await);
        for round in ["first", "second"] {
            self.x(&format!("{round} use"), &alice, &[("scope", "read")]).await;
            let answer = server.introspect(&alice).await;
            self.saw(&format!("introspected after {round} use"), &answer);
            let bob = self.knob("bob", &[]).await;
            self.actor(&format!("{round} use of actor"), &bob, &actor, "access_token").await;
        }
        let once = self.knob("alice", &[("x_single_use", "true")]).await;
        for round in ["first", "second"] {
            self.x(&format!("{round} use of one-time token"), &once, &[]).await;
        }
        let bob = self.knob("bob", &[("scope", "read")]).await;
        for path in ["a", "b"] {
            let basic = STANDARD.encode("app:app-secret");
            let pairs = [
                ("grant_type", EXCHANGE),
                ("subject_token", &*bob),
                ("subject_token_type", &*tt("access_token")),
            ];
            let request =
                server.request("/token", None, &pairs).header("Authorization", format!("basic {basic}"));
            let answer = server.send(request).await;
            self.saw(&format!("scheme in lower case {path}"), &answer);
        }
    }
}
