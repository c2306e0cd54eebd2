//! `OEMInput.xml`: which image is built from what.

use super::error::DocumentError;
use super::parts::{Comment, List, Root, Unexpected};
use super::reader::{self, Element, Reader, Slot};
use crate::source::{Source, Spanned};

/// Name of the root element.
pub const ROOT: &str = "OEMInput";
/// Namespace of image inputs, feature manifests, manifest lists, device layouts and device platforms.
pub const IMAGE_UPDATE: &str = "http://schemas.microsoft.com/embedded/2004/10/ImageUpdate";

/// An image configuration. Absent elements are `None`; an empty element is a value `""`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// `OEMDevicePlatform`.
    pub oem_device_platform: Option<Spanned<String>>,
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

impl OemInput {
    /// Reads an image configuration. A wrong root is read like the right one; see [`OemInput::root`].
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let mut input = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            let root = reader.root();
            reader.known_attributes(&root, &[]);
            for child in input.read_children(&mut reader, &root) {
                match child.name() {
                    "SupportedLanguages" => {
                        let languages = &mut input.supported_languages;
                        let slots = &mut [
                            (
                                "UserInterface",
                                Slot::List(&mut languages.user_interface, "Language"),
                            ),
                            ("Keyboard", Slot::List(&mut languages.keyboard, "Language")),
                            ("Speech", Slot::List(&mut languages.speech, "Language")),
                        ];
                        reader.fill_all(&child, slots);
                    }
                    "Features" => {
                        let features = &mut input.features;
                        let slots = &mut [
                            ("Microsoft", Slot::List(&mut features.microsoft, "Feature")),
                            ("OEM", Slot::List(&mut features.oem, "Feature")),
                        ];
                        reader.fill_all(&child, slots);
                    }
                    // Data for the user store may have any form.
                    "UserStoreMapData" => {}
                    _ => reader.unexpected(&child, &root),
                }
            }
            (input.comments, input.unexpected) = reader.finish();
            input
        })
    }

    /// Reads the children that hold a text or a plain list, returns the others.
    fn read_children<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        root: &Element<'a>,
    ) -> Vec<Element<'a>> {
        let slots = &mut [
            ("Description", Slot::Value(&mut self.description)),
            ("SOC", Slot::Value(&mut self.soc)),
            ("SV", Slot::Value(&mut self.sv)),
            ("Device", Slot::Value(&mut self.device)),
            ("ReleaseType", Slot::Value(&mut self.release_type)),
            ("BuildType", Slot::Value(&mut self.build_type)),
            ("BootUILanguage", Slot::Value(&mut self.boot_ui_language)),
            ("BootLocale", Slot::Value(&mut self.boot_locale)),
            ("Product", Slot::Value(&mut self.product)),
            ("FormatDPP", Slot::Value(&mut self.format_dpp)),
            (
                "ExcludePrereleaseFeatures",
                Slot::Value(&mut self.exclude_prerelease_features),
            ),
            (
                "OEMDevicePlatform",
                Slot::Value(&mut self.oem_device_platform),
            ),
            (
                "Resolutions",
                Slot::List(&mut self.resolutions, "Resolution"),
            ),
            (
                "AdditionalFMs",
                Slot::List(&mut self.additional_fms, "AdditionalFM"),
            ),
            (
                "PackageFiles",
                Slot::List(&mut self.package_files, "PackageFile"),
            ),
        ];
        reader.fill(root, slots)
    }
}
