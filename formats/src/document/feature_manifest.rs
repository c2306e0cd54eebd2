//! `*FM.xml`: which packages a feature, a board or every image brings.

use super::error::DocumentError;
use super::parts::{Attribute, Comment, Item, List, Root, Unexpected};
use super::reader::{self, Element, Reader};
use crate::source::{Source, Span, Spanned};

/// Name of the root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const ROOT: &str = "FeatureManifest";

/// A feature manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeatureManifest {
    /// The root.
    pub root: Root,
    /// `@Revision`.
    pub revision: Option<Spanned<String>>,
    /// `@SchemaVersion`.
    pub schema_version: Option<Spanned<String>>,
    /// Every package of every section, in document order.
    pub packages: Vec<PackageFile>,
    /// `Features/MSFeatureGroups/FeatureGroup` and `Features/OEMFeatureGroups/FeatureGroup`, nested ones included.
    pub feature_groups: Vec<FeatureGroup>,
    /// `Features/OEMConditionalFeatures/ConditionalFeature`.
    pub conditional_features: Vec<ConditionalFeature>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// Where in the manifest a package stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `BasePackages`: in every image.
    Base,
    /// `CPUPackages`.
    Cpu,
    /// `ReleasePackages`, selected by `ReleaseType`.
    Release,
    /// `PrereleasePackages`, selected by `Type`.
    Prerelease,
    /// `OEMDevicePlatformPackages`, selected by `Device`.
    OemDevicePlatform,
    /// `DeviceLayoutPackages`, selected by `SOC`.
    DeviceLayout,
    /// `SOCPackages`, selected by `SOC`.
    Soc,
    /// `SVPackages`, selected by `SV`.
    Sv,
    /// `DeviceSpecificPackages`, selected by `Device`.
    DeviceSpecific,
    /// `BootUILanguagePackageFile`, selected by the image's `BootUILanguage`.
    BootUiLanguage,
    /// `BootLocalePackageFile`, selected by the image's `BootLocale`.
    BootLocale,
    /// `KeyboardPackages`, selected by `Language`.
    Keyboard,
    /// `SpeechPackages`, selected by `Language`.
    Speech,
    /// `Features/Microsoft`, selected by feature identifier.
    MicrosoftFeatures,
    /// `Features/OEM`, selected by feature identifier.
    OemFeatures,
}

/// One `PackageFile`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// The section it stands in.
    pub section: Section,
    /// `@Path`, the folder, with a variable.
    pub path: Option<Spanned<String>>,
    /// `@Name`, the cabinet's file name.
    pub name: Option<Spanned<String>>,
    /// The attribute that selects the package in its section (`SOC`, `Device`, `SV`, `ReleaseType`, ...); `None` when
    /// it is missing, and in sections that have none.
    pub selector: Option<Spanned<String>>,
    /// All attributes, those above included.
    pub attributes: Vec<Attribute>,
    /// `FeatureIDs/FeatureID`.
    pub feature_ids: List,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `FeatureManifest/Features/OEM/PackageFile[2]`.
    pub route: String,
}

impl PackageFile {
    /// The value of an attribute by its exact name, e.g. `FeatureIdentifierPackage`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name.value == name)
    }
}

/// A `FeatureGroup`: how many of some features may be chosen together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureGroup {
    /// Whether it stands under `OEMFeatureGroups` (and not under `MSFeatureGroups`).
    pub oem: bool,
    /// `@Constraint`: `OneOrMore`, `ZeroOrOne`, `OneAndOnlyOne` or `ZeroOrMore`.
    pub constraint: Option<Spanned<String>>,
    /// `@Name`.
    pub name: Option<Spanned<String>>,
    /// `FeatureIDs/FeatureID` of the group itself.
    pub feature_ids: List,
    /// Position in [`FeatureManifest::feature_groups`] of the group that contains this one.
    pub parent: Option<usize>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: String,
}

/// A `ConditionalFeature`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionalFeature {
    /// `@FeatureID`, with the prefix that the tools add (`OEM_`, `MS_`).
    pub feature_id: Option<Spanned<String>>,
    /// `@UpdateAction`.
    pub update_action: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: String,
}

impl FeatureManifest {
    /// Packages of one section.
    pub fn section(&self, section: Section) -> impl Iterator<Item = &PackageFile> {
        self.packages.iter().filter(move |p| p.section == section)
    }

    /// Every feature identifier that a package of `section` defines, once per package that names it.
    pub fn feature_ids(&self, section: Section) -> impl Iterator<Item = (&PackageFile, &Item)> {
        self.section(section).flat_map(|package| {
            package
                .feature_ids
                .items
                .iter()
                .map(move |id| (package, id))
        })
    }
}

/// Attributes of `PackageFile` in the full schema. The last five are not for manufacturers.
const PACKAGE_ATTRIBUTES: &[&str] = &[
    "Path",
    "Name",
    "SOC",
    "Device",
    "SV",
    "ReleaseType",
    "Type",
    "Language",
    "Resolution",
    "Partition",
    "ID",
    "NoBasePackage",
    "CPUType",
    "FeatureIdentifierPackage",
];

