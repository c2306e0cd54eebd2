//! Signature checks with a public key of any age: `ring` where it can, `rsa` for what it refuses.

use std::fmt;

use formats::certificate::Certificate;
use formats::der::{self, Reader, Tlv};
use formats::error::ParseError;
use formats::oid::{self, Oid};
use ring::signature as ring_alg;
use rsa::traits::PublicKeyParts;

use crate::digest::DigestAlgorithm;

/// Largest RSA modulus that is used, in bits: a check of a larger one costs too much.
const MAX_RSA_BITS: usize = 16384;

/// What kind of key, with its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with the modulus size in bits.
    Rsa(usize),
    /// ECDSA on NIST P-256.
    P256,
    /// ECDSA on NIST P-384.
    P384,
}

impl KeyKind {
    /// Whether the key is long enough by today's rules (RSA of at least 2048 bits).
    pub fn is_strong(self) -> bool {
        !matches!(self, Self::Rsa(bits) if bits < 2048)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::P384 => f.write_str("ECDSA P-384"),
        }
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The mathematics say no.
    #[error("the signature does not match the key and the signed bytes")]
    Mismatch,
    /// An algorithm that is not implemented.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// A key that cannot be read.
    #[error("the public key is malformed: {0}")]
    MalformedKey(#[from] ParseError),
}

/// A public key taken from a `SubjectPublicKeyInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    /// `subjectPublicKey`: a PKCS#1 `RSAPublicKey`, or an uncompressed point.
    key: Vec<u8>,
}

impl PublicKey {
    /// Reads an encoded `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`SignatureError::Unsupported`] for other algorithms and curves, [`SignatureError::MalformedKey`] for
    /// broken ones.
    pub fn from_spki(spki: &[u8]) -> Result<Self, SignatureError> {
        let mut reader = Reader::new("SubjectPublicKeyInfo", spki, 0);
        let mut info = reader
            .expect("SubjectPublicKeyInfo", der::SEQUENCE)?
            .reader("SubjectPublicKeyInfo");
        reader.finish()?;
        let mut algorithm = info
            .expect("algorithm", der::SEQUENCE)?
            .reader("AlgorithmIdentifier");
        let kind = algorithm.oid("algorithm")?;
        let bits = info.expect("subjectPublicKey", der::BIT_STRING)?;
        let key = match bits.value {
            [0, key @ ..] => key,
            _ => {
                return Err(info
                    .invalid("subjectPublicKey", "unused bits", "none")
                    .into());
            }
        };
        match kind {
            oid::RSA => Self::from_rsa(key),
            oid::EC_PUBLIC_KEY => Self::from_point(algorithm.oid("parameters")?, key),
            other => Err(SignatureError::Unsupported(format!("the key type {other}"))),
        }
    }

    /// An RSA key of an encoded `RSAPublicKey`.
    ///
    /// # Errors
    /// [`SignatureError::MalformedKey`] where it is none.
    pub fn from_rsa(key: &[u8]) -> Result<Self, SignatureError> {
        let kind = KeyKind::Rsa(rsa_bits(key)?);
        let key = key.to_vec();
        Ok(Self { kind, key })
    }

    /// An elliptic curve key of an uncompressed point.
    ///
    /// # Errors
    /// [`SignatureError::Unsupported`] for other curves than P-256 and P-384.
    pub fn from_point(curve: Oid<'_>, point: &[u8]) -> Result<Self, SignatureError> {
        let kind = match curve {
            oid::P256 => KeyKind::P256,
            oid::P384 => KeyKind::P384,
            curve => return Err(SignatureError::Unsupported(format!("the curve {curve}"))),
        };
        let key = point.to_vec();
        Ok(Self { kind, key })
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether it is an RSA key with an exponent below 65537.
    pub fn has_small_exponent(&self) -> bool {
        let Ok([_, exponent]) = rsa_numbers(&self.key) else {
            return false;
        };
        matches!(exponent.value, [_] | [_, _] | [0, _, _])
    }

    /// `subjectPublicKey`, for comparison with a private key's own public half.
    pub fn subject_public_key(&self) -> &[u8] {
        &self.key
    }

    /// Checks a signature over `message`.
    ///
    /// `algorithm` is the signature's algorithm identifier; `digest` is used where that names the key type alone
    /// (`rsaEncryption`, as Authenticode writes it).
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] where the signature does not hold, others where it could not be checked.
    pub fn verify(
        &self,
        algorithm: Oid<'_>,
        digest: Option<DigestAlgorithm>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let unsupported =
            || SignatureError::Unsupported(format!("the signature algorithm {algorithm}"));
        let (wants_rsa, named) = signature_algorithm(algorithm).ok_or_else(unsupported)?;
        let is_rsa = matches!(self.kind, KeyKind::Rsa(_));
        if wants_rsa != is_rsa {
            return Err(SignatureError::Mismatch);
        }
        if let (Some(named), Some(digest)) = (named, digest)
            && named != digest
        {
            return Err(SignatureError::Mismatch);
        }
        let digest = named.or(digest).ok_or_else(unsupported)?;
        match self.ring_algorithm(digest) {
            Some(algorithm) => ring_alg::UnparsedPublicKey::new(algorithm, &self.key)
                .verify(message, signature)
                .map_err(|_| SignatureError::Mismatch),
            None if is_rsa => self.verify_by_rsa(digest, message, signature),
            None => Err(SignatureError::Unsupported(format!(
                "{} with {digest}",
                self.kind
            ))),
        }
    }

