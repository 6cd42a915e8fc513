//! Sending within limits: one time limit per request, a capped body, a request budget, a rate, no redirects.

use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::{Mutex, Notify, Semaphore};
use url::Url;

use super::{Exchange, Header, Request, Response, Timing, TransportError, TransportKind, Vault};

/// So long a connection is kept for the next request: shorter than the patience of common servers, since what they close
/// must not be used any more.
const IDLE: Duration = Duration::from_millis(1500);

/// What one run may do to a server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte sent to the last byte read.
    pub request_timeout: Duration,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Requests started per second, over the whole run; `None` for no limit.
    pub requests_per_second: Option<u32>,
    /// Requests over the whole run.
    pub budget: u64,
    /// The most that is read of a body, in bytes.
    pub max_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(10),
            concurrency: 4,
            requests_per_second: None,
            budget: 5_000,
            max_body: 1024 * 1024,
        }
    }
}

/// Counts requests against the limit of a run.
#[derive(Debug)]
pub struct Budget {
    used: AtomicU64,
    limit: u64,
}

impl Budget {
    /// How many requests were sent.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed).min(self.limit)
    }

    /// Whether no request is left.
    pub fn is_spent(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.limit
    }

    fn take(&self) -> bool {
        self.used.fetch_add(1, Ordering::Relaxed) < self.limit
    }
}

/// Sends requests. Clones share limits, budget and interruption.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    /// A new connection for each request: for servers that close theirs without a word.
    unpooled: reqwest::Client,
    limits: Limits,
    shared: Arc<Shared>,
    vault: Vault,
}

struct Shared {
    /// Whether the server was seen to close a connection on which a request was under way.
    closes: AtomicBool,
    budget: Budget,
    slots: Semaphore,
    next_start: Mutex<Option<Instant>>,
    interrupted: AtomicBool,
    interrupt: Notify,
    /// Why, if not because the user wished it.
    given_up: OnceLock<String>,
}

impl Shared {
    fn new(limits: &Limits) -> Self {
        Self {
            closes: AtomicBool::new(false),
            budget: Budget { used: AtomicU64::new(0), limit: limits.budget },
            slots: Semaphore::new(limits.concurrency.max(1)),
            next_start: Mutex::new(None),
            interrupted: AtomicBool::new(false),
            interrupt: Notify::new(),
            given_up: OnceLock::new(),
        }
    }
}

impl Sender {
    /// Prepares a client. It never follows redirects, never uses a proxy, and never decompresses.
    ///
    /// # Errors
    /// When the TLS library cannot start.
    pub fn new(limits: Limits) -> Result<Self, TransportError> {
        let build = |idle: usize| {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .retry(reqwest::retry::never())
                .connect_timeout(limits.request_timeout)
                .pool_max_idle_per_host(idle)
                .pool_idle_timeout(IDLE)
                .user_agent(concat!("txspec/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|e| TransportError {
                    kind: TransportKind::Connect,
                    message: format!("failed to prepare the HTTP client: {}", chain(&e)),
                })
        };
        let (client, unpooled) = (build(limits.concurrency.max(1))?, build(0)?);
        let shared = Shared::new(&limits);
        Ok(Self { client, unpooled, limits, shared: Arc::new(shared), vault: Vault::default() })
    }

    /// The same client with its own budget, rate, interruption and vault: for another run.
    pub fn renewed(&self) -> Self {
        Self {
            client: self.client.clone(),
            unpooled: self.unpooled.clone(),
            limits: self.limits.clone(),
            shared: Arc::new(Shared::new(&self.limits)),
            vault: Vault::default(),
        }
    }

    /// What must not be shown of all that was sent and received; secrets that are known before can be added.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The request budget.
    pub fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Ends all requests under way and refuses new ones.
    pub fn interrupt(&self) {
        self.shared.interrupted.store(true, Ordering::SeqCst);
        self.shared.interrupt.notify_waiters();
    }

    /// As [`Sender::interrupt`], when the server is not worth asking any more.
    pub fn give_up(&self, why: &str) {
        let _ = self.shared.given_up.set(why.to_owned());
        self.interrupt();
    }

    /// Why [`Sender::give_up`] was called, if it was.
    pub fn given_up(&self) -> Option<&str> {
        self.shared.given_up.get().map(String::as_str)
    }

    /// Whether [`Sender::interrupt`] was called.
    pub fn is_interrupted(&self) -> bool {
        self.shared.interrupted.load(Ordering::SeqCst)
    }

