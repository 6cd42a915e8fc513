//! A run as the judge saw it, kept so that it can be judged again without a network: for each request what came back,
//! the facts about the tokens in it, and what held for the run. Tokens themselves are not kept. In their place stand
//! entries of a table: the header and claims of a JWT with the verdict on its signature, or text of the same length and
//! make. What a check could not see through that veil is known by trying it at once, and named.

mod capture;
mod parts;
mod replay;

pub use capture::Recorder;
pub(super) use capture::{Filled, Judged, StepInput};
pub use parts::{Part, TokenRecord};
pub use replay::{Replayed, replay};

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, Options, RunResult};
use crate::{
    judge::{Cause, RunFacts, Verdict},
    scenario::ProfileName,
    spec::{Capability, Catalogue, Level},
    target::{Policy, Value1, Waiver},
    token::SignatureVerdict,
    wire::RedactedExchange,
};

/// The version of the shape that this build writes and reads.
pub const FORMAT: u32 = 2;

/// What a report says of the server and the run, apart from what was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occasion {
    /// Name of the server in the target file.
    pub target: String,
    /// Its issuer identifier.
    pub issuer: Option<String>,
    /// Its version, as the target file says.
    pub version: Option<String>,
    /// The profile.
    pub profile: ProfileName,
    /// When the run began.
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// The version of txspec that made the run.
    pub tool: String,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Version of this shape.
    pub recording: u32,
    /// What was run, when, against what.
    pub occasion: Occasion,
    /// Violations of this level or above fail the run.
    pub fail_on: Level,
    /// Causes of inconclusive verdicts that are accepted.
    pub allow_inconclusive: BTreeSet<Cause>,
    /// Scenarios of the profile that were not selected.
    pub left_out: usize,
    /// How many scenarios were recorded: a copy that lost some would judge better than the run did.
    pub recorded: usize,
    /// Requests sent.
    pub requests: u64,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// What held for the whole run.
    pub facts: FactsRecord,
    /// The waivers of the target file.
    pub waivers: Vec<Waiver>,
    /// The day that decides whether they are expired.
    pub day: Date,
    /// What stands in for each token.
    pub tokens: Vec<TokenRecord>,
    /// Each scenario.
    pub scenarios: Vec<ScenarioRecord>,
}

/// The judge's facts about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactsRecord {
    capabilities: BTreeSet<Capability>,
    policy: Policy,
    reading: String,
    issuer: Option<String>,
    token_endpoint: String,
    /// Whether a key set could be read: the verdicts on signatures stand with the tokens.
    key_set: bool,
    clients: BTreeMap<String, String>,
    audiences: BTreeMap<String, Vec<String>>,
    resources: BTreeMap<String, Vec<String>>,
    audience_mapping: BTreeMap<String, Value1>,
    scopes: BTreeMap<String, Vec<String>>,
}

impl FactsRecord {
    fn of(facts: &RunFacts) -> Self {
        Self {
            capabilities: facts.capabilities.clone(),
            policy: facts.policy.clone(),
            reading: facts.reading.clone(),
            issuer: facts.issuer.clone(),
            token_endpoint: facts.token_endpoint.clone(),
            key_set: facts.jwks.is_some(),
            clients: facts.clients.clone(),
            audiences: facts.audiences.clone(),
            resources: facts.resources.clone(),
            audience_mapping: facts.audience_mapping.clone(),
            scopes: facts.scopes.clone(),
        }
    }

    fn facts(&self, catalogue: &std::sync::Arc<Catalogue>) -> RunFacts {
        RunFacts {
            catalogue: std::sync::Arc::clone(catalogue),
            capabilities: self.capabilities.clone(),
            policy: self.policy.clone(),
            reading: self.reading.clone(),
            issuer: self.issuer.clone(),
            token_endpoint: self.token_endpoint.clone(),
            jwks: self.key_set.then_some(Value::Null),
            clients: self.clients.clone(),
            audiences: self.audiences.clone(),
            resources: self.resources.clone(),
            audience_mapping: self.audience_mapping.clone(),
            scopes: self.scopes.clone(),
        }
    }
}

