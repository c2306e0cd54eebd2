//! Which packages of its manifests an `OEMInput.xml` puts into the image.

use std::collections::{BTreeMap, BTreeSet};

use formats::document::feature_manifest::{PackageFile, Section};
use formats::document::oem_input::OemInput;
use formats::document::parts::{Item, List};
use formats::source::Spanned;

use super::lookup::FoundPackage;
use crate::facts::product::{NamedManifest, SelectedPackage};
use crate::image::ImageType;

/// How many features are named as the ones that select an entry.
const MOST_FEATURES: usize = 16;

/// The packages that get into the image, in the order of the manifests, each entry once.
pub(super) fn packages(
    input: &OemInput,
    manifests: &[NamedManifest],
    image: Option<ImageType>,
    find: impl Fn(&PackageFile) -> FoundPackage,
) -> Vec<SelectedPackage> {
    let selector = Selector::new(input, image);
    let mut selected = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for manifest in manifests.iter().filter_map(NamedManifest::file) {
        // A manifest that is named twice brings its packages once.
        if !seen.insert(manifest.path()) {
            continue;
        }
        for entry in &manifest.packages {
            let Some(selected_by) = selector.selection(entry) else {
                continue;
            };
            let (file_name, package, cab) = find(entry);
            selected.push(SelectedPackage {
                manifest: manifest.clone(),
                entry: entry.clone(),
                selected_by,
                file_name,
                package,
                cab,
            });
        }
    }
    selected
}

/// What an `OEMInput.xml` selects by; all texts in lower case.
struct Selector<'a> {
    input: &'a OemInput,
    image: Option<ImageType>,
    microsoft: BTreeMap<String, Vec<&'a Item>>,
    oem: BTreeMap<String, Vec<&'a Item>>,
    keyboard: BTreeSet<String>,
    speech: BTreeSet<String>,
}

impl<'a> Selector<'a> {
    fn new(input: &'a OemInput, image: Option<ImageType>) -> Self {
        let by_id = |list: &'a List| {
            let mut items: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
            for item in &list.items {
                items
                    .entry(item.text.value.to_lowercase())
                    .or_default()
                    .push(item);
            }
            items
        };
        let texts = |list: &List| list.texts().map(str::to_lowercase).collect();
        Self {
            input,
            image,
            microsoft: by_id(&input.features.microsoft),
            oem: by_id(&input.features.oem),
            keyboard: texts(&input.supported_languages.keyboard),
            speech: texts(&input.supported_languages.speech),
        }
    }

    /// The features that select an entry, none where its section does; `None` where nothing selects it.
    fn selection(&self, entry: &PackageFile) -> Option<Vec<Item>> {
        let input = self.input;
        match entry.section {
            Section::Base | Section::Cpu => Some(Vec::new()),
            Section::Release => by_value(entry, &input.release_type),
            // Packages that replace others before release do not get into what is shipped.
            Section::Prerelease => (self.image == Some(ImageType::Test)).then(Vec::new),
            Section::OemDevicePlatform | Section::DeviceSpecific => by_value(entry, &input.device),
            Section::DeviceLayout | Section::Soc => by_value(entry, &input.soc),
            Section::Sv => by_value(entry, &input.sv),
            Section::BootUiLanguage => by_value(entry, &input.boot_ui_language),
            Section::BootLocale => by_value(entry, &input.boot_locale),
            Section::Keyboard => selects(entry, |language| self.keyboard.contains(language)),
            Section::Speech => selects(entry, |language| self.speech.contains(language)),
            Section::MicrosoftFeatures => by_feature(entry, &self.microsoft),
            Section::OemFeatures => by_feature(entry, &self.oem),
        }
    }
}

fn by_value(entry: &PackageFile, value: &Option<Spanned<String>>) -> Option<Vec<Item>> {
    let value = value
        .as_ref()
        .map(|value| value.value.trim().to_lowercase());
    selects(entry, |selector| value.as_deref() == Some(selector))
}

/// An entry without a selector is always selected; one with several, between `;`, by any of them.
fn selects(entry: &PackageFile, is_wanted: impl Fn(&str) -> bool) -> Option<Vec<Item>> {
    let is_selected = entry.selector.as_ref().is_none_or(|selector| {
        let mut selectors = selector.value.split(';');
        selectors.any(|selector| is_wanted(&selector.trim().to_lowercase()))
    });
    is_selected.then(Vec::new)
}

fn by_feature(entry: &PackageFile, items: &BTreeMap<String, Vec<&Item>>) -> Option<Vec<Item>> {
    let ids: BTreeSet<String> = entry.feature_ids.texts().map(str::to_lowercase).collect();
    let named = ids.iter().filter_map(|id| items.get(id)).flatten();
    let features: Vec<Item> = named
        .take(MOST_FEATURES)
        .map(|item| (*item).clone())
        .collect();
    (!features.is_empty()).then_some(features)
}
