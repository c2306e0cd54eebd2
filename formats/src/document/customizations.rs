//! `customizations.xml`: a provisioning package, which also installs apps.

use super::parts::{Comment, Item, Root, Unexpected};
use crate::source::{Span, Spanned};

/// Name of the root element, in no namespace.
pub const ROOT: &str = "WindowsCustomizations";

/// A provisioning package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customizations {
    /// The root.
    pub root: Root,
    /// `PackageConfig`.
    pub package_config: PackageConfig,
    /// `Common/StartupApp/Default`, application user model identifiers.
    pub startup_apps: Vec<Item>,
    /// `Common/StartupBackgroundTasks/ToAdd/Add`; the text is `@PackageName`.
    pub startup_background_tasks: Vec<Item>,
    /// `Common/UniversalAppInstall/UserContextApp/Application`.
    pub applications: Vec<Application>,
    /// `Common/Certificates/RootCertificates/RootCertificate`.
    pub root_certificates: Vec<RootCertificate>,
    /// Every element below `Customizations` that holds a text and no element, in order.
    pub settings: Vec<Setting>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// `PackageConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageConfig {
    /// `ID`, a GUID with or without braces.
    pub id: Option<Spanned<String>>,
    /// `Name`.
    pub name: Option<Spanned<String>>,
    /// `Version`.
    pub version: Option<Spanned<String>>,
    /// `OwnerType`.
    pub owner_type: Option<Spanned<String>>,
    /// `Rank`.
    pub rank: Option<Spanned<String>>,
}

/// One app to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// `@PackageFamilyName`.
    pub package_family_name: Option<Spanned<String>>,
    /// `@Name`.
    pub name: Option<Spanned<String>>,
    /// `ApplicationFile`.
    pub application_file: Option<Spanned<String>>,
    /// `DependencyAppxFiles/Dependency`.
    pub dependencies: Vec<Item>,
    /// `DeploymentOptions`.
    pub deployment_options: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: String,
}

/// One root certificate to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootCertificate {
    /// `@CertificateName`.
    pub certificate_name: Option<Spanned<String>>,
    /// `@Name`.
    pub name: Option<Spanned<String>>,
    /// `CertificatePath`.
    pub certificate_path: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place.
    pub route: String,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Names from below `Customizations` on, e.g.
    /// `Common/Policies/ApplicationManagement/AllowAllTrustedApps`.
    pub path: String,
    /// The value.
    pub value: Spanned<String>,
    /// The whole element.
    pub element: Span,
}
