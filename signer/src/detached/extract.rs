//! From a file to what has to be signed for it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use formats::container::Container;
use formats::der;
use formats::oid;

use super::DetachedError;
use super::request::{SigningRequest, fingerprint, public_key};
use crate::cms::Draft;
use crate::sign::{Action, IfSigned, READ_BUFFER, SignOptions, digest_of, draft, prepare};
use crate::signer_certificates::SignerCertificates;

/// What [`extract`] gives.
#[derive(Debug, Clone)]
pub struct Extracted {
    /// The request, with the bytes that the key signs.
    pub request: SigningRequest,
    /// A PKCS#7 with the content and without a signer, for tools that sign such files.
    pub pkcs7: Vec<u8>,
}

/// Makes the request to sign the file `source`; `None` where its signature stays as it is. The file is not touched, and
/// no key is needed.
///
/// # Errors
/// Where the file takes no signature, or the certificate's key must not make one.
pub fn extract(
    source: &Path,
    certificates: &SignerCertificates,
    options: &SignOptions,
    if_signed: IfSigned,
) -> Result<Option<Extracted>, DetachedError> {
    let mut input = BufReader::with_capacity(READ_BUFFER, File::open(source)?);
    let container = Container::read(&mut input).map_err(crate::sign::SignError::from)?;
    let action = Action::on(&container, if_signed)?;
    if action == Action::Skipped {
        return Ok(None);
    }
    public_key(certificates, digest_of(&container, options))?;
    let prepared = prepare(&container, action.placement())?;
    let (draft, _) = draft(&prepared, &mut input, certificates.leaf(), options)?;
    let (size, sha256) = fingerprint(&mut input)?;
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    Ok(Some(Extracted {
        request: SigningRequest {
            file_name: name.into_owned(),
            size,
            sha256,
            format: container.format().name().to_owned(),
            action,
            options: SignOptions {
                digest: draft.digest(),
                placement: action.placement(),
                ..options.clone()
            },
            certificates: certificates.clone(),
            signed_attributes: draft.to_be_signed().to_vec(),
        },
        pkcs7: unsigned(&draft),
    }))
}

/// `ContentInfo { SignedData }`, version 1, without certificates and signers.
fn unsigned(draft: &Draft<'_>) -> Vec<u8> {
    let body = der::sequence(&[
        &der::integer(1),
        &der::set_of(vec![der::algorithm_with_null(draft.digest().oid())]),
        &der::sequence(&[
            &der::oid(draft.content_type()),
            &der::tlv(der::context(0), draft.content()),
        ]),
        &der::tlv(der::SET, &[]),
    ]);
    der::sequence(&[
        &der::oid(oid::SIGNED_DATA),
        &der::tlv(der::context(0), &body),
    ])
}
