//! The parameters of a token exchange and the rules between them (RFC 8693 §2.1).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::AuthServer;
use super::super::fault::FaultId;
use super::super::feature::Feature;
use super::super::form::Form;
use super::super::refusal::{Refusal, Why};
use super::super::vendor::Behaviour;

/// A token type identifier that this server knows (RFC 8693 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TokenType {
    AccessToken,
    RefreshToken,
    IdToken,
    Jwt,
    /// An identity assertion authorization grant (a draft).
    IdJag,
    /// A transaction token (a draft).
    Transaction,
}

impl TokenType {
    pub(in super::super) fn uri(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::RefreshToken => "urn:ietf:params:oauth:token-type:refresh_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::IdJag => "urn:ietf:params:oauth:token-type:id-jag",
            Self::Transaction => "urn:ietf:params:oauth:token-type:txn_token",
        }
    }

    fn parse(server: &AuthServer, uri: &str) -> Option<Self> {
        let all =
            [Self::AccessToken, Self::RefreshToken, Self::IdToken, Self::Jwt, Self::IdJag, Self::Transaction];
        let find = |uri: &str| all.into_iter().find(|known| known.uri() == uri);
        if let Some(other_case) =
            all.into_iter().find(|known| known.uri() != uri && known.uri().eq_ignore_ascii_case(uri))
            && server.on(FaultId::TokenTypeCaseIgnored)
        {
            return Some(other_case);
        }
        find(uri).or_else(|| {
            find(&uri.replace('-', "_").replacen("token_type:", "token-type:", 1))
                .filter(|_| server.on(FaultId::HyphenatedTokenTypeAccepted))
        })
    }
}

/// A token as it was presented, with the type that the client gave it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    pub(super) token: &'a str,
    pub(super) token_type: TokenType,
}

/// A well-formed request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// Absent only under faults that put the client itself in its place.
    pub(super) subject: Option<Declared<'a>>,
    pub(super) actor: Option<Declared<'a>>,
    pub(super) requested: Requested<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requested<'a> {
    Nothing,
    Known(TokenType),
    /// Named by a URI that the server does not know; only faults let it come so far.
    Unknown(&'a str),
}

impl Requested<'_> {
    /// Whether the result is something else than an access token.
    pub(super) fn is_no_access_token(self) -> bool {
        !matches!(
            self,
            Self::Nothing | Self::Unknown(_) | Self::Known(TokenType::AccessToken | TokenType::Jwt)
        )
    }
}

/// Longer tokens are refused: nothing that this server takes is anywhere near.
const LONGEST_TOKEN: usize = 8 * 1024;

impl<'a> Asked<'a> {
    pub(super) fn read(server: &AuthServer, form: &'a Form) -> Result<Self, Refusal> {
        server.vendor.check_required(form)?;
        Ok(Self {
            subject: subject(server, form)?,
            actor: actor(server, form)?,
            requested: requested(server, form)?,
        })
    }
}

fn subject<'a>(server: &AuthServer, form: &'a Form) -> Result<Option<Declared<'a>>, Refusal> {
    let Some(token) = form.one("subject_token") else {
        let sent_empty = form.parameters.iter().any(|parameter| parameter.name == "subject_token");
        let falls_back = match sent_empty {
            true => server.on(FaultId::EmptySubjectTokenMeansClient),
            false => server.on(FaultId::MissingSubjectTokenMeansClient),
        };
        if form.one("requested_subject").is_some() && server.on(FaultId::RequestedSubjectHonoured) {
            return Ok(None);
        }
        let missing = Refusal::new(Why::SubjectMissing, "subject_token is missing");
        return if falls_back { Ok(None) } else { Err(missing) };
    };
    if token.len() > 4000 && server.on(FaultId::DropsOversizeSubjectToken) {
        return Ok(None);
    }
    if token.len() > LONGEST_TOKEN {
        return Err(Refusal::new(Why::SubjectOversize, "subject_token is too long"));
    }
    let token_type = match form.one("subject_token_type") {
        None if server.on(FaultId::SniffsSubjectTokenType) => sniffed(token),
        None => {
            return Err(Refusal::new(Why::SubjectTypeMissing, "subject_token_type is missing"));
        }
        Some(uri) => match declared(server, server.vendor.subject_types.as_ref(), uri) {
            Some(known) if taken(server, known) => known,
            None if server.on(FaultId::UnknownSubjectTypeAccepted) => sniffed(token),
            _ => {
                return Err(Refusal::new(Why::SubjectTypeUnknown, "subject_token_type is not supported"));
            }
        },
    };
    Ok(Some(Declared { token, token_type }))
}

