//! An own authority: issuing certificates.

use formats::certificate::Certificate;
use formats::der;
use formats::error::ParseError;
use formats::oid;
use formats::tbs_certificate::{Extension, TbsCertificate};
use time::OffsetDateTime;

use crate::digest::DigestAlgorithm;
use crate::key::{KeyError, SigningKey};
use crate::public_key::{KeyKind, PublicKey, SignatureError};

/// Why a certificate cannot be issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The issuer's key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The subject's key cannot be read.
    #[error(transparent)]
    PublicKey(#[from] SignatureError),
    /// What was written is no certificate, e.g. for its serial number.
    #[error(transparent)]
    Certificate(#[from] ParseError),
}

/// What a certificate says about its subject.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Content octets of the serial number, as [`TbsCertificate::serial`] wants them.
    pub serial: &'a [u8],
    /// The encoded name.
    pub name: &'a [u8],
    /// Its encoded `SubjectPublicKeyInfo`.
    pub public_key: &'a [u8],
    /// Begin of validity.
    pub not_before: OffsetDateTime,
    /// End of validity.
    pub not_after: OffsetDateTime,
    /// What it may do. The key identifiers are added.
    pub extensions: Vec<Extension>,
}

/// Issues a certificate, signed with SHA-256: under `issuer`, or under its own key where there is none.
///
/// # Errors
/// Where `key` cannot sign or what was asked for cannot be a certificate. That `key` belongs to the issuer is not
/// checked.
pub fn issue(
    subject: &Subject<'_>,
    issuer: Option<&Certificate>,
    key: &SigningKey,
) -> Result<Certificate, IssueError> {
    let digest = DigestAlgorithm::Sha256;
    let algorithm = match key.kind() {
        KeyKind::Rsa(_) => der::algorithm_with_null(oid::SHA256_WITH_RSA),
        KeyKind::P256 | KeyKind::P384 => key.signature_algorithm(digest),
    };
    let own_identifier = key_identifier(subject.public_key)?;
    let authority_identifier = match issuer {
        Some(issuer) => issuer.subject_key_identifier.clone(),
        None => Some(own_identifier.clone()),
    };
    let mut extensions = subject.extensions.clone();
    extensions.push(Extension::subject_key_identifier(&own_identifier));
    extensions.extend(authority_identifier.map(|id| Extension::authority_key_identifier(&id)));
    let certificate = TbsCertificate {
        serial: subject.serial,
        signature_algorithm: &algorithm,
        issuer: issuer.map_or(subject.name, |issuer| &issuer.subject.raw),
        not_before: subject.not_before,
        not_after: subject.not_after,
        subject: subject.name,
        public_key: subject.public_key,
        extensions,
    };
    let signed = certificate.write();
    let signature = key.sign(digest, &signed)?;
    let der = certificate.assemble(&signed, &signature);
    Ok(Certificate::parse(&der, 0)?)
}

/// SHA-1 of `subjectPublicKey`, by which certificates name a key (RFC 5280 §4.2.1.2, method 1).
///
/// # Errors
/// Where the key cannot be read.
pub fn key_identifier(public_key: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let key = PublicKey::from_spki(public_key)?;
    Ok(DigestAlgorithm::Sha1.of(key.subject_public_key()))
}
