//! What all documents are made of: a root, values, lists of values, and what was not expected.

use crate::source::{Span, Spanned};

/// The root element as it stands, right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Local name, e.g. `OEMInput`; the span is that of the name in the start tag, prefix included.
    pub name: Spanned<String>,
    /// Namespace, absent when the element is in none.
    pub namespace: Option<String>,
    /// The whole element.
    pub element: Span,
}

impl Default for Root {
    /// A root without a name, for a document that is about to be read.
    fn default() -> Self {
        let name = Spanned {
            value: String::new(),
            span: Span::default(),
        };
        Self {
            name,
            namespace: None,
            element: Span::default(),
        }
    }
}

impl Root {
    /// Whether name and namespace (`""` for none) are exactly these.
    pub fn is(&self, name: &str, namespace: &str) -> bool {
        self.name.value == name && self.namespace.as_deref().unwrap_or_default() == namespace
    }
}

/// An element of a list, e.g. one `Feature`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its text, blanks around it left out; empty when there is none.
    pub text: Spanned<String>,
    /// The whole element with its tags, what a fix comments out.
    pub element: Span,
    /// Symbolic place, e.g. `OEMInput/Features/Microsoft/Feature[3]`; numbers count from 1 among equal names.
    pub route: String,
}

/// A list element such as `AdditionalFMs`; without an element when the document has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The whole list element, absent when the document has no such list. The first one where it is repeated.
    pub element: Option<Span>,
    /// What stands between its tags, where a fix can add; absent for `<List/>`.
    pub content: Option<Span>,
    /// The members in order, those of a repeated list element included.
    pub items: Vec<Item>,
}

impl List {
    /// Whether the document has the list element, even an empty one.
    pub fn is_present(&self) -> bool {
        self.element.is_some()
    }

    /// The members' texts in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.text.value.as_str())
    }
}

/// An attribute with the places of its name and of its value (quotes left out).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Local name.
    pub name: Spanned<String>,
    /// Value, blanks around it kept.
    pub value: Spanned<String>,
}

/// Something that the document's schema does not have at this place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected {
    /// Which kind of thing.
    pub kind: UnexpectedKind,
    /// Its name and the name's place.
    pub name: Spanned<String>,
    /// Whole element or attribute.
    pub span: Span,
    /// Symbolic place of the element that contains it.
    pub parent: String,
}

/// The kinds of [`Unexpected`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnexpectedKind {
    /// An element that the schema does not know here, or one of another namespace.
    Element,
    /// An attribute that the schema does not know here.
    Attribute,
    /// A known element that may stand here once and stands here again; the first one counts.
    Repeated,
}

/// A comment; switched-off entries are kept as comments in these files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The text between `<!--` and `-->` and its place.
    pub text: Spanned<String>,
    /// The whole comment with its delimiters.
    pub span: Span,
    /// The element that follows it in the same parent.
    pub next: Option<Span>,
}
