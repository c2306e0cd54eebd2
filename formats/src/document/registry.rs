//! Registry contents as package definitions and `.reg` files both give them, so that rules are written once.

use std::sync::Arc;

use crate::source::{Span, Spanned};

/// All registry keys and values of one document, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registry {
    /// Every key element or key line, empty keys included.
    pub keys: Vec<RegistryKey>,
    /// Every value.
    pub values: Vec<RegistryValue>,
}

/// A key that is created, or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryKey {
    /// The key as written, macros and short hive names included; see [`canonical_key`].
    pub key: Spanned<Arc<str>>,
    /// Whether the key is deleted (`[-HKEY_...]`); only `.reg` files can.
    pub deleted: bool,
    /// The whole element or line.
    pub element: Span,
    /// Symbolic place, e.g. `identity/regKeys/regKey[2]`.
    pub route: String,
}

/// A value that is set, or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryValue {
    /// The key as written.
    pub key: Spanned<Arc<str>>,
    /// The value's name; empty for the key's default value.
    pub name: Spanned<String>,
    /// The type; its span is that of the type's name, or the element where there is none.
    pub kind: Spanned<RegistryType>,
    /// The data as written (attribute value, or what follows the `=` in a `.reg` file); see
    /// [`RegistryValue::data`].
    pub written: Spanned<String>,
    /// In which notation `written` is.
    pub notation: Notation,
    /// The whole element or line.
    pub element: Span,
    /// Symbolic place, e.g. `identity/regKeys/regKey[2]/regValue[1]`.
    pub route: String,
}

/// The notations of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// `*.wm.xml`: numbers in hexadecimal with or without `0x`, several strings with `,`.
    WmXml,
    /// `*.pkg.xml`: numbers in hexadecimal, bytes with `,`, several strings with `;`.
    PkgXml,
    /// `.reg` version 5: `dword:`, `hex(n):`, quoted text; strings in `hex` are UTF-16LE.
    Reg5,
    /// `.reg` of `REGEDIT4`: the same, strings in `hex` are single-byte.
    Reg4,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryType {
    /// `REG_NONE`, `hex(0):`.
    None,
    /// `REG_SZ`.
    Sz,
    /// `REG_EXPAND_SZ`, `hex(2):`.
    ExpandSz,
    /// `REG_BINARY`, `hex:`.
    Binary,
    /// `REG_DWORD`, `dword:`, `hex(4):`.
    Dword,
    /// `REG_DWORD_BIG_ENDIAN`, `hex(5):`.
    DwordBigEndian,
    /// `REG_MULTI_SZ`, `hex(7):`.
    MultiSz,
    /// `REG_QWORD`, `hex(b):`.
    Qword,
    /// Any other number in `hex(n):`, or `REG_HEX` of a package definition when it names one.
    Other(u32),
    /// The value is deleted (`"name"=-`).
    Deleted,
    /// No type was written.
    Missing,
    /// A type name that does not exist, as written.
    Unknown(String),
}

/// Decoded data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryData {
    /// `REG_SZ`, `REG_EXPAND_SZ`.
    Text(String),
    /// `REG_MULTI_SZ`.
    Texts(Vec<String>),
    /// `REG_DWORD`, `REG_QWORD`.
    Number(u64),
    /// Everything else.
    Bytes(Vec<u8>),
}

/// Data that contradicts its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DataProblem {
    /// Not a hexadecimal number.
    #[error("not a hexadecimal number")]
    NotHexadecimal,
    /// A number with more digits than its type holds.
    #[error("more digits than the type holds")]
    TooLong,
    /// Bytes with an odd number of digits, or a byte that is none.
    #[error("not a sequence of two-digit bytes")]
    NotBytes,
    /// Text whose quotes or encoding are broken.
    #[error("not a complete text")]
    NotText,
    /// There is no type or no known type to read it by.
    #[error("the type is missing or unknown")]
    NoType,
}

/// A registry key in one spelling, for comparison: `HKEY_LOCAL_MACHINE\SOFTWARE\...`.
///
/// Hives have their long names, the macros of package definitions are expanded, `ControlSet001` is
/// `CurrentControlSet`, separators are single. Letter case below the hive is kept, comparisons ignore it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalKey(String);
