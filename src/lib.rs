//! txspec: conformance tests for OAuth 2.0 Token Exchange (RFC 8693).
//!
//! The way of the data: [`scenario`], [`target`] and [`spec`] load what people write (through [`document`]), [`run`] sends
//! requests ([`token`], [`wire`]), [`judge`] turns exchanges into findings, [`report`] shows them. [`reference`] is a server to
//! test the tests with, [`prove`] does so, [`vendor`] lets it stand for products as they are documented, and [`cli`] is the command line. `docs/design.md` says who may know whom.
#![deny(
    clippy::dbg_macro,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::todo,
    clippy::unimplemented,
    clippy::unwrap_used
)]

pub mod cli;
pub mod document;
pub mod judge;
pub mod prove;
pub mod reference;
pub mod report;
pub mod run;
pub mod scenario;
pub mod spec;
pub mod target;
pub mod token;
pub mod vendor;
pub mod wire;
