//! Documents with byte places: image configuration, feature manifests, package definitions.
//!
//! Reading is tolerant: whatever is missing or malformed becomes an absent or flagged field, because malformed is what
//! a linter reports. Only bytes that are no text and XML that is not well formed are errors, and those have a place too.

pub mod appx;
pub mod boot_configuration;
pub mod build_filter;
pub mod command_script;
pub mod component_registry;
pub mod customizations;
pub mod decode;
pub mod device_layout;
pub mod error;
pub mod feature_manifest;
pub mod fm_file_list;
pub mod inf;
pub mod manifest_name;
pub mod oem_input;
pub mod package_manifest;
pub mod parts;
pub mod pkg_xml;
pub mod product_settings;
mod reader;
pub mod reg_file;
pub mod registry;
mod registry_data;
mod registry_xml;
pub mod rewrite;
pub mod runtime_path;
pub mod si_policy;
pub mod update_history;
pub mod variables;
pub mod wm_xml;
pub mod workspace_settings;
pub mod xml;

use crate::source::Source;
use error::DocumentError;
use parts::{Comment, Root, Unexpected};
use registry::Registry;

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
    /// `*.inf`.
    Inf,
    /// `*.cmd`, `*.bat`.
    CommandScript,
    /// A code-integrity policy.
    SiPolicy,
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
    /// The installation of a driver.
    Inf(Box<inf::Inf>),
    /// Commands that a device runs.
    CommandScript(Box<command_script::CommandScript>),
    /// A code-integrity policy.
    SiPolicy(Box<si_policy::SiPolicyDocument>),
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

impl Kind {
    /// The kind that a file name claims, letter case aside; folders before it do not count.
    pub fn claimed_by(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = name.to_lowercase();
        Some(match name.as_str() {
            "customizations.xml" => Self::Customizations,
            "devicelayout.xml" => Self::DeviceLayout,
            "oemdeviceplatform.xml" => Self::OemDevicePlatform,
            "iotworkspace.xml" => Self::WorkspaceSettings,
            _ if name.ends_with(".wm.xml") => Self::WmXml,
            _ if name.ends_with(".pkg.xml") => Self::PkgXml,
            _ if name.ends_with(".bcd.xml") => Self::BootConfiguration,
            _ if name.ends_with(".reg") => Self::RegFile,
            _ if name.ends_with(".inf") => Self::Inf,
            _ if name.ends_with(".cmd") || name.ends_with(".bat") => Self::CommandScript,
            _ if name.ends_with("fmfilelist.xml") => Self::FmFileList,
            _ if name.ends_with("fm.xml") => Self::FeatureManifest,
            _ if name.ends_with(".xml") && name.contains("oeminput") => Self::OemInput,
            _ => return None,
        })
    }

    /// The kind that a root element's local name says.
    fn of_root(name: &str) -> Option<Self> {
        Some(match name {
            oem_input::ROOT => Self::OemInput,
            feature_manifest::ROOT => Self::FeatureManifest,
            fm_file_list::ROOT => Self::FmFileList,
            wm_xml::ROOT => Self::WmXml,
            pkg_xml::ROOT => Self::PkgXml,
            customizations::ROOT => Self::Customizations,
            product_settings::ROOT => Self::ProductSettings,
            workspace_settings::ROOT => Self::WorkspaceSettings,
            device_layout::LAYOUT_ROOT => Self::DeviceLayout,
            device_layout::PLATFORM_ROOT => Self::OemDevicePlatform,
            boot_configuration::ROOT => Self::BootConfiguration,
            si_policy::ROOT => Self::SiPolicy,
            _ => return None,
        })
    }

