//! Tests of the gate where one of the two runs did not get to everything.

use super::*;
use crate::{
    judge::Cause,
    report::{
        Report,
        fixture::{self, Build},
    },
    spec::Level,
};

/// The sample, whose run was interrupted before these scenarios.
fn cut_short(which: &[&str]) -> Report {
    let mut report = fixture::sample();
    report.interrupted = true;
    for scenario in report.scenarios.iter_mut().filter(|s| which.contains(&s.id.as_str())) {
        let findings = std::mem::take(&mut scenario.findings);
        let open = findings.into_iter().map(|f| f.undecided(Cause::Interrupted, "the run was interrupted"));
        *scenario = scenario.clone().judged(open.collect::<Vec<_>>());
        scenario.cause = Some(Cause::Interrupted);
    }
    report
}

#[test]
fn what_an_interrupted_run_did_not_reach_is_neither_the_server_s_doing_nor_proven() {
    let cut = cut_short(&["delegation"]);
    let gate = Gate::new(&fixture::sample(), &cut, fixture::catalogue()).unwrap();
    assert!(!gate.lost.is_empty() && gate.worse.is_empty());
    assert_eq!(gate.decision(Level::May), Decision::Lost);
    assert!(gate.lost.iter().flat_map(|c| &c.told).all(|t| t.unproven == Some(Unproven::Interrupted)));
    let notes = gate.notes.join("\n");
    assert!(
        notes.contains("the new run is incomplete: it was interrupted before 1 scenario had been"),
        "{notes}"
    );
    assert!(!notes.contains("what differs below is the server's doing"), "{notes}");
    for text in [
        gate_text::terminal(&gate, Level::May, 200, false),
        gate_text::markdown(&gate, Level::May, fixture::catalogue()),
        gate_text::html(&gate, Level::May, fixture::catalogue()).unwrap(),
    ] {
        assert!(text.contains("o longer proven: interrupted"), "{text}");
        assert!(
            text.contains("says nothing about the server") && !text.contains("not judged any more"),
            "{text}"
        );
    }
    // The other way round, the same is told as an improvement.
    let back = Gate::new(&cut, &fixture::sample(), fixture::catalogue()).unwrap();
    let ids = |list: &[Change]| list.iter().map(|c| c.requirement.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&back.proven), ids(&gate.lost));
    assert_eq!(back.decision(Level::May), Decision::Holds);
    let said = gate_text::verdict(&back, Level::May);
    assert!(said.starts_with("no regression, ") && said.ends_with("newly proven"), "{said}");
}

#[test]
fn a_failed_control_is_the_server_s_doing_and_one_that_was_not_reached_is_not() {
    let control = |cause: Cause| {
        let mut report = cut_short(&["delegation", "actor-token-without-type"]);
        for s in &mut report.scenarios {
            match s.id.as_str() {
                "delegation" => s.cause = Some(cause),
                "actor-token-without-type" => {
                    s.control = Some("delegation".into());
                    s.cause = Some(Cause::ControlFailed);
                    s.findings.iter_mut().for_each(|f| f.cause = s.cause);
                }
                _ => {}
            }
        }
        report
    };
    let mut old = fixture::sample();
    old.scenarios.iter_mut().filter(|s| s.id == "actor-token-without-type").for_each(|s| {
        s.control = Some("delegation".into());
    });
    for (cause, reason) in
        [(Cause::Interrupted, Unproven::Interrupted), (Cause::Transport, Unproven::Open(Cause::Transport))]
    {
        let gate = Gate::new(&old, &control(cause), fixture::catalogue()).unwrap();
        let told = gate.lost.iter().flat_map(|c| &c.told);
        let mut of = told.filter(|t| t.scenarios.iter().any(|s| s == "actor-token-without-type")).peekable();
        assert!(of.peek().is_some() && of.all(|t| t.unproven == Some(reason)), "{reason:?}");
    }
}

#[test]
fn what_the_old_run_never_asked_is_no_regression_and_is_told() {
    let mut old = fixture::sample();
    old.scenarios.retain(|s| s.id != "actor-token-without-type");
    old.left_out = 1;
    let gate = Gate::new(&old, &fixture::sample(), fixture::catalogue()).unwrap();
    assert!(gate.worse.is_empty() && !gate.found.is_empty());
    assert!(gate.found.iter().flat_map(|c| &c.told).all(|t| t.unproven == Some(Unproven::NotSelected)));
    let text = gate_text::terminal(&gate, Level::Must, 200, false);
    assert!(text.contains("departs now, no regression; before: not selected ("), "{text}");
    assert!(
        text.contains("TX-2.1-actor_token_type-required-with-actor – not exercised -> ✘ violated"),
        "{text}"
    );
    assert!(text.contains("departed from that had not been judged"), "{text}");
    let notes = gate.notes.join("\n");
    assert!(notes.contains("the old run is incomplete: a filter left out 1 scenario"), "{notes}");
    let mut smaller = fixture::sample();
    smaller.scenarios.retain(|s| s.id != "delegation");
    smaller.left_out = 1;
    let gate = Gate::new(&fixture::sample(), &smaller, fixture::catalogue()).unwrap();
    assert_eq!(gate.decision(Level::May), Decision::Lost);
    assert!(gate.notes.iter().any(|n| n.starts_with("the suite did not change")), "{:?}", gate.notes);
}

