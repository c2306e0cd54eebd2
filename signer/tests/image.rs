//! PE images: signing, verification, page hashes, CheckSum; here, by osslsigncode and by Windows.

use std::io::Cursor;

use formats::certificate::Certificate;
use formats::container::Container;
use formats::container::pe::WordSum;
use formats::oid;
use formats::spc::{EnhancedHash, SpcIndirectData, SpcPeImageData};
use signer::anchor::{Anchors, TrustClass};
use signer::clock::parse_rfc3339;
use signer::cms::{Attributes, Draft};
use signer::digest::{DigestAlgorithm, hex};
use signer::page_hash;
use signer::sign::{SignError, SignOptions, sign};
use signer::verify::{Check, FailureKind, Outcome};

use crate::image_builder::RawImage;
use crate::oracle::Oracle;
use crate::support::{
    corpus, failures, identity, now, read, signed, signed_with, verified, verified_at,
};

const KEYS: [&str; 3] = ["oem", "ecdsa-p256", "ecdsa-p384"];

/// Images that osslsigncode takes as well: it asks for FileAlignment, a section and the headers where they usually are.
fn images() -> Vec<(String, Vec<u8>)> {
    let mut images = Vec::new();
    for is_64_bit in [false, true] {
        for overlay in [0, 3, 8] {
            let mut raw = RawImage::new(is_64_bit);
            raw.overlay = vec![0xEE; overlay];
            let bits = if is_64_bit { 64 } else { 32 };
            images.push((format!("{bits} bit, overlay of {overlay}"), raw.bytes()));
        }
    }
    images
}

fn with_pages() -> SignOptions {
    SignOptions {
        page_hashes: true,
        ..SignOptions::default()
    }
}

fn removed(bytes: &[u8]) -> Vec<u8> {
    let patch = read(bytes).remove_signature(&mut Cursor::new(bytes));
    let mut output = Vec::new();
    let patch = patch.unwrap().unwrap();
    patch.apply(&mut Cursor::new(bytes), &mut output).unwrap();
    output
}

#[test]
fn osslsigncode_accepts_what_is_signed_here() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    for (name, unsigned) in images() {
        for key in KEYS {
            for options in [SignOptions::default(), with_pages()] {
                let what = format!("{name}, {key}, page hashes {}", options.page_hashes);
                let bytes = signed_with(&unsigned, &identity(key), &options);
                assert_eq!(failures(&verified(&bytes)), [""; 0], "{what}");
                oracle.accepts(&bytes, 1, &what);
                let (_, text) = oracle.verify(&bytes);
                assert_eq!(text.contains("Page hash"), options.page_hashes, "{text}");
                assert!(oracle.remove(&bytes) == removed(&bytes), "{what}");
            }
        }
    }
}

#[test]
fn what_osslsigncode_signs_is_accepted_here() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    for (name, unsigned) in images() {
        for key in KEYS {
            for options in [&[][..], &["-ph"]] {
                let what = format!("{name}, {key}, {options:?}");
                let bytes = oracle.sign(&unsigned, key, options);
                let verification = verified(&bytes);
                let [report] = verification.signatures.as_slice() else {
                    panic!("{what}");
                };
                assert_eq!(failures(&verification), [""; 0], "{what}: {report:?}");
                assert_eq!(report.outcome(Check::Checksum), Some(&Outcome::Passed));
                assert_eq!(report.anchor().unwrap().class, TrustClass::OwnTest);
                let ours = signed(&unsigned, &identity(key));
                assert_eq!(
                    report.signed_digest,
                    verified(&ours).signatures[0].signed_digest,
                    "{what}"
                );
                // Each replaces the other's signature without a trace.
                assert!(signed(&bytes, &identity(key)) == ours, "{what}");
                oracle.accepts(&oracle.sign(&ours, key, options), 1, &what);
                assert!(oracle.remove(&bytes) == removed(&bytes), "{what}");
            }
        }
    }
}

/// osslsigncode 2.9 takes SectionAlignment for the size of a page; Windows takes 4096 bytes, and so does this program.
#[test]
fn a_page_has_4096_bytes_whatever_the_section_alignment() {
    let mut raw = RawImage::new(true);
    raw.section_alignment = 0x2000;
    let unsigned = raw.bytes();
    let ours = signed_with(&unsigned, &identity("oem"), &with_pages());
    assert_eq!(failures(&verified(&ours)), [""; 0]);
    let Some(oracle) = Oracle::find() else {
        return;
    };
    let theirs = oracle.sign(&unsigned, "oem", &["-ph"]);
    let verification = verified(&theirs);
    assert_eq!(failures(&verification), ["digest-mismatch"]);
    let (check, _, message) = verification.signatures[0].failures().next().unwrap();
    assert_eq!(check, Check::Digest);
    assert!(message.contains("page hashes take"), "{message}");
    let (accepted, _) = oracle.verify(&ours);
    assert!(
        !accepted,
        "osslsigncode has learnt the size of a page: drop this exception"
    );
}

