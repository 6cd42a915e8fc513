//! Waivers at work: which findings they accept, and which of them no longer hold. A waiver accepts what was observed
//! when it was written, known by its fingerprint, and nothing else: another failure of the same check fails the run.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::ScenarioResult;
use crate::{
    judge::{FailClass, Finding, Verdict},
    scenario::Suite,
    spec::Level,
    target::Waiver,
    wire::printable,
};

/// Most of an error code that a fingerprint keeps.
const CODE: usize = 80;
/// Most of what was wrong.
const DETAIL: usize = 120;

/// What was observed, short enough to be written into a target file: the status and the error code (`400 invalid_grant`),
/// or where no error came, the status, the kind of violation and what was wrong (`200 accepted`, `200 wrong-form: no
/// cache-control`), without what is another in every run.
pub fn fingerprint(result: &ScenarioResult, finding: &Finding) -> String {
    let class = finding.class.map_or("violated", |c| c.word());
    let response = finding.exchange.and_then(|i| result.exchanges.get(i)?.response.as_ref());
    let Some(response) = response else {
        return with_detail(format!("000 {class}"), finding);
    };
    let code = serde_json::from_str::<Value>(&response.body)
        .ok()
        .and_then(|body| Some(body.get("error")?.as_str()?.to_owned()))
        // As the target file's reader takes it.
        .map(|code| printable(&code, CODE).split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|code| !code.is_empty());
    // What must be refused and was granted is that, whatever error stands beside the token.
    match code.filter(|_| finding.class != Some(FailClass::Accepted)) {
        Some(code) => format!("{} {code}", response.status),
        None => with_detail(format!("{} {class}", response.status), finding),
    }
}

/// What was granted or refused has no value that could be another.
fn with_detail(head: String, finding: &Finding) -> String {
    if matches!(finding.class, Some(FailClass::Accepted | FailClass::Refused)) {
        return head;
    }
    // As the target file's reader takes it.
    let steady = finding.steady();
    let mut detail = printable(&steady, DETAIL).split_whitespace().collect::<Vec<_>>().join(" ");
    if steady.chars().count() > DETAIL {
        // What was left out could be what makes it another violation.
        let digest = Sha256::digest(steady.as_bytes());
        detail.push_str(&format!(
            " (sha256 {:02x}{:02x}{:02x}{:02x})",
            digest[0], digest[1], digest[2], digest[3]
        ));
    }
    if detail.is_empty() { head } else { format!("{head}: {detail}") }
}

/// Whether the fingerprint is one of those that waivers were written with before they named what was wrong: such a
/// waiver accepts any value.
fn is_accepted(accepted: &str, observed: &str) -> bool {
    accepted == observed
        || observed.strip_prefix(accepted).is_some_and(|rest| rest.starts_with(": "))
            && names_only_a_kind(accepted)
}

fn names_only_a_kind(accepted: &str) -> bool {
    let kinds = [FailClass::WrongForm, FailClass::Malformed].map(FailClass::word);
    accepted.split_once(' ').is_some_and(|(_, kind)| kinds.contains(&kind) || kind == "violated")
}

/// How a waiver stands after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// It accepts what it was written for.
    InForce,
    /// What it was written for does not happen any more.
    Stale,
    /// Its last day is over.
    Expired,
    /// The run did not judge its check.
    NotExercised,
}

impl WaiverState {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::NotExercised => "not exercised",
        }
    }

    /// Whether the run fails because of it.
    pub fn fails(self) -> bool {
        matches!(self, Self::Stale | Self::Expired)
    }
}

/// A waiver of the target file, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverResult {
    /// The requirement.
    pub check: String,
    /// The scenarios, if it is for some only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<String>,
    /// The fingerprint of what it accepts.
    pub observed: String,
    /// Why.
    pub reason: String,
    /// Where it is tracked.
    pub issue: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds.
    #[schemars(with = "String", extend("format" = "date"))]
    pub expires: Date,
    /// How it stands.
    pub state: WaiverState,
    /// Why it stands so, where that is not plain.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The waivers of a target, on the day of the run.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    list: Vec<Waiver>,
    today: Date,
}

impl Waivers {
    /// The waivers as they stand on a day.
    pub fn on(today: Date, list: Vec<Waiver>) -> Self {
        Self { list, today }
    }

    /// The waivers as written.
    pub fn list(&self) -> &[Waiver] {
        &self.list
    }

