//! JSON Lines while a run goes on: one object an event, told apart by `type`.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

use super::json::{TargetIdentity, compact};
use crate::run::{Conclusion, Counts, Event, Listener, ScenarioResult};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Started { target: &'a TargetIdentity, scenarios: usize },
    Finished { scenario: &'a ScenarioResult },
    Withdrawn { scenario: &'a ScenarioResult },
    Ended { conclusion: Conclusion, counts: Counts, requests: u64, interrupted: bool },
}

impl<'a> Line<'a> {
    fn of(event: &'a Event, target: &'a TargetIdentity) -> Self {
        match event {
            Event::Started { scenarios } => Self::Started { target, scenarios: *scenarios },
            Event::Finished(scenario) => Self::Finished { scenario },
            Event::Withdrawn(scenario) => Self::Withdrawn { scenario },
            Event::Ended(run) => Self::Ended {
                conclusion: run.conclusion,
                counts: run.counts,
                requests: run.requests,
                interrupted: run.interrupted,
            },
        }
    }
}

/// The first error of a writer that a session owns by now.
#[derive(Clone, Default)]
pub struct LinesError(Arc<Mutex<Option<io::Error>>>);

impl LinesError {
    /// Takes the error, if there was one. A closed pipe is among them.
    pub fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Writes events as JSON Lines. After the first error it stays silent: a reader that has left must not stop a run.
pub struct Lines<W> {
    writer: W,
    target: TargetIdentity,
    broken: bool,
    error: LinesError,
}

impl<W: Write + Send> Lines<W> {
    /// Writes to the given place what becomes of this target, flushing after each event.
    pub fn new(writer: W, target: TargetIdentity) -> Self {
        Self { writer, target, broken: false, error: LinesError::default() }
    }

    /// A handle that tells of the first error later on.
    pub fn error(&self) -> LinesError {
        self.error.clone()
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let line = compact(&Line::of(event, &self.target))?;
        writeln!(self.writer, "{line}")?;
        self.writer.flush()
    }
}

impl<W: Write + Send> Listener for Lines<W> {
    fn on(&mut self, event: &Event) {
        if self.broken {
            return;
        }
        if let Err(error) = self.write(event) {
            self.broken = true;
            *self.error.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::fixture;

    fn identity() -> TargetIdentity {
        TargetIdentity {
            name: "Product".into(),
            issuer: None,
            version: None,
            documented: Some("nothing was measured".into()),
        }
    }

    #[test]
    fn each_event_is_one_object_on_one_line() {
        let mut bytes = Vec::new();
        let run = Arc::new(fixture::hostile_run("a\nb\u{85}\u{2028}\u{1b}[2J"));
        let scenario = Arc::new(run.scenarios[0].clone());
        let mut lines = Lines::new(&mut bytes, identity());
        for event in [
            Event::Started { scenarios: 1 },
            Event::Finished(Arc::clone(&scenario)),
            Event::Withdrawn(scenario),
            Event::Ended(run),
        ] {
            lines.on(&event);
        }
        let text = String::from_utf8(bytes).unwrap();
        let types: Vec<String> = text
            .lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap()["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(types, ["started", "finished", "withdrawn", "ended"]);
        // Who reads nothing but this must not take documents for a server.
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["target"]["documented"], "nothing was measured");
        assert!(!text.contains(['\u{85}', '\u{2028}', '\u{1b}']));
    }

    #[test]
    fn a_closed_pipe_is_told_once_and_stops_nothing() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut lines = Lines::new(Closed, identity());
        let error = lines.error();
        lines.on(&Event::Started { scenarios: 1 });
        lines.on(&Event::Started { scenarios: 1 });
        assert_eq!(error.take().unwrap().kind(), io::ErrorKind::BrokenPipe);
    }
}
