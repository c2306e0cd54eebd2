//! Signatures inside signatures: added, kept, taken out, verified; here and by osslsigncode.

use std::io::Cursor;

use formats::container::Format;
use formats::signed_data::SignedData;
use signer::digest::DigestAlgorithm;
use signer::sign::{Placement, SignOptions, remove_nested};

use crate::image_builder::RawImage;
use crate::oracle::Oracle;
use crate::support::{
    failures, identity, read, signed, signed_with, small_cabinet, small_catalog, verified,
};

fn all() -> [Vec<u8>; 4] {
    [
        small_cabinet(),
        small_catalog(),
        RawImage::new(false).bytes(),
        RawImage::new(true).bytes(),
    ]
}

/// What osslsigncode nests signatures in.
fn cabinets_and_images() -> Vec<Vec<u8>> {
    let mut all = all().to_vec();
    all.retain(|bytes| read(bytes).format() != Format::Catalog);
    all
}

fn nested(bytes: &[u8], name: &str, digest: DigestAlgorithm) -> Vec<u8> {
    let options = SignOptions {
        digest,
        placement: Placement::Nest,
        ..SignOptions::default()
    };
    signed_with(bytes, &identity(name), &options)
}

fn without_nested(bytes: &[u8]) -> Option<Vec<u8>> {
    let patch = remove_nested(&read(bytes), &mut Cursor::new(bytes)).unwrap()?;
    let mut output = Vec::new();
    patch.apply(&mut Cursor::new(bytes), &mut output).unwrap();
    Some(output)
}

/// Each signature's route and signer.
fn signers(bytes: &[u8]) -> Vec<(String, String)> {
    let verification = verified(bytes);
    let reports = verification.signatures.iter();
    reports
        .map(|report| {
            let subject = report.leaf.as_ref().unwrap().subject.to_string();
            (report.route.clone(), subject)
        })
        .collect()
}

#[test]
fn a_nested_signature_is_added_kept_and_taken_out() {
    for unsigned in all() {
        let format = read(&unsigned).format();
        let once = signed(&unsigned, &identity("oem"));
        let twice = nested(&once, "rsa4096", DigestAlgorithm::Sha384);
        let thrice = nested(&twice, "ecdsa-p256", DigestAlgorithm::Sha256);
        for (bytes, count) in [(&once, 1), (&twice, 2), (&thrice, 3)] {
            let verification = verified(bytes);
            assert_eq!(failures(&verification), [""; 0], "{format}");
            assert_eq!(verification.signatures.len(), count, "{format}");
        }
        let found = signers(&thrice);
        assert_eq!(found[0], signers(&once)[0], "{format}");
        for (route, name) in [
            ("signature[0].nested[0]", "ECDSA P-256"),
            ("signature[0].nested[1]", "RSA-4096"),
        ] {
            let is_there = |(r, n): &(String, String)| r == route && n.contains(name);
            assert!(found.iter().any(is_there), "{format}: {found:?}");
        }
        assert_eq!(without_nested(&unsigned), None);
        assert_eq!(without_nested(&once), None);
        assert!(without_nested(&twice).unwrap() == once, "{format}");
        assert!(without_nested(&thrice).unwrap() == once, "{format}");
        // Every signature goes together, and without one there is nothing to nest in.
        let patch = read(&thrice).remove_signature(&mut Cursor::new(&thrice));
        let mut bare = Vec::new();
        let patch = patch.unwrap().unwrap();
        patch.apply(&mut Cursor::new(&thrice), &mut bare).unwrap();
        assert!(bare == unsigned, "{format}");
        assert!(nested(&unsigned, "oem", DigestAlgorithm::Sha256) == once);
        assert!(signed(&thrice, &identity("oem")) == once, "{format}");
    }
}

/// Everything of the first signature but its unsigned attributes, and everything in front of it, keeps its bytes.
#[test]
fn nesting_changes_only_the_blob() {
    for unsigned in all() {
        let once = signed(&unsigned, &identity("oem"));
        let twice = nested(&once, "rsa4096", DigestAlgorithm::Sha256);
        let (before, after) = (read(&once), read(&twice));
        let (before, after) = (before.signature().unwrap(), after.signature().unwrap());
        assert_eq!(before.offset, after.offset);
        let end = before.offset as usize;
        let differing = (0..end)
            .filter(|place| once[*place] != twice[*place])
            .count();
        // The record of a cabinet's reserve and the directory entry of an image state the length, CheckSum the rest.
        let allowed = match read(&once).format() {
            Format::Cabinet => 4,
            Format::Catalog => 0,
            Format::Pe => 4 + 4 + 4,
            Format::Appx | Format::SiPolicy | Format::EfiVariable => {
                panic!("they have one signature")
            }
        };
        assert!(differing <= allowed, "{differing}");
        let (before, after) = (
            SignedData::read(before.der, 0).unwrap(),
            SignedData::read(after.der, 0).unwrap(),
        );
        assert_eq!(before.content.unwrap().raw, after.content.unwrap().raw);
        assert_eq!(before.certificates.len(), after.certificates.len());
        let (before, after) = (&before.signer_infos[0], &after.signer_infos[0]);
        let signed = |signer: &formats::signed_data::SignerInfo<'_>| {
            let attributes = signer.signed_attributes.as_ref().unwrap().raw.raw.to_vec();
            (attributes, signer.signature.value.to_vec())
        };
        assert_eq!(signed(before), signed(after));
    }
}

