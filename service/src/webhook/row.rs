//! Messages as the database has them.

use sqlx::Row;

use super::{Webhook, body};
use crate::audit::merkle::Leaves;
use crate::audit::{Entry, Log};
use crate::chance;
use crate::store::{Store, StoreError};
use signer::digest::hex;

/// The tables.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// Most entries that are looked through at a time.
const MOST_ENTRIES: u64 = 200;
/// Most messages that a node tries at a time.
const MOST_MESSAGES: i64 = 16;

/// What is to be told.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
    /// When it was made, in milliseconds since 1970.
    pub(super) created: i64,
    /// How often it was tried, this time included.
    pub(super) attempts: u32,
}

/// Begins with what is decided from now on, where the webhook is new.
pub(super) async fn begin(log: &Log, store: &Store, webhook: &Webhook) -> Result<(), StoreError> {
    let end = i64::try_from(log.head().await?.size()).unwrap_or(i64::MAX);
    sqlx::query("INSERT INTO webhook (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(webhook.name())
        .bind(end)
        .execute(store.pool())
        .await?;
    Ok(())
}

/// Makes messages of the next entries; false where there were none.
pub(super) async fn gather(
    log: &Log,
    store: &Store,
    webhook: &Webhook,
    now: i64,
) -> Result<bool, StoreError> {
    let size = log.head().await?.size();
    if position(store, webhook).await? >= size {
        return Ok(false);
    }
    let mut transaction = store.begin().await?;
    // Of several nodes one is at it: the row is locked, and says how far the last one came.
    let row =
        sqlx::query("UPDATE webhook SET position = position WHERE name = $1 RETURNING position")
            .bind(webhook.name())
            .fetch_one(&mut *transaction)
            .await?;
    let start = number(&row)?;
    let end = size.min(start.saturating_add(MOST_ENTRIES));
    if start >= end {
        return Ok(false);
    }
    for numbered in log.entries(Leaves { start, end }).await? {
        let entry = Entry::parse(&numbered.entry)?;
        let told = webhook.wants(&entry);
        let told = told.then(|| {
            body(
                log.public_key().name(),
                numbered.index,
                &entry,
                &numbered.entry,
            )
        });
        let Some(told) = told.flatten() else { continue };
        sqlx::query(
            "INSERT INTO webhook_message (id, webhook, body, created, attempts, next) VALUES ($1, $2, $3, $4, 0, $4)",
        )
        .bind(format!("msg_{}", hex(&chance::bytes::<16>()?)))
        .bind(webhook.name())
        .bind(told)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
    }
    sqlx::query("UPDATE webhook SET position = $1 WHERE name = $2")
        .bind(i64::try_from(end).unwrap_or(i64::MAX))
        .bind(webhook.name())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

async fn position(store: &Store, webhook: &Webhook) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT position FROM webhook WHERE name = $1")
        .bind(webhook.name())
        .fetch_one(store.pool())
        .await?;
    number(&row)
}

fn number(row: &sqlx::any::AnyRow) -> Result<u64, StoreError> {
    let position: i64 = row.try_get(0)?;
    u64::try_from(position).map_err(StoreError::stored)
}

/// Takes messages that are due until `until`; a clock that was set back delays none.
pub(super) async fn lease(
    store: &Store,
    webhook: &Webhook,
    now: i64,
    until: i64,
    longest: i64,
) -> Result<Vec<Message>, StoreError> {
    let due =
        "SELECT id FROM webhook_message WHERE webhook = $1 AND (next <= $2 OR next > $3) LIMIT 1";
    let due = sqlx::query(due)
        .bind(webhook.name())
        .bind(now)
        .bind(now + longest)
        .fetch_optional(store.pool())
        .await?;
    if due.is_none() {
        return Ok(Vec::new());
    }
    let mut transaction = store.begin().await?;
    let rows = sqlx::query(
        "UPDATE webhook_message SET next = $4, attempts = attempts + 1 \
         WHERE id IN (SELECT id FROM webhook_message WHERE webhook = $1 AND (next <= $2 OR next > $3) \
         ORDER BY next, id LIMIT $5) AND (next <= $2 OR next > $3) RETURNING id, body, created, attempts",
    )
    .bind(webhook.name())
    .bind(now)
    .bind(now + longest)
    .bind(until)
    .bind(MOST_MESSAGES)
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let messages = rows.iter().map(|row| {
        Ok(Message {
            id: row.try_get("id")?,
            body: row.try_get("body")?,
            created: row.try_get("created")?,
            attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
        })
    });
    messages.collect()
}

/// Forgets a message: it was told, or never will be.
pub(super) async fn forget(store: &Store, id: &str) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    sqlx::query("DELETE FROM webhook_message WHERE id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// Lets a message be tried again at some time.
pub(super) async fn postpone(store: &Store, id: &str, until: i64) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    sqlx::query("UPDATE webhook_message SET next = $1 WHERE id = $2")
        .bind(until)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// How many messages wait, by webhook.
pub(crate) async fn waiting(store: &Store) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT webhook.name, COUNT(webhook_message.id) FROM webhook \
         LEFT JOIN webhook_message ON webhook_message.webhook = webhook.name GROUP BY webhook.name",
    )
    .fetch_all(store.pool())
    .await?;
    let counted = rows.iter();
    let counted = counted.map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    counted.collect()
}
