//! A package as it is defined: `*.wm.xml` or `*.pkg.xml`, and the cabinet that is built from it.

use std::sync::Arc;

use formats::document::parts::Attribute;
use formats::document::pkg_xml::PkgXml;
use formats::document::registry::Registry;
use formats::document::wm_xml::{TWIN, WmXml};
use formats::source::{Source, Span, Spanned};

use super::file::File;
use super::origin::Origin;
use super::product::Arch;
use super::registry::{Macros, RegistryFile};
use super::tree::TreeFile;
use crate::diagnostic::Place;
use formats::document::variables::Variables;

/// A package of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// What defines it.
    pub definition: Definition,
    /// The cabinet's file name without `.cab`, variables replaced, e.g. `Contoso.Custom.BCD`.
    pub name: String,
    /// The cabinet, where it has been built.
    pub cab: Option<TreeFile>,
    /// The macros that it defines itself; only a `*.pkg.xml` can.
    pub macros: Macros,
}

impl Package {
    /// What the package writes into the registry.
    pub fn registry(&self) -> RegistryFile<'_> {
        let registry: &Registry = match &self.definition {
            Definition::Wm(file) => &file.registry,
            Definition::Pkg(file) => &file.registry,
        };
        RegistryFile::with_macros(self.definition.source(), registry, &self.macros)
    }

    /// The names of the cabinets that it makes, without `.cab`.
    pub fn cabinets(&self) -> impl Iterator<Item = String> {
        let twin = self.definition.has_twin();
        let twin = twin.then(|| format!("{}{TWIN}", self.name));
        [self.name.clone()].into_iter().chain(twin)
    }

    /// Whether both are built into one folder: for one processor, of sources and not of templates.
    pub fn shares_build_with(&self, other: &Self) -> bool {
        let fits = Arch::fits(
            Arch::of_path(self.definition.path()),
            Arch::of_path(other.definition.path()),
        );
        let is_source = |package: &Self| {
            package.definition.is_built() && Origin::of(package.definition.path()) == Origin::Source
        };
        fits && is_source(self) && is_source(other)
    }
}

/// The two kinds of package definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition {
    /// `*.wm.xml`.
    Wm(Arc<File<WmXml>>),
    /// `*.pkg.xml`.
    Pkg(Arc<File<PkgXml>>),
}

/// A file that a package brings, in either kind of definition.
#[derive(Debug, Clone, Copy)]
pub struct PackageFile<'a> {
    /// Where it comes from, relative to the definition.
    pub source: &'a Option<Spanned<String>>,
    /// Where it goes on the device.
    pub destination: &'a Option<Spanned<String>>,
    /// Its name there, where that is not the source's.
    pub renamed: &'a Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: &'a str,
}

impl<'a> PackageFile<'a> {
    /// The file's name on the device.
    pub fn name(&self) -> &'a str {
        let name = self.renamed.as_ref().or(self.source.as_ref());
        let name = name.map_or("", |name| name.value.as_str());
        name.rsplit(['\\', '/']).next().unwrap_or(name)
    }
}

/// A service that a package installs, in either kind of definition.
#[derive(Debug, Clone)]
pub struct Service<'a> {
    /// By which the system knows it.
    pub name: Option<&'a str>,
    /// By which people know it.
    pub display_name: Option<&'a str>,
    /// When it starts, as written: `auto`, `Demand`, ...
    pub start: Option<&'a Spanned<String>>,
    /// The name, or the whole element where there is none.
    pub place: Place,
    /// All attributes.
    pub attributes: &'a [Attribute],
    /// Symbolic place.
    pub route: &'a str,
}

impl<'a> Service<'a> {
    /// The value of an attribute, whose name is compared without regard to case: the two kinds of definitions differ in
    /// that.
    pub fn attribute(&self, name: &str) -> Option<&'a Spanned<String>> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|attribute| attribute.name.value.eq_ignore_ascii_case(name))?;
        Some(&found.value)
    }
}

/// A value of a definition and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The value as written.
    pub value: &'a str,
    /// Where it stands.
    pub place: Place,
}

impl Definition {
    /// The document's text.
    pub fn source(&self) -> &Arc<Source> {
        match self {
            Self::Wm(file) => &file.source,
            Self::Pkg(file) => &file.source,
        }
    }

    /// The document's path.
    pub fn path(&self) -> &str {
        self.source().name()
    }

    /// The folder that the definition and its payload are in.
    pub fn folder(&self) -> &str {
        crate::files::folder_of(self.path())
    }

