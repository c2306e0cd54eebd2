//! Hives, beside hivex, and hives that are damaged.

#[path = "../tools/hive.rs"]
mod hive;
#[path = "../tools/hive_export.rs"]
mod hive_export;
#[path = "../tools/shell.rs"]
mod shell;

use std::fmt::Write;
use std::io::Cursor;

use formats::error::ParseError;
use formats::file_system::FileSystem;
use formats::registry_hive::{Data, Hive, Key, ValueType};

use hive::{Builder, FIRST_BIN, NONE, ROOT, key, list, numbers, seal, value};
use hive_export::export;
use shell::shell;

fn open(bytes: &[u8]) -> Hive<Cursor<&[u8]>> {
    Hive::open(Cursor::new(bytes)).unwrap()
}

/// Every type, long and empty names, many keys and long data.
fn registry_text() -> String {
    let mut text = "Windows Registry Editor Version 5.00\n\n[\\Microsoft]\n\n[\\Microsoft\\Windows]\n\
        @=hex(1):64,00,65,00,66,00,00,00\n\"Text\"=hex(1):74,00,00,00\n\"Expand\"=hex(2):25,00,00,00\n\
        \"Bytes\"=hex(3):01,02,03,04,05\n\"Number\"=dword:00000001\n\"Big\"=hex(5):00,00,01,02\n\
        \"Link\"=hex(6):61,00\n\"Several\"=hex(7):61,00,00,00,62,00,00,00,00,00\n\"R8\"=hex(8):08\n\"R9\"=hex(9):09\n\
        \"Ra\"=hex(a):0a\n\"Long\"=hex(b):01,02,03,04,05,06,07,08\n\"Odd\"=hex(1234):ff\n\"None\"=hex(0):\n\
        \"\u{dc}ml\u{e4}ut\"=dword:00000005\n\n"
        .to_owned();
    let bytes = vec!["a5"; 16_000].join(",");
    write!(text, "[\\Data]\n\"Bytes\"=hex(3):{bytes}\n\n[\\Many]\n\n").unwrap();
    for i in 0..700 {
        write!(text, "[\\Many\\Key {i}]\n\"Value\"=dword:{i:08x}\n\n").unwrap();
    }
    let mut path = String::new();
    for i in 0..40 {
        write!(path, "\\{i}").unwrap();
        write!(text, "[{path}]\n\n").unwrap();
    }
    text
}

/// A hive into which hivex merged that text, with the hive as `HIVE` in the folder.
fn merged() -> Option<(tempfile::TempDir, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("HIVE"), Builder::new().build()).unwrap();
    std::fs::write(folder.path().join("text"), registry_text()).unwrap();
    shell(folder.path(), "hivexregedit --merge HIVE text")?;
    let bytes = std::fs::read(folder.path().join("HIVE")).unwrap();
    Some((folder, bytes))
}

#[test]
fn a_hive_is_read_as_hivex_reads_it() {
    let Some((folder, bytes)) = merged() else {
        return;
    };
    let theirs = shell(folder.path(), r"hivexregedit --export HIVE '\'").unwrap();
    // One byte for each character is what the tool writes.
    let theirs: String = theirs.into_iter().map(char::from).collect();
    let ours = export(&mut open(&bytes));
    assert_eq!(ours.lines().count(), theirs.lines().count());
    for (our, their) in ours.lines().zip(theirs.lines()) {
        assert_eq!(our, their);
    }
    assert!(ours.len() > 60_000, "the export holds the data");
    let listed = shell(
        folder.path(),
        r"printf 'cd \\Many\nls\n' | hivexsh HIVE | sort",
    );
    let mut hive = open(&bytes);
    let many = hive.key("many").unwrap().unwrap();
    let mut names: Vec<_> = hive
        .subkeys(&many)
        .unwrap()
        .into_iter()
        .map(|k| k.name)
        .collect();
    names.sort();
    let listed = String::from_utf8(listed.unwrap()).unwrap();
    assert_eq!(names, listed.lines().collect::<Vec<_>>());
}

