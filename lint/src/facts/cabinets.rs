//! Which packages of a product's manifests have been built.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use formats::document::feature_manifest::{FeatureManifest, PackageFile};

use super::Facts;
use super::file::File;
use super::product::{Product, SelectedPackage};
use crate::diagnostic::Place;

/// An entry of a manifest and whether its cabinet is there.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    manifest: &'a Arc<File<FeatureManifest>>,
    entry: &'a PackageFile,
    /// The cabinet's file name.
    pub file_name: String,
    /// The folder that the entry names.
    pub folder: String,
    /// Whether the workspace defines the package, so that a build makes it.
    pub own: bool,
    /// The package, where the image gets it.
    pub selected: Option<&'a SelectedPackage>,
    /// The name of the cabinet as it is on disk, where it is there.
    pub found: Option<String>,
}

impl Wanted<'_> {
    /// The entry's `Name`.
    pub fn place(&self) -> Place {
        self.manifest.entry(self.entry)
    }
}

/// The entries of all manifests of a product, those aside whose folder is outside of the workspace (`%MSPKG_DIR%`).
pub fn wanted<'a>(facts: &Facts<'a>, product: &'a Product) -> Vec<Wanted<'a>> {
    let selected: BTreeMap<(&str, usize), &SelectedPackage> = {
        let packages = product.packages.iter();
        let place =
            |package: &'a SelectedPackage| (package.manifest.path(), package.entry.element.start);
        packages.map(|package| (place(package), package)).collect()
    };
    let mut seen = BTreeSet::new();
    let manifests = product
        .manifest_files()
        .filter(|file| seen.insert(file.path()));
    let entries = manifests.flat_map(|file| file.packages.iter().map(move |entry| (file, entry)));
    let wanted = entries.filter_map(|(manifest, entry)| {
        let folder = product.variables.expand(entry.path.as_ref()?.value.trim());
        let name = product.variables.expand(entry.name.as_ref()?.value.trim());
        let is_inside = |name: &String| name.eq_ignore_ascii_case("BSP_ARCH");
        if !folder.unknown.iter().all(is_inside) {
            return None;
        }
        let selected = selected
            .get(&(manifest.path(), entry.element.start))
            .copied();
        let cab = match selected {
            Some(package) => package.cab.as_ref(),
            None => facts.workspace.tree.named(&name.text).next(),
        };
        let lower = name.text.to_lowercase();
        Some(Wanted {
            manifest,
            entry,
            own: facts
                .index
                .defines(lower.strip_suffix(".cab").unwrap_or(&lower)),
            selected,
            found: cab.map(|cab| crate::files::name_of(&cab.path).to_owned()),
            file_name: name.text,
            folder: folder.text.replace('\\', "/"),
        })
    });
    wanted.collect()
}
