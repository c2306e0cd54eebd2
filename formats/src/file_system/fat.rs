//! FAT12, FAT16 and FAT32 with long names.
//!
//! ```text
//! 11  BytsPerSec u16     17  RootEntCnt u16     32  TotSec32 u32
//! 13  SecPerClus u8      19  TotSec16 u16       36  FATSz32 u32
//! 14  RsvdSecCnt u16     21  Media u8           44  RootClus u32
//! 16  NumFATs u8         22  FATSz16 u16       510  55 AA
//! ```
//!
//! Source: Microsoft, "FAT32 File System Specification", 1.03. The number of clusters decides which of the three it is.

use std::io::{Read, Seek};

use super::{Entry, MAX_ENTRIES, MAX_RUNS, Node, Run, Runs, utf16};
use crate::cursor::{Cursor, read_at};
use crate::error::ParseError;

const DIRECTORY: u8 = 0x10;
const VOLUME_LABEL: u8 = 0x08;
const LONG_NAME: u8 = 0x0f;
/// Bytes of a directory entry.
const ENTRY: u64 = 32;
/// Bytes of the table that are read together.
const WINDOW: u64 = 4096;

/// Where something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// First cluster; 0 for an empty file and the root.
    cluster: u32,
    /// Bytes of a file.
    length: u32,
    directory: bool,
}

impl Place {
    pub(super) const ROOT: Self = Self {
        cluster: 0,
        length: 0,
        directory: true,
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Fat12,
    Fat16,
    Fat32,
}

/// The shape of a volume; numbers of bytes.
#[derive(Debug)]
pub(super) struct Fat {
    width: Width,
    table: u64,
    table_length: u64,
    /// Where FAT12 and FAT16 have the root.
    root: u64,
    root_length: u64,
    root_cluster: u32,
    data: u64,
    cluster: u64,
    /// One more than the last cluster's number.
    clusters: u64,
}

/// Whether a sector has what every boot sector of a FAT volume has.
pub(super) fn is_boot_sector(sector: &[u8]) -> bool {
    let at = |offset: usize| sector.get(offset).copied().unwrap_or_default();
    let size = u16::from_le_bytes([at(11), at(12)]);
    (at(510), at(511)) == (0x55, 0xaa)
        && matches!(size, 512 | 1024 | 2048 | 4096)
        && at(13).is_power_of_two()
        && (at(14), at(15)) != (0, 0)
        && at(16) != 0
        && at(21) >= 0xf0
}

impl Fat {
    /// Reads the boot sector, which [`is_boot_sector`] has looked at.
    pub(super) fn open(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let sector = read_at(input, "BPB", "sector", 0, 512)?;
        let mut cursor = Cursor::new("BPB", &sector, 0);
        cursor.bytes("BS_OEMName", 11)?;
        let size = u64::from(cursor.u16("BPB_BytsPerSec")?);
        let cluster = u64::from(cursor.u8("BPB_SecPerClus")?).saturating_mul(size);
        let reserved = u64::from(cursor.u16("BPB_RsvdSecCnt")?);
        let tables = u64::from(cursor.u8("BPB_NumFATs")?);
        let root_entries = u64::from(cursor.u16("BPB_RootEntCnt")?);
        let total_16 = u64::from(cursor.u16("BPB_TotSec16")?);
        cursor.u8("BPB_Media")?;
        let table_16 = u64::from(cursor.u16("BPB_FATSz16")?);
        cursor.bytes("BPB_SecPerTrk", 8)?;
        let total_32 = u64::from(cursor.u32("BPB_TotSec32")?);
        let table_32 = u64::from(cursor.u32("BPB_FATSz32")?);
        cursor.bytes("BPB_ExtFlags", 4)?;
        let root_cluster = cursor.u32("BPB_RootClus")?;
        let total = if total_16 == 0 { total_32 } else { total_16 }.saturating_mul(size);
        let table_length = if table_16 == 0 { table_32 } else { table_16 }.saturating_mul(size);
        let table = reserved.saturating_mul(size);
        let root = table_length.saturating_mul(tables).saturating_add(table);
        let root_length = root_entries.saturating_mul(ENTRY);
        let data = root.saturating_add(root_length.next_multiple_of(size.max(1)));
        let count = total
            .saturating_sub(data)
            .checked_div(cluster)
            .unwrap_or_default();
        let width = match count {
            0..4085 => Width::Fat12,
            4085..65525 => Width::Fat16,
            _ => Width::Fat32,
        };
        let fat = Self {
            width,
            table,
            table_length,
            root,
            root_length,
            root_cluster,
            data,
            cluster,
            clusters: count.saturating_add(2),
        };
        let needed = match width {
            Width::Fat12 => fat.clusters.saturating_mul(3).div_ceil(2),
            Width::Fat16 => fat.clusters.saturating_mul(2),
            Width::Fat32 => fat.clusters.saturating_mul(4),
        };
        if table_length < needed || count > 0x0fff_fff5 {
            let expected = format_args!("at least {needed}, for {count} clusters").to_string();
            return Err(ParseError::invalid(
                "BPB",
                "FATSz",
                22,
                format_args!("{table_length} bytes"),
                expected,
            ));
        }
        Ok(fat)
    }

