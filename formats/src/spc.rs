//! `SpcIndirectDataContent` and its neighbours: what an Authenticode signature says about a file.

use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;
use crate::oid::{self, Oid};

/// Class of the moniker whose data are the enhanced hash, or page hashes: `{A6B586D5-…}` as it stands in files.
pub const SPC_CLASS_UUID: [u8; 16] = [
    0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6,
];

/// ```text
/// SpcIndirectDataContent ::= SEQUENCE {
///   data          SpcAttributeTypeAndOptionalValue,   -- SEQUENCE { type OID, value ANY OPTIONAL }
///   messageDigest DigestInfo }                        -- SEQUENCE { AlgorithmIdentifier, OCTET STRING }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpcIndirectData<'a> {
    /// `data.type`.
    pub data_type: Oid<'a>,
    /// `data.value`.
    pub data_value: Option<Tlv<'a>>,
    /// `messageDigest.digestAlgorithm.algorithm`.
    pub digest_algorithm: Oid<'a>,
    /// `messageDigest.digest`.
    pub digest: &'a [u8],
}

impl<'a> SpcIndirectData<'a> {
    /// Reads the content element of a signature.
    ///
    /// # Errors
    /// Where the structure differs from the one above.
    pub fn read(content: Tlv<'a>) -> Result<Self, ParseError> {
        let mut reader = content.reader("SpcIndirectDataContent");
        let mut data = reader
            .expect("data", der::SEQUENCE)?
            .reader("SpcAttributeTypeAndOptionalValue");
        let data_type = data.oid("type")?;
        let data_value = match data.is_empty() {
            true => None,
            false => Some(data.next("value")?),
        };
        data.finish()?;
        let mut info = reader
            .expect("messageDigest", der::SEQUENCE)?
            .reader("DigestInfo");
        reader.finish()?;
        let mut algorithm = info
            .expect("digestAlgorithm", der::SEQUENCE)?
            .reader("AlgorithmIdentifier");
        let digest_algorithm = algorithm.oid("algorithm")?;
        let digest = info.expect("digest", der::OCTET_STRING)?.value;
        info.finish()?;
        Ok(Self {
            data_type,
            data_value,
            digest_algorithm,
            digest,
        })
    }

    /// Encodes a content element from an encoded `SpcAttributeTypeAndOptionalValue` and a digest.
    pub fn write(data: &[u8], digest_algorithm: Oid<'_>, digest: &[u8]) -> Vec<u8> {
        der::sequence(&[
            data,
            &der::sequence(&[
                &der::algorithm_with_null(digest_algorithm),
                &der::octet_string(digest),
            ]),
        ])
    }
}

/// The enhanced hash of a cabinet: SHA-256 of the signature's offset as it stands in the header, which the
/// cabinet's own digest leaves out. Written by Windows 8 and later as the data of an `SpcLink` moniker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedHash<'a>(pub &'a [u8]);

impl<'a> EnhancedHash<'a> {
    /// Finds the enhanced hash in the `data` of a cabinet's signature; `None` where the signer wrote none.
    ///
    /// # Errors
    /// Where there is such a moniker and its data are malformed.
    pub fn find(data: &SpcIndirectData<'a>) -> Result<Option<Self>, ParseError> {
        let Some(link) = data
            .data_value
            .filter(|v| data.data_type == oid::SPC_LINK && v.tag == der::context(1))
        else {
            return Ok(None);
        };
        for (kind, values) in serialized_attributes(link)? {
            if kind == oid::SPC_ENHANCED_HASH {
                let mut values = values.reader("SpcEnhancedHash");
                let hash = values.expect("value", der::OCTET_STRING)?;
                values.finish()?;
                return Ok(Some(Self(hash.value)));
            }
        }
        Ok(None)
    }

    /// Encodes the `data` of a cabinet's signature.
    pub fn write(&self) -> Vec<u8> {
        let link = write_moniker(&[(oid::SPC_ENHANCED_HASH, self.0)]);
        der::sequence(&[&der::oid(oid::SPC_LINK), &link])
    }
}

