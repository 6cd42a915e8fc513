//! Tests of both texts as a whole.

use proptest::prelude::*;

use super::*;
use crate::report::{Paths, Report, fixture, is_unsafe};

fn explained(report: &Report, styled: bool) -> String {
    report
        .scenarios
        .iter()
        .filter(|s| !s.failures().is_empty() || s.reason.is_some())
        .map(|s| explain(s, fixture::catalogue(), 80, styled))
        .collect::<Vec<_>>()
        .join("\n----\n\n")
}

fn closing(report: &Report, styled: bool) -> String {
    let paths = Paths {
        json: "reports/report.json".into(),
        junit: "reports/junit.xml".into(),
        markdown: "reports/summary.md".into(),
        html: "reports/report.html".into(),
    };
    summary(report, fixture::catalogue(), Some(&paths), 80, styled)
}

#[test]
fn explanations() {
    insta::assert_snapshot!(explained(&fixture::sample(), false));
}

#[test]
fn the_summary() {
    insta::assert_snapshot!(closing(&fixture::sample(), false));
}

#[test]
fn colour_only_repeats_what_words_say() {
    let report = fixture::sample();
    for make in [explained, closing] {
        let styled = make(&report, true);
        assert!(styled.contains('\u{1b}'));
        assert_eq!(anstream::adapter::strip_str(&styled).to_string(), make(&report, false));
    }
}

#[test]
fn lines_fit_but_for_addresses_and_the_command() {
    let report = fixture::sample();
    for line in explained(&report, false).lines().chain(closing(&report, false).lines()) {
        let whole = line.contains("https://") || line.contains("curl ");
        assert!(whole || line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let text = closing(&fixture::large("x"), false);
    assert!(text.lines().count() < 200, "{}", text.lines().count());
    assert!(text.contains("more, in the reports"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_unsafe_character_survives(text in "(\\PC|\\p{Cc}|\\p{Cf}){0,60}") {
        let report = fixture::hostile(&text);
        for out in [explained(&report, false), closing(&report, false)] {
            prop_assert!(!out.contains(|c: char| c != '\n' && is_unsafe(c)));
        }
    }
}
