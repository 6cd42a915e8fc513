//! Documented deviations of a product as data: with a [`Behaviour`], the server answers as the product's documents say
//! it would. What the documents leave open stays as the reference server has it, so that whoever judges the answers has to
//! know which of them are documented. Where a deviation is one of the named faults, the fault stands for it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wiremock::Request;

use super::AuthServer;
use super::clients::find_user;
use super::clock::now;
use super::exchange::TokenType;
use super::feature::Feature;
use super::form::Form;
use super::mint::{LIFETIME, random};
use super::refusal::{Refusal, Why};
use super::reply::Reply;
use super::store::{Claims, Kind, Record};

/// How a documented product differs from the reference server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// Path of the issuer identifier.
    pub(super) issuer_path: String,
    /// What is served at which path. With one, nothing is served elsewhere.
    pub(super) paths: BTreeMap<String, Endpoint>,
    /// Faults that the documents imply.
    pub(super) faults: Vec<String>,
    /// Features that are documented as missing.
    pub(super) without: Vec<Feature>,
    /// Types that subject tokens may be declared as, each with what such a token is.
    pub(super) subject_types: Option<BTreeMap<String, TokenType>>,
    /// Types that actor tokens may be declared as, each with what such a token is.
    pub(super) actor_types: Option<BTreeMap<String, TokenType>>,
    /// Types that can be requested.
    pub(super) requested_types: Option<Vec<TokenType>>,
    /// Parameters that are never read.
    pub(super) ignores: Vec<String>,
    /// Parameters that every exchange must have.
    pub(super) requires: Vec<String>,
    /// Statuses and error codes that differ.
    pub(super) codes: Vec<Code>,
    /// `may_act` of every first token.
    pub(super) may_act: Option<Value>,
    /// Whether an exchange needs a `may_act` whose `client_id` names the client that asks, and whose `sub` the actor.
    pub(super) may_act_required: bool,
    /// The only members of the newest actor in `act`.
    pub(super) act_members: Option<Vec<String>>,
    /// A scope that an actor token must have; it must then be opaque as well.
    pub(super) actor_scope: Option<String>,
    /// Whether scopes that cannot be had are left out and the rest granted.
    pub(super) drops_excess_scope: bool,
    /// Whether no scope is granted where none is requested.
    pub(super) no_default_scope: bool,
    /// Scopes that a client may have for itself besides those of the reference server.
    pub(super) further_scopes: Vec<String>,
    /// Whether access tokens are random strings where no target was named.
    pub(super) opaque_without_target: bool,
    /// Endpoints of an administration interface that hand out subject tokens.
    pub(super) mints: Vec<Mint>,
    /// Tokens that exist from the start, by the name of the variable that holds them.
    pub(super) given: BTreeMap<String, Given>,
    /// Documented requests that get the documented response, value by value.
    pub(super) examples: Vec<Example>,
}

/// An endpoint of the reference server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Endpoint {
    /// RFC 6749 section 3.2.
    Token,
    /// RFC 7662.
    Introspection,
    /// RFC 7009.
    Revocation,
    /// RFC 7517.
    Jwks,
    /// OpenID Connect Core section 5.3.
    Userinfo,
    /// RFC 8414.
    OauthMetadata,
    /// OpenID Connect Discovery.
    OpenidConfiguration,
}

impl Endpoint {
    /// Where the reference server has it.
    fn path(self) -> &'static str {
        match self {
            Self::Token => "/token",
            Self::Introspection => "/introspect",
            Self::Revocation => "/revoke",
            Self::Jwks => "/jwks",
            Self::Userinfo => "/userinfo",
            Self::OauthMetadata => "/.well-known/oauth-authorization-server",
            Self::OpenidConfiguration => "/.well-known/openid-configuration",
        }
    }
}

/// Status and code of a refusal.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    /// In which situations.
    when: Vec<Why>,
    /// The HTTP status.
    #[serde(default = "bad_request")]
    #[schemars(range(min = 200, max = 599))]
    pub(super) status: u16,
    /// The `error` member.
    pub(super) error: String,
}

fn bad_request() -> u16 {
    400
}

