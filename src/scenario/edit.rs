//! The one difference between a scenario and its control.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, Tamper};
use std::collections::BTreeMap;

/// Exactly one key says what differs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Edit {
    /// Leaves a parameter out (or several that only make sense together).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<OneOrMany>,
    /// Gives a parameter another value (or adds it, if the control has none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<BTreeMap<String, String>>,
    /// Adds a parameter that the control does not have; repeated values repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<BTreeMap<String, OneOrMany>>,
    /// Sends a parameter a second time with another value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<RepeatEdit>,
    /// Sends a parameter a second time with the same value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<String>,
    /// Sends parameters without value: `name=`. Those that the control does not have are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<OneOrMany>,
    /// Sends parameters without value and without `=`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare: Option<OneOrMany>,
    /// Sends a parameter under another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename: Option<RenameEdit>,
    /// Puts another token, or damages it, as subject token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<TokenEdit>,
    /// Puts another token, or damages it, as actor token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<TokenEdit>,
    /// Sends the request as another client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Authenticates the client in another way, rightly or wrongly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuthEdit>,
    /// Writes the HTTP request in another form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestEdit>,
    /// Adds a DPoP proof, right or wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop: Option<super::DpopSpec>,
    /// Removes the DPoP proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_dpop: Option<bool>,
}

impl Edit {
    /// The keys that are set, by name.
    pub fn keys(&self) -> Vec<&'static str> {
        let all = [
            ("drop", self.drop.is_some()),
            ("set", self.set.is_some()),
            ("add", self.add.is_some()),
            ("repeat", self.repeat.is_some()),
            ("duplicate", self.duplicate.is_some()),
            ("empty", self.empty.is_some()),
            ("bare", self.bare.is_some()),
            ("rename", self.rename.is_some()),
            ("subject", self.subject.is_some()),
            ("actor", self.actor.is_some()),
            ("client", self.client.is_some()),
            ("client_auth", self.client_auth.is_some()),
            ("request", self.request.is_some()),
            ("dpop", self.dpop.is_some()),
            ("without_dpop", self.without_dpop.is_some()),
        ];
        all.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect()
    }
}

/// A second, conflicting occurrence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatEdit {
    /// Which parameter.
    pub parameter: String,
    /// The other value.
    pub value: String,
    /// Whether the other value stands before or after the right one.
    pub order: RepeatOrder,
}

/// Where the other value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatOrder {
    /// Wrong value first.
    Before,
    /// Wrong value last.
    After,
}

/// A parameter under another name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameEdit {
    /// The right name.
    pub parameter: String,
    /// The name that is sent.
    pub to: String,
}

/// Another token in place of the control's: exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct TokenEdit {
    /// A token role of the target, or a token that an earlier step named.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Together with `use`: keeps the control's token type instead of the token's own (type confusion).
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_type: bool,
    /// A damage done to the control's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tamper: Option<Tamper>,
    /// Text sent instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// Text of so many characters sent instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// The control's token minted anew with other content (minted sources only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mint: Option<MintEdit>,
}

fn is_false(b: &bool) -> bool {
    !*b
}

/// What is different in a minted token. Text such as `now-600` becomes a time in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MintEdit {
    /// Header members set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, serde_json::Value>,
    /// Claims set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, serde_json::Value>,
    /// Claims left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Header members left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_header: Vec<String>,
    /// Claims written a second time, behind the first, with this value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub repeated: BTreeMap<String, serde_json::Value>,
    /// Signs with another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<MintKey>,
    /// Signs, rightly, by another algorithm than the key is published for, and says so in `alg` (RSA keys only; not
    /// applicable to others).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<MintAlgorithm>,
    /// Nests the value of `act` so many levels deep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_depth: Option<u32>,
    /// Encodes the payload in UTF-16.
    #[serde(default, skip_serializing_if = "is_false")]
    pub utf16: bool,
}

