//! Making a cabinet.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom, Write};

use time::PrimitiveDateTime;

use super::checksum::checksum;
use super::deflate::Mszip;
use super::directory::{File, Folder, MAX_BLOCK, attribs};
use super::header::{Header, MAX_HEADER_RESERVE, MAX_STRING, flags};
use super::path::{MemberPath, PathFault};
use super::prepare::MAX_CABINET;

/// Most bytes of a folder, and so of a file: 65,535 blocks of 32 KiB.
const MAX_FOLDER: u64 = 0x7FFF_8000;
/// The attributes that [`Entry::attribs`] may set.
const SETTABLE: u16 =
    attribs::READ_ONLY | attribs::HIDDEN | attribs::SYSTEM | attribs::ARCHIVE | attribs::EXECUTE;

/// A file to be packed.
pub struct Entry<'a> {
    /// Relative path; both separators are understood and `\` is written. Names beyond ASCII are marked as UTF-8.
    pub name: String,
    /// Bytes that [`Entry::data`] gives.
    pub size: u64,
    /// Date and time as written, in no particular zone; to 2 seconds, from 1980 to 2107 (others are clamped).
    pub timestamp: PrimitiveDateTime,
    /// `attribs`: any of [`attribs`] but the mark of UTF-8.
    pub attribs: u16,
    /// The content.
    pub data: &'a mut dyn Read,
}

/// How a cabinet is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Packing {
    /// MSZIP rather than stored.
    pub compressed: bool,
    /// Bytes of zeros in the header reserve; 0: none. Signing needs none.
    pub reserve: u16,
}

/// Why no cabinet was made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A cabinet needs a file.
    #[error("there is no file to pack")]
    Empty,
    /// The format counts files in 16 bits.
    #[error("{0} files are more than the 65535 of a cabinet")]
    TooManyFiles(usize),
    /// A name that would not be extracted.
    #[error("`{name}`: {fault}")]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        fault: PathFault,
    },
    /// A name beyond 255 bytes.
    #[error("`{0}`: a name of more than 255 bytes")]
    NameLength(String),
    /// Two names that are the same to Windows.
    #[error("`{0}`: the name comes twice")]
    Duplicate(String),
    /// Attributes that an entry cannot set.
    #[error("`{name}`: attributes {attribs:#06x} cannot be set")]
    Attributes {
        /// The name as given.
        name: String,
        /// The attributes as given.
        attribs: u16,
    },
    /// A file beyond 0x7FFF8000 bytes.
    #[error("`{name}`: {size} bytes are more than the 2147450880 of a file in a cabinet")]
    FileSize {
        /// The name as given.
        name: String,
        /// The size as given.
        size: u64,
    },
    /// The content is longer or shorter than announced.
    #[error("`{name}`: the content does not have the {size} bytes announced")]
    SizeMismatch {
        /// The name as given.
        name: String,
        /// The size as given.
        size: u64,
    },
    /// A header reserve beyond 60,000 bytes.
    #[error("a header reserve of {0} bytes is more than the 60000 allowed")]
    Reserve(u16),
    /// A cabinet of more than 0x7FFFFFFF bytes.
    #[error("the cabinet would have {0} bytes, more than the 2147483647 allowed")]
    CabinetSize(u64),
    /// Reading a content or writing the cabinet failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Packs `entries` in their order and gives `output` back. The same entries give the same bytes.
