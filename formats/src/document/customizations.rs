//! `customizations.xml`: a provisioning package, which also installs apps.

use roxmltree::Node;

use super::error::DocumentError;
use super::parts::{Comment, Item, Root, Unexpected};
use super::reader::{self, Element, Reader, Slot};
use super::xml;
use crate::source::{Source, Span, Spanned};

/// Most bytes of all [`Setting::path`]s together; deep nesting would multiply them.
const PATHS_LIMIT: usize = 8 * 1024 * 1024;

/// Name of the root element, in no namespace.
pub const ROOT: &str = "WindowsCustomizations";

/// A provisioning package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// What the schema does not have, settings apart: any name can be one.
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

impl Customizations {
    /// Reads a provisioning package. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`] or of all setting names together.
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let mut package = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            let root = reader.root();
            // Package data and settings are in namespaces of their own.
            for node in root.node.children().filter(Node::is_element) {
                let child = Element {
                    node,
                    route: format!("{}/{}", root.route, node.tag_name().name()),
                };
                match child.name() {
                    "PackageConfig" => package.package_config.read(&mut reader, &child),
                    "Settings" => package.read_settings(&mut reader, &child)?,
                    _ => reader.unexpected(&child, &root),
                }
            }
            (package.comments, package.unexpected) = reader.finish();
            Ok(package)
        })?
    }

    fn read_settings<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        settings: &Element<'a>,
    ) -> Result<(), DocumentError> {
        let mut budget = PATHS_LIMIT;
        for customizations in settings.node.children().filter(Node::is_element) {
            if customizations.tag_name().name() == "Customizations" {
                let mut path = String::new();
                self.walk(reader, customizations, &mut path, &mut budget)?;
            }
        }
        Ok(())
    }

    /// Goes through all settings below `parent`, whose names are in `path`. The depth is that of the document, which
    /// is limited.
    fn walk<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        parent: Node<'a, 'a>,
        path: &mut String,
        budget: &mut usize,
    ) -> Result<(), DocumentError> {
        for node in parent.children().filter(Node::is_element) {
            let length = path.len();
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(node.tag_name().name());
            self.read_known(reader, node, path);
            if node.children().any(|child| child.is_element()) {
                self.walk(reader, node, path, budget)?;
            } else {
                let over = xml::limit(
                    "bytes of all settings' names",
                    PATHS_LIMIT
                        .saturating_add(path.len())
                        .saturating_sub(*budget),
                    PATHS_LIMIT,
                    node.range().into(),
                );
                over?;
                *budget = budget.saturating_sub(path.len());
                self.settings.push(Setting {
                    path: path.clone(),
                    value: reader.text(node),
                    element: node.range().into(),
                });
            }
            path.truncate(length);
        }
        Ok(())
    }

    /// Reads the settings that have a field of their own.
    fn read_known<'a>(&mut self, reader: &mut Reader<'a>, node: Node<'a, 'a>, path: &str) {
        let at = |count: usize| Element {
            node,
            route: format!(
                "{ROOT}/Settings/Customizations/{path}[{}]",
                count.saturating_add(1)
            ),
        };
        match path {
            "Common/StartupApp/Default" => {
                let element = at(self.startup_apps.len());
                self.startup_apps.push(Item {
                    text: reader.text(node),
                    element: element.span(),
                    route: element.route,
                });
            }
            "Common/StartupBackgroundTasks/ToAdd/Add" => {
                let element = at(self.startup_background_tasks.len());
                let name = reader.attribute(&element, "PackageName");
                self.startup_background_tasks.push(Item {
                    text: name.unwrap_or_else(|| reader.text(node)),
                    element: element.span(),
                    route: element.route,
                });
            }
            "Common/UniversalAppInstall/UserContextApp/Application" => {
                let element = at(self.applications.len());
                self.applications.push(read_application(reader, element));
            }
            "Common/Certificates/RootCertificates/RootCertificate" => {
                let element = at(self.root_certificates.len());
                let mut certificate_path = None;
                let slots = &mut [("CertificatePath", Slot::Value(&mut certificate_path))];
                for other in reader.fill(&element, slots) {
                    reader.unexpected(&other, &element);
                }
                self.root_certificates.push(RootCertificate {
                    certificate_name: reader.attribute(&element, "CertificateName"),
                    name: reader.attribute(&element, "Name"),
                    certificate_path,
                    element: element.span(),
                    route: element.route,
                });
            }
            _ => {}
        }
    }
}

impl PackageConfig {
    fn read<'a>(&mut self, reader: &mut Reader<'a>, element: &Element<'a>) {
        let mut description = None;
        let slots = &mut [
            ("ID", Slot::Value(&mut self.id)),
            ("Name", Slot::Value(&mut self.name)),
            ("Description", Slot::Value(&mut description)),
            ("Version", Slot::Value(&mut self.version)),
            ("OwnerType", Slot::Value(&mut self.owner_type)),
            ("Rank", Slot::Value(&mut self.rank)),
        ];
        for other in reader.fill(element, slots) {
            reader.unexpected(&other, element);
        }
    }
}

fn read_application<'a>(reader: &mut Reader<'a>, element: Element<'a>) -> Application {
    let mut application = Application {
        package_family_name: reader.attribute(&element, "PackageFamilyName"),
        name: reader.attribute(&element, "Name"),
        application_file: None,
        dependencies: Vec::new(),
        deployment_options: None,
        element: element.span(),
        route: element.route.clone(),
    };
    let slots = &mut [
        (
            "ApplicationFile",
            Slot::Value(&mut application.application_file),
        ),
        (
            "DeploymentOptions",
            Slot::Value(&mut application.deployment_options),
        ),
    ];
    for other in reader.fill(&element, slots) {
        if other.name() == "DependencyAppxFiles" {
            for dependency in reader.members(&other, "Dependency") {
                application.dependencies.push(Item {
                    text: reader.text(dependency.node),
                    element: dependency.span(),
                    route: dependency.route,
                });
            }
        }
    }
    application
}
