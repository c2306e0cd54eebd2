//! FAT and NTFS volumes.

use std::io::{Cursor, Read};

use formats::file_system::FileSystem;

use crate::bytes::sparse;

/// Directory entries that are looked at, and bytes of each file.
const ENTRIES: usize = 64;
/// The first ones are also looked up by their paths.
const LOOKED_UP: usize = 8;
const READ: u64 = 1 << 17;

pub(crate) fn run(input: &[u8]) {
    let volume = sparse(input);
    let Ok(mut system) = FileSystem::open(Cursor::new(&volume)) else {
        return;
    };
    let mut left = ENTRIES;
    let mut waiting = vec![(String::new(), system.root())];
    while let Some((path, directory)) = waiting.pop() {
        for entry in system.list(directory).unwrap_or_default() {
            if left == 0 {
                return;
            }
            left -= 1;
            let is_name = !entry.name.is_empty() && !entry.name.contains(['/', '\\']);
            if path.is_empty() && is_name && left >= ENTRIES - LOOKED_UP {
                let found = system.find(&entry.name).expect("the root was listed");
                assert!(found.is_some(), "what is listed is found");
            }
            let path = format!("{path}\\{}", entry.name);
            if left >= ENTRIES - LOOKED_UP {
                let _ = system.find(&path);
            }
            if entry.directory {
                waiting.push((path, entry.node));
                continue;
            }
            let Ok(file) = system.open_file(entry.node) else {
                continue;
            };
            assert_eq!(entry.unreadable, None, "what can be opened is readable");
            let length = file.length();
            let mut bytes = Vec::new();
            if file.take(READ).read_to_end(&mut bytes).is_ok() {
                assert_eq!(
                    bytes.len() as u64,
                    length.min(READ),
                    "a file has its length"
                );
            }
        }
    }
}
