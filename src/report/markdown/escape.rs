//! Data in Markdown: neither its marks nor HTML may come from a server.

use crate::{report::visible::shown, spec::Catalogue};

/// Data as a code span; the fence is longer than any run of backticks inside.
pub(in crate::report) fn code(data: &str, limit: usize) -> String {
    let shown = shown(data, limit);
    if shown.trim().is_empty() {
        return "(nothing)".into();
    }
    let fence = "`".repeat(longest_run(&shown) + 1);
    // A backtick at either end would join the fence; one blank on both sides is not rendered.
    let pad = if shown.starts_with(['`', ' ']) || shown.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// [`code`] for a table, whose cells end at a bar even inside code.
pub(in crate::report) fn cell(data: &str, limit: usize) -> String {
    code(data, limit).replace('|', "\\|")
}

/// A requirement or code in a table, leading to its page where that is published.
pub(in crate::report) fn linked(id: &str, catalogue: &Catalogue) -> String {
    const ID: usize = 200;
    match catalogue.page(id).and_then(|page| page.url) {
        Some(url) => format!("[{}]({url})", cell(id, ID)),
        None => cell(id, ID),
    }
}

/// A fenced block of one line of data.
pub(super) fn block(language: &str, data: &str, limit: usize) -> String {
    let shown = shown(data, limit);
    let fence = "`".repeat((longest_run(&shown) + 1).max(3));
    format!("{fence}{language}\n{shown}\n{fence}\n")
}

/// Data as running text.
pub(in crate::report) fn text(data: &str, limit: usize) -> String {
    let shown = shown(data, limit);
    let mut out = String::with_capacity(shown.len());
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Neither mentions nor links come about by themselves.
            '@' => out.push_str("@<!-- -->"),
            ':' if rest.peek() == Some(&'/') => out.push_str("&#58;"),
            c => out.push(c),
        }
    }
    out.replace("www.", "www&#46;")
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_html_lose_their_meaning() {
        assert_eq!(
            text("<img src=x> **b** [a](https://x) @team", 100),
            "&lt;img src=x&gt; \\*\\*b\\*\\* \\[a\\](https&#58;//x) @<!-- -->team"
        );
    }

    #[test]
    fn code_spans_hold_backticks_and_bars() {
        assert_eq!(cell("a `b` | c", 100), "``a `b` \\| c``");
        assert_eq!(code("`", 100), "`` ` ``");
        assert_eq!(code("  ", 100), "(nothing)");
        assert_eq!(block("sh", "x ``` y", 100), "````sh\nx ``` y\n````\n");
    }
}
