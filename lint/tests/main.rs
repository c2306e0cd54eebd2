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
#[path = "../../formats/tests/tools/hive.rs"]
#[expect(dead_code, reason = "the tests of hives use the rest of it")]
mod hive_builder;
#[path = "../../formats/tests/tools/hive_export.rs"]
mod hive_export;
mod hostile;
#[path = "../../formats/tests/pe/builder.rs"]
#[expect(dead_code, reason = "the tests of images use the rest of it")]
mod image_builder;
mod images;
#[path = "../../formats/tests/appx/builder.rs"]
mod package_builder;
mod packages;
#[expect(dead_code, reason = "the rules' own tests use the rest of it")]
mod policy_builder;
#[path = "../../formats/tests/tools/shell.rs"]
mod shell;
mod support;
