//! The services that packages install, told by their definitions or, where a built package has none here, by its
//! component manifests: rules judge both alike.

use formats::document::package_manifest::ManifestKind;

use super::Facts;
use super::built::BuiltPackage;
use super::package::{Definition, Service};
use crate::diagnostic::Place;
use crate::files::name_of;
use crate::rule::{Finding, Report};

/// A service and the package that installs it.
#[derive(Debug, Clone)]
pub struct InstalledService<'a> {
    /// Who tells of it.
    pub package: Installer<'a>,
    /// Its name, or the whole element.
    pub place: Place,
    /// Name, value and place of each attribute.
    attributes: Vec<(&'a str, &'a str, Place)>,
}

/// What tells that a package installs a service.
#[derive(Debug, Clone, Copy)]
pub enum Installer<'a> {
    /// The definition of the package.
    Definition(&'a Definition),
    /// The built package.
    Built(&'a BuiltPackage),
}

/// An attribute of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAttribute<'s> {
    /// As written.
    pub value: &'s str,
    /// Where it stands.
    pub place: Place,
}

impl<'a> InstalledService<'a> {
    fn defined(definition: &'a Definition, service: Service<'a>) -> Self {
        let attributes = service.attributes.iter().map(|attribute| {
            let place = definition.place(&attribute.value, service.route);
            let (name, value) = (&attribute.name.value, &attribute.value.value);
            (name.as_str(), value.as_str(), place)
        });
        Self {
            attributes: attributes.collect(),
            package: Installer::Definition(definition),
            place: service.place,
        }
    }

    /// An attribute, whose name is compared without regard to case.
    pub fn attribute(&self, name: &str) -> Option<ServiceAttribute<'_>> {
        let mut attributes = self.attributes.iter();
        let (_, value, place) = attributes.find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        let place = place.clone();
        Some(ServiceAttribute { value, place })
    }

    /// By which the system knows it; empty where it has no name.
    pub fn name(&self) -> &str {
        self.attribute("name").map_or("", |name| name.value)
    }
}

impl<'a> Installer<'a> {
    /// The services that this package installs.
    pub fn services(self) -> Vec<InstalledService<'a>> {
        match self {
            Self::Definition(definition) => {
                let services = definition.services().into_iter();
                services
                    .map(|service| InstalledService::defined(definition, service))
                    .collect()
            }
            Self::Built(built) => services_of(built),
        }
    }

    /// Whether it is of the format before `*.wm.xml`.
    pub fn is_legacy(self) -> bool {
        match self {
            Self::Definition(definition) => matches!(definition, Definition::Pkg(_)),
            Self::Built(built) => built.contents.kind == Some(ManifestKind::Dsm),
        }
    }

    /// The file that tells of it.
    pub fn path(self) -> &'a str {
        match self {
            Self::Definition(definition) => definition.path(),
            Self::Built(built) => &built.path,
        }
    }

    /// The partition that the package is for, where it says so.
    pub fn partition(self) -> Option<&'a str> {
        match self {
            Self::Definition(definition) => definition.partition().map(|field| field.value),
            Self::Built(built) => built.contents.identity.partition.as_deref(),
        }
    }

    /// Whether the package brings a file of this name, in any case.
    pub fn has_file(self, name: &str) -> bool {
        match self {
            Self::Definition(definition) => {
                let mut files = definition.files().into_iter();
                files.any(|file| file.name().eq_ignore_ascii_case(name))
            }
            Self::Built(built) => {
                let mut members = built.contents.members.iter();
                members.any(|member| member.name().eq_ignore_ascii_case(name))
            }
        }
    }

    /// Reports a defect of a service: at the definition, or where [`Facts::built_place`] puts it.
    pub fn report<'r>(
        self,
        report: &'r mut Report,
        facts: &Facts<'_>,
        place: Place,
        message: String,
    ) -> &'r mut Finding {
        match self {
            Self::Definition(_) => report.at(place, message),
            Self::Built(built) => {
                let message = format!("{message}, in `{}`", name_of(&built.path));
                report.at_built(facts, built, place, message)
            }
        }
    }
}

fn services_of(built: &BuiltPackage) -> Vec<InstalledService<'_>> {
    let components = built.contents.components.iter();
    let services = components.flat_map(|component| {
        let numbered = component.services.iter().zip(1_usize..);
        numbered.map(move |(service, number)| (component, service, number))
    });
    let services = services.map(|(component, service, number)| {
        let route = format!("{}: serviceData[{number}]", component.manifest);
        let attributes = service.0.iter().map(|(name, value)| {
            let place = built.place(format!("{route}/@{name}"));
            (name.as_str(), value.as_str(), place)
        });
        InstalledService {
            attributes: attributes.collect(),
            package: Installer::Built(built),
            place: built.place(route),
        }
    });
    services.collect()
}

