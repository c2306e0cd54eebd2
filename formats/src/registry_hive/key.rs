//! Keys and the lists that lead from a key to those below it.
//!
//! ```text
//! nk       0  "nk"                      20  keys below u32      40  list of values u32
//!          2  flags u16                 28  list of them u32    72  bytes of the name u16
//!          4  last written FILETIME     36  values u32          76  name
//!         16  parent u32
//! lf, lh   0  "lf"   2  count u16   4  count x (key u32, hash u32)
//! li       0  "li"   2  count u16   4  count x key u32
//! ri       0  "ri"   2  count u16   4  count x list u32, of the kinds above
//! ```

use crate::cursor::Cursor;
use crate::error::ParseError;
use crate::windows_name::utf16;

/// The flag of the key that a hive begins with.
const ROOT: u16 = 0x0004;
/// The flag of a key that leads to another one.
const LINK: u16 = 0x0010;
/// The flag of a name with one byte for each character.
const COMPRESSED_NAME: u16 = 0x0020;
/// Bytes in front of the name.
const FIXED: u32 = 76;
/// Bytes that are read of a key: a name has at most 255 UTF-16 units.
pub(super) const READ: u32 = FIXED + 512;

/// A key of a hive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its own name, without those above it.
    pub name: String,
    /// When it was last written, in steps of 100 ns since 1601, UTC.
    pub last_written: u64,
    /// How many keys are below it.
    pub subkey_count: u32,
    /// How many values it has.
    pub value_count: u32,
    /// Whether it leads to another key, which `SymbolicLinkValue` names; the reader does not follow.
    pub is_link: bool,
    /// Where it stands in the file.
    pub offset: u64,
    /// Its cell.
    pub(super) cell: u32,
    pub(super) parent: u32,
    pub(super) is_root: bool,
    pub(super) subkeys: u32,
    pub(super) values: u32,
}

impl Key {
    /// Reads the content of a cell, which stands at byte `offset` of the file.
    pub(super) fn read(bytes: &[u8], offset: u64, cell: u32) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("nk", bytes, offset);
        signature(&mut cursor, "nk", b"nk")?;
        let flags = cursor.u16("Flags")?;
        let last_written = cursor.u64("LastWritten")?;
        cursor.u32("AccessBits")?;
        let parent = cursor.u32("Parent")?;
        let subkey_count = cursor.u32("SubkeyCount")?;
        cursor.u32("VolatileSubkeyCount")?;
        let subkeys = cursor.u32("SubkeyList")?;
        cursor.u32("VolatileSubkeyList")?;
        let value_count = cursor.u32("ValueCount")?;
        let values = cursor.u32("ValueList")?;
        cursor.bytes("Security", 28)?;
        let length = cursor.u16("NameLength")?;
        cursor.u16("ClassNameLength")?;
        let name = cursor.bytes("Name", usize::from(length))?;
        Ok(Self {
            name: name_of(name, flags & COMPRESSED_NAME != 0),
            last_written,
            subkey_count,
            value_count,
            is_link: flags & LINK != 0,
            offset,
            cell,
            parent,
            is_root: flags & ROOT != 0,
            subkeys,
            values,
        })
    }

    /// Where field `offset` of the key stands in the file.
    pub(super) fn at(&self, offset: u64) -> u64 {
        self.offset.saturating_add(offset)
    }
}

/// A list of keys, or of such lists.
pub(super) enum List {
    /// Places of keys, each with where it is written.
    Keys(Vec<(u32, u64)>),
    /// Places of lists.
    Lists(Vec<(u32, u64)>),
}

impl List {
    /// Reads the content of a cell, which stands at byte `offset` of the file.
    pub(super) fn read(bytes: &[u8], offset: u64) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("subkey list", bytes, offset);
        let signature = cursor.array::<2>("Signature")?;
        let count = cursor.u16("Count")?;
        let (has_hash, lists) = match &signature {
            b"lf" | b"lh" => (true, false),
            b"li" => (false, false),
            b"ri" => (false, true),
            other => {
                let found = other.escape_ascii().to_string();
                let expected = "lf, lh, li or ri";
                return Err(ParseError::invalid(
                    "subkey list",
                    "Signature",
                    offset,
                    found,
                    expected,
                ));
            }
        };
        let mut places = Vec::new();
        for _ in 0..count {
            let at = cursor.offset();
            places.push((cursor.u32("Entry")?, at));
            if has_hash {
                cursor.u32("Hash")?;
            }
        }
        Ok(match lists {
            true => Self::Lists(places),
            false => Self::Keys(places),
        })
    }
}

/// Reads the two letters that a cell begins with.
pub(super) fn signature(
    cursor: &mut Cursor<'_>,
    structure: &'static str,
    expected: &[u8; 2],
) -> Result<(), ParseError> {
    let offset = cursor.offset();
    let found = cursor.array::<2>("Signature")?;
    if found == *expected {
        return Ok(());
    }
    let found = found.escape_ascii().to_string();
    let expected = expected.escape_ascii();
    Err(ParseError::invalid(
        structure,
        "Signature",
        offset,
        found,
        expected,
    ))
}

/// A name: UTF-16, or the low byte of each unit.
pub(super) fn name_of(bytes: &[u8], compressed: bool) -> String {
    match compressed {
        true => bytes.iter().copied().map(char::from).collect(),
        false => utf16(bytes),
    }
}
