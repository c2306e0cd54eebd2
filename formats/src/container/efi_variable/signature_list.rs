//! `EFI_SIGNATURE_LIST`: certificates and hashes of one kind and size (UEFI specification, "Secure Boot and Driver
//! Signing").
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 16 | `SignatureType` |
//! | 16 | 4 | `SignatureListSize`, this header and all that follows |
//! | 20 | 4 | `SignatureHeaderSize` |
//! | 24 | 4 | `SignatureSize` of one entry |
//! | 28 | | the header, 0 bytes for every type in use |
//! | | | the entries: 16 bytes `SignatureOwner`, then `SignatureData` |

use std::ops::Range;

use crate::cursor::Cursor;
use crate::error::ParseError;
use crate::guid::Guid;

/// Bytes of a list's fixed fields.
const LIST_HEADER: u32 = 28;
/// Bytes of an owner.
const OWNER: usize = 16;
/// Most entries of all lists together.
const MAX_ENTRIES: usize = 1 << 16;

/// What the entries of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// An X.509 certificate.
    X509,
    /// The Authenticode SHA-1 of an image.
    Sha1,
    /// The Authenticode SHA-256 of an image.
    Sha256,
    /// The Authenticode SHA-384 of an image.
    Sha384,
    /// The Authenticode SHA-512 of an image.
    Sha512,
    /// The SHA-256 of a certificate's signed part, and since when it is revoked.
    X509Sha256,
    /// Anything else.
    Other(Guid),
}

impl EntryKind {
    const KNOWN: [(Self, Guid); 6] = [
        (
            Self::X509,
            Guid::from_u128(0xa5c059a1_94e4_4aa7_87b5_ab155c2bf072),
        ),
        (
            Self::Sha1,
            Guid::from_u128(0x826ca512_cf10_4ac9_b187_be01496631bd),
        ),
        (
            Self::Sha256,
            Guid::from_u128(0xc1c41626_504c_4092_aca9_41f936934328),
        ),
        (
            Self::Sha384,
            Guid::from_u128(0xff3e5307_9fd0_48c9_85f1_8ad56c701e01),
        ),
        (
            Self::Sha512,
            Guid::from_u128(0x093e0fae_a6c4_4f50_9f1b_d41e2b89c19a),
        ),
        (
            Self::X509Sha256,
            Guid::from_u128(0x3bd2a492_96c0_4079_b420_fcf98ef103ed),
        ),
    ];

    fn of(guid: Guid) -> Self {
        let known = Self::KNOWN.iter().find(|(_, known)| *known == guid);
        known.map_or(Self::Other(guid), |(kind, _)| *kind)
    }

    /// Bytes of the data, where the kind has a fixed number.
    fn length(self) -> Option<usize> {
        match self {
            Self::Sha1 => Some(20),
            Self::Sha256 => Some(32),
            // The hash and an EFI_TIME.
            Self::Sha384 | Self::X509Sha256 => Some(48),
            Self::Sha512 => Some(64),
            Self::X509 | Self::Other(_) => None,
        }
    }
}

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureList {
    /// `SignatureType`.
    pub kind: EntryKind,
    /// Place of the list in the file.
    pub place: Range<u64>,
    /// The entries in order.
    pub entries: Vec<Entry>,
}

/// One certificate or hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `SignatureOwner`.
    pub owner: Guid,
    /// `SignatureData`.
    pub data: Vec<u8>,
    /// File offset of the data.
    pub offset: u64,
}

/// The lists that fill what is left.
pub(super) fn read_all(reader: &mut Cursor<'_>) -> Result<Vec<SignatureList>, ParseError> {
    let mut lists = Vec::new();
    let mut left = MAX_ENTRIES;
    while reader.remaining() > 0 {
        let list = read(reader, left)?;
        left = left.saturating_sub(list.entries.len());
        lists.push(list);
    }
    Ok(lists)
}

fn read(reader: &mut Cursor<'_>, most: usize) -> Result<SignatureList, ParseError> {
    let start = reader.offset();
    let kind = EntryKind::of(Guid(reader.array("SignatureType")?));
    let size = reader.u32("SignatureListSize")?;
    let header = reader.u32("SignatureHeaderSize")?;
    let entry = reader.u32("SignatureSize")?;
    let Some(body) = size
        .checked_sub(LIST_HEADER)
        .and_then(|n| n.checked_sub(header))
    else {
        let wanted = "the fixed fields, the header and the entries";
        return Err(reader.invalid("SignatureListSize", size, wanted));
    };
    let entry = usize::try_from(entry).unwrap_or(usize::MAX);
    let body = usize::try_from(body).unwrap_or(usize::MAX);
    let length = entry.checked_sub(OWNER).filter(|length| *length > 0);
    let wanted = kind.length();
    let (Some(length), Some(0)) = (length, body.checked_rem(entry)) else {
        return Err(reader.invalid(
            "SignatureSize",
            entry,
            "a divisor of the list's rest, over 16",
        ));
    };
    if let Some(wanted) = wanted.filter(|wanted| *wanted != length) {
        let wanted = wanted.saturating_add(OWNER);
        return Err(reader.invalid("SignatureSize", entry, wanted));
    }
    let count = body.checked_div(entry).unwrap_or_default();
    if count > most {
        return Err(reader.invalid("SignatureListSize", count, "at most 65536 entries"));
    }
    reader.bytes(
        "SignatureHeader",
        usize::try_from(header).unwrap_or(usize::MAX),
    )?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let owner = Guid(reader.array("SignatureOwner")?);
        let offset = reader.offset();
        let data = reader.bytes("SignatureData", length)?.to_vec();
        entries.push(Entry {
            owner,
            data,
            offset,
        });
    }
    Ok(SignatureList {
        kind,
        place: start..reader.offset(),
        entries,
    })
}
