//! Tar: what stands before a member and says its long name is read here, because the library reads it however long it
//! is.

use std::io::{self, Read};

use tar::{Archive, EntryType, PaxExtensions};

use super::bounded::{Bounded, Budget};
use super::{ArchiveError, LONGEST_PATH, Unpacking, short, too_long};

/// Longest record before a member, in bytes.
const LONGEST_RECORD: usize = 64 << 10;
/// What heads and padding may add to the content, in bytes.
const AROUND: u64 = 512 << 20;

/// Unpacks a tar of at most `most` bytes of content.
pub(super) fn unpack(
    unpacking: &mut Unpacking,
    input: impl Read,
    most: u64,
) -> Result<(), ArchiveError> {
    let budget = Budget::new(most.saturating_add(AROUND));
    let input = io::BufReader::new(Bounded::new(input, &budget));
    match members(unpacking, input) {
        Err(ArchiveError::Malformed(_)) if budget.is_used_up() => Err(too_long(most)),
        done => done,
    }
}

/// What records say of the next member.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

fn members(unpacking: &mut Unpacking, input: impl Read) -> Result<(), ArchiveError> {
    let mut archive = Archive::new(input);
    let mut said = Said::default();
    for entry in archive.entries().map_err(malformed)?.raw(true) {
        let mut entry = entry.map_err(malformed)?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName => {
                let mut name = record(&mut entry, LONGEST_PATH)?;
                let end = name.iter().position(|byte| *byte == 0);
                name.truncate(end.unwrap_or(name.len()));
                said.name = Some(name);
                continue;
            }
            EntryType::XHeader => {
                extended(&record(&mut entry, LONGEST_RECORD)?, &mut said)?;
                continue;
            }
            EntryType::XGlobalHeader => continue,
            _ => {}
        }
        let Said { name, size } = std::mem::take(&mut said);
        let name = name.unwrap_or_else(|| entry.path_bytes().into_owned());
        let name = String::from_utf8(name).map_err(|error| {
            ArchiveError::Name(short(&error.into_bytes().escape_ascii().to_string()))
        })?;
        if size.is_some_and(|size| size != entry.size()) {
            let problem = format!("'{}' has two sizes", short(&name));
            return Err(ArchiveError::Malformed(problem));
        }
        match kind {
            EntryType::Regular | EntryType::Continuous => unpacking.file(&name, &mut entry)?,
            EntryType::Directory => unpacking.folder(&name)?,
            _ => return Err(ArchiveError::Kind(short(&name))),
        }
    }
    // What compressed it has a check sum at its end.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(malformed)?;
    Ok(())
}

/// A record of pax: lines of length, key and value.
fn extended(record: &[u8], said: &mut Said) -> Result<(), ArchiveError> {
    for line in PaxExtensions::new(record) {
        let line = line.map_err(malformed)?;
        match line.key_bytes() {
            b"path" => said.name = Some(line.value_bytes().to_owned()),
            b"size" => {
                let size = line.value().ok().and_then(|size| size.parse().ok());
                let problem = || ArchiveError::Malformed("a size is no number".to_owned());
                said.size = Some(size.ok_or_else(problem)?);
            }
            // Sparse files have names and sizes of their own.
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(ArchiveError::Kind("a sparse file".to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn record(entry: &mut impl Read, most: usize) -> Result<Vec<u8>, ArchiveError> {
    let mut record = Vec::new();
    let read = entry.take(most as u64 + 1).read_to_end(&mut record);
    read.map_err(malformed)?;
    match record.len() <= most {
        true => Ok(record),
        false => Err(ArchiveError::TooMuch(format!(
            "{most} bytes about one member"
        ))),
    }
}

fn malformed(error: io::Error) -> ArchiveError {
    ArchiveError::Malformed(error.to_string())
}
