//! `interop/run` as someone meets it for the first time: its help, its list of providers, and runtimes that are not what
//! they seem. No server is started.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn providers() -> Vec<String> {
    let files =
        fs::read_dir(script("providers")).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|f| f.strip_suffix(".sh").map(str::to_owned)).collect();
    names.sort();
    names
}

#[test]
fn help_is_printed_and_is_no_mistake() {
    for (name, words) in [
        ("run", "Exit codes: of one provider"),
        ("examples", "reports/example"),
        ("side-by-side", "reports/providers"),
    ] {
        for flag in ["--help", "-h"] {
            let out = Command::new(script(name)).arg(flag).output().unwrap();
            assert_eq!(out.status.code(), Some(0), "{name}: {}", text(&out.stderr));
            assert!(text(&out.stdout).contains(words), "{name}: {}", text(&out.stdout));
            assert!(!text(&out.stdout).contains("set -euo"), "{name}");
        }
        let out = Command::new(script(name)).arg("no-such-provider").output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{name}");
        assert!(text(&out.stderr).contains("help"), "{name}: {}", text(&out.stderr));
    }
}

#[test]
fn a_link_to_the_script_knows_the_providers_too() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("judge");
    symlink(script("run"), &link).unwrap();
    let out = Command::new(&link).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    let line = format!("providers: {}\n", providers().join(" "));
    assert!(text(&out.stderr).contains(&line), "{}", text(&out.stderr));
    let out = Command::new(&link).args(["jmondi", "dex", "--", "true"]).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("a command goes with one provider"), "{}", text(&out.stderr));
}

/// What a program calls its version is no number, or one that the shell would compute.
#[test]
fn a_runtime_that_says_no_version_is_skipped() {
    let folder = TempDir::new().unwrap();
    let fake = |name: &str, says: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{says}\nEND\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let run = |provider: &str| -> Output {
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        Command::new(script("run"))
            .args([provider, "--", "true"])
            .env("PATH", path)
            .env("JAVA_HOME", folder.path())
            .env("TXSPEC", env!("CARGO_BIN_EXE_txspec"))
            .env("TXSPEC_INTEROP_CACHE", folder.path().join("cache"))
            .output()
            .unwrap()
    };
    for name in ["npm", "mvn", "javac"] {
        fake(name, "");
    }
    let touched = folder.path().join("touched");
    let computed = format!("x[$(touch {})]", touched.display());
    for says in ["garbage", "", "v08", "-1", &computed] {
        fake("node", says);
        fake("go", says);
        fake("java", &format!("    java.specification.version = {says}"));
        for provider in ["jmondi", "oidc-provider", "dex", "mock-oauth2-server", "spring"] {
            let out = run(provider);
            let said = text(&out.stderr);
            assert_eq!(out.status.code(), Some(77), "{provider}, {says}: {said}");
            assert!(said.contains(&format!("SKIP {provider}: ")), "{provider}, {says}: {said}");
            assert!(
                !said.contains("unbound variable") && !said.contains("line "),
                "{provider}, {says}: {said}"
            );
        }
    }
    assert!(!touched.exists(), "a version was computed");
}
