//! What is checked of an app package: the hashes of its digest, its block map, its publisher.

use std::collections::HashMap;
use std::io::{self, Read, Seek};

use base64ct::{Base64, Encoding};
use formats::certificate::Certificate;
use formats::container::Container;
use formats::container::appx::{BLOCK, Package, PackageFile};
use formats::der::Tlv;
use formats::document::appx::BlockMapFile;
use formats::error::ParseError;
use formats::spc::{SpcIndirectData, SpcSipInfo};

use super::file::Subject;
use super::{Check, Examined, FailureKind, Outcome};
use crate::app_package::{self, digest_list, read_list};
use crate::digest::{DigestAlgorithm, hex};

/// Most bytes to which the files of a package are expanded, whatever its size.
const FREE: u64 = 1 << 30;
/// How many times its size a package may expand beyond that; real ones stay below 10.
const MOST_RATIO: u64 = 100;

/// Why something does not hold.
type Fault = (FailureKind, String);

impl Examined {
    /// Compares the hashes of a package with those that the signed `content` lists.
    pub(super) fn check_package_digest<R: Read + Seek>(
        &mut self,
        content: Tlv<'_>,
        package: &Package,
        subject: &mut Subject<'_, R>,
    ) -> io::Result<()> {
        let data = match signed_data(content, package) {
            Ok(data) => data,
            Err((kind, message)) => {
                self.fail(Check::Digest, kind, message);
                return Ok(());
            }
        };
        self.signed_digest = Some(data.digest.to_vec());
        let algorithm = app_package::algorithm(package.hash_method());
        let found = match subject.digests.get(&algorithm) {
            Some(known) => known.clone(),
            None => digest_list(algorithm, subject.input, &package.digest_parts())?,
        };
        match list_fault(&found, data.digest, algorithm) {
            Some((kind, message)) => self.fail(Check::Digest, kind, message),
            None => self.pass(Check::Digest),
        }
        subject.digests.insert(algorithm, found);
        Ok(())
    }

    /// Compares a package's files with its block map, by which Windows checks them whenever it reads them. Once for
    /// all signatures of a file.
    pub(super) fn check_block_map<R: Read + Seek>(
        &mut self,
        subject: &mut Subject<'_, R>,
    ) -> io::Result<()> {
        let Container::Appx(package) = subject.container else {
            return Ok(());
        };
        let outcome = match &subject.block_map {
            Some(known) => known.clone(),
            None => match block_map_fault(package, subject.input)? {
                Some((kind, message)) => Outcome::Failed(kind, message),
                None => Outcome::Passed,
            },
        };
        subject.block_map = Some(outcome.clone());
        self.outcomes.push((Check::BlockMap, outcome));
        Ok(())
    }

    /// Compares the publisher that a package's manifest names with the subject of the signer's certificate.
    pub(super) fn check_publisher(&mut self, container: &Container, leaf: Option<&Certificate>) {
        let Container::Appx(package) = container else {
            return;
        };
        let Some(leaf) = leaf else {
            let why = "there is no signer's certificate";
            self.publisher = Some(Outcome::NotChecked(why.into()));
            return;
        };
        let publisher = &package.identity().publisher;
        if app_package::is_publisher(publisher, &leaf.subject) {
            self.publisher = Some(Outcome::Passed);
            return;
        }
        let subject = app_package::publisher_of(&leaf.subject);
        let message =
            format!("the manifest names {publisher}, the certificate is that of {subject}");
        self.publisher = Some(Outcome::Failed(FailureKind::PublisherMismatch, message));
    }
}

/// The signed data, which must be about this kind of package and use the algorithm of its block map.
fn signed_data<'a>(content: Tlv<'a>, package: &Package) -> Result<SpcIndirectData<'a>, Fault> {
    let malformed = |error: ParseError| (FailureKind::Malformed, error.to_string());
    let data = SpcIndirectData::read(content).map_err(malformed)?;
    let info = SpcSipInfo::read(&data).map_err(malformed)?;
    if info != Some(app_package::sip_info(package.kind())) {
        let found = match info {
            Some(SpcSipInfo::PACKAGE) => "a package".to_owned(),
            Some(SpcSipInfo::BUNDLE) => "a bundle".to_owned(),
            Some(info) => format!("a file for the program {}", hex(&info.uuid)),
            None => format!("data of the type {}", data.data_type),
        };
        let message = format!("it signs {found}, the file is a {:?}", package.kind());
        return Err((FailureKind::Malformed, message.to_lowercase()));
    }
    let wanted = app_package::algorithm(package.hash_method());
    match DigestAlgorithm::from_oid(data.digest_algorithm) {
        Some(found) if found == wanted => Ok(data),
        Some(found) => {
            let message = format!("it uses {found}, the block map {wanted}");
            Err((FailureKind::Malformed, message))
        }
        None => {
            let found = data.digest_algorithm;
            let message = format!("the digest algorithm {found} is not supported");
            Err((FailureKind::Unsupported, message))
        }
    }
}

