//! Loading a target file: places kept, `${VAR}` put in, every mistake collected.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};
use serde_json::Value;

use super::{SecretFrom, SecretSpec, TargetSpec, Waiver, lint::lint};
use crate::{
    document::{Diagnostic, Diagnostics, Document, FileKind, SchemaCheck, did_you_mean, pointer_push},
    spec::Catalogue,
};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/targets");

/// Why there is no target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The file holds mistakes.
    #[error("the target file holds mistakes")]
    Mistakes(Diagnostics),
    /// The file holds mistakes of form that hide whether there are others: names and roles were not looked at.
    #[error("the target file holds mistakes")]
    Unread(Diagnostics),
    /// No embedded target of that name and no such file.
    #[error("no target `{name}`: neither a file nor one of the targets that come with txspec{}", hint(.near.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest embedded name.
        near: Option<String>,
    },
    /// An address that is neither http nor https.
    #[error("a target's address begins with http:// or https://, not {scheme}://")]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
    /// The schema of target files does not compile: a bug in txspec.
    #[error("failed to prepare the target schema: {0}")]
    Schema(String),
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |n| format!(" (did you mean `{n}`?)"))
}

/// A target, ready for a run.
#[derive(Debug, Clone)]
pub struct Target {
    /// What the file says, `${VAR}` put in.
    pub spec: TargetSpec,
    /// Its waivers.
    pub waivers: Vec<Waiver>,
    /// What is worth mending in it.
    pub warnings: Diagnostics,
    /// The file, for messages that point into it.
    pub document: Option<Document>,
    /// The folder that relative paths start from.
    pub folder: PathBuf,
}

/// Where `${VAR}` comes from. Tests and the command line hand in more than the environment.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Loads a target file.
///
/// # Errors
/// Every mistake in it.
pub fn load_file(
    path: &Path,
    variables: Variables<'_>,
    catalogue: &Catalogue,
) -> Result<Target, TargetError> {
    let document = Document::read(path).map_err(TargetError::Mistakes)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    from_document(document, folder, variables, catalogue)
}

/// Loads a target from text.
///
/// # Errors
/// Every mistake in it.
pub fn load_text(
    name: &str,
    text: &str,
    variables: Variables<'_>,
    catalogue: &Catalogue,
) -> Result<Target, TargetError> {
    let document = Document::parse(name, text).map_err(TargetError::Mistakes)?;
    from_document(document, PathBuf::new(), variables, catalogue)
}

/// Loads an embedded target by name, or a file by path.
///
/// # Errors
/// An unknown name, or every mistake in the file.
pub fn load_named(
    name: &str,
    variables: Variables<'_>,
    catalogue: &Catalogue,
) -> Result<Target, TargetError> {
    let path = Path::new(name);
    if let Some((scheme, _)) = name.split_once("://") {
        return Err(TargetError::Scheme { scheme: scheme.to_owned() });
    }
    let looks_like_path =
        name.contains(std::path::MAIN_SEPARATOR) || name.ends_with(".yaml") || name.ends_with(".yml");
    if looks_like_path {
        return load_file(path, variables, catalogue);
    }
    match embedded(name) {
        // Whatever lies about in the folder of the day: a name means the same everywhere.
        Some(text) => {
            let loaded = load_text(&format!("targets/{name}.yaml"), text, variables, catalogue);
            loaded.map(Target::of_txspec).map_err(of_txspec)
        }
        None if path.exists() => load_file(path, variables, catalogue),
        None => {
            let names = embedded_names();
            let near = did_you_mean(name, names.iter().copied()).map(str::to_owned);
            // An address without its scheme can hold a password.
            let name = name.rsplit_once('@').map_or_else(|| name.to_owned(), |(_, host)| format!("…@{host}"));
            Err(TargetError::Unknown { name, near })
        }
    }
}

/// Mistakes of a target that comes with txspec, told to someone who cannot edit it.
fn of_txspec(error: TargetError) -> TargetError {
    let (TargetError::Mistakes(mut mistakes) | TargetError::Unread(mut mistakes)) = error else {
        return error;
    };
    mistakes.0.retain(|d| !SECRETS.contains(&d.code));
    for mistake in mistakes.0.iter_mut().filter(|d| d.code == UNSET) {
        let hint = mistake.hint.take().unwrap_or_default();
        let export = hint.split_once(", or write").map_or(hint.as_str(), |(export, _)| export);
        mistake.hint = Some(match export.strip_prefix("export TXSPEC_ISSUER=") {
            Some(_) => "give --issuer URL, or export TXSPEC_ISSUER=URL".to_owned(),
            None => export.to_owned(),
        });
    }
    TargetError::Mistakes(mistakes)
}

