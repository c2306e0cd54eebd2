//! Stores: which blocks of a disk the payload holds.
//!
//! ```text
//! STORE_HEADER, 248 bytes; every variant adds fields behind them
//!   0  u32        dwUpdateType                0 full, 1 partial
//!   4  u16, u16   MajorVersion, MinorVersion
//!   8  u16, u16   FullFlashMajorVersion, FullFlashMinorVersion
//!  12  [u8; 192]  szPlatformId                NUL-separated, ends with an empty string
//! 204  u32        dwBlockSizeInBytes          131072
//! 208  u32, u32   dwWriteDescriptorCount, dwWriteDescriptorLength
//! 216  u32, u32   dwValidateDescriptorCount, dwValidateDescriptorLength
//! 224  u32, u32   dwInitialTableIndex, dwInitialTableCount
//! 232  u32, u32   dwFlashOnlyTableIndex, dwFlashOnlyTableCount
//! 240  u32, u32   dwFinalTableIndex, dwFinalTableCount
//! version 1 compressed (full flash 3)
//! 248  u32        compression algorithm
//! version 2 (store 2)
//! 248  u16, u16   NumOfStores, StoreIndex     the index counts from 1
//! 252  u64        StorePayloadSize
//! 260  u16        DevicePathLength            UTF-16 units
//! 262             DevicePath                  without NUL
//! ```
//!
//! Sources: Microsoft, "FFU image format"; the variants as img2ffu (MIT) reads them.

use std::io::{Read, Seek};
use std::ops::Range;

use super::descriptor::{read_descriptors, read_validation};
use super::{AccessMethod, Location, Parts, ValidationEntry, WriteDescriptor};
use crate::cursor::Cursor;
use crate::error::ParseError;

/// Bytes of the header that all variants share.
const LENGTH: u64 = 248;
/// Most bytes of descriptors that are read; published images have about 150 KiB.
const MAX_DESCRIPTORS: u64 = 32 << 20;
/// Largest block, in bytes.
const MAX_BLOCK: u32 = 16 << 20;
/// Longest device path, in UTF-16 units.
const MAX_DEVICE_PATH: u64 = 4096;

/// Which layout the headers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// One store: what IoT Core and Windows 10 Mobile use.
    V1,
    /// One store whose blocks are compressed.
    V1Compressed(Compression),
    /// Several stores.
    V2,
}

/// How the blocks of a compressed store are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// As the writer chose; which algorithm that is was not published.
    Default,
    /// LZNT1.
    Lznt1,
    /// Plain Xpress.
    Xpress,
    /// Xpress with Huffman codes.
    XpressHuffman,
    /// Another number.
    Unknown(u32),
}

impl Compression {
    fn new(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Default,
            2 => Self::Lznt1,
            3 => Self::Xpress,
            4 => Self::XpressHuffman,
            other => Self::Unknown(other),
        }
    }

    /// The name that messages use.
    pub fn name(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Default => "default".to_owned(),
            Self::Lznt1 => "LZNT1".to_owned(),
            Self::Xpress => "Xpress".to_owned(),
            Self::XpressHuffman => "Xpress Huffman".to_owned(),
            Self::Unknown(number) => format!("algorithm {number}"),
        }
    }
}

