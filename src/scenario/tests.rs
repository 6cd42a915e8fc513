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
