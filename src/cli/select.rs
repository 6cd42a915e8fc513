//! Arguments that several commands share: which target, which scenarios.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use url::Url;

use super::{Exit, terminal::Terminal};
use crate::{
    document::{Diagnostics, Severity},
    judge::Cause,
    reference::{Options, ReferenceServer},
    run::Documented,
    scenario::{LoadError, ProfileName, Scenario, Suite},
    spec::{Catalogue, Level},
    target::{
        LimitsSpec, QUICK_CLIENT, QuickTarget, Target, TargetError, holds_credentials, is_variable,
        load_named, quick,
    },
    vendor::{self, VendorError},
    wire::printable,
};

/// Which server.
#[derive(Debug, Clone, Default, Args)]
pub struct TargetArguments {
    /// Target file, name of a target that comes with txspec, or the URL of a server. Default: the embedded reference
    /// server.
    #[arg(long, short, value_name = "FILE|URL|NAME")]
    pub target: Option<String>,
    /// Address of the server, in place of the target file's `issuer` (it is also `${TXSPEC_ISSUER}` in the file).
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// Run against a simulation of the target by its vendor's documents, offline: shows what they imply and measures
    /// nothing.
    #[arg(long)]
    pub simulated: bool,
    /// With a URL: client identifier. Without it, a public client is named `txspec`.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// With a URL: environment variable that holds the client secret.
    #[arg(long, value_name = "VAR")]
    pub client_secret_env: Option<String>,
    /// With a URL: environment variable that holds a subject token. Without it, the client gets one for itself.
    #[arg(long, value_name = "VAR")]
    pub subject_token_env: Option<String>,
}

/// Which scenarios.
#[derive(Debug, Clone, Args)]
pub struct SuiteArguments {
    /// Scenario files or folders in place of those that come with txspec.
    #[arg(long, value_name = "PATH")]
    pub scenarios: Vec<PathBuf>,
    /// Profile: a named set of scenarios.
    #[arg(long, value_enum, default_value_t = ProfileArgument::Security, value_name = "PROFILE")]
    pub profile: ProfileArgument,
    /// Only scenarios whose id or test name matches the glob, or that check a requirement whose id does (can be
    /// repeated). The checks that every response gets select scenarios only by their exact id.
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// Only scenarios that check a requirement of this level or above.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub level: Option<LevelArgument>,
}

/// A profile on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileArgument {
    /// One client, one subject token, token mutation.
    #[value(name = "rfc8693-core", alias = "core")]
    Core,
    /// Core, and second clients and users, forged tokens, chains, binding.
    #[value(name = "rfc8693-security", alias = "security")]
    Security,
}

impl From<ProfileArgument> for ProfileName {
    fn from(argument: ProfileArgument) -> Self {
        match argument {
            ProfileArgument::Core => Self::Core,
            ProfileArgument::Security => Self::Security,
        }
    }
}

/// A level on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelArgument {
    /// Failures.
    Must,
    /// Failures and warnings.
    Should,
    /// Everything.
    May,
}

impl From<LevelArgument> for Level {
    fn from(argument: LevelArgument) -> Self {
        match argument {
            LevelArgument::Must => Self::Must,
            LevelArgument::Should => Self::Should,
            LevelArgument::May => Self::May,
        }
    }
}

/// A cause on the command line.
///
/// # Errors
/// In words, for an unknown one.
pub fn cause(text: &str) -> Result<Cause, String> {
    let all = Cause::ALL.map(Cause::word);
    Cause::ALL
        .into_iter()
        .find(|c| c.word() == text)
        .ok_or_else(|| format!("the causes are {}", all.join(", ")))
}

/// Causes as a set.
pub fn causes(list: &[Cause]) -> BTreeSet<Cause> {
    list.iter().copied().collect()
}

/// The target of a command; keeps the embedded server alive when that is the target.
pub struct Chosen {
    /// What to test.
    pub target: Arc<Target>,
    /// Where the server stands for documents: what they are.
    pub simulation: Option<Simulation>,
    /// Which flags stand for the file, where there is none.
    pub by_flags: Option<Flags>,
    /// The embedded server, if it is the target: it stops when dropped.
    _server: Option<ReferenceServer>,
}

