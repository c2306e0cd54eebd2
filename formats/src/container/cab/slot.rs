//! The place in the header reserve that points to a signature, and the signature itself.

use std::io::{Read, Seek};

use super::header::{FIXED_LENGTH, Header, flags};
use super::input::Input;
use crate::cursor::Cursor;
use crate::error::{ParseError, Problem};

/// Offset of abReserve in a cabinet that has one.
pub(super) const RESERVE_OFFSET: u64 = FIXED_LENGTH + 4;
/// Bytes of cbJunk and cbSig.
pub(super) const LENGTHS: usize = 4;
/// Bytes of a signature record: offset, length, filler.
pub(super) const RECORD: u16 = 16;
/// `cbCFHeader` of a cabinet whose reserve holds a signature record and nothing else.
pub(super) const SLOT: u16 = 20;
/// Signatures are padded with zeros to a multiple of this.
pub(super) const ALIGNMENT: usize = 8;
/// Largest signature that is read: chains, timestamps and nested signatures together stay far below.
pub const MAX_SIGNATURE: u64 = 16 << 20;
/// The DER of the object identifier 1.2.840.113549.1.7.2 (PKCS#7 signedData).
const SIGNED_DATA: &[u8] = &[
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02,
];

/// Where a cabinet keeps its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignaturePlace {
    /// Behind the cabinet, with a record in the header reserve: what signing tools have written since Authenticode.
    Appended,
    /// In the header reserve itself, the form before that.
    InReserve,
}

/// The PKCS#7 of a signed cabinet and how the header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The ContentInfo, padding stripped.
    pub der: Vec<u8>,
    /// Where it is kept.
    pub place: SignaturePlace,
    /// File offset of its first byte.
    pub offset: u64,
    /// Its length as declared, padding included.
    pub length: u32,
    /// File offset of the 16-byte record that points to it; of the PKCS#7 itself where it lies in the reserve.
    pub record_offset: u64,
}

/// What the header reserve holds.
///
/// | offset in abReserve | length | field | |
/// |---|---|---|---|
/// | 0 | 2 | cbJunk | length of part 1, 0 |
/// | 2 | 2 | cbSig | length of part 2, 16 for a record |
/// | 4 | cbJunk | part 1 | covered by the digest |
/// | 4 + cbJunk | 4 | offset | of the signature: cbCabinet |
/// | + 4 | 4 | length | of the signature, padded to 8 |
/// | + 8 | 8 | filler | 0 |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// There is no header reserve.
    Absent,
    /// Room for a record, without one.
    Blank,
    /// Part 2 is a record.
    Record {
        cb_junk: u16,
        offset: u32,
        length: u32,
    },
    /// Part 2 is the PKCS#7 itself.
    Inline { cb_junk: u16, cb_sig: u16 },
    /// Something else, or too short for a record.
    Foreign,
}

impl Slot {
    /// Reads abReserve's beginning.
    pub(super) fn of(header: &Header) -> Self {
        if !header.has(flags::RESERVE_PRESENT) || header.cb_cf_header == 0 {
            return Self::Absent;
        }
        Self::read(&header.ab_reserve).unwrap_or(Self::Foreign)
    }

    fn read(ab_reserve: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("abReserve", ab_reserve, RESERVE_OFFSET);
        let start = cursor.clone().bytes("cbJunk", usize::from(SLOT))?;
        if start.iter().all(|byte| *byte == 0) {
            return Ok(Self::Blank);
        }
        let cb_junk = cursor.u16("cbJunk")?;
        let cb_sig = cursor.u16("cbSig")?;
        cursor.bytes("part 1", usize::from(cb_junk))?;
        let part2 = cursor.bytes("part 2", usize::from(cb_sig))?;
        if cb_sig != RECORD {
            let is_pkcs7 = part2.first() == Some(&0x30)
                && part2
                    .windows(SIGNED_DATA.len())
                    .take(8)
                    .any(|w| w == SIGNED_DATA);
            return Ok(if is_pkcs7 {
                Self::Inline { cb_junk, cb_sig }
            } else {
                Self::Foreign
            });
        }
        let mut record = Cursor::new("abReserve", part2, RESERVE_OFFSET);
        let offset = record.u32("offset")?;
        let length = record.u32("length")?;
        Ok(match (offset, length, cb_junk) {
            (0, 0, 0) => Self::Blank,
            _ => Self::Record {
                cb_junk,
                offset,
                length,
            },
        })
    }

