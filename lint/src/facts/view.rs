//! Facts as JSON: what rules outside of this program are given, and what `--explain-facts` prints.
//!
//! `docs/facts.md` names every field. Names are only ever added; another [`SCHEMA_VERSION`] says that one was removed or
//! changed its meaning. A place is `file`, `route`, and where the file is text `line` (from 1) with `start` and `end`, the
//! bytes of the decoded text.

use formats::document::parts::Item;
use formats::document::registry::RegistryData;
use formats::source::{Source, Spanned};
use serde::Serialize;

use super::package::Field;
use super::product::{FeatureMatch, ManifestLookup, NamedManifest, SelectedPackage};
use super::registry::RegistryFile;
use super::signature::{Signature, State};
use super::system::System;
use super::{Facts, Package, Product};
use crate::diagnostic::Place;
use crate::image::ImageType;
use crate::sources::line_number;

/// The number in `schema_version`.
pub const SCHEMA_VERSION: u32 = 1;

/// What a rule sees of one image type.
#[derive(Debug, Serialize)]
pub struct FactsView<'a> {
    schema_version: u32,
    image: Option<ImageType>,
    products: Vec<ProductView<'a>>,
    packages: Vec<PackageView<'a>>,
    manifests: Vec<ManifestView<'a>>,
    registry: Vec<RegistryView<'a>>,
    signatures: Vec<SignatureView<'a>>,
}

#[derive(Debug, Serialize)]
struct PlaceView {
    file: String,
    route: String,
    line: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
}

