//! The entry of `[Content_Types].xml` by which Windows finds a signature.

use flate2::{Compress, Compression, FlushCompress, Status};

use super::central::{Entry, Sizes, method};
use super::names::CONTENT_TYPES;
use super::parts::document_error;
use crate::document::appx::{ContentTypes, SIGNATURE_PART, SIGNATURE_TYPE};
use crate::error::ParseError;

/// Whether `text` announces a signature.
///
/// # Errors
/// Where `text` is no list of content types.
pub(super) fn announces(text: &[u8], entry: &Entry) -> Result<bool, ParseError> {
    let found =
        ContentTypes::read(text).map_err(|error| document_error(CONTENT_TYPES, entry, &error))?;
    Ok(found.signature.is_some() || found.by_extension)
}

/// `text` with the signature announced in front of the end of its root; `None` where it is already.
///
/// # Errors
/// Where `text` is no list of content types.
pub(super) fn with_signature(text: &[u8], entry: &Entry) -> Result<Option<Vec<u8>>, ParseError> {
    let found =
        ContentTypes::read(text).map_err(|error| document_error(CONTENT_TYPES, entry, &error))?;
    if found.signature.is_some() || found.by_extension {
        return Ok(None);
    }
    let element = format!(
        "<{}Override PartName=\"{SIGNATURE_PART}\" ContentType=\"{SIGNATURE_TYPE}\"/>",
        found.prefix
    );
    let (before, after) = text.split_at_checked(found.end).unwrap_or((text, &[]));
    Ok(Some([before, element.as_bytes(), after].concat()))
}

/// `text` without the announcement; `None` where there is none.
///
/// # Errors
/// Where `text` is no list of content types.
pub(super) fn without_signature(text: &[u8], entry: &Entry) -> Result<Option<Vec<u8>>, ParseError> {
    let found =
        ContentTypes::read(text).map_err(|error| document_error(CONTENT_TYPES, entry, &error))?;
    let Some(span) = found.signature else {
        return Ok(None);
    };
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    Ok(Some([before, after].concat()))
}

/// The data that stand for `text` by the compression method of `entry`, and their sizes.
///
/// # Errors
/// Where the compressor gives up, which it does not for texts.
pub(super) fn compressed(text: &[u8], entry: &Entry) -> Result<(Vec<u8>, Sizes), ParseError> {
    let data = match entry.method {
        method::STORED => text.to_vec(),
        _ => deflate(text).ok_or_else(|| {
            let what = "a list of content types that does not compress";
            ParseError::unsupported("FileData", "data", entry.data, what)
        })?,
    };
    let sizes = Sizes {
        crc_32: crc_32(text),
        compressed: data.len() as u64,
        uncompressed: text.len() as u64,
    };
    Ok((data, sizes))
}

/// The CRC-32 of bytes in memory.
pub(crate) fn crc_32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn deflate(text: &[u8]) -> Option<Vec<u8>> {
    let mut deflate = Compress::new(Compression::best(), false);
    // Stored blocks are the worst case: 5 bytes for each 64 KiB, and some for the end.
    let worst = text
        .len()
        .saturating_add(text.len() / 1024)
        .saturating_add(64);
    let mut data = Vec::with_capacity(worst);
    let status = deflate.compress_vec(text, &mut data, FlushCompress::Finish);
    matches!(status, Ok(Status::StreamEnd)).then_some(data)
}
