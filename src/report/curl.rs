//! What to say beside a command line that sends a request again: its secrets are variables that someone has to fill.

use super::visible::clip;
use crate::run::ScenarioResult;

/// Most variables that are named.
const NAMED: usize = 8;

/// Names the variables of a command line (as in [`crate::wire::RedactedExchange::curl`]) and says where to read how to
/// fill them; nothing for a line without any. `result` is of the scenario that sends the very same request again.
pub fn curl_note(line: &str, result: &ScenarioResult) -> Option<String> {
    let names = variables(line);
    let names = match names.as_slice() {
        [] => return None,
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    };
    let scenario = clip(&result.id, 120);
    // A damaged or forged token is not to be had elsewhere, and a good one in its place proves nothing.
    let made = |what: &str| result.difference.as_ref().is_some_and(|d| d.contains(what));
    if made("token damaged") || made("token is the `") || made("token is a `") {
        return Some(format!(
            "Its token was made by txspec, and with any other the line does not show this: run again with `--only \
             {scenario}` instead."
        ));
    }
    Some(format!(
        "Set {names} first (txspec's guide \"Validate my server\" says how), or run again with `--only {scenario}`."
    ))
}

/// The variables, in the order in which they come up.
fn variables(line: &str) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for (at, _) in line.match_indices('$') {
        // What the server or a scenario wrote is escaped.
        if line[..at].ends_with('\\') {
            continue;
        }
        let rest = &line[at + 1..];
        let end = rest
            .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if !name.is_empty() && !out.contains(&name) && out.len() < NAMED {
            out.push(name);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_variables_of_a_line_are_named_once_and_no_others() {
        let line = r#"curl -u "$CLIENT_ID:$CLIENT_SECRET" --data-raw "scope=\$HOME&subject_token=$SUBJECT_TOKEN&subject_token=$SUBJECT_TOKEN&a=$""#;
        assert_eq!(variables(line), ["CLIENT_ID", "CLIENT_SECRET", "SUBJECT_TOKEN"]);
        let mut result = fixture::scenario("alg-none", "An unsigned token is refused", "own");
        let note = curl_note(line, &result).unwrap();
        assert!(note.starts_with("Set CLIENT_ID, CLIENT_SECRET and SUBJECT_TOKEN first"), "{note}");
        assert!(note.ends_with("`--only alg-none`."), "{note}");
        assert_eq!(curl_note("curl -sS \"http://127.0.0.1/jwks\"", &result), None);
        result.difference = Some("subject token damaged: `alg` is `none`, the signature is empty".into());
        let note = curl_note(line, &result).unwrap();
        assert!(
            note.starts_with("Its token was made by txspec") && note.contains("--only alg-none"),
            "{note}"
        );
    }

    /// The guide says of each variable that a line can hold where its value comes from.
    #[test]
    fn the_guide_explains_every_variable() {
        let guide = std::fs::read_to_string("docs/guides/validate.md").unwrap();
        let named = ["CLIENT_ID", "CLIENT_SECRET", "SUBJECT_TOKEN", "ACTOR_TOKEN", "REFRESH_TOKEN", "TOKEN"];
        for name in named.into_iter().chain(["CLIENT_ASSERTION", "CREDENTIALS", "DPOP_PROOF"]) {
            assert!(guide.contains(&format!("`{name}`")), "{name}");
        }
    }
}
