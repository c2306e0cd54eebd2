//! What the signer promises, on the test certificates and on other people's files.

mod authority;
mod catalog;
mod identity;
mod image;
#[path = "../../formats/tests/pe/builder.rs"]
mod image_builder;
mod nested;
mod network;
mod oracle;
mod real_files;
mod remote_key;
mod round_trip;
mod servers;
mod support;
mod timestamp;
