//! The embedded suite holds no mistake, and mistakes are all found.

use super::*;
use crate::spec::Catalogue;

#[test]
fn the_embedded_suite_holds_no_mistake() {
    let catalogue = Catalogue::embedded().unwrap();
    match Suite::embedded(&catalogue) {
        Ok(suite) => assert!(suite.warnings.0.is_empty(), "{}", suite.warnings),
        Err(LoadError::Mistakes(d)) => panic!("{d}"),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn every_damage_is_done_to_a_token_somewhere() {
    let suite = Suite::embedded(&Catalogue::embedded().unwrap()).unwrap();
    let done: Vec<Tamper> = suite
        .scenarios()
        .iter()
        .flat_map(|s| &s.edits)
        .flat_map(|e| e.subject.iter().chain(&e.actor))
        .filter_map(|t| t.tamper)
        .collect();
    for tamper in Tamper::ALL {
        assert!(done.contains(tamper), "no scenario does the damage {}", tamper.name());
    }
}
