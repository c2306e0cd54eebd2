//! The log in the database: appending to it.

use sqlx::Row;

use super::checkpoint::Checkpoint;
use super::end::{End, Receipt};
use super::entry::Entry;
use super::merkle::{Frontier, TreeHash};
use super::note::{NoteKey, VerifierKey, is_name};
use super::proof::Proof;
use super::{LogError, LogSettings, Witness, key_file};
use crate::store::{Store, StoreError, Transaction};

/// The log of decisions.
pub struct Log {
    key: NoteKey,
    pub(super) witnesses: Vec<Witness>,
    pub(super) store: Store,
}

impl Log {
    /// The log of a database. At the first start it gets its name and key, which stay.
    ///
    /// # Errors
    /// [`LogError`]: no key, or the log of the database has another.
    pub async fn open(store: Store, settings: &LogSettings) -> Result<Self, LogError> {
        let file = |error| LogError::KeyFile(settings.key.clone(), error);
        let pkcs8 = key_file::read_or_make(&settings.key).map_err(file)?;
        let key = |name: &str| NoteKey::of_log(name, &pkcs8);
        let stored = stored_key(&store).await?;
        // What the log is called never changes, even where the address of the service does.
        let named = stored.and_then(|stored| VerifierKey::parse(&stored).ok());
        let name = match (&settings.origin, &named) {
            (Some(origin), _) => origin.clone(),
            (None, Some(named)) => named.name().to_owned(),
            (None, None) => settings.name(&key("log")?.public().to_string()),
        };
        if !is_name(&name) {
            return Err(LogError::Name(name));
        }
        let key = key(&name)?;
        let log = Self {
            key,
            witnesses: settings.witnesses.clone(),
            store,
        };
        log.claim().await?;
        Ok(log)
    }

    /// Writes its key down where there is none, and refuses another.
    pub(super) async fn claim(&self) -> Result<(), LogError> {
        let mine = self.key.public().to_string();
        sqlx::query(
            "INSERT INTO audit_head (id, public_key, size, frontier) VALUES (0, $1, 0, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(mine.clone())
        .bind(Frontier::default().to_bytes())
        .execute(self.store.pool())
        .await
        .map_err(StoreError::from)?;
        match stored_key(&self.store).await? {
            Some(stored) if stored == mine => Ok(()),
            stored => Err(LogError::OtherKey {
                stored: stored.unwrap_or_default(),
                mine,
            }),
        }
    }

    /// The public key of the log, by which everything that it says is verified.
    pub fn public_key(&self) -> &VerifierKey {
        self.key.public()
    }

    /// Who may cosign.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Appends an entry within the transaction that does what it tells of. Others that append wait for its end.
    ///
    /// # Errors
    /// Where the database does not take it, or the entry is longer than a log takes.
    pub async fn append(
        &self,
        transaction: &mut Transaction,
        entry: &Entry,
    ) -> Result<Receipt, StoreError> {
        let bytes = entry.bytes()?;
        let mut end = End::lock(transaction).await?;
        let receipt = end.push(entry, bytes)?;
        end.write(transaction).await?;
        Ok(receipt)
    }

    /// The proof that goes with an answer. It holds once the transaction is committed.
    pub fn proof(&self, receipt: &Receipt) -> Proof {
        Proof {
            index: receipt.index,
            path: receipt.path.clone(),
            checkpoint: self.signed(receipt.index + 1, receipt.root),
        }
    }

    /// The checkpoint of a tree, signed. The same tree gives the same bytes.
    pub(super) fn signed(&self, size: u64, root: TreeHash) -> String {
        let checkpoint = Checkpoint {
            origin: self.public_key().name().to_owned(),
            size,
            root,
        };
        let text = checkpoint.to_string();
        format!("{text}\n{}", self.key.sign(&text, 0))
    }
}

/// Name and public key of the log of a database.
async fn stored_key(store: &Store) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("SELECT public_key FROM audit_head WHERE id = 0")
        .fetch_optional(store.pool())
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
