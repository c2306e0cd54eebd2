//! Images that are damaged, made to deceive, or no images.

use std::io::Cursor;

use formats::container::pe::{Image, WordSum};
use formats::error::Problem;

use crate::builder::RawImage;
use crate::support::{apply, fake_cms, faults, gather, read, sign};

fn refusal(bytes: &[u8]) -> String {
    Image::read(&mut Cursor::new(bytes))
        .unwrap_err()
        .to_string()
}

#[test]
fn what_is_no_image_is_told_so() {
    // A DOS program: where a PE file has e_lfanew, it has code or a relocation.
    let mut dos = b"MZ".to_vec();
    dos.resize(6942, 0xB4);
    assert!(
        refusal(&dos).contains("not a PE image"),
        "{}",
        refusal(&dos)
    );
    for length in 2..64 {
        assert!(refusal(&dos[..length]).contains("not a PE image"));
    }
    let mut new_executable = vec![0; 0x200];
    new_executable[..2].copy_from_slice(b"MZ");
    new_executable[60] = 0x80;
    new_executable[0x80..0x82].copy_from_slice(b"NE");
    let error = refusal(&new_executable);
    assert!(error.contains("not a PE image"), "{error}");
    assert!(error.contains("IMAGE_NT_HEADERS.Signature at offset 128"));

    let mut raw = RawImage::new(true).bytes();
    raw[60] += 2;
    assert!(refusal(&raw).contains("a multiple of 4"));
    let mut rom = RawImage::new(true).bytes();
    rom[0x98] = 7;
    rom[0x99] = 1;
    assert!(refusal(&rom).contains("Magic at offset 152: found 0x107"));
    assert!(refusal(b"ZM").contains("expected MZ"));
}

#[test]
fn every_truncation_is_an_error() {
    for is_64_bit in [false, true] {
        let signed = sign(&RawImage::small(is_64_bit).bytes(), &fake_cms(100));
        for length in 0..signed.len() {
            let cut = Image::read(&mut Cursor::new(&signed[..length]));
            assert!(cut.is_err(), "{length}");
        }
    }
}

/// Its (empty) section table would stand behind the end, and a signature in front of it.
#[test]
fn an_optional_header_that_ends_behind_the_file_is_refused() {
    let mut raw = RawImage::small(true);
    raw.sections.clear();
    let mut bytes = raw.bytes();
    bytes[0x54..0x56].copy_from_slice(&0xff68_u16.to_le_bytes());
    let error = refusal(&bytes);
    assert!(
        error.starts_with("IMAGE_OPTIONAL_HEADER.DataDirectory at offset 88: needs 65384 bytes"),
        "{error}"
    );
}

/// Sets the directory entry of a signed image.
fn with_entry(offset: u32, size: u32) -> Vec<u8> {
    let raw = RawImage::new(true);
    let mut bytes = sign(&raw.bytes(), &fake_cms(100));
    bytes[raw.entry()..][..4].copy_from_slice(&offset.to_le_bytes());
    bytes[raw.entry() + 4..][..4].copy_from_slice(&size.to_le_bytes());
    bytes
}

#[test]
fn a_certificate_table_that_leads_nowhere_is_an_error() {
    let length = with_entry(0, 0).len() as u32;
    let table = 0x1800;
    for (offset, size, wanted) in [
        (0, 8, "behind the headers"),
        (60, 8, "behind the headers"),
        (0x1D7, 8, "behind the headers, which end at 0x1d8"),
        (length, 8, "needs 8 bytes, the input has 0 left"),
        (length + 8, 8, "needs 8 bytes, the input has 0 left"),
        (table, u32::MAX, "needs 4294967295 bytes"),
        (u32::MAX, u32::MAX, "needs 4294967295 bytes"),
        (table, 7, "WIN_CERTIFICATE.wCertificateType"),
        (table, 8, "WIN_CERTIFICATE.bCertificate"),
        // In the middle of the data: another dwLength.
        (0x200, 16, "WIN_CERTIFICATE"),
    ] {
        let error = refusal(&with_entry(offset, size));
        assert!(error.contains(wanted), "{offset:#x} {size:#x}: {error}");
    }
    // A size of nothing is no table.
    assert!(read(&with_entry(0, 0)).certificates().is_empty());
    assert_eq!(faults(&with_entry(0, 0)), [""; 0]);
    assert_eq!(
        faults(&with_entry(table, 0)),
        ["CertificateTable.VirtualAddress"]
    );
}

