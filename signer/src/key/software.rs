//! Keys in memory: the one file that computes with private keys.
//!
//! RSA goes through `aws-lc-rs`, or without the feature of that name through `ring`, which has the same interface and takes
//! about twice as long (`benches/signing-backends`); both make the same bytes. ECDSA goes through `p256` and `p384`, whose
//! nonces are derived from key and message (RFC 6979), so that the same input and key give the same bytes.

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as backend;
#[cfg(not(feature = "aws-lc-rs"))]
use ring as backend;

use formats::der::{self, Reader};
use formats::oid::{self, Oid};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use zeroize::Zeroizing;

use self::backend::rand::SystemRandom;
use self::backend::rsa::KeyPair as RsaKeyPair;
use self::backend::signature::{self, KeyPair as _, RsaEncoding};
use super::KeyError;
use crate::digest::DigestAlgorithm;
use crate::public_key::{KeyKind, PublicKey};

/// A private key in memory, wiped when dropped.
pub(super) enum SoftwareKey {
    /// With the length of the modulus in bytes.
    Rsa(Box<RsaKeyPair>, usize),
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
}

impl SoftwareKey {
    /// Reads a private key in PKCS#8, PKCS#1 or SEC 1 form, with its public half.
    ///
    /// # Errors
    /// [`KeyError`] says which of these it is not, or why the key cannot be used.
    pub(super) fn from_der(key: &[u8]) -> Result<(Self, PublicKey), KeyError> {
        let (algorithm, key) = Inner::find(key)?;
        let (key, public) = match algorithm {
            Algorithm::Rsa => {
                let pair = RsaKeyPair::from_der(&key).map_err(|rejected| {
                    KeyError::Unsupported(format!("RSA key refused: {rejected}"))
                })?;
                let public = PublicKey::from_rsa(pair.public_key().as_ref());
                let length = match public.as_ref().map(PublicKey::kind) {
                    Ok(KeyKind::Rsa(bits)) => bits.div_ceil(8),
                    _ => return Err(KeyError::Malformed("the public half is damaged")),
                };
                (Self::Rsa(Box::new(pair), length), public)
            }
            Algorithm::P256 => {
                let key = p256::ecdsa::SigningKey::from_slice(&key)
                    .map_err(|_| KeyError::Malformed("the P-256 scalar is out of range"))?;
                let point = key.verifying_key().to_encoded_point(false);
                let public = PublicKey::from_point(oid::P256, point.as_bytes());
                (Self::P256(Box::new(key)), public)
            }
            Algorithm::P384 => {
                let key = p384::ecdsa::SigningKey::from_slice(&key)
                    .map_err(|_| KeyError::Malformed("the P-384 scalar is out of range"))?;
                let point = key.verifying_key().to_encoded_point(false);
                let public = PublicKey::from_point(oid::P384, point.as_bytes());
                (Self::P384(Box::new(key)), public)
            }
        };
        let public = public.map_err(|error| KeyError::Unsupported(error.to_string()))?;
        // ring refuses these itself, aws-lc-rs does not.
        if public.has_small_exponent() {
            let problem = "RSA key refused: its exponent is below 65537";
            return Err(KeyError::Unsupported(problem.to_owned()));
        }
        Ok((key, public))
    }

    /// Signs `message`, hashed with `digest`: SHA-256, SHA-384 or SHA-512.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`].
    pub(super) fn sign(
        &self,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Rsa(pair, length) => {
                let encoding: &'static dyn RsaEncoding = match digest {
                    DigestAlgorithm::Sha384 => &signature::RSA_PKCS1_SHA384,
                    DigestAlgorithm::Sha512 => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; *length];
                // PKCS#1 v1.5 is deterministic; the random source only blinds the computation.
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| KeyError::SigningFailed)?;
                Ok(signature)
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key
                    .sign_prehash(&digest.of(message))
                    .map_err(|_| KeyError::SigningFailed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::P384(key) => {
                let digest = digest.of(message);
                let signature: p384::ecdsa::Signature = key
                    .sign_prehash(&digest)
                    .map_err(|_| KeyError::SigningFailed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }
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
