//! PE images (`.sys`, `.dll`, `.exe`, `.efi`): headers, digest, certificate table, CheckSum, pages.
//!
//! An image is signed by a table behind its data, to which an entry of the data directory points. The digest covers
//! all but CheckSum, that entry and the table. Only headers and table are read into memory; the data are read when
//! they are hashed.
//!
//! CheckSum is in no digest, so that anyone may change it without breaking a signature. Windows refuses to load a
//! driver or a boot DLL whose CheckSum is wrong, and every signing tool writes it anew; it is checked as a fact of
//! its own.

mod certificate_table;
mod checksum;
mod header;
mod page_hash;
mod prepare;

use std::io::{Read, Seek, SeekFrom};

use crate::container::Piece;
use crate::error::ParseError;
use crate::patch::Patch;

pub use certificate_table::{MAX_TABLE, WinCertificate};
pub use checksum::WordSum;
pub use header::{Header, Magic, Section};
pub use page_hash::PageLayout;
pub use prepare::Prepared;

use certificate_table::{ALIGNMENT, CertificateTable};

/// A PE image's headers, section table and certificate table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    header: Header,
    sections: Vec<Section>,
    table: Option<CertificateTable>,
    faults: Vec<ParseError>,
    /// Why the data cannot be told from what surrounds them; one of `faults` as well.
    layout_fault: Option<ParseError>,
    file_length: u64,
}

impl Image {
    /// Reads headers, section table and certificate table. Memory is bounded by what 16-bit counts allow (about
    /// 3 MB) and [`MAX_TABLE`].
    ///
    /// # Errors
    /// When the input is no PE image (an MS-DOS program, for one), a structure is cut off, or the certificate table
    /// leads nowhere or cannot be read.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let file_length = input
            .seek(SeekFrom::End(0))
            .map_err(|error| ParseError::io("IMAGE_DOS_HEADER", "e_magic", 0, &error))?;
        let (header, sections) = Header::read(input, file_length)?;
        let mut faults = Vec::new();
        let headers_end = header.headers_end(sections.len());
        let table = CertificateTable::read(input, &header, headers_end..file_length, &mut faults)?;
        let body_end = table.as_ref().map_or(file_length, |t| t.range.start);
        let layout_fault = layout_fault(&header, &sections, body_end);
        faults.extend(layout_fault.clone());
        Ok(Self {
            header,
            sections,
            table,
            faults,
            layout_fault,
            file_length,
        })
    }

    /// The headers.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The section table in the file's order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The entries of the certificate table, signatures and others.
    pub fn certificates(&self) -> &[WinCertificate] {
        self.table
            .as_ref()
            .map(|table| table.entries.as_slice())
            .unwrap_or_default()
    }

    /// The signatures with their file offsets. Windows looks at the first, firmware at each.
    pub fn signatures(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.certificates().iter().filter_map(|entry| {
            let signature = entry.signature.as_deref()?;
            let header = certificate_table::ENTRY_HEADER as u64;
            Some((signature, entry.offset.saturating_add(header)))
        })
    }

    /// What the digest of the image as it stands covers. An unsigned image is hashed as if zeros filled it up to a
    /// multiple of 8, so that a catalog finds it before and after it is signed. Bytes behind the certificate table
    /// are hashed as well.
    pub fn digest_pieces(&self) -> Vec<Piece> {
        let mut pieces = self.body_pieces();
        match &self.table {
            None => pieces.extend(prepare::padding_piece(self.file_length)),
            Some(table) if table.range.end < self.file_length => {
                pieces.push(Piece::Range(table.range.end..self.file_length));
            }
            Some(_) => {}
        }
        pieces
    }

    /// What CheckSum should be, from the sum of what [`Image::digest_pieces`] stand for; `None` where bytes behind
    /// the certificate table leave no such sum.
    pub fn expected_check_sum(&self, body: WordSum) -> Option<u32> {
        let mut sum = body;
        if let (Some(table), Some((offset, size))) = (&self.table, self.header.certificate_table) {
            if table.range.end < self.file_length {
                return None;
            }
            let mut entry = WordSum::default();
            entry.add(&offset.to_le_bytes());
            entry.add(&size.to_le_bytes());
            sum.add_sum(entry);
            // Continued rather than added, in case the table begins at an odd offset.
            sum.add(&table.bytes);
        }
        Some(sum.check_sum(self.file_length))
    }

    /// The pages that page hashes cover.
    ///
    /// # Errors
    /// By name: headers larger than a page, sections out of order, or that overlap or leave the file.
    pub fn pages(&self) -> Result<PageLayout, ParseError> {
        page_hash::pages(self)
    }

    /// The image with room for a signature, in place of every one it may have.
    ///
    /// # Errors
    /// By name: a data directory without the entry, bytes behind the certificate table, sections that overlap or
    /// leave the file, and an image that would grow past 4 GiB.
    pub fn prepare(&self) -> Result<Prepared<'_>, ParseError> {
        prepare::prepare(self)
    }

    /// The image with its one signature open for change, what that signature covers staying as it is.
    ///
    /// # Errors
    /// As [`Image::prepare`], and where the table holds several entries or other bytes, or is not aligned.
    pub fn prepare_amended(&self) -> Result<Prepared<'_>, ParseError> {
        if let Some(table) = &self.table {
            let what = match table.entries.as_slice() {
                _ if table.range.start % ALIGNMENT != 0 => {
                    "a certificate table that is not aligned to 8 bytes"
                }
                [entry] if entry.rest() < ALIGNMENT => return self.prepare(),
                [_] => "a certificate table with other data than a signature",
                _ => "a certificate table with several entries",
            };
            let place = table.range.start;
            return Err(ParseError::unsupported(
                "WIN_CERTIFICATE",
                "dwLength",
                place,
                format_args!("a change inside {what}"),
            ));
        }
        self.prepare()
    }

    /// The change that takes every signature away; none where there is none.
    ///
    /// What signing changed is restored but for two things that it does not leave a trace of: the zeros that fill
    /// the image up to a multiple of 8 stay, and CheckSum becomes what it should be, also where it was wrong or 0
    /// before.
    ///
    /// # Errors
    /// By name: bytes behind the certificate table, sections that overlap or leave the file; and where the input,
    /// which is summed, cannot be read.
    pub fn remove_signature(
        &self,
        input: &mut (impl Read + Seek),
    ) -> Result<Option<Patch>, ParseError> {
        prepare::remove(self, input)
    }

    /// Every deviation from what signing tools write where no digest looks, and what makes it doubtful which bytes
    /// Windows would hash: empty for a canonical image.
    pub fn canonical_faults(&self) -> &[ParseError] {
        &self.faults
    }

    /// One past the last byte in front of the certificate table.
    fn body_end(&self) -> u64 {
        self.table
            .as_ref()
            .map_or(self.file_length, |table| table.range.start)
    }

    /// Everything up to there, but for CheckSum and the entry for the certificate table.
    fn body_pieces(&self) -> Vec<Piece> {
        let check_sum = self.header.check_sum_range();
        let mut pieces = vec![Piece::Range(0..check_sum.start)];
        let mut from = check_sum.end;
        if let Some(entry) = self.header.certificate_table_entry() {
            pieces.push(Piece::Range(from..entry.start));
            from = entry.end;
        }
        pieces.push(Piece::Range(from..self.body_end()));
        pieces
    }
}

