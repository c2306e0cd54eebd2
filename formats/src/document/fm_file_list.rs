//! `*FMFileList.xml`: the feature manifests of a product line.

use super::error::DocumentError;
use super::parts::{Comment, List, Root, Unexpected};
use super::reader::{self, Slot};
use crate::source::{Source, Span, Spanned};

/// Name of the root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const ROOT: &str = "FMCollectionManifest";

/// A list of feature manifests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FmFileList {
    /// The root.
    pub root: Root,
    /// `@Product`.
    pub product: Option<Spanned<String>>,
    /// `IsBuildFeatureEnabled`: `true` or `false`.
    pub is_build_feature_enabled: Option<Spanned<String>>,
    /// `FMs/FM`.
    pub fms: Vec<Fm>,
    /// `SupportedResolutions/Resolution`.
    pub supported_resolutions: List,
    /// `SupportedLanguages/Language`.
    pub supported_languages: List,
    /// `SupportedLocales/Locale`.
    pub supported_locales: List,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// One `FM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fm {
    /// `@ID`, unique in the list.
    pub id: Option<Spanned<String>>,
    /// `@Path`, e.g. `$(FMDirectory)\OEMFM.xml`.
    pub path: Option<Spanned<String>>,
    /// `@ReleaseType`: `Production` or `Test`.
    pub release_type: Option<Spanned<String>>,
    /// `@OwnerName`.
    pub owner_name: Option<Spanned<String>>,
    /// `@OwnerType`.
    pub owner_type: Option<Spanned<String>>,
    /// `@CPUType`: `ARM`, `ARM64`, `X86` or `AMD64`.
    pub cpu_type: Option<Spanned<String>>,
    /// `@Critical`: `true` or `false`.
    pub critical: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `FMCollectionManifest/FMs/FM[1]`.
    pub route: String,
}

/// Attributes of `FM`.
const FM_ATTRIBUTES: &[&str] = &[
    "ID",
    "Path",
    "ReleaseType",
    "OwnerName",
    "OwnerType",
    "CPUType",
    "Critical",
];

impl FmFileList {
    /// Reads a list of feature manifests. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            reader.known_attributes(&root, &["Product"]);
            let mut list = Self {
                root: reader.root_value(),
                product: reader.attribute(&root, "Product"),
                ..Self::default()
            };
            let slots = &mut [
                (
                    "IsBuildFeatureEnabled",
                    Slot::Value(&mut list.is_build_feature_enabled),
                ),
                (
                    "SupportedResolutions",
                    Slot::List(&mut list.supported_resolutions, "Resolution"),
                ),
                (
                    "SupportedLanguages",
                    Slot::List(&mut list.supported_languages, "Language"),
                ),
                (
                    "SupportedLocales",
                    Slot::List(&mut list.supported_locales, "Locale"),
                ),
            ];
            for child in reader.fill(&root, slots) {
                if child.name() != "FMs" {
                    reader.unexpected(&child, &root);
                    continue;
                }
                for fm in reader.members(&child, "FM") {
                    reader.known_attributes(&fm, FM_ATTRIBUTES);
                    list.fms.push(Fm {
                        id: reader.attribute(&fm, "ID"),
                        path: reader.attribute(&fm, "Path"),
                        release_type: reader.attribute(&fm, "ReleaseType"),
                        owner_name: reader.attribute(&fm, "OwnerName"),
                        owner_type: reader.attribute(&fm, "OwnerType"),
                        cpu_type: reader.attribute(&fm, "CPUType"),
                        critical: reader.attribute(&fm, "Critical"),
                        element: fm.span(),
                        route: fm.route,
                    });
                }
            }
            (list.comments, list.unexpected) = reader.finish();
            list
        })
    }
}