    /// Length of part 1, which the digest covers.
    pub(super) fn cb_junk(self) -> u16 {
        match self {
            Self::Record { cb_junk, .. } | Self::Inline { cb_junk, .. } => cb_junk,
            Self::Absent | Self::Blank | Self::Foreign => 0,
        }
    }

    /// Length of part 2, which it does not cover.
    pub(super) fn cb_sig(self) -> u16 {
        match self {
            Self::Record { .. } => RECORD,
            Self::Inline { cb_sig, .. } => cb_sig,
            Self::Absent | Self::Blank | Self::Foreign => 0,
        }
    }

    /// One past the last byte of part 2, or of the place for a record.
    pub(super) fn part2_end(self) -> u64 {
        let length = match self {
            Self::Absent | Self::Blank | Self::Foreign => RECORD,
            Self::Record { .. } | Self::Inline { .. } => self.cb_sig(),
        };
        self.part2_offset().saturating_add(u64::from(length))
    }

    /// File offset of part 2.
    fn part2_offset(self) -> u64 {
        RESERVE_OFFSET
            .saturating_add(LENGTHS as u64)
            .saturating_add(u64::from(self.cb_junk()))
    }
}

/// Reads the signature that `slot` describes and adds to `faults` what is not as a signing tool writes it.
pub(super) fn read_signature<R: Read + Seek>(
    input: &mut Input<R>,
    header: &Header,
    slot: Slot,
    faults: &mut Vec<ParseError>,
) -> Result<Option<Signature>, ParseError> {
    let record_offset = slot.part2_offset();
    let (place, offset, length) = match slot {
        Slot::Absent | Slot::Blank | Slot::Foreign => return Ok(None),
        Slot::Record { offset, length, .. } => {
            check_record(header, input.length(), record_offset, offset, length)?;
            (SignaturePlace::Appended, u64::from(offset), length)
        }
        Slot::Inline { cb_sig, .. } => {
            (SignaturePlace::InReserve, record_offset, u32::from(cb_sig))
        }
    };
    let der = read_der(input, offset, length)?;
    let signature = Signature {
        der,
        place,
        offset,
        length,
        record_offset,
    };
    reserve_faults(header, slot, &signature, faults);
    padding_faults(input, &signature, faults)?;
    Ok(Some(signature))
}

/// The signature lies behind the cabinet and inside the file.
fn check_record(
    header: &Header,
    file_length: u64,
    record_offset: u64,
    offset: u32,
    length: u32,
) -> Result<(), ParseError> {
    if offset < header.cb_cabinet {
        return Err(ParseError::invalid(
            "abReserve",
            "offset",
            record_offset,
            offset,
            format_args!("{} (cbCabinet)", header.cb_cabinet),
        ));
    }
    let available = file_length.saturating_sub(u64::from(offset));
    if u64::from(length) > available {
        return Err(ParseError {
            structure: "abReserve",
            field: "length",
            offset: record_offset.saturating_add(4),
            problem: Problem::Truncated {
                needed: u64::from(length),
                available,
            },
        });
    }
    Ok(())
}

/// Reads one DER SEQUENCE of at most `length` bytes.
fn read_der<R: Read + Seek>(
    input: &mut Input<R>,
    offset: u64,
    length: u32,
) -> Result<Vec<u8>, ParseError> {
    input.seek("ContentInfo", "tag", offset)?;
    let mut der = Vec::new();
    input.append("ContentInfo", "tag", length.min(6) as usize, &mut der)?;
    let total = der_length(&der, offset)?;
    if total > u64::from(length) {
        return Err(ParseError::invalid(
            "ContentInfo",
            "length",
            offset,
            format_args!("{total} bytes"),
            format_args!("at most the {length} that the header declares"),
        ));
    }
    if total > MAX_SIGNATURE {
        return Err(ParseError::limit(
            "ContentInfo",
            "length",
            offset,
            total,
            MAX_SIGNATURE,
        ));
    }
    let total = total as usize;
    let rest = total.saturating_sub(der.len());
    input.append("ContentInfo", "content", rest, &mut der)?;
    der.truncate(total);
    Cursor::new("ContentInfo", &der, offset).bytes("content", total)?;
    Ok(der)
}

