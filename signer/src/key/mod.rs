//! Private keys, wherever they live: one type in front of a key in memory and of keys that others hold.
//!
//! Nothing leaves this module unchecked: every signature is verified with the public key of the certificate before
//! it is handed out, so that a wrong key or a faulting token is an error here and not on a device.

pub mod cloud;
pub mod command;
mod encode;
pub mod pkcs11;
mod software;

use std::fmt;

use formats::der;
use formats::oid::{self, Oid};

use crate::digest::DigestAlgorithm;
use crate::process::ProcessError;
use crate::public_key::{KeyKind, PublicKey, SignatureError};
use software::SoftwareKey;

pub use encode::ecdsa_der;
pub(crate) use encode::read_signature;

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
    /// A token did not sign.
    #[error(transparent)]
    Pkcs11(#[from] pkcs11::Pkcs11Error),
    /// A service did not sign.
    #[error(transparent)]
    Cloud(#[from] cloud::CloudError),
    /// A program did not sign.
    #[error(transparent)]
    Command(#[from] ProcessError),
    /// Whoever holds the key did not sign.
    #[error("{key} did not sign: {problem}")]
    Refused {
        /// [`RemoteKey::name`].
        key: String,
        /// What it answered.
        problem: String,
    },
    /// A signature came back that the certificate's public key does not verify.
    #[error(
        "{key} made a signature that does not match the certificate: it is another key, or it is faulty"
    )]
    WrongSignature {
        /// [`RemoteKey::name`], or the kind of a key in memory.
        key: String,
    },
}

/// A private key that someone else holds: a token, a program, a service.
///
/// It is asked from several threads at once.
pub trait RemoteKey: Send + Sync {
    /// What messages call it, e.g. `key 01 of token release`. Holds no secret.
    fn name(&self) -> String;

    /// Its other half, where the holder tells it.
    fn public_key(&self) -> Option<&PublicKey>;

    /// Signs `message`, hashed with `digest` (SHA-256, SHA-384 or SHA-512).
    ///
    /// `kind` is that of the certificate's key. RSA answers with PKCS#1 v1.5 and as many bytes as the modulus has,
    /// ECDSA with an encoded `ECDSA-Sig-Value` (see [`ecdsa_der`]).
    ///
    /// # Errors
    /// [`KeyError::Refused`] or what else says why there is no signature.
    fn sign(
        &self,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError>;
}

/// A private key. It cannot be copied or printed; one in memory is wiped when dropped.
pub struct SigningKey {
    holder: Holder,
    public: PublicKey,
}

enum Holder {
    Memory(SoftwareKey),
    Remote(Box<dyn RemoteKey>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.name())
    }
}

impl SigningKey {
    /// Reads a private key in PKCS#8, PKCS#1 (`RSAPrivateKey`) or SEC 1 (`ECPrivateKey`) form.
    ///
    /// # Errors
    /// [`KeyError`] says which of these it is not, or why the key cannot be used: RSA keys must have 2048 to 4096
    /// bits and an exponent of at least 65537, curves are P-256 and P-384.
    pub fn from_der(key: &[u8]) -> Result<Self, KeyError> {
        let (key, public) = SoftwareKey::from_der(key)?;
        Self::new(Holder::Memory(key), public)
    }

    /// A key that someone else holds, of which `public` is the other half.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for keys of another size than [`SigningKey::from_der`] accepts.
    pub fn remote(key: Box<dyn RemoteKey>, public: PublicKey) -> Result<Self, KeyError> {
        Self::new(Holder::Remote(key), public)
    }

    fn new(holder: Holder, public: PublicKey) -> Result<Self, KeyError> {
        check_size(public.kind())?;
        Ok(Self { holder, public })
    }

    /// What messages call it: its kind, and who holds it where that is not this process.
    pub fn name(&self) -> String {
        match &self.holder {
            Holder::Memory(_) => self.kind().to_string(),
            Holder::Remote(key) => format!("{}, {}", self.kind(), key.name()),
        }
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// Whether `public` is this key's other half.
    pub fn matches(&self, public: &PublicKey) -> bool {
        self.public == *public
    }

    /// The encoded `AlgorithmIdentifier` that goes with its signatures: `rsaEncryption` with NULL, as Windows'
    /// own signers write it, or `ecdsa-with-SHA…`.
    pub fn signature_algorithm(&self, digest: DigestAlgorithm) -> Vec<u8> {
        signature_algorithm(self.kind(), digest)
    }

    /// Signs `message`, hashed with `digest`, and verifies the signature.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for digests other than SHA-256, SHA-384 and, with RSA, SHA-512;
    /// [`KeyError::WrongSignature`] where the signature does not verify; others where there is none.
    pub fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        check_digest(self.kind(), digest)?;
        let signature = match &self.holder {
            Holder::Memory(key) => key.sign(digest, message)?,
            Holder::Remote(key) => key.sign(self.kind(), digest, message)?,
        };
        match check_signature(&self.public, digest, message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(KeyError::WrongSignature { key: self.name() }),
        }
    }
}

/// Refuses keys of a size that must not sign.
pub(crate) fn check_size(kind: KeyKind) -> Result<(), KeyError> {
    match kind {
        KeyKind::Rsa(2048..=4096) | KeyKind::P256 | KeyKind::P384 => Ok(()),
        KeyKind::Rsa(bits) => Err(KeyError::Unsupported(format!(
            "RSA keys of {bits} bits cannot sign: 2048 to 4096 bits are accepted"
        ))),
    }
}

/// Refuses digests with which a key of this kind must not sign.
pub(crate) fn check_digest(kind: KeyKind, digest: DigestAlgorithm) -> Result<(), KeyError> {
    let is_rsa = matches!(kind, KeyKind::Rsa(_));
    // Windows has no ECDSA with SHA-512, and it could not be checked here.
    if !digest.is_strong() || digest == DigestAlgorithm::Sha512 && !is_rsa {
        let problem = format!("{kind} cannot sign with {digest}");
        return Err(KeyError::Unsupported(problem));
    }
    Ok(())
}

/// The encoded `AlgorithmIdentifier` that goes with signatures of a key of this kind.
pub(crate) fn signature_algorithm(kind: KeyKind, digest: DigestAlgorithm) -> Vec<u8> {
    match kind {
        KeyKind::Rsa(_) => der::algorithm_with_null(oid::RSA),
        KeyKind::P256 | KeyKind::P384 => der::sequence(&[&der::oid(ecdsa_with(digest))]),
    }
}

/// Checks a signature that came from somewhere.
pub(crate) fn check_signature(
    public: &PublicKey,
    digest: DigestAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let algorithm = match public.kind() {
        KeyKind::Rsa(_) => oid::RSA,
        KeyKind::P256 | KeyKind::P384 => ecdsa_with(digest),
    };
    public.verify(algorithm, Some(digest), message, signature)
}

fn ecdsa_with(digest: DigestAlgorithm) -> Oid<'static> {
    match digest {
        DigestAlgorithm::Sha384 => oid::ECDSA_WITH_SHA384,
        _ => oid::ECDSA_WITH_SHA256,
    }
}
