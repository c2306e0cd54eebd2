//! Disks: their partition tables (GPT, MBR) and views of single partitions.
//!
//! A disk is whatever is `Read + Seek`, such as the [`Disk`](crate::container::ffu::Disk) of a full flash update. What a
//! table says and contradicts is a fault, a fact for others to judge.

mod gpt;
mod mbr;
mod part;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use crate::cursor::read_at;
use crate::error::ParseError;
use crate::guid::Guid;

pub use part::Part;

/// The GPT type of partitions that Storage Spaces pools.
pub const STORAGE_SPACES: Guid = Guid::from_u128(0xe75c_af8f_f680_4cee_afa3_b001_e56e_fc2d);

/// How a disk is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// A GUID partition table.
    Gpt,
    /// A master boot record, perhaps with a chain of extended ones.
    Mbr,
}

/// What a partition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionType {
    /// `PartitionTypeGUID` of a GPT.
    Gpt(Guid),
    /// The type byte of an MBR.
    Mbr(u8),
}

impl fmt::Display for PartitionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpt(guid) => guid.fmt(f),
            Self::Mbr(byte) => write!(f, "0x{byte:02X}"),
        }
    }
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// From 1: the place in the table; logical partitions of an MBR count from 5.
    pub number: u32,
    /// Of a GPT's entry, or given by [`PartitionTable::name_in_order`]; empty where there is none.
    pub name: String,
    /// What it is for.
    pub kind: PartitionType,
    /// First byte on the disk.
    pub start: u64,
    /// Length in bytes.
    pub length: u64,
}

impl Partition {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// The partitions of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionTable {
    /// How the disk is divided.
    pub scheme: Scheme,
    /// In the order of their numbers; an extended partition is none, those in it are.
    pub partitions: Vec<Partition>,
    /// What the table says and contradicts: check sums, backup, places outside the disk, overlaps, cycles.
    pub faults: Vec<ParseError>,
}

impl PartitionTable {
    /// Reads the table of a disk with sectors of `sector_size` bytes, a power of two from 512 to 4096.
    ///
    /// # Errors
    /// Where there is no table, or neither a GPT nor its backup can be read.
    pub fn read(input: &mut (impl Read + Seek), sector_size: u64) -> Result<Self, ParseError> {
        if !matches!(sector_size, 512 | 1024 | 2048 | 4096) {
            let expected = "512, 1024, 2048 or 4096 bytes";
            return Err(ParseError::invalid(
                "disk",
                "sector size",
                0,
                sector_size,
                expected,
            ));
        }
        let length = input
            .seek(SeekFrom::End(0))
            .map_err(|error| ParseError::io("disk", "length", 0, &error))?;
        let mut sector = Sectors {
            input,
            size: sector_size,
            length,
        };
        let record = read_at(sector.input, "MBR", "record", 0, 512)?;
        let slots = mbr::slots(&record, "MBR", 0);
        let protective =
            matches!(&slots, Ok(slots) if slots.iter().any(|slot| slot.kind == mbr::PROTECTIVE));
        let mut table = if protective || gpt::is_header(&mut sector, 1)? {
            let mut table = gpt::read(&mut sector)?;
            match slots {
                Err(error) => table.faults.push(error),
                Ok(_) if !protective => table.faults.push(ParseError::invalid(
                    "MBR",
                    "OSType",
                    450,
                    "no protective partition",
                    "0xEE in front of a GPT",
                )),
                Ok(_) => {}
            }
            table
        } else {
            mbr::read(&mut sector, &slots?)
        };
        table.check_places(length);
        Ok(table)
    }

    /// Says of each partition that leaves the disk or overlaps another.
    fn check_places(&mut self, length: u64) {
        let mut sorted: Vec<&Partition> = self.partitions.iter().collect();
        sorted.sort_by_key(|partition| (partition.start, partition.number));
        let mut faults = Vec::new();
        let mut before: Option<&Partition> = None;
        for partition in sorted {
            let mut fault = |found: String, expected: String| {
                let field = "place";
                let offset = partition.start;
                let structure = "partition";
                faults.push(ParseError::invalid(
                    structure, field, offset, found, expected,
                ));
            };
            let number = partition.number;
            if partition.end() > length {
                fault(
                    format!("partition {number} up to byte {}", partition.end()),
                    format!("an end within the disk of {length} bytes"),
                );
            }
            if let Some(before) = before
                && before.end() > partition.start
            {
                fault(
                    format!("partition {number} from byte {}", partition.start),
                    format!("a start behind partition {}", before.number),
                );
            }
            if before.is_none_or(|before| before.end() < partition.end()) {
                before = Some(partition);
            }
        }
        self.faults.append(&mut faults);
    }

    /// Gives the partitions of an MBR, which has no names, those of `names`, in order. Where there are more or fewer none
    /// is named, which is a fault: a wrong name is worse than none. A GPT keeps its own.
    pub fn name_in_order(&mut self, names: &[&str]) {
        if self.scheme == Scheme::Gpt || names.is_empty() {
            return;
        }
        if names.len() != self.partitions.len() {
            self.faults.push(ParseError::invalid(
                "MBR",
                "partitions",
                446,
                format_args!("{} partitions", self.partitions.len()),
                format_args!("{}, which the manifest names", names.len()),
            ));
            return;
        }
        for (partition, name) in self.partitions.iter_mut().zip(names) {
            (*name).clone_into(&mut partition.name);
        }
    }
}

/// A disk that is read by sectors.
struct Sectors<'a, R> {
    input: &'a mut R,
    size: u64,
    length: u64,
}

impl<R: Read + Seek> Sectors<'_, R> {
    /// Byte offset of a sector.
    fn offset(&self, sector: u64) -> u64 {
        sector.saturating_mul(self.size)
    }

    /// Up to `count` bytes from the first of `sector` on.
    fn read(
        &mut self,
        structure: &'static str,
        field: &'static str,
        sector: u64,
        count: usize,
    ) -> Result<Vec<u8>, ParseError> {
        let offset = self.offset(sector);
        read_at(self.input, structure, field, offset, count)
    }
}
