//! Signing a container: digest, content, CMS, patch.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use formats::container::{Container, Format, Prepared, ToBeSigned};
use formats::der;
use formats::error::ParseError;
use formats::oid;
use formats::patch::Patch;
use formats::spc::{EnhancedHash, SpcIndirectData};

use crate::cms::{Attributes, Draft};
use crate::digest::DigestAlgorithm;
use crate::identity::Identity;
use crate::key::KeyError;
use crate::output::write_drafted;

/// Bytes read at a time from the file that is hashed.
const READ_BUFFER: usize = 256 << 10;

/// Why a file could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The container cannot take a signature.
    #[error(transparent)]
    Container(#[from] ParseError),
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
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

/// Signs the file `source` and writes the result to `target`, which may be the same file. Returns its format.
///
/// # Errors
/// As [`sign`], and whatever writing reports; `target` is what it was then.
pub fn sign_file(
    source: &Path,
    target: &Path,
    identity: &Identity,
    options: &SignOptions,
) -> Result<Format, SignError> {
    let mut input = BufReader::with_capacity(READ_BUFFER, File::open(source)?);
    let container = Container::read(&mut input)?;
    let prepared = container.prepare()?;
    // Any well-formed content shows where the signature will stand.
    let draft = prepared.embed(&der::sequence(&[]))?;
    write_drafted(source, &draft, target, || {
        let cms = sign_prepared(&prepared, &mut input, identity, options)?;
        Ok::<Patch, SignError>(prepared.embed(&cms)?)
    })?;
    Ok(container.format())
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
