//! Token sources beyond one grant: HTTP requests in a row, with values picked from their responses, and commands.

use std::{collections::BTreeMap, time::Duration};

use url::Url;

use super::{
    DpopKey,
    obtain::{Got, Obtainer, Trouble},
    proof,
};
use crate::{
    target::{CommandSource, HttpRecipe, HttpStep, duration},
    wire::{Exchange, FormBody, Request, Secret, StrictJson, TransportKind},
};

impl Obtainer {
    pub(super) async fn recipe(&self, recipe: &HttpRecipe, pointer: Option<&str>) -> Result<Got, Trouble> {
        let mut known = BTreeMap::new();
        let mut last = None;
        for (i, step) in recipe.requests.iter().enumerate() {
            let number = i + 1;
            let request = self
                .recipe_request(step, &known)
                .map_err(|e| Trouble { message: format!("request {number}: {}", e.message), ..e })?;
            let exchange = self.sender.send("token source", request).await;
            let response = exchange.outcome.as_ref().map_err(|e| Trouble {
                message: format!("request {number} to {}: {e}", exchange.request.url.path()),
                unreachable: e.kind == TransportKind::Connect,
            })?;
            let fits = step.status.map_or((200..400).contains(&response.status), |s| s == response.status);
            if !fits {
                return Err(Trouble::from(format!(
                    "request {number} to {}: {}",
                    exchange.request.url.path(),
                    self.describe(&exchange)
                )));
            }
            self.pick(step, &exchange, &mut known).map_err(|m| format!("request {number}: {m}"))?;
            // A session, a code, a token: only addresses are worth reading.
            for (name, value) in known.iter().filter(|(_, v)| Url::parse(v).is_err()) {
                self.vault.remember(&format!("picked {name}"), &Secret::new(value.as_str()));
            }
            last = Some(exchange);
        }
        match &recipe.token {
            Some(template) => Ok(Got::plain(&self.fill(template, &known))),
            None => {
                let exchange = last.ok_or_else(|| "the recipe has no request".to_owned())?;
                self.read(&exchange, pointer.unwrap_or("/access_token"))
            }
        }
    }

    pub(super) fn recipe_request(
        &self,
        step: &HttpStep,
        known: &BTreeMap<String, String>,
    ) -> Result<Request, Trouble> {
        let address = self.fill(&step.url, known);
        let url = Url::parse(&address).map_err(|e| format!("`{address}` is not a URL: {e}"))?;
        let mut form = FormBody::default();
        for (name, value) in step.form.iter().flatten() {
            for v in value.values() {
                let value = self.fill(v, known);
                self.vault.remember_named(name, &value);
                form.push(name, value);
            }
        }
        let mut request = Request::post(url);
        if let Some(client) = &step.client {
            self.authenticate(client, &mut form, &mut request)?;
        }
        if let Some(json) = &step.json {
            for (name, value) in json.as_object().into_iter().flatten() {
                self.vault.remember_named(name, &self.fill(value.as_str().unwrap_or_default(), known));
            }
            request.body = super::times(json, &|text| self.fill(text, known)).to_string().into_bytes();
            request.push_header("content-type", "application/json");
        } else if step.form.is_some() || !form.0.is_empty() {
            request.body = form.encode().into_bytes();
            request.push_header("content-type", "application/x-www-form-urlencoded");
        }
        request.method = step
            .method
            .clone()
            .unwrap_or_else(|| if request.body.is_empty() { "GET".into() } else { "POST".into() });
        if let Some(key) = &step.dpop {
            let proof = DpopKey::named(key)
                .and_then(|key| proof(&key, &request.url, None, None))
                .map_err(|e| format!("no DPoP proof can be made: {e}"))?;
            request.push_header("dpop", proof);
        }
        for (name, value) in &step.headers {
            let value = self.fill(value, known);
            self.vault.remember_named(name, &value);
            request.set_header(name, value);
        }
        Ok(request)
    }

    pub(super) fn pick(
        &self,
        step: &HttpStep,
        exchange: &Exchange,
        known: &mut BTreeMap<String, String>,
    ) -> Result<(), String> {
        let Some(response) = exchange.response() else {
            return Ok(());
        };
        if !step.pick.is_empty() {
            let json = StrictJson::parse(&response.body).map_err(|e| e.to_string())?;
            for (name, pointer) in &step.pick {
                let value = json
                    .value
                    .pointer(pointer)
                    .ok_or_else(|| format!("the response has nothing at {pointer}"))?;
                known.insert(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
        for (name, header) in &step.pick_header {
            let value = if header == "cookies" {
                let pairs: Vec<String> = response
                    .header_values("set-cookie")
                    .iter()
                    .filter_map(|c| c.split(';').next().map(str::to_owned))
                    .collect();
                pairs.join("; ")
            } else {
                response.header(header).ok_or_else(|| format!("the response has no header field {header}"))?
            };
            known.insert(name.clone(), value);
        }
        let text = String::from_utf8_lossy(&response.body);
        for (name, [before, after]) in &step.pick_between {
            // The location of a redirect is as good a text as the body.
            let location = response.header("location").unwrap_or_default();
            let found = [text.as_ref(), location.as_str()].into_iter().find_map(|t| {
                let start = t.find(before.as_str())? + before.len();
                let rest = &t[start..];
                let end = if after.is_empty() {
                    rest.len()
                } else {
                    rest.find(after.as_str()).unwrap_or(rest.len())
                };
                Some(rest[..end].to_owned())
            });
            known.insert(
                name.clone(),
                found.ok_or_else(|| format!("neither the body nor the location holds `{before}`"))?,
            );
        }
        Ok(())
    }

    pub(super) fn fill(&self, text: &str, known: &BTreeMap<String, String>) -> String {
        let mut out = text.to_owned();
        for (name, value) in known {
            out = out.replace(&format!("{{{{{name}}}}}"), value);
        }
        out.replace("{{issuer}}", self.spec.issuer.as_deref().unwrap_or_default())
            .replace("{{token_endpoint}}", self.endpoints.token.as_deref().unwrap_or_default())
            .replace("{{uuid}}", &uuid::Uuid::new_v4().to_string())
    }
}

/// The most that is read of a command's output.
const OUTPUT: u64 = 256 * 1024;

pub(super) async fn run_command(spec: &CommandSource) -> Result<Got, Trouble> {
    use tokio::io::AsyncReadExt;
    let limit = spec.timeout.as_deref().and_then(|t| duration(t).ok()).unwrap_or(Duration::from_secs(30));
    let (program, arguments) = spec.run.split_first().ok_or_else(|| "the command is empty".to_owned())?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("failed to start `{program}`: {e}"))?;
    let stdout = child.stdout.take().ok_or_else(|| format!("`{program}` has no output"))?;
    let work = async {
        let mut output = Vec::new();
        stdout.take(OUTPUT).read_to_end(&mut output).await.map_err(|e| e.to_string())?;
        let status = child.wait().await.map_err(|e| e.to_string())?;
        Ok::<_, String>((output, status))
    };
    let (output, status) = tokio::time::timeout(limit, work)
        .await
        .map_err(|_| format!("`{program}` did not end within {}", humantime::format_duration(limit)))?
        .map_err(|e| format!("failed to run `{program}`: {e}"))?;
    if !status.success() {
        return Err(format!("`{program}` ended with {status}").into());
    }
    let text = String::from_utf8(output).map_err(|_| format!("`{program}` printed no text"))?;
    match text.trim() {
        "" => Err(format!("`{program}` printed nothing").into()),
        token => Ok(Got::plain(token)),
    }
}
