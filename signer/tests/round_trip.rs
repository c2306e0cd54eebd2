//! What we sign, we verify; what was changed afterwards, we do not.

use formats::container::{Container, Format};
use signer::anchor::{Anchors, TrustClass};
use signer::cms::Attributes;
use signer::digest::DigestAlgorithm;
use signer::sign::SignOptions;
use std::io::Cursor;

use crate::support::{
    cabinet_with_reserves, certificate, failures, identity, now, read, signed, signed_with,
    small_cabinet, small_catalog, small_image, small_policy, verified, verified_at,
};

#[test]
fn every_format_verifies_under_every_key_and_digest() {
    for unsigned in [
        small_cabinet(),
        small_catalog(),
        small_image(),
        small_policy(),
    ] {
        for name in [
            "oem",
            "rsa4096",
            "ecdsa-p256",
            "ecdsa-p384",
            "negative-serial",
        ] {
            for digest in [
                DigestAlgorithm::Sha256,
                DigestAlgorithm::Sha384,
                DigestAlgorithm::Sha512,
            ] {
                // P-256 and P-384 with SHA-512 are in no Windows version and not in ring.
                if name.starts_with("ecdsa") && digest == DigestAlgorithm::Sha512 {
                    continue;
                }
                let options = SignOptions {
                    digest,
                    ..SignOptions::default()
                };
                let signed = signed_with(&unsigned, &identity(name), &options);
                let verification = verified(&signed);
                assert_eq!(failures(&verification), [""; 0], "{name} {digest}");
                assert!(verification.holds());
                let report = &verification.signatures[0];
                assert_eq!(report.anchor().unwrap().class, TrustClass::OwnTest);
                assert_eq!(report.digest_algorithm, Some(digest));
            }
        }
    }
}

#[test]
fn the_same_input_key_and_time_give_the_same_bytes() {
    for name in ["oem", "ecdsa-p256", "ecdsa-p384"] {
        let identity = identity(name);
        for unsigned in [
            small_cabinet(),
            small_catalog(),
            small_image(),
            small_policy(),
        ] {
            let options = SignOptions {
                attributes: Attributes {
                    program_name: Some("Näme".to_owned()),
                    more_info: Some("https://example.com/".to_owned()),
                    signing_time: Some(now()),
                },
                ..SignOptions::default()
            };
            let first = signed_with(&unsigned, &identity, &options);
            assert_eq!(first, signed_with(&unsigned, &identity, &options), "{name}");
            assert!(verified(&first).holds());
        }
    }
}

#[test]
fn signing_again_replaces_and_removing_restores() {
    for unsigned in [
        small_cabinet(),
        small_catalog(),
        small_image(),
        small_policy(),
    ] {
        let once = signed(&unsigned, &identity("oem"));
        let twice = signed(&signed(&unsigned, &identity("rsa4096")), &identity("oem"));
        assert_eq!(once, twice);
        let patch = read(&once)
            .remove_signature(&mut Cursor::new(&once))
            .unwrap()
            .unwrap();
        let mut restored = Vec::new();
        patch.apply(&mut Cursor::new(&once), &mut restored).unwrap();
        assert_eq!(restored, unsigned);
    }
}

#[test]
fn faults_of_the_certificate_are_told_apart() {
    let cabinet = small_cabinet();
    let faults = |name: &str| failures(&verified(&signed(&cabinet, &identity(name))));
    assert_eq!(faults("expired"), ["expired"]);
    assert_eq!(faults("not-yet-valid"), ["not-yet-valid"]);
    assert_eq!(faults("wrong-eku"), ["wrong-usage"]);
    assert_eq!(faults("wrong-key-usage"), ["wrong-usage"]);
    assert_eq!(faults("no-eku"), ["wrong-usage"]);
    assert_eq!(faults("microsoft-name"), ["missing-issuer"]);
    assert_eq!(faults("self-signed"), ["unknown-root"]);
    assert_eq!(faults("sha1"), [""; 0]);
    let report = &verified(&signed(&cabinet, &identity("sha1"))).signatures[0];
    assert!(report.weaknesses.iter().any(|w| w.contains("SHA-1")));
}

