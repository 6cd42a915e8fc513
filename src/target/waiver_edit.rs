//! Writing waivers into a target file as text: comments, order and quoting of everything else stay as they are. What
//! comes out is read again, and given back only if it says what it said before and the new waivers besides.

use std::ops::Range;

use serde_json::{Map, Value};

use super::{Waiver, WaiverSpec};
use crate::document::Document;

/// Why the file is not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaiverEditError {
    /// The waivers that are there are no list of waivers.
    #[error("`waivers` cannot be understood: {0}")]
    Waivers(String),
    /// The text is laid out in a way that txspec would not edit safely.
    #[error("`waivers` is laid out in a way that is not edited as text")]
    Layout,
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverEdit {
    /// The new text of the file.
    pub text: String,
    /// Waivers added.
    pub added: usize,
    /// Waivers whose expiry was moved.
    pub renewed: usize,
}

/// Adds waivers to a target file. One that is there already, for the same check, scenarios and observation, gets the new
/// expiry instead.
///
/// # Errors
/// When the file cannot be edited as text without touching anything else.
pub fn add_waivers(document: &Document, waivers: &[Waiver]) -> Result<WaiverEdit, WaiverEditError> {
    let mut known = existing(document)?;
    let mut text = document.text().to_owned();
    let mut moved: Vec<(Range<usize>, String)> = Vec::new();
    let mut fresh = Vec::new();
    for waiver in waivers {
        match known.iter().position(|k| same(k, waiver)) {
            Some(i) => {
                let place = document.span(&format!("/waivers/{i}/expires")).ok_or(WaiverEditError::Layout)?;
                moved.push((place, waiver.expires.to_string()));
                known[i].expires = waiver.expires;
            }
            None => fresh.push(waiver),
        }
    }
    let renewed = moved.len();
    if !fresh.is_empty() {
        text = append(document, known.len(), &fresh)?;
    }
    // What is appended stands behind everything that is there, so that the places still hold.
    moved.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    for (place, date) in moved {
        text.replace_range(place, &date);
    }
    let mut wanted: Vec<&Waiver> = known.iter().collect();
    wanted.extend(fresh.iter().copied());
    verify(document, &text, &wanted)?;
    Ok(WaiverEdit { text, added: fresh.len(), renewed })
}

/// The waivers as YAML, for a file that is not edited.
pub fn waivers_as_yaml(waivers: &[Waiver]) -> String {
    let items: Vec<&Waiver> = waivers.iter().collect();
    format!("waivers:\n{}", block(&items, "  ", "\n"))
}

fn existing(document: &Document) -> Result<Vec<Waiver>, WaiverEditError> {
    let Some(value) = document.value().get("waivers").filter(|v| !v.is_null()) else {
        return Ok(Vec::new());
    };
    let specs: Vec<WaiverSpec> =
        serde_json::from_value(value.clone()).map_err(|e| WaiverEditError::Waivers(e.to_string()))?;
    specs.iter().map(|s| s.parse().map_err(|m| WaiverEditError::Waivers(m.message))).collect()
}

/// Whether two waivers accept the same.
fn same(a: &Waiver, b: &Waiver) -> bool {
    a.check == b.check && a.scenarios == b.scenarios && a.observed == b.observed
}

fn append(document: &Document, known: usize, fresh: &[&Waiver]) -> Result<String, WaiverEditError> {
    let text = document.text();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = text.to_owned();
    let insert = |out: &mut String, at: usize, lines: &str| {
        let at_line_start = at == 0 || out[..at].ends_with('\n');
        let lines = if at_line_start { lines.to_owned() } else { format!("{newline}{}", lines.trim_end()) };
        out.insert_str(at, &lines);
    };
    if document.value().get("waivers").is_none() {
        let lines = format!("waivers:{newline}{}", block(fresh, "  ", newline));
        insert(&mut out, text.len(), &lines);
        return Ok(out);
    }
    let key = document.key_span("/waivers").ok_or(WaiverEditError::Layout)?;
    if known == 0 {
        let line_end = end_of_line(text, key.end);
        let rest = &text[key.end..line_end];
        let kept = match document.value().get("waivers") {
            Some(Value::Array(_)) => rest.replacen("[]", "", 1),
            _ => rest.replacen('~', "", 1).replacen("null", "", 1),
        };
        out.replace_range(key.end..line_end, kept.trim_end());
        let at = key.end + kept.trim_end().len();
        let lines = format!("{newline}{}", block(fresh, "  ", newline));
        out.insert_str(at, lines.trim_end_matches(['\r', '\n']));
        return Ok(out);
    }
    let first = document.span("/waivers/0").ok_or(WaiverEditError::Layout)?;
    let line = text[..first.start].rfind('\n').map_or(0, |n| n + 1);
    let indent = text[line..first.start].strip_suffix("- ").map(str::trim_end);
    let Some("") = indent.map(str::trim_start) else {
        return Err(WaiverEditError::Layout);
    };
    let indent = text[line..first.start].split('-').next().unwrap_or_default();
    let last = document.end_within(&format!("/waivers/{}", known - 1)).ok_or(WaiverEditError::Layout)?;
    let at = if text[..last].ends_with('\n') { last } else { end_of_line(text, last) };
    let at = if text[at..].starts_with("\r\n") {
        at + 2
    } else if text[at..].starts_with('\n') {
        at + 1
    } else {
        at
    };
    insert(&mut out, at, &block(fresh, indent, newline));
    Ok(out)
}

