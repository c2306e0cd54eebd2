//! Room for a signature, what its hashes cover, and removal.

use std::io::Cursor;

use formats::container::Piece;
use formats::container::appx::{DigestPart, Package};
use formats::der;
use formats::oid;

use crate::builder::{CONTENT_TYPES, RawFile, RawPackage, Style};
use crate::support::{
    PUBLISHER, SHA_256, STYLES, apply, corpus, joined, package, read, signed, some_der,
};

fn part<'a>(parts: &'a [DigestPart], tag: &str) -> &'a [Piece] {
    let found = parts.iter().find(|part| part.tag == tag);
    &found.unwrap().pieces
}

/// Shapes to sign: both styles, content types in other places and forms, 32-bit descriptors.
fn shapes() -> Vec<(String, Vec<u8>)> {
    let mut shapes = Vec::new();
    for style in STYLES {
        let plain = package(style);
        shapes.push((format!("{style:?}"), plain.bytes()));
        let mut first = plain.clone();
        first.files.rotate_right(1);
        shapes.push((format!("{style:?}, content types first"), first.bytes()));
        let mut stored = plain.clone();
        stored.file("[Content_Types].xml").method = 0;
        shapes.push((format!("{style:?}, content types stored"), stored.bytes()));
        let mut catalog = plain.clone();
        let file = RawFile::new("AppxMetadata/CodeIntegrity.cat", *b"a catalog", style);
        catalog.files.insert(1, file);
        shapes.push((format!("{style:?}, catalog"), catalog.bytes()));
        let bundle = RawPackage::bundle(PUBLISHER, style, SHA_256);
        shapes.push((format!("{style:?}, bundle"), bundle.bytes()));
        let mut announced = plain.clone();
        announced.file("[Content_Types].xml").content = announced_types().into_bytes();
        shapes.push((format!("{style:?}, announced"), announced.bytes()));
    }
    let mut narrow = package(Style::Plain);
    for file in &mut narrow.files {
        file.descriptor = 16;
    }
    shapes.push(("descriptors of 16 bytes".to_owned(), narrow.bytes()));
    shapes
}

fn announced_types() -> String {
    let element = "<Override PartName=\"/AppxSignature.p7x\" \
                   ContentType=\"application/vnd.ms-appx.signature\"/></Types>";
    CONTENT_TYPES.replace("</Types>", element)
}

#[test]
fn what_is_hashed_before_is_what_is_hashed_after() {
    for (name, bytes) in shapes() {
        let prepared = read(&bytes).prepare().unwrap();
        let patch = prepared.embed(&some_der()).unwrap();
        let result = apply(&patch, &bytes);
        let package = read(&result);
        assert_eq!(package.signature().unwrap().0, some_der(), "{name}");
        let offset = package.signature().unwrap().1 as usize;
        assert!(result[offset..].starts_with(&some_der()), "{name}");
        assert_eq!(package.canonical_faults(), [], "{name}");
        let before = prepared.digest_parts().iter();
        for (before, after) in before.zip(package.digest_parts()) {
            assert_eq!(before.tag, after.tag);
            let same = joined(&before.pieces, &bytes) == joined(&after.pieces, &result);
            assert!(same, "{name} {}", before.tag);
        }
    }
}

/// The hashed bytes, found by hand in the signed file. The builder does not compress.
#[test]
fn the_hashes_cover_what_windows_hashes() {
    for (name, bytes) in shapes() {
        let result = signed(&bytes);
        let package = read(&result);
        let parts = package.digest_parts();
        let last = |what: &[u8]| {
            result
                .windows(what.len())
                .rposition(|window| window == what)
        };
        let number = |bytes: &[u8]| {
            let digits = bytes.iter().rev();
            digits.fold(0, |sum, digit| sum << 8 | usize::from(*digit))
        };
        let header = last(b"AppxSignature.p7x").unwrap() - 46;
        let record = number(&result[header + 42..][..4]);
        assert_eq!(joined(part(&parts, "AXPC"), &result), &result[..record]);
        let directory = joined(part(&parts, "AXCD"), &result);
        let end = directory.len() - 22;
        assert_eq!(&directory[end..][..8], b"PK\x05\x06\0\0\0\0", "{name}");
        let (headers, offset) = match last(b"PK\x06\x06") {
            Some(_) => (end - 76, number(&directory[end - 76 + 48..][..8])),
            None => (end, number(&directory[end + 16..][..4])),
        };
        assert_eq!(offset, record, "{name}");
        let start = header - headers;
        assert_eq!(&directory[..headers], &result[start..header], "{name}");
        assert!(result[start..].starts_with(b"PK\x01\x02"), "{name}");
        let types = joined(part(&parts, "AXCT"), &result);
        assert_eq!(types, announced_types().as_bytes(), "{name}");
        let map_end = last(b"</BlockMap>").unwrap() + 11;
        let map = &result[last(b"<BlockMap").unwrap()..map_end];
        assert_eq!(joined(part(&parts, "AXBM"), &result), map, "{name}");
        let tags: Vec<_> = parts.iter().map(|part| part.tag).collect();
        let all = ["AXPC", "AXCD", "AXCT", "AXBM", "AXCI"];
        let has_catalog = name.contains("catalog");
        assert_eq!(tags, all[..if has_catalog { 5 } else { 4 }], "{name}");
        if has_catalog {
            assert_eq!(joined(part(&parts, "AXCI"), &result), b"a catalog");
        }
    }
}

