//! What every format of a comparison says in the same words.

use super::{Cell, Column, Comparison, Facts, Row, Unique, Weight};
use crate::{
    report::visible::count,
    spec::{Level, Requirement},
};

/// `A`, `B` … for the columns; there are at most twelve.
pub(super) fn letter(index: usize) -> String {
    u8::try_from(index)
        .ok()
        .and_then(|i| b'A'.checked_add(i))
        .map_or_else(|| "?".to_owned(), |b| char::from(b).to_string())
}

/// What the comparison shows, in a few sentences; `name` makes a name safe for the format.
pub(super) fn lead(comparison: &Comparison, name: &dyn Fn(&str) -> String) -> Vec<String> {
    let all = comparison.requirements.all;
    let clean = |documented: bool| -> Vec<String> {
        let targets = comparison.targets.iter().filter(|t| t.target.documented.is_some() == documented);
        targets
            .filter(|t| t.requirements.violated == 0)
            .map(|t| format!("{} (judged on {} of {all})", name(&plain(t)), t.requirements.judged()))
            .collect()
    };
    let measured: Vec<&Column> =
        comparison.targets.iter().filter(|t| t.target.documented.is_none()).collect();
    let mut out = Vec::new();
    if !measured.is_empty() {
        let clean = clean(false);
        out.push(if clean.is_empty() {
            "Every server that was measured violates at least one must.".to_owned()
        } else {
            format!("No must was seen violated on {}.", clean.join(", "))
        });
        let holes = measured.iter().filter(|t| t.requirements.accepted > 0).count();
        let who = match holes {
            0 => "No server was".to_owned(),
            1 => format!("1 of {} was", count(measured.len(), "server")),
            _ => format!("{holes} of {} were", count(measured.len(), "server")),
        };
        out.push(format!("{who} seen granting something that must be refused."));
    }
    if measured.len() < comparison.targets.len() {
        let clean = clean(true);
        let documented: Vec<&Column> =
            comparison.targets.iter().filter(|t| t.target.documented.is_some()).collect();
        out.push(match (clean.as_slice(), documented.as_slice()) {
            ([], [one]) => {
                format!("By its documents alone, {} violates at least one must.", name(&plain(one)))
            }
            ([], all) => format!(
                "By their documents alone, each of the {} that were not measured violates at least one must.",
                all.len()
            ),
            (clean, _) => format!("By documents alone, no must is violated by {}.", clean.join(", ")),
        });
    }
    out
}

/// Why the numbers order nothing: the words of the README.
pub(super) const NO_RANKING: &str = "A failure is a sentence of a specification that an exchange contradicts, and the more a target \
     declares, the more of them are asked: the numbers are no ranking. A server that claims less is judged on less.";

/// How the requirements came out.
pub(super) fn totals(comparison: &Comparison) -> [String; 2] {
    let t = comparison.requirements;
    [
        format!("{} {} the servers apart", t.differing, if t.differing == 1 { "tells" } else { "tell" }),
        format!(
            "{} judged on some servers only and with no departure, {} alike everywhere, {} exercised nowhere.",
            t.unequally_judged, t.alike, t.not_exercised
        ),
    ]
}

/// The beginning of [`totals`].
pub(super) fn over(comparison: &Comparison) -> String {
    format!(
        "Of {}, over {}:",
        count(comparison.requirements.all, "requirement"),
        count(comparison.shared_scenarios, "shared scenario")
    )
}

/// What is called most.
pub(super) const MOST: &str = "More than half of the servers judged on it depart, and at least two.";

/// What `--discriminating` leaves out.
pub(super) const DISCRIMINATING: &str = "Only what tells the servers apart is shown: requirements that came out differently, and facts that differ.";

/// Name and version, without the mark of documents.
pub(super) fn plain(column: &Column) -> String {
    column.label.replace(" (documented, not measured)", "")
}

/// Where a requirement stands, below the name of its specification.
pub(super) fn place(row: &Row, requirement: Option<&Requirement>) -> String {
    requirement.map_or_else(|| format!("§ {}", row.section), Requirement::place_in_spec)
}

/// The rows of each specification, in the order of its first.
pub(super) fn by_spec(rows: &[Row]) -> Vec<(&str, Vec<&Row>)> {
    let mut out: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        match out.iter_mut().find(|(spec, _)| *spec == row.spec) {
            Some((_, known)) => known.push(row),
            None => out.push((&row.spec, vec![row])),
        }
    }
    out
}

