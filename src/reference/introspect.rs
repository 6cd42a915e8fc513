//! `POST /introspect` (RFC 7662): tells a resource server, or the client that holds it, what a token says.

use serde_json::{Map, Value, json};
use wiremock::Request;

use super::AuthServer;
use super::client_auth::authenticate;
use super::clients::{Client, Credential};
use super::clock::now;
use super::fault::FaultId;
use super::form::{Decoding, Form};
use super::jwt::Jwt;
use super::mint::{audience, confirmation, scope};
use super::refusal::{Refusal, Why};
use super::reply::Reply;
use super::store::{Kind, Record};

pub(super) fn introspect(server: &AuthServer, request: &Request) -> Reply {
    answer(server, request).unwrap_or_else(|refusal| refusal.reply())
}

fn answer(server: &AuthServer, request: &Request) -> Result<Reply, Refusal> {
    let form = endpoint_form(request)?;
    let caller = caller(server, request, &form)?;
    let token = form.one("token").ok_or(Refusal::new(Why::BadParameter, "token is missing"))?;
    let Some(found) = find(server, token) else {
        if server.on(FaultId::UnknownTokenActive) {
            return Ok(Reply::json(200, &json!({ "active": true, "sub": "somebody" })).uncached());
        }
        return match server.on(FaultId::UnknownTokenIsIntrospectionError) {
            true => Ok(Reply::json(400, &json!({ "error": "invalid_token" })).uncached()),
            false => Ok(inactive(server, None)),
        };
    };
    if hint_misleads(&form, &found.record) && server.on(FaultId::HintRestrictsSearch) {
        return Ok(inactive(server, None));
    }
    let entitled = caller.is_none_or(|caller| caller.resource_server || caller.id == found.record.client);
    let entitled = entitled || server.on(FaultId::IntrospectionForAnyClient);
    let hidden = found.record.from_exchange && server.on(FaultId::IssuedTokenInactive);
    if !entitled || hidden || !is_active(server, &found) {
        return Ok(inactive(server, Some(&found.record)));
    }
    Ok(Reply::json(200, &Value::Object(active(server, &found.record))).uncached())
}

/// Who asks. `None` only if a fault lets anybody ask.
fn caller(server: &AuthServer, request: &Request, form: &Form) -> Result<Option<&'static Client>, Refusal> {
    match authenticate(server, request, form, false) {
        // A public client cannot prove who it is, so it may not ask (RFC 7662 §2.1).
        Ok(client) if client.credential != Credential::None => Ok(Some(client)),
        _ if server.on(FaultId::IntrospectionWithoutAuth) => Ok(None),
        Ok(_) => Err(Refusal::new(Why::ClientAuthOther, "client authentication is needed")),
        Err(refusal) => Err(refusal),
    }
}

pub(super) struct Found {
    pub(super) record: Record,
    /// Where the store keeps it.
    pub(super) key: String,
    /// False when the token was altered on its way.
    pub(super) genuine: bool,
}

/// The access or refresh token that a string is, or was before it was altered.
pub(super) fn find(server: &AuthServer, token: &str) -> Option<Found> {
    let known =
        |key: &str| server.store.find(key).filter(|record| !matches!(record.kind, Kind::Id | Kind::Grant));
    if token.len() != 36
        && let Some(record) = known(token)
    {
        return Some(Found { record, key: token.to_owned(), genuine: true });
    }
    let jwt = Jwt::parse(token)?;
    let key = jwt.text("jti")?.to_owned();
    let record = known(&key)?;
    let genuine = jwt.signed_by(&server.keys.as_es256) || jwt.signed_by(&server.keys.as_rs256);
    Some(Found { record, key, genuine })
}

fn is_active(server: &AuthServer, found: &Found) -> bool {
    let claims = &found.record.claims;
    let expired = claims.exp.is_some_and(|exp| exp <= now());
    let early = claims.nbf.is_some_and(|nbf| nbf > now());
    (found.genuine || server.on(FaultId::AlteredTokenActive))
        && (!found.record.revoked || server.on(FaultId::RevokedTokenActive))
        && (!expired || server.on(FaultId::ExpiredTokenActive))
        && (!early || server.on(FaultId::NotYetValidTokenActive))
}

