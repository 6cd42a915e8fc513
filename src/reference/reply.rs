//! One HTTP answer, before it becomes wiremock's.

use std::time::Duration;

use serde_json::Value;
use wiremock::ResponseTemplate;

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Names and values are chosen by the server, so they are always legal header text.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::empty(status)
            .header("Content-Type", "application/json".to_owned())
            .with_body(body.to_string().into_bytes())
    }

    /// Answers that carry a token, or say something about one, stay out of caches. RFC 6749 §5.1 asks
    /// for both headers; the second is a relic that strict clients still look for.
    pub(super) fn uncached(self) -> Self {
        self.header("Cache-Control", "no-store".to_owned()).header("Pragma", "no-cache".to_owned())
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.drop_header(name);
        self.headers.push((name, value));
        self
    }

    pub(super) fn drop_header(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    pub(super) fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    pub(super) fn into_template(self, delay: Duration) -> ResponseTemplate {
        let mut template = ResponseTemplate::new(self.status).set_body_bytes(self.body);
        for (name, value) in self.headers {
            // wiremock panics on text that is no header value, so such text must not get there.
            if value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                template = template.append_header(name, value);
            }
        }
        if delay.is_zero() { template } else { template.set_delay(delay) }
    }
}
