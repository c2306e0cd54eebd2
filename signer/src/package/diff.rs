//! What is different between two packages, for people who review a build.
//!
//! What follows from the rest is left out: manifests and catalog of a package, and the folders of its components, whose
//! names change with its version.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use formats::container::cab::Limits;
use formats::document::component_registry::{ComponentRegistry, component_registry};
use formats::document::decode;
use formats::document::package_manifest::{ManifestKind, PackageIdentity, ServiceData};

use super::contents::Package;
use super::links::Links;
use super::survey::{Survey, survey};
use super::{Layer, PackageError};
use crate::digest::hex;
use crate::identity::thumbprint;
use crate::verify::{Verification, VerifyOptions};

/// A part of packages that can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Who it is.
    Identity,
    /// A file of the payload.
    File,
    /// A registry key or value.
    Registry,
    /// What an element of a component manifest says of a service.
    Service,
    /// Who signed the cabinet, its catalog or a file.
    Signer,
}

impl Part {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::File => "file",
            Self::Registry => "registry",
            Self::Service => "service",
            Self::Signer => "signer",
        }
    }
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub part: Part,
    /// Which one: a name of the identity, a path, a key or a key and value.
    pub name: String,
    /// What the first package has; `None` where it lacks it.
    pub before: Option<String>,
    /// What the second package has; `None` where it lacks it.
    pub after: Option<String>,
}

type Parts = BTreeMap<(Part, String), String>;

/// What of a package is compared with another one, by part and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparable(Parts);

impl Comparable {
    /// Reads the package of which `bytes` is the file.
    ///
    /// # Errors
    /// Where it is no cabinet, or cannot be expanded or read.
    pub fn read(
        bytes: &[u8],
        options: VerifyOptions<'_>,
        limits: Limits,
    ) -> Result<Self, PackageError> {
        let package = Package::read(&mut Cursor::new(bytes), limits)?;
        let survey = survey(bytes, options, limits)?;
        let mut parts = identity(&survey.identity);
        let components: BTreeSet<String> = package
            .files
            .iter()
            .filter_map(|file| Some(file.path.strip_suffix(".manifest")?.to_lowercase()))
            .collect();
        for file in &survey.files {
            let follows = follows(&survey, &file.path);
            let path = match file.path.split_once('/') {
                Some((folder, rest)) if components.contains(&folder.to_lowercase()) => rest,
                _ => file.path.as_str(),
            };
            if !follows {
                let content = format!("{} bytes, SHA-256 {}", file.size, hex(&file.sha256));
                parts.insert((Part::File, path.to_lowercase()), content);
            }
            if let Some(verification) = &file.verification {
                let signers = signers(verification);
                parts.extend(signers.map(|signers| ((Part::Signer, path.to_lowercase()), signers)));
            }
        }
        let cabinet = signers(&survey.cabinet);
        parts.extend(
            cabinet.map(|signers| ((Part::Signer, Layer::Cabinet.name().to_owned()), signers)),
        );
        for service in services(&package)? {
            let name = service.attribute("name").unwrap_or_default();
            let said = service.0.iter().map(|(attribute, value)| {
                let place = format!("{}: {attribute}", name.to_lowercase());
                ((Part::Service, place), value.clone())
            });
            parts.extend(said);
        }
        for (place, data) in registry(&package)? {
            let name = match &place.value {
                Some(value) => format!(
                    "{}: {}",
                    place.key,
                    if value.is_empty() { "(default)" } else { value }
                ),
                None => place.key,
            };
            parts.insert((Part::Registry, name), data);
        }
        Ok(Self(parts))
    }
}

/// Everything that differs between two packages, by part and name.
pub fn diff(before: &Comparable, after: &Comparable) -> Vec<Difference> {
    let (before, after) = (&before.0, &after.0);
    let places: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differences = places.into_iter().filter_map(|place| {
        let (before, after) = (before.get(place).cloned(), after.get(place).cloned());
        (before != after).then(|| Difference {
            part: place.0,
            name: place.1.clone(),
            before,
            after,
        })
    });
    differences.collect()
}

/// Whether a file follows from the rest of its package.
fn follows(survey: &Survey, path: &str) -> bool {
    let catalog = match survey.kind {
        Some(ManifestKind::Dsm) => "content.cat",
        Some(_) => "update.cat",
        None => return false,
    };
    ManifestKind::of_path(path).is_some() || path.eq_ignore_ascii_case(catalog)
}

fn identity(identity: &PackageIdentity) -> Parts {
    let named = [
        ("name", &identity.name),
        ("version", &identity.version),
        ("architecture", &identity.architecture),
        ("language", &identity.language),
        ("public_key_token", &identity.public_key_token),
        ("release_type", &identity.release_type),
        ("owner_type", &identity.owner_type),
        ("owner", &identity.owner),
        ("partition", &identity.partition),
    ];
    let stated = named.into_iter().filter_map(|(name, value)| {
        let value = value.clone()?;
        Some(((Part::Identity, name.to_owned()), value))
    });
    stated.collect()
}

/// Who signed, and whether it holds; `None` where nobody did.
fn signers(verification: &Verification) -> Option<String> {
    let signers = verification.signatures.iter().map(|report| {
        let leaf = report.leaf.as_ref();
        let leaf = leaf.map_or("a certificate that is missing".to_owned(), |leaf| {
            format!("{} ({})", leaf.subject, thumbprint(leaf))
        });
        match report.holds() {
            true => leaf,
            false => format!("{leaf}, does not hold"),
        }
    });
    let signers: Vec<String> = signers.collect();
    (!signers.is_empty()).then(|| signers.join(", "))
}

/// The services that elements of component manifests install.
fn services(package: &Package) -> Result<Vec<ServiceData>, PackageError> {
    let links = Links::read(package)?;
    let manifests = links.manifests.into_iter();
    Ok(manifests
        .flat_map(|manifest| manifest.parsed.services)
        .collect())
}

fn registry(package: &Package) -> Result<ComponentRegistry, PackageError> {
    let mut found = ComponentRegistry::new();
    for file in &package.files {
        if ManifestKind::of_path(&file.path) != Some(ManifestKind::Component) {
            continue;
        }
        let problem = |error: String| PackageError::member(Layer::Digest, &file.path, error);
        let source = decode::decode(&file.path, &file.bytes)
            .map_err(|failed| problem(failed.error.to_string()))?;
        found.extend(component_registry(&source).map_err(|error| problem(error.to_string()))?);
    }
    Ok(found)
}
