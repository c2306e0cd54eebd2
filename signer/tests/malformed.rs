//! Signatures that no honest tool makes: refused with a name, in bounded time, whatever they are nested in.

use std::io::Cursor;

use formats::container::Format;
use formats::container::pe::WordSum;
use formats::der;
use formats::oid::{self, Oid};
use formats::signed_data::SignedData;
use formats::spc::{SpcIndirectData, SpcPeImageData};
use signer::cms::{Attributes, Draft};
use signer::digest::DigestAlgorithm;
use signer::sign::remove_nested;
use signer::timestamp::{Existing, Stampable};

use crate::image_builder::RawImage;
use crate::support::{
    failures, identity, read, signed, small_cabinet, small_catalog, small_image, verified,
};

/// `file` with `cms` as its signature.
fn with_signature(file: &[u8], cms: &[u8]) -> Vec<u8> {
    let container = read(file);
    let prepared = container.prepare().unwrap();
    let mut input = Cursor::new(file);
    let hashed = match prepared.to_be_signed().unwrap() {
        formats::container::ToBeSigned::Pe { pieces, .. } => {
            WordSum::of_pieces(&mut input, &pieces).unwrap()
        }
        _ => WordSum::default(),
    };
    let mut output = Vec::new();
    let patch = prepared.embed(cms, hashed).unwrap();
    patch.apply(&mut input, &mut output).unwrap();
    output
}

fn signature_of(file: &[u8]) -> Vec<u8> {
    read(file).signature().unwrap().der.to_vec()
}

/// What fails about a file, with the words.
fn reasons(file: &[u8]) -> String {
    let verification = verified(file);
    assert!(!verification.holds());
    let reports = verification.signatures.iter();
    let words = reports.flat_map(|report| report.failures().map(|(.., words)| words.to_owned()));
    words.collect::<Vec<_>>().join("; ")
}

/// The heads of `tags` around something of `length` bytes, outermost first; each is the last element of the one before.
fn heads(tags: &[(u8, &[u8])], length: usize) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut length = length;
    for (tag, before) in tags.iter().rev() {
        length += before.len();
        let element = der::tlv(*tag, &vec![0; length]);
        let head = &element[..element.len() - length];
        parts.push([head, before].concat());
        length = element.len();
    }
    parts.reverse();
    parts.concat()
}

/// Signatures, each nested in the one before, `depth` deep. Made from the inside out and written from the outside in, so
/// that nothing is copied over and over.
fn nested(depth: usize) -> Vec<u8> {
    let algorithm = der::algorithm_with_null(oid::SHA256);
    let before_signers = [
        der::integer(1),
        der::set_of(vec![algorithm.clone()]),
        der::sequence(&[
            &der::oid(oid::SPC_INDIRECT_DATA),
            &der::tlv(der::context(0), &der::sequence(&[])),
        ]),
    ]
    .concat();
    let before_unsigned = [
        der::integer(1),
        der::sequence(&[&der::sequence(&[]), &der::integer(5)]),
        algorithm,
        der::algorithm_with_null(oid::RSA),
        der::octet_string(&[7; 8]),
    ]
    .concat();
    let signed_data = der::oid(oid::SIGNED_DATA);
    let kind = der::oid(oid::SPC_NESTED_SIGNATURE);
    let around: [(u8, &[u8]); 5] = [
        (der::SEQUENCE, &signed_data),
        (der::context(0), &[]),
        (der::SEQUENCE, &before_signers),
        (der::SET, &[]),
        (der::SEQUENCE, &before_unsigned),
    ];
    let attribute: [(u8, &[u8]); 3] = [
        (der::context(1), &[]),
        (der::SEQUENCE, &kind),
        (der::SET, &[]),
    ];
    let level = [&around[..], &attribute[..]].concat();
    let mut parts = vec![heads(&around, 0)];
    let mut length = parts[0].len();
    for _ in 1..depth {
        let head = heads(&level, length);
        length += head.len();
        parts.push(head);
    }
    parts.reverse();
    parts.concat()
}

#[test]
fn ten_thousand_nested_signatures_cost_little_and_are_refused() {
    let bomb = nested(10_000);
    assert!(SignedData::read(&bomb, 0).is_ok());
    for file in [small_cabinet(), small_image()] {
        let file = with_signature(&file, &bomb);
        let words = reasons(&file);
        assert!(words.contains("nested more than"), "{words}");
        assert!(verified(&file).signatures.len() <= 4);
        // Nobody else stumbles over it either.
        assert!(signer::embedded::of_container(&read(&file)).is_empty());
        assert!(remove_nested(&read(&file), &mut Cursor::new(&file)).is_ok());
        assert!(Stampable::read(&bomb, Existing::Keep).is_ok());
        let again = signed(&file, &identity("oem"));
        assert_eq!(failures(&verified(&again)), [""; 0]);
    }
}

#[test]
fn a_crowd_of_nested_signatures_is_not_half_looked_at() {
    let mut cms = signature_of(&signed(&small_cabinet(), &identity("oem")));
    let other = signature_of(&signed(&small_cabinet(), &identity("ecdsa-p256")));
    for _ in 0..33 {
        cms = formats::nested::add(&cms, &other).unwrap();
    }
    let words = reasons(&with_signature(&small_cabinet(), &cms));
    assert!(words.contains("more than 32 signatures"), "{words}");
}

