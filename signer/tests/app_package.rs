//! App packages: what we sign, we verify; every check fails by its own name; every bit counts.

use std::io::Cursor;

use formats::container::appx::Package;
use formats::container::{Container, Format};
use formats::der;
use formats::oid;
use formats::spc::{SpcIndirectData, SpcSipInfo};
use signer::anchor::Anchors;
use signer::app_package::{digest_list, is_publisher, publisher_of};
use signer::cms::{Attributes, Draft};
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;
use signer::sign::{Placement, SignError, SignOptions, sign};
use signer::verify::{Check, Outcome, Verification, VerifyOptions, verify};

use crate::package_builder::{
    Hash, RawFile, RawPackage, SHA256, SHA384, SHA512, Style, publisher, stored_blocks,
};
use crate::support::{certificate, corpus, failures, identity, now, read, signed, verified};

const SHA_256: Hash = Hash {
    uri: SHA256,
    of: |bytes| DigestAlgorithm::Sha256.of(bytes),
};
const SHA_384: Hash = Hash {
    uri: SHA384,
    of: |bytes| DigestAlgorithm::Sha384.of(bytes),
};
const SHA_512: Hash = Hash {
    uri: SHA512,
    of: |bytes| DigestAlgorithm::Sha512.of(bytes),
};
const STYLES: [Style; 2] = [Style::MakeAppx, Style::Plain];

fn publisher_for(name: &str) -> String {
    publisher_of(&certificate(name).subject)
}

fn package(style: Style) -> RawPackage {
    RawPackage::package(&publisher_for("oem"), style, SHA_256)
}

fn unsigned_again(signed: &[u8]) -> Vec<u8> {
    let patch = read(signed)
        .remove_signature(&mut Cursor::new(signed))
        .unwrap()
        .unwrap();
    let mut restored = Vec::new();
    patch
        .apply(&mut Cursor::new(signed), &mut restored)
        .unwrap();
    restored
}

#[test]
fn packages_and_bundles_verify_under_every_key_and_hash() {
    assert_eq!(publisher_for("oem"), publisher("Proofmark OEM Test Cert"));
    for style in STYLES {
        for name in ["oem", "rsa4096", "ecdsa-p256", "ecdsa-p384"] {
            for hash in [SHA_256, SHA_384, SHA_512] {
                if name.starts_with("ecdsa") && hash.uri == SHA512 {
                    continue;
                }
                let publisher = publisher_for(name);
                for raw in [
                    RawPackage::package(&publisher, style, hash),
                    RawPackage::bundle(&publisher, style, hash),
                ] {
                    let bytes = raw.bytes();
                    assert!(verified(&bytes).signatures.is_empty());
                    let once = signed(&bytes, &identity(name));
                    let verification = verified(&once);
                    assert_eq!(failures(&verification), [""; 0], "{style:?} {name}");
                    assert_eq!(verification.format, Format::Appx);
                    let report = &verification.signatures[0];
                    let checks: Vec<_> = report.outcomes.iter().map(|(c, _)| c.name()).collect();
                    let all = [
                        "structure",
                        "digest",
                        "block-map",
                        "signature",
                        "chain",
                        "usage",
                        "publisher",
                        "validity",
                        "timestamp",
                        "revocation",
                    ];
                    assert_eq!(checks, all);
                    let digest = report.digest_algorithm.unwrap();
                    assert_eq!(digest.of(b""), (hash.of)(b""), "the block map decides");
                    assert!(unsigned_again(&once) == bytes, "{style:?} {name}");
                    assert_eq!(
                        once,
                        signed(&once, &identity(name)),
                        "a signature is replaced"
                    );
                }
            }
        }
    }
}

#[test]
fn another_publisher_is_refused_unless_allowed() {
    let mut input = Cursor::new(package(Style::MakeAppx).bytes());
    let container = Container::read(&mut input).unwrap();
    let identity = identity("rsa4096");
    let error = sign(&container, &mut input, &identity, &SignOptions::default()).unwrap_err();
    let SignError::PublisherMismatch { publisher, subject } = &error else {
        panic!("{error}")
    };
    assert_eq!(*publisher, publisher_for("oem"));
    assert_eq!(*subject, publisher_for("rsa4096"));
    let options = SignOptions {
        allow_publisher_mismatch: true,
        ..SignOptions::default()
    };
    let signed = crate::support::signed_with(input.get_ref(), &identity, &options);
    let verification = verified(&signed);
    assert_eq!(failures(&verification), ["publisher-mismatch"]);
    let (_, _, message) = verification.signatures[0].failures().next().unwrap();
    assert!(message.contains(publisher.as_str()) && message.contains(subject.as_str()));
}

