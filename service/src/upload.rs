//! What clients send: files are hashed on the way, and streamed to disk unless they are small; all else is short. Both are
//! bounded in time.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, header};
use formats::container::Piece;
use futures_util::StreamExt;
use ring::digest::{Context, SHA256};
use signer::digest::{DigestAlgorithm, hex};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tracing::Instrument;

use crate::artifact::Artifacts;
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::{chance, owner};

/// How long a client may take for [`STRIDE`], and for a body that is no file.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that have to come in that time, unless the file ends.
const STRIDE: usize = 4 << 10;
/// Longest file that stays in memory, in bytes: as many as there may be connections are less than a gigabyte.
const SMALL: usize = 64 << 10;
/// Bytes that are gathered before they are written, or read at once.
const BUFFER: usize = 256 << 10;
/// What browsers and `curl --form` wrap files in.
const FORM: &str = "multipart/form-data";
/// Longest name that is kept, in bytes.
const LONGEST_NAME: usize = 128;

/// The folder of the file itself.
const OWN: &str = "file";
/// How the file ends that says whether a node's folder is in use.
const LOCK: &str = "lock";
/// How often a lock that another node took for left over is made anew.
const ATTEMPTS: usize = 16;

/// A file that was sent. It is gone when this is dropped.
pub(crate) struct Upload {
    /// All of it, where it is small.
    small: Option<Bytes>,
    /// Where it is on the disk; a small one only if somebody needs it there.
    folder: OnceLock<TempDir>,
    /// Where that folder is made.
    uploads: PathBuf,
    /// Its name, without anything that leads elsewhere.
    pub(crate) name: String,
    /// Length in bytes.
    pub(crate) size: u64,
    /// SHA-256, hexadecimal.
    pub(crate) sha256: String,
}

/// A file that was sent, as it is read.
pub(crate) enum Opened {
    Small(Cursor<Bytes>),
    Large(BufReader<File>),
}

impl Read for Opened {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Small(input) => input.read(bytes),
            Self::Large(input) => input.read(bytes),
        }
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Small(input) => input.seek(to),
            Self::Large(input) => input.seek(to),
        }
    }
}

impl Upload {
    /// All of it, where it is small.
    pub(crate) fn small(&self) -> Option<&Bytes> {
        self.small.as_ref()
    }

    /// Opens it, wherever it is.
    pub(crate) fn open(&self) -> io::Result<Opened> {
        Ok(match &self.small {
            Some(bytes) => Opened::Small(Cursor::new(bytes.clone())),
            None => Opened::Large(BufReader::with_capacity(BUFFER, File::open(self.path()?)?)),
        })
    }

    /// Where the file is on the disk.
    pub(crate) fn path(&self) -> io::Result<PathBuf> {
        Ok(self.own_folder()?.join(&self.name))
    }

    /// The folder of this file alone.
    pub(crate) fn own_folder(&self) -> io::Result<PathBuf> {
        Ok(self.work_folder()?.join(OWN))
    }

    /// The folder around that one, for what is made of the file.
    pub(crate) fn work_folder(&self) -> io::Result<&Path> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder.path());
        }
        let folder = new_folder(&self.uploads)?;
        let bytes = self.small.as_deref().unwrap_or_default();
        std::fs::write(folder.path().join(OWN).join(&self.name), bytes)?;
        Ok(self.folder.get_or_init(|| folder).path())
    }
}

/// Bytes that came, and the file that they go to once they are many.
struct Sink {
    uploads: PathBuf,
    name: String,
    bytes: Vec<u8>,
    large: Option<(TempDir, tokio::fs::File)>,
}

impl Sink {
    async fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(chunk);
        let most = if self.large.is_some() { BUFFER } else { SMALL };
        if self.bytes.len() > most {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.large.is_none() {
            let folder = new_folder(&self.uploads)?;
            let path = folder.path().join(OWN).join(&self.name);
            self.large = Some((folder, tokio::fs::File::create_new(path).await?));
        }
        if let Some((_, file)) = &mut self.large {
            file.write_all(&self.bytes).await?;
            self.bytes.clear();
        }
        Ok(())
    }

    async fn end(mut self, size: u64, sha256: String) -> io::Result<Upload> {
        let folder = OnceLock::new();
        let small = match self.large.is_some() {
            false => Some(Bytes::from(std::mem::take(&mut self.bytes))),
            true => {
                self.flush().await?;
                None
            }
        };
        if let Some((kept, mut file)) = self.large {
            file.flush().await?;
            folder.set(kept).ok();
        }
        Ok(Upload {
            small,
            folder,
            uploads: self.uploads,
            name: self.name,
            size,
            sha256,
        })
    }
}

