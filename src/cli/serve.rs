//! `txspec serve`: the reference authorization server, for authors of clients and for trying the suite.

use std::{collections::BTreeSet, time::Duration};

use clap::Args;

use super::{Exit, terminal::Terminal};
use crate::reference::{Options, ReferenceServer, StartError};

/// Serve the reference authorization server, right or with faults, on loopback.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec serve
  txspec serve --port 4444 --fault alg-none-accepted
  txspec list faults")]
pub struct ServeArguments {
    /// Port on 127.0.0.1. Default: any free one.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Fault to switch on (can be repeated).
    #[arg(long, value_name = "ID")]
    fault: Vec<String>,
    /// Hold every answer back for so long.
    #[arg(long, value_name = "DURATION", value_parser = crate::target::duration, default_value = "0s")]
    delay: Duration,
}

/// Serves until Ctrl-C.
pub fn run(arguments: &ServeArguments, terminal: &Terminal) -> Exit {
    let runtime = match super::select_runtime(terminal) {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    runtime.block_on(async {
        let options = Options { port: arguments.port, faults: arguments.fault.clone(), delay: arguments.delay, ..Options::default() };
        let server = match ReferenceServer::start(options).await {
            Ok(server) => server,
            Err(error @ StartError::UnknownFault { .. }) => {
                terminal.failure(&error.to_string(), Some("`txspec list faults` shows them"));
                return Exit::Usage;
            }
            Err(error) => {
                terminal.failure(&format!("failed to start the reference server: {error}"), None);
                return Exit::Usage;
            }
        };
        let issuer = server.issuer();
        terminal.out(&format!("issuer: {issuer}"));
        if !arguments.fault.is_empty() {
            terminal.out(&format!("faults: {}", arguments.fault.join(", ")));
        }
        terminal.out(&format!("run the suite against it with:\n  txspec run --target reference --issuer {issuer}\nCtrl-C ends it"));
        let _ = tokio::signal::ctrl_c().await;
        let fired = server.fired();
        for fault in arguments.fault.iter().collect::<BTreeSet<_>>() {
            let changed = match fired.get(fault) {
                None => "nothing".to_owned(),
                Some(1) => "1 answer".to_owned(),
                Some(count) => format!("{count} answers"),
            };
            terminal.err(&format!("fault {fault} changed {changed}"));
        }
        Exit::Ok
    })
}
