//! Obtaining time stamps: what is accepted, what is refused by which name, who is asked when, and what a stamp
//! leaves as it was.

use std::io::Cursor;

use formats::container::Container;
use formats::der;
use formats::oid;
use formats::signed_data::SignedData;
use signer::anchor::Anchors;
use signer::app_package::publisher_of;
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;
use signer::sign::{IfSigned, Job, SignError, SignOptions, sign_file};
use signer::timestamp::{
    Existing, Obtainer, Protocol, Request, Stampable, attach, stamp, stamp_file,
};
use time::OffsetDateTime;

use crate::authority::{Lie, OpensslAuthority};
use crate::network::{Network, anchors, authority, servers, serving};
use crate::package_builder::{Hash, RawPackage, SHA256, Style};
use crate::support::{
    certificate, corpus, failures, identity, now, read, repository, signed, small_cabinet,
    small_catalog, verified_at,
};

/// One server that answers as it should.
fn one_server(protocol: Protocol) -> (Network, signer::timestamp::Servers) {
    let tsa = serving(protocol, authority("tsa", Lie::Nothing));
    let network = Network::new(vec![("http://one", tsa)]);
    (network, servers(&[("http://one", protocol)]))
}

fn sign_with_stamp(
    unsigned: &[u8],
    identity: &Identity,
    protocol: Protocol,
) -> Result<Vec<u8>, SignError> {
    let (network, servers) = one_server(protocol);
    let anchors = anchors();
    let obtainer = Obtainer::new(&servers, &anchors, &network);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, unsigned).unwrap();
    let options = SignOptions::default();
    let signed = sign_file(&file, &file, job(identity, &options, &obtainer))?;
    assert_eq!(signed.timestamp.unwrap().server, servers.list[0]);
    Ok(std::fs::read(&file).unwrap())
}

/// Stamps a file that is signed.
fn stamp_later(file: &[u8], protocol: Protocol, existing: Existing) -> Result<Vec<u8>, SignError> {
    let (network, servers) = one_server(protocol);
    let anchors = anchors();
    let obtainer = Obtainer::new(&servers, &anchors, &network);
    let mut input = Cursor::new(file);
    let container = Container::read(&mut input).unwrap();
    let (patch, _) = stamp(&container, &mut input, &obtainer, existing)?;
    let mut output = Vec::new();
    patch.apply(&mut input, &mut output).unwrap();
    Ok(output)
}

fn after_everything_expired() -> OffsetDateTime {
    signer::clock::parse_rfc3339("2050-01-01").unwrap()
}

#[test]
fn stamped_files_outlive_their_certificates() {
    for unsigned in [small_cabinet(), small_catalog()] {
        let plain = signed(&unsigned, &identity("oem"));
        let expired = verified_at(&plain, after_everything_expired(), &anchors());
        assert_eq!(failures(&expired), ["expired"]);
        for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
            for name in ["oem", "ecdsa-p384"] {
                let stamped = sign_with_stamp(&unsigned, &identity(name), protocol).unwrap();
                let verification = verified_at(&stamped, after_everything_expired(), &anchors());
                assert_eq!(failures(&verification), [""; 0], "{name} {protocol:?}");
                let found = verification.signatures[0].timestamp.as_ref().unwrap();
                assert_eq!((found.protocol, found.time), (protocol, now()));
            }
        }
    }
}

#[test]
fn stamping_later_gives_what_stamping_at_once_gives() {
    for unsigned in [small_cabinet(), small_catalog()] {
        for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
            let at_once = sign_with_stamp(&unsigned, &identity("oem"), protocol).unwrap();
            let plain = signed(&unsigned, &identity("oem"));
            assert_eq!(
                stamp_later(&plain, protocol, Existing::Keep).unwrap(),
                at_once
            );
        }
    }
}

#[test]
fn packages_are_stamped_at_once_or_later() {
    for name in ["oem", "ecdsa-p384"] {
        let publisher = publisher_of(&certificate(name).subject);
        let hash = Hash {
            uri: SHA256,
            of: |bytes| DigestAlgorithm::Sha256.of(bytes),
        };
        let unsigned = RawPackage::package(&publisher, Style::MakeAppx, hash).bytes();
        let plain = signed(&unsigned, &identity(name));
        for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
            let at_once = sign_with_stamp(&unsigned, &identity(name), protocol).unwrap();
            let verification = verified_at(&at_once, after_everything_expired(), &anchors());
            assert_eq!(failures(&verification), [""; 0], "{name} {protocol:?}");
            let later = stamp_later(&plain, protocol, Existing::Keep).unwrap();
            assert!(later == at_once, "{name} {protocol:?}");
        }
    }
}

