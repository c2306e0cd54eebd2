//! Writing MSZIP blocks.
//!
//! This is our own encoder because of what Windows and libmspack do not take: deflate blocks whose distance code has
//! a single symbol or none, which miniz writes for repetitive data. The fixed code of deflate has neither problem.

/// How far back a match may reach, and the most bytes that a block expands to.
const WINDOW: usize = 0x8000;
/// Shortest and longest match.
const MIN_MATCH: usize = 3;
const MAX_MATCH: usize = 258;
/// Number of hash chains.
const CHAINS: usize = 0x8000;
/// Places that are tried for one match.
const MAX_TRIES: usize = 64;
/// A match of this length is taken without trying whether the next byte starts a longer one.
const GOOD_MATCH: usize = 64;
/// No place in the window.
const NONE: u32 = u32::MAX;

/// Smallest length of each length symbol from 257 on, and the bits that follow it (RFC 1951, 3.2.5).
const LENGTHS: [(u16, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// Smallest distance of each distance symbol, and the bits that follow it.
const DISTANCES: [(u16, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// Encodes a folder's blocks; each may reach back into the 32 KiB before it.
pub(super) struct Mszip {
    /// What may be referred to, then the current block.
    window: Vec<u8>,
    /// Last place of each hash, and for each place the one before it with the same hash.
    last: Vec<u32>,
    before: Vec<u32>,
}

impl Mszip {
    pub(super) fn new() -> Self {
        Self {
            window: Vec::new(),
            last: Vec::new(),
            before: Vec::new(),
        }
    }

    /// The MSZIP block that expands to `block`, at most 32 KiB: fixed code or stored, whichever is shorter.
    pub(super) fn encode(&mut self, block: &[u8]) -> Vec<u8> {
        let surplus = self.window.len().saturating_sub(WINDOW);
        self.window.drain(..surplus);
        let start = self.window.len();
        self.window.extend_from_slice(block);
        let mut bits = Bits::default();
        // BFINAL, then BTYPE 01.
        bits.put(0b011, 3);
        self.encode_fixed(start, &mut bits);
        let encoded = bits.finish();
        let mut output = b"CK".to_vec();
        if encoded.len() < block.len().saturating_add(5) {
            output.extend_from_slice(&encoded);
        } else {
            let length = block.len() as u16;
            output.push(0b001);
            output.extend_from_slice(&length.to_le_bytes());
            output.extend_from_slice(&(!length).to_le_bytes());
            output.extend_from_slice(block);
        }
        output
    }

    fn encode_fixed(&mut self, start: usize, bits: &mut Bits) {
        self.last = vec![NONE; CHAINS];
        self.before = vec![NONE; self.window.len()];
        for place in 0..start {
            self.remember(place);
        }
        let mut place = start;
        while let Some(byte) = self.window.get(place).copied() {
            let (length, distance) = self.longest_match(place);
            self.remember(place);
            let next = place.saturating_add(1);
            let is_late = length < GOOD_MATCH && self.longest_match(next).0 > length;
            if length < MIN_MATCH || is_late {
                put_symbol(bits, u16::from(byte));
                place = next;
                continue;
            }
            put_with_rest(bits, &LENGTHS, length as u16, |bits, symbol| {
                put_symbol(bits, symbol.saturating_add(257));
            });
            put_with_rest(bits, &DISTANCES, distance as u16, |bits, symbol| {
                bits.put_code(symbol, 5);
            });
            place = place.saturating_add(length);
            for passed in next..place {
                self.remember(passed);
            }
        }
        put_symbol(bits, 256);
    }

    /// Chain of the three bytes at `place`; none at the end of the block.
    fn chain(&self, place: usize) -> Option<usize> {
        let end = place.checked_add(MIN_MATCH)?;
        match self.window.get(place..end)? {
            [a, b, c] => {
                let hash = usize::from(*a) << 10 ^ usize::from(*b) << 5 ^ usize::from(*c);
                Some(hash & (CHAINS - 1))
            }
            _ => None,
        }
    }

    /// Puts `place` in front of its chain.
    fn remember(&mut self, place: usize) {
        let chain = self.chain(place);
        let last = chain.and_then(|chain| self.last.get_mut(chain));
        if let (Some(last), Some(before)) = (last, self.before.get_mut(place)) {
            *before = *last;
            *last = place as u32;
        }
    }

    /// Length and distance of the longest match for `place` among the places remembered; the nearest of equals.
    fn longest_match(&self, place: usize) -> (usize, usize) {
        let mut best = (0, 0);
        let Some(target) = self.window.get(place..) else {
            return best;
        };
        let first = self.chain(place).and_then(|chain| self.last.get(chain));
        let mut candidate = first.copied().unwrap_or(NONE) as usize;
        for _ in 0..MAX_TRIES {
            let distance = place.saturating_sub(candidate);
            let Some(source) = self.window.get(candidate..) else {
                break;
            };
            if distance == 0 || distance > WINDOW {
                break;
            }
            let pairs = source.iter().zip(target).take(MAX_MATCH);
            let length = pairs.take_while(|(left, right)| left == right).count();
            if length > best.0 {
                best = (length, distance);
            }
            if length == MAX_MATCH {
                break;
            }
            candidate = self.before.get(candidate).copied().unwrap_or(NONE) as usize;
        }
        best
    }
}

/// A literal or length symbol in the fixed code (RFC 1951, 3.2.6).
fn put_symbol(bits: &mut Bits, symbol: u16) {
    let (code, length) = match symbol {
        0..=143 => (symbol.wrapping_add(0x30), 8),
        144..=255 => (symbol.wrapping_sub(144).wrapping_add(0x190), 9),
        256..=279 => (symbol.wrapping_sub(256), 7),
        _ => (symbol.wrapping_sub(280).wrapping_add(0xC0), 8),
    };
    bits.put_code(code, length);
}

/// The symbol of `table` for `value`, written by `put`, and the bits that tell it from the symbol's smallest.
fn put_with_rest(
    bits: &mut Bits,
    table: &[(u16, u32)],
    value: u16,
    put: impl FnOnce(&mut Bits, u16),
) {
    let above = table.partition_point(|(smallest, _)| *smallest <= value);
    let symbol = above.saturating_sub(1);
    if let Some((smallest, count)) = table.get(symbol) {
        put(bits, symbol as u16);
        bits.put(u32::from(value.saturating_sub(*smallest)), *count);
    }
}

/// Bits, low bit of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    buffer: u64,
    count: u32,
}

impl Bits {
    /// Up to 16 bits of `value`, low bit first.
    fn put(&mut self, value: u32, count: u32) {
        self.buffer |= u64::from(value) << self.count;
        self.count = self.count.saturating_add(count);
        while let Some(left) = self.count.checked_sub(8) {
            self.bytes.push(self.buffer as u8);
            self.buffer >>= 8;
            self.count = left;
        }
    }

    /// A Huffman code, which goes high bit first.
    fn put_code(&mut self, code: u16, length: u32) {
        let reversed = code.reverse_bits() >> 16_u32.saturating_sub(length);
        self.put(u32::from(reversed), length);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.buffer as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_cover_all_lengths_and_distances() {
        let mut next = 3;
        for (smallest, bits) in &LENGTHS[..28] {
            assert_eq!(*smallest, next);
            next += 1 << bits;
        }
        // The last symbol before 258 could say 258 too.
        assert_eq!((next, LENGTHS[28]), (259, (258, 0)));
        let mut next = 1;
        for (smallest, bits) in &DISTANCES {
            assert_eq!(*smallest, next);
            next = next.wrapping_add(1 << bits);
        }
        assert_eq!(next, 32769);
    }

    #[test]
    fn a_run_becomes_one_literal_and_one_match() {
        let block = Mszip::new().encode(&[0; 259]);
        // 3 bits of header, a literal of 8, length 258 and distance 1 in 8 and 5, the end in 7: 31 bits.
        assert_eq!(block.len(), 2 + 4);
    }

    #[test]
    fn noise_is_stored() {
        let noise: Vec<u8> = (0..200_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        assert_eq!(Mszip::new().encode(&noise).len(), 200 + 7);
    }
}