/// What was said of the client on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// `--client-id` was given.
    pub client_id: bool,
    /// `--client-secret-env` was given.
    pub client_secret: bool,
}

/// What a simulated target rests on.
pub struct Simulation {
    /// What is documented: nothing else is judged.
    pub documented: Documented,
    /// A sentence that says so, for reports.
    pub says: String,
}

impl TargetArguments {
    /// Loads the target; starts the embedded server if no other is named.
    pub async fn choose(&self, terminal: &Terminal, catalogue: &Catalogue) -> Result<Chosen, Exit> {
        if self.simulated {
            return self.simulate(terminal, catalogue).await;
        }
        let name = self.target.as_deref().unwrap_or("reference");
        let scheme = name.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if matches!(scheme.as_deref(), Some("http" | "https")) {
            if Url::parse(name).is_ok_and(|url| holds_credentials(&url) || url.query().is_some()) {
                return Err(not_an_issuer(terminal));
            }
            let options = QuickTarget {
                url: name.to_owned(),
                client_id: self.client_id.clone(),
                client_secret_env: self.client_secret_env.clone(),
                subject_token_env: self.subject_token_env.clone(),
            };
            self.variables_of_flags(terminal)?;
            let target = quick(&options, catalogue).map_err(|e| refuse_flags(&e, terminal))?;
            let by_flags = Some(Flags {
                client_id: self.client_id.is_some(),
                client_secret: self.client_secret_env.is_some(),
            });
            return Ok(Chosen { target: Arc::new(target), simulation: None, by_flags, _server: None });
        }
        if let Some(url) = address_like(name) {
            terminal.failure(
                &format!("`{}` is neither a target file nor the name of a target", printable(name, 200)),
                Some(&format!("an address begins with its scheme: did you mean `--target {url}`?")),
            );
            return Err(Exit::Usage);
        }
        for (flag, given) in [
            ("--client-id", &self.client_id),
            ("--client-secret-env", &self.client_secret_env),
            ("--subject-token-env", &self.subject_token_env),
        ] {
            if given.is_some() {
                terminal.failure(
                    &format!("{flag} goes with `--target URL`"),
                    Some("a target file says it under `clients` and `tokens`"),
                );
                return Err(Exit::Usage);
            }
        }
        let mut server = None;
        let mut issuer = self.issuer.clone();
        if name == "reference" && issuer.is_none() && std::env::var_os("TXSPEC_ISSUER").is_none() {
            let started = ReferenceServer::start(Options::default()).await.map_err(|e| {
                terminal.failure(&format!("failed to start the reference server: {e}"), None);
                Exit::Bug
            })?;
            issuer = Some(started.issuer().to_owned());
            server = Some(started);
        }
        let variables = |variable: &str| match variable {
            "TXSPEC_ISSUER" => issuer.clone().or_else(|| std::env::var(variable).ok()),
            _ => std::env::var(variable).ok(),
        };
        let given = self.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
        if given.is_some_and(|url| holds_credentials(&url) || url.query().is_some()) {
            return Err(not_an_issuer(terminal));
        }
        let mut target = load_named(name, &variables, catalogue).map_err(|e| refuse(&e, terminal))?;
        if let Some(issuer) = &self.issuer {
            target.spec.issuer = Some(issuer.clone());
        }
        warn(&target.warnings, terminal);
        Ok(Chosen { target: Arc::new(target), simulation: None, by_flags: None, _server: server })
    }

    /// The command that walks through the set-up of the same target.
    pub fn doctor(&self) -> String {
        let flags = [
            ("--target", &self.target),
            ("--issuer", &self.issuer),
            ("--client-id", &self.client_id),
            ("--client-secret-env", &self.client_secret_env),
            ("--subject-token-env", &self.subject_token_env),
        ];
        command(if self.simulated { "txspec doctor --simulated" } else { "txspec doctor" }, flags)
    }

