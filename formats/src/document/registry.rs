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
    /// `@buildFilter` of the key and of what it is in; all must choose the build. Only `*.wm.xml` has them.
    pub build_filters: Vec<Spanned<Arc<str>>>,
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
    /// `@buildFilter` of the value and of what it is in; all must choose the build. Only `*.wm.xml` has them.
    pub build_filters: Vec<Spanned<Arc<str>>>,
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
    /// A component manifest: numbers in hexadecimal with `0x`, bytes without separators, several strings in quotes.
    Manifest,
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
    /// Any other number in `hex(n):`.
    Other(u32),
    /// `REG_HEX` of legacy package definitions, whose data begins with the number: `hex(n):`.
    Hex,
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
    /// Fewer or more bytes than the type has.
    #[error("not the number of bytes that the type has")]
    WrongLength,
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

/// Macros that a key name of a package definition may begin with, in lower case, and what they stand for.
const KEY_MACROS: &[(&str, &str)] = &[
    ("hklm.system", r"HKEY_LOCAL_MACHINE\SYSTEM"),
    ("hklm.software", r"HKEY_LOCAL_MACHINE\SOFTWARE"),
    ("hklm.hardware", r"HKEY_LOCAL_MACHINE\HARDWARE"),
    ("hklm.sam", r"HKEY_LOCAL_MACHINE\SAM"),
    ("hklm.security", r"HKEY_LOCAL_MACHINE\SECURITY"),
    ("hklm.bcd", r"HKEY_LOCAL_MACHINE\BCD"),
    ("hklm.drivers", r"HKEY_LOCAL_MACHINE\DRIVERS"),
    (
        "hklm.svchost",
        r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\SvcHost",
    ),
    ("hklm.policies", r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies"),
    ("hklm.microsoft", r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft"),
    (
        "hklm.windows",
        r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows",
    ),
    (
        "hklm.windowsnt",
        r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion",
    ),
    (
        "hklm.currentcontrolset",
        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet",
    ),
    (
        "hklm.services",
        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services",
    ),
    (
        "hklm.control",
        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control",
    ),
    (
        "hklm.autologger",
        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\WMI\Autologger",
    ),
    (
        "hklm.enum",
        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Enum",
    ),
    ("hkcr.root", r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes"),
    ("hkcr.classes", r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes"),
    ("hkcu.root", "HKEY_CURRENT_USER"),
    ("hkuser.default", r"HKEY_USERS\.DEFAULT"),
];

/// Hive names and their long forms. The classes of an image are those of its machine.
const HIVES: &[(&str, &str)] = &[
    ("HKEY_LOCAL_MACHINE", "HKEY_LOCAL_MACHINE"),
    ("HKLM", "HKEY_LOCAL_MACHINE"),
    ("HKEY_CLASSES_ROOT", r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes"),
    ("HKCR", r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes"),
    ("HKEY_CURRENT_USER", "HKEY_CURRENT_USER"),
    ("HKCU", "HKEY_CURRENT_USER"),
    ("HKEY_USERS", "HKEY_USERS"),
    ("HKU", "HKEY_USERS"),
    ("HKEY_CURRENT_CONFIG", "HKEY_CURRENT_CONFIG"),
    ("HKCC", "HKEY_CURRENT_CONFIG"),
];

/// The key in its one spelling; `None` when it begins with neither a hive nor a macro for one.
///
/// Other macros, such as `$(OEMNAME)`, stay as they are.
pub fn canonical_key(key: &str) -> Option<CanonicalKey> {
    let key = key.trim().trim_start_matches('\\');
    let (first, rest) = match key.strip_prefix("$(") {
        Some(tail) => {
            let (name, rest) = tail.split_once(')')?;
            (look_up(KEY_MACROS, name)?, rest)
        }
        None => {
            let end = key.find('\\').unwrap_or(key.len());
            let (hive, rest) = key.split_at_checked(end)?;
            (look_up(HIVES, hive)?, rest)
        }
    };
    // A macro stands for whole components: "$(hklm.software)x" is no key.
    if !rest.is_empty() && !rest.starts_with('\\') {
        return None;
    }
    let mut canonical = first.to_owned();
    for component in rest.split('\\').filter(|part| !part.is_empty()) {
        let is_control_set = canonical.eq_ignore_ascii_case(r"HKEY_LOCAL_MACHINE\SYSTEM")
            && component.eq_ignore_ascii_case("ControlSet001");
        let component = match is_control_set {
            true => "CurrentControlSet",
            false => component,
        };
        canonical.push('\\');
        canonical.push_str(component);
    }
    Some(CanonicalKey(canonical))
}

/// The service whose own key this is, and no key below or above it.
pub fn service_of(key: &str) -> Option<&str> {
    const SERVICES: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services";
    let (above, name) = key.trim_end_matches('\\').rsplit_once('\\')?;
    canonical_key(above)?.is(SERVICES).then_some(name)
}

/// The macros that a key name of a package definition may begin with, in lower case.
pub fn key_macros() -> impl Iterator<Item = &'static str> {
    KEY_MACROS.iter().map(|(name, _)| *name)
}

/// The second of the pair whose first equals `name`, whatever its case.
fn look_up(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let mut pairs = table.iter();
    pairs
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| *value)
}

impl CanonicalKey {
    /// The key, e.g. `HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `other`, written canonically, letter case aside.
    pub fn is(&self, other: &str) -> bool {
        self.0.to_lowercase() == other.to_lowercase()
    }

    /// What follows `ancestor` (written canonically, without a separator at its end), without the separator; empty for
    /// the ancestor itself, `None` for a key elsewhere.
    pub fn below(&self, ancestor: &str) -> Option<&str> {
        let mut components = self.0.split('\\');
        let mut length = 0_usize;
        for wanted in ancestor.split('\\') {
            let component = components.next()?;
            if component.to_lowercase() != wanted.to_lowercase() {
                return None;
            }
            length = length.saturating_add(component.len()).saturating_add(1);
        }
        Some(self.0.get(length..).unwrap_or_default())
    }

    /// Its components, the hive first.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('\\')
    }
}

impl RegistryKey {
    /// The key in its one spelling; see [`canonical_key`].
    pub fn canonical(&self) -> Option<CanonicalKey> {
        canonical_key(&self.key.value)
    }
}

impl RegistryValue {
    /// The key in its one spelling; see [`canonical_key`].
    pub fn canonical(&self) -> Option<CanonicalKey> {
        canonical_key(&self.key.value)
    }
}

impl RegistryType {
    /// The type that a package definition names, e.g. `REG_DWORD`; the names are case-sensitive there.
    pub fn from_name(name: &str) -> Self {
        match name {
            "REG_NONE" => Self::None,
            "REG_SZ" => Self::Sz,
            "REG_EXPAND_SZ" => Self::ExpandSz,
            "REG_BINARY" => Self::Binary,
            "REG_DWORD" => Self::Dword,
            "REG_DWORD_BIG_ENDIAN" => Self::DwordBigEndian,
            "REG_MULTI_SZ" => Self::MultiSz,
            "REG_QWORD" => Self::Qword,
            "REG_HEX" => Self::Hex,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The type with this number (`winnt.h`).
    pub fn from_number(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Sz,
            2 => Self::ExpandSz,
            3 => Self::Binary,
            4 => Self::Dword,
            5 => Self::DwordBigEndian,
            7 => Self::MultiSz,
            11 => Self::Qword,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(key: &str) -> Option<String> {
        canonical_key(key).map(|key| key.as_str().to_owned())
    }

    #[test]
    fn hives_and_macros_come_to_one_spelling() {
        let cases = [
            (r"HKLM\Software\A", r"HKEY_LOCAL_MACHINE\Software\A"),
            (r"hkey_local_machine\\A\", r"HKEY_LOCAL_MACHINE\A"),
            (
                r"$(HKLM.Software)\$(OEMNAME)\A",
                r"HKEY_LOCAL_MACHINE\SOFTWARE\$(OEMNAME)\A",
            ),
            (
                r"$(hklm.system)\ControlSet001\Control",
                r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control",
            ),
            (
                r"HKLM\system\controlset001",
                r"HKEY_LOCAL_MACHINE\system\CurrentControlSet",
            ),
            (
                r"HKLM\SYSTEM\Setup\ControlSet001",
                r"HKEY_LOCAL_MACHINE\SYSTEM\Setup\ControlSet001",
            ),
            (
                "$(hklm.services)",
                r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services",
            ),
            (r"HKCR\.txt", r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes\.txt"),
            (r"$(hkuser.default)\A", r"HKEY_USERS\.DEFAULT\A"),
        ];
        for (written, one) in cases {
            assert_eq!(canonical(written).as_deref(), Some(one), "{written}");
        }
    }

    #[test]
    fn what_begins_with_no_hive_is_no_key() {
        for key in [
            "",
            r"Software\A",
            "$(hklm.software",
            "$(hklm.software)A",
            "$(unknown)",
            "HKLMA",
            r"$(OEMNAME)\A",
        ] {
            assert_eq!(canonical(key), None, "{key}");
        }
    }

    #[test]
    fn a_service_has_one_key_of_its_own() {
        for (key, name) in [
            (r"HKLM\System\ControlSet001\services\A\", Some("A")),
            (r"$(hklm.services)\A", Some("A")),
            (r"$(hklm.services)\A\Parameters", None),
            ("$(hklm.services)", None),
            (r"$(hklm.software)\A", None),
        ] {
            assert_eq!(service_of(key), name, "{key}");
        }
    }

    #[test]
    fn every_macro_stands_for_a_canonical_key() {
        for (name, value) in KEY_MACROS {
            assert_eq!(canonical(&format!("$({name})")).as_deref(), Some(*value));
            assert_eq!(canonical(value).as_deref(), Some(*value));
        }
    }

    #[test]
    fn comparisons_ignore_case_and_respect_components() {
        let key = canonical_key(r"$(hklm.software)\Ünder\B").unwrap();
        assert!(key.is(r"hkey_local_machine\software\ünder\b"));
        let below = |ancestor| key.below(ancestor);
        assert_eq!(below(r"HKEY_LOCAL_MACHINE\SOFTWARE"), Some(r"Ünder\B"));
        assert_eq!(below(r"HKEY_LOCAL_MACHINE\Software\ÜNDER\b"), Some(""));
        assert_eq!(below(r"HKEY_LOCAL_MACHINE\SOFTWARE\Ünd"), None);
        assert_eq!(below(r"HKEY_LOCAL_MACHINE\SOFTWARE\Ünder\B\C"), None);
        assert_eq!(key.components().count(), 4);
    }
}
