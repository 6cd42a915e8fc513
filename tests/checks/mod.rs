//! What must hold of everything that reads bytes which others wrote. Driven by `tests/properties.rs` (generated inputs and
//! the corpus, in every `cargo test`) and by the cargo-fuzz targets in `fuzz/`. Each check panics when its property is broken.

use std::{collections::BTreeSet, sync::OnceLock};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::Value;
use txspec::{
    document::{Diagnostics, Severity},
    scenario::{LoadError, Suite},
    spec::Catalogue,
    target::{TargetError, load_text},
    token::{Jwt, NotJwt, b64, unb64},
    wire::{Exchange, JsonFault, Redactor, Request, Response, StrictJson, Timing, Vault},
};

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::embedded().unwrap())
}

/// Every mistake has a place inside the file, and can be shown.
fn placed(diagnostics: &Diagnostics, text: &str) {
    // A byte order mark is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for d in &diagnostics.0 {
        let Some((shown, span)) = &d.place else {
            assert!(d.code == "file-too-large", "{}: {} has no place", d.code, d.message);
            continue;
        };
        assert_eq!(shown.as_ref(), text, "{}: another text", d.code);
        assert!(span.start <= span.end && span.end <= text.len(), "{}: {span:?} of {}", d.code, text.len());
        assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{}: {span:?}", d.code);
        let (line, column) = d.line_column().unwrap();
        assert!(line >= 1 && column >= 1 && line <= text.matches('\n').count() + 1, "{line}:{column}");
    }
    let rendered = diagnostics.render(false);
    assert!(diagnostics.0.is_empty() || rendered.contains("input.yaml"), "{rendered}");
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!rendered.contains(control), "control characters reach the terminal: {rendered:?}");
}

/// The scenario loader: a suite, or mistakes at their places; the same each time.
pub fn check_scenario_loader(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let load = || Suite::from_text("input.yaml", text, catalogue());
    match load() {
        Ok(suite) => {
            let ids: BTreeSet<&str> = suite.scenarios().iter().map(|s| s.id.as_str()).collect();
            assert_eq!(ids.len(), suite.scenarios().len(), "an id stands twice");
            let lines = text.matches('\n').count() + 1;
            assert!(suite.scenarios().iter().all(|s| s.origin.1 >= 1 && s.origin.1 <= lines));
            assert!(
                suite.scenarios().iter().all(|s| s.control.as_ref().is_none_or(|c| suite.get(c).is_some()))
            );
            assert!(suite.warnings.0.iter().all(|d| d.severity == Severity::Warning));
            placed(&suite.warnings, text);
        }
        Err(LoadError::Mistakes(mistakes)) => {
            assert!(mistakes.has_errors(), "refused without a mistake");
            placed(&mistakes, text);
            let Err(LoadError::Mistakes(again)) = load() else { panic!("another outcome the second time") };
            assert_eq!(mistakes.render(false), again.render(false));
        }
        Err(other) => panic!("{other}"),
    }
}

/// The target loader: a target, or mistakes at their places. `${SET…}` is set, other variables are not.
pub fn check_target_loader(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let variables = |name: &str| name.starts_with("SET").then(|| format!("value-of-{name}"));
    match load_text("input.yaml", text, &variables, catalogue()) {
        Ok(target) => {
            assert!(target.warnings.0.iter().all(|d| d.severity == Severity::Warning));
            placed(&target.warnings, text);
        }
        Err(TargetError::Mistakes(mistakes) | TargetError::Unread(mistakes)) => {
            assert!(mistakes.has_errors(), "refused without a mistake");
            placed(&mistakes, text);
        }
        Err(other) => panic!("{other}"),
    }
}

/// Fewer bytes than this hold fewer values than the oracle reads.
const FEW: usize = 20_000;

/// The JSON oracle agrees with serde_json on what is valid and what it says, but for the documented limits: a byte order
/// mark is noted and not fatal, and of many values no more than so many are read.
pub fn check_json_oracle(data: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(data);
    match (StrictJson::parse(data), theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.value, theirs);
            assert!(!ours.byte_order_mark);
            let written = serde_json::to_vec(&ours.value).unwrap();
            let again = StrictJson::parse(&written).unwrap();
            assert!(again.duplicates.is_empty());
            assert_eq!(again.value, serde_json::from_slice::<Value>(&written).unwrap());
        }
        (Ok(ours), Err(_)) => {
            assert!(ours.byte_order_mark, "accepted what serde_json refuses");
            assert_eq!(ours.value, serde_json::from_slice::<Value>(&data[3..]).unwrap());
        }
        (Err(fault), Ok(_)) => {
            assert!(matches!(fault, JsonFault::Syntax(_)) && data.len() >= FEW, "{fault}");
        }
        (Err(fault), Err(_)) => {
            if let JsonFault::NotUtf8(at) = fault {
                assert!(std::str::from_utf8(&data[..at]).is_ok() && at < data.len());
            }
            assert!(!fault.to_string().is_empty());
        }
    }
}

