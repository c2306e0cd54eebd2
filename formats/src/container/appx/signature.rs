//! The signature's file, and everything around it that no hash covers.

use std::io::{Read, Seek};

use super::central::{self, Entry};
use super::end::End;
use super::{MAX_PART, expand, names};
use crate::error::ParseError;

/// The first bytes of `AppxSignature.p7x`; the PKCS#7 follows.
pub(super) const PKCX: &[u8] = b"PKCX";

/// The signature of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    /// Index among the entries.
    pub(super) index: usize,
    pub(super) der: Vec<u8>,
    /// File offset of the PKCS#7; of the compressed data where it is compressed.
    pub(super) offset: u64,
}

pub(super) fn read_signature(
    input: &mut (impl Read + Seek),
    entries: &[Entry],
) -> Result<Option<Signature>, ParseError> {
    let index = entries
        .iter()
        .position(|entry| entry.name == names::SIGNATURE);
    let Some((index, entry)) = index.and_then(|index| Some((index, entries.get(index)?))) else {
        return Ok(None);
    };
    let (content, _) = expand::whole(input, entry, MAX_PART)?;
    let Some(der) = content.strip_prefix(PKCX) else {
        let found = "something else";
        return Err(ParseError::invalid(
            names::SIGNATURE,
            "signature",
            entry.data,
            found,
            "PKCX",
        ));
    };
    let head = match entry.method {
        central::method::STORED => PKCX.len() as u64,
        _ => 0,
    };
    Ok(Some(Signature {
        index,
        der: der.to_vec(),
        offset: entry.data.saturating_add(head),
    }))
}

/// What around a signature is not as signing tools write it. No hash covers the signature's own record and header, nor
/// the disk numbers of the end record.
pub(super) fn signature_faults(
    entries: &[Entry],
    signature: &Signature,
    end: &End,
) -> Vec<ParseError> {
    let mut faults = Vec::new();
    let Some(entry) = entries.get(signature.index) else {
        return faults;
    };
    let mut expect = |is_so: bool, field, found: String, expected: &str| {
        if !is_so {
            let at = entry.offset;
            faults.push(ParseError::invalid(
                names::SIGNATURE,
                field,
                at,
                found,
                expected,
            ));
        }
    };
    let is_last = signature.index.saturating_add(1) == entries.len()
        && entries.iter().all(|other| other.offset <= entry.offset);
    expect(is_last, "place", "files behind it".to_owned(), "the end");
    let versions = [entry.version_made_by, entry.version_needed];
    let known = versions.iter().all(|version| matches!(version, 20 | 45));
    expect(
        known,
        "version made by",
        format!("{versions:?}"),
        "20 or 45",
    );
    let known_flags = central::flags::DATA_DESCRIPTOR | 1 << 1 | 1 << 2;
    let flags = format!("{:#06x}", entry.flags);
    expect(
        entry.flags & !known_flags == 0,
        "general purpose flags",
        flags,
        "0",
    );
    let long_offset = if entry.zip64.offset.is_some() { 28 } else { 0 };
    let other = [
        (
            "extra field length",
            u32::from(entry.extra_length),
            long_offset,
        ),
        ("file comment length", u32::from(entry.comment_length), 0),
        (
            "internal attributes",
            u32::from(entry.internal_attributes),
            0,
        ),
        ("external attributes", entry.external_attributes, 0),
    ];
    for (field, found, expected) in other {
        expect(
            found == expected,
            field,
            found.to_string(),
            &expected.to_string(),
        );
    }
    let local_length = entry.data.saturating_sub(entry.offset);
    let bare = 30_u64.saturating_add(entry.name.len() as u64);
    expect(
        local_length == bare,
        "extra field length",
        format!("a local header of {local_length} bytes"),
        "one without extra fields",
    );
    if end.disks() != [0; 4] {
        faults.push(ParseError::invalid(
            "EndOfCentralDirectoryRecord",
            "number of this disk",
            end.offset.saturating_add(4),
            "all ones",
            "0 in a signed package",
        ));
    }
    faults
}
