//! Reads built packages from inside, in one pass over their files: manifests, catalogs, signatures.
//!
//! One file is in memory at a time, and none that is larger than `LARGEST_FILE`; others are hashed as they pass.
//! Every file is hashed once as a whole and, where it is an image or a cabinet, once without its signature.

use std::collections::HashMap;
use std::io::{Cursor, Read, Seek};

use formats::container::Container;
use formats::container::cab::{Cabinet, Contents as Folders, Limits, Member as Packed};
use formats::container::cat::{Catalog, Version};
use formats::container::si_policy::{self, Policy, SiPolicy};
use formats::document::decode;
use formats::document::package_manifest::{ListedFile, ManifestKind, PackageManifest};
use formats::error::ParseError;
use signer::catalog::{Fingerprint, Fingerprinter, coverage};
use signer::digest::{DigestAlgorithm, hex};
use signer::package::{LinkFault, link_fault};
use signer::verify::examine;

use crate::facts::contents::{
    BrokenLink, Component, Content, Contents, ListedCatalog, Member, PackedPolicy,
};
use crate::files::name_of;

/// Largest file of a package that is looked into, bytes; larger ones are hashed.
const LARGEST_FILE: u32 = 256 << 20;
/// Most bytes of catalogs that are kept until all files are known.
const MOST_CATALOGS: usize = 64 << 20;
/// Bytes to which the files of a package may expand, whatever its size.
const FREE: u64 = 256 << 20;
/// How many times its size a package may expand beyond that; real ones stay below 20.
const MOST_RATIO: u64 = 200;

/// How many files with one defect are told of.
const MOST_TOLD: usize = 1000;

/// Name ends of images, lower case.
const IMAGES: [&str; 4] = [".exe", ".dll", ".sys", ".efi"];
/// Name ends of app packages, lower case.
const APPS: [&str; 4] = [".appx", ".msix", ".appxbundle", ".msixbundle"];

/// Reads a package and everything in it.
///
/// # Errors
/// Where the file cannot be read or is no container at all; what is wrong inside is in the result.
pub fn look_inside(input: &mut (impl Read + Seek)) -> Result<Contents, String> {
    let container = Container::read(input).map_err(|error| error.to_string())?;
    let signatures = examine(&container, input).map_err(|error| error.to_string())?;
    let mut contents = match &container {
        Container::Cabinet(cabinet) => Reading::default().read(cabinet, input),
        _ => Contents::default(),
    };
    contents.signatures = signatures;
    Ok(contents)
}

/// What a name says that a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A PE image.
    Image,
    /// An app package.
    App,
    /// A catalog.
    Catalog,
}

impl Claim {
    /// The claim of a file name, in any case.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let name = name_of(path).to_ascii_lowercase();
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        match () {
            () if ends(&IMAGES) => Some(Self::Image),
            () if ends(&APPS) => Some(Self::App),
            () if ends(&[".cat"]) => Some(Self::Catalog),
            () => None,
        }
    }

    /// What such a file is where it cannot be read.
    pub(crate) fn content(self) -> Content {
        match self {
            Self::Image => Content::Image { machine: 0 },
            Self::App => Content::App(Default::default()),
            Self::Catalog => Content::Catalog,
        }
    }
}

/// What a container is to a package; `None` for one that is payload like any other.
pub(crate) fn content_of(container: &Container, claim: Option<Claim>) -> Option<Content> {
    match container {
        Container::Pe(image) => Some(Content::Image {
            machine: image.header().machine,
        }),
        Container::Appx(package) => Some(Content::App(package.identity().clone())),
        // Certificates and keys are DER as well.
        Container::Catalog(_) if claim == Some(Claim::Catalog) => Some(Content::Catalog),
        Container::Catalog(_)
        | Container::Cabinet(_)
        | Container::SiPolicy(_)
        | Container::EfiVariable(_) => None,
    }
}

/// The options of a policy and where they stand.
fn options_of(file: &SiPolicy) -> Result<Vec<(u32, u64)>, ParseError> {
    let (bytes, offset) = file.policy()?;
    let options = Policy::read(bytes, offset)?.options;
    let options = options.iter();
    Ok(options
        .map(|option| (option.value.0, option.span.start as u64))
        .collect())
}

/// A package that is being read.
#[derive(Default)]
struct Reading {
    contents: Contents,
    /// One for every member, in the same order.
    fingerprints: Vec<Fingerprint>,
    manifests: Vec<(String, PackageManifest)>,
    catalogs: Vec<(String, Catalog)>,
    catalog_bytes: usize,
}