/// `2 violated, 1 warning`: departures by weight.
pub(super) fn weights(levels: impl Iterator<Item = Level>) -> String {
    let levels: Vec<Weight> = levels.map(Weight::of).collect();
    [Weight::Violated, Weight::Warning, Weight::Information]
        .into_iter()
        .filter_map(|weight| {
            let number = levels.iter().filter(|w| **w == weight).count();
            let word = match weight {
                Weight::Warning => return (number > 0).then(|| count(number, "warning")),
                other => other.word(),
            };
            (number > 0).then(|| format!("{number} {word}"))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// The musts that each server violates, for those that violate any: what was accepted that must be refused stands first.
pub(super) fn violated(comparison: &Comparison) -> Vec<(usize, Vec<(&Row, &Cell)>)> {
    // What all depart from alike tells none apart, and stands among what most depart from alone.
    let everywhere = |row: &&Row| !comparison.differing.iter().any(|d| d.requirement == row.requirement);
    let rows: Vec<&Row> =
        comparison.differing.iter().chain(comparison.common.iter().filter(everywhere)).collect();
    (0..comparison.targets.len())
        .map(|i| {
            let cells = rows.iter().filter_map(|row| Some((*row, row.cells.get(i)?)));
            let mut own: Vec<(&Row, &Cell)> =
                cells.filter(|(_, cell)| cell.weight() == Weight::Violated).collect();
            own.sort_by_key(|(_, cell)| !cell.is_hole());
            (i, own)
        })
        .filter(|(_, own)| !own.is_empty())
        .collect()
}

/// What stands above that list.
pub(super) const VIOLATED: &str = "Musts that are violated, server by server";

/// What the signs in it say.
pub(super) const VIOLATED_SAYS: &str =
    "Bold: what must be refused was accepted, a security hole. What is met or tolerated stands further down.";

/// The departures of each server alone, for those that have any.
pub(super) fn alone(comparison: &Comparison) -> impl Iterator<Item = (&Column, Vec<&Unique>)> {
    comparison
        .targets
        .iter()
        .enumerate()
        .map(|(i, t)| (t, comparison.unique.iter().filter(|u| u.target == i).collect::<Vec<_>>()))
        .filter(|(_, own)| !own.is_empty())
}

/// What became of the others.
pub(super) fn others(unique: &Unique) -> &'static str {
    if unique.others_meet_it { "meet it" } else { "not all judged" }
}

/// What a server shows of a fact, for readers; nothing if nothing was observed.
pub(super) fn value(facts: &Facts, index: usize) -> Option<String> {
    let values = facts.values.get(index).filter(|v| !v.is_empty())?;
    // What all that say yes say besides is what the fact's name says already.
    let mut yes = facts.values.iter().flatten().filter_map(|v| v.strip_prefix("yes: "));
    let first = yes.next();
    let same = yes.all(|v| Some(v) == first);
    let one = |v: &String| match v.strip_prefix("yes: ") {
        Some(_) if same => "yes".to_owned(),
        _ => unquoted(v),
    };
    Some(values.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// A value without the marks of code and a list without those of its texts. A text that reads like another value of
/// JSON keeps quotes: `"true"` is not `true`, and a list of one is not its member.
fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('`').and_then(|v| v.strip_suffix('`')).filter(|v| !v.contains('`'));
    if let Some(inner) = inner {
        return match inner {
            "" => "(empty)".to_owned(),
            "nothing" | "yes" | "no" => format!("\"{inner}\""),
            other if serde_json::from_str::<serde_json::Value>(other).is_ok() => format!("\"{other}\""),
            other => other.to_owned(),
        };
    }
    match serde_json::from_str::<Vec<String>>(value) {
        Ok(list) => format!("[{}]", list.join(", ")),
        _ => value.to_owned(),
    }
}

/// At most so many characters, cut between words; of a token type URI only what tells it from others.
pub(super) fn brief(text: &str, limit: usize) -> String {
    let text = text.replace("urn:ietf:params:oauth:token-type:", "urn:…:");
    let Some((end, _)) = text.char_indices().nth(limit) else {
        return text;
    };
    let head = &text[..end];
    let word = |c: char| c.is_alphanumeric() || "-_~%".contains(c);
    let at_gap = !text[end..].starts_with(word);
    let gap = head.char_indices().rev().find(|(_, c)| !word(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    let cut = if at_gap { end } else { gap };
    // One word longer than the room: nothing of it is better than a half.
    format!("{}…", head[..cut].trim_end_matches(|c: char| c.is_whitespace() || ",;:".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_words() {
        assert_eq!(brief("client_secret_basic, none", 25), "client_secret_basic, none");
        assert_eq!(brief("client_secret_basic, none", 24), "client_secret_basic…");
        assert_eq!(brief("client_secret_basic, none", 19), "client_secret_basic…");
        assert_eq!(brief("client_secret_basic, none", 18), "…");
        assert_eq!(brief("urn:ietf:params:oauth:token-type:jwt", 9), "urn:…:jwt");
        assert_eq!(brief("é — ü", 4), "é —…");
        assert_eq!(brief("äöü—xyz", 5), "äöü—…");
    }

    #[test]
    fn values_read_without_marks() {
        let facts = |values: [&str; 3]| Facts {
            fact: "f".into(),
            values: values.map(|v| if v.is_empty() { vec![] } else { vec![v.to_owned()] }).to_vec(),
            differs: true,
        };
        let all = |f: Facts| (0..3).map(|i| value(&f, i)).collect::<Vec<_>>();
        let some = |t: &str| Some(t.to_owned());
        assert_eq!(all(facts(["yes: /typ: a value", "nothing", ""])), [some("yes"), some("nothing"), None]);
        assert_eq!(all(facts(["yes: a", "yes: b", "no"])), [some("yes: a"), some("yes: b"), some("no")]);
        assert_eq!(all(facts([r#"["a","b"]"#, "`x`", "``"])), [some("[a, b]"), some("x"), some("(empty)")]);
        // What differs must not look alike.
        assert_eq!(all(facts(["`true`", "true", ""])), [some("\"true\""), some("true"), None]);
        assert_eq!(all(facts(["`a`", r#"["a"]"#, ""])), [some("a"), some("[a]"), None]);
        assert_eq!(all(facts(["`nothing`", "nothing", ""])), [some("\"nothing\""), some("nothing"), None]);
    }
}
