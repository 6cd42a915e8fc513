//! Loading scenarios, from the binary or from files and folders of the user, and linking each to its control.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};

use super::{Expect, Scenario, ScenarioFile, ScenarioSource, Step, lint};
use crate::{
    document::{Diagnostic, Diagnostics, Document, FileKind, SchemaCheck},
    spec::Catalogue,
};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The files hold mistakes.
    #[error("the scenario files hold mistakes")]
    Mistakes(Diagnostics),
    /// The schema of scenario files does not compile: a bug in txspec.
    #[error("failed to prepare the scenario schema: {0}")]
    Schema(String),
}

/// The scenarios of a run, in the order of their files.
#[derive(Debug, Clone)]
pub struct Suite {
    scenarios: Vec<Scenario>,
    /// How many of them are the suite's own; the rest serves as controls.
    own: usize,
    index: BTreeMap<String, usize>,
    /// What is worth mending in the files.
    pub warnings: Diagnostics,
}

impl Suite {
    /// The scenarios that come with txspec.
    ///
    /// # Errors
    /// Only when the build itself is broken.
    pub fn embedded(catalogue: &Catalogue) -> Result<Self, LoadError> {
        let mut documents = Vec::new();
        let mut mistakes = Diagnostics::default();
        for (name, text) in embedded_files() {
            match Document::parse(&format!("scenarios/{name}"), text) {
                Ok(document) => documents.push(document),
                Err(d) => mistakes.extend(d),
            }
        }
        Self::from_documents(documents, mistakes, catalogue, false)
    }

    /// The scenarios of files and folders (`*.yaml`, `*.yml`, not deeper than one level).
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn from_paths(paths: &[PathBuf], catalogue: &Catalogue) -> Result<Self, LoadError> {
        let mut mistakes = Diagnostics::default();
        let mut documents = Vec::new();
        for path in expand(paths, &mut mistakes) {
            match Document::read(&path) {
                Ok(document) => documents.push(document),
                Err(d) => mistakes.extend(d),
            }
        }
        Self::from_documents(documents, mistakes, catalogue, true)
    }

    /// The scenarios of one text, which are each other's only controls.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_text(name: &str, text: &str, catalogue: &Catalogue) -> Result<Self, LoadError> {
        let document = Document::parse(name, text).map_err(LoadError::Mistakes)?;
        Self::from_documents(vec![document], Diagnostics::default(), catalogue, false)
    }

    /// `library`: take the embedded scenarios in as controls that the documents may come `from`.
    fn from_documents(
        documents: Vec<Document>,
        mut mistakes: Diagnostics,
        catalogue: &Catalogue,
        library: bool,
    ) -> Result<Self, LoadError> {
        let schema = SchemaCheck::of::<ScenarioFile>().map_err(LoadError::Schema)?;
        let mut files: Vec<(Document, ScenarioFile, bool)> = Vec::new();
        let mut unread = mistakes.has_errors();
        for document in documents {
            if let Some(mistake) = document.other_than(FileKind::Scenarios) {
                mistakes.push(mistake);
                unread = true;
                continue;
            }
            let (found, healed) = schema.check_and_heal(&document);
            let broken = found.has_errors();
            mistakes.extend(found);
            // What is left of a file with mistakes is looked at too: all of them are shown at once.
            let document = document.with_value(healed);
            match document.decode::<ScenarioFile>() {
                Ok(file) => files.push((document, file, broken)),
                Err(d) if !broken => mistakes.extend(d),
                Err(_) => unread = true,
            }
        }
        let background = if library { background(&files) } else { Vec::new() };
        mistakes.extend(lint(&files, &background, catalogue, unread));
        let ((), warnings) = mistakes.or(()).map_err(LoadError::Mistakes)?;
        let own = files.iter().map(|(_, file, _)| file.scenarios.len()).sum();
        files.extend(background);
        let scenarios = link(&files);
        let index = scenarios.iter().enumerate().map(|(i, s)| (s.id.clone(), i)).collect();
        Ok(Self { scenarios, own, index, warnings })
    }

    /// Every scenario.
    pub fn scenarios(&self) -> &[Scenario] {
        self.scenarios.get(..self.own).unwrap_or_default()
    }

    /// A scenario by id, controls out of the embedded suite included.
    pub fn get(&self, id: &str) -> Option<&Scenario> {
        self.index.get(id).and_then(|i| self.scenarios.get(*i))
    }
}

/// The embedded scenarios that the user's files do not define themselves.
fn background(files: &[(Document, ScenarioFile, bool)]) -> Vec<(Document, ScenarioFile, bool)> {
    let own: BTreeSet<&str> =
        files.iter().flat_map(|(_, f, _)| f.scenarios.iter().map(|s| s.id.as_str())).collect();
    let parsed = embedded_files().into_iter().filter_map(|(name, text)| {
        let document = Document::parse(&format!("scenarios/{name}"), text).ok()?;
        let mut file: ScenarioFile = document.decode().ok()?;
        file.scenarios.retain(|s| !own.contains(s.id.as_str()));
        Some((document, file, false))
    });
    parsed.collect()
}

