//! What scenarios declare: refusals, grants, and each predicate on what was granted.

use super::*;
use crate::scenario::Check;

const REFUSAL: &str = "refusal: { row: invalid-token, covers: TX-2.1-validate-subject_token }";

#[test]
fn what_must_be_refused_and_is_granted_is_a_security_finding_and_nothing_else() {
    let found = failing(&Bench::new().judge(&good().exchange(), Some(&expect(REFUSAL))));
    assert_eq!(found, [("TX-2.1-validate-subject_token".to_owned(), Level::Must, FailClass::Accepted)]);
}

#[test]
fn the_reading_decides_over_a_contested_code() {
    let mut bench = Bench::new();
    let exchange = refusal("invalid_grant").exchange();
    let code = |bench: &Bench| {
        let findings = bench.judge(&exchange, Some(&expect(REFUSAL)));
        findings.into_iter().find(|f| f.requirement == "TX-2.2.2-error-code-invalid_request").unwrap()
    };
    let strict = code(&bench);
    assert_eq!(
        (strict.level, strict.class, strict.ambiguity.as_slice()),
        (Level::Must, Some(FailClass::WrongForm), &["A1".to_owned()][..])
    );
    bench.run.reading = "rfc6749-lenient".into();
    let lenient = code(&bench);
    assert_eq!((lenient.level, lenient.reading.as_deref()), (Level::Should, Some("rfc6749-lenient")));
    // That it was refused is met under either reading.
    let findings = bench.judge(&exchange, Some(&expect(REFUSAL)));
    assert!(findings.iter().any(|f| f.requirement == "TX-2.1-validate-subject_token" && f.is_pass()));
}

#[test]
fn a_refusal_without_an_oauth_error_proves_nothing() {
    for case in [refusal("x").status(500), refusal("x").body(b"nope"), refusal("x").status(302)] {
        let findings = Bench::new().judge(&case.exchange(), Some(&expect(REFUSAL)));
        let own = findings.iter().find(|f| f.requirement == "TX-2.1-validate-subject_token").unwrap();
        assert_eq!((own.verdict, own.cause), (Verdict::Inconclusive, Some(Cause::Unobservable)));
    }
}

#[test]
fn no_answer_and_rate_limits_leave_everything_open() {
    let timeout = exchange(Err(TransportError { kind: TransportKind::Timeout, message: "t".into() }));
    let gateway =
        refusal("x").status(403).header("content-type", Some("text/html")).body(b"<html>").exchange();
    for (exchange, cause) in [
        (timeout, Cause::Transport),
        (refusal("x").status(429).exchange(), Cause::RateLimited),
        (refusal("x").status(503).exchange(), Cause::RateLimited),
        (gateway, Cause::RateLimited),
    ] {
        let findings = Bench::new().judge(&exchange, Some(&expect(REFUSAL)));
        assert!(
            findings.iter().all(|f| f.verdict == Verdict::Inconclusive && f.cause == Some(cause)),
            "{findings:?}"
        );
        assert!(!findings.is_empty());
    }
}

#[test]
fn a_token_that_expired_within_the_clock_skew_is_not_judged() {
    let mut bench = Bench::new();
    for (age, verdict) in [(100, Verdict::Inconclusive), (900, Verdict::Fail)] {
        bench.tokens.insert("subject".into(), token(json!({ "sub": "alice", "exp": now() - age })));
        let findings = bench.judge(&good().exchange(), Some(&expect(REFUSAL)));
        assert_eq!(findings[0].verdict, verdict, "{age}");
    }
}

#[test]
fn acceptance_is_scored_as_the_scenario_and_the_policy_say() {
    let mut bench = Bench::new();
    let lowered = expect(
        "refusal: { row: actor-type-alone, covers: TX-2.1-actor_token_type-forbidden-alone, \
         accepted: { level: should, when: { delegation: must }, why: depends } }",
    );
    let level = |bench: &Bench, e: &Expect| bench.judge(&good().exchange(), Some(e))[0].level;
    assert_eq!(level(&bench, &lowered), Level::Must);
    bench.run.capabilities.clear();
    assert_eq!(level(&bench, &lowered), Level::Should);
    let widening = expect("refusal: { row: invalid-scope, covers: TX-S-scope-widening }");
    assert_eq!(level(&bench, &widening), Level::Should);
    bench.run.policy.scope_widening = Some(true);
    assert_eq!(level(&bench, &widening), Level::Must);
}

