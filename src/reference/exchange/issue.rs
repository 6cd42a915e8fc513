//! Makes the token of an exchange, once everything about it is decided.

use serde_json::Value;
use uuid::Uuid;

use super::super::AuthServer;
use super::super::clients::{Client, Grant};
use super::super::clock::now;
use super::super::fault::FaultId;
use super::super::feature::Feature;
use super::super::form::Form;
use super::super::mint::{Format, LIFETIME, expiry, jwt_claims};
use super::super::refusal::{Refusal, Why};
use super::super::store::{Claims, Kind, Record};
use super::drafts::{self, Draft};
use super::presented::Presented;
use super::request::{Requested, TokenType};
use super::scope::GrantedScope;

mod disfigured;

/// The lifetime of a token that the fault lets outlive its subject token, even one made a moment ago.
const OUTLIVING: i64 = LIFETIME + 600;

/// What the exchange has come to.
pub(super) struct Decision<'a> {
    pub(super) client: &'static Client,
    pub(super) requested: Requested<'a>,
    pub(super) aud: Vec<String>,
    pub(super) scope: GrantedScope,
    pub(super) act: Option<Value>,
    pub(super) jkt: Option<String>,
    /// Whether the request names a target.
    pub(super) targeted: bool,
    pub(super) subject: &'a Presented,
    pub(super) actor: Option<&'a Presented>,
}

/// A token with what the response says about it.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) token: String,
    /// What it is.
    pub(super) kind: Kind,
    /// What it is called, which only a faulty server lets differ.
    pub(super) issued_token_type: String,
    pub(super) bound: bool,
    pub(super) expires_in: i64,
    pub(super) reported_scope: Option<Vec<String>>,
    /// A member beside the others.
    pub(super) beside: Option<(&'static str, String)>,
}

pub(super) fn issue(server: &AuthServer, form: &Form, decision: &Decision) -> Result<Issued, Refusal> {
    check_requested_type(server, form, decision)?;
    let record = record(server, form, decision);
    let bound = record.claims.jkt.is_some();
    let expires_in = record.claims.exp.unwrap_or_default() - record.claims.iat;
    let beside = beside(server, decision, &record)?;
    let (kind, label) = kind_and_label(server, decision);
    let kind = if beside.is_some() { Kind::Access } else { kind };
    if let Some(back) = handed_back(server, form, decision, kind) {
        return Ok(Issued {
            token: back,
            kind,
            issued_token_type: label.to_owned(),
            bound,
            expires_in,
            reported_scope: decision.scope.reported.clone(),
            beside,
        });
    }
    let token = match server.remembered(form, decision) {
        Some(token) => token,
        None => {
            let token = make(server, decision, Record { kind, ..record })?;
            server.remember(form, decision, &token);
            token
        }
    };
    Ok(Issued {
        token,
        kind,
        issued_token_type: label.to_owned(),
        bound,
        expires_in,
        reported_scope: decision.scope.reported.clone(),
        beside,
    })
}

/// The subject token itself, where a fault mistakes it for the result.
fn handed_back(server: &AuthServer, form: &Form, decision: &Decision, kind: Kind) -> Option<String> {
    let subject = decision.subject;
    let second = subject.key.as_ref().is_some_and(|key| server.store.results_of(key) == 1);
    let plain = decision.requested == Requested::Nothing && decision.actor.is_none() && kind == subject.kind;
    let token = form.one("subject_token").filter(|_| second && plain)?;
    server.on(FaultId::HandsSubjectTokenBack).then(|| token.to_owned())
}

/// What the token will say, whatever its type.
fn record(server: &AuthServer, form: &Form, decision: &Decision) -> Record {
    let subject = decision.subject;
    let iat = now();
    let draft = Draft::of(decision.requested);
    // A subject that a fault let in after its end gives no limit.
    let limit = subject.claims.exp.filter(|exp| *exp > iat);
    let outlives = limit.is_some_and(|exp| exp < iat + OUTLIVING) && server.on(FaultId::OutlivesSubject);
    let exp = match server.on(FaultId::LifetimeOfAWeek) {
        true => iat + 7 * 24 * 3600,
        false if outlives => iat + OUTLIVING,
        false if draft.is_some() => expiry(drafts::LIFETIME, limit),
        false => expiry(LIFETIME, limit),
    };
    let claims = Claims {
        sub: subject.claims.sub.clone(),
        scope: decision.scope.granted.clone(),
        aud: decision.aud.clone(),
        act: decision.act.clone(),
        // A right of the subject token, not of this one (RFC 8693 §4.4).
        may_act: None,
        jkt: decision.jkt.clone(),
        iat,
        exp: Some(exp),
        nbf: None,
        login: subject.claims.login.clone(),
        of_client: subject.claims.of_client,
    };
    let mut record = Record::new(Kind::Access, decision.client.id, claims);
    record.from_exchange = true;
    record.subject.clone_from(&subject.key);
    record.actor = decision.actor.and_then(|actor| actor.key.clone());
    if let Some(draft) = draft {
        draft.complete(server, form, subject, &mut record);
    }
    disfigured::record(server, form, decision, &mut record);
    record
}

/// Refuses a type that this client cannot have of this subject.
fn check_requested_type(server: &AuthServer, form: &Form, decision: &Decision) -> Result<(), Refusal> {
    if let Some(draft) = Draft::of(decision.requested) {
        return draft.check(server, form, decision.client, decision.subject);
    }
    let refused = |text| Err(Refusal::new(Why::RequestedTypeRefused, text));
    let of_client = decision.subject.claims.of_client;
    let may_refresh = decision.client.grants.contains(&Grant::Refresh);
    match decision.requested {
        // It would leave its trust domain as something that is good elsewhere.
        _ if decision.subject.kind == Kind::Transaction => {
            refused("a transaction token is exchanged for its successor only")
        }
        Requested::Known(TokenType::IdToken) if of_client => refused("an ID token needs a user"),
        Requested::Known(TokenType::RefreshToken) if !may_refresh => {
            refused("this client may not have a refresh token")
        }
        _ => Ok(()),
    }
}

