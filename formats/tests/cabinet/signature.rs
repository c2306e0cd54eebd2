//! Digest, signature slot and removal.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use formats::container::Piece;
use formats::container::cab::{Cabinet, SignaturePlace};
use formats::error::Problem;

use crate::shapes;
use crate::support::{Raw, apply, corpus, gather, noise, oracle, read, run, sha256, write};

/// A DER SEQUENCE that stands for a signature.
fn fake_cms(content: usize) -> Vec<u8> {
    let mut cms = vec![0x30, 0x82];
    cms.extend((content as u16).to_be_bytes());
    cms.extend(noise(content, 7));
    cms
}

fn sign(input: &[u8], cms: &[u8]) -> Vec<u8> {
    let patch = read(input).prepare().unwrap().embed(cms).unwrap();
    apply(&patch, input)
}

#[test]
fn the_unsigned_digest_is_the_tag_in_the_catalog() {
    let (Some(cabinet), Some(catalog)) = (corpus("unsigned.ex_"), corpus("unsigned.cat")) else {
        return;
    };
    let digest = sha256(&gather(&read(&cabinet).digest_pieces(), &cabinet));
    assert!(catalog.windows(32).any(|window| window == digest));
    let enhanced = sha256(&read(&cabinet).enhanced_hash_input());
    assert!(catalog.windows(32).any(|window| window == enhanced));
}

#[test]
fn what_is_prepared_is_what_is_signed_in_every_shape() {
    for (name, input) in shapes::all() {
        for size in [60, 61, 5000] {
            let cms = fake_cms(size);
            let prepared = read(&input).prepare().unwrap();
            let signed = apply(&prepared.embed(&cms).unwrap(), &input);
            let cabinet = read(&signed);

            let signature = cabinet.signature().unwrap();
            assert_eq!(signature.der, cms, "{name}");
            assert_eq!(signature.place, SignaturePlace::Appended);
            assert_eq!(signature.length % 8, 0);
            assert_eq!(
                signature.offset,
                u64::from(cabinet.header().cb_cabinet),
                "{name}"
            );
            assert_eq!(
                signed.len() as u64,
                signature.offset + u64::from(signature.length)
            );
            assert_eq!(cabinet.files().len(), read(&input).files().len());

            let before = gather(&prepared.digest_pieces(), &input);
            let after = gather(&cabinet.digest_pieces(), &signed);
            assert!(
                before == after,
                "{name}: the digest changes when the signature goes in"
            );
            assert_eq!(
                prepared.enhanced_hash_input(),
                cabinet.enhanced_hash_input()
            );
            assert_eq!(
                prepared.enhanced_hash_input(),
                cabinet.header().cb_cabinet.to_le_bytes()
            );
        }
    }
}

#[test]
fn removing_restores_every_shape_and_signing_again_replaces() {
    for (name, input) in shapes::all() {
        assert_eq!(read(&input).remove_signature().unwrap(), None, "{name}");
        let signed = sign(&input, &fake_cms(600));
        let again = sign(&signed, &fake_cms(300));
        assert_eq!(
            read(&again).signature().unwrap().der,
            fake_cms(300),
            "{name}"
        );
        assert_eq!(again, sign(&input, &fake_cms(300)), "{name}");
        for signed in [signed, again] {
            let patch = read(&signed).remove_signature().unwrap().unwrap();
            assert!(apply(&patch, &signed) == input, "{name}");
        }
    }
}

#[test]
fn a_patch_stays_small() {
    let input = Raw::stored(&[("big.bin", &noise(3_000_000, 2))]).bytes();
    let patch = read(&input)
        .prepare()
        .unwrap()
        .embed(&fake_cms(60))
        .unwrap();
    let written: usize = patch
        .hunks()
        .iter()
        .map(|hunk| hunk.replacement.len())
        .sum();
    assert!(written < 128, "{written} bytes");
}

#[test]
fn the_data_is_not_read_for_directory_signature_and_layout() {
    /// Counts what is read.
    struct Counting<'a>(Cursor<&'a [u8]>, usize);
    impl Read for Counting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1 += count;
            Ok(count)
        }
    }
    impl Seek for Counting<'_> {
        fn seek(&mut self, place: SeekFrom) -> std::io::Result<u64> {
            self.0.seek(place)
        }
    }
    let signed = sign(
        &Raw::stored(&[("big.bin", &noise(3_000_000, 2))]).bytes(),
        &fake_cms(5000),
    );
    let mut counting = Counting(Cursor::new(&signed), 0);
    let cabinet = Cabinet::read(&mut counting).unwrap();
    assert_eq!(cabinet.canonical_faults(), []);
    cabinet.prepare().unwrap();
    assert!(counting.1 < 40_000, "{} bytes read", counting.1);
}

