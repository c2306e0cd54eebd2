//! Giving a cabinet room for a signature, and taking it away again.

use super::Cabinet;
use super::header::{Header, flags};
use super::layout::{Change, Layout, Reserve};
use super::slot::{
    ALIGNMENT, RECORD, RESERVE_OFFSET, SLOT, SignaturePlace, Slot, der_length, zero,
};
use crate::container::Piece;
use crate::error::ParseError;
use crate::patch::Patch;

/// Largest cabinet: Windows keeps the size as a signed number.
pub const MAX_CABINET: u32 = 0x7FFF_FFFF;
/// Bytes that a reserve with a signature record adds to a header without reserve.
const INSERTED: i64 = 4 + SLOT as i64;

/// A cabinet as it will be with room for a signature: what its digest covers, and how the signature goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    layout: Layout,
    cb_cabinet: u32,
    old_cb_cabinet: u32,
    file_length: u64,
}

impl Prepared {
    /// What the digest covers, in order. Literals are header bytes that the signature changes.
    pub fn digest_pieces(&self) -> Vec<Piece> {
        self.layout.digest_pieces()
    }

    /// The value whose hash the signature carries beside the digest: cbCabinet, which is where it will stand.
    pub fn enhanced_hash_input(&self) -> [u8; 4] {
        self.cb_cabinet.to_le_bytes()
    }

    /// The change that signs the cabinet with `cms_der`, one DER ContentInfo.
    ///
    /// # Errors
    /// When `cms_der` is anything but one DER SEQUENCE.
    pub fn embed(&self, cms_der: &[u8]) -> Result<Patch, ParseError> {
        let length = der_length(cms_der, 0)?;
        if length != cms_der.len() as u64 {
            let found = format_args!("{length} bytes").to_string();
            let expected = format_args!("the {} that are there", cms_der.len()).to_string();
            return Err(ParseError::invalid(
                "ContentInfo",
                "length",
                0,
                found,
                expected,
            ));
        }
        let mut tail = cms_der.to_vec();
        tail.resize(cms_der.len().next_multiple_of(ALIGNMENT), 0);
        let declared = u32::try_from(tail.len())
            .map_err(|_| ParseError::limit("ContentInfo", "length", 0, length, u32::MAX))?;
        let mut layout = self.layout.clone();
        layout.set_record(&record(self.cb_cabinet, declared));
        layout.patch(u64::from(self.old_cb_cabinet)..self.file_length, tail)
    }
}

/// A signature record; the digest does not cover it.
fn record(offset: u32, length: u32) -> Vec<u8> {
    let mut record = Vec::with_capacity(usize::from(RECORD));
    record.extend_from_slice(&offset.to_le_bytes());
    record.extend_from_slice(&length.to_le_bytes());
    record.resize(usize::from(RECORD), 0);
    record
}

/// Lays out `cabinet` with a signature slot.
pub(super) fn prepare(cabinet: &Cabinet) -> Result<Prepared, ParseError> {
    let header = &cabinet.header;
    refuse_what_would_be_lost(cabinet)?;
    let (shift, sizes) = match cabinet.slot {
        Slot::Absent => {
            let inserted = if header.has(flags::RESERVE_PRESENT) {
                i64::from(SLOT)
            } else {
                INSERTED
            };
            (inserted, sizes(SLOT, header))
        }
        _ => (0, sizes(header.cb_cf_header, header)),
    };
    let part1 = part1(header, cabinet.slot);
    check_room(header, cabinet.slot)?;
    let old_part2 = usize::from(cabinet.slot.cb_sig());
    let change = Change {
        cb_cabinet: moved("cbCabinet", 8, header.cb_cabinet, shift)?,
        coff_files: moved("coffFiles", 16, header.coff_files, shift)?,
        flags: header.flags | flags::RESERVE_PRESENT,
        reserve: Reserve::Slot {
            sizes,
            part1,
            cb_sig: RECORD,
            part2: vec![0; old_part2.max(usize::from(RECORD))],
        },
        shift,
    };
    Ok(Prepared {
        layout: Layout::new(header, &cabinet.folders, &change)?,
        cb_cabinet: change.cb_cabinet,
        old_cb_cabinet: header.cb_cabinet,
        file_length: cabinet.file_length,
    })
}

