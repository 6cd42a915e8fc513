//! Reports: one folder or file per format, all made from one [`Report`] (or, while running, from the event
//! stream). What a server sent is hostile text: every format neutralises it in its own way, and nothing here
//! touches a network.

pub mod annotate;
pub mod compare;
mod curl;
mod difference;
mod digest;
mod error;
#[cfg(test)]
mod fixture;
pub mod har;
mod headline;
pub mod html;
pub mod json;
pub mod junit;
pub mod lines;
pub mod markdown;
mod recording;
pub mod terminal;
mod visible;
mod write;

pub use curl::curl_note;
pub use error::ReportError;
pub use json::{Identity, Report, TargetIdentity, Tool};
pub use recording::{identity_of, read_recording, write_recording};
pub use visible::{clip, is_unsafe, shown, visible};
pub use write::{Paths, prepare, prepare_file, write_all, write_text};
