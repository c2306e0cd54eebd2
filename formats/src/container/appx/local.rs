//! Local file headers and data descriptors, which repeat what the central directory says.

use std::io::{Read, Seek};

use super::central::{Entry, HEADER, Sizes, put};
use super::extra::{Zip64, read_zip64};
use super::input::Walk;
use crate::cursor::Cursor;
use crate::error::ParseError;

const LOCAL: &str = "LocalFileHeader";
const DESCRIPTOR: &str = "DataDescriptor";
/// Bytes of a local header in front of its name.
const FIXED: usize = 30;
/// Bytes of a data descriptor with its signature and sizes of 32 bits, and with sizes of 64 bits.
const DESCRIPTORS: [u64; 2] = [16, 24];

/// A local header as it stands (APPNOTE 4.3.7).
///
/// | offset | length | local file header |
/// |---|---|---|
/// | 0 | 4 | signature `PK\3\4` |
/// | 4 | 2 | version needed to extract |
/// | 6 | 2 | general purpose flags |
/// | 8 | 2 | compression method |
/// | 10 | 2 + 2 | last modification time and date |
/// | 14 | 4 | CRC-32, 0 before a data descriptor |
/// | 18 | 4 | compressed size, 0 before a data descriptor |
/// | 22 | 4 | uncompressed size, 0 before a data descriptor |
/// | 26 | 2 + 2 | lengths of name and extra fields |
/// | 30 | | name, extra fields |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalHeader {
    /// The header's bytes.
    pub(super) bytes: Vec<u8>,
    zip64: Zip64,
}

/// Reads the local header and the descriptor of every entry, in the order of the file, and notes where data begin and
/// records end. `directory` is the offset of the central directory, where the last record must end.
///
/// Gives the faults: what leaves room for another reading of the archive. Every deviation from the central directory is
/// one, and so is every byte between records.
///
/// # Errors
/// Where a header is missing or malformed, or a record reaches into the next.
pub(super) fn read(
    input: &mut (impl Read + Seek),
    entries: &mut [Entry],
    directory: u64,
) -> Result<Vec<ParseError>, ParseError> {
    let mut faults = Vec::new();
    if !entries.is_sorted_by_key(|entry| entry.offset) {
        let expected = "the order of the records";
        let found = "headers in another order";
        faults.push(ParseError::invalid(
            HEADER,
            "relative offset of local header",
            directory,
            found,
            expected,
        ));
    }
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries.get(*index).map(|entry| entry.offset));
    let starts = order
        .iter()
        .skip(1)
        .filter_map(|index| entries.get(*index).map(|entry| entry.offset));
    let ends: Vec<u64> = starts.chain([directory]).collect();
    let first = order.first().and_then(|index| entries.get(*index));
    if let Some(first) = first.filter(|first| first.offset > 0) {
        let bytes = first.offset;
        faults.push(gap(LOCAL, 0, bytes));
    }
    let mut walk = Walk::new(input);
    for (index, end) in order.into_iter().zip(ends) {
        if let Some(entry) = entries.get_mut(index) {
            let (local, sizes) = LocalHeader::read(&mut walk, entry, &mut faults)?;
            entry.data = entry.offset.saturating_add(local.bytes.len() as u64);
            entry.end = end;
            check_tail(&mut walk, entry, sizes, &mut faults)?;
        }
    }
    Ok(faults)
}

fn gap(structure: &'static str, offset: u64, bytes: u64) -> ParseError {
    let found = format!("{bytes} bytes in front of it that belong to no file");
    ParseError::invalid(structure, "signature", offset, found, "none")
}

impl LocalHeader {
    /// Reads the local header of `entry` and compares it; gives the sizes that it states.
    pub(super) fn read<R: Read + Seek>(
        walk: &mut Walk<'_, R>,
        entry: &Entry,
        faults: &mut Vec<ParseError>,
    ) -> Result<(Self, Sizes), ParseError> {
        let at = entry.offset;
        walk.go_to(LOCAL, at)?;
        let mut bytes = Vec::new();
        walk.append(LOCAL, FIXED, &mut bytes)?;
        let mut cursor = Cursor::new(LOCAL, &bytes, at);
        if cursor.bytes("signature", 4)? != b"PK\x03\x04" {
            let found = format!("something else ({})", entry.name);
            return Err(ParseError::invalid(
                LOCAL,
                "signature",
                at,
                found,
                "PK\\3\\4",
            ));
        }
        let version_needed = cursor.u16("version needed to extract")?;
        let flags = cursor.u16("general purpose flags")?;
        let method = cursor.u16("compression method")?;
        let modified: [u8; 4] = cursor.array("last modification")?;
        let crc_32 = cursor.u32("crc-32")?;
        let compressed = cursor.u32("compressed size")?;
        let uncompressed = cursor.u32("uncompressed size")?;
        let name_length = usize::from(cursor.u16("file name length")?);
        let extra_length = usize::from(cursor.u16("extra field length")?);
        walk.append(LOCAL, name_length.saturating_add(extra_length), &mut bytes)?;
        let mut cursor = Cursor::new(LOCAL, bytes.get(FIXED..).unwrap_or_default(), at);
        let name = cursor.bytes("file name", name_length)?;
        let place = FIXED.saturating_add(cursor.position());
        let extra = cursor.bytes("extra field", extra_length)?;
        let wanted = [uncompressed == u32::MAX, compressed == u32::MAX, false];
        let (zip64, [long_uncompressed, long_compressed, _]) =
            read_zip64(LOCAL, extra, place, wanted, at)?;
        let sizes = Sizes {
            crc_32,
            compressed: long_compressed.unwrap_or(u64::from(compressed)),
            uncompressed: long_uncompressed.unwrap_or(u64::from(uncompressed)),
        };
        let same = [
            ("file name", name == entry.name.as_bytes()),
            (
                "version needed to extract",
                version_needed == entry.version_needed,
            ),
            ("general purpose flags", flags == entry.flags),
            ("compression method", method == entry.method),
            ("last modification", modified == entry.modified),
        ];
        for (field, same) in same {
            if !same {
                faults.push(differs(LOCAL, field, at, entry));
            }
        }
        Ok((Self { bytes, zip64 }, sizes))
    }

