//! One HTTP request and its response, as sent and received. Raw bytes are kept for judging; what people see
//! is made by [`super::Redactor`].

use std::{fmt, time::Duration};

use jiff::Timestamp;
use url::Url;

/// A header field; the value as bytes, since a server may send anything.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Field name as sent or received.
    pub name: String,
    /// Field value.
    pub value: Vec<u8>,
}

/// A request, ready to be sent.
#[derive(Clone)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Where to.
    pub url: Url,
    /// Header fields in order.
    pub headers: Vec<Header>,
    /// Body bytes.
    pub body: Vec<u8>,
}

impl Request {
    /// An empty POST.
    pub fn post(url: Url) -> Self {
        Self { method: "POST".into(), url, headers: Vec::new(), body: Vec::new() }
    }

    /// A GET that accepts JSON.
    pub fn get(url: Url) -> Self {
        let mut request = Self { method: "GET".into(), url, headers: Vec::new(), body: Vec::new() };
        request.push_header("accept", "application/json");
        request
    }

    /// Appends a header field.
    pub fn push_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.push(Header { name: name.to_owned(), value: value.into() });
    }

    /// Replaces all fields of a name by one.
    pub fn set_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.retain(|h| !h.name.eq_ignore_ascii_case(name));
        self.push_header(name, value);
    }

    /// The first field of a name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case(name))
            .and_then(|h| std::str::from_utf8(&h.value).ok())
    }
}

/// What came back.
#[derive(Clone)]
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// Header fields in order of arrival.
    pub headers: Vec<Header>,
    /// Body bytes, at most the limit.
    pub body: Vec<u8>,
    /// Whether the body was longer than the limit and reading stopped.
    pub truncated: bool,
}

impl Response {
    /// The first field of a name, lossily as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_values(name).into_iter().next()
    }

    /// Every field of a name, lossily as text.
    pub fn header_values(&self, name: &str) -> Vec<String> {
        self.headers
            .iter()
            .filter(|h| h.name.eq_ignore_ascii_case(name))
            .map(|h| String::from_utf8_lossy(&h.value).into_owned())
            .collect()
    }
}

/// Which kind of trouble kept a response from arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// No connection (refused, unresolvable, TLS).
    Connect,
    /// The time limit passed.
    Timeout,
    /// The connection broke or the bytes were not HTTP.
    Broken,
    /// The run's request budget is used up; nothing was sent.
    Budget,
    /// The run was interrupted.
    Interrupted,
}

/// No usable response arrived.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// The kind of trouble.
    pub kind: TransportKind,
    /// In words, completing "failed to send the request:".
    pub message: String,
}

/// The time that a request took, the wait for its turn apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// When it was sent; nothing if it never was.
    pub started: Option<Timestamp>,
    /// From sending until the status line and the header fields had come.
    pub wait: Duration,
    /// From sending until the last byte.
    pub total: Duration,
}

/// A request with what became of it.
#[derive(Clone)]
pub struct Exchange {
    /// What it was for, e.g. `exchange`, `introspect`.
    pub purpose: String,
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub outcome: Result<Response, TransportError>,
    /// When it was sent, and how long the answer took.
    pub timing: Timing,
    /// How often it was sent (more than once only after a failed connection).
    pub attempts: u32,
}

impl Exchange {
    /// The response, if one arrived.
    pub fn response(&self) -> Option<&Response> {
        self.outcome.as_ref().ok()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.response().map(|r| r.status);
        write!(f, "Exchange({} {} -> {status:?})", self.request.method, self.request.url.path())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, self.url.path())
    }
}
