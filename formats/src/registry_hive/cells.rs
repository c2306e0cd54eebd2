//! Bins and the cells in them.
//!
//! ```text
//! hbin   0  "hbin"   4  bytes from the first bin u32   8  length u32, a multiple of 4096   32  cells
//! cell   0  length i32, a multiple of 8, below 0 where the cell is used   4  content
//! ```

use std::io::{Read, Seek, SeekFrom};

use crate::cursor::{Cursor, read_at};
use crate::error::{ParseError, Problem};

/// Where the bins begin; what refers to a cell counts from here.
const FIRST_BIN: u64 = 4096;
/// Most bytes of bins, as Windows has it.
const MAX_LENGTH: u32 = 2 << 30;
/// Bytes that are read and kept together.
const PAGE: u64 = 32 << 10;
/// Pages that are kept: 2 MiB.
const PAGES: u64 = 64;

/// The cells of a hive, read when they are asked for.
#[derive(Debug)]
pub(super) struct Cells<R> {
    input: R,
    /// Where each bin begins, in bytes from the first.
    bins: Vec<u32>,
    length: u32,
    pages: Vec<Option<Page>>,
}

#[derive(Debug, Clone)]
struct Page {
    number: u64,
    bytes: Vec<u8>,
}

/// The place of a cell's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// From the start of the file.
    pub(super) offset: u64,
    pub(super) length: u32,
}

impl<R: Read + Seek> Cells<R> {
    /// Looks at every bin.
    pub(super) fn open(mut input: R, length: u32) -> Result<Self, ParseError> {
        let invalid = |field, offset, found: u32, expected: &str| {
            ParseError::invalid("hbin", field, offset, found, expected)
        };
        if length == 0 || !length.is_multiple_of(4096) {
            let expected = "a multiple of 4096 above 0";
            return Err(ParseError::invalid(
                "REGF",
                "HiveBinsDataSize",
                40,
                length,
                expected,
            ));
        }
        if length > MAX_LENGTH {
            let problem = Problem::Limit {
                found: u64::from(length),
                limit: u64::from(MAX_LENGTH),
            };
            return Err(ParseError {
                structure: "REGF",
                field: "HiveBinsDataSize",
                offset: 40,
                problem,
            });
        }
        let end = input
            .seek(SeekFrom::End(0))
            .map_err(|error| ParseError::io("REGF", "length", 0, &error))?;
        if end < FIRST_BIN.saturating_add(u64::from(length)) {
            let problem = Problem::Truncated {
                needed: u64::from(length),
                available: end.saturating_sub(FIRST_BIN),
            };
            return Err(ParseError {
                structure: "REGF",
                field: "bins",
                offset: FIRST_BIN,
                problem,
            });
        }
        let mut cells = Self {
            input,
            bins: Vec::new(),
            length,
            pages: Vec::new(),
        };
        let mut start = 0_u32;
        while start < length {
            let offset = FIRST_BIN.saturating_add(u64::from(start));
            let header = cells.read("hbin", "header", offset, 32)?;
            let mut cursor = Cursor::new("hbin", &header, offset);
            let signature = cursor.array::<4>("Signature")?;
            if signature != *b"hbin" {
                let found = signature.escape_ascii().to_string();
                return Err(ParseError::invalid(
                    "hbin",
                    "Signature",
                    offset,
                    found,
                    "hbin",
                ));
            }
            let stated = cursor.u32("Offset")?;
            if stated != start {
                let expected = start.to_string();
                return Err(invalid(
                    "Offset",
                    offset.saturating_add(4),
                    stated,
                    &expected,
                ));
            }
            let size = cursor.u32("Size")?;
            let left = length.saturating_sub(start);
            if size == 0 || !size.is_multiple_of(4096) || size > left {
                let expected = format!("a multiple of 4096, at most {left}");
                return Err(invalid("Size", offset.saturating_add(8), size, &expected));
            }
            cells.bins.push(start);
            start = start.saturating_add(size);
        }
        Ok(cells)
    }

