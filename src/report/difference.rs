//! The one difference between a scenario and its control, as it was sent.

use crate::run::ScenarioResult;

/// What a scenario changes, with what its placeholders (`{{scope.extra}}`) stood for in the request that was sent. The
/// result itself keeps the words of the file, so that servers can be compared by it.
pub fn difference(result: &ScenarioResult) -> Option<String> {
    let mut text = result.difference.clone()?;
    let exchange = result.exchanges.iter().rev().find(|e| e.purpose == "exchange");
    let body = exchange.map(|e| e.request.body.as_str()).unwrap_or_default();
    let sent: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).collect();
    let mut from = 0;
    while let Some((start, end)) = placeholder(&text, from) {
        from = end;
        // What stands around it up to the name and the end of the value.
        let head = text[..start].rfind(['`', '=']).map_or(0, |at| at + 1);
        let prefix = text[head..start].to_owned();
        let name = text[..head].trim_end_matches(['`', '=', ' ']);
        let name = name.strip_suffix(" is").unwrap_or(name);
        let name = name.rsplit([' ', ',']).next().unwrap_or_default();
        let suffix: String =
            text[end..].chars().take_while(|c| !matches!(c, '`' | ',' | ' ' | '{')).collect();
        let value = sent
            .iter()
            .rev()
            .filter(|(sent, _)| sent == name)
            .find_map(|(_, value)| value.strip_prefix(prefix.as_str())?.strip_suffix(suffix.as_str()));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.replace_range(start..end, value);
            from = start + value.len();
        }
    }
    Some(text)
}

/// Where the next placeholder stands.
fn placeholder(text: &str, from: usize) -> Option<(usize, usize)> {
    let start = from + text.get(from..)?.find("{{")?;
    Some((start, start + text[start..].find("}}")? + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{self, Build};

    #[test]
    fn placeholders_become_what_was_sent() {
        let mut result = fixture::scenario("a", "A", "own").exchanged(200, "{}");
        result.exchanges[0].purpose = "exchange".into();
        result.exchanges[0].request.body =
            "scope=a+b&audience=one&audience=two&resource=https%3A%2F%2Fx%2Fy&requested_subject=[token]"
                .into();
        for (written, shown) in [
            ("scope is `{{scope.extra}}`", "scope is `a b`"),
            ("with audience={{audience.second}} besides", "with audience=two besides"),
            ("resource is `{{resource.allowed}}/y`", "resource is `https://x/y`"),
            ("with requested_subject={{second_user_sub}} besides", "with requested_subject=[token] besides"),
            (
                "another is `{{issuer}}`, scope is `{{scope.narrow}}`",
                "another is `{{issuer}}`, scope is `a b`",
            ),
            ("scope is `{{scope.extra", "scope is `{{scope.extra"),
            ("without scope", "without scope"),
        ] {
            result.difference = Some(written.into());
            assert_eq!(difference(&result).unwrap(), shown);
        }
    }
}
