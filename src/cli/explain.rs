//! `txspec explain`: what an id means.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{Exit, keys, list::scenarios_of, pages, select::refuse_suite, terminal::Terminal, words};
use crate::{
    document::nearest,
    reference::{Fault, faults},
    scenario::{OneOrMany, Scenario, Suite},
    spec::{Ambiguity, Catalogue, CodeEntry, DecisionRow, Level, Requirement, Word},
    target::{embedded, embedded_names},
    wire::printable,
};

/// Explain a requirement, a scenario, a fault, a code, or any word of a report.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  txspec explain TX-2.2.1-issued_token_type-required
  txspec explain actor-without-type
  txspec explain alg-none-accepted
  txspec explain control-failed
  txspec explain partial
  txspec explain capabilities
  txspec explain limits.budget
  txspec explain okta
  txspec explain --all --out docs")]
pub struct ExplainArguments {
    /// Id of a requirement, a scenario, a fault, a row of the decision table, an entry of the ambiguity register; a
    /// code: of a mistake in a file, a class of violations, a verdict, a cause, a state of a waiver; or a word: a
    /// conclusion, level, profile, reading, capability, role, exit code, error code, standing of a requirement, or
    /// other term. Or one of these kinds, in plural; a key of target files, scenario files or report.json; or a target
    /// that comes with txspec, whose file it prints.
    #[arg(required_unless_present = "all", value_name = "WORD")]
    id: Option<String>,
    /// Write a page for every requirement, every code and every kind of words instead.
    #[arg(long, requires = "out", conflicts_with = "id")]
    all: bool,
    /// The folder for the pages.
    #[arg(long, value_name = "FOLDER", requires = "all")]
    out: Option<PathBuf>,
}

/// Longest name that is looked for among the misspelt, in bytes.
const LONGEST: usize = 200;

/// Most scenarios that a page names: some requirements are checked in nearly all.
const NAMED_ON_PAGES: usize = 40;

/// Explains.
pub fn run(arguments: &ExplainArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let suite = match Suite::embedded(catalogue) {
        Ok(suite) => suite,
        Err(error) => return refuse_suite(&error, terminal),
    };
    let all_faults = faults().unwrap_or_default();
    if let Some(folder) = &arguments.out {
        return write_pages(folder, &pages::all(&suite, catalogue, &all_faults), terminal);
    }
    let written = arguments.id.as_deref().unwrap_or_default();
    let known = Known { suite: &suite, catalogue, faults: &all_faults, words: catalogue.words() };
    let keys = keys::all();
    let key = || Some(keys::meanings(written.trim(), &keys)).filter(|found| !found.is_empty());
    match known.named(written).or_else(key).as_deref() {
        Some([one]) => terminal.out(&shown(one, terminal.width())),
        Some(meanings) => {
            let kinds: Vec<&str> = meanings.iter().map(|(kind, _)| kind.as_str()).collect();
            let width = terminal.width();
            let texts: Vec<String> = meanings.iter().map(|one| shown(one, width)).collect();
            let head = format!("`{written}` has {} meanings: {}.", kinds.len(), kinds.join("; "));
            let rule = format!("\n\n{}\n\n", "-".repeat(20));
            terminal.out(&format!("{}{rule}{}", wrap(&head, width), texts.join(&rule)));
        }
        None => {
            // What is far longer than any name is none misspelt, and would take its time to compare.
            let names = known.names().chain(keys.iter().map(|key| key.path.as_str()));
            let near = if written.len() > LONGEST { Vec::new() } else { nearest(written, names, 3) };
            let written = printable(written, LONGEST);
            let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
            let hint = match near.as_slice() {
                [] => format!(
                    "`txspec list requirements`, `list scenarios` and `list faults` show the ids; `txspec explain KIND` shows the words of a kind: {}",
                    words::kinds().join(", ")
                ),
                [one] => format!("did you mean {one}?"),
                [most @ .., last] => format!("did you mean {} or {last}?", most.join(", ")),
            };
            terminal.failure(&format!("nothing is called `{written}`"), Some(&hint));
            return Exit::Usage;
        }
    }
    Exit::Ok
}

/// Everything that has a name.
struct Known<'a> {
    suite: &'a Suite,
    catalogue: &'a Catalogue,
    faults: &'a [Fault],
    words: Vec<Word>,
}

/// The kind of those meanings whose explanation is a file.
const A_TARGET: &str = "a target that comes with txspec";

