//! The only code that slices binary input: a little-endian cursor that names every field it reads.

use std::io::{Read, Seek, SeekFrom};

use crate::error::{ParseError, Problem};

/// Reads one structure's fields in order; every error names structure, field and file offset.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    structure: &'static str,
    bytes: &'a [u8],
    position: usize,
    base: u64,
}

impl<'a> Cursor<'a> {
    /// A cursor over `bytes`, whose first byte stands at file offset `base`.
    pub fn new(structure: &'static str, bytes: &'a [u8], base: u64) -> Self {
        Self {
            structure,
            bytes,
            position: 0,
            base,
        }
    }

    /// File offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.base.saturating_add(self.position as u64)
    }

    /// Bytes consumed so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// The next `length` bytes.
    pub fn bytes(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], ParseError> {
        let end = self.position.checked_add(length);
        let slice = end.and_then(|end| self.bytes.get(self.position..end));
        match slice {
            Some(slice) => {
                self.position = self.position.saturating_add(length);
                Ok(slice)
            }
            None => Err(ParseError {
                structure: self.structure,
                field,
                offset: self.offset(),
                problem: Problem::Truncated {
                    needed: length as u64,
                    available: self.remaining() as u64,
                },
            }),
        }
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ParseError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(field, N)?);
        Ok(array)
    }

    /// An unsigned byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        Ok(u8::from_le_bytes(self.array(field)?))
    }

    /// A little-endian 16-bit number.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, ParseError> {
        Ok(u16::from_le_bytes(self.array(field)?))
    }

    /// A little-endian 32-bit number.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, ParseError> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    /// A little-endian 64-bit number.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, ParseError> {
        Ok(u64::from_le_bytes(self.array(field)?))
    }

    /// The bytes before the next NUL, which is consumed too; at most `limit` of them.
    pub fn c_string(&mut self, field: &'static str, limit: usize) -> Result<&'a [u8], ParseError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = rest
            .iter()
            .take(limit.saturating_add(1))
            .position(|b| *b == 0);
        match length {
            Some(length) => {
                let text = self.bytes(field, length)?;
                self.bytes(field, 1)?;
                Ok(text)
            }
            None if rest.len() > limit => Err(self.invalid(
                field,
                "a longer string",
                format_args!("a NUL within {limit} bytes"),
            )),
            None => Err(ParseError {
                structure: self.structure,
                field,
                offset: self.offset(),
                problem: Problem::Truncated {
                    needed: (rest.len() as u64).saturating_add(1),
                    available: rest.len() as u64,
                },
            }),
        }
    }

    /// An error about `field` at the cursor's place.
    pub fn invalid(
        &self,
        field: &'static str,
        found: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) -> ParseError {
        ParseError::invalid(self.structure, field, self.offset(), found, expected)
    }
}

/// Up to `count` bytes at `offset`. Fewer come at the end of the file: the cursor that reads them then names the
/// field that is cut off.
pub(crate) fn read_at(
    input: &mut (impl Read + Seek),
    structure: &'static str,
    field: &'static str,
    offset: u64,
    count: usize,
) -> Result<Vec<u8>, ParseError> {
    let mut bytes = Vec::new();
    input
        .seek(SeekFrom::Start(offset))
        .and_then(|_| input.by_ref().take(count as u64).read_to_end(&mut bytes))
        .map_err(|error| ParseError::io(structure, field, offset, &error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_structure_field_and_offset() {
        let mut cursor = Cursor::new("CFHEADER", &[1, 2, 3], 36);
        assert_eq!(cursor.u16("cbCFHeader").unwrap(), 0x0201);
        let error = cursor.u32("cbCFFolder").unwrap_err();
        assert_eq!(
            error.to_string(),
            "CFHEADER.cbCFFolder at offset 38: needs 4 bytes, the input has 1 left"
        );
    }

    #[test]
    fn a_string_stops_at_its_limit() {
        let mut cursor = Cursor::new("CFFILE", b"abc\0d", 0);
        assert_eq!(cursor.c_string("szName", 3).unwrap(), b"abc");
        assert_eq!(cursor.position(), 4);
        let mut cursor = Cursor::new("CFFILE", b"abcd\0", 0);
        assert!(cursor.c_string("szName", 3).is_err());
    }
}
