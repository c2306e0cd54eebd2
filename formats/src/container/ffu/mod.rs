//! Full flash updates (`.ffu`): security header, catalog, hash table, manifest, stores, payload.
//!
//! ```text
//! [SECURITY_HEADER][catalog][hash table][zeros to a chunk]
//! [IMAGE_HEADER][manifest][device target infos][zeros to a chunk]
//! [STORE_HEADER][validation entries][write descriptors][zeros to a chunk]     once for each store
//! [payload of the first store][payload of the second] ...
//! ```
//!
//! The catalog lists one member, `HashTable.blob`, the hash table; the table has one SHA-256 for every chunk from the
//! image header to the end of the file. So a signature of the catalog covers everything, and nothing behind the
//! image header moves or changes when the catalog is replaced. Source: Microsoft, "FFU image format".

mod block_map;
mod build;
mod descriptor;
mod image_header;
mod manifest;
mod security;
mod store;

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use crate::container::cat::MAX_CATALOG;
use crate::error::{ParseError, Problem};
use crate::patch::{Hunk, Patch};

pub use block_map::{BlockMap, Disk, Extent};
pub use build::{BuildError, Layout, write as build};
pub use descriptor::{AccessMethod, Location, ValidationEntry, WriteDescriptor};
pub use image_header::{DeviceTargetInfo, ImageHeader};
pub use manifest::{Entry, Manifest, Section};
pub use security::{CALG_SHA_256, SecurityHeader};
pub use store::{Compression, Store, StoreHeader, Variant};

/// Bytes of a chunk's hash in the table.
pub const HASH_LENGTH: u64 = 32;
/// The name under which the catalog lists the hash table.
pub const HASH_TABLE_LABEL: &str = "HashTable.blob";
/// Largest hash table that is read, in bytes: 256 GiB in chunks of 128 KiB.
const MAX_HASH_TABLE: u64 = 64 << 20;
/// Most stores of an image.
const MAX_STORES: u16 = 64;

/// What describes a full flash update; the payload is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullFlashUpdate {
    security: SecurityHeader,
    catalog: Vec<u8>,
    hash_table: Vec<u8>,
    image_offset: u64,
    image: ImageHeader,
    manifest: Manifest,
    device_targets: Vec<DeviceTargetInfo>,
    stores: Vec<Store>,
    faults: Vec<ParseError>,
    file_length: u64,
}

/// Reads the parts of the file in order, each whole, and remembers where it is.
struct Parts<'a, R> {
    input: &'a mut R,
    position: u64,
    length: u64,
    faults: Vec<ParseError>,
}

impl<R: Read + Seek> Parts<'_, R> {
    /// The next `length` bytes of `structure`, of which at most `limit` are accepted.
    fn take(
        &mut self,
        structure: &'static str,
        field: &'static str,
        length: u64,
        limit: u64,
    ) -> Result<Vec<u8>, ParseError> {
        let problem = |problem| ParseError {
            structure,
            field,
            offset: self.position,
            problem,
        };
        if length > limit {
            return Err(problem(Problem::Limit {
                found: length,
                limit,
            }));
        }
        let available = self.length.saturating_sub(self.position);
        if length > available {
            return Err(problem(Problem::Truncated {
                needed: length,
                available,
            }));
        }
        let io = |error| ParseError::io(structure, field, self.position, &error);
        let mut bytes = Vec::new();
        self.input
            .seek(SeekFrom::Start(self.position))
            .map_err(io)?;
        self.input
            .by_ref()
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        if bytes.len() as u64 != length {
            return Err(problem(Problem::Truncated {
                needed: length,
                available: bytes.len() as u64,
            }));
        }
        self.position = self.position.saturating_add(length);
        Ok(bytes)
    }

    /// Goes to the next multiple of `chunk`; bytes on the way that are not zero are a fault.
    fn align(&mut self, structure: &'static str, chunk: u64) -> Result<(), ParseError> {
        let rest = self.position.checked_rem(chunk).unwrap_or_default();
        if rest == 0 {
            return Ok(());
        }
        let start = self.position;
        let padding = self.take(structure, "padding", chunk.saturating_sub(rest), chunk)?;
        if let Some(at) = padding.iter().position(|byte| *byte != 0) {
            let offset = start.saturating_add(at as u64);
            self.faults.push(ParseError::invalid(
                structure,
                "padding",
                offset,
                "a byte that is not zero",
                "zeros up to the next chunk",
            ));
        }
        Ok(())
    }
}

