//! A run against a server that stands for documents: only what they state is judged.

use globset::{Glob, GlobMatcher};

use super::ScenarioResult;
use crate::judge::Verdict;

/// Why a scenario of such a run has no verdict.
pub const SILENT: &str = "the documents do not say";

/// What the documents of a product state.
#[derive(Debug, Clone, Default)]
pub struct Documented {
    /// Globs on requirements, and on the scenarios in which they bear (none: in all).
    facts: Vec<(Vec<GlobMatcher>, Vec<GlobMatcher>)>,
}

impl Documented {
    /// Compiles globs: for each fact those on requirements, and those on scenarios.
    ///
    /// # Errors
    /// In words, when one is malformed.
    pub fn new<'a>(facts: impl IntoIterator<Item = (&'a [String], &'a [String])>) -> Result<Self, String> {
        let compiled = |texts: &[String]| -> Result<Vec<GlobMatcher>, String> {
            let one = |text: &String| Glob::new(text).map(|g| g.compile_matcher());
            texts.iter().map(one).collect::<Result<_, _>>().map_err(|e| e.to_string())
        };
        let facts = facts
            .into_iter()
            .map(|(requirements, scenarios)| Ok((compiled(requirements)?, compiled(scenarios)?)))
            .collect::<Result<_, String>>()?;
        Ok(Self { facts })
    }

    /// Whether a statement bears on anything in a scenario.
    pub fn speaks_of(&self, scenario: &str) -> bool {
        self.facts.iter().any(|(_, scenarios)| {
            scenarios.is_empty() || scenarios.iter().any(|glob| glob.is_match(scenario))
        })
    }

    /// Whether a statement bears on what a scenario found about a requirement.
    pub fn says(&self, scenario: &str, requirement: &str) -> bool {
        self.facts.iter().any(|(requirements, scenarios)| {
            requirements.iter().any(|glob| glob.is_match(requirement))
                && (scenarios.is_empty() || scenarios.iter().any(|glob| glob.is_match(scenario)))
        })
    }

    /// Takes out of a result what the documents do not state. What then has nothing left is not claimed by anyone.
    pub(super) fn limit(&self, result: &mut ScenarioResult) {
        if matches!(result.verdict, Verdict::NotApplicable | Verdict::Error) {
            return;
        }
        let id = result.id.clone();
        result.findings.retain(|finding| self.says(&id, &finding.requirement));
        if result.findings.is_empty() {
            result.verdict = Verdict::NotApplicable;
            result.level = None;
            result.cause = None;
            result.reason = Some(SILENT.to_owned());
        } else {
            result.reason = None;
            result.conclude();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Documented;

    #[test]
    fn a_statement_bears_on_what_its_globs_name() {
        let requirements = ["OA-5.1-*".to_owned()];
        let scenarios = ["plain*".to_owned()];
        let everywhere = Documented::new([(&requirements[..], &[][..])]).unwrap();
        assert!(everywhere.says("any", "OA-5.1-pragma") && !everywhere.says("any", "OA-5.2-json"));
        let there = Documented::new([(&requirements[..], &scenarios[..])]).unwrap();
        assert!(there.says("plain-exchange", "OA-5.1-pragma") && !there.says("other", "OA-5.1-pragma"));
        assert!(
            there.speaks_of("plain-exchange") && !there.speaks_of("other") && everywhere.speaks_of("any")
        );
        assert!(Documented::new([(&["[".to_owned()][..], &[][..])]).is_err());
    }
}
