//! The generic oracles: what is judged on every response of the token endpoint.

use super::*;

#[test]
fn a_right_success_and_a_right_refusal_fail_nothing() {
    let bench = Bench::new();
    assert_eq!(failing(&bench.judge(&good().exchange(), None)), []);
    for code in ["invalid_request", "invalid_target", "invalid_scope"] {
        assert_eq!(failing(&bench.judge(&refusal(code).exchange(), None)), []);
    }
    assert_eq!(failing(&bench.judge(&refusal("invalid_client").status(401).exchange(), None)), []);
}

#[test]
fn each_line_of_the_success_oracle_fails_for_its_own_reason() {
    use FailClass::{Malformed, WrongForm};
    use Level::{May, Must, Should};
    let uri = |name: &str| json!(format!("urn:ietf:params:oauth:token-type:{name}"));
    let required =
        [("TX-2.2.1-access_token-required", Must, Malformed), ("OA-5.1-required-members", Must, Malformed)];
    let rows: Vec<(&str, Case, Vec<(&str, Level, FailClass)>)> = vec![
        ("201", good().status(201), vec![("TX-2.2.1-status-200", Must, WrongForm)]),
        (
            "html",
            good().header("content-type", Some("text/html")),
            vec![("TX-2.2.1-media-type", Must, Malformed)],
        ),
        ("no type", good().header("content-type", None), vec![("TX-2.2.1-media-type", Must, Malformed)]),
        (
            "cacheable",
            good().header("cache-control", Some("private, max-age=0")),
            vec![("OA-5.1-cache-control", Must, WrongForm)],
        ),
        ("no pragma", good().header("pragma", None), vec![("OA-5.1-pragma", May, WrongForm)]),
        (
            "error beside",
            good().with("error", json!("x")),
            vec![("TX-2.2-normal-oauth-response", Must, Malformed)],
        ),
        ("empty token", good().with("access_token", json!("")), required.to_vec()),
        ("token object", good().with("access_token", json!({ "a": 1 })), required.to_vec()),
        (
            "no issued type",
            good().without("issued_token_type"),
            vec![("TX-2.2.1-issued_token_type-required", Must, Malformed)],
        ),
        (
            "null issued type",
            good().with("issued_token_type", Value::Null),
            vec![("TX-2.2.1-issued_token_type-required", Must, Malformed)],
        ),
        (
            "bare word",
            good().with("issued_token_type", json!("access_token")),
            vec![("TX-3-identifiers-are-uris", Must, Malformed)],
        ),
        (
            "swapped",
            good().with("issued_token_type", json!("Bearer")),
            vec![
                ("TX-3-identifiers-are-uris", Must, Malformed),
                ("TX-2.2.1-token_type-vs-issued_token_type", Must, WrongForm),
            ],
        ),
        (
            "no token type",
            good().without("token_type"),
            vec![
                ("OA-5.1-required-members", Must, Malformed),
                ("TX-2.2.1-token_type-required", Must, Malformed),
            ],
        ),
        (
            "type as use",
            good().with("token_type", uri("access_token")),
            vec![("TX-2.2.1-token_type-vs-issued_token_type", Must, WrongForm)],
        ),
        ("N/A", good().with("token_type", json!("N/A")), vec![("OA-8.1-type-name", Must, Malformed)]),
        (
            "unknown name",
            good().with("token_type", json!("Bear")),
            vec![("TX-2.2.1-token_type-known", Should, WrongForm)],
        ),
        (
            "access token as N_A",
            good().with("token_type", json!("N_A")),
            vec![("TX-2.2.1-token_type-vs-issued_token_type", Must, WrongForm)],
        ),
        (
            "refresh token as Bearer",
            good().with("issued_token_type", uri("refresh_token")),
            vec![("TX-2.2.1-token_type-N_A", Should, WrongForm)],
        ),
        (
            "no expires_in",
            good().without("expires_in"),
            vec![("TX-2.2.1-expires_in-recommended", Should, WrongForm)],
        ),
        (
            "expires_in text",
            good().with("expires_in", json!("60")),
            vec![("TX-2.2.1-expires_in-number", Must, Malformed)],
        ),
        (
            "expires_in fraction",
            good().with("expires_in", json!(1.5)),
            vec![("TX-2.2.1-expires_in-number", Should, WrongForm)],
        ),
        (
            "expires_in zero",
            good().with("expires_in", json!(0)),
            vec![("TX-2.2.1-expires_in-number", Should, WrongForm)],
        ),
        ("scope array", good().with("scope", json!(["a"])), vec![("OA-3.3-scope-grammar", Must, Malformed)]),
        ("scope quote", good().with("scope", json!("a\"b")), vec![("OA-3.3-scope-grammar", Must, Malformed)]),
        (
            "token with space",
            good().with("access_token", json!("a b")),
            vec![("BT-2.1-b64token", Must, Malformed)],
        ),
        (
            "jwt that is none",
            good().with("issued_token_type", uri("jwt")),
            vec![("TX-2.2.1-issued_token_type-truthful", Must, WrongForm)],
        ),
        (
            "array",
            good().body(br#"[{"access_token":"a"}]"#),
            vec![("TX-2.2.1-json-toplevel", Must, Malformed)],
        ),
        (
            "wrapped",
            good().body(br#"{"data":{"access_token":"a"}}"#),
            vec![("TX-2.2.1-json-toplevel", Must, Malformed)],
        ),
    ];
    let bench = Bench::new();
    for (name, case, wanted) in rows {
        let wanted: Vec<_> =
            wanted.into_iter().map(|(id, level, class)| (id.to_owned(), level, class)).collect();
        assert_eq!(failing(&bench.judge(&case.exchange(), None)), wanted, "{name}");
    }
}

#[test]
fn repeated_members_and_byte_order_marks_are_seen_in_the_raw_bytes() {
    let bench = Bench::new();
    let repeated = good_members().to_string().replacen('{', r#"{"access_token":"other","#, 1);
    let found = failing(&bench.judge(&good().body(repeated.as_bytes()).exchange(), None));
    assert_eq!(found, [("OA-3.2-no-repeat-response".to_owned(), Level::Must, FailClass::Malformed)]);
    let marked = format!("\u{feff}{}", good_members());
    let found = failing(&bench.judge(&good().body(marked.as_bytes()).exchange(), None));
    assert_eq!(found, [("TX-2.2.1-json-toplevel".to_owned(), Level::Must, FailClass::Malformed)]);
}

#[test]
fn each_line_of_the_error_oracle_fails_for_its_own_reason() {
    use FailClass::{Accepted, Malformed, WrongForm};
    use Level::{Must, Should};
    let rows: Vec<(&str, Case, Vec<(&str, Level, FailClass)>)> = vec![
        ("401", refusal("invalid_request").status(401), vec![("OA-5.2-status-400", Should, WrongForm)]),
        ("403", refusal("invalid_request").status(403), vec![("OA-5.2-status-400", Should, WrongForm)]),
        (
            "500",
            refusal("invalid_request").status(500),
            vec![("OA-5.2-status-400", Must, WrongForm), ("TX-2.2.2-error-response-must", Must, Malformed)],
        ),
        (
            "200 with error",
            refusal("invalid_request").status(200),
            vec![("OA-5.2-status-400", Must, WrongForm), ("TX-2.2.2-error-response-must", Must, Malformed)],
        ),
        (
            "html",
            refusal("x").body(b"<html>").header("content-type", Some("text/html")),
            vec![("TX-2.2.2-error-response-must", Must, Malformed), ("OA-5.2-json", Must, Malformed)],
        ),
        (
            "no error",
            refusal("x").body(b"{}"),
            vec![
                ("TX-2.2.2-error-response-must", Must, Malformed),
                ("OA-5.2-error-required", Must, Malformed),
            ],
        ),
        ("foreign code", refusal("invalid_token"), vec![("TX-2.2.2-other-codes", Should, WrongForm)]),
        ("unregistered code", refusal("bad_thing"), vec![("OA-8.5-error-registration", Should, WrongForm)]),
        (
            "quote in description",
            refusal("invalid_request").with("error_description", json!("the \"x\"")),
            vec![("OA-5.2-description-charset", Must, Malformed)],
        ),
        (
            "newline in description",
            refusal("invalid_request").with("error_description", json!("a\nb")),
            vec![("OA-5.2-description-charset", Must, Malformed)],
        ),
        (
            "space in uri",
            refusal("invalid_request").with("error_uri", json!("https://a.example/b c")),
            vec![("OA-5.2-error_uri-syntax", Must, Malformed)],
        ),
        (
            "refresh token beside",
            refusal("invalid_request").with("refresh_token", json!("t")),
            vec![("TX-2.2.2-error-response-must", Must, Accepted)],
        ),
    ];
    let bench = Bench::new();
    for (name, case, wanted) in rows {
        let wanted: Vec<_> =
            wanted.into_iter().map(|(id, level, class)| (id.to_owned(), level, class)).collect();
        assert_eq!(failing(&bench.judge(&case.exchange(), None)), wanted, "{name}");
    }
}

#[test]
fn a_submitted_token_must_not_come_back_in_an_error() {
    let mut bench = Bench::new();
    bench.form.push("subject_token", "a-long-enough-subject-token");
    let case =
        refusal("invalid_request").with("error_description", json!("bad: a-long-enough-subject-token"));
    let found = failing(&bench.judge(&case.exchange(), None));
    assert_eq!(found, [("TX-2.2.2-error-response-must".to_owned(), Level::Should, FailClass::Malformed)]);
}

#[test]
fn a_failed_basic_login_needs_401_and_a_basic_challenge() {
    let bench = Bench::new();
    let wanted =
        expect("refusal: { row: client-auth-basic-failed, covers: OA-3.2.1-confidential-must-auth }");
    let basic = |case: Case, value: Option<&str>| {
        failing(&bench.judge(&case.header("www-authenticate", value).exchange(), Some(&wanted)))
    };
    assert_eq!(basic(refusal("invalid_client").status(401), Some("Bearer, basic realm=\"x\"")), []);
    for (case, value) in [
        (refusal("invalid_client").status(401), None),
        (refusal("invalid_client").status(401), Some("Bearer")),
        (refusal("invalid_client"), Some("Basic")),
    ] {
        assert_eq!(
            basic(case, value),
            [("OA-5.2-invalid_client-401".to_owned(), Level::Must, FailClass::WrongForm)]
        );
    }
}

#[test]
fn the_generic_oracles_name_every_requirement_that_they_judge() {
    let (bench, named) = (Bench::new(), oracle_requirements());
    let exchanges = [
        good().with("scope", json!("a")).with("access_token", jwt(json!({ "sub": "a" }))).exchange(),
        good().with("issued_token_type", json!("urn:ietf:params:oauth:token-type:id_token")).exchange(),
        refusal("bad_thing").with("error_description", json!("x")).with("error_uri", json!("/x")).exchange(),
    ];
    let judged: BTreeSet<String> =
        exchanges.iter().flat_map(|e| bench.judge(e, None)).map(|f| f.requirement).collect();
    assert_eq!(judged.iter().map(String::as_str).collect::<Vec<_>>(), named);
}

#[test]
fn what_nothing_contradicts_is_reported_as_what_it_may_be() {
    let uri = "urn:ietf:params:oauth:token-type:refresh_token";
    let case = good().with("issued_token_type", json!(uri)).with("token_type", json!("N_A"));
    let findings = Bench::new().judge(&case.exchange(), None);
    let own = findings.iter().find(|f| f.requirement == "TX-2.2.1-issued_token_type-truthful").unwrap();
    assert_eq!((own.verdict, own.observed.as_str()), (Verdict::Pass, "a token that may be a refresh token"));
}
