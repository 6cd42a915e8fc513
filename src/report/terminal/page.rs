//! Laying out styled words in lines of a given width.

use anstyle::{AnsiColor, Style};

use crate::{judge::Verdict, run::Conclusion, spec::Level};

/// Room that a line always has, however narrow the terminal or deep the indent.
const NARROWEST: usize = 24;

/// A run of words in one style. The text must be [`visible`](crate::report::visible) already.
pub(in crate::report) type Piece<'a> = (Style, &'a str);

pub(in crate::report) const PLAIN: Style = Style::new();
pub(in crate::report) const BOLD: Style = Style::new().bold();
pub(in crate::report) const DIM: Style = Style::new().dimmed();

/// Text under construction.
pub(in crate::report) struct Page {
    out: String,
    width: usize,
    styled: bool,
}

impl Page {
    pub(in crate::report) fn new(width: usize, styled: bool) -> Self {
        Self { out: String::new(), width, styled }
    }

    pub(in crate::report) fn finish(mut self) -> String {
        let end = self.out.trim_end_matches('\n').len();
        self.out.truncate(end);
        self.out.push('\n');
        self.out
    }

    pub(in crate::report) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line that is not wrapped: for tables that fit by construction.
    pub(in crate::report) fn line(&mut self, style: Style, text: &str) {
        self.word(style, text);
        self.out.push('\n');
    }

    /// Words from the column `first` on; further lines begin at `hang`.
    pub(in crate::report) fn put(&mut self, first: usize, hang: usize, pieces: &[Piece<'_>]) {
        self.indent(first);
        self.flow(first, hang, pieces);
    }

    /// A label in a column of its own, and the text beside it.
    pub(in crate::report) fn field(&mut self, indent: usize, label: &str, style: Style, text: &str) {
        const LABEL: usize = 11;
        self.indent(indent);
        self.word(DIM, &format!("{label:<LABEL$}"));
        let text = if text.is_empty() { "(nothing)" } else { text };
        self.flow(indent + LABEL, indent + LABEL, &[(style, text)]);
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    /// Fills lines from a column on, the line so far being written already.
    fn flow(&mut self, mut column: usize, hang: usize, pieces: &[Piece<'_>]) {
        let end = self.width.max(hang + NARROWEST);
        let mut fresh = true;
        for (style, text) in pieces {
            for word in text.split(' ').filter(|w| !w.is_empty()) {
                for part in parts(word, end - hang) {
                    let length = part.chars().count();
                    let gap = usize::from(!fresh);
                    if !fresh && column + gap + length > end {
                        self.out.push('\n');
                        self.indent(hang);
                        column = hang;
                    } else if !fresh {
                        self.out.push(' ');
                        column += 1;
                    }
                    self.word(*style, part);
                    column += length;
                    fresh = false;
                }
            }
        }
        self.out.push('\n');
    }

    fn word(&mut self, style: Style, text: &str) {
        if self.styled && style != PLAIN {
            self.out.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.out.push_str(text);
        }
    }
}

/// A word that no line can hold is broken; an address stays whole, so that it can be opened.
fn parts(word: &str, width: usize) -> Vec<&str> {
    if word.len() <= width || word.starts_with("https://") || word.starts_with("http://") {
        return vec![word];
    }
    let mut out = Vec::new();
    let mut rest = word;
    while let Some((end, _)) = rest.char_indices().nth(width) {
        out.push(&rest[..end]);
        rest = &rest[end..];
    }
    out.push(rest);
    out
}

/// The sign of a conclusion.
pub(in crate::report) fn conclusion_mark(conclusion: Conclusion) -> (&'static str, Style) {
    match conclusion {
        Conclusion::Conformant => ("✔", colour(AnsiColor::Green)),
        Conclusion::Partial => ("◐", colour(AnsiColor::Cyan)),
        Conclusion::Nonconformant => ("✘", colour(AnsiColor::Red)),
        Conclusion::Inconclusive => ("?", colour(AnsiColor::Yellow)),
    }
}

/// The sign of a violation at this level.
pub(in crate::report) fn level_mark(level: Level) -> (&'static str, Style) {
    match level {
        Level::Must => ("✘", colour(AnsiColor::Red)),
        Level::Should => ("!", colour(AnsiColor::Yellow)),
        Level::May | Level::Observe => ("i", colour(AnsiColor::Blue)),
    }
}

/// The sign of a verdict.
pub(in crate::report) fn verdict_mark(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Pass => ("✔", colour(AnsiColor::Green)),
        Verdict::NotApplicable => ("-", DIM),
        Verdict::Fail => ("✘", colour(AnsiColor::Red)),
        Verdict::Inconclusive => ("?", colour(AnsiColor::Yellow)),
        Verdict::Error => ("!!", colour(AnsiColor::Magenta)),
    }
}

fn colour(colour: AnsiColor) -> Style {
    colour.on_default().bold()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_line_is_too_long(text in "[a-zé.]{1,60}( [a-z/:]{1,60}){0,20}", width in 20usize..120) {
            let mut page = Page::new(width, false);
            page.field(4, "why", PLAIN, &text);
            let out = page.finish();
            let squeezed = |t: &str| t.split_whitespace().collect::<String>();
            prop_assert_eq!(squeezed(&out), format!("why{}", squeezed(&text)));
            for line in out.lines() {
                prop_assert!(line.chars().count() <= width.max(15 + NARROWEST), "{}", line);
            }
        }
    }

    #[test]
    fn style_changes_nothing_but_colour() {
        let text = |styled| {
            let mut page = Page::new(40, styled);
            page.put(2, 4, &[(BOLD, "a bold start"), (PLAIN, "and words that go on for more than a line")]);
            page.finish()
        };
        assert_eq!(anstream::adapter::strip_str(&text(true)).to_string(), text(false));
        assert_ne!(text(true), text(false));
    }
}
