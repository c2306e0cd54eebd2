//! Requests that wait for people: the list, one of them with its report, and the buttons.

use axum::Json;
use axum::extract::{Query, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::decisions::time;
use super::form::Form;
use super::frame::{Section, bare, page};
use super::session::Session;
use crate::auth::Role;
use crate::named::{Id, Named};
use crate::problem::Problem;
use crate::request::{self, ListQuery, Opinion};
use crate::state::State;

/// Places that explain a finding.
const MOST_RELATED: usize = 20;

/// `GET /page/requests`
pub(super) async fn list(
    Extract(state): Extract<State>,
    session: Session,
) -> Result<Response, Problem> {
    let query = Ok(Query(ListQuery::default()));
    let principal = session.principal.clone();
    let Json(shown) = request::list(Extract(state), principal, query).await?;
    let all = shown.as_array().cloned().unwrap_or_default();
    let (waiting, decided): (Vec<Value>, Vec<Value>) = all
        .into_iter()
        .partition(|request| text(request, "state") == "pending");
    let main = html! {
        h2 { "Waiting" }
        (table(&waiting))
        h2 { "Decided" }
        (table(&decided))
    };
    Ok(page(&session, Section::Requests, "Requests", &main))
}

fn table(requests: &[Value]) -> Markup {
    html! {
        @if requests.is_empty() {
            p { "None." }
        } @else {
            table.wide {
                thead { tr {
                    th scope="col" { "File" }
                    th scope="col" { "Profile" }
                    th scope="col" { "Asked" }
                    th scope="col" { "By" }
                    th scope="col" { "Why" }
                    th scope="col" { "State" }
                } }
                tbody {
                    @for request in requests {
                        tr {
                            th scope="row" data-name="File" {
                                a href={ "/page/requests/" (text(request, "id")) } { (text(part(request, "/file"), "name")) }
                            }
                            td data-name="Profile" { (text(request, "profile")) }
                            td.time data-name="Asked" { (time(text(request, "created"))) }
                            td data-name="By" { (who(request)) }
                            td data-name="Why" { (text(request, "reason")) }
                            td data-name="State" { (stage(request)) }
                        }
                    }
                }
            }
        }
    }
}

/// A part of an answer; nothing is null.
fn part<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The name of who asks, and the one that the log has.
fn who(request: &Value) -> Markup {
    html! {
        @if let Some(name) = part(request, "/claims/name").as_str() { (name) " " }
        code { (text(request, "principal")) }
    }
}

fn stage(request: &Value) -> Markup {
    let name = text(request, "state");
    let class = match name {
        "signed" | "approved" => "tag good",
        "pending" => "tag warn",
        _ => "tag bad",
    };
    html! { span class=(class) { (name) } }
}

/// `GET /page/requests/{id}`
pub(super) async fn show(
    Extract(state): Extract<State>,
    session: Session,
    Named(id): Named<Id>,
) -> Result<Response, Problem> {
    let principal = session.principal.clone();
    let Json(shown) = request::show(Extract(state), principal, Named(id)).await?;
    let request = &shown;
    let (profile, file) = (text(request, "profile"), part(request, "/file"));
    let is_mine = text(request, "person") == session.principal.person;
    let may_decide = session.principal.may(Role::Approve, profile) && !is_mine;
    let main = html! {
        dl.card {
            dt { "State" } dd { (stage(request)) }
            dt { "Profile" } dd { (profile) }
            dt { "Why" } dd { (text(request, "reason")) }
            dt { "Asked by" } dd { (who(request)) }
            dt { "Asked" } dd { (time(text(request, "created"))) }
            dt { "Waits until" } dd { (time(text(request, "expires"))) }
            dt { "File" } dd { (part(file, "/size")) " bytes, SHA-256 " code { (text(file, "sha256")) } }
            dt { "Have to agree" } dd { (part(request, "/needed")) }
            @if let Some(entry) = part(request, "/entry").as_u64() {
                dt { "In the log" } dd { a href={ "/page/log/" (entry) } { "entry " (entry) } }
            }
        }
        (votes(part(request, "/votes")))
        (findings(part(request, "/report/diagnostics")))
        @if text(request, "state") == "pending" {
            h2 { "Decide" }
            @if is_mine {
                p { "You asked for this: others decide." }
            } @else if may_decide {
                (decide(&session, request))
            } @else {
                p { "Who approves for this profile decides." }
            }
        }
    };
    Ok(page(&session, Section::Requests, text(file, "name"), &main))
}

fn votes(votes: &Value) -> Markup {
    let votes = votes.as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @if !votes.is_empty() {
            h2 { "What others say" }
            ul {
                @for vote in votes {
                    li {
                        @if part(vote, "/agrees").as_bool() == Some(true) { span.tag.good { "agrees" } } @else { span.tag.bad { "does not" } }
                        " " code { (text(vote, "principal")) } " " (text(vote, "reason"))
                    }
                }
            }
        }
    }
}

