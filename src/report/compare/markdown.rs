//! The comparison as Markdown.

use super::{Comparison, Row};
use crate::{
    judge::Verdict,
    report::{
        markdown::{cell, text},
        visible::count,
    },
    run::Conclusion,
    spec::Catalogue,
};

/// Most of a text in a table.
const CELL: usize = 120;
/// Rows of a table.
const ROWS: usize = 300;

/// The comparison as Markdown (GitHub's dialect).
pub fn render(comparison: &Comparison, catalogue: &Catalogue) -> String {
    let parts = [
        targets(comparison),
        matrix(comparison, catalogue),
        unique(comparison),
        common(comparison),
        unequally_judged(comparison),
        observations(comparison),
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

fn head(comparison: &Comparison, first: &str) -> String {
    let names: Vec<String> = comparison.targets.iter().map(|t| text(&t.label, CELL)).collect();
    format!("| {first} | {} |\n| --- |{}\n", names.join(" | "), " --- |".repeat(names.len()))
}

fn targets(comparison: &Comparison) -> String {
    let mut out = head(comparison, "");
    let mut row = |name: &str, value: &dyn Fn(&super::Column) -> String| {
        let values: Vec<String> = comparison.targets.iter().map(value).collect();
        out.push_str(&format!("| {name} | {} |\n", values.join(" | ")));
    };
    row("conclusion", &|t| {
        let mark = match t.conclusion {
            Conclusion::Conformant => "✅",
            Conclusion::Partial => "🟦",
            Conclusion::Nonconformant => "❌",
            Conclusion::Inconclusive => "❔",
        };
        format!("{mark} {}", t.conclusion.word())
    });
    row("passed", &|t| t.counts.pass.to_string());
    row("failed", &|t| t.counts.fail.to_string());
    row("warnings", &|t| t.counts.warn.to_string());
    row("inconclusive", &|t| t.counts.inconclusive.to_string());
    row("not applicable", &|t| t.counts.not_applicable.to_string());
    row("profile", &|t| cell(t.profile.name(), CELL));
    row("reading", &|t| cell(&t.reading, CELL));
    row("tool", &|t| text(&t.tool, CELL));
    row("started", &|t| text(&t.started, CELL));
    out.push('\n');
    for note in &comparison.notes {
        out.push_str(&format!("- **Note** {}\n", text(note, 8 * CELL)));
    }
    out.push_str(&format!(
        "\nRequirements over {}: {} alike, **{} that tell the servers apart**, {} that not every server could be judged on.\n",
        count(comparison.shared_scenarios, "shared scenario"),
        comparison.alike,
        comparison.differing.len(),
        comparison.unequally_judged.len()
    ));
    out
}

fn signs(row: &Row) -> String {
    let cells: Vec<String> = row
        .cells
        .iter()
        .map(|c| {
            let mark = match c.verdict {
                Verdict::Pass => "✅",
                Verdict::Fail => "❌",
                Verdict::NotApplicable => "–",
                Verdict::Inconclusive | Verdict::Error => "❔",
            };
            format!("{mark} {}", c.word())
        })
        .collect();
    cells.join(" | ")
}

fn matrix(comparison: &Comparison, catalogue: &Catalogue) -> String {
    if comparison.differing.is_empty() {
        return String::new();
    }
    let mut out = String::from("## What tells them apart\n");
    let mut place = None;
    for row in comparison.differing.iter().take(ROWS) {
        if place != Some((&row.spec, &row.section)) {
            place = Some((&row.spec, &row.section));
            let title = text(&format!("{} section {}", row.spec, row.section), CELL);
            let url = catalogue.get(&row.requirement).and_then(|r| catalogue.section_url(r));
            let title = url.map_or(title.clone(), |u| format!("[{title}]({u})"));
            out.push_str(&format!("\n### {title}\n\n{}", head(comparison, "requirement")));
        }
        out.push_str(&format!(
            "| {} {} | {} |\n",
            row.level.word(),
            cell(&row.requirement, CELL),
            signs(row)
        ));
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

fn unique(comparison: &Comparison) -> String {
    let mut out = String::new();
    for (i, target) in comparison.targets.iter().enumerate() {
        let own: Vec<_> = comparison.unique.iter().filter(|u| u.target == i).collect();
        if own.is_empty() {
            continue;
        }
        out.push_str(&format!(
            "## Violated by {} alone ({})\n\n| requirement | class | observed | seen in | others |\n| --- | --- | --- | --- | --- |\n",
            text(&target.label, CELL),
            own.len()
        ));
        for u in own.iter().take(ROWS) {
            out.push_str(&format!(
                "| {} {} | {} | {} | {} | {} |\n",
                u.level.word(),
                cell(&u.requirement, CELL),
                u.cell.word(),
                cell(&u.cell.observed, CELL),
                u.cell.scenarios.first().map(|s| cell(s, CELL)).unwrap_or_default(),
                if u.others_meet_it { "meet it" } else { "not all judged" }
            ));
        }
        out.push_str(&more(own.len()));
        out.push('\n');
    }
    out
}

fn common(comparison: &Comparison) -> String {
    if comparison.common.is_empty() {
        return String::new();
    }
    let mut out =
        format!("## Violated by most ({})\n\n{}", comparison.common.len(), head(comparison, "requirement"));
    for row in comparison.common.iter().take(ROWS) {
        out.push_str(&format!(
            "| {} {} | {} |\n",
            row.level.word(),
            cell(&row.requirement, CELL),
            signs(row)
        ));
    }
    out.push_str(&more(comparison.common.len()));
    out
}

fn unequally_judged(comparison: &Comparison) -> String {
    if comparison.unequally_judged.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<details><summary>Judged on some servers only ({})</summary>\n\n{}",
        comparison.unequally_judged.len(),
        head(comparison, "requirement")
    );
    for row in comparison.unequally_judged.iter().take(ROWS) {
        out.push_str(&format!("| {} | {} |\n", cell(&row.requirement, CELL), signs(row)));
    }
    out.push_str(&more(comparison.unequally_judged.len()));
    out.push_str("\n</details>\n");
    out
}

fn observations(comparison: &Comparison) -> String {
    if comparison.observations.is_empty() {
        return String::new();
    }
    let mut out = format!("## Observations, not scored\n\n{}", head(comparison, "fact"));
    for facts in comparison.observations.iter().take(ROWS) {
        let values: Vec<String> = facts
            .values
            .iter()
            .map(|v| if v.is_empty() { "–".to_owned() } else { cell(&v.join("; "), CELL) })
            .collect();
        let mark = if facts.differs { " **≠**" } else { "" };
        out.push_str(&format!("| {}{mark} | {} |\n", text(&facts.fact, CELL), values.join(" | ")));
    }
    out.push_str(&more(comparison.observations.len()));
    out
}
