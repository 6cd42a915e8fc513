//! Every requirement and every code has its page under `docs/`, made from the words that `txspec explain` prints, and
//! every code that the program can show is one of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use txspec::{
    judge::{Cause, FailClass, Verdict},
    run::WaiverState,
    spec::{Catalogue, CodeKind, WordKind},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn txspec(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_txspec")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The pages under a folder, by their path in it.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for kind in ["requirements", "diagnostics", "words"] {
        for entry in fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{kind}/{}", path.file_name().unwrap().to_str().unwrap());
            out.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    out
}

#[test]
fn the_pages_are_those_that_would_be_written_today() {
    let folder = TempDir::new().unwrap();
    let (code, _, error) = txspec(&["explain", "--all", "--out", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{error}");
    let (today, kept) = (pages(folder.path()), pages(&root().join("docs")));
    let renew = "renew the pages with: cargo run -- explain --all --out docs";
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<BTreeSet<_>>();
    let gone: Vec<String> = names(&kept).difference(&names(&today)).cloned().collect();
    assert!(gone.is_empty(), "nothing stands for these pages any more, delete them: {gone:?}");
    let other: Vec<&String> =
        today.iter().filter(|(name, text)| kept.get(*name) != Some(text)).map(|(name, _)| name).collect();
    assert!(other.is_empty(), "{renew}\n{other:?}");
}

#[test]
fn every_requirement_and_code_has_a_page_whose_links_lead_somewhere() {
    let catalogue = Catalogue::embedded().unwrap();
    let ids = catalogue.ids().chain(catalogue.diagnostics().iter().map(|d| d.code.as_str()));
    let mut names = BTreeSet::new();
    for id in ids {
        let page = catalogue.page(id).unwrap();
        let text = fs::read_to_string(root().join(&page.path)).unwrap();
        assert!(text.starts_with(&format!("# {id}\n")) && text.len() > 100, "{}", page.path);
        // Some file systems know no case.
        assert!(names.insert(page.path.to_lowercase()), "{}", page.path);
    }
    for (name, text) in pages(&root().join("docs")) {
        let folder = PathBuf::from(&name);
        for link in text.split("](").skip(1).filter_map(|t| t.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = root().join("docs").join(folder.parent().unwrap()).join(file);
            if !link.starts_with("https://") {
                let text = fs::read_to_string(&target).unwrap_or_else(|e| panic!("{name}: {link}: {e}"));
                assert!(anchor.is_empty() || text.contains(&format!("\n## {anchor}\n")), "{name}: {link}");
            }
        }
    }
}

#[test]
fn every_code_that_can_be_shown_is_explained() {
    let catalogue = Catalogue::embedded().unwrap();
    let of = |kind: CodeKind| -> BTreeSet<&str> {
        catalogue.diagnostics().iter().filter(|d| d.kind == kind).map(|d| d.code.as_str()).collect()
    };
    let classes = [FailClass::Accepted, FailClass::WrongForm, FailClass::Malformed, FailClass::Refused];
    assert_eq!(of(CodeKind::Violation), classes.map(FailClass::word).into());
    assert_eq!(of(CodeKind::Cause), Cause::ALL.map(Cause::word).into());
    let verdicts =
        [Verdict::Pass, Verdict::NotApplicable, Verdict::Fail, Verdict::Inconclusive, Verdict::Error];
    assert_eq!(of(CodeKind::Verdict), verdicts.map(Verdict::word).into());
    let states = [WaiverState::InForce, WaiverState::Stale, WaiverState::Expired, WaiverState::NotExercised];
    let states: BTreeSet<String> = states.iter().map(|s| s.word().replace(' ', "-")).collect();
    assert_eq!(of(CodeKind::Waiver), states.iter().map(String::as_str).collect());

    let files: BTreeSet<&str> = [CodeKind::File, CodeKind::Target, CodeKind::Scenario, CodeKind::Vendor]
        .into_iter()
        .flat_map(of)
        .collect();
    let used = codes_in_the_source();
    assert!(used.len() > 60, "{used:?}");
    let unexplained: Vec<&String> = used.iter().filter(|c| !files.contains(c.as_str())).collect();
    assert!(unexplained.is_empty(), "explain them in requirements/diagnostics.yaml: {unexplained:?}");
    let unused: Vec<&&str> = files.iter().filter(|c| !used.contains(**c)).collect();
    assert!(unused.is_empty(), "nothing shows them any more: {unused:?}");
    let all = catalogue.diagnostics().len();
    let unique: BTreeSet<&str> = catalogue.diagnostics().iter().map(|d| d.code.as_str()).collect();
    assert_eq!(unique.len(), all, "a code stands twice");
}

/// What stands where a diagnostic is made: kebab-case text right behind a place.
fn codes_in_the_source() -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let files = [
        "document/kind.rs",
        "document/source.rs",
        "document/schema.rs",
        "scenario/load.rs",
        "scenario/lint/mod.rs",
        "scenario/lint/names.rs",
        "scenario/lint/request.rs",
        "scenario/lint/expectation.rs",
        "target/load.rs",
        "target/lint.rs",
        "target/waiver.rs",
        "vendor/lint.rs",
        "vendor/load.rs",
        "cli/check.rs",
    ];
    for file in files {
        let text = fs::read_to_string(root().join("src").join(file)).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for (at, _) in text.match_indices('"') {
            let Some(end) = text[at + 1..].find('"') else { break };
            let literal = &text[at + 1..at + 1 + end];
            let kebab = literal.contains('-')
                && literal.split('-').all(|p| {
                    p.len() > 1 && p.bytes().all(|b| b.is_ascii_lowercase()) || p == "a" || p == "utf8"
                });
            let followed = text[at + end + 2..].trim_start().starts_with(',');
            let listed =
                text[..at].rfind("FROM_ABSENCE: [").is_some_and(|from| !text[from..at].contains("];"));
            if kebab && followed && !listed && literal != "kebab-case" {
                out.insert(literal.to_owned());
            }
        }
    }
    out
}

#[test]
fn every_word_of_reports_and_target_files_is_explained() {
    use txspec::{cli::Exit, run::Conclusion, scenario::ProfileName, spec::Level};
    let catalogue = Catalogue::embedded().unwrap();
    let words = catalogue.words();
    let of = |kind: WordKind| -> Vec<&str> {
        words.iter().filter(|w| w.kind == kind).map(|w| w.word.as_str()).collect()
    };
    let conclusions =
        [Conclusion::Conformant, Conclusion::Partial, Conclusion::Nonconformant, Conclusion::Inconclusive];
    assert_eq!(of(WordKind::Conclusion), conclusions.map(Conclusion::word));
    assert_eq!(of(WordKind::Profile), [ProfileName::Core, ProfileName::Security].map(ProfileName::name));
    let levels = [Level::Must, Level::Should, Level::May, Level::Observe];
    assert_eq!(of(WordKind::Level), levels.map(Level::word));
    let exits = [
        Exit::Ok,
        Exit::Failure,
        Exit::Usage,
        Exit::Inconclusive,
        Exit::NothingRan,
        Exit::Waiver,
        Exit::Unreachable,
        Exit::Bug,
    ];
    assert_eq!(of(WordKind::ExitCode), exits.map(|exit| exit.code().to_string()));
    assert_eq!(of(WordKind::Reading), catalogue.readings());
    for word in &words {
        assert!(word.means.ends_with('.') && word.means.len() > 10, "{word:?}");
        let page = catalogue.page(&word.word).unwrap();
        let file = page.path.split('#').next().unwrap();
        assert!(root().join(file).is_file(), "{}", page.path);
    }
    for kind in WordKind::ALL {
        assert!(!of(kind).is_empty(), "{kind:?}");
    }
}

#[test]
fn the_one_reading_that_changes_verdicts_says_so() {
    let explain = |word| txspec(&["explain", word]).1.split_whitespace().collect::<Vec<_>>().join(" ");
    let lenient = explain("rfc6749-lenient");
    assert!(lenient.contains("the code invalid_grant is a violation of level should"), "{lenient}");
    assert!(lenient.contains("Of TX-2.2.2-error-code-invalid_request: That leave also"), "{lenient}");
    let strict = explain("strict");
    assert!(strict.contains("the code invalid_grant is a violation of level must"), "{strict}");
    let literal = explain("strict-6749");
    assert!(literal.contains("A violation of OA-5.1-pragma is of level should"), "{literal}");
    for other in ["current-practice", "either", "rfc8707", "cnf-in-token", "not-covered"] {
        assert!(explain(other).contains("selecting it changes no verdict"), "{other}");
    }
    // What is said of the others holds as long as `strict` is no milder than what stands beside it.
    let catalogue = Catalogue::embedded().unwrap();
    for row in catalogue.rows() {
        let strict = row.tolerated.iter().filter(|t| t.reading.as_deref() == Some("strict"));
        assert!(strict.into_iter().all(|t| t.level == row.otherwise), "{}", row.id);
    }
}

#[test]
fn what_is_several_things_is_explained_as_each() {
    let (code, out, _) = txspec(&["explain", "inconclusive"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("`inconclusive` has 2 meanings: verdict; conclusion of a run."), "{out}");
    assert!(out.contains("Proven neither way") && out.contains("Nothing is known to be violated"), "{out}");
    let (_, out, _) = txspec(&["explain", "delegation"]);
    assert!(out.contains("capability of a target; a scenario"), "{out}");
    let (_, out, _) = txspec(&["explain", "actor-without-type"]);
    assert!(out.contains("a scenario; a row of the decision table"), "{out}");
    let (_, out, _) = txspec(&["explain", "roles"]);
    assert!(
        out.contains("token-roles") && out.contains("scope-roles") && out.contains("second_user:"),
        "{out}"
    );
}

/// What the columns of the tables say, and the sentences around them.
#[test]
fn every_word_of_a_report_is_explained() {
    use txspec::report::compare::Weight;
    let weights = Weight::ALL.map(Weight::word);
    let rest = [
        "open",
        "waived",
        "observed",
        "info",
        "contested",
        "simulated",
        "documented",
        "control",
        "reading",
        "profile",
        "fingerprint",
        "form",
        "forms",
        "core profile",
        "departs",
        "departures",
        "warnings",
    ];
    for word in weights.into_iter().chain(rest) {
        let (code, out, error) = txspec(&["explain", word]);
        assert!(code == Some(0) && out.len() > 60, "{word}: {out}{error}");
    }
    let (_, out, _) = txspec(&["explain", "not exercised"]);
    assert!(out.contains("state of a waiver; standing of a requirement"), "{out}");
    assert!(out.contains("no failure, and no merit"), "{out}");
    let (_, out, _) = txspec(&["explain", "observed"]);
    assert!(out.contains("standing of a requirement; term"), "{out}");
}

#[test]
fn a_word_is_found_in_any_case_and_with_blanks_and_suggestions_are_the_nearest() {
    for word in ["Not applicable", "NOT-APPLICABLE", "tx-2.1-post", "a1", "Conformant"] {
        assert_eq!(txspec(&["explain", word]).0, Some(0), "{word}");
    }
    for (word, near) in [
        ("conformnat", "did you mean `conformant`?"),
        ("issued_token_type", "`TX-2.2.1-issued_token_type-required`"),
        ("xyzzyq", "`txspec explain KIND`"),
    ] {
        let (code, out, error) = txspec(&["explain", word]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{word}");
        assert!(error.contains(near), "{word}: {error}");
    }
}

#[test]
fn a_code_is_explained_on_the_terminal_and_a_near_miss_is_named() {
    let (code, out, _) = txspec(&["explain", "control-failed"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("cause of an inconclusive verdict") && out.contains("What to do"), "{out}");
    let (code, _, error) = txspec(&["explain", "unknwon-key"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("did you mean `unknown-key`?"), "{error}");
    assert_eq!(txspec(&["explain"]).0, Some(2));
    assert_eq!(txspec(&["explain", "--all"]).0, Some(2));
}