#[test]
fn keys_and_values_are_found_in_any_case() {
    let Some((_folder, bytes)) = merged() else {
        return;
    };
    let mut hive = open(&bytes);
    let mut read = |path: &str, name: &str| hive.read(path, name).unwrap();
    let data = |kind, bytes: &[u8]| {
        let bytes = bytes.to_vec();
        Some(Data { kind, bytes })
    };
    let windows = r"microsoft\WINDOWS";
    assert_eq!(read(windows, "number").unwrap().number(), Some(1));
    assert_eq!(read(windows, "BIG").unwrap().number(), Some(0x102));
    let long = read(windows, "long").unwrap().number();
    assert_eq!(long, Some(0x0807_0605_0403_0201));
    assert_eq!(read(windows, "").unwrap().text().unwrap(), "def");
    assert_eq!(read(windows, "expand").unwrap().text().unwrap(), "%");
    assert_eq!(read(windows, "link").unwrap().text().unwrap(), "a");
    assert_eq!(
        read(windows, "several").unwrap().texts().unwrap(),
        ["a", "b"]
    );
    assert_eq!(read(windows, "ÜMLÄUT").unwrap().number(), Some(5));
    assert_eq!(
        read(windows, "odd"),
        data(ValueType::Other(0x1234), &[0xff])
    );
    assert_eq!(read(windows, "none"), data(ValueType::None, &[]));
    assert_eq!(read(windows, "bytes").unwrap().number(), None);
    assert_eq!(read(windows, "nothing"), None);
    assert_eq!(read(r"Microsoft\nothing\there", ""), None);
    assert_eq!(
        read(r"\Many\\KEY 699\", "value").unwrap().number(),
        Some(699)
    );
    let mut hive = open(&bytes);
    let path: String = (0..40).map(|i| format!("\\{i}")).collect();
    assert_eq!(hive.key(&path).unwrap().unwrap().name, "39");
    assert_eq!(hive.key("").unwrap().as_ref(), Some(hive.root()));
    let error = hive.key(&"a\\".repeat(513));
    assert_eq!(error, Ok(None), "the first part is not there");
}

#[test]
fn a_dirty_hive_says_so() {
    let Some((_folder, bytes)) = merged() else {
        return;
    };
    assert!(!open(&bytes).base_block().is_dirty());
    let mut dirty = bytes.clone();
    dirty[8] += 1;
    seal(&mut dirty);
    let hive = open(&dirty);
    assert!(hive.base_block().is_dirty());
    let said = hive.base_block().faults();
    assert_eq!(said.len(), 1);
    assert!(
        said[0]
            .to_string()
            .contains("transaction logs are still to be applied"),
        "{said:?}"
    );
    let mut damaged = bytes;
    damaged[12] ^= 1;
    let hive = open(&damaged);
    assert!(hive.base_block().is_dirty());
    assert_eq!(hive.base_block().faults()[0].field, "CheckSum");
    assert_eq!(hive.base_block().faults()[0].offset, 508);
}

/// A hive with what hivex does not write: lists of lists, lists without hashes, UTF-16 names, segments.
fn rare() -> (Builder, Vec<u32>) {
    let mut builder = Builder::new();
    let keys: Vec<u32> = (0..6)
        .map(|i| builder.cell(&key(&format!("Key{i}"), ROOT)))
        .collect();
    let lists = [
        builder.cell(&list(b"li", &keys[..2])),
        builder.cell(&list(b"lh", &keys[2..4])),
        builder.cell(&list(b"lf", &keys[4..])),
    ];
    let all = builder.cell(&list(b"ri", &lists));
    builder.subkeys(ROOT, all, 6);
    let parts: Vec<u32> = [(16_344, 1), (16_344, 2), (7, 3)]
        .map(|(length, byte)| builder.cell(&vec![byte; length]))
        .to_vec();
    let places = builder.cell(&numbers(&parts));
    let large = builder.cell(&[b"db\x03\0".as_slice(), &numbers(&[places])].concat());
    let mut wide = value("x\0y\0", 3, 2 * 16_344 + 7, large);
    wide[16] = 0;
    let wide = builder.cell(&wide);
    let short = builder.cell(&value("n", 4, 0x8000_0004, 0x0403_0201));
    builder.values(keys[5], &[wide, short]);
    (builder, vec![keys[0], all, lists[0], large, places, wide])
}

#[test]
fn rare_forms_are_read() {
    let bytes = rare().0.build();
    let mut hive = open(&bytes);
    let root = hive.root().clone();
    let names: Vec<_> = hive
        .subkeys(&root)
        .unwrap()
        .into_iter()
        .map(|k| k.name)
        .collect();
    assert_eq!(names, ["Key0", "Key1", "Key2", "Key3", "Key4", "Key5"]);
    let data = hive.read("KEY5", "XY").unwrap().unwrap();
    let expected = [vec![1; 16_344], vec![2; 16_344], vec![3; 7]].concat();
    assert!(data.bytes == expected, "segments are put together");
    let number = hive.read("key5", "N").unwrap().unwrap().number();
    assert_eq!(number, Some(0x0403_0201));
}

/// What a damaged hive says when all of it is read.
fn errors(bytes: &[u8]) -> Vec<ParseError> {
    let mut hive = match Hive::open(Cursor::new(bytes)) {
        Ok(hive) => hive,
        Err(error) => return vec![error],
    };
    let mut errors = Vec::new();
    let mut waiting = vec![hive.root().clone()];
    let mut keys = 0;
    while let Some(key) = waiting.pop() {
        keys += 1;
        assert!(keys < 10_000, "walking down ends");
        match hive.subkeys(&key) {
            Ok(subkeys) => waiting.extend(subkeys),
            Err(error) => errors.push(error),
        }
        match hive.values(&key) {
            Ok(values) => errors.extend(values.iter().filter_map(|v| hive.data(v).err())),
            Err(error) => errors.push(error),
        }
    }
    errors
}

/// The one error of a hive in whose cell a number was changed.
fn broken(cell: usize, offset: usize, number: u32) -> String {
    let (mut builder, cells) = rare();
    builder.set(cells[cell], offset, number);
    let errors = errors(&builder.build());
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].to_string()
}

