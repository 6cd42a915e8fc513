//! What one predicate came to, before it is bound to a requirement.

use crate::{
    judge::{FailClass, claims::Unseen},
    spec::Level,
};

/// What one predicate came to. `None`: nothing to say.
pub(super) type Judged = Option<Outcome1>;

pub(super) enum Outcome1 {
    Pass { expected: String, observed: String },
    Fail { expected: String, observed: String, class: FailClass, level: Option<Level>, why: String },
    Unseen { expected: String, why: String },
}

pub(super) fn pass(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Pass { expected: expected.into(), observed: observed.into() })
}

pub(super) fn fail(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Fail {
        expected: expected.into(),
        observed: observed.into(),
        class: FailClass::WrongForm,
        level: None,
        why: String::new(),
    })
}

pub(super) fn granted_too_much(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Fail {
        expected: expected.into(),
        observed: observed.into(),
        class: FailClass::Accepted,
        level: None,
        why: String::new(),
    })
}

pub(super) fn granted_too_little(expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    Some(Outcome1::Fail {
        expected: expected.into(),
        observed: observed.into(),
        class: FailClass::Refused,
        level: None,
        why: String::new(),
    })
}

pub(super) fn unseen(expected: impl Into<String>, why: Unseen) -> Judged {
    Some(Outcome1::Unseen { expected: expected.into(), why: why.0 })
}

pub(super) fn when(ok: bool, expected: impl Into<String>, observed: impl Into<String>) -> Judged {
    if ok { pass(expected, observed) } else { fail(expected, observed) }
}
