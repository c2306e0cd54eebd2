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
        let mut moniker = link.reader("SpcSerializedObject");
        let class = moniker.expect("classId", der::OCTET_STRING)?;
        let serialized = moniker.expect("serializedData", der::OCTET_STRING)?;
        moniker.finish()?;
        if class.value != SPC_CLASS_UUID {
            return Ok(None);
        }
        let mut reader = Reader::new(
            "SpcEnhancedHash",
            serialized.value,
            serialized.value_offset(),
        );
        let set = reader.expect("attributes", der::SET)?;
        reader.finish()?;
        for attribute in set.reader("SpcEnhancedHash").all("attribute")? {
            let mut reader = attribute.reader("SpcEnhancedHash");
            let kind = reader.oid("type")?;
            let values = reader.expect("values", der::SET)?;
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
        let serialized = der::tlv(
            der::SET,
            &der::sequence(&[
                &der::oid(oid::SPC_ENHANCED_HASH),
                &der::tlv(der::SET, &der::octet_string(self.0)),
            ]),
        );
        let moniker = [
            der::octet_string(&SPC_CLASS_UUID),
            der::octet_string(&serialized),
        ]
        .concat();
        der::sequence(&[
            &der::oid(oid::SPC_LINK),
            &der::tlv(der::context(1), &moniker),
        ])
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
    fn opus_info_writes_names_as_bmp_strings() {
        let bytes = write_opus_info(Some("Ä"), None);
        assert_eq!(bytes, [0x30, 6, 0xa0, 4, 0x80, 2, 0, 0xc4]);
        assert_eq!(write_opus_info(None, None), [0x30, 0]);
    }
}
