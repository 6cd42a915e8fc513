//! Makes tokens: the record, and the string that goes to the client.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::clock::now;
use super::jwt;
use super::keys::Key;
use super::store::{Claims, Kind, Record};
use super::{AuthServer, refusal::Refusal};

/// The form of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jwt,
    Opaque,
}

/// The lifetime of an access token or ID token, in seconds.
pub(super) const LIFETIME: i64 = 3600;

/// The lifetime of a refresh token of a first grant: two weeks.
pub(super) const REFRESH_LIFETIME: i64 = 14 * 24 * 3600;

/// 244 random bits in characters that need no escaping anywhere.
pub(super) fn random() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The claims of the JWT form of a record.
pub(super) fn jwt_claims(issuer: &str, jti: &str, record: &Record) -> Map<String, Value> {
    let claims = &record.claims;
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    put("iss", Some(issuer.into()));
    put("sub", Some(claims.sub.as_str().into()));
    put("aud", audience(&claims.aud));
    if record.kind != Kind::Id {
        put("client_id", Some(record.client.as_str().into()));
    }
    put("iat", Some(claims.iat.into()));
    put("exp", claims.exp.map(Value::from));
    put("nbf", claims.nbf.map(Value::from));
    put("jti", Some(jti.into()));
    if record.kind != Kind::Id {
        put("scope", scope(&claims.scope));
    }
    if let Some(login) = &claims.login {
        put("auth_time", Some(login.auth_time.into()));
        put("acr", Some(login.acr.as_str().into()));
        put("amr", Some(login.amr.clone().into()));
    }
    put("cnf", confirmation(claims));
    put("act", claims.act.clone());
    put("may_act", claims.may_act.clone());
    for (name, value) in &record.extra {
        put(name, Some(value.clone()));
    }
    members
}

/// One audience is a string, several are an array; both are legal for any number (RFC 7519 §4.1.3).
pub(super) fn audience(aud: &[String]) -> Option<Value> {
    match aud {
        [] => None,
        [one] => Some(one.as_str().into()),
        several => Some(several.to_vec().into()),
    }
}

pub(super) fn scope(scope: &[String]) -> Option<Value> {
    (!scope.is_empty()).then(|| scope.join(" ").into())
}

pub(super) fn confirmation(claims: &Claims) -> Option<Value> {
    claims.jkt.as_ref().map(|jkt| serde_json::json!({ "jkt": jkt }))
}

impl AuthServer {
    /// Issues an access token in the form asked for.
    pub(super) fn access_token(&self, record: Record, format: Format) -> Result<String, Refusal> {
        match format {
            Format::Opaque => Ok(self.opaque(record)),
            Format::Jwt => {
                let jti = Uuid::new_v4().to_string();
                let claims = jwt_claims(&self.issuer, &jti, &record);
                self.signed(&self.keys.as_es256, "at+jwt", &claims, &jti, record)
            }
        }
    }

    /// Issues an ID token. It is remembered too: an ID token that this server never gave is none.
    pub(super) fn id_token(&self, record: Record) -> Result<String, Refusal> {
        let jti = Uuid::new_v4().to_string();
        let claims = jwt_claims(&self.issuer, &jti, &record);
        self.signed(&self.keys.as_es256, "JWT", &claims, &jti, record)
    }

    /// Signs prepared claims and remembers the record under their `jti`.
    pub(super) fn signed(
        &self,
        key: &Key,
        typ: &str,
        claims: &Map<String, Value>,
        jti: &str,
        record: Record,
    ) -> Result<String, Refusal> {
        let token = jwt::sign(&jwt::header(key, typ), claims, key).ok_or_else(Refusal::broken)?;
        self.store.insert(jti, record);
        Ok(token)
    }

    /// Issues a random string: a refresh token or an opaque access token.
    pub(super) fn opaque(&self, record: Record) -> String {
        let token = random();
        self.store.insert(&token, record);
        token
    }
}

/// The expiry of something issued now, never later than `limit`.
pub(super) fn expiry(lifetime: i64, limit: Option<i64>) -> i64 {
    let wanted = now().saturating_add(lifetime);
    limit.map_or(wanted, |limit| wanted.min(limit))
}
