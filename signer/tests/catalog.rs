//! Files of catalogs: hashed as Microsoft's tools hash them, found again, and missed where they changed.

use std::io::Cursor;

use formats::container::cat::{
    Catalog, CatalogBuilder, FileAttribute, Member, NameValue, SubjectKind, Tag, Version,
};
use formats::{der, oid};
use signer::catalog::{CatalogError, Hashable, Lookup, Membership};
use signer::digest::DigestAlgorithm;

use crate::support::{
    cabinet_with_reserves, corpus, identity, now, signed, small_cabinet, verified,
};

/// A catalog of files under their names.
fn catalog(version: Version, files: &[(&str, Tag, &[u8])]) -> Catalog {
    let mut builder = CatalogBuilder::new(version, now());
    for (name, tag, bytes) in files {
        let mut input = Cursor::new(bytes);
        let value = NameValue::from_text("File", name);
        let attribute = FileAttribute {
            value,
            in_twin: false,
        };
        let hashable = Hashable::recognise(&mut input).unwrap();
        let subject = hashable.subject(&mut input, tag.clone(), vec![attribute]);
        builder.add(subject.unwrap()).unwrap();
    }
    Catalog::parse(builder.write(&[1; 16]).unwrap()).unwrap()
}

fn find(catalog: &Catalog, name: &str, bytes: &[u8]) -> Membership {
    let lookup = Lookup::new(catalog);
    lookup.find(Some(name), &mut Cursor::new(bytes)).unwrap()
}

/// Each of these is in the catalog that Microsoft's tool made: entry and twin come out as there.
#[test]
fn entries_of_real_files_are_those_of_makecat() {
    let Some(bytes) = corpus("signed/unsigned.cat") else {
        return;
    };
    let real = Catalog::parse(bytes).unwrap();
    for (name, kind) in [
        ("unsigned.ex_", SubjectKind::Cabinet),
        ("unsigned.msi", SubjectKind::Flat),
    ] {
        let Some(file) = corpus(&format!("signed/{name}")) else {
            return;
        };
        let ours = catalog(Version::V2, &[(name, Tag::Hash, &file)]);
        assert_eq!(ours.members().len(), 2);
        for entry in ours.members() {
            let same = |other: &&Member| other.tag == entry.tag;
            let theirs = real.members().iter().find(same).unwrap();
            assert_eq!(theirs.info, entry.info, "{name}");
            assert_eq!(theirs.content, entry.content, "{name}");
            assert_eq!(entry.info.as_ref().unwrap().kind(), Some(kind));
        }
        let Membership::Listed(listing) = find(&real, name, &file) else {
            panic!("{name} is not found")
        };
        assert_eq!(
            (listing.kind, listing.algorithm),
            (kind, DigestAlgorithm::Sha256)
        );
        assert_eq!(listing.notes, [""; 0]);
    }
}

#[test]
fn files_of_each_kind_are_found_and_their_changed_forms_are_not() {
    let cabinet = small_cabinet();
    let files: [(&str, Tag, &[u8]); 3] = [
        ("a.cab", Tag::Hash, &cabinet),
        ("b.inf", Tag::Hash, b"[Version]\n"),
        ("empty", Tag::Hash, b""),
    ];
    for version in [Version::V1, Version::V2] {
        let catalog = catalog(version, &files);
        for (name, _, bytes) in &files {
            let Membership::Listed(listing) = find(&catalog, "any name", bytes) else {
                panic!("{name} is not found")
            };
            let member = &catalog.members()[listing.member];
            assert_eq!(member.text("File").as_deref(), Some(*name));
            assert_eq!(member.digest_tag(), listing.digest);
            assert_eq!(listing.notes.is_empty(), version == Version::V2);
            let more = [bytes, b"x".as_slice()].concat();
            let changed = find(&catalog, &name.to_uppercase(), &more);
            let Membership::Changed { reason, .. } = changed else {
                panic!("{name}: {changed:?}")
            };
            assert!(reason.contains("is listed under its name"), "{reason}");
            let missing = Membership::NotListed { note: None };
            assert_eq!(find(&catalog, "other", &more), missing);
        }
    }
}

