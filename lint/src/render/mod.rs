//! What a run found, for people and for programs.

mod chain;
pub mod json;
mod revocation;
mod snippet;
pub mod text;
pub mod verification;
