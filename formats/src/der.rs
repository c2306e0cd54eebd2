//! DER (ITU-T X.690): a reader over raw slices, which never re-encodes what it read, and the writer beside it.
//!
//! The reader keeps every element's original bytes, because a signature covers the bytes that were signed and
//! not what a second encoder makes of them. Lengths must be definite and minimal; the order of a SET is not
//! checked here but reported by [`is_sorted`].

use crate::error::{ParseError, Problem};
use crate::oid::Oid;

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// BMPString.
pub const BMP_STRING: u8 = 0x1e;
/// SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET and SET OF.
pub const SET: u8 = 0x31;

/// A constructed context-specific tag.
pub const fn context(number: u8) -> u8 {
    0xa0 | (number & 0x1f)
}

/// A primitive context-specific tag.
pub const fn context_primitive(number: u8) -> u8 {
    0x80 | (number & 0x1f)
}

/// One element: tag, length, value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Identifier octet.
    pub tag: u8,
    /// Content octets.
    pub value: &'a [u8],
    /// The whole element as it stands in the input.
    pub raw: &'a [u8],
    /// File offset of the identifier octet.
    pub offset: u64,
}

impl<'a> Tlv<'a> {
    /// File offset of the first content octet.
    pub fn value_offset(&self) -> u64 {
        let header = self.raw.len().saturating_sub(self.value.len());
        self.offset.saturating_add(header as u64)
    }

    /// A reader over the content.
    pub fn reader(&self, structure: &'static str) -> Reader<'a> {
        Reader::new(structure, self.value, self.value_offset())
    }

    /// The content as an object identifier (the caller has checked the tag).
    pub fn oid(&self) -> Oid<'a> {
        Oid(self.value)
    }
}

