//! What a builder writes, byte for byte, and what it refuses.

use formats::container::cat::{
    BuildError, Member, MemberInfo, NameValue, Subject, SubjectForm, SubjectKind, Tag, Version,
    flags,
};

use crate::support::{ID, attribute, builder, hex, mixed, parse, rebuilt, subject};

const HEADER: &str = "
    300c 060a 2b0601040182370c0101
    0410 07070707070707070707070707070707
    170d 3235303630353038303034385a";

/// A version 2 catalog with one flat file, put together by hand.
#[test]
fn a_version_2_catalog_is_written_byte_for_byte() {
    let mut builder = builder(Version::V2);
    builder.add(subject(SubjectForm::Flat, 0x0b, 0xaa)).unwrap();
    let twin = "
        302a 0414 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b
          3112 3010 060a 2b0601040182370c0203 3102 8200";
    let digest = "aa".repeat(32);
    let member = format!(
        "30818d 0420 {digest}
          3169
            3010 060a 2b0601040182370c0203 3102 8200
            3055 060a 2b060104018237020104 3147 3045
              3010 060a 2b060104018237020119 a202 8000
              3031 300d 0609 608648016503040201 0500 0420 {digest}"
    );
    let expected = format!(
        "3082012e 0609 2a864886f70d010702 a082011f 3082011b 020101 3100
           30820110 0609 2b060104018237 0a01 a0820101 3081fe
           {HEADER}
           300e 060a 2b0601040182370c0103 0500
           3081bc {twin} {member}
         3100"
    );
    assert_eq!(builder.write(&ID).unwrap(), hex(&expected));
}

/// A version 1 catalog of a named flat file, which is the form of an image's catalog.
#[test]
fn a_version_1_catalog_is_written_byte_for_byte() {
    let mut builder = builder(Version::V1);
    let mut file = subject(SubjectForm::Flat, 0x0b, 0xaa);
    file.tag = Tag::Label("Ab".to_owned());
    builder.add(file).unwrap();
    let guid: String = SubjectKind::Flat
        .guid()
        .bytes()
        .map(|b| format!("00{b:02x}"))
        .collect();
    // DER sorts the shorter attribute first.
    let member = format!(
        "3081b6 0406 410062000000
          3181ab
            3045 060a 2b060104018237020104 3137 3035
              3010 060a 2b060104018237020119 a202 8000
              3021 3009 0605 2b0e03021a 0500 0414 {}
            3062 060a 2b0601040182370c0202 3154 3052 1e4c {guid} 0202 0200",
        "0b".repeat(20)
    );
    let written = builder.write(&ID).unwrap();
    let catalog = parse(&written);
    let read = &catalog.members()[0];
    assert!(written[read.offset as usize..].starts_with(&hex(&member)));
    assert_eq!(read.label().as_deref(), Some("Ab"));
}

#[test]
fn hash_tags_of_version_1_are_upper_case_utf_16_with_nul() {
    let mut builder = builder(Version::V1);
    builder.add(subject(SubjectForm::Pe, 0xab, 1)).unwrap();
    let catalog = parse(&builder.write(&ID).unwrap());
    let member = &catalog.members()[0];
    let expected: Vec<u8> = "AB".repeat(20).bytes().flat_map(|b| [b, 0]).collect();
    assert_eq!(member.tag, [expected, vec![0, 0]].concat());
    assert_eq!(member.digest_tag(), [0xab; 20]);
    let info = MemberInfo::V1 {
        subject_guid: "{C689AAB8-8E78-11D0-8C47-00C04FC295EE}".to_owned(),
        cert_version: 512,
    };
    assert_eq!(member.info, Some(info));
}

