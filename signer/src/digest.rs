//! Hash algorithms and the streaming digest of a container's pieces.

use std::fmt;
use std::io::{self, Read, Seek};

use formats::container::pe::WordSum;
use formats::container::{Piece, each_block};
use formats::oid::{self, Oid};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A hash algorithm that occurs in signatures, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DigestAlgorithm {
    /// MD5, only in certificates from before 2005.
    Md5,
    /// SHA-1, read but never written.
    Sha1,
    /// SHA-256, the default.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    const ALL: [(Self, Oid<'static>, &'static str); 5] = [
        (Self::Md5, oid::MD5, "MD5"),
        (Self::Sha1, oid::SHA1, "SHA-1"),
        (Self::Sha256, oid::SHA256, "SHA-256"),
        (Self::Sha384, oid::SHA384, "SHA-384"),
        (Self::Sha512, oid::SHA512, "SHA-512"),
    ];

    /// The algorithm of an object identifier.
    pub fn from_oid(oid: Oid<'_>) -> Option<Self> {
        let row = Self::ALL.iter().find(|(_, o, _)| *o == oid)?;
        Some(row.0)
    }

    /// The algorithm of the name that reports use, e.g. `SHA-256`.
    pub fn from_name(name: &str) -> Option<Self> {
        let row = Self::ALL.iter().find(|(.., n)| *n == name)?;
        Some(row.0)
    }

    /// Its object identifier.
    pub fn oid(self) -> Oid<'static> {
        match self {
            Self::Md5 => oid::MD5,
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    /// Bytes of a digest.
    pub fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Whether signatures that use it are still considered sound.
    pub fn is_strong(self) -> bool {
        self >= Self::Sha256
    }

    /// The digest of bytes in memory.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The digest of a container's pieces, read in order. Memory does not grow with the input.
    ///
    /// # Errors
    /// Whatever reading reports; `UnexpectedEof` where a piece lies outside the input.
    pub fn of_pieces(
        self,
        input: &mut (impl Read + Seek),
        pieces: &[Piece],
    ) -> io::Result<Vec<u8>> {
        let mut hasher = Hasher::new(self);
        each_block(input, pieces, |block| hasher.update(block))?;
        Ok(hasher.finish())
    }

    /// The digest of an image's pieces, and the sum from which its CheckSum is made.
    ///
    /// # Errors
    /// As [`DigestAlgorithm::of_pieces`].
    pub fn of_pieces_with_sum(
        self,
        input: &mut (impl Read + Seek),
        pieces: &[Piece],
    ) -> io::Result<(Vec<u8>, WordSum)> {
        let mut hasher = Hasher::new(self);
        let mut sum = WordSum::default();
        each_block(input, pieces, |block| {
            hasher.update(block);
            sum.add(block);
        })?;
        Ok((hasher.finish(), sum))
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = Self::ALL.iter().find(|(algorithm, ..)| algorithm == self);
        f.write_str(row.map_or("", |(_, _, name)| name))
    }
}

/// A running digest.
pub(crate) enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Md5 => Self::Md5(Md5::new()),
            DigestAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha384 => Self::Sha384(Sha384::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Md5(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha384(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// Lower-case hexadecimal, as digests and thumbprints are printed.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_hashed_in_order() {
        let pieces = [
            Piece::Range(1..3),
            Piece::Literal(b"-".to_vec()),
            Piece::Range(0..1),
        ];
        let mut input = io::Cursor::new(b"abc");
        let digest = DigestAlgorithm::Sha256
            .of_pieces(&mut input, &pieces)
            .unwrap();
        assert_eq!(digest, DigestAlgorithm::Sha256.of(b"bc-a"));
        let outside = [Piece::Range(2..9)];
        assert!(
            DigestAlgorithm::Sha1
                .of_pieces(&mut input, &outside)
                .is_err()
        );
    }

    #[test]
    fn digests_agree_with_their_specifications() {
        // RFC 1321 A.5, FIPS 180-4 example "abc".
        assert_eq!(
            hex(&DigestAlgorithm::Md5.of(b"abc")),
            "900150983cd24fb0d6963f7d28e17f72"
        );
        assert_eq!(
            hex(&DigestAlgorithm::Sha1.of(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert!(hex(&DigestAlgorithm::Sha384.of(b"abc")).starts_with("cb00753f45a35e8b"));
        for (algorithm, ..) in DigestAlgorithm::ALL {
            assert_eq!(algorithm.of(b"").len(), algorithm.length());
        }
    }
}
