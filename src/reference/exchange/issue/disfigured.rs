//! The faults in the content of an issued token: who it is for, and what its JWT form says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::super::AuthServer;
use super::super::super::clients::RESOURCES;
use super::super::super::clock::now;
use super::super::super::fault::FaultId;
use super::super::super::form::Form;
use super::super::super::jwt::{self, Jwt};
use super::super::super::keys::Key;
use super::super::super::refusal::Refusal;
use super::super::super::store::{Kind, Record};
use super::Decision;

/// Faults that change what a token says in any form, so that introspection tells the same lie.
pub(super) fn record(server: &AuthServer, form: &Form, decision: &Decision, record: &mut Record) {
    let subject = decision.subject;
    let client = decision.client.id;
    let claims = &mut record.claims;
    if claims.sub != client && server.on(FaultId::SubIsClient) {
        claims.sub = client.to_owned();
    }
    if let Some(actor) = decision.actor {
        if server.on(FaultId::SubIsActor) {
            claims.sub.clone_from(&actor.claims.sub);
        }
        if server.on(FaultId::SwapsSubjectAndActor) {
            claims.sub.clone_from(&actor.claims.sub);
            claims.act = Some(json!({ "iss": subject.issuer, "sub": subject.claims.sub }));
        }
    }
    if let Some(wanted) = wanted_subject(form)
        && server.on(FaultId::RequestedSubjectHonoured)
    {
        claims.sub = wanted;
    }
    let exchanged_before = || {
        let before = subject.key.as_ref().and_then(|key| server.store.find(key));
        before.is_some_and(|before| before.from_exchange)
    };
    if exchanged_before() && server.on(FaultId::SubIsClientInChain) {
        claims.sub = client.to_owned();
    }
    if form.one("audience").or(form.one("resource")).is_none()
        && server.on(FaultId::DefaultAudienceIsEverything)
    {
        claims.aud = RESOURCES.iter().map(|target| (*target).to_owned()).collect();
    }
    if subject.claims.may_act.is_some() && server.on(FaultId::MayActWithExp) {
        claims.may_act.clone_from(&subject.claims.may_act);
        if let Some(may_act) = claims.may_act.as_mut().and_then(Value::as_object_mut) {
            may_act.insert("exp".to_owned(), (now() + 60).into());
        }
    }
    if server.on(FaultId::OmitsAudience) {
        claims.aud.clear();
    }
    if server.on(FaultId::AudienceIsWildcard) {
        claims.aud = vec!["*".to_owned()];
    }
    if subject.claims.may_act.is_some() && server.on(FaultId::CopiesMayAct) {
        claims.may_act.clone_from(&subject.claims.may_act);
    }
    if let Some(login) = &mut claims.login {
        if server.on(FaultId::AuthTimeIsNow) {
            login.auth_time = now();
        }
        if server.on(FaultId::RaisesAcr) {
            login.acr = "urn:example:acr:mfa".to_owned();
        }
    }
    if decision.requested.is_no_access_token()
        && claims.jkt.is_some()
        && server.on(FaultId::OnlyAccessTokensAreBound)
    {
        claims.jkt = None;
    }
    if claims.jkt.is_some() && server.on(FaultId::DpopTokenWithoutCnf) {
        record.extra.insert("cnf".to_owned(), Value::Null);
    }
    if claims.jkt.is_some() && server.on(FaultId::DpopWrongThumbprint) {
        record
            .extra
            .insert("cnf".to_owned(), json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }));
    }
    from_parameters(server, form, record);
    if subject.foreign && server.on(FaultId::ForeignIssuerKept) {
        record.extra.insert("iss".to_owned(), subject.issuer.as_str().into());
    }
    if record.claims.jkt.is_none() && server.on(FaultId::BindsWithoutProof) {
        record
            .extra
            .insert("cnf".to_owned(), json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }));
    }
    let holder = subject.holder.as_ref().or(subject.named_client.as_ref());
    if let Some(holder) = holder.filter(|holder| *holder != client)
        && server.on(FaultId::ClientIdOfSubjectToken)
    {
        record.extra.insert("client_id".to_owned(), holder.as_str().into());
    }
    if let Some(named) = form.one("client_id").filter(|named| *named != client)
        && server.on(FaultId::ClientIdMismatchServesBodyClient)
    {
        named.clone_into(&mut record.client);
    }
    if server.on(FaultId::PersonalDataInToken) {
        record.extra.insert("email".to_owned(), "user@example.com".into());
        record.extra.insert("phone_number".to_owned(), "+1 555 0100".into());
        record.extra.insert("address".to_owned(), json!({ "locality": "Springfield" }));
    }
}

/// Whom a request asks for in parameters that say nothing to a correct server.
fn wanted_subject(form: &Form) -> Option<String> {
    let claims = || {
        let claims: Value = serde_json::from_str(form.one("claims")?).ok()?;
        claims.get("sub").and_then(Value::as_str).map(str::to_owned)
    };
    let named = ["requested_subject", "sub", "username"].into_iter().find_map(|name| form.one(name));
    named.map(str::to_owned).or_else(claims)
}

