//! Text from outside, made fit to be shown: no character that steers a terminal, hides, or reorders what stands
//! around it, and no more of it than a reader wants.

/// Whether a character could steer a terminal, be invisible, or reorder what stands around it.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            // XML forbids these two.
            | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// One line of text: unsafe characters as escapes, at most so many characters of the original. Where the limit cuts a word,
/// the whole word goes, and its length is told: what is cut here is searched for secrets later, and half a secret is not
/// found.
pub fn printable(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else {
        return escaped(text);
    };
    let between_words = |c: char| c.is_whitespace() || c == '"' || c == '`';
    let kept = text[..end].rfind(between_words).map_or("", |at| &text[..=at]);
    let rest = &text[kept.len()..];
    let word = rest.find(between_words).map_or(rest, |at| &rest[..at]);
    // What was opened is closed: the rest of a report must not look quoted.
    let close = if kept.matches('`').count() % 2 == 1 { "`" } else { "" };
    format!("{}…{close} ({} characters)", escaped(kept), word.chars().count())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_comes_through() {
        assert_eq!(printable("a\u{1b}[31m\n\u{202e}é", 99), "a\\u{1b}[31m\\n\\u{202e}é");
        assert_eq!(printable("abcdef", 3), "… (6 characters)");
        assert_eq!(printable("two words here", 6), "two … (5 characters)");
        assert_eq!(printable("`a-long-token`", 6), "`…` (12 characters)");
        assert_eq!(printable("abc", 3), "abc");
    }
}
