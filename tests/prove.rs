//! What `txspec prove` tells authors of new scenarios: a check that catches a fault holds, one that nothing breaks does
//! not, and one that blames the wrong requirement raises a false alarm.

use std::{
    fs,
    process::{Command, Stdio},
};

use tempfile::TempDir;

const GOOD: &str = "\
topic: types that are no types
section: RFC 8693 §2.1
profile: rfc8693-core
scenarios:
  - id: subject-type-with-blank
    title: A subject_token_type with a blank in it is refused
    from: impersonation
    edit: { set: { subject_token_type: 'urn:ietf:params:oauth:token-type:access token' } }
    expect:
      refusal: { row: unknown-type, covers: TX-2.1-subject_token_type-unknown }
";

/// Nothing that a server does to this answer has to do with the requirement, so no fault declares it.
const IDLE: &str = "\
topic: a check that cannot fail for its reason
section: RFC 8693 §2.2.1
profile: rfc8693-core
scenarios:
  - id: lifetime-beside-revocation
    title: A lifetime comes back
    control: impersonation
    exchange: { subject: user }
    expect:
      success:
        - member: { at: /expires_in, type: number }
          covers: RV-2-immediate
";

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn prove(file: &str, faults: &[&str]) -> Ran {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("own.yaml");
    fs::write(&path, file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_txspec"));
    command.arg("prove").arg(&path).stdin(Stdio::null());
    for fault in faults {
        command.args(["--fault", fault]);
    }
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    #[track_caller]
    fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn prints(&self, words: &str) -> &Self {
        assert!(self.out.contains(words), "no `{words}` in:\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn last_line(&self) -> &str {
        self.out.lines().last().unwrap()
    }
}

#[test]
fn a_scenario_of_ones_own_is_proven_by_the_fault_that_it_is_for() {
    let ran = prove(GOOD, &["unknown-subject-type-accepted"]);
    ran.ends(0).prints("killed      unknown-subject-type-accepted");
    assert!(ran.last_line().starts_with("faults killed 1 of 1;"), "{}", ran.last_line());
    assert!(ran.last_line().contains("collateral failures 0"), "{}", ran.last_line());
}

#[test]
fn a_file_whose_checks_are_all_killed_holds() {
    let ran = prove(GOOD, &[]);
    ran.ends(0).prints("killed      unknown-subject-type-accepted");
    assert!(!ran.out.contains("no fault kills"), "{}", ran.out);
}

#[test]
fn a_fault_that_the_scenario_does_not_see_is_named() {
    prove(GOOD, &["no-cache-control"]).ends(1).prints("SURVIVES    no-cache-control");
    prove(GOOD, &["alg-none-accepted"]).ends(1).prints("NEVER FIRED alg-none-accepted");
}

#[test]
fn a_fault_that_only_a_consequence_shows_is_told_from_one_that_nothing_shows() {
    let file = GOOD.replace(
        "subject_token_type: 'urn:ietf:params:oauth:token-type:access token'",
        "audience: '{{audience.unknown}}'",
    );
    let file = file.replace(
        "row: unknown-type, covers: TX-2.1-subject_token_type-unknown",
        "row: unknown-target, covers: TX-2.2.2-invalid_target",
    );
    let ran = prove(&file, &["unknown-audience-minted"]);
    ran.ends(1)
        .prints("SURVIVES    unknown-audience-minted")
        .prints("seen only as a consequence, by TX-2.2.2-invalid_target in subject-type-with-blank");
}

#[test]
fn a_check_that_no_fault_breaks_is_named_and_a_wrong_attribution_is_a_false_alarm() {
    let ran = prove(IDLE, &[]);
    ran.ends(1)
        .prints("Checks that no fault kills:")
        .prints("  RV-2-immediate in lifetime-beside-revocation")
        .prints("COLLATERAL RV-2-immediate in lifetime-beside-revocation");
    ran.prints("must and should checks killed 0 of 1;");
    assert!(!ran.out.contains("NEVER FIRED"), "{}", ran.out);
}

/// The first is of may level and a fault breaks it; the second is of may level and nothing does.
const LESSER: &str = "\
topic: checks of may level
section: RFC 8693 §2.1
profile: rfc8693-core
scenarios:
  - id: own-audience
    title: The token is for the target that was asked for
    control: impersonation
    requires: [audience]
    exchange: { subject: user, audience: allowed }
    expect:
      success:
        - audience: { covers: allowed }
          covers: TX-2.1-audience-optional
        - member: { at: /expires_in, type: number }
          covers: TX-2.1-scope-optional
";

#[test]
fn checks_of_may_level_are_told_and_never_demanded() {
    let ran = prove(LESSER, &[]);
    ran.prints("Checks of may level, which are told and never demanded: killed 1 of 2")
        .prints("No fault kills of them:\n  TX-2.1-scope-optional in own-audience")
        .prints("must and should checks killed 0 of 0;");
    // That the fault breaks no must or should check of the file, so that nothing else speaks of it, is no failure.
    assert!(!ran.out.contains("  TX-2.1-audience-optional in own-audience"), "{}", ran.out);
}
