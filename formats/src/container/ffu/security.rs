//! The security header and the region that begins with it.
//!
//! ```text
//! SECURITY_HEADER, 32 bytes
//!   0  u32       cbSize            32
//!   4  [u8; 12]  signature         "SignedImage "
//!  16  u32       dwChunkSizeInKb   128 in every published image
//!  20  u32       dwAlgId           CALG_SHA_256
//!  24  u32       dwCatalogSize     bytes
//!  28  u32       dwHashTableSize   bytes
//! ```

use super::FullFlashUpdate;
use crate::cursor::Cursor;
use crate::error::{ParseError, Problem};

/// `dwAlgId` of SHA-256, the only one in use.
pub const CALG_SHA_256: u32 = 0x800c;

/// Largest chunk that is accepted, in KiB.
const MAX_CHUNK_KIB: u32 = 64 << 10;

/// `SECURITY_HEADER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityHeader {
    /// `dwChunkSizeInKb`, 1 to 65,536.
    pub chunk_size_in_kb: u32,
    /// `dwAlgId`.
    pub alg_id: u32,
    /// `dwCatalogSize`, bytes.
    pub catalog_size: u32,
    /// `dwHashTableSize`, bytes.
    pub hash_table_size: u32,
}

impl SecurityHeader {
    /// Bytes of the structure.
    pub const LENGTH: u64 = 32;

    /// Bytes of a chunk.
    pub fn chunk_size(&self) -> u64 {
        u64::from(self.chunk_size_in_kb).saturating_mul(1024)
    }

    /// Reads the structure.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("SECURITY_HEADER", bytes, 0);
        let place = cursor.clone();
        let size = cursor.u32("cbSize")?;
        let signature_place = cursor.clone();
        if cursor.array::<12>("signature")? != *FullFlashUpdate::SIGNATURE {
            return Err(signature_place.invalid(
                "signature",
                "other bytes",
                "\"SignedImage \", the mark of a full flash update",
            ));
        }
        if u64::from(size) != Self::LENGTH {
            return Err(place.invalid("cbSize", size, Self::LENGTH));
        }
        let place = cursor.clone();
        let chunk_size_in_kb = cursor.u32("dwChunkSizeInKb")?;
        if chunk_size_in_kb == 0 || chunk_size_in_kb > MAX_CHUNK_KIB {
            let expected = format_args!("1 to {MAX_CHUNK_KIB}");
            return Err(place.invalid("dwChunkSizeInKb", chunk_size_in_kb, expected));
        }
        let place = cursor.clone();
        let alg_id = cursor.u32("dwAlgId")?;
        if alg_id != CALG_SHA_256 {
            let what = format_args!("hash algorithm {alg_id:#06x}");
            let offset = place.offset();
            return Err(ParseError::unsupported(
                "SECURITY_HEADER",
                "dwAlgId",
                offset,
                what,
            ));
        }
        Ok(Self {
            chunk_size_in_kb,
            alg_id,
            catalog_size: cursor.u32("dwCatalogSize")?,
            hash_table_size: cursor.u32("dwHashTableSize")?,
        })
    }

    /// Encodes the structure.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&32_u32.to_le_bytes());
        bytes.extend_from_slice(FullFlashUpdate::SIGNATURE);
        for field in [
            self.chunk_size_in_kb,
            self.alg_id,
            self.catalog_size,
            self.hash_table_size,
        ] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes
    }
}

/// Encodes the whole region in front of the image header: header, catalog, hash table, zeros to a chunk.
pub(super) fn region(
    chunk_size_in_kb: u32,
    catalog: &[u8],
    hash_table: &[u8],
) -> Result<Vec<u8>, ParseError> {
    let size = |field, bytes: &[u8]| {
        u32::try_from(bytes.len()).map_err(|_| ParseError {
            structure: "SECURITY_HEADER",
            field,
            offset: 24,
            problem: Problem::Limit {
                found: bytes.len() as u64,
                limit: u64::from(u32::MAX),
            },
        })
    };
    let header = SecurityHeader {
        chunk_size_in_kb,
        alg_id: CALG_SHA_256,
        catalog_size: size("dwCatalogSize", catalog)?,
        hash_table_size: size("dwHashTableSize", hash_table)?,
    };
    let mut region = header.write();
    region.extend_from_slice(catalog);
    region.extend_from_slice(hash_table);
    pad(&mut region, header.chunk_size());
    Ok(region)
}

/// Adds zeros up to the next multiple of `chunk`.
pub(super) fn pad(bytes: &mut Vec<u8>, chunk: u64) {
    let length = (bytes.len() as u64)
        .checked_next_multiple_of(chunk)
        .and_then(|length| usize::try_from(length).ok());
    if let Some(length) = length {
        bytes.resize(length, 0);
    }
}
