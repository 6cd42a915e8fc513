//! What was observed, without what is another in every run: moments, made-up ids, tokens, the seconds that a lifetime
//! has lost by the time it is looked at. Two runs against one server come to the same words; another meaning does not.

use super::Finding;

/// From so many digits on, a number is a moment (seconds since 1970) or an id.
const MOMENT: usize = 9;
/// A word without a break that is longer, and of letters and digits, was made up by a machine.
const MADE_UP: usize = 32;
/// Words of a check that speaks of a time that passes.
const PASSING: [&str; 6] = ["expires_in", "lifetime", "a life of", "/exp", "seconds", "max_age"];
/// What stands for a machine's id.
const ID: &str = "{id}";

impl Finding {
    /// What was observed, as it would read in any other run.
    pub fn steady(&self) -> String {
        let context = format!("{} {}", self.expected, self.fact.as_deref().unwrap_or_default());
        steady(&self.observed, &context)
    }
}

/// An observed text as it would read in any other run; `context` says what was looked at.
pub fn steady(observed: &str, context: &str) -> String {
    let passing = PASSING.iter().any(|word| context.contains(word));
    let text = labels(observed);
    let text = if context.contains("jti") { values(&text) } else { text };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let word = rest.len() - rest.trim_start_matches(is_word).len();
        if word == 0 {
            let next = rest.find(is_word).unwrap_or(rest.len());
            out.push_str(&rest[..next]);
            rest = &rest[next..];
            continue;
        }
        let (word, after) = rest.split_at(word);
        // What stands between is no part of an id, so that addresses and media types fall into words.
        let port = out.ends_with(':') && is_loopback(&out) && word.bytes().all(|b| b.is_ascii_digit());
        let seconds = after.strip_prefix(" s").is_some_and(|rest| !rest.starts_with(is_word));
        if is_date(word) {
            out.push_str("{time}");
            // The time of the day, as RFC 3339 writes it.
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || ":.Z+-".contains(c));
            continue;
        }
        if port {
            out.push_str("{port}");
        } else {
            out.push_str(&of_word(word, passing || seconds));
        }
        rest = after;
    }
    in_order(out)
}

/// Where several values were seen, a made-up one stands elsewhere among them in each run.
fn in_order(text: String) -> String {
    if !text.contains(ID) || !text.contains(", ") {
        return text;
    }
    let (name, list) = match text.split_once(' ') {
        Some((name, list)) if name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') => (name, list),
        _ => ("", text.as_str()),
    };
    let mut values: Vec<&str> = list.split(", ").collect();
    values.sort_unstable();
    format!("{name} {}", values.join(", ")).trim_start().to_owned()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn is_date(word: &str) -> bool {
    let shape = |b: u8| if b.is_ascii_digit() { b'0' } else { b };
    word.bytes().take(10).map(shape).eq(*b"0000-00-00")
}

fn of_word(word: &str, passing: bool) -> String {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|b| test(&b));
    if let Ok(number) = word.parse::<u64>() {
        return match (word.len() >= MOMENT, passing) {
            (true, _) => "{time}".to_owned(),
            (false, true) => format!("~{}", about(number)),
            (false, false) => word.to_owned(),
        };
    }
    if let Some(lead) = before_uuid(word) {
        return format!("{lead}{ID}");
    }
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    if mixed && word.len() >= MADE_UP { ID.to_owned() } else { word.to_owned() }
}

/// What stands before the UUID that ends a word (`txspec-…`).
fn before_uuid(word: &str) -> Option<&str> {
    let (lead, id) = word.split_at_checked(word.len().checked_sub(36)?)?;
    let groups: Vec<&str> = id.split('-').collect();
    let shaped = groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12]);
    let hex = groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_hexdigit()));
    (shaped && hex).then_some(lead)
}

/// Ports of servers on this machine are another in each run.
fn is_loopback(before: &str) -> bool {
    ["://127.0.0.1:", "://localhost:", "://[::1]:"].iter().any(|host| before.ends_with(host))
}

/// A lifetime as it was granted: a server grants round ones, and some seconds are gone before anybody looks. Rounded up.
fn about(seconds: u64) -> u64 {
    let step = match seconds {
        0..10 => 5,
        10..120 => 10,
        120..1_000 => 60,
        1_000..10_000 => 300,
        10_000..100_000 => 3_600,
        _ => 86_400,
    };
    seconds.div_ceil(step) * step
}

