//! The files of the log over HTTP, as a static server would give them (<https://c2sp.org/tlog-tiles>), and what helps
//! to find an entry.

use axum::body::Body;
use axum::extract::State as Extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::merkle::Leaves;
use super::note::MAX_NOTE;
use super::tile::{Content, Tile};
use super::{CosignError, Entry};
use crate::auth::{Principal, Role};
use crate::named::{Index, Named};
use crate::problem::{Problem, Slug};
use crate::state::State;
use crate::upload;

/// Every profile.
const ALL: &str = "*";
const TEXT: &str = "text/plain; charset=utf-8";
/// Checkpoints change.
const SOON_STALE: &str = "no-cache";
/// Tiles never do.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Everything below `/log`. Hashes and checkpoints tell nothing and are for everybody, as witnesses need them.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<State>)> {
    vec![
        ("/log/checkpoint", get(checkpoint)),
        ("/log/cosigned", get(cosigned)),
        ("/log/cosignatures", post(cosign)),
        ("/log/entry/{index}", get(entry)),
        ("/log/proof/{index}", get(proof)),
        ("/log/key", get(key)),
        ("/log/tile/{*path}", get(tile)),
    ]
}

async fn key(Extract(state): Extract<State>) -> Response {
    let key = format!("{}\n", state.log.public_key());
    ([(header::CONTENT_TYPE, TEXT)], key).into_response()
}

async fn checkpoint(Extract(state): Extract<State>) -> Result<Response, Problem> {
    Ok(note(state.log.checkpoint().await?))
}

async fn cosigned(Extract(state): Extract<State>) -> Result<Response, Problem> {
    let checkpoint = state.log.cosigned_checkpoint().await?;
    checkpoint
        .map(note)
        .ok_or_else(|| Problem::new(Slug::NotFound))
}

fn note(note: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, TEXT),
        (header::CACHE_CONTROL, SOON_STALE),
    ];
    (headers, note).into_response()
}

async fn cosign(Extract(state): Extract<State>, body: Body) -> Result<Response, Problem> {
    let body = upload::small(body, MAX_NOTE).await?;
    let refused = |why: &dyn std::fmt::Display| Problem::because(Slug::BadRequest, why);
    let note = std::str::from_utf8(&body).map_err(|error| refused(&error))?;
    match state.log.cosign(note).await {
        Ok(count) => Ok(format!("{count}\n").into_response()),
        Err(CosignError::Store(error)) => Err(error.into()),
        Err(error) => Err(refused(&error)),
    }
}

/// An entry: who may audit its profile sees it, and whom it is about.
async fn entry(
    Extract(state): Extract<State>,
    principal: Principal,
    Named(Index(index)): Named<Index>,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(Slug::NotFound);
    let end = index.checked_add(1).ok_or_else(unknown)?;
    let places = Leaves { start: index, end };
    let numbered = state.log.entries(places).await?.pop().ok_or_else(unknown)?;
    let entry = Entry::parse(&numbered.entry).map_err(|error| Problem::internal(&error))?;
    let profile = entry.profile.as_deref().unwrap_or(ALL);
    if entry.principal != principal.id && !principal.may(Role::Audit, profile) {
        return Err(unknown());
    }
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, numbered.entry).into_response())
}

/// The proof of an entry: hashes tell nothing of it.
async fn proof(
    Extract(state): Extract<State>,
    Named(Index(index)): Named<Index>,
) -> Result<Response, Problem> {
    let proof = state.log.prove(index).await?;
    let proof = proof.ok_or_else(|| Problem::new(Slug::NotFound))?;
    Ok(note(proof.to_string()))
}

async fn tile(
    Extract(state): Extract<State>,
    principal: Result<Principal, Problem>,
    Named(path): Named<String>,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(Slug::NotFound);
    let tile = Tile::from_path(&format!("tile/{path}")).ok_or_else(unknown)?;
    if tile.content == Content::Entries {
        principal?.expect(Role::Audit, ALL)?;
    }
    let bytes = state.log.tile(tile).await?.ok_or_else(unknown)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, IMMUTABLE),
    ];
    Ok((headers, bytes).into_response())
}
