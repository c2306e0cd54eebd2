//! What the tests of packages share: reading, patching, hashing by hand.

use std::io::Cursor;
use std::path::Path;

use formats::container::Piece;
use formats::container::appx::Package;
use formats::patch::Patch;
use sha2::{Digest, Sha256};

use crate::builder::{Hash, RawPackage, SHA256, Style};

pub(crate) const PUBLISHER: &str = "CN=Contoso, O=\"Contoso, Ltd.\", C=US";
pub(crate) const SHA_256: Hash = Hash {
    uri: SHA256,
    of: sha_256,
};
pub(crate) const STYLES: [Style; 2] = [Style::MakeAppx, Style::Plain];

pub(crate) fn sha_256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

pub(crate) fn package(style: Style) -> RawPackage {
    RawPackage::package(PUBLISHER, style, SHA_256)
}

pub(crate) fn read(bytes: &[u8]) -> Package {
    Package::read(&mut Cursor::new(bytes)).unwrap()
}

/// The message with which a package is refused.
pub(crate) fn refused(bytes: &[u8]) -> String {
    let error = Package::read(&mut Cursor::new(bytes)).unwrap_err();
    error.to_string()
}

pub(crate) fn apply(patch: &Patch, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    patch.apply(&mut Cursor::new(bytes), &mut out).unwrap();
    out
}

/// The bytes that pieces stand for.
pub(crate) fn joined(pieces: &[Piece], bytes: &[u8]) -> Vec<u8> {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Range(range) => &bytes[range.start as usize..range.end as usize],
        Piece::Literal(literal) => literal,
    });
    parts.collect::<Vec<_>>().concat()
}

/// A ContentInfo of nothing, as long as a small signature.
pub(crate) fn some_der() -> Vec<u8> {
    formats::der::octet_string(&[7; 900])
}

/// A signed package, as far as the archive is concerned.
pub(crate) fn signed(bytes: &[u8]) -> Vec<u8> {
    apply(
        &read(bytes).prepare().unwrap().embed(&some_der()).unwrap(),
        bytes,
    )
}

/// A real file, where the corpus stands beside the repository.
pub(crate) fn corpus(name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus/signed");
    let bytes = std::fs::read(Path::new(folder).join(name)).ok();
    if bytes.is_none() {
        println!("passed over: {name} of the corpus is not beside this checkout");
    }
    bytes
}
