//! Full flash updates: built, read back, taken for a disk, and damaged.

#[path = "../tools/ffu_v2.rs"]
mod ffu_v2;

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use formats::container::ffu::{
    AccessMethod, BlockMap, Disk, FullFlashUpdate, Layout, Location, Variant, build,
};
use sha2::{Digest, Sha256};

const BLOCK: usize = 4096;

/// A disk of 40 blocks with runs, gaps and a last block that is cut.
fn disk() -> Vec<u8> {
    let mut disk = vec![0; 40 * BLOCK - 512];
    for block in [0, 1, 2, 7, 8, 20, 39] {
        let end = (block + 1) * BLOCK;
        let end = end.min(disk.len());
        for (i, byte) in disk[block * BLOCK..end].iter_mut().enumerate() {
            *byte = (i * 7 + block + 1) as u8 | 1;
        }
    }
    disk
}

fn layout() -> Layout {
    Layout {
        block_size: BLOCK as u32,
        platform_ids: vec![
            "Contoso.Family.Kiosk".to_owned(),
            "Contoso.Family.Sign.2".to_owned(),
        ],
        manifest: format!(
            "[FullFlash]\r\nVersion = 2.0\r\nDevicePlatformId0 = Contoso.Family.Kiosk\r\n\
             DevicePlatformId1 = Contoso.Family.Sign.2\r\n[Store]\r\nSectorSize = 512\r\n\
             MinSectorCount = {}\r\n[Partition]\r\nName = MainOS\r\n",
            disk().len() / 512
        ),
    }
}

/// No catalog, but as many bytes as if there were one.
fn catalog(_table: &[u8]) -> io::Result<Vec<u8>> {
    Ok(vec![0x30; 300])
}

fn image() -> Vec<u8> {
    let mut output = Cursor::new(Vec::new());
    let hash = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
    build(
        &mut Cursor::new(disk()),
        &layout(),
        &hash,
        &catalog,
        &mut output,
    )
    .unwrap();
    output.into_inner()
}

fn read(bytes: &[u8]) -> FullFlashUpdate {
    FullFlashUpdate::read(&mut Cursor::new(bytes)).unwrap()
}

#[test]
fn what_was_built_reads_back() {
    let bytes = image();
    let update = read(&bytes);
    assert_eq!(update.faults(), &[]);
    assert_eq!(update.catalog(), vec![0x30; 300]);
    assert_eq!(update.image_offset(), BLOCK as u64);
    let [store] = update.stores() else {
        panic!("one store")
    };
    assert_eq!(store.header.variant, Variant::V1);
    assert_eq!(store.header.platform_ids, layout().platform_ids);
    assert_eq!(store.descriptors.len(), 4);
    assert_eq!(update.disk_length(store), 40 * BLOCK as u64);
    for (index, stated) in update.hashes().enumerate() {
        let chunk = update.chunk(index as u64);
        let chunk = &bytes[chunk.start as usize..chunk.end as usize];
        assert_eq!(Sha256::digest(chunk).as_slice(), stated, "chunk {index}");
    }
    assert_eq!(update.hashes().count() as u64, update.chunk_count());
}

#[test]
fn the_disk_reads_without_being_expanded() {
    let bytes = image();
    let update = read(&bytes);
    let store = &update.stores()[0];
    let map = BlockMap::new(store, update.disk_length(store));
    let mut expected = disk();
    expected.resize(40 * BLOCK, 0);
    let mut found = Vec::new();
    Disk::new(&map, Cursor::new(&bytes))
        .read_to_end(&mut found)
        .unwrap();
    assert!(found == expected, "the whole disk");
    let mut reader = Disk::new(&map, Cursor::new(&bytes));
    for (start, length) in [
        (0, 1),
        (BLOCK - 3, 9),
        (6 * BLOCK + 1, 3 * BLOCK),
        (39 * BLOCK, 512),
    ] {
        let mut piece = vec![0; length];
        reader.seek(SeekFrom::Start(start as u64)).unwrap();
        reader.read_exact(&mut piece).unwrap();
        assert!(piece == expected[start..start + length], "{start}");
    }
    reader.seek(SeekFrom::End(-1)).unwrap();
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 1);
    assert!(reader.seek(SeekFrom::Current(i64::MIN)).is_err());
}

