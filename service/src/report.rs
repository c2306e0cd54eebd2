//! Lint reports that entries of the log name by their hash.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sqlx::Row;

use crate::auth::{Principal, Role};
use crate::gate::Judged;
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::store::{Store, StoreError, Transaction};

/// Every profile: a report does not say which it was made for.
const ALL: &str = "*";

/// Keeps a report; one that is there already is the same.
pub(crate) async fn keep(
    transaction: &mut Transaction,
    judged: &Judged,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO report (sha256, content, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(&judged.sha256)
    .bind(judged.report.clone())
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// `GET /v1/reports/{sha256}`: what entries of the log name by this hash, byte for byte.
pub(crate) async fn show(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Path(sha256): Path<String>,
) -> Result<Response, Problem> {
    principal.expect(Role::Audit, ALL)?;
    let report = find(&state.store, &sha256).await?;
    let report = report.ok_or_else(|| Problem::new(Slug::NotFound))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], report).into_response())
}

/// The report of a hash.
pub(crate) async fn find(store: &Store, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query("SELECT content FROM report WHERE sha256 = $1")
        .bind(sha256)
        .fetch_optional(store.pool())
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
