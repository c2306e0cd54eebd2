//! Authenticode's `SignedData`: attributes, signature, assembly.
//!
//! Two phases, so that a key may live anywhere: [`Draft::to_be_signed`] gives the bytes that the key signs,
//! [`Draft::assemble`] takes the signature.

use std::borrow::Cow;

use formats::certificate::Certificate;
use formats::der::{self, Reader};
use formats::der_time;
use formats::error::ParseError;
use formats::oid::{self, Oid};
use formats::signed_data::SignedDataParts;
use formats::spc::write_opus_info;
use time::OffsetDateTime;

use crate::digest::DigestAlgorithm;
use crate::identity::Identity;
use crate::key::KeyError;

/// What a signer may add to a signature.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// Name shown by Windows, `SpcSpOpusInfo.programName`.
    pub program_name: Option<String>,
    /// Address shown by Windows, `SpcSpOpusInfo.moreInfo`.
    pub more_info: Option<String>,
    /// `signingTime`; left out unless asked for, so that the same input gives the same bytes.
    pub signing_time: Option<OffsetDateTime>,
}

/// A signature before its key was asked.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    content_type: Oid<'a>,
    content: Cow<'a, [u8]>,
    digest: DigestAlgorithm,
    /// `SET OF Attribute` under its universal tag.
    attributes: Vec<u8>,
}

impl<'a> Draft<'a> {
    /// A draft over an encoded content element, whose contents octets (tag and length left out) are what
    /// Authenticode hashes.
    ///
    /// # Errors
    /// Where `content` is not one DER element.
    pub fn new(
        content_type: Oid<'a>,
        content: impl Into<Cow<'a, [u8]>>,
        digest: DigestAlgorithm,
        attributes: &Attributes,
    ) -> Result<Self, ParseError> {
        let draft = Self::plain(content_type, content, digest, attributes.signing_time)?;
        let authenticode = [
            attribute(
                oid::SPC_STATEMENT_TYPE,
                &der::sequence(&[&der::oid(oid::SPC_INDIVIDUAL_PURPOSE)]),
            ),
            attribute(
                oid::SPC_SP_OPUS_INFO,
                &write_opus_info(
                    attributes.program_name.as_deref(),
                    attributes.more_info.as_deref(),
                ),
            ),
        ];
        draft.with(authenticode)
    }

    /// A draft with the attributes that CMS demands and no others, as policies have it; a signing time is put in
    /// where it was asked for.
    ///
    /// # Errors
    /// As [`Draft::new`].
    pub fn plain(
        content_type: Oid<'a>,
        content: impl Into<Cow<'a, [u8]>>,
        digest: DigestAlgorithm,
        signing_time: Option<OffsetDateTime>,
    ) -> Result<Self, ParseError> {
        let content = content.into();
        let mut reader = Reader::new("content", &content, 0);
        let element = reader.next("content")?;
        reader.finish()?;
        let message_digest = der::octet_string(&digest.of(element.value));
        let mut set = vec![
            attribute(oid::CONTENT_TYPE, &der::oid(content_type)),
            attribute(oid::MESSAGE_DIGEST, &message_digest),
        ];
        if let Some(time) = signing_time {
            set.push(attribute(oid::SIGNING_TIME, &der_time::write(time)));
        }
        Ok(Self {
            content_type,
            content,
            digest,
            attributes: der::set_of(set),
        })
    }

    /// The draft with one more signed attribute, whose value is encoded.
    ///
    /// # Errors
    /// None for attributes that [`Draft::new`] made.
    pub fn with_attribute(self, kind: Oid<'_>, value: &[u8]) -> Result<Self, ParseError> {
        self.with([attribute(kind, value)])
    }

    /// The draft with more signed attributes.
    fn with(mut self, more: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, ParseError> {
        let set = Reader::new("Attributes", &self.attributes, 0).next("attributes")?;
        let elements = set.reader("Attributes").all("attribute")?;
        let elements = elements.iter().map(|tlv| tlv.raw.to_vec());
        self.attributes = der::set_of(elements.chain(more).collect());
        Ok(self)
    }

    /// `eContentType`.
    pub fn content_type(&self) -> Oid<'a> {
        self.content_type
    }

    /// The content element.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The digest of content and attributes.
    pub fn digest(&self) -> DigestAlgorithm {
        self.digest
    }

    /// The bytes that the key signs.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.attributes
    }

    /// Puts signature and certificates together: `signature_algorithm` is an encoded `AlgorithmIdentifier`, the
    /// root is not among `certificates`, the first of which is the signer's.
    pub fn assemble(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        signature_algorithm: &[u8],
        signature: &[u8],
    ) -> Vec<u8> {
        let implicit = self.attributes.get(1..).unwrap_or_default();
        let signer_info = der::sequence(&[
            &der::integer(1),
            &der::sequence(&[&leaf.issuer.raw, &der::tlv(der::INTEGER, &leaf.serial)]),
            &der::algorithm_with_null(self.digest.oid()),
            &[&[der::context(0)], implicit].concat(),
            signature_algorithm,
            &der::octet_string(signature),
        ]);
        let certificates = std::iter::once(leaf).chain(intermediates);
        SignedDataParts {
            digest_algorithm: self.digest.oid(),
            content_type: self.content_type,
            content: &self.content,
            certificates: certificates.map(|c| c.der.clone()).collect(),
            signer_info: &signer_info,
        }
        .write()
    }

    /// Signs with an identity whose key is at hand.
    ///
    /// # Errors
    /// Where the key cannot sign.
    pub fn sign(&self, identity: &Identity) -> Result<Vec<u8>, KeyError> {
        let key = identity.key();
        let signature = key.sign(self.digest, self.to_be_signed())?;
        Ok(self.assemble(
            identity.leaf(),
            identity.intermediates(),
            &key.signature_algorithm(self.digest),
            &signature,
        ))
    }
}

fn attribute(kind: Oid<'_>, value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(kind), &der::tlv(der::SET, value)])
}
