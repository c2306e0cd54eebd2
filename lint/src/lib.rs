//! Facts, rules, policies and diagnostics for image inputs and packages.
//!
//! Files become facts, rules judge facts, policies set the levels, renderers show the diagnostics. This crate reads
//! files only through a trait, so that a service can hand it a tree in memory; it holds no private key, asks no clock
//! and no network. Any input is hostile: what is malformed is a finding, never a panic.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod diagnostic;
pub mod facts;
pub mod files;
pub mod image;
pub mod nearest;
pub mod rule;
pub mod sources;
