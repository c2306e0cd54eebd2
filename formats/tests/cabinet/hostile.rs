//! Cut, flipped and exploding cabinets: an error or a result, never a panic, and bounded work.

use std::io::Cursor;

use formats::container::cab::{Cabinet, Contents, Limits};

use crate::contents::lzx_cabinet;
use crate::lzx::Kind;
use crate::shapes;
use crate::support::{Raw, RawFile, RawFolder, apply, noise, read};

/// Does with a file all that can be done with it.
fn exercise(bytes: &[u8]) {
    let Ok(cabinet) = Cabinet::read(&mut Cursor::new(bytes)) else {
        return;
    };
    let _ = cabinet.digest_pieces();
    if let Ok(prepared) = cabinet.prepare() {
        let patch = prepared.embed(b"\x30\x03abc").unwrap();
        let signed = apply(&patch, bytes);
        let signature = read(&signed).signature().cloned().unwrap();
        assert_eq!(signature.der, b"\x30\x03abc");
    }
    if let Ok(Some(patch)) = cabinet.remove_signature() {
        assert!(read(&apply(&patch, bytes)).signature().is_none());
    }
    let limits = Limits {
        expanded_total: 1 << 20,
        ..Limits::default()
    };
    let Ok(mut contents) = Contents::open(Cursor::new(bytes), &cabinet, limits) else {
        return;
    };
    for _ in cabinet.files() {
        if let Ok(Some(mut member)) = contents.next_member() {
            let _ = member.read_all();
        }
    }
}

/// Small cabinets of every kind, signed and unsigned; checksums are left out so that decoders see the damage.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds: Vec<_> = shapes::all()
        .into_iter()
        .filter(|(_, bytes)| bytes.len() < 14_000)
        .collect();
    let data = noise(300, 9).repeat(3);
    let plan = [
        (Kind::Verbatim, 400),
        (Kind::Uncompressed, 101),
        (Kind::Aligned, 399),
    ];
    seeds.push(("lzx".to_owned(), lzx_cabinet(&data, &plan, 15, Some(5000))));
    seeds.push(("plain".to_owned(), Raw::stored(&[("a", b"hello")]).bytes()));
    let signed: Vec<_> = seeds
        .iter()
        .map(|(name, bytes)| {
            let cms = [&[0x30, 0x81, 0x80][..], &noise(128, 4)].concat();
            let patch = read(bytes).prepare().unwrap().embed(&cms).unwrap();
            (format!("{name}, signed"), apply(&patch, bytes))
        })
        .collect();
    seeds.extend(signed);
    for (_, bytes) in &mut seeds {
        for folder in read(bytes).folders() {
            let at = folder.coff_cab_start as usize;
            if let Some(csum) = bytes.get_mut(at..at + 4) {
                csum.fill(0);
            }
        }
    }
    seeds
}

