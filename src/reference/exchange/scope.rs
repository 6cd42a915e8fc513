//! What the result permits: never more than the subject token permits and the client may have.

use super::super::AuthServer;
use super::super::clients::{Client, IDENTITY_SCOPES};
use super::super::fault::FaultId;
use super::super::form::Form;
use super::super::refusal::{Refusal, Why};
use super::super::store::Kind;
use super::presented::Presented;

/// What a token of the trusted issuer permits when it does not say.
const FOREIGN_SCOPES: &[&str] = &["read"];

#[derive(Debug)]
pub(super) struct GrantedScope {
    pub(super) granted: Vec<String>,
    /// The `scope` of the response; a correct one always equals what was granted.
    pub(super) reported: Option<Vec<String>>,
}

impl GrantedScope {
    fn exactly(granted: Vec<String>) -> Self {
        Self { reported: Some(granted.clone()), granted }
    }
}

pub(super) fn grant(
    server: &AuthServer,
    form: &Form,
    client: &Client,
    subject: &Presented,
    delegated: bool,
) -> Result<GrantedScope, Refusal> {
    let available = available(server, client, subject);
    let named = form.one("audience").or(form.one("resource")).is_some();
    if (delegated && server.on(FaultId::ActorBringsEveryScope))
        || (named && server.on(FaultId::TargetBringsEveryScope))
    {
        return Ok(GrantedScope::exactly(client.scopes.iter().map(|scope| (*scope).to_owned()).collect()));
    }
    if subject.kind == Kind::Transaction && server.on(FaultId::TransactionTokenRegainsScope) {
        return Ok(GrantedScope::exactly(client.scopes.iter().map(|scope| (*scope).to_owned()).collect()));
    }
    let Some(text) = form.one("scope") else {
        return default_scope(server, client, subject, available);
    };
    let well_formed = text.split(' ').all(|scope| !scope.is_empty() && scope.bytes().all(is_scope_byte));
    if !well_formed && !server.on(FaultId::MalformedScopeAccepted) {
        return Err(Refusal::new(Why::ScopeMalformed, "scope is malformed"));
    }
    let mut asked: Vec<String> = Vec::new();
    for scope in text.split_whitespace().filter(|scope| scope.bytes().all(is_scope_byte)) {
        if !asked.iter().any(|known| known == scope) {
            asked.push(scope.to_owned());
        }
    }
    let granted: Vec<String> =
        asked.iter().filter_map(|scope| granted_as(server, client, subject, &available, scope)).collect();
    if granted.len() < asked.len() {
        return partly(server, asked, granted, available);
    }
    let positions: Vec<_> =
        granted.iter().map(|scope| available.iter().position(|known| known == scope)).collect();
    if !positions.is_sorted() && server.on(FaultId::ScopeOrderMatters) {
        return Err(Refusal::new(Why::ScopeNotAllowed, "a requested scope is not available"));
    }
    if granted.len() > 1 && server.on(FaultId::DropsAScopeSilently) {
        let kept = granted.iter().take(granted.len() - 1).cloned().collect();
        return Ok(GrantedScope { granted: kept, reported: None });
    }
    if granted.len() < available.len() && server.on(FaultId::NarrowScopeIgnored) {
        return Ok(GrantedScope { granted: available, reported: None });
    }
    Ok(GrantedScope::exactly(granted))
}

/// What the subject token and the client have in common.
fn available(server: &AuthServer, client: &Client, subject: &Presented) -> Vec<String> {
    let further = |scope: &str| server.vendor.further_scopes.iter().any(|known| known == scope);
    let of_client = |scope: &&str| client.scopes.contains(scope) || further(scope);
    let own: Vec<&str> = subject.claims.scope.iter().map(String::as_str).collect();
    let mut of_subject = match own.is_empty() && subject.foreign {
        true => FOREIGN_SCOPES.to_vec(),
        false => own,
    };
    if subject.kind == Kind::Id {
        of_subject.retain(|scope| IDENTITY_SCOPES.contains(scope));
        if server.on(FaultId::IdTokenSubjectGetsEveryScope) {
            of_subject = client.scopes.to_vec();
        }
    }
    if subject.foreign && !of_subject.iter().all(of_client) && server.on(FaultId::ForeignScopePassedOn) {
        return of_subject.into_iter().map(str::to_owned).collect();
    }
    of_subject.into_iter().filter(of_client).map(str::to_owned).collect()
}

fn default_scope(
    server: &AuthServer,
    client: &Client,
    subject: &Presented,
    available: Vec<String>,
) -> Result<GrantedScope, Refusal> {
    if server.vendor.no_default_scope {
        return Ok(GrantedScope::exactly(Vec::new()));
    }
    let wider = subject.kind != Kind::Id && client.scopes.len() > available.len();
    if wider && server.on(FaultId::DefaultScopeIsThatOfClient) {
        return Ok(GrantedScope::exactly(client.scopes.iter().map(|scope| (*scope).to_owned()).collect()));
    }
    match available.is_empty() {
        true => Err(Refusal::new(Why::ScopeNotAllowed, "the subject_token permits nothing to this client")),
        false => Ok(GrantedScope::exactly(available)),
    }
}

/// The scope that is granted for one that was asked for.
fn granted_as(
    server: &AuthServer,
    client: &Client,
    subject: &Presented,
    available: &[String],
    asked: &str,
) -> Option<String> {
    if available.iter().any(|scope| scope == asked) {
        return Some(asked.to_owned());
    }
    if let Some(other_case) = available.iter().find(|scope| scope.eq_ignore_ascii_case(asked))
        && server.on(FaultId::ScopeCaseIgnored)
    {
        return Some(other_case.clone());
    }
    let of_client = client.scopes.contains(&asked) && subject.kind != Kind::Id;
    let widened = match of_client {
        true => server.on(FaultId::ScopeWidenedToClient),
        false => !client.scopes.contains(&asked) && server.on(FaultId::UnknownScopeGranted),
    };
    widened.then(|| asked.to_owned())
}

/// Some of the scopes asked for are not available. The server refuses; RFC 6749 §3.3 would also let
/// it grant the rest if it says so.
fn partly(
    server: &AuthServer,
    asked: Vec<String>,
    granted: Vec<String>,
    available: Vec<String>,
) -> Result<GrantedScope, Refusal> {
    if server.vendor.drops_excess_scope {
        return Ok(GrantedScope::exactly(granted));
    }
    let rest = if granted.is_empty() { available } else { granted };
    if rest.is_empty() {
        return Err(Refusal::new(Why::ScopeNotAllowed, "the subject_token permits nothing to this client"));
    }
    if server.on(FaultId::NarrowsScopeSilently) {
        return Ok(GrantedScope { granted: rest, reported: None });
    }
    if server.on(FaultId::ReportsScopeNotGranted) {
        return Ok(GrantedScope { granted: rest, reported: Some(asked) });
    }
    Err(Refusal::new(Why::ScopeNotAllowed, "a requested scope is not available"))
}

/// RFC 6749 §3.3: printable ASCII but the space, the double quote and the backslash.
fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}
