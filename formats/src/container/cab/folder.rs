//! CFDATA: a folder's blocks in order.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use super::checksum::checksum;
use super::decode::{Decoder, MAX_DATA};
use super::directory::{Folder, MAX_BLOCK};
use crate::cursor::Cursor;
use crate::error::{ParseError, Problem};

/// Bytes of a CFDATA in front of its reserve.
const DATA_HEADER: usize = 8;

/// Reads a folder's blocks one by one; holds one of them.
///
/// A CFDATA (MS-CAB 2.4):
///
/// | offset | length | field | |
/// |---|---|---|---|
/// | 0 | 4 | csum | 0: none |
/// | 4 | 2 | cbData | bytes of ab |
/// | 6 | 2 | cbUncomp | bytes when expanded, at most 32 KiB; 0: the block goes on in the next cabinet |
/// | 8 | cbCFData | abReserve | |
/// | | cbData | ab | |
pub(super) struct FolderReader {
    decoder: Decoder,
    /// Offset of the next CFDATA.
    offset: u64,
    /// Where the folder's data must end at the latest.
    end: u64,
    blocks_left: u16,
    cb_cf_data: u8,
    raw: Vec<u8>,
    block: Vec<u8>,
    /// Place in the expanded folder of the block's first byte.
    position: u64,
}

impl FolderReader {
    /// Goes to the first block of `folder`, whose data ends at `end` at the latest.
    pub(super) fn open(
        input: &mut (impl Read + Seek),
        folder: &Folder,
        cb_cf_data: u8,
        end: u64,
    ) -> Result<Self, ParseError> {
        let offset = u64::from(folder.coff_cab_start);
        let decoder = Decoder::new(folder)?;
        input
            .seek(SeekFrom::Start(offset))
            .map_err(|error| ParseError::io("CFDATA", "csum", offset, &error))?;
        Ok(Self {
            decoder,
            offset,
            end,
            blocks_left: folder.c_cf_data,
            cb_cf_data,
            raw: Vec::new(),
            block: Vec::new(),
            position: 0,
        })
    }

    /// File offset of the next block.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The block's bytes from `position` of the expanded folder on; none when it lies in a later block.
    pub(super) fn from(&self, position: u64) -> Option<&[u8]> {
        let start = usize::try_from(position.checked_sub(self.position)?).ok()?;
        self.block.get(start..).filter(|bytes| !bytes.is_empty())
    }

    /// Expands the next block and gives its length.
    ///
    /// # Errors
    /// When there is none, when it is cut off or contradicts itself, and when its checksum is another one.
    pub(super) fn advance(&mut self, input: &mut impl Read) -> Result<u64, ParseError> {
        let offset = self.offset;
        let Some(left) = self.blocks_left.checked_sub(1) else {
            let expected = "as many blocks as its files need";
            return Err(ParseError::invalid(
                "CFFOLDER",
                "cCFData",
                offset,
                "too few blocks",
                expected,
            ));
        };
        let head = DATA_HEADER.saturating_add(usize::from(self.cb_cf_data));
        self.raw.clear();
        self.fill(input, "csum", head)?;
        let mut cursor = Cursor::new("CFDATA", &self.raw, offset);
        let csum = cursor.u32("csum")?;
        let sizes: [u8; 4] = cursor.clone().array("cbData")?;
        let cb_data = cursor.u16("cbData")?;
        let cb_uncomp = cursor.u16("cbUncomp")?;
        self.check_sizes(cb_data, cb_uncomp, left)?;
        self.fill(input, "ab", usize::from(cb_data))?;

        let mut cursor = Cursor::new("CFDATA", &self.raw, offset);
        cursor.bytes("csum", DATA_HEADER)?;
        let reserve_and_data = cursor.clone().bytes("abReserve", cursor.remaining())?;
        cursor.bytes("abReserve", usize::from(self.cb_cf_data))?;
        let data = cursor.bytes("ab", usize::from(cb_data))?;
        // Writers disagree on whether the reserve counts.
        let seed = u32::from_le_bytes(sizes);
        if csum != 0 && csum != checksum(data, seed) && csum != checksum(reserve_and_data, seed) {
            let found = format_args!("{csum:#010x}").to_string();
            let expected = format_args!("{:#010x}", checksum(data, seed)).to_string();
            return Err(ParseError::invalid(
                "CFDATA", "csum", offset, found, expected,
            ));
        }
        self.position = self.position.saturating_add(self.block.len() as u64);
        self.decoder
            .expand(data, cb_uncomp, &mut self.block)
            .map_err(|found| {
                let expected = format_args!("data for {cb_uncomp} bytes").to_string();
                ParseError::invalid("CFDATA", "ab", offset, found, expected)
            })?;
        self.offset = offset.saturating_add(self.raw.len() as u64);
        self.blocks_left = left;
        Ok(u64::from(cb_uncomp))
    }

    fn check_sizes(&self, cb_data: u16, cb_uncomp: u16, left: u16) -> Result<(), ParseError> {
        let (cb_data_at, cb_uncomp_at) =
            (self.offset.saturating_add(4), self.offset.saturating_add(6));
        if cb_uncomp == 0 {
            let what = "a block that goes on in the next cabinet of the set";
            return Err(ParseError::unsupported(
                "CFDATA",
                "cbUncomp",
                cb_uncomp_at,
                what,
            ));
        }
        if u64::from(cb_uncomp) > MAX_BLOCK {
            return Err(ParseError::limit(
                "CFDATA",
                "cbUncomp",
                cb_uncomp_at,
                cb_uncomp,
                MAX_BLOCK,
            ));
        }
        if cb_data > MAX_DATA {
            return Err(ParseError::limit(
                "CFDATA", "cbData", cb_data_at, cb_data, MAX_DATA,
            ));
        }
        if self.decoder.needs_full_blocks() && left > 0 && u64::from(cb_uncomp) != MAX_BLOCK {
            let expected = "32768 in all LZX blocks but the last";
            return Err(ParseError::invalid(
                "CFDATA",
                "cbUncomp",
                cb_uncomp_at,
                cb_uncomp,
                expected,
            ));
        }
        Ok(())
    }

    /// Appends `count` bytes to the raw block, which must lie inside the folder's place.
    fn fill(
        &mut self,
        input: &mut impl Read,
        field: &'static str,
        count: usize,
    ) -> Result<(), ParseError> {
        let at = self.offset.saturating_add(self.raw.len() as u64);
        let truncated = |available: u64| ParseError {
            structure: "CFDATA",
            field,
            offset: at,
            problem: Problem::Truncated {
                needed: count as u64,
                available,
            },
        };
        let available = self.end.saturating_sub(at);
        if count as u64 > available {
            return Err(truncated(available));
        }
        let start = self.raw.len();
        self.raw.resize(start.saturating_add(count), 0);
        let place = self.raw.get_mut(start..).unwrap_or_default();
        input.read_exact(place).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => truncated(0),
            _ => ParseError::io("CFDATA", field, at, &error),
        })
    }
}
