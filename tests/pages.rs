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
    spec::{Catalogue, CodeKind},
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
    for kind in ["requirements", "diagnostics"] {
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
            let target = root().join("docs").join(folder.parent().unwrap()).join(link);
            assert!(link.starts_with("https://") || target.is_file(), "{name}: {link}");
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

    let files: BTreeSet<&str> =
        [CodeKind::File, CodeKind::Target, CodeKind::Scenario].into_iter().flat_map(of).collect();
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
        "document/source.rs",
        "document/schema.rs",
        "scenario/load.rs",
        "scenario/lint/mod.rs",
        "scenario/lint/request.rs",
        "scenario/lint/expectation.rs",
        "target/load.rs",
        "target/lint.rs",
        "target/waiver.rs",
    ];
    for file in files {
        let text = fs::read_to_string(root().join("src").join(file)).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for (at, _) in text.match_indices('"') {
            let Some(end) = text[at + 1..].find('"') else { break };
            let literal = &text[at + 1..at + 1 + end];
            let kebab = literal.contains('-')
                && literal
                    .split('-')
                    .all(|p| p.len() > 1 && p.bytes().all(|b| b.is_ascii_lowercase()) || p == "a");
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
