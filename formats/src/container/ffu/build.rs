//! A full flash update from the image of a disk: version 1, one store, blocks of zeros left out.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::image_header::ImageHeader;
use super::security::{self, pad};
use super::{AccessMethod, HASH_LENGTH, Location, StoreHeader, Variant};
use crate::error::ParseError;

/// Most blocks of one run; a run is one write of the device.
const MAX_RUN: u32 = 64;

/// What the image says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of a block and of a chunk, a multiple of 1024.
    pub block_size: u32,
    /// The devices that may be flashed; at most 191 bytes together.
    pub platform_ids: Vec<String>,
    /// The manifest's text.
    pub manifest: String,
}

/// Why no full flash update could be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The layout cannot be written.
    #[error(transparent)]
    Layout(#[from] ParseError),
    /// The disk or the output failed.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// What a digest function must answer.
pub(super) type ChunkHash<'a> = &'a dyn Fn(&[u8]) -> [u8; HASH_LENGTH as usize];

/// The runs of `disk` that are not zero, and the descriptors that say where they go.
fn survey(disk: &mut (impl Read + Seek), block_size: u32) -> io::Result<Vec<(Location, u32)>> {
    disk.rewind()?;
    let mut block = vec![0; usize::try_from(block_size).unwrap_or_default()];
    let mut runs: Vec<(Location, u32)> = Vec::new();
    let mut index = 0_u32;
    loop {
        let length = read_block(disk, &mut block)?;
        if length == 0 {
            return Ok(runs);
        }
        if block.iter().take(length).any(|byte| *byte != 0) {
            match runs.last_mut() {
                Some((location, count))
                    if location.block.saturating_add(*count) == index && *count < MAX_RUN =>
                {
                    *count = count.saturating_add(1);
                }
                _ => {
                    let access = AccessMethod::Begin;
                    runs.push((
                        Location {
                            access,
                            block: index,
                        },
                        1,
                    ));
                }
            }
        }
        index = index.saturating_add(1);
    }
}

/// Fills `block` as far as the disk goes, the rest with zeros; the number of bytes read.
fn read_block(disk: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0_usize;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match disk.read(rest)? {
            0 => break,
            read => filled = filled.saturating_add(read),
        }
    }
    block.iter_mut().skip(filled).for_each(|byte| *byte = 0);
    Ok(filled)
}

/// Writes the full flash update of `disk` to `output`, with `catalog` for its hash table: `hash` is SHA-256, `catalog`
/// makes a catalog of the finished table. The output is written once from the beginning to the end, but for the
/// security region, which comes last.
///
/// # Errors
/// Where the layout cannot be written, or disk or output fail.
pub fn write(
    disk: &mut (impl Read + Seek),
    layout: &Layout,
    hash: ChunkHash<'_>,
    catalog: &dyn Fn(&[u8]) -> io::Result<Vec<u8>>,
    output: &mut (impl Write + Seek),
) -> Result<(), BuildError> {
    let chunk_kib = layout.block_size / 1024;
    let runs = survey(disk, layout.block_size)?;
    let mut head = front(layout, &runs)?;
    let chunk = u64::from(layout.block_size);
    pad(&mut head, chunk);
    let blocks = runs.iter().map(|(_, count)| u64::from(*count));
    let blocks = blocks.fold(0, u64::saturating_add);
    let chunks = (head.len() as u64)
        .checked_div(chunk)
        .unwrap_or_default()
        .saturating_add(blocks);
    // A catalog has one length for tables of one length, whatever they say.
    let zeros = vec![0; usize::try_from(chunks.saturating_mul(HASH_LENGTH)).unwrap_or_default()];
    let draft = security::region(chunk_kib, &catalog(&zeros)?, &zeros)?;
    output.seek(SeekFrom::Start(draft.len() as u64))?;
    let mut table = Vec::new();
    let mut block = vec![0; usize::try_from(chunk).unwrap_or_default()];
    for chunk in head.chunks(block.len().max(1)) {
        table.extend_from_slice(&hash(chunk));
    }
    output.write_all(&head)?;
    for (location, count) in &runs {
        let start = u64::from(location.block).saturating_mul(chunk);
        disk.seek(SeekFrom::Start(start))?;
        for _ in 0..*count {
            read_block(disk, &mut block)?;
            table.extend_from_slice(&hash(&block));
            output.write_all(&block)?;
        }
    }
    let region = security::region(chunk_kib, &catalog(&table)?, &table)?;
    if region.len() != draft.len() {
        return Err(io::Error::other("the catalog grew by more than its padding").into());
    }
    output.rewind()?;
    output.write_all(&region)?;
    Ok(())
}

/// Image header, manifest, store header and descriptors, each padded.
fn front(layout: &Layout, runs: &[(Location, u32)]) -> Result<Vec<u8>, ParseError> {
    let chunk = u64::from(layout.block_size);
    let number = |field, value: usize| {
        u32::try_from(value).map_err(|_| {
            ParseError::invalid("STORE_HEADER", field, 0, value, "at most 4,294,967,295")
        })
    };
    if layout.block_size == 0 || !layout.block_size.is_multiple_of(1024) {
        let expected = "a multiple of 1024";
        return Err(ParseError::invalid(
            "STORE_HEADER",
            "dwBlockSizeInBytes",
            0,
            layout.block_size,
            expected,
        ));
    }
    let ids: usize = layout
        .platform_ids
        .iter()
        .map(|id| id.len().saturating_add(1))
        .sum();
    if ids > 191
        || layout
            .platform_ids
            .iter()
            .any(|id| id.is_empty() || id.contains('\0'))
    {
        let expected = "names of at most 191 bytes together";
        return Err(ParseError::invalid(
            "STORE_HEADER",
            "szPlatformId",
            12,
            ids,
            expected,
        ));
    }
    let manifest = layout.manifest.as_bytes();
    let mut bytes = ImageHeader::write(
        number("ManifestLength", manifest.len())?,
        layout.block_size / 1024,
    );
    bytes.extend_from_slice(manifest);
    pad(&mut bytes, chunk);
    let mut descriptors = Vec::new();
    for (location, count) in runs {
        for field in [1, *count, 0, location.block] {
            descriptors.extend_from_slice(&field.to_le_bytes());
        }
    }
    let blocks = runs
        .iter()
        .fold(0_u32, |sum, (_, count)| sum.saturating_add(*count));
    let header = StoreHeader {
        variant: Variant::V1,
        update_type: 0,
        version: [1, 0, 2, 0],
        platform_ids: layout.platform_ids.clone(),
        block_size: layout.block_size,
        write_descriptor_count: number("dwWriteDescriptorCount", runs.len())?,
        write_descriptor_length: number("dwWriteDescriptorLength", descriptors.len())?,
        validate_descriptor_count: 0,
        validate_descriptor_length: 0,
        tables: [(0, 0), (0, 0), (0, blocks)],
        number_of_stores: None,
        payload_size: None,
        device_path: None,
    };
    bytes.extend(header.write());
    bytes.extend(descriptors);
    Ok(bytes)
}
