//! The house: dependencies between the rooms run one way, one file writes to the terminal, and every module says its
//! duty. `docs/design.md` gives the reasons.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each room and the rooms that it may know.
const ROOMS: &[(&str, &[&str])] = &[
    ("document", &[]),
    ("spec", &["document"]),
    ("wire", &[]),
    ("scenario", &["spec", "document"]),
    ("target", &["spec", "document", "wire"]),
    ("token", &["scenario", "target", "wire", "spec"]),
    ("judge", &["spec", "scenario", "target", "token", "wire"]),
    ("run", &["document", "spec", "scenario", "target", "token", "wire", "judge"]),
    ("report", &["run", "judge", "spec", "scenario", "wire"]),
    ("reference", &[]),
    ("vendor", &["document", "spec", "reference"]),
    ("prove", &["run", "judge", "reference", "scenario", "spec", "target", "wire"]),
    (
        "cli",
        &[
            "document",
            "spec",
            "wire",
            "scenario",
            "target",
            "token",
            "judge",
            "run",
            "report",
            "reference",
            "prove",
            "vendor",
        ],
    ),
];

/// The only file that writes to standard output or standard error.
const TERMINAL: &str = "src/cli/terminal.rs";

#[test]
fn dependencies_run_one_way() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(room) = room_of(&file) else { continue };
        let allowed = ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            wrong.push(format!("{}: the room `{room}` is not in the table", file.display()));
            continue;
        };
        for (line, name) in rooms_used(&code(&file)) {
            if name != room && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}:{line}: `{room}` must not know `{name}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_has_no_circle() {
    for (at, (room, allowed)) in ROOMS.iter().enumerate() {
        for known in *allowed {
            let of = ROOMS.iter().position(|(name, _)| name == known).unwrap();
            let knows_back = ROOMS[of].1.contains(room);
            assert!(of != at && !knows_back, "`{room}` and `{known}` know each other");
        }
    }
}

#[test]
fn every_room_is_in_the_map() {
    let map: BTreeSet<String> = code(Path::new("src/lib.rs"))
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect();
    let table: BTreeSet<String> = ROOMS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(map, table);
}

#[test]
fn only_the_terminal_prints() {
    let marks =
        ["println!", "eprintln!", "print!(", "eprint!(", "dbg!(", "io::stdout", "io::stderr", "indicatif"];
    let mut wrong = Vec::new();
    for file in sources().into_iter().filter(|file| file != Path::new(TERMINAL)) {
        for (at, line) in code(&file).lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(*mark)) {
                wrong.push(format!("{}:{}: {mark}", file.display(), at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "write through {TERMINAL}:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_says_its_duty() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! "))
        .map(|file| file.display().to_string())
        .collect();
    assert!(silent.is_empty(), "modules that do not open with //!: {}", silent.join(", "));
}

/// Every source file of the package, from its root.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 50, "the sources were not found");
    files.retain(|file| !is_for_tests(file));
    files
}

/// Whether the parent module declares the file behind `#[cfg(test)]`.
fn is_for_tests(file: &Path) -> bool {
    let (Some(folder), Some(name)) = (file.parent(), file.file_stem().and_then(|n| n.to_str())) else {
        return false;
    };
    let parents = [folder.join("mod.rs"), folder.with_extension("rs"), folder.join("lib.rs")];
    let declaration = format!("#[cfg(test)]\nmod {name};");
    parents.iter().filter_map(|p| fs::read_to_string(p).ok()).any(|text| text.contains(&declaration))
}

fn room_of(file: &Path) -> Option<String> {
    let mut parts = file.strip_prefix("src").ok()?.iter();
    let first = parts.next()?.to_str()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "main"].contains(&room)).then(|| room.to_owned())
}

/// The text of a file without comments and without its tests, which stand last.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let without_comment = |line: &str| {
        if line.trim_start().starts_with("//") { String::new() } else { line.to_owned() }
    };
    text[..end].lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

/// The rooms that a text names after `crate::`, also in braces, with their lines.
fn rooms_used(text: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => used.extend(first_words(list).into_iter().map(|word| (line, word))),
            None => used.extend(word(rest).map(|word| (line, word))),
        }
    }
    used
}

/// The words that stand first in each part of a list up to its closing brace.
fn first_words(list: &str) -> Vec<String> {
    let mut depth = 1;
    let mut parts = vec![String::new()];
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => parts.push(String::new()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if let Some(part) = parts.last_mut().filter(|_| c != ',' || depth > 1) {
            part.push(c);
        }
    }
    parts.iter().filter_map(|part| word(part.trim())).collect()
}

fn word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

#[test]
fn lists_in_braces_are_read() {
    let text =
        "use crate::{\n    judge::{Cause, Verdict},\n    spec::Level,\n};\nlet x = crate::run::limits(t);";
    let names: Vec<String> = rooms_used(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["judge", "spec", "run"]);
}