/// The names of the embedded targets.
pub fn embedded_names() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        FILES.files().filter_map(|f| f.path().to_str()?.strip_suffix(".yaml")).collect();
    names.sort_unstable();
    names
}

/// The text of an embedded target.
pub fn embedded(name: &str) -> Option<&'static str> {
    FILES.get_file(format!("{name}.yaml"))?.contents_utf8()
}

/// Codes about secrets of the file, which are those of a test set-up where the file comes with txspec.
const SECRETS: [&str; 2] = ["literal-secret", "short-secret"];

/// The code of a variable that is not set.
const UNSET: &str = "unset-variable";

fn from_document(
    document: Document,
    folder: PathBuf,
    variables: Variables<'_>,
    catalogue: &Catalogue,
) -> Result<Target, TargetError> {
    if let Some(mistake) = document.other_than(FileKind::Target) {
        return Err(TargetError::Mistakes(mistake.into()));
    }
    let mut mistakes = Diagnostics::default();
    let written = document.value().clone();
    let value = interpolate(&written, "", &document, variables, &mut mistakes);
    let document = document.with_value(value);
    let schema = SchemaCheck::of::<TargetSpec>().map_err(TargetError::Schema)?;
    let (found, healed) = schema.check_and_heal(&document);
    mistakes.extend(found);
    // What is left of a file with mistakes is looked at too: all of them are shown at once.
    let document = document.with_value(healed);
    let mut spec = match document.decode::<TargetSpec>() {
        Ok(spec) => spec,
        Err(d) => {
            if !mistakes.has_errors() {
                mistakes.extend(d);
            }
            return Err(TargetError::Unread(mistakes));
        }
    };
    locate_secrets(&mut spec, &folder);
    let mut waivers = Vec::new();
    for (i, waiver) in spec.waivers.iter().enumerate() {
        match waiver.parse() {
            Ok(parsed) => waivers.push(parsed),
            Err(mistake) => {
                let place = format!("/waivers/{i}/{}", mistake.key);
                mistakes.push(document.at(&place, mistake.code, mistake.message));
            }
        }
    }
    mistakes.extend(lint(&spec, &document, &written, &folder, catalogue));
    // What is wrong with a text that a variable is missing from is wrong for that alone.
    let unfilled = |d: &&Diagnostic| [UNSET, "wrong-variable"].contains(&d.code);
    let spans: Vec<_> = mistakes.0.iter().filter(unfilled).filter_map(Diagnostic::span).collect();
    mistakes.0.retain(|d| unfilled(&d) || d.span().is_none_or(|span| !spans.contains(&span)));
    let ((), warnings) = mistakes.or(()).map_err(TargetError::Mistakes)?;
    Ok(Target { spec, waivers, warnings, document: Some(document), folder })
}

/// Replaces `${VAR}` and `${VAR:-default}` in every text; `$${` stands for `${`.
fn interpolate(
    value: &Value,
    pointer: &str,
    document: &Document,
    variables: Variables<'_>,
    mistakes: &mut Diagnostics,
) -> Value {
    match value {
        Value::String(text) if text.contains("${") => {
            Value::String(substitute(text, pointer, document, variables, mistakes))
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(i, v)| interpolate(v, &format!("{pointer}/{i}"), document, variables, mistakes))
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(k, v)| {
                    (k.clone(), interpolate(v, &pointer_push(pointer, k), document, variables, mistakes))
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

fn substitute(
    text: &str,
    pointer: &str,
    document: &Document,
    variables: Variables<'_>,
    mistakes: &mut Diagnostics,
) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            mistakes.push(
                document
                    .at(pointer, "wrong-variable", "`${` without `}`")
                    .hint("write ${NAME}, or $${ for the characters themselves"),
            );
            return out;
        };
        let inner = &rest[at + 2..at + end];
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(n, d)| (n, Some(d)));
        if !is_variable(name) {
            mistakes.push(
                document
                    .at(pointer, "wrong-variable", format!("`{name}` is no name of an environment variable"))
                    .hint("a name is made of letters, digits and `_`: write ${NAME}, or $${ for the characters themselves"),
            );
            rest = &rest[at + end + 1..];
            continue;
        }
        match variables(name).or_else(|| default.map(str::to_owned)) {
            Some(found) => out.push_str(&found),
            None => mistakes.push(
                document
                    .at(pointer, UNSET, format!("the environment variable `{name}` is not set"))
                    .hint(format!("export {name}=…, or write ${{{name}:-DEFAULT}}")),
            ),
        }
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out
}

