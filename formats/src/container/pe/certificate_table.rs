//! The attribute certificate table: WIN_CERTIFICATE entries, of which Authenticode uses one kind.

use std::io::{Read, Seek};
use std::ops::Range;

use super::header::Header;
use crate::cursor::{Cursor, read_at};
use crate::der::{self, Reader};
use crate::error::{ParseError, Problem};

/// Bytes of dwLength, wRevision and wCertificateType.
pub(super) const ENTRY_HEADER: usize = 8;
/// The table and every entry begin at a multiple of this.
pub(super) const ALIGNMENT: u64 = 8;
/// `WIN_CERT_REVISION_2_0`.
pub(super) const REVISION: u16 = 0x0200;
/// `WIN_CERT_TYPE_PKCS_SIGNED_DATA`.
pub(super) const PKCS_SIGNED_DATA: u16 = 0x0002;
/// Largest table that is read: chains, time stamps and nested signatures together stay far below.
pub const MAX_TABLE: u32 = 16 << 20;
/// Most entries of a table; firmware images carry two or three.
const MAX_ENTRIES: usize = 32;

/// One entry of the table.
///
/// | offset | length | field | |
/// |---|---|---|---|
/// | 0 | 4 | dwLength | with these 8 bytes; up to 7 bytes of padding may or may not be counted |
/// | 4 | 2 | wRevision | `0x0200` |
/// | 6 | 2 | wCertificateType | `0x0002` for PKCS#7 |
/// | 8 | dwLength - 8 | bCertificate | |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WinCertificate {
    /// File offset of the entry.
    pub offset: u64,
    /// `dwLength`.
    pub length: u32,
    /// `wRevision`.
    pub revision: u16,
    /// `wCertificateType`.
    pub certificate_type: u16,
    /// The PKCS#7 of an entry of that type, padding left out.
    pub signature: Option<Vec<u8>>,
}

impl WinCertificate {
    /// Bytes of the entry behind its header that are not of a signature, padding included.
    pub(super) fn rest(&self) -> u64 {
        let signature = self.signature.as_ref().map_or(0, Vec::len);
        u64::from(self.length)
            .saturating_sub(ENTRY_HEADER as u64)
            .saturating_sub(signature as u64)
    }
}

/// The table as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CertificateTable {
    /// Its place in the file.
    pub(super) range: Range<u64>,
    /// Its bytes, which CheckSum covers.
    pub(super) bytes: Vec<u8>,
    /// Its entries.
    pub(super) entries: Vec<WinCertificate>,
}

impl CertificateTable {
    /// Reads the table that the header points to, within `data`, which is all behind the section table. Adds to
    /// `faults` what is not as signing tools write it.
    pub(super) fn read(
        input: &mut (impl Read + Seek),
        header: &Header,
        data: Range<u64>,
        faults: &mut Vec<ParseError>,
    ) -> Result<Option<Self>, ParseError> {
        let file_length = data.end;
        let Some((range, entry)) = table_range(header, &data, faults)? else {
            return Ok(None);
        };
        let size = range.end.saturating_sub(range.start);
        let bytes = read_at(
            input,
            "WIN_CERTIFICATE",
            "dwLength",
            range.start,
            size as usize,
        )?;
        let entries = read_entries(&bytes, range.start, faults)?;
        if range.start % ALIGNMENT != 0 {
            let found = format_args!("{:#x}", range.start).to_string();
            faults.push(ParseError::invalid(
                "IMAGE_OPTIONAL_HEADER",
                "CertificateTable.VirtualAddress",
                entry,
                found,
                "a multiple of 8",
            ));
        }
        let behind = file_length.saturating_sub(range.end);
        if behind > 0 {
            faults.push(ParseError::invalid(
                "IMAGE_OPTIONAL_HEADER",
                "CertificateTable.Size",
                range.end,
                format_args!("{behind} bytes behind the certificate table"),
                "the end of the file",
            ));
        }
        Ok(Some(Self {
            range,
            bytes,
            entries,
        }))
    }
}