/// `[user #a1b2c3]` and `[access_token, 812 characters]` without what tells one token from another.
fn labels(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, label) = rest.split_at(open);
        out.push_str(before);
        let Some(close) = label.find(']') else { break };
        let (label, after) = label.split_at(close + 1);
        let inner = &label[1..close];
        let fingerprinted = inner
            .rsplit_once(" #")
            .filter(|(_, hash)| hash.len() == 6 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        let measured = inner
            .strip_suffix(" characters")
            .and_then(|head| head.rsplit_once(", "))
            .filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
        match fingerprinted.or(measured) {
            Some((name, _)) => out.push_str(&format!("[{name}]")),
            None => out.push_str(label),
        }
        rest = after;
    }
    out + rest
}

/// The text with every quoted value replaced: what is unique by definition (`jti`) says nothing.
fn values(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len() < 3 {
        return text.to_owned();
    }
    let last = parts.len() - 1;
    let kept = parts.iter().enumerate().map(|(i, p)| if i % 2 == 1 && i < last { ID } else { p });
    kept.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_reads_the_same() {
        let same = [
            ("/exp: at most subject:/exp (1795243933)", "/exp: at most subject:/exp (1795250001)", ""),
            ("`3597`", "`3600`", "/expires_in: a whole number above zero"),
            ("3541 s", "3600 s", "a life of at most 3600 s"),
            (
                "expires_in 3600, exp in 3599 s",
                "expires_in 3600, exp in 3598 s",
                "exp agrees with expires_in",
            ),
            ("`120`", "`118`", "lifetime of a token"),
            ("`5`", "`4`", "lifetime of a token for a subject token with five seconds left"),
            ("`02f0b535-6741-410a-9c24-7a8190be580b`", "`77f0b535-6741-410a-9c24-7a8190be580c`", "/x"),
            (
                "txspec-02f0b535-6741-410a-9c24-7a8190be580b",
                "txspec-77f0b535-6741-410a-9c24-7a8190be580c",
                "",
            ),
            ("`abc`", "`def`", "/jti: not first:/jti"),
            ("[user #a1b2c3] came back", "[user #000000] came back", ""),
            ("[access_token, 812 characters]", "[access_token, 811 characters]", ""),
            ("until 2026-11-21T08:30:00.25Z, then", "until 2026-11-22T09:31:59Z, then", ""),
            (
                "aud https://02f0b535-6741-410a-9c24-7a8190be580b.invalid/, https://api.example.com",
                "aud https://api.example.com, https://77f0b535-6741-410a-9c24-7a8190be580c.invalid/",
                "",
            ),
            ("http://127.0.0.1:33291/token", "http://127.0.0.1:4711/token", ""),
            (
                "`n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg`",
                "`NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs`",
                "",
            ),
        ];
        for (a, b, context) in same {
            assert_eq!(steady(a, context), steady(b, context));
        }
    }

    #[test]
    fn another_meaning_reads_otherwise() {
        let other = [
            ("`3600`", "`86400`", "/expires_in: a whole number above zero"),
            ("3600 s", "7200 s", "a life of at most 3600 s"),
            ("3600 s", "0 s", "a life of at most 3600 s"),
            ("`300`", "`240`", "lifetime of a transaction token"),
            ("`5`", "`3600`", "lifetime of a token for a subject token with five seconds left"),
            ("status 401", "status 400", "status 400 (401 for invalid_client)"),
            ("400 invalid_grant", "400 invalid_request", "invalid_request"),
            ("`service-a`", "`service-b`", "/act/sub"),
            ("3 values", "2 values", "one value"),
            ("[user #a1b2c3]", "[actor #a1b2c3]", ""),
            ("`https://api.example.com`", "`https://backend.example.com`", "/aud"),
            ("U+000A", "U+0022", "printable ASCII"),
            ("nothing", "`abc`", "/jti: a value"),
            ("urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt", ""),
        ];
        for (a, b, context) in other {
            assert_ne!(steady(a, context), steady(b, context));
        }
    }

    #[test]
    fn any_text_is_taken() {
        for text in
            ["[", "]", "[]", "[ #", "`", "``", "```", "é[é #abcdef]é", "", "-", "99999999999999999999999"]
        {
            let _ = (steady(text, "jti"), steady(text, "lifetime"));
        }
        assert_eq!(steady("[x, y] `a`", "jti"), "[x, y] `{id}`");
    }
}
