//! What a target file holds.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretSpec, Value1, WaiverSpec};
use crate::spec::{Capability, Knob};

/// A target file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "txspec target file")]
pub struct TargetSpec {
    /// Name of the server, for reports.
    pub name: String,
    /// Its version, for reports.
    #[serde(default)]
    pub version: Option<String>,
    /// What a reader of the report should know about the set-up.
    #[serde(default)]
    pub about: Option<String>,
    /// Issuer identifier: metadata discovery starts here (RFC 8414 section 3).
    #[serde(default)]
    pub issuer: Option<String>,
    /// Whether and where metadata is looked for.
    #[serde(default)]
    pub metadata: MetadataSpec,
    /// Endpoints that metadata does not give, or that differ from it.
    #[serde(default)]
    pub endpoints: Endpoints,
    /// Clients by role.
    pub clients: BTreeMap<String, ClientSpec>,
    /// Token sources by role.
    pub tokens: BTreeMap<String, TokenSpec>,
    /// What the server supports. What is not declared is not judged.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What the plainest exchange needs besides the subject token.
    #[serde(default)]
    pub exchange: ExchangeBase,
    /// Values of `audience` by role.
    #[serde(default)]
    pub audiences: BTreeMap<String, Value1>,
    /// Values of `resource` by role.
    #[serde(default)]
    pub resources: BTreeMap<String, Value1>,
    /// What stands in `aud` for a requested target, where it is not the target itself.
    #[serde(default)]
    pub audience_mapping: BTreeMap<String, Value1>,
    /// Scopes by role.
    #[serde(default)]
    pub scopes: BTreeMap<String, Value1>,
    /// Form parameters that this server wants on every exchange.
    #[serde(default)]
    pub extra_params: BTreeMap<String, Value1>,
    /// Which reading of contested sentences decides.
    #[serde(default)]
    pub reading: Option<String>,
    /// What the run may do.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// Facts about the server's own policy.
    #[serde(default)]
    pub policy: Policy,
    /// Accepted findings.
    #[serde(default)]
    pub waivers: Vec<WaiverSpec>,
}

/// Whether and where metadata is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataSpec {
    /// RFC 8414 first, then OpenID Connect Discovery.
    #[default]
    Auto,
    /// RFC 8414 only.
    Oauth,
    /// OpenID Connect Discovery only.
    Openid,
    /// Not at all: `endpoints` says everything.
    None,
}

/// Endpoint addresses.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// Token endpoint (RFC 6749 section 3.2).
    #[serde(default)]
    pub token: Option<String>,
    /// Introspection endpoint (RFC 7662).
    #[serde(default)]
    pub introspection: Option<String>,
    /// Revocation endpoint (RFC 7009).
    #[serde(default)]
    pub revocation: Option<String>,
    /// Key set (RFC 7517).
    #[serde(default)]
    pub jwks: Option<String>,
    /// UserInfo endpoint (OpenID Connect Core section 5.3).
    #[serde(default)]
    pub userinfo: Option<String>,
}

/// A registered client.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// Client identifier.
    pub id: String,
    /// Client secret.
    #[serde(default)]
    pub secret: Option<SecretSpec>,
    /// How it authenticates. Default: `client_secret_basic` with a secret, `private_key_jwt` with a key, else `none`.
    #[serde(default)]
    pub auth: Option<AuthMethod>,
    /// Other methods that the server accepts from it.
    #[serde(default)]
    pub also: Vec<AuthMethod>,
    /// Private key (PEM, PKCS#8) for `private_key_jwt`.
    #[serde(default)]
    pub key: Option<SecretSpec>,
    /// File with the private key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Key id in the assertion's header.
    #[serde(default)]
    pub kid: Option<String>,
    /// `aud` of the assertion. Default: the issuer (RFC 7523bis); older servers want the token endpoint.
    #[serde(default)]
    pub assertion_audience: Option<String>,
    /// Further form parameters whenever this client authenticates.
    #[serde(default)]
    pub params: BTreeMap<String, Value1>,
}

/// Client authentication methods, by their registered names (OpenID Connect Core section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// `Authorization: Basic`.
    ClientSecretBasic,
    /// Secret in the body.
    ClientSecretPost,
    /// JWT signed with the client's private key (RFC 7523).
    PrivateKeyJwt,
    /// JWT keyed with the client's secret.
    ClientSecretJwt,
    /// Public client.
    None,
}

impl AuthMethod {
    /// Its name in metadata and target files (RFC 7591 section 2).
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::None => "none",
        }
    }
}

/// A token and where it comes from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// Token type: short name of RFC 8693 section 3 or a URI.
    #[serde(rename = "type", default = "access_token")]
    pub token_type: String,
    /// Where it comes from.
    pub from: SourceSpec,
    /// JSON pointer to the token in the source's response. Default: by source.
    #[serde(default)]
    pub pointer: Option<String>,
    /// The token is got at the start and used when it is so old.
    #[serde(default)]
    #[schemars(extend("examples" = ["2m"]))]
    pub age: Option<String>,
    /// The token can be used once: a fresh one is got for each request.
    #[serde(default)]
    pub single_use: bool,
    /// Form parameters that an exchange of this token needs besides.
    #[serde(default)]
    pub params: BTreeMap<String, Value1>,
}

