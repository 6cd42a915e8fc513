//! `txspec init`: a first target file for a server.

use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;

use super::{
    Exit, doctor,
    select::{command, not_an_issuer, refuse_variable},
    terminal::Terminal,
};
use crate::{
    spec::Catalogue,
    target::{Draft, MetadataSpec, draft, holds_credentials, is_variable, read_metadata_of},
    wire::{Limits, Request, Sender, scheme_hint},
};

/// The file that is written where no other is named.
const OUTPUT: &str = "target.yaml";

/// Write a first target file for a server, and walk through it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec init --issuer https://as.example.com --client-id app --client-secret-env APP_SECRET
  txspec init --issuer http://127.0.0.1:8080 --client-id app --client-secret-env APP_SECRET \\
      --user alice --password-env ALICE_PASSWORD --output my-as.yaml

What is not given is asked for on a terminal. The file holds no secret: it names the variables that do.
Then the steps of `txspec doctor` are made with it; the exit code is theirs.")]
pub struct InitArguments {
    /// Issuer identifier: where the server's metadata are looked for.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Client identifier of the client that exchanges.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Environment variable that holds the client's secret. Without it: a public client.
    #[arg(long, value_name = "VAR")]
    client_secret_env: Option<String>,
    /// Environment variable that holds a user's token.
    #[arg(long, value_name = "VAR", conflicts_with = "user")]
    subject_token_env: Option<String>,
    /// A user who logs in by the password grant.
    #[arg(long, value_name = "NAME", requires = "password_env")]
    user: Option<String>,
    /// Environment variable that holds the user's password.
    #[arg(long, value_name = "VAR", requires = "user")]
    password_env: Option<String>,
    /// Name of the server in reports. Default: the issuer's host.
    #[arg(long)]
    name: Option<String>,
    /// File to write. An existing one is only replaced with --force.
    #[arg(long, short, value_name = "FILE", default_value = OUTPUT)]
    output: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
    /// Only write the file.
    #[arg(long)]
    no_doctor: bool,
}

/// Reads the metadata, asks, writes, and walks.
pub fn run(arguments: &InitArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    match write(arguments, terminal) {
        Ok(_) if arguments.no_doctor => Exit::Ok,
        Ok(again) => {
            let exit = doctor::walk_file(&arguments.output, terminal, catalogue);
            if exit != Exit::Ok {
                let path = arguments.output.display();
                terminal.err(&format!(
                    "{path} was written and stays. Mend what failed above, in the file, in a variable or at the server, and walk \
                     again:\n  {}\nor change an answer in this line, which writes the file anew:\n  {again}",
                    command("txspec doctor", [("--target", &Some(path.to_string()))])
                ));
            }
            exit
        }
        Err(exit) => exit,
    }
}

/// Writes the file; gives the command that writes it again.
fn write(arguments: &InitArguments, terminal: &Terminal) -> Result<String, Exit> {
    let issuer = answer(arguments.issuer.as_deref(), "--issuer", "Issuer (https://…)", terminal)?;
    let url = url::Url::parse(&issuer).ok().filter(|u| matches!(u.scheme(), "http" | "https"));
    if url.as_ref().is_some_and(|u| holds_credentials(u) || u.query().is_some()) {
        return Err(not_an_issuer(terminal));
    }
    let url = url.ok_or_else(|| {
        terminal.failure(
            &format!("`{issuer}` is not an http or https URL"),
            Some("write it like https://as.example.com"),
        );
        Exit::Usage
    })?;
    for (flag, variable) in [
        ("--client-secret-env", &arguments.client_secret_env),
        ("--subject-token-env", &arguments.subject_token_env),
        ("--password-env", &arguments.password_env),
    ] {
        let Some(variable) = variable else { continue };
        // The file names the variable, so that a file alone needs no value in it.
        let empty = !arguments.no_doctor && std::env::var_os(variable).is_some_and(|value| value.is_empty());
        if empty || !is_variable(variable) {
            return Err(refuse_variable(flag, variable, "is empty", terminal));
        }
    }
    let client_id = answer(arguments.client_id.as_deref(), "--client-id", "Client identifier", terminal)?;
    let mut unreached = false;
    let metadata = {
        let runtime = super::select_runtime(terminal)?;
        let sender = Sender::new(Limits::default()).map_err(|error| {
            terminal.failure(&error.to_string(), None);
            Exit::Bug
        })?;
        let found = runtime.block_on(read_metadata_of(&url, MetadataSpec::Auto, &sender));
        if found.is_err() {
            let again = runtime.block_on(sender.send("metadata", Request::get(url.clone())));
            unreached = again.outcome.is_err();
        }
        found
    };
    match &metadata {
        Ok((at, _)) => terminal.plain(&format!("metadata found at {at}")),
        Err(message) if unreached => terminal.plain(&format!("nothing answers there: {message}")),
        Err(message) => terminal.plain(&format!("no metadata: {message}")),
    }
    if let Some(hint) = metadata.as_ref().err().and_then(|message| scheme_hint(message)) {
        terminal.plain(&format!("hint: {hint}"));
    }
    let output = Some(arguments.output.display().to_string()).filter(|path| path != OUTPUT);
    let again = command(
        "txspec init --force",
        [
            ("--issuer", &Some(issuer.clone())),
            ("--client-id", &Some(client_id.clone())),
            ("--client-secret-env", &arguments.client_secret_env),
            ("--subject-token-env", &arguments.subject_token_env),
            ("--user", &arguments.user),
            ("--password-env", &arguments.password_env),
            ("--name", &arguments.name),
            ("--output", &output),
        ],
    );
    let host = url.host_str().unwrap_or_default().to_owned();
    let user = arguments.user.clone().zip(arguments.password_env.clone());
    let text = draft(
        &Draft {
            name: arguments.name.clone().unwrap_or(host),
            issuer,
            client_id,
            secret_env: arguments.client_secret_env.clone(),
            token_env: arguments.subject_token_env.clone(),
            user,
            unreached,
        },
        metadata.as_ref().ok().map(|(_, document)| document),
    );
    let path = &arguments.output;
    // A file that someone wrote by hand is worth more than a draft.
    let file = if arguments.force { std::fs::File::create(path) } else { std::fs::File::create_new(path) };
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::AlreadyExists {
            format!(
                "`txspec doctor --target {}` walks through the file that is there; --force replaces it, --output writes another",
                path.display()
            )
        } else {
            "choose another place with --output".to_owned()
        };
        terminal.failure(&format!("failed to write {}: {error}", path.display()), Some(&hint));
        Exit::Usage
    })?;
    terminal.plain(&format!("wrote {}", path.display()));
    Ok(again)
}

/// What was given, or what the user types.
fn answer(given: Option<&str>, flag: &str, question: &str, terminal: &Terminal) -> Result<String, Exit> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let missing = || {
        terminal.failure(&format!("{flag} is missing"), Some("see `txspec init --help`"));
        Exit::Usage
    };
    if !std::io::stdin().is_terminal() {
        return Err(missing());
    }
    terminal.err(&format!("{question}:"));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    match line.trim() {
        text if read.is_ok() && !text.is_empty() => Ok(text.to_owned()),
        _ => Err(missing()),
    }
}
