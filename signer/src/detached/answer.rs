//! What comes back from where the key is: a signature, or a whole PKCS#7.

use base64ct::{Base64, Encoding};
use formats::certificate::Certificate;
use formats::der::{self, Reader, Tlv};
use formats::oid;
use formats::signed_data::SignedData;
use formats::spc::{EnhancedHash, SpcIndirectData, SpcPeImageData};

use super::DetachedError;
use super::request::SigningRequest;
use crate::cms::Draft;
use crate::digest::DigestAlgorithm;
use crate::identity::is_content_info;
use crate::key::{check_signature, read_signature, signature_algorithm};
use crate::public_key::{KeyKind, PublicKey};
use crate::verify::signer::{self, certificates, find_certificate, form_faults};

/// Beginning and end of the lines around base64 in PEM files.
const PEM_LINE: &str = "-----";

/// An answer that has the right form.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// PKCS#1 v1.5, or an `ECDSA-Sig-Value`.
    Signature(Vec<u8>),
    /// A `ContentInfo`.
    Pkcs7(Vec<u8>),
}

impl Answer {
    /// Reads an answer, plain, in base64 or as PEM.
    pub(super) fn read(bytes: &[u8], kind: KeyKind) -> Result<Self, DetachedError> {
        let unarmored = unarmor(bytes);
        let bytes = unarmored.as_deref().unwrap_or(bytes);
        let has_length = matches!(kind, KeyKind::Rsa(bits) if bits.div_ceil(8) == bytes.len());
        if !has_length && is_content_info(bytes) {
            return Ok(Self::Pkcs7(bytes.to_vec()));
        }
        let signature = read_signature(kind, bytes).map(Self::Signature);
        signature.ok_or_else(|| DetachedError::NoAnswer {
            length: bytes.len(),
            key: kind.to_string(),
        })
    }

    /// The PKCS#7 that goes into the file.
    pub(super) fn cms(
        &self,
        draft: &Draft<'_>,
        request: &SigningRequest,
        public: &PublicKey,
    ) -> Result<Vec<u8>, DetachedError> {
        match self {
            Self::Signature(signature) => {
                check(signature, draft, request, public)?;
                let signers = &request.certificates;
                let algorithm = signature_algorithm(public.kind(), draft.digest());
                let (leaf, others) = (signers.leaf(), signers.intermediates());
                Ok(draft.assemble(leaf, others, &algorithm, signature))
            }
            Self::Pkcs7(cms) => {
                check_pkcs7(cms, draft, request)?;
                Ok(cms.clone())
            }
        }
    }
}

/// The bytes of a PEM file of any label.
fn unarmor(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let inner = text.strip_prefix(PEM_LINE)?.strip_suffix(PEM_LINE)?;
    let (_, inner) = inner.split_once(PEM_LINE)?;
    let (inner, _) = inner.split_once(PEM_LINE)?;
    let inner: String = inner.split_ascii_whitespace().collect();
    Base64::decode_vec(&inner).ok()
}

fn check(
    signature: &[u8],
    draft: &Draft<'_>,
    request: &SigningRequest,
    public: &PublicKey,
) -> Result<(), DetachedError> {
    let message = draft.to_be_signed();
    let digest = draft.digest();
    let Err(error) = check_signature(public, digest, message, signature) else {
        return Ok(());
    };
    let hashed = digest.of(message);
    if check_signature(public, digest, &hashed, signature).is_ok() {
        return Err(DetachedError::HashedTwice);
    }
    let subject = request.certificates.leaf().subject.to_string();
    Err(DetachedError::WrongSignature { subject, error })
}

/// Whether a content says of the file what was extracted: tools write what stands beside the digest in several ways.
fn says_the_same(found: Tlv<'_>, wanted: &[u8]) -> bool {
    if found.raw == wanted {
        return true;
    }
    let wanted = Reader::new("content", wanted, 0).next("content");
    let wanted = wanted.and_then(SpcIndirectData::read);
    let (Ok(wanted), Ok(found)) = (wanted, SpcIndirectData::read(found)) else {
        return false;
    };
    if (wanted.digest_algorithm, wanted.digest) != (found.digest_algorithm, found.digest) {
        return false;
    }
    match wanted.data_type {
        oid::SPC_LINK if found.data_type == oid::SPC_CAB_DATA => true,
        oid::SPC_LINK => match (EnhancedHash::find(&wanted), EnhancedHash::find(&found)) {
            (Ok(Some(wanted)), Ok(Some(found))) => wanted.0 == found.0,
            _ => false,
        },
        oid::SPC_PE_IMAGE_DATA => {
            match (SpcPeImageData::read(&wanted), SpcPeImageData::read(&found)) {
                (Ok(wanted), Ok(found)) => wanted.page_hashes == found.page_hashes,
                _ => false,
            }
        }
        _ => false,
    }
}

/// Checks that a PKCS#7 signs what the content of the draft says, by the certificate of the request, in the form that
/// Authenticode has. Its signed attributes are its own.
fn check_pkcs7(
    cms: &[u8],
    draft: &Draft<'_>,
    request: &SigningRequest,
) -> Result<(), DetachedError> {
    let wrong = |problem: &str| Err(DetachedError::WrongPkcs7(problem.to_owned()));
    let signed_data = SignedData::read(cms, 0).map_err(DetachedError::MalformedPkcs7)?;
    let [info] = signed_data.signer_infos.as_slice() else {
        return wrong("has not exactly one signer");
    };
    let content = signed_data.content.filter(|content| {
        signed_data.content_type == draft.content_type() && says_the_same(*content, draft.content())
    });
    let Some(content) = content.map(|content| content.value) else {
        return wrong("is about another file, or says something else of it");
    };
    if let Some(fault) = form_faults(&signed_data, info).first() {
        return wrong(&format!("is not in the form of Authenticode: {fault}"));
    }
    if DigestAlgorithm::from_oid(info.digest_algorithm.algorithm) != Some(draft.digest()) {
        return wrong("was made with another digest than was asked for");
    }
    let pool = certificates(&signed_data);
    let leaf = request.certificates.leaf();
    if find_certificate(info, &pool).is_none_or(|found| found.der != leaf.der) {
        let subject = &leaf.subject;
        return wrong(&format!("is not signed by the certificate of {subject}"));
    }
    let is_missing = |wanted: &&Certificate| !pool.iter().any(|found| found.der == wanted.der);
    if let Some(missing) = request.certificates.intermediates().iter().find(is_missing) {
        let subject = &missing.subject;
        return wrong(&format!("does not carry the certificate of {subject}"));
    }
    let attributes = info.signed_attributes.as_ref();
    let stated = attributes.and_then(|attributes| attributes.single(oid::MESSAGE_DIGEST));
    let digest = der::octet_string(&draft.digest().of(content));
    if stated.map(|stated| stated.raw) != Some(digest.as_slice()) {
        return wrong("states another digest of its content");
    }
    let is_sorted = attributes.is_some_and(|attributes| attributes.sorted);
    if !is_sorted || !signed_data.certificates_sorted {
        return wrong("has certificates or attributes that are not in DER order");
    }
    if info.unsigned_attributes.is_some() || !signed_data.crls.is_empty() {
        return wrong("has parts that no signature covers");
    }
    signer::check_signature(info, leaf, content).map_err(|error| DetachedError::WrongSignature {
        subject: leaf.subject.to_string(),
        error,
    })
}
