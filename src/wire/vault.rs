//! The vault: everything that must not be shown, whether configured, obtained, sent or received.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use super::{
    Request, Response, Secret,
    encoded::json_unescaped,
    known::Known,
    position::{is_sensitive, sensitive_members, sounds_secret},
    redact::{Automaton, PROBE, Redactor},
};

/// Configured values shorter than this are hidden in their position only: replacing them everywhere would eat the
/// text.
pub const SHORTEST_SECRET: usize = 4;
/// So many levels of members that are secret by name are looked through for tokens.
const DEEPEST: usize = 8;
/// So many tokens of one response are remembered; beyond that, only their position hides them.
const MOST: usize = 100;

/// Everything that must not be shown, with a label to show instead. Clones share their content.
#[derive(Clone, Default)]
pub struct Vault(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    /// Configured secrets and source tokens: hidden in every encoding.
    values: BTreeSet<String>,
    /// Those of them that no automaton finds yet, with their labels.
    fresh: BTreeMap<String, String>,
    /// What finds the others, the most first. A server whose tokens serve once gives a new one for every request: to
    /// find all of them with one automaton, it would have to be built anew each time. As it is, each is rebuilt when as
    /// many again have come.
    automata: Vec<Generation>,
    /// Tokens issued during the run.
    issued: Arc<RwLock<Known>>,
}

struct Generation {
    values: BTreeMap<String, String>,
    automaton: Arc<Automaton>,
}

impl Content {
    fn settle(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut values = std::mem::take(&mut self.fresh);
        while let Some(last) = self.automata.pop_if(|last| last.values.len() <= 2 * values.len()) {
            values.extend(last.values);
        }
        let automaton = Arc::new(Automaton::new(&values));
        self.automata.push(Generation { values, automaton });
    }
}

impl Vault {
    /// Remembers a configured secret or a source token under a label. Values under [`SHORTEST_SECRET`] bytes are not
    /// kept; those under six are hidden where they are a word of their own.
    pub fn remember(&self, label: &str, secret: &Secret) {
        let value = secret.expose();
        if value.len() < SHORTEST_SECRET {
            return;
        }
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if content.values.insert(value.to_owned()) {
            content.fresh.insert(value.to_owned(), label.to_owned());
        }
    }

    /// Remembers a value if its name speaks of a secret.
    pub fn remember_named(&self, name: &str, value: &str) {
        if sounds_secret(name) {
            self.remember(name, &Secret::new(value));
        }
    }

    /// Remembers a token that came up during the run.
    pub fn remember_issued(&self, token: &Secret) {
        let value = token.expose();
        // What stands behind the last dot is what tells one JWT from another.
        let tail = value.rsplit('.').next().filter(|tail| tail.len() >= PROBE);
        let issued = Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner).issued);
        let mut known = issued.write().unwrap_or_else(PoisonError::into_inner);
        for part in std::iter::once(value).chain(tail) {
            known.insert(part);
        }
    }

    /// Remembers the tokens and secrets that a request carries, however they were made up: those of its form and its
    /// JSON members.
    pub fn remember_request(&self, request: &Request) {
        for (name, value) in url::form_urlencoded::parse(&request.body) {
            // A shorter one, or an address, is what a server may use in anything it says.
            let own =
                value.len() >= PROBE / 2 && !["urn:", "http:", "https:"].iter().any(|p| value.starts_with(p));
            if is_sensitive(&name) && own && !is_word(&value) {
                self.remember_issued(&value.as_ref().into());
            }
        }
        self.remember_members(&request.body);
    }

    /// Remembers the tokens that a response carries.
    pub fn remember_response(&self, response: &Response) {
        self.remember_members(&response.body);
    }

    fn remember_members(&self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let mut nested = vec![(text.as_ref(), 0)];
        let mut left = MOST;
        while let Some((text, depth)) = nested.pop() {
            for (_, span) in sensitive_members(text) {
                left -= 1;
                if left == 0 {
                    return;
                }
                let value = &text[span];
                if value.starts_with(['{', '[']) {
                    if depth < DEEPEST {
                        nested.push((&value[1..], depth + 1));
                    }
                } else {
                    let raw = value.trim_matches('"');
                    // Some servers put their error code where an authorization code would stand.
                    if is_word(raw) {
                        continue;
                    }
                    self.remember_issued(&raw.into());
                    if raw.contains('\\') {
                        self.remember_issued(&json_unescaped(raw).into());
                    }
                }
            }
        }
    }

    /// What hides all that is known so far.
    pub fn redactor(&self) -> Redactor {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.settle();
        let automata = content.automata.iter().map(|g| Arc::clone(&g.automaton)).collect();
        Redactor { automata, issued: Arc::clone(&content.issued) }
    }
}

/// Whether a value is a word of the protocol rather than a token: to hide it wherever it stands would blind the
/// findings. Where it stands as a token, its position hides it.
fn is_word(value: &str) -> bool {
    value.len() < PROBE && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_of_many_tokens_is_hidden_with_its_label_and_few_automata_find_them() {
        let vault = Vault::default();
        let token = |n: usize| format!("{:032x}-one-time", n * 7919);
        for n in 0..300 {
            vault.remember(if n == 0 { "client secret" } else { "user token" }, &token(n).into());
            let shown = vault.redactor().text(&format!("now {} and first {}.", token(n), token(0)));
            assert!(!shown.contains("one-time") && shown.contains("and first [client secret"), "{shown}");
        }
        let redactor = vault.redactor();
        assert!(redactor.automata.len() < 10, "{}", redactor.automata.len());
        for n in 1..300 {
            let shown = redactor.text(&token(n));
            assert!(shown.starts_with("[user token"), "{shown}");
        }
    }
}