    /// The day that decides what is expired.
    pub fn today(&self) -> Date {
        self.today
    }

    /// Marks the violations of a scenario that a waiver in force accepts.
    pub fn mark(&self, result: &mut ScenarioResult) {
        if self.list.is_empty() {
            return;
        }
        let accepted: Vec<Option<String>> = result
            .findings
            .iter()
            .map(|f| {
                let in_force = |w: &&Waiver| w.expires >= self.today && accepts(w, result, f);
                self.list.iter().find(in_force).map(words)
            })
            .collect();
        for (finding, waiver) in result.findings.iter_mut().zip(accepted) {
            finding.waiver = waiver;
        }
    }

    /// Whether everything in the results that fails at the level was accepted until its waiver expired.
    pub fn only_expired(&self, results: &[ScenarioResult], level: Level) -> bool {
        results.iter().all(|r| {
            r.findings
                .iter()
                .filter(|f| f.fails_at(level))
                .all(|f| self.list.iter().any(|w| w.expires < self.today && accepts(w, r, f)))
        })
    }

    /// How each waiver stands.
    pub fn states(&self, results: &[ScenarioResult], suite: &Suite) -> Vec<WaiverResult> {
        self.list.iter().map(|w| self.state(w, results, suite)).collect()
    }

    fn state(&self, waiver: &Waiver, results: &[ScenarioResult], suite: &Suite) -> WaiverResult {
        let mut judged = 0_usize;
        let mut matched = false;
        let mut gone: Vec<&str> = waiver
            .scenarios
            .iter()
            .filter(|id| suite.get(id).is_none() && !results.iter().any(|r| r.id == **id))
            .map(String::as_str)
            .collect();
        let absent = gone.len();
        let mut now: BTreeSet<String> = BTreeSet::new();
        let mut accepted: BTreeSet<String> = BTreeSet::new();
        for result in results.iter().filter(|r| concerns(waiver, r)) {
            let own = || result.findings.iter().filter(|f| f.requirement == waiver.check && f.fact.is_none());
            let here = own().any(|f| accepts(waiver, result, f));
            if own().any(|f| matches!(f.verdict, Verdict::Pass | Verdict::Fail)) {
                judged += 1;
                if !here && !waiver.scenarios.is_empty() {
                    gone.push(&result.id);
                }
            }
            matched |= here;
            let other = |f: &&Finding| f.verdict == Verdict::Fail && !accepts(waiver, result, f);
            now.extend(own().filter(other).map(|f| fingerprint(result, f)));
            accepted.extend(own().filter(|f| accepts(waiver, result, f)).map(|f| fingerprint(result, f)));
        }
        let unknown = waiver.scenarios.len().saturating_sub(absent + judged);
        let judged = judged > 0;
        let (state, note) = if waiver.expires < self.today && (judged || !gone.is_empty()) {
            let what = match (matched, unknown) {
                (true, _) => "mend the server or renew it",
                (false, 0) => "nothing fails any more: take it out",
                (false, _) => "nothing that was judged fails any more",
            };
            (WaiverState::Expired, format!("its last day was {}; {what}", waiver.expires))
        } else if (judged && !matched) || !gone.is_empty() {
            (WaiverState::Stale, stale(waiver, &gone, matched || unknown > 0, &now))
        } else if matched {
            (WaiverState::InForce, vague(waiver, &accepted))
        } else {
            (WaiverState::NotExercised, "this run did not judge it".to_owned())
        };
        WaiverResult {
            check: waiver.check.clone(),
            scenarios: waiver.scenarios.clone(),
            observed: waiver.observed.clone(),
            reason: waiver.reason.clone(),
            issue: waiver.issue.clone(),
            owner: waiver.owner.clone(),
            expires: waiver.expires,
            state,
            note,
        }
    }
}

/// What to do about a waiver that accepts any value.
fn vague(waiver: &Waiver, accepted: &BTreeSet<String>) -> String {
    if !names_only_a_kind(&waiver.observed) {
        return String::new();
    }
    let accepted: Vec<String> = accepted.iter().map(|a| format!("`{a}`")).collect();
    format!("it accepts any value; to accept what came and nothing else, write {}", accepted.join(" or "))
}