    /// The runs of the clusters from `first` on, up to the end of the chain or `wanted` bytes.
    fn chain(
        &self,
        input: &mut (impl Read + Seek),
        first: u32,
        wanted: u64,
    ) -> Result<Vec<Run>, ParseError> {
        let mut runs: Vec<Run> = Vec::new();
        let mut table = Table {
            fat: self,
            start: u64::MAX,
            window: Vec::new(),
        };
        let mut cluster = u64::from(first);
        let (mut length, mut visited) = (0_u64, 0_u64);
        // Where the number came from, for errors.
        let mut source = self.table;
        while length < wanted {
            let invalid = |found: String, expected| {
                ParseError::invalid("FAT", "entry", source, found, expected)
            };
            if table.ends(cluster) {
                break;
            }
            if cluster < 2 || cluster >= self.clusters {
                let expected = format!("2 to {}", self.clusters.saturating_sub(1));
                return Err(invalid(format!("cluster {cluster}"), expected));
            }
            visited = visited.saturating_add(1);
            if visited > self.clusters {
                return Err(invalid(
                    "a chain without end".to_owned(),
                    "an end".to_owned(),
                ));
            }
            let behind = cluster.saturating_sub(2).saturating_mul(self.cluster);
            let place = self.data.saturating_add(behind);
            let count = runs.len();
            match runs.last_mut() {
                Some(run) if run.place.map(|p| p.saturating_add(run.length)) == Some(place) => {
                    run.length = run.length.saturating_add(self.cluster);
                }
                _ if count >= MAX_RUNS => {
                    let found = count as u64;
                    return Err(ParseError::limit(
                        "FAT",
                        "runs",
                        source,
                        found,
                        MAX_RUNS as u64,
                    ));
                }
                _ => runs.push(Run {
                    place: Some(place),
                    length: self.cluster,
                }),
            }
            length = length.saturating_add(self.cluster);
            (source, cluster) = table.next(input, cluster)?;
        }
        let mut places: Vec<(u64, u64)> = runs
            .iter()
            .map(|run| (run.place.unwrap_or_default(), run.length))
            .collect();
        places.sort_unstable();
        let mut end = 0;
        for (place, length) in places {
            if place < end {
                let expected = "each of them once";
                return Err(ParseError::invalid(
                    "FAT",
                    "entry",
                    source,
                    "a chain that has clusters twice",
                    expected,
                ));
            }
            end = place.saturating_add(length);
        }
        Ok(runs)
    }

    /// The content of a file.
    pub(super) fn content(
        &self,
        input: &mut (impl Read + Seek),
        file: Place,
    ) -> Result<Runs, ParseError> {
        if file.directory {
            return Err(ParseError::invalid(
                "directory entry",
                "DIR_Attr",
                0,
                "a directory",
                "a file",
            ));
        }
        let length = u64::from(file.length);
        let runs = match length {
            0 => Vec::new(),
            _ => self.chain(input, file.cluster, length)?,
        };
        let runs = Runs::new(runs, length, length);
        if runs.allocated() < length {
            let found = format_args!("clusters with {} bytes", runs.allocated()).to_string();
            return Err(ParseError::invalid(
                "FAT",
                "chain",
                self.table,
                found,
                format_args!("the file's {length}"),
            ));
        }
        Ok(runs)
    }