#[test]
fn entries_that_contradict_themselves_are_errors() {
    let good = sign(&RawImage::new(false).bytes(), &fake_cms(100));
    let table = 0x1800;
    for (length, wanted) in [
        (0_u32, "found 0, expected at least 8"),
        (7, "found 7, expected at least 8"),
        (8, "ContentInfo.tag"),
        (16, "ContentInfo.tag"),
        (200, "WIN_CERTIFICATE.bCertificate"),
        (u32::MAX, "WIN_CERTIFICATE.bCertificate"),
    ] {
        let mut bytes = good.clone();
        bytes[table..][..4].copy_from_slice(&length.to_le_bytes());
        let error = refusal(&bytes);
        assert!(error.contains(wanted), "{length}: {error}");
    }
    // Many entries cost a bounded effort.
    let raw = RawImage::new(false);
    let mut many = raw.bytes();
    let entries = [8_u8, 0, 0, 0, 0, 2, 1, 0].repeat(33);
    let place = raw.entry();
    let offset = (many.len() as u32).to_le_bytes();
    many[place..][..4].copy_from_slice(&offset);
    many[place + 4..][..4].copy_from_slice(&(entries.len() as u32).to_le_bytes());
    many.extend(&entries);
    let error = Image::read(&mut Cursor::new(&many)).unwrap_err();
    assert_eq!(
        error.problem,
        Problem::Limit {
            found: 33,
            limit: 32
        }
    );
}

#[test]
fn a_table_beyond_the_limit_is_refused() {
    let raw = RawImage::new(false);
    let mut bytes = raw.bytes();
    let offset = (bytes.len() as u32).to_le_bytes();
    let size = (16_u32 << 20) + 8;
    bytes[raw.entry()..][..4].copy_from_slice(&offset);
    bytes[raw.entry() + 4..][..4].copy_from_slice(&size.to_le_bytes());
    bytes.resize(bytes.len() + size as usize, 0);
    let error = Image::read(&mut Cursor::new(&bytes)).unwrap_err();
    assert!(matches!(error.problem, Problem::Limit { .. }), "{error}");
}

#[test]
fn what_no_digest_covers_must_be_canonical() {
    let raw = RawImage::new(true);
    let good = sign(&raw.bytes(), &fake_cms(101));
    let (table, end) = (0x1800, good.len());
    assert_eq!(faults(&good), [""; 0]);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        faults(&bytes)
    };
    assert_eq!(with(&|b| b[table + 5] = 1), ["wRevision"]);
    assert_eq!(with(&|b| b[table + 6] = 1), ["wCertificateType"]);
    assert_eq!(with(&|b| b[end - 1] = 1), ["padding"]);
    assert_eq!(with(&|b| b.push(0)), ["CertificateTable.Size"]);

    let grow = |bytes: &mut Vec<u8>, added: u32| {
        bytes.extend(vec![0; added as usize]);
        let size = (bytes.len() - table) as u32;
        bytes[raw.entry() + 4..][..4].copy_from_slice(&size.to_le_bytes());
        bytes[table..][..4].copy_from_slice(&size.to_le_bytes());
    };
    // Room inside the entry, where some installers keep data.
    assert_eq!(with(&|b| grow(b, 8)), ["dwLength"]);
    let mut with_data = good.clone();
    grow(&mut with_data, 8);
    let error = read(&with_data).prepare_amended().unwrap_err().to_string();
    assert!(error.contains("other data than a signature"), "{error}");
    assert!(sign(&with_data, &fake_cms(101)) == good);
    // dwLength need not count the padding, the directory has to.
    let unpadded = |b: &mut Vec<u8>| {
        let length = (8 + fake_cms(101).len()) as u32;
        b[table..][..4].copy_from_slice(&length.to_le_bytes());
    };
    assert_eq!(with(&unpadded), [""; 0]);
    let cut = |b: &mut Vec<u8>| {
        unpadded(b);
        let length = 8 + fake_cms(101).len();
        b.truncate(table + length);
        b[raw.entry() + 4..][..4].copy_from_slice(&(length as u32).to_le_bytes());
    };
    assert_eq!(with(&cut), ["dwLength"]);
    let nonzero = |b: &mut Vec<u8>| {
        unpadded(b);
        b[end - 1] = 1;
    };
    assert_eq!(with(&nonzero), ["padding"]);
}

