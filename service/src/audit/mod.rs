//! The log of decisions: append-only, committed before what it tells of leaves.
//!
//! It is a Merkle tree of RFC 6962 ([`merkle`]) in the layout of C2SP's tlog-tiles ([`tile`]) with signed checkpoints
//! ([`note`], [`checkpoint`]) that witnesses may cosign. Entries, leaf hashes and the frontier of the tree are rows of the
//! database; an entry is appended within the transaction that does what it tells of. Everything but [`Log`] works on
//! files alone, so that the log is verified without the service ([`source`]).

pub mod checkpoint;
mod end;
mod entry;
mod key_file;
mod log;
pub mod merkle;
pub mod note;
pub mod proof;
mod reading;
mod routes;
pub mod source;
#[cfg(test)]
mod tests;
pub mod tile;
mod witness;

use std::path::{Path, PathBuf};

pub(crate) use end::End;
pub use end::Receipt;
pub use entry::{Decision, Entry, EntryError, PolicyVersion, Subject};
pub use key_file::KeyFileError;
pub use log::Log;
pub use reading::{CosignError, Numbered};
pub(crate) use routes::routes;
pub use witness::{Witness, WitnessError};

use note::NoteError;

use crate::store::StoreError;

/// The tables of the log.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// How the log is set up.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// The file of its private key, made where there is none.
    pub key: PathBuf,
    /// What it is called. Otherwise it is called after the address of the service at the first start.
    pub origin: Option<String>,
    /// The address of the service.
    pub url: Option<String>,
    /// Who may cosign.
    pub witnesses: Vec<Witness>,
}

impl LogSettings {
    /// A log with its key in a folder, and nobody who cosigns.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            key: folder.join("log.key"),
            origin: None,
            url: None,
            witnesses: Vec::new(),
        }
    }

    /// What a new log is called: as the address of its files, or after its key.
    fn name(&self, public_key: &str) -> String {
        let address = self.url.as_deref().and_then(|url| url.split_once("://"));
        match (address, public_key.split('+').nth(1)) {
            (Some((_, place)), _) => format!("{}/log", place.trim_end_matches('/')),
            (None, id) => format!("proofmark/{}", id.unwrap_or("log")),
        }
    }
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no key.
    #[error("{}: {}", .0.display(), .1)]
    KeyFile(PathBuf, #[source] KeyFileError),
    /// The key is none.
    #[error(transparent)]
    Key(#[from] NoteError),
    /// The name cannot be that of a log.
    #[error("a log cannot be called '{0}': a name has no spaces and no plus")]
    Name(String),
    /// The log of the database is signed with another key, or has another name.
    #[error(
        "the log of this database is {stored}, this node has {mine}: all nodes share one key file and one name"
    )]
    OtherKey {
        /// Name and public key in the database.
        stored: String,
        /// Those of this node.
        mine: String,
    },
}
