//! A package in the shape that real ones have: deployment and component manifest, `update.mum`, `update.cat`, payload.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use base64ct::{Base64, Encoding};
use formats::container::cab::{Entry, Packing, attribs, pack};
use formats::container::cat::{
    CatalogBuilder, NameValue, Subject, SubjectForm, SubjectKind, Tag, Version,
};
use signer::catalog::Hashable;
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;
use signer::sign::{IfSigned, Job, SignOptions, sign_bytes};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::image_builder::RawImage;
use crate::support::testcert;

pub(crate) const KEY: &str =
    "arm_contoso.sample.driver0_628844477771337a_1.0.0.0_none_0123456789abcdef";
pub(crate) const DEPLOYMENT: &str =
    "arm_contoso.sample.driver.deployment_628844477771337a_1.0.0.0_none_fedcba9876543210.manifest";

pub(crate) fn identity(name: &str) -> Identity {
    Identity::from_pfx(&fs::read(testcert(&format!("{name}.pfx"))).unwrap(), "").unwrap()
}

pub(crate) fn signed(bytes: &[u8], by: &str) -> Vec<u8> {
    let job = Job {
        identity: &identity(by),
        options: &SignOptions::default(),
        if_signed: IfSigned::Replace,
        stamping: None,
    };
    sign_bytes(bytes, job).unwrap().0
}

pub(crate) fn image() -> Vec<u8> {
    RawImage::new(false).bytes()
}

/// What a package is made of.
pub(crate) struct Parts {
    /// Payload: path below the component, content.
    pub(crate) payload: Vec<(&'static str, Vec<u8>)>,
    /// How the catalog lists images.
    pub(crate) images_as: SubjectKind,
    pub(crate) signed_by: &'static str,
    /// Whether the component manifest is written with a wrong digest of the first file.
    pub(crate) is_wrong: bool,
    pub(crate) compressed: bool,
}

impl Default for Parts {
    /// A driver and a text, all signed by one key.
    fn default() -> Self {
        let by = "rsa4096";
        Self {
            payload: vec![
                (r"windows\System32\drivers\Sample.sys", signed(&image(), by)),
                (r"windows\System32\sample.txt", b"a text\r\n".repeat(400)),
            ],
            images_as: SubjectKind::Flat,
            signed_by: by,
            is_wrong: false,
            compressed: true,
        }
    }
}

fn manifest(parts: &Parts) -> String {
    let files: String = parts.payload.iter().enumerate().map(|(index, (name, bytes))| {
        let mut digest = DigestAlgorithm::Sha256.of(bytes);
        if parts.is_wrong && index == 0 {
            digest[0] ^= 1;
        }
        let digest = Base64::encode_string(&digest);
        format!(concat!(
            "  <file name=\"{}\" destinationPath=\"$(runtime.system32)\\\" attributes=\"archive\">\r\n",
            "    <asmv2:hash xmlns:asmv2=\"urn:schemas-microsoft-com:asm.v2\" xmlns:dsig=\"http://www.w3.org/2000/09/xmldsig#\">\r\n",
            "      <dsig:Transforms><dsig:Transform Algorithm=\"urn:schemas-microsoft-com:HashTransforms.Identity\" /></dsig:Transforms>\r\n",
            "      <dsig:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha256\" />\r\n",
            "      <dsig:DigestValue>{}</dsig:DigestValue>\r\n    </asmv2:hash>\r\n  </file>\r\n",
        ), name, digest)
    }).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<assembly xmlns=\"urn:schemas-microsoft-com:asm.v3\" manifestVersion=\"1.0\">\r\n  <!-- kept: äöü -->\r\n{files}</assembly>"
    )
}

const DEPLOYMENT_TEXT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<assembly xmlns=\"urn:schemas-microsoft-com:asm.v3\" manifestVersion=\"1.0\">\r\n  <deployment />\r\n</assembly>";

