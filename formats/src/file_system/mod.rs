//! File systems: FAT and NTFS, for reading.
//!
//! Offsets in errors count from the first byte of the volume. What cannot be decoded (LZNT1, EFS, unknown reparse points) is an error that names it; nothing reads as zeros that is none.

mod fat;
mod lzx;
mod ntfs;
mod prefix_code;
mod runs;
mod wof;
mod xpress;

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use crate::cursor::read_at;
use crate::error::ParseError;
use crate::windows_name::{best, utf16};

use runs::{Run, Runs};
use wof::Compressed;
pub use wof::Compression;

/// Most entries of a directory that are read.
const MAX_ENTRIES: usize = 1 << 17;
/// Most runs of one file that are read.
const MAX_RUNS: usize = 1 << 18;
/// Deepest path that is looked up.
const MAX_DEPTH: usize = 128;

/// What the first sector of a volume says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeKind {
    /// FAT12, FAT16 or FAT32.
    Fat,
    /// NTFS.
    Ntfs,
    /// Encrypted by BitLocker.
    BitLocker,
    /// exFAT.
    ExFat,
    /// ReFS.
    Refs,
    /// Nothing that is known here.
    Unknown,
}

impl VolumeKind {
    /// What the volume's first sector says.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let sector = read_at(input, "boot sector", "sector", 0, 512)?;
        Ok(match sector.get(3..11) {
            Some(b"-FVE-FS-") => Self::BitLocker,
            Some(b"NTFS    ") => Self::Ntfs,
            Some(b"EXFAT   ") => Self::ExFat,
            Some(b"ReFS\0\0\0\0") => Self::Refs,
            _ if fat::is_boot_sector(&sector) => Self::Fat,
            _ => Self::Unknown,
        })
    }
}

impl fmt::Display for VolumeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fat => "FAT",
            Self::Ntfs => "NTFS",
            Self::BitLocker => "BitLocker",
            Self::ExFat => "exFAT",
            Self::Refs => "ReFS",
            Self::Unknown => "no known file system",
        })
    }
}

/// Something of a file system that a directory entry leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node(Place);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Fat(fat::Place),
    Ntfs(ntfs::Reference),
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The long name.
    pub name: String,
    /// What it leads to.
    pub node: Node,
    /// Whether that is a directory.
    pub directory: bool,
    /// Bytes of the file's content; 0 for a directory.
    pub length: u64,
    /// Why the content cannot be read, where it cannot.
    pub unreadable: Option<ParseError>,
    /// Whether it has no content of its own but leads elsewhere: a mount point or a symbolic link.
    pub link: bool,
}

/// A volume.
#[derive(Debug)]
pub struct FileSystem<R> {
    input: R,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Fat(fat::Fat),
    Ntfs(ntfs::Ntfs),
}

impl<R: Read + Seek> FileSystem<R> {
    /// Opens a volume.
    ///
    /// # Errors
    /// Where it is none that can be read (the message says what it is), or what describes it is damaged.
    pub fn open(mut input: R) -> Result<Self, ParseError> {
        let kind = match VolumeKind::of(&mut input)? {
            VolumeKind::Fat => Kind::Fat(fat::Fat::open(&mut input)?),
            VolumeKind::Ntfs => Kind::Ntfs(ntfs::Ntfs::open(&mut input)?),
            other => {
                let what = format_args!("a volume with {other}").to_string();
                return Err(ParseError::unsupported("boot sector", "OEM name", 3, what));
            }
        };
        Ok(Self { input, kind })
    }

    /// Which file system it is.
    pub fn kind(&self) -> VolumeKind {
        match self.kind {
            Kind::Fat(_) => VolumeKind::Fat,
            Kind::Ntfs(_) => VolumeKind::Ntfs,
        }
    }

    /// The root directory.
    pub fn root(&self) -> Node {
        Node(match &self.kind {
            Kind::Fat(_) => Place::Fat(fat::Place::ROOT),
            Kind::Ntfs(_) => Place::Ntfs(ntfs::Reference::ROOT),
        })
    }

