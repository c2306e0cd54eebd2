//! What the files of a package say about each other: sizes and digests in manifests, entries of the catalog.

use std::collections::HashMap;
use std::io::Cursor;

use formats::container::cat::Catalog;
use formats::document::decode;
use formats::document::package_manifest::{ListedFile, ManifestKind, PackageManifest};
use formats::source::Source;

use super::contents::{Package, PackageFile};
use super::{Fault, Layer, PackageError};
use crate::catalog::{Lookup, Membership};
use crate::digest::{DigestAlgorithm, hex};

/// A manifest of a package, read.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Index of its file.
    pub(super) index: usize,
    pub(super) source: Source,
    pub(super) parsed: PackageManifest,
    /// The file of each entry, where the package has it.
    pub(super) targets: Vec<Option<usize>>,
}

impl Manifest {
    /// The entries with the files that they are about.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&ListedFile, Option<usize>)> {
        self.parsed.files.iter().zip(self.targets.iter().copied())
    }

    pub(super) fn layer(&self) -> Layer {
        layer(self.parsed.kind)
    }
}

fn layer(kind: ManifestKind) -> Layer {
    match kind {
        ManifestKind::Component => Layer::Digest,
        ManifestKind::Update | ManifestKind::Dsm => Layer::Hash,
    }
}

/// What holds a package together.
#[derive(Debug)]
pub(super) struct Links {
    /// Component manifests first, then the manifest of the package.
    pub(super) manifests: Vec<Manifest>,
    /// Index of the catalog that must list every file.
    pub(super) catalog: Option<usize>,
}

impl Links {
    /// Reads the manifests.
    pub(super) fn read(package: &Package) -> Result<Self, PackageError> {
        let mut manifests = Vec::new();
        for (index, file) in package.files.iter().enumerate() {
            if let Some(kind) = ManifestKind::of_path(&file.path) {
                manifests.push(read_manifest(package, index, file, kind)?);
            }
        }
        manifests.sort_by_key(|manifest| manifest.parsed.kind != ManifestKind::Component);
        let catalog = manifests.last().and_then(|last| last.parsed.kind.catalog());
        Ok(Self {
            catalog: catalog.and_then(|name| package.position(name)),
            manifests,
        })
    }

    /// The manifest that says who the package is; none in a plain cabinet.
    pub(super) fn package_manifest(&self) -> Option<&Manifest> {
        let last = self.manifests.last()?;
        (last.parsed.kind != ManifestKind::Component).then_some(last)
    }
}

fn read_manifest(
    package: &Package,
    index: usize,
    file: &PackageFile,
    kind: ManifestKind,
) -> Result<Manifest, PackageError> {
    let layer = layer(kind);
    let source = decode::decode(&file.path, &file.bytes)
        .map_err(|failed| PackageError::member(layer, &file.path, failed.error))?;
    let parsed = PackageManifest::parse(kind, &source).map_err(|error| {
        let line = source.line_column(error.span.start).line;
        PackageError::member(layer, &file.path, format_args!("line {line}: {error}"))
    })?;
    let target = |listed: &ListedFile| package.position(&parsed.target(&file.path, listed));
    let targets = parsed.files.iter().map(target).collect();
    Ok(Manifest {
        index,
        source,
        parsed,
        targets,
    })
}

/// How many links of each kind were looked at, and which do not hold.
#[derive(Debug, Clone, Default)]
pub struct Examination {
    /// Digests in component manifests.
    pub digests: usize,
    /// Sizes and hashes in the manifest of the package.
    pub hashes: usize,
    /// Files that the catalog must list.
    pub listings: usize,
    /// Links that do not hold.
    pub faults: Vec<Fault>,
}

