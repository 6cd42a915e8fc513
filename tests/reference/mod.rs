//! A small client of the reference server.

use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use txspec::reference::{Options, ReferenceServer};
use url::form_urlencoded::Serializer;

pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const APP: Option<(&str, &str)> = Some(("app", "app-secret"));

pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A running server and a client for it.
pub struct As {
    server: ReferenceServer,
    pub http: Client,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub raw: String,
}

impl Answer {
    #[track_caller]
    pub fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.raw)).to_owned()
    }

    /// The claims of the issued JWT.
    #[track_caller]
    pub fn claims(&self) -> Value {
        let token = self.text("access_token");
        let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("{token} is no JWT"));
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(error)), "{}", self.raw);
        assert_eq!(self.headers["cache-control"], "no-store");
        assert!(self.body.get("access_token").is_none());
    }

    #[track_caller]
    pub fn granted(&self) -> &Self {
        assert_eq!(self.status, 200, "{}", self.raw);
        self
    }
}

/// The URI of a token type.
pub fn tt(name: &str) -> String {
    format!("urn:ietf:params:oauth:token-type:{name}")
}

impl Deref for As {
    type Target = ReferenceServer;

    fn deref(&self) -> &ReferenceServer {
        &self.server
    }
}

pub fn client() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

impl As {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(faults: &[&str]) -> Self {
        Self::reached_by(client(), faults).await
    }

    /// Building a client takes longer than starting a server, so many servers share one.
    pub async fn reached_by(http: Client, faults: &[&str]) -> Self {
        let faults = faults.iter().map(|id| (*id).to_owned()).collect();
        let server = ReferenceServer::start(Options { faults, ..Options::default() }).await.unwrap();
        Self { server, http }
    }

    pub fn request(&self, path: &str, basic: Option<(&str, &str)>, pairs: Pairs) -> RequestBuilder {
        let request = self
            .http
            .post(format!("{}{path}", self.issuer()))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Serializer::new(String::new()).extend_pairs(pairs).finish());
        let Some((id, secret)) = basic else { return request };
        let encode = |text: &str| Serializer::new(String::new()).append_key_only(text).finish();
        let credentials = STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
        request.header("Authorization", HeaderValue::from_str(&format!("Basic {credentials}")).unwrap())
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let raw = response.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&raw).unwrap_or_default(), raw }
    }

    pub async fn post(&self, path: &str, basic: Option<(&str, &str)>, pairs: Pairs<'_>) -> Answer {
        self.send(self.request(path, basic, pairs)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.issuer()))).await
    }

    pub async fn login(&self, user: &str, extra: Pairs<'_>) -> Answer {
        let password = format!("{user}-password");
        let mut pairs = vec![("grant_type", "password"), ("username", user), ("password", &password)];
        pairs.extend_from_slice(extra);
        let answer = self.post("/token", APP, &pairs).await;
        answer.granted();
        answer
    }

    pub async fn alice(&self) -> String {
        self.login("alice", &[]).await.text("access_token")
    }

    pub async fn service(&self, id: &str) -> String {
        let secret = format!("{id}-secret");
        let pairs = [("grant_type", "client_credentials")];
        self.post("/token", Some((id, &secret)), &pairs).await.text("access_token")
    }

    pub async fn exchange(&self, subject: &str, extra: Pairs<'_>) -> Answer {
        self.exchange_as(APP, subject, "access_token", extra).await
    }

    pub async fn exchange_as(
        &self,
        basic: Option<(&str, &str)>,
        subject: &str,
        subject_type: &str,
        extra: Pairs<'_>,
    ) -> Answer {
        let subject_type = tt(subject_type);
        let mut pairs =
            vec![("grant_type", EXCHANGE), ("subject_token", subject), ("subject_token_type", &subject_type)];
        pairs.extend_from_slice(extra);
        self.post("/token", basic, &pairs).await
    }

    pub async fn delegate(&self, subject: &str, actor: &str) -> Answer {
        self.exchange(subject, &[("actor_token", actor), ("actor_token_type", &tt("access_token"))]).await
    }

    pub async fn introspect(&self, token: &str) -> Answer {
        self.post("/introspect", Some(("rs", "rs-secret")), &[("token", token)]).await
    }

    pub async fn sign(&self, key: &str, header: Value, claims: Value) -> String {
        let (header, claims) = (header.to_string(), claims.to_string());
        let pairs = [("key", key), ("header", header.as_str()), ("claims", claims.as_str())];
        self.post("/fixture/jwt", None, &pairs).await.text("token")
    }
}
