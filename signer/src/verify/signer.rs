//! What is checked of one `SignerInfo`, whatever it signs.

use formats::certificate::Certificate;
use formats::oid;
use formats::signed_data::{AlgorithmIdentifier, SignedData, SignerIdentifier, SignerInfo};

use crate::chain::End;
use crate::digest::DigestAlgorithm;
use crate::public_key::{PublicKey, SignatureError};

/// The certificates of a signature that can be read; attribute certificates and broken ones are passed over.
pub fn certificates(signed_data: &SignedData<'_>) -> Vec<Certificate> {
    signed_data
        .certificates
        .iter()
        .filter_map(|tlv| Certificate::parse(tlv.raw, tlv.offset).ok())
        .collect()
}

/// The signer's certificate among `pool`.
pub fn find_certificate<'p>(
    signer: &SignerInfo<'_>,
    pool: &'p [Certificate],
) -> Option<&'p Certificate> {
    pool.iter().find(|certificate| match signer.sid {
        SignerIdentifier::IssuerAndSerial { issuer, serial } => {
            certificate.issuer.raw == issuer && certificate.serial == serial
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            certificate.subject_key_identifier.as_deref() == Some(id)
        }
    })
}

/// Checks the signature value: over the signed attributes where there are any, over `content` otherwise.
///
/// # Errors
/// As [`PublicKey::verify`].
pub fn check_signature(
    signer: &SignerInfo<'_>,
    leaf: &Certificate,
    content: &[u8],
) -> Result<(), SignatureError> {
    let key = PublicKey::from_spki(&leaf.public_key)?;
    let digest = DigestAlgorithm::from_oid(signer.digest_algorithm.algorithm);
    let attributes = signer.signed_attributes.as_ref().map(|a| a.signed_bytes());
    let message = attributes.as_deref().unwrap_or(content);
    let algorithm = signer.signature_algorithm.algorithm;
    key.verify(algorithm, digest, message, signer.signature.value)
}

/// A chain's end in words.
pub fn describe_end(end: &End) -> String {
    match end {
        End::Anchor(anchor) => format!("the chain ends at {}", anchor.name),
        End::UnknownRoot(name) => format!("the chain ends at the unknown root {name}"),
        End::MissingIssuer(name) => format!("the certificate of the issuer {name} is missing"),
        End::ForgedIssuer(name) => {
            format!("a certificate named {name} exists, but its key did not sign the one below it")
        }
        End::Unsupported(what) => {
            format!("the chain uses an algorithm that is not supported: {what}")
        }
        End::TooComplex => "the chain is too long or has too many branches".to_owned(),
    }
}

/// Deviations from the form in which Authenticode signatures are written (PKCS#7 1.5), beyond what reading checks.
/// Each lets bytes change without the signature noticing.
pub fn form_faults(signed_data: &SignedData<'_>, signer: &SignerInfo<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let is_issuer_and_serial = matches!(signer.sid, SignerIdentifier::IssuerAndSerial { .. });
    if signed_data.version != 1 {
        faults.push(format!(
            "SignedData has version {}, not 1",
            signed_data.version
        ));
    }
    if signer.version != 1 || !is_issuer_and_serial {
        faults.push("SignerInfo is not of version 1 with issuer and serial number".to_owned());
    }
    match signed_data.digest_algorithms.as_slice() {
        [stated] if stated.algorithm == signer.digest_algorithm.algorithm => {
            faults.extend(parameter_fault("digestAlgorithms", stated));
        }
        _ => faults.push("digestAlgorithms is not the one algorithm of the signer".to_owned()),
    }
    faults.extend(parameter_fault("digestAlgorithm", &signer.digest_algorithm));
    faults.extend(parameter_fault(
        "signatureAlgorithm",
        &signer.signature_algorithm,
    ));
    if let Some(attributes) = &signer.signed_attributes {
        if attributes.single(oid::CONTENT_TYPE).map(|t| t.oid()) != Some(signed_data.content_type) {
            faults.push("the contentType attribute does not name the content".to_owned());
        }
        for (index, attribute) in attributes.attributes.iter().enumerate() {
            let earlier = attributes.attributes.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| other.kind == attribute.kind) {
                faults.push(format!(
                    "the signed attribute {} occurs twice",
                    attribute.kind
                ));
            }
        }
    }
    faults
}

/// Algorithm parameters are absent or NULL for every algorithm that is supported here.
fn parameter_fault(field: &str, algorithm: &AlgorithmIdentifier<'_>) -> Option<String> {
    let parameters = algorithm.parameters?;
    (parameters.raw != [formats::der::NULL, 0])
        .then(|| format!("{field} has parameters other than NULL"))
}
