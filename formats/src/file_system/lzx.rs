//! LZX as WIM files and CompactOS have it: chunks of up to 32 KiB, each for itself.
//!
//! A chunk is a sequence of blocks: a type in 3 bits; a bit that says that the block has 32 KiB, or else its length in 16
//! bits; codes; symbols. Symbols below 256 are bytes; others have in their low three bits the length of a repetition less 2 (7:
//! a symbol of the second code follows) and above the slot of its distance. Unlike in cabinets no bit says whether the
//! operands of CALL instructions were made absolute: they always were, as if the file had 12,000,000 bytes. Sources: [MS-PATCH]
//! 2; the documentation of wimlib for what is different in a WIM.

use super::prefix_code::PrefixCode;

/// Longest chunk.
const MAX_CHUNK: usize = 32 << 10;
/// Slots of distances for a window of 32 KiB.
const SLOTS: usize = 30;
/// Symbols of the main code.
const MAIN: usize = 256 + 8 * SLOTS;
/// Symbols of the code for long repetitions.
const LENGTHS: usize = 249;
/// Symbols of the code in which the lengths of codes are written.
const PRE: usize = 20;
/// What operands of CALL instructions were counted against.
const TRANSLATION: i32 = 12_000_000;

type Expanded<T> = Result<T, &'static str>;

/// Expands one chunk to `length` bytes; `Err` says what of it is wrong.
pub(super) fn expand(chunk: &[u8], length: usize) -> Expanded<Vec<u8>> {
    if length > MAX_CHUNK {
        return Err("a chunk of more than 32 KiB");
    }
    let mut state = State {
        bits: Bits::new(chunk),
        output: Vec::with_capacity(length),
        length,
        recent: [1; 3],
        main: vec![0; MAIN],
        lengths: vec![0; LENGTHS],
    };
    while state.output.len() < length {
        state.block()?;
    }
    let mut output = state.output;
    make_relative(&mut output);
    Ok(output)
}

struct State<'a> {
    bits: Bits<'a>,
    output: Vec<u8>,
    length: usize,
    /// The three distances that were used last.
    recent: [usize; 3],
    /// Lengths of the main code's codes, which the next block counts from.
    main: Vec<u8>,
    lengths: Vec<u8>,
}

impl State<'_> {
    fn block(&mut self) -> Expanded<()> {
        let kind = self.bits.take(3)?;
        let count = match self.bits.take(1)? {
            0 => self.bits.take(16)?,
            _ => MAX_CHUNK,
        };
        let left = self.length.saturating_sub(self.output.len());
        if count == 0 || count > left {
            return Err("a block that is empty or beyond the end");
        }
        let end = self.output.len().saturating_add(count);
        match kind {
            1 => self.compressed(end, None),
            2 => {
                let mut lengths = [0_u8; 8];
                for length in &mut lengths {
                    *length = small(self.bits.take(3)?);
                }
                let aligned = PrefixCode::new(&lengths)?;
                self.compressed(end, Some(&aligned))
            }
            3 => self.stored(count),
            _ => Err("a block of no known type"),
        }
    }

    /// A block whose bytes stand as they are.
    fn stored(&mut self, count: usize) -> Expanded<()> {
        self.bits.align()?;
        for distance in &mut self.recent {
            let bytes = self.bits.bytes(4)?;
            let number = bytes.try_into().map(u32::from_le_bytes);
            *distance = number.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
        }
        let bytes = self.bits.bytes(count)?;
        self.output.extend_from_slice(bytes);
        // What follows begins at a word; nothing has to follow.
        self.bits.position = self.bits.position.saturating_add(count & 1);
        Ok(())
    }

    fn compressed(&mut self, end: usize, aligned: Option<&PrefixCode>) -> Expanded<()> {
        let (bytes, repetitions) = self.main.split_at_mut(256);
        read_lengths(&mut self.bits, bytes)?;
        read_lengths(&mut self.bits, repetitions)?;
        let main = PrefixCode::new(&self.main)?;
        read_lengths(&mut self.bits, &mut self.lengths)?;
        // A block may have no long repetitions.
        let long = match self.lengths.iter().all(|length| *length == 0) {
            true => None,
            false => Some(PrefixCode::new(&self.lengths)?),
        };
        while self.output.len() < end {
            let symbol = self.bits.symbol(&main)?;
            let Some(repetition) = symbol.checked_sub(256) else {
                self.output.push(small(symbol));
                continue;
            };
            let mut count = repetition & 7;
            if count == 7 {
                let long = long.as_ref().ok_or("a long repetition without a code")?;
                count = self.bits.symbol(long)?.saturating_add(7);
            }
            let count = count.saturating_add(2);
            let distance = self.distance(repetition >> 3, aligned)?;
            let start = self.output.len().checked_sub(distance);
            let start = start.filter(|_| distance > 0);
            let start = start.ok_or("a distance to before the start")?;
            if count > end.saturating_sub(self.output.len()) {
                return Err("a repetition beyond the end of its block");
            }
            for index in start..start.saturating_add(count) {
                let byte = self.output.get(index).copied().unwrap_or_default();
                self.output.push(byte);
            }
        }
        Ok(())
    }

    fn distance(&mut self, slot: usize, aligned: Option<&PrefixCode>) -> Expanded<usize> {
        if slot < 3 {
            self.recent.swap(0, slot);
            let [distance, ..] = self.recent;
            return Ok(distance);
        }
        let width = slot.checked_div(2).unwrap_or_default().saturating_sub(1);
        let width = u32::try_from(width).unwrap_or_default();
        // Slots 2n and 2n + 1 begin at 2 and 3 times 2^(n - 1).
        let base = (2 | (slot & 1)) << width;
        let low = match aligned {
            Some(code) if width >= 3 => {
                let high = self.bits.take(width.saturating_sub(3))?;
                high << 3 | self.bits.symbol(code)?
            }
            _ => self.bits.take(width)?,
        };
        let distance = (base | low).saturating_sub(2);
        let [first, second, _] = self.recent;
        self.recent = [distance, first, second];
        Ok(distance)
    }
}

