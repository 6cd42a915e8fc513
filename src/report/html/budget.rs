//! How much of a page the texts of a server may take, so that the page stays small whatever it answers.

use crate::report::visible::shown;

/// Room that is left, in bytes of escaped HTML.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(bytes)
    }

    /// Whether there is room for more details.
    pub(super) fn is_left(&self) -> bool {
        self.0 > 0
    }

    /// Takes room for markup of our own.
    pub(super) fn markup(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }

    /// At most so many characters of the text; it counts against the room.
    pub(super) fn text(&mut self, text: &str, limit: usize) -> String {
        let out = shown(text, limit);
        let size: usize = out.bytes().map(|b| if b"<>&\"'".contains(&b) { 5 } else { 1 }).sum();
        self.0 = self.0.saturating_sub(size);
        out
    }
}
