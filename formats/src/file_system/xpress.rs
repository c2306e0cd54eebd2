//! LZ77 with Huffman codes, which Windows calls XPRESS.
//!
//! 256 bytes with the code lengths of 512 symbols, four bits each, then codes in 16-bit words, between which long lengths
//! stand as bytes. Symbols below 256 are bytes; others have in their low four bits the length of a repetition less 3 and
//! above the number of bits of its distance. Source: [MS-XCA] 2.1 and 2.2.

use super::prefix_code::PrefixCode;

const SYMBOLS: usize = 512;

/// Expands one block to `length` bytes, at most 64 KiB; `Err` says what of it is wrong.
pub(super) fn expand(block: &[u8], length: usize) -> Result<Vec<u8>, &'static str> {
    let (table, codes) = block
        .split_at_checked(SYMBOLS / 2)
        .ok_or("a cut table of codes")?;
    let nibbles = table.iter().flat_map(|byte| [byte & 15, byte >> 4]);
    let code = PrefixCode::new(&nibbles.collect::<Vec<_>>())?;
    let mut bits = Bits::new(codes);
    let mut output = Vec::with_capacity(length);
    while output.len() < length {
        // A code has at most 15 bits; the last of the 16 is of no matter.
        let (symbol, width) = code.symbol(bits.peek(15) << 1);
        bits.skip(width)?;
        let Some(repetition) = symbol.checked_sub(256) else {
            output.push(symbol.to_le_bytes().first().copied().unwrap_or_default());
            continue;
        };
        let mut count = repetition & 15;
        if count == 15 {
            count = match bits.byte()? {
                255 => match bits.word()? {
                    0 => return Err("a length beyond the block"),
                    long if long < 15 => return Err("a long length that is short"),
                    long => usize::from(long),
                },
                more => usize::from(more).saturating_add(15),
            };
        }
        let count = count.saturating_add(3);
        let width = u32::try_from(repetition >> 4).unwrap_or_default();
        let distance = (1_usize << width) | bits.peek(width);
        bits.skip(width)?;
        let start = output.len().checked_sub(distance);
        let start = start.ok_or("a distance to before the start")?;
        if count > length.saturating_sub(output.len()) {
            return Err("a repetition beyond the end");
        }
        for index in start..start.saturating_add(count) {
            let byte = output.get(index).copied().unwrap_or_default();
            output.push(byte);
        }
    }
    Ok(output)
}

/// The words of the codes and the bytes between them.
struct Bits<'a> {
    bytes: &'a [u8],
    next: u32,
    /// Bits in `next` beyond 16; what is refilled comes below them.
    extra: i32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut bits = Self {
            bytes,
            next: 0,
            extra: 16,
        };
        let high = bits.word().unwrap_or_default();
        let low = bits.word().unwrap_or_default();
        bits.next = (u32::from(high) << 16) | u32::from(low);
        bits
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        let (first, rest) = self.bytes.split_first().ok_or("an early end")?;
        self.bytes = rest;
        Ok(*first)
    }

    fn word(&mut self) -> Result<u16, &'static str> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// The next `count` bits, at most 15.
    fn peek(&self, count: u32) -> usize {
        let shifted = self.next.checked_shr(32_u32.saturating_sub(count));
        usize::try_from(shifted.unwrap_or_default()).unwrap_or_default()
    }

    /// Goes past `count` bits, at most 15. Behind the last word come zeros once, as the last codes are looked at in
    /// full width.
    fn skip(&mut self, count: u32) -> Result<(), &'static str> {
        self.next = self.next.checked_shl(count).unwrap_or_default();
        self.extra = self.extra.saturating_sub_unsigned(count);
        if self.extra < 0 {
            if self.extra < -48 {
                return Err("an early end");
            }
            let word = match self.word() {
                Ok(word) => word,
                Err(_) => return self.past_the_end(),
            };
            let shift = self.extra.unsigned_abs();
            self.next |= u32::from(word).checked_shl(shift).unwrap_or_default();
            self.extra = self.extra.saturating_add(16);
        }
        Ok(())
    }

    /// Bits that are still in `next` may be used up.
    fn past_the_end(&self) -> Result<(), &'static str> {
        match self.extra < -16 {
            true => Err("an early end"),
            false => Ok(()),
        }
    }
}
