//! Certificate revocation lists (RFC 5280 §5), read once and kept as they stand: large ones have a million entries.

use std::ops::Range;

use time::OffsetDateTime;

use super::{
    RevocationReason, Revoked, extensions, inside, octets_of_bits, reason, signature_algorithm,
};
use crate::der::{self, Reader, Tlv};
use crate::der_time;
use crate::error::ParseError;
use crate::oid;

/// Most bytes of a list that is read.
pub const MAX_LIST: usize = 64 << 20;

/// Which certificates of its issuer a list is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// It is not about authorities.
    pub only_end_entities: bool,
    /// It is about authorities alone.
    pub only_authorities: bool,
    /// The addresses of its distribution point; it is about certificates that name one of them. `None` for all.
    pub addresses: Option<Vec<String>>,
}

/// One list.
///
/// ```text
/// CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
/// TBSCertList ::= SEQUENCE { version INTEGER OPTIONAL, signature AlgorithmIdentifier, issuer Name, thisUpdate Time,
///   nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF SEQUENCE { userCertificate INTEGER, revocationDate Time,
///   crlEntryExtensions OPTIONAL } OPTIONAL, crlExtensions [0] OPTIONAL }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    tbs: Range<usize>,
    /// The encoded name of the issuer.
    pub issuer: Vec<u8>,
    /// When it was made.
    pub this_update: OffsetDateTime,
    /// When the next one is due, where it says so.
    pub next_update: Option<OffsetDateTime>,
    /// What it is about.
    pub scope: Scope,
    /// Whether it keeps certificates that have expired.
    pub keeps_expired: bool,
    /// Why nothing can be concluded from it, where it is of a kind that is not evaluated.
    pub unusable: Option<String>,
    /// Content octets of the signature algorithm's identifier.
    pub signature_algorithm: Vec<u8>,
    /// `signatureValue`.
    pub signature: Vec<u8>,
    /// Where the entries stand in `der`, by serial number.
    entries: Vec<u32>,
}

impl std::fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevocationList({} entries)", self.entries.len())
    }
}