/// What to do about a waiver that no longer holds: somewhere, if it does elsewhere or elsewhere was not judged.
fn stale(waiver: &Waiver, gone: &[&str], somewhere: bool, now: &BTreeSet<String>) -> String {
    if !now.is_empty() {
        let now: Vec<&str> = now.iter().map(String::as_str).collect();
        return format!("`{}` is not what fails now: {}", waiver.observed, now.join(", "));
    }
    if somewhere && !gone.is_empty() {
        let named = gone.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = match gone.len().saturating_sub(5) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return format!("nothing fails any more in {named}{more}: take it out there");
    }
    "nothing fails any more: take it out".to_owned()
}

fn concerns(waiver: &Waiver, result: &ScenarioResult) -> bool {
    waiver.scenarios.is_empty() || waiver.scenarios.contains(&result.id)
}

/// Whether the waiver was written for this very violation.
fn accepts(waiver: &Waiver, result: &ScenarioResult, finding: &Finding) -> bool {
    finding.verdict == Verdict::Fail
        && finding.requirement == waiver.check
        && finding.level > Level::Observe
        && waiver.level.is_none_or(|most| finding.level <= most)
        && concerns(waiver, result)
        && is_accepted(&waiver.observed, &fingerprint(result, finding))
}

fn words(waiver: &Waiver) -> String {
    format!("{} ({}, {}, until {})", waiver.reason, waiver.owner, waiver.issue, waiver.expires)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::FailClass,
        spec::Catalogue,
        wire::{RedactedExchange, RedactedRequest, RedactedResponse},
    };

    fn suite() -> Suite {
        Suite::embedded(&Catalogue::embedded().unwrap()).unwrap()
    }

    /// A server that answers an error and issues a token beside it has granted.
    #[test]
    fn a_waiver_of_a_wrong_code_accepts_no_token() {
        let suite = suite();
        let id = suite.scenarios()[0].id.clone();
        let refused = refused(&suite, &id, 200, "invalid_grant", Level::Must);
        let mut granted = refused.clone();
        granted.findings[0].class = Some(FailClass::Accepted);
        assert_eq!(fingerprint(&refused, &refused.findings[0]), "200 invalid_grant");
        assert_eq!(fingerprint(&granted, &granted.findings[0]), "200 accepted");
    }

    /// A refusal with this code at this level, as the suite's first refusal would show it.
    fn refused(suite: &Suite, id: &str, status: u16, code: &str, level: Level) -> ScenarioResult {
        let mut result = ScenarioResult::new(suite.get(id).unwrap());
        let mut finding = Finding::pass("X", level, "another code", "").failed(FailClass::WrongForm);
        finding.exchange = Some(0);
        result.findings = vec![finding];
        let nothing = RedactedRequest {
            method: "POST".into(),
            url: "http://127.0.0.1/".into(),
            headers: Vec::new(),
            body: String::new(),
        };
        result.exchanges = vec![RedactedExchange {
            purpose: "exchange".into(),
            request: nothing,
            response: Some(RedactedResponse {
                status,
                headers: Vec::new(),
                body: format!(r#"{{"error":"{code}"}}"#),
                truncated: false,
            }),
            transport_error: None,
            attempts: 1,
            started: None,
            wait_ms: 1,
            duration_ms: 1,
            curl: String::new(),
            tokens: Vec::new(),
        }];
        result
    }

    fn waivers(scenarios: &[&str], level: Option<Level>, today: &str) -> Waivers {
        let waiver = Waiver {
            check: "X".into(),
            scenarios: scenarios.iter().map(|s| (*s).to_owned()).collect(),
            observed: "400 invalid_grant".into(),
            level,
            reason: "r".into(),
            issue: "i".into(),
            owner: "o".into(),
            expires: "2030-06-30".parse().unwrap(),
        };
        Waivers::on(today.parse().unwrap(), vec![waiver])
    }

    #[test]
    fn a_waiver_accepts_one_fingerprint_in_its_scenarios_up_to_its_level_and_day() {
        let suite = suite();
        let accepted = |waivers: &Waivers, mut result: ScenarioResult| {
            waivers.mark(&mut result);
            result.findings[0].waiver.is_some()
        };
        let (a, b) = ("subject-token-twice", "subject-token-again");
        let all = waivers(&[], None, "2030-06-30");
        assert!(accepted(&all, refused(&suite, a, 400, "invalid_grant", Level::Must)));
        assert!(!accepted(&all, refused(&suite, a, 400, "invalid_target", Level::Must)));
        assert!(!accepted(&all, refused(&suite, a, 500, "invalid_grant", Level::Must)));
        let own = waivers(&[a], Some(Level::Should), "2030-06-30");
        assert!(accepted(&own, refused(&suite, a, 400, "invalid_grant", Level::Should)));
        assert!(!accepted(&own, refused(&suite, a, 400, "invalid_grant", Level::Must)));
        assert!(!accepted(&own, refused(&suite, b, 400, "invalid_grant", Level::Should)));
        let late = waivers(&[], None, "2030-07-01");
        assert!(!accepted(&late, refused(&suite, a, 400, "invalid_grant", Level::Must)));
        assert!(late.only_expired(&[refused(&suite, a, 400, "invalid_grant", Level::Must)], Level::Must));
        assert!(!late.only_expired(&[refused(&suite, a, 400, "other", Level::Must)], Level::Must));
    }

    #[test]
    fn where_no_error_came_a_waiver_accepts_one_value_and_not_the_next() {
        let suite = suite();
        let answered = |observed: &str, expected: &str| {
            let mut result = refused(&suite, "subject-token-twice", 200, "", Level::Must);
            result.findings[0].observed = observed.into();
            result.findings[0].expected = expected.into();
            result
        };
        let seen = |observed: &str, expected: &str| {
            let result = answered(observed, expected);
            fingerprint(&result, &result.findings[0])
        };
        assert_eq!(seen("`service-b`", "/act/sub: `service-a`"), "200 wrong-form: `service-b`");
        assert_ne!(seen("`service-b`", ""), seen("`service-c`", ""));
        assert_eq!(seen("/exp (1795243933)", ""), seen("/exp (1795249999)", ""));
        assert_eq!(seen("3599 s", "a life of at most 60 s"), seen("3600 s", "a life of at most 60 s"));
        assert!(seen(&"x ".repeat(500), "").len() < 200);

        let waiver = |observed: &str| {
            let mut all = waivers(&[], None, "2030-06-30");
            all.list[0].observed = observed.into();
            all
        };
        let accepted = |w: &Waivers, mut result: ScenarioResult| {
            w.mark(&mut result);
            result.findings[0].waiver.is_some()
        };
        let exact = waiver("200 wrong-form: `service-b`");
        assert!(accepted(&exact, answered("`service-b`", "")));
        assert!(!accepted(&exact, answered("`service-bc`", "")));
        // As they were written before: readable, and it says what to write.
        let old = waiver("200 wrong-form");
        assert!(accepted(&old, answered("`service-b`", "")) && accepted(&old, answered("`service-c`", "")));
        let note = &old.states(&[answered("`service-b`", "")], &suite)[0].note;
        assert!(note.contains("`200 wrong-form: `service-b``"), "{note}");
        assert!(exact.states(&[answered("`service-b`", "")], &suite)[0].note.is_empty());
    }

    #[test]
    fn a_waiver_is_stale_only_where_its_check_was_judged() {
        let suite = suite();
        let (a, b) = ("subject-token-twice", "subject-token-again");
        let state = |w: &Waivers, results: &[ScenarioResult]| w.states(results, &suite)[0].state;
        let failing = |id: &str| refused(&suite, id, 400, "invalid_grant", Level::Must);
        let mut mended = failing(a);
        mended.findings[0].verdict = Verdict::Pass;
        let mut open = failing(a);
        open.findings[0].verdict = Verdict::Inconclusive;
        let both = waivers(&[a, b], None, "2030-01-01");
        assert_eq!(state(&both, &[failing(a), failing(b)]), WaiverState::InForce);
        assert_eq!(state(&both, &[mended.clone(), failing(b)]), WaiverState::Stale);
        assert_eq!(state(&both, &[open.clone(), failing(b)]), WaiverState::InForce);
        assert_eq!(state(&both, &[open]), WaiverState::NotExercised);
        assert_eq!(state(&both, &[]), WaiverState::NotExercised);
        assert_eq!(state(&waivers(&["no-such-scenario"], None, "2030-01-01"), &[]), WaiverState::Stale);
        let late = waivers(&[a], None, "2031-01-01");
        assert_eq!(state(&late, &[failing(a)]), WaiverState::Expired);
        assert_eq!(state(&late, &[mended]), WaiverState::Expired);
        assert_eq!(state(&late, &[]), WaiverState::NotExercised);
    }
}
