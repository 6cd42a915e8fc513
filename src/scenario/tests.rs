//! The embedded suite holds no mistake, and mistakes are all found.

use super::*;
use crate::spec::Catalogue;

#[test]
fn the_embedded_suite_holds_no_mistake() {
    let catalogue = Catalogue::embedded().unwrap();
    match Suite::embedded(&catalogue) {
        Ok(suite) => assert!(suite.warnings.0.is_empty(), "{}", suite.warnings),
        Err(LoadError::Mistakes(d)) => panic!("{d}"),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn every_damage_is_done_to_a_token_somewhere() {
    let suite = Suite::embedded(&Catalogue::embedded().unwrap()).unwrap();
    let done: Vec<Tamper> = suite
        .scenarios()
        .iter()
        .flat_map(|s| &s.edits)
        .flat_map(|e| e.subject.iter().chain(&e.actor))
        .filter_map(|t| t.tamper)
        .collect();
    for tamper in Tamper::ALL {
        assert!(done.contains(tamper), "no scenario does the damage {}", tamper.name());
    }
}

/// What is found in scenarios that come `from` a plain exchange, or expect something of it, as code and first words.
fn found(scenario: &str) -> Vec<(&'static str, String, Option<String>)> {
    let text = format!(
        "topic: t\nsection: s\nprofile: rfc8693-core\nscenarios:\n  - id: plain\n    title: t\n    exchange: {{}}\n{scenario}"
    );
    let all = match Suite::from_text("a.yaml", &text, &Catalogue::embedded().unwrap()) {
        Ok(suite) => suite.warnings,
        Err(LoadError::Mistakes(all)) => all,
        Err(error) => panic!("{error}"),
    };
    all.0.into_iter().map(|d| (d.code, d.message, d.label)).collect()
}

#[test]
fn a_misspelt_parameter_is_a_warning_and_one_that_is_wrong_on_purpose_none() {
    let edited = |edit: &str| {
        found(&format!(
            "  - id: e\n    title: t\n    from: plain\n    edit: {{ {edit} }}\n    expect:\n      refusal: {{ row: target, covers: TX-2.2.2-invalid_target }}\n"
        ))
        .into_iter()
        .filter(|(code, ..)| *code == "near-miss")
        .collect::<Vec<_>>()
    };
    for (edit, near) in [
        ("set: { audiance: x }", "audience"),
        ("add: { resorce: x }", "resource"),
        ("set: { subject_token_typ: x }", "subject_token_type"),
        ("drop: [subject_token, subjct_token_type]", "subject_token_type"),
        ("empty: scop", "scope"),
        ("bare: actr_token", "actor_token"),
        ("duplicate: audiense", "audience"),
        ("repeat: { parameter: cleint_id, value: x, order: after }", "client_id"),
        ("rename: { parameter: subject_tokn, to: x }", "subject_token"),
    ] {
        let all = edited(edit);
        assert_eq!(all.len(), 1, "{edit}: {all:?}");
        assert_eq!(all[0].2.as_deref(), Some(format!("did you mean `{near}`?").as_str()), "{edit}");
    }
    for edit in [
        "set: { audience: x }",
        "add: { Requested_Token_Type: x }",
        "add: { act: x }",
        "add: { aud: x }",
        "add: { \"resource[]\": x }",
        "rename: { parameter: audience, to: audiance }",
        "set: { x_vendor: x }",
    ] {
        assert!(edited(edit).is_empty(), "{edit}: {:?}", edited(edit));
    }
}

#[test]
fn a_name_that_nothing_has_cannot_be_compared_with() {
    let expecting = |check: &str| {
        found(&format!(
            "  - id: e\n    title: t\n    steps:\n      - exchange: {{}}\n        as: hop1\n      - exchange: {{ subject: hop1 }}\n    expect:\n      success:\n        - {{ covers: TX-4.1-act-object, {check} }}\n"
        ))
    };
    for (check, near) in [
        ("claim: { at: /sub, same_as: sub }", Some("subject")),
        ("claim: { at: /sub, not_same_as: actr }", Some("actor")),
        ("claim: { at: /sub, agrees_with: \"hop:/act\" }", Some("hop1")),
        ("claim: { at: /exp, at_most: \"usr:/exp\" }", Some("user")),
        ("claim: { at: /sub, same_as_one_of: [actor, clientid] }", Some("client_id")),
        ("differs_from: zzzzzzz", None),
        ("scope: { within: subjekt }", Some("subject")),
        ("audience: { differs_from: hop2 }", Some("hop1")),
    ] {
        let all = expecting(check);
        assert_eq!(all.iter().map(|(code, ..)| *code).collect::<Vec<_>>(), ["unknown-reference"], "{check}");
        assert_eq!(all[0].2, near.map(|near| format!("did you mean `{near}`?")), "{check}");
    }
    for check in [
        "claim: { at: /sub, same_as: \"client:exchangr\" }",
        "scope: { within_role: narow }",
        "audience: { covers: alowed }",
    ] {
        let all = expecting(check);
        assert_eq!(all.iter().map(|(code, ..)| *code).collect::<Vec<_>>(), ["unknown-role"], "{check}");
    }
    // A key of another name is a key of one's own, which may be what was meant.
    let all = expecting("bound_to: cilent");
    assert_eq!(all[0].2.as_deref(), Some("did you mean `client`?"), "{all:?}");
    assert!(expecting("bound_to: mine").is_empty());
    for check in [
        "claim: { at: /sub, same_as: subject }",
        "claim: { at: /sub, same_as: \"x-mine:/sub\" }",
        "claim: { at: /sub, same_as: \"response:/sub\" }",
        "claim: { at: /sub, same_as: \"client:x-mine\" }",
        "claim: { at: /sub, same_as_one_of: [issuer, client_id, \"hop1:/act/sub\", second_user] }",
        "scope: { within: hop1 }",
        "audience: { within: user }",
    ] {
        assert!(expecting(check).is_empty(), "{check}: {:?}", expecting(check));
    }
}
