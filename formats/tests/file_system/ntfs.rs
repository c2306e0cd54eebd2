//! NTFS, beside ntfs-3g's tools, with content that wimlib compresses.

use std::io::{Read, Seek, SeekFrom};

use formats::file_system::Entry;

use crate::shell::shell;
use crate::support::{content, everything, on_disk, open, survive};

const TREE: &str = "mkdir -p tree/Windows/System32/config tree/many tree/deep/a/b/c
    seq 1 20000 > tree/Windows/System32/config/SOFTWARE
    printf small > tree/Windows/tiny.txt
    : > tree/empty
    for i in $(seq 1 300); do printf '%s' $i > \"tree/many/a file with a rather long name, number $i.txt\"; done
    printf x > 'tree/deep/a/b/c/Ünïcode näme.TXT'
    truncate -s 300000 tree/sparse.bin
    printf end >> tree/sparse.bin
    truncate -s 16M volume
    mkntfs -F -Q -q -L MainOS -c 4096 -s 512 -p 0 -H 0 -S 0 volume >/dev/null
    wimcapture tree tree.wim --compress=none --no-acls >/dev/null
    wimapply tree.wim 1 volume >/dev/null";

fn volume(more: &str) -> Option<(tempfile::TempDir, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    shell(folder.path(), &format!("{TREE}\n{more}"))?;
    let bytes = std::fs::read(folder.path().join("volume")).unwrap();
    Some((folder, bytes))
}

#[test]
fn a_tree_is_read() {
    let Some((folder, volume)) = volume("") else {
        return;
    };
    let expected = on_disk(&folder.path().join("tree"));
    assert_eq!(expected.len(), 305);
    assert!(everything(&volume) == expected);
    let path = "windows\\SYSTEM32/Config\\software";
    let theirs = shell(
        folder.path(),
        "ntfscat volume Windows/System32/config/SOFTWARE",
    )
    .unwrap();
    assert!(content(&volume, path).unwrap() == theirs);
    assert_eq!(
        content(&volume, "DEEP/A/b/c/ÜNÏCODE nÄME.txt").unwrap(),
        b"x"
    );
    assert!(
        open(&volume)
            .find("Windows\\nothing\\there")
            .unwrap()
            .is_none()
    );
    assert!(
        content(&volume, "Windows")
            .unwrap_err()
            .contains("a directory")
    );
    let names = shell(folder.path(), "ntfsls volume").unwrap();
    let mut theirs: Vec<_> = std::str::from_utf8(&names).unwrap().lines().collect();
    let root = open(&volume).root();
    let entries = open(&volume).list(root).unwrap();
    let mut ours: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
}

#[test]
fn attributes_in_several_records_are_one_file() {
    let more = "for i in $(seq 1 40); do ntfscp -q -N \"a stream with number $i\" volume tree/Windows/tiny.txt Windows/tiny.txt; done
        ntfsinfo -F Windows/tiny.txt volume";
    let Some((folder, volume)) = volume(more) else {
        return;
    };
    let info = shell(folder.path(), "ntfsinfo -F Windows/tiny.txt volume").unwrap();
    assert!(String::from_utf8_lossy(&info).contains("$ATTRIBUTE_LIST"));
    assert_eq!(content(&volume, "Windows/tiny.txt").unwrap(), b"small");
}

/// What compresses well, badly and wholly, with calls in machine code.
fn mixture() -> Vec<u8> {
    let mut bytes: Vec<u8> = (1..30_000)
        .flat_map(|i| format!("{i} of some lines\n").into_bytes())
        .collect();
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    bytes.extend((0..50_000).map(|_| random() as u8));
    bytes.resize(bytes.len() + 70_000, 0);
    // The places of the calls move on from chunk to chunk, so that every distance from a chunk's end comes up.
    for i in 0..40_000_u32 {
        let target = match random() % 8 {
            0 => (random() % 40_000).wrapping_neg(),
            1 => 11_990_000 + random() % 40_000,
            2 => random() << 8,
            _ => i / 50,
        };
        bytes.push(0xe8);
        bytes.extend(target.to_le_bytes());
        bytes.extend([0x90, 0x90]);
    }
    bytes
}

