//! Reports for people and for programs.

pub mod verification;
