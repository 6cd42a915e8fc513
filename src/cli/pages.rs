//! Pages of documentation from the same words that `txspec explain` prints: one a requirement, one a diagnostic code, one a
//! kind of words, and a list of each.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    explain::{Part, code_parts, requirement_head, requirement_parts},
    words,
};
use crate::{
    reference::Fault,
    scenario::Suite,
    spec::{Catalogue, CodeKind, Word, WordKind},
};

/// Every page by its path under the folder of the documentation.
pub(super) fn all(suite: &Suite, catalogue: &Catalogue, faults: &[Fault]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for row in catalogue.requirements() {
        let mut page = format!("# {}\n\n", row.id);
        for line in requirement_head(row) {
            let _ = writeln!(page, "{}  ", escaped(&line));
        }
        if let Some(url) = catalogue.section_url(row) {
            let _ = writeln!(page, "<{url}>");
        }
        page.push_str(&parts(&requirement_parts(row, suite, catalogue, faults, usize::MAX)));
        let readings: &str =
            if row.readings.is_empty() { "" } else { ", [what a reading is](../words/readings.md)" };
        page.push_str(&format!("\n[All requirements](README.md){readings}\n"));
        out.insert(format!("requirements/{}.md", row.id), page);
    }
    let words = catalogue.words();
    for entry in catalogue.diagnostics() {
        let mut page =
            format!("# {}\n\n{}\n{}", entry.code, capital(entry.kind.words()), parts(&code_parts(entry)));
        for word in words.iter().filter(|word| word.word == entry.code) {
            let (kind, file) = (word.kind.words(), word.kind.plural());
            let _ = write!(page, "\nIt is a [{kind}](../words/{file}.md#{}) as well.\n", word.word);
        }
        out.insert(format!("diagnostics/{}.md", entry.code), page + "\n[All codes](README.md)\n");
    }
    for kind in WordKind::ALL {
        let mut page =
            format!("# {}\n\n{}\n", capital(&kind.plural().replace('-', " ")), escaped(kind.about()));
        for word in words.iter().filter(|word| word.kind == kind) {
            let _ = write!(
                page,
                "\n## {}\n{}",
                word.word,
                parts_below(&words::parts(word, suite, usize::MAX), 3)
            );
        }
        out.insert(format!("words/{}.md", kind.plural()), page + "\n[All words](README.md)\n");
    }
    out.insert("words/README.md".to_owned(), word_list(&words));
    out.insert("requirements/README.md".to_owned(), requirements(catalogue));
    out.insert("diagnostics/README.md".to_owned(), diagnostics(catalogue));
    out
}

fn parts(parts: &[Part]) -> String {
    parts_below(parts, 2)
}

/// The same, with headings of a level.
fn parts_below(parts: &[Part], level: usize) -> String {
    let mut out = String::new();
    for part in parts {
        match part.heading.as_str() {
            "" => {
                let _ = write!(out, "\n{}\n", escaped(&part.text));
            }
            heading => {
                let _ = write!(out, "\n{} {}\n", "#".repeat(level), escaped(heading));
                if !part.text.is_empty() {
                    let _ = write!(out, "\n{}\n", escaped(&part.text));
                }
            }
        }
        if !part.names.is_empty() {
            let names: Vec<String> = part.names.iter().map(|n| format!("`{n}`")).collect();
            let _ = write!(out, "\n{}\n", names.join(", "));
        }
    }
    out
}

fn requirements(catalogue: &Catalogue) -> String {
    let mut out = String::from(
        "# Requirements\n\nWhat txspec checks, by specification. Made by `txspec explain --all --out docs`.\n",
    );
    for (spec, title, url) in catalogue.specs() {
        let _ = write!(
            out,
            "\n## [{}]({url})\n\n{}\n\n| section | level | requirement |\n| --- | --- | --- |\n",
            escaped(spec),
            escaped(title)
        );
        for row in catalogue.requirements().iter().filter(|r| r.spec == *spec) {
            let unchecked = if row.unchecked.is_some() { ", not checked" } else { "" };
            let _ = writeln!(
                out,
                "| {} | {}{unchecked} | [{id}]({id}.md) |",
                row.place_in_spec().trim_start_matches("§ "),
                row.level.word(),
                id = row.id
            );
        }
    }
    out
}

fn diagnostics(catalogue: &Catalogue) -> String {
    let mut out = String::from(
        "# Codes\n\nEverything else that txspec answers with. Made by `txspec explain --all --out docs`.\n",
    );
    for kind in CodeKind::ALL {
        let _ = write!(out, "\n## {}\n\n", capital(kind.words()));
        for entry in catalogue.diagnostics().iter().filter(|d| d.kind == kind) {
            let _ = writeln!(out, "- [{code}]({code}.md): {}", escaped(&entry.means), code = entry.code);
        }
    }
    out
}

fn word_list(words: &[Word]) -> String {
    let mut out = String::from(
        "# Words\n\nWhat the words of reports and target files mean; [codes](../diagnostics/README.md) and\n[requirements](../requirements/README.md) have pages of their own. Made by `txspec explain --all --out docs`.\n",
    );
    for kind in WordKind::ALL {
        let file = kind.plural();
        let _ = write!(
            out,
            "\n## [{}]({file}.md)\n\n{}\n\n",
            capital(&file.replace('-', " ")),
            escaped(kind.about())
        );
        for word in words.iter().filter(|word| word.kind == kind) {
            let _ = writeln!(out, "- [{word}]({file}.md#{word}): {}", escaped(&word.means), word = word.word);
        }
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// Words that are ours, whose angle brackets and stars are not meant as markup; what stands in backticks is left.
fn escaped(text: &str) -> String {
    let code = |(i, piece): (usize, &str)| {
        if i % 2 == 1 { format!("`{piece}`") } else { piece.replace('<', "&lt;").replace('*', "\\*") }
    };
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.split('`').enumerate().map(code).collect()
}
