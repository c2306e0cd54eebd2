//! Members of a catalog and the names and values attached to them: reading and writing side by side.
//!
//! ```text
//! TrustedSubject ::= SEQUENCE { subjectIdentifier OCTET STRING, subjectAttributes SET OF Attribute }
//! Attribute      ::= SEQUENCE { type OID, values SET }
//!   CAT_MEMBERINFO_OBJID       SEQUENCE { subjectGuid BMPString, certVersion INTEGER }   version 1
//!   CAT_MEMBERINFO2_OBJID      CHOICE { peImage [0] NULL, cabinet [1] NULL, flat [2] NULL }   version 2
//!   SPC_INDIRECT_DATA_OBJID    SpcIndirectDataContent
//!   CAT_NAMEVALUE_OBJID        SEQUENCE { name BMPString, flags INTEGER, value OCTET STRING }
//! ```

use std::fmt;

use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;
use crate::oid;
use crate::spc::SpcIndirectData;

/// Bits of [`NameValue::flags`], as the attributes of a `makecat` definition have them.
pub mod flags {
    /// The attribute has a name, not an object identifier.
    pub const NAME: u32 = 0x0000_0001;
    /// The attribute has an object identifier instead of a name.
    pub const OID: u32 = 0x0000_0002;
    /// The value is text.
    pub const TEXT: u32 = 0x0001_0000;
    /// The value is bytes, which the definition gives in base64.
    pub const BASE64: u32 = 0x0002_0000;
    /// The attribute is not repeated in the SHA-1 twin. Stands in definitions only, never in a catalog.
    pub const NOT_IN_TWIN: u32 = 0x0100_0000;
    /// The attribute is signed.
    pub const AUTHENTICATED: u32 = 0x1000_0000;
    /// The attribute is not signed.
    pub const UNAUTHENTICATED: u32 = 0x2000_0000;
}

/// Which kind of file a member is, and so what of it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// A PE image: everything but checksum, certificate table and its directory entry.
    Pe,
    /// A cabinet: everything but reserved1 and the signature's place.
    Cabinet,
    /// Any other file: all of it.
    Flat,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Pe, Self::Cabinet, Self::Flat];

    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pe => "pe",
            Self::Cabinet => "cab",
            Self::Flat => "flat",
        }
    }

    /// The subject interface package that hashes such files, as version 1 catalogs name it.
    pub fn guid(self) -> &'static str {
        match self {
            Self::Pe => "{C689AAB8-8E78-11D0-8C47-00C04FC295EE}",
            Self::Cabinet => "{C689AABA-8E78-11D0-8C47-00C04FC295EE}",
            Self::Flat => "{DE351A42-8E59-11D0-8C47-00C04FC295EE}",
        }
    }

    /// The kind that a GUID in braces names, in either case of letters.
    pub fn from_guid(guid: &str) -> Option<Self> {
        let mut kinds = Self::ALL.into_iter();
        kinds.find(|kind| kind.guid().eq_ignore_ascii_case(guid))
    }

    /// The tag by which version 2 catalogs name it.
    fn tag(self) -> u8 {
        der::context_primitive(match self {
            Self::Pe => 0,
            Self::Cabinet => 1,
            Self::Flat => 2,
        })
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pe => "PE image",
            Self::Cabinet => "cabinet",
            Self::Flat => "flat file",
        })
    }
}

/// What a member says about the kind of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberInfo {
    /// Version 1.
    V1 {
        /// The GUID of the subject interface package, in braces.
        subject_guid: String,
        /// `certVersion`, 0x200.
        cert_version: u32,
    },
    /// Version 2.
    V2(SubjectKind),
}

impl MemberInfo {
    /// The kind of file, where it is a known one.
    pub fn kind(&self) -> Option<SubjectKind> {
        match self {
            Self::V1 { subject_guid, .. } => SubjectKind::from_guid(subject_guid),
            Self::V2(kind) => Some(*kind),
        }
    }

    /// Encodes the attribute.
    fn write(&self) -> Vec<u8> {
        match self {
            Self::V1 {
                subject_guid,
                cert_version,
            } => {
                let guid = der::tlv(der::BMP_STRING, &der::bmp_content(subject_guid));
                let value = der::sequence(&[&guid, &der::integer(*cert_version)]);
                attribute(oid::CAT_MEMBER_INFO, &value)
            }
            Self::V2(kind) => attribute(oid::CAT_MEMBER_INFO_V2, &der::tlv(kind.tag(), &[])),
        }
    }
}

