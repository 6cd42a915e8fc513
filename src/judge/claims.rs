//! Looking up claims and values that checks refer to, and comparing them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{RunFacts, StepFacts, StepKind};
use crate::{
    scenario::{JsonType, OnlyIf, Relation, Source, UrlForm},
    wire::printable,
};

/// A value that cannot be had; why.
pub(super) struct Unseen(pub String);

/// The claims of the token that the i-th response issued.
pub(super) fn issued_claims(step: &StepFacts<'_>, i: usize, source: Source) -> Result<Value, Unseen> {
    const UNASKED: &str = "the token was not introspected: that takes the capability `introspection`, its \
                           endpoint and a client `observer`";
    const INACTIVE: &str = "introspection says that the token is not active, perhaps only to this caller";
    if matches!(step.kind, StepKind::Introspect | StepKind::Userinfo) {
        let said = step.json(i).map(|j| j.value).ok_or_else(|| Unseen("the response is no JSON".into()))?;
        // RFC 7662 section 2.2: whoever is not told of a token is not told of its claims either.
        let silent = step.kind == StepKind::Introspect && said.get("active") == Some(&Value::Bool(false));
        return if silent { Err(Unseen(INACTIVE.into())) } else { Ok(said) };
    }
    let issued = step.issued(i).ok_or_else(|| Unseen("no token was issued".into()))?;
    let view = issued.view.as_ref().ok_or_else(|| Unseen("no token was issued".into()))?;
    let jwt = view.jwt.as_ref().map(crate::token::Jwt::claims_value);
    let introspected = || match &issued.introspection {
        Some(Ok(value)) if value.get("active") == Some(&Value::Bool(true)) => Ok(value.clone()),
        Some(Ok(_)) => Err(Unseen(INACTIVE.into())),
        Some(Err(why)) => Err(Unseen(format!("introspection failed: {why}"))),
        None => Err(Unseen(UNASKED.into())),
    };
    match source {
        Source::Jwt => jwt.ok_or_else(|| Unseen("the issued token is no readable JWT".into())),
        Source::Introspection => introspected(),
        Source::Any => match jwt {
            Some(claims) => Ok(claims),
            None => introspected().map_err(|e| Unseen(format!("the issued token is opaque, and {}", e.0))),
        },
    }
}

/// A value that `same_as` names.
pub(super) fn reference(run: &RunFacts, step: &StepFacts<'_>, i: usize, name: &str) -> Result<Value, Unseen> {
    let unseen = |why: String| Unseen(why);
    match name {
        "client_id" => return Ok(Value::from(step.client_id.as_str())),
        "issuer" => {
            return run
                .issuer
                .as_deref()
                .map(Value::from)
                .ok_or_else(|| unseen("the target file names no issuer".into()));
        }
        "token_endpoint" => return Ok(Value::from(run.token_endpoint.as_str())),
        _ => {}
    }
    let (head, pointer) = match name.split_once(":/") {
        Some((head, rest)) => (head, format!("/{rest}")),
        None => (name, "/sub".to_owned()),
    };
    if let Some(role) = name.strip_prefix("client:") {
        return run
            .clients
            .get(role)
            .map(|id| Value::from(id.as_str()))
            .ok_or_else(|| unseen(format!("the target has no client `{role}`")));
    }
    let document = match head {
        "response" => {
            step.json(i).map(|j| j.value).ok_or_else(|| unseen("the response is no JSON".into()))?
        }
        "jwt" => issued_claims(step, i, Source::Jwt)?,
        "introspection" => issued_claims(step, i, Source::Introspection)?,
        "issued" => issued_claims(step, i, Source::Any)?,
        token => {
            let view =
                step.tokens.get(token).ok_or_else(|| unseen(format!("there is no token `{token}`")))?;
            view.claims
                .clone()
                .ok_or_else(|| unseen(format!("the claims of the {token} token cannot be seen")))?
        }
    };
    document.pointer(&pointer).cloned().ok_or_else(|| unseen(format!("{head} has nothing at {pointer}")))
}

