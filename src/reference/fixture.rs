//! `POST /fixture/jwt`: signs whatever a test asks for. Such a token is genuinely signed and never
//! issued, which is what logout tokens, client assertions and the like are to a token exchange.

use serde_json::{Map, Value, json};
use uuid::Uuid;
use wiremock::Request;

use super::AuthServer;
use super::clients::FOREIGN_ISSUER;
use super::clock::now;
use super::introspect::endpoint_form;
use super::jwt;
use super::mint::LIFETIME;
use super::refusal::{Refusal, Why};
use super::reply::Reply;

const UNREADABLE: Refusal = Refusal::new(Why::BadParameter, "a fixture parameter cannot be read");

/// Form parameters: `key` (`es256`, `rs256`, `foreign`, `client`, `unknown`), `header` and `claims` (JSON
/// objects laid over the defaults; `null` removes a member).
pub(super) fn sign(server: &AuthServer, request: &Request) -> Reply {
    answer(server, request).unwrap_or_else(|refusal| refusal.reply())
}

fn answer(server: &AuthServer, request: &Request) -> Result<Reply, Refusal> {
    let form = endpoint_form(request)?;
    let (key, foreign) = match form.one("key").unwrap_or("es256") {
        "es256" => (&server.keys.as_es256, false),
        "rs256" => (&server.keys.as_rs256, false),
        "foreign" => (&server.keys.foreign, true),
        "client" => (&server.keys.client, false),
        "unknown" => (&server.keys.unpublished, false),
        _ => return Err(UNREADABLE),
    };
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), if foreign { FOREIGN_ISSUER } else { &server.issuer }.into());
    if foreign {
        claims.insert("sub".to_owned(), "partner-user".into());
        claims.insert("aud".to_owned(), server.issuer.as_str().into());
    }
    claims.insert("iat".to_owned(), now().into());
    claims.insert("exp".to_owned(), (now() + LIFETIME).into());
    claims.insert("jti".to_owned(), Uuid::new_v4().to_string().into());
    overlay(&mut claims, form.one("claims"))?;
    let mut header = jwt::header(key, "JWT");
    overlay(&mut header, form.one("header"))?;
    let token = jwt::sign(&header, &claims, key).ok_or_else(Refusal::broken)?;
    Ok(Reply::json(200, &json!({ "token": token })).uncached())
}

fn overlay(members: &mut Map<String, Value>, text: Option<&str>) -> Result<(), Refusal> {
    let Some(text) = text else { return Ok(()) };
    let Ok(Value::Object(changes)) = serde_json::from_str(text) else {
        return Err(UNREADABLE);
    };
    for (name, value) in changes {
        match value {
            Value::Null => drop(members.shift_remove(&name)),
            value => drop(members.insert(name, value)),
        }
    }
    Ok(())
}
