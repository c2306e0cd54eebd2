//! PKCS#7 `SignedData` (RFC 2315 §9, RFC 5652 §5) as Authenticode uses it, read over raw slices.
//!
//! Authenticode predates CMS: the content stands in `[0]` as a SEQUENCE, not inside an OCTET STRING. Certificate
//! sets in the wild hold attribute certificates and are not always sorted, so everything is kept as it stands.

use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;
use crate::oid::{self, Oid};

/// Most elements accepted in one SET or SEQUENCE of this structure.
const MAX_ELEMENTS: usize = 1024;

/// `AlgorithmIdentifier`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmIdentifier<'a> {
    /// `algorithm`.
    pub algorithm: Oid<'a>,
    /// `parameters`, where present.
    pub parameters: Option<Tlv<'a>>,
}

impl<'a> AlgorithmIdentifier<'a> {
    fn read(tlv: Tlv<'a>) -> Result<Self, ParseError> {
        let mut reader = tlv.reader("AlgorithmIdentifier");
        let algorithm = reader.oid("algorithm")?;
        let parameters = match reader.is_empty() {
            true => None,
            false => Some(reader.next("parameters")?),
        };
        reader.finish()?;
        Ok(Self {
            algorithm,
            parameters,
        })
    }
}

/// `Attribute`: a type with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// `attrType`.
    pub kind: Oid<'a>,
    /// `attrValues`.
    pub values: Vec<Tlv<'a>>,
}

/// `SET OF Attribute` under an implicit tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// The whole element with the tag it has in the file, `0xA0` or `0xA1`.
    pub raw: Tlv<'a>,
    /// The attributes in the order of the file.
    pub attributes: Vec<Attribute<'a>>,
    /// Whether the order is DER's.
    pub sorted: bool,
}

impl<'a> Attributes<'a> {
    fn read(raw: Tlv<'a>) -> Result<Self, ParseError> {
        let elements = sequences(raw, "Attributes", "attribute")?;
        let mut attributes = Vec::with_capacity(elements.len());
        for element in &elements {
            let mut reader = element.reader("Attribute");
            let kind = reader.oid("attrType")?;
            let set = reader.expect("attrValues", der::SET)?;
            reader.finish()?;
            let values = bounded(set, "Attribute", "attrValue")?;
            attributes.push(Attribute { kind, values });
        }
        Ok(Self {
            raw,
            attributes,
            sorted: der::is_sorted(&elements),
        })
    }

    /// The attributes of a type, in order.
    pub fn of<'s>(&'s self, kind: Oid<'s>) -> impl Iterator<Item = &'s Attribute<'a>> {
        self.attributes.iter().filter(move |a| a.kind == kind)
    }

    /// The value of an attribute that must occur once with one value; `None` in any other case.
    pub fn single(&self, kind: Oid<'_>) -> Option<Tlv<'a>> {
        let mut found = self.attributes.iter().filter(|a| a.kind == kind);
        match (found.next().map(|a| a.values.as_slice()), found.next()) {
            (Some([value]), None) => Some(*value),
            _ => None,
        }
    }

    /// The bytes that a signature covers: the set under its universal tag `0x31` (RFC 5652 §5.4).
    pub fn signed_bytes(&self) -> Vec<u8> {
        der::tlv(der::SET, self.raw.value)
    }
}

/// Which certificate made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerIdentifier<'a> {
    /// `issuerAndSerialNumber`.
    IssuerAndSerial {
        /// The issuer's name, encoded.
        issuer: &'a [u8],
        /// Content octets of the serial number, sign and all.
        serial: &'a [u8],
    },
    /// `subjectKeyIdentifier`.
    SubjectKeyIdentifier(&'a [u8]),
}

/// `SignerInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerInfo<'a> {
    /// `version`.
    pub version: u32,
    /// `sid`.
    pub sid: SignerIdentifier<'a>,
    /// `digestAlgorithm`.
    pub digest_algorithm: AlgorithmIdentifier<'a>,
    /// `signedAttrs`.
    pub signed_attributes: Option<Attributes<'a>>,
    /// `signatureAlgorithm`.
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    /// `signature`.
    pub signature: Tlv<'a>,
    /// `unsignedAttrs`.
    pub unsigned_attributes: Option<Attributes<'a>>,
}

