//! Files that carry signatures.

pub mod cat;

use std::ops::Range;

/// A part of what a digest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the input.
    Range(Range<u64>),
    /// Bytes that are not in the input as it stands, such as a header that signing will change.
    Literal(Vec<u8>),
}