/// Whether a value is as a relation wants it: `Ok(None)` if so, `Ok(Some(expected))` if not.
pub(super) fn compare(
    run: &RunFacts,
    step: &StepFacts<'_>,
    i: usize,
    value: &Value,
    relation: &Relation<'_>,
) -> Result<Comparison, Unseen> {
    let word = |v: &Value| shown(v);
    if let Some(name) = relation.same_as {
        let wanted = reference(run, step, i, name)?;
        return Ok(Comparison {
            ok: same(value, &wanted),
            expected: format!("the same as {name} ({})", word(&wanted)),
        });
    }
    if let Some(name) = relation.not_same_as {
        let other = reference(run, step, i, name)?;
        return Ok(Comparison {
            ok: !same(value, &other),
            expected: format!("not {name} ({})", word(&other)),
        });
    }
    if let Some(name) = relation.agrees_with {
        let other = reference(run, step, i, name)?;
        let ok = agree(value, &other)
            .ok_or_else(|| Unseen(format!("it has no member in common with {name} ({})", word(&other))))?;
        return Ok(Comparison { ok, expected: format!("nothing else than {name} says ({})", word(&other)) });
    }
    if let Some(wanted) = relation.equals {
        return Ok(Comparison { ok: same(value, wanted), expected: word(wanted) });
    }
    if let Some(options) = relation.one_of {
        let words: Vec<String> = options.iter().map(word).collect();
        return Ok(Comparison {
            ok: options.iter().any(|o| same(value, o)),
            expected: format!("one of {}", words.join(", ")),
        });
    }
    if let Some(kind) = relation.json_type {
        return Ok(Comparison { ok: is_type(value, kind), expected: type_words(kind).to_owned() });
    }
    if let Some(part) = relation.contains {
        return Ok(Comparison {
            ok: contains(value, part),
            expected: format!("something that contains {part}"),
        });
    }
    if let Some(part) = relation.excludes {
        return Ok(Comparison {
            ok: !contains(value, part),
            expected: format!("nothing that contains {part}"),
        });
    }
    if let Some(names) = relation.same_as_one_of {
        let mut known: Vec<Value> = Vec::new();
        for value in names.iter().filter_map(|n| reference(run, step, i, n).ok()) {
            if !known.contains(&value) {
                known.push(value);
            }
        }
        if known.is_empty() {
            return Err(Unseen(format!("none of {} is known", names.join(", "))));
        }
        let words: Vec<String> = known.iter().map(word).collect();
        return Ok(Comparison {
            ok: known.iter().any(|k| same(value, k)),
            expected: format!("one of {}", words.join(", ")),
        });
    }
    if let Some(name) = relation.at_most {
        let limit = reference(run, step, i, name)?;
        let ok = matches!((value.as_f64(), limit.as_f64()), (Some(v), Some(l)) if v <= l);
        return Ok(Comparison { ok, expected: format!("at most {name} ({})", word(&limit)) });
    }
    if let Some(length) = relation.min_length {
        let ok = value.as_str().is_some_and(|s| s.chars().count() >= length);
        return Ok(Comparison { ok, expected: format!("a string of at least {length} characters") });
    }
    if let Some(form) = relation.url {
        return Ok(url_form(value, form));
    }
    Ok(Comparison {
        ok: relation.present != Some(false),
        expected: if relation.present == Some(false) { "nothing".into() } else { "a value".into() },
    })
}

fn url_form(value: &Value, form: UrlForm) -> Comparison {
    let url = value.as_str().and_then(|s| url::Url::parse(s).ok());
    match form {
        UrlForm::Https => Comparison {
            ok: url.is_some_and(|u| {
                u.scheme() == "https" || (u.scheme() == "http" && crate::wire::is_loopback(&u))
            }),
            expected: "an https URL (http on a loopback address)".into(),
        },
        UrlForm::NoQuery => Comparison {
            ok: url.is_some_and(|u| u.query().is_none()),
            expected: "a URL without query".into(),
        },
        UrlForm::NoFragment => Comparison {
            ok: url.is_some_and(|u| u.fragment().is_none()),
            expected: "a URL without fragment".into(),
        },
    }
}

/// Everything at a pointer whose segments `*` stand for every element of an array.
pub(super) fn at_pointer<'v>(document: &'v Value, pointer: &str) -> Vec<Option<&'v Value>> {
    let Some((before, after)) = pointer.split_once("/*") else { return vec![document.pointer(pointer)] };
    match document.pointer(before) {
        Some(Value::Array(items)) => items.iter().flat_map(|item| at_pointer(item, after)).collect(),
        _ => vec![None],
    }
}

/// Whether the condition of a check holds.
pub(super) fn holds(document: &Value, only_if: &OnlyIf) -> bool {
    let there = at_pointer(document, &only_if.at)
        .into_iter()
        .flatten()
        .any(|v| only_if.contains.as_deref().is_none_or(|part| contains(v, part)));
    there != only_if.absent
}

