//! Running the suite against every fault.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    exhaustive: bool,
    progress: &dyn Progress,
) -> Result<Matrix, ProveError> {
    let started = Instant::now();
    let all: Vec<Fault> = faults()?.into_iter().filter(|f| only(f)).collect();
    let sender = Sender::new(crate::run::limits(target)).map_err(ContextError::from)?;
    let bench = Bench { suite, scenarios, target, catalogue, sender };
    let (baseline, reach) = bench.baseline().await?;
    let reach = &reach;
    let count = all.len();
    let mut outcomes = Vec::with_capacity(count);
    let bench = &bench;
    let work = all.iter().map(|fault| async move {
        let (result, fired) = bench.run(fault, reach, exhaustive).await?;
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
        checks: BTreeSet::new(),
        baseline: BTreeSet::new(),
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

/// Which scenarios a fault can touch: those during which the faultless server came to the place where the fault would
/// have changed its answer.
struct Reach {
    by_scenario: BTreeMap<String, BTreeSet<String>>,
    /// Faults that were reached before any scenario: in discovery and in the token sources.
    everywhere: BTreeSet<String>,
}

impl Reach {
    /// Whether a fault can change what a scenario, or the control that it rests on, sees.
    fn touches(&self, fault: &str, scenario: &Scenario, suite: &Suite) -> bool {
        if self.everywhere.contains(fault) {
            return true;
        }
        let mut next = Some(scenario);
        while let Some(one) = next {
            if self.by_scenario.get(&one.id).is_some_and(|reached| reached.contains(fault)) {
                return true;
            }
            next = one.control.as_deref().and_then(|id| suite.get(id));
        }
        false
    }
}

impl Bench<'_> {
    /// A scenario, its control, the control of that, and so on.
    fn with_controls<'s>(&'s self, scenario: &'s Scenario) -> Vec<&'s Scenario> {
        std::iter::successors(Some(scenario), |one| one.control.as_deref().and_then(|id| self.suite.get(id)))
            .collect()
    }

    async fn session(&self, server: &ReferenceServer) -> Result<Session, ProveError> {
        let mut target = self.target.clone();
        target.spec.issuer = Some(server.issuer().to_owned());
        // Faults in the metadata must not hide the server from the run.
        target.spec.endpoints.token = Some(format!("{}/token", server.issuer()));
        target.spec.endpoints.introspection = Some(format!("{}/introspect", server.issuer()));
        target.spec.endpoints.revocation = Some(format!("{}/revoke", server.issuer()));
        target.spec.endpoints.jwks = Some(format!("{}/jwks", server.issuer()));
        target.spec.endpoints.userinfo = Some(format!("{}/userinfo", server.issuer()));
        let mut context = Context::prepare_with(
            Arc::clone(self.suite),
            Arc::new(target),
            Arc::clone(self.catalogue),
            self.sender.renewed(),
        )
        .await?;
        context.shown = false;
        Ok(Session::new(Arc::new(context), crate::run::Options::default(), Vec::new()))
    }

    /// The whole suite against the faultless server, one scenario after the other, with the faults that each reaches.
    async fn baseline(&self) -> Result<(Arc<RunResult>, Reach), ProveError> {
        let server = ReferenceServer::start(Options { probe: true, ..Options::default() }).await?;
        let session = self.session(&server).await?;
        let roles: Vec<String> = self.target.spec.tokens.keys().cloned().collect();
        for role in &roles {
            // A source that fails is the scenarios' business.
            let _ = session.context.obtainer.token(role).await;
        }
        let mut reach = Reach { by_scenario: BTreeMap::new(), everywhere: server.take_reached() };
        for scenario in self.scenarios {
            // The controls first, each on its own account: they run once, and would else count as part of whatever
            // scenario happens to need them first.
            for one in self.with_controls(scenario).into_iter().rev() {
                session.context.result(one).await;
                reach.by_scenario.entry(one.id.clone()).or_default().extend(server.take_reached());
            }
            session.run(scenario).await;
        }
        session.recheck_controls().await;
        Ok((session.finish(), reach))
    }

    /// The scenarios that a fault can touch (or all) against a fresh server with the fault; also how many answers it
    /// changed.
    async fn run(
        &self,
        fault: &Fault,
        reach: &Reach,
        exhaustive: bool,
    ) -> Result<(Arc<RunResult>, u64), ProveError> {
        let options = Options { faults: vec![fault.id.clone()], delay: Duration::ZERO, ..Options::default() };
        let server = ReferenceServer::start(options).await?;
        let session = self.session(&server).await?;
        let touched = self.scenarios.iter().filter(|s| exhaustive || reach.touches(&fault.id, s, self.suite));
        futures_util::stream::iter(touched.map(|s| session.run(s)))
            .buffer_unordered(CONCURRENCY)
            .for_each(|_| async {})
            .await;
        session.recheck_controls().await;
        let fired = server.fired().values().sum();
        Ok((session.finish(), fired))
    }
}
