//! Validation of JWTs (RFC 7519 §7.2, RFC 8725): the server's own and those of the trusted issuer.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::AuthServer;
use super::super::clients::{DEFAULT_SCOPES, FOREIGN_ISSUER};
use super::super::clock::now;
use super::super::fault::FaultId;
use super::super::jwt::{self, Jwt};
use super::super::mint::Format;
use super::super::refusal::Refusal;
use super::super::store::{Claims, Kind, Login};
use super::fetch;
use super::presented::{Presented, Role, check_alive, check_window};
use super::request::{Declared, TokenType};
use super::signature::signature_is_trusted;

/// How far ahead the clock of the other issuer may be, in seconds.
const LEEWAY: i64 = 60;

pub(super) fn validate(server: &AuthServer, declared: Declared, role: Role) -> Result<Presented, Refusal> {
    let token = repaired(server, declared.token);
    let jwt = Jwt::parse(&token).ok_or(role.invalid())?;
    if jwt.header.contains_key("crit")
        && !server.on(FaultId::CritIgnored)
        && !server.on(role.pick(FaultId::AlteredSubjectAccepted, FaultId::AlteredActorAccepted))
    {
        return Err(role.invalid());
    }
    let address = jwt.header.get("jku").and_then(Value::as_str).or(jwt.text("iss"));
    if let Some(address) = address.filter(|address| *address != server.issuer && fetch::is_plain(address))
        && server.on(FaultId::AddressInTokenFetched)
    {
        fetch::get(address);
    }
    let hostile = jwt.kid().is_some_and(|kid| kid.len() > 200 || kid.contains(['/', '\'']));
    if hostile && server.on(FaultId::HostileKidCrashes) {
        return Err(Refusal::broken());
    }
    let odd_kid = jwt.header.get("kid").is_some_and(|kid| !kid.is_string());
    if odd_kid && !server.on(FaultId::KidOfOtherTypeAccepted) {
        return Err(role.invalid());
    }
    match jwt.text("iss") {
        Some(issuer) if issuer == server.issuer => own(server, &jwt, declared.token_type, role),
        Some(FOREIGN_ISSUER) => foreign(server, jwt, declared.token_type, role),
        issuer => untrusted(server, &jwt, declared.token_type, issuer.unwrap_or_default(), role),
    }
}

/// A token as a careless parser reads it: padding, blanks and further parts overlooked.
fn repaired<'a>(server: &AuthServer, token: &'a str) -> Cow<'a, str> {
    let parts: Vec<&str> = token.split('.').collect();
    let ways = [
        (FaultId::JsonSerializedJwtAccepted, compacted(token).unwrap_or_default()),
        (FaultId::PaddedJwtAccepted, token.replace('=', "")),
        (FaultId::WhitespaceInJwtAccepted, token.split_whitespace().collect()),
        (FaultId::ExtraJwtPartAccepted, parts.get(..3).unwrap_or(&parts).join(".")),
    ];
    for (fault, read) in ways {
        if read != token && Jwt::parse(&read).is_some() && server.on(fault) {
            return read.into();
        }
    }
    token.into()
}

/// The compact form of a JWT in JSON serialization, general or flattened (RFC 7515 §7.2).
fn compacted(token: &str) -> Option<String> {
    let members: Value = serde_json::from_str(token).ok()?;
    let part = |name: &str| members.get(name).and_then(Value::as_str);
    let first = members.get("signatures").and_then(|several| several.get(0)).unwrap_or(&members);
    let of_signature = |name: &str| first.get(name).and_then(Value::as_str);
    Some(format!("{}.{}.{}", of_signature("protected")?, part("payload")?, of_signature("signature")?))
}

