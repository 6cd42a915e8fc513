//! Looks for secrets in text: as they are, percent-encoded, escaped as JSON or HTML, in base64 and base64url at every alignment, and within
//! what any of these hide, up to three layers deep.

use aho_corasick::AhoCorasick;
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Layers of encoding that are peeled off.
const LAYERS: usize = 3;
/// A part of a secret this long counts as the secret.
const PART: usize = 16;

/// What must not be found, with a name for each.
pub struct Scanner {
    finder: AhoCorasick,
    names: Vec<String>,
}

impl Scanner {
    pub fn new(secrets: &[(String, String)]) -> Self {
        let mut parts: Vec<(String, String)> = secrets.iter().flat_map(|(n, s)| parts(n, s)).collect();
        parts.sort();
        parts.dedup();
        let finder = AhoCorasick::new(parts.iter().map(|(_, p)| p)).expect("patterns that fit");
        Self { finder, names: parts.into_iter().map(|(n, _)| n).collect() }
    }

    /// How many patterns it looks for.
    pub fn patterns(&self) -> usize {
        self.names.len()
    }

    /// The names of the secrets that the text holds, with what stands there.
    pub fn find(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.layer(text.as_bytes(), LAYERS, "", &mut found);
        found.sort();
        found.dedup();
        found
    }

    fn layer(&self, bytes: &[u8], left: usize, path: &str, found: &mut Vec<String>) {
        for hit in self.finder.find_iter(bytes) {
            let from = hit.start().saturating_sub(60);
            let around =
                String::from_utf8_lossy(&bytes[from..(hit.end() + 20).min(bytes.len())]).into_owned();
            found.push(format!(
                "{}{path}: …{}…",
                self.names[hit.pattern().as_usize()],
                around.escape_debug()
            ));
        }
        if left == 0 {
            return;
        }
        for run in bytes.split(|b| b.is_ascii_whitespace() || b"\"'<>{}[]()&;,".contains(b)) {
            if run.contains(&b'%') {
                self.layer(&percent_decoded(run), left - 1, &format!("{path} < percent"), found);
            }
        }
        if bytes.contains(&b'\\') {
            self.layer(&numbers_decoded(bytes, "\\u"), left - 1, &format!("{path} < JSON"), found);
        }
        if bytes.windows(3).any(|w| w == b"&#x") {
            self.layer(&numbers_decoded(bytes, "&#x"), left - 1, &format!("{path} < HTML"), found);
        }
        for run in runs(bytes) {
            for offset in 0..4.min(run.len()) {
                if let Some(decoded) = unbase64(&run[offset..]) {
                    for text in readable(&decoded) {
                        self.layer(text, left - 1, &format!("{path} < base64"), found);
                    }
                }
            }
        }
    }
}

/// The secret, and of a long one its beginning, middle and end, line by line.
fn parts(name: &str, secret: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for line in secret.lines().filter(|l| l.len() >= 6 && !l.starts_with("-----")) {
        out.push((name.to_owned(), line.to_owned()));
        // Of a JWT only the signature is its own; header and claims may be those of any other.
        let own = if line.starts_with("ey") { line.rsplit('.').next().unwrap_or(line) } else { line };
        if own.is_ascii() && own.len() > 2 * PART && !name.starts_with("Basic") {
            let middle = own.len() / 2;
            for part in [&own[..PART], &own[middle..middle + PART], &own[own.len() - PART..]] {
                out.push((name.to_owned(), part.to_owned()));
            }
        }
    }
    out
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], hex(bytes.get(i + 1)), hex(bytes.get(i + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                i += 1;
            }
            (b, ..) => {
                out.push(b);
                i += 1;
            }
        }
    }
    out
}

/// Decodes `\u002b`, `\/` or `&#x2b;`: as far as [`spellings`] writes them.
fn numbers_decoded(bytes: &[u8], mark: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split(mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take(4).take_while(u8::is_ascii_hexdigit).count();
        match u32::from_str_radix(&part[..digits], 16).ok().and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                let rest = &part[digits..];
                out.push_str(if mark.starts_with('&') {
                    rest.strip_prefix(';').unwrap_or(rest)
                } else {
                    rest
                });
            }
            None => {
                out.push_str(mark);
                out.push_str(part);
            }
        }
    }
    out.replace("\\/", "/").into_bytes()
}

/// Runs of characters of either base64 alphabet.
fn runs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| !b.is_ascii_alphanumeric() && !b"+/-_".contains(b)).filter(|run| run.len() >= 12)
}

fn unbase64(run: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // One character too many says nothing.
    let whole = if run.len() % 4 == 1 { &run[..run.len() - 1] } else { run };
    [STANDARD, URL_SAFE].iter().find_map(|a| GeneralPurpose::new(a, config).decode(whole).ok())
}

/// The stretches that may be text: at the wrong alignment there are hardly any.
fn readable(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| (*b < 0x20 && !b"\r\n\t".contains(b)) || *b == 0x7f).filter(|t| t.len() >= 9)
}

/// The text in each encoding in which a server could repeat it.
pub fn spellings(text: &str) -> Vec<(&'static str, String)> {
    use base64::engine::general_purpose::{STANDARD as STD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut out = vec![
        ("raw", text.to_owned()),
        ("form-encoded", url::form_urlencoded::byte_serialize(text.as_bytes()).collect()),
        ("percent-encoded, upper", text.bytes().map(|b| format!("%{b:02X}")).collect()),
        ("percent-encoded, lower", text.bytes().map(|b| format!("%{b:02x}")).collect()),
    ];
    out.push(("JSON-escaped", text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect()));
    out.push(("JSON-escaped slashes", text.replace('/', "\\/")));
    out.push(("HTML-escaped", text.chars().map(|c| format!("&#x{:X};", u32::from(c))).collect()));
    for (lead, name) in [("", "base64, first"), ("=", "base64, second"), (" =", "base64, third")] {
        out.push((name, STD.encode(format!("{lead}{text}"))));
        out.push((name, STANDARD_NO_PAD.encode(format!("{lead}{text}&"))));
        out.push((name, URL_SAFE_NO_PAD.encode(format!("{lead}{text}&x"))));
    }
    let claims = serde_json::json!({ "echo": text }).to_string();
    out.push(("JWT claims", format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(&claims))));
    out.push(("base64 of percent-encoded", STD.encode(out[1].1.clone())));
    out.push(("percent-encoded base64", out[7].1.bytes().map(|b| format!("%{b:02X}")).collect()));
    out
}
