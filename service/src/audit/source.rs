//! Logs as files: reading, verifying and copying one, with nothing but its public key.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use super::entry::{Entry, EntryError};
use super::merkle::{Frontier, Leaves, TreeHash, concatenated, fold, hashes, inclusion_path};
use super::note::{Cosignature, MAX_NOTE, Note, NoteError, VerifierKey};
use super::proof::Proof;
use super::tile::{self, Content, HEIGHT, MAX_ENTRY, Tile, WIDTH};

/// The name of the file with the newest checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// Largest file of a log, in bytes: a bundle of 256 entries of full length.
pub const MAX_FILE: u64 = WIDTH * (MAX_ENTRY as u64 + 2);

/// Why a log cannot be read, or is not what its checkpoint says.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// A file is not there, or cannot be read.
    #[error("{path}: {problem}")]
    Unreadable {
        /// Its path below the log's prefix.
        path: String,
        /// Why.
        problem: String,
    },
    /// A checkpoint does not hold.
    #[error("{path}: {error}")]
    Checkpoint {
        /// Where it is.
        path: String,
        /// Why.
        error: NoteError,
    },
    /// A bundle has not as many entries as it should, or ends within one.
    #[error("{0}: not the entries that the path promises")]
    Bundle(Tile),
    /// An entry is not written as entries are.
    #[error("entry {index}: {error}")]
    Entry {
        /// Its place.
        index: u64,
        /// Why.
        error: EntryError,
    },
    /// A tile is not what the entries hash to.
    #[error("{0}: not the hashes of the entries")]
    Tile(Tile),
    /// The tree of the entries is another than that of the checkpoint.
    #[error(
        "the {size} entries are not those of the checkpoint: one was changed, or they were reordered"
    )]
    Root {
        /// How many there are.
        size: u64,
    },
    /// The log has fewer entries than it had.
    #[error("the log has {size} entries, it had {earlier} before: the end was cut off")]
    Shorter {
        /// How many there are.
        size: u64,
        /// How many there were.
        earlier: u64,
    },
    /// What the log said earlier is no longer true.
    #[error(
        "the first {earlier} entries are not those of the earlier checkpoint: the log was rewritten"
    )]
    Rewritten {
        /// The size of the earlier checkpoint.
        earlier: u64,
    },
    /// There is no such entry.
    #[error("there is no entry {index}, the log has {size}")]
    NoEntry {
        /// The place.
        index: u64,
        /// The number of entries.
        size: u64,
    },
}

impl LogFault {
    /// Whether the log could not be read, as opposed to being wrong.
    pub fn is_about_reading(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

/// Where the files of a log are.
pub trait Source {
    /// The bytes of a file of at most `limit` bytes, by its path below the log's prefix.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, String>;
}

/// A log in a folder.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Source for Folder {
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, String> {
        let file = fs::File::open(self.0.join(path)).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let read = file.take(limit + 1).read_to_end(&mut bytes);
        match read.map_err(|error| error.to_string())? as u64 > limit {
            true => Err(format!("it is longer than {limit} bytes")),
            false => Ok(bytes),
        }
    }
}

/// The newest checkpoint of a log, and its note.
///
/// # Errors
/// [`LogFault::Unreadable`], [`LogFault::Checkpoint`].
pub fn newest(source: &dyn Source, key: &VerifierKey) -> Result<(Checkpoint, String), LogFault> {
    let bytes = read(source, CHECKPOINT)?;
    let text = String::from_utf8(bytes).map_err(|_| LogFault::Checkpoint {
        path: CHECKPOINT.to_owned(),
        error: NoteError::Malformed("it is no UTF-8"),
    })?;
    Ok((checkpoint(CHECKPOINT, &text, key)?, text))
}

/// A checkpoint that was kept, which is called `path` where it does not hold.
///
/// # Errors
/// [`LogFault::Checkpoint`].
pub fn checkpoint(path: &str, text: &str, key: &VerifierKey) -> Result<Checkpoint, LogFault> {
    let checkpoint = Note::parse(text).and_then(|note| Checkpoint::verified(&note, key));
    checkpoint.map_err(|error| LogFault::Checkpoint {
        path: path.to_owned(),
        error,
    })
}

/// What is asked of a whole log.
pub struct Check<'a> {
    /// The log's key.
    pub key: &'a VerifierKey,
    /// Checkpoints that were kept; the log must be a continuation of each.
    pub earlier: &'a [Checkpoint],
    /// Whose cosignatures are looked at.
    pub witnesses: &'a [VerifierKey],
}

