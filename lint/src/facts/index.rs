//! What belongs to what, looked up by name: worked out once for a workspace, asked by every rule.
//!
//! A rule asks [`Facts`](super::Facts), which sees one image type; the index knows the whole workspace. Without it every
//! document would be searched for in every product, and time would grow with the product of the two numbers.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use formats::certificate::Certificate;
use formats::document::boot_configuration::BootConfiguration;
use formats::document::device_layout::{DeviceLayout, OemDevicePlatform};
use formats::document::feature_manifest::FeatureManifest;
use formats::document::fm_file_list::{Fm, FmFileList};
use formats::source::Source;
use signer::public_key::tbs_hash;

use super::built::{BuiltFrom, BuiltPackage};
use super::product::SelectedPackage;
use super::registry::RegistryFile;
use super::{File, Package, Product, Workspace};
use crate::files::{self, written_name};

/// Values by a text, those of one text in the order they were added.
pub(super) type Groups<K, V> = HashMap<K, Vec<V>>;

/// The certificate files of a workspace, by the hash that policies know them by.
type CertificatesByHash<'a> = Groups<Vec<u8>, (&'a str, &'a Certificate)>;

/// What belongs to what in a workspace.
#[derive(Debug)]
pub struct Index<'a> {
    workspace: &'a Workspace,
    /// Whether the user asked for each product, by its number.
    asked: Vec<bool>,
    /// The numbers of the products that a document belongs to, by path.
    owners: Groups<&'a str, usize>,
    /// The numbers of products, by the path of their `OEMInput.xml`.
    products: HashMap<&'a str, usize>,
    /// Package definitions by path.
    definitions: HashMap<&'a str, &'a Package>,
    /// Package definitions by folder.
    packages: Groups<&'a str, &'a Package>,
    /// The names of cabinets that the workspace defines, without `.cab`, in lower case.
    names: HashSet<String>,
    /// How products select a cabinet, by its path.
    takers: Groups<&'a str, Selection<'a>>,
    /// How products select a package definition, by its path.
    selections: Groups<&'a str, Selection<'a>>,
    built_from: BuiltFrom<'a>,
    built: HashMap<&'a str, &'a BuiltPackage>,
    registry: HashMap<&'a str, RegistryFile<'a>>,
    /// The packages that bring a boot configuration, by its path.
    stores: Groups<&'a str, &'a Package>,
    layouts: Groups<&'a str, &'a Arc<File<DeviceLayout>>>,
    /// The layouts that belong to a product, by its number.
    layouts_of: Groups<usize, &'a Arc<File<DeviceLayout>>>,
    platforms: Groups<&'a str, &'a Arc<File<OemDevicePlatform>>>,
    /// Feature manifests by file name in lower case.
    manifests: Groups<String, &'a Arc<File<FeatureManifest>>>,
    /// The file names, in lower case, of what cannot be read.
    unreadable: HashSet<String>,
    /// Entries of lists of manifests by the file name they mean, in lower case.
    listed: Groups<String, Listed<'a>>,
    /// The documents' texts by path.
    sources: HashMap<&'a str, &'a Arc<Source>>,
    certificates_by_hash: OnceLock<CertificatesByHash<'a>>,
    certificates_by_name: OnceLock<HashMap<String, (&'a str, &'a Certificate)>>,
}

/// An entry of a list of manifests.
pub type Listed<'a> = (&'a Arc<File<FmFileList>>, &'a Fm);

/// A product and an entry by which it selects something.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    /// The number of the product.
    pub(super) number: usize,
    /// The product.
    pub product: &'a Product,
    /// What it selects.
    pub selected: &'a SelectedPackage,
}

/// Groups values by a key.
pub(super) fn groups<K: Eq + Hash, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Groups<K, V> {
    let mut groups: Groups<K, V> = HashMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}

/// Documents by folder.
fn by_folder<T>(documents: &[Arc<File<T>>]) -> Groups<&str, &Arc<File<T>>> {
    groups(documents.iter().map(|file| (file.folder(), file)))
}

