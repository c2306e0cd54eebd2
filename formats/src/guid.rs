//! GUIDs as they stand in binary structures: the first three parts little-endian.

use std::fmt;

/// A GUID, its 16 bytes as a file has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The GUID of a text like `{A244370E-44C9-4C06-B551-F6016E563076}`, braces and case aside.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
            .unwrap_or(text);
        let hyphens: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
        if hyphens != [8, 13, 18, 23] {
            return None;
        }
        let digits = text.replace('-', "");
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        Some(Self::from_u128(u128::from_str_radix(&digits, 16).ok()?))
    }

    /// The GUID whose text has these digits.
    pub const fn from_u128(digits: u128) -> Self {
        let [
            a0,
            a1,
            a2,
            a3,
            b0,
            b1,
            c0,
            c1,
            d0,
            d1,
            d2,
            d3,
            d4,
            d5,
            d6,
            d7,
        ] = digits.to_be_bytes();
        Self([
            a3, a2, a1, a0, b1, b0, c1, c0, d0, d1, d2, d3, d4, d5, d6, d7,
        ])
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a3, a2, a1, a0, b1, b0, c1, c0, d0, d1, rest @ ..] = self.0;
        write!(
            f,
            "{{{a0:02X}{a1:02X}{a2:02X}{a3:02X}-{b0:02X}{b1:02X}-{c0:02X}{c1:02X}-{d0:02X}{d1:02X}-"
        )?;
        rest.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_are_the_same_guid() {
        let text = "{A244370E-44C9-4C06-B551-F6016E563076}";
        let guid = Guid::parse(text).unwrap();
        assert_eq!(guid.0[..8], [0x0e, 0x37, 0x44, 0xa2, 0xc9, 0x44, 6, 0x4c]);
        assert_eq!(guid.0[8..], [0xb5, 0x51, 0xf6, 1, 0x6e, 0x56, 0x30, 0x76]);
        assert_eq!(guid.to_string(), text);
        assert_eq!(
            Guid::parse("a244370e-44c9-4c06-b551-f6016e563076"),
            Some(guid)
        );
        for wrong in [
            "",
            "{}",
            "a244370e44c94c06b551f6016e563076",
            "ä244370e-44c9-4c06-b551-f6016e56307",
        ] {
            assert_eq!(Guid::parse(wrong), None, "{wrong}");
        }
    }
}
