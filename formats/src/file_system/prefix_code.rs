//! Prefix codes (Huffman) from the lengths of their codes, as XPRESS and LZX have them.

/// Longest code in bits.
const MAX_BITS: usize = 16;

/// A whole code: shorter codes come first, equally long ones in the order of their symbols.
///
/// It is made in time for its symbols alone: hostile data can have a new code every few bytes.
pub(super) struct PrefixCode {
    /// For every length the first value of 16 bits that begins with a code of it, and the first behind these.
    ranges: [(usize, usize); MAX_BITS + 1],
    /// For every length where its symbols begin.
    starts: [usize; MAX_BITS + 1],
    symbols: Vec<u16>,
}

impl PrefixCode {
    /// The code whose symbols have codes of these lengths, 0 for those without.
    ///
    /// # Errors
    /// Says what is wrong where the lengths are not those of a whole code.
    pub(super) fn new(lengths: &[u8]) -> Result<Self, &'static str> {
        let mut counts = [0_usize; MAX_BITS + 1];
        for length in lengths {
            let count = counts.get_mut(usize::from(*length));
            let count = count.ok_or("a code of more than 16 bits")?;
            *count = count.saturating_add(1);
        }
        let mut ranges = [(0, 0); MAX_BITS + 1];
        let mut starts = [0; MAX_BITS + 1];
        let (mut value, mut used) = (0_usize, 0_usize);
        let lists = counts.iter().zip(&mut ranges).zip(&mut starts);
        for (width, ((count, range), start)) in lists.enumerate().skip(1) {
            *start = used;
            let end = value.saturating_add(*count << MAX_BITS.saturating_sub(width));
            *range = (value, end);
            value = end;
            used = used.saturating_add(*count);
        }
        match value {
            0x1_0000 => {}
            0..0x1_0000 => return Err("codes that leave a gap"),
            _ => return Err("more codes than there is room for"),
        }
        let mut symbols = vec![0; used];
        let mut next = starts;
        for (symbol, length) in (0..).zip(lengths).filter(|(_, length)| **length > 0) {
            if let Some(next) = next.get_mut(usize::from(*length))
                && let Some(place) = symbols.get_mut(*next)
            {
                *place = symbol;
                *next = next.saturating_add(1);
            }
        }
        Ok(Self {
            ranges,
            starts,
            symbols,
        })
    }

    /// The symbol that 16 bits begin with, and the length of its code.
    pub(super) fn symbol(&self, bits: usize) -> (usize, u32) {
        let lists = self.ranges.iter().zip(&self.starts);
        for (width, ((first, end), start)) in (0..).zip(lists).skip(1) {
            if bits < *end {
                let index = bits.saturating_sub(*first) >> 16_u32.saturating_sub(width);
                let symbol = self.symbols.get(start.saturating_add(index));
                return (usize::from(symbol.copied().unwrap_or_default()), width);
            }
        }
        (0, 0)
    }
}
