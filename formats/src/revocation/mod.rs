//! Revocation: what lists (CRL) and responses (OCSP) say of certificates.

pub mod crl;
pub mod ocsp;

use std::fmt;

use time::OffsetDateTime;

use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;
use crate::oid::Oid;

/// A certificate that was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// When it was revoked, or from when it must not be trusted where the authority states an earlier time.
    pub since: OffsetDateTime,
    /// Why.
    pub reason: RevocationReason,
}

/// `CRLReason` (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// `unspecified`, or none given.
    Unspecified,
    /// `keyCompromise`.
    KeyCompromise,
    /// `cACompromise`.
    CaCompromise,
    /// `affiliationChanged`.
    AffiliationChanged,
    /// `superseded`.
    Superseded,
    /// `cessationOfOperation`.
    CessationOfOperation,
    /// `certificateHold`, which may be lifted.
    CertificateHold,
    /// `privilegeWithdrawn`.
    PrivilegeWithdrawn,
    /// `aACompromise`.
    AaCompromise,
}

impl RevocationReason {
    /// The reason of a code; unused codes are `unspecified`.
    pub fn from_code(code: u8) -> Self {
        match code {
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => Self::Unspecified,
        }
    }

    /// The specification's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    /// Whether somebody else may have had the key, and this before anyone noticed.
    pub fn is_compromise(self) -> bool {
        matches!(
            self,
            Self::KeyCompromise | Self::CaCompromise | Self::AaCompromise
        )
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `Extension`, as it stands in lists and responses.
struct Extension<'a> {
    kind: Oid<'a>,
    critical: bool,
    value: Tlv<'a>,
}

/// The extensions of a SEQUENCE OF them.
fn extensions<'a>(
    sequence: Tlv<'a>,
    structure: &'static str,
) -> Result<Vec<Extension<'a>>, ParseError> {
    let mut found = Vec::new();
    for element in sequence.reader(structure).all("extension")? {
        let mut reader = element.reader("Extension");
        let kind = reader.oid("extnID")?;
        let critical = reader.optional("critical", der::BOOLEAN)?;
        let value = reader.expect("extnValue", der::OCTET_STRING)?;
        reader.finish()?;
        found.push(Extension {
            kind,
            critical: critical.is_some_and(|flag| flag.value != [0]),
            value,
        });
    }
    Ok(found)
}

/// The one element inside an extension's value.
fn inside<'a>(value: Tlv<'a>, structure: &'static str, tag: u8) -> Result<Tlv<'a>, ParseError> {
    let mut reader = Reader::new(structure, value.value, value.value_offset());
    let element = reader.expect(structure, tag)?;
    reader.finish()?;
    Ok(element)
}

fn reason(enumerated: Tlv<'_>) -> RevocationReason {
    match enumerated.value {
        [code] => RevocationReason::from_code(*code),
        _ => RevocationReason::Unspecified,
    }
}

/// The bytes of a BIT STRING that is a whole number of octets.
fn octets_of_bits<'a>(
    bits: Tlv<'a>,
    structure: &'static str,
    field: &'static str,
) -> Result<&'a [u8], ParseError> {
    match bits.value {
        [0, octets @ ..] => Ok(octets),
        _ => Err(ParseError::invalid(
            structure,
            field,
            bits.offset,
            "unused bits",
            "none",
        )),
    }
}

/// The identifier of a signature algorithm, whose parameters must be absent or NULL: no signature covers them.
fn signature_algorithm(element: Tlv<'_>) -> Result<Vec<u8>, ParseError> {
    let mut reader = element.reader("AlgorithmIdentifier");
    let algorithm = reader.oid("algorithm")?;
    if let Some(parameters) = reader.optional("parameters", der::NULL)?
        && !parameters.value.is_empty()
    {
        return Err(reader.invalid("parameters", "a NULL with contents", "none"));
    }
    reader.finish()?;
    Ok(algorithm.0.to_vec())
}