/// The types and value sets of the attributes in a moniker of [`SPC_CLASS_UUID`]; none where it is of another class.
///
/// ```text
/// SpcLink ::= CHOICE { moniker [1] IMPLICIT SpcSerializedObject, ... }
/// SpcSerializedObject ::= SEQUENCE { classId OCTET STRING, serializedData OCTET STRING }
///                                          -- here SET OF SEQUENCE { type OID, values SET }
/// ```
fn serialized_attributes(link: Tlv<'_>) -> Result<Vec<(Oid<'_>, Tlv<'_>)>, ParseError> {
    let mut moniker = link.reader("SpcSerializedObject");
    let class = moniker.expect("classId", der::OCTET_STRING)?;
    let serialized = moniker.expect("serializedData", der::OCTET_STRING)?;
    moniker.finish()?;
    if class.value != SPC_CLASS_UUID {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(
        "SpcSerializedObject",
        serialized.value,
        serialized.value_offset(),
    );
    let set = reader.expect("serializedData", der::SET)?;
    reader.finish()?;
    let mut attributes = Vec::new();
    for attribute in set.reader("SpcSerializedObject").all("attribute")? {
        let mut reader = attribute.reader("SpcSerializedObject");
        let kind = reader.oid("type")?;
        let values = reader.expect("values", der::SET)?;
        reader.finish()?;
        attributes.push((kind, values));
    }
    Ok(attributes)
}

/// Encodes an `SpcLink` with a moniker of [`SPC_CLASS_UUID`] that has these attributes, each with one value.
fn write_moniker(attributes: &[(Oid<'_>, &[u8])]) -> Vec<u8> {
    let attribute = |(kind, value): &(Oid<'_>, &[u8])| {
        let values = der::tlv(der::SET, &der::octet_string(value));
        der::sequence(&[&der::oid(*kind), &values])
    };
    let serialized = der::set_of(attributes.iter().map(attribute).collect());
    let moniker = [
        der::octet_string(&SPC_CLASS_UUID),
        der::octet_string(&serialized),
    ];
    der::tlv(der::context(1), &moniker.concat())
}

/// What the signature of a PE image says besides the digest: hashes of its pages, if anything.
///
/// ```text
/// SpcPeImageData ::= SEQUENCE { flags BIT STRING DEFAULT includeResources, file [0] EXPLICIT SpcLink OPTIONAL }
/// ```
///
/// Without page hashes, `file` is an empty file name, or `<<<Obsolete>>>` of old signers; it has no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpcPeImageData<'a> {
    /// Type ([`oid::SPC_PAGE_HASHES_V1`] or [`oid::SPC_PAGE_HASHES_V2`]) and table of each set of page hashes.
    pub page_hashes: Vec<(Oid<'a>, &'a [u8])>,
}

impl<'a> SpcPeImageData<'a> {
    /// Reads the `data` of an image's signature.
    ///
    /// # Errors
    /// Where it is of another type, malformed, or a moniker that holds something else than page hashes.
    pub fn read(data: &SpcIndirectData<'a>) -> Result<Self, ParseError> {
        let structure = "SpcPeImageData";
        let value = match data.data_value {
            Some(value) if data.data_type == oid::SPC_PE_IMAGE_DATA => value,
            _ => {
                let offset = data.data_value.map(|value| value.offset);
                return Err(ParseError::invalid(
                    structure,
                    "type",
                    offset.unwrap_or_default(),
                    data.data_type,
                    format_args!("{} with a value", oid::SPC_PE_IMAGE_DATA),
                ));
            }
        };
        let mut reader = value.reader(structure);
        reader.optional("flags", der::BIT_STRING)?;
        let file = reader.optional("file", der::context(0))?;
        reader.finish()?;
        let mut page_hashes = Vec::new();
        if let Some(file) = file {
            let mut file = file.reader(structure);
            let link = file.next("file")?;
            file.finish()?;
            let attributes = match link.tag == der::context(1) {
                true => serialized_attributes(link)?,
                false => Vec::new(),
            };
            for (kind, values) in attributes {
                if kind != oid::SPC_PAGE_HASHES_V1 && kind != oid::SPC_PAGE_HASHES_V2 {
                    let expected = "page hashes";
                    return Err(values.reader(structure).invalid("type", kind, expected));
                }
                let mut values = values.reader(structure);
                let table = values.expect("page hashes", der::OCTET_STRING)?;
                values.finish()?;
                page_hashes.push((kind, table.value));
            }
        }
        Ok(Self { page_hashes })
    }

    /// Encodes the `data` of an image's signature, as `signtool` writes it: no flags, and an empty file name unless
    /// there are page hashes.
    pub fn write(&self) -> Vec<u8> {
        let file = match self.page_hashes.as_slice() {
            [] => der::tlv(der::context(2), &der::tlv(der::context_primitive(0), &[])),
            page_hashes => write_moniker(page_hashes),
        };
        let value = der::sequence(&[
            &der::tlv(der::BIT_STRING, &[0]),
            &der::tlv(der::context(0), &file),
        ]);
        der::sequence(&[&der::oid(oid::SPC_PE_IMAGE_DATA), &value])
    }
}

/// Which program of Windows (a SIP) hashes a file, for formats that have no data type of their own.
///
/// ```text
/// SpcSipInfo ::= SEQUENCE { version INTEGER, uuid OCTET STRING, 5 × INTEGER 0 }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpcSipInfo {
    /// Version of the program's interface.
    pub version: u32,
    /// Identifier of the program: a GUID as Windows lays it out.
    pub uuid: [u8; 16],
}

impl SpcSipInfo {
    /// `{0AC5DF4B-CE07-4DE2-B76E-23C839A09FD1}`: app packages.
    pub const PACKAGE: Self = Self {
        version: 0x0101_0000,
        uuid: [
            0x4b, 0xdf, 0xc5, 0x0a, 0x07, 0xce, 0xe2, 0x4d, 0xb7, 0x6e, 0x23, 0xc8, 0x39, 0xa0,
            0x9f, 0xd1,
        ],
    };
    /// `{0F5F58B3-AADE-4B9A-A434-95742D92ECEB}`: bundles of app packages.
    pub const BUNDLE: Self = Self {
        version: 0x0101_0000,
        uuid: [
            0xb3, 0x58, 0x5f, 0x0f, 0xde, 0xaa, 0x9a, 0x4b, 0xa4, 0x34, 0x95, 0x74, 0x2d, 0x92,
            0xec, 0xeb,
        ],
    };

    /// Reads the `data` of a signature; `None` where it is of another type.
    ///
    /// # Errors
    /// Where the structure differs from the one above.
    pub fn read(data: &SpcIndirectData<'_>) -> Result<Option<Self>, ParseError> {
        let Some(value) = data
            .data_value
            .filter(|_| data.data_type == oid::SPC_SIP_INFO)
        else {
            return Ok(None);
        };
        let mut outer = Reader::new("SpcSipInfo", value.raw, value.offset);
        let mut reader = outer
            .expect("SpcSipInfo", der::SEQUENCE)?
            .reader("SpcSipInfo");
        let version = reader.small_integer("version")?;
        let uuid = reader.expect("uuid", der::OCTET_STRING)?;
        for _ in 0..5 {
            reader.small_integer("reserved")?;
        }
        reader.finish()?;
        let found = format!("{} bytes", uuid.value.len());
        let uuid = uuid
            .value
            .try_into()
            .map_err(|_| ParseError::invalid("SpcSipInfo", "uuid", uuid.offset, found, 16))?;
        Ok(Some(Self { version, uuid }))
    }

    /// Encodes the `data` of a signature.
    pub fn write(&self) -> Vec<u8> {
        let zero = der::integer(0);
        let info = der::sequence(&[
            &der::integer(self.version),
            &der::octet_string(&self.uuid),
            &zero,
            &zero,
            &zero,
            &zero,
            &zero,
        ]);
        der::sequence(&[&der::oid(oid::SPC_SIP_INFO), &info])
    }
}

/// ```text
/// SpcSpOpusInfo ::= SEQUENCE {
///   programName [0] EXPLICIT SpcString OPTIONAL,      -- unicode [0] IMPLICIT BMPString
///   moreInfo    [1] EXPLICIT SpcLink OPTIONAL }       -- url [0] IMPLICIT IA5String
/// ```
pub fn write_opus_info(program_name: Option<&str>, more_info: Option<&str>) -> Vec<u8> {
    let mut content = Vec::new();
    if let Some(name) = program_name {
        let text = der::tlv(der::context_primitive(0), &der::bmp_content(name));
        content.extend(der::tlv(der::context(0), &text));
    }
    if let Some(url) = more_info {
        let link = der::tlv(der::context_primitive(0), url.as_bytes());
        content.extend(der::tlv(der::context(1), &link));
    }
    der::tlv(der::SEQUENCE, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_hash_is_found_where_it_was_written() {
        let hash = [0x5a; 32];
        let content = SpcIndirectData::write(&EnhancedHash(&hash).write(), oid::SHA256, &[1; 32]);
        let tlv = Reader::new("test", &content, 0).next("content").unwrap();
        let read = SpcIndirectData::read(tlv).unwrap();
        assert_eq!(read.digest, [1; 32]);
        assert_eq!(
            EnhancedHash::find(&read).unwrap(),
            Some(EnhancedHash(&hash))
        );
    }

    #[test]
    fn image_data_without_pages_is_what_signtool_writes() {
        let bare = SpcPeImageData {
            page_hashes: Vec::new(),
        };
        let written = bare.write();
        let value = [0x30, 9, 3, 1, 0, 0xa0, 4, 0xa2, 2, 0x80, 0];
        assert!(written.ends_with(&value));
        assert_eq!(written.len(), 2 + 12 + value.len());
    }

    #[test]
    fn page_hashes_are_found_where_they_were_written() {
        let data = SpcPeImageData {
            page_hashes: vec![(oid::SPC_PAGE_HASHES_V2, &[7; 72])],
        };
        let content = SpcIndirectData::write(&data.write(), oid::SHA256, &[1; 32]);
        let tlv = Reader::new("test", &content, 0).next("content").unwrap();
        let read = SpcIndirectData::read(tlv).unwrap();
        assert_eq!(SpcPeImageData::read(&read).unwrap(), data);

        let other = SpcIndirectData::write(&write_other(), oid::SHA256, &[1; 32]);
        let tlv = Reader::new("test", &other, 0).next("content").unwrap();
        let read = SpcIndirectData::read(tlv).unwrap();
        assert!(SpcPeImageData::read(&read).is_err());
    }

    /// The data of a cabinet.
    fn write_other() -> Vec<u8> {
        EnhancedHash(&[0; 32]).write()
    }

    #[test]
    fn the_program_for_a_file_is_found_where_it_was_written() {
        for info in [SpcSipInfo::PACKAGE, SpcSipInfo::BUNDLE] {
            let content = SpcIndirectData::write(&info.write(), oid::SHA256, &[1; 148]);
            let tlv = Reader::new("test", &content, 0).next("content").unwrap();
            let read = SpcIndirectData::read(tlv).unwrap();
            assert_eq!(SpcSipInfo::read(&read).unwrap(), Some(info));
        }
        let data = EnhancedHash(&[1; 32]).write();
        let content = SpcIndirectData::write(&data, oid::SHA256, &[1; 32]);
        let tlv = Reader::new("test", &content, 0).next("content").unwrap();
        let read = SpcIndirectData::read(tlv).unwrap();
        assert_eq!(SpcSipInfo::read(&read).unwrap(), None);
    }

    #[test]
    fn opus_info_writes_names_as_bmp_strings() {
        let bytes = write_opus_info(Some("Ä"), None);
        assert_eq!(bytes, [0x30, 6, 0xa0, 4, 0x80, 2, 0, 0xc4]);
        assert_eq!(write_opus_info(None, None), [0x30, 0]);
    }
}
