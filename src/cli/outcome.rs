//! What a judged run ends with.

use super::Exit;
use crate::run::{Options, RunResult, Waivers, Weight};

/// The exit code of a run. A violation outweighs everything: it is proven, whatever else went wrong. What was accepted
/// until its waiver expired is a matter of the waiver.
pub fn exit_of(result: &RunResult, options: &Options, waivers: &Waivers) -> Exit {
    let heaviest =
        result.scenarios.iter().map(|s| s.weight(options.fail_on, &options.allow_inconclusive)).max();
    let waiver_fails = result.waivers.iter().any(|w| w.state.fails());
    match heaviest {
        None => Exit::NothingRan,
        Some(Weight::Failure) if waivers.only_expired(&result.scenarios, options.fail_on) => Exit::Waiver,
        Some(Weight::Failure) => Exit::Failure,
        Some(Weight::Broken) => Exit::Bug,
        Some(_) if waiver_fails => Exit::Waiver,
        Some(Weight::Open) => Exit::Inconclusive,
        Some(Weight::Fine | Weight::Remark) if result.interrupted => Exit::Inconclusive,
        Some(Weight::Fine | Weight::Remark) => Exit::Ok,
    }
}
