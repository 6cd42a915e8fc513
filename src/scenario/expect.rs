//! What must come back. The generic oracles (status, media type, JSON, required members …) judge every response
//! besides and are not repeated here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OneOrMany;
use crate::spec::{Capability, DecisionRow, Level};

/// The expectation of a response. `success` alone: it must succeed. `refusal` alone: it must be refused. Both: either
/// is legitimate, each branch with its own checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Checks on a successful response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Vec<Check>>,
    /// What a refusal must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Facts that are reported and never scored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observe: Vec<Check>,
}

impl Expect {
    /// The requirements that are covered, in order, repeats included.
    pub fn covers(&self) -> Vec<&str> {
        let refusal = self.refusal.iter().flat_map(|r| r.covers.iter().flat_map(OneOrMany::iter));
        let code = self.refusal.iter().flat_map(|r| r.code_covers.iter().flat_map(OneOrMany::iter));
        let checks = self.checks().flat_map(|c| c.covers.iter().flat_map(OneOrMany::iter));
        refusal.chain(code).chain(checks).collect()
    }

    fn checks(&self) -> impl Iterator<Item = &Check> {
        let also = self.refusal.iter().flat_map(|r| &r.also);
        self.success.iter().flatten().chain(also).chain(&self.observe)
    }

    /// Whether any answer could violate the requirement here. Where granting and refusing are both right, the bare
    /// outcome says nothing: only a predicate on what came back, or the code of the refusal, can.
    pub fn can_fail(&self, id: &str, row: Option<&DecisionRow>) -> bool {
        let names = |covers: &Option<OneOrMany>| covers.iter().flat_map(OneOrMany::iter).any(|one| one == id);
        let (Some(success), Some(refusal)) = (&self.success, &self.refusal) else {
            return true;
        };
        let looked_at =
            success.iter().chain(&refusal.also).any(|c| !c.predicates().is_empty() && names(&c.covers));
        let code = match &refusal.code_covers {
            Some(_) => names(&refusal.code_covers),
            None => row.is_some_and(|r| r.requirement == id && !r.any_code()),
        };
        looked_at || code || (refusal.accepted.is_some() && names(&refusal.covers))
    }

    /// The names of DPoP keys that checks compare with.
    pub fn keys_compared(&self) -> Vec<&str> {
        self.checks().filter_map(|check| check.bound_to.as_deref()).collect()
    }

    /// The names of tokens that checks compare with.
    pub fn tokens_compared(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for check in self.checks() {
            let relations = [
                check.claim.as_ref().map(ClaimCheck::relation),
                check.member.as_ref().map(MemberCheck::relation),
            ];
            for relation in relations.into_iter().flatten() {
                names.extend(relation.same_as);
                names.extend(relation.not_same_as);
                names.extend(relation.agrees_with);
                names.extend(relation.at_most);
                names.extend(relation.same_as_one_of.iter().flat_map(|all| all.iter().map(String::as_str)));
            }
            names.extend(check.differs_from.as_deref());
            let audience = check.audience.iter().flat_map(|a| [&a.within, &a.differs_from]);
            let scope = check.scope.iter().flat_map(|s| [&s.within, &s.same_as]);
            names.extend(audience.chain(scope).filter_map(|name| name.as_deref()));
        }
        names.into_iter().map(|name| name.split_once(":/").map_or(name, |(head, _)| head)).collect()
    }
}

/// A refusal: that it is one, and with which error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The situation in the decision table: which codes and statuses fit, which are tolerated.
    pub row: String,
    /// The requirements that are violated when the request is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<OneOrMany>,
    /// The requirements that the code of the refusal is bound to, in place of the row's. The finding's level is the
    /// row's for that code or the requirement's own, whichever is lower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_covers: Option<OneOrMany>,
    /// How acceptance is scored, if not by the requirement's own level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// Further checks on the refusal (`member`, `header` and `fetched` only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Check>,
}

/// How acceptance of what should be refused is scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The level when none of `when` applies.
    pub level: Level,
    /// Levels by declared capability; the first that the target declares counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<Capability, Level>,
    /// Why the level is not the requirement's own.
    pub why: String,
}