#[test]
fn a_controlled_request_that_must_be_granted_and_is_refused_fails_once() {
    let mut bench = Bench::new();
    let wanted = expect(
        "success: [ { covers: OA-3.2-ignore-unknown }, { claim: { at: /sub, same_as: subject }, covers: TX-2.1-subject-is-issued-subject } ]",
    );
    let own = |bench: &Bench| bench.judge(&refusal("invalid_request").exchange(), Some(&wanted));
    let found = failing(&own(&bench));
    assert_eq!(found, [("OA-3.2-ignore-unknown".to_owned(), Level::Must, FailClass::Refused)]);
    // Without a control it may be the set-up's fault.
    bench.controlled = false;
    let findings = own(&bench);
    assert!(
        findings
            .iter()
            .filter(|f| f.requirement != "OA-5.1-error-cache-control")
            .all(|f| f.verdict != Verdict::Fail)
    );
    assert!(
        findings
            .iter()
            .any(|f| f.requirement == "OA-3.2-ignore-unknown" && f.cause == Some(Cause::Precondition))
    );
}

#[test]
fn where_either_is_legitimate_each_branch_has_its_own_checks() {
    let either = expect(
        "{ refusal: { row: unknown-target }, success: [ { audience: { covers: allowed }, covers: RI-2-audience-restrict } ] }",
    );
    let mut bench = Bench::new();
    bench.form.push("audience", "https://api.example");
    assert_eq!(failing(&bench.judge(&refusal("invalid_target").exchange(), Some(&either))), []);
    let right = good().with("access_token", jwt(json!({ "aud": ["https://api.example", "x"] })));
    assert_eq!(failing(&bench.judge(&right.exchange(), Some(&either))), []);
    let wrong = good().with("access_token", jwt(json!({ "aud": "x" })));
    let found = failing(&bench.judge(&wrong.exchange(), Some(&either)));
    assert_eq!(found, [("RI-2-audience-restrict".to_owned(), Level::Should, FailClass::WrongForm)]);
}

