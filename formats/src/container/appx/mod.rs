//! App packages and their bundles (`.appx`, `.msix`, `.appxbundle`, `.msixbundle`): a ZIP archive with a block map, a
//! manifest and, once signed, `AppxSignature.p7x` as its last file.
//!
//! The signature's digest is a list of hashes: of the file records (`AXPC`), of the central directory as it would be
//! without the signature (`AXCD`), and of the content of `[Content_Types].xml` (`AXCT`), `AppxBlockMap.xml` (`AXBM`) and
//! `AppxMetadata/CodeIntegrity.cat` (`AXCI`, where there is one). The algorithm is that of the block map.
//!
//! An archive is read from its end, strictly: every byte belongs to a record, a header or the end, no two files have the
//! same name, and what is said twice is said the same way. Otherwise two readers could see two packages.

mod central;
mod content_types;
mod end;
mod expand;
mod extra;
mod input;
mod layout;
mod local;
mod names;
mod original;
mod parts;
mod prepare;
mod remove;
mod signature;

use std::io::{Read, Seek, SeekFrom};

use crate::container::Piece;
use crate::document::appx::{BlockMap, Identity};
use crate::error::{ParseError, Problem};
use crate::oid::{self, Oid};
use crate::patch::Patch;

use central::Entry;
use end::{Directory, End};
use input::read_at;
use parts::{ContentTypesPart, Parts, parse_block_map, refuse_look_alikes};
use signature::Signature;

pub(crate) use content_types::crc_32;

pub use central::MAX_CENTRAL_DIRECTORY;
pub use expand::BLOCK;
pub use original::ORIGINAL;
pub use prepare::Prepared;

/// Largest part that is read into memory, in bytes: content types, block map, manifest, catalog, signature.
pub const MAX_PART: u64 = 16 << 20;

/// Whether a package is one or holds several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageKind {
    /// An app package.
    Package,
    /// A bundle of app packages.
    Bundle,
}

/// The hash algorithm of a block map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashMethod {
    /// `http://www.w3.org/2001/04/xmlenc#sha256`.
    Sha256,
    /// `http://www.w3.org/2001/04/xmldsig-more#sha384`.
    Sha384,
    /// `http://www.w3.org/2001/04/xmlenc#sha512`.
    Sha512,
}

impl HashMethod {
    /// The algorithm's object identifier.
    pub fn oid(self) -> Oid<'static> {
        match self {
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    fn from_uri(uri: &str) -> Option<Self> {
        match uri {
            "http://www.w3.org/2001/04/xmlenc#sha256" => Some(Self::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(Self::Sha384),
            "http://www.w3.org/2001/04/xmlenc#sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// One hash of the list that a signature states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestPart {
    /// The name of the hash: `AXPC`, `AXCD`, `AXCT`, `AXBM` or `AXCI`.
    pub tag: &'static str,
    /// What is hashed, in order.
    pub pieces: Vec<Piece>,
}

/// A file of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageFile<'a> {
    entry: &'a Entry,
}

impl<'a> PackageFile<'a> {
    /// The name as a block map writes it: without percent-encoding, with backslashes.
    pub fn name(self) -> String {
        names::decoded(&self.entry.name).replace('/', "\\")
    }

    /// Bytes of the content.
    pub fn size(self) -> u64 {
        self.entry.sizes.uncompressed
    }

    /// Bytes of the local file header.
    pub fn local_header_size(self) -> u64 {
        self.entry.data.saturating_sub(self.entry.offset)
    }

    /// Hands on the content in blocks of [`BLOCK`] bytes. Time is bounded by [`PackageFile::size`], memory by two
    /// blocks.
    ///
    /// # Errors
    /// Where the data do not expand to the size and CRC-32 that the central directory states, or cannot be read.
    pub fn each_block(
        self,
        input: &mut (impl Read + Seek),
        take: impl FnMut(&[u8]),
    ) -> Result<(), ParseError> {
        expand::each_block(input, self.entry, take)
    }
}

/// A package's central directory and the parts that describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    end: End,
    /// The central directory as it stands.
    central: Vec<u8>,
    entries: Vec<Entry>,
    kind: PackageKind,
    hash_method: HashMethod,
    content_types: ContentTypesPart,
    block_map: Vec<u8>,
    code_integrity: Option<Vec<u8>>,
    identity: Identity,
    signature: Option<Signature>,
    /// What leaves room for another reading; nothing is signed or removed then.
    faults: Vec<ParseError>,
    /// The same and what is wrong around the signature.
    all_faults: Vec<ParseError>,
    file_length: u64,
}

impl Package {
    /// Reads central directory, local headers, and the parts that describe the package. The payload is not read.
    ///
    /// # Errors
    /// Where a record is malformed or leads nowhere, two files share a name, a part is missing, too large or unreadable,
    /// or the block map has an unknown algorithm.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let io = |error| ParseError::io("Archive", "file", 0, &error);
        let file_length = input.seek(SeekFrom::End(0)).map_err(io)?;
        let end = End::read(input, file_length)?;
        let Directory { size, offset, .. } = end.directory;
        if size > MAX_CENTRAL_DIRECTORY {
            return Err(ParseError {
                structure: central::HEADER,
                field: "signature",
                offset,
                problem: Problem::Limit {
                    found: size,
                    limit: MAX_CENTRAL_DIRECTORY,
                },
            });
        }
        let central = read_at(input, central::HEADER, offset, size as usize)?;
        let mut entries = central::read(&central, end.directory)?;
        let faults = local::read(input, &mut entries, offset)?;
        refuse_look_alikes(&entries, offset)?;
        let parts = Parts::read(input, &entries, offset)?;
        let signature = signature::read_signature(input, &entries)?;
        let mut all_faults = faults.clone();
        if let Some(signature) = &signature {
            all_faults.extend(signature::signature_faults(&entries, signature, &end));
            let entry = entries.get(parts.content_types.index);
            if let Some(entry) = entry
                && !content_types::announces(&parts.content_types.text, entry)?
            {
                let found = "no entry for the signature, without which Windows does not see it";
                let expected = crate::document::appx::SIGNATURE_PART;
                all_faults.push(ParseError::invalid(
                    names::CONTENT_TYPES,
                    "Override",
                    entry.offset,
                    found,
                    expected,
                ));
            }
        }
        Ok(Self {
            end,
            central,
            kind: parts.kind,
            hash_method: parts.hash_method,
            content_types: parts.content_types,
            block_map: parts.block_map,
            code_integrity: parts.code_integrity,
            identity: parts.identity,
            entries,
            signature,
            faults,
            all_faults,
            file_length,
        })
    }

    /// Whether it is a package or a bundle.
    pub fn kind(&self) -> PackageKind {
        self.kind
    }

    /// The hash algorithm of block map and signature.
    pub fn hash_method(&self) -> HashMethod {
        self.hash_method
    }

    /// Name and publisher, from the manifest.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The PKCS#7 and its file offset; the offset of the compressed data where the signature is compressed.
    pub fn signature(&self) -> Option<(&[u8], u64)> {
        let signature = self.signature.as_ref()?;
        Some((&signature.der, signature.offset))
    }

    /// Bytes of the whole file.
    pub fn file_length(&self) -> u64 {
        self.file_length
    }

    /// The block map.
    ///
    /// # Errors
    /// Where it is malformed beyond what [`Package::read`] looks at.
    pub fn block_map(&self) -> Result<BlockMap, ParseError> {
        parse_block_map(&self.block_map, &self.entries)
    }

    /// The files that a block map must list: all of a package, of a bundle the manifest only, because the packages in
    /// it have block maps of their own.
    pub fn files(&self) -> impl Iterator<Item = PackageFile<'_>> {
        let unlisted = [
            names::CONTENT_TYPES,
            names::BLOCK_MAP,
            names::CODE_INTEGRITY,
            names::SIGNATURE,
        ];
        let entries = self.entries.iter().filter(move |entry| match self.kind {
            PackageKind::Package => !unlisted.contains(&entry.name.as_str()),
            PackageKind::Bundle => entry.name == names::BUNDLE_MANIFEST,
        });
        entries.map(|entry| PackageFile { entry })
    }

