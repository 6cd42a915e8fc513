//! Everything that must not be shown: configured secrets, source tokens, and the tokens that come up during a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Response, Secret,
    redact::{Automaton, Redactor, SHORTEST, sensitive_members},
};

/// Everything that must not be shown, with a label to show instead. Clones share their content.
#[derive(Clone, Default)]
pub struct Vault(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    /// Configured secrets and source tokens: hidden in every encoding.
    values: BTreeMap<String, String>,
    /// Tokens issued during the run, of which there are thousands: hidden as they are.
    issued: Arc<BTreeSet<String>>,
    automaton: Option<Arc<Automaton>>,
}

impl Vault {
    /// Remembers a configured secret or a source token under a label.
    pub fn remember(&self, label: &str, secret: &Secret) {
        let value = secret.expose();
        if value.len() < SHORTEST {
            return;
        }
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if content.values.insert(value.to_owned(), label.to_owned()).is_none() {
            content.automaton = None;
        }
    }

    /// Remembers a token that came up during the run.
    pub fn remember_issued(&self, token: &Secret) {
        let value = token.expose();
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What stands behind the last dot is what tells one JWT from another.
        let tail = value.rsplit('.').next().unwrap_or(value);
        let known = Arc::make_mut(&mut content.issued);
        for part in [value, tail] {
            if part.len() >= SHORTEST {
                known.insert(part.to_owned());
            }
        }
    }

    /// Remembers the tokens that a response carries.
    pub fn remember_response(&self, response: &Response) {
        let text = String::from_utf8_lossy(&response.body);
        for (_, span) in sensitive_members(&text) {
            self.remember_issued(&Secret::new(text[span].trim_matches('"')));
        }
    }

    /// What hides all that is known so far.
    pub fn redactor(&self) -> Redactor {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let automaton = match &content.automaton {
            Some(automaton) => Arc::clone(automaton),
            None => {
                let built = Arc::new(Automaton::new(&content.values));
                content.automaton = Some(Arc::clone(&built));
                built
            }
        };
        Redactor::new(automaton, Arc::clone(&content.issued))
    }
}