#[test]
fn each_predicate_passes_and_fails() {
    let claims = json!({
        "sub": "alice", "aud": "https://api.example", "scope": "read", "client_id": "app", "iss": "https://as.example",
        "act": { "sub": "svc" }, "exp": now() + 60, "jti": "1", "cnf": { "jkt": "thumb" },
    });
    let rows = [
        ("claim: { at: /sub, same_as: subject }", "claim: { at: /sub, same_as: actor }"),
        ("claim: { at: /act/sub, same_as: actor }", "claim: { at: /act/sub, same_as: subject }"),
        ("claim: { at: /sub, not_same_as: client_id }", "claim: { at: /client_id, not_same_as: client_id }"),
        ("claim: { at: /iss, same_as: issuer }", "claim: { at: /iss, same_as: token_endpoint }"),
        (
            "claim: { at: /client_id, same_as: 'client:exchanger' }",
            "claim: { at: /sub, same_as: 'client:exchanger' }",
        ),
        ("claim: { at: /act, agrees_with: 'jwt:/act' }", "claim: { at: /act, agrees_with: subject }"),
        ("claim: { at: /sub, equals: alice }", "claim: { at: /sub, equals: bob }"),
        ("claim: { at: /sub, one_of: [alice, bob] }", "claim: { at: /sub, one_of: [bob] }"),
        ("claim: { at: /may_act, present: false }", "claim: { at: /act, present: false }"),
        ("claim: { at: /act, present: true }", "claim: { at: /may_act, present: true }"),
        ("claim: { at: /act, type: non-empty-object }", "claim: { at: /act, type: array }"),
        ("claim: { at: /exp, type: integer }", "claim: { at: /exp, type: string }"),
        ("claim: { at: /scope, contains: read }", "claim: { at: /scope, contains: write }"),
        ("claim: { at: /scope, excludes: write }", "claim: { at: /scope, excludes: read }"),
        ("claim: { at: /exp, at_most: 'subject:/exp' }", "claim: { at: /sub, at_most: 'subject:/exp' }"),
        ("claim: { at: /sub, min_length: 5 }", "claim: { at: /sub, min_length: 6 }"),
        ("claim: { at: /iss, url: https }", "claim: { at: /sub, url: https }"),
        ("member: { at: /token_type, equals: Bearer }", "member: { at: /token_type, equals: DPoP }"),
        ("jose: { at: /alg, equals: ES256 }", "jose: { at: /alg, equals: none }"),
        ("header: { name: Pragma, present: true }", "header: { name: Pragma, present: false }"),
        (
            "header: { name: Cache-Control, contains: no-store }",
            "header: { name: Cache-Control, contains: public }",
        ),
        (
            "header: { name: Content-Type, starts_with: application/json }",
            "header: { name: Content-Type, starts_with: text }",
        ),
        ("issued_type: access_token", "issued_type: jwt"),
        ("token_type: bearer", "token_type: N_A"),
        ("format: jwt", "format: opaque"),
        ("audience: { covers: allowed }", "audience: { excludes: allowed }"),
        ("audience: { present: true }", "audience: { present: false }"),
        ("audience: { at_most: 1 }", "audience: { at_most: 0 }"),
        ("scope: { within: subject }", "scope: { within_role: extra }"),
        ("scope: { equals_role: narrow }", "scope: { equals_role: extra }"),
        ("scope: { without_role: extra }", "scope: { differs_from_role: narrow }"),
        ("differs_from: subject", "bound_to: other"),
        ("bound_to: client", "binding_agrees: true"),
        ("lifetime_at_most: 100", "lifetime_at_most: 10"),
        ("expires_in_agrees: true", "format: id-token"),
    ];
    let mut bench = Bench::new();
    bench.form.push("audience", "https://api.example");
    let case = good().with("access_token", jwt(claims)).exchange();
    let verdict = |bench: &Bench, yaml: &str| {
        let check: Check = serde_yaml::from_str(&format!("{{ covers: TX-4.1-act-object, {yaml} }}")).unwrap();
        let expect = Expect { success: Some(vec![check]), ..Expect::default() };
        let findings = bench.judge(&case, Some(&expect));
        findings.into_iter().find(|f| f.requirement == "TX-4.1-act-object").map(|f| f.verdict)
    };
    for (right, wrong) in rows {
        assert_eq!(verdict(&bench, right), Some(Verdict::Pass), "{right}");
        assert_eq!(verdict(&bench, wrong), Some(Verdict::Fail), "{wrong}");
    }
}

#[test]
fn claims_of_an_opaque_token_are_unobservable_and_never_a_failure() {
    let wanted = expect(
        "success: [ { claim: { at: /act/sub, same_as: actor }, covers: TX-4.1-act-identifies-actor } ]",
    );
    let findings = Bench::new().judge(&good().exchange(), Some(&wanted));
    let own = findings.iter().find(|f| f.requirement == "TX-4.1-act-identifies-actor").unwrap();
    assert_eq!((own.verdict, own.cause), (Verdict::Inconclusive, Some(Cause::Unobservable)));
}

#[test]
fn scope_is_reported_when_it_differs_from_what_was_requested() {
    let mut bench = Bench::new();
    bench.form.push("scope", "read write");
    let wanted = expect(
        "success: [ { scope: { reported_if_different: true }, covers: TX-2.2.1-scope-required-when-different } ]",
    );
    let silent = good().with("access_token", jwt(json!({ "scope": "read" })));
    assert_eq!(failing(&bench.judge(&silent.exchange(), Some(&wanted))).len(), 1);
    let reported = good().with("access_token", jwt(json!({ "scope": "read" }))).with("scope", json!("read"));
    assert_eq!(failing(&bench.judge(&reported.exchange(), Some(&wanted))), []);
    let same = good().with("access_token", jwt(json!({ "scope": "write read" })));
    assert_eq!(failing(&bench.judge(&same.exchange(), Some(&wanted))), []);
}

