//! The same request twice signs once: what a key of the client's choice stood for, and what came of it.

use axum::http::HeaderMap;
use sqlx::Row;

use crate::problem::{Problem, Slug};
use crate::store::{Store, StoreError, Transaction};

/// The header.
const HEADER: &str = "idempotency-key";
/// Longest key, in bytes.
const LONGEST: usize = 200;
/// How long work may take before another request takes it up, in milliseconds. What runs longer is not recorded.
const LEASE: i64 = 10 * 60 * 1000;
/// How long an answer is kept, in milliseconds.
pub(crate) const KEPT: i64 = 24 * 60 * 60 * 1000;

/// A key, and what was asked with it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) principal: String,
    pub(crate) key: String,
    /// What tells this request from every other.
    pub(crate) fingerprint: String,
}

/// What is known of a key.
pub(crate) enum Known {
    /// Nothing: the work is ours, under this lease.
    Ours(Lease),
    /// What was answered.
    Answered {
        /// The answer.
        answer: Vec<u8>,
        /// The number of its entry.
        entry: u64,
    },
}

/// The right to do the work of a key.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    asked: Asked,
    until: i64,
}

/// The key of a request.
///
/// # Errors
/// [`Slug::BadRequest`] where it is no key.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= LONGEST);
    match key {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Problem::because(
            Slug::BadRequest,
            format_args!("an idempotency key is text of 1 to {LONGEST} bytes"),
        )),
    }
}

/// Looks a key up and takes its work where nobody has it.
///
/// # Errors
/// [`Slug::KeyReused`] where it stood for something else, [`Slug::InProgress`] where its work is being done.
pub(crate) async fn begin(store: &Store, asked: Asked, now: i64) -> Result<Known, Problem> {
    let until = now + LEASE;
    let mut transaction = store.begin().await?;
    let inserted = sqlx::query(
        "INSERT INTO idempotency (principal, idempotency_key, fingerprint, lease_until, created) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(&asked.principal)
    .bind(&asked.key)
    .bind(&asked.fingerprint)
    .bind(until)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    if inserted.rows_affected() == 1 {
        transaction.commit().await?;
        return Ok(Known::Ours(Lease { asked, until }));
    }
    let row = sqlx::query(
        "SELECT fingerprint, lease_until, answer, entry FROM idempotency \
         WHERE principal = $1 AND idempotency_key = $2",
    )
    .bind(&asked.principal)
    .bind(&asked.key)
    .fetch_one(&mut *transaction)
    .await?;
    if row.try_get::<String, _>("fingerprint")? != asked.fingerprint {
        return Err(Problem::because(
            Slug::KeyReused,
            "this idempotency key stood for another request",
        ));
    }
    let answer: Option<Vec<u8>> = row.try_get("answer")?;
    if let Some(answer) = answer {
        let entry: Option<i64> = row.try_get("entry")?;
        let entry = u64::try_from(entry.unwrap_or_default()).unwrap_or_default();
        return Ok(Known::Answered { answer, entry });
    }
    let held: i64 = row.try_get("lease_until")?;
    // The clock may have been set back: a lease that ends much later than any that begins now is none. Clocks of two nodes may
    // differ by as much as a lease lasts.
    if held > now && held <= until + LEASE {
        return Err(in_progress());
    }
    let taken = sqlx::query(
        "UPDATE idempotency SET lease_until = $1 \
         WHERE principal = $2 AND idempotency_key = $3 AND lease_until = $4 AND answer IS NULL",
    )
    .bind(until)
    .bind(&asked.principal)
    .bind(&asked.key)
    .bind(held)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    match taken.rows_affected() {
        1 => Ok(Known::Ours(Lease { asked, until })),
        _ => Err(in_progress()),
    }
}

/// The work of a key is somebody else's.
pub(crate) fn in_progress() -> Problem {
    Problem::new(Slug::InProgress).retry_after(2)
}

/// Keeps an answer, within the transaction of its entry. False where somebody else took the work up meanwhile: their
/// answer counts.
pub(crate) async fn finish(
    transaction: &mut Transaction,
    lease: &Lease,
    answer: &[u8],
    entry: u64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE idempotency SET answer = $1, entry = $2 \
         WHERE principal = $3 AND idempotency_key = $4 AND lease_until = $5 AND answer IS NULL",
    )
    .bind(answer.to_vec())
    .bind(i64::try_from(entry).unwrap_or(i64::MAX))
    .bind(&lease.asked.principal)
    .bind(&lease.asked.key)
    .bind(lease.until)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives the work of a key back after a failure, so that the next request does it.
pub(crate) async fn give_back(store: &Store, lease: &Lease) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM idempotency \
         WHERE principal = $1 AND idempotency_key = $2 AND lease_until = $3 AND answer IS NULL",
    )
    .bind(&lease.asked.principal)
    .bind(&lease.asked.key)
    .bind(lease.until)
    .execute(store.pool())
    .await?;
    Ok(())
}

/// Forgets answers that were kept long enough.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM idempotency WHERE created < $1")
        .bind(now - KEPT)
        .execute(store.pool())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fingerprint: &str) -> Asked {
        Asked {
            principal: "token:a".to_owned(),
            key: "k".to_owned(),
            fingerprint: fingerprint.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_key_stands_for_one_request_and_one_answer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_file(&folder.path().join("db")).await.unwrap();
        let Ok(Known::Ours(lease)) = begin(&store, asked("x"), 1_000).await else {
            panic!("the first request has the work")
        };
        assert!(begin(&store, asked("x"), 1_001).await.is_err());
        assert!(begin(&store, asked("y"), 1_001).await.is_err());
        // A node that crashed: its lease ends, and the next one has the work.
        let later = 1_000 + LEASE + 1;
        let Ok(Known::Ours(second)) = begin(&store, asked("x"), later).await else {
            panic!("the lease ended")
        };
        let mut transaction = store.begin().await.unwrap();
        assert!(!finish(&mut transaction, &lease, b"late", 1).await.unwrap());
        drop(transaction);
        let mut transaction = store.begin().await.unwrap();
        assert!(
            finish(&mut transaction, &second, b"answer", 7)
                .await
                .unwrap()
        );
        transaction.commit().await.unwrap();
        let Ok(Known::Answered { answer, entry }) = begin(&store, asked("x"), later).await else {
            panic!("there is an answer")
        };
        assert_eq!((answer.as_slice(), entry), (&b"answer"[..], 7));
        forget(&store, later + KEPT).await.unwrap();
        assert!(matches!(
            begin(&store, asked("y"), later).await,
            Ok(Known::Ours(_))
        ));
    }

    #[tokio::test]
    async fn work_that_failed_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_file(&folder.path().join("db")).await.unwrap();
        let Ok(Known::Ours(lease)) = begin(&store, asked("x"), 1_000).await else {
            panic!()
        };
        give_back(&store, &lease).await.unwrap();
        assert!(matches!(
            begin(&store, asked("x"), 1_001).await,
            Ok(Known::Ours(_))
        ));
    }
}
