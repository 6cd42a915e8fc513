//! The comparison as text for a terminal. Servers are letters; each sign is explained.

use anstyle::Style;

use super::{
    Cell, Comparison, Row, Weight, says,
    weight::{CLASSES, LEVELS, WAIVED, WAIVED_SAYS, class_says},
};
use crate::{
    judge::Verdict,
    report::{
        terminal::page::{BOLD, DIM, PLAIN, Page, Piece, conclusion_mark, level_mark, verdict_mark},
        visible::{count, shown},
    },
};

/// Most of a text that is shown.
const TEXT: usize = 200;
/// Room of a number in the table of servers.
const NUMBER: usize = 5;
/// Violated musts that are named of a server ahead of the tables.
const NAMED: usize = 8;

/// The comparison in lines of `width` columns.
pub fn render(comparison: &Comparison, width: usize, styled: bool) -> String {
    let mut page = Page::new(width, styled);
    for sentence in says::lead(comparison, &|name| shown(name, TEXT)) {
        page.put(0, 0, &[(BOLD, &sentence)]);
    }
    page.put(0, 0, &[(PLAIN, says::NO_RANKING)]);
    page.blank();
    targets(&mut page, comparison, width);
    for note in &comparison.notes {
        page.put(0, 6, &[(BOLD, "note:"), (PLAIN, &shown(note, 4 * TEXT))]);
    }
    violated(&mut page, comparison);
    page.blank();
    legend(&mut page, comparison);
    page.blank();
    let [first, rest] = says::totals(comparison);
    page.put(0, 0, &[(PLAIN, &says::over(comparison)), (BOLD, &format!("{first},")), (PLAIN, &rest)]);
    if comparison.discriminating {
        page.put(0, 0, &[(PLAIN, says::DISCRIMINATING)]);
    }
    matrix(&mut page, comparison, width);
    alone(&mut page, comparison);
    common(&mut page, comparison);
    observations(&mut page, comparison);
    runs(&mut page, comparison);
    page.finish()
}

pub(super) fn style(weight: Weight) -> Style {
    match weight {
        Weight::Violated => verdict_mark(Verdict::Fail).1,
        Weight::Warning => level_mark(crate::spec::Level::Should).1,
        Weight::Information => level_mark(crate::spec::Level::May).1,
        Weight::Inconclusive => verdict_mark(Verdict::Inconclusive).1,
        Weight::Met => verdict_mark(Verdict::Pass).1,
        Weight::NotExercised => DIM,
    }
}

fn targets(page: &mut Page, comparison: &Comparison, width: usize) {
    const CONCLUSION: usize = 16;
    let waived = comparison.targets.iter().any(|t| t.requirements.waived > 0);
    let numbers = |of: &[String]| of.iter().map(|n| format!("{n:>NUMBER$}")).collect::<String>();
    let mut heads = vec!["✘", "✘a", "!", "i", "?", "✔", "–"];
    if waived {
        heads.insert(2, "✘~");
    }
    let columns = NUMBER * heads.len();
    let names = width.saturating_sub(CONCLUSION + columns).clamp(12, 64);
    let heads: Vec<String> = heads.into_iter().map(str::to_owned).collect();
    page.line(BOLD, &format!("{:<names$}{:<CONCLUSION$}{}", "requirements", "", numbers(&heads)));
    for (i, target) in comparison.targets.iter().enumerate() {
        let (mark, _) = conclusion_mark(target.conclusion);
        let t = target.requirements;
        let mut values =
            vec![t.violated, t.accepted, t.warnings, t.information, t.inconclusive, t.met, t.not_exercised];
        if waived {
            values.insert(2, t.waived);
        }
        let values: Vec<String> = values.iter().map(usize::to_string).collect();
        let name = format!("{}  {}", says::letter(i), shown(&target.label, TEXT));
        let rest =
            format!("{:<CONCLUSION$}{}", format!("{mark} {}", target.conclusion.word()), numbers(&values));
        if name.chars().count() < names {
            page.line(PLAIN, &format!("{name:<names$}{rest}"));
        } else {
            page.put(0, 3, &[(PLAIN, &name)]);
            page.line(PLAIN, &format!("{:<names$}{rest}", ""));
        }
    }
}

/// Which requirements the numbers of the first column stand for.
fn violated(page: &mut Page, comparison: &Comparison) {
    let all = says::violated(comparison);
    if all.is_empty() {
        return;
    }
    page.blank();
    page.put(0, 0, &[(BOLD, says::VIOLATED), (DIM, "(a: accepted what must be refused)")]);
    for (i, own) in all {
        let one = |(row, cell): &(&Row, &Cell)| {
            let hole = if cell.is_hole() { " a" } else { "" };
            format!("{}{hole}{}", shown(&row.requirement, TEXT), cell.tilde())
        };
        let mut each: Vec<String> = own.iter().take(NAMED).map(one).collect();
        if own.len() > NAMED {
            each.push(format!("and {} more below", own.len() - NAMED));
        }
        let head = format!("{} ({}):", says::letter(i), own.len());
        page.put(2, 5, &[(BOLD, &head), (PLAIN, &each.join(", "))]);
    }
}

fn legend(page: &mut Page, comparison: &Comparison) {
    for weight in Weight::ALL {
        let pieces = [(style(weight), weight.sign()), (BOLD, weight.word()), (PLAIN, weight.says())];
        page.put(2, 4, &pieces);
    }
    for (class, letter) in CLASSES {
        let letter = letter.to_string();
        page.put(2, 4, &[(BOLD, &letter), (BOLD, class.word()), (PLAIN, &class_says(class))]);
    }
    if is_waived(comparison) {
        page.put(2, 4, &[(BOLD, WAIVED), (BOLD, "waived"), (PLAIN, WAIVED_SAYS)]);
    }
    page.put(2, 2, &[(PLAIN, LEVELS)]);
}