#[test]
fn a_plain_cabinet_gets_the_canonical_header() {
    let input = Raw::stored(&[("a", b"x")]).bytes();
    let signed = sign(&input, &fake_cms(61));
    let cb_cabinet = (input.len() + 24) as u32;
    assert_eq!(signed[8..12], cb_cabinet.to_le_bytes());
    assert_eq!(signed[30], 4);
    assert_eq!(signed[36..44], [20, 0, 0, 0, 0, 0, 16, 0]);
    assert_eq!(signed[44..48], cb_cabinet.to_le_bytes());
    assert_eq!(signed[48..60], [72, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(read(&signed).canonical_faults(), []);
}

#[test]
fn the_digest_covers_all_but_the_slot() {
    let mut raw = Raw::stored(&[("a.txt", b"hello world")]);
    raw.next = Some(("disk2.cab", "Disk 2"));
    let signed = sign(&raw.bytes(), &fake_cms(64));
    let cabinet = read(&signed);
    let end = signed.len() as u64 - u64::from(cabinet.signature().unwrap().length);
    let pieces = cabinet.digest_pieces();
    for at in 0..signed.len() as u64 {
        let covered = pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Range(range) if range.contains(&at)));
        let left_out = (4..8).contains(&at) || (36..40).contains(&at) || (42..60).contains(&at);
        assert_eq!(covered, !left_out && at < end, "byte {at}");
    }
}