#[test]
fn another_signature_replaces_the_first_and_is_not_nested_in_it() {
    let unsigned = package(Style::MakeAppx).bytes();
    let nest = SignOptions {
        placement: Placement::Nest,
        ..SignOptions::default()
    };
    let once = crate::support::signed_with(&unsigned, &identity("oem"), &nest);
    assert!(once == signed(&unsigned, &identity("oem")));
    let mut input = Cursor::new(&once);
    let container = Container::read(&mut input).unwrap();
    let error = sign(&container, &mut input, &identity("oem"), &nest).unwrap_err();
    assert!(
        matches!(error, SignError::NotNestable(Format::Appx)),
        "{error}"
    );
    assert!(signed(&once, &identity("oem")) == once);
}

/// Time stamps come into signatures in this way.
fn amended(bytes: &[u8]) -> Vec<u8> {
    let mut input = Cursor::new(bytes);
    let container = Container::read(&mut input).unwrap();
    let cms = container.signature().unwrap().der.to_vec();
    let patch = container.amend(&cms, &mut input).unwrap();
    let mut output = Vec::new();
    patch.apply(&mut input, &mut output).unwrap();
    output
}

#[test]
fn a_signature_changes_without_the_package() {
    for style in STYLES {
        let once = signed(&package(style).bytes(), &identity("oem"));
        assert!(amended(&once) == once);
    }
    let Some(bytes) = corpus("signed/minimal-signed-by-signtool.msix") else {
        return;
    };
    let amended = amended(&bytes);
    assert_eq!(failures(&verified(&amended)), failures(&verified(&bytes)));
    let (before, after) = (read(&bytes), read(&amended));
    assert_eq!(
        before.signature().unwrap().der,
        after.signature().unwrap().der
    );
}

/// A signature that the list of content types does not announce cannot stay valid where it is announced.
#[test]
fn a_signature_that_would_break_is_not_changed() {
    let mut raw = package(Style::Plain);
    let once = read(&signed(&raw.bytes(), &identity("oem")));
    let der = once.signature().unwrap().der;
    let content = [b"PKCX", der].concat();
    raw.files
        .push(RawFile::new("AppxSignature.p7x", content, Style::Plain).stored());
    let mut input = Cursor::new(raw.bytes());
    let container = Container::read(&mut input).unwrap();
    let error = container.amend(der, &mut input).unwrap_err().to_string();
    assert!(error.contains("without the package around it"), "{error}");
}

#[test]
fn publishers_are_compared_as_names() {
    let leaf = &certificate("oem").subject;
    for same in [
        "CN=Proofmark OEM Test Cert (TEST ONLY), O=Proofmark",
        "cn=\"Proofmark OEM Test Cert (TEST ONLY)\",O=Proofmark",
        "OID.2.5.4.3=Proofmark OEM Test Cert (TEST ONLY); O=Proofmark",
    ] {
        assert!(is_publisher(same, leaf), "{same}");
    }
    for other in [
        "O=Proofmark, CN=Proofmark OEM Test Cert (TEST ONLY)",
        "CN=Proofmark OEM Test Cert (TEST ONLY)",
        "CN=Proofmark OEM Test Cert (test only), O=Proofmark",
        "Proofmark",
        "",
    ] {
        assert!(!is_publisher(other, leaf), "{other}");
    }
}

#[test]
fn changes_are_told_apart() {
    let name = "Assets/My%20Logo.png";
    let good = signed(&package(Style::MakeAppx).bytes(), &identity("oem"));
    let place = |what: &[u8]| {
        let mut windows = good.windows(what.len());
        windows.position(|window| window == what).unwrap()
    };
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        let verification = verified(&bytes);
        let failures = verification.signatures[0].failures();
        failures
            .map(|(_, kind, message)| format!("{}: {message}", kind.name()))
            .collect::<Vec<_>>()
    };
    let payload = changed(place(b"a logo"));
    assert!(payload[0].starts_with("digest-mismatch: the file records (AXPC) have SHA-256"));
    assert!(
        payload[1].starts_with("block-map-mismatch: Assets\\My Logo.png"),
        "{payload:?}"
    );
    let central = good.windows(name.len()).rposition(|w| w == name.as_bytes());
    let attributes = central.unwrap() - 8;
    let central = changed(attributes);
    assert!(central[0].starts_with("digest-mismatch: the central directory (AXCD)"));
    assert_eq!(central.len(), 1);
    let mut bytes = good.clone();
    bytes[place(b"<Block Hash=\"") + 14] ^= 0x20;
    let error = Container::read(&mut Cursor::new(&bytes)).unwrap_err();
    assert!(error.to_string().contains("(AppxBlockMap.xml)"), "{error}");
}

