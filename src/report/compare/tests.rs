//! Tests of comparing.

use super::*;
use crate::{
    judge::{FailClass, Finding, Verdict},
    report::{
        Report,
        fixture::{self, Build},
        is_unsafe,
    },
    run::Observation,
    scenario::ProfileName,
    spec::Level,
};

fn named(name: &str, mut report: Report) -> Report {
    report.target.name = name.into();
    report
}

/// The sample server with its violations mended, one added, and less of it judged.
fn other() -> Report {
    let mut run = fixture::sample_run();
    run.scenarios.retain(|s| s.id != "own-scenario");
    for scenario in &mut run.scenarios {
        let findings = std::mem::take(&mut scenario.findings)
            .into_iter()
            .map(|mut f| {
                match scenario.id.as_str() {
                    "actor-token-without-type" => f.verdict = Verdict::Pass,
                    "delegation" if f.requirement == "OA-5.1-cache-control" => {
                        f = f.failed(FailClass::Malformed);
                        f.observed = "no Cache-Control field".into();
                    }
                    "delegation" if f.fact.is_some() => f.observed = "act absent".into(),
                    "resource-fragment" => {
                        f = Finding::pass(&f.requirement, f.level, "a refusal", "400 invalid_target");
                    }
                    _ => {}
                }
                f
            })
            .collect::<Vec<_>>();
        if !findings.is_empty() {
            *scenario = scenario.clone().judged(findings);
        }
    }
    let mut report = Report::new(fixture::identity(), &fixture::run(run.scenarios));
    report.tool.version = "0.0.0".into();
    named("Other AS", report)
}

fn pair() -> Comparison {
    Comparison::new(&[fixture::sample(), other()], fixture::catalogue()).unwrap()
}

#[test]
fn on_a_terminal() {
    insta::assert_snapshot!(terminal::render(&pair(), 80, false));
}

#[test]
fn in_markdown() {
    insta::assert_snapshot!(markdown::render(&pair(), fixture::catalogue()));
}

#[test]
fn in_html() {
    let page = html::render(&pair(), fixture::catalogue()).unwrap();
    let start = page.find("<h1>").unwrap();
    insta::assert_snapshot!(&page[start..]);
    assert!(!page.contains("<script"));
}

#[test]
fn in_json() {
    insta::assert_snapshot!(pair().to_json().unwrap());
}

#[test]
fn a_report_does_not_differ_from_itself() {
    let same = Comparison::new(&[fixture::sample(), fixture::sample()], fixture::catalogue()).unwrap();
    assert!(same.differing.is_empty() && same.unequally_judged.is_empty() && same.notes.is_empty());
    assert_eq!(same.targets[1].label, "Example AS 4.2 #2");
}

#[test]
fn only_what_all_share_is_compared_and_the_rest_is_named() {
    let mut security = other();
    security.profile = ProfileName::Security;
    security.tool.version = "9.9.9".into();
    security.scenarios[1].difference = Some("something else".into());
    let comparison = Comparison::new(&[fixture::sample(), security], fixture::catalogue()).unwrap();
    let notes = comparison.notes.join("\n");
    for word in ["versions of txspec differ", "profiles differ", "2 scenarios of Example AS"] {
        assert!(notes.contains(word), "{notes}");
    }
    // The only scenario that judged it asks something else now.
    let id = "TX-2.1-actor_token_type-required-with-actor";
    assert!(comparison.differing.iter().all(|r| r.requirement != id));
}

#[test]
fn what_most_servers_violate_is_named_also_where_they_agree() {
    let id = "TX-2.1-actor_token_type-required-with-actor";
    let common = |reports: &[Report]| {
        let comparison = Comparison::new(reports, fixture::catalogue()).unwrap();
        comparison.common.iter().any(|r| r.requirement == id)
    };
    assert!(common(&[fixture::sample(), fixture::sample()]));
    assert!(common(&[fixture::sample(), fixture::sample(), other()]));
    assert!(!common(&[fixture::sample(), other()]));
}

#[test]
fn a_waived_violation_is_a_violation_still() {
    let mut mended = fixture::sample();
    for f in mended.scenarios.iter_mut().flat_map(|s| &mut s.findings) {
        if f.waiver.take().is_some() {
            f.verdict = Verdict::Pass;
        }
    }
    let comparison = Comparison::new(&[fixture::sample(), mended], fixture::catalogue()).unwrap();
    assert_eq!(comparison.unique.len(), 1);
    assert!(comparison.unique[0].cell.waived);
}

