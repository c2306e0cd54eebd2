//! Page hashes: a digest of every page of an image, signed with it.

use std::io::{self, Read, Seek, SeekFrom};

use formats::container::pe::{MAX_TABLE, PageLayout};
use formats::oid::{self, Oid};

use crate::digest::DigestAlgorithm;

/// The digest algorithm of a type of page hashes.
pub fn algorithm(kind: Oid<'_>) -> Option<DigestAlgorithm> {
    match kind {
        oid::SPC_PAGE_HASHES_V1 => Some(DigestAlgorithm::Sha1),
        oid::SPC_PAGE_HASHES_V2 => Some(DigestAlgorithm::Sha256),
        _ => None,
    }
}

/// Bytes of the table for an image's pages; `None` where it would not fit into a certificate table.
pub fn table_length(layout: &PageLayout, algorithm: DigestAlgorithm) -> Option<usize> {
    let record = record_length(algorithm) as u64;
    let length = layout.records().checked_mul(record)?;
    match length < u64::from(MAX_TABLE) {
        true => usize::try_from(length).ok(),
        false => None,
    }
}

/// The table for an image's pages: file offset and digest of each, then the end with zeros.
///
/// # Errors
/// Whatever reading reports; `UnexpectedEof` where a page lies outside the input.
pub fn table(
    input: &mut (impl Read + Seek),
    layout: &PageLayout,
    algorithm: DigestAlgorithm,
) -> io::Result<Vec<u8>> {
    let mut table = Vec::new();
    let mut record = |offset: u32, digest: &[u8]| {
        table.extend_from_slice(&offset.to_le_bytes());
        table.extend_from_slice(digest);
    };
    record(0, &algorithm.of_pieces(input, &layout.headers)?);
    let size = layout.page_size.max(1);
    let mut page = vec![0; size as usize];
    for section in &layout.sections {
        input.seek(SeekFrom::Start(u64::from(section.start)))?;
        for offset in section.clone().step_by(size as usize) {
            let length = section.end.saturating_sub(offset).min(size) as usize;
            let (data, zeros) = page.split_at_mut(length);
            input.read_exact(data)?;
            zeros.fill(0);
            record(offset, &algorithm.of(&page));
        }
    }
    record(layout.end(), &vec![0; algorithm.length()]);
    Ok(table)
}

/// The file offset of the first page whose records differ in two tables of the same length.
pub fn first_difference(found: &[u8], signed: &[u8], algorithm: DigestAlgorithm) -> Option<u32> {
    let length = record_length(algorithm);
    let mut pairs = found.chunks(length).zip(signed.chunks(length));
    let (found, _) = pairs.find(|(found, signed)| found != signed)?;
    let offset = found.first_chunk()?;
    Some(u32::from_le_bytes(*offset))
}

fn record_length(algorithm: DigestAlgorithm) -> usize {
    algorithm.length().saturating_add(4)
}
