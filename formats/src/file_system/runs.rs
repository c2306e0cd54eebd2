//! Content as runs of the volume.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Offset on the volume; `None` where nothing was written, which reads as zeros.
    pub(super) place: Option<u64>,
    /// Bytes.
    pub(super) length: u64,
}

/// A content of `length` bytes in runs, of which the first `initialized` are written and the others zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runs {
    /// Start in the content, and the run.
    runs: Vec<(u64, Run)>,
    length: u64,
    initialized: u64,
}

impl Runs {
    /// Runs in order; the caller has checked that they reach `length`.
    pub(super) fn new(runs: impl IntoIterator<Item = Run>, length: u64, initialized: u64) -> Self {
        let mut start = 0_u64;
        let placed = runs.into_iter().map(|run| {
            let at = start;
            start = start.saturating_add(run.length);
            (at, run)
        });
        Self {
            runs: placed.collect(),
            length,
            initialized: initialized.min(length),
        }
    }

    /// The content as far as the runs reach.
    pub(super) fn cut(mut self) -> Self {
        self.length = self.length.min(self.allocated());
        self
    }

    /// Bytes of the content.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that the runs have.
    pub(super) fn allocated(&self) -> u64 {
        self.runs
            .last()
            .map_or(0, |(start, run)| start.saturating_add(run.length))
    }

    /// Offset on the volume of byte `position`, where it is written.
    pub(super) fn place(&self, position: u64) -> Option<u64> {
        let (start, run) = self.run_at(position)?;
        Some(run.place?.saturating_add(position.saturating_sub(start)))
    }

    fn run_at(&self, position: u64) -> Option<(u64, Run)> {
        let next = self.runs.partition_point(|(start, _)| *start <= position);
        let (start, run) = self.runs.get(next.checked_sub(1)?)?;
        (position < start.saturating_add(run.length)).then_some((*start, *run))
    }

    /// Reads from `position` on; 0 bytes at the end only.
    pub(super) fn read(
        &self,
        input: &mut (impl Read + Seek),
        position: u64,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let mut left = self.length.saturating_sub(position);
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let (start, run) = self
            .run_at(position)
            .ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let in_run = position.saturating_sub(start);
        left = left.min(run.length.saturating_sub(in_run));
        let written = self.initialized.saturating_sub(position);
        let place = run.place.filter(|_| written > 0);
        if place.is_some() {
            left = left.min(written);
        }
        let wanted = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        match place {
            None => {
                buffer.fill(0);
                Ok(buffer.len())
            }
            Some(place) => {
                input.seek(SeekFrom::Start(place.saturating_add(in_run)))?;
                match input.read(buffer)? {
                    0 => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => Ok(read),
                }
            }
        }
    }

    /// Fills `buffer` from `position` on.
    pub(super) fn read_exact(
        &self,
        input: &mut (impl Read + Seek),
        mut position: u64,
        mut buffer: &mut [u8],
    ) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read(input, position, buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    position = position.saturating_add(read as u64);
                    buffer = buffer.get_mut(read..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }
}
