//! A signature as a change to a file: which bytes go, which come.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// One replaced range of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Range of the input that is replaced; empty for an insertion.
    pub range: Range<u64>,
    /// The bytes that take its place.
    pub replacement: Vec<u8>,
}

/// Sorted, non-overlapping replacements. Applying it is the only way by which a signed file comes to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    hunks: Vec<Hunk>,
}

/// Hunks that overlap, run backwards or are out of order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("patch range {start}..{end} overlaps or precedes the range before it")]
pub struct OverlapError {
    start: u64,
    end: u64,
}

impl Patch {
    /// A patch of `hunks` in the order of the input.
    pub fn new(hunks: Vec<Hunk>) -> Result<Self, OverlapError> {
        let mut end = 0;
        for hunk in &hunks {
            if hunk.range.start < end || hunk.range.end < hunk.range.start {
                return Err(OverlapError {
                    start: hunk.range.start,
                    end: hunk.range.end,
                });
            }
            end = hunk.range.end;
        }
        Ok(Self { hunks })
    }

    /// A patch of one hunk.
    pub fn whole(hunk: Hunk) -> Self {
        Self { hunks: vec![hunk] }
    }

    /// The replacements, sorted.
    pub fn hunks(&self) -> &[Hunk] {
        &self.hunks
    }

    /// Writes `input` with the replacements made. Memory does not grow with the input.
    ///
    /// # Errors
    /// Whatever reading or writing reports; `UnexpectedEof` where a range lies outside the input.
    pub fn apply(&self, input: &mut (impl Read + Seek), output: &mut impl Write) -> io::Result<()> {
        let length = input.seek(SeekFrom::End(0))?;
        let mut position = 0;
        for hunk in &self.hunks {
            if hunk.range.end > length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            copy_range(input, output, position..hunk.range.start)?;
            output.write_all(&hunk.replacement)?;
            position = hunk.range.end;
        }
        copy_range(input, output, position..length)
    }
}

/// Copies a range of `input`, which must hold all of it.
fn copy_range(
    input: &mut (impl Read + Seek),
    output: &mut impl Write,
    range: Range<u64>,
) -> io::Result<()> {
    let length = range.end.saturating_sub(range.start);
    if length == 0 {
        return Ok(());
    }
    input.seek(SeekFrom::Start(range.start))?;
    let copied = io::copy(&mut input.take(length), output)?;
    if copied == length {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn hunk(range: Range<u64>, replacement: &[u8]) -> Hunk {
        Hunk {
            range,
            replacement: replacement.to_vec(),
        }
    }

    #[test]
    fn hunks_replace_insert_and_append() {
        let patch =
            Patch::new(vec![hunk(1..2, b"XY"), hunk(3..3, b"-"), hunk(4..4, b"!")]).unwrap();
        let mut output = Vec::new();
        patch.apply(&mut Cursor::new(b"abcd"), &mut output).unwrap();
        assert_eq!(output, b"aXYc-d!");
    }

    #[test]
    fn overlaps_and_ranges_outside_are_refused() {
        assert!(Patch::new(vec![hunk(0..2, b""), hunk(1..3, b"")]).is_err());
        let patch = Patch::new(vec![hunk(3..9, b"")]).unwrap();
        let outside = patch.apply(&mut Cursor::new(b"abcd"), &mut Vec::new());
        assert_eq!(outside.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
