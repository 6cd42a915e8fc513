//! txspec: conformance tests for OAuth 2.0 Token Exchange (RFC 8693).

pub mod document;
pub mod reference;
pub mod scenario;
pub mod spec;
pub mod wire;
