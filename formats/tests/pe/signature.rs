//! Digest, certificate table, CheckSum, pages and removal.

use std::io::Cursor;

use formats::container::Piece;
use formats::container::pe::{Magic, WordSum};
use sha2::{Digest, Sha256};

use crate::builder::{RawImage, plain_check_sum};
use crate::support::{all, apply, corpus, fake_cms, faults, gather, read, remove, sign};

#[test]
fn headers_are_read_in_both_widths() {
    for (is_64_bit, magic) in [(false, Magic::Pe32), (true, Magic::Pe32Plus)] {
        let raw = RawImage::new(is_64_bit);
        let image = read(&raw.bytes());
        let header = image.header();
        assert_eq!(header.magic, magic);
        assert_eq!(header.machine, raw.machine);
        assert_eq!(header.size_of_headers, 0x200);
        assert_eq!(header.check_sum_range().start, raw.check_sum() as u64);
        let entry = header.certificate_table_entry().unwrap();
        assert_eq!(entry.start, raw.entry() as u64);
        assert_eq!(header.certificate_table, Some((0, 0)));
        let sections: Vec<_> = image
            .sections()
            .iter()
            .map(|section| (section.name(), section.data().unwrap()))
            .collect();
        let expected = [
            (".text".to_owned(), 0x200..0x1600),
            (".data".to_owned(), 0x1600..0x1800),
        ];
        assert_eq!(sections, expected);
        assert_eq!(image.canonical_faults(), []);
    }
}

/// The digest by its definition: all but CheckSum and the entry, filled up with zeros to 8.
fn plain_digest_input(raw: &RawImage, unsigned: &[u8]) -> Vec<u8> {
    let mut bytes = unsigned.to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.drain(raw.entry()..raw.entry() + 8);
    bytes.drain(raw.check_sum()..raw.check_sum() + 4);
    bytes
}

#[test]
fn the_digest_is_the_same_before_and_after_signing() {
    for (name, raw) in all() {
        for overlay in 0..9 {
            let mut raw = raw.clone();
            raw.overlay.extend(vec![0xA5; overlay]);
            let unsigned = raw.bytes();
            let expected = plain_digest_input(&raw, &unsigned);
            let image = read(&unsigned);
            let unsigned_digest = gather(&image.digest_pieces(), &unsigned);
            assert!(unsigned_digest == expected, "{name} {overlay}");
            let prepared = image.prepare().unwrap();
            assert!(gather(&prepared.digest_pieces(), &unsigned) == expected);
            let signed = sign(&unsigned, &fake_cms(300));
            let image = read(&signed);
            assert!(
                gather(&image.digest_pieces(), &signed) == expected,
                "{name} {overlay}"
            );
            let amended = image.prepare_amended().unwrap();
            assert!(gather(&amended.digest_pieces(), &signed) == expected);
        }
    }
}

#[test]
fn a_signed_image_is_canonical_and_its_check_sum_right() {
    for (name, raw) in all() {
        for size in 300..309 {
            let unsigned = raw.bytes();
            let cms = fake_cms(size);
            let signed = sign(&unsigned, &cms);
            let image = read(&signed);
            assert_eq!(image.canonical_faults(), [], "{name}");
            let [entry] = image.certificates() else {
                panic!("{name}: {:?}", image.certificates());
            };
            assert_eq!((entry.revision, entry.certificate_type), (0x0200, 0x0002));
            assert_eq!(entry.offset, unsigned.len() as u64);
            assert_eq!(entry.length as usize, (8 + cms.len()).next_multiple_of(8));
            assert_eq!(entry.signature.as_deref(), Some(cms.as_slice()));
            assert_eq!(signed.len(), unsigned.len() + entry.length as usize);
            let table = (unsigned.len() as u32, entry.length);
            assert_eq!(image.header().certificate_table, Some(table));

            let plain = plain_check_sum(&signed, raw.check_sum());
            assert_eq!(image.header().check_sum, plain, "{name}");
            let pieces = image.digest_pieces();
            let body = WordSum::of_pieces(&mut Cursor::new(&signed), &pieces).unwrap();
            assert_eq!(image.expected_check_sum(body), Some(plain));
        }
    }
}

#[test]
fn an_unsigned_image_has_a_check_sum_too() {
    for overlay in 0..3 {
        let mut raw = RawImage::new(true);
        raw.overlay = vec![0xF0; overlay];
        let bytes = raw.bytes();
        let image = read(&bytes);
        let pieces = image.digest_pieces();
        let body = WordSum::of_pieces(&mut Cursor::new(&bytes), &pieces).unwrap();
        let expected = plain_check_sum(&bytes, raw.check_sum());
        assert_eq!(image.expected_check_sum(body), Some(expected));
    }
}

#[test]
fn a_signature_changes_three_places() {
    let raw = RawImage::new(true);
    let unsigned = raw.bytes();
    let image = read(&unsigned);
    let prepared = image.prepare().unwrap();
    let patch = prepared.embed(&fake_cms(300), WordSum::default()).unwrap();
    let places: Vec<_> = patch
        .hunks()
        .iter()
        .map(|hunk| hunk.range.clone())
        .collect();
    let (sum, entry) = (raw.check_sum() as u64, raw.entry() as u64);
    let end = unsigned.len() as u64;
    assert_eq!(places, [sum..sum + 4, entry..entry + 8, end..end]);
}

