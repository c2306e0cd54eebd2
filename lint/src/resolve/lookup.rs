//! Names to files: by path where the path says, by name where it only hints, the own processor's folder first.

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::document::feature_manifest::{FeatureManifest, PackageFile};
use formats::document::variables::Variables;

use crate::facts::file::File;
use crate::facts::product::{Arch, FeatureIds, ManifestLookup};
use crate::facts::tree::{FileTree, TreeFile};
use crate::facts::{Package, Unreadable, Workspace};
use crate::files::{self, is_below};

/// A package entry's file name, definition and cabinet.
pub(super) type FoundPackage = (String, Option<Arc<Package>>, Option<TreeFile>);

/// What names mean in a workspace.
pub(super) struct Lookup<'a> {
    tree: &'a FileTree,
    manifests: BTreeMap<String, Vec<&'a Arc<File<FeatureManifest>>>>,
    packages: BTreeMap<String, Vec<&'a Arc<Package>>>,
    unreadable: BTreeMap<String, &'a Unreadable>,
    features: BTreeMap<&'a str, Arc<FeatureIds>>,
}

/// How many files of one name are looked at; a workspace has a handful.
const MOST_OF_A_NAME: usize = 64;

/// How close a manifest is to what an `OEMInput.xml` names: the merger's output is what the image is built from, its
/// input next, then the source of the processor, then what is common.
fn distance(path: &str) -> u8 {
    let has = |folder: &str| {
        path.split('/')
            .any(|name| name.eq_ignore_ascii_case(folder))
    };
    if has("MergedFMs") {
        0
    } else if has("InputFMs") {
        1
    } else if Arch::of_path(path).is_some() {
        2
    } else if has("Common") {
        3
    } else {
        4
    }
}

impl<'a> Lookup<'a> {
    pub(super) fn new(workspace: &'a Workspace) -> Self {
        let mut manifests: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for manifest in &workspace.documents.manifests {
            manifests
                .entry(manifest.name().to_lowercase())
                .or_default()
                .push(manifest);
        }
        let mut packages: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for package in &workspace.packages {
            packages
                .entry(package.name.to_lowercase())
                .or_default()
                .push(package);
        }
        let unreadable = workspace.documents.unreadable.iter();
        let unreadable = unreadable
            .map(|file| (files::name_of(file.place.file()).to_lowercase(), file))
            .collect();
        let features = workspace.documents.manifests.iter();
        let features = features.map(|file| (file.path(), Arc::new(FeatureIds::of(file))));
        Self {
            tree: &workspace.tree,
            manifests,
            packages,
            unreadable,
            features: features.collect(),
        }
    }

    /// The features that a manifest defines.
    pub(super) fn features(&self, found: &ManifestLookup) -> Arc<FeatureIds> {
        let features = match found {
            ManifestLookup::Found(file, _) => self.features.get(file.path()),
            _ => None,
        };
        features.cloned().unwrap_or_default()
    }

    /// The file that an `AdditionalFM` means.
    pub(super) fn manifest(
        &self,
        reference: &str,
        home: &str,
        arch: Option<Arch>,
        variables: &Variables,
    ) -> ManifestLookup {
        let expanded = variables.expand(reference.trim());
        let path = expanded.text.replace('\\', "/");
        let name = files::name_of(&path).to_lowercase();
        let named = self.manifests.get(&name).into_iter().flatten().copied();
        let named = named.take(MOST_OF_A_NAME);
        let exact = self.tree.find(&path).map(|file| file.path.as_str());
        if let Some(file) = named.clone().find(|file| exact == Some(file.path())) {
            return ManifestLookup::Found(file.clone(), Vec::new());
        }
        let fitting: Vec<_> = named
            .filter(|file| {
                is_below(file.path(), home) && Arch::fits(Arch::built_for(file.path()), arch)
            })
            .collect();
        let Some(closest) = fitting.iter().map(|file| distance(file.path())).min() else {
            return match self.unreadable.get(&name) {
                Some(file) => ManifestLookup::Unreadable(file.place.clone()),
                None if expanded.unknown.is_empty() => ManifestLookup::Missing,
                None => ManifestLookup::Outside,
            };
        };
        let mut closest = fitting
            .into_iter()
            .filter(|file| distance(file.path()) == closest);
        match closest.next() {
            Some(first) => ManifestLookup::Found(first.clone(), closest.cloned().collect()),
            None => ManifestLookup::Missing,
        }
    }

    /// The file name, the definition and the cabinet that a manifest's entry means.
    pub(super) fn package(
        &self,
        entry: &PackageFile,
        home: &str,
        arch: Option<Arch>,
        variables: &Variables,
    ) -> FoundPackage {
        let Some(name) = &entry.name else {
            return FoundPackage::default();
        };
        let file_name = variables.expand(name.value.trim()).text;
        let lower = file_name.to_lowercase();
        let stem = lower.strip_suffix(".cab").unwrap_or(&lower);
        let packages = self.packages.get(stem).into_iter().flatten();
        let packages = packages.take(MOST_OF_A_NAME);
        let fitting = packages.filter(|package| {
            let path = package.definition.path();
            is_below(path, home) && Arch::fits(Arch::built_for(path), arch)
        });
        let package = fitting.min_by_key(|package| distance(package.definition.path()));

        let folder = entry.path.as_ref().map_or("", |path| path.value.as_str());
        let folder = variables.expand(folder.trim()).text.replace('\\', "/");
        let there = self.tree.find(&files::join(&folder, &file_name));
        let anywhere = || {
            let mut named = self.tree.named(&file_name).take(MOST_OF_A_NAME);
            named.find(|file| {
                is_below(&file.path, home) && Arch::fits(Arch::built_for(&file.path), arch)
            })
        };
        let cab = there.or_else(anywhere).cloned();
        (file_name, package.copied().cloned(), cab)
    }
}
