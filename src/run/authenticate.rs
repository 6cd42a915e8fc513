//! Client authentication of one judged request: the client's own way, or what an edit makes of it.

use serde_json::json;

use super::Context;
use crate::{
    scenario::ClientAuthEdit,
    target::{AuthMethod, ClientSpec},
    token::{
        AssertionSpec, AuthError, Jwt, assertion, assertion_key, authentication, b64, client_method, tamper,
    },
    wire::{Authentication, FormBody, Request, Secret},
};

const UNKNOWN_CLIENT: &str = "txspec-unknown-client";
const WRONG_SECRET: &str = "txspec-wrong-secret";

/// Puts credentials into form and headers. Without edit: the client's own.
pub(super) fn authenticate(
    context: &Context,
    role: &str,
    edit: Option<ClientAuthEdit>,
    form: &mut FormBody,
    request: &mut Request,
) -> Result<(), AuthError> {
    let spec = &context.target.spec;
    let client =
        spec.clients.get(role).ok_or_else(|| AuthError(format!("the target has no client `{role}`")))?;
    let audience = spec.issuer.as_deref().unwrap_or(&context.facts.token_endpoint).to_owned();
    let folder = &context.target.folder;
    let own = |method| authentication(client, method, &audience, folder);
    let credentials: Vec<Authentication> = match edit {
        None => vec![own(client_method(client))?],
        Some(edit) => edited(context, client, edit, &audience)?,
    };
    for one in &credentials {
        if let Authentication::Assertion { jwt, .. } = one {
            context.vault.remember_issued(jwt);
        }
    }
    if edit == Some(ClientAuthEdit::Query) {
        let mut query = FormBody::default();
        for one in &credentials {
            one.apply(&mut query, request);
        }
        request.url.set_query(Some(&query.encode()));
    } else {
        for one in &credentials {
            one.apply(form, request);
        }
    }
    match edit {
        Some(ClientAuthEdit::BasicAndClientId) => form.push("client_id", client.id.as_str()),
        Some(ClientAuthEdit::BasicAndOtherClientId) => {
            let other = spec.clients.get("second").map_or(UNKNOWN_CLIENT, |c| c.id.as_str());
            form.push("client_id", other);
        }
        _ => {}
    }
    if edit.is_none() || !matches!(edit, Some(ClientAuthEdit::Anonymous | ClientAuthEdit::ClientIdOnly)) {
        for (name, value) in &client.params {
            for v in value.values() {
                form.push(name, v);
            }
        }
    }
    Ok(())
}

