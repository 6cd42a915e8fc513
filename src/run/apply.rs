//! From a scenario's words to the request that is sent: roles filled in, edits applied, the body encoded.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Context, authenticate::authenticate, placeholder::Placeholders};
use crate::{
    scenario::{
        BodyForm, ClientAuthEdit, DpopFault, DpopSpec, Edit, ExchangeSpec, OneOrMany, RepeatOrder,
        RequestEdit, TokenEdit,
    },
    target::token_type_uri,
    token::{DpopKey, Obtained, TokenView, mint, proof, tamper},
    wire::{FormBody, Param, ParamForm, Request, Secret},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const FORM: &str = "application/x-www-form-urlencoded";

/// A request that is ready, with what the judge must know about it.
pub(super) struct Prepared {
    pub request: Request,
    pub form: FormBody,
    pub client_id: String,
    pub subject: TokenView,
    pub actor: Option<TokenView>,
    pub dpop: Option<DpopSpec>,
    /// The address below the listener, if the request names it.
    pub listener: Option<String>,
    /// The parameters that the request would have to be rebuilt from (a new assertion, another proof).
    pub spec: ExchangeSpec,
}

/// Something that the scenario needs is not to be had: the verdict is `inconclusive`, cause `precondition`.
#[derive(Debug)]
pub(super) struct Unready(pub String);

impl<E: std::error::Error> From<E> for Unready {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Prepares an exchange.
pub(super) async fn prepare(
    context: &Context,
    spec: &ExchangeSpec,
    edits: &[Edit],
    named: &BTreeMap<String, TokenView>,
    nonce: Option<&str>,
) -> Result<Prepared, Unready> {
    let mut draft = Draft::new(context, spec.clone(), edits, named).await?;
    for edit in edits {
        draft.edit(edit).await?;
    }
    draft.finish(nonce).await
}

struct Draft<'a> {
    context: &'a Context,
    named: &'a BTreeMap<String, TokenView>,
    spec: ExchangeSpec,
    form: FormBody,
    subject: TokenView,
    actor: Option<TokenView>,
    auth: Option<ClientAuthEdit>,
    second_user: Option<TokenView>,
    listener: Option<String>,
    /// Edits of parameters that come with the credentials.
    late: Vec<Edit>,
    shape: Option<RequestEdit>,
}

impl<'a> Draft<'a> {
    async fn new(
        context: &'a Context,
        mut spec: ExchangeSpec,
        edits: &[Edit],
        named: &'a BTreeMap<String, TokenView>,
    ) -> Result<Draft<'a>, Unready> {
        for edit in edits {
            if let Some(client) = &edit.client {
                spec.client.clone_from(client);
            }
            if let Some(dpop) = &edit.dpop {
                spec.dpop = Some(dpop.clone());
            }
            if edit.without_dpop == Some(true) {
                spec.dpop = None;
            }
        }
        let base = &context.target.spec.exchange;
        let subject = resolve(context, named, &spec.subject).await?;
        let actor_role = spec.actor.clone().or_else(|| base.actor.clone());
        let actor = match &actor_role {
            Some(role) => Some(resolve(context, named, role).await?),
            None => None,
        };
        let mut form = FormBody::default();
        form.push("grant_type", GRANT);
        if let Some(requested) = spec.requested.as_ref().or(base.requested.as_ref()) {
            form.push("requested_token_type", token_type_uri(requested));
        }
        push_targets(context, &mut form, &spec);
        let scope = spec.scope.as_ref().or(base.scope.as_ref());
        if let Some(scopes) = scope.and_then(|role| context.facts.scopes.get(role)) {
            form.push("scope", scopes.join(" "));
        }
        form.push("subject_token", subject.view.value.clone());
        form.push(
            "subject_token_type",
            spec.subject_type.as_deref().map_or_else(|| subject.view.token_type.clone(), token_type_uri),
        );
        if let Some(actor) = &actor {
            form.push("actor_token", actor.view.value.clone());
            form.push(
                "actor_token_type",
                spec.actor_type.as_deref().map_or_else(|| actor.view.token_type.clone(), token_type_uri),
            );
        }
        // What the token itself needs comes first: it is said of this token, the rest of all exchanges.
        for (name, value) in subject.params.iter().chain(&context.target.spec.extra_params) {
            if form.get(name).is_none() {
                value.values().into_iter().for_each(|v| form.push(name, v));
            }
        }
        let second_user = if mentions(edits, "second_user_sub") {
            Some(resolve(context, named, "second_user").await?.view)
        } else {
            None
        };
        let listener = if mentions(edits, "listener") { context.trap_address().await } else { None };
        let actor = actor.map(|a| a.view);
        Ok(Draft {
            context,
            named,
            spec,
            form,
            subject: subject.view,
            actor,
            auth: None,
            shape: None,
            second_user,
            listener,
            late: Vec::new(),
        })
    }

    fn client_id(&self) -> String {
        self.context.facts.clients.get(&self.spec.client).cloned().unwrap_or_default()
    }

    fn fill(&self, text: &str) -> String {
        Placeholders {
            context: self.context,
            form: &self.form,
            client_role: &self.spec.client,
            subject: Some(&self.subject),
            actor: self.actor.as_ref(),
            second_user: self.second_user.as_ref(),
            listener: self.listener.as_deref(),
        }
        .fill(text)
    }

    /// Applies an edit. Edits of parameters that come with the credentials (`client_id`, `client_assertion` …) wait until
    /// those are there.
    async fn edit(&mut self, edit: &Edit) -> Result<(), Unready> {
        let named = edit.duplicate.as_deref().or(edit.repeat.as_ref().map(|r| r.parameter.as_str()));
        if named.is_some_and(|name| self.form.get(name).is_none()) {
            self.late.push(edit.clone());
            return Ok(());
        }
        self.edit_now(edit).await
    }

    async fn edit_now(&mut self, edit: &Edit) -> Result<(), Unready> {
        let whole = self.form.0.len();
        for name in edit.drop.iter().flat_map(OneOrMany::iter) {
            self.form.remove(name);
        }
        // A request that is just its control proves nothing about what the scenario means to leave out.
        if let Some(names) = edit.drop.as_ref().filter(|_| self.form.0.len() == whole) {
            let names: Vec<&str> = names.iter().collect();
            return Err(Unready(format!(
                "`drop` changes nothing: the request has no parameter {}",
                names.join(", ")
            )));
        }
        for (name, value) in edit.set.iter().flatten() {
            let value = self.fill(value);
            self.form.set(name, value);
        }
        for (name, values) in edit.add.iter().flatten() {
            for value in values.iter() {
                let value = self.fill(value);
                self.form.push(name, value);
            }
        }
        if let Some(repeat) = &edit.repeat {
            let value = self.fill(&repeat.value);
            self.repeat(&repeat.parameter, &value, repeat.order);
        }
        if let Some(name) = &edit.duplicate {
            let same = self.form.get(name).cloned().unwrap_or_else(|| Secret::new(""));
            self.form.push(name, same);
        }
        for (names, form) in [(&edit.empty, ParamForm::Pair), (&edit.bare, ParamForm::Bare)] {
            for name in names.iter().flat_map(OneOrMany::iter) {
                self.form.set(name, "");
                if let Some(param) = self.form.0.iter_mut().find(|p| p.name == name) {
                    param.form = form;
                }
            }
        }
        if let Some(rename) = &edit.rename {
            if self.form.get(&rename.parameter).is_none() {
                let name = &rename.parameter;
                return Err(Unready(format!(
                    "`rename` changes nothing: the request has no parameter {name}"
                )));
            }
            for param in self.form.0.iter_mut().filter(|p| p.name == rename.parameter) {
                param.name.clone_from(&rename.to);
            }
        }
        if let Some(token) = &edit.subject {
            self.subject = self.token_edit(token, &self.subject.clone(), "subject_token").await?;
        }
        if let Some(token) = &edit.actor {
            let Some(actor) = self.actor.clone() else {
                return Err(Unready("the control has no actor token to change".into()));
            };
            self.actor = Some(self.token_edit(token, &actor, "actor_token").await?);
        }
        if edit.client_auth.is_some() {
            self.auth = edit.client_auth;
        }
        if edit.request.is_some() {
            self.shape.clone_from(&edit.request);
        }
        Ok(())
    }

    fn repeat(&mut self, name: &str, value: &str, order: RepeatOrder) {
        let other = Param { name: name.to_owned(), value: value.into(), form: ParamForm::Pair };
        let at = self.form.0.iter().position(|p| p.name == name);
        match (order, at) {
            (RepeatOrder::Before, Some(at)) => self.form.0.insert(at, other),
            (RepeatOrder::After, Some(at)) => self.form.0.insert(at + 1, other),
            (_, None) => self.form.0.push(other),
        }
    }

    async fn token_edit(
        &mut self,
        edit: &TokenEdit,
        current: &TokenView,
        parameter: &str,
    ) -> Result<TokenView, Unready> {
        if let Some(role) = &edit.role {
            let other = resolve(self.context, self.named, role).await?;
            self.form.set(parameter, other.view.value.clone());
            if !edit.keep_type {
                self.form.set(&format!("{parameter}_type"), other.view.token_type.clone());
            }
            return Ok(other.view);
        }
        let value = self.damaged(edit, current)?;
        self.form.set(parameter, value.as_str());
        // A minted token is judged by its own content; of a damaged one the original's claims stay known.
        Ok(if edit.mint.is_some() {
            TokenView {
                minted: current.minted.clone(),
                ..TokenView::new(value.into(), &current.token_type, None)
            }
        } else {
            current.clone()
        })
    }

    fn damaged(&self, edit: &TokenEdit, current: &TokenView) -> Result<String, Unready> {
        if let Some(how) = edit.tamper {
            return Ok(tamper(how, current.value.expose(), self.context.facts.jwks.as_ref())?);
        }
        if let Some(text) = &edit.literal {
            return Ok(self.fill(text));
        }
        if let Some(length) = edit.length {
            return Ok(long_token(current.value.expose(), length));
        }
        let edit = edit.mint.clone().unwrap_or_default();
        let minted = current.minted.as_ref().ok_or_else(|| Unready("the control's token is not minted by txspec, so it cannot be minted anew: give its source `minted:`".into()))?;
        Ok(mint(minted, &edit, &|text| self.fill(text))?)
    }

    async fn finish(mut self, nonce: Option<&str>) -> Result<Prepared, Unready> {
        let mut request = Request::post(self.context.token_endpoint.clone());
        request.push_header("accept", "application/json");
        authenticate(self.context, &self.spec.client, self.auth, &mut self.form, &mut request)?;
        for edit in std::mem::take(&mut self.late) {
            self.edit_now(&edit).await?;
        }
        if let Some(dpop) = &self.spec.dpop {
            let key = DpopKey::named(&dpop.key)?;
            let one = proof(&key, &request.url, nonce, dpop.wrong)?;
            request.push_header("dpop", one.clone());
            if dpop.wrong == Some(DpopFault::Twice) {
                request.push_header("dpop", proof(&key, &request.url, nonce, None)?);
            }
        }
        encode(&mut request, &self.form, self.shape.as_ref(), &|text| self.fill(text))?;
        let client_id = self.client_id();
        Ok(Prepared {
            request,
            form: self.form,
            client_id,
            subject: self.subject,
            actor: self.actor,
            dpop: self.spec.dpop.clone(),
            listener: self.listener,
            spec: self.spec,
        })
    }
}