    /// The entries of a directory in the order of the volume, without `.` and `..` and the volume's own records.
    ///
    /// # Errors
    /// Where it is no directory, is damaged, or is a reparse point.
    pub fn list(&mut self, directory: Node) -> Result<Vec<Entry>, ParseError> {
        match (&self.kind, directory.0) {
            (Kind::Fat(fat), Place::Fat(place)) => fat.list(&mut self.input, place),
            (Kind::Ntfs(ntfs), Place::Ntfs(place)) => {
                let names = ntfs.names(&mut self.input, place)?;
                let entries = names.into_iter();
                Ok(entries
                    .map(|(name, place)| ntfs.describe(&mut self.input, name, place))
                    .collect())
            }
            _ => Err(foreign()),
        }
    }

    /// The entry of a path below the root, whose parts are separated by `\` or `/`. Case does not matter, but an equal
    /// name is preferred. `None` where there is none, or the path is that of the root.
    ///
    /// # Errors
    /// As [`FileSystem::list`], where a part on the way is a file too.
    pub fn find(&mut self, path: &str) -> Result<Option<Entry>, ParseError> {
        let mut at = self.root();
        let mut found: Option<Entry> = None;
        for (depth, part) in path
            .split(['\\', '/'])
            .filter(|p| !p.is_empty())
            .enumerate()
        {
            if depth >= MAX_DEPTH {
                return Err(ParseError::limit(
                    "path",
                    "parts",
                    0,
                    depth as u64,
                    MAX_DEPTH as u64,
                ));
            }
            found = self.child(at, part)?;
            match &found {
                Some(entry) => at = entry.node,
                None => return Ok(None),
            }
        }
        Ok(found)
    }

    fn child(&mut self, directory: Node, name: &str) -> Result<Option<Entry>, ParseError> {
        match (&self.kind, directory.0) {
            (Kind::Fat(fat), Place::Fat(place)) => {
                let mut entries = fat.list(&mut self.input, place)?;
                let index = best(entries.iter().map(|e| e.name.as_str()), name);
                Ok(index.map(|index| entries.swap_remove(index)))
            }
            (Kind::Ntfs(ntfs), Place::Ntfs(place)) => {
                let mut names = ntfs.names(&mut self.input, place)?;
                let Some(index) = best(names.iter().map(|(name, _)| name.as_str()), name) else {
                    return Ok(None);
                };
                let (name, place) = names.swap_remove(index);
                Ok(Some(ntfs.describe(&mut self.input, name, place)))
            }
            _ => Err(foreign()),
        }
    }

    /// The content of a file as a stream, which takes memory for its runs and one chunk.
    ///
    /// # Errors
    /// Where it is a directory, damaged, or stored in a way that cannot be decoded.
    pub fn open_file(&mut self, file: Node) -> Result<File<'_, R>, ParseError> {
        let content = match (&self.kind, file.0) {
            (Kind::Fat(fat), Place::Fat(place)) => {
                Content::Plain(fat.content(&mut self.input, place)?)
            }
            (Kind::Ntfs(ntfs), Place::Ntfs(place)) => ntfs.content(&mut self.input, place)?,
            _ => return Err(foreign()),
        };
        Ok(File {
            input: &mut self.input,
            content,
            position: 0,
        })
    }
}

/// How a file's bytes are found.
#[derive(Debug)]
enum Content {
    Resident(Vec<u8>),
    Plain(Runs),
    Compressed(Compressed),
}

/// The content of a file.
#[derive(Debug)]
pub struct File<'a, R> {
    input: &'a mut R,
    content: Content,
    position: u64,
}

impl<R> File<'_, R> {
    /// Length in bytes.
    pub fn length(&self) -> u64 {
        match &self.content {
            Content::Resident(bytes) => bytes.len() as u64,
            Content::Plain(runs) => runs.length(),
            Content::Compressed(compressed) => compressed.length(),
        }
    }
}

impl<R: Read + Seek> Read for File<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read =
            match &mut self.content {
                Content::Resident(bytes) => {
                    let position = usize::try_from(self.position).unwrap_or(usize::MAX);
                    bytes.get(position..).unwrap_or_default().read(buffer)?
                }
                Content::Plain(runs) => runs.read(self.input, self.position, buffer)?,
                Content::Compressed(compressed) => compressed
                    .read(self.input, self.position, buffer)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
            };
        self.position = self.position.saturating_add(read as u64);
        Ok(read)
    }
}

impl<R> Seek for File<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Why a node of one volume does not lead anywhere in another.
fn foreign() -> ParseError {
    ParseError::invalid("path", "node", 0, "one of another volume", "one of this")
}
