//! Runs of text that may be percent-encoded or base64, with what they become.

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
    runs(text, |b| b.is_ascii_alphanumeric() || b"%+-_.~*/:".contains(&b))
        .filter(|span| text[span.clone()].contains('%'))
        .map(|span| {
            let decoded = percent_decoded(&text.as_bytes()[span.clone()]);
            (span, vec![String::from_utf8_lossy(&decoded).into_owned()])
        })
        .collect()
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