/// An endpoint that hands out subject tokens to whoever has an access token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mint {
    /// Its path; it takes JSON by POST.
    path: String,
    /// The member of the request that names the user.
    user: String,
    /// The member of the response that holds the token.
    token: String,
    /// The member of the response that holds its lifetime in seconds.
    expires_in: String,
    /// What the token begins with.
    prefix: String,
    /// Lifetime in seconds.
    lifetime: i64,
    /// Whether it can be exchanged once.
    single_use: bool,
    /// Status of the response.
    #[schemars(range(min = 200, max = 599))]
    status: u16,
    /// What the token permits.
    scope: Vec<String>,
}

/// A token that exists from the start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// What it is.
    kind: TokenType,
    /// The user whom it stands for.
    user: String,
    /// The client to which it was issued.
    client: String,
    /// What it permits.
    scope: Vec<String>,
}

/// A documented request with its response.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    /// A name for it.
    id: String,
    /// The page that shows it.
    from: String,
    /// Parameters that tell the request from all others.
    request: BTreeMap<String, String>,
    /// What comes back.
    response: ExampleResponse,
}

/// A documented response.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExampleResponse {
    /// HTTP status.
    #[schemars(range(min = 200, max = 599))]
    status: u16,
    /// `Cache-Control`, where the documents show it.
    #[serde(default)]
    cache_control: Option<String>,
    /// The body, as JSON.
    body: Map<String, Value>,
}

impl Behaviour {
    /// The ids of the faults that it switches on.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The ids of the documented requests that it answers, value by value.
    pub fn examples(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().map(|example| example.id.as_str())
    }

    /// The pages that show them, in the same order.
    pub fn example_pages(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().map(|example| example.from.as_str())
    }

    /// The parameters of a documented request, and the body of its response.
    #[must_use]
    pub fn example(&self, id: &str) -> Option<(&BTreeMap<String, String>, &Map<String, Value>)> {
        let example = self.examples.iter().find(|example| example.id == id)?;
        Some((&example.request, &example.response.body))
    }

    /// The reference server's name for a path; `None` for one that is not served.
    pub(super) fn internal<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.paths.is_empty() {
            true => Some(path),
            false => self.paths.get(path).map(|endpoint| endpoint.path()),
        }
    }

    /// Where an endpoint of the reference server is reached; `None` where it is not served.
    pub(super) fn external<'a>(&'a self, path: &'a str) -> Option<&'a str> {
        if self.paths.is_empty() {
            return Some(path);
        }
        let (external, _) = self.paths.iter().find(|(_, endpoint)| endpoint.path() == path)?;
        Some(external)
    }

    /// What a type says a token is, by a product's own list: a URI, or the last part of those of RFC 8693.
    pub(super) fn typed(types: &BTreeMap<String, TokenType>, uri: &str) -> Option<TokenType> {
        let short = uri.strip_prefix("urn:ietf:params:oauth:token-type:");
        types.get(uri).or_else(|| types.get(short?)).copied()
    }

    /// Takes out what the product never reads.
    pub(super) fn overlook(&self, form: &mut Form) {
        form.parameters.retain(|parameter| !self.ignores.contains(&parameter.name));
    }

    /// Refuses an exchange that lacks what the product wants on each.
    pub(super) fn check_required(&self, form: &Form) -> Result<(), Refusal> {
        match self.requires.iter().all(|name| form.one(name).is_some()) {
            true => Ok(()),
            false => Err(Refusal::new(Why::RequiredMissing, "a parameter that this server wants is missing")),
        }
    }

    /// The status and code that the product has for a situation.
    pub(super) fn code(&self, why: Why) -> Option<&Code> {
        self.codes.iter().find(|code| code.when.contains(&why))
    }

    /// The documented response to a documented request.
    pub(super) fn answer(&self, form: &Form) -> Option<Reply> {
        let asked = |example: &&Example| {
            example.request.iter().all(|(name, value)| form.one(name) == Some(value.as_str()))
        };
        let response = &self.examples.iter().find(asked)?.response;
        let reply = Reply::json(response.status, &Value::Object(response.body.clone()));
        Some(match &response.cache_control {
            Some(value) => reply.header("Cache-Control", value.clone()),
            None => reply,
        })
    }

    /// Whether `may_act` lets this client, and this actor if there is one, use the token.
    pub(super) fn may_act(may_act: Option<&Value>, client: &str, actor: Option<&str>) -> bool {
        let Some(may_act) = may_act else { return false };
        let names = |member: &str, wanted: &str| match may_act.get(member) {
            Some(Value::String(one)) => one == wanted,
            Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
            _ => false,
        };
        names("client_id", client) && actor.is_none_or(|actor| names("sub", actor))
    }
}

