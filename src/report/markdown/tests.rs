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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_unsafe_character_survives(text in "(\\PC|\\p{Cc}|\\p{Cf}|[`|<>\\\\]){0,60}") {
        let out = markdown(&fixture::hostile(&text));
        prop_assert!(!out.contains(|c: char| c != '\n' && is_unsafe(c)));
    }
}
