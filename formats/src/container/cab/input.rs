//! Sequential reading of the structures in front of a cabinet's data.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use crate::error::ParseError;

/// A buffered input that knows its place, so that every error can name it.
pub(super) struct Input<R> {
    reader: BufReader<R>,
    offset: u64,
    length: u64,
}

impl<R: Read + Seek> Input<R> {
    /// An input at its first byte.
    pub(super) fn new(mut inner: R) -> Result<Self, ParseError> {
        let length = inner
            .seek(SeekFrom::End(0))
            .and_then(|length| inner.seek(SeekFrom::Start(0)).map(|_| length))
            .map_err(|error| ParseError::io("CFHEADER", "signature", 0, &error))?;
        Ok(Self {
            reader: BufReader::new(inner),
            offset: 0,
            length,
        })
    }

    /// Offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Length of the whole file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Goes to `offset`; reading past the end gives no bytes.
    pub(super) fn seek(
        &mut self,
        structure: &'static str,
        field: &'static str,
        offset: u64,
    ) -> Result<(), ParseError> {
        if offset != self.offset {
            self.reader
                .seek(SeekFrom::Start(offset))
                .map_err(|error| ParseError::io(structure, field, offset, &error))?;
            self.offset = offset;
        }
        Ok(())
    }

    /// Appends up to `count` bytes to `buffer`. Fewer come at the end of the file: the cursor that reads the
    /// buffer then names the field that is cut off.
    pub(super) fn append(
        &mut self,
        structure: &'static str,
        field: &'static str,
        count: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ParseError> {
        self.reader
            .by_ref()
            .take(count as u64)
            .read_to_end(buffer)
            .map(|read| self.offset = self.offset.saturating_add(read as u64))
            .map_err(|error| ParseError::io(structure, field, self.offset, &error))
    }

    /// Appends a string and its NUL to `buffer`, or what stands in its place when there is no NUL within `limit`
    /// bytes of text.
    pub(super) fn append_string(
        &mut self,
        structure: &'static str,
        field: &'static str,
        limit: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ParseError> {
        self.reader
            .by_ref()
            .take((limit as u64).saturating_add(1))
            .read_until(0, buffer)
            .map(|read| self.offset = self.offset.saturating_add(read as u64))
            .map_err(|error| ParseError::io(structure, field, self.offset, &error))
    }

    /// Whether `text` stands anywhere in the first `limit` bytes of the file, and where.
    pub(super) fn find(&mut self, text: &[u8], limit: usize) -> Option<usize> {
        let mut start = Vec::new();
        self.seek("CFHEADER", "signature", 0).ok()?;
        self.append("CFHEADER", "signature", limit, &mut start)
            .ok()?;
        start.windows(text.len()).position(|window| window == text)
    }
}