/// `STORE_HEADER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHeader {
    /// The layout.
    pub variant: Variant,
    /// `dwUpdateType`: 0 full, 1 partial.
    pub update_type: u32,
    /// `MajorVersion`, `MinorVersion`, `FullFlashMajorVersion`, `FullFlashMinorVersion`.
    pub version: [u16; 4],
    /// `szPlatformId`, the devices that may be flashed; `*` stands for every one.
    pub platform_ids: Vec<String>,
    /// `dwBlockSizeInBytes`.
    pub block_size: u32,
    /// `dwWriteDescriptorCount`.
    pub write_descriptor_count: u32,
    /// `dwWriteDescriptorLength`, bytes.
    pub write_descriptor_length: u32,
    /// `dwValidateDescriptorCount`.
    pub validate_descriptor_count: u32,
    /// `dwValidateDescriptorLength`, bytes.
    pub validate_descriptor_length: u32,
    /// First payload block and number of blocks of the initial, the flash-only and the final table.
    pub tables: [(u32, u32); 3],
    /// `NumOfStores`, version 2 only.
    pub number_of_stores: Option<u16>,
    /// `StorePayloadSize` in bytes, version 2 only.
    pub payload_size: Option<u64>,
    /// `DevicePath`, version 2 only.
    pub device_path: Option<String>,
}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its number, counted from 0.
    pub index: usize,
    /// File offset of its header.
    pub offset: u64,
    /// Its header.
    pub header: StoreHeader,
    /// Its validation entries.
    pub validation: Vec<ValidationEntry>,
    /// Its write descriptors in order.
    pub descriptors: Vec<WriteDescriptor>,
    /// The places of all descriptors.
    pub locations: Vec<Location>,
    /// The bytes of the file that are its payload.
    pub payload: Range<u64>,
}

impl Store {
    /// Bytes of the payload, as the descriptors add up.
    pub fn payload_length(&self) -> u64 {
        let counts = self.descriptors.iter().map(|d| u64::from(d.block_count));
        let blocks = counts.fold(0, u64::saturating_add);
        blocks.saturating_mul(u64::from(self.header.block_size))
    }

    /// The descriptors with their places.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = (&WriteDescriptor, &[Location])> {
        self.descriptors.iter().map(|descriptor| {
            let locations = self.locations.get(descriptor.locations.clone());
            (descriptor, locations.unwrap_or_default())
        })
    }

    /// Bytes from the beginning of the disk up to the last block that is written, as far as it is counted from there;
    /// what is counted from the end needs at least its own room.
    pub fn written_length(&self) -> u64 {
        let end = |(descriptor, locations): (&WriteDescriptor, &[Location])| {
            let count = u64::from(descriptor.block_count);
            let ends = locations.iter().map(|location| match location.access {
                AccessMethod::Begin => u64::from(location.block).saturating_add(count),
                AccessMethod::End => u64::from(location.block).saturating_add(1),
            });
            ends.max().unwrap_or_default()
        };
        let blocks = self.runs().map(end).max().unwrap_or_default();
        blocks.saturating_mul(u64::from(self.header.block_size))
    }
}

