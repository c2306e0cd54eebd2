//! The log in the database: what is asked of it.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::checkpoint::Checkpoint;
use super::end::{frontier, number};
use super::log::Log;
use super::merkle::{
    Frontier, Leaves, TreeHash, concatenated, consistency_path, fold, inclusion_path,
};
use super::note::{Note, NoteError, VerifierKey};
use super::proof::Proof;
use super::tile::{self, Content, Tile};
use crate::store::StoreError;

/// An entry with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its number, from 0.
    pub index: u64,
    /// Its bytes.
    pub entry: Vec<u8>,
}

/// Why what a witness is said to have signed is not kept.
#[derive(Debug, thiserror::Error)]
pub enum CosignError {
    /// It does not hold.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// None of its signatures is of a witness of this log.
    #[error("no witness of this log signed it")]
    Stranger,
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Log {
    /// The tree as it is now.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn head(&self) -> Result<Frontier, StoreError> {
        let row = sqlx::query("SELECT size, frontier FROM audit_head WHERE id = 0")
            .fetch_one(self.store.pool())
            .await?;
        frontier(&row)
    }

    /// The newest checkpoint, with what witnesses signed of it.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn checkpoint(&self) -> Result<String, StoreError> {
        let head = self.head().await?;
        self.with_cosignatures(head.size(), head.root()).await
    }

    /// The newest checkpoint that a witness signed.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn cosigned_checkpoint(&self) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT size FROM audit_cosignature ORDER BY size DESC LIMIT 1")
            .fetch_optional(self.store.pool())
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let size = place(&row, "size")?;
        let root = self.root(size).await?;
        self.with_cosignatures(size, root).await.map(Some)
    }

    async fn with_cosignatures(&self, size: u64, root: TreeHash) -> Result<String, StoreError> {
        let mut note = self.signed(size, root);
        let lines =
            sqlx::query("SELECT line FROM audit_cosignature WHERE size = $1 ORDER BY witness")
                .bind(number(size)?)
                .fetch_all(self.store.pool())
                .await?;
        for line in lines {
            note.push_str(&line.try_get::<String, _>(0)?);
        }
        Ok(note)
    }

    /// Keeps what witnesses of this log signed of one of its checkpoints; answers with how many did.
    ///
    /// # Errors
    /// [`CosignError`].
    pub async fn cosign(&self, note: &str) -> Result<usize, CosignError> {
        let note = Note::parse(note)?;
        // The log signs no checkpoint but its own: no entry needs to be looked at.
        let checkpoint = Checkpoint::verified(&note, self.public_key())?;
        let witnesses: Vec<_> = self
            .witnesses
            .iter()
            .map(|witness| witness.key.clone())
            .collect();
        let lines = note.cosignatures(&witnesses)?;
        if lines.is_empty() {
            return Err(CosignError::Stranger);
        }
        for line in &lines {
            sqlx::query(
                "INSERT INTO audit_cosignature (size, witness, line) VALUES ($1, $2, $3) \
                 ON CONFLICT (size, witness) DO UPDATE SET line = excluded.line",
            )
            .bind(number(checkpoint.size)?)
            .bind(line.witness.clone())
            .bind(line.line.clone())
            .execute(self.store.pool())
            .await
            .map_err(StoreError::from)?;
        }
        Ok(lines.len())
    }

    /// The largest size of which a witness signed the checkpoint, 0 where there is none.
    pub(super) async fn last_cosigned(&self, witness: &VerifierKey) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT size FROM audit_cosignature WHERE witness = $1 ORDER BY size DESC LIMIT 1",
        )
        .bind(witness.name().to_owned())
        .fetch_optional(self.store.pool())
        .await?;
        row.map_or(Ok(0), |row| place(&row, "size"))
    }

    /// The bytes of a tile or a bundle of entries; nothing where the log has no such file yet.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
        if !tile.is_of(self.head().await?.size()) {
            return Ok(None);
        }
        match tile.content {
            Content::Hashes(level) => Ok(Some(concatenated(
                &self.hashes(level, tile.places()).await?,
            ))),
            Content::Entries => {
                let entries = self.entries(tile.places()).await?;
                Ok(tile::bundle(
                    entries.iter().map(|numbered| numbered.entry.as_slice()),
                ))
            }
        }
    }

    /// The entries at these places, as far as there are any.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn entries(&self, places: Leaves) -> Result<Vec<Numbered>, StoreError> {
        let rows = sqlx::query(
            "SELECT position, entry FROM audit_entry WHERE position >= $1 AND position < $2 ORDER BY position",
        )
        .bind(number(places.start)?)
        .bind(number(places.end)?)
        .fetch_all(self.store.pool())
        .await?;
        rows.iter().map(numbered).collect()
    }

    /// The newest entries below `before`, newest first; where `profiles` are named, of these alone.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn newest(
        &self,
        before: u64,
        most: u32,
        profiles: Option<&[String]>,
    ) -> Result<Vec<Numbered>, StoreError> {
        let (before, most) = (i64::try_from(before).unwrap_or(i64::MAX), i64::from(most));
        let Some(profiles) = profiles else {
            let rows = sqlx::query(
                "SELECT position, entry FROM audit_entry WHERE position < $1 ORDER BY position DESC LIMIT $2",
            )
            .bind(before)
            .bind(most)
            .fetch_all(self.store.pool())
            .await?;
            return rows.iter().map(numbered).collect();
        };
        let mut found = Vec::new();
        for profile in profiles {
            let rows = sqlx::query(
                "SELECT position, entry FROM audit_entry WHERE profile = $1 AND position < $2 \
                 ORDER BY position DESC LIMIT $3",
            )
            .bind(profile.clone())
            .bind(before)
            .bind(most)
            .fetch_all(self.store.pool())
            .await?;
            for row in &rows {
                found.push(numbered(row)?);
            }
        }
        found.sort_by_key(|numbered| std::cmp::Reverse(numbered.index));
        found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// The entries about a file, by its SHA-256 in lower-case hexadecimal, oldest first.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn about(&self, digest: &str) -> Result<Vec<Numbered>, StoreError> {
        let rows = sqlx::query(
            "SELECT audit_entry.position AS position, entry FROM audit_digest \
             JOIN audit_entry ON audit_entry.position = audit_digest.position \
             WHERE digest = $1 ORDER BY audit_digest.position LIMIT 1000",
        )
        .bind(digest.to_owned())
        .fetch_all(self.store.pool())
        .await?;
        rows.iter().map(numbered).collect()
    }

    /// The proof that an entry is in the log as it is now. Nothing where there is no such entry.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn prove(&self, index: u64) -> Result<Option<Proof>, StoreError> {
        let head = self.head().await?;
        let Some(parts) = inclusion_path(index, head.size()) else {
            return Ok(None);
        };
        let path = self.path(parts).await?;
        let checkpoint = self.with_cosignatures(head.size(), head.root()).await?;
        Ok(Some(Proof {
            index,
            path,
            checkpoint,
        }))
    }

    /// The path between the trees of two sizes. Nothing where the log has no such sizes.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn consistency(
        &self,
        old: u64,
        size: u64,
    ) -> Result<Option<Vec<TreeHash>>, StoreError> {
        match consistency_path(old, size) {
            Some(parts) if size <= self.head().await?.size() => self.path(parts).await.map(Some),
            _ => Ok(None),
        }
    }

    /// The hash of the tree of its first entries.
    pub(super) async fn root(&self, size: u64) -> Result<TreeHash, StoreError> {
        self.hash(Leaves {
            start: 0,
            end: size,
        })
        .await
    }

    async fn path(&self, parts: Vec<Leaves>) -> Result<Vec<TreeHash>, StoreError> {
        let mut path = Vec::with_capacity(parts.len());
        for part in parts {
            path.push(self.hash(part).await?);
        }
        Ok(path)
    }

    async fn hash(&self, leaves: Leaves) -> Result<TreeHash, StoreError> {
        let mut subtrees = Vec::new();
        for subtree in leaves.subtrees() {
            let (level, places) = tile::hashes_of(subtree);
            let hashes = self.hashes(level, places).await?;
            let hash = TreeHash::of_perfect(&hashes);
            subtrees.push(hash.ok_or_else(|| missing(level))?);
        }
        Ok(fold(&subtrees))
    }

    /// The hashes at places of a level of tiles.
    async fn hashes(&self, level: u32, places: Leaves) -> Result<Vec<TreeHash>, StoreError> {
        let (start, end) = (number(places.start)?, number(places.end)?);
        let rows = match level {
            0 => {
                sqlx::query(
                    "SELECT leaf FROM audit_entry WHERE position >= $1 AND position < $2 ORDER BY position",
                )
                .bind(start)
                .bind(end)
                .fetch_all(self.store.pool())
                .await?
            }
            _ => {
                sqlx::query(
                    "SELECT hash FROM audit_tile WHERE position >= $1 AND position < $2 AND level = $3 \
                     ORDER BY position",
                )
                .bind(start)
                .bind(end)
                .bind(i64::from(level))
                .fetch_all(self.store.pool())
                .await?
            }
        };
        let hash = |row: &AnyRow| TreeHash::from_slice(&row.try_get::<Vec<u8>, _>(0).ok()?);
        let hashes: Option<Vec<TreeHash>> = rows.iter().map(hash).collect();
        let is_all = |hashes: &Vec<TreeHash>| hashes.len() as u64 == places.end - places.start;
        hashes.filter(is_all).ok_or_else(|| missing(level))
    }
}

fn missing(level: u32) -> StoreError {
    StoreError::Stored(format!("hashes of the log, level {level}"))
}

fn numbered(row: &AnyRow) -> Result<Numbered, StoreError> {
    Ok(Numbered {
        index: place(row, "position")?,
        entry: row.try_get("entry")?,
    })
}

fn place(row: &AnyRow, column: &str) -> Result<u64, StoreError> {
    let place: i64 = row.try_get(column)?;
    u64::try_from(place).map_err(|_| StoreError::Stored("a place in the log".to_owned()))
}
