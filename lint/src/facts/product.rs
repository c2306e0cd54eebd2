//! A product: one `OEMInput.xml` with everything that it brings into the image.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use formats::document::customizations::Customizations;
use formats::document::feature_manifest::{FeatureManifest, PackageFile, Section};
use formats::document::oem_input::OemInput;
use formats::document::parts::Item;
use formats::document::product_settings::ProductSettings;
use formats::document::workspace_settings::{WorkspaceEnv, WorkspaceSettings};
use formats::source::Spanned;

use super::file::File;
use super::package::Package;
use super::system::System;
use super::tree::TreeFile;
use crate::diagnostic::Place;
use crate::files;
use crate::image::ImageType;
use formats::document::variables::Variables;

/// The processor of an image, by the names that the workspace uses for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// `arm`.
    Arm,
    /// `arm64`.
    Arm64,
    /// `x64`, `amd64`.
    X64,
    /// `x86`.
    X86,
}

impl Arch {
    /// The name in a workspace, e.g. of the folder `Source-x64`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Arm64 => "arm64",
            Self::X64 => "x64",
            Self::X86 => "x86",
        }
    }

    /// The processor that a word names, in any case; `amd64` is `x64`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "arm" => Some(Self::Arm),
            "arm64" => Some(Self::Arm64),
            "x64" | "amd64" => Some(Self::X64),
            "x86" => Some(Self::X86),
            _ => None,
        }
    }

    /// The processor of images with this `Machine`.
    pub fn of_machine(machine: u16) -> Option<Self> {
        match machine {
            0x014c => Some(Self::X86),
            0x01c4 => Some(Self::Arm),
            0x8664 => Some(Self::X64),
            0xaa64 => Some(Self::Arm64),
            _ => None,
        }
    }

    /// The processor whose `Source-<arch>` folder a path goes through.
    pub fn of_path(path: &str) -> Option<Self> {
        path.split('/').rev().find_map(|name| {
            let (source, arch) = name.split_once('-')?;
            if source.eq_ignore_ascii_case("Source") {
                Self::from_word(arch)
            } else {
                None
            }
        })
    }
}

impl Arch {
    /// The processor that a path is for: that of its `Source-<arch>` folder, or of its folder below `Build`.
    pub fn built_for(path: &str) -> Option<Self> {
        Self::of_path(path).or_else(|| {
            let mut names = path.split('/');
            names.find(|name| name.eq_ignore_ascii_case("Build"))?;
            Self::from_word(names.next()?)
        })
    }

    /// The processor of an environment of the workspace, by its name.
    pub fn of_env(env: &WorkspaceEnv) -> Option<Self> {
        Self::from_word(env.name.as_ref()?.value.trim())
    }

    /// Whether something for one processor may be part of something for another; `None` is for all.
    pub fn fits(one: Option<Self>, other: Option<Self>) -> bool {
        one.is_none() || other.is_none() || one == other
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One `OEMInput.xml` and what it leads to.
#[derive(Debug, Clone)]
pub struct Product {
    /// The name of the folder it is in, or of the file where it has none.
    pub name: String,
    /// The image type that policies are chosen by: the declared one, else that of the content.
    pub image: Option<ImageType>,
    /// The image type that the user declared.
    pub declared: Option<ImageType>,
    /// The processor, from the product's settings or else its folder.
    pub arch: Option<Arch>,
    /// The image configuration.
    pub oem_input: Arc<File<OemInput>>,
    /// One for every `AdditionalFM`, in order.
    pub manifests: Vec<NamedManifest>,
    /// The packages of those manifests that get into the image, in order, each once.
    pub packages: Vec<SelectedPackage>,
    /// `<Product>Settings.xml` in the same folder.
    pub settings: Option<Arc<File<ProductSettings>>>,
    /// `IoTWorkspace.xml` of the workspace.
    pub workspace_settings: Option<Arc<File<WorkspaceSettings>>>,
    /// Provisioning of the product itself and of its packages.
    pub customizations: Vec<Arc<File<Customizations>>>,
    /// The variables of paths and names as this product has them.
    pub variables: Variables,
    /// Whether there is a workspace around it. Without one nothing can be said about what is missing.
    pub in_workspace: bool,
    /// The paths of all documents that belong to the product.
    pub reach: BTreeSet<Arc<str>>,
}

/// An `AdditionalFM` and the file it means.
#[derive(Debug, Clone)]
pub struct NamedManifest {
    /// The entry of the `OEMInput.xml`.
    pub reference: Item,
    /// What was found.
    pub found: ManifestLookup,
    /// The features that it defines; none where it was not found.
    pub features: Arc<FeatureIds>,
}

/// The feature identifiers of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeatureIds {
    /// Spellings by lower case.
    spellings: BTreeMap<String, BTreeSet<String>>,
}

impl FeatureIds {
    /// Those that the packages of a manifest name.
    pub fn of(manifest: &FeatureManifest) -> Self {
        let mut spellings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for id in manifest
            .packages
            .iter()
            .flat_map(|package| package.feature_ids.texts())
        {
            spellings
                .entry(id.to_lowercase())
                .or_default()
                .insert(id.to_owned());
        }
        Self { spellings }
    }