/// Reads the elements of one constructed value in order.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    structure: &'static str,
    rest: &'a [u8],
    offset: u64,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, whose first byte stands at file offset `offset`.
    pub fn new(structure: &'static str, bytes: &'a [u8], offset: u64) -> Self {
        Self {
            structure,
            rest: bytes,
            offset,
        }
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Identifier octet of the next element.
    pub fn peek_tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever its tag.
    pub fn next(&mut self, field: &'static str) -> Result<Tlv<'a>, ParseError> {
        let (tag, rest) = self
            .rest
            .split_first()
            .ok_or_else(|| self.truncated(field, 2))?;
        if tag & 0x1f == 0x1f {
            return Err(self.invalid(field, "a tag of several octets", "a single-octet tag"));
        }
        let (length_octet, rest) = rest.split_first().ok_or_else(|| self.truncated(field, 2))?;
        let (length, header) = match *length_octet {
            short @ 0..=0x7f => (usize::from(short), 2usize),
            0x80 => return Err(self.invalid(field, "an indefinite length (BER)", "a DER length")),
            long => {
                let count = usize::from(long & 0x7f);
                if count > 4 {
                    return Err(self.invalid(
                        field,
                        format_args!("a length of {count} octets"),
                        "at most 4",
                    ));
                }
                let octets = rest
                    .get(..count)
                    .ok_or_else(|| self.truncated(field, count.saturating_add(2)))?;
                let length = octets
                    .iter()
                    .fold(0usize, |n, o| (n << 8) | usize::from(*o));
                let minimal = length > 0x7f && octets.first() != Some(&0);
                if !minimal {
                    return Err(self.invalid(field, "a padded length (BER)", "the shortest form"));
                }
                (length, count.saturating_add(2))
            }
        };
        let end = header.saturating_add(length);
        let (raw, value) = self
            .rest
            .get(..end)
            .and_then(|raw| Some((raw, raw.get(header..)?)))
            .ok_or_else(|| self.truncated(field, end))?;
        let tlv = Tlv {
            tag: *tag,
            value,
            raw,
            offset: self.offset,
        };
        self.rest = self.rest.get(end..).unwrap_or_default();
        self.offset = self.offset.saturating_add(end as u64);
        Ok(tlv)
    }

    /// The next element, which must carry `tag`.
    pub fn expect(&mut self, field: &'static str, tag: u8) -> Result<Tlv<'a>, ParseError> {
        match self.peek_tag() {
            Some(found) if found != tag => Err(self.invalid(
                field,
                format_args!("tag 0x{found:02x}"),
                format_args!("tag 0x{tag:02x}"),
            )),
            _ => self.next(field),
        }
    }

    /// The next element if it carries `tag`.
    pub fn optional(
        &mut self,
        field: &'static str,
        tag: u8,
    ) -> Result<Option<Tlv<'a>>, ParseError> {
        match self.peek_tag() {
            Some(found) if found == tag => self.next(field).map(Some),
            _ => Ok(None),
        }
    }

    /// Every element that is left.
    pub fn all(mut self, field: &'static str) -> Result<Vec<Tlv<'a>>, ParseError> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            elements.push(self.next(field)?);
        }
        Ok(elements)
    }

    /// An OBJECT IDENTIFIER whose arcs are complete and in their shortest form (X.690 §8.19).
    pub fn oid(&mut self, field: &'static str) -> Result<Oid<'a>, ParseError> {
        let tlv = self.expect(field, OBJECT_IDENTIFIER)?;
        let ends = |byte: &u8| byte & 0x80 == 0;
        let mut pairs = tlv.value.iter().zip(tlv.value.iter().skip(1));
        let is_padded = tlv.value.first() == Some(&0x80)
            || pairs.any(|(byte, next)| ends(byte) && *next == 0x80);
        if is_padded || !tlv.value.last().is_some_and(ends) {
            return Err(ParseError::invalid(
                self.structure,
                field,
                tlv.offset,
                "an object identifier that is not complete",
                "whole arcs in their shortest form",
            ));
        }
        Ok(tlv.oid())
    }

    /// A non-negative INTEGER of at most 32 bits in its shortest form (X.690 §8.3.2). Versions stand where no signature
    /// looks: another form would be another file that is as good.
    pub fn small_integer(&mut self, field: &'static str) -> Result<u32, ParseError> {
        let tlv = self.expect(field, INTEGER)?;
        let digits = match tlv.value {
            [0, rest @ ..] if rest.first().is_some_and(|b| *b > 0x7f) => rest,
            [0] | [0x01..=0x7f, ..] => tlv.value,
            _ => &[],
        };
        if digits.is_empty() || digits.len() > 4 {
            return Err(ParseError::invalid(
                self.structure,
                field,
                tlv.offset,
                format_args!("an integer of {} octets", tlv.value.len()),
                "0 to 4294967295 in its shortest form",
            ));
        }
        Ok(digits.iter().fold(0, |n, b| (n << 8) | u32::from(*b)))
    }

    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), ParseError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.invalid(
            "end",
            format_args!("{} more bytes", self.rest.len()),
            "the end of the structure",
        ))
    }

    /// An error about `field` at the reader's place.
    pub fn invalid(
        &self,
        field: &'static str,
        found: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) -> ParseError {
        ParseError::invalid(self.structure, field, self.offset, found, expected)
    }

    fn truncated(&self, field: &'static str, needed: usize) -> ParseError {
        ParseError {
            structure: self.structure,
            field,
            offset: self.offset,
            problem: Problem::Truncated {
                needed: needed as u64,
                available: self.rest.len() as u64,
            },
        }
    }
}

