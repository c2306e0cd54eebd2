//! Workspaces as archives: unpacked into a folder of their own, or refused as a whole.
//!
//! Nothing is left out or renamed silently: an archive with one name that leads elsewhere is refused.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

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
    let folder = upload.work_folder().join("workspace");
    std::fs::create_dir(&folder)?;
    let file = BufReader::new(File::open(upload.path())?);
    let mut unpacking = Unpacking {
        folder: folder.clone(),
        names: BTreeSet::new(),
        members: 0,
        left: FREE.max(upload.size.saturating_mul(MOST_RATIO)),
    };
    match packed {
        Packed::Tar => unpacking.tar(file)?,
        Packed::TarGz => unpacking.tar(BufReader::new(MultiGzDecoder::new(file)))?,
        Packed::Zip => unpacking.zip(file)?,
    }
    Ok(folder)
}

struct Unpacking {
    folder: PathBuf,
    /// What is there, in lower case.
    names: BTreeSet<String>,
    members: usize,
    /// Bytes that may still come.
    left: u64,
}

impl Unpacking {
    fn tar(&mut self, input: impl Read) -> Result<(), ArchiveError> {
        let malformed = |error: io::Error| ArchiveError::Malformed(error.to_string());
        let mut archive = tar::Archive::new(input);
        for entry in archive.entries().map_err(malformed)? {
            let mut entry = entry.map_err(malformed)?;
            let name = entry.path_bytes().into_owned();
            let name =
                String::from_utf8(name).map_err(|error| ArchiveError::Name(error.to_string()))?;
            match entry.header().entry_type() {
                tar::EntryType::Regular | tar::EntryType::Continuous => {
                    self.file(&name, &mut entry)?;
                }
                tar::EntryType::Directory => self.folder(&name)?,
                tar::EntryType::XGlobalHeader => {}
                _ => return Err(ArchiveError::Kind(name)),
            }
        }
        Ok(())
    }

    fn zip(&mut self, input: BufReader<File>) -> Result<(), ArchiveError> {
        let malformed = |error: zip::result::ZipError| ArchiveError::Malformed(error.to_string());
        let mut archive = zip::ZipArchive::new(input).map_err(malformed)?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(malformed)?;
            let name = entry.name().map_err(malformed)?.into_owned();
            if entry.is_symlink() {
                return Err(ArchiveError::Kind(name));
            }
            match entry.is_dir() {
                true => self.folder(&name)?,
                false => self.file(&name, &mut entry)?,
            }
        }
        Ok(())
    }

    fn folder(&mut self, name: &str) -> Result<(), ArchiveError> {
        self.count()?;
        // The root of a tar that was made of `.`.
        if matches!(name, "." | "./") {
            return Ok(());
        }
        let path = self.place(name.trim_end_matches('/'))?;
        std::fs::create_dir_all(path).map_err(|_| ArchiveError::Twice(name.to_owned()))
    }

    fn file(&mut self, name: &str, content: &mut impl Read) -> Result<(), ArchiveError> {
        self.count()?;
        let path = self.place(name)?;
        if !self
            .names
            .insert(name.trim_start_matches("./").to_lowercase())
        {
            return Err(ArchiveError::Twice(name.to_owned()));
        }
        let twice = |_| ArchiveError::Twice(name.to_owned());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(twice)?;
        }
        let mut file = File::create_new(&path).map_err(twice)?;
        let most = self.left;
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
                .ok_or_else(|| ArchiveError::TooMuch(format!("{most} bytes expanded")))?;
            io::Write::write_all(&mut file, buffer.get(..read).unwrap_or_default())?;
        }
    }

    fn count(&mut self) -> Result<(), ArchiveError> {
        self.members += 1;
        match self.members > MOST_MEMBERS {
            true => Err(ArchiveError::TooMuch(format!("{MOST_MEMBERS} members"))),
            false => Ok(()),
        }
    }

    /// Where a member goes.
    fn place(&self, name: &str) -> Result<PathBuf, ArchiveError> {
        let refused = || ArchiveError::Name(name.chars().take(LONGEST_NAME).collect());
        let relative = name.strip_prefix("./").unwrap_or(name);
        let parts: Vec<&str> = relative.split('/').collect();
        let is_good = |part: &&str| {
            let is_odd = |c: char| {
                c.is_control() || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
            };
            let dots = part.chars().all(|c| c == '.');
            !dots && part.len() <= LONGEST_NAME && !part.contains(is_odd)
        };
        if parts.len() > DEEPEST || !parts.iter().all(is_good) {
            return Err(refused());
        }
        Ok(parts
            .iter()
            .fold(self.folder.clone(), |path, part| path.join(Path::new(part))))
    }
}