    /// How an identifier is known here.
    pub fn find(&self, id: &str) -> FeatureMatch {
        match self.spellings.get(&id.to_lowercase()) {
            Some(spellings) if spellings.contains(id) => FeatureMatch::Exact,
            Some(spellings) => match spellings.first() {
                Some(known) => FeatureMatch::OtherCase(known.clone()),
                None => FeatureMatch::None,
            },
            None => FeatureMatch::None,
        }
    }

    /// All of them, in every spelling, for a hint at the nearest.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.spellings.values().flatten().map(String::as_str)
    }
}

/// Where a feature manifest was found.
#[derive(Debug, Clone)]
pub enum ManifestLookup {
    /// The file; where several have the name and none is closer, they follow.
    Found(Arc<File<FeatureManifest>>, Vec<Arc<File<FeatureManifest>>>),
    /// A file that cannot be read, and where reading stopped.
    Unreadable(Place),
    /// Nowhere in the workspace.
    Missing,
    /// The path leads out of the workspace, e.g. into the imaging kit, by a variable that is not known.
    Outside,
}

impl NamedManifest {
    /// The file name that the reference ends with, whatever separates folders.
    pub fn name(&self) -> &str {
        files::written_name(&self.reference.text.value)
    }

    /// The manifest, where it was found.
    pub fn file(&self) -> Option<&Arc<File<FeatureManifest>>> {
        match &self.found {
            ManifestLookup::Found(file, _) => Some(file),
            ManifestLookup::Unreadable(_) | ManifestLookup::Missing | ManifestLookup::Outside => {
                None
            }
        }
    }
}

/// A package that gets into the image.
#[derive(Debug, Clone)]
pub struct SelectedPackage {
    /// The manifest that names it.
    pub manifest: Arc<File<FeatureManifest>>,
    /// Its entry there.
    pub entry: PackageFile,
    /// The features of the `OEMInput.xml` that select it; empty where its section does (`BasePackages`,
    /// `DeviceLayoutPackages`, ...).
    pub selected_by: Vec<Item>,
    /// The cabinet's file name, variables replaced; empty where the entry names none.
    pub file_name: String,
    /// The package that is built to that name, where the workspace defines it.
    pub package: Option<Arc<Package>>,
    /// The cabinet, where it is there.
    pub cab: Option<TreeFile>,
}

impl SelectedPackage {
    /// The entry's `Name`, or the entry where it has none.
    pub fn place(&self) -> Place {
        self.manifest.entry(&self.entry)
    }
}

/// How a feature identifier is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureMatch {
    /// A manifest defines it.
    Exact,
    /// A manifest defines it in another case, which is given.
    OtherCase(String),
    /// No manifest that was found defines it.
    None,
}

impl Product {
    /// Every feature of both sections.
    pub fn features(&self) -> impl Iterator<Item = &Item> {
        let features = &self.oem_input.features;
        features.microsoft.items.iter().chain(&features.oem.items)
    }

