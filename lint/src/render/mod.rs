//! What a run found, for people and for programs.

pub mod json;
mod snippet;
pub mod text;
pub mod verification;