/// Whether elements stand in the order that DER demands of a SET OF (X.690 §11.6).
pub fn is_sorted(elements: &[Tlv<'_>]) -> bool {
    elements.is_sorted_by(|a, b| a.raw <= b.raw)
}

/// Rewrites BER as DER where only the forms differ that exporters are known to use: indefinite and padded lengths,
/// and OCTET STRINGs in pieces. SETs are not reordered. Bytes after the first element are an error.
///
/// # Errors
/// Where the input is not BER, nests deeper than 32, or uses another form.
pub fn from_ber(structure: &'static str, bytes: &[u8]) -> Result<Vec<u8>, ParseError> {
    let mut position = 0;
    let element = ber_element(structure, bytes, &mut position, 0)?;
    match bytes.len().checked_sub(position) {
        Some(0) => Ok(element),
        _ => Err(ParseError::invalid(
            structure,
            "end",
            position as u64,
            "more bytes",
            "the end of the structure",
        )),
    }
}

/// Deepest nesting that [`from_ber`] follows.
const MAX_BER_DEPTH: u32 = 32;

fn ber_element(
    structure: &'static str,
    bytes: &[u8],
    position: &mut usize,
    depth: u32,
) -> Result<Vec<u8>, ParseError> {
    const CONSTRUCTED: u8 = 0x20;
    let start = *position as u64;
    let error = |found: &str, expected: &str| {
        ParseError::invalid(structure, "element", start, found, expected)
    };
    let truncated = || error("the end of the input", "an element");
    if depth > MAX_BER_DEPTH {
        return Err(error("deeper nesting", "at most 32 levels"));
    }
    let mut octet = || {
        let byte = bytes.get(*position).copied();
        *position = position.saturating_add(1);
        byte.ok_or_else(truncated)
    };
    let tag = octet()?;
    if tag & 0x1f == 0x1f {
        return Err(error("a tag of several octets", "a single-octet tag"));
    }
    let length = match octet()? {
        0x80 => None,
        short @ 0..=0x7f => Some(usize::from(short)),
        long => {
            let mut length = 0usize;
            for _ in 0..long & 0x7f {
                length = length
                    .checked_mul(256)
                    .and_then(|n| n.checked_add(usize::from(octet().ok()?)))
                    .ok_or_else(truncated)?;
            }
            Some(length)
        }
    };
    let end = match length {
        Some(length) => {
            let end = position
                .checked_add(length)
                .filter(|end| *end <= bytes.len());
            Some(end.ok_or_else(truncated)?)
        }
        None => None,
    };
    if tag & CONSTRUCTED == 0 {
        let end = end.ok_or_else(|| error("an indefinite primitive", "a length"))?;
        let value = bytes.get(*position..end).unwrap_or_default();
        *position = end;
        return Ok(tlv(tag, value));
    }
    let mut children = Vec::new();
    loop {
        match end {
            Some(end) if *position == end => break,
            Some(end) if *position > end => return Err(error("a longer child", "one that fits")),
            None if bytes.get(*position..position.saturating_add(2)) == Some(&[0, 0]) => {
                *position = position.saturating_add(2);
                break;
            }
            _ => {}
        }
        children.push(ber_element(
            structure,
            bytes,
            position,
            depth.saturating_add(1),
        )?);
    }
    if tag == OCTET_STRING | CONSTRUCTED {
        let mut joined = Vec::new();
        for child in &children {
            let piece = Reader::new(structure, child, start).expect("piece", OCTET_STRING)?;
            joined.extend_from_slice(piece.value);
        }
        return Ok(tlv(OCTET_STRING, &joined));
    }
    Ok(tlv(tag, &children.concat()))
}

/// Encodes one element.
pub fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len().saturating_add(6));
    out.push(tag);
    let length = value.len().to_be_bytes();
    let digits = length
        .iter()
        .position(|b| *b != 0)
        .and_then(|first| length.get(first..))
        .unwrap_or(&[0]);
    match digits {
        [short @ 0..=0x7f] => out.push(*short),
        digits => {
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(value);
    out
}

/// Encodes a SEQUENCE of already encoded elements.
pub fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &elements.concat())
}

/// Encodes a SET OF already encoded elements, sorted as DER demands.
pub fn set_of(elements: Vec<Vec<u8>>) -> Vec<u8> {
    tlv(SET, &sorted(elements))
}

/// The contents of a SET OF: its elements, sorted and joined.
pub fn sorted(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    elements.concat()
}

/// Encodes an OBJECT IDENTIFIER.
pub fn oid(oid: Oid<'_>) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, oid.0)
}

/// Encodes a small non-negative INTEGER.
pub fn integer(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let first = bytes.iter().position(|b| *b != 0).unwrap_or(3);
    let digits = bytes.get(first..).unwrap_or_default();
    match digits.first() {
        Some(high) if *high > 0x7f => tlv(INTEGER, &[&[0], digits].concat()),
        _ => tlv(INTEGER, digits),
    }
}

/// Encodes an OCTET STRING.
pub fn octet_string(value: &[u8]) -> Vec<u8> {
    tlv(OCTET_STRING, value)
}

/// Encodes NULL.
pub fn null() -> Vec<u8> {
    tlv(NULL, &[])
}

