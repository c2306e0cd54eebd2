//! What the linter says of whole folders.

mod example;
mod fixtures;
mod support;
