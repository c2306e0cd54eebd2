//! Cut, flipped and huge catalogs: an error or a result, never a panic, and bounded work.

use formats::container::cat::{Catalog, SubjectForm, Version};
use formats::der;

use crate::support::{ID, builder, mixed, parse, rebuilt, subject};

#[test]
fn every_truncation_is_an_error() {
    for version in [Version::V1, Version::V2] {
        let bytes = mixed(version);
        for length in 0..bytes.len() {
            let error = Catalog::parse(bytes[..length].to_vec()).unwrap_err();
            assert!(error.offset <= length as u64, "{length}: {error}");
        }
    }
}

/// Whatever one bit turns a catalog into is read for what it is: written again, it is not the original.
#[test]
fn every_flipped_bit_is_an_error_or_another_catalog() {
    for version in [Version::V1, Version::V2] {
        let bytes = mixed(version);
        let mut read = 0;
        let mut unread = Vec::new();
        // What stands around the list is the business of `SignedData`.
        let content = parse(&bytes).content().unwrap().len();
        let list = bytes.len() - 2 - content..bytes.len() - 2;
        for bit in list.start * 8..list.end * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let Ok(catalog) = Catalog::parse(bad) else {
                continue;
            };
            read += 1;
            for member in catalog.members() {
                let _ = (member.label(), member.digest_tag(), member.indirect_data());
                member.attributes.iter().for_each(|a| drop(a.text()));
            }
            if !catalog.members().is_empty() {
                let again = rebuilt(&catalog);
                if again == bytes {
                    unread.push((bit / 8, bit % 8));
                }
                parse(&again);
            }
        }
        assert_eq!(unread, [], "{version:?}");
        assert!(read > 1000, "digests and names are most of the bytes");
    }
}

/// Three times as many files as the largest driver catalogs of Windows list.
#[test]
fn a_hundred_thousand_members_are_written_and_read() {
    let mut builder = builder(Version::V2);
    for number in 0..100_000u32 {
        let mut file = subject(SubjectForm::Flat, 0, 0);
        // Spread as digests are.
        let spread = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
        file.sha1[..4].copy_from_slice(&spread);
        file.sha256[..4].copy_from_slice(&spread);
        builder.add(file).unwrap();
    }
    let bytes = builder.write(&ID).unwrap();
    let catalog = parse(&bytes);
    assert_eq!(catalog.members().len(), 200_000);
    assert!(catalog.members().is_sorted_by(|a, b| a.tag < b.tag));
}

#[test]
fn a_list_of_more_members_than_allowed_is_refused_early() {
    let member = der::sequence(&[&der::octet_string(&[])]);
    let members = member.repeat((1 << 20) + 1);
    let small = mixed(Version::V2);
    let content = parse(&small).content().unwrap().to_vec();
    // The list with its subjects exchanged: usage, identifier, time and algorithm stay.
    let header = &content[4..4 + 14 + 18 + 15 + 16];
    let list = der::sequence(&[header, &der::tlv(der::SEQUENCE, &members)]);
    let body = der::sequence(&[
        &der::integer(1),
        &der::set_of(Vec::new()),
        &der::sequence(&[
            &der::oid(formats::oid::CTL),
            &der::tlv(der::context(0), &list),
        ]),
        &der::set_of(Vec::new()),
    ]);
    let signed_data = der::oid(formats::oid::SIGNED_DATA);
    let bytes = der::sequence(&[&signed_data, &der::tlv(der::context(0), &body)]);
    let error = Catalog::parse(bytes).unwrap_err();
    assert!(error.to_string().contains("over the limit"), "{error}");
}
