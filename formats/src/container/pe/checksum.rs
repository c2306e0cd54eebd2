//! CheckSum: the sum by which Windows recognises a damaged driver.
//!
//! The 16-bit words of the file, with CheckSum itself as 0, are added with end-around carry, and the file's length
//! is added to the result. Addition has no order, so the sum is taken while the digest reads the file: what the
//! digest leaves out has an even length and is added by itself.

use std::io::{self, Read, Seek};

use crate::container::{Piece, each_block};

/// A running sum of 16-bit little-endian words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WordSum {
    /// Congruent to the sum modulo 65535, and 0 only where every word was.
    sum: u64,
    /// Whether an odd number of bytes came so far.
    is_odd: bool,
}

impl WordSum {
    /// The sum of what `pieces` stand for.
    ///
    /// # Errors
    /// Whatever reading reports; `UnexpectedEof` where a piece lies outside the input.
    pub fn of_pieces(input: &mut (impl Read + Seek), pieces: &[Piece]) -> io::Result<Self> {
        let mut sum = Self::default();
        each_block(input, pieces, |block| sum.add(block))?;
        Ok(sum)
    }

    /// Adds the bytes that come next.
    pub fn add(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if self.is_odd
            && let Some((first, rest)) = bytes.split_first()
        {
            self.carry(u64::from(*first) << 8);
            self.is_odd = false;
            bytes = rest;
        }
        // Words of 32 bits give the same sum, as 2^16 is 1 modulo 65535. A sum of 2^32 of them fits.
        let (words, rest) = bytes.as_chunks::<4>();
        for part in words.chunks(1 << 20) {
            let sum = part.iter().fold(0_u64, |sum, word| {
                sum.wrapping_add(u64::from(u32::from_le_bytes(*word)))
            });
            self.carry(sum);
        }
        for (index, byte) in rest.iter().enumerate() {
            let shift = if index % 2 == 0 { 0 } else { 8 };
            self.carry(u64::from(*byte) << shift);
        }
        self.is_odd = rest.len() % 2 == 1;
    }

    /// Adds another sum, which began at an even offset.
    pub fn add_sum(&mut self, other: Self) {
        self.carry(other.sum);
    }

    /// CheckSum of a file of `length` bytes.
    pub fn check_sum(self, length: u64) -> u32 {
        let mut sum = self.sum;
        while sum > 0xFFFF {
            sum = (sum & 0xFFFF).saturating_add(sum >> 16);
        }
        // A file may have at most 4 GiB; of a longer one Windows adds the low half.
        (sum as u32).wrapping_add(length as u32)
    }

    fn carry(&mut self, value: u64) {
        let (sum, carried) = self.sum.overflowing_add(value);
        self.sum = sum.saturating_add(u64::from(carried));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word by word.
    fn plain(bytes: &[u8]) -> u32 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            let word = u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]);
            sum += u32::from(word);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        sum + bytes.len() as u32
    }

    #[test]
    fn any_division_into_blocks_gives_the_plain_sum() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| (n * n * 7 + 255) as u8).collect();
        for length in [0, 1, 2, 3, 5, 8, 999, 1000] {
            let bytes = &bytes[..length];
            for block in [1, 2, 3, 4, 7, 64, 1000] {
                let mut sum = WordSum::default();
                bytes.chunks(block).for_each(|part| sum.add(part));
                assert_eq!(
                    sum.check_sum(length as u64),
                    plain(bytes),
                    "{length}/{block}"
                );
            }
        }
        let full = [0xFF; 4096];
        let mut sum = WordSum::default();
        sum.add(&full);
        assert_eq!(sum.check_sum(4096), plain(&full));
    }

    #[test]
    fn sums_of_parts_add_up() {
        let bytes: Vec<u8> = (0..64).collect();
        let (mut first, mut second) = (WordSum::default(), WordSum::default());
        first.add(&bytes[..30]);
        second.add(&bytes[30..]);
        first.add_sum(second);
        assert_eq!(first.check_sum(64), plain(&bytes));
    }
}
