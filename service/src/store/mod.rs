//! The database: SQLite in a file, or PostgreSQL. The same queries run on both.
//!
//! They get by with text, 64-bit integers and bytes, the types that both have. Times are milliseconds since 1970.

mod migrations;

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::config::Config;
use crate::owner;

/// What SQLite's file is called in the data folder.
pub(crate) const FILE: &str = "proofmark.db";
/// How long a request waits for a connection, or for its turn to write.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections of a node; SQLite has one writer at a time anyway.
const CONNECTIONS: u32 = 8;

/// Why the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder cannot be made.
    #[error("the data folder cannot be made: {0}")]
    Folder(#[source] std::io::Error),
    /// The file of the database cannot be made.
    #[error("the database cannot be made: {0}")]
    File(#[source] std::io::Error),
    /// The path of the database file cannot be written as an address.
    #[error("the path of the database is not Unicode")]
    Path,
    /// The address names a database that is not built in.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The database reports an error.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tables cannot be brought up to date.
    #[error("the tables cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// What is stored cannot be read.
    #[error("what is stored cannot be read: {0}")]
    Stored(String),
    /// What is to be logged cannot be.
    #[error("a decision cannot be logged: {0}")]
    Entry(#[from] crate::audit::EntryError),
}

impl StoreError {
    /// Whether there is no room left on the database's disk.
    pub(crate) fn is_full(&self) -> bool {
        // SQLITE_FULL; disk_full.
        let is_full = |code: &str| matches!(code, "13" | "53100");
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| is_full(&code))
            }
            _ => false,
        }
    }

    /// What is stored cannot be read, or what is to be stored cannot be written.
    pub(crate) fn stored(error: impl std::fmt::Display) -> Self {
        Self::Stored(error.to_string())
    }
}

/// A transaction that may write. Without [`Transaction::commit`] nothing of it was.
pub struct Transaction {
    inner: sqlx::Transaction<'static, Any>,
    /// Given on when the transaction ends.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Transaction {
    /// Ends it; what it did stays.
    ///
    /// # Errors
    /// Where the database does not answer: whether anything stays is not known then.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }
}

impl Deref for Transaction {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    engine: Engine,
    /// Whose turn it is to write. SQLite has one writer at a time, and lets those that wait for its lock try again after a
    /// while: whoever comes later may be first. Here they go in the order in which they came.
    turn: Option<Arc<Mutex<()>>>,
}

