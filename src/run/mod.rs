//! Running: which scenarios apply, their requests with edits applied, controls, steps, limits, trials, events and
//! the result. Knows everything below it; reports are made from its result.

mod apply;
mod authenticate;
mod context;
mod describe;
mod documented;
mod event;
mod execute;
mod listener;
mod look;
mod placeholder;
mod plan;
mod preflight;
mod probe;
pub mod record;
mod request;
mod result;
mod session;
mod sight;
mod steps;
mod trials;
mod waive;

pub use context::{Context, ContextError, limits, remember_secrets};
pub use describe::difference;
pub use documented::{Documented, SILENT};
pub use event::{Event, Listener};
pub use plan::{Applicability, Filter, applicability, checks, select};
pub use preflight::{PlainExchange, PreflightError, Stage, preflight};
pub use probe::{ClientHealth, Probed, probe};
pub use record::{Occasion, Recorder, Recording, Replayed, Seen, replay};
pub use result::{
    Conclusion, Counts, Doubt, Observation, RequirementResult, RunResult, ScenarioResult, Weight,
};
pub use session::{Options, Session};
pub use sight::{Form, Introspected, Sight, Ungranted, attempt, sight};
pub use trials::{Explain, Trials, trials};
pub use waive::{WaiverResult, WaiverState, Waivers, fingerprint};
