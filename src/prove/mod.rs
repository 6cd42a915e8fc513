//! The kill matrix: the suite against the reference server with each fault switched on. A check that no fault kills
//! cannot be trusted to fail; a fault that kills nothing shows a hole in the suite; a failure outside a fault's own
//! requirements would be a false alarm. Knows `run` and `reference`.

mod configuration;
mod matrix;
mod runner;

pub use matrix::{CheckId, FaultOutcome, Matrix, Totals};
pub use runner::{Progress, ProveError, prove};
