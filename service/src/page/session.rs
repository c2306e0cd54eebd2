//! Signing in with a token, and staying so: a cookie that scripts cannot read, and a second secret in every form, so
//! that no other site can press a button here.
//!
//! What is kept of a session is the hash of its cookie, which token it belongs to, and its end. The token is looked at
//! anew with every request: one that was revoked or has expired ends the session.

use axum::extract::{FromRequestParts, State as Extract};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use ring::hmac;
use serde::Deserialize;
use signer::digest::{DigestAlgorithm, hex};
use sqlx::Row;

use super::form::Form;
use super::frame::bare;
use crate::auth::{Principal, Role, token};
use crate::chance;
use crate::problem::Problem;
use crate::state::{Inner, State};

/// The table of sessions.
pub(crate) const SCHEMA: &str = "CREATE TABLE session (\n    hash TEXT NOT NULL PRIMARY KEY,\n    token TEXT NOT NULL,\n    expires BIGINT NOT NULL\n)";

/// How long a session lasts, in milliseconds.
const LASTS: i64 = 8 * 60 * 60 * 1000;
/// Name of the cookie; a browser takes this one over TLS alone, for this host and no other.
const SECURE: &str = "__Host-proofmark";
/// Name of the cookie where the service is reached without TLS, on this machine.
const PLAIN: &str = "proofmark";

/// Somebody who has signed in.
pub(super) struct Session {
    pub(super) principal: Principal,
    name: String,
    /// The secret of the cookie.
    secret: String,
}

impl Session {
    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The secret that every form carries.
    pub(super) fn field(&self) -> Markup {
        let tag = hmac::sign(&form_key(&self.secret), b"form");
        html! { input type="hidden" name="csrf" value=(hex(tag.as_ref())); }
    }

    /// What is answered to a form that did not come from a page of this session.
    pub(super) fn refusal(&self, csrf: &str) -> Option<Response> {
        let bytes: Option<Vec<u8>> = csrf
            .as_bytes()
            .chunks(2)
            .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
            .collect();
        let holds =
            bytes.is_some_and(|tag| hmac::verify(&form_key(&self.secret), b"form", &tag).is_ok());
        (!holds)
            .then(|| sorry("The form did not come from a page of this session. Nothing was done."))
    }

    /// The profiles whose entries it may see; nothing where it may see all.
    pub(super) fn audited(&self, state: &Inner) -> Option<Vec<String>> {
        if self.principal.may(Role::Audit, "*") {
            return None;
        }
        let profiles = state.setup.profiles.keys();
        let audited = profiles.filter(|profile| self.principal.may(Role::Audit, profile));
        Some(audited.cloned().collect())
    }

    /// Whether it has to do with a profile.
    pub(super) fn knows(&self, profile: &str) -> bool {
        Role::ALL
            .into_iter()
            .any(|role| self.principal.may(role, profile))
    }
}

fn form_key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// Whoever has not signed in is led to where that is done.
impl FromRequestParts<State> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let found = find(state, &parts.headers).await;
        match found.map_err(IntoResponse::into_response)? {
            Some(session) => Ok(session),
            None => Err(Redirect::to("/page/login").into_response()),
        }
    }
}

async fn find(state: &Inner, headers: &HeaderMap) -> Result<Option<Session>, Problem> {
    let Some(secret) = cookie(state, headers) else {
        return Ok(None);
    };
    let now = state.now_ms();
    let row = sqlx::query("SELECT token FROM session WHERE hash = $1 AND expires > $2")
        .bind(hash(&secret))
        .bind(now)
        .fetch_optional(state.store.pool())
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let id: String = row.try_get(0)?;
    let token = token::find_by_id(&state.store, &id, now).await?;
    Ok(token.map(|token| Session {
        name: token.name.clone(),
        principal: Principal::of_token(token),
        secret,
    }))
}

fn hash(secret: &str) -> String {
    hex(&DigestAlgorithm::Sha256.of(secret.as_bytes()))
}

fn cookie_name(state: &Inner) -> &'static str {
    match state.setup.config.is_secure() {
        true => SECURE,
        false => PLAIN,
    }
}

fn cookie(state: &Inner, headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(state);
    let given = headers.get_all(header::COOKIE).iter();
    let mut pairs = given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

/// Whether the browser says that the form is on a page of this service.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name)?.to_str().ok();
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    match (origin, text(header::HOST)) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// `GET /page/login`
pub(super) async fn ask() -> Response {
    login(StatusCode::OK, None)
}

fn login(status: StatusCode, problem: Option<&str>) -> Response {
    let main = html! {
        form.login.card method="post" action="/page/login" {
            @if let Some(problem) = problem {
                p.note.wrong.card role="alert" id="problem" { (problem) }
            }
            label for="token" { "Token" }
            input id="token" name="token" type="password" required autocomplete="off" spellcheck="false" autofocus
                aria-describedby=[problem.map(|_| "problem")];
            p.soft { "As " code { "proofmark token create" } " printed it. The session ends after eight hours, or with the token." }
            div.actions { button { "Sign in" } }
        }
    };
    bare(status, "Sign in", &main)
}

#[derive(Deserialize)]
pub(super) struct Login {
    token: String,
}

/// `POST /page/login`
pub(super) async fn begin(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    Form(given): Form<Login>,
) -> Result<Response, Problem> {
    if !is_from_here(&headers) {
        return Ok(sorry(
            "The form did not come from a page of this service. Nothing was done.",
        ));
    }
    let now = state.now_ms();
    let token = token::find(&state.store, given.token.trim(), now).await?;
    let Some(token) = token else {
        return Ok(login(
            StatusCode::UNAUTHORIZED,
            Some("This token is not known, or no longer."),
        ));
    };
    let secret = hex(&chance::bytes::<32>()?);
    sqlx::query("DELETE FROM session WHERE expires <= $1")
        .bind(now)
        .execute(state.store.pool())
        .await?;
    sqlx::query("INSERT INTO session (hash, token, expires) VALUES ($1, $2, $3)")
        .bind(hash(&secret))
        .bind(token.id)
        .bind(now + LASTS)
        .execute(state.store.pool())
        .await?;
    Ok(led(&state, &secret, "/page"))
}

#[derive(Deserialize)]
pub(super) struct Logout {
    csrf: String,
}

/// `POST /page/logout`
pub(super) async fn end(
    Extract(state): Extract<State>,
    session: Session,
    Form(given): Form<Logout>,
) -> Result<Response, Problem> {
    if let Some(refusal) = session.refusal(&given.csrf) {
        return Ok(refusal);
    }
    sqlx::query("DELETE FROM session WHERE hash = $1")
        .bind(hash(&session.secret))
        .execute(state.store.pool())
        .await?;
    Ok(led(&state, "", "/page/login"))
}

/// To another page, with a cookie; an empty one ends it.
fn led(state: &Inner, secret: &str, to: &str) -> Response {
    let secure = match state.setup.config.is_secure() {
        true => "; Secure",
        false => "",
    };
    let ends = match secret.is_empty() {
        true => "; Max-Age=0",
        false => "",
    };
    let name = cookie_name(state);
    let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}{ends}");
    let mut response = Redirect::to(to).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A form that is not obeyed.
fn sorry(problem: &str) -> Response {
    let main = html! {
        p.note.wrong.card role="alert" { (problem) }
        p { a href="/page" { "Back to the decisions" } }
    };
    bare(StatusCode::FORBIDDEN, "Refused", &main)
}
