//! Files of catalogs: what is hashed of them, and whether a catalog lists them.
//!
//! An image or a cabinet is hashed without its signature's place, so that a catalog and a signature name the same
//! digest; any other file is hashed as it is. Signing a cabinet afterwards still takes it out of the catalog, as its
//! header changes; signing an image does not.

mod coverage;
mod fingerprint;
mod membership;

use std::io::{self, Read, Seek, SeekFrom};

use formats::container::cat::{FileAttribute, Subject, SubjectForm, SubjectKind, Tag};
use formats::container::{Container, Piece};
use formats::error::ParseError;

use crate::digest::DigestAlgorithm;

pub use coverage::{Coverage, Listed, coverage, listed_digests};
pub use fingerprint::{Digests, Fingerprint, Fingerprinter};
pub use membership::{Listing, Lookup, Membership};

/// Why a file cannot be hashed for a catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It begins as an image or cabinet and is none that can be read.
    #[error(transparent)]
    Format(#[from] ParseError),
    /// It is not of the kind that was asked for.
    #[error("it is a {found}, not a {wanted}")]
    OtherKind {
        /// What it is.
        found: SubjectKind,
        /// What was asked for.
        wanted: SubjectKind,
    },
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// What is hashed of a file that a catalog lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashable {
    kind: SubjectKind,
    pieces: Vec<Piece>,
    /// Of a cabinet.
    enhanced_hash_input: [u8; 4],
}

impl Hashable {
    /// Recognises a file by its first bytes, as Windows does; what is neither image nor cabinet is flat.
    ///
    /// # Errors
    /// Where it begins as an image or cabinet and cannot be read as one.
    pub fn recognise(input: &mut (impl Read + Seek)) -> Result<Self, CatalogError> {
        input.rewind()?;
        let mut magic = Vec::new();
        input.by_ref().take(4).read_to_end(&mut magic)?;
        if !matches!(
            magic.as_slice(),
            [b'M', b'S', b'C', b'F'] | [b'M', b'Z', ..]
        ) {
            return Ok(Self::flat(input)?);
        }
        match Container::read(input)? {
            Container::Cabinet(cabinet) => Ok(Self {
                kind: SubjectKind::Cabinet,
                pieces: cabinet.digest_pieces(),
                enhanced_hash_input: cabinet.enhanced_hash_input(),
            }),
            Container::Pe(image) => Ok(Self {
                kind: SubjectKind::Pe,
                pieces: image.digest_pieces(),
                enhanced_hash_input: [0; 4],
            }),
            Container::Catalog(_)
            | Container::Appx(_)
            | Container::SiPolicy(_)
            | Container::EfiVariable(_) => Ok(Self::flat(input)?),
        }
    }

    /// The whole file, whatever it is.
    ///
    /// # Errors
    /// Where its length cannot be found out.
    pub fn flat(input: &mut impl Seek) -> io::Result<Self> {
        let length = input.seek(SeekFrom::End(0))?;
        Ok(Self {
            kind: SubjectKind::Flat,
            pieces: vec![Piece::Range(0..length)],
            enhanced_hash_input: [0; 4],
        })
    }

    /// The file as one of a given kind.
    ///
    /// # Errors
    /// As [`Hashable::recognise`], and [`CatalogError::OtherKind`] where it is another.
    pub fn of_kind(
        kind: SubjectKind,
        input: &mut (impl Read + Seek),
    ) -> Result<Self, CatalogError> {
        if kind == SubjectKind::Flat {
            return Ok(Self::flat(input)?);
        }
        let hashable = Self::recognise(input)?;
        match hashable.kind == kind {
            true => Ok(hashable),
            false => Err(CatalogError::OtherKind {
                found: hashable.kind,
                wanted: kind,
            }),
        }
    }

    /// A signed cabinet as it was before it was signed; `None` for anything else, and where that is not known.
    fn before_signing(input: &mut (impl Read + Seek)) -> Option<Self> {
        let Container::Cabinet(cabinet) = Container::read(input).ok()? else {
            return None;
        };
        let patch = cabinet.remove_signature().ok()??;
        let length = input.seek(SeekFrom::End(0)).ok()?;
        let mut pieces = Vec::new();
        let mut position = 0;
        for hunk in patch.hunks() {
            pieces.push(Piece::Range(position..hunk.range.start));
            pieces.push(Piece::Literal(hunk.replacement.clone()));
            position = hunk.range.end;
        }
        pieces.push(Piece::Range(position..length));
        // reserved1, which is not hashed, stands in front of everything that signing changes.
        if let Some(Piece::Range(first)) = pieces.first_mut() {
            *first = 8.min(first.end)..first.end;
        }
        pieces.insert(0, Piece::Range(0..4));
        Some(Self {
            kind: SubjectKind::Cabinet,
            pieces,
            enhanced_hash_input: [0; 4],
        })
    }

    /// The kind of file.
    pub fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// The digest of `input`, which is the file that this was made from.
    ///
    /// # Errors
    /// Where the input cannot be read.
    pub fn digest(
        &self,
        algorithm: DigestAlgorithm,
        input: &mut (impl Read + Seek),
    ) -> io::Result<Vec<u8>> {
        algorithm.of_pieces(input, &self.pieces)
    }

    /// SHA-256 of what a cabinet's own digest leaves out.
    fn enhanced_hash(&self) -> Vec<u8> {
        DigestAlgorithm::Sha256.of(&self.enhanced_hash_input)
    }

    /// The entry for a catalog.
    ///
    /// # Errors
    /// Where the input cannot be read.
    pub fn subject(
        &self,
        input: &mut (impl Read + Seek),
        tag: Tag,
        attributes: Vec<FileAttribute>,
    ) -> io::Result<Subject> {
        let form = match self.kind {
            SubjectKind::Pe => SubjectForm::Pe,
            SubjectKind::Cabinet => SubjectForm::Cabinet {
                enhanced_hash: array(self.enhanced_hash()),
            },
            SubjectKind::Flat => SubjectForm::Flat,
        };
        Ok(Subject {
            tag,
            form,
            sha1: array(self.digest(DigestAlgorithm::Sha1, input)?),
            sha256: array(self.digest(DigestAlgorithm::Sha256, input)?),
            attributes,
        })
    }
}

/// A digest as an array of the length that its algorithm gives it.
fn array<const N: usize>(digest: Vec<u8>) -> [u8; N] {
    digest.try_into().unwrap_or([0; N])
}
