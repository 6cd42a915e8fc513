//! The examples of the README hold no mistake: those marked `<!-- target -->` and `<!-- scenario -->` are read as the
//! program reads them.

use std::fs;

use tempfile::TempDir;
use txspec::{
    cli::Exit,
    scenario::Suite,
    spec::Catalogue,
    target::{TargetError, load_text},
};

/// The YAML blocks behind a mark.
fn blocks(mark: &str) -> Vec<String> {
    let readme = fs::read_to_string("README.md").unwrap();
    let opening = format!("<!-- {mark} -->\n```yaml\n");
    let blocks: Vec<String> = readme
        .split(&opening)
        .skip(1)
        .map(|rest| rest.split_once("\n```").expect("the block ends").0.to_owned())
        .collect();
    assert!(!blocks.is_empty(), "the README holds no block marked {mark}");
    blocks
}

#[test]
fn targets_in_the_readme_are_right() {
    let catalogue = Catalogue::embedded().unwrap();
    // A source that reads a variable wants it set in the environment itself.
    let text = |block: String| block.replace("env: BOBS_TOKEN", "env: PATH");
    for block in blocks("target") {
        match load_text("README.md", &text(block), &|_| Some("value".into()), &catalogue) {
            Ok(target) => assert!(target.warnings.0.is_empty(), "{}", target.warnings.render(false)),
            Err(TargetError::Mistakes(mistakes) | TargetError::Unread(mistakes)) => {
                panic!("{}", mistakes.render(false))
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn scenarios_in_the_readme_are_right() {
    let catalogue = Catalogue::embedded().unwrap();
    let folder = TempDir::new().unwrap();
    for (at, block) in blocks("scenario").into_iter().enumerate() {
        let file = folder.path().join(format!("readme-{at}.yaml"));
        fs::write(&file, block).unwrap();
        let suite = Suite::from_paths(&[file], &catalogue).unwrap_or_else(|error| match error {
            txspec::scenario::LoadError::Mistakes(mistakes) => panic!("{}", mistakes.render(false)),
            other => panic!("{other}"),
        });
        assert!(suite.warnings.0.is_empty(), "{}", suite.warnings.render(false));
    }
}

#[test]
fn the_exit_codes_in_the_readme_are_the_programs() {
    let readme = fs::read_to_string("README.md").unwrap();
    let all = [
        Exit::Ok,
        Exit::Failure,
        Exit::Usage,
        Exit::Inconclusive,
        Exit::NothingRan,
        Exit::Waiver,
        Exit::Unreachable,
        Exit::Bug,
    ];
    let table = readme.split("### Exit codes").nth(1).unwrap().split("\n#").next().unwrap();
    let codes: Vec<u8> =
        table.lines().filter_map(|line| line.split('|').nth(1)?.trim().parse().ok()).collect();
    assert_eq!(codes, all.map(Exit::code));
}

/// Columns of the table of servers, and where their numbers stand in a target of the comparison.
const COLUMNS: [(&str, &str); 7] = [
    ("❌ violated", "/requirements/violated"),
    ("of them accepted", "/requirements/accepted"),
    ("⚠️ warning", "/requirements/warnings"),
    ("ℹ️ information", "/requirements/information"),
    ("❔ inconclusive", "/requirements/inconclusive"),
    ("✅ met", "/requirements/met"),
    ("– not exercised", "/requirements/not_exercised"),
];

#[test]
fn the_table_of_servers_in_the_readme_is_that_of_the_reports() {
    let readme = fs::read_to_string("README.md").unwrap();
    let table =
        readme.split("<!-- providers -->").nth(1).unwrap().split("<!-- /providers -->").next().unwrap();
    let mut lines = table.lines().filter(|line| line.starts_with('|'));
    let heads: Vec<&str> = lines.next().unwrap().split('|').map(str::trim).collect();
    let rows: Vec<Vec<&str>> = lines.skip(1).map(|line| line.split('|').map(str::trim).collect()).collect();
    let comparison: serde_json::Value =
        serde_json::from_str(&fs::read_to_string("reports/providers/comparison.json").unwrap()).unwrap();
    let targets = comparison["targets"].as_array().unwrap();
    assert_eq!(rows.len(), targets.len());
    for (row, target) in rows.iter().zip(targets) {
        let label = target["label"].as_str().unwrap();
        let name = label.strip_suffix(" (documented, not measured)");
        assert_eq!(row[2] == "documented, not measured", name.is_some(), "{row:?}");
        assert!(row[1].starts_with(&format!("[{}](", name.unwrap_or(label))), "{row:?}");
        let numbers: Vec<String> = ["pass", "fail", "warn", "inconclusive", "not_applicable"]
            .iter()
            .map(|key| target["counts"][*key].to_string())
            .collect();
        let named = ["", "server", "verdicts are"];
        for (head, cell) in heads.iter().zip(row).filter(|(head, _)| !named.contains(head)) {
            let (_, place) = COLUMNS.iter().find(|(name, _)| name == head).expect("a column that is known");
            assert_eq!(*cell, target.pointer(place).unwrap().to_string(), "{head}: {row:?}");
        }
        for link in row.iter().filter_map(|cell| cell.split_once("](")?.1.strip_suffix(')')) {
            assert!(fs::metadata(link).is_ok(), "{link}");
        }
        // The notes on a measured server speak of the same run.
        if let (None, Some(notes)) = (name, row[heads.len() - 2].split("](").nth(1)) {
            let text = fs::read_to_string(notes.trim_end_matches(')')).unwrap();
            for number in &numbers {
                let cells = [format!("| {number} |"), format!("| {number} (")];
                let told =
                    cells.iter().any(|c| text.contains(c)) || text.contains(&format!("| {number} of "));
                assert!(told, "{notes} does not have {number}");
            }
        }
    }
}
