//! Checks on the audience of the issued token (RFC 8693 section 2.1, RFC 8707 section 2).

use super::{
    Declared,
    judged::{Judged, granted_too_much, pass, unseen, when},
};
use crate::{
    judge::{
        claims::{self, audience_set, issued_claims},
        oracle_error,
    },
    scenario::{AudienceCheck, OneOrMany, Source},
    spec::Knob,
};

impl Declared<'_> {
    /// What the roles stand for in `aud`: the values that were requested, through the target's mapping.
    fn targets(&self, roles: &OneOrMany) -> Vec<Vec<String>> {
        let requested: Vec<&str> = self
            .step
            .form
            .all("audience")
            .chain(self.step.form.all("resource"))
            .map(|s| s.expose())
            .collect();
        let mut all = Vec::new();
        for role in roles.iter() {
            let maps = [("audience", &self.run.audiences), ("resource", &self.run.resources)];
            let values: Vec<&String> =
                maps.iter().flat_map(|(_, m)| m.get(role).into_iter().flatten()).collect();
            let asked: Vec<&&String> = values.iter().filter(|v| requested.contains(&v.as_str())).collect();
            let used: Vec<&String> =
                if asked.is_empty() { values } else { asked.into_iter().copied().collect() };
            for value in used {
                all.push(match self.run.audience_mapping.get(value) {
                    Some(mapped) => mapped.values().into_iter().map(str::to_owned).collect(),
                    None => vec![value.clone()],
                });
            }
        }
        all
    }

    pub(super) fn audience(&self, check: &AudienceCheck, at: usize) -> Judged {
        if self.run.policy.declares(Knob::AudMapping) && check.covers.is_some() {
            return None;
        }
        let claims = match issued_claims(self.step, at, Source::Any) {
            Ok(claims) => claims,
            Err(e) => return unseen("the audience", e),
        };
        let set = audience_set(&claims).unwrap_or_default();
        let words = if set.is_empty() {
            "no aud".to_owned()
        } else {
            format!("aud {}", set.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        let words = oracle_error::visible(&words);
        if let Some(roles) = &check.covers {
            let wanted = self.targets(roles);
            let ok = !wanted.is_empty() && wanted.iter().all(|any| any.iter().any(|v| set.contains(v)));
            return when(
                ok,
                format!(
                    "aud that holds {}",
                    wanted.iter().map(|w| w.join(" or ")).collect::<Vec<_>>().join(" and ")
                ),
                words,
            );
        }
        if let Some(roles) = &check.excludes {
            let barred: Vec<String> = self.targets(roles).into_iter().flatten().collect();
            let found: Vec<&String> = barred.iter().filter(|v| set.contains(*v)).collect();
            return if found.is_empty() {
                pass("aud without the target that was not to be had", words)
            } else {
                granted_too_much("aud without the target that was not to be had", words)
            };
        }
        if let Some(present) = check.present {
            return when(set.is_empty() != present, if present { "an aud" } else { "no aud" }, words);
        }
        if let Some(limit) = check.at_most {
            return when(set.len() <= limit, format!("at most {limit} audiences"), words);
        }
        let other = |name: &str| match claims::reference(self.run, self.step, at, &format!("{name}:/aud")) {
            Ok(value) => Ok(audience_set(&serde_json::json!({ "aud": value })).unwrap_or_default()),
            Err(e) => Err(e),
        };
        if let Some(name) = &check.differs_from {
            return match other(name) {
                Ok(theirs) => when(set != theirs, format!("another aud than that of {name}"), words),
                Err(e) => unseen("another aud", e),
            };
        }
        let name = check.within.as_deref()?;
        match other(name) {
            Ok(theirs) if set.is_subset(&theirs) => pass(format!("an aud within that of {name}"), words),
            Ok(_) => granted_too_much(format!("an aud within that of {name}"), words),
            Err(e) => unseen("an aud that is not wider", e),
        }
    }
}
