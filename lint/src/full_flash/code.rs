//! The programs, drivers and catalogs of an image: each is read once, hashed and its signatures concluded on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Cursor;
use std::sync::Mutex;

use formats::container::Container;
use formats::container::cat::{MAX_CATALOG, SubjectKind};
use rayon::prelude::*;
use signer::catalog::{Fingerprint, listed_digests};
use signer::digest::{DigestAlgorithm, hex};
use signer::verify::{Check, SignatureReport, VerifyOptions, examine};

use super::volume::{Found, Reader, Volumes};
use crate::facts::full_flash::code::{Code, ImageCatalog, ImageCode};
use crate::facts::full_flash::{FinishedImage, Unread};
use crate::inside::Claim;

/// Largest image that is looked into, bytes.
const LARGEST_IMAGE: u64 = 512 << 20;
/// Larger files are in memory one at a time.
const LARGE: u64 = 16 << 20;
/// How many files' signatures are in memory before like ones are kept once.
const AT_A_TIME: usize = 256;

/// Reads the code and catalogs among the files.
pub(super) fn read(
    volumes: &Volumes<'_>,
    found: &[Found],
    options: VerifyOptions<'_>,
    image: &mut FinishedImage,
) {
    let mut signers = Signers::default();
    let mut prints: Vec<(usize, Fingerprint)> = Vec::new();
    let large = Mutex::new(());
    for files in each_once(found).chunks(AT_A_TIME) {
        let looked: Vec<_> = files
            .par_iter()
            .map_init(
                || Reader(volumes.open()),
                |reader, file| look_at(reader, file, options, &large),
            )
            .collect();
        for looked in looked.into_iter().flatten() {
            let mut code = looked.code;
            code.signers = signers.add(looked.reports);
            if let Some(print) = looked.print {
                prints.push((image.code.len(), print));
            }
            image.unread.extend(looked.unread);
            image.code.push(code);
        }
    }
    let is_catalog = |file: &&Found| Claim::of(&file.at) == Some(Claim::Catalog);
    let catalogs: Vec<&Found> = found.iter().filter(is_catalog).collect();
    let wanted = Wanted::new(&prints);
    for files in catalogs.chunks(AT_A_TIME) {
        let looked: Vec<_> = files
            .par_iter()
            .map_init(
                || Reader(volumes.open()),
                |reader, file| catalog(reader, file, options, &wanted),
            )
            .collect();
        for (mut catalog, reports, listed) in looked {
            catalog.signers = signers.add(reports);
            let index = image.catalogs.len();
            for (file, flat) in listed.into_iter().filter(|_| catalog.installed) {
                if let Some(code) = image.code.get_mut(file) {
                    match flat {
                        true => code.listed_flat = true,
                        false if code.catalogs.contains(&index) => {}
                        false => code.catalogs.push(index),
                    }
                }
            }
            image.catalogs.push(catalog);
        }
    }
    image.signers = signers.reports;
}

/// The files that may be code, each once however many names it has: the first that is not in the component store.
fn each_once(found: &[Found]) -> Vec<&Found> {
    let is_stored = |file: &&&Found| file.path().starts_with("windows/winsxs/");
    let may_be = found.iter().filter(|file| {
        let claim = Claim::of(&file.at);
        claim == Some(Claim::Image) || claim.is_none() && file.length >= 64
    });
    let may_be: Vec<&Found> = may_be.collect();
    let mut seen = HashSet::new();
    let named = may_be.iter().filter(|file| !is_stored(file));
    let stored = may_be.iter().filter(is_stored);
    let mut files: Vec<&Found> = named
        .chain(stored)
        .filter(|file| seen.insert((file.volume, file.node)))
        .copied()
        .collect();
    files.sort_by(|a, b| (a.volume, &a.at).cmp(&(b.volume, &b.at)));
    files
}

/// What was found out about a file.
struct Looked {
    code: Code,
    reports: Vec<SignatureReport>,
    /// Of a file without a signature of its own.
    print: Option<Fingerprint>,
    unread: Option<Unread>,
}

