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

mod definition;
mod member;
mod write;

use std::io::{Read, Seek};

use time::OffsetDateTime;

use super::read_whole;
use crate::der::{self, Reader, Tlv};
use crate::der_time;
use crate::error::{ParseError, Problem};
use crate::oid;
use crate::patch::{Hunk, Patch};
use crate::signed_data::SignedData;

use member::sequences;

pub use definition::{DefinedFile, Definition, DefinitionError};
pub use member::{Member, MemberInfo, NameValue, SubjectKind, flags};
pub use write::{BuildError, CatalogBuilder, FileAttribute, Subject, SubjectForm, Tag};

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

/// A catalog and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    bytes: Vec<u8>,
    version: Version,
    list_identifier: Vec<u8>,
    this_update: OffsetDateTime,
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
        Self::parse(read_whole(input, "Catalog", MAX_CATALOG)?)
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
        let this_update = match reader.peek_tag() {
            Some(der::GENERALIZED_TIME) => reader.next("thisUpdate")?,
            _ => reader.expect("thisUpdate", der::UTC_TIME)?,
        };
        let this_update = der_time::read(this_update, "CertificateTrustList", "thisUpdate")?;
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
        algorithm.optional("parameters", der::NULL)?;
        algorithm.finish()?;
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
            this_update,
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

    /// `thisUpdate`, when the catalog was made.
    pub fn this_update(&self) -> OffsetDateTime {
        self.this_update
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
        Ok(Some(self.replace(bare(self.content()?))))
    }

    fn replace(&self, replacement: Vec<u8>) -> Patch {
        let range = 0..self.bytes.len() as u64;
        Patch::whole(Hunk { range, replacement })
    }
}

/// Encodes an unsigned catalog around its list, as `makecat` does: no digest algorithms, certificates or signers.
fn bare(list: &[u8]) -> Vec<u8> {
    let body = der::sequence(&[
        &der::integer(1),
        &der::set_of(Vec::new()),
        &der::sequence(&[&der::oid(oid::CTL), &der::tlv(der::context(0), list)]),
        &der::set_of(Vec::new()),
    ]);
    der::sequence(&[
        &der::oid(oid::SIGNED_DATA),
        &der::tlv(der::context(0), &body),
    ])
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
    let elements = sequences(subjects, "TrustedSubjects", "member")?;
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
    elements.into_iter().map(Member::read).collect()
}

fn read_extensions(extensions: Tlv<'_>) -> Result<Vec<NameValue>, ParseError> {
    let mut wrapper = extensions.reader("Extensions");
    let list = wrapper.expect("extensions", der::SEQUENCE)?;
    wrapper.finish()?;
    let mut attributes = Vec::new();
    for extension in sequences(list, "Extensions", "extension")? {
        let mut reader = extension.reader("Extension");
        let kind = reader.oid("extnID")?;
        reader.optional("critical", der::BOOLEAN)?;
        let value = reader.expect("extnValue", der::OCTET_STRING)?;
        reader.finish()?;
        if kind == oid::CAT_NAME_VALUE {
            let mut inner = Reader::new("Extension", value.value, value.value_offset());
            let value = inner.expect("extnValue", der::SEQUENCE)?;
            attributes.push(NameValue::read(value)?);
            inner.finish()?;
        }
    }
    Ok(attributes)
}
