//! Reading parts of an archive.

use std::io::{self, Read, Seek, SeekFrom};

use crate::error::{ParseError, Problem};

/// Distances up to this many bytes are read over instead of sought over, which keeps a caller's buffer useful.
const NEAR: u64 = 64 << 10;

/// Exactly `count` bytes at `offset`; the caller has checked that `count` is small.
///
/// # Errors
/// Where reading fails or the input ends before.
pub(super) fn read_at(
    input: &mut (impl Read + Seek),
    structure: &'static str,
    offset: u64,
    count: usize,
) -> Result<Vec<u8>, ParseError> {
    let mut walk = Walk::new(input);
    walk.go_to(structure, offset)?;
    let mut bytes = Vec::new();
    walk.append(structure, count, &mut bytes)?;
    Ok(bytes)
}

/// Reads places of the input in ascending order without losing what a buffered reader holds.
pub(super) struct Walk<'a, R> {
    input: &'a mut R,
    position: Option<u64>,
}

impl<'a, R: Read + Seek> Walk<'a, R> {
    /// A walk that starts anywhere.
    pub(super) fn new(input: &'a mut R) -> Self {
        Self {
            input,
            position: None,
        }
    }

    /// Goes to `offset`.
    pub(super) fn go_to(&mut self, structure: &'static str, offset: u64) -> Result<(), ParseError> {
        let io = |error| ParseError::io(structure, "signature", offset, &error);
        let ahead = self.position.and_then(|place| offset.checked_sub(place));
        match ahead {
            Some(0) => {}
            Some(distance @ 1..=NEAR) => {
                let mut between = self.input.by_ref().take(distance);
                io::copy(&mut between, &mut io::sink()).map_err(io)?;
            }
            _ => {
                self.input.seek(SeekFrom::Start(offset)).map_err(io)?;
            }
        }
        self.position = Some(offset);
        Ok(())
    }

    /// Appends exactly `count` bytes to `buffer`.
    pub(super) fn append(
        &mut self,
        structure: &'static str,
        count: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ParseError> {
        let offset = self.position.unwrap_or_default();
        let mut part = self.input.by_ref().take(count as u64);
        let read = part
            .read_to_end(buffer)
            .map_err(|error| ParseError::io(structure, "signature", offset, &error))?;
        self.position = Some(offset.saturating_add(read as u64));
        if read == count {
            return Ok(());
        }
        Err(ParseError {
            structure,
            field: "signature",
            offset,
            problem: Problem::Truncated {
                needed: count as u64,
                available: read as u64,
            },
        })
    }
}
