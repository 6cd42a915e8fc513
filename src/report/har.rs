//! The exchanges of a run as an HTTP archive (HAR 1.2), for the tools that read it. Made from the redacted exchanges of
//! the report: neither secrets nor tokens are in it.

use serde_json::{Value, json};

use super::{Report, ReportError, json::pretty, visible::status};
use crate::{
    run::ScenarioResult,
    wire::{RedactedExchange, RedactedResponse},
};

/// The report's exchanges as HAR.
///
/// # Errors
/// Only when serialization itself fails, a bug.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let started = report.started.to_string();
    let entries: Vec<Value> =
        report.scenarios.iter().flat_map(|s| sent(s).map(|e| entry(s, e, &started))).collect();
    let pages: Vec<Value> = report
        .scenarios
        .iter()
        .filter(|s| sent(s).next().is_some())
        .map(|s| {
            json!({
                "id": s.id,
                "title": s.title,
                "startedDateTime": s.exchanges.iter().filter_map(|e| e.started).min().map_or_else(|| started.clone(), |at| at.to_string()),
                "pageTimings": {},
                "comment": s.verdict.word(),
            })
        })
        .collect();
    pretty(&json!({
        "log": {
            "version": "1.2",
            "creator": { "name": report.tool.name, "version": report.tool.version },
            "comment": comment(report),
            "pages": pages,
            "entries": entries,
        }
    }))
}

/// What went over the wire: where a run ended early, a scenario also holds what it did not get to send.
fn sent(scenario: &ScenarioResult) -> impl Iterator<Item = &RedactedExchange> {
    scenario.exchanges.iter().filter(|e| e.started.is_some() || e.response.is_some())
}

fn comment(report: &Report) -> String {
    let times = "Sending and waiting are not told apart: `send` is 0. What was never sent is left out.";
    match &report.target.documented {
        Some(documents) => format!("{}: {documents}. {times}", report.target.label()),
        None => times.to_owned(),
    }
}

fn entry(scenario: &ScenarioResult, exchange: &RedactedExchange, run: &str) -> Value {
    let wait = exchange.wait_ms.min(exchange.duration_ms);
    json!({
        "pageref": scenario.id,
        "startedDateTime": exchange.started.map_or_else(|| run.to_owned(), |at| at.to_string()),
        "time": exchange.duration_ms,
        "request": request(exchange),
        "response": match &exchange.response {
            Some(answer) => response(answer),
            None => no_response(),
        },
        "cache": {},
        "timings": { "send": 0, "wait": wait, "receive": exchange.duration_ms - wait },
        "comment": match &exchange.transport_error {
            Some(error) => format!("{}: {error}", exchange.purpose),
            None => exchange.purpose.clone(),
        },
    })
}

fn request(exchange: &RedactedExchange) -> Value {
    let request = &exchange.request;
    let query: Vec<Value> = url::Url::parse(&request.url)
        .map(|u| u.query_pairs().map(|(name, value)| json!({ "name": name, "value": value })).collect())
        .unwrap_or_default();
    let mut out = json!({
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&request.headers),
        "queryString": query,
        "headersSize": -1,
        "bodySize": request.body.len(),
    });
    if !request.body.is_empty() {
        let kind = header(&request.headers, "content-type");
        out["postData"] = json!({
            "mimeType": kind.unwrap_or("application/octet-stream"),
            "text": request.body,
        });
    }
    out
}

fn response(response: &RedactedResponse) -> Value {
    let code = status(response.status);
    json!({
        "status": response.status,
        "statusText": code.split_once(' ').map_or("", |(_, words)| words),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&response.headers),
        "content": {
            "size": response.body.len(),
            "mimeType": header(&response.headers, "content-type").unwrap_or("x-unknown"),
            "text": response.body,
        },
        "redirectURL": header(&response.headers, "location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": response.body.len(),
    })
}

/// What the format wants where no response came.
fn no_response() -> Value {
    json!({
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": { "size": 0, "mimeType": "x-unknown" },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    })
}

fn headers(fields: &[(String, String)]) -> Vec<Value> {
    fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn header<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_exchange_is_an_entry_with_the_members_that_readers_demand() {
        let report = fixture::hostile("\u{1b}[2J</script>\u{2028}");
        let har: Value = serde_json::from_str(&render(&report).unwrap()).unwrap();
        let exchanges: usize = report.scenarios.iter().map(|s| s.exchanges.len()).sum();
        let entries = har["log"]["entries"].as_array().unwrap();
        assert!(exchanges > 0 && entries.len() == exchanges);
        for entry in entries {
            assert!(entry["startedDateTime"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
            for pointer in [
                "/request/method",
                "/request/url",
                "/request/headersSize",
                "/response/content/mimeType",
                "/response/redirectURL",
                "/timings/wait",
                "/cache",
            ] {
                assert!(entry.pointer(pointer).is_some(), "{pointer} in {entry}");
            }
        }
        assert!(!render(&report).unwrap().contains('\u{1b}'));
    }

    #[test]
    fn each_entry_bears_its_own_start_and_times_that_add_up() {
        let mut run = fixture::sample_run();
        for (i, exchange) in run.scenarios.iter_mut().flat_map(|s| &mut s.exchanges).enumerate() {
            exchange.started = format!("2026-11-21T08:31:{i:02}.5Z").parse().ok();
        }
        run.scenarios[0].exchanges[0].started = None;
        // Another was never sent.
        let mut unsent = run.scenarios[1].exchanges[0].clone();
        (unsent.started, unsent.response) = (None, None);
        unsent.transport_error = Some("the run was interrupted".into());
        run.scenarios[1].exchanges.push(unsent);
        let har: Value =
            serde_json::from_str(&render(&Report::new(fixture::identity(), &run)).unwrap()).unwrap();
        let entries = har["log"]["entries"].as_array().unwrap();
        assert_eq!(entries[0]["startedDateTime"], "2026-11-21T08:30:00.123Z");
        assert_eq!(entries[1]["startedDateTime"], "2026-11-21T08:31:01.5Z");
        assert_eq!(har["log"]["pages"][1]["startedDateTime"], "2026-11-21T08:31:01.5Z");
        assert_eq!(entries[1]["timings"], json!({ "send": 0, "wait": 9, "receive": 2 }));
        assert_eq!(entries[1]["time"], 11);
    }
}