/// A value and where it stands.
#[derive(Debug, Serialize)]
struct Placed<'a> {
    value: &'a str,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct ProductView<'a> {
    name: &'a str,
    image_declared: bool,
    system: Option<&'static str>,
    arch: Option<&'static str>,
    in_workspace: bool,
    oem_input: &'a str,
    settings: Option<&'a str>,
    description: Option<Placed<'a>>,
    product: Option<Placed<'a>>,
    soc: Option<Placed<'a>>,
    sv: Option<Placed<'a>>,
    device: Option<Placed<'a>>,
    release_type: Option<Placed<'a>>,
    build_type: Option<Placed<'a>>,
    boot_ui_language: Option<Placed<'a>>,
    boot_locale: Option<Placed<'a>>,
    resolutions: Vec<Placed<'a>>,
    features: Vec<FeatureView<'a>>,
    manifests: Vec<ReferenceView<'a>>,
    packages: Vec<SelectedView<'a>>,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct FeatureView<'a> {
    id: &'a str,
    section: &'static str,
    /// Whether a manifest that was found defines it, in this spelling.
    defined: bool,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct ReferenceView<'a> {
    written: &'a str,
    state: &'static str,
    file: Option<&'a str>,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct SelectedView<'a> {
    file_name: &'a str,
    manifest: &'a str,
    selected_by: Vec<&'a str>,
    definition: Option<&'a str>,
    cab: Option<&'a str>,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct PackageView<'a> {
    name: &'a str,
    definition: &'a str,
    cab: Option<&'a str>,
    owner: Option<Placed<'a>>,
    owner_type: Option<Placed<'a>>,
    release_type: Option<Placed<'a>>,
    partition: Option<Placed<'a>>,
    files: Vec<FileView<'a>>,
    services: Vec<ServiceView<'a>>,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct FileView<'a> {
    source: Option<&'a str>,
    destination: Option<&'a str>,
    name: &'a str,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct ServiceView<'a> {
    name: Option<&'a str>,
    start: Option<&'a str>,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct ManifestView<'a> {
    file: &'a str,
    packages: Vec<EntryView<'a>>,
}

#[derive(Debug, Serialize)]
struct EntryView<'a> {
    name: Option<&'a str>,
    path: Option<&'a str>,
    selector: Option<&'a str>,
    feature_ids: Vec<&'a str>,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct RegistryView<'a> {
    key: String,
    name: &'a str,
    #[serde(rename = "type")]
    kind: String,
    written: &'a str,
    /// Text, list of texts, or number; null for bytes and what contradicts its type.
    data: serde_json::Value,
    place: PlaceView,
}

#[derive(Debug, Serialize)]
struct SignatureView<'a> {
    file: &'a str,
    member: Option<&'a str>,
    state: &'static str,
    problem: Option<&'a str>,
    holds: Option<bool>,
    class: Option<&'static str>,
    subject: Option<String>,
    digest_algorithm: Option<String>,
    timestamp: Option<bool>,
    published_key: Option<&'a str>,
    place: PlaceView,
}

impl<'a> FactsView<'a> {
    /// The view of what a rule sees.
    pub fn of(facts: &'a Facts<'_>) -> Self {
        let packages = facts.packages.iter();
        let manifests = facts.documents.manifests.iter();
        let manifests = manifests.map(|manifest| ManifestView {
            file: manifest.path(),
            packages: manifest
                .packages
                .iter()
                .map(|entry| EntryView {
                    name: text(&entry.name),
                    path: text(&entry.path),
                    selector: text(&entry.selector),
                    feature_ids: entry.feature_ids.texts().collect(),
                    place: place(&manifest.entry(entry), Some(&manifest.source)),
                })
                .collect(),
        });
        Self {
            schema_version: SCHEMA_VERSION,
            image: facts.image,
            products: facts
                .products
                .iter()
                .map(|product| self::product(product))
                .collect(),
            packages: packages.map(|package| self::package(package)).collect(),
            manifests: manifests.collect(),
            registry: facts.registry().flat_map(registry).collect(),
            signatures: facts.signatures.iter().map(|one| signature(one)).collect(),
        }
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
            && self.packages.is_empty()
            && self.manifests.is_empty()
            && self.registry.is_empty()
            && self.signatures.is_empty()
    }
}

fn text(value: &Option<Spanned<String>>) -> Option<&str> {
    value.as_ref().map(|value| value.value.as_str())
}

fn place(place: &Place, source: Option<&Source>) -> PlaceView {
    let span = place.span();
    let line = span
        .zip(source)
        .map(|(span, source)| line_number(source, span.start));
    PlaceView {
        file: place.file().to_owned(),
        route: place.route().to_owned(),
        line,
        start: span.map(|span| span.start),
        end: span.map(|span| span.end),
    }
}

fn product(product: &Product) -> ProductView<'_> {
    let input = &product.oem_input;
    let placed = |value: &'_ Option<Spanned<String>>, name: &str| -> Option<PlaceView> {
        let value = value.as_ref()?;
        let at = input.value(value, format!("OEMInput/{name}"));
        Some(place(&at, Some(&input.source)))
    };
    macro_rules! value {
        ($field:ident, $name:literal) => {
            input
                .$field
                .as_ref()
                .zip(placed(&input.$field, $name))
                .map(|(value, place)| Placed {
                    value: value.value.as_str(),
                    place,
                })
        };
    }
    let item = |item: &Item| place(&input.item(item), Some(&input.source));
    let of_section = |section: &'static str| move |feature| (section, feature);
    let features = &input.features;
    let microsoft = features.microsoft.items.iter().map(of_section("microsoft"));
    let oem = features.oem.items.iter().map(of_section("oem"));
    let features = microsoft.chain(oem).map(|(section, feature)| FeatureView {
        id: feature.text.value.as_str(),
        section,
        defined: product.known_feature(&feature.text.value) == FeatureMatch::Exact,
        place: item(feature),
    });
    let resolutions = input.resolutions.items.iter().map(|resolution| Placed {
        value: resolution.text.value.as_str(),
        place: item(resolution),
    });
    ProductView {
        name: &product.name,
        image_declared: product.declared.is_some(),
        system: product.system().map(|system| match system {
            System::IotCore => "iot-core",
            System::Mobile => "mobile",
            System::ManufacturingOs => "manufacturing-os",
        }),
        arch: product.arch.map(|arch| arch.as_str()),
        in_workspace: product.in_workspace,
        oem_input: input.path(),
        settings: product.settings.as_ref().map(|settings| settings.path()),
        description: value!(description, "Description"),
        product: value!(product, "Product"),
        soc: value!(soc, "SOC"),
        sv: value!(sv, "SV"),
        device: value!(device, "Device"),
        release_type: value!(release_type, "ReleaseType"),
        build_type: value!(build_type, "BuildType"),
        boot_ui_language: value!(boot_ui_language, "BootUILanguage"),
        boot_locale: value!(boot_locale, "BootLocale"),
        resolutions: resolutions.collect(),
        features: features.collect(),
        manifests: product
            .manifests
            .iter()
            .map(|manifest| reference(manifest, item(&manifest.reference)))
            .collect(),
        packages: product.packages.iter().map(selected).collect(),
        place: place(&input.root_place(), Some(&input.source)),
    }
}

fn reference(manifest: &NamedManifest, place: PlaceView) -> ReferenceView<'_> {
    ReferenceView {
        written: &manifest.reference.text.value,
        state: match &manifest.found {
            ManifestLookup::Found(..) => "found",
            ManifestLookup::Unreadable(_) => "unreadable",
            ManifestLookup::Missing => "missing",
            ManifestLookup::Outside => "outside",
        },
        file: manifest.file().map(|file| file.path()),
        place,
    }
}

fn selected(selected: &SelectedPackage) -> SelectedView<'_> {
    let by = selected.selected_by.iter();
    SelectedView {
        file_name: &selected.file_name,
        manifest: selected.manifest.path(),
        selected_by: by.map(|feature| feature.text.value.as_str()).collect(),
        definition: selected
            .package
            .as_ref()
            .map(|package| package.definition.path()),
        cab: selected.cab.as_ref().map(|cab| cab.path.as_str()),
        place: place(&selected.place(), Some(&selected.manifest.source)),
    }
}

fn package(package: &Package) -> PackageView<'_> {
    let definition = &package.definition;
    let source = definition.source();
    let field = |field: Option<Field<'_>>| field.map(|field| place(&field.place, Some(source)));
    macro_rules! field {
        ($name:ident) => {
            definition
                .$name()
                .zip(field(definition.$name()))
                .map(|(field, place)| Placed {
                    value: field.value,
                    place,
                })
        };
    }
    let files = definition.files().into_iter().map(|file| FileView {
        source: text(file.source),
        destination: text(file.destination),
        name: file.name(),
        place: place(&Place::text(source, file.element, file.route), Some(source)),
    });
    let services = definition
        .services()
        .into_iter()
        .map(|service| ServiceView {
            name: service.name,
            start: service.start.map(|start| start.value.as_str()),
            place: place(&service.place, Some(source)),
        });
    PackageView {
        name: &package.name,
        definition: definition.path(),
        cab: package.cab.as_ref().map(|cab| cab.path.as_str()),
        owner: field!(owner),
        owner_type: field!(owner_type),
        release_type: field!(release_type),
        partition: field!(partition),
        files: files.collect(),
        services: services.collect(),
        place: place(&definition.root_place(), Some(source)),
    }
}