    /// What the hashes in the present signature cover, in the order in which signatures list them.
    pub fn digest_parts(&self) -> Vec<DigestPart> {
        let records_end = self.records_end();
        let left_out = self.signature.as_ref().and_then(|signature| {
            let entry = self.entries.get(signature.index)?;
            Some(entry.header.clone())
        });
        let mut headers = self.central.clone();
        let mut entries = self.end.directory.entries;
        if let Some(range) = left_out {
            headers.drain(range);
            entries = entries.saturating_sub(1);
        }
        let size = headers.len() as u64;
        headers.extend(self.end.write(Directory {
            entries,
            size,
            offset: records_end,
        }));
        self.parts(
            vec![Piece::Range(0..records_end)],
            headers,
            self.content_types.text.clone(),
        )
    }

    /// The parts of a digest, those that signing does not change as they are.
    fn parts(
        &self,
        records: Vec<Piece>,
        directory: Vec<u8>,
        content_types: Vec<u8>,
    ) -> Vec<DigestPart> {
        let literal = |bytes| vec![Piece::Literal(bytes)];
        let part = |tag, pieces| DigestPart { tag, pieces };
        let mut parts = vec![
            part("AXPC", records),
            part("AXCD", literal(directory)),
            part("AXCT", literal(content_types)),
            part("AXBM", literal(self.block_map.clone())),
        ];
        if let Some(catalog) = &self.code_integrity {
            parts.push(part("AXCI", literal(catalog.clone())));
        }
        parts
    }

    /// File offset behind the last record that a digest covers.
    fn records_end(&self) -> u64 {
        let entry = self.signature.as_ref();
        let entry = entry.and_then(|signature| self.entries.get(signature.index));
        entry.map_or(self.end.directory.offset, |entry| entry.offset)
    }

    /// The package with room for a signature, in place of the one it may have.
    ///
    /// # Errors
    /// By name: an archive with another possible reading, a signature that is not its last file, and a bundle in which
    /// the packages would move.
    pub fn prepare(&self) -> Result<Prepared, ParseError> {
        prepare::prepare(self)
    }

    /// The package with its signature open for change: what that signature covers stays as it is.
    ///
    /// # Errors
    /// As [`Package::prepare`], and where writing a signature would change what the present one covers.
    pub fn prepare_amended(&self) -> Result<Prepared, ParseError> {
        let prepared = self.prepare()?;
        match self.signature.is_none() || prepared.digest_parts() == self.digest_parts() {
            true => Ok(prepared),
            false => Err(ParseError::unsupported(
                names::SIGNATURE,
                "place",
                self.records_end(),
                "a signature that cannot change without the package around it",
            )),
        }
    }

    /// The change that takes the signature away; none where there is none. A package that was signed here gets back
    /// every byte it had; from others the signature and its announcement are taken.
    ///
    /// # Errors
    /// As [`Package::prepare`].
    pub fn remove_signature(&self) -> Result<Option<Patch>, ParseError> {
        remove::remove(self)
    }

    /// What leaves room for another reading of the archive, and which bytes around the signature, where no digest
    /// looks, are not as signing tools write them.
    pub fn canonical_faults(&self) -> &[ParseError] {
        &self.all_faults
    }
}
