//! Facts, rules, policies and diagnostics for image inputs and packages.
//!
//! Files become facts, rules judge facts, policies set the levels, renderers show the diagnostics. This crate reads
//! files only through a trait, so that a service can hand it a tree in memory; it holds no private key, asks no clock
//! and no network. Any input is hostile: what is malformed is a finding, never a panic.
//!
//! ```
//! use lint::engine::{gather, judge};
//! use lint::files::Memory;
//! use lint::policy::Policies;
//!
//! let input = r#"<OEMInput xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate"/>"#;
//! let files: Memory = [("RetailOEMInput.xml", input)].into_iter().collect();
//! let workspaces = gather(&files, &["RetailOEMInput.xml".into()], &Default::default())?;
//! let outcome = judge(&workspaces, &Policies::built_in());
//! assert!(outcome.diagnostics.iter().any(|found| found.rule == "release-type-missing"));
//! # Ok::<(), lint::engine::GatherError>(())
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod baseline;
pub mod cache;
mod constraints;
pub mod diagnostic;
pub mod discover;
pub mod earlier;
pub mod engine;
pub mod expiry;
pub mod explain;
pub mod facts;
pub mod feature_map;
pub mod files;
pub mod fingerprint;
pub mod fix;
pub mod full_flash;
pub mod image;
pub mod inside;
pub mod key_files;
pub mod lists;
pub mod nearest;
pub mod own;
pub mod policy;
pub mod read;
pub mod render;
pub mod resolve;
pub mod rule;
pub mod rules;
pub mod security;
pub mod sources;
pub mod suppression;
#[cfg(test)]
mod testing;
mod unchecked;
pub mod verify;
