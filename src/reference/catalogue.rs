//! The descriptions of the faults: `fixtures/faults.yaml`, embedded and read on demand.

use serde::{Deserialize, Deserializer};

/// What kind of finding a check that catches a fault should report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultClass {
    /// What must be refused succeeds.
    Accepted,
    /// A refusal with the wrong status or code.
    WrongForm,
    /// A message that is not valid in itself, or a token that says something untrue.
    Malformed,
    /// What must succeed is refused.
    Refused,
}

/// One named way in which the reference server can be made wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// In kebab-case; what `Options::faults` takes.
    pub id: String,
    /// What the server then does, in one sentence.
    pub describes: String,
    /// The requirements of the catalogue that it breaks.
    pub violates: Vec<String>,
    /// What findings it leads to: mostly one kind, several where one behaviour shows in several ways (what should be
    /// refused is granted here, and the token that is granted there says something untrue).
    #[serde(deserialize_with = "one_or_many")]
    pub class: Vec<FaultClass>,
    /// A public bug or advisory that shipped this behaviour.
    #[serde(default)]
    pub anchor: Option<String>,
    /// Requirements whose checks may rightly fail too, as a direct consequence.
    #[serde(default)]
    pub also: Vec<String>,
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FaultClass>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Classes {
        One(FaultClass),
        Many(Vec<FaultClass>),
    }
    Ok(match Classes::deserialize(deserializer)? {
        Classes::One(class) => vec![class],
        Classes::Many(classes) => classes,
    })
}

/// The embedded list cannot be read; the build that carries it is broken.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the embedded fault list: {0}")]
pub struct FaultsError(#[from] serde_yaml::Error);

/// Every fault, in the order of the file.
///
/// # Errors
/// Only when the embedded file is not a list of faults, which a unit test rules out.
pub fn faults() -> Result<Vec<Fault>, FaultsError> {
    Ok(serde_yaml::from_str(include_str!("../../fixtures/faults.yaml"))?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::fault::FaultId;
    use super::faults;

    #[test]
    fn the_file_and_the_code_name_the_same_faults() {
        let listed = faults().unwrap();
        let described: BTreeSet<&str> = listed.iter().map(|fault| fault.id.as_str()).collect();
        let coded: BTreeSet<&str> = FaultId::ALL.iter().map(|fault| fault.id()).collect();
        assert_eq!(described, coded);
        assert_eq!(listed.len(), FaultId::ALL.len(), "an id is listed twice");
    }

    #[test]
    fn every_fault_says_what_it_does_and_what_it_breaks() {
        for fault in faults().unwrap() {
            assert!(fault.describes.len() > 15, "{}", fault.id);
            assert!(!fault.violates.is_empty() && !fault.class.is_empty(), "{}", fault.id);
            assert!(fault.violates.iter().all(|id| !fault.also.contains(id)), "{}", fault.id);
        }
    }
}
