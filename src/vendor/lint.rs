//! What the schema of vendor fixtures cannot say.

use globset::Glob;

use super::Vendor;
use crate::{
    document::{Diagnostics, Document, did_you_mean},
    reference,
    spec::Catalogue,
};

/// Every semantic mistake.
pub(super) fn lint(vendor: &Vendor, document: &Document, catalogue: &Catalogue) -> Diagnostics {
    let mut lint = Lint { vendor, document, found: Diagnostics::default() };
    for (i, fact) in vendor.facts.iter().enumerate() {
        lint.page(&format!("/facts/{i}/from"), &fact.from);
        for (j, glob) in fact.requirements.iter().enumerate() {
            lint.requirement(&format!("/facts/{i}/requirements/{j}"), glob, catalogue);
        }
        for (j, glob) in fact.scenarios.iter().enumerate() {
            if let Err(error) = Glob::new(glob) {
                let place = format!("/facts/{i}/scenarios/{j}");
                lint.found.push(document.at(&place, "wrong-glob", format!("`{glob}` is no glob: {error}")));
            }
        }
    }
    for (i, page) in vendor.pages.iter().enumerate() {
        lint.address(&format!("/pages/{i}/url"), page.url.as_deref());
    }
    for (i, page) in vendor.server.example_pages().enumerate() {
        lint.page(&format!("/server/examples/{i}/from"), page);
    }
    lint.faults();
    lint.found
}

struct Lint<'a> {
    vendor: &'a Vendor,
    document: &'a Document,
    found: Diagnostics,
}

impl Lint<'_> {
    /// Reports link to it.
    fn address(&mut self, place: &str, address: Option<&str>) {
        let Some(address) = address else { return };
        let why = match url::Url::parse(address) {
            Ok(url) if ["http", "https"].contains(&url.scheme()) => return,
            Ok(url) => format!("`{}:` is no scheme of a page that was read", url.scheme()),
            Err(error) => format!("`{address}` is not a URL: {error}"),
        };
        let mistake = self.document.at(place, "wrong-url", why);
        self.found.push(mistake.hint("write it like https://docs.example.com/token-exchange"));
    }

    fn page(&mut self, place: &str, page: &str) {
        let known = || self.vendor.pages.iter().map(|page| page.id.as_str());
        if known().any(|id| id == page) {
            return;
        }
        let mistake = self.document.at(place, "unknown-page", format!("no page has the id `{page}`"));
        self.found.push(match did_you_mean(page, known()) {
            Some(near) => mistake.label(format!("did you mean `{near}`?")),
            None => mistake.hint("list under `pages` what was read"),
        });
    }

    /// A glob must name something that is judged, or the fact would be said to nobody.
    fn requirement(&mut self, place: &str, text: &str, catalogue: &Catalogue) {
        let glob = match Glob::new(text) {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                let mistake = format!("`{text}` is no glob: {error}");
                self.found.push(self.document.at(place, "wrong-glob", mistake));
                return;
            }
        };
        let judged =
            || catalogue.requirements().iter().filter(|r| r.unchecked.is_none() && r.same_as.is_none());
        if judged().any(|r| glob.is_match(&r.id)) {
            return;
        }
        let mistake = self.document.at(
            place,
            "unknown-requirement",
            format!("nothing that is judged is called `{text}`"),
        );
        let same = catalogue.get(text).and_then(|r| r.same_as.as_deref());
        self.found.push(match same.or_else(|| did_you_mean(text, judged().map(|r| r.id.as_str()))) {
            Some(near) => mistake.label(format!("did you mean `{near}`?")),
            None => mistake.hint("`txspec list requirements` shows the ids"),
        });
    }

    fn faults(&mut self) {
        // The list is embedded and tested; without it, the server itself refuses what it does not know.
        let Ok(known) = reference::faults() else { return };
        for (i, id) in self.vendor.server.faults().iter().enumerate() {
            if known.iter().any(|fault| fault.id == *id) {
                continue;
            }
            let place = format!("/server/faults/{i}");
            let mistake = self.document.at(&place, "unknown-fault", format!("there is no fault `{id}`"));
            self.found.push(match did_you_mean(id, known.iter().map(|fault| fault.id.as_str())) {
                Some(near) => mistake.label(format!("did you mean `{near}`?")),
                None => mistake.hint("`txspec list faults` shows them"),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        spec::Catalogue,
        vendor::{VendorError, embedded, load_text},
    };

    /// The mistakes in a fixture that comes with txspec, one text in it replaced by another.
    fn mistakes(name: &str, from: &str, to: &str) -> Vec<(String, Option<usize>)> {
        let catalogue = Catalogue::embedded().unwrap();
        let text = std::fs::read_to_string(format!("fixtures/vendors/{name}.yaml")).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        assert!(embedded(name, &catalogue).is_ok(), "{name}");
        let line = text.lines().position(|l| l.contains(from)).map(|n| n + 1);
        match load_text("t.yaml", &text.replacen(from, to, 1), &catalogue) {
            Err(VendorError::Mistakes(found)) => found
                .0
                .iter()
                .map(|d| {
                    assert_eq!(d.line_column().map(|(l, _)| l), line, "{d:?}");
                    (format!("{}: {}", d.code, d.message), line)
                })
                .collect(),
            other => panic!("{to}: {other:?}"),
        }
    }

    #[test]
    fn a_status_that_no_answer_can_have_is_refused() {
        for (status, words) in [
            ("12", "wrong-value: 12 is too small: at least 200 is expected"),
            ("700", "wrong-value: 700 is too large: at most 599 is expected"),
            ("0", "wrong-value: 0 is too small"),
        ] {
            let found = mistakes("logto", "status: 200", &format!("status: {status}"));
            assert!(found.len() == 1 && found[0].0.starts_with(words), "{found:?}");
        }
    }

    #[test]
    fn a_page_has_an_address_that_can_be_linked() {
        for (address, words) in [
            ("javascript:alert(1)", "wrong-url: `javascript:` is no scheme"),
            ("file:///etc/hosts", "wrong-url: `file:` is no scheme"),
            ("docs.logto.io", "wrong-url: `docs.logto.io` is not a URL"),
        ] {
            let found = mistakes(
                "logto",
                "url: https://docs.logto.io/developers/user-impersonation",
                &format!("url: {address}"),
            );
            assert!(found.len() == 1 && found[0].0.starts_with(words), "{found:?}");
        }
    }
}
