//! The program from outside: what it prints, writes and exits with, and what other people's tools say of its files.

mod addon_kit;
mod app_packages;
mod audit;
#[allow(dead_code, reason = "the signer's own tests use the rest of it")]
#[path = "../signer/tests/authority.rs"]
mod authority;
#[cfg(feature = "aws-kms")]
mod aws_kms;
mod azure_key_vault;
mod bad_input;
mod catalog;
mod cbs;
mod certs;
mod chains;
mod cloud;
mod definitions;
mod demo;
mod detached;
mod feature_map;
mod features;
mod folder;
mod google_cloud_kms;
mod image;
#[allow(dead_code, reason = "the tests of images use the rest of it")]
#[path = "../formats/tests/pe/builder.rs"]
mod image_builder;
mod image_lint;
mod integrations;
mod keys_doctor;
mod killed;
mod lint_cache;
mod lint_fix;
mod lint_policies;
mod loopback;
mod lsp;
#[cfg(any(feature = "aws-kms", feature = "s3"))]
mod moto;
mod osslsigncode;
mod own_rules;
mod package_build;
#[path = "../formats/tests/appx/builder.rs"]
mod package_builder;
mod package_layers;
mod package_rebuild;
mod packaging;
mod policies;
mod progress;
mod remote;
mod reports;
mod resign;
mod revocation;
mod service;
mod shipped;
mod sign_and_verify;
mod sign_with_command;
mod sign_with_token;
mod signify;
mod signing_again;
mod smime;
mod support;
mod timestamp;
mod timestamp_servers;
mod token;
mod watch;