    /// The feature of that identifier in either section, in any case.
    pub fn feature(&self, id: &str) -> Option<&Item> {
        self.features()
            .find(|item| item.text.value.eq_ignore_ascii_case(id))
    }

    /// The manifests that were found.
    pub fn manifest_files(&self) -> impl Iterator<Item = &Arc<File<FeatureManifest>>> {
        self.manifests.iter().filter_map(NamedManifest::file)
    }

    /// Whether every manifest that the product names was found, so that what they lack is lacking.
    pub fn manifests_complete(&self) -> bool {
        self.manifests
            .iter()
            .all(|manifest| manifest.file().is_some())
    }

    /// How a feature is known to the manifests that were found.
    pub fn known_feature(&self, id: &str) -> FeatureMatch {
        let mut other_case = FeatureMatch::None;
        for manifest in &self.manifests {
            match manifest.features.find(id) {
                FeatureMatch::Exact => return FeatureMatch::Exact,
                found if other_case == FeatureMatch::None => other_case = found,
                _ => {}
            }
        }
        other_case
    }

    /// Whether the image is one of IoT Core.
    pub fn is_iot_core(&self) -> bool {
        self.system() == Some(System::IotCore)
    }

    /// Whether the board is a Raspberry Pi, which has neither secure boot nor a TPM.
    pub fn is_raspberry_pi(&self) -> bool {
        let input = &self.oem_input;
        let value = |value: &Option<Spanned<String>>| {
            let value = value.as_ref().map(|value| value.value.to_lowercase());
            value.unwrap_or_default()
        };
        value(&input.sv) == "raspberry pi" || value(&input.soc).contains("rpi")
    }

    /// The references to manifests of the manufacturer that were not found, so that what seems to be lacking may be
    /// there. Microsoft's own manifests lie in the imaging kit and define nothing for a board.
    pub fn manifests_not_found(&self) -> impl Iterator<Item = &NamedManifest> {
        self.manifests.iter().filter(|manifest| {
            manifest.file().is_none() && !starts_with_word(manifest.name(), "IoTUAP")
        })
    }

    /// Whether every manifest of an IoT Core board was found, so that a layout or a platform they lack is lacking.
    pub fn has_board_manifests(&self) -> bool {
        self.is_iot_core() && self.in_workspace && self.manifests_not_found().next().is_none()
    }

    /// The values that select packages of a section in the manifests that were found, sorted, each once.
    pub fn selectors(&self, section: Section) -> Vec<&str> {
        let entries = self
            .manifest_files()
            .flat_map(|file| file.section(section))
            .filter_map(|entry| entry.selector.as_ref());
        let values = entries.flat_map(|selector| selector.value.split(';'));
        let values: BTreeSet<&str> = values.map(str::trim).collect();
        values.into_iter().collect()
    }

    /// The value of a section's selector that equals a value but for case, where none equals it exactly.
    pub fn other_case(&self, section: Section, value: &str) -> Option<&str> {
        let known = self.selectors(section);
        if known.contains(&value.trim()) {
            return None;
        }
        known
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(value.trim()))
    }

    /// Where `ReleaseType` stands, or the root where it is missing: the place that explains the image type.
    pub fn image_place(&self) -> Place {
        match &self.oem_input.release_type {
            Some(value) => self.oem_input.value(value, "OEMInput/ReleaseType"),
            None => self.oem_input.root_place(),
        }
    }
}

/// Whether a text starts with another one, in any case.
fn starts_with_word(text: &str, start: &str) -> bool {
    text.trim()
        .get(..start.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_comes_from_words_and_folders() {
        assert_eq!(Arch::from_word("AMD64"), Some(Arch::X64));
        assert_eq!(
            Arch::of_path("w/Source-arm/Products/A/x.xml"),
            Some(Arch::Arm)
        );
        assert_eq!(Arch::of_path("w/source-x86/Source-z"), Some(Arch::X86));
        assert_eq!(Arch::of_path("w/Common/a.xml"), None);
    }
}
