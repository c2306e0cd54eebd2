//! Zip: the directory at the end is read as a whole, so it is bounded before.

use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::bounded::{Bounded, Budget};
use super::{ArchiveError, Unpacking, short};

/// Longest directory, in bytes: 160 for each of the most members.
const LONGEST_DIRECTORY: u64 = 32 << 20;
/// The bits of a Unix mode that say what a member is, and the values that are accepted: a file, a folder, nothing.
const KIND: u32 = 0o170_000;
const KINDS: [u32; 3] = [0o100_000, 0o040_000, 0];

/// Unpacks a zip.
pub(super) fn unpack(
    unpacking: &mut Unpacking,
    input: impl Read + Seek,
) -> Result<(), ArchiveError> {
    let malformed = |error: ZipError| ArchiveError::Malformed(error.to_string());
    let budget = Budget::new(LONGEST_DIRECTORY);
    let mut archive = match ZipArchive::new(Bounded::new(input, &budget)) {
        Ok(archive) => archive,
        Err(_) if budget.is_used_up() => {
            let most = format!("{LONGEST_DIRECTORY} bytes of directory");
            return Err(ArchiveError::TooMuch(most));
        }
        Err(error) => return Err(malformed(error)),
    };
    budget.lift();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(malformed)?;
        let name = entry.name().map_err(malformed)?.into_owned();
        let kind = entry.unix_mode().unwrap_or_default() & KIND;
        if entry.is_symlink() || !KINDS.contains(&kind) {
            return Err(ArchiveError::Kind(short(&name)));
        }
        match entry.is_dir() {
            true => unpacking.folder(&name)?,
            false => unpacking.file(&name, &mut entry)?,
        }
    }
    Ok(())
}
