//! The head of the log, what it says about a file, and an entry with its proof.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::decisions;
use super::frame::{Section, page};
use super::session::Session;
use crate::audit::merkle::Leaves;
use crate::audit::proof::Proof;
use crate::audit::{Entry, Numbered};
use crate::named::{Index, Named};
use crate::problem::{Problem, Slug};
use crate::state::State;

#[derive(Deserialize)]
pub(super) struct Search {
    /// SHA-256 of a file, hexadecimal.
    digest: Option<String>,
}

/// `GET /page/log`
pub(super) async fn show(
    Extract(state): Extract<State>,
    session: Session,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(search) = search?;
    let checkpoint = state.log.checkpoint().await?;
    let head = state.log.head().await?;
    let digest = search
        .digest
        .map(|digest| digest.trim().to_ascii_lowercase());
    let digest = digest.filter(|digest| digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let found = match &digest {
        Some(digest) => Some(visible(&state, &session, state.log.about(digest).await?)),
        None => None,
    };
    let main = html! {
        form.card method="get" action="/page/log" role="search" {
            label for="digest" { "Who signed this file? Its SHA-256, as it came in or went out" }
            input id="digest" name="digest" value=[digest.as_deref()] pattern="[0-9A-Fa-f]{64}" required
                autocomplete="off" spellcheck="false" title="64 hexadecimal digits";
            div.actions { button { "Search" } }
        }
        @if let Some(found) = found {
            h2 { "What the log says about it" }
            @if found.is_empty() { p { "Nothing." } } @else { (decisions::table(&found)) }
        }
        h2 { "Head" }
        dl.card {
            dt { "Name" } dd { (state.log.public_key().name()) }
            dt { "Entries" } dd { (head.size()) }
            dt { "Root" } dd { code { (head.root()) } }
            dt { "Public key" } dd { code { (state.log.public_key()) } }
        }
        h2 { "Checkpoint" }
        pre tabindex="0" { (checkpoint) }
        p.soft {
            "Keep it: " code { "proofmark audit verify --since" }
            " shows later that the log only grew. It is at " a href="/log/checkpoint" { "/log/checkpoint" } "."
        }
    };
    Ok(page(&session, Section::Log, "Log", &main))
}

/// `GET /page/log/{index}`
pub(super) async fn entry(
    Extract(state): Extract<State>,
    session: Session,
    Named(Index(index)): Named<Index>,
) -> Result<Response, Problem> {
    let (numbered, proof) = proved(&state, &session, index).await?;
    let entry = Entry::parse(&numbered.entry).map_err(|error| Problem::internal(&error))?;
    let json = serde_json::to_string_pretty(&entry).map_err(|error| Problem::internal(&error))?;
    let main = html! {
        dl.card { (facts(&entry)) }
        h2 { "Proof that it is in the log" }
        pre tabindex="0" { (proof) }
        p {
            a href={ "/page/log/" (index) "/entry" } download={ (index) ".json" } { "The entry" } ", "
            a href={ "/page/log/" (index) "/proof" } download={ (index) ".tlog-proof" } { "the proof" } "; "
            code { "proofmark audit check" } " holds them against each other and a file."
        }
        h2 { "As it is logged" }
        pre tabindex="0" { (json) }
    };
    Ok(page(
        &session,
        Section::Log,
        &format!("Entry {index}"),
        &main,
    ))
}

/// `GET /page/log/{index}/entry`
pub(super) async fn entry_file(
    Extract(state): Extract<State>,
    session: Session,
    Named(Index(index)): Named<Index>,
) -> Result<Response, Problem> {
    let (numbered, _) = proved(&state, &session, index).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], numbered.entry).into_response())
}

/// `GET /page/log/{index}/proof`
pub(super) async fn proof_file(
    Extract(state): Extract<State>,
    session: Session,
    Named(Index(index)): Named<Index>,
) -> Result<Response, Problem> {
    let (_, proof) = proved(&state, &session, index).await?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((headers, proof.to_string()).into_response())
}

async fn proved(
    state: &State,
    session: &Session,
    index: u64,
) -> Result<(Numbered, Proof), Problem> {
    let unknown = || Problem::new(Slug::NotFound);
    let end = index.checked_add(1).ok_or_else(unknown)?;
    let entries = state.log.entries(Leaves { start: index, end }).await?;
    let numbered = visible(state, session, entries).pop().ok_or_else(unknown)?;
    let proof = state.log.prove(index).await?.ok_or_else(unknown)?;
    Ok((numbered, proof))
}

/// Those entries that the session may see.
fn visible(state: &State, session: &Session, entries: Vec<Numbered>) -> Vec<Numbered> {
    let profiles = session.audited(state);
    let is_visible = |numbered: &Numbered| match &profiles {
        None => true,
        Some(profiles) => Entry::parse(&numbered.entry).is_ok_and(|entry| {
            entry
                .profile
                .is_some_and(|profile| profiles.contains(&profile))
        }),
    };
    entries.into_iter().filter(is_visible).collect()
}

fn facts(entry: &Entry) -> Markup {
    html! {
        dt { "Time" } dd { (decisions::time(&entry.time)) }
        dt { "Decision" } dd { (decisions::decision(entry.decision)) }
        dt { "Who" } dd { (entry.principal) }
        @if let Some(profile) = &entry.profile { dt { "Profile" } dd { (profile) } }
        @if let Some(reason) = &entry.reason { dt { "Why" } dd { (reason) } }
        @for (name, subject) in [("Came in", &entry.input), ("Went out", &entry.output)] {
            @if let Some(subject) = subject {
                dt { (name) }
                dd {
                    @if let Some(name) = &subject.name { (name) ", " }
                    (subject.size) " bytes, SHA-256 " code { (subject.sha256) }
                }
            }
        }
        @if let Some(request) = &entry.request { dt { "Request" } dd { (request) } }
    }
}