/// A table that begins off a multiple of 8 is read and replaced, but not opened for a change.
#[test]
fn an_unaligned_table_is_a_fault() {
    let mut raw = RawImage::new(true);
    raw.overlay = vec![1; 3];
    let mut bytes = raw.bytes();
    let signed = sign(&RawImage::new(true).bytes(), &fake_cms(100));
    let table = &signed[0x1800..];
    let offset = (bytes.len() as u32).to_le_bytes();
    bytes[raw.entry()..][..4].copy_from_slice(&offset);
    bytes[raw.entry() + 4..][..4].copy_from_slice(&(table.len() as u32).to_le_bytes());
    bytes.extend(table);
    assert_eq!(faults(&bytes), ["CertificateTable.VirtualAddress"]);
    let image = read(&bytes);
    let error = image.prepare_amended().unwrap_err();
    assert!(error.to_string().contains("not aligned"), "{error}");
    assert!(sign(&bytes, &fake_cms(9)) == sign(&raw.bytes(), &fake_cms(9)));
}

#[test]
fn bytes_behind_the_table_are_hashed_and_not_dropped() {
    let raw = RawImage::new(true);
    let good = sign(&raw.bytes(), &fake_cms(100));
    let mut bytes = good.clone();
    bytes.extend(b"behind");
    let image = read(&bytes);
    let hashed = gather(&image.digest_pieces(), &bytes);
    assert!(hashed.ends_with(b"behind"));
    assert!(hashed[..hashed.len() - 6] == gather(&read(&good).digest_pieces(), &good));
    assert_eq!(image.expected_check_sum(Default::default()), None);
    let error = image.prepare().unwrap_err();
    assert!(matches!(error.problem, Problem::Unsupported(_)));
    assert!(
        error
            .to_string()
            .contains("6 bytes behind its certificate table")
    );
    assert!(image.remove_signature(&mut Cursor::new(&bytes)).is_err());
}

#[test]
fn several_entries_are_read_and_replaced_together() {
    let raw = RawImage::new(true);
    let one = sign(&raw.bytes(), &fake_cms(100));
    let two = sign(&raw.bytes(), &fake_cms(50));
    let mut both = one.clone();
    both.extend(&two[0x1800..]);
    let size = (both.len() - 0x1800) as u32;
    both[raw.entry() + 4..][..4].copy_from_slice(&size.to_le_bytes());
    let image = read(&both);
    assert_eq!(image.canonical_faults(), []);
    let signatures: Vec<_> = image.signatures().map(|(der, _)| der.to_vec()).collect();
    assert_eq!(signatures, [fake_cms(100), fake_cms(50)]);
    let error = image.prepare_amended().unwrap_err();
    assert!(error.to_string().contains("several entries"), "{error}");
    assert!(sign(&both, &fake_cms(100)) == one);
}

#[test]
fn an_image_without_the_directory_entry_cannot_be_signed() {
    let mut raw = RawImage::new(true);
    raw.directories = 4;
    let bytes = raw.bytes();
    let image = read(&bytes);
    assert_eq!(image.header().certificate_table, None);
    let mut all_but_check_sum = bytes.clone();
    all_but_check_sum.drain(raw.check_sum()..raw.check_sum() + 4);
    assert!(gather(&image.digest_pieces(), &bytes) == all_but_check_sum);
    let error = image.prepare().unwrap_err().to_string();
    assert!(error.contains("NumberOfRvaAndSizes at offset"), "{error}");
    assert!(error.contains("4 data directories"), "{error}");

    // Entries are promised, but SizeOfOptionalHeader has no room for them.
    raw.directories = 5;
    let mut bytes = raw.bytes();
    bytes[0x80 + 20] -= 8;
    assert!(refusal(&bytes).contains("IMAGE_OPTIONAL_HEADER.CertificateTable"));
}

