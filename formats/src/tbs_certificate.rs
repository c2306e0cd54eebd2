//! Writing certificates (RFC 5280 §4.1): what their issuer signs, and the whole around it. `certificate` reads them.

use time::OffsetDateTime;

use crate::der;
use crate::der_time;
use crate::oid::{self, Oid};

/// ```text
/// TBSCertificate ::= SEQUENCE { version [0] INTEGER, serialNumber INTEGER, signature AlgorithmIdentifier, issuer Name,
///   validity SEQUENCE { notBefore Time, notAfter Time }, subject Name, subjectPublicKeyInfo, extensions [3] }
/// ```
#[derive(Debug, Clone)]
pub struct TbsCertificate<'a> {
    /// Content octets of `serialNumber`: 1 to 20, the first from 0x01 to 0x7f.
    pub serial: &'a [u8],
    /// The encoded `AlgorithmIdentifier` of the issuer's signature.
    pub signature_algorithm: &'a [u8],
    /// The issuer's encoded name.
    pub issuer: &'a [u8],
    /// `notBefore`.
    pub not_before: OffsetDateTime,
    /// `notAfter`.
    pub not_after: OffsetDateTime,
    /// The encoded name.
    pub subject: &'a [u8],
    /// The encoded `SubjectPublicKeyInfo`.
    pub public_key: &'a [u8],
    /// The extensions.
    pub extensions: Vec<Extension>,
}

impl TbsCertificate<'_> {
    /// The bytes that the issuer signs: a certificate of version 3.
    pub fn write(&self) -> Vec<u8> {
        let validity = der::sequence(&[
            &der_time::write(self.not_before),
            &der_time::write(self.not_after),
        ]);
        let extensions: Vec<Vec<u8>> = self.extensions.iter().map(Extension::write).collect();
        der::sequence(&[
            &der::tlv(der::context(0), &der::integer(2)),
            &der::tlv(der::INTEGER, self.serial),
            self.signature_algorithm,
            self.issuer,
            &validity,
            self.subject,
            self.public_key,
            &der::tlv(
                der::context(3),
                &der::tlv(der::SEQUENCE, &extensions.concat()),
            ),
        ])
    }

    /// The certificate: these bytes, as [`TbsCertificate::write`] gave them, under the issuer's signature.
    pub fn assemble(&self, signed: &[u8], signature: &[u8]) -> Vec<u8> {
        der::sequence(&[signed, self.signature_algorithm, &bit_string(signature)])
    }
}

/// `Extension ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// `extnID`.
    pub kind: Oid<'static>,
    /// `critical`.
    pub critical: bool,
    /// What stands inside `extnValue`, encoded.
    pub value: Vec<u8>,
}

impl Extension {
    /// `basicConstraints` of an authority, with the number of authorities that may stand below it where that is
    /// limited; of an end entity where `authority` is `None`.
    pub fn basic_constraints(authority: Option<Option<u32>>) -> Self {
        let value = match authority {
            None => der::sequence(&[]),
            Some(path_length) => {
                let limit = path_length.map(der::integer).unwrap_or_default();
                der::sequence(&[&der::tlv(der::BOOLEAN, &[0xff]), &limit])
            }
        };
        Self {
            kind: oid::BASIC_CONSTRAINTS,
            critical: true,
            value,
        }
    }

    /// `keyUsage`.
    pub fn key_usage(usage: KeyUsageBits) -> Self {
        let KeyUsageBits(bits) = usage;
        // A named bit list drops its trailing zero bits (X.690 §11.2.2).
        let unused = bits.trailing_zeros().min(7) as u8;
        Self {
            kind: oid::KEY_USAGE,
            critical: true,
            value: der::tlv(der::BIT_STRING, &[unused, bits]),
        }
    }

