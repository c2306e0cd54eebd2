//! The finished images of the fixtures: file systems that other people's tools make, in full flash updates of our own.
//!
//! `UPDATE_IMAGES=1 cargo test -p proofmark-lint images` writes them anew; these tools do not give the same bytes twice, so
//! the tests compare the files in the images with what the recipes give.
//! `ONLY_IMAGE=NAME` leaves the others alone; all are kept as differences from the first, so writing that one means all.

mod build;
mod delta;
mod oracles;
mod recipes;

use std::fs;
use std::io::{Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use formats::container::ffu::{BlockMap, Disk, FullFlashUpdate};
use formats::disk::{Part, PartitionTable};
use formats::file_system::FileSystem;

use crate::support::{findings, lint, options, repository};
use build::RawFlash;

/// The image of a folder, as rules see it.
pub(crate) const IMAGE: &str = "Flash.ffu";

/// The image of a folder, where it has one: whole, or as what it has beside [`BASE`].
pub(crate) fn image(folder: &Path) -> Option<Vec<u8>> {
    let whole = fs::read(folder.join(format!("{IMAGE}.gz")));
    match whole {
        Ok(packed) => Some(expanded(&packed)),
        Err(_) => {
            let packed = fs::read(folder.join(format!("{IMAGE}.delta.gz"))).ok()?;
            Some(delta::apply(&base(), &expanded(&packed)))
        }
    }
}

fn base() -> Vec<u8> {
    let packed = fs::read(folder(recipes::BASE).join(format!("{IMAGE}.gz")));
    expanded(&packed.unwrap())
}

fn expanded(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Writes an image; those that are not clean as what they have beside the base, or the tables of NTFS would be there
/// thirty times.
fn write(name: &str, folder: &Path, image: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    let (file, bytes) = match name.starts_with("clean/") {
        true => (format!("{IMAGE}.gz"), packed(image)),
        false => {
            let delta = delta::of(&base(), image);
            (format!("{IMAGE}.delta.gz"), packed(&delta))
        }
    };
    fs::write(folder.join(file), bytes).unwrap();
}

fn folder(name: &str) -> PathBuf {
    let tests = repository().join("lint/tests");
    match name.starts_with("clean/") {
        true => tests.join("images").join(name),
        false => tests.join("fixtures").join(name),
    }
}

/// The disk that an image makes, and its partitions with the names of the manifest.
fn disk_of(image: &[u8]) -> (Vec<u8>, PartitionTable) {
    let update = FullFlashUpdate::read(&mut Cursor::new(image)).unwrap();
    let store = &update.stores()[0];
    let map = BlockMap::new(store, update.disk_length(store));
    let mut disk = Disk::new(&map, Cursor::new(image));
    let mut table = PartitionTable::read(&mut disk, 512).unwrap();
    let names = update.manifest().partitions(0);
    let names: Vec<&str> = names.filter_map(|section| section.get("Name")).collect();
    table.name_in_order(&names);
    disk.rewind().unwrap();
    let mut bytes = Vec::new();
    disk.read_to_end(&mut bytes).unwrap();
    (bytes, table)
}

/// What is in a file of an image; `at` is `PARTITION:PATH`.
fn content(image: &[u8], at: &str) -> Option<Vec<u8>> {
    let (disk, table) = disk_of(image);
    let (partition, path) = at.split_once(':').unwrap();
    let partition = table
        .partitions
        .iter()
        .find(|found| found.name == partition)?;
    let mut volume = FileSystem::open(Part::new(Cursor::new(disk), partition)).ok()?;
    let entry = volume.find(path).ok()??;
    let mut bytes = Vec::new();
    volume
        .open_file(entry.node)
        .ok()?
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

#[test]
fn the_images_are_what_their_recipes_give() {
    let update = std::env::var_os("UPDATE_IMAGES").is_some();
    let only = std::env::var("ONLY_IMAGE").unwrap_or_default();
    let mut wrong = Vec::new();
    for (name, flash) in recipes::all() {
        let folder = folder(name);
        if update && name.contains(&only) {
            write(name, &folder, &flash.build());
        }
        let Some(image) = image(&folder) else {
            wrong.push(format!("{name}: there is no image"));
            continue;
        };
        wrong.extend(differences(name, &flash, &image));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differences(name: &str, flash: &RawFlash, image: &[u8]) -> Vec<String> {
    let files = flash.files.iter();
    let differing = files.filter(|(at, bytes)| content(image, at).as_ref() != Some(*bytes));
    differing
        .map(|(at, _)| format!("{name}: {at} differs from its recipe"))
        .collect()
}

#[test]
fn nothing_is_found_in_clean_images() {
    for name in recipes::CLEAN {
        let folder = folder(name);
        let outcome = lint(&folder, &options(&folder));
        assert_eq!(outcome.products.len(), 1, "{name}");
        assert_eq!(findings(&folder, &outcome), "", "{name}");
    }
}
