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