/// A file whose content stands compressed in a stream, its chunks as wimlib writes them. The unnamed stream is zeros.
fn compressed(chunk: u32, algorithm: u32, format: &str) -> Option<(tempfile::TempDir, Vec<u8>)> {
    let more = format!(
        "wimcapture source file.wim --compress={format} --chunk-size={chunk} --no-acls >/dev/null
        wimlib-imagex info file.wim --blobs | grep -A9 ^Hash | grep -B9 FLAG_COMPRESSED > blob
        length=$(sed -n 's/^Compressed size *= \\([0-9]*\\).*/\\1/p' blob | tail -1)
        offset=$(sed -n 's/^Offset in WIM *= \\([0-9]*\\).*/\\1/p' blob | tail -1)
        tail -c +$((offset + 1)) file.wim | head -c $length > stream
        truncate -s $(stat -c %s source/file) zeros
        printf '\\027\\0\\0\\200\\020\\0\\0\\0\\001\\0\\0\\0\\002\\0\\0\\0\\001\\0\\0\\0\\00{algorithm}\\0\\0\\0' > reparse
        ntfscp -q volume zeros Windows/file
        ntfscp -q -N WofCompressedData volume stream Windows/file
        ntfscp -q -a 192 volume reparse Windows/file"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("source")).unwrap();
    std::fs::write(folder.path().join("source/file"), mixture()).unwrap();
    shell(folder.path(), &format!("{TREE}\n{more}"))?;
    let bytes = std::fs::read(folder.path().join("volume")).unwrap();
    Some((folder, bytes))
}

#[test]
fn files_of_compact_os_are_expanded() {
    for (chunk, algorithm, format) in [
        (4096, 0, "xpress"),
        (32768, 1, "lzx"),
        (8192, 2, "xpress"),
        (16384, 3, "xpress"),
    ] {
        let Some((folder, volume)) = compressed(chunk, algorithm, format) else {
            return;
        };
        let expected = std::fs::read(folder.path().join("source/file")).unwrap();
        let stream = std::fs::metadata(folder.path().join("stream")).unwrap();
        assert!(stream.len() < expected.len() as u64 / 2);
        assert!(
            content(&volume, "Windows/FILE").unwrap() == expected,
            "{chunk}"
        );
        let mut system = open(&volume);
        let entry = system.find("Windows\\file").unwrap().unwrap();
        assert_eq!(
            (entry.length, &entry.unreadable),
            (expected.len() as u64, &None)
        );
        // From any place on, back and forth.
        let mut file = system.open_file(entry.node).unwrap();
        for start in [70_000_u64, 3, 8191] {
            let mut part = [0; 5000];
            file.seek(SeekFrom::Start(start)).unwrap();
            file.read_exact(&mut part).unwrap();
            assert!(part[..] == expected[start as usize..start as usize + 5000]);
        }
        assert_eq!(file.seek(SeekFrom::End(0)).unwrap(), entry.length);
        // Every bit of the stream that is turned either changes the content or is said; none panics.
        let stream = std::fs::read(folder.path().join("stream")).unwrap();
        let at = volume
            .windows(512)
            .position(|w| w == &stream[..512])
            .unwrap();
        let mut changed = volume.clone();
        let mut errors = 0;
        for position in (at..at + 4096).step_by(41) {
            changed[position] ^= 4;
            match content(&changed, "Windows/file") {
                Err(_) => errors += 1,
                Ok(bytes) => assert_eq!(bytes.len(), expected.len()),
            }
            changed[position] ^= 4;
        }
        assert!(errors > 10, "{errors}");
    }
}

#[test]
fn what_cannot_be_decoded_is_named() {
    let Some((_folder, lzx)) = compressed(32768, 1, "lzx") else {
        return;
    };
    let tag = lzx
        .windows(8)
        .position(|w| w == [0x17, 0, 0, 0x80, 16, 0, 0, 0])
        .unwrap();
    let reparse = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = lzx.clone();
        change(&mut changed);
        let entry = open(&changed).find("Windows/file").unwrap().unwrap();
        let error = content(&changed, "Windows/file").unwrap_err();
        assert_eq!(entry.unreadable.unwrap().to_string(), error);
        error
    };
    assert!(reparse(&|v| v[tag] = 0x13).contains("a deduplicated file"));
    assert!(reparse(&|v| v[tag + 1] = 9).contains("a reparse point 0x80000917"));
    assert!(reparse(&|v| v[tag + 12] = 1).contains("backed by a WIM"));
    assert!(reparse(&|v| v[tag + 20] = 7).contains("compression 7 of version 1"));
    // The flags of the attribute with the content of a file.
    let software = content(&lzx, "Windows/System32/config/SOFTWARE").unwrap();
    let size = (software.len() as u64).to_le_bytes();
    let attribute = lzx
        .windows(17)
        .position(|w| w[..8] == size && w[8..16] == size && w[16] != 0);
    let flags = attribute.unwrap() - 48 + 12;
    let flagged = |value: u16| {
        let mut changed = lzx.clone();
        changed[flags..flags + 2].copy_from_slice(&value.to_le_bytes());
        content(&changed, "Windows/System32/config/SOFTWARE").unwrap_err()
    };
    assert!(flagged(1).contains("compression with LZNT1 is not supported"));
    assert!(flagged(0x4000).contains("encryption with EFS is not supported"));
}

#[test]
fn other_volumes_are_named() {
    let Some((_folder, mut volume)) = volume("") else {
        return;
    };
    volume[3..11].copy_from_slice(b"-FVE-FS-");
    let error = content(&volume, "x").unwrap_err();
    assert!(
        error.contains("a volume with BitLocker is not supported"),
        "{error}"
    );
    volume[..512].fill(0);
    assert!(
        content(&volume, "x")
            .unwrap_err()
            .contains("no known file system")
    );
}

