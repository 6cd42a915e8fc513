//! Validation of the tokens that a request brings: subject and actor go the same way
//! (RFC 8693 §2.1: both must be valid for the type that the client declared).

use super::super::AuthServer;
use super::super::clients::DEFAULT_AUDIENCE;
use super::super::clock::now;
use super::super::fault::FaultId;
use super::super::jwt::Jwt;
use super::super::mint::Format;
use super::super::refusal::{Refusal, Why};
use super::super::store::{Claims, Kind, Record};
use super::request::{Declared, TokenType};
use super::signed;

/// Which of the two inputs a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Subject,
    Actor,
}

impl Role {
    pub(super) fn invalid(self) -> Refusal {
        match self {
            Self::Subject => Refusal::new(Why::SubjectInvalid, "the subject_token is not valid"),
            Self::Actor => Refusal::new(Why::ActorInvalid, "the actor_token is not valid"),
        }
    }

    pub(super) fn pick(self, subject: FaultId, actor: FaultId) -> FaultId {
        match self {
            Self::Subject => subject,
            Self::Actor => actor,
        }
    }
}

/// A valid token.
#[derive(Clone, Debug)]
pub(super) struct Presented {
    pub(super) claims: Claims,
    pub(super) issuer: String,
    /// The client to which this server issued it; `None` for a token of another issuer.
    pub(super) holder: Option<String>,
    /// The client that a token of another issuer names.
    pub(super) named_client: Option<String>,
    pub(super) kind: Kind,
    pub(super) format: Format,
    /// Issued by the other trusted issuer.
    pub(super) foreign: bool,
    /// Where the store keeps it.
    pub(super) key: Option<String>,
}

/// Validates a token by the rules of its declared type.
pub(super) fn validate(server: &AuthServer, declared: Declared, role: Role) -> Result<Presented, Refusal> {
    let presented = match find_opaque(server, declared.token) {
        Some((key, record)) => opaque(server, key, record, role)?,
        None if is_unreadable(declared.token)
            && server.on(role.pick(FaultId::UnreadableSubjectAccepted, FaultId::UnreadableActorAccepted)) =>
        {
            return Ok(somebody(server, declared.token_type));
        }
        None => signed::validate(server, declared, role)?,
    };
    if withheld(server, &presented, role) {
        return Err(role.invalid());
    }
    match type_fits(server, declared.token_type, &presented, role) {
        true => Ok(presented),
        false => Err(role.invalid()),
    }
}

/// Whether a string is no JWT of any issuer.
fn is_unreadable(token: &str) -> bool {
    Jwt::parse(token).is_none()
}

/// Whom a faulty server takes the bearer of a token for that it cannot read.
fn somebody(server: &AuthServer, declared: TokenType) -> Presented {
    Presented {
        claims: Claims {
            sub: "somebody".to_owned(),
            scope: vec!["openid".to_owned(), "read".to_owned(), "write".to_owned()],
            aud: vec![DEFAULT_AUDIENCE.to_owned()],
            ..Claims::default()
        },
        issuer: server.issuer.clone(),
        holder: None,
        named_client: None,
        kind: signed::natural_kind(declared),
        format: Format::Jwt,
        foreign: false,
        key: None,
    }
}

/// Faults that refuse a valid token.
fn withheld(server: &AuthServer, presented: &Presented, role: Role) -> bool {
    let exchanged = || {
        let record = presented.key.as_ref().and_then(|key| server.store.find(key));
        record.is_some_and(|record| record.from_exchange)
    };
    server.on(role.pick(FaultId::ValidSubjectRefused, FaultId::ValidActorRefused))
        || (presented.foreign && server.on(FaultId::TrustedIssuerRefused))
        || (presented.format == Format::Opaque
            && presented.kind == Kind::Access
            && server.on(FaultId::OpaqueSubjectRefused))
        || (role == Role::Subject && exchanged() && server.on(FaultId::ExchangedTokenRefused))
}

