//! A whole run: preflight, trials, controls once more at the end, the result.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};

use super::{Context, Doubt, Event, Listener, RunResult, ScenarioResult, Weight, execute::not_succeeded};
use crate::{
    judge::{Cause, FailClass, Finding, Verdict, oracle_requirements},
    scenario::Scenario,
    spec::Level,
};

/// Whether a finding holds against the server that, or how, it refused. In a scenario of one request, that means
/// nothing if the control is refused as well. (In a chain, the control is the step before.)
fn is_refusal(result: &ScenarioResult, finding: &Finding) -> bool {
    let refused = finding
        .exchange
        .and_then(|i| result.exchanges.get(i)?.response.as_ref())
        .is_some_and(|response| response.status >= 400);
    let says_so = match finding.class {
        // What should have been granted: no generic oracle says that, though a scenario may bind it to one's line.
        Some(FailClass::Refused) => true,
        Some(FailClass::WrongForm) => !oracle_requirements().contains(&finding.requirement.as_str()),
        _ => false,
    };
    refused && says_so && finding.verdict == Verdict::Fail
}

/// A result whose control no longer succeeded: what rests on it is open again.
pub(super) fn taken_back(old: &ScenarioResult, single: bool, doubt: &Doubt) -> ScenarioResult {
    let mut result = ScenarioResult::clone(old);
    let open = |f: &Finding| f.verdict == Verdict::Pass || (single && is_refusal(old, f));
    for finding in result.findings.iter_mut().filter(|f| open(f)) {
        *finding = finding.clone().undecided(doubt.cause, &doubt.why);
    }
    result.reason = Some(doubt.why.clone());
    result.withdrawn.push(doubt.clone());
    result.conclude();
    result
}

/// What decides over the run's outcome.
#[derive(Debug, Clone)]
pub struct Options {
    /// Violations of this level or above fail the run.
    pub fail_on: Level,
    /// Causes of inconclusive verdicts that are accepted.
    pub allow_inconclusive: BTreeSet<Cause>,
    /// Scenarios of the profile, as it comes with txspec, that were not selected: such a run is never conformant as a
    /// whole.
    pub left_out: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { fail_on: Level::Must, allow_inconclusive: BTreeSet::new(), left_out: 0 }
    }
}

/// After so many refusals, the request that they rest on is sent once more.
const BATCH: usize = 10;
/// After so many scenarios in a row without an answer, the server is asked whether it is still there.
const SILENT: usize = 8;
/// So long a server gets to recover before a control counts as lost.
const PAUSE: Duration = Duration::from_millis(200);
/// So often a control may fail and succeed again before no refusal of the run is believed.
const WAVERING: usize = 2;

/// A run in progress. Shared by the trials.
pub struct Session {
    /// What the scenarios share.
    pub context: Arc<Context>,
    /// What decides over the outcome.
    pub options: Options,
    results: Mutex<BTreeMap<String, Arc<ScenarioResult>>>,
    listeners: Mutex<Vec<Box<dyn Listener>>>,
    /// Scenarios that rest on refusals since a control last succeeded.
    unconfirmed: Mutex<Vec<String>>,
    /// Whether the control failed when it was last asked for: every refusal is in doubt until it succeeds again.
    in_doubt: AtomicBool,
    /// How often a control failed and then succeeded.
    wavered: AtomicUsize,
    /// Scenarios in a row that ended without an answer.
    unanswered: AtomicUsize,
    /// Scenarios whose verdict was taken back after it had been told.
    withdrawn: Mutex<BTreeSet<String>>,
}

impl Session {
    /// Starts a session; the listeners hear of everything.
    pub fn new(context: Arc<Context>, options: Options, listeners: Vec<Box<dyn Listener>>) -> Self {
        Self {
            context,
            options,
            results: Mutex::default(),
            listeners: Mutex::new(listeners),
            unconfirmed: Mutex::default(),
            in_doubt: AtomicBool::new(false),
            wavered: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            withdrawn: Mutex::default(),
        }
    }

    /// How many scenarios had their verdict taken back after it had been told: what was printed of them is void.
    pub fn withdrawn(&self) -> usize {
        self.withdrawn.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Tells the listeners.
    pub fn tell(&self, event: &Event) {
        for listener in self.listeners.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            listener.on(event);
        }
    }

    /// Runs one scenario and keeps its result.
    pub async fn run(&self, scenario: &Scenario) -> Arc<ScenarioResult> {
        let result = match std::panic::AssertUnwindSafe(self.context.result(scenario)).catch_unwind().await {
            Ok(result) => result,
            Err(_) => {
                // A bug of ours must not make a scenario vanish from the result.
                let mut broken = ScenarioResult::new(scenario);
                broken.verdict = Verdict::Error;
                broken.reason = Some("txspec failed while judging this scenario: please report it".into());
                Arc::new(broken)
            }
        };
        self.results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(result.id.clone(), Arc::clone(&result));
        self.tell(&Event::Finished(Arc::clone(&result)));
        result
    }

