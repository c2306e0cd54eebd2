//! The map of resolved workspaces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use formats::document::feature_manifest::{FeatureManifest, PackageFile, Section};
use formats::document::parts::List;

use super::{
    FeatureMap, FeatureState, Group, MappedManifest, MappedPackage, MappedProduct, PackageState,
    SCHEMA_VERSION, SelectedBy, SelectedFeature,
};
use crate::facts::origin::Origin;
use crate::facts::product::{Arch, FeatureMatch, ManifestLookup};
use crate::facts::{File, Package, Product, Workspace};
use crate::files::written_name;

impl FeatureMap {
    /// The features, packages and products of workspaces. Templates and what a build made do not count, except where
    /// a product uses it.
    pub fn of(workspaces: &[Workspace]) -> Self {
        let mut map = Self {
            schema_version: SCHEMA_VERSION,
            manifests: Vec::new(),
            products: Vec::new(),
        };
        for workspace in workspaces {
            let gathered = Gathered::new(workspace);
            let manifests = gathered.manifests();
            let products = gathered.products.iter().filter(|product| {
                let path = product.oem_input.path();
                let mut listed = manifests.iter().flat_map(|manifest| &manifest.listed_by);
                workspace.is_target(path) || listed.any(|listed| listed == path)
            });
            map.products.extend(products.map(|product| mapped(product)));
            map.manifests.extend(manifests);
        }
        map
    }
}

struct Gathered<'a> {
    workspace: &'a Workspace,
    products: Vec<&'a Product>,
    /// The features that each product selects, in small letters: of Microsoft, of the manufacturer.
    chosen: Vec<[BTreeSet<String>; 2]>,
    /// The entries that get into the image of each product: manifest and place.
    selected: Vec<BTreeSet<(&'a str, usize)>>,
    /// Package definitions by the name of their package, in small letters.
    definitions: BTreeMap<String, Vec<&'a Arc<Package>>>,
}

type Manifest = Arc<File<FeatureManifest>>;

impl<'a> Gathered<'a> {
    fn new(workspace: &'a Workspace) -> Self {
        let products = workspace.products.iter();
        let products: Vec<&Product> = products
            .filter(|product| Origin::of(product.oem_input.path()) == Origin::Source)
            .collect();
        let ids = |list: &List| list.texts().map(str::to_lowercase).collect();
        let chosen = products.iter().map(|product| {
            let features = &product.oem_input.features;
            [ids(&features.microsoft), ids(&features.oem)]
        });
        let selected = products.iter().map(|product| {
            let packages = product.packages.iter();
            packages
                .map(|package| (package.manifest.path(), package.entry.element.start))
                .collect()
        });
        let mut definitions: BTreeMap<String, Vec<&Arc<Package>>> = BTreeMap::new();
        for package in &workspace.packages {
            for name in package.cabinets() {
                definitions
                    .entry(name.to_lowercase())
                    .or_default()
                    .push(package);
            }
        }
        Self {
            chosen: chosen.collect(),
            selected: selected.collect(),
            workspace,
            products,
            definitions,
        }
    }

    /// Those that products use, and those of the sources whose name no product lists, as far as the user asked for
    /// them or for a product.
    fn manifests(&self) -> Vec<MappedManifest> {
        let is_target = |path: &str| self.workspace.is_target(path);
        let used = self.products.iter().flat_map(|product| {
            let is_asked = is_target(product.oem_input.path());
            let files = product.manifest_files();
            files.filter(move |file| is_asked || is_target(file.path()))
        });
        let mut shown: BTreeMap<&str, &Manifest> = used.map(|file| (file.path(), file)).collect();
        for file in &self.workspace.documents.manifests {
            let arch = Arch::of_path(file.path());
            let is_listed = self.products.iter().any(|product| {
                let mut named = product.manifests.iter();
                Arch::fits(product.arch, arch)
                    && named.any(|named| named.name().eq_ignore_ascii_case(file.name()))
            });
            if file.is_source() && !is_listed && is_target(file.path()) {
                shown.insert(file.path(), file);
            }
        }
        shown
            .into_values()
            .map(|file| self.manifest(file))
            .collect()
    }

    fn manifest(&self, file: &Manifest) -> MappedManifest {
        let lists = |product: &Product| product.manifest_files().any(|f| f.path() == file.path());
        let users: Vec<usize> = (0..self.products.len())
            .filter(|index| self.products.get(*index).is_some_and(|p| lists(p)))
            .collect();
        let product = users.first().and_then(|index| self.products.get(*index));
        let product = product.copied();
        let arch = Arch::built_for(file.path()).or_else(|| product?.arch);
        let lists = self.workspace.documents.fm_file_lists.iter();
        let lists = lists.filter(|list| Arch::fits(Arch::of_path(list.path()), arch));
        let mut listed = lists.flat_map(|list| &list.fms);
        let id = listed.find_map(|fm| {
            let path = fm.path.as_ref()?;
            let is_it = written_name(&path.value).eq_ignore_ascii_case(file.name());
            Some(fm.id.as_ref().filter(|_| is_it)?.value.clone())
        });
        let mut groups: Vec<Group> = Vec::new();
        let mut places: BTreeMap<(SelectedBy, String), usize> = BTreeMap::new();
        for entry in &file.packages {
            let package = self.package(file, entry, product, arch);
            for (by, value) in selectors(entry) {
                let key = (by, value.to_lowercase());
                let next = groups.len();
                let place = *places.entry(key).or_insert(next);
                if place == next {
                    groups.push(Group {
                        by,
                        value,
                        packages: Vec::new(),
                        selected_by: BTreeSet::new(),
                    });
                }
                let Some(group) = groups.get_mut(place) else {
                    continue;
                };
                group.packages.push(package.clone());
                for index in &users {
                    let Some(product) = self.products.get(*index) else {
                        continue;
                    };
                    let path = product.oem_input.path();
                    if self.selects(*index, file, entry, group) {
                        group.selected_by.insert(path.to_owned());
                    }
                }
            }
        }
        let paths = users.iter().filter_map(|index| self.products.get(*index));
        MappedManifest {
            path: file.path().to_owned(),
            id,
            listed_by: paths.map(|p| p.oem_input.path().to_owned()).collect(),
            groups,
        }
    }