/// Names and texts of the embedded files.
pub fn embedded_files() -> Vec<(&'static str, &'static str)> {
    let mut files: Vec<(&str, &str)> = FILES
        .files()
        .filter(|f| f.path().extension().is_some_and(|e| e == "yaml"))
        .filter_map(|f| Some((f.path().to_str()?, f.contents_utf8()?)))
        .collect();
    files.sort_unstable();
    files
}

/// Lints files without running them.
///
/// # Errors
/// Every mistake of every file.
pub fn check_files(paths: &[PathBuf], catalogue: &Catalogue) -> Result<Suite, LoadError> {
    Suite::from_paths(paths, catalogue)
}

fn expand(paths: &[PathBuf], mistakes: &mut Diagnostics) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for path in paths {
        if !path.is_dir() {
            out.push(path.clone());
            continue;
        }
        let before = out.len();
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut found: Vec<PathBuf> =
                    entries.filter_map(Result::ok).map(|e| e.path()).filter(|p| is_yaml(p)).collect();
                found.sort();
                out.extend(found);
            }
            Err(e) => mistakes.push(Diagnostic::for_file(
                &path.display().to_string(),
                "folder-unreadable",
                format!("failed to read the folder: {e}"),
            )),
        }
        if out.len() == before && !mistakes.has_errors() {
            mistakes.push(
                Diagnostic::for_file(
                    &path.display().to_string(),
                    "folder-empty",
                    "the folder holds no scenario file",
                )
                .hint("scenario files end in .yaml or .yml"),
            );
        }
    }
    out
}

fn is_yaml(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|e| e == "yaml" || e == "yml")
}

/// Resolves `from:` chains. Lint has made sure that they end and that names exist.
fn link(files: &[(Document, ScenarioFile, bool)]) -> Vec<Scenario> {
    let mut sources: BTreeMap<&str, (&ScenarioSource, &ScenarioFile)> = BTreeMap::new();
    for (_, file, _) in files {
        for source in &file.scenarios {
            sources.insert(&source.id, (source, file));
        }
    }
    let mut out = Vec::new();
    for (document, file, _) in files {
        for (i, source) in file.scenarios.iter().enumerate() {
            let line = document.line(&format!("/scenarios/{i}/id")).unwrap_or(1);
            out.push(resolve(source, file, &sources, (document.name.clone(), line)));
        }
    }
    out
}

fn resolve(
    source: &ScenarioSource,
    file: &ScenarioFile,
    sources: &BTreeMap<&str, (&ScenarioSource, &ScenarioFile)>,
    origin: (String, usize),
) -> Scenario {
    let mut requires: BTreeSet<_> = source.requires.iter().copied().collect();
    let mut profile = file.profile;
    let control = source.from.clone().or_else(|| source.control.clone());
    // What the control needs, the scenario needs.
    let mut next = control.as_deref();
    let mut seen = BTreeSet::new();
    while let Some((parent, parent_file)) = next.and_then(|id| sources.get(id)) {
        if !seen.insert(parent.id.as_str()) {
            break;
        }
        requires.extend(parent.requires.iter().copied());
        profile = profile.max(parent_file.profile);
        next = parent.from.as_deref().or(parent.control.as_deref());
    }
    Scenario {
        id: source.id.clone(),
        title: source.title.clone(),
        topic: file.topic.clone(),
        section: file.section.clone(),
        profile,
        requires: requires.into_iter().collect(),
        unless: source.unless.clone(),
        ambiguity: source.ambiguity.clone(),
        control,
        edits: edits_of(source, sources, 0),
        steps: steps_of(source, sources, 0),
        expect: source
            .expect
            .clone()
            .unwrap_or_else(|| Expect { success: Some(Vec::new()), ..Expect::default() }),
        note: source.note.clone(),
        origin,
    }
}

/// The edits on the way from the root: each scenario differs from its control by its own one.
fn edits_of(
    source: &ScenarioSource,
    sources: &BTreeMap<&str, (&ScenarioSource, &ScenarioFile)>,
    depth: usize,
) -> Vec<super::Edit> {
    let mut edits = match source.from.as_deref().and_then(|id| sources.get(id)) {
        Some((parent, _)) if depth < 16 => edits_of(parent, sources, depth + 1),
        _ => Vec::new(),
    };
    edits.extend(source.edit.clone());
    edits
}

/// A scenario's own requests, or those of the root that it comes `from`.
fn steps_of(
    source: &ScenarioSource,
    sources: &BTreeMap<&str, (&ScenarioSource, &ScenarioFile)>,
    depth: usize,
) -> Vec<Step> {
    if let Some(steps) = &source.steps {
        return steps.clone();
    }
    if let Some(exchange) = &source.exchange {
        return vec![Step { exchange: Some(exchange.clone()), ..Step::default() }];
    }
    match source.from.as_deref().and_then(|id| sources.get(id)) {
        Some((parent, _)) if depth < 16 => steps_of(parent, sources, depth + 1),
        _ => vec![Step { exchange: Some(super::ExchangeSpec::default()), ..Step::default() }],
    }
}