/// A JWT that claims to come from this server. A good signature is not enough: the server signs
/// logout tokens and others with the same key, so the token must be one that it remembers issuing.
fn own(server: &AuthServer, jwt: &Jwt, declared: TokenType, role: Role) -> Result<Presented, Refusal> {
    let keys = [&server.keys.as_es256, &server.keys.as_rs256];
    if jwt.duplicated || !signature_is_trusted(server, jwt, &keys, &server.keys.foreign_issuer(), role) {
        return Err(role.invalid());
    }
    let claims = read_claims(&jwt.claims).ok_or(role.invalid())?;
    check_times(server, &jwt.claims, 0, role)?;
    let presented = Presented {
        claims,
        issuer: server.issuer.clone(),
        holder: None,
        named_client: None,
        kind: Kind::Access,
        format: Format::Jwt,
        foreign: false,
        key: None,
    };
    if server.keys.foreign_issuer().iter().any(|key| jwt.signed_by(key)) {
        // Let in by a fault, and never issued here.
        let claims = with_scope(presented.claims);
        return Ok(Presented { kind: natural_kind(declared), claims, ..presented });
    }
    let kind = match jwt.typ().as_str() {
        "at+jwt" => Kind::Access,
        "jwt" => Kind::Id,
        "txntoken+jwt" if declared == TokenType::Transaction => Kind::Transaction,
        other if other_typ_accepted(server, other) => {
            let claims = with_scope(presented.claims);
            return Ok(Presented { kind: natural_kind(declared), claims, ..presented });
        }
        _ => return Err(role.invalid()),
    };
    let jti = jwt.text("jti").ok_or(role.invalid())?;
    let record = server.store.find(jti).filter(|record| record.kind == kind).ok_or(role.invalid())?;
    // A server that keeps its lists by type does not find a revoked access token among the ID tokens.
    let misfiled =
        declared == TokenType::IdToken && kind == Kind::Access && server.on(FaultId::AccessTokenAsIdToken);
    if !misfiled {
        check_alive(server, &record, role)?;
    }
    let mut claims = Claims { of_client: record.claims.of_client, ..presented.claims };
    if kind == Kind::Id {
        // An ID token does not say which scopes the login had, but the server knows.
        claims.scope = record.claims.scope;
    }
    Ok(Presented { claims, holder: Some(record.client), kind, key: Some(jti.to_owned()), ..presented })
}

/// A JWT of the trusted identity provider, meant for this server.
fn foreign(server: &AuthServer, mut jwt: Jwt, declared: TokenType, role: Role) -> Result<Presented, Refusal> {
    let others = [&server.keys.as_es256, &server.keys.as_rs256];
    if !signature_is_trusted(server, &jwt, &server.keys.foreign_issuer(), &others, role) {
        return Err(role.invalid());
    }
    if jwt.duplicated {
        if !server.on(FaultId::FirstDuplicateClaimWins) {
            return Err(role.invalid());
        }
        jwt.claims = std::mem::take(&mut jwt.first_claims);
    }
    let typ = jwt.typ();
    let plain = matches!(typ.as_str(), "" | "jwt");
    let other_spelling = plain && jwt.header.get("typ").is_none_or(|typ| typ != "JWT");
    if other_spelling && server.on(FaultId::TypCaseMatters) {
        return Err(role.invalid());
    }
    if !plain && !other_typ_accepted(server, &typ) {
        return Err(role.invalid());
    }
    // This server can prove possession of a DPoP key only; a token bound to anything else is no use here.
    let unprovable = jwt.claims.get("cnf").is_some_and(|cnf| cnf.get("jkt").is_none());
    if unprovable && !server.on(FaultId::CertificateBindingIgnored) {
        return Err(role.invalid());
    }
    if !audience_is_ours(server, &jwt) || !claims_are_known(server, &jwt) {
        return Err(role.invalid());
    }
    check_times(server, &jwt.claims, LEEWAY, role)?;
    let nameless = role == Role::Actor
        && !jwt.claims.contains_key("sub")
        && server.on(FaultId::ActorWithoutSubjectAccepted);
    let claims = match read_claims(&jwt.claims) {
        None if nameless => {
            Claims { exp: jwt.claims.get("exp").and_then(jwt::numeric_date), ..Claims::default() }
        }
        claims => claims.ok_or(role.invalid())?,
    };
    Ok(Presented {
        claims,
        issuer: FOREIGN_ISSUER.to_owned(),
        holder: None,
        named_client: jwt.text("client_id").map(str::to_owned),
        kind: if plain { Kind::Access } else { natural_kind(declared) },
        format: Format::Jwt,
        foreign: plain,
        key: None,
    })
}

/// A JWT of an issuer that the server does not know. It cannot be valid, whatever it says.
fn untrusted(
    server: &AuthServer,
    jwt: &Jwt,
    declared: TokenType,
    issuer: &str,
    role: Role,
) -> Result<Presented, Refusal> {
    let client_made = role == Role::Subject && issuer == "signer" && jwt.signed_by(&server.keys.client);
    let tenant = issuer.strip_prefix(&server.issuer).is_some_and(|rest| rest.starts_with('/'));
    let of_tenant = tenant && jwt.signed_by(&server.keys.as_es256);
    let accepted = (client_made && server.on(FaultId::ClientAssertionAsSubject))
        || (of_tenant && server.on(FaultId::OtherTenantAccepted))
        || server.on(role.pick(FaultId::UntrustedIssuerAccepted, FaultId::UntrustedActorIssuerAccepted));
    if !accepted {
        return Err(role.invalid());
    }
    Ok(Presented {
        claims: with_scope(read_claims(&jwt.claims).ok_or(role.invalid())?),
        issuer: issuer.to_owned(),
        holder: None,
        named_client: None,
        kind: if client_made { natural_kind(declared) } else { Kind::Access },
        format: Format::Jwt,
        foreign: false,
        key: None,
    })
}

