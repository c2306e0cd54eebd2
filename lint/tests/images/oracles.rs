//! The images beside other people's tools: what sfdisk, mtools, ntfs-3g and hivex read of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use formats::disk::Scheme;
use formats::registry_hive::Hive;

use super::{content, disk_of, folder, image, recipes};
use crate::hive_export::export;
use crate::shell::shell;

/// Files of an image that are hives.
const HIVES: [&str; 4] = ["BCD", "SAM", "SOFTWARE", "SYSTEM"];

/// Sectors of 512 bytes, first and count, and the name in a GPT.
type Row = (u64, u64, Option<String>);

/// The rows of a dump of sfdisk.
fn rows(dump: &[u8]) -> Vec<Row> {
    let text = String::from_utf8_lossy(dump);
    let fields = text.lines().filter_map(|line| line.split_once(" : "));
    let row = |(_, fields): (&str, &str)| {
        let field = |name: &str| {
            let found = fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name));
            found.map(|value| value.trim().trim_matches('"').to_owned())
        };
        let number = |name: &str| field(name).unwrap().parse().unwrap();
        (number("start="), number("size="), field("name="))
    };
    fields.map(row).collect()
}

/// Whether hivex exports a hive as we read it; no answer where the bytes are no hive.
fn same_hive(folder: &Path, bytes: &[u8]) -> Option<bool> {
    let mut hive = Hive::open(Cursor::new(bytes)).ok()?;
    fs::write(folder.join("hive"), bytes).unwrap();
    let theirs = shell(folder, r"hivexregedit --export hive '\'")?;
    // One byte for each character is what the tool writes.
    let theirs: String = theirs.into_iter().map(char::from).collect();
    Some(export(&mut hive) == theirs)
}

#[test]
fn other_tools_read_the_same() {
    let mut hives = BTreeSet::new();
    for (name, flash) in recipes::all() {
        let image = image(&folder(name)).unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let temporary = temporary.path();
        let (disk, table) = disk_of(&image);
        fs::write(temporary.join("disk"), &disk).unwrap();
        let Some(dump) = shell(temporary, "sfdisk --dump disk") else {
            return;
        };
        let ours = table.partitions.iter().map(|partition| {
            let name = (table.scheme == Scheme::Gpt).then(|| partition.name.clone());
            (partition.start / 512, partition.length / 512, name)
        });
        assert_eq!(ours.collect::<Vec<_>>(), rows(&dump), "{name}");
        for partition in &table.partitions {
            let range = partition.start as usize..(partition.start + partition.length) as usize;
            fs::write(temporary.join(&partition.name), &disk[range]).unwrap();
        }
        for at in flash.files.keys() {
            let (partition, path) = at.split_once(':').unwrap();
            let tool = match partition {
                "EFIESP" => format!("mcopy -n -i EFIESP '::{path}' -"),
                _ => format!("ntfscat {partition} '{path}'"),
            };
            let bytes = content(&image, at).unwrap();
            assert!(shell(temporary, &tool).unwrap() == bytes, "{name}: {at}");
            let is_hive = HIVES.iter().any(|hive| path.ends_with(&format!("/{hive}")));
            if is_hive && hives.insert(bytes.clone()) {
                assert_ne!(same_hive(temporary, &bytes), Some(false), "{name}: {at}");
            }
        }
    }
    assert!(hives.len() > 10, "{} different hives", hives.len());
}