    /// The name of the root in its start tag: the place of what is missing.
    pub fn root_place(&self) -> Place {
        match self {
            Self::Wm(file) => file.root_place(),
            Self::Pkg(file) => file.root_place(),
        }
    }

    /// `releaseType` or `ReleaseType`. Where it is absent a `*.wm.xml` is `Production`, and a `*.pkg.xml` is wrong.
    pub fn release_type(&self) -> Option<Field<'_>> {
        match self {
            Self::Wm(file) => {
                let value = file.onecore_package_info.as_ref()?.release_type.as_ref()?;
                Some(field(
                    &file.source,
                    value,
                    "identity/onecorePackageInfo/@releaseType",
                ))
            }
            Self::Pkg(file) => Some(field(
                &file.source,
                file.release_type.as_ref()?,
                "Package/@ReleaseType",
            )),
        }
    }

    /// The partition the package is for; `MainOS` where it is absent.
    pub fn partition(&self) -> Option<Field<'_>> {
        match self {
            Self::Wm(file) => {
                let value = file
                    .onecore_package_info
                    .as_ref()?
                    .target_partition
                    .as_ref()?;
                Some(field(
                    &file.source,
                    value,
                    "identity/onecorePackageInfo/@targetPartition",
                ))
            }
            Self::Pkg(file) => Some(field(
                &file.source,
                file.partition.as_ref()?,
                "Package/@Partition",
            )),
        }
    }

    /// The partition the package is for: what is written, or `MainOS` at the root.
    pub fn target(&self) -> Field<'_> {
        self.partition().unwrap_or_else(|| self.at_root("MainOS"))
    }

    /// A value that is not written, at the root.
    pub fn at_root<'a>(&self, value: &'a str) -> Field<'a> {
        Field {
            value,
            place: self.root_place(),
        }
    }

    /// The owner, variables not replaced.
    pub fn owner(&self) -> Option<Field<'_>> {
        match self {
            Self::Wm(file) => Some(field(&file.source, file.owner.as_ref()?, "identity/@owner")),
            Self::Pkg(file) => Some(field(&file.source, file.owner.as_ref()?, "Package/@Owner")),
        }
    }

    /// The owner's type, e.g. `OEM`.
    pub fn owner_type(&self) -> Option<Field<'_>> {
        match self {
            Self::Wm(file) => {
                let value = file.onecore_package_info.as_ref()?.owner_type.as_ref()?;
                Some(field(
                    &file.source,
                    value,
                    "identity/onecorePackageInfo/@ownerType",
                ))
            }
            Self::Pkg(file) => Some(field(
                &file.source,
                file.owner_type.as_ref()?,
                "Package/@OwnerType",
            )),
        }
    }

    /// The macros that it defines.
    pub fn macros(&self) -> Macros {
        match self {
            Self::Wm(_) => Macros::default(),
            Self::Pkg(file) => Macros::of(&file.macros),
        }
    }

    /// The place of a value of this definition.
    pub fn place<V>(&self, value: &Spanned<V>, route: &str) -> Place {
        Place::text(self.source(), value.span, route)
    }

    /// Whether the build scripts take it, which go by the end of its name; anything else may be a template of a tool.
    pub fn is_built(&self) -> bool {
        let path = self.path().to_lowercase();
        match self {
            Self::Wm(_) => path.ends_with(".wm.xml"),
            Self::Pkg(_) => path.ends_with(".pkg.xml"),
        }
    }

    /// What gives the cabinet its name: `legacyName`, `name` or `Component`; the root where there is none.
    pub fn name_place(&self) -> Place {
        let named = match self {
            Self::Wm(file) => file.legacy_name.as_ref().or(file.name.as_ref()),
            Self::Pkg(file) => file.sub_component.as_ref().or(file.component.as_ref()),
        };
        named.map_or_else(|| self.root_place(), |named| self.place(named, "name"))
    }

    /// Whether owner and owner's type say that the package is Microsoft's.
    pub fn is_microsofts(&self) -> bool {
        let says = |field: Option<Field<'_>>| field.is_some_and(|field| field.value == "Microsoft");
        says(self.owner_type()) || says(self.owner())
    }

    /// The files that the package brings, those of its drivers and services included.
    pub fn files(&self) -> Vec<PackageFile<'_>> {
        match self {
            Self::Wm(file) => file
                .files
                .iter()
                .map(|file| PackageFile {
                    source: &file.source,
                    destination: &file.destination_dir,
                    renamed: &file.name,
                    element: file.element,
                    route: &file.route,
                })
                .collect(),
            Self::Pkg(file) => file
                .files
                .iter()
                .map(|file| PackageFile {
                    source: &file.source,
                    destination: &file.destination_dir,
                    renamed: &file.name,
                    element: file.element,
                    route: &file.route,
                })
                .collect(),
        }
    }

    /// What else the package brings than files: the first of each kind, and what a message calls the kind.
    pub fn other_contents(&self) -> Vec<(&'static str, Place)> {
        let at = |span: Span, route: &str| Place::text(self.source(), span, route);
        let (registry, stores) = match self {
            Self::Wm(file) => (&file.registry, &file.bcd_stores),
            Self::Pkg(file) => (&file.registry, &file.bcd_stores),
        };
        let key = registry.keys.first();
        let key = key.map(|key| ("registry keys", at(key.element, &key.route)));
        let driver = self.driver_infs().into_iter().next();
        let driver = driver.map(|(_, place)| ("drivers", place));
        let service = self.services().into_iter().next();
        let service = service.map(|service| ("services", service.place));
        let store = stores.first();
        let store = store.map(|store| ("boot settings", at(store.value.span, "bcdStore")));
        [key, driver, service, store]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The services that the package installs.
    pub fn services(&self) -> Vec<Service<'_>> {
        match self {
            Self::Wm(file) => {
                let services = file.services.iter();
                let service = services.map(|service| {
                    self.service(&service.attributes, service.element, &service.route)
                });
                service.collect()
            }
            Self::Pkg(file) => {
                let services = file.services.iter();
                let service = services.map(|service| {
                    self.service(&service.attributes, service.element, &service.route)
                });
                service.collect()
            }
        }
    }

    fn service<'a>(
        &self,
        attributes: &'a [Attribute],
        element: Span,
        route: &'a str,
    ) -> Service<'a> {
        let mut service = Service {
            name: None,
            display_name: None,
            start: None,
            place: Place::text(self.source(), element, route),
            attributes,
            route,
        };
        if let Some(name) = service.attribute("name") {
            service.name = Some(&name.value);
            service.place = Place::text(self.source(), name.span, route);
        }
        service.display_name = service
            .attribute("displayName")
            .map(|name| name.value.as_str());
        service.start = service.attribute("start");
        service
    }

    /// The INF files of its drivers, as written, with their places.
    pub fn driver_infs(&self) -> Vec<(String, Place)> {
        let inf = |source: &Option<Spanned<String>>, route: &str| {
            let value = source.as_ref()?;
            let place = Place::text(self.source(), value.span, route);
            Some((value.value.clone(), place))
        };
        match self {
            Self::Wm(file) => {
                let drivers = file.drivers.iter();
                drivers
                    .filter_map(|driver| inf(&driver.inf_source, &driver.route))
                    .collect()
            }
            Self::Pkg(file) => {
                let drivers = file.drivers.iter();
                drivers
                    .filter_map(|driver| inf(&driver.inf_source, &driver.route))
                    .collect()
            }
        }
    }

    /// The name that the built cabinet has without `.cab`: `legacyName` of a `*.wm.xml` where it is there, else owner,
    /// namespace and name (`Owner`, `Component` and `SubComponent` of a `*.pkg.xml`) joined by full stops.
    pub fn output_name(&self, variables: &Variables) -> String {
        let written = match self {
            Self::Wm(file) => match &file.legacy_name {
                Some(name) => name.value.clone(),
                None => dotted([&file.owner, &file.namespace, &file.name]),
            },
            Self::Pkg(file) => dotted([&file.owner, &file.component, &file.sub_component]),
        };
        variables.expand(&written).text
    }

    /// Whether it asks for a twin for 32-bit programs (`buildWow`), which builds for `arm64` have.
    pub fn has_twin(&self) -> bool {
        let Self::Wm(file) = self else { return false };
        let wow = file.build_wow.as_ref().map(|wow| wow.value.trim());
        wow.is_some_and(|wow| wow.eq_ignore_ascii_case("true") || wow == "1")
    }
}

/// The board whose folder a path goes through, where it goes through `BSP`.
pub fn board(path: &str) -> Option<&str> {
    let mut names = path.split('/');
    names.find(|name| name.eq_ignore_ascii_case("BSP"))?;
    names.next()
}

fn field<'a>(source: &Source, value: &'a Spanned<String>, route: &str) -> Field<'a> {
    Field {
        value: &value.value,
        place: Place::text(source, value.span, route),
    }
}

fn dotted<'a>(parts: impl IntoIterator<Item = &'a Option<Spanned<String>>>) -> String {
    let values = parts.into_iter().flatten().map(|part| part.value.as_str());
    values
        .filter(|value| !value.is_empty())
        .collect::<Vec<_>>()
        .join(".")
}
