//! The action for GitHub: what its inputs hold reaches txspec as arguments, and never the shell.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;
use txspec::document::Document;

fn action() -> Value {
    let text = fs::read_to_string("action.yml").unwrap();
    Document::parse("action.yml", &text).unwrap().value().clone()
}

fn steps(action: &Value) -> Vec<Value> {
    action["runs"]["steps"].as_array().unwrap().clone()
}

#[test]
fn no_input_is_pasted_into_a_script() {
    for step in steps(&action()) {
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{") && !script.contains("eval"), "{script}");
        assert_eq!(step["shell"], "bash");
    }
}

#[cfg(unix)]
#[test]
fn every_line_of_the_arguments_is_one_argument_as_it_stands() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    // In place of txspec, something that writes down what it was given.
    fs::create_dir(path("bin")).unwrap();
    // An earlier run left reports: none of them may be shown as the result of this one.
    fs::create_dir(path("re ports")).unwrap();
    for file in ["report.json", "junit.xml", "summary.md", "report.html", "notes.txt"] {
        fs::write(path("re ports").join(file), "of an earlier run").unwrap();
    }
    fs::write(path("bin/txspec"), "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" >>\"$SEEN\"\nexit 1\n").unwrap();
    fs::set_permissions(path("bin/txspec"), fs::Permissions::from_mode(0o755)).unwrap();
    let steps = steps(&action());
    let run = steps.iter().find(|s| s["id"] == "run").unwrap();
    let status = Command::new("bash")
        .args(["-eo", "pipefail", "-c", run["run"].as_str().unwrap()])
        .env("PATH", format!("{}:{}", path("bin").display(), std::env::var("PATH").unwrap()))
        .env("SEEN", path("seen"))
        .env("TARGET", "a b; touch pwned")
        .env("PROFILE", "")
        .env("REPORT_DIR", "re ports")
        .env("AGAINST", "")
        .env("ARGUMENTS", "--only\n$(touch pwned) `touch pwned` *\r\n\n--skip=\"x\" 'y'\n")
        .env("GITHUB_STEP_SUMMARY", path("summary"))
        .env("GITHUB_OUTPUT", path("output"))
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let seen = fs::read_to_string(path("seen")).unwrap();
    let expected = [
        "run",
        "--annotate",
        "github",
        "--report-dir",
        "re ports",
        "--target=a b; touch pwned",
        "--only",
        "$(touch pwned) `touch pwned` *",
        "--skip=\"x\" 'y'",
    ];
    assert_eq!(seen.lines().skip(1).collect::<Vec<_>>(), expected);
    assert_eq!(seen.lines().next(), Some("9"));
    assert_eq!(fs::read_to_string(path("output")).unwrap(), "exit-code=1\n");
    assert!(!path("pwned").exists());
    assert!(!path("summary").exists(), "the summary of an earlier run is shown");
    let left: Vec<_> = fs::read_dir(path("re ports")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}

/// The baseline may be the very report that this run replaces.
#[cfg(unix)]
#[test]
fn a_baseline_in_the_folder_of_the_reports_is_compared_with_what_this_run_wrote() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("bin")).unwrap();
    fs::create_dir(path("reports")).unwrap();
    fs::write(path("reports/report.json"), "earlier").unwrap();
    let script = "#!/bin/sh\ncase $1 in\nrun) printf now >reports/report.json ;;\n\
                  *) cat \"${2#--against=}\" \"$3/report.json\" >seen ;;\nesac\n";
    fs::write(path("bin/txspec"), script).unwrap();
    fs::set_permissions(path("bin/txspec"), fs::Permissions::from_mode(0o755)).unwrap();
    let steps = steps(&action());
    let run = steps.iter().find(|s| s["id"] == "run").unwrap();
    for against in ["reports", "reports/report.json"] {
        fs::write(path("reports/report.json"), "earlier").unwrap();
        let status = Command::new("bash")
            .args(["-eo", "pipefail", "-c", run["run"].as_str().unwrap()])
            .env("PATH", format!("{}:{}", path("bin").display(), std::env::var("PATH").unwrap()))
            .envs([("TARGET", ""), ("PROFILE", ""), ("REPORT_DIR", "reports"), ("ARGUMENTS", "")])
            .env("AGAINST", against)
            .env("GITHUB_STEP_SUMMARY", path("summary"))
            .env("GITHUB_OUTPUT", path("output"))
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0));
        assert_eq!(fs::read_to_string(path("seen")).unwrap(), "earliernow");
    }
}