/// The first hash that is another. The list has each hash of the package once, in any order.
fn list_fault(found: &[u8], signed: &[u8], algorithm: DigestAlgorithm) -> Option<Fault> {
    let length = algorithm.of(&[]).len();
    let name = |tag: &[u8]| String::from_utf8_lossy(tag).into_owned();
    let Some(signed) = read_list(signed, length) else {
        let message = format!("its digest is no list of {algorithm} hashes");
        return Some((FailureKind::Malformed, message));
    };
    let found = read_list(found, length).unwrap_or_default();
    for (tag, hash) in &found {
        let mut same_tag = signed.iter().filter(|(other, _)| other == tag);
        match (same_tag.next(), same_tag.next()) {
            (Some((_, signed)), None) if signed == hash => {}
            (Some((_, signed)), None) => {
                let (what, hash, signed) = (describe(tag), hex(hash), hex(signed));
                let message = format!("{what} {algorithm} {hash}, {signed} was signed");
                return Some((FailureKind::DigestMismatch, message));
            }
            (first, _) => {
                let count = if first.is_none() { "no" } else { "several" };
                let message = format!("its digest has {count} hashes {}", name(tag));
                return Some((FailureKind::DigestMismatch, message));
            }
        }
    }
    let unknown = |(tag, _): &&(&[u8], &[u8])| !found.iter().any(|(other, _)| other == tag);
    let extra = signed.iter().find(unknown)?;
    let message = format!("its digest has a hash {} of nothing", name(extra.0));
    Some((FailureKind::DigestMismatch, message))
}

fn describe(tag: &[u8]) -> &'static str {
    match tag {
        b"AXPC" => "the file records (AXPC) have",
        b"AXCD" => "the central directory (AXCD) has",
        b"AXCT" => "[Content_Types].xml (AXCT) has",
        b"AXBM" => "AppxBlockMap.xml (AXBM) has",
        _ => "AppxMetadata/CodeIntegrity.cat (AXCI) has",
    }
}

/// The first deviation of a package's files from its block map. The work grows with the package, not with what it
/// claims to expand to.
fn block_map_fault(package: &Package, input: &mut (impl Read + Seek)) -> io::Result<Option<Fault>> {
    let mismatch = |message: String| Ok(Some((FailureKind::BlockMapMismatch, message)));
    let map = match package.block_map() {
        Ok(map) => map,
        Err(error) => return mismatch(error.to_string()),
    };
    let mut listed = HashMap::new();
    for file in &map.files {
        if listed.insert(file.name.as_str(), file).is_some() {
            return mismatch(format!("the block map lists {} twice", file.name));
        }
    }
    let expanded = package.files().map(|file| file.size());
    let expanded = expanded.fold(0, u64::saturating_add);
    if expanded > FREE.max(package.file_length().saturating_mul(MOST_RATIO)) {
        let message = format!("its files expand to {expanded} bytes, too many to be looked at");
        return Ok(Some((FailureKind::Unsupported, message)));
    }
    let algorithm = app_package::algorithm(package.hash_method());
    for file in package.files() {
        let name = file.name();
        let Some(entry) = listed.remove(name.as_str()) else {
            return mismatch(format!("{name} is not in the block map"));
        };
        if let Some(message) = file_fault(file, entry, algorithm, input)? {
            return mismatch(format!("{name} {message}"));
        }
    }
    let left = listed.into_keys().min();
    Ok(left.map(|name| {
        let message = format!("the block map lists {name}, which is not in the package");
        (FailureKind::BlockMapMismatch, message)
    }))
}

/// How a file deviates from its entry in the block map.
fn file_fault(
    file: PackageFile<'_>,
    entry: &BlockMapFile,
    algorithm: DigestAlgorithm,
    input: &mut (impl Read + Seek),
) -> io::Result<Option<String>> {
    let numbers = [
        ("bytes", file.size(), entry.size),
        (
            "bytes of local file header",
            file.local_header_size(),
            entry.lfh_size,
        ),
        (
            "blocks",
            file.size().div_ceil(BLOCK as u64),
            entry.blocks.len() as u64,
        ),
    ];
    for (what, found, listed) in numbers {
        if found != listed {
            let message = format!("has {found} {what}, the block map says {listed}");
            return Ok(Some(message));
        }
    }
    let mut blocks = entry.blocks.iter().enumerate();
    let mut fault = None;
    let expanded = file.each_block(input, |block| {
        let Some((index, listed)) = blocks.next().filter(|_| fault.is_none()) else {
            return;
        };
        let found = algorithm.of(block);
        if Base64::decode_vec(listed).ok().as_ref() != Some(&found) {
            let found = Base64::encode_string(&found);
            fault = Some(format!(
                "has {algorithm} {found} in block {index}, the block map says {listed:.90}"
            ));
        }
    });
    match expanded {
        Ok(()) => Ok(fault),
        Err(ParseError {
            problem: formats::error::Problem::Io(kind),
            ..
        }) => Err(kind.into()),
        Err(error) => Ok(Some(format!("cannot be expanded: {error}"))),
    }
}
