//! Everything that reads bytes which others wrote keeps its properties (`tests/checks/`): over the corpus in `fuzz/corpus/`,
//! over that corpus damaged, over generated inputs, and in a time that grows with the input and not faster. The same checks
//! run under cargo-fuzz (`fuzz/`).

mod checks;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};
use txspec::{
    token::{Jwt, b64},
    wire::{StrictJson, Vault},
};

/// A check with its corpus folder and how many inputs it gets.
const CHECKS: [(&str, fn(&[u8]), u32); 5] = [
    ("scenario_loader", checks::check_scenario_loader, 12),
    ("target_loader", checks::check_target_loader, 12),
    ("json_oracle", checks::check_json_oracle, 400),
    ("jwt_splitter", checks::check_jwt_splitter, 400),
    ("redactor", checks::check_redactor, 40),
];

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{}: {} inputs", folder.display(), paths.len());
    paths.iter().map(|p| (p.display().to_string(), fs::read(p).unwrap())).collect()
}

fn run(cases: u32, strategy: impl Strategy<Value = Vec<u8>>, check: fn(&[u8])) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |data| {
        check(&data);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn the_corpus_keeps_every_property() {
    for (name, check, _) in CHECKS {
        for (path, data) in corpus(name) {
            let outcome = std::panic::catch_unwind(|| check(&data));
            assert!(outcome.is_ok(), "{path}");
        }
    }
}

/// What an editor, a cut connection or an attacker does to bytes.
fn damage(mut data: Vec<u8>, edits: &[(usize, u8, u8)]) -> Vec<u8> {
    for (place, kind, byte) in edits {
        if data.is_empty() {
            data.push(*byte);
        }
        let at = place % data.len();
        match kind % 6 {
            0 => data[at] = *byte,
            1 => data.insert(at, *byte),
            2 => drop(data.remove(at)),
            3 => data.truncate(at),
            4 => {
                let end = (at + usize::from(*byte)).min(data.len());
                let part = data[at..end].to_vec();
                data.splice(at..at, part);
            }
            _ => {
                let end = (at + usize::from(*byte)).min(data.len());
                data.drain(at..end);
            }
        }
    }
    data
}

#[test]
fn the_damaged_corpus_keeps_every_property() {
    for (name, check, cases) in CHECKS {
        let inputs: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, data)| data).collect();
        let edits = vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..4);
        let damaged = (0..inputs.len(), edits).prop_map(move |(i, edits)| damage(inputs[i].clone(), &edits));
        run(cases, damaged, check);
    }
}

#[test]
fn arbitrary_bytes_keep_every_property() {
    for (_, check, cases) in CHECKS {
        run(cases, vec(any::<u8>(), 0..200), check);
        run(cases, ".{0,120}".prop_map(String::into_bytes), check);
    }
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        "[0-9.eE+-]{1,8}",
        ".{0,8}".prop_map(|s| json!(s).to_string()),
        r#""\\\\u[dD0-9][0-9a-fA-F]{3}""#,
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let name = prop_oneof![Just("access_token".to_owned()), Just("a".to_owned()), ".{0,3}"];
        let member = (name, inner.clone()).prop_map(|(n, v)| format!("{}:{v}", json!(n)));
        prop_oneof![
            vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(" , "))),
        ]
    })
}

#[test]
fn generated_json_is_read_as_serde_json_reads_it() {
    run(600, json_text().prop_map(String::into_bytes), checks::check_json_oracle);
    run(200, json_text().prop_map(|t| format!("\u{feff}{t}").into_bytes()), checks::check_json_oracle);
}

#[test]
fn a_member_is_named_as_repeated_if_and_only_if_it_is() {
    let names = vec("[a-d]", 0..6);
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(names, 0..4usize), |(names, depth)| {
        let members: Vec<String> = names.iter().map(|n| format!("\"{n}\":1")).collect();
        let text = format!("{}{{{}}}{}", "[".repeat(depth), members.join(","), "]".repeat(depth));
        let json = StrictJson::parse(text.as_bytes()).unwrap();
        for name in ["a", "b", "c", "d"] {
            let times = names.iter().filter(|n| *n == name).count();
            let named = json.duplicates.iter().filter(|d| *d == name).count();
            prop_assert_eq!(named, usize::from(times > 1));
        }
        Ok(())
    });
    outcome.unwrap();
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        vec("[a-z]{1,4}", 0..3).prop_map(Value::from),
        "[a-z]{1,4}".prop_map(|s| json!({ "sub": s })),
    ];
    vec(("[a-z_]{1,8}", value), 0..6).prop_map(|members| members.into_iter().collect())
}

