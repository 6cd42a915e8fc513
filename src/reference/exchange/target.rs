//! Where the result may be used: `resource` and `audience` (RFC 8693 §2.1, RFC 8707).

use url::Url;

use super::super::AuthServer;
use super::super::clients::{Client, DEFAULT_AUDIENCE, LOGICAL_AUDIENCES, RESOURCES};
use super::super::fault::FaultId;
use super::super::form::Form;
use super::super::refusal::{Refusal, Why};
use super::super::store::Kind;
use super::drafts::Draft;
use super::presented::Presented;
use super::request::{Requested, TokenType};

/// More targets than this are too many for one token.
const MOST_TARGETS: usize = 8;

pub(super) const UNKNOWN: Refusal = Refusal::new(Why::TargetUnknown, "a requested target is not available");

/// The audience of the result.
pub(super) fn audience(
    server: &AuthServer,
    form: &Form,
    client: &Client,
    subject: &Presented,
    requested: Requested,
) -> Result<Vec<String>, Refusal> {
    if let Some(draft) = Draft::of(requested) {
        return draft.audience(server, form);
    }
    let targets = targets(server, form)?;
    if requested == Requested::Known(TokenType::IdToken) {
        return id_token_audience(server, client, &targets);
    }
    let default = default_audience(server, subject);
    if targets.is_empty() || targets == default {
        return Ok(default);
    }
    let named = |parameter: &str| form.one(parameter).is_some();
    if (named("audience") && server.on(FaultId::AudienceIgnored))
        || (named("resource") && server.on(FaultId::ResourceIgnored))
    {
        return Ok(default);
    }
    if server.on(FaultId::TargetAddedToSubjectAudience) {
        let kept = default.into_iter().filter(|aud| !targets.contains(aud));
        return Ok(targets.iter().cloned().chain(kept).collect());
    }
    if targets.len() > 1 && server.on(FaultId::SecondTargetDropped) {
        return Ok(targets.into_iter().take(1).collect());
    }
    Ok(targets)
}

/// Every target that was named, each once, in order.
fn targets(server: &AuthServer, form: &Form) -> Result<Vec<String>, Refusal> {
    check_combination(server, form)?;
    let named = form.parameters.iter().filter(|parameter| !parameter.value.is_empty());
    let mut targets: Vec<String> = Vec::new();
    for parameter in named {
        let words: Vec<&str> = parameter.value.split(' ').collect();
        let list = parameter.name == "audience" && words.len() > 1 && words.iter().all(|word| is_known(word));
        if list && server.on(FaultId::AudienceSplitAtSpaces) {
            targets.extend(words.into_iter().map(str::to_owned));
            continue;
        }
        let target = match parameter.name.as_str() {
            "resource" => resource(server, &parameter.value)?,
            "audience" => logical(server, &parameter.value)?,
            _ => None,
        };
        if let Some(target) = target.filter(|target| !targets.contains(target)) {
            targets.push(target);
        }
    }
    Ok(targets)
}

fn is_known(target: &str) -> bool {
    RESOURCES.contains(&target) || LOGICAL_AUDIENCES.contains(&target)
}

fn check_combination(server: &AuthServer, form: &Form) -> Result<(), Refusal> {
    let (resources, audiences) = (form.all("resource").count(), form.all("audience").count());
    if (resources > 1 && server.on(FaultId::RepeatedResourceRefused))
        || (audiences > 1 && server.on(FaultId::RepeatedAudienceRefused))
    {
        return Err(Refusal::new(Why::RepeatedParameter, "a parameter is repeated"));
    }
    if resources > 0 && audiences > 0 && server.on(FaultId::AudienceWithResourceRefused) {
        return Err(Refusal::new(Why::BadParameter, "resource and audience exclude each other"));
    }
    match resources + audiences > MOST_TARGETS {
        true => Err(Refusal::new(Why::TooManyTargets, "too many targets")),
        false => Ok(()),
    }
}

/// A target by URI: absolute, without a fragment (even an empty one), and known as it is spelt.
fn resource(server: &AuthServer, uri: &str) -> Result<Option<String>, Refusal> {
    if !uri.is_ascii() && server.on(FaultId::Utf8AudienceCrashes) {
        return Err(Refusal::broken());
    }
    if Url::parse(uri).is_err() || !uri.bytes().all(is_uri_byte) {
        return match server.on(FaultId::RelativeResourceAccepted) {
            true => Ok(None),
            false => Err(Refusal::new(Why::ResourceMalformed, "resource is not an absolute URI")),
        };
    }
    if let Some((before, fragment)) = uri.split_once('#') {
        let fault = match fragment.is_empty() {
            true => FaultId::EmptyFragmentInResourceAccepted,
            false => FaultId::FragmentInResourceAccepted,
        };
        return match server.on(fault) {
            true => Ok(Some(before.to_owned())),
            false => Err(Refusal::new(Why::ResourceMalformed, "resource has a fragment")),
        };
    }
    if RESOURCES.contains(&uri) {
        return Ok(Some(uri.to_owned()));
    }
    unknown(server, uri, FaultId::UnknownResourceMinted)
}

/// RFC 3986 §2: what a URI is written with.
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// A target by the name under which the server knows it; not necessarily a URI.
fn logical(server: &AuthServer, name: &str) -> Result<Option<String>, Refusal> {
    if !name.is_ascii() && server.on(FaultId::Utf8AudienceCrashes) {
        return Err(Refusal::broken());
    }
    if name.len() > 2000 && server.on(FaultId::LongAudienceCrashes) {
        return Err(Refusal::broken());
    }
    if LOGICAL_AUDIENCES.contains(&name) && server.on(FaultId::AudienceMustBeUri) {
        return Err(Refusal::new(Why::ResourceMalformed, "audience is not a URI"));
    }
    if is_known(name) {
        return Ok(Some(name.to_owned()));
    }
    unknown(server, name, FaultId::UnknownAudienceMinted)
}

fn unknown(server: &AuthServer, target: &str, minted: FaultId) -> Result<Option<String>, Refusal> {
    let extends = RESOURCES.iter().any(|known| target.starts_with(known));
    if (extends && server.on(FaultId::TargetMatchedByPrefix)) || server.on(minted) {
        return Ok(Some(target.to_owned()));
    }
    match server.on(FaultId::UnknownTargetIgnored) {
        true => Ok(None),
        false => Err(UNKNOWN),
    }
}

/// An ID token is for the client that asked for it and for nobody else.
fn id_token_audience(
    server: &AuthServer,
    client: &Client,
    targets: &[String],
) -> Result<Vec<String>, Refusal> {
    if targets.iter().any(|target| target != client.id) {
        return Err(UNKNOWN);
    }
    let own = vec![client.id.to_owned()];
    Ok(if server.on(FaultId::IdTokenForOtherAudience) { vec![DEFAULT_AUDIENCE.to_owned()] } else { own })
}

/// Without a target the result goes where the subject token went. The audience of an ID token or of
/// a foreign token names who receives it, not where a result could be used.
fn default_audience(server: &AuthServer, subject: &Presented) -> Vec<String> {
    let aud = &subject.claims.aud;
    let own = subject.issuer == server.issuer;
    match own && subject.kind != Kind::Id && !aud.is_empty() {
        true => aud.clone(),
        false => vec![DEFAULT_AUDIENCE.to_owned()],
    }
}