fn end_of_line(text: &str, from: usize) -> usize {
    let line = &text[from..];
    from + line.find('\n').map_or(line.len(), |n| if line[..n].ends_with('\r') { n - 1 } else { n })
}

fn block(waivers: &[&Waiver], indent: &str, newline: &str) -> String {
    let mut out = String::new();
    for waiver in waivers {
        for (i, (key, value)) in members(waiver).into_iter().enumerate() {
            let lead = if i == 0 { "- " } else { "  " };
            let value = match value {
                Written::Scalar(text) => text,
                Written::List(items) => list(&items, &format!("{indent}{lead}{key}: "), newline),
            };
            out.push_str(&format!("{indent}{lead}{key}: {value}{newline}"));
        }
    }
    out
}

/// The columns that a list is folded at.
const WIDTH: usize = 110;

/// A list in brackets, folded between its items. `before` stands on its first line already.
fn list(items: &[String], before: &str, newline: &str) -> String {
    let indent: String = before.chars().take_while(|c| *c == ' ').chain("    ".chars()).collect();
    let mut out = "[".to_owned();
    let mut column = before.len() + 1;
    for (i, item) in items.iter().enumerate() {
        let end = if i + 1 == items.len() { "]" } else { "," };
        if i > 0 && column + 1 + item.len() + end.len() > WIDTH {
            out.push_str(newline);
            out.push_str(&indent);
            column = indent.len();
        } else if i > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(item);
        out.push_str(end);
        column += item.len() + end.len();
    }
    out
}

/// How a member of a waiver is written.
enum Written {
    Scalar(String),
    List(Vec<String>),
}

fn members(waiver: &Waiver) -> Vec<(&'static str, Written)> {
    let text = |text: &str| Written::Scalar(scalar(text));
    let mut out = vec![("check", text(&waiver.check))];
    match waiver.scenarios.as_slice() {
        [] => {}
        [one] => out.push(("scenario", text(one))),
        many => out.push(("scenario", Written::List(many.iter().map(|s| scalar(s)).collect()))),
    }
    out.push(("observed", text(&waiver.observed)));
    out.extend(waiver.level.map(|l| ("level", Written::Scalar(l.word().to_owned()))));
    out.push(("reason", text(&waiver.reason)));
    out.push(("issue", text(&waiver.issue)));
    out.push(("owner", text(&waiver.owner)));
    out.push(("expires", Written::Scalar(waiver.expires.to_string())));
    out
}

/// A text as YAML: ids as they are, all else in double quotes, whose escapes are those of JSON. `${` would be taken for
/// a variable.
fn scalar(text: &str) -> String {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = starts_well && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if plain && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    Value::from(text.replace("${", "$${")).to_string()
}

