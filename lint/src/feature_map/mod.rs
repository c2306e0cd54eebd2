//! The features of a workspace: where each is defined, which packages it brings, which products select it, and what is
//! missing or unused. A view of resolved facts for people who change feature manifests; rules judge, this shows.

mod dot;
mod gather;
mod merge;
mod table;

use std::collections::BTreeSet;

use serde::Serialize;

pub use merge::{MergeError, MergedManifest, Release, merge};

/// Number of the JSON form; another one when a field is removed or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// Features, packages and products of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureMap {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Feature manifests, by path: those that products use, and those of the sources that none lists.
    pub manifests: Vec<MappedManifest>,
    /// Products, by path.
    pub products: Vec<MappedProduct>,
}

/// A feature manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedManifest {
    /// Its path.
    pub path: String,
    /// Its identifier in the list of manifests beside it.
    pub id: Option<String>,
    /// The `OEMInput.xml` of each product that lists it.
    pub listed_by: Vec<String>,
    /// What selects its packages, in the order of the manifest.
    pub groups: Vec<Group>,
}

/// Packages that are selected together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What selects them.
    pub by: SelectedBy,
    /// The feature's identifier as first written, or the value that selects; empty for every image.
    pub value: String,
    /// The packages.
    pub packages: Vec<MappedPackage>,
    /// The `OEMInput.xml` of each product that selects them.
    pub selected_by: BTreeSet<String>,
}

/// What selects packages of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectedBy {
    /// Nothing: every image that lists the manifest has them.
    EveryImage,
    /// A feature of `Features/Microsoft`.
    MicrosoftFeature,
    /// A feature of `Features/OEM`.
    OemFeature,
    /// `SOC`.
    Soc,
    /// `Device`.
    Device,
    /// `SV`.
    Sv,
    /// `ReleaseType`.
    ReleaseType,
    /// A test image.
    TestImage,
    /// A language for keyboard or speech.
    Language,
}

impl SelectedBy {
    /// Whether it is a feature that a product may select or not.
    pub fn is_feature(self) -> bool {
        matches!(self, Self::MicrosoftFeature | Self::OemFeature)
    }
}

/// A package that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedPackage {
    /// The cabinet's file name, variables replaced; empty where the entry names none.
    pub name: String,
    /// Whether there is something to make an image of.
    pub state: PackageState,
    /// The definition that builds it, where the workspace has one.
    pub definition: Option<String>,
    /// The cabinet, where it is there.
    pub cabinet: Option<String>,
}

/// Whether a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageState {
    /// Its cabinet is in the workspace.
    Built,
    /// The workspace defines it.
    Defined,
    /// Its folder is outside of the workspace, such as that of Microsoft's packages.
    Elsewhere,
    /// Neither definition nor cabinet are there.
    Missing,
}

/// A product and the features that it selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedProduct {
    /// Its name.
    pub name: String,
    /// Its `OEMInput.xml`.
    pub oem_input: String,
    /// `AdditionalFM` entries whose manifest is not there, as written.
    pub missing_manifests: Vec<String>,
    /// The features, in the order of the document.
    pub features: Vec<SelectedFeature>,
}

/// A feature that a product selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectedFeature {
    /// As written.
    pub id: String,
    /// In which list it stands.
    pub by: SelectedBy,
    /// Where it is defined.
    pub state: FeatureState,
}

/// Where a selected feature is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureState {
    /// By a manifest of the workspace that the product lists.
    Defined,
    /// By none of those, and it may be in one that is not in the workspace, such as Microsoft's.
    Elsewhere,
    /// By no manifest, and all that the product lists are there.
    Missing,
}

impl FeatureMap {
    /// The map as JSON.
    ///
    /// # Errors
    /// None that a map can cause.
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Every group with its manifest.
    fn groups(&self) -> impl Iterator<Item = (&MappedManifest, &Group)> {
        let manifests = self.manifests.iter();
        manifests.flat_map(|manifest| manifest.groups.iter().map(move |group| (manifest, group)))
    }

    /// Features that no product selects and whose packages no other feature of the manifest brings into an image, with
    /// the manifests that define them. One of several identifiers of a package is enough.
    pub fn unused(&self) -> impl Iterator<Item = (&MappedManifest, Vec<&Group>)> {
        self.manifests.iter().filter_map(|manifest| {
            let (selected, others): (Vec<&Group>, Vec<&Group>) = manifest
                .groups
                .iter()
                .partition(|group| !group.selected_by.is_empty());
            let packages = selected.iter().flat_map(|group| &group.packages);
            let brought: BTreeSet<&str> = packages.map(|package| package.name.as_str()).collect();
            let is_unused = |group: &&Group| {
                let mut packages = group.packages.iter();
                let is_brought = packages.all(|package| brought.contains(package.name.as_str()));
                group.by.is_feature() && !is_brought
            };
            let unused: Vec<&Group> = others.into_iter().filter(is_unused).collect();
            (!unused.is_empty()).then_some((manifest, unused))
        })
    }

    /// Features that products select and nothing defines.
    pub fn missing_features(&self) -> impl Iterator<Item = (&MappedProduct, &SelectedFeature)> {
        let selected = self.products.iter().flat_map(|product| {
            let features = product.features.iter();
            features.map(move |feature| (product, feature))
        });
        selected.filter(|(_, feature)| feature.state == FeatureState::Missing)
    }

    /// Packages that manifests name and that are not there, each once for its manifest.
    pub fn missing_packages(&self) -> impl Iterator<Item = (&MappedManifest, Vec<&str>)> {
        self.manifests.iter().filter_map(|manifest| {
            let packages = manifest.groups.iter().flat_map(|group| &group.packages);
            let missing = packages.filter(|package| package.state == PackageState::Missing);
            let mut names: Vec<&str> = missing.map(|package| package.name.as_str()).collect();
            names.sort_by_key(|name| name.to_lowercase());
            names.dedup_by_key(|name| name.to_lowercase());
            (!names.is_empty()).then_some((manifest, names))
        })
    }
}

#[cfg(test)]
mod tests;