/// A signature moves the contents of a cabinet, so it is another file; reserved1 is not hashed.
#[test]
fn signing_takes_a_cabinet_out_of_the_catalog() {
    let cabinet = small_cabinet();
    let catalog = catalog(Version::V2, &[("a.cab", Tag::Hash, &cabinet)]);
    let signed = signed(&cabinet, &identity("oem"));
    assert!(verified(&signed).holds());
    let found = find(&catalog, "other name", &signed);
    let Membership::Changed { reason, .. } = found else {
        panic!("{found:?}")
    };
    assert!(reason.contains("before it was signed"), "{reason}");
    let found = find(&catalog, "other name", &signed_other());
    assert_eq!(found, Membership::NotListed { note: None });
    let mut checksum = cabinet.clone();
    checksum[4] = 9;
    assert!(matches!(
        find(&catalog, "a.cab", &checksum),
        Membership::Listed(_)
    ));
    let listed = self::catalog(Version::V2, &[("a.cab", Tag::Hash, &signed)]);
    assert!(matches!(
        find(&listed, "a.cab", &signed),
        Membership::Listed(_)
    ));
}

fn signed_other() -> Vec<u8> {
    signed(&cabinet_with_reserves(), &identity("oem"))
}

/// As many files as a large image has, each hashed, listed, signed for and found again.
#[test]
fn a_hundred_thousand_files_are_listed_and_found_in_seconds() {
    let files: Vec<String> = (0..100_000).map(|n| format!("file {n}\n")).collect();
    let mut builder = CatalogBuilder::new(Version::V2, now());
    for file in &files {
        let mut input = Cursor::new(file.as_bytes());
        let hashable = Hashable::recognise(&mut input).unwrap();
        let subject = hashable.subject(&mut input, Tag::Hash, Vec::new());
        builder.add(subject.unwrap()).unwrap();
    }
    let bytes = signed(&builder.write(&[1; 16]).unwrap(), &identity("oem"));
    assert!(verified(&bytes).holds());
    let catalog = Catalog::parse(bytes).unwrap();
    assert_eq!(catalog.members().len(), 200_000);
    let lookup = Lookup::new(&catalog);
    for file in &files {
        let found = lookup.find(None, &mut Cursor::new(file.as_bytes()));
        assert!(matches!(found, Ok(Membership::Listed(_))), "{file}");
    }
}

#[test]
fn a_label_is_found_by_content_and_by_name() {
    let label = || Tag::Label("HashTable.blob".to_owned());
    let catalog = catalog(Version::V1, &[("", label(), b"table")]);
    assert!(matches!(
        find(&catalog, "x", b"table"),
        Membership::Listed(_)
    ));
    let mut unnamed = catalog.members()[0].clone();
    unnamed.attributes.clear();
    let mut builder = CatalogBuilder::new(Version::V1, now());
    builder.add_member(unnamed).unwrap();
    let catalog = Catalog::parse(builder.write(&[]).unwrap()).unwrap();
    let changed = find(&catalog, "hashtable.BLOB", b"other table");
    assert!(matches!(changed, Membership::Changed { .. }), "{changed:?}");
}

/// What other programs get wrong is said, and a SHA-1 alone never makes a member of a version 2 catalog.
#[test]
fn odd_entries_are_told_apart() {
    let catalog = catalog(
        Version::V2,
        &[("a", Tag::Hash, b"one"), ("b", Tag::Hash, b"two")],
    );
    let rebuilt = |change: &dyn Fn(&mut Vec<Member>)| {
        let mut members = catalog.members().to_vec();
        change(&mut members);
        let mut builder = CatalogBuilder::new(Version::V2, now());
        for member in members {
            builder.add_member(member).unwrap();
        }
        Catalog::parse(builder.write(&[]).unwrap()).unwrap()
    };
    let twins = rebuilt(&|members| members.retain(|m| m.content.is_none()));
    let found = find(&twins, "a", b"one");
    let Membership::NotListed { note: Some(note) } = found else {
        panic!("{found:?}")
    };
    assert!(note.contains("SHA-1"), "{note}");

    let wrong_kind = rebuilt(&|members| {
        for member in members {
            member.info = Some(formats::container::cat::MemberInfo::V2(SubjectKind::Pe));
        }
    });
    let Membership::Listed(listing) = find(&wrong_kind, "a", b"one") else {
        panic!("not found")
    };
    assert_eq!(
        listing.notes,
        ["its entry says PE image, it was hashed as a flat file"]
    );

    let swapped = rebuilt(&|members| {
        let contents: Vec<_> = members.iter().map(|m| m.content.clone()).collect();
        let (first, second) = match contents.iter().flatten().collect::<Vec<_>>()[..] {
            [first, second] => (first.clone(), second.clone()),
            _ => panic!("two entries with content"),
        };
        for member in members.iter_mut().filter(|m| m.content.is_some()) {
            let other = if member.content.as_ref() == Some(&first) {
                &second
            } else {
                &first
            };
            member.content = Some(other.clone());
        }
    });
    let Membership::Changed { reason, .. } = find(&swapped, "a", b"one") else {
        panic!("found")
    };
    assert!(reason.contains("states the digest"), "{reason}");
}