/// The kind of token to make and the type to call it.
fn kind_and_label<'a>(server: &AuthServer, decision: &Decision<'a>) -> (Kind, &'a str) {
    let access = TokenType::AccessToken.uri();
    let (kind, label) = match decision.requested {
        Requested::Nothing => (Kind::Access, access),
        Requested::Unknown(uri) => (Kind::Access, uri),
        Requested::Known(TokenType::IdToken) => (Kind::Id, TokenType::IdToken.uri()),
        Requested::Known(TokenType::RefreshToken) => (Kind::Refresh, TokenType::RefreshToken.uri()),
        Requested::Known(TokenType::IdJag) => (Kind::Grant, TokenType::IdJag.uri()),
        Requested::Known(TokenType::Transaction) => (Kind::Transaction, TokenType::Transaction.uri()),
        Requested::Known(known) => (Kind::Access, known.uri()),
    };
    if label == TokenType::Jwt.uri() && server.on(FaultId::JwtRequestGivesAccessToken) {
        return (kind, access);
    }
    if kind == Kind::Id && server.on(FaultId::IdTokenLabelledAccessToken) {
        return (kind, access);
    }
    if kind != Kind::Access && server.on(FaultId::EchoesRequestedTokenType) {
        return (Kind::Access, label);
    }
    if label != TokenType::Jwt.uri() && server.on(FaultId::AlwaysLabelsJwt) {
        return (kind, TokenType::Jwt.uri());
    }
    (kind, label)
}

/// A second token. A server that issues refresh tokens on request adds one by fault only.
fn beside(
    server: &AuthServer,
    decision: &Decision,
    record: &Record,
) -> Result<Option<(&'static str, String)>, Refusal> {
    let requested = |known: TokenType| decision.requested == Requested::Known(known);
    let refresh = || server.opaque(Record { kind: Kind::Refresh, ..record.clone() });
    if requested(TokenType::RefreshToken) && server.on(FaultId::RefreshTokenInOwnMember) {
        return Ok(Some(("refresh_token", refresh())));
    }
    if requested(TokenType::IdToken) && server.on(FaultId::IdTokenInOwnMember) {
        return Ok(Some(("id_token", server.id_token(Record { kind: Kind::Id, ..record.clone() })?)));
    }
    let renewable = decision.client.grants.contains(&Grant::Refresh);
    if renewable && !server.offers(Feature::IssuesRefreshToken) {
        return Ok(Some(("refresh_token", refresh())));
    }
    Ok(None)
}

/// Makes the token and remembers it. An opaque subject gives an opaque access token, unless a JWT
/// was asked for.
fn make(server: &AuthServer, decision: &Decision, record: Record) -> Result<String, Refusal> {
    let wants_jwt = decision.requested == Requested::Known(TokenType::Jwt);
    let opaque = match record.kind {
        Kind::Refresh => true,
        Kind::Id | Kind::Grant | Kind::Transaction => false,
        Kind::Access if wants_jwt => server.on(FaultId::OpaqueTokenLabelledJwt),
        Kind::Access if server.vendor.opaque_without_target => !decision.targeted,
        Kind::Access if !server.offers(Feature::JwtAccessTokens) => !server.on(FaultId::IssuesReadableTokens),
        Kind::Access => decision.subject.format == Format::Opaque && decision.subject.kind == Kind::Access,
    };
    if opaque && server.on(FaultId::IssuesGuessableTokens) {
        let token = format!("tx-{:06}", server.store.count());
        server.store.insert(&token, record);
        return Ok(token);
    }
    if opaque {
        return Ok(server.opaque(record));
    }
    let bearer = record.kind == Kind::Access && !wants_jwt;
    if bearer && server.on(FaultId::AccessTokenWithIllegalCharacters) {
        let token = format!("{} {{tok}}", Uuid::new_v4().simple());
        server.store.insert(&token, record);
        return Ok(token);
    }
    let jti = disfigured::jti(server);
    let claims = jwt_claims(&server.issuer, &jti, &record);
    let typ = match record.kind {
        Kind::Id => "JWT",
        Kind::Grant => "oauth-id-jag+jwt",
        Kind::Transaction => "txntoken+jwt",
        Kind::Access | Kind::Refresh => "at+jwt",
    };
    disfigured::sign(server, typ, claims, &jti, record)
}

impl AuthServer {
    /// The token that an identical request got before, if a fault keeps it.
    fn remembered(&self, form: &Form, decision: &Decision) -> Option<String> {
        if !self.faults.any() {
            return None;
        }
        let (at, token) = self.store.remembered_answer(&fingerprint(form, decision))?;
        let again = self.on(FaultId::SameTokenForIdenticalRequest)
            || (at.elapsed().as_millis() < 1000 && self.on(FaultId::SameTokenWithinASecond));
        again.then_some(token)
    }

    fn remember(&self, form: &Form, decision: &Decision, token: &str) {
        if !self.faults.any() {
            return;
        }
        self.store.remember_answer(fingerprint(form, decision), token.to_owned());
    }
}

fn fingerprint(form: &Form, decision: &Decision) -> String {
    format!("{} {:?} {:?}", decision.client.id, decision.jkt, form.parameters)
}
