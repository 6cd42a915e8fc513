//! What a vendor fixture holds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::reference::Behaviour;

/// A product as its documents describe it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "txspec vendor fixture")]
pub struct Vendor {
    /// Name of the product.
    pub name: String,
    /// The age of the newest document that was read, as year and month.
    #[schemars(regex(pattern = r"^20\d\d-(0[1-9]|1[0-2])$"))]
    pub as_of: String,
    /// What was read.
    #[schemars(length(min = 1))]
    pub pages: Vec<Page>,
    /// What the `${VAR}` of the target file stand for; `{{origin}}` is the address of the simulation.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How the simulation behaves.
    pub server: Behaviour,
    /// What the documents state. Nothing else is judged.
    #[schemars(length(min = 1))]
    pub facts: Vec<Fact>,
    /// What they leave open, or where they contradict each other.
    #[serde(default)]
    pub unknown: Vec<String>,
}

/// Something that was read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Short name, for `from`.
    pub id: String,
    /// What kind of document it is.
    pub kind: PageKind,
    /// Its title, or the path of a source file.
    pub title: String,
    /// Where it stands.
    #[serde(default)]
    pub url: Option<String>,
}

/// What kind of document a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PageKind {
    /// The vendor's documentation.
    Documentation,
    /// The vendor's published source.
    Source,
    /// A public deployment's configuration.
    Configuration,
    /// Notes on the vendor's documentation that was not at hand itself.
    Notes,
}

/// A statement of the documents, with what is judged by it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The statement, in our words.
    #[schemars(length(min = 15))]
    pub says: String,
    /// The page that says it.
    pub from: String,
    /// Requirements on which it bears, as globs.
    #[schemars(length(min = 1))]
    pub requirements: Vec<String>,
    /// Scenarios in which it bears on them, as globs; without any, in all.
    #[serde(default)]
    pub scenarios: Vec<String>,
}