/// The new text must say what the old one said, and the waivers that are wanted.
fn verify(document: &Document, text: &str, wanted: &[&Waiver]) -> Result<(), WaiverEditError> {
    let edited = Document::parse(&document.name, text).map_err(|_| WaiverEditError::Layout)?;
    let rest = |d: &Document| -> Map<String, Value> {
        let members = d.value().as_object().cloned().unwrap_or_default();
        members.into_iter().filter(|(name, _)| name != "waivers").collect()
    };
    let read = existing(&edited)?;
    let unescaped: Vec<Waiver> = read
        .iter()
        .map(|w| {
            let plain = |text: &str| text.replace("$${", "${");
            Waiver {
                observed: plain(&w.observed),
                reason: plain(&w.reason),
                issue: plain(&w.issue),
                owner: plain(&w.owner),
                ..w.clone()
            }
        })
        .collect();
    let expected: Vec<Waiver> = wanted
        .iter()
        .map(|w| {
            let plain = |text: &str| text.replace("$${", "${");
            Waiver {
                observed: plain(&w.observed),
                reason: plain(&w.reason),
                issue: plain(&w.issue),
                owner: plain(&w.owner),
                ..(*w).clone()
            }
        })
        .collect();
    if rest(document) == rest(&edited) && unescaped == expected {
        Ok(())
    } else {
        Err(WaiverEditError::Layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiver(check: &str, observed: &str) -> Waiver {
        Waiver {
            check: check.into(),
            scenarios: vec!["a-b".into(), "c-d".into()],
            observed: observed.into(),
            level: None,
            reason: "kept: \"old\" clients # ${HOME}".into(),
            issue: "https://issues.example/1".into(),
            owner: "as-team".into(),
            expires: "2031-01-31".parse().unwrap(),
        }
    }

    fn edited(text: &str, waivers: &[Waiver]) -> Result<WaiverEdit, WaiverEditError> {
        add_waivers(&Document::parse("t.yaml", text).unwrap(), waivers)
    }

    #[test]
    fn waivers_are_added_wherever_the_list_is_and_every_line_stays() {
        let one = "  - check: X-1\n    observed: 400 a\n    reason: r\n    issue: i\n    owner: o\n    expires: 2030-01-01";
        for text in [
            "# top\nname: AS # said\n".to_owned(),
            "name: AS".to_owned(),
            "name: AS\nwaivers: [] # none yet\n# tail\nreading: strict\n".to_owned(),
            "name: AS\nwaivers: # none yet\nreading: strict\n".to_owned(),
            format!(
                "name: AS\nwaivers:\n  # old ones\n{one} # soon\n  # end of list\n\nreading: strict # r\n"
            ),
            format!("name: AS\nwaivers:\n{one}"),
            format!(
                "name: AS\nwaivers:\n{}\n\n# tail\n",
                one.replace("\n  ", "\n").replacen("  - ", "- ", 1)
            ),
            format!("name: AS\r\nwaivers:\r\n{}\r\nreading: strict\r\n", one.replace('\n', "\r\n")),
        ] {
            let edit =
                edited(&text, &[waiver("Y-2", "200 accepted")]).unwrap_or_else(|e| panic!("{e}:\n{text}"));
            assert_eq!((edit.added, edit.renewed), (1, 0));
            for line in text.lines() {
                let line = line.replace("[] ", "");
                assert!(
                    edit.text.lines().any(|l| l.replace("  ", " ") == line.replace("  ", " ")),
                    "{line} in\n{}",
                    edit.text
                );
            }
            assert!(edit.text.contains("expires: 2031-01-31"));
            assert_eq!(text.contains('\r'), edit.text.contains('\r'));
            assert!(!text.contains('\r') || !edit.text.replace("\r\n", "").contains('\n'));
        }
    }

    #[test]
    fn a_waiver_that_is_there_is_renewed() {
        let text = edited("name: AS\n", &[waiver("X-1", "400 a")]).unwrap().text;
        let later = Waiver { expires: "2032-02-02".parse().unwrap(), ..waiver("X-1", "400 a") };
        let edit = edited(&text, &[later, waiver("Y-1", "400 a")]).unwrap();
        assert_eq!((edit.added, edit.renewed), (1, 1));
        assert_eq!(edit.text.matches("2032-02-02").count(), 1);
    }

    #[test]
    fn many_scenarios_are_folded_and_read_again() {
        let many: Vec<String> = (0..107).map(|i| format!("some-scenario-of-a-length-{i}")).collect();
        let long = Waiver { scenarios: many.clone(), ..waiver("X-1", "200 accepted") };
        for text in [
            "# top\nname: AS\nwaivers:\n# old\n- check: Y-1 # said\n  observed: 400 a\n  reason: r\n  issue: i\n  owner: o\n  expires: 2030-01-01 # soon\n# tail\nreading: strict\n",
            "name: AS\r\nreading: strict # r\r\n",
        ] {
            let edit = edited(text, std::slice::from_ref(&long)).unwrap();
            assert!(edit.text.lines().all(|line| line.len() <= WIDTH), "{}", edit.text);
            assert!(edit.text.lines().count() > text.lines().count() + 30, "{}", edit.text);
            for line in text.lines() {
                assert!(edit.text.lines().any(|l| l == line), "{line} in\n{}", edit.text);
            }
            assert!(!text.contains('\r') || !edit.text.replace("\r\n", "").contains('\n'));
            let read = existing(&Document::parse("t.yaml", &edit.text).unwrap()).unwrap();
            assert_eq!(read.last().unwrap().scenarios, many);
            // What was written is found again, and can be renewed.
            let later = Waiver { expires: "2032-02-02".parse().unwrap(), ..long.clone() };
            let again = edited(&edit.text, &[later]).unwrap();
            assert_eq!((again.added, again.renewed), (0, 1));
            assert_eq!(again.text, edit.text.replace("2031-01-31", "2032-02-02"));
        }
        let other: serde_json::Value =
            serde_yaml::from_str(&waivers_as_yaml(std::slice::from_ref(&long))).unwrap();
        assert_eq!(other["waivers"][0]["scenario"].as_array().unwrap().len(), 107);
        // What fits stays on its line.
        let few = waivers_as_yaml(&[waiver("X-1", "200 accepted")]);
        assert!(few.contains("    scenario: [a-b, c-d]\n"), "{few}");
    }

    #[test]
    fn what_cannot_be_edited_safely_is_left_alone() {
        for text in [
            "{ name: AS }\n",
            "name: AS\nwaivers: [ { check: X-1, observed: 400 a, reason: r, issue: i, owner: o, expires: 2030-01-01 } ]\n",
        ] {
            assert_eq!(edited(text, &[waiver("Y-2", "1")]), Err(WaiverEditError::Layout), "{text}");
        }
        assert!(matches!(edited("waivers: 3\n", &[waiver("Y-2", "1")]), Err(WaiverEditError::Waivers(_))));
    }
}
