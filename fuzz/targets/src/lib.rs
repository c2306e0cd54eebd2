//! What the fuzz targets do with an input, as plain functions: the programs in `fuzz_targets/` call them under the
//! fuzzer, and a test calls them with every file of `corpus/`.
//!
//! A target panics where the input shows a defect. Besides panics of the parsers themselves that is a broken promise:
//! what was signed is not found again, a removed signature leaves other bytes, a place lies outside its text, a digest
//! is called right after a byte under it was changed. To add one, see `fuzz/README.md`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a defect shows by a panic"
)]

mod app_package;
mod boot_configuration;
mod bytes;
mod cabinet;
mod catalog;
mod catalog_definition;
mod certificate;
mod compact_os;
mod der;
mod disk;
mod document;
mod efi_variable;
mod file_system;
mod full_flash_update;
mod image;
mod lint;
mod pfx;
mod registry_hive;
mod revocation;
mod si_policy;
mod signed_data;
mod time_stamp_reply;
mod verify;

/// What a target does with an input.
type Target = fn(&[u8]);

/// Name and function of every target, sorted.
const ALL: &[(&str, Target)] = &[
    ("app_package", app_package::run),
    ("boot_configuration", boot_configuration::run),
    ("cabinet", cabinet::run),
    ("catalog", catalog::run),
    ("catalog_definition", catalog_definition::run),
    ("certificate", certificate::run),
    ("compact_os", compact_os::run),
    ("der", der::run),
    ("disk", disk::run),
    ("document", document::run),
    ("efi_variable", efi_variable::run),
    ("file_system", file_system::run),
    ("full_flash_update", full_flash_update::run),
    ("image", image::run),
    ("lint", lint::run),
    ("pfx", pfx::run),
    ("registry_hive", registry_hive::run),
    ("revocation", revocation::run),
    ("si_policy", si_policy::run),
    ("signed_data", signed_data::run),
    ("time_stamp_reply", time_stamp_reply::run),
    ("verify", verify::run),
];

/// The names of all targets.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// Does with `input` what the target `name` does.
///
/// # Panics
/// Where there is no such target, and where the input shows a defect.
pub fn run(name: &str, input: &[u8]) {
    let target = ALL.iter().find(|(known, _)| *known == name);
    let (_, run) = target.unwrap_or_else(|| panic!("there is no target {name}"));
    run(input);
}
