//! The one error of the documents: a text that cannot be read at all, with the place to look at.

use crate::source::Span;

/// A document that is not readable text or not well formed. A missing or odd part is never an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct DocumentError {
    /// Where it is wrong, in the bytes of the source's text. Never outside that text.
    pub span: Span,
    /// What is wrong.
    pub problem: DocumentProblem,
}

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentProblem {
    /// More bytes, elements, attributes or levels than this program is willing to read.
    #[error("{what}: {found} is over the limit of {limit}")]
    Limit {
        /// What was counted, e.g. `attributes of an element`.
        what: &'static str,
        /// The number found; counting may have stopped there.
        found: usize,
        /// The largest accepted number.
        limit: usize,
    },
    /// The XML declaration names an encoding that does not exist or is not read here.
    #[error("the declared encoding {0:?} is not known")]
    UnknownEncoding(String),
    /// The bytes contradict the declared encoding.
    #[error("the file declares {declared} but its bytes are {found}")]
    EncodingContradiction {
        /// The name in the XML declaration.
        declared: String,
        /// What the bytes show.
        found: &'static str,
    },
    /// A byte sequence that the encoding does not allow.
    #[error("the bytes here are not valid {0}")]
    InvalidBytes(&'static str),
    /// A document type definition. None of the inputs has one and entities could be nested to exhaust memory.
    #[error("a document type definition is not accepted")]
    DocumentType,
    /// Not well-formed XML, or a registry file whose first line is none.
    #[error("not well formed: {0}")]
    NotWellFormed(String),
}

impl DocumentError {
    /// An error at a place.
    pub fn new(span: impl Into<Span>, problem: DocumentProblem) -> Self {
        Self {
            span: span.into(),
            problem,
        }
    }
}
