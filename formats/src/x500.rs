//! Distinguished names (X.501) as Windows writes them: `CN=Contoso, O="Contoso, Ltd.", C=US`.
//!
//! The text form is that of `CertNameToStr` with `CERT_X500_NAME_STR` and the reverse flag, in which the manifest of an
//! app package names its publisher: RFC 1779, most specific name first, so in the reverse order of the encoding.
//! Quotes inside a quoted value are doubled, and an attribute without a key of its own is `OID.` and its identifier.

use std::fmt;

use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;

/// Most attributes of a name.
const MAX_ATTRIBUTES: usize = 256;
/// Characters for which a value is put into quotes.
const SPECIAL: [char; 9] = [',', '+', '=', '"', '\n', '<', '>', '#', ';'];

/// Keys and identifiers; of several keys for one identifier the first is written.
const KEYS: [(&str, &str); 25] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("E", "1.2.840.113549.1.9.1"),
    ("Email", "1.2.840.113549.1.9.1"),
    ("C", "2.5.4.6"),
    ("S", "2.5.4.8"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("T", "2.5.4.12"),
    ("Title", "2.5.4.12"),
    ("G", "2.5.4.42"),
    ("GivenName", "2.5.4.42"),
    ("I", "2.5.4.43"),
    ("Initials", "2.5.4.43"),
    ("SN", "2.5.4.4"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("Description", "2.5.4.13"),
    ("PostalCode", "2.5.4.17"),
    ("POBox", "2.5.4.18"),
    ("Phone", "2.5.4.20"),
    ("X21Address", "2.5.4.24"),
    ("dnQualifier", "2.5.4.46"),
];

/// One attribute of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    /// The dotted identifier.
    kind: String,
    /// The value; `#` and hexadecimal for a type that is no string.
    value: String,
}

/// A distinguished name, in the order of its encoding; each part is a set of attributes.
///
/// Two names are equal when they have the same attributes with the same text in the same order: letter case and blanks
/// count, as they do for Windows, the string types of the encoding do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName {
    parts: Vec<Vec<Attribute>>,
}

/// A text that is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a distinguished name: {problem} at character {position}")]
pub struct NameError {
    /// What is wrong.
    pub problem: &'static str,
    /// Where, in characters from 1.
    pub position: usize,
}

impl DistinguishedName {
    /// Reads an encoded `Name` (RFC 5280 §4.1.2.4):
    ///
    /// ```text
    /// Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }
    /// ```
    ///
    /// # Errors
    /// Where the bytes have another structure, or more than 256 attributes.
    pub fn read(name: &[u8]) -> Result<Self, ParseError> {
        let mut file = Reader::new("Name", name, 0);
        let sequence = file.expect("rdnSequence", der::SEQUENCE)?;
        file.finish()?;
        let mut parts = Vec::new();
        let mut count = 0_usize;
        for part in sequence.reader("Name").all("relativeDistinguishedName")? {
            let mut attributes = Vec::new();
            for element in part.reader("RelativeDistinguishedName").all("attribute")? {
                let mut reader = element.reader("AttributeTypeAndValue");
                let kind = reader.oid("type")?.to_string();
                let value = text(reader.next("value")?);
                reader.finish()?;
                attributes.push(Attribute { kind, value });
                count = count.saturating_add(1);
            }
            if count > MAX_ATTRIBUTES {
                let expected = "at most 256 attributes";
                return Err(file.invalid("rdnSequence", "more attributes", expected));
            }
            attributes.sort();
            parts.push(attributes);
        }
        Ok(Self { parts })
    }