    /// The namespace without which a root's name, too common a word, says nothing.
    fn telling_namespace(self) -> Option<&'static str> {
        match self {
            Self::WmXml => Some(wm_xml::NAMESPACE),
            Self::PkgXml => Some(pkg_xml::NAMESPACE),
            _ => None,
        }
    }

    /// Reads a document of this kind.
    ///
    /// # Errors
    /// Those of the kind's own `parse`.
    pub fn parse(self, source: &Source) -> Result<Document, DocumentError> {
        Ok(match self {
            Self::OemInput => Document::OemInput(oem_input::OemInput::parse(source)?.into()),
            Self::FeatureManifest => {
                Document::FeatureManifest(feature_manifest::FeatureManifest::parse(source)?.into())
            }
            Self::FmFileList => {
                Document::FmFileList(fm_file_list::FmFileList::parse(source)?.into())
            }
            Self::WmXml => Document::WmXml(wm_xml::WmXml::parse(source)?.into()),
            Self::PkgXml => Document::PkgXml(pkg_xml::PkgXml::parse(source)?.into()),
            Self::RegFile => Document::RegFile(reg_file::RegFile::parse(source)?.into()),
            Self::Customizations => {
                Document::Customizations(customizations::Customizations::parse(source)?.into())
            }
            Self::ProductSettings => {
                Document::ProductSettings(product_settings::ProductSettings::parse(source)?.into())
            }
            Self::WorkspaceSettings => Document::WorkspaceSettings(
                workspace_settings::WorkspaceSettings::parse(source)?.into(),
            ),
            Self::DeviceLayout => {
                Document::DeviceLayout(device_layout::DeviceLayout::parse(source)?.into())
            }
            Self::OemDevicePlatform => {
                Document::OemDevicePlatform(device_layout::OemDevicePlatform::parse(source)?.into())
            }
            Self::BootConfiguration => Document::BootConfiguration(
                boot_configuration::BootConfiguration::parse(source)?.into(),
            ),
            Self::Inf => Document::Inf(inf::Inf::parse(source)?.into()),
            Self::CommandScript => {
                Document::CommandScript(command_script::CommandScript::parse(source)?.into())
            }
            Self::SiPolicy => {
                Document::SiPolicy(si_policy::SiPolicyDocument::parse(source)?.into())
            }
        })
    }
}

/// Finds out what a file is and reads it.
///
/// The content decides: the root element, or the first line of a registry file. The name is a hint, where the root's
/// name is a common word, where nothing can be read, and for INF files and command scripts, which have no mark. So a file that is neither by content nor by name an input is
/// [`Document::Other`] and never an error, however broken it is.
pub fn recognise(path: &str, bytes: &[u8]) -> Recognised {
    let claimed = Kind::claimed_by(path);
    let source = match decode::decode(path, bytes) {
        Ok(source) => source,
        Err(undecodable) => {
            let decode::Undecodable { source, error } = *undecodable;
            let kind = certain_root(source.text()).or(claimed);
            return Recognised {
                source,
                kind,
                outcome: kind.map_or_else(|| Ok(other(None, claimed)), |_| Err(error)),
            };
        }
    };
    if reg_file::notation(source.text()).is_some() || claimed == Some(Kind::RegFile) {
        let outcome = Kind::RegFile.parse(&source);
        let kind = Some(Kind::RegFile);
        return Recognised {
            source,
            kind,
            outcome,
        };
    }
    if let Some(kind @ (Kind::Inf | Kind::CommandScript)) = claimed {
        let outcome = kind.parse(&source);
        let kind = Some(kind);
        return Recognised {
            source,
            kind,
            outcome,
        };
    }
    let seen = xml::root_name(source.text()).and_then(Kind::of_root);
    let (kind, outcome) = match seen {
        Some(kind) => read_as(kind, claimed, &source),
        None => match (root_of(&source), claimed) {
            (Ok(root), _) => (None, Ok(other(Some(root), claimed))),
            (Err(error), Some(kind)) => (Some(kind), Err(error)),
            (Err(_), None) => (None, Ok(other(None, None))),
        },
    };
    Recognised {
        source,
        kind,
        outcome,
    }
}

/// How many bytes of a file [`is_payload`] is best given: it tells most payload by the root element.
pub const BEGINNING: usize = 8 * 1024;

/// Whether the first bytes of a file tell that it is payload: that [`recognise`] would make [`Document::Other`] of the
/// whole file, whose name claims nothing. Most XML of a workspace is, and need not be read any further. `false` means
/// nothing.
pub fn is_payload(path: &str, beginning: &[u8]) -> bool {
    if Kind::claimed_by(path).is_some() {
        return false;
    }
    let Some(body) = decode::utf_8_body(path, beginning) else {
        return false;
    };
    let valid = body.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let Some(name) = xml::root_name(valid) else {
        return false;
    };
    // What ends with the text may be the beginning of a longer name.
    let is_whole = !valid.ends_with(name);
    is_whole && Kind::of_root(name).is_none() && reg_file::notation(valid).is_none()
}

