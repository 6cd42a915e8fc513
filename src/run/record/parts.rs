//! Text without its tokens: what a token was replaced by, and text of the same make to judge in its place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    token::{b64, unb64},
    wire::{Redactor, StrictJson, sensitive_spans},
};

/// Values shorter than this are known by their place only.
const SHORTEST: usize = 8;
/// The most that is kept of a body.
const MOST: usize = 256 * 1024;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// As it was.
    Text(String),
    /// The token of this place in the table.
    Token(usize),
    /// The same within a JSON string, where some of its characters are escaped.
    Escaped(usize),
    /// Bytes that are no UTF-8; what stood behind them is left out.
    Bytes(Vec<u8>),
}

/// What stands in for a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// What findings show in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its dot-separated pieces.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Piece {
    /// A JSON object in base64url.
    Json(Value),
    /// Text in base64 that starts like XML; so many characters.
    Xml(usize),
    /// Text with every letter and digit replaced.
    Text(String),
}

impl TokenRecord {
    fn new(index: usize, token: &str, redactor: &Redactor) -> Self {
        let shown = redactor.text(token);
        let pieces = token.split('.').enumerate().map(|(i, piece)| Piece::new(index, i, piece, redactor));
        Self { label: (shown != token).then_some(shown), pieces: pieces.collect() }
    }

    /// Text that a judge takes for the token: same claims, same pieces, another signature.
    pub(super) fn stand_in(&self) -> String {
        let pieces: Vec<String> = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Json(value) => b64(value.to_string()),
                Piece::Xml(length) => {
                    let length = (*length).min(MOST);
                    let text = b64(format!("<{}", "-".repeat(length)));
                    text.get(..length).unwrap_or(&text).to_owned()
                }
                Piece::Text(text) => text.clone(),
            })
            .collect();
        pieces.join(".")
    }
}

impl Piece {
    fn new(token: usize, at: usize, piece: &str, redactor: &Redactor) -> Self {
        let bytes = unb64(piece);
        if let Some(value) = bytes.as_deref().and_then(|b| StrictJson::parse(b).ok()).map(|j| j.value)
            && value.is_object()
        {
            return Self::Json(veiled(&value, redactor));
        }
        let xml = unb64(piece.trim_end_matches('='))
            .is_some_and(|b| b.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<'));
        if xml {
            return Self::Xml(piece.trim_end_matches('=').len());
        }
        Self::Text(scrambled(piece, token, at))
    }
}

/// The value with every text in it redacted.
pub(super) fn veiled(value: &Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.text(text)),
        Value::Array(items) => Value::Array(items.iter().map(|v| veiled(v, redactor)).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, v)| match v {
                    // A secret by its name is shown nowhere, whatever it looks like.
                    Value::String(text) if crate::wire::is_sensitive(name) && !text.is_empty() => {
                        (name.clone(), Value::String(format!("[{name}]")))
                    }
                    _ => (redactor.text(name), veiled(v, redactor)),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Other letters for letters, other digits for digits, all else as it is: length, characters and dots stay.
fn scrambled(text: &str, token: usize, at: usize) -> String {
    let mut state =
        (token as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((at as u64 + 1) << 32) ^ 0x5851_f42d;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from((state >> 33) % n).unwrap_or_default()
    };
    text.chars()
        .map(|c| match c {
            'a'..='z' => char::from(b'a' + next(26)),
            'A'..='Z' => char::from(b'A' + next(26)),
            '0'..='9' => char::from(b'1' + next(9)),
            other => other,
        })
        .collect()
}

/// The tokens of a run: one place for each that differs.
#[derive(Debug, Default)]
pub(super) struct Table {
    places: BTreeMap<String, usize>,
    pub(super) records: Vec<TokenRecord>,
}

impl Table {
    pub(super) fn place(&mut self, token: &str, redactor: &Redactor) -> usize {
        if let Some(place) = self.places.get(token) {
            return *place;
        }
        let place = self.records.len();
        self.records.push(TokenRecord::new(place, token, redactor));
        self.places.insert(token.to_owned(), place);
        place
    }
}

/// Takes tokens out of texts.
pub(super) struct Veil<'a> {
    pub(super) table: &'a mut Table,
    pub(super) redactor: &'a Redactor,
    /// Tokens of this step, wherever they turn up.
    known: Vec<String>,
}

impl<'a> Veil<'a> {
    pub(super) fn new(table: &'a mut Table, redactor: &'a Redactor) -> Self {
        Self { table, redactor, known: Vec::new() }
    }

    /// Remembers a token, to find it in the texts of the step.
    pub(super) fn know(&mut self, token: &str) {
        if token.len() >= SHORTEST && !self.known.iter().any(|k| k == token) {
            self.known.push(token.to_owned());
            // The longest first: one may hold another.
            self.known.sort_by_key(|k| std::cmp::Reverse(k.len()));
        }
    }

    /// A whole value that is a token.
    pub(super) fn token(&mut self, token: &str) -> Vec<Part> {
        if token.is_empty() { Vec::new() } else { vec![Part::Token(self.table.place(token, self.redactor))] }
    }

    /// A body or a header field.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Vec<Part> {
        let bytes = bytes.get(..MOST).unwrap_or(bytes);
        let mut out = Vec::new();
        if let Some(chunk) = bytes.utf8_chunks().next() {
            out = self.text(chunk.valid());
            if !chunk.invalid().is_empty() {
                out.push(Part::Bytes(chunk.invalid().to_vec()));
            }
        }
        out
    }