#[test]
fn cut_and_flipped_volumes_are_survived() {
    let Some((_folder, volume)) = volume("") else {
        return;
    };
    assert!(survive(&volume) > 300_000);
    for length in (0..600).chain((600..volume.len()).step_by(300_007)) {
        survive(&volume[..length]);
    }
    let table = u64::from_le_bytes(volume[48..56].try_into().unwrap()) as usize * 4096;
    let mut changed = volume.clone();
    // The boot sector, the records of $MFT and of the root, and records of files.
    let records = (table..table + 600).chain(table + 5 * 1024..table + 6 * 1024);
    let files = (table + 64 * 1024..table + 76 * 1024).step_by(23);
    for position in (0..100).chain(records.step_by(3)).chain(files) {
        let bit = 1 << (position % 8);
        changed[position] ^= bit;
        let mut system =
            match formats::file_system::FileSystem::open(std::io::Cursor::new(&changed)) {
                Ok(system) => system,
                Err(_) => {
                    changed[position] ^= bit;
                    continue;
                }
            };
        let root = system.root();
        for entry in system.list(root).unwrap_or_default() {
            if let Ok(file) = system.open_file(entry.node) {
                std::io::copy(&mut file.take(1 << 20), &mut std::io::sink()).ok();
            }
            system.list(entry.node).ok();
        }
        drop(system);
        changed[position] ^= bit;
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> usize {
    let number = bytes[at..at + N].iter().rev();
    number.fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Where the attribute of a type stands in the record at `record`.
fn attribute(volume: &[u8], record: usize, kind: usize) -> Option<usize> {
    let mut at = record + number::<2>(volume, record + 20);
    while number::<4>(volume, at) != kind {
        if number::<4>(volume, at) == 0xffff_ffff {
            return None;
        }
        at += number::<4>(volume, at + 4);
    }
    Some(at)
}

/// Where the record of a file begins whose name is this.
fn record_of(volume: &[u8], name: &str) -> usize {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let records = (0..volume.len()).step_by(1024);
    let mut records = records.filter(|at| volume[*at..].starts_with(b"FILE0"));
    let found = records.find(|at| {
        let own = attribute(volume, *at, 0x30).map(|at| &volume[at + 24 + 64..]);
        own.is_some_and(|own| usize::from(own[0]) * 2 == name.len() && own[2..].starts_with(&name))
    });
    found.unwrap()
}

#[test]
fn loops_end() {
    let Some((_folder, volume)) = volume("") else {
        return;
    };
    // Two entries of an index that lead to the same block below.
    let record = record_of(&volume, "many");
    let root = attribute(&volume, record, 0x90).unwrap();
    let end = root + number::<4>(&volume, root + 4);
    let small: Vec<usize> = (root..end)
        .step_by(8)
        .filter(|at| number::<8>(&volume, *at) < 32)
        .collect();
    let mut said = Vec::new();
    for (from, to) in small
        .iter()
        .flat_map(|from| small.iter().map(move |to| (*from, *to)))
    {
        let mut changed = volume.clone();
        changed.copy_within(from..from + 8, to);
        let mut system = open(&changed);
        let many = system.find("many").unwrap().unwrap();
        said.extend(system.list(many.node).err().map(|error| error.to_string()));
    }
    assert!(
        said.iter()
            .any(|said| said.contains("again, expected a tree")),
        "{said:?}"
    );
    // A directory that is its own child: whatever leads to record n of "deep" leads to the root.
    let mut changed = volume.clone();
    let deep = record_of(&volume, "deep");
    let sequence = number::<2>(&volume, deep + 16);
    let reference = (sequence << 48 | number::<4>(&volume, deep + 44)).to_le_bytes();
    let root = (5_u64 << 48 | 5).to_le_bytes();
    for at in (0..changed.len() - 8).step_by(8) {
        if changed[at..at + 8] == reference {
            changed[at..at + 8].copy_from_slice(&root);
        }
    }
    let mut system = open(&changed);
    let entry = system.find(&"deep\\".repeat(100)).unwrap().unwrap();
    let root = system.root();
    let names = |entries: Vec<Entry>| entries.into_iter().map(|e| e.name).collect::<Vec<_>>();
    let below = names(system.list(entry.node).unwrap());
    assert_eq!(below, names(system.list(root).unwrap()));
    let error = system.find(&"deep\\".repeat(200)).unwrap_err();
    assert!(
        error.to_string().contains("is over the limit of 128"),
        "{error}"
    );
}

/// A file that says it has terabytes is an error where its chunks are missing, before anything is made room for.
#[test]
fn a_bomb_of_compact_os_is_refused() {
    let Some((_folder, volume)) = compressed(32768, 1, "lzx") else {
        return;
    };
    let mut changed = volume;
    let record = record_of(&changed, "file");
    let size = attribute(&changed, record, 0x80).unwrap() + 48;
    assert_eq!(number::<8>(&changed, size), mixture().len());
    for claimed in [1_u64 << 33, 1 << 45, u64::MAX >> 1] {
        changed[size..size + 8].copy_from_slice(&claimed.to_le_bytes());
        let entry = open(&changed).find("Windows/file").unwrap().unwrap();
        assert!(content(&changed, "Windows/file").is_err(), "{entry:?}");
    }
}
