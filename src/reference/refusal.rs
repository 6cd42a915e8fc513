//! A refused request: why, and the OAuth error answer that says so (RFC 6749 §5.2, RFC 8693 §2.2.2).

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::AuthServer;
use super::fault::FaultId;
use super::form::Form;
use super::reply::Reply;
use super::wrong_codes::WRONG_CODES;

/// The situation that led to a refusal. It decides the status and the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    NotPost,
    TooLarge,
    NotAForm,
    RepeatedParameter,
    BadParameter,
    GrantTypeMissing,
    GrantTypeUnknown,
    GrantNotAllowed,
    ClientAuthBasic,
    ClientAuthOther,
    ClientAssertion,
    TwoClientAuthMethods,
    ClientIdMismatch,
    /// A parameter that a documented product wants on every exchange.
    RequiredMissing,
    SubjectMissing,
    SubjectTypeMissing,
    SubjectTypeUnknown,
    SubjectOversize,
    SubjectInvalid,
    ActorTypeMissing,
    ActorTypeAlone,
    ActorTypeUnknown,
    ActorInvalid,
    RequestedTypeUnknown,
    RequestedTypeRefused,
    /// A valid token that this client or actor may not exchange.
    Policy,
    ActMalformed,
    ActTooDeep,
    ResourceMalformed,
    TargetUnknown,
    TooManyTargets,
    ScopeMalformed,
    ScopeNotAllowed,
    Proof,
    /// Wrong password, or a refresh token that is no good.
    GrantInvalid,
    Broken,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) why: Why,
    /// Fixed texts only: nothing of the request may come back, and the character set is limited.
    description: &'static str,
}

impl Refusal {
    pub(super) const fn new(why: Why, description: &'static str) -> Self {
        Self { why, description }
    }

    /// The server could not sign.
    pub(super) const fn broken() -> Self {
        Self::new(Why::Broken, "the server could not complete the request")
    }

    /// The answer of a correct server.
    pub(super) fn reply(&self) -> Reply {
        self.coded(self.status(), self.code())
    }

    /// The answer of the token endpoint, with whatever the faults make of it.
    pub(super) fn token_reply(&self, server: &AuthServer, form: &Form) -> Reply {
        let wrong = WRONG_CODES.iter().find(|wrong| {
            wrong.when.contains(&self.why)
                && (wrong.status, wrong.code) != (self.status(), self.code())
                && server.on(wrong.fault)
        });
        let mut reply = match (server.vendor.code(self.why), wrong) {
            (Some(documented), _) => self.coded(documented.status, &documented.error),
            (None, Some(wrong)) => self.coded(wrong.status, wrong.code),
            (None, None) => self.reply(),
        };
        if self.why == Why::ClientAuthBasic {
            if server.on(FaultId::NoWwwAuthenticate) {
                reply.drop_header("WWW-Authenticate");
            }
            if server.on(FaultId::BearerChallengeForBasic) {
                reply = reply.header("WWW-Authenticate", "Bearer".to_owned());
            }
        }
        self.disfigured(reply, server, form)
    }

    fn status(&self) -> u16 {
        match self.why {
            Why::NotPost => 405,
            Why::TooLarge => 413,
            Why::ClientAuthBasic | Why::ClientAuthOther | Why::ClientAssertion => 401,
            Why::Broken => 500,
            _ => 400,
        }
    }

