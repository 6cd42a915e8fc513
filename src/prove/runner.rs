//! Running the suite against every fault.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt;

use super::{FaultOutcome, Matrix, matrix::check_of};
use crate::{
    judge::Verdict,
    reference::{Fault, FaultsError, Options, ReferenceServer, StartError, faults},
    run::{Context, ContextError, RunResult, Session},
    scenario::{Scenario, Suite},
    spec::{Catalogue, Level},
    target::Target,
    wire::Sender,
};

/// The proof cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The faults are unreadable: a bug in txspec.
    #[error(transparent)]
    Faults(#[from] FaultsError),
    /// The reference server does not start.
    #[error("failed to start the reference server: {0}")]
    Start(#[from] StartError),
    /// The reference server cannot be tested.
    #[error(transparent)]
    Context(#[from] ContextError),
}

/// Hears how far the work is.
pub trait Progress: Sync {
    /// So many of so many faults are done.
    fn done(&self, faults: usize, of: usize);
}

/// Requests under way at once against one server.
const CONCURRENCY: usize = 8;
/// Servers under test at once.
const SERVERS: usize = 4;

/// Runs the scenarios against the faultless server and against every fault that `only` lets through.
///
/// # Errors
/// When the reference server cannot be started or read.
pub async fn prove(
    suite: &Arc<Suite>,
    scenarios: &[&Scenario],
    target: &Target,
    catalogue: &Arc<Catalogue>,
    only: &(dyn Fn(&Fault) -> bool + Sync),
    progress: &dyn Progress,
) -> Result<Matrix, ProveError> {
    let started = Instant::now();
    let all: Vec<Fault> = faults()?.into_iter().filter(|f| only(f)).collect();
    let sender = Sender::new(crate::run::limits(target)).map_err(ContextError::from)?;
    let bench = Bench { suite, scenarios, target, catalogue, sender };
    let (baseline, _) = bench.run(&[]).await?;
    let count = all.len();
    let mut outcomes = Vec::with_capacity(count);
    let bench = &bench;
    let work = all.iter().map(|fault| async move {
        let (result, fired) = bench.run(std::slice::from_ref(&fault.id)).await?;
        Ok::<_, ProveError>(FaultOutcome::new(fault, fired, &result.scenarios))
    });
    let mut running = futures_util::stream::iter(work).buffered(SERVERS);
    while let Some(outcome) = running.next().await {
        outcomes.push(outcome?);
        progress.done(outcomes.len(), count);
    }
    drop(running);
    let mut matrix = Matrix {
        faults: outcomes,
        checks: std::collections::BTreeSet::new(),
        baseline: std::collections::BTreeSet::new(),
        baseline_undecided: Vec::new(),
        duration_ms: 0,
    };
    for scenario in &baseline.scenarios {
        if scenario.verdict == Verdict::Inconclusive {
            matrix.baseline_undecided.push(scenario.id.clone());
        }
        for finding in scenario.findings.iter().filter(|f| f.level >= Level::Should && f.fact.is_none()) {
            let check = check_of(&scenario.id, &finding.requirement);
            match finding.verdict {
                Verdict::Pass => drop(matrix.checks.insert(check)),
                Verdict::Fail => drop(matrix.baseline.insert(check)),
                _ => {}
            }
        }
    }
    matrix.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(matrix)
}

struct Bench<'a> {
    suite: &'a Arc<Suite>,
    scenarios: &'a [&'a Scenario],
    target: &'a Target,
    catalogue: &'a Arc<Catalogue>,
    sender: Sender,
}

impl Bench<'_> {
    /// The whole suite against a fresh server with these faults; also how many answers they changed.
    async fn run(&self, faults: &[String]) -> Result<(Arc<RunResult>, u64), ProveError> {
        let server =
            ReferenceServer::start(Options { port: None, faults: faults.to_vec(), delay: Duration::ZERO })
                .await?;
        let mut target = self.target.clone();
        target.spec.issuer = Some(server.issuer().to_owned());
        let sender = self.sender.renewed();
        let context = Context::prepare_with(
            Arc::clone(self.suite),
            Arc::new(target),
            Arc::clone(self.catalogue),
            sender,
        )
        .await?;
        let session = Session::new(Arc::new(context), crate::run::Options::default(), Vec::new());
        futures_util::stream::iter(self.scenarios.iter().map(|s| session.run(s)))
            .buffer_unordered(CONCURRENCY)
            .for_each(|_| async {})
            .await;
        session.recheck_controls().await;
        let fired = server.fired().values().sum();
        Ok((session.finish(), fired))
    }
}
