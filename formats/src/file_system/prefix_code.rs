//! Prefix codes (Huffman) from the lengths of their codes, as XPRESS and LZX have them.

/// Entries of a table for codes of up to `bits` bits: for every value of that many bits the symbol that it begins with (all
/// bits but the low five) and the length of the symbol's code.
///
/// # Errors
/// Says what is wrong where the lengths are not those of a whole code.
pub(super) fn table(lengths: &[u8], bits: u8) -> Result<Vec<u16>, &'static str> {
    let whole = 1_usize << bits.min(16);
    let mut table = Vec::with_capacity(whole);
    for width in 1..=bits {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == width) {
            let entry = u16::try_from(symbol << 5).unwrap_or_default() | u16::from(width);
            let span = whole >> width;
            let filled = table.len().saturating_add(span);
            if filled > whole {
                return Err("more codes than there is room for");
            }
            table.resize(filled, entry);
        }
    }
    match table.len() {
        length if length == whole => Ok(table),
        _ => Err("codes that leave a gap"),
    }
}

/// Symbol and width of the entry that `bits` lead to.
pub(super) fn entry(table: &[u16], bits: usize) -> (usize, u32) {
    let entry = table.get(bits).copied().unwrap_or_default();
    (usize::from(entry >> 5), u32::from(entry & 31))
}