#[test]
fn an_empty_scope_member_says_that_nothing_was_granted() {
    let mut bench = Bench::new();
    bench.form.push("scope", "admin");
    for wanted in ["without_role: extra", "reported_if_different: true"] {
        let wanted = expect(&format!(
            "success: [ {{ scope: {{ {wanted} }}, covers: TX-2.2.1-scope-required-when-different }} ]"
        ));
        let empty = good().with("access_token", jwt(json!({ "sub": "alice" }))).with("scope", json!(""));
        assert_eq!(failing(&bench.judge(&empty.exchange(), Some(&wanted))), []);
        let open = |f: &Finding| f.verdict == Verdict::Inconclusive;
        assert!(!bench.judge(&empty.exchange(), Some(&wanted)).iter().any(open));
    }
    // Left out, it says that all of it was granted.
    let wanted = expect("success: [ { scope: { without_role: extra }, covers: OA-5.2-invalid_scope } ]");
    let silent = good().with("access_token", jwt(json!({ "sub": "alice" })));
    assert_eq!(failing(&bench.judge(&silent.exchange(), Some(&wanted))).len(), 1);
}

/// What only the target file says to work is left open when it is refused; what a text demands is not.
#[test]
fn a_declared_value_that_is_refused_contradicts_the_file_and_is_open() {
    let known = expect(
        "success: [ { covers: TX-2.1-audience-optional }, \
         { audience: { covers: allowed }, covers: BCP-2.3-audience } ]",
    );
    let exchange = refusal("invalid_target").exchange();
    let found = Bench::new().judge(&exchange, Some(&known));
    for id in ["TX-2.1-audience-optional", "BCP-2.3-audience"] {
        let own = found.iter().find(|f| f.requirement == id).unwrap();
        assert_eq!((own.verdict, own.cause), (Verdict::Inconclusive, Some(Cause::Precondition)), "{id}");
    }
    let demanded = expect("success: [ { covers: OA-2.3.1-basic-supported } ]");
    let found = failing(&Bench::new().judge(&exchange, Some(&demanded)));
    assert_eq!(found, [("OA-2.3.1-basic-supported".to_owned(), Level::Must, FailClass::Refused)]);
    // What a scenario calls information on purpose stays that.
    let information = expect("success: [ { covers: TX-2.1-audience-optional, level: may, why: x } ]");
    let found = failing(&Bench::new().judge(&exchange, Some(&information)));
    assert_eq!(found, [("TX-2.1-audience-optional".to_owned(), Level::May, FailClass::Refused)]);
}

/// RFC 7519 section 4.1.7: another JWT has another jti. The same one handed out twice is no other.
#[test]
fn a_jti_that_two_different_tokens_share_is_a_violation() {
    let wanted = expect(
        "success: [ { claim: { at: /jti, in: jwt, not_same_as: 'first:/jti', if_missing: fine }, covers: JW-4.1.7-jti-unique } ]",
    );
    let mut bench = Bench::new();
    bench.tokens.insert("first".into(), token(json!({ "sub": "alice", "jti": "1" })));
    let verdict = |claims: Value| {
        let found = bench.judge(&good().with("access_token", jwt(claims)).exchange(), Some(&wanted));
        found.into_iter().find(|f| f.requirement == "JW-4.1.7-jti-unique").map(|f| (f.verdict, f.level))
    };
    assert_eq!(verdict(json!({ "sub": "bob", "jti": "1" })), Some((Verdict::Fail, Level::Must)));
    assert_eq!(verdict(json!({ "sub": "bob", "jti": "2" })), Some((Verdict::Pass, Level::Must)));
    assert_eq!(verdict(json!({ "sub": "alice", "jti": "1" })), None);
    assert_eq!(verdict(json!({ "sub": "bob" })), None);
}

/// Whom the token speaks for shows whether a misspelt subject_token was read. Where both are one, nothing shows it.
#[test]
fn a_token_for_the_client_itself_shows_no_use_of_another_parameter() {
    let wanted = expect(
        "success: [ { claim: { at: /sub, not_same_as: subject, if_missing: fine }, covers: OA-1.9-case-sensitive } ]\n\
         refusal: { row: missing-parameter, covers: OA-1.9-case-sensitive }",
    );
    let mut bench = Bench::new();
    let verdict = |bench: &Bench, sub: &str| {
        let case = good().with("access_token", jwt(json!({ "sub": sub })));
        let found = bench.judge(&case.exchange(), Some(&wanted));
        found.into_iter().find(|f| f.requirement == "OA-1.9-case-sensitive").map(|f| f.verdict)
    };
    assert_eq!(verdict(&bench, "app"), Some(Verdict::Pass));
    assert_eq!(verdict(&bench, "alice"), Some(Verdict::Fail));
    bench.tokens.insert("subject".into(), token(json!({ "sub": "app" })));
    assert_eq!(verdict(&bench, "app"), None);
}