#[test]
fn a_longer_catalog_moves_everything_by_whole_chunks() {
    let bytes = image();
    let update = read(&bytes);
    for (length, moved) in [(299, 0), (2 * BLOCK, 2 * BLOCK)] {
        let catalog = vec![0x31; length];
        let patch = update
            .replace_security(&catalog, update.hash_table())
            .unwrap();
        let mut output = Vec::new();
        patch.apply(&mut Cursor::new(&bytes), &mut output).unwrap();
        let other = read(&output);
        assert_eq!(output.len(), bytes.len() + moved);
        assert_eq!(other.catalog(), catalog);
        assert_eq!(other.hash_table(), update.hash_table());
        assert_eq!(other.faults(), &[]);
        let behind = other.image_offset() as usize;
        assert!(output[behind..] == bytes[update.image_offset() as usize..]);
    }
}

#[test]
fn blocks_are_counted_from_the_end_and_later_ones_win() {
    let bytes = image();
    let update = read(&bytes);
    let mut store = update.stores()[0].clone();
    let last = store.descriptors.len() - 1;
    store.descriptors[last].block_count = 1;
    let locations = store.descriptors[last].locations.clone();
    store.locations[locations.start] = Location {
        access: AccessMethod::End,
        block: 39,
    };
    let map = BlockMap::new(&store, 40 * BLOCK as u64);
    let mut found = Vec::new();
    Disk::new(&map, Cursor::new(&bytes))
        .read_to_end(&mut found)
        .unwrap();
    let block = |index: usize| &found[index * BLOCK..(index + 1) * BLOCK];
    assert!(
        block(39).iter().all(|byte| *byte == 0),
        "it is not at its old place"
    );
    assert_eq!(block(0)[..16], disk()[39 * BLOCK..39 * BLOCK + 16]);
    assert_eq!(block(1), &disk()[BLOCK..2 * BLOCK]);
    store.locations[locations.start].block = 40;
    let map = BlockMap::new(&store, 40 * BLOCK as u64);
    assert_eq!(map.outside().len(), 1);
}

#[test]
fn every_truncation_is_an_error_or_a_fault() {
    let bytes = image();
    let front = read(&bytes).stores()[0].payload.start as usize;
    for length in (0..front).chain((front..bytes.len()).step_by(97)) {
        match FullFlashUpdate::read(&mut Cursor::new(&bytes[..length])) {
            Err(_) => {}
            Ok(update) => assert!(!update.faults().is_empty(), "cut at {length}"),
        }
    }
}

/// Nothing panics, whatever bits are turned; memory is bounded by the file.
#[test]
fn every_flipped_bit_in_front_of_the_payload_is_survived() {
    let bytes = image();
    let front = read(&bytes).stores()[0].payload.start as usize;
    for position in 0..front {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << bit;
            if let Ok(update) = FullFlashUpdate::read(&mut Cursor::new(&changed)) {
                for store in update.stores() {
                    let length = update.disk_length(store).min(1 << 20);
                    let map = BlockMap::new(store, length);
                    let mut disk = Disk::new(&map, Cursor::new(&changed));
                    io::copy(&mut disk, &mut io::sink()).ok();
                }
            }
        }
    }
}