/// What kind of thing a name stands for, and the explanation.
type Meaning = (String, String);

impl Known<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.catalogue
            .ids()
            .chain(self.catalogue.diagnostics().iter().map(|d| d.code.as_str()))
            .chain(self.words.iter().map(|w| w.word.as_str()))
            .chain(words::kinds())
            .chain(self.suite.scenarios().iter().map(|s| s.id.as_str()))
            .chain(self.faults.iter().map(|f| f.id.as_str()))
            .chain(self.catalogue.rows().iter().map(|r| r.id.as_str()))
            .chain(self.catalogue.ambiguities().iter().map(|a| a.id.as_str()))
            .chain(embedded_names())
    }

    /// What a name stands for. If none is written just so, that of another case, with hyphens for blanks, or in singular.
    fn named(&self, written: &str) -> Option<Vec<Meaning>> {
        let meanings = self.meanings(written);
        if !meanings.is_empty() {
            return Some(meanings);
        }
        let hyphened = written.trim().replace(' ', "-");
        let named = |written: &str| self.names().find(|name| name.eq_ignore_ascii_case(written));
        let name = named(&hyphened).or_else(|| named(hyphened.strip_suffix('s')?))?;
        Some(self.meanings(name))
    }

    fn meanings(&self, id: &str) -> Vec<Meaning> {
        let Self { suite, catalogue, faults, .. } = *self;
        let mut out: Vec<Meaning> = Vec::new();
        let mut add = |kind: &str, text: String| out.push((kind.to_owned(), text));
        if let Some(row) = catalogue.get(id) {
            add("a requirement", requirement(row, suite, catalogue, faults));
        }
        if let Some(entry) = catalogue.diagnostic(id) {
            let kind = entry.kind.words();
            add(kind, as_text(&[entry.code.clone(), kind.to_owned()], &code_parts(entry)));
        }
        for word in self.words.iter().filter(|w| w.word == id) {
            let head = [word.word.clone(), word.kind.words().to_owned()];
            add(word.kind.words(), as_text(&head, &words::parts(word, suite, NAMED)));
        }
        out.extend(words::of_kind(id, catalogue, &self.words));
        let mut add = |kind: &str, text: String| out.push((kind.to_owned(), text));
        if let Some(one) = suite.get(id) {
            add("a scenario", scenario(one, catalogue));
        }
        if let Some(fault) = faults.iter().find(|f| f.id == id) {
            add("a fault of the reference server", fault_text(fault));
        }
        if let Some(entry) = catalogue.ambiguity(id) {
            add("an entry of the ambiguity register", ambiguity(entry));
        }
        let stating = |r: &&Requirement| r.statements.iter().any(|s| s.eq_ignore_ascii_case(id));
        let stated: String = catalogue
            .requirements()
            .iter()
            .filter(stating)
            .map(|r| format!("\n  {}: {}", r.id, r.says.split_whitespace().collect::<Vec<_>>().join(" ")))
            .collect();
        if !stated.is_empty() {
            let text =
                format!("{}\none of the thirty keyword statements of RFC 8693\n{stated}", id.to_uppercase());
            add("a keyword statement", text);
        }
        if let Some(row) = catalogue.row(id) {
            add("a row of the decision table", decision(row));
        }
        if let Some(text) = embedded(id) {
            add(A_TARGET, format!("# The target file that `--target {id}` stands for.\n{}", text.trim_end()));
        }
        out
    }
}

/// A meaning as it is printed: words wrapped, a file as it is.
fn shown((kind, text): &Meaning, width: usize) -> String {
    if kind == A_TARGET { text.clone() } else { wrap(text, width) }
}

fn ambiguity(entry: &Ambiguity) -> String {
    let head = [format!("{} {}", entry.id, entry.zone), "entry of the ambiguity register".to_owned()];
    let parts = [
        Part::new("", entry.texts.trim()),
        Part::new("How txspec treats it", entry.treatment.trim()),
        Part::new("Requirements", entry.requirements.join(", ")),
    ];
    as_text(&head, &parts)
}

