//! The `act` claim of the result (RFC 8693 §4.1): who acts now, and who acted before.

use serde_json::{Map, Value, json};

use super::super::AuthServer;
use super::super::clients::Client;
use super::super::clock::now;
use super::super::fault::FaultId;
use super::super::form::Form;
use super::super::refusal::{Refusal, Why};
use super::presented::Presented;

/// More actors than this in one chain are refused rather than cut off.
const DEEPEST: usize = 8;

/// The `act` of a token for `subject`, used by `actor` from now on. Without an actor the history of
/// the subject stays as it is: dropping it would turn delegation into impersonation.
pub(super) fn act(
    server: &AuthServer,
    form: &Form,
    client: &Client,
    subject: &Presented,
    actor: Option<&Presented>,
) -> Result<Option<Value>, Refusal> {
    let history = history(server, subject)?;
    if let Some(injected) = injected(server, form) {
        return Ok(Some(injected));
    }
    let chain = match actor {
        Some(actor) => delegated(server, client, actor, history),
        None => undelegated(server, client, history),
    };
    match chain {
        Some(chain) if depth(&chain) > 3 && server.on(FaultId::ActChainTruncated) => {
            Ok(Some(truncated(chain, 3)))
        }
        Some(chain) if depth(&chain) == DEEPEST && server.on(FaultId::DeepActChainCrashes) => {
            Err(Refusal::broken())
        }
        Some(chain) if depth(&chain) > DEEPEST => {
            Err(Refusal::new(Why::ActTooDeep, "the chain of actors is too long"))
        }
        chain => Ok(chain),
    }
}

/// The actors so far, as the subject token names them.
fn history(server: &AuthServer, subject: &Presented) -> Result<Option<Value>, Refusal> {
    let Some(act) = subject.claims.act.clone() else {
        return Ok(None);
    };
    if !well_formed(&act) {
        return match server.on(FaultId::MalformedActAccepted) {
            true => Ok(Some(act)),
            false => Err(Refusal::new(Why::ActMalformed, "the act claim of the subject_token is malformed")),
        };
    }
    let identity_only = only_identity(act.clone());
    let kept = |fault| identity_only != act && server.on(fault);
    match kept(FaultId::KeepsForeignClaimsInAct) || kept(FaultId::ActWithExp) {
        true => Ok(Some(act)),
        false => Ok(Some(identity_only)),
    }
}

fn delegated(
    server: &AuthServer,
    client: &Client,
    actor: &Presented,
    history: Option<Value>,
) -> Option<Value> {
    let sub = actor.claims.sub.as_str();
    if sub.is_empty() {
        // Only a fault lets an actor come so far whom nobody named.
        return Some(json!({}));
    }
    if server.on(FaultId::CollapsesDelegation) {
        return None;
    }
    if server.on(FaultId::ActIsString) {
        return Some(sub.into());
    }
    if server.on(FaultId::ActIsEmptyObject) {
        return Some(json!({}));
    }
    let mut current = Map::new();
    current.insert("iss".to_owned(), actor.issuer.as_str().into());
    if !server.on(FaultId::ActWithoutSub) {
        let named = if sub != client.id && server.on(FaultId::ActNamesClient) { client.id } else { sub };
        current.insert("sub".to_owned(), named.into());
    }
    if server.on(FaultId::ActWithExp) {
        current.insert("exp".to_owned(), (now() + 60).into());
        current.insert("aud".to_owned(), server.issuer.as_str().into());
    }
    if let Some(members) = &server.vendor.act_members {
        current.retain(|name, _| members.contains(name));
    }
    let of_actor = actor.claims.act.clone().filter(|_| server.on(FaultId::NestsChainOfActor));
    let history = of_actor.or(history);
    if server.on(FaultId::ActIsArray) {
        return Some(json!([current]));
    }
    let Some(history) = history else {
        return Some(Value::Object(current));
    };
    if server.on(FaultId::LosesActChain) {
        return Some(Value::Object(current));
    }
    if server.on(FaultId::ActChainAsArray) {
        return Some(json!([current, history]));
    }
    if server.on(FaultId::ReversesActChain) {
        return Some(innermost(history, Value::Object(current)));
    }
    current.insert("act".to_owned(), history);
    Some(Value::Object(current))
}