#[test]
fn osslsigncode_accepts_what_is_nested_here() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    for unsigned in all() {
        let format = read(&unsigned).format();
        let mut bytes = signed(&unsigned, &identity("oem"));
        for (index, name) in ["ecdsa-p256", "oem", "rsa4096"].iter().enumerate() {
            bytes = nested(&bytes, name, DigestAlgorithm::Sha256);
            let what = format!("{format}, {} nested", index + 1);
            oracle.accepts(&bytes, index + 2, &what);
        }
        // It nests further signatures in ours, though in no catalog.
        if format == Format::Catalog {
            continue;
        }
        let theirs = oracle.sign(&bytes, "ecdsa-p384", &["-nest"]);
        assert_eq!(failures(&verified(&theirs)), [""; 0], "{format}");
        assert_eq!(verified(&theirs).signatures.len(), 5, "{format}");
    }
}

#[test]
fn what_osslsigncode_nests_is_accepted_and_extended_here() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    for unsigned in cabinets_and_images() {
        let format = read(&unsigned).format();
        let once = oracle.sign(&unsigned, "oem", &[]);
        let twice = oracle.sign(&once, "ecdsa-p256", &["-nest"]);
        let thrice = oracle.sign(&twice, "rsa4096", &["-nest"]);
        for (bytes, count) in [(&twice, 2), (&thrice, 3)] {
            let verification = verified(bytes);
            assert_eq!(failures(&verification), [""; 0], "{format}");
            assert_eq!(verification.signatures.len(), count, "{format}");
        }
        let ours = nested(&thrice, "ecdsa-p384", DigestAlgorithm::Sha256);
        assert_eq!(failures(&verified(&ours)), [""; 0], "{format}");
        oracle.accepts(&ours, 4, &format.to_string());
        // Theirs keep their order among themselves.
        let order = |bytes: &[u8]| {
            let mut subjects: Vec<_> = signers(bytes).into_iter().map(|(_, s)| s).collect();
            subjects.retain(|subject| !subject.contains("P-384"));
            subjects
        };
        assert_eq!(order(&ours), order(&thrice), "{format}");
        let bare = without_nested(&ours).unwrap();
        assert_eq!(signers(&bare), signers(&once), "{format}");
        assert_eq!(failures(&verified(&bare)), [""; 0], "{format}");
    }
}

#[test]
fn a_nested_signature_of_another_file_is_noticed() {
    let raw = RawImage::new(true);
    let mut other = raw.clone();
    other.overlay = vec![1; 8];
    for (file, other) in [
        (raw.bytes(), other.bytes()),
        (small_catalog(), crate::support::catalog_of(&[0xA5; 32])),
    ] {
        let primary = signed(&file, &identity("oem"));
        let foreign = signed(&other, &identity("rsa4096"));
        let container = read(&primary);
        let both = formats::nested::add(
            container.signature().unwrap().der,
            read(&foreign).signature().unwrap().der,
        );
        let mut input = Cursor::new(&primary);
        let patch = container.amend(&both.unwrap(), &mut input).unwrap();
        let mut bytes = Vec::new();
        patch.apply(&mut input, &mut bytes).unwrap();
        let verification = verified(&bytes);
        assert_eq!(failures(&verification), ["digest-mismatch"]);
        assert!(verification.signatures[0].holds());
        assert_eq!(verification.signatures[1].route, "signature[0].nested[0]");
    }
}

/// Every bit counts but those of the attribute's type: whoever changes that hides what is nested, as if it had been
/// taken out, which no signature forbids.
#[test]
fn a_flipped_bit_of_a_nested_signature_is_noticed_or_hides_it() {
    let once = signed(&RawImage::small(true).bytes(), &identity("ecdsa-p256"));
    let twice = nested(&once, "ecdsa-p256", DigestAlgorithm::Sha256);
    let kind = formats::der::oid(formats::oid::SPC_NESTED_SIGNATURE);
    let place = twice.windows(kind.len()).position(|w| w == kind).unwrap();
    let mut hidden = 0;
    for byte in place - 64..twice.len() {
        let bit = byte % 8;
        let mut bad = twice.clone();
        bad[byte] ^= 1 << bit;
        let raw = RawImage::small(true);
        crate::support::write_check_sum(&mut bad, raw.check_sum());
        let Ok(container) = formats::container::Container::read(&mut Cursor::new(&bad)) else {
            continue;
        };
        assert_eq!(container.format(), Format::Pe);
        let verification = verified(&bad);
        if !verification.holds() {
            continue;
        }
        assert!((place + 2..place + kind.len()).contains(&byte), "{byte}");
        assert_eq!(verification.signatures.len(), 1);
        hidden += 1;
    }
    assert_eq!(hidden, kind.len() - 2);
}