impl RevocationList {
    /// Reads a list.
    ///
    /// # Errors
    /// Where the bytes are no list, or more than [`MAX_LIST`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, ParseError> {
        if bytes.len() > MAX_LIST {
            let found = format!("{} bytes", bytes.len());
            let expected = format!("at most {MAX_LIST}");
            let error = ParseError::invalid("CertificateList", "file", 0, found, expected);
            return Err(error);
        }
        let mut list = Self::read_borrowed(&bytes)?;
        list.der = bytes;
        Ok(list)
    }

    fn read_borrowed(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut file = Reader::new("CertificateList", bytes, 0);
        let mut outer = file
            .expect("CertificateList", der::SEQUENCE)?
            .reader("CertificateList");
        file.finish()?;
        let tbs = outer.expect("tbsCertList", der::SEQUENCE)?;
        let algorithm = outer.expect("signatureAlgorithm", der::SEQUENCE)?;
        let signature = outer.expect("signatureValue", der::BIT_STRING)?;
        outer.finish()?;
        let signature = octets_of_bits(signature, "CertificateList", "signatureValue")?;

        let mut reader = tbs.reader("TBSCertList");
        reader.optional("version", der::INTEGER)?;
        let inner = reader.expect("signature", der::SEQUENCE)?;
        if inner.raw != algorithm.raw {
            return Err(reader.invalid("signature", "another algorithm", "signatureAlgorithm"));
        }
        let issuer = reader.expect("issuer", der::SEQUENCE)?;
        let this_update = der_time::read(reader.next("thisUpdate")?, "TBSCertList", "thisUpdate")?;
        let next_update = match reader.peek_tag() {
            Some(der::UTC_TIME | der::GENERALIZED_TIME) => {
                let next = reader.next("nextUpdate")?;
                Some(der_time::read(next, "TBSCertList", "nextUpdate")?)
            }
            _ => None,
        };
        let revoked = reader.optional("revokedCertificates", der::SEQUENCE)?;
        let wrapper = reader.optional("crlExtensions", der::context(0))?;
        reader.finish()?;
        let start = tbs.offset as usize;
        let mut list = Self {
            der: Vec::new(),
            tbs: start..start.saturating_add(tbs.raw.len()),
            issuer: issuer.raw.to_vec(),
            this_update,
            next_update,
            scope: Scope::default(),
            keeps_expired: false,
            unusable: None,
            signature_algorithm: signature_algorithm(algorithm)?,
            signature: signature.to_vec(),
            entries: Vec::new(),
        };
        if let Some(wrapper) = wrapper {
            let mut reader = wrapper.reader("TBSCertList");
            let sequence = reader.expect("crlExtensions", der::SEQUENCE)?;
            reader.finish()?;
            list.read_extensions(sequence)?;
        }
        if let Some(revoked) = revoked {
            list.index(revoked)?;
        }
        Ok(list)
    }

    fn read_extensions(&mut self, sequence: Tlv<'_>) -> Result<(), ParseError> {
        for extension in extensions(sequence, "crlExtensions")? {
            match extension.kind {
                oid::ISSUING_DISTRIBUTION_POINT => self.read_scope(extension.value)?,
                oid::DELTA_CRL_INDICATOR => {
                    self.unusable = Some("it lists changes alone (a delta list)".to_owned());
                }
                oid::EXPIRED_CERTS_ON_CRL => self.keeps_expired = true,
                other if extension.critical => {
                    let why = format!("its critical extension {other} is not evaluated");
                    self.unusable = Some(why);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// ```text
    /// IssuingDistributionPoint ::= SEQUENCE { distributionPoint [0] DistributionPointName OPTIONAL,
    ///   onlyContainsUserCerts [1] BOOLEAN, onlyContainsCACerts [2] BOOLEAN, onlySomeReasons [3] OPTIONAL,
    ///   indirectCRL [4] BOOLEAN, onlyContainsAttributeCerts [5] BOOLEAN }           -- each DEFAULT FALSE
    /// ```
    fn read_scope(&mut self, value: Tlv<'_>) -> Result<(), ParseError> {
        let sequence = inside(value, "IssuingDistributionPoint", der::SEQUENCE)?;
        for field in sequence.reader("IssuingDistributionPoint").all("field")? {
            let is_set = field.value != [0];
            match field.tag {
                0xa0 => self.scope.addresses = Some(addresses(field)?),
                0x81 => self.scope.only_end_entities = is_set,
                0x82 => self.scope.only_authorities = is_set,
                0x83 => self.unusable = Some("it is about some reasons alone".to_owned()),
                0x84 if is_set => {
                    self.unusable =
                        Some("it is about certificates of other issuers too".to_owned());
                }
                0x85 if is_set => {
                    self.unusable = Some("it is about attribute certificates".to_owned());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes where the entries stand. Every one is read, so that none can be malformed later.
    fn index(&mut self, revoked: Tlv<'_>) -> Result<(), ParseError> {
        let mut found: Vec<(&[u8], u32)> = Vec::new();
        let mut reader = revoked.reader("revokedCertificates");
        while !reader.is_empty() {
            let element = reader.expect("entry", der::SEQUENCE)?;
            let (entry, unknown) = Entry::read(element)?;
            if let Some(kind) = unknown {
                self.unusable = Some(format!(
                    "an entry's critical extension {kind} is not evaluated"
                ));
            }
            found.push((entry.serial, element.offset as u32));
        }
        found.sort_unstable();
        self.entries = found.into_iter().map(|(_, offset)| offset).collect();
        Ok(())
    }

    /// The bytes that the issuer signed.
    pub fn tbs(&self) -> &[u8] {
        self.der.get(self.tbs.clone()).unwrap_or_default()
    }

    /// What the list says of the certificate with these content octets of a serial number.
    pub fn find(&self, serial: &[u8]) -> Option<Revoked> {
        let found = self
            .entries
            .binary_search_by(|offset| {
                self.entry(*offset)
                    .map_or(&[][..], |e| e.serial)
                    .cmp(serial)
            })
            .ok()?;
        let entry = self.entry(*self.entries.get(found)?)?;
        Some(entry.revoked)
    }

    fn entry(&self, offset: u32) -> Option<Entry<'_>> {
        let bytes = self.der.get(offset as usize..)?;
        let element = Reader::new("revokedCertificates", bytes, u64::from(offset)).next("entry");
        Some(Entry::read(element.ok()?).ok()?.0)
    }

    /// How many certificates it lists.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

struct Entry<'a> {
    serial: &'a [u8],
    revoked: Revoked,
}

impl<'a> Entry<'a> {
    /// An entry, and a critical extension of it that is not evaluated.
    fn read(element: Tlv<'a>) -> Result<(Self, Option<String>), ParseError> {
        let mut reader = element.reader("revokedCertificates");
        let serial = reader.expect("userCertificate", der::INTEGER)?.value;
        let date = reader.next("revocationDate")?;
        let mut entry = Self {
            serial,
            revoked: Revoked {
                since: der_time::read(date, "revokedCertificates", "revocationDate")?,
                reason: RevocationReason::Unspecified,
            },
        };
        let mut unknown = None;
        if let Some(sequence) = reader.optional("crlEntryExtensions", der::SEQUENCE)? {
            for extension in extensions(sequence, "crlEntryExtensions")? {
                match extension.kind {
                    oid::CRL_REASONS => {
                        let code = inside(extension.value, "CRLReason", der::ENUMERATED)?;
                        entry.revoked.reason = reason(code);
                    }
                    oid::INVALIDITY_DATE => {
                        let date =
                            inside(extension.value, "invalidityDate", der::GENERALIZED_TIME)?;
                        let date = der_time::read(date, "crlEntryExtensions", "invalidityDate")?;
                        entry.revoked.since = entry.revoked.since.min(date);
                    }
                    other if extension.critical => unknown = Some(other.to_string()),
                    _ => {}
                }
            }
        }
        reader.finish()?;
        Ok((entry, unknown))
    }
}

/// The addresses of a `DistributionPointName` in its full form.
fn addresses(point: Tlv<'_>) -> Result<Vec<String>, ParseError> {
    const FULL_NAME: u8 = der::context(0);
    const ADDRESS: u8 = der::context_primitive(6);
    let mut found = Vec::new();
    for name in point.reader("DistributionPointName").all("name")? {
        if name.tag == FULL_NAME {
            let names = name.reader("GeneralNames").all("name")?;
            let addresses = names.iter().filter(|name| name.tag == ADDRESS);
            found.extend(addresses.map(|a| String::from_utf8_lossy(a.value).into_owned()));
        }
    }
    Ok(found)
}
