//! The tokens of an exchange, decoded as far as they may be shown: header and claims of a JWT (RFC 7519), never the
//! signature. Every text in them passes the redactor; members that are secrets by definition and private members of a
//! key are hidden whatever they hold.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Decoded, Exchange, Redactor, ShownToken, StrictJson, is_sensitive};

/// Parameters and members that hold a token. (The other secrets are none: passwords, codes.)
const PLACES: [&str; 11] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "device_secret",
    "id_token",
    "id_token_hint",
    "logout_token",
    "refresh_token",
    "subject_token",
    "token",
];
/// Tokens shown of an exchange.
const MOST: usize = 8;
/// Most of one text in a token.
const TEXT: usize = 256;
/// Room for what is shown of one part of a token, in bytes of text.
const ROOM: usize = 4096;
/// Levels of objects and lists that are shown: a chain of actors nests one a hop.
const DEEPEST: usize = 24;
/// Longer text is no token that anybody would read.
const LONGEST: usize = 64 * 1024;

/// The tokens that were sent and received.
pub(super) fn shown_tokens(exchange: &Exchange, redactor: &Redactor) -> Vec<ShownToken> {
    let mut out = Vec::new();
    let request = &exchange.request;
    let token = |place: &str, issued: bool, token: &str| ShownToken {
        place: place.to_owned(),
        issued,
        decoded: decoded(token, redactor),
    };
    for (field, scheme) in [("authorization", true), ("dpop", false)] {
        let value = request.header(field).unwrap_or_default();
        // Basic credentials are no token.
        let value = match (scheme, value.split_once(' ')) {
            (true, Some((name, rest))) if !name.eq_ignore_ascii_case("basic") => rest.trim(),
            (true, _) => "",
            (false, _) => value,
        };
        if !value.is_empty() {
            out.push(token(field, false, value));
        }
    }
    if request.header("content-type").is_some_and(|t| t.contains("urlencoded")) {
        let form = url::form_urlencoded::parse(&request.body);
        let held = form.filter(|(name, value)| holds_token(name) && !value.is_empty());
        out.extend(held.take(MOST).map(|(name, value)| token(&name, false, &value)));
    }
    if let Some(Value::Object(members)) =
        exchange.response().and_then(|r| StrictJson::parse(&r.body).ok()).map(|json| json.value)
    {
        let held = members.iter().filter(|(name, _)| holds_token(name));
        out.extend(held.filter_map(|(name, value)| {
            value.as_str().filter(|text| !text.is_empty()).map(|text| token(name, true, text))
        }));
    }
    out.truncate(MOST);
    out
}

fn holds_token(name: &str) -> bool {
    PLACES.contains(&name)
}

