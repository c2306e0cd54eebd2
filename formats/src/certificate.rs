//! X.509 certificates as they are, odd ones included (RFC 5280): the one door to `x509-parser`.

use std::collections::HashSet;
use std::fmt;

use time::OffsetDateTime;
use x509_parser::extensions::{DistributionPointName, GeneralName as ParsedName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use crate::der::{self, Reader};
use crate::error::ParseError;
use crate::name_constraints::{GeneralName, NameConstraints, mail_addresses};
use crate::oid;

/// Most bytes of a certificate that is read.
const MAX_CERTIFICATE: usize = 256 << 10;

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The encoded name, by which issuer and subject are compared.
    pub raw: Vec<u8>,
    /// The first common name, or the last component where there is none.
    pub common_name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.common_name)
    }
}

/// `BasicConstraints` (RFC 5280 §4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// `cA`.
    pub ca: bool,
    /// `pathLenConstraint`.
    pub path_length: Option<u32>,
}

/// `KeyUsage` (RFC 5280 §4.2.1.3), as far as signing needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage {
    /// `digitalSignature`.
    pub digital_signature: bool,
    /// `keyCertSign`.
    pub key_cert_sign: bool,
    /// `cRLSign`.
    pub crl_sign: bool,
}

/// One X.509 certificate. Fields follow the order of `TBSCertificate`.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate as it stands.
    pub der: Vec<u8>,
    /// The part that its issuer signed, as it stands.
    pub tbs: Vec<u8>,
    /// `version`, 1 to 3.
    pub version: u32,
    /// Content octets of `serialNumber`; negative ones occur.
    pub serial: Vec<u8>,
    /// `issuer`.
    pub issuer: Name,
    /// `notBefore`.
    pub not_before: OffsetDateTime,
    /// `notAfter`.
    pub not_after: OffsetDateTime,
    /// `subject`.
    pub subject: Name,
    /// `subjectPublicKeyInfo`, encoded.
    pub public_key: Vec<u8>,
    /// `basicConstraints`.
    pub basic_constraints: Option<BasicConstraints>,
    /// `keyUsage`.
    pub key_usage: Option<KeyUsage>,
    /// `extKeyUsage`, dotted.
    pub extended_key_usage: Option<Vec<String>>,
    /// Whether `extKeyUsage` is critical.
    pub extended_key_usage_critical: bool,
    /// `subjectKeyIdentifier`.
    pub subject_key_identifier: Option<Vec<u8>>,
    /// `authorityKeyIdentifier.keyIdentifier`.
    pub authority_key_identifier: Option<Vec<u8>>,
    /// `subjectAltName`.
    pub alternative_names: Vec<GeneralName>,
    /// `nameConstraints`.
    pub name_constraints: Option<NameConstraints>,
    /// The addresses in `cRLDistributionPoints`.
    pub crl_distribution_points: Vec<String>,
    /// Critical extensions that this program does not evaluate, dotted.
    pub unknown_critical: Vec<String>,
    /// Extensions that occur more than once, which RFC 5280 §4.2 forbids, dotted.
    pub repeated_extensions: Vec<String>,
    /// `signatureAlgorithm`, content octets of its identifier.
    pub signature_algorithm: Vec<u8>,
    /// `signatureValue`.
    pub signature: Vec<u8>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Certificate({}, issued by {})",
            self.subject, self.issuer
        )
    }
}

