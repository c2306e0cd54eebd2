//! Expanding the data of a file: as a stream, and never beyond the size that the central directory states.

use std::io::{Read, Seek, SeekFrom};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::central::{Entry, method};
use crate::error::{ParseError, Problem};

/// Bytes of a block as block maps count them.
pub const BLOCK: usize = 64 << 10;
const DATA: &str = "FileData";

/// Hands on the content of `entry` in blocks of [`BLOCK`] bytes, of which the last may be shorter. The time is bounded
/// by the size that the central directory states, the memory by two blocks.
///
/// # Errors
/// Where the data do not expand to what the central directory states, in size or CRC-32; blocks were handed on then.
pub(super) fn each_block(
    input: &mut (impl Read + Seek),
    entry: &Entry,
    take: impl FnMut(&[u8]),
) -> Result<(), ParseError> {
    let io = |error| ParseError::io(DATA, "data", entry.data, &error);
    input.seek(SeekFrom::Start(entry.data)).map_err(io)?;
    let mut data = input.by_ref().take(entry.sizes.compressed);
    let mut blocks = Blocks {
        entry,
        buffer: Vec::with_capacity(BLOCK),
        crc: Crc::new(),
        total: 0,
        take,
    };
    match entry.method {
        method::STORED => {
            loop {
                let mut part = data.by_ref().take(BLOCK as u64);
                part.read_to_end(&mut blocks.buffer).map_err(io)?;
                if blocks.buffer.is_empty() {
                    break;
                }
                blocks.flush()?;
            }
            blocks.finish()
        }
        _ => inflate(&mut data, blocks),
    }
}

/// The content of `entry`, which may have `limit` bytes at most, and the data that stand for it.
///
/// # Errors
/// As [`each_block`], and where content or data are larger.
pub(super) fn whole(
    input: &mut (impl Read + Seek),
    entry: &Entry,
    limit: u64,
) -> Result<(Vec<u8>, Vec<u8>), ParseError> {
    let found = entry.sizes.uncompressed.max(entry.sizes.compressed);
    if found > limit {
        return Err(ParseError {
            structure: DATA,
            field: "uncompressed size",
            offset: entry.offset,
            problem: Problem::Limit { found, limit },
        });
    }
    let mut data = Vec::new();
    let io = |error| ParseError::io(DATA, "data", entry.data, &error);
    input.seek(SeekFrom::Start(entry.data)).map_err(io)?;
    input
        .by_ref()
        .take(entry.sizes.compressed)
        .read_to_end(&mut data)
        .map_err(io)?;
    let mut content = Vec::new();
    of_bytes(entry, &data, |block| content.extend_from_slice(block))?;
    Ok((content, data))
}

/// Like [`each_block`] for data in memory.
pub(super) fn of_bytes(
    entry: &Entry,
    data: &[u8],
    take: impl FnMut(&[u8]),
) -> Result<(), ParseError> {
    let at_start = Entry {
        data: 0,
        ..entry.clone()
    };
    each_block(&mut std::io::Cursor::new(data), &at_start, take).map_err(|mut error| {
        error.offset = error.offset.saturating_add(entry.data);
        error
    })
}

/// Collects expanded bytes into blocks.
struct Blocks<'a, F> {
    entry: &'a Entry,
    buffer: Vec<u8>,
    crc: Crc,
    total: u64,
    take: F,
}

impl<F: FnMut(&[u8])> Blocks<'_, F> {
    /// Hands the buffered bytes on.
    fn flush(&mut self) -> Result<(), ParseError> {
        self.total = self.total.saturating_add(self.buffer.len() as u64);
        if self.total > self.entry.sizes.uncompressed {
            return Err(self.invalid(format_args!("at least {} bytes", self.total)));
        }
        self.crc.update(&self.buffer);
        (self.take)(&self.buffer);
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), ParseError> {
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        if self.total != self.entry.sizes.uncompressed {
            return Err(self.invalid(format_args!("{} bytes", self.total)));
        }
        if self.crc.sum() != self.entry.sizes.crc_32 {
            let found = format!("content with {:#010x}", self.crc.sum());
            return Err(self.invalid(format_args!("{found}")));
        }
        Ok(())
    }

    fn invalid(&self, found: impl std::fmt::Display) -> ParseError {
        let name = &self.entry.name;
        let sizes = self.entry.sizes;
        let expected = format!(
            "{} bytes with CRC-32 {:#010x}, as the central directory states",
            sizes.uncompressed, sizes.crc_32
        );
        let found = format!("{found} ({name})");
        ParseError::invalid(DATA, "data", self.entry.data, found, expected)
    }
}

/// Expands one deflate stream, which must take all of `data`.
fn inflate<F: FnMut(&[u8])>(
    data: &mut impl Read,
    mut blocks: Blocks<'_, F>,
) -> Result<(), ParseError> {
    let at = blocks.entry.data;
    let mut inflate = Decompress::new(false);
    let mut input = Vec::with_capacity(BLOCK);
    let mut status = Status::Ok;
    loop {
        input.clear();
        let mut part = data.take(BLOCK as u64);
        part.read_to_end(&mut input)
            .map_err(|error| ParseError::io(DATA, "data", at, &error))?;
        let mut rest = input.as_slice();
        // Once more without input: the stream may have output left.
        loop {
            let before = (inflate.total_in(), inflate.total_out());
            if status != Status::StreamEnd {
                status = inflate
                    .decompress_vec(rest, &mut blocks.buffer, FlushDecompress::None)
                    .map_err(|_| blocks.invalid("deflate data that cannot be expanded"))?;
            }
            let taken = inflate.total_in().saturating_sub(before.0) as usize;
            let given = inflate.total_out().saturating_sub(before.1);
            rest = rest.get(taken..).unwrap_or_default();
            if blocks.buffer.len() >= BLOCK {
                blocks.flush()?;
            }
            if taken == 0 && given == 0 {
                break;
            }
        }
        if !rest.is_empty() {
            return Err(blocks.invalid(format_args!("{} bytes behind the data", rest.len())));
        }
        if input.is_empty() {
            break;
        }
    }
    if status != Status::StreamEnd {
        return Err(blocks.invalid("deflate data that do not end"));
    }
    blocks.finish()
}
