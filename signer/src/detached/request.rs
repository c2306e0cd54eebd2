//! What has to be signed for a file, and what is needed to come back.

use std::fs::File;
use std::io::BufReader;

use formats::container::Piece;
use formats::der::{self, Reader};
use formats::oid;

use super::DetachedError;
use crate::digest::{DigestAlgorithm, hex};
use crate::key::{check_digest, check_size};
use crate::public_key::{KeyKind, PublicKey};
use crate::sign::{Action, SignOptions};
use crate::signer_certificates::SignerCertificates;

/// A request to sign. It holds no secret.
#[derive(Debug, Clone)]
pub struct SigningRequest {
    /// The file's name, for people: a file may have another one when the signature comes back.
    pub file_name: String,
    /// The file's length in bytes.
    pub size: u64,
    /// SHA-256 of the whole file as it was extracted.
    pub sha256: Vec<u8>,
    /// The file's format, [`formats::container::Format::name`].
    pub format: String,
    /// What becomes of the file; never [`Action::Skipped`].
    pub action: Action,
    /// How it is signed. The digest is the one with which the file is really signed.
    pub options: SignOptions,
    /// Who signs.
    pub certificates: SignerCertificates,
    /// The bytes that the key signs: the signed attributes, DER, under their universal tag.
    pub signed_attributes: Vec<u8>,
}

impl SigningRequest {
    /// Reads a request file.
    ///
    /// # Errors
    /// [`DetachedError::Request`] where it is none, [`DetachedError::Inconsistent`] where it contradicts itself, and
    /// where its key or digest must not sign.
    pub fn read(json: &[u8]) -> Result<Self, DetachedError> {
        super::form::read(json)
    }

    /// Writes a request file: JSON, the same for the same request.
    ///
    /// # Errors
    /// None for a request that was extracted or read.
    pub fn write(&self) -> Result<String, DetachedError> {
        super::form::write(self)
    }

    /// The digest of [`SigningRequest::signed_attributes`], for keys that sign digests.
    pub fn digest(&self) -> Vec<u8> {
        self.options.digest.of(&self.signed_attributes)
    }

    /// The digest of the content that the signature covers: the `messageDigest` attribute.
    ///
    /// # Errors
    /// Where the signed attributes have none.
    pub fn content_digest(&self) -> Result<Vec<u8>, DetachedError> {
        message_digest(&self.signed_attributes).ok_or_else(|| {
            DetachedError::Request("its signed attributes state no message digest".to_owned())
        })
    }

    /// The signer's public key, which may sign with this digest.
    ///
    /// # Errors
    /// Where it is of a kind or size that must not sign.
    pub fn public_key(&self) -> Result<PublicKey, DetachedError> {
        public_key(&self.certificates, self.options.digest)
    }

    /// The kind of the signer's key.
    ///
    /// # Errors
    /// As [`SigningRequest::public_key`].
    pub fn key_kind(&self) -> Result<KeyKind, DetachedError> {
        Ok(self.public_key()?.kind())
    }
}

/// The key of a signer, where it may sign with `digest`.
pub(super) fn public_key(
    certificates: &SignerCertificates,
    digest: DigestAlgorithm,
) -> Result<PublicKey, DetachedError> {
    let public = PublicKey::from_spki(&certificates.leaf().public_key)
        .map_err(|error| crate::key::KeyError::Unsupported(error.to_string()))?;
    check_size(public.kind())?;
    check_digest(public.kind(), digest)?;
    Ok(public)
}

fn message_digest(attributes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new("Attributes", attributes, 0);
    let set = reader.expect("signedAttrs", der::SET).ok()?;
    reader.finish().ok()?;
    for attribute in set.reader("Attributes").all("attribute").ok()? {
        let mut attribute = attribute.reader("Attribute");
        if attribute.oid("attrType").ok()? == oid::MESSAGE_DIGEST {
            let values = attribute.expect("attrValues", der::SET).ok()?;
            let mut values = values.reader("Attribute");
            let value = values.expect("attrValue", der::OCTET_STRING).ok()?;
            return Some(value.value.to_vec());
        }
    }
    None
}

/// Length and SHA-256 of a whole file.
pub(super) fn fingerprint(input: &mut BufReader<File>) -> std::io::Result<(u64, Vec<u8>)> {
    let size = input.get_ref().metadata()?.len();
    let whole = [Piece::Range(0..size)];
    Ok((size, DigestAlgorithm::Sha256.of_pieces(input, &whole)?))
}

impl DetachedError {
    pub(super) fn other_file(request: &SigningRequest, size: u64, sha256: &[u8]) -> Self {
        Self::OtherFile {
            found_size: size,
            found: hex(sha256),
            stated_size: request.size,
            stated: hex(&request.sha256),
        }
    }
}