impl StoreHeader {
    /// Reads the part that all variants share.
    fn read(bytes: &[u8], offset: u64, faults: &mut Vec<ParseError>) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("STORE_HEADER", bytes, offset);
        let place = cursor.clone();
        let update_type = cursor.u32("dwUpdateType")?;
        if update_type > 1 {
            faults.push(place.invalid("dwUpdateType", update_type, "0 (full) or 1 (partial)"));
        }
        let place = cursor.clone();
        let mut version = [0; 4];
        for number in &mut version {
            *number = cursor.u16("MajorVersion")?;
        }
        let variant = match version {
            [1, _, 2, _] => Variant::V1,
            [1, _, 3, _] => Variant::V1Compressed(Compression::None),
            [2, _, 2, _] => Variant::V2,
            [store, _, full_flash, _] => {
                return Err(ParseError::unsupported(
                    "STORE_HEADER",
                    "MajorVersion",
                    place.offset(),
                    format_args!("store version {store} with full flash version {full_flash}"),
                ));
            }
        };
        let ids = cursor.clone();
        let platform_ids = read_platform_ids(cursor.bytes("szPlatformId", 192)?, &ids)?;
        let place = cursor.clone();
        let block_size = cursor.u32("dwBlockSizeInBytes")?;
        if block_size == 0 || block_size > MAX_BLOCK || !block_size.is_multiple_of(512) {
            let expected = format_args!("a multiple of 512 up to {MAX_BLOCK}");
            return Err(place.invalid("dwBlockSizeInBytes", block_size, expected));
        }
        let write_descriptor_count = cursor.u32("dwWriteDescriptorCount")?;
        let write_descriptor_length = cursor.u32("dwWriteDescriptorLength")?;
        let validate_descriptor_count = cursor.u32("dwValidateDescriptorCount")?;
        let validate_descriptor_length = cursor.u32("dwValidateDescriptorLength")?;
        let mut tables = [(0, 0); 3];
        for table in &mut tables {
            *table = (cursor.u32("table index")?, cursor.u32("table count")?);
        }
        Ok(Self {
            variant,
            update_type,
            version,
            platform_ids,
            block_size,
            write_descriptor_count,
            write_descriptor_length,
            validate_descriptor_count,
            validate_descriptor_length,
            tables,
            number_of_stores: None,
            payload_size: None,
            device_path: None,
        })
    }

    /// Encodes the header of a full version 1 store without validation entries.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.update_type.to_le_bytes());
        for number in self.version {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let mut ids = Vec::new();
        for id in &self.platform_ids {
            ids.extend_from_slice(id.as_bytes());
            ids.push(0);
        }
        ids.resize(192, 0);
        bytes.extend_from_slice(&ids);
        let fields = [
            self.block_size,
            self.write_descriptor_count,
            self.write_descriptor_length,
            self.validate_descriptor_count,
            self.validate_descriptor_length,
        ];
        let tables = self
            .tables
            .iter()
            .flat_map(|(index, count)| [*index, *count]);
        for field in fields.into_iter().chain(tables) {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes
    }
}

fn read_platform_ids(bytes: &[u8], place: &Cursor<'_>) -> Result<Vec<String>, ParseError> {
    let mut ids = Vec::new();
    for id in bytes
        .split(|byte| *byte == 0)
        .take_while(|id| !id.is_empty())
    {
        match std::str::from_utf8(id) {
            Ok(id) if !id.contains(char::is_control) => ids.push(id.to_owned()),
            _ => {
                return Err(place.invalid("szPlatformId", "bytes that are no text", "ASCII"));
            }
        }
    }
    Ok(ids)
}

/// Reads a store: header, validation entries, write descriptors.
pub(super) fn read<R: Read + Seek>(
    parts: &mut Parts<'_, R>,
    index: usize,
) -> Result<Store, ParseError> {
    let offset = parts.position;
    let bytes = parts.take("STORE_HEADER", "header", LENGTH, LENGTH)?;
    let mut header = StoreHeader::read(&bytes, offset, &mut parts.faults)?;
    match header.variant {
        Variant::V1 => {}
        Variant::V1Compressed(_) => {
            let at = parts.position;
            let bytes = parts.take("STORE_HEADER", "compression algorithm", 4, 4)?;
            let number = Cursor::new("STORE_HEADER", &bytes, at).u32("compression algorithm")?;
            let compression = Compression::new(number);
            header.variant = Variant::V1Compressed(compression);
            if compression != Compression::None {
                let what = format_args!("a compressed full flash update ({})", compression.name());
                return Err(ParseError::unsupported(
                    "STORE_HEADER",
                    "compression algorithm",
                    at,
                    what,
                ));
            }
        }
        Variant::V2 => read_version_2(parts, &mut header, index)?,
    }
    let at = parts.position;
    let length = u64::from(header.validate_descriptor_length);
    let field = "dwValidateDescriptorLength";
    let bytes = parts.take("STORE_HEADER", field, length, MAX_DESCRIPTORS)?;
    let validation = read_validation(&bytes, at, header.validate_descriptor_count)?;
    let at = parts.position;
    let length = u64::from(header.write_descriptor_length);
    let field = "dwWriteDescriptorLength";
    let bytes = parts.take("STORE_HEADER", field, length, MAX_DESCRIPTORS)?;
    let (descriptors, locations) = read_descriptors(&bytes, at, &header)?;
    let store = Store {
        index,
        offset,
        header,
        validation,
        descriptors,
        locations,
        payload: 0..0,
    };
    check(&store, &mut parts.faults);
    Ok(store)
}