/// Two stores, each with a disk of its own.
#[test]
fn every_store_of_version_2_has_its_disk() {
    let hash = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
    let mut small = vec![0; 5 * BLOCK];
    small[3 * BLOCK..3 * BLOCK + 5].copy_from_slice(b"store");
    let mut large = disk();
    large.resize(40 * BLOCK, 0);
    let disks = [large, small];
    let manifest = "[FullFlash]\r\nVersion = 2.0\r\nDevicePlatformId0 = A.B.C\r\n\
        [Store]\r\nSectorSize = 512\r\nMinSectorCount = 320\r\n[Partition]\r\nName = MainOS\r\n\
        [Store]\r\nSectorSize = 512\r\nMinSectorCount = 40\r\n[Partition]\r\nName = Firmware\r\n";
    let bytes = ffu_v2::version_2(BLOCK, manifest, &disks, &hash);
    let update = read(&bytes);
    assert_eq!(update.faults(), &[]);
    assert_eq!(update.stores().len(), 2);
    for (store, expected) in update.stores().iter().zip(&disks) {
        assert_eq!(store.header.variant, Variant::V2);
        assert_eq!(store.header.device_path.as_deref(), Some("VenHw"));
        let map = BlockMap::new(store, update.disk_length(store));
        let mut found = Vec::new();
        Disk::new(&map, Cursor::new(&bytes))
            .read_to_end(&mut found)
            .unwrap();
        assert!(found == *expected, "store {}", store.index);
    }
    for (index, stated) in update.hashes().enumerate() {
        let chunk = update.chunk(index as u64);
        let chunk = &bytes[chunk.start as usize..chunk.end as usize];
        assert_eq!(Sha256::digest(chunk).as_slice(), stated, "chunk {index}");
    }
    let second = update.stores()[1].offset as usize;
    let said = |at: usize, change: &[u8]| {
        let mut changed = bytes.clone();
        changed[second + at..second + at + change.len()].copy_from_slice(change);
        match FullFlashUpdate::read(&mut Cursor::new(&changed)) {
            Err(error) => error.to_string(),
            Ok(update) => format!("{:?}", update.faults()),
        }
    };
    assert!(
        said(248, &[0xff, 0xff]).contains("NumOfStores"),
        "{}",
        said(248, &[0xff, 0xff])
    );
    assert!(said(250, &[1]).contains("StoreIndex"));
    assert!(said(252, &[0xff; 8]).contains("StorePayloadSize"));
    assert!(said(260, &[0xff, 0xff]).contains("DevicePath"));
    for length in (0..second + 400).step_by(7) {
        if let Ok(update) = FullFlashUpdate::read(&mut Cursor::new(&bytes[..length])) {
            assert!(!update.faults().is_empty(), "cut at {length}");
        }
    }
}

#[test]
fn hostile_headers_are_named() {
    let bytes = image();
    let front = read(&bytes).image_offset() as usize;
    let store = read(&bytes).stores()[0].offset as usize;
    let cases: [(usize, &[u8], &str); 9] = [
        (0, &[31], "SECURITY_HEADER.cbSize at offset 0"),
        (
            16,
            &[0, 0, 0, 0],
            "SECURITY_HEADER.dwChunkSizeInKb at offset 16",
        ),
        (20, &[4], "hash algorithm 0x8004 is not supported"),
        (24, &[255; 4], "SECURITY_HEADER.dwCatalogSize"),
        (front, &[23], "IMAGE_HEADER.cbSize"),
        (front + 4, b"X", "IMAGE_HEADER.signature"),
        (store + 4, &[3], "store version 3 with full flash version 2"),
        (store + 204, &[1], "STORE_HEADER.dwBlockSizeInBytes"),
        (store + 208, &[255; 4], "write descriptor.dwLocationCount"),
    ];
    for (offset, replacement, expected) in cases {
        let mut changed = bytes.clone();
        (&mut changed[offset..]).write_all(replacement).unwrap();
        let error = FullFlashUpdate::read(&mut Cursor::new(&changed)).unwrap_err();
        assert!(
            error.to_string().contains(expected),
            "{error} for {expected}"
        );
    }
    let mut compressed = bytes;
    compressed[store + 8] = 3;
    compressed.splice(store + 248..store + 252, 4_u32.to_le_bytes());
    let error = FullFlashUpdate::read(&mut Cursor::new(&compressed)).unwrap_err();
    assert!(error.to_string().contains("Xpress Huffman"), "{error}");
}
