//! A bucket of Amazon S3, or of a service that speaks like it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufReader, BufWriter as FileWriter};

use super::transport::Transport;
use super::{ArtifactError, S3Config, is_older};

/// Bytes of a part of a file, as long as that makes no more than [`MOST_PARTS`]. So many are in memory, a few times.
const PART: u64 = 8 << 20;
/// S3 takes 10,000 parts.
const MOST_PARTS: u64 = 9_000;
/// Parts under way at once.
const AT_ONCE: usize = 2;
/// How often a request is repeated, and for how long, while a client waits.
const RETRIES: usize = 3;
const RETRYING: Duration = Duration::from_secs(20);
/// How long the bucket may say nothing in the middle of a file.
const SILENCE: Duration = Duration::from_secs(30);
/// Bytes that are gathered before they are written.
const WRITE_BUFFER: usize = 256 << 10;

/// A bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: Arc<AmazonS3>,
    prefix: Key,
}

impl Bucket {
    /// The bucket of a configuration. Credentials are those of the environment, as the tools of AWS look for them.
    ///
    /// # Errors
    /// Where it cannot be reached, or refuses.
    pub(super) async fn open(config: &S3Config) -> Result<Self, ArtifactError> {
        let failed = |error: &dyn std::fmt::Display| {
            ArtifactError::Bucket(config.bucket.clone(), error.to_string())
        };
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRYING,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&config.bucket)
            .with_http_connector(Transport::new().map_err(|error| failed(&error))?)
            .with_retry(retry);
        if let Some(region) = &config.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &config.endpoint {
            // Without TLS only where the address says so.
            builder = builder
                .with_endpoint(endpoint)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder.build().map_err(|error| failed(&error))?;
        let bucket = Self {
            store: Arc::new(store),
            prefix: Key::from(config.prefix.as_deref().unwrap_or_default()),
        };
        // Reading the list is what tidying up needs anyway; a wrong name or credential shows here.
        let mut listed = bucket.store.list(Some(&bucket.prefix));
        match listed.next().await {
            Some(Err(error)) => Err(failed(&error)),
            _ => Ok(bucket),
        }
    }

    fn key(&self, id: &str) -> Key {
        self.prefix.clone().join(id)
    }

    /// Sends a file in parts; it is there once the last one is acknowledged.
    pub(super) async fn keep(&self, id: &str, from: &Path) -> io::Result<()> {
        let file = File::open(from).await?;
        let part = PART.max(file.metadata().await?.len() / MOST_PARTS);
        let part = usize::try_from(part).map_err(io::Error::other)?;
        let store: Arc<dyn ObjectStore> = Arc::clone(&self.store) as _;
        let mut object =
            BufWriter::with_capacity(store, self.key(id), part).with_max_concurrency(AT_ONCE);
        let mut input = BufReader::with_capacity(WRITE_BUFFER, file);
        if let Err(error) = tokio::io::copy_buf(&mut input, &mut object).await {
            object.abort().await.ok();
            return Err(error);
        }
        // Where this fails it throws the parts away itself.
        object.shutdown().await
    }

    /// Copies a file to a place where there is none.
    pub(super) async fn fetch(&self, id: &str, to: &Path) -> io::Result<()> {
        let found = self.store.get(&self.key(id)).await?;
        let expected = found.meta.size;
        let file = File::create_new(to).await?;
        let mut file = FileWriter::with_capacity(WRITE_BUFFER, file);
        let mut content = found.into_stream();
        let mut received: u64 = 0;
        while let Some(chunk) = tokio::time::timeout(SILENCE, content.next()).await? {
            let chunk = chunk?;
            received = received.saturating_add(chunk.len() as u64);
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        match received == expected {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Throws a file away.
    pub(super) async fn forget(&self, id: &str) -> io::Result<()> {
        Ok(self.store.delete(&self.key(id)).await?)
    }

    /// The ids of files that were kept more than `age` ago.
    pub(super) async fn older(&self, age: Duration, now: i64) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        let mut listed = self.store.list(Some(&self.prefix));
        while let Some(object) = listed.next().await {
            let object = object.map_err(|error: Error| io::Error::from(error))?;
            let kept = object.last_modified.timestamp_millis();
            if is_older(kept, age, now)
                && let Some(id) = object.location.filename()
            {
                found.push(id.to_owned());
            }
        }
        Ok(found)
    }
}
