//! Metadata discovery (RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4).

use serde_json::Value;
use url::Url;

use super::{Endpoints, MetadataSpec, TargetSpec};
use crate::wire::{Exchange, Request, Sender, StrictJson, WANTS_TLS, is_loopback, printable, scheme_hint};

/// The most characters that a message repeats of what a document says.
const SHOWN: usize = 200;

/// What is known about the server's addresses.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// Token endpoint, introspection and so on; explicit addresses win over metadata.
    pub endpoints: Endpoints,
    /// The first document that was found, with its address.
    pub metadata: Option<(Url, Value)>,
    /// Every request that was made.
    pub exchanges: Vec<Exchange>,
}

/// Why the server cannot be tested.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct DiscoveryError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The addresses at which metadata may stand, in order of preference. RFC 8414 inserts the well-known part between
/// host and path; OpenID Connect appends it to the issuer.
pub fn metadata_urls(issuer: &Url, wanted: MetadataSpec) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    let oauth = [at(format!("/.well-known/oauth-authorization-server{path}"))];
    let openid = [
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    let mut urls: Vec<Url> = match wanted {
        MetadataSpec::Auto => oauth.into_iter().chain(openid).collect(),
        MetadataSpec::Oauth => oauth.into(),
        MetadataSpec::Openid => openid.into(),
        MetadataSpec::None => Vec::new(),
    };
    urls.dedup();
    urls
}

/// Finds the endpoints of a target.
///
/// # Errors
/// When there is no token endpoint to test, in words and with a hint.
pub async fn discover(spec: &TargetSpec, sender: &Sender) -> Result<Discovered, DiscoveryError> {
    let mut found = Discovered { endpoints: spec.endpoints.clone(), ..Discovered::default() };
    let Some(issuer) = spec.issuer.as_deref() else {
        return Ok(found);
    };
    let fail = |message: String, hint: &str| DiscoveryError { message, hint: hint.to_owned() };
    let issuer = Url::parse(issuer).map_err(|e| {
        fail(format!("`{issuer}` is not a URL: {e}"), "write the issuer like https://as.example.com")
    })?;
    let mut trouble: Vec<String> = Vec::new();
    for url in metadata_urls(&issuer, spec.metadata) {
        let exchange = sender.send("metadata", Request::get(url.clone())).await;
        let read = read_metadata(&exchange);
        let unreachable = exchange.outcome.is_err();
        found.exchanges.push(exchange);
        match read {
            Ok(document) => {
                found.metadata = Some((url, document));
                break;
            }
            Err(message) => trouble.push(format!("{url}: {message}")),
        }
        if unreachable {
            // Another path on a host that does not answer would not answer either.
            return match &found.endpoints.token {
                Some(_) => Ok(found),
                None => {
                    let trouble = trouble.join("; ");
                    // Most servers end a plain connection to a port for TLS without a word.
                    let ended = issuer.scheme() == "http" && trouble.contains("(SendRequest)");
                    let hint = scheme_hint(&trouble).unwrap_or(if ended {
                        "check the issuer's address and that the server is running; if it speaks TLS there, the address \
                         begins with https://"
                    } else {
                        "check the issuer's address and that the server is running"
                    });
                    Err(fail(format!("the authorization server does not answer: {trouble}"), hint))
                }
            };
        }
    }
    if let Some((url, document)) = &found.metadata {
        check_issuer(&issuer, url, document, spec)?;
        let e = &mut found.endpoints;
        for (slot, member) in [
            (&mut e.token, "token_endpoint"),
            (&mut e.introspection, "introspection_endpoint"),
            (&mut e.revocation, "revocation_endpoint"),
            (&mut e.jwks, "jwks_uri"),
            (&mut e.userinfo, "userinfo_endpoint"),
        ] {
            if slot.is_some() {
                continue;
            }
            if let Some(address) = document.get(member).and_then(Value::as_str) {
                check_host(&issuer, member, address)?;
                *slot = Some(address.to_owned());
            }
        }
    }
    if found.endpoints.token.is_none() {
        let message = if trouble.is_empty() {
            "the metadata names no token_endpoint".to_owned()
        } else {
            format!("no metadata was found: {}", trouble.join("; "))
        };
        let hint = scheme_hint(&message).unwrap_or(
            "check the issuer, or name the endpoints in a target file: `endpoints: { token: https://… }`",
        );
        return Err(fail(message, hint));
    }
    Ok(found)
}

/// The first metadata document of an issuer, with its address; else why there is none.
///
/// # Errors
/// In words, for each address that was tried.
pub async fn read_metadata_of(
    issuer: &Url,
    wanted: MetadataSpec,
    sender: &Sender,
) -> Result<(Url, Value), String> {
    let mut trouble = Vec::new();
    for url in metadata_urls(issuer, wanted) {
        let exchange = sender.send("metadata", Request::get(url.clone())).await;
        match read_metadata(&exchange) {
            Ok(document) => return Ok((url, document)),
            Err(message) => trouble.push(format!("{url}: {message}")),
        }
        if exchange.outcome.is_err() {
            break;
        }
    }
    Err(trouble.join("; "))
}

