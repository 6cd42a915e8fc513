//! Tests of the whole summary.

use proptest::prelude::*;

use super::*;
use crate::report::{fixture, is_unsafe};

fn markdown(report: &Report) -> String {
    render(report, fixture::catalogue())
}

#[test]
fn sample() {
    insta::assert_snapshot!(markdown(&fixture::sample()));
}

#[test]
fn a_server_cannot_blow_the_summary_up() {
    for text in ["x".repeat(1_000), "\u{e0041}:".repeat(700), "`@".repeat(700)] {
        let size = markdown(&fixture::large(&text)).len();
        assert!(size < 1024 * 1024, "{size}");
    }
}

#[test]
fn a_server_cannot_write_html_links_or_headings() {
    let out = markdown(&fixture::hostile("\n# boo\n<script>x</script> [a](javascript:b) ![i](u) | a |"));
    for line in out.lines() {
        assert!(!line.starts_with("# boo"), "{line}");
    }
    // What looks like HTML stands in code only.
    let bare: String = out.split('`').step_by(2).collect();
    let bare = bare.replace("\\]", "");
    assert!(!bare.contains("<script") && !bare.contains("](javascript"), "{bare}");
}

/// A specification that cites a section of another adds to that section's row.
#[test]
fn no_section_has_two_rows() {
    let mut report = fixture::sample();
    let known = report.requirements[0].clone();
    let citing = fixture::catalogue().requirements().iter().find(|r| r.section == "RFC 8693 4.1").unwrap();
    for (spec, section) in [("RFC 8693", "4.1"), (citing.spec.as_str(), citing.section.as_str())] {
        let mut row = known.clone();
        (row.spec, row.section) = (spec.into(), section.into());
        report.requirements.push(row);
    }
    let out = markdown(&report);
    let rows = out.split("by section").nth(1).unwrap().split("</details>").next().unwrap();
    assert_eq!(rows.matches("| [RFC 8693 section 4.1](").count(), 1, "{rows}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_unsafe_character_survives(text in "(\\PC|\\p{Cc}|\\p{Cf}|[`|<>\\\\]){0,60}") {
        let out = markdown(&fixture::hostile(&text));
        prop_assert!(!out.contains(|c: char| c != '\n' && is_unsafe(c)));
    }
}
