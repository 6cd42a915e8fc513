//! The catalogue: what RFC 8693 and the specifications that it inherits from say, one row a statement; the
//! decision table of error codes; the ambiguity register; the registries. Pure data, loaded from the files
//! in `requirements/` that are embedded in the binary. Knows nobody but `document`.

mod capability;
mod catalogue;
mod decision;
mod diagnostic;
mod requirement;
pub mod role;
mod word;

pub use capability::Capability;
pub use catalogue::{Catalogue, CatalogueError};
pub use decision::{Ambiguity, DecisionRow, Registry, Tolerated};
pub use diagnostic::{CodeEntry, CodeKind, Page};
pub use requirement::{
    Class, Knob, Level, Party, PolicyRaise, ReadingOf, Requirement, RequirementFile, Testability,
};
pub use word::{Word, WordKind};
