//! Giving an image a certificate table, and taking it away again.

use std::io::{Read, Seek};
use std::ops::Range;

use super::Image;
use super::certificate_table::{ALIGNMENT, ENTRY_HEADER, MAX_TABLE, PKCS_SIGNED_DATA, REVISION};
use super::checksum::WordSum;
use super::page_hash::PageLayout;
use crate::container::Piece;
use crate::der::{self, Reader};
use crate::error::ParseError;
use crate::patch::{Hunk, Patch};

/// An image that waits for its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared<'a> {
    image: &'a Image,
    /// File range of the directory entry.
    entry: Range<u64>,
    /// Where the table will stand.
    table_offset: u32,
}

impl Prepared<'_> {
    /// What the digest covers, in order; zeros up to a multiple of 8 come last where the image is not as long.
    pub fn digest_pieces(&self) -> Vec<Piece> {
        let mut pieces = self.image.body_pieces();
        pieces.extend(padding_piece(self.image.body_end()));
        pieces
    }

    /// The pages that page hashes cover.
    ///
    /// # Errors
    /// As [`Image::pages`].
    pub fn pages(&self) -> Result<PageLayout, ParseError> {
        self.image.pages()
    }

    /// The change that signs the image with `cms_der`, one DER ContentInfo. `body` is the sum of what
    /// [`Prepared::digest_pieces`] stand for; CheckSum is made from it.
    ///
    /// # Errors
    /// When `cms_der` is anything but one DER SEQUENCE, or longer than a table may be.
    pub fn embed(&self, cms_der: &[u8], body: WordSum) -> Result<Patch, ParseError> {
        let mut reader = Reader::new("ContentInfo", cms_der, 0);
        reader.expect("tag", der::SEQUENCE)?;
        reader.finish()?;
        let length = ENTRY_HEADER
            .saturating_add(cms_der.len())
            .next_multiple_of(ALIGNMENT as usize);
        let size = u32::try_from(length)
            .ok()
            .filter(|size| *size <= MAX_TABLE)
            .ok_or_else(|| {
                let found = length as u64;
                ParseError::limit(
                    "WIN_CERTIFICATE",
                    "dwLength",
                    0,
                    found,
                    u64::from(MAX_TABLE),
                )
            })?;
        let mut table = Vec::with_capacity(length);
        table.extend_from_slice(&size.to_le_bytes());
        table.extend_from_slice(&REVISION.to_le_bytes());
        table.extend_from_slice(&PKCS_SIGNED_DATA.to_le_bytes());
        table.extend_from_slice(cms_der);
        table.resize(length, 0);

        let mut entry = self.table_offset.to_le_bytes().to_vec();
        entry.extend_from_slice(&size.to_le_bytes());
        let mut sum = body;
        for part in [&entry, &table] {
            let mut own = WordSum::default();
            own.add(part);
            sum.add_sum(own);
        }
        let file_length = u64::from(self.table_offset).saturating_add(u64::from(size));
        let padding = u64::from(self.table_offset).saturating_sub(self.image.body_end());
        let mut tail = vec![0; padding as usize];
        tail.append(&mut table);
        self.image
            .patch(self.entry.clone(), entry, sum.check_sum(file_length), tail)
    }
}

/// Lays out `image` with a certificate table, in place of the one it may have.
pub(super) fn prepare(image: &Image) -> Result<Prepared<'_>, ParseError> {
    let header = &image.header;
    let entry = header.certificate_table_entry().ok_or_else(|| {
        let directories = header.number_of_rva_and_sizes;
        ParseError::unsupported(
            "IMAGE_OPTIONAL_HEADER",
            "NumberOfRvaAndSizes",
            header.number_of_rva_and_sizes_offset(),
            format_args!(
                "an image with {directories} data directories, which has no entry for signatures,"
            ),
        )
    })?;
    refuse_what_would_be_lost(image)?;
    let end = image.body_end();
    let padded = end.saturating_add(padding_of(end));
    let table_offset = u32::try_from(padded).map_err(|_| {
        ParseError::limit(
            "IMAGE_OPTIONAL_HEADER",
            "CertificateTable.VirtualAddress",
            entry.start,
            padded,
            u64::from(u32::MAX),
        )
    })?;
    Ok(Prepared {
        image,
        entry,
        table_offset,
    })
}

/// Takes the certificate table of `image` away.
pub(super) fn remove(
    image: &Image,
    input: &mut (impl Read + Seek),
) -> Result<Option<Patch>, ParseError> {
    let (Some(_), Some(entry)) = (&image.table, image.header.certificate_table_entry()) else {
        return Ok(None);
    };
    refuse_what_would_be_lost(image)?;
    let body = WordSum::of_pieces(input, &image.body_pieces())
        .map_err(|error| ParseError::io("IMAGE_OPTIONAL_HEADER", "CheckSum", 0, &error))?;
    let check_sum = body.check_sum(image.body_end());
    image
        .patch(entry, vec![0; 8], check_sum, Vec::new())
        .map(Some)
}

/// Refuses an image with bytes that signing would drop, or that would end up among the signature's.
fn refuse_what_would_be_lost(image: &Image) -> Result<(), ParseError> {
    if let Some(fault) = &image.layout_fault {
        return Err(fault.clone());
    }
    let end = image.table.as_ref().map(|table| table.range.end);
    match end {
        Some(end) if end < image.file_length => {
            let behind = image.file_length.saturating_sub(end);
            Err(ParseError::unsupported(
                "IMAGE_OPTIONAL_HEADER",
                "CertificateTable.Size",
                end,
                format_args!("an image with {behind} bytes behind its certificate table"),
            ))
        }
        _ => Ok(()),
    }
}

/// Zeros that are missing to a multiple of 8.
fn padding_of(end: u64) -> u64 {
    end.next_multiple_of(ALIGNMENT).saturating_sub(end)
}

/// The zeros that the digest of an unsigned image ends with.
pub(super) fn padding_piece(end: u64) -> Option<Piece> {
    let padding = padding_of(end);
    (padding > 0).then(|| Piece::Literal(vec![0; padding as usize]))
}

impl Image {
    /// A patch of the three places that a signature changes.
    fn patch(
        &self,
        entry: Range<u64>,
        new_entry: Vec<u8>,
        check_sum: u32,
        tail: Vec<u8>,
    ) -> Result<Patch, ParseError> {
        let hunk = |range, replacement| Hunk { range, replacement };
        let check_sum = check_sum.to_le_bytes().to_vec();
        let place = entry.start;
        Patch::new(vec![
            hunk(self.header.check_sum_range(), check_sum),
            hunk(entry, new_entry),
            hunk(self.body_end()..self.file_length, tail),
        ])
        .map_err(|error| {
            ParseError::invalid(
                "IMAGE_OPTIONAL_HEADER",
                "CertificateTable",
                place,
                error,
                "places in order",
            )
        })
    }
}
