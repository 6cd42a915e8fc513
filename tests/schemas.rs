//! The published JSON Schemas are those of the program, and every YAML file that comes with txspec names its schema and
//! fits it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use txspec::cli::SchemaName;

#[test]
fn published_schemas_are_current() {
    for name in SchemaName::ALL {
        let file = Path::new("schemas").join(name.file());
        let word = name.file().strip_suffix(".schema.json").unwrap();
        let published = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            published == name.text(),
            "{} is not current: cargo run -- schema {word} > {}",
            file.display(),
            file.display()
        );
    }
}

#[test]
fn scenarios_fit_their_schema() {
    fit("scenarios", SchemaName::Scenario, &[]);
}

#[test]
fn targets_fit_their_schema() {
    fit("targets", SchemaName::Target, &[]);
}

#[test]
fn requirements_fit_their_schema() {
    fit(
        "requirements",
        SchemaName::Requirements,
        &["ambiguity.yaml", "decision-table.yaml", "diagnostics.yaml", "registry.yaml", "words.yaml"],
    );
}

#[test]
fn vendor_fixtures_fit_their_schema() {
    fit("fixtures/vendors", SchemaName::Vendor, &[]);
}

/// Every YAML file of a folder names the schema in its first line and fits it.
fn fit(folder: &str, schema: SchemaName, without: &[&str]) {
    let up = "../".repeat(Path::new(folder).components().count());
    let header = format!("# yaml-language-server: $schema={up}schemas/{}", schema.file());
    let schema: Value = serde_json::from_str(&schema.text()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut wrong = Vec::new();
    for file in yaml_files(folder) {
        if without.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        if text.lines().next() != Some(header.as_str()) {
            wrong.push(format!("{}: the first line is not `{header}`", file.display()));
        }
        let value: Value = serde_yaml::from_str(&text).unwrap();
        for error in validator.iter_errors(&value) {
            wrong.push(format!("{}: {}: {error}", file.display(), error.instance_path()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} holds no YAML file");
    files
}
