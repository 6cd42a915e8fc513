//! `POST /revoke` (RFC 7009): a client takes back a token that was issued to it.

use wiremock::Request;

use super::AuthServer;
use super::client_auth::authenticate;
use super::fault::FaultId;
use super::introspect::{endpoint_form, find};
use super::refusal::{Refusal, Why};
use super::reply::Reply;

pub(super) fn revoke(server: &AuthServer, request: &Request) -> Reply {
    answer(server, request).unwrap_or_else(|refusal| refusal.reply())
}

fn answer(server: &AuthServer, request: &Request) -> Result<Reply, Refusal> {
    let form = endpoint_form(request)?;
    let client = authenticate(server, request, &form, false)?;
    let token = form.one("token").ok_or(Refusal::new(Why::BadParameter, "token is missing"))?;
    // An unknown token is as good as revoked (RFC 7009 §2.2).
    let Some(found) = find(server, token).filter(|found| found.genuine) else {
        return Ok(done());
    };
    if found.record.client != client.id && !server.on(FaultId::AnyoneMayRevoke) {
        return Err(Refusal::new(Why::BadParameter, "the token was issued to another client"));
    }
    if found.record.revoked && server.on(FaultId::RepeatedRevocationRefused) {
        return Err(Refusal::new(Why::BadParameter, "the token is revoked already"));
    }
    // No cascade: RFC 8693 §2.1 links the two tokens neither way, so revoking a subject token leaves
    // what it was exchanged for alive, and revoking that leaves the subject token alive.
    server.store.revoke(&found.key);
    if let Some(subject) = found.record.subject.filter(|_| server.on(FaultId::RevocationReachesSubjectTokens))
    {
        server.store.revoke(&subject);
    }
    if server.store.was_actor(&found.key) && server.on(FaultId::ActorRevocationReachesSubjects) {
        server.store.revoke_subjects_of_actor(&found.key);
    }
    if server.on(FaultId::RevocationEndsExchangedTokens) {
        server.store.revoke_exchanged_of(client.id);
    }
    Ok(done())
}

fn done() -> Reply {
    Reply::empty(200).uncached()
}