/// The signer signs whatever the packaging tool made; Windows looks into the block map nevertheless.
#[test]
fn a_block_map_that_lies_is_found_under_a_sound_signature() {
    let failure = |change: &dyn Fn(&mut RawPackage)| {
        let mut raw = package(Style::MakeAppx);
        change(&mut raw);
        let verification = verified(&signed(&raw.bytes(), &identity("oem")));
        let report = &verification.signatures[0];
        let found: Vec<_> = report.failures().collect();
        match found.as_slice() {
            [(Check::BlockMap, _, message)] => (*message).to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let map = "AppxBlockMap.xml";
    let replaced = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        failure(&move |raw| {
            let text = String::from_utf8(raw.file(map).content.clone()).unwrap();
            assert!(text.contains(&from));
            raw.file(map).content = text.replacen(&from, &to, 1).into_bytes();
        })
    };
    let expected = [
        (
            replaced("Size=\"70000\"", "Size=\"70001\""),
            "App.exe has 70000 bytes",
        ),
        (
            replaced("LfhSize=\"37\"", "LfhSize=\"38\""),
            "37 bytes of local file header",
        ),
        (
            replaced("\\My Logo", "\\Your Logo"),
            "My Logo.png is not in the block map",
        ),
        (
            replaced(
                "</BlockMap>",
                "<File Name=\"x\" Size=\"0\" LfhSize=\"31\"/></BlockMap>",
            ),
            "lists x",
        ),
        (
            replaced(
                "</BlockMap>",
                "<File Name=\"App.exe\" Size=\"0\" LfhSize=\"1\"/></BlockMap>",
            ),
            "twice",
        ),
        (replaced("<Block Hash=\"", "<Block Hash=\"A"), "in block 0"),
    ];
    for (found, what) in expected {
        assert!(found.contains(what), "{what}: {found}");
    }
    let second = failure(&|raw| raw.file("App.exe").content[69_999] ^= 1);
    assert!(second.contains("in block 1"), "{second}");
    let missing = failure(&|raw| {
        let file = RawFile::new("new.txt", *b"x", Style::MakeAppx);
        raw.files.insert(0, file);
    });
    assert!(
        missing.contains("new.txt is not in the block map"),
        "{missing}"
    );
    let broken = failure(&|raw| {
        raw.file("Assets/My%20Logo.png").data = Some(stored_blocks(b"a logo")[..8].to_vec());
    });
    assert!(broken.contains("cannot be expanded"), "{broken}");
}

/// A package of kilobytes that claims gigabytes is not expanded.
#[test]
fn bombs_are_refused_before_they_are_expanded() {
    let mut raw = package(Style::MakeAppx);
    raw.file("Assets/My%20Logo.png").size = Some(3 << 30);
    let signed = signed(&raw.bytes(), &identity("oem"));
    let start = std::time::Instant::now();
    let verification = verified(&signed);
    assert_eq!(failures(&verification), ["unsupported"]);
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

/// A package with a signature over any content.
fn signed_content(
    bytes: &[u8],
    content: impl Fn(&[u8]) -> Vec<u8>,
    identity: &Identity,
) -> Vec<u8> {
    let mut input = Cursor::new(bytes);
    let prepared = Package::read(&mut input).unwrap().prepare().unwrap();
    let digest = DigestAlgorithm::Sha256;
    let list = digest_list(digest, &mut input, prepared.digest_parts()).unwrap();
    let content = content(&list);
    let attributes = Attributes::default();
    let draft = Draft::new(oid::SPC_INDIRECT_DATA, &content, digest, &attributes).unwrap();
    let patch = prepared.embed(&draft.sign(identity).unwrap()).unwrap();
    let mut output = Vec::new();
    patch.apply(&mut input, &mut output).unwrap();
    output
}

#[test]
fn the_signed_data_must_be_about_this_package() {
    let bytes = package(Style::Plain).bytes();
    let failure = |content: &dyn Fn(&[u8]) -> Vec<u8>| {
        let verification = verified(&signed_content(&bytes, content, &identity("oem")));
        let report = &verification.signatures[0];
        let failures = report.failures();
        let found: Vec<_> = failures
            .map(|(_, kind, message)| format!("{}: {message}", kind.name()))
            .collect();
        found.join("; ")
    };
    let package = SpcSipInfo::PACKAGE.write();
    let bundle = SpcSipInfo::BUNDLE.write();
    let write = |list: &[u8]| SpcIndirectData::write(&package, oid::SHA256, list);
    assert_eq!(failure(&|list| write(list)), "");
    let shuffled = |list: &[u8]| write(&[&list[..4], &list[40..], &list[4..40]].concat());
    assert_eq!(failure(&shuffled), "");
    let other_kind = failure(&|list| SpcIndirectData::write(&bundle, oid::SHA256, list));
    assert!(
        other_kind.starts_with("malformed: it signs a bundle"),
        "{other_kind}"
    );
    let other_hash = failure(&|list| SpcIndirectData::write(&package, oid::SHA512, list));
    assert!(
        other_hash.contains("it uses SHA-512, the block map SHA-256"),
        "{other_hash}"
    );
    let no_sip = failure(&|list| {
        let data = der::sequence(&[&der::oid(oid::SPC_CAB_DATA)]);
        SpcIndirectData::write(&data, oid::SHA256, list)
    });
    assert!(no_sip.contains("data of the type"), "{no_sip}");
    let missing = failure(&|list| write(&list[..list.len() - 36]));
    assert!(missing.contains("no hashes AXBM"), "{missing}");
    let twice = failure(&|list| write(&[list, &list[4..40]].concat()));
    assert!(twice.contains("several hashes AXPC"), "{twice}");
    let extra = failure(&|list| write(&[list, b"AXCI", &list[8..40]].concat()));
    assert!(extra.contains("a hash AXCI of nothing"), "{extra}");
    let short = failure(&|list| write(&list[..list.len() - 1]));
    assert!(short.contains("no list of SHA-256 hashes"), "{short}");
}

/// Runs `test` for every number below `count` on all processors; gives the numbers for which it is true.
fn find_all(count: usize, test: impl Fn(usize) -> bool + Sync) -> Vec<usize> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let test = &test;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let numbers = (first..count).step_by(threads);
                    numbers.filter(|number| test(*number)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    })
}