fn actor<'a>(server: &AuthServer, form: &'a Form) -> Result<Option<Declared<'a>>, Refusal> {
    let declared = match (form.one("actor_token"), form.one("actor_token_type")) {
        (None, None) => return Ok(None),
        (Some(_), _) if !server.offers(Feature::Delegation) => {
            return Err(Refusal::new(Why::Policy, "actor tokens are not taken"));
        }
        (None, Some(_)) if server.on(FaultId::IgnoresLoneActorTokenType) => return Ok(None),
        (None, Some(_)) => {
            return Err(Refusal::new(Why::ActorTypeAlone, "actor_token_type without actor_token"));
        }
        (Some(_), _) if server.on(FaultId::IgnoresActorToken) => return Ok(None),
        (Some(token), None) if server.on(FaultId::SniffsActorTokenType) => {
            Declared { token, token_type: sniffed(token) }
        }
        (Some(_), None) => {
            return Err(Refusal::new(Why::ActorTypeMissing, "actor_token without actor_token_type"));
        }
        (Some(token), Some(uri)) => match declared(server, server.vendor.actor_types.as_ref(), uri) {
            Some(token_type @ (TokenType::AccessToken | TokenType::IdToken | TokenType::Jwt)) => {
                Declared { token, token_type }
            }
            None if server.on(FaultId::UnknownActorTypeAccepted) => {
                Declared { token, token_type: sniffed(token) }
            }
            _ => {
                return Err(Refusal::new(Why::ActorTypeUnknown, "actor_token_type is not supported"));
            }
        },
    };
    match declared.token.len() > LONGEST_TOKEN {
        true => Err(Refusal::new(Why::ActorInvalid, "actor_token is too long")),
        false => Ok(Some(declared)),
    }
}

/// What a type in a request says a token is: by the product's own list, or by RFC 8693 §3.
fn declared(
    server: &AuthServer,
    types: Option<&BTreeMap<String, TokenType>>,
    uri: &str,
) -> Option<TokenType> {
    let Some(types) = types else { return TokenType::parse(server, uri) };
    Behaviour::typed(types, uri).or_else(|| {
        Behaviour::typed(types, &uri.to_ascii_lowercase())
            .filter(|_| server.on(FaultId::TokenTypeCaseIgnored))
    })
}

fn requested<'a>(server: &AuthServer, form: &'a Form) -> Result<Requested<'a>, Refusal> {
    let Some(uri) = form.one("requested_token_type") else {
        if server.on(FaultId::MissingRequestedTypeCrashes) {
            return Err(Refusal::broken());
        }
        if server.on(FaultId::MissingRequestedTypeRefused) {
            return Err(Refusal::new(Why::BadParameter, "requested_token_type is missing"));
        }
        return Ok(Requested::Nothing);
    };
    match TokenType::parse(server, uri).filter(|known| issued(server, *known)) {
        Some(known) => Ok(Requested::Known(known)),
        None if server.on(FaultId::UnknownRequestedTypeIgnored) => Ok(Requested::Nothing),
        None if server.on(FaultId::UnknownRequestedTypeEchoed) => Ok(Requested::Unknown(uri)),
        None => Err(Refusal::new(Why::RequestedTypeUnknown, "requested_token_type is not supported")),
    }
}

/// Whether tokens of a type are taken as subject tokens.
fn taken(server: &AuthServer, subject: TokenType) -> bool {
    match subject {
        TokenType::IdJag => false,
        TokenType::IdToken => {
            server.offers(Feature::IdTokenSubject) || server.on(FaultId::AccessTokenAsIdToken)
        }
        TokenType::RefreshToken => {
            server.offers(Feature::RefreshTokenSubject) || server.on(FaultId::AccessTokenAsRefreshToken)
        }
        TokenType::AccessToken | TokenType::Jwt | TokenType::Transaction => true,
    }
}

/// Whether tokens of a type are issued on request.
fn issued(server: &AuthServer, requested: TokenType) -> bool {
    if let Some(types) = &server.vendor.requested_types {
        return types.contains(&requested);
    }
    match requested {
        TokenType::IdToken => server.offers(Feature::IssuesIdToken),
        TokenType::RefreshToken => server.offers(Feature::IssuesRefreshToken),
        TokenType::Jwt => server.offers(Feature::IssuesJwt),
        TokenType::AccessToken | TokenType::IdJag | TokenType::Transaction => true,
    }
}

/// What a server that guesses takes a token for.
fn sniffed(token: &str) -> TokenType {
    if token.contains('.') { TokenType::Jwt } else { TokenType::AccessToken }
}