    /// Looks at the variables that flags name: what is wrong with them is told with the flag.
    fn variables_of_flags(&self, terminal: &Terminal) -> Result<(), Exit> {
        for (flag, variable) in [
            ("--client-secret-env", &self.client_secret_env),
            ("--subject-token-env", &self.subject_token_env),
        ] {
            let Some(variable) = variable else { continue };
            let is = match std::env::var(variable) {
                Ok(value) if !value.is_empty() => continue,
                Ok(_) => "is empty",
                Err(_) => "is not set",
            };
            return Err(refuse_variable(flag, variable, is, terminal));
        }
        Ok(())
    }

    /// Starts the embedded server as the documents of a target describe it.
    async fn simulate(&self, terminal: &Terminal, catalogue: &Catalogue) -> Result<Chosen, Exit> {
        let given = [
            ("--issuer", &self.issuer),
            ("--client-id", &self.client_id),
            ("--client-secret-env", &self.client_secret_env),
            ("--subject-token-env", &self.subject_token_env),
        ];
        if let Some((flag, _)) = given.iter().find(|(_, value)| value.is_some()) {
            terminal.failure(
                &format!("{flag} has no place beside --simulated"),
                Some("a simulation brings its own server, clients and tokens"),
            );
            return Err(Exit::Usage);
        }
        let have = format!("simulations come with {}", vendor::names().join(", "));
        let Some(name) = self.target.as_deref() else {
            terminal.failure("--simulated needs --target", Some(&have));
            return Err(Exit::Usage);
        };
        let vendor = vendor::embedded(name, catalogue).map_err(|error| refuse_vendor(&error, terminal))?;
        let options = Options { vendor: vendor.server.clone(), ..Options::default() };
        let server = ReferenceServer::start(options).await.map_err(|e| {
            terminal.failure(&format!("failed to start the reference server: {e}"), None);
            Exit::Bug
        })?;
        // Nothing of the environment gets in: a simulation is the same everywhere.
        let variables = |variable: &str| {
            let written = vendor.variables.get(variable).map(|v| v.replace("{{origin}}", server.origin()));
            written.or_else(|| server.given().get(variable).cloned())
        };
        let mut target = load_named(name, &variables, catalogue).map_err(|e| refuse(&e, terminal))?;
        // The limits of the file spare somebody else's server.
        target.spec.limits =
            LimitsSpec { concurrency: Some(8), budget: Some(20_000), ..LimitsSpec::default() };
        let facts = vendor.facts.iter().map(|fact| (&fact.requirements[..], &fact.scenarios[..]));
        let documented = Documented::new(facts).map_err(|message| {
            terminal.failure(&format!("failed to read the facts of `{name}`: {message}"), None);
            Exit::Bug
        })?;
        let says = format!("documents on {} as of {}; nothing was measured", vendor.name, vendor.as_of);
        terminal.err(&format!("simulated: {says}"));
        let simulation = Some(Simulation { documented, says });
        Ok(Chosen { target: Arc::new(target), simulation, by_flags: None, _server: Some(server) })
    }
}

impl Flags {
    /// What may be wrong with the client, the flags that are missing first.
    fn advice(self) -> String {
        const METHOD: &str = "the client has to authenticate by client_secret_basic (for any other method `txspec init` writes a target file)";
        let made_up = format!("no --client-id was given, so that the client was called `{QUICK_CLIENT}`");
        match (self.client_id, self.client_secret) {
            (true, true) => {
                format!(
                    "check --client-id and the secret in the variable that --client-secret-env names; {METHOD}"
                )
            }
            (true, false) => format!(
                "no --client-secret-env was given, so that the client was sent without a secret, as a public one: name the \
                 variable that holds its secret, or check --client-id; {METHOD}"
            ),
            (false, true) => format!("{made_up}: give the identifier that the secret belongs to; {METHOD}"),
            (false, false) => format!(
                "{made_up}, a public client without a secret: give --client-id, and --client-secret-env with the variable that \
                 holds its secret; {METHOD}"
            ),
        }
    }
}