/// One predicate, bound to the requirements that it proves. Without predicate: the request succeeded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The requirements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<OneOrMany>,
    /// A claim of the issued token, decoded or introspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimCheck>,
    /// A member of the JSON response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberCheck>,
    /// A member of the issued JWT's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jose: Option<MemberCheck>,
    /// A header field of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderCheck>,
    /// The `issued_token_type`, by short name or URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_type: Option<OneOrMany>,
    /// The `token_type`, compared without case (RFC 6749 section 7.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<OneOrMany>,
    /// What the issued token evidently is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<TokenFormat>,
    /// The audience of the issued token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<AudienceCheck>,
    /// The scope of the issued token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeCheck>,
    /// The issued JWT verifies with the published keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureWord>,
    /// The issued token is another string than this token (`subject`, `actor`, or a step's name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs_from: Option<String>,
    /// The issued token is bound to this DPoP key (`cnf.jkt`, RFC 9449 section 6.1); in an `introspect` step, the
    /// introspection response's `cnf` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<String>,
    /// `token_type` is DPoP if the issued token is bound to a DPoP key, and is not if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_agrees: Option<bool>,
    /// Of parallel or repeated exchanges: what must differ between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<Distinct>,
    /// Of parallel exchanges: how many succeed. Judged whatever the responses are; the other checks of `success`
    /// then judge those that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<u32>,
    /// The issued token's lifetime, in seconds, is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_at_most: Option<u64>,
    /// Whether the server asked the listener of txspec (`{{listener}}`) for anything during the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<bool>,
    /// `exp` of the token agrees with `expires_in` within two minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_agrees: Option<bool>,
    /// Name of the fact, for `observe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// Scores a violation at this level instead of the requirement's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Judged only when the target declares all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Capability>,
    /// Why it is judged so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Check {
    /// The predicates that are set, by key.
    pub fn predicates(&self) -> Vec<&'static str> {
        let all = [
            ("claim", self.claim.is_some()),
            ("member", self.member.is_some()),
            ("jose", self.jose.is_some()),
            ("header", self.header.is_some()),
            ("issued_type", self.issued_type.is_some()),
            ("token_type", self.token_type.is_some()),
            ("format", self.format.is_some()),
            ("audience", self.audience.is_some()),
            ("scope", self.scope.is_some()),
            ("signature", self.signature.is_some()),
            ("differs_from", self.differs_from.is_some()),
            ("bound_to", self.bound_to.is_some()),
            ("binding_agrees", self.binding_agrees.is_some()),
            ("distinct", self.distinct.is_some()),
            ("succeeded", self.succeeded.is_some()),
            ("lifetime_at_most", self.lifetime_at_most.is_some()),
            ("fetched", self.fetched.is_some()),
            ("expires_in_agrees", self.expires_in_agrees.is_some()),
        ];
        all.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect()
    }

    /// Whether judging it needs a look into the issued token.
    pub fn looks_into_token(&self) -> bool {
        self.claim.is_some()
            || self.jose.is_some()
            || self.audience.is_some()
            || self.scope.is_some()
            || self.signature.is_some()
            || self.bound_to.is_some()
            || self.binding_agrees.is_some()
            || self.lifetime_at_most.is_some()
            || self.expires_in_agrees.is_some()
            || self.format.is_some()
            || self.distinct == Some(Distinct::Jti)
    }
}

/// Where a claim is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// In the decoded JWT, else in the introspection response.
    #[default]
    Any,
    /// In the decoded JWT only.
    Jwt,
    /// In the introspection response only.
    Introspection,
}

/// A relation between a value and what is expected: exactly one key (in `claim`, `member` and `jose`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relation<'a> {
    /// Equal to a value known to the run.
    pub same_as: Option<&'a str>,
    /// Different from a value known to the run.
    pub not_same_as: Option<&'a str>,
    /// Says nothing else than a value known to the run: members that only one of them has are left aside.
    pub agrees_with: Option<&'a str>,
    /// Equal to this.
    pub equals: Option<&'a Value>,
    /// One of these.
    pub one_of: Option<&'a [Value]>,
    /// There or not there.
    pub present: Option<bool>,
    /// Of this JSON type.
    pub json_type: Option<JsonType>,
    /// Contains this (array member, or word of a string).
    pub contains: Option<&'a str>,
    /// Does not contain this (array member, or word of a string).
    pub excludes: Option<&'a str>,
    /// Equal to one of these values known to the run; those that this run does not know are left aside.
    pub same_as_one_of: Option<&'a [String]>,
    /// A number not above this value known to the run.
    pub at_most: Option<&'a str>,
    /// A string of at least so many characters.
    pub min_length: Option<usize>,
    /// A URL with this property.
    pub url: Option<UrlForm>,
}

/// A property of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UrlForm {
    /// Absolute with the scheme https; http passes for a loopback host.
    Https,
    /// Without query component.
    NoQuery,
    /// Without fragment component.
    NoFragment,
}

/// A condition on the same object: the check is judged only if it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlyIf {
    /// JSON pointer; something stands there, unless `absent` says otherwise.
    pub at: String,
    /// Nothing stands there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    /// And contains this word or member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
}

/// What to make of a value that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IfMissing {
    /// It violates the requirement.
    #[default]
    Fail,
    /// A warning.
    Should,
    /// An information.
    May,
    /// Nothing is to be said against it.
    Fine,
}

