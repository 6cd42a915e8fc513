//! The target: the authorization server under test, described by one file. The model, loading with `${VAR}` and
//! lint, metadata discovery, waivers. Knows `spec`, `document` and `wire`.

mod discovery;
mod draft;
mod lint;
mod load;
mod model;
mod quick;
mod value;
mod waiver;
mod waiver_edit;

pub use discovery::{Discovered, DiscoveryError, discover, metadata_urls, read_metadata_of};
pub use draft::{Draft, draft};
pub use lint::holds_credentials;
pub use load::{
    Target, TargetError, Variables, embedded, embedded_names, is_variable, load_file, load_named, load_text,
};
pub use model::{
    AuthMethod, ClientSpec, CommandSource, Endpoints, ExchangeBase, ExchangeSource, GrantSource, HttpRecipe,
    HttpStep, LimitsSpec, MetadataSpec, MintedSource, PasswordSource, Policy, RefreshSource, SourceSpec,
    TargetSpec, TokenSpec,
};
pub use quick::{QUICK_CLIENT, QuickTarget, quick};
pub use value::{SecretFrom, SecretSpec, Value1, duration};
pub use waiver::{Waiver, WaiverMistake, WaiverSpec};
pub use waiver_edit::{WaiverEdit, WaiverEditError, add_waivers, waivers_as_yaml};

/// Full URI of a token type's short name (RFC 8693 section 3); anything with a colon stays as it is.
pub fn token_type_uri(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("urn:ietf:params:oauth:token-type:{name}") }
}

/// Short name of a token type of RFC 8693 section 3, or the URI itself.
pub fn token_type_short(uri: &str) -> &str {
    uri.strip_prefix("urn:ietf:params:oauth:token-type:").unwrap_or(uri)
}