fn read_metadata(exchange: &Exchange) -> Result<Value, String> {
    let response = exchange.outcome.as_ref().map_err(|e| e.message.clone())?;
    match response.status {
        200 => {}
        300..=399 => {
            return Err(format!("it redirects (status {}), and redirects are not followed", response.status));
        }
        400 if is_plain(exchange) && asks_for_tls(&response.body) => {
            return Err(format!("status 400, and {WANTS_TLS}"));
        }
        status => return Err(format!("status {status}")),
    }
    if response.truncated {
        return Err("the document is larger than the limit".into());
    }
    let json = StrictJson::parse(&response.body).map_err(|fault| {
        let kind = response.header("content-type").unwrap_or_else(|| "no content type".into());
        format!("not a JSON document ({}): {fault}", printable(&kind, SHOWN))
    })?;
    if json.object().is_none() {
        return Err("the document is not a JSON object".into());
    }
    Ok(json.value)
}

fn is_plain(exchange: &Exchange) -> bool {
    exchange.request.url.scheme() == "http"
}

/// Whether an answer is what common servers say to plain HTTP on a port for TLS.
fn asks_for_tls(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    ["HTTPS port", "HTTPS server", "requires TLS", "speaking plain HTTP to an SSL"]
        .iter()
        .any(|s| body.contains(s))
}

/// RFC 8414 section 3.3: metadata of another issuer must not be used. That a server misnames itself is a violation that
/// a scenario reports, and no reason to refuse the whole run as long as credentials stay where the user sends them:
/// below the issuer's own address.
fn check_issuer(issuer: &Url, url: &Url, document: &Value, spec: &TargetSpec) -> Result<(), DiscoveryError> {
    let written = spec.issuer.as_deref().unwrap_or_default();
    let claimed = document.get("issuer").and_then(Value::as_str);
    if claimed.is_some_and(|claimed| claimed.trim_end_matches('/') == written.trim_end_matches('/')) {
        return Ok(());
    }
    let explicit = &spec.endpoints;
    let strayed = [
        ("token_endpoint", &explicit.token),
        ("introspection_endpoint", &explicit.introspection),
        ("revocation_endpoint", &explicit.revocation),
        ("userinfo_endpoint", &explicit.userinfo),
    ]
    .into_iter()
    .filter(|(_, explicit)| explicit.is_none())
    .filter_map(|(member, _)| Some((member, document.get(member)?.as_str()?)))
    .find(|(_, address)| !Url::parse(address).is_ok_and(|address| is_below(&address, issuer)));
    let Some((member, address)) = strayed else { return Ok(()) };
    let whose = match claimed {
        Some(claimed) => format!("belongs to another issuer, `{}`", printable(claimed, SHOWN)),
        None => "names no issuer".to_owned(),
    };
    Err(DiscoveryError {
        message: format!(
            "the metadata at {url} {whose}, and its {member} is not below {issuer}: {}",
            printable(address, SHOWN)
        ),
        hint: "credentials are not sent where another issuer's metadata points (RFC 8414 section 3.3); correct `issuer`, or name the endpoints in a target file".into(),
    })
}

/// Whether an address has the issuer's origin and begins with its path.
fn is_below(address: &Url, issuer: &Url) -> bool {
    let path = issuer.path().trim_end_matches('/');
    let rest = address.path().strip_prefix(path);
    address.origin() == issuer.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check_host(issuer: &Url, member: &str, address: &str) -> Result<(), DiscoveryError> {
    let fail = |message: String| DiscoveryError {
        message,
        hint: format!("if that is right, name it in a target file under `endpoints:` ({member})"),
    };
    let url = Url::parse(address).map_err(|e| {
        fail(format!("the metadata's {member} `{}` is not a URL: {e}", printable(address, SHOWN)))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(fail(format!("the metadata's {member} is a {} URL", printable(url.scheme(), SHOWN))));
    }
    // Credentials must not leak to a host that only the server under test names: never from a loopback server to
    // elsewhere, never from https to http.
    if is_loopback(issuer) != is_loopback(&url) {
        return Err(fail(format!(
            "the metadata's {member} points to another machine: {}",
            printable(url.host_str().unwrap_or_default(), SHOWN)
        )));
    }
    if issuer.scheme() == "https" && url.scheme() == "http" {
        return Err(fail(format!("the metadata's {member} is not encrypted")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_paths_follow_rfc_8414_and_openid() {
        let urls = |issuer: &str| -> Vec<String> {
            metadata_urls(&issuer.parse().unwrap(), MetadataSpec::Auto).iter().map(Url::to_string).collect()
        };
        assert_eq!(
            urls("https://h.example/a/b/"),
            [
                "https://h.example/.well-known/oauth-authorization-server/a/b",
                "https://h.example/a/b/.well-known/openid-configuration",
                "https://h.example/.well-known/openid-configuration/a/b"
            ]
        );
        assert_eq!(urls("https://h.example").len(), 2);
    }
}