fn edited(
    context: &Context,
    client: &ClientSpec,
    edit: ClientAuthEdit,
    audience: &str,
) -> Result<Vec<Authentication>, AuthError> {
    use ClientAuthEdit as E;
    let folder = &context.target.folder;
    let own = |method| authentication(client, method, audience, folder);
    let id = client.id.clone();
    let secret = || {
        client
            .secret
            .as_ref()
            .ok_or_else(|| AuthError(format!("the client `{id}` has no secret")))
            .and_then(|s| s.resolve().map_err(AuthError))
    };
    Ok(match edit {
        E::Anonymous => vec![Authentication::Anonymous],
        E::ClientIdOnly => vec![Authentication::Identified { id }],
        E::Basic | E::BasicAndClientId | E::BasicAndOtherClientId => {
            vec![own(AuthMethod::ClientSecretBasic)?]
        }
        E::BasicRaw => vec![Authentication::BasicRaw { secret: secret()?, id }],
        E::BasicEmptySecret => vec![Authentication::Basic { id, secret: "".into() }],
        E::BasicNotBase64 => vec![Authentication::Header("Basic %%% this is not base64 %%%".into())],
        E::BasicLowerCase => {
            let mut probe = Request::post(context.token_endpoint.clone());
            own(AuthMethod::ClientSecretBasic)?.apply(&mut FormBody::default(), &mut probe);
            let value = probe.header("authorization").unwrap_or_default().replacen("Basic", "basic", 1);
            vec![Authentication::Header(value.into())]
        }
        E::Post => vec![own(AuthMethod::ClientSecretPost)?],
        E::BasicWrongSecret => vec![Authentication::Basic { id, secret: WRONG_SECRET.into() }],
        E::BasicUnknownClient => {
            vec![Authentication::Basic { id: UNKNOWN_CLIENT.into(), secret: WRONG_SECRET.into() }]
        }
        E::PostWrongSecret => vec![Authentication::Post { id, secret: WRONG_SECRET.into() }],
        E::BasicAndPost => vec![own(AuthMethod::ClientSecretBasic)?, own(AuthMethod::ClientSecretPost)?],
        E::BasicAndOtherPost => {
            let other = context
                .target
                .spec
                .clients
                .get("second")
                .ok_or_else(|| AuthError("the target has no client `second`".into()))?;
            vec![
                own(AuthMethod::ClientSecretBasic)?,
                authentication(other, AuthMethod::ClientSecretPost, audience, folder)?,
            ]
        }
        E::BasicAndAssertion => {
            let jwt = assertion(
                &crate::token::SigningKey::hmac(secret()?.expose().as_bytes()),
                &right(client, audience),
            )?;
            vec![own(AuthMethod::ClientSecretBasic)?, Authentication::Assertion { id, jwt }]
        }
        E::Query => vec![own(AuthMethod::ClientSecretPost)?],
        _ => vec![assertion_edit(context, client, edit, audience)?],
    })
}

fn right(client: &ClientSpec, audience: &str) -> AssertionSpec {
    AssertionSpec {
        client_id: client.id.clone(),
        audience: json!(client.assertion_audience.as_deref().unwrap_or(audience)),
        subject: None,
        lifetime: 120,
        kid: client.kid.clone(),
        typ: None,
        jti: None,
    }
}

fn assertion_edit(
    context: &Context,
    client: &ClientSpec,
    edit: ClientAuthEdit,
    audience: &str,
) -> Result<Authentication, AuthError> {
    use ClientAuthEdit as E;
    let method = match client_method(client) {
        m @ (AuthMethod::PrivateKeyJwt | AuthMethod::ClientSecretJwt) => m,
        _ if client.also.contains(&AuthMethod::ClientSecretJwt) => AuthMethod::ClientSecretJwt,
        _ => AuthMethod::PrivateKeyJwt,
    };
    let key = assertion_key(client, method, &context.target.folder)?;
    let mut spec = right(client, audience);
    match edit {
        E::AssertionExpired => spec.lifetime = -900,
        E::AssertionWrongSubject => spec.subject = Some(UNKNOWN_CLIENT.into()),
        E::AssertionWrongAudience => spec.audience = json!("https://elsewhere.txspec.invalid"),
        E::AssertionTokenEndpointAudience => spec.audience = json!(context.facts.token_endpoint),
        E::AssertionSeveralAudiences => spec.audience = json!([audience, "https://elsewhere.txspec.invalid"]),
        E::AssertionTyped => spec.typ = Some("client-authentication+jwt".into()),
        _ => {}
    }
    let signed = assertion(&key, &spec)?;
    let jwt = match edit {
        E::AssertionWrongSignature => Secret::new(
            tamper(crate::scenario::Tamper::SignatureBit, signed.expose(), None)
                .map_err(|e| AuthError(e.to_string()))?,
        ),
        E::AssertionAlgNone => {
            let decoded = Jwt::decode(signed.expose()).map_err(|e| AuthError(e.to_string()))?;
            Secret::new(format!(
                "{}.{}.",
                b64(json!({ "alg": "none", "typ": "JWT" }).to_string()),
                b64(decoded.claims_value().to_string())
            ))
        }
        _ => signed,
    };
    Ok(Authentication::Assertion { id: client.id.clone(), jwt })
}
