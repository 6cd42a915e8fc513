//! Redaction: from raw exchanges to what may be shown. Three nets, each of which would do alone for the usual
//! case: the position (a parameter or member that holds a secret by definition), the value (everything in the
//! [`Vault`](super::Vault), in several encodings), and the shape (anything that looks like a JWT or a Basic header). What is
//! percent-encoded, in base64, or escaped as JSON or HTML goes through the same nets once it is decoded.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};

use super::{
    Exchange, Header, RedactedExchange, RedactedRequest, RedactedResponse, Request, Response,
    curl::curl,
    decoded::shown_tokens,
    encoded::{base64_runs, html_runs, json_runs, percent_runs},
    known::{Known, SHORTEST, stands_alone},
    position::{basic_spans, jwt_spans, redact_members, redact_pairs},
    shown::milliseconds,
};

/// Encodings around encodings that are taken off.
const LAYERS: usize = 3;
/// Long values are recognised by this many characters.
pub(super) const PROBE: usize = 32;

/// So long, in bytes, and with more than letters in it, a value is known in another case as well.
const DISTINCT: usize = 10;

/// Finds the configured secrets and source tokens in every encoding.
pub(super) struct Automaton {
    finder: Option<AhoCorasick>,
    labels: Vec<String>,
    /// The shortest are hidden only where they stand alone.
    alone: Vec<bool>,
}

/// Hides secrets in text and in exchanges.
pub struct Redactor {
    pub(super) automata: Vec<Arc<Automaton>>,
    pub(super) issued: Arc<RwLock<Known>>,
}

/// The most that is shown of a body.
const SHOWN: usize = 16 * 1024;
/// The most that is shown of a header field.
const SHOWN_FIELD: usize = 4 * 1024;

impl Automaton {
    pub(super) fn new(values: &BTreeMap<String, String>) -> Self {
        let mut patterns = Vec::new();
        let mut labels = Vec::new();
        let mut alone = Vec::new();
        for (value, name) in values {
            let label = label_of(name, value);
            for form in encodings(value) {
                alone.push(form.len() < SHORTEST);
                patterns.push(form);
                labels.push(label.clone());
            }
        }
        let finder = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns).ok();
        Self { finder, labels, alone }
    }
}

impl Redactor {
    /// The text without any known secret and without anything that looks like a JWT, also where that is encoded.
    pub fn text(&self, text: &str) -> String {
        // A token may hold characters that were escaped: the nets must not see a part of it first.
        let unescaped = self.without(text, LAYERS, &[percent_runs, json_runs, html_runs]);
        let plain = self.plain(unescaped.as_deref().unwrap_or(text));
        self.without_encoded(&plain, LAYERS).unwrap_or(plain)
    }

    /// The text without encoded runs that hold something to hide; `None` if there are none.
    fn without_encoded(&self, text: &str, layers: usize) -> Option<String> {
        self.without(text, layers, &[percent_runs, json_runs, html_runs, base64_runs])
    }

    fn without(&self, text: &str, layers: usize, encodings: &[Runs]) -> Option<String> {
        let reveals = |decoded: &str| {
            self.plain(decoded) != decoded
                || (layers > 1 && self.without_encoded(decoded, layers - 1).is_some())
        };
        let beside = |text: &str| -> Vec<Range<usize>> {
            self.spans(text).into_iter().map(|(span, ..)| span).collect()
        };
        let mut shown: Option<String> = None;
        for runs in encodings {
            let text = shown.as_deref().unwrap_or(text);
            shown = replace(text, runs(text), &reveals, &beside).or(shown);
        }
        shown
    }

    /// The text without what can be seen in it as it stands. Every net is cast over the same text: what one takes out
    /// must not hide from another what stands around it.
    fn plain(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut last = 0;
        let mut spans = self.spans(text).into_iter().peekable();
        while let Some((mut span, mut rank, mut label)) = spans.next() {
            while let Some((next, other, name)) = spans.next_if(|(next, ..)| next.start < span.end) {
                span.end = span.end.max(next.end);
                // Where nets overlap, the one that knows most gives the label.
                if other < rank {
                    (rank, label) = (other, name);
                }
            }
            out.push_str(&text[last..span.start]);
            out.push_str(label);
            last = span.end;
        }
        out + &text[last..]
    }

