//! Code-integrity policies of a few signers, for tests.

use formats::certificate::Certificate;
use formats::oid;
use signer::cms::Draft;
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;
use signer::public_key::tbs_hash;

/// A signer of a [`RawPolicy`].
pub(crate) enum RawSigner {
    /// A root by its number.
    Wellknown(u32),
    /// A certificate by its hash.
    Hash(Vec<u8>),
}

impl RawSigner {
    /// A test certificate.
    pub(crate) fn of(name: &str) -> Self {
        Self::Hash(tbs_hash(&certificate(name)).unwrap())
    }
}

/// A policy to be; signers are used by their index.
pub(crate) struct RawPolicy {
    pub(crate) options: u32,
    pub(crate) signers: Vec<RawSigner>,
    pub(crate) update: Vec<u32>,
    pub(crate) kernel: Vec<u32>,
    pub(crate) user: Vec<u32>,
}

impl Default for RawPolicy {
    /// Enforced, updated by the certificate that signs it.
    fn default() -> Self {
        Self {
            options: 0x8200_0004,
            signers: vec![RawSigner::of("oem")],
            update: vec![0],
            kernel: Vec::new(),
            user: Vec::new(),
        }
    }
}

impl RawPolicy {
    /// The binary form.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let numbers =
            |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_le_bytes()).collect() };
        let list = |items: &[u32]| [numbers(&[items.len() as u32]), numbers(items)].concat();
        let count = self.signers.len() as u32;
        let mut bytes = numbers(&[7, 1, 2, 3, 4, 5, 6, 7, 8]);
        bytes.extend(numbers(&[self.options, 0, 0, count, 2, 0, 0x000a_0000, 64]));
        for signer in &self.signers {
            match signer {
                RawSigner::Wellknown(number) => bytes.extend(numbers(&[1, *number])),
                RawSigner::Hash(hash) => {
                    bytes.extend(numbers(&[0, hash.len() as u32]));
                    bytes.extend(hash);
                }
            }
            bytes.extend([0; 32]);
        }
        bytes.extend(list(&self.update));
        bytes.extend(numbers(&[0]));
        for (value, allowed) in [(131, &self.kernel), (12, &self.user)] {
            bytes.extend(numbers(&[value, 0, 0x800c, allowed.len() as u32]));
            bytes.extend(allowed.iter().flat_map(|signer| numbers(&[*signer, 0])));
            bytes.extend([0; 8 + 24]);
        }
        bytes.extend(numbers(&[0, 0, 3]));
        bytes.resize(bytes.len() + self.signers.len() * 8, 0);
        bytes.extend(numbers(&[4, 5, 6]));
        bytes.extend([[1; 16], [2; 16]].concat());
        bytes.extend(numbers(&[0, 7, 8]));
        bytes
    }

    /// Signed as policies are.
    pub(crate) fn signed_by(&self, identity: &Identity) -> Vec<u8> {
        let content = formats::der::octet_string(&self.bytes());
        let digest = DigestAlgorithm::Sha256;
        let draft = Draft::plain(oid::SIPOLICY, &content, digest, None).unwrap();
        draft.sign(identity).unwrap()
    }
}

/// A test certificate.
pub(crate) fn certificate(name: &str) -> Certificate {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testcerts");
    let bytes = std::fs::read(format!("{folder}/{name}.cer")).unwrap();
    Certificate::parse(&bytes, 0).unwrap()
}