impl FullFlashUpdate {
    /// The first bytes by which one is recognised, from offset 4 on.
    pub const SIGNATURE: &'static [u8; 12] = b"SignedImage ";

    /// Whether these first bytes, at least 16, begin a full flash update.
    pub fn is_magic(magic: &[u8]) -> bool {
        magic.get(4..16) == Some(Self::SIGNATURE.as_slice())
    }

    /// Reads everything in front of the payload.
    ///
    /// What contradicts itself but can be read is in [`Self::faults`].
    ///
    /// # Errors
    /// Where the input is no full flash update, or is damaged or of a variant that cannot be read.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let io = |error| ParseError::io("file", "length", 0, &error);
        let length = input.seek(SeekFrom::End(0)).map_err(io)?;
        let mut parts = Parts {
            input,
            position: 0,
            length,
            faults: Vec::new(),
        };
        let bytes = parts.take("SECURITY_HEADER", "header", SecurityHeader::LENGTH, 32)?;
        let security = SecurityHeader::read(&bytes)?;
        let chunk = security.chunk_size();
        let catalog = parts.take(
            "SECURITY_HEADER",
            "dwCatalogSize",
            u64::from(security.catalog_size),
            MAX_CATALOG,
        )?;
        let hash_table = parts.take(
            "SECURITY_HEADER",
            "dwHashTableSize",
            u64::from(security.hash_table_size),
            MAX_HASH_TABLE,
        )?;
        parts.align("SECURITY_HEADER", chunk)?;
        let image_offset = parts.position;
        let (image, manifest, device_targets) = image_header::read(&mut parts)?;
        if u64::from(image.chunk_size_in_kb) != u64::from(security.chunk_size_in_kb) {
            parts.faults.push(ParseError::invalid(
                "IMAGE_HEADER",
                "dwChunkSize",
                image_offset.saturating_add(20),
                format_args!("{} KiB", image.chunk_size_in_kb),
                format_args!(
                    "{} KiB, as in the security header",
                    security.chunk_size_in_kb
                ),
            ));
        }
        parts.align("IMAGE_HEADER", chunk)?;
        let mut stores: Vec<Store> = Vec::new();
        loop {
            let store = store::read(&mut parts, stores.len())?;
            let count = match store.header.number_of_stores {
                Some(count) if count == 0 || count > MAX_STORES => {
                    return Err(ParseError::invalid(
                        "STORE_HEADER",
                        "NumOfStores",
                        store.offset.saturating_add(248),
                        count,
                        format_args!("1 to {MAX_STORES}"),
                    ));
                }
                Some(count) => usize::from(count),
                None => 1,
            };
            stores.push(store);
            parts.align("STORE_HEADER", chunk)?;
            if stores.len() >= count {
                break;
            }
        }
        let mut payload = parts.position;
        for store in &mut stores {
            let end = payload.saturating_add(store.payload_length());
            store.payload = payload..end;
            payload = end;
        }
        let faults = parts.faults;
        let mut update = Self {
            security,
            catalog,
            hash_table,
            image_offset,
            image,
            manifest,
            device_targets,
            stores,
            faults,
            file_length: length,
        };
        update.check();
        Ok(update)
    }

    /// What the parts say about each other.
    fn check(&mut self) {
        let mut faults = Vec::new();
        let mut fault = |field, offset, found: String, expected: String| {
            faults.push(ParseError::invalid(
                "FullFlashUpdate",
                field,
                offset,
                found,
                expected,
            ));
        };
        let chunks = self.chunk_count();
        let hashes = u64::from(self.security.hash_table_size) / HASH_LENGTH;
        if u64::from(self.security.hash_table_size) % HASH_LENGTH != 0 || hashes != chunks {
            fault(
                "hash table",
                28,
                format!("{} bytes", self.security.hash_table_size),
                format!("{HASH_LENGTH} bytes for each of {chunks} chunks"),
            );
        }
        let hashed = self.file_length.saturating_sub(self.image_offset);
        if hashed.checked_rem(self.chunk_size()).unwrap_or_default() != 0 {
            fault(
                "length",
                self.file_length,
                format!("{hashed} bytes behind the security region"),
                "a multiple of the chunk size".to_owned(),
            );
        }
        if let Some(last) = self.stores.last()
            && last.payload.end != self.file_length
        {
            fault(
                "payload",
                last.payload.start,
                format!("a file of {} bytes", self.file_length),
                format!(
                    "its end at {}, as the write descriptors say",
                    last.payload.end
                ),
            );
        }
        let stated: Vec<&str> = self.manifest.platform_ids().collect();
        for store in &self.stores {
            let ids: Vec<&str> = store
                .header
                .platform_ids
                .iter()
                .map(String::as_str)
                .collect();
            if !stated.is_empty() && ids != stated {
                fault(
                    "platform IDs",
                    store.offset.saturating_add(12),
                    ids.join(", "),
                    format!("{}, as in the manifest", stated.join(", ")),
                );
            }
        }
        self.faults.append(&mut faults);
    }

    /// The security header.
    pub fn security(&self) -> &SecurityHeader {
        &self.security
    }

    /// The catalog, byte for byte; empty where there is none.
    pub fn catalog(&self) -> &[u8] {
        &self.catalog
    }

    /// File offset of the catalog's first byte.
    pub fn catalog_offset(&self) -> u64 {
        SecurityHeader::LENGTH
    }

    /// The hash table, byte for byte.
    pub fn hash_table(&self) -> &[u8] {
        &self.hash_table
    }

    /// File offset of the hash table's first byte.
    pub fn hash_table_offset(&self) -> u64 {
        SecurityHeader::LENGTH.saturating_add(self.catalog.len() as u64)
    }

    /// The hashes of the table, in the order of the chunks.
    pub fn hashes(&self) -> impl Iterator<Item = &[u8]> {
        self.hash_table.chunks_exact(HASH_LENGTH as usize)
    }

    /// Bytes of a chunk.
    pub fn chunk_size(&self) -> u64 {
        self.security.chunk_size()
    }

    /// How many chunks the hash table has to cover; the last one may be short where the file was cut.
    pub fn chunk_count(&self) -> u64 {
        let hashed = self.file_length.saturating_sub(self.image_offset);
        hashed.div_ceil(self.chunk_size().max(1))
    }

    /// The bytes of the file that chunk `index` covers, empty beyond the last.
    pub fn chunk(&self, index: u64) -> Range<u64> {
        let start = index
            .saturating_mul(self.chunk_size())
            .saturating_add(self.image_offset)
            .min(self.file_length);
        start
            ..start
                .saturating_add(self.chunk_size())
                .min(self.file_length)
    }

    /// File offset of the image header, the first byte that the hash table covers.
    pub fn image_offset(&self) -> u64 {
        self.image_offset
    }

    /// The image header.
    pub fn image(&self) -> &ImageHeader {
        &self.image
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The devices that the image is for, where it says so.
    pub fn device_targets(&self) -> &[DeviceTargetInfo] {
        &self.device_targets
    }

    /// The stores, at least one.
    pub fn stores(&self) -> &[Store] {
        &self.stores
    }

    /// What the file says and contradicts.
    pub fn faults(&self) -> &[ParseError] {
        &self.faults
    }

    /// Length of the file in bytes.
    pub fn file_length(&self) -> u64 {
        self.file_length
    }

    /// Bytes of the disk that a store describes: what the manifest asks for, at least what is written.
    pub fn disk_length(&self, store: &Store) -> u64 {
        let section = self.manifest.stores().nth(store.index);
        let stated = section.and_then(|section| {
            let sectors = section.number("MinSectorCount")?;
            let size = section.number("SectorSize").unwrap_or(512);
            sectors.checked_mul(size)
        });
        stated.unwrap_or_default().max(store.written_length())
    }

    /// The patch that puts `catalog` and `hash_table` in place of the present ones. Where they need as many chunks as
    /// before the file keeps its length; otherwise everything behind moves by whole chunks.
    pub fn replace_security(&self, catalog: &[u8], hash_table: &[u8]) -> Result<Patch, ParseError> {
        let region = security::region(self.security.chunk_size_in_kb, catalog, hash_table)?;
        Ok(Patch::whole(Hunk {
            range: 0..self.image_offset,
            replacement: region,
        }))
    }
}
