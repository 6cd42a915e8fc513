//! A request as a command line.

use std::fmt::Write as _;

use super::{
    Request,
    position::{is_sensitive, redact_members},
};

/// A command line that sends the request again; secrets are shell variables named after their parameter.
pub(super) fn curl(request: &Request) -> String {
    let mut url = request.url.clone();
    let query = url.query().map(variables);
    url.set_query(None);
    let url = query.map_or_else(|| url.to_string(), |q| format!("{url}?{q}"));
    let mut line = format!("curl -sS -i -X {} \"{}\"", request.method, shell(&url));
    for header in &request.headers {
        let value = String::from_utf8_lossy(&header.value);
        let shown = match header.name.to_ascii_lowercase().as_str() {
            "authorization" if value.starts_with("Basic ") => {
                line.push_str(" -u \"$CLIENT_ID:$CLIENT_SECRET\"");
                continue;
            }
            "authorization" => "Bearer $TOKEN".to_owned(),
            "dpop" => "$DPOP_PROOF".to_owned(),
            _ => shell(&value),
        };
        let _ = write!(line, " -H \"{}: {shown}\"", header.name);
    }
    if !request.body.is_empty() {
        let body = String::from_utf8_lossy(&request.body);
        let form = request.header("content-type").is_some_and(|t| t.contains("urlencoded"));
        let body = if form { variables(&body) } else { shell(&redact_members(&body)) };
        let _ = write!(line, " --data-raw \"{}\"", body);
    }
    line
}

fn variables(pairs: &str) -> String {
    let parts: Vec<String> = pairs
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_sensitive(name) && !value.is_empty() => {
                format!("{name}=${}", name.to_ascii_uppercase())
            }
            _ => shell(pair),
        })
        .collect();
    parts.join("&")
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
        let line = curl(&request);
        assert_eq!(
            line,
            "curl -sS -i -X POST \"http://127.0.0.1:1/token?a=b\" -u \"$CLIENT_ID:$CLIENT_SECRET\" -H \"content-type: application/x-www-form-urlencoded\" --data-raw \"grant_type=x&subject_token=$SUBJECT_TOKEN\""
        );
    }
}
