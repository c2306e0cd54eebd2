//! `*.wm.xml`: the definition of a package ("universal OEM package").

use std::sync::Arc;

use super::error::DocumentError;
use super::parts::{Attribute, Comment, Root, Unexpected, UnexpectedKind};
use super::reader::{self, Element, Reader};
use super::registry::{Notation, Registry};
use super::registry_xml::{self, KeyNames};
use crate::source::{Source, Span, Spanned};

/// Name of the root element.
pub const ROOT: &str = "identity";
/// Its namespace.
pub const NAMESPACE: &str = "urn:Microsoft.CompPlat/ManifestSchema.v1.00";

/// A package definition. Macros such as `$(OEMNAME)` stand as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// `bcdStore/@source`; empty where it is missing.
    pub bcd_stores: Vec<Attribute>,
    /// `BinaryPartition/@ImageSource`; empty where it is missing.
    pub binary_partitions: Vec<Attribute>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What is not read here. Only the common part of the schema is published: an element below the root that is
    /// listed here may well be right.
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
    /// `@buildFilter` of the file and of the list that it is in; all must choose the build.
    pub build_filters: Vec<Spanned<Arc<str>>>,
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
    /// `failureActions`, where there is one.
    pub failure_actions: Option<FailureActions>,
    /// The names of all elements in it, `failureActions` included.
    pub children: Vec<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `identity/service`.
    pub route: String,
}

/// What is done when a service fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureActions {
    /// `@resetPeriod`, seconds without a failure after which the first action is next again.
    pub reset_period: Option<Spanned<String>>,
    /// `actions/action`, for the first failure, the second and so on.
    pub actions: Vec<FailureAction>,
    /// The whole element.
    pub element: Span,
}

/// One `action` of a service's failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureAction {
    /// `@type`, e.g. `restartService`.
    pub kind: Option<Spanned<String>>,
    /// `@delay`, milliseconds before it is done.
    pub delay: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
}

/// What the name of a cabinet ends in that has the twin for 32-bit programs on a 64-bit processor, before `.cab`.
pub const TWIN: &str = "_Wow_arm64.arm";

/// Attributes of the root.
const ROOT_ATTRIBUTES: &[&str] = &["owner", "name", "namespace", "legacyName", "buildWow"];
/// Attributes of `onecorePackageInfo`.
const INFO_ATTRIBUTES: &[&str] = &["targetPartition", "releaseType", "ownerType"];
/// Attributes of `file`.
const FILE_ATTRIBUTES: &[&str] = &["source", "destinationDir", "name", "buildFilter"];

/// How keys are written in this format.
const KEY_NAMES: KeyNames = KeyNames {
    key: "regKey",
    key_name: "keyName",
    value: "regValue",
    value_name: "name",
    value_type: "type",
    value_data: "value",
    build_filter: Some("buildFilter"),
    notation: Notation::WmXml,
};