    /// What can be seen in a text as it stands: where, how well it is known, and what to show instead. In the order of the
    /// text, the longest first; they may overlap.
    fn spans(&self, text: &str) -> Vec<(Range<usize>, u8, &str)> {
        let mut spans: Vec<(Range<usize>, u8, &str)> =
            self.configured(text).into_iter().map(|(span, label)| (span, 0, label)).collect();
        let issued = self.issued.read().unwrap_or_else(PoisonError::into_inner).find(text);
        spans.extend(issued.into_iter().map(|span| {
            // What follows a token without a break belongs to it.
            let end = if span.len() >= PROBE { token_end(text, span.end) } else { span.end };
            (span.start..end, 2, "[token]")
        }));
        spans.extend(jwt_spans(text).into_iter().map(|span| (span, 1, "[jwt]")));
        spans.extend(basic_spans(text).into_iter().map(|span| (span, 1, "[credentials]")));
        spans.sort_by_key(|(span, ..)| (span.start, std::cmp::Reverse(span.end)));
        spans
    }

    /// Where configured secrets and source tokens stand, with their labels.
    fn configured<'a>(&'a self, text: &str) -> Vec<(Range<usize>, &'a str)> {
        let found_by = |automaton: &'a Automaton| {
            let matches = automaton.finder.iter().flat_map(move |finder| finder.find_overlapping_iter(text));
            matches
                .filter(|found| text.is_char_boundary(found.start()))
                .filter(|found| {
                    !automaton.alone[found.pattern().as_usize()] || stands_alone(text, found.range())
                })
                // A long value is recognised by its head: swallow the rest of it too.
                .map(|found| {
                    let label = automaton.labels[found.pattern().as_usize()].as_str();
                    (found.start()..token_end(text, found.end()), label)
                })
        };
        self.automata.iter().flat_map(|automaton| found_by(automaton)).collect()
    }

    /// Whether there is something to hide in a text, of which only the beginning is looked at if it is long.
    fn hides(&self, text: &str) -> bool {
        let (window, _) = window(text, SHOWN);
        self.text(window) != window
    }

    /// As [`Redactor::text`], and at most so many bytes of it. Of a long text only the beginning is looked at; a secret
    /// that the cut might have split is left out.
    pub fn brief(&self, text: &str, limit: usize) -> String {
        self.shortened(text, limit, str::to_owned).0
    }

    /// Cuts, hides by position with `hide`, hides by value and shape, and cuts again.
    fn shortened(&self, text: &str, limit: usize, hide: impl Fn(&str) -> String) -> (String, bool) {
        let (window, cut) = window(text, limit.saturating_mul(4));
        let mut shown = self.text(&hide(window));
        if cut {
            // The head of a known secret that is shorter than what it is recognised by.
            for _ in 0..PROBE {
                shown.pop();
            }
            shown.push('…');
        }
        let cut = cut || shown.len() > limit;
        (shorten(shown, limit), cut)
    }

    /// An exchange as it may be shown.
    pub fn exchange(&self, exchange: &Exchange) -> RedactedExchange {
        RedactedExchange {
            purpose: exchange.purpose.clone(),
            request: self.request(&exchange.request),
            response: exchange.response().map(|r| self.response(r)),
            transport_error: exchange.outcome.as_ref().err().map(|e| self.text(&e.message)),
            attempts: exchange.attempts,
            started: exchange.timing.started,
            wait_ms: milliseconds(exchange.timing.wait),
            duration_ms: milliseconds(exchange.timing.total),
            curl: self.brief(&curl(&exchange.request, &|text| self.hides(text)), SHOWN),
            tokens: shown_tokens(exchange, self),
        }
    }

    fn request(&self, request: &Request) -> RedactedRequest {
        let body = String::from_utf8_lossy(&request.body);
        let form = request.header("content-type").is_some_and(|t| t.contains("urlencoded"));
        let hide = if form { redact_pairs } else { redact_members };
        let mut url = request.url.clone();
        if let Some(query) = request.url.query() {
            url.set_query(Some(&redact_pairs(query)));
        }
        RedactedRequest {
            method: request.method.clone(),
            url: self.brief(url.as_str(), SHOWN),
            headers: self.headers(&request.headers),
            // A form holds tokens of any length in a few bytes once they are hidden: it is read as a whole.
            body: if form { self.brief(&hide(&body), SHOWN) } else { self.shortened(&body, SHOWN, hide).0 },
        }
    }

    fn response(&self, response: &Response) -> RedactedResponse {
        let text = String::from_utf8_lossy(&response.body);
        let (body, cut) = self.shortened(&text, SHOWN, redact_members);
        RedactedResponse {
            status: response.status,
            headers: self.headers(&response.headers),
            truncated: response.truncated || cut,
            body,
        }
    }

    fn headers(&self, headers: &[Header]) -> Vec<(String, String)> {
        let mut room = SHOWN;
        headers
            .iter()
            .map(|h| {
                let value = String::from_utf8_lossy(&h.value);
                let name = h.name.to_ascii_lowercase();
                let shown = match name.as_str() {
                    "authorization" | "proxy-authorization" => {
                        let scheme = value.split_whitespace().next().unwrap_or_default();
                        format!("{scheme} [credentials]")
                    }
                    "dpop" => "[DPoP proof]".to_owned(),
                    "set-cookie" | "cookie" => {
                        let name = value.split('=').next().unwrap_or_default();
                        format!("{name}=[cookie]")
                    }
                    _ => self.brief(&value, SHOWN_FIELD.min(room)),
                };
                room = room.saturating_sub(shown.len() + h.name.len());
                (self.brief(&h.name, SHOWN_FIELD), shown)
            })
            .collect()
    }
}