/// A recorded scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioRecord {
    /// Its id.
    pub id: String,
    /// What it sent: a scenario that sends something else today cannot be judged by this.
    asks: String,
    duration_ms: u64,
    /// Why nothing was judged: it did not apply, its control failed, txspec failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unjudged: Option<Unjudged>,
    /// What the judge saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
    /// Why its verdicts were taken back, each time that it happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    withdrawn: Vec<super::Doubt>,
    /// Every request as reports show it.
    exchanges: Vec<RedactedExchange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Unjudged {
    verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    excluded: bool,
}

/// What the judge saw of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    steps: Vec<StepRecord>,
    /// Why it could not be carried through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<Stopped>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stopped {
    cause: Cause,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StepRecord {
    /// Which step of the scenario.
    step: usize,
    kind: Kind,
    responses: Vec<ResponseRecord>,
    first_exchange: usize,
    form: Vec<ParamRecord>,
    client_id: String,
    issued: Vec<IssuedRecord>,
    tokens: BTreeMap<String, ViewRecord>,
    thumbprints: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fetched: Option<bool>,
    now: i64,
    controlled: bool,
    /// What the placeholders of the expectation stood for; absent where none are filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fills: Option<BTreeMap<String, Vec<Part>>>,
    /// Requirements on which the recording does not come to what the run came to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    lost: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Exchange,
    Refresh,
    Introspect,
    Revoke,
    Metadata,
    Userinfo,
    Obtain,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ResponseRecord {
    Arrived { status: u16, headers: Vec<(String, Vec<Part>)>, body: Vec<Part>, truncated: bool },
    Failed { kind: Trouble, message: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Trouble {
    Connect,
    Timeout,
    Broken,
    Budget,
    Interrupted,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ParamRecord {
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    bare: bool,
    value: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct IssuedRecord {
    view: Option<ViewRecord>,
    introspection: Option<Result<Value, String>>,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ViewRecord {
    /// Its place in the table; absent for what is no token (a metadata document that a step named).
    token: Option<usize>,
    token_type: String,
    claims: Option<Value>,
    introspected: bool,
    expires_at: Option<i64>,
    /// The verdict on its signature, if there was a key set to check it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signature {
    Valid,
    Invalid(String),
    Undecided(String),
}

impl From<SignatureVerdict> for Signature {
    fn from(verdict: SignatureVerdict) -> Self {
        match verdict {
            SignatureVerdict::Valid => Self::Valid,
            SignatureVerdict::Invalid(why) => Self::Invalid(why),
            SignatureVerdict::Undecided(why) => Self::Undecided(why),
        }
    }
}

impl From<Signature> for SignatureVerdict {
    fn from(verdict: Signature) -> Self {
        match verdict {
            Signature::Valid => Self::Valid,
            Signature::Invalid(why) => Self::Invalid(why),
            Signature::Undecided(why) => Self::Undecided(why),
        }
    }
}

impl Recording {
    /// The scenarios that it holds.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.scenarios.iter().map(|record| record.id.as_str())
    }

    /// The reading of contested sentences.
    pub fn reading(&self) -> &str {
        &self.facts.reading
    }

    /// What the target file declares of the server's own policy.
    pub fn policy(&self) -> &Policy {
        &self.facts.policy
    }

    /// The recording of a run that was made with a recorder; nothing without one.
    pub fn new(context: &Context, options: &Options, result: &RunResult, occasion: Occasion) -> Option<Self> {
        let recorder = context.recorder.as_ref()?;
        let scenarios: Vec<ScenarioRecord> = result
            .scenarios
            .iter()
            .map(|r| ScenarioRecord {
                id: r.id.clone(),
                asks: context.suite.get(&r.id).map(|s| s.asks()).unwrap_or_default(),
                duration_ms: r.duration_ms,
                unjudged: r.seen.is_none().then(|| Unjudged {
                    verdict: r.verdict,
                    cause: r.cause,
                    reason: r.reason.clone(),
                    excluded: r.excluded,
                }),
                seen: r.seen.as_deref().cloned(),
                withdrawn: r.withdrawn.clone(),
                exchanges: r.exchanges.clone(),
            })
            .collect();
        Some(Self {
            recording: FORMAT,
            occasion,
            fail_on: options.fail_on,
            allow_inconclusive: options.allow_inconclusive.clone(),
            left_out: options.left_out,
            recorded: scenarios.len(),
            requests: result.requests,
            interrupted: result.interrupted,
            facts: FactsRecord::of(&context.facts),
            waivers: context.waivers.list().to_vec(),
            day: context.waivers.today(),
            tokens: recorder.tokens(),
            scenarios,
        })
    }
}
