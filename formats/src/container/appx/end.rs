//! The records behind the central directory, by which a ZIP archive is found from its end.

use std::io::{Read, Seek};

use super::input::read_at;
use crate::cursor::Cursor;
use crate::error::ParseError;

/// Bytes of the end of central directory record without a comment.
pub(super) const RECORD: usize = 22;
const LOCATOR: usize = 20;
const ZIP64_RECORD: usize = 56;
/// What the size field of a zip64 record holds: the bytes behind that field.
const ZIP64_REST: u64 = 44;

const END: &str = "EndOfCentralDirectoryRecord";
const ZIP64: &str = "Zip64EndOfCentralDirectoryRecord";
const ZIP64_LOCATOR: &str = "Zip64EndOfCentralDirectoryLocator";

/// How many headers a central directory has, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    /// Number of headers.
    pub(super) entries: u64,
    /// Bytes.
    pub(super) size: u64,
    /// File offset of the first header.
    pub(super) offset: u64,
}

/// The end of an archive (APPNOTE 4.3.14 to 4.3.16). The zip64 records are there when a field of the last record holds
/// all ones; packaging tools of Windows always write them.
///
/// | offset | length | zip64 end of central directory record |
/// |---|---|---|
/// | 0 | 4 | signature `PK\6\6` |
/// | 4 | 8 | size of zip64 end of central directory record, 44 |
/// | 12 | 2 + 2 | version made by, version needed to extract |
/// | 16 | 4 + 4 | number of this disk, and of that with the start of the central directory, 0 |
/// | 24 | 8 + 8 | number of entries on this disk, and in all |
/// | 40 | 8 | size of the central directory |
/// | 48 | 8 | offset of the central directory |
///
/// | offset | length | zip64 end of central directory locator |
/// |---|---|---|
/// | 0 | 4 | signature `PK\6\7` |
/// | 4 | 4 | number of the disk with the record above, 0 |
/// | 8 | 8 | offset of the record above |
/// | 16 | 4 | number of disks, 1 |
///
/// | offset | length | end of central directory record |
/// |---|---|---|
/// | 0 | 4 | signature `PK\5\6` |
/// | 4 | 2 + 2 | number of this disk, and of that with the start of the central directory |
/// | 8 | 2 + 2 | number of entries on this disk, and in all |
/// | 12 | 4 | size of the central directory |
/// | 16 | 4 | offset of the central directory |
/// | 20 | 2 | length of the comment, 0 |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// The last record as it stands: which of its fields are all ones is kept.
    record: [u8; RECORD],
    /// Versions of the zip64 record; absent where there are no zip64 records.
    zip64: Option<[u8; 4]>,
    pub(super) directory: Directory,
    /// File offset of the last record.
    pub(super) offset: u64,
}

/// The fields of the last record that count.
struct Fields {
    disks: [u16; 2],
    entries: [u16; 2],
    size: u32,
    offset: u32,
}

impl Fields {
    fn read(record: &[u8; RECORD], at: u64) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(END, record, at);
        if cursor.bytes("signature", 4)? != b"PK\x05\x06" {
            let expected = "PK\\5\\6 22 bytes before the end, as in an archive without comment";
            return Err(ParseError::invalid(
                END,
                "signature",
                at,
                "something else",
                expected,
            ));
        }
        let fields = Self {
            disks: [
                cursor.u16("number of this disk")?,
                cursor.u16("number of the disk with the central directory")?,
            ],
            entries: [
                cursor.u16("number of entries on this disk")?,
                cursor.u16("number of entries")?,
            ],
            size: cursor.u32("size of the central directory")?,
            offset: cursor.u32("offset of the central directory")?,
        };
        let comment = cursor.u16("comment length")?;
        if comment != 0 {
            return Err(cursor.invalid("comment length", comment, 0));
        }
        Ok(fields)
    }

    fn needs_zip64(&self) -> bool {
        self.entries.contains(&u16::MAX) || self.size == u32::MAX || self.offset == u32::MAX
    }
}

