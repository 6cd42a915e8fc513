//! Runs the independent authorization server `oauth-as` on loopback, as a target for `txspec`:
//! `cargo run --example oauth-as -- [--port N]`. It prints its issuer and serves until stdin closes or Ctrl-C.

use std::error::Error;
use std::io;

use clap::Parser;
use tokio::sync::oneshot;

#[path = "oauth_as/host.rs"]
mod host;

/// The authorization server `oauth-as` on 127.0.0.1, until stdin closes or Ctrl-C.
#[derive(Parser)]
struct Options {
    /// The port; without it, a free one.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let host = host::start(Options::parse().port).await?;
    println!("issuer: {}", host.issuer);
    tokio::select! {
        read = stdin_closed() => read?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

/// Reads in a thread of its own, because a blocked read must not keep the process alive after Ctrl-C.
async fn stdin_closed() -> io::Result<()> {
    let (closed, outcome) = oneshot::channel();
    std::thread::spawn(move || closed.send(io::copy(&mut io::stdin().lock(), &mut io::sink())));
    outcome.await.map_err(io::Error::other)?.map(|_| ())
}
