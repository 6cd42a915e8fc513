//! The reference authorization server: token exchange as RFC 8693 and the specifications around it
//! want it, and named faults that each make one thing wrong.
//!
//! It is the tool's own oracle: what the suite says about it must be right, and every check must be
//! able to fail against one of its faults. So it shares no code with the rest of the tool.
//!
//! A request goes `server` → `token_endpoint` → `parameters` → `client_auth` → a grant. The grant of
//! interest is `exchange`; `grants` and `refresh` supply first tokens, `knobs` and `fixture` unusual
//! ones. `vendor` lets it stand for a product as that is documented. A fault is consulted at the one place where behaviour differs: `server.on(FaultId::X)`
//! stands last in its condition, so that it counts only when it changes the answer.

mod assertion;
mod catalogue;
mod client_auth;
mod clients;
mod clock;
mod dpop;
mod exchange;
mod fault;
mod fault_id;
mod feature;
mod fixture;
mod form;
mod grants;
mod introspect;
mod json;
mod jwt;
mod keys;
mod knobs;
mod metadata;
mod mint;
mod parameters;
mod refresh;
mod refusal;
mod reply;
mod revoke;
mod server;
mod store;
mod token_endpoint;
mod userinfo;
mod vendor;
mod wrong_codes;

pub use catalogue::{Fault, FaultClass, FaultsError, faults};
pub use feature::Feature;
pub use server::{Options, ReferenceServer, StartError};
pub use vendor::Behaviour;

use fault::{FaultId, Faults};
use keys::Keys;
use store::Store;

/// One server: who it is, how it is wrong, and what it remembers.
struct AuthServer {
    /// Scheme, host and port.
    origin: String,
    issuer: String,
    faults: Faults,
    keys: &'static Keys,
    store: Store,
    without: Vec<Feature>,
    /// The documented product that it stands for.
    vendor: Behaviour,
}

impl AuthServer {
    /// Whether a fault is switched on. Counts as fired, so ask only where the answer then differs.
    fn on(&self, fault: FaultId) -> bool {
        self.faults.on(fault)
    }

    /// Whether the server has a feature.
    fn offers(&self, feature: Feature) -> bool {
        !self.without.contains(&feature)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{}", self.origin, self.vendor.external(path).unwrap_or(path))
    }
}
