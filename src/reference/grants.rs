//! The grants that give a test its first tokens: password and client credentials.

use serde_json::{Map, Value};
use uuid::Uuid;
use wiremock::Request;

use super::clients::{Client, Credential, DEFAULT_AUDIENCE, DEFAULT_SCOPES, find_user};
use super::clock::now;
use super::feature::Feature;
use super::form::Form;
use super::knobs::Knobs;
use super::mint::{Format, jwt_claims, scope};
use super::refusal::{Refusal, Why};
use super::reply::Reply;
use super::store::{Claims, Kind, Login, Record};
use super::{AuthServer, dpop};

pub(super) fn password(
    server: &AuthServer,
    request: &Request,
    form: &Form,
    client: &Client,
) -> Result<Reply, Refusal> {
    let knobs = Knobs::read(form)?;
    let user = form
        .one("username")
        .and_then(find_user)
        .filter(|user| form.one("password") == Some(user.password))
        .ok_or(Refusal::new(Why::GrantInvalid, "unknown user or wrong password"))?;
    let proof = dpop::proof(server, request, "/token", None)?;
    let login = Login {
        auth_time: now() - 30,
        acr: "urn:example:acr:password".to_owned(),
        amr: vec!["pwd".to_owned()],
    };
    let claims = Claims {
        sub: user.name.to_owned(),
        scope: granted_scope(server, form, client)?,
        login: Some(login),
        jkt: knobs.jkt.clone().or(proof),
        ..first_claims(server, &knobs)
    };
    let mut body = access_answer(server, client, &claims, &knobs)?;
    if claims.scope.iter().any(|scope| scope == "openid") {
        body.insert("id_token".to_owned(), id_token(server, client, &claims, &knobs)?.into());
    }
    let refresh = Claims {
        exp: knobs.refresh_expiry(claims.iat),
        // A confidential client proves itself at every refresh, a public one only by its key.
        jkt: claims.jkt.clone().filter(|_| client.credential == Credential::None),
        ..claims
    };
    let refresh = server.opaque(Record::new(Kind::Refresh, client.id, refresh));
    body.insert("refresh_token".to_owned(), refresh.into());
    Ok(Reply::json(200, &Value::Object(body)).uncached())
}

pub(super) fn client_credentials(
    server: &AuthServer,
    request: &Request,
    form: &Form,
    client: &Client,
) -> Result<Reply, Refusal> {
    let knobs = Knobs::read(form)?;
    let scope = granted_scope(server, form, client)?;
    let of_clients = |scope: &String| {
        DEFAULT_SCOPES.contains(&scope.as_str()) || server.vendor.further_scopes.contains(scope)
    };
    if !scope.iter().all(of_clients) {
        return Err(Refusal::new(Why::ScopeNotAllowed, "a client may have read and write only"));
    }
    let proof = dpop::proof(server, request, "/token", None)?;
    let claims = Claims {
        sub: client.id.to_owned(),
        scope,
        jkt: knobs.jkt.clone().or(proof),
        of_client: true,
        ..first_claims(server, &knobs)
    };
    let body = access_answer(server, client, &claims, &knobs)?;
    Ok(Reply::json(200, &Value::Object(body)).uncached())
}

fn first_claims(server: &AuthServer, knobs: &Knobs) -> Claims {
    let now = now();
    let aud = if knobs.aud.is_empty() { vec![DEFAULT_AUDIENCE.to_owned()] } else { knobs.aud.clone() };
    Claims {
        aud,
        act: knobs.act.clone(),
        may_act: knobs.may_act.clone().or_else(|| server.vendor.may_act.clone()),
        iat: now,
        exp: knobs.expiry(now),
        nbf: knobs.nbf.map(|offset| now.saturating_add(offset)),
        ..Claims::default()
    }
}

fn granted_scope(server: &AuthServer, form: &Form, client: &Client) -> Result<Vec<String>, Refusal> {
    let Some(asked) = form.one("scope") else {
        return Ok(DEFAULT_SCOPES.iter().map(|scope| (*scope).to_owned()).collect());
    };
    let asked: Vec<String> = asked.split(' ').map(str::to_owned).collect();
    let may_have = |scope: &String| {
        client.scopes.contains(&scope.as_str()) || server.vendor.further_scopes.contains(scope)
    };
    match asked.iter().all(may_have) {
        true => Ok(asked),
        false => Err(Refusal::new(Why::ScopeNotAllowed, "a requested scope is not available to this client")),
    }
}

fn access_answer(
    server: &AuthServer,
    client: &Client,
    claims: &Claims,
    knobs: &Knobs,
) -> Result<Map<String, Value>, Refusal> {
    let mut record = Record::new(Kind::Access, client.id, claims.clone());
    record.single_use = knobs.single_use;
    record.extra = knobs.claims.clone();
    let format = if server.offers(Feature::JwtAccessTokens) { knobs.format } else { Format::Opaque };
    let token = match format {
        Format::Opaque => server.opaque(record),
        Format::Jwt => tuned_jwt(server, "at+jwt", record, knobs)?,
    };
    let token_type = if claims.jkt.is_some() { "DPoP" } else { "Bearer" };
    let mut body = Map::new();
    body.insert("access_token".to_owned(), token.into());
    body.insert("token_type".to_owned(), token_type.into());
    if let Some(exp) = claims.exp {
        body.insert("expires_in".to_owned(), (exp - claims.iat).into());
    }
    body.insert("scope".to_owned(), scope(&claims.scope).unwrap_or_default());
    Ok(body)
}

fn id_token(server: &AuthServer, client: &Client, claims: &Claims, knobs: &Knobs) -> Result<String, Refusal> {
    let claims = Claims { aud: vec![client.id.to_owned()], jkt: None, ..claims.clone() };
    let mut record = Record::new(Kind::Id, client.id, claims);
    record.single_use = knobs.single_use;
    record.extra = knobs.claims.clone();
    tuned_jwt(server, "JWT", record, knobs)
}

/// Signs a first token as the knobs want it.
fn tuned_jwt(server: &AuthServer, typ: &str, record: Record, knobs: &Knobs) -> Result<String, Refusal> {
    let jti = Uuid::new_v4().to_string();
    let mut claims = jwt_claims(&server.issuer, &jti, &record);
    claims.retain(|name, _| !knobs.omit.contains(name));
    let key = if knobs.rs256 { &server.keys.as_rs256 } else { &server.keys.as_es256 };
    server.signed(key, typ, &claims, &jti, record)
}
