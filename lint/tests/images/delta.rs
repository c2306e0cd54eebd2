//! What an image has that another one does not have: blocks, or the numbers of the other's blocks.

use std::collections::HashMap;

/// Bytes of a block, and of a chunk of these images.
const BLOCK: usize = 4096;
/// What stands in front of a block that the other image does not have.
const OWN: u32 = u32::MAX;

/// The difference of `image` from `base`.
pub(super) fn of(base: &[u8], image: &[u8]) -> Vec<u8> {
    let known = base.chunks(BLOCK).zip(0_u32..);
    let known: HashMap<&[u8], u32> = known.collect();
    let mut delta = Vec::new();
    for block in image.chunks(BLOCK) {
        match known.get(block) {
            Some(number) => delta.extend(number.to_le_bytes()),
            None => {
                delta.extend(OWN.to_le_bytes());
                delta.extend(block);
            }
        }
    }
    delta
}

/// The image that has this difference from `base`.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> Vec<u8> {
    let mut image = Vec::new();
    let mut rest = delta;
    while let Some((number, after)) = rest.split_first_chunk::<4>() {
        let number = u32::from_le_bytes(*number);
        let from = match number {
            OWN => after,
            number => &base[number as usize * BLOCK..],
        };
        let (block, _) = from.split_at(BLOCK.min(from.len()));
        image.extend(block);
        rest = match number {
            OWN => &after[block.len()..],
            _ => after,
        };
    }
    image
}

#[test]
fn an_image_comes_back() {
    let base: Vec<u8> = (0..9 * BLOCK).map(|n| (n / BLOCK) as u8).collect();
    let mut image = base.clone();
    image.rotate_left(2 * BLOCK);
    image[5000] ^= 1;
    let delta = of(&base, &image);
    assert!(delta.len() < 2 * BLOCK);
    assert!(apply(&base, &delta) == image);
}
