//! The first sector of a hive.
//!
//! ```text
//!  0  "regf"                        36  root key u32
//!  4  first sequence number u32     40  bytes of the bins u32
//!  8  second sequence number u32    48  file name, 32 UTF-16 units
//! 12  last written FILETIME        508  check sum u32
//! 20  major, minor version u32
//! 28  kind of file u32, 0
//! 32  form of the cells u32, 1
//! ```

use crate::cursor::Cursor;
use crate::error::ParseError;
use crate::windows_name::utf16;

/// Name of the structure in errors.
const NAME: &str = "REGF";

/// What the first sector of a hive says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseBlock {
    /// Counted up before the hive is written to.
    pub primary_sequence: u32,
    /// Counted up after the hive was written to; another number than the primary one means that it is dirty.
    pub secondary_sequence: u32,
    /// When it was last written, in steps of 100 ns since 1601, UTC.
    pub last_written: u64,
    /// Minor version; the major one is 1. From 4 on large values are in segments.
    pub minor_version: u32,
    /// The end of the hive's path on the system that wrote it.
    pub file_name: String,
    /// Bytes of the bins.
    pub length: u32,
    /// The key that the hive begins with, in bytes from the first bin.
    pub(super) root: u32,
    /// Check sum as written.
    checksum: u32,
    /// Check sum as it would be right.
    computed: u32,
}

impl BaseBlock {
    /// Reads the sector.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(NAME, bytes, 0);
        let signature = cursor.array::<4>("Signature")?;
        if signature != *b"regf" {
            let found = signature.escape_ascii().to_string();
            return Err(ParseError::invalid(NAME, "Signature", 0, found, "regf"));
        }
        let primary_sequence = cursor.u32("PrimarySequenceNumber")?;
        let secondary_sequence = cursor.u32("SecondarySequenceNumber")?;
        let last_written = cursor.u64("LastWritten")?;
        let major = cursor.u32("MajorVersion")?;
        let minor_version = cursor.u32("MinorVersion")?;
        if major != 1 || !(3..=6).contains(&minor_version) {
            let what = format_args!("version {major}.{minor_version}").to_string();
            return Err(ParseError::unsupported(NAME, "MajorVersion", 20, what));
        }
        let kind = cursor.u32("FileType")?;
        if kind != 0 {
            let expected = "0: a hive, no transaction log";
            return Err(ParseError::invalid(NAME, "FileType", 28, kind, expected));
        }
        let form = cursor.u32("FileFormat")?;
        if form != 1 {
            return Err(ParseError::invalid(NAME, "FileFormat", 32, form, 1));
        }
        let root = cursor.u32("RootCell")?;
        let length = cursor.u32("HiveBinsDataSize")?;
        cursor.u32("ClusteringFactor")?;
        let file_name = utf16(cursor.bytes("FileName", 64)?);
        let file_name = file_name.split('\0').next().unwrap_or_default().to_owned();
        cursor.bytes("Reserved", 396)?;
        let checksum = cursor.u32("CheckSum")?;
        Ok(Self {
            primary_sequence,
            secondary_sequence,
            last_written,
            minor_version,
            file_name,
            length,
            root,
            checksum,
            computed: computed(bytes),
        })
    }

    /// Whether the hive was being written to when this copy was made: what its transaction logs hold is missing.
    pub fn is_dirty(&self) -> bool {
        self.primary_sequence != self.secondary_sequence || self.checksum != self.computed
    }

    /// What makes the hive a dirty one.
    pub fn faults(&self) -> Vec<ParseError> {
        let mut faults = Vec::new();
        if self.primary_sequence != self.secondary_sequence {
            let (first, second) = (self.primary_sequence, self.secondary_sequence);
            faults.push(ParseError::invalid(
                NAME,
                "SequenceNumbers",
                4,
                format_args!("{first} and {second}, so transaction logs are still to be applied"),
                "the same number twice",
            ));
        }
        if self.checksum != self.computed {
            faults.push(ParseError::invalid(
                NAME,
                "CheckSum",
                508,
                format_args!("0x{:08X}", self.checksum),
                format_args!("0x{:08X}", self.computed),
            ));
        }
        faults
    }
}

/// The exclusive or of the 127 numbers in front of the check sum; neither 0 nor all ones.
fn computed(bytes: &[u8]) -> u32 {
    let numbers = bytes.chunks_exact(4).take(127);
    let sum = numbers.fold(0, |sum, number| match number {
        [a, b, c, d] => sum ^ u32::from_le_bytes([*a, *b, *c, *d]),
        _ => sum,
    });
    match sum {
        0 => 1,
        u32::MAX => 0xffff_fffe,
        other => other,
    }
}