impl WmXml {
    /// Reads a package definition. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            reader.known_attributes(&root, ROOT_ATTRIBUTES);
            let mut package = Self {
                root: reader.root_value(),
                owner: reader.attribute(&root, "owner"),
                name: reader.attribute(&root, "name"),
                namespace: reader.attribute(&root, "namespace"),
                legacy_name: reader.attribute(&root, "legacyName"),
                build_wow: reader.attribute(&root, "buildWow"),
                ..Self::default()
            };
            for child in reader.children(&root) {
                package.read_child(&mut reader, &child, &root);
            }
            (package.comments, package.unexpected) = reader.finish();
            package
        })
    }

    fn read_child<'a>(&mut self, reader: &mut Reader<'a>, child: &Element<'a>, root: &Element<'a>) {
        match child.name() {
            "onecorePackageInfo" if self.onecore_package_info.is_some() => {
                reader.note(UnexpectedKind::Repeated, child, root);
            }
            "onecorePackageInfo" => {
                reader.known_attributes(child, INFO_ATTRIBUTES);
                self.onecore_package_info = Some(OnecorePackageInfo {
                    target_partition: reader.attribute(child, "targetPartition"),
                    release_type: reader.attribute(child, "releaseType"),
                    owner_type: reader.attribute(child, "ownerType"),
                    element: child.span(),
                });
            }
            "files" => self.read_files(reader, child),
            "regKeys" => registry_xml::read_keys(reader, child, &KEY_NAMES, &mut self.registry),
            "drivers" => {
                for driver in reader.members(child, "driver") {
                    self.read_driver(reader, driver);
                }
            }
            "service" => {
                let service = read_service(reader, child);
                self.services.push(service);
            }
            "bcdStore" => {
                let source = only_attribute(reader, child, "source");
                self.bcd_stores.push(source);
            }
            "BinaryPartition" => {
                let source = only_attribute(reader, child, "ImageSource");
                self.binary_partitions.push(source);
            }
            _ => reader.unexpected(child, root),
        }
    }

    fn read_files<'a>(&mut self, reader: &mut Reader<'a>, files: &Element<'a>) {
        reader.known_attributes(files, &["buildFilter"]);
        let of_list = reader.shared_attribute(files, "buildFilter");
        for file in reader.members(files, "file") {
            reader.known_attributes(&file, FILE_ATTRIBUTES);
            self.files.push(WmFile {
                source: reader.attribute(&file, "source"),
                destination_dir: reader.attribute(&file, "destinationDir"),
                name: reader.attribute(&file, "name"),
                build_filters: {
                    let own = reader.shared_attribute(&file, "buildFilter");
                    of_list.iter().cloned().chain(own).collect()
                },
                element: file.span(),
                route: file.route,
            });
        }
    }

    fn read_driver<'a>(&mut self, reader: &mut Reader<'a>, driver: Element<'a>) {
        let mut read = Driver {
            inf_source: None,
            default_import_path: None,
            element: driver.span(),
            route: driver.route.clone(),
        };
        for child in reader.children(&driver) {
            match child.name() {
                "inf" if read.inf_source.is_some() => {
                    reader.note(UnexpectedKind::Repeated, &child, &driver);
                }
                "inf" => {
                    read.inf_source = reader.attribute(&child, "source");
                    read.default_import_path = reader.attribute(&child, "defaultImportPath");
                }
                "files" => self.read_files(reader, &child),
                _ => reader.unexpected(&child, &driver),
            }
        }
        self.drivers.push(read);
    }
}

/// The one attribute of an element that has nothing else; an empty one in its place where it is missing.
fn only_attribute<'a>(reader: &mut Reader<'a>, element: &Element<'a>, name: &str) -> Attribute {
    reader.known_attributes(element, &[name]);
    for child in reader.children(element) {
        reader.unexpected(&child, element);
    }
    let found = reader.named_attribute(element, name);
    found.unwrap_or_else(|| Attribute {
        name: reader.name(element),
        value: Spanned {
            value: String::new(),
            span: element.span(),
        },
    })
}

fn read_service<'a>(reader: &mut Reader<'a>, service: &Element<'a>) -> WmService {
    let mut failure_actions = None;
    let mut children = Vec::new();
    for child in reader.children(service) {
        children.push(reader.name(&child));
        if child.name() != "failureActions" {
            continue;
        }
        failure_actions = Some(read_failure_actions(reader, &child));
    }
    WmService {
        name: reader.attribute(service, "name"),
        start: reader.attribute(service, "start"),
        service_type: reader.attribute(service, "type"),
        object_name: reader.attribute(service, "objectName"),
        image_path: reader.attribute(service, "imagePath"),
        attributes: reader.attributes(service),
        failure_actions,
        children,
        element: service.span(),
        route: service.route.clone(),
    }
}

fn read_failure_actions<'a>(reader: &mut Reader<'a>, element: &Element<'a>) -> FailureActions {
    reader.known_attributes(element, &["resetPeriod"]);
    let mut actions = Vec::new();
    for list in reader.members(element, "actions") {
        reader.known_attributes(&list, &[]);
        for action in reader.members(&list, "action") {
            reader.known_attributes(&action, &["type", "delay"]);
            actions.push(FailureAction {
                kind: reader.attribute(&action, "type"),
                delay: reader.attribute(&action, "delay"),
                element: action.span(),
            });
        }
    }
    FailureActions {
        reset_period: reader.attribute(element, "resetPeriod"),
        actions,
        element: element.span(),
    }
}
