//! Full flash updates: headers, manifest, stores, the disk that they describe.

use std::io::{Cursor, Read};

use formats::container::ffu::{BlockMap, Disk, FullFlashUpdate};

use crate::bytes::apply;

/// A disk of this many bytes is read; the map itself is made for whatever length the input states.
const READ: u64 = 1 << 20;

pub(crate) fn run(input: &[u8]) {
    let Ok(update) = FullFlashUpdate::read(&mut Cursor::new(input)) else {
        return;
    };
    let end = update.chunk(update.chunk_count()).end;
    assert_eq!(end, input.len() as u64, "the last chunk ends the file");
    for store in update.stores() {
        let map = BlockMap::new(store, update.disk_length(store));
        let mut last = 0;
        for extent in map.extents() {
            assert!(extent.disk >= last && extent.count > 0, "extents overlap");
            last = extent.disk + extent.count;
        }
        let mut disk = Vec::new();
        let _ = Disk::new(&map, Cursor::new(input))
            .take(READ)
            .read_to_end(&mut disk);
    }
    let patch = update
        .replace_security(update.catalog(), update.hash_table())
        .expect("what was read can be written");
    let again = apply(&patch, input);
    assert_eq!(again.len(), input.len());
    let again = FullFlashUpdate::read(&mut Cursor::new(&again)).expect("it is read again");
    assert_eq!(again.catalog(), update.catalog());
    assert_eq!(again.hash_table(), update.hash_table());
}