/// A name and value attached to a member or to the catalog (`CAT_NAMEVALUE_OBJID`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameValue {
    /// `name`.
    pub name: String,
    /// `flags`, a combination of [`flags`].
    pub flags: u32,
    /// `value`: UTF-16LE with a final NUL, or raw bytes under [`flags::BASE64`].
    pub value: Vec<u8>,
}

impl NameValue {
    /// A signed name with a text.
    pub fn from_text(name: impl Into<String>, text: &str) -> Self {
        Self {
            name: name.into(),
            flags: flags::AUTHENTICATED | flags::TEXT | flags::NAME,
            value: utf16_with_nul(text),
        }
    }

    /// The value as text without its final NUL; `None` where the flags say that it is binary.
    pub fn text(&self) -> Option<String> {
        if self.flags & flags::BASE64 != 0 {
            return None;
        }
        let units = units(&self.value, u16::from_le_bytes);
        Some(
            String::from_utf16_lossy(&units)
                .trim_end_matches('\0')
                .to_owned(),
        )
    }

    /// Reads the structure.
    pub(super) fn read(value: Tlv<'_>) -> Result<Self, ParseError> {
        let mut reader = value.reader("CatNameValue");
        let name = read_bmp(&mut reader, "name")?;
        let flags = reader.small_integer("flags")?;
        let value = reader.expect("value", der::OCTET_STRING)?.value.to_vec();
        reader.finish()?;
        Ok(Self { name, flags, value })
    }

    /// Encodes the structure.
    pub(super) fn write(&self) -> Vec<u8> {
        der::sequence(&[
            &der::tlv(der::BMP_STRING, &der::bmp_content(&self.name)),
            &der::integer(self.flags),
            &der::octet_string(&self.value),
        ])
    }
}

/// One entry of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The tag by which the member is found: a digest, its UTF-16 hexadecimal form, or a name in UTF-16.
    pub tag: Vec<u8>,
    /// The kind of file.
    pub info: Option<MemberInfo>,
    /// The encoded `SpcIndirectDataContent`, which states the digest; absent in SHA-1 twins.
    pub content: Option<Vec<u8>>,
    /// Names and values.
    pub attributes: Vec<NameValue>,
    /// Attributes of other types, each encoded.
    pub other: Vec<Vec<u8>>,
    /// File offset of the member; 0 for one that was not read from a file.
    pub offset: u64,
}

impl Member {
    /// The digest by which the member is looked up, hexadecimal tags decoded.
    pub fn digest_tag(&self) -> Vec<u8> {
        self.label()
            .as_deref()
            .and_then(decode_hex)
            .unwrap_or_else(|| self.tag.clone())
    }

    /// The tag as text, where it is UTF-16, the final NUL left out. Version 2 tags are digests, which read as text
    /// by accident only.
    pub fn label(&self) -> Option<String> {
        if !self.tag.len().is_multiple_of(2) {
            return None;
        }
        let units = units(&self.tag, u16::from_le_bytes);
        let text = units.strip_suffix(&[0]).unwrap_or(&units);
        let text = String::from_utf16(text).ok()?;
        (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
    }

    /// What the member states about its file; `None` in SHA-1 twins.
    pub fn indirect_data(&self) -> Option<SpcIndirectData<'_>> {
        let content = self.content.as_deref()?;
        let element = Reader::new("SpcIndirectDataContent", content, self.offset)
            .next("content")
            .ok()?;
        SpcIndirectData::read(element).ok()
    }

    /// The text of the first attribute called `name`.
    pub fn text(&self, name: &str) -> Option<String> {
        let mut attributes = self.attributes.iter();
        attributes.find(|a| a.name == name)?.text()
    }

    /// Reads one entry.
    pub(super) fn read(element: Tlv<'_>) -> Result<Self, ParseError> {
        let mut reader = element.reader("TrustedSubject");
        let mut member = Self {
            tag: reader.expect("tag", der::OCTET_STRING)?.value.to_vec(),
            info: None,
            content: None,
            attributes: Vec::new(),
            other: Vec::new(),
            offset: element.offset,
        };
        if let Some(set) = reader.optional("attributes", der::SET)? {
            for attribute in sequences(set, "TrustedSubject", "attribute")? {
                member.read_attribute(attribute)?;
            }
        }
        reader.finish()?;
        Ok(member)
    }

