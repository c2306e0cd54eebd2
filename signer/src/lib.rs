//! Digests, keys, Authenticode signing, verification and trust.
//!
//! Two paths meet in this crate. Writing: key and digest make a CMS blob, the container turns it into a patch,
//! [`output`] applies it. Reading: [`verify`] records independent outcomes for every signature of a file, and
//! [`anchor`] says what kind of key its chain ends at. Time is an argument; nothing here reads the time of day, a policy
//! file or the environment.
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

pub mod anchor;
pub mod app_package;
pub mod catalog;
pub mod chain;
pub mod clock;
pub mod cms;
pub mod cross_certificate;

pub mod detached;
pub mod digest;
pub mod embedded;
pub mod environment;
pub mod full_flash;
pub mod identity;
pub mod intermediates;
pub mod issue;
pub mod key;
pub mod key_purpose;
pub mod keygen;
pub mod oem_pki;
pub mod output;
pub mod package;
pub mod page_hash;
pub mod pfx;
pub mod process;
pub mod public_key;
pub mod published;
pub mod revocation;
pub mod sign;
pub mod signer_certificates;
pub mod timestamp;
pub mod verify;