impl Certificate {
    /// Reads one certificate and nothing after it; `offset` is its place in the file.
    ///
    /// # Errors
    /// Where the bytes are no X.509 certificate.
    pub fn parse(der: &[u8], offset: u64) -> Result<Self, ParseError> {
        let invalid = |found: String, expected: &str| {
            ParseError::invalid("Certificate", "certificate", offset, found, expected)
        };
        if der.len() > MAX_CERTIFICATE {
            return Err(invalid(format!("{} bytes", der.len()), "at most 262144"));
        }
        check_outer(der, offset)?;
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|error| invalid(error.to_string(), "an X.509 certificate"))?;
        if !rest.is_empty() {
            return Err(invalid(format!("{} more bytes", rest.len()), "the end"));
        }
        let tbs = &parsed.tbs_certificate;
        let mut certificate = Self {
            der: der.to_vec(),
            tbs: tbs.as_ref().to_vec(),
            version: tbs.version.0.saturating_add(1),
            serial: tbs.raw_serial().to_vec(),
            issuer: name(&tbs.issuer),
            not_before: tbs.validity.not_before.to_datetime(),
            not_after: tbs.validity.not_after.to_datetime(),
            subject: name(&tbs.subject),
            public_key: tbs.subject_pki.raw.to_vec(),
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            extended_key_usage_critical: false,
            subject_key_identifier: None,
            authority_key_identifier: None,
            alternative_names: Vec::new(),
            name_constraints: None,
            crl_distribution_points: Vec::new(),
            unknown_critical: Vec::new(),
            repeated_extensions: Vec::new(),
            signature_algorithm: parsed.signature_algorithm.algorithm.as_bytes().to_vec(),
            signature: parsed.signature_value.data.to_vec(),
        };
        let mut seen = HashSet::new();
        for extension in tbs.extensions() {
            if !seen.insert(extension.oid.as_bytes()) {
                let repeated = extension.oid.to_id_string();
                certificate.repeated_extensions.push(repeated);
            }
            certificate.read_extension(extension);
        }
        Ok(certificate)
    }

    fn read_extension(&mut self, extension: &x509_parser::extensions::X509Extension<'_>) {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(constraints) => {
                self.basic_constraints = Some(BasicConstraints {
                    ca: constraints.ca,
                    path_length: constraints.path_len_constraint,
                });
            }
            ParsedExtension::KeyUsage(usage) => {
                self.key_usage = Some(KeyUsage {
                    digital_signature: usage.digital_signature(),
                    key_cert_sign: usage.key_cert_sign(),
                    crl_sign: usage.crl_sign(),
                });
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.extended_key_usage = Some(eku(usage));
                self.extended_key_usage_critical = extension.critical;
            }
            ParsedExtension::SubjectKeyIdentifier(id) => {
                self.subject_key_identifier = Some(id.0.to_vec());
            }
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_identifier = id.key_identifier.as_ref().map(|k| k.0.to_vec());
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                self.crl_distribution_points = addresses(points);
            }
            ParsedExtension::SubjectAlternativeName(_) => {
                match GeneralName::read_all(extension.value) {
                    Ok(names) => self.alternative_names = names,
                    Err(_) => self.unknown_critical.push(extension.oid.to_id_string()),
                }
            }
            _ if extension.oid.as_bytes() == oid::NAME_CONSTRAINTS.0 => {
                // What cannot be evaluated binds all the same (RFC 5280 §6.1.4), critical or not.
                match NameConstraints::read(extension.value) {
                    Ok(constraints) => self.name_constraints = Some(constraints),
                    Err(_) => self.unknown_critical.push(extension.oid.to_id_string()),
                }
            }
            // Evaluated by nobody here and harmless to a chain.
            ParsedExtension::CertificatePolicies(_) => {}
            _ if extension.critical => self.unknown_critical.push(extension.oid.to_id_string()),
            _ => {}
        }
    }

    /// Every name of the subject that constraints may be about.
    pub fn names(&self) -> Vec<GeneralName> {
        /// A SEQUENCE of nothing, where the subject has alternative names alone.
        const EMPTY: &[u8] = &[der::SEQUENCE, 0];
        let mut names = self.alternative_names.clone();
        let is_mail = |name: &GeneralName| matches!(name, GeneralName::Mail(_));
        if !names.iter().any(is_mail) {
            names.extend(mail_addresses(&self.subject.raw));
        }
        if self.subject.raw != EMPTY {
            names.push(GeneralName::Directory(self.subject.raw.clone()));
        }
        names
    }

    /// Whether issuer and subject are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.issuer.raw == self.subject.raw
    }

    /// The serial number in hexadecimal.
    pub fn serial_hex(&self) -> String {
        self.serial.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Whether `extKeyUsage` names `purpose`; a certificate without the extension allows everything.
    pub fn allows(&self, purpose: &str) -> bool {
        const ANY: &str = "2.5.29.37.0";
        match &self.extended_key_usage {
            None => true,
            Some(purposes) => purposes.iter().any(|p| p == purpose || p == ANY),
        }
    }
}

/// Checks the parts outside `tbsCertificate`, which its signature does not cover (RFC 5280 §4.1.1):
/// `signatureAlgorithm` must repeat the inner one to the byte, `signatureValue` has no unused bits.
fn check_outer(bytes: &[u8], offset: u64) -> Result<(), ParseError> {
    let mut file = Reader::new("Certificate", bytes, offset);
    let mut outer = file
        .expect("Certificate", der::SEQUENCE)?
        .reader("Certificate");
    file.finish()?;
    let tbs = outer.expect("tbsCertificate", der::SEQUENCE)?;
    let algorithm = outer.expect("signatureAlgorithm", der::SEQUENCE)?;
    let signature = outer.expect("signatureValue", der::BIT_STRING)?;
    outer.finish()?;
    let mut inner = tbs.reader("TBSCertificate");
    inner.optional("version", der::context(0))?;
    inner.expect("serialNumber", der::INTEGER)?;
    let signed = inner.expect("signature", der::SEQUENCE)?;
    let error = |field, offset, found, expected| {
        Err(ParseError::invalid(
            "Certificate",
            field,
            offset,
            found,
            expected,
        ))
    };
    if signed.raw != algorithm.raw {
        let (found, expected) = ("another algorithm", "the one inside tbsCertificate");
        return error("signatureAlgorithm", algorithm.offset, found, expected);
    }
    if signature.value.first() != Some(&0) {
        return error("signatureValue", signature.offset, "unused bits", "none");
    }
    Ok(())
}

fn name(name: &X509Name<'_>) -> Name {
    let common_name = name
        .iter_common_name()
        .filter_map(|cn| text(cn))
        .next()
        .or_else(|| name.iter_attributes().filter_map(text).last())
        .unwrap_or_else(|| name.to_string());
    Name {
        raw: name.as_raw().to_vec(),
        common_name,
    }
}

fn text(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> Option<String> {
    /// `T61String`/`TeletexString`, `BMPString` and `UniversalString` are not covered by `as_str`.
    const BMP_STRING: u32 = 30;
    if let Ok(text) = attribute.as_str() {
        return Some(text.to_owned());
    }
    let value = attribute.attr_value();
    if value.header.tag().0 == BMP_STRING {
        let units: Vec<u16> = value
            .data
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes))
            .collect();
        return Some(String::from_utf16_lossy(&units));
    }
    Some(value.data.iter().map(|b| char::from(*b)).collect())
}

fn addresses(points: &x509_parser::extensions::CRLDistributionPoints<'_>) -> Vec<String> {
    let names = points
        .iter()
        .flat_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => names.as_slice(),
            _ => &[],
        });
    names
        .filter_map(|name| match name {
            ParsedName::URI(address) => Some((*address).to_owned()),
            _ => None,
        })
        .collect()
}

fn eku(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<String> {
    let named = [
        (usage.any, "2.5.29.37.0"),
        (usage.server_auth, "1.3.6.1.5.5.7.3.1"),
        (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let known = named
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, oid)| (*oid).to_owned());
    known
        .chain(usage.other.iter().map(|oid| oid.to_id_string()))
        .collect()
}
