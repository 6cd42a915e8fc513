//! JSON as an oracle must read it: UTF-8, no byte order mark, duplicate member names noticed, depth bounded
//! (RFC 8259; RFC 6749 section 3.2 forbids repeated response members).

use std::{cell::RefCell, fmt, rc::Rc};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// More values than any document of OAuth holds. Each takes many times its length once it is read.
pub const MOST_VALUES: usize = 20_000;
/// So many repeated names are named.
const MOST_DUPLICATES: usize = 16;

/// Why bytes are not the one JSON value that was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonFault {
    /// Nothing was there.
    Empty,
    /// Not UTF-8 from this offset on.
    NotUtf8(usize),
    /// Starts with U+FEFF (RFC 8259 section 8.1 forbids sending it).
    ByteOrderMark,
    /// Not JSON, nested deeper than 128 levels, or of more than [`MOST_VALUES`] values.
    Syntax(String),
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the body is empty"),
            Self::NotUtf8(at) => write!(f, "the body is not UTF-8 from byte {at} on"),
            Self::ByteOrderMark => f.write_str("the body starts with a byte order mark"),
            Self::Syntax(message) => write!(f, "the body is not JSON: {message}"),
        }
    }
}

/// A parsed value with what a lenient parser would have hidden.
#[derive(Debug, Clone)]
pub struct StrictJson {
    /// The value; of repeated members, the last.
    pub value: Value,
    /// Names that stood more than once in one object, at any depth: each once, and no more than a reader wants.
    pub duplicates: Vec<String>,
    /// Whether a byte order mark came first (the value was read behind it).
    pub byte_order_mark: bool,
}

impl StrictJson {
    /// Parses bytes.
    ///
    /// # Errors
    /// When they are not one JSON value.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonFault> {
        let text = std::str::from_utf8(bytes).map_err(|e| JsonFault::NotUtf8(e.valid_up_to()))?;
        let (text, byte_order_mark) = match text.strip_prefix('\u{feff}') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if text.trim().is_empty() {
            return Err(if byte_order_mark { JsonFault::ByteOrderMark } else { JsonFault::Empty });
        }
        let seen = Rc::new(RefCell::new(Seen::default()));
        let mut parser = serde_json::Deserializer::from_str(text);
        let value = Strict(Rc::clone(&seen))
            .deserialize(&mut parser)
            .and_then(|value| parser.end().map(|()| value))
            .map_err(|e| JsonFault::Syntax(e.to_string()))?;
        let duplicates = seen.borrow().duplicates.clone();
        Ok(Self { value, duplicates, byte_order_mark })
    }

    /// The members, if the value is an object.
    pub fn object(&self) -> Option<&Map<String, Value>> {
        self.value.as_object()
    }
}

#[derive(Default)]
struct Seen {
    values: usize,
    duplicates: Vec<String>,
}

#[derive(Clone)]
struct Strict(Rc<RefCell<Seen>>);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let values = {
            let mut seen = self.0.borrow_mut();
            seen.values += 1;
            seen.values
        };
        if values > MOST_VALUES {
            return Err(serde::de::Error::custom(format!("it holds more than {MOST_VALUES} values")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::from(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::from(v))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.clone())? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.clone())?;
            if members.insert(name.clone(), value).is_some() {
                let duplicates = &mut self.0.borrow_mut().duplicates;
                if duplicates.len() < MOST_DUPLICATES && !duplicates.contains(&name) {
                    duplicates.push(name);
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_found_at_any_depth_and_the_last_wins() {
        let json = StrictJson::parse(br#"{"a":1,"b":{"c":1,"c":2},"a":3}"#).unwrap();
        assert_eq!(json.duplicates, ["c", "a"]);
        assert_eq!(json.value["a"], 3);
    }

    #[test]
    fn duplicates_and_values_are_counted_within_bounds() {
        let many = format!("{{{}\"z\":1}}", "\"a\":1,\"b\":2,".repeat(1_000));
        assert_eq!(StrictJson::parse(many.as_bytes()).unwrap().duplicates, ["a", "b"]);
        let different: String = (0..100).map(|i| format!("\"{i}\":1,\"{i}\":1,")).collect();
        let json = StrictJson::parse(format!("{{{different}\"z\":1}}").as_bytes()).unwrap();
        assert_eq!(json.duplicates.len(), MOST_DUPLICATES);
        let array = |n: usize| format!("[{}0]", "0,".repeat(n));
        assert!(StrictJson::parse(array(MOST_VALUES - 2).as_bytes()).is_ok());
        let fault = StrictJson::parse(array(MOST_VALUES).as_bytes()).unwrap_err();
        assert!(fault.to_string().contains("more than 20000 values"), "{fault}");
    }

    #[test]
    fn hostile_bytes_are_faults_not_panics() {
        assert_eq!(StrictJson::parse(b"").unwrap_err(), JsonFault::Empty);
        assert_eq!(StrictJson::parse(b"{\"a\xff\"").unwrap_err(), JsonFault::NotUtf8(3));
        assert!(StrictJson::parse("\u{feff}{}".as_bytes()).unwrap().byte_order_mark);
        assert!(matches!(StrictJson::parse("[".repeat(100_000).as_bytes()), Err(JsonFault::Syntax(_))));
        assert!(matches!(StrictJson::parse(b"{} {}"), Err(JsonFault::Syntax(_))));
        assert!(StrictJson::parse(b"{\"a\":1e999}").is_err());
    }
}
