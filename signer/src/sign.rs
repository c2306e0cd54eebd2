//! Signing a container: digest, content, CMS, patch.

use std::io::{self, Read, Seek};

use formats::container::{Container, Prepared, ToBeSigned};
use formats::error::ParseError;
use formats::oid;
use formats::patch::Patch;
use formats::spc::{EnhancedHash, SpcIndirectData};

use crate::cms::{Attributes, Draft};
use crate::digest::DigestAlgorithm;
use crate::identity::Identity;
use crate::key::KeyError;

/// Why a file could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The container cannot take a signature.
    #[error(transparent)]
    Container(#[from] ParseError),
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The input could not be read.
    #[error("the input could not be read: {0}")]
    Read(#[from] io::Error),
}

/// How to sign.
#[derive(Debug, Clone)]
pub struct SignOptions {
    /// Digest of file and attributes: SHA-256, SHA-384 or SHA-512.
    pub digest: DigestAlgorithm,
    /// What the signature says besides.
    pub attributes: Attributes,
}

impl Default for SignOptions {
    fn default() -> Self {
        Self {
            digest: DigestAlgorithm::Sha256,
            attributes: Attributes::default(),
        }
    }
}

/// Makes the patch that signs `input`, which was read as `container`. A signature that is there is replaced.
///
/// # Errors
/// Where the container refuses a signature, the key cannot sign, or the input cannot be read.
pub fn sign(
    container: &Container,
    input: &mut (impl Read + Seek),
    identity: &Identity,
    options: &SignOptions,
) -> Result<Patch, SignError> {
    let prepared = container.prepare()?;
    let cms = sign_prepared(&prepared, input, identity, options)?;
    Ok(prepared.embed(&cms)?)
}

fn sign_prepared(
    prepared: &Prepared<'_>,
    input: &mut (impl Read + Seek),
    identity: &Identity,
    options: &SignOptions,
) -> Result<Vec<u8>, SignError> {
    let digest = options.digest;
    match prepared.to_be_signed()? {
        ToBeSigned::Cabinet {
            pieces,
            signature_offset,
        } => {
            let enhanced = DigestAlgorithm::Sha256.of(&signature_offset);
            let data = EnhancedHash(&enhanced).write();
            let file = digest.of_pieces(input, &pieces)?;
            let content = SpcIndirectData::write(&data, digest.oid(), &file);
            let draft = Draft::new(
                oid::SPC_INDIRECT_DATA,
                &content,
                digest,
                &options.attributes,
            )?;
            Ok(draft.sign(identity)?)
        }
        ToBeSigned::Content {
            content_type,
            content,
        } => Ok(Draft::new(content_type, content, digest, &options.attributes)?.sign(identity)?),
    }
}
