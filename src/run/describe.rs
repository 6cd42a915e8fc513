//! An edit in words: the one-line difference between a scenario and its control.

use crate::scenario::{Edit, OneOrMany, RepeatOrder, TokenEdit};

/// The difference in one line.
pub fn difference(edit: &Edit) -> String {
    let list = |names: &OneOrMany| names.iter().collect::<Vec<_>>().join(", ");
    if let Some(names) = &edit.drop {
        return format!("without {}", list(names));
    }
    if let Some(map) = &edit.set {
        return map.iter().map(|(k, v)| format!("{k} is `{}`", short(v))).collect::<Vec<_>>().join(", ");
    }
    if let Some(map) = &edit.add {
        let parts: Vec<String> = map
            .iter()
            .map(|(k, v)| format!("{k}={}", v.iter().map(short).collect::<Vec<_>>().join(" and ")))
            .collect();
        return format!("with {} besides", parts.join(", "));
    }
    if let Some(repeat) = &edit.repeat {
        let place = if repeat.order == RepeatOrder::Before { "before" } else { "after" };
        return format!(
            "a second {} with `{}` {place} the right one",
            repeat.parameter,
            short(&repeat.value)
        );
    }
    if let Some(name) = &edit.duplicate {
        return format!("{name} twice, both the same");
    }
    if let Some(names) = &edit.empty {
        return format!("{} empty", list(names));
    }
    if let Some(names) = &edit.bare {
        return format!("{} without `=`", list(names));
    }
    if let Some(rename) = &edit.rename {
        return format!("{} is called {}", rename.parameter, rename.to);
    }
    if let Some(token) = &edit.subject {
        return token_difference("subject token", token);
    }
    if let Some(token) = &edit.actor {
        return token_difference("actor token", token);
    }
    if let Some(client) = &edit.client {
        return format!("sent by the client `{client}`");
    }
    if let Some(auth) = edit.client_auth {
        let word = serde_json::to_value(auth)
            .ok()
            .and_then(|v| v.as_str().map(|s| s.replace('-', " ")))
            .unwrap_or_default();
        return format!("client authentication: {word}");
    }
    if let Some(request) = &edit.request {
        if let Some(method) = &request.method {
            return format!("sent with {method}");
        }
        if let Some(body) = request.body {
            let word = serde_json::to_value(body)
                .ok()
                .and_then(|v| v.as_str().map(|s| s.replace('-', " ")))
                .unwrap_or_default();
            return format!("parameters as {word}");
        }
        if let Some(kind) = &request.content_type {
            return format!("Content-Type is {kind}");
        }
        let names: Vec<&str> = request.header.iter().flatten().map(|(k, _)| k.as_str()).collect();
        return format!("header field {} besides", names.join(", "));
    }
    if let Some(dpop) = &edit.dpop {
        return match dpop.wrong {
            Some(wrong) => {
                let word = serde_json::to_value(wrong)
                    .ok()
                    .and_then(|v| v.as_str().map(|s| s.replace('-', " ")))
                    .unwrap_or_default();
                format!("a DPoP proof with a fault: {word}")
            }
            None => format!("with a DPoP proof of the key `{}`", dpop.key),
        };
    }
    if edit.without_dpop.is_some() {
        return "without a DPoP proof".into();
    }
    "no difference".into()
}

fn token_difference(what: &str, edit: &TokenEdit) -> String {
    if let Some(role) = &edit.role {
        let kept = if edit.keep_type { ", under the type of the control's" } else { "" };
        return format!("{what} is the `{role}` token{kept}");
    }
    if let Some(tamper) = edit.tamper {
        return format!("{what} damaged: {}", tamper.does().trim_end_matches('.').to_lowercase());
    }
    if let Some(text) = &edit.literal {
        return format!("{what} is `{}`", short(text));
    }
    if let Some(length) = edit.length {
        return format!("{what} of {length} characters");
    }
    if let Some(mint) = &edit.mint {
        let mut parts = Vec::new();
        parts.extend(mint.header.iter().map(|(k, v)| format!("header {k} {v}")));
        parts.extend(mint.claims.iter().map(|(k, v)| format!("{k} {v}")));
        parts.extend(mint.without.iter().map(|k| format!("no {k}")));
        parts.extend(mint.repeated.iter().map(|(k, v)| format!("a second {k} {v}")));
        parts.extend(mint.key.map(|_| "an untrusted key".to_owned()));
        parts.extend(mint.act_depth.map(|d| format!("act {d} levels deep")));
        parts.extend(mint.utf16.then(|| "payload in UTF-16".to_owned()));
        return format!("{what} minted with {}", short(&parts.join(", ")));
    }
    format!("another {what}")
}

fn short(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(80)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    if text.chars().count() > 80 {
        out.push('…');
    }
    out
}