/// Encodes the content octets of a BMPString: UTF-16, big-endian.
pub fn bmp_content(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Encodes `AlgorithmIdentifier { algorithm, NULL }`.
pub fn algorithm_with_null(algorithm: Oid<'_>) -> Vec<u8> {
    sequence(&[&oid(algorithm), &null()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_whole_and_short() {
        let read = |value: &[u8]| {
            let bytes = tlv(OBJECT_IDENTIFIER, value);
            let mut reader = Reader::new("Test", &bytes, 7);
            reader.oid("type").map(|oid| oid.to_string())
        };
        assert_eq!(read(&[0x2a, 0x86, 0x48]).unwrap(), "1.2.840");
        for odd in [&[][..], &[0x2a, 0x86], &[0x80, 0x01], &[0x2a, 0x80, 0x01]] {
            let error = read(odd).unwrap_err().to_string();
            assert!(error.starts_with("Test.type at offset 7: "), "{error}");
        }
    }

    #[test]
    fn lengths_round_trip_at_every_form() {
        for length in [0, 1, 127, 128, 255, 256, 65535, 65536] {
            let encoded = tlv(OCTET_STRING, &vec![7; length]);
            let mut reader = Reader::new("test", &encoded, 0);
            let read = reader.expect("value", OCTET_STRING).unwrap();
            assert_eq!(read.value.len(), length);
            assert_eq!(read.raw, encoded);
            reader.finish().unwrap();
        }
    }

    #[test]
    fn ber_forms_are_refused_by_name() {
        let cases: [(&[u8], &str); 4] = [
            (&[0x30, 0x80, 0, 0], "indefinite length"),
            (&[0x04, 0x81, 0x01, 0], "padded length"),
            (&[0x1f, 0x81, 0x01], "tag of several octets"),
            (&[0x04, 0x85, 1, 0, 0, 0, 0], "length of 5 octets"),
        ];
        for (bytes, wanted) in cases {
            let error = Reader::new("test", bytes, 0).next("x").unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }

    #[test]
    fn ber_is_rewritten_as_der() {
        // SEQUENCE (indefinite) { OCTET STRING in two pieces (indefinite), INTEGER with a padded length }
        let ber = [
            0x30, 0x80, 0x24, 0x80, 4, 1, 0xaa, 4, 1, 0xbb, 0, 0, 2, 0x81, 1, 5, 0, 0,
        ];
        let der = from_ber("test", &ber).unwrap();
        assert_eq!(der, sequence(&[&octet_string(&[0xaa, 0xbb]), &integer(5)]));
        assert_eq!(from_ber("test", &der).unwrap(), der);
        for length in 0..ber.len() {
            assert!(from_ber("test", &ber[..length]).is_err());
        }
        let bomb = [[0x30, 0x80]; 1000].concat();
        assert!(
            from_ber("test", &bomb)
                .unwrap_err()
                .to_string()
                .contains("32 levels")
        );
    }

    #[test]
    fn integers_keep_their_sign_bit_clear() {
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(128), [2, 2, 0, 128]);
        let encoded = integer(u32::MAX);
        let mut reader = Reader::new("test", &encoded, 0);
        assert_eq!(reader.small_integer("n").unwrap(), u32::MAX);
        for padded in [
            &[2, 2, 0, 5][..],
            &[2, 2, 0, 0],
            &[2, 5, 0, 0, 0, 0, 1],
            &[2, 0],
        ] {
            let error = Reader::new("test", padded, 0)
                .small_integer("n")
                .unwrap_err();
            assert!(error.to_string().contains("shortest form"), "{error}");
        }
        let negative = [2, 1, 0x80];
        assert!(
            Reader::new("test", &negative, 0)
                .small_integer("n")
                .is_err()
        );
    }

    #[test]
    fn a_set_is_sorted_by_its_encoding() {
        let set = set_of(vec![octet_string(&[9, 9]), integer(3), octet_string(&[1])]);
        let elements = Reader::new("test", &set, 0)
            .next("set")
            .unwrap()
            .reader("set")
            .all("element")
            .unwrap();
        assert!(is_sorted(&elements));
        assert_eq!(elements[0].tag, INTEGER);
    }
}
