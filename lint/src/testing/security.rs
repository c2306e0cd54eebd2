//! Policies and products that install one, for tests of rules about security.

use formats::container::Container;
use formats::container::cab::{Entry, Packing, pack};
use formats::container::efi_variable::{ATTRIBUTES, EfiVariable, Variable};
use formats::guid::Guid;
use formats::oid;
use signer::cms::Draft;
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;
use signer::sign::{SignOptions, sign};
use time::macros::datetime;

use super::{lint_signed, product as product_of, wm_xml};

#[path = "../../tests/policy_builder.rs"]
mod policy_builder;

pub(crate) use policy_builder::{RawPolicy, RawSigner, certificate};

impl RawPolicy {
    /// Signed by the test certificate `oem`.
    pub(crate) fn signed(&self) -> Vec<u8> {
        self.signed_by(&identity())
    }
}

/// A product of this release type whose package `Guard` installs a policy.
pub(crate) fn product(release_type: &str, policy: &[u8]) -> Vec<(String, Vec<u8>)> {
    let input =
        format!("<ReleaseType>{release_type}</ReleaseType><Product>Windows 10 IoT Core</Product>");
    let body = "<files>\n<file source=\"SIPolicyEnforce.p7b\" name=\"SIPolicy.p7b\"/></files>";
    let files = product_of(&input, &[("Guard", wm_xml("Guard", body))]);
    let files = files
        .into_iter()
        .map(|(path, text)| (path, text.into_bytes()));
    let policy = ("Guard/SIPolicyEnforce.p7b".to_owned(), policy.to_vec());
    files.chain([policy]).collect()
}

/// A cabinet with one file.
pub(crate) fn packed(name: &str, mut bytes: &[u8]) -> Vec<u8> {
    let entry = Entry {
        name: name.to_owned(),
        size: bytes.len() as u64,
        timestamp: datetime!(2026-01-01 0:00),
        attribs: 0,
        data: &mut bytes,
    };
    let mut cabinet = std::io::Cursor::new(Vec::new());
    pack(vec![entry], Packing::default(), &mut cabinet).unwrap();
    cabinet.into_inner()
}

/// What one rule finds in these files on 2026-06-01.
pub(crate) fn lint(rule: &str, files: &[(String, Vec<u8>)]) -> Vec<String> {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    lint_signed(rule, &files, None)
}

/// An image that the test certificate `oem` signed.
pub(crate) fn signed_image() -> Vec<u8> {
    let mut input = std::io::Cursor::new(image());
    let container = Container::read(&mut input).unwrap();
    let patch = sign(&container, &mut input, &identity(), &SignOptions::default()).unwrap();
    let mut signed = Vec::new();
    patch.apply(&mut input, &mut signed).unwrap();
    signed
}

fn identity() -> Identity {
    Identity::from_pfx(include_bytes!("../../../testcerts/oem.pfx"), "").unwrap()
}

/// A PE image of one empty section.
fn image() -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"MZ");
    put(0x3c, &0x80_u32.to_le_bytes());
    put(0x80, b"PE\0\0");
    // Machine, one section, and the size of an optional header with 16 directories.
    put(0x84, &[0x4c, 0x01, 1, 0]);
    put(0x94, &[0xe0, 0, 2, 1]);
    put(0x98, &[0x0b, 1]);
    // SectionAlignment, FileAlignment, SizeOfImage, SizeOfHeaders, NumberOfRvaAndSizes.
    for (at, value) in [
        (32, 0x1000_u32),
        (36, 0x200),
        (56, 0x2000),
        (60, 0x200),
        (92, 16),
    ] {
        put(0x98 + at, &value.to_le_bytes());
    }
    let section = 0x98 + 0xe0;
    put(section, b".text");
    for (at, value) in [(8, 0x200_u32), (12, 0x1000), (16, 0x200), (20, 0x200)] {
        put(section + at, &value.to_le_bytes());
    }
    bytes
}

