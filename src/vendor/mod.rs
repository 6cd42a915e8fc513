//! Products known by their documents: `fixtures/vendors/NAME.yaml` says what documentation and published source state,
//! where each statement stands, and how the reference server has to behave to show it. Knows `document`, `spec` and
//! `reference`.

mod lint;
mod load;
mod model;

pub use load::{VendorError, embedded, load_file, load_text, names};
pub use model::{Fact, Page, PageKind, Vendor};
