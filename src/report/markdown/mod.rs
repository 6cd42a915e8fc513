//! A summary in Markdown that reads well as a CI job summary or a pull request comment.

mod escape;
mod sections;

pub(in crate::report) use escape::{cell, linked, text};

use crate::{report::Report, spec::Catalogue};

/// The report as Markdown (GitHub's dialect), bounded in size whatever a server sent.
pub fn render(report: &Report, catalogue: &Catalogue) -> String {
    let mut out = String::new();
    for section in [
        sections::identity,
        sections::counts,
        sections::violations,
        sections::waived,
        sections::waivers,
        sections::errors,
        sections::open,
        sections::undecided,
        sections::not_applicable,
        sections::coverage,
        sections::observations,
    ] {
        let part = section(report, catalogue);
        if !part.is_empty() {
            out.push_str(part.trim_end());
            out.push_str("\n\n");
        }
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests;
