//! What the server remembers: the tokens it issued and the one-time identifiers it has seen.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value};

/// What a token was issued as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
    Id,
    /// An identity assertion authorization grant, for another authorization server.
    Grant,
    /// A transaction token, for one trust domain.
    Transaction,
}

/// When and how the user logged in. Carried unchanged from token to token (RFC 9068 §2.2.1).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Login {
    pub(super) auth_time: i64,
    pub(super) acr: String,
    pub(super) amr: Vec<String>,
}

/// What a token says, whether it is a JWT or a random string.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) scope: Vec<String>,
    pub(super) aud: Vec<String>,
    pub(super) act: Option<Value>,
    pub(super) may_act: Option<Value>,
    /// The thumbprint of the DPoP key to which the token is bound.
    pub(super) jkt: Option<String>,
    pub(super) iat: i64,
    pub(super) exp: Option<i64>,
    pub(super) nbf: Option<i64>,
    pub(super) login: Option<Login>,
    /// True when the subject is a client and not a user.
    pub(super) of_client: bool,
}

/// One issued token.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) kind: Kind,
    /// The client to which it was issued.
    pub(super) client: String,
    pub(super) claims: Claims,
    /// Claims of the JWT form that introspection shows too, beyond those that every token has.
    pub(super) extra: Map<String, Value>,
    pub(super) single_use: bool,
    pub(super) exchanged_at: Option<Instant>,
    pub(super) revoked: bool,
    /// Issued by a token exchange rather than by a first grant.
    pub(super) from_exchange: bool,
    /// Where the store keeps the token that was exchanged for this one.
    pub(super) subject: Option<String>,
    /// Where the store keeps the actor token that came with it.
    pub(super) actor: Option<String>,
}

impl Record {
    pub(super) fn new(kind: Kind, client: &str, claims: Claims) -> Self {
        Self {
            kind,
            client: client.to_owned(),
            claims,
            extra: Map::new(),
            single_use: false,
            exchanged_at: None,
            revoked: false,
            from_exchange: false,
            subject: None,
            actor: None,
        }
    }
}

#[derive(Default)]
struct Memory {
    tokens: HashMap<String, Record>,
    seen: HashSet<String>,
    answers: HashMap<String, (Instant, String)>,
}

/// The memory of one running server. A JWT is kept under its `jti`, any other token under itself.
#[derive(Default)]
pub(super) struct Store {
    memory: Mutex<Memory>,
}

impl Store {
    pub(super) fn insert(&self, key: &str, record: Record) {
        self.lock().tokens.insert(key.to_owned(), record);
    }

    pub(super) fn find(&self, key: &str) -> Option<Record> {
        self.lock().tokens.get(key).cloned()
    }

    /// The only token that `matches` accepts by its key, with that key.
    pub(super) fn find_by(&self, matches: impl Fn(&str) -> bool) -> Option<(String, Record)> {
        let memory = self.lock();
        let mut found = memory.tokens.iter().filter(|(key, _)| matches(key));
        let (key, record) = found.next()?;
        found.next().is_none().then(|| (key.clone(), record.clone()))
    }

    pub(super) fn change(&self, key: &str, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.lock().tokens.get_mut(key) {
            change(record);
        }
    }

    pub(super) fn revoke(&self, key: &str) {
        self.change(key, |record| record.revoked = true);
    }

    /// Revokes every token that the one under `key` was exchanged for.
    pub(super) fn revoke_results_of(&self, key: &str) {
        let mut memory = self.lock();
        for record in memory.tokens.values_mut().filter(|record| record.subject.as_deref() == Some(key)) {
            record.revoked = true;
        }
    }

    /// How many tokens the one under `key` was exchanged for.
    pub(super) fn results_of(&self, key: &str) -> usize {
        self.lock().tokens.values().filter(|record| record.subject.as_deref() == Some(key)).count()
    }

    pub(super) fn was_actor(&self, key: &str) -> bool {
        self.lock().tokens.values().any(|record| record.actor.as_deref() == Some(key))
    }

    /// Revokes every subject token that was exchanged beside the actor token under `key`.
    pub(super) fn revoke_subjects_of_actor(&self, key: &str) {
        let mut memory = self.lock();
        let beside = memory.tokens.values().filter(|record| record.actor.as_deref() == Some(key));
        let subjects: Vec<String> = beside.filter_map(|record| record.subject.clone()).collect();
        for subject in subjects {
            if let Some(record) = memory.tokens.get_mut(&subject) {
                record.revoked = true;
            }
        }
    }

    /// Revokes every token that a client got by an exchange.
    pub(super) fn revoke_exchanged_of(&self, client: &str) {
        let mut memory = self.lock();
        for record in
            memory.tokens.values_mut().filter(|record| record.from_exchange && record.client == client)
        {
            record.revoked = true;
        }
    }

    /// How many tokens were issued so far.
    pub(super) fn count(&self) -> usize {
        self.lock().tokens.len()
    }

    /// Remembers a one-time identifier; false when it was seen before.
    pub(super) fn first_sight(&self, identifier: String) -> bool {
        self.lock().seen.insert(identifier)
    }

    pub(super) fn remembered_answer(&self, request: &str) -> Option<(Instant, String)> {
        self.lock().answers.get(request).cloned()
    }

    pub(super) fn remember_answer(&self, request: String, answer: String) {
        self.lock().answers.insert(request, (Instant::now(), answer));
    }

    /// Nothing here can be left half done by a panic, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