/// Whether a placeholder stands in any text of the edits.
fn mentions(edits: &[Edit], word: &str) -> bool {
    let placeholder = format!("{{{{{word}");
    edits.iter().any(|e| serde_json::to_string(e).is_ok_and(|text| text.contains(&placeholder)))
}

/// A token that is far too long, of the characters that tokens have.
fn long_token(current: &str, length: usize) -> String {
    let seed: String = current.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let seed = if seed.is_empty() { "x".to_owned() } else { seed };
    seed.chars().cycle().take(length).collect()
}

fn push_targets(context: &Context, form: &mut FormBody, spec: &ExchangeSpec) {
    let base = &context.target.spec.exchange;
    let maps = [
        ("resource", &spec.resource, &base.resource, &context.facts.resources),
        ("audience", &spec.audience, &base.audience, &context.facts.audiences),
    ];
    let explicit = spec.resource.is_some() || spec.audience.is_some();
    for (name, own, base, values) in maps {
        let roles: Vec<&str> = match own {
            Some(own) => own.iter().collect(),
            // A scenario that names a target replaces the one that every exchange carries.
            None if explicit => Vec::new(),
            None => base.iter().map(String::as_str).collect(),
        };
        for value in roles.iter().filter_map(|role| values.get(*role)).flatten() {
            form.push(name, value.as_str());
        }
    }
}

