//! What the linter says of whole folders.

mod addonkit;
mod docs;
mod example;
mod fixtures;
mod support;
