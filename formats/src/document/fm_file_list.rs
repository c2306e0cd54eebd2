//! `*FMFileList.xml`: the feature manifests of a product line.

use super::parts::{Comment, List, Root, Unexpected};
use crate::source::{Span, Spanned};

/// Name of the root element; its namespace is [`super::oem_input::IMAGE_UPDATE`].
pub const ROOT: &str = "FMCollectionManifest";

/// A list of feature manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
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