///
/// # Errors
/// See [`PackError`]; what `output` then holds is no cabinet.
pub fn pack<W: Write + Seek>(
    entries: Vec<Entry<'_>>,
    packing: Packing,
    mut output: W,
) -> Result<W, PackError> {
    check(&entries, packing)?;
    let mut directory = Directory::new(&entries, packing);
    // The directory is written twice, as only the data tells its numbers.
    let start = output.stream_position()?;
    let mut at = directory.bytes(0).len() as u64;
    output.write_all(&directory.bytes(0))?;

    let mut entries = entries.into_iter();
    let mut block = Vec::new();
    for index in 0..directory.folders.len() {
        let mut writer = BlockWriter {
            mszip: packing.compressed.then(Mszip::new),
            written: 0,
            blocks: 0,
        };
        let members = directory
            .files
            .iter()
            .filter(|file| usize::from(file.i_folder) == index);
        for entry in entries.by_ref().take(members.count()) {
            let mut left = entry.size;
            while left > 0 {
                let room = MAX_BLOCK.saturating_sub(block.len() as u64).min(left);
                let read = (&mut *entry.data).take(room).read_to_end(&mut block)? as u64;
                left = left.saturating_sub(read);
                if read < room {
                    break;
                }
                if block.len() as u64 == MAX_BLOCK {
                    writer.write(&mut block, &mut output)?;
                }
            }
            let surplus = io::copy(&mut entry.data.take(1), &mut io::sink())?;
            if left > 0 || surplus > 0 {
                let (name, size) = (entry.name, entry.size);
                return Err(PackError::SizeMismatch { name, size });
            }
        }
        if !block.is_empty() {
            writer.write(&mut block, &mut output)?;
        }
        let end = at.saturating_add(writer.written);
        if end > u64::from(MAX_CABINET) {
            return Err(PackError::CabinetSize(end));
        }
        if let Some(folder) = directory.folders.get_mut(index) {
            folder.coff_cab_start = at as u32;
            folder.c_cf_data = writer.blocks;
        }
        at = end;
    }
    output.seek(SeekFrom::Start(start))?;
    output.write_all(&directory.bytes(at as u32))?;
    output.seek(SeekFrom::Start(start.saturating_add(at)))?;
    output.flush()?;
    Ok(output)
}

/// Everything in front of the data.
struct Directory {
    reserve: u16,
    folders: Vec<Folder>,
    files: Vec<File>,
}