/// Puts a signature with this content, whatever it says, into an image.
fn signed_content(unsigned: &[u8], content: &[u8]) -> Vec<u8> {
    let container = read(unsigned);
    let prepared = container.prepare().unwrap();
    let draft = Draft::new(
        oid::SPC_INDIRECT_DATA,
        content,
        DigestAlgorithm::Sha256,
        &Attributes::default(),
    );
    let cms = draft.unwrap().sign(&identity("oem")).unwrap();
    let Container::Pe(image) = &container else {
        panic!("no image");
    };
    let mut input = Cursor::new(unsigned);
    let sum = WordSum::of_pieces(&mut input, &image.digest_pieces()).unwrap();
    let mut output = Vec::new();
    let patch = prepared.embed(&cms, sum).unwrap();
    patch.apply(&mut input, &mut output).unwrap();
    output
}

#[test]
fn every_page_is_compared_under_both_algorithms() {
    let unsigned = RawImage::new(true).bytes();
    let Container::Pe(image) = read(&unsigned) else {
        panic!("no image");
    };
    let mut input = Cursor::new(&unsigned);
    let layout = image.pages().unwrap();
    let sha256 = DigestAlgorithm::Sha256;
    let file = sha256
        .of_pieces(&mut input, &image.digest_pieces())
        .unwrap();
    let verdict = |page_hashes: Vec<(oid::Oid<'_>, &[u8])>| {
        let data = SpcPeImageData { page_hashes }.write();
        let content = SpcIndirectData::write(&data, oid::SHA256, &file);
        let verification = verified(&signed_content(&unsigned, &content));
        let report = &verification.signatures[0];
        report.outcome(Check::Digest).cloned().unwrap()
    };
    let sha1 = DigestAlgorithm::Sha1;
    let old = page_hash::table(&mut input, &layout, sha1).unwrap();
    let new = page_hash::table(&mut input, &layout, sha256).unwrap();
    assert_eq!(old.len() as u64, 24 * layout.records());
    assert_eq!(new.len() as u64, 36 * layout.records());
    let (v1, v2) = (oid::SPC_PAGE_HASHES_V1, oid::SPC_PAGE_HASHES_V2);
    let passed = Outcome::Passed;
    assert_eq!(verdict(vec![(v1, &old)]), passed);
    assert_eq!(verdict(vec![(v2, &new)]), passed);
    assert_eq!(verdict(vec![(v1, &old), (v2, &new)]), passed);

    let offsets = [0, 0x200, 0x1200, 0x1600, 0x1800];
    for (kind, table, length) in [(v1, &old, 24), (v2, &new, 36)] {
        for (index, offset) in offsets.into_iter().enumerate() {
            for byte in [0, 3, 4, length - 1] {
                let mut wrong = table.clone();
                wrong[index * length + byte] ^= 0x40;
                let Outcome::Failed(FailureKind::DigestMismatch, message) =
                    verdict(vec![(kind, &wrong)])
                else {
                    panic!("page {index}, byte {byte}");
                };
                let place = format!("the page at offset {offset:#x} has");
                assert!(message.contains(&place), "{message}");
            }
        }
        for cut in [0, 1, table.len() - length, table.len() - 1] {
            let verdict = verdict(vec![(kind, &table[..cut])]);
            assert!(verdict.is_failure(), "{cut}");
        }
    }
    // The second set is looked at as well.
    let mut wrong = new.clone();
    wrong[40] ^= 1;
    assert!(verdict(vec![(v1, &old), (v2, &wrong)]).is_failure());
}

#[test]
fn what_a_cabinet_signs_is_no_signature_of_an_image() {
    let unsigned = RawImage::new(false).bytes();
    let Container::Pe(image) = read(&unsigned) else {
        panic!("no image");
    };
    let mut input = Cursor::new(&unsigned);
    let pieces = image.digest_pieces();
    let file = DigestAlgorithm::Sha256
        .of_pieces(&mut input, &pieces)
        .unwrap();
    let content = SpcIndirectData::write(&EnhancedHash(&[1; 32]).write(), oid::SHA256, &file);
    let verification = verified(&signed_content(&unsigned, &content));
    assert_eq!(failures(&verification), ["malformed"]);
}