#[test]
fn only_small_parts_of_a_file_change() {
    for style in STYLES {
        let bytes = package(style).bytes();
        let patch = read(&bytes).prepare().unwrap().embed(&some_der()).unwrap();
        let [types, end] = patch.hunks() else {
            panic!("{:?}", patch.hunks().len())
        };
        assert!(types.replacement.len() < 1000);
        assert!(end.replacement.len() < 3000);
        assert_eq!(end.range.end, bytes.len() as u64);
        let payload = package(style).file("App.exe").content.clone();
        let result = apply(&patch, &bytes);
        assert_eq!(result[37..][..payload.len()], payload);
    }
}

/// A signature as ours, with the attribute that makes undoing exact.
fn cms(original: &[u8]) -> Vec<u8> {
    let attribute =
        |kind, value: &[u8]| der::sequence(&[&der::oid(kind), &der::tlv(der::SET, value)]);
    let attributes = der::sorted(vec![
        attribute(oid::PROOFMARK_ORIGINAL, original),
        attribute(oid::CONTENT_TYPE, &der::oid(oid::SPC_INDIRECT_DATA)),
    ]);
    let algorithm = der::algorithm_with_null(oid::SHA256);
    let signer = der::sequence(&[
        &der::integer(1),
        &der::sequence(&[&der::sequence(&[]), &der::integer(1)]),
        &algorithm,
        &der::tlv(der::context(0), &attributes),
        &algorithm,
        &der::octet_string(&[1; 64]),
    ]);
    formats::signed_data::SignedDataParts {
        digest_algorithm: oid::SHA256,
        content_type: oid::SPC_INDIRECT_DATA,
        content: &der::sequence(&[]),
        certificates: Vec::new(),
        signer_info: &signer,
    }
    .write()
}

#[test]
fn removing_restores_every_byte() {
    for (name, bytes) in shapes() {
        let prepared = read(&bytes).prepare().unwrap();
        let cms_der = cms(prepared.original().unwrap());
        let once = apply(&prepared.embed(&cms_der).unwrap(), &bytes);
        // A second signature takes the attribute over.
        let again = read(&once).prepare().unwrap();
        assert_eq!(again.original(), prepared.original(), "{name}");
        let twice = apply(&again.embed(&cms_der).unwrap(), &once);
        assert!(once == twice, "{name}");
        let patch = read(&twice).remove_signature().unwrap().unwrap();
        assert!(apply(&patch, &twice) == bytes, "{name}");
        assert_eq!(read(&bytes).remove_signature().unwrap(), None);
    }
}

/// Without the attribute, or with one that does not fit, the signature and its announcement are taken out.
#[test]
fn removing_what_others_signed_gives_an_unsigned_package() {
    for (name, bytes) in shapes() {
        let lies = [
            der::sequence(&[&der::octet_string(&[0; 22])]),
            der::sequence(&[
                &der::octet_string(&bytes[bytes.len() - 22..]),
                &der::octet_string(b"no deflate"),
            ]),
            der::null(),
        ];
        let signatures = lies.iter().map(|lie| cms(lie)).chain([some_der()]);
        for der in signatures {
            let patch = read(&bytes).prepare().unwrap().embed(&der).unwrap();
            let signed = apply(&patch, &bytes);
            let patch = read(&signed).remove_signature().unwrap().unwrap();
            let unsigned = apply(&patch, &signed);
            let package = read(&unsigned);
            assert!(package.signature().is_none(), "{name}");
            assert_eq!(package.canonical_faults(), [], "{name}");
            let parts = package.digest_parts();
            let types = joined(part(&parts, "AXCT"), &unsigned);
            assert_eq!(types, CONTENT_TYPES.as_bytes(), "{name}");
            assert!(package.prepare().is_ok(), "{name}");
        }
    }
}