#[test]
fn a_broken_cabinet_is_an_error_unless_it_is_listed_as_it_is() {
    let broken = b"MSCF and no more";
    let catalog = catalog(Version::V2, &[("a", Tag::Hash, b"one")]);
    let lookup = Lookup::new(&catalog);
    let error = lookup.find(None, &mut Cursor::new(broken)).unwrap_err();
    assert!(error.to_string().contains("CFHEADER"), "{error}");
    let image = lookup.find(None, &mut Cursor::new(b"MZ")).unwrap_err();
    assert!(matches!(image, CatalogError::Format(_)), "{image}");

    let mut input = Cursor::new(broken);
    let flat = Hashable::of_kind(SubjectKind::Flat, &mut input).unwrap();
    let mut builder = CatalogBuilder::new(Version::V2, now());
    builder
        .add(flat.subject(&mut input, Tag::Hash, Vec::new()).unwrap())
        .unwrap();
    let listed = Catalog::parse(builder.write(&[]).unwrap()).unwrap();
    assert!(matches!(find(&listed, "a", broken), Membership::Listed(_)));
    let error = Hashable::of_kind(SubjectKind::Cabinet, &mut Cursor::new(b"text")).unwrap_err();
    assert_eq!(error.to_string(), "it is a flat file, not a cabinet");
}

/// As many members as the format's largest size has room for: read once, looked up in no time.
#[test]
fn a_catalog_of_a_million_members_is_read_and_searched() {
    const MEMBERS: u32 = 1_000_000;
    let tag = |number: u32| DigestAlgorithm::Sha256.of(&number.to_be_bytes());
    let members: Vec<u8> = (0..MEMBERS)
        .flat_map(|number| der::sequence(&[&der::octet_string(&tag(number))]))
        .collect();
    let version_2 = der::oid(oid::CATALOG_LIST_MEMBER_V2);
    let list = der::sequence(&[
        &der::sequence(&[&der::oid(oid::CATALOG_LIST)]),
        &der::octet_string(&[7; 16]),
        &der::tlv(der::UTC_TIME, b"250605080048Z"),
        &der::sequence(&[&version_2, &der::null()]),
        &der::tlv(der::SEQUENCE, &members),
    ]);
    let body = der::sequence(&[
        &der::integer(1),
        &der::set_of(Vec::new()),
        &der::sequence(&[&der::oid(oid::CTL), &der::tlv(der::context(0), &list)]),
        &der::set_of(Vec::new()),
    ]);
    let signed_data = der::oid(oid::SIGNED_DATA);
    let bytes = der::sequence(&[&signed_data, &der::tlv(der::context(0), &body)]);
    let catalog = Catalog::parse(bytes).unwrap();
    assert_eq!(catalog.members().len(), MEMBERS as usize);
    assert_eq!(catalog.members()[999_999].tag, tag(999_999));
    let lookup = Lookup::new(&catalog);
    for (number, is_listed) in [(0, true), (999_999, true), (MEMBERS, false)] {
        let mut file = Cursor::new(number.to_be_bytes());
        let found = lookup.find(None, &mut file).unwrap();
        let listed = !matches!(found, Membership::NotListed { .. });
        assert_eq!(listed, is_listed, "{number}: {found:?}");
    }
}