    /// The entries of a directory.
    pub(super) fn list(
        &self,
        input: &mut (impl Read + Seek),
        directory: Place,
    ) -> Result<Vec<Entry>, ParseError> {
        let most = (MAX_ENTRIES as u64).saturating_mul(ENTRY);
        if !directory.directory {
            return Err(ParseError::invalid(
                "directory entry",
                "DIR_Attr",
                0,
                "a file",
                "a directory",
            ));
        }
        let cluster = match (directory.cluster, self.width) {
            (0, Width::Fat32) => self.root_cluster,
            (cluster, _) => cluster,
        };
        let runs = match cluster {
            0 => vec![Run {
                place: Some(self.root),
                length: self.root_length,
            }],
            cluster => self.chain(input, cluster, most)?,
        };
        let mut entries = Vec::new();
        let mut long = LongName::default();
        for run in runs {
            let place = run.place.unwrap_or_default();
            let length = usize::try_from(run.length).unwrap_or(usize::MAX);
            let bytes = read_at(input, "directory", "entries", place, length)?;
            let mut cursor = Cursor::new("directory", &bytes, place);
            for _ in 0..run.length / ENTRY {
                let offset = cursor.offset();
                let bytes = cursor.bytes("entry", ENTRY as usize)?;
                if bytes.first() == Some(&0) {
                    return Ok(entries);
                }
                if let Some(entry) = self.entry(bytes, offset, &mut long)? {
                    entries.push(entry);
                }
            }
        }
        Ok(entries)
    }

    /// An entry, where the 32 bytes are one of a file or a directory.
    fn entry(
        &self,
        bytes: &[u8],
        offset: u64,
        long: &mut LongName,
    ) -> Result<Option<Entry>, ParseError> {
        let mut cursor = Cursor::new("directory entry", bytes, offset);
        let short = cursor.bytes("DIR_Name", 11)?;
        let attributes = cursor.u8("DIR_Attr")?;
        let case = cursor.u8("DIR_NTRes")?;
        if short.first() == Some(&0xe5) {
            *long = LongName::default();
            return Ok(None);
        }
        if attributes & 0x3f == LONG_NAME {
            long.add(bytes, offset)?;
            return Ok(None);
        }
        let name = long.take(short);
        if attributes & VOLUME_LABEL != 0 || short.first() == Some(&b'.') {
            return Ok(None);
        }
        cursor.bytes("DIR_CrtTime", 7)?;
        // FAT12 and FAT16 have something else there.
        let high = match (cursor.u16("DIR_FstClusHI")?, self.width) {
            (high, Width::Fat32) => high,
            _ => 0,
        };
        cursor.u32("DIR_WrtTime")?;
        let low = cursor.u16("DIR_FstClusLO")?;
        let length = cursor.u32("DIR_FileSize")?;
        let directory = attributes & DIRECTORY != 0;
        let length = if directory { 0 } else { length };
        let place = Place {
            cluster: (u32::from(high) << 16) | u32::from(low),
            length,
            directory,
        };
        Ok(Some(Entry {
            name: name.unwrap_or_else(|| short_name(short, case)),
            node: Node(super::Place::Fat(place)),
            directory,
            length: u64::from(length),
            unreadable: None,
            link: false,
        }))
    }
}

/// Reads the table of clusters.
struct Table<'a> {
    fat: &'a Fat,
    start: u64,
    window: Vec<u8>,
}