#[test]
fn a_stamp_is_replaced_only_when_that_is_asked() {
    let plain = signed(&small_catalog(), &identity("oem"));
    let stamped = stamp_later(&plain, Protocol::Rfc3161, Existing::Keep).unwrap();
    let kept = stamp_later(&stamped, Protocol::Rfc3161, Existing::Keep).unwrap_err();
    assert_eq!(
        kept.to_string(),
        "the signature has a time stamp already (RFC 3161)"
    );
    let replaced = stamp_later(&stamped, Protocol::Legacy, Existing::Replace).unwrap();
    let again = stamp_later(&plain, Protocol::Legacy, Existing::Keep).unwrap();
    assert_eq!(replaced, again);
    // Its certificate is there already and does not come in twice.
    let twice = stamp_later(&replaced, Protocol::Legacy, Existing::Replace).unwrap();
    assert_eq!(twice, again);
}

#[test]
fn signatures_that_a_stamp_cannot_help_are_refused() {
    let stamp = |file: &[u8]| {
        stamp_later(file, Protocol::Rfc3161, Existing::Replace)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(stamp(&small_cabinet()), "the cabinet is not signed");
    let expired = stamp(&signed(&small_cabinet(), &identity("expired-2022")));
    assert!(
        expired.contains("expired on 2023-01-01")
            && expired.ends_with("too late for its signature"),
        "{expired}"
    );
    let mut tampered = signed(&small_cabinet(), &identity("oem"));
    let place = tampered.windows(8).position(|w| w == b"one file").unwrap();
    tampered[place] ^= 1;
    let message = stamp(&tampered);
    assert!(
        message.starts_with("the signature does not hold: "),
        "{message}"
    );
    if let Some(catalog) = corpus("signed/hyperv.cat") {
        let message = stamp(&catalog);
        assert!(message.contains("expired on 2011"), "{message}");
    }
}

/// Whatever is not the stamp keeps its bytes; the sets around it are in DER order.
#[test]
fn a_stamp_changes_nothing_else() {
    let plain = signed(&small_catalog(), &identity("oem"));
    // A nested signature, as others add it, and a short attribute: one sorts behind a stamp, one before.
    let attribute =
        |kind, value: &[u8]| der::sequence(&[&der::oid(kind), &der::tlv(der::SET, value)]);
    let short = attribute(oid::SEQUENCE_NUMBER, &der::integer(1));
    let nested = attribute(oid::SPC_NESTED_SIGNATURE, &plain);
    let with_nested = add_unsigned_attributes(&plain, &[short, nested].concat());
    for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
        let (network, servers) = one_server(protocol);
        let anchors = anchors();
        let stampable = Stampable::read(&with_nested, Existing::Keep).unwrap();
        let obtained = Obtainer::new(&servers, &anchors, &network)
            .obtain(&stampable)
            .unwrap();
        let bytes = attach(&with_nested, &obtained.stamp, Existing::Keep).unwrap();
        let (old, new) = (
            SignedData::read(&with_nested, 0).unwrap(),
            SignedData::read(&bytes, 0).unwrap(),
        );
        assert!(new.certificates_sorted);
        assert_eq!(old.content.unwrap().raw, new.content.unwrap().raw);
        let certificates: Vec<&[u8]> = new.certificates.iter().map(|c| c.raw).collect();
        for certificate in &old.certificates {
            assert!(certificates.contains(&certificate.raw));
        }
        let tsa = certificate("tsa");
        let joined = certificates.contains(&tsa.der.as_slice());
        assert_eq!(joined, protocol == Protocol::Legacy);
        // The root that came along stays out.
        assert_eq!(certificates.len(), 2 + usize::from(joined));
        let (old, new) = (&old.signer_infos[0], &new.signer_infos[0]);
        let raw = |signer: &formats::signed_data::SignerInfo<'_>| {
            signer.signed_attributes.as_ref().unwrap().raw.raw.to_vec()
        };
        assert_eq!(raw(old), raw(new));
        assert_eq!(old.signature.raw, new.signature.raw);
        let attributes = new.unsigned_attributes.as_ref().unwrap();
        assert!(attributes.sorted);
        assert_eq!(attributes.attributes.len(), 3);
        assert_eq!(attributes.attributes[0].kind, oid::SEQUENCE_NUMBER);
        let kept = attributes.single(oid::SPC_NESTED_SIGNATURE).unwrap();
        assert_eq!(kept.raw, plain);
        let verification = verified_at(&bytes, now(), &anchors);
        assert_eq!(failures(&verification), [""; 0]);
        assert_eq!(verification.signatures.len(), 2);
    }
}

/// The catalog with unsigned attributes, built by hand.
fn add_unsigned_attributes(cms: &[u8], attributes: &[u8]) -> Vec<u8> {
    let mut info = der::Reader::new("test", cms, 0)
        .next("info")
        .unwrap()
        .reader("test");
    let kind = info.next("kind").unwrap();
    let body = info.next("content").unwrap().reader("test").next("body");
    let mut elements = body.unwrap().reader("test").all("element").unwrap();
    let signers = elements.pop().unwrap();
    let signer = signers.reader("test").next("signer").unwrap();
    let unsigned = der::tlv(der::context(1), attributes);
    let signer = der::sequence(&[signer.value, &unsigned]);
    let before: Vec<u8> = elements.iter().flat_map(|e| e.raw.to_vec()).collect();
    let body = der::sequence(&[&before, &der::tlv(der::SET, &signer)]);
    der::sequence(&[kind.raw, &der::tlv(der::context(0), &body)])
}