    /// Whether a product selects a group, of which this is an entry.
    fn selects(&self, product: usize, file: &Manifest, entry: &PackageFile, group: &Group) -> bool {
        let list = match group.by {
            SelectedBy::MicrosoftFeature => 0,
            SelectedBy::OemFeature => 1,
            _ => {
                let place = (file.path(), entry.element.start);
                let selected = self.selected.get(product);
                return selected.is_some_and(|selected| selected.contains(&place));
            }
        };
        let chosen = self.chosen.get(product).and_then(|lists| lists.get(list));
        chosen.is_some_and(|chosen| chosen.contains(&group.value.to_lowercase()))
    }

    /// What an entry means to the first product that lists the manifest, or to the workspace where none does.
    fn package(
        &self,
        file: &Manifest,
        entry: &PackageFile,
        product: Option<&Product>,
        arch: Option<Arch>,
    ) -> MappedPackage {
        let variables = product.map(|product| &product.variables);
        let variables = variables.or_else(|| self.workspace.variables_at(file.path()));
        let expand = |text: &str| match variables {
            Some(variables) => variables.expand(text.trim()),
            None => Default::default(),
        };
        let name = entry.name.as_ref().map(|name| expand(&name.value).text);
        let name = name.unwrap_or_default();
        let lower = name.to_lowercase();
        let stem = lower.strip_suffix(".cab").unwrap_or(&lower);
        let fits = |path: &str| Arch::fits(Arch::built_for(path), arch);
        let definitions = self.definitions.get(stem).into_iter().flatten();
        let mut definitions = definitions.map(|package| package.definition.path());
        let definition = definitions.find(|path| fits(path)).map(str::to_owned);
        let cabinet = {
            let mut named = self.workspace.tree.named(&name);
            named.find(|cab| fits(&cab.path)).cloned()
        };
        let folder = entry.path.as_ref().map(|path| expand(&path.value));
        let is_outside = folder.is_some_and(|folder| {
            let mut unknown = folder.unknown.iter();
            unknown.any(|name| !name.eq_ignore_ascii_case("BSP_ARCH"))
        });
        MappedPackage {
            state: match (&cabinet, &definition) {
                (Some(_), _) => PackageState::Built,
                (None, Some(_)) => PackageState::Defined,
                (None, None) if is_outside => PackageState::Elsewhere,
                (None, None) => PackageState::Missing,
            },
            name,
            definition,
            cabinet: cabinet.map(|cab| cab.path),
        }
    }
}

/// What selects an entry: each of its features, or the value of its section.
fn selectors(entry: &PackageFile) -> Vec<(SelectedBy, String)> {
    let by = match entry.section {
        Section::MicrosoftFeatures => SelectedBy::MicrosoftFeature,
        Section::OemFeatures => SelectedBy::OemFeature,
        Section::Base | Section::Cpu => SelectedBy::EveryImage,
        Section::Release => SelectedBy::ReleaseType,
        Section::Prerelease => SelectedBy::TestImage,
        Section::OemDevicePlatform | Section::DeviceSpecific => SelectedBy::Device,
        Section::DeviceLayout | Section::Soc => SelectedBy::Soc,
        Section::Sv => SelectedBy::Sv,
        Section::BootUiLanguage | Section::BootLocale | Section::Keyboard | Section::Speech => {
            SelectedBy::Language
        }
    };
    if by.is_feature() {
        let mut seen = BTreeSet::new();
        let ids = entry.feature_ids.texts();
        let ids = ids.filter(|id| seen.insert(id.to_lowercase()));
        return ids.map(|id| (by, id.to_owned())).collect();
    }
    let value = entry.selector.as_ref().map(|value| value.value.trim());
    vec![(by, value.unwrap_or_default().to_owned())]
}

fn mapped(product: &Product) -> MappedProduct {
    let features = &product.oem_input.features;
    let lists = [
        (SelectedBy::MicrosoftFeature, &features.microsoft),
        (SelectedBy::OemFeature, &features.oem),
    ];
    let is_whole = product.manifests_not_found().next().is_none();
    let features = lists.into_iter().flat_map(|(by, list)| {
        list.texts().map(move |id| SelectedFeature {
            id: id.to_owned(),
            by,
            state: match product.known_feature(id) {
                FeatureMatch::Exact | FeatureMatch::OtherCase(_) => FeatureState::Defined,
                // What Microsoft's own manifests define is in the imaging kit.
                FeatureMatch::None if by == SelectedBy::OemFeature && is_whole => {
                    FeatureState::Missing
                }
                FeatureMatch::None => FeatureState::Elsewhere,
            },
        })
    });
    let missing = product.manifests.iter();
    let missing = missing.filter(|named| matches!(named.found, ManifestLookup::Missing));
    MappedProduct {
        name: product.name.clone(),
        oem_input: product.oem_input.path().to_owned(),
        missing_manifests: missing
            .map(|named| named.reference.text.value.clone())
            .collect(),
        features: features.collect(),
    }
}
