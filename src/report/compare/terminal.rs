//! The comparison as text for a terminal. Servers are letters; each sign is explained.

use super::{Cell, Comparison, Row};
use crate::{
    judge::{FailClass, Verdict},
    report::{
        terminal::page::{BOLD, DIM, PLAIN, Page, conclusion_mark, level_mark},
        visible::{count, shown},
    },
};

/// Most of a text that is shown.
const TEXT: usize = 200;

/// The comparison in lines of `width` columns.
pub fn render(comparison: &Comparison, width: usize, styled: bool) -> String {
    let mut page = Page::new(width, styled);
    targets(&mut page, comparison);
    for note in &comparison.notes {
        page.put(0, 6, &[(BOLD, "note:"), (PLAIN, &shown(note, 4 * TEXT))]);
    }
    page.blank();
    let total = format!(
        "Requirements over {}: {} alike, {} that tell the servers apart, {} that not every server could be judged on.",
        count(comparison.shared_scenarios, "shared scenario"),
        comparison.alike,
        comparison.differing.len(),
        comparison.unequally_judged.len()
    );
    page.put(0, 0, &[(PLAIN, &total)]);
    matrix(&mut page, comparison, width);
    unique(&mut page, comparison);
    common(&mut page, comparison);
    observations(&mut page, comparison);
    page.finish()
}

/// `A`, `B` … for the columns; there are at most twelve.
pub(super) fn letter(index: usize) -> String {
    u8::try_from(index)
        .ok()
        .and_then(|i| b'A'.checked_add(i))
        .map_or_else(|| "?".to_owned(), |b| char::from(b).to_string())
}

fn targets(page: &mut Page, comparison: &Comparison) {
    for (i, target) in comparison.targets.iter().enumerate() {
        let (mark, style) = conclusion_mark(target.conclusion);
        let c = &target.counts;
        let counts = format!(
            "{} passed, {} failed, {}, {} inconclusive, {} not applicable",
            c.pass,
            c.fail,
            count(c.warn, "warning"),
            c.inconclusive,
            c.not_applicable
        );
        page.put(
            0,
            2,
            &[
                (BOLD, &letter(i)),
                (BOLD, &shown(&target.label, TEXT)),
                (style, mark),
                (style, target.conclusion.word()),
                (DIM, &counts),
            ],
        );
    }
    page.blank();
}

fn sign(cell: &Cell) -> &'static str {
    match (cell.verdict, cell.class) {
        (Verdict::Pass, _) => "✔",
        (Verdict::NotApplicable, _) => "-",
        (Verdict::Inconclusive | Verdict::Error, _) => "?",
        (Verdict::Fail, Some(FailClass::Accepted)) => "✘a",
        (Verdict::Fail, Some(FailClass::WrongForm)) => "✘w",
        (Verdict::Fail, Some(FailClass::Malformed)) => "✘m",
        (Verdict::Fail, Some(FailClass::Refused)) => "✘r",
        (Verdict::Fail, None) => "✘",
    }
}

fn matrix(page: &mut Page, comparison: &Comparison, width: usize) {
    if comparison.differing.is_empty() {
        return;
    }
    page.blank();
    page.put(
        0,
        2,
        &[(
            DIM,
            "✔ met, ✘a accepted what must be refused, ✘w wrong form, ✘m malformed, ✘r refused what must be accepted, ? open, - not exercised",
        )],
    );
    let cells = 3 * comparison.targets.len();
    let names = width.saturating_sub(cells).max(24);
    let letters: String = (0..comparison.targets.len()).map(|i| format!(" {:<2}", letter(i))).collect();
    let mut place = None;
    for row in &comparison.differing {
        if place != Some((&row.spec, &row.section)) {
            place = Some((&row.spec, &row.section));
            page.blank();
            let title = shown(&format!("{} section {}", row.spec, row.section), names);
            page.line(BOLD, &format!("{title:<names$}{}", letters.trim_end()));
        }
        line(page, row, names);
    }
}

fn line(page: &mut Page, row: &Row, names: usize) {
    let name = format!("  {:<6} {}", row.level.word(), shown(&row.requirement, TEXT));
    let signs: String = row.cells.iter().map(|c| format!(" {:<2}", sign(c))).collect();
    let signs = signs.trim_end();
    if name.chars().count() <= names {
        page.line(PLAIN, &format!("{name:<names$}{signs}"));
    } else {
        // An id is never cut: it is what one looks up.
        page.line(PLAIN, &name);
        page.line(PLAIN, &format!("{:<names$}{signs}", ""));
    }
}

fn unique(page: &mut Page, comparison: &Comparison) {
    for (i, target) in comparison.targets.iter().enumerate() {
        let own: Vec<_> = comparison.unique.iter().filter(|u| u.target == i).collect();
        if own.is_empty() {
            continue;
        }
        page.blank();
        let title = format!("violated by {} alone ({})", shown(&target.label, TEXT), own.len());
        page.put(0, 0, &[(BOLD, &title)]);
        for u in own {
            let (mark, style) = level_mark(u.level);
            let word = format!("[{}]", u.cell.word());
            let observed = format!("observed {}", shown(&u.cell.observed, TEXT));
            let rest = if u.others_meet_it { "" } else { "(not all others were judged)" };
            page.put(
                2,
                4,
                &[
                    (style, mark),
                    (style, u.level.word()),
                    (BOLD, &shown(&u.requirement, TEXT)),
                    (PLAIN, &word),
                    (PLAIN, &observed),
                    (DIM, rest),
                ],
            );
        }
    }
}

fn common(page: &mut Page, comparison: &Comparison) {
    if comparison.common.is_empty() {
        return;
    }
    page.blank();
    let title = format!("violated by most ({})", comparison.common.len());
    page.put(0, 0, &[(BOLD, &title)]);
    for row in &comparison.common {
        let (mark, style) = level_mark(row.level);
        let violating = row.cells.iter().filter(|c| c.verdict == Verdict::Fail).count();
        let text = format!("by {violating} of {}", row.cells.len());
        page.put(
            2,
            4,
            &[
                (style, mark),
                (style, row.level.word()),
                (BOLD, &shown(&row.requirement, TEXT)),
                (PLAIN, &text),
            ],
        );
    }
}

fn observations(page: &mut Page, comparison: &Comparison) {
    let differing: Vec<_> = comparison.observations.iter().filter(|o| o.differs).collect();
    if differing.is_empty() {
        return;
    }
    page.blank();
    page.put(0, 0, &[(BOLD, "observations that differ, not scored")]);
    for facts in differing {
        page.put(2, 4, &[(PLAIN, &shown(&facts.fact, TEXT))]);
        for (i, values) in facts.values.iter().enumerate() {
            let text =
                if values.is_empty() { "(not seen)".to_owned() } else { shown(&values.join("; "), TEXT) };
            page.put(4, 6, &[(BOLD, &letter(i)), (PLAIN, &text)]);
        }
    }
}
