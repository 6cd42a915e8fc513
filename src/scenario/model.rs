//! What a scenario file holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Edit, Expect};
use crate::spec::Capability;

/// One value or a list of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several, in order.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter(),
            Self::Many(many) => many.iter(),
        }
        .map(String::as_str)
    }
}

/// A named, frozen set of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ProfileName {
    /// One client, one subject token, token mutation.
    #[serde(rename = "rfc8693-core")]
    Core,
    /// Core, and second clients and users, expired, revoked and forged tokens, chains, binding.
    #[serde(rename = "rfc8693-security")]
    Security,
}

impl ProfileName {
    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "rfc8693-core",
            Self::Security => "rfc8693-security",
        }
    }

    /// Whether a run of this profile takes a scenario of the other in.
    pub fn includes(self, scenario: ProfileName) -> bool {
        scenario <= self
    }
}

/// A scenario file: one topic.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "txspec scenario file")]
pub struct ScenarioFile {
    /// The topic, in a few words; its kebab-case form is the first half of the test names.
    pub topic: String,
    /// Where the behaviour is specified, e.g. `RFC 8693 §2.1`.
    pub section: String,
    /// The profile of all its scenarios.
    pub profile: ProfileName,
    /// What the topic is about and why it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The scenarios.
    #[schemars(length(min = 1))]
    pub scenarios: Vec<ScenarioSource>,
}

/// One behaviour, as written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSource {
    /// Kebab-case id, unique in the whole suite.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub id: String,
    /// The fact that it shows, as a sentence.
    pub title: String,
    /// What the target must declare.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Capability>,
    /// What the target must not declare (the behaviour without the feature).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Capability>,
    /// Entries of the ambiguity register that the scenario touches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ambiguity: Vec<String>,
    /// The control: the positive scenario that this one differs from by one edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The one difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
    /// The request, for a scenario of one exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeSpec>,
    /// The requests, for a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Step>>,
    /// The control of a chain that is not `from` anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// What must come back (of a chain: from its last step, unless the steps say their own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// Why it is written as it is, for readers of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A token exchange request, by the roles that the target file fills.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeSpec {
    /// The client's role.
    #[serde(default = "exchanger")]
    pub client: String,
    /// The subject token: a token role of the target, or a token that an earlier step named.
    #[serde(default = "user")]
    pub subject: String,
    /// The `subject_token_type`, if it is not the token's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<String>,
    /// The actor token, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The `actor_token_type`, if it is not the token's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_type: Option<String>,
    /// The `requested_token_type`: short name or URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// Roles among the target's `audiences`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<OneOrMany>,
    /// Roles among the target's `resources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<OneOrMany>,
    /// Role among the target's `scopes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Sends a DPoP proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop: Option<DpopSpec>,
    /// Sends the request so many times at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 64))]
    pub parallel: Option<u32>,
}

impl Default for ExchangeSpec {
    fn default() -> Self {
        Self {
            client: exchanger(),
            subject: user(),
            subject_type: None,
            actor: None,
            actor_type: None,
            requested: None,
            audience: None,
            resource: None,
            scope: None,
            dpop: None,
            parallel: None,
        }
    }
}

/// The names of the keys for DPoP proofs; a name of the user's own stands for the last.
pub const DPOP_KEYS: [&str; 4] = ["subject", "client", "other", "fourth"];

/// A DPoP proof (RFC 9449 section 4.2) with a key that txspec makes; `wrong` spoils one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DpopSpec {
    /// Names the key, so that steps can share or change it.
    pub key: String,
    /// What is wrong with the proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<super::edit::DpopFault>,
}

/// One request of a chain.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A token exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeSpec>,
    /// Gets a fresh token from one of the target's token sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obtain: Option<ObtainSpec>,
    /// Asks the introspection endpoint (RFC 7662).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspect: Option<IntrospectSpec>,
    /// Revokes a token (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<RevokeSpec>,
    /// Uses a refresh token (RFC 6749 section 6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<RefreshSpec>,
    /// Fetches a metadata document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<MetadataKind>,
    /// Presents a token to the UserInfo endpoint (OpenID Connect Core section 5.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo: Option<UserinfoSpec>,
    /// Name for the token that the step yields, or for the document that it fetches (`NAME:/pointer`).
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What must come back. Without it, the step must succeed, or the rest cannot be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// Gets a fresh token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObtainSpec {
    /// Token role of the target.
    pub token: String,
}

