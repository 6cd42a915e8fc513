//! Tokens: reading JWTs without trusting them, minting and damaging them, verifying their signature, client
//! assertions and DPoP proofs, and obtaining tokens from a target's sources. Knows `scenario` (what to damage),
//! `target` and `wire`.

mod assertion;
mod authenticate;
mod dpop;
mod jwt;
mod key;
mod mint;
mod obtain;
mod recipe;
mod tamper;
mod verify;

pub use assertion::{AssertionSpec, assertion};
pub use authenticate::{AuthError, assertion_key, authentication, client_method};
pub use dpop::{DpopKey, proof};
pub use jwt::{Jwt, NotJwt, b64, unb64};
pub use key::{KeyError, SigningKey};
pub use mint::{Minted, mint, times};
pub use obtain::{ObtainError, Obtained, Obtainer, TokenView};
pub use tamper::{TamperError, tamper};
pub use verify::{SignatureVerdict, verify};

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