#[test]
fn every_byte_that_no_digest_covers_is_checked() {
    let signed = sign(
        &Raw::stored(&[("a.txt", b"hello world")]).bytes(),
        &fake_cms(61),
    );
    let cms = signed.len() - 72;
    let unhashed = (4..8)
        .chain(36..40)
        .chain(42..60)
        .chain(cms + 65..signed.len());
    for at in unhashed {
        for bit in 0..8 {
            let mut changed = signed.clone();
            changed[at] ^= 1 << bit;
            let outcome = Cabinet::read(&mut Cursor::new(&changed));
            let is_clean = outcome.is_ok_and(|cabinet| {
                cabinet.canonical_faults().is_empty() && cabinet.signature().is_some()
            });
            assert!(!is_clean, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn faults_name_field_and_place() {
    let signed = sign(
        &Raw::stored(&[("a.txt", b"hello world")]).bytes(),
        &fake_cms(61),
    );
    let faults = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = signed.clone();
        change(&mut changed);
        let cabinet = read(&changed);
        let faults = cabinet.canonical_faults().iter();
        faults
            .map(|fault| format!("{}.{}@{}", fault.structure, fault.field, fault.offset))
            .collect::<Vec<_>>()
    };
    let end = signed.len();
    assert_eq!(faults(&|b| b.push(0)), [format!("abReserve.length@{end}")]);
    assert_eq!(
        faults(&|b| b[end - 1] = 1),
        [format!("ContentInfo.padding@{}", end - 7)]
    );
    assert_eq!(faults(&|b| b[4] = 1), ["CFHEADER.reserved1@4"]);
    assert_eq!(faults(&|b| b[59] = 1), ["abReserve.filler@52"]);
    let longer = faults(&|b| {
        b[48] += 8;
        b.extend([0; 8]);
    });
    assert_eq!(longer, [format!("abReserve.length@{}", end - 7)]);
    let moved = faults(&|b| {
        b[44] += 1;
        b.insert(end - 72, 0);
    });
    assert_eq!(moved, ["abReserve.offset@44"]);

    let mut unsigned = Raw::stored(&[("a", b"x")]).bytes();
    unsigned.push(0);
    let cabinet = read(&unsigned);
    assert_eq!(cabinet.canonical_faults().len(), 1);
    assert_eq!(cabinet.canonical_faults()[0].field, "cbCabinet");

    let mut raw = Raw::stored(&[("a", b"x")]);
    raw.reserve = Some((vec![0; 6144], 0, 0));
    let signed = sign(&raw.bytes(), &fake_cms(61));
    let cabinet = read(&signed);
    let fields: Vec<_> = cabinet
        .canonical_faults()
        .iter()
        .map(|fault| fault.field)
        .collect();
    assert_eq!(
        fields, [""; 0],
        "a larger reserve is no fault while its size fits the folders' place"
    );
    let mut larger = signed.clone();
    larger[36] ^= 1;
    let misread = Cabinet::read(&mut std::io::Cursor::new(&larger));
    assert!(misread.map_or(true, |c| !c.canonical_faults().is_empty()));
}

#[test]
fn a_zeroed_slot_of_20_bytes_is_used_again() {
    let mut raw = Raw::stored(&[("a", b"x")]);
    let plain = raw.bytes();
    raw.reserve = Some((vec![0; 20], 0, 0));
    let leftover = raw.bytes();
    assert!(read(&leftover).signature().is_none());
    assert_eq!(read(&leftover).canonical_faults(), []);
    let cms = fake_cms(64);
    assert_eq!(sign(&leftover, &cms), sign(&plain, &cms));
}

#[test]
fn a_signature_inside_the_reserve_is_read_and_replaced() {
    let mut pkcs7 = vec![0x30, 0x82, 0x01, 0x00, 0x06, 0x09];
    pkcs7.extend([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]);
    pkcs7.resize(260, 0xAB);
    let mut reserve = vec![3, 0, 4, 1, b'p', b'1', b'!'];
    reserve.extend(&pkcs7);
    reserve.resize(400, 0);
    let mut raw = Raw::stored(&[("a", b"x")]);
    raw.reserve = Some((reserve, 0, 0));
    let inside = raw.bytes();

    let cabinet = read(&inside);
    let signature = cabinet.signature().unwrap();
    assert_eq!(signature.place, SignaturePlace::InReserve);
    assert_eq!((signature.offset, signature.record_offset), (47, 47));
    assert_eq!(signature.der, pkcs7);
    let fields: Vec<_> = cabinet
        .canonical_faults()
        .iter()
        .map(|fault| fault.field)
        .collect();
    assert_eq!(fields, ["cbJunk", "cbSig"]);

    let digested = gather(&cabinet.digest_pieces(), &inside);
    assert_eq!(digested[32..37], *b"\x03\0p1!");
    let prepared = cabinet.prepare().unwrap();
    assert_eq!(gather(&prepared.digest_pieces(), &inside), digested);

    let signed = sign(&inside, &fake_cms(64));
    let cabinet = read(&signed);
    assert_eq!(cabinet.signature().unwrap().place, SignaturePlace::Appended);
    assert_eq!(gather(&cabinet.digest_pieces(), &signed), digested);
    assert!(
        signed[63..440].iter().all(|byte| *byte == 0),
        "the old signature is gone"
    );
    let removed = apply(&cabinet.remove_signature().unwrap().unwrap(), &signed);
    assert_eq!(removed.len(), inside.len());
    assert!(read(&removed).signature().is_none());
}

#[test]
fn what_cannot_be_signed_is_refused_by_name() {
    let refusal = |bytes: &[u8]| {
        let error = read(bytes).prepare().unwrap_err();
        assert!(matches!(error.problem, Problem::Unsupported(_)), "{error}");
        error.to_string()
    };
    let mut raw = Raw::stored(&[("a", b"x")]);
    let mut trailing = raw.bytes();
    trailing.extend(b"junk");
    assert!(refusal(&trailing).contains("4 bytes of other data behind it"));

    let mut signed = sign(&raw.bytes(), &fake_cms(64));
    signed.extend(b"junk");
    assert!(refusal(&signed).contains("4 bytes of other data behind it"));
    assert!(read(&signed).remove_signature().is_err());

    raw.reserve = Some((b"something else in here".to_vec(), 0, 0));
    assert!(refusal(&raw.bytes()).contains("something else than a signature"));
    raw.reserve = Some((vec![0; 8], 0, 0));
    assert!(refusal(&raw.bytes()).contains("less than 20 bytes"));
    let mut reserve = vec![0; 64];
    reserve[60] = 1;
    raw.reserve = Some((reserve, 0, 0));
    assert!(refusal(&raw.bytes()).contains("other data behind the signature record"));

    let prefixed = [&b"MZ stub"[..], &Raw::stored(&[("a", b"x")]).bytes()].concat();
    let error = Cabinet::read(&mut Cursor::new(&prefixed)).unwrap_err();
    assert!(
        error.to_string().contains("MSCF first stands at offset 7"),
        "{error}"
    );
    let error = Cabinet::read(&mut Cursor::new([b'x'; 100])).unwrap_err();
    assert!(error.to_string().contains("expected MSCF"), "{error}");
}

#[test]
fn a_cabinet_at_the_size_limit_is_refused() {
    /// A cabinet's beginning, followed by zeros to a length that no test should allocate.
    struct Sparse(Cursor<Vec<u8>>, u64);
    impl Read for Sparse {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Seek for Sparse {
        fn seek(&mut self, place: SeekFrom) -> std::io::Result<u64> {
            match place {
                SeekFrom::End(0) => Ok(self.1),
                other => self.0.seek(other),
            }
        }
    }
    for (length, is_fine) in [(0x7FFF_FFFF - 24, true), (0x7FFF_FFFF - 23, false)] {
        let mut bytes = Raw::stored(&[("a", b"x")]).bytes();
        bytes[8..12].copy_from_slice(&(length as u32).to_le_bytes());
        let mut sparse = Sparse(Cursor::new(bytes), length);
        let outcome = Cabinet::read(&mut sparse).unwrap().prepare();
        assert_eq!(outcome.is_ok(), is_fine);
        if let Err(error) = outcome {
            assert!(matches!(
                error.problem,
                Problem::Limit {
                    limit: 0x7FFF_FFFF,
                    ..
                }
            ));
        }
    }
}

#[test]
fn only_one_der_sequence_is_embedded() {
    let prepared = read(&Raw::stored(&[("a", b"x")]).bytes())
        .prepare()
        .unwrap();
    for cms in [
        &b""[..],
        b"\x30",
        b"\x30\x02\x01",
        b"\x30\x00\x00",
        b"\x31\x00",
        b"\x30\x80\0\0",
    ] {
        assert!(prepared.embed(cms).is_err(), "{cms:?}");
    }
    assert!(prepared.embed(b"\x30\x00").is_ok());
}

/// A throw-away key and certificate.
fn make_key(folder: &Path) {
    run(
        folder,
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-subj",
            "/CN=throw-away",
            "-days",
            "2",
            "-addext",
            "extendedKeyUsage=codeSigning",
            "-addext",
            "keyUsage=critical,digitalSignature",
        ],
    );
}

#[test]
fn osslsigncode_signs_the_same_bytes() {
    if !oracle("osslsigncode") || !oracle("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_key(folder);
    let mut compared = 0;
    for (index, (name, input)) in shapes::all().into_iter().enumerate() {
        // osslsigncode leaves iCabinet and the set's names out, and knows no reserve but its own.
        let is_plain = input[30] == 0;
        if !is_plain {
            continue;
        }
        let (unsigned, signed) = (format!("{index}.cab"), format!("{index}.signed"));
        write(folder, &unsigned, &input);
        run(
            folder,
            "osslsigncode",
            &[
                "sign", "-h", "sha256", "-certs", "cert.pem", "-key", "key.pem", "-in", &unsigned,
                "-out", &signed,
            ],
        );
        let signed_path = folder.join(&signed);
        let theirs = std::fs::read(&signed_path).unwrap();
        let cabinet = read(&theirs);
        assert_eq!(cabinet.canonical_faults(), [], "{name}");
        let der = &cabinet.signature().unwrap().der;
        let digest = sha256(&gather(&cabinet.digest_pieces(), &theirs));
        assert!(
            der.windows(32).any(|window| window == digest),
            "{name}: other digest"
        );
        let prepared = read(&input).prepare().unwrap();
        assert_eq!(
            sha256(&gather(&prepared.digest_pieces(), &input)),
            digest,
            "{name}"
        );
        assert!(sign(&input, der) == theirs, "{name}: other bytes");
        let removed = apply(&cabinet.remove_signature().unwrap().unwrap(), &theirs);
        assert!(removed == input, "{name}");

        write(folder, "ours.cab", &sign(&input, der));
        let verdict = run(
            folder,
            "osslsigncode",
            &["verify", "-CAfile", "cert.pem", "-in", "ours.cab"],
        );
        assert!(
            verdict.contains("Signature verification: ok"),
            "{name}: {verdict}"
        );
        compared += 1;
    }
    assert!(compared >= 2);
}