    /// How heavy a result weighs in this session.
    pub fn weight(&self, result: &ScenarioResult) -> Weight {
        result.weight(self.options.fail_on, &self.options.allow_inconclusive)
    }

    /// Runs the controls of all refusals once more, so many at once: a lock-out, a rate limit or a one-time token would
    /// have made every later refusal look right. Verdicts whose control no longer succeeds are taken back.
    pub async fn recheck_controls(&self, concurrency: usize) {
        if self.context.sender.is_interrupted() {
            return self.leave_open();
        }
        let decided: Vec<String> =
            self.results.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        let by_control = self.by_control(&decided);
        let wavered = self.wavered.load(Ordering::Relaxed);
        if wavered >= WAVERING {
            for dependents in by_control.values() {
                self.doubt(dependents, &format!("{wavered} times during the run, the server refused a control and then granted it: its refusals prove nothing"));
            }
            return;
        }
        futures_util::stream::iter(by_control)
            .for_each_concurrent(concurrency.max(1), |(id, dependents)| async move {
                self.recheck(&id, &dependents).await;
            })
            .await;
        if self.context.sender.is_interrupted() {
            self.leave_open();
        }
    }

    /// What was refused since a control last succeeded could be a lock-out's doing: nobody can ask any more.
    fn leave_open(&self) {
        let waiting = std::mem::take(&mut *self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner));
        let doubt = Doubt {
            cause: Cause::Interrupted,
            why: "the run was interrupted before its control had succeeded once more".into(),
        };
        for dependents in self.by_control(&waiting).values() {
            self.withdraw(dependents, &doubt);
        }
    }

    async fn recheck(&self, control: &str, dependents: &[Arc<ScenarioResult>]) {
        let lost = self.lost(control).await;
        if self.context.sender.is_interrupted() {
            return;
        }
        if let Some(why) = lost {
            self.doubt(dependents, &format!("at the end of the run {why} (a lock-out, a rate limit, or a token that can be used once?)"));
            return;
        }
        for blamed in dependents.iter().filter(|result| self.is_blamed_for_refusing(result)) {
            self.ask_again(blamed).await;
        }
    }

    /// Those of the scenarios whose verdict rests on a refusal, by control.
    fn by_control(&self, ids: &[String]) -> BTreeMap<String, Vec<Arc<ScenarioResult>>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_control: BTreeMap<String, Vec<Arc<ScenarioResult>>> = BTreeMap::new();
        for result in ids.iter().filter_map(|id| results.get(id)) {
            if let (Some(control), true) = (&result.control, self.rests_on_refusal(result)) {
                by_control.entry(control.clone()).or_default().push(Arc::clone(result));
            }
        }
        by_control
    }

    /// Whether a lock-out could have made the verdict.
    fn rests_on_refusal(&self, result: &ScenarioResult) -> bool {
        let negative = self.context.suite.get(&result.id).is_some_and(Scenario::is_negative);
        let blamed = self.is_blamed_for_refusing(result);
        // Some requests may be refused or granted; the verdict is about whichever it was.
        let mut answers =
            result.exchanges.iter().filter(|e| e.purpose == "exchange").filter_map(|e| e.response.as_ref());
        let refused = answers.any(|r| r.status >= 400);
        (negative || blamed || refused) && matches!(result.verdict, Verdict::Pass | Verdict::Fail)
    }

    /// Whether a violation is that the server refused.
    fn is_blamed_for_refusing(&self, result: &ScenarioResult) -> bool {
        let single = self.context.suite.get(&result.id).is_some_and(|s| s.steps.len() == 1);
        single && result.findings.iter().any(|f| is_refusal(result, f))
    }

    /// A refusal that is held against the server has to happen twice.
    async fn ask_again(&self, blamed: &Arc<ScenarioResult>) {
        let Some(scenario) = self.context.suite.get(&blamed.id) else { return };
        let again = self.context.execute(scenario).await;
        let granted = !again.findings.is_empty() && !again.findings.iter().any(|f| is_refusal(&again, f));
        if granted && !self.context.sender.is_interrupted() {
            self.doubt(
                std::slice::from_ref(blamed),
                "at the end of the run, the server granted the same request",
            );
        }
    }

    /// As [`Session::run`]; after every so many refusals, a control is run once more. A lock-out that ends before the
    /// run does would else go unnoticed.
    pub async fn run_guarded(&self, scenario: &Scenario) -> Arc<ScenarioResult> {
        let result = self.run(scenario).await;
        self.watch_for_silence(&result).await;
        if result.control.is_some() && self.rests_on_refusal(&result) {
            let batch = self.batch_with(&result.id);
            self.confirm(&batch).await;
        }
        result
    }

    /// The refusals since a control last succeeded, this one included, if there are enough of them.
    fn batch_with(&self, id: &str) -> Vec<String> {
        let mut waiting = self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(id.to_owned());
        let enough = waiting.len() >= BATCH || self.in_doubt.load(Ordering::Relaxed);
        if enough { std::mem::take(&mut *waiting) } else { Vec::new() }
    }

    /// Gives up on a server that does not answer any more: every further request would only wait for its time limit.
    async fn watch_for_silence(&self, result: &ScenarioResult) {
        let Some(last) = result.exchanges.last() else { return };
        // What was not sent any more says nothing about the server.
        if self.context.sender.budget().is_spent() {
            return;
        }
        if last.response.is_some() {
            self.unanswered.store(0, Ordering::Relaxed);
            return;
        }
        // Some servers close the connection on what they dislike: only one that does not even grant what it granted
        // before is gone.
        let silent = self.unanswered.fetch_add(1, Ordering::Relaxed) + 1;
        if silent.is_multiple_of(SILENT)
            && !self.context.sender.is_interrupted()
            && let Some(control) = self.context.suite.get("impersonation")
            && self.context.execute(control).await.exchanges.last().is_some_and(|e| e.response.is_none())
            && !self.context.sender.budget().is_spent()
        {
            self.context.sender.give_up("the server stopped answering, also to what it granted before");
        }
    }

    async fn confirm(&self, batch: &[String]) {
        let mut by_control: Vec<_> = self.by_control(batch).into_iter().collect();
        by_control.sort_by_key(|(_, dependents)| std::cmp::Reverse(dependents.len()));
        let mut doubtful = self.in_doubt.load(Ordering::Relaxed);
        for (id, dependents) in by_control {
            let lost = self.lost(&id).await;
            if self.context.sender.is_interrupted() {
                self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(batch);
                return;
            }
            match lost {
                // One control speaks for all, as long as none was lost.
                None if !doubtful => return,
                None => {
                    // It may have recovered only after these requests.
                    self.doubt(&dependents, "the server had refused what it now grants again");
                    self.in_doubt.store(false, Ordering::Relaxed);
                }
                Some(why) => {
                    doubtful = true;
                    self.in_doubt.store(true, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                    if self.lost(&id).await.is_none() {
                        self.wavered.fetch_add(1, Ordering::Relaxed);
                    }
                    self.doubt(
                        &dependents,
                        &format!("meanwhile {why} (a lock-out, a rate limit, or a server that falters?)"),
                    );
                }
            }
        }
    }

    /// Why a control does not succeed any more; `None` if it does.
    async fn lost(&self, id: &str) -> Option<String> {
        not_succeeded(&self.context.execute(self.context.suite.get(id)?).await)
    }

    /// Takes verdicts back for what the server did; or, where it was not asked any more, for that.
    fn doubt(&self, dependents: &[Arc<ScenarioResult>], why: &str) {
        let doubt = if self.context.sender.budget().is_spent() {
            Doubt {
                cause: Cause::Budget,
                why: "the run's budget of requests was used up before its control had succeeded once more (limits.budget)".into(),
            }
        } else {
            Doubt { cause: Cause::ControlFailed, why: why.to_owned() }
        };
        self.withdraw(dependents, &doubt);
    }

    fn withdraw(&self, dependents: &[Arc<ScenarioResult>], doubt: &Doubt) {
        for old in dependents {
            let single = self.context.suite.get(&old.id).is_some_and(|s| s.steps.len() == 1);
            let result = Arc::new(taken_back(old, single, doubt));
            self.results
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(result.id.clone(), Arc::clone(&result));
            self.withdrawn.lock().unwrap_or_else(PoisonError::into_inner).insert(result.id.clone());
            self.tell(&Event::Withdrawn(result));
        }
    }

    /// The result of everything that was judged so far.
    pub fn finish(&self) -> Arc<RunResult> {
        let results: Vec<ScenarioResult> = self
            .results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(|r| ScenarioResult::clone(r))
            .collect();
        let context = &self.context;
        let result = RunResult::new(
            results,
            &context.suite,
            &context.facts.catalogue,
            &self.options,
            context.sender.budget().used(),
            context.sender.is_interrupted(),
        );
        let result = Arc::new(result.with_waivers(&context.waivers, &context.suite));
        self.tell(&Event::Ended(Arc::clone(&result)));
        result
    }
}
