//! Which faults of a server are switched on, and how often each changed an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(super) use super::fault_id::FaultId;

/// The faults of one server, each with how often it changed an answer.
#[derive(Debug)]
pub(super) struct Faults {
    enabled: Vec<bool>,
    fired: Vec<AtomicU64>,
    /// Which faults would have changed an answer, had they been switched on; only kept when probing.
    reached: Option<Vec<AtomicBool>>,
}

impl Faults {
    pub(super) fn new(faults: &[FaultId], probe: bool) -> Self {
        Self {
            reached: probe.then(|| FaultId::ALL.iter().map(|_| AtomicBool::new(false)).collect()),
            enabled: FaultId::ALL.iter().map(|known| faults.contains(known)).collect(),
            fired: FaultId::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn any(&self) -> bool {
        self.reached.is_some() || self.enabled.contains(&true)
    }

    /// The faults that were asked about since the last call.
    pub(super) fn take_reached(&self) -> BTreeSet<String> {
        let reached = self.reached.iter().flatten();
        FaultId::ALL
            .iter()
            .zip(reached)
            .filter(|(_, flag)| flag.swap(false, Ordering::Relaxed))
            .map(|(fault, _)| fault.id().to_owned())
            .collect()
    }

    /// Whether a fault is switched on, without counting it as fired.
    pub(super) fn has(&self, fault: FaultId) -> bool {
        if let Some(flag) = self.reached.as_ref().and_then(|all| all.get(fault as usize)) {
            flag.store(true, Ordering::Relaxed);
        }
        self.enabled.get(fault as usize) == Some(&true)
    }

    pub(super) fn on(&self, fault: FaultId) -> bool {
        let enabled = self.has(fault);
        if let Some(count) = self.fired.get(fault as usize).filter(|_| enabled) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        enabled
    }

    pub(super) fn fired(&self) -> BTreeMap<String, u64> {
        FaultId::ALL
            .iter()
            .zip(&self.fired)
            .map(|(fault, count)| (fault.id().to_owned(), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultId, Faults};

    #[test]
    fn only_enabled_faults_are_on_and_counted() {
        let faults = Faults::new(&[FaultId::AlgNoneAccepted], false);
        assert!(faults.on(FaultId::AlgNoneAccepted));
        assert!(!faults.on(FaultId::EmptyAccessToken));
        assert_eq!(faults.fired().into_iter().collect::<Vec<_>>(), [("alg-none-accepted".to_owned(), 1)]);
    }

    #[test]
    fn every_id_can_be_parsed_and_is_in_kebab_case() {
        for fault in FaultId::ALL {
            assert_eq!(FaultId::parse(fault.id()), Some(*fault));
            assert!(
                fault
                    .id()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
        }
    }
}
