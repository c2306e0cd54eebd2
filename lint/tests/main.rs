//! What the linter says of whole folders.

mod addonkit;
mod example;
mod fixtures;
mod support;
