//! Catalogs made from nothing, in the shape that `makecat` gives them.
//!
//! Entries are sorted by the bytes of their tags, the attributes of an entry as DER demands. A version 2 catalog
//! lists every file twice: under its SHA-256 with everything there is to say, and under its SHA-1 with the kind of
//! file alone and those attributes that may be repeated, for systems that look files up by SHA-1.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use time::OffsetDateTime;

use super::member::{hexadecimal_tag, utf16_with_nul};
use super::{MAX_CATALOG, MAX_MEMBERS, Member, MemberInfo, NameValue, SubjectKind, Version, bare};
use crate::der;
use crate::der_time;
use crate::oid;
use crate::spc::{EnhancedHash, SpcIndirectData};

/// `certVersion` of every version 1 member.
const CERT_VERSION: u32 = 0x200;

/// Why a catalog cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A version 2 member under a name.
    #[error(
        "'{0}' cannot be a tag in a version 2 catalog, whose members are looked up by their hash"
    )]
    LabelInV2(String),
    /// Two members that differ under one tag.
    #[error("two members that differ have the tag {0}")]
    Conflict(String),
    /// No member.
    #[error("a catalog needs at least one member")]
    Empty,
    /// More than can be read back.
    #[error("the catalog would have {0} entries, at most {MAX_MEMBERS} can be read")]
    TooManyMembers(usize),
    /// More than can be read back.
    #[error("the catalog would have {0} bytes, at most {MAX_CATALOG} can be read")]
    TooLarge(usize),
}

/// How a file is found in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// By its hash.
    Hash,
    /// By a name; version 1 only.
    Label(String),
}

/// What kind of file is listed, with what only this kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectForm {
    /// A PE image, without page hashes.
    Pe,
    /// A cabinet.
    Cabinet {
        /// SHA-256 of the bytes that the cabinet's own digest leaves out.
        enhanced_hash: [u8; 32],
    },
    /// Any other file.
    Flat,
}

impl SubjectForm {
    /// The kind of file.
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Pe => SubjectKind::Pe,
            Self::Cabinet { .. } => SubjectKind::Cabinet,
            Self::Flat => SubjectKind::Flat,
        }
    }

    /// Encodes `SpcAttributeTypeAndOptionalValue`.
    fn data(&self) -> Vec<u8> {
        // SpcLink: a file name that is empty.
        let no_file = der::tlv(der::context(2), &der::tlv(der::context_primitive(0), &[]));
        match self {
            Self::Pe => {
                // Three bits, of which the first and third are set; Windows writes so, whatever they mean.
                let flags = der::tlv(der::BIT_STRING, &[5, 0xa0]);
                let value = der::sequence(&[&flags, &der::tlv(der::context(0), &no_file)]);
                der::sequence(&[&der::oid(oid::SPC_PE_IMAGE_DATA), &value])
            }
            Self::Cabinet { enhanced_hash } => EnhancedHash(enhanced_hash).write(),
            Self::Flat => der::sequence(&[&der::oid(oid::SPC_CAB_DATA), &no_file]),
        }
    }
}

/// An attribute of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAttribute {
    /// What stands in the catalog.
    pub value: NameValue,
    /// Whether the SHA-1 twin repeats it.
    pub in_twin: bool,
}

/// A file to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// How it is found.
    pub tag: Tag,
    /// What it is.
    pub form: SubjectForm,
    /// SHA-1 of what is hashed of such a file.
    pub sha1: [u8; 20],
    /// SHA-256 of the same.
    pub sha256: [u8; 32],
    /// Names and values.
    pub attributes: Vec<FileAttribute>,
}

/// A catalog that is being made. Time and identifier are given, so that the same input gives the same bytes.
#[derive(Debug, Clone)]
pub struct CatalogBuilder {
    version: Version,
    this_update: OffsetDateTime,
    attributes: Vec<NameValue>,
    members: BTreeMap<Vec<u8>, Member>,
}

impl CatalogBuilder {
    /// A catalog without members, dated `this_update`.
    pub fn new(version: Version, this_update: OffsetDateTime) -> Self {
        Self {
            version,
            this_update,
            attributes: Vec::new(),
            members: BTreeMap::new(),
        }
    }

    /// Adds a name and value of the whole catalog. Their order stays.
    pub fn attribute(&mut self, attribute: NameValue) {
        self.attributes.push(attribute);
    }

