//! What of the ambiguity register is a matter of the plan and of the requests, not of the verdicts (those are in
//! `tests/golden.rs`): what is not declared does not apply (A15), a clearly foreign audience (A16), distance from the clock
//! (A17), single-use tokens (A18), one fault in each request (A21).

use std::sync::Arc;

use serde_json::Value;
use txspec::{
    run::{Applicability, Context, applicability},
    scenario::{Scenario, Suite},
    spec::Catalogue,
    target::load_text,
};

const TARGET: &str = "
name: golden
issuer: https://as.example.com
metadata: none
endpoints: { token: https://as.example.com/token, introspection: https://as.example.com/introspect }
clients:
  exchanger: { id: app, secret: '${SET}' }
  service: { id: service-a, secret: '${SET}' }
  observer: { id: rs, secret: '${SET}' }
tokens:
  user: { from: { password: { client: exchanger, username: alice, password: '${SET}' } } }
  single_use: { single_use: true, from: { password: { client: exchanger, username: alice, password: '${SET}' } } }
  service: { from: { client_credentials: { client: service } } }
audiences: { allowed: https://a.example.com, second: https://b.example.com }
scopes: { subject: [read, write], narrow: [read] }
";

fn suite() -> (Arc<Catalogue>, Arc<Suite>) {
    let catalogue = Catalogue::embedded().unwrap();
    let suite = Suite::embedded(&catalogue).unwrap();
    (Arc::new(catalogue), Arc::new(suite))
}

/// A run against a target that differs from the one above by these lines. Nothing is sent.
async fn context(catalogue: &Arc<Catalogue>, suite: &Arc<Suite>, more: &str) -> Context {
    context_of(catalogue, suite, &format!("{TARGET}{more}")).await
}

async fn context_of(catalogue: &Arc<Catalogue>, suite: &Arc<Suite>, text: &str) -> Context {
    let target = load_text("t.yaml", text, &|_| Some("a-secret".into()), catalogue).unwrap();
    Context::prepare(Arc::clone(suite), Arc::new(target), Arc::clone(catalogue)).await.unwrap()
}

fn lacks(context: &Context, id: &str) -> Option<String> {
    match applicability(context.suite.get(id).unwrap(), context) {
        Applicability::Applies => None,
        Applicability::Lacks(what) | Applicability::Excluded(what) => Some(what),
    }
}

#[tokio::test]
async fn what_is_not_declared_does_not_apply() {
    let (catalogue, suite) = suite();
    let bare = context(&catalogue, &suite, "").await;
    for (id, capability) in [
        ("delegation", "delegation"),
        ("audience-known", "audience"),
        ("scope-subset", "scope"),
        ("exchanged-introspected", "introspection"),
    ] {
        let what = lacks(&bare, id).unwrap_or_else(|| panic!("{id} applies"));
        assert_eq!(what, format!("the capability `{capability}` is not declared"), "{id}");
    }
    assert_eq!(lacks(&bare, "impersonation"), None);
    assert_eq!(lacks(&bare, "requested-jwt-not-offered"), None);
    let more = "capabilities: [delegation, audience, scope, introspection, issues_jwt]\n";
    let rich = context(&catalogue, &suite, more).await;
    for id in ["delegation", "audience-known", "scope-subset", "exchanged-introspected"] {
        assert_eq!(lacks(&rich, id), None, "{id}");
    }
    let what = lacks(&rich, "requested-jwt-not-offered").unwrap();
    assert!(what.contains("issues_jwt") && what.contains("is declared"), "{what}");
}

#[tokio::test]
async fn a_token_for_single_use_is_not_asked_for_a_second_use() {
    let (catalogue, suite) = suite();
    let ordinary = context(&catalogue, &suite, "").await;
    let single = context(&catalogue, &suite, "policy: { subject_token_single_use: true }\n").await;
    for id in [
        "subject-token-again",
        "subject-twice",
        "parallel-exchanges",
        "subject-parallel",
        "refused-exchange-leaves-subject",
    ] {
        assert_eq!(lacks(&ordinary, id), None, "{id}");
        let what = lacks(&single, id).unwrap_or_else(|| panic!("{id} applies"));
        assert!(what.contains("tokens.user is for single use"), "{what}");
    }
    for id in ["impersonation", "single-use-subject", "single-use-subject-again"] {
        assert_eq!(lacks(&single, id), None, "{id}");
    }
}

/// Found with a server whose every exchange is about ID tokens of another issuer: presenting one as an ID token is no mistake.
#[tokio::test]
async fn a_token_is_not_mistaken_for_what_it_is() {
    let (catalogue, suite) = suite();
    let source = "from: { password: { client: exchanger, username: alice, password: '${SET}' } }";
    let declared = "capabilities: [id_token_subject]\n";
    let mut target =
        TARGET.replace("tokens:\n", &format!("tokens:\n  id_token: {{ type: id_token, {source} }}\n"));
    let confused = ["id-token-as-access-token", "access-token-as-id-token"];
    let ordinary = context_of(&catalogue, &suite, &format!("{target}{declared}")).await;
    for id in confused {
        assert_eq!(lacks(&ordinary, id), None, "{id}");
    }
    assert_eq!(lacks(&context_of(&catalogue, &suite, &target).await, "access-token-said-id-token"), None);

    target = target.replace("user: { from", "user: { type: id_token, from");
    let federated = context_of(&catalogue, &suite, &format!("{target}{declared}")).await;
    for id in confused {
        let what = lacks(&federated, id).unwrap_or_else(|| panic!("{id} applies"));
        assert!(what.contains("of the type that they would be mistaken for"), "{what}");
    }
    assert_eq!(lacks(&federated, "access-token-said-refresh-token"), None);
    let undeclared = context_of(&catalogue, &suite, &target).await;
    assert!(
        lacks(&undeclared, "access-token-said-id-token").is_some_and(|what| what.contains("tokens.user"))
    );
}

/// Scenarios that must be refused, each with the edit that makes them so.
fn refused(suite: &Suite) -> impl Iterator<Item = (&Scenario, Value)> {
    let only = |s: &&Scenario| s.expect.refusal.is_some() && s.expect.success.is_none();
    suite
        .scenarios()
        .iter()
        .filter(only)
        .filter_map(|s| Some((s, serde_json::to_value(s.edits.last()?).unwrap())))
}

#[test]
fn each_refused_request_has_one_fault() {
    let (_, suite) = suite();
    let mut seen = 0;
    for (scenario, edit) in refused(&suite) {
        let control = suite.get(scenario.control.as_deref().unwrap()).unwrap();
        assert_eq!(scenario.edits.len(), control.edits.len() + 1, "{}", scenario.id);
        assert_eq!(scenario.edits[..control.edits.len()], control.edits[..], "{}", scenario.id);
        assert_eq!(edit.as_object().map(serde_json::Map::len), Some(1), "{}: {edit}", scenario.id);
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_must_be_refused_for_its_time_lies_ten_minutes_off() {
    let (_, suite) = suite();
    let mut seen = 0;
    for (scenario, edit) in refused(&suite) {
        for part in ["subject", "actor"] {
            let claims = &edit[part]["mint"]["claims"];
            let (exp, nbf) = (claims["exp"].as_str(), claims["nbf"].as_str());
            let offset = |text: &str| text.strip_prefix("now").and_then(|n| n.parse::<i64>().ok());
            for (name, offset) in [("exp", exp.and_then(offset)), ("nbf", nbf.and_then(offset))] {
                let Some(offset) = offset else { continue };
                assert!(offset.abs() >= 600, "{}: {name} is now{offset:+}", scenario.id);
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn what_must_be_refused_for_its_audience_is_clearly_foreign() {
    let (_, suite) = suite();
    let mut seen = 0;
    for (scenario, edit) in refused(&suite) {
        for part in ["subject", "actor"] {
            let Some(audience) = edit[part]["mint"]["claims"].get("aud") else { continue };
            let foreign = |text: &String| {
                text.is_empty() || text.contains(".invalid") || text.starts_with("urn:uuid:{{uuid}}")
            };
            let names = texts(audience);
            assert!(
                !audience.is_string() && names.is_empty() || names.iter().all(foreign),
                "{}: {audience}",
                scenario.id
            );
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}
