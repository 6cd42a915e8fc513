//! Client authentication (RFC 6749 §2.3, RFC 7523 §2.2): one method per request, judged before any
//! token is looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wiremock::Request;

use super::AuthServer;
use super::assertion;
use super::clients::{CLIENTS, Client, Credential, find_client};
use super::fault::FaultId;
use super::form::{Decoding, Form, decode};
use super::refusal::{Refusal, Why};

const BASIC_FAILED: Refusal = Refusal::new(Why::ClientAuthBasic, "client authentication failed");
const OTHER_FAILED: Refusal = Refusal::new(Why::ClientAuthOther, "client authentication failed");

/// The id and secret of a Basic header, decoded.
struct Basic {
    id: String,
    secret: String,
}

/// Identifies the client of a request, or says why it cannot be identified.
/// `exchange` tells a token exchange from other requests: faults in how a method is offered are
/// limited to it, so that a run can still obtain its first tokens.
pub(super) fn authenticate(
    server: &AuthServer,
    request: &Request,
    form: &Form,
    exchange: bool,
) -> Result<&'static Client, Refusal> {
    let mut form = std::borrow::Cow::Borrowed(form);
    if let Some((id, secret)) = query_credentials(server, request, &form) {
        form.to_mut().push("client_id", &id);
        form.to_mut().push("client_secret", &secret);
    }
    let header = request.headers.get_all("authorization").iter().collect::<Vec<_>>();
    if header.len() > 1 {
        return Err(Refusal::new(Why::TwoClientAuthMethods, "more than one Authorization header"));
    }
    let secret = form.one("client_secret");
    let assertion = form.one("client_assertion").or(form.one("client_assertion_type"));
    let methods = header.len() + usize::from(secret.is_some()) + usize::from(assertion.is_some());
    if methods > 1 && !server.on(FaultId::TwoAuthMethodsAccepted) {
        return Err(Refusal::new(Why::TwoClientAuthMethods, "more than one client authentication method"));
    }
    let client = if let Some(value) = header.first() {
        let lower = value.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if exchange && lower && server.on(FaultId::BasicSchemeCaseMatters) {
            return Err(BASIC_FAILED);
        }
        if let Some(client) = undecoded(server, value.as_bytes(), exchange) {
            return Ok(client);
        }
        let basic = read_basic(server, value.as_bytes(), exchange).ok_or(BASIC_FAILED)?;
        by_basic(server, &basic, &form, exchange)?
    } else if assertion.is_some() {
        if exchange && server.on(FaultId::ClientAssertionRefused) {
            return Err(Refusal::new(Why::BadParameter, "client_assertion needs another grant type"));
        }
        assertion::authenticate(server, &form)?
    } else if let Some(secret) = secret {
        if exchange && server.on(FaultId::AdvertisedPostRefused) {
            return Err(OTHER_FAILED);
        }
        let id = form.one("client_id").ok_or(OTHER_FAILED)?;
        by_secret(server, id, secret).ok_or(OTHER_FAILED)?
    } else {
        identified_only(server, form.one("client_id"), exchange)?
    };
    Ok(client)
}

/// The client of a Basic header that a correct server cannot read: one without base64 is nobody's, one whose halves are
/// not form-encoded is taken as it stands.
fn undecoded(server: &AuthServer, header: &[u8], exchange: bool) -> Option<&'static Client> {
    let encoded = std::str::from_utf8(header).ok()?.strip_prefix("Basic ")?;
    let Ok(decoded) = STANDARD.decode(encoded.trim()) else {
        return find_client("app").filter(|_| exchange && server.on(FaultId::UnreadableBasicIgnored));
    };
    let text = String::from_utf8(decoded).ok()?;
    let raw = CLIENTS.iter().find(|client| match client.credential {
        Credential::Secret(secret) => client.id.contains(':') && text == format!("{}:{secret}", client.id),
        _ => false,
    });
    raw.filter(|_| exchange && server.on(FaultId::BasicNeedNotBeEncoded))
}

fn by_basic(
    server: &AuthServer,
    basic: &Basic,
    form: &Form,
    exchange: bool,
) -> Result<&'static Client, Refusal> {
    if exchange && server.on(FaultId::BasicNotSupported) {
        return Err(BASIC_FAILED);
    }
    let client = by_secret(server, &basic.id, &basic.secret).ok_or(BASIC_FAILED)?;
    let Some(named) = form.one("client_id") else {
        return Ok(client);
    };
    if exchange && server.on(FaultId::BasicWithClientIdRefused) {
        return Err(Refusal::new(Why::TwoClientAuthMethods, "client_id beside an Authorization header"));
    }
    if named == client.id || server.on(FaultId::ClientIdMismatchAccepted) {
        return Ok(client);
    }
    // The fault makes the token out to the other client, once everything else is decided.
    match find_client(named).is_some() && server.on(FaultId::ClientIdMismatchServesBodyClient) {
        true => Ok(client),
        false => Err(Refusal::new(Why::ClientIdMismatch, "client_id differs from the authenticated client")),
    }
}

fn by_secret(server: &AuthServer, id: &str, secret: &str) -> Option<&'static Client> {
    let Some(client) = find_client(id) else {
        return find_client("app").filter(|_| server.on(FaultId::UnknownClientAccepted));
    };
    let Credential::Secret(expected) = client.credential else {
        return None;
    };
    (secret == expected || server.on(FaultId::WrongSecretAccepted)).then_some(client)
}

/// A request that names its client and proves nothing: right for a public client only.
fn identified_only(
    server: &AuthServer,
    id: Option<&str>,
    exchange: bool,
) -> Result<&'static Client, Refusal> {
    let Some(id) = id else {
        let anyone = find_client("app").filter(|_| exchange && server.on(FaultId::AnonymousExchangeAccepted));
        return anyone.ok_or(OTHER_FAILED);
    };
    let client = find_client(id).ok_or(OTHER_FAILED)?;
    let public = client.credential == Credential::None;
    if public && exchange && server.on(FaultId::PublicClientRefused) {
        return Err(OTHER_FAILED);
    }
    if public || (exchange && server.on(FaultId::ConfidentialClientWithoutSecretAccepted)) {
        return Ok(client);
    }
    Err(OTHER_FAILED)
}

/// Reads `Basic base64(form-encoded id ":" form-encoded secret)` (RFC 6749 §2.3.1).
fn read_basic(server: &AuthServer, header: &[u8], exchange: bool) -> Option<Basic> {
    let (scheme, encoded) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (id, secret) = (decoded.get(..colon)?, decoded.get(colon + 1..)?);
    let escaped = decoded.iter().any(|byte| matches!(byte, b'%' | b'+'));
    if exchange && escaped && server.on(FaultId::BasicNotFormDecoded) {
        let raw = |half: &[u8]| String::from_utf8(half.to_vec()).ok();
        return Some(Basic { id: raw(id)?, secret: raw(secret)? });
    }
    Some(Basic { id: decode(id, Decoding::CORRECT)?, secret: decode(secret, Decoding::CORRECT)? })
}

/// Credentials in the query are not credentials (RFC 6749 §2.3.1); only a faulty server reads them.
fn query_credentials(server: &AuthServer, request: &Request, form: &Form) -> Option<(String, String)> {
    let query = Form::parse(request.url.query()?.as_bytes(), Decoding::CORRECT)?;
    let (id, secret) = (query.one("client_id")?, query.one("client_secret")?);
    let bare = form.one("client_secret").is_none() && !request.headers.contains_key("authorization");
    (bare && server.on(FaultId::SecretInQueryAccepted)).then(|| (id.to_owned(), secret.to_owned()))
}