#[test]
fn real_packages_are_signed_and_restored() {
    for name in ["minimal.msix", "minimal.appxbundle", "unsigned.256appx"] {
        let Some(bytes) = corpus(name) else { return };
        let prepared = read(&bytes).prepare().unwrap();
        let cms_der = cms(prepared.original().unwrap());
        let signed = apply(&prepared.embed(&cms_der).unwrap(), &bytes);
        let patch = read(&signed).remove_signature().unwrap().unwrap();
        assert!(apply(&patch, &signed) == bytes, "{name}");
    }
}

#[test]
fn a_prefix_of_the_content_types_is_used() {
    let mut package = package(Style::MakeAppx);
    let file = package.file("[Content_Types].xml");
    file.content =
        b"<ct:Types xmlns:ct=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <ct:Default Extension=\"xml\" ContentType=\"text/xml\"/></ct:Types >"
            .to_vec();
    let signed = signed(&package.bytes());
    let package = read(&signed);
    let types = joined(part(&package.digest_parts(), "AXCT"), &signed);
    let types = String::from_utf8(types).unwrap();
    let end = "<ct:Override PartName=\"/AppxSignature.p7x\" \
               ContentType=\"application/vnd.ms-appx.signature\"/></ct:Types >";
    assert!(types.ends_with(end), "{types}");
    assert_eq!(package.canonical_faults(), []);
}

#[test]
fn a_bundle_whose_packages_would_move_is_refused() {
    let mut bundle = RawPackage::bundle(PUBLISHER, Style::MakeAppx, SHA_256);
    bundle.files.rotate_right(1);
    let error = read(&bundle.bytes()).prepare().unwrap_err().to_string();
    assert!(
        error.contains("packages behind the content types"),
        "{error}"
    );
    let types = bundle.file("[Content_Types].xml");
    types.content = announced_types().into_bytes();
    assert!(read(&bundle.bytes()).prepare().is_ok());
}

type Change<'a> = &'a dyn Fn(&mut Vec<u8>);

/// What no hash covers must be as signing tools write it.
#[test]
fn bytes_around_the_signature_are_checked() {
    let unsigned = package(Style::MakeAppx).bytes();
    let signed = signed(&unsigned);
    let faults = |change: Change<'_>| {
        let mut bytes = signed.clone();
        change(&mut bytes);
        match Package::read(&mut Cursor::new(&bytes)) {
            Ok(package) => package.canonical_faults().first().map(ToString::to_string),
            Err(error) => Some(error.to_string()),
        }
    };
    let name = b"AppxSignature.p7x";
    let at = |bytes: &[u8], nth: usize| {
        let places = bytes.windows(name.len()).enumerate();
        let mut places = places.filter(|(_, window)| *window == name);
        places.nth(nth).unwrap().0
    };
    let header = |bytes: &[u8]| at(bytes, 1) - 46;
    let cases: [(&str, Change<'_>); 6] = [
        ("version made by", &|b| {
            let at = header(b) + 5;
            b[at] = 3;
        }),
        ("internal attributes", &|b| {
            let at = header(b) + 36;
            b[at] = 1;
        }),
        ("external attributes", &|b| {
            let at = header(b) + 38;
            b[at] = 32;
        }),
        ("last modification", &|b| {
            let at = header(b) + 12;
            b[at] ^= 1;
        }),
        ("number of this disk", &|b| {
            let at = b.len() - 18;
            b[at..at + 4].fill(0xFF);
        }),
        ("CRC-32", &|b| {
            let at = at(b, 0) + name.len() + 20;
            b[at] ^= 1;
        }),
    ];
    assert_eq!(faults(&|_| ()), None);
    for (what, change) in cases {
        let found = faults(change).unwrap_or_default();
        assert!(found.contains(what), "{what}: {found}");
    }
}

/// A tool may announce every file with the extension instead; that is kept.
#[test]
fn an_announcement_by_extension_is_enough() {
    let mut package = package(Style::MakeAppx);
    let element =
        "<Default ContentType=\"application/vnd.ms-appx.signature\" Extension=\"P7x\"/></Types>";
    let types = CONTENT_TYPES.replace("</Types>", element);
    package.file("[Content_Types].xml").content = types.clone().into_bytes();
    let signed = signed(&package.bytes());
    let package = read(&signed);
    assert_eq!(package.canonical_faults(), []);
    let found = joined(part(&package.digest_parts(), "AXCT"), &signed);
    assert_eq!(found, types.as_bytes());
}

/// Windows does not see a signature that the content types do not announce.
#[test]
fn an_unannounced_signature_is_a_fault() {
    let mut package = package(Style::Plain);
    let mut file = RawFile::new("AppxSignature.p7x", *b"PKCX\x30\0", Style::Plain).stored();
    file.flags = 0;
    package.files.push(file);
    let faults = read(&package.bytes());
    let faults = faults.canonical_faults();
    assert!(faults[0].to_string().contains("Windows does not see it"));
}