    /// The header for other sizes; `None` where it has no room for them.
    pub(super) fn rewrite(&self, entry: &Entry, sizes: Sizes) -> Option<Vec<u8>> {
        let mut out = self.bytes.clone();
        if entry.has_descriptor() {
            return Some(out);
        }
        put(&mut out, Some(14), &sizes.crc_32.to_le_bytes());
        let values = [
            (18, self.zip64.compressed, sizes.compressed),
            (22, self.zip64.uncompressed, sizes.uncompressed),
        ];
        for (place, long_place, value) in values {
            match long_place {
                Some(place) => put(&mut out, Some(place), &value.to_le_bytes()),
                None => {
                    let short = u32::try_from(value).ok().filter(|v| *v != u32::MAX)?;
                    put(&mut out, Some(place), &short.to_le_bytes());
                }
            }
        }
        Some(out)
    }
}

/// A new local header without extra fields for `entry`, whose sizes fit into 32 bits and stand in the header.
pub(super) fn write(entry: &Entry) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    for value in [entry.version_needed, entry.flags, entry.method] {
        out.extend(value.to_le_bytes());
    }
    out.extend(entry.modified);
    out.extend(entry.sizes.crc_32.to_le_bytes());
    for size in [entry.sizes.compressed, entry.sizes.uncompressed] {
        out.extend((size as u32).to_le_bytes());
    }
    out.extend((entry.name.len() as u16).to_le_bytes());
    out.extend([0; 2]);
    out.extend(entry.name.as_bytes());
    out
}

/// A data descriptor as long as `old_length` (APPNOTE 4.3.9): signature, CRC-32, compressed and uncompressed size.
pub(super) fn write_descriptor(sizes: Sizes, old_length: u64) -> Option<Vec<u8>> {
    let mut out = b"PK\x07\x08".to_vec();
    out.extend(sizes.crc_32.to_le_bytes());
    for size in [sizes.compressed, sizes.uncompressed] {
        match old_length {
            16 => out.extend(u32::try_from(size).ok()?.to_le_bytes()),
            _ => out.extend(size.to_le_bytes()),
        }
    }
    Some(out)
}

fn differs(structure: &'static str, field: &'static str, at: u64, entry: &Entry) -> ParseError {
    let found = format!("another value ({})", entry.name);
    let expected = "that of the central directory";
    ParseError::invalid(structure, field, at, found, expected)
}

/// Checks what stands between the data of `entry` and the next record: its descriptor and nothing else.
fn check_tail<R: Read + Seek>(
    walk: &mut Walk<'_, R>,
    entry: &Entry,
    local: Sizes,
    faults: &mut Vec<ParseError>,
) -> Result<(), ParseError> {
    let data_end = entry.data.checked_add(entry.sizes.compressed);
    let tail = data_end.and_then(|data_end| entry.end.checked_sub(data_end));
    let (Some(data_end), Some(tail)) = (data_end, tail) else {
        let found = format!("{} bytes ({})", entry.sizes.compressed, entry.name);
        let expected = format!("a record that ends at {}", entry.end);
        return Err(ParseError::invalid(
            LOCAL,
            "compressed size",
            entry.offset,
            found,
            expected,
        ));
    };
    if !entry.has_descriptor() {
        if local != entry.sizes {
            faults.push(differs(LOCAL, "compressed size", entry.offset, entry));
        }
        if tail > 0 {
            faults.push(gap(LOCAL, entry.end, tail));
        }
        return Ok(());
    }
    let blank = Sizes {
        crc_32: 0,
        compressed: 0,
        uncompressed: 0,
    };
    if local != blank && local != entry.sizes {
        faults.push(differs(LOCAL, "compressed size", entry.offset, entry));
    }
    if !DESCRIPTORS.contains(&tail) {
        let found = format!("{tail} bytes behind the data ({})", entry.name);
        let expected = "a data descriptor of 16 or 24 bytes";
        faults.push(ParseError::invalid(
            DESCRIPTOR,
            "signature",
            data_end,
            found,
            expected,
        ));
        return Ok(());
    }
    walk.go_to(DESCRIPTOR, data_end)?;
    let mut bytes = Vec::new();
    walk.append(DESCRIPTOR, tail as usize, &mut bytes)?;
    if write_descriptor(entry.sizes, tail).as_deref() != Some(&bytes) {
        faults.push(differs(DESCRIPTOR, "crc-32", data_end, entry));
    }
    Ok(())
}
