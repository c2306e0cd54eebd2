//! A cabinet as a row of segments: kept or replaced, covered by the digest or not. Digest and patch are both read
//! off this one row, so what is hashed is what is written.

use std::ops::Range;

use super::directory::{FOLDER_LENGTH, Folder};
use super::header::{FIXED_LENGTH, Header};
use super::slot::Slot;
use crate::container::Piece;
use crate::error::ParseError;
use crate::patch::{Hunk, Patch};

/// A part of the file as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    /// The bytes of the input that it stands for.
    range: Range<u64>,
    /// What replaces them; none where they stay.
    bytes: Option<Vec<u8>>,
    /// Whether the digest covers it.
    hashed: bool,
}

/// The reserve sizes and abReserve as they will be.
pub(super) enum Reserve {
    /// Neither is there.
    None,
    /// cbCFHeader is 0; the other two sizes stay.
    Sizes([u8; 4]),
    /// There is room for a signature record. What stands behind `part2` stays.
    Slot {
        /// cbCFHeader, cbCFFolder, cbCFData.
        sizes: [u8; 4],
        /// The digest covers it, and its length.
        part1: Vec<u8>,
        /// Length of part 2, 0 without a signature.
        cb_sig: u16,
        /// Part 2, with zeros over what a longer one leaves behind.
        part2: Vec<u8>,
    },
}

/// The header fields that signing and removing change.
pub(super) struct Change {
    pub(super) cb_cabinet: u32,
    pub(super) coff_files: u32,
    pub(super) flags: u16,
    pub(super) reserve: Reserve,
    /// What is added to every coffCabStart.
    pub(super) shift: i64,
}

/// What the digest of a signed cabinet covers as the cabinet stands, to `end`.
///
/// The digest leaves out reserved1, the reserve sizes, cbSig, part 2 and what follows in the reserve. It covers
/// iCabinet and part 1 with its length: an unsigned cabinet's digest in a catalog covers iCabinet, and a set's
/// second disk would not verify otherwise.
pub(super) fn signed_pieces(header: &Header, slot: Slot, end: u64) -> Vec<Piece> {
    let junk = u64::from(slot.cb_junk());
    let part1 = 44..junk.saturating_add(44);
    let ranges = [0..4, 8..36, 40..42, part1, header.reserve_end()..end];
    ranges
        .into_iter()
        .filter(|range| !range.is_empty())
        .map(Piece::Range)
        .collect()
}

/// The row of segments for a cabinet of which a change is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    segments: Vec<Segment>,
    /// Index of the segment that is part 2 of the reserve.
    part2: Option<usize>,
}

impl Layout {
    /// Lays out the cabinet up to its old cbCabinet; the tail is the caller's.
    pub(super) fn new(
        header: &Header,
        folders: &[Folder],
        change: &Change,
    ) -> Result<Self, ParseError> {
        let mut layout = Self {
            segments: Vec::new(),
            part2: None,
        };
        layout.keep(0..4, true);
        layout.keep(4..8, false);
        layout.put(
            8..12,
            &change.cb_cabinet.to_le_bytes(),
            change.cb_cabinet != header.cb_cabinet,
        );
        layout.keep(12..16, true);
        layout.put(
            16..20,
            &change.coff_files.to_le_bytes(),
            change.coff_files != header.coff_files,
        );
        layout.keep(20..30, true);
        layout.put(
            30..32,
            &change.flags.to_le_bytes(),
            change.flags != header.flags,
        );
        layout.keep(32..36, true);
        layout.reserve(header, &change.reserve);
        let mut at = header.reserve_end();
        for folder in folders {
            layout.keep(at..folder.offset, true);
            let moved = Folder {
                coff_cab_start: shifted(folder, change.shift)?,
                ..*folder
            };
            // The whole structure, so that a long table becomes one piece.
            let mut bytes = Vec::with_capacity(FOLDER_LENGTH as usize);
            moved.write(&mut bytes);
            at = folder.offset.saturating_add(FOLDER_LENGTH);
            layout.put(folder.offset..at, &bytes, moved != *folder);
        }
        layout.keep(at..u64::from(header.cb_cabinet), true);
        Ok(layout)
    }