/// Reads how the lengths of codes differ from those of the block before.
fn read_lengths(bits: &mut Bits<'_>, lengths: &mut [u8]) -> Expanded<()> {
    let mut pre = [0_u8; PRE];
    for length in &mut pre {
        *length = small(bits.take(4)?);
    }
    let pre = PrefixCode::new(&pre)?;
    let mut rest = lengths.iter_mut();
    let mut left = rest.len();
    while left > 0 {
        let symbol = bits.symbol(&pre)?;
        let (count, difference) = match symbol {
            17 => (bits.take(4)?.saturating_add(4), None),
            18 => (bits.take(5)?.saturating_add(20), None),
            19 => {
                let count = bits.take(1)?.saturating_add(4);
                (count, Some(bits.symbol(&pre)?))
            }
            symbol => (1, Some(symbol)),
        };
        if difference.is_some_and(|difference| difference > 16) {
            return Err("a length of a code that is none");
        }
        left = left.checked_sub(count).ok_or("more lengths than codes")?;
        // A run takes the length that its first code had.
        let mut value = None;
        for length in rest.by_ref().take(count) {
            *length = *value.get_or_insert(match difference {
                Some(difference) => {
                    let length = usize::from(*length).saturating_add(17);
                    small(
                        length
                            .saturating_sub(difference)
                            .checked_rem(17)
                            .unwrap_or_default(),
                    )
                }
                None => 0,
            });
        }
    }
    Ok(())
}

/// Makes the operands of CALL instructions (0xE8) relative again.
fn make_relative(bytes: &mut [u8]) {
    let Some(end) = bytes.len().checked_sub(10) else {
        return;
    };
    let mut at = 0;
    while at < end {
        if bytes.get(at) != Some(&0xe8) {
            at = at.saturating_add(1);
            continue;
        }
        let place = i32::try_from(at).unwrap_or_default();
        let operand = at.saturating_add(1)..at.saturating_add(5);
        let operand = bytes.get_mut(operand).unwrap_or_default();
        if let Ok(written) = <[u8; 4]>::try_from(&*operand) {
            let absolute = i32::from_le_bytes(written);
            let relative = match absolute {
                0.. if absolute < TRANSLATION => Some(absolute.wrapping_sub(place)),
                ..0 if absolute >= place.wrapping_neg() => Some(absolute.wrapping_add(TRANSLATION)),
                _ => None,
            };
            if let Some(relative) = relative {
                operand.copy_from_slice(&relative.to_le_bytes());
            }
        }
        at = at.saturating_add(5);
    }
}