    fn ring_algorithm(
        &self,
        digest: DigestAlgorithm,
    ) -> Option<&'static dyn ring_alg::VerificationAlgorithm> {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        Some(match (self.kind, digest) {
            (KeyKind::Rsa(2048..=8192), Sha256) => &ring_alg::RSA_PKCS1_2048_8192_SHA256,
            (KeyKind::Rsa(2048..=8192), Sha384) => &ring_alg::RSA_PKCS1_2048_8192_SHA384,
            (KeyKind::Rsa(2048..=8192), Sha512) => &ring_alg::RSA_PKCS1_2048_8192_SHA512,
            (KeyKind::P256, Sha256) => &ring_alg::ECDSA_P256_SHA256_ASN1,
            (KeyKind::P256, Sha384) => &ring_alg::ECDSA_P256_SHA384_ASN1,
            (KeyKind::P384, Sha256) => &ring_alg::ECDSA_P384_SHA256_ASN1,
            (KeyKind::P384, Sha384) => &ring_alg::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        })
    }

    /// Odd sizes and old digests, which `ring` refuses. Only public keys pass through the `rsa` crate.
    fn verify_by_rsa(
        &self,
        digest: DigestAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let [n, e] = rsa_numbers(&self.key)?;
        let number = |tlv: Tlv<'_>| rsa::BigUint::from_bytes_be(tlv.value);
        let key = rsa::RsaPublicKey::new_with_max_size(number(n), number(e), MAX_RSA_BITS)
            .map_err(|_| SignatureError::Unsupported(format!("an RSA key like {}", self.kind)))?;
        if key.size() != signature.len() {
            return Err(SignatureError::Mismatch);
        }
        let info = digest_info_prefix(digest);
        let scheme = rsa::Pkcs1v15Sign {
            hash_len: Some(digest.of(&[]).len()),
            prefix: info.into(),
        };
        key.verify(scheme, &digest.of(message), signature)
            .map_err(|_| SignatureError::Mismatch)
    }
}

/// Whether a signature algorithm is RSA's, and the digest that it names.
fn signature_algorithm(algorithm: Oid<'_>) -> Option<(bool, Option<DigestAlgorithm>)> {
    use DigestAlgorithm::{Md5, Sha1, Sha256, Sha384, Sha512};
    Some(match algorithm {
        oid::RSA => (true, None),
        oid::MD5_WITH_RSA => (true, Some(Md5)),
        oid::SHA1_WITH_RSA | oid::SHA1_WITH_RSA_OIW => (true, Some(Sha1)),
        oid::SHA256_WITH_RSA => (true, Some(Sha256)),
        oid::SHA384_WITH_RSA => (true, Some(Sha384)),
        oid::SHA512_WITH_RSA => (true, Some(Sha512)),
        oid::EC_PUBLIC_KEY => (false, None),
        oid::ECDSA_WITH_SHA1 => (false, Some(Sha1)),
        oid::ECDSA_WITH_SHA256 => (false, Some(Sha256)),
        oid::ECDSA_WITH_SHA384 => (false, Some(Sha384)),
        oid::ECDSA_WITH_SHA512 => (false, Some(Sha512)),
        _ => return None,
    })
}

/// The hash by which code-integrity policies name a certificate: of its signed part, by the digest of its own signature;
/// `None` where that digest is not known.
pub fn tbs_hash(certificate: &Certificate) -> Option<Vec<u8>> {
    let digest = named_digest(Oid(&certificate.signature_algorithm))?;
    Some(digest.of(&certificate.tbs))
}

/// The digest that a signature algorithm names, e.g. SHA-1 for `sha1WithRSAEncryption`.
pub fn named_digest(algorithm: Oid<'_>) -> Option<DigestAlgorithm> {
    signature_algorithm(algorithm)?.1
}

/// `DigestInfo` up to the digest itself (RFC 8017 §9.2).
pub(crate) fn digest_info_prefix(digest: DigestAlgorithm) -> Vec<u8> {
    let empty = digest.of(&[]);
    let mut info = der::sequence(&[
        &der::algorithm_with_null(digest.oid()),
        &der::octet_string(&empty),
    ]);
    info.truncate(info.len().saturating_sub(empty.len()));
    info
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 §A.1.1).
fn rsa_numbers(key: &[u8]) -> Result<[Tlv<'_>; 2], ParseError> {
    let mut reader = Reader::new("RSAPublicKey", key, 0);
    let mut numbers = reader
        .expect("RSAPublicKey", der::SEQUENCE)?
        .reader("RSAPublicKey");
    reader.finish()?;
    let modulus = numbers.expect("modulus", der::INTEGER)?;
    let exponent = numbers.expect("publicExponent", der::INTEGER)?;
    numbers.finish()?;
    Ok([modulus, exponent])
}

fn rsa_bits(key: &[u8]) -> Result<usize, ParseError> {
    let [modulus, _] = rsa_numbers(key)?;
    let first = modulus.value.iter().position(|byte| *byte != 0);
    let digits = first
        .and_then(|f| modulus.value.get(f..))
        .unwrap_or_default();
    let leading = digits
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    Ok(digits.len().saturating_mul(8).saturating_sub(leading))
}
