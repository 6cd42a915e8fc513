//! A request as a command line.

use std::{collections::BTreeMap, fmt::Write as _, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Request,
    position::{is_sensitive, sensitive_members},
};

/// Longest name of a scheme or of a variable.
const NAME: usize = 40;

/// A command line that sends the request again; secrets are shell variables named after their parameter. `hides` says
/// whether a text holds something that must not be shown, wherever it stands.
pub(super) fn curl(request: &Request, hides: &dyn Fn(&str) -> bool) -> String {
    let mut url = request.url.clone();
    let query = url.query().map(|query| variables(query, hides, &mut BTreeMap::new()));
    url.set_query(None);
    let url = shell(url.as_str());
    let url = query.map_or_else(|| url.clone(), |q| format!("{url}?{q}"));
    // The secret that a header field bears already is the same variable in the body, and another one is another.
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut line = format!("curl -sS -i -X {} \"{url}\"", request.method);
    for header in &request.headers {
        let value = String::from_utf8_lossy(&header.value);
        let shown = match header.name.to_ascii_lowercase().as_str() {
            "authorization" if is_basic(&value) => {
                known.extend(basic_secret(&value).map(|secret| ("$CLIENT_SECRET".to_owned(), vec![secret])));
                line.push_str(" -u \"$CLIENT_ID:$CLIENT_SECRET\"");
                continue;
            }
            "authorization" | "proxy-authorization" => credentials(&value),
            "dpop" => "$DPOP_PROOF".to_owned(),
            "cookie" | "set-cookie" => "$COOKIE".to_owned(),
            _ if hides(&value) => variable(&header.name, hides),
            _ => shell(&value),
        };
        let _ = write!(line, " -H \"{}: {shown}\"", header.name);
    }
    if !request.body.is_empty() {
        let body = String::from_utf8_lossy(&request.body);
        let json = body.trim_start().starts_with(['{', '[']);
        let body = if json { members(&body) } else { variables(&body, hides, &mut known) };
        let _ = write!(line, " --data-raw \"{body}\"");
    }
    line
}

/// Whether curl's `-u` writes the very same: any other spelling of the scheme is what a request may be about.
fn is_basic(value: &str) -> bool {
    let pair = value.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok());
    pair.is_some_and(|pair| pair.contains(&b':'))
}

/// The secret of Basic authentication, percent-encoded as a form has it too (RFC 6749 section 2.3.1).
fn basic_secret(value: &str) -> Option<String> {
    let pair = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    Some(String::from_utf8_lossy(&pair).split_once(':')?.1.to_owned())
}

/// The scheme as it was sent, and a variable for what follows.
fn credentials(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once(' ') else { return "$CREDENTIALS".to_owned() };
    // What is no plain word may be the secret itself.
    if scheme.is_empty() || scheme.len() > NAME || !scheme.bytes().all(|b| b.is_ascii_alphabetic()) {
        return "$CREDENTIALS".to_owned();
    }
    let gap = " ".repeat(1 + rest.len() - rest.trim_start_matches(' ').len());
    let token = ["bearer", "dpop"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    format!("{scheme}{gap}{}", if token { "$TOKEN" } else { "$CREDENTIALS" })
}

/// `known` are the values that each variable stands for: a parameter that is sent twice can have two.
fn variables(pairs: &str, hides: &dyn Fn(&str) -> bool, known: &mut BTreeMap<String, Vec<String>>) -> String {
    let mut numbered = |variable: String, value: &str| {
        let values = known.entry(variable.clone()).or_default();
        let at = values.iter().position(|v| *v == value).unwrap_or_else(|| {
            values.push(value.to_owned());
            values.len() - 1
        });
        if at == 0 { variable } else { format!("{variable}_{}", at + 1) }
    };
    let parts: Vec<String> = pairs
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && (is_sensitive(name) || hides(value)) => {
                format!("{}={}", shell(name), numbered(variable(name, hides), value))
            }
            None if hides(pair) => numbered("$TOKEN".to_owned(), pair),
            _ => shell(pair),
        })
        .collect();
    parts.join("&")
}

