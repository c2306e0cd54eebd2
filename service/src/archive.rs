//! Workspaces as archives: unpacked into a folder of their own, or refused as a whole.
//!
//! Nothing is left out or renamed silently: an archive with one name that leads elsewhere is refused.

mod bounded;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use crate::upload::Upload;

/// Most files and folders.
const MOST_MEMBERS: usize = 200_000;
/// Bytes to which an archive may expand, whatever its size.
const FREE: u64 = 256 << 20;
/// How many times its size an archive may expand beyond that.
const MOST_RATIO: u64 = 100;
/// Longest name, in bytes.
const LONGEST_NAME: usize = 255;
/// Deepest folder.
const DEEPEST: usize = 32;
/// Longest path, in bytes.
const LONGEST_PATH: usize = DEEPEST * (LONGEST_NAME + 1);

/// Names that are devices in every folder of a Windows system, whatever extension they have.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// How the files are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packed {
    /// `application/x-tar`
    Tar,
    /// `application/gzip`, a compressed tar
    TarGz,
    /// `application/zip`
    Zip,
}

impl Packed {
    /// By media type.
    pub(crate) fn from_media_type(kind: &str) -> Option<Self> {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind.to_ascii_lowercase().as_str() {
            "application/x-tar" => Some(Self::Tar),
            "application/gzip" | "application/x-gzip" => Some(Self::TarGz),
            "application/zip" => Some(Self::Zip),
            _ => None,
        }
    }
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// It cannot be read.
    #[error("the archive cannot be read: {0}")]
    Malformed(String),
    /// A name that leads elsewhere, or that a Windows system does not take.
    #[error("'{0}': this name is not accepted in an archive")]
    Name(String),
    /// Neither a file nor a folder.
    #[error("'{0}' is neither a file nor a folder")]
    Kind(String),
    /// Two members that are one file on a Windows system.
    #[error("'{0}' is there twice")]
    Twice(String),
    /// More than is accepted.
    #[error("the archive has more than {0}")]
    TooMuch(String),
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Unpacks an archive and says into which folder.
pub(crate) fn unpack(upload: &Upload, packed: Packed) -> Result<PathBuf, ArchiveError> {
    let folder = upload.work_folder()?.join("workspace");
    std::fs::create_dir(&folder)?;
    let file = BufReader::new(upload.open()?);
    let most = FREE.max(upload.size.saturating_mul(MOST_RATIO));
    let mut unpacking = Unpacking::new(folder.clone(), most);
    match packed {
        Packed::Tar => tar::unpack(&mut unpacking, file, most)?,
        Packed::TarGz => tar::unpack(&mut unpacking, MultiGzDecoder::new(file), most)?,
        Packed::Zip => zip::unpack(&mut unpacking, file)?,
    }
    Ok(folder)
}

/// An archive on its way into a folder.
struct Unpacking {
    folder: PathBuf,
    /// Paths of files, in lower case.
    files: BTreeSet<String>,
    /// Paths of folders, in lower case.
    folders: BTreeSet<String>,
    members: usize,
    most: u64,
    /// Bytes that may still come.
    left: u64,
}

impl Unpacking {
    fn new(folder: PathBuf, most: u64) -> Self {
        Self {
            folder,
            files: BTreeSet::new(),
            folders: BTreeSet::new(),
            members: 0,
            most,
            left: most,
        }
    }

    fn folder(&mut self, name: &str) -> Result<(), ArchiveError> {
        self.count()?;
        // The root of a tar that was made of `.`.
        if matches!(name, "." | "./") {
            return Ok(());
        }
        let parts = parts(name.strip_suffix('/').unwrap_or(name))?;
        self.within(name, &parts)?;
        Ok(std::fs::create_dir_all(self.place(&parts))?)
    }

    fn file(&mut self, name: &str, content: &mut impl Read) -> Result<(), ArchiveError> {
        self.count()?;
        let parts = parts(name)?;
        let (file, above) = parts.split_last().ok_or_else(|| refused(name))?;
        self.within(name, above)?;
        let known = joined(above, file);
        if self.folders.contains(&known) || !self.files.insert(known) {
            return Err(ArchiveError::Twice(short(name)));
        }
        std::fs::create_dir_all(self.place(above))?;
        let mut file = File::create_new(self.place(&parts))?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = content.read(&mut buffer);
            let read = read.map_err(|error| ArchiveError::Malformed(error.to_string()))?;
            if read == 0 {
                return Ok(());
            }
            self.left = self
                .left
                .checked_sub(read as u64)
                .ok_or_else(|| too_long(self.most))?;
            io::Write::write_all(&mut file, buffer.get(..read).unwrap_or_default())?;
        }
    }

    /// Notes the folders of a path, none of which may be a file.
    fn within(&mut self, name: &str, folders: &[&str]) -> Result<(), ArchiveError> {
        for depth in 0..folders.len() {
            let (above, rest) = folders.split_at(depth);
            let known = joined(above, rest.first().copied().unwrap_or_default());
            if self.files.contains(&known) {
                return Err(ArchiveError::Twice(short(name)));
            }
            self.folders.insert(known);
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), ArchiveError> {
        self.members += 1;
        match self.members > MOST_MEMBERS {
            true => Err(ArchiveError::TooMuch(format!("{MOST_MEMBERS} members"))),
            false => Ok(()),
        }
    }

    /// Where a member goes. Windows takes names that differ in case for one; here they are written as they came, and
    /// only one of them can come.
    fn place(&self, parts: &[&str]) -> PathBuf {
        parts
            .iter()
            .fold(self.folder.clone(), |path, part| path.join(part))
    }
}

/// A path as it is known, in lower case.
fn joined(above: &[&str], last: &str) -> String {
    let mut known = above.join("/");
    if !known.is_empty() {
        known.push('/');
    }
    known.push_str(last);
    known.to_lowercase()
}

/// The names in a path, each of which a Windows system takes and none of which leads elsewhere.
fn parts(name: &str) -> Result<Vec<&str>, ArchiveError> {
    let relative = name.strip_prefix("./").unwrap_or(name);
    let parts: Vec<&str> = relative.split('/').take(DEEPEST + 1).collect();
    match parts.len() <= DEEPEST && parts.iter().all(|part| is_good(part)) {
        true => Ok(parts),
        false => Err(refused(name)),
    }
}

fn is_good(part: &str) -> bool {
    let is_odd =
        |c: char| c.is_control() || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let stem = part.split('.').next().unwrap_or_default().trim_end();
    let is_device = DEVICES.iter().any(|name| stem.eq_ignore_ascii_case(name));
    // What ends in a dot or a blank is the same file without it; and `.` and `..` are no names.
    let ends_well = !part.is_empty() && !part.ends_with(['.', ' ']);
    ends_well && part.len() <= LONGEST_NAME && !is_device && !part.contains(is_odd)
}

fn refused(name: &str) -> ArchiveError {
    ArchiveError::Name(short(name))
}

/// A name as errors have it.
fn short(name: &str) -> String {
    let end = name.floor_char_boundary(LONGEST_NAME);
    name.get(..end)
        .unwrap_or_default()
        .escape_debug()
        .to_string()
}

fn too_long(most: u64) -> ArchiveError {
    ArchiveError::TooMuch(format!("{most} bytes when it is unpacked"))
}
