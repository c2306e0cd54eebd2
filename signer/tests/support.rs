//! Test certificates, corpus files, and a verification at a fixed time.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use formats::certificate::Certificate;
use formats::container::Container;
use signer::anchor::Anchors;
use signer::clock::parse_rfc3339;
use signer::identity::Identity;
use signer::sign::{SignOptions, sign};
use signer::verify::{Verification, VerifyOptions, verify};
use time::OffsetDateTime;

pub(crate) fn now() -> OffsetDateTime {
    parse_rfc3339("2026-06-01").unwrap()
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn testcert(name: &str) -> Vec<u8> {
    std::fs::read(repository().join("testcerts").join(name)).unwrap()
}

pub(crate) fn identity(name: &str) -> Identity {
    Identity::from_pfx(&testcert(&format!("{name}.pfx")), "").unwrap()
}

pub(crate) fn certificate(name: &str) -> Certificate {
    Certificate::parse(&testcert(&format!("{name}.cer")), 0).unwrap()
}

/// The corpus of real files, where it stands beside the repository.
pub(crate) fn corpus(path: &str) -> Option<Vec<u8>> {
    let file = repository().join("../shared/corpus").join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        println!("passed over: the corpus file {path} is not beside this checkout");
    }
    bytes
}

pub(crate) fn read(bytes: &[u8]) -> Container {
    Container::read(&mut Cursor::new(bytes)).unwrap()
}

pub(crate) fn signed(bytes: &[u8], identity: &Identity) -> Vec<u8> {
    signed_with(bytes, identity, &SignOptions::default())
}

pub(crate) fn signed_with(bytes: &[u8], identity: &Identity, options: &SignOptions) -> Vec<u8> {
    let mut input = Cursor::new(bytes);
    let container = Container::read(&mut input).unwrap();
    let patch = sign(&container, &mut input, identity, options).unwrap();
    let mut output = Vec::new();
    patch.apply(&mut input, &mut output).unwrap();
    output
}

pub(crate) fn verified(bytes: &[u8]) -> Verification {
    verified_at(bytes, now(), &Anchors::built_in())
}

pub(crate) fn verified_at(bytes: &[u8], at: OffsetDateTime, anchors: &Anchors) -> Verification {
    let mut input = Cursor::new(bytes);
    let container = Container::read(&mut input).unwrap();
    verify(&container, &mut input, VerifyOptions { at, anchors }).unwrap()
}

/// The kinds of failure of a file with one signature.
pub(crate) fn failures(verification: &Verification) -> Vec<&'static str> {
    let signatures = verification.signatures.iter();
    signatures
        .flat_map(|s| s.failures().map(|(_, kind, _)| kind.name()))
        .collect()
}

/// A cabinet with one stored file, as the smallest input to sign.
pub(crate) fn small_cabinet() -> Vec<u8> {
    let data = b"one file\n";
    let mut bytes = Vec::new();
    let name = b"a.txt\0";
    let files = 36 + 8;
    let blocks = files + 16 + name.len();
    let total = blocks + 8 + data.len();
    bytes.extend(b"MSCF\0\0\0\0");
    bytes.extend((total as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend((files as u32).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 3, 1, 1, 0, 1, 0, 0, 0, 0x34, 0x12, 0, 0]);
    bytes.extend((blocks as u32).to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 0, 0, 0x21, 0x58, 0, 0, 0x20, 0]);
    bytes.extend(name);
    bytes.extend([0; 4]);
    bytes.extend([data.len() as u8, 0, data.len() as u8, 0]);
    bytes.extend(data);
    bytes
}

/// The same with reserves of 24 bytes in the header, 5 behind the folder and 3 in front of the data.
pub(crate) fn cabinet_with_reserves() -> Vec<u8> {
    let plain = small_cabinet();
    let [header, folder, file, block] = [0..36, 36..44, 44..66, 66..74].map(|r| &plain[r]);
    let mut bytes = [
        header,
        &[24, 0, 5, 3],
        &[0; 24],
        folder,
        &[9; 5],
        file,
        block,
        &[8; 3],
    ]
    .concat();
    bytes.extend_from_slice(&plain[74..]);
    let mut patch = |at: usize, value: usize| {
        bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
    };
    let files = 36 + 4 + 24 + 8 + 5;
    patch(8, files + 22 + 8 + 3 + 9);
    patch(16, files);
    patch(36 + 4 + 24, files + 22);
    bytes[30] |= 4;
    bytes
}

/// A version 2 catalog with one member, unsigned, in the shape that `makecat` gives it.
pub(crate) fn small_catalog() -> Vec<u8> {
    catalog_of(&[0x5a; 32])
}

/// The same with a member of this tag.
pub(crate) fn catalog_of(tag: &[u8]) -> Vec<u8> {
    use formats::der;
    use formats::oid;
    let member = der::sequence(&[&der::octet_string(tag), &der::set_of(vec![])]);
    let list = der::sequence(&[
        &der::sequence(&[&der::oid(oid::CATALOG_LIST)]),
        &der::octet_string(&[7; 16]),
        &der::tlv(der::UTC_TIME, b"260101000000Z"),
        &der::sequence(&[&der::oid(oid::CATALOG_LIST_MEMBER_V2), &der::null()]),
        &der::sequence(&[&member]),
    ]);
    let body = der::sequence(&[
        &der::integer(1),
        &der::set_of(vec![]),
        &der::sequence(&[&der::oid(oid::CTL), &der::tlv(der::context(0), &list)]),
        &der::set_of(vec![]),
    ]);
    der::sequence(&[
        &der::oid(oid::SIGNED_DATA),
        &der::tlv(der::context(0), &body),
    ])
}

/// A bare code-integrity policy without rules, signers or scenarios, of the format version that IoT Core reads.
pub(crate) fn small_policy() -> Vec<u8> {
    let kind = [0x0e, 0x37, 0x44, 0xa2, 0xc9, 0x44, 0x06, 0x4c, 0xb5, 0x51];
    let kind = [kind.as_slice(), &[0xf6, 0x01, 0x6e, 0x56, 0x30, 0x76]].concat();
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    let parts: [Vec<u8>; 8] = [
        numbers(&[7]),
        kind.clone(),
        vec![5; 16],
        // Options, four counts, VersionEx, the header's length.
        numbers(&[0x8000_0004, 0, 0, 0, 0, 0, 0x000a_0000, 64]),
        // Update signers, CI signers, HVCI, settings, and what versions 3 to 6 brought.
        numbers(&[0, 0, 0, 0, 3, 4, 5, 6]),
        [kind.clone(), kind].concat(),
        numbers(&[0]),
        numbers(&[7, 8]),
    ];
    parts.concat()
}

/// A PE image of a few hundred bytes.
pub(crate) fn small_image() -> Vec<u8> {
    crate::image_builder::RawImage::small(true).bytes()
}

/// Makes CheckSum, which stands at `place`, right.
pub(crate) fn write_check_sum(bytes: &mut [u8], place: usize) {
    let sum = crate::image_builder::plain_check_sum(bytes, place);
    bytes[place..][..4].copy_from_slice(&sum.to_le_bytes());
}
