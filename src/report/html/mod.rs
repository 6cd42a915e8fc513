//! One self-contained page: no address is fetched, and the page is complete without its script. Data reaches the
//! template as plain text and is escaped there; a content security policy admits our own style and script only.

mod budget;
mod scenarios;
mod sections;
mod tokens;
mod view;

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{Report, ReportError};
use crate::spec::Catalogue;

pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The report as one HTML page.
///
/// # Errors
/// Only when the template fails, a bug.
pub fn render(report: &Report, catalogue: &Catalogue) -> Result<String, ReportError> {
    view::Page::new(report, catalogue)
        .render()
        .map_err(|e| ReportError::Render { format: "HTML", message: e.to_string() })
}

/// A content security policy that admits these very texts and nothing else.
pub(super) fn policy(style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let scripts = script.map_or_else(|| "'none'".to_owned(), hash);
    format!(
        "default-src 'none'; style-src {}; script-src {scripts}; base-uri 'none'; form-action 'none'",
        hash(style)
    )
}

#[cfg(test)]
mod tests;
