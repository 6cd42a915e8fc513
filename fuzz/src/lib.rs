//! The checks that the fuzz targets drive: the same as in `tests/properties.rs`.

#[path = "../../tests/checks/mod.rs"]
mod checks;

pub use checks::*;
