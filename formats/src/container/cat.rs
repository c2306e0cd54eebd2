//! Security catalogs (`.cat`): a certificate trust list of file hashes inside a PKCS#7 `SignedData`.
//!
//! ```text
//! CertificateTrustList ::= SEQUENCE {
//!   subjectUsage     SEQUENCE { OID szOID_CATALOG_LIST },
//!   listIdentifier   OCTET STRING,
//!   thisUpdate       UTCTime,
//!   subjectAlgorithm SEQUENCE { OID szOID_CATALOG_LIST_MEMBER | …_V2, NULL },
//!   trustedSubjects  SEQUENCE OF SEQUENCE { OCTET STRING tag, SET OF Attribute },
//!   extensions   [0] EXPLICIT SEQUENCE OF SEQUENCE { OID, OCTET STRING } OPTIONAL }
//! ```

use std::io::{Read, Seek, SeekFrom};

use crate::der::{self, Reader, Tlv};
use crate::error::{ParseError, Problem};
use crate::oid::{self, Oid};
use crate::patch::{Hunk, Patch};
use crate::signed_data::SignedData;

/// Largest catalog that is read into memory; Windows ships none above 10 MiB.
pub const MAX_CATALOG: u64 = 64 << 20;
/// Most members of a catalog.
const MAX_MEMBERS: usize = 1 << 20;

/// Which generation of catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Members tagged by a SHA-1 in UTF-16 hexadecimal.
    V1,
    /// Members tagged by raw SHA-256 digests, each with a SHA-1 twin.
    V2,
}

/// A name and value attached to a member or to the catalog (`CAT_NAMEVALUE_OBJID`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameValue {
    /// `name`.
    pub name: String,
    /// `flags`, as `makecat` documents them.
    pub flags: u32,
    /// `value`: UTF-16LE with a final NUL, or raw bytes under flag `0x00020000`.
    pub value: Vec<u8>,
}

impl NameValue {
    /// The value as text without its final NUL; `None` where the flags say that it is binary.
    pub fn text(&self) -> Option<String> {
        if self.flags & 0x0002_0000 != 0 {
            return None;
        }
        let units = self.value.chunks_exact(2);
        let units: Vec<u16> = units
            .filter_map(|pair| pair.try_into().ok().map(u16::from_le_bytes))
            .collect();
        Some(
            String::from_utf16_lossy(&units)
                .trim_end_matches('\0')
                .to_owned(),
        )
    }
}

/// One hashed file of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The tag by which the member is found: a digest, or its UTF-16 hexadecimal form.
    pub tag: Vec<u8>,
    /// The digest that the member's `SpcIndirectData` states, with its algorithm; absent in SHA-1 twins.
    pub digest: Option<(String, Vec<u8>)>,
    /// Names and values.
    pub attributes: Vec<NameValue>,
    /// File offset of the member.
    pub offset: u64,
}

impl Member {
    /// The digest by which the member is looked up, hexadecimal tags decoded.
    pub fn digest_tag(&self) -> Vec<u8> {
        let text: Option<String> = self
            .tag
            .chunks(2)
            .map(|pair| match pair {
                [low, 0] => Some(char::from(*low)),
                _ => None,
            })
            .collect();
        let digits = text.as_deref().map(|t| t.trim_end_matches('\0'));
        digits
            .and_then(decode_hex)
            .unwrap_or_else(|| self.tag.clone())
    }
}

/// A catalog and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    bytes: Vec<u8>,
    version: Version,
    list_identifier: Vec<u8>,
    members: Vec<Member>,
    attributes: Vec<NameValue>,
    signed: bool,
}