/// The table's range and the file offset of the directory entry that gives it.
fn table_range(
    header: &Header,
    data: &Range<u64>,
    faults: &mut Vec<ParseError>,
) -> Result<Option<(Range<u64>, u64)>, ParseError> {
    let (Some((offset, size)), Some(entry)) =
        (header.certificate_table, header.certificate_table_entry())
    else {
        return Ok(None);
    };
    let invalid = |field, place: u64, found: u32, expected: String| {
        let found = format_args!("{found:#x}").to_string();
        ParseError::invalid("IMAGE_OPTIONAL_HEADER", field, place, found, expected)
    };
    if size == 0 {
        if offset != 0 {
            faults.push(invalid(
                "CertificateTable.VirtualAddress",
                entry.start,
                offset,
                "0 where the size is 0".to_owned(),
            ));
        }
        return Ok(None);
    }
    if u64::from(offset) < data.start {
        return Err(invalid(
            "CertificateTable.VirtualAddress",
            entry.start,
            offset,
            format!("a place behind the headers, which end at {:#x}", data.start),
        ));
    }
    let size_place = entry.start.saturating_add(4);
    let range = u64::from(offset)..u64::from(offset).saturating_add(u64::from(size));
    if range.end > data.end {
        return Err(ParseError {
            structure: "IMAGE_OPTIONAL_HEADER",
            field: "CertificateTable.Size",
            offset: size_place,
            problem: Problem::Truncated {
                needed: u64::from(size),
                available: data.end.saturating_sub(range.start),
            },
        });
    }
    if size > MAX_TABLE {
        return Err(ParseError::limit(
            "IMAGE_OPTIONAL_HEADER",
            "CertificateTable.Size",
            size_place,
            u64::from(size),
            u64::from(MAX_TABLE),
        ));
    }
    Ok(Some((range, entry.start)))
}

fn read_entries(
    table: &[u8],
    start: u64,
    faults: &mut Vec<ParseError>,
) -> Result<Vec<WinCertificate>, ParseError> {
    let mut entries = Vec::new();
    let mut cursor = Cursor::new("WIN_CERTIFICATE", table, start);
    while cursor.remaining() > 0 {
        if entries.len() >= MAX_ENTRIES {
            let at_least = (entries.len() as u64).saturating_add(1);
            let most = MAX_ENTRIES as u64;
            let place = cursor.offset();
            return Err(ParseError::limit(
                "WIN_CERTIFICATE",
                "count",
                place,
                at_least,
                most,
            ));
        }
        entries.push(read_entry(&mut cursor, faults)?);
        let position = cursor.position();
        let padding = position
            .next_multiple_of(ALIGNMENT as usize)
            .saturating_sub(position);
        if padding > cursor.remaining() {
            faults.push(cursor.invalid(
                "dwLength",
                format_args!("a table of {} bytes", table.len()),
                "a size that is the sum of the lengths, each rounded up to 8",
            ));
        }
        let padding = cursor.bytes("padding", padding.min(cursor.remaining()))?;
        check_padding(padding, &cursor, faults);
    }
    Ok(entries)
}

fn read_entry(
    cursor: &mut Cursor<'_>,
    faults: &mut Vec<ParseError>,
) -> Result<WinCertificate, ParseError> {
    let offset = cursor.offset();
    let length = cursor.u32("dwLength")?;
    let revision = cursor.u16("wRevision")?;
    let certificate_type = cursor.u16("wCertificateType")?;
    let content = usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_sub(ENTRY_HEADER))
        .ok_or_else(|| {
            ParseError::invalid("WIN_CERTIFICATE", "dwLength", offset, length, "at least 8")
        })?;
    let place = cursor.offset();
    let content = cursor.bytes("bCertificate", content)?;
    let mut expect = |field, place: u64, found: u16, expected: u16| {
        if found != expected {
            let [found, expected] = [found, expected].map(|value| format!("{value:#06x}"));
            faults.push(ParseError::invalid(
                "WIN_CERTIFICATE",
                field,
                place,
                found,
                expected,
            ));
        }
    };
    expect("wRevision", offset.saturating_add(4), revision, REVISION);
    expect(
        "wCertificateType",
        offset.saturating_add(6),
        certificate_type,
        PKCS_SIGNED_DATA,
    );
    let signature = match certificate_type {
        PKCS_SIGNED_DATA => Some(read_signature(content, place, faults)?),
        _ => None,
    };
    Ok(WinCertificate {
        offset,
        length,
        revision,
        certificate_type,
        signature,
    })
}

/// Takes the one DER SEQUENCE out of an entry, whose other bytes no signature covers.
fn read_signature(
    content: &[u8],
    offset: u64,
    faults: &mut Vec<ParseError>,
) -> Result<Vec<u8>, ParseError> {
    let signature = Reader::new("ContentInfo", content, offset).expect("tag", der::SEQUENCE)?;
    let end = signature.raw.len();
    let rest = content.get(end..).unwrap_or_default();
    let place = offset.saturating_add(end as u64);
    if rest.len() >= ALIGNMENT as usize {
        faults.push(ParseError::invalid(
            "WIN_CERTIFICATE",
            "dwLength",
            place,
            format_args!("{} bytes behind the signature", rest.len()),
            "a padding of less than 8 bytes",
        ));
    } else {
        check_padding(rest, &Cursor::new("WIN_CERTIFICATE", rest, place), faults);
    }
    Ok(signature.raw.to_vec())
}

fn check_padding(padding: &[u8], cursor: &Cursor<'_>, faults: &mut Vec<ParseError>) {
    if padding.iter().any(|byte| *byte != 0) {
        faults.push(cursor.invalid("padding", "other bytes", "zeros"));
    }
}
