//! The disk that a store describes, readable without expanding it.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::{AccessMethod, Location, Store};

/// A run of blocks on the disk that stand in the payload in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// First block on the disk.
    pub disk: u64,
    /// Number of blocks.
    pub count: u64,
    /// First block in the payload.
    pub payload: u64,
}

/// Which blocks of the disk the payload holds; a later write descriptor wins, and what none writes reads as zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockMap {
    extents: Vec<Extent>,
    block_size: u64,
    disk_length: u64,
    payload_start: u64,
    /// Places of descriptors that lie outside the disk.
    outside: Vec<Location>,
}

impl BlockMap {
    /// The map of `store` on a disk of `disk_length` bytes.
    pub fn new(store: &Store, disk_length: u64) -> Self {
        let block_size = u64::from(store.header.block_size).max(1);
        let total = disk_length.div_ceil(block_size);
        let mut map: BTreeMap<u64, Extent> = BTreeMap::new();
        let mut outside = Vec::new();
        let mut payload = 0_u64;
        for (descriptor, locations) in store.runs() {
            let count = u64::from(descriptor.block_count);
            for location in locations {
                let block = u64::from(location.block);
                let disk = match location.access {
                    AccessMethod::Begin => Some(block),
                    AccessMethod::End => total.checked_sub(block.saturating_add(1)),
                };
                match disk {
                    Some(disk) if disk.saturating_add(count) <= total => overwrite(
                        &mut map,
                        Extent {
                            disk,
                            count,
                            payload,
                        },
                    ),
                    _ => outside.push(*location),
                }
            }
            payload = payload.saturating_add(count);
        }
        Self {
            extents: map.into_values().collect(),
            block_size,
            disk_length,
            payload_start: store.payload.start,
            outside,
        }
    }

    /// The runs in the order of the disk; none overlap.
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Length of the disk in bytes.
    pub fn disk_length(&self) -> u64 {
        self.disk_length
    }

    /// Places that descriptors name and the disk does not have.
    pub fn outside(&self) -> &[Location] {
        &self.outside
    }

    /// Where in the file byte `position` of the disk stands, and how many bytes from there on stand or are missing
    /// together; `None` where nothing was written.
    fn locate(&self, position: u64) -> (Option<u64>, u64) {
        let block = position.checked_div(self.block_size).unwrap_or_default();
        let next = self.extents.partition_point(|extent| extent.disk <= block);
        let before = next.checked_sub(1).and_then(|i| self.extents.get(i));
        if let Some(extent) = before {
            let end = extent.disk.saturating_add(extent.count);
            if block < end {
                let start = extent.disk.saturating_mul(self.block_size);
                let in_extent = position.saturating_sub(start);
                let payload = extent.payload.saturating_mul(self.block_size);
                let file = self.payload_start.saturating_add(payload);
                let left = end.saturating_mul(self.block_size).saturating_sub(position);
                return (Some(file.saturating_add(in_extent)), left);
            }
        }
        let gap_end = match self.extents.get(next) {
            Some(extent) => extent.disk.saturating_mul(self.block_size),
            None => self.disk_length,
        };
        (None, gap_end.saturating_sub(position))
    }
}

/// Adds an extent over what is there.
fn overwrite(map: &mut BTreeMap<u64, Extent>, new: Extent) {
    if new.count == 0 {
        return;
    }
    let end = new.disk.saturating_add(new.count);
    let before = map.range(..new.disk).next_back().map(|(_, extent)| *extent);
    if let Some(old) = before
        && old.disk.saturating_add(old.count) > new.disk
    {
        let kept = new.disk.saturating_sub(old.disk);
        map.insert(old.disk, Extent { count: kept, ..old });
        keep_tail(map, old, end);
    }
    while let Some((_, old)) = map.range(new.disk..end).next().map(|(k, v)| (*k, *v)) {
        map.remove(&old.disk);
        keep_tail(map, old, end);
    }
    map.insert(new.disk, new);
}

/// Puts back what of `old` lies behind `end`.
fn keep_tail(map: &mut BTreeMap<u64, Extent>, old: Extent, end: u64) {
    let old_end = old.disk.saturating_add(old.count);
    if old_end > end {
        let cut = end.saturating_sub(old.disk);
        let tail = Extent {
            disk: end,
            count: old_end.saturating_sub(end),
            payload: old.payload.saturating_add(cut),
        };
        map.insert(end, tail);
    }
}

/// The disk of a store as something to read.
#[derive(Debug)]
pub struct Disk<'a, R> {
    map: &'a BlockMap,
    input: R,
    /// Where the input is, as far as that is known.
    input_position: Option<u64>,
    position: u64,
}

impl<'a, R: Read + Seek> Disk<'a, R> {
    /// The disk that `map` describes, over the full flash update `input`.
    pub fn new(map: &'a BlockMap, input: R) -> Self {
        Self {
            map,
            input,
            input_position: None,
            position: 0,
        }
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        self.map.disk_length
    }
}

impl<R: Read + Seek> Read for Disk<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.map.disk_length.saturating_sub(self.position);
        let (file, together) = self.map.locate(self.position);
        let wanted = left.min(together).min(buffer.len() as u64);
        let wanted = usize::try_from(wanted).unwrap_or(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match file {
            Some(offset) => {
                // Where nothing moves, what a buffered input holds is kept.
                if self.input_position.take() != Some(offset) {
                    self.input.seek(SeekFrom::Start(offset))?;
                }
                let read = self.input.read(buffer)?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.input_position = Some(offset.saturating_add(read as u64));
                read
            }
            None => {
                buffer.fill(0);
                buffer.len()
            }
        };
        self.position = self.position.saturating_add(read as u64);
        Ok(read)
    }
}

impl<R> Seek for Disk<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.map.disk_length.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever overlaps, the map says what writing the runs one after the other would.
    #[test]
    fn later_runs_win() {
        let runs = [
            (0, 10, 0),
            (3, 4, 10),
            (5, 8, 14),
            (0, 1, 22),
            (12, 1, 23),
            (2, 2, 24),
        ];
        let mut disk = [None; 16];
        let mut map = BTreeMap::new();
        for (start, count, payload) in runs {
            overwrite(
                &mut map,
                Extent {
                    disk: start,
                    count,
                    payload,
                },
            );
            for i in 0..count {
                disk[(start + i) as usize] = Some(payload + i);
            }
        }
        let mut read = [None; 16];
        for extent in map.values() {
            for i in 0..extent.count {
                let place = &mut read[(extent.disk + i) as usize];
                assert!(place.is_none(), "extents overlap");
                *place = Some(extent.payload + i);
            }
        }
        assert_eq!(read, disk);
    }
}
