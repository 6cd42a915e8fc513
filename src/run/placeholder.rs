//! What the placeholders of scenarios stand for in one request.

use super::Context;
use crate::{
    scenario::{Placeholder, ScopeForm, pieces},
    target::AuthMethod,
    token::{TokenView, client_method},
    wire::FormBody,
};

/// The key id of the key that no one trusts, as the listener publishes it.
pub(super) const UNTRUSTED_KID: &str = "txspec-untrusted";

/// What placeholders of one request stand for.
pub(super) struct Placeholders<'a> {
    pub context: &'a Context,
    pub form: &'a FormBody,
    pub client_role: &'a str,
    pub subject: Option<&'a TokenView>,
    pub actor: Option<&'a TokenView>,
    pub second_user: Option<&'a TokenView>,
    /// Address below the listener that is this scenario's own.
    pub listener: Option<&'a str>,
}

impl Placeholders<'_> {
    /// Replaces every placeholder. An unknown word stays as it stands (the lint refuses it).
    pub fn fill(&self, text: &str) -> String {
        if !text.contains("{{") {
            return text.to_owned();
        }
        pieces(text)
            .into_iter()
            .map(|piece| match piece.placeholder() {
                Some(word) => {
                    Placeholder::parse(word).map_or_else(|| format!("{{{{{word}}}}}"), |p| self.value(p))
                }
                None => match piece {
                    crate::scenario::Piece::Text(text) => text.to_owned(),
                    crate::scenario::Piece::Placeholder(_) => String::new(),
                },
            })
            .collect()
    }

    fn value(&self, placeholder: Placeholder<'_>) -> String {
        use Placeholder as P;
        let facts = &self.context.facts;
        let param = |name: &str| self.form.get(name).map(|s| s.expose().to_owned()).unwrap_or_default();
        match placeholder {
            P::Uuid => uuid::Uuid::new_v4().to_string(),
            P::Long => "a".repeat(4096),
            P::Issuer => facts.issuer.clone().unwrap_or_default(),
            P::TokenEndpoint => facts.token_endpoint.clone(),
            P::Listener => self.listener.unwrap_or_default().to_owned(),
            P::ClientId => facts.clients.get(self.client_role).cloned().unwrap_or_default(),
            P::OtherClientId => {
                facts.clients.get("second").cloned().unwrap_or_else(|| "txspec-unknown-client".into())
            }
            P::ClientAuth => self
                .context
                .target
                .spec
                .clients
                .get(self.client_role)
                .map(client_method)
                .map_or("", method_name)
                .to_owned(),
            P::SubjectToken => param("subject_token"),
            P::ActorToken => param("actor_token"),
            P::SubjectSub => claim(self.subject, "sub"),
            P::SubjectIss => claim(self.subject, "iss"),
            P::SubjectAud => claim(self.subject, "aud"),
            P::ActorSub => claim(self.actor, "sub"),
            P::SecondUserSub => claim(self.second_user, "sub"),
            P::UntrustedKid => UNTRUSTED_KID.to_owned(),
            P::Audience(role) => {
                facts.audiences.get(role).and_then(|v| v.first()).cloned().unwrap_or_default()
            }
            P::Resource(role) => {
                facts.resources.get(role).and_then(|v| v.first()).cloned().unwrap_or_default()
            }
            P::Scope(role, form) => {
                let scopes = facts.scopes.get(role).cloned().unwrap_or_default();
                match form {
                    ScopeForm::Plain => scopes.join(" "),
                    ScopeForm::Reversed => scopes.into_iter().rev().collect::<Vec<_>>().join(" "),
                    ScopeForm::OtherCase => {
                        let text = scopes.join(" ");
                        let upper = text.to_uppercase();
                        if upper == text { text.to_lowercase() } else { upper }
                    }
                }
            }
        }
    }
}

/// The registered name of a client authentication method.
fn method_name(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::ClientSecretBasic => "client_secret_basic",
        AuthMethod::ClientSecretPost => "client_secret_post",
        AuthMethod::PrivateKeyJwt => "private_key_jwt",
        AuthMethod::ClientSecretJwt => "client_secret_jwt",
        AuthMethod::None => "none",
    }
}

fn claim(view: Option<&TokenView>, name: &str) -> String {
    let value = view.and_then(|v| v.claims.as_ref()).and_then(|c| c.get(name));
    let first = value.map(|v| v.as_array().and_then(|a| a.first()).unwrap_or(v));
    first.and_then(|v| v.as_str()).unwrap_or_default().to_owned()
}
