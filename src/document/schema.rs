//! Checking a document against a JSON Schema, so that every mistake is found at once, each at its place.

use jsonschema::{Validator, error::ValidationErrorKind};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::{Diagnostics, Document, did_you_mean, nearest, pointer_push};

/// The JSON Schema (2020-12) of a type that a YAML file is decoded into.
pub fn yaml_schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// A compiled schema.
pub struct SchemaCheck {
    validator: Validator,
    schema: Value,
}

impl SchemaCheck {
    /// Compiles the schema of a type.
    ///
    /// # Errors
    /// The text of the schema error: a bug in the type, not in a user's file.
    pub fn of<T: JsonSchema>() -> Result<Self, String> {
        let schema = yaml_schema::<T>();
        let validator = jsonschema::validator_for(&schema).map_err(|e| e.to_string())?;
        Ok(Self { validator, schema })
    }

    /// Every mistake of the document against the schema.
    pub fn check(&self, document: &Document) -> Diagnostics {
        self.check_and_heal(document).0
    }

    /// Every mistake, and the value without its mistaken parts: what is left can still be looked at, so that a
    /// misspelt key does not hide the mistakes beside it.
    pub fn check_and_heal(&self, document: &Document) -> (Diagnostics, Value) {
        let mut found = Diagnostics::default();
        let mut wrong = Vec::new();
        for error in self.validator.iter_errors(document.value()) {
            self.explain(document, &error, "", &mut found, &mut wrong);
        }
        let mut healed = document.value().clone();
        // Later places first, so that the indices of earlier ones stay true.
        wrong.sort_by(|a, b| compare_pointers(b, a));
        wrong.dedup();
        for pointer in wrong {
            remove(&mut healed, &pointer);
        }
        (found, healed)
    }