impl Reading {
    fn read(mut self, cabinet: &Cabinet, input: &mut (impl Read + Seek)) -> Contents {
        let most = Limits::default();
        let length = u64::from(cabinet.header().cb_cabinet);
        let ratio = FREE.max(length.saturating_mul(MOST_RATIO));
        let limits = Limits {
            expanded_total: most.expanded_total.min(ratio),
            ..most
        };
        match Folders::open(&mut *input, cabinet, limits) {
            Ok(mut folders) => loop {
                match folders.next_member() {
                    Ok(None) => break,
                    Ok(Some(mut member)) => self.take(&mut member),
                    Err(error) => self.cannot_read(error.to_string()),
                }
            },
            Err(error) => self.cannot_read(error.to_string()),
        }
        self.finish()
    }

    /// Keeps the first reason.
    fn cannot_read(&mut self, problem: String) {
        self.contents.unread.get_or_insert(problem);
    }

    fn take<R: Read + Seek>(&mut self, packed: &mut Packed<'_, '_, R>) {
        let path = packed.path().to_owned();
        let size = packed.file().cb_file;
        let claim = Claim::of(&path);
        let mut member = Member {
            size: size.into(),
            sha256: String::new(),
            content: claim.map_or(Content::Other, Claim::content),
            signatures: Vec::new(),
            unreadable: None,
            path,
        };
        let is_read = claim.is_some() || ManifestKind::of_path(&member.path).is_some();
        let begins = packed.fill();
        let begins = begins.map(|bytes| bytes.starts_with(b"MZ") || si_policy::begins(bytes));
        let hashed = if (is_read || begins == Ok(true)) && size <= LARGEST_FILE {
            let bytes = packed.read_all();
            bytes.map(|bytes| {
                self.look_into(&mut member, &bytes, claim);
                Fingerprint::of(&bytes)
            })
        } else {
            if is_read {
                member.unreadable = Some(format!("{size} bytes are more than are looked into"));
            }
            let mut hashing = Fingerprinter::default();
            let passed = packed.for_each_chunk(|chunk| hashing.update(chunk));
            passed.map(|()| hashing.finish())
        };
        match hashed {
            Ok(fingerprint) => {
                member.sha256 = hex(&fingerprint.flat.sha256);
                self.fingerprints.push(fingerprint);
                self.contents.members.push(member);
            }
            Err(error) => self.cannot_read(format!("{}: {error}", member.path)),
        }
    }

    fn look_into(&mut self, member: &mut Member, bytes: &[u8], claim: Option<Claim>) {
        if let Some(kind) = ManifestKind::of_path(&member.path) {
            match manifest(kind, &member.path, bytes) {
                Ok(manifest) => self.manifests.push((member.path.clone(), manifest)),
                Err(problem) => self.cannot_read(format!("{}: {problem}", member.path)),
            }
            return;
        }
        let mut input = Cursor::new(bytes);
        match Container::read(&mut input) {
            Ok(Container::SiPolicy(file)) => {
                let options = options_of(&file).map_err(|error| error.to_string());
                self.contents.policies.push(PackedPolicy {
                    path: member.path.clone(),
                    options,
                });
            }
            Ok(container) => {
                let Some(content) = content_of(&container, claim) else {
                    return;
                };
                member.content = content;
                match examine(&container, &mut input) {
                    Ok(examined) => member.signatures = examined,
                    Err(error) => member.unreadable = Some(error.to_string()),
                }
                if let Container::Catalog(catalog) = container {
                    self.keep(&member.path, *catalog, bytes.len());
                }
            }
            Err(error) if claim.is_some() => {
                let is_oid = claim == Some(Claim::Catalog)
                    && matches!(
                        error.field,
                        "subjectUsage" | "subjectAlgorithm" | "eContentType"
                    );
                if is_oid {
                    let mut listed = unread_catalog(&member.path);
                    listed.unknown_oid = Some(error.to_string());
                    self.contents.catalogs.push(listed);
                }
                member.unreadable = Some(error.to_string());
            }
            // An MS-DOS program, or anything that begins like one.
            Err(_) => {}
        }
    }

    fn keep(&mut self, path: &str, catalog: Catalog, length: usize) {
        self.catalog_bytes = self.catalog_bytes.saturating_add(length);
        match self.catalog_bytes > MOST_CATALOGS {
            true => self.cannot_read(format!("{path}: more catalogs than are compared")),
            false => self.catalogs.push((path.to_owned(), catalog)),
        }
    }

    fn finish(mut self) -> Contents {
        let of_package = |kind| {
            self.manifests
                .iter()
                .find(|(_, manifest)| manifest.kind == kind)
        };
        let found = of_package(ManifestKind::Update).or_else(|| of_package(ManifestKind::Dsm));
        if let Some((_, manifest)) = found {
            self.contents.kind = Some(manifest.kind);
            self.contents.identity = manifest.identity.clone();
        }
        let own = self.contents.own_catalog();
        let listed = self.catalogs.iter().map(|(path, catalog)| {
            let is_of_package = own.is_some_and(|own| path.eq_ignore_ascii_case(own));
            self.compare(path, catalog, is_of_package)
        });
        let listed: Vec<ListedCatalog> = listed.collect();
        self.contents.catalogs.extend(listed);
        self.contents.broken = self.broken_links();
        for (path, manifest) in self.manifests {
            if !manifest.registry.is_empty() || !manifest.services.is_empty() {
                self.contents.components.push(Component {
                    manifest: path,
                    registry: manifest.registry,
                    services: manifest.services,
                });
            }
        }
        self.contents
    }