/// Follows every link.
pub(super) fn examine(package: &Package, links: &Links) -> Examination {
    let mut examination = Examination::default();
    let mut known = Known::new();
    for manifest in &links.manifests {
        for (listed, target) in manifest.entries() {
            let is_stale = target.is_some_and(|target| {
                // No tool can know their sizes in advance, and none leaves the true ones.
                Some(target) == links.catalog || target == manifest.index
            });
            if is_stale {
                continue;
            }
            let count = match manifest.layer() {
                Layer::Digest => &mut examination.digests,
                _ => &mut examination.hashes,
            };
            *count = count.saturating_add(1);
            let file = target.and_then(|target| Some((target, package.files.get(target)?)));
            let size = file.map(|(_, file)| file.bytes.len() as u64);
            let fault = link_fault(listed, size, |algorithm| {
                let (target, file) = file?;
                let known = known.entry((target, algorithm));
                let digest = known.or_insert_with(|| algorithm.of(&file.bytes));
                Some(digest.clone())
            });
            if let Some(reason) = fault {
                let by = package.files.get(manifest.index).map(|file| &file.path);
                examination.faults.push(Fault {
                    layer: manifest.layer(),
                    member: listed.path.value.clone(),
                    reason: format!("{}: {reason}", by.map_or("", String::as_str)),
                });
            }
        }
    }
    if links.package_manifest().is_some() {
        examine_listings(package, links, &mut examination);
    }
    examination
}

/// Digests of files, each computed once however often it is stated.
type Known = HashMap<(usize, DigestAlgorithm), Vec<u8>>;

/// Why an entry of a manifest does not fit its file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// There is no such file.
    #[error("the cabinet does not have it")]
    Missing,
    /// It has another size.
    #[error("{stated} bytes are stated, the file has {found}")]
    Size {
        /// As the manifest has it.
        stated: String,
        /// In bytes.
        found: u64,
    },
    /// What should be a digest is none.
    #[error("`{0:.80}` is no digest")]
    NoDigest(String),
    /// It has another digest.
    #[error("the digest {} is stated, the file has {}", hex(.stated), hex(.found))]
    Digest {
        /// As the manifest has it.
        stated: Vec<u8>,
        /// By the same algorithm.
        found: Vec<u8>,
    },
}

/// Compares an entry with its file, whose size is `None` where there is none; `digest` gives its digest, `None` where an
/// algorithm is not compared.
pub fn link_fault(
    listed: &ListedFile,
    size: Option<u64>,
    digest: impl FnOnce(DigestAlgorithm) -> Option<Vec<u8>>,
) -> Option<LinkFault> {
    let Some(found) = size else {
        return Some(LinkFault::Missing);
    };
    if let Some(size) = &listed.size
        && size.value.parse() != Ok(found)
    {
        let stated = size.value.clone();
        return Some(LinkFault::Size { stated, found });
    }
    let stated = listed.digest.as_ref()?;
    let Some(algorithm) = algorithm_of_length(stated.bytes.len()) else {
        return Some(LinkFault::NoDigest(stated.text.value.clone()));
    };
    let found = digest(algorithm)?;
    let stated = stated.bytes.clone();
    (found != stated).then_some(LinkFault::Digest { stated, found })
}

/// The algorithm whose digests have this length, in bytes.
pub(super) fn algorithm_of_length(length: usize) -> Option<DigestAlgorithm> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    let mut algorithms = [Sha1, Sha256, Sha384, Sha512].into_iter();
    algorithms.find(|algorithm| algorithm.length() == length)
}

/// Looks every file but the catalog up in it.
fn examine_listings(package: &Package, links: &Links, examination: &mut Examination) {
    let mut fail = |member: &str, reason: String| {
        examination.faults.push(Fault {
            layer: Layer::Listing,
            member: member.to_owned(),
            reason,
        });
    };
    let file = links.catalog.and_then(|index| package.files.get(index));
    let Some(file) = file else {
        fail("", "the package has no catalog".to_owned());
        return;
    };
    let catalog = match Catalog::parse(file.bytes.clone()) {
        Ok(catalog) => catalog,
        Err(error) => return fail(&file.path, error.to_string()),
    };
    let lookup = Lookup::new(&catalog);
    let mut count = 0_usize;
    for (index, member) in package.files.iter().enumerate() {
        if Some(index) == links.catalog {
            continue;
        }
        count = count.saturating_add(1);
        let by = &file.path;
        match lookup.find(None, &mut Cursor::new(&member.bytes)) {
            Ok(Membership::Listed(_)) => {}
            Ok(Membership::Changed { reason, .. }) => {
                fail(&member.path, format!("{by} lists another file: {reason}"));
            }
            Ok(Membership::NotListed { note }) => {
                let note = note.map_or(String::new(), |note| format!("; {note}"));
                fail(&member.path, format!("{by} does not list it{note}"));
            }
            Err(error) => fail(&member.path, error.to_string()),
        }
    }
    examination.listings = count;
}
