//! Reads whole volumes.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use formats::file_system::{FileSystem, Node};

pub(crate) fn open(volume: &[u8]) -> FileSystem<Cursor<&[u8]>> {
    FileSystem::open(Cursor::new(volume)).unwrap()
}

/// The content of a path, or what is said instead.
pub(crate) fn content(volume: &[u8], path: &str) -> Result<Vec<u8>, String> {
    let mut system = FileSystem::open(Cursor::new(volume)).map_err(|e| e.to_string())?;
    let entry = system.find(path).map_err(|e| e.to_string())?;
    let entry = entry.ok_or_else(|| format!("{path}: not there"))?;
    let mut file = system.open_file(entry.node).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// Every path of the volume with its content.
pub(crate) fn everything(volume: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut system = open(volume);
    let root = system.root();
    let mut waiting: Vec<(String, Node)> = vec![(String::new(), root)];
    while let Some((path, node)) = waiting.pop() {
        for entry in system.list(node).unwrap() {
            let path = format!("{path}/{}", entry.name);
            match entry.directory {
                true => waiting.push((path, entry.node)),
                false => {
                    let mut bytes = Vec::new();
                    let mut file = system.open_file(entry.node).unwrap();
                    file.read_to_end(&mut bytes).unwrap();
                    assert_eq!(entry.length, bytes.len() as u64, "{path}");
                    found.insert(path, bytes);
                }
            }
        }
    }
    found
}

/// Every file of a folder with its content.
pub(crate) fn on_disk(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(String::new(), folder.to_owned())];
    while let Some((path, folder)) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{path}/{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => waiting.push((path, entry.path())),
                false => drop(found.insert(path, std::fs::read(entry.path()).unwrap())),
            }
        }
    }
    found
}

/// Reads as much of a damaged volume as there is to read; how much that was.
pub(crate) fn survive(volume: &[u8]) -> usize {
    let Ok(mut system) = FileSystem::open(Cursor::new(volume)) else {
        return 0;
    };
    let mut read = 0;
    let mut waiting = vec![(system.root(), 0)];
    while let Some((node, depth)) = waiting.pop() {
        for entry in system.list(node).unwrap_or_default().into_iter().take(400) {
            if entry.directory && depth < 6 {
                waiting.push((entry.node, depth + 1));
            }
            let Ok(file) = system.open_file(entry.node) else {
                continue;
            };
            let mut bytes = Vec::new();
            file.take(1 << 20).read_to_end(&mut bytes).ok();
            read += bytes.len();
        }
    }
    read
}