    fn compare(&self, path: &str, catalog: &Catalog, is_of_package: bool) -> ListedCatalog {
        let is_other = |member: &&Member| !member.path.eq_ignore_ascii_case(path);
        let files = self.contents.members.iter().zip(&self.fingerprints);
        let files: Vec<_> = files.filter(|(member, _)| is_other(member)).collect();
        let prints: Vec<&Fingerprint> = files.iter().map(|(_, print)| *print).collect();
        let found = coverage(catalog, &prints);
        let mut listed = unread_catalog(path);
        listed.is_of_package = is_of_package;
        listed.entries = catalog.members().len();
        let values = catalog.attributes().iter();
        let values = values.chain(
            catalog
                .members()
                .iter()
                .flat_map(|member| &member.attributes),
        );
        for value in values.filter(|value| value.name == "OSAttr") {
            let text = value.text().unwrap_or_default();
            if !listed.os_attributes.contains(&text) && listed.os_attributes.len() < 16 {
                listed.os_attributes.push(text);
            }
        }
        let by_both = catalog.version() == Version::V2;
        listed.version = if by_both { 2 } else { 1 };
        for ((member, _), file) in files.iter().zip(found.files) {
            let name = || member.path.clone();
            match (file.sha1, file.sha256) {
                _ if file.fault.is_some() => {
                    listed
                        .changed
                        .push((name(), file.fault.unwrap_or_default()));
                }
                (false, false) if is_of_package => listed.missing.push(name()),
                (true, false) if by_both => listed.by_one_digest.push((name(), "SHA-1".into())),
                (false, true) if by_both => listed.by_one_digest.push((name(), "SHA-256".into())),
                _ => {}
            }
        }
        listed.extra = found.extra;
        listed.changed.truncate(MOST_TOLD);
        listed
    }

    /// Compares what the manifests state of files with the files.
    fn broken_links(&self) -> Vec<BrokenLink> {
        let names = self.contents.members.iter().zip(&self.fingerprints);
        let names: HashMap<String, (&Member, &Fingerprint)> = names
            .map(|(member, print)| (member.path.to_lowercase(), (member, print)))
            .collect();
        let own = self.contents.own_catalog().unwrap_or_default();
        let mut broken = Vec::new();
        for (path, manifest) in &self.manifests {
            for listed in &manifest.files {
                let target = manifest.target(path, listed);
                let target = target.to_lowercase();
                // No tool can know their sizes in advance, and none leaves the true ones.
                if target == own || target == path.to_lowercase() {
                    continue;
                }
                if broken.len() >= MOST_TOLD {
                    return broken;
                }
                if let Some(fault) = fault(listed, names.get(&target).copied()) {
                    broken.push(BrokenLink {
                        manifest: path.clone(),
                        member: listed.path.value.clone(),
                        reason: fault.to_string(),
                    });
                }
            }
        }
        broken
    }
}

impl Contents {
    /// The name of the catalog that must list every file, in lower case.
    pub fn own_catalog(&self) -> Option<&'static str> {
        self.kind?.catalog()
    }
}

fn unread_catalog(path: &str) -> ListedCatalog {
    ListedCatalog {
        path: path.to_owned(),
        is_of_package: false,
        version: 0,
        entries: 0,
        os_attributes: Vec::new(),
        missing: Vec::new(),
        changed: Vec::new(),
        by_one_digest: Vec::new(),
        extra: Vec::new(),
        unknown_oid: None,
    }
}

fn manifest(kind: ManifestKind, path: &str, bytes: &[u8]) -> Result<PackageManifest, String> {
    let source = decode::decode(path, bytes).map_err(|failed| failed.error.to_string())?;
    PackageManifest::parse(kind, &source).map_err(|error| {
        let line = source.line_column(error.span.start).line;
        format!("line {line}: {error}")
    })
}

/// Why an entry of a manifest does not fit its file. Longer digests than those of a fingerprint are not compared.
fn fault(listed: &ListedFile, found: Option<(&Member, &Fingerprint)>) -> Option<LinkFault> {
    let size = found.map(|(member, _)| member.size);
    link_fault(listed, size, |algorithm| {
        let (_, print) = found?;
        match algorithm {
            DigestAlgorithm::Sha1 => Some(print.flat.sha1.to_vec()),
            DigestAlgorithm::Sha256 => Some(print.flat.sha256.to_vec()),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests;