fn decision(row: &DecisionRow) -> String {
    let head = [row.id.clone(), "row of the decision table of error codes".to_owned()];
    let codes: Vec<&str> =
        row.expected.iter().map(|code| if code == "*" { "any" } else { code.as_str() }).collect();
    let statuses: Vec<String> = row.statuses.iter().map(u16::to_string).collect();
    let mut parts = vec![
        Part::new("Situation", row.situation.trim()),
        Part::new("Error codes that fit", codes.join(", ")),
        Part::new("Statuses that fit", statuses.join(", ")),
    ];
    for tolerated in &row.tolerated {
        let reading = tolerated.reading.as_ref().map(|r| format!(", reading {r}")).unwrap_or_default();
        let heading =
            format!("With {} a violation of level {}{reading}", tolerated.code, tolerated.level.word());
        parts.push(Part::new(heading, tolerated.why.trim()));
    }
    parts.push(Part::new("With any other code", format!("a violation of level {}", row.otherwise.word())));
    parts.push(Part::new("Judged as", row.requirement.clone()));
    as_text(&head, &parts)
}

/// Most scenarios that the terminal names.
const NAMED: usize = 12;

/// A paragraph of an explanation.
pub(super) struct Part {
    /// What it is about; empty for the sentence itself.
    pub(super) heading: String,
    pub(super) text: String,
    /// Ids that it lists.
    pub(super) names: Vec<String>,
}

impl Part {
    pub(super) fn new(heading: impl Into<String>, text: impl Into<String>) -> Self {
        Self { heading: heading.into(), text: text.into(), names: Vec::new() }
    }

    pub(super) fn listing(heading: &str, names: Vec<String>, most: usize) -> Self {
        let more = names.len().saturating_sub(most);
        let text =
            if more > 0 { format!("{} of them, the first {most}:", names.len()) } else { String::new() };
        Self { heading: heading.into(), text, names: names.into_iter().take(most).collect() }
    }
}

pub(super) fn as_text(head: &[String], parts: &[Part]) -> String {
    let mut out = head.join("\n");
    for part in parts {
        let words = [part.text.trim(), &part.names.join(", ")].join(" ");
        match part.heading.as_str() {
            "" => {
                let _ = write!(out, "\n\n{}", words.trim());
            }
            heading => {
                let _ = write!(out, "\n\n{heading}: {}", words.trim());
            }
        }
    }
    out
}

fn requirement(row: &Requirement, suite: &Suite, catalogue: &Catalogue, faults: &[Fault]) -> String {
    let mut head = vec![row.id.clone()];
    head.extend(requirement_head(row));
    head.extend(catalogue.section_url(row));
    as_text(&head, &requirement_parts(row, suite, catalogue, faults, NAMED))
}

/// Where a requirement stands and how it is scored.
pub(super) fn requirement_head(row: &Requirement) -> Vec<String> {
    let mut out = format!("{}, {}, {}", row.place(), row.level.word(), row.class.meaning());
    if let Some(keyword) = &row.keyword {
        let _ = write!(out, " ({keyword})");
    }
    if !row.statements.is_empty() {
        let _ = write!(out, ", statement {}", row.statements.join(", "));
    }
    vec![out]
}

/// What a requirement says, how it is judged, and what proves the check.
pub(super) fn requirement_parts(
    row: &Requirement,
    suite: &Suite,
    catalogue: &Catalogue,
    faults: &[Fault],
    most: usize,
) -> Vec<Part> {
    let mut out = vec![Part::new("", row.says.trim())];
    out.extend(row.note.as_ref().map(|note| Part::new("How it is judged", note.trim())));
    for reading in &row.readings {
        let default = if reading.default { " (default)" } else { "" };
        out.push(Part::new(format!("Reading {}{default}", reading.id), reading.says.trim()));
    }
    for entry in row.ambiguity.iter().filter_map(|id| catalogue.ambiguity(id)) {
        out.push(Part::new(format!("Ambiguity {}, {}", entry.id, entry.zone.trim()), entry.treatment.trim()));
    }
    if let Some(policy) = &row.policy {
        let knob = serde_json::to_value(policy.knob)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default();
        let words = format!(
            "With `policy: {{ {knob}: … }}` in the target file a violation counts as {}.",
            policy.raises_to.word()
        );
        out.push(Part::new("", words));
    }
    if let Some(other) = &row.same_as {
        out.push(Part::new("", format!("It says the same as {other} and is checked there.")));
    }
    match &row.unchecked {
        Some(reason) => out.push(Part::new("Not checked", reason.trim())),
        None => {
            let scenarios = scenarios_of(row, suite, catalogue).into_iter().map(str::to_owned).collect();
            out.push(Part::listing("Scenarios", scenarios, most.min(NAMED_ON_PAGES)));
        }
    }
    let proving: Vec<String> =
        faults.iter().filter(|f| f.violates.contains(&row.id)).map(|f| f.id.clone()).collect();
    if !proving.is_empty() {
        out.push(Part::listing("Faults that prove it", proving, usize::MAX));
    }
    out
}