impl End {
    /// Reads the end of an archive of `length` bytes. Everything must stand without gaps, and on one disk.
    ///
    /// # Errors
    /// Where a record is missing, contradicts another, or does not follow the one before it.
    pub(super) fn read(input: &mut (impl Read + Seek), length: u64) -> Result<Self, ParseError> {
        let offset = length.checked_sub(RECORD as u64).ok_or_else(|| {
            let expected = "at least 22 bytes";
            ParseError::invalid(
                END,
                "signature",
                0,
                format_args!("{length} bytes"),
                expected,
            )
        })?;
        let record = read_array(input, END, offset)?;
        let fields = Fields::read(&record, offset)?;
        let (zip64, directory, start) = if fields.needs_zip64() {
            let (versions, directory, start) = read_zip64(input, &fields, offset)?;
            (Some(versions), directory, start)
        } else {
            let directory = Directory {
                entries: u64::from(fields.entries[1]),
                size: u64::from(fields.size),
                offset: u64::from(fields.offset),
            };
            (None, directory, offset)
        };
        let all_ones = zip64.is_some();
        let one_disk = |disk: &u16| *disk == 0 || (all_ones && *disk == u16::MAX);
        if !fields.disks.iter().all(one_disk) || fields.entries[0] != fields.entries[1] {
            let at = offset.saturating_add(4);
            return Err(ParseError::unsupported(
                END,
                "number of this disk",
                at,
                "an archive on several disks",
            ));
        }
        if directory.offset.checked_add(directory.size) != Some(start) {
            let found = format!("{} bytes at {}", directory.size, directory.offset);
            let expected = format!("a central directory that ends at {start}");
            return Err(ParseError::invalid(
                END,
                "offset of the central directory",
                offset,
                found,
                expected,
            ));
        }
        Ok(Self {
            record,
            zip64,
            directory,
            offset,
        })
    }

    /// The last record as it stands.
    pub(super) fn record(&self) -> &[u8; RECORD] {
        &self.record
    }

    /// The numbers of disks in the last record: 0, or all ones as packaging tools leave them before signing.
    pub(super) fn disks(&self) -> &[u8] {
        self.record.get(4..8).unwrap_or_default()
    }

    /// The records for a central directory, with the disks numbered 0 as the digest demands.
    ///
    /// A field that is all ones stays so, which packaging tools rely on; `Directory` values that do not fit in a record
    /// without zip64 were excluded by [`End::with_room`].
    pub(super) fn write(&self, directory: Directory) -> Vec<u8> {
        let Directory {
            entries,
            size,
            offset,
        } = directory;
        let mut out = Vec::new();
        if let Some(versions) = &self.zip64 {
            out.extend(b"PK\x06\x06");
            out.extend(ZIP64_REST.to_le_bytes());
            out.extend(versions);
            out.extend([0; 8]);
            for value in [entries, entries, size, offset] {
                out.extend(value.to_le_bytes());
            }
            out.extend(b"PK\x06\x07");
            out.extend([0; 4]);
            out.extend(offset.saturating_add(size).to_le_bytes());
            out.extend(1_u32.to_le_bytes());
        }
        let kept = Fields::read(&self.record, 0).ok();
        let short = |kept: Option<u16>| match kept {
            Some(u16::MAX) => u16::MAX,
            _ => u16::try_from(entries).unwrap_or(u16::MAX),
        };
        let long = |kept: Option<u32>, value: u64| match kept {
            Some(u32::MAX) => u32::MAX,
            _ => u32::try_from(value).unwrap_or(u32::MAX),
        };
        out.extend(b"PK\x05\x06\0\0\0\0");
        for index in [0, 1] {
            let kept = kept.as_ref().and_then(|kept| kept.entries.get(index));
            out.extend(short(kept.copied()).to_le_bytes());
        }
        out.extend(long(kept.as_ref().map(|kept| kept.size), size).to_le_bytes());
        out.extend(long(kept.as_ref().map(|kept| kept.offset), offset).to_le_bytes());
        out.extend([0; 2]);
        out
    }

    /// This end with zip64 records if a central directory as large as `largest` needs them.
    pub(super) fn with_room(&self, largest: Directory) -> Self {
        let fits = largest.entries < u64::from(u16::MAX)
            && largest.size < u64::from(u32::MAX)
            && largest.offset < u64::from(u32::MAX);
        let mut end = self.clone();
        if end.zip64.is_none() && !fits {
            end.zip64 = Some([45, 0, 45, 0]);
            if let Some(fields) = end.record.get_mut(8..20) {
                fields.fill(0xFF);
            }
        }
        end
    }