/// The JWT splitter: what it takes apart can be put together again, and what it refuses is refused for what it is.
pub fn check_jwt_splitter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parts: Vec<&str> = text.split('.').collect();
    match Jwt::decode(text) {
        Ok(jwt) => {
            assert_eq!(parts.len(), 3);
            let bytes = [parts[0], parts[1]].map(|p| unb64(p).unwrap());
            assert_eq!(format!("{}.{}.{}", b64(&bytes[0]), b64(&bytes[1]), parts[2]), text);
            let read = |bytes: &[u8]| StrictJson::parse(bytes).unwrap();
            assert_eq!(read(&bytes[0]).object(), Some(&jwt.header));
            assert_eq!(read(&bytes[1]).object(), Some(&jwt.claims));
            assert_eq!(jwt.claims_value(), read(&bytes[1]).value);
            assert_eq!(jwt.unsigned, parts[2].is_empty());
            assert!(jwt.header.contains_key("alg"));
            // What was read can be written and read again.
            let header = serde_json::to_vec(&jwt.header).unwrap();
            let claims = serde_json::to_vec(&jwt.claims).unwrap();
            let again = Jwt::decode(&format!("{}.{}.{}", b64(header), b64(claims), parts[2])).unwrap();
            assert_eq!((again.header, again.claims), (jwt.header, jwt.claims));
        }
        Err(NotJwt::Parts(n)) => assert!(n == parts.len() && n != 3),
        Err(NotJwt::Encrypted) => assert_eq!(parts.len(), 5),
        Err(NotJwt::Header | NotJwt::Payload) => assert_eq!(parts.len(), 3),
    }
}

/// A configured secret, and a token that came up during the run.
const SECRET: &str = "canary of a client secret: +/&%\"é 0123456789";
const ISSUED: &str = "canary-issued-token-9876543210-zyxwvu";

fn redactor() -> &'static Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    REDACTOR.get_or_init(|| {
        let vault = Vault::default();
        vault.remember("client secret", &SECRET.into());
        vault.remember_issued(&ISSUED.into());
        vault.redactor()
    })
}

/// The spellings in which a secret is planted.
fn spellings(secret: &str) -> Vec<String> {
    let every: String = secret.bytes().map(|b| format!("%{b:02X}")).collect();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let aligned = |lead: &str| STANDARD.encode(format!("{lead}{secret}"));
    let url_safe = |lead: &str| URL_SAFE_NO_PAD.encode(format!("{lead}{secret}"));
    let json = serde_json::to_string(secret).unwrap();
    vec![
        secret.to_owned(),
        every,
        form,
        aligned(""),
        aligned("a:"),
        aligned("b::"),
        url_safe(""),
        url_safe("a:"),
        url_safe("b::"),
        json.trim_matches('"').to_owned(),
    ]
}

/// Whether something of the secret can be read: raw, or after one decoding.
fn shows(text: &str, secret: &str) -> bool {
    spellings(secret).iter().any(|s| text.contains(s.as_str()))
}

/// The redactor: a secret that was planted between other text never survives, whatever the text; what was hidden once
/// stays hidden; nothing grows beyond bounds. The first byte chooses the spelling, the second the place.
pub fn check_redactor(data: &[u8]) {
    let redactor = redactor();
    let (choice, place, rest) = match data {
        [choice, place, rest @ ..] => (*choice, *place, rest),
        _ => return,
    };
    let text = String::from_utf8_lossy(rest);
    let mut at = usize::from(place) * text.len() / 255;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (before, after) = text.split_at(at.min(text.len()));
    for (secret, margin) in [(SECRET, ""), (ISSUED, "\"")] {
        let all = spellings(secret);
        let spelling = &all[usize::from(choice) % all.len()];
        let planted = format!("{before}{margin}{spelling}{margin}{after}");
        let shown = redactor.text(&planted);
        assert!(!shows(&shown, secret), "{spelling} survives in {shown:?}");
        assert!(shown.len() <= planted.len() * 8 + 256, "{} of {}", shown.len(), planted.len());
        // A label may leave something beside it that looks like credentials only now; no label is eaten.
        let again = redactor.text(&shown);
        let labels = |text: &str| text.matches("[client secret").count() + text.matches("[token").count();
        assert!(labels(&again) >= labels(&shown), "hiding once more turns {shown:?} into {again:?}");
        assert!(!shows(&again, secret), "{spelling} shows again in {again:?}");
        for limit in [0, 40, 400] {
            let brief = redactor.brief(&planted, limit);
            assert!(brief.len() <= limit + '…'.len_utf8() && !shows(&brief, secret), "{brief:?}");
        }
        let exchange = serde_json::to_string(&redactor.exchange(&exchange(&planted))).unwrap();
        assert!(!shows(&exchange, secret), "{spelling} survives in {exchange}");
    }
}

/// An exchange with the text in its header fields and bodies.
fn exchange(text: &str) -> Exchange {
    let mut request = Request::post("https://as.example/token?x=y".parse().unwrap());
    request.push_header("x-text", text);
    request.body = text.as_bytes().to_vec();
    let headers = request.headers.clone();
    let response = Response { status: 200, headers, body: text.as_bytes().to_vec(), truncated: false };
    Exchange {
        purpose: "exchange".into(),
        request,
        outcome: Ok(response),
        timing: Timing::default(),
        attempts: 1,
    }
}
