//! Facts, rules, policies and diagnostics for image inputs and packages.

pub mod render;
