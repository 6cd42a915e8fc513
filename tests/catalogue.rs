//! Every sentence is accounted for: the catalogue is complete, consistent, and each of its rows is checked or says why
//! it cannot be.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;
use txspec::{
    judge::oracle_requirements,
    scenario::Suite,
    spec::{Catalogue, Requirement},
};

fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

/// What `txspec list WHAT --format json` prints.
fn list(what: &str) -> Vec<Value> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_txspec")).args(["list", what, "--format", "json"]).output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn none<T: std::fmt::Debug>(what: &str, found: &[T]) {
    assert!(found.is_empty(), "{what}: {found:#?}");
}

#[test]
fn all_thirty_keyword_statements_are_there() {
    let catalogue = catalogue();
    let present: BTreeSet<&str> = catalogue
        .requirements()
        .iter()
        .filter(|r| r.spec == "RFC 8693")
        .flat_map(|r| r.statements.iter().map(String::as_str))
        .collect();
    let wanted: Vec<String> = (1..=30).map(|n| format!("N{n:02}")).collect();
    assert_eq!(present.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn keyword_statements_carry_their_keyword() {
    let catalogue = catalogue();
    let wrong: Vec<&str> = catalogue
        .requirements()
        .iter()
        .filter(|r| !r.statements.is_empty() && r.keyword.is_none())
        .map(|r| r.id.as_str())
        .collect();
    none("statements without keyword", &wrong);
}

#[test]
fn ids_are_unique() {
    // The loader itself refuses a repeated requirement.
    let catalogue = catalogue();
    let ids = catalogue
        .ids()
        .chain(catalogue.rows().iter().map(|r| r.id.as_str()))
        .chain(catalogue.ambiguities().iter().map(|a| a.id.as_str()));
    let mut seen = BTreeSet::new();
    let twice: Vec<&str> = ids.filter(|id| !seen.insert(*id)).collect();
    none("ids that mean two things", &twice);
}

#[test]
fn every_row_has_checks_or_a_reason() {
    let (mut neither, mut both) = (Vec::new(), Vec::new());
    for row in list("requirements") {
        let id = row["id"].as_str().unwrap().to_owned();
        let checked = row["oracle"] == true || !row["scenarios"].as_array().unwrap().is_empty();
        match (checked, row["reason"].is_string()) {
            (false, false) => neither.push(id),
            (true, true) => both.push(id),
            _ => {}
        }
    }
    none("rows with neither checks nor a reason", &neither);
    none("rows with checks and a reason why there are none", &both);
}

#[test]
fn rows_that_say_the_same_name_a_row_with_checks() {
    let catalogue = catalogue();
    let wrong: Vec<&Requirement> = catalogue
        .requirements()
        .iter()
        .filter(|r| {
            r.same_as.as_deref().is_some_and(|same| {
                let other = catalogue.get(same);
                other.is_none_or(|o| o.id == r.id || o.same_as.is_some() || o.unchecked.is_some())
            })
        })
        .collect();
    none("`same_as` that leads nowhere", &wrong);
}

#[test]
fn what_is_covered_exists() {
    let catalogue = catalogue();
    let suite = Suite::embedded(&catalogue).unwrap();
    let mut wrong = Vec::new();
    for scenario in suite.scenarios() {
        for id in scenario.covers() {
            match catalogue.get(id) {
                Some(row) if row.same_as.is_none() => {}
                _ => wrong.push((scenario.id.as_str(), id)),
            }
        }
    }
    none("scenarios that cover what is no row of its own", &wrong);
    let lines: Vec<&&str> = oracle_requirements().iter().filter(|id| catalogue.get(id).is_none()).collect();
    none("lines of the generic oracles that are no row", &lines);
}

#[test]
fn the_decision_table_rests_on_the_catalogue() {
    let catalogue = catalogue();
    let mut wrong = Vec::new();
    for row in catalogue.rows() {
        if catalogue.get(&row.requirement).is_none() {
            wrong.push(format!("{}: requirement {}", row.id, row.requirement));
        }
        if row.statuses.is_empty() || row.expected.is_empty() {
            wrong.push(format!("{}: no status or no code fits", row.id));
        }
        for tolerated in &row.tolerated {
            if tolerated.ambiguity.as_deref().is_some_and(|a| catalogue.ambiguity(a).is_none()) {
                wrong.push(format!("{}: ambiguity {:?}", row.id, tolerated.ambiguity));
            }
            if row.expected.contains(&tolerated.code) {
                wrong.push(format!("{}: {} is expected and tolerated", row.id, tolerated.code));
            }
        }
        let known = |code: &str| code == "*" || catalogue.registry().is_token_endpoint_code(code);
        for code in row.expected.iter().filter(|code| !known(code)) {
            wrong.push(format!("{}: the expected code {code} is not registered", row.id));
        }
    }
    none("rows of the decision table", &wrong);
}

#[test]
fn the_ambiguity_register_and_the_rows_name_each_other() {
    let catalogue = catalogue();
    let mut by_row: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in catalogue.requirements() {
        for entry in &row.ambiguity {
            by_row.entry(entry).or_default().insert(&row.id);
        }
    }
    let by_entry: BTreeMap<&str, BTreeSet<&str>> = catalogue
        .ambiguities()
        .iter()
        .filter(|a| !a.requirements.is_empty())
        .map(|a| (a.id.as_str(), a.requirements.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(by_row, by_entry);
}

#[test]
fn links_lead_to_one_section() {
    let catalogue = catalogue();
    for row in catalogue.requirements() {
        let url = catalogue.section_url(row).unwrap();
        assert!(!url.contains([' ', ',']), "{}: {url}", row.id);
    }
}

#[test]
fn a_place_names_the_document_that_is_cited() {
    let catalogue = catalogue();
    let rfc = "https://www.rfc-editor.org/rfc/rfc";
    let draft = "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-";
    for (cited, place, within, url) in [
        ("2.1", "RFC 8693 section 2.1", "§ 2.1", format!("{rfc}8693#section-2.1")),
        ("2.3, 3.2.1", "RFC 6749 sections 2.3, 3.2.1", "§ 2.3, 3.2.1", format!("{rfc}6749#section-2.3")),
        ("4.1.4-4.1.6", "RFC 7519 sections 4.1.4-4.1.6", "§ 4.1.4-4.1.6", format!("{rfc}7519#section-4.1.4")),
        ("B", "RFC 6749 appendix B", "RFC 6749 appendix B", format!("{rfc}6749#appendix-B")),
        ("RFC 7515 4.1.11", "RFC 7515 section 4.1.11", "", format!("{rfc}7515#section-4.1.11")),
        ("RFC 8693 4.1", "RFC 8693 section 4.1", "", format!("{rfc}8693#section-4.1")),
        ("rfc7523bis", "draft-ietf-oauth-rfc7523bis", "", format!("{draft}rfc7523bis")),
        (
            "8725bis 3.14",
            "draft-ietf-oauth-rfc8725bis section 3.14",
            "",
            format!("{draft}rfc8725bis#section-3.14"),
        ),
        (
            "draft-ietf-oauth-spiffe-client-auth",
            "draft-ietf-oauth-spiffe-client-auth",
            "",
            format!("{draft}spiffe-client-auth"),
        ),
    ] {
        let row = catalogue.requirements().iter().find(|r| r.section == cited).unwrap();
        assert_eq!(row.place(), place, "{cited}");
        assert_eq!(row.place_in_spec(), if within.is_empty() { place } else { within }, "{cited}");
        assert_eq!(catalogue.section_url(row).unwrap(), url, "{cited}");
    }
    // Every row cites one document: its own, another RFC, or a draft.
    for row in catalogue.requirements() {
        let place = row.place();
        let known =
            place.starts_with("draft-") || place.starts_with(&row.spec) || place.contains(" section ");
        assert!(known && place.matches("RFC").count() <= 1 && !place.contains("section r"), "{place}");
    }
}

#[test]
fn lists_are_arrays_of_objects_with_ids() {
    for what in ["scenarios", "requirements", "targets", "faults"] {
        let rows = list(what);
        assert!(!rows.is_empty() && rows.iter().all(|row| row["id"].is_string()), "{what}");
    }
    for row in list("requirements") {
        for key in ["spec", "section", "level", "class", "scenarios", "reason"] {
            assert!(row.get(key).is_some(), "{} lacks {key}", row["id"]);
        }
    }
}

#[test]
fn the_suite_is_broad_and_every_negative_names_its_control() {
    let scenarios = list("scenarios");
    assert!(scenarios.len() >= 80, "{} scenarios", scenarios.len());
    let wrong: Vec<&Value> =
        scenarios.iter().filter(|s| s["negative"] == true && !s["control"].is_string()).collect();
    none("negatives without control", &wrong);
}

/// A value of the target file that is varied can only show something if the value itself was granted in the control: else a
/// mistyped one is refused whatever is done to it.
#[test]
fn a_variation_of_a_declared_value_has_the_value_itself_for_control() {
    let catalogue = catalogue();
    let suite = Suite::embedded(&catalogue).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for scenario in suite.scenarios().iter().filter(|s| s.expect.refusal.is_some()) {
        let Some(edit) = scenario.edits.last() else { continue };
        for (name, value) in edit.set.iter().flatten() {
            let declared = ["{{audience.allowed", "{{resource.allowed", "{{scope.narrow"];
            let whole = ["{{audience.allowed}}", "{{resource.allowed}}", "{{scope.narrow}}"];
            if whole.contains(&value.as_str()) || !declared.iter().any(|d| value.contains(d)) {
                continue;
            }
            seen += 1;
            let control = scenario.control.as_deref().and_then(|id| suite.get(id)).unwrap();
            let sent = control.edits.iter().flat_map(|e| e.set.iter().flatten()).any(|(n, _)| n == name);
            if !sent {
                wrong.push(scenario.id.as_str());
            }
        }
    }
    assert!(seen >= 15, "{seen} variations");
    none("variations whose control does not send what is varied", &wrong);
}
