//! Hosts the independent authorization server library `oauth-as` on loopback: configuration only, none of its answers
//! is changed. What it adds is [`USER_TOKEN_PATH`], which lets a user agree to a request without a browser.

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use oauth_as::http::{ApprovalDecision, ServiceBuilder};
use oauth_as::jwt::{AccessTokenFormat, EcdsaP256Key, JwtConfig};
use oauth_as::server::{AuthorizationServer, Clock, ResourceServerRegistration, ServerConfig, UserApproval};
use oauth_as::store::MemoryStorage;
use oauth_as::{
    AuthorizationRequest, Client, ClientAuth, ClientId, GrantType, ScopeSet, TokenRequest, TokenResponse,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::form_urlencoded;

/// The resources for which this server issues tokens (RFC 8707).
const RESOURCES: [&str; 2] = ["https://api.example.com", "https://backend.example.com"];

/// The `aud` of a JWT whose grant named no resource.
const DEFAULT_AUDIENCE: &str = "https://default.example.com";

/// Where every client of this host is registered to be sent; nothing listens there.
const REDIRECT_URI: &str = "http://127.0.0.1:1/callback";

/// Issues a user's tokens over HTTP: see [`user_token`].
const USER_TOKEN_PATH: &str = "/host/user-token";

const USERS: [&str; 2] = ["alice", "bob"];

/// Confidential clients that may exchange tokens; each secret is the client's id followed by `-secret`.
const EXCHANGING_CLIENTS: [&str; 3] = ["exchanger", "service", "second"];

/// A confidential client without the token exchange grant.
const FORBIDDEN_CLIENT: &str = "forbidden";

/// The resource server of [`RESOURCES`], which introspects the tokens that are addressed to them.
const OBSERVER_CLIENT: &str = "observer";

/// A public client (no secret) whose registration names the token exchange grant.
const PUBLIC_CLIENT: &str = "public";

tokio::task_local! {
    /// How long ago the tokens of the current task are issued.
    static ISSUED_AGO: Duration;
}

/// A running server; dropping it shuts the server down.
pub struct Host {
    /// The issuer identifier, which is also the base of every endpoint.
    pub issuer: String,
    /// The server stops when this sender is gone.
    _running: oneshot::Sender<()>,
}

type Server = AuthorizationServer<MemoryStorage, BackdatableClock>;

/// The system's time, or an earlier one within [`ISSUED_AGO`].
struct BackdatableClock;

impl Clock for BackdatableClock {
    fn now(&self) -> SystemTime {
        let now = SystemTime::now();
        ISSUED_AGO.try_with(|ago| now.checked_sub(*ago)).ok().flatten().unwrap_or(now)
    }
}

/// Serves the library on `127.0.0.1`, on `port` or else on a free one, in a task of the current runtime.
///
/// # Errors
/// When the port can't be bound, or when the library refuses the configuration.
pub async fn start(port: Option<u16>) -> Result<Host, Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
    let issuer = format!("http://{}", listener.local_addr()?);

    let server =
        Arc::new(AuthorizationServer::with_clock(config(&issuer), MemoryStorage::new(), BackdatableClock));
    register_clients(&server).await?;
    // Nobody is signed in at the library's own authorization page, so it refuses; users agree at USER_TOKEN_PATH.
    let service = ServiceBuilder::new(Arc::clone(&server))
        .with_subject_resolver(|_| None)
        .with_approval_resolver(|_| ApprovalDecision::Deny)
        .build()?;
    let router = axum::Router::from(service)
        .merge(axum::Router::new().route(USER_TOKEN_PATH, post(user_token)).with_state(server));

    let (running, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let outcome = axum::serve(listener, router)
            .with_graceful_shutdown(async {
                let _ = stopped.await;
            })
            .await;
        if let Err(error) = outcome {
            eprintln!("oauth-as: failed to serve: {error}");
        }
    });
    Ok(Host { issuer, _running: running })
}

