//! The digests by which catalogs know a file, each computed once however many catalogs are asked.

use std::io::Cursor;

use formats::container::cat::SubjectKind;

use super::Hashable;
use crate::digest::{DigestAlgorithm, Hasher};

/// Both digests that catalogs list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digests {
    /// SHA-1.
    pub sha1: Vec<u8>,
    /// SHA-256.
    pub sha256: Vec<u8>,
}

/// What is known of a file without the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of the whole file.
    pub flat: Digests,
    /// Of an image or a cabinet without its signature's place.
    pub own: Option<(SubjectKind, Digests)>,
    /// Of a cabinet: SHA-256 of what its digest leaves out.
    pub enhanced_hash: Option<Vec<u8>>,
}

impl Fingerprint {
    /// Of a file in memory. One that begins as an image or cabinet and is none is a flat file.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hashing = Fingerprinter::default();
        hashing.update(bytes);
        let mut fingerprint = hashing.finish();
        let mut input = Cursor::new(bytes);
        let Ok(hashable) = Hashable::recognise(&mut input) else {
            return fingerprint;
        };
        if hashable.kind() == SubjectKind::Flat {
            return fingerprint;
        }
        let sha1 = hashable.digest(DigestAlgorithm::Sha1, &mut input);
        let sha256 = hashable.digest(DigestAlgorithm::Sha256, &mut input);
        if let (Ok(sha1), Ok(sha256)) = (sha1, sha256) {
            fingerprint.own = Some((hashable.kind(), Digests { sha1, sha256 }));
        }
        if hashable.kind() == SubjectKind::Cabinet {
            fingerprint.enhanced_hash = Some(hashable.enhanced_hash());
        }
        fingerprint
    }

    /// The pairs of digests under which a catalog may list the file, the likelier first.
    pub fn candidates(&self) -> impl Iterator<Item = &Digests> {
        let own = self.own.as_ref().map(|(_, digests)| digests);
        own.into_iter().chain(std::iter::once(&self.flat))
    }
}

/// Hashes a flat file piece by piece; memory does not grow with it.
pub struct Fingerprinter {
    sha1: Hasher,
    sha256: Hasher,
}

impl Default for Fingerprinter {
    fn default() -> Self {
        Self {
            sha1: Hasher::new(DigestAlgorithm::Sha1),
            sha256: Hasher::new(DigestAlgorithm::Sha256),
        }
    }
}

impl Fingerprinter {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
    }

    /// The digests of what was taken.
    pub fn finish(self) -> Fingerprint {
        Fingerprint {
            flat: Digests {
                sha1: self.sha1.finish(),
                sha256: self.sha256.finish(),
            },
            own: None,
            enhanced_hash: None,
        }
    }
}
