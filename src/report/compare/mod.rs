//! Two to twelve saved reports side by side: where the servers differ, requirement by requirement, over what all of
//! them were asked. Reads reports only; no network is needed.

mod build;
mod gate;
mod gate_notes;
pub mod gate_text;
pub mod html;
pub mod markdown;
mod meaning;
mod model;
mod page;
mod says;
pub mod terminal;
mod unproven;
mod weight;

pub use gate::{Change, Decision, Gate, Told};
pub use model::{Cell, Column, CompareError, Comparison, Facts, Row, Tally, Totals, Unique};
pub use page::page_beside;
pub use unproven::Unproven;
pub use weight::Weight;

#[cfg(test)]
mod gate_tests;
#[cfg(test)]
mod tests;