    /// Text, in which members that are secret by name and known tokens are replaced.
    pub(super) fn text(&mut self, text: &str) -> Vec<Part> {
        let mut out = Vec::new();
        let mut last = 0;
        for span in sensitive_spans(text) {
            let value = &text[span.clone()];
            let quoted = value.strip_prefix('"');
            let inner = quoted.map_or(value, |rest| rest.strip_suffix('"').unwrap_or(rest));
            let start = span.start + usize::from(quoted.is_some());
            if inner.is_empty() || start < last {
                continue;
            }
            self.plain(&text[last..start], &mut out);
            out.push(match serde_json::from_str::<String>(value) {
                Ok(unescaped) if inner.contains('\\') => {
                    Part::Escaped(self.table.place(&unescaped, self.redactor))
                }
                _ => Part::Token(self.table.place(inner, self.redactor)),
            });
            last = start + inner.len();
        }
        self.plain(&text[last..], &mut out);
        out
    }

    fn plain(&mut self, text: &str, out: &mut Vec<Part>) {
        let mut rest = text;
        while !rest.is_empty() {
            let found = self.known.iter().filter_map(|k| rest.find(k.as_str()).map(|at| (at, k.clone())));
            let Some((at, token)) = found.min_by_key(|(at, k)| (*at, std::cmp::Reverse(k.len()))) else {
                out.push(Part::Text(self.redactor.text(rest)));
                return;
            };
            if at > 0 {
                out.push(Part::Text(self.redactor.text(&rest[..at])));
            }
            out.push(Part::Token(self.table.place(&token, self.redactor)));
            rest = &rest[at + token.len()..];
        }
    }
}

/// What the tokens of a table look like to a judge.
pub(super) struct StandIns(pub(super) Vec<(String, Option<String>)>);

impl StandIns {
    pub(super) fn of(records: &[TokenRecord]) -> Self {
        Self(records.iter().map(|r| (r.stand_in(), r.label.clone())).collect())
    }

    pub(super) fn token(&self, place: usize) -> &str {
        self.0.get(place).map_or("", |(text, _)| text.as_str())
    }

    /// The text with a stand-in for each token.
    pub(super) fn bytes(&self, parts: &[Part]) -> Vec<u8> {
        let mut out = Vec::new();
        for part in parts {
            // No more than a run keeps, stand-ins counted: a record could name a long one many times.
            if out.len() > 4 * MOST {
                break;
            }
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Token(place) => out.extend_from_slice(self.token(*place).as_bytes()),
                Part::Escaped(place) => {
                    let text = Value::from(self.token(*place)).to_string();
                    out.extend_from_slice(text.get(1..text.len() - 1).unwrap_or_default().as_bytes());
                }
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
            }
        }
        out
    }

    pub(super) fn text(&self, parts: &[Part]) -> String {
        String::from_utf8_lossy(&self.bytes(parts)).into_owned()
    }

    /// A finding's text with labels in place of stand-ins.
    pub(super) fn labelled(&self, text: &str, places: &[usize]) -> String {
        let mut out = text.to_owned();
        for (stand_in, label) in places.iter().filter_map(|p| self.0.get(*p)) {
            if let Some(label) = label.as_ref().filter(|_| stand_in.len() >= SHORTEST) {
                out = out.replace(stand_in.as_str(), label);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{token::Jwt, wire::Vault};

    #[test]
    fn stand_ins_look_like_their_tokens_and_hold_nothing_of_them() {
        let redactor = Vault::default().redactor();
        let jwt = format!(
            "{}.{}.c2lnbmF0dXJlLW9mLXRoZS1zZXJ2ZXI",
            b64(r#"{"alg":"ES256","kid":"1"}"#),
            b64(r#"{"sub":"alice","exp":1}"#)
        );
        let record = TokenRecord::new(0, &jwt, &redactor);
        let stand_in = record.stand_in();
        let (a, b) = (Jwt::decode(&jwt).unwrap(), Jwt::decode(&stand_in).unwrap());
        assert_eq!((a.header, a.claims, a.unsigned), (b.header, b.claims, b.unsigned));
        assert!(!stand_in.contains("c2lnbmF0dXJl"));
        for opaque in ["Zm9vYmFy-_.~+/09==", "a.b.c", "short"] {
            let stand_in = TokenRecord::new(1, opaque, &redactor).stand_in();
            assert_eq!(stand_in.len(), opaque.len());
            assert_eq!(Jwt::decode(opaque).err(), Jwt::decode(&stand_in).err());
        }
        let saml = b64("<saml:Assertion>secret</saml:Assertion>");
        let stand_in = TokenRecord::new(2, &saml, &redactor).stand_in();
        assert!(unb64(&stand_in).is_some_and(|b| b.starts_with(b"<-")) && !stand_in.contains(&saml[4..12]));
    }

    #[test]
    fn equal_tokens_stay_equal_and_all_places_are_found() {
        let redactor = Vault::default().redactor();
        let mut table = Table::default();
        let mut veil = Veil::new(&mut table, &redactor);
        veil.know("subject-token-1");
        let body = r#"{"access_token":"x1","a":"subject-token-1","refresh_token":"x1","n":1}"#;
        let parts = veil.bytes(body.as_bytes());
        let stand_ins = StandIns::of(&table.records);
        let text = stand_ins.text(&parts);
        assert_eq!(parts.iter().filter(|p| matches!(p, Part::Token(_))).count(), 3);
        assert_eq!(stand_ins.0.len(), 2);
        assert!(
            !text.contains("subject-token-1") && !text.contains("x1\"") && text.ends_with(r#","n":1}"#),
            "{text}"
        );
    }
}