#[test]
fn a_server_s_own_address_and_the_time_of_the_run_are_no_difference() {
    let at = |issuer: &str, time: &str| {
        let mut report = fixture::sample();
        report.target.issuer = Some(issuer.into());
        report.observations[0].value = format!("{issuer}/x until {time}, 120 s");
        report
    };
    let reports = [at("http://127.0.0.1:1", "1795233398"), at("http://127.0.0.1:2", "1795233386")];
    let comparison = Comparison::new(&reports, fixture::catalogue()).unwrap();
    assert!(!comparison.observations[0].differs);
    assert_eq!(comparison.observations[0].values[0], ["{issuer}/x until {time}, ~120 s"]);
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    for number in [0, 1, 13] {
        let reports = vec![fixture::sample(); number];
        let error = Comparison::new(&reports, fixture::catalogue()).unwrap_err();
        assert_eq!(error, CompareError::Number(number));
    }
    let mut foreign = fixture::sample();
    foreign.scenarios.clear();
    let error = Comparison::new(&[fixture::sample(), foreign], fixture::catalogue()).unwrap_err();
    assert_eq!(error, CompareError::NothingShared);
}

#[test]
fn the_gate_tells_worse_from_lost_from_better() {
    let gate = Gate::new(&fixture::sample(), &other(), fixture::catalogue()).unwrap();
    let ids = |list: &[Change]| list.iter().map(|c| c.requirement.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&gate.worse), ["OA-5.1-cache-control"]);
    assert!(ids(&gate.better).contains(&"TX-2.1-actor_token_type-required-with-actor".to_owned()));
    assert!(gate.lost.is_empty());
    let back = Gate::new(&other(), &fixture::sample(), fixture::catalogue()).unwrap();
    assert_eq!(ids(&back.lost), ["TX-2.1-resource-no-fragment"]);
    insta::assert_snapshot!(gate_text::terminal(&gate, Level::Must, 80, false));
}

#[test]
fn the_gate_tells_a_change_once_and_what_is_another_in_every_run_not_at_all() {
    let report = |values: [&str; 3]| {
        let mut run = fixture::sample_run();
        for (scenario, value) in run.scenarios.iter_mut().zip(values) {
            let finding =
                Finding::pass("OA-5.1-expires_in-seconds", Level::Must, "/expires_in: at most 60", value);
            scenario.findings = vec![finding.failed(FailClass::WrongForm)];
        }
        run.observations[0].fact = "lifetime of a token".into();
        run.observations[0].value = values[0].into();
        run.observations
            .push(Observation { value: "yes: /jti: not `a7`".into(), ..run.observations[0].clone() });
        Report::new(fixture::identity(), &run)
    };
    let hour = report(["`3597`", "`3599`", "`3600`"]);
    let gate = |new: &Report| Gate::new(&hour, new, fixture::catalogue()).unwrap();
    let same = gate(&report(["`3600`", "`3594`", "`3598`"]));
    let changes = [&same.worse, &same.lost, &same.better, &same.other].map(Vec::len);
    assert_eq!((changes, same.observations.len()), ([0; 4], 0));

    let day = gate(&report(["`86400`", "`86391`", "`86397`"]));
    assert_eq!(day.other.len(), 1);
    let told: Vec<(&str, usize)> =
        day.other[0].told.iter().map(|t| (t.says.as_str(), t.scenarios.len())).collect();
    assert_eq!(told, [("`~3600` -> `~86400`", 3)]);
    assert_eq!(day.observations.len(), 1);
}

#[test]
fn twelve_hostile_reports_are_harmless_everywhere() {
    let text = "\u{1b}[2J\u{202e}<script>x</script>|`\n# boo";
    let mut reports = vec![fixture::hostile(text); 11];
    for (i, report) in reports.iter_mut().enumerate() {
        report.observations[0].scenario = "failed".into();
        report.observations[0].value = format!("{text}{i}");
    }
    let mut met = fixture::hostile(text);
    for f in met.scenarios.iter_mut().flat_map(|s| &mut s.findings) {
        f.verdict = Verdict::Pass;
    }
    reports.push(met);
    let comparison = Comparison::new(&reports, fixture::catalogue()).unwrap();
    assert!(!comparison.differing.is_empty());
    for out in [
        terminal::render(&comparison, 80, false),
        markdown::render(&comparison, fixture::catalogue()),
        html::render(&comparison, fixture::catalogue()).unwrap(),
        comparison.to_json().unwrap(),
    ] {
        assert!(!out.contains(|c: char| c != '\n' && is_unsafe(c)));
    }
    let page = html::render(&comparison, fixture::catalogue()).unwrap();
    assert!(!page.contains("<script>"));
}