impl Chosen {
    /// A hint that speaks of the target file and its lines, or of the flags where there is none.
    pub fn hint(&self, hint: &str) -> String {
        let Some(flags) = self.by_flags else { return self.with_lines(hint) };
        if hint.contains("`tokens.user`") {
            format!(
                "{}, and may need the client_credentials grant for a subject token; or give a user's token with --subject-token-env",
                flags.advice()
            )
        } else if hint.contains("`clients.exchanger`") {
            flags.advice()
        } else if hint.contains('`') {
            format!("{hint}; that is said in a target file, which `txspec init` writes")
        } else {
            hint.to_owned()
        }
    }

    /// The hint, with the line of each key that it names.
    fn with_lines(&self, hint: &str) -> String {
        let mut hint = hint.to_owned();
        let Some(document) = &self.target.document else { return hint };
        for (key, pointer) in
            [("`clients.exchanger`", "/clients/exchanger"), ("`tokens.user`", "/tokens/user")]
        {
            if let Some(line) = document.line(pointer).filter(|_| document.span(pointer).is_some()) {
                hint = hint.replacen(key, &format!("{key} ({}:{line})", document.name), 1);
            }
        }
        hint
    }
}

/// The URL that was meant by an address without a scheme; a file of that name is none.
fn address_like(name: &str) -> Option<String> {
    if name.contains("://") || is_file(name) {
        return None;
    }
    let host = name.split('/').next().unwrap_or_default();
    let (host, port) = host.rsplit_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
    let port = port.map(|port| port.parse::<u16>().is_ok());
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let local = host == "localhost" || ip.as_ref().is_ok_and(std::net::IpAddr::is_loopback);
    let is_host = local || ip.is_ok() || port == Some(true) || host.contains('.');
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-[]:".contains(&b));
    let url = format!("{}://{name}", if local { "http" } else { "https" });
    (is_host && plain && port != Some(false) && Url::parse(&url).is_ok()).then_some(url)
}

/// A command line with those flags that have a value, ready for a shell.
pub fn command<'a>(
    start: &str,
    flags: impl IntoIterator<Item = (&'static str, &'a Option<String>)>,
) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    let mut out = start.to_owned();
    for (flag, value) in flags {
        let Some(value) = value else { continue };
        let value = printable(value, 500);
        if !value.is_empty() && value.chars().all(plain) {
            out.push_str(&format!(" {flag} {value}"));
        } else {
            out.push_str(&format!(" {flag} '{}'", value.replace('\'', r"'\''")));
        }
    }
    out
}

/// Whether an argument looks like a target file that should stand behind `--target`.
pub fn is_file(argument: &str) -> bool {
    argument.ends_with(".yaml") || argument.ends_with(".yml") || std::path::Path::new(argument).is_file()
}

/// Refuses what a flag gives as the name of a variable. What can be no name may be the secret itself and is not repeated.
pub fn refuse_variable(flag: &str, variable: &str, is: &str, terminal: &Terminal) -> Exit {
    let takes = format!("{flag} takes the name of a variable, not its value");
    if is_variable(variable) {
        terminal.failure(
            &format!("the environment variable `{}`, which {flag} names, {is}", printable(variable, 100)),
            Some(&format!("export {}=…; {takes}", printable(variable, 100))),
        );
    } else {
        terminal.failure(
            &format!("what {flag} gives is no name of an environment variable"),
            Some(&format!("{takes}: put the value into a variable, and give the name of that")),
        );
    }
    Exit::Usage
}

/// Refuses a file where none belongs.
pub fn refuse_stray(argument: &str, terminal: &Terminal) -> Exit {
    let argument = printable(argument, 200);
    terminal.failure(
        &format!("`{argument}` stands where no file belongs"),
        Some(&format!("did you mean `--target {argument}`?")),
    );
    Exit::Usage
}

/// Prints what is wrong with flags: there is no file to point into.
fn refuse_flags(error: &TargetError, terminal: &Terminal) -> Exit {
    let TargetError::Mistakes(diagnostics) = error else { return refuse(error, terminal) };
    for mistake in diagnostics.0.iter().filter(|d| d.severity == Severity::Error) {
        terminal.failure(&mistake.message, mistake.hint.as_deref());
    }
    Exit::Usage
}

