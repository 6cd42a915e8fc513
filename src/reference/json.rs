//! JSON reading that notices a member name used twice, which `serde_json` hides by keeping the last one.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Which of two members of the same name is kept.
#[derive(Clone, Copy)]
pub(super) enum Keep {
    First,
    Last,
}

/// One JSON object read from bytes.
pub(super) struct Object {
    pub(super) members: Map<String, Value>,
    /// True when any object in it, at any depth, names a member twice.
    pub(super) duplicated: bool,
}

/// Reads exactly one JSON object; anything else (array, trailing bytes, not UTF-8) is `None`.
pub(super) fn object(bytes: &[u8], keep: Keep) -> Option<Object> {
    let duplicated = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Watching { keep, duplicated: &duplicated }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    match value {
        Value::Object(members) => Some(Object { members, duplicated: duplicated.get() }),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Watching<'a> {
    keep: Keep,
    duplicated: &'a Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Watching<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Watching<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            if members.contains_key(&name) {
                self.duplicated.set(true);
                if matches!(self.keep, Keep::First) {
                    continue;
                }
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::{Keep, object};

    #[test]
    fn a_repeated_member_is_noticed_at_any_depth() {
        let read = object(br#"{"a":{"b":1,"b":2}}"#, Keep::First).unwrap();
        assert!(read.duplicated);
        assert_eq!(read.members["a"]["b"], 1);
        assert_eq!(object(br#"{"a":{"b":1,"b":2}}"#, Keep::Last).unwrap().members["a"]["b"], 2);
    }

    #[test]
    fn only_one_object_and_nothing_after_it_is_read() {
        assert!(object(b"[]", Keep::Last).is_none());
        assert!(object(b"{} {}", Keep::Last).is_none());
        assert!(!object(br#"{"a":[1,2.5,null,true,"x",-3]}"#, Keep::Last).unwrap().duplicated);
    }
}
