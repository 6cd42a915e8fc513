//! The gate as text for a terminal, as Markdown and as a page.

use std::borrow::Cow;

use askama::Template;

use super::{
    Cell, Change, Decision, Gate, Told, Weight,
    html::WIDE,
    terminal::style,
    unproven::{Group, groups},
    weight,
};
use crate::{
    judge::Verdict,
    report::{
        ReportError,
        html::{STYLE, policy},
        markdown::{cell, linked, text},
        terminal::page::{BOLD, DIM, PLAIN, Page, conclusion_mark},
        visible::{count, shown},
    },
    spec::{Catalogue, Level},
};

/// Most of a text that is shown.
const TEXT: usize = 300;
/// Most of a list of names that is shown.
const LONG: usize = 1200;
/// Scenarios that are named of a change.
const NAMED: usize = 3;
/// Changes that are listed of one kind.
const LISTED: usize = 100;

/// Ids that are named of what a run did not reach.
const IDS: usize = 12;

/// Changes of one kind.
struct Section<'a> {
    title: String,
    says: String,
    changes: Cow<'a, [Change]>,
    /// Whether the names say all: the run did not get there.
    brief: bool,
}

impl Section<'_> {
    fn title(&self) -> String {
        format!("{} ({})", self.title, self.changes.len())
    }

    /// As it stands over a section of a page.
    fn heading(&self) -> String {
        let mut letters = self.title();
        if let Some(first) = letters.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        letters
    }

    /// The requirements of a brief section and how many are not named.
    fn ids(&self) -> (Vec<&str>, String) {
        let named = self.changes.iter().take(IDS).map(|c| c.requirement.as_str()).collect();
        let more = self.changes.len().saturating_sub(IDS);
        (named, if more > 0 { format!(" and {more} more, which --format json names") } else { String::new() })
    }
}

impl Gate {
    /// What is to be told, gravest first.
    fn sections(&self) -> Vec<Section<'_>> {
        let plain = |title: &str, changes| Section {
            title: title.to_owned(),
            says: String::new(),
            changes: Cow::Borrowed(changes),
            brief: false,
        };
        let grouped = |title: &str, changes: &[Change], which: &str| -> Vec<Section<'_>> {
            let one = |group: Group| Section {
                title: format!("{title}: {}", group.reason.word()),
                says: group.says,
                changes: Cow::Owned(group.changes),
                // A name says nothing of what is violated.
                brief: group.reason.is_of_the_run()
                    && !changes.iter().any(|c| c.new.verdict == Verdict::Fail),
            };
            groups(changes, which).into_iter().map(one).collect()
        };
        let mut out = vec![plain("worse", &self.worse)];
        out.extend(grouped("departs now, no regression; before", &self.found, "old"));
        out.extend(grouped("no longer proven", &self.lost, "new"));
        out.push(plain("better", &self.better));
        out.extend(grouped("newly proven; before", &self.proven, "old"));
        out.push(plain("changed otherwise, or accepted by a waiver", &self.other));
        out.retain(|section| !section.changes.is_empty());
        out
    }
}

/// The decision in a sentence.
pub fn verdict(gate: &Gate, level: Level) -> String {
    let number = |list: &[Change]| count(list.iter().filter(|c| c.level >= level).count(), "requirement");
    match gate.decision(level) {
        Decision::Worse => format!("regression: {} became worse", number(&gate.worse)),
        Decision::Lost => {
            format!(
                "not proven: {} not proven again in every scenario that proved it before",
                number(&gate.lost)
            )
        }
        Decision::Holds => {
            let mut out = "no regression".to_owned();
            let lists = [
                (&gate.better, "better"),
                (&gate.proven, "newly proven"),
                (&gate.found, "departed from that had not been judged"),
            ];
            for (list, word) in lists {
                if !list.is_empty() {
                    out.push_str(&format!(", {} {word}", count(list.len(), "requirement")));
                }
            }
            out
        }
    }
}

/// What counts, and what the signs say.
fn explained(level: Level, sign: impl Fn(Weight) -> &'static str) -> String {
    format!(
        "A change decides when it counts as {} or more (--fail-on). Signs tell of the scenarios named beside them, not of the \
         requirement as a whole. {}",
        level.word(),
        weight::in_short(sign)
    )
}

/// Sign and word of one side of a change.
fn side(cell: &Cell, sign: impl Fn(Weight) -> &'static str) -> String {
    let waived = if cell.waived { ", waived" } else { "" };
    format!("{} {}{waived}", sign(cell.weight()), cell.weight().word())
}

