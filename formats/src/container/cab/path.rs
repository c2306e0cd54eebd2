//! Names of files in a cabinet, and what they must not be.

use std::fmt;

/// Something that makes a name unfit for, or surprising in, a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathFault {
    /// No text at all.
    Empty,
    /// The name is marked as UTF-8 and is not.
    NotUtf8,
    /// A part is `..`.
    ParentReference,
    /// The name starts at a root.
    Absolute,
    /// The name starts with two separators: a network path or a device namespace.
    Network,
    /// A colon: a drive, or an alternate data stream.
    Colon,
    /// A character below U+0020.
    ControlCharacter(char),
    /// A character that Windows refuses in names (`<>"|?*`).
    ForbiddenCharacter(char),
    /// A part that Windows opens as a device, such as `NUL` or `com1.txt`.
    ReservedDevice(String),
    /// A part that ends in a dot or space, which Windows drops; `.` is one.
    TrailingDotOrSpace(String),
    /// Two separators in a row, or one at the end.
    EmptyPart,
}

impl PathFault {
    /// Whether the file could land outside of the folder it is extracted to, or under no name at all. Such a file
    /// is not delivered; other faults are for the caller to judge.
    pub fn is_unsafe(&self) -> bool {
        matches!(
            self,
            Self::Empty
                | Self::NotUtf8
                | Self::ParentReference
                | Self::Absolute
                | Self::Network
                | Self::Colon
                | Self::ControlCharacter(_)
        )
    }
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty name"),
            Self::NotUtf8 => f.write_str("a name marked as UTF-8 that is not"),
            Self::ParentReference => f.write_str("a name with a `..` part"),
            Self::Absolute => f.write_str("an absolute name"),
            Self::Network => f.write_str("a network or device path"),
            Self::Colon => f.write_str("a name with a colon (drive or data stream)"),
            Self::ControlCharacter(c) => {
                write!(f, "a name with control character U+{:04X}", u32::from(*c))
            }
            Self::ForbiddenCharacter(c) => write!(f, "a name with `{c}`"),
            Self::ReservedDevice(part) => write!(f, "the device name `{part}`"),
            Self::TrailingDotOrSpace(part) => write!(f, "`{part}`, which ends in a dot or space"),
            Self::EmptyPart => f.write_str("a name with an empty part"),
        }
    }
}

/// The name of a file in a cabinet as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPath {
    text: String,
    faults: Vec<PathFault>,
}

impl MemberPath {
    /// Decodes `szName`: UTF-8 where the attribute says so, Windows-1252 otherwise (the specification leaves the
    /// code page open; this one maps every byte to a character, so no two names fall together).
    pub(super) fn new(sz_name: &[u8], is_utf8: bool) -> Self {
        let mut faults = Vec::new();
        let text = if is_utf8 {
            String::from_utf8(sz_name.to_vec()).unwrap_or_else(|error| {
                faults.push(PathFault::NotUtf8);
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            })
        } else {
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(sz_name);
            text.into_owned()
        };
        let text = text.replace('\\', "/");
        find_faults(&text, &mut faults);
        Self { text, faults }
    }

    /// The name with `/` between its parts.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything that is wrong with it; empty for an ordinary relative path.
    pub fn faults(&self) -> &[PathFault] {
        &self.faults
    }

    /// The first fault because of which the file must not be extracted under this name.
    pub fn unsafe_fault(&self) -> Option<&PathFault> {
        self.faults.iter().find(|fault| fault.is_unsafe())
    }
}

/// Everything that is wrong with a name whose parts `/` separates; empty for an ordinary relative path.
pub fn path_faults(text: &str) -> Vec<PathFault> {
    let mut faults = Vec::new();
    find_faults(text, &mut faults);
    faults
}

fn find_faults(text: &str, faults: &mut Vec<PathFault>) {
    if text.is_empty() {
        faults.push(PathFault::Empty);
        return;
    }
    if let Some(c) = text.chars().find(|c| *c < ' ') {
        faults.push(PathFault::ControlCharacter(c));
    }
    if let Some(c) = text.chars().find(|c| r#"<>"|?*"#.contains(*c)) {
        faults.push(PathFault::ForbiddenCharacter(c));
    }
    if text.contains(':') {
        faults.push(PathFault::Colon);
    }
    let relative = text.trim_start_matches('/');
    match text.len().saturating_sub(relative.len()) {
        0 => {}
        1 => faults.push(PathFault::Absolute),
        _ => faults.push(PathFault::Network),
    }
    for part in relative.split('/') {
        if part.is_empty() {
            faults.push(PathFault::EmptyPart);
        } else if part == ".." {
            faults.push(PathFault::ParentReference);
        } else if part.ends_with(['.', ' ']) {
            // Windows would open `.. ` and `...` as what is left when dots and spaces go.
            if part.trim_end_matches(['.', ' ']).is_empty() && part != "." {
                faults.push(PathFault::ParentReference);
            }
            faults.push(PathFault::TrailingDotOrSpace(part.to_owned()));
        }
        if is_device(part) {
            faults.push(PathFault::ReservedDevice(part.to_owned()));
        }
    }
}

/// Whether Windows opens `part` as a device, whatever extension it has.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_ascii_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    let number = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    matches!(
        number,
        Some("1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> MemberPath {
        MemberPath::new(name.as_bytes(), true)
    }

    #[test]
    fn separators_are_normalised_and_plain_names_have_no_fault() {
        let path = path(r"Windows\System32\drivers\a.sys");
        assert_eq!(path.text(), "Windows/System32/drivers/a.sys");
        assert_eq!(path.faults(), []);
    }

    #[test]
    fn names_that_leave_the_folder_are_unsafe() {
        for (name, fault) in [
            ("", PathFault::Empty),
            (r"a\..\..\b", PathFault::ParentReference),
            ("../b", PathFault::ParentReference),
            (r"a\.. \b", PathFault::ParentReference),
            (r"a\...\b", PathFault::ParentReference),
            (r"\windows\b", PathFault::Absolute),
            ("/etc/passwd", PathFault::Absolute),
            (r"\\server\share\b", PathFault::Network),
            (r"\\?\C", PathFault::Network),
            (r"C:\b", PathFault::Colon),
            ("a.txt:stream", PathFault::Colon),
            ("a\u{1}b", PathFault::ControlCharacter('\u{1}')),
        ] {
            let path = path(name);
            assert!(
                path.faults().contains(&fault),
                "{name}: {:?}",
                path.faults()
            );
            assert!(path.unsafe_fault().is_some(), "{name}");
        }
        let broken = MemberPath::new(&[b'a', 0xC0, 0x80], true);
        assert_eq!(broken.unsafe_fault(), Some(&PathFault::NotUtf8));
    }

    #[test]
    fn device_names_and_oddities_are_flagged_but_not_unsafe() {
        for name in [
            "nul",
            r"a\COM1.txt",
            "lpt9 .x",
            "aux.tar.gz",
            "a.",
            r"a\\b",
            "a?b",
            r".\a",
        ] {
            let path = path(name);
            assert_eq!(path.faults().len(), 1, "{name}: {:?}", path.faults());
            assert_eq!(path.unsafe_fault(), None, "{name}");
        }
        for name in ["null", "com10", "acon", "com"] {
            assert_eq!(path(name).faults(), [], "{name}");
        }
    }

    #[test]
    fn bytes_without_the_attribute_are_windows_1252() {
        assert_eq!(
            MemberPath::new(&[b'a', 0xFC, 0x81, 0x80], false).text(),
            "aü\u{81}€"
        );
        assert_eq!(MemberPath::new("aü".as_bytes(), true).text(), "aü");
    }
}
