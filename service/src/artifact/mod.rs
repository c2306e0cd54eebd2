//! The files of requests: in a folder or in a bucket that all nodes share, kept until the request is decided and some time
//! beyond.

#[cfg(feature = "s3")]
mod bucket;
#[cfg(feature = "s3")]
mod transport;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::clock;
use crate::config::Config;

/// `[service.s3]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct S3Config {
    /// The bucket, which exists.
    pub bucket: String,
    /// What the names of the files begin with, followed by a slash.
    pub prefix: Option<String>,
    /// The region, e.g. `eu-central-1`; otherwise that of the environment.
    pub region: Option<String>,
    /// The address of a service other than Amazon's.
    pub endpoint: Option<String>,
}

/// Why files cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Two places are named.
    #[error("files that wait are either in `artifacts` or in [service.s3]")]
    Two,
    /// The program was built without.
    #[error("S3 is not built in; build with --features s3")]
    NotBuiltIn,
    /// The bucket cannot be reached, or refuses.
    #[error("bucket {0}: {1}")]
    Bucket(String, String),
}

/// Where the files are. Their names are the ids of the requests.
#[derive(Debug)]
pub(crate) enum Artifacts {
    /// A folder.
    Folder(PathBuf),
    /// A bucket.
    #[cfg(feature = "s3")]
    Bucket(bucket::Bucket),
}

impl Artifacts {
    /// The place that a configuration names; a bucket is asked once.
    ///
    /// # Errors
    /// [`ArtifactError`].
    pub(crate) async fn open(config: &Config) -> Result<Self, ArtifactError> {
        match &config.s3 {
            None => Ok(Self::Folder(config.artifacts())),
            Some(_) if config.artifacts.is_some() => Err(ArtifactError::Two),
            #[cfg(feature = "s3")]
            Some(s3) => bucket::Bucket::open(s3).await.map(Self::Bucket),
            #[cfg(not(feature = "s3"))]
            Some(_) => Err(ArtifactError::NotBuiltIn),
        }
    }

    /// Keeps a file: whole, or not at all.
    pub(crate) async fn keep(&self, id: &str, from: &Path) -> io::Result<()> {
        match self {
            Self::Folder(folder) => {
                let (folder, from, to) = (folder.clone(), from.to_owned(), folder.join(id));
                let kept = tokio::task::spawn_blocking(move || {
                    std::fs::create_dir_all(folder)?;
                    signer::output::write_patched(&from, &Default::default(), &to)
                });
                kept.await.map_err(io::Error::other)?
            }
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.keep(id, from).await,
        }
    }

    /// Copies a file to a place where there is none.
    pub(crate) async fn fetch(&self, id: &str, to: &Path) -> io::Result<()> {
        match self {
            Self::Folder(folder) => tokio::fs::copy(folder.join(id), to).await.map(drop),
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.fetch(id, to).await,
        }
    }

    /// Throws a file away, where it is there.
    pub(crate) async fn forget(&self, id: &str) {
        let forgotten = match self {
            Self::Folder(folder) => tokio::fs::remove_file(folder.join(id)).await,
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.forget(id).await,
        };
        if let Err(error) = forgotten
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, request = id, "a file was not thrown away");
        }
    }

    /// The ids of files that were kept more than `age` ago; `now` in milliseconds since 1970.
    pub(crate) async fn older(&self, age: Duration, now: i64) -> io::Result<Vec<String>> {
        match self {
            Self::Folder(folder) => older_in(folder, age, now),
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.older(age, now).await,
        }
    }
}

fn older_in(folder: &Path, age: Duration, now: i64) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let kept = clock::milliseconds(entry.metadata()?.modified()?.into());
        if is_older(kept, age, now)
            && let Ok(name) = entry.file_name().into_string()
        {
            found.push(name);
        }
    }
    Ok(found)
}

/// Whether what was kept at a time, in milliseconds since 1970, is older than `age` by now.
fn is_older(kept: i64, age: Duration, now: i64) -> bool {
    i128::from(now) - i128::from(kept) > i128::try_from(age.as_millis()).unwrap_or(i128::MAX)
}