/// The first reason why headers and sections are not what the digest takes them for: bytes that Windows would load
/// from the certificate table or from beyond the file, or two sections in one place.
fn layout_fault(header: &Header, sections: &[Section], body_end: u64) -> Option<ParseError> {
    if u64::from(header.size_of_headers) > body_end {
        return Some(ParseError::invalid(
            "IMAGE_OPTIONAL_HEADER",
            "SizeOfHeaders",
            header.size_of_headers_offset(),
            header.size_of_headers,
            format_args!("at most the {body_end} bytes in front of any signature"),
        ));
    }
    let mut placed: Vec<_> = sections
        .iter()
        .filter_map(|section| Some((section.data()?, section)))
        .collect();
    placed.sort_by_key(|(data, _)| data.start);
    let invalid = |section: &Section, found: String, expected: String| {
        let field = "PointerToRawData";
        let place = section.offset.saturating_add(20);
        ParseError::invalid("IMAGE_SECTION_HEADER", field, place, found, expected)
    };
    let mut last: Option<(u64, &Section)> = None;
    for (data, section) in placed {
        let found = format!("{} at {:#x}..{:#x}", section.name(), data.start, data.end);
        if data.end > body_end {
            let expected = format!("data within the {body_end:#x} bytes in front of any signature");
            return Some(invalid(section, found, expected));
        }
        if let Some((end, earlier)) = last
            && data.start < end
        {
            let expected = format!("data behind {}, which ends at {end:#x}", earlier.name());
            return Some(invalid(section, found, expected));
        }
        last = Some((data.end, section));
    }
    None
}