impl Section {
    /// The section that an element below the root opens.
    fn of_element(name: &str) -> Option<Self> {
        Some(match name {
            "BasePackages" => Self::Base,
            "CPUPackages" => Self::Cpu,
            "ReleasePackages" => Self::Release,
            "PrereleasePackages" => Self::Prerelease,
            "OEMDevicePlatformPackages" => Self::OemDevicePlatform,
            "DeviceLayoutPackages" => Self::DeviceLayout,
            "SOCPackages" => Self::Soc,
            "SVPackages" => Self::Sv,
            "DeviceSpecificPackages" => Self::DeviceSpecific,
            "BootUILanguagePackageFile" => Self::BootUiLanguage,
            "BootLocalePackageFile" => Self::BootLocale,
            "KeyboardPackages" => Self::Keyboard,
            "SpeechPackages" => Self::Speech,
            _ => return None,
        })
    }

    /// The attribute whose value selects packages of this section.
    fn selecting_attribute(self) -> Option<&'static str> {
        match self {
            Self::Release => Some("ReleaseType"),
            Self::Prerelease => Some("Type"),
            Self::OemDevicePlatform | Self::DeviceSpecific => Some("Device"),
            Self::DeviceLayout | Self::Soc => Some("SOC"),
            Self::Sv => Some("SV"),
            Self::Cpu => Some("CPUType"),
            Self::Keyboard | Self::Speech => Some("Language"),
            Self::Base
            | Self::BootUiLanguage
            | Self::BootLocale
            | Self::MicrosoftFeatures
            | Self::OemFeatures => None,
        }
    }
}

impl FeatureManifest {
    /// Reads a feature manifest. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            reader.known_attributes(&root, &["Revision", "SchemaVersion"]);
            let mut manifest = Self {
                root: reader.root_value(),
                revision: reader.attribute(&root, "Revision"),
                schema_version: reader.attribute(&root, "SchemaVersion"),
                ..Self::default()
            };
            for child in reader.children(&root) {
                match Section::of_element(child.name()) {
                    Some(section @ (Section::BootUiLanguage | Section::BootLocale)) => {
                        manifest.read_package(&mut reader, &child, section);
                    }
                    Some(section) => manifest.read_section(&mut reader, &child, section),
                    None if child.name() == "Features" => {
                        manifest.read_features(&mut reader, &child);
                    }
                    None => reader.unexpected(&child, &root),
                }
            }
            (manifest.comments, manifest.unexpected) = reader.finish();
            manifest
        })
    }

    fn read_features<'a>(&mut self, reader: &mut Reader<'a>, features: &Element<'a>) {
        reader.known_attributes(features, &[]);
        for child in reader.children(features) {
            match child.name() {
                "Microsoft" => self.read_section(reader, &child, Section::MicrosoftFeatures),
                "OEM" => self.read_section(reader, &child, Section::OemFeatures),
                "MSFeatureGroups" => self.read_groups(reader, &child, false, None),
                "OEMFeatureGroups" => self.read_groups(reader, &child, true, None),
                "OEMConditionalFeatures" | "MSConditionalFeatures" => {
                    for feature in reader.members(&child, "ConditionalFeature") {
                        let feature = ConditionalFeature {
                            feature_id: reader.attribute(&feature, "FeatureID"),
                            update_action: reader.attribute(&feature, "UpdateAction"),
                            element: feature.span(),
                            route: feature.route,
                        };
                        self.conditional_features.push(feature);
                    }
                }
                _ => reader.unexpected(&child, features),
            }
        }
    }

    fn read_section<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        element: &Element<'a>,
        section: Section,
    ) {
        reader.known_attributes(element, &[]);
        for package in reader.members(element, "PackageFile") {
            self.read_package(reader, &package, section);
        }
    }

    fn read_package<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        element: &Element<'a>,
        section: Section,
    ) {
        reader.known_attributes(element, PACKAGE_ATTRIBUTES);
        let mut feature_ids = List::default();
        for child in reader.children(element) {
            match child.name() {
                "FeatureIDs" => reader.list(&mut feature_ids, &child, element, "FeatureID"),
                _ => reader.unexpected(&child, element),
            }
        }
        let selecting = section.selecting_attribute();
        self.packages.push(PackageFile {
            section,
            path: reader.attribute(element, "Path"),
            name: reader.attribute(element, "Name"),
            selector: selecting.and_then(|name| reader.attribute(element, name)),
            attributes: reader.attributes(element),
            feature_ids,
            element: element.span(),
            route: element.route.clone(),
        });
    }

    /// Reads the groups below `parent`, which stands in the group `within`.
    fn read_groups<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        parent: &Element<'a>,
        oem: bool,
        within: Option<usize>,
    ) {
        for element in reader.members(parent, "FeatureGroup") {
            reader.known_attributes(&element, &["Constraint", "Name", "PublishingFeatureGroup"]);
            let position = self.feature_groups.len();
            self.feature_groups.push(FeatureGroup {
                oem,
                constraint: reader.attribute(&element, "Constraint"),
                name: reader.attribute(&element, "Name"),
                feature_ids: List::default(),
                parent: within,
                element: element.span(),
                route: element.route.clone(),
            });
            let mut feature_ids = List::default();
            for child in reader.children(&element) {
                match child.name() {
                    "FeatureIDs" => reader.list(&mut feature_ids, &child, &element, "FeatureID"),
                    // Groups of groups; more levels would only make the symbolic places long.
                    "SubGroups" if within.is_none() => {
                        self.read_groups(reader, &child, oem, Some(position));
                    }
                    _ => reader.unexpected(&child, &element),
                }
            }
            if let Some(group) = self.feature_groups.get_mut(position) {
                group.feature_ids = feature_ids;
            }
        }
    }
}
