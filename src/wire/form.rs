//! The `application/x-www-form-urlencoded` body as an ordered list: repeated, empty, bare and wrongly cased
//! parameters must be expressible (RFC 6749 section 3.2 and appendix B).

use super::Secret;

/// How one parameter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParamForm {
    /// `name=value`
    #[default]
    Pair,
    /// `name` alone, without `=`
    Bare,
}

/// One parameter. Values may be tokens, so they are kept as secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The name, in the case in which it is sent.
    pub name: String,
    /// The value before encoding.
    pub value: Secret,
    /// How it is written.
    pub form: ParamForm,
}

/// An ordered list of parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FormBody(pub Vec<Param>);

impl FormBody {
    /// Appends a parameter.
    pub fn push(&mut self, name: &str, value: impl Into<Secret>) {
        self.0.push(Param { name: name.to_owned(), value: value.into(), form: ParamForm::Pair });
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|p| p.name == name).map(|p| &p.value)
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Secret> {
        self.0.iter().filter(move |p| p.name == name).map(|p| &p.value)
    }

    /// Removes every occurrence of a name; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|p| p.name != name);
        self.0.len() != before
    }

    /// Replaces the first value of a name in place, or appends the parameter.
    pub fn set(&mut self, name: &str, value: impl Into<Secret>) {
        let value = value.into();
        match self.0.iter_mut().find(|p| p.name == name) {
            Some(param) => {
                param.value = value;
                param.form = ParamForm::Pair;
            }
            None => self.push(name, value),
        }
    }

    /// The encoded body: space as `+`, the rest per the URL standard's form encoding.
    pub fn encode(&self) -> String {
        self.join(|text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
    }

    /// The encoded body with every byte of every value percent-encoded, and space as `%20`: legal, if odd.
    pub fn encode_every_byte(&self) -> String {
        let every = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|p| match p.form {
                ParamForm::Pair => format!("{}={}", p.name, every(p.value.expose())),
                ParamForm::Bare => p.name.clone(),
            })
            .collect();
        parts.join("&")
    }

    /// The encoded body with `%20` for spaces instead of `+`.
    pub fn encode_percent_space(&self) -> String {
        self.encode().replace('+', "%20")
    }

    fn join(&self, encode: impl Fn(&str) -> String) -> String {
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|p| match p.form {
                ParamForm::Pair => format!("{}={}", encode(&p.name), encode(p.value.expose())),
                ParamForm::Bare => encode(&p.name),
            })
            .collect();
        parts.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_repeats_empties_and_bare_names_survive() {
        let mut body = FormBody::default();
        body.push("resource", "https://a.example/?x=1");
        body.push("resource", "b c");
        body.push("scope", "");
        body.0.push(Param { name: "audience".into(), value: "".into(), form: ParamForm::Bare });
        assert_eq!(body.encode(), "resource=https%3A%2F%2Fa.example%2F%3Fx%3D1&resource=b+c&scope=&audience");
        assert_eq!(body.encode_percent_space().matches("%20").count(), 1);
        body.set("scope", "ab");
        assert!(body.encode_every_byte().ends_with("scope=%61%62&audience"));
    }
}
