//! Values: their names, types and data.
//!
//! ```text
//! vk   0  "vk"                              8  place of the data u32, or the data themselves
//!      2  bytes of the name u16            12  type u32
//!      4  bytes of the data u32; the       16  flags u16
//!         highest bit: up to 4, in place   20  name
//! db   0  "db"   2  segments u16   4  list of their places u32
//! ```

use std::fmt;

use super::key::{name_of, signature};
use crate::cursor::Cursor;
use crate::error::ParseError;
use crate::windows_name::utf16;

/// The flag of a name with one byte for each character.
const COMPRESSED_NAME: u16 = 0x0001;
/// The bit of a length that says that the data stand in place.
const IN_PLACE: u32 = 0x8000_0000;
/// Bytes in front of the name.
pub(super) const FIXED: u32 = 20;

/// The type of a value's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// `REG_NONE`
    None,
    /// `REG_SZ`
    Sz,
    /// `REG_EXPAND_SZ`
    ExpandSz,
    /// `REG_BINARY`
    Binary,
    /// `REG_DWORD`
    Dword,
    /// `REG_DWORD_BIG_ENDIAN`
    DwordBigEndian,
    /// `REG_LINK`
    Link,
    /// `REG_MULTI_SZ`
    MultiSz,
    /// `REG_RESOURCE_LIST`
    ResourceList,
    /// `REG_FULL_RESOURCE_DESCRIPTOR`
    FullResourceDescriptor,
    /// `REG_RESOURCE_REQUIREMENTS_LIST`
    ResourceRequirementsList,
    /// `REG_QWORD`
    Qword,
    /// Any other number.
    Other(u32),
}

impl ValueType {
    fn of(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Sz,
            2 => Self::ExpandSz,
            3 => Self::Binary,
            4 => Self::Dword,
            5 => Self::DwordBigEndian,
            6 => Self::Link,
            7 => Self::MultiSz,
            8 => Self::ResourceList,
            9 => Self::FullResourceDescriptor,
            10 => Self::ResourceRequirementsList,
            11 => Self::Qword,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "REG_NONE",
            Self::Sz => "REG_SZ",
            Self::ExpandSz => "REG_EXPAND_SZ",
            Self::Binary => "REG_BINARY",
            Self::Dword => "REG_DWORD",
            Self::DwordBigEndian => "REG_DWORD_BIG_ENDIAN",
            Self::Link => "REG_LINK",
            Self::MultiSz => "REG_MULTI_SZ",
            Self::ResourceList => "REG_RESOURCE_LIST",
            Self::FullResourceDescriptor => "REG_FULL_RESOURCE_DESCRIPTOR",
            Self::ResourceRequirementsList => "REG_RESOURCE_REQUIREMENTS_LIST",
            Self::Qword => "REG_QWORD",
            Self::Other(number) => return write!(f, "type {number}"),
        })
    }
}

/// A value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its name; empty for the default value of its key.
    pub name: String,
    /// What the data are said to be.
    pub kind: ValueType,
    /// Bytes of the data.
    pub length: u32,
    /// Where the value stands in the file.
    pub offset: u64,
    pub(super) place: DataPlace,
}

/// Where data stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataPlace {
    Here([u8; 4]),
    Cell(u32),
}

/// Bytes of the name of a value that begins with `fixed`; 0 where that is cut off.
pub(super) fn name_length(fixed: &[u8]) -> u32 {
    match fixed {
        [_, _, low, high, ..] => u32::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    }
}

impl Value {
    /// Reads the content of a cell, which stands at byte `offset` of the file.
    pub(super) fn read(bytes: &[u8], offset: u64) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("vk", bytes, offset);
        signature(&mut cursor, "vk", b"vk")?;
        let name_length = cursor.u16("NameLength")?;
        let length = cursor.u32("DataLength")?;
        let place = cursor.array::<4>("Data")?;
        let kind = ValueType::of(cursor.u32("Type")?);
        let flags = cursor.u16("Flags")?;
        cursor.u16("Spare")?;
        let name = cursor.bytes("Name", usize::from(name_length))?;
        let here = length & IN_PLACE != 0;
        let length = length & !IN_PLACE;
        if here && length > 4 {
            let at = offset.saturating_add(4);
            let found = format_args!("{length} bytes in place").to_string();
            return Err(ParseError::invalid(
                "vk",
                "DataLength",
                at,
                found,
                "up to 4",
            ));
        }
        Ok(Self {
            name: name_of(name, flags & COMPRESSED_NAME != 0),
            kind,
            length,
            offset,
            place: match here {
                true => DataPlace::Here(place),
                false => DataPlace::Cell(u32::from_le_bytes(place)),
            },
        })
    }
}

/// What a value holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// What it is said to be.
    pub kind: ValueType,
    /// As it stands in the hive.
    pub bytes: Vec<u8>,
}

impl Data {
    /// The number of a `REG_DWORD`, `REG_DWORD_BIG_ENDIAN` or `REG_QWORD` with as many bytes as its type has.
    pub fn number(&self) -> Option<u64> {
        let bytes = self.bytes.as_slice();
        match self.kind {
            ValueType::Dword => Some(u32::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::DwordBigEndian => Some(u32::from_be_bytes(bytes.try_into().ok()?).into()),
            ValueType::Qword => Some(u64::from_le_bytes(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    /// The text of a `REG_SZ`, `REG_EXPAND_SZ` or `REG_LINK`, up to the first NUL.
    pub fn text(&self) -> Option<String> {
        match self.kind {
            ValueType::Sz | ValueType::ExpandSz | ValueType::Link => {
                let text = utf16(&self.bytes);
                Some(text.split('\0').next().unwrap_or_default().to_owned())
            }
            _ => None,
        }
    }

    /// The texts of a `REG_MULTI_SZ`, up to the first empty one.
    pub fn texts(&self) -> Option<Vec<String>> {
        match self.kind {
            ValueType::MultiSz => {
                let all = utf16(&self.bytes);
                let texts = all.split('\0').take_while(|text| !text.is_empty());
                Some(texts.map(str::to_owned).collect())
            }
            _ => None,
        }
    }
}
