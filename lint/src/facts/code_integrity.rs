//! What an image has of code integrity: the policies that its packages install, the packages with drivers.

use formats::source::Spanned;
use signer::anchor::TrustClass;

use super::package::Definition;
use super::product::{Product, SelectedPackage};
use super::{Facts, Signature};
use crate::diagnostic::Place;

/// The name under which the boot loader looks for a code-integrity policy.
const INSTALLED_AS: &str = "SIPolicy.p7b";

/// A code-integrity policy that a package of an image installs.
#[derive(Debug, Clone)]
pub struct PolicyFile<'a> {
    /// The package.
    pub selected: &'a SelectedPackage,
    /// The file that it takes, without a folder, e.g. `SIPolicyEnforce.p7b`.
    pub name: &'a str,
    /// The file as the definition writes it.
    pub source: &'a str,
    /// Where the package definition names the file.
    pub place: Place,
}

impl PolicyFile<'_> {
    /// Whether the policy only reports, by its name: the kit has `SIPolicyAudit.p7b`, and had `SIPolicyOff.p7b`.
    pub fn is_audit(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name.contains("audit") || name.contains("policyoff")
    }
}

/// The code-integrity policies of a product, as far as the workspace defines their packages.
pub fn policy_files(product: &Product) -> Vec<PolicyFile<'_>> {
    let mut found = Vec::new();
    for selected in &product.packages {
        let Some(package) = &selected.package else {
            continue;
        };
        for (source, name, route) in payload(&package.definition) {
            let Some(source) = source else {
                continue;
            };
            let own = name_of(&source.value);
            let installed = name.map_or(own, |name| name.value.trim());
            if installed.eq_ignore_ascii_case(INSTALLED_AS) {
                found.push(PolicyFile {
                    selected,
                    name: own,
                    source: &source.value,
                    place: Place::text(package.definition.source(), source.span, route),
                });
            }
        }
    }
    found
}

/// The packages of a product that bring drivers: by their definitions, or by what was found in their cabinets.
pub fn driver_packages<'p>(
    product: &'p Product,
    facts: &Facts<'_>,
) -> impl Iterator<Item = &'p SelectedPackage> {
    product.packages.iter().filter(|selected| {
        let package = selected.package.as_ref();
        let defined = package.is_some_and(|package| match &package.definition {
            Definition::Wm(file) => !file.drivers.is_empty(),
            Definition::Pkg(file) => !file.drivers.is_empty(),
        });
        defined || drivers_of(selected, facts).next().is_some()
    })
}

/// The signatures of the drivers of a package: those in its cabinet, or beside its definition where it is not built.
fn drivers_of<'a>(
    package: &SelectedPackage,
    facts: &Facts<'a>,
) -> impl Iterator<Item = &'a Signature> {
    let cab = package.cab.as_ref().map(|cab| cab.path.as_str());
    let package = package.package.as_ref();
    let defined = package.map(|package| package.definition.path());
    let documents = [cab, defined].into_iter().flatten();
    let signatures = documents.flat_map(|document| facts.signatures_of(document));
    signatures.filter(|signature| signature.is_driver())
}

/// Who signed the drivers of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverSigner {
    /// Microsoft, or somebody below a public root or a cross-certificate.
    Accepted,
    /// Nobody whom Windows knows: the manufacturer, a test certificate, or no signature at all.
    Own,
    /// Nobody looked.
    Unknown,
}

/// Who signed the drivers of a package.
pub fn driver_signer(package: &SelectedPackage, facts: &Facts<'_>) -> DriverSigner {
    let drivers: Vec<&Signature> = drivers_of(package, facts).collect();
    let is_accepted = |driver: &&Signature| {
        let class = driver.class();
        class.is_some_and(|class| !class.is_test() && class != TrustClass::Named)
    };
    match drivers.first() {
        None => DriverSigner::Unknown,
        Some(_) if drivers.iter().all(is_accepted) => DriverSigner::Accepted,
        Some(_) => DriverSigner::Own,
    }
}

/// Source, name and route of one file of a package.
type Payload<'a> = (
    Option<&'a Spanned<String>>,
    Option<&'a Spanned<String>>,
    &'a str,
);

fn payload(definition: &Definition) -> Vec<Payload<'_>> {
    match definition {
        Definition::Wm(file) => {
            let files = file.files.iter();
            files
                .map(|file| {
                    (
                        file.source.as_ref(),
                        file.name.as_ref(),
                        file.route.as_str(),
                    )
                })
                .collect()
        }
        Definition::Pkg(file) => {
            let files = file.files.iter();
            files
                .map(|file| {
                    (
                        file.source.as_ref(),
                        file.name.as_ref(),
                        file.route.as_str(),
                    )
                })
                .collect()
        }
    }
}

fn name_of(path: &str) -> &str {
    path.trim().rsplit(['/', '\\']).next().unwrap_or(path)
}