/// Where a token comes from: exactly one key.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct SourceSpec {
    /// Client credentials grant (RFC 6749 section 4.4).
    #[serde(default)]
    pub client_credentials: Option<GrantSource>,
    /// Resource owner password credentials grant (RFC 6749 section 4.3).
    #[serde(default)]
    pub password: Option<PasswordSource>,
    /// Refresh token grant with another source's refresh token.
    #[serde(default)]
    pub refresh: Option<RefreshSource>,
    /// Environment variable.
    #[serde(default)]
    pub env: Option<String>,
    /// File; surrounding white space is cut off.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// The token itself.
    #[serde(default, rename = "static")]
    pub fixed: Option<SecretSpec>,
    /// A JWT that txspec signs with a key that the server trusts.
    #[serde(default)]
    pub minted: Option<MintedSource>,
    /// A token exchange.
    #[serde(default)]
    pub exchange: Option<ExchangeSource>,
    /// HTTP requests with values picked from their responses.
    #[serde(default)]
    pub http: Option<HttpRecipe>,
    /// A command that prints the token.
    #[serde(default)]
    pub command: Option<CommandSource>,
}

/// Client credentials grant.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantSource {
    /// The client's role.
    pub client: String,
    /// Scope to ask for.
    #[serde(default)]
    pub scope: Option<String>,
    /// DPoP key (`subject`) whose proof goes along, so that the token is bound to it (RFC 9449 section 5).
    #[serde(default)]
    pub dpop: Option<String>,
    /// Further form parameters.
    #[serde(default)]
    pub params: BTreeMap<String, Value1>,
}

/// Password grant.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordSource {
    /// The client's role.
    pub client: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: SecretSpec,
    /// Scope to ask for.
    #[serde(default)]
    pub scope: Option<String>,
    /// DPoP key (`subject`) whose proof goes along, so that the token is bound to it (RFC 9449 section 5).
    #[serde(default)]
    pub dpop: Option<String>,
    /// Further form parameters.
    #[serde(default)]
    pub params: BTreeMap<String, Value1>,
}

/// Refresh grant.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSource {
    /// The client's role.
    pub client: String,
    /// Name of the token source that yields the refresh token.
    pub token: String,
    /// Scope to ask for.
    #[serde(default)]
    pub scope: Option<String>,
    /// Further form parameters.
    #[serde(default)]
    pub params: BTreeMap<String, Value1>,
}

/// A JWT of txspec's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MintedSource {
    /// Private key (PEM, PKCS#8).
    #[serde(default)]
    pub key: Option<SecretSpec>,
    /// File with the private key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Signature algorithm. Default: by key.
    #[serde(default)]
    pub alg: Option<String>,
    /// Header members besides `alg`.
    #[serde(default)]
    pub header: BTreeMap<String, serde_json::Value>,
    /// Claims; text like `now+300` becomes a time. `iat`, `exp` (five minutes) and `jti` are added.
    pub claims: BTreeMap<String, serde_json::Value>,
}

/// A token exchange as source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeSource {
    /// The client's role.
    pub client: String,
    /// Token source of the subject token.
    pub subject: String,
    /// Token source of the actor token.
    #[serde(default)]
    pub actor: Option<String>,
    /// `requested_token_type`.
    #[serde(default)]
    pub requested: Option<String>,
    /// Scope to ask for.
    #[serde(default)]
    pub scope: Option<String>,
    /// Further form parameters.
    #[serde(default)]
    pub params: BTreeMap<String, Value1>,
}

/// HTTP requests in order.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpRecipe {
    /// The requests. Values picked from earlier ones are written `{{name}}`.
    #[schemars(length(min = 1))]
    pub requests: Vec<HttpStep>,
    /// The token, usually `{{name}}`. Default: what `pointer` finds in the last response, `/access_token`.
    #[serde(default)]
    pub token: Option<String>,
}

/// One request of a recipe.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpStep {
    /// HTTP method. Default: POST with a body, else GET.
    #[serde(default)]
    pub method: Option<String>,
    /// Address; `{{issuer}}` and `{{token_endpoint}}` are known.
    pub url: String,
    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Form body.
    #[serde(default)]
    pub form: Option<BTreeMap<String, Value1>>,
    /// JSON body.
    #[serde(default)]
    pub json: Option<serde_json::Value>,
    /// Authenticates as this client's role.
    #[serde(default)]
    pub client: Option<String>,
    /// Sends a DPoP proof for this address by one of the keys that scenarios name: `subject` holds the token `bound`.
    #[serde(default)]
    pub dpop: Option<String>,
    /// Status that must come back. Default: any 2xx or 3xx.
    #[serde(default)]
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,
    /// Names for values of the JSON response, by JSON pointer.
    #[serde(default)]
    pub pick: BTreeMap<String, String>,
    /// Names for header fields of the response; `cookies` gathers `Set-Cookie` for a `Cookie` field.
    #[serde(default)]
    pub pick_header: BTreeMap<String, String>,
    /// Names for text between two marks of the response body.
    #[serde(default)]
    pub pick_between: BTreeMap<String, [String; 2]>,
}

