//! Tokens that drafts define on top of RFC 8693: the identity assertion grant, which another authorization server takes
//! for a login, and the transaction token, which travels inside one trust domain.

use serde_json::Value;
use uuid::Uuid;

use super::super::AuthServer;
use super::super::clients::{Client, Credential, OTHER_SERVER, TRUST_DOMAIN, find_client};
use super::super::fault::FaultId;
use super::super::form::Form;
use super::super::refusal::{Refusal, Why};
use super::super::store::{Kind, Record};
use super::presented::Presented;
use super::request::{Requested, TokenType};
use super::target::UNKNOWN;

/// Both are used at once, so both live for minutes.
pub(super) const LIFETIME: i64 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draft {
    IdentityAssertion,
    Transaction,
}

impl Draft {
    /// Which of the two is requested, if any.
    pub(super) fn of(requested: Requested) -> Option<Self> {
        match requested {
            Requested::Known(TokenType::IdJag) => Some(Self::IdentityAssertion),
            Requested::Known(TokenType::Transaction) => Some(Self::Transaction),
            _ => None,
        }
    }

    /// The one place that the token is for. It must be named, and nothing else.
    pub(super) fn audience(self, server: &AuthServer, form: &Form) -> Result<Vec<String>, Refusal> {
        let known = match self {
            Self::IdentityAssertion => OTHER_SERVER,
            Self::Transaction => TRUST_DOMAIN,
        };
        if form.one("resource").is_some() && !server.on(FaultId::UnknownResourceMinted) {
            return Err(UNKNOWN);
        }
        let named: Vec<String> = form.all("audience").map(str::to_owned).collect();
        if named.is_empty() && !server.on(FaultId::IdentityAssertionForAnyServer) {
            return Err(Refusal::new(Why::BadParameter, "audience is missing"));
        }
        if named.iter().any(|one| one != known) && !server.on(FaultId::UnknownAudienceMinted) {
            return Err(UNKNOWN);
        }
        Ok(named)
    }

    /// Refuses what is no basis for such a token, and clients that cannot prove who they are.
    pub(super) fn check(
        self,
        server: &AuthServer,
        form: &Form,
        client: &Client,
        subject: &Presented,
    ) -> Result<(), Refusal> {
        if client.credential == Credential::None {
            return Err(Refusal::new(Why::GrantNotAllowed, "a public client may not have such a token"));
        }
        let fits = match (self, subject.kind) {
            (Self::IdentityAssertion, Kind::Access) => {
                let said = form.one("subject_token_type") == Some(TokenType::IdToken.uri());
                said && server.on(FaultId::AccessTokenAsIdToken)
            }
            (Self::IdentityAssertion, kind) => kind == Kind::Id,
            (Self::Transaction, Kind::Refresh) => server.on(FaultId::RefreshTokenBuysTransactionToken),
            (Self::Transaction, kind) => matches!(kind, Kind::Access | Kind::Transaction),
        };
        match fits {
            true => Ok(()),
            false => {
                Err(Refusal::new(Why::RequestedTypeRefused, "the subject_token is no basis for such a token"))
            }
        }
    }

    /// Adds the claims that only such a token has.
    pub(super) fn complete(self, server: &AuthServer, form: &Form, subject: &Presented, record: &mut Record) {
        if let Some(resource) = form.one("resource") {
            record.extra.insert("resource".to_owned(), resource.into());
        }
        if self == Self::Transaction {
            let before = subject.key.as_ref().and_then(|key| server.store.find(key));
            let before = before.and_then(|record| record.extra.get("txn").cloned());
            let kept = before.filter(|_| !server.on(FaultId::TransactionRenumbered));
            let txn = kept.unwrap_or_else(|| Value::from(Uuid::new_v4().to_string()));
            record.extra.insert("txn".to_owned(), txn);
        }
    }
}

/// For whom the server acts: the client that asks. A faulty server takes a public one at its word.
pub(super) fn client(
    server: &AuthServer,
    client: &'static Client,
    subject: &Presented,
    requested: Requested,
) -> &'static Client {
    let wanted = Draft::of(requested).is_some() && client.credential == Credential::None;
    let holder = subject.holder.as_deref().filter(|_| wanted).and_then(find_client);
    holder.filter(|_| server.on(FaultId::PublicClientTakenForHolder)).unwrap_or(client)
}
