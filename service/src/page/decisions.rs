//! Recent decisions: a table of entries of the log.

use axum::extract::{Query, State as Extract};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::frame::{Section, page};
use super::session::Session;
use crate::audit::{Decision, Entry, Numbered};
use crate::problem::Problem;
use crate::state::State;

/// Entries of a page.
const MOST: u32 = 50;

#[derive(Deserialize)]
pub(super) struct Older {
    /// Entries below this number.
    before: Option<u64>,
}

/// `GET /page`
pub(super) async fn show(
    Extract(state): Extract<State>,
    session: Session,
    Query(older): Query<Older>,
) -> Result<Response, Problem> {
    let before = older.before.unwrap_or(u64::MAX);
    let profiles = session.audited(&state);
    let entries = state.log.newest(before, MOST, profiles.as_deref()).await?;
    let last = entries.last().map(|numbered| numbered.index);
    let is_full = entries.len() == MOST as usize;
    let main = html! {
        @if profiles.as_ref().is_some_and(Vec::is_empty) {
            p.note.card { "Your token has the role audit for no profile: decisions are not shown." }
        }
        (table(&entries))
        @if let (Some(last), true) = (last, is_full) {
            p { a href={ "/page?before=" (last) } rel="next" { "Older decisions" } }
        }
    };
    Ok(page(
        &session,
        Section::Decisions,
        "Recent decisions",
        &main,
    ))
}

/// Entries, newest first.
pub(super) fn table(entries: &[Numbered]) -> Markup {
    let rows = entries
        .iter()
        .filter_map(|numbered| Some((numbered.index, Entry::parse(&numbered.entry).ok()?)));
    html! {
        @if entries.is_empty() {
            p { "Nothing yet." }
        } @else {
            table.wide {
                thead { tr {
                    th scope="col" { "Entry" }
                    th scope="col" { "Time" }
                    th scope="col" { "Decision" }
                    th scope="col" { "Profile" }
                    th scope="col" { "File" }
                    th scope="col" { "Who" }
                    th scope="col" { "Why" }
                } }
                tbody {
                    @for (index, entry) in rows {
                        tr {
                            th scope="row" data-name="Entry" { a href={ "/page/log/" (index) } { (index) } }
                            td.time data-name="Time" { (time(&entry.time)) }
                            td data-name="Decision" { (decision(entry.decision)) }
                            td data-name="Profile" { (entry.profile.as_deref().unwrap_or("-")) }
                            td data-name="File" { (file(&entry)) }
                            td data-name="Who" { (entry.principal) }
                            td data-name="Why" { (entry.reason.as_deref().unwrap_or("-")) }
                        }
                    }
                }
            }
        }
    }
}

/// A decision, coloured by what it means and told by its word.
pub(super) fn decision(decision: Decision) -> Markup {
    let class = match decision {
        Decision::Signed | Decision::Approved => "tag good",
        Decision::Refused
        | Decision::Rejected
        | Decision::TokenRevoked
        | Decision::WindowRevoked => "tag bad",
        Decision::Requested | Decision::Expired | Decision::Cancelled => "tag warn",
        _ => "tag",
    };
    html! { span class=(class) { (decision.name().replace('-', " ")) } }
}

/// A time for people; its seconds matter nobody here.
pub(super) fn time(time: &str) -> Markup {
    let short = time.get(..16).map(|minute| minute.replace('T', " "));
    html! { time datetime=(time) { (short.as_deref().unwrap_or(time)) " UTC" } }
}

fn file(entry: &Entry) -> Markup {
    let subject = entry.input.as_ref().or(entry.output.as_ref());
    let Some(subject) = subject else {
        return html! { "-" };
    };
    let digest = subject.sha256.get(..12).unwrap_or(&subject.sha256);
    html! {
        @if let Some(name) = &subject.name { (name) " " }
        code title=(subject.sha256) { (digest) }
    }
}