/// An introspection request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectSpec {
    /// The token asked about: a name, a role, or a literal in `literal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Text sent as the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// A way to damage the token first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tamper: Option<super::Tamper>,
    /// The asking client's role.
    #[serde(default = "observer")]
    pub client: String,
    /// Sends no credentials.
    #[serde(default)]
    pub anonymous: bool,
    /// `token_type_hint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A revocation request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeSpec {
    /// The token: a name that an earlier step gave.
    pub token: String,
    /// The revoking client's role. Default: the client that the token was issued to, which alone may revoke it
    /// (RFC 7009 section 2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// A refresh request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSpec {
    /// The refresh token: a name that an earlier step gave.
    pub token: String,
    /// Takes the `refresh_token` member of that step's response instead of its issued token.
    #[serde(default)]
    pub member: bool,
    /// The client's role.
    #[serde(default = "exchanger")]
    pub client: String,
    /// Role among the target's `scopes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Role among the target's `resources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Role among the target's `audiences`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Sends a DPoP proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop: Option<DpopSpec>,
}

/// A request to the UserInfo endpoint by GET, with the token in the `Authorization` header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserinfoSpec {
    /// The token: a name, or a role.
    pub token: String,
    /// The scheme's name as it is spelt.
    #[serde(default = "bearer")]
    pub scheme: String,
}

/// Which metadata document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataKind {
    /// RFC 8414.
    OauthAuthorizationServer,
    /// OpenID Connect Discovery.
    OpenidConfiguration,
    /// The one that discovery found first.
    Discovered,
    /// The key set.
    Jwks,
}

/// A scenario, ready to run: linked to its control, with its requests resolved to steps.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Kebab-case id.
    pub id: String,
    /// The fact that it shows.
    pub title: String,
    /// The topic as written.
    pub topic: String,
    /// Where the behaviour is specified.
    pub section: String,
    /// Its profile.
    pub profile: ProfileName,
    /// What the target must declare, its control's included.
    pub requires: Vec<Capability>,
    /// What the target must not declare.
    pub unless: Vec<Capability>,
    /// Entries of the ambiguity register.
    pub ambiguity: Vec<String>,
    /// The control, if it has one.
    pub control: Option<String>,
    /// The differences from the root's requests: those of the control, then its own one.
    pub edits: Vec<Edit>,
    /// Its requests; the last is the one that `expect` judges.
    pub steps: Vec<Step>,
    /// What must come back from the last step.
    pub expect: Expect,
    /// Why it is written as it is.
    pub note: Option<String>,
    /// The file that it stands in, and its line.
    pub origin: (String, usize),
}

impl Scenario {
    /// The name of its test: topic and id.
    pub fn test_name(&self) -> String {
        format!("{}::{}", kebab(&self.topic), self.id)
    }

    /// What is expected of a step: of the last, what the scenario expects, unless it says so itself.
    pub fn expect_of(&self, step: usize) -> Option<&Expect> {
        let own = self.steps.get(step).and_then(|s| s.expect.as_ref());
        if step + 1 == self.steps.len() { own.or(Some(&self.expect)) } else { own }
    }

    /// What it sends: tells whether an exchange that was recorded is still the one that it would make.
    pub fn asks(&self) -> String {
        let steps: Vec<Step> = self.steps.iter().map(|s| Step { expect: None, ..s.clone() }).collect();
        digest(&format!("{:?}{:?}{:?}", self.control, self.edits, steps))
    }

    /// What it sends, to which servers, and what it expects: two results of one name come from the same scenario if it agrees.
    pub fn digest(&self) -> String {
        let judged: Vec<&Option<Expect>> = self.steps.iter().map(|s| &s.expect).collect();
        let applies = (&self.requires, &self.unless, self.profile);
        digest(&format!("{}{:?}{:?}{:?}", self.asks(), self.expect, judged, applies))
    }

    /// Whether it expects a refusal and nothing else.
    pub fn is_negative(&self) -> bool {
        self.expect.refusal.is_some() && self.expect.success.is_none()
    }

    /// Every requirement that its expectations cover, in order, once.
    pub fn covers(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self
            .steps
            .iter()
            .filter_map(|s| s.expect.as_ref())
            .chain(std::iter::once(&self.expect))
            .flat_map(Expect::covers)
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|id| seen.insert(*id));
        all
    }
}

/// Lower case, words joined by hyphens.
pub(crate) fn kebab(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

fn exchanger() -> String {
    "exchanger".into()
}

fn user() -> String {
    "user".into()
}

fn bearer() -> String {
    "Bearer".into()
}

fn observer() -> String {
    "observer".into()
}

fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().take(6).map(|b| format!("{b:02x}")).collect()
}