/// What the gate found, where it is and what to do.
fn findings(found: &Value) -> Markup {
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        h2 { "What the linter says" }
        @if found.is_empty() {
            p { "Nothing was found." }
        } @else {
            ol {
                @for finding in found {
                    li.card {
                        p {
                            span class={ "tag " (level(finding)) } { (text(finding, "level")) } " "
                            strong { (text(finding, "message")) } " " code { (text(finding, "rule")) }
                        }
                        p.soft { (place(finding)) }
                        @if let Some(help) = part(finding, "/help").as_str() { p { (help) } }
                        @if let Some(related) = part(finding, "/related").as_array().filter(|all| !all.is_empty()) {
                            ul {
                                @for other in related.iter().take(MOST_RELATED) {
                                    li { (text(other, "label")) ": " (place(other)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where something is: the file, the line and column where it has lines, and by meaning.
fn place(at: &Value) -> Markup {
    let number = |pointer: &str| part(at, pointer).as_u64();
    html! {
        code {
            (text(at, "file"))
            @if let (Some(line), Some(column)) = (number("/line"), number("/column")) { ":" (line) ":" (column) }
        }
        @let route = text(at, "route");
        @if !route.is_empty() { " (" (route) ")" }
    }
}

fn level(finding: &Value) -> &'static str {
    match text(finding, "level") {
        "error" => "bad",
        "warning" => "warn",
        _ => "",
    }
}

fn decide(session: &Session, request: &Value) -> Markup {
    let id = text(request, "id");
    html! {
        form.card method="post" action={ "/page/requests/" (id) } {
            (session.field())
            input type="hidden" name="sha256" value=(text(part(request, "/file"), "sha256"));
            label for="reason" { "Why (goes into the log)" }
            textarea id="reason" name="reason" maxlength="2000" {}
            div.actions {
                button.yes name="decision" value="approve" { "Approve" }
                button.no name="decision" value="reject" { "Reject" }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Decided {
    csrf: String,
    decision: String,
    reason: String,
    sha256: String,
}

/// `POST /page/requests/{id}`
pub(super) async fn decided(
    Extract(state): Extract<State>,
    session: Session,
    Named(id): Named<Id>,
    Form(given): Form<Decided>,
) -> Result<Response, Problem> {
    if let Some(refusal) = session.refusal(&given.csrf) {
        return Ok(refusal);
    }
    let to = format!("/page/requests/{}", &*id);
    let opinion = Opinion::new(given.reason, given.sha256);
    let agrees = given.decision == "approve";
    let principal = session.principal.clone();
    let voted = request::vote(Extract(state), principal, Named(id), opinion, agrees).await;
    match voted {
        Ok(_) => Ok(Redirect::to(&to).into_response()),
        Err(problem) => {
            let main = html! {
                p.note.wrong.card role="alert" { (problem.in_words()) ". Nothing was done." }
                p { a href=(to) { "Back to the request" } }
            };
            Ok(bare(StatusCode::CONFLICT, "Refused", &main))
        }
    }
}
