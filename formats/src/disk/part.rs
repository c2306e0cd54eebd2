//! One partition as something to read.

use std::io::{self, Read, Seek, SeekFrom};

use super::Partition;

/// The bytes of a partition. Reading stops at its end, and earlier where the disk does.
#[derive(Debug)]
pub struct Part<R> {
    input: R,
    start: u64,
    length: u64,
    position: u64,
}

impl<R: Read + Seek> Part<R> {
    /// The view of `partition` on the disk `input`.
    pub fn new(input: R, partition: &Partition) -> Self {
        Self {
            input,
            start: partition.start,
            length: partition.length,
            position: 0,
        }
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl<R: Read + Seek> Read for Part<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        let wanted = wanted.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        let place = self.start.checked_add(self.position);
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        self.input.seek(SeekFrom::Start(place))?;
        let read = self.input.read(buffer)?;
        self.position = self.position.saturating_add(read as u64);
        Ok(read)
    }
}

impl<R> Seek for Part<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