    /// Spreads the new reserve over the old one's place, so that a reserve of the same size is patched in place.
    fn reserve(&mut self, header: &Header, reserve: &Reserve) {
        let end = header.reserve_end();
        let mut at = FIXED_LENGTH;
        let mut put = |layout: &mut Self, bytes: &[u8], hashed| {
            let stop = at.saturating_add(bytes.len() as u64).min(end);
            if !bytes.is_empty() {
                layout.replace(at..stop, bytes.to_vec(), hashed);
            }
            at = stop;
        };
        match reserve {
            Reserve::None => {}
            Reserve::Sizes(sizes) => put(self, sizes, false),
            Reserve::Slot {
                sizes,
                part1,
                cb_sig,
                part2,
            } => {
                put(self, sizes, false);
                put(self, &(part1.len() as u16).to_le_bytes(), true);
                put(self, &cb_sig.to_le_bytes(), false);
                put(self, part1, true);
                self.part2 = Some(self.segments.len());
                put(self, part2, false);
                self.keep(at..end, false);
                return;
            }
        }
        self.replace(at..end, Vec::new(), false);
    }

    /// What the digest of the new file covers.
    pub(super) fn digest_pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for segment in self.segments.iter().filter(|segment| segment.hashed) {
            match (pieces.last_mut(), &segment.bytes) {
                (Some(Piece::Range(last)), None) if last.end == segment.range.start => {
                    last.end = segment.range.end;
                }
                (Some(Piece::Literal(last)), Some(bytes)) => last.extend_from_slice(bytes),
                (_, None) => pieces.push(Piece::Range(segment.range.clone())),
                (_, Some(bytes)) => pieces.push(Piece::Literal(bytes.clone())),
            }
        }
        pieces
    }

    /// The new file as a patch, with `tail` in place of what stands behind the cabinet.
    pub(super) fn patch(&self, tail: Range<u64>, bytes: Vec<u8>) -> Result<Patch, ParseError> {
        let tail = Segment {
            range: tail,
            bytes: Some(bytes),
            hashed: false,
        };
        let mut hunks: Vec<Hunk> = Vec::new();
        for segment in self.segments.iter().chain([&tail]) {
            let Some(bytes) = &segment.bytes else {
                continue;
            };
            if segment.range.is_empty() && bytes.is_empty() {
                continue;
            }
            match hunks.last_mut() {
                Some(last) if last.range.end == segment.range.start => {
                    last.range.end = segment.range.end;
                    last.replacement.extend_from_slice(bytes);
                }
                _ => hunks.push(Hunk {
                    range: segment.range.clone(),
                    replacement: bytes.clone(),
                }),
            }
        }
        Patch::new(hunks).map_err(|error| {
            ParseError::invalid(
                "CFFOLDER",
                "coffCabStart",
                0,
                error,
                "folders in the file's order",
            )
        })
    }

    /// Writes the signature record, which is known only once the signature is.
    pub(super) fn set_record(&mut self, record: &[u8]) {
        let part2 = self.part2.and_then(|index| self.segments.get_mut(index));
        if let Some(bytes) = part2.and_then(|segment| segment.bytes.as_mut()) {
            for (byte, new) in bytes.iter_mut().zip(record) {
                *byte = *new;
            }
        }
    }

    fn keep(&mut self, range: Range<u64>, hashed: bool) {
        if !range.is_empty() {
            self.segments.push(Segment {
                range,
                bytes: None,
                hashed,
            });
        }
    }

    /// A hashed field, replaced only where its value is new.
    fn put(&mut self, range: Range<u64>, bytes: &[u8], is_new: bool) {
        if is_new {
            self.replace(range, bytes.to_vec(), true);
        } else {
            self.keep(range, true);
        }
    }

    fn replace(&mut self, range: Range<u64>, bytes: Vec<u8>, hashed: bool) {
        self.segments.push(Segment {
            range,
            bytes: Some(bytes),
            hashed,
        });
    }
}

/// A folder's coffCabStart once `shift` bytes more stand in front of its data; that of a folder without data points at
/// nothing and stays.
fn shifted(folder: &Folder, shift: i64) -> Result<u32, ParseError> {
    if folder.c_cf_data == 0 {
        return Ok(folder.coff_cab_start);
    }
    let start = i64::from(folder.coff_cab_start).saturating_add(shift);
    u32::try_from(start).map_err(|_| {
        let found = folder.coff_cab_start;
        let expected = "an offset inside the cabinet";
        ParseError::invalid("CFFOLDER", "coffCabStart", folder.offset, found, expected)
    })
}
