//! The partition layouts of a product: which one it chooses, what kind of disk they are made for.

use std::sync::Arc;

use formats::document::device_layout::{DeviceLayout, OemDevicePlatform, Partition, number};
use formats::document::feature_manifest::Section;
use formats::source::Spanned;

use super::system::System;
use super::{Facts, File, Product};

/// The name of the recovery partition of IoT Core. It is also the name of another thing, the manufacturing OS of phones.
pub const RECOVERY: &str = "MMOS";

/// How a disk lists its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disk {
    /// A GUID partition table: types are GUIDs in braces.
    Gpt,
    /// A master boot record: types are one byte, `0x07`.
    Mbr,
}

impl Disk {
    /// The word that people use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gpt => "GPT",
            Self::Mbr => "MBR",
        }
    }

    /// The type of the boot partition on such a disk.
    pub fn boot_type(self) -> &'static str {
        match self {
            Self::Gpt => "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}",
            Self::Mbr => "0x0C",
        }
    }

    /// The disk that the type of a partition is written for; `None` where it is neither.
    pub fn of(partition: &Partition) -> Option<Self> {
        let written = partition.partition_type.as_ref()?.value.trim();
        let guid = written
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        if guid.is_some_and(|guid| guid.len() == 36) {
            Some(Self::Gpt)
        } else if written.to_lowercase().starts_with("0x") && number(written)? <= 0xff {
            Some(Self::Mbr)
        } else {
            None
        }
    }

    /// The disk that all partitions of a layout are written for.
    pub fn of_layout(layout: &DeviceLayout) -> Option<Self> {
        let mut disks = layout.partitions.iter().map(Self::of);
        let first = disks.next()??;
        disks.all(|disk| disk == Some(first)).then_some(first)
    }
}

impl<'a> Facts<'a> {
    /// The layouts of a product: those beside the definitions of its packages.
    pub fn layouts(&self, product: &Product) -> &[&'a Arc<File<DeviceLayout>>] {
        self.index.layouts_of(product)
    }

    /// The layout of the package that `SOC` chooses; `None` where the workspace does not define it, or more than one.
    pub fn layout(&self, product: &Product) -> Option<&'a Arc<File<DeviceLayout>>> {
        let folder = chosen(product, Section::DeviceLayout)?;
        only(self.index.layouts_in(folder))
    }

    /// The platform of the package that `Device` chooses, in the same way.
    pub fn platform(&self, product: &Product) -> Option<&'a Arc<File<OemDevicePlatform>>> {
        let folder = chosen(product, Section::OemDevicePlatform)?;
        only(self.index.platforms_in(folder))
    }

    /// The layouts that may be of IoT Core: all but those of phones.
    pub fn iot_layouts(&self) -> impl Iterator<Item = &Arc<File<DeviceLayout>>> {
        let layouts = self.documents.device_layouts.iter();
        layouts.filter(|layout| {
            let systems = self.systems_of(layout.path());
            systems.is_empty() || systems.contains(&System::IotCore)
        })
    }

    /// The kind of disk of the products that a document belongs to, where all of their layouts agree.
    pub fn disk_of(&self, path: &str) -> Option<Disk> {
        let owners = self.owners(path);
        let mut disks = owners
            .flat_map(|product| self.layouts(product))
            .map(|layout| Disk::of_layout(layout));
        let first = disks.next()??;
        disks.all(|disk| disk == Some(first)).then_some(first)
    }
}

/// The folder of the definition of the one package that a product takes from a section.
fn chosen(product: &Product, section: Section) -> Option<&str> {
    let packages = product.packages.iter();
    let mut chosen = packages.filter(|selected| selected.entry.section == section);
    let (first, second) = (chosen.next()?, chosen.next());
    let folder = first.package.as_ref()?.definition.folder();
    second.is_none().then_some(folder)
}

/// The one document, where there is one.
fn only<'a, T>(documents: &[&'a Arc<File<T>>]) -> Option<&'a Arc<File<T>>> {
    match documents {
        [only] => Some(*only),
        _ => None,
    }
}

/// A number of sectors or bytes, as it is written.
pub fn sectors(value: &Option<Spanned<String>>) -> Option<u64> {
    number(value.as_ref()?.value.trim())
}

/// How many sectors the partitions of a layout need together: their size or, where it is not fixed, their free space.
pub fn least_sectors(layout: &DeviceLayout) -> Option<u64> {
    let sizes = layout.partitions.iter().map(|partition| {
        let total = sectors(&partition.total_sectors);
        total.or_else(|| sectors(&partition.min_free_sectors))
    });
    sizes.flatten().reduce(u64::saturating_add)
}

/// The partition of that name.
pub fn partition<'a>(layout: &'a DeviceLayout, name: &str) -> Option<&'a Partition> {
    layout.partitions.iter().find(|partition| {
        let known = partition.name.as_ref();
        known.is_some_and(|known| known.value.trim().eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use formats::source::Source;

    use super::*;

    const GUID: &str = "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}";

    fn of(types: &[&str]) -> Option<Disk> {
        let partitions = types
            .iter()
            .map(|kind| format!("<Partition><Type>{kind}</Type></Partition>"));
        let partitions: String = partitions.collect();
        let text = format!("<DeviceLayout><Partitions>{partitions}</Partitions></DeviceLayout>");
        Disk::of_layout(&DeviceLayout::parse(&Source::new("DeviceLayout.xml", text, 0)).unwrap())
    }

    #[test]
    fn the_types_tell_the_disk() {
        assert_eq!(of(&[GUID, GUID]), Some(Disk::Gpt));
        assert_eq!(of(&["0x0C", "0X07"]), Some(Disk::Mbr));
        assert_eq!(of(&[GUID, "0x07"]), None);
        assert_eq!(of(&["", "0x07"]), None);
        assert_eq!(of(&[]), None);
    }
}
