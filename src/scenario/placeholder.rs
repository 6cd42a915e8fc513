//! The words in double braces that stand for values which only the run knows.

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder<'a> {
    /// A fresh UUID, another one at each place.
    Uuid,
    /// 4,096 letters.
    Long,
    /// The target's issuer.
    Issuer,
    /// The URL of the token endpoint.
    TokenEndpoint,
    /// A URL, without slash at its end, at which a listener of txspec would notice a request. Below it stands at
    /// every path a key set with the key that no one trusts.
    Listener,
    /// The id of the scenario's client.
    ClientId,
    /// The id of the client in the role `second`.
    OtherClientId,
    /// The metadata name of the way in which the scenario's client authenticates, e.g. `client_secret_basic`.
    ClientAuth,
    /// The control's subject token.
    SubjectToken,
    /// The control's actor token.
    ActorToken,
    /// The `sub` of the subject token.
    SubjectSub,
    /// The `iss` of the control's subject token.
    SubjectIss,
    /// The `aud` of the control's subject token, the first of several.
    SubjectAud,
    /// The `sub` of the control's actor token.
    ActorSub,
    /// The `sub` of the `second_user` token.
    SecondUserSub,
    /// The key id under which the listener publishes the key that no one trusts.
    UntrustedKid,
    /// The audience in this role.
    Audience(&'a str),
    /// The resource in this role.
    Resource(&'a str),
    /// The scopes in this role, joined by spaces.
    Scope(&'a str, ScopeForm),
}

/// How a set of scopes is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeForm {
    /// In the target file's order.
    Plain,
    /// In the opposite order.
    Reversed,
    /// In the other letter case: upper case, or lower case where it is upper case already.
    OtherCase,
}

impl<'a> Placeholder<'a> {
    /// All words, for hints.
    pub const WORDS: &'static [&'static str] = &[
        "uuid",
        "long",
        "issuer",
        "token_endpoint",
        "listener",
        "client_id",
        "other_client_id",
        "client_auth",
        "subject_token",
        "actor_token",
        "subject_sub",
        "subject_iss",
        "subject_aud",
        "actor_sub",
        "second_user_sub",
        "untrusted_kid",
        "audience.ROLE",
        "resource.ROLE",
        "scope.ROLE",
        "scope.ROLE|reversed",
        "scope.ROLE|other-case",
    ];

    /// The meaning of a word, without its braces.
    pub fn parse(word: &'a str) -> Option<Self> {
        Some(match word {
            "uuid" => Self::Uuid,
            "long" => Self::Long,
            "issuer" => Self::Issuer,
            "token_endpoint" => Self::TokenEndpoint,
            "listener" => Self::Listener,
            "client_id" => Self::ClientId,
            "other_client_id" => Self::OtherClientId,
            "client_auth" => Self::ClientAuth,
            "subject_token" => Self::SubjectToken,
            "actor_token" => Self::ActorToken,
            "subject_sub" => Self::SubjectSub,
            "subject_iss" => Self::SubjectIss,
            "subject_aud" => Self::SubjectAud,
            "actor_sub" => Self::ActorSub,
            "second_user_sub" => Self::SecondUserSub,
            "untrusted_kid" => Self::UntrustedKid,
            _ => match word.split_once('.')? {
                ("audience", role) => Self::Audience(role),
                ("resource", role) => Self::Resource(role),
                ("scope", role) => match role.split_once('|') {
                    None => Self::Scope(role, ScopeForm::Plain),
                    Some((role, "reversed")) => Self::Scope(role, ScopeForm::Reversed),
                    Some((role, "other-case")) => Self::Scope(role, ScopeForm::OtherCase),
                    Some(_) => return None,
                },
                _ => return None,
            },
        })
    }
}

/// A part of a text with placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Sent as it stands.
    Text(&'a str),
    /// The word of a placeholder, without its braces.
    Placeholder(&'a str),
}

impl<'a> Piece<'a> {
    /// The word, of a placeholder.
    pub fn placeholder(self) -> Option<&'a str> {
        match self {
            Self::Placeholder(word) => Some(word),
            Self::Text(_) => None,
        }
    }
}

/// Text and placeholders in order. Braces that are not closed are text.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, word, after)) = rest
        .split_once("{{")
        .and_then(|(before, tail)| tail.split_once("}}").map(|(word, after)| (before, word, after)))
    {
        if !before.is_empty() {
            out.push(Piece::Text(before));
        }
        out.push(Piece::Placeholder(word));
        rest = after;
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_placeholders_alternate() {
        assert_eq!(
            pieces("{{audience.allowed}} x {{uuid}}{{open"),
            [
                Piece::Placeholder("audience.allowed"),
                Piece::Text(" x "),
                Piece::Placeholder("uuid"),
                Piece::Text("{{open"),
            ]
        );
    }

    #[test]
    fn words_have_meanings() {
        assert_eq!(
            Placeholder::parse("scope.narrow|other-case"),
            Some(Placeholder::Scope("narrow", ScopeForm::OtherCase))
        );
        assert_eq!(Placeholder::parse("audience"), None);
        assert_eq!(Placeholder::parse("scope.narrow|sideways"), None);
    }
}