impl Store {
    /// The database of a configuration; its folder is made where there is none.
    ///
    /// # Errors
    /// Where the folder or the database cannot be opened.
    pub async fn of(config: &Config) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&config.data).map_err(StoreError::Folder)?;
        match &config.database {
            Some(url) => Self::open(url).await,
            None => Self::open_file(&config.data.join(FILE)).await,
        }
    }

    /// Opens an SQLite file, which is made where there is none.
    ///
    /// # Errors
    /// Where it cannot be opened, or its tables cannot be brought up to date.
    pub async fn open_file(path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(StoreError::Folder)?;
        make(&path).map_err(StoreError::File)?;
        Self::open(&address(&path)?).await
    }

    /// Opens an SQLite file that is there, and leaves its tables as they are.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(crate) async fn open_file_as_it_is(path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(StoreError::Folder)?;
        Self::connect(&address(&path)?).await
    }

    /// Opens the database of an address, `sqlite://` or `postgres://`.
    ///
    /// # Errors
    /// As [`Store::open_file`], and [`StoreError::Unsupported`] for other databases.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        migrations::migrator(store.engine).run(&store.pool).await?;
        Ok(store)
    }

    async fn connect(url: &str) -> Result<Self, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let engine = match url.split_once(':') {
            Some(("sqlite", _)) => Engine::Sqlite,
            Some(("postgres" | "postgresql", _)) if cfg!(feature = "postgres") => Engine::Postgres,
            Some(("postgres" | "postgresql", _)) => {
                return Err(StoreError::Unsupported(
                    "PostgreSQL is not built in; build with --features postgres",
                ));
            }
            _ => {
                return Err(StoreError::Unsupported(
                    "a database address begins with sqlite: or postgres:",
                ));
            }
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            // A file does not go away as a server does.
            .test_before_acquire(engine == Engine::Postgres)
            .after_release(|connection, _| {
                Box::pin(async move {
                    // A transaction that was dropped is rolled back first. Where that fails, as on a full disk, the
                    // connection would refuse to begin another one for ever.
                    if connection.is_in_transaction() {
                        connection.ping().await?;
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if engine == Engine::Sqlite {
                        // What is committed survives a power cut, and readers do not wait for the writer.
                        connection
                            .execute(
                                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                                 PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
                            )
                            .await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        let turn = (engine == Engine::Sqlite).then(Arc::default);
        Ok(Self { pool, engine, turn })
    }

    /// For queries that need no transaction.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction that may write. SQLite is locked at once: a lock that is asked for later may be refused.
    ///
    /// # Errors
    /// Where there is no connection in time, or others write for too long.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let turn = match &self.turn {
            None => None,
            Some(turn) => {
                let turn = tokio::time::timeout(PATIENCE, Arc::clone(turn).lock_owned()).await;
                Some(turn.map_err(|_| sqlx::Error::PoolTimedOut)?)
            }
        };
        let inner = match self.engine {
            Engine::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Engine::Postgres => self.pool.begin().await?,
        };
        Ok(Transaction { inner, _turn: turn })
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.pool.execute("SELECT 1").await?;
        Ok(())
    }
}

/// Makes the file for its owner alone where there is none; SQLite gives what it puts beside it the same owner.
fn make(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => owner::give_to_owner_of(folder, path).inspect_err(|_| {
            std::fs::remove_file(path).ok();
        }),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// The places of the values of so many rows: `($1, $2), ($3, $4)`.
pub(crate) fn places(rows: usize, columns: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            let comma = if column == 1 { "$" } else { ", $" };
            text.push_str(comma);
            text.push_str(&(row * columns + column).to_string());
        }
        text.push(')');
    }
    text
}

/// The address of a file.
fn address(path: &Path) -> Result<String, StoreError> {
    let path = path.to_str().ok_or(StoreError::Path)?;
    Ok(format!("sqlite://{}?mode=rw", encoded(path)))
}

/// A path as part of an address.
fn encoded(path: &str) -> String {
    let mut url = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                url.push(byte.into());
            }
            b'\\' => url.push('/'),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_made_with_its_tables_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a name, with 100%.db");
        for _ in 0..2 {
            let store = Store::open_file(&path).await.unwrap();
            assert_eq!(store.engine(), Engine::Sqlite);
            store.ping().await.unwrap();
        }
        assert!(path.is_file());
    }

    #[test]
    fn places_are_numbered_through_all_rows() {
        assert_eq!(places(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }

    #[tokio::test]
    async fn who_writes_goes_first_come_first_served_and_a_transaction_without_commit_left_nothing()
    {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_file(&folder.path().join("db")).await.unwrap();
        let insert = "INSERT INTO report (sha256, content, created) VALUES ($1, $1, 0)";
        let mut first = store.begin().await.unwrap();
        sqlx::query(insert)
            .bind("undone")
            .execute(&mut *first)
            .await
            .unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..20 {
            let (store, order) = (store.clone(), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let transaction = store.begin().await.unwrap();
                order.lock().await.push(number);
                transaction.commit().await.unwrap();
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(*order.lock().await, (0..20).collect::<Vec<_>>());
        let row = sqlx::query("SELECT sha256 FROM report").fetch_optional(store.pool());
        assert!(row.await.unwrap().is_none());
    }

    #[tokio::test]
    async fn other_databases_are_refused() {
        for url in ["mysql://localhost/x", "nonsense"] {
            let error = Store::open(url).await.unwrap_err();
            assert!(matches!(error, StoreError::Unsupported(_)), "{error}");
        }
    }
}
