//! The comparison as Markdown.

use super::{
    Cell, Column, Comparison, Facts, Row, Weight, says,
    weight::{CLASSES, LEVELS, WAIVED, WAIVED_SAYS, class_says},
};
use crate::{
    report::{
        markdown::{cell, linked, text},
        visible::shown,
    },
    run::Conclusion,
    spec::Catalogue,
};

/// Most of a text in a table.
const CELL: usize = 120;
/// Most of what a server shows of a fact.
const FACT: usize = 60;
/// Rows of a table.
const ROWS: usize = 300;

/// The comparison as Markdown (GitHub's dialect).
pub fn render(comparison: &Comparison, catalogue: &Catalogue) -> String {
    let parts = [
        lead(comparison),
        targets(comparison),
        violated(comparison, catalogue),
        legend(),
        matrix(comparison, catalogue),
        alone(comparison, catalogue),
        common(comparison, catalogue),
        unequally_judged(comparison, catalogue),
        observations(comparison),
        runs(comparison),
    ];
    let mut out = String::from("# Token exchange, server by server\n\n");
    for part in parts.iter().filter(|p| !p.is_empty()) {
        out.push_str(part.trim_end());
        out.push_str("\n\n");
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

fn lead(comparison: &Comparison) -> String {
    let mut out = says::lead(comparison, &|name| text(name, CELL)).join(" ");
    out = format!("**{out}**\n\n{}\n", says::NO_RANKING);
    if comparison.discriminating {
        out.push_str(&format!("\n{}\n", says::DISCRIMINATING));
    }
    out
}

fn conclusion(target: &Column) -> String {
    let mark = match target.conclusion {
        Conclusion::Conformant => "✅",
        Conclusion::Partial => "🟦",
        Conclusion::Nonconformant => "❌",
        Conclusion::Inconclusive => "❔",
    };
    format!("{mark} {}", target.conclusion.word())
}

fn targets(comparison: &Comparison) -> String {
    let waived = comparison.targets.iter().any(|t| t.requirements.waived > 0);
    let mut heads =
        vec!["", "server", "conclusion", "❌ violated", "of them accepted", "⚠️ warning", "ℹ️ information"];
    heads.extend(["❔ inconclusive", "✅ met", "– not exercised"]);
    if waived {
        heads.insert(5, "of them waived");
    }
    let rule: Vec<&str> = (0..heads.len()).map(|i| if i < 3 { "---" } else { "---:" }).collect();
    let mut out = format!("| {} |\n| {} |\n", heads.join(" | "), rule.join(" | "));
    for (i, target) in comparison.targets.iter().enumerate() {
        let t = target.requirements;
        let mut numbers =
            vec![t.violated, t.accepted, t.warnings, t.information, t.inconclusive, t.met, t.not_exercised];
        if waived {
            numbers.insert(2, t.waived);
        }
        let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
        out.push_str(&format!(
            "| **{}** | {} | {} | {} |\n",
            says::letter(i),
            named(target),
            conclusion(target),
            numbers.join(" | ")
        ));
    }
    let [first, rest] = says::totals(comparison);
    out.push_str(&format!(
        "\nThe numbers are requirements; the conclusion is that of the whole run. {} **{first}**, {rest}\n\n",
        says::over(comparison)
    ));
    for note in &comparison.notes {
        out.push_str(&format!("- **Note** {}\n", text(note, 8 * CELL)));
    }
    out
}

/// A server's label, which leads to its own report where there is one.
fn named(target: &Column) -> String {
    let label = text(&target.label, CELL);
    match &target.page {
        // A reference is percent-encoded, so that it holds no bracket of this kind.
        Some(page) => format!("[{label}](<{page}>)"),
        None => label,
    }
}

/// Which requirements the numbers of the first column stand for.
fn violated(comparison: &Comparison, catalogue: &Catalogue) -> String {
    let all = says::violated(comparison);
    if all.is_empty() {
        return String::new();
    }
    let mut out = format!("## {}\n\n{}\n\n", says::VIOLATED, says::VIOLATED_SAYS);
    for (i, own) in all {
        let each: Vec<String> = own
            .iter()
            .map(|(row, cell)| {
                let id = linked(&row.requirement, catalogue);
                let id = if cell.is_hole() { format!("**{id}**") } else { id };
                if cell.waived { format!("{id} (waived)") } else { id }
            })
            .collect();
        let label = comparison.targets.get(i).map(|t| text(&t.label, CELL)).unwrap_or_default();
        out.push_str(&format!("- **{}** {label}, {}: {}\n", says::letter(i), own.len(), each.join(", ")));
    }
    out
}

fn legend() -> String {
    let mut out = String::from("| sign | means |\n| --- | --- |\n");
    for weight in Weight::ALL {
        out.push_str(&format!("| {} {} | {} |\n", weight.emoji(), weight.word(), weight.says()));
    }
    for (class, _) in CLASSES {
        out.push_str(&format!("| {} | {} |\n", class.word(), class_says(class)));
    }
    out.push_str(&format!("| {WAIVED} waived | {WAIVED_SAYS} |\n\n{LEVELS}\n"));
    out
}

fn head(comparison: &Comparison, first: &str) -> String {
    let letters: Vec<String> = (0..comparison.targets.len()).map(says::letter).collect();
    format!("| {first} | {} |\n| --- |{}\n", letters.join(" | "), " --- |".repeat(letters.len()))
}

fn sign(c: &Cell) -> String {
    match c.weight() {
        weight @ (Weight::Met | Weight::NotExercised | Weight::Inconclusive) => weight.emoji().to_owned(),
        weight => {
            let tilde = if c.waived { "\\~" } else { "" };
            format!("{}{tilde} {}", weight.emoji(), c.word())
        }
    }
}

fn rows<'a>(rows: impl Iterator<Item = &'a Row>, catalogue: &Catalogue) -> String {
    rows.map(|row| {
        let cells: Vec<String> = row.cells.iter().map(sign).collect();
        let id = linked(&row.requirement, catalogue);
        let requirement = catalogue.get(&row.requirement);
        let section = text(&says::place(row, requirement), CELL);
        let url = requirement.and_then(|r| catalogue.section_url(r));
        let section = url.map_or(section.clone(), |url| format!("[{section}]({url})"));
        format!("| {} {id} {section} | {} |\n", row.level.word(), cells.join(" | "))
    })
    .collect()
}

fn matrix(comparison: &Comparison, catalogue: &Catalogue) -> String {
    if comparison.differing.is_empty() {
        return String::new();
    }
    let mut out = format!("## What tells them apart ({})\n", comparison.differing.len());
    let shown = &comparison.differing[..comparison.differing.len().min(ROWS)];
    for (spec, of) in says::by_spec(shown) {
        let title = text(spec, CELL);
        out.push_str(&format!("\n### {title}\n\n{}", head(comparison, "requirement")));
        out.push_str(&rows(of.into_iter(), catalogue));
    }
    out.push_str(&more(comparison.differing.len()));
    out
}

fn more(total: usize) -> String {
    match total.checked_sub(ROWS) {
        Some(rest) if rest > 0 => format!("\n… and {rest} more, see the JSON\n"),
        _ => String::new(),
    }
}

fn alone(comparison: &Comparison, catalogue: &Catalogue) -> String {
    let mut out = String::new();
    for (target, own) in says::alone(comparison) {
        out.push_str(&format!(
            "## {} alone departs ({})\n\n| weight | requirement | class | observed | seen in | others |\n| --- | --- | --- | --- | --- | --- |\n",
            text(&target.label, CELL),
            says::weights(own.iter().map(|u| u.level))
        ));
        for u in own.iter().take(ROWS) {
            let weight = u.cell.weight();
            out.push_str(&format!(
                "| {} {} | {} | {} | {} | {} | {} |\n",
                weight.emoji(),
                weight.word(),
                linked(&u.requirement, catalogue),
                u.cell.word(),
                cell(&u.cell.observed, CELL),
                u.cell.scenarios.first().map(|s| cell(s, CELL)).unwrap_or_default(),
                says::others(u)
            ));
        }
        out.push_str(&more(own.len()));
        out.push('\n');
    }
    out
}

fn common(comparison: &Comparison, catalogue: &Catalogue) -> String {
    if comparison.common.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "## Where most depart ({})\n\n{}\n\n{}",
        says::weights(comparison.common.iter().filter_map(Row::shared_level)),
        says::MOST,
        head(comparison, "requirement")
    );
    out.push_str(&rows(comparison.common.iter().take(ROWS), catalogue));
    out.push_str(&more(comparison.common.len()));
    out
}

