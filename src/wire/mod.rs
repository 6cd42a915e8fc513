//! The wire: form bodies as ordered bytes, client authentication, bounded sending, the recorded exchange,
//! strict JSON, and redaction. Knows nobody: what to send and to whom is decided above.

mod auth;
mod curl;
mod decoded;
mod encoded;
mod exchange;
mod form;
mod json;
mod known;
mod position;
mod printable;
mod redact;
mod secret;
mod send;
mod shown;
mod vault;

pub use auth::{ASSERTION_TYPE, Authentication};
pub use exchange::{Exchange, Header, Request, Response, Timing, TransportError, TransportKind};
pub use form::{FormBody, Param, ParamForm};
pub use json::{JsonFault, StrictJson};
pub use position::{is_sensitive, sensitive_spans};
pub use printable::{is_unsafe, printable};
pub use redact::Redactor;
pub use secret::Secret;
pub use send::{Budget, INTERRUPTED, Limits, Sender, WANTS_TLS, is_loopback, scheme_hint};
pub use shown::{Decoded, RedactedExchange, RedactedRequest, RedactedResponse, ShownToken};
pub use vault::{SHORTEST_SECRET, Vault};