#[test]
fn cut_cabinets_never_panic_and_are_refused_inside_the_cabinet() {
    for (name, bytes) in seeds() {
        let cb_cabinet = read(&bytes).header().cb_cabinet as usize;
        let step = (bytes.len() / 1500).max(1);
        for length in (0..bytes.len()).step_by(step) {
            let cut = &bytes[..length];
            exercise(cut);
            let outcome = Cabinet::read(&mut Cursor::new(cut));
            assert!(
                length >= cb_cabinet || outcome.is_err(),
                "{name} cut to {length}"
            );
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    for (_, bytes) in seeds() {
        // Headers and directories in full, and what follows at a distance.
        let step = (bytes.len() / 200).max(1);
        for at in (0..bytes.len().min(240)).chain((240..bytes.len()).step_by(step)) {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                exercise(&flipped);
            }
        }
    }
}

#[test]
fn random_damage_to_compressed_data_never_panics() {
    for (_, bytes) in seeds() {
        let start = read(&bytes).folders()[0].coff_cab_start as usize + 8;
        if start >= bytes.len() {
            continue;
        }
        for seed in 0..400 {
            let mut damaged = bytes.clone();
            for pair in noise(24, seed).chunks(3) {
                let place =
                    u16::from_le_bytes([pair[0], pair[1]]) as usize % (damaged.len() - start);
                damaged[start + place] = pair[2];
            }
            exercise(&damaged);
        }
    }
}

#[test]
fn every_value_of_every_header_field_is_survived() {
    let bytes = Raw::stored(&[("a", b"hello")]).bytes();
    for at in 0..70 {
        for value in [0, 1, 4, 0x7F, 0x80, 0xFF] {
            for width in [1, 2, 4] {
                let mut changed = bytes.clone();
                for byte in changed.iter_mut().skip(at).take(width) {
                    *byte = value;
                }
                exercise(&changed);
            }
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    // Blocks of "CK" and a deflate stream for 32 KiB of zeros, 60,000 of them: 2 GB from 3 MB.
    let zeros = vec![0; 0x8000];
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut block = Vec::with_capacity(1000);
    block.extend(b"CK");
    deflate
        .compress_vec(&zeros, &mut block, flate2::FlushCompress::Finish)
        .unwrap();
    let raw = Raw {
        folders: vec![RawFolder {
            type_compress: 1,
            blocks: vec![(block, 0x8000); 60_000],
            ..RawFolder::default()
        }],
        files: vec![RawFile {
            name: b"at the end".to_vec(),
            size: 1,
            offset: 60_000 * 0x8000 - 1,
            folder: 0,
            attribs: 0,
        }],
        ..Raw::default()
    };
    let bytes = raw.bytes();
    assert!(bytes.len() < 4_000_000);
    let cabinet = read(&bytes);
    let limits = Limits {
        expanded_total: 50_000_000,
        ..Limits::default()
    };
    let mut contents = Contents::open(Cursor::new(&bytes), &cabinet, limits).unwrap();
    let error = contents
        .next_member()
        .unwrap()
        .unwrap()
        .read_all()
        .unwrap_err();
    assert!(
        error.to_string().contains("over the limit of 50000000"),
        "{error}"
    );
}

/// Data that would be expanded a second time for nothing.
#[test]
fn folders_that_share_their_data_are_refused() {
    let folder = RawFolder {
        blocks: vec![(vec![b'x'; 0x8000], 0x8000)],
        ..RawFolder::default()
    };
    let raw = Raw {
        folders: vec![folder; 2],
        ..Raw::stored(&[("a", b"hello")])
    };
    let mut bytes = raw.bytes();
    bytes.copy_within(36..40, 44);
    let error = Cabinet::read(&mut Cursor::new(&bytes)).unwrap_err();
    let message = error.to_string();
    let wanted = "CFFOLDER.coffCabStart at offset 44";
    assert!(
        message.starts_with(wanted) && message.contains("no other folder"),
        "{message}"
    );
}

/// A number in a directory cannot make anything larger than the file is.
#[test]
fn numbers_that_lie_are_named_with_their_place() {
    let honest = Raw::stored(&[("a", b"hello"), ("b", b"world")]).bytes();
    // Where, what instead, and what the message names.
    let lies: [(usize, &[u8], &str); 12] = [
        (
            8,
            &[0xff, 0xff, 0xff, 0x7f],
            "CFHEADER.cbCabinet at offset 8",
        ),
        (8, &[36, 0, 0, 0], "at offset"),
        (16, &[0xff, 0xff, 0xff, 0xff], "at offset"),
        (16, &[0, 0, 0, 0], "CFHEADER.coffFiles at offset 16"),
        (26, &[0, 0], "CFHEADER.cFolders at offset 26"),
        (26, &[0xff, 0xff], "at offset"),
        (28, &[0, 0], "CFHEADER.cFiles at offset 28"),
        (28, &[0xff, 0xff], "at offset"),
        (
            36,
            &[0xff, 0xff, 0xff, 0x7f],
            "CFFOLDER.coffCabStart at offset 36",
        ),
        (36, &[4, 0, 0, 0], "CFFOLDER.coffCabStart at offset 36"),
        (44, &[0xff, 0xff, 0xff, 0x7f], "CFFILE."),
        (52, &[9, 0], "CFFILE.iFolder at offset 52"),
    ];
    for (at, value, wanted) in lies {
        let mut bytes = honest.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        let error = Cabinet::read(&mut Cursor::new(&bytes)).unwrap_err();
        assert!(error.to_string().contains(wanted), "{at}: {error}");
    }
    // What only expanding can see: more blocks and other sizes than there are.
    for (at, value, wanted) in [
        (40, &[0xff, 0xff][..], "CFDATA"),
        (48, &[0, 0, 0, 0x7f], "CFFILE"),
        (44, &[6, 0, 0, 0], "CFFILE.uoffFolderStart"),
    ] {
        let mut bytes = honest.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        let cabinet = match Cabinet::read(&mut Cursor::new(&bytes)) {
            Ok(cabinet) => cabinet,
            Err(error) => {
                assert!(error.to_string().contains(wanted), "{at}: {error}");
                continue;
            }
        };
        let opened = Contents::open(Cursor::new(&bytes), &cabinet, Limits::default());
        let outcome = opened.and_then(|mut contents| {
            while let Some(mut member) = contents.next_member()? {
                member.read_all()?;
            }
            Ok(())
        });
        if let Err(error) = outcome {
            assert!(error.to_string().contains(wanted), "{at}: {error}");
        }
    }
}

#[test]
fn a_full_directory_is_read() {
    let mut raw = Raw::default();
    for index in 0..u16::MAX {
        raw.folders.push(RawFolder {
            blocks: vec![(vec![1], 1)],
            ..RawFolder::default()
        });
        raw.files.push(RawFile {
            name: format!("{index:0250}").into_bytes(),
            size: 1,
            offset: 0,
            folder: index,
            attribs: 0,
        });
    }
    // The last three folder numbers mean something else.
    raw.files.truncate(65_500);
    let bytes = raw.bytes();
    let cabinet = read(&bytes);
    let prepared = cabinet.prepare().unwrap();
    assert!(prepared.digest_pieces().len() < 12);
    let patch = prepared.embed(b"\x30\x00").unwrap();
    assert_eq!(read(&apply(&patch, &bytes)).files().len(), 65_500);
    let mut contents = Contents::open(Cursor::new(&bytes), &cabinet, Limits::default()).unwrap();
    let mut count = 0;
    while let Some(mut member) = contents.next_member().unwrap() {
        assert_eq!(member.read_all().unwrap(), [1]);
        count += 1;
    }
    assert_eq!(count, 65_500);
}
