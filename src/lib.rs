//! txspec: conformance tests for OAuth 2.0 Token Exchange (RFC 8693).

pub mod reference;
pub mod spec;
