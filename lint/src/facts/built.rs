//! Built packages of a workspace: what is in them, beside what defines them.

use std::collections::HashMap;
use std::sync::Arc;

use formats::document::registry::{Notation, Registry, RegistryKey, RegistryType, RegistryValue};
use formats::source::{Source, Span, Spanned};

use super::contents::{Contents, Member};
use super::registry::RegistryFile;
use super::{Facts, Package, Workspace};
use crate::diagnostic::Place;

/// A built package whose contents were read.
#[derive(Debug, Clone)]
pub struct BuiltPackage {
    /// The cabinet.
    pub path: String,
    /// What is in it.
    pub contents: Arc<Contents>,
    /// What its components write into the registry.
    pub registry: Registry,
    /// Named like the cabinet and empty, as there is no text that a person could go to.
    pub source: Arc<Source>,
}

impl BuiltPackage {
    /// A package of this path.
    pub fn new(path: impl Into<String>, contents: Arc<Contents>) -> Self {
        let path = path.into();
        Self {
            registry: registry(&contents),
            source: Arc::new(Source::new(path.as_str(), "", 0)),
            path,
            contents,
        }
    }

    /// The cabinet's file name without `.cab`.
    pub fn name(&self) -> &str {
        let name = crate::files::name_of(&self.path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// A part of the package, e.g. `update.mum: phoneInformation/@phoneRelease`; the whole file for an empty part.
    pub fn place(&self, part: impl Into<String>) -> Place {
        Place::binary(self.path.as_str(), part)
    }

    /// A value of the manifest that says who the package is.
    pub fn manifest_place(&self, part: &str) -> Place {
        use formats::document::package_manifest::ManifestKind;
        let manifest = match self.contents.kind {
            Some(ManifestKind::Update) => "update.mum",
            _ => "man.dsm.xml",
        };
        self.place(format!("{manifest}: {part}"))
    }

    /// What it writes into the registry, as rules read it.
    pub fn registry_file(&self) -> RegistryFile<'_> {
        RegistryFile::new(&self.source, &self.registry)
    }

    /// A file of the package.
    pub fn member_place(&self, member: &Member) -> Place {
        self.place(member.path.as_str())
    }
}

/// Spans only number the keys, so that two of one name are told apart.
fn registry(contents: &Contents) -> Registry {
    let mut registry = Registry::default();
    let mut number = 0_usize;
    for component in &contents.components {
        for (key_number, key) in component.registry.iter().enumerate() {
            number = number.saturating_add(1);
            let span = Span {
                start: number,
                end: number,
            };
            let index = key_number.saturating_add(1);
            let route = format!("{}: registryKey[{index}]", component.manifest);
            let name = Spanned {
                value: Arc::<str>::from(key.name.as_str()),
                span,
            };
            let at = |value: &str| Spanned {
                value: value.to_owned(),
                span,
            };
            registry.keys.push(RegistryKey {
                key: name.clone(),
                deleted: false,
                build_filters: Vec::new(),
                element: span,
                route: route.clone(),
            });
            for value in &key.values {
                let kind = value.kind.as_deref();
                registry.values.push(RegistryValue {
                    key: name.clone(),
                    name: at(&value.name),
                    kind: Spanned {
                        value: kind.map_or(RegistryType::Missing, RegistryType::from_name),
                        span,
                    },
                    written: at(&value.data),
                    notation: Notation::Manifest,
                    build_filters: Vec::new(),
                    element: span,
                    route: format!("{route}/{}", value.name),
                });
            }
        }
    }
    registry
}

/// The package definitions that cabinets are built from.
#[derive(Debug, Clone, Default)]
pub struct BuiltFrom<'a> {
    /// By the cabinet's path; `None` where a manifest takes a cabinet that nothing here defines.
    definitions: HashMap<&'a str, Option<&'a Package>>,
}

impl<'a> BuiltFrom<'a> {
    /// Those of a workspace: a definition says which cabinet it makes, and a product which definition it takes a cabinet
    /// for.
    pub fn of(workspace: &'a Workspace) -> Self {
        let defined = workspace.packages.iter();
        let defined = defined.filter_map(|package| Some((package.cab.as_ref()?, Some(&**package))));
        let products = workspace.products.iter();
        let selected = products.flat_map(|product| &product.packages);
        let selected = selected
            .filter_map(|selected| Some((selected.cab.as_ref()?, selected.package.as_deref())));
        let mut definitions = HashMap::new();
        for (cab, package) in defined.chain(selected) {
            definitions.entry(cab.path.as_str()).or_insert(package);
        }
        Self { definitions }
    }

    /// The package definition that a cabinet is built from.
    pub fn definition_of(&self, cab: &str) -> Option<&'a Package> {
        self.definitions.get(cab).copied().flatten()
    }
}

impl<'a> Facts<'a> {
    /// Where a finding about a built package stands: at the manifest's entry that takes it in, where there is one, and
    /// then beside it the part of the package.
    pub fn built_place(&self, built: &BuiltPackage, part: Place) -> (Place, Option<Place>) {
        match self.entry_of(&built.path) {
            Some(entry) => (entry, Some(part)),
            None => (part, None),
        }
    }

    /// The built packages of the release type `Test` whose definition does not say so itself, with the word as it is.
    pub fn built_as_test(&self) -> Vec<(&BuiltPackage, &str)> {
        let is_test = |word: &str| word.trim().eq_ignore_ascii_case("Test");
        let of_test = self.built.iter().filter_map(|built| {
            let found = built.contents.identity.release_type.as_deref()?;
            let package = self.index.definition_of(&built.path);
            let written = package.and_then(|package| package.definition.release_type());
            let is_told = written.is_some_and(|written| is_test(written.value));
            (is_test(found) && !is_told).then_some((*built, found))
        });
        of_test.collect()
    }

    /// The manifest's entry by which a product of this image type takes a cabinet in.
    pub fn entry_of(&self, cab: &str) -> Option<Place> {
        let mut takers = self.index.takers(cab);
        let taken = takers.find(|taker| self.has_product(taker.number, taker.product));
        taken.map(|taker| taker.selected.place())
    }

    /// The built package at a path, where its contents were read and it belongs to these products.
    pub fn built_at(&self, cab: &str) -> Option<&'a BuiltPackage> {
        let built = self.index.built(cab)?;
        self.belongs(cab).then_some(built)
    }
}
