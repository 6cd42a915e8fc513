//! The way from a comparison to the reports that it compares.

use std::path::{Path, PathBuf};

use url::Url;

/// Where the page of a saved report stands (`report.html` beside `report.json`), as a relative reference (RFC 3986
/// section 4.2) from the file to which the comparison is written. Nothing if there is no such page, or if it stands
/// further away than in a neighbouring folder: nobody would take both along.
pub fn page_beside(report: &Path, output: &Path) -> Option<String> {
    let file = if report.is_dir() { report.join("report.json") } else { report.to_owned() };
    let page = file.with_extension("html").canonicalize().ok()?;
    let folder = match output.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let from = Url::from_file_path(folder.canonicalize().ok()?.join(output.file_name()?)).ok()?;
    let to = Url::from_file_path(page).ok().filter(|to| *to != from)?;
    let way = from.make_relative(&to).filter(|way| !way.is_empty() && way.matches("../").count() <= 1)?;
    // A colon in the first segment would make it a scheme (RFC 3986 section 4.2).
    Some(if way.split('/').next().is_some_and(|first| first.contains(':')) {
        format!("./{way}")
    } else {
        way
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_page_in_the_neighbourhood_is_linked_and_no_other() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["a (one)", "b", "out/deep/er", "keycloak:26"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for name in [
            "keycloak:26/report.html",
            "keycloak:26/report.json",
            "a (one)/report.html",
            "a (one)/report.json",
            "b/report.json",
            "c.json",
            "c.html",
        ] {
            fs::write(at(name), "").unwrap();
        }
        let link = |report: &str, output: &str| page_beside(&at(report), &at(output));
        assert_eq!(link("a (one)", "compare.html").as_deref(), Some("a%20(one)/report.html"));
        assert_eq!(link("a (one)/report.json", "b/compare.md").as_deref(), Some("../a%20(one)/report.html"));
        assert_eq!(link("keycloak:26", "compare.html").as_deref(), Some("./keycloak:26/report.html"));
        assert_eq!(link("c.json", "b/compare.html").as_deref(), Some("../c.html"));
        assert_eq!(link("c.json", "compare.html").as_deref(), Some("c.html"));
        assert_eq!(link("c.json", "c.html"), None, "it would be written over");
        assert_eq!(link("b", "compare.html"), None, "there is no page");
        assert_eq!(link("c.json", "out/deep/er/compare.html"), None, "too far away");
        assert_eq!(link("c.json", "nowhere/compare.html"), None);
    }
}
