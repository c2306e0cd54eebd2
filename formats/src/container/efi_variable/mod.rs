//! Authenticated UEFI variables (`SetVariable_db.bin`, `.auth`): what `SetVariable()` is given to set a key of secure boot.
//!
//! `EFI_VARIABLE_AUTHENTICATION_2` and the new content (UEFI specification, "Variable Services"), little-endian:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 16 | `TimeStamp`, an `EFI_TIME` |
//! | 16 | 4 | `AuthInfo.Hdr.dwLength`, from here to the end of the signature |
//! | 20 | 2 | `AuthInfo.Hdr.wRevision`, 0x0200 |
//! | 22 | 2 | `AuthInfo.Hdr.wCertificateType`, `WIN_CERT_TYPE_EFI_GUID` |
//! | 24 | 16 | `AuthInfo.CertType`, `EFI_CERT_TYPE_PKCS7_GUID` |
//! | 40 | | `AuthInfo.CertData`, a `SignedData` with or without its `ContentInfo` |
//! | | | the content, for the variables of secure boot a row of `EFI_SIGNATURE_LIST` |
//!
//! The signature is over the variable's name, its vendor, its attributes, the time and the content, of which the file
//! has only the last two.

mod signature_list;
mod variable;

use std::fmt;
use std::io::{Read, Seek};
use std::ops::Range;

use super::read_whole;
use crate::cursor::Cursor;
use crate::error::ParseError;
use crate::guid::Guid;

pub use signature_list::{Entry, EntryKind, SignatureList};
pub use variable::Variable;

/// Largest file that is read into memory; the list of revoked hashes, the longest of all, has some tens of KiB.
pub const MAX_VARIABLE: u64 = 4 << 20;
/// `wRevision` and `wCertificateType` as they stand in a file, at offset 20.
const MAGIC: [u8; 4] = [0x00, 0x02, 0xf1, 0x0e];
const MAGIC_OFFSET: usize = 20;
const EFI_CERT_TYPE_PKCS7: Guid = Guid::from_u128(0x4aafd29d_68df_49ee_8aa9_347d375665a7);
/// Bytes of `WIN_CERTIFICATE_UEFI_GUID` without its data.
const CERTIFICATE_HEADER: u32 = 24;

/// Attributes of a variable that a signature with a time authenticates: non-volatile, for boot and run time.
pub const ATTRIBUTES: u32 = 0x27;
/// The same, where the content is added to what there is.
pub const ATTRIBUTES_APPEND: u32 = 0x67;

/// `EFI_TIME`, in the parts that authentication uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EfiTime {
    /// `Year`, 1900 to 9999.
    pub year: u16,
    /// `Month`, from 1.
    pub month: u8,
    /// `Day`, from 1.
    pub day: u8,
    /// `Hour`, to 23.
    pub hour: u8,
    /// `Minute`, to 59.
    pub minute: u8,
    /// `Second`, to 59.
    pub second: u8,
}

impl EfiTime {
    /// Whether a calendar has it; firmware takes no content that is older than what it has.
    pub fn is_valid(&self) -> bool {
        (1900..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }
}

impl fmt::Display for EfiTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// New content of a variable, with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EfiVariable {
    bytes: Vec<u8>,
    time: EfiTime,
    signature: Range<usize>,
    lists: Vec<SignatureList>,
    faults: Vec<ParseError>,
    variable: Option<Variable>,
}

impl EfiVariable {
    /// Reads a file of at most [`MAX_VARIABLE`] bytes.
    ///
    /// # Errors
    /// Where the input is none; the message names field and offset.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        Self::parse(read_whole(
            input,
            "EFI_VARIABLE_AUTHENTICATION_2",
            MAX_VARIABLE,
        )?)
    }

    /// Reads a file from memory.
    ///
    /// # Errors
    /// As [`EfiVariable::read`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ParseError> {
        let mut reader = Cursor::new("EFI_VARIABLE_AUTHENTICATION_2", &bytes, 0);
        let time = EfiTime {
            year: reader.u16("Year")?,
            month: reader.u8("Month")?,
            day: reader.u8("Day")?,
            hour: reader.u8("Hour")?,
            minute: reader.u8("Minute")?,
            second: reader.u8("Second")?,
        };
        let mut faults = Vec::new();
        if !time.is_valid() {
            let wanted = "a time of the calendar";
            faults.push(reader.invalid("TimeStamp", time, wanted));
        }
        let rest: [u8; 9] = reader.array("TimeStamp")?;
        if rest != [0; 9] {
            let wanted = "zeros behind the seconds";
            faults.push(reader.invalid("TimeStamp", "other bytes", wanted));
        }
        let length = reader.u32("dwLength")?;
        let magic: [u8; 4] = reader.array("wRevision")?;
        if magic != MAGIC {
            let wanted = "revision 0x0200 and WIN_CERT_TYPE_EFI_GUID";
            return Err(reader.invalid("wCertificateType", hex(&magic), wanted));
        }
        let kind = Guid(reader.array("CertType")?);
        if kind != EFI_CERT_TYPE_PKCS7 {
            return Err(reader.invalid("CertType", kind, EFI_CERT_TYPE_PKCS7));
        }
        let Some(length) = length.checked_sub(CERTIFICATE_HEADER) else {
            return Err(reader.invalid("dwLength", length, "at least 24"));
        };
        let start = reader.position();
        reader.bytes("CertData", usize::try_from(length).unwrap_or(usize::MAX))?;
        let signature = start..reader.position();
        let lists = signature_list::read_all(&mut reader)?;
        Ok(Self {
            time,
            signature,
            lists,
            faults,
            variable: None,
            bytes,
        })
    }

    /// `TimeStamp`.
    pub fn time(&self) -> EfiTime {
        self.time
    }

    /// The lists that become the variable's content, in order.
    pub fn lists(&self) -> &[SignatureList] {
        &self.lists
    }

    /// `CertData`, and its file offset.
    pub fn signature(&self) -> (&[u8], u64) {
        let der = self.bytes.get(self.signature.clone()).unwrap_or_default();
        (der, self.signature.start as u64)
    }

    /// Bytes that the signature does not cover, or covers only in part, and that are not what they must be.
    pub fn canonical_faults(&self) -> &[ParseError] {
        &self.faults
    }

    /// Which variable it is taken for; `None` where nobody said.
    pub fn variable(&self) -> Option<Variable> {
        self.variable
    }

    /// Takes it for this variable.
    pub fn assume(&mut self, variable: Option<Variable>) {
        self.variable = variable;
    }

    /// What a signature covers if this is to become `variable`, with these attributes.
    pub fn message(&self, variable: Variable, attributes: u32) -> Vec<u8> {
        let name = variable.name().encode_utf16();
        let mut message: Vec<u8> = name.flat_map(u16::to_le_bytes).collect();
        message.extend(variable.vendor().0);
        message.extend(attributes.to_le_bytes());
        message.extend(self.bytes.get(..16).unwrap_or_default());
        message.extend(self.bytes.get(self.signature.end..).unwrap_or_default());
        message
    }
}

/// Whether a file that begins so is one.
pub(super) fn is_variable(beginning: &[u8]) -> bool {
    let end = MAGIC_OFFSET.saturating_add(MAGIC.len());
    beginning.get(MAGIC_OFFSET..end) == Some(&MAGIC)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