    /// Does something that is no request, unless the run is interrupted meanwhile.
    pub async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let stop = self.shared.interrupt.notified();
        tokio::pin!(stop);
        stop.as_mut().enable();
        if self.is_interrupted() {
            return None;
        }
        tokio::select! {
            done = work => Some(done),
            () = &mut stop => None,
        }
    }

    /// Sends a request and records what became of it. A failed connection is tried once more, since the server cannot have
    /// seen the request; and so is a request on a connection that was kept and is closed without a byte of an answer, as a
    /// server may do at any time (RFC 9112 section 9.5), on a new one: from then on, each request gets its own. Anything
    /// else is final.
    pub async fn send(&self, purpose: &str, request: Request) -> Exchange {
        self.vault.remember_request(&request);
        let mut attempts = 0;
        let (outcome, timing) = loop {
            attempts += 1;
            let clock = Clock::default();
            let pooled = !self.shared.closes.load(Ordering::Relaxed);
            let outcome =
                self.attempt(&request, &clock, if pooled { &self.client } else { &self.unpooled }).await;
            let refused = matches!(&outcome, Err(e) if e.kind == TransportKind::Connect);
            let closed = pooled
                && !clock.is_answered()
                && matches!(&outcome, Err(e) if e.kind == TransportKind::Broken);
            if (!refused && !closed) || attempts >= 2 || self.is_interrupted() {
                break (outcome, clock.timing());
            }
            if closed {
                self.shared.closes.store(true, Ordering::Relaxed);
                continue;
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        };
        if let Ok(response) = &outcome {
            self.vault.remember_response(response);
        }
        Exchange { purpose: purpose.to_owned(), request, outcome, timing, attempts }
    }

    async fn attempt(
        &self,
        request: &Request,
        clock: &Clock,
        client: &reqwest::Client,
    ) -> Result<Response, TransportError> {
        let failed = |kind, message: String| TransportError { kind, message };
        let work = async {
            let _slot = self.shared.slots.acquire().await;
            self.wait_for_turn().await;
            if !self.shared.budget.take() {
                return Err(failed(
                    TransportKind::Budget,
                    format!("the budget of {} requests is used up (limits.budget)", self.limits.budget),
                ));
            }
            match tokio::time::timeout(self.limits.request_timeout, self.perform(request, clock, client))
                .await
            {
                Ok(outcome) => outcome,
                Err(_) => Err(failed(
                    TransportKind::Timeout,
                    format!(
                        "no complete response within {} (limits.request_timeout)",
                        humantime::format_duration(self.limits.request_timeout)
                    ),
                )),
            }
        };
        let interrupted =
            || failed(TransportKind::Interrupted, self.given_up().unwrap_or(INTERRUPTED).to_owned());
        self.unless_interrupted(work).await.unwrap_or_else(|| Err(interrupted()))
    }

    async fn wait_for_turn(&self) {
        let Some(rate) = self.limits.requests_per_second.filter(|r| *r > 0) else {
            return;
        };
        let gap = Duration::from_secs(1) / rate;
        let start = {
            let mut next = self.shared.next_start.lock().await;
            let start = next.map_or_else(Instant::now, |n| n.max(Instant::now()));
            *next = Some(start + gap);
            start
        };
        tokio::time::sleep_until(start.into()).await;
    }

    async fn perform(
        &self,
        request: &Request,
        clock: &Clock,
        client: &reqwest::Client,
    ) -> Result<Response, TransportError> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|e| TransportError {
            kind: TransportKind::Broken,
            message: format!("{} is no HTTP method: {e}", request.method),
        })?;
        let mut builder = client.request(method, request.url.clone()).body(request.body.clone());
        for header in &request.headers {
            builder = builder.header(header.name.as_str(), header.value.as_slice());
        }
        clock.sent();
        let response = builder.send().await.map_err(|e| trouble(&e))?;
        clock.answered();
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| Header { name: name.as_str().to_owned(), value: value.as_bytes().to_vec() })
            .collect();
        let mut body = Vec::new();
        let mut truncated = false;
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|e| trouble(&e))?;
            let room = self.limits.max_body.saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                truncated = true;
                break;
            }
        }
        Ok(Response { status, headers, body, truncated })
    }
}

/// When a request was sent and when its answer began.
#[derive(Default)]
struct Clock {
    sent: OnceLock<(Timestamp, Instant)>,
    answered: OnceLock<Instant>,
}

impl Clock {
    fn sent(&self) {
        let _ = self.sent.set((Timestamp::now(), Instant::now()));
    }

    fn is_answered(&self) -> bool {
        self.answered.get().is_some()
    }

    fn answered(&self) {
        let _ = self.answered.set(Instant::now());
    }

    /// The times until now.
    fn timing(&self) -> Timing {
        let Some((started, sent)) = self.sent.get() else { return Timing::default() };
        let total = sent.elapsed();
        let wait = self.answered.get().map_or(total, |at| at.duration_since(*sent));
        Timing { started: Some(*started), wait, total }
    }
}

fn trouble(error: &reqwest::Error) -> TransportError {
    let kind = if error.is_connect() {
        TransportKind::Connect
    } else if error.is_timeout() {
        TransportKind::Timeout
    } else {
        TransportKind::Broken
    };
    TransportError { kind, message: chain(error) }
}

/// The causes of an error in one line, innermost last, without the URL (its query could hold a secret).
fn chain(error: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        source = cause.source();
    }
    if parts.is_empty() { "the connection failed".to_owned() } else { parts.join(": ") }
}

/// Why a request has no response where the run was interrupted.
pub const INTERRUPTED: &str = "the run was interrupted";

/// What is said of a server that answers plain HTTP with the wish for TLS.
pub const WANTS_TLS: &str = "the server wants TLS at this port";

/// What the words of a failure say of the address: TLS was spoken to a server that does not, or the other way round.
pub fn scheme_hint(message: &str) -> Option<&'static str> {
    if message.contains("InvalidContentType") {
        Some("what answers there does not speak TLS: try the address with http://")
    } else if message.contains("invalid HTTP version") || message.contains(WANTS_TLS) {
        Some("what answers there does not speak plain HTTP: try the address with https://")
    } else {
        None
    }
}

/// Whether a URL names this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}