impl<'a> SignerInfo<'a> {
    /// Reads one `SignerInfo`.
    ///
    /// # Errors
    /// Where the structure is not that of RFC 5652 §5.3.
    pub fn read(tlv: Tlv<'a>) -> Result<Self, ParseError> {
        let mut reader = tlv.reader("SignerInfo");
        let version = reader.small_integer("version")?;
        let sid = match reader.peek_tag() {
            Some(tag) if tag == der::context_primitive(0) => {
                SignerIdentifier::SubjectKeyIdentifier(reader.next("sid")?.value)
            }
            _ => {
                let pair = reader.expect("sid", der::SEQUENCE)?;
                let mut pair = pair.reader("IssuerAndSerialNumber");
                let issuer = pair.expect("issuer", der::SEQUENCE)?.raw;
                let serial = pair.expect("serialNumber", der::INTEGER)?.value;
                pair.finish()?;
                SignerIdentifier::IssuerAndSerial { issuer, serial }
            }
        };
        let digest_algorithm =
            AlgorithmIdentifier::read(reader.expect("digestAlgorithm", der::SEQUENCE)?)?;
        let signed_attributes = reader
            .optional("signedAttrs", der::context(0))?
            .map(Attributes::read)
            .transpose()?;
        let signature_algorithm =
            AlgorithmIdentifier::read(reader.expect("signatureAlgorithm", der::SEQUENCE)?)?;
        let signature = reader.expect("signature", der::OCTET_STRING)?;
        let unsigned_attributes = reader
            .optional("unsignedAttrs", der::context(1))?
            .map(Attributes::read)
            .transpose()?;
        reader.finish()?;
        Ok(Self {
            version,
            sid,
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature,
            unsigned_attributes,
        })
    }
}

/// `SignedData` inside its `ContentInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedData<'a> {
    /// `version`: 1 for Authenticode, 3 for time-stamp tokens.
    pub version: u32,
    /// `digestAlgorithms`.
    pub digest_algorithms: Vec<AlgorithmIdentifier<'a>>,
    /// `eContentType`.
    pub content_type: Oid<'a>,
    /// What stands inside `[0]`: a SEQUENCE for Authenticode, an OCTET STRING for CMS.
    pub content: Option<Tlv<'a>>,
    /// `certificates`, X.509 and others, in the order of the file.
    pub certificates: Vec<Tlv<'a>>,
    /// Whether the certificates stand in DER order.
    pub certificates_sorted: bool,
    /// `crls`.
    pub crls: Vec<Tlv<'a>>,
    /// `signerInfos`.
    pub signer_infos: Vec<SignerInfo<'a>>,
    /// File offset of the `signerInfos` element.
    pub signer_infos_offset: u64,
}

impl<'a> SignedData<'a> {
    /// Reads a `ContentInfo` that holds a `SignedData` and nothing after it; `offset` is the file offset of its
    /// first byte.
    ///
    /// # Errors
    /// Where the bytes are not such a structure; the message names field and offset.
    pub fn read(bytes: &'a [u8], offset: u64) -> Result<Self, ParseError> {
        let mut file = Reader::new("ContentInfo", bytes, offset);
        let signed_data = Self::read_element(file.expect("ContentInfo", der::SEQUENCE)?)?;
        file.finish()?;
        Ok(signed_data)
    }

    /// Reads a `SignedData` with or without its `ContentInfo`, and nothing after it: secure-boot variables leave it out.
    ///
    /// # Errors
    /// As [`SignedData::read`].
    pub fn read_either(bytes: &'a [u8], offset: u64) -> Result<Self, ParseError> {
        let mut file = Reader::new("SignedData", bytes, offset);
        let element = file.expect("SignedData", der::SEQUENCE)?;
        file.finish()?;
        match element.reader("SignedData").peek_tag() {
            Some(der::OBJECT_IDENTIFIER) => Self::read_element(element),
            _ => Self::read_body(element),
        }
    }

    /// Reads a `ContentInfo` element, as it stands in an attribute.
    ///
    /// # Errors
    /// As [`SignedData::read`].
    pub fn read_element(content_info: Tlv<'a>) -> Result<Self, ParseError> {
        let mut info = content_info.reader("ContentInfo");
        let content_type = info.oid("contentType")?;
        if content_type != oid::SIGNED_DATA {
            return Err(info.invalid("contentType", content_type, oid::SIGNED_DATA));
        }
        let wrapper = info.expect("content", der::context(0))?;
        info.finish()?;
        let mut wrapper = wrapper.reader("ContentInfo");
        let body = wrapper.expect("content", der::SEQUENCE)?;
        wrapper.finish()?;
        Self::read_body(body)
    }

    fn read_body(body: Tlv<'a>) -> Result<Self, ParseError> {
        let mut reader = body.reader("SignedData");
        let version = reader.small_integer("version")?;
        let algorithms = reader.expect("digestAlgorithms", der::SET)?;
        let digest_algorithms = sequences(algorithms, "SignedData", "digestAlgorithm")?
            .into_iter()
            .map(AlgorithmIdentifier::read)
            .collect::<Result<_, _>>()?;
        let mut encapsulated = reader
            .expect("encapContentInfo", der::SEQUENCE)?
            .reader("EncapsulatedContentInfo");
        let content_type = encapsulated.oid("eContentType")?;
        let content = match encapsulated.optional("eContent", der::context(0))? {
            None => None,
            Some(wrapper) => {
                let mut wrapper = wrapper.reader("EncapsulatedContentInfo");
                let content = wrapper.next("eContent")?;
                wrapper.finish()?;
                Some(content)
            }
        };
        encapsulated.finish()?;
        let certificates = match reader.optional("certificates", der::context(0))? {
            Some(set) => bounded(set, "SignedData", "certificate")?,
            None => Vec::new(),
        };
        let crls = match reader.optional("crls", der::context(1))? {
            Some(set) => bounded(set, "SignedData", "crl")?,
            None => Vec::new(),
        };
        let set = reader.expect("signerInfos", der::SET)?;
        reader.finish()?;
        let signer_infos = sequences(set, "SignedData", "signerInfo")?
            .into_iter()
            .map(SignerInfo::read)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            version,
            digest_algorithms,
            content_type,
            content,
            certificates_sorted: der::is_sorted(&certificates),
            certificates,
            crls,
            signer_infos,
            signer_infos_offset: set.offset,
        })
    }
}

