//! Loading a vendor fixture: places kept, every mistake collected.

use std::path::Path;

use include_dir::{Dir, include_dir};

use super::{Vendor, lint::lint};
use crate::{
    document::{Diagnostics, Document, SchemaCheck, did_you_mean},
    spec::Catalogue,
};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/vendors");

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum VendorError {
    /// The file holds mistakes.
    #[error("the vendor fixture holds mistakes")]
    Mistakes(Diagnostics),
    /// No fixture of that name.
    #[error("there are no documents to simulate `{name}` by{}", hint(.near.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name.
        near: Option<String>,
    },
    /// The schema of fixtures does not compile: a bug in txspec.
    #[error("failed to prepare the schema of vendor fixtures: {0}")]
    Schema(String),
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |n| format!(" (did you mean `{n}`?)"))
}

/// The targets that can be simulated.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        FILES.files().filter_map(|f| f.path().to_str()?.strip_suffix(".yaml")).collect();
    names.sort_unstable();
    names
}

/// The fixture of a target that comes with txspec.
///
/// # Errors
/// When there is none, or every mistake in it.
pub fn embedded(name: &str, catalogue: &Catalogue) -> Result<Vendor, VendorError> {
    let text = FILES.get_file(format!("{name}.yaml")).and_then(|file| file.contents_utf8());
    let Some(text) = text else {
        let near = did_you_mean(name, names()).map(str::to_owned);
        return Err(VendorError::Unknown { name: name.to_owned(), near });
    };
    load_text(&format!("fixtures/vendors/{name}.yaml"), text, catalogue)
}

/// Loads a fixture from a file.
///
/// # Errors
/// Every mistake in it.
pub fn load_file(path: &Path, catalogue: &Catalogue) -> Result<Vendor, VendorError> {
    decode(Document::read(path).map_err(VendorError::Mistakes)?, catalogue)
}

/// Loads a fixture from text.
///
/// # Errors
/// Every mistake in it.
pub fn load_text(name: &str, text: &str, catalogue: &Catalogue) -> Result<Vendor, VendorError> {
    decode(Document::parse(name, text).map_err(VendorError::Mistakes)?, catalogue)
}

fn decode(document: Document, catalogue: &Catalogue) -> Result<Vendor, VendorError> {
    let schema = SchemaCheck::of::<Vendor>().map_err(VendorError::Schema)?;
    let (mut mistakes, healed) = schema.check_and_heal(&document);
    // What is left of a file with mistakes is looked at too: all of them are shown at once.
    let document = document.with_value(healed);
    let vendor = match document.decode::<Vendor>() {
        Ok(vendor) => vendor,
        Err(found) => {
            if !mistakes.has_errors() {
                mistakes.extend(found);
            }
            return Err(VendorError::Mistakes(mistakes));
        }
    };
    mistakes.extend(lint(&vendor, &document, catalogue));
    mistakes.or(vendor).map(|(vendor, _)| vendor).map_err(VendorError::Mistakes)
}
