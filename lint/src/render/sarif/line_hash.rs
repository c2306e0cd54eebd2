//! What GitHub recognises the line of a finding by, however it moved.

use std::collections::BTreeMap;

use formats::source::Source;

/// Characters that the hash of a line looks at, from its start on, into the lines below where it is short.
const WINDOW: usize = 100;
/// What the hash is multiplied with for every character.
const FACTOR: u64 = 37;
/// Stands for the end of the file.
const END: u16 = u16::MAX;

/// The hash of every line, as GitHub's upload computes `primaryLocationLineHash`: a polynomial of 100 UTF-16 units
/// from the start of the line on, blanks and tabs left out and line ends unified, in hexadecimal; behind the colon,
/// which line with that hash it is. Ours must be the same, or the upload complains about every finding.
pub(super) fn line_hashes(source: &Source) -> Vec<String> {
    let (mut units, starts) = units(source);
    units.resize(units.len().saturating_add(WINDOW), 0);
    let leaves = FACTOR.wrapping_pow(WINDOW as u32);
    let next = |hash: u64, unit: u16| hash.wrapping_mul(FACTOR).wrapping_add(u64::from(unit));

    let mut hash = units.iter().take(WINDOW).fold(0, |h, unit| next(h, *unit));
    let mut starts = starts.into_iter().peekable();
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    let mut hashes = Vec::with_capacity(source.line_count());
    for (index, unit) in units.iter().enumerate() {
        if starts.next_if_eq(&index).is_some() {
            let count = counts.entry(hash).or_default();
            *count = count.saturating_add(1);
            hashes.push(format!("{hash:x}:{count}"));
        }
        let Some(enters) = units.get(index.saturating_add(WINDOW)) else {
            break;
        };
        hash = next(hash, *enters).wrapping_sub(leaves.wrapping_mul(u64::from(*unit)));
    }
    hashes
}

/// The units that are hashed, and where each line starts among them.
fn units(source: &Source) -> (Vec<u16>, Vec<usize>) {
    // The upload does not take the byte-order mark of UTF-8 away.
    let has_mark = source.file_offset(0) == '\u{FEFF}'.len_utf8();
    let mark = has_mark.then_some(0xFEFF);
    let text = mark.into_iter().chain(source.text().encode_utf16());
    let (blank, tab, feed, carriage) = (0x20, 0x09, 0x0A, 0x0D);

    let mut units = Vec::with_capacity(source.text().len().saturating_add(WINDOW));
    let mut starts = Vec::with_capacity(source.line_count());
    let mut after_carriage = false;
    let mut at_start = true;
    for unit in text.chain([END]) {
        let is_end_of_pair = after_carriage && unit == feed;
        after_carriage = unit == carriage;
        if unit == blank || unit == tab || is_end_of_pair {
            continue;
        }
        if at_start {
            starts.push(units.len());
        }
        let unit = if unit == carriage { feed } else { unit };
        at_start = unit == feed;
        units.push(unit);
    }
    (units, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(text: &str) -> Vec<String> {
        line_hashes(&Source::new("a.xml", text, 0))
    }

    /// The values are those that the upload action computes for these texts.
    #[test]
    fn the_hash_of_a_line_is_that_of_the_upload() {
        assert_eq!(hashes(""), ["c129715d7a2bc9a3:1"]);
        let wanted = [
            "271789c17abda88f:1",
            "54703d4cd895b18:1",
            "180aee12dab6264:1",
            "a23a3dc5e078b07b:1",
        ];
        assert_eq!(hashes(" a\nb\n  \t\tc\n d"), wanted);
        let wanted = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        let text = " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n";
        assert_eq!(hashes(text), wanted);
        assert_eq!(hashes(&text.replace('\n', "\r\n")), wanted);
        let repeated = hashes(&"Lorem ipsum dolor sit amet.\n".repeat(10));
        assert_eq!(repeated[1], "a7f2ff13bc495cf2:2");
        assert_eq!(
            repeated[8..],
            [
                "55ec222b86bcae53:1",
                "cc97dc7b1d7d8f7b:1",
                "c129715d7a2bc9a3:1"
            ]
        );
    }

    #[test]
    fn a_line_keeps_its_hash_where_others_are_put_above_it() {
        let text = format!("<a>\n<b>{}</b>\n</a>", "x".repeat(120));
        let moved = format!("<!-- new -->\n\n{text}");
        assert_eq!(hashes(&text)[1], hashes(&moved)[3]);
        // The mark of UTF-8 belongs to the first line alone.
        let marked = line_hashes(&Source::new("a.xml", text.as_str(), 3));
        assert_ne!(marked[0], hashes(&text)[0]);
        assert_eq!(marked[1..], hashes(&text)[1..]);
    }
}