/// Reads a document whose root has the name of `kind`.
fn read_as(
    kind: Kind,
    claimed: Option<Kind>,
    source: &Source,
) -> (Option<Kind>, Result<Document, DocumentError>) {
    let telling = kind.telling_namespace();
    let certain = telling.is_none() || claimed == Some(kind);
    match kind.parse(source) {
        Ok(document) => {
            let root = document.root();
            let namespace = root.and_then(|root| root.namespace.as_deref());
            if certain || namespace == telling {
                return (Some(kind), Ok(document));
            }
            (None, Ok(other(root.cloned(), claimed)))
        }
        Err(error) if certain || claimed.is_some() => (claimed.or(Some(kind)), Err(error)),
        Err(_) => (None, Ok(other(None, claimed))),
    }
}

/// The kind of a root that can be seen in a broken text and is no common word.
fn certain_root(text: &str) -> Option<Kind> {
    let kind = xml::root_name(text).and_then(Kind::of_root)?;
    kind.telling_namespace().is_none().then_some(kind)
}

fn root_of(source: &Source) -> Result<Root, DocumentError> {
    reader::read(source, |reader| reader.root_value())
}

fn other(root: Option<Root>, claimed: Option<Kind>) -> Document {
    Document::Other(Other { root, claimed })
}

impl Document {
    /// The root element; files that are no XML and files that could not be read have none.
    pub fn root(&self) -> Option<&Root> {
        match self {
            Self::OemInput(document) => Some(&document.root),
            Self::FeatureManifest(document) => Some(&document.root),
            Self::FmFileList(document) => Some(&document.root),
            Self::WmXml(document) => Some(&document.root),
            Self::PkgXml(document) => Some(&document.root),
            Self::RegFile(_) => None,
            Self::Customizations(document) => Some(&document.root),
            Self::ProductSettings(document) => Some(&document.root),
            Self::WorkspaceSettings(document) => Some(&document.root),
            Self::DeviceLayout(document) => Some(&document.root),
            Self::OemDevicePlatform(document) => Some(&document.root),
            Self::BootConfiguration(document) => Some(&document.root),
            Self::SiPolicy(document) => Some(&document.root),
            Self::Inf(_) | Self::CommandScript(_) => None,
            Self::Other(other) => other.root.as_ref(),
        }
    }

    /// Comments and what was not expected; both empty for files that are no XML.
    pub fn remarks(&self) -> (&[Comment], &[Unexpected]) {
        match self {
            Self::OemInput(document) => (&document.comments, &document.unexpected),
            Self::FeatureManifest(document) => (&document.comments, &document.unexpected),
            Self::FmFileList(document) => (&document.comments, &document.unexpected),
            Self::WmXml(document) => (&document.comments, &document.unexpected),
            Self::PkgXml(document) => (&document.comments, &document.unexpected),
            Self::Customizations(document) => (&document.comments, &document.unexpected),
            Self::ProductSettings(document) => (&document.comments, &document.unexpected),
            Self::WorkspaceSettings(document) => (&document.comments, &document.unexpected),
            Self::DeviceLayout(document) => (&document.comments, &document.unexpected),
            Self::OemDevicePlatform(document) => (&document.comments, &document.unexpected),
            Self::BootConfiguration(document) => (&document.comments, &document.unexpected),
            Self::SiPolicy(document) => (&document.comments, &document.unexpected),
            Self::RegFile(_) | Self::Inf(_) | Self::CommandScript(_) | Self::Other(_) => (&[], &[]),
        }
    }

    /// Registry keys and values, for the kinds that have any.
    pub fn registry(&self) -> Option<&Registry> {
        match self {
            Self::WmXml(document) => Some(&document.registry),
            Self::PkgXml(document) => Some(&document.registry),
            Self::RegFile(document) => Some(&document.registry),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
