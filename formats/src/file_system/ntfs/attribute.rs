//! Attributes: what a file has.
//!
//! ```text
//!  0  type u32                  resident:       16 length u32, 20 offset u16
//!  4  length u32                not resident:   16 lowest VCN u64, 24 highest VCN u64, 32 offset of runs u16,
//!  8  1 if not resident                         34 compression unit u16, 40 allocated u64, 48 size u64,
//!  9  length of the name u8                     56 initialized u64
//! 10  offset of the name u16
//! 12  flags u16: 0xff compressed, 0x4000 encrypted, 0x8000 sparse
//! ```
//!
//! Runs are pairs: a byte with the sizes of both numbers, the number of clusters, and how far the first lies behind the
//! first of the run before; without the latter nothing was written.

use super::{MAX_RUNS, Reference, Run, utf16};
use crate::cursor::Cursor;
use crate::error::ParseError;

/// Types of attributes.
pub(super) mod kind {
    pub(in crate::file_system::ntfs) const ATTRIBUTE_LIST: u32 = 0x20;
    pub(in crate::file_system::ntfs) const DATA: u32 = 0x80;
    pub(in crate::file_system::ntfs) const INDEX_ROOT: u32 = 0x90;
    pub(in crate::file_system::ntfs) const INDEX_ALLOCATION: u32 = 0xa0;
    pub(in crate::file_system::ntfs) const REPARSE_POINT: u32 = 0xc0;
    pub(super) const END: u32 = 0xffff_ffff;
}

const COMPRESSED: u16 = 0x00ff;
const ENCRYPTED: u16 = 0x4000;

/// An attribute, or a part of one whose runs need several.
pub(super) struct Attribute {
    pub(super) kind: u32,
    pub(super) name: String,
    flags: u16,
    /// On the volume.
    pub(super) offset: u64,
    /// Of a resident value.
    pub(super) value_offset: u64,
    pub(super) value: Value,
}

pub(super) enum Value {
    Resident(Vec<u8>),
    Runs {
        lowest: u64,
        length: u64,
        initialized: u64,
        pairs: Vec<u8>,
    },
}

impl Attribute {
    /// The attribute at the start of `bytes` and its length; `None` behind the last.
    pub(super) fn read(bytes: &[u8], offset: u64) -> Result<Option<(Self, usize)>, ParseError> {
        let mut cursor = Cursor::new("attribute", bytes, offset);
        let kind = cursor.u32("TypeCode")?;
        if kind == kind::END {
            return Ok(None);
        }
        let length = cursor.u32("RecordLength")? as usize;
        let Some(bytes) = bytes.get(..length).filter(|bytes| bytes.len() >= 24) else {
            return Err(ParseError::invalid(
                "attribute",
                "RecordLength",
                offset.saturating_add(4),
                length,
                format_args!("24 to {}", bytes.len()),
            ));
        };
        let mut cursor = Cursor::new("attribute", bytes, offset);
        cursor.u64("TypeCode")?;
        let resident = cursor.u8("FormCode")? == 0;
        let name_length = usize::from(cursor.u8("NameLength")?).saturating_mul(2);
        let name_offset = usize::from(cursor.u16("NameOffset")?);
        let flags = cursor.u16("Flags")?;
        cursor.u16("Instance")?;
        let part = |field, start: usize, count: usize| {
            let rest = bytes.get(start..).unwrap_or_default();
            let place = offset.saturating_add(start as u64);
            Cursor::new("attribute", rest, place).bytes(field, count)
        };
        let name = utf16(part("Name", name_offset, name_length)?);
        let mut value_offset = offset;
        let value = if resident {
            let count = cursor.u32("ValueLength")? as usize;
            let start = usize::from(cursor.u16("ValueOffset")?);
            value_offset = offset.saturating_add(start as u64);
            Value::Resident(part("Value", start, count)?.to_vec())
        } else {
            let lowest = cursor.u64("LowestVcn")?;
            cursor.u64("HighestVcn")?;
            let start = usize::from(cursor.u16("MappingPairsOffset")?);
            cursor.bytes("CompressionUnit", 14)?;
            let size = cursor.u64("FileSize")?;
            let initialized = cursor.u64("ValidDataLength")?;
            let count = bytes.len().saturating_sub(start);
            Value::Runs {
                lowest,
                length: size,
                initialized,
                pairs: part("MappingPairs", start, count)?.to_vec(),
            }
        };
        let attribute = Self {
            kind,
            name,
            flags,
            offset,
            value_offset,
            value,
        };
        Ok(Some((attribute, length)))
    }

