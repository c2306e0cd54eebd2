//! The partition layouts of a product: what kind of disk they are made for.

use std::sync::Arc;

use formats::document::device_layout::{DeviceLayout, Partition, number};

use super::{Facts, File, Product};

/// How a disk lists its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disk {
    /// A GUID partition table: types are GUIDs in braces.
    Gpt,
    /// A master boot record: types are one byte, `0x07`.
    Mbr,
}

impl Disk {
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
