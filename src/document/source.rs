//! Reading a YAML file within limits, and remembering where each value stands.

use std::{collections::BTreeMap, fs, io::Read, ops::Range, path::Path, sync::Arc};

use saphyr_parser::{Event, Parser, Span};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Diagnostic, Diagnostics};

/// The largest file that is read, in bytes. The YAML libraries need seconds for hostile megabytes.
pub const MAX_BYTES: u64 = 1024 * 1024;
/// The deepest nesting that is accepted.
pub const MAX_DEPTH: usize = 64;

/// A YAML file: its text, its value, and the place of every value in it.
#[derive(Debug, Clone)]
pub struct Document {
    /// The name that the user knows the file by.
    pub name: String,
    text: Arc<str>,
    value: Value,
    places: BTreeMap<String, Place>,
}

#[derive(Debug, Clone)]
struct Place {
    key: Option<Range<usize>>,
    value: Range<usize>,
}

impl Document {
    /// Reads a file, at most [`MAX_BYTES`] of it.
    ///
    /// # Errors
    /// Missing, unreadable, too large, not UTF-8, or not YAML: each a diagnostic with its place.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        let refuse = |code, message: String, hint: &str| {
            Err(Diagnostic::for_file(&name, code, message).hint(hint).into())
        };
        // Opening a pipe would wait for its other end.
        let handed_over = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd");
        if !handed_over && fs::metadata(path).is_ok_and(|m| !m.is_file()) {
            return refuse(
                "file-unreadable",
                "this is no regular file".into(),
                "a YAML file was expected, not a folder, pipe or device",
            );
        }
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return refuse(
                    "file-missing",
                    "file not found".into(),
                    "check the path; it is relative to the current folder",
                );
            }
            Err(e) => {
                return refuse(
                    "file-unreadable",
                    format!("failed to open the file: {e}"),
                    "check its permissions",
                );
            }
        };
        let mut bytes = Vec::new();
        if let Err(e) = file.take(MAX_BYTES + 1).read_to_end(&mut bytes) {
            return refuse(
                "file-unreadable",
                format!("failed to read the file: {e}"),
                "a YAML file was expected, not a folder or device",
            );
        }
        if bytes.len() as u64 > MAX_BYTES {
            return refuse(
                "file-too-large",
                format!("the file is larger than {MAX_BYTES} bytes (1 MiB)"),
                "split it into several files",
            );
        }
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(&name, &text),
            Err(e) => Err(not_utf8(&name, &e.into_bytes()).into()),
        }
    }

    /// Parses text that is already in memory under a name.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        // A byte order mark is no part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let shared: Arc<str> = Arc::from(text);
        let at = |span: Range<usize>, code, message: String| Diagnostic {
            place: Some((shared.clone(), span)),
            ..Diagnostic::for_file(name, code, message)
        };
        if text.len() as u64 > MAX_BYTES {
            return Err(Diagnostic::for_file(name, "file-too-large", "the text is larger than 1 MiB").into());
        }
        let places = Walker::new(text).walk().map_err(|m| {
            Diagnostics::from({
                let d = at(m.span, m.code, m.message);
                match m.hint {
                    Some(h) => d.hint(h),
                    None => d,
                }
            })
        })?;
        let value = serde_yaml::from_str::<Value>(text).map_err(|e| {
            let span = e.location().map_or(0..0, |l| clamp(text, l.index()));
            Diagnostics::from(at(span, "yaml-syntax", format!("not valid YAML: {e}")))
        })?;
        Ok(Self { name: name.to_owned(), text: shared, value, places })
    }

    /// The value of the whole file.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Replaces the value (after `${VAR}` was put in); places stay those of the file.
    pub fn with_value(mut self, value: Value) -> Self {
        self.value = value;
        self
    }

    /// Decodes the value into a type. Call after the schema check, which finds all mistakes; this finds the first.
    ///
    /// # Errors
    /// One diagnostic when the value does not fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Diagnostics> {
        T::deserialize(&self.value)
            .map_err(|e| self.at("", "wrong-shape", format!("failed to understand the file: {e}")).into())
    }

    /// An error at the value that a JSON pointer names (or at its nearest known parent).
    pub fn at(&self, pointer: &str, code: &'static str, message: impl Into<String>) -> Diagnostic {
        self.diagnostic(self.place(pointer).map(|p| first_line(&self.text, &p.value)), code, message)
    }

    /// An error at the key of the value that a JSON pointer names.
    pub fn at_key(&self, pointer: &str, code: &'static str, message: impl Into<String>) -> Diagnostic {
        let span =
            self.place(pointer).map(|p| p.key.clone().unwrap_or_else(|| first_line(&self.text, &p.value)));
        self.diagnostic(span, code, message)
    }

    fn diagnostic(
        &self,
        span: Option<Range<usize>>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            // An empty file has no values, and its beginning is a place all the same.
            place: Some((self.text.clone(), span.unwrap_or(0..0))),
            ..Diagnostic::for_file(&self.name, code, message)
        }
    }

    fn place(&self, pointer: &str) -> Option<&Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Some(place);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// The text as read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where exactly the value that a JSON pointer names stands, in bytes.
    pub fn span(&self, pointer: &str) -> Option<Range<usize>> {
        self.places.get(pointer).map(|p| p.value.clone())
    }

    /// Where exactly its key stands, in bytes.
    pub fn key_span(&self, pointer: &str) -> Option<Range<usize>> {
        self.places.get(pointer).and_then(|p| p.key.clone())
    }

    /// Where the last scalar within a value ends: what stands behind it, comments included, is not its own.
    pub fn end_within(&self, pointer: &str) -> Option<usize> {
        let inside = format!("{pointer}/");
        let leaves = self.places.iter().filter(|(p, _)| *p == pointer || p.starts_with(&inside));
        let leaves =
            leaves.filter(|(p, _)| self.value.pointer(p).is_some_and(|v| !v.is_object() && !v.is_array()));
        leaves.map(|(_, place)| place.value.end).max()
    }

    /// One-based line of the value that a JSON pointer names.
    pub fn line(&self, pointer: &str) -> Option<usize> {
        let place = self.place(pointer)?;
        let start = place.key.as_ref().map_or(place.value.start, |k| k.start);
        Some(self.text.get(..start)?.matches('\n').count() + 1)
    }
}

