//! The log of decisions: append-only, committed before what it tells of leaves.

mod entry;

use sqlx::Row;

use crate::store::{StoreError, Transaction};

pub use entry::{Decision, Entry, PolicyVersion, Subject};

/// The tables of the log.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// The log of decisions.
#[derive(Debug, Default)]
pub struct Log {
    _private: (),
}

/// What shows that an entry is in the log, once the transaction is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its number, from 0.
    pub index: u64,
}

impl Log {
    /// The log of a database.
    pub fn new() -> Self {
        Self { _private: () }
    }

    /// Appends an entry within the transaction that does what it tells of. Others that append wait for its end.
    ///
    /// # Errors
    /// Where the database does not take it.
    pub async fn append(
        &self,
        transaction: &mut Transaction,
        entry: &Entry,
    ) -> Result<Receipt, StoreError> {
        let row = sqlx::query("UPDATE audit_head SET size = size + 1 WHERE id = 0 RETURNING size")
            .fetch_one(&mut **transaction)
            .await?;
        let size: i64 = row.try_get(0)?;
        let position = size - 1;
        sqlx::query("INSERT INTO audit_entry (position, entry) VALUES ($1, $2)")
            .bind(position)
            .bind(entry.bytes())
            .execute(&mut **transaction)
            .await?;
        Ok(Receipt {
            index: u64::try_from(position).unwrap_or_default(),
        })
    }
}
