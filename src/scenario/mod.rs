//! Scenarios: one behaviour each, a request (or a chain of them) and what must come back. The model, loading
//! from the binary or a folder, and linting. Knows `spec` and `document`.

mod edit;
mod expect;
mod lint;
mod load;
mod model;
mod placeholder;
mod placeholder_texts;
mod tamper;
#[cfg(test)]
mod tests;

pub use edit::{
    BodyForm, ClientAuthEdit, DpopFault, Edit, MintAlgorithm, MintEdit, MintKey, RenameEdit, RepeatEdit,
    RepeatOrder, RequestEdit, TokenEdit,
};
pub use expect::{
    Accepted, AudienceCheck, Check, ClaimCheck, Distinct, Expect, HeaderCheck, IfMissing, JsonType,
    MemberCheck, OnlyIf, Refusal, Relation, ScopeCheck, SignatureWord, Source, TokenFormat, UrlForm,
};
pub use lint::lint;
pub use load::{LoadError, Suite, check_files, embedded_files};
pub use model::{
    DPOP_KEYS, DpopSpec, ExchangeSpec, IntrospectSpec, MetadataKind, ObtainSpec, OneOrMany, ProfileName,
    RefreshSpec, RevokeSpec, Scenario, ScenarioFile, ScenarioSource, Step, UserinfoSpec,
};
pub use placeholder::{Piece, Placeholder, ScopeForm, pieces};
pub use tamper::Tamper;