/// The outcome of a comparison.
pub(super) struct Comparison {
    pub ok: bool,
    pub expected: String,
}

/// Equality of JSON values; a one-element array equals its element (`aud`, RFC 7519 section 4.1.3).
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(items), Value::String(_)) if items.len() == 1 => items.first() == Some(b),
        (Value::String(_), Value::Array(items)) if items.len() == 1 => items.first() == Some(a),
        // A NumericDate may have a fraction (RFC 7519 section 2), the times of RFC 7662 section 2.2 have none.
        (Value::Number(x), Value::Number(y)) if x.is_f64() || y.is_f64() => {
            x.as_f64().map(f64::trunc) == y.as_f64().map(f64::trunc)
        }
        _ => a == b,
    }
}

/// Null in a response is a serializer's way to say that there is none.
pub(super) fn said(value: &&Value) -> bool {
    !value.is_null()
}

/// Whether what both values say is the same; `None` if they are objects of which nothing that names a party can be
/// compared: an issuer alone, or who acted before, names nobody (RFC 8693 section 4.1). A server may show less of a claim
/// in one place than in the other (RFC 7662 section 2.2 leaves the members of an introspection response to it).
pub(super) fn agree(a: &Value, b: &Value) -> Option<bool> {
    let (Value::Object(left), Value::Object(right)) = (a, b) else { return Some(same(a, b)) };
    let mut named = false;
    for (name, value) in left.iter().filter(|(_, value)| said(value)) {
        let Some(other) = right.get(name).filter(said) else { continue };
        match agree(value, other) {
            Some(false) => return Some(false),
            Some(true) => named |= !matches!(name.as_str(), "iss" | "act"),
            None => {}
        }
    }
    named.then_some(true)
}

fn contains(value: &Value, part: &str) -> bool {
    match value {
        Value::String(s) => s == part || s.split([' ', ',']).any(|w| w == part),
        Value::Array(items) => items.iter().any(|v| v.as_str() == Some(part)),
        Value::Object(members) => members.contains_key(part),
        _ => false,
    }
}

fn is_type(value: &Value, kind: JsonType) -> bool {
    match kind {
        JsonType::String => value.is_string(),
        JsonType::Integer => value.is_i64() || value.is_u64(),
        JsonType::Number => value.is_number(),
        JsonType::Boolean => value.is_boolean(),
        JsonType::Object => value.is_object(),
        JsonType::NonEmptyObject => value.as_object().is_some_and(|o| !o.is_empty()),
        JsonType::Array => value.is_array(),
        JsonType::NonEmptyArray => value.as_array().is_some_and(|a| !a.is_empty()),
        JsonType::PositiveInteger => value.as_u64().is_some_and(|n| n > 0),
        JsonType::StringOrArray => {
            value.is_string() || value.as_array().is_some_and(|a| a.iter().all(Value::is_string))
        }
    }
}

fn type_words(kind: JsonType) -> &'static str {
    match kind {
        JsonType::String => "a string",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::Boolean => "true or false",
        JsonType::Object => "an object",
        JsonType::NonEmptyObject => "an object with at least one member",
        JsonType::Array => "an array",
        JsonType::NonEmptyArray => "an array with at least one element",
        JsonType::PositiveInteger => "a whole number above zero",
        JsonType::StringOrArray => "a string or an array of strings",
    }
}

/// A value as shown in findings: short, and without control characters.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(s) => format!("`{s}`"),
        other => other.to_string(),
    };
    printable(&text, 160)
}

/// `aud` as a set.
pub(super) fn audience_set(claims: &Value) -> Option<BTreeSet<String>> {
    match claims.get("aud")? {
        Value::String(s) => Some(BTreeSet::from([s.clone()])),
        Value::Array(items) => Some(items.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()),
        _ => None,
    }
}

/// `scope` as a set (RFC 8693 section 4.2); `scp`, as some vendors write it, is understood too.
pub(super) fn scope_set(claims: &Value) -> Option<BTreeSet<String>> {
    let words = |s: &str| s.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    match (claims.get("scope"), claims.get("scp")) {
        (Some(Value::String(s)), _) => Some(words(s)),
        (Some(Value::Array(items)), _) | (None, Some(Value::Array(items))) => {
            Some(items.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect())
        }
        (None, Some(Value::String(s))) => Some(words(s)),
        _ => None,
    }
}