/// The content of a secure-boot variable with these test certificates, under a signature that is none.
pub(crate) fn variable(certificates: &[&str]) -> Vec<u8> {
    variable_of(&formats::der::sequence(&[]), certificates)
}

fn variable_of(signature: &[u8], certificates: &[&str]) -> Vec<u8> {
    let [kind, x509] = [
        0x4aaf_d29d_68df_49ee_8aa9_347d_3756_65a7,
        0xa5c0_59a1_94e4_4aa7_87b5_ab15_5c2b_f072,
    ]
    .map(Guid::from_u128);
    let length = (signature.len() as u32 + 24).to_le_bytes();
    let time = [0xea, 7, 6, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut bytes = [&time[..], &length, &[0, 2, 0xf1, 0x0e], &kind.0, signature].concat();
    for name in certificates {
        let der = certificate(name).der;
        let entry = der.len() as u32 + 16;
        bytes.extend(x509.0);
        bytes.extend([entry + 28, 0, entry].map(u32::to_le_bytes).concat());
        bytes.extend([7; 16]);
        bytes.extend(der);
    }
    bytes
}

/// The same, signed by the test certificate `signer` to become the variable `name`.
pub(crate) fn signed_variable(name: &str, signer: &str, certificates: &[&str]) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testcerts");
    let pfx = std::fs::read(format!("{folder}/{signer}.pfx")).unwrap();
    let identity = Identity::from_pfx(&pfx, "").unwrap();
    let unsigned = EfiVariable::parse(variable(certificates)).unwrap();
    let message = unsigned.message(Variable::from_name(name).unwrap(), ATTRIBUTES);
    let digest = DigestAlgorithm::Sha256;
    let content = formats::der::octet_string(&message);
    let draft = Draft::plain(oid::DATA, &content, digest, None).unwrap();
    let attached = draft.sign(&identity).unwrap();
    variable_of(&detached(&attached), certificates)
}

/// A `SignedData` without its content.
fn detached(cms: &[u8]) -> Vec<u8> {
    use formats::der::{Reader, context, sequence, tlv};
    let info = Reader::new("test", cms, 0).next("info").unwrap();
    let info = info.reader("test").all("part").unwrap();
    let body = info[1].reader("test").next("body").unwrap();
    let mut parts: Vec<Vec<u8>> = body
        .reader("test")
        .all("part")
        .unwrap()
        .iter()
        .map(|part| part.raw.to_vec())
        .collect();
    parts[2] = sequence(&[&formats::der::oid(oid::DATA)]);
    let body = tlv(formats::der::SEQUENCE, &parts.concat());
    sequence(&[info[0].raw, &tlv(context(0), &body)])
}

/// A product of this release type whose package `Boot` brings variables, each by the end of its file's name.
pub(crate) fn variable_package(
    release_type: &str,
    variables: &[(&str, Vec<u8>)],
) -> Vec<(String, Vec<u8>)> {
    let input =
        format!("<ReleaseType>{release_type}</ReleaseType><Product>Windows 10 IoT Core</Product>");
    let source = |(name, _): &(&str, Vec<u8>)| format!("<file source=\"SetVariable_{name}.bin\"/>");
    let sources: String = variables.iter().map(source).collect();
    let body = format!("<files>\n{sources}</files>");
    let files = product_of(&input, &[("Boot", wm_xml("Boot", &body))]);
    let files = files
        .into_iter()
        .map(|(path, text)| (path, text.into_bytes()));
    let variables = variables.iter();
    let variables =
        variables.map(|(name, bytes)| (format!("Boot/SetVariable_{name}.bin"), bytes.clone()));
    files.chain(variables).collect()
}

/// A test certificate as the registry has it, in hexadecimal.
pub(crate) fn root_blob(name: &str) -> String {
    let der = certificate(name).der;
    let header = [32, 1, der.len() as u32].map(u32::to_le_bytes).concat();
    signer::digest::hex(&[header, der].concat())
}