/// A log that is what its checkpoint says.
#[derive(Debug)]
pub struct Verified {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its note.
    pub note: String,
    /// What witnesses said of it.
    pub cosignatures: Vec<Cosignature>,
}

/// Who is told of the files and entries of a log while it is verified.
pub trait Visitor {
    /// A file that holds.
    ///
    /// # Errors
    /// Whatever keeps the visitor from going on.
    fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let _ = (path, bytes);
        Ok(())
    }

    /// An entry. That it belongs there is known at the end only.
    fn entry(&mut self, index: u64, entry: &Entry) {
        let _ = (index, entry);
    }
}

/// Nobody is told.
impl Visitor for () {}

/// Reads every entry and every tile of a log and compares them with each other, the checkpoint, and earlier ones. Memory does not grow
/// with the log.
///
/// # Errors
/// [`LogFault`], the first one.
pub fn verify(
    source: &dyn Source,
    check: &Check<'_>,
    visitor: &mut dyn Visitor,
) -> Result<Verified, LogFault> {
    let (checkpoint, note) = newest(source, check.key)?;
    let cosignatures = Note::parse(&note)
        .and_then(|note| note.cosignatures(check.witnesses))
        .map_err(|error| LogFault::Checkpoint {
            path: CHECKPOINT.to_owned(),
            error,
        })?;
    let size = checkpoint.size;
    if let Some(earlier) = check.earlier.iter().find(|earlier| earlier.size > size) {
        return Err(LogFault::Shorter {
            size,
            earlier: earlier.size,
        });
    }
    let mut walk = Walk {
        source,
        check,
        visitor,
        frontier: Frontier::default(),
        levels: BTreeMap::new(),
    };
    walk.compare_with_earlier()?;
    for bundle in Tile::bundles(size) {
        walk.bundle(bundle)?;
    }
    walk.partial_tiles()?;
    if walk.frontier.root() != checkpoint.root {
        return Err(LogFault::Root { size });
    }
    let walked = walk.visitor.file(CHECKPOINT, note.as_bytes());
    walked.map_err(|error| unwritable(CHECKPOINT, &error))?;
    Ok(Verified {
        checkpoint,
        note,
        cosignatures,
    })
}

struct Walk<'a> {
    source: &'a dyn Source,
    check: &'a Check<'a>,
    visitor: &'a mut dyn Visitor,
    frontier: Frontier,
    /// Hashes that are not in a compared tile yet, by level of tiles.
    levels: BTreeMap<u32, Vec<TreeHash>>,
}

impl Walk<'_> {
    fn bundle(&mut self, bundle: Tile) -> Result<(), LogFault> {
        let path = bundle.to_string();
        let bytes = read(self.source, &path)?;
        let entries = tile::unbundle(&bytes).ok_or(LogFault::Bundle(bundle))?;
        if entries.len() as u64 != bundle.width {
            return Err(LogFault::Bundle(bundle));
        }
        for entry in entries {
            let index = self.frontier.size();
            let parsed = Entry::parse(entry);
            let parsed = parsed.map_err(|error| LogFault::Entry { index, error })?;
            self.visitor.entry(index, &parsed);
            self.leaf(TreeHash::of_leaf(entry))?;
        }
        let told = self.visitor.file(&path, &bytes);
        told.map_err(|error| unwritable(&path, &error))
    }

    fn leaf(&mut self, leaf: TreeHash) -> Result<(), LogFault> {
        for (subtree, hash) in self.frontier.push(leaf) {
            if subtree.level % HEIGHT != 0 {
                continue;
            }
            let level = subtree.level / HEIGHT;
            let waiting = self.levels.entry(level).or_default();
            waiting.push(hash);
            if waiting.len() as u64 == WIDTH {
                let full = std::mem::take(waiting);
                self.tile(level, subtree.position / WIDTH, &full)?;
            }
        }
        self.compare_with_earlier()
    }

    fn partial_tiles(&mut self) -> Result<(), LogFault> {
        let size = self.frontier.size();
        for (level, waiting) in std::mem::take(&mut self.levels) {
            if !waiting.is_empty() {
                let index = (size >> (level * HEIGHT)) / WIDTH;
                self.tile(level, index, &waiting)?;
            }
        }
        Ok(())
    }

    fn tile(&mut self, level: u32, index: u64, expected: &[TreeHash]) -> Result<(), LogFault> {
        let tile = Tile {
            content: Content::Hashes(level),
            index,
            width: expected.len() as u64,
        };
        let path = tile.to_string();
        let bytes = read(self.source, &path)?;
        if bytes != concatenated(expected) {
            return Err(LogFault::Tile(tile));
        }
        let told = self.visitor.file(&path, &bytes);
        told.map_err(|error| unwritable(&path, &error))
    }

    fn compare_with_earlier(&self) -> Result<(), LogFault> {
        let size = self.frontier.size();
        for earlier in self
            .check
            .earlier
            .iter()
            .filter(|earlier| earlier.size == size)
        {
            if earlier.root != self.frontier.root() {
                return Err(LogFault::Rewritten { earlier: size });
            }
        }
        Ok(())
    }
}

