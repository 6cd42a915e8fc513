//! The only place that writes to the terminal. Output that goes nowhere (a closed pipe) is no error.

use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

use crate::wire::is_unsafe;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Standard output and standard error.
#[derive(Debug, Clone)]
pub struct Terminal {
    color: ColorWhen,
    failed: Arc<Mutex<Option<String>>>,
}

impl Terminal {
    /// With a colour setting.
    pub fn new(color: ColorWhen) -> Self {
        Self { color, failed: Arc::default() }
    }

    /// Text on standard output: what was asked for.
    pub fn out(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stdout().lock(), self.choice());
        let _ = writeln!(stream, "{}", text.trim_end_matches('\n')).and_then(|()| stream.flush());
    }

    /// Standard output, for what is written piece by piece while a run goes on.
    pub fn stream(&self) -> Box<dyn Write + Send> {
        Box::new(std::io::stdout())
    }

    /// Text on standard error: everything else.
    pub fn err(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stderr().lock(), self.choice());
        let _ = writeln!(stream, "{}", text.trim_end_matches('\n')).and_then(|()| stream.flush());
    }

    /// Text on standard output that may hold what a server said.
    pub fn plain(&self, text: &str) {
        self.out(&clean(text));
    }

    /// An error with a hint.
    pub fn failure(&self, message: &str, hint: Option<&str>) {
        let mut text = format!("error: {}", clean(message));
        if let Some(hint) = hint {
            text.push_str(&format!("\nhint: {}", clean(hint)));
        }
        self.err(&text);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(clean(message));
    }

    /// The last error that was told.
    pub fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A bar on standard error; invisible where that is no terminal.
    pub fn bar(&self) -> Bar {
        Bar(indicatif::ProgressBar::new(1))
    }

    /// Whether standard output shows colours.
    pub fn styled(&self) -> bool {
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
                    && std::io::stdout().is_terminal()
            }
        }
    }

    /// Columns to wrap at: those of the terminal, at most 100, else 80.
    pub fn width(&self) -> usize {
        std::env::var("COLUMNS").ok().and_then(|c| c.parse::<usize>().ok()).map_or(80, |c| c.clamp(40, 100))
    }

    /// The setting for libtest's printer.
    pub fn libtest_color(&self) -> libtest_mimic::ColorSetting {
        match self.color {
            ColorWhen::Auto => libtest_mimic::ColorSetting::Auto,
            ColorWhen::Always => libtest_mimic::ColorSetting::Always,
            ColorWhen::Never => libtest_mimic::ColorSetting::Never,
        }
    }

    fn choice(&self) -> ColorChoice {
        match self.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        }
    }
}

/// How far a long work is.
pub struct Bar(indicatif::ProgressBar);

impl Bar {
    /// So much of so much is done.
    pub fn show(&self, done: usize, of: usize) {
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Text that does nothing on a terminal but stand there.
fn clean(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\n' { '\u{fffd}' } else { c }).collect()
}