impl<'a> Index<'a> {
    /// The index of a workspace.
    pub fn of(workspace: &'a Workspace) -> Self {
        let numbered = || workspace.products.iter().enumerate();
        let packages = || workspace.packages.iter().map(AsRef::as_ref);
        let documents = &workspace.documents;
        let owners = numbered().flat_map(|(number, product)| {
            let paths = product.reach.iter();
            paths.map(move |path| (path.as_ref(), number))
        });
        let owners = groups(owners);
        let selections = || {
            numbered().flat_map(|(number, product)| {
                let packages = product.packages.iter();
                packages.map(move |selected| Selection {
                    number,
                    product,
                    selected,
                })
            })
        };
        let layouts_of = documents.device_layouts.iter().flat_map(|layout| {
            let owners = owners.get(layout.path()).into_iter().flatten();
            owners.map(move |number| (*number, layout))
        });
        let stores = packages().flat_map(|package| {
            let folder = package.definition.folder();
            let stores = package.definition.boot_stores();
            let files = stores
                .iter()
                .map(|(source, _)| workspace.tree.find_from(folder, source));
            let paths: HashSet<&str> = files.flatten().map(|file| file.path.as_str()).collect();
            paths.into_iter().map(move |path| (path, package))
        });
        let listed = documents.fm_file_lists.iter().flat_map(|list| {
            let entries = list.fms.iter();
            entries.filter_map(move |fm| {
                let name = written_name(&fm.path.as_ref()?.value).to_ascii_lowercase();
                Some((name, (list, fm)))
            })
        });
        let manifests = documents.manifests.iter();
        let manifests = manifests.map(|file| (file.name().to_ascii_lowercase(), file));
        let built_from = BuiltFrom::of(workspace);
        let sources = workspace.sources.iter();
        Self {
            asked: numbered()
                .map(|(_, product)| workspace.is_target(product.oem_input.path()))
                .collect(),
            products: numbered()
                .map(|(number, product)| (product.oem_input.path(), number))
                .collect(),
            definitions: packages()
                .map(|package| (package.definition.path(), package))
                .collect(),
            packages: groups(packages().map(|package| (package.definition.folder(), package))),
            names: packages()
                .map(|package| package.name.to_lowercase())
                .collect(),
            takers: groups(selections().filter_map(|selection| {
                let cab = selection.selected.cab.as_ref()?;
                Some((cab.path.as_str(), selection))
            })),
            selections: groups(selections().filter_map(|selection| {
                let package = selection.selected.package.as_ref()?;
                Some((package.definition.path(), selection))
            })),
            registry: registry(workspace, &built_from),
            built_from,
            built: workspace
                .built
                .iter()
                .map(|built| (built.path.as_str(), built))
                .collect(),
            stores: groups(stores),
            layouts: by_folder(&documents.device_layouts),
            layouts_of: groups(layouts_of),
            platforms: by_folder(&documents.device_platforms),
            manifests: groups(manifests),
            unreadable: documents
                .unreadable
                .iter()
                .map(|file| files::name_of(file.place.file()).to_ascii_lowercase())
                .collect(),
            listed: groups(listed),
            sources: sources.map(|source| (source.name(), source)).collect(),
            certificates_by_hash: OnceLock::new(),
            certificates_by_name: OnceLock::new(),
            owners,
            workspace,
        }
    }

    /// The products that a document belongs to, with their numbers.
    pub(super) fn owners(&self, path: &str) -> impl Iterator<Item = (usize, &'a Product)> + Clone {
        let numbers = self.owners.get(path).into_iter().flatten().copied();
        let products = &self.workspace.products;
        numbers.filter_map(|number| Some((number, products.get(number)?)))
    }

    /// Whether the user asked for a product.
    pub(super) fn is_asked(&self, number: usize) -> bool {
        self.asked.get(number).copied().unwrap_or_default()
    }

