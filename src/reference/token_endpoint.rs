//! `POST /token`: reads the request, identifies the client and hands over to the grant.

use serde_json::Value;
use wiremock::Request;

use super::client_auth::authenticate;
use super::clients::{Client, Credential, Grant};
use super::fault::FaultId;
use super::feature::Feature;
use super::form::{Decoding, Form, Parameter};
use super::refusal::{Refusal, Why};
use super::reply::Reply;
use super::{AuthServer, exchange, grants, parameters, refresh};

/// A longer body is not read at all.
const LONGEST_BODY: usize = 256 * 1024;

pub(super) fn token(server: &AuthServer, request: &Request) -> Reply {
    let form = match read(server, request) {
        Ok(form) => form,
        Err(refusal) => return refusal.token_reply(server, &Form::default()),
    };
    if let Some(documented) = server.vendor.answer(&form) {
        return documented;
    }
    serve(server, request, &form).unwrap_or_else(|refusal| refusal.token_reply(server, &form))
}

fn serve(server: &AuthServer, request: &Request, form: &Form) -> Result<Reply, Refusal> {
    let client = authenticate(server, request, form, is_exchange(form))?;
    let grant = grant(server, form)?;
    if !client.grants.contains(&grant) && !grant_overlooked(server, client, grant) {
        return Err(Refusal::new(Why::GrantNotAllowed, "this client may not use this grant"));
    }
    let unproven = grant == Grant::Exchange && client.credential == Credential::None;
    if unproven && !server.offers(Feature::PublicClients) && !server.on(FaultId::PublicClientMayExchange) {
        return Err(Refusal::new(Why::GrantNotAllowed, "public clients may not exchange"));
    }
    if grant == Grant::Exchange && client.disabled && !server.on(FaultId::DisabledPrincipalAccepted) {
        return Err(Refusal::new(Why::ClientAuthOther, "the client is disabled"));
    }
    match grant {
        Grant::Password => grants::password(server, request, form, client),
        Grant::ClientCredentials => grants::client_credentials(server, request, form, client),
        Grant::Refresh => refresh::refresh(server, request, form, client),
        Grant::Exchange => exchange::exchange(server, request, form, client),
    }
}

fn grant_overlooked(server: &AuthServer, client: &Client, grant: Grant) -> bool {
    grant == Grant::Exchange && !client.resource_server && server.on(FaultId::GrantPermissionUnchecked)
}

fn grant(server: &AuthServer, form: &Form) -> Result<Grant, Refusal> {
    let Some(asked) = form.one("grant_type") else {
        let sent_empty = form.parameters.iter().any(|parameter| parameter.name == "grant_type");
        let fault =
            if sent_empty { FaultId::EmptyGrantTypeAssumed } else { FaultId::MissingGrantTypeAssumed };
        return match server.on(fault) {
            true => Ok(Grant::Exchange),
            false => Err(Refusal::new(Why::GrantTypeMissing, "grant_type is missing")),
        };
    };
    let unknown = Refusal::new(Why::GrantTypeUnknown, "grant_type is not supported");
    if let Some(grant) = Grant::ALL.into_iter().find(|grant| grant.uri() == asked) {
        return Ok(grant);
    }
    let urn = Grant::Exchange.uri();
    let mistaken = (asked.eq_ignore_ascii_case(urn) && server.on(FaultId::GrantTypeCaseIgnored))
        || (asked.starts_with(urn) && server.on(FaultId::GrantTypePrefixMatched))
        || (asked == "token-exchange" && server.on(FaultId::ShortGrantTypeAccepted))
        || (form.one("subject_token").is_some() && server.on(FaultId::AnyGrantTypeAccepted));
    match mistaken {
        true => Ok(Grant::Exchange),
        false => Err(unknown),
    }
}

/// Whether a request means to be an exchange, rightly spelt or not.
fn is_exchange(form: &Form) -> bool {
    form.one("grant_type").is_none_or(|grant| grant.contains("token-exchange"))
}

