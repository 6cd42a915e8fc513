//! Tests of comparing.

use super::*;
use crate::{
    judge::{Cause, FailClass, Finding, Verdict},
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
    security.left_out = 3;
    let comparison = Comparison::new(&[fixture::sample(), security], fixture::catalogue()).unwrap();
    let notes = comparison.notes.join("\n");
    for word in ["versions of txspec differ", "profiles differ", "2 scenarios of Example AS", "filter left 3"]
    {
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

/// Every text format of a comparison.
fn texts(comparison: &Comparison) -> [(&'static str, String); 3] {
    [
        ("terminal", terminal::render(comparison, 100, false)),
        ("markdown", markdown::render(comparison, fixture::catalogue())),
        ("html", html::render(comparison, fixture::catalogue()).unwrap()),
    ]
}

/// A server of this name on which `CHECK` came to these findings.
fn judged(name: &str, findings: &[Finding]) -> Report {
    let scenarios = findings.iter().enumerate().map(|(i, f)| {
        let mut scenario = fixture::scenario(&format!("s{i}"), "a scenario", "topic");
        scenario.digest = Some(format!("{i}"));
        scenario.judged([f.clone()])
    });
    named(name, Report::new(fixture::identity(), &fixture::run(scenarios.collect())))
}

const CHECK: &str = "TX-2.1-subject_token-required";

fn departure(level: Level, class: FailClass) -> Finding {
    Finding::pass(CHECK, level, "expected", format!("seen at {}", level.word())).failed(class)
}

#[test]
fn a_sign_says_how_heavy_a_cell_is_whatever_the_level_of_its_row() {
    let mut waived = departure(Level::Must, FailClass::Refused);
    waived.waiver = Some("because".into());
    let undecided =
        Finding::pass(CHECK, Level::Must, "", "").undecided(crate::judge::Cause::Transport, "gone");
    let met = Finding::pass(CHECK, Level::Must, "", "");
    let cells = [
        departure(Level::Must, FailClass::Accepted),
        departure(Level::Should, FailClass::WrongForm),
        departure(Level::May, FailClass::Malformed),
        waived,
        undecided,
        met,
    ];
    let mut reports: Vec<Report> = cells
        .iter()
        .enumerate()
        .map(|(i, f)| judged(&format!("Server {i}"), std::slice::from_ref(f)))
        .collect();
    let mut idle = judged("Server 6", &[Finding::pass(CHECK, Level::Must, "", "")]);
    idle.scenarios[0].findings.clear();
    reports.push(idle);
    let comparison = Comparison::new(&reports, fixture::catalogue()).unwrap();
    let row = comparison.differing.iter().find(|r| r.requirement == CHECK).unwrap();
    assert_eq!(row.level, Level::Must);
    use Weight::{Inconclusive, Information, Met, NotExercised, Violated, Warning};
    let weights: Vec<Weight> = row.cells.iter().map(Cell::weight).collect();
    assert_eq!(weights, [Violated, Warning, Information, Violated, Inconclusive, Met, NotExercised]);
    let [(_, terminal), (_, markdown), (_, html)] = texts(&comparison);
    assert!(terminal.contains("✘a  !w  im  ✘r~ ?   ✔   –\n"), "{terminal}");
    let cells = "❌ accepted | ⚠️ wrong-form | ℹ️ malformed | ❌\\~ refused, waived | ❔ | ✅ | – |";
    assert!(markdown.contains(&format!("must `{CHECK}`")) && markdown.contains(cells), "{markdown}");
    for chip in [
        r#"chip fail">✘ accepted"#,
        r#"chip warn">! wrong-form"#,
        r#"chip info">i malformed"#,
        r#"chip fail tilde">✘~ refused, waived"#,
        r#"chip inconclusive">? <span class="sr">inconclusive"#,
        r#"chip pass">✔ <span class="sr">met"#,
        r#"chip not-applicable">– <span class="sr">not exercised"#,
    ] {
        assert!(html.contains(chip), "{chip}: {html}");
    }
}

#[test]
fn each_requirement_is_counted_once_a_server() {
    let comparison = pair();
    let totals = comparison.requirements;
    assert_eq!(totals.differing + totals.unequally_judged + totals.alike + totals.not_exercised, totals.all);
    for target in &comparison.targets {
        let t = target.requirements;
        assert_eq!(t.judged() + t.inconclusive + t.not_exercised, totals.all, "{}", target.label);
        assert!(t.accepted <= t.violated && t.waived <= t.violated);
    }
    let [sample, other] = [0, 1].map(|i: usize| comparison.targets[i].requirements);
    assert_eq!((sample.violated, sample.accepted, sample.waived, sample.information), (3, 1, 1, 1));
    assert_eq!((other.violated, other.accepted, other.waived, other.information), (3, 0, 1, 0));
}

#[test]
fn what_is_only_information_is_never_called_violated() {
    let may = judged("May", &[departure(Level::May, FailClass::WrongForm)]);
    let met = judged("Met", &[Finding::pass(CHECK, Level::Must, "", "")]);
    let comparison = Comparison::new(&[may.clone(), met], fixture::catalogue()).unwrap();
    assert_eq!(comparison.unique.len(), 1);
    let common = Comparison::new(&[may.clone(), may], fixture::catalogue()).unwrap();
    assert_eq!(common.common[0].shared_level(), Some(Level::May));
    for (format, text) in texts(&comparison).into_iter().chain(texts(&common)) {
        // The legend and the table of servers explain the word; nothing below them uses it.
        let start =
            text.find("What tells them apart").or(text.find("RFC 8693")).or(text.find("where most depart"));
        let body = &text[start.or(text.find("Where most depart")).unwrap()..];
        assert!(!body.contains("violated") && body.contains("information"), "{format}: {body}");
        assert!(text.contains("No must was seen violated on"), "{format}");
    }
}

#[test]
fn most_is_more_than_half_of_those_judged_at_that_weight() {
    let row = |levels: &[Option<Level>]| {
        let reports: Vec<Report> = levels
            .iter()
            .enumerate()
            .map(|(i, level)| {
                let finding = match level {
                    Some(level) => departure(*level, FailClass::WrongForm),
                    None => Finding::pass(CHECK, Level::Must, "", ""),
                };
                judged(&i.to_string(), &[finding])
            })
            .collect();
        let comparison = Comparison::new(&reports, fixture::catalogue()).unwrap();
        comparison.common.iter().find(|r| r.requirement == CHECK).and_then(Row::shared_level)
    };
    let [must, should, may] = [Level::Must, Level::Should, Level::May].map(Some);
    assert_eq!(row(&[must, must, None]), must);
    assert_eq!(row(&[must, may, may]), may);
    assert_eq!(row(&[must, should, None]), should);
    assert_eq!(row(&[must, must, None, None]), None);
    assert_eq!(row(&[must, None]), None);
}

#[test]
fn the_legend_stands_before_the_first_matrix() {
    for ((format, text), matrix) in
        texts(&pair()).into_iter().zip(["RFC 8693", "| requirement |", "<table class=\"stack matrix"])
    {
        let matrix = text.find(matrix).unwrap();
        for word in [
            "violated",
            "warning",
            "information",
            "inconclusive",
            "met",
            "not exercised",
            "accepted",
            "refused",
            "wrong-form",
            "malformed",
            "waived",
            "its own level",
            "no ranking",
        ] {
            assert!(text.find(word).is_some_and(|at| at < matrix), "{format}: {word}");
        }
    }
}

#[test]
fn only_what_discriminates_is_the_same_in_every_format() {
    let mut reports = [fixture::sample(), other()];
    // A fact on which both agree.
    for report in &mut reports {
        let mut agreed = report.observations[0].clone();
        agreed.fact = "a fact like any other".into();
        agreed.value = "alike".into();
        report.observations.push(agreed);
    }
    let all = Comparison::new(&reports, fixture::catalogue()).unwrap();
    let only = all.clone().discriminating();
    assert!(!all.common.is_empty() && !all.unequally_judged.is_empty() && all.observations.len() > 1);
    assert_eq!(only.differing, all.differing);
    assert_eq!(only.unique, all.unique);
    assert_eq!(only.requirements, all.requirements);
    assert!(only.common.is_empty() && only.unequally_judged.is_empty());
    assert!(!only.observations.is_empty() && only.observations.iter().all(|o| o.differs));
    for ((format, before), (_, after)) in texts(&all).into_iter().zip(texts(&only)) {
        for told in ["Only what tells the servers apart is shown", "act in delegated tokens", "OA-5.1-pragma"]
        {
            assert!(after.contains(told), "{format}: {told}");
        }
        // Met by one, not judged on the other; violated by both; a fact on which both agree.
        let lost = ["TX-2.2.2-error-code-invalid_request"];
        let silent: &[&str] = &["TX-2.1-resource-no-fragment", "a fact like any other"];
        for gone in lost.iter().chain(silent.iter().filter(|_| format != "terminal")) {
            assert!(before.contains(gone) && !after.contains(gone), "{format}: {gone}");
        }
        assert!(!after.contains("Nothing."), "{format} calls empty what was left out");
    }
}

#[test]
fn documents_are_noted_once_for_all() {
    let documented = |name: &str, date: &str| {
        let mut report = named(name, fixture::sample());
        report.target.documented = Some(format!("documents on {name} as of {date}; nothing was measured"));
        report
    };
    let reports = [
        documented("One", "2026-08"),
        documented("Two", "2026-07"),
        documented("Three", "2026-08"),
        fixture::sample(),
    ];
    let comparison = Comparison::new(&reports, fixture::catalogue()).unwrap();
    let about: Vec<&String> = comparison.notes.iter().filter(|n| n.contains("documents")).collect();
    let [note] = about.as_slice() else { panic!("{about:?}") };
    assert!(note.contains("One, Three (documents as of 2026-08); Two (documents as of 2026-07)"), "{note}");
    assert!(texts(&comparison)[0].1.contains("each of the 3 that were not measured violates"));
}

#[test]
fn requirements_lead_to_their_pages_where_those_are_published() {
    let catalogue = crate::spec::Catalogue::embedded().unwrap().with_docs(Some("https://docs.example.com"));
    let link = "https://docs.example.com/requirements/OA-5.1-cache-control.md";
    let comparison = pair();
    let gate = Gate::new(&fixture::sample(), &other(), &catalogue).unwrap();
    for (text, unpublished) in [
        (markdown::render(&comparison, &catalogue), markdown::render(&comparison, fixture::catalogue())),
        (
            gate_text::markdown(&gate, Level::Must, &catalogue),
            gate_text::markdown(&gate, Level::Must, fixture::catalogue()),
        ),
    ] {
        assert!(text.contains(&format!("[`OA-5.1-cache-control`]({link})")), "{text}");
        assert!(!unpublished.contains("docs.example.com"));
    }
    for text in [
        html::render(&comparison, &catalogue).unwrap(),
        gate_text::html(&gate, Level::Must, &catalogue).unwrap(),
    ] {
        assert!(
            text.contains(&format!("<a class=\"m\" href=\"{link}\">"))
                || text.contains(&format!("<a href=\"{link}\">")),
            "{text}"
        );
    }
}

#[test]
fn twelve_servers_that_differ_everywhere_make_a_page_of_sane_size() {
    let classes = [FailClass::Accepted, FailClass::Refused, FailClass::WrongForm, FailClass::Malformed];
    let checked: Vec<_> =
        fixture::catalogue().requirements().iter().filter(|r| r.unchecked.is_none()).collect();
    let reports: Vec<Report> = (0..12)
        .map(|server| {
            let findings: Vec<Finding> = checked
                .iter()
                .map(|r| {
                    let observed = format!("status 400, error invalid_request, as server {server} answers");
                    Finding::pass(&r.id, r.level, "expected", observed).failed(classes[server % 4])
                })
                .collect();
            judged(&format!("A server with a long name {server}"), &findings)
        })
        .collect();
    let comparison = Comparison::new(&reports, fixture::catalogue()).unwrap();
    assert!(comparison.differing.len() > 200, "{}", comparison.differing.len());
    let sizes = texts(&comparison).map(|(format, text)| (format, text.len()));
    // The browser check refuses pages of 1.5 MB.
    assert!(sizes.iter().all(|(_, size)| *size < 1_500_000), "{sizes:?}");
}

#[test]
fn a_hostile_gate_is_harmless_everywhere() {
    let text = "\u{1b}[2J\u{202e}<script>x</script>|`\n# boo";
    let hostile = fixture::hostile(text);
    let mut met = hostile.clone();
    for f in met.scenarios.iter_mut().flat_map(|s| &mut s.findings) {
        f.verdict = Verdict::Pass;
    }
    met.observations[0].value = "other".into();
    let gate = Gate::new(&met, &hostile, fixture::catalogue()).unwrap();
    assert!(!gate.worse.is_empty());
    for out in [
        gate_text::terminal(&gate, Level::May, 80, false),
        gate_text::markdown(&gate, Level::May, fixture::catalogue()),
        gate_text::html(&gate, Level::May, fixture::catalogue()).unwrap(),
    ] {
        assert!(!out.contains(|c: char| c != '\n' && is_unsafe(c)));
        assert!(!out.contains("\n# boo"));
    }
    let page = gate_text::html(&gate, Level::May, fixture::catalogue()).unwrap();
    assert!(!page.contains("<script>"));
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

#[test]
fn another_scenario_under_the_name_of_an_old_one_proves_nothing_of_it() {
    let mut weakened = fixture::sample();
    weakened
        .scenarios
        .iter_mut()
        .filter(|s| s.id == "delegation")
        .for_each(|s| s.digest = Some("own".into()));
    let mut old = fixture::sample();
    old.scenarios
        .iter_mut()
        .filter(|s| s.id == "delegation")
        .for_each(|s| s.digest = Some("txspec's".into()));
    let gate = Gate::new(&old, &weakened, fixture::catalogue()).unwrap();
    assert_eq!(gate.decision(Level::May), Decision::Lost);
    assert!(gate.lost.iter().flat_map(|c| &c.told).all(|t| t.unproven == Some(Unproven::Replaced)));
    // Another version may have another scenario there: then the suite changed, and it says so.
    weakened.tool.version = "99.0.0".into();
    let gate = Gate::new(&old, &weakened, fixture::catalogue()).unwrap();
    assert!(gate.lost.is_empty() && gate.notes.iter().any(|n| n.contains("changed and not compared")));
}

#[test]
fn a_must_that_is_no_longer_proven_weighs_as_one_whatever_was_seen_beside_it() {
    let id = "TX-4.1-act-identifies-actor";
    let report = |open: bool| {
        let mut report = fixture::sample();
        let met = Finding::pass(id, Level::Must, "an actor", "an actor");
        let mut information = Finding::pass(id, Level::May, "an actor", "nothing");
        information.verdict = Verdict::Fail;
        for (scenario, finding) in [("delegation", met), ("actor-token-without-type", information)] {
            let s = report.scenarios.iter_mut().find(|s| s.id == scenario).unwrap();
            s.findings.push(if open { finding.undecided(Cause::Unobservable, "opaque") } else { finding });
        }
        report
    };
    let gate = Gate::new(&report(false), &report(true), fixture::catalogue()).unwrap();
    let lost = gate.lost.iter().find(|c| c.requirement == id).unwrap();
    assert_eq!(lost.level, Level::Must);
    assert_eq!(gate.decision(Level::Must), Decision::Lost);
}

#[test]
fn what_is_asked_of_a_grant_is_not_lost_where_a_refusal_is_as_right_and_others_show_it() {
    let id = "TX-2.2.1-expires_in-number";
    let met = || Finding::pass(id, Level::Must, "a number", "3600");
    let report = |scenarios: &[&str]| {
        let mut report = fixture::sample();
        for s in report.scenarios.iter_mut().filter(|s| scenarios.contains(&s.id.as_str())) {
            s.findings.push(met());
        }
        report
    };
    let both = ["delegation", "actor-token-without-type"];
    let gate = Gate::new(&report(&both), &report(&both[..1]), fixture::catalogue()).unwrap();
    assert!(!gate.lost.iter().any(|c| c.requirement == id));
    // Where nothing shows it any more, it is lost.
    let gate = Gate::new(&report(&both[..1]), &report(&[]), fixture::catalogue()).unwrap();
    assert!(gate.lost.iter().any(|c| c.requirement == id));
}
