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
