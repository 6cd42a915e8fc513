//! The keys of the files that people write and read, for `txspec explain`: what their schemas say.

use serde_json::{Map, Value};

use super::{explain::Part, schema::SchemaName};

/// A key with what its schema says.
pub(super) struct Key {
    /// From the top of the file, with dots; `*` stands for any name.
    pub(super) path: String,
    file: &'static str,
    says: String,
    default: Option<String>,
    values: Vec<String>,
    below: Vec<String>,
}

/// Files nest no deeper than people can follow; a schema that refers to itself does.
const DEEPEST: usize = 6;
/// Meanings that are told in full; of more, each gets a line.
const IN_FULL: usize = 3;
/// Files whose keys are explained, and what they are called. Nearer to the user comes first.
const FILES: [(SchemaName, &str); 4] = [
    (SchemaName::Target, "target files"),
    (SchemaName::Scenario, "scenario files"),
    (SchemaName::Report, "report.json"),
    (SchemaName::Vendor, "vendor fixtures"),
];

/// Every key.
pub(super) fn all() -> Vec<Key> {
    let mut out = Vec::new();
    for (format, file) in FILES {
        let schema = format.schema();
        let walk = Walk { root: &schema, file };
        walk.members(&schema, "", &mut Vec::new(), &mut out);
    }
    out
}

/// What a key stands for, written from the top of its file or from any place further down. Its kind and the text.
pub(super) fn meanings(written: &str, keys: &[Key]) -> Vec<(String, String)> {
    let wanted: Vec<&str> = written.split('.').collect();
    let ends = |key: &&Key| {
        let path: Vec<&str> = key.path.split('.').collect();
        // A name of the user's own is found where the whole path says of what it is one.
        let last = path.last().is_some_and(|last| wanted.last() == Some(last));
        let own = path.last() == Some(&"*") && wanted.len() > 1 && path.len() == wanted.len();
        (last || own)
            && path.len() >= wanted.len()
            && path.iter().rev().zip(wanted.iter().rev()).all(|(p, w)| *p == "*" || p == w)
    };
    let mut found: Vec<&Key> = keys.iter().filter(|key| !key.says.is_empty()).filter(ends).collect();
    let whole: Vec<&Key> =
        found.iter().filter(|k| k.path.split('.').count() == wanted.len()).copied().collect();
    if wanted.len() > 1 && !whole.is_empty() {
        found = whole;
    }
    if found.len() <= IN_FULL {
        return found.into_iter().map(|key| (format!("a key of {}", key.file), key.text())).collect();
    }
    let lines: String =
        found.iter().map(|key| format!("\n  {} ({}): {}", key.path, key.file, key.says)).collect();
    vec![("a key".to_owned(), format!("{written}\nkey of several places\n{lines}"))]
}

impl Key {
    fn text(&self) -> String {
        let mut parts = vec![Part::new("", self.says.as_str())];
        parts.extend(self.default.as_ref().map(|default| Part::new("Default", default.as_str())));
        for (heading, names) in [("Values", &self.values), ("Keys in it", &self.below)] {
            if !names.is_empty() {
                parts.push(Part::listing(heading, names.clone(), names.len()));
            }
        }
        super::explain::as_text(&[self.path.clone(), format!("key of {}", self.file)], &parts)
    }
}

/// Reads one schema.
struct Walk<'a> {
    root: &'a Value,
    file: &'static str,
}

impl<'a> Walk<'a> {
    /// A schema with those that it refers to or is made of. `null` says nothing.
    fn parts(&self, schema: &'a Value, referred: &mut Vec<&'a str>) -> Vec<&'a Map<String, Value>> {
        let Some(object) = schema.as_object() else { return Vec::new() };
        let mut out = vec![object];
        let target = object.get("$ref").and_then(Value::as_str).filter(|target| !referred.contains(target));
        if let Some(target) = target {
            referred.push(target);
            if let Some(to) = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                out.extend(self.parts(to, referred));
            }
        }
        let made_of = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| object.get(name)?.as_array());
        for part in made_of.flatten() {
            out.extend(self.parts(part, referred));
        }
        if let Some(items) = object.get("items") {
            out.extend(self.parts(items, referred));
        }
        out
    }

    fn members(&self, schema: &'a Value, path: &str, above: &mut Vec<&'a str>, out: &mut Vec<Key>) {
        let depth = above.len();
        let mut told: Vec<String> = Vec::new();
        for part in self.parts(schema, above) {
            let named = part.get("properties").and_then(Value::as_object).into_iter().flatten();
            let any = part.get("additionalProperties").filter(|s| s.is_object()).map(|s| ("*", s));
            for (name, member) in named.map(|(name, s)| (name.as_str(), s)).chain(any) {
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                if told.contains(&path) || path.split('.').count() > DEEPEST {
                    continue;
                }
                out.push(self.key(member, &path, above));
                self.members(member, &path, above, out);
                told.push(path);
            }
        }
        above.truncate(depth);
    }

    fn key(&self, schema: &'a Value, path: &str, above: &[&'a str]) -> Key {
        let mut referred = above.to_vec();
        let parts = self.parts(schema, &mut referred);
        let text = |part: &Map<String, Value>, name: &str| {
            part.get(name).and_then(Value::as_str).map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let names = |name: &str| -> Vec<String> {
            let members = parts.iter().filter_map(|part| part.get(name)?.as_object()).flatten();
            members.map(|(name, _)| name.clone()).collect()
        };
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let listed = parts.iter().filter_map(|part| part.get("enum")?.as_array()).flatten();
        let single = parts.iter().filter_map(|part| part.get("const"));
        let default = schema.get("default").filter(|d| d.is_number() || d.is_boolean() || d.is_string());
        Key {
            path: path.to_owned(),
            file: self.file,
            says: parts.iter().find_map(|part| text(part, "description")).unwrap_or_default(),
            default: default.map(plain),
            values: listed.chain(single).map(plain).filter(|v| v != "null").collect(),
            below: names("properties"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(written: &str) -> String {
        let found = meanings(written, &all());
        found.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n---\n")
    }

    #[test]
    fn keys_are_found_by_their_path_and_by_its_end() {
        for written in ["limits.budget", "budget"] {
            let text = told(written);
            assert!(text.starts_with("limits.budget\nkey of target files\n\n"), "{text}");
        }
        // A role stands where the schema has any name.
        let text = told("clients.exchanger.auth");
        assert!(text.starts_with("clients.*.auth\nkey of target files"), "{text}");
        assert!(text.contains("private_key_jwt"), "its values: {text}");
        assert!(told("limits").contains("Keys in it: "), "{}", told("limits"));
        assert!(told("clients.exchanger").contains("Keys in it: "), "{}", told("clients.exchanger"));
        assert_eq!(told("limits.nothing"), "");
        assert_eq!(told("nothing"), "");
    }

    #[test]
    fn every_key_that_people_write_says_what_it_is() {
        let written = |key: &&Key| key.file == "target files" || key.file == "scenario files";
        let silent: Vec<String> = all()
            .iter()
            .filter(written)
            .filter(|k| k.says.is_empty() && !k.path.ends_with('*'))
            .map(|k| k.path.clone())
            .collect();
        assert!(silent.is_empty(), "{silent:?}");
    }
}