    /// `extKeyUsage`, not critical, as Microsoft's own certificates have it.
    pub fn extended_key_usage(purposes: &[Oid<'_>]) -> Self {
        let purposes: Vec<Vec<u8>> = purposes.iter().map(|purpose| der::oid(*purpose)).collect();
        Self {
            kind: oid::EXTENDED_KEY_USAGE,
            critical: false,
            value: der::tlv(der::SEQUENCE, &purposes.concat()),
        }
    }

    /// `subjectKeyIdentifier`.
    pub fn subject_key_identifier(identifier: &[u8]) -> Self {
        Self {
            kind: oid::SUBJECT_KEY_IDENTIFIER,
            critical: false,
            value: der::octet_string(identifier),
        }
    }

    /// `authorityKeyIdentifier` with the identifier alone.
    pub fn authority_key_identifier(identifier: &[u8]) -> Self {
        Self {
            kind: oid::AUTHORITY_KEY_IDENTIFIER,
            critical: false,
            value: der::sequence(&[&der::tlv(der::context_primitive(0), identifier)]),
        }
    }

    fn write(&self) -> Vec<u8> {
        let critical = match self.critical {
            true => der::tlv(der::BOOLEAN, &[0xff]),
            false => Vec::new(),
        };
        der::sequence(&[
            &der::oid(self.kind),
            &critical,
            &der::octet_string(&self.value),
        ])
    }
}

/// The bits of `KeyUsage` that authorities and signers have (RFC 5280 §4.2.1.3), `digitalSignature` the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsageBits(u8);

impl KeyUsageBits {
    /// `digitalSignature`: signing code.
    pub const SIGNER: Self = Self(0x80);
    /// `keyEncipherment`: recovering encrypted keys.
    pub const RECOVERY: Self = Self(0x20);
    /// `digitalSignature`, `keyCertSign` and `cRLSign`.
    pub const AUTHORITY: Self = Self(0x86);
}

/// An encoded name of one organisation and a common name.
pub fn name(organization: &str, common_name: &str) -> Vec<u8> {
    let part = |kind, text: &str| {
        let attribute = der::sequence(&[
            &der::oid(kind),
            &der::tlv(der::UTF8_STRING, text.as_bytes()),
        ]);
        der::tlv(der::SET, &attribute)
    };
    der::sequence(&[
        &part(oid::ORGANIZATION_NAME, organization),
        &part(oid::COMMON_NAME, common_name),
    ])
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    der::tlv(der::BIT_STRING, &[&[0], bytes].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{BasicConstraints, Certificate};

    #[test]
    fn what_is_written_is_read_back() {
        let (issuer, subject) = (name("Example", "An issuer"), name("Exämple", "A subject"));
        let algorithm = der::algorithm_with_null(oid::SHA256_WITH_RSA);
        let key = der::sequence(&[&der::algorithm_with_null(oid::RSA), &bit_string(&[1, 2, 3])]);
        let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let tbs = TbsCertificate {
            serial: &[0x7f, 0xff],
            signature_algorithm: &algorithm,
            issuer: &issuer,
            not_before: time(1_700_000_000),
            not_after: time(2_600_000_000),
            subject: &subject,
            public_key: &key,
            extensions: vec![
                Extension::basic_constraints(Some(Some(1))),
                Extension::key_usage(KeyUsageBits::AUTHORITY),
                Extension::extended_key_usage(&[oid::EKU_CODE_SIGNING, oid::EKU_LIFETIME_SIGNING]),
                Extension::subject_key_identifier(&[5; 20]),
                Extension::authority_key_identifier(&[6; 20]),
            ],
        };
        let signed = tbs.write();
        let read = Certificate::parse(&tbs.assemble(&signed, &[9; 4]), 0).unwrap();
        assert_eq!(read.tbs, signed);
        assert_eq!((read.version, read.serial.as_slice()), (3, tbs.serial));
        assert_eq!(read.issuer.raw, issuer);
        assert_eq!(read.subject.common_name, "A subject");
        assert_eq!(
            (read.not_before, read.not_after),
            (tbs.not_before, tbs.not_after)
        );
        assert_eq!(read.public_key, key);
        let constraints = BasicConstraints {
            ca: true,
            path_length: Some(1),
        };
        assert_eq!(read.basic_constraints, Some(constraints));
        let usage = read.key_usage.unwrap();
        assert!(usage.key_cert_sign && usage.digital_signature);
        let purposes = read.extended_key_usage.unwrap();
        assert_eq!(purposes, ["1.3.6.1.5.5.7.3.3", "1.3.6.1.4.1.311.10.3.13"]);
        assert_eq!(read.subject_key_identifier.unwrap(), [5; 20]);
        assert_eq!(read.authority_key_identifier.unwrap(), [6; 20]);
        assert_eq!(read.signature, [9; 4]);
        assert!(read.unknown_critical.is_empty());
    }
}