    /// One error, or those inside the one alternative that was meant.
    fn explain(
        &self,
        document: &Document,
        error: &jsonschema::ValidationError<'_>,
        base: &str,
        found: &mut Diagnostics,
        wrong: &mut Vec<String>,
    ) {
        let own = error.instance_path().as_str();
        let pointer = if own.starts_with(base) { own.to_owned() } else { format!("{base}{own}") };
        {
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    let known = self.known_keys(error.schema_path().as_str());
                    for key in unexpected {
                        wrong.push(pointer_push(&pointer, key));
                        let mut d = document.at_key(
                            &pointer_push(&pointer, key),
                            "unknown-key",
                            format!("unknown key `{key}`"),
                        );
                        d = match did_you_mean(key, known.iter().map(String::as_str)) {
                            Some(near) => d.label(format!("did you mean `{near}`?")),
                            None => d.label("not a key of this mapping"),
                        };
                        if !known.is_empty() {
                            d = d.hint(format!("the keys here are: {}", known.join(", ")));
                        }
                        found.push(d);
                    }
                }
                ValidationErrorKind::Required { property } => {
                    let property = property.as_str().unwrap_or_default();
                    found.push(
                        document
                            .at(&pointer, "missing-key", format!("the key `{property}` is missing"))
                            .label(format!("`{property}` is required here")),
                    );
                }
                ValidationErrorKind::Enum { options } => {
                    wrong.push(pointer.clone());
                    let options: Vec<String> = options.as_array().into_iter().flatten().map(plain).collect();
                    let written = plain(error.instance());
                    let mut d = document.at(
                        &pointer,
                        "unknown-value",
                        format!("`{written}` is not one of the values that are understood here"),
                    );
                    if let Some(near) = meant(&written, &options) {
                        d = d.label(format!("did you mean `{near}`?"));
                    }
                    found.push(d.hint(format!("the values are: {}", options.join(", "))));
                }
                ValidationErrorKind::Type { kind } => {
                    wrong.push(pointer.clone());
                    let expected = type_words(kind);
                    let d = document.at(
                        &pointer,
                        "wrong-type",
                        format!("expected {expected}, found {}", describe(error.instance())),
                    );
                    found.push(match self.like(error.schema_path().as_str(), error.instance()) {
                        Some(text) => d.hint(format!("write it like `{text}`")),
                        None => d,
                    });
                }
                ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                    // `null` is what stands for an absent key: never what was meant.
                    let meant: Vec<&Vec<jsonschema::ValidationError<'static>>> =
                        context.iter().filter(|b| !is_null_branch(b)).collect();
                    if let [only] = meant.as_slice() {
                        for inner in only.iter() {
                            self.explain(document, inner, &pointer, found, wrong);
                        }
                        return;
                    }
                    wrong.push(pointer.clone());
                    found.push(self.of_branches(document, &pointer, error.instance(), context));
                }
                ValidationErrorKind::MinProperties { .. } | ValidationErrorKind::MaxProperties { .. } => {
                    found.push(document.at(&pointer, "one-key", "exactly one key was expected here"));
                }
                ValidationErrorKind::Pattern { pattern } => {
                    wrong.push(pointer.clone());
                    found.push(
                        document
                            .at(
                                &pointer,
                                "wrong-pattern",
                                format!("`{}` does not have the expected form", plain(error.instance())),
                            )
                            .hint(format!("it must match {pattern}")),
                    );
                }
                ValidationErrorKind::Minimum { limit } | ValidationErrorKind::Maximum { limit } => {
                    let least = matches!(error.kind(), ValidationErrorKind::Minimum { .. });
                    let (word, bound) =
                        if least { ("too small", "at least") } else { ("too large", "at most") };
                    let message =
                        format!("{} is {word}: {bound} {limit} is expected", plain(error.instance()));
                    wrong.push(pointer.clone());
                    found.push(document.at(&pointer, "wrong-value", message));
                }
                ValidationErrorKind::MinItems { .. } => {
                    found.push(document.at(&pointer, "empty-list", "at least one entry was expected here"));
                }
                _ => found.push(document.at(
                    &pointer,
                    "wrong-value",
                    format!("not a value that is understood here: {}", error.masked()),
                )),
            }
        }
    }

    /// Alternatives (`anyOf`): say what any of them wanted, in one message, the nearest alternative first.
    fn of_branches(
        &self,
        document: &Document,
        pointer: &str,
        instance: &Value,
        context: &[Vec<jsonschema::ValidationError<'static>>],
    ) -> super::Diagnostic {
        let mut wanted: Vec<String> = Vec::new();
        for branch in context {
            for error in branch {
                match error.kind() {
                    ValidationErrorKind::Type { kind }
                        if error.instance_path().as_str().len() <= pointer.len() =>
                    {
                        wanted.push(type_words(kind))
                    }
                    ValidationErrorKind::Enum { options } => wanted
                        .extend(options.as_array().into_iter().flatten().map(|o| format!("`{}`", plain(o)))),
                    ValidationErrorKind::Constant { expected_value } => {
                        wanted.push(format!("`{}`", plain(expected_value)))
                    }
                    ValidationErrorKind::AdditionalProperties { unexpected } => {
                        wanted.push(format!(
                            "a mapping without {}",
                            unexpected.iter().map(|u| format!("`{u}`")).collect::<Vec<_>>().join(", ")
                        ));
                    }
                    ValidationErrorKind::Required { property } => {
                        wanted.push(format!("a mapping with `{}`", plain(property)))
                    }
                    _ => {}
                }
            }
        }
        wanted.dedup();
        let written = plain(instance);
        let mut d =
            document.at(pointer, "wrong-value", format!("{} is not understood here", describe(instance)));
        let bare: Vec<String> = wanted.iter().map(|w| w.trim_matches('`').to_owned()).collect();
        if let Some(near) = instance.as_str().and_then(|_| meant(&written, &bare)) {
            d = d.label(format!("did you mean `{near}`?"));
        }
        if wanted.is_empty() { d } else { d.hint(format!("expected {}", wanted.join(" or "))) }
    }

    /// How a text is written where something else stands, by the schema's example: a number gets the example's unit.
    fn like(&self, schema_path: &str, written: &Value) -> Option<String> {
        let node = self.schema.pointer(schema_path.strip_suffix("/type")?)?;
        let example = node.pointer("/examples/0")?.as_str()?;
        let unit = example.trim_start_matches(|c: char| c.is_ascii_digit());
        match written {
            Value::Number(number) if unit.len() < example.len() => Some(format!("{number}{unit}")),
            _ => Some(example.to_owned()),
        }
    }

    /// The property names that stand beside the `additionalProperties: false` that was violated.
    fn known_keys(&self, schema_path: &str) -> Vec<String> {
        let Some(parent) = schema_path.strip_suffix("/additionalProperties") else {
            return Vec::new();
        };
        let Some(node) = self.schema.pointer(parent) else {
            return Vec::new();
        };
        node.get("properties")
            .and_then(Value::as_object)
            .map(|p| p.keys().cloned().collect())
            .unwrap_or_default()
    }
}

/// Whether an alternative is `null`.
fn is_null_branch(branch: &[jsonschema::ValidationError<'static>]) -> bool {
    use jsonschema::error::TypeKind;
    matches!(branch, [one] if matches!(one.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(t) } if t.to_string() == "null"))
}

/// The value that was meant: misspelt, or cut down to a part of it.
fn meant<'a>(written: &str, options: &'a [String]) -> Option<&'a str> {
    let options = || options.iter().map(String::as_str);
    did_you_mean(written, options()).or_else(|| match nearest(written, options(), 2).as_slice() {
        [one] => Some(*one),
        _ => None,
    })
}

/// Orders pointers so that array indices compare as numbers.
fn compare_pointers(a: &str, b: &str) -> std::cmp::Ordering {
    let key =
        |p: &str| p.split('/').map(|s| (s.parse::<usize>().unwrap_or(0), s.to_owned())).collect::<Vec<_>>();
    key(a).cmp(&key(b))
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.shift_remove(&last)),
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|i| *i < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

fn type_words(kind: &jsonschema::error::TypeKind) -> String {
    use jsonschema::error::TypeKind;
    let one = |t: &str| match t {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "nothing",
    };
    match kind {
        TypeKind::Single(t) => one(&t.to_string()).to_owned(),
        TypeKind::Multiple(types) => {
            let words: Vec<String> =
                types.iter().map(|t| one(&t.to_string()).to_owned()).filter(|w| w != "nothing").collect();
            words.join(" or ")
        }
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(b) => format!("`{b}`"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) => format!("the text `{}`", cut(s, 60)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a mapping".into(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => cut(s, 80),
        other => other.to_string(),
    }
}

/// So many characters of a text, and a sign that there are more.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