    /// Reads the text form. Keys count without letter case, blanks around separators and unquoted values do not.
    ///
    /// # Errors
    /// [`NameError`] where the text is none.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let mut scanner = Scanner {
            characters: text.chars().collect(),
            position: 0,
        };
        let mut parts = Vec::new();
        let mut part = Vec::new();
        let mut count = 0_usize;
        loop {
            count = count.saturating_add(1);
            if count > MAX_ATTRIBUTES {
                return Err(scanner.error("more than 256 attributes"));
            }
            part.push(scanner.attribute()?);
            let separator = scanner.next();
            if separator != Some('+') {
                part.sort();
                parts.push(std::mem::take(&mut part));
            }
            match separator {
                None => break,
                Some('+' | ',' | ';') => {}
                Some(_) => return Err(scanner.error("something else than a separator")),
            }
        }
        parts.reverse();
        Ok(Self { parts })
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            for (index, attribute) in part.iter().enumerate() {
                if index > 0 {
                    f.write_str(" + ")?;
                }
                match KEYS.iter().find(|(_, oid)| *oid == attribute.kind) {
                    Some((key, _)) => write!(f, "{key}=")?,
                    None => write!(f, "OID.{}=", attribute.kind)?,
                }
                let value = &attribute.value;
                let blank_ends =
                    value.starts_with(char::is_whitespace) || value.ends_with(char::is_whitespace);
                if value.is_empty() || blank_ends || value.contains(SPECIAL) {
                    write!(f, "\"{}\"", value.replace('"', "\"\""))?;
                } else {
                    f.write_str(value)?;
                }
            }
        }
        Ok(())
    }
}

/// Reads the text form from left to right.
struct Scanner {
    characters: Vec<char>,
    position: usize,
}

impl Scanner {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn next(&mut self) -> Option<char> {
        let found = self.peek()?;
        self.position = self.position.saturating_add(1);
        Some(found)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    fn error(&self, problem: &'static str) -> NameError {
        NameError {
            problem,
            position: self.position.max(1),
        }
    }

    /// `key = value`, with blanks around either.
    fn attribute(&mut self) -> Result<Attribute, NameError> {
        let mut key = String::new();
        loop {
            match self.next() {
                Some('=') => break,
                Some(',' | '+' | ';' | '"') | None => return Err(self.error("a part without =")),
                Some(character) => key.push(character),
            }
        }
        let kind = identifier(key.trim()).ok_or_else(|| self.error("an unknown key"))?;
        self.skip_blanks();
        let value = match self.peek() {
            Some('"') => self.quoted()?,
            _ => self.unquoted()?,
        };
        Ok(Attribute { kind, value })
    }

    /// A value in quotes, up to the separator behind it.
    fn quoted(&mut self) -> Result<String, NameError> {
        self.next();
        let mut value = String::new();
        loop {
            match self.next() {
                Some('"') if self.peek() == Some('"') => {
                    self.next();
                    value.push('"');
                }
                Some('"') => break,
                Some(character) => value.push(character),
                None => return Err(self.error("a quote without end")),
            }
        }
        self.skip_blanks();
        Ok(value)
    }

    /// A value without quotes, up to the separator behind it.
    fn unquoted(&mut self) -> Result<String, NameError> {
        let mut value = String::new();
        while let Some(character) = self.peek() {
            match character {
                ',' | '+' | ';' => break,
                '"' | '=' | '<' | '>' => {
                    return Err(self.error("a character that needs quotes"));
                }
                _ => value.push(character),
            }
            self.next();
        }
        Ok(value.trim_end().to_owned())
    }
}

/// The identifier that a key of the text form stands for.
fn identifier(key: &str) -> Option<String> {
    let known = KEYS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(key));
    if let Some((_, oid)) = known {
        return Some((*oid).to_owned());
    }
    let is_prefixed = key
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("OID."));
    let dotted = if is_prefixed { key.get(4..)? } else { key };
    let is_number = |arc: &str| {
        let digits = !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit());
        digits && (arc == "0" || !arc.starts_with('0'))
    };
    let is_oid = dotted.contains('.') && dotted.split('.').all(is_number);
    is_oid.then(|| dotted.to_owned())
}

