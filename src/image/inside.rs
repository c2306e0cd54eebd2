//! The file systems in an image: which partition and path is meant.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use formats::container::ffu::{BlockMap, Disk, FullFlashUpdate, Store};
use formats::disk::{Part, Partition, PartitionTable, PartitionType, STORAGE_SPACES};
use formats::file_system::{FileSystem, VolumeKind};

use crate::error::Error;

/// A volume of an image.
pub(super) type Volume<'a> = FileSystem<Part<Disk<'a, BufReader<File>>>>;

/// The disk of one store.
pub(super) struct StoreDisk {
    map: BlockMap,
    /// Where there is none, the reason.
    table: Result<PartitionTable, String>,
}

/// What is read of an image.
pub(super) struct Inside<'a> {
    path: &'a Path,
    pub(super) disks: Vec<StoreDisk>,
}

/// `PARTITION:PATH` as the user wrote it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    partition: String,
    pub(super) path: String,
}

/// Reads a target; the path may be left out with the colon.
pub(super) fn target(text: &str) -> Result<Target, String> {
    let (partition, path) = text.split_once(':').unwrap_or((text, ""));
    match partition {
        "" => {
            Err("it names no partition; PARTITION:PATH is meant, as in MainOS:Windows".to_owned())
        }
        _ => Ok(Target {
            partition: partition.to_owned(),
            path: path.to_owned(),
        }),
    }
}

impl<'a> Inside<'a> {
    /// Reads the partition tables of an image.
    pub(super) fn read(path: &'a Path) -> Result<Self, Error> {
        let update = super::read(path)?;
        let stores = update.stores().iter();
        let disks: Result<Vec<_>, _> = stores
            .map(|store| StoreDisk::read(path, &update, store))
            .collect();
        let disks = disks?;
        let has_table = disks.iter().any(|disk| disk.table.is_ok());
        let problem = disks.iter().find_map(|disk| disk.table.as_ref().err());
        match problem {
            // A store may be a disk without partitions; nothing to list in any is an error.
            Some(problem) if !has_table => Err(Error::file(path, problem)),
            _ => Ok(Self { path, disks }),
        }
    }

    /// The volume that a target names by a partition's name or number.
    pub(super) fn volume(&self, target: &Target) -> Result<Volume<'_>, Error> {
        let wanted = &target.partition;
        let all = || {
            let disks = self.disks.iter();
            disks.flat_map(|disk| disk.partitions().iter().map(move |p| (disk, p)))
        };
        let named: Vec<_> = all()
            .filter(|(_, partition)| partition.name.eq_ignore_ascii_case(wanted))
            .collect();
        let found = match named.is_empty() {
            false => named,
            true => all()
                .filter(|(_, partition)| partition.number.to_string() == *wanted)
                .collect(),
        };
        match found.as_slice() {
            [(disk, partition)] => self.open(disk, partition),
            [] => {
                let names: Vec<String> = all().map(|(_, partition)| label(partition)).collect();
                let problem = format_args!("it has no partition {wanted}").to_string();
                Err(Error::file(self.path, problem)
                    .hint(format_args!("it has {}", names.join(", "))))
            }
            several => {
                let problem =
                    format_args!("{} partitions are called {wanted}", several.len()).to_string();
                Err(Error::file(self.path, problem))
            }
        }
    }

    /// What is on a partition: the name of a file system, or of what hides one.
    pub(super) fn kind(&self, disk: &StoreDisk, partition: &Partition) -> Result<String, Error> {
        if partition.kind == PartitionType::Gpt(STORAGE_SPACES) {
            return Ok("Storage Spaces".to_owned());
        }
        let input = super::open(self.path).map_err(|error| Error::file(self.path, error))?;
        let mut part = Part::new(Disk::new(&disk.map, input), partition);
        let kind = VolumeKind::of(&mut part).map_err(|error| Error::file(self.path, error))?;
        Ok(kind.to_string())
    }

    fn open<'s>(&'s self, disk: &'s StoreDisk, partition: &Partition) -> Result<Volume<'s>, Error> {
        let failed = |problem: String| Error::file(self.path, problem);
        if partition.kind == PartitionType::Gpt(STORAGE_SPACES) {
            let what = format!("{}: Storage Spaces are not supported", label(partition));
            return Err(failed(what));
        }
        let input = super::open(self.path).map_err(|error| failed(error.to_string()))?;
        let part = Part::new(Disk::new(&disk.map, input), partition);
        FileSystem::open(part).map_err(|error| failed(format!("{}: {error}", label(partition))))
    }
}

impl StoreDisk {
    fn read(path: &Path, update: &FullFlashUpdate, store: &Store) -> Result<Self, Error> {
        let map = BlockMap::new(store, update.disk_length(store));
        let input = super::open(path).map_err(|error| Error::file(path, error))?;
        let section = update.manifest().stores().nth(store.index);
        let sector = section.and_then(|section| section.number("SectorSize"));
        let table = PartitionTable::read(&mut Disk::new(&map, input), sector.unwrap_or(512));
        let mut table = table.map_err(|error| {
            let number = store.index + 1;
            format!("the disk of store {number}: {error}")
        });
        if let Ok(table) = &mut table {
            let sections = update.manifest().partitions(store.index);
            let names: Vec<&str> = sections.filter_map(|section| section.get("Name")).collect();
            table.name_in_order(&names);
        }
        Ok(Self { map, table })
    }

    /// Its partitions, none where it has no table.
    pub(super) fn partitions(&self) -> &[Partition] {
        self.table.as_ref().map_or(&[], |table| &table.partitions)
    }

    /// What its table contradicts, or why it has none.
    pub(super) fn faults(&self) -> Vec<String> {
        match &self.table {
            Ok(table) => table.faults.iter().map(ToString::to_string).collect(),
            Err(problem) => vec![problem.clone()],
        }
    }
}

/// How a partition is called: by its name, or its number.
pub(super) fn label(partition: &Partition) -> String {
    match partition.name.as_str() {
        "" => partition.number.to_string(),
        name => crate::output::printable(name),
    }
}
