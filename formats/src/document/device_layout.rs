//! `DeviceLayout.xml` and `OEMDevicePlatform.xml`: partitions, and the devices an image may be flashed to.

use super::error::DocumentError;
use super::parts::{Comment, List, Root, Unexpected};
use super::reader::{self, Element, Reader, Slot};
use crate::source::{Source, Span, Spanned};

/// Name of the layout's root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const LAYOUT_ROOT: &str = "DeviceLayout";
/// Name of the platform's root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const PLATFORM_ROOT: &str = "OEMDevicePlatform";

/// A partition layout. Numbers are kept as written, decimal or `0x` hexadecimal; see [`number`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OemDevicePlatform {
    /// The root.
    pub root: Root,
    /// `MinSectorCount`.
    pub min_sector_count: Option<Spanned<String>>,
    /// `DevicePlatformID`.
    pub device_platform_id: Option<Spanned<String>>,
    /// `DevicePlatformIDs/ID`; `*` stands for any device.
    pub device_platform_ids: List,
    /// `AdditionalMainOSFreeSectorsRequest`.
    pub additional_main_os_free_sectors_request: Option<Spanned<String>>,
    /// `MainOSRTCDataReservedSectors`.
    pub main_os_rtc_data_reserved_sectors: Option<Spanned<String>>,
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

impl DeviceLayout {
    /// Reads a partition layout. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            reader.known_attributes(&root, &[]);
            let mut layout = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            let slots = &mut [
                ("SectorSize", Slot::Value(&mut layout.sector_size)),
                ("ChunkSize", Slot::Value(&mut layout.chunk_size)),
                (
                    "DefaultPartitionByteAlignment",
                    Slot::Value(&mut layout.default_partition_byte_alignment),
                ),
                ("VersionTag", Slot::Value(&mut layout.version_tag)),
            ];
            for child in reader.fill(&root, slots) {
                if child.name() == "Partitions" {
                    for partition in reader.members(&child, "Partition") {
                        layout
                            .partitions
                            .push(read_partition(&mut reader, partition));
                    }
                } else {
                    reader.unexpected(&child, &root);
                }
            }
            (layout.comments, layout.unexpected) = reader.finish();
            layout
        })
    }
}

fn read_partition<'a>(reader: &mut Reader<'a>, element: Element<'a>) -> Partition {
    let mut partition = Partition::default();
    let slots = &mut [
        ("Name", Slot::Value(&mut partition.name)),
        ("Type", Slot::Value(&mut partition.partition_type)),
        ("FileSystem", Slot::Value(&mut partition.file_system)),
        ("TotalSectors", Slot::Value(&mut partition.total_sectors)),
        (
            "MinFreeSectors",
            Slot::Value(&mut partition.min_free_sectors),
        ),
        ("UseAllSpace", Slot::Value(&mut partition.use_all_space)),
        ("ByteAlignment", Slot::Value(&mut partition.byte_alignment)),
        ("ClusterSize", Slot::Value(&mut partition.cluster_size)),
        ("Bootable", Slot::Value(&mut partition.bootable)),
        (
            "RequiredToFlash",
            Slot::Value(&mut partition.required_to_flash),
        ),
        (
            "AttachDriveLetter",
            Slot::Value(&mut partition.attach_drive_letter),
        ),
    ];
    reader.fill_all(&element, slots);
    partition.element = element.span();
    partition.route = element.route;
    partition
}

impl OemDevicePlatform {
    /// Reads a device platform. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            let mut platform = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            let slots = &mut [
                (
                    "MinSectorCount",
                    Slot::Value(&mut platform.min_sector_count),
                ),
                (
                    "DevicePlatformID",
                    Slot::Value(&mut platform.device_platform_id),
                ),
                (
                    "DevicePlatformIDs",
                    Slot::List(&mut platform.device_platform_ids, "ID"),
                ),
                (
                    "CompressedPartitions",
                    Slot::List(&mut platform.compressed_partitions, "Name"),
                ),
                (
                    "AdditionalMainOSFreeSectorsRequest",
                    Slot::Value(&mut platform.additional_main_os_free_sectors_request),
                ),
                (
                    "MainOSRTCDataReservedSectors",
                    Slot::Value(&mut platform.main_os_rtc_data_reserved_sectors),
                ),
            ];
            reader.fill_all(&root, slots);
            (platform.comments, platform.unexpected) = reader.finish();
            platform
        })
    }
}
