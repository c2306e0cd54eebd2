//! What the signer promises, on the test certificates and on other people's files.

mod app_package;
mod authority;
mod catalog;
mod efi_variable;
mod full_flash;
mod identity;
mod image;
#[path = "../../formats/tests/pe/builder.rs"]
mod image_builder;
mod malformed;
mod nested;
mod network;
mod oracle;
#[path = "../../formats/tests/appx/builder.rs"]
mod package_builder;
mod real_files;
mod remote_key;
mod revocation;
mod round_trip;
mod servers;
mod si_policy;
mod stamped;
mod support;
mod timestamp;
mod trust;
