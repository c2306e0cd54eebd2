//! Packing, and reading back what was packed.

use std::io::{Cursor, Read};

use formats::container::cab::{
    Compression, Contents, Entry, Limits, PackError, Packing, attribs, flags, pack,
};
use time::macros::datetime;

use crate::support::{apply, corpus, noise, oracle, read, run, write};

/// Name and content.
type Named<'a> = (&'a str, &'a [u8]);

fn packed(files: &[Named<'_>], packing: Packing) -> Result<Vec<u8>, PackError> {
    let mut readers: Vec<&[u8]> = files.iter().map(|(_, data)| *data).collect();
    let entries = files
        .iter()
        .zip(&mut readers)
        .map(|((name, data), reader)| Entry {
            name: (*name).to_owned(),
            size: data.len() as u64,
            timestamp: datetime!(2024-02-29 13:37:43),
            attribs: attribs::ARCHIVE | attribs::READ_ONLY,
            data: reader,
        })
        .collect();
    pack(entries, packing, Cursor::new(Vec::new())).map(Cursor::into_inner)
}

const BOTH: [Packing; 2] = [
    Packing {
        compressed: false,
        reserve: 0,
    },
    Packing {
        compressed: true,
        reserve: 0,
    },
];

#[test]
fn what_was_packed_comes_back_with_its_attributes() {
    let text = "a line of text\r\n".repeat(9000);
    let noise = noise(70_000, 3);
    let files = [
        ("readme.txt", text.as_bytes()),
        ("Windows/System32/noise.bin", &noise),
        (r"sub\empty", b""),
        ("schön.txt", b"umlaut"),
    ];
    for packing in BOTH {
        let bytes = packed(&files, packing).unwrap();
        assert_eq!(
            bytes,
            packed(&files, packing).unwrap(),
            "packing twice differs"
        );
        let cabinet = read(&bytes);
        assert_eq!(cabinet.canonical_faults(), []);
        assert_eq!(cabinet.header().flags, 0);
        let method = [Compression::None, Compression::Mszip][usize::from(packing.compressed)];
        assert_eq!(cabinet.folders()[0].compression(), method);
        let mut contents =
            Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
        let mut found = Vec::new();
        while let Some(mut member) = contents.next_member().unwrap() {
            let data = member.read_all().unwrap();
            found.push((member.path().to_owned(), data));
            let file = member.file();
            assert_eq!(file.date, 44 << 9 | 2 << 5 | 29);
            assert_eq!(file.time, 13 << 11 | 37 << 5 | 21);
            assert_eq!(file.attribs & 0x7F, attribs::ARCHIVE | attribs::READ_ONLY);
            assert_eq!(
                file.attribs & attribs::NAME_IS_UTF != 0,
                !file.sz_name.is_ascii()
            );
            assert!(!file.sz_name.contains(&b'/'));
        }
        let mut wanted: Vec<_> = files
            .iter()
            .map(|(name, data)| (name.replace('\\', "/"), data.to_vec()))
            .collect();
        wanted.sort();
        found.sort();
        assert!(found == wanted);
        if oracle("cabextract") {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "in.cab", &bytes);
            run(folder.path(), "cabextract", &["-q", "-t", "in.cab"]);
            run(folder.path(), "cabextract", &["-q", "-d", ".", "in.cab"]);
            for (name, data) in &wanted {
                assert!(
                    std::fs::read(folder.path().join(name)).unwrap() == *data,
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_cabinet_of_empty_files_and_one_with_a_reserve_can_be_signed() {
    let reserve = Packing {
        compressed: true,
        reserve: 6144,
    };
    for (files, packing) in [
        (&[("empty", &b""[..]), ("also", b"")][..], BOTH[1]),
        (&[("a", b"x")], reserve),
    ] {
        let bytes = packed(files, packing).unwrap();
        let cabinet = read(&bytes);
        assert_eq!(cabinet.header().cb_cf_header, packing.reserve);
        assert_eq!(
            cabinet.header().has(flags::RESERVE_PRESENT),
            packing.reserve > 0
        );
        let signed = apply(
            &cabinet.prepare().unwrap().embed(b"\x30\x01x").unwrap(),
            &bytes,
        );
        let patch = read(&signed).remove_signature().unwrap().unwrap();
        assert_eq!(apply(&patch, &signed), bytes);
    }
}

#[test]
fn bad_entries_are_refused_by_name() {
    let long = "x".repeat(256);
    let cases: [(&[Named<'_>], &str); 6] = [
        (&[], "no file"),
        (&[("../a", b"")], "`..` part"),
        (&[("con", b"")], "device name"),
        (&[(&long, b"")], "more than 255 bytes"),
        (&[("a/B", b""), (r"A\b", b"")], "comes twice"),
        (&[("/a", b"")], "absolute"),
    ];
    for (files, text) in cases {
        let error = packed(files, BOTH[0]).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let reserve = Packing {
        compressed: false,
        reserve: 60_001,
    };
    assert!(matches!(
        packed(&[("a", b"")], reserve),
        Err(PackError::Reserve(60_001))
    ));
}

#[test]
fn a_content_of_another_length_and_odd_attributes_are_refused() {
    let attempt = |size, attribs| {
        let mut data = &b"12345"[..];
        let entry = Entry {
            name: "a".to_owned(),
            size,
            timestamp: datetime!(1601-01-01 0:00),
            attribs,
            data: &mut data,
        };
        pack(vec![entry], BOTH[0], Cursor::new(Vec::new()))
    };
    assert!(attempt(5, 0).is_ok());
    for size in [4, 6] {
        assert!(matches!(
            attempt(size, 0),
            Err(PackError::SizeMismatch { .. })
        ));
    }
    assert!(matches!(
        attempt(5, 0x80),
        Err(PackError::Attributes { .. })
    ));
    assert!(matches!(
        attempt(0x8000_0000, 0),
        Err(PackError::FileSize { .. })
    ));
}

#[test]
fn a_repacked_corpus_cabinet_keeps_its_contents() {
    let Some(bytes) = corpus("sample1.cab") else {
        return;
    };
    let cabinet = read(&bytes);
    let mut contents = Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
    let mut files = Vec::new();
    while let Some(mut member) = contents.next_member().unwrap() {
        let data = member.read_all().unwrap();
        files.push((member.path().to_owned(), data));
    }
    let entries: Vec<(&str, &[u8])> = files.iter().map(|(n, d)| (n.as_str(), &d[..])).collect();
    let again = packed(&entries, BOTH[1]).unwrap();
    let cabinet = read(&again);
    let mut contents = Contents::open(Cursor::new(&again), &cabinet, Limits::default()).unwrap();
    for (name, data) in &files {
        let mut member = contents.next_member().unwrap().unwrap();
        assert_eq!(member.path(), name);
        assert!(member.read_all().unwrap() == *data);
    }
}

/// Contents that try the encoder: matches at the window's edge, across blocks, runs, and nothing to match.
fn difficult() -> Vec<(&'static str, Vec<u8>)> {
    let random = noise(0x8000, 21);
    let few: Vec<u8> = noise(90_000, 22).iter().map(|byte| byte % 5).collect();
    vec![
        ("edge", random.repeat(3)),
        ("one short of the edge", random[1..].repeat(3)),
        ("one past the edge", [&random[..], b"x"].concat().repeat(3)),
        ("zeros", vec![0; 100_000]),
        ("few symbols", few),
        ("a single distance", b"a line of text\r\n".repeat(9000)),
        ("no match", (0..=255).collect()),
        ("exactly one block", vec![7; 0x8000]),
        ("a byte", vec![7]),
    ]
}

#[test]
fn mszip_is_read_by_every_reader() {
    let contents = difficult();
    let files: Vec<Named<'_>> = contents
        .iter()
        .map(|(name, data)| (*name, &data[..]))
        .collect();
    let mut cabinets = vec![packed(&files, BOTH[1]).unwrap()];
    for file in &files {
        cabinets.push(packed(std::slice::from_ref(file), BOTH[1]).unwrap());
    }
    let expected = |name: &str| &contents.iter().find(|(other, _)| *other == name).unwrap().1;
    for bytes in cabinets {
        let cabinet = read(&bytes);
        let mut contents =
            Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
        while let Some(mut member) = contents.next_member().unwrap() {
            let data = member.read_all().unwrap();
            assert!(data == *expected(member.path()), "{}", member.path());
        }
        let mut theirs = cab::Cabinet::new(Cursor::new(&bytes)).unwrap();
        for file in cabinet.files() {
            let name = file.path().text().to_owned();
            let mut data = Vec::new();
            theirs
                .read_file(&name)
                .unwrap()
                .read_to_end(&mut data)
                .unwrap();
            assert!(data == *expected(&name), "{name}");
        }
        if oracle("cabextract") {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "in.cab", &bytes);
            run(folder.path(), "cabextract", &["-q", "-d", ".", "in.cab"]);
            for file in cabinet.files() {
                let name = file.path().text().to_owned();
                let data = std::fs::read(folder.path().join(&name)).unwrap();
                assert!(data == *expected(&name), "{name}");
            }
        }
    }
}

#[test]
fn mszip_makes_what_repeats_small() {
    let size = |name: &str| {
        let contents = difficult();
        let (name, data) = contents.iter().find(|(other, _)| *other == name).unwrap();
        packed(&[(name, data)], BOTH[1]).unwrap().len()
    };
    assert!(size("zeros") < 1200);
    assert!(size("a single distance") < 2000);
    assert!(size("few symbols") < 45_000);
    // The first third is stored, the others are matches at distance 32768.
    assert!(size("edge") < 34_000);
}