    /// How products select a cabinet.
    pub(super) fn takers(&self, cab: &str) -> impl Iterator<Item = Selection<'a>> {
        self.takers.get(cab).into_iter().flatten().copied()
    }

    /// How products select a package definition.
    pub(super) fn selections(&self, definition: &str) -> impl Iterator<Item = Selection<'a>> {
        self.selections
            .get(definition)
            .into_iter()
            .flatten()
            .copied()
    }

    /// The package that a document defines.
    pub fn package(&self, definition: &str) -> Option<&'a Package> {
        self.definitions.get(definition).copied()
    }

    /// The packages that are defined in a folder.
    pub fn packages_in(&self, folder: &str) -> &[&'a Package] {
        self.packages.get(folder).map_or(&[], Vec::as_slice)
    }

    /// Whether the workspace defines the package of this name, which is in lower case.
    pub fn defines(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The package definition that a cabinet is built from.
    pub fn definition_of(&self, cab: &str) -> Option<&'a Package> {
        self.built_from.definition_of(cab)
    }

    /// The built package at a path, where its contents were read.
    pub fn built(&self, cab: &str) -> Option<&'a BuiltPackage> {
        self.built.get(cab).copied()
    }

    /// The registry contents of a document, or of a built package that nothing here defines.
    pub fn registry(&self, path: &str) -> Option<RegistryFile<'a>> {
        self.registry.get(path).copied()
    }

    /// The packages that bring a boot configuration.
    pub(super) fn packages_of_store(
        &self,
        file: &File<BootConfiguration>,
    ) -> impl Iterator<Item = &'a Package> {
        self.stores.get(file.path()).into_iter().flatten().copied()
    }

    /// The layouts in a folder.
    pub fn layouts_in(&self, folder: &str) -> &[&'a Arc<File<DeviceLayout>>] {
        self.layouts.get(folder).map_or(&[], Vec::as_slice)
    }

    /// The layouts that belong to a product.
    pub(super) fn layouts_of(&self, product: &Product) -> &[&'a Arc<File<DeviceLayout>>] {
        let number = self.products.get(product.oem_input.path());
        let layouts = number.and_then(|number| self.layouts_of.get(number));
        layouts.map_or(&[], Vec::as_slice)
    }

    /// The platforms in a folder.
    pub(super) fn platforms_in(&self, folder: &str) -> &[&'a Arc<File<OemDevicePlatform>>] {
        self.platforms.get(folder).map_or(&[], Vec::as_slice)
    }

    /// The manifests of a file name, in any case.
    pub(super) fn manifests_named(
        &self,
        name: &str,
    ) -> impl Iterator<Item = &'a Arc<File<FeatureManifest>>> {
        let found = self.manifests.get(&name.to_ascii_lowercase());
        found.into_iter().flatten().copied()
    }

    /// Whether a file of this name, in any case, cannot be read.
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.unreadable.contains(&name.to_ascii_lowercase())
    }

    /// The entries of lists that mean a manifest of this file name, in any case.
    pub(super) fn listed(&self, manifest: &str) -> impl Iterator<Item = Listed<'a>> {
        let found = self.listed.get(&manifest.to_ascii_lowercase());
        found.into_iter().flatten().copied()
    }

    /// The text of a document.
    pub fn source(&self, path: &str) -> Option<&'a Arc<Source>> {
        self.sources.get(path).copied()
    }

    /// The certificate files that a policy means by a hash.
    pub(super) fn certificates_of(&self, hash: &[u8]) -> &[(&'a str, &'a Certificate)] {
        let certificates = self.certificates_by_hash.get_or_init(|| {
            let hashed = certificates(self.workspace);
            groups(hashed.filter_map(|found| Some((tbs_hash(found.1)?.clone(), found))))
        });
        certificates.get(hash).map_or(&[], Vec::as_slice)
    }

    /// The first certificate file of a name, in any case.
    pub(super) fn certificate_named(&self, name: &str) -> Option<(&'a str, &'a Certificate)> {
        let certificates = self.certificates_by_name.get_or_init(|| {
            let mut first = HashMap::new();
            for found in certificates(self.workspace) {
                let name = files::name_of(found.0).to_ascii_lowercase();
                first.entry(name).or_insert(found);
            }
            first
        });
        certificates.get(&name.to_ascii_lowercase()).copied()
    }
}

/// The certificate files of a workspace, by path.
fn certificates(workspace: &Workspace) -> impl Iterator<Item = (&str, &Certificate)> {
    let files = workspace.security.certificates.iter();
    files.map(|(path, certificate)| (path.as_str(), certificate.as_ref()))
}

/// What package definitions, `.reg` files and built packages that nothing here defines put into the registry.
fn registry<'a>(
    workspace: &'a Workspace,
    built_from: &BuiltFrom<'a>,
) -> HashMap<&'a str, RegistryFile<'a>> {
    let packages = workspace.packages.iter().map(|package| package.registry());
    let reg_files = workspace.documents.reg_files.iter();
    let reg_files = reg_files.map(|file| RegistryFile::new(&file.source, &file.registry));
    let built = workspace.built.iter();
    let built = built.filter(|built| built_from.definition_of(&built.path).is_none());
    let built = built.map(|built| built.registry_file());
    let files = packages.chain(reg_files).chain(built);
    files.map(|file| (file.path(), file)).collect()
}
