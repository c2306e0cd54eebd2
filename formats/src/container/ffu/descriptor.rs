//! What stands behind a store header: validation entries and write descriptors.
//!
//! ```text
//! validation entry   u32 sector index, u32 sector offset, u32 length, bytes
//! write descriptor   u32 dwLocationCount, u32 dwBlockCount, then for each location u32 dwDiskAccessMethod, u32 dwBlockIndex
//! ```

use std::ops::Range;

use super::{StoreHeader, Variant};
use crate::cursor::Cursor;
use crate::error::{ParseError, Problem};

/// Bytes that a device must have for a partial update to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationEntry {
    /// Sector on the disk.
    pub sector_index: u32,
    /// Byte in the sector.
    pub sector_offset: u32,
    /// What must stand there.
    pub bytes: Vec<u8>,
}

/// From where a block is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMethod {
    /// From the beginning of the disk.
    Begin,
    /// From its end; index 0 is the last block.
    End,
}

/// A place on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// `dwDiskAccessMethod`.
    pub access: AccessMethod,
    /// `dwBlockIndex`.
    pub block: u32,
}

/// A run of payload blocks and where on the disk it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteDescriptor {
    /// `dwBlockCount`.
    pub block_count: u32,
    /// Which of [`super::Store::locations`] are its own.
    pub locations: Range<usize>,
}

/// Reads `count` validation entries, which must fill `bytes`.
pub(super) fn read_validation(
    bytes: &[u8],
    offset: u64,
    count: u32,
) -> Result<Vec<ValidationEntry>, ParseError> {
    let mut cursor = Cursor::new("validation entry", bytes, offset);
    let mut entries = Vec::new();
    for _ in 0..count {
        let sector_index = cursor.u32("sector index")?;
        let sector_offset = cursor.u32("sector offset")?;
        let length = cursor.u32("byte count")?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        entries.push(ValidationEntry {
            sector_index,
            sector_offset,
            bytes: cursor.bytes("bytes", length)?.to_vec(),
        });
    }
    consumed(&cursor, "dwValidateDescriptorLength")?;
    Ok(entries)
}

/// Reads the write descriptors of a store, which must fill `bytes`, and the places of all of them.
pub(super) fn read_descriptors(
    bytes: &[u8],
    offset: u64,
    header: &StoreHeader,
) -> Result<(Vec<WriteDescriptor>, Vec<Location>), ParseError> {
    let is_compressed = matches!(header.variant, Variant::V1Compressed(_));
    let mut cursor = Cursor::new("write descriptor", bytes, offset);
    let mut descriptors = Vec::new();
    let mut locations = Vec::new();
    for _ in 0..header.write_descriptor_count {
        let count = cursor.u32("dwLocationCount")?;
        let block_count = cursor.u32("dwBlockCount")?;
        if is_compressed {
            cursor.u32("compressed size")?;
        }
        let first = locations.len();
        // Each location takes eight bytes of the input, which bounds the work.
        for _ in 0..count {
            let place = cursor.clone();
            let access = match cursor.u32("dwDiskAccessMethod")? {
                0 => AccessMethod::Begin,
                2 => AccessMethod::End,
                other => {
                    let expected = "0 (from the beginning) or 2 (from the end)";
                    return Err(place.invalid("dwDiskAccessMethod", other, expected));
                }
            };
            let block = cursor.u32("dwBlockIndex")?;
            locations.push(Location { access, block });
        }
        descriptors.push(WriteDescriptor {
            block_count,
            locations: first..locations.len(),
        });
    }
    consumed(&cursor, "dwWriteDescriptorLength")?;
    Ok((descriptors, locations))
}

/// An error where entries do not fill the length that the header states.
fn consumed(cursor: &Cursor<'_>, field: &'static str) -> Result<(), ParseError> {
    match cursor.remaining() {
        0 => Ok(()),
        left => Err(ParseError {
            structure: "STORE_HEADER",
            field,
            offset: cursor.offset(),
            problem: Problem::Invalid {
                found: format!("{left} bytes behind the last entry"),
                expected: "none".to_owned(),
            },
        }),
    }
}
