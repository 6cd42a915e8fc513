//! What happens while a run goes on. Terminal, JSON Lines and reports are consumers of this one stream.

use std::sync::Arc;

use super::{RunResult, ScenarioResult};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run starts with so many scenarios.
    Started {
        /// Number of scenarios selected.
        scenarios: usize,
    },
    /// A scenario was judged.
    Finished(Arc<ScenarioResult>),
    /// A verdict was taken back: its control no longer succeeded at the end.
    Withdrawn(Arc<ScenarioResult>),
    /// The run is over.
    Ended(Arc<RunResult>),
}

/// A consumer of events.
pub trait Listener: Send {
    /// Takes one event.
    fn on(&mut self, event: &Event);
}
