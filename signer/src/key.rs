//! Private keys: the one file that signs.
//!
//! RSA goes through `ring`. ECDSA goes through `p256` and `p384`, whose nonces are derived from key and message
//! (RFC 6979), so that the same input and key give the same bytes.

use std::fmt;

use formats::der::{self, Reader};
use formats::oid::{self, Oid};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature as ring_alg;
use zeroize::Zeroizing;

use crate::digest::DigestAlgorithm;
use crate::public_key::{KeyKind, PublicKey};

/// Why a private key cannot be used. No variant carries key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no private key of a supported kind.
    #[error("not a private key in PKCS#8, PKCS#1 or SEC 1 form: {0}")]
    Malformed(&'static str),
    /// A well-formed key that cannot sign here.
    #[error("{0}")]
    Unsupported(String),
    /// The operation itself failed.
    #[error("the key could not sign")]
    SigningFailed,
}

/// A private key. It cannot be copied or printed, and is wiped when dropped.
pub struct SigningKey(Backend);

enum Backend {
    Rsa(Box<RsaKeyPair>),
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kind())
    }
}

impl SigningKey {
    /// Reads a private key in PKCS#8, PKCS#1 (`RSAPrivateKey`) or SEC 1 (`ECPrivateKey`) form.
    ///
    /// # Errors
    /// [`KeyError`] says which of these it is not, or why the key cannot be used: RSA keys must have 2048 to 4096
    /// bits and an exponent of at least 65537, curves are P-256 and P-384.
    pub fn from_der(key: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, key) = Inner::find(key)?;
        match algorithm {
            Algorithm::Rsa => {
                let pair = RsaKeyPair::from_der(&key).map_err(|rejected| {
                    KeyError::Unsupported(format!("RSA key refused: {rejected}"))
                })?;
                match pair.public().modulus_len().saturating_mul(8) {
                    2048..=4096 => Ok(Self(Backend::Rsa(Box::new(pair)))),
                    bits => Err(KeyError::Unsupported(format!(
                        "RSA keys of {bits} bits cannot sign: 2048 to 4096 bits are accepted"
                    ))),
                }
            }
            Algorithm::P256 => {
                let key = p256::ecdsa::SigningKey::from_slice(&key)
                    .map_err(|_| KeyError::Malformed("the P-256 scalar is out of range"))?;
                Ok(Self(Backend::P256(Box::new(key))))
            }
            Algorithm::P384 => {
                let key = p384::ecdsa::SigningKey::from_slice(&key)
                    .map_err(|_| KeyError::Malformed("the P-384 scalar is out of range"))?;
                Ok(Self(Backend::P384(Box::new(key))))
            }
        }
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            Backend::Rsa(pair) => KeyKind::Rsa(pair.public().modulus_len().saturating_mul(8)),
            Backend::P256(_) => KeyKind::P256,
            Backend::P384(_) => KeyKind::P384,
        }
    }

    /// Whether `public` is this key's other half.
    pub fn matches(&self, public: &PublicKey) -> bool {
        let own = match &self.0 {
            Backend::Rsa(pair) => pair.public().as_ref().to_vec(),
            Backend::P256(key) => key
                .verifying_key()
                .to_encoded_point(false)
                .as_bytes()
                .to_vec(),
            Backend::P384(key) => key
                .verifying_key()
                .to_encoded_point(false)
                .as_bytes()
                .to_vec(),
        };
        own == public.subject_public_key()
    }

    /// The encoded `AlgorithmIdentifier` that goes with its signatures: `rsaEncryption` with NULL, as Windows'
    /// own signers write it, or `ecdsa-with-SHA…`.
    pub fn signature_algorithm(&self, digest: DigestAlgorithm) -> Vec<u8> {
        match &self.0 {
            Backend::Rsa(_) => der::algorithm_with_null(oid::RSA),
            Backend::P256(_) | Backend::P384(_) => der::sequence(&[&der::oid(ecdsa_with(digest))]),
        }
    }

    /// Signs `message`, hashed with `digest`.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for digests other than SHA-256, SHA-384 and SHA-512.
    pub fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if !digest.is_strong() {
            return Err(KeyError::Unsupported(format!("signing with {digest}")));
        }
        match &self.0 {
            Backend::Rsa(pair) => {
                let encoding: &dyn ring_alg::RsaEncoding = match digest {
                    DigestAlgorithm::Sha384 => &ring_alg::RSA_PKCS1_SHA384,
                    DigestAlgorithm::Sha512 => &ring_alg::RSA_PKCS1_SHA512,
                    _ => &ring_alg::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                // PKCS#1 v1.5 is deterministic; the random source only blinds the computation.
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| KeyError::SigningFailed)?;
                Ok(signature)
            }
            Backend::P256(key) => {
                let signature: p256::ecdsa::Signature = key
                    .sign_prehash(&digest.of(message))
                    .map_err(|_| KeyError::SigningFailed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Backend::P384(key) => {
                let digest = digest.of(message);
                let signature: p384::ecdsa::Signature = key
                    .sign_prehash(&digest)
                    .map_err(|_| KeyError::SigningFailed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }
    }
}

fn ecdsa_with(digest: DigestAlgorithm) -> Oid<'static> {
    match digest {
        DigestAlgorithm::Sha384 => oid::ECDSA_WITH_SHA384,
        DigestAlgorithm::Sha512 => oid::ECDSA_WITH_SHA512,
        _ => oid::ECDSA_WITH_SHA256,
    }
}

enum Algorithm {
    Rsa,
    P256,
    P384,
}

/// Finds the innermost key: `RSAPrivateKey` for RSA, the scalar for elliptic curves.
struct Inner;

impl Inner {
    fn find(key: &[u8]) -> Result<(Algorithm, Zeroizing<Vec<u8>>), KeyError> {
        let malformed = |what: &'static str| move |_| KeyError::Malformed(what);
        let mut file = Reader::new("PrivateKey", key, 0);
        let mut reader = file
            .expect("PrivateKey", der::SEQUENCE)
            .map_err(malformed("no SEQUENCE"))?
            .reader("PrivateKey");
        reader
            .small_integer("version")
            .map_err(malformed("no version number"))?;
        match reader.peek_tag() {
            // PrivateKeyInfo (RFC 5208): version, algorithm, OCTET STRING.
            Some(der::SEQUENCE) => {
                let algorithm = reader.next("algorithm").map_err(malformed("algorithm"))?;
                let mut algorithm = algorithm.reader("AlgorithmIdentifier");
                let kind = algorithm.oid("algorithm").map_err(malformed("algorithm"))?;
                let inner = reader
                    .expect("privateKey", der::OCTET_STRING)
                    .map_err(malformed("privateKey"))?;
                if kind == oid::RSA {
                    return Ok((Algorithm::Rsa, Zeroizing::new(inner.value.to_vec())));
                }
                if kind != oid::EC_PUBLIC_KEY {
                    return Err(KeyError::Unsupported(format!(
                        "keys of type {kind} cannot sign here"
                    )));
                }
                let curve = algorithm
                    .oid("curve")
                    .map_err(malformed("no named curve"))?;
                Self::ec(curve, inner.value)
            }
            // RSAPrivateKey (RFC 8017 §A.1.2): version, modulus, ...
            Some(der::INTEGER) => Ok((Algorithm::Rsa, Zeroizing::new(key.to_vec()))),
            // ECPrivateKey (RFC 5915): version, OCTET STRING, [0] curve.
            Some(der::OCTET_STRING) => {
                reader.next("privateKey").map_err(malformed("privateKey"))?;
                let curve = reader
                    .expect("parameters", der::context(0))
                    .and_then(|parameters| parameters.reader("ECParameters").oid("namedCurve"))
                    .map_err(malformed("an EC key without its curve"))?;
                Self::ec(curve, key)
            }
            _ => Err(KeyError::Malformed("an unknown structure")),
        }
    }

    /// The scalar of an `ECPrivateKey`.
    fn ec(curve: Oid<'_>, key: &[u8]) -> Result<(Algorithm, Zeroizing<Vec<u8>>), KeyError> {
        let algorithm = match curve {
            oid::P256 => Algorithm::P256,
            oid::P384 => Algorithm::P384,
            other => {
                return Err(KeyError::Unsupported(format!(
                    "curve {other} cannot sign here: P-256 and P-384 are accepted"
                )));
            }
        };
        let scalar = Reader::new("ECPrivateKey", key, 0)
            .expect("ECPrivateKey", der::SEQUENCE)
            .and_then(|sequence| {
                let mut reader = sequence.reader("ECPrivateKey");
                reader.small_integer("version")?;
                reader.expect("privateKey", der::OCTET_STRING)
            })
            .map_err(|_| KeyError::Malformed("no ECPrivateKey"))?;
        Ok((algorithm, Zeroizing::new(scalar.value.to_vec())))
    }
}