impl Catalog {
    /// Reads a catalog of at most [`MAX_CATALOG`] bytes.
    ///
    /// # Errors
    /// Where the input is no catalog; the message names field and offset.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let io = |error| ParseError::io("Catalog", "file", 0, &error);
        let length = input.seek(SeekFrom::End(0)).map_err(io)?;
        if length > MAX_CATALOG {
            return Err(ParseError {
                structure: "Catalog",
                field: "file",
                offset: 0,
                problem: Problem::Limit {
                    found: length,
                    limit: MAX_CATALOG,
                },
            });
        }
        input.rewind().map_err(io)?;
        let mut bytes = Vec::new();
        input
            .take(MAX_CATALOG)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        Self::parse(bytes)
    }

    /// Reads a catalog from memory.
    ///
    /// # Errors
    /// As [`Catalog::read`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ParseError> {
        let signed_data = SignedData::read(&bytes, 0)?;
        let list = content(&signed_data)?;
        let signed = !signed_data.signer_infos.is_empty();
        let mut reader = list.reader("CertificateTrustList");
        let mut usage = reader
            .expect("subjectUsage", der::SEQUENCE)?
            .reader("CertificateTrustList");
        let kind = usage.oid("subjectUsage")?;
        if kind != oid::CATALOG_LIST {
            return Err(usage.invalid("subjectUsage", kind, oid::CATALOG_LIST));
        }
        let list_identifier = reader
            .expect("listIdentifier", der::OCTET_STRING)?
            .value
            .to_vec();
        match reader.peek_tag() {
            Some(der::GENERALIZED_TIME) => reader.next("thisUpdate")?,
            _ => reader.expect("thisUpdate", der::UTC_TIME)?,
        };
        let mut algorithm = reader
            .expect("subjectAlgorithm", der::SEQUENCE)?
            .reader("CertificateTrustList");
        let version = match algorithm.oid("subjectAlgorithm")? {
            oid::CATALOG_LIST_MEMBER => Version::V1,
            oid::CATALOG_LIST_MEMBER_V2 => Version::V2,
            other => {
                let wanted = "szOID_CATALOG_LIST_MEMBER or its version 2";
                return Err(algorithm.invalid("subjectAlgorithm", other, wanted));
            }
        };
        let members = match reader.optional("trustedSubjects", der::SEQUENCE)? {
            Some(subjects) => read_members(subjects)?,
            None => Vec::new(),
        };
        let attributes = match reader.optional("extensions", der::context(0))? {
            Some(extensions) => read_extensions(extensions)?,
            None => Vec::new(),
        };
        reader.finish()?;
        Ok(Self {
            bytes,
            version,
            list_identifier,
            members,
            attributes,
            signed,
        })
    }

    /// The generation of the catalog.
    pub fn version(&self) -> Version {
        self.version
    }

    /// `listIdentifier`, usually 16 random bytes.
    pub fn list_identifier(&self) -> &[u8] {
        &self.list_identifier
    }

    /// The members in the order of the file.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Names and values of the whole catalog.
    pub fn attributes(&self) -> &[NameValue] {
        &self.attributes
    }

    /// The signature, which is the file itself; `None` for a catalog without a signer.
    pub fn signature(&self) -> Option<&[u8]> {
        self.signed.then_some(self.bytes.as_slice())
    }

    /// The content element that a signature covers, byte for byte.
    ///
    /// # Errors
    /// None that [`Catalog::parse`] would not have given.
    pub fn content(&self) -> Result<&[u8], ParseError> {
        Ok(content(&SignedData::read(&self.bytes, 0)?)?.raw)
    }

    /// The patch that puts a signature, which carries this catalog's content, in place of the whole file.
    pub fn embed(&self, cms: &[u8]) -> Patch {
        self.replace(cms.to_vec())
    }

    /// The patch that takes every signature off; `None` where there is none.
    ///
    /// The result has the shape that `makecat` writes: no digest algorithms, certificates or signers.
    ///
    /// # Errors
    /// None that [`Catalog::parse`] would not have given.
    pub fn remove_signature(&self) -> Result<Option<Patch>, ParseError> {
        if !self.signed {
            return Ok(None);
        }
        let body = der::sequence(&[
            &der::integer(1),
            &der::set_of(Vec::new()),
            &der::sequence(&[
                &der::oid(oid::CTL),
                &der::tlv(der::context(0), self.content()?),
            ]),
            &der::set_of(Vec::new()),
        ]);
        let bare = der::sequence(&[
            &der::oid(oid::SIGNED_DATA),
            &der::tlv(der::context(0), &body),
        ]);
        Ok(Some(self.replace(bare)))
    }

    fn replace(&self, replacement: Vec<u8>) -> Patch {
        let range = 0..self.bytes.len() as u64;
        Patch::whole(Hunk { range, replacement })
    }
}

