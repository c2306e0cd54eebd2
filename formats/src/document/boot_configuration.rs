//! `*.BCD.xml`: boot settings that a package writes into the boot configuration store.

use std::sync::Arc;

use super::error::DocumentError;
use super::parts::{Comment, Root, Unexpected};
use super::reader::{self, Element, Reader, Slot};
use crate::source::{Source, Span, Spanned};

/// Name of the root element.
pub const ROOT: &str = "BootConfigurationDatabase";
/// Its namespace.
pub const NAMESPACE: &str = "http://schemas.microsoft.com/phone/2011/10/BootConfiguration";

/// Elements that name a partition on a disk of one kind.
const DISKS: &[&str] = &["GPTDevice", "MBRDevice"];

/// Boot settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BootConfiguration {
    /// The root.
    pub root: Root,
    /// Every `Element` of every `Object`, in order.
    pub elements: Vec<BootElement>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have; only `Objects` and what leads to [`BootElement`]s is looked at.
    pub unexpected: Vec<Unexpected>,
}

/// One `Element`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootElement {
    /// `FriendlyName` of the object it belongs to, e.g. `Windows Boot Manager`.
    pub object: Option<Spanned<Arc<str>>>,
    /// `DataType/WellKnownType`, e.g. `Allow Pre-release Signatures`.
    pub well_known_type: Option<Spanned<String>>,
    /// `DataType/RawType`, a number, where there is no well-known name.
    pub raw_type: Option<Spanned<String>>,
    /// Name of the element below `ValueType`, e.g. `BooleanValue`.
    pub value_kind: Option<Spanned<String>>,
    /// Its text.
    pub value: Option<Spanned<String>>,
    /// The kind of disk that a device value names: `GPTDevice` or `MBRDevice`, its name's place.
    pub disk: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `BootConfigurationDatabase/Objects/Object[2]/Elements/Element[1]`.
    pub route: String,
}

impl BootConfiguration {
    /// Reads boot settings. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            let mut configuration = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            for objects in reader.children(&root) {
                if objects.name() == "Objects" {
                    for object in reader.members(&objects, "Object") {
                        configuration.read_object(&mut reader, &object);
                    }
                } else {
                    reader.unexpected(&objects, &root);
                }
            }
            (configuration.comments, configuration.unexpected) = reader.finish();
            configuration
        })
    }

    fn read_object<'a>(&mut self, reader: &mut Reader<'a>, object: &Element<'a>) {
        let mut friendly_name = None;
        let slots = &mut [("FriendlyName", Slot::Value(&mut friendly_name))];
        let rest = reader.fill(object, slots);
        let friendly_name = friendly_name.map(|name| Spanned {
            value: Arc::from(name.value),
            span: name.span,
        });
        for child in rest {
            // An object may be named by its number and carry settings of its own; those are no elements.
            if child.name() == "Elements" {
                for element in reader.members(&child, "Element") {
                    self.elements
                        .push(read_element(reader, element, friendly_name.clone()));
                }
            }
        }
    }
}

fn read_element<'a>(
    reader: &mut Reader<'a>,
    element: Element<'a>,
    object: Option<Spanned<Arc<str>>>,
) -> BootElement {
    let mut read = BootElement {
        object,
        well_known_type: None,
        raw_type: None,
        value_kind: None,
        value: None,
        disk: None,
        element: element.span(),
        route: element.route.clone(),
    };
    for child in reader.children(&element) {
        match child.name() {
            "DataType" => {
                let slots = &mut [
                    ("WellKnownType", Slot::Value(&mut read.well_known_type)),
                    ("RawType", Slot::Value(&mut read.raw_type)),
                ];
                reader.fill_all(&child, slots);
            }
            "ValueType" => {
                if let Some(value) = reader.children(&child).first() {
                    read.value_kind = Some(reader.name(value));
                    read.value = Some(reader.text(value.node));
                    let mut nodes = value.node.descendants();
                    let disk = nodes.find(|node| DISKS.contains(&node.tag_name().name()));
                    let disk = disk.map(|node| Element {
                        node,
                        route: element.route.clone(),
                    });
                    read.disk = disk.map(|disk| reader.name(&disk));
                }
            }
            _ => reader.unexpected(&child, &element),
        }
    }
    read
}