fn is_waived(comparison: &Comparison) -> bool {
    comparison.differing.iter().chain(&comparison.common).flat_map(|r| &r.cells).any(|c| c.waived)
}

/// Weight, class and waiver in at most three columns.
fn sign(cell: &Cell) -> String {
    let class = CLASSES.iter().find(|(class, _)| Some(*class) == cell.class).map(|(_, letter)| *letter);
    let class = class.filter(|_| cell.verdict == Verdict::Fail).map(String::from).unwrap_or_default();
    format!("{}{class}{}", cell.weight().sign(), cell.tilde())
}

fn matrix(page: &mut Page, comparison: &Comparison, width: usize) {
    let room = if is_waived(comparison) { 4 } else { 3 };
    let names = width.saturating_sub(room * comparison.targets.len()).max(24);
    let cells = |texts: Vec<String>| {
        let all: String = texts.iter().map(|t| format!(" {t:<w$}", w = room - 1)).collect();
        all.trim_end().to_owned()
    };
    let letters = cells((0..comparison.targets.len()).map(says::letter).collect());
    for (spec, rows) in says::by_spec(&comparison.differing) {
        page.blank();
        page.line(BOLD, &format!("{:<names$}{letters}", shown(spec, names)));
        for row in rows {
            line(page, row, names, &cells(row.cells.iter().map(sign).collect()));
        }
    }
}

fn line(page: &mut Page, row: &Row, names: usize, signs: &str) {
    let name = format!("  {:<6} {}", row.level.word(), shown(&row.requirement, TEXT));
    if name.chars().count() <= names {
        page.line(PLAIN, &format!("{name:<names$}{signs}"));
    } else {
        // An id is never cut: it is what one looks up.
        page.line(PLAIN, &name);
        page.line(PLAIN, &format!("{:<names$}{signs}", ""));
    }
}

fn alone(page: &mut Page, comparison: &Comparison) {
    for (target, own) in says::alone(comparison) {
        page.blank();
        let title = format!(
            "{} alone departs ({})",
            shown(&target.label, TEXT),
            says::weights(own.iter().map(|u| u.level))
        );
        page.put(0, 0, &[(BOLD, &title)]);
        for u in own {
            let weight = u.cell.weight();
            let word = format!("[{}]", u.cell.word());
            let observed = format!("observed {}", shown(&u.cell.observed, TEXT));
            let rest = if u.others_meet_it { "" } else { "(not all others were judged)" };
            page.put(
                2,
                4,
                &[
                    (style(weight), weight.sign()),
                    (style(weight), weight.word()),
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
    let levels = comparison.common.iter().filter_map(Row::shared_level);
    page.put(0, 0, &[(BOLD, &format!("where most depart ({})", says::weights(levels)))]);
    page.put(2, 2, &[(DIM, says::MOST)]);
    for row in &comparison.common {
        let level = row.shared_level().unwrap_or(row.level);
        let weight = Weight::of(level);
        let departing = row.cells.iter().filter(|c| c.level >= Some(level)).count();
        let judged = row.cells.iter().filter(|c| c.is_decided()).count();
        let text = format!("on {departing} of {judged}");
        let id = shown(&row.requirement, TEXT);
        let pieces: [Piece<'_>; 4] =
            [(style(weight), weight.sign()), (style(weight), weight.word()), (BOLD, &id), (PLAIN, &text)];
        page.put(2, 4, &pieces);
    }
}

/// Facts that differ, each value with the servers that show it.
fn observations(page: &mut Page, comparison: &Comparison) {
    let differing: Vec<_> = comparison.observations.iter().filter(|o| o.differs).collect();
    if differing.is_empty() {
        return;
    }
    page.blank();
    page.put(0, 0, &[(BOLD, "observations that differ, not scored")]);
    for facts in differing {
        page.put(2, 4, &[(PLAIN, &shown(&facts.fact, TEXT))]);
        let mut groups: Vec<(Option<String>, Vec<String>)> = Vec::new();
        for i in 0..facts.values.len() {
            let value = says::value(facts, i);
            match groups.iter_mut().find(|(known, _)| *known == value) {
                Some((_, letters)) => letters.push(says::letter(i)),
                None => groups.push((value, vec![says::letter(i)])),
            }
        }
        // Who shows nothing comes last.
        groups.sort_by_key(|(value, _)| value.is_none());
        for (value, letters) in groups {
            let text = value.map_or_else(|| "(not seen)".to_owned(), |v| shown(&v, TEXT));
            page.put(4, 6, &[(BOLD, &letters.join(" ")), (PLAIN, &text)]);
        }
    }
}

fn runs(page: &mut Page, comparison: &Comparison) {
    page.blank();
    page.put(0, 0, &[(BOLD, "the runs, each with all of its scenarios")]);
    for (i, target) in comparison.targets.iter().enumerate() {
        let c = &target.counts;
        let counts = format!(
            "{} passed, {} failed, {}, {} inconclusive, {} not applicable; profile {}, reading {}, {}, {}",
            c.pass,
            c.fail,
            count(c.warn, "warning"),
            c.inconclusive,
            c.not_applicable,
            target.profile.name(),
            shown(&target.reading, TEXT),
            shown(&target.tool, TEXT),
            shown(&target.started, TEXT),
        );
        page.put(2, 4, &[(BOLD, &says::letter(i)), (PLAIN, &counts)]);
    }
}