    /// This end with another last record, as an archive had it before it was signed; `None` where that record could
    /// not describe `directory`.
    pub(super) fn restored(&self, record: [u8; RECORD], directory: Directory) -> Option<Vec<u8>> {
        let fields = Fields::read(&record, 0).ok()?;
        let zip64 = match fields.needs_zip64() {
            true => Some(self.zip64?),
            false => None,
        };
        let restored = Self {
            record,
            zip64,
            ..self.clone()
        };
        let mut written = restored.write(directory);
        let place = written.len().checked_sub(RECORD)?;
        let last = written.get_mut(place..)?;
        let all_ones = |disk: &u16| *disk == 0 || *disk == u16::MAX;
        if !fields.disks.iter().all(all_ones) {
            return None;
        }
        last.get_mut(4..8)?.copy_from_slice(record.get(4..8)?);
        (*last == record).then_some(written)
    }
}

fn read_array<const N: usize>(
    input: &mut (impl Read + Seek),
    structure: &'static str,
    offset: u64,
) -> Result<[u8; N], ParseError> {
    let bytes = read_at(input, structure, offset, N)?;
    Cursor::new(structure, &bytes, offset).array("signature")
}

/// Reads locator and record in front of the last record; gives the versions, the directory and the record's offset.
fn read_zip64(
    input: &mut (impl Read + Seek),
    fields: &Fields,
    end: u64,
) -> Result<([u8; 4], Directory, u64), ParseError> {
    let missing = || {
        let expected = "zip64 records in front of it, as its fields are all ones";
        ParseError::invalid(END, "number of entries", end, "no room", expected)
    };
    let locator_offset = end.checked_sub(LOCATOR as u64).ok_or_else(missing)?;
    let record_offset = locator_offset
        .checked_sub(ZIP64_RECORD as u64)
        .ok_or_else(missing)?;
    let locator: [u8; LOCATOR] = read_array(input, ZIP64_LOCATOR, locator_offset)?;
    let mut cursor = Cursor::new(ZIP64_LOCATOR, &locator, locator_offset);
    expect(&mut cursor, "signature", b"PK\x06\x07")?;
    expect(&mut cursor, "number of the disk", &[0; 4])?;
    let place = "offset of the zip64 end of central directory record";
    expect(&mut cursor, place, &record_offset.to_le_bytes())?;
    expect(&mut cursor, "number of disks", &1_u32.to_le_bytes())?;

    let record: [u8; ZIP64_RECORD] = read_array(input, ZIP64, record_offset)?;
    let mut cursor = Cursor::new(ZIP64, &record, record_offset);
    expect(&mut cursor, "signature", b"PK\x06\x06")?;
    expect(&mut cursor, "size", &ZIP64_REST.to_le_bytes())?;
    let versions = cursor.array("version made by")?;
    expect(&mut cursor, "number of this disk", &[0; 8])?;
    let on_disk: [u8; 8] = cursor.array("number of entries on this disk")?;
    expect(&mut cursor, "number of entries", &on_disk)?;
    let size = u64::from_le_bytes(cursor.array("size of the central directory")?);
    let offset = u64::from_le_bytes(cursor.array("offset of the central directory")?);
    let directory = Directory {
        entries: u64::from_le_bytes(on_disk),
        size,
        offset,
    };
    let same = |short: u64, all_ones: u64, long: u64| short == all_ones || short == long;
    let [_, entries] = fields.entries.map(u64::from);
    let agree = same(entries, u64::from(u16::MAX), directory.entries)
        && same(u64::from(fields.size), u64::from(u32::MAX), size)
        && same(u64::from(fields.offset), u64::from(u32::MAX), offset);
    if !agree {
        let expected = "the values of the zip64 record, or all ones";
        let found = "other values";
        return Err(ParseError::invalid(
            END,
            "number of entries",
            end,
            found,
            expected,
        ));
    }
    Ok((versions, directory, record_offset))
}

/// Reads a field that has one right value.
fn expect(cursor: &mut Cursor<'_>, field: &'static str, expected: &[u8]) -> Result<(), ParseError> {
    let before = cursor.clone();
    let found = cursor.bytes(field, expected.len())?;
    if found == expected {
        return Ok(());
    }
    let hex = |bytes: &[u8]| {
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.join(" ")
    };
    Err(before.invalid(field, hex(found), hex(expected)))
}
