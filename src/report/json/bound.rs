//! Keeping a report small: a server may answer with megabytes in every member that a finding quotes.

use super::Report;
use crate::report::visible::clip;

/// Decoded tokens are kept where texts may be so long.
const DECODED: usize = 1024;
/// Header fields kept of a message.
const FIELDS: usize = 100;
/// Requests and bodies are quoted in full up to this many times the length of other texts.
const BODY_FACTOR: usize = 8;

/// Cuts every text that a server can lengthen.
pub(super) fn texts(report: &mut Report, limit: usize) {
    let cut = |text: &mut String, limit: usize| {
        // Bytes bound characters from above: most texts need no counting.
        if text.len() > limit {
            *text = clip(text, limit);
        }
    };
    for scenario in &mut report.scenarios {
        for text in scenario.reason.iter_mut().chain(&mut scenario.difference) {
            cut(text, limit);
        }
        for finding in &mut scenario.findings {
            for text in [&mut finding.expected, &mut finding.observed, &mut finding.why] {
                cut(text, limit);
            }
        }
        for exchange in &mut scenario.exchanges {
            for text in [&mut exchange.curl, &mut exchange.request.url, &mut exchange.request.body] {
                cut(text, limit * BODY_FACTOR);
            }
            exchange.transport_error.iter_mut().for_each(|e| cut(e, limit));
            // They were cut when they were decoded; where room is scarce, the messages matter more.
            if limit < DECODED {
                exchange.tokens.clear();
            }
            let mut fields = vec![&mut exchange.request.headers];
            if let Some(response) = &mut exchange.response {
                cut(&mut response.body, limit * BODY_FACTOR);
                fields.push(&mut response.headers);
            }
            for headers in fields {
                headers.truncate(FIELDS);
                for (name, value) in headers {
                    cut(name, limit);
                    cut(value, limit);
                }
            }
        }
    }
    for observation in &mut report.observations {
        cut(&mut observation.value, limit);
    }
}
