//! Extra fields of headers, of which packages have one: sizes and offsets of 64 bits (APPNOTE 4.5.3).

use std::ops::Range;

use super::central::Sizes;
use crate::cursor::Cursor;
use crate::error::ParseError;

/// Identifier of the extra field with the values that do not fit into 32 bits.
pub(super) const ZIP64_EXTRA: u16 = 1;
/// Bytes of that field with all three values, and its own head.
const ZIP64_ALL: u16 = 24;

/// Where values of a header stand in its zip64 field, counted from the header's start; absent where they stand in the
/// header itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Zip64 {
    pub(super) uncompressed: Option<usize>,
    pub(super) compressed: Option<usize>,
    pub(super) offset: Option<usize>,
}

/// A zip64 field with all three values, which every reader takes whatever it looks for.
pub(super) fn write_zip64(sizes: Sizes, offset: u64) -> Vec<u8> {
    let mut out = ZIP64_EXTRA.to_le_bytes().to_vec();
    out.extend(ZIP64_ALL.to_le_bytes());
    for value in [sizes.uncompressed, sizes.compressed, offset] {
        out.extend(value.to_le_bytes());
    }
    out
}

/// Identifiers and places, head included, of the extra fields.
pub(super) fn fields(
    structure: &'static str,
    extra: &[u8],
    at: u64,
) -> Result<Vec<(u16, Range<usize>)>, ParseError> {
    let mut cursor = Cursor::new(structure, extra, at);
    let mut fields = Vec::new();
    while cursor.remaining() > 0 {
        let start = cursor.position();
        let kind = cursor.u16("extra field")?;
        let length = cursor.u16("extra field")?;
        cursor.bytes("extra field", usize::from(length))?;
        fields.push((kind, start..cursor.position()));
    }
    Ok(fields)
}

/// Finds the values that the 32-bit fields leave to the zip64 field, in its order: uncompressed size, compressed size,
/// offset. `place` is where `extra` stands in its header.
///
/// # Errors
/// Where the field is missing, occurs twice, or holds more or fewer values than are left to it.
pub(super) fn read_zip64(
    structure: &'static str,
    extra: &[u8],
    place: usize,
    wanted: [bool; 3],
    at: u64,
) -> Result<(Zip64, [Option<u64>; 3]), ParseError> {
    let mut found = None;
    for (kind, range) in fields(structure, extra, at)? {
        if kind == ZIP64_EXTRA && found.replace(range).is_some() {
            let expected = "one zip64 field";
            return Err(ParseError::invalid(
                structure,
                "extra field",
                at,
                "two",
                expected,
            ));
        }
    }
    let range = found.unwrap_or_default();
    let is_there = !range.is_empty();
    let values = range.start.saturating_add(4).min(range.end);
    let bytes = extra.get(values..range.end).unwrap_or_default();
    let count = wanted.iter().filter(|wanted| **wanted).count();
    if bytes.len() != count.saturating_mul(8) && (is_there || count > 0) {
        let found = format!("a zip64 field of {} bytes", bytes.len());
        let expected = format!("{count} values of 8 bytes, which the header leaves to it");
        return Err(ParseError::invalid(
            structure,
            "extra field",
            at,
            found,
            expected,
        ));
    }
    let mut cursor = Cursor::new(structure, bytes, at);
    let mut places = [None; 3];
    let mut numbers = [None; 3];
    for ((wanted, place_of), number) in wanted.iter().zip(&mut places).zip(&mut numbers) {
        if *wanted {
            let inside = values.saturating_add(cursor.position());
            *place_of = Some(place.saturating_add(inside));
            *number = Some(u64::from_le_bytes(cursor.array("extra field")?));
        }
    }
    let [uncompressed, compressed, offset] = places;
    let zip64 = Zip64 {
        uncompressed,
        compressed,
        offset,
    };
    Ok((zip64, numbers))
}
