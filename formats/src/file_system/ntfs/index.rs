//! Directories: trees of names.
//!
//! ```text
//! INDEX_ROOT    0 type u32, 4 collation u32, 8 bytes of a block u32, 16 header
//! INDX block    0 "INDX", 4 fix-ups, 16 VCN u64, 24 header
//! header        0 offset of entries u32, 4 length u32, 8 allocated u32, 12 flags u8
//! entry         0 reference u64, 8 length u16, 10 length of the key u16, 12 flags u16 (1 has a child, 2 last), 16 key,
//!               in the last 8 bytes the VCN of the child
//! key           64 length of the name u8, 65 namespace u8 (2: DOS), 66 name
//! ```

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::record::fix_up;
use super::{MAX_ENTRIES, Reference, Runs, utf16};
use crate::cursor::Cursor;
use crate::error::ParseError;

/// What the attributes of an index of names are called.
pub(super) const NAME: &str = "$I30";
const HAS_CHILD: u16 = 1;
const LAST: u16 = 2;

/// The root of a tree.
pub(super) struct Root {
    block: u64,
    names: Vec<Name>,
    children: Vec<u64>,
}

/// A name in a directory.
pub(super) struct Name {
    pub(super) text: String,
    pub(super) reference: Reference,
    /// Of eight and three characters, beside a long one.
    pub(super) dos: bool,
}

impl Root {
    /// Reads the value of an `INDEX_ROOT`.
    pub(super) fn read(bytes: &[u8], offset: u64) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("INDEX_ROOT", bytes, offset);
        cursor.u64("AttributeType")?;
        let block = u64::from(cursor.u32("BytesPerIndexBuffer")?);
        if !(512..=65536).contains(&block) || !block.is_power_of_two() {
            return Err(ParseError::invalid(
                "INDEX_ROOT",
                "BytesPerIndexBuffer",
                offset.saturating_add(8),
                block,
                "512 to 65536, a power of two",
            ));
        }
        let mut root = Self {
            block,
            names: Vec::new(),
            children: Vec::new(),
        };
        let header = bytes.get(16..).unwrap_or_default();
        let place = offset.saturating_add(16);
        entries(header, place, &mut root.names, &mut root.children)?;
        Ok(root)
    }
}

/// Every name of the tree. Each block is read once; one that is led to twice is an error.
pub(super) fn walk(
    input: &mut (impl Read + Seek),
    root: Root,
    blocks: Option<&Runs>,
    cluster: u64,
) -> Result<Vec<Name>, ParseError> {
    let Root {
        block,
        mut names,
        children: mut waiting,
    } = root;
    let unit = if cluster <= block { cluster } else { 512 };
    let mut seen = BTreeSet::new();
    while let Some(vcn) = waiting.pop() {
        let start = vcn.saturating_mul(unit);
        let offset = blocks.and_then(|runs| runs.place(start)).unwrap_or(start);
        let invalid =
            |found: String, expected| ParseError::invalid("INDX", "child", offset, found, expected);
        let Some(runs) = blocks else {
            return Err(invalid(
                format!("block {vcn}"),
                "none, as none was allocated",
            ));
        };
        if !seen.insert(vcn) {
            return Err(invalid(format!("block {vcn} again"), "a tree"));
        }
        let mut bytes = vec![0; usize::try_from(block).unwrap_or_default()];
        runs.read_exact(input, start, &mut bytes)
            .map_err(|error| ParseError::io("INDX", "block", offset, &error))?;
        fix_up(&mut bytes, "INDX", *b"INDX", offset)?;
        let header = bytes.get(24..).unwrap_or_default();
        let place = offset.saturating_add(24);
        entries(header, place, &mut names, &mut waiting)?;
        if names.len() > MAX_ENTRIES {
            let found = names.len() as u64;
            return Err(ParseError::limit(
                "INDX",
                "entries",
                offset,
                found,
                MAX_ENTRIES as u64,
            ));
        }
    }
    Ok(names)
}

/// Adds the entries behind a header.
fn entries(
    header: &[u8],
    offset: u64,
    names: &mut Vec<Name>,
    children: &mut Vec<u64>,
) -> Result<(), ParseError> {
    let mut cursor = Cursor::new("INDEX_HEADER", header, offset);
    let mut at = cursor.u32("FirstIndexEntry")? as usize;
    let end = cursor.u32("FirstFreeByte")? as usize;
    let Some(header) = header.get(..end) else {
        return Err(ParseError::invalid(
            "INDEX_HEADER",
            "FirstFreeByte",
            offset.saturating_add(4),
            end,
            format_args!("up to {}", header.len()),
        ));
    };
    loop {
        let place = offset.saturating_add(at as u64);
        let rest = header.get(at..).unwrap_or_default();
        let mut cursor = Cursor::new("INDEX_ENTRY", rest, place);
        let reference = Reference::of(cursor.u64("FileReference")?);
        let length = usize::from(cursor.u16("Length")?);
        let key = usize::from(cursor.u16("AttributeLength")?);
        let flags = cursor.u16("Flags")?;
        cursor.u16("Reserved")?;
        let Some(entry) = rest.get(..length).filter(|entry| entry.len() >= 16) else {
            return Err(ParseError::invalid(
                "INDEX_ENTRY",
                "Length",
                place.saturating_add(8),
                length,
                format_args!("16 to {}", rest.len()),
            ));
        };
        if flags & HAS_CHILD != 0 {
            let start = entry.len().saturating_sub(8);
            let last = entry.get(start..).unwrap_or_default();
            let place = place.saturating_add(start as u64);
            children.push(Cursor::new("INDEX_ENTRY", last, place).u64("child")?);
        }
        if flags & LAST != 0 {
            return Ok(());
        }
        let mut cursor = Cursor::new(
            "FILE_NAME",
            cursor.bytes("key", key)?,
            place.saturating_add(16),
        );
        cursor.bytes("ParentDirectory", 64)?;
        let count = usize::from(cursor.u8("FileNameLength")?);
        let dos = cursor.u8("Flags")? == 2;
        let text = utf16(cursor.bytes("FileName", count.saturating_mul(2))?);
        names.push(Name {
            text,
            reference,
            dos,
        });
        at = at.saturating_add(length);
    }
}
