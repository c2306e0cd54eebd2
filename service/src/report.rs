//! Lint reports that entries of the log name by their hash.

use sqlx::Row;

use crate::gate::Judged;
use crate::store::{Store, StoreError, Transaction};

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

/// The report of a hash.
pub(crate) async fn find(store: &Store, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query("SELECT content FROM report WHERE sha256 = $1")
        .bind(sha256)
        .fetch_optional(store.pool())
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
