//! Running the suite against every fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use futures_util::StreamExt;

use super::{
    FaultOutcome, Matrix,
    configuration::{CONFIGURATIONS, Configuration},
};
use crate::{
    reference::{Fault, FaultsError, Options, ReferenceServer, StartError, faults},
    run::{Context, ContextError, RunResult, Session},
    scenario::{Scenario, Suite},
    spec::Catalogue,
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
    /// A run panicked: a bug in txspec.
    #[error("a run broke off: {0}")]
    Broken(String),
}

/// Hears how far the work is.
pub trait Progress: Sync {
    /// So many of so many faults are done.
    fn done(&self, faults: usize, of: usize);
}

/// Servers under test at once. Against one server, one scenario runs after the other: a fault that spoils what other
/// requests left behind would else strike now this scenario and now that.
const SERVERS: usize = 12;

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
    let mut matrix = Matrix::default();
    let mut benches = Vec::new();
    let mut left = scenarios.to_vec();
    for configuration in &CONFIGURATIONS {
        let sender = sender.renewed();
        let target = configuration.target(target);
        let mut bench = Bench {
            suite: Arc::clone(suite),
            scenarios: left.into_iter().cloned().collect(),
            target,
            catalogue: Arc::clone(catalogue),
            sender,
            configuration,
            reach: Reach::default(),
        };
        let baseline = bench.baseline().await?;
        matrix.take_baseline(&baseline.scenarios);
        left = scenarios.iter().copied().filter(|s| matrix.not_exercised.contains_key(&s.id)).collect();
        bench.scenarios.retain(|s| !matrix.not_exercised.contains_key(&s.id));
        benches.push(bench);
    }
    let count = all.len();
    let benches = Arc::new(benches);
    // A task each: what is only awaited together shares one thread.
    let work = all.into_iter().enumerate().map(|(place, fault)| {
        let benches = Arc::clone(&benches);
        async move {
            let run = tokio::spawn(async move {
                let mut outcome = FaultOutcome::new(&fault);
                for bench in benches.iter() {
                    bench.run(&fault, exhaustive, &mut outcome).await?;
                }
                Ok::<_, ProveError>(outcome)
            });
            let outcome = run.await.unwrap_or_else(|broken| Err(ProveError::Broken(broken.to_string())));
            (place, outcome)
        }
    });
    // Unordered, or those that are done would wait for a slow one and keep the next from starting.
    let mut running = futures_util::stream::iter(work).buffer_unordered(SERVERS);
    let mut outcomes = BTreeMap::new();
    while let Some((place, outcome)) = running.next().await {
        outcomes.insert(place, outcome?);
        progress.done(outcomes.len(), count);
    }
    drop(running);
    matrix.faults = outcomes.into_values().collect();
    matrix.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(matrix)
}

/// One configuration of the server with the scenarios that are proven against it.
struct Bench {
    suite: Arc<Suite>,
    scenarios: Vec<Scenario>,
    target: Target,
    catalogue: Arc<Catalogue>,
    sender: Sender,
    configuration: &'static Configuration,
    reach: Reach,
}

/// Which scenarios a fault can touch: those during which the faultless server came to the place where the fault would
/// have changed its answer.
#[derive(Default)]
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

impl Bench {
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
            Arc::clone(&self.suite),
            Arc::new(target),
            Arc::clone(&self.catalogue),
            self.sender.renewed(),
        )
        .await?;
        context.shown = false;
        Ok(Session::new(Arc::new(context), crate::run::Options::default(), Vec::new()))
    }

    /// All scenarios against the faultless server, one after the other. Notes the faults that each reaches.
    async fn baseline(&mut self) -> Result<Arc<RunResult>, ProveError> {
        let without = self.configuration.without.to_vec();
        let server = ReferenceServer::start(Options { probe: true, without, ..Options::default() }).await?;
        let session = self.session(&server).await?;
        let roles: Vec<String> = self.target.spec.tokens.keys().cloned().collect();
        for role in &roles {
            // A source that fails is the scenarios' business.
            let _ = session.context.obtainer.token(role).await;
        }
        let mut reach = Reach { by_scenario: BTreeMap::new(), everywhere: server.take_reached() };
        for scenario in &self.scenarios {
            // The controls first, each on its own account: they run once, and would else count as part of whatever
            // scenario happens to need them first.
            for one in self.with_controls(scenario).into_iter().rev() {
                session.context.result(one).await;
                reach.by_scenario.entry(one.id.clone()).or_default().extend(server.take_reached());
            }
            session.run(scenario).await;
        }
        session.recheck_controls(1).await;
        self.reach = reach;
        Ok(session.finish())
    }

    /// The scenarios that a fault can touch (or all) against a fresh server with the fault.
    async fn run(
        &self,
        fault: &Fault,
        exhaustive: bool,
        outcome: &mut FaultOutcome,
    ) -> Result<(), ProveError> {
        let touches = |s: &&Scenario| exhaustive || self.reach.touches(&fault.id, s, &self.suite);
        let touched: Vec<&Scenario> = self.scenarios.iter().filter(touches).collect();
        if touched.is_empty() {
            return Ok(());
        }
        let options = Options {
            faults: vec![fault.id.clone()],
            without: self.configuration.without.to_vec(),
            ..Options::default()
        };
        let server = ReferenceServer::start(options).await?;
        let session = self.session(&server).await?;
        for scenario in touched {
            session.run(scenario).await;
        }
        session.recheck_controls(1).await;
        outcome.add(fault, server.fired().values().sum(), &session.finish().scenarios);
        Ok(())
    }
}
