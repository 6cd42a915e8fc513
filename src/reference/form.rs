//! The `application/x-www-form-urlencoded` body, as an ordered list: RFC 6749 gives a meaning to
//! repeated, empty and wrongly cased names, and a map would lose all three.

/// One `name=value` of a body.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
    /// False for a bare `name`, without `=`.
    pub(super) has_equals: bool,
}

/// How the bytes of a body are turned into text.
#[derive(Clone, Copy)]
pub(super) struct Decoding {
    /// `+` stands for a space.
    pub(super) plus_is_space: bool,
    /// `%20` stands for a space.
    pub(super) escaped_space: bool,
    /// `%41` stands for `A`, although `A` needs no escape.
    pub(super) needless_escapes: bool,
}

impl Decoding {
    pub(super) const CORRECT: Self =
        Self { plus_is_space: true, escaped_space: true, needless_escapes: true };
}

/// The parameters of one request, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) parameters: Vec<Parameter>,
}

impl Form {
    /// `None` when an escape is malformed or the text is not UTF-8 (RFC 6749 Appendix B).
    pub(super) fn parse(body: &[u8], decoding: Decoding) -> Option<Self> {
        let mut parameters = Vec::new();
        for piece in body.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let (name, value, has_equals) = match piece.iter().position(|byte| *byte == b'=') {
                Some(at) => (piece.get(..at)?, piece.get(at + 1..)?, true),
                None => (piece, &[][..], false),
            };
            parameters.push(Parameter {
                name: decode(name, Decoding::CORRECT)?,
                value: decode(value, decoding)?,
                has_equals,
            });
        }
        Some(Self { parameters })
    }

    /// The first value of a parameter. A parameter without a value counts as omitted (RFC 6749 §3.2).
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut filled = self.parameters.iter().filter(|parameter| !parameter.value.is_empty());
        filled.find(|parameter| parameter.name == name).map(|parameter| parameter.value.as_str())
    }

    /// Every value of a parameter that may be repeated, in order, empty ones left out.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters
            .iter()
            .filter(move |parameter| parameter.name == name && !parameter.value.is_empty())
            .map(|parameter| parameter.value.as_str())
    }

    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.parameters.push(Parameter { name: name.to_owned(), value: value.to_owned(), has_equals: true });
    }
}

/// Decodes one name or value. Also used for the halves of a Basic header (RFC 6749 §2.3.1).
pub(super) fn decode(encoded: &[u8], decoding: Decoding) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' if decoding.plus_is_space => decoded.push(b' '),
            b'%' => {
                let (high, low) = (bytes.next()?, bytes.next()?);
                let value = hex(high)? * 16 + hex(low)?;
                let kept = (value.is_ascii_alphanumeric() && !decoding.needless_escapes)
                    || (value == b' ' && !decoding.escaped_space);
                if kept {
                    decoded.extend([b'%', high, low]);
                } else {
                    decoded.push(value);
                }
            }
            other => decoded.push(other),
        }
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::{Decoding, Form};

    fn parse(body: &str) -> Option<Form> {
        Form::parse(body.as_bytes(), Decoding::CORRECT)
    }

    #[test]
    fn values_are_decoded_as_utf8_and_kept_in_order() {
        let form = parse("a=1&b=t%C3%A9+st&a=2&=x&&").unwrap();
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.one("b"), Some("té st"));
    }

    #[test]
    fn empty_and_bare_parameters_count_as_omitted() {
        let form = parse("scope=&audience&scope=read").unwrap();
        assert_eq!(form.one("scope"), Some("read"));
        assert_eq!(form.one("audience"), None);
    }

    #[test]
    fn broken_escapes_and_other_encodings_are_refused() {
        assert!(parse("a=%zz").is_none());
        assert!(parse("a=%4").is_none());
        assert!(parse("a=%E9").is_none());
    }
}
