//! Signing with a key that this machine never meets.
//!
//! ```text
//! extract   a file and the signer's certificates     -> request, and the bytes that the key has to sign
//!           ... somewhere else ...                    -> an answer: a signature, or a whole PKCS#7
//! attach    file, request, answer                     -> the signed file, byte for byte as if signed here
//! ```
//!
//! The request is not trusted when it comes back: everything in it is derived again from the file, the certificates and
//! the options that it names, and has to be the same.

mod answer;
mod attach;
mod extract;
mod form;
mod request;

use std::io;

use formats::error::ParseError;

use crate::identity::IdentityError;
use crate::key::KeyError;
use crate::public_key::SignatureError;
use crate::sign::SignError;

pub use attach::attach;
pub use extract::{Extracted, extract};
pub use form::{KIND, VERSION};
pub use request::SigningRequest;

/// Why nothing was extracted or attached.
#[derive(Debug, thiserror::Error)]
pub enum DetachedError {
    /// The file cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The certificates cannot be used.
    #[error(transparent)]
    Certificates(#[from] IdentityError),
    /// The request is none, or not one of this version.
    #[error("the request cannot be read: {0}")]
    Request(String),
    /// Two fields of the request that depend on each other do not agree.
    #[error("the request was changed: its field {0} does not fit the others")]
    Inconsistent(String),
    /// The file is another one, or has changed.
    #[error(
        "this is not the file that was extracted: it has {found_size} bytes with SHA-256 {found}, the request is for {stated_size} bytes with {stated}"
    )]
    OtherFile {
        /// Bytes of the file.
        found_size: u64,
        /// Its SHA-256.
        found: String,
        /// Bytes in the request.
        stated_size: u64,
        /// SHA-256 in the request.
        stated: String,
    },
    /// What the file, the certificates and the options of the request give is not what the request has.
    #[error(
        "the request was changed: what it lets sign does not follow from the file, the certificate and the options in it"
    )]
    OtherAttributes,
    /// The answer is neither a signature nor a PKCS#7.
    #[error("the {length} bytes of the answer are neither a signature by {key} nor a PKCS#7")]
    NoAnswer {
        /// Bytes of the answer.
        length: usize,
        /// The kind of key.
        key: String,
    },
    /// The signature is good over the digest of the digest.
    #[error(
        "the signature is over the hash of the digest: the digest was hashed once more before it was signed"
    )]
    HashedTwice,
    /// The signature does not hold.
    #[error(
        "the signature does not fit: it is by another key than that of {subject}, or over other bytes than those of this request ({error})"
    )]
    WrongSignature {
        /// The signer's name.
        subject: String,
        /// Why not.
        error: SignatureError,
    },
    /// The PKCS#7 cannot be read.
    #[error("the PKCS#7 of the answer: {0}")]
    MalformedPkcs7(ParseError),
    /// The PKCS#7 is not what was asked for.
    #[error("the PKCS#7 of the answer {0}")]
    WrongPkcs7(String),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl From<KeyError> for DetachedError {
    fn from(error: KeyError) -> Self {
        Self::Sign(SignError::Key(error))
    }
}
