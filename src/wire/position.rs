//! Secrets by their position: parameters and members that hold one by definition; and by their shape: what looks like
//! a JWT or a Basic header.

use std::{fmt::Write as _, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::encoded::json_unescaped;

/// Request parameters and response members whose value is never shown.
const SENSITIVE: [&str; 17] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "device_secret",
    "id_token",
    "id_token_hint",
    "logout_token",
    "password",
    "refresh_token",
    "registration_access_token",
    "subject_token",
    "token",
];

/// Length of the longest of them.
const LONGEST_NAME: usize = 25;

/// Whether a name that someone chose (of a form field, a header) speaks of a secret.
pub(super) fn sounds_secret(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["secret", "passw", "token", "api-key", "api_key", "apikey", "authorization", "cookie", "credential"];
    let name = name.to_ascii_lowercase();
    is_sensitive(&name) || (!name.ends_with("_type") && WORDS.iter().any(|w| name.contains(w)))
}

/// Whether a parameter or member of this name holds a secret by definition.
pub fn is_sensitive(name: &str) -> bool {
    SENSITIVE.contains(&name.to_ascii_lowercase().as_str())
}

pub(super) fn redact_pairs(body: &str) -> String {
    let parts: Vec<String> = body
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_sensitive(name) && !value.is_empty() => {
                format!("{name}=[{name}, {} characters]", value.len())
            }
            _ => pair.to_owned(),
        })
        .collect();
    parts.join("&")
}

pub(super) fn redact_members(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for (name, span) in sensitive_members(text) {
        if span.start < last || text[span.clone()].trim_matches('"').is_empty() {
            continue;
        }
        out.push_str(&text[last..span.start]);
        let _ = write!(out, "\"[{name}, {} characters]\"", text[span.clone()].trim_matches('"').len());
        last = span.end;
    }
    out.push_str(&text[last..]);
    out
}

/// The values of such members in JSON-like text, by byte range.
pub fn sensitive_spans(text: &str) -> Vec<Range<usize>> {
    sensitive_members(text).into_iter().map(|(_, span)| span).collect()
}

/// Every member of JSON-like text whose name marks it as secret, with the byte range of its value: found by
/// scanning, since the text may be broken or repeat members. What stands within a value that was found is not looked
/// at again, so that the time grows with the length of the text only.
pub(super) fn sensitive_members(text: &str) -> Vec<(&'static str, Range<usize>)> {
    let bytes = text.as_bytes();
    let white = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_whitespace) {
            i += 1;
        }
        i
    };
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('"') {
        let start = from + at + 1;
        from = start;
        // Every character of a name may be an escape of six.
        let Some(length) = bytes[start..].iter().take(6 * LONGEST_NAME + 1).position(|b| *b == b'"') else {
            continue;
        };
        let written = &text[start..start + length];
        let meant = json_unescaped(written);
        let Some(name) = SENSITIVE.into_iter().find(|name| meant.eq_ignore_ascii_case(name)) else {
            continue;
        };
        let colon = white(start + length + 1);
        if bytes.get(colon) != Some(&b':') {
            continue;
        }
        let value = white(colon + 1);
        let end = json_value_end(bytes, value);
        let literal = matches!(&text[value..end], "null" | "true" | "false");
        if end > value && !literal {
            found.push((name, value..end));
            from = end;
        }
    }
    found
}

fn json_value_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (i, b) in bytes.iter().enumerate().skip(start) {
        if in_string {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    in_string = false;
                    if depth == 0 {
                        return i + 1;
                    }
                }
                _ => {}
            }
            continue;
        }
        match b {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 0 => return i,
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            b',' if depth == 0 => return i,
            _ => {}
        }
    }
    bytes.len()
}

/// Where something looks like a JWT: `ey…` with at least one dot behind it.
pub(super) fn jwt_spans(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("ey") {
        let start = from + at;
        let length =
            bytes[start..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"-_.=".contains(b)).count();
        let end = start + length;
        let candidate = &text[start..end];
        // `eyJ` is `{"`: hardly anything else begins so, and an escape may end in a letter (`\neyJ…`).
        let inside_word = !candidate.starts_with("eyJ")
            && start.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
        if candidate.len() > 24 && !inside_word && candidate.find('.').is_some_and(|d| d > 10) {
            found.push(start..end);
        }
        from = end.max(start + 2);
    }
    found
}

/// Where the credentials of a Basic header stand, wherever it is: base64 of text with a colon.
pub(super) fn basic_spans(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = find_scheme(&text[from..]) {
        let start = from + at + SCHEME.len();
        let length =
            text[start..].bytes().take_while(|b| b.is_ascii_alphanumeric() || b"+/".contains(b)).count();
        let end = start + length;
        let pair = STANDARD_NO_PAD.decode(&text[start..end]).unwrap_or_default();
        if pair.contains(&b':') {
            found.push(start..end);
        }
        from = end;
    }
    found
}

const SCHEME: &str = "basic ";

fn find_scheme(text: &str) -> Option<usize> {
    text.as_bytes()
        .windows(SCHEME.len())
        .position(|w| w.eq_ignore_ascii_case(SCHEME.as_bytes()) || w.eq_ignore_ascii_case(b"basic+"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_parameters_are_hidden_by_position_even_when_repeated_or_odd() {
        let escaped = redact_members(r#"{"access\u005ftoken":"abc", "t\u006fken" : "def", "\u0074":"ghi"}"#);
        assert!(!escaped.contains("abc") && !escaped.contains("def") && escaped.contains("ghi"), "{escaped}");
        let body = r#"{"access_token":"abc","x":1,"access_token" : ["def",{"a":"ghi"}],"token_type":"Bearer","refresh_token":null}"#;
        let shown = redact_members(body);
        assert!(!shown.contains("abc") && !shown.contains("def") && !shown.contains("ghi"), "{shown}");
        assert!(shown.contains(r#""token_type":"Bearer""#) && shown.contains(r#""refresh_token":null"#));
        assert_eq!(
            redact_pairs("subject_token=abcdefg&scope=a&password="),
            "subject_token=[subject_token, 7 characters]&scope=a&password="
        );
    }

    fn at(text: &str, spans: Vec<Range<usize>>) -> Vec<&str> {
        spans.into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn jwts_are_known_by_shape() {
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.";
        let text = format!("x {jwt} they say hey, {jwt}");
        assert_eq!(at(&text, jwt_spans(&text)), [jwt, jwt]);
        let text = format!("line\\r\\n{jwt} the grey-headed.monkey.of.the.northern.forests");
        assert_eq!(at(&text, jwt_spans(&text)), [jwt]);
    }

    #[test]
    fn basic_credentials_are_known_by_shape() {
        let text = "got basic YXBwOnNlY3JldA== there, BASIC YXBwOnNlY3JldA";
        assert_eq!(at(text, basic_spans(text)), ["YXBwOnNlY3JldA", "YXBwOnNlY3JldA"]);
        assert!(basic_spans("Basic realm=x, Basic authentication").is_empty());
    }
}
