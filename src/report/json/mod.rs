//! `report.json`: the saved result of a run. Its shape is a contract (format 1); every other report is made
//! from it, now or years later.

mod bound;
mod file;
mod model;

pub use file::LIMIT_MIB;
pub(crate) use file::create;
pub(super) use file::{compact, pretty, regular, try_file, write_file};
pub use model::{FORMAT, Identity, Report, TargetIdentity, Tool, schema};
