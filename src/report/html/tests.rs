//! Tests of the whole page.

use proptest::prelude::*;

use super::*;
use crate::{
    judge::Finding,
    report::{
        fixture::{self, Build},
        is_unsafe,
    },
    spec::Level,
};

fn html(report: &Report) -> String {
    render(report, fixture::catalogue()).unwrap()
}

/// The page without our own style and script, whose digests change with every edit.
fn body(report: &Report) -> String {
    let policy = policy(STYLE, Some(SCRIPT)).replace('\'', "&#39;");
    html(report).replace(STYLE, "").replace(SCRIPT, "").replace(&policy, "")
}

#[test]
fn sample() {
    insta::assert_snapshot!(body(&fixture::sample()));
}

#[test]
fn the_policy_admits_the_very_style_and_script_of_the_page() {
    let page = html(&fixture::sample());
    let between = |open: &str, close: &str| {
        let start = page.find(open).unwrap() + open.len();
        &page[start..start + page[start..].find(close).unwrap()]
    };
    let policy = policy(between("<style>", "</style>"), Some(between("<script>", "</script>")));
    assert!(page.contains(&policy.replace('\'', "&#39;")), "{policy}");
}

#[test]
fn nothing_is_fetched() {
    let page = html(&fixture::sample());
    for attribute in ["src=", "@import", "url(", "<link", "<img", "<iframe"] {
        assert!(!page.contains(attribute), "{attribute}");
    }
}

#[test]
fn every_link_inside_the_page_leads_somewhere() {
    let page = body(&fixture::sample());
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|t| t.split('"').next()).collect();
    for link in page.split("href=\"#").skip(1).filter_map(|t| t.split('"').next()) {
        assert!(ids.contains(&link), "{link}");
    }
}

#[test]
fn markup_from_a_server_stays_text() {
    let page = body(&fixture::hostile("\"'><script>alert(1)</script><img src=x onerror=y>{{7*7}}"));
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert!(page.contains("{{7*7}}"));
}

#[test]
fn what_was_wrongly_accepted_comes_first_with_its_exchange() {
    let mut run = fixture::sample_run();
    run.scenarios.reverse();
    let page = body(&Report::new(fixture::identity(), &run));
    let at = |id: &str| page.find(&format!("<details class=\"s r v-fail\" id=\"{id}\"")).unwrap();
    let (hole, wrong_form) = (at("actor-token-without-type"), at("subject-token-expired"));
    assert!(hole < wrong_form);
    assert!(page[hole..wrong_form].contains("Send it again"));
}

#[test]
fn a_large_run_stays_small() {
    let mut scenarios = Vec::new();
    let sample = fixture::sample_run();
    for i in 0..300 {
        let base = sample.scenarios[i % 3].clone();
        let mut findings = base.findings.clone();
        findings.extend((0..16).map(|_| {
            Finding::pass(
                "TX-2.1-actor_token_type-required-with-actor",
                Level::Must,
                "Cache-Control: no-store",
                "200 application/json;charset=utf-8",
            )
        }));
        let mut scenario = base.judged(findings);
        scenario.id = format!("a-scenario-with-a-name-of-usual-length-{i}");
        scenarios.push(scenario);
    }
    let run = fixture::run(scenarios);
    let size = html(&Report::new(fixture::identity(), &run)).len();
    assert!(size < 1_500_000, "{size}");
}

#[test]
fn a_server_cannot_blow_the_page_up() {
    for text in ["<".repeat(1_000), "\u{e0041}".repeat(700)] {
        let size = html(&fixture::large(&text)).len();
        // Titles and topics, which no server writes, are hostile here too.
        assert!(size < 4_000_000, "{size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_unsafe_character_survives(text in "(\\PC|\\p{Cc}|\\p{Cf}|[<>&\"']){0,60}") {
        let page = body(&fixture::hostile(&text));
        prop_assert!(!page.contains(|c: char| c != '\n' && is_unsafe(c)));
    }
}
