//! Text for a terminal: the explanation under a failed trial, and the closing summary. Words and symbols carry
//! the meaning, colour only repeats it; no character of a server's can steer the terminal.

mod explain;
pub(in crate::report) mod page;
mod summary;
mod teller;

pub use explain::explain;
pub use summary::summary;
pub use teller::Teller;

#[cfg(test)]
mod tests;
