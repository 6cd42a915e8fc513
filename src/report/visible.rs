//! Making hostile text harmless: characters that steer a terminal, hide, or turn the reading direction around
//! become visible escapes. Every format starts from here and adds what its own syntax needs.

pub use crate::wire::is_unsafe;

/// The text with unsafe characters as escapes: `\n`, `\t`, `\u{1b}`. The result is one line.
pub fn visible(text: &str) -> String {
    shown(text, usize::MAX)
}

/// [`visible`], and at most so many characters of the result: escapes must not blow a text up.
pub fn shown(text: &str, limit: usize) -> String {
    if text.len() <= limit && !text.contains(is_unsafe) {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut length = 0usize;
    for (at, c) in text.char_indices() {
        let before = out.len();
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
        // Escapes are ASCII, anything else is one character.
        length += if out.len() - before == c.len_utf8() { 1 } else { out.len() - before };
        if length > limit {
            out.truncate(before);
            out.push_str(&left_out(&text[at..]));
            break;
        }
    }
    out
}

/// At most so many characters of the text, and how many were left out.
pub fn clip(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else {
        return text.to_owned();
    };
    format!("{}{}", &text[..end], left_out(&text[end..]))
}

fn left_out(rest: &str) -> String {
    format!("… ({})", count(rest.chars().count(), "more character"))
}

/// Number and noun: `1 scenario`, `2 scenarios`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Milliseconds as a reader wants them.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// The status code with the reason phrase of the registry.
pub(super) fn status(code: u16) -> String {
    match reqwest::StatusCode::from_u16(code).ok().and_then(|s| s.canonical_reason()) {
        Some(reason) => format!("{code} {reason}"),
        None => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_become_visible_escapes() {
        assert_eq!(
            visible("a\u{1b}[31mb\r\n\u{202e}c\u{9b}\u{7f}é"),
            r"a\u{1b}[31mb\r\n\u{202e}c\u{9b}\u{7f}é"
        );
    }

    #[test]
    fn clipping_counts_characters_and_says_what_is_missing() {
        assert_eq!(clip("ééé", 3), "ééé");
        assert_eq!(clip("éééx", 3), "ééé… (1 more character)");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!([5, 4_321, 61_000].map(duration), ["5 ms", "4.3 s", "1 min 1 s"]);
    }
}
