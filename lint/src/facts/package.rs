//! A package as it is defined: `*.wm.xml` or `*.pkg.xml`, and the cabinet that is built from it.

use std::sync::Arc;

use formats::document::pkg_xml::PkgXml;
use formats::document::registry::Registry;
use formats::document::wm_xml::WmXml;
use formats::source::{Source, Spanned};

use super::file::File;
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
}

/// The two kinds of package definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition {
    /// `*.wm.xml`.
    Wm(Arc<File<WmXml>>),
    /// `*.pkg.xml`.
    Pkg(Arc<File<PkgXml>>),
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