/// A command that prints a token on its standard output.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandSource {
    /// Program and arguments; no shell.
    #[schemars(length(min = 1))]
    pub run: Vec<String>,
    /// Time limit. Default 30s.
    #[serde(default)]
    #[schemars(extend("examples" = ["30s"]))]
    pub timeout: Option<String>,
}

/// What every exchange carries.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeBase {
    /// Role among `audiences` that every exchange names.
    #[serde(default)]
    pub audience: Option<String>,
    /// Role among `resources` that every exchange names.
    #[serde(default)]
    pub resource: Option<String>,
    /// Role among `scopes` that every exchange asks for.
    #[serde(default)]
    pub scope: Option<String>,
    /// `requested_token_type` of every exchange.
    #[serde(default)]
    pub requested: Option<String>,
    /// Token source of the actor that every exchange needs (servers that only delegate).
    #[serde(default)]
    pub actor: Option<String>,
}

/// What the run may do.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Requests started per second.
    #[serde(default)]
    pub requests_per_second: Option<u32>,
    /// Requests under way at once. Default 4.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// Time limit of one request. Default 10s.
    #[serde(default)]
    #[schemars(extend("examples" = ["10s"]))]
    pub request_timeout: Option<String>,
    /// Requests over the whole run. Default 5000.
    #[serde(default)]
    pub budget: Option<u64>,
    /// The most that is read of a body, in bytes. Default 1 MiB.
    #[serde(default)]
    pub max_body: Option<usize>,
}

/// Facts about the server's policy. A fact that is `true` makes the matching security expectation binding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Scopes beyond the subject token's are never granted.
    #[serde(default)]
    pub scope_widening: Option<bool>,
    /// Audiences outside an allow-list are never minted.
    #[serde(default)]
    pub audience_allowlist: Option<bool>,
    /// Tokens of other clients are refused.
    #[serde(default)]
    pub cross_client_subject: Option<bool>,
    /// A valid actor always shows as `act`.
    #[serde(default)]
    pub expects_act: Option<bool>,
    /// `may_act` is enforced.
    #[serde(default)]
    pub may_act_enforced: Option<bool>,
    /// Every subject token can be exchanged once.
    #[serde(default)]
    pub subject_token_single_use: Option<bool>,
    /// Exchanges return refresh tokens.
    #[serde(default)]
    pub expects_refresh_token: Option<bool>,
    /// Longest life of an issued token.
    #[serde(default)]
    #[schemars(extend("examples" = ["1h"]))]
    pub max_issued_lifetime: Option<String>,
    /// Access tokens are opaque.
    #[serde(default)]
    pub opaque_access_tokens: Option<bool>,
    /// `sub` of issued tokens is mapped (pairwise, federated): it is not compared.
    #[serde(default)]
    pub sub_mapping: Option<bool>,
    /// `aud` is mapped in a way that `audience_mapping` does not say: it is not compared.
    #[serde(default)]
    pub aud_mapping: Option<bool>,
    /// `Pragma: no-cache` is wanted.
    #[serde(default)]
    pub pragma_strict: Option<bool>,
    /// Sender-constrained subject tokens stay so.
    #[serde(default)]
    pub sender_constraint: Option<bool>,
    /// Disabled users and clients are refused.
    #[serde(default)]
    pub disabled_principal: Option<bool>,
    /// Clock skew that the server allows, in seconds. Default 300: a token that expired more recently is not judged.
    #[serde(default)]
    pub clock_skew_seconds: Option<u64>,
}

impl Policy {
    /// What is declared, each as it would be written.
    pub fn declared(&self) -> BTreeMap<String, String> {
        let members =
            serde_json::to_value(self).ok().and_then(|v| v.as_object().cloned()).unwrap_or_default();
        let written = |value: &serde_json::Value| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        members.iter().filter_map(|(name, value)| Some((name.clone(), written(value)?))).collect()
    }

    /// Whether the operator declares the fact.
    pub fn declares(&self, knob: Knob) -> bool {
        let flag = match knob {
            Knob::ScopeWidening => self.scope_widening,
            Knob::AudienceAllowlist => self.audience_allowlist,
            Knob::CrossClientSubject => self.cross_client_subject,
            Knob::ExpectsAct => self.expects_act,
            Knob::MayActEnforced => self.may_act_enforced,
            Knob::SubjectTokenSingleUse => self.subject_token_single_use,
            Knob::ExpectsRefreshToken => self.expects_refresh_token,
            Knob::MaxIssuedLifetime => return self.max_issued_lifetime.is_some(),
            Knob::OpaqueAccessTokens => self.opaque_access_tokens,
            Knob::SubMapping => self.sub_mapping,
            Knob::AudMapping => self.aud_mapping,
            Knob::PragmaStrict => self.pragma_strict,
            Knob::SenderConstraint => self.sender_constraint,
            Knob::DisabledPrincipal => self.disabled_principal,
        };
        flag == Some(true)
    }
}

fn access_token() -> String {
    "access_token".into()
}