    fn read_attribute(&mut self, element: Tlv<'_>) -> Result<(), ParseError> {
        let mut attribute = element.reader("Attribute");
        let kind = attribute.oid("type")?;
        let values = attribute.expect("values", der::SET)?;
        attribute.finish()?;
        let values = values.reader("Attribute").all("value")?;
        let [value] = *values.as_slice() else {
            self.other.push(element.raw.to_vec());
            return Ok(());
        };
        match kind {
            _ if value.tag != der::SEQUENCE && kind != oid::CAT_MEMBER_INFO_V2 => {
                self.other.push(element.raw.to_vec());
            }
            oid::CAT_NAME_VALUE => self.attributes.push(NameValue::read(value)?),
            oid::SPC_INDIRECT_DATA if self.content.is_none() => {
                SpcIndirectData::read(value)?;
                self.content = Some(value.raw.to_vec());
            }
            oid::CAT_MEMBER_INFO if self.info.is_none() => self.info = Some(read_info(value)?),
            oid::CAT_MEMBER_INFO_V2 if self.info.is_none() && value.value.is_empty() => {
                let kind = SubjectKind::ALL.into_iter().find(|k| k.tag() == value.tag);
                match kind {
                    Some(kind) => self.info = Some(MemberInfo::V2(kind)),
                    None => self.other.push(element.raw.to_vec()),
                }
            }
            _ => self.other.push(element.raw.to_vec()),
        }
        Ok(())
    }

    /// Encodes the entry, its attributes in DER order.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut attributes = self.other.clone();
        attributes.extend(self.info.as_ref().map(MemberInfo::write));
        attributes.extend(
            self.content
                .as_ref()
                .map(|content| attribute(oid::SPC_INDIRECT_DATA, content)),
        );
        let names = self.attributes.iter().map(NameValue::write);
        attributes.extend(names.map(|value| attribute(oid::CAT_NAME_VALUE, &value)));
        der::sequence(&[&der::octet_string(&self.tag), &der::set_of(attributes)])
    }
}

fn attribute(kind: oid::Oid<'_>, value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(kind), &der::tlv(der::SET, value)])
}

/// The elements of a SET or SEQUENCE OF SEQUENCE.
pub(super) fn sequences<'a>(
    set: Tlv<'a>,
    structure: &'static str,
    field: &'static str,
) -> Result<Vec<Tlv<'a>>, ParseError> {
    let mut reader = set.reader(structure);
    let mut elements = Vec::new();
    while !reader.is_empty() {
        elements.push(reader.expect(field, der::SEQUENCE)?);
    }
    Ok(elements)
}

fn read_info(value: Tlv<'_>) -> Result<MemberInfo, ParseError> {
    let mut reader = value.reader("CatMemberInfo");
    let subject_guid = read_bmp(&mut reader, "subjectGuid")?;
    let cert_version = reader.small_integer("certVersion")?;
    reader.finish()?;
    Ok(MemberInfo::V1 {
        subject_guid,
        cert_version,
    })
}

fn read_bmp(reader: &mut Reader<'_>, field: &'static str) -> Result<String, ParseError> {
    let place = reader.clone();
    let value = reader.expect(field, der::BMP_STRING)?.value;
    if !value.len().is_multiple_of(2) {
        let found = format_args!("{} octets", value.len());
        return Err(place.invalid(field, found, "an even number"));
    }
    Ok(String::from_utf16_lossy(&units(value, u16::from_be_bytes)))
}

/// The UTF-16 code units of `bytes`.
fn units(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2);
    pairs.filter_map(|p| p.try_into().ok().map(&unit)).collect()
}

/// Text as tags and values have it: UTF-16LE with a final NUL.
pub(super) fn utf16_with_nul(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain(std::iter::once(0));
    units.flat_map(u16::to_le_bytes).collect()
}

/// The tag of a digest in version 1 catalogs.
pub(super) fn hexadecimal_tag(digest: &[u8]) -> Vec<u8> {
    let text: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    utf16_with_nul(&text)
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
