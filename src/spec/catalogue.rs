//! Loading the embedded catalogue and finding rows in it.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

use super::decision::{AmbiguityFile, DecisionFile};
use super::diagnostic::DiagnosticFile;
use super::word::{self, WordEntry, WordFile};
use super::{Ambiguity, CodeEntry, DecisionRow, Page, Registry, Requirement, RequirementFile, Word};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/requirements");

/// Files of the folder that are not specifications.
const OTHERS: [&str; 5] =
    ["decision-table.yaml", "ambiguity.yaml", "registry.yaml", "diagnostics.yaml", "words.yaml"];

/// The embedded catalogue is broken: a bug in txspec, never a user's mistake.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file is absent from the binary or not text.
    #[error("the catalogue file {0} is missing from this build")]
    Missing(String),
    /// A file does not decode.
    #[error("failed to read the catalogue file {file}: {message}")]
    Unreadable {
        /// Which file.
        file: String,
        /// What the parser said.
        message: String,
    },
    /// Two rows have one id.
    #[error("the catalogue holds {0} twice")]
    Duplicate(String),
}

/// All requirements, the decision table, the ambiguity register and the registries.
#[derive(Debug)]
pub struct Catalogue {
    requirements: Vec<Requirement>,
    index: BTreeMap<String, usize>,
    specs: Vec<(String, String, String)>,
    rows: Vec<DecisionRow>,
    ambiguities: Vec<Ambiguity>,
    registry: Registry,
    diagnostics: Vec<CodeEntry>,
    words: Vec<WordEntry>,
    docs: Option<String>,
}

impl Catalogue {
    /// Reads the files that are embedded in the binary.
    ///
    /// # Errors
    /// Only when the build itself is broken.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let mut requirements = Vec::new();
        let mut specs = Vec::new();
        let mut names: Vec<String> = FILES
            .files()
            .filter_map(|f| f.path().file_name().and_then(|n| n.to_str()).map(str::to_owned))
            .filter(|n| n.ends_with(".yaml") && !OTHERS.contains(&n.as_str()))
            .collect();
        // RFC 8693 is what the tool is about: its rows come first everywhere.
        names.sort_by_key(|n| (n != "rfc8693.yaml", n.clone()));
        for name in names {
            let file: RequirementFile = parse(&name)?;
            specs.push((file.spec.clone(), file.title, file.url));
            requirements.extend(file.requirements.into_iter().map(|mut r| {
                r.spec.clone_from(&file.spec);
                r
            }));
        }
        let mut index = BTreeMap::new();
        for (i, r) in requirements.iter().enumerate() {
            if index.insert(r.id.clone(), i).is_some() {
                return Err(CatalogueError::Duplicate(r.id.clone()));
            }
        }
        Ok(Self {
            requirements,
            index,
            specs,
            rows: parse::<DecisionFile>(OTHERS[0])?.rows,
            ambiguities: parse::<AmbiguityFile>(OTHERS[1])?.entries,
            registry: parse(OTHERS[2])?,
            diagnostics: parse::<DiagnosticFile>(OTHERS[3])?.diagnostics,
            words: parse::<WordFile>(OTHERS[4])?.words,
            docs: None,
        })
    }

    /// Every requirement, RFC 8693 first, in the order of the files.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// A requirement by id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.index.get(id).and_then(|i| self.requirements.get(*i))
    }

    /// The position of a requirement in the catalogue's order.
    pub fn position(&self, id: &str) -> usize {
        self.index.get(id).copied().unwrap_or(usize::MAX)
    }

    /// Every id.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.requirements.iter().map(|r| r.id.as_str())
    }

    /// Rows that are checked through the given one.
    pub fn aliases_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Requirement> {
        self.requirements.iter().filter(move |r| r.same_as.as_deref() == Some(id))
    }

    /// Name, title and address of each specification.
    pub fn specs(&self) -> &[(String, String, String)] {
        &self.specs
    }

    /// The address of the section that a requirement cites, for links.
    pub fn section_url(&self, requirement: &Requirement) -> Option<String> {
        let (document, section) = requirement.cited();
        let known = self.specs.iter().find(|(spec, ..)| *spec == document).map(|(_, _, url)| url.clone());
        let url = known.or_else(|| {
            let rfc = document.strip_prefix("RFC ");
            let draft = || format!("https://datatracker.ietf.org/doc/html/{document}");
            rfc.map(|number| format!("https://www.rfc-editor.org/rfc/rfc{number}"))
                .or_else(|| document.starts_with("draft-").then(draft))
        })?;
        // A row may name several sections: the link leads to the first.
        let first = section.split([',', '-']).next().unwrap_or_default().trim();
        let kind = if first.starts_with(char::is_alphabetic) { "appendix" } else { "section" };
        Some(if first.is_empty() { url } else { format!("{url}#{kind}-{first}") })
    }

    /// A row of the decision table.
    pub fn row(&self, id: &str) -> Option<&DecisionRow> {
        self.rows.iter().find(|r| r.id == id)
    }

    /// The decision table.
    pub fn rows(&self) -> &[DecisionRow] {
        &self.rows
    }

    /// An entry of the ambiguity register.
    pub fn ambiguity(&self, id: &str) -> Option<&Ambiguity> {
        self.ambiguities.iter().find(|a| a.id == id)
    }

    /// The ambiguity register.
    pub fn ambiguities(&self) -> &[Ambiguity] {
        &self.ambiguities
    }

    /// The registries.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Every code that is no requirement: mistakes in files, classes, causes, verdicts, states of waivers.
    pub fn diagnostics(&self) -> &[CodeEntry] {
        &self.diagnostics
    }

    /// Such a code, explained.
    pub fn diagnostic(&self, code: &str) -> Option<&CodeEntry> {
        self.diagnostics.iter().find(|d| d.code == code)
    }

    /// Every word of reports and target files that is no code, explained, kind by kind.
    pub fn words(&self) -> Vec<Word> {
        word::all(self, &self.words)
    }

    /// The same catalogue, for whom the pages of `docs/` are published under this address.
    #[must_use]
    pub fn with_docs(self, base: Option<&str>) -> Self {
        Self { docs: base.map(|b| b.trim_end_matches('/').to_owned()), ..self }
    }

    /// Where a requirement, another code or a word is explained. What is a code and a word has the page of the code.
    pub fn page(&self, id: &str) -> Option<Page> {
        let file = if self.get(id).is_some() {
            format!("requirements/{id}.md")
        } else if self.diagnostic(id).is_some() {
            format!("diagnostics/{id}.md")
        } else {
            let word = self.words().into_iter().find(|word| word.word == id)?;
            format!("words/{}.md#{id}", word.kind.plural())
        };
        Some(Page {
            id: id.to_owned(),
            path: format!("docs/{file}"),
            url: self.docs.as_ref().map(|base| format!("{base}/{file}")),
        })
    }

    /// The readings that some row or table entry offers.
    pub fn readings(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self
            .requirements
            .iter()
            .flat_map(|r| r.readings.iter().map(|x| x.id.as_str()))
            .chain(self.rows.iter().flat_map(|r| r.tolerated.iter().filter_map(|t| t.reading.as_deref())))
            .chain(["strict"])
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn parse<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, CatalogueError> {
    let text = FILES
        .get_file(name)
        .and_then(|f| f.contents_utf8())
        .ok_or_else(|| CatalogueError::Missing(name.to_owned()))?;
    serde_yaml::from_str(text)
        .map_err(|e| CatalogueError::Unreadable { file: name.to_owned(), message: e.to_string() })
}
