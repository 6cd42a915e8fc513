//! What a scenario declares: that a request is granted or refused, and checks on what was granted.

use serde_json::Value;

use super::{
    Cause, FailClass, Finding, Outcome, RunFacts, StepFacts, Verdict, claims,
    claims::{Unseen, audience_set, issued_claims, scope_set, shown},
    code, oracle_error,
};
use crate::{
    scenario::{
        AudienceCheck, Check, ClaimCheck, Distinct, Expect, IfMissing, MemberCheck, OneOrMany, Refusal,
        Relation, ScopeCheck, Source, TokenFormat,
    },
    spec::Level,
    target::token_type_uri,
    token::{NotJwt, SignatureVerdict, verify},
    wire::TransportKind,
};

/// The requirement that the scopes of a subject token bound those of the new one.
const SCOPE_WIDENING: &str = "TX-S-scope-widening";

/// Judges a step by its declared expectations.
pub(super) fn judge(run: &RunFacts, step: &StepFacts<'_>, expect: &Expect) -> Vec<Finding> {
    let judged = Declared { run, step };
    let outcomes: Vec<Outcome> = (0..step.exchanges.len()).map(|i| step.outcome(i)).collect();
    if let Some((cause, why)) = outcomes.iter().find_map(unanswered) {
        return judged.all_undecided(expect, cause, &why);
    }
    let counts = expect.success.iter().flatten().any(|c| c.succeeded.is_some());
    let granted = outcomes.iter().filter(|o| **o == Outcome::Accepted).count();
    // Of several at once: for a refusal all must be refused, for a success all granted, unless they are counted.
    let accepted = if counts || expect.success.is_none() { granted > 0 } else { granted == outcomes.len() };
    let at = outcomes.iter().position(|o| (*o == Outcome::Accepted) == accepted).unwrap_or(0);
    if outcomes.len() > 1 && expect.success.is_some() && expect.refusal.is_some() && !counts {
        // Either is legitimate, also side by side: each response by its own branch.
        return (0..outcomes.len())
            .flat_map(|i| {
                if outcomes[i] == Outcome::Accepted {
                    judged.granted(expect, i)
                } else {
                    judged.refused(expect, i)
                }
            })
            .collect();
    }
    if counts && !accepted {
        let counted = expect.success.iter().flatten().filter(|c| c.succeeded.is_some());
        return counted.flat_map(|c| judged.findings(c, at)).collect();
    }
    let mut found = if accepted { judged.granted(expect, at) } else { judged.refused(expect, at) };
    if accepted {
        for check in &expect.observe {
            found.extend(judged.observation(check, at));
        }
    }
    found
}

fn unanswered(outcome: &Outcome) -> Option<(Cause, String)> {
    match outcome {
        Outcome::Unavailable(why) => Some((Cause::RateLimited, why.clone())),
        Outcome::NoAnswer(TransportKind::Budget) => {
            Some((Cause::Budget, "the request budget is used up".into()))
        }
        Outcome::NoAnswer(TransportKind::Interrupted) => {
            Some((Cause::Interrupted, "the run was interrupted".into()))
        }
        Outcome::NoAnswer(kind) => Some((
            Cause::Transport,
            match kind {
                TransportKind::Timeout => "no complete response within the time limit".into(),
                TransportKind::Connect => "no connection".into(),
                _ => "the connection broke, or what came was not HTTP".into(),
            },
        )),
        Outcome::Accepted | Outcome::Refused => None,
    }
}

struct Declared<'a> {
    run: &'a RunFacts,
    step: &'a StepFacts<'a>,
}

/// What one predicate came to. `None`: nothing to say.
type Judged = Option<Outcome1>;

enum Outcome1 {
    Pass { expected: String, observed: String },
    Fail { expected: String, observed: String, class: FailClass, level: Option<Level>, why: String },
    Unseen { expected: String, why: String },
}

fn pass(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Pass { expected: expected.into(), observed: observed.into() })
}

fn fail(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Fail {
        expected: expected.into(),
        observed: observed.into(),
        class: FailClass::WrongForm,
        level: None,
        why: String::new(),
    })
}

fn granted_too_much(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Fail {
        expected: expected.into(),
        observed: observed.into(),
        class: FailClass::Accepted,
        level: None,
        why: String::new(),
    })
}

fn granted_too_little(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Fail {
        expected: expected.into(),
        observed: observed.into(),
        class: FailClass::Refused,
        level: None,
        why: String::new(),
    })
}