/// The answer of an administration endpoint; `None` when there is none at the path.
pub(super) fn mint(server: &AuthServer, request: &Request) -> Option<Reply> {
    let mint = server.vendor.mints.iter().find(|mint| mint.path == request.url.path())?;
    let refused = |status: u16| Some(Reply::json(status, &json!({ "code": "request.refused" })));
    let bearer = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    let holder = bearer
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(|token| {
            super::jwt::Jwt::parse(token)
                .and_then(|jwt| jwt.text("jti").map(str::to_owned))
                .or(Some(token.to_owned()))
        })
        .and_then(|key| server.store.find(&key));
    let Some(holder) = holder else { return refused(401) };
    let asked: Option<Value> = serde_json::from_slice(&request.body).ok();
    let user = asked.as_ref().and_then(|body| body.get(&mint.user)?.as_str()).and_then(find_user);
    let Some(user) = user else { return refused(422) };
    let claims = Claims {
        sub: user.name.to_owned(),
        scope: mint.scope.clone(),
        iat: now(),
        exp: Some(now() + mint.lifetime),
        ..Claims::default()
    };
    let mut record = Record::new(Kind::Access, &holder.client, claims);
    record.single_use = mint.single_use;
    let token = format!("{}{}", mint.prefix, random());
    server.store.insert(&token, record);
    let body =
        Map::from_iter([(mint.token.clone(), token.into()), (mint.expires_in.clone(), mint.lifetime.into())]);
    Some(Reply::json(mint.status, &Value::Object(body)).uncached())
}

/// Makes the tokens that exist from the start.
pub(super) fn given(server: &AuthServer) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tokens = BTreeMap::new();
    for (name, given) in &server.vendor.given {
        let claims = Claims {
            sub: given.user.clone(),
            scope: given.scope.clone(),
            aud: vec![given.client.clone()],
            iat: now(),
            exp: Some(now() + LIFETIME),
            ..Claims::default()
        };
        let token = match given.kind {
            TokenType::IdToken => server.id_token(Record::new(Kind::Id, &given.client, claims))?,
            TokenType::RefreshToken => server.opaque(Record::new(Kind::Refresh, &given.client, claims)),
            _ => server.opaque(Record::new(Kind::Access, &given.client, claims)),
        };
        tokens.insert(name.clone(), token);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Behaviour;

    #[test]
    fn may_act_names_the_client_alone_or_in_a_list() {
        let allows = |may_act, client, actor| Behaviour::may_act(Some(&may_act), client, actor);
        assert!(allows(json!({ "client_id": "app" }), "app", None));
        assert!(allows(json!({ "client_id": ["other", "app"] }), "app", None));
        assert!(allows(json!({ "client_id": "app", "sub": "service" }), "app", Some("service")));
        assert!(!allows(json!({ "client_id": "app" }), "app", Some("service")));
        assert!(!allows(json!({ "sub": "app" }), "app", None));
        assert!(!Behaviour::may_act(None, "app", None));
    }

    #[test]
    fn a_path_is_served_under_its_documented_name_alone() {
        let behaviour: Behaviour =
            serde_json::from_value(json!({ "paths": { "/oauth/token": "token" } })).unwrap();
        assert_eq!(behaviour.internal("/oauth/token"), Some("/token"));
        assert_eq!(behaviour.internal("/token"), None);
        assert_eq!(behaviour.external("/token"), Some("/oauth/token"));
        assert_eq!(behaviour.external("/jwks"), None);
        assert_eq!(Behaviour::default().internal("/jwks"), Some("/jwks"));
    }
}