/// The trust list inside a `SignedData`.
fn content<'a>(signed_data: &SignedData<'a>) -> Result<Tlv<'a>, ParseError> {
    let wrong = |found: String| {
        ParseError::invalid(
            "SignedData",
            "eContentType",
            0,
            found,
            format_args!("{} (catalog)", oid::CTL),
        )
    };
    if signed_data.content_type != oid::CTL {
        return Err(wrong(signed_data.content_type.to_string()));
    }
    match signed_data.content {
        Some(content) if content.tag == der::SEQUENCE => Ok(content),
        Some(content) => Err(wrong(format!("content with tag 0x{:02x}", content.tag))),
        None => Err(wrong("no content".to_owned())),
    }
}

fn read_members(subjects: Tlv<'_>) -> Result<Vec<Member>, ParseError> {
    let elements = subjects.reader("TrustedSubjects").all("member")?;
    if elements.len() > MAX_MEMBERS {
        return Err(ParseError {
            structure: "TrustedSubjects",
            field: "member",
            offset: subjects.offset,
            problem: Problem::Limit {
                found: elements.len() as u64,
                limit: MAX_MEMBERS as u64,
            },
        });
    }
    elements.into_iter().map(read_member).collect()
}

fn read_member(element: Tlv<'_>) -> Result<Member, ParseError> {
    let mut reader = element.reader("TrustedSubject");
    let tag = reader.expect("tag", der::OCTET_STRING)?.value.to_vec();
    let mut member = Member {
        tag,
        digest: None,
        attributes: Vec::new(),
        offset: element.offset,
    };
    if let Some(set) = reader.optional("attributes", der::SET)? {
        for attribute in set.reader("TrustedSubject").all("attribute")? {
            let mut attribute = attribute.reader("Attribute");
            let kind = attribute.oid("type")?;
            let values = attribute.expect("values", der::SET)?;
            attribute.finish()?;
            for value in values.reader("Attribute").all("value")? {
                read_member_value(&mut member, kind, value)?;
            }
        }
    }
    reader.finish()?;
    Ok(member)
}

fn read_member_value(member: &mut Member, kind: Oid<'_>, value: Tlv<'_>) -> Result<(), ParseError> {
    if kind == oid::CAT_NAME_VALUE {
        member.attributes.push(read_name_value(value)?);
    } else if kind == oid::SPC_INDIRECT_DATA {
        let data = crate::spc::SpcIndirectData::read(value)?;
        member.digest = Some((data.digest_algorithm.to_string(), data.digest.to_vec()));
    }
    Ok(())
}

fn read_extensions(extensions: Tlv<'_>) -> Result<Vec<NameValue>, ParseError> {
    let mut wrapper = extensions.reader("Extensions");
    let list = wrapper.expect("extensions", der::SEQUENCE)?;
    wrapper.finish()?;
    let mut attributes = Vec::new();
    for extension in list.reader("Extensions").all("extension")? {
        let mut reader = extension.reader("Extension");
        let kind = reader.oid("extnID")?;
        reader.optional("critical", der::BOOLEAN)?;
        let value = reader.expect("extnValue", der::OCTET_STRING)?;
        reader.finish()?;
        if kind == oid::CAT_NAME_VALUE {
            let mut inner = Reader::new("Extension", value.value, value.value_offset());
            attributes.push(read_name_value(inner.next("extnValue")?)?);
        }
    }
    Ok(attributes)
}

fn read_name_value(value: Tlv<'_>) -> Result<NameValue, ParseError> {
    let mut reader = value.reader("CatNameValue");
    let name = reader.expect("name", der::BMP_STRING)?.value;
    let flags = reader.small_integer("flags")?;
    let value = reader.expect("value", der::OCTET_STRING)?.value.to_vec();
    reader.finish()?;
    let units = name.chunks_exact(2);
    let units: Vec<u16> = units
        .filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes))
        .collect();
    Ok(NameValue {
        name: String::from_utf16_lossy(&units),
        flags,
        value,
    })
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|d| d as u8);
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}