/// Where a change was seen, in words.
fn places(told: &Told) -> String {
    let mut out = told.scenarios.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if told.scenarios.len() > NAMED {
        out.push_str(&format!(" and {} more", told.scenarios.len() - NAMED));
    }
    out
}

/// For a terminal, in lines of `width` columns.
pub fn terminal(gate: &Gate, level: Level, width: usize, styled: bool) -> String {
    let mut page = Page::new(width, styled);
    for (which, (server, conclusion)) in
        ["old", "new"].into_iter().zip(gate.servers.iter().zip(gate.conclusions))
    {
        let (mark, style) = conclusion_mark(conclusion);
        let server = shown(server, TEXT);
        page.put(0, 2, &[(BOLD, which), (PLAIN, &server), (style, mark), (style, conclusion.word())]);
    }
    for note in &gate.notes {
        page.put(0, 6, &[(BOLD, "note:"), (PLAIN, &shown(note, TEXT))]);
    }
    let sections = gate.sections();
    if sections.iter().any(|section| !section.brief) {
        page.blank();
        page.put(0, 2, &[(DIM, &explained(level, Weight::sign))]);
    }
    for section in sections {
        let list = &section.changes;
        page.blank();
        page.put(0, 2, &[(BOLD, &section.title())]);
        if !section.says.is_empty() {
            page.put(2, 2, &[(DIM, &section.says)]);
        }
        if section.brief {
            let (ids, more) = section.ids();
            page.put(2, 4, &[(PLAIN, &shown(&ids.join(", "), LONG)), (DIM, more.trim())]);
            continue;
        }
        for change in list.iter().take(LISTED) {
            let waived = if change.new.waived { "(waived)" } else { "" };
            let id = shown(&change.requirement, TEXT);
            let states = format!("{} ->", side(&change.old, Weight::sign));
            let now = side(&Cell { waived: false, ..change.new.clone() }, Weight::sign);
            page.put(
                2,
                4,
                &[
                    (PLAIN, change.level.word()),
                    (BOLD, &id),
                    (DIM, &states),
                    (style(change.new.weight()), &now),
                    (DIM, waived),
                ],
            );
            for told in change.told.iter().take(NAMED) {
                page.put(
                    4,
                    6,
                    &[(PLAIN, &shown(&told.says, TEXT)), (DIM, &format!("[{}]", shown(&places(told), TEXT)))],
                );
            }
            if change.told.len() > NAMED {
                page.put(4, 6, &[(DIM, &format!("… and {} more", change.told.len() - NAMED))]);
            }
        }
        if list.len() > LISTED {
            page.put(2, 4, &[(DIM, &format!("… and {} more", list.len() - LISTED))]);
        }
    }
    if !gate.observations.is_empty() {
        page.blank();
        page.put(0, 0, &[(BOLD, "observations that changed, not scored")]);
        for (fact, old, new) in observed(gate) {
            page.put(2, 4, &[(PLAIN, &format!("{fact}:")), (PLAIN, &format!("{old} -> {new}"))]);
        }
    }
    page.blank();
    page.put(0, 0, &[(BOLD, &verdict(gate, level))]);
    page.finish()
}

fn observed(gate: &Gate) -> impl Iterator<Item = (String, String, String)> {
    gate.observations.iter().take(LISTED).map(|facts| {
        let side = |i: usize| match facts.values.get(i) {
            Some(values) if !values.is_empty() => shown(&values.join("; "), TEXT),
            _ => "(not seen)".to_owned(),
        };
        (shown(&facts.fact, TEXT), side(0), side(1))
    })
}

