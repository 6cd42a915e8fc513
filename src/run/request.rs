//! Requests that are not exchanges: introspection, revocation, metadata, and what they have in common.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::{
    Context,
    apply::{Unready, resolve},
    authenticate::authenticate,
};
use crate::{
    scenario::{IntrospectSpec, MetadataKind, RevokeSpec},
    target::{MetadataSpec, metadata_urls},
    token::{TokenView, tamper},
    wire::{FormBody, Request, Secret},
};

/// A request that is not an exchange.
pub(super) struct Sent {
    pub request: Request,
    pub form: FormBody,
    pub client_id: String,
}

pub(super) fn finish(context: &Context, client: &str, mut form: FormBody, url: Url) -> Result<Sent, Unready> {
    let mut request = Request::post(url);
    request.push_header("accept", "application/json");
    authenticate(context, client, None, &mut form, &mut request)?;
    request.push_header("content-type", "application/x-www-form-urlencoded");
    request.body = form.encode().into_bytes();
    let client_id = context.facts.clients.get(client).cloned().unwrap_or_default();
    Ok(Sent { request, form, client_id })
}

pub(super) fn endpoint(address: Option<&str>, what: &str) -> Result<Url, Unready> {
    let address = address.ok_or_else(|| Unready(format!("the {what} endpoint is not known")))?;
    Url::parse(address).map_err(|e| Unready(format!("the {what} endpoint `{address}` is not a URL: {e}")))
}

pub(super) async fn introspect_request(
    context: &Context,
    spec: &IntrospectSpec,
    named: &BTreeMap<String, TokenView>,
) -> Result<Sent, Unready> {
    let token = match (&spec.token, &spec.literal) {
        (Some(name), _) => resolve(context, named, name).await?.view.value,
        (None, Some(text)) => Secret::new(text.as_str()),
        (None, None) => return Err(Unready("no token to ask about".into())),
    };
    let token = match spec.tamper {
        Some(how) => Secret::new(tamper(how, token.expose(), context.facts.jwks.as_ref())?),
        None => token,
    };
    let url = endpoint(context.endpoints.introspection.as_deref(), "introspection")?;
    let mut form = FormBody::default();
    form.push("token", token);
    if let Some(hint) = &spec.hint {
        form.push("token_type_hint", hint.as_str());
    }
    if spec.anonymous {
        let mut request = Request::post(url);
        request.push_header("accept", "application/json");
        request.push_header("content-type", "application/x-www-form-urlencoded");
        request.body = form.encode().into_bytes();
        return Ok(Sent { request, form, client_id: String::new() });
    }
    finish(context, &spec.client, form, url)
}

/// The role of the client that a token names as its holder; the exchanger, if it names none that the target knows.
fn holder_by_claims(context: &Context, token: &TokenView) -> String {
    let id = token
        .claims
        .as_ref()
        .and_then(|c| c.get("client_id").or_else(|| c.get("azp")))
        .and_then(Value::as_str);
    let role = context
        .facts
        .clients
        .iter()
        .find(|(_, known)| Some(known.as_str()) == id)
        .map(|(role, _)| role.clone());
    role.unwrap_or_else(|| "exchanger".into())
}

pub(super) fn revoke_request(
    context: &Context,
    spec: &RevokeSpec,
    named: &BTreeMap<String, TokenView>,
) -> Result<Sent, Unready> {
    let token =
        named.get(&spec.token).ok_or_else(|| Unready(format!("no token `{}` to revoke", spec.token)))?;
    let mut form = FormBody::default();
    form.push("token", token.value.clone());
    let client = spec
        .client
        .as_deref()
        .or(token.holder.as_deref())
        .map_or_else(|| holder_by_claims(context, token), str::to_owned);
    finish(context, &client, form, endpoint(context.endpoints.revocation.as_deref(), "revocation")?)
}

pub(super) fn metadata_address(context: &Context, kind: MetadataKind) -> Result<Url, Unready> {
    if kind == MetadataKind::Jwks {
        return endpoint(context.endpoints.jwks.as_deref(), "key set");
    }
    if kind == MetadataKind::Discovered {
        return context
            .metadata
            .as_ref()
            .map(|(url, _)| url.clone())
            .ok_or_else(|| Unready("no metadata was found".into()));
    }
    let issuer = context.target.spec.issuer.as_deref().unwrap_or_default();
    let issuer = Url::parse(issuer)?;
    let wanted = if kind == MetadataKind::OauthAuthorizationServer {
        MetadataSpec::Oauth
    } else {
        MetadataSpec::Openid
    };
    metadata_urls(&issuer, wanted).into_iter().next().ok_or_else(|| Unready("no metadata address".into()))
}