fn small(number: usize) -> u8 {
    number.to_le_bytes().first().copied().unwrap_or_default()
}

/// Bits in 16-bit words, the highest first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The byte that is read next.
    position: usize,
    /// Bits that were read and not used, in the low ones, and how many they are.
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            held: 0,
            count: 0,
        }
    }

    fn fill(&mut self) {
        while self.count <= 16 {
            let rest = self.bytes.get(self.position..).unwrap_or_default();
            let Some(word) = rest.first_chunk::<2>() else {
                return;
            };
            self.position = self.position.saturating_add(2);
            self.held = self.held << 16 | u64::from(u16::from_le_bytes(*word));
            self.count = self.count.saturating_add(16);
        }
    }

    /// The next `width` bits, at most 16; zeros behind the end.
    fn peek(&mut self, width: u32) -> usize {
        self.fill();
        let bits = match self.count.checked_sub(width) {
            Some(beyond) => self.held >> beyond,
            None => self.held << width.saturating_sub(self.count),
        };
        let mask = (1_u64 << width).saturating_sub(1);
        usize::try_from(bits & mask).unwrap_or_default()
    }

    fn skip(&mut self, width: u32) -> Expanded<()> {
        self.count = self.count.checked_sub(width).ok_or("an early end")?;
        Ok(())
    }

    fn take(&mut self, width: u32) -> Expanded<usize> {
        let bits = self.peek(width);
        self.skip(width)?;
        Ok(bits)
    }

    fn symbol(&mut self, code: &PrefixCode) -> Expanded<usize> {
        let (symbol, width) = code.symbol(self.peek(16));
        self.skip(width)?;
        Ok(symbol)
    }

    /// Goes on to the next word; over a whole one where one begins.
    fn align(&mut self) -> Expanded<()> {
        self.fill();
        let past = match self.count & 15 {
            0 => 16,
            some => some,
        };
        self.skip(past)?;
        // Words that were read too early are given back.
        let early = usize::try_from(self.count >> 3).unwrap_or_default();
        self.position = self.position.saturating_sub(early);
        self.count = 0;
        Ok(())
    }

    /// Bytes that stand between words, after [`Bits::align`].
    fn bytes(&mut self, count: usize) -> Expanded<&'a [u8]> {
        let end = self.position.saturating_add(count);
        let bytes = self.bytes.get(self.position..end).ok_or("an early end")?;
        self.position = end;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of bytes as they are, which wimlib reads but does not write.
    fn stored(bytes: &[u8]) -> Vec<u8> {
        let mut block = Vec::new();
        let bits = 0b0110 << 28 | (bytes.len() as u32) << 12;
        block.extend((bits >> 16).to_le_bytes()[..2].iter());
        block.extend((bits & 0xffff).to_le_bytes()[..2].iter());
        block.extend([1, 0, 0, 0].repeat(3));
        block.extend(bytes);
        block.resize(block.len().next_multiple_of(2), 0);
        block
    }

    #[test]
    fn stored_blocks_follow_each_other() {
        let chunk = [stored(b"abc"), stored(b"de")].concat();
        assert_eq!(expand(&chunk, 5).unwrap(), b"abcde");
        assert_eq!(expand(&chunk[..chunk.len() - 2], 5), Err("an early end"));
        assert!(expand(&chunk, 4).is_err());
        assert!(expand(&chunk, 6).is_err());
        assert!(expand(&chunk, 40_000).is_err());
    }

    #[test]
    fn calls_become_relative_but_near_the_end() {
        let mut bytes = vec![0x90; 30];
        bytes[19..24].copy_from_slice(&[0xe8, 0, 1, 0, 0]);
        bytes[24..29].copy_from_slice(&[0xe8, 0, 1, 0, 0]);
        make_relative(&mut bytes);
        assert_eq!(bytes[19..24], [0xe8, 0xed, 0, 0, 0]);
        assert_eq!(bytes[24..29], [0xe8, 0, 1, 0, 0]);
    }
}