fn undelegated(server: &AuthServer, client: &Client, history: Option<Value>) -> Option<Value> {
    match history {
        Some(_) if server.on(FaultId::DropsActWithoutActor) => None,
        None if server.on(FaultId::ActFromClientWithoutActor) => Some(json!({ "sub": client.id })),
        history => history,
    }
}

/// No request parameter can name an actor; only a faulty server looks for one.
fn injected(server: &AuthServer, form: &Form) -> Option<Value> {
    let parsed = |name: &str| form.one(name).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let named = || {
        let name = form.one("actor").or(form.one("requested_actor"))?;
        Some(json!({ "sub": name }))
    };
    let act = parsed("act")
        .or_else(|| parsed("claims").and_then(|claims| claims.get("act").cloned()))
        .or_else(named)?;
    server.on(FaultId::ActFromRequestParameter).then_some(act)
}

/// An object with at least one member, whose `act`, if any, is one too.
fn well_formed(act: &Value) -> bool {
    let Some(members) = act.as_object() else {
        return false;
    };
    let texts = ["sub", "iss", "client_id"];
    members.keys().any(|name| name != "act")
        && texts.iter().all(|name| members.get(*name).is_none_or(Value::is_string))
        && members.get("act").is_none_or(well_formed)
}

/// `exp`, `nbf` and `aud` have no meaning inside `act` (RFC 8693 §4.1) and do not travel on.
fn only_identity(act: Value) -> Value {
    let Value::Object(mut members) = act else {
        return act;
    };
    members.retain(|name, _| !matches!(name.as_str(), "exp" | "nbf" | "aud"));
    if let Some(earlier) = members.remove("act") {
        members.insert("act".to_owned(), only_identity(earlier));
    }
    Value::Object(members)
}

fn depth(act: &Value) -> usize {
    std::iter::successors(Some(act), |act| act.get("act")).count()
}

fn truncated(act: Value, levels: usize) -> Value {
    let Value::Object(mut members) = act else {
        return act;
    };
    if let Some(earlier) = members.remove("act")
        && levels > 1
    {
        members.insert("act".to_owned(), truncated(earlier, levels - 1));
    }
    Value::Object(members)
}

fn innermost(act: Value, current: Value) -> Value {
    let Value::Object(mut members) = act else {
        return current;
    };
    let deeper = match members.remove("act") {
        Some(earlier) => innermost(earlier, current),
        None => current,
    };
    members.insert("act".to_owned(), deeper);
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{depth, innermost, only_identity, truncated, well_formed};

    #[test]
    fn only_nested_objects_with_an_identity_are_well_formed() {
        assert!(well_formed(&json!({ "sub": "a", "act": { "iss": "https://x" } })));
        for bad in
            [json!("a"), json!(["a"]), json!({}), json!({ "sub": "a", "act": "b" }), json!({ "sub": 1 })]
        {
            assert!(!well_formed(&bad), "{bad}");
        }
    }

    #[test]
    fn claims_that_are_not_identity_are_left_behind_at_every_level() {
        let act = json!({ "sub": "a", "exp": 1, "act": { "sub": "b", "aud": "x" } });
        assert_eq!(only_identity(act), json!({ "sub": "a", "act": { "sub": "b" } }));
    }

    #[test]
    fn chains_are_measured_cut_and_turned() {
        let chain = json!({ "sub": "a", "act": { "sub": "b" } });
        assert_eq!(depth(&chain), 2);
        assert_eq!(truncated(chain.clone(), 1), json!({ "sub": "a" }));
        assert_eq!(
            innermost(chain, json!({ "sub": "c" })),
            json!({ "sub": "a", "act": { "sub": "b", "act": { "sub": "c" } } })
        );
    }
}