/// As Markdown (GitHub's dialect).
pub fn markdown(gate: &Gate, level: Level, catalogue: &Catalogue) -> String {
    let mark = match gate.decision(level) {
        Decision::Worse => "❌",
        Decision::Lost => "❔",
        Decision::Holds => "✅",
    };
    let mut out = format!(
        "# {mark} Token exchange: {}\n\n{} ({}) → {} ({})\n\n",
        verdict(gate, level),
        text(&gate.servers[0], TEXT),
        gate.conclusions[0].word(),
        text(&gate.servers[1], TEXT),
        gate.conclusions[1].word()
    );
    for note in &gate.notes {
        out.push_str(&format!("- {}\n", text(note, TEXT)));
    }
    let sections = gate.sections();
    if sections.iter().any(|section| !section.brief) {
        out.push_str(&format!("\n{}\n", explained(level, Weight::emoji)));
    }
    for section in sections {
        out.push_str(&format!("\n## {}\n\n", section.heading()));
        if !section.says.is_empty() {
            out.push_str(&format!("{}\n\n", sentence(&section.says)));
        }
        if section.brief {
            let (ids, more) = section.ids();
            let ids: Vec<String> = ids.into_iter().map(|id| linked(id, catalogue)).collect();
            out.push_str(&format!("{}{more}\n", ids.join(", ")));
            continue;
        }
        out.push_str("| counts as | requirement | was | is | what changed | seen in |\n| --- | --- | --- | --- | --- | --- |\n");
        for change in section.changes.iter().take(LISTED) {
            for told in change.told.iter().take(NAMED) {
                out.push_str(&format!(
                    "| {} | {} | {} | {} | {} | {} |\n",
                    change.level.word(),
                    linked(&change.requirement, catalogue),
                    side(&change.old, Weight::emoji),
                    side(&change.new, Weight::emoji),
                    text(&told.says, TEXT),
                    text(&places(told), TEXT)
                ));
            }
        }
    }
    if !gate.observations.is_empty() {
        out.push_str(
            "\n## Observations that changed, not scored\n\n| fact | was | is |\n| --- | --- | --- |\n",
        );
        for (fact, old, new) in observed(gate) {
            out.push_str(&format!(
                "| {} | {} | {} |\n",
                text(&fact, TEXT),
                cell(&old, TEXT),
                cell(&new, TEXT)
            ));
        }
    }
    out
}

/// Half a sentence as a whole one.
fn sentence(text: &str) -> String {
    let mut letters = text.to_owned();
    if let Some(first) = letters.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    letters + "."
}

/// Changes of one kind on the page.
struct Block {
    heading: String,
    says: String,
    /// The requirements with their pages, where the names say all.
    ids: Vec<(String, Option<String>)>,
    more: String,
    lines: Vec<Line>,
}

impl Block {
    fn new(section: &Section<'_>, catalogue: &Catalogue) -> Self {
        let says = if section.says.is_empty() { String::new() } else { sentence(&section.says) };
        let (ids, more) = if section.brief { section.ids() } else { (Vec::new(), String::new()) };
        let page = |id: &str| catalogue.page(id).and_then(|page| page.url);
        Self {
            heading: section.heading(),
            says,
            ids: ids.into_iter().map(|id| (shown(id, TEXT), page(id))).collect(),
            more,
            lines: if section.brief { Vec::new() } else { lines(&section.changes, catalogue) },
        }
    }
}

#[derive(Template)]
#[template(path = "compare/gate.html", config = "src/report/askama.toml")]
struct GatePage {
    policy: String,
    style: String,
    verdict: String,
    class: &'static str,
    servers: Vec<(&'static str, String, &'static str)>,
    notes: Vec<String>,
    explained: String,
    sections: Vec<Block>,
    observations: Vec<(String, String, String)>,
}

/// One way in which a requirement changed.
struct Line {
    level: &'static str,
    requirement: String,
    page: Option<String>,
    /// What it was and what it is, each with its colour.
    states: [(&'static str, String); 2],
    says: String,
    places: String,
}

fn lines(list: &[Change], catalogue: &Catalogue) -> Vec<Line> {
    let state = |c: &Cell| (c.weight().colour(), side(c, Weight::sign));
    list.iter()
        .take(LISTED)
        .flat_map(|change| change.told.iter().take(NAMED).map(move |told| (change, told)))
        .map(|(change, told)| Line {
            level: change.level.word(),
            requirement: shown(&change.requirement, TEXT),
            page: catalogue.page(&change.requirement).and_then(|page| page.url),
            states: [state(&change.old), state(&change.new)],
            says: shown(&told.says, TEXT),
            places: shown(&places(told), TEXT),
        })
        .collect()
}

/// As one self-contained page without any script.
///
/// # Errors
/// Only when the template fails, a bug.
pub fn html(gate: &Gate, level: Level, catalogue: &Catalogue) -> Result<String, ReportError> {
    let style = format!("{STYLE}{WIDE}");
    let page = GatePage {
        policy: policy(&style, None),
        style,
        verdict: verdict(gate, level),
        class: match gate.decision(level) {
            Decision::Worse => "fail",
            Decision::Lost => "inconclusive",
            Decision::Holds => "pass",
        },
        servers: ["old", "new"]
            .into_iter()
            .zip(gate.servers.iter().zip(gate.conclusions))
            .map(|(which, (server, c))| (which, shown(server, TEXT), c.word()))
            .collect(),
        notes: gate.notes.iter().map(|n| shown(n, TEXT)).collect(),
        explained: explained(level, Weight::sign),
        sections: gate.sections().iter().map(|section| Block::new(section, catalogue)).collect(),
        observations: observed(gate).collect(),
    };
    page.render().map_err(|e| ReportError::Render { format: "HTML", message: e.to_string() })
}