#[test]
fn entries_are_sorted_by_tag_and_both_generations_are_read_back() {
    for version in [Version::V1, Version::V2] {
        let bytes = mixed(version);
        let catalog = parse(&bytes);
        assert_eq!(catalog.version(), version);
        assert_eq!(rebuilt(&catalog), bytes);
        assert!(catalog.signature().is_none());
        let members = catalog.members();
        assert!(members.is_sorted_by(|a, b| a.tag < b.tag));
        let full = members.iter().filter(|m| m.content.is_some()).count();
        let twins = members.len() - full;
        assert_eq!(
            (full, twins),
            (3, if version == Version::V2 { 3 } else { 0 })
        );
        for kind in SubjectKind::ALL {
            let of_kind = |m: &&Member| m.info.as_ref().and_then(MemberInfo::kind) == Some(kind);
            assert_eq!(members.iter().filter(of_kind).count(), 1 + twins / 3);
        }
        assert_eq!(
            catalog.attributes(),
            [NameValue::from_text("OSAttr", "2:10.0")]
        );
    }
}

#[test]
fn a_twin_has_no_digest_and_only_the_attributes_that_may_be_repeated() {
    let catalog = parse(&mixed(Version::V2));
    for member in catalog.members() {
        let names: Vec<_> = member.attributes.iter().map(|a| a.name.as_str()).collect();
        let is_twin = member.tag.len() == 20;
        assert_eq!(member.content.is_none(), is_twin);
        let expected: &[&str] = if is_twin {
            &["OSAttr"]
        } else {
            &["File", "OSAttr"]
        };
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
    }
}

#[test]
fn the_content_of_each_kind_is_what_windows_writes() {
    let catalog = parse(&mixed(Version::V2));
    let data = |tag: u8| {
        let mut members = catalog.members().iter();
        let member = members.find(|m| m.tag == [tag; 32]).unwrap();
        let content = member.indirect_data().unwrap();
        assert_eq!(content.digest, [tag; 32]);
        let value = content.data_value.unwrap().raw.to_vec();
        (content.data_type.to_string(), value)
    };
    let pe = hex("300a 0302 05a0 a004 a202 8000");
    assert_eq!(data(0x80), ("1.3.6.1.4.1.311.2.1.15".to_owned(), pe));
    let cabinet = format!(
        "a148 0410 a6b586d5b4a12466ae05a217da8e60d6
           0434 3132 3030 060a 2b060104018237020501 3122 0420 {}",
        "ee".repeat(32)
    );
    assert_eq!(
        data(0x81),
        ("1.3.6.1.4.1.311.2.1.28".to_owned(), hex(&cabinet))
    );
    let flat = hex("a202 8000");
    assert_eq!(data(0x82), ("1.3.6.1.4.1.311.2.1.25".to_owned(), flat));
}

/// Two copies of a file are one entry with the names of both.
#[test]
fn equal_files_share_an_entry() {
    let named = |name: &str| Subject {
        attributes: vec![attribute("File", name, false)],
        ..subject(SubjectForm::Flat, 1, 2)
    };
    let mut builder = builder(Version::V2);
    for name in ["a", "b", "a"] {
        builder.add(named(name)).unwrap();
    }
    let catalog = parse(&builder.write(&ID).unwrap());
    assert_eq!(catalog.members().len(), 2);
    let full = catalog.members().iter().find(|m| m.content.is_some());
    let texts: Vec<_> = full.unwrap().attributes.iter().map(|a| a.text()).collect();
    assert_eq!(texts, [Some("a".to_owned()), Some("b".to_owned())]);
}

#[test]
fn what_windows_would_not_find_is_refused() {
    assert_eq!(builder(Version::V2).write(&ID), Err(BuildError::Empty));
    let labelled = |label: &str, digest: u8| Subject {
        tag: Tag::Label(label.to_owned()),
        ..subject(SubjectForm::Flat, digest, digest)
    };
    let error = builder(Version::V2).add(labelled("Setup", 1));
    assert_eq!(error, Err(BuildError::LabelInV2("Setup".to_owned())));
    let mut twice = builder(Version::V1);
    twice.add(labelled("Setup", 1)).unwrap();
    let error = twice.add(labelled("Setup", 2));
    assert_eq!(error, Err(BuildError::Conflict("Setup".to_owned())));
}

#[test]
fn binary_values_have_no_text() {
    let mut value = NameValue::from_text("n", "t");
    assert_eq!(value.text().as_deref(), Some("t"));
    value.flags ^= flags::TEXT | flags::BASE64;
    assert_eq!(value.text(), None);
}