fn read_version_2<R: Read + Seek>(
    parts: &mut Parts<'_, R>,
    header: &mut StoreHeader,
    index: usize,
) -> Result<(), ParseError> {
    let at = parts.position;
    let bytes = parts.take("STORE_HEADER", "NumOfStores", 14, 14)?;
    let mut cursor = Cursor::new("STORE_HEADER", &bytes, at);
    header.number_of_stores = Some(cursor.u16("NumOfStores")?);
    let place = cursor.clone();
    let stated = cursor.u16("StoreIndex")?;
    if usize::from(stated) != index.saturating_add(1) {
        let expected = index.saturating_add(1);
        parts
            .faults
            .push(place.invalid("StoreIndex", stated, expected));
    }
    header.payload_size = Some(u64::from_le_bytes(cursor.array("StorePayloadSize")?));
    let units = u64::from(cursor.u16("DevicePathLength")?);
    let bytes = parts.take(
        "STORE_HEADER",
        "DevicePath",
        units.saturating_mul(2),
        MAX_DEVICE_PATH.saturating_mul(2),
    )?;
    let pairs = bytes.chunks_exact(2).filter_map(|p| p.try_into().ok());
    let units: Vec<u16> = pairs.map(u16::from_le_bytes).collect();
    header.device_path = Some(String::from_utf16_lossy(&units));
    Ok(())
}

/// What the parts of a store say about each other.
fn check(store: &Store, faults: &mut Vec<ParseError>) {
    let header = &store.header;
    let mut fault = |field, at: u64, found: String, expected: &str| {
        let offset = store.offset.saturating_add(at);
        faults.push(ParseError::invalid(
            "STORE_HEADER",
            field,
            offset,
            found,
            expected,
        ));
    };
    if header.platform_ids.is_empty() {
        fault(
            "szPlatformId",
            12,
            "no platform ID".to_owned(),
            "at least one",
        );
    }
    if let Some(stated) = header.payload_size
        && stated != store.payload_length()
    {
        let found = format!("{stated} bytes");
        fault(
            "StorePayloadSize",
            252,
            found,
            "what the write descriptors add up to",
        );
    }
    let mut starts = vec![0_u64];
    for descriptor in &store.descriptors {
        let last = starts.last().copied().unwrap_or_default();
        starts.push(last.saturating_add(u64::from(descriptor.block_count)));
    }
    let blocks = starts.last().copied().unwrap_or_default();
    for ((index, count), (field, at)) in header.tables.into_iter().zip([
        ("dwInitialTableIndex", 224),
        ("dwFlashOnlyTableIndex", 232),
        ("dwFinalTableIndex", 240),
    ]) {
        let (first, end) = (
            u64::from(index),
            u64::from(index).saturating_add(count.into()),
        );
        if count == 0 {
            continue;
        }
        if starts.binary_search(&first).is_err() || starts.binary_search(&end).is_err() {
            let found = format!("blocks {first} to {end}");
            fault(field, at, found, "whole write descriptors");
        } else if field == "dwFinalTableIndex" && end != blocks {
            let found = format!("its end at block {end} of {blocks}");
            fault(field, at, found, "the end of the payload");
        }
    }
    let from_end = store.runs().find(|(descriptor, locations)| {
        let mut locations = locations.iter();
        descriptor.block_count > 1 && locations.any(|l| l.access == AccessMethod::End)
    });
    if from_end.is_some() {
        let found = "a run of several blocks counted from the end".to_owned();
        fault(
            "dwBlockCount",
            208,
            found,
            "one block, as tools disagree on more",
        );
    }
}
