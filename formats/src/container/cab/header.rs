//! CFHEADER.

use std::io::{Read, Seek};

use super::input::Input;
use crate::cursor::Cursor;
use crate::error::ParseError;

/// The first four bytes.
pub(super) const MAGIC: &[u8; 4] = b"MSCF";
/// Length of the part that every cabinet has.
pub(super) const FIXED_LENGTH: u64 = 36;
/// Largest `cbCFHeader` that the specification allows.
pub const MAX_HEADER_RESERVE: u16 = 60_000;
/// Longest string of a cabinet in bytes, its NUL not counted.
pub const MAX_STRING: usize = 255;
/// How far behind the start of a file a cabinet is looked for, to name the reason of a refusal.
const PREFIX_SEARCH: usize = 1 << 20;

/// Bits of [`Header::flags`].
pub mod flags {
    /// `cfhdrPREV_CABINET`: the set has a cabinet before this one.
    pub const PREV_CABINET: u16 = 0x0001;
    /// `cfhdrNEXT_CABINET`: the set has a cabinet after this one.
    pub const NEXT_CABINET: u16 = 0x0002;
    /// `cfhdrRESERVE_PRESENT`: the three reserve sizes are there.
    pub const RESERVE_PRESENT: u16 = 0x0004;
}

/// The header of a cabinet (MS-CAB 2.1). Integers are little-endian.
///
/// | offset | length | field | |
/// |---|---|---|---|
/// | 0 | 4 | signature | `MSCF` |
/// | 4 | 4 | reserved1 | 0 |
/// | 8 | 4 | cbCabinet | bytes of the cabinet, an appended signature not counted |
/// | 12 | 4 | reserved2 | 0 |
/// | 16 | 4 | coffFiles | offset of the first CFFILE |
/// | 20 | 4 | reserved3 | 0 |
/// | 24 | 1 | versionMinor | 3 |
/// | 25 | 1 | versionMajor | 1 |
/// | 26 | 2 | cFolders | |
/// | 28 | 2 | cFiles | |
/// | 30 | 2 | flags | [`flags`] |
/// | 32 | 2 | setID | same number in all cabinets of a set |
/// | 34 | 2 | iCabinet | place in the set, from 0 |
/// | 36 | 2 | cbCFHeader | only with RESERVE_PRESENT; at most 60,000 |
/// | 38 | 1 | cbCFFolder | " |
/// | 39 | 1 | cbCFData | " |
/// | 40 | cbCFHeader | abReserve | " |
/// | | | szCabinetPrev, szDiskPrev | only with PREV_CABINET; each up to 255 bytes and a NUL |
/// | | | szCabinetNext, szDiskNext | only with NEXT_CABINET; " |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `reserved1`: must be 0; the one field in front of the reserve that no digest covers.
    pub reserved1: u32,
    /// `cbCabinet`: bytes of the cabinet, an appended signature not counted.
    pub cb_cabinet: u32,
    /// `reserved2`: must be 0.
    pub reserved2: u32,
    /// `coffFiles`: offset of the first CFFILE.
    pub coff_files: u32,
    /// `reserved3`: must be 0.
    pub reserved3: u32,
    /// `versionMinor`, always 3.
    pub version_minor: u8,
    /// `versionMajor`, always 1.
    pub version_major: u8,
    /// `cFolders`, at least 1.
    pub c_folders: u16,
    /// `cFiles`, at least 1.
    pub c_files: u16,
    /// `flags`: see [`flags`].
    pub flags: u16,
    /// `setID`.
    pub set_id: u16,
    /// `iCabinet`: place in the set, from 0.
    pub i_cabinet: u16,
    /// `cbCFHeader`: bytes of [`Header::ab_reserve`].
    pub cb_cf_header: u16,
    /// `cbCFFolder`: reserved bytes behind each CFFOLDER.
    pub cb_cf_folder: u8,
    /// `cbCFData`: reserved bytes in front of each block's data.
    pub cb_cf_data: u8,
    /// `abReserve`.
    pub ab_reserve: Vec<u8>,
    /// `szCabinetPrev` and `szDiskPrev`, bytes as they stand.
    pub prev: Option<(Vec<u8>, Vec<u8>)>,
    /// `szCabinetNext` and `szDiskNext`, bytes as they stand.
    pub next: Option<(Vec<u8>, Vec<u8>)>,
}

impl Header {
    /// Reads the header; the input then stands at the first CFFOLDER.
    pub(super) fn read<R: Read + Seek>(input: &mut Input<R>) -> Result<Self, ParseError> {
        let mut fixed = Vec::with_capacity(64);
        input.append("CFHEADER", "signature", FIXED_LENGTH as usize, &mut fixed)?;
        let mut cursor = Cursor::new("CFHEADER", &fixed, 0);
        if cursor.bytes("signature", MAGIC.len())? != MAGIC {
            return Err(not_a_cabinet(input));
        }
        let mut header = Self {
            reserved1: cursor.u32("reserved1")?,
            cb_cabinet: cursor.u32("cbCabinet")?,
            reserved2: cursor.u32("reserved2")?,
            coff_files: cursor.u32("coffFiles")?,
            reserved3: cursor.u32("reserved3")?,
            version_minor: cursor.u8("versionMinor")?,
            version_major: cursor.u8("versionMajor")?,
            c_folders: cursor.u16("cFolders")?,
            c_files: cursor.u16("cFiles")?,
            flags: cursor.u16("flags")?,
            set_id: cursor.u16("setID")?,
            i_cabinet: cursor.u16("iCabinet")?,
            cb_cf_header: 0,
            cb_cf_folder: 0,
            cb_cf_data: 0,
            ab_reserve: Vec::new(),
            prev: None,
            next: None,
        };
        header.check(input.length())?;
        if header.has(flags::RESERVE_PRESENT) {
            header.read_reserve(input)?;
        }
        if header.has(flags::PREV_CABINET) {
            let cabinet = read_string(input, "szCabinetPrev")?;
            header.prev = Some((cabinet, read_string(input, "szDiskPrev")?));
        }
        if header.has(flags::NEXT_CABINET) {
            let cabinet = read_string(input, "szCabinetNext")?;
            header.next = Some((cabinet, read_string(input, "szDiskNext")?));
        }
        Ok(header)
    }