/// A body as it comes.
struct Arriving {
    stream: BodyDataStream,
    /// When the next [`STRIDE`] has to be there.
    until: Instant,
    /// How much of it is.
    came: usize,
}

impl Arriving {
    fn new(body: Body) -> Self {
        Self {
            stream: body.into_data_stream(),
            until: Instant::now() + PATIENCE,
            came: 0,
        }
    }

    /// The next part; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let next = tokio::time::timeout_at(self.until, self.stream.next()).await;
        let next = next.map_err(|_| {
            let seconds = PATIENCE.as_secs();
            let problem = format_args!("less than {STRIDE} bytes came in {seconds} seconds");
            Problem::because(Slug::TooSlow, problem)
        })?;
        let Some(chunk) = next else { return Ok(None) };
        let chunk =
            chunk.map_err(|_| Problem::because(Slug::BadRequest, "the body ended early"))?;
        self.came = self.came.saturating_add(chunk.len());
        if self.came >= STRIDE {
            self.came = 0;
            self.until = Instant::now() + PATIENCE;
        }
        Ok(Some(chunk))
    }
}

/// Receives what is no file: at most `most` bytes.
///
/// # Errors
/// [`Slug::TooLarge`], [`Slug::BadRequest`] where it ends early, [`Slug::TooSlow`].
pub(crate) async fn small(body: Body, most: usize) -> Result<Bytes, Problem> {
    let mut body = Arriving::new(body);
    let until = body.until;
    let mut whole = Vec::new();
    while let Some(chunk) = body.next().await? {
        if whole.len().saturating_add(chunk.len()) > most {
            let problem = format_args!("at most {most} bytes are accepted here");
            return Err(Problem::because(Slug::TooLarge, problem));
        }
        whole.extend_from_slice(&chunk);
        // However it comes, it comes in that time.
        body.until = until;
    }
    Ok(whole.into())
}

/// Receives a file.
///
/// # Errors
/// [`Slug::TooLarge`] as soon as it is, [`Slug::BadRequest`] where it ends early or is a form, [`Slug::TooSlow`].
pub(crate) async fn receive(
    state: &Inner,
    headers: &HeaderMap,
    body: Body,
    name: Option<&str>,
) -> Result<Upload, Problem> {
    let receiving = write_down(state, headers, body, name);
    receiving.instrument(tracing::info_span!("receive")).await
}

async fn write_down(
    state: &Inner,
    headers: &HeaderMap,
    body: Body,
    name: Option<&str>,
) -> Result<Upload, Problem> {
    let most = state.setup.config.max_upload;
    let too_large = || {
        Problem::because(
            Slug::TooLarge,
            format_args!("at most {most} bytes are accepted"),
        )
    };
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(FORM)) {
        let problem = "the body is the file itself and no form: curl --data-binary @FILE";
        return Err(Problem::because(Slug::BadRequest, problem));
    }
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let failed = |error: io::Error| Problem::storage(&error);
    let mut sink = Sink {
        uploads: state.uploads.folder.clone(),
        name: safe_name(name.unwrap_or("upload"))?,
        bytes: Vec::new(),
        large: None,
    };
    let mut body = Arriving::new(body);
    let mut hash = Context::new(&SHA256);
    let mut size: u64 = 0;
    while let Some(chunk) = body.next().await? {
        size = size.saturating_add(chunk.len() as u64);
        if size > most {
            return Err(too_large());
        }
        hash.update(&chunk);
        sink.write(&chunk).await.map_err(failed)?;
    }
    if size == 0 {
        return Err(Problem::because(
            Slug::BadRequest,
            "the request has no file",
        ));
    }
    let sha256 = hex(hash.finish().as_ref());
    sink.end(size, sha256).await.map_err(failed)
}

/// A name without folders, and without characters that mean something to a file system.
fn safe_name(name: &str) -> Result<String, Problem> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_odd = |c: char| c.is_control() || matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let dots = base.chars().all(|c| c == '.');
    if dots || base.len() > LONGEST_NAME || base.contains(is_odd) {
        return Err(Problem::because(
            Slug::BadRequest,
            format_args!("'name' is no file name of at most {LONGEST_NAME} bytes"),
        ));
    }
    Ok(base.to_owned())
}

/// The folder in which uploads live while they are looked at. Nodes that share a data folder have one each, beside a file
/// that its node holds by a lock: the folder of a node that holds it no more is left over.
pub(crate) struct Uploads {
    folder: PathBuf,
    lock: PathBuf,
    /// Held as long as this is open.
    _held: File,
}

