//! The `x_…` parameters of the first grants. They exist only here, so that a test can obtain genuine
//! but unusual tokens: expired, bound, delegated, opaque, incomplete.

use std::time::Duration;

use serde_json::{Map, Value};

use super::form::Form;
use super::mint::{Format, LIFETIME, REFRESH_LIFETIME};
use super::refusal::{Refusal, Why};

#[derive(Debug)]
pub(super) struct Knobs {
    /// `x_lifetime`: seconds; negative gives a genuine token that has already expired.
    pub(super) lifetime: Option<i64>,
    /// `x_nbf`: seconds from now until the token becomes valid.
    pub(super) nbf: Option<i64>,
    /// `x_format`: `jwt` or `opaque`.
    pub(super) format: Format,
    /// `x_alg`: `es256` or `rs256`.
    pub(super) rs256: bool,
    /// `x_aud`, repeatable.
    pub(super) aud: Vec<String>,
    /// `x_may_act` and `x_act`: any JSON, also malformed ones on purpose.
    pub(super) may_act: Option<Value>,
    pub(super) act: Option<Value>,
    /// `x_single_use`: the token can be exchanged once.
    pub(super) single_use: bool,
    /// `x_cnf_jkt`: binds the token to a DPoP key.
    pub(super) jkt: Option<String>,
    /// `x_no_exp`: no expiry at all.
    pub(super) no_exp: bool,
    /// `x_omit`, repeatable: claims left out of the JWT.
    pub(super) omit: Vec<String>,
    /// `x_claims`: a JSON object of further claims for the JWT.
    pub(super) claims: Map<String, Value>,
}

impl Knobs {
    pub(super) fn read(form: &Form) -> Result<Self, Refusal> {
        let claims = match json(form, "x_claims")? {
            None => Map::new(),
            Some(Value::Object(claims)) => claims,
            Some(_) => return Err(BAD_KNOB),
        };
        Ok(Self {
            lifetime: seconds(form, "x_lifetime")?,
            nbf: seconds(form, "x_nbf")?,
            format: match form.one("x_format") {
                None | Some("jwt") => Format::Jwt,
                Some("opaque") => Format::Opaque,
                Some(_) => return Err(BAD_KNOB),
            },
            rs256: match form.one("x_alg") {
                None | Some("es256") => false,
                Some("rs256") => true,
                Some(_) => return Err(BAD_KNOB),
            },
            aud: form.all("x_aud").map(str::to_owned).collect(),
            may_act: json(form, "x_may_act")?,
            act: json(form, "x_act")?,
            single_use: form.one("x_single_use") == Some("true"),
            jkt: form.one("x_cnf_jkt").map(str::to_owned),
            no_exp: form.one("x_no_exp") == Some("true"),
            omit: form.all("x_omit").map(str::to_owned).collect(),
            claims,
        })
    }

    /// The expiry of an access token or ID token made now.
    pub(super) fn expiry(&self, now: i64) -> Option<i64> {
        (!self.no_exp).then(|| now.saturating_add(self.lifetime.unwrap_or(LIFETIME)))
    }

    /// The expiry of the refresh token beside it.
    pub(super) fn refresh_expiry(&self, now: i64) -> Option<i64> {
        Some(now.saturating_add(self.lifetime.unwrap_or(REFRESH_LIFETIME)))
    }
}

const BAD_KNOB: Refusal = Refusal::new(Why::BadParameter, "a fixture parameter cannot be read");

/// A decade either way: enough for any test, and no arithmetic overflows.
const MOST_SECONDS: u64 = Duration::from_secs(10 * 365 * 24 * 3600).as_secs();

fn seconds(form: &Form, name: &str) -> Result<Option<i64>, Refusal> {
    form.one(name)
        .map(|text| {
            text.parse::<i64>().ok().filter(|seconds| seconds.unsigned_abs() <= MOST_SECONDS).ok_or(BAD_KNOB)
        })
        .transpose()
}

fn json(form: &Form, name: &str) -> Result<Option<Value>, Refusal> {
    form.one(name).map(|text| serde_json::from_str(text).map_err(|_| BAD_KNOB)).transpose()
}