    /// Writes the header as [`Header::read`] reads it; the names of a set are not written.
    pub(super) fn write(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(MAGIC);
        output.extend_from_slice(&self.reserved1.to_le_bytes());
        output.extend_from_slice(&self.cb_cabinet.to_le_bytes());
        output.extend_from_slice(&self.reserved2.to_le_bytes());
        output.extend_from_slice(&self.coff_files.to_le_bytes());
        output.extend_from_slice(&self.reserved3.to_le_bytes());
        output.push(self.version_minor);
        output.push(self.version_major);
        output.extend_from_slice(&self.c_folders.to_le_bytes());
        output.extend_from_slice(&self.c_files.to_le_bytes());
        output.extend_from_slice(&self.flags.to_le_bytes());
        output.extend_from_slice(&self.set_id.to_le_bytes());
        output.extend_from_slice(&self.i_cabinet.to_le_bytes());
        if self.has(flags::RESERVE_PRESENT) {
            output.extend_from_slice(&self.cb_cf_header.to_le_bytes());
            output.push(self.cb_cf_folder);
            output.push(self.cb_cf_data);
            output.extend_from_slice(&self.ab_reserve);
        }
    }

    /// Reads the reserve sizes and abReserve.
    fn read_reserve<R: Read + Seek>(&mut self, input: &mut Input<R>) -> Result<(), ParseError> {
        let start = input.offset();
        let mut bytes = Vec::new();
        input.append("CFHEADER", "cbCFHeader", 4, &mut bytes)?;
        let mut cursor = Cursor::new("CFHEADER", &bytes, start);
        self.cb_cf_header = cursor.u16("cbCFHeader")?;
        self.cb_cf_folder = cursor.u8("cbCFFolder")?;
        self.cb_cf_data = cursor.u8("cbCFData")?;
        if self.cb_cf_header > MAX_HEADER_RESERVE {
            return Err(ParseError::limit(
                "CFHEADER",
                "cbCFHeader",
                start,
                self.cb_cf_header,
                MAX_HEADER_RESERVE,
            ));
        }
        let start = input.offset();
        let length = usize::from(self.cb_cf_header);
        bytes.clear();
        input.append("CFHEADER", "abReserve", length, &mut bytes)?;
        Cursor::new("CFHEADER", &bytes, start).bytes("abReserve", length)?;
        self.ab_reserve = bytes;
        Ok(())
    }

    /// What can be judged before anything else is read.
    fn check(&self, file_length: u64) -> Result<(), ParseError> {
        let invalid = |field, offset, found: &dyn std::fmt::Display, expected: &str| {
            Err(ParseError::invalid(
                "CFHEADER", field, offset, found, expected,
            ))
        };
        if (self.version_major, self.version_minor) != (1, 3) {
            let found = format!("{}.{}", self.version_major, self.version_minor);
            return invalid("versionMinor", 24, &found, "version 1.3");
        }
        if u64::from(self.cb_cabinet) > file_length {
            let expected = format!("at most the {file_length} bytes of the file");
            return invalid("cbCabinet", 8, &self.cb_cabinet, &expected);
        }
        if self.c_folders == 0 {
            return invalid("cFolders", 26, &0, "at least one folder");
        }
        if self.c_files == 0 {
            return invalid("cFiles", 28, &0, "at least one file");
        }
        Ok(())
    }

    /// Whether a bit of `flags` is set.
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// One past the last byte of abReserve, where the names or the first CFFOLDER follow.
    pub(super) fn reserve_end(&self) -> u64 {
        if self.has(flags::RESERVE_PRESENT) {
            FIXED_LENGTH
                .saturating_add(4)
                .saturating_add(u64::from(self.cb_cf_header))
        } else {
            FIXED_LENGTH
        }
    }
}

/// Reads one of the four set strings.
fn read_string<R: Read + Seek>(
    input: &mut Input<R>,
    field: &'static str,
) -> Result<Vec<u8>, ParseError> {
    let start = input.offset();
    let mut bytes = Vec::new();
    input.append_string("CFHEADER", field, MAX_STRING, &mut bytes)?;
    let text = Cursor::new("CFHEADER", &bytes, start).c_string(field, MAX_STRING)?;
    Ok(text.to_vec())
}

/// Tells a cabinet behind a prefix from a file that is no cabinet.
fn not_a_cabinet<R: Read + Seek>(input: &mut Input<R>) -> ParseError {
    match input.find(MAGIC, PREFIX_SEARCH) {
        Some(place) => ParseError::unsupported(
            "CFHEADER",
            "signature",
            0,
            format_args!("a cabinet behind a prefix (MSCF first stands at offset {place})"),
        ),
        None => ParseError::invalid("CFHEADER", "signature", 0, "other bytes", "MSCF"),
    }
}
