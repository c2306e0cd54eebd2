//! Expanding: against what went in, and against cabextract.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use formats::container::cab::{Contents, Limits};
use formats::error::{ParseError, Problem};

use crate::lzx::{self, Kind};
use crate::shapes;
use crate::support::{Raw, RawFile, RawFolder, apply, corpus, noise, oracle, read, run, write};

type Files = BTreeMap<String, Vec<u8>>;

/// All files of a cabinet, or the first error.
fn expand(bytes: &[u8]) -> Result<Files, ParseError> {
    expand_within(bytes, Limits::default())
}

fn expand_within(bytes: &[u8], limits: Limits) -> Result<Files, ParseError> {
    let cabinet = read(bytes);
    let mut contents = Contents::open(Cursor::new(bytes), &cabinet, limits)?;
    let mut files = Files::new();
    while let Some(mut member) = contents.next_member()? {
        let data = member.read_all()?;
        assert_eq!(data.len() as u32, member.file().cb_file);
        files.insert(member.path().to_owned(), data);
    }
    Ok(files)
}

/// What cabextract makes of a cabinet.
fn cabextract(bytes: &[u8]) -> Files {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in.cab", bytes);
    run(folder.path(), "cabextract", &["-q", "-d", "out", "in.cab"]);
    let mut files = Files::new();
    collect(&folder.path().join("out"), "", &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// Text with repetitions near and far.
fn prose(length: usize) -> Vec<u8> {
    let words = noise(length, 11);
    let mut text = Vec::new();
    for word in words.chunks(3) {
        text.extend(format!("{:02x} word {} ", word[0] % 16, word[0] % 7).as_bytes());
        if text.len() >= length {
            break;
        }
    }
    text.truncate(length);
    text
}

fn sample_files() -> Files {
    let mut files = Files::new();
    files.insert("empty.txt".to_owned(), Vec::new());
    files.insert("one.bin".to_owned(), vec![1]);
    files.insert("prose.txt".to_owned(), prose(150_000));
    files.insert("sub/dir/noise.bin".to_owned(), noise(100_000, 5));
    files.insert("zeros.bin".to_owned(), vec![0; 200_000]);
    files
}

#[test]
fn gcab_s_stored_and_mszip_cabinets_expand_as_they_went_in() {
    if !oracle("gcab") || !oracle("cabextract") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = sample_files();
    for (name, data) in &files {
        write(folder.path(), name, data);
    }
    for options in [&["-c"][..], &["-c", "-z"]] {
        let mut arguments = options.to_vec();
        arguments.push("out.cab");
        arguments.extend(files.keys().map(String::as_str));
        run(folder.path(), "gcab", &arguments);
        let cabinet = std::fs::read(folder.path().join("out.cab")).unwrap();
        let expanded = expand(&cabinet).unwrap();
        assert!(
            expanded == files,
            "{options:?}: other contents than went in"
        );
        assert!(
            expanded == cabextract(&cabinet),
            "{options:?}: other contents than cabextract's"
        );
    }
}

#[test]
fn the_corpus_expands_as_cabextract_does() {
    for name in [
        "dummy.cab",
        "sample1.cab",
        "sample3.cab",
        "sample4.cab",
        "unsigned.ex_",
    ] {
        let Some(bytes) = corpus(name) else { return };
        let files = expand(&bytes).unwrap();
        assert!(!files.is_empty());
        if oracle("cabextract") {
            assert!(files == cabextract(&bytes), "{name}");
        }
    }
}

#[test]
fn signing_moves_the_contents_and_leaves_them_as_they_are() {
    let mut compared = 0;
    for (name, input) in shapes::all() {
        let Ok(before) = expand(&input) else {
            // A member of a set whose files go on elsewhere.
            assert!(
                read(&input).files().iter().any(|file| file.is_split()),
                "{name}"
            );
            continue;
        };
        let patch = read(&input)
            .prepare()
            .unwrap()
            .embed(b"\x30\x02ab")
            .unwrap();
        assert!(expand(&apply(&patch, &input)).unwrap() == before, "{name}");
        compared += 1;
    }
    assert!(compared >= 8);
}

/// A cabinet with one LZX folder of one file.
pub(crate) fn lzx_cabinet(
    data: &[u8],
    plan: &[(Kind, usize)],
    window: u8,
    calls: Option<i32>,
) -> Vec<u8> {
    let frames = lzx::encode(data, plan, window, calls);
    let sizes = data.chunks(lzx::FRAME).map(|frame| frame.len() as u16);
    Raw {
        folders: vec![RawFolder {
            type_compress: 3 | u16::from(window) << 8,
            blocks: frames.into_iter().zip(sizes).collect(),
            ..RawFolder::default()
        }],
        files: vec![RawFile {
            name: b"data.bin".to_vec(),
            size: data.len() as u32,
            offset: 0,
            folder: 0,
            attribs: 0x20,
        }],
        ..Raw::default()
    }
    .bytes()
}

#[test]
fn lzx_expands_in_all_block_kinds_windows_and_with_call_translation() {
    let mut code = prose(70_000);
    for at in (100..code.len() - 10).step_by(97) {
        code[at] = 0xE8;
        let target = [at as i32 / 2, -(at as i32) / 3, 1 << 30][at % 3];
        code[at + 1..at + 5].copy_from_slice(&target.to_le_bytes());
    }
    let plans: [&[(Kind, usize)]; 4] = [
        &[(Kind::Verbatim, 70_000)],
        &[(Kind::Aligned, 50_000), (Kind::Verbatim, 20_000)],
        &[
            (Kind::Verbatim, 40_000),
            (Kind::Uncompressed, 12_345),
            (Kind::Aligned, 17_655),
        ],
        &[(Kind::Uncompressed, 70_000)],
    ];
    for plan in plans {
        for window in [15, 18, 20, 21] {
            for calls in [None, Some(12_000_000), Some(50_000)] {
                let cabinet = lzx_cabinet(&code, plan, window, calls);
                let files = expand(&cabinet).unwrap();
                let what = (plan.len(), window, calls);
                assert!(
                    files["data.bin"] == code,
                    "{what:?}: other contents than went in"
                );
                if window % 3 == 0 && oracle("cabextract") {
                    assert!(
                        files == cabextract(&cabinet),
                        "{what:?}: other than cabextract"
                    );
                }
            }
        }
    }
}

#[test]
fn hostile_match_offsets_in_lzx_do_not_panic() {
    // An uncompressed block may set the three recent offsets to anything; the next block repeats them.
    let data = vec![b'a'; 2000];
    let plan = [(Kind::Uncompressed, 1000), (Kind::Verbatim, 1000)];
    let cabinet = lzx_cabinet(&data, &plan, 15, None);
    assert_eq!(expand(&cabinet).unwrap()["data.bin"], data);
    let recent = [1_u32.to_le_bytes(); 3].concat();
    let at = cabinet
        .windows(12)
        .position(|window| window == recent)
        .unwrap();
    let csum = read(&cabinet).folders()[0].coff_cab_start as usize;
    for offset in [0, 0x7FFF, 0x8000, 0x8001, 0x1_0000, 0x7FFF_FFFF, u32::MAX] {
        let mut hostile = cabinet.clone();
        hostile[csum..csum + 4].fill(0);
        for place in 0..3 {
            hostile[at + 4 * place..][..4].copy_from_slice(&u32::to_le_bytes(offset));
        }
        if let Ok(files) = expand(&hostile) {
            assert_eq!(files["data.bin"].len(), 2000);
        }
    }
}

#[test]
fn two_thousand_files_take_well_under_a_second() {
    let content = prose(1500);
    let names: Vec<String> = (0..2193)
        .map(|index| format!("file{index:04}.txt"))
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &content[..]))
        .collect();
    let bytes = Raw::stored(&files).bytes();
    let start = Instant::now();
    assert_eq!(expand(&bytes).unwrap().len(), 2193);
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_member_reads_in_small_steps_and_files_may_be_skipped() {
    let bytes = Raw::stored(&[
        ("a", &noise(40_000, 1)),
        ("b", &noise(50_000, 2)),
        ("c", b"end"),
    ])
    .bytes();
    let cabinet = read(&bytes);
    let mut contents = Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
    let mut first = contents.next_member().unwrap().unwrap();
    let mut start = [0; 10];
    first.read_exact(&mut start).unwrap();
    assert_eq!(start, noise(40_000, 1)[..10]);
    let mut second = contents.next_member().unwrap().unwrap();
    let mut data = Vec::new();
    second.read_to_end(&mut data).unwrap();
    assert!(data == noise(50_000, 2));
    assert_eq!(contents.next_member().unwrap().unwrap().path(), "c");
    assert!(contents.next_member().unwrap().is_none());
}

#[test]
fn files_come_in_folder_order_and_each_folder_is_read_once() {
    let mut raw = Raw::stored(&[("z", b"zz"), ("y", b"yyy")]);
    raw.folders.push(RawFolder {
        blocks: vec![(b"other".to_vec(), 5)],
        ..RawFolder::default()
    });
    raw.files.insert(
        0,
        RawFile {
            name: b"other".to_vec(),
            size: 5,
            offset: 0,
            folder: 1,
            attribs: 0,
        },
    );
    raw.files.swap(1, 2);
    let bytes = raw.bytes();
    let cabinet = read(&bytes);
    let mut contents = Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
    let mut names = Vec::new();
    while let Some(member) = contents.next_member().unwrap() {
        names.push(member.path().to_owned());
    }
    assert_eq!(names, ["z", "y", "other"]);
    assert_eq!(expand(&bytes).unwrap()["other"], b"other");
}

#[test]
fn reserves_in_folders_and_blocks_are_skipped_and_both_checksums_accepted() {
    let mut raw = Raw::stored(&[("a", b"hello")]);
    raw.reserve = Some((vec![0; 20], 3, 5));
    let mut bytes = raw.bytes();
    assert_eq!(expand(&bytes).unwrap()["a"], b"hello");
    // The sum over the reserve as well, which one writer computes: 5A5A5A5A, then 5A with "hel", then "lo".
    let at = read(&bytes).folders()[0].coff_cab_start as usize;
    let sum =
        0x5A5A_5A5A ^ u32::from_le_bytes(*b"\x5Ahel") ^ 0x6C6F ^ u32::from_le_bytes([5, 0, 5, 0]);
    bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(expand(&bytes).unwrap()["a"], b"hello");
    bytes[at] ^= 1;
    assert_eq!(expand(&bytes).unwrap_err().field, "csum");
    bytes[at..at + 4].fill(0);
    assert_eq!(expand(&bytes).unwrap()["a"], b"hello");
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let refusal = |raw: &Raw| {
        let error = expand(&raw.bytes()).unwrap_err();
        assert!(matches!(error.problem, Problem::Unsupported(_)), "{error}");
        error.to_string()
    };
    let mut raw = Raw::stored(&[("a", b"hello")]);
    raw.folders[0].type_compress = 0x1212;
    assert!(refusal(&raw).contains("Quantum"));
    let mut raw = Raw::stored(&[("a", b"hello")]);
    raw.next = Some(("b.cab", "b"));
    raw.files[0].folder = 0xFFFE;
    assert!(refusal(&raw).contains("split over several cabinets"));
    raw.files[0].folder = 0;
    raw.folders[0].blocks[0].1 = 0;
    assert!(refusal(&raw).contains("goes on in the next cabinet"));
    for (name, field) in [
        ("sample2-disk1.cab", "iFolder"),
        ("sample2-disk2.cab", "iFolder"),
    ] {
        if let Some(bytes) = corpus(name) {
            assert_eq!(expand(&bytes).unwrap_err().field, field);
        }
    }
}

#[test]
fn unsafe_names_are_not_delivered_and_do_not_hide_the_rest() {
    let bytes = Raw::stored(&[("a", b"1"), (r"..\b", b"2"), ("nul", b"3")]).bytes();
    let cabinet = read(&bytes);
    let mut contents = Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
    assert_eq!(contents.next_member().unwrap().unwrap().path(), "a");
    let error = contents.next_member().err().unwrap();
    assert_eq!(
        (error.field, error.offset),
        ("szName", cabinet.files()[1].offset + 16)
    );
    let mut last = contents.next_member().unwrap().unwrap();
    assert_eq!(last.read_all().unwrap(), b"3");
    assert_eq!(last.file().path().faults().len(), 1);
}

#[test]
fn a_broken_block_breaks_its_folder_only() {
    let mut raw = Raw::stored(&[("a", b"hello"), ("b", b"world")]);
    raw.folders.push(RawFolder {
        blocks: vec![(b"fine".to_vec(), 4)],
        ..RawFolder::default()
    });
    raw.files.push(RawFile {
        name: b"c".to_vec(),
        size: 4,
        offset: 0,
        folder: 1,
        attribs: 0,
    });
    let mut bytes = raw.bytes();
    let at = read(&bytes).folders()[0].coff_cab_start as usize;
    bytes[at + 10] ^= 1;
    let cabinet = read(&bytes);
    let mut contents = Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
    for _ in 0..2 {
        let mut member = contents.next_member().unwrap().unwrap();
        assert_eq!(member.read_all().unwrap_err().field, "csum");
        let error = member.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("CFDATA.csum"), "{error}");
    }
    assert_eq!(
        contents.next_member().unwrap().unwrap().read_all().unwrap(),
        b"fine"
    );
}