    fn code(&self) -> &'static str {
        match self.why {
            Why::GrantTypeUnknown => "unsupported_grant_type",
            Why::GrantNotAllowed => "unauthorized_client",
            Why::ClientAuthBasic | Why::ClientAuthOther | Why::ClientAssertion => "invalid_client",
            Why::ResourceMalformed | Why::TargetUnknown | Why::TooManyTargets => "invalid_target",
            Why::ScopeMalformed | Why::ScopeNotAllowed => "invalid_scope",
            Why::Proof => "invalid_dpop_proof",
            Why::GrantInvalid => "invalid_grant",
            Why::Broken => "server_error",
            _ => "invalid_request",
        }
    }

    fn coded(&self, status: u16, code: &str) -> Reply {
        let body = json!({ "error": code, "error_description": self.description });
        let reply = Reply::json(status, &body).uncached();
        match self.why {
            // A challenge belongs to 401 whichever method failed (RFC 9110 §15.5.2).
            Why::ClientAuthBasic | Why::ClientAuthOther | Why::ClientAssertion => {
                reply.header("WWW-Authenticate", r#"Basic realm="reference""#.to_owned())
            }
            Why::NotPost => reply.header("Allow", "POST".to_owned()),
            _ => reply,
        }
    }

    /// Applies the faults in the form of an error answer. Each changes one thing only.
    fn disfigured(&self, mut reply: Reply, server: &AuthServer, form: &Form) -> Reply {
        for (fault, status) in WRONG_STATUSES {
            if reply.status == 400 && server.on(fault) {
                reply.status = status;
            }
        }
        if server.on(FaultId::ErrorByRedirect) {
            return Reply::empty(302)
                .header("Location", format!("{}/error?error=invalid_request", server.issuer));
        }
        if server.on(FaultId::HtmlErrorPage) {
            return reply
                .header("Content-Type", "text/html".to_owned())
                .with_body(b"<html><body><h1>Bad Request</h1></body></html>".to_vec());
        }
        if server.on(FaultId::ErrorsWithoutCacheControl) {
            reply.drop_header("Cache-Control");
        }
        if server.on(FaultId::ErrorAsPlainText) {
            reply = reply.header("Content-Type", "text/plain".to_owned());
        }
        if server.on(FaultId::EmptyErrorBody) {
            return reply.with_body(Vec::new());
        }
        let Ok(Value::Object(mut body)) = serde_json::from_slice(&reply.body) else {
            return reply;
        };
        for (fault, member, value) in WRONG_ERROR_MEMBERS {
            if server.on(fault) {
                body.insert(member.to_owned(), value.into());
            }
        }
        let code = body.get("error").cloned().unwrap_or_default();
        if server.on(FaultId::OmitsErrorMember) {
            body.shift_remove("error");
            body.insert("message".to_owned(), code.clone());
        }
        if server.on(FaultId::ErrorMemberIsObject) {
            body.insert("error".to_owned(), json!({ "code": code }));
        }
        // A truncated token still is token material, so the whole of it is given back.
        if let Some(token) =
            form.one("subject_token").filter(|_| server.on(FaultId::EchoesSubjectTokenInError))
        {
            body.insert("subject_token".to_owned(), token.into());
        }
        let mut text = Value::Object(body).to_string();
        if server.on(FaultId::DuplicateErrorMember) {
            text = text.replacen('{', r#"{"error":"invalid_request","#, 1);
        }
        if server.on(FaultId::ErrorWrappedInArray) {
            text = format!("[{text}]");
        }
        if server.on(FaultId::ErrorWrappedInObject) {
            text = format!(r#"{{"data":{text}}}"#);
        }
        reply.with_body(text.into_bytes())
    }
}

const WRONG_STATUSES: [(FaultId, u16); 4] = [
    (FaultId::ErrorWithStatus200, 200),
    (FaultId::ErrorWithStatus401, 401),
    (FaultId::ErrorWithStatus403, 403),
    (FaultId::ErrorWithStatus500, 500),
];

const WRONG_ERROR_MEMBERS: [(FaultId, &str, &str); 7] = [
    (FaultId::ErrorCodeWithQuotes, "error", "\"invalid\"_request"),
    (FaultId::ErrorDescriptionWithQuotes, "error_description", "the value \"x\" is not valid"),
    (FaultId::ErrorDescriptionWithNewline, "error_description", "not valid\nat exchange, line 1"),
    (FaultId::ErrorDescriptionNotAscii, "error_description", "the token isn\u{2019}t valid"),
    (FaultId::ErrorDescriptionWithBackslash, "error_description", "see C:\\as\\log"),
    (FaultId::ErrorUriWithSpace, "error_uri", "https://as.example.com/errors/bad request"),
    (FaultId::AccessTokenInErrorBody, "access_token", "4fd1a6a8c2e94a0db1d34a2c8e5f7a90"),
];
