//! `*.pkg.xml`: the legacy definition of a package, used for phones and by old kits.

use super::error::DocumentError;
use super::parts::{Attribute, Comment, Root, Unexpected};
use super::reader::{self, Element, Reader};
use super::registry::{Notation, Registry};
use super::registry_xml::{self, KeyNames};
use crate::source::{Source, Span, Spanned};

/// Name of the root element.
pub const ROOT: &str = "Package";
/// Its namespace.
pub const NAMESPACE: &str = "urn:Microsoft.WindowsPhone/PackageSchema.v8.00";

/// A legacy package definition. Macros stand as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// Every `Files` below `Components`.
    pub file_lists: Vec<PkgList>,
    /// Every `File` below `Components`.
    pub files: Vec<PkgFile>,
    /// Every `RegKeys` below `Components`.
    pub reg_key_lists: Vec<PkgList>,
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

/// One `Files` or `RegKeys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgList {
    /// The conditions of all members.
    pub conditions: Conditions,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `Package/Components/OSComponent/Files`.
    pub route: String,
}

/// For which processor, language or resolution something is meant; the last two exclude each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// `@CpuFilter`: `ARM` or `X86`.
    pub cpu_filter: Option<Spanned<String>>,
    /// `@Language`.
    pub language: Option<Spanned<String>>,
    /// `@Resolution`.
    pub resolution: Option<Spanned<String>>,
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
    /// Its conditions; those of its list apply too.
    pub conditions: Conditions,
    /// Position in [`PkgXml::file_lists`] of the `Files` that contains it; absent for a file outside any list.
    pub list: Option<usize>,
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

/// Attributes of the root.
const ROOT_ATTRIBUTES: &[&str] = &[
    "Owner",
    "Component",
    "SubComponent",
    "OwnerType",
    "ReleaseType",
    "Partition",
    "Platform",
    "BinaryPartition",
    "GroupingKey",
    "Description",
];

/// How keys are written in this format.
const KEY_NAMES: KeyNames = KeyNames {
    key: "RegKey",
    key_name: "KeyName",
    value: "RegValue",
    value_name: "Name",
    value_type: "Type",
    value_data: "Value",
    build_filter: None,
    notation: Notation::PkgXml,
};

impl PkgXml {
    /// Reads a legacy package definition. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            reader.known_attributes(&root, ROOT_ATTRIBUTES);
            let mut package = Self {
                root: reader.root_value(),
                owner: reader.attribute(&root, "Owner"),
                component: reader.attribute(&root, "Component"),
                sub_component: reader.attribute(&root, "SubComponent"),
                owner_type: reader.attribute(&root, "OwnerType"),
                release_type: reader.attribute(&root, "ReleaseType"),
                partition: reader.attribute(&root, "Partition"),
                platform: reader.attribute(&root, "Platform"),
                binary_partition: reader.attribute(&root, "BinaryPartition"),
                attributes: reader.attributes(&root),
                ..Self::default()
            };
            for child in reader.children(&root) {
                match child.name() {
                    "Macros" => package.read_macros(&mut reader, &child),
                    "Components" => {
                        for component in reader.children(&child) {
                            package.read_component(&mut reader, &component);
                        }
                    }
                    "CustomMetadata" | "Capabilities" | "Authorization" => {}
                    _ => reader.unexpected(&child, &root),
                }
            }
            (package.comments, package.unexpected) = reader.finish();
            package
        })
    }

    fn read_macros<'a>(&mut self, reader: &mut Reader<'a>, macros: &Element<'a>) {
        for element in reader.members(macros, "Macro") {
            self.macros.push(PkgMacro {
                id: reader.attribute(&element, "Id"),
                value: reader.attribute(&element, "Value"),
                element: element.span(),
                route: element.route,
            });
        }
    }

    fn read_component<'a>(&mut self, reader: &mut Reader<'a>, component: &Element<'a>) {
        match component.name() {
            "Driver" => self.read_driver(reader, component),
            "Service" => self.read_service(reader, component),
            "BCDStore" => {
                let source = reader.named_attribute(component, "Source");
                self.bcd_stores.extend(source);
            }
            "BinaryPartition" => {
                let source = reader.named_attribute(component, "ImageSource");
                self.binary_partitions.extend(source);
            }
            _ => {}
        }
        self.read_contents(reader, component);
    }

    /// Reads the files and keys that any kind of component may have.
    fn read_contents<'a>(&mut self, reader: &mut Reader<'a>, component: &Element<'a>) {
        for child in reader.children(component) {
            match child.name() {
                "Files" => {
                    let list = Some(self.file_lists.len());
                    self.file_lists.push(read_list(reader, &child));
                    for file in reader.members(&child, "File") {
                        self.files.push(read_file(reader, file, list));
                    }
                }
                "RegKeys" => {
                    self.reg_key_lists.push(read_list(reader, &child));
                    registry_xml::read_keys(reader, &child, &KEY_NAMES, &mut self.registry);
                }
                "Executable" | "ServiceDll" => {
                    self.files.push(read_file(reader, child, None));
                }
                _ => {}
            }
        }
    }

    fn read_driver<'a>(&mut self, reader: &mut Reader<'a>, driver: &Element<'a>) {
        let children = reader.children(driver);
        let references = children.iter().filter(|child| child.name() == "Reference");
        self.drivers.push(PkgDriver {
            inf_source: reader.attribute(driver, "InfSource"),
            references: references
                .filter_map(|reference| reader.attribute(reference, "Source"))
                .collect(),
            element: driver.span(),
            route: driver.route.clone(),
        });
    }

    fn read_service<'a>(&mut self, reader: &mut Reader<'a>, service: &Element<'a>) {
        let children = reader.children(service);
        let mut binaries = children
            .iter()
            .filter(|child| matches!(child.name(), "Executable" | "ServiceDll"));
        let binary = binaries.next();
        self.services.push(PkgService {
            name: reader.attribute(service, "Name"),
            start: reader.attribute(service, "Start"),
            service_type: reader.attribute(service, "Type"),
            binary: binary.and_then(|binary| reader.attribute(binary, "Source")),
            attributes: reader.attributes(service),
            element: service.span(),
            route: service.route.clone(),
        });
    }
}

fn read_conditions<'a>(reader: &Reader<'a>, element: &Element<'a>) -> Conditions {
    Conditions {
        cpu_filter: reader.attribute(element, "CpuFilter"),
        language: reader.attribute(element, "Language"),
        resolution: reader.attribute(element, "Resolution"),
    }
}

fn read_list<'a>(reader: &Reader<'a>, element: &Element<'a>) -> PkgList {
    PkgList {
        conditions: read_conditions(reader, element),
        element: element.span(),
        route: element.route.clone(),
    }
}

fn read_file<'a>(reader: &Reader<'a>, element: Element<'a>, list: Option<usize>) -> PkgFile {
    PkgFile {
        source: reader.attribute(&element, "Source"),
        destination_dir: reader.attribute(&element, "DestinationDir"),
        name: reader.attribute(&element, "Name"),
        embedded_signing_category: reader.attribute(&element, "EmbeddedSigningCategory"),
        conditions: read_conditions(reader, &element),
        list,
        element: element.span(),
        route: element.route,
    }
}
