//! The optional features that a target declares and scenarios require. RFC 8693 leaves nearly all of them to the
//! server, so they are declared and never guessed from failures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! capabilities {
    ($($variant:ident $name:literal $meaning:literal,)*) => {
        /// A declared feature of a target.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Capability {
            $(#[doc = $meaning] #[serde(rename = $name)] $variant,)*
        }

        impl Capability {
            /// Every capability.
            pub const ALL: &'static [Capability] = &[$(Capability::$variant,)*];

            /// The name in files.
            pub fn name(self) -> &'static str {
                match self { $(Capability::$variant => $name,)* }
            }

            /// What declaring it claims.
            pub fn meaning(self) -> &'static str {
                match self { $(Capability::$variant => $meaning,)* }
            }
        }
    };
}

capabilities! {
    Delegation "delegation" "An `actor_token` is processed and the issued token names the actor in `act`.",
    MayAct "may_act" "Subject tokens can carry `may_act`, and it decides who may act.",
    Audience "audience" "`audience` is honoured: the issued token is meant for the named target.",
    Resource "resource" "`resource` is honoured: the issued token is meant for the named target.",
    MultipleTargets "multiple_targets" "Several `audience` or `resource` parameters in one request are honoured.",
    Scope "scope" "`scope` is honoured.",
    IssuesJwt "issues_jwt" "`requested_token_type` jwt is honoured.",
    IssuesIdToken "issues_id_token" "`requested_token_type` id_token is honoured.",
    IssuesRefreshToken "issues_refresh_token" "`requested_token_type` refresh_token is honoured.",
    IdTokenSubject "id_token_subject" "ID tokens are accepted as subject tokens.",
    RefreshTokenSubject "refresh_token_subject" "Refresh tokens are accepted as subject tokens.",
    JwtSubject "jwt_subject" "JWTs of a trusted other issuer are accepted as subject tokens of type jwt.",
    JwtAccessToken "jwt_access_token" "The access tokens of this server are JWTs.",
    Introspection "introspection" "Issued tokens can be introspected (RFC 7662).",
    Revocation "revocation" "Access tokens can be revoked (RFC 7009); leave it out where only refresh tokens can.",
    Refresh "refresh" "Refresh tokens that come out of an exchange can be used (RFC 6749 section 6).",
    Metadata "metadata" "A metadata document is published (RFC 8414 or OpenID Connect Discovery).",
    OpenidConfiguration "openid_configuration" "An OpenID Connect Discovery document is published beside the one of RFC 8414.",
    Jwks "jwks" "The keys that verify issued JWTs are published.",
    Dpop "dpop" "DPoP (RFC 9449) is supported at the token endpoint.",
    Rfc9068 "rfc9068" "Access tokens follow the JWT profile of RFC 9068.",
    PublicClient "public_client" "Public clients may exchange tokens.",
    IssuesIdJag "issues_id_jag" "`requested_token_type` id-jag is honoured (identity assertion authorization grant, a draft).",
    IssuesTxnToken "issues_txn_token" "`requested_token_type` txn_token is honoured (transaction tokens, a draft).",
    Userinfo "userinfo" "The UserInfo endpoint of OpenID Connect takes access tokens of this server.",
    Chaining "chaining" "Issued tokens can be exchanged again.",
    OpaqueTokens "opaque_tokens" "Issued access tokens hide their content from the client.",
    Loopback "loopback" "The server runs on this machine, so that it could reach a listener of txspec.",
}

impl Capability {
    /// The capability of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }
}
