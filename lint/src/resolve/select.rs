//! Which packages of its manifests an `OEMInput.xml` puts into the image.

use formats::document::feature_manifest::{PackageFile, Section};
use formats::document::oem_input::OemInput;
use formats::document::parts::{Item, List};
use formats::source::Spanned;

use super::lookup::FoundPackage;
use crate::facts::product::{NamedManifest, SelectedPackage};
use crate::image::ImageType;

/// The packages that get into the image, in the order of the manifests, each entry once.
pub(super) fn packages(
    input: &OemInput,
    manifests: &[NamedManifest],
    image: Option<ImageType>,
    find: impl Fn(&PackageFile) -> FoundPackage,
) -> Vec<SelectedPackage> {
    let mut selected = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for manifest in manifests.iter().filter_map(NamedManifest::file) {
        // A manifest that is named twice brings its packages once.
        if seen.contains(&manifest.path()) {
            continue;
        }
        seen.push(manifest.path());
        for entry in &manifest.packages {
            let Some(selected_by) = selection(input, entry, image) else {
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

/// The features that select an entry, none where its section does; `None` where nothing selects it.
fn selection(input: &OemInput, entry: &PackageFile, image: Option<ImageType>) -> Option<Vec<Item>> {
    let by_value = |value: &Option<Spanned<String>>| {
        let wanted = value.as_ref().map(|value| value.value.trim());
        let selector = entry
            .selector
            .as_ref()
            .map(|selector| selector.value.trim());
        let is_selected = match (selector, wanted) {
            (Some(selector), Some(wanted)) => is_one_of(selector, wanted),
            (None, _) => true,
            (Some(_), None) => false,
        };
        is_selected.then(Vec::new)
    };
    let by_language = |list: &List| {
        let selector = entry
            .selector
            .as_ref()
            .map(|selector| selector.value.trim());
        let is_selected = selector
            .is_none_or(|selector| list.texts().any(|language| is_one_of(selector, language)));
        is_selected.then(Vec::new)
    };
    let by_feature = |list: &List| {
        let is_named = |item: &&Item| {
            let mut ids = entry.feature_ids.texts();
            ids.any(|id| id.eq_ignore_ascii_case(&item.text.value))
        };
        let features: Vec<Item> = list.items.iter().filter(is_named).cloned().collect();
        (!features.is_empty()).then_some(features)
    };
    match entry.section {
        Section::Base | Section::Cpu => Some(Vec::new()),
        Section::Release => by_value(&input.release_type),
        // Packages that replace others before release do not get into what is shipped.
        Section::Prerelease => (image == Some(ImageType::Test)).then(Vec::new),
        Section::OemDevicePlatform | Section::DeviceSpecific => by_value(&input.device),
        Section::DeviceLayout | Section::Soc => by_value(&input.soc),
        Section::Sv => by_value(&input.sv),
        Section::BootUiLanguage => by_value(&input.boot_ui_language),
        Section::BootLocale => by_value(&input.boot_locale),
        Section::Keyboard => by_language(&input.supported_languages.keyboard),
        Section::Speech => by_language(&input.supported_languages.speech),
        Section::MicrosoftFeatures => by_feature(&input.features.microsoft),
        Section::OemFeatures => by_feature(&input.features.oem),
    }
}

/// Whether a selector, one value or several between `;`, names the wanted one.
fn is_one_of(selector: &str, wanted: &str) -> bool {
    selector
        .split(';')
        .any(|one| one.trim().eq_ignore_ascii_case(wanted))
}