/// The variable for the value of a parameter or a header field.
fn variable(name: &str, hides: &dyn Fn(&str) -> bool) -> String {
    if name.is_empty() || name.len() > NAME || hides(name) {
        return "$TOKEN".to_owned();
    }
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let start = if name.starts_with(|c: char| c.is_ascii_digit()) { "$_" } else { "$" };
    start.chars().chain(name.chars().map(letter)).collect()
}

/// JSON with a variable for each member that holds a secret.
fn members(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for (name, Range { start, end }) in sensitive_members(text) {
        if start < last || text[start..end].trim_matches('"').is_empty() {
            continue;
        }
        out.push_str(&shell(&text[last..start]));
        let _ = write!(out, "\\\"${}\\\"", name.to_ascii_uppercase());
        last = end;
    }
    out + &shell(&text[last..])
}

/// Escapes what a shell would act on inside double quotes.
fn shell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' | '`' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_shows_no_secret() {
        let mut request = Request::post("http://127.0.0.1:1/token?a=b".parse().unwrap());
        request.push_header("authorization", "Basic YTpi");
        request.push_header("content-type", "application/x-www-form-urlencoded");
        request.body = b"grant_type=x&subject_token=abc".to_vec();
        let line = curl(&request, &|_| false);
        assert_eq!(
            line,
            "curl -sS -i -X POST \"http://127.0.0.1:1/token?a=b\" -u \"$CLIENT_ID:$CLIENT_SECRET\" -H \"content-type: application/x-www-form-urlencoded\" --data-raw \"grant_type=x&subject_token=$SUBJECT_TOKEN\""
        );
    }
    #[test]
    fn the_scheme_stays_as_it_was_sent_and_what_is_hidden_is_a_variable() {
        let line = |authorization: &str, body: &str| {
            let mut request = Request::post("http://127.0.0.1:1/token".parse().unwrap());
            request.push_header("authorization", authorization);
            request.body = body.as_bytes().to_vec();
            curl(&request, &|text| text.contains("hidden"))
        };
        for (sent, shown) in [
            ("Basic YTpi", "-u \"$CLIENT_ID:$CLIENT_SECRET\""),
            ("basic YTpi", "-H \"authorization: basic $CREDENTIALS\""),
            ("Basic  YTpi", "-H \"authorization: Basic  $CREDENTIALS\""),
            ("Basic YTpi!", "-H \"authorization: Basic $CREDENTIALS\""),
            ("Bearer abc", "-H \"authorization: Bearer $TOKEN\""),
            ("DPoP abc", "-H \"authorization: DPoP $TOKEN\""),
            ("abc.def", "-H \"authorization: $CREDENTIALS\""),
            ("a.b c", "-H \"authorization: $CREDENTIALS\""),
        ] {
            let line = line(sent, "");
            assert!(line.ends_with(shown), "{line}");
            assert!(!line.contains("YTpi") && !line.contains("abc"), "{line}");
        }
        let two = line("Basic YTpi", "client_secret=b&client_id=c");
        assert!(two.ends_with("client_secret=$CLIENT_SECRET&client_id=c\""), "{two}");
        let two = line("Basic YTpi", "client_secret=another&client_id=c");
        assert!(two.ends_with("client_secret=$CLIENT_SECRET_2&client_id=c\""), "{two}");
        for (sent, shown) in [
            ("requested_subject=hidden&x-1=a hidden", "requested_subject=$REQUESTED_SUBJECT&x-1=$X_1"),
            ("hidden=hidden&hidden&$a=", "hidden=$TOKEN&$TOKEN&\\$a="),
            (
                "subject_token=a&actor_token=b&subject_token=c&subject_token=a",
                "subject_token=$SUBJECT_TOKEN&actor_token=$ACTOR_TOKEN&subject_token=$SUBJECT_TOKEN_2&subject_token=$SUBJECT_TOKEN",
            ),
            (
                r#"{"subject_token":"hid","a":"$b"}"#,
                r#"{\"subject_token\":\"$SUBJECT_TOKEN\",\"a\":\"\$b\"}"#,
            ),
        ] {
            let line = line("Basic YTpi", sent);
            assert!(line.ends_with(&format!(" --data-raw \"{shown}\"")), "{line}");
        }
    }
}