fn config(issuer: &str) -> ServerConfig {
    let mut config = ServerConfig::new(issuer, format!("{issuer}/device"));
    config.introspection_endpoint = Some(format!("{issuer}/introspect"));
    config.scopes_supported = Some(["read", "write", "admin"].map(String::from).to_vec());
    config.allowed_resources = Some(RESOURCES.map(Box::from).into());
    config.resource_servers =
        Some([ResourceServerRegistration::new(ClientId::new(OBSERVER_CLIENT), RESOURCES)].into());
    let keys = JwtConfig::new(EcdsaP256Key::generate("host-key"), DEFAULT_AUDIENCE);
    config.access_token_format =
        AccessTokenFormat::Jwt(Box::new(keys.with_jwks_uri(format!("{issuer}/jwks"))));
    config
}

async fn register_clients(server: &Server) -> Result<(), Box<dyn Error>> {
    let user_grants = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let exchanging = [GrantType::ClientCredentials, GrantType::TokenExchange];
    for id in EXCHANGING_CLIENTS {
        server.register_client(client(id, secret(id), [user_grants, exchanging].concat())?).await?;
    }
    for id in [FORBIDDEN_CLIENT, OBSERVER_CLIENT] {
        server.register_client(client(id, secret(id), vec![GrantType::ClientCredentials])?).await?;
    }
    let grants = [user_grants.as_slice(), &[GrantType::TokenExchange]].concat();
    server.register_client(client(PUBLIC_CLIENT, ClientAuth::Public, grants)?).await?;
    Ok(())
}

fn client(id: &str, auth: ClientAuth, grant_types: Vec<GrantType>) -> Result<Client, Box<dyn Error>> {
    Ok(Client {
        client_id: ClientId::new(id),
        auth,
        grant_types,
        redirect_uris: vec![REDIRECT_URI.into()],
        allowed_scopes: ScopeSet::parse("read write admin")?,
        default_scopes: ScopeSet::parse("read write")?,
        name: None,
        registration: None,
    })
}

fn secret(client: &str) -> ClientAuth {
    ClientAuth::ConfidentialSecret { secret: format!("{client}-secret") }
}

/// Runs the authorization code flow (with PKCE) through the library for a user who agrees at once, and answers with
/// its token response. Form parameters: `user` (required), `client_id` (`exchanger`), `scope`, `resource` (repeatable),
/// `issued_ago` (seconds; past the lifetime of 3600 it gives an expired token).
async fn user_token(State(server): State<Arc<Server>>, body: String) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let (status, answer) = match code_flow(&server, &form).await {
        Ok(tokens) => (StatusCode::OK, json!(tokens)),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            json!({ "error": "invalid_request", "error_description": error.to_string() }),
        ),
    };
    (status, [(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

async fn code_flow(
    server: &Server,
    form: &[(String, String)],
) -> Result<TokenResponse, Box<dyn Error + Send + Sync>> {
    let value = |name| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let user = value("user").filter(|user| USERS.contains(user)).ok_or("user must be alice or bob")?;
    let client = value("client_id").unwrap_or(EXCHANGING_CLIENTS[0]);
    let issued_ago = Duration::from_secs(value("issued_ago").unwrap_or("0").parse()?);

    let code_verifier = "a".repeat(43);
    let code_challenge = oauth_as::pkce::code_challenge_s256(&code_verifier);
    let request = [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge", &code_challenge),
        ("code_challenge_method", "S256"),
    ];
    let passed_on = form.iter().filter(|(name, _)| matches!(name.as_str(), "scope" | "resource"));
    let passed_on = passed_on.map(|(name, value)| (name.as_str(), value.as_str()));
    let request = AuthorizationRequest::from_pairs(request.into_iter().chain(passed_on));

    let flow = async {
        let validated = server.validate_authorization_request(&request).await?;
        let agreed = server.issue_authorization_code(UserApproval::granted(&validated, user)).await?;
        let redemption = TokenRequest::AuthorizationCode {
            client_id: ClientId::new(client),
            client_secret: (client != PUBLIC_CLIENT).then(|| format!("{client}-secret")),
            code: agreed.code,
            redirect_uri: Some(REDIRECT_URI.into()),
            code_verifier: Some(code_verifier),
        };
        Ok(server.token(redemption).await?)
    };
    ISSUED_AGO.scope(issued_ago, flow).await
}
