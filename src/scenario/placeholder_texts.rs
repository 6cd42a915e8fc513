//! The texts of an expectation in which placeholders may stand.

use super::{Check, Expect};

impl Expect {
    /// Every text in which placeholders may stand, in a fixed order.
    pub fn placeholder_texts(&self) -> Vec<&str> {
        let also = self.refusal.iter().flat_map(|r| &r.also);
        self.success.iter().flatten().chain(also).chain(&self.observe).flat_map(texts).collect()
    }

    /// As [`Expect::placeholder_texts`], to fill them.
    pub fn placeholder_texts_mut(&mut self) -> Vec<&mut String> {
        let also = self.refusal.iter_mut().flat_map(|r| &mut r.also);
        self.success.iter_mut().flatten().chain(also).chain(&mut self.observe).flat_map(texts_mut).collect()
    }
}

fn texts(check: &Check) -> Vec<&str> {
    let claim = check.claim.iter().flat_map(|c| [&c.contains, &c.excludes]);
    let members = [&check.member, &check.jose].into_iter().flatten().flat_map(|m| [&m.contains, &m.excludes]);
    claim.chain(members).flatten().map(String::as_str).collect()
}

fn texts_mut(check: &mut Check) -> Vec<&mut String> {
    let claim = check.claim.iter_mut().flat_map(|c| [&mut c.contains, &mut c.excludes]);
    let members = [&mut check.member, &mut check.jose]
        .into_iter()
        .flatten()
        .flat_map(|m| [&mut m.contains, &mut m.excludes]);
    claim.chain(members).flatten().collect()
}