#[test]
fn a_wrong_check_sum_is_a_fact_of_its_own() {
    let raw = RawImage::new(true);
    let good = signed(&raw.bytes(), &identity("oem"));
    for value in [0_u32, 1, u32::MAX] {
        let mut bad = good.clone();
        bad[raw.check_sum()..][..4].copy_from_slice(&value.to_le_bytes());
        let verification = verified(&bad);
        assert_eq!(failures(&verification), ["wrong-checksum"]);
        let (check, _, message) = verification.signatures[0].failures().next().unwrap();
        assert_eq!(check, Check::Checksum);
        assert!(message.contains(&format!("{value:#010x}")), "{message}");
    }
}

#[test]
fn every_signature_beside_the_first_is_verified() {
    let raw = RawImage::new(true);
    let first = signed(&raw.bytes(), &identity("oem"));
    let second = signed(&raw.bytes(), &identity("expired"));
    let table = raw.bytes().len();
    let mut both = first.clone();
    both.extend(&second[table..]);
    let size = (both.len() - table) as u32;
    both[raw.entry() + 4..][..4].copy_from_slice(&size.to_le_bytes());
    // Only the sum is wrong now; signing tools for firmware write it.
    let Container::Pe(image) = read(&both) else {
        panic!("no image");
    };
    let pieces = image.digest_pieces();
    let sum = WordSum::of_pieces(&mut Cursor::new(&both), &pieces).unwrap();
    let sum = image.expected_check_sum(sum).unwrap();
    both[raw.check_sum()..][..4].copy_from_slice(&sum.to_le_bytes());
    let verification = verified(&both);
    let routes: Vec<_> = verification
        .signatures
        .iter()
        .map(|report| (report.route.as_str(), report.holds()))
        .collect();
    assert_eq!(routes, [("signature[0]", true), ("signature[1]", false)]);
    assert_eq!(failures(&verification), ["expired"]);
}

#[test]
fn pages_that_cannot_be_hashed_stop_the_signing() {
    let mut raw = RawImage::new(true);
    raw.size_of_headers = Some(0x1400);
    let unsigned = raw.bytes();
    let container = read(&unsigned);
    let mut input = Cursor::new(&unsigned);
    let refused = sign(&container, &mut input, &identity("oem"), &with_pages());
    assert!(
        matches!(refused, Err(SignError::Container(_))),
        "{refused:?}"
    );
    assert!(
        sign(
            &container,
            &mut input,
            &identity("oem"),
            &SignOptions::default()
        )
        .is_ok()
    );
}

/// A driver of 2015, signed with the OEM test certificate of 2013, without a time stamp.
#[test]
fn a_driver_of_the_test_chain_verifies_as_of_its_time() {
    let Some(bytes) = corpus("signed/iaiogpio.sys") else {
        return;
    };
    let verification = verified(&bytes);
    assert_eq!(failures(&verification), ["expired"]);
    let report = &verification.signatures[0];
    assert_eq!(report.anchor().unwrap().class, TrustClass::OemTest2013);
    for check in [
        Check::Digest,
        Check::Checksum,
        Check::Signature,
        Check::Chain,
    ] {
        assert_eq!(report.outcome(check), Some(&Outcome::Passed), "{check:?}");
    }
    let digest = "f09e253fb7ba024ca02bfcd6d4cc039f6c7f0fd58c56ea0c97330543aef7c61a";
    assert_eq!(hex(report.signed_digest.as_ref().unwrap()), digest);
    let then = parse_rfc3339("2015-06-01").unwrap();
    let verification = verified_at(&bytes, then, &Anchors::built_in());
    assert_eq!(failures(&verification), [""; 0]);
    let later = parse_rfc3339("2018-04-10").unwrap();
    let verification = verified_at(&bytes, later, &Anchors::built_in());
    assert_eq!(failures(&verification), ["expired"]);

    let leaf: &Certificate = verification.signatures[0].leaf.as_ref().unwrap();
    assert!(leaf.not_after < now());
    // Signed anew, it is what signing its bare form gives.
    let bare = removed(&bytes);
    let again = signed(&bytes, &identity("oem"));
    assert!(again == signed(&bare, &identity("oem")));
    assert_eq!(failures(&verified(&again)), [""; 0]);
    if let Some(oracle) = Oracle::find() {
        oracle.accepts(&again, 1, "iaiogpio.sys");
        assert!(oracle.remove(&bytes) == bare);
        assert!(oracle.folder().exists());
    }
}
