//! Runs the server on a loopback port, hosted by wiremock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::AuthServer;
use super::fault::{FaultId, Faults};
use super::feature::Feature;
use super::fixture;
use super::introspect::introspect;
use super::keys::Keys;
use super::metadata::{Document, jwks, metadata};
use super::reply::Reply;
use super::revoke::revoke;
use super::store::Store;
use super::token_endpoint::token;
use super::userinfo::userinfo;
use super::vendor::{self, Behaviour};

/// How to start the server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A fixed port, or any free one.
    pub port: Option<u16>,
    /// Ids of the faults to switch on.
    pub faults: Vec<String>,
    /// Keeps which faults would have changed an answer, see [`ReferenceServer::take_reached`].
    pub probe: bool,
    /// Features that it lacks.
    pub without: Vec<Feature>,
    /// How long every answer is held back.
    pub delay: Duration,
    /// A product that it stands for, as that is documented.
    pub vendor: Behaviour,
}

/// Why the server cannot start. Completes "failed to start the reference server: …".
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A fault that does not exist was asked for.
    #[error("there is no fault `{id}`{}", hint(similar.as_deref()))]
    UnknownFault {
        /// The id as it was written.
        id: String,
        /// The id that was probably meant.
        similar: Option<String>,
    },
    /// Someone else listens there.
    #[error("port {port} is in use; choose another one, or none to take any free port")]
    PortBusy {
        /// The port that was asked for.
        port: u16,
    },
    /// The operating system refuses the address.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
    /// A bug in txspec.
    #[error("the embedded keys cannot be read: {0}")]
    Keys(String),
    /// A bug in txspec.
    #[error("the tokens that exist from the start cannot be made")]
    Tokens,
}

fn hint(similar: Option<&str>) -> String {
    similar.map(|id| format!("; did you mean `{id}`?")).unwrap_or_default()
}

/// A running reference server. It stops when dropped.
pub struct ReferenceServer {
    server: Arc<AuthServer>,
    given: BTreeMap<String, String>,
    requests: Arc<AtomicU64>,
    /// Taken only by `drop`.
    host: Option<MockServer>,
}

impl ReferenceServer {
    /// Starts a server with fresh state on 127.0.0.1.
    ///
    /// # Errors
    /// When a fault id is unknown or the port cannot be taken.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let wanted = options.faults.iter().chain(&options.vendor.faults);
        let faults = wanted.map(|id| known_fault(id)).collect::<Result<Vec<_>, _>>()?;
        let keys = Keys::load().map_err(StartError::Keys)?;
        let listener = listen(options.port)?;
        let port = listener.local_addr()?.port();
        let server = Arc::new(AuthServer {
            origin: format!("http://127.0.0.1:{port}"),
            issuer: format!("http://127.0.0.1:{port}{}", options.vendor.issuer_path),
            faults: Faults::new(&faults, options.probe),
            keys,
            store: Store::default(),
            without: options.without.into_iter().chain(options.vendor.without.iter().copied()).collect(),
            vendor: options.vendor,
        });
        let given = vendor::given(&server).map_err(|_| StartError::Tokens)?;
        let requests = Arc::new(AtomicU64::new(0));
        let front =
            Front { server: Arc::clone(&server), requests: Arc::clone(&requests), delay: options.delay };
        // Recording would keep every request of a run in memory.
        let host = MockServer::builder().listener(listener).disable_request_recording().start().await;
        Mock::given(any()).respond_with(front).mount(&host).await;
        Ok(Self { server, given, requests, host: Some(host) })
    }

    /// The issuer identifier, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.server.issuer
    }

    /// Scheme, host and port: the issuer identifier without its path.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.server.origin
    }

    /// The tokens that exist from the start, by the name of the variable that holds them.
    #[must_use]
    pub fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    /// The faults that changed an answer so far, with how often each did.
    #[must_use]
    pub fn fired(&self) -> BTreeMap<String, u64> {
        self.server.faults.fired()
    }

    /// The faults that would have changed an answer since the last call, had they been switched on. Only a server
    /// that was started with `probe` keeps them.
    #[must_use]
    pub fn take_reached(&self) -> BTreeSet<String> {
        self.server.faults.take_reached()
    }

    /// How many requests were answered.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for ReferenceServer {
    /// wiremock waits for a tokio lock when it is dropped. Inside a task whose cooperative budget is
    /// used up that lock never opens and the drop spins for ever; a plain thread has no such budget.
    fn drop(&mut self) {
        let host = self.host.take();
        drop(thread::Builder::new().spawn(move || drop(host)));
    }
}

fn known_fault(id: &str) -> Result<FaultId, StartError> {
    FaultId::parse(id).ok_or_else(|| StartError::UnknownFault {
        id: id.to_owned(),
        similar: FaultId::ALL
            .iter()
            .map(|known| (strsim::jaro_winkler(id, known.id()), known.id()))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .map(|(_, id)| id.to_owned()),
    })
}

fn listen(port: Option<u16>) -> Result<TcpListener, StartError> {
    let port = port.unwrap_or(0);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortBusy { port },
        _ => StartError::Listen(error),
    })
}

/// What wiremock calls for every request.
struct Front {
    server: Arc<AuthServer>,
    requests: Arc<AtomicU64>,
    delay: Duration,
}

impl Respond for Front {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.requests.fetch_add(1, Ordering::Relaxed);
        route(&self.server, request).into_template(self.delay)
    }
}

fn route(server: &AuthServer, request: &Request) -> Reply {
    let get = |answer: &dyn Fn() -> Reply| match request.method.as_str() {
        "GET" | "HEAD" => answer(),
        _ => Reply::empty(405).header("Allow", "GET".to_owned()),
    };
    if let Some(reply) = vendor::mint(server, request) {
        return reply;
    }
    match server.vendor.internal(request.url.path()).unwrap_or_default() {
        "/token" => token(server, request),
        "/introspect" => introspect(server, request),
        "/revoke" => revoke(server, request),
        "/userinfo" => userinfo(server, request),
        "/jwks" => get(&|| jwks(server)),
        "/.well-known/oauth-authorization-server" => get(&|| metadata(server, Document::OAuth)),
        "/.well-known/openid-configuration" => get(&|| metadata(server, Document::OpenId)),
        "/fixture/jwt" => fixture::sign(server, request),
        _ => Reply::empty(404),
    }
}