/// A value's text by its string type; other types as Windows shows them, in hexadecimal.
fn text(value: Tlv<'_>) -> String {
    const UTF8_STRING: u8 = 0x0c;
    const NUMERIC_STRING: u8 = 0x12;
    const PRINTABLE_STRING: u8 = 0x13;
    const TELETEX_STRING: u8 = 0x14;
    const IA5_STRING: u8 = 0x16;
    const VISIBLE_STRING: u8 = 0x1a;
    const UNIVERSAL_STRING: u8 = 0x1c;
    let bytes = value.value;
    match value.tag {
        UTF8_STRING => String::from_utf8_lossy(bytes).into_owned(),
        // Beyond ASCII these hold Latin-1, whatever their specification says.
        NUMERIC_STRING | PRINTABLE_STRING | TELETEX_STRING | IA5_STRING | VISIBLE_STRING => {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        der::BMP_STRING => {
            let units = bytes.chunks(2);
            let units = units.filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        UNIVERSAL_STRING => {
            let units = bytes.chunks(4);
            let units = units.filter_map(|unit| unit.try_into().ok().map(u32::from_be_bytes));
            units
                .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => {
            let digits: String = value.raw.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("#{digits}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        der::sequence(&[
            &der::tlv(der::OBJECT_IDENTIFIER, oid),
            &der::tlv(tag, value),
        ])
    }

    fn name(parts: &[Vec<u8>]) -> Vec<u8> {
        let sets = parts.iter().map(|part| der::tlv(der::SET, part));
        der::tlv(der::SEQUENCE, &sets.collect::<Vec<_>>().concat())
    }

    const C: &[u8] = &[0x55, 4, 6];
    const O: &[u8] = &[0x55, 4, 10];
    const CN: &[u8] = &[0x55, 4, 3];

    #[test]
    fn a_name_is_written_and_read_in_reverse_order() {
        let encoded = name(&[
            attribute(C, 0x13, b"US"),
            attribute(O, 0x0c, "Contoso, \"Ltd.\" ü".as_bytes()),
            attribute(CN, 0x1e, &[0, b'C', 0, 0xfc]),
        ]);
        let read = DistinguishedName::read(&encoded).unwrap();
        let written = "CN=Cü, O=\"Contoso, \"\"Ltd.\"\" ü\", C=US";
        assert_eq!(read.to_string(), written);
        assert_eq!(DistinguishedName::parse(written).unwrap(), read);
        let spaced = "cn = Cü ;OID.2.5.4.10=\"Contoso, \"\"Ltd.\"\" ü\" , 2.5.4.6=US";
        assert_eq!(DistinguishedName::parse(spaced).unwrap(), read);
        for other in [
            "C=US, O=\"Contoso, \"\"Ltd.\"\" ü\", CN=Cü",
            "CN=cü, O=\"Contoso, \"\"Ltd.\"\" ü\", C=US",
            "CN=Cü, O=\"Contoso, \"\"Ltd.\"\"  ü\", C=US",
            "CN=Cü, C=US",
        ] {
            assert_ne!(DistinguishedName::parse(other).unwrap(), read, "{other}");
        }
    }

    #[test]
    fn odd_names_survive() {
        let both = [attribute(CN, 0x0c, b" x"), attribute(O, 0x0c, b"")].concat();
        let unknown = attribute(&[0x2b, 6, 1], 0x0c, b"a#b");
        let number = attribute(&[0x2b, 6, 2], 2, &[0x0f]);
        let read = DistinguishedName::read(&name(&[unknown, both, number])).unwrap();
        let written = "OID.1.3.6.2=\"#02010F\", O=\"\" + CN=\" x\", OID.1.3.6.1=\"a#b\"";
        assert_eq!(read.to_string(), written);
        assert_eq!(DistinguishedName::parse(written).unwrap(), read);
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_place() {
        for (text, problem, position) in [
            ("", "a part without =", 1),
            ("CN", "a part without =", 2),
            ("CN=a,", "a part without =", 5),
            ("CN=a, X=b", "an unknown key", 8),
            ("CN=a, 1.02=b", "an unknown key", 11),
            ("CN=\"a", "a quote without end", 5),
            ("CN=\"a\"b", "something else than a separator", 7),
            ("CN=a=b", "a character that needs quotes", 4),
        ] {
            let error = DistinguishedName::parse(text).unwrap_err();
            assert_eq!(
                (error.problem, error.position),
                (problem, position),
                "{text}"
            );
        }
        assert!(DistinguishedName::read(&[0x30, 2, 0x31, 1]).is_err());
        let many = "CN=a, ".repeat(300);
        assert!(DistinguishedName::parse(&many).is_err());
    }
}