#[test]
fn hostile_hives_are_refused_by_name() {
    let (_, cells) = rare();
    let [first, all, ..] = cells[..] else {
        panic!()
    };
    // A list that leads to itself, and one that is named often.
    assert!(broken(1, 4, all).contains("a list of lists"));
    assert!(broken(1, 8, cells[2]).contains("a key that was there before"));
    // The root below itself; a key that is also elsewhere.
    assert!(broken(2, 4, ROOT).contains("the root key below another"));
    assert!(broken(0, 16, first).starts_with("nk.Parent"));
    // Places outside, between cells, in no bin, and free cells.
    assert!(broken(2, 4, 0x7fff_fff8).contains("expected a place of a cell"));
    assert!(broken(2, 4, first + 4).contains("expected a place of a cell"));
    assert!(broken(2, 4, 0).contains("expected a place of a cell"));
    assert!(broken(2, 4, NONE).contains("found 0xFFFFFFFF"));
    // Counts.
    assert!(broken(0, 20, u32::MAX).contains("is over the limit of 131072"));
    assert!(broken(0, 36, u32::MAX).contains("is over the limit of 65536"));
    assert!(broken(5, 4, 0x7fff_ffff).contains("is over the limit of 16777216"));
    assert!(broken(5, 4, 0x8000_0005).contains("5 bytes in place"));
    assert!(broken(3, 0, u32::from_le_bytes(*b"db\xff\xff")).contains("SegmentCount"));
    assert!(broken(3, 0, 0x1234).contains("vk.Data"));
    assert!(broken(4, 0, NONE).contains("segment list.Entry"));
    let (mut builder, _) = rare();
    builder.set(ROOT, 20, 5);
    assert!(
        errors(&builder.build())[0]
            .to_string()
            .contains("at least as many")
    );
    builder.set(ROOT, 20, 7);
    assert!(
        errors(&builder.build())[0]
            .to_string()
            .contains("expected 6, to which")
    );
}

