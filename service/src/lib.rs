//! `proofmark serve`: keys that sign only what passes the policy of their profile.
//!
//! A request names a profile. The profile names the policy that a file must pass, whose approval is needed, and the
//! key. What was decided is an entry of an append-only log ([`audit`]) that is committed before a signature leaves.
//! This crate parses and signs nothing itself; what it asks of the outside (keys, clock, network) is given to it as
//! a [`state::Setup`].
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod archive;
pub mod artifact;
pub mod audit;
pub mod auth;
pub mod backup;
mod catalogue;
mod chance;
pub mod clock;
pub mod config;
mod configured;
mod decisions;
mod drain;
mod expiry;
mod files;
mod gate;
mod headers;
mod health;
mod idempotency;
mod journal;
mod limits;
mod lint_api;
mod listen;
mod metrics;
mod named;
mod openapi;
mod owner;
mod page;
mod problem;
pub mod profile;
mod reason;
mod report;
mod request;
mod router;
mod sight;
mod sign;
pub mod state;
pub mod store;
pub mod tls;
#[cfg(feature = "otel")]
mod traces;
mod upload;
mod verify_api;
pub mod webhook;
mod window;
mod workers;

pub use journal::LogFormat;
pub use listen::{Ready, ServeError, block_on, serve};
