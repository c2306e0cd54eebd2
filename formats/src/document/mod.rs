//! Documents with byte places: image configuration, feature manifests, package definitions.
//!
//! Reading is tolerant: whatever is missing or malformed becomes an absent or flagged field, because malformed is what
//! a linter reports. Only bytes that are no text and XML that is not well formed are errors, and those have a place too.

pub mod boot_configuration;
pub mod customizations;
pub mod device_layout;
pub mod error;
pub mod feature_manifest;
pub mod fm_file_list;
pub mod oem_input;
pub mod parts;
pub mod pkg_xml;
pub mod product_settings;
pub mod reg_file;
pub mod registry;
pub mod wm_xml;
pub mod workspace_settings;

use crate::source::Source;
use error::DocumentError;
use parts::Root;

/// The kinds of documents that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `OEMInput.xml`.
    OemInput,
    /// `*FM.xml`.
    FeatureManifest,
    /// `*FMFileList.xml`.
    FmFileList,
    /// `*.wm.xml`.
    WmXml,
    /// `*.pkg.xml`.
    PkgXml,
    /// `*.reg`.
    RegFile,
    /// `customizations.xml`.
    Customizations,
    /// `<Product>Settings.xml`.
    ProductSettings,
    /// `IoTWorkspace.xml`.
    WorkspaceSettings,
    /// `DeviceLayout.xml`.
    DeviceLayout,
    /// `OEMDevicePlatform.xml`.
    OemDevicePlatform,
    /// `*.BCD.xml`.
    BootConfiguration,
}

/// A document of a known kind, or something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// An image configuration.
    OemInput(Box<oem_input::OemInput>),
    /// A feature manifest.
    FeatureManifest(Box<feature_manifest::FeatureManifest>),
    /// A list of feature manifests.
    FmFileList(Box<fm_file_list::FmFileList>),
    /// A package definition.
    WmXml(Box<wm_xml::WmXml>),
    /// A legacy package definition.
    PkgXml(Box<pkg_xml::PkgXml>),
    /// A registry file.
    RegFile(Box<reg_file::RegFile>),
    /// A provisioning package.
    Customizations(Box<customizations::Customizations>),
    /// The settings of a product.
    ProductSettings(Box<product_settings::ProductSettings>),
    /// The settings of a workspace.
    WorkspaceSettings(Box<workspace_settings::WorkspaceSettings>),
    /// A partition layout.
    DeviceLayout(Box<device_layout::DeviceLayout>),
    /// A device platform.
    OemDevicePlatform(Box<device_layout::OemDevicePlatform>),
    /// Boot settings.
    BootConfiguration(Box<boot_configuration::BootConfiguration>),
    /// Payload, or an input whose root is wrong.
    Other(Other),
}

/// A file that is none of the inputs, though its name may claim it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The root element, where the file is XML that could be read.
    pub root: Option<Root>,
    /// The kind that the file's name claims; with a root it means that the root is wrong.
    pub claimed: Option<Kind>,
}

/// What a file turned out to be. The source is there in any case, so that a place can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The decoded text; with replacement characters where it could not be decoded.
    pub source: Source,
    /// The kind, by content first and by name second; `None` for what is none of ours.
    pub kind: Option<Kind>,
    /// The document, or why an input cannot be read.
    pub outcome: Result<Document, DocumentError>,
}
