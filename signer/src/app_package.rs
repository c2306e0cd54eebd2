//! App packages: the list of hashes that is their digest, and who publishes them.

use std::io::{self, Read, Seek};

use formats::certificate::Name;
use formats::container::appx::{DigestPart, HashMethod, PackageKind};
use formats::spc::SpcSipInfo;
use formats::x500::DistinguishedName;

use crate::digest::DigestAlgorithm;

/// The first bytes of a list.
const MAGIC: &[u8] = b"APPX";
/// Bytes of a hash's name.
const TAG: usize = 4;

/// The algorithm that a block map names.
pub fn algorithm(method: HashMethod) -> DigestAlgorithm {
    match method {
        HashMethod::Sha256 => DigestAlgorithm::Sha256,
        HashMethod::Sha384 => DigestAlgorithm::Sha384,
        HashMethod::Sha512 => DigestAlgorithm::Sha512,
    }
}

/// The program of Windows that hashes packages of this kind.
pub fn sip_info(kind: PackageKind) -> SpcSipInfo {
    match kind {
        PackageKind::Package => SpcSipInfo::PACKAGE,
        PackageKind::Bundle => SpcSipInfo::BUNDLE,
    }
}

/// Hashes the parts of a package: `APPX`, then each part's name and hash.
///
/// # Errors
/// Whatever reading reports.
pub fn digest_list(
    algorithm: DigestAlgorithm,
    input: &mut (impl Read + Seek),
    parts: &[DigestPart],
) -> io::Result<Vec<u8>> {
    let mut list = MAGIC.to_vec();
    for part in parts {
        list.extend(part.tag.as_bytes());
        list.extend(algorithm.of_pieces(input, &part.pieces)?);
    }
    Ok(list)
}

/// The names and hashes of a list, whose hashes have `length` bytes; `None` where it is none.
pub fn read_list(list: &[u8], length: usize) -> Option<Vec<(&[u8], &[u8])>> {
    let records = list.strip_prefix(MAGIC)?;
    let records = records.chunks(TAG.saturating_add(length));
    records
        .map(|record| {
            let (tag, hash) = record.split_at_checked(TAG)?;
            (hash.len() == length).then_some((tag, hash))
        })
        .collect()
}

/// Whether a certificate's subject is the publisher that a manifest names: the same attributes in the same order with
/// the same text.
pub fn is_publisher(publisher: &str, subject: &Name) -> bool {
    let publisher = DistinguishedName::parse(publisher);
    let subject = DistinguishedName::read(&subject.raw);
    matches!((publisher, subject), (Ok(publisher), Ok(subject)) if publisher == subject)
}

/// A certificate's subject as a manifest has to write it.
pub fn publisher_of(subject: &Name) -> String {
    match DistinguishedName::read(&subject.raw) {
        Ok(name) => name.to_string(),
        Err(_) => subject.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let parts = ["AXPC", "AXCD"].map(|tag| DigestPart {
            tag,
            pieces: Vec::new(),
        });
        let algorithm = DigestAlgorithm::Sha256;
        let list = digest_list(algorithm, &mut io::empty(), &parts).unwrap();
        let hash = algorithm.of(b"");
        let expected = [(&b"AXPC"[..], hash.as_slice()), (b"AXCD", hash.as_slice())];
        assert_eq!(read_list(&list, 32).unwrap(), expected);
        assert_eq!(read_list(&list, 48), None);
        assert_eq!(read_list(&list[..list.len() - 1], 32), None);
        assert_eq!(read_list(b"APPY", 32), None);
    }
}
