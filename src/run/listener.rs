//! A small server on loopback that notices whether the server under test follows an address out of a token (`jku`,
//! `x5u`, an issuer that no one knows). It answers every request with a key set that holds the key that no one trusts:
//! a server that fetches it and then trusts it accepts the forged token.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::placeholder::UNTRUSTED_KID;
use crate::token::SigningKey;

/// A running listener.
pub(super) struct Trap {
    address: String,
    visited: Arc<Mutex<BTreeSet<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Trap {
    /// Starts listening on a free loopback port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let visited: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let seen = Arc::clone(&visited);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(Duration::from_secs(5), answer(stream, &seen)).await;
                });
            }
        });
        Ok(Self { address, visited, task })
    }

    /// An address of one scenario's own: visits to it are told apart from those of other scenarios.
    pub fn address(&self) -> String {
        format!("{}/{}", self.address, uuid::Uuid::new_v4())
    }

    /// Whether anything at or below an address was asked for.
    pub fn was_visited(&self, address: &str) -> bool {
        let own = address.rsplit('/').next().unwrap_or_default();
        self.visited.lock().unwrap_or_else(PoisonError::into_inner).contains(own)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, seen: &Mutex<BTreeSet<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0u8; 1024];
    while head.len() < 8192 && !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut buffer).await? {
            0 => break,
            n => head.extend_from_slice(&buffer[..n]),
        }
    }
    let line = String::from_utf8_lossy(&head);
    // A well-known path may stand before the scenario's own part (RFC 8414 section 3.1): keep every segment.
    if let Some(path) = line.split_whitespace().nth(1) {
        seen.lock().unwrap_or_else(PoisonError::into_inner).extend(path.split(['/', '?']).map(str::to_owned));
    }
    let body = key_set().to_string();
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

fn key_set() -> serde_json::Value {
    let keys: Vec<serde_json::Value> = ["ES256", "RS256"]
        .into_iter()
        .filter_map(|alg| SigningKey::stranger(alg).and_then(|k| k.public_jwk()).ok())
        .map(|mut jwk| {
            jwk["kid"] = json!(UNTRUSTED_KID);
            jwk
        })
        .collect();
    json!({ "keys": keys })
}
