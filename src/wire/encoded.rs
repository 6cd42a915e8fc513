//! Runs of text that may be percent-encoded, in base64, or escaped as JSON or HTML, with what they become.

use std::ops::Range;

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// The shortest text that is worth a look (see the shortest secret that is hidden anywhere).
const SHORTEST: usize = 6;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ENGINES: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&STANDARD, CONFIG), GeneralPurpose::new(&URL_SAFE, CONFIG)];

/// Runs with percent escapes, decoded.
pub(super) fn percent_runs(text: &str) -> Vec<(Range<usize>, Vec<String>)> {
    runs(text, |b| b.is_ascii_alphanumeric() || b"%+-_.~*/:@!'()$".contains(&b))
        .filter(|span| text[span.clone()].contains('%'))
        .map(|span| {
            let decoded = percent_decoded(&text.as_bytes()[span.clone()]);
            (span, vec![String::from_utf8_lossy(&decoded).into_owned()])
        })
        .collect()
}

/// Runs with escapes of a JSON string (RFC 8259 §7), decoded.
pub(super) fn json_runs(text: &str) -> Vec<(Range<usize>, Vec<String>)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut escaped = false;
        while let Some(b) = bytes.get(at).filter(|b| **b != b'"' && !b.is_ascii_whitespace()) {
            // What a backslash stands before is a part of the run, even a quote.
            let both = *b == b'\\' && at + 1 < bytes.len();
            escaped |= both;
            at += if both { 1 + text[at + 1..].chars().next().map_or(1, char::len_utf8) } else { 1 };
        }
        if escaped && at > start {
            found.push((start..at, vec![json_unescaped(&text[start..at])]));
        }
        at = at.max(start + 1);
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

/// The text without the escapes of a JSON string; what is no escape stays.
pub(super) fn json_unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        let simple = match (c, rest.as_bytes().get(1)) {
            ('\\', Some(b'n')) => Some('\n'),
            ('\\', Some(b'r')) => Some('\r'),
            ('\\', Some(b't')) => Some('\t'),
            ('\\', Some(b @ (b'"' | b'\\' | b'/'))) => Some(char::from(*b)),
            _ => None,
        };
        let unit = (c == '\\' && rest.as_bytes().get(1) == Some(&b'u'))
            .then(|| rest.get(2..6).and_then(|hex| u16::from_str_radix(hex, 16).ok()))
            .flatten();
        if let Some(unit) = unit {
            units.push(unit);
            taken = 6;
        } else {
            if simple.is_some() {
                taken = 2;
            }
            units.extend_from_slice(simple.unwrap_or(c).encode_utf16(&mut [0; 2]));
        }
        rest = &rest[taken..];
    }
    String::from_utf16_lossy(&units)
}

/// Runs with character references of HTML or XML, decoded.
pub(super) fn html_runs(text: &str) -> Vec<(Range<usize>, Vec<String>)> {
    runs(text, |b| !b.is_ascii_whitespace() && !b"<>\"".contains(&b))
        .filter(|span| text[span.clone()].contains('&') && text[span.clone()].contains(';'))
        .map(|span| (span.clone(), vec![html_unescaped(&text[span])]))
        .filter(|(span, decoded)| decoded[0] != text[span.clone()])
        .collect()
}

fn html_unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // No reference to a single character is longer.
        let end = rest.bytes().take(12).position(|b| b == b';').unwrap_or(0);
        let name = rest.get(1..end).unwrap_or_default();
        let hex = name.strip_prefix("#x").or_else(|| name.strip_prefix("#X"));
        let number = match (hex, name.strip_prefix('#')) {
            (Some(hex), _) => u32::from_str_radix(hex, 16).ok(),
            (None, Some(decimal)) => decimal.parse().ok(),
            (None, None) => None,
        };
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "sol" => Some('/'),
            "plus" => Some('+'),
            "equals" => Some('='),
            _ => number.and_then(char::from_u32),
        };
        match character {
            Some(c) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// Runs of either base64 alphabet, decoded from each of the four places where a group can begin; only stretches that
/// are text.
pub(super) fn base64_runs(text: &str) -> Vec<(Range<usize>, Vec<String>)> {
    runs(text, |b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b))
        .filter(|span| span.len() >= 8)
        .filter_map(|span| {
            let run = &text.as_bytes()[span.clone()];
            let decoded: Vec<String> = (0..4).flat_map(|from| readable(&run[from..])).collect();
            (!decoded.is_empty()).then_some((span, decoded))
        })
        .collect()
}

fn runs(text: &str, part: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while bytes.get(at).is_some_and(|b| !part(*b)) {
            at += 1;
        }
        let start = at;
        while bytes.get(at).is_some_and(|b| part(*b)) {
            at += 1;
        }
        (at > start).then_some(start..at)
    })
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escape = if bytes[i] == b'%' { digit(i + 1).zip(digit(i + 2)) } else { None };
        match escape.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(if bytes[i] == b'+' { b' ' } else { bytes[i] });
                i += 1;
            }
        }
    }
    out
}

fn readable(run: &[u8]) -> Vec<String> {
    // A single character of a last group says nothing.
    let whole = if run.len() % 4 == 1 { &run[..run.len() - 1] } else { run };
    let Some(decoded) = ENGINES.iter().find_map(|e| e.decode(whole).ok()) else {
        return Vec::new();
    };
    decoded
        .split(|b| (*b < 0x20 && !b.is_ascii_whitespace()) || *b == 0x7f)
        .filter(|t| t.len() >= SHORTEST)
        .map(|t| String::from_utf8_lossy(t).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alignment_is_decoded() {
        for text in ["YSBzZWNyZXQ", "xYSBzZWNyZXQ", "xyYSBzZWNyZXQ=", "xyzYSBzZWNyZXQ--"] {
            let found = base64_runs(text);
            assert!(found.iter().any(|(_, d)| d.iter().any(|t| t.contains("a secret"))), "{text}: {found:?}");
        }
    }

    #[test]
    fn escapes_of_json_and_references_of_html_are_decoded() {
        let found = json_runs("{\"a\": \"x\\/y\\u002Bz\\\"é\\é\", \"plain\": 1} \\");
        assert_eq!(found, [(7..25, vec!["x/y+z\"é\\é".to_owned()])]);
        assert_eq!(json_unescaped("\\ud83d\\ude00 \\uZZ \\u00"), "😀 \\uZZ \\u00");
        let found = html_runs("<p>a&#x2B;b&#47;c&amp;&bogus; & d&equals;</p> &#9;");
        let decoded: Vec<&str> = found.iter().map(|(_, d)| d[0].as_str()).collect();
        assert_eq!(decoded, ["a+b/c&&bogus;", "d=", "\t"]);
    }

    #[test]
    fn percent_escapes_are_decoded_and_broken_ones_kept() {
        let found = percent_runs("plain %61%20b+c%2 %zz é%41");
        assert_eq!(
            found,
            [
                (6..17, vec!["a b c%2".to_owned()]),
                (18..21, vec!["%zz".to_owned()]),
                (24..27, vec!["A".to_owned()])
            ]
        );
    }
}