/// Whether a text can be the name of an environment variable (POSIX.1 section 8.1, in either case).
pub fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Paths of secrets start from the folder of the target file, like all paths in it.
fn locate_secrets(spec: &mut TargetSpec, folder: &Path) {
    let clients = spec.clients.values_mut().flat_map(|c| c.secret.iter_mut().chain(&mut c.key));
    let tokens = spec.tokens.values_mut().flat_map(|t| {
        let password = t.from.password.iter_mut().map(|p| &mut p.password);
        let minted = t.from.minted.iter_mut().filter_map(|m| m.key.as_mut());
        t.from.fixed.iter_mut().chain(password).chain(minted)
    });
    for secret in clients.chain(tokens) {
        if let SecretSpec::From(SecretFrom { file: Some(file), .. }) = secret {
            *file = folder.join(&*file);
        }
    }
}

impl Target {
    /// A target that comes with txspec: what is worth mending in it is no matter of who runs it.
    fn of_txspec(mut self) -> Self {
        self.warnings.0.retain(|d| !SECRETS.contains(&d.code));
        self
    }

    /// Names by kind, for `txspec list targets` and tests.
    pub fn token_names(&self) -> BTreeMap<&str, &str> {
        self.spec.tokens.iter().map(|(name, t)| (name.as_str(), t.token_type.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes, labels and hints of what is found in a small target file with more to it.
    fn found(more: &str) -> Vec<(&'static str, usize, String)> {
        let text = format!(
            "name: x\nissuer: https://as.example.com\nclients: {{ exchanger: {{ id: app, auth: none }} }}\ntokens: {{ user: {{ from: {{ \
             client_credentials: {{ client: exchanger }} }} }} }}\n{more}\n"
        );
        let all = match load_text("a.yaml", &text, &|_| None, &Catalogue::embedded().unwrap()) {
            Ok(target) => target.warnings,
            Err(TargetError::Mistakes(all)) => all,
            Err(error) => panic!("{error}"),
        };
        let says = |d: &crate::document::Diagnostic| {
            [Some(&d.message), d.label.as_ref(), d.hint.as_ref()]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
        };
        let line = |d: &crate::document::Diagnostic| d.line_column().map_or(0, |(line, _)| line);
        all.0.iter().map(|d| (d.code, line(d), says(d).join("; "))).collect()
    }

    #[test]
    fn narrow_scopes_are_a_part_of_the_subjects_and_generated_is_one_word() {
        for (more, code, words) in [
            ("scopes: { subject: [read, write], narrow: [raed] }", "not-narrower", "did you mean `read`?"),
            ("scopes: { subject: [read, write], narrow: [write, read] }", "not-narrower", "to have less"),
            ("scopes: { subject: read write, narrow: admin }", "not-narrower", "`admin` is not among"),
            ("audiences: { unknown: generate }", "near-miss", "did you mean `generated`?"),
            ("resources: { unknown: [generatd] }", "near-miss", "did you mean `generated`?"),
            ("scopes: { unknown: Generated }", "near-miss", "did you mean `generated`?"),
        ] {
            let all = found(more);
            assert_eq!(all.len(), 1, "{more}: {all:?}");
            assert_eq!((all[0].0, all[0].1), (code, 5), "{more}: {all:?}");
            assert!(all[0].2.contains(words), "{more}: {all:?}");
        }
        for more in [
            "scopes: { subject: [read, write], narrow: [read] }",
            "scopes: { subject: read write, narrow: write }",
            "scopes: { narrow: [read] }",
            "audiences: { unknown: generated, allowed: \"https://generate.example\" }",
            "audiences: { unknown: \"https://unknown.example\" }",
        ] {
            assert!(found(more).is_empty(), "{more}: {:?}", found(more));
        }
    }

    #[test]
    fn a_number_in_place_of_a_duration_is_told_how_to_write_it() {
        let all = found("limits: { request_timeout: 5 }");
        assert_eq!(
            all,
            [("wrong-type", 5, "expected text, found the number 5; write it like `5s`".to_owned())]
        );
        let all = found("policy: { max_issued_lifetime: true }");
        assert!(all[0].2.ends_with("write it like `1h`"), "{all:?}");
        let long = "x".repeat(70);
        let all = found(&format!("limits: {{ budget: {long} }}"));
        assert!(all[0].2.contains(&format!("the text `{}…`", &long[..60])), "{all:?}");
    }
}