#[test]
fn a_condition_can_ask_for_absence() {
    let wanted = |condition: &str| {
        expect(&format!(
            "success: [ {{ member: {{ at: /missing, equals: true, only_if: {{ at: /token_type, {condition} }} }}, covers: MD-tx-extra }} ]"
        ))
    };
    let judged = |condition: &str| {
        let found = Bench::new().judge(&good().exchange(), Some(&wanted(condition)));
        found.iter().any(|f| f.requirement == "MD-tx-extra")
    };
    assert!(judged("contains: Bearer") && !judged("absent: true"));
}

/// `reading: strict-6749` makes what is information elsewhere a warning, and says that it did.
#[test]
fn a_reading_scores_a_violation_as_it_says() {
    let mut bench = Bench::new();
    let exchange = good().header("pragma", None).exchange();
    let pragma = |bench: &Bench| {
        let found = bench.judge(&exchange, None).into_iter().find(|f| f.requirement == "OA-5.1-pragma");
        found.map(|f| (f.verdict, f.level, f.reading)).unwrap()
    };
    assert_eq!(pragma(&bench), (Verdict::Fail, Level::May, None));
    bench.run.reading = "strict-6749".into();
    assert_eq!(pragma(&bench), (Verdict::Fail, Level::Should, Some("strict-6749".into())));
}

/// What lawful servers write in another way is no violation.
#[test]
fn a_member_of_null_is_absent_and_a_time_with_a_fraction_is_the_same_second() {
    let none = "success: [ { member: { at: /refresh_token, present: false }, covers: TX-2.2.1-refresh_token-type } ]";
    let own = |value: Value| {
        let exchange = good().with("refresh_token", value).exchange();
        let findings = Bench::new().judge(&exchange, Some(&expect(none)));
        findings.into_iter().find(|f| f.requirement == "TX-2.2.1-refresh_token-type").unwrap().verdict
    };
    assert_eq!((own(Value::Null), own(json!("x"))), (Verdict::Pass, Verdict::Fail));
    let same = crate::judge::claims::same;
    assert!(same(&json!(1_795_277_028), &json!(1_795_277_028.0)));
    assert!(same(&json!(1_795_277_028.25), &json!(1_795_277_028)));
    assert!(!same(&json!(1_795_277_029.0), &json!(1_795_277_028)));
    assert!(!same(&json!("1795277028"), &json!(1_795_277_028)));
}

/// One place may show less of an actor than another; what both show must be the same.
#[test]
fn values_agree_if_nothing_that_both_show_differs() {
    let agree = crate::judge::claims::agree;
    let shown = json!({ "sub": "svc", "act": { "sub": "svc2", "client_id": "c2" } });
    assert_eq!(agree(&shown, &shown), Some(true));
    assert_eq!(agree(&shown, &json!({ "sub": "svc", "iss": "https://as.example" })), Some(true));
    assert_eq!(agree(&shown, &json!({ "sub": "svc", "act": { "sub": "svc2" } })), Some(true));
    assert_eq!(agree(&shown, &json!({ "sub": "svc", "act": { "sub": "other" } })), Some(false));
    assert_eq!(agree(&shown, &json!({ "sub": "other" })), Some(false));
    assert_eq!(agree(&shown, &json!("svc")), Some(false), "another form");
    assert_eq!(agree(&shown, &json!({ "iss": "https://as.example" })), None, "nothing to compare");
    assert_eq!(agree(&json!({}), &json!({})), None);
    // An issuer names no party, nor does who acted before.
    let other = json!({ "iss": "https://as.example", "client_id": "other" });
    assert_eq!(agree(&json!({ "sub": "svc", "iss": "https://as.example" }), &other), None);
    assert_eq!(agree(&shown, &json!({ "act": { "sub": "svc2" } })), None);
    assert_eq!(agree(&shown, &json!({ "sub": "svc", "iss": null })), Some(true));
}