#[test]
fn a_jwt_that_was_put_together_is_taken_apart_as_it_was() {
    let parts = (object(), object(), "[A-Za-z0-9_-]{0,20}");
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&parts, |(mut header, claims, signature)| {
        header.insert("alg".into(), json!("ES256"));
        let join = |h: &Map<String, Value>, c: &Map<String, Value>| {
            format!("{}.{}.{signature}", b64(json!(h).to_string()), b64(json!(c).to_string()))
        };
        let text = join(&header, &claims);
        let jwt = Jwt::decode(&text).unwrap();
        prop_assert_eq!(join(&jwt.header, &jwt.claims), text.clone());
        prop_assert_eq!((&jwt.header, &jwt.claims, jwt.unsigned), (&header, &claims, signature.is_empty()));
        checks::check_jwt_splitter(text.as_bytes());
        checks::check_jwt_splitter(format!("{text}.a.b").as_bytes());
        Ok(())
    });
    outcome.unwrap();
}

/// Text as it stands around secrets: JSON, forms, headers, base64, percent escapes, quotes, control characters.
fn surroundings() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(r#"{"access_token":""#.to_owned()),
        Just("subject_token=".to_owned()),
        Just("Basic ".to_owned()),
        Just("eyJhbGciOiJub25lIn0.".to_owned()),
        Just("%".to_owned()),
        "[A-Za-z0-9+/_=.-]{1,12}",
        "%[0-9a-fA-F]{1,2}",
        "[ &=\"\\\\{}\\[\\],:\n]{1,4}",
        ".{0,4}",
    ];
    (any::<u8>(), any::<u8>(), vec(piece, 0..12)).prop_map(|(choice, place, pieces)| {
        let mut data = vec![choice, place];
        data.extend(pieces.concat().into_bytes());
        data
    })
}

#[test]
fn a_planted_secret_survives_in_no_surroundings() {
    run(120, surroundings(), checks::check_redactor);
}

/// Four times the input may take four times as long; what grows with the square takes sixteen times.
#[test]
fn time_grows_no_faster_than_the_input() {
    let vault = Vault::default();
    vault.remember("secret", &"a canary that stands in the way".into());
    vault.remember_issued(&"issued-canary-0123456789".into());
    let redactor = vault.redactor();
    let redact = |text: &str| drop(redactor.text(text));
    let json = |text: &str| drop(StrictJson::parse(text.as_bytes()));
    let jwt = |text: &str| drop(Jwt::decode(text));
    let works: [(&str, &dyn Fn(&str), &[&str]); 3] = [
        (
            "redactor",
            &redact,
            &[
                "ey",
                "ey.",
                "eyJhbGciOiJub25lIn0.",
                "Basic ",
                "%25",
                "%4",
                "QUJD",
                "a canary ",
                "{\"token\":",
                "\"",
                "é.",
            ],
        ),
        ("json", &json, &["[", "{\"a\":", "\"a\",", "[1],", "\\", "1", "\"\\u0041\","]),
        ("jwt", &jwt, &["a.", "eyJhbGciOiJub25lIn0.", "e30", ".", "é"]),
    ];
    let time = |work: &dyn Fn(&str), text: &str| {
        let once = || {
            let started = Instant::now();
            work(text);
            started.elapsed()
        };
        // The fastest of three: other programs only ever add.
        (0..3).map(|_| once()).min().unwrap()
    };
    for (name, work, units) in works {
        for unit in units {
            let text = unit.repeat(24_000 / unit.len());
            let (short, long) = (time(work, &text), time(work, &text.repeat(4)));
            let bound = short * 10 + Duration::from_millis(40);
            assert!(
                long <= bound,
                "{name}: {unit:?} repeated took {short:?}, and {long:?} four times as often"
            );
        }
    }
}