#[test]
fn removing_restores_the_bytes_and_signing_again_replaces() {
    for (name, raw) in all() {
        let unsigned = raw.bytes();
        assert_eq!(remove(&unsigned), None, "{name}");
        let signed = sign(&unsigned, &fake_cms(600));
        let again = sign(&signed, &fake_cms(300));
        assert!(again == sign(&unsigned, &fake_cms(300)), "{name}");
        for signed in [signed, again] {
            assert!(remove(&signed).unwrap() == unsigned, "{name}");
        }
    }
}

/// What signing leaves no trace of: how long the image was, and a CheckSum that was not right.
#[test]
fn padding_stays_and_a_wrong_check_sum_becomes_right() {
    let mut raw = RawImage::new(false);
    raw.overlay = vec![0xEE; 3];
    let unsigned = raw.bytes();
    let restored = remove(&sign(&unsigned, &fake_cms(300))).unwrap();
    let mut padded = raw.clone();
    padded.overlay.extend([0; 5]);
    assert!(restored == padded.bytes());
    assert!(sign(&restored, &fake_cms(64)) == sign(&unsigned, &fake_cms(64)));

    let right = RawImage::new(false).bytes();
    let mut wrong = right.clone();
    wrong[raw.check_sum()..][..4].fill(0);
    let signed = sign(&wrong, &fake_cms(300));
    assert!(signed == sign(&right, &fake_cms(300)));
    assert!(remove(&signed).unwrap() == right);
}

#[test]
fn only_one_der_sequence_is_embedded() {
    let bytes = RawImage::new(true).bytes();
    let image = read(&bytes);
    let prepared = image.prepare().unwrap();
    let cases = [
        &b""[..],
        b"\x30",
        b"\x30\x02\x01",
        b"\x30\x00\x00",
        b"\x31\x00",
        b"\x30\x80\0\0",
    ];
    for cms in cases {
        assert!(prepared.embed(cms, WordSum::default()).is_err(), "{cms:?}");
    }
    let smallest = prepared.embed(b"\x30\x00", WordSum::default()).unwrap();
    assert_eq!(faults(&apply(&smallest, &bytes)), [""; 0]);
}

#[test]
fn pages_are_the_headers_and_the_sections_in_steps() {
    let raw = RawImage::new(true);
    let bytes = raw.bytes();
    let layout = read(&bytes).pages().unwrap();
    assert_eq!(layout.page_size, 0x1000);
    assert_eq!(layout.sections, [0x200..0x1600, 0x1600..0x1800]);
    // Headers, two pages of .text, one of .data, the end.
    assert_eq!((layout.records(), layout.end()), (5, 0x1800));
    let headers = gather(&layout.headers, &bytes);
    assert_eq!(headers.len(), 0x1000 - 12);
    let mut expected = bytes[..0x200].to_vec();
    expected.drain(raw.entry()..raw.entry() + 8);
    expected.drain(raw.check_sum()..raw.check_sum() + 4);
    expected.resize(0x1000 - 12, 0);
    assert!(headers == expected);
    // The same pages once it is signed.
    assert_eq!(read(&sign(&bytes, &fake_cms(90))).pages().unwrap(), layout);

    let mut itanium = raw.clone();
    itanium.machine = 0x200;
    itanium.section_alignment = 0x4000;
    assert_eq!(read(&itanium.bytes()).pages().unwrap().page_size, 0x2000);
}

#[test]
fn pages_that_no_table_can_describe_are_refused_by_name() {
    let refusal = |change: &dyn Fn(&mut RawImage)| {
        let mut raw = RawImage::new(true);
        change(&mut raw);
        read(&raw.bytes()).pages().unwrap_err().to_string()
    };
    let large = refusal(&|raw| raw.size_of_headers = Some(0x1001));
    assert!(large.contains("larger than a page"), "{large}");
    let short = refusal(&|raw| raw.size_of_headers = Some(0x100));
    assert!(short.contains("end within themselves"), "{short}");
    let few = refusal(&|raw| raw.directories = 4);
    assert!(few.contains("no entry for signatures"), "{few}");
    let swapped = refusal(&|raw| {
        raw.sections[0].place = Some((0x1600, 0x200));
        raw.sections[1].place = Some((0x200, 0x1400));
    });
    assert!(swapped.contains("order of their data"), "{swapped}");
}

#[test]
fn a_driver_that_signtool_signed_is_canonical() {
    let Some(bytes) = corpus("iaiogpio.sys") else {
        return;
    };
    let image = read(&bytes);
    assert_eq!(image.canonical_faults(), []);
    let pieces = image.digest_pieces();
    let digest: [u8; 32] = Sha256::digest(gather(&pieces, &bytes)).into();
    let (der, offset) = image.signatures().next().unwrap();
    assert_eq!(offset, 0x5400 + 8);
    assert!(der.windows(32).any(|window| window == digest));
    let body = WordSum::of_pieces(&mut Cursor::new(&bytes), &pieces).unwrap();
    assert_eq!(image.expected_check_sum(body), Some(0x93B2));
    assert_eq!(image.header().check_sum, 0x93B2);
    // The same table around the same signature, and the way back.
    assert!(sign(&bytes, der) == bytes);
    let unsigned = remove(&bytes).unwrap();
    assert!(sign(&unsigned, der) == bytes);
    assert!(matches!(pieces.last(), Some(Piece::Range(range)) if range.end == 0x5400));
}