/// A claim.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimCheck {
    /// JSON pointer (RFC 6901) into the claims.
    pub at: String,
    /// Where to look.
    #[serde(default, rename = "in")]
    pub source: Source,
    /// Equal to: `subject`, `actor`, a step's name (their `sub`, or `NAME:/pointer`), `client_id`, `issuer`,
    /// `token_endpoint`, `client:ROLE`, `response:/pointer`, `jwt:/pointer`, `introspection:/pointer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// Different from, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_same_as: Option<String>,
    /// Says nothing else than this, named as in `same_as`: members of objects that only one of the two has are left
    /// aside, at every depth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agrees_with: Option<String>,
    /// Equal to this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// One of these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// There (true) or not there (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// Of this JSON type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub json_type: Option<JsonType>,
    /// Contains this word or member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Does not contain this word or member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excludes: Option<String>,
    /// Equal to one of these, named as in `same_as`; those that the run does not know are left aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as_one_of: Option<Vec<String>>,
    /// A number not above this value, named as in `same_as`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
    /// A string of at least so many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// A URL with this property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlForm>,
    /// Judged only if this holds in the same claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if: Option<OnlyIf>,
    /// What to make of its absence.
    #[serde(default)]
    pub if_missing: IfMissing,
}

/// A member of a JSON object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberCheck {
    /// JSON pointer (RFC 6901). A segment `*` stands for every element of an array: the relation must hold for each,
    /// a condition (`only_if`) for one.
    pub at: String,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_same_as: Option<String>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agrees_with: Option<String>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// As in `claim`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub json_type: Option<JsonType>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excludes: Option<String>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as_one_of: Option<Vec<String>>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlForm>,
    /// As in `claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if: Option<OnlyIf>,
    /// The value that an absent member stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// As in `claim`.
    #[serde(default)]
    pub if_missing: IfMissing,
}

macro_rules! relation {
    ($name:ident) => {
        impl $name {
            /// The relation to the expected value.
            pub fn relation(&self) -> Relation<'_> {
                Relation {
                    same_as: self.same_as.as_deref(),
                    not_same_as: self.not_same_as.as_deref(),
                    agrees_with: self.agrees_with.as_deref(),
                    equals: self.equals.as_ref(),
                    one_of: self.one_of.as_deref(),
                    present: self.present,
                    json_type: self.json_type,
                    contains: self.contains.as_deref(),
                    excludes: self.excludes.as_deref(),
                    same_as_one_of: self.same_as_one_of.as_deref(),
                    at_most: self.at_most.as_deref(),
                    min_length: self.min_length,
                    url: self.url,
                }
            }
        }
    };
}
relation!(ClaimCheck);
relation!(MemberCheck);

/// A JSON type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JsonType {
    /// A string.
    String,
    /// A number without fraction.
    Integer,
    /// A number above zero without fraction.
    PositiveInteger,
    /// Any number.
    Number,
    /// true or false.
    Boolean,
    /// An object.
    Object,
    /// An object with at least one member.
    NonEmptyObject,
    /// An array.
    Array,
    /// An array with at least one element.
    NonEmptyArray,
    /// A string or an array of strings (`aud`).
    StringOrArray,
}

/// A header field of the response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderCheck {
    /// Field name.
    pub name: String,
    /// There (true) or not there (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// One of its fields, or of their comma-separated members, starts with this, without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
    /// One of its comma-separated members is this, without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
}

/// What a token evidently is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFormat {
    /// A JWT.
    Jwt,
    /// A JWT with `iss`, `sub`, `aud`, `exp` and `iat` (OpenID Connect Core section 2).
    IdToken,
    /// What `issued_token_type` says.
    AsLabelled,
    /// No JWT that can be read without a key (opaque, or encrypted).
    Opaque,
}

/// The audience of the issued token, as sets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceCheck {
    /// Contains what these requested `audience` / `resource` roles stand for (through the target's mapping).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<OneOrMany>,
    /// Contains none of what these roles stand for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excludes: Option<OneOrMany>,
    /// There is an audience at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// Differs from that of this step's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs_from: Option<String>,
    /// Is not wider than that of this token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Names no more targets than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<usize>,
}

/// The scope of the issued token, as sets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeCheck {
    /// Not wider than the scope of this token (`subject`, a step's name) .
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Not wider than this scope role of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_role: Option<String>,
    /// Holds none of the scopes of this role that the subject token lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_role: Option<String>,
    /// The same set as this scope role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals_role: Option<String>,
    /// Not the same set as this scope role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs_from_role: Option<String>,
    /// The same set as the scope of this step's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// The response's `scope` and the token's agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_agrees: Option<bool>,
    /// `scope` stands in the response if the granted scope is not the requested one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_if_different: Option<bool>,
}

/// The word that asks for a signature check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureWord {
    /// Verifies with the published keys.
    Verifies,
}

/// What must differ between several responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distinct {
    /// The issued tokens.
    Token,
    /// Their `jti`.
    Jti,
}
