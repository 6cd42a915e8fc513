//! Client authentication (RFC 6749 section 2.3, RFC 7523 section 2.2).

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{FormBody, Request, Secret};

/// The `client_assertion_type` of a JWT (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a request shows which client sends it.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// `Authorization: Basic`, id and secret form-encoded first (RFC 6749 section 2.3.1).
    Basic {
        /// Client identifier.
        id: String,
        /// Client password.
        secret: Secret,
    },
    /// As `Basic`, but id and secret joined raw, as many clients wrongly do.
    BasicRaw {
        /// Client identifier.
        id: String,
        /// Client password.
        secret: Secret,
    },
    /// An `Authorization` field as it stands.
    Header(Secret),
    /// `client_id` and `client_secret` in the body.
    Post {
        /// Client identifier.
        id: String,
        /// Client password.
        secret: Secret,
    },
    /// A JWT assertion, already signed.
    Assertion {
        /// Client identifier, sent as `client_id` too.
        id: String,
        /// The assertion.
        jwt: Secret,
    },
    /// `client_id` alone, as a public client does.
    Identified {
        /// Client identifier.
        id: String,
    },
    /// Nothing at all.
    Anonymous,
}

impl Authentication {
    /// Puts the credentials into a request's form and headers.
    pub fn apply(&self, form: &mut FormBody, request: &mut Request) {
        let encode = |s: &str| url::form_urlencoded::byte_serialize(s.as_bytes()).collect::<String>();
        match self {
            Self::Basic { id, secret } => {
                request.push_header("authorization", basic(&encode(id), &encode(secret.expose())));
            }
            Self::BasicRaw { id, secret } => request.push_header("authorization", basic(id, secret.expose())),
            Self::Header(value) => request.push_header("authorization", value.expose()),
            Self::Post { id, secret } => {
                form.push("client_id", id.as_str());
                form.push("client_secret", secret.clone());
            }
            Self::Assertion { id, jwt } => {
                form.push("client_id", id.as_str());
                form.push("client_assertion_type", ASSERTION_TYPE);
                form.push("client_assertion", jwt.clone());
            }
            Self::Identified { id } => form.push("client_id", id.as_str()),
            Self::Anonymous => {}
        }
    }

    /// Whether the credentials travel in the `Authorization` header (it decides between 401 and 400,
    /// RFC 6749 section 5.2).
    pub fn uses_header(&self) -> bool {
        matches!(self, Self::Basic { .. } | Self::BasicRaw { .. } | Self::Header(_))
    }
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_form_encodes_id_and_secret_before_base64() {
        let mut form = FormBody::default();
        let mut request = Request::post("http://127.0.0.1/".parse().unwrap());
        Authentication::Basic { id: "a:b".into(), secret: "ü %".into() }.apply(&mut form, &mut request);
        let sent = String::from_utf8(
            STANDARD.decode(request.header("authorization").unwrap().trim_start_matches("Basic ")).unwrap(),
        )
        .unwrap();
        assert_eq!(sent, "a%3Ab:%C3%BC+%25");
        assert!(form.0.is_empty());
    }
}