#[test]
fn limits_hold() {
    let bytes = Raw::stored(&[("a", &[0; 40_000]), ("long name", &[0; 40_000])]).bytes();
    let limits = Limits {
        expanded_total: 80_000,
        file_count: 2,
        path_length: 9,
    };
    assert_eq!(expand_within(&bytes, limits).unwrap().len(), 2);
    for (limits, field) in [
        (
            Limits {
                expanded_total: 79_999,
                ..limits
            },
            "cbFile",
        ),
        (
            Limits {
                file_count: 1,
                ..limits
            },
            "cFiles",
        ),
        (
            Limits {
                path_length: 8,
                ..limits
            },
            "szName",
        ),
    ] {
        let error = expand_within(&bytes, limits).unwrap_err();
        assert_eq!(error.field, field);
        assert!(matches!(error.problem, Problem::Limit { .. }));
    }

    // A small file at the end of a large folder: what must be expanded to reach it counts.
    let mut raw = Raw::stored(&[("a", &[0; 200_000]), ("b", b"x")]);
    raw.files.remove(0);
    let limits = Limits {
        expanded_total: 100_000,
        ..Limits::default()
    };
    assert_eq!(
        expand_within(&raw.bytes(), limits).unwrap_err().field,
        "cbUncomp"
    );
}

#[test]
fn files_and_folders_that_share_bytes_are_refused() {
    let mut raw = Raw::stored(&[("a", b"hello"), ("b", b"world")]);
    raw.files[1].offset = 4;
    assert_eq!(expand(&raw.bytes()).unwrap_err().field, "uoffFolderStart");

    let mut raw = Raw::stored(&[("a", b"hello")]);
    raw.folders.push(raw.folders[0].clone());
    let mut bytes = raw.bytes();
    let (first, second) = (read(&bytes).folders()[0], read(&bytes).folders()[1]);
    // The second folder starts inside the first one's only block.
    let at = second.offset as usize;
    bytes[at..at + 4].copy_from_slice(&(first.coff_cab_start + 3).to_le_bytes());
    let error = expand(&bytes).unwrap_err();
    assert!(
        matches!(error.problem, Problem::Truncated { .. }),
        "{error}"
    );
}