impl Facts<'_> {
    /// The services of the packages of this image type.
    pub fn services(&self) -> Vec<InstalledService<'_>> {
        let defined = self.packages.iter();
        let defined = defined.map(|package| Installer::Definition(&package.definition));
        let built = self.built.iter();
        let built = built.filter(|built| self.index.definition_of(&built.path).is_none());
        let built = built.map(|built| Installer::Built(built));
        defined.chain(built).flat_map(Installer::services).collect()
    }

    /// What tells of the services at a path: a definition, or a built package without one.
    pub fn installer(&self, path: &str) -> Option<Installer<'_>> {
        match self.index.package(path) {
            Some(package) => Some(Installer::Definition(&package.definition)),
            None => self.index.built(path).map(Installer::Built),
        }
    }

    /// Whether a built package of this image type installs services, by its component manifests.
    pub fn is_built_with_services(&self, cab: &str) -> bool {
        let built = self.built_at(cab);
        built.is_some_and(|built| built.contents.installs_services())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::contents::Content;
    use crate::facts::signature::{Carrier, State};
    use crate::image::ImageType;
    use crate::testing::built::{built, component};
    use crate::testing::{run, signed};
    use signer::anchor::TrustClass;

    #[test]
    fn services_of_built_packages_are_judged_like_those_of_definitions() {
        let service = |start: &'static str, path: &'static str| {
            let attributes: &[(&str, &str)] = &[
                ("name", "Agent"),
                ("displayName", "Kiosk Agent"),
                ("start", start),
                ("imagePath", path),
                ("objectName", "LocalSystem"),
            ];
            let profile = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\ManufacturingMode\\P\\Services\\Kiosk Agent";
            component(&[attributes], &[(profile, "Start", "0x2")])
        };
        let judged = |rule: &str, kind, image, start, path| {
            run(rule, &built(kind, service(start, path), image))
        };
        let (new, old) = (ManifestKind::Update, ManifestKind::Dsm);
        let path = "%SystemRoot%\\System32\\a.exe";
        let retail = ImageType::Retail;
        for (rule, kind, image, start, path, wanted) in [
            (
                "service-localsystem",
                new,
                retail,
                "auto",
                path,
                "info a.cab (a.manifest: serviceData[1]/@objectName) service `Agent` starts as `LocalSystem`, in `a.cab`",
            ),
            (
                "service-image-path",
                new,
                retail,
                "auto",
                "$(runtime.system32)\\b.exe",
                "warning a.cab (a.manifest: serviceData[1]/@imagePath) `b.exe` is not among the files of the package, in `a.cab`",
            ),
            (
                "service-auto-outside-mmos",
                old,
                retail,
                "auto",
                path,
                "warning a.cab (a.manifest: serviceData[1]/@start) service `Agent` has `Start=\"auto\"` outside of the manufacturing OS, in `a.cab`",
            ),
            (
                "mmos-service-not-auto",
                old,
                ImageType::Mmos,
                "demand",
                path,
                "info a.cab (a.manifest: serviceData[1]/@start) service `Agent` is `demand`, expected `Auto`, in `a.cab`",
            ),
            (
                "mfg-service-unknown",
                new,
                retail,
                "demand",
                path,
                "warning a.cab (a.manifest: registryKey[1]) `Kiosk Agent` is the display name of the service `Agent`, expected `Agent`",
            ),
        ] {
            assert_eq!(judged(rule, kind, image, start, path), [wanted], "{rule}");
        }
        for (rule, kind, image, start, path) in [
            ("service-localsystem", new, retail, "demand", path),
            ("service-image-path", new, retail, "auto", path),
            ("service-auto-outside-mmos", new, retail, "auto", path),
            ("mmos-service-not-auto", old, ImageType::Mmos, "auto", path),
        ] {
            assert_eq!(judged(rule, kind, image, start, path), [""; 0], "{rule}");
        }
    }

    #[test]
    fn the_program_of_a_service_in_a_built_package_is_signed_itself() {
        let judged = |rule: &str, services: &[&[(&str, &str)]]| {
            let component = component(services, &[]);
            let mut workspace = built(ManifestKind::Update, component, ImageType::Retail);
            let mut unsigned = signed("a.cab", TrustClass::Named);
            unsigned.subject.member = Some("x/a.exe".to_owned());
            unsigned.carrier = Carrier::File(Content::Image { machine: 0x1c4 });
            unsigned.state = State::Unsigned;
            workspace.signatures.push(unsigned);
            run(rule, &workspace).len()
        };
        let service: &[&[(&str, &str)]] = &[&[("name", "Agent")]];
        assert_eq!(judged("unsigned-service-binary", service), 1);
        assert_eq!(judged("unsigned-pe", service), 0);
        assert_eq!(judged("unsigned-service-binary", &[]), 0);
        assert_eq!(judged("unsigned-pe", &[]), 1);
    }
}
