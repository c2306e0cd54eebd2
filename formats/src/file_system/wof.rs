//! Files that the Windows Overlay Filter compresses (CompactOS).
//!
//! The content stands in the stream `WofCompressedData`: the end of every chunk but the last, counted from behind that
//! table, as u32 (u64 where the file has more than 4 GiB), then the chunks. One that is as long as its content is stored.
//! The reparse point says how: u32 version 1, u32 provider (1 WIM, 2 file), u32 version 1, u32 algorithm. Source: [MS-FSCC]
//! 2.1.2.1 for the tag, wimlib's and ntfs-3g's documentation for what stands behind it.

use std::io::{Read, Seek};

use super::{Runs, lzx, xpress};
use crate::cursor::Cursor;
use crate::error::ParseError;

/// The reparse tag.
pub(super) const TAG: u32 = 0x8000_0017;
/// The stream with the compressed content.
pub(super) const STREAM: &str = "WofCompressedData";

/// How the filter compresses the chunks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// XPRESS with Huffman codes, in chunks of 4 KiB.
    Xpress4K,
    /// The same in chunks of 8 KiB.
    Xpress8K,
    /// The same in chunks of 16 KiB.
    Xpress16K,
    /// LZX in chunks of 32 KiB.
    Lzx,
}

impl Compression {
    /// Bytes of a chunk's content.
    pub fn chunk_size(self) -> u32 {
        match self {
            Self::Xpress4K => 4096,
            Self::Xpress8K => 8192,
            Self::Xpress16K => 16_384,
            Self::Lzx => 32_768,
        }
    }

    /// Expands one chunk, which is shorter than its content, to `length` bytes.
    ///
    /// # Errors
    /// Says what of the chunk is wrong.
    pub fn expand(self, chunk: &[u8], length: usize) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Lzx => lzx::expand(chunk, length),
            _ => xpress::expand(chunk, length),
        }
    }
}

/// What a reparse point of the filter says.
pub(super) fn compression(reparse: &[u8], offset: u64) -> Result<Compression, ParseError> {
    let mut cursor = Cursor::new("WOF reparse point", reparse, offset);
    cursor.bytes("ReparseTag", 8)?;
    let unsupported =
        |field, what: String| ParseError::unsupported("WOF reparse point", field, offset, what);
    match (cursor.u32("Version")?, cursor.u32("Provider")?) {
        (1, 2) => {}
        (1, 1) => {
            let what = "a file that is backed by a WIM".to_owned();
            return Err(unsupported("Provider", what));
        }
        (version, provider) => {
            let what = format!("version {version} with provider {provider}");
            return Err(unsupported("Provider", what));
        }
    }
    let version = cursor.u32("FileProviderVersion")?;
    match (version, cursor.u32("Algorithm")?) {
        (1, 0) => Ok(Compression::Xpress4K),
        (1, 1) => Ok(Compression::Lzx),
        (1, 2) => Ok(Compression::Xpress8K),
        (1, 3) => Ok(Compression::Xpress16K),
        (version, other) => {
            let what = format!("compression {other} of version {version}");
            Err(unsupported("Algorithm", what))
        }
    }
}

/// A compressed content.
#[derive(Debug)]
pub(super) struct Compressed {
    stored: Stored,
    /// Bytes of the content.
    length: u64,
    compression: Compression,
    /// The chunk that was expanded last.
    chunk: Option<(u64, Vec<u8>)>,
}

/// Where the stream stands.
#[derive(Debug)]
pub(super) enum Stored {
    Resident(Vec<u8>),
    Plain(Runs),
}

impl Stored {
    fn length(&self) -> u64 {
        match self {
            Self::Resident(bytes) => bytes.len() as u64,
            Self::Plain(runs) => runs.length(),
        }
    }