    /// Bytes of the value.
    pub(super) fn length(&self) -> u64 {
        match &self.value {
            Value::Resident(bytes) => bytes.len() as u64,
            Value::Runs { length, .. } => *length,
        }
    }

    /// The first cluster of the value that this part is about.
    pub(super) fn lowest_vcn(&self) -> u64 {
        match &self.value {
            Value::Resident(_) => 0,
            Value::Runs { lowest, .. } => *lowest,
        }
    }

    /// Nothing, where the value stands as it is.
    pub(super) fn decodable(&self) -> Result<(), ParseError> {
        let offset = self.offset.saturating_add(12);
        let unsupported = |what| Err(ParseError::unsupported("attribute", "Flags", offset, what));
        match &self.value {
            // A file that is to be compressed has the flag before it is large enough.
            Value::Runs { .. } if self.flags & COMPRESSED != 0 => {
                unsupported("compression with LZNT1")
            }
            _ if self.flags & ENCRYPTED != 0 => unsupported("encryption with EFS"),
            _ => Ok(()),
        }
    }

    /// An error about a field of it.
    pub(super) fn invalid(
        &self,
        field: &'static str,
        found: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) -> ParseError {
        ParseError::invalid("attribute", field, self.offset, found, expected)
    }
}

/// The records that an attribute list names.
pub(super) fn list(bytes: &[u8], offset: u64) -> Result<Vec<Reference>, ParseError> {
    let mut references = Vec::new();
    let mut at = 0_usize;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let place = offset.saturating_add(at as u64);
        let mut cursor = Cursor::new("ATTRIBUTE_LIST", rest, place);
        cursor.u32("AttributeTypeCode")?;
        let length = usize::from(cursor.u16("RecordLength")?);
        cursor.u16("AttributeNameLength")?;
        cursor.u64("LowestVcn")?;
        references.push(Reference::of(cursor.u64("SegmentReference")?));
        if length < 24 {
            let structure = "ATTRIBUTE_LIST";
            return Err(ParseError::invalid(
                structure,
                "RecordLength",
                place,
                length,
                "24 or more",
            ));
        }
        at = at.saturating_add(length);
    }
    Ok(references)
}

/// Adds the runs that `pairs` say.
pub(super) fn runs(
    pairs: &[u8],
    offset: u64,
    cluster: u64,
    runs: &mut Vec<Run>,
) -> Result<(), ParseError> {
    let mut cursor = Cursor::new("attribute", pairs, offset);
    let mut at = 0_i64;
    loop {
        let sizes = cursor.u8("MappingPairs")?;
        if sizes == 0 {
            return Ok(());
        }
        let count = cursor.bytes("MappingPairs", usize::from(sizes & 15))?;
        let distance = cursor.bytes("MappingPairs", usize::from(sizes >> 4))?;
        let invalid = |found: String, expected| {
            ParseError::invalid("attribute", "MappingPairs", offset, found, expected)
        };
        let length = signed(count)
            .and_then(|count| u64::try_from(count).ok())
            .filter(|count| *count > 0)
            .and_then(|count| count.checked_mul(cluster));
        let Some(length) = length else {
            return Err(invalid(
                format!("a run of {count:?}"),
                "a number of clusters",
            ));
        };
        let place = if distance.is_empty() {
            None
        } else {
            let next = signed(distance).and_then(|distance| at.checked_add(distance));
            let place = next.and_then(|next| u64::try_from(next).ok()?.checked_mul(cluster));
            let (Some(next), Some(place)) = (next, place) else {
                return Err(invalid(
                    "a run in front of the volume".to_owned(),
                    "one on it",
                ));
            };
            at = next;
            Some(place)
        };
        if runs.len() >= MAX_RUNS {
            let found = runs.len() as u64;
            return Err(ParseError::limit(
                "attribute",
                "MappingPairs",
                offset,
                found,
                MAX_RUNS as u64,
            ));
        }
        runs.push(Run { place, length });
    }
}

/// A number of up to 8 bytes with a sign.
fn signed(bytes: &[u8]) -> Option<i64> {
    let sign = bytes.last()? & 0x80;
    let mut all = [if sign == 0 { 0 } else { 0xff }; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(all))
}
