//! The guides of docs/guides, walked as a newcomer walks them: in an empty folder, from top to bottom, each file written
//! and each command run as it stands.
#![cfg(unix)]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// One thing that a guide asks for.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Write a file.
    File(String, String),
    /// Start a server that stays.
    Background(String),
    /// Run a command and expect its exit code.
    Command(String, i32),
}

fn steps(guide: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut mark = "";
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("<!-- ") {
            mark = line.trim_start_matches("<!-- ").trim_end_matches(" -->");
            continue;
        }
        if !line.starts_with("```") || line == "```" {
            continue;
        }
        let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        match (line, mark.strip_prefix("file: ")) {
            ("```yaml", Some(name)) => steps.push(Step::File(name.to_owned(), block.join("\n") + "\n")),
            ("```console", _) => {
                for command in block.iter().map(|l| l.strip_prefix("$ ").expect("a line is a command")) {
                    steps.push(if mark == "background" {
                        Step::Background(command.to_owned())
                    } else {
                        let (command, code) = command.split_once("   # exit ").unwrap_or((command, "0"));
                        Step::Command(command.to_owned(), code.parse().expect("an exit code"))
                    });
                }
            }
            _ => panic!("a block that nobody runs: {line}, marked `{mark}`"),
        }
        mark = "";
    }
    steps
}

/// Servers end with the walk.
struct Servers(Vec<Child>);

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.0 {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn shell(folder: &Path, variables: &BTreeMap<String, String>, command: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_txspec")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .envs(variables)
        .env_remove("TXSPEC_ISSUER")
        .stdin(Stdio::null());
    shell
}

fn walk(name: &str) {
    let guide = fs::read_to_string(Path::new("docs/guides").join(name)).unwrap();
    let ports = ["4477", "4478", "4479"].map(|written| (written, free_port().to_string()));
    let here =
        |text: &str| ports.iter().fold(text.to_owned(), |text, (written, free)| text.replace(written, free));
    let folder = TempDir::new().unwrap();
    let mut servers = Servers(Vec::new());
    let mut variables = BTreeMap::new();
    let steps = steps(&guide);
    assert!(steps.iter().any(|s| matches!(s, Step::Command(..))), "{name} runs nothing");
    for step in steps {
        match step {
            Step::File(file, text) => fs::write(folder.path().join(file), here(&text)).unwrap(),
            Step::Background(command) => {
                let command = format!("exec {}", here(&command));
                let mut child =
                    shell(folder.path(), &variables, &command).stdout(Stdio::piped()).spawn().unwrap();
                let mut line = String::new();
                BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
                assert!(line.contains("http://127.0.0.1:"), "{name}: {command} says {line}");
                servers.0.push(child);
            }
            Step::Command(command, code) => {
                if let Some(settings) = command.strip_prefix("export ") {
                    let settings = settings.split(' ').map(|s| s.split_once('=').expect("NAME=value"));
                    variables.extend(settings.map(|(n, v)| (n.to_owned(), v.to_owned())));
                    continue;
                }
                let output = shell(folder.path(), &variables, &here(&command)).output().unwrap();
                assert_eq!(
                    output.status.code(),
                    Some(code),
                    "{name}: $ {command}\n{}\n{}",
                    String::from_utf8_lossy(&output.stdout)
                        .lines()
                        .rev()
                        .take(60)
                        .collect::<Vec<_>>()
                        .join("\n"),
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
}

#[test]
fn a_server_is_validated_as_its_guide_says() {
    walk("validate.md");
}

#[test]
fn a_target_file_is_written_as_its_guide_says() {
    walk("targets.md");
}

#[test]
fn verdicts_are_read_as_their_guide_says() {
    walk("verdicts.md");
}

#[test]
fn a_release_is_gated_as_its_guide_says() {
    walk("gate.md");
}

#[test]
fn servers_are_compared_as_their_guide_says() {
    walk("compare.md");
}

#[test]
fn scenarios_are_written_as_their_guide_says() {
    walk("scenarios.md");
}

#[test]
fn every_guide_is_walked_and_named_in_the_index() {
    let index = fs::read_to_string("docs/guides/README.md").unwrap();
    let mut names: Vec<String> = fs::read_dir("docs/guides")
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .filter(|n| n != "README.md")
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["compare.md", "gate.md", "scenarios.md", "targets.md", "validate.md", "verdicts.md"],
        "a new guide needs a test here"
    );
    for name in names {
        assert!(index.contains(&format!("]({name})")), "{name} is not in the index");
    }
}

#[test]
fn every_cause_and_class_is_explained() {
    use txspec::judge::{Cause, FailClass};
    let guide = fs::read_to_string("docs/guides/verdicts.md").unwrap();
    let words = |heading: &str| -> Vec<String> {
        let section = guide.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
        let mut words: Vec<String> = section
            .lines()
            .filter_map(|l| l.strip_prefix("| `")?.split('`').next().map(str::to_owned))
            .collect();
        words.sort();
        words
    };
    let mut causes: Vec<String> = Cause::ALL.iter().map(|c| c.word().to_owned()).collect();
    causes.sort();
    assert_eq!(words("## Why nothing is proven"), causes);
    let mut classes = [FailClass::Accepted, FailClass::Refused, FailClass::WrongForm, FailClass::Malformed]
        .map(|c| serde_json::to_value(c).unwrap().as_str().unwrap().to_owned());
    classes.sort();
    assert_eq!(words("## What kind of violation"), classes);
}