/// What a code means and what to do about it.
pub(super) fn code_parts(entry: &CodeEntry) -> Vec<Part> {
    vec![Part::new("", entry.means.trim()), Part::new("What to do", entry.mend.trim())]
}

/// Writes every page under a folder. Files that no page stands for any more stay: whose they are is not known.
fn write_pages(folder: &Path, pages: &BTreeMap<String, String>, terminal: &Terminal) -> Exit {
    for (name, text) in pages {
        let path = folder.join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        if let Err(error) = written {
            terminal.failure(&format!("failed to write {}: {error}", path.display()), None);
            return Exit::Usage;
        }
    }
    terminal.err(&format!("{} pages under {}", pages.len(), folder.display()));
    Exit::Ok
}

fn scenario(s: &Scenario, catalogue: &Catalogue) -> String {
    let mut out = format!(
        "{}\n{}\n{}, profile {}, {}:{}",
        s.test_name(),
        s.title,
        s.section,
        s.profile.name(),
        s.origin.0,
        s.origin.1
    );
    if let Some(control) = &s.control {
        let difference = s
            .edits
            .last()
            .map(crate::run::difference)
            .map(|d| format!("; the difference: {d}"))
            .unwrap_or_default();
        let _ = write!(out, "\n\nControl: {control}{difference}");
    }
    if !s.requires.is_empty() {
        let names: Vec<&str> = s.requires.iter().map(|c| c.name()).collect();
        let _ = write!(out, "\n\nNeeds the capabilities {}", names.join(", "));
    }
    if let Some(note) = &s.note {
        let _ = write!(out, "\n\n{}", note.trim());
    }
    out.push_str("\n\nChecks, besides the generic oracles:");
    for id in s.covers() {
        let words = catalogue.get(id).map(|r| r.says.trim().replace('\n', " ")).unwrap_or_default();
        let _ = write!(out, "\n  {id}: {words}");
        for (level, why) in weighed_otherwise(s, id) {
            let _ = write!(out, "\n    weighed as {} here: {why}", level.word());
        }
    }
    out
}

/// Levels that checks of a scenario give to a requirement in place of its own, and why.
fn weighed_otherwise<'a>(s: &'a Scenario, id: &str) -> Vec<(Level, &'a str)> {
    let checks = (0..s.steps.len()).filter_map(|i| s.expect_of(i)).flat_map(|e| e.success.iter().flatten());
    let about = checks.filter(|c| c.covers.iter().flat_map(OneOrMany::iter).any(|covered| covered == id));
    let mut out: Vec<(Level, &str)> = Vec::new();
    for (level, why) in about.filter_map(|c| Some((c.level?, c.why.as_deref().unwrap_or_default().trim()))) {
        if !out.contains(&(level, why)) {
            out.push((level, why));
        }
    }
    out
}

fn fault_text(fault: &Fault) -> String {
    let mut out = format!("{}\nThe reference server {}.", fault.id, fault.describes.trim_end_matches('.'));
    let _ = write!(out, "\n\nViolates: {}", fault.violates.join(", "));
    if !fault.also.is_empty() {
        let _ = write!(out, "\nAs a consequence perhaps: {}", fault.also.join(", "));
    }
    if let Some(anchor) = &fault.anchor {
        let _ = write!(out, "\nSeen in the wild: {anchor}");
    }
    let _ = write!(out, "\n\nTry it: txspec serve --fault {}", fault.id);
    out
}

/// Wraps long lines at words; indentation is kept.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let mut out = Vec::new();
    for line in text.lines() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let hang = if indent.is_empty() { String::new() } else { format!("{indent}  ") };
        let mut current = indent.clone();
        let mut empty = true;
        for word in line.split_whitespace() {
            if !empty && current.chars().count() + 1 + word.chars().count() > width {
                out.push(std::mem::replace(&mut current, hang.clone()));
                empty = true;
            }
            if !empty {
                current.push(' ');
            }
            current.push_str(word);
            empty = false;
        }
        out.push(current);
    }
    out.join("\n")
}
