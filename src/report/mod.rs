//! TEMPORARY
use crate::{
    judge::Cause,
    run::RunResult,
    scenario::ProfileName,
    spec::{Catalogue, Level},
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
pub struct TargetIdentity {
    pub name: String,
    pub issuer: Option<String>,
    pub version: Option<String>,
}
pub struct Identity {
    pub target: TargetIdentity,
    pub profile: ProfileName,
    pub reading: String,
    pub started: jiff::Timestamp,
    pub duration_ms: u64,
    pub fail_on: Level,
    pub allow_inconclusive: BTreeSet<Cause>,
}
pub struct Paths(pub PathBuf);
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct E;
pub fn write_all(d: &Path, r: &RunResult, _i: &Identity, _c: &Catalogue) -> Result<Paths, E> {
    let _ = std::fs::create_dir_all(d);
    let v = serde_json::json!({"scenarios": r.scenarios, "requirements": r.requirements});
    let _ = std::fs::write(d.join("report.json"), serde_json::to_string_pretty(&v).unwrap_or_default());
    Ok(Paths(d.into()))
}
pub fn schema() -> serde_json::Value {
    serde_json::json!({})
}
pub mod terminal {
    use super::*;
    use crate::run::ScenarioResult;
    pub fn explain(r: &ScenarioResult, _c: &Catalogue, _w: usize, _s: bool) -> String {
        let mut o = format!("{:?} {:?} {:?}\n", r.verdict, r.cause, r.reason);
        for f in &r.findings {
            if f.verdict != crate::judge::Verdict::Pass {
                o += &format!(
                    "  {} {:?} {:?} {:?} exp={} obs={} why={}\n",
                    f.requirement, f.level, f.verdict, f.class, f.expected, f.observed, f.why
                );
            }
        }
        for e in &r.exchanges {
            o += &format!(
                "   {} {} -> {:?} {}\n",
                e.purpose,
                e.curl,
                e.response.as_ref().map(|r| r.status),
                e.response.as_ref().map(|r| r.body.as_str()).unwrap_or("")
            );
        }
        o
    }
    pub fn summary(
        r: &RunResult,
        _i: &Identity,
        _c: &Catalogue,
        _p: Option<&Paths>,
        _w: usize,
        _s: bool,
    ) -> String {
        format!("{:?} {:?} requests {}", r.conclusion, r.counts, r.requests)
    }
}