fn registry(file: RegistryFile<'_>) -> impl Iterator<Item = RegistryView<'_>> {
    file.values().map(|value| {
        let entry = value.entry;
        RegistryView {
            key: match value.resolved() {
                Some(key) => key.as_str().to_owned(),
                None => entry.key.value.to_string(),
            },
            name: &entry.name.value,
            kind: value.kind_text().trim_matches('`').to_owned(),
            written: &entry.written.value,
            data: match entry.data() {
                Ok(RegistryData::Text(text)) => text.into(),
                Ok(RegistryData::Texts(texts)) => texts.into(),
                Ok(RegistryData::Number(number)) => number.into(),
                Ok(RegistryData::Bytes(_)) | Err(_) => serde_json::Value::Null,
            },
            place: place(&value.place(), Some(value.source)),
        }
    })
}

fn signature(signature: &Signature) -> SignatureView<'_> {
    let report = signature.report();
    let (state, problem) = match &signature.state {
        State::Unsigned => ("unsigned", None),
        State::Unreadable(problem) => ("unreadable", Some(problem.as_str())),
        State::Signed(_) => ("signed", None),
    };
    SignatureView {
        file: &signature.subject.file,
        member: signature.subject.member.as_deref(),
        state,
        problem,
        holds: report.map(|report| report.holds()),
        class: signature.anchored().map(|(_, anchor)| anchor.class.name()),
        subject: report.and_then(|report| Some(report.leaf.as_ref()?.subject.to_string())),
        digest_algorithm: report.and_then(|report| Some(report.digest_algorithm?.to_string())),
        timestamp: report.map(|report| report.timestamp.is_some()),
        published_key: report.and_then(|report| report.published_key.as_deref()),
        place: place(&signature.place(""), None),
    }
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;

    use super::*;
    use crate::testing::{oem_input, signed, wm_registry, workspace};

    #[test]
    fn a_product_its_packages_registry_and_signatures_are_told_with_their_places() {
        let feature = "<Features><OEM>\n<Feature>KIOSK</Feature></OEM></Features>";
        let input = oem_input(&format!("<ReleaseType>Production</ReleaseType>{feature}"));
        let definition = wm_registry(
            "$(hklm.software)\\Kiosk",
            "\n<regValue name=\"Port\" type=\"REG_DWORD\" value=\"0x50\"/>",
        );
        let files = [
            ("OEMInput.xml", input.as_str()),
            ("A/A.wm.xml", definition.as_str()),
        ];
        let mut workspace = workspace(&files);
        workspace.signatures = vec![signed("a.cab", TrustClass::MicrosoftTest)];
        let of = |image| {
            let facts = Facts::of(&workspace, image, &[]);
            serde_json::to_value(FactsView::of(&facts)).unwrap()
        };
        let retail = of(Some(ImageType::Retail));
        assert_eq!(
            (&retail["schema_version"], &retail["image"]),
            (&1.into(), &"retail".into())
        );
        let product = &retail["products"][0];
        assert_eq!(product["release_type"]["value"], "Production");
        assert_eq!(
            product["release_type"]["place"]["route"],
            "OEMInput/ReleaseType"
        );
        let feature = &product["features"][0];
        let start = input.find("KIOSK").unwrap();
        assert_eq!(
            *feature,
            serde_json::json!({
                "id": "KIOSK",
                "section": "oem",
                "defined": false,
                "place": {
                    "file": "OEMInput.xml",
                    "route": "OEMInput/Features/OEM/Feature[1]",
                    "line": 2,
                    "start": start,
                    "end": start + 5,
                },
            })
        );
        // What belongs to no product is of unknown type.
        let unknown = of(None);
        let value = &unknown["registry"][0];
        assert_eq!(value["key"], "HKEY_LOCAL_MACHINE\\SOFTWARE\\Kiosk");
        assert_eq!(
            (&value["type"], &value["data"], &value["place"]["line"]),
            (&"REG_DWORD".into(), &80.into(), &2.into())
        );
        let signature = &unknown["signatures"][0];
        assert_eq!(
            (&signature["state"], &signature["class"]),
            (&"signed".into(), &"microsoft-test".into())
        );
        assert_eq!(signature["place"]["line"], serde_json::Value::Null);
        let nothing = Facts::of(&workspace, Some(ImageType::Mmos), &[]);
        assert!(FactsView::of(&nothing).is_empty());
    }
}