impl Directory {
    /// All that is known before the data is: a new folder begins where one would pass [`MAX_FOLDER`].
    fn new(entries: &[Entry<'_>], packing: Packing) -> Self {
        let sizes: Vec<u64> = entries.iter().map(|entry| entry.size).collect();
        let places = places(&sizes, MAX_FOLDER);
        let folder = Folder {
            offset: 0,
            coff_cab_start: 0,
            c_cf_data: 0,
            type_compress: u16::from(packing.compressed),
        };
        let last = places.last().map_or(0, |(folder, _)| *folder);
        let files = entries.iter().zip(places).map(|(entry, (folder, start))| {
            let (date, time) = dos_date_time(entry.timestamp);
            let is_utf8 = if entry.name.is_ascii() {
                0
            } else {
                attribs::NAME_IS_UTF
            };
            File {
                offset: 0,
                cb_file: entry.size as u32,
                uoff_folder_start: start as u32,
                i_folder: folder,
                date,
                time,
                attribs: entry.attribs | is_utf8,
                sz_name: entry.name.replace('/', "\\").into_bytes(),
            }
        });
        Self {
            reserve: packing.reserve,
            folders: vec![folder; usize::from(last).saturating_add(1)],
            files: files.collect(),
        }
    }

    /// The bytes, for a cabinet of `cb_cabinet` bytes.
    fn bytes(&self, cb_cabinet: u32) -> Vec<u8> {
        let mut folders = Vec::new();
        self.folders
            .iter()
            .for_each(|folder| folder.write(&mut folders));
        let mut files = Vec::new();
        self.files.iter().for_each(|file| file.write(&mut files));
        let mut header = Header {
            reserved1: 0,
            cb_cabinet,
            reserved2: 0,
            coff_files: 0,
            reserved3: 0,
            version_minor: 3,
            version_major: 1,
            c_folders: self.folders.len() as u16,
            c_files: self.files.len() as u16,
            flags: if self.reserve > 0 {
                flags::RESERVE_PRESENT
            } else {
                0
            },
            set_id: 0,
            i_cabinet: 0,
            cb_cf_header: self.reserve,
            cb_cf_folder: 0,
            cb_cf_data: 0,
            ab_reserve: vec![0; usize::from(self.reserve)],
            prev: None,
            next: None,
        };
        header.coff_files = header.reserve_end().saturating_add(folders.len() as u64) as u32;
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        bytes.extend_from_slice(&folders);
        bytes.extend_from_slice(&files);
        bytes
    }
}

/// Writes a folder's CFDATAs.
struct BlockWriter {
    mszip: Option<Mszip>,
    written: u64,
    blocks: u16,
}

impl BlockWriter {
    /// Writes `block`, at most 32 KiB, and empties it.
    fn write(&mut self, block: &mut Vec<u8>, output: &mut impl Write) -> io::Result<()> {
        let cb_uncomp = block.len() as u16;
        let data = match &mut self.mszip {
            Some(mszip) => mszip.encode(block),
            None => std::mem::take(block),
        };
        block.clear();
        let mut sizes = (data.len() as u16).to_le_bytes().to_vec();
        sizes.extend_from_slice(&cb_uncomp.to_le_bytes());
        let csum = checksum(&sizes, checksum(&data, 0));
        output.write_all(&csum.to_le_bytes())?;
        output.write_all(&sizes)?;
        output.write_all(&data)?;
        let length = (data.len() as u64).saturating_add(8);
        self.written = self.written.saturating_add(length);
        self.blocks = self.blocks.saturating_add(1);
        Ok(())
    }
}

/// Refuses what the format cannot hold or an extractor would not take.
fn check(entries: &[Entry<'_>], packing: Packing) -> Result<(), PackError> {
    if entries.is_empty() {
        return Err(PackError::Empty);
    }
    if entries.len() > usize::from(u16::MAX) {
        return Err(PackError::TooManyFiles(entries.len()));
    }
    if packing.reserve > MAX_HEADER_RESERVE {
        return Err(PackError::Reserve(packing.reserve));
    }
    let mut names = HashSet::new();
    for entry in entries {
        let name = entry.name.clone();
        if name.len() > MAX_STRING {
            return Err(PackError::NameLength(name));
        }
        let path = MemberPath::new(name.as_bytes(), true);
        if let Some(fault) = path.faults().first() {
            let fault = fault.clone();
            return Err(PackError::Name { name, fault });
        }
        if entry.attribs & !SETTABLE != 0 {
            let attribs = entry.attribs;
            return Err(PackError::Attributes { name, attribs });
        }
        if entry.size > MAX_FOLDER {
            let size = entry.size;
            return Err(PackError::FileSize { name, size });
        }
        if !names.insert(path.text().to_lowercase()) {
            return Err(PackError::Duplicate(name));
        }
    }
    Ok(())
}

/// Folder and place in it of each file, so that no folder passes `limit` bytes.
fn places(sizes: &[u64], limit: u64) -> Vec<(u16, u64)> {
    let (mut folder, mut start) = (0_u16, 0_u64);
    let place = |size: &u64| {
        if start.saturating_add(*size) > limit {
            (folder, start) = (folder.saturating_add(1), 0);
        }
        let place = (folder, start);
        start = start.saturating_add(*size);
        place
    };
    sizes.iter().map(place).collect()
}

/// A moment as `date` and `time`, clamped to what they can say.
fn dos_date_time(moment: PrimitiveDateTime) -> (u16, u16) {
    match moment.year() {
        ..1980 => (1 << 5 | 1, 0),
        2108.. => (127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29),
        year => {
            let year = year.saturating_sub(1980) as u16;
            let date =
                year << 9 | u16::from(u8::from(moment.month())) << 5 | u16::from(moment.day());
            let (hour, minute) = (u16::from(moment.hour()), u16::from(moment.minute()));
            (
                date,
                hour << 11 | minute << 5 | u16::from(moment.second()) >> 1,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::{dos_date_time, places};

    #[test]
    fn folders_are_split_before_they_are_over_full() {
        assert_eq!(places(&[3, 3, 3], 9), [(0, 0), (0, 3), (0, 6)]);
        assert_eq!(places(&[3, 3, 3], 8), [(0, 0), (0, 3), (1, 0)]);
        assert_eq!(
            places(&[8, 1, 0, 7, 8], 8),
            [(0, 0), (1, 0), (1, 1), (1, 1), (2, 0)]
        );
        assert_eq!(places(&[0, 0], 8), [(0, 0), (0, 0)]);
    }

    #[test]
    fn moments_are_clamped_to_what_dos_can_say() {
        assert_eq!(
            dos_date_time(datetime!(1997-03-12 11:13:52)),
            (0x226C, 0x59BA)
        );
        assert_eq!(dos_date_time(datetime!(1979-12-31 23:59:59)), (0x0021, 0));
        assert_eq!(
            dos_date_time(datetime!(2107-12-31 23:59:59)),
            (0xFF9F, 0xBF7D)
        );
        assert_eq!(dos_date_time(datetime!(2108-01-01 0:00)), (0xFF9F, 0xBF7D));
    }
}
