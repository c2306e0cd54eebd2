//! Definitions: what they say, and every line that cannot be followed.

use formats::container::cat::{Definition, NameValue, SubjectKind, Tag, Version, flags};

const FULL: &str = "\
; made by hand
[CatalogHeader]
Name=good.cat
ResultDir=.\\out
PublicVersion=0x0000001
CatalogVersion=2
HashAlgorithms=SHA256
PageHashes=false
EncodingType=0x00010001
CATATTR1=0x11010001:OSAttr:2:6.0
CATATTR2=0x10010001:Second:b

[catalogfiles]
<HASH>one=.\\files\\one.txt
<HASH>oneATTR1=0x11010001:File:one.txt
<hash>ONEattr2=0x10010001:Kept:yes
<HASH>two=\"two words.msi\"
<HASH>twoALTSIPID={de351a42-8e59-11d0-8c47-00c04fc295ee}
<HASH>twoATTR1=0x11020001:File:dHdv
";

#[test]
fn every_line_of_a_definition_counts() {
    let read = Definition::parse(FULL).unwrap();
    assert_eq!(
        (read.name.as_str(), read.version),
        ("good.cat", Version::V2)
    );
    assert_eq!(read.result_dir.as_deref(), Some(".\\out"));
    assert!(!read.unfinished);
    let attributes = [("OSAttr", "2:6.0"), ("Second", "b")];
    assert_eq!(
        read.attributes,
        attributes.map(|(name, text)| NameValue::from_text(name, text))
    );
    let [one, two] = read.files.as_slice() else {
        panic!("{read:?}")
    };
    assert_eq!(
        (&one.tag, one.path.as_str()),
        (&Tag::Hash, ".\\files\\one.txt")
    );
    let named: Vec<_> = one
        .attributes
        .iter()
        .map(|a| (a.value.text(), a.in_twin))
        .collect();
    let [file, kept] = ["one.txt", "yes"].map(|text| Some(text.to_owned()));
    assert_eq!(named, [(file, false), (kept, true)]);
    assert_eq!((two.path.as_str(), two.line), ("two words.msi", 17));
    assert_eq!(two.kind, Some(SubjectKind::Flat));
    let binary = &two.attributes[0].value;
    assert_eq!(binary.value, b"two");
    assert_eq!(
        binary.flags,
        flags::AUTHENTICATED | flags::BASE64 | flags::NAME
    );
}

#[test]
fn little_is_needed_and_version_1_is_the_default() {
    let text = "[CatalogHeader]\r\nName=a.cat\r\n[CatalogFiles]\r\nHashTable.blob=table";
    let read = Definition::parse(text).unwrap();
    assert_eq!(read.version, Version::V1);
    assert_eq!(read.files[0].tag, Tag::Label("HashTable.blob".to_owned()));
    assert!(read.unfinished, "the last line has no end");
}

#[test]
fn lines_that_cannot_be_followed_are_named() {
    let header = "[CatalogHeader]\nName=a.cat\n";
    let files = "[CatalogHeader]\nName=a.cat\n[CatalogFiles]\n<HASH>a=a\n";
    let cases = [
        ("Name=a\n", 1, "before any section"),
        ("[CatalogHeader]\n[CatalogFiles]\n", 2, "Name is missing"),
        ("[Catalog]\n", 1, "no section [Catalog]"),
        (
            "[CatalogHeader]\nName\n",
            2,
            "neither a section nor key=value",
        ),
        (
            &format!("{header}CatalogVerison=2\n"),
            3,
            "no key 'CatalogVerison'",
        ),
        (
            &format!("{header}CATATTRX=0x10010001:a:b\n"),
            3,
            "no key 'CATATTRX'",
        ),
        (&format!("{header}CatalogVersion=3\n"), 3, "not 1 or 2"),
        (
            &format!("{header}CatalogVersion=2\n"),
            3,
            "needs HashAlgorithms=SHA256",
        ),
        (
            &format!("{header}HashAlgorithms=SHA256\n"),
            3,
            "needs CatalogVersion=2",
        ),
        (
            &format!("{header}HashAlgorithms=MD5\n"),
            3,
            "not SHA1 or SHA256",
        ),
        (
            &format!("{header}PageHashes=true\n"),
            3,
            "PageHashes=true is not supported",
        ),
        (&format!("{header}EncodingType=1\n"), 3, "not 0x00010001"),
        (
            &format!("{header}CATATTR1=0x10010001:a\n"),
            3,
            "not type:name:value",
        ),
        (
            &format!("{header}CATATTR1=x:a:b\n"),
            3,
            "'x' is not a number",
        ),
        (
            &format!("{header}CATATTR1=0x10010002:1.2.3:b\n"),
            3,
            "object identifier",
        ),
        (
            &format!("{header}CATATTR1=0x20010001:a:b\n"),
            3,
            "unsigned attribute",
        ),
        (
            &format!("{header}CATATTR1=0x10030001:a:b\n"),
            3,
            "either text",
        ),
        (
            &format!("{header}CATATTR1=0x10010000:a:b\n"),
            3,
            "bit for a name",
        ),
        (
            &format!("{header}CATATTR1=0x10040001:a:b\n"),
            3,
            "unknown bits",
        ),
        (
            &format!("{header}CATATTR1=0x10020001:a:b!\n"),
            3,
            "not base64",
        ),
        (&format!("{files}<HASH>A=b\n"), 5, "stands for two files"),
        (&format!("{files}<HASH>b=\n"), 5, "names no file"),
        (
            &format!("{files}<HASH>bATTR1=0x10010001:a:b\n"),
            5,
            "no file has the key '<HASH>b'",
        ),
        (
            &format!("{files}<HASH>aALTSIPID={{000C10F1-0000-0000-C000-000000000046}}\n"),
            5,
            "subject interface package {000C10F1",
        ),
    ];
    for (text, line, wanted) in cases {
        let error = Definition::parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.to_string().contains(wanted), "{text}: {error}");
    }
}

#[test]
fn every_prefix_is_a_definition_or_an_error() {
    let mut read = 0;
    for (end, _) in FULL.char_indices() {
        match Definition::parse(&FULL[..end]) {
            Ok(definition) => {
                read += 1;
                assert!(definition.files.len() < 3);
            }
            Err(error) => assert!(error.line <= FULL.lines().count()),
        }
    }
    assert!(read > 20, "{read}");
}