fn hint_misleads(form: &Form, record: &Record) -> bool {
    let right = if record.kind == Kind::Refresh { "refresh_token" } else { "access_token" };
    form.one("token_type_hint").is_some_and(|hint| hint != right)
}

/// Nothing but that it is not active: a reason would help those who try tokens out (RFC 7662 §2.2).
fn inactive(server: &AuthServer, record: Option<&Record>) -> Reply {
    let mut body = Map::new();
    body.insert("active".to_owned(), false.into());
    if let Some(record) = record.filter(|_| server.on(FaultId::InactiveWithDetails)) {
        body.insert("sub".to_owned(), record.claims.sub.as_str().into());
        body.insert("client_id".to_owned(), record.client.as_str().into());
    }
    Reply::json(200, &Value::Object(body)).uncached()
}

fn active(server: &AuthServer, record: &Record) -> Map<String, Value> {
    let claims = &record.claims;
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let token_type = match (record.kind, &claims.jkt) {
        (Kind::Refresh | Kind::Id | Kind::Grant | Kind::Transaction, _) => None,
        (Kind::Access, Some(_)) => Some("DPoP"),
        (Kind::Access, None) => Some("Bearer"),
    };
    put("active", Some(true.into()));
    put("scope", scope(&claims.scope));
    put("client_id", Some(record.client.as_str().into()));
    put("token_type", token_type.map(Value::from));
    put("exp", claims.exp.map(Value::from));
    put("iat", Some(claims.iat.into()));
    put("nbf", claims.nbf.map(Value::from));
    put("sub", Some(claims.sub.as_str().into()));
    put("aud", audience(&claims.aud));
    put("iss", Some(server.issuer.as_str().into()));
    put("act", claims.act.clone());
    put("may_act", claims.may_act.clone());
    put("cnf", confirmation(claims));
    if let Some(login) = &claims.login {
        put("auth_time", Some(login.auth_time.into()));
        put("acr", Some(login.acr.as_str().into()));
    }
    for (name, value) in &record.extra {
        put(name, Some(value.clone()));
    }
    body.retain(|_, value| !value.is_null());
    disfigure(server, record, &mut body);
    body
}

fn disfigure(server: &AuthServer, record: &Record, body: &mut Map<String, Value>) {
    if body.contains_key("act") {
        if server.on(FaultId::IntrospectionOmitsAct) {
            body.shift_remove("act");
        }
        if server.on(FaultId::IntrospectionActDiffers) {
            body.insert("act".to_owned(), json!({ "sub": record.client }));
        }
    }
    if body.contains_key("may_act") && server.on(FaultId::IntrospectionMayActIsString) {
        let named = record.claims.may_act.as_ref().and_then(|may_act| may_act.get("sub")).cloned();
        body.insert("may_act".to_owned(), named.unwrap_or_default());
    }
    if body.contains_key("cnf") && server.on(FaultId::IntrospectionOmitsCnf) {
        body.shift_remove("cnf");
    }
    if record.from_exchange && server.on(FaultId::IntrospectionNamesOtherClient) {
        body.insert("client_id".to_owned(), "other-client".into());
    }
    if server.on(FaultId::IntrospectionScopeIsArray) {
        body.insert("scope".to_owned(), record.claims.scope.clone().into());
    }
    if server.on(FaultId::IntrospectionExpIsString) {
        let exp = record.claims.exp.unwrap_or_default().to_string();
        body.insert("exp".to_owned(), exp.into());
    }
    if server.on(FaultId::IntrospectionActiveIsString) {
        body.insert("active".to_owned(), "true".into());
    }
}

/// The form of an endpoint other than the token endpoint.
pub(super) fn endpoint_form(request: &Request) -> Result<Form, Refusal> {
    if request.method.as_str() != "POST" {
        return Err(Refusal::new(Why::NotPost, "this endpoint takes POST only"));
    }
    let form = Form::parse(&request.body, Decoding::CORRECT);
    form.ok_or(Refusal::new(Why::NotAForm, "the body cannot be decoded"))
}