#[test]
fn openssl_as_authority_is_understood_with_and_without_its_root() {
    let testcerts = repository().join("testcerts");
    for chain in [vec![], vec!["tsa-root.cer"]] {
        let openssl = OpensslAuthority::new(&testcerts, &chain);
        for digest in [
            DigestAlgorithm::Sha256,
            DigestAlgorithm::Sha384,
            DigestAlgorithm::Sha512,
        ] {
            let request = Request::new(Protocol::Rfc3161, digest, b"a signature", [0x9f; 8]);
            let body = openssl.answer(&request.body());
            let clock = OffsetDateTime::now_utc();
            let stamp = request.read_reply(&body, &anchors(), clock).unwrap();
            assert!((stamp.timestamp.time - clock).abs() < time::Duration::hours(1));
            let unknown = request.read_reply(&body, &Anchors::built_in(), clock);
            let unknown = unknown.unwrap_err().to_string();
            assert!(unknown.contains("Proofmark Timestamp Root"), "{unknown}");
            let other = Request::new(Protocol::Rfc3161, digest, b"a signature", [0x9e; 8]);
            let other = other.read_reply(&body, &anchors(), clock).unwrap_err();
            assert!(other.to_string().contains("its nonce is"), "{other}");
        }
        // openssl refuses digests that are not in its configuration, in its own words.
        let request = Request::new(
            Protocol::Rfc3161,
            DigestAlgorithm::Sha1,
            b"a signature",
            [1; 8],
        );
        let refused = request.read_reply(&openssl.answer(&request.body()), &anchors(), now());
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.starts_with("refused: rejection '") && refused.ends_with("badAlg"),
            "{refused}"
        );
    }
}

/// A reply that is damaged anywhere gives no stamp, or one that still holds.
#[test]
fn damaged_replies_give_no_false_stamp() {
    for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
        let request = Request::new(protocol, DigestAlgorithm::Sha256, b"a signature", [5; 8]);
        let tsa = authority("tsa", Lie::Nothing);
        let body = match protocol {
            Protocol::Rfc3161 => tsa.answer(&request.body()),
            Protocol::Legacy => {
                use base64ct::{Base64, Encoding};
                let text = String::from_utf8(tsa.countersign(&request.body())).unwrap();
                Base64::decode_vec(&text).unwrap()
            }
        };
        assert!(request.read_reply(&body, &anchors(), now()).is_ok());
        for length in 0..body.len() {
            let cut = request.read_reply(&body[..length], &anchors(), now());
            assert!(cut.is_err(), "{length}");
        }
        for place in (0..body.len()).step_by(3) {
            let mut damaged = body.clone();
            damaged[place] ^= 1 << (place % 8);
            if let Ok(stamp) = request.read_reply(&damaged, &anchors(), now()) {
                assert_eq!(stamp.timestamp.time, now(), "{place}");
                assert_eq!(stamp.timestamp.protocol, protocol);
            }
        }
    }
}

#[test]
fn a_cabinet_of_the_corpus_is_stamped() {
    let Some(cabinet) = corpus("signed/sample1.cab") else {
        return;
    };
    let stamped = sign_with_stamp(&cabinet, &identity("oem"), Protocol::Rfc3161).unwrap();
    assert!(read(&stamped).signature().is_some());
    let verification = verified_at(&stamped, after_everything_expired(), &anchors());
    assert_eq!(failures(&verification), [""; 0]);
}

#[test]
fn a_file_that_gets_no_stamp_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let unsigned = small_cabinet();
    let plain = signed(&unsigned, &identity("oem"));
    let network = Network::new(vec![(
        "http://one",
        serving(Protocol::Rfc3161, authority("tsa", Lie::Imprint)),
    )]);
    let servers = servers(&[("http://one", Protocol::Rfc3161)]);
    let anchors = anchors();
    let obtainer = Obtainer::new(&servers, &anchors, &network);
    std::fs::write(&file, &unsigned).unwrap();
    let options = SignOptions::default();
    let failed = sign_file(&file, &file, job(&identity("oem"), &options, &obtainer));
    assert!(matches!(failed, Err(SignError::Timestamp(_))));
    assert_eq!(std::fs::read(&file).unwrap(), unsigned);
    std::fs::write(&file, &plain).unwrap();
    let failed = stamp_file(&file, &file, &obtainer, Existing::Keep);
    assert!(matches!(failed, Err(SignError::Timestamp(_))));
    assert_eq!(std::fs::read(&file).unwrap(), plain);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

fn job<'a>(
    identity: &'a Identity,
    options: &'a SignOptions,
    obtainer: &'a Obtainer<'a>,
) -> Job<'a> {
    Job {
        identity,
        options,
        if_signed: IfSigned::Replace,
        stamping: Some(obtainer),
    }
}