/// Prints why there is no simulation.
pub fn refuse_vendor(error: &VendorError, terminal: &Terminal) -> Exit {
    match error {
        VendorError::Mistakes(diagnostics) => refuse_mistakes(diagnostics, terminal),
        VendorError::Unknown { .. } => {
            let have = format!("simulations come with {}", vendor::names().join(", "));
            terminal.failure(&error.to_string(), Some(&have));
            Exit::Usage
        }
        VendorError::Schema(_) => {
            terminal.failure(&error.to_string(), Some("this is a bug in txspec"));
            Exit::Bug
        }
    }
}

/// Prints why an address is no issuer, without the address.
pub fn not_an_issuer(terminal: &Terminal) -> Exit {
    terminal.failure(
        "the issuer's address holds credentials or a query",
        Some(
            "an issuer is a scheme, a host and a path (RFC 8414 section 2); addresses stand in every report",
        ),
    );
    Exit::Usage
}

/// Prints why there is no target.
pub fn refuse(error: &TargetError, terminal: &Terminal) -> Exit {
    match error {
        TargetError::Mistakes(diagnostics) => refuse_mistakes(diagnostics, terminal),
        TargetError::Unread(diagnostics) => {
            let exit = refuse_mistakes(diagnostics, terminal);
            let (errors, _) = diagnostics.counts();
            let mended = if errors == 1 { "this is" } else { "these are" };
            terminal.err(&format!("names, roles and readings are checked once {mended} mended"));
            exit
        }
        TargetError::Scheme { .. } => {
            terminal.failure(
                &error.to_string(),
                Some("give the issuer's address, the name of a target, or the path of a target file"),
            );
            Exit::Usage
        }
        TargetError::Unknown { .. } => {
            terminal
                .failure(&error.to_string(), Some("`txspec list targets` shows those that come with txspec"));
            Exit::Usage
        }
        TargetError::Schema(_) => {
            terminal.failure(&error.to_string(), Some("this is a bug in txspec"));
            Exit::Bug
        }
    }
}

impl SuiteArguments {
    /// Loads the scenarios.
    pub fn load(&self, terminal: &Terminal, catalogue: &Catalogue) -> Result<Suite, Exit> {
        let loaded = if self.scenarios.is_empty() {
            Suite::embedded(catalogue)
        } else {
            Suite::from_paths(&self.scenarios, catalogue)
        };
        let suite = loaded.map_err(|e| refuse_suite(&e, terminal))?;
        warn(&suite.warnings, terminal);
        Ok(suite)
    }
}

/// Prints what is worth mending in files that can be used.
pub fn warn(warnings: &Diagnostics, terminal: &Terminal) {
    if !warnings.0.is_empty() {
        terminal.err(&warnings.render(false));
    }
}

/// How many scenarios of a profile, as it comes with txspec, are not among these: own scenarios take the place of no
/// others, whatever they are called.
pub fn left_out<'a>(
    profile: ProfileName,
    chosen: impl IntoIterator<Item = &'a Scenario>,
    terminal: &Terminal,
    catalogue: &Catalogue,
) -> Result<usize, Exit> {
    let whole = Suite::embedded(catalogue).map_err(|e| refuse_suite(&e, terminal))?;
    let known: BTreeSet<(&str, String)> = chosen.into_iter().map(|s| (s.id.as_str(), s.digest())).collect();
    let absent = |s: &&Scenario| !known.contains(&(s.id.as_str(), s.digest()));
    Ok(whole.scenarios().iter().filter(|s| profile.includes(s.profile)).filter(absent).count())
}

/// Prints why there is no suite.
pub fn refuse_suite(error: &LoadError, terminal: &Terminal) -> Exit {
    match error {
        LoadError::Mistakes(diagnostics) => refuse_mistakes(diagnostics, terminal),
        LoadError::Schema(_) => {
            terminal.failure(&error.to_string(), Some("this is a bug in txspec"));
            Exit::Bug
        }
    }
}

/// Prints the mistakes of files, and how many there are.
fn refuse_mistakes(diagnostics: &Diagnostics, terminal: &Terminal) -> Exit {
    let (errors, _) = diagnostics.counts();
    terminal.err(&diagnostics.render(false));
    terminal.err(&format!("\n{errors} mistake{}", if errors == 1 { "" } else { "s" }));
    Exit::Usage
}
