//! txspec: conformance tests for OAuth 2.0 Token Exchange (RFC 8693).

pub mod document;
pub mod judge;
pub mod reference;
pub mod report;
pub mod run;
pub mod scenario;
pub mod spec;
pub mod target;
pub mod token;
pub mod wire;