/// Finds a token that the store keeps under itself: a random string, or a JWT whose signature a
/// fault has spoilt. A JWT is otherwise kept under its jti, which has 36 characters and is no token.
fn find_opaque(server: &AuthServer, token: &str) -> Option<(String, Record)> {
    let is_token = |key: &str| key.len() != 36;
    if is_token(token)
        && let Some(record) = server.store.find(token)
    {
        return Some((token.to_owned(), record));
    }
    if (32..64).contains(&token.len()) {
        let longer = server.store.find_by(|key| is_token(key) && key.starts_with(token));
        return longer.filter(|_| server.on(FaultId::TruncatedTokenAccepted));
    }
    if (65..100).contains(&token.len()) {
        let shorter = server.store.find_by(|key| is_token(key) && token.starts_with(key));
        return shorter.filter(|_| server.on(FaultId::AppendedTokenAccepted));
    }
    None
}

fn opaque(server: &AuthServer, key: String, record: Record, role: Role) -> Result<Presented, Refusal> {
    check_alive(server, &record, role)?;
    let past = record.claims.exp.is_some_and(|exp| exp <= now());
    let future = record.claims.nbf.is_some_and(|nbf| nbf > now());
    check_window(server, past, future, role)?;
    Ok(Presented {
        claims: record.claims,
        issuer: server.issuer.clone(),
        holder: Some(record.client),
        named_client: None,
        kind: record.kind,
        format: if key.contains('.') { Format::Jwt } else { Format::Opaque },
        foreign: false,
        key: Some(key),
    })
}

/// Refuses what was revoked and what may be exchanged once and was.
pub(super) fn check_alive(server: &AuthServer, record: &Record, role: Role) -> Result<(), Refusal> {
    if record.revoked && !server.on(role.pick(FaultId::RevokedSubjectAccepted, FaultId::RevokedActorAccepted))
    {
        return Err(role.invalid());
    }
    match record.exchanged_at {
        // The fault leaves a window in which a second request still finds the token unused.
        Some(at) if at.elapsed().as_millis() < 500 && server.on(FaultId::SingleUseTokenRace) => Ok(()),
        Some(_) => Err(role.invalid()),
        None => Ok(()),
    }
}

pub(super) fn check_window(server: &AuthServer, past: bool, future: bool, role: Role) -> Result<(), Refusal> {
    if past && !server.on(role.pick(FaultId::ExpiredSubjectAccepted, FaultId::ExpiredActorAccepted)) {
        return Err(role.invalid());
    }
    let early = role.pick(FaultId::NotYetValidSubjectAccepted, FaultId::NotYetValidActorAccepted);
    if future && !server.on(early) {
        return Err(role.invalid());
    }
    Ok(())
}

/// Whether a valid token is of the type that the client says. Access tokens are named
/// `access_token` only if this server issued them, and `jwt` only if they are JWTs (RFC 8693 §3).
fn type_fits(server: &AuthServer, declared: TokenType, presented: &Presented, role: Role) -> bool {
    let confused = match (declared, presented.kind) {
        (TokenType::AccessToken, Kind::Access) if !presented.foreign => return true,
        (TokenType::Jwt, Kind::Access) if presented.format == Format::Jwt => return true,
        (TokenType::IdToken, Kind::Id) | (TokenType::RefreshToken, Kind::Refresh) => return true,
        (TokenType::AccessToken, Kind::Access) => FaultId::ForeignJwtAsAccessToken,
        (TokenType::AccessToken, Kind::Id) => FaultId::IdTokenAsAccessToken,
        (TokenType::AccessToken, Kind::Refresh) => FaultId::RefreshTokenAsAccessToken,
        (TokenType::Jwt, Kind::Access) => FaultId::OpaqueTokenAsJwt,
        (TokenType::IdToken, Kind::Access) => FaultId::AccessTokenAsIdToken,
        (TokenType::RefreshToken, Kind::Access) => FaultId::AccessTokenAsRefreshToken,
        (TokenType::RefreshToken, Kind::Id) | (TokenType::IdToken, Kind::Refresh) => {
            FaultId::RefreshAndIdTokenConfused
        }
        (TokenType::Transaction, Kind::Transaction) => return true,
        (TokenType::Jwt, Kind::Id | Kind::Refresh)
        | (TokenType::IdJag | TokenType::Transaction, _)
        | (_, Kind::Grant | Kind::Transaction) => return false,
    };
    server.on(role.pick(confused, FaultId::ActorTypeConfusionAccepted))
}