/// Whatever stands in the headers or the table: an answer or an error, and nothing that is read or hashed lies outside
/// the file.
#[test]
fn no_value_of_a_field_does_harm() {
    let mut answers = [0, 0];
    for is_64_bit in [false, true] {
        let raw = RawImage::small(is_64_bit);
        let good = sign(&raw.bytes(), &fake_cms(40));
        for width in [1, 2, 4] {
            for place in 0..=good.len() - width {
                for value in [0, 1, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFF_FFF0, u32::MAX] {
                    let mut bytes = good.clone();
                    bytes[place..][..width].copy_from_slice(&value.to_le_bytes()[..width]);
                    let outcome = exercise(&bytes);
                    answers[usize::from(outcome.is_some())] += 1;
                }
            }
        }
    }
    assert!(answers.iter().all(|count| *count > 1000), "{answers:?}");
}

/// Asks an image everything; `None` where it cannot be read.
fn exercise(bytes: &[u8]) -> Option<()> {
    let mut input = Cursor::new(bytes);
    let image = Image::read(&mut input).ok()?;
    let sum = WordSum::of_pieces(&mut input, &image.digest_pieces()).unwrap();
    image.expected_check_sum(sum);
    if let Ok(layout) = image.pages() {
        WordSum::of_pieces(&mut input, &layout.headers).unwrap();
        assert!(u64::from(layout.end()) <= bytes.len() as u64);
        assert!(layout.records() <= 2 + bytes.len() as u64);
    }
    for prepared in [image.prepare(), image.prepare_amended()]
        .into_iter()
        .flatten()
    {
        let sum = WordSum::of_pieces(&mut input, &prepared.digest_pieces()).unwrap();
        let signed = apply(&prepared.embed(&fake_cms(9), sum).unwrap(), bytes);
        let again = read(&signed);
        assert_eq!(again.signatures().count(), 1);
        let pieces = again.digest_pieces();
        let sum = WordSum::of_pieces(&mut Cursor::new(&signed), &pieces).unwrap();
        assert_eq!(
            again.expected_check_sum(sum),
            Some(again.header().check_sum)
        );
    }
    if let Ok(Some(patch)) = image.remove_signature(&mut input) {
        assert_eq!(read(&apply(&patch, bytes)).signatures().count(), 0);
    }
    Some(())
}

#[test]
fn sections_in_places_that_hashing_does_not_expect_are_refused() {
    let with = |change: &dyn Fn(&mut RawImage)| {
        let mut raw = RawImage::new(true);
        change(&mut raw);
        let bytes = raw.bytes();
        let image = read(&bytes);
        assert_eq!(image.canonical_faults().len(), 1);
        let error = image.prepare().unwrap_err();
        assert_eq!(Some(&error), image.canonical_faults().first());
        assert!(image.pages().is_err());
        error.to_string()
    };
    let overlapping = with(&|raw| raw.sections[1].place = Some((0x1500, 0x200)));
    assert!(
        overlapping.contains("data behind .text, which ends at 0x1600"),
        "{overlapping}"
    );
    let beyond = with(&|raw| raw.sections[1].place = Some((0x1600, 0x201)));
    assert!(beyond.contains(".data at 0x1600..0x1801"), "{beyond}");
    let far = with(&|raw| raw.sections[1].place = Some((u32::MAX, u32::MAX)));
    assert!(far.contains("in front of any signature"), "{far}");
    let headers = with(&|raw| raw.size_of_headers = Some(0x1801));
    assert!(headers.contains("SizeOfHeaders at offset"), "{headers}");

    // A section that would be loaded from the signature.
    let raw = RawImage::new(true);
    let mut signed = sign(&raw.bytes(), &fake_cms(600));
    let size_of_raw_data = 0x80 + 24 + 240 + 40 + 16;
    signed[size_of_raw_data + 1] += 2;
    assert_eq!(faults(&signed), ["PointerToRawData"]);
}
