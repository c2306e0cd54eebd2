//! Which documents belong to a product: its image type decides how they are judged.

use std::collections::BTreeSet;
use std::sync::Arc;

use formats::document::oem_input::OemInput;
use formats::document::product_settings::ProductSettings;

use super::Home;
use crate::facts::Workspace;
use crate::facts::file::File;
use crate::facts::product::{NamedManifest, SelectedPackage};
use crate::files::{self, is_below};

/// The documents that belong to a product: those it names, those beside what it names, those in its folder.
pub(super) fn reach(
    workspace: &Workspace,
    home: &Home,
    input: &File<OemInput>,
    manifests: &[NamedManifest],
    packages: &[SelectedPackage],
    settings: Option<&Arc<File<ProductSettings>>>,
) -> BTreeSet<Arc<str>> {
    let mut reach: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut add = |path: &str| {
        reach.insert(Arc::from(path));
    };
    add(input.path());
    if let Some(settings) = settings {
        add(settings.path());
    }
    if let Some(settings) = &home.settings {
        add(settings.path());
    }
    let found: Vec<_> = manifests.iter().filter_map(NamedManifest::file).collect();
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    for manifest in &found {
        add(manifest.path());
    }
    for selected in packages {
        if let Some(package) = &selected.package {
            add(package.definition.path());
            folders.insert(package.definition.folder());
        }
        if let Some(cab) = &selected.cab {
            add(&cab.path);
        }
    }
    let documents = &workspace.documents;
    let lists = documents.fm_file_lists.iter().filter(|list| {
        found
            .iter()
            .any(|manifest| manifest.folder() == list.folder())
    });
    lists.for_each(|list| add(list.path()));

    // A product in the workspace's own folder does not own the workspace.
    let own = input.folder();
    let owns = |path: &str| match own == home.folder {
        true => files::folder_of(path) == own || is_below(path, &files::join(own, "prov")),
        false => is_below(path, own),
    };
    let beside = |path: &str| owns(path) || folders.contains(files::folder_of(path));
    let beside = documents.filter(beside);
    beside
        .customizations
        .iter()
        .for_each(|file| add(file.path()));
    beside.reg_files.iter().for_each(|file| add(file.path()));
    beside
        .device_layouts
        .iter()
        .for_each(|file| add(file.path()));
    beside
        .device_platforms
        .iter()
        .for_each(|file| add(file.path()));
    beside
        .boot_configurations
        .iter()
        .for_each(|file| add(file.path()));
    reach
}
