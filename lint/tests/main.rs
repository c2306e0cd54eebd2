//! What the linter says of whole folders.

mod addonkit;
#[path = "../../signer/tests/authority.rs"]
#[expect(dead_code, reason = "the signer's own tests use the rest of it")]
mod authority;
mod docs;
mod example;
mod facts;
mod fixes;
mod fixtures;
mod hostile;
#[path = "../../formats/tests/pe/builder.rs"]
#[expect(dead_code, reason = "the tests of images use the rest of it")]
mod image_builder;
#[path = "../../formats/tests/appx/builder.rs"]
mod package_builder;
mod packages;
mod support;
