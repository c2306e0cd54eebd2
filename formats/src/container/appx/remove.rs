//! Taking a signature away.

use super::central::{Entry, Sizes};
use super::content_types::{self, crc_32};
use super::layout::{Change, Layout, entry, patch, refuse_what_is_ambiguous};
use super::original::Original;
use super::parts::ContentTypesPart;
use super::{Package, expand};
use crate::error::ParseError;
use crate::patch::Patch;

/// Takes the signature of `package` away.
pub(super) fn remove(package: &Package) -> Result<Option<Patch>, ParseError> {
    let Some(signature) = &package.signature else {
        return Ok(None);
    };
    refuse_what_is_ambiguous(package)?;
    let ContentTypesPart { index, text, .. } = &package.content_types;
    let entry = entry(package, *index)?;
    if let Some(original) = Original::find(&signature.der)
        && let Some(patch) = restore(package, entry, text, &original)?
    {
        return Ok(Some(patch));
    }
    let change = match content_types::without_signature(text, entry)? {
        Some(text) => {
            let (data, sizes) = content_types::compressed(&text, entry)?;
            Some(Change::new(package, entry, data, sizes)?)
        }
        None => None,
    };
    let layout = Layout::new(package, change)?;
    let mut tail = layout.headers.clone();
    tail.extend(package.end.write(layout.directory()));
    let replaced = package.records_end()..package.file_length;
    patch(&layout.hunk, replaced, tail).map(Some)
}

/// The change that puts back what the signature says was there; `None` where that cannot have been so.
fn restore(
    package: &Package,
    entry: &Entry,
    text: &[u8],
    original: &Original,
) -> Result<Option<Patch>, ParseError> {
    let change = match &original.content_types {
        Some(data) => {
            let Some(old_text) = content_types::without_signature(text, entry)? else {
                return Ok(None);
            };
            let sizes = Sizes {
                crc_32: crc_32(&old_text),
                compressed: data.len() as u64,
                uncompressed: old_text.len() as u64,
            };
            let old_entry = Entry {
                sizes,
                ..entry.clone()
            };
            let mut expanded = Vec::new();
            let taken = expand::of_bytes(&old_entry, data, |block| {
                expanded.extend_from_slice(block);
            });
            if taken.is_err() || expanded != old_text {
                return Ok(None);
            }
            Some(Change::new(package, entry, data.clone(), sizes)?)
        }
        None => None,
    };
    let layout = Layout::new(package, change)?;
    let Some(end) = package.end.restored(original.end, layout.directory()) else {
        return Ok(None);
    };
    let mut tail = layout.headers.clone();
    tail.extend(end);
    let replaced = package.records_end()..package.file_length;
    patch(&layout.hunk, replaced, tail).map(Some)
}
