//! A small LZX encoder: no packer for cabinets writes LZX outside of Windows. Trees are fixed, so that it stays
//! short; cabextract judges whether what it writes is LZX.

/// Bytes of a frame, which is what one block of a cabinet holds.
pub(crate) const FRAME: usize = 0x8000;

/// What is to be encoded as one LZX block.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Verbatim,
    Aligned,
    Uncompressed,
}

/// Bits in 16-bit words, high bit first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    word: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            self.word = (self.word << 1) | ((value >> bit) & 1);
            self.count += 1;
            if self.count == 16 {
                self.bytes.extend((self.word as u16).to_le_bytes());
                (self.word, self.count) = (0, 0);
            }
        }
    }

    /// Fills the current word; an uncompressed block begins with at least one bit of filling.
    fn align(&mut self, at_least_one: bool) {
        let bits = (16 - self.count) % 16;
        self.put(0, if bits == 0 && at_least_one { 16 } else { bits });
    }
}

/// First offset of a position slot and the bits that follow it.
fn slots() -> impl Iterator<Item = (u32, u32)> {
    let mut base = 0;
    (0..16_u32).map(move |slot| {
        let bits = if slot < 2 { 0 } else { slot / 2 - 1 };
        let first = base;
        base += 1 << bits;
        (first, bits)
    })
}

/// Writes the three trees: 128 match symbols of 8 bits, 256 literals of 9, 128 lengths of 7. The lengths are coded as
/// differences to `before`, those of the block before.
fn put_trees(bits: &mut Bits, elements: usize, before: &mut Vec<u8>) {
    let mut lengths = vec![9_u8; 256];
    lengths.extend([8; 128]);
    lengths.resize(elements, 0);
    lengths.extend([7; 128]);
    lengths.resize(elements + 249, 0);
    for range in [0..256, 256..elements, elements..elements + 249] {
        // The pretree: 16 symbols of 4 bits, so that a symbol is its own code.
        for symbol in 0..20 {
            bits.put(if symbol < 16 { 4 } else { 0 }, 4);
        }
        for index in range {
            bits.put(
                (17 + u32::from(before[index]) - u32::from(lengths[index])) % 17,
                4,
            );
        }
    }
    *before = lengths;
}

/// The forward translation of call targets, which the decoder turns back.
fn translate(data: &mut [u8], size: i32) {
    for (frame, chunk) in data.chunks_mut(FRAME).enumerate() {
        let mut at = 0;
        while at + 10 < chunk.len() {
            if chunk[at] != 0xE8 {
                at += 1;
                continue;
            }
            let here = (frame * FRAME + at) as i32;
            let relative = i32::from_le_bytes(chunk[at + 1..at + 5].try_into().unwrap());
            let absolute = relative.wrapping_add(here);
            let stored = if (0..size).contains(&absolute) {
                Some(absolute)
            } else if (-here..0).contains(&absolute) || relative >= size - here && relative < size {
                Some(relative - size)
            } else {
                None
            };
            if let Some(stored) = stored {
                chunk[at + 1..at + 5].copy_from_slice(&stored.to_le_bytes());
            }
            at += 5;
        }
    }
}

/// Encodes `data` as the LZX blocks of `plan`, whose lengths add up to it; gives one piece per frame. `calls` is the
/// size that call targets are translated with.
pub(crate) fn encode(
    data: &[u8],
    plan: &[(Kind, usize)],
    window: u8,
    calls: Option<i32>,
) -> Vec<Vec<u8>> {
    let mut data = data.to_vec();
    let mut bits = Bits::default();
    bits.put(u32::from(calls.is_some()), 1);
    if let Some(size) = calls {
        bits.put(size as u32 >> 16, 16);
        bits.put(size as u32 & 0xFFFF, 16);
        translate(&mut data, size);
    }
    let elements = 256
        + 8 * match window {
            15..=20 => [30, 32, 34, 36, 38, 42][usize::from(window) - 15],
            _ => 50,
        };
    let mut lengths = vec![0; elements + 249];
    let (mut frames, mut recent) = (Vec::new(), [1_usize; 3]);
    let mut at = 0;
    for (kind, length) in plan {
        let end = at + length;
        bits.put(
            match kind {
                Kind::Verbatim => 1,
                Kind::Aligned => 2,
                Kind::Uncompressed => 3,
            },
            3,
        );
        bits.put((*length as u32) >> 8, 16);
        bits.put((*length as u32) & 0xFF, 8);
        match kind {
            Kind::Uncompressed => {
                bits.align(true);
                recent = [at.clamp(1, 7); 3];
                for offset in recent {
                    bits.bytes.extend((offset as u32).to_le_bytes());
                }
            }
            Kind::Aligned => {
                (0..8).for_each(|_| bits.put(3, 3));
                put_trees(&mut bits, elements, &mut lengths);
            }
            Kind::Verbatim => put_trees(&mut bits, elements, &mut lengths),
        }
        while at < end {
            let stop = end.min((at / FRAME + 1) * FRAME);
            if *kind == Kind::Uncompressed {
                bits.bytes.extend(&data[at..stop]);
                at = stop;
            } else {
                at += put_element(&mut bits, &data, at, stop, &mut recent);
            }
            if at == end && *kind == Kind::Uncompressed && length % 2 == 1 {
                bits.bytes.push(0);
            }
            if at % FRAME == 0 || at == data.len() {
                bits.align(false);
                frames.push(std::mem::take(&mut bits.bytes));
            }
        }
    }
    assert_eq!(at, data.len());
    frames
}

/// Writes one match or literal that stays in front of `stop`; gives its length.
fn put_element(
    bits: &mut Bits,
    data: &[u8],
    at: usize,
    stop: usize,
    recent: &mut [usize; 3],
) -> usize {
    let best = (1..=40)
        .chain([97, 250])
        .filter(|offset| *offset <= at)
        .map(|offset| {
            let most = (stop - at).min(136);
            let same = (0..most)
                .take_while(|i| data[at + i] == data[at + i - offset])
                .count();
            (same, offset)
        })
        .max_by_key(|(same, offset)| (*same, std::cmp::Reverse(*offset)));
    let Some((length, offset)) = best.filter(|(length, _)| *length >= 2) else {
        bits.put(256 + u32::from(data[at]), 9);
        return 1;
    };
    let place = recent.iter().position(|known| *known == offset);
    let (slot, footer) = match place {
        Some(place) => (place as u32, (0, 0)),
        None => {
            let formatted = offset as u32 + 2;
            let (slot, (first, count)) = slots()
                .enumerate()
                .filter(|(_, (first, _))| *first <= formatted)
                .last()
                .unwrap();
            (slot as u32, (formatted - first, count))
        }
    };
    match place {
        Some(place) => recent.swap(0, place),
        None => *recent = [offset, recent[0], recent[1]],
    }
    let header = (length - 2).min(7) as u32;
    bits.put(slot * 8 + header, 8);
    if header == 7 {
        bits.put((length - 9) as u32, 7);
    }
    bits.put(footer.0, footer.1);
    length
}
