//! Lint reports that entries of the log name by their hash.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sqlx::{AssertSqlSafe, Row};

use crate::auth::{Principal, Role};
use crate::gate::Judged;
use crate::named::Named;
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::store::{Store, StoreError, Transaction, places};

/// Every profile: a report does not say which it was made for.
const ALL: &str = "*";

/// Keeps a report; one that is there already is the same.
pub(crate) async fn keep(
    transaction: &mut Transaction,
    judged: &Judged,
    now: i64,
) -> Result<(), StoreError> {
    keep_all(
        transaction,
        &BTreeMap::from([(judged.sha256.as_str(), judged)]),
        now,
    )
    .await
}

/// Keeps reports, by their hashes.
pub(crate) async fn keep_all(
    transaction: &mut Transaction,
    reports: &BTreeMap<&str, &Judged>,
    now: i64,
) -> Result<(), StoreError> {
    if reports.is_empty() {
        return Ok(());
    }
    let values = places(reports.len(), 3);
    let query = format!(
        "INSERT INTO report (sha256, content, created) VALUES {values} ON CONFLICT DO NOTHING"
    );
    let mut query = sqlx::query(AssertSqlSafe(query));
    for (sha256, judged) in reports {
        query = query.bind(*sha256).bind(judged.report.clone()).bind(now);
    }
    query.execute(&mut **transaction).await?;
    Ok(())
}

/// `GET /v1/reports/{sha256}`: what entries of the log name by this hash, byte for byte.
pub(crate) async fn show(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    Named(sha256): Named<String>,
) -> Result<Response, Problem> {
    principal.expect(Role::Audit, ALL)?;
    let unknown = || Problem::new(Slug::NotFound);
    if !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let report = find(&state.store, &sha256).await?;
    let report = report.ok_or_else(unknown)?;
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
