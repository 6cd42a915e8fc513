//! A server on loopback that writes exactly the bytes that a test wants, and the moments at which it writes them.
#![allow(dead_code, reason = "each test that includes it uses a part")]

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// How many requests came before.
    pub number: usize,
    /// Method and target.
    pub method: String,
    pub path: String,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    /// The first field of a name.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    /// The body as decoded pairs.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// A parameter of the form.
    pub fn param(&self, name: &str) -> Option<String> {
        self.form().into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

/// One thing that the server does with the connection.
#[derive(Clone)]
pub enum Act {
    /// Writes bytes.
    Write(Vec<u8>),
    /// Writes the bytes over and over, with a pause after each time, until the peer has had enough.
    Forever(Vec<u8>, Duration),
    /// Does nothing for a while.
    Wait(Duration),
    /// Says that nothing more will come, and goes on listening.
    HalfClose,
    /// Throws the connection away (RST).
    Reset,
}

/// What the server does, in order; then it closes the connection, unless it is kept.
#[derive(Clone, Default)]
pub struct Reply {
    pub acts: Vec<Act>,
    /// Whether the connection serves another request afterwards.
    pub keep: bool,
}

impl Reply {
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { acts: vec![Act::Write(bytes.into())], keep: false }
    }

    pub fn acts(acts: Vec<Act>) -> Self {
        Self { acts, keep: false }
    }

    /// A well-formed response with the right length.
    pub fn http(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes = head(status, headers);
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
        Self { acts: vec![Act::Write(bytes)], keep: true }
    }

    /// JSON that must not be cached.
    pub fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::http(status, &JSON, body)
    }
}

/// The header fields of a token response.
pub const JSON: [(&str, &str); 2] = [("content-type", "application/json"), ("cache-control", "no-store")];

/// Status line and header fields, with the empty line.
pub fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Status\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// Hands a request to another server on loopback: status, header fields and body of its answer.
pub fn forward(request: &Received, upstream: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(upstream.trim_start_matches("http://")).unwrap();
    let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.path);
    for (name, value) in request.headers.iter().filter(|(n, _)| n != "connection") {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), &request.body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = head
        .lines()
        .skip(1)
        .filter_map(|l| l.split_once(':'))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    (status, headers, answer[end..].to_vec())
}

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

/// A running server; it stops when dropped.
pub struct RawServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl RawServer {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(AtomicUsize::new(0));
        let handler: Arc<Handler> = Arc::new(handler);
        let counter = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, counter) = (Arc::clone(&handler), Arc::clone(&counter));
                tokio::spawn(async move {
                    // A peer that has had enough is what most cases are about.
                    let _ = serve(stream, &*handler, &counter).await;
                });
            }
        });
        Self { address, requests, task }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, handler: &Handler, counter: &AtomicUsize) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    loop {
        let Some(mut request) = read(&mut stream, &mut buffer).await? else {
            return Ok(());
        };
        request.number = counter.fetch_add(1, Ordering::SeqCst);
        let reply = handler(&request);
        for act in reply.acts {
            match act {
                Act::Write(bytes) => stream.write_all(&bytes).await?,
                Act::Forever(bytes, pause) => loop {
                    stream.write_all(&bytes).await?;
                    tokio::time::sleep(pause).await;
                },
                Act::Wait(time) => tokio::time::sleep(time).await,
                Act::HalfClose => {
                    stream.shutdown().await?;
                    let mut rest = [0u8; 1024];
                    while stream.read(&mut rest).await? > 0 {}
                }
                Act::Reset => {
                    stream.set_zero_linger()?;
                    return Ok(());
                }
            }
        }
        if !reply.keep {
            return stream.shutdown().await;
        }
    }
}

/// Reads one request; `None` when the peer is gone.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Received>> {
    let mut chunk = [0u8; 16 * 1024];
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut chunk).await? {
            0 => return Ok(None),
            n => buffer.extend_from_slice(&chunk[..n]),
        }
    };
    let text = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let path = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(n, _)| n == "content-length").and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    while buffer.len() < end + length {
        match stream.read(&mut chunk).await? {
            0 => return Ok(None),
            n => buffer.extend_from_slice(&chunk[..n]),
        }
    }
    let body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    Ok(Some(Received { number: 0, method, path, headers, body }))
}