    /// The used cell at `place`, which stands at byte `named_at` of the file as `structure.field`.
    pub(super) fn cell(
        &mut self,
        structure: &'static str,
        field: &'static str,
        named_at: u64,
        place: u32,
    ) -> Result<Cell, ParseError> {
        let named = |expected: &str| {
            let found = format_args!("0x{place:08X}").to_string();
            ParseError::invalid(structure, field, named_at, found, expected)
        };
        let next = self.bins.partition_point(|bin| *bin <= place);
        let bin = next.checked_sub(1).and_then(|bin| self.bins.get(bin));
        let bin = *bin.ok_or_else(|| named("a place in the bins"))?;
        let end = self.bins.get(next).copied().unwrap_or(self.length);
        if !place.is_multiple_of(8) || place < bin.saturating_add(32) || place >= end {
            return Err(named("a place of a cell in the bins"));
        }
        let offset = FIRST_BIN.saturating_add(u64::from(place));
        let bytes = self.read("cell", "Size", offset, 4)?;
        let size = Cursor::new("cell", &bytes, offset)
            .u32("Size")?
            .cast_signed();
        let left = end.saturating_sub(place);
        let length = size.unsigned_abs();
        if size >= 0 {
            let expected = "below 0: a used cell, since something leads to it";
            return Err(ParseError::invalid("cell", "Size", offset, size, expected));
        }
        if !length.is_multiple_of(8) || length > left {
            let expected = format_args!("minus a multiple of 8, up to {left}").to_string();
            return Err(ParseError::invalid("cell", "Size", offset, size, expected));
        }
        Ok(Cell {
            offset: offset.saturating_add(4),
            length: length.saturating_sub(4),
        })
    }

    /// Up to `count` bytes of a cell's content from byte `from` on.
    pub(super) fn content(
        &mut self,
        structure: &'static str,
        cell: Cell,
        from: u32,
        count: u32,
    ) -> Result<Vec<u8>, ParseError> {
        let count = count.min(cell.length.saturating_sub(from));
        let offset = cell.offset.saturating_add(u64::from(from));
        self.read(structure, "content", offset, count)
    }

    fn read(
        &mut self,
        structure: &'static str,
        field: &'static str,
        offset: u64,
        count: u32,
    ) -> Result<Vec<u8>, ParseError> {
        let mut wanted = u64::from(count);
        let mut at = offset;
        let mut bytes = Vec::new();
        while wanted > 0 {
            let page = at.checked_div(PAGE).unwrap_or_default();
            let in_page = at.checked_rem(PAGE).unwrap_or_default();
            let start = usize::try_from(in_page).unwrap_or(usize::MAX);
            let part = self.page(structure, field, page)?.get(start..);
            let part = part.unwrap_or_default();
            let take = wanted.min(part.len() as u64);
            if take == 0 {
                // The file was made shorter while it was read; the cursor names what is cut off.
                break;
            }
            let end = usize::try_from(take).unwrap_or(usize::MAX);
            bytes.extend_from_slice(part.get(..end).unwrap_or_default());
            wanted = wanted.saturating_sub(take);
            at = at.saturating_add(take);
        }
        Ok(bytes)
    }

    fn page(
        &mut self,
        structure: &'static str,
        field: &'static str,
        number: u64,
    ) -> Result<&[u8], ParseError> {
        if self.pages.is_empty() {
            self.pages = vec![None; usize::try_from(PAGES).unwrap_or_default()];
        }
        let slot = number.checked_rem(PAGES).unwrap_or_default();
        let slot = usize::try_from(slot).unwrap_or_default();
        let Some(kept) = self.pages.get_mut(slot) else {
            return Ok(&[]);
        };
        if kept.as_ref().is_none_or(|page| page.number != number) {
            let offset = number.saturating_mul(PAGE);
            let count = usize::try_from(PAGE).unwrap_or_default();
            let bytes = read_at(&mut self.input, structure, field, offset, count)?;
            *kept = Some(Page { number, bytes });
        }
        Ok(kept.as_ref().map_or(&[], |page| page.bytes.as_slice()))
    }
}