/// What a server that takes tokens of other purposes gives for one: what anyone gets, whatever it is declared to be.
fn with_scope(mut claims: Claims) -> Claims {
    if claims.scope.is_empty() {
        claims.scope = DEFAULT_SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
    }
    if !claims.scope.iter().any(|scope| scope == "openid") {
        claims.scope.push("openid".to_owned());
    }
    claims
}

/// Tokens of other purposes carry other rules and must not pass for these (RFC 8725 §3.11).
fn other_typ_accepted(server: &AuthServer, typ: &str) -> bool {
    match typ {
        "logout+jwt" => server.on(FaultId::LogoutTokenAccepted),
        _ => server.on(FaultId::OtherJwtTypesAccepted),
    }
}

/// What a server that looks at the declared type only takes a token for.
pub(super) fn natural_kind(declared: TokenType) -> Kind {
    match declared {
        TokenType::AccessToken | TokenType::Jwt => Kind::Access,
        TokenType::RefreshToken => Kind::Refresh,
        TokenType::IdToken => Kind::Id,
        TokenType::IdJag => Kind::Grant,
        TokenType::Transaction => Kind::Transaction,
    }
}

fn audience_is_ours(server: &AuthServer, jwt: &Jwt) -> bool {
    let token_endpoint = server.url("/token");
    let Some(audiences) = jwt::audiences(&jwt.claims) else {
        return !jwt.claims.contains_key("aud") && server.on(FaultId::MissingAudienceAccepted);
    };
    if !audiences.iter().any(|aud| *aud == server.issuer || *aud == token_endpoint) {
        return server.on(FaultId::ForeignAudienceIgnored);
    }
    !(jwt.claims.get("aud").is_some_and(Value::is_array) && server.on(FaultId::AudienceArrayRefused))
}

const KNOWN_CLAIMS: [&str; 14] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "scope",
    "act",
    "may_act",
    "cnf",
    "auth_time",
    "acr",
    "amr",
];

const KNOWN_HEADERS: [&str; 8] = ["alg", "typ", "cty", "kid", "jwk", "jku", "x5u", "crit"];

/// Claims and header parameters that the server does not know are ignored (RFC 7519 §4).
fn claims_are_known(server: &AuthServer, jwt: &Jwt) -> bool {
    let unknown = jwt.claims.keys().any(|name| !KNOWN_CLAIMS.contains(&name.as_str()))
        || jwt.header.keys().any(|name| !KNOWN_HEADERS.contains(&name.as_str()));
    !(unknown && server.on(FaultId::UnknownClaimsRefused))
}

fn check_times(
    server: &AuthServer,
    claims: &Map<String, Value>,
    leeway: i64,
    role: Role,
) -> Result<(), Refusal> {
    let exp = match claims.get("exp") {
        None if server.on(FaultId::MissingExpAccepted) => i64::MAX,
        None => return Err(role.invalid()),
        Some(value @ Value::Number(_)) => jwt::numeric_date(value).ok_or(role.invalid())?,
        Some(Value::String(text)) if server.on(FaultId::StringExpAccepted) => {
            text.parse().map_err(|_| role.invalid())?
        }
        Some(_) => return Err(role.invalid()),
    };
    let nbf = match claims.get("nbf") {
        None => i64::MIN,
        Some(_) if server.on(FaultId::NbfRefused) => return Err(role.invalid()),
        Some(value) => jwt::numeric_date(value).ok_or(role.invalid())?,
    };
    // No leeway for exp: a token may not outlive its subject, so it would be born expired.
    check_window(server, exp <= now(), nbf > now().saturating_add(leeway), role)
}

/// The claims of a JWT; `None` when it does not say whose it is.
fn read_claims(claims: &Map<String, Value>) -> Option<Claims> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let date = |name: &str| claims.get(name).and_then(jwt::numeric_date);
    let login = date("auth_time").map(|auth_time| Login {
        auth_time,
        acr: text("acr").unwrap_or_default().to_owned(),
        amr: claims
            .get("amr")
            .and_then(Value::as_array)
            .map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default(),
    });
    Some(Claims {
        sub: text("sub").filter(|sub| !sub.is_empty())?.to_owned(),
        scope: text("scope").map(|scope| scope.split(' ').map(str::to_owned).collect()).unwrap_or_default(),
        aud: jwt::audiences(claims).unwrap_or_default(),
        act: claims.get("act").cloned(),
        may_act: claims.get("may_act").cloned(),
        jkt: claims.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str).map(str::to_owned),
        iat: date("iat").unwrap_or_default(),
        exp: date("exp"),
        nbf: date("nbf"),
        login,
        of_client: false,
    })
}