/// Points at the first byte that is no UTF-8: what stands before it is text, and the rest is shown as well as it goes.
fn not_utf8(name: &str, bytes: &[u8]) -> Diagnostic {
    let lossy = String::from_utf8_lossy(bytes);
    let text = lossy.strip_prefix('\u{feff}').unwrap_or(&lossy);
    let valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), |_| 0);
    let at = valid.saturating_sub(lossy.len() - text.len());
    Diagnostic {
        place: Some((Arc::from(text), at..at + '\u{fffd}'.len_utf8())),
        ..Diagnostic::for_file(
            name,
            "not-utf8",
            "the file is not UTF-8 text: here is the first byte that is none",
        )
        .hint("save it as UTF-8")
    }
}

/// Appends a segment to a JSON pointer (RFC 6901 escaping).
pub fn pointer_push(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
}

fn clamp(text: &str, index: usize) -> Range<usize> {
    let mut start = index.min(text.len().saturating_sub(1));
    while start > 0 && !text.is_char_boundary(start) {
        start -= 1;
    }
    let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    start..end
}

/// A caret under a whole block would drown the reader: point at its first line.
fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let slice = text.get(span.clone()).unwrap_or("");
    let first = slice.split('\n').next().unwrap_or("").trim_end();
    span.start..span.start + first.len().max(usize::from(!slice.is_empty() && first.is_empty()))
}

struct Mistake {
    span: Range<usize>,
    code: &'static str,
    message: String,
    hint: Option<&'static str>,
}

/// Walks the parser's events once, without recursion, so that depth can be bounded before anything recurses.
struct Walker<'t> {
    text: &'t str,
    /// Byte offset of each character, as the parser counts characters; `None` for ASCII text.
    offsets: Option<Vec<usize>>,
    places: BTreeMap<String, Place>,
    stack: Vec<Frame>,
}

enum Frame {
    Sequence {
        pointer: String,
        start: usize,
        next: usize,
        key: Option<Range<usize>>,
    },
    Mapping {
        pointer: String,
        start: usize,
        pending: Option<(String, Range<usize>)>,
        key: Option<Range<usize>>,
    },
}

impl<'t> Walker<'t> {
    fn new(text: &'t str) -> Self {
        let offsets = (!text.is_ascii())
            .then(|| text.char_indices().map(|(i, _)| i).chain(std::iter::once(text.len())).collect());
        Self { text, offsets, places: BTreeMap::new(), stack: Vec::new() }
    }

    fn byte(&self, index: usize) -> usize {
        let at = match &self.offsets {
            Some(offsets) => offsets.get(index).copied().unwrap_or(self.text.len()),
            None => index,
        };
        at.min(self.text.len())
    }

    fn bytes(&self, span: &Span) -> Range<usize> {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        start..end.max(start)
    }

