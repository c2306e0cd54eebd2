//! `*.reg`: registry contents as the registry editor exports them.

use super::registry::{Notation, Registry};
use crate::source::{Span, Spanned};

/// A registry file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegFile {
    /// The first line: `Windows Registry Editor Version 5.00` or `REGEDIT4`.
    pub header: Spanned<String>,
    /// Which of the two it is.
    pub notation: Notation,
    /// The contents.
    pub registry: Registry,
    /// Lines that are neither key, value, comment nor blank.
    pub unreadable: Vec<Span>,
}
