//! Bytes to structures and back.
//!
//! Containers (`.cab`, `.cat`, PE images, `.appx`) and documents (`OEMInput.xml`, feature manifests, `*.wm.xml`, ...) are read
//! here, with the byte places that a diagnostic needs. This crate knows no keys and no policy and opens no
//! file: callers hand it bytes, or something that is `Read + Seek`. Any input is hostile: nothing panics, every
//! length is checked before it is used, and an error names structure, field and offset.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod boot_configuration;
pub mod certificate;
pub mod container;
pub mod cursor;
pub mod der;
pub mod der_time;
pub mod disk;
pub mod document;
pub mod error;
pub mod file_system;
pub mod guid;
pub mod name_constraints;
pub mod nested;
pub mod oid;
pub mod patch;
pub mod registry_hive;
pub mod revocation;
pub mod signed_data;
pub mod source;
pub mod spc;
pub mod tbs_certificate;
mod windows_name;
pub mod x500;
