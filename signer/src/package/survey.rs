//! A package as it is: who it is, its files, its signatures, and whether its links hold.

use formats::container::Format;
use formats::container::cab::Limits;
use formats::document::package_manifest::{
    ManifestKey, ManifestKind, PackageIdentity, PackageManifest,
};
use formats::document::registry::service_of;

use super::contents::Package;
use super::links::{Examination, Links, examine};
use super::plan::verification;
use super::{Fault, Layer, PackageError};
use crate::digest::DigestAlgorithm;
use crate::verify::{Verification, VerifyOptions};

/// A file of a surveyed package.
#[derive(Debug, Clone)]
pub struct SurveyedFile {
    /// Its path in the cabinet with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Vec<u8>,
    /// What kind of container it is, where it is one.
    pub format: Option<Format>,
    /// Its signatures, where it is a container.
    pub verification: Option<Verification>,
}

/// A service of a surveyed package, told by an element of a component manifest or by values of its registry key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedService {
    /// By which the system knows it.
    pub name: String,
    /// When it starts, as written: `auto`, `0x00000002`.
    pub start: Option<String>,
    /// Its program.
    pub image_path: Option<String>,
}

/// What there is to know about a package.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Which manifest says who the package is; `None` for a plain cabinet.
    pub kind: Option<ManifestKind>,
    /// Who it is; empty for a plain cabinet.
    pub identity: PackageIdentity,
    /// The cabinet's own signatures.
    pub cabinet: Verification,
    /// The files in the order of the cabinet.
    pub files: Vec<SurveyedFile>,
    /// The registry keys of the components, as their manifests list them: every ancestor as well.
    pub registry: Vec<ManifestKey>,
    /// The services, by name.
    pub services: Vec<SurveyedService>,
    /// The links, and those that do not hold. Signatures that do not hold, and a missing signature of a package or its
    /// catalog, are among them.
    pub links: Examination,
}

impl Survey {
    /// Whether every signature and every link holds.
    pub fn holds(&self) -> bool {
        self.links.faults.is_empty()
    }
}

/// Surveys the package of which `bytes` is the file.
///
/// # Errors
/// Where it is no cabinet, or a file in it cannot be expanded or read.
pub fn survey(
    bytes: &[u8],
    options: VerifyOptions<'_>,
    limits: Limits,
) -> Result<Survey, PackageError> {
    let package = Package::read(&mut std::io::Cursor::new(bytes), limits)?;
    let links = Links::read(&package)?;
    let cabinet = verification(bytes, options)?;
    let mut examination = examine(&package, &links);
    let manifest = links.package_manifest();
    let mut faults = signature_faults(Layer::Cabinet, "", &cabinet, manifest.is_some());
    let mut files = Vec::with_capacity(package.files.len());
    for (index, file) in package.files.iter().enumerate() {
        let format = file.format()?;
        let verification = match format {
            // Who may sign policies and variables is the image's affair, and no package's.
            None | Some(Format::SiPolicy | Format::EfiVariable) => None,
            Some(_) => Some(verification(&file.bytes, options)?),
        };
        if let Some(verification) = &verification {
            let is_needed = Some(index) == links.catalog;
            let layer = match verification.format {
                Format::Pe => Layer::Image,
                Format::Appx => Layer::App,
                Format::Catalog => Layer::Catalog,
                Format::Cabinet | Format::SiPolicy | Format::EfiVariable => Layer::Cabinet,
            };
            faults.extend(signature_faults(layer, &file.path, verification, is_needed));
        }
        files.push(SurveyedFile {
            path: file.path.clone(),
            size: file.bytes.len() as u64,
            sha256: DigestAlgorithm::Sha256.of(&file.bytes),
            format,
            verification,
        });
    }
    faults.append(&mut examination.faults);
    examination.faults = faults;
    Ok(Survey {
        kind: manifest.map(|manifest| manifest.parsed.kind),
        identity: manifest.map_or_else(PackageIdentity::default, |m| m.parsed.identity.clone()),
        cabinet,
        files,
        registry: of_components(&links, |parsed| &parsed.registry),
        services: services(&links),
        links: examination,
    })
}

/// What the component manifests list.
fn of_components<T: Clone>(links: &Links, list: impl Fn(&PackageManifest) -> &Vec<T>) -> Vec<T> {
    let manifests = links.manifests.iter();
    manifests
        .flat_map(|manifest| list(&manifest.parsed).iter().cloned())
        .collect()
}

fn services(links: &Links) -> Vec<SurveyedService> {
    let elements = of_components(links, |parsed| &parsed.services);
    let mut services: Vec<_> = elements
        .iter()
        .map(|service| {
            let of = |name| service.attribute(name).map(str::to_owned);
            SurveyedService {
                name: of("name").unwrap_or_default(),
                start: of("start"),
                image_path: of("imagePath"),
            }
        })
        .collect();
    for key in of_components(links, |parsed| &parsed.registry) {
        let Some(name) = service_of(&key.name) else {
            continue;
        };
        let of = |name: &str| {
            let mut values = key.values.iter();
            let value = values.find(|value| value.name.eq_ignore_ascii_case(name))?;
            Some(value.data.clone())
        };
        let (start, image_path) = (of("Start"), of("ImagePath"));
        // Other keys there have parameters of services that somebody else installs.
        if start.is_some() || image_path.is_some() {
            services.push(SurveyedService {
                name: name.to_owned(),
                start,
                image_path,
            });
        }
    }
    services.sort_by_key(|service| service.name.to_lowercase());
    services
}

/// What speaks against the signatures of a file, which must have one where it `is_needed`.
fn signature_faults(
    layer: Layer,
    member: &str,
    verification: &Verification,
    is_needed: bool,
) -> Vec<Fault> {
    let fault = |reason| Fault {
        layer,
        member: member.to_owned(),
        reason,
    };
    if verification.signatures.is_empty() && is_needed {
        return vec![fault("it is not signed".to_owned())];
    }
    let reports = verification.signatures.iter();
    let failures = reports.flat_map(|report| {
        let failures = report.failures();
        failures.map(|(check, _, message)| format!("{} {}: {message}", report.route, check.name()))
    });
    failures.map(fault).collect()
}
