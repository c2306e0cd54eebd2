//! Giving a package room for a signature.

use super::central::{Entry, Sizes, method};
use super::content_types::{self, crc_32};
use super::end::{Directory, End};
use super::layout::{Change, Layout, entry, patch, refuse_what_is_ambiguous};
use super::original::Original;
use super::parts::ContentTypesPart;
use super::signature::PKCX;
use super::{DigestPart, HashMethod, MAX_PART, Package, PackageKind, local, names};
use crate::error::{ParseError, Problem};
use crate::patch::{Hunk, Patch};

/// The version that all packaging tools of Windows state as their own.
const MADE_BY: u16 = 45;
/// The version needed for files without zip64 fields, and with them.
const NEEDED: [u16; 2] = [20, 45];

/// A package as it will be with room for a signature: what its digest covers, and how the signature goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    kind: PackageKind,
    hash_method: HashMethod,
    publisher: String,
    parts: Vec<DigestPart>,
    original: Option<Vec<u8>>,
    content_types: Option<Hunk>,
    /// Headers of all files but the signature.
    headers: Vec<u8>,
    entries: u64,
    end: End,
    /// Where the signature's record will stand.
    records_end: u64,
    /// What the signature's record, the central directory and the end take the place of.
    replaced: std::ops::Range<u64>,
    modified: [u8; 4],
}

impl Prepared {
    /// Whether it is a package or a bundle.
    pub fn kind(&self) -> PackageKind {
        self.kind
    }

    /// The hash algorithm, which is the block map's.
    pub fn hash_method(&self) -> HashMethod {
        self.hash_method
    }

    /// The publisher that the manifest names.
    pub fn publisher(&self) -> &str {
        &self.publisher
    }

    /// What the hashes of the digest cover, in order.
    pub fn digest_parts(&self) -> &[DigestPart] {
        &self.parts
    }

    /// The value of the signed attribute [`super::ORIGINAL`], by which the signature can be undone to the byte; absent
    /// where the present signature is another tool's.
    pub fn original(&self) -> Option<&[u8]> {
        self.original.as_deref()
    }

    /// The change that signs the package with `cms_der`, one DER ContentInfo. It is stored as it is: of compressed data,
    /// bits could change without the content noticing.
    ///
    /// # Errors
    /// Where `cms_der` is larger than [`MAX_PART`] allows.
    pub fn embed(&self, cms_der: &[u8]) -> Result<Patch, ParseError> {
        let content = [PKCX, cms_der].concat();
        let size = content.len() as u64;
        if size > MAX_PART {
            let problem = Problem::Limit {
                found: size,
                limit: MAX_PART,
            };
            return Err(ParseError {
                structure: names::SIGNATURE,
                field: "size",
                offset: self.records_end,
                problem,
            });
        }
        let entry = self.signature_entry(Sizes {
            crc_32: crc_32(&content),
            compressed: size,
            uncompressed: size,
        });
        let mut tail = local::write(&entry);
        tail.extend(content);
        let offset = self.records_end.saturating_add(tail.len() as u64);
        let mut headers = self.headers.clone();
        headers.extend(entry.write());
        let directory = Directory {
            entries: self.entries.saturating_add(1),
            size: headers.len() as u64,
            offset,
        };
        tail.extend(headers);
        tail.extend(self.end.write(directory));
        patch(&self.content_types, self.replaced.clone(), tail)
    }

    fn signature_entry(&self, sizes: Sizes) -> Entry {
        let [short, long] = NEEDED;
        let version_needed = match self.records_end >= u64::from(u32::MAX) {
            true => long,
            false => short,
        };
        Entry {
            name: names::SIGNATURE.to_owned(),
            header: 0..0,
            version_made_by: MADE_BY,
            version_needed,
            flags: 0,
            method: method::STORED,
            modified: self.modified,
            sizes,
            extra_length: 0,
            comment_length: 0,
            internal_attributes: 0,
            external_attributes: 0,
            offset: self.records_end,
            zip64: Default::default(),
            data: 0,
            end: 0,
        }
    }
}

/// Lays `package` out with room for a signature.
pub(super) fn prepare(package: &Package) -> Result<Prepared, ParseError> {
    refuse_what_is_ambiguous(package)?;
    let ContentTypesPart { index, text, .. } = &package.content_types;
    let entry = entry(package, *index)?;
    let new_text = content_types::with_signature(text, entry)?;
    let change = match &new_text {
        Some(text) => {
            let (data, sizes) = content_types::compressed(text, entry)?;
            Some(Change::new(package, entry, data, sizes)?)
        }
        None => None,
    };
    let layout = Layout::new(package, change)?;
    let end = package.end.with_room(Directory {
        entries: layout.entries.saturating_add(1),
        size: (layout.headers.len() as u64).saturating_add(1 << 10),
        offset: layout.records_end.saturating_add(2 * MAX_PART),
    });
    let mut directory = layout.headers.clone();
    directory.extend(end.write(layout.directory()));
    let parts = package.parts(
        layout.records(package),
        directory,
        new_text.clone().unwrap_or_else(|| text.clone()),
    );
    let original = match &package.signature {
        None => Some(Original {
            end: *package.end.record(),
            content_types: new_text.map(|_| package.content_types.data.clone()),
        }),
        Some(signature) => Original::find(&signature.der),
    };
    Ok(Prepared {
        kind: package.kind,
        hash_method: package.hash_method,
        publisher: package.identity.publisher.clone(),
        parts,
        original: original.map(|original| original.write()),
        modified: entry.modified,
        replaced: package.records_end()..package.file_length,
        records_end: layout.records_end,
        entries: layout.entries,
        headers: layout.headers,
        content_types: layout.hunk,
        end,
    })
}