    /// Lists a file. One that is listed already only gets the new attributes.
    ///
    /// # Errors
    /// [`BuildError::LabelInV2`], and [`BuildError::Conflict`] for a name that another file has.
    pub fn add(&mut self, subject: Subject) -> Result<(), BuildError> {
        let kind = subject.form.kind();
        let data = subject.form.data();
        let values = || subject.attributes.iter();
        let member = |tag, info, content, attributes| Member {
            tag,
            info: Some(info),
            content,
            attributes,
            other: Vec::new(),
            offset: 0,
        };
        let all = values().map(|a| a.value.clone()).collect();
        match self.version {
            Version::V1 => {
                let tag = match &subject.tag {
                    Tag::Hash => hexadecimal_tag(&subject.sha1),
                    Tag::Label(label) => utf16_with_nul(label),
                };
                let info = MemberInfo::V1 {
                    subject_guid: kind.guid().to_owned(),
                    cert_version: CERT_VERSION,
                };
                let content = SpcIndirectData::write(&data, oid::SHA1, &subject.sha1);
                self.add_member(member(tag, info, Some(content), all))
            }
            Version::V2 => {
                if let Tag::Label(label) = subject.tag {
                    return Err(BuildError::LabelInV2(label));
                }
                let info = MemberInfo::V2(kind);
                let content = SpcIndirectData::write(&data, oid::SHA256, &subject.sha256);
                let twin = values().filter(|a| a.in_twin);
                let twin = twin.map(|a| a.value.clone()).collect();
                self.add_member(member(
                    subject.sha256.to_vec(),
                    info.clone(),
                    Some(content),
                    all,
                ))?;
                self.add_member(member(subject.sha1.to_vec(), info, None, twin))
            }
        }
    }

    /// Adds an entry as it is.
    ///
    /// # Errors
    /// [`BuildError::Conflict`] where its tag is taken by an entry that differs in more than attributes.
    pub fn add_member(&mut self, member: Member) -> Result<(), BuildError> {
        match self.members.entry(member.tag.clone()) {
            Entry::Vacant(place) => {
                place.insert(member);
            }
            Entry::Occupied(mut place) => {
                let listed = place.get_mut();
                if listed.info != member.info || listed.content != member.content {
                    return Err(BuildError::Conflict(describe_tag(self.version, &member)));
                }
                add_missing(&mut listed.attributes, member.attributes);
                add_missing(&mut listed.other, member.other);
            }
        }
        Ok(())
    }

    /// Encodes the catalog, unsigned. Two catalogs should not have one `list_identifier`; `makecat` draws 16 bytes
    /// at random.
    ///
    /// # Errors
    /// [`BuildError::Empty`], and where the result is more than [`super::Catalog::parse`] reads.
    pub fn write(&self, list_identifier: &[u8]) -> Result<Vec<u8>, BuildError> {
        match self.members.len() {
            0 => return Err(BuildError::Empty),
            count if count > MAX_MEMBERS => return Err(BuildError::TooManyMembers(count)),
            _ => {}
        }
        let algorithm = match self.version {
            Version::V1 => oid::CATALOG_LIST_MEMBER,
            Version::V2 => oid::CATALOG_LIST_MEMBER_V2,
        };
        let members: Vec<u8> = self.members.values().flat_map(Member::write).collect();
        let mut list = [
            der::sequence(&[&der::oid(oid::CATALOG_LIST)]),
            der::octet_string(list_identifier),
            der_time::write(self.this_update),
            der::algorithm_with_null(algorithm),
            der::tlv(der::SEQUENCE, &members),
        ]
        .concat();
        if !self.attributes.is_empty() {
            let extension = |attribute: &NameValue| {
                let value = der::octet_string(&attribute.write());
                der::sequence(&[&der::oid(oid::CAT_NAME_VALUE), &value])
            };
            let extensions: Vec<u8> = self.attributes.iter().flat_map(extension).collect();
            let extensions = der::tlv(der::SEQUENCE, &extensions);
            list.extend(der::tlv(der::context(0), &extensions));
        }
        let bytes = bare(&der::tlv(der::SEQUENCE, &list));
        match bytes.len() as u64 > MAX_CATALOG {
            true => Err(BuildError::TooLarge(bytes.len())),
            false => Ok(bytes),
        }
    }
}

fn add_missing<T: PartialEq>(listed: &mut Vec<T>, more: Vec<T>) {
    for value in more {
        if !listed.contains(&value) {
            listed.push(value);
        }
    }
}

fn describe_tag(version: Version, member: &Member) -> String {
    let digits = || member.tag.iter().map(|byte| format!("{byte:02x}"));
    let label = member.label().filter(|_| version == Version::V1);
    label.unwrap_or_else(|| digits().collect())
}