/// The parts of a `SignedData` that is about to be written, each already encoded.
#[derive(Debug, Clone)]
pub struct SignedDataParts<'a> {
    /// The digest algorithm of the one signer.
    pub digest_algorithm: Oid<'a>,
    /// `eContentType`.
    pub content_type: Oid<'a>,
    /// The content element.
    pub content: &'a [u8],
    /// Certificates in any order.
    pub certificates: Vec<Vec<u8>>,
    /// The one `SignerInfo`.
    pub signer_info: &'a [u8],
}

impl SignedDataParts<'_> {
    /// Encodes `ContentInfo { SignedData }`, version 1, sets in DER order.
    pub fn write(self) -> Vec<u8> {
        let body = der::sequence(&[
            &der::integer(1),
            &der::set_of(vec![der::algorithm_with_null(self.digest_algorithm)]),
            &der::sequence(&[
                &der::oid(self.content_type),
                &der::tlv(der::context(0), self.content),
            ]),
            &der::tlv(der::context(0), &der::sorted(self.certificates)),
            &der::tlv(der::SET, self.signer_info),
        ]);
        der::sequence(&[
            &der::oid(oid::SIGNED_DATA),
            &der::tlv(der::context(0), &body),
        ])
    }
}

/// The elements of a SET or SEQUENCE OF, at most [`MAX_ELEMENTS`].
fn bounded<'a>(
    set: Tlv<'a>,
    structure: &'static str,
    field: &'static str,
) -> Result<Vec<Tlv<'a>>, ParseError> {
    let elements = set.reader(structure).all(field)?;
    check_count(&elements, structure, field, set.offset)?;
    Ok(elements)
}

/// The elements of a SET OF SEQUENCE, at most [`MAX_ELEMENTS`].
fn sequences<'a>(
    set: Tlv<'a>,
    structure: &'static str,
    field: &'static str,
) -> Result<Vec<Tlv<'a>>, ParseError> {
    let mut reader = set.reader(structure);
    let mut elements = Vec::new();
    while !reader.is_empty() {
        elements.push(reader.expect(field, der::SEQUENCE)?);
    }
    check_count(&elements, structure, field, set.offset)?;
    Ok(elements)
}

fn check_count(
    elements: &[Tlv<'_>],
    structure: &'static str,
    field: &'static str,
    offset: u64,
) -> Result<(), ParseError> {
    if elements.len() > MAX_ELEMENTS {
        let found = format_args!("{} elements", elements.len()).to_string();
        let expected = format_args!("at most {MAX_ELEMENTS}").to_string();
        return Err(ParseError::invalid(
            structure, field, offset, found, expected,
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer_info() -> Vec<u8> {
        let sid = der::sequence(&[&der::sequence(&[]), &der::tlv(der::INTEGER, &[0x90, 1])]);
        der::sequence(&[
            &der::integer(1),
            &sid,
            &der::algorithm_with_null(oid::SHA256),
            &der::algorithm_with_null(oid::RSA),
            &der::octet_string(&[1, 2, 3]),
        ])
    }

    fn signed_data() -> Vec<u8> {
        let parts = SignedDataParts {
            digest_algorithm: oid::SHA256,
            content_type: oid::SPC_INDIRECT_DATA,
            content: &der::sequence(&[&der::null()]),
            certificates: vec![der::sequence(&[&der::integer(9)]), der::sequence(&[])],
            signer_info: &signer_info(),
        };
        parts.write()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = signed_data();
        let read = SignedData::read(&bytes, 0).unwrap();
        assert_eq!((read.version, read.certificates.len()), (1, 2));
        assert!(read.certificates_sorted);
        assert_eq!(read.content_type, oid::SPC_INDIRECT_DATA);
        let signer = &read.signer_infos[0];
        let serial: &[u8] = &[0x90, 1];
        assert!(
            matches!(signer.sid, SignerIdentifier::IssuerAndSerial { serial: s, .. } if s == serial)
        );
        assert_eq!(signer.signature.value, [1, 2, 3]);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = signed_data();
        for length in 0..bytes.len() {
            assert!(SignedData::read(&bytes[..length], 0).is_err(), "{length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(SignedData::read(&longer, 0).is_err());
    }
}
