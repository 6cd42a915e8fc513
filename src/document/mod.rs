//! YAML documents that people write: bounded reading, places (line and column) of every value, checking
//! against a JSON Schema, and diagnostics that show all mistakes at once. Knows nobody.

mod diagnostic;
mod kind;
mod schema;
mod source;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, did_you_mean, near_miss, nearest};
pub use kind::FileKind;
pub use schema::{SchemaCheck, yaml_schema};
pub use source::{Document, MAX_BYTES, MAX_DEPTH, pointer_push};