#[test]
fn bins_are_checked() {
    let (builder, _) = rare();
    let bytes = builder.build();
    let changed = |at: usize, number: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        seal(&mut bytes);
        errors(&bytes)[0].to_string()
    };
    let bin = FIRST_BIN;
    assert!(changed(0, 0x1234).starts_with("REGF.Signature at offset 0"));
    assert!(changed(20, 2).contains("version 2.5 is not supported"));
    assert!(changed(24, 2).contains("version 1.2 is not supported"));
    assert!(changed(28, 6).contains("no transaction log"));
    assert!(
        changed(36, 0x40).starts_with("nk.Signature") || changed(36, 0x40).starts_with("cell.Size")
    );
    assert!(changed(40, 0xffff_f000).contains("is over the limit of 2147483648"));
    assert!(changed(40, 0x7fff_f000).starts_with("REGF.bins"));
    assert!(changed(40, 0).contains("a multiple of 4096 above 0"));
    assert!(changed(bin, 0).starts_with("hbin.Signature at offset 4096"));
    assert!(changed(bin + 4, 4096).starts_with("hbin.Offset at offset 4100"));
    assert!(changed(bin + 8, 0).starts_with("hbin.Size at offset 4104"));
    assert!(changed(bin + 8, 4096).starts_with("hbin.Signature at offset 8192"));
    assert!(changed(bin + 32, 80).contains("below 0: a used cell"));
    assert!(changed(bin + 32, 0x8000_0000).starts_with("cell.Size at offset 4128"));
    assert!(changed(bin + 32, (-12_i32).cast_unsigned()).starts_with("cell.Size at offset 4128"));
}

/// However a hive is cut off or a bit of it turned, reading it ends, in bounded memory and without a panic.
#[test]
fn damaged_hives_are_survived() {
    let (builder, _) = rare();
    let bytes = builder.build();
    for length in (0..bytes.len()).step_by(61) {
        assert!(!errors(&bytes[..length]).is_empty(), "{length}");
    }
    let structured = 0..FIRST_BIN + 1600;
    let mut noticed = 0;
    for at in structured.filter(|at| !(600..FIRST_BIN).contains(at)) {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            noticed += usize::from(!errors(&bytes).is_empty());
        }
    }
    assert!(noticed > 1500, "{noticed}");
}

#[test]
fn a_key_says_what_it_has() {
    let bytes = rare().0.build();
    let mut hive = open(&bytes);
    let key: Key = hive.key("Key5").unwrap().unwrap();
    assert_eq!(key.value_count, 2);
    assert!(!key.is_link);
    assert_eq!(key.offset as usize % 8, 4);
}

/// Where hives are in an image: read through the file system, a page at a time.
#[test]
fn a_hive_on_a_volume_is_read() {
    let Some((folder, bytes)) = merged() else {
        return;
    };
    let expected = export(&mut open(&bytes));
    for make in [
        "mkntfs -F -Q -q -c 4096 -s 512 -p 0 -H 0 -S 0 volume >/dev/null; ntfscp -q volume HIVE HIVE",
        "mkfs.fat -F 16 -s 1 volume >/dev/null; mcopy -i volume HIVE ::/HIVE",
    ] {
        let script = format!("rm -f volume; truncate -s 8M volume; {make}");
        shell(folder.path(), &script).unwrap();
        let volume = std::fs::File::open(folder.path().join("volume")).unwrap();
        let mut system = FileSystem::open(volume).unwrap();
        let entry = system.find("hive").unwrap().unwrap();
        assert_eq!(entry.length, bytes.len() as u64);
        let mut hive = Hive::open(system.open_file(entry.node).unwrap()).unwrap();
        assert!(export(&mut hive) == expected, "{make}");
    }
}
