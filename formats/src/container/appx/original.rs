//! What signing changes besides adding the signature, kept in the signature so that it can be undone to the byte.
//!
//! The list of content types is compressed anew when the signature is announced in it, and the end record is put into
//! the form that the digest demands. Neither can be inferred from the result. A signed attribute holds both as they were;
//! the identifier is one of those that anyone can make from a UUID (X.667), so no reader knows it and none minds.
//!
//! ```text
//! ProofmarkOriginal ::= SEQUENCE {
//!   endOfCentralDirectoryRecord OCTET STRING,           -- 22 bytes
//!   contentTypes                OCTET STRING OPTIONAL } -- data of [Content_Types].xml, where they were changed
//! ```

use super::end::RECORD;
use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;
use crate::oid::{self, Oid};
use crate::signed_data::SignedData;

/// The attribute's type.
pub const ORIGINAL: Oid<'static> = oid::PROOFMARK_ORIGINAL;

/// An archive's changed parts as they were before it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) end: [u8; RECORD],
    pub(super) content_types: Option<Vec<u8>>,
}

impl Original {
    /// Encodes the attribute's value.
    pub(super) fn write(&self) -> Vec<u8> {
        let content_types = self.content_types.as_deref().map(der::octet_string);
        der::sequence(&[
            &der::octet_string(&self.end),
            content_types.as_deref().unwrap_or_default(),
        ])
    }

    /// Finds the attribute in a signature; `None` where another tool signed, or where it is malformed.
    pub(super) fn find(signature: &[u8]) -> Option<Self> {
        let signed_data = SignedData::read(signature, 0).ok()?;
        let [signer] = signed_data.signer_infos.as_slice() else {
            return None;
        };
        let value = signer.signed_attributes.as_ref()?.single(ORIGINAL)?;
        Self::read(value).ok()
    }

    fn read(value: Tlv<'_>) -> Result<Self, ParseError> {
        let mut file = Reader::new("ProofmarkOriginal", value.raw, value.offset);
        let sequence = file.expect("ProofmarkOriginal", der::SEQUENCE)?;
        let mut reader = sequence.reader("ProofmarkOriginal");
        let end = reader.expect("endOfCentralDirectoryRecord", der::OCTET_STRING)?;
        let content_types = reader.optional("contentTypes", der::OCTET_STRING)?;
        reader.finish()?;
        let length = end.value.len();
        let end = end.value.try_into().map_err(|_| {
            reader.invalid(
                "endOfCentralDirectoryRecord",
                format_args!("{length} bytes"),
                RECORD,
            )
        })?;
        Ok(Self {
            end,
            content_types: content_types.map(|tlv| tlv.value.to_vec()),
        })
    }
}
