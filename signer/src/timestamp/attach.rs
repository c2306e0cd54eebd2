//! Putting a time stamp into a signature that exists, without touching a byte that is signed.

use formats::der::{self, Reader, Tlv};
use formats::error::ParseError;
use formats::signed_data::{SignedData, SignerInfo};

use super::Protocol;
use super::request::Stamp;
use crate::digest::DigestAlgorithm;

/// What becomes of a time stamp that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and a second one is refused.
    #[default]
    Keep,
    /// It makes room for the new one.
    Replace,
}

/// Why a signature takes no time stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The signature cannot be read.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// Authenticode signatures have one signer.
    #[error("the signature has {0} signers, exactly one is expected")]
    Signers(usize),
    /// It has a time stamp.
    #[error("the signature has a time stamp already ({})", .0.name())]
    Stamped(Protocol),
}

/// What a time stamp on a signature would cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stampable {
    /// The octets of the primary signer's signature value.
    pub octets: Vec<u8>,
    /// The digest for the request: the signer's own, unless that is weak.
    pub digest: DigestAlgorithm,
}

impl Stampable {
    /// Reads a signature that is to be stamped.
    ///
    /// # Errors
    /// [`AttachError::Stamped`] where it is, unless that stamp is to be replaced; others where it is damaged.
    pub fn read(cms: &[u8], existing: Existing) -> Result<Self, AttachError> {
        let signed_data = SignedData::read(cms, 0)?;
        let signer = only_signer(&signed_data)?;
        if let (Existing::Keep, Some(protocol)) = (existing, existing_stamp(signer)) {
            return Err(AttachError::Stamped(protocol));
        }
        let digest = DigestAlgorithm::from_oid(signer.digest_algorithm.algorithm);
        Ok(Self {
            octets: signer.signature.value.to_vec(),
            digest: digest
                .filter(|digest| digest.is_strong())
                .unwrap_or(DigestAlgorithm::Sha256),
        })
    }
}

/// The signature with `stamp`, which was given for its [`Stampable::octets`].
///
/// Every element keeps its bytes; the sets that no signature covers, certificates and unsigned attributes, come out
/// in DER order whatever their order was.
///
/// # Errors
/// As [`Stampable::read`].
pub fn attach(cms: &[u8], stamp: &Stamp, existing: Existing) -> Result<Vec<u8>, AttachError> {
    Stampable::read(cms, existing)?;
    let mut file = Reader::new("ContentInfo", cms, 0);
    let mut info = file
        .expect("ContentInfo", der::SEQUENCE)?
        .reader("ContentInfo");
    let content_type = info.next("contentType")?;
    let mut wrapper = info
        .expect("content", der::context(0))?
        .reader("ContentInfo");
    let body = wrapper.expect("content", der::SEQUENCE)?;
    // version, digestAlgorithms, encapContentInfo, certificates [0], crls [1], signerInfos
    let mut before: Vec<&[u8]> = Vec::new();
    let mut certificates: Vec<Vec<u8>> = Vec::new();
    let mut crls: &[u8] = &[];
    let mut signer_infos = Vec::new();
    let mut reader = body.reader("SignedData");
    while !reader.is_empty() {
        let element = reader.next("element")?;
        if element.tag == der::context(0) {
            let present = element.reader("SignedData").all("certificate")?;
            certificates.extend(present.iter().map(|certificate| certificate.raw.to_vec()));
        } else if element.tag == der::context(1) {
            crls = element.raw;
        } else if reader.is_empty() {
            let signer = element.reader("SignedData").next("signerInfo")?;
            signer_infos = der::tlv(der::SET, &with_attribute(signer, stamp)?);
        } else {
            before.push(element.raw);
        }
    }
    for certificate in &stamp.certificates {
        if !certificates.contains(certificate) {
            certificates.push(certificate.clone());
        }
    }
    let certificates = match certificates.is_empty() {
        true => Vec::new(),
        false => der::tlv(der::context(0), &der::sorted(certificates)),
    };
    let body = der::sequence(&[&before.concat(), &certificates, crls, &signer_infos]);
    Ok(der::sequence(&[
        content_type.raw,
        &der::tlv(der::context(0), &body),
    ]))
}

/// A `SignerInfo` with the stamp among its unsigned attributes, and no other stamp.
fn with_attribute(signer: Tlv<'_>, stamp: &Stamp) -> Result<Vec<u8>, AttachError> {
    let mut before: Vec<&[u8]> = Vec::new();
    let mut attributes = vec![der::sequence(&[
        &der::oid(stamp.timestamp.protocol.attribute()),
        &der::tlv(der::SET, &stamp.value),
    ])];
    let mut reader = signer.reader("SignerInfo");
    while !reader.is_empty() {
        let element = reader.next("element")?;
        if element.tag != der::context(1) {
            before.push(element.raw);
            continue;
        }
        for attribute in element.reader("Attributes").all("attribute")? {
            let kind = attribute.reader("Attribute").oid("attrType")?;
            if Protocol::of_attribute(kind).is_none() {
                attributes.push(attribute.raw.to_vec());
            }
        }
    }
    let attributes = der::tlv(der::context(1), &der::sorted(attributes));
    Ok(der::sequence(&[&before.concat(), &attributes]))
}

fn only_signer<'s, 'a>(signed_data: &'s SignedData<'a>) -> Result<&'s SignerInfo<'a>, AttachError> {
    match signed_data.signer_infos.as_slice() {
        [signer] => Ok(signer),
        other => Err(AttachError::Signers(other.len())),
    }
}

fn existing_stamp(signer: &SignerInfo<'_>) -> Option<Protocol> {
    let attributes = signer.unsigned_attributes.as_ref()?;
    attributes
        .attributes
        .iter()
        .find_map(|attribute| Protocol::of_attribute(attribute.kind))
}
