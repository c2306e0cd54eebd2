//! A package's records and headers as they will stand once it is signed, or not signed any more.
//!
//! At most two places change: the record of `[Content_Types].xml`, and everything from the signature's record to the end.
//! The payload is never written anew.

use std::ops::Range;

use super::central::{Entry, HEADER, Sizes};
use super::end::Directory;
use super::{MAX_CENTRAL_DIRECTORY, Package, PackageKind, local, names};
use crate::container::Piece;
use crate::error::{ParseError, Problem};
use crate::patch::{Hunk, Patch};

/// Two changes as a patch.
pub(super) fn patch(
    content_types: &Option<Hunk>,
    replaced: Range<u64>,
    replacement: Vec<u8>,
) -> Result<Patch, ParseError> {
    let last = Hunk {
        range: replaced.clone(),
        replacement,
    };
    let hunks = content_types.iter().cloned().chain([last]).collect();
    Patch::new(hunks).map_err(|error| {
        let found = error.to_string();
        let expected = "records in front of the signature";
        ParseError::invalid("Archive", "records", replaced.start, found, expected)
    })
}

/// The entry at an index that reading found.
pub(super) fn entry(package: &Package, index: usize) -> Result<&Entry, ParseError> {
    package.entries.get(index).ok_or_else(|| {
        let expected = "the parts of an app package";
        ParseError::invalid("Archive", "files", 0, "no such file", expected)
    })
}

/// Refuses a package that could be read in another way, or in which the signature is not the last file.
pub(super) fn refuse_what_is_ambiguous(package: &Package) -> Result<(), ParseError> {
    if let Some(fault) = package.faults.first() {
        return Err(fault.clone());
    }
    let Some(signature) = &package.signature else {
        return Ok(());
    };
    let is_last = signature.index.saturating_add(1) == package.entries.len();
    match is_last {
        true => Ok(()),
        false => Err(ParseError::unsupported(
            names::SIGNATURE,
            "place",
            signature.offset,
            "a signature with files behind it",
        )),
    }
}

/// Another content of `[Content_Types].xml`.
pub(super) struct Change {
    hunk: Hunk,
    sizes: Sizes,
    /// Place of the old record.
    start: u64,
}

impl Change {
    pub(super) fn new(
        package: &Package,
        entry: &Entry,
        data: Vec<u8>,
        sizes: Sizes,
    ) -> Result<Self, ParseError> {
        let too_large = || {
            let what = "a list of content types of 4 GiB";
            ParseError::unsupported(names::CONTENT_TYPES, "size", entry.offset, what)
        };
        let local = &package.content_types.local;
        let mut replacement = local.rewrite(entry, sizes).ok_or_else(too_large)?;
        replacement.extend(data);
        if entry.has_descriptor() {
            let data_end = entry.data.saturating_add(entry.sizes.compressed);
            let length = entry.end.saturating_sub(data_end);
            let descriptor = local::write_descriptor(sizes, length).ok_or_else(too_large)?;
            replacement.extend(descriptor);
        }
        let range = entry.offset..entry.end;
        let moves = range.end.saturating_sub(range.start) != replacement.len() as u64;
        let is_last = entry.end >= package.records_end();
        if moves && !is_last && package.kind == PackageKind::Bundle {
            return Err(ParseError::unsupported(
                names::CONTENT_TYPES,
                "place",
                entry.offset,
                "a bundle with packages behind the content types, whose places its manifest names,",
            ));
        }
        Ok(Self {
            start: range.start,
            hunk: Hunk { range, replacement },
            sizes,
        })
    }

    /// A file offset once this change is made.
    pub(super) fn moved(&self, offset: u64) -> u64 {
        if offset <= self.start {
            return offset;
        }
        let range = &self.hunk.range;
        let removed = range.end.saturating_sub(range.start);
        offset
            .saturating_add(self.hunk.replacement.len() as u64)
            .saturating_sub(removed)
    }
}

/// Records and headers without the signature.
pub(super) struct Layout {
    pub(super) hunk: Option<Hunk>,
    pub(super) headers: Vec<u8>,
    pub(super) entries: u64,
    /// Where the records end once the change is made.
    pub(super) records_end: u64,
}

impl Layout {
    pub(super) fn new(package: &Package, change: Option<Change>) -> Result<Self, ParseError> {
        let left_out = package.signature.as_ref().map(|signature| signature.index);
        let mut headers = Vec::with_capacity(package.central.len());
        let mut entries = 0_u64;
        for (index, entry) in package.entries.iter().enumerate() {
            if Some(index) == left_out {
                continue;
            }
            entries = entries.saturating_add(1);
            let header = package.central.get(entry.header.clone());
            let header = header.unwrap_or_default();
            let (sizes, offset) = match &change {
                Some(change) if index == package.content_types.index => {
                    (change.sizes, entry.offset)
                }
                Some(change) => (entry.sizes, change.moved(entry.offset)),
                None => (entry.sizes, entry.offset),
            };
            headers.extend(entry.rewrite(header, sizes, offset)?);
        }
        let records_end = package.records_end();
        let records_end = match &change {
            Some(change) => change.moved(records_end),
            None => records_end,
        };
        let size = headers.len() as u64;
        if size > MAX_CENTRAL_DIRECTORY {
            let problem = Problem::Limit {
                found: size,
                limit: MAX_CENTRAL_DIRECTORY,
            };
            return Err(ParseError {
                structure: HEADER,
                field: "signature",
                offset: records_end,
                problem,
            });
        }
        Ok(Self {
            hunk: change.map(|change| change.hunk),
            headers,
            entries,
            records_end,
        })
    }

    /// The central directory directly behind the records.
    pub(super) fn directory(&self) -> Directory {
        Directory {
            entries: self.entries,
            size: self.headers.len() as u64,
            offset: self.records_end,
        }
    }

    /// The records as they will stand.
    pub(super) fn records(&self, package: &Package) -> Vec<Piece> {
        let records_end = package.records_end();
        match &self.hunk {
            Some(hunk) => vec![
                Piece::Range(0..hunk.range.start),
                Piece::Literal(hunk.replacement.clone()),
                Piece::Range(hunk.range.end..records_end),
            ],
            None => vec![Piece::Range(0..records_end)],
        }
    }
}
