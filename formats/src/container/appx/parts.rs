//! The parts that describe a package: content types, block map, manifest, and the catalog of its binaries.

use std::io::{Read, Seek};

use super::central::{self, Entry};
use super::input::Walk;
use super::local::LocalHeader;
use super::{HashMethod, MAX_PART, PackageKind, expand, names};
use crate::document::appx::{BlockMap, Identity};
use crate::document::error::DocumentError;
use crate::error::ParseError;

/// `[Content_Types].xml` with all that is needed to write another in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentTypesPart {
    pub(super) index: usize,
    pub(super) local: LocalHeader,
    /// The data that stand for the text.
    pub(super) data: Vec<u8>,
    pub(super) text: Vec<u8>,
}

/// The parts that describe a package.
pub(super) struct Parts {
    pub(super) kind: PackageKind,
    pub(super) hash_method: HashMethod,
    pub(super) content_types: ContentTypesPart,
    pub(super) block_map: Vec<u8>,
    pub(super) code_integrity: Option<Vec<u8>>,
    pub(super) identity: Identity,
}

impl Parts {
    pub(super) fn read(
        input: &mut (impl Read + Seek),
        entries: &[Entry],
        at: u64,
    ) -> Result<Self, ParseError> {
        let find = |name| entries.iter().find(|entry| entry.name == name);
        let index = entries
            .iter()
            .position(|entry| entry.name == names::CONTENT_TYPES);
        let missing = |name: &str| {
            let found = format!("no {name}");
            let expected = "the parts of an app package";
            ParseError::invalid("Archive", "files", at, found, expected)
        };
        let (Some(index), Some(types)) = (index, find(names::CONTENT_TYPES)) else {
            return Err(missing(names::CONTENT_TYPES));
        };
        let block_map_entry = find(names::BLOCK_MAP).ok_or_else(|| missing(names::BLOCK_MAP))?;
        let (kind, manifest) = match (find(names::MANIFEST), find(names::BUNDLE_MANIFEST)) {
            (Some(manifest), None) => (PackageKind::Package, manifest),
            (None, Some(manifest)) => (PackageKind::Bundle, manifest),
            (None, None) => return Err(missing("AppxManifest.xml and no AppxBundleManifest.xml")),
            (Some(_), Some(both)) => {
                let found = "the manifests of a package and of a bundle";
                return Err(ParseError::invalid(
                    "Archive",
                    "files",
                    both.offset,
                    found,
                    "one",
                ));
            }
        };
        let (text, data) = expand::whole(input, types, MAX_PART)?;
        let (local, _) = LocalHeader::read(&mut Walk::new(input), types, &mut Vec::new())?;
        let (block_map, _) = expand::whole(input, block_map_entry, MAX_PART)?;
        let (manifest_text, _) = expand::whole(input, manifest, MAX_PART)?;
        let identity = Identity::read(&manifest_text)
            .map_err(|error| document_error(names::MANIFEST, manifest, &error))?;
        if identity.is_bundle != (kind == PackageKind::Bundle) {
            let found = format!("the manifest of the other kind ({})", manifest.name);
            return Err(ParseError::invalid(
                names::MANIFEST,
                "document",
                manifest.offset,
                found,
                "Package or Bundle, as its name says",
            ));
        }
        let code_integrity = match find(names::CODE_INTEGRITY) {
            Some(entry) => Some(expand::whole(input, entry, MAX_PART)?.0),
            None => None,
        };
        let uri = parse_block_map(&block_map, entries)?.hash_method;
        let hash_method = HashMethod::from_uri(&uri).ok_or_else(|| {
            let found: String = uri.chars().take(80).collect();
            let expected = "the identifier of SHA-256, SHA-384 or SHA-512";
            let at = block_map_entry.offset;
            ParseError::invalid(names::BLOCK_MAP, "HashMethod", at, found, expected)
        })?;
        Ok(Self {
            kind,
            hash_method,
            content_types: ContentTypesPart {
                index,
                local,
                data,
                text,
            },
            block_map,
            code_integrity,
            identity,
        })
    }
}

pub(super) fn parse_block_map(bytes: &[u8], entries: &[Entry]) -> Result<BlockMap, ParseError> {
    BlockMap::read(bytes).map_err(|error| {
        let entry = entries.iter().find(|entry| entry.name == names::BLOCK_MAP);
        let offset = entry.map(|entry| entry.offset).unwrap_or_default();
        ParseError::invalid(
            names::BLOCK_MAP,
            "document",
            offset,
            error,
            "what Windows reads",
        )
    })
}

/// A document's error as one of this crate's, at the file's record.
pub(super) fn document_error(
    name: &'static str,
    entry: &Entry,
    error: &DocumentError,
) -> ParseError {
    ParseError::invalid(name, "document", entry.offset, error, "what Windows reads")
}

/// Refuses files that Windows would take for one with a meaning, but that have another spelling.
pub(super) fn refuse_look_alikes(entries: &[Entry], at: u64) -> Result<(), ParseError> {
    let keys = names::SPECIAL.map(names::key);
    for entry in entries {
        let is_special = names::SPECIAL.contains(&entry.name.as_str());
        if !is_special && keys.contains(&names::key(&entry.name)) {
            let found = format!("{:?}", entry.name);
            let expected = "the usual spelling";
            return Err(ParseError::invalid(
                central::HEADER,
                "file name",
                at,
                found,
                expected,
            ));
        }
    }
    Ok(())
}