/// Claims that a faulty server takes from parameters of the same name.
fn from_parameters(server: &AuthServer, form: &Form, record: &mut Record) {
    if let Some(issuer) = form.one("requested_issuer").or(form.one("subject_issuer"))
        && server.on(FaultId::RequestedIssuerHonoured)
    {
        record.extra.insert("iss".to_owned(), issuer.into());
    }
    for name in ["aud", "cnf", "authorization_details"] {
        if let Some(text) = form.one(name)
            && server.on(FaultId::ClaimsFromParameters)
        {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            record.extra.insert(name.to_owned(), value);
        }
    }
}

pub(super) fn jti(server: &AuthServer) -> String {
    match server.on(FaultId::JtiRepeats) {
        true => format!("{:036}", now() / 60),
        false => Uuid::new_v4().to_string(),
    }
}

/// Signs the claims, after whatever the faults do to them and to the signature.
pub(super) fn sign(
    server: &AuthServer,
    typ: &'static str,
    mut claims: Map<String, Value>,
    jti: &str,
    record: Record,
) -> Result<String, Refusal> {
    // A null stands for a claim that a fault takes away; only `act` can be null on purpose.
    claims.retain(|name, value| !value.is_null() || name == "act");
    if record.kind == Kind::Access {
        access_claims(server, &mut claims);
    }
    if record.kind != Kind::Id && server.on(FaultId::WrongIssuerClaim) {
        claims.insert("iss".to_owned(), "https://as.example.com".into());
    }
    let key = match server.on(FaultId::SignedWithUnpublishedKey) {
        true => &server.keys.unpublished,
        false => &server.keys.as_es256,
    };
    let mut header = jwt::header(&server.keys.as_es256, typ);
    if typ != "JWT" && server.on(FaultId::TypIsPlainJwt) {
        header.insert("typ".to_owned(), "JWT".into());
    }
    if server.on(FaultId::UnknownKidInHeader) {
        header.insert("kid".to_owned(), "as-es256-0".into());
    }
    let token = damaged(server, &header, &claims, key)?;
    if server.faults.has(FaultId::JtiRepeats) {
        // Two tokens share the identifier, so the server knows each by itself.
        server.store.insert(&token, record);
        return Ok(token);
    }
    if server.faults.any() && !sound(server, &token, typ, jti) {
        // The server still knows a token that it could not verify itself: the fault ends here and
        // introspection and further exchanges go on as before.
        server.store.insert(&token, record.clone());
    }
    server.store.insert(jti, record);
    Ok(token)
}

fn sound(server: &AuthServer, token: &str, typ: &str, jti: &str) -> bool {
    Jwt::parse(token).is_some_and(|jwt| {
        jwt.signed_by(&server.keys.as_es256)
            && jwt.typ() == typ.to_ascii_lowercase()
            && jwt.text("jti") == Some(jti)
            && jwt.text("iss") == Some(&server.issuer)
            && jwt.claims.get("exp").is_some_and(Value::is_number)
            && jwt.text("sub").is_some()
            && !jwt.claims.get("aud").is_some_and(Value::is_object)
            && (typ != "at+jwt" || jwt.text("scope").is_some())
    })
}

fn damaged(
    server: &AuthServer,
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    key: &Key,
) -> Result<String, Refusal> {
    if server.on(FaultId::IssuesAlgNone) {
        let header = Map::from_iter([("alg".to_owned(), Value::from("none"))]);
        return Ok(format!("{}.{}.", jwt::part(&header), jwt::part(claims)));
    }
    let token = jwt::sign(header, claims, key).ok_or_else(Refusal::broken)?;
    match server.on(FaultId::BreaksSignature) {
        true => with_wrong_signature(&token).ok_or_else(Refusal::broken),
        false => Ok(token),
    }
}

/// Changes one bit, and keeps the encoding canonical: only the signature is wrong.
fn with_wrong_signature(token: &str) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).ok()?;
    *bytes.first_mut()? ^= 1;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Faults in the claims of an `at+jwt` alone.
fn access_claims(server: &AuthServer, claims: &mut Map<String, Value>) {
    for (fault, claim) in OMITTED {
        if claims.contains_key(claim) && server.on(fault) {
            claims.shift_remove(claim);
        }
    }
    if server.on(FaultId::SubClaimIsNumber) {
        claims.insert("sub".to_owned(), 4711.into());
    }
    if let Some(aud) = claims.get("aud").cloned()
        && server.on(FaultId::AudClaimIsObject)
    {
        claims.insert("aud".to_owned(), json!({ "uri": aud }));
    }
    if server.on(FaultId::ExpClaimIsString)
        && let Some(exp) = claims.get_mut("exp")
    {
        *exp = exp.to_string().into();
    }
    let scopes = claims
        .get("scope")
        .and_then(Value::as_str)
        .map(|text| text.split(' ').map(Value::from).collect::<Vec<_>>());
    if let Some(scopes) = scopes.filter(|_| server.on(FaultId::ScopeClaimIsArray)) {
        claims.insert("scope".to_owned(), scopes.into());
    }
}

const OMITTED: [(FaultId, &str); 4] = [
    (FaultId::OmitsScopeClaim, "scope"),
    (FaultId::OmitsClientIdClaim, "client_id"),
    (FaultId::OmitsJtiClaim, "jti"),
    (FaultId::OmitsExpClaim, "exp"),
];
