//! A mistake in a file, at its place, with what to do about it.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How serious a diagnostic is: errors stop the command (exit code 2), warnings do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth mending; the file can be used.
    Warning,
    /// The file cannot be used.
    Error,
}

/// One mistake. `code` is stable and documented; `message` says what was found and what was expected.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Whether the file can still be used.
    pub severity: Severity,
    /// Stable kebab-case code, e.g. `unknown-key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What the caret points at says, if more can be said.
    pub label: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The file as the user named it.
    pub file: String,
    /// The file's text and the byte range of the mistake, if the mistake has a place.
    pub place: Option<(Arc<str>, Range<usize>)>,
}

impl Diagnostic {
    /// An error without a place inside the file (it could not be read, say).
    pub fn for_file(file: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            label: None,
            hint: None,
            file: file.to_owned(),
            place: None,
        }
    }

    /// Adds what the user can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Makes it a warning.
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// One-based line and column (in characters) of the mistake.
    pub fn line_column(&self) -> Option<(usize, usize)> {
        let (text, span) = self.place.as_ref()?;
        let before = text.get(..span.start)?;
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Some((line, column))
    }

    /// The bytes of the file that are wrong, if the mistake has a place.
    pub fn span(&self) -> Option<Range<usize>> {
        self.place.as_ref().map(|(_, span)| span.clone())
    }

    /// Whether the same is wrong at another place of the same text.
    fn says_the_same(&self, other: &Self) -> bool {
        let text = |d: &Self| d.place.as_ref().map(|(text, _)| Arc::clone(text));
        (self.severity, self.code, &self.file, &self.message, &self.label, &self.hint)
            == (other.severity, other.code, &other.file, &other.message, &other.label, &other.hint)
            && text(self) == text(other)
    }

    /// The text that a person reads, with carets at this place and at others where the same is wrong.
    fn render(&self, elsewhere: &[&Self], renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let message = printable(&self.message);
        let title = level.primary_title(message).id(self.code);
        let mut group = match &self.place {
            Some((text, span)) => {
                let mut annotation = AnnotationKind::Primary.span(span.clone());
                if let Some(label) = &self.label {
                    annotation = annotation.label(printable(label));
                }
                let others = elsewhere.iter().filter_map(|d| d.place.as_ref());
                title.element(
                    Snippet::source(harmless(text))
                        .path(self.file.as_str())
                        .fold(true)
                        .annotation(annotation)
                        .annotations(others.map(|(_, span)| AnnotationKind::Primary.span(span.clone()))),
                )
            }
            None => title.element(annotate_snippets::Origin::path(self.file.as_str())),
        };
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(printable(hint)));
        }
        renderer.render(&[group])
    }
}

/// All that is wrong, in order of place. Prints every entry; empty means nothing is wrong.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    /// Whether any entry is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Number of errors and of warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.0.iter().filter(|d| d.severity == Severity::Error).count();
        (errors, self.0.len() - errors)
    }

    /// `Err(self)` if there is an error, else the value together with the warnings.
    pub fn or<T>(self, value: T) -> Result<(T, Diagnostics), Diagnostics> {
        if self.has_errors() { Err(self) } else { Ok((value, self)) }
    }

    /// The text that a person reads, with carets; coloured when `styled`.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut sorted: Vec<&Diagnostic> = self.0.iter().collect();
        sorted.sort_by(|a, b| {
            let start = |d: &Diagnostic| d.place.as_ref().map_or(0, |(_, s)| s.start);
            (&a.file, start(a), &a.message).cmp(&(&b.file, start(b), &b.message))
        });
        sorted.dedup_by(|a, b| {
            a.file == b.file
                && a.code == b.code
                && a.message == b.message
                && a.place.as_ref().map(|p| &p.1) == b.place.as_ref().map(|p| &p.1)
        });
        let mut told: Vec<(&Diagnostic, Vec<&Diagnostic>)> = Vec::new();
        for diagnostic in sorted {
            let same = told.iter_mut().find(|(first, _)| first.says_the_same(diagnostic));
            match same {
                Some((first, elsewhere)) if first.place.is_some() => elsewhere.push(diagnostic),
                _ => told.push((diagnostic, Vec::new())),
            }
        }
        let blocks: Vec<String> =
            told.iter().map(|(first, elsewhere)| first.render(elsewhere, &renderer)).collect();
        blocks.join("\n\n")
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

/// The candidate nearest to what was written, if one is near enough to be what was meant.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (strsim::normalized_damerau_levenshtein(written, c), c))
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// The candidate that was written with a slip or two: so little is wrong that nothing else is likely to be meant. What
/// differs in nothing but case and punctuation was written so on purpose.
pub fn near_miss<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    // What is far longer than any name is none misspelt, and would take its time to compare.
    if written.len() > 64 {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if bare(candidate) == bare(written) {
            return None;
        }
        // Of a short word, two letters are nearly half.
        let most = if candidate.len() < 8 { 1 } else { 2 };
        let distance = strsim::osa_distance(written, candidate);
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The candidates nearest to what was written, at most so many: what is misspelt, and what it is a part of. Those that are
/// much further away than the nearest are left out, all the more where that is a plain slip.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let written = written.to_ascii_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        let is_part = written.len() > 2 && candidate.contains(&written);
        #[expect(clippy::cast_precision_loss, reason = "names are short")]
        let share = 0.6 + 0.4 * written.len() as f64 / candidate.len().max(1) as f64;
        let part = if is_part { share } else { 0.0 };
        strsim::normalized_damerau_levenshtein(&written, &candidate).max(part)
    };
    let mut near: Vec<(f64, &str)> =
        candidates.into_iter().map(|c| (score(c), c)).filter(|(score, _)| *score >= 0.6).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.len().cmp(&b.1.len())).then(a.1.cmp(b.1)));
    near.dedup_by_key(|(_, c)| *c);
    let best = near.first().map_or(0.0, |(score, _)| *score);
    let least = best - 0.04 - 0.3 * (1.0 - best);
    near.into_iter().take_while(|(score, _)| *score > least).map(|(_, c)| c).take(most).collect()
}

/// The text of a file, each C1 control character replaced by another character of two bytes, so that places stay right.
/// The renderer makes the other control characters visible, but U+009B begins an escape sequence too.
fn harmless(text: &str) -> Cow<'_, str> {
    let c1 = '\u{80}'..='\u{9f}';
    if !text.contains(|c| c1.contains(&c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if c1.contains(&c) { '·' } else { c }).collect())
}

/// Control characters could drive the terminal; a file under test may hold them.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use crate::document::Document;

    use super::*;

    #[test]
    fn one_mistake_in_many_places_is_told_once_with_all_of_them() {
        let document = Document::parse("a.yaml", "a: x\nb: 1\nc: 2\nd: x\n").unwrap();
        let mistake = |pointer: &str, hint: &str| document.at(pointer, "wrong", "x is wrong").hint(hint);
        let all =
            Diagnostics(vec![mistake("/d", "write y"), mistake("/a", "write y"), mistake("/b", "write 2")]);
        let text = all.render(false);
        assert_eq!(text.matches("error[wrong]").count(), 2, "{text}");
        assert!(text.starts_with("error[wrong]: x is wrong\n --> a.yaml:1:4"), "{text}");
        assert!(text.contains("4 | d: x\n  |    ^"), "{text}");
        assert_eq!(all.counts(), (3, 0));
    }
}
