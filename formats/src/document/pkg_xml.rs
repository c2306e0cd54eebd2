//! `*.pkg.xml`: the legacy definition of a package, used for phones and by old kits.

use super::parts::{Attribute, Comment, Root, Unexpected};
use super::registry::Registry;
use crate::source::{Span, Spanned};

/// Name of the root element.
pub const ROOT: &str = "Package";
/// Its namespace.
pub const NAMESPACE: &str = "urn:Microsoft.WindowsPhone/PackageSchema.v8.00";

/// A legacy package definition. Macros stand as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgXml {
    /// The root.
    pub root: Root,
    /// `@Owner`.
    pub owner: Option<Spanned<String>>,
    /// `@Component`.
    pub component: Option<Spanned<String>>,
    /// `@SubComponent`.
    pub sub_component: Option<Spanned<String>>,
    /// `@OwnerType`: `Microsoft`, `OEM`, `SiliconVendor` or `MobileOperator`.
    pub owner_type: Option<Spanned<String>>,
    /// `@ReleaseType`: `Production` or `Test`, required.
    pub release_type: Option<Spanned<String>>,
    /// `@Partition`.
    pub partition: Option<Spanned<String>>,
    /// `@Platform`, required for owners other than Microsoft.
    pub platform: Option<Spanned<String>>,
    /// `@BinaryPartition`: `true` or `false`.
    pub binary_partition: Option<Spanned<String>>,
    /// All attributes of the root, those above included.
    pub attributes: Vec<Attribute>,
    /// `Macros/Macro`.
    pub macros: Vec<PkgMacro>,
    /// Every `File` below `Components`.
    pub files: Vec<PkgFile>,
    /// Every `RegKey` below `Components` and its `RegValue`s.
    pub registry: Registry,
    /// `Components/Driver`.
    pub drivers: Vec<PkgDriver>,
    /// `Components/Service`.
    pub services: Vec<PkgService>,
    /// `Components/BCDStore/@Source`.
    pub bcd_stores: Vec<Attribute>,
    /// `Components/BinaryPartition/@ImageSource`.
    pub binary_partitions: Vec<Attribute>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have. Kinds of components that are not read here are no news and not listed.
    pub unexpected: Vec<Unexpected>,
}

/// One `Macro`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgMacro {
    /// `@Id`, without `$(` and `)`.
    pub id: Option<Spanned<String>>,
    /// `@Value`.
    pub value: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: String,
}

/// One `File`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgFile {
    /// `@Source`.
    pub source: Option<Spanned<String>>,
    /// `@DestinationDir`.
    pub destination_dir: Option<Spanned<String>>,
    /// `@Name`.
    pub name: Option<Spanned<String>>,
    /// `@EmbeddedSigningCategory`, passed to the signing script as it stands.
    pub embedded_signing_category: Option<Spanned<String>>,
    /// `@CpuFilter` of the file or of its list.
    pub cpu_filter: Option<Spanned<String>>,
    /// `@Language` of the file or of its list.
    pub language: Option<Spanned<String>>,
    /// `@Resolution` of the file or of its list.
    pub resolution: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `Package/Components/OSComponent/Files/File[1]`.
    pub route: String,
}

/// One `Driver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgDriver {
    /// `@InfSource`.
    pub inf_source: Option<Spanned<String>>,
    /// `Reference/@Source` in order.
    pub references: Vec<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: String,
}

/// One `Service`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgService {
    /// `@Name`.
    pub name: Option<Spanned<String>>,
    /// `@Start`: `Auto`, `Demand` or `Disabled`.
    pub start: Option<Spanned<String>>,
    /// `@Type`, e.g. `Win32OwnProcess`.
    pub service_type: Option<Spanned<String>>,
    /// `Executable/@Source` or `ServiceDll/@Source`.
    pub binary: Option<Spanned<String>>,
    /// All attributes, those above included.
    pub attributes: Vec<Attribute>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: String,
}
