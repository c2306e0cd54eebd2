//! A copy of everything that a service with SQLite keeps, made while it runs: what the database held at one moment, the
//! files of its requests, the key of its log, and the checkpoint of the log at that moment.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::Row;

use crate::audit::{Log, LogError, LogSettings};
use crate::config::Config;
use crate::store::{FILE, Store, StoreError};

/// The key of the log in a copy.
const KEY: &str = "log.key";
/// The folder of the files of requests in a copy, as in a data folder.
const ARTIFACTS: &str = "artifacts";
/// The checkpoint of the log in a copy.
const CHECKPOINT: &str = "checkpoint";

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is a server, which has tools of its own.
    #[error("the database is PostgreSQL, which pg_dump copies")]
    Postgres,
    /// There is nothing to copy.
    #[error("{}: there is no service's data", .0.display())]
    NoData(PathBuf),
    /// Nothing is written over.
    #[error("{}: exists already", .0.display())]
    Exists(PathBuf),
    /// The copy of the database is not whole.
    #[error("the copy of the database is not whole: {0}")]
    NotWhole(String),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key is not that of the log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file cannot be read or written.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, #[source] io::Error),
}

/// What was copied.
#[derive(Debug)]
pub struct Backup {
    /// Entries of the log.
    pub entries: u64,
    /// Files of requests.
    pub files: usize,
    /// The log's name and public key.
    pub log: String,
}

/// Copies what a service keeps into a new folder, which appears whole or not at all. It is a data folder: a service starts
/// in it.
///
/// # Errors
/// [`BackupError`].
pub async fn backup(config: &Config, to: &Path) -> Result<Backup, BackupError> {
    if config.database.is_some() {
        return Err(BackupError::Postgres);
    }
    let live = config.data.join(FILE);
    if !live.is_file() {
        return Err(BackupError::NoData(config.data.clone()));
    }
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let parent = match to.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let failed = |error| BackupError::File(to.to_owned(), error);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".proofmark-backup-");
    // For its owner alone, as it holds a private key.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let copy = builder.tempdir_in(parent).map_err(failed)?;
    // Files of requests that end meanwhile are there from before, those of new ones from after.
    let from = config.artifacts();
    let into = copy.path().join(ARTIFACTS);
    copy_new(&from, &into)?;
    copy_database(&live, &copy.path().join(FILE)).await?;
    let files = copy_new(&from, &into)?;
    let key = config.log_key();
    copy_file(&key, &copy.path().join(KEY))?;
    let (entries, log) = look_at(config, copy.path()).await?;
    sync(copy.path()).map_err(failed)?;
    fs::rename(copy.keep(), to).map_err(failed)?;
    sync_folder(parent).map_err(failed)?;
    Ok(Backup {
        entries,
        files,
        log,
    })
}

async fn copy_database(live: &Path, to: &Path) -> Result<(), BackupError> {
    // A later program leaves the tables of the one that runs as they are.
    let store = Store::open_file_as_it_is(live).await?;
    let path = to.to_str().ok_or(StoreError::Path)?.to_owned();
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(path)
        .execute(store.pool())
        .await;
    store.pool().close().await;
    copied.map_err(StoreError::from)?;
    restrict(to).map_err(|error| BackupError::File(to.to_owned(), error))
}

/// Checks the copy of the database, and writes the checkpoint of its log down: how many entries there are, and whose log
/// it is.
async fn look_at(config: &Config, folder: &Path) -> Result<(u64, String), BackupError> {
    let store = Store::open_file_as_it_is(&folder.join(FILE)).await?;
    let checked = sqlx::query("PRAGMA quick_check(1)")
        .fetch_one(store.pool())
        .await
        .map_err(StoreError::from)?;
    let checked: String = checked.try_get(0).map_err(StoreError::from)?;
    if checked != "ok" {
        return Err(BackupError::NotWhole(checked));
    }
    let settings = LogSettings {
        key: folder.join(KEY),
        origin: config.log.origin.clone(),
        url: config.url.clone(),
        witnesses: Vec::new(),
    };
    let log = Log::open(store.clone(), &settings).await?;
    let path = folder.join(CHECKPOINT);
    let checkpoint = log.checkpoint().await?;
    fs::write(&path, checkpoint).map_err(|error| BackupError::File(path, error))?;
    let entries = log.head().await?.size();
    store.pool().close().await;
    Ok((entries, log.public_key().to_string()))
}

/// Copies the files of a folder that are not there yet; answers with how many are there then. They never change.
fn copy_new(from: &Path, to: &Path) -> Result<usize, BackupError> {
    let failed = |path: &Path, error| BackupError::File(path.to_owned(), error);
    fs::create_dir_all(to).map_err(|error| failed(to, error))?;
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(|error| failed(from, error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| failed(from, error))?;
        let name = entry.file_name();
        let target = to.join(&name);
        // Files that are being written have names that begin with a dot.
        let is_request = !name.as_encoded_bytes().starts_with(b".");
        if !is_request || target.exists() {
            continue;
        }
        match copy_file(&entry.path(), &target) {
            // Thrown away since it was listed.
            Err(BackupError::File(_, error)) if error.kind() == io::ErrorKind::NotFound => {}
            copied => copied?,
        }
    }
    let copied = fs::read_dir(to).map_err(|error| failed(to, error))?;
    Ok(copied.count())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::copy(from, to).map_err(|error| BackupError::File(from.to_owned(), error))?;
    restrict(to).map_err(|error| BackupError::File(to.to_owned(), error))
}

/// Lets nobody but its owner read a file.
fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Puts a folder and what is below it onto the disk.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => sync(&path)?,
            false => File::open(&path)?.sync_all()?,
        }
    }
    sync_folder(folder)
}

/// Puts the names in a folder onto the disk; only on Unix can that be asked for.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}
