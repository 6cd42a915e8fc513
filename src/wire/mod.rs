//! The wire: form bodies as ordered bytes, client authentication, bounded sending, the recorded exchange,
//! strict JSON, and redaction. Knows nobody: what to send and to whom is decided above.

mod auth;
mod curl;
mod encoded;
mod exchange;
mod form;
mod json;
mod known;
mod position;
mod printable;
mod redact;
mod redacted;
mod secret;
mod send;
mod vault;

pub use auth::{ASSERTION_TYPE, Authentication};
pub use exchange::{Exchange, Header, Request, Response, TransportError, TransportKind};
pub use form::{FormBody, Param, ParamForm};
pub use json::{JsonFault, StrictJson};
pub use position::{is_sensitive, sensitive_spans};
pub use printable::{is_unsafe, printable};
pub use redact::Redactor;
pub use redacted::{RedactedExchange, RedactedRequest, RedactedResponse};
pub use secret::Secret;
pub use send::{Budget, Limits, Sender, is_loopback};
pub use vault::{SHORTEST_SECRET, Vault};