#[test]
fn a_named_root_is_an_anchor_and_a_look_alike_is_not() {
    let cabinet = signed(&small_cabinet(), &identity("demo-retail"));
    assert_eq!(failures(&verified(&cabinet)), ["missing-issuer"]);
    let named = Anchors::built_in().with(&certificate("demo-retail-root"));
    let verification = verified_at(&cabinet, now(), &named);
    assert_eq!(failures(&verification), [""; 0]);
    assert_eq!(
        verification.signatures[0].anchor().unwrap().class,
        TrustClass::Named
    );
    // Naming a test root does not make it a production root.
    let named = Anchors::built_in().with(&certificate("root"));
    let verification = verified_at(&signed(&small_cabinet(), &identity("oem")), now(), &named);
    assert_eq!(
        verification.signatures[0].anchor().unwrap().class,
        TrustClass::OwnTest
    );
}

#[test]
fn an_unsigned_file_has_no_signature_and_does_not_hold() {
    for unsigned in [
        small_cabinet(),
        small_catalog(),
        small_image(),
        small_policy(),
    ] {
        let verification = verified(&unsigned);
        assert!(verification.signatures.is_empty());
        assert!(!verification.holds());
    }
}

#[test]
fn every_flipped_bit_of_a_cabinet_is_noticed() {
    assert_eq!(unnoticed_flips(&small_cabinet()), [""; 0]);
}

#[test]
fn every_flipped_bit_of_a_cabinet_with_reserves_is_noticed() {
    assert_eq!(unnoticed_flips(&cabinet_with_reserves()), [""; 0]);
}

#[test]
fn every_flipped_bit_of_a_catalog_is_noticed() {
    assert_eq!(unnoticed_flips(&small_catalog()), [""; 0]);
}

#[test]
fn every_flipped_bit_of_a_policy_is_noticed() {
    assert_eq!(unnoticed_flips(&small_policy()), [""; 0]);
}

/// CheckSum included, though no digest covers it.
#[test]
fn every_flipped_bit_of_an_image_is_noticed() {
    assert_eq!(unnoticed_flips(&small_image()), [""; 0]);
}

/// Every bit of a signed file counts: flipped, the file is no container any more, or does not verify. Those that do
/// not count, as byte and bit.
fn unnoticed_flips(unsigned: &[u8]) -> Vec<String> {
    let anchors = Anchors::built_in();
    let good = signed(unsigned, &identity("ecdsa-p256"));
    let mut unnoticed = Vec::new();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut input = Cursor::new(&bad);
        let Ok(container) = Container::read(&mut input) else {
            continue;
        };
        let options = signer::verify::VerifyOptions {
            at: now(),
            anchors: &anchors,
        };
        if signer::verify::verify(&container, &mut input, options).is_ok_and(|v| v.holds()) {
            unnoticed.push(format!("{}.{}", bit / 8, bit % 8));
        }
    }
    unnoticed
}

#[test]
fn every_truncation_is_an_error_or_does_not_hold() {
    let anchors = Anchors::built_in();
    for unsigned in [
        small_cabinet(),
        small_catalog(),
        small_image(),
        small_policy(),
    ] {
        let good = signed(&unsigned, &identity("oem"));
        for length in 0..good.len() {
            let mut input = Cursor::new(&good[..length]);
            if let Ok(container) = Container::read(&mut input) {
                let options = signer::verify::VerifyOptions {
                    at: now(),
                    anchors: &anchors,
                };
                let verification = signer::verify::verify(&container, &mut input, options);
                assert!(!verification.is_ok_and(|v| v.holds()), "{length}");
            }
        }
    }
}

#[test]
fn formats_are_recognised_by_content() {
    assert_eq!(read(&small_cabinet()).format(), Format::Cabinet);
    assert_eq!(read(&small_catalog()).format(), Format::Catalog);
    assert_eq!(read(&small_image()).format(), Format::Pe);
    assert_eq!(read(&small_policy()).format(), Format::SiPolicy);
    let signed = signed(&small_policy(), &identity("oem"));
    assert_eq!(read(&signed).format(), Format::SiPolicy);
    let error = Container::read(&mut Cursor::new(b"MZ\x90\0")).unwrap_err();
    assert!(error.to_string().contains("not a PE image"), "{error}");
}
