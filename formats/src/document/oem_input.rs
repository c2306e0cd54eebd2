//! `OEMInput.xml`: which image is built from what.

use super::parts::{Comment, List, Root, Unexpected};
use crate::source::Spanned;

/// Name of the root element.
pub const ROOT: &str = "OEMInput";
/// Namespace of image inputs, feature manifests, manifest lists, device layouts and device platforms.
pub const IMAGE_UPDATE: &str = "http://schemas.microsoft.com/embedded/2004/10/ImageUpdate";

/// An image configuration. Absent elements are `None`; an empty element is a value `""`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OemInput {
    /// The root; [`Root::is`] with [`ROOT`] and [`IMAGE_UPDATE`] says whether it is right.
    pub root: Root,
    /// `Description`, free text.
    pub description: Option<Spanned<String>>,
    /// `SOC`, chooses the device layout.
    pub soc: Option<Spanned<String>>,
    /// `SV`, the silicon vendor.
    pub sv: Option<Spanned<String>>,
    /// `Device`, chooses the device platform.
    pub device: Option<Spanned<String>>,
    /// `ReleaseType`: `Test` or `Production`.
    pub release_type: Option<Spanned<String>>,
    /// `BuildType`: `fre` or `chk`.
    pub build_type: Option<Spanned<String>>,
    /// `SupportedLanguages`.
    pub supported_languages: SupportedLanguages,
    /// `BootUILanguage`.
    pub boot_ui_language: Option<Spanned<String>>,
    /// `BootLocale`.
    pub boot_locale: Option<Spanned<String>>,
    /// `Resolutions/Resolution`.
    pub resolutions: List,
    /// `AdditionalFMs/AdditionalFM`, paths of feature manifests.
    pub additional_fms: List,
    /// `Features`.
    pub features: Features,
    /// `Product`: `Windows 10 IoT Core`, `Manufacturing OS`; absent for the full phone system.
    pub product: Option<Spanned<String>>,
    /// `FormatDPP`: `true` or `false`.
    pub format_dpp: Option<Spanned<String>>,
    /// `ExcludePrereleaseFeatures`: `true` or `false`.
    pub exclude_prerelease_features: Option<Spanned<String>>,
    /// `PackageFiles/PackageFile`, packages named directly.
    pub package_files: List,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// `SupportedLanguages`: three lists of `Language`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SupportedLanguages {
    /// `UserInterface/Language`.
    pub user_interface: List,
    /// `Keyboard/Language`.
    pub keyboard: List,
    /// `Speech/Language`.
    pub speech: List,
}

/// `Features`: two lists of `Feature`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// `Microsoft/Feature`, identifiers of the system's own manifests.
    pub microsoft: List,
    /// `OEM/Feature`, identifiers of the manifests in `AdditionalFMs`.
    pub oem: List,
}
