//! The one error of this crate: which field of which structure, where, and what is wrong with it.

use std::fmt;
use std::io;

/// A structure that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{structure}.{field} at offset {offset}: {problem}")]
pub struct ParseError {
    /// The structure's name as its specification writes it, e.g. `CFHEADER`.
    pub structure: &'static str,
    /// The field's name as its specification writes it, e.g. `cbCabinet`.
    pub field: &'static str,
    /// Byte offset from the start of the file.
    pub offset: u64,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The input ends before the field does.
    Truncated {
        /// Bytes the field needs.
        needed: u64,
        /// Bytes that are left.
        available: u64,
    },
    /// The value contradicts the specification or another field.
    Invalid {
        /// The value found.
        found: String,
        /// What the specification asks for.
        expected: String,
    },
    /// The value is beyond what this program is willing to read.
    Limit {
        /// The value found.
        found: u64,
        /// The largest accepted value.
        limit: u64,
    },
    /// Well formed, but a feature that is not supported; the text names it.
    Unsupported(String),
    /// The operating system refused to read.
    Io(io::ErrorKind),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { needed, available } => {
                write!(f, "needs {needed} bytes, the input has {available} left")
            }
            Self::Invalid { found, expected } => write!(f, "found {found}, expected {expected}"),
            Self::Limit { found, limit } => write!(f, "{found} is over the limit of {limit}"),
            Self::Unsupported(what) => write!(f, "{what} is not supported"),
            Self::Io(kind) => write!(f, "cannot be read: {kind}"),
        }
    }
}

impl ParseError {
    /// An error whose value was found to contradict its specification.
    pub fn invalid(
        structure: &'static str,
        field: &'static str,
        offset: u64,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        let problem = Problem::Invalid {
            found: found.to_string(),
            expected: expected.to_string(),
        };
        Self {
            structure,
            field,
            offset,
            problem,
        }
    }

    /// A value beyond a limit.
    pub fn limit(
        structure: &'static str,
        field: &'static str,
        offset: u64,
        found: impl Into<u64>,
        limit: impl Into<u64>,
    ) -> Self {
        let problem = Problem::Limit {
            found: found.into(),
            limit: limit.into(),
        };
        Self {
            structure,
            field,
            offset,
            problem,
        }
    }

    /// An error for a well-formed feature that is not supported.
    pub fn unsupported(
        structure: &'static str,
        field: &'static str,
        offset: u64,
        what: impl fmt::Display,
    ) -> Self {
        Self {
            structure,
            field,
            offset,
            problem: Problem::Unsupported(what.to_string()),
        }
    }

    /// An error for a failed read of the underlying input.
    pub fn io(
        structure: &'static str,
        field: &'static str,
        offset: u64,
        error: &io::Error,
    ) -> Self {
        Self {
            structure,
            field,
            offset,
            problem: Problem::Io(error.kind()),
        }
    }
}