/// Finds runs of one encoding, with what they may become.
type Runs = fn(&str) -> Vec<(Range<usize>, Vec<String>)>;

/// Replaces the runs of which a decoded form reveals something, and with each run what it runs into: a secret that stands
/// beside it as it is would lose its head or tail with the run, and not be known any more.
fn replace(
    text: &str,
    runs: Vec<(Range<usize>, Vec<String>)>,
    reveals: &dyn Fn(&str) -> bool,
    beside: &dyn Fn(&str) -> Vec<Range<usize>>,
) -> Option<String> {
    let mut out = String::new();
    let mut last = 0;
    let mut plain: Option<Vec<Range<usize>>> = None;
    for (mut span, decoded) in runs {
        if span.end <= last || !decoded.iter().any(|d| reveals(d)) {
            continue;
        }
        for known in plain.get_or_insert_with(|| beside(text)) {
            if known.start < span.end && known.end > span.start {
                span = span.start.min(known.start)..span.end.max(known.end);
            }
        }
        out.push_str(&text[last..span.start.max(last)]);
        out.push_str("[encoded secret]");
        last = span.end;
    }
    (last > 0).then(|| out + &text[last..])
}

fn label_of(label: &str, value: &str) -> String {
    let digest = Sha256::digest(value.as_bytes());
    // A fingerprint tells tokens apart; of a short secret it would help a guesser.
    if value.len() >= 24 {
        format!("[{label} #{:02x}{:02x}{:02x}]", digest[0], digest[1], digest[2])
    } else {
        format!("[{label}]")
    }
}