/// A token by name: one that an earlier step named, or the target's source of that role.
pub(super) async fn resolve(
    context: &Context,
    named: &BTreeMap<String, TokenView>,
    name: &str,
) -> Result<Resolved, Unready> {
    if let Some(view) = named.get(name) {
        return Ok(Resolved { view: view.clone(), params: BTreeMap::new() });
    }
    let Obtained { view, params, .. } = context.obtainer.token(name).await?;
    let view = context.with_claims(name, view).await;
    if name.starts_with("expired") && view.expires_at.is_none_or(|e| e > crate::token::now()) {
        let why = match view.expires_at {
            Some(_) => "it has not expired yet: raise `age` of its source",
            None => "it is not known when it expires: its source must give a JWT with `exp`, or `expires_in`",
        };
        return Err(Unready(format!("the `{name}` token cannot serve: {why}")));
    }
    Ok(Resolved { view, params })
}

/// A token with what an exchange of it needs.
pub(super) struct Resolved {
    pub view: TokenView,
    pub params: BTreeMap<String, crate::target::Value1>,
}

fn encode(
    request: &mut Request,
    form: &FormBody,
    shape: Option<&RequestEdit>,
    fill: &dyn Fn(&str) -> String,
) -> Result<(), Unready> {
    let mut content_type = FORM.to_owned();
    let mut body = form.encode();
    if let Some(shape) = shape {
        if let Some(method) = &shape.method {
            request.method = method.to_ascii_uppercase();
            append_query(request, &body);
            if request.method == "GET" {
                request.body = Vec::new();
                return Ok(());
            }
        }
        match shape.body {
            Some(BodyForm::Json) => {
                content_type = "application/json".into();
                body = json_body(form).to_string();
            }
            Some(BodyForm::Multipart) => {
                let boundary = "txspec-boundary-7d1b9f";
                content_type = format!("multipart/form-data; boundary={boundary}");
                body = multipart(form, boundary);
            }
            Some(BodyForm::Query) => {
                append_query(request, &body);
                body = String::new();
            }
            Some(BodyForm::EveryBytePercentEncoded) => body = form.encode_every_byte(),
            Some(BodyForm::PercentSpaces) => body = form.encode_percent_space(),
            Some(BodyForm::Reversed) => {
                let mut reversed = form.clone();
                reversed.0.reverse();
                body = reversed.encode();
            }
            None => {}
        }
        if let Some(kind) = &shape.content_type {
            content_type.clone_from(kind);
        }
        for (name, value) in shape.header.iter().flatten() {
            let value = fill(value);
            if value.chars().any(char::is_control) {
                return Err(Unready(format!("the header field {name} would hold a control character")));
            }
            // A second field beside txspec's own would leave JSON acceptable (RFC 9110 section 12.5.1).
            match name.eq_ignore_ascii_case("accept") {
                true => request.set_header(name, value),
                false => request.push_header(name, value),
            }
        }
    }
    request.push_header("content-type", content_type);
    request.body = body.into_bytes();
    Ok(())
}

fn append_query(request: &mut Request, pairs: &str) {
    // An endpoint's own query component is kept (RFC 6749 section 3.2).
    let query = match request.url.query() {
        Some(own) if !own.is_empty() => format!("{own}&{pairs}"),
        _ => pairs.to_owned(),
    };
    request.url.set_query(Some(&query));
}

fn json_body(form: &FormBody) -> Value {
    let mut members = Map::new();
    for param in &form.0 {
        members.insert(param.name.clone(), Value::from(param.value.expose()));
    }
    Value::Object(members)
}

fn multipart(form: &FormBody, boundary: &str) -> String {
    let mut out = String::new();
    for param in &form.0 {
        out.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n",
            param.name,
            param.value.expose()
        ));
    }
    out.push_str(&format!("--{boundary}--\r\n"));
    out
}
