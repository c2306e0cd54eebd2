//! The end of the log within a transaction: locked, grown by entries, written once.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::entry::Entry;
use super::merkle::{Frontier, Subtree, TreeHash};
use super::tile::HEIGHT;
use crate::store::{StoreError, Transaction, places};

/// What shows that an entry is in the log, once the transaction is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its number, from 0.
    pub index: u64,
    pub(super) path: Vec<TreeHash>,
    pub(super) root: TreeHash,
}

/// The end of the log. Nobody else has it until the transaction ends.
pub(crate) struct End {
    frontier: Frontier,
    entries: Vec<New>,
    /// SHA-256 of files, and the entry about each.
    digests: Vec<(String, i64)>,
    /// Subtrees that fill a tile, above its leaves.
    tiles: Vec<(Subtree, TreeHash)>,
}

struct New {
    position: i64,
    leaf: TreeHash,
    bytes: Vec<u8>,
    profile: Option<String>,
}

impl End {
    /// Waits until nobody else appends.
    pub(crate) async fn lock(transaction: &mut Transaction) -> Result<Self, StoreError> {
        // The row is locked by whoever changes it, in both databases.
        let row =
            sqlx::query("UPDATE audit_head SET size = size WHERE id = 0 RETURNING size, frontier")
                .fetch_one(&mut **transaction)
                .await?;
        Ok(Self {
            frontier: frontier(&row)?,
            entries: Vec::new(),
            digests: Vec::new(),
            tiles: Vec::new(),
        })
    }

    /// The number of the next entry.
    pub(crate) fn next(&self) -> u64 {
        self.frontier.size()
    }

    /// Adds an entry, whose bytes are [`Entry::bytes`]; [`End::write`] takes it to the database.
    pub(crate) fn push(&mut self, entry: &Entry, bytes: Vec<u8>) -> Result<Receipt, StoreError> {
        let index = self.next();
        let position = number(index)?;
        let path = self.frontier.path_of_next();
        let leaf = TreeHash::of_leaf(&bytes);
        let completed = self.frontier.push(leaf);
        let fills = |subtree: Subtree| subtree.level > 0 && subtree.level.is_multiple_of(HEIGHT);
        let tiles = completed.into_iter().filter(|(subtree, _)| fills(*subtree));
        self.tiles.extend(tiles);
        let digests = entry.digests();
        self.digests
            .extend(digests.map(|digest| (digest.to_owned(), position)));
        self.entries.push(New {
            position,
            leaf,
            bytes,
            profile: entry.profile.clone(),
        });
        Ok(Receipt {
            index,
            path,
            root: self.frontier.root(),
        })
    }

    /// Writes what was added, each kind of row at once.
    pub(crate) async fn write(self, transaction: &mut Transaction) -> Result<(), StoreError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let values = places(self.entries.len(), 4);
        let query =
            format!("INSERT INTO audit_entry (position, leaf, entry, profile) VALUES {values}");
        let mut query = sqlx::query(AssertSqlSafe(query));
        for new in self.entries {
            query = query
                .bind(new.position)
                .bind(new.leaf.0.to_vec())
                .bind(new.bytes)
                .bind(new.profile);
        }
        query.execute(&mut **transaction).await?;
        for (subtree, hash) in self.tiles {
            sqlx::query("INSERT INTO audit_tile (level, position, hash) VALUES ($1, $2, $3)")
                .bind(i64::from(subtree.level / HEIGHT))
                .bind(number(subtree.position)?)
                .bind(hash.0.to_vec())
                .execute(&mut **transaction)
                .await?;
        }
        if !self.digests.is_empty() {
            let values = places(self.digests.len(), 2);
            let query = format!("INSERT INTO audit_digest (digest, position) VALUES {values}");
            let mut query = sqlx::query(AssertSqlSafe(query));
            for (digest, position) in self.digests {
                query = query.bind(digest).bind(position);
            }
            query.execute(&mut **transaction).await?;
        }
        sqlx::query("UPDATE audit_head SET size = $1, frontier = $2 WHERE id = 0")
            .bind(number(self.frontier.size())?)
            .bind(self.frontier.to_bytes())
            .execute(&mut **transaction)
            .await?;
        Ok(())
    }
}

/// The tree of a row with `size` and `frontier`.
pub(super) fn frontier(row: &AnyRow) -> Result<Frontier, StoreError> {
    let (size, bytes): (i64, Vec<u8>) = (row.try_get("size")?, row.try_get("frontier")?);
    let size = u64::try_from(size).ok();
    let frontier = size.and_then(|size| Frontier::from_bytes(size, &bytes));
    frontier.ok_or_else(|| StoreError::Stored("the head of the log".to_owned()))
}

/// A number as the database takes it.
pub(super) fn number(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Stored("a place beyond 2^63".to_owned()))
}
