//! `DeviceLayout.xml` and `OEMDevicePlatform.xml`: partitions, and the devices an image may be flashed to.

use super::parts::{Comment, List, Root, Unexpected};
use crate::source::{Span, Spanned};

/// Name of the layout's root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const LAYOUT_ROOT: &str = "DeviceLayout";
/// Name of the platform's root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const PLATFORM_ROOT: &str = "OEMDevicePlatform";

/// A partition layout. Numbers are kept as written, decimal or `0x` hexadecimal; see [`number`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLayout {
    /// The root.
    pub root: Root,
    /// `SectorSize`, bytes.
    pub sector_size: Option<Spanned<String>>,
    /// `ChunkSize`, KiB.
    pub chunk_size: Option<Spanned<String>>,
    /// `DefaultPartitionByteAlignment`, bytes.
    pub default_partition_byte_alignment: Option<Spanned<String>>,
    /// `VersionTag`.
    pub version_tag: Option<Spanned<String>>,
    /// `Partitions/Partition`.
    pub partitions: Vec<Partition>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// One `Partition`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// `Name`.
    pub name: Option<Spanned<String>>,
    /// `Type`: a GUID in braces (GPT) or `0x` and two digits (MBR).
    pub partition_type: Option<Spanned<String>>,
    /// `FileSystem`: `NTFS`, `FAT` or `FAT32`.
    pub file_system: Option<Spanned<String>>,
    /// `TotalSectors`.
    pub total_sectors: Option<Spanned<String>>,
    /// `MinFreeSectors`.
    pub min_free_sectors: Option<Spanned<String>>,
    /// `UseAllSpace`.
    pub use_all_space: Option<Spanned<String>>,
    /// `ByteAlignment`, bytes.
    pub byte_alignment: Option<Spanned<String>>,
    /// `ClusterSize`, bytes.
    pub cluster_size: Option<Spanned<String>>,
    /// `Bootable`.
    pub bootable: Option<Spanned<String>>,
    /// `RequiredToFlash`.
    pub required_to_flash: Option<Spanned<String>>,
    /// `AttachDriveLetter`.
    pub attach_drive_letter: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `DeviceLayout/Partitions/Partition[1]`.
    pub route: String,
}

/// A device platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OemDevicePlatform {
    /// The root.
    pub root: Root,
    /// `MinSectorCount`.
    pub min_sector_count: Option<Spanned<String>>,
    /// `DevicePlatformID`.
    pub device_platform_id: Option<Spanned<String>>,
    /// `DevicePlatformIDs/ID`; `*` stands for any device.
    pub device_platform_ids: List,
    /// `CompressedPartitions/Name`.
    pub compressed_partitions: List,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// A decimal or `0x` hexadecimal number.
pub fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