fn holds(bytes: &[u8], anchors: &Anchors) -> bool {
    let mut input = Cursor::new(bytes);
    let Ok(container) = Container::read(&mut input) else {
        return false;
    };
    let options = VerifyOptions { at: now(), anchors };
    verify(&container, &mut input, options).is_ok_and(|v: Verification| v.holds())
}

/// Every bit of a signed package counts, as for cabinets and catalogs.
#[test]
fn every_flipped_bit_is_noticed() {
    let anchors = Anchors::built_in();
    for style in STYLES {
        let publisher = publisher_for("ecdsa-p256");
        let raw = RawPackage::tiny(&publisher, style, SHA_256);
        let good = signed(&raw.bytes(), &identity("ecdsa-p256"));
        assert!(holds(&good, &anchors));
        let unnoticed = find_all(good.len() * 8, |bit| {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            holds(&bad, &anchors)
        });
        assert!(unnoticed.is_empty(), "{style:?}: {unnoticed:?}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let anchors = Anchors::built_in();
    let good = signed(&package(Style::MakeAppx).bytes(), &identity("oem"));
    let unnoticed = find_all(good.len(), |length| holds(&good[..length], &anchors));
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}

#[test]
fn a_package_of_signtool_verifies_but_for_its_unknown_issuer() {
    let Some(bytes) = corpus("signed/minimal-signed-by-signtool.msix") else {
        return;
    };
    let verification = verified(&bytes);
    assert_eq!(failures(&verification), ["missing-issuer"]);
    let report = &verification.signatures[0];
    for check in [
        Check::Structure,
        Check::Digest,
        Check::BlockMap,
        Check::Signature,
        Check::Publisher,
    ] {
        assert_eq!(report.outcome(check), Some(&Outcome::Passed), "{check:?}");
    }
    // Its signature is compressed, so bits of the compressed form alone can change unnoticed; none else.
    let package = Package::read(&mut Cursor::new(&bytes)).unwrap();
    let data = package.signature().unwrap().1 as usize;
    let names = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let anchors = Anchors::built_in();
    let sound = |bytes: &[u8]| {
        let mut input = Cursor::new(bytes);
        let Ok(container) = Container::read(&mut input) else {
            return false;
        };
        let options = VerifyOptions {
            at: now(),
            anchors: &anchors,
        };
        let found = verify(&container, &mut input, options);
        found.is_ok_and(|found| failures(&found) == ["missing-issuer"])
    };
    assert!(sound(&bytes));
    let unnoticed = find_all(bytes.len(), |at| {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        sound(&bad)
    });
    let elsewhere = unnoticed.iter().filter(|at| !(data..names).contains(at));
    assert_eq!(elsewhere.count(), 0, "{unnoticed:?}");
}

#[test]
fn real_packages_are_signed_verified_and_restored() {
    for name in [
        "minimal.msix",
        "minimal.appxbundle",
        "unsigned.256appx",
        "minimal-signed-by-signtool.msix",
    ] {
        let Some(bytes) = corpus(&format!("signed/{name}")) else {
            return;
        };
        let options = SignOptions {
            allow_publisher_mismatch: true,
            ..SignOptions::default()
        };
        let signed = crate::support::signed_with(&bytes, &identity("oem"), &options);
        assert_eq!(
            failures(&verified(&signed)),
            ["publisher-mismatch"],
            "{name}"
        );
        let restored = unsigned_again(&signed);
        assert!(verified(&restored).signatures.is_empty());
        if !name.contains("signtool") {
            assert!(restored == bytes, "{name}");
        }
    }
}