/// The spellings under which a value could turn up.
fn encodings(value: &str) -> Vec<String> {
    let mut forms = vec![probe(value)];
    forms.push(probe(&url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>()));
    forms.push(probe(&value.bytes().map(|b| format!("%{b:02X}")).collect::<String>()));
    forms.push(probe(&value.bytes().map(|b| format!("%{b:02x}")).collect::<String>()));
    // As browsers' encodeURIComponent and encodeURI write it, and as RFC 3986 section 2.3 would have it.
    for kept in [&b"-_.!~*'()"[..], b"-_.!~*'();,/?:@&=+$#", b"-._~"] {
        forms.push(probe(&percent(value, kept)));
    }
    let json = serde_json::Value::from(value).to_string();
    forms.push(probe(json.trim_matches('"')));
    let hex: String = value.bytes().map(|b| format!("{b:02x}")).collect();
    forms.extend([probe(&hex), probe(&hex.to_ascii_uppercase())]);
    // Names of header fields come in lower case. A short word or one of letters alone would be hidden wherever it stands.
    if value.len() >= DISTINCT && !value.bytes().all(|b| b.is_ascii_alphabetic()) {
        forms.extend([probe(&value.to_ascii_lowercase()), probe(&value.to_ascii_uppercase())]);
    }
    for lead in 0..3usize {
        // Base64 of the value behind 0, 1 or 2 unknown bytes: drop the characters that depend on neighbours.
        let mut padded = vec![0u8; lead];
        padded.extend_from_slice(value.as_bytes());
        let skip = [0, 2, 3][lead];
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let keep = encoded.len().saturating_sub(usize::from(padded.len() % 3 != 0));
            if let Some(inner) = encoded.get(skip..keep).filter(|s| s.len() >= SHORTEST) {
                forms.push(probe(inner));
            }
        }
    }
    forms.retain(|f| f.len() >= SHORTEST || f == value);
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn percent(value: &str, kept: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || kept.contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// What a long value is recognised by. A JWT's first characters are those of every JWT of its issuer, so its
/// signature serves; the shape net hides what stands before it.
fn probe(value: &str) -> String {
    let from = match value.rfind('.') {
        Some(dot) if value.starts_with("ey") && value.len() - dot > PROBE => dot + 1,
        _ => 0,
    };
    value[from..].chars().take(PROBE).collect()
}

fn token_end(text: &str, mut end: usize) -> usize {
    let token_char = |b: u8| b.is_ascii_alphanumeric() || b"-_.~+/%=".contains(&b);
    while text.as_bytes().get(end).is_some_and(|b| token_char(*b)) {
        end += 1;
    }
    end
}

/// The beginning of a text, up to the end of a word, and whether anything was left out.
fn window(text: &str, limit: usize) -> (&str, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (text[..end].trim_end_matches(is_token_char), true)
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.~+/%=".contains(c)
}

fn shorten(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let mut end = limit;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Secret, Vault, position::sensitive_members};

    #[test]
    fn a_secret_in_the_name_of_a_header_field_is_hidden() {
        let redactor = redactor("App-Secret-42x");
        let field = |name: &str| Header { name: name.into(), value: b"1".to_vec() };
        let fields = [field("x-app-secret-42x"), field("x-4170702d5365637265742d343278"), field("x-plain")];
        let shown: Vec<String> = redactor.headers(&fields).into_iter().map(|(name, _)| name).collect();
        assert!(shown[..2].iter().all(|name| name.contains("[client secret]")), "{shown:?}");
        assert_eq!(shown[2], "x-plain");
    }

    fn redactor(secret: &str) -> Redactor {
        let vault = Vault::default();
        vault.remember("client secret", &Secret::new(secret));
        vault.redactor()
    }

    #[test]
    fn a_known_secret_is_hidden_in_every_encoding() {
        let secret = "canary-4f8d6a/é secret";
        let r = redactor(secret);
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for lead in ["", "x", "xy"] {
            let b64 = STANDARD_NO_PAD.encode(format!("{lead}{secret}zz"));
            let shown = r.text(&format!("before {b64} after"));
            assert!(shown.starts_with("before ") && shown.contains("[client secret"), "{shown}");
            assert!(!shown.contains(&b64[4..12]), "{shown}");
        }
        for form in [secret.to_owned(), percent] {
            let shown = r.text(&format!("a {form} b"));
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn nested_and_unclosed_members_take_no_more_time_than_their_length() {
        for unit in [r#"{"access_token":"#, r#"{"access_token":x"#, r#""token":["#] {
            let text = unit.repeat(40_000);
            assert_eq!(sensitive_members(&text).len(), 1);
            assert!(redact_members(&text).len() < 100);
        }
        let vault = Vault::default();
        let body = br#"{"token":{"ACCESS_TOKEN":"inner-token"}}"#.to_vec();
        vault.remember_response(&Response { status: 200, headers: Vec::new(), body, truncated: false });
        assert_eq!(vault.redactor().text("see inner-token here"), "see [token] here");
    }

    #[test]
    fn an_error_code_is_no_token_wherever_a_server_puts_it() {
        let vault = Vault::default();
        let body = br#"{"error":"invalid_request","code":"invalid_request","token":"opaque-0123"}"#.to_vec();
        vault.remember_response(&Response { status: 400, headers: Vec::new(), body, truncated: false });
        assert_eq!(vault.redactor().text("400 invalid_request, opaque-0123"), "400 invalid_request, [token]");
    }

    #[test]
    fn what_is_encoded_goes_through_the_same_nets() {
        let vault = Vault::default();
        vault.remember_issued(&"opaque-token-0123456789".into());
        vault.remember("secret", &"s:e c%r+ét".into());
        let r = vault.redactor();
        let percent = |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
        let pair: String = url::form_urlencoded::byte_serialize("s:e c%r+ét".as_bytes()).collect();
        for text in [
            STANDARD_NO_PAD.encode("token=opaque-token-0123456789&x"),
            URL_SAFE_NO_PAD.encode(percent("opaque-token-0123456789")),
            percent(&STANDARD_NO_PAD.encode(" opaque-token-0123456789")),
            STANDARD_NO_PAD.encode("x eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."),
            STANDARD_NO_PAD.encode(format!("odd%3Aid:{pair}")),
        ] {
            assert_eq!(r.text(&format!("say {text}, please")), "say [encoded secret], please");
        }
        let plain = "grant_type=urn%3Aietf%3Aparams%3Aoauth, application/json, SGVsbG8gd29ybGQh";
        assert_eq!(r.text(plain), plain);
    }

    #[test]
    fn a_cut_shows_no_part_of_a_secret() {
        let vault = Vault::default();
        vault.remember(
            "client secret",
            &"a secret with spaces, as a passphrase has them, of 62 letters".into(),
        );
        vault.remember_issued(&"opaque-token-0123456789-0123456789-0123456789".into());
        let r = vault.redactor();
        for secret in [
            "a secret with spaces, as a passphrase has them, of 62 letters",
            "opaque-token-0123456789-0123456789-0123456789",
        ] {
            for lead in 0..secret.len() + 8 {
                // What stands before is hidden, so that the end of the window comes into sight.
                let hidden = "opaque-token-0123456789-0123456789-0123456789 ".repeat(8);
                let text = format!("{hidden}{}{secret} and so on {}", " ".repeat(lead), "x".repeat(400));
                let shown = r.brief(&text, 100);
                assert!(
                    shown.len() <= 103 && !shown.contains("a secret") && !shown.contains("opaque"),
                    "{shown}"
                );
            }
        }
        assert_eq!(r.brief("short", 100), "short");
    }

    #[test]
    fn secrets_that_touch_or_overlap_are_hidden_whole() {
        let vault = Vault::default();
        for secret in
            ["pass-phrase one two", "one two three four", "zz9!pqrst-Long-secret-value", "p@ssZq!word-Long"]
        {
            vault.remember("secret", &secret.into());
        }
        vault.remember("secret", &"secret-2".into());
        let r = vault.redactor();
        let shown = r.text("say pass-phrase one two three four, twice");
        assert_eq!(shown, "say [secret], twice");
        let shown = r.text("other%2Dsecret%2D2:zz9!pqrst-Long-secret-value end");
        assert!(!shown.contains("pqrst") && shown.ends_with(" end"), "{shown}");
        for text in
            ["got p%40ssZq!word-Long here", "got p%40ssZq%21word-Long here", "got p@ssZq%21word-Long here"]
        {
            let shown = r.text(text);
            assert!(!shown.contains("word-Long"), "{shown}");
        }
    }
}