#[test]
fn what_an_interrupted_run_did_not_reach_is_no_regression_when_it_is_violated_later() {
    let cut = cut_short(&["actor-token-without-type"]);
    let gate = Gate::new(&cut, &fixture::sample(), fixture::catalogue()).unwrap();
    assert!(gate.worse.is_empty() && !gate.found.is_empty(), "{:?}", gate.worse);
    assert_eq!(gate.decision(Level::May), Decision::Holds);
    // Where the server gave no proof, what it violates then is held against it.
    let mut open = cut_short(&["actor-token-without-type"]);
    open.interrupted = false;
    for scenario in open.scenarios.iter_mut().filter(|s| s.id == "actor-token-without-type") {
        scenario.cause = Some(Cause::Transport);
        scenario.findings.iter_mut().for_each(|f| f.cause = Some(Cause::Transport));
    }
    let gate = Gate::new(&open, &fixture::sample(), fixture::catalogue()).unwrap();
    assert_eq!(gate.decision(Level::May), Decision::Worse);
}

/// Who declares a capability ends the scenarios for servers without it.
#[test]
fn declaring_more_loses_nothing_that_others_still_prove() {
    let declared = |spare: bool| {
        let mut report = fixture::sample();
        for scenario in report.scenarios.iter_mut().filter(|s| s.id == "delegation") {
            let mut gone = scenario.clone().judged(Vec::new());
            gone.verdict = crate::judge::Verdict::NotApplicable;
            gone.excluded = true;
            *scenario = gone;
        }
        if !spare {
            report.scenarios.retain(|s| s.id == "delegation");
        }
        report
    };
    let with_twin = |mut report: Report, twin: &Report| {
        let original = twin.scenarios.iter().find(|s| s.id == "delegation").unwrap();
        report.scenarios.push(crate::run::ScenarioResult { id: "twin".into(), ..original.clone() });
        report
    };
    let sample = fixture::sample();
    let [old, new] = [with_twin(sample.clone(), &sample), with_twin(declared(true), &sample)];
    let gate = Gate::new(&old, &new, fixture::catalogue()).unwrap();
    assert!(gate.lost.is_empty(), "{:?}", gate.lost);
    let back = Gate::new(&new, &old, fixture::catalogue()).unwrap();
    assert!(back.proven.is_empty(), "{:?}", back.proven);
    // Where nothing else proves it, it is lost, and the reason is right.
    let gate = Gate::new(&fixture::sample(), &declared(false), fixture::catalogue()).unwrap();
    let reasons: Vec<_> = gate.lost.iter().flat_map(|c| &c.told).filter_map(|t| t.unproven).collect();
    assert!(reasons.contains(&Unproven::Excluded), "{reasons:?}");
}

/// One violation of a requirement must not hide the next one in the same scenario.
#[test]
fn a_violation_that_joins_another_is_worse() {
    let missing = |at: &str| {
        let observed = format!("nothing at {at}");
        crate::judge::Finding::pass("AT-2.2-required", Level::Must, format!("a value at {at}"), observed)
            .failed(crate::judge::FailClass::WrongForm)
    };
    let with = |claims: &[&str]| {
        let mut report = fixture::sample();
        let scenario = report.scenarios.iter_mut().find(|s| s.id == "delegation").unwrap();
        *scenario = scenario.clone().judged(claims.iter().map(|at| missing(at)));
        report
    };
    let decided = |old: &[&str], new: &[&str]| {
        let gate = Gate::new(&with(old), &with(new), fixture::catalogue()).unwrap();
        (
            gate.decision(Level::Must),
            gate.worse.iter().flat_map(|c| &c.told).map(|t| t.says.clone()).collect::<String>(),
        )
    };
    let (decision, says) = decided(&["/exp"], &["/exp", "/jti"]);
    assert_eq!(decision, Decision::Worse);
    assert!(says.contains("nothing at /jti"), "{says}");
    assert_eq!(decided(&["/exp", "/jti"], &["/exp"]).0, Decision::Holds);
    assert_eq!(decided(&["/exp", "/jti"], &["/jti", "/exp"]).0, Decision::Holds);
    assert_eq!(decided(&["/exp"], &["/exp"]).0, Decision::Holds);
}

/// A target file that demands less must not make a new hole lighter.
#[test]
fn a_hole_weighs_no_less_when_the_policy_no_longer_binds() {
    let with = |finding: crate::judge::Finding| {
        let mut report = fixture::sample();
        let scenario = report.scenarios.iter_mut().find(|s| s.id == "actor-token-without-type").unwrap();
        *scenario = scenario.clone().judged([finding]);
        report
    };
    let proof =
        crate::judge::Finding::pass("TX-S-may-act-enforced", Level::Must, "a refusal", "400 invalid_request");
    let mut hole = proof.clone().failed(crate::judge::FailClass::Accepted);
    hole.level = Level::Should;
    let (old, mut new) = (with(proof), with(hole));
    let gate = Gate::new(&old, &new, fixture::catalogue()).unwrap();
    assert_eq!(gate.decision(Level::Must), Decision::Holds);
    new.policy.clear();
    let gate = Gate::new(&old, &new, fixture::catalogue()).unwrap();
    assert_eq!(gate.decision(Level::Must), Decision::Worse);
    let notes = gate.notes.join("\n");
    assert!(notes.contains("may_act_enforced: true -> not declared"), "{notes}");
    assert!(!notes.contains("is the server's doing"), "{notes}");
}
