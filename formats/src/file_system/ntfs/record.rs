//! Records of the master file table, and the fix-ups of everything that spans sectors.
//!
//! ```text
//!  0  "FILE"                  20  offset of the first attribute u16
//!  4  offset of fix-ups u16   22  flags u16: 1 in use, 2 directory
//!  6  number of fix-ups u16   32  base record u64, 0 in a base record
//! 16  sequence number u16
//! ```

use super::attribute::Attribute;
use crate::cursor::Cursor;
use crate::error::ParseError;

/// Bytes that one fix-up is for.
const STRIDE: usize = 512;

/// Which record is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::file_system) struct Reference {
    pub(super) number: u64,
    /// The use of the record that is meant, where it matters.
    pub(super) sequence: Option<u16>,
}

impl Reference {
    pub(in crate::file_system) const ROOT: Self = Self {
        number: 5,
        sequence: None,
    };

    /// The reference that stands in 8 bytes.
    pub(super) fn of(value: u64) -> Self {
        Self {
            number: value & 0xffff_ffff_ffff,
            sequence: u16::try_from(value >> 48).ok(),
        }
    }
}

/// A record.
pub(super) struct Record {
    pub(super) number: u64,
    /// On the volume.
    pub(super) offset: u64,
    pub(super) directory: bool,
    /// The record that this extends.
    pub(super) base: u64,
    first_attribute: usize,
    bytes: Vec<u8>,
}

impl Record {
    /// Reads the record that `reference` means from its bytes.
    pub(super) fn read(
        mut bytes: Vec<u8>,
        offset: u64,
        reference: Reference,
    ) -> Result<Self, ParseError> {
        fix_up(&mut bytes, "FILE record", *b"FILE", offset)?;
        let mut cursor = Cursor::new("FILE record", &bytes, offset);
        cursor.bytes("Signature", 16)?;
        let sequence = cursor.u16("SequenceNumber")?;
        cursor.u16("ReferenceCount")?;
        let first_attribute = usize::from(cursor.u16("FirstAttributeOffset")?);
        let flags = cursor.u16("Flags")?;
        cursor.u64("FirstFreeByte")?;
        let base = Reference::of(cursor.u64("BaseFileRecordSegment")?).number;
        let invalid = |field, at: u64, found: String, expected: String| {
            let offset = offset.saturating_add(at);
            ParseError::invalid("FILE record", field, offset, found, expected)
        };
        if flags & 1 == 0 {
            let found = format!("record {}, which is not in use", reference.number);
            return Err(invalid("Flags", 22, found, "one that is".to_owned()));
        }
        if reference
            .sequence
            .is_some_and(|expected| expected != sequence && expected != 0)
        {
            let expected = format!(
                "{}, as in the reference",
                reference.sequence.unwrap_or_default()
            );
            return Err(invalid(
                "SequenceNumber",
                16,
                sequence.to_string(),
                expected,
            ));
        }
        Ok(Self {
            number: reference.number,
            offset,
            directory: flags & 2 != 0,
            base,
            first_attribute,
            bytes,
        })
    }

    /// The attributes that stand in it.
    pub(super) fn attributes(&self) -> Result<Vec<Attribute>, ParseError> {
        let mut attributes = Vec::new();
        let mut at = self.first_attribute;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let offset = self.offset.saturating_add(at as u64);
            match Attribute::read(rest, offset)? {
                Some((attribute, length)) => {
                    attributes.push(attribute);
                    at = at.saturating_add(length);
                }
                None => return Ok(attributes),
            }
        }
    }
}

/// Checks the signature of a structure and puts back the last two bytes of each of its sectors.
pub(super) fn fix_up(
    bytes: &mut [u8],
    structure: &'static str,
    signature: [u8; 4],
    offset: u64,
) -> Result<(), ParseError> {
    let mut cursor = Cursor::new(structure, bytes, offset);
    let found: [u8; 4] = cursor.array("Signature")?;
    if found != signature {
        let expected = String::from_utf8_lossy(&signature).into_owned();
        let found = format_args!("{}", found.escape_ascii()).to_string();
        return Err(ParseError::invalid(
            structure,
            "Signature",
            offset,
            found,
            expected,
        ));
    }
    let start = usize::from(cursor.u16("UpdateSequenceOffset")?);
    let count = usize::from(cursor.u16("UpdateSequenceSize")?);
    let sectors = bytes.len() / STRIDE;
    if count != sectors.saturating_add(1) {
        return Err(ParseError::invalid(
            structure,
            "UpdateSequenceSize",
            offset.saturating_add(6),
            count,
            format_args!("{}, for {sectors} sectors", sectors.saturating_add(1)),
        ));
    }
    let place = offset.saturating_add(start as u64);
    let rest = bytes.get(start..).unwrap_or_default().to_vec();
    let mut cursor = Cursor::new(structure, &rest, place);
    let stamp: [u8; 2] = cursor.array("UpdateSequence")?;
    for index in 0..sectors {
        let original: [u8; 2] = cursor.array("UpdateSequence")?;
        let end = index.saturating_add(1).saturating_mul(STRIDE);
        let Some(last) = bytes.get_mut(end.saturating_sub(2)..end) else {
            continue;
        };
        if last != stamp {
            return Err(ParseError::invalid(
                structure,
                "UpdateSequence",
                offset.saturating_add(end as u64).saturating_sub(2),
                "a sector that was not written with the others",
                "the same number at the end of each",
            ));
        }
        last.copy_from_slice(&original);
    }
    Ok(())
}
