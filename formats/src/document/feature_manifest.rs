//! `*FM.xml`: which packages a feature, a board or every image brings.

use super::parts::{Attribute, Comment, Item, List, Root, Unexpected};
use crate::source::{Span, Spanned};

/// Name of the root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const ROOT: &str = "FeatureManifest";

/// A feature manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The value that selects the package in its section (`SOC`, `Device`, `SV`, `ReleaseType`, ...), taken from
    /// the package or else from the section element; `None` in sections that have none.
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
