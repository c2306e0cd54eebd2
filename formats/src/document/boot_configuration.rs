//! `*.BCD.xml`: boot settings that a package writes into the boot configuration store.

use super::parts::{Comment, Root, Unexpected};
use crate::source::{Span, Spanned};

/// Name of the root element.
pub const ROOT: &str = "BootConfigurationDatabase";
/// Its namespace.
pub const NAMESPACE: &str = "http://schemas.microsoft.com/phone/2011/10/BootConfiguration";

/// Boot settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootConfiguration {
    /// The root.
    pub root: Root,
    /// Every `Element` of every `Object`, in order.
    pub elements: Vec<BootElement>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// One `Element`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootElement {
    /// `FriendlyName` of the object it belongs to, e.g. `Windows Boot Manager`.
    pub object: Option<Spanned<String>>,
    /// `DataType/WellKnownType`, e.g. `Allow Pre-release Signatures`.
    pub well_known_type: Option<Spanned<String>>,
    /// `DataType/RawType`, a number, where there is no well-known name.
    pub raw_type: Option<Spanned<String>>,
    /// Name of the element below `ValueType`, e.g. `BooleanValue`.
    pub value_kind: Option<Spanned<String>>,
    /// Its text.
    pub value: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
    /// Symbolic place, e.g. `BootConfigurationDatabase/Objects/Object[2]/Elements/Element[1]`.
    pub route: String,
}
