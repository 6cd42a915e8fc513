//! What kind of file a document is, told by its keys: whoever gives one in place of another learns that, and not a dozen
//! mistakes.

use super::{Diagnostic, Document};

/// The kinds of YAML files that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Scenarios.
    Scenarios,
    /// A server under test.
    Target,
    /// A product as its documents describe it.
    Vendor,
}

impl FileKind {
    const ALL: [Self; 3] = [Self::Scenarios, Self::Target, Self::Vendor];

    /// Keys that files of no other kind have.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Scenarios => &["scenarios", "topic"],
            Self::Target => &["clients", "tokens", "capabilities", "endpoints"],
            Self::Vendor => &["facts", "pages"],
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Scenarios => "a scenario file",
            Self::Target => "a target file",
            Self::Vendor => "a vendor fixture",
        }
    }

    /// Where such a file belongs.
    fn place(self) -> &'static str {
        match self {
            Self::Scenarios => {
                "scenarios are given by `--scenarios FILE`; `txspec check FILE` looks for mistakes in them"
            }
            Self::Target => {
                "a target is given by `--target FILE`; `txspec check FILE` looks for mistakes in it"
            }
            Self::Vendor => {
                "`txspec check FILE` looks for mistakes in it; a simulation is run by its target's name"
            }
        }
    }
}

impl Document {
    /// The kind of the file, if its keys belong to one and no other.
    pub fn kind(&self) -> Option<FileKind> {
        let has = |kind: &FileKind| kind.keys().iter().any(|key| self.value().get(key).is_some());
        let mut kinds = FileKind::ALL.into_iter().filter(has);
        kinds.next().filter(|_| kinds.next().is_none())
    }

    /// The one mistake of a file that is of another kind than the one that belongs here.
    pub fn other_than(&self, wanted: FileKind) -> Option<Diagnostic> {
        let kind = self.kind().filter(|kind| *kind != wanted)?;
        let telling = kind.keys().iter().find(|key| self.value().get(key).is_some())?;
        let message = format!("this is {}, and {} was expected", kind.words(), wanted.words());
        let d = self.at_key(&format!("/{telling}"), "other-kind", message);
        Some(d.label(format!("no key of {}", wanted.words())).hint(kind.place()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_what_only_its_kind_has() {
        let kind = |text: &str| Document::parse("a.yaml", text).unwrap().kind();
        assert_eq!(kind("topic: t\nname: n\n"), Some(FileKind::Scenarios));
        assert_eq!(kind("name: n\nclients: {}\n"), Some(FileKind::Target));
        assert_eq!(kind("name: n\nfacts: []\n"), Some(FileKind::Vendor));
        assert_eq!(kind("name: n\nissuer: x\n"), None);
        assert_eq!(kind("scenarios: []\nclients: {}\n"), None);
        assert_eq!(kind("- a\n"), None);
    }

    #[test]
    fn a_file_in_the_place_of_another_is_one_mistake_at_its_first_telling_key() {
        let document = Document::parse("a.yaml", "topic: t\nscenarios: []\n").unwrap();
        assert!(document.other_than(FileKind::Scenarios).is_none());
        let mistake = document.other_than(FileKind::Target).unwrap();
        assert_eq!((mistake.code, mistake.line_column()), ("other-kind", Some((2, 1))));
        assert_eq!(mistake.message, "this is a scenario file, and a target file was expected");
    }
}
