//! Keys that are known to everyone: the samples of Microsoft's add-on kit and this project's test leaves.

use formats::certificate::Certificate;

use crate::digest::{DigestAlgorithm, hex};

const LIST: &str = include_str!("../../policies/published-keys.tsv");

/// The list's name for a certificate whose private key is published, found by the hash by which policies name it.
pub fn find_by_tbs(hash: &[u8]) -> Option<String> {
    let hash = hex(hash);
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            match columns.as_slice() {
                [set, _, _, tbs, name] if *tbs == hash => Some(format!("{set}: {name}")),
                _ => None,
            }
        })
}

/// The list's name for a certificate whose private key is published, found by thumbprint or by key.
pub fn find(certificate: &Certificate) -> Option<String> {
    let thumbprint = hex(&DigestAlgorithm::Sha1.of(&certificate.der));
    let key = hex(&DigestAlgorithm::Sha256.of(&certificate.public_key));
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            match columns.as_slice() {
                [set, listed_thumbprint, listed_key, _, name]
                    if *listed_thumbprint == thumbprint || *listed_key == key =>
                {
                    Some(format!("{set}: {name}"))
                }
                _ => None,
            }
        })
}