/// One entry, and the proof that it is in the log of the newest checkpoint. Only the files that it needs are read.
///
/// # Errors
/// [`LogFault`].
pub fn prove(
    source: &dyn Source,
    key: &VerifierKey,
    index: u64,
) -> Result<(Vec<u8>, Proof), LogFault> {
    let (checkpoint, note) = newest(source, key)?;
    let size = checkpoint.size;
    let parts = inclusion_path(index, size).ok_or(LogFault::NoEntry { index, size })?;
    let bundle = at(Content::Entries, index, size);
    let bytes = read(source, &bundle.to_string())?;
    let entries = tile::unbundle(&bytes).ok_or(LogFault::Bundle(bundle))?;
    let entry = usize::try_from(index % WIDTH)
        .ok()
        .and_then(|at| entries.get(at));
    let entry = entry.ok_or(LogFault::Bundle(bundle))?.to_vec();
    let path = parts.into_iter().map(|part| hash_of(source, part, size));
    let proof = Proof {
        index,
        path: path.collect::<Result<_, _>>()?,
        checkpoint: note,
    };
    match proof.verify(&entry, key) {
        Ok(_) => Ok((entry, proof)),
        Err(_) => Err(LogFault::Root { size }),
    }
}

/// The hash of leaves, from the tiles of a log.
fn hash_of(source: &dyn Source, leaves: Leaves, size: u64) -> Result<TreeHash, LogFault> {
    let subtrees = leaves.subtrees().into_iter().map(|subtree| {
        let (level, places) = tile::hashes_of(subtree);
        let tile = at(
            Content::Hashes(level),
            places.start,
            size >> (level * HEIGHT),
        );
        let bytes = read(source, &tile.to_string())?;
        let all = hashes(&bytes).ok_or(LogFault::Tile(tile))?;
        let start = places.start % WIDTH;
        let range = start..start + (places.end - places.start);
        let part = all.get(range.start as usize..range.end as usize);
        part.and_then(TreeHash::of_perfect)
            .ok_or(LogFault::Tile(tile))
    });
    Ok(fold(&subtrees.collect::<Result<Vec<_>, _>>()?))
}

/// The tile with a place, in a level that has `count` of them.
fn at(content: Content, place: u64, count: u64) -> Tile {
    let index = place / WIDTH;
    Tile {
        content,
        index,
        width: WIDTH.min(count - index * WIDTH),
    }
}

/// Writes a log into a folder while it is verified. A file that is there already must be the same.
pub struct Export<'a> {
    folder: &'a Path,
    /// Files that were written.
    pub written: usize,
}

impl<'a> Export<'a> {
    /// Into this folder.
    pub fn new(folder: &'a Path) -> Self {
        Self { folder, written: 0 }
    }
}

impl Visitor for Export<'_> {
    fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let target = self.folder.join(path);
        match fs::read(&target) {
            Ok(there) if there == bytes => return Ok(()),
            Ok(_) if path != CHECKPOINT => {
                return Err(io::Error::other("the folder has another file of that name"));
            }
            _ => {}
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        // A copy that was cut short must not look like a changed log.
        let parent = target.parent().unwrap_or(self.folder);
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        io::Write::write_all(&mut file, bytes)?;
        file.persist(&target)?;
        self.written += 1;
        Ok(())
    }
}

fn read(source: &dyn Source, path: &str) -> Result<Vec<u8>, LogFault> {
    let limit = match path {
        CHECKPOINT => MAX_NOTE as u64,
        _ => MAX_FILE,
    };
    source
        .read(path, limit)
        .map_err(|problem| LogFault::Unreadable {
            path: path.to_owned(),
            problem,
        })
}

fn unwritable(path: &str, error: &io::Error) -> LogFault {
    LogFault::Unreadable {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}
