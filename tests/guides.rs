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

/// The lines of the tables under a heading of a guide, without their heads.
fn table(guide: &str, heading: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("docs/guides/{guide}")).unwrap();
    let section = text.split(&format!("\n## {heading}\n")).nth(1).expect(heading);
    let section = section.split("\n## ").next().unwrap();
    section.lines().filter(|l| l.starts_with("| `") || l.starts_with("| [")).map(str::to_owned).collect()
}

/// Words that are ours, as the pages write them.
fn cell(text: &str) -> String {
    let pieces = text.trim().split('`').enumerate();
    let pieces =
        pieces.map(|(i, piece)| if i % 2 == 1 { piece.to_owned() } else { piece.replace('<', "&lt;") });
    pieces.collect::<Vec<_>>().join("`")
}

#[test]
fn the_tables_of_verdicts_are_what_explain_says() {
    use txspec::spec::{Catalogue, CodeKind, WordKind};
    let catalogue = Catalogue::embedded().unwrap();
    for (heading, kind) in [
        ("The five verdicts", CodeKind::Verdict),
        ("What kind of violation", CodeKind::Violation),
        ("Why nothing is proven", CodeKind::Cause),
    ] {
        let of = catalogue.diagnostics().iter().filter(|entry| entry.kind == kind);
        let rows: Vec<String> = of
            .map(|e| {
                format!(
                    "| [`{0}`](../diagnostics/{0}.md) | {1} | {2} |",
                    e.code,
                    cell(&e.means),
                    cell(&e.mend)
                )
            })
            .collect();
        assert_eq!(table("verdicts.md", heading), rows, "{heading}");
    }
    let conclusions = catalogue.words().into_iter().filter(|word| word.kind == WordKind::Conclusion);
    let rows: Vec<String> = conclusions
        .map(|w| {
            let mend = cell(&w.more[0].1);
            format!("| [`{0}`](../words/conclusions.md#{0}) | {1} | {mend} |", w.word, cell(&w.means))
        })
        .collect();
    assert_eq!(table("verdicts.md", "The conclusion"), rows);
}

#[test]
fn the_tables_of_target_files_are_what_explain_says() {
    use txspec::spec::{Capability, role};
    let rows = |names: Vec<(&str, &str)>| -> Vec<String> {
        names.iter().map(|(name, means)| format!("| `{name}` | {} |", means.trim_end_matches('.'))).collect()
    };
    let capabilities: Vec<(&str, &str)> = Capability::ALL.iter().map(|c| (c.name(), c.meaning())).collect();
    let targets_and_scopes: Vec<(&str, &str)> = role::TARGETS.iter().chain(role::SCOPES).copied().collect();
    let in_guide = table("targets.md", "4. Capabilities");
    assert_eq!(in_guide, rows([capabilities, targets_and_scopes].concat()));
    let tokens = table("targets.md", "3. Tokens");
    let roles = rows(role::TOKENS.to_vec());
    assert_eq!(tokens[tokens.len() - roles.len()..], roles);
    assert_eq!(table("targets.md", "2. Clients"), rows(role::CLIENTS.to_vec()));
}