    fn read(
        &self,
        input: &mut (impl Read + Seek),
        field: &'static str,
        position: u64,
        count: usize,
    ) -> Result<Vec<u8>, ParseError> {
        match self {
            Self::Resident(bytes) => {
                let start = usize::try_from(position).unwrap_or(usize::MAX);
                let rest = bytes.get(start..).unwrap_or_default();
                Ok(Cursor::new(STREAM, rest, position)
                    .bytes(field, count)?
                    .to_vec())
            }
            Self::Plain(runs) => {
                let mut bytes = vec![0; count];
                runs.read_exact(input, position, &mut bytes)
                    .map_err(|error| {
                        let place = runs.place(position).unwrap_or(position);
                        ParseError::io(STREAM, field, place, &error)
                    })?;
                Ok(bytes)
            }
        }
    }
}

impl Compressed {
    /// The content of `length` bytes whose stream is `stored`.
    pub(super) fn new(stored: Stored, length: u64, compression: Compression) -> Self {
        Self {
            stored,
            length,
            compression,
            chunk: None,
        }
    }

    /// Bytes of the content.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads from `position` on; 0 bytes at the end only.
    pub(super) fn read(
        &mut self,
        input: &mut (impl Read + Seek),
        position: u64,
        buffer: &mut [u8],
    ) -> Result<usize, ParseError> {
        if position >= self.length || buffer.is_empty() {
            return Ok(0);
        }
        let size = u64::from(self.compression.chunk_size());
        let index = position.checked_div(size).unwrap_or_default();
        let chunk = match self.chunk.take() {
            Some((held, chunk)) if held == index => chunk,
            _ => self.expand(input, index)?,
        };
        let start = usize::try_from(position.checked_rem(size).unwrap_or_default());
        let rest = chunk.get(start.unwrap_or_default()..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.chunk = Some((index, chunk));
        Ok(count)
    }

    /// The content of chunk `index`, which there is.
    fn expand(&self, input: &mut (impl Read + Seek), index: u64) -> Result<Vec<u8>, ParseError> {
        let size = u64::from(self.compression.chunk_size());
        let last = self.length.div_ceil(size).saturating_sub(1);
        let width = if self.length > u64::from(u32::MAX) {
            8_u64
        } else {
            4
        };
        let table = last.saturating_mul(width);
        let end_of = |input: &mut _, chunk: u64| -> Result<u64, ParseError> {
            if chunk == last {
                return Ok(self.stored.length().saturating_sub(table));
            }
            let place = chunk.saturating_mul(width);
            let bytes = self
                .stored
                .read(input, "chunk table", place, width as usize)?;
            let mut cursor = Cursor::new(STREAM, &bytes, place);
            match width {
                8 => cursor.u64("chunk table"),
                _ => cursor.u32("chunk table").map(u64::from),
            }
        };
        let start = match index.checked_sub(1) {
            Some(before) => end_of(input, before)?,
            None => 0,
        };
        let end = end_of(input, index)?;
        let expanded = match index == last {
            true => self.length.saturating_sub(last.saturating_mul(size)),
            false => size,
        };
        let invalid = |found: String, expected: String| {
            let offset = index.saturating_mul(width);
            ParseError::invalid(STREAM, "chunk", offset, found, expected)
        };
        let stored = end
            .checked_sub(start)
            .filter(|n| (1..=expanded).contains(n));
        let Some(stored) = stored else {
            let found = format!("chunk {index} from {start} to {end}");
            return Err(invalid(found, format!("1 to {expanded} bytes")));
        };
        let place = table.saturating_add(start);
        let bytes = self.stored.read(input, "chunk", place, stored as usize)?;
        if stored == expanded {
            return Ok(bytes);
        }
        let expanded = usize::try_from(expanded).unwrap_or(usize::MAX);
        self.compression
            .expand(&bytes, expanded)
            .map_err(|problem| {
                let expected = format!("what {:?} makes", self.compression);
                invalid(format!("{problem} in chunk {index}"), expected)
            })
    }
}
