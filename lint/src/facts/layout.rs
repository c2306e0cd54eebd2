//! The partition layouts of a product: which one it chooses, what kind of disk they are made for.

use std::sync::Arc;

use formats::document::device_layout::{DeviceLayout, Partition, number};
use formats::document::feature_manifest::Section;

use super::{Facts, File, Product, Workspace};

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

impl Product {
    /// The layouts of the product: those beside the definitions of its packages.
    pub fn layouts<'a>(
        &'a self,
        facts: &'a Facts<'_>,
    ) -> impl Iterator<Item = &'a Arc<File<DeviceLayout>>> {
        let layouts = facts.workspace.documents.device_layouts.iter();
        layouts.filter(|layout| self.reach.contains(layout.path()))
    }
}

impl Facts<'_> {
    /// The kind of disk of the products that a document belongs to, where all of their layouts agree.
    pub fn disk_of(&self, path: &str) -> Option<Disk> {
        let owners = self
            .products
            .iter()
            .filter(|product| product.reach.contains(path));
        let mut disks = owners
            .flat_map(|product| product.layouts(self))
            .map(|layout| Disk::of_layout(layout));
        let first = disks.next()??;
        disks.all(|disk| disk == Some(first)).then_some(first)
    }
}

/// The layout of the package that `SOC` chooses; `None` where the workspace does not define it, or more than one.
pub fn layout<'a>(
    workspace: &'a Workspace,
    product: &Product,
) -> Option<&'a Arc<File<DeviceLayout>>> {
    let packages = product.packages.iter();
    let mut chosen = packages.filter(|selected| selected.entry.section == Section::DeviceLayout);
    let (first, second) = (chosen.next()?, chosen.next());
    let folder = first.package.as_ref()?.definition.folder();
    let layouts = workspace.documents.device_layouts.iter();
    let mut layouts = layouts.filter(|layout| layout.folder() == folder);
    let layout = layouts.next()?;
    (second.is_none() && layouts.next().is_none()).then_some(layout)
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
