//! Whether the issued token is what `issued_token_type` says (RFC 8693 section 2.2.1 and section 3).

use serde_json::{Map, Value};

use super::{FailClass, Finding, RunFacts, StepFacts};
use crate::{
    target::token_type_short,
    token::{Jwt, NotJwt, unb64},
};

/// Judges label against content. The content is only called something else on evidence.
pub(super) fn judge(
    run: &RunFacts,
    step: &StepFacts<'_>,
    _i: usize,
    members: &Map<String, Value>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let (Some(label), Some(token)) = (
        members.get("issued_token_type").and_then(Value::as_str),
        members.get("access_token").and_then(Value::as_str),
    ) else {
        return found;
    };
    if token.is_empty() {
        return found;
    }
    let jwt = Jwt::decode(token);
    if let Ok(jwt) = &jwt {
        let alg = jwt.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let finding =
            Finding::pass("AT-2.1-signed", run.level("AT-2.1-signed"), "a signed JWT", format!("alg {alg}"));
        let unsigned = alg.eq_ignore_ascii_case("none") || jwt.unsigned;
        found.push(if unsigned { finding.failed(FailClass::Malformed) } else { finding });
    }
    let id = "TX-2.2.1-issued_token_type-truthful";
    let requested = step.form.get("requested_token_type").map(|s| s.expose().to_owned());
    let short = token_type_short(label);
    let typ = jwt
        .as_ref()
        .ok()
        .and_then(|j| j.header.get("typ"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_access_token = typ.trim_start_matches("application/") == "at+jwt";
    let verdict: Result<String, String> = match short {
        "jwt" => match &jwt {
            Ok(_) => Ok("a JWT".into()),
            Err(NotJwt::Encrypted) => Ok("an encrypted JWT".into()),
            Err(why) => Err(format!("no JWT: {why}")),
        },
        "id_token" => id_token(&jwt, is_access_token),
        "refresh_token" if is_access_token => Err("an access token: its `typ` is at+jwt".into()),
        "refresh_token" if members.get("refresh_token").is_some_and(Value::is_string) => {
            Err("another refresh token stands in the refresh_token member, so that access_token holds something else".into())
        }
        "refresh_token" => Ok("a token that may be a refresh token".into()),
        "saml1" | "saml2" => match unb64(token.trim_end_matches('=')) {
            Some(bytes) if bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<') => Ok("an XML document in base64url".into()),
            _ => Err("no XML document in base64url".into()),
        },
        _ => unknown_label(run, label, requested.as_deref()),
    };
    let expected = format!("what the label {short} says");
    found.push(match verdict {
        Ok(observed) => Finding::pass(id, run.level(id), expected, observed),
        Err(observed) => Finding::pass(id, run.level(id), expected, observed).failed(FailClass::WrongForm),
    });
    found
}

/// Claims that every ID token has (OpenID Connect Core section 2).
const ID_TOKEN_CLAIMS: [&str; 5] = ["iss", "sub", "aud", "exp", "iat"];

fn id_token(jwt: &Result<Jwt, NotJwt>, is_access_token: bool) -> Result<String, String> {
    match jwt {
        Err(NotJwt::Encrypted) => Ok("an encrypted JWT".into()),
        Err(why) => Err(format!("no JWT: {why}")),
        Ok(_) if is_access_token => Err("an access token: its `typ` is at+jwt".into()),
        Ok(jwt) => {
            let missing: Vec<&str> =
                ID_TOKEN_CLAIMS.into_iter().filter(|c| !jwt.claims.contains_key(*c)).collect();
            if missing.is_empty() {
                Ok("a JWT with the claims of an ID token".into())
            } else {
                Err(format!("a JWT without {}", missing.join(", ")))
            }
        }
    }
}

/// An identifier that no registry knows is legitimate (RFC 8693 section 3), unless it merely repeats the nonsense that
/// was asked for.
fn unknown_label(run: &RunFacts, label: &str, requested: Option<&str>) -> Result<String, String> {
    let known = run.catalogue.registry().token_type_uris.iter().any(|t| t.uri == label);
    if !known && requested == Some(label) && label.starts_with("urn:example:") {
        return Err("the unknown type that was requested, repeated as label".into());
    }
    Ok("nothing that contradicts the label".into())
}