fn unseen(expected: impl Into<String>, why: Unseen) -> Judged {
    Some(Outcome1::Unseen { expected: expected.into(), why: why.0 })
}

fn when(ok: bool, expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    if ok { pass(expected, observed) } else { fail(expected, observed) }
}

impl Declared<'_> {
    fn all_undecided(&self, expect: &Expect, cause: Cause, why: &str) -> Vec<Finding> {
        expect.covers().into_iter().map(|id| self.undecided(id, cause, why)).collect()
    }

    fn undecided(&self, id: &str, cause: Cause, why: &str) -> Finding {
        let mut finding =
            Finding::pass(id, self.run.level(id), "an answer that can be judged", why).undecided(cause, why);
        finding.exchange = Some(self.step.index(0));
        finding
    }

    fn refused(&self, expect: &Expect, at: usize) -> Vec<Finding> {
        let Some(response) = self.step.exchanges.get(at).and_then(|e| e.response()) else {
            return Vec::new();
        };
        let code = oracle_error::oauth_error(response);
        let observed = match &code {
            Some(code) => format!("status {}, error {}", response.status, oracle_error::visible(code)),
            None => format!("status {} without an OAuth error", response.status),
        };
        let mut found = Vec::new();
        if let Some(refusal) = &expect.refusal {
            let row = self.run.catalogue.row(&refusal.row);
            found.extend(self.refusal(refusal, at, &observed));
            for finding in found.iter_mut().filter(|f| f.is_pass() && !expect.can_fail(&f.requirement, row)) {
                finding.level = Level::Observe;
            }
            return found;
        }
        let checks = || expect.success.iter().flatten().filter(|c| self.applies(c));
        // Where a check says that the request is granted, that check fails; where none does, all of them are open.
        let says_granted = checks().any(|c| c.predicates().is_empty());
        for check in checks() {
            for id in check.covers.iter().flat_map(OneOrMany::iter) {
                let mut finding =
                    Finding::pass(id, self.level(check, id), "the request is granted", observed.clone());
                finding.exchange = Some(self.step.index(at));
                if !self.step.controlled {
                    found.push(finding.undecided(
                        Cause::Precondition,
                        "the request has no control: either the server or the target file is wrong; check the set-up \
                         with `txspec doctor`",
                    ));
                } else if check.predicates().is_empty() {
                    found.push(
                        finding.failed(FailClass::Refused).because(check.why.clone().unwrap_or_default()),
                    );
                } else if !says_granted {
                    found.push(finding.undecided(
                        Cause::Precondition,
                        "the request was refused, so that there is nothing to look at",
                    ));
                }
            }
        }
        found
    }

    fn refusal(&self, refusal: &Refusal, at: usize, observed: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        let Some(response) = self.step.exchanges.get(at).and_then(|e| e.response()) else {
            return found;
        };
        let Some(row) = self.run.catalogue.row(&refusal.row) else {
            return found;
        };
        let client_error = (400..500).contains(&response.status);
        let clean = oracle_error::is_clean(response)
            || (client_error && (row.any_body || !self.step.kind.is_token_endpoint()));
        for id in refusal.covers.iter().flat_map(OneOrMany::iter) {
            let mut finding = Finding::pass(id, self.run.level(id), "the request is refused", observed);
            finding.exchange = Some(self.step.index(at));
            found.push(if clean {
                finding
            } else {
                finding.undecided(Cause::Unobservable, "no token came back, but no OAuth error either: it is not proven that the request was refused for what is wrong with it")
            });
        }
        found.extend(code::judge(self.run, self.step, at, row, refusal.code_covers.as_ref()));
        for check in refusal.also.iter().filter(|c| self.applies(c)) {
            found.extend(self.findings(check, at));
        }
        found
    }

    fn granted(&self, expect: &Expect, at: usize) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(refusal) = &expect.refusal {
            found.extend(self.granted_instead(refusal, expect.success.is_some(), at));
        }
        for check in expect.success.iter().flatten().filter(|c| self.applies(c)) {
            found.extend(self.findings(check, at));
        }
        let row = expect.refusal.as_ref().and_then(|r| self.run.catalogue.row(&r.row));
        for finding in found.iter_mut().filter(|f| f.is_pass() && !expect.can_fail(&f.requirement, row)) {
            finding.level = Level::Observe;
        }
        found
    }

    /// The request should (or could) have been refused, and was granted.
    fn granted_instead(&self, refusal: &Refusal, either: bool, at: usize) -> Vec<Finding> {
        let mut found = Vec::new();
        for id in refusal.covers.iter().flat_map(OneOrMany::iter) {
            let (level, why) = match &refusal.accepted {
                None if either => continue,
                None => (self.run.level(id), String::new()),
                Some(rule) => {
                    let declared =
                        rule.when.iter().find(|(c, _)| self.run.capabilities.contains(c)).map(|(_, l)| *l);
                    let raised = self
                        .run
                        .requirement(id)
                        .and_then(|r| r.policy.as_ref())
                        .filter(|p| self.run.policy.declares(p.knob))
                        .map(|p| p.raises_to);
                    (declared.unwrap_or(rule.level).max(raised.unwrap_or(Level::Observe)), rule.why.clone())
                }
            };
            let mut finding = Finding::pass(id, level, "the request is refused", "it was granted")
                .failed(FailClass::Accepted)
                .because(why);
            finding.exchange = Some(self.step.index(at));
            if let Some(why) = self.within_skew() {
                finding = finding.undecided(Cause::Precondition, why);
            }
            found.push(finding);
        }
        found
    }

    /// A token that expired a moment ago may still be accepted: clocks differ (ambiguity A17).
    fn within_skew(&self) -> Option<String> {
        let skew = i64::try_from(self.run.policy.clock_skew_seconds.unwrap_or(300)).unwrap_or(300);
        ["subject", "actor"].into_iter().find_map(|name| {
            let age = self.step.now.saturating_sub(self.step.tokens.get(name)?.expires_at?);
            (0..skew).contains(&age).then(|| format!("the {name} token expired {age} s ago, which is within the clock skew of {skew} s: raise `age` of its source"))
        })
    }

    fn applies(&self, check: &Check) -> bool {
        check.when.iter().all(|c| self.run.capabilities.contains(c))
    }

    fn level(&self, check: &Check, id: &str) -> Level {
        check.level.unwrap_or_else(|| self.run.level(id))
    }

    fn findings(&self, check: &Check, at: usize) -> Vec<Finding> {
        let Some(outcome) = self.predicate(check, at) else {
            return Vec::new();
        };
        let ids = check.covers.iter().flat_map(OneOrMany::iter);
        let unbounded = check.scope.is_some() && self.subject_without_scopes();
        ids.filter(|id| !(unbounded && *id == SCOPE_WIDENING))
            .map(|id| self.finding(check, id, &outcome, at))
            .collect()
    }

    /// An ID token has no scopes that those of the new token could go beyond; what it may buy is TX-S-type-laundering.
    fn subject_without_scopes(&self) -> bool {
        let declared = self.step.form.get("subject_token_type");
        declared.is_some_and(|t| t.expose() == token_type_uri("id_token"))
    }

    fn finding(&self, check: &Check, id: &str, outcome: &Outcome1, at: usize) -> Finding {
        let level = self.level(check, id);
        let why = check.why.clone().unwrap_or_default();
        let mut finding = match outcome {
            Outcome1::Pass { expected, observed } => {
                Finding::pass(id, level, expected.as_str(), observed.as_str())
            }
            Outcome1::Fail { expected, observed, class, level: lowered, why: reason } => {
                let finding = Finding::pass(
                    id,
                    lowered.map_or(level, |l| l.min(level)),
                    expected.as_str(),
                    observed.as_str(),
                )
                .failed(*class);
                finding.because(if reason.is_empty() { why } else { reason.clone() })
            }
            Outcome1::Unseen { expected, why } => {
                Finding::pass(id, level, expected.as_str(), "it cannot be seen")
                    .undecided(Cause::Unobservable, why.as_str())
            }
        };
        finding.exchange = Some(self.step.index(at));
        finding
    }

    /// A fact: reported whatever it is, never scored.
    fn observation(&self, check: &Check, at: usize) -> Option<Finding> {
        if !self.applies(check) {
            return None;
        }
        let observed = match self.subject_of(check, at) {
            Some(Ok(value)) => shown(&value),
            Some(Err(_)) => "nothing".to_owned(),
            None => match self.predicate(check, at)? {
                Outcome1::Pass { expected, .. } => format!("yes: {expected}"),
                Outcome1::Fail { observed, .. } => observed,
                Outcome1::Unseen { .. } => return None,
            },
        };
        let id = check.covers.iter().flat_map(OneOrMany::iter).next().unwrap_or_default();
        let mut finding = Finding::pass(id, Level::Observe, "a fact, not scored", observed);
        finding.fact.clone_from(&check.fact);
        finding.exchange = Some(self.step.index(at));
        Some(finding)
    }

    /// The value that a claim or member check looks at.
    fn subject_of(&self, check: &Check, at: usize) -> Option<Result<Value, Unseen>> {
        let missing = |p: &str| Unseen(format!("nothing at {p}"));
        if let Some(claim) = check.claim.as_ref().filter(|c| c.relation() == Relation::default()) {
            return Some(
                issued_claims(self.step, at, claim.source)
                    .and_then(|c| c.pointer(&claim.at).cloned().ok_or_else(|| missing(&claim.at))),
            );
        }
        let member = check.member.as_ref().filter(|m| m.relation() == Relation::default())?;
        let json = self.step.json(at).map(|j| j.value).unwrap_or_default();
        Some(json.pointer(&member.at).cloned().ok_or_else(|| missing(&member.at)))
    }

    fn predicate(&self, check: &Check, at: usize) -> Judged {
        if let Some(c) = &check.claim {
            return self.claim(c, at);
        }
        if let Some(m) = &check.member {
            let json = self.step.json(at).map(|j| j.value)?;
            return self.member(&json, m, at);
        }
        if let Some(m) = &check.jose {
            let issued = self.step.issued(at)?.view.as_ref()?;
            let Some(jwt) = &issued.jwt else {
                return unseen(
                    format!("header {}", m.at),
                    Unseen("the issued token is no readable JWT".into()),
                );
            };
            return self.member(&Value::Object(jwt.header.clone()), m, at);
        }
        if let Some(h) = &check.header {
            return self.header(h, at);
        }
        if let Some(types) = &check.issued_type {
            // What is no identifier at all is judged as such on every response.
            let issued =
                self.text_member(at, "issued_token_type").filter(|name| url::Url::parse(name).is_ok())?;
            let wanted: Vec<String> = types.iter().map(token_type_uri).collect();
            return when(
                wanted.contains(&issued),
                format!("issued_token_type {}", wanted.join(" or ")),
                issued,
            );
        }
        if let Some(types) = &check.token_type {
            let kind = self.text_member(at, "token_type")?;
            let wanted: Vec<&str> = types.iter().collect();
            let ok = wanted.iter().any(|w| w.eq_ignore_ascii_case(&kind));
            return when(ok, format!("token_type {}", wanted.join(" or ")), kind);
        }
        if let Some(format) = check.format {
            return self.format(format, at);
        }
        if let Some(audience) = &check.audience {
            return self.audience(audience, at);
        }
        if let Some(scope) = &check.scope {
            return self.scope(scope, at);
        }
        if check.signature.is_some() {
            return self.signature(at);
        }
        if let Some(name) = &check.differs_from {
            let issued = self.step.issued(at)?.view.as_ref()?;
            let expected = format!("a token other than {name}");
            let Some(other) = self.step.tokens.get(name) else {
                return unseen(expected, Unseen(format!("there is no token `{name}`")));
            };
            return when(
                issued.value != other.value,
                expected,
                if issued.value == other.value { "the same token" } else { "another token" },
            );
        }
        if let Some(key) = &check.bound_to {
            let expected = format!("cnf.jkt of the key `{key}`");
            let claims = match issued_claims(self.step, at, Source::Any) {
                Ok(claims) => claims,
                Err(e) => return unseen(expected, e),
            };
            let jkt = claims.pointer("/cnf/jkt").and_then(Value::as_str);
            let ok = jkt.is_some() && jkt == self.step.thumbprints.get(key).map(String::as_str);
            return when(
                ok,
                expected,
                jkt.map_or("no cnf.jkt", |_| if ok { "that thumbprint" } else { "another thumbprint" }),
            );
        }
        if check.binding_agrees == Some(true) {
            return self.binding_agrees(at);
        }
        if let Some(wanted) = check.fetched {
            let fetched = self.step.fetched?;
            let expected = if wanted {
                "a request to the address in the token"
            } else {
                "no request to the address in the token"
            };
            return when(
                fetched == wanted,
                expected,
                if fetched { "the server asked for it" } else { "the server asked for nothing" },
            );
        }
        if let Some(distinct) = check.distinct {
            return self.distinct(distinct);
        }
        if let Some(wanted) = check.succeeded {
            let count =
                (0..self.step.exchanges.len()).filter(|i| self.step.outcome(*i) == Outcome::Accepted).count();
            let ok = u32::try_from(count).is_ok_and(|c| c == wanted);
            let expected = format!("{wanted} of {} requests granted", self.step.exchanges.len());
            let observed = format!("{count} granted");
            return if ok {
                pass(expected, observed)
            } else if u32::try_from(count).is_ok_and(|c| c < wanted) {
                granted_too_little(expected, observed)
            } else {
                granted_too_much(expected, observed)
            };
        }
        if let Some(limit) = check.lifetime_at_most {
            return self.lifetime(limit, at);
        }
        if check.expires_in_agrees == Some(true) {
            return self.expires_in(at);
        }
        pass("the request is granted", "it was granted")
    }

    /// RFC 9449 section 5: `token_type` DPoP if and only if the token is bound to the proof's key.
    fn binding_agrees(&self, at: usize) -> Judged {
        let expected = "token_type DPoP if, and only if, the token is bound";
        let kind = self.text_member(at, "token_type")?;
        match issued_claims(self.step, at, Source::Any) {
            Ok(claims) => {
                let bound = claims.pointer("/cnf/jkt").is_some();
                let ok = kind.eq_ignore_ascii_case("dpop") == bound;
                when(
                    ok,
                    expected,
                    format!("token_type {kind}, the token is {}", if bound { "bound" } else { "not bound" }),
                )
            }
            Err(e) => unseen(expected, e),
        }
    }

    fn text_member(&self, at: usize, name: &str) -> Option<String> {
        let text = self.step.json(at)?.value.get(name)?.as_str().map(str::to_owned);
        text.filter(|text| !text.is_empty())
    }

    fn claim(&self, check: &ClaimCheck, at: usize) -> Judged {
        let relation = check.relation();
        let compared = relation.same_as.is_some() || relation.not_same_as.is_some();
        if check.at == "/sub" && compared && self.run.policy.declares(crate::spec::Knob::SubMapping) {
            return None;
        }
        match issued_claims(self.step, at, check.source) {
            Ok(claims) if check.only_if.as_ref().is_some_and(|c| !claims::holds(&claims, c)) => None,
            Ok(claims) => {
                self.relation(claims.pointer(&check.at), &check.at, &relation, check.if_missing, at)
            }
            Err(e) => unseen(format!("claim {}", check.at), e),
        }
    }

    /// A member check; with `*` in the pointer it must hold for every element.
    fn member(&self, document: &Value, check: &MemberCheck, at: usize) -> Judged {
        if check.only_if.as_ref().is_some_and(|c| !claims::holds(document, c)) {
            return None;
        }
        let mut last = None;
        for value in claims::at_pointer(document, &check.at) {
            let value = value.or(check.default.as_ref());
            last = self.relation(value, &check.at, &check.relation(), check.if_missing, at);
            if !matches!(last, None | Some(Outcome1::Pass { .. })) {
                return last;
            }
        }
        last
    }

    fn relation(
        &self,
        value: Option<&Value>,
        pointer: &str,
        relation: &Relation<'_>,
        if_missing: IfMissing,
        at: usize,
    ) -> Judged {
        let Some(value) = value else {
            if relation.present == Some(false) {
                return pass(format!("nothing at {pointer}"), "nothing");
            }
            let expected = format!("a value at {pointer}");
            let level = match if_missing {
                IfMissing::Fine => return None,
                IfMissing::May => Some(Level::May),
                IfMissing::Should => Some(Level::Should),
                IfMissing::Fail => None,
            };
            return Some(Outcome1::Fail {
                expected,
                observed: "nothing".into(),
                class: FailClass::WrongForm,
                level,
                why: String::new(),
            });
        };
        if let Some(name) = relation.not_same_as
            && pointer == "/sub"
            && let (Ok(own), Ok(other)) = (
                claims::reference(self.run, self.step, at, "subject"),
                claims::reference(self.run, self.step, at, name),
            )
            && claims::same(&own, &other)
        {
            // The subject token itself is about that party: nothing can be told apart.
            return None;
        }
        match claims::compare(self.run, self.step, at, value, relation) {
            Ok(c) => when(c.ok, format!("{pointer}: {}", c.expected), shown(value)),
            Err(e) => unseen(pointer.to_string(), e),
        }
    }

    fn header(&self, check: &crate::scenario::HeaderCheck, at: usize) -> Judged {
        let response = self.step.exchanges.get(at)?.response()?;
        let values = response.header_values(&check.name);
        let observed = if values.is_empty() {
            format!("no {}", check.name)
        } else {
            oracle_error::visible(&values.join(", "))
        };
        if let Some(present) = check.present {
            return when(
                values.is_empty() != present,
                format!("{} {}", check.name, if present { "present" } else { "absent" }),
                observed,
            );
        }
        if let Some(start) = &check.starts_with {
            let start = start.to_ascii_lowercase();
            let ok = values.iter().any(|v| {
                let lower = v.to_ascii_lowercase();
                lower.starts_with(&start) || lower.split(',').any(|member| member.trim().starts_with(&start))
            });
            return when(ok, format!("{} starts with {start}", check.name), observed);
        }
        let part = check.contains.as_deref().unwrap_or_default();
        let ok = values.iter().any(|v| v.split(',').any(|d| d.trim().eq_ignore_ascii_case(part)));
        when(ok, format!("{} contains {part}", check.name), observed)
    }

    fn format(&self, format: TokenFormat, at: usize) -> Judged {
        let view = self.step.issued(at)?.view.as_ref()?;
        let decoded = crate::token::Jwt::decode(view.value.expose());
        match (format, decoded) {
            (TokenFormat::AsLabelled, _) => None,
            (TokenFormat::Opaque, Ok(_)) => {
                fail("a token that cannot be read without a key", "a JWT in the clear")
            }
            (TokenFormat::Opaque, Err(why)) => {
                pass("a token that cannot be read without a key", why.to_string())
            }
            (_, Err(NotJwt::Encrypted)) => unseen("a JWT", Unseen("it is an encrypted JWT".into())),
            (_, Err(why)) => fail("a JWT", why.to_string()),
            (TokenFormat::Jwt, Ok(_)) => pass("a JWT", "a JWT"),
            (TokenFormat::IdToken, Ok(jwt)) => {
                let missing: Vec<&str> = ["iss", "sub", "aud", "exp", "iat"]
                    .into_iter()
                    .filter(|c| !jwt.claims.contains_key(*c))
                    .collect();
                when(
                    missing.is_empty(),
                    "a JWT with iss, sub, aud, exp and iat",
                    if missing.is_empty() {
                        "all of them".into()
                    } else {
                        format!("without {}", missing.join(", "))
                    },
                )
            }
        }
    }

    /// What the roles stand for in `aud`: the values that were requested, through the target's mapping.
    fn targets(&self, roles: &OneOrMany) -> Vec<Vec<String>> {
        let requested: Vec<&str> = self
            .step
            .form
            .all("audience")
            .chain(self.step.form.all("resource"))
            .map(|s| s.expose())
            .collect();
        let mut all = Vec::new();
        for role in roles.iter() {
            let maps = [("audience", &self.run.audiences), ("resource", &self.run.resources)];
            let values: Vec<&String> =
                maps.iter().flat_map(|(_, m)| m.get(role).into_iter().flatten()).collect();
            let asked: Vec<&&String> = values.iter().filter(|v| requested.contains(&v.as_str())).collect();
            let used: Vec<&String> =
                if asked.is_empty() { values } else { asked.into_iter().copied().collect() };
            for value in used {
                all.push(match self.run.audience_mapping.get(value) {
                    Some(mapped) => mapped.values().into_iter().map(str::to_owned).collect(),
                    None => vec![value.clone()],
                });
            }
        }
        all
    }

    fn audience(&self, check: &AudienceCheck, at: usize) -> Judged {
        if self.run.policy.declares(crate::spec::Knob::AudMapping) && check.covers.is_some() {
            return None;
        }
        let claims = match issued_claims(self.step, at, Source::Any) {
            Ok(claims) => claims,
            Err(e) => return unseen("the audience", e),
        };
        let set = audience_set(&claims).unwrap_or_default();
        let words = if set.is_empty() {
            "no aud".to_owned()
        } else {
            format!("aud {}", set.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        let words = oracle_error::visible(&words);
        if let Some(roles) = &check.covers {
            let wanted = self.targets(roles);
            let ok = !wanted.is_empty() && wanted.iter().all(|any| any.iter().any(|v| set.contains(v)));
            return when(
                ok,
                format!(
                    "aud that holds {}",
                    wanted.iter().map(|w| w.join(" or ")).collect::<Vec<_>>().join(" and ")
                ),
                words,
            );
        }
        if let Some(roles) = &check.excludes {
            let barred: Vec<String> = self.targets(roles).into_iter().flatten().collect();
            let found: Vec<&String> = barred.iter().filter(|v| set.contains(*v)).collect();
            return if found.is_empty() {
                pass("aud without the target that was not to be had", words)
            } else {
                granted_too_much("aud without the target that was not to be had", words)
            };
        }
        if let Some(present) = check.present {
            return when(set.is_empty() != present, if present { "an aud" } else { "no aud" }, words);
        }
        if let Some(limit) = check.at_most {
            return when(set.len() <= limit, format!("at most {limit} audiences"), words);
        }
        let other = |name: &str| match claims::reference(self.run, self.step, at, &format!("{name}:/aud")) {
            Ok(value) => Ok(audience_set(&serde_json::json!({ "aud": value })).unwrap_or_default()),
            Err(e) => Err(e),
        };
        if let Some(name) = &check.differs_from {
            return match other(name) {
                Ok(theirs) => when(set != theirs, format!("another aud than that of {name}"), words),
                Err(e) => unseen("another aud", e),
            };
        }
        let name = check.within.as_deref()?;
        match other(name) {
            Ok(theirs) if set.is_subset(&theirs) => pass(format!("an aud within that of {name}"), words),
            Ok(_) => granted_too_much(format!("an aud within that of {name}"), words),
            Err(e) => unseen("an aud that is not wider", e),
        }
    }

    fn scope(&self, check: &ScopeCheck, at: usize) -> Judged {
        use std::collections::BTreeSet;
        let join = |set: &BTreeSet<String>| {
            if set.is_empty() {
                "no scope".to_owned()
            } else {
                oracle_error::visible(&set.iter().cloned().collect::<Vec<_>>().join(" "))
            }
        };
        let words = |text: &str| {
            text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect::<BTreeSet<String>>()
        };
        let response = self.text_member(at, "scope").map(|s| words(&s));
        let token = issued_claims(self.step, at, Source::Any).map(|c| scope_set(&c));
        if check.response_agrees == Some(true) {
            let response = response?;
            return match token {
                Ok(Some(token)) => when(
                    token == response,
                    format!("the token's scope: {}", join(&token)),
                    format!("the response's scope: {}", join(&response)),
                ),
                Ok(None) => None,
                Err(e) => unseen("scope of response and token agree", e),
            };
        }
        if check.reported_if_different == Some(true) {
            let requested = self.step.form.get("scope").map(|s| words(s.expose()))?;
            let expected = "scope in the response, if what is granted is not what was requested";
            return match (response, token) {
                (Some(reported), _) => pass(expected, format!("reported: {}", join(&reported))),
                (None, Ok(Some(granted))) => when(
                    granted == requested,
                    expected,
                    format!("requested {}, granted {}, none reported", join(&requested), join(&granted)),
                ),
                (None, Ok(None)) => unseen(expected, Unseen("the token shows no scope".into())),
                (None, Err(e)) => unseen(expected, e),
            };
        }
        // What was granted: the token's own scope; what the response says, where the token shows none; what was
        // requested, where neither does (RFC 6749 section 5.1: left out when identical).
        let granted = match token {
            Ok(Some(set)) => set,
            Ok(None) | Err(_) => {
                match response.or_else(|| self.step.form.get("scope").map(|s| words(s.expose()))) {
                    Some(set) => set,
                    None => {
                        return unseen(
                            "the scope of the issued token",
                            Unseen("neither token nor response shows a scope".into()),
                        );
                    }
                }
            }
        };
        let role = |name: &str| {
            self.run
                .scopes
                .get(name)
                .map(|v| v.iter().cloned().collect::<BTreeSet<String>>())
                .unwrap_or_default()
        };
        if let Some(name) = &check.within {
            let expected = format!("a scope within that of {name}");
            let Some(view) = self.step.tokens.get(name) else {
                return unseen(expected, Unseen(format!("there is no token `{name}`")));
            };
            let Some(theirs) = view.claims.as_ref().and_then(scope_set) else {
                return unseen(expected, Unseen(format!("the scope of the {name} token cannot be seen")));
            };
            let observed = format!("{} ({name}: {})", join(&granted), join(&theirs));
            return if granted.is_subset(&theirs) {
                pass(expected, observed)
            } else {
                granted_too_much(expected, observed)
            };
        }
        if let Some(name) = &check.within_role {
            let limit = role(name);
            return if granted.is_subset(&limit) {
                pass(format!("a scope within {}", join(&limit)), join(&granted))
            } else {
                granted_too_much(format!("a scope within {}", join(&limit)), join(&granted))
            };
        }
        if let Some(name) = &check.without_role {
            let own = self
                .step
                .tokens
                .get("subject")
                .and_then(|v| v.claims.as_ref())
                .and_then(scope_set)
                .unwrap_or_default();
            let barred: BTreeSet<String> = role(name).difference(&own).cloned().collect();
            let expected = format!("a scope without {}", join(&barred));
            return if granted.is_disjoint(&barred) {
                pass(expected, join(&granted))
            } else {
                granted_too_much(expected, join(&granted))
            };
        }
        if let Some(name) = &check.differs_from_role {
            let other = role(name);
            return when(granted != other, format!("another scope than {}", join(&other)), join(&granted));
        }
        if let Some(name) = &check.same_as {
            let expected = format!("the scope of {name}");
            let theirs = self.step.tokens.get(name).and_then(|v| v.claims.as_ref()).and_then(scope_set);
            return match theirs {
                Some(theirs) => {
                    when(granted == theirs, format!("{expected}: {}", join(&theirs)), join(&granted))
                }
                None => unseen(expected, Unseen(format!("the scope of the {name} token cannot be seen"))),
            };
        }
        let name = check.equals_role.as_deref()?;
        let wanted = role(name);
        when(granted == wanted, format!("scope {}", join(&wanted)), join(&granted))
    }

    fn signature(&self, at: usize) -> Judged {
        let view = self.step.issued(at)?.view.as_ref()?;
        let expected = "a signature that the published keys verify";
        let Some(jwks) = &self.run.jwks else {
            return unseen(
                expected,
                Unseen("the target publishes no key set, or it could not be read".into()),
            );
        };
        let recorded = view.verified.clone();
        match recorded.unwrap_or_else(|| verify(view.value.expose(), jwks)) {
            SignatureVerdict::Valid => pass(expected, "it verifies"),
            SignatureVerdict::Invalid(why) => fail(expected, why),
            SignatureVerdict::Undecided(why) => unseen(expected, Unseen(why)),
        }
    }

    fn distinct(&self, what: Distinct) -> Judged {
        let mut seen = Vec::new();
        for i in (0..self.step.exchanges.len()).filter(|i| self.step.outcome(*i) == Outcome::Accepted) {
            match what {
                Distinct::Token => seen.push(self.step.issued(i)?.view.as_ref()?.value.expose().to_owned()),
                Distinct::Jti => match issued_claims(self.step, i, Source::Any) {
                    Ok(claims) => seen.push(claims.get("jti").map(ToString::to_string)?),
                    Err(e) => return unseen("another jti each time", e),
                },
            }
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        when(seen.len() == count, "a new token each time", format!("{} different of {count}", seen.len()))
    }

    fn lifetime(&self, limit: u64, at: usize) -> Judged {
        let declared = self
            .run
            .policy
            .max_issued_lifetime
            .as_deref()
            .and_then(|t| crate::target::duration(t).ok())
            .map(|d| d.as_secs());
        let limit = declared.unwrap_or(limit);
        let claims = issued_claims(self.step, at, Source::Any).ok();
        let exp = claims
            .as_ref()
            .and_then(|c| c.get("exp"))
            .and_then(Value::as_i64)
            .map(|exp| exp.saturating_sub(self.step.now));
        let response = self.step.json(at).and_then(|j| j.value.get("expires_in").and_then(Value::as_i64));
        let Some(life) = exp.or(response) else {
            return unseen(
                format!("at most {limit} s"),
                Unseen("neither exp nor expires_in says how long the token lives".into()),
            );
        };
        let ok = u64::try_from(life.max(0)).is_ok_and(|l| l <= limit.saturating_add(5));
        when(ok, format!("a life of at most {limit} s"), format!("{life} s"))
    }

    fn expires_in(&self, at: usize) -> Judged {
        let expected = "exp of the token agrees with expires_in within 120 s";
        let response = self.step.json(at)?.value.get("expires_in").and_then(Value::as_i64)?;
        match issued_claims(self.step, at, Source::Any) {
            Ok(claims) => {
                let exp = claims.get("exp").and_then(Value::as_i64)?;
                let life = exp.saturating_sub(self.step.now);
                when(
                    life.abs_diff(response) <= 120,
                    expected,
                    format!("expires_in {response}, exp in {life} s"),
                )
            }
            Err(e) => unseen(expected, e),
        }
    }
}

impl Finding {
    /// Whether the check shows that a request was refused or granted, as its scenario wants.
    pub fn is_pass(&self) -> bool {
        self.verdict == Verdict::Pass
    }
}
