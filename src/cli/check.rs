//! `txspec check`: mistakes in files, without network.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{
    Exit,
    select::{refuse, refuse_suite, refuse_vendor, warn},
    terminal::Terminal,
};
use crate::{
    document::{Diagnostics, Document, did_you_mean},
    scenario::Suite,
    spec::Catalogue,
    target::{Target, load_file},
    vendor,
    wire::printable,
};

/// Look for mistakes in scenario files, target files and vendor fixtures, without network.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  txspec check my-as.yaml\n  txspec check scenarios/")]
pub struct CheckArguments {
    /// Scenario files, target files, vendor fixtures, or folders of scenario files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Checks every file and reports all mistakes.
pub fn run(arguments: &CheckArguments, terminal: &Terminal, catalogue: &Arc<Catalogue>) -> Exit {
    let (vendors, others): (Vec<PathBuf>, Vec<PathBuf>) =
        arguments.files.iter().cloned().partition(|path| is_vendor(path));
    let (targets, scenarios): (Vec<PathBuf>, Vec<PathBuf>) =
        others.into_iter().partition(|path| is_target(path));
    let mut worst = Exit::Ok;
    let mut good = Vec::new();
    let own = if scenarios.is_empty() { None } else { Some(Suite::from_paths(&scenarios, catalogue)) };
    let embedded = Suite::embedded(catalogue);
    let suites = embedded.iter().chain(own.iter().flatten());
    let known: Vec<&str> = suites.flat_map(Suite::scenarios).map(|s| s.id.as_str()).collect();
    for path in &targets {
        match load_file(path, &|name| std::env::var(name).ok(), catalogue) {
            Ok(target) => {
                let mut warnings = target.warnings.clone();
                warnings.extend(expired(&target));
                warnings.extend(unknown_scenarios(&target, &known));
                warn(&warnings, terminal);
                good.push(format!(
                    "{}: target `{}`, {}, {}",
                    path.display(),
                    target.spec.name,
                    count(target.spec.tokens.len(), "token", "tokens"),
                    count(target.spec.capabilities.len(), "capability", "capabilities")
                ));
            }
            Err(error) => worst = refuse(&error, terminal),
        }
    }
    for path in &vendors {
        match vendor::load_file(path, catalogue) {
            Ok(vendor) => good.push(format!(
                "{}: vendor fixture `{}`, {}",
                path.display(),
                vendor.name,
                count(vendor.facts.len(), "fact", "facts")
            )),
            Err(error) => worst = refuse_vendor(&error, terminal),
        }
    }
    if let Some(own) = &own {
        match own {
            Ok(suite) => {
                warn(&suite.warnings, terminal);
                let place = match scenarios.as_slice() {
                    [one] => format!("{}: ", one.display()),
                    _ => String::new(),
                };
                good.push(format!("{place}{}", count(suite.scenarios().len(), "scenario", "scenarios")));
            }
            Err(error) => worst = refuse_suite(error, terminal),
        }
    }
    for line in good {
        terminal.out(&format!("ok: {}", printable(&line, 500)));
    }
    worst
}

/// Waivers whose last day is over. A run says so by its exit code, which is late for who looks at the file today.
fn expired(target: &Target) -> Diagnostics {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut out = Diagnostics::default();
    let Some(document) = &target.document else { return out };
    for (i, waiver) in target.waivers.iter().enumerate().filter(|(_, waiver)| waiver.expires < today) {
        let message = format!("the last day of this waiver of `{}` is over: a run ends with 5", waiver.check);
        let hint = format!(
            "renew it with a date that its owner ({}) answers for, or take it out if the server is mended",
            waiver.owner
        );
        let pointer = format!("/waivers/{i}/expires");
        out.push(document.at(&pointer, "expired", message).hint(hint).warning());
    }
    out
}

/// Scenarios that waivers name and nobody knows: such a waiver accepts nothing. Scenarios of one's own may lie elsewhere.
fn unknown_scenarios(target: &Target, known: &[&str]) -> Diagnostics {
    let mut out = Diagnostics::default();
    let Some(document) = &target.document else { return out };
    for (i, waiver) in target.waivers.iter().enumerate() {
        for (j, scenario) in waiver.scenarios.iter().enumerate().filter(|(_, s)| !known.contains(&s.as_str()))
        {
            let one = format!("/waivers/{i}/scenario");
            let place =
                Some(format!("{one}/{j}")).filter(|place| document.span(place).is_some()).unwrap_or(one);
            let message =
                format!("no scenario `{scenario}` comes with txspec: the waiver accepts nothing there");
            let mut d = document.at(&place, "unknown-scenario", message);
            if let Some(near) = did_you_mean(scenario, known.iter().copied()) {
                d = d.label(format!("did you mean `{near}`?"));
            }
            out.push(d.hint("if it is one of your own, give its file to `txspec check` as well").warning());
        }
    }
    out
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A vendor fixture has facts; one that cannot be read is told by its folder.
fn is_vendor(path: &Path) -> bool {
    if path.is_dir() {
        return false;
    }
    match Document::read(path) {
        Ok(document) => document.value().get("facts").is_some() || document.value().get("pages").is_some(),
        Err(_) => path.components().any(|c| c.as_os_str() == "vendors"),
    }
}

/// A target file has clients, a scenario file has scenarios; a file that is neither is checked as what it resembles.
fn is_target(path: &Path) -> bool {
    if path.is_dir() {
        return false;
    }
    let Ok(document) = Document::read(path) else {
        return path.components().any(|c| c.as_os_str() == "targets");
    };
    let has = |key: &str| document.value().get(key).is_some();
    !has("scenarios")
        && !has("topic")
        && (has("clients") || has("issuer") || has("tokens") || has("endpoints"))
}