#[test]
fn indefinite_and_padded_lengths_are_refused() {
    for file in [small_cabinet(), small_image()] {
        let cms = signature_of(&signed(&file, &identity("oem")));
        let head = 4;
        assert_eq!(cms[..2], [der::SEQUENCE, 0x82]);
        let body = &cms[head..];
        let whole = read(&file).format();
        let padded = [&[der::SEQUENCE, 0x83, 0, cms[2], cms[3]], body].concat();
        let inner = {
            // The SignedData in the [0]: its head follows the object identifier and that of [0].
            let place = 11 + 4;
            let mut bytes = body.to_vec();
            assert_eq!(bytes[place..place + 2], [der::SEQUENCE, 0x82]);
            bytes[place + 1] = 0x80;
            [&cms[..head], &bytes].concat()
        };
        for (what, changed) in [("padded", padded), ("indefinite", inner)] {
            // What does not begin as DER is not even embedded; the rest does not verify.
            let container = read(&file);
            let prepared = container.prepare().unwrap();
            if prepared.embed(&changed, WordSum::default()).is_ok() {
                let words = reasons(&with_signature(&file, &changed));
                assert!(words.contains("(BER)"), "{whole} {what}: {words}");
            }
        }
    }
}

/// A draft for an image with one more signed attribute, signed by a real key.
fn image_with(kind: Oid<'_>, value: &[u8]) -> Vec<u8> {
    let image = RawImage::new(true).bytes();
    let container = read(&image);
    let prepared = container.prepare().unwrap();
    let formats::container::ToBeSigned::Pe { pieces, .. } = prepared.to_be_signed().unwrap() else {
        panic!("an image");
    };
    let digest = DigestAlgorithm::Sha256;
    let file = digest.of_pieces(&mut Cursor::new(&image), &pieces).unwrap();
    let page_hashes = Vec::new();
    let data = SpcPeImageData { page_hashes }.write();
    let content = SpcIndirectData::write(&data, digest.oid(), &file);
    let attributes = Attributes::default();
    let draft = Draft::new(oid::SPC_INDIRECT_DATA, content, digest, &attributes).unwrap();
    let draft = draft.with_attribute(kind, value).unwrap();
    with_signature(&image, &draft.sign(&identity("oem")).unwrap())
}

/// Whoever holds a key can sign anything; what says two things is refused all the same.
#[test]
fn signed_attributes_that_come_twice_are_refused() {
    assert_eq!(
        failures(&verified(&image_with(
            oid::EXTENDED_KEY_USAGE,
            &der::null()
        ))),
        [""; 0],
        "an unknown attribute is nobody's harm"
    );
    for (kind, value) in [
        (oid::MESSAGE_DIGEST, der::octet_string(&[0; 32])),
        (oid::CONTENT_TYPE, der::oid(oid::CTL)),
        (oid::SPC_SP_OPUS_INFO, der::sequence(&[])),
    ] {
        let words = reasons(&image_with(kind, &value));
        let is_named = words.contains("occurs twice") || words.contains("contentType");
        assert!(is_named, "{kind}: {words}");
    }
}

/// Windows refuses a catalog whose sets are not sorted; elsewhere it is noted.
#[test]
fn sets_out_of_order_are_refused_in_catalogs_and_noted_elsewhere() {
    for file in [small_catalog(), small_cabinet(), small_image()] {
        let cms = signature_of(&signed(&file, &identity("oem")));
        let signed_data = SignedData::read(&cms, 0).unwrap();
        let [first, second] = signed_data.certificates.as_slice() else {
            panic!("two certificates");
        };
        let start = first.offset as usize;
        let mut turned = cms.clone();
        let length = first.raw.len() + second.raw.len();
        let swapped = [second.raw, first.raw].concat();
        turned[start..start + length].copy_from_slice(&swapped);
        let file = with_signature(&file, &turned);
        let verification = verified(&file);
        match read(&file).format() {
            Format::Catalog => assert_eq!(failures(&verification), ["not-der"]),
            _ => {
                assert_eq!(failures(&verification), [""; 0]);
                let weaknesses = &verification.signatures[0].weaknesses;
                assert!(weaknesses.iter().any(|w| w.contains("not in DER order")));
            }
        }
    }
}

/// Counts and lengths that claim more than there is.
#[test]
fn every_length_octet_may_lie() {
    let file = small_cabinet();
    let cms = signature_of(&signed(&file, &identity("ecdsa-p256")));
    for place in 1..cms.len() {
        for value in [0x00, 0x7f, 0x80, 0x84, 0xff] {
            if cms[place] == value {
                continue;
            }
            let mut changed = cms.clone();
            changed[place] = value;
            // Neither a panic nor a signature that holds.
            if let Ok(signed_data) = SignedData::read(&changed, 0) {
                assert!(signed_data.signer_infos.len() <= 1);
            }
            Stampable::read(&changed, Existing::Keep).ok();
            formats::nested::remove(&changed).ok();
        }
    }
}
