//! `*.wm.xml`: the definition of a package ("universal OEM package").

use super::parts::{Attribute, Comment, Root, Unexpected};
use super::registry::Registry;
use crate::source::{Span, Spanned};

/// Name of the root element.
pub const ROOT: &str = "identity";
/// Its namespace.
pub const NAMESPACE: &str = "urn:Microsoft.CompPlat/ManifestSchema.v1.00";

/// A package definition. Macros such as `$(OEMNAME)` stand as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WmXml {
    /// The root.
    pub root: Root,
    /// `@owner`.
    pub owner: Option<Spanned<String>>,
    /// `@name`.
    pub name: Option<Spanned<String>>,
    /// `@namespace`.
    pub namespace: Option<Spanned<String>>,
    /// `@legacyName`, the cabinet's file name without `.cab`.
    pub legacy_name: Option<Spanned<String>>,
    /// `@buildWow`: `true` or `false`.
    pub build_wow: Option<Spanned<String>>,
    /// `onecorePackageInfo`, absent when the element is.
    pub onecore_package_info: Option<OnecorePackageInfo>,
    /// `files/file`, and the `file` elements of drivers.
    pub files: Vec<WmFile>,
    /// `regKeys/regKey` and their `regValue`s.
    pub registry: Registry,
    /// `drivers/driver`.
    pub drivers: Vec<Driver>,
    /// `service`.
    pub services: Vec<WmService>,
    /// `bcdStore/@source`.
    pub bcd_stores: Vec<Attribute>,
    /// `BinaryPartition/@ImageSource`.
    pub binary_partitions: Vec<Attribute>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// `onecorePackageInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnecorePackageInfo {
    /// `@targetPartition`; `MainOS` when absent.
    pub target_partition: Option<Spanned<String>>,
    /// `@releaseType`: `Production` or `Test`; `Production` when absent.
    pub release_type: Option<Spanned<String>>,
    /// `@ownerType`.
    pub owner_type: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
}

/// One `file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WmFile {
    /// `@source`.
    pub source: Option<Spanned<String>>,
    /// `@destinationDir`; `$(runtime.system32)` when absent.
    pub destination_dir: Option<Spanned<String>>,
    /// `@name`; the source's file name when absent.
    pub name: Option<Spanned<String>>,
    /// `@buildFilter`.
    pub build_filter: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `identity/files/file[1]`.
    pub route: String,
}

/// One `driver` with its `inf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// `inf/@source`.
    pub inf_source: Option<Spanned<String>>,
    /// `inf/@defaultImportPath`.
    pub default_import_path: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `identity/drivers/driver[1]`.
    pub route: String,
}

/// One `service`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WmService {
    /// `@name`.
    pub name: Option<Spanned<String>>,
    /// `@start`: `boot`, `system`, `auto`, `delayedAuto`, `demand` or `disabled`.
    pub start: Option<Spanned<String>>,
    /// `@type`, e.g. `win32OwnProcess`.
    pub service_type: Option<Spanned<String>>,
    /// `@objectName`, the account.
    pub object_name: Option<Spanned<String>>,
    /// `@imagePath`.
    pub image_path: Option<Spanned<String>>,
    /// All attributes, those above included.
    pub attributes: Vec<Attribute>,
    /// `failureActions/actions/action/@type` in order.
    pub failure_actions: Vec<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `identity/service`.
    pub route: String,
}
