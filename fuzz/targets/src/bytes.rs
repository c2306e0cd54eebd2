//! Patches and pieces over bytes in memory.

use std::io::Cursor;

use formats::container::{Piece, each_block};
use formats::patch::Patch;

/// A signature in form only, of a length that needs padding in every container.
pub(crate) const CMS: &[u8] = b"\x30\x0bfuzz target";

/// The patched input. A patch that reaches outside its input is a defect.
pub(crate) fn apply(patch: &Patch, input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    patch
        .apply(&mut Cursor::new(input), &mut output)
        .expect("a patch applies inside its file");
    output
}

/// What the pieces stand for. A piece outside the input is a defect.
pub(crate) fn gather(pieces: &[Piece], input: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    each_block(&mut Cursor::new(input), pieces, |block| {
        bytes.extend_from_slice(block);
    })
    .expect("what is hashed lies inside the file");
    bytes
}

/// A number that every byte of the input has a part in (FNV-1a), where a target has to choose.
pub(crate) fn choice(input: &[u8]) -> usize {
    let mix = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    (input.iter().fold(0xcbf2_9ce4_8422_2325, mix) >> 16) as usize
}

/// Bytes of a sector in [`sparse`].
const SECTOR: usize = 512;
/// Most sectors of what [`sparse`] makes: 2 MiB.
const MOST_SECTORS: usize = 4096;

/// What a short input stands for where most bytes are 0, as on disks and volumes: first the number of sectors as u16, then
/// sectors, each with its number as u16 in front.
pub(crate) fn sparse(input: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| match bytes {
        [low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])) % MOST_SECTORS,
        _ => 0,
    };
    let mut bytes = vec![0; (number(input) + 1) * SECTOR];
    for sector in input.get(2..).unwrap_or_default().chunks(SECTOR + 2) {
        let at = number(sector) * SECTOR;
        let content = sector.get(2..).unwrap_or_default();
        if let Some(place) = bytes.get_mut(at..at + content.len()) {
            place.copy_from_slice(content);
        }
    }
    bytes
}
