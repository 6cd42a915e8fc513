//! From a target's client to the credentials of one request.

use std::{fs, path::Path};

use serde_json::json;

use super::{AssertionSpec, KeyError, SigningKey, assertion};
use crate::{
    target::{AuthMethod, ClientSpec},
    wire::{Authentication, Secret},
};

/// A client's credentials cannot be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct AuthError(pub String);

impl From<KeyError> for AuthError {
    fn from(error: KeyError) -> Self {
        Self(error.0)
    }
}

/// The method by which a client authenticates.
pub fn client_method(client: &ClientSpec) -> AuthMethod {
    client.auth.unwrap_or_else(|| {
        if client.secret.is_some() {
            AuthMethod::ClientSecretBasic
        } else if client.key.is_some() || client.key_file.is_some() {
            AuthMethod::PrivateKeyJwt
        } else {
            AuthMethod::None
        }
    })
}

/// Credentials by a method. `audience` is what an assertion is meant for, unless the client says otherwise.
///
/// # Errors
/// A missing secret or an unusable key.
pub fn authentication(
    client: &ClientSpec,
    method: AuthMethod,
    audience: &str,
    folder: &Path,
) -> Result<Authentication, AuthError> {
    let id = client.id.clone();
    let secret = || -> Result<Secret, AuthError> {
        client
            .secret
            .as_ref()
            .ok_or_else(|| AuthError(format!("the client `{id}` has no secret")))?
            .resolve()
            .map_err(AuthError)
    };
    Ok(match method {
        AuthMethod::ClientSecretBasic => Authentication::Basic { secret: secret()?, id },
        AuthMethod::ClientSecretPost => Authentication::Post { secret: secret()?, id },
        AuthMethod::None => Authentication::Identified { id },
        AuthMethod::PrivateKeyJwt | AuthMethod::ClientSecretJwt => {
            let spec = AssertionSpec {
                client_id: id.clone(),
                audience: json!(client.assertion_audience.as_deref().unwrap_or(audience)),
                subject: None,
                lifetime: 120,
                kid: client.kid.clone(),
                typ: None,
                jti: None,
            };
            Authentication::Assertion { jwt: assertion(&assertion_key(client, method, folder)?, &spec)?, id }
        }
    })
}

/// The key that signs a client's assertions.
///
/// # Errors
/// A missing secret or an unusable key.
pub fn assertion_key(
    client: &ClientSpec,
    method: AuthMethod,
    folder: &Path,
) -> Result<SigningKey, AuthError> {
    if method == AuthMethod::ClientSecretJwt {
        let secret = client
            .secret
            .as_ref()
            .ok_or_else(|| AuthError(format!("the client `{}` has no secret", client.id)))?;
        return Ok(SigningKey::hmac(secret.resolve().map_err(AuthError)?.expose().as_bytes()));
    }
    let pem = match (&client.key, &client.key_file) {
        (Some(key), _) => key.resolve().map_err(AuthError)?,
        (None, Some(file)) => {
            let path = folder.join(file);
            Secret::new(
                fs::read_to_string(&path)
                    .map_err(|e| AuthError(format!("failed to read the key {}: {e}", path.display())))?,
            )
        }
        (None, None) => return Err(AuthError(format!("the client `{}` has no key", client.id))),
    };
    Ok(SigningKey::from_pem(pem.expose(), None)?)
}