/// Which key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MintKey {
    /// A key that no one trusts, under the trusted key's id.
    Untrusted,
}

/// Another algorithm of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MintAlgorithm {
    /// The same padding with another hash: RS512 in place of RS256.
    OtherHash,
    /// The same hash with another padding: PS256 in place of RS256.
    OtherPadding,
}

/// Another way of client authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthEdit {
    /// No credentials and no `client_id`.
    Anonymous,
    /// `client_id` without credentials.
    ClientIdOnly,
    /// `client_secret_basic` with the right secret.
    Basic,
    /// `client_secret_basic` with id and secret not form-encoded.
    BasicRaw,
    /// `client_secret_post` with the right secret.
    Post,
    /// Basic with a wrong secret.
    BasicWrongSecret,
    /// Basic with a client id that no one has.
    BasicUnknownClient,
    /// Basic with the right client id and an empty secret.
    BasicEmptySecret,
    /// Basic whose credentials are not base64.
    BasicNotBase64,
    /// Basic, rightly, with the scheme written `basic`.
    BasicLowerCase,
    /// Post with a wrong secret.
    PostWrongSecret,
    /// Basic and post, both right.
    BasicAndPost,
    /// Basic right, post with another client's id and secret.
    BasicAndOtherPost,
    /// Basic, and a JWT assertion beside it.
    BasicAndAssertion,
    /// Basic, and the same `client_id` in the body.
    BasicAndClientId,
    /// Basic, and another client's `client_id` in the body.
    BasicAndOtherClientId,
    /// Right credentials, but in the query of the URL.
    Query,
    /// JWT assertion with a wrong signature.
    AssertionWrongSignature,
    /// JWT assertion that has expired.
    AssertionExpired,
    /// JWT assertion whose `sub` is another client.
    AssertionWrongSubject,
    /// JWT assertion for another audience.
    AssertionWrongAudience,
    /// JWT assertion whose audience is the token endpoint.
    AssertionTokenEndpointAudience,
    /// JWT assertion for the issuer and another audience.
    AssertionSeveralAudiences,
    /// JWT assertion with `typ` `client-authentication+jwt`.
    AssertionTyped,
    /// JWT assertion with `alg` none.
    AssertionAlgNone,
    /// The same JWT assertion a second time.
    AssertionReplayed,
}

/// The HTTP request in another form: exactly one key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct RequestEdit {
    /// Another HTTP method, the parameters in the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Another form of the parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyForm>,
    /// Another `Content-Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// A header field more; `Accept` in place of the one that is always sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<BTreeMap<String, String>>,
}

/// How the parameters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BodyForm {
    /// As a JSON object.
    Json,
    /// As `multipart/form-data`.
    Multipart,
    /// In the query of the URL, the body empty.
    Query,
    /// As a form in which every byte of the values is percent-encoded.
    EveryBytePercentEncoded,
    /// As a form with `%20` for spaces.
    PercentSpaces,
    /// As a form in which the parameters stand in reverse order.
    Reversed,
}

/// What is wrong with a DPoP proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DpopFault {
    /// `htu` names another endpoint.
    Htu,
    /// `htm` is GET.
    Htm,
    /// `iat` is an hour old.
    Iat,
    /// `iat` lies an hour ahead.
    IatFuture,
    /// The signature does not verify.
    Signature,
    /// `alg` none.
    AlgNone,
    /// `alg` HS256, keyed with the public key in `jwk`.
    Hs256,
    /// `typ` is JWT.
    Typ,
    /// The private key stands in `jwk`.
    PrivateKey,
    /// `jti` is missing.
    MissingJti,
    /// Two `DPoP` header fields.
    Twice,
    /// Not wrong: `htu` in another spelling (upper-case host, query).
    HtuSpelling,
    /// The proof of an earlier request again.
    Replayed,
    /// `nonce` is one that the server never gave; the request is not repeated with the server's own.
    Nonce,
}
