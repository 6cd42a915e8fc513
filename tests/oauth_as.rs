//! The suite against `oauth-as`, an authorization server that others wrote, hosted in this process. Each finding named
//! here was read against the specification by hand; a new one must be too, before it is added.

#[path = "../examples/oauth_as/host.rs"]
mod host;

use std::{collections::BTreeSet, sync::Arc};

use futures_util::StreamExt;
use txspec::{
    judge::Verdict,
    run::{Context, Options, RunResult, Session, preflight},
    scenario::{Scenario, Suite},
    spec::{Catalogue, Level},
    target::load_named,
};

/// Must-level violations. RFC 6749 section 3.2: a parameter without value MUST be treated as omitted; none may be
/// repeated, and section 5.2 calls that `invalid_request`.
const VIOLATED: [&str; 2] = ["OA-3.2-empty-is-omitted", "OA-3.2-no-repeat-request"];

/// Should-level violations: an empty `grant_type` is `unsupported_grant_type`; re-exchange without an actor drops `act`;
/// `client_id` beside Basic is taken for a second method; revoking another client's token is not refused.
const WARNED: [&str; 5] = [
    "OA-2.3-single-method",
    "OA-3.2.1-client_id-may",
    "RV-2.1-own-tokens",
    "TX-2.1-grant_type-required",
    "TX-4.1-act-preserved-without-actor",
];

async fn run_suite(issuer: &str) -> Arc<RunResult> {
    let catalogue = Arc::new(Catalogue::embedded().unwrap());
    let suite = Arc::new(Suite::embedded(&catalogue).unwrap());
    let variables = |name: &str| (name == "TXSPEC_ISSUER").then(|| issuer.to_owned());
    let target = Arc::new(load_named("oauth-as", &variables, &catalogue).unwrap());
    let context = Arc::new(Context::prepare(Arc::clone(&suite), target, catalogue).await.unwrap());
    preflight(&context).await.unwrap();
    let session = Session::new(context, Options::default(), Vec::new());
    let scenarios: Vec<&Scenario> = suite.scenarios().iter().collect();
    futures_util::stream::iter(scenarios.into_iter().map(|s| session.run(s)))
        .buffer_unordered(8)
        .for_each(|_| async {})
        .await;
    session.recheck_controls(1).await;
    session.finish()
}

fn violated(result: &RunResult, level: Level) -> BTreeSet<&str> {
    let findings = result.scenarios.iter().flat_map(|s| &s.findings);
    findings
        .filter(|f| f.verdict == Verdict::Fail && f.level == level)
        .map(|f| f.requirement.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_findings_about_oauth_as_are_the_known_true_ones() {
    let host = host::start(None).await.unwrap();
    let result = run_suite(&host.issuer).await;
    assert_eq!(violated(&result, Level::Must), BTreeSet::from(VIOLATED));
    let warned: BTreeSet<&str> =
        violated(&result, Level::Should).difference(&BTreeSet::from(VIOLATED)).copied().collect();
    assert_eq!(warned, BTreeSet::from(WARNED));
    assert_eq!(result.counts.error, 0);
    let applicable = result.counts.total() - result.counts.not_applicable;
    assert!(applicable > 300, "only {applicable} scenarios applied");
    assert!(
        result.counts.inconclusive * 20 < applicable,
        "{} of {applicable} inconclusive",
        result.counts.inconclusive
    );
}