/// `None` for a file that is no image and is not called like one.
fn look_at(
    reader: &mut Reader<'_>,
    file: &Found,
    options: VerifyOptions<'_>,
    large: &Mutex<()>,
) -> Option<Looked> {
    let claims = Claim::of(&file.at) == Some(Claim::Image);
    let mut looked = Looked {
        code: Code {
            at: file.at.clone(),
            kind: ImageCode::of(&file.at),
            ..Code::default()
        },
        reports: Vec::new(),
        print: None,
        unread: None,
    };
    // The volume said when it was walked what cannot be decoded.
    let failed = |mut looked: Looked, unread: Unread| {
        looked.code.unreadable = Some(unread.problem.clone());
        looked.unread = Some(unread);
        claims.then_some(looked)
    };
    if !claims {
        let begins = reader.begin(file, 2);
        if begins.is_ok_and(|bytes| bytes != b"MZ") {
            return None;
        }
    }
    let _alone = (file.length > LARGE).then(|| large.lock());
    let bytes = match reader.read(file, LARGEST_IMAGE) {
        Ok(bytes) => bytes,
        Err(unread) => return failed(looked, unread),
    };
    let mut input = Cursor::new(bytes.as_slice());
    let container = match Container::read(&mut input) {
        Ok(container @ Container::Pe(_)) => container,
        Ok(other) if claims => {
            looked.code.unreadable = Some(format!("it is a {}", other.format()));
            return Some(looked);
        }
        Err(error) if claims => {
            looked.code.unreadable = Some(error.to_string());
            return Some(looked);
        }
        // A program of MS-DOS, or anything that begins like one.
        Ok(_) | Err(_) => return None,
    };
    match examine(&container, &mut input) {
        Ok(examined) if examined.is_empty() => {
            let print = Fingerprint::of(&bytes);
            if let Some((_, own)) = &print.own {
                looked.code.hashes = vec![own.sha1.clone(), own.sha256.clone()];
            }
            looked.print = Some(print);
        }
        Ok(examined) => {
            let reports = examined.iter().map(|examined| examined.conclude(options));
            looked.reports = reports.collect();
            let signed = looked.reports.iter();
            looked.code.hashes = signed
                .filter_map(|report| report.signed_digest.clone())
                .collect();
        }
        Err(error) => looked.code.unreadable = Some(error.to_string()),
    }
    Some(looked)
}

/// The digests of the files that have no signature of their own: the file, and whether as a plain file.
struct Wanted(HashMap<Vec<u8>, Vec<(usize, bool)>>);

impl Wanted {
    fn new(prints: &[(usize, Fingerprint)]) -> Self {
        let mut wanted: HashMap<Vec<u8>, Vec<(usize, bool)>> = HashMap::new();
        for (file, print) in prints {
            let own = print.own.iter();
            let own = own.filter(|(kind, _)| *kind == SubjectKind::Pe);
            let own = own.map(|(_, digests)| (digests, false));
            for (digests, flat) in own.chain([(&print.flat, true)]) {
                for digest in [&digests.sha1, &digests.sha256] {
                    wanted
                        .entry(digest.clone())
                        .or_default()
                        .push((*file, flat));
                }
            }
        }
        Self(wanted)
    }
}

type LookedCatalog = (ImageCatalog, Vec<SignatureReport>, Vec<(usize, bool)>);

fn catalog(
    reader: &mut Reader<'_>,
    file: &Found,
    options: VerifyOptions<'_>,
    wanted: &Wanted,
) -> LookedCatalog {
    let mut found = ImageCatalog {
        at: file.at.clone(),
        installed: file.path().starts_with("windows/system32/catroot/"),
        ..ImageCatalog::default()
    };
    let looked = reader
        .read(file, MAX_CATALOG)
        .map_err(|unread| unread.problem);
    let looked = looked.and_then(|bytes| {
        let mut input = Cursor::new(bytes.as_slice());
        let container = Container::read(&mut input).map_err(|error| error.to_string())?;
        let Container::Catalog(catalog) = &container else {
            return Err(format!("it is a {}", container.format()));
        };
        let listed = listed_digests(catalog);
        let listed = listed.filter_map(|digest| wanted.0.get(&digest));
        let listed: Vec<(usize, bool)> = listed.flatten().copied().collect();
        let examined = examine(&container, &mut input).map_err(|error| error.to_string())?;
        let reports = examined.iter().map(|examined| examined.conclude(options));
        Ok((reports.collect(), listed))
    });
    match looked {
        Ok((reports, listed)) => (found, reports, listed),
        Err(problem) => {
            found.unreadable = Some(problem);
            (found, Vec::new(), Vec::new())
        }
    }
}

/// Records of signatures, like ones kept once: an image has thousands of files of a few signers.
#[derive(Default)]
struct Signers {
    reports: Vec<SignatureReport>,
    known: BTreeMap<String, usize>,
}

impl Signers {
    /// The places of records.
    fn add(&mut self, reports: Vec<SignatureReport>) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::new();
        for report in reports {
            let next = self.reports.len();
            let place = *self.known.entry(likeness(&report)).or_insert(next);
            if place == next {
                self.reports.push(report);
            }
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}

/// What records have in common that are told of together: the signer, the end of the chain, what failed.
fn likeness(report: &SignatureReport) -> String {
    let leaf = report.leaf.as_ref();
    let leaf = leaf.map(|leaf| hex(&DigestAlgorithm::Sha256.of(&leaf.der)));
    let chain = report.chain.as_ref();
    let chain: Option<Vec<&str>> = chain.map(|chain| {
        let certificates = chain.certificates.iter();
        certificates
            .map(|certificate| certificate.subject.common_name.as_str())
            .collect()
    });
    let anchor = report.anchor().map(|anchor| &anchor.thumbprint);
    let failures = report.failures();
    // That message has numbers of the one file.
    let failures: Vec<_> = failures
        .filter(|(check, _, _)| *check != Check::Checksum)
        .collect();
    let is_nested = report.route.contains(".nested[");
    format!("{leaf:?} {chain:?} {anchor:?} {failures:?} {is_nested}")
}