fn unequally_judged(comparison: &Comparison, catalogue: &Catalogue) -> String {
    if comparison.unequally_judged.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<details><summary>Judged on some servers only, and no server departs ({})</summary>\n\n{}",
        comparison.unequally_judged.len(),
        head(comparison, "requirement")
    );
    out.push_str(&rows(comparison.unequally_judged.iter().take(ROWS), catalogue));
    out.push_str(&more(comparison.unequally_judged.len()));
    out.push_str("\n</details>\n");
    out
}

fn observations(comparison: &Comparison) -> String {
    let (differing, same): (Vec<&Facts>, Vec<&Facts>) =
        comparison.observations.iter().partition(|f| f.differs);
    let mut out = String::new();
    if !differing.is_empty() {
        out.push_str(&format!(
            "## Observations that differ, not scored ({})\n\n– stands where nothing was observed; the JSON has every text in full.\n\n",
            differing.len()
        ));
        out.push_str(&facts(comparison, &differing));
    }
    if !same.is_empty() {
        out.push_str(&format!(
            "\n<details><summary>Observations on which all that were asked agree ({})</summary>\n\n",
            same.len()
        ));
        out.push_str(&facts(comparison, &same));
        out.push_str("\n</details>\n");
    }
    out
}

fn facts(comparison: &Comparison, all: &[&Facts]) -> String {
    let mut out = head(comparison, "fact");
    for facts in all.iter().take(ROWS) {
        let values: Vec<String> = (0..facts.values.len())
            .map(|i| says::value(facts, i).map_or_else(|| "–".to_owned(), |v| cell(&brief(&v), CELL)))
            .collect();
        out.push_str(&format!("| {} | {} |\n", text(&facts.fact, CELL), values.join(" | ")));
    }
    out.push_str(&more(all.len()));
    out
}

/// Cut after what is unsafe has become visible: an escape must not be cut in two.
fn brief(value: &str) -> String {
    says::brief(&shown(value, 4 * FACT), FACT)
}

fn runs(comparison: &Comparison) -> String {
    let mut out = String::from(
        "<details><summary>The runs, each with all of its scenarios</summary>\n\n\
         |  | passed | failed | warnings | inconclusive | not applicable | profile | reading | tool | started |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- |\n",
    );
    for (i, target) in comparison.targets.iter().enumerate() {
        let c = &target.counts;
        out.push_str(&format!(
            "| **{}** | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            says::letter(i),
            c.pass,
            c.fail,
            c.warn,
            c.inconclusive,
            c.not_applicable,
            cell(target.profile.name(), CELL),
            cell(&target.reading, CELL),
            text(&target.tool, CELL),
            text(&target.started, CELL)
        ));
    }
    out.push_str("\n</details>\n");
    out
}
