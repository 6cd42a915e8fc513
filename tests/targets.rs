//! Every target file that comes with txspec loads, by its path and by its name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use txspec::{
    reference::{Options, ReferenceServer},
    spec::Catalogue,
    target::{embedded_names, load_named},
};

/// Those that are known by documents and were not measured.
const DOCUMENTED: [&str; 11] = [
    "auth0",
    "authentik",
    "camall",
    "curity",
    "janssen",
    "logto",
    "okta",
    "pingfederate",
    "pingone-aic",
    "wso2",
    "zitadel",
];

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir("targets").unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

/// The variables of a file, each with something that can stand for it.
fn placeholders(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let names: BTreeSet<String> = lines
        .flat_map(|line| line.split("${").skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()))
        .map(|inner| inner.split(":-").next().unwrap().to_owned())
        .collect();
    let value = |name: &str| match name {
        _ if name.ends_with("_KEY") => fs::read_to_string("fixtures/keys/foreign-issuer-es256.pem").unwrap(),
        _ if name.ends_with("_URL") || name.ends_with("_ENDPOINT") || name.ends_with("ISSUER") => {
            "https://as.example.com".to_owned()
        }
        _ if name.ends_with("SUBJECT_TYPE") => "https://example.com/txspec".to_owned(),
        _ => format!("value-of-{}", name.to_lowercase()),
    };
    names.iter().map(|name| (name.clone(), value(name))).collect()
}

/// The comment that a file opens with, as one line.
fn head(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

#[test]
fn check_accepts_every_target_file() {
    for path in files() {
        let out = Command::new(env!("CARGO_BIN_EXE_txspec"))
            .arg("check")
            .arg(&path)
            .envs(placeholders(&path))
            .output()
            .unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(0), "{}: {stderr}", path.display());
        assert!(stdout.starts_with("ok: "), "{stdout}");
        assert!(!stderr.contains("error["), "{}: {stderr}", path.display());
    }
}

#[test]
fn every_target_file_loads_by_its_name() {
    let catalogue = Catalogue::embedded().unwrap();
    let names: Vec<String> =
        files().iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, embedded_names());
    for (name, path) in names.iter().zip(files()) {
        let variables = placeholders(&path);
        let target = load_named(name, &|variable| variables.get(variable).cloned(), &catalogue)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(target.spec.clients.contains_key("exchanger"), "{name}");
        assert!(target.spec.tokens.contains_key("user"), "{name}");
    }
}

#[test]
fn documented_targets_say_where_their_facts_come_from_and_what_is_unverified() {
    for name in DOCUMENTED {
        let text = fs::read_to_string(format!("targets/{name}.yaml")).unwrap();
        let head = head(&text);
        assert!(
            head.to_lowercase().contains("nothing here was measured")
                || head.contains("nothing was measured"),
            "{name}"
        );
        assert!(head.contains("Where the facts come from") || head.contains("Documented (\""), "{name}");
        assert!(head.contains("nverified") || head.contains("Not documented"), "{name}");
    }
}

#[test]
fn the_list_marks_what_was_measured_what_is_documented_and_what_can_be_simulated() {
    let list = |format: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_txspec"))
            .args(["list", "targets", "--format", format])
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let rows: serde_json::Value = serde_json::from_str(&list("json")).unwrap();
    let text = list("text");
    for row in rows.as_array().unwrap() {
        let name = row["id"].as_str().unwrap();
        let kind = match name {
            "reference" => "embedded",
            _ if DOCUMENTED.contains(&name) => "documented",
            _ => "measured",
        };
        assert_eq!(row["kind"], kind, "{name}");
        let simulated = PathBuf::from(format!("fixtures/vendors/{name}.yaml")).exists();
        assert_eq!(row["simulated"], simulated, "{name}");
        let started = PathBuf::from(format!("interop/providers/{name}.sh")).exists();
        assert_eq!(started, kind == "measured", "{name}");
        let line = text.lines().find(|l| l.split_whitespace().next() == Some(name)).unwrap();
        assert!(line.contains(kind) && line.contains("simulated") == simulated, "{line}");
    }
}

#[test]
fn documented_targets_name_every_variable_that_they_need() {
    for name in DOCUMENTED {
        let path = PathBuf::from(format!("targets/{name}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        let head = head(&text);
        let catalogue = Catalogue::embedded().unwrap();
        for variable in placeholders(&path).keys() {
            // What has a default needs no word.
            let has_default = text.contains(&format!("${{{variable}:-"));
            assert!(has_default || head.contains(variable.as_str()), "{name}: {variable} is not explained");
        }
        let unset = load_named(name, &|_| None, &catalogue);
        assert!(unset.is_err(), "{name} loads without its secrets");
    }
}

#[test]
fn a_name_means_the_target_that_comes_with_txspec_whatever_lies_in_the_folder() {
    let folder = tempfile::TempDir::new().unwrap();
    fs::create_dir(folder.path().join("reference")).unwrap();
    fs::write(folder.path().join("logto"), "not: [a target").unwrap();
    fs::write(folder.path().join("own"), "not: [a target").unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_txspec"))
            .args(["run", "--quiet", "--no-report", "--only", "impersonation"])
            .args(arguments)
            .current_dir(folder.path())
            .env_remove("TXSPEC_ISSUER")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run(&["--target", "reference"]).0, Some(0));
    assert_eq!(run(&["--target", "janssen", "--simulated"]).0, Some(0));
    let (code, error) = run(&["--target", "logto", "--simulated"]);
    assert!(error.contains("nothing was measured") && code != Some(2), "{code:?} {error}");
    // A file of another name is read, and so is one that a path names.
    for file in ["own", "./logto"] {
        let (code, error) = run(&["--target", file]);
        assert!(code == Some(2) && error.contains(&format!("{file}:1:")), "{code:?} {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_needs_is_sent_in_place_of_what_all_exchanges_need() {
    let server = ReferenceServer::start(Options::default()).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let target = format!(
        "name: Own\nissuer: {}\nclients: {{ exchanger: {{ id: app, secret: app-secret }} }}\ntokens:\n  user:\n    \
         params: {{ audience: api }}\n    from: {{ password: {{ client: exchanger, username: alice, password: \
         alice-password }} }}\nextra_params: {{ audience: backend, x_own: [one, two] }}\n",
        server.issuer()
    );
    fs::write(folder.path().join("as.yaml"), target).unwrap();
    tokio::task::block_in_place(|| {
        let output = Command::new(env!("CARGO_BIN_EXE_txspec"))
            .args(["run", "--quiet", "--target", "as.yaml", "--only", "impersonation"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
    let report = fs::read_to_string(folder.path().join("reports/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let exchanges = report["scenarios"][0]["exchanges"].as_array().unwrap();
    let sent = exchanges.iter().find(|e| e["purpose"] == "exchange").unwrap();
    let body = sent["request"]["body"].as_str().unwrap();
    assert!(body.contains("audience=api") && !body.contains("backend"), "{body}");
    assert!(body.contains("x_own=one&x_own=two"), "{body}");
}