fn decoded(token: &str, redactor: &Redactor) -> Decoded {
    if token.len() > LONGEST {
        return Decoded::Opaque(format!("not decoded: {} characters", token.len()));
    }
    let parts: Vec<&str> = token.split('.').collect();
    match parts.as_slice() {
        [header, payload, _] => match (object(header), object(payload)) {
            (Some(header), Some(claims)) => {
                Decoded::Jwt { header: text(&header, redactor), claims: text(&claims, redactor) }
            }
            _ => Decoded::Opaque("opaque: three parts, and not both of the first are JSON objects".into()),
        },
        [header, _, _, _, _] if object(header).is_some_and(|h| h.contains_key("enc")) => {
            Decoded::Opaque("an encrypted JWT: its claims cannot be read without the key".into())
        }
        _ => Decoded::Opaque(format!("opaque: no JWT, {} characters", token.len())),
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    match StrictJson::parse(&bytes).ok()?.value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn text(part: &Map<String, Value>, redactor: &Redactor) -> String {
    let mut veil = Veil { redactor, room: ROOM };
    veil.object(part, 0).to_string()
}

struct Veil<'a> {
    redactor: &'a Redactor,
    room: usize,
}

impl Veil<'_> {
    fn object(&mut self, members: &Map<String, Value>, depth: usize) -> Value {
        // Private and symmetric members of a JWK (RFC 7518 section 6).
        let key = members.contains_key("kty");
        let private = |name: &str| key && ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].contains(&name);
        let mut out = Map::new();
        for (name, value) in members {
            if self.room == 0 {
                out.insert("…".to_owned(), Value::from("more is left out"));
                break;
            }
            let shown = if (is_sensitive(name) || private(name)) && !value.is_null() {
                Value::from(format!("[{name}]"))
            } else {
                self.value(value, depth + 1)
            };
            out.insert(self.words(name), shown);
        }
        Value::Object(out)
    }

    fn value(&mut self, value: &Value, depth: usize) -> Value {
        if depth > DEEPEST || self.room == 0 {
            return Value::from("…");
        }
        match value {
            Value::String(text) => Value::from(self.words(text)),
            Value::Object(members) => self.object(members, depth),
            Value::Array(items) => {
                let mut out = Vec::new();
                for item in items {
                    out.push(self.value(item, depth + 1));
                    if self.room == 0 {
                        break;
                    }
                }
                Value::Array(out)
            }
            Value::Number(number) => {
                self.room = self.room.saturating_sub(8);
                // A secret may be all digits.
                let text = number.to_string();
                let shown = self.redactor.text(&text);
                if shown == text { value.clone() } else { Value::from(shown) }
            }
            Value::Null | Value::Bool(_) => {
                self.room = self.room.saturating_sub(4);
                value.clone()
            }
        }
    }

    fn words(&mut self, text: &str) -> String {
        let shown = self.redactor.brief(text, TEXT.min(self.room.max(8)));
        self.room = self.room.saturating_sub(shown.len().max(1));
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Request, Response, Secret, Timing, Vault};

    fn b64(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn jwt(claims: &str) -> String {
        format!("{}.{}.c2lnbmF0dXJlLW9mLXRoZS1zZXJ2ZXI", b64(r#"{"alg":"ES256","kid":"1"}"#), b64(claims))
    }

    /// What is shown of an exchange of this form for this body.
    fn tokens(form: &[(&str, &str)], body: &str, vault: &Vault) -> Vec<ShownToken> {
        let mut request = Request::post("https://as.example/token".parse().unwrap());
        request.push_header("content-type", "application/x-www-form-urlencoded");
        request.body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes();
        let response =
            Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec(), truncated: false };
        let exchange = Exchange {
            purpose: "exchange".into(),
            request,
            outcome: Ok(response),
            timing: Timing::default(),
            attempts: 1,
        };
        shown_tokens(&exchange, &vault.redactor())
    }

    #[test]
    fn header_and_claims_are_shown_without_the_signature_and_what_is_opaque_says_so() {
        let subject = jwt(r#"{"sub":"alice","act":{"sub":"svc"},"n":1}"#);
        let body = format!(r#"{{"access_token":"{}","refresh_token":"r1"}}"#, jwt(r#"{"sub":"bob"}"#));
        let form =
            [("subject_token", subject.as_str()), ("client_secret", "s3cret"), ("actor_token", "a.b.c")];
        let shown = tokens(&form, &body, &Vault::default());
        let places: Vec<(&str, bool)> = shown.iter().map(|t| (t.place.as_str(), t.issued)).collect();
        assert_eq!(
            places,
            [
                ("subject_token", false),
                ("actor_token", false),
                ("access_token", true),
                ("refresh_token", true)
            ]
        );
        assert_eq!(shown[0].decoded.claims().unwrap()["act"]["sub"], "svc");
        assert!(matches!(&shown[1].decoded, Decoded::Opaque(why) if why.starts_with("opaque")));
        assert_eq!(shown[2].decoded.claims().unwrap()["sub"], "bob");
        let json = serde_json::to_string(&shown).unwrap();
        assert!(
            json.contains("ES256") && !json.contains("c2lnbmF0dXJl") && !json.contains("s3cret"),
            "{json}"
        );
    }

    #[test]
    fn secrets_and_tokens_within_a_token_stay_hidden() {
        let vault = Vault::default();
        vault.remember("client secret", &Secret::new("canary-secret-1"));
        vault.remember("pin", &Secret::new("8273645"));
        let inner = jwt(r#"{"sub":"inner"}"#);
        let claims = serde_json::json!({
            "sub": "alice",
            "echo": "it was canary-secret-1",
            "canary-secret-1": true,
            "pin": 8_273_645,
            "access_token": "never-seen-before",
            "refresh_token": ["never-seen-before"],
            "list": [{ "nested": inner, "password": 123 }],
            "cnf": { "jwk": { "kty": "EC", "crv": "P-256", "x": "AQ", "d": "never-seen-before" } },
        });
        let shown = tokens(&[("subject_token", &jwt(&claims.to_string()))], "", &vault);
        let text = serde_json::to_string(&shown).unwrap();
        for hidden in ["canary", "8273645", "never-seen-before", &inner, "123"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        let claims = shown[0].decoded.claims().unwrap();
        assert_eq!((&claims["sub"], &claims["cnf"]["jwk"]["x"]), (&Value::from("alice"), &Value::from("AQ")));
    }

    #[test]
    fn what_a_server_puts_into_a_token_is_bounded() {
        let many: String = (0..3000).map(|i| format!("\"claim-{i}\":[\"{}\"],", "x".repeat(300))).collect();
        let deep = format!("{}1{}", "{\"act\":".repeat(100), "}".repeat(100));
        for claims in [format!("{{{many}\"z\":1}}"), deep, format!("[{}1]", "[],".repeat(5000))] {
            let shown = tokens(&[], &format!(r#"{{"access_token":"{}"}}"#, jwt(&claims)), &Vault::default());
            assert!(serde_json::to_string(&shown).unwrap().len() < 3 * ROOM);
        }
        let all: Vec<(&str, &str)> = vec![("subject_token", "x"); 50];
        assert_eq!(tokens(&all, "", &Vault::default()).len(), MOST);
    }
}
