//! A change in words: not "pass -> fail", but what the server does differently.

use super::{build::Judged, weight::Weight};
use crate::{
    judge::{FailClass, Finding, Verdict},
    spec::Level,
};

/// Most of an observation that is quoted.
const QUOTE: usize = 160;

/// What changed between the findings of one requirement in one scenario.
pub(super) fn meaning(old: &[Judged<'_>], new: &[Judged<'_>]) -> String {
    let (was, is) = speaking(old, new);
    match (was, is) {
        (Some(was), Some(is)) => between(was, is),
        (None, Some(is)) => format!("not judged -> {}", state(is)),
        (Some(was), None) => format!("{} -> not judged any more", state(was)),
        (None, None) => "nothing".to_owned(),
    }
}

/// The two findings that show the change: the gravest of now, and its counterpart of then.
fn speaking<'a>(old: &[Judged<'a>], new: &[Judged<'a>]) -> (Option<&'a Finding>, Option<&'a Finding>) {
    let grave = |f: &Finding| (f.verdict == Verdict::Fail, f.verdict == Verdict::Inconclusive, f.level);
    let counterpart = |of: &Finding, others: &[Judged<'a>]| {
        let same =
            others.iter().map(|(_, f)| *f).find(|f| f.expected == of.expected && grave(f) != grave(of));
        same.or_else(|| others.iter().map(|(_, f)| *f).max_by_key(|f| grave(f)))
    };
    let is = new.iter().map(|(_, f)| *f).max_by_key(|f| grave(f));
    let was = old.iter().map(|(_, f)| *f).max_by_key(|f| grave(f));
    match (was, is) {
        (Some(was), Some(is)) if grave(was).0 && !grave(is).0 => (Some(was), counterpart(was, new)),
        (_, Some(is)) => (counterpart(is, old), Some(is)),
        (was, None) => (was, None),
    }
}

/// What should have come, by how the violation is weighed: `must be refused and`.
fn owed(level: Level, what: &str) -> String {
    match level {
        Level::Must | Level::Should => format!("{} be {what} and", level.word()),
        Level::May | Level::Observe => format!("was {what} and"),
    }
}

fn between(was: &Finding, is: &Finding) -> String {
    let granted = |f: &Finding| f.verdict == Verdict::Fail && f.class == Some(FailClass::Accepted);
    let refused = |f: &Finding| f.verdict == Verdict::Fail && f.class == Some(FailClass::Refused);
    if is.verdict == Verdict::Inconclusive || was.verdict == Verdict::Inconclusive {
        return format!("{} -> {}", state(was), state(is));
    }
    if granted(is) && !granted(was) {
        // What is granted may be too much of something that was granted before as well.
        return match refusal(was) {
            true => format!("{} is granted now (was: {})", owed(is.level, "refused"), quoted(was)),
            false => format!("{} -> {}, which must not be accepted", quoted(was), quoted(is)),
        };
    }
    if granted(was) && !granted(is) && refusal(is) {
        return format!("was granted and is refused now ({})", quoted(is));
    }
    if refused(is) && !refused(was) {
        return format!("{} is refused now ({})", owed(is.level, "granted"), quoted(is));
    }
    if refused(was) && !refused(is) {
        return format!("was refused and is granted now (was: {})", quoted(was));
    }
    match (code(&was.observed), code(&is.observed)) {
        (Some((_, a)), Some((_, b))) if a != b => return format!("error code: {a} -> {b}"),
        (Some((a, _)), Some((b, _))) if a != b => return format!("status: {a} -> {b}"),
        _ => {}
    }
    if was.steady() == is.steady() {
        // The same answer, judged otherwise.
        return format!("{} ({}) -> {} ({})", quoted(was), verdict(was), quoted(is), verdict(is));
    }
    format!("{} -> {}", quoted(was), quoted(is))
}

/// Whether a refusal was observed.
fn refusal(f: &Finding) -> bool {
    code(&f.observed).is_some() || f.observed.contains("refused") || f.observed.starts_with("status 4")
}

fn state(f: &Finding) -> String {
    match f.verdict {
        Verdict::Inconclusive => format!("inconclusive ({})", f.cause.map_or("no cause given", |c| c.word())),
        Verdict::Pass => format!("met ({})", quoted(f)),
        Verdict::Fail => format!("{} ({})", Weight::of(f.level).word(), quoted(f)),
        Verdict::NotApplicable | Verdict::Error => "not judged".to_owned(),
    }
}

fn verdict(f: &Finding) -> &'static str {
    match f.verdict {
        Verdict::Fail => Weight::of(f.level).word(),
        Verdict::Pass => Weight::Met.word(),
        other => other.word(),
    }
}

fn quoted(f: &Finding) -> String {
    if f.observed.is_empty() {
        return "nothing".to_owned();
    }
    crate::report::clip(&f.steady(), QUOTE)
}

/// Status and error code out of an observation such as `400 invalid_grant` or `status 400, error invalid_grant`.
pub(super) fn code(observed: &str) -> Option<(&str, &str)> {
    let text = observed.strip_prefix("status ").unwrap_or(observed);
    let (status, rest) = text.split_once([' ', ','])?;
    let code = rest.trim_start().strip_prefix("error ").unwrap_or(rest.trim_start());
    let is_status = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
    let is_code = !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    (is_status && is_code).then_some((status, code))
}