impl Table<'_> {
    fn ends(&self, cluster: u64) -> bool {
        cluster
            >= match self.fat.width {
                Width::Fat12 => 0xff8,
                Width::Fat16 => 0xfff8,
                Width::Fat32 => 0x0fff_fff8,
            }
    }

    fn byte(&mut self, input: &mut (impl Read + Seek), at: u64) -> Result<u8, ParseError> {
        let start = at.saturating_sub(at % WINDOW);
        if self.start != start {
            let length = self.fat.table_length.saturating_sub(start).min(WINDOW);
            let place = self.fat.table.saturating_add(start);
            self.window = read_at(input, "FAT", "entry", place, length as usize)?;
            self.start = start;
        }
        let index = usize::try_from(at.saturating_sub(start)).unwrap_or_default();
        let place = self.fat.table.saturating_add(at);
        let rest = self.window.get(index..).unwrap_or_default();
        Cursor::new("FAT", rest, place).u8("entry")
    }

    /// Where the entry of a cluster stands, and what it says.
    fn next(
        &mut self,
        input: &mut (impl Read + Seek),
        cluster: u64,
    ) -> Result<(u64, u64), ParseError> {
        let at = match self.fat.width {
            Width::Fat12 => cluster.saturating_mul(3) / 2,
            Width::Fat16 => cluster.saturating_mul(2),
            Width::Fat32 => cluster.saturating_mul(4),
        };
        let count = if self.fat.width == Width::Fat32 { 4 } else { 2 };
        let mut bytes = [0; 4];
        for (place, byte) in (at..).zip(bytes.iter_mut().take(count)) {
            *byte = self.byte(input, place)?;
        }
        let value = u64::from(u32::from_le_bytes(bytes));
        let value = match self.fat.width {
            Width::Fat12 if cluster & 1 == 1 => value >> 4,
            Width::Fat12 => value & 0xfff,
            Width::Fat16 => value,
            Width::Fat32 => value & 0x0fff_ffff,
        };
        Ok((self.fat.table.saturating_add(at), value))
    }
}

/// The parts of a long name that stand in front of an entry.
#[derive(Default)]
struct LongName {
    /// From the first part to the last.
    parts: Vec<[u8; 26]>,
    expected: u8,
    sum: u8,
}

impl LongName {
    fn add(&mut self, bytes: &[u8], offset: u64) -> Result<(), ParseError> {
        let mut cursor = Cursor::new("long name", bytes, offset);
        let order = cursor.u8("LDIR_Ord")?;
        let mut part = Vec::new();
        part.extend_from_slice(cursor.bytes("LDIR_Name1", 10)?);
        cursor.bytes("LDIR_Type", 2)?;
        let sum = cursor.u8("LDIR_Chksum")?;
        part.extend_from_slice(cursor.bytes("LDIR_Name2", 12)?);
        cursor.u16("LDIR_FstClusLO")?;
        part.extend_from_slice(cursor.bytes("LDIR_Name3", 4)?);
        if order & 0x40 != 0 {
            self.parts.clear();
            self.expected = order & 0x3f;
            self.sum = sum;
        }
        // Parts of different names, as other systems leave them: the short name counts.
        if order & 0x3f != self.expected || self.expected == 0 || sum != self.sum {
            *self = Self::default();
            return Ok(());
        }
        self.expected = self.expected.saturating_sub(1);
        self.parts.insert(0, part.try_into().unwrap_or([0; 26]));
        Ok(())
    }

    /// The name, if it belongs to this short one.
    fn take(&mut self, short: &[u8]) -> Option<String> {
        let name = std::mem::take(self);
        let sum = short
            .iter()
            .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        if name.parts.is_empty() || name.expected != 0 || name.sum != sum {
            return None;
        }
        let bytes = name.parts.concat();
        let length = bytes.chunks_exact(2).position(|unit| unit == [0, 0]);
        let length = length.unwrap_or(bytes.len() / 2).saturating_mul(2);
        Some(utf16(bytes.get(..length).unwrap_or_default()))
    }
}

/// A name of eight and three characters; those beyond ASCII depend on a code page that the volume does not name.
fn short_name(name: &[u8], case: u8) -> String {
    let (base, extension) = name.split_at_checked(8).unwrap_or_default();
    let text = |bytes: &[u8], lower: bool| -> String {
        let characters = bytes.iter().map(|byte| match byte.is_ascii() {
            true if lower => char::from(byte.to_ascii_lowercase()),
            true => char::from(*byte),
            false => char::REPLACEMENT_CHARACTER,
        });
        characters.collect::<String>().trim_end().to_owned()
    };
    let base = text(base, case & 8 != 0);
    match text(extension, case & 16 != 0) {
        extension if extension.is_empty() => base,
        extension => format!("{base}.{extension}"),
    }
}