fn mum(parts: &Parts, manifest: &str) -> String {
    let payload: String = parts.payload.iter().map(|(name, bytes)| {
        let size = bytes.len();
        let hash: String = DigestAlgorithm::Sha256.of(bytes).iter().map(|b| format!("{b:02X}")).collect();
        format!("        <file name=\"\\{name}\" size=\"{size}\" staged=\"{size}\" compressed=\"{}\" cabpath=\"{KEY}\\{name}\" hash=\"{hash}\" />\r\n", size / 2)
    }).collect();
    let (a, b) = (manifest.len(), DEPLOYMENT_TEXT.len());
    format!(
        concat!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n",
            "<assembly xmlns=\"urn:schemas-microsoft-com:asm.v3\" manifestVersion=\"1.0\">\r\n",
            "  <assemblyIdentity name=\"Contoso.Sample.Driver\" version=\"1.0.0.0\" language=\"neutral\" processorArchitecture=\"arm\" publicKeyToken=\"628844477771337a\" buildType=\"release\" />\r\n",
            "  <package identifier=\"Contoso.Sample.Driver\" releaseType=\"Feature Pack\" targetPartition=\"MainOS\" binaryPartition=\"false\">\r\n",
            "    <customInformation>\r\n",
            "      <phoneInformation phoneRelease=\"Production\" phoneOwnerType=\"OEM\" phoneOwner=\"Contoso\" phoneComponent=\"Sample\" phoneSubComponent=\"Driver\" />\r\n",
            "      <file name=\"\\update.mum\" size=\"0\" staged=\"0\" compressed=\"0\" cabpath=\"update.mum\" />\r\n",
            "      <file name=\"\\Windows\\update.cat\" size=\"4516\" staged=\"4516\" compressed=\"4516\" cabpath=\"update.cat\" />\r\n",
            "{payload}",
            "      <file name=\"{KEY}.manifest\" size=\"{a}\" staged=\"{a}\" compressed=\"{a}\" cabpath=\"{KEY}.manifest\" />\r\n",
            "      <file name=\"{DEPLOYMENT}\" size=\"{b}\" staged=\"{b}\" compressed=\"{b}\" cabpath=\"{DEPLOYMENT}\" />\r\n",
            "    </customInformation>\r\n  </package>\r\n</assembly>",
        ),
        payload = payload,
        KEY = KEY,
        DEPLOYMENT = DEPLOYMENT,
        a = a,
        b = b
    )
}

/// An unsigned catalog of `files`.
pub(crate) fn catalog(files: &[(String, Vec<u8>)], images_as: SubjectKind) -> Vec<u8> {
    let made = OffsetDateTime::from_unix_timestamp(1_500_000_000).unwrap();
    let mut builder = CatalogBuilder::new(Version::V2, made);
    builder.attribute(NameValue::from_text("PackageName", "Contoso.Sample.Driver"));
    builder.attribute(NameValue::from_text("OSAttr", "2:6.1,2:6.0,2:5.2,2:5.1"));
    for (_, bytes) in files {
        let mut input = Cursor::new(bytes);
        let is_image = bytes.starts_with(b"MZ") && images_as == SubjectKind::Pe;
        let (kind, form) = match is_image {
            true => (SubjectKind::Pe, SubjectForm::Pe),
            false => (SubjectKind::Flat, SubjectForm::Flat),
        };
        let hashable = Hashable::of_kind(kind, &mut input).unwrap();
        let mut digest = |algorithm| hashable.digest(algorithm, &mut input).unwrap();
        let sha1 = digest(DigestAlgorithm::Sha1).try_into().unwrap();
        let sha256 = digest(DigestAlgorithm::Sha256).try_into().unwrap();
        let tag = Tag::Hash;
        let attributes = Vec::new();
        builder
            .add(Subject {
                tag,
                form,
                sha1,
                sha256,
                attributes,
            })
            .unwrap();
    }
    builder.write(&[7; 16]).unwrap()
}

/// Packs files, each dated a minute after the one before.
pub(crate) fn cabinet(files: &[(String, Vec<u8>)], compressed: bool) -> Vec<u8> {
    let day = Date::from_calendar_date(2017, Month::June, 5).unwrap();
    let mut readers: Vec<&[u8]> = files.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    let entries = files.iter().zip(&mut readers).enumerate();
    let entries = entries.map(|(index, ((name, bytes), data))| Entry {
        name: name.clone(),
        size: bytes.len() as u64,
        timestamp: PrimitiveDateTime::new(day, Time::from_hms(9, index as u8, 0).unwrap()),
        attribs: attribs::ARCHIVE | [0, attribs::READ_ONLY][index % 2],
        data,
    });
    let packing = Packing {
        compressed,
        reserve: 0,
    };
    pack(entries.collect(), packing, Cursor::new(Vec::new()))
        .unwrap()
        .into_inner()
}

/// Writes the package as `name` into `folder`.
pub(crate) fn write(folder: &Path, name: &str, parts: &Parts) {
    let manifest = manifest(parts);
    let mum = mum(parts, &manifest);
    let mut listed = vec![
        (DEPLOYMENT.to_owned(), DEPLOYMENT_TEXT.as_bytes().to_vec()),
        ("update.mum".to_owned(), mum.into_bytes()),
        (format!("{KEY}.manifest"), manifest.into_bytes()),
    ];
    let payload = parts.payload.iter();
    listed.extend(payload.map(|(path, bytes)| (format!(r"{KEY}\{path}"), bytes.clone())));
    let catalog = signed(&catalog(&listed, parts.images_as), parts.signed_by);
    listed.insert(2, ("update.cat".to_owned(), catalog));
    let cabinet = signed(&cabinet(&listed, parts.compressed), parts.signed_by);
    fs::write(folder.join(name), cabinet).unwrap();
}