    fn walk(mut self) -> Result<BTreeMap<String, Place>, Mistake> {
        let mut parser = Parser::new_from_str(self.text);
        let mut documents = 0usize;
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|e| Mistake {
                span: clamp(self.text, self.byte(e.marker().index())),
                code: "yaml-syntax",
                message: format!("not valid YAML: {}", e.info()),
                hint: self.bare_variable(self.byte(e.marker().index())),
            })?;
            let span = self.bytes(&span);
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(self.mistake(
                            span,
                            "several-documents",
                            "a second YAML document in one file",
                            Some("one file holds one document: remove the `---`"),
                        ));
                    }
                }
                Event::Alias(_) => {
                    return Err(self.mistake(
                        span,
                        "yaml-alias",
                        "YAML aliases are not supported",
                        Some("write the value out: aliases can refer to themselves and blow up in size"),
                    ));
                }
                Event::Scalar(value, ..) => self.scalar(&value, span)?,
                Event::SequenceStart(..) => {
                    let (pointer, key) = self.open(&span)?;
                    self.stack.push(Frame::Sequence { pointer, start: span.start, next: 0, key });
                }
                Event::MappingStart(..) => {
                    let (pointer, key) = self.open(&span)?;
                    self.stack.push(Frame::Mapping { pointer, start: span.start, pending: None, key });
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span.end),
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        Ok(self.places)
    }

    /// Braces of `${VAR}` within `{ … }` look like a mapping's.
    fn bare_variable(&self, at: usize) -> Option<&'static str> {
        let at = clamp(self.text, at).start;
        let from = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line = self.text[from..].lines().next()?;
        (line.contains("${") && line.contains('{'))
            .then_some("within `{ … }`, put text with ${…} in quotes: `secret: \"${VAR}\"`")
    }

    fn mistake(
        &self,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        hint: Option<&'static str>,
    ) -> Mistake {
        Mistake { span: first_line(self.text, &span), code, message: message.into(), hint }
    }

    fn scalar(&mut self, value: &str, span: Range<usize>) -> Result<(), Mistake> {
        if let Some(Frame::Mapping { pointer, pending, .. }) = self.stack.last_mut()
            && pending.is_none()
        {
            let child = pointer_push(pointer, value);
            if self.places.contains_key(&child) {
                return Err(self.mistake(
                    span,
                    "duplicate-key",
                    format!("the key `{value}` stands twice in one mapping"),
                    Some("remove one of the two"),
                ));
            }
            *pending = Some((child, span));
            return Ok(());
        }
        let (pointer, key) = self.child(&span)?;
        self.places.insert(pointer, Place { key, value: span });
        Ok(())
    }

    fn open(&mut self, span: &Range<usize>) -> Result<(String, Option<Range<usize>>), Mistake> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.mistake(
                span.clone(),
                "too-deep",
                format!("nested deeper than {MAX_DEPTH} levels"),
                None,
            ));
        }
        let (pointer, key) = self.child(span)?;
        // A provisional place, so that a duplicate of a key whose value is a block is seen too.
        self.places.insert(pointer.clone(), Place { key: key.clone(), value: span.clone() });
        Ok((pointer, key))
    }

    fn child(&mut self, span: &Range<usize>) -> Result<(String, Option<Range<usize>>), Mistake> {
        match self.stack.last_mut() {
            None => Ok((String::new(), None)),
            Some(Frame::Sequence { pointer, next, .. }) => {
                let child = format!("{pointer}/{next}");
                *next += 1;
                Ok((child, None))
            }
            Some(Frame::Mapping { pending, .. }) => match pending.take() {
                Some((child, key)) => Ok((child, Some(key))),
                None => Err(self.mistake(span.clone(), "odd-key", "a mapping key must be plain text", None)),
            },
        }
    }

    fn close(&mut self, end: usize) {
        if let Some(
            Frame::Sequence { pointer, start, key, .. } | Frame::Mapping { pointer, start, key, .. },
        ) = self.stack.pop()
        {
            self.places.insert(pointer, Place { key, value: start..end.max(start) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_pointer_with_line_and_column() {
        let doc = Document::parse("a.yaml", "a: 1\nb:\n  - x: é\n    y: [1, 2]\n").unwrap();
        let d = doc.at("/b/0/y/1", "t", "m");
        assert_eq!(d.line_column(), Some((4, 12)));
        assert_eq!(doc.at_key("/b/0/y", "t", "m").line_column(), Some((4, 5)));
        assert_eq!(doc.at("/b/0/zzz", "t", "m").line_column(), Some((3, 5)));
    }

    #[test]
    fn the_first_byte_that_is_no_text_has_a_place() {
        for (bytes, place) in [
            (b"a: 1\nb: caf\xe9\n".as_slice(), (2, 7)),
            (b"\xff\xfea\x00", (1, 1)),
            (b"\xef\xbb\xbfa: \xff", (1, 4)),
            // A replacement character that someone wrote is text.
            (b"\xc3\xa9: \xef\xbf\xbd\xff", (1, 5)),
        ] {
            assert_eq!(not_utf8("t.yaml", bytes).line_column(), Some(place), "{bytes:?}");
        }
    }

    #[test]
    fn duplicate_keys_aliases_depth_and_second_documents_are_refused() {
        for (text, code) in [
            ("a: 1\na: 2\n", "duplicate-key"),
            ("a: {b: 1}\na: 2\n", "duplicate-key"),
            ("a: &x [1]\nb: *x\n", "yaml-alias"),
            ("a: 1\n---\nb: 1\n", "several-documents"),
            ("a: [\n", "yaml-syntax"),
        ] {
            assert_eq!(Document::parse("t", text).unwrap_err().0[0].code, code, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(Document::parse("t", &deep).unwrap_err().0[0].code, "too-deep");
        let hostile = "[".repeat(20_000);
        assert!(Document::parse("t", &hostile).is_err());
    }
}