impl Uploads {
    /// Makes a folder of its own, and removes those of nodes that have ended.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let all = data.join("uploads");
        std::fs::create_dir_all(&all)?;
        owner::give_to_owner_of(data, &all)?;
        sweep(&all)?;
        for _ in 0..ATTEMPTS {
            let name = chance::bytes::<8>().map_err(io::Error::other)?;
            let folder = all.join(hex(&name));
            let lock = folder.with_extension(LOCK);
            let held = File::create_new(&lock)?;
            // Where a file system has no locks, nothing is ever removed there.
            held.lock().ok();
            // Another node may have looked at it before it was held.
            if lock.exists() {
                std::fs::create_dir(&folder)?;
                return Ok(Self {
                    folder,
                    lock,
                    _held: held,
                });
            }
        }
        Err(io::Error::other("files vanish from the folder of uploads"))
    }

    /// The file of a request, as if it had just been sent.
    pub(crate) async fn of_request(
        &self,
        artifacts: &Artifacts,
        id: &str,
        name: &str,
    ) -> io::Result<Upload> {
        let folder = new_folder(&self.folder)?;
        let file = folder.path().join(OWN).join(name);
        artifacts.fetch(id, &file).await?;
        let hashed = tokio::task::spawn_blocking(move || -> io::Result<_> {
            let file = File::open(file)?;
            let size = file.metadata()?.len();
            let mut input = BufReader::with_capacity(BUFFER, file);
            let whole = [Piece::Range(0..size)];
            Ok((size, DigestAlgorithm::Sha256.of_pieces(&mut input, &whole)?))
        });
        let (size, sha256) = hashed.await.map_err(io::Error::other)??;
        Ok(Upload {
            small: None,
            folder: OnceLock::from(folder),
            uploads: self.folder.clone(),
            name: name.to_owned(),
            size,
            sha256: hex(&sha256),
        })
    }

    /// Whether files can be written.
    pub(crate) fn probe(&self) -> io::Result<()> {
        io::Write::write_all(&mut tempfile::tempfile_in(&self.folder)?, b"probe")
    }
}

fn new_folder(uploads: &Path) -> io::Result<TempDir> {
    let folder = tempfile::tempdir_in(uploads)?;
    std::fs::create_dir(folder.path().join(OWN))?;
    Ok(folder)
}

impl Drop for Uploads {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
        std::fs::remove_file(&self.lock).ok();
    }
}

/// Removes what belongs to no node that runs. A folder is made after its lock, and goes before it.
fn sweep(all: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(all)? {
        let path = entry?.path();
        let is_lock = path.extension().is_some_and(|extension| extension == LOCK);
        let folder = path.with_extension("");
        if !is_lock {
            if !path.with_extension(LOCK).exists() {
                remove_folder(&path)?;
            }
            continue;
        }
        // Gone by now: another node tidies up as well.
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if file.try_lock().is_ok() {
            remove_folder(&folder)?;
            std::fs::remove_file(&path).ok();
        }
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere() {
        assert_eq!(safe_name("a.cab").unwrap(), "a.cab");
        assert_eq!(safe_name("../../etc/a.cab").unwrap(), "a.cab");
        assert_eq!(safe_name(r"C:\x\b.sys").unwrap(), "b.sys");
        for wrong in ["", "..", "a/", "a/..", "a:b", "x\0", &"n".repeat(129)] {
            assert!(safe_name(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn nodes_of_one_folder_leave_each_other_alone_and_tidy_up_after_the_dead() {
        let data = tempfile::tempdir().unwrap();
        let all = data.path().join("uploads");
        let one = Uploads::open(data.path()).unwrap();
        let two = Uploads::open(data.path()).unwrap();
        let upload = new_folder(&one.folder).unwrap();
        two.probe().unwrap();
        // As kills leave them: with a lock that nobody holds, and between the two steps of the end.
        for left in ["dead", "half"] {
            std::fs::create_dir(all.join(left)).unwrap();
            std::fs::write(all.join(left).join("file"), "x").unwrap();
        }
        std::fs::write(all.join("dead.lock"), "").unwrap();
        let three = Uploads::open(data.path()).unwrap();
        assert!(upload.path().is_dir());
        for node in [&one, &two, &three] {
            node.probe().unwrap();
        }
        assert_eq!(std::fs::read_dir(&all).unwrap().count(), 6);
        drop((upload, one, two, three));
        assert_eq!(std::fs::read_dir(&all).unwrap().count(), 0);
    }
}