/// Bytes of the DER SEQUENCE whose beginning is `bytes`, tag and length included.
pub(super) fn der_length(bytes: &[u8], offset: u64) -> Result<u64, ParseError> {
    let mut cursor = Cursor::new("ContentInfo", bytes, offset);
    let tag = cursor.u8("tag")?;
    if tag != 0x30 {
        let found = format_args!("{tag:#04x}").to_string();
        return Err(ParseError::invalid(
            "ContentInfo",
            "tag",
            offset,
            found,
            "a SEQUENCE (0x30)",
        ));
    }
    let first = cursor.u8("length")?;
    let mut content = u64::from(first);
    if first >= 0x80 {
        let count = first & 0x7F;
        if !(1..=4).contains(&count) {
            return Err(cursor.invalid("length", first, "a definite length of at most 4 bytes"));
        }
        let digits = cursor.bytes("length", usize::from(count))?;
        content = digits
            .iter()
            .fold(0, |sum, digit| (sum << 8) | u64::from(*digit));
    }
    Ok(content.saturating_add(cursor.position() as u64))
}

/// What of bytes 40 to 60 and of the reserve behind them is not as signing tools write it. No digest covers these;
/// `sizes` looks at the bytes before.
fn reserve_faults(
    header: &Header,
    slot: Slot,
    signature: &Signature,
    faults: &mut Vec<ParseError>,
) {
    let mut expect = |structure, field, offset: u64, found: u64, expected: u64| {
        if found != expected {
            faults.push(ParseError::invalid(
                structure, field, offset, found, expected,
            ));
        }
    };
    expect("abReserve", "cbJunk", 40, u64::from(slot.cb_junk()), 0);
    expect(
        "abReserve",
        "cbSig",
        42,
        u64::from(slot.cb_sig()),
        u64::from(RECORD),
    );
    if signature.place == SignaturePlace::Appended {
        let cb_cabinet = u64::from(header.cb_cabinet);
        expect(
            "abReserve",
            "offset",
            signature.record_offset,
            signature.offset,
            cb_cabinet,
        );
        let filler = signature.record_offset.saturating_add(8);
        if !zero(header, filler, filler.saturating_add(8)) {
            faults.push(ParseError::invalid(
                "abReserve",
                "filler",
                filler,
                "other bytes",
                "zeros",
            ));
        }
    }
    let rest = slot.part2_end();
    if !zero(header, rest, header.reserve_end()) {
        let found = "bytes behind the signature record that no digest covers";
        faults.push(ParseError::invalid(
            "CFHEADER",
            "abReserve",
            rest,
            found,
            "zeros",
        ));
    }
}

/// Whether the reserve is zero between two file offsets.
pub(super) fn zero(header: &Header, start: u64, end: u64) -> bool {
    let index = |offset: u64| offset.saturating_sub(RESERVE_OFFSET) as usize;
    let bytes = header.ab_reserve.get(index(start)..index(end));
    bytes.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

/// Padding is shorter than 8 bytes and zero, and the file ends with it.
fn padding_faults<R: Read + Seek>(
    input: &mut Input<R>,
    signature: &Signature,
    faults: &mut Vec<ParseError>,
) -> Result<(), ParseError> {
    let start = signature.offset.saturating_add(signature.der.len() as u64);
    let end = signature.offset.saturating_add(u64::from(signature.length));
    let padding = end.saturating_sub(start);
    if padding >= ALIGNMENT as u64 {
        let found = format_args!("{padding} bytes behind the signature").to_string();
        let expected = "a padding of less than 8 bytes";
        faults.push(ParseError::invalid(
            "abReserve",
            "length",
            start,
            found,
            expected,
        ));
    } else {
        let mut bytes = Vec::new();
        input.seek("ContentInfo", "padding", start)?;
        input.append("ContentInfo", "padding", padding as usize, &mut bytes)?;
        if bytes.iter().any(|byte| *byte != 0) {
            faults.push(ParseError::invalid(
                "ContentInfo",
                "padding",
                start,
                "other bytes",
                "zeros",
            ));
        }
    }
    let trailing = input.length().saturating_sub(end);
    if signature.place == SignaturePlace::Appended && trailing > 0 {
        let found = format_args!("{trailing} bytes behind the signature").to_string();
        faults.push(ParseError::invalid(
            "abReserve",
            "length",
            end,
            found,
            "the end of the file",
        ));
    }
    Ok(())
}