/// The parameters of the request, with the rules of RFC 6749 §3.2 applied.
fn read(server: &AuthServer, request: &Request) -> Result<Form, Refusal> {
    let get = request.method.as_str() == "GET" && request.url.query().is_some();
    let put = request.method.as_str() == "PUT" && !request.body.is_empty();
    if request.method.as_str() != "POST"
        && !(get && server.on(FaultId::GetAccepted))
        && !(put && server.on(FaultId::PutAccepted))
    {
        return Err(Refusal::new(Why::NotPost, "the token endpoint takes POST only"));
    }
    if request.body.len() > LONGEST_BODY {
        return Err(Refusal::new(Why::TooLarge, "the request is too large"));
    }
    let mut form = match request.method.as_str() {
        "GET" => Form::default(),
        _ => body(server, request)?,
    };
    if let Some(query) = request.url.query() {
        let query = Form::parse(query.as_bytes(), Decoding::CORRECT).unwrap_or_default();
        // Credentials alone in the query are another matter.
        let whole = query.one("grant_type").is_some();
        let elsewhere: Vec<Parameter> = query
            .parameters
            .into_iter()
            .filter(|parameter| {
                form.one(&parameter.name).is_none() && (whole || !is_credential(&parameter.name))
            })
            .collect();
        let asks = elsewhere.iter().any(|parameter| parameters::is_known(&parameter.name));
        if get || (asks && server.on(FaultId::QueryParametersAccepted)) {
            form.parameters.extend(elsewhere);
        }
    }
    server.vendor.overlook(&mut form);
    parameters::settle(server, &mut form)?;
    Ok(form)
}

fn is_credential(name: &str) -> bool {
    matches!(name, "client_id" | "client_secret" | "client_assertion" | "client_assertion_type")
}

/// The parameters of the body. Only one media type carries them (RFC 6749 §4.5, RFC 8693 §2.1).
fn body(server: &AuthServer, request: &Request) -> Result<Form, Refusal> {
    let not_a_form = Refusal::new(Why::NotAForm, "the body is not application/x-www-form-urlencoded");
    let content_type = request.headers.get("content-type").and_then(|value| value.to_str().ok());
    let sent = content_type.unwrap_or_default();
    let content_type = sent.to_ascii_lowercase();
    if sent.starts_with(|first: char| first.is_ascii_uppercase()) && server.on(FaultId::MediaTypeCaseMatters)
    {
        return Err(not_a_form);
    }
    let (media_type, parameter) = content_type.split_once(';').unwrap_or((&content_type, ""));
    match media_type.trim() {
        "application/x-www-form-urlencoded" => {}
        "application/json" if let Some(form) = json_form(&request.body) => {
            return if server.on(FaultId::JsonBodyAccepted) { Ok(form) } else { Err(not_a_form) };
        }
        "multipart/form-data" if let Some(form) = multipart_form(sent, &request.body) => {
            return if server.on(FaultId::MultipartAccepted) { Ok(form) } else { Err(not_a_form) };
        }
        _ if !server.on(FaultId::AnyMediaTypeAccepted) => return Err(not_a_form),
        _ => {}
    }
    let charset = parameter.trim().trim_matches(';');
    let utf8 = charset.is_empty() || charset.replace(['"', ' '], "") == "charset=utf-8";
    if !utf8 || (!charset.is_empty() && server.on(FaultId::CharsetParameterRefused)) {
        return Err(not_a_form);
    }
    let malformed = Refusal::new(Why::NotAForm, "the body cannot be decoded");
    let form = Form::parse(&request.body, Decoding::CORRECT).ok_or(malformed)?;
    Ok(misread(server, &request.body, &form).unwrap_or(form))
}

/// The parameters as a server reads them that decodes only what its own client library encodes.
fn misread(server: &AuthServer, body: &[u8], form: &Form) -> Option<Form> {
    if !is_exchange(form) {
        return None;
    }
    let ways = [
        (FaultId::PlusNotDecoded, Decoding { plus_is_space: false, ..Decoding::CORRECT }),
        (FaultId::EscapedSpaceNotDecoded, Decoding { escaped_space: false, ..Decoding::CORRECT }),
        (FaultId::NeedlessEscapesNotDecoded, Decoding { needless_escapes: false, ..Decoding::CORRECT }),
    ];
    ways.into_iter().find_map(|(fault, decoding)| {
        let read = Form::parse(body, decoding)?;
        let differs =
            read.parameters.iter().zip(&form.parameters).any(|(read, right)| read.value != right.value);
        (differs && server.on(fault)).then_some(read)
    })
}

/// The fields of a multipart body; `None` when it is none.
fn multipart_form(content_type: &str, body: &[u8]) -> Option<Form> {
    let boundary = content_type.split("boundary=").nth(1)?.trim_matches('"');
    let body = std::str::from_utf8(body).ok()?;
    let mut form = Form::default();
    for part in body.split(&format!("--{boundary}")) {
        let Some((head, value)) = part.split_once("\r\n\r\n") else {
            continue;
        };
        let name = head.split("name=\"").nth(1)?.split('"').next()?;
        form.push(name, value.strip_suffix("\r\n").unwrap_or(value));
    }
    (!form.parameters.is_empty()).then_some(form)
}

fn json_form(body: &[u8]) -> Option<Form> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return None;
    };
    let mut form = Form::default();
    for (name, value) in &members {
        form.push(name, value.as_str()?);
    }
    Some(form)
}
