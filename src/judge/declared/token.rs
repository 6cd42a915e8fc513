//! Checks on the issued token itself: format, signature, binding to a key, lifetime, uniqueness.

use serde_json::Value;

use super::{
    Declared,
    judged::{Judged, fail, pass, unseen, when},
};
use crate::{
    judge::{
        Outcome,
        claims::{Unseen, issued_claims},
    },
    scenario::{Distinct, Source, TokenFormat},
    target::duration,
    token::{Jwt, NotJwt, SignatureVerdict, verify},
};

impl Declared<'_> {
    /// RFC 9449 section 5: `token_type` DPoP if and only if the token is bound to the proof's key.
    pub(super) fn binding_agrees(&self, at: usize) -> Judged {
        let expected = "token_type DPoP if, and only if, the token is bound";
        let kind = self.text_member(at, "token_type")?;
        match issued_claims(self.step, at, Source::Any) {
            Ok(claims) => {
                let bound = claims.pointer("/cnf/jkt").is_some();
                let ok = kind.eq_ignore_ascii_case("dpop") == bound;
                when(
                    ok,
                    expected,
                    format!("token_type {kind}, the token is {}", if bound { "bound" } else { "not bound" }),
                )
            }
            Err(e) => unseen(expected, e),
        }
    }

    pub(super) fn format(&self, format: TokenFormat, at: usize) -> Judged {
        let view = self.step.issued(at)?.view.as_ref()?;
        let decoded = Jwt::decode(view.value.expose());
        match (format, decoded) {
            (TokenFormat::AsLabelled, _) => None,
            (TokenFormat::Opaque, Ok(_)) => {
                fail("a token that cannot be read without a key", "a JWT in the clear")
            }
            (TokenFormat::Opaque, Err(why)) => {
                pass("a token that cannot be read without a key", why.to_string())
            }
            (_, Err(NotJwt::Encrypted)) => unseen("a JWT", Unseen("it is an encrypted JWT".into())),
            (_, Err(why)) => fail("a JWT", why.to_string()),
            (TokenFormat::Jwt, Ok(_)) => pass("a JWT", "a JWT"),
            (TokenFormat::IdToken, Ok(jwt)) => {
                let missing: Vec<&str> = ["iss", "sub", "aud", "exp", "iat"]
                    .into_iter()
                    .filter(|c| !jwt.claims.contains_key(*c))
                    .collect();
                when(
                    missing.is_empty(),
                    "a JWT with iss, sub, aud, exp and iat",
                    if missing.is_empty() {
                        "all of them".into()
                    } else {
                        format!("without {}", missing.join(", "))
                    },
                )
            }
        }
    }

    pub(super) fn signature(&self, at: usize) -> Judged {
        let view = self.step.issued(at)?.view.as_ref()?;
        let expected = "a signature that the published keys verify";
        let Some(jwks) = &self.run.jwks else {
            return unseen(
                expected,
                Unseen("the target publishes no key set, or it could not be read".into()),
            );
        };
        let recorded = view.verified.clone();
        match recorded.unwrap_or_else(|| verify(view.value.expose(), jwks)) {
            SignatureVerdict::Valid => pass(expected, "it verifies"),
            SignatureVerdict::Invalid(why) => fail(expected, why),
            SignatureVerdict::Undecided(why) => unseen(expected, Unseen(why)),
        }
    }

    pub(super) fn distinct(&self, what: Distinct) -> Judged {
        let mut seen = Vec::new();
        for i in (0..self.step.exchanges.len()).filter(|i| self.step.outcome(*i) == Outcome::Accepted) {
            match what {
                Distinct::Token => seen.push(self.step.issued(i)?.view.as_ref()?.value.expose().to_owned()),
                Distinct::Jti => match issued_claims(self.step, i, Source::Any) {
                    Ok(claims) => seen.push(claims.get("jti").map(ToString::to_string)?),
                    Err(e) => return unseen("another jti each time", e),
                },
            }
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        when(seen.len() == count, "a new token each time", format!("{} different of {count}", seen.len()))
    }

    pub(super) fn lifetime(&self, limit: u64, at: usize) -> Judged {
        let declared = self
            .run
            .policy
            .max_issued_lifetime
            .as_deref()
            .and_then(|t| duration(t).ok())
            .map(|d| d.as_secs());
        let limit = declared.unwrap_or(limit);
        let claims = issued_claims(self.step, at, Source::Any).ok();
        let exp = claims
            .as_ref()
            .and_then(|c| c.get("exp"))
            .and_then(Value::as_i64)
            .map(|exp| exp.saturating_sub(self.step.now));
        let response = self.step.json(at).and_then(|j| j.value.get("expires_in").and_then(Value::as_i64));
        let Some(life) = exp.or(response) else {
            return unseen(
                format!("at most {limit} s"),
                Unseen("neither exp nor expires_in says how long the token lives".into()),
            );
        };
        let ok = u64::try_from(life.max(0)).is_ok_and(|l| l <= limit.saturating_add(5));
        when(ok, format!("a life of at most {limit} s"), format!("{life} s"))
    }

    pub(super) fn expires_in(&self, at: usize) -> Judged {
        let expected = "exp of the token agrees with expires_in within 120 s";
        let response = self.step.json(at)?.value.get("expires_in").and_then(Value::as_i64)?;
        match issued_claims(self.step, at, Source::Any) {
            Ok(claims) => {
                let exp = claims.get("exp").and_then(Value::as_i64)?;
                let life = exp.saturating_sub(self.step.now);
                when(
                    life.abs_diff(response) <= 120,
                    expected,
                    format!("expires_in {response}, exp in {life} s"),
                )
            }
            Err(e) => unseen(expected, e),
        }
    }
}