/// Takes the signature of `cabinet` away.
///
/// A reserve of 20 bytes goes with it, as it came with it; a larger one was there before, and its record is zeroed.
pub(super) fn remove(cabinet: &Cabinet) -> Result<Option<Patch>, ParseError> {
    if cabinet.signature.is_none() {
        return Ok(None);
    }
    refuse_what_would_be_lost(cabinet)?;
    let header = &cabinet.header;
    let keeps_sizes = header.cb_cf_folder != 0 || header.cb_cf_data != 0;
    let (shift, kept_flags, reserve) = if header.cb_cf_header != SLOT {
        let reserve = Reserve::Slot {
            sizes: sizes(header.cb_cf_header, header),
            part1: part1(header, cabinet.slot),
            cb_sig: 0,
            part2: vec![0; usize::from(cabinet.slot.cb_sig())],
        };
        (0, header.flags, reserve)
    } else if keeps_sizes {
        let reserve = Reserve::Sizes(sizes(0, header));
        (i64::from(SLOT), header.flags, reserve)
    } else {
        let kept = header.flags & !flags::RESERVE_PRESENT;
        (INSERTED, kept, Reserve::None)
    };
    let shift = shift.saturating_neg();
    let change = Change {
        cb_cabinet: moved("cbCabinet", 8, header.cb_cabinet, shift)?,
        coff_files: moved("coffFiles", 16, header.coff_files, shift)?,
        flags: kept_flags,
        reserve,
        shift,
    };
    let layout = Layout::new(header, &cabinet.folders, &change)?;
    let tail = u64::from(header.cb_cabinet)..cabinet.file_length;
    layout.patch(tail, Vec::new()).map(Some)
}

/// Refuses a cabinet with bytes that neither the cabinet nor its signature accounts for.
fn refuse_what_would_be_lost(cabinet: &Cabinet) -> Result<(), ParseError> {
    let header = &cabinet.header;
    let cb_cabinet = u64::from(header.cb_cabinet);
    let end = match &cabinet.signature {
        Some(signature) if signature.place == SignaturePlace::Appended => {
            if signature.offset != cb_cabinet {
                return Err(ParseError::unsupported(
                    "abReserve",
                    "offset",
                    signature.record_offset,
                    "a signature that does not follow the cabinet",
                ));
            }
            cb_cabinet.saturating_add(u64::from(signature.length))
        }
        _ => cb_cabinet,
    };
    let trailing = cabinet.file_length.saturating_sub(end);
    if trailing > 0 {
        return Err(ParseError::unsupported(
            "CFHEADER",
            "cbCabinet",
            end,
            format_args!("a cabinet with {trailing} bytes of other data behind it"),
        ));
    }
    let what = match cabinet.slot {
        Slot::Foreign if header.cb_cf_header < SLOT => {
            "a header reserve of less than 20 bytes, which has no room for a signature,"
        }
        Slot::Foreign => "a header reserve that holds something else than a signature",
        Slot::Absent => return Ok(()),
        slot if !zero(header, slot.part2_end(), header.reserve_end()) => {
            "a header reserve with other data behind the signature record"
        }
        _ => return Ok(()),
    };
    Err(ParseError::unsupported(
        "CFHEADER",
        "abReserve",
        RESERVE_OFFSET,
        what,
    ))
}

/// Part 2 may be moved to where a record is written; it must fit.
fn check_room(header: &Header, slot: Slot) -> Result<(), ParseError> {
    let needed = slot.cb_junk().saturating_add(SLOT);
    if slot != Slot::Absent && needed > header.cb_cf_header {
        return Err(ParseError::unsupported(
            "CFHEADER",
            "cbCFHeader",
            36,
            format_args!(
                "a header reserve of {} bytes, of which a signature record would need {needed},",
                header.cb_cf_header
            ),
        ));
    }
    Ok(())
}

/// cbCFHeader, and the other two sizes as they are.
fn sizes(cb_cf_header: u16, header: &Header) -> [u8; 4] {
    let [low, high] = cb_cf_header.to_le_bytes();
    [low, high, header.cb_cf_folder, header.cb_cf_data]
}

/// Part 1 of the reserve as it stands.
fn part1(header: &Header, slot: Slot) -> Vec<u8> {
    let end = usize::from(slot.cb_junk()).saturating_add(4);
    header.ab_reserve.get(4..end).unwrap_or_default().to_vec()
}

/// A header field once `shift` bytes more stand in front of what it counts.
fn moved(field: &'static str, offset: u64, value: u32, shift: i64) -> Result<u32, ParseError> {
    let new = i64::from(value).saturating_add(shift);
    match u32::try_from(new) {
        Ok(new) if new <= MAX_CABINET => Ok(new),
        Ok(new) => Err(ParseError::limit(
            "CFHEADER",
            field,
            offset,
            new,
            MAX_CABINET,
        )),
        Err(_) => Err(ParseError::invalid(
            "CFHEADER",
            field,
            offset,
            value,
            "room for the reserve",
        )),
    }
}
